//! Case bundles: whole, checked by us and by a shell, and changed in every file.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
    thread,
};

use comity_gateway::offline::{Files, check};
use sha2::{Digest as _, Sha256};

use super::{Left, audit, left_behind, snapshot};
use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, copy, policies},
};

/// A case that was delivered and answered.
pub(super) const ANSWERED: &str = "Mailbox at a provider, produced directly";

pub(super) fn export(left: &Left, title: &str, out: &Path) -> String {
    let case = left.case(title);
    let output = left.audit(&["export", case, "--out", out.to_str().unwrap()]);
    shown(&output)
}

fn verify(path: &Path, more: &[&str]) -> String {
    let path = path.to_str().unwrap();
    shown(&comity([&["audit", "verify", path], more].concat()))
}

pub(super) fn read(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut open = vec![PathBuf::new()];
    while let Some(below) = open.pop() {
        for entry in fs::read_dir(folder.join(&below)).unwrap() {
            let place = below.join(entry.unwrap().file_name());
            let path = folder.join(&place);
            if path.is_dir() {
                open.push(place);
            } else {
                let name = place.to_str().unwrap().to_owned();
                files.insert(name, fs::read(path).unwrap());
            }
        }
    }
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_proves_itself_to_us_and_to_a_shell() {
    let left = left_behind().await;
    let (folder, zip) = (left.path().join("case"), left.path().join("case.zip"));
    let text = export(&left, ANSWERED, &folder);
    snapshot(left.path(), "export", &text);
    assert!(export(&left, ANSWERED, &zip).starts_with("exit 0"));
    for path in [folder.as_path(), &folder.join("case.json"), &zip] {
        let mode = fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{}", path.display());
    }
    let again = export(&left, ANSWERED, &folder);
    assert!(again.starts_with("exit 2\nerror: cannot make"), "{again}");

    let key = left.path().join("ledger/verifier");
    let key = ["--key", key.to_str().unwrap()];
    snapshot(left.path(), "export_verified", &verify(&folder, &[]));
    assert_eq!(verify(&zip, &key), verify(&folder, &key));
    let files = read(&folder);
    let listed: Vec<_> = files
        .keys()
        .filter(|path| !path.starts_with("policies/"))
        .cloned()
        .collect();
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"entries/\d+", "entries/[index]");
    settings.set_prepend_module_to_snapshot(true);
    settings.bind(|| insta::assert_snapshot!("export_files", listed.join("\n")));

    let script = Command::new("sh")
        .arg("verify.txt")
        .current_dir(&folder)
        .output()
        .unwrap();
    snapshot(left.path(), "export_by_shell", &shown(&script));

    let none = left.audit(&[
        "export",
        "cases/00000000-0000-4000-8000-000000000000",
        "--out",
        "nowhere",
    ]);
    assert_eq!(none.status.code(), Some(1), "{}", shown(&none));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_report_tells_the_case_and_nothing_runs_in_it() {
    let left = left_behind().await;
    for (name, title) in [
        ("report_answered", ANSWERED),
        (
            "report_refused",
            "Traffic data ordered by a prosecutor alone",
        ),
    ] {
        let folder = left.path().join(name);
        export(&left, title, &folder);
        let report = fs::read_to_string(folder.join("report.html")).unwrap();
        for outside in ["<script", "<link", "<img", "@import", "url("] {
            assert!(!report.contains(outside), "{outside}");
        }
        let (_, body) = report.split_once("<body>").unwrap();
        let mut settings = crate::cli::stable(left.path());
        settings.add_filter(r"\d\d:\d\d:\d\d UTC", "[time] UTC");
        settings.add_filter(r"<td>\d+</td>", "<td>[number]</td>");
        settings.add_filter(r"<dd>\d+</dd>", "<dd>[number]</dd>");
        settings.add_filter(r"<dd>comity.example/ledger\+\S+</dd>", "<dd>[key]</dd>");
        settings.add_filter(r"(?s)<pre> *- id:.*?</pre>", "<pre>[rule]</pre>");
        settings.bind(|| insta::assert_snapshot!(name, body));
    }
}

/// Flips a bit of every file in turn, at its beginning, middle and end.
#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_anywhere_in_a_bundle_is_found_and_its_file_named() {
    let left = left_behind().await;
    let folder = left.path().join("case");
    export(&left, ANSWERED, &folder);
    let files = read(&folder);
    check(&files, None).unwrap();
    let flips: Vec<_> = files
        .iter()
        .flat_map(|(path, bytes)| {
            let last = bytes.len() - 1;
            let mut places = vec![0, last / 2, last];
            places.dedup();
            // Policy files are many, and all alike.
            let places = if path.starts_with("policies/") {
                vec![last / 2]
            } else {
                places
            };
            places.into_iter().map(move |at| (path, at))
        })
        .collect();
    let half = flips.len().div_ceil(2);
    thread::scope(|scope| {
        for flips in flips.chunks(half) {
            let mut files = files.clone();
            scope.spawn(move || {
                for (path, at) in flips {
                    files.get_mut(*path).unwrap()[*at] ^= 1;
                    let flaw = check(&files, None);
                    let flaw = flaw.expect_err(&format!("{path}: byte {at} counts for nothing"));
                    assert_eq!(flaw.file, **path, "byte {at}: {flaw}");
                    files.get_mut(*path).unwrap()[*at] ^= 1;
                }
            });
        }
    });
    // A shell finds what is not ours to make again.
    for path in ["ledger/checkpoint", "request.bin", "SHA256SUMS"] {
        let (place, whole) = (folder.join(path), files[path].clone());
        let mut changed = whole.clone();
        changed[whole.len() / 3] ^= 1;
        fs::write(&place, changed).unwrap();
        let script = Command::new("sh")
            .arg("verify.txt")
            .current_dir(&folder)
            .output()
            .unwrap();
        assert_eq!(script.status.code(), Some(1), "{path}: {}", shown(&script));
        fs::write(&place, whole).unwrap();
    }
}

/// A shell does not make renderings again, and says so.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_shell_cannot_prove_it_does_not_vouch_for() {
    let left = left_behind().await;
    let folder = left.path().join("case");
    export(&left, ANSWERED, &folder);
    let whole = read(&folder);
    let script = || {
        let mut script = Command::new("sh");
        shown(
            &script
                .arg("verify.txt")
                .current_dir(&folder)
                .output()
                .unwrap(),
        )
    };
    for path in whole.keys().filter(|path| !path.starts_with("policies/")) {
        let mut files = whole.clone();
        files.get_mut(path).unwrap().extend(b"\n");
        mend(&mut files);
        for (path, bytes) in &files {
            fs::write(folder.join(path), bytes).unwrap();
        }
        let told = script();
        let name = path.rsplit('/').next().unwrap();
        let unproven = told.split("NOT PROVEN").nth(1).is_some_and(|told| {
            told.contains(name)
                || (name.ends_with(".record.json") && told.contains("*.record.json"))
        });
        let found = told.starts_with("exit 1\n") || path == "SHA256SUMS";
        // What is compared with something known from elsewhere.
        let apart = ["verify.txt", "ledger/verifier"].contains(&path.as_str());
        assert!(found != unproven || apart, "{path}: {told}");
    }
}

/// Whoever changes a file can change the list of sums too.
#[tokio::test(flavor = "multi_thread")]
async fn a_forger_who_mends_the_sums_is_found_too() {
    let left = left_behind().await;
    let folder = left.path().join("case");
    export(&left, ANSWERED, &folder);
    let whole = read(&folder);
    let entry = whole.keys().find(|path| path.ends_with(".record")).unwrap();
    let stem = entry.trim_end_matches(".record").to_owned();
    let policy = whole
        .keys()
        .find(|path| path.ends_with("eio/module.yaml"))
        .unwrap();
    let forge = |forgery: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        forgery(&mut files);
        mend(&mut files);
        check(&files, None).unwrap_err().file
    };
    for path in [
        "report.html",
        "report.pdf",
        "case.json",
        "request.json",
        "verify.txt",
        "bundle.json",
    ] {
        let found = forge(&|files| files.get_mut(path).unwrap().extend(b" "));
        assert_eq!(found, path);
    }
    let found = forge(&|files| files.get_mut(entry).unwrap().extend([0x58, 1]));
    assert_eq!(found, *entry);
    let found = forge(&|files| files.get_mut(policy).unwrap().extend(b"\n# later\n"));
    assert_eq!(found, policy.split("/instruments").next().unwrap());
    let found = forge(&|files| drop(files.remove(policy)));
    assert_eq!(found, policy.split("/instruments").next().unwrap());
    let found = forge(&|files| drop(files.remove(&format!("{stem}.salt"))));
    assert_eq!(found, format!("{stem}.salt"));
    let found = forge(&|files| drop(files.remove(&format!("{stem}.tlog-proof"))));
    assert_eq!(found, format!("{stem}.tlog-proof"));
    let found = forge(&|files| drop(files.insert("note.txt".to_owned(), b"x".to_vec())));
    assert_eq!(found, "note.txt");
    // The proof of one entry with the leaf of another.
    let other = whole
        .keys()
        .rfind(|path| path.ends_with(".leaf.json"))
        .unwrap();
    let leaf = whole[other].clone();
    let found = forge(&|files| drop(files.insert(format!("{stem}.leaf.json"), leaf.clone())));
    assert_eq!(found, format!("{stem}.leaf.json"));
    // Another case's entry among these.
    let elsewhere = left.path().join("other");
    export(&left, "Keep stored data before they are lost", &elsewhere);
    let foreign = read(&elsewhere);
    let found = forge(&|files| {
        let entries = foreign
            .iter()
            .filter(|(path, _)| path.starts_with("entries/"));
        files.extend(entries.map(|(path, bytes)| (path.clone(), bytes.clone())));
    });
    assert!(found.ends_with(".leaf.json"), "{found}");
}

/// The steps for whoever has no Comity, followed to the root over the fields of a record.
#[tokio::test(flavor = "multi_thread")]
async fn a_shell_finds_a_field_that_the_entry_does_not_commit_to() {
    let left = left_behind().await;
    let folder = left.path().join("case");
    export(&left, ANSWERED, &folder);
    let whole = read(&folder);
    let path = whole.keys().find(|path| path.ends_with(".fields")).unwrap();
    let text = String::from_utf8(whole[path].clone()).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.len() > 20, "{text}");
    let other = format!("{}AAAA", lines[0]);
    for (lines, found) in [
        (lines[1..].to_vec(), false),
        ([lines[1..].to_vec(), vec![&*other]].concat(), false),
        ([lines.clone(), vec![lines[0]]].concat(), false),
        // In whatever order they are told.
        (lines.iter().rev().copied().collect(), true),
    ] {
        let mut files = whole.clone();
        let told: String = lines.iter().map(|line| format!("{line}\n")).collect();
        files.insert(path.clone(), told.into_bytes());
        mend(&mut files);
        for file in [path.as_str(), "SHA256SUMS"] {
            fs::write(folder.join(file), &files[file]).unwrap();
        }
        let script = Command::new("sh")
            .arg("verify.txt")
            .current_dir(&folder)
            .output()
            .unwrap();
        let told = shown(&script);
        let wrong = format!("NOT IN ORDER: {path} are not what the entry commits to");
        assert_eq!(script.status.success(), found, "{told}");
        assert_eq!(told.contains(&wrong), !found, "{told}");
        // Comity, which makes them again from the record, takes them in its order alone.
        assert_eq!(check(&files, None).unwrap_err().file, *path);
    }
}

/// Writes the list of sums anew.
pub(super) fn mend(files: &mut Files) {
    files.remove("SHA256SUMS");
    let sums: BTreeMap<_, _> = files
        .iter()
        .map(|(path, bytes)| (path, Sha256::digest(bytes)))
        .collect();
    let list: String = sums
        .iter()
        .map(|(path, sum)| format!("{sum:x}  {path}\n"))
        .collect();
    files.insert("SHA256SUMS".to_owned(), list.into_bytes());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_whose_record_was_erased_is_exported_with_what_is_left() {
    let left = left_behind().await;
    let order = ["--by", "registry", "--reason", "retention ended"];
    let erase = ["erase", left.case(ANSWERED)];
    let erased = left.audit(&[erase.as_slice(), &order].concat());
    assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
    let folder = left.path().join("erased");
    let text = export(&left, ANSWERED, &folder);
    assert!(
        text.contains("the records of 2 of them were erased"),
        "{text}"
    );
    let text = verify(&folder, &[]);
    assert!(
        text.starts_with("exit 0") && text.contains("2 records were erased"),
        "{text}"
    );
    let script = Command::new("sh")
        .arg("verify.txt")
        .current_dir(&folder)
        .output()
        .unwrap();
    assert!(script.status.success(), "{}", shown(&script));
    let report = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(report.contains("The record of the request was erased"));
}

/// A law whose address no archive takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_without_a_report_on_paper_says_so() {
    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let library = folder.path().join("policies");
    copy(&policies(), &library);
    let sources = library.join("sources.yaml");
    let address = "http://data.europa.eu/eli/dir/2014/41/oj";
    let text = fs::read_to_string(&sources).unwrap();
    let endless = format!("{address}?{}", "x".repeat(33_000));
    fs::write(&sources, text.replacen(address, &endless, 1)).unwrap();
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.policies.folder = library.clone();
    })
    .await;
    let case = scene.tell(&approvable("without-pdf")).await.name;
    let data = scene.world.data();
    scene.running.stop().await;

    let out = folder.path().join("case");
    let exported = audit(&data, &["export", &case, "--out", out.to_str().unwrap()]);
    let script = Command::new("sh")
        .arg("verify.txt")
        .current_dir(&out)
        .output()
        .unwrap();
    let told = [shown(&exported), verify(&out, &[]), shown(&script)].map(|told| {
        let said = "it does not fit into PDF/A: TooLongString; report.html says the same";
        assert!(told.starts_with("exit 0") && told.contains(said), "{told}");
        told
    });
    snapshot(folder.path(), "export_without_pdf", &told.join("\n"));

    // That it says so takes no report out of a bundle that has one.
    let mut files = read(&out);
    let mark = String::from_utf8(files["bundle.json"].clone()).unwrap();
    assert!(mark.contains("\"without\": {"), "{mark}");
    files.insert("report.pdf".to_owned(), b"%PDF-1.7".to_vec());
    mend(&mut files);
    assert_eq!(check(&files, None).unwrap_err().file, "report.pdf");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_the_report_on_paper_out_is_found() {
    let left = left_behind().await;
    let folder = left.path().join("case");
    export(&left, ANSWERED, &folder);
    let mut files = read(&folder);
    files.remove("report.pdf");
    let mark = String::from_utf8(files["bundle.json"].clone()).unwrap();
    let lie = mark.replacen(
        '{',
        "{\n  \"without\": {\n    \"report.pdf\": \"it burnt\"\n  },",
        1,
    );
    files.insert("bundle.json".to_owned(), lie.into_bytes());
    mend(&mut files);
    assert_eq!(check(&files, None).unwrap_err().file, "bundle.json");
}
