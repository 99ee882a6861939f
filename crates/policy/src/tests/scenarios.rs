//! Scenarios: what they may expect, how a failure reads, what is covered.

use super::small::with_tests;
use crate::{Library, Reach, Selection, TestRun};

const RULES: &str = r#"
  - id: order-refuse
    title: {en: Refused}
    cite: act art 2
    effect: refuse
    when:
      - context.dual_criminality == false
      - context.offence.political
    unless: [context.offence.max_penalty_months >= 36]
  - id: order-asks
    title: {en: Asked}
    cite: act art 3
    effect: refer
    role: executing-judge
    question: {en: Is it so?}
    four_eyes: true
    when: [context.persons.minor]
  - id: order-needs
    title: {en: Needed, fr: Requis}
    cite: act art 4
    effect: require
    remedy: {en: Supply it}
    field: facts["offence.annex_d"]
    when: [context.form.sealed == false]
  - id: order-code
    title: {en: Coded}
    cite: act art 5
    effect: oblige
    obligation: {kind: handling-code, bound: issuing, parameters: {code: H2}}
  - id: order-hearing
    title: {en: Hearings only}
    cite: act art 6
    effect: refuse
    measures: [hearing]
"#;

const SCENARIOS: &str = r#"tests:
  - id: refused
    title: No offence and political
    tags: [grounds, slow]
    request:
      issuing: DE
      executing: FR
      measure: data.traffic
      offences: [{provision: X, max_penalty_months: 12}]
      facts: {dual_criminality: false, offence.political: true}
    expect: {outcome: REFUSED, rules: [order-refuse]}
  - id: asked
    title: A minor
    request:
      issuing: DE
      executing: FR
      measure: data.traffic
      facts: {dual_criminality: true, persons.minor: true}
    expect:
      outcome: REFERRED
      referrals:
        - {rule: order-asks, role: executing-judge, jurisdiction: FR, question: "Is it so?", four_eyes: true}
  - id: needed
    title: The form is not sealed
    tags: [grounds]
    request:
      issuing: DE
      executing: FR
      measure: data.traffic
      text_language: fr
      facts: {dual_criminality: true, form.sealed: false}
    expect:
      outcome: INCOMPLETE
      text_language: fr
      requirements:
        - facts["offence.annex_d"]
        - {rule: order-needs, field: 'facts["offence.annex_d"]', remedy: Supply it}
  - id: approved
    title: Nothing stands against it
    request:
      issuing: DE
      executing: FR
      measure: data.traffic
      facts: {dual_criminality: true, form.sealed: true}
    expect:
      outcome: APPROVED
      obligations:
        - handling-code
        - {kind: handling-code, rule: order-code, bound: issuing, parameters: {code: H2}}
"#;

fn run(scenarios: &str, selection: &Selection) -> TestRun {
    with_tests(RULES, scenarios).test(selection).unwrap()
}

fn all(scenarios: &str) -> TestRun {
    run(scenarios, &Selection::default())
}

#[test]
fn scenarios_may_expect_everything_a_decision_says() {
    let run = all(SCENARIOS);
    let failed: Vec<_> = run.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    let places: Vec<_> = run.results.iter().map(|r| (&*r.path, r.line)).collect();
    let path = "instruments/order/tests.yaml";
    assert_eq!(places, [(path, 2), (path, 12), (path, 23), (path, 38)]);
}

#[test]
fn what_is_not_as_expected_is_shown_beside_what_was_found() {
    let wrong = r#"tests:
  - id: wrong
    title: Nothing is as expected
    request:
      issuing: DE
      executing: FR
      measure: data.traffic
      offences: [{provision: X, max_penalty_months: 12}]
      facts: {dual_criminality: true, persons.minor: true}
    expect:
      outcome: REFUSED
      instrument: treaty
      rules: [order-refuse]
      absent: [order-asks]
      kinds: {order-refuse: optional}
      alternatives: [treaty]
      clocks: {decide: "7 days"}
      passed_over: [order]
      missing: [offence.annex_d]
      text_language: fr
      obligations: [redact, {parameters: {code: H0}}]
      requirements: [language, {rule: order-needs}]
      referrals: [{role: executing-court}, {rule: order-asks, four_eyes: false}]
  - id: unusable
    title: No such fact
    request: {issuing: DE, executing: FR, measure: data.traffic, facts: {no.such: true}}
    expect: {outcome: APPROVED}
  - id: unusable-form
    title: No such field
    request: {issuing: DE, executing: FR, measure: data.traffic, facts: {form.such: true}}
    expect: {outcome: APPROVED}
"#;
    let run = all(wrong);
    let shown = run.failed().map(|result| {
        let rows = result
            .differences
            .iter()
            .map(|row| format!("{} | {} | {}", row.what, row.expected, row.found));
        let rows: Vec<_> = rows.collect();
        format!("{}\n{}\n{}", result.id, result.decided, rows.join("\n"))
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n\n"));
}

#[test]
fn a_rule_that_is_expected_to_be_absent_must_exist() {
    let scenario = |absent: &str| {
        format!(
            "tests:\n  - id: any\n    title: Any\n    request: {{issuing: DE, executing: FR, \
             measure: data.traffic, facts: {{dual_criminality: true}}}}\n    \
             expect: {{outcome: INCOMPLETE, absent: [{absent}]}}\n"
        )
    };
    for known in ["order-refuse", "order-form", "fr-no-permit"] {
        let run = all(&scenario(known));
        assert!(run.results[0].passed(), "{:?}", run.results[0].differences);
    }
    for unknown in ["order-refused", "nonsense", "order-", "nobody-form"] {
        let run = all(&scenario(unknown));
        let [difference] = run.results[0].differences.as_slice() else {
            panic!("{unknown}: {:?}", run.results[0].differences);
        };
        let said = format!("`{unknown}` is no rule of the library: ");
        assert!(difference.found.starts_with(&said), "{}", difference.found);
    }
}

#[test]
fn scenarios_are_chosen_by_module_id_and_tag() {
    let library = with_tests(RULES, SCENARIOS);
    let ids = |modules: &[&str], only: &[&str]| {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let selection = Selection {
            modules: own(modules),
            only: own(only),
        };
        let run = library
            .test(&selection)
            .map_err(|error| error.to_string())?;
        Ok(run.results.into_iter().map(|result| result.id).collect())
    };
    let found = |ids: &[&str]| -> Result<Vec<String>, String> {
        Ok(ids.iter().map(|id| (*id).to_owned()).collect())
    };
    assert_eq!(ids(&[], &["grounds"]), found(&["refused", "needed"]));
    assert_eq!(
        ids(&["order"], &["asked", "slow"]),
        found(&["refused", "asked"])
    );
    assert_eq!(ids(&["instrument/order"], &["asked"]), found(&["asked"]));
    assert_eq!(ids(&["de"], &[]), found(&[]));
    assert_eq!(
        ids(&["oder"], &[]),
        Err("no module is called `oder`: known here: instrument/order, instrument/treaty, jurisdiction/DE, jurisdiction/FR".to_owned())
    );
    assert_eq!(
        ids(&[], &["aksed"]),
        Err("no scenario or tag is called `aksed`: did you mean `asked`?".to_owned())
    );
}

#[test]
fn rules_are_covered_when_they_fire_and_when_they_do_not() {
    let run = all(SCENARIOS);
    let order = &run.coverage.modules[0];
    let reach: Vec<_> = order
        .rules
        .iter()
        .map(|rule| (rule.id.as_str(), rule.line, rule.reach()))
        .collect();
    assert_eq!(
        reach,
        [
            ("order-permit", 18, Reach::Covered),
            ("order-refuse", 20, Reach::Covered),
            ("order-asks", 28, Reach::Covered),
            ("order-needs", 36, Reach::Covered),
            ("order-code", 43, Reach::Covered),
            ("order-hearing", 48, Reach::NeverAsked),
        ]
    );
    // The first line settles the rule in three scenarios: what comes after it
    // was reached in the fourth only.
    let lines: Vec<_> = order.rules[1]
        .conditions
        .iter()
        .map(|line| (*line.lines.start(), line.yes, line.no, line.unknown))
        .collect();
    assert_eq!(lines, [(25, 1, 3, 0), (26, 1, 0, 0), (27, 0, 1, 0)]);
    assert_eq!(order.lines(), (3, 5));
    assert!((order.percent() - 500.0 / 6.0).abs() < 1e-9);
}

#[test]
fn one_scenario_leaves_rules_that_only_fired_and_rules_that_never_did() {
    let only = Selection {
        modules: vec!["order".to_owned()],
        only: vec!["refused".to_owned()],
    };
    let run = run(SCENARIOS, &only);
    assert_eq!(run.coverage.modules.len(), 1);
    let rules = &run.coverage.modules[0].rules;
    assert_eq!(rules[1].reach(), Reach::OnlyFired);
    assert_eq!(rules[2].reach(), Reach::NeverFired);
}

#[test]
fn the_page_stands_alone_and_names_every_rule_and_scenario() {
    let library: Library = with_tests(
        RULES,
        &SCENARIOS.replace("title: A minor", "title: A <minor> & more"),
    );
    let run = library.test(&Selection::default()).unwrap();
    let page = library.coverage_page(&run);
    for outside in ["http://", "https://", "<script", "@import", "url("] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("A &lt;minor&gt; &amp; more") && !page.contains("<minor>"));
    for id in run.coverage.rules().map(|rule| rule.id.as_str()) {
        assert!(page.contains(id), "{id}");
    }
    // Every link leads to a place on the page, and no place stands twice.
    let ids: Vec<&str> = between(&page, " id=\"");
    let unique: std::collections::BTreeSet<&str> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len());
    for link in between(&page, "href=\"#") {
        assert!(unique.contains(link), "{link}");
    }
    let body = page.split_once("<main>").unwrap().1;
    insta::assert_snapshot!(body);
}

/// What stands between a beginning and the next quotation mark.
fn between<'a>(page: &'a str, begin: &str) -> Vec<&'a str> {
    let parts = page.split(begin).skip(1);
    parts.map(|part| part.split('"').next().unwrap()).collect()
}

/// Ireland is on record as not bound; France as bound, in French.
const SUPPOSING: &str = r#"tests:
  - id: on-record
    title: As the law is
    request: {issuing: DE, executing: IE, instrument: order, measure: data.traffic}
    expect: {outcome: REFUSED, rules: [order-not-bound]}
  - id: opted-in
    title: Bound on the day
    suppose: {binds: {order: {IE: {languages: [en]}}}}
    request: {issuing: DE, executing: IE, instrument: order, measure: data.traffic}
    expect: {outcome: REFUSED, instrument: order, absent: [order-not-bound]}
  - id: later
    title: Bound from the next day on
    suppose: {binds: {order: {IE: {since: 2026-11-24}}}}
    request: {issuing: DE, executing: IE, instrument: order, measure: data.traffic}
    expect: {outcome: REFUSED, rules: [order-not-yet]}
  - id: withdrawn
    title: No longer bound
    suppose: {binds: {order: {FR: {until: 2026-11-23}}}}
    request: {issuing: DE, executing: FR, measure: data.traffic, facts: {dual_criminality: true}}
    expect: {outcome: APPROVED, instrument: treaty, passed_over: [order]}
  - id: declared
    title: French and English
    suppose: {binds: {order: {FR: {languages: [en, fr]}}}}
    request: {issuing: DE, executing: FR, measure: data.traffic, language: en, facts: {dual_criminality: true}}
    expect: {outcome: APPROVED, absent: [order-language]}
  - id: undeclared
    title: French alone
    request: {issuing: DE, executing: FR, measure: data.traffic, language: en, facts: {dual_criminality: true}}
    expect: {outcome: REFUSED, rules: [order-language]}
  - id: doubted
    title: Bound as far as is known
    suppose: {binds: {order: {FR: {confidence: low}}}}
    request: {issuing: DE, executing: FR, measure: data.traffic, facts: {dual_criminality: true}}
    expect: {outcome: REFERRED, rules: [order-binding]}
  - id: no-form
    title: The form is missing
    request: {issuing: DE, executing: FR, measure: data.traffic, form: missing, facts: {dual_criminality: true}}
    expect: {outcome: INCOMPLETE, requirements: [form]}
"#;

const LANGUAGE: &str = r"
  - id: order-language
    title: {en: In a language accepted}
    cite: act art 5
    effect: refuse
    when: [context.language_accepted == false]
";

#[test]
fn scenarios_may_suppose_other_bindings() {
    let library = with_tests(LANGUAGE, SUPPOSING);
    let run = library.test(&Selection::default()).unwrap();
    assert_eq!(run.results.len(), 8);
    let failed: Vec<_> = run.failed().collect();
    assert!(failed.is_empty(), "{failed:#?}");
    for language in ["en", "de", "fr"] {
        let explanation = library
            .explain_scenario("order:declared", language)
            .unwrap();
        let told = explanation.paragraphs().join("\n\n");
        insta::assert_snapshot!(format!("supposed_{language}"), told);
    }
}

#[test]
fn what_is_supposed_of_nothing_is_no_scenario() {
    let scenario = |suppose: &str| {
        format!(
            "tests:\n  - id: wrong\n    title: Wrong\n    suppose: {{binds: {suppose}}}\n    \
             request: {{issuing: DE, executing: FR, measure: data}}\n    expect: {{outcome: APPROVED}}\n"
        )
    };
    for (suppose, expected) in [
        (
            "{ordr: {FR: {}}}",
            "`ordr` is no instrument of the library: did you mean `order`?",
        ),
        (
            "{order: {UK: {}}}",
            "`UK` is no State of vocabulary.yaml: its code is `GB`",
        ),
    ] {
        let library = with_tests("", &scenario(suppose));
        let run = library.test(&Selection::default()).unwrap();
        assert_eq!(run.results[0].differences[0].found, expected);
    }
}

#[test]
fn scenarios_about_nobody_are_not_run() {
    let scenario = |request: &str| {
        format!(
            "tests:\n  - id: wrong\n    title: Wrong\n    request: {{issuing: DE, executing: FR, \
             measure: data, {request}}}\n    expect: {{outcome: INCOMPLETE, missing: []}}\n"
        )
    };
    for (request, expected) in [
        (
            "authority: stb",
            "`stb` is no authority of DE: did you mean `sta`?",
        ),
        (
            "executing_authority: bfj",
            "`bfj` is no authority of FR: known here: tj",
        ),
        (
            "validation: {kind: jugde}",
            "`jugde` is not a value of `AuthorityKind`: did you mean `judge`?",
        ),
        (
            "assurances: [no-death]",
            "`no-death` is not a value of `AssuranceKind`: known here: no-death-penalty",
        ),
        (
            "offences: [{provision: StGB 264}]",
            "`StGB 264` is no offence in the register of DE: say what the law makes of it \
             (`max_penalty_months`), did you mean `StGB 263`?",
        ),
    ] {
        let library = with_tests("", &scenario(request));
        let run = library.test(&Selection::default()).unwrap();
        assert_eq!(run.results[0].differences[0].found, expected);
    }
    let described = scenario("offences: [{provision: StGB 264, max_penalty_months: 6}]");
    let library = with_tests("", &described);
    let run = library.test(&Selection::default()).unwrap();
    assert_eq!(
        run.results[0].outcome,
        Some(comity_domain::Outcome::Approved)
    );
}
