//! What the library says itself, in the reader's language.

use comity_domain::{Decision, Request};
use serde_json::json;

use super::small::{ORDER, TREATY, edited, library, request};
use crate::{FormCheck, Library, Question};

fn decide(library: &Library, request: &Request, form: FormCheck<'_>, language: &str) -> Decision {
    let question = Question {
        request,
        form,
        language,
        now: request.issued_at,
        rulings: &[],
    };
    library.decide(&question).decision
}

/// Every text of a decision, with the language it says it is in.
fn texts(decision: &Decision) -> Vec<String> {
    let grounds = decision.grounds.iter().map(|found| {
        let rule = &found.rule;
        format!("{}: {} [{}]", rule.language, rule.text, rule.citation.title)
    });
    let requirements = decision
        .requirements
        .iter()
        .map(|found| format!("{} {}", found.field, found.remedy));
    let questions = decision
        .referrals
        .iter()
        .map(|found| found.question.to_string());
    let passed_over = decision
        .passed_over
        .iter()
        .map(|other| format!("{}: {}", other.instrument, other.reason));
    grounds
        .chain(requirements)
        .chain(questions)
        .chain(passed_over)
        .collect()
}

/// Titles of the small library that the law itself brings.
const SOURCES: (&str, &str, &str) = (
    "sources.yaml",
    "{en: The Act}",
    "{en: The Act, de: Das Gesetz, fr: La loi}",
);

#[test]
fn what_stands_against_an_instrument_is_said_in_the_readers_language() {
    let dead = (
        ORDER,
        "status: in-force",
        "status: {not-in-force: {reason: {en: Too few, de: Zu wenige, fr: Trop peu}, checked: 2026-01-01}}",
    );
    let late = (ORDER, "FR: {since: 2017-05-22", "FR: {since: 2026-12-01");
    let ended = (TREATY, "until: 2030-01-01", "until: 2026-11-01");
    let sides = (ORDER, "rank: 10", "rank: 10\nbetween: [[DE], [NL]]");
    let mut said = Vec::new();
    let mut say = |edits: &[_], change: &dyn Fn(&mut Request)| {
        let library = edited(&[], &[&[SOURCES], edits].concat());
        for language in ["en", "de", "fr", "pl"] {
            let mut request = request();
            change(&mut request);
            let decision = decide(&library, &request, FormCheck::Presumed, language);
            said.extend(texts(&decision));
        }
    };
    let named = |name: &'static str| {
        move |request: &mut Request| request.instrument = Some(name.parse().unwrap())
    };
    say(&[dead], &named("order"));
    say(&[late], &named("order"));
    say(&[ended], &named("treaty"));
    say(&[sides], &named("order"));
    say(&[], &named("none"));
    say(&[], &named("treaty"));
    say(&[], &|request| request.executing.0 = "IE".parse().unwrap());
    say(&[], &|request| request.executing.0 = "NL".parse().unwrap());
    say(&[ended], &|request| {
        request.measure = "team".parse().unwrap()
    });
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn what_is_wrong_with_a_form_is_said_in_the_readers_language() {
    let form = r##"{"type": "object", "additionalProperties": false, "required": ["missing"], "properties": {
        "missing": {"type": "string"}, "kind": {"type": ["integer", "null"]}, "one": {"enum": ["a", "b"]},
        "const": {"const": true}, "day": {"type": "string", "format": "date"}, "pattern": {"type": "string", "pattern": "^x"},
        "low": {"type": "integer", "minimum": 3}, "high": {"type": "integer", "maximum": 3},
        "more": {"type": "integer", "exclusiveMinimum": 3}, "less": {"type": "integer", "exclusiveMaximum": 3},
        "empty": {"type": "string", "minLength": 1}, "short": {"type": "string", "minLength": 9}, "long": {"type": "string", "maxLength": 1},
        "none": {"type": "array", "minItems": 1}, "few": {"type": "array", "minItems": 2}, "many": {"type": "array", "maxItems": 1},
        "twice": {"type": "array", "uniqueItems": true}, "odd": {"type": "integer", "multipleOf": 2},
        "letter": {"enum": ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"]},
        "state": {"type": "string", "pattern": "^[A-Z]{2}$", "description": "ISO 3166-1 alpha-2"},
        "either": {"anyOf": [{"required": ["user"]}, {"required": ["device"]}]},
        "person": {"oneOf": [{"type": "object", "properties": {"kind": {"const": "natural"}, "name": {"type": "string"}}},
                             {"type": "object", "properties": {"kind": {"const": "legal"}, "seat": {"type": "string"}}}]},
        "people": {"type": "array", "items": {"$ref": "#/properties/person"}}}}"##;
    let small = r#"{"type": "object", "required": ["place"],
            "properties": {"place": {"type": "object", "required": ["city"],
                                     "properties": {"city": {"type": "string"}}}}}"#;
    let library = edited(&[], &[("instruments/order/form.schema.json", small, form)]);
    let wrong = json!({
        "kind": "secret", "one": "secret", "const": "secret", "day": "secret", "pattern": "secret", "low": 1,
        "high": 77, "more": 3, "less": 77, "empty": "", "short": "secret", "long": "secret", "none": [],
        "few": ["secret"], "many": ["secret", 2], "twice": ["secret", "secret"], "odd": 77, "secret": 1,
        "letter": "secret", "state": "secret", "either": {}, "person": {"kind": "secret"},
        "people": [{"kind": "natural", "name": 77}, {"kind": "legal", "seat": 77}],
    });
    let mut said = Vec::new();
    for language in ["en", "de", "fr"] {
        for form in [FormCheck::Missing, FormCheck::Given(&wrong)] {
            said.extend(texts(&decide(&library, &request(), form, language)));
        }
    }
    let said = said.join("\n");
    assert!(!said.contains("secret") && !said.contains("77"), "{said}");
    insta::assert_snapshot!(said);
}

#[test]
fn reasons_of_presumptions_follow_the_reader_and_decisions_stay_the_same() {
    let presumed = (
        "vocabulary.yaml",
        "because: {en: Nobody has raised it}",
        "because: {en: Nobody has raised it, pl: Nikt tego nie podniósł}",
    );
    let rule = r"
  - {id: order-political, title: {en: Political}, cite: act art 9, effect: refuse, when: [context.offence.political]}
";
    let library = edited(&[(ORDER, rule)], &[presumed]);
    let because = |language| {
        let decision = decide(&library, &request(), FormCheck::Presumed, language);
        let again = decide(&library, &request(), FormCheck::Presumed, language);
        assert_eq!(decision, again);
        format!("{:?}", decision.facts["offence.political"].source)
    };
    assert!(because("pl").contains("Nikt tego nie podniósł (act art 9)"));
    assert!(because("pl-PL").contains("Nikt"));
    assert!(because("de").contains("Nobody has raised it"));
}

#[test]
fn a_doubt_and_a_module_that_says_nothing_are_told() {
    let rules = r"
  - {id: order-doubt, title: {en: Doubtful}, cite: act art 9, confidence: low, effect: refuse}
  - {id: order-overflow, title: {en: Overflows}, cite: act art 9, effect: refuse,
     when: [context.offence.max_penalty_months + 9223372036854775807 > 0]}
";
    let doubtful = library(&[(ORDER, rules)]);
    let silent = edited(
        &[],
        &[(
            "jurisdictions/fr/module.yaml",
            "effect: permit",
            "effect: permit, measures: [team]",
        )],
    );
    let mut request = request();
    request.offences[0].max_penalty_months = Some(60);
    let said: Vec<_> = ["en", "de", "fr"]
        .iter()
        .flat_map(|language| {
            [&doubtful, &silent]
                .map(|library| texts(&decide(library, &request, FormCheck::Presumed, language)))
        })
        .flatten()
        .collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[test]
fn a_tag_in_capitals_is_the_same_language() {
    let permits_nothing = edited(
        &[],
        &[
            SOURCES,
            (
                "jurisdictions/fr/module.yaml",
                "title: {en: France}",
                "title: {en: France, de: Frankreich}",
            ),
            (
                "jurisdictions/fr/module.yaml",
                "effect: permit",
                "effect: permit, measures: [hearing]",
            ),
        ],
    );
    let decision = |language| decide(&permits_nothing, &request(), FormCheck::Missing, language);
    assert_eq!(decision("DE"), decision("de"));
    assert_eq!(decision("De-AT"), decision("de"));
    assert_ne!(decision("DE"), decision("en"));
}
