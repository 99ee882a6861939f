//! Errors in one line.

use std::{error::Error, iter};

/// An error with all that caused it.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |error| (*error).source());
    let causes: Vec<_> = causes.map(ToString::to_string).collect();
    causes.join(": ")
}
