//! Proof, as a type, that something reached the disk.

use std::ops::Deref;

use crate::{Committed, Job};

/// A value that is durably recorded.
///
/// Only the store makes one, and only after the transaction that holds it was
/// committed and flushed. Whatever must not happen before its record exists
/// takes a `Durable` and so cannot be called without one:
///
/// ```compile_fail
/// let forged = comity_store::Durable(());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Durable<T>(T);

impl<T> Durable<T> {
    /// For the writer alone, after COMMIT.
    pub(crate) fn after_commit(value: T) -> Self {
        Self(value)
    }

    /// The value, no longer proven durable.
    #[must_use]
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl Durable<Committed> {
    /// Takes out the jobs that the transaction enqueued and kept for its maker.
    pub fn take_held(&mut self) -> impl Iterator<Item = Durable<Job>> + use<> {
        std::mem::take(&mut self.0.held).into_iter().map(Durable)
    }
}

impl<T> Deref for Durable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}
