//! What an edit means: each kind of difference is found, said, and shown by a
//! request that really is decided otherwise.

mod carriers;
mod fields;

use std::fmt::Write as _;

use proptest::prelude::*;

use super::{
    properties::requests,
    small::{DE, FR, ORDER, decide, edited},
};
use crate::{
    AspectChange, ChangeKind, Difference, Finding, Library, Matters, Relation, Selection,
    scenario::outcome,
};

const VOCABULARY: &str = "vocabulary.yaml";
const MEASURES: &str = "measures.yaml";
const AUTHORITIES: &str = "jurisdictions/de/authorities.yaml";
const OFFENCES: &str = "jurisdictions/de/offences.yaml";
const CALENDAR: &str = "calendars/FR.yaml";
const FORM: &str = "instruments/order/form.schema.json";
const TESTS: &str = "instruments/order/tests.yaml";

/// Rules of every effect.
const RULES: &str = r#"
  - {id: order-penalty, title: {en: Light}, cite: act art 1, effect: refuse, when: [context.offence.max_penalty_months < 6]}
  - id: order-dual
    title: {en: Dual}
    cite: act art 1
    effect: may-refuse
    when:
      - context.dual_criminality == false
    unless:
      - context.offence.annex_d && context.offence.max_penalty_months >= 36
      - context.urgency == Urgency::"emergency"
  - id: order-death
    title: {en: Death}
    cite: act art 1
    effect: require
    remedy: {en: Give an assurance}
    field: assurances
    when:
      - context.offence.death_possible
    unless:
      - context.assurances.contains(AssuranceKind::"no-death-penalty")
  - id: order-minor
    title: {en: Minor}
    cite: act art 1
    effect: refer
    role: executing-judge
    question: {en: A child?}
    when:
      - context.persons.minor
    unless:
      - context.measure.contains(Measure::"data")
  - id: order-clock
    title: {en: Decide}
    cite: act art 1
    effect: clock
    clock: {measures: decide, length: 30, unit: days, starts: received, stops: [concluded], calendar: executing}
  - {id: order-use, title: {en: Use}, cite: act art 1, effect: oblige, obligation: {kind: use-limit, bound: issuing, parameters: {purpose: this case}}}
  - {id: order-competent, title: {en: Incompetent}, cite: act art 1, effect: refuse, kind: return, when: [context.issuing.competent == false]}
  - {id: order-language, title: {en: Language}, cite: act art 1, effect: require, remedy: {en: Translate}, field: language, when: [context.language_accepted == false]}
"#;
const FRENCH: &str = r"
  - {id: fr-political, title: {en: Political}, cite: act art 1, stage: inbound, effect: refuse, when: [context.offence.political]}
  - {id: fr-victim, title: {en: Victims}, cite: act art 1, stage: disclosure, effect: oblige, obligation: {kind: redact, bound: executing, parameters: {path: $.name}}}
";
/// The dual criminality that France insists on.
const EXCEPTION: &str = r"
  - {id: fr-dual, title: {en: Never mind}, cite: act art 1, stage: inbound, effect: permit, exception_to: order-dual, when: [context.offence.max_penalty_months >= 60]}
";
const PACT: &str = r"
module: instrument/pact
title: {en: The Pact}
source: act
status: in-force
rank: 5
binds:
  DE: {since: 2020-01-01, languages: [de]}
  FR: {since: 2020-01-01, languages: [fr]}
measures: {include: [hearing, team]}
rules:
  - {id: pact-permit, title: {en: The Pact applies}, cite: act art 1, effect: permit}
";

/// An edit: what it is called, text replaced in files, text added to files.
struct Edit {
    title: &'static str,
    replaced: &'static [(&'static str, &'static str, &'static str)],
    added: &'static [(&'static str, &'static str)],
}

const fn replacing(
    title: &'static str,
    replaced: &'static [(&'static str, &'static str, &'static str)],
) -> Edit {
    Edit {
        title,
        replaced,
        added: &[],
    }
}

const fn adding(title: &'static str, added: &'static [(&'static str, &'static str)]) -> Edit {
    Edit {
        title,
        replaced: &[],
        added,
    }
}

const EDITS: &[Edit] = &[
    replacing("a threshold is loosened", &[(ORDER, ">= 36", ">= 12")]),
    replacing(
        "an optional ground becomes mandatory",
        &[(ORDER, "effect: may-refuse", "effect: refuse")],
    ),
    replacing(
        "a condition is dropped",
        &[(
            ORDER,
            "    unless:\n      - context.assurances.contains(AssuranceKind::\"no-death-penalty\")\n",
            "",
        )],
    ),
    replacing(
        "a rule binds some measures only",
        &[(
            ORDER,
            "when: [context.offence.max_penalty_months < 6]",
            "measures: [hearing], when: [context.offence.max_penalty_months < 6]",
        )],
    ),
    replacing(
        "a rule begins later",
        &[(
            ORDER,
            "when: [context.offence.max_penalty_months < 6]",
            "since: 2027-01-01, when: [context.offence.max_penalty_months < 6]",
        )],
    ),
    replacing(
        "a rule becomes unsure",
        &[(
            FR,
            "{id: fr-political,",
            "{id: fr-political, confidence: low,",
        )],
    ),
    adding("an exception is added", &[(FR, EXCEPTION)]),
    replacing(
        "nothing is permitted any more",
        &[(
            FR,
            "effect: permit}",
            "effect: permit, when: [context.dual_criminality]}",
        )],
    ),
    replacing(
        "a time limit is halved",
        &[(ORDER, "length: 30", "length: 15")],
    ),
    replacing(
        "a ground is presumed no longer",
        &[(
            VOCABULARY,
            "\n    presume: {value: false, because: {en: Nobody has raised it}, cite: act art 9}",
            "",
        )],
    ),
    replacing(
        "somebody else settles a fact",
        &[(
            VOCABULARY,
            "    stated_by: executing\n    role: executing-judge",
            "    stated_by: requester",
        )],
    ),
    replacing(
        "a State accepts another language",
        &[(
            ORDER,
            "FR: {since: 2017-05-22, languages: [fr]}",
            "FR: {since: 2017-05-22, languages: [fr, en]}",
        )],
    ),
    replacing(
        "a State is bound no longer",
        &[(
            ORDER,
            "FR: {since: 2017-05-22,",
            "FR: {since: 2017-05-22, until: 2026-06-01,",
        )],
    ),
    replacing(
        "an instrument prevails no longer",
        &[
            (ORDER, "rank: 10", "rank: 90"),
            (
                ORDER,
                "prevails_over: [{instrument: treaty, cite: act art 34}]\n",
                "",
            ),
        ],
    ),
    replacing(
        "an authority may ask for more",
        &[(
            AUTHORITIES,
            "may_issue: [data]",
            "may_issue: [data, hearing]",
        )],
    ),
    replacing(
        "an offence carries less",
        &[(
            OFFENCES,
            "max_penalty_months: 60, iccs: \"0701\"",
            "max_penalty_months: 3, iccs: \"0701\"",
        )],
    ),
    replacing(
        "a State keeps the death penalty",
        &[(DE, "death_penalty: abolished", "death_penalty: retained")],
    ),
    replacing(
        "a day is a holiday",
        &[(
            CALENDAR,
            "holidays:\n",
            "holidays:\n  - {title: {en: Boxing Day}, day: 12-26}\n  - {title: {en: Day after}, day: 12-28}\n",
        )],
    ),
    replacing(
        "a measure becomes data",
        &[(
            MEASURES,
            "  hearing: {title: {en: Hearing}}",
            "  data.hearing: {title: {en: Hearing}}\n  hearing: {title: {en: Hearing}, tags: [coercive]}",
        )],
    ),
    replacing(
        "the form asks for more",
        &[(
            FORM,
            "\"required\": [\"place\"]",
            "\"required\": [\"place\", \"date\"]",
        )],
    ),
    replacing(
        "an authority becomes unsure",
        &[(
            AUTHORITIES,
            "may_issue: [data],",
            "may_issue: [data], confidence: low,",
        )],
    ),
    replacing(
        "a State is bound as far as is known",
        &[(
            ORDER,
            "FR: {since: 2017-05-22,",
            "FR: {since: 2017-05-22, confidence: low,",
        )],
    ),
    replacing(
        "the capital lies elsewhere",
        &[(CALENDAR, "Europe/Paris", "Europe/Athens")],
    ),
    adding(
        "an instrument is added",
        &[("instruments/pact/module.yaml", PACT)],
    ),
    replacing(
        "a citation changes",
        &[(
            ORDER,
            "{en: Minor}\n    cite: act art 1",
            "{en: Minor}\n    cite: act art 2",
        )],
    ),
    replacing(
        "only words change",
        &[(ORDER, "{en: Death}", "{en: Risk of death}")],
    ),
    replacing(
        "only the order changes",
        &[
            (
                ORDER,
                "      - context.offence.annex_d && context.offence.max_penalty_months >= 36\n      - context.urgency == Urgency::\"emergency\"\n",
                "      # Emergencies first.\n      - context.urgency == (Urgency::\"emergency\")\n      - context.offence.annex_d  &&  context.offence.max_penalty_months >= 36\n",
            ),
            (
                ORDER,
                "rank: 10\nbinding_cite: act art 36\n",
                "binding_cite: act art 36\nrank: 10\n",
            ),
            (
                FORM,
                "\"type\": \"object\", \"required\": [\"place\"]",
                "\"required\": [\"place\"], \"type\": \"object\"",
            ),
        ],
    ),
];

fn library(edit: &Edit) -> Library {
    let rules = [(ORDER, RULES), (FR, FRENCH)];
    edited(&[&rules[..], edit.added].concat(), edit.replaced)
}

fn unedited() -> Library {
    library(&replacing("", &[]))
}

fn compare(old: &Library, new: &Library) -> Difference {
    old.compare(new, "2026-11-23".parse().unwrap(), &|_| {})
}

/// A difference in few words.
fn words(difference: &Difference) -> String {
    let mut text = String::new();
    for change in &difference.changes {
        let kind = match change.kind {
            ChangeKind::Added => " (new)",
            ChangeKind::Removed => " (gone)",
            ChangeKind::Altered => "",
        };
        let _ = writeln!(text, "{}{kind}", change.subject);
        for AspectChange { aspect, was, is } in &change.aspects {
            let _ = writeln!(text, "  {aspect}: {was:?} -> {is:?}");
        }
        for AspectChange { aspect, was, is } in &change.words {
            let _ = writeln!(text, "  in words, {aspect}: {was:?} -> {is:?}");
        }
        for within in &change.within {
            let _ = writeln!(text, "  with {within}");
        }
    }
    for words in &difference.words {
        let _ = writeln!(text, "only words: {}", words.subject);
        for AspectChange { aspect, was, is } in &words.aspects {
            let _ = writeln!(text, "  {aspect}: {was:?} -> {is:?}");
        }
    }
    for rule in &difference.rules {
        let _ = writeln!(text, "{} holds: {:?}", rule.rule, rule.relation);
    }
    for effect in &difference.effects {
        let [before, after] = effect.outcomes.map(outcome);
        let _ = writeln!(text, "=> {before} -> {after}");
        for (sign, findings) in ["-", "+"].iter().zip(&effect.findings) {
            for Finding {
                kind,
                of,
                detail,
                missing,
            } in findings
            {
                let _ = writeln!(text, "   {sign} {kind:?} {of} {detail} {missing:?}");
            }
        }
        for Matters {
            named,
            pairs,
            measures,
        } in &effect.matters
        {
            let named: Vec<&str> = named.iter().map(|named| named.as_str()).collect();
            let pairs = pairs.iter().map(|[one, other]| format!("{one}-{other}"));
            let measures = measures.iter().map(ToString::to_string);
            let [pairs, measures] = [pairs.collect::<Vec<_>>(), measures.collect()];
            let _ = writeln!(
                text,
                "   {named:?} {}: {}",
                pairs.join(" "),
                measures.join(" ")
            );
        }
        text.push_str(&effect.example.scenario);
    }
    for left in &difference.left_out {
        let _ = writeln!(text, "left out {:?}: {}", left.subject, left.what);
    }
    text
}

/// Puts the examples beside the modules of both libraries: the new one decides
/// as each says, the old one does not where the outcome is another.
fn assert_shown(difference: &Difference, old: &Edit, new: &Edit) {
    if difference.effects.is_empty() {
        return;
    }
    let scenarios = difference
        .effects
        .iter()
        .map(|effect| &*effect.example.scenario);
    let tests = format!("tests:\n{}", scenarios.collect::<String>());
    let run = |edit: &Edit| {
        let rules = [(ORDER, RULES), (FR, FRENCH), (TESTS, tests.as_str())];
        edited(&[&rules[..], edit.added].concat(), edit.replaced)
            .test(&Selection::default())
            .unwrap()
            .results
    };
    for (effect, result) in difference.effects.iter().zip(run(new)) {
        assert_eq!(result.differences, [], "{}", effect.example.scenario);
    }
    for (effect, result) in difference.effects.iter().zip(run(old)) {
        let [before, after] = effect.outcomes;
        assert!(
            !result.passed() || before == after,
            "{}",
            effect.example.scenario
        );
        // What is new cannot even be asked for.
        let said = result.outcome == Some(before)
            || result
                .differences
                .iter()
                .any(|told| told.found.contains("` is no "));
        assert!(before == after || said, "{:?}", result.differences);
    }
}

#[test]
fn each_kind_of_edit_is_explained() {
    let (before, old) = (replacing("", &[]), unedited());
    let mut text = String::new();
    for edit in EDITS {
        let difference = compare(&old, &library(edit));
        let _ = writeln!(text, "# {}\n{}", edit.title, words(&difference));
        assert_shown(&difference, &before, edit);
    }
    insta::assert_snapshot!(text);
}

#[test]
fn what_only_reads_otherwise_means_the_same() {
    let old = unedited();
    let means = |title: &str| {
        let edit = EDITS.iter().find(|edit| edit.title == title).unwrap();
        compare(&old, &library(edit))
    };
    for title in ["only words change", "only the order changes"] {
        let difference = means(title);
        assert!(difference.changes.is_empty(), "{:?}", difference.changes);
        assert!(difference.effects.is_empty());
    }
    assert!(means("only the order changes").words.is_empty());
    let cited = means("a citation changes");
    assert!(cited.effects.is_empty());
    let changed: Vec<_> = cited
        .changes
        .iter()
        .flat_map(|change| &change.aspects)
        .collect();
    assert!(
        matches!(changed.as_slice(), [aspect] if aspect.aspect == "cite"),
        "{changed:?}"
    );
}

/// Settings of the rules above that an edit may change.
#[derive(Debug, Clone)]
struct Settings {
    light: i64,
    grave: i64,
    dual: &'static str,
    lifted_when_grave: bool,
    lifted_in_emergencies: bool,
    death: bool,
    political: &'static str,
    exception: bool,
}

fn settings() -> impl Strategy<Value = Settings> {
    let effect = || {
        prop::sample::select(vec![
            "effect: may-refuse",
            "effect: refuse",
            "confidence: low, effect: refuse",
        ])
    };
    (1..70_i64, 1..70_i64, effect(), any::<[bool; 4]>(), effect()).prop_map(
        |(light, grave, dual, [grave_lifts, emergency_lifts, death, exception], political)| {
            Settings {
                light,
                grave,
                dual,
                lifted_when_grave: grave_lifts,
                lifted_in_emergencies: emergency_lifts,
                death,
                political,
                exception,
            }
        },
    )
}

/// The settings with one of them taken from other ones.
fn edited_settings(old: &Settings, other: &Settings, which: usize) -> Settings {
    let mut new = old.clone();
    match which {
        0 => new.light = other.light,
        1 => new.grave = other.grave,
        2 => new.dual = other.dual,
        3 => new.lifted_when_grave = other.lifted_when_grave,
        4 => new.lifted_in_emergencies = other.lifted_in_emergencies,
        5 => new.death = other.death,
        6 => new.political = other.political,
        _ => new.exception = other.exception,
    }
    new
}

impl Settings {
    fn library(&self, tests: Option<&str>) -> Library {
        let lines = [
            (
                self.lifted_when_grave,
                format!(
                    "context.offence.annex_d && context.offence.max_penalty_months >= {}",
                    self.grave
                ),
            ),
            (
                self.lifted_in_emergencies,
                "context.urgency == Urgency::\"emergency\"".to_owned(),
            ),
        ];
        let lines = lines.into_iter().filter(|(there, _)| *there);
        let unless: String = lines.map(|(_, line)| format!("      - {line}\n")).collect();
        let unless = if unless.is_empty() {
            unless
        } else {
            format!("    unless:\n{unless}")
        };
        let dual = self.dual.replace(", ", "\n    ");
        let mut rules = format!(
            "  - {{id: order-penalty, title: {{en: Light}}, cite: act art 1, effect: refuse, when: [context.offence.max_penalty_months < {}]}}\n\
             \x20 - id: order-dual\n    title: {{en: Dual}}\n    cite: act art 1\n    {dual}\n    when: [context.dual_criminality == false]\n{unless}",
            self.light
        );
        if self.death {
            rules.push_str("  - {id: order-death, title: {en: Death}, cite: act art 1, effect: refer, role: executing-judge, question: {en: Death?}, when: [context.offence.death_possible]}\n");
        }
        let mut french = format!(
            "  - {{id: fr-political, title: {{en: Political}}, cite: act art 1, stage: inbound, {}, when: [context.offence.political]}}\n",
            self.political
        );
        if self.exception {
            french.push_str(EXCEPTION.trim_start_matches('\n'));
        }
        let mut files = vec![(ORDER, rules.as_str()), (FR, french.as_str())];
        files.extend(tests.map(|tests| (TESTS, tests)));
        edited(&files, &[])
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn every_example_is_decided_as_claimed(
        old in settings(),
        other in settings(),
        which in 0..8_usize,
        requests in prop::collection::vec(requests(), 64),
    ) {
        let new = edited_settings(&old, &other, which);
        let libraries = [old.library(None), new.library(None)];
        let difference = compare(&libraries[0], &libraries[1]);
        let scenarios: String = difference.effects.iter().map(|effect| &*effect.example.scenario).collect();
        if !scenarios.is_empty() {
            let tests = format!("tests:\n{scenarios}");
            let [before, after] = [&old, &new].map(|settings| settings.library(Some(&tests)).test(&Selection::default()).unwrap().results);
            for ((effect, before), after) in difference.effects.iter().zip(before).zip(after) {
                prop_assert!(after.passed(), "{:?}\n{}", after.differences, effect.example.scenario);
                let told = before.outcome == Some(effect.outcomes[0]);
                prop_assert!(effect.outcomes[0] == effect.outcomes[1] || told, "{:?}\n{}", before.differences, effect.example.scenario);
            }
        }
        // Whatever is decided otherwise, the search has found something.
        for request in &requests {
            let [before, after] = libraries.each_ref().map(|library| decide(library, request).outcome);
            prop_assert!(before == after || !difference.effects.is_empty(), "{request:?}");
        }
        for rule in &difference.rules {
            prop_assert!(!rule.proved || rule.relation != Relation::NotFound);
        }
    }
}
