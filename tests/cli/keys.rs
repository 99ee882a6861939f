//! Keys and certificates that are not made, or made for machines.

use std::{ffi::OsStr, fs, os::unix::ffi::OsStrExt as _, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use super::{comity, shown, stable};

const ISSUE: &str = "keys issue --jurisdiction DE --authority sta-berlin --dir";

#[test]
fn what_is_there_is_kept_and_what_could_not_serve_is_not_made() {
    let folder = TempDir::new().unwrap();
    let dir = folder.path().join("pki");
    let at = dir.to_str().unwrap();
    let issue = |more: &[&str]| {
        let first = ISSUE.split(' ').chain([at]);
        shown(&comity(first.chain(more.iter().copied())))
    };
    comity(["keys", "init", "--dir", at]);
    issue(&["--role", "issuing"]);
    let stem = dir.join("de-sta-berlin-issuing");
    let both = || ["pem", "key"].map(|end| fs::read(stem.with_extension(end)).unwrap());
    let before = both();
    let mut told = vec![issue(&["--role", "issuing"])];
    assert!(both() == before, "nothing is written over");
    fs::remove_file(stem.with_extension("pem")).unwrap();
    told.extend([
        issue(&["--role", "issuing"]),
        issue(&["--role", "gateway"]),
        issue(&["--role", "backend"]),
        issue(&["--role", "backend", "--names", "b.example,no name"]),
        issue(&["--role", "backend", "--names", "b.example,192.0.2.7,::1"]),
    ]);
    stable(folder.path()).bind(|| insta::assert_snapshot!(told.join("\n")));
}

#[test]
fn machines_are_told_what_was_made() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let json = |line: &str| -> Value {
        let output = comity(line.split(' ').chain(["--json"]));
        assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)))
    };
    let pki = at("pki");
    let made = json(&format!("keys init --dir {pki}"));
    assert_eq!(made["trust_domain"], "comity.example");
    let issued = json(&format!("{ISSUE} {pki} --role auditor"));
    let list = json(&format!("keys revoke --dir {pki}"));
    let signer = json(&format!("keys signer --name legal-1 --out {}", at("s")));
    let recipient = json(&format!("keys recipient --name desk --out {}", at("r")));
    for path in [
        &made["ca"],
        &made["key"],
        &issued["certificate"],
        &issued["key"],
        &list["list"],
        &signer["key"],
        &recipient["key"],
    ] {
        assert!(fs::exists(path.as_str().unwrap()).unwrap(), "{path}");
    }
    assert!(signer["verifier"].as_str().unwrap().starts_with("legal-1+"));
    let recipient = recipient["recipient"].as_str().unwrap();
    assert!(recipient.starts_with("comity-recipient-1+"), "{recipient}");
    // A path need not be Unicode, and JSON is.
    let other = folder.path().join(OsStr::from_bytes(b"other\xff"));
    let begin = ["keys", "init", "--json", "--dir"].map(OsStr::new);
    let made = comity(begin.into_iter().chain([other.as_os_str()]));
    assert_eq!(made.status.code(), Some(0), "{}", shown(&made));
    let made: Value = serde_json::from_slice(&made.stdout).unwrap();
    let key = made["key"].as_str().unwrap();
    assert!(key.ends_with("/other\u{fffd}/ca.key"), "{key}");
    // What fails is told to them in the same way.
    let failed = comity(format!("keys init --dir {pki} --json").split(' '));
    assert_eq!(failed.status.code(), Some(2));
    let told: Value = serde_json::from_slice(&failed.stdout).unwrap();
    let error = told["error"].as_str().unwrap();
    assert!(
        error.starts_with("there is a certificate authority"),
        "{told}"
    );
    // Its key alone is one to be kept.
    let key = Path::new(&pki).join("ca.key");
    let before = fs::read(&key).unwrap();
    fs::remove_file(Path::new(&pki).join("ca.pem")).unwrap();
    let failed = comity(format!("keys init --dir {pki}").split(' '));
    assert_eq!(failed.status.code(), Some(2), "{}", shown(&failed));
    assert_eq!(fs::read(&key).unwrap(), before);
}
