//! How changed conditions differ, by proof. Where no solver is on the path, that
//! nothing is proved and that it is said.

use proptest::prelude::*;

use super::small::{ORDER, library};
use crate::{Difference, Relation, scenario::outcome};

/// What separates two libraries whose one changed rule has these lines.
fn changed(old: &str, new: &str) -> Difference {
    let with = |line: &str| {
        let rule = format!(
            "  - id: order-changed\n    title: {{en: Changed}}\n    cite: act art 1\n    effect: refuse\n    when:\n      - '{line}'\n"
        );
        library(&[(ORDER, &rule)])
    };
    with(old).compare(&with(new), "2026-11-23".parse().unwrap(), &|_| {})
}

/// What is known of the changed rule, where a solver was asked.
fn proved(old: &str, new: &str) -> Option<Relation> {
    let difference = changed(old, new);
    let [rule] = difference.rules.as_slice() else {
        panic!("{:?}", difference.rules);
    };
    match difference.unproved {
        Some(why) => {
            // One that is named must be used.
            assert!(std::env::var_os("CVC5").is_none() && !rule.proved, "{why}");
            assert_eq!(why, "the solver cvc5 is not on the path");
            None
        }
        None => Some(rule.relation.clone()),
    }
}

#[track_caller]
fn assert_proved(old: &str, new: &str, relation: &Relation) {
    if let Some(found) = proved(old, new) {
        assert_eq!(found, *relation, "{old} -> {new}");
    }
}

#[test]
fn conditions_are_compared_by_proof() {
    let months = |line: &str| line.replace("months", "context.offence.max_penalty_months");
    for (old, new, relation) in [
        ("months >= 36", "months >= 12", Relation::More),
        ("months >= 12", "months >= 36", Relation::Less),
        ("months >= 12", "months < 6", Relation::Both),
        ("months >= 36", "!(months < 36)", Relation::Same),
        (
            "months >= 36",
            "months >= 36 && !(months == 7)",
            Relation::Same,
        ),
    ] {
        assert_proved(&months(old), &months(new), &relation);
    }
    for (old, new, relation) in [
        (
            "context.measure.contains(Measure::\"data\")",
            "context.measure.contains(Measure::\"data.traffic\")",
            Relation::Less,
        ),
        // Whatever is traffic data is coercive by the measure tree alone.
        (
            "context.measure.contains(Measure::\"coercive\")",
            "context.measure.contains(Measure::\"data.traffic\")",
            Relation::Same,
        ),
        (
            "context.assurances.contains(AssuranceKind::\"no-death-penalty\")",
            "!context.assurances.isEmpty()",
            Relation::Same,
        ),
        (
            "context.urgency == Urgency::\"routine\" || context.urgency == Urgency::\"urgent\"",
            "context.urgency != Urgency::\"emergency\"",
            Relation::Same,
        ),
    ] {
        assert_proved(old, new, &relation);
    }
}

#[test]
fn what_may_overflow_is_not_analysable() {
    let relation = proved(
        "context.offence.max_penalty_months >= 36",
        "context.offence.max_penalty_months + 1 >= 37",
    );
    if let Some(relation) = relation {
        let why = "a calculation in it may overflow".to_owned();
        assert_eq!(relation, Relation::NotAnalysable(why));
    }
}

#[test]
fn a_case_that_only_the_solver_finds_becomes_an_example() {
    // Between the values that the lines name, and next to none of them.
    let old = "context.offence.max_penalty_months * 2 == 1";
    let new = "context.offence.max_penalty_months * 3 == 60";
    let difference = changed(old, new);
    if difference.unproved.is_none() {
        // Products may overflow, and are left to the search.
        assert!(!difference.rules[0].proved);
    }
    let old = "context.offence.annex_d && !context.offence.annex_d";
    let new = "context.language == \"xx\"";
    let difference = changed(old, new);
    let found = difference
        .effects
        .iter()
        .map(|effect| effect.outcomes.map(outcome));
    assert!(
        found
            .into_iter()
            .any(|outcomes| outcomes == ["APPROVED", "REFUSED"])
    );
}

/// Lines over three facts.
fn line() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        (0..50_i64).prop_map(|n| format!("context.offence.max_penalty_months >= {n}")),
        (0..50_i64).prop_map(|n| format!("context.offence.max_penalty_months == {n}")),
        Just("context.offence.annex_d".to_owned()),
        Just("context.urgency == Urgency::\"urgent\"".to_owned()),
    ];
    leaf.prop_recursive(2, 6, 2, |inner| {
        (inner.clone(), prop::sample::select(vec!["&&", "||"]), inner)
            .prop_map(|(one, sign, other)| format!("({one}) {sign} !({other})"))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(12) })]

    #[test]
    fn a_proof_and_the_search_agree(old in line(), new in line()) {
        let difference = changed(&old, &new);
        if difference.unproved.is_none() {
            for rule in &difference.rules {
                prop_assert!(rule.proved, "{old} -> {new}: {:?}", rule.relation);
                // Over single facts the search finds every way to tell lines apart.
                let refused = |effect: &&crate::Effect| effect.outcomes.map(outcome) == ["APPROVED", "REFUSED"];
                let allowed = |effect: &&crate::Effect| effect.outcomes.map(outcome) == ["REFUSED", "APPROVED"];
                let more = matches!(rule.relation, Relation::More | Relation::Both);
                let less = matches!(rule.relation, Relation::Less | Relation::Both);
                prop_assert_eq!(difference.effects.iter().any(|effect| refused(&effect)), more, "{} -> {}", old, new);
                prop_assert_eq!(difference.effects.iter().any(|effect| allowed(&effect)), less, "{} -> {}", old, new);
            }
        }
    }
}
