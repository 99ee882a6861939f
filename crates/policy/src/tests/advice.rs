//! What warnings advise: whoever follows it approves nothing that was refused, and takes
//! from nobody what they may do.

use comity_domain::Outcome;

use super::small::{FR, decide, edited, report, request};
use crate::{
    Code,
    competence::{Competent, competent},
};

const AUTHORITIES: &str = "jurisdictions/fr/authorities.yaml";
const SOURCES: &str = "sources.yaml";

/// What is advised where something of a kind is found.
fn advised(code: Code, additions: &[(&str, &str)], edits: &[(&str, &str, &str)]) -> Vec<String> {
    let report = report(additions, edits);
    let found = report.diagnostics().iter();
    let found = found.filter(|found| found.code == code);
    found.filter_map(|found| found.remedy.clone()).collect()
}

#[test]
fn what_lifts_a_permit_is_advised_to_refuse() {
    let rule = |effect: &str| {
        format!(
            "  - {{id: fr-never, title: {{en: Not here}}, cite: act art 1, stage: inbound, {effect}}}\n"
        )
    };
    let lifting = rule("effect: permit, exception_to: order-permit");
    let [advice] = &advised(Code::ExceptionToPermit, &[(FR, &lifting)], &[])[..] else {
        panic!("one warning");
    };
    assert!(
        advice.contains("write `effect: refuse` and remove `exception_to`"),
        "{advice}"
    );
    let outcome = |effect: &str| decide(&edited(&[(FR, &rule(effect))], &[]), &request()).outcome;
    assert_eq!(
        outcome("effect: permit, exception_to: order-permit"),
        Outcome::Refused
    );
    assert_eq!(outcome("effect: refuse"), Outcome::Refused);
    // As if the rule said nothing.
    assert_eq!(outcome("effect: permit"), Outcome::Approved);
}

#[test]
fn who_decides_by_what_it_is_may_do_something() {
    let kinds = [(
        "vocabulary.yaml",
        "AuthorityKind: [judge, prosecutor, police]",
        "AuthorityKind: [judge, court, investigating-judge, prosecutor, police, central-authority, contact-point]",
    )];
    let authority = |kind: &str| {
        format!("  - {{id: only, title: {{en: Only}}, kind: {kind}, cite: act art 2}}\n")
    };
    let of_profile = "profile: {languages: [fr], central_authority: only,";
    let central = (FR, "profile: {languages: [fr],", of_profile);
    for (kind, role, is_central) in [
        ("judge", "executing-judge", false),
        ("court", "executing-court", false),
        ("investigating-judge", "executing-judge", false),
        ("central-authority", "executing-central-authority", false),
        ("contact-point", "executing-contact-point", false),
        ("police", "executing-central-authority", true),
    ] {
        let central = is_central.then_some(central);
        let edits: Vec<_> = kinds.into_iter().chain(central).collect();
        let more = authority(kind);
        let more = [(AUTHORITIES, more.as_str())];
        assert_eq!(
            advised(Code::AuthorityIdle, &more, &edits),
            [""; 0],
            "{kind}"
        );
        let library = edited(&more, &edits);
        let (state, id) = ("FR".parse().unwrap(), "only".parse().unwrap());
        let asked = (role, &"data".parse().unwrap());
        assert_eq!(
            competent(&library.model, &state, &id, asked),
            Competent::Yes
        );
    }
    let police = authority("police");
    let told = advised(Code::AuthorityIdle, &[(AUTHORITIES, &police)], &kinds);
    assert_eq!(told.len(), 1);
}

#[test]
fn acts_of_other_centuries_are_in_force() {
    let day = |key: &str, day: &str| {
        let written = format!("title: {{en: The Act}}, {key}: {day}");
        let edits = [(SOURCES, "title: {en: The Act}", written.as_str())];
        advised(Code::DayUnlikely, &[], &edits).len()
    };
    assert_eq!(day("in_force", "1871-05-15"), 0);
    assert_eq!(day("in_force", "0871-05-15"), 1);
    assert_eq!(day("checked", "1871-05-15"), 1);
}

#[test]
fn a_holiday_of_other_years_is_none_twice() {
    let mut holidays = String::new();
    for (month, day, year) in (0..9_000).map(|n| (n / 28 % 12 + 1, n % 28 + 1, 1900 + n / 336)) {
        let next = year + 1;
        holidays.push_str(&format!(
            "  - {{title: {{en: Day}}, day: {month:02}-{day:02}, since: {year}, until: {next}}}\n"
        ));
    }
    let told = advised(Code::HolidayTwice, &[("calendars/FR.yaml", &holidays)], &[]);
    assert_eq!(told.len(), 9_000 / 336, "Christmas stands there already");
}

#[test]
fn two_rules_of_one_article_are_no_versions() {
    let rules = |second: &str| {
        let rule = |id: &str, rest: &str| {
            format!(
                "  - {{id: fr-9-{id}, title: {{en: Nine}}, cite: act art 9, stage: inbound, {rest}, \
                 when: [context.offence.political]}}\n"
            )
        };
        let rules = rule(
            "old",
            "effect: may-refuse, measures: [data], until: 2026-01-01",
        );
        let rules = rules + &rule("new", &format!("{second}, since: 2026-03-01"));
        let all = advised(Code::LawGap, &[(FR, &rules)], &[]).len();
        all - advised(Code::LawGap, &[], &[]).len()
    };
    assert_eq!(rules("effect: may-refuse, measures: [data]"), 1);
    assert_eq!(rules("effect: may-refuse"), 1);
    assert_eq!(rules("effect: may-refuse, measures: [hearing]"), 0);
    assert_eq!(rules("effect: refuse, measures: [data]"), 0);
}

#[test]
fn a_permit_for_less_does_not_stand_in_for_one_that_ends() {
    let ends = (
        FR,
        "stage: inbound, effect",
        "stage: inbound, until: 2027-01-01, effect",
    );
    let permit = |rest: &str| {
        let permit = format!(
            "  - {{id: more, title: {{en: More}}, cite: act art 1, stage: inbound, effect: permit{rest}}}\n"
        );
        let all = advised(Code::LawGap, &[(FR, &permit)], &[ends]).len();
        // Nothing leaves France, and nothing arrives in Germany.
        all - advised(Code::LawGap, &[], &[]).len()
    };
    assert_eq!(permit(", instruments: [order], measures: [hearing]"), 1);
    assert_eq!(permit(", measures: [data, hearing]"), 1);
    // Whatever there is.
    assert_eq!(permit(", measures: [data, hearing, team]"), 0);
    assert_eq!(permit(""), 0);
    assert_eq!(permit(", since: 2027-01-01"), 0);
    assert_eq!(permit(", since: 2027-02-01"), 1);
}
