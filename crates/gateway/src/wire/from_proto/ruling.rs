//! Answers of humans, read from the records in which they stand.

use std::sync::Arc;

use comity::v1;
use comity_domain::{Judgement, Ruling};

/// The answers that a decision on record rests on; `None` where it is none of
/// ours.
#[must_use]
pub fn rulings(decision: &v1::Decision) -> Option<Vec<Ruling>> {
    decision.rulings.iter().map(ruling).collect()
}

fn ruling(ruling: &v1::Ruling) -> Option<Ruling> {
    let v1::Ruling {
        // The basis stands for the rule and what it read.
        rule: _,
        fact: _,
        released,
        task,
        basis_sha256,
    } = ruling;
    Some(Ruling {
        basis: basis_sha256.parse().ok()?,
        judgement: if *released {
            Judgement::Release
        } else {
            Judgement::Uphold
        },
        task: Arc::from(task.as_str()),
    })
}
