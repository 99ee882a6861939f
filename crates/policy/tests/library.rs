//! The shipped policy library: it loads, every scenario beside a module ends
//! as its author expects, and what must hold for every request holds.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, LazyLock},
};

use comity_domain::{
    Decision, Executing, FactSource, FactValue, Facts, Issuing, Offence, Outcome, Request, Stated,
    Urgency,
};
use comity_policy::{FormCheck, Library, Question, ScenarioResult};
use proptest::prelude::*;

/// Requests with the outcome a careful lawyer expects, as the modules tell
/// them; none may be lost when modules are rewritten.
const SHIPPED: &[&str] = &[
    "S01", "S02", "S04", "S09", "S22", "S24", "S26", "S27", "S31", "S36", "S40", "S41", "S47",
    "S52", "S53", "S57", "S58", "S60", "S61", "S63", "S67", "S68", "S77", "S01v", "S24v", "S41v",
    "S58v",
];

static LIBRARY: LazyLock<Library> = LazyLock::new(|| {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    #[expect(clippy::panic, reason = "the report is what to read")]
    Library::load(&dir).unwrap_or_else(|report| panic!("{report}"))
});

static SCENARIOS: LazyLock<Vec<ScenarioResult>> = LazyLock::new(|| LIBRARY.run_scenarios());

#[test]
fn every_scenario_ends_as_expected() {
    let failed: Vec<String> = SCENARIOS
        .iter()
        .filter(|result| !result.failures.is_empty())
        .map(|result| {
            let failures = result.failures.join("\n    ");
            let ScenarioResult {
                module, id, title, ..
            } = result;
            format!("{module} {id} ({title})\n    {failures}")
        })
        .collect();
    let (failed, of, list) = (failed.len(), SCENARIOS.len(), failed.join("\n"));
    assert_eq!(failed, 0, "{failed} of {of} scenarios failed:\n{list}");
    assert_eq!(LIBRARY.engine_errors(), 0);
}

#[test]
fn the_lawyers_scenarios_are_all_there() {
    let passed: BTreeSet<&str> = SCENARIOS
        .iter()
        .filter(|result| result.failures.is_empty())
        .map(|result| result.id.as_str())
        .collect();
    let lost: Vec<_> = SHIPPED.iter().filter(|id| !passed.contains(*id)).collect();
    assert!(lost.is_empty(), "not there, or not passed: {lost:?}");
}

/// Measures of Directive 2014/41/EU Art. 10(2), which lift Art. 11(1)(g), (h).
const ALWAYS_AVAILABLE: [&str; 5] = [
    "data.subscriber",
    "register.query",
    "evidence-held",
    "hearing.witness",
    "hearing.suspect",
];
/// Measures of every sort.
const MEASURES: [&str; 6] = [
    "search.premises",
    "data.traffic",
    "data.content",
    "bank.transactions",
    "interception.with-assistance",
    "police.information",
];
/// States, an authority of each that sends requests, and its language.
const STATES: [(&str, &str, &str); 6] = [
    ("DE", "sta-berlin", "de"),
    ("FR", "tj-paris-ji", "fr"),
    ("NL", "rc-amsterdam", "nl"),
    ("IE", "ie-central-authority", "en"),
    ("GB", "ukca", "en"),
    ("US", "doj-oia", "en"),
];

prop_compose! {
    fn requests()(
        (issuing, authority, _) in prop::sample::select(&STATES[..]),
        (executing, _, language) in prop::sample::select(&STATES[..]),
        measure in prop::sample::select([&ALWAYS_AVAILABLE[..], &MEASURES[..]].concat()),
        instrument in prop::option::of(prop::sample::select(&["eio", "epoc", "cets-224", "mla-2000"][..])),
        category in prop::option::of(Just("D20")),
        max_penalty_months in prop::option::of(0..200_u32),
        death_possible in prop::option::of(any::<bool>()),
        dual_criminality in prop::option::of(any::<bool>()),
        raised in prop::sample::subsequence(&RAISED[..], 0..3),
    ) -> Request {
        let facts = dual_criminality
            .map(|truth| ("dual_criminality", truth))
            .into_iter()
            .chain(raised.into_iter().map(|name| (name, true)));
        request(Sample { issuing, authority, executing, language, measure, instrument }, Offence {
            provision: Arc::from("StGB 263"),
            category: category.map(Arc::from),
            max_penalty_months,
            death_possible,
            ..Offence::default()
        }, facts)
    }
}

const RAISED: [&str; 4] = [
    "offence.political",
    "ground.immunity_or_privilege",
    "ground.fundamental_rights",
    "ground.similar_domestic_case_denied",
];

struct Sample {
    issuing: &'static str,
    authority: &'static str,
    executing: &'static str,
    language: &'static str,
    measure: &'static str,
    instrument: Option<&'static str>,
}

#[expect(clippy::unwrap_used, reason = "the samples are valid identifiers")]
fn request(
    sample: Sample,
    offence: Offence,
    facts: impl Iterator<Item = (&'static str, bool)>,
) -> Request {
    let stated = |truth| Stated {
        value: FactValue::Truth(truth),
        source: FactSource::Executing,
    };
    Request {
        id: "any".parse().unwrap(),
        issuing: Issuing(sample.issuing.parse().unwrap()),
        issuing_authority: sample.authority.parse().unwrap(),
        executing: Executing(sample.executing.parse().unwrap()),
        executing_authority: None,
        instrument: sample
            .instrument
            .map(|instrument| instrument.parse().unwrap()),
        measure: sample.measure.parse().unwrap(),
        offences: vec![offence],
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: Urgency::Routine,
        purpose_stated: true,
        language: Some(Arc::from(sample.language)),
        validation: None,
        assurances: Vec::new(),
        facts: facts
            .map(|(name, truth)| (Arc::from(name), stated(truth)))
            .collect::<Facts>(),
        issued_at: "2026-11-23T11:00:00Z".parse().unwrap(),
        exercise: false,
    }
}

fn decide(request: &Request) -> Decision {
    let question = Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
    };
    LIBRARY.decide(&question).decision
}

/// Rules that refuse, ask or refer.
fn against(decision: &Decision) -> BTreeSet<&str> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let all = grounds.chain(requirements).chain(referrals);
    all.map(|rule| rule.rule.as_str()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn always_available_measures_need_no_dual_criminality(request in requests()) {
        let decision = decide(&request);
        if ALWAYS_AVAILABLE.contains(&request.measure.as_str())
            && decision.instrument.as_ref().is_some_and(|instrument| instrument.as_str() == "eio")
        {
            let against = against(&decision);
            prop_assert!(!against.contains("eio-11-1-g") && !against.contains("eio-11-1-h"), "{:?}", against);
        }
    }

    #[test]
    fn what_is_not_in_force_or_not_binding_never_carries(request in requests()) {
        let decision = decide(&request);
        let states = [request.issuing.0.as_str(), request.executing.0.as_str()];
        if let Some(instrument) = &decision.instrument {
            prop_assert_ne!(instrument.as_str(), "cets-224");
            if states.contains(&"IE") {
                prop_assert_ne!(instrument.as_str(), "eio");
                prop_assert_ne!(instrument.as_str(), "budapest");
            }
        } else {
            prop_assert_eq!(decision.outcome, Outcome::Refused);
        }
    }

    #[test]
    fn exposure_to_death_is_never_waved_through(mut request in requests()) {
        // Every other State of the library has abolished it.
        prop_assume!(request.executing.0.as_str() != "US");
        request.issuing = Issuing("US".parse()?);
        request.issuing_authority = "doj-oia".parse()?;
        for offence in &mut request.offences {
            offence.death_possible = Some(true);
        }
        prop_assert_ne!(decide(&request).outcome, Outcome::Approved);
    }

    #[test]
    fn whatever_stands_against_a_request_is_said(request in requests()) {
        let decision = decide(&request);
        for referral in &decision.referrals {
            prop_assert!(!referral.role.is_empty() && !referral.question.is_empty());
        }
    }
}
