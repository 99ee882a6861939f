//! Events, obligations, open questions, and the fields of a form.

use std::fs;

use super::{DE, EIO, put, report, write};
use crate::load::load;

/// A rule that obliges, to stand after `de-1`.
fn obliging(id: &str, obligation: &str) -> String {
    format!(
        "  - {{id: {id}, title: {{en: Obliges}}, cite: act art 4, stage: inbound, effect: oblige, \
         obligation: {{{obligation}}}}}\n"
    )
}

#[test]
fn clocks_run_from_events_that_somebody_produces() {
    shown!(report(&[
        (EIO, "starts: received", "starts: recieved"),
        (
            EIO,
            "stops: [acknowledged]}",
            "stops: [acknowleged, lapsed]}"
        ),
        (
            EIO,
            "  - id: eio-12\n",
            "  - id: eio-13
    title: {en: Lapses}
    cite: act art 13
    effect: clock
    clock: {measures: lapse, length: 1, unit: hours, starts: lapsed, stops: [acknowledged]}
  - id: eio-12
",
        ),
    ]));
}

#[test]
fn the_life_of_a_clock_is_whole() {
    let clocks = [
        "pause: {from: [acknowledged]}",
        "pause: {from: [lapsed], until: [received]}",
        "pause: {from: [stopped], until: [received]}",
        "pause: {from: [received], until: [received]}",
        "pause: {from: [], until: [received]}",
        "extension: {length: 0, by: executing}",
        "extension: {length: 30, by: court}",
        "runs_out: lapses",
        "binds: provider",
    ];
    let rules: String = clocks
        .iter()
        .enumerate()
        .map(|(number, life)| {
            format!(
                "  - id: eio-c-{number}
    title: {{en: Answer}}
    cite: act art 13
    effect: clock
    clock: {{measures: answer, length: 1, unit: days, starts: received, stops: [acknowledged], {life}}}
"
            )
        })
        .collect();
    let first = "  - id: eio-12\n";
    shown!(report(&[(EIO, first, &format!("{rules}{first}"))]));
}

#[test]
fn an_open_clock_has_no_length_and_any_other_has_one() {
    let clocks = [
        "unit: open, length: 3",
        "unit: open, runs_out: lapse",
        "unit: open, calendar: issuing",
        "unit: open, extension: {length: 3, by: executing}",
        "unit: open, pause: {from: [received], until: [acknowledged]}",
        "unit: days",
        "length: 3",
        "unit: open",
    ];
    let rules: String = clocks
        .iter()
        .enumerate()
        .map(|(number, length)| {
            format!(
                "  - id: eio-c-{number}
    title: {{en: Answer}}
    cite: act art 13
    effect: clock
    clock: {{measures: answer, {length}, starts: received, stops: [acknowledged]}}
"
            )
        })
        .collect();
    let first = "  - id: eio-12\n";
    shown!(report(&[(EIO, first, &format!("{rules}{first}"))]));
}

#[test]
fn obligations_are_whole_and_confirmed_on_the_bound_side() {
    let obligations = [
        "kind: redact, bound: executing",
        "kind: redact, bound: executing, parameters: {path: '$.persons[?'}",
        "kind: handling-code, bound: issuing, parameters: {code: H4}",
        "kind: use-limit, bound: issuing, parameters: {purpose: any, days: 3}",
        "kind: notify, bound: issuing, parameters: {party: user}",
        "kind: notify, bound: issuing, confirmer: executing-judge, parameters: {party: user}",
        "kind: speciality, bound: issuing, confirmer: issuing-judge",
        "kind: retain-until, bound: executing, confirmer: enforcing-authority",
        "kind: delete-after, bound: issuing, confirmer: issuing-judge, parameters: {event: laps}",
        "kind: confirm-within, bound: issuing, confirmer: issuing-judge, parameters: {days: soon}",
        "kind: retain-until, bound: issuing, confirmer: issuing-judge, parameters: {until: 2026-13-01}",
        "kind: handling-code, bound: issuing, parameters: {code: H2, role: victims}",
    ];
    let rules: String = obligations
        .iter()
        .enumerate()
        .map(|(number, obligation)| obliging(&format!("de-o-{number}"), obligation))
        .collect();
    let last = "    when: ['context.offence.fiscal']\n";
    shown!(report(&[(DE, last, &format!("{last}{rules}"))]));
}

#[test]
fn obligations_of_every_kind_load() {
    let obligations = [
        "kind: redact, bound: executing, parameters: {path: '$.persons[*].name'}",
        "kind: handling-code, bound: issuing, parameters: {code: H3, role: victim}",
        "kind: retain-until, bound: executing, confirmer: requested-authority, parameters: {until: 2027-01-01}",
        "kind: delete-after, bound: issuing, confirmer: requesting-judge, parameters: {event: lapsed}",
        "kind: notify, bound: issuing, confirmer: issuing-judge, parameters: {party: user, days: 3}",
        "kind: confirm-within, bound: issuing, confirmer: issuing-judge, parameters: {hours: 48}",
        "kind: no-onward-transfer, bound: issuing",
        "kind: speciality, bound: issuing",
        "kind: use-limit, bound: issuing, parameters: {purpose: the proceedings}",
    ];
    let rules: String = obligations
        .iter()
        .enumerate()
        .map(|(number, obligation)| obliging(&format!("de-o-{number}"), obligation))
        .collect();
    let last = "    when: ['context.offence.fiscal']\n";
    let dir = write(&[(DE, last, &format!("{last}{rules}"))]);
    let (model, _) = load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    let rules = &model.jurisdictions[&"DE".parse().unwrap()].module.rules;
    let crate::model::Effect::Oblige { parameters, .. } = &rules[5].effect else {
        panic!("{:?}", rules[5]);
    };
    let parameters: Vec<_> = parameters.iter().map(|(k, v)| (&**k, &**v)).collect();
    let expected = [
        ("confirmer", "issuing-judge"),
        ("days", "3"),
        ("party", "user"),
    ];
    assert_eq!(
        parameters, expected,
        "the confirmer travels with the obligation"
    );
}

const FORM: &str = "instruments/eio/form.schema.json";

/// The form with fields of every type that conditions know.
const FIELDS: &str = r#"{"type": "object", "required": ["a"], "properties": {
  "kind": {"title": "Kind", "enum": ["copy", "original"]},
  "copies": {"type": "integer"},
  "urgent": {"type": "boolean"},
  "sent": {"type": "string", "format": "date"},
  "place": {"type": "object", "properties": {"city": {"type": "string"}}},
  "ticked": {"type": "array", "items": {"enum": ["search", "hearing"]}},
  "free": {}
}}"#;

#[test]
fn fields_of_the_form_are_type_checked() {
    let good = FIELDS.replace('\n', " ");
    let form = (
        FORM,
        "{\"type\": \"object\", \"required\": [\"a\"]}",
        &*good,
    );
    let lines = r#"when:
      - context.form.urgent
      - context.form.kind == "copy"
      - context.form.copies > 1 && context.form.place.city != "Paris"
      - context.form.ticked.contains("search")
      - context.form.sent > datetime("2026-01-01")"#;
    let dir = write(&[
        form,
        (
            EIO,
            "effect: permit",
            &format!("effect: permit\n    {lines}"),
        ),
    ]);
    let (model, _) = load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    let read = &model.instruments[&"eio".parse().unwrap()].forms[0].read;
    let read: Vec<&str> = read.iter().map(|name| &**name).collect();
    let expected = ["copies", "kind", "place.city", "sent", "ticked", "urgent"];
    assert_eq!(read, expected.map(|name| format!("form.{name}")));

    let wrong = r#"when:
      - context.form.urgnt
      - context.form.kind == "copies"
      - context.form.copies == "1"
      - context.form.place.town == "Paris"
      - context.form.ticked.contains("serach")
      - context.form.free
      - context.form.place == context.form.place"#;
    shown!(report(&[
        form,
        (
            EIO,
            "effect: permit",
            &format!("effect: permit\n    {wrong}")
        ),
        (
            DE,
            "['context.offence.fiscal']",
            "['context.form.urgent == true']"
        ),
    ]));
}

#[test]
fn a_national_rule_under_one_instrument_reads_its_form() {
    let good = FIELDS.replace('\n', " ");
    let form = (
        FORM,
        "{\"type\": \"object\", \"required\": [\"a\"]}",
        &*good,
    );
    let rule = |instruments: &str| {
        let edit = format!("{instruments}when: ['context.form.urgent']");
        write(&[form, (DE, "when: ['context.offence.fiscal']", &edit)])
    };
    let (model, _) = load(rule("instruments: [eio]\n    ").path()).unwrap();
    let read = &model.instruments[&"eio".parse().unwrap()].forms[0].read;
    assert!(read.contains("form.urgent"), "{read:?}");
    let found = load(rule("").path()).unwrap_err().to_string();
    assert!(found.contains("`instruments: [<id>]`"), "{found}");
}

/// Two forms: one for traffic data, one for everything else.
const FORMS: &str = "forms:
  - {schema: traffic, cite: act art 6, title: {en: Annex B}, for: [data.traffic]}
  - {cite: act art 5, title: {en: Annex A}, required: false}
";
const FORM_LINE: &str = "form: {cite: act art 5, title: {en: Annex A}}\n";
const TRAFFIC: &str = "instruments/eio/traffic.schema.json";
const TRAFFIC_FIELDS: &str = r#"{"type": "object", "properties": {
  "kind": {"enum": ["copy", "list"]},
  "urgent": {"type": "string"},
  "number": {"type": "string"}
}}"#;

/// The library with both forms, and conditions of a further rule.
fn with_forms<'a>(fields: &'a str, rule: &'a str) -> Vec<(&'a str, &'a str, &'a str)> {
    vec![
        (
            FORM,
            "{\"type\": \"object\", \"required\": [\"a\"]}",
            fields,
        ),
        (TRAFFIC, "", TRAFFIC_FIELDS),
        (EIO, FORM_LINE, FORMS),
        (EIO, "  - id: eio-12\n", rule),
    ]
}

#[test]
fn a_rule_reads_what_all_forms_of_its_measures_have() {
    let fields = FIELDS.replace('\n', " ");
    let rule = |measures: &str, lines: &[&str]| {
        let lines: String = lines
            .iter()
            .map(|line| format!("      - '{line}'\n"))
            .collect();
        format!(
            "  - id: eio-9\n    title: {{en: Reads}}\n    cite: act art 9\n{measures}    \
             effect: refuse\n    when:\n{lines}  - id: eio-12\n"
        )
    };
    let shared = rule(
        "",
        &[
            "context.form.kind == \"copy\"",
            "context.form.kind != \"list\"",
        ],
    );
    let traffic = "    measures: [data.traffic]\n";
    let narrowed = rule(
        traffic,
        &[
            "context.form.number == \"1\"",
            "context.form.urgent == \"no\"",
        ],
    );
    for good in [&shared, &narrowed] {
        let dir = write(&with_forms(&fields, good));
        let (model, _) = load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
        let eio = &model.instruments[&"eio".parse().unwrap()];
        let form = |measure: &str| &model.form(eio, &measure.parse().unwrap()).unwrap().name;
        assert_eq!(&**form("data.traffic"), "traffic");
        assert_eq!(&**form("data"), "form");
    }
    let wrong = rule(
        "",
        &[
            "context.form.number == \"1\"",
            "context.form.copies == 1",
            "context.form.place.city == \"Paris\"",
            "context.form.urgent",
            "context.form.kind == \"original copy\"",
            "context.form.nmber == \"1\"",
        ],
    );
    let other = rule(traffic, &["context.form.copies == 1"]);
    let wrong = wrong.replace("  - id: eio-12\n", &other.replace("eio-9", "eio-10"));
    shown!(report(&with_forms(&fields, &wrong)));
}

#[test]
fn a_form_for_some_measures_is_read_for_these_alone() {
    let only = "form: {schema: traffic, cite: act art 6, title: {en: B}, for: [data.traffic]}\n";
    let edits = |rule: &'static str| {
        [
            (TRAFFIC, "", TRAFFIC_FIELDS),
            (EIO, FORM_LINE, only),
            (EIO, "effect: permit\n", rule),
        ]
    };
    let narrowed = edits(
        "effect: permit\n    measures: [data.traffic]\n    when: ['context.form.number == \"1\"']\n",
    );
    let wide = edits("effect: permit\n    when: ['context.form.number == \"1\"']\n");
    // The usual name is not the one that is meant.
    let left = load(write(&narrowed).path()).unwrap_err();
    let [left] = left.diagnostics() else {
        panic!("{left}");
    };
    assert_eq!(
        (&*left.path, &*left.message),
        (FORM, "nothing prescribes this form")
    );
    let dir = write(&narrowed);
    fs::remove_file(dir.path().join(FORM)).unwrap();
    load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    let dir = write(&wide);
    fs::remove_file(dir.path().join(FORM)).unwrap();
    shown!(load(dir.path()).unwrap_err());
}

#[test]
fn instruments_share_forms() {
    let dir = write(&[(
        EIO,
        FORM_LINE,
        "form: {schema: letter, cite: act art 5, title: {en: L}}\n",
    )]);
    fs::remove_file(dir.path().join(FORM)).unwrap();
    let digest = || {
        let (model, _) = load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
        model.instruments[&"eio".parse().unwrap()].module.digest
    };
    put(
        dir.path(),
        "forms/letter.schema.json",
        "{\"type\": \"object\"}",
    );
    let before = digest();
    put(
        dir.path(),
        "forms/letter.schema.json",
        "{\"type\": \"array\"}",
    );
    assert_ne!(before, digest(), "a shared form is part of the module");
    put(
        dir.path(),
        "forms/unused.schema.json",
        "{\"type\": \"object\"}",
    );
    fs::remove_file(dir.path().join("forms/letter.schema.json")).unwrap();
    let found = load(dir.path()).unwrap_err();
    let found: Vec<_> = found
        .diagnostics()
        .iter()
        .map(|found| (&*found.path, &*found.message))
        .collect();
    let expected = [
        ("forms/unused.schema.json", "nothing prescribes this form"),
        (EIO, "the form has no schema"),
    ];
    assert_eq!(found, expected);
    let both = format!("{FORM_LINE}forms: [{{cite: act art 5, title: {{en: Annex A}}}}]\n");
    let found = report(&[(EIO, FORM_LINE, &both)]);
    assert!(
        found.contains("`form` and `forms` stand side by side"),
        "{found}"
    );
}

#[test]
fn rules_name_instruments_by_kind() {
    let kinds = [
        (
            "vocabulary.yaml",
            "types:\n",
            "types:\n  InstrumentKind: [mutual-assistance, police]\n",
        ),
        (EIO, "rank: 10", "kinds: [mutual-assistance]\nrank: 10"),
    ];
    let named = |names: &str| {
        let rule = format!("instruments: [{names}]\n    when: ['context.offence.fiscal']");
        let mut edits = kinds
            .map(|(file, from, to)| (file, from, to.to_owned()))
            .to_vec();
        edits.push((DE, "when: ['context.offence.fiscal']", rule));
        let edits: Vec<_> = edits
            .iter()
            .map(|(file, from, to)| (*file, *from, &**to))
            .collect();
        load(write(&edits).path())
    };
    let under = |names: &str| {
        let (model, _) = named(names).unwrap_or_else(|report| panic!("{report}"));
        let rule = &model.jurisdictions[&"DE".parse().unwrap()].module.rules[0];
        let named = rule.instruments.iter().flatten();
        named.map(|id| id.as_str().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(under("mutual-assistance"), ["eio"]);
    // A kind without members is no instrument at all, not every one.
    assert!(under("police").is_empty());
    let (model, _) = named("police").unwrap();
    let rule = &model.jurisdictions[&"DE".parse().unwrap()].module.rules[0];
    assert!(!rule.is_under(&"eio".parse().unwrap()));
    let found = named("mutual-asistance").unwrap_err().to_string();
    assert!(
        found.contains("did you mean `mutual-assistance`?"),
        "{found}"
    );
    shown!(report(&[
        (EIO, "rank: 10", "kinds: [mutual-assistance, eio]\nrank: 10"),
        (
            "vocabulary.yaml",
            "types:\n",
            "types:\n  InstrumentKind: [mutual-assistence, eio]\n",
        ),
    ]));
}

#[test]
fn open_questions_are_kept() {
    let open = "open: {question: {en: Is it so?}, checked: 2026-01-01}";
    let dir = write(&[
        (EIO, "rank: 10", &format!("rank: 10\n{open}")),
        (
            EIO,
            "  NO: {since: 2017-05-22}",
            &format!("  NO: {{since: 2017-05-22, {open}}}"),
        ),
        (
            EIO,
            "measures: {include: [all]}",
            &format!(
                "not_bound: {{FR: {{cite: act art 9, note: {{en: No}}, {open}}}}}\nmeasures: {{include: [all]}}"
            ),
        ),
        (DE, "source: act", &format!("source: act\n{open}")),
    ]);
    let library = crate::Library::load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    let questions = library.open_questions();
    let places: Vec<&str> = questions.iter().map(|question| &*question.place).collect();
    let expected = [
        "instrument/eio",
        "instrument/eio binds NO",
        "instrument/eio not_bound FR",
        "jurisdiction/DE",
    ];
    assert_eq!(places, expected);
    assert_eq!(questions[0].checked.to_string(), "2026-01-01");
}

/// A form on which receipts are confirmed, before the form of requests.
fn with_receipt(keys: &str) -> Vec<(&'static str, &'static str, String)> {
    let forms = format!(
        "forms:\n  - {{schema: traffic, cite: act art 6, title: {{en: Receipt}}, {keys}}}\n  \
         - {{cite: act art 5, title: {{en: Annex A}}}}\n"
    );
    vec![
        (TRAFFIC, "", TRAFFIC_FIELDS.to_owned()),
        (EIO, FORM_LINE, forms),
    ]
}

#[test]
fn a_form_of_reports_is_none_of_requests() {
    let edits = with_receipt("events: [received]");
    let edits: Vec<_> = edits.iter().map(|(a, b, c)| (*a, *b, &**c)).collect();
    let (model, _) = load(write(&edits).path()).unwrap_or_else(|report| panic!("{report}"));
    let eio = &model.instruments[&"eio".parse().unwrap()];
    for measure in ["data.traffic", "hearing.video"] {
        let measure = measure.parse().unwrap();
        let titled = |form: Option<&crate::model::Form>| form.map(|form| form.name.to_string());
        let request = titled(model.form(eio, &measure));
        assert_eq!(request.as_deref(), Some("form"));
        let report = titled(model.report_form(eio, &measure, "received"));
        assert_eq!(report.as_deref(), Some("traffic"));
        assert!(model.report_form(eio, &measure, "concluded").is_none());
    }
}

#[test]
fn a_report_can_be_made_without_its_form_unless_the_module_says_otherwise() {
    for (keys, required) in [
        ("events: [decided]", false),
        ("events: [decided], required: false", false),
        ("events: [decided], required: true", true),
    ] {
        let edits = with_receipt(keys);
        let mut edits: Vec<_> = edits.iter().map(|(a, b, c)| (*a, *b, &**c)).collect();
        let received = "  received: {produced_by: gateway, title: {en: Received}}\n";
        let decided = "  decided: {produced_by: executing, title: {en: Decided}}\n";
        let both = [received, decided].concat();
        edits.push(("vocabulary.yaml", received, &both));
        let library = crate::Library::load(write(&edits).path());
        let library = library.unwrap_or_else(|report| panic!("{report}"));
        let (eio, measure) = ("eio".parse().unwrap(), "hearing.video".parse().unwrap());
        let form = library.report_form((&eio, &measure), "decided").unwrap();
        assert_eq!(form.is_required(), required, "{keys}");
        assert!(library.report_form((&eio, &measure), "concluded").is_none());
    }
}

/// Its system tells it by a call without one.
#[test]
fn an_event_told_without_a_form_needs_none() {
    let edits = with_receipt("events: [acknowledged], required: true");
    let edits: Vec<_> = edits.iter().map(|(a, b, c)| (*a, *b, &**c)).collect();
    shown!(report(&edits));
}

#[test]
fn a_form_of_reports_names_events() {
    let edits = with_receipt("events: [recieved]");
    let edits: Vec<_> = edits.iter().map(|(a, b, c)| (*a, *b, &**c)).collect();
    shown!(report(&edits));
}

#[test]
fn a_form_restates_what_requests_have() {
    let fields = r#"{"type": "object", "properties": {
  "to": {"type": "string", "restates": "executing.state"},
  "measure": {"type": "string", "restates": {"field": "measure", "as": {"data": ["data"]}}},
  "role": {"enum": ["suspect", "expert"], "restates": "persons[].role"},
  "urgent": {"type": "boolean", "restates": "urgency.level"},
  "hurry": {"type": "boolean", "restates": {"field": "urgency.level", "as": {"true": ["urgnt"]}}},
  "months": {"enum": ["many"], "restates": {"field": "offences[].max_penalty_months", "as": {"many": ["36"]}}},
  "death": {"type": "boolean", "restates": {"field": "offences[].death_possible", "as": {"true": ["yes"]}}},
  "fiscal": {"type": "boolean", "restates": "facts[\"offence.fiscl\"]"},
  "broken": {"type": "boolean", "restates": ["measure"]}
}, "if": {"properties": {"to": {"restates": "measure"}}}}"#;
    let whole = "{\"type\": \"object\", \"required\": [\"a\"]}";
    shown!(report(&[(
        "instruments/eio/form.schema.json",
        whole,
        fields
    )]));
}
