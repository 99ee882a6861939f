//! Signs that look like others, values of which there are none, and remedies that are
//! right.

use super::{DE, EIO, report, write};
use crate::load::load;

/// What is said of the one line of `de-1`.
fn line(condition: &str) -> String {
    report(&[(
        DE,
        "['context.offence.fiscal']",
        &format!("\n      - {condition}"),
    )])
}

#[test]
fn norway_is_no_refusal() {
    for (condition, remedy) in [
        (
            "context.issuing.state == State::NO",
            "help: write `State::\"NO\"`",
        ),
        ("context.issuing.state == NO", "help: write `State::\"NO\"`"),
        ("context.offence.fiscal == NO", "help: write `false`"),
        (
            "context.measure.contains(Measure::data.traffic)",
            "help: write `Measure::\"data.traffic\"`",
        ),
    ] {
        let said = line(condition);
        assert!(said.contains(remedy), "{said}");
        assert!(!said.contains("2 mistakes"), "{said}");
    }
}

#[test]
fn what_is_wrong_with_a_number_or_a_bracket_is_said() {
    let months = "context.offence.max_penalty_months";
    for (condition, told) in [
        (format!("{months} >= 1,200"), "write `1200`"),
        (format!("{months} >= 12 %"), "write the number alone"),
        (
            format!("({months} >= 12 || {months} < 3"),
            "nothing closes this `(`",
        ),
        (format!("{months} >= 12)"), "nothing opens this `)`"),
    ] {
        let said = line(&condition);
        assert!(said.contains(told), "{said}");
    }
    let offences = "jurisdictions/de/offences.yaml";
    for (written, told) in [("1,200", "`1200`"), ("12 %", "`12`")] {
        let said = report(&[(
            offences,
            "max_penalty_months: 60",
            &format!("max_penalty_months: \"{written}\""),
        )]);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn days_that_there_are_not_are_named() {
    let calendar = "calendars/DE.yaml";
    for (file, from, to, day) in [
        (
            EIO,
            "2017-05-22, languages",
            "2026-02-30, languages",
            "2026-02-30",
        ),
        (calendar, "day: 12-25", "day: \"02-30\"", "02-30"),
    ] {
        let said = report(&[(file, from, to)]);
        assert!(
            said.contains(&format!("there is no such day: `{day}`")),
            "{said}"
        );
    }
}

#[test]
fn a_day_that_is_given_in_two_ways_is_no_day_that_there_is_not() {
    for other in ["weekday: monday", "month: 5", "nth: 1", "easter: 1"] {
        let both = format!("day: 12-25, {other}");
        let said = report(&[("calendars/DE.yaml", "day: 12-25", &both)]);
        assert!(said.contains("exactly one way"), "{said}");
    }
}

#[test]
fn time_zones_are_proposed_within_their_continent() {
    let zone = |name: &str| report(&[("calendars/DE.yaml", "Europe/Berlin", name)]);
    let near = zone("Europe/Berln");
    assert!(near.contains("did you mean `Europe/Berlin`?"), "{near}");
    let none = zone("Europa/Berlin");
    assert!(!none.contains("did you mean"), "{none}");
    assert!(none.contains("such as `Europe/Tallinn`"), "{none}");
}

#[test]
fn signs_that_look_like_others_are_named() {
    for (file, from, to, named, remedy) in [
        (
            EIO,
            "effect: refuse",
            "effect: “refuse”",
            "U+201C",
            "write `\"`",
        ),
        (
            EIO,
            "cite: act art 1\n",
            "cite: act–2 art 1\n",
            "U+2013",
            "write `-`",
        ),
        (
            EIO,
            "effect: refuse",
            "effect: rеfuse",
            "U+0435",
            "Latin letter `e`",
        ),
        (
            EIO,
            "effect: refuse",
            "effect:\u{a0}refuse",
            "U+00A0",
            "an ordinary space",
        ),
        (
            EIO,
            "effect: refuse",
            "effect: refuse\u{200b}",
            "U+200B",
            "remove it",
        ),
    ] {
        let said = report(&[(file, from, to)]);
        assert!(
            said.contains(named) && said.contains(remedy),
            "{to}: {said}"
        );
    }
}

#[test]
fn what_git_could_not_merge_is_one_mistake() {
    let said = report(&[(
        EIO,
        "rank: 10\n",
        "<<<<<<< HEAD\nrank: 10\n=======\nrank: 11\n>>>>>>> other\n",
    )]);
    assert!(said.contains("Git could not merge"), "{said}");
    assert!(said.contains("1 mistake in 1 file"), "{said}");
}

#[test]
fn a_sign_in_a_literal_hides_none_outside() {
    let said = line(
        "context.issuing.state == State::\"N’O\" && context.issuing.authority_kind == AuthorityKind::“judge”",
    );
    assert!(said.contains("U+201C"), "{said}");
}

#[test]
fn right_typography_is_not_to_blame() {
    // Where a map must stand, whatever the text is.
    let said = report(&[(
        EIO,
        "title: {en: Investigation Order}",
        "title: \"l’autorité\"",
    )]);
    assert!(!said.contains("U+2019"), "{said}");
    // Above the line that is wrong, and in quotes on it.
    for (from, to) in [
        ("rank: 10\n", "note: \"L’autorité\"\n  rank: 10\n"),
        ("rank: 10\n", "rank: {en: \"L’autorité\"]\n"),
    ] {
        let said = report(&[(EIO, from, to)]);
        assert!(said.contains("not YAML"), "{said}");
        assert!(!said.contains("U+2019"), "{said}");
    }
}

#[test]
fn what_looks_like_another_sign_is_named_beside_other_advice() {
    let said = report(&[(EIO, "effect: refuse", "effect: rеfuse")]);
    assert!(said.contains("U+0435"), "{said}");
    assert!(
        said.contains("refuse, may-refuse") || said.contains("did you mean `refuse`"),
        "{said}"
    );
}

#[test]
fn signs_that_do_not_show_are_refused_where_they_stand() {
    for (from, to, told, line) in [
        (
            "title: {en: Investigation Order}",
            "title: {en: \"The \u{1b}[2J\"}",
            "U+001B",
            2,
        ),
        (
            "title: {en: Investigation Order}",
            "title: {en: \"The \\e[2J\"}",
            "U+001B",
            2,
        ),
        (
            "title: {en: Investigation Order}",
            "title: {en: \"The \\u202E\"}",
            "U+202E",
            2,
        ),
        (
            "title: {en: Investigation Order}",
            "title: {en: \"The \\u200F\"}",
            "U+200F",
            2,
        ),
        (
            "title: {en: Investigation Order}",
            "title: {en: Investigation Order} # \u{202e}",
            "U+202E",
            2,
        ),
        (
            "title: {en: Investigation Order}",
            "\"ti\\u2066\": {en: The Order}",
            "U+2066",
            2,
        ),
    ] {
        let said = report(&[(EIO, from, to)]);
        assert!(
            said.contains(told) && said.contains("hidden-sign"),
            "{said}"
        );
        assert!(said.contains(&format!("{EIO}:{line}:")), "{said}");
        assert!(said.contains("1 mistake"), "{said}");
    }
    let written = "title: {en: \"The\\tOrder\"}\nnotes:\n  en: |\n    The\tOrder\n    of today";
    let dir = write(&[(EIO, "title: {en: Investigation Order}", written)]);
    load(dir.path()).unwrap_or_else(|report| panic!("{report}"));
}
