//! A tiny library that loads, and what is said of each mistake in it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use comity_domain::{FactValue, GroundKind};

use super::*;

/// Files of a library without mistakes, beside the published schemas.
const GOOD: &[(&str, &str)] = &[
    (
        "vocabulary.yaml",
        "\
types:
  State: [DE, FR, 'NO', other]
  AuthorityKind: [judge, prosecutor]
  Category: [D08, D20]
  PersonRole: [suspect, victim]
events:
  received: {produced_by: gateway, title: {en: Received}}
  acknowledged: {produced_by: executing, title: {en: Acknowledged}}
  lapsed: {title: {en: Lapsed}}
facts:
  dual_criminality: {type: truth, stated_by: executing, title: {en: Offence in both States}}
  measure: {type: set of Measure, stated_by: gateway, title: {en: Measure}}
  issuing.state: {type: State, stated_by: gateway, title: {en: State that asks}}
  offence.max_penalty_months: {type: number, stated_by: requester, title: {en: Maximum penalty}}
  offence.fiscal:
    type: truth
    stated_by: requester
    title: {en: Fiscal offence}
    ask: {en: State whether the offence is fiscal}
    presume: {value: false, because: {en: Nobody has said so}, cite: act art 9}
",
    ),
    (
        "measures.yaml",
        "\
tags:
  coercive: {title: {en: Coercive}, cite: act art 2}
measures:
  data: {title: {en: Data}}
  data.traffic: {title: {en: Traffic data}, tags: [coercive]}
",
    ),
    (
        "sources.yaml",
        "\
sources:
  act: {title: {en: The Act}, url: https://law.example/act}
",
    ),
    (
        "calendars/DE.yaml",
        "\
calendar: DE
time_zone: Europe/Berlin
holidays:
  - {title: {en: Christmas Day}, day: 12-25}
  - {title: {en: Easter Monday}, easter: 1}
  - {title: {en: Day of Prayer}, nth: 3, weekday: wednesday, month: 11}
",
    ),
    (
        "instruments/eio/module.yaml",
        "\
module: instrument/eio
title: {en: Investigation Order}
source: act
status: in-force
rank: 10
binds:
  DE: {since: 2017-05-22, languages: [de]}
  NO: {since: 2017-05-22}
measures: {include: [all]}
form: {cite: act art 5, title: {en: Annex A}}
rules:
  - id: eio-permit
    title: {en: Issued by a State that is bound}
    cite: act art 1
    effect: permit
  - id: eio-11
    title: {en: No offence here}
    cite: [act art 11, act art 12]
    effect: refuse
    consult: true
    when:
      - context.dual_criminality == false
    unless:
      - |
        context.offence.max_penalty_months >= 36 &&
        context.measure.contains(Measure::\"coercive\")
  - id: eio-12
    title: {en: Acknowledge}
    cite: act art 12
    effect: clock
    clock: {measures: acknowledge, length: 7, unit: days, starts: received, stops: [acknowledged]}
",
    ),
    (
        "instruments/eio/form.schema.json",
        "{\"type\": \"object\", \"required\": [\"a\"]}\n",
    ),
    (
        "jurisdictions/de/module.yaml",
        "\
module: jurisdiction/DE
title: {en: Germany}
source: act
profile: {languages: [de], death_penalty: abolished, central_authority: bfj}
routes:
  - {measures: [data], prefer: [eio]}
rules:
  - id: de-1
    title: {en: Fiscal offences}
    cite: act art 3
    stage: inbound
    effect: may-refuse
    exception_to: eio-11
    when: ['context.offence.fiscal']
",
    ),
    (
        "jurisdictions/de/authorities.yaml",
        "\
jurisdiction: DE
authorities:
  - {id: bfj, title: {en: Federal Office of Justice}, kind: prosecutor, may_issue: [all]}
",
    ),
    (
        "jurisdictions/de/offences.yaml",
        "\
jurisdiction: DE
offences:
  - {provision: StGB 263, title: {en: Fraud}, max_penalty_months: 60, categories: [D20], iccs: \"0701\"}
",
    ),
];

const EIO: &str = "instruments/eio/module.yaml";
const DE: &str = "jurisdictions/de/module.yaml";

/// Writes the good library, with each edit `(file, from, to)` made in it.
fn write(edits: &[(&str, &str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for entry in fs::read_dir(published()).unwrap() {
        let file = entry.unwrap();
        put(
            dir.path(),
            &format!("schema/{}", file.file_name().display()),
            &fs::read_to_string(file.path()).unwrap(),
        );
    }
    for (path, text) in GOOD {
        put(dir.path(), path, text);
    }
    for (path, from, to) in edits {
        let text = fs::read_to_string(dir.path().join(path)).unwrap_or_default();
        assert!(text.contains(from), "`{from}` is not in {path}");
        put(dir.path(), path, &text.replacen(from, to, 1));
    }
    dir
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn published() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/schema")
}

/// The report on the good library with these edits.
fn report(edits: &[(&str, &str, &str)]) -> String {
    load(write(edits).path()).unwrap_err().to_string()
}

/// Compares a report with the one on record.
macro_rules! shown {
    ($report:expr) => {
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!($report) })
    };
}

mod language;
mod names;
mod signs;

#[test]
fn a_good_library_loads() {
    let dir = write(&[]);
    let (model, tests) = load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
    assert!(tests.is_empty());
    let eio = &model.instruments[&"eio".parse().unwrap()];
    assert!(
        eio.binds.contains_key(&"NO".parse().unwrap()),
        "NO is Norway"
    );
    let refusal = &eio.module.rules[1];
    assert!(matches!(
        refusal.effect,
        crate::model::Effect::Refuse {
            kind: GroundKind::Mandatory,
            consult: true,
            ..
        }
    ));
    let facts: Vec<&str> = refusal.unless[0].facts.iter().map(|fact| &**fact).collect();
    assert_eq!(facts, ["measure", "offence.max_penalty_months"]);
    let kinds: Vec<&str> = model.measures.kinds[&"data.traffic".parse().unwrap()]
        .iter()
        .map(|k| &**k)
        .collect();
    assert_eq!(kinds, ["all", "coercive", "data", "data.traffic"]);
    let fiscal = &model.vocabulary.facts["offence.fiscal"];
    assert_eq!(
        fiscal.presumption.as_ref().unwrap().value,
        FactValue::Truth(false)
    );
    assert!(eio.forms[0].schema.is_valid(&serde_json::json!({"a": 1})));
    assert_eq!(model.calendars[&"DE".parse().unwrap()].holidays.len(), 3);
}

#[test]
fn conditions_are_type_checked() {
    let lines = r#"'context.offence.fiscal'
      - 'true } unless { false'
      - context.offence has fiscal
      - context.ofence.fiscal
      - principal == principal
      - context.offence.max_penalty_months
      - resource.owner like "x*"
      - foo(context.measure)
      - ip("10.0.0.1").isLoopback()
      - context.measure.contains(State::"DE")
      - "context.issuing.state == State::\"DF\""
      - context.issuing.state in [State::"DE", Stat::"FR"]
      - 'true &&'
      - context == context
      - context.offence == context.offence
      - context.dual_criminality // really
      - >-
        context.offence.max_penalty_months
        >= "36""#;
    shown!(report(&[
        (
            EIO,
            "context.dual_criminality == false",
            "context.dual_criminalty == false"
        ),
        (EIO, "\"coercive\"", "\"coersive\""),
        (EIO, ">= 36", ">= \"36\""),
        (
            DE,
            "['context.offence.fiscal']",
            &format!("\n      - {lines}")
        ),
    ]));
}

#[test]
fn slips_of_other_languages_are_named() {
    let lines = r#"
      - not context.offence.fiscal
      - context.offence.fiscal AND True or no
      - offence.fiscal && offence.fiscal == dual_criminality
      - measure.contains(Measure::"data") && context.measure.contains(“data”)
      - context.offence.fiscal = True
      - context.offence.fiscal == true true
      - context.measure.contains("coersive")
      - 'context.issuing.state == "DE"'
      - '["DE", "XX"].contains(context.issuing.state)'
      - context.offence.max_penalty_months > "12"
      - context.offence.max_penalty_months > "twelve"
      - 'context.dual_criminality == "false"'
      - 'context.issuing.state == State::"UK"'"#;
    shown!(report(&[
        (DE, "['context.offence.fiscal']", lines),
        (EIO, "  NO: {since", "  XR: {since"),
    ]));
}

#[test]
fn conditions_need_quotes_where_yaml_reads_them_otherwise() {
    for line in [
        "!context.offence.fiscal",
        "!context.offence.fiscal && context.dual_criminality",
        "!(context.offence.fiscal || context.dual_criminality)",
        "[State::\"DE\"].contains(context.issuing.state)",
        "\"DE\" == context.issuing.state",
    ] {
        let dir = write(&[(
            DE,
            "['context.offence.fiscal']",
            &format!("\n      - {line}"),
        )]);
        let found = load(dir.path()).unwrap_err();
        let [found] = found.diagnostics() else {
            panic!("{found}");
        };
        let remedy = format!("put it in single quotes: '{line}'");
        assert_eq!(
            (found.line, found.remedy.as_ref()),
            (15, Some(&remedy)),
            "{found}"
        );
    }
}

#[test]
fn a_module_that_cannot_be_read_makes_no_mistakes_of_others() {
    let found = load(write(&[(EIO, "binds:", "binds: ]")]).path()).unwrap_err();
    let found: Vec<_> = found.diagnostics().iter().map(|found| found.code).collect();
    assert_eq!(found, [crate::Code::YamlSyntax]);
}

#[test]
fn bombs_are_refused_before_anything_recursive_sees_them() {
    let brackets = "(".repeat(2000);
    let hidden = format!("true // \"\n{brackets}").replace('\n', "\\n");
    let negations = "!".repeat(2000);
    let long = "true || ".repeat(600);
    let report = report(&[(
        DE,
        "['context.offence.fiscal']",
        &format!(
            "['{brackets}', \"{}\", '{negations}', '{long}']",
            hidden.replace('"', "\\\"").replace("\\\\n", "\\n")
        ),
    )]);
    let headings: Vec<&str> = report
        .lines()
        .filter(|line| line.starts_with("error"))
        .collect();
    assert_eq!(
        headings,
        [
            "error[too-large]: nested more than 32 levels deep",
            "error[condition-forbidden]: a comment inside a condition",
            "error[too-large]: nested more than 32 levels deep",
            "error[too-large]: a condition of more than 4096 bytes",
        ]
    );
}

#[test]
fn files_must_be_plain_yaml() {
    shown!(report(&[
        (EIO, "rank: 10", "rank: 10\nrank: 11"),
        (DE, "source: act", "source: &a act\nnotes: *a"),
        (
            "measures.yaml",
            "{title: {en: Data}}",
            "!!map {title: {en: Data}}"
        ),
        ("calendars/DE.yaml", "holidays:", "holidays: ]"),
        ("sources.yaml", "sources:", &"[".repeat(40)),
    ]));
}

#[test]
fn files_follow_their_schemas() {
    shown!(report(&[
        (EIO, "status: in-force", "status: inforce"),
        (EIO, "rank: 10", "rank: ten"),
        (EIO, "since: 2017-05-22", "since: 2017-02-30"),
        (EIO, "cite: act art 1\n", "cite: act\n"),
        (
            EIO,
            "effect: permit",
            "effect: permit\n    stage: inbound\n    remedy: {en: Mend it}"
        ),
        (
            EIO,
            "consult: true",
            "consult: true\n    confidense: high\n    kind: retrun"
        ),
        (EIO, ", stops: [acknowledged]", ", stops: []"),
        (EIO, "  DE: {since", "  De: {since"),
        (
            DE,
            "title: {en: Fiscal offences}",
            "title: {de: Fiskalische Taten}"
        ),
        (DE, "    stage: inbound\n", ""),
        ("jurisdictions/de/offences.yaml", "\"0701\"", "0701"),
        (
            "jurisdictions/de/offences.yaml",
            "max_penalty_months: 60, ",
            ""
        ),
    ]));
}

#[test]
fn names_must_exist() {
    shown!(report(&[
        (
            "vocabulary.yaml",
            "type: set of Measure",
            "type: set of Measures"
        ),
        ("vocabulary.yaml", "value: false", "value: 'no'"),
        ("measures.yaml", "  data.traffic:", "  date.traffic:"),
        ("measures.yaml", "tags: [coercive]", "tags: [coersive]"),
        ("calendars/DE.yaml", "easter: 1", "easter: 1, month: 4"),
        (EIO, "cite: act art 5", "cite: atc art 5"),
        (
            EIO,
            "  NO: {since: 2017-05-22}",
            "  NL: {since: 2017-05-22, until: 2017-05-22}"
        ),
        (
            EIO,
            "{include: [all]}",
            "{include: [al]}\nprevails_over: [{instrument: mla, cite: act art 3}]"
        ),
        (DE, "module: jurisdiction/DE", "module: jurisdiction/FR"),
        (DE, "exception_to: eio-11", "exception_to: eio-10"),
        (DE, "central_authority: bfj", "central_authority: bfi"),
        (DE, "id: de-1", "id: eio-12"),
        (
            "jurisdictions/de/authorities.yaml",
            "kind: prosecutor",
            "kind: procurator"
        ),
        ("jurisdictions/de/offences.yaml", "[D20]", "[D21]"),
    ]));
}

#[test]
fn exceptions_are_to_rules_of_other_modules() {
    let found = report(&[(DE, "exception_to: eio-11", "exception_to: de-1")]);
    assert!(found.contains("`de-1` is a rule of this module"), "{found}");
}

#[test]
fn a_form_and_its_provision_come_together() {
    let form = "instruments/eio/form.schema.json";
    shown!(report(&[(form, "\"object\"", "\"objekt\"")]));
    let found = report(&[(EIO, "form: {cite: act art 5, title: {en: Annex A}}\n", "")]);
    assert!(found.contains("nothing prescribes this form"), "{found}");
    let dir = write(&[]);
    fs::remove_file(dir.path().join(form)).unwrap();
    let found = load(dir.path()).unwrap_err().to_string();
    assert!(found.contains("the form has no schema"), "{found}");
}

#[test]
fn files_that_are_missing_or_out_of_place_are_named() {
    let dir = write(&[]);
    fs::remove_file(dir.path().join("jurisdictions/de/offences.yaml")).unwrap();
    fs::remove_file(dir.path().join("sources.yaml")).unwrap();
    put(
        dir.path(),
        "instruments/eio/modul.yaml",
        "module: instrument/eio\n",
    );
    put(dir.path(), "instruments/README.md", "for readers\n");
    shown!(load(dir.path()).unwrap_err());
    fs::remove_file(dir.path().join("schema/rule.schema.json")).unwrap();
    let found = load(dir.path()).unwrap_err().to_string();
    assert!(found.contains("schema/rule.schema.json"), "{found}");
}

#[test]
fn digests_cover_what_decides() {
    let digests = |edits: &[(&str, &str, &str)]| {
        let (model, _) = load(write(edits).path()).unwrap();
        let module = model.jurisdictions[&"DE".parse().unwrap()].module.digest;
        (module, model.digest)
    };
    let good = digests(&[]);
    let tests = digests(&[("jurisdictions/de/tests.yaml", "", "tests: []\n")]);
    assert_eq!(tests, good, "scenarios decide nothing");
    let register = digests(&[("jurisdictions/de/offences.yaml", "60", "61")]);
    assert!(register.0 != good.0 && register.1 != good.1);
    let elsewhere = digests(&[("calendars/DE.yaml", "12-25", "12-26")]);
    assert!(elsewhere.0 == good.0 && elsewhere.1 != good.1);
}

#[test]
fn a_report_shows_the_line_and_colors_on_demand() {
    let found = load(write(&[(EIO, "rank: 10", "rank: ten")]).path()).unwrap_err();
    let [diagnostic] = found.diagnostics() else {
        panic!("{found}");
    };
    assert_eq!(
        (&*diagnostic.path, diagnostic.line, diagnostic.column),
        (EIO, 5, 7)
    );
    assert_eq!(
        (diagnostic.end, &*diagnostic.excerpt),
        ((5, 10), "rank: ten")
    );
    assert!(!found.to_string().contains('\u{1b}'));
    assert!(found.colored().contains('\u{1b}'));
}
