//! What holds for every request.

use std::{collections::BTreeMap, sync::LazyLock};

use comity_domain::{Decision, FactSource, FactValue, Outcome, Request, Stated};
use proptest::prelude::*;

use super::small::{FR, ORDER, decide, library, offence, request, verdict};
use crate::Library;

const RULES: &str = r"
  - {id: order-penalty, title: {en: Light}, cite: act art 1, effect: refuse, when: [context.offence.max_penalty_months < 6]}
  - {id: order-dual, title: {en: Dual}, cite: act art 1, effect: may-refuse, when: [context.dual_criminality == false], unless: [context.offence.annex_d && context.offence.max_penalty_months >= 36]}
  - {id: order-death, title: {en: Death}, cite: act art 1, effect: refer, role: executing-judge, question: {en: Death?}, when: [context.offence.death_possible]}
  - {id: order-minor, title: {en: Minor}, cite: act art 1, effect: require, remedy: {en: Say more}, field: persons, when: [context.persons.minor]}
";
const FRENCH: &str = r"
  - {id: fr-political, title: {en: Political}, cite: act art 1, stage: inbound, effect: refuse, when: [context.offence.political]}
  - {id: fr-late, title: {en: Before}, cite: act art 1, stage: inbound, effect: refuse, when: ['context.offence.committed < datetime(`2020-01-01`)']}
";

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let french = FRENCH.replace('`', "\"");
    library(&[(ORDER, RULES), (FR, &french)])
});

fn fact() -> impl Strategy<Value = (&'static str, FactValue)> {
    let truth = |name| any::<bool>().prop_map(move |truth| (name, FactValue::Truth(truth)));
    let day = prop_oneof![Just("2019-12-31"), Just("2020-01-01"), Just("yesterday")];
    prop_oneof![
        truth("dual_criminality"),
        truth("offence.political"),
        truth("offence.annex_d"),
        truth("offence.death_possible"),
        truth("persons.minor"),
        truth("no.such.fact"),
        truth("issuing.competent"),
        (0..80_i64).prop_map(|months| ("offence.max_penalty_months", FactValue::Number(months))),
        day.prop_map(|day| ("offence.committed", FactValue::Text(day.into()))),
    ]
}

fn source() -> impl Strategy<Value = FactSource> {
    prop_oneof![
        Just(FactSource::Requester),
        Just(FactSource::Executing),
        Just(FactSource::Judgement),
    ]
}

pub(super) fn requests() -> impl Strategy<Value = Request> {
    let facts = prop::collection::vec((fact(), source()), 0..8);
    let offence = (
        prop_oneof![Just("StGB 263"), Just("StGB 242"), Just("StGB 1")],
        prop::option::of(0..80_u32),
        prop::option::of(any::<bool>()),
        prop::option::of(Just("D20")),
    )
        .prop_map(|(provision, months, death, category)| {
            let mut offence = offence(provision);
            offence.max_penalty_months = months;
            offence.death_possible = death;
            offence.category = category.map(Into::into);
            offence
        });
    let offences = prop::collection::vec(offence, 0..3);
    let measure = prop_oneof![Just("data.traffic"), Just("hearing"), Just("team")];
    let instrument = prop_oneof![Just(None), Just(Some("order")), Just(Some("treaty"))];
    (facts, offences, measure, instrument).prop_map(|(facts, offences, measure, instrument)| {
        let facts = facts
            .into_iter()
            .map(|((name, value), source)| (name.into(), Stated { value, source }));
        Request {
            facts: facts.collect::<BTreeMap<_, _>>(),
            offences,
            measure: measure.parse().unwrap(),
            instrument: instrument.map(|instrument| instrument.parse().unwrap()),
            ..request()
        }
    })
}

/// Grounds that hold, by rule.
fn grounds(decision: &Decision) -> Vec<&str> {
    let grounds = decision.grounds.iter();
    grounds.map(|ground| ground.rule.rule.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn approval_leaves_nothing_unknown_and_alone_gives_a_permit(request in requests()) {
        let verdict = verdict(&LIBRARY, &request);
        let decision = &verdict.decision;
        prop_assert_eq!(decision.outcome == Outcome::Approved, verdict.permit.is_some());
        if decision.outcome == Outcome::Approved {
            prop_assert!(decision.grounds.is_empty() && decision.referrals.is_empty());
            prop_assert!(decision.requirements.is_empty());
            prop_assert_eq!(decision.permits.len(), 3);
            if decision.instrument.as_ref().unwrap().as_str() == "order" {
                prop_assert!(decision.facts.contains_key("offence.committed"));
                prop_assert!(decision.facts.contains_key("offence.max_penalty_months"));
            }
        } else {
            let found = decision.grounds.len() + decision.referrals.len() + decision.requirements.len();
            prop_assert!(found > 0, "{:?} without a reason", decision.outcome);
        }
    }

    #[test]
    fn a_further_statement_on_one_thing_never_lifts_a_refusal_on_another(
        mut request in requests(),
        (name, value) in fact(),
        source in source(),
    ) {
        request.facts.remove(name);
        let before = decide(&LIBRARY, &request);
        // A refusal that reads the fact may end with it; no other may.
        let others: Vec<String> = before
            .grounds
            .iter()
            .filter(|ground| !ground.rule.facts_used.iter().chain(&ground.rule.facts_missing).any(|fact| &**fact == name))
            .map(|ground| ground.rule.rule.to_string())
            .collect();
        request.facts.insert(name.into(), Stated { value, source });
        let after = decide(&LIBRARY, &request);
        for ground in others {
            prop_assert!(grounds(&after).contains(&ground.as_str()), "{ground} is gone");
            prop_assert_eq!(after.outcome, Outcome::Refused);
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer(request in requests()) {
        prop_assert_eq!(decide(&LIBRARY, &request), decide(&LIBRARY, &request));
    }
}
