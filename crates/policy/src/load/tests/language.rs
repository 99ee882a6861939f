//! Events, obligations, open questions, and the fields of a form.

use super::{DE, EIO, report, write};
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
    let read = &model.instruments[&"eio".parse().unwrap()]
        .form
        .as_ref()
        .unwrap()
        .read;
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
    let read = &model.instruments[&"eio".parse().unwrap()]
        .form
        .as_ref()
        .unwrap()
        .read;
    assert!(read.contains("form.urgent"), "{read:?}");
    let found = load(rule("").path()).unwrap_err().to_string();
    assert!(found.contains("`instruments: [<id>]`"), "{found}");
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
