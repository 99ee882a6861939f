//! What a shell alone makes of bundles that were changed with their list of sums.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use base64::{Engine as _, prelude::BASE64_STANDARD as BASE64};
use comity_gateway::offline::Files;

use super::{
    Left,
    bundle::{ANSWERED, export, mend, read},
    left_behind,
};
use crate::cli::shown;

fn written(folder: &Path, files: &Files) -> String {
    let _ = fs::remove_dir_all(folder);
    for (path, bytes) in files {
        let path = folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let mut script = Command::new("sh");
    shown(
        &script
            .arg("verify.txt")
            .current_dir(folder)
            .output()
            .unwrap(),
    )
}

/// Salt, path and value of the first of the fields.
fn first_field(fields: &str) -> [&str; 3] {
    let line = fields.lines().next().unwrap();
    line.split(' ').collect::<Vec<_>>().try_into().unwrap()
}

fn bundle(left: &Left, title: &str, name: &str) -> Files {
    let folder = left.path().join(name);
    export(left, title, &folder);
    read(&folder)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_finds_what_is_missing_and_what_is_of_another_case() {
    let left = left_behind().await;
    let whole = bundle(&left, ANSWERED, "case");
    let foreign = bundle(&left, "Keep stored data before they are lost", "other");
    let folder = left.path().join("changed");
    let record = whole.keys().find(|path| path.ends_with(".record")).unwrap();
    let first = record.trim_end_matches(".record");
    let last = whole.keys().rfind(|path| path.ends_with(".leaf.json"));
    let last = last.unwrap().trim_end_matches(".leaf.json");
    let of = |entry: &str| {
        let entry = format!("{entry}.");
        move |files: &mut Files| files.retain(|path, _| !path.starts_with(&entry))
    };
    let copied = |files: &mut Files, which: &dyn Fn(&str) -> bool| {
        let more = foreign.iter().filter(|(path, _)| which(path));
        files.extend(more.map(|(path, bytes)| (path.clone(), bytes.clone())));
    };
    let lost = |name: &'static str| (format!("{name} is missing"), vec![name]);
    let without: Vec<(String, Vec<&str>)> = vec![
        lost("request.bin"),
        lost("request.json"),
        lost("report.html"),
        lost("case.json"),
        lost("bundle.json"),
    ];
    let forged = |expected: &str, change: &dyn Fn(&mut Files)| {
        let mut files = whole.clone();
        change(&mut files);
        mend(&mut files);
        let told = written(&folder, &files);
        let found = told.starts_with("exit 1\n") && told.contains(expected);
        assert!(
            found && !told.contains("ALL IN ORDER"),
            "{expected}: {told}"
        );
        assert!(!told.contains("its record was erased"), "{told}");
    };
    for (expected, names) in &without {
        forged(expected, &|files| {
            files.retain(|path, _| !names.contains(&&**path))
        });
    }
    let sealed = |path: &str| {
        path.starts_with(&format!("{first}.")) && !path.contains("leaf") && !path.contains("proof")
    };
    forged("no later entry says that it was erased", &|files| {
        files.retain(|path, _| !sealed(path))
    });
    forged("and no later entry says", &|files| {
        files.retain(|path, _| !sealed(path) && path != "request.bin");
    });
    forged("record is missing", &|files| drop(files.remove(record)));
    forged("which bundle.json names", &|files| of(last)(files));
    forged("bundle.json names another case", &|files| {
        files.insert("bundle.json".to_owned(), b"{}\n".to_vec());
    });
    forged("bundle.json names other entries", &|files| {
        let mark = String::from_utf8(files["bundle.json"].clone()).unwrap();
        let begin = mark.find("\"entries\"").unwrap();
        let mark = [&mark[..begin], "\"without-entries\"", &mark[begin + 9..]].concat();
        files.insert("bundle.json".to_owned(), mark.into_bytes());
    });
    forged("is an entry of another case", &|files| {
        copied(files, &|path| path.starts_with("entries/"))
    });
    forged("decided nothing in this case", &|files| {
        files.insert(format!("policies/{}/x.yaml", "0".repeat(64)), b"x".to_vec());
    });
    for (name, expected) in [
        ("ledger/note", "ledger/note is no file of a case bundle"),
        ("entries/00000099.record", "is of no entry that is here"),
        (
            "entries/00000000.forged.record",
            "is no file of a case bundle",
        ),
        ("entries/00000000/x.record", "is no file of a case bundle"),
        ("entries/.00000000.record", "is no file of a case bundle"),
        ("policies/.law/rules.yaml", "is no file of a case bundle"),
    ] {
        forged(expected, &|files| {
            drop(files.insert(name.to_owned(), b"x".to_vec()))
        });
    }
    // The same bytes, read with other bounds: a field would seem to have another path.
    let fields = format!("{first}.fields");
    let line = String::from_utf8(whole[&fields].clone()).unwrap();
    let [salt, path, value] = first_field(&line).map(|part| BASE64.decode(part).unwrap());
    let (short, moved) = path.split_at((path.len() - 1) / 3 * 3);
    let padding = BASE64.encode(moved).replace(|sign| sign != '=', "!");
    let short = format!("{}{padding}", BASE64.encode(short));
    let value = BASE64.encode([moved, &value].concat());
    let longer = BASE64.encode([&salt[..], &[0]].concat());
    for other in [
        format!("{} {short} {value}", BASE64.encode(&salt)),
        format!("{longer} {short} {value}"),
    ] {
        let rest = line.split_once('\n').unwrap().1;
        forged("is not written as such files are", &|files| {
            files.insert(fields.clone(), format!("{other}\n{rest}").into_bytes());
        });
    }
    // As it was made it is in order, and so is each other case.
    let told = written(&folder, &whole);
    assert!(
        told.contains("ALL IN ORDER") && told.contains("PROVEN: request.bin, "),
        "{told}"
    );
    let told: BTreeMap<_, _> = left
        .cases
        .keys()
        .enumerate()
        .map(|(number, title)| {
            let files = bundle(&left, title, &format!("whole{number}"));
            (title, written(&folder, &files))
        })
        .collect();
    for (title, told) in told {
        assert!(told.contains("ALL IN ORDER"), "{title}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shell_says_erased_of_what_a_later_entry_erased() {
    let left = left_behind().await;
    let erase = [
        "erase",
        left.case(ANSWERED),
        "--by",
        "registry",
        "--reason",
        "over",
    ];
    let erased = left.audit(&erase);
    assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
    let files = bundle(&left, ANSWERED, "erased");
    let folder = left.path().join("changed");
    let told = written(&folder, &files);
    assert!(told.contains("its record was erased\n"), "{told}");
    assert!(
        told.contains("PROVEN: entries, policies, ledger;"),
        "{told}"
    );
    assert!(
        told.contains("there is no request: its record was erased\n"),
        "{told}"
    );
    // The entry that says so has its own record.
    let mut changed = files.clone();
    let record = files
        .keys()
        .rfind(|path| path.ends_with(".record"))
        .unwrap();
    let entry = record.trim_end_matches("record");
    changed.retain(|path, _| {
        !path.starts_with(entry) || path.contains("leaf") || path.contains("proof")
    });
    mend(&mut changed);
    let told = written(&folder, &changed);
    assert!(
        told.starts_with("exit 1\n") && told.contains("no later entry says"),
        "{told}"
    );
}
