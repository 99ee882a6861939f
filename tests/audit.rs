//! What auditors do: search, show, prove, count and make decisions again, from the
//! files alone or by asking the gateway.

mod altered;
pub(crate) mod backup;
mod bundle;
mod by_shell;
mod disclose;
mod due;
pub(crate) mod erase;
pub(crate) mod foreign;
pub(crate) mod gateway;
pub(crate) mod hold;
mod personal;
mod prune;
mod shown;
mod token;
mod zip;

use std::{collections::BTreeMap, fs, path::Path, process::Output};

use comity_sandbox::register::Register;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    cli::{comity, shown, stable},
    world::{Scene, copy, stories},
};

/// What a gateway left behind that heard every story, and who told which case.
struct Left {
    data: TempDir,
    /// Names of cases by the title of their story.
    cases: BTreeMap<&'static str, String>,
}

/// The data folder of a gateway that heard every story.
async fn left_behind() -> Left {
    let scene = Scene::start(&Register::jurisdictions()).await;
    let cases = tell_all(&scene).await;
    let data = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let left = scene.world.data();
    scene.running.stop().await;
    copy(&left, data.path());
    Left { data, cases }
}

/// Tells every story whose backend is there, and answers the names of the cases.
async fn tell_all(scene: &Scene) -> BTreeMap<&'static str, String> {
    let mut cases = BTreeMap::new();
    for story in stories("audit") {
        if !story.backend_down {
            cases.insert(story.title, scene.tell(&story).await.name);
        }
    }
    cases
}

impl Left {
    fn path(&self) -> &Path {
        self.data.path()
    }

    /// Runs `comity audit` on the folder.
    fn audit(&self, arguments: &[&str]) -> Output {
        audit(self.path(), arguments)
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.audit(&[arguments, &["--json"]].concat());
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(&output)))
    }

    fn case(&self, title: &str) -> &str {
        &self.cases[title]
    }
}

fn audit(data: &Path, arguments: &[&str]) -> Output {
    let data = ["--data", data.to_str().unwrap()];
    comity([&["audit"], arguments, &data].concat())
}

/// The values of a field in a page of entries.
fn of_each(page: &Value, field: &str) -> Vec<String> {
    let entries = page["entries"].as_array().cloned().unwrap_or_default();
    let value = |entry: &Value| entry[field].as_str().unwrap_or_default().to_owned();
    entries.iter().map(value).collect()
}

/// Snapshots without what differs from run to run, or from one library of law to
/// the next.
fn snapshot(folder: &Path, name: &str, text: &str) {
    let mut settings = stable(folder);
    for (what, instead) in [
        (r"[A-Za-z0-9+/]{60,}={0,2}", "[base64]"),
        (r"(?m)^[A-Za-z0-9+/]{43}=$", "[hash]"),
        // With the blanks up to the width of a longer one.
        (r"\d+\.\d{3} s( ?) *", "[seconds]$1"),
        (r"--page-token \S+", "--page-token [token]"),
        (r"\d+ files", "[count] files"),
        (r"files, \d+ bytes", "files, [count] bytes"),
        (r"\.part-\w+", ".part-[some]"),
        (r"of \d+ entries", "of [count] entries"),
        (r"entry \d+", "entry [index]"),
        (r"entries \d+(, \d+)*", "entries [indexes]"),
        (r"record( +)\d+ bytes", "record$1[count] bytes"),
        (r"key: \S+", "key: [key]"),
        // The width of a table is that of its longest value.
        ("─{5,}", "─────"),
        ("═{5,}", "═════"),
        (" {2,}", "  "),
    ] {
        settings.add_filter(what, instead);
    }
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_are_searched_sorted_and_paged_from_the_files() {
    let left = left_behind().await;
    let search = |arguments: &[&str]| left.json(&[&["search"], arguments].concat());

    let refused = search(&["--outcome", "refused"]);
    let outcomes = of_each(&refused, "outcome");
    assert!(!outcomes.is_empty() && outcomes.iter().all(|one| one == "REFUSED"));
    let mail = left.case("Mailbox at a provider, produced directly");
    let of_case = search(&["--case", mail]);
    assert_eq!(of_each(&of_case, "kind"), ["decision", "concluded"]);
    assert_eq!(of_each(&of_case, "instrument"), ["epoc", ""]);
    let pair = search(&["--issuing", "DE", "--executing", "IE", "--kind", "decision"]);
    assert_eq!(of_each(&pair, "executing"), ["IE", "IE", "IE"]);
    assert_eq!(search(&["--until", "2020-01-01"]), serde_json::json!({}));
    let start = search(&["--since", "2020-01-01", "--kind", "start"]);
    assert_eq!(of_each(&start, "actor"), ["gateway"]);

    // Page by page it is the same list, whatever the order.
    for sort in [
        "index",
        "index desc",
        "executing",
        "outcome desc",
        "at desc",
        "actor",
    ] {
        let whole = search(&["--sort", sort, "--page-size", "500"]);
        assert_eq!(whole["nextPageToken"], Value::Null);
        let (mut pages, mut token) = (Vec::new(), String::new());
        loop {
            let page = search(&["--sort", sort, "--page-size", "4", "--page-token", &token]);
            pages.extend(of_each(&page, "index"));
            match page["nextPageToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!(pages, of_each(&whole, "index"), "{sort}");
        let keys = of_each(&whole, sort.split(' ').next().unwrap());
        let sorted = match sort {
            "index" | "index desc" => true,
            sort if sort.ends_with("desc") => keys.is_sorted_by(|a, b| a >= b),
            _ => keys.is_sorted(),
        };
        assert!(sorted, "{sort}: {keys:?}");
    }

    let table = left.audit(&["search", "--executing", "FR", "--page-size", "3"]);
    snapshot(left.path(), "search", &shown(&table));
    let none = left.audit(&["search", "--kind", "order-lifted"]);
    assert_eq!(shown(&none), "exit 1\nno entry\n");
    for (option, value, expected) in [
        ("outcome", "REFUSD", "REFUSED; did you mean `REFUSED`?"),
        ("kind", "decison", "; did you mean `decision`?"),
        ("state", "APPROVD", "; did you mean `APPROVED`?"),
        ("category", "disclosur", "; did you mean `disclosure`?"),
        (
            "since",
            "2026-13-01",
            "expected a day such as `2026-01-31` or a moment",
        ),
        ("case", "cases/1", "expected `cases/<id>`"),
        ("sort", "foo", "expected one of index, at, "),
    ] {
        let told = shown(&left.audit(&["search", &format!("--{option}"), value]));
        let by = format!("exit 2\nerror: --{option}: expected ");
        assert!(told.starts_with(&by) && told.contains(expected), "{told}");
    }
    for (option, value, expected) in [
        (
            "--instrument",
            "eoi",
            "no entry names `eoi` as the instrument; entries name: ",
        ),
        (
            "--issuing",
            "XX",
            "no entry names `XX` as the asking State; entries name: ",
        ),
    ] {
        let told = shown(&left.audit(&["search", option, value]));
        assert!(
            told.starts_with("exit 1\nno entry\n") && told.contains(expected),
            "{told}"
        );
    }
    let backwards = ["stats", "--from", "2026-12-31", "--until", "2026-01-01"];
    assert_eq!(
        shown(&left.audit(&backwards)),
        "exit 2\nerror: --until 2026-01-01 is before --from 2026-12-31\n"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_and_cases_are_shown_with_their_records() {
    let left = left_behind().await;
    let case = left.case("House search, form in English only");
    let index = of_each(&left.json(&["search", "--case", case]), "index").remove(0);
    let found = left.json(&["show", &index]);
    assert_eq!(found["entry"]["case"], case);
    assert_eq!(found["salt"].as_str().unwrap().len(), 44);
    let whole = left.json(&["show", case]);
    assert_eq!(whole["name"], case);
    assert_eq!(whole["decision"]["outcome"], "OUTCOME_INCOMPLETE");
    assert_eq!(whole["request"]["measure"], "search.premises");
    assert_eq!(whole["events"][0]["ledgerIndex"], *index);

    let entry = left.audit(&["show", &index]);
    let whole = left.audit(&["show", case]);
    let start = left.audit(&["show", "0"]);
    let text = [entry, whole, start]
        .map(|output| shown(&output))
        .join("\n");
    snapshot(left.path(), "show", &text);

    let missing = left.audit(&["show", "999"]);
    assert_eq!(shown(&missing), "exit 1\nthere is no entry 999\n");
    let none = left.audit(&["show", "cases/00000000-0000-4000-8000-000000000000"]);
    assert_eq!(none.status.code(), Some(1), "{}", shown(&none));
    let misuse = left.audit(&["show", "seven"]);
    assert_eq!(misuse.status.code(), Some(2), "{}", shown(&misuse));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_kept_and_checked_without_the_ledger() {
    let left = left_behind().await;
    let case = left.case("Mailbox at a provider, produced directly");
    let key = left.path().join("ledger/verifier");
    let key = key.to_str().unwrap();
    let file = left.path().join("case.tlog-proof");
    let file = file.to_str().unwrap();

    let printed = left.audit(&["prove", case]);
    snapshot(left.path(), "prove", &shown(&printed));
    let written = left.audit(&["prove", case, "--out", file]);
    assert_eq!(shown(&written), "exit 0\n");
    assert_eq!(fs::read(file).unwrap(), printed.stdout);
    let verify = |key: &[&str]| shown(&comity([&["audit", "verify", file], key].concat()));
    snapshot(left.path(), "prove_verified", &verify(&["--key", key]));
    let text = verify(&[]);
    assert!(
        text.starts_with("exit 2\n") && text.contains("--key"),
        "{text}"
    );
    let other = "other.example/log+c2d1e6d5+AcK/ppHHVwE2KPCQ5J3YgEXVnTGlvnEZNxmxqPkv4Jlr";
    assert!(!verify(&["--key", other]).starts_with("exit 0"));

    let changed = fs::read_to_string(file).unwrap();
    let changed = changed.replacen("\nindex ", "\nindex 1", 1);
    fs::write(file, changed).unwrap();
    let text = verify(&["--key", key]);
    assert!(text.starts_with("exit 1\nNOT VERIFIED\n"), "{text}");

    let proved = left.json(&["prove", "1"]);
    assert_eq!(proved["receipt"]["index"], "1");
    assert!(
        proved["tlogProof"]
            .as_str()
            .unwrap()
            .starts_with("c2sp.org/tlog-proof@v1\nextra ")
    );
    let beyond = left.audit(&["prove", "999"]);
    assert_eq!(shown(&beyond), "exit 1\nthere is no entry 999\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn statistics_are_counted_from_the_ledger_alone() {
    let left = left_behind().await;
    let counted = left.audit(&["stats"]);
    snapshot(left.path(), "stats", &shown(&counted));
    let json = |more: &[&str]| left.audit(&[&["stats", "--json"], more].concat()).stdout;
    // The same period, the same bytes.
    let whole = json(&["--from", "2000-01-01", "--until", "2100-12-31"]);
    assert_eq!(
        whole,
        json(&["--from", "2000-01-01", "--until", "2100-12-31"])
    );
    let counts: Value = serde_json::from_slice(&whole).unwrap();
    let row = |series: &str| {
        let rows = counts["rows"].as_array().unwrap();
        rows.iter()
            .find(|row| row["series"] == series)
            .cloned()
            .unwrap()
    };
    assert_eq!(row("a")["order"], "EPOC");
    assert_eq!(row("c")["result"], "fulfilled");
    assert_eq!(row("d")["result"], "notified");
    assert!(row("e")["mean"].is_string());
    let series = counts["series"].as_array().unwrap();
    let letters: String = series
        .iter()
        .map(|one| one["series"].as_str().unwrap())
        .collect();
    assert_eq!(letters, "abcdefghij");
    let before: Value = serde_json::from_slice(&json(&["--until", "2020-12-31"])).unwrap();
    assert_eq!(before["rows"], Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_are_made_again_to_the_byte() {
    let left = left_behind().await;
    let count = left.cases.len();
    let output = left.audit(&["rerun", "--since", "2000-01-01"]);
    snapshot(left.path(), "rerun", &shown(&output));
    let summary = left.json(&["rerun"])["summary"].take();
    assert_eq!(summary["asOnRecord"], count);
    assert_eq!(summary["decisions"], count);

    // A case that was erased.
    let erased = left.case("Mailbox at a provider, produced directly");
    let order = ["--by", "registry", "--reason", "retention ended"];
    let output = left.audit(&[&["erase", erased], order.as_slice()].concat());
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    // A decision that the law of its day does not make.
    let case = left.case("House search, form in English only");
    let database = Connection::open(left.path().join("comity.db")).unwrap();
    alter_record(&left, &database, case, |record| {
        let place = record.windows(4).rposition(|text| text == b"fr-d").unwrap();
        record[place + 3] = b'x';
    });
    drop(database);
    let output = left.audit(&["rerun"]);
    snapshot(left.path(), "rerun_otherwise", &shown(&output));
    let shown_case = left.audit(&["show", erased]);
    assert_eq!(shown_case.status.code(), Some(0), "{}", shown(&shown_case));

    // The law of its day was changed; then it is gone.
    let bundles = left.path().join("bundles");
    let bundle = fs::read_dir(&bundles).unwrap().next().unwrap().unwrap();
    let module = bundle.path().join("instruments/eio/module.yaml");
    let text = fs::read_to_string(&module).unwrap();
    fs::write(&module, text.replacen("36", "37", 1)).unwrap();
    let changed = left.audit(&["rerun"]);
    fs::remove_dir_all(bundles).unwrap();
    let gone = left.audit(&["rerun"]);
    for (output, why) in [
        (changed, "is kept but was changed: it is "),
        (gone, "is not kept"),
    ] {
        let text = shown(&output);
        let told = format!("\n  {} not made again: policy bundle ", count - 1);
        assert!(
            text.starts_with("exit 1\n") && text.contains(&told),
            "{text}"
        );
        // Said once, for all of them.
        assert_eq!(text.matches(why).count(), 1, "{text}");
    }
}

/// Changes the record of a case's first entry, as only somebody with the store's
/// key can.
fn alter_record(left: &Left, database: &Connection, case: &str, change: impl Fn(&mut Vec<u8>)) {
    let (index, wrapped, sealed): (i64, Vec<u8>, Vec<u8>) = database
        .query_row(
            "SELECT idx, key, sealed FROM entry WHERE case_id = ? ORDER BY idx LIMIT 1",
            [case.trim_start_matches("cases/")],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .unwrap();
    let file = fs::read_to_string(left.path().join("vault.key")).unwrap();
    let (_, secret) = file.trim_end().split_once(' ').unwrap();
    let digit = |at: usize| u8::from_str_radix(&secret[2 * at..2 * at + 2], 16).unwrap();
    let secret: Vec<u8> = (0..32).map(digit).collect();
    // Four bytes name the generation of the key.
    let key = aead(&secret, b"comity wrapped 1", &wrapped[4..]);
    let mut record = aead(&key, b"comity record v1", &sealed);
    change(&mut record);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let nonce = [7; NONCE_LEN];
    let place = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(place, Aad::from(b"comity record v1"), &mut record)
        .unwrap();
    let sealed = [nonce.as_slice(), &record].concat();
    let update = "UPDATE entry SET sealed = ? WHERE idx = ?";
    assert_eq!(database.execute(update, (sealed, index)).unwrap(), 1);
}

/// Opens what the store sealed.
fn aead(key: &[u8], what: &[u8; 16], sealed: &[u8]) -> Vec<u8> {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>().unwrap();
    let mut opened = rest.to_vec();
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = key.open_in_place(nonce, Aad::from(what), &mut opened);
    opened.unwrap().to_vec()
}
