//! The reasoning in words: of the shipped law for people to read, and of a
//! small library for every turn it can take.

use std::path::Path;

use comity_domain::{FactSource, FactValue, Offence, Outcome, Person, PersonRole, Request};

use super::small::{DE, FR, ORDER, library, offence, request, stating};
use crate::{Explanation, FormCheck, Library, Question, scenario};

const LANGUAGES: [&str; 3] = ["en", "de", "fr"];

fn shipped() -> Library {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    Library::load(&dir).unwrap_or_else(|report| panic!("{report}"))
}

#[test]
fn the_reasoning_reads_well_in_every_language() {
    let library = shipped();
    for name in [
        // Approved; refused; incomplete; referred.
        "eio:S01",
        "eio:S01v",
        "eio:S02",
        "epoc:S36",
        // A ground lifted by the instrument; one lifted by a line.
        "us-uk-data-access:S61",
        "eio:S12-fr",
        // An assurance is missing; several things at once; nothing carries it.
        "eu-us-mla:S58",
        "US:S67",
        "cets-224:S77",
    ] {
        for language in LANGUAGES {
            let explanation = library.explain_scenario(name, language).unwrap();
            let name = format!("{}_{language}", name.replace([':', '-'], "_"));
            insta::assert_snapshot!(name, explanation.paragraphs().join("\n\n"));
        }
    }
}

#[test]
fn nothing_of_a_decision_is_left_untold() {
    let library = shipped();
    let mut languages = LANGUAGES.iter().cycle();
    scenario::each(&library, |name, question| {
        let question = Question {
            language: languages.next().unwrap(),
            ..*question
        };
        let explanation = library.explain(&question);
        let decision = &explanation.decision;
        assert_eq!(*decision, library.decide(&question).decision, "{name}");
        let told = explanation.paragraphs().join("\n");
        for asked in library.trace(&question).asked {
            let id = format!("`{}`", asked.rule.id());
            assert!(told.contains(&id), "{name}: {id} in\n{told}");
        }
        let grounds = decision.grounds.iter().map(|found| &found.rule.text);
        let remedies = decision.requirements.iter().map(|found| &found.remedy);
        let questions = decision.referrals.iter().map(|found| &found.question);
        for text in grounds.chain(remedies).chain(questions) {
            let text = text.replace(" :", "\u{a0}:").replace(" ?", "\u{a0}?");
            let told = told.replace(" :", "\u{a0}:").replace(" ?", "\u{a0}?");
            assert!(told.contains(&text), "{name}: `{text}` in\n{told}");
        }
        for flaw in ["()", "(; ", "``", "  ", ": \n"] {
            assert!(!told.contains(flaw), "{name}: `{flaw}` in\n{told}");
        }
    });
}

/// Every kind of line that has words, on a rule that holds.
const LINES: &str = r#"
  - id: order-lines
    title: {en: Every kind of line, de: "Jede Art von Zeile", fr: "Chaque sorte de ligne"}
    cite: [act art 1(2)(b), act recital 7]
    effect: oblige
    obligation: {kind: handling-code, bound: issuing, parameters: {code: H1}}
    when:
      - context.persons.minor
      - context.persons.minor != false
      - "!context.offence.political"
      - context.offence.political == false
      - context.offence.max_penalty_months < 61 && context.offence.max_penalty_months <= 60
      - context.offence.max_penalty_months > 1 && (24 <= context.offence.max_penalty_months || context.persons.minor)
      - context.offence.max_penalty_months == 60 && context.offence.max_penalty_months != 6
      - context.offence.committed >= datetime("2026-01-01") && context.offence.committed <= datetime("2026-12-31")
      - context.offence.committed > datetime("2026-01-01") && context.offence.committed < datetime("2027-01-01")
      - context.issuing.authority_kind == AuthorityKind::"prosecutor"
      - context.urgency != Urgency::"emergency"
      - '[AuthorityKind::"judge", AuthorityKind::"prosecutor"].contains(context.issuing.authority_kind)'
      - context.measure.contains(Measure::"coercive") || context.measure.contains(Measure::"team")
      - context.offence.categories.containsAll([Category::"D08", Category::"D20"])
      - context.offence.categories.containsAny([Category::"D08", Category::"D20"])
      - '!context.offence.categories.contains(Category::"D08") || context.offence.annex_d'
      - "!context.persons.roles.isEmpty()"
      - context.persons.minor || context.offence.political || context.offence.annex_d
      - context.issuing.state != context.executing.state
      - context.offence.max_penalty_months + 1 > 2
      - "if context.persons.minor then true else context.offence.political"
"#;

fn lines_request() -> Request {
    let committed = FactValue::Day("2026-05-01".parse().unwrap());
    let mut request = stating(FactSource::Requester, &[("offence.committed", committed)]);
    request.offences = ["D08", "D20"]
        .map(|category| Offence {
            category: Some(category.into()),
            max_penalty_months: Some(60),
            ..offence("StGB 1")
        })
        .to_vec();
    request.persons.push(Person {
        role: PersonRole::Witness,
        age_years: Some(16),
        nationality: None,
        residence: None,
    });
    request
}

fn explain(library: &Library, request: &Request, language: &str) -> Explanation {
    library.explain(&Question {
        request,
        form: FormCheck::Presumed,
        language,
        now: request.issued_at,
        rulings: &[],
    })
}

/// The paragraph about one rule.
fn about(explanation: &Explanation, rule: &str) -> String {
    let id = format!("`{rule}`)");
    let paragraphs = explanation.sections.iter().flat_map(|s| &s.paragraphs);
    let about: Vec<_> = paragraphs
        .filter(|paragraph| paragraph.text.ends_with(&id))
        .map(ToString::to_string)
        .collect();
    about.join("\n")
}

#[test]
fn every_kind_of_line_has_words() {
    let library = library(&[(ORDER, LINES)]);
    let request = lines_request();
    let told =
        LANGUAGES.map(|language| about(&explain(&library, &request, language), "order-lines"));
    insta::assert_snapshot!(told.join("\n\n"));
}

/// Rules that end in every way there is.
const TURNS: &str = r#"
  - id: order-refuses
    title: {en: It refuses}
    cite: act art 2
    effect: refuse
    consult: true
    when: [context.offence.political]
    unless: [context.offence.max_penalty_months >= 36]
  - id: order-unknown
    title: {en: It is unknown}
    cite: act art 3
    effect: refuse
    when: [context.dual_criminality == false]
    unless: [context.offence.death_possible]
  - id: order-excepted
    title: {en: It is excepted}
    cite: act art 4
    effect: may-refuse
    when: ['context.urgency == Urgency::"routine"']
  - id: order-doubtful
    title: {en: It is doubtful}
    cite: act art 5
    confidence: low
    effect: may-refuse
  - id: order-refers
    title: {en: It refers}
    cite: act art 6
    effect: refer
    role: issuing-judge
    question: {en: What now?}
    four_eyes: true
  - id: order-fails
    title: {en: It fails}
    cite: act art 7
    effect: require
    remedy: {en: Mend it}
    field: language
    when: [context.offence.max_penalty_months + 9223372036854775807 > 0]
  - id: order-clock
    title: {en: It runs}
    cite: act art 8
    effect: clock
    clock: {measures: answer, length: 1, unit: hours, starts: received, stops: [concluded]}
    when: [context.dual_criminality]
    unless: [context.offence.death_possible, context.offence.political == false]
  - id: order-also
    title: {en: It would permit too}
    cite: act art 9
    effect: permit
    when: [context.dual_criminality]
"#;

const EXCEPTION: &str = r"
  - id: fr-exception
    title: {en: The exception}
    cite: act art 1
    stage: inbound
    exception_to: order-excepted
    effect: permit
";

#[test]
fn every_turn_is_told() {
    let library = library(&[(ORDER, TURNS), (FR, EXCEPTION)]);
    let mut request = stating(
        FactSource::Executing,
        &[("offence.political", FactValue::Truth(true))],
    );
    request.offences[0].max_penalty_months = Some(12);
    let told = LANGUAGES.map(|language| {
        let explanation = explain(&library, &request, language);
        assert_eq!(explanation.decision.outcome, Outcome::Refused);
        explanation.paragraphs().join("\n\n")
    });
    insta::assert_snapshot!(told.join("\n\n----\n\n"));
}

#[test]
fn why_one_instrument_carries_and_others_do_not_is_told() {
    use super::small::edited;
    let precedence = (
        ORDER,
        "prevails_over: [{instrument: treaty, cite: act art 34}]\n",
        "",
    );
    let route = (
        DE,
        "rules:",
        "routes:\n  - {measures: [data], prefer: [treaty]}\nrules:",
    );
    let late = (ORDER, "FR: {since: 2017-05-22", "FR: {since: 2026-11-24");
    let mut told = Vec::new();
    for (edits, named) in [
        (vec![], None),
        (vec![], Some("treaty")),
        (vec![precedence], None),
        (vec![precedence, route], None),
        (vec![late], None),
        (vec![late], Some("order")),
    ] {
        let library = edited(&[], &edits);
        let mut request = request();
        request.instrument = named.map(|named| named.parse().unwrap());
        for language in LANGUAGES {
            let explanation = explain(&library, &request, language);
            let section = &explanation.sections[1];
            let paragraphs = section.paragraphs.iter().map(ToString::to_string);
            told.push(paragraphs.collect::<Vec<_>>().join("\n"));
        }
    }
    insta::assert_snapshot!(told.join("\n\n"));
}
