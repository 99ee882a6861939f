//! Edits that show in what instruments carry, and under which rules are asked.

use comity_domain::Outcome;

use super::{
    super::small::{FR, ORDER, TREATY, edited},
    VOCABULARY, compare,
};
use crate::Matters;

#[test]
fn a_kind_of_which_there_are_none_is_not_every_instrument() {
    let rule = |instruments: &str| {
        format!(
            "  - {{id: fr-hearing, title: {{en: No hearings}}, cite: act art 1, stage: inbound, \
             effect: refuse, measures: [hearing]{instruments}}}\n"
        )
    };
    let kinds = (
        VOCABULARY,
        "types:\n",
        "types:\n  InstrumentKind: [mutual-assistance]\n",
    );
    let library = |instruments| edited(&[(FR, &rule(instruments))], &[kinds]);
    let difference = compare(&library(""), &library(", instruments: [mutual-assistance]"));
    let [change] = difference.changes.as_slice() else {
        panic!("{:?}", difference.changes);
    };
    assert_eq!(change.aspects[0].aspect, "instruments");
    assert_eq!(difference.effects[0].outcomes[0], Outcome::Refused);
    assert_ne!(difference.effects[0].outcomes[1], Outcome::Refused);
}

#[test]
fn what_one_instrument_carries_decides_what_another_does() {
    let yields = r"
  - {id: treaty-yields, title: {en: Yields}, cite: act art 2, effect: refuse, when: [context.basis.treaty == true]}
";
    let library = |edits: &[_]| edited(&[(TREATY, yields)], edits);
    let bound = "FR: {since: 2017-05-22,";
    for (from, to) in [
        (
            "prevails_over: [{instrument: treaty, cite: act art 34}]\n",
            "",
        ),
        (
            "status: in-force",
            "status: {not-in-force: {reason: {en: Too few}, checked: 2026-01-01}}",
        ),
        (
            "exclude: [{measure: team, cite: act art 3}]",
            "exclude: [{measure: data, cite: act art 3}]",
        ),
        (bound, "FR: {since: 2026-12-01,"),
        // Not on the usual day.
        (bound, "FR: {since: 2017-05-22, until: 2029-01-01,"),
    ] {
        let difference = compare(&library(&[]), &library(&[(ORDER, from, to)]));
        let treaty =
            |matters: &Matters| matters.named.iter().any(|named| named.as_str() == "treaty");
        let mut effects = difference.effects.iter();
        assert!(
            effects.any(|effect| effect.matters.iter().any(treaty)),
            "{to}"
        );
    }
}
