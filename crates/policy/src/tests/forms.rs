//! Rules that read the fields of an instrument's own form.

use comity_domain::{Decision, FactSource, FactUseSource, FactValue, Outcome, Request, Stated};
use serde_json::{Value, json};

use super::small::{DE, ORDER, edited, request};
use crate::{FormCheck, Library, Question};

const FORM: &str = "instruments/order/form.schema.json";
/// Fields besides those of the small form; none of them is needed.
const FIELDS: &str = r#""properties": {
    "kind": {"title": "Kind of document", "enum": ["copy", "original"]},
    "copies": {"type": "integer"},
    "place""#;

fn library(order: &str, national: &str) -> Library {
    edited(
        &[(ORDER, order), (DE, national)],
        &[(FORM, "\"properties\": {\"place\"", FIELDS)],
    )
}

fn decide(library: &Library, request: &Request, form: FormCheck<'_>) -> Decision {
    let question = Question {
        request,
        form,
        language: "en",
        now: request.issued_at,
        rulings: &[],
    };
    library.decide(&question).decision
}

/// A form that the schema accepts, with these fields besides.
fn form(fields: Value) -> Value {
    let mut form = json!({"place": {"city": "Lyon"}});
    form.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    form
}

const REFUSES_ORIGINALS: &str = r#"
  - id: order-original
    title: {en: Originals do not travel}
    cite: act art 6
    effect: refuse
    when: ['context.form.kind == "original"']
"#;

#[test]
fn a_field_of_the_form_decides() {
    let library = library(REFUSES_ORIGINALS, "");
    for (kind, outcome) in [("original", Outcome::Refused), ("copy", Outcome::Approved)] {
        let form = form(json!({"kind": kind}));
        let decision = decide(&library, &request(), FormCheck::Given(&form));
        assert_eq!(decision.outcome, outcome, "{kind}: {decision:#?}");
        let used = &decision.facts["form.kind"].source;
        assert!(matches!(used, FactUseSource::Stated(_)), "{used:?}");
    }
}

#[test]
fn a_field_that_is_missing_is_asked_for_by_its_path() {
    let library = library(REFUSES_ORIGINALS, "");
    let form = form(json!({}));
    let decision = decide(&library, &request(), FormCheck::Given(&form));
    assert_eq!(decision.outcome, Outcome::Incomplete);
    let [requirement] = decision.requirements.as_slice() else {
        panic!("{:#?}", decision.requirements);
    };
    assert_eq!(&*requirement.field, "form.kind");
    assert_eq!(
        &*requirement.remedy,
        "Fill in “Kind of document” of the form"
    );
    assert_eq!(requirement.rule.rule.as_str(), "order-original");
}

#[test]
fn a_field_of_another_type_is_missing_and_reported() {
    let library = library(
        r"
  - id: order-copies
    title: {en: Too many copies}
    cite: act art 6
    effect: refuse
    when: [context.form.copies > 3]
",
        "",
    );
    let form = form(json!({"copies": "four"}));
    let decision = decide(&library, &request(), FormCheck::Given(&form));
    assert_eq!(decision.outcome, Outcome::Incomplete);
    let fields: Vec<&str> = decision
        .requirements
        .iter()
        .map(|found| &*found.field)
        .collect();
    assert_eq!(fields, ["form.copies", "form.copies"]);
}

#[test]
fn a_national_rule_reads_the_form_of_its_instrument_alone() {
    let library = library(
        "",
        r#"
  - id: de-out-original
    title: {en: Originals stay at home}
    cite: act art 6
    stage: outbound
    instruments: [order]
    effect: refuse
    when: ['context.form.kind == "original"']
"#,
    );
    let original = form(json!({"kind": "original"}));
    let refused = decide(&library, &request(), FormCheck::Given(&original));
    assert_eq!(refused.outcome, Outcome::Refused);
    assert_eq!(refused.grounds[0].rule.rule.as_str(), "de-out-original");
    // Under another instrument the rule is not asked, whatever the form says.
    let mut request = request();
    request.instrument = Some("treaty".parse().unwrap());
    let approved = decide(&library, &request, FormCheck::Given(&original));
    assert_eq!(approved.outcome, Outcome::Approved, "{approved:#?}");
}

const BY_MEASURE: &str = "forms:
  - {schema: teams, cite: act art 7, title: {en: Team form}, for: [hearing]}
  - {cite: act art 5, title: {en: Annex A}, for: [data], required: false}
";

/// A form for hearings, one for data that may be left out, and none for teams.
fn by_measure(rules: &str) -> Library {
    let teams = ("instruments/order/teams.schema.json", HEARING);
    let all = "exclude: [{measure: team, cite: act art 3}]";
    edited(
        &[(ORDER, rules), teams],
        &[
            (ORDER, all, ""),
            (
                ORDER,
                "form: {cite: act art 5, title: {en: Annex A}}\n",
                BY_MEASURE,
            ),
        ],
    )
}

const HEARING: &str =
    r#"{"type": "object", "required": ["room"], "properties": {"room": {"type": "string"}}}"#;

fn asking(measure: &str) -> Request {
    Request {
        instrument: Some("order".parse().unwrap()),
        measure: measure.parse().unwrap(),
        ..request()
    }
}

#[test]
fn the_measure_says_which_form_is_asked_for() {
    let library = by_measure("");
    let remedies = |measure: &str, form: FormCheck<'_>| {
        let decision = decide(&library, &asking(measure), form);
        let found = decision.requirements.iter();
        found
            .map(|found| found.remedy.to_string())
            .collect::<Vec<_>>()
    };
    let annex = form(json!({}));
    assert_eq!(
        remedies("hearing", FormCheck::Missing),
        ["Attach the form: Team form"]
    );
    assert_eq!(
        remedies("hearing", FormCheck::Given(&annex)),
        ["is missing"]
    );
    assert!(remedies("data.traffic", FormCheck::Missing).is_empty());
    assert!(remedies("data.traffic", FormCheck::Given(&annex)).is_empty());
    // What may be left out is checked where it is there.
    assert_eq!(
        remedies("data", FormCheck::Given(&json!({}))),
        ["is missing"]
    );
    assert!(remedies("team", FormCheck::Missing).is_empty());
    assert!(remedies("team", FormCheck::Given(&json!(7))).is_empty());
}

#[test]
fn a_field_of_a_form_left_out_is_asked_for_where_a_rule_needs_it() {
    let library = by_measure(
        r#"
  - id: order-lyon
    title: {en: Not in Lyon}
    cite: act art 6
    effect: refuse
    measures: [data]
    when: ['context.form.place.city == "Lyon"']
"#,
    );
    let fields = |measure: &str, form: FormCheck<'_>| {
        let decision = decide(&library, &asking(measure), form);
        let found = decision.requirements.iter();
        let fields = found.map(|found| found.field.to_string());
        (decision.outcome, fields.collect::<Vec<_>>())
    };
    let left_out = fields("data", FormCheck::Missing);
    assert_eq!(
        left_out,
        (Outcome::Incomplete, vec!["form.place.city".to_owned()])
    );
    let lyon = form(json!({}));
    assert_eq!(fields("data", FormCheck::Given(&lyon)).0, Outcome::Refused);
    // The rule is not asked of a measure whose form lacks the field.
    let room = json!({"room": "2"});
    assert_eq!(
        fields("hearing", FormCheck::Given(&room)).0,
        Outcome::Approved
    );
}

/// Fields that restate the request, in the small form's place.
const RESTATING: &str = r#""properties": {
    "to": {"type": "string", "restates": "executing.jurisdiction"},
    "asked": {"type": "array", "items": {"type": "object", "properties": {
        "measure": {"type": "string", "restates": "measure"}}}},
    "persons": {"type": "array", "items": {"oneOf": [
        {"properties": {"kind": {"const": "natural"},
                        "role": {"enum": ["suspect", "victim"], "restates": "persons[].role"}}},
        {"properties": {"kind": {"const": "legal"}}}]}},
    "months": {"type": "integer", "restates": "offences[].max_penalty_months"},
    "haste": {"type": "string", "restates": {"field": "urgency.level", "as": ["urgent", "emergency"]}},
    "committed": {"type": "string", "format": "date", "restates": "facts[\"offence.committed\"]"},
    "traffic": {"type": "boolean", "restates": {"field": "measure", "as": {"true": ["coercive"], "false": ["hearing"]}}},
    "place""#;

fn contradicted(request: &Request, fields: Value) -> Vec<(String, String)> {
    let library = edited(&[], &[(FORM, "\"properties\": {\"place\"", RESTATING)]);
    let form = form(fields);
    let decision = decide(&library, request, FormCheck::Given(&form));
    let found = decision.requirements.iter();
    let found = found.map(|found| (found.field.to_string(), found.remedy.to_string()));
    let found: Vec<_> = found.collect();
    let outcome = match found.is_empty() {
        true => Outcome::Approved,
        false => Outcome::Incomplete,
    };
    assert_eq!(decision.outcome, outcome, "{decision:#?}");
    found
}

#[test]
fn a_form_that_contradicts_its_request_is_incomplete() {
    let mut request = request();
    request.offences[0].max_penalty_months = Some(60);
    let committed = Stated {
        value: FactValue::Day("2026-01-02".parse().unwrap()),
        source: FactSource::Requester,
    };
    request.facts.insert("offence.committed".into(), committed);
    for (fields, path, of) in [
        (json!({"to": "NL"}), "to", "executing.jurisdiction"),
        (
            json!({"asked": [{"measure": "data.traffic"}, {"measure": "hearing"}]}),
            "asked[1].measure",
            "measure",
        ),
        // What lies above or below is decided by other rules.
        (
            json!({"asked": [{"measure": "data"}]}),
            "asked[0].measure",
            "measure",
        ),
        (
            json!({"persons": [{"kind": "natural", "role": "victim"}]}),
            "persons[0].role",
            "persons[].role",
        ),
        (
            json!({"months": 12}),
            "months",
            "offences[].max_penalty_months",
        ),
        (json!({"haste": "a train leaves"}), "haste", "urgency.level"),
        (
            json!({"committed": "2025-01-02"}),
            "committed",
            "facts[\"offence.committed\"]",
        ),
        (json!({"traffic": false}), "traffic", "measure"),
    ] {
        let message = format!("must agree with `{of}` of the request");
        assert_eq!(
            contradicted(&request, fields),
            [(format!("form.{path}"), message)]
        );
    }
    let agreeing = json!({
        "to": "FR", "asked": [{"measure": "data.traffic"}], "months": 60, "traffic": true,
        "committed": "2026-01-02", "persons": [{"kind": "legal", "role": "victim"}],
    });
    assert!(contradicted(&request, agreeing).is_empty());
    assert!(contradicted(&request, json!({})).is_empty());
}

#[test]
fn a_form_names_nobody_whom_its_request_does_not() {
    let mut request = request();
    request.persons.clear();
    let named = json!({"persons": [{"kind": "natural", "role": "suspect"}]});
    let found = contradicted(&request, named).into_iter();
    let paths: Vec<_> = found.map(|(path, _)| path).collect();
    assert_eq!(paths, ["form.persons[0].role"]);
}

#[test]
fn contradictions_without_end_are_cut() {
    let asked = vec![json!({"measure": "hearing"}); 10_000];
    let found = contradicted(&request(), json!({ "asked": asked }));
    assert_eq!(found.len(), 50);
}

#[test]
fn what_the_request_leaves_open_is_not_contradicted() {
    let open = json!({"months": 12, "committed": "2025-01-02"});
    assert!(contradicted(&request(), open).is_empty());
}
