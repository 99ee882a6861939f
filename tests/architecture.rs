//! Which room may know which: the table is the architecture, and a new arrow
//! is a change that somebody reads.

use std::{collections::BTreeSet, process::Command};

use serde_json::Value;

/// Normal dependencies between our own packages.
const ALLOWED: &[(&str, &[&str])] = &[
    ("comity", &[]),
    ("comity-domain", &[]),
    ("comity-ledger", &[]),
    ("comity-evidence", &["comity-domain"]),
    ("comity-policy", &["comity-domain"]),
    ("comity-store", &["comity-domain", "comity-ledger"]),
    (
        "comity-gateway",
        &[
            "comity",
            "comity-domain",
            "comity-evidence",
            "comity-ledger",
            "comity-policy",
            "comity-store",
        ],
    ),
    ("comity-sandbox", &["comity"]),
    // `demo` starts a gateway and the sandbox side by side in one process.
    (
        "comity-cli",
        &[
            "comity",
            "comity-domain",
            "comity-evidence",
            "comity-gateway",
            "comity-ledger",
            "comity-policy",
            "comity-sandbox",
        ],
    ),
    (
        "comity-bench",
        &[
            "comity",
            "comity-evidence",
            "comity-ledger",
            "comity-sandbox",
            "comity-store",
        ],
    ),
    ("xtask", &[]),
];

#[test]
fn arrows_point_one_way() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|p| p["name"].as_str().unwrap())
        .collect();
    for package in packages {
        let name = package["name"].as_str().unwrap();
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap_or_else(|| panic!("`{name}` has no place in the architecture table"));
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            if dependency["kind"].is_null() && ours.contains(to) {
                assert!(allowed.contains(&to), "`{name}` may not depend on `{to}`");
            }
        }
    }
}

#[test]
fn engines_stay_in_their_rooms() {
    let rooms: &[(&str, &[&str])] = &[
        ("cedar-policy", &["comity-policy"]),
        ("cms", &["comity-ledger"]),
        ("cryptoki", &["comity-store"]),
        ("hpke", &["comity-evidence"]),
        ("jsonschema", &["comity-policy"]),
        ("krilla", &["comity-gateway"]),
        ("ml-dsa", &["comity-ledger"]),
        ("object_store", &["comity-evidence"]),
        // The benchmark measures what the store makes of it.
        (
            "rusqlite",
            &["comity-store", "comity-sandbox", "comity-bench"],
        ),
        ("tlog_tiles", &["comity-ledger"]),
    ];
    let metadata = metadata();
    for package in metadata["packages"].as_array().unwrap() {
        let name = package["name"].as_str().unwrap();
        for dependency in package["dependencies"].as_array().unwrap() {
            let to = dependency["name"].as_str().unwrap();
            let Some((_, homes)) = rooms.iter().find(|(engine, _)| *engine == to) else {
                continue;
            };
            if dependency["kind"].is_null() {
                assert!(
                    homes.contains(&name),
                    "`{to}` is known in `{homes:?}` only, not in `{name}`"
                );
            }
        }
    }
}

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
