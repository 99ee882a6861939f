//! Cases that have been kept long enough, by classes of the settings.

use std::{fs, path::Path, process::Output};

use comity_gateway::config::EXAMPLE;
use serde_json::Value;

use super::{audit, hold::hold, left_behind, snapshot};
use crate::cli::shown;

/// What names an instrument and a State counts before what names one of them.
const CLASSES: &str = r#"
[[retention]]
instrument = "eio"
months = 60
because = "the registry's rules, orders"

[[retention]]
instrument = "eio"
state = "FR"
months = 12
because = "the registry's rules, orders to France"

[[retention]]
state = "FR"
months = 120
because = "the registry's rules, France"

[[retention]]
instrument = "epoc"
months = 24
because = "the registry's rules, providers"
"#;

fn due(data: &Path, config: &Path, more: &[&str]) -> Output {
    let config = ["due", "--config", config.to_str().unwrap()];
    audit(data, &[config.as_slice(), more].concat())
}

fn cases(output: &Output) -> Vec<Value> {
    let told: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(output)));
    told["cases"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_erases_is_told_what_is_due_and_why() {
    let left = left_behind().await;
    let config = left.path().join("comity.toml");
    fs::write(&config, format!("{EXAMPLE}{CLASSES}")).unwrap();
    let due = |more: &[&str]| due(left.path(), &config, more);
    let json = |at: &str| cases(&due(&["--at", at, "--json"]));

    // What has a class is not due as it ends; what has none is listed from the start.
    let now = cases(&due(&["--json"]));
    assert!(!now.is_empty());
    assert!(now.iter().all(|case| case["standing"] == "unclassified"));
    let all = json("2199-12-31");
    let of = |case: &Value| case["class"]["because"].as_str().map(str::to_owned);
    for case in &all {
        let parties = [&case["issuing"], &case["executing"]];
        let french = parties.contains(&&Value::from("FR"));
        let expected = match (case["instrument"].as_str(), french) {
            (Some("eio"), true) => Some("the registry's rules, orders to France"),
            (Some("eio"), false) => Some("the registry's rules, orders"),
            // Both name one thing; the longer counts.
            (_, true) => Some("the registry's rules, France"),
            (Some("epoc"), false) => Some("the registry's rules, providers"),
            (_, false) => None,
        };
        assert_eq!(of(case).as_deref(), expected, "{case:#}");
    }
    // It is due on its day and not on the day before.
    let epoc = all.iter().find(|case| case["class"]["months"] == 24);
    let epoc = epoc.unwrap();
    let day: jiff::civil::Date = epoc["due"].as_str().unwrap().parse().unwrap();
    let listed = |at: jiff::civil::Date| {
        let listed = json(&at.to_string());
        listed.iter().any(|case| case["case"] == epoc["case"])
    };
    assert!(listed(day) && !listed(day.yesterday().unwrap()));

    // A hold keeps it, and it stays on the list; what is erased does not.
    let (held, gone) = (epoc["case"].as_str().unwrap(), &all[0]["case"]);
    hold(left.path(), held, &[]);
    super::erase::erase(left.path(), gone.as_str().unwrap(), &[]);
    let later = json("2199-12-31");
    let standing = |name: &Value| {
        let case = later.iter().find(|case| case["case"] == *name)?;
        Some(case["standing"].as_str()?.to_owned())
    };
    assert_eq!(standing(&epoc["case"]).as_deref(), Some("held"));
    assert_eq!(standing(gone), None);

    let told = [
        due(&["--at", "2199-12-31"]),
        due(&["--at", "2020-01-01"]),
        audit(left.path(), &["due"]),
        due(&["--at", "yesterday"]),
    ];
    snapshot(
        left.path(),
        "due",
        &told.map(|output| shown(&output)).join("\n"),
    );
}
