//! A decision with everything in it, as the contract shows it.

use comity_domain::{Digest, Extension, Settles};
use jiff::civil::date;
use serde_json::{Value as Json, json};

use super::*;
use crate::wire::{from_proto, json};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn a_rule() -> RuleRef {
    RuleRef {
        rule: "eio-11-1-g".parse().unwrap(),
        module: "instrument/eio".parse().unwrap(),
        module_digest: Digest([1; 32]),
        citation: Citation {
            source: "dir-2014-41".into(),
            provision: "art 11(1)(g)".into(),
            title: "Directive 2014/41/EU".into(),
            url: None,
        },
        text: "no offence in the executing State".into(),
        language: "en".into(),
        facts_used: vec!["a".into()],
        facts_missing: vec!["b".into()],
        confidence: Confidence::High,
    }
}

fn a_clock() -> Clock {
    Clock {
        rule: a_rule(),
        measures: "acknowledge".into(),
        length: 7,
        unit: ClockUnit::Days,
        starts: "received".into(),
        stops: vec!["acknowledged".into()],
        suspends: vec!["clarification-requested".into()],
        resumes: vec!["clarified".into()],
        calendar: Some("FR".parse().unwrap()),
        extension: Some(Extension {
            length: 30,
            by: BoundParty::Issuing,
        }),
        runs_out: RunsOut::Lapse,
        holds_release: true,
        bound: BoundParty::Executing,
        started_at: Some(at(0)),
        due_at: Some(at(604_800)),
    }
}

fn a_referral() -> Referral {
    Referral {
        rule: a_rule(),
        role: "executing-judge".into(),
        jurisdiction: "FR".parse().unwrap(),
        question: "is it proportionate".into(),
        four_eyes: true,
        stage: Stage::Disclosure,
        basis: Digest([4; 32]),
        settles: Some(Settles {
            fact: "dual_criminality".into(),
            if_released: true,
        }),
    }
}

fn the_facts() -> BTreeMap<Arc<str>, FactUse> {
    let used = |value, source| FactUse { value, source };
    [
        (
            "a".into(),
            used(
                FactValue::Truth(true),
                FactUseSource::Stated(FactSource::Register),
            ),
        ),
        (
            "d".into(),
            used(
                FactValue::Day(date(2026, 1, 2)),
                FactUseSource::Presumed("usual".into()),
            ),
        ),
        (
            "e".into(),
            used(
                FactValue::Truth(false),
                FactUseSource::Judged("tasks/1-1".into()),
            ),
        ),
    ]
    .into()
}

fn a_decision() -> Decision {
    Decision {
        outcome: Outcome::Refused,
        instrument: Some("eio".parse().unwrap()),
        passed_over: vec![PassedOver {
            instrument: "ets-30".parse().unwrap(),
            reason: "the directive prevails".into(),
            citation: Some(a_rule().citation),
        }],
        alternatives: vec!["budapest".into()],
        grounds: vec![Ground {
            rule: a_rule(),
            kind: GroundKind::Optional,
            consult_first: true,
            stage: Stage::Instrument,
        }],
        requirements: vec![Requirement {
            rule: a_rule(),
            remedy: "state the language".into(),
            field: "language".into(),
            stage: Stage::Inbound,
        }],
        referrals: vec![a_referral()],
        obligations: vec![Obligation {
            rule: a_rule(),
            kind: ObligationKind::Redact,
            parameters: [("path".into(), "$.victim".into())].into(),
            bound: BoundParty::Executing,
        }],
        clocks: vec![a_clock()],
        permits: vec![a_rule()],
        modules: vec![ModuleRef {
            module: "jurisdiction/FR".parse().unwrap(),
            digest: Digest([2; 32]),
            stage: Stage::Outbound,
        }],
        bundle: Digest([3; 32]),
        law_date: date(2026, 1, 31),
        facts: the_facts(),
        rulings: vec![Ruled {
            rule: a_rule(),
            ruling: Ruling {
                basis: Digest([5; 32]),
                judgement: Judgement::Release,
                task: "tasks/1-1".into(),
            },
            fact: Some("e".into()),
        }],
    }
}

fn a_citation_shown() -> Json {
    json!({
        "source": "dir-2014-41",
        "provision": "art 11(1)(g)",
        "title": "Directive 2014/41/EU",
    })
}

fn a_rule_shown() -> Json {
    json!({
        "ruleId": "eio-11-1-g",
        "module": "instrument/eio",
        "moduleSha256": "01".repeat(32),
        "citation": a_citation_shown(),
        "text": "no offence in the executing State",
        "language": "en",
        "factsUsed": ["a"],
        "factsMissing": ["b"],
        "confidence": "high",
    })
}

fn a_referral_shown(rule: &Json) -> Json {
    json!({
        "rule": rule,
        "role": "executing-judge",
        "jurisdiction": "FR",
        "question": "is it proportionate",
        "fourEyes": true,
        "stage": "STAGE_DISCLOSURE",
        "basisSha256": "04".repeat(32),
        "fact": "dual_criminality",
        "factIfReleased": true,
    })
}

#[test]
fn everything_found_is_shown() {
    let shown = json::print(&decision(&a_decision(), "d-1", at(86_400))).unwrap();
    let shown: Json = serde_json::from_str(&shown).unwrap();
    let (rule, citation) = (a_rule_shown(), a_citation_shown());
    let expected = json!({
        "decisionId": "d-1",
        "outcome": "OUTCOME_REFUSED",
        "instrument": "eio",
        "passedOver": [{
            "instrument": "ets-30", "reason": "the directive prevails", "citation": citation,
        }],
        "alternatives": ["budapest"],
        "grounds": [{
            "rule": rule,
            "kind": "GROUND_KIND_OPTIONAL",
            "consultFirst": true,
            "stage": "STAGE_INSTRUMENT",
        }],
        "requirements": [{
            "rule": rule,
            "remedy": "state the language",
            "field": "language",
            "stage": "STAGE_INBOUND",
        }],
        "referrals": [a_referral_shown(&rule)],
        "obligations": [{
            "obligationId": "eio-11-1-g",
            "rule": rule,
            "kind": "OBLIGATION_KIND_REDACT",
            "parameters": {"path": "$.victim"},
            "boundParty": "executing",
        }],
        "clocks": [{
            "rule": rule,
            "measures": "acknowledge",
            "length": 7,
            "unit": "CLOCK_UNIT_DAYS",
            "starts": "received",
            "stops": ["acknowledged"],
            "suspends": ["clarification-requested"],
            "resumes": ["clarified"],
            "extensionMax": 30,
            "extensionBy": "issuing",
            "runsOut": "CLOCK_END_LAPSE",
            "holdsRelease": true,
            "boundParty": "executing",
            "calendar": "FR",
            "startedAt": "1970-01-01T00:00:00Z",
            "dueAt": "1970-01-08T00:00:00Z",
        }],
        "permits": [rule],
        "modules": [{
            "module": "jurisdiction/FR", "sha256": "02".repeat(32), "stage": "STAGE_OUTBOUND",
        }],
        "bundleSha256": "03".repeat(32),
        "lawDate": "2026-01-31",
        "decidedAt": "1970-01-02T00:00:00Z",
        "facts": [
            {"name": "a", "value": {"truth": true}, "source": "register"},
            {"name": "d", "value": {"text": "2026-01-02"}, "source": "presumption", "reason": "usual"},
            {"name": "e", "value": {"truth": false}, "source": "judgement", "reason": "tasks/1-1"},
        ],
        "rulings": [{
            "rule": rule,
            "released": true,
            "task": "tasks/1-1",
            "basisSha256": "05".repeat(32),
            "fact": "e",
        }],
    });
    assert_eq!(shown, expected);
}

#[test]
fn moments_before_1970_count_forward() {
    let time = Timestamp::new(-1, -250_000_000).unwrap();
    let shown = timestamp(time);
    assert_eq!((shown.seconds, shown.nanos), (-2, 750_000_000));
    assert_eq!(from_proto::timestamp(shown), Some(time));
}
