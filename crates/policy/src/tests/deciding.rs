//! What rules find and what it adds up to.

use comity_domain::{
    FactSource, FactUseSource, FactValue, GroundKind, ObligationKind, Outcome, Request, Stage,
};
use serde_json::json;

use super::small::{DE, FR, ORDER, decide, edited, library, request, stating, verdict};
use crate::{FormCheck, Library, Question};

const NO_OFFENCE: &str = r"
  - id: order-11
    title: {en: No offence here}
    cite: act art 11
    effect: refuse
    consult: true
    reroute: [other]
    when: [context.dual_criminality == false]
    unless: [context.offence.max_penalty_months >= 36 && context.offence.annex_d]
";

fn says(value: bool) -> FactValue {
    FactValue::Truth(value)
}

#[test]
fn a_request_that_every_module_permits_is_approved() {
    let library = library(&[]);
    let verdict = verdict(&library, &request());
    let decision = verdict.decision;
    assert_eq!(decision.outcome, Outcome::Approved);
    let permits: Vec<_> = decision
        .permits
        .iter()
        .map(|rule| rule.rule.as_str())
        .collect();
    assert_eq!(permits, ["de-out", "order-permit", "fr-in"]);
    let stages: Vec<_> = decision.modules.iter().map(|module| module.stage).collect();
    assert_eq!(stages, [Stage::Outbound, Stage::Instrument, Stage::Inbound]);
    let permit = verdict.permit.unwrap();
    assert_eq!(permit.instrument().as_str(), "order");
    assert_eq!(permit.bundle(), library.digest());
}

#[test]
fn a_refusal_that_holds_refuses_and_gives_no_permit() {
    let library = library(&[(ORDER, NO_OFFENCE)]);
    let request = stating(FactSource::Executing, &[("dual_criminality", says(false))]);
    let mut request = request;
    request.offences[0].max_penalty_months = Some(12);
    let verdict = verdict(&library, &request);
    assert!(verdict.permit.is_none());
    let decision = verdict.decision;
    assert_eq!(decision.outcome, Outcome::Refused);
    let ground = &decision.grounds[0];
    assert_eq!(ground.rule.rule.as_str(), "order-11");
    assert_eq!(ground.kind, GroundKind::Mandatory);
    assert!(ground.consult_first);
    assert_eq!(decision.alternatives, ["other".into()]);
}

#[test]
fn unknown_is_for_the_requester_or_for_a_human_and_never_approved() {
    let penalty = r"
  - id: order-penalty
    title: {en: Too light}
    cite: act art 4
    effect: refuse
    when: [context.offence.max_penalty_months < 6]
";
    let decision = decide(&library(&[(ORDER, penalty)]), &request());
    assert_eq!(decision.outcome, Outcome::Incomplete);
    let requirement = &decision.requirements[0];
    assert_eq!(&*requirement.field, "offences[].max_penalty_months");
    assert_eq!(&*requirement.remedy, "State the maximum penalty");
    assert_eq!(
        &*requirement.rule.facts_missing,
        ["offence.max_penalty_months".into()]
    );

    let decision = decide(&library(&[(ORDER, NO_OFFENCE)]), &request());
    assert_eq!(decision.outcome, Outcome::Referred);
    let referral = &decision.referrals[0];
    assert_eq!(&*referral.role, "executing-judge");
    assert_eq!(referral.jurisdiction.as_str(), "FR");
    assert_eq!(
        &*referral.question,
        "Is it an offence here too? (No offence here)"
    );
}

#[test]
fn one_known_line_settles_a_rule_whatever_else_is_unknown() {
    let library = library(&[(ORDER, NO_OFFENCE)]);
    // Known to be an offence here: the rest does not matter.
    let known = stating(FactSource::Executing, &[("dual_criminality", says(true))]);
    assert_eq!(decide(&library, &known).outcome, Outcome::Approved);
    // Unknown, but ticked and heavy enough: lifted all the same.
    let mut ticked = request();
    ticked.offences[0].category = Some("D20".into());
    ticked.offences[0].max_penalty_months = Some(60);
    assert_eq!(decide(&library, &ticked).outcome, Outcome::Approved);
}

#[test]
fn an_engine_error_asks_the_operator_and_is_counted() {
    let overflow = r"
  - id: order-overflow
    title: {en: Overflows}
    cite: act art 4
    effect: oblige
    obligation: {kind: notify, bound: issuing, confirmer: issuing-authority, parameters: {party: user}}
    when: [context.offence.max_penalty_months + 9223372036854775807 > 0]
";
    let library = library(&[(ORDER, overflow)]);
    let mut request = request();
    request.offences[0].max_penalty_months = Some(60);
    let decision = decide(&library, &request);
    assert_eq!(decision.outcome, Outcome::Referred);
    assert_eq!(&*decision.referrals[0].role, "gateway-operator");
    assert_eq!(library.engine_errors(), 1);
}

#[test]
fn a_module_that_permits_nothing_refuses() {
    let permits_nothing = edited(
        &[],
        &[(FR, "effect: permit", "effect: permit, measures: [hearing]")],
    );
    let decision = decide(&permits_nothing, &request());
    assert_eq!(decision.outcome, Outcome::Refused);
    assert_eq!(decision.grounds[0].rule.rule.as_str(), "fr-no-permit");
    assert_eq!(decision.grounds[0].kind, GroundKind::NotApplicable);
    assert_eq!(decision.grounds[0].stage, Stage::Inbound);
}

#[test]
fn a_permit_that_may_hold_is_pursued_only_where_none_does() {
    let by_penalty = "effect: permit, when: [context.offence.max_penalty_months > 6]";
    let only = edited(&[], &[(FR, "effect: permit", by_penalty)]);
    let decision = decide(&only, &request());
    assert_eq!(decision.outcome, Outcome::Incomplete);
    let another =
        "  - {id: fr-too, title: {en: Too}, cite: act art 1, stage: inbound, effect: permit}";
    let both = edited(&[(FR, another)], &[(FR, "effect: permit", by_penalty)]);
    assert_eq!(decide(&both, &request()).outcome, Outcome::Approved);
}

#[test]
fn low_confidence_neither_refuses_nor_approves() {
    let doubtful = r"
  - id: order-doubt
    title: {en: Perhaps forbidden}
    cite: act art 4
    confidence: low
    effect: refuse
";
    let decision = decide(&library(&[(ORDER, doubtful)]), &request());
    assert_eq!(decision.outcome, Outcome::Referred);
    assert!(decision.referrals[0].question.contains("Perhaps forbidden"));
    let permit = edited(
        &[],
        &[(FR, "effect: permit", "effect: permit, confidence: low")],
    );
    assert_eq!(decide(&permit, &request()).outcome, Outcome::Referred);
}

#[test]
fn what_may_bind_binds() {
    let rules = r"
  - id: order-use
    title: {en: Use}
    cite: act art 6
    effect: oblige
    obligation: {kind: use-limit, bound: issuing, parameters: {purpose: evidence}}
    when: [context.offence.max_penalty_months > 6]
  - id: order-clock
    title: {en: Acknowledge}
    cite: act art 16
    effect: clock
    clock: {measures: acknowledge, length: 32, unit: days, starts: received, stops: [acknowledged]}
  - id: order-execute
    title: {en: Execute}
    cite: act art 12
    effect: clock
    clock: {measures: execute, length: 90, unit: days, starts: decided, stops: [concluded]}
";
    let decision = decide(&library(&[(ORDER, rules)]), &request());
    assert_eq!(decision.outcome, Outcome::Approved);
    let obligation = &decision.obligations[0];
    assert_eq!(obligation.kind, ObligationKind::UseLimit);
    assert_eq!(obligation.rule.facts_missing.len(), 1);
    // Christmas Day and the weekend after it are free in France.
    let due = decision.clocks[0].due_at.unwrap().to_string();
    assert_eq!(due, "2026-12-28T23:00:00Z");
    assert_eq!(decision.clocks[1].due_at, None);
}

const POLITICAL: &str = r"
  - id: order-political
    title: {en: Political}
    cite: act art 11
    effect: may-refuse
    when: [context.offence.political]
";

fn exception(effect: &str, when: &str) -> String {
    format!(
        "  - {{id: fr-exception, title: {{en: Exception}}, cite: act art 9, stage: inbound, \
         exception_to: order-political, {effect}, when: ['{when}']}}"
    )
}

fn political_request() -> Request {
    stating(FactSource::Executing, &[("offence.political", says(true))])
}

fn political(library: &Library) -> (Outcome, Vec<String>) {
    let decision = decide(library, &political_request());
    let grounds = decision
        .grounds
        .iter()
        .map(|ground| ground.rule.rule.to_string());
    (decision.outcome, grounds.collect())
}

#[test]
fn an_exception_lifts_replaces_or_leaves_open() {
    let with = |exception: &str| political(&library(&[(ORDER, POLITICAL), (FR, exception)]));
    let always = "context.urgency == Urgency::\"routine\"";
    assert_eq!(
        with(&exception("effect: permit", always)).0,
        Outcome::Approved
    );
    let (outcome, grounds) = with(&exception("effect: refuse", always));
    assert_eq!(
        (outcome, grounds),
        (Outcome::Refused, vec!["fr-exception".to_owned()])
    );
    let unknown = "context.offence.max_penalty_months < 6";
    assert_eq!(
        with(&exception("effect: permit", unknown)).0,
        Outcome::Incomplete
    );
    let never = "context.urgency == Urgency::\"urgent\"";
    let (outcome, grounds) = with(&exception("effect: permit", never));
    assert_eq!(
        (outcome, grounds),
        (Outcome::Refused, vec!["order-political".to_owned()])
    );
    let doubtful = exception("effect: permit, confidence: low", always);
    assert_eq!(with(&doubtful).0, Outcome::Referred);
}

#[test]
fn a_lifting_exception_is_no_permit() {
    let exception = exception("effect: permit", "context.urgency == Urgency::\"routine\"");
    let edits = [(FR, "effect: permit", "effect: permit, measures: [hearing]")];
    let library = edited(&[(ORDER, POLITICAL), (FR, &exception)], &edits);
    assert_eq!(
        political(&library),
        (Outcome::Refused, vec!["fr-no-permit".to_owned()])
    );
}

#[test]
fn presumptions_hold_until_raised_and_are_shown() {
    let library = library(&[(ORDER, POLITICAL)]);
    let decision = decide(&library, &request());
    assert_eq!(decision.outcome, Outcome::Approved);
    let fact = &decision.facts["offence.political"];
    let because = FactUseSource::Presumed("Nobody has raised it (act art 9)".into());
    assert_eq!(fact.source, because);
    let raised = stating(FactSource::Requester, &[("offence.political", says(true))]);
    assert_eq!(decide(&library, &raised).outcome, Outcome::Refused);
}

#[test]
fn rules_speak_only_for_their_day_measure_and_counterpart() {
    let refuses = |filter: &str| {
        let rule = format!(
            "  - {{id: de-never, title: {{en: Never}}, cite: act art 9, stage: outbound, \
             effect: refuse, {filter}}}"
        );
        decide(&library(&[(DE, &rule)]), &request()).outcome == Outcome::Refused
    };
    assert!(refuses("since: 2026-11-23") && !refuses("since: 2026-11-24"));
    assert!(refuses("until: 2026-11-24") && !refuses("until: 2026-11-23"));
    assert!(refuses("measures: [coercive]") && !refuses("measures: [hearing]"));
    assert!(refuses("counterparts: [FR]") && !refuses("counterparts: [DE]"));
    assert!(refuses("instruments: [order]") && !refuses("instruments: [treaty]"));
}

#[test]
fn a_form_is_presumed_missing_or_checked_without_repeating_it() {
    let library = library(&[]);
    let request = request();
    let fields = |form| {
        let question = Question {
            request: &request,
            form,
            language: "en",
            now: request.issued_at,
            rulings: &[],
        };
        let decision = library.decide(&question).decision;
        let requirements = decision.requirements.iter();
        let found = requirements.map(|found| (found.field.to_string(), found.remedy.to_string()));
        found.collect::<Vec<_>>()
    };
    assert!(fields(FormCheck::Presumed).is_empty());
    assert_eq!(fields(FormCheck::Missing)[0].0, "form");
    let right = json!({"place": {"city": "Paris"}});
    assert!(fields(FormCheck::Given(&right)).is_empty());
    let empty = json!({"place": {}});
    let missing = ("form.place.city".to_owned(), "is missing".to_owned());
    assert_eq!(fields(FormCheck::Given(&empty)), [missing]);
    let wrong = json!({"place": "at Erika's"});
    let found = fields(FormCheck::Given(&wrong));
    assert_eq!(found[0].0, "form.place");
    assert!(!found[0].1.contains("Erika"), "{}", found[0].1);
}

/// What comes back goes no further.
const BACK: &str = r"
  - id: fr-back
    title: {en: Not onward}
    cite: act art 8
    stage: disclosure
    effect: oblige
    obligation: {kind: no-onward-transfer, bound: issuing}
";

#[test]
fn disclosure_rules_bind_an_answer_where_there_is_one() {
    let decision = decide(&library(&[(FR, BACK)]), &request());
    assert_eq!(
        decision.obligations[0].kind,
        ObligationKind::NoOnwardTransfer
    );
    let refused = decide(
        &library(&[(FR, BACK), (ORDER, POLITICAL)]),
        &political_request(),
    );
    assert_eq!(refused.outcome, Outcome::Refused);
    assert!(refused.obligations.is_empty(), "nothing goes back");
}

#[test]
fn what_is_shared_one_way_binds_the_recipient_alone() {
    let spared = r"
  - id: fr-back-spared
    title: {en: Nothing of victims}
    cite: act art 8
    stage: disclosure
    effect: oblige
    obligation: {kind: redact, bound: issuing, parameters: {path: $.victims}}
";
    let back = format!("{BACK}{}", spared.trim_start_matches('\n'));
    let there = r"
  - id: order-limit
    title: {en: For these proceedings}
    cite: act art 7
    effect: oblige
    obligation: {kind: use-limit, bound: executing, parameters: {purpose: these proceedings}}
  - id: order-code
    title: {en: In confidence}
    cite: act art 7
    effect: oblige
    obligation: {kind: handling-code, bound: executing, parameters: {code: H1}}
";
    let one_way = ("measures.yaml", "tags: [coercive]", "tags: [one-way]");
    let tag = (
        "measures.yaml",
        "  coercive:",
        "  one-way: {title: {en: One way}}\n  coercive:",
    );
    let bound = |edits: &[(&str, &str, &str)]| {
        let library = edited(&[(FR, &back), (ORDER, there)], edits);
        let decision = decide(&library, &request());
        assert_eq!(decision.outcome, Outcome::Approved);
        let obligations = decision.obligations.into_iter();
        let bound = obligations.map(|one| {
            let event = one.parameters.get("event").map(ToString::to_string);
            (one.rule.rule.to_string(), event)
        });
        bound.collect::<Vec<_>>()
    };
    let rule = |id: &str, event: Option<&str>| (id.to_owned(), event.map(str::to_owned));
    assert_eq!(
        bound(&[]),
        [
            rule("order-limit", None),
            rule("order-code", None),
            rule("fr-back", None),
            rule("fr-back-spared", None),
        ]
    );
    // The recipient may still reject what limits its use; what is confidential is so
    // at once. Whatever it should tell after all is spared what it always is.
    assert_eq!(
        bound(&[one_way, tag]),
        [
            rule("order-limit", Some("concluded")),
            rule("order-code", None),
            rule("fr-back-spared", None),
        ]
    );
}

#[test]
fn texts_are_in_the_asked_language_where_there_is_one() {
    let library = library(&[]);
    let request = request();
    let question = Question {
        request: &request,
        form: FormCheck::Presumed,
        language: "fr-FR",
        now: request.issued_at,
        rulings: &[],
    };
    let permits = library.decide(&question).decision.permits;
    let texts: Vec<_> = permits
        .iter()
        .map(|rule| (&*rule.language, &*rule.text))
        .collect();
    assert_eq!(texts[1], ("fr", "La décision s'applique"));
    assert_eq!(texts[2], ("en", "May help"));
}
