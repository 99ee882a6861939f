//! Fields of every kind of file show in a difference. That none is forgotten the compiler
//! sees to: views take every struct of the model apart by all of its fields.
//!
//! What is no part of the model is not compared: in which order citations stand, titles of
//! holidays, and what registers of authorities and offences say of where they have an entry
//! from and when it was looked at.

use super::{
    super::small::{DE, FR, ORDER, TREATY, edited},
    AUTHORITIES, CALENDAR, FORM, MEASURES, OFFENCES, PACT, RULES, VOCABULARY, compare,
};
use crate::{Difference, Library};

const SOURCES: &str = "sources.yaml";
const REPORTS: &str = r#"
forms:
  - {cite: act art 5, title: {en: Annex A}}
  - {schema: report, cite: act art 6, title: {en: Report}, events: [decided, concluded]}
"#;

/// Where a value stands, the values before and after, and what is told of it: the part,
/// the aspect, and whether it means something.
struct Field(
    &'static str,
    [&'static str; 3],
    &'static str,
    &'static str,
    bool,
);

const MEANS: bool = true;
const READS: bool = false;

const FIELDS: &[Field] = &[
    Field(
        VOCABULARY,
        [
            "decided: {produced_by: executing",
            "decided: {produced_by: executing",
            "decided: {produced_by: issuing",
        ],
        "event decided",
        "produced by",
        MEANS,
    ),
    Field(
        VOCABULARY,
        [
            "decided: {produced_by: executing, title",
            "decided: {produced_by: executing, title",
            "decided: {title",
        ],
        "event decided",
        "produced by",
        MEANS,
    ),
    Field(
        VOCABULARY,
        [
            "title: {en: Decided}",
            "title: {en: Decided}",
            "title: {en: A decision}",
        ],
        "event decided",
        "title",
        READS,
    ),
    Field(
        VOCABULARY,
        [
            "title: {en: Decided}",
            "title: {en: Decided}, noun: {en: a}",
            "title: {en: Decided}, noun: {en: b}",
        ],
        "event decided",
        "noun",
        READS,
    ),
    Field(
        VOCABULARY,
        [
            "ask: {en: Is it an offence here too?}",
            "ask: {en: a}",
            "ask: {en: b}",
        ],
        "fact dual_criminality",
        "ask",
        READS,
    ),
    Field(
        VOCABULARY,
        [
            "role: executing-judge",
            "role: executing-judge",
            "role: executing-prosecutor",
        ],
        "fact dual_criminality",
        "role",
        MEANS,
    ),
    Field(
        VOCABULARY,
        [
            "because: {en: Nothing shows a minor}",
            "because: {en: a}",
            "because: {en: b}",
        ],
        "fact persons.minor",
        "because",
        READS,
    ),
    Field(
        VOCABULARY,
        ["retained]", "retained]", "retained, unknown]"],
        "type DeathPenalty",
        "values",
        MEANS,
    ),
    Field(
        MEASURES,
        ["title: {en: Coercive}", "title: {en: a}", "title: {en: b}"],
        "tag coercive",
        "title",
        READS,
    ),
    Field(
        MEASURES,
        ["title: {en: Hearing}", "title: {en: a}", "title: {en: b}"],
        "measure hearing",
        "title",
        READS,
    ),
    Field(
        MEASURES,
        [", tags: [coercive]", ", tags: [coercive]", ""],
        "measure data.traffic",
        "kinds",
        MEANS,
    ),
    Field(
        SOURCES,
        ["{en: The Act}", "{en: The Act}", "{en: The Acts}"],
        "source act",
        "title",
        READS,
    ),
    Field(
        SOURCES,
        ["law.example/act", "law.example/act", "law.example/acts"],
        "source act",
        "url",
        READS,
    ),
    Field(
        SOURCES,
        [
            "{en: The Act}",
            "{en: The Act}, note: {en: a}",
            "{en: The Act}, note: {en: b}",
        ],
        "instrument order",
        "source note",
        READS,
    ),
    Field(
        SOURCES,
        [
            "{en: The Act}",
            "{en: The Act}, checked: 2026-01-01",
            "{en: The Act}, checked: 2026-01-02",
        ],
        "instrument order",
        "source checked",
        READS,
    ),
    Field(
        CALENDAR,
        ["day: 12-25", "day: 12-25", "day: 12-26"],
        "calendar of FR",
        "holidays",
        MEANS,
    ),
    Field(
        CALENDAR,
        ["Europe/Paris", "Europe/Paris", "Europe/Berlin"],
        "calendar of FR",
        "time zone",
        MEANS,
    ),
    Field(
        ORDER,
        ["rank: 10", "rank: 10", "rank: 11"],
        "instrument order",
        "rank",
        MEANS,
    ),
    Field(
        ORDER,
        [
            "rank: 10",
            "rank: 10\nnotes: {en: a}",
            "rank: 10\nnotes: {en: b}",
        ],
        "instrument order",
        "notes",
        READS,
    ),
    Field(
        ORDER,
        [
            "rank: 10",
            "rank: 10\nchannel: {text: {en: a}, cite: act art 7}",
            "rank: 10\nchannel: {text: {en: b}, cite: act art 7}",
        ],
        "instrument order",
        "channel",
        READS,
    ),
    Field(
        ORDER,
        [
            "rank: 10",
            "rank: 10\nopen: {question: {en: a}, checked: 2026-01-01}",
            "rank: 10\nopen: {question: {en: b}, checked: 2026-01-01}",
        ],
        "instrument order",
        "open",
        READS,
    ),
    Field(
        ORDER,
        ["note: {en: opted out}", "note: {en: a}", "note: {en: b}"],
        "instrument order",
        "note",
        READS,
    ),
    Field(
        ORDER,
        [
            "  IE: {cite: act rec 44, note: {en: opted out}",
            "  IE: {cite: act rec 44, note: {en: a}, checked: 2026-01-01}\n  NL: {cite: act rec 44, note: {en: opted out}",
            "  IE: {cite: act rec 44, note: {en: b}, checked: 2026-01-01}\n  NL: {cite: act rec 44, note: {en: opted out}",
        ],
        "instrument order",
        "note",
        READS,
    ),
    Field(
        ORDER,
        [
            "languages: [fr]",
            "languages: [fr], declarations: {all: a}",
            "languages: [fr], declarations: {all: b}",
        ],
        "FR bound by order",
        "declarations",
        READS,
    ),
    Field(
        ORDER,
        [
            "languages: [fr]",
            "languages: [fr], confidence: low",
            "languages: [fr], confidence: high",
        ],
        "FR bound by order",
        "confidence",
        MEANS,
    ),
    Field(
        ORDER,
        [
            "form: {cite: act art 5",
            "form: {cite: act art 5",
            "form: {cite: act art 6",
        ],
        "form of order",
        "cite",
        READS,
    ),
    Field(
        ORDER,
        [
            "role: executing-judge\n    question: {en: A child?}",
            "role: executing-judge\n    question: {en: a}",
            "role: executing-judge\n    question: {en: b}",
        ],
        "rule order-minor",
        "question",
        READS,
    ),
    Field(
        ORDER,
        [
            "remedy: {en: Translate}",
            "remedy: {en: a}",
            "remedy: {en: b}",
        ],
        "rule order-language",
        "remedy",
        READS,
    ),
    Field(
        TREATY,
        [
            "rank: 50",
            "rank: 50\nbetween: [[DE], [FR]]",
            "rank: 50\nbetween: [[DE, NL], [FR]]",
        ],
        "instrument treaty",
        "between",
        MEANS,
    ),
    Field(
        FR,
        ["criminal_age: 13", "criminal_age: 13", "criminal_age: 14"],
        "State FR",
        "criminal age",
        MEANS,
    ),
    Field(
        FR,
        [
            "source: act",
            "source: act\nnotes: {en: a}",
            "source: act\nnotes: {en: b}",
        ],
        "State FR",
        "notes",
        READS,
    ),
    Field(
        DE,
        [
            "source: act",
            "source: act\nroutes: [{measures: [data], prefer: [order], cite: act art 1}]",
            "source: act\nroutes: [{measures: [data], prefer: [order], cite: act art 2}]",
        ],
        "routes of DE",
        "cite",
        READS,
    ),
    Field(
        AUTHORITIES,
        [
            "may_issue: [data]",
            "may_issue: [data]",
            "may_issue: [data], may_search_persons: true",
        ],
        "authority sta of DE",
        "may search persons",
        MEANS,
    ),
    Field(
        OFFENCES,
        [
            "confidence: high",
            "confidence: high, categories: [D08]",
            "confidence: high, categories: [D20]",
        ],
        "offence StGB 263 of DE",
        "categories",
        MEANS,
    ),
];

fn sides(Field(file, [from, was, is], ..): &Field) -> [Library; 2] {
    [was, is].map(|to| edited(&[(ORDER, RULES)], &[(file, from, to)]))
}

fn told(difference: &Difference) -> Vec<(String, &'static str, bool)> {
    let changes = difference.changes.iter().flat_map(|change| {
        let aspects = change.aspects.iter().map(|aspect| (aspect.aspect, MEANS));
        let words = change.words.iter().map(|aspect| (aspect.aspect, READS));
        aspects
            .chain(words)
            .map(|(aspect, means)| (change.subject.to_string(), aspect, means))
    });
    let words = difference.words.iter().flat_map(|words| {
        let aspects = words.aspects.iter();
        aspects.map(|aspect| (words.subject.to_string(), aspect.aspect, READS))
    });
    changes.chain(words).collect()
}

#[test]
fn fields_of_every_file_show() {
    for field in FIELDS {
        let [old, new] = sides(field);
        let difference = compare(&old, &new);
        let Field(_, values, subject, aspect, means) = field;
        let told = told(&difference);
        let expected = ((*subject).to_owned(), *aspect, *means);
        assert!(told.contains(&expected), "{values:?}: {told:?}");
        assert_eq!(
            difference.changes.is_empty(),
            !means,
            "{values:?}: {told:?}"
        );
    }
}

#[test]
fn a_source_that_nobody_cites_changes_no_meaning() {
    let more = [(SOURCES, "  other: {title: {en: Another act}}\n")];
    let [old, new] = [edited(&[], &[]), edited(&more, &[])];
    for (old, new) in [(&old, &new), (&new, &old)] {
        let difference = compare(old, new);
        assert!(difference.changes.is_empty(), "{:?}", difference.changes);
        let told: Vec<_> = told(&difference);
        assert_eq!(told, [("source other".to_owned(), "title", READS)]);
    }
}

#[test]
fn who_produces_an_event_is_told_in_words() {
    let [old, new] = sides(&FIELDS[0]);
    let difference = compare(&old, &new);
    let [change] = difference.changes.as_slice() else {
        panic!("{:?}", difference.changes)
    };
    let [aspect] = change.aspects.as_slice() else {
        panic!("{change:?}")
    };
    assert_eq!(aspect.was, ["the executing side"]);
    assert_eq!(aspect.is, ["the issuing side"]);
}

#[test]
fn events_come_and_go() {
    let event = "  decided: {produced_by: executing, title: {en: Decided}}\n";
    let old = edited(&[], &[]);
    let more = edited(
        &[],
        &[(
            VOCABULARY,
            event,
            &format!("{event}  paused: {{title: {{en: Paused}}}}\n"),
        )],
    );
    let less = edited(&[], &[(VOCABULARY, event, "")]);
    for (new, event) in [(&more, "event paused"), (&less, "event decided")] {
        let difference = compare(&old, new);
        let changes: Vec<String> = difference
            .changes
            .iter()
            .map(|change| change.subject.to_string())
            .collect();
        assert_eq!(changes, [event]);
    }
}

#[test]
fn events_that_a_form_is_of_are_told() {
    let form = "form: {cite: act art 5, title: {en: Annex A}}\n";
    let library = |forms: &str| {
        let schema = r#"{"type": "object", "properties": {"why": {"type": "string"}}}"#;
        let report = [("instruments/order/report.schema.json", schema)];
        edited(&report, &[(ORDER, form, forms.trim_start())])
    };
    let difference = compare(
        &library(REPORTS),
        &library(&REPORTS.replace(", concluded]", "]")),
    );
    let told = told(&difference);
    assert_eq!(told, [("form report of order".to_owned(), "events", MEANS)]);
}

#[test]
fn what_is_demanded_of_a_field_is_told_whatever_its_name() {
    let library = |demanded: &str| {
        let whole = "\"required\": [\"place\"]";
        edited(&[], &[(FORM, whole, &format!("{whole}, {demanded}"))])
    };
    let schemas = |demanded: &str| format!(r#""dependentSchemas": {{"title": {demanded}}}"#);
    let fields = |demanded: &str| format!(r#""dependentRequired": {{"title": {demanded}}}"#);
    for [was, is] in [
        [schemas(r#"{"required": ["place"]}"#), schemas("false")],
        [fields(r#"["place"]"#), fields(r#"["place", "date"]"#)],
    ] {
        let told = told(&compare(&library(&was), &library(&is)));
        let meant: Vec<_> = told
            .iter()
            .map(|(_, aspect, means)| (&**aspect, *means))
            .collect();
        assert_eq!(meant, [("schema", MEANS)], "{is}");
    }
}

#[test]
fn rules_of_others_that_name_a_new_instrument_are_told() {
    let kinds = (
        VOCABULARY,
        "types:\n",
        "types:\n  InstrumentKind: [mutual-assistance]\n",
    );
    let rule = |state: &str| {
        format!(
            "  - {{id: {state}-hearing, title: {{en: No hearings}}, cite: act art 1, stage: inbound, \
             effect: refuse, measures: [hearing], instruments: [mutual-assistance, treaty]}}\n"
        )
    };
    let pact = "module: instrument/pact\ntitle: {en: The Pact}\nsource: act\nstatus: in-force\nrank: 5\n\
                kinds: [mutual-assistance]\nbinds:\n  FR: {since: 2020-01-01, languages: [fr]}\n\
                measures: {include: [hearing]}\nrules:\n  \
                - {id: pact-permit, title: {en: The Pact applies}, cite: act art 1, effect: permit}\n";
    let [de, fr] = [rule("de"), rule("fr")];
    let national = [(DE, de.as_str()), (FR, fr.as_str())];
    let old = edited(&national, &[kinds]);
    let with_pact = [&national[..], &[("instruments/pact/module.yaml", pact)]].concat();
    let difference = compare(&old, &edited(&with_pact, &[kinds]));
    let told: Vec<String> = difference
        .changes
        .iter()
        .map(|change| change.subject.to_string())
        .collect();
    assert_eq!(
        told,
        ["instrument pact", "rule de-hearing", "rule fr-hearing"]
    );
}

#[test]
fn a_filter_that_takes_a_rule_away_is_told() {
    let rule = |filter: &str| {
        format!(
            "  - {{id: fr-hearing, title: {{en: No hearings}}, cite: act art 1, stage: inbound, \
             effect: refuse, measures: [hearing]{filter}}}\n"
        )
    };
    let pact = PACT.replace("  FR: {since: 2020-01-01, languages: [fr]}\n", "");
    let [old, new] = [rule(""), rule(", instruments: [pact]")];
    let new = [(FR, new.as_str()), ("instruments/pact/module.yaml", &pact)];
    let difference = compare(&edited(&[(FR, &old)], &[]), &edited(&new, &[]));
    let told: Vec<String> = difference
        .changes
        .iter()
        .map(|change| change.subject.to_string())
        .collect();
    assert!(told.contains(&"rule fr-hearing".to_owned()), "{told:?}");
}

#[test]
fn a_rule_written_otherwise_is_told_from_one_that_means_otherwise() {
    let library = |line: &str| {
        let rule = format!(
            "  - {{id: order-light, title: {{en: Light}}, cite: act art 1, effect: refuse, when: ['{line}']}}\n"
        );
        edited(&[(ORDER, &rule)], &[])
    };
    let old = library("context.offence.max_penalty_months < 6");
    let rewritten = compare(&old, &library("!(context.offence.max_penalty_months >= 6)"));
    assert!(!rewritten.changes.is_empty());
    assert!(rewritten.is_rewritten(), "{:?}", rewritten.rules);
    assert!(!compare(&old, &library("context.offence.max_penalty_months < 7")).is_rewritten());
    assert!(!compare(&old, &old).is_rewritten());
    // What the search cannot see is none of what only reads otherwise.
    for (before, after) in [
        (
            "context.form.place.city == \"Paris\" || context.offence.political",
            "context.offence.political",
        ),
        (
            "context.offence.max_penalty_months * 3 < 120",
            "context.offence.max_penalty_months * 3 < 126",
        ),
        (
            "context.offence.categories.contains(Category::\"D08\") && context.persons.roles.containsAll([PersonRole::\"victim\", PersonRole::\"witness\"])",
            "context.offence.categories.contains(Category::\"D08\") && context.persons.roles.containsAll([PersonRole::\"victim\", PersonRole::\"witness\"]) && !context.persons.roles.containsAll([PersonRole::\"victim\", PersonRole::\"suspect\"])",
        ),
    ] {
        let difference = compare(&library(before), &library(after));
        assert!(!difference.changes.is_empty());
        assert!(
            !difference.is_rewritten(),
            "{after}: {:?}",
            difference.rules
        );
    }
}
