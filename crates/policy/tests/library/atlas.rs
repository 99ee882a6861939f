//! The atlas over the shipped library, as people read it.

use comity_policy::AtlasQuery;
use jiff::civil::Date;

use super::LIBRARY;

/// What is looked up: from, to, measure, offence, day, language.
type Question = [&'static str; 6];

const QUESTIONS: [Question; 10] = [
    ["FR", "DE", "data.content", "", "2026-11-23", "en"],
    [
        "DE",
        "FR",
        "search.premises",
        "StGB 263",
        "2026-11-23",
        "de",
    ],
    ["DE", "IE", "data.traffic", "D20", "2026-11-23", "en"],
    [
        "NL",
        "IE",
        "interception.with-assistance",
        "D05",
        "2026-11-23",
        "en",
    ],
    ["DE", "US", "data.content", "StGB 263", "2026-11-23", "en"],
    ["US", "FR", "bank.transactions", "", "2026-11-23", "fr"],
    ["GB", "US", "data.content", "", "2026-11-23", "en"],
    ["GB", "DE", "documents.obtain", "", "2026-11-23", "en"],
    ["DE", "NL", "police.information", "", "2026-11-23", "de"],
    [
        "DE",
        "NL",
        "seizure.freeze-confiscation",
        "",
        "2026-11-23",
        "en",
    ],
];

#[test]
fn ten_lookups_read_like_pages() {
    for question in QUESTIONS {
        let [from, to, measure, offence, date, language] = question;
        let (issuing, executing) = (from.parse().unwrap(), to.parse().unwrap());
        let atlas = LIBRARY
            .atlas(&AtlasQuery {
                issuing: &issuing,
                executing: &executing,
                measure: &measure.parse().unwrap(),
                offence: Some(offence).filter(|offence| !offence.is_empty()),
                date: date.parse::<Date>().unwrap(),
                language,
            })
            .unwrap();
        let name = format!("{from}-{to}-{measure}-{language}");
        insta::assert_snapshot!(name, atlas.to_string());
    }
}
