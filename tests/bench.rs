//! The measurements: the gateway takes part in them as it is.

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt as _,
    process::Command,
};

use crate::{
    cli::{COMMAND, built, shown},
    world::policies,
};

#[test]
fn the_comparison_measures_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    // Left by a comparison before, which let everybody read it.
    let key = folder.path().join("pki/proxy.key");
    fs::create_dir(folder.path().join("pki")).unwrap();
    fs::write(&key, "").unwrap();
    fs::set_permissions(&key, Permissions::from_mode(0o644)).unwrap();
    let output = Command::new(built("comity-bench"))
        .args([
            "compare",
            "--contenders",
            "direct,relay,comity",
            "--rounds",
            "1",
        ])
        .args(["--seconds", "1", "--in-flight", "4", "--policies"])
        .arg(policies())
        .arg("--out")
        .arg(folder.path())
        .arg("--comity")
        .arg(&*COMMAND)
        .output()
        .unwrap();
    let told = shown(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let report = fs::read_to_string(folder.path().join("report.md")).unwrap();
    let all = [
        "| direct to backend |",
        "| tonic relay, two records |",
        "| Comity |",
    ];
    for who in all {
        let row = report.lines().find(|line| line.starts_with(who));
        let row = row.expect(&report);
        assert!(row.ends_with("| 0 |"), "{row}");
    }
}
