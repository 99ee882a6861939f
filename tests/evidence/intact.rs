//! What lies beside the store of a data folder, the law and evidence, and was changed or is
//! gone: `comity audit verify` names it.

use super::*;
use crate::{
    cli::{comity, shown},
    world::copy,
};

/// The one entry of a folder.
fn only(folder: &Path) -> std::path::PathBuf {
    let mut entries = fs::read_dir(folder).unwrap();
    entries.next().unwrap().unwrap().path()
}

/// Changes a text in a file.
fn edit(file: &Path, change: impl FnOnce(String) -> String) {
    let text = fs::read_to_string(file).unwrap();
    let changed = change(text.clone());
    assert_ne!(changed, text);
    fs::write(file, changed).unwrap();
}

/// Another digit in the place of the last.
fn other_digit(text: String) -> String {
    let text = text.trim_end();
    let last = if text.ends_with('0') { '1' } else { '0' };
    format!("{}{last}\n", &text[..text.len() - 1])
}

fn flip(file: &Path, at: usize) {
    let mut bytes = fs::read(file).unwrap();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

fn law(data: &Path) -> std::path::PathBuf {
    only(&data.join("bundles"))
}

/// The folder of an item of two segments.
fn item(data: &Path) -> std::path::PathBuf {
    let items = fs::read_dir(data.join("evidence/items")).unwrap();
    let mut items = items.map(|item| item.unwrap().path());
    items.find(|item| item.join("00000001").exists()).unwrap()
}

/// What was done to a data folder, how, and what is said of it then.
type Harm = (fn(&Path), &'static str);

const HARM: [Harm; 11] = [
    (|_| (), "exit 0\nverified: "),
    (
        |data| {
            let module = law(data).join("instruments/eio/module.yaml");
            edit(&module, |text| text.replacen("36", "37", 1));
        },
        ": the policy bundle that the entry names was changed: it is ",
    ),
    (
        |data| fs::remove_file(law(data).join("vocabulary.yaml")).unwrap(),
        ": the policy bundle was changed: `vocabulary.yaml`: the file is missing; ",
    ),
    (
        |data| fs::remove_dir_all(data.join("bundles")).unwrap(),
        ": the policy bundle that the entry names is missing; ",
    ),
    (
        |data| flip(&item(data).join("00000001"), 20),
        "/00000001` (entry ",
    ),
    (
        |data| fs::remove_dir_all(item(data)).unwrap(),
        "/00000000` (entry ",
    ),
    (
        |data| {
            for card in fs::read_dir(data.join("evidence/kept")).unwrap() {
                edit(&card.unwrap().path(), |text| text.replace("mp4", "mp5"));
            }
        },
        ": tells of another item than the entry; evidence was changed outside the gateway",
    ),
    (
        |data| fs::remove_dir_all(data.join("evidence")).unwrap(),
        "is missing; evidence on record is gone\n",
    ),
    (
        |data| fs::remove_dir_all(data.join("evidence/items")).unwrap(),
        "is missing; evidence on record is gone; where it is kept elsewhere, name the ",
    ),
    (
        |data| edit(&data.join("evidence.key"), other_digit),
        "`evidence.key`: opens none of the items on record: 2; it is not the key that ",
    ),
    (
        |data| fs::remove_file(data.join("evidence.key")).unwrap(),
        "no item of evidence was opened: `evidence.key` is missing; ",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn law_and_evidence_that_were_changed_are_named() {
    let on = Delivered::start("intact").await;
    let (large, small, deleted) = (content(SEGMENT_BYTES + 99), content(99), content(9));
    let mut executing = on.executing().await;
    for content in [&large, &small, &deleted] {
        executing.send(on.upload(content, 0)).await.unwrap();
    }
    executing.delete(&on.name(&deleted)).await.unwrap();
    let left = on.scene.world.data();
    let verify = |data: &Path, more: &[&str]| {
        let data = ["audit", "verify", data.to_str().unwrap()];
        shown(&comity([&data, more].concat()))
    };
    let told = verify(&left, &[]);
    let checked = ", 1 policy bundles, 2 items of evidence\n";
    assert!(
        told.starts_with("exit 0") && told.contains(checked),
        "{told}"
    );
    on.scene.running.stop().await;

    let folder = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let data = folder.path().join("data");
    for (harm, expected) in HARM {
        copy(&left, &data);
        harm(&data);
        let told = verify(&data, &[]);
        assert!(told.contains(expected), "{expected}: {told}");
        let in_order = expected.starts_with("exit 0") || expected.starts_with("no item");
        assert_eq!(told.starts_with("exit 0\n"), in_order, "{told}");
        fs::remove_dir_all(&data).unwrap();
    }
    // Evidence that is elsewhere, or left out.
    copy(&left, &data);
    fs::remove_dir_all(data.join("evidence/items")).unwrap();
    let config = folder.path().join("comity.toml");
    let listen = "127.0.0.1:0".parse().unwrap();
    let written = on
        .scene
        .world
        .write_config(listen, &crate::world::policies());
    let written = fs::read_to_string(written.unwrap()).unwrap();
    let elsewhere = "[evidence]\nobject_store = \"s3://evidence/gateway\"\n";
    fs::write(&config, format!("{written}\n{elsewhere}")).unwrap();
    for (more, why) in [
        (&["--skip-evidence"][..], "as --skip-evidence says"),
        (
            &["--config", config.to_str().unwrap()],
            "it lies in the object store `s3://evidence/gateway`",
        ),
    ] {
        let told = verify(&data, more);
        assert!(
            told.starts_with("exit 0\n")
                && told.contains("evidence was not checked")
                && told.contains(why),
            "{told}"
        );
    }
}
