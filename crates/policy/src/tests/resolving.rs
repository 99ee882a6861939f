//! Which instrument carries a request, and what is said of the others.

use comity_domain::{Decision, GroundKind, Outcome};

use super::small::{DE, ORDER, TREATY, decide, edited, library, request};
use crate::Library;

fn named(library: &Library, instrument: &str) -> Decision {
    let mut request = request();
    request.instrument = Some(instrument.parse().unwrap());
    decide(library, &request)
}

#[track_caller]
fn refused(decision: &Decision, rule: &str, provision: &str) {
    assert_eq!(decision.outcome, Outcome::Refused);
    assert!(decision.instrument.is_none());
    let grounds: Vec<_> = decision
        .grounds
        .iter()
        .map(|ground| ground.rule.rule.as_str())
        .collect();
    assert_eq!(grounds, [rule]);
    assert_eq!(decision.grounds[0].kind, GroundKind::NotApplicable);
    assert_eq!(&*decision.grounds[0].rule.citation.provision, provision);
}

#[test]
fn the_instrument_that_prevails_carries() {
    let decision = decide(&library(&[]), &request());
    assert_eq!(decision.instrument.unwrap().as_str(), "order");
    let passed_over = &decision.passed_over[0];
    assert_eq!(passed_over.instrument.as_str(), "treaty");
    assert_eq!(&*passed_over.citation.as_ref().unwrap().provision, "art 34");
}

#[test]
fn routes_come_before_rank_and_after_precedence() {
    let edits = [
        (
            ORDER,
            "prevails_over: [{instrument: treaty, cite: act art 34}]\n",
            "",
        ),
        (
            DE,
            "rules:",
            "routes:\n  - {measures: [data], prefer: [treaty]}\nrules:",
        ),
    ];
    let routed = edited(&[], &edits);
    assert_eq!(
        decide(&routed, &request()).instrument.unwrap().as_str(),
        "treaty"
    );
    let by_rank = edited(&[], &edits[..1]);
    assert_eq!(
        decide(&by_rank, &request()).instrument.unwrap().as_str(),
        "order"
    );
    let replaced = edited(&[], &edits[1..]);
    assert_eq!(
        decide(&replaced, &request()).instrument.unwrap().as_str(),
        "order"
    );
}

#[test]
fn a_named_instrument_carries_where_it_applies() {
    let decision = named(&library(&[]), "treaty");
    assert_eq!(decision.outcome, Outcome::Approved);
    assert_eq!(decision.instrument.unwrap().as_str(), "treaty");
    assert_eq!(decision.passed_over[0].instrument.as_str(), "order");
}

#[test]
fn a_named_instrument_that_does_not_apply_is_refused_with_those_that_do() {
    let reason = "status: {not-in-force: {reason: {en: Too few ratified}, checked: 2026-01-01}}";
    let dead = edited(&[], &[(ORDER, "status: in-force", reason)]);
    let decision = named(&dead, "order");
    refused(&decision, "order-not-in-force", "");
    assert!(decision.grounds[0].rule.text.contains("Too few ratified"));
    assert_eq!(decision.alternatives, ["treaty".into()]);

    let late = edited(
        &[],
        &[(ORDER, "FR: {since: 2017-05-22", "FR: {since: 2026-11-24")],
    );
    refused(&named(&late, "order"), "order-not-yet", "art 36");
    let ended = edited(&[], &[(TREATY, "until: 2030-01-01", "until: 2026-11-23")]);
    refused(&named(&ended, "treaty"), "treaty-not-bound", "");
    let sides = "rank: 10\nbetween: [[DE], [NL]]";
    let between = edited(&[], &[(ORDER, "rank: 10", sides)]);
    refused(&named(&between, "order"), "order-between", "");
    refused(&named(&library(&[]), "no-such"), "no-such-not-known", "");
}

#[test]
fn an_excluded_measure_is_cited() {
    let mut request = request();
    request.measure = "team".parse().unwrap();
    request.instrument = Some("order".parse().unwrap());
    let decision = decide(&library(&[]), &request);
    refused(&decision, "order-measure", "art 3");
    assert_eq!(decision.alternatives, ["treaty".into()]);
}

#[test]
fn a_state_on_record_as_not_bound_is_cited() {
    let mut request = request();
    request.executing.0 = "IE".parse().unwrap();
    request.instrument = Some("order".parse().unwrap());
    let decision = decide(&library(&[]), &request);
    assert_eq!(decision.outcome, Outcome::Refused);
    let ground = &decision.grounds[0].rule;
    assert_eq!(ground.rule.as_str(), "order-not-bound");
    assert_eq!(&*ground.citation.provision, "rec 44");
    assert_eq!(decision.grounds[1].rule.rule.as_str(), "ie-not-known");
}

#[test]
fn where_nothing_carries_a_request_it_is_refused_with_each_reason() {
    let mut request = request();
    request.measure = "team".parse().unwrap();
    let ended = edited(&[], &[(TREATY, "until: 2030-01-01", "until: 2026-11-23")]);
    let decision = decide(&ended, &request);
    assert_eq!(decision.outcome, Outcome::Refused);
    let grounds: Vec<_> = decision
        .grounds
        .iter()
        .map(|ground| ground.rule.rule.as_str())
        .collect();
    assert_eq!(grounds, ["order-measure", "treaty-not-bound"]);
    request.measure = "no.such".parse().unwrap();
    assert_eq!(decide(&library(&[]), &request).outcome, Outcome::Refused);
}

#[test]
fn no_state_asks_itself() {
    let mut request = request();
    request.executing.0 = "DE".parse().unwrap();
    let decision = decide(&library(&[]), &request);
    let rule = &decision.grounds[0].rule.rule;
    assert_eq!(
        (decision.outcome, rule.as_str()),
        (Outcome::Refused, "order-between")
    );
}
