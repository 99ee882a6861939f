//! Timestamps and what authorities answer, with changed bytes.

use comity_ledger::Token;
use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    holds,
    mutation::{mutated, mutations},
};
use crate::timestamps::tokens::{Answered, NOTE, answered_by_openssl};

/// Bytes that hold nothing may change, such as certificates that nobody asked for.
#[test]
fn a_changed_timestamp_is_refused_or_says_the_same() {
    let Answered {
        query,
        replies: [reply, other],
        roots,
    } = answered_by_openssl();
    let now = Timestamp::now();
    let truth = query.accept(&reply, &roots, now).unwrap();
    holds("timestamp", 2000, &mutations(), |mutations| {
        let changed = mutated(&truth.bytes, &other, &mutations);
        if let Ok(found) = Token::verify(&changed, NOTE, &roots) {
            prop_assert_eq!((found.at, &found.by), (truth.at, &truth.by));
        }
        let changed = mutated(&reply, &other, &mutations);
        if let Ok(found) = query.accept(&changed, &roots, now) {
            prop_assert_eq!((found.at, found.by), (truth.at, truth.by.clone()));
        }
        Ok(())
    });
}
