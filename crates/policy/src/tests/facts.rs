//! What is known of a request, and who may say it.

use comity_domain::{
    Assurance, FactSource, FactUseSource, FactValue, Outcome, Person, PersonRole, Request, Stated,
};

use super::small::{ORDER, TREATY, decide, library, offence, request, stating};

/// A rule that reads a fact, so that the decision shows it.
fn known(fact: &str, literal: &str, request: &Request) -> Option<(FactValue, FactUseSource)> {
    let rule = format!(
        "  - {{id: order-reads, title: {{en: Reads}}, cite: act art 1, effect: oblige, \
         obligation: {{kind: speciality, bound: issuing}}, when: ['context.{fact}{literal}']}}"
    );
    let mut decision = decide(&library(&[(ORDER, &rule)]), request);
    decision
        .facts
        .remove(fact)
        .map(|fact| (fact.value, fact.source))
}

fn truth(fact: &str, request: &Request) -> Option<bool> {
    let (value, _) = known(fact, "", request)?;
    Some(value == FactValue::Truth(true))
}

fn of_offences(provisions: &[&str]) -> Request {
    let offences = provisions
        .iter()
        .map(|provision| offence(provision))
        .collect();
    Request {
        offences,
        ..request()
    }
}

#[test]
fn penalties_are_the_lowest_known_and_unknown_if_one_is() {
    let penalty = |request: &Request| known("offence.max_penalty_months", " > 1", request);
    let register = FactUseSource::Stated(FactSource::Register);
    let months = FactValue::Number(60);
    assert_eq!(
        penalty(&of_offences(&["StGB 263"])),
        Some((months, register))
    );
    assert_eq!(penalty(&of_offences(&["StGB 263", "StGB 1"])), None);
    let mut both = of_offences(&["StGB 263", "StGB 1"]);
    both.offences[1].max_penalty_months = Some(12);
    assert_eq!(penalty(&both).unwrap().0, FactValue::Number(12));
    assert_eq!(penalty(&of_offences(&[])), None);
}

#[test]
fn every_offence_must_be_ticked_with_a_listed_category() {
    let mut request = of_offences(&["a", "b"]);
    request.offences[0].category = Some("D20".into());
    assert_eq!(truth("offence.annex_d", &request), Some(false));
    request.offences[1].category = Some("D99".into());
    assert_eq!(truth("offence.annex_d", &request), Some(false));
    request.offences[1].category = Some("D08".into());
    assert_eq!(truth("offence.annex_d", &request), Some(true));
}

#[test]
fn concordance_shows_dual_criminality_and_never_its_absence() {
    let criminal = |provision| truth("dual_criminality", &of_offences(&[provision]));
    assert_eq!(criminal("StGB 263"), Some(true));
    assert_eq!(criminal("StGB 242"), None, "of medium confidence");
    assert_eq!(criminal("StGB 1"), None);
    let said = stating(
        FactSource::Requester,
        &[("dual_criminality", FactValue::Truth(true))],
    );
    assert_eq!(
        truth("dual_criminality", &said),
        None,
        "not for the requester to say"
    );
}

#[test]
fn death_is_excluded_by_abolition_alone_and_never_talked_away() {
    let death = |request: &Request| truth("offence.death_possible", request);
    assert_eq!(
        death(&request()),
        Some(false),
        "abolished in the issuing State"
    );
    let mut possible = of_offences(&["a", "b"]);
    possible.offences[0].death_possible = Some(true);
    let denied = Stated {
        value: FactValue::Truth(false),
        source: FactSource::Requester,
    };
    possible
        .facts
        .insert("offence.death_possible".into(), denied);
    assert_eq!(death(&possible), Some(true));
}

#[test]
fn a_language_is_accepted_by_declaration() {
    let accepted = |language: Option<&str>| {
        let language = language.map(Into::into);
        truth(
            "language_accepted",
            &Request {
                language,
                ..request()
            },
        )
    };
    assert_eq!(accepted(Some("fr-CA")), Some(true));
    assert_eq!(accepted(Some("en")), Some(false));
    assert_eq!(accepted(None), None);
}

#[test]
fn what_prevails_over_the_instrument_named_is_never_talked_away() {
    let none = stating(
        FactSource::Requester,
        &[("basis.treaty", FactValue::Truth(false))],
    );
    let rule = "  - {id: treaty-alone, title: {en: Alone}, cite: act art 1, effect: oblige, \
                obligation: {kind: speciality, bound: issuing}, when: [context.basis.treaty]}";
    let named = |request: Request| {
        let instrument = Some("treaty".parse().unwrap());
        let request = Request {
            instrument,
            ..request
        };
        decide(&library(&[(TREATY, rule)]), &request)
            .facts
            .remove("basis.treaty")
    };
    let shown = Some(FactValue::Truth(true));
    assert_eq!(named(none.clone()).map(|fact| fact.value), shown);
    assert_eq!(named(request()).map(|fact| fact.value), shown);
    assert_eq!(
        known("basis.treaty", "", &none).map(|(value, _)| value),
        Some(FactValue::Truth(false)),
        "nothing prevails over the order"
    );
    assert_eq!(known("basis.treaty", "", &request()), None);
}

#[test]
fn issuers_are_found_in_the_directory() {
    assert_eq!(truth("issuing.competent", &request()), Some(true));
    let measure = "hearing".parse().unwrap();
    assert_eq!(
        truth(
            "issuing.competent",
            &Request {
                measure,
                ..request()
            }
        ),
        Some(false)
    );
    let issuing_authority = "nobody".parse().unwrap();
    assert_eq!(
        truth(
            "issuing.competent",
            &Request {
                issuing_authority,
                ..request()
            }
        ),
        None
    );
}

#[test]
fn minors_are_shown_by_age_else_presumed_away() {
    let aged = |age_years| {
        let person = Person {
            role: PersonRole::Victim,
            age_years,
            nationality: None,
            residence: None,
        };
        known(
            "persons.minor",
            "",
            &Request {
                persons: vec![person],
                ..request()
            },
        )
        .unwrap()
    };
    assert_eq!(aged(Some(17)).0, FactValue::Truth(true));
    assert_eq!(aged(Some(18)).0, FactValue::Truth(false));
    assert!(matches!(aged(None).1, FactUseSource::Presumed(_)));
    // Who lists nobody may say so; who lists somebody has said how old.
    let mut said = stating(
        FactSource::Requester,
        &[("persons.minor", FactValue::Truth(true))],
    );
    assert_eq!(truth("persons.minor", &said), Some(true));
    said.persons = vec![Person {
        role: PersonRole::Victim,
        age_years: Some(40),
        nationality: None,
        residence: None,
    }];
    assert_eq!(truth("persons.minor", &said), Some(false));
}

#[test]
fn values_nobody_lists_say_nothing() {
    let mut request = request();
    let assurance = |kind: &str| Assurance {
        kind: kind.into(),
        at: None,
    };
    request.assurances = vec![assurance("no-death-penalty"), assurance("my-word")];
    let given = known(
        "assurances",
        ".contains(AssuranceKind::\"no-death-penalty\")",
        &request,
    );
    assert_eq!(
        given.unwrap().0,
        FactValue::Set(vec!["no-death-penalty".into()])
    );
    request.executing.0 = "FR".parse().unwrap();
    request.issuing.0 = "DE-BY".parse().unwrap();
    assert_eq!(
        known("issuing.state", " == State::\"DE\"", &request),
        None,
        "not bound as such"
    );
}

#[test]
fn words_that_the_vocabulary_lists_are_checked() {
    let mut request = request();
    let mut named = offence("StGB 263");
    named.category = Some("D2O".into());
    request.offences.push(named);
    request.assurances = vec![Assurance {
        kind: "no-deth-penalty".into(),
        at: None,
    }];
    let problems = library(&[]).check_stated(&request);
    let last = request.offences.len() - 1;
    let fields: Vec<_> = problems
        .iter()
        .map(|problem| problem.field.clone())
        .collect();
    assert_eq!(
        fields,
        [
            format!("offences[{last}].category"),
            "assurances[0].kind".to_owned()
        ]
    );
    let remedy = "is none of the library; did you mean `no-death-penalty`?";
    assert_eq!(problems.last().unwrap().message, remedy);
}

#[test]
fn statements_are_checked_against_the_vocabulary() {
    let library = library(&[]);
    let problem = |name: &str, value: FactValue| {
        let problems = library.check_stated(&stating(FactSource::Requester, &[(name, value)]));
        problems
            .into_iter()
            .next()
            .map(|problem| (problem.field, problem.message))
    };
    let text = |text: &str| FactValue::Text(text.into());
    for (name, value, message) in [
        (
            "offence.politcal",
            FactValue::Truth(true),
            "did you mean `offence.political`?",
        ),
        (
            "offence.political",
            FactValue::Number(1),
            "must be true or false",
        ),
        (
            "offence.committed",
            text("23.11.2026"),
            "must be a day written `YYYY-MM-DD`",
        ),
        ("urgency", text("urgent"), "is established by the gateway"),
        (
            "issuing.competent",
            FactValue::Truth(true),
            "is taken from a register",
        ),
        (
            "offence.categories",
            FactValue::Set(vec!["Erika".into()]),
            "must be a set of: D08, D20",
        ),
    ] {
        let (field, found) = problem(name, value).unwrap();
        assert_eq!(field, format!("facts[\"{name}\"]"));
        assert!(found.ends_with(message), "{found}");
        assert!(!found.contains("Erika"));
    }
    assert_eq!(problem("offence.committed", text("2026-11-23")), None);
    assert_eq!(problem("offence.political", FactValue::Truth(true)), None);
}

#[test]
fn a_language_that_nobody_stated_is_for_the_requester() {
    let rule = r"
  - {id: order-language, title: {en: Language}, cite: act art 5, effect: refuse, when: [context.language_accepted == false]}
";
    let library = library(&[(ORDER, rule)]);
    let silent = Request {
        language: None,
        ..request()
    };
    let decision = decide(&library, &silent);
    assert_eq!(decision.outcome, Outcome::Incomplete);
    assert_eq!(&*decision.requirements[0].field, "language");
}

#[test]
fn a_statement_of_another_type_leaves_a_fact_unknown_that_is_presumed() {
    let raised = |value| stating(FactSource::Executing, &[("offence.political", value)]);
    let presumed = truth("offence.political", &request());
    assert_eq!(presumed, Some(false));
    assert_eq!(
        truth("offence.political", &raised(FactValue::Number(1))),
        None
    );
    // Whoever does not settle it changes nothing.
    let said = stating(
        FactSource::Requester,
        &[("offence.political", FactValue::Number(1))],
    );
    assert_eq!(truth("offence.political", &said), Some(false));
}
