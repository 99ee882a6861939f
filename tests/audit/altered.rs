//! Data folders and bundles in which something was taken away, or put beside what is
//! there: named, and never passed over.

use std::{fs, os::unix::fs::symlink, path::Path};

use comity_gateway::config::EXAMPLE;
use sha2::{Digest as _, Sha256};

use super::{audit, left_behind};
use crate::{
    cli::{comity, shown},
    world::copy,
};

/// Removes the newest of the checkpoints that are kept.
fn remove_checkpoint(data: &Path) {
    let folder = data.join("ledger/checkpoints");
    let kept = fs::read_dir(&folder).unwrap();
    let names = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
    let newest = names.max_by_key(|name| name.parse::<u64>().unwrap());
    fs::remove_file(folder.join(newest.unwrap())).unwrap();
}

fn flip(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    // A digit or letter of the secret, which stays one.
    let at = bytes.len() - 9;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    fs::write(file, bytes).unwrap();
}

fn put(data: &Path, path: &str) {
    let path = data.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, "x").unwrap();
}

/// What was done to a data folder, how, and what is said of it then; and whether it is told
/// by the settings that the folder is a gateway's own.
type Harm = (fn(&Path), &'static [&'static str], bool);

const HARM: [Harm; 14] = [
    (|_| (), &["exit 0\nverified: "], true),
    (
        remove_checkpoint,
        &[
            "exit 1\n",
            "`ledger/checkpoints/",
            "is missing, and was signed",
        ],
        false,
    ),
    (
        |data| {
            for path in ["ledger/tile/0/999", "ledger/foo", "evidence/foo"] {
                put(data, path);
            }
        },
        &[
            "exit 0\n",
            "NOT OF IT, and nothing on record leads there: `evidence/foo`, `ledger/foo`, \
             `ledger/tile/0/999`",
        ],
        false,
    ),
    (
        |data| fs::remove_file(data.join("vault.key")).unwrap(),
        &["exit 0\n", "no record was opened: `vault.key` is missing\n"],
        false,
    ),
    (
        |data| fs::remove_file(data.join("vault.key")).unwrap(),
        &["exit 1\n", "`vault.key`: is missing; no record opens"],
        true,
    ),
    (
        |data| flip(&data.join("ledger.key")),
        &["exit 1\n", "`ledger.key`: "],
        false,
    ),
    (
        |data| flip(&data.join("witness.key")),
        &["exit 1\n", "`witness.key`: "],
        false,
    ),
    (
        |data| {
            fs::copy(data.join("witness.key"), data.join("ledger.key"))
                .map(drop)
                .unwrap()
        },
        &["exit 1\n", "`ledger.key`: "],
        false,
    ),
    (
        |data| {
            for key in ["ledger.key", "witness.key"] {
                fs::remove_file(data.join(key)).unwrap();
            }
        },
        &[
            "exit 0\n",
            "without `ledger.key`, `witness.key`, as a copy may be",
        ],
        false,
    ),
    (
        |data| fs::remove_file(data.join("ledger.key")).unwrap(),
        &["exit 1\n", "`ledger.key`: is missing"],
        true,
    ),
    (
        |data| fs::remove_file(data.join("witness.key")).unwrap(),
        &["exit 1\n", "`witness.key`: is missing"],
        true,
    ),
    (
        |data| put(data, "ledger/checkpoints/.300"),
        &["exit 0\nverified: "],
        false,
    ),
    (
        |data| put(data, "evidence/items/foo"),
        &["exit 0\n", "leads there: `evidence/items/foo`"],
        false,
    ),
    (
        |data| {
            put(data, "notes/x");
            put(data, "case.zip");
            put(data, "bundles/foo");
            let kept = fs::read_dir(data.join("bundles")).unwrap();
            let mut kept = kept.map(|bundle| bundle.unwrap().path());
            let bundle = kept.find(|path| path.is_dir());
            put(&bundle.unwrap(), "x.txt");
        },
        &[
            "exit 0\n",
            "NOT OF IT, and nothing on record leads there: `bundles/",
            "/x.txt`, `bundles/foo`, `case.zip`, `notes`\n",
        ],
        false,
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_or_was_put_there_is_named() {
    let left = left_behind().await;
    for (number, (harm, expected, own)) in HARM.into_iter().enumerate() {
        let data = left.path().with_file_name(format!("altered-{number}"));
        let _ = fs::remove_dir_all(&data);
        copy(left.path(), &data);
        harm(&data);
        let config = data.with_extension("toml");
        let own_data = format!("data = {:?}", data.to_str().unwrap());
        fs::write(&config, EXAMPLE.replace("data = \"data\"", &own_data)).unwrap();
        let told = match own {
            false => audit(&data, &["verify"]),
            true => comity(["audit", "verify", "--config", config.to_str().unwrap()]),
        };
        let told = shown(&told);
        for words in expected {
            assert!(told.contains(words), "{number}: {words}\n{told}");
        }
        if number == 0 {
            assert!(
                !told.contains("NOT OF IT") && !told.contains("without"),
                "{told}"
            );
        }
        fs::remove_dir_all(&data).unwrap();
        fs::remove_file(&config).unwrap();
    }
}

/// Lists the files of a bundle again, as whoever changes them can.
fn mend_sums(folder: &Path) {
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let paths = sums.lines().filter_map(|line| line.split_once("  "));
    let here = paths.filter(|(_, path)| folder.join(path).exists());
    let lines = here.map(|(_, path)| {
        let sum = Sha256::digest(fs::read(folder.join(path)).unwrap());
        format!("{sum:x}  {path}\n")
    });
    let lines: String = lines.collect();
    fs::write(folder.join("SHA256SUMS"), lines).unwrap();
}

/// Takes every file of the first entry of a bundle away, and its index from a list.
fn remove_entry(folder: &Path, suffix: &str) -> u64 {
    let entries = fs::read_dir(folder.join("entries")).unwrap();
    let mut names: Vec<_> = entries
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    let (stem, _) = names[0].split_once('.').unwrap();
    for name in names.iter().filter(|name| name.starts_with(stem)) {
        if name.ends_with(suffix) {
            fs::remove_file(folder.join("entries").join(name)).unwrap();
        }
    }
    mend_sums(folder);
    stem.parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_bundle_lacks_is_named_before_what_is_made_of_it() {
    let left = left_behind().await;
    let case = left
        .case("Mailbox at a provider, produced directly")
        .to_owned();
    let whole = left.path().join("whole");
    let out = whole.to_str().unwrap();
    assert!(shown(&left.audit(&["export", &case, "--out", out])).contains("holds personal data"));
    let folder = left.path().join("case");
    let verified = |harm: &dyn Fn(&Path)| {
        let _ = fs::remove_dir_all(&folder);
        copy(&whole, &folder);
        harm(&folder);
        shown(&comity(["audit", "verify", folder.to_str().unwrap()]))
    };
    assert!(verified(&|_| ()).starts_with("exit 0"));

    let told = verified(&|folder| fs::remove_file(folder.join("bundle.json")).unwrap());
    assert!(
        told.starts_with("exit 1\nNOT VERIFIED\n  `bundle.json`: is "),
        "{told}"
    );
    let told = verified(&|folder| {
        fs::rename(folder.join("bundle.json"), folder.join("bundle.old")).unwrap();
    });
    assert!(
        told.contains("`bundle.") && !told.contains("comity.db"),
        "{told}"
    );

    for renamed in [false, true] {
        let told = verified(&|folder| {
            let mark = folder.join("bundle.json");
            let index = remove_entry(folder, "");
            if renamed {
                let text = fs::read_to_string(&mark).unwrap();
                let without = text.replace(&format!("\n    {index},"), "");
                assert_ne!(without, text);
                fs::write(&mark, without).unwrap();
                mend_sums(folder);
            }
        });
        let by = if renamed { "case.json" } else { "bundle.json" };
        assert!(
            told.starts_with("exit 1\nNOT VERIFIED\n  `entries/"),
            "{told}"
        );
        let named = format!("is missing, and all of the entry, which `{by}` names");
        assert!(told.contains(&named), "{told}");
    }
    let told = verified(&|folder| {
        remove_entry(folder, ".record");
        remove_entry(folder, ".salt");
    });
    assert!(told.contains(".record`"), "{told}");
    assert!(
        told.contains("no later entry says that it was erased"),
        "{told}"
    );

    let told = verified(&|folder| fs::create_dir(folder.join("empty")).unwrap());
    assert!(
        told.contains("exit 1\nNOT VERIFIED\n  `empty`: is a folder"),
        "{told}"
    );
    let told = verified(&|folder| {
        let report = folder.join("report.html");
        fs::rename(&report, folder.with_extension("html")).unwrap();
        symlink(folder.with_extension("html"), report).unwrap();
    });
    assert!(
        told.contains("exit 1\nNOT VERIFIED\n  `report.html`: is no file"),
        "{told}"
    );

    // Of a case of which nothing is left, nothing personal is handed out.
    let erased = super::erase::erase(left.path(), &case, &[]);
    assert_eq!(erased.status.code(), Some(0), "{}", shown(&erased));
    let out = left.path().join("erased");
    let told = shown(&left.audit(&["export", &case, "--out", out.to_str().unwrap()]));
    assert!(
        told.starts_with("exit 0") && !told.contains("personal data"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_entry_has_its_index_too() {
    let left = left_behind().await;
    let first = left.json(&["search", "--kind", "start"]);
    assert_eq!(first["entries"][0]["index"], "0", "{first}");
}
