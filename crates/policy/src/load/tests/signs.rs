//! Signs that look like others, values of which there are none, and remedies that are
//! right.

use super::{DE, EIO, report};

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
