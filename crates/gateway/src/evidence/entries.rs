//! The entries on items of evidence, of which none moves a case.

use comity_domain::CaseId;
use comity_ledger::Leaf;
use comity_store::{CommitError, Committed, Durable, Transaction};

use crate::{gateway::Gateway, happen::Unfiled, record, refusal::Refusal};

/// Records that an item of evidence is erased. That moves no case, and is written beyond
/// the size limit too.
pub(super) async fn erased(
    gateway: &Gateway,
    leaf: Leaf,
    record: Vec<u8>,
) -> Result<Durable<Committed>, Refusal> {
    let committed = gateway
        .store()
        .commit(record::essential(leaf, record))
        .await;
    committed.map_err(|error| match matches!(error, CommitError::Held { .. }) {
        true => record::held(),
        false => record::unavailable(error),
    })
}

/// Records that an item of evidence is stored, if the case is still at the version at which
/// that was allowed. Beyond the size limit too: it answers a case that was accepted before,
/// and a side stores only so many.
pub(super) async fn stored(
    gateway: &Gateway,
    (leaf, kept): (Leaf, Vec<u8>),
    allowed: (CaseId, u64),
) -> Result<Durable<Committed>, Unfiled> {
    let transaction = Transaction {
        unmoved: Some(allowed),
        ..record::essential(leaf, kept)
    };
    Ok(gateway.store().commit(transaction).await?)
}

/// Records that an item of evidence is read, if the case is still at the version at which
/// that was allowed. There is no end to readings, and so they end with the room.
pub(super) async fn reading(
    gateway: &Gateway,
    leaf: Leaf,
    allowed: (CaseId, u64),
) -> Result<Durable<Committed>, Unfiled> {
    let transaction = Transaction {
        unmoved: Some(allowed),
        essential: false,
        ..record::essential(leaf, Vec::new())
    };
    Ok(gateway.store().commit(transaction).await?)
}
