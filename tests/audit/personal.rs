//! Searching by personal values: by those entitled, for a purpose, on record, and with
//! nothing of the value anywhere but in sealed records.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Output, Stdio},
};

use comity::v1::{self, PersonRole, SelectorKind};
use comity_gateway::wire::json;
use comity_sandbox::stories::Story;
use prost::Message as _;
use rusqlite::Connection;

use super::{
    audit,
    erase::{erase, holds},
    gateway::{ask, options_of},
    of_each, snapshot,
};
use crate::{
    cli::{COMMAND, comity, shown},
    log::Log,
    world::{Scene, approvable, copy, story, violations},
};

const NAME: &str = "Zénobie Weiß-Kowalczyk";
const BORN: &str = "1980-02-01";
const PLATE: &str = "QX-777-ZJ";
/// Whatever of them could be searched for in a file, in any normal form.
const MARKS: [&str; 6] = [
    "Zénobie",
    "zénobie",
    "Kowalczyk",
    "kowalczyk",
    "QX-777",
    "qx777zj",
];

/// A request that is approved, answered at once, and names a person.
fn naming(run: &str) -> Story {
    let mut story = approvable(run);
    story.request.persons.push(v1::Person {
        role: PersonRole::Suspect.into(),
        name: NAME.to_owned(),
        date_of_birth: BORN.to_owned(),
        ..v1::Person::default()
    });
    story.request.selectors.push(v1::Selector {
        kind: SelectorKind::Plate.into(),
        value: PLATE.to_owned(),
        ..v1::Selector::default()
    });
    story
}

fn json_of(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", shown(output)))
}

/// Runs the command with lines for it to read.
fn comity_reads(arguments: &[&str], input: &str) -> Output {
    let mut running = Command::new(&*COMMAND)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    running.wait_with_output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_entitled_finds_a_person_and_leaves_no_word_of_it() {
    let log = Log::of_all();
    let scene = Scene::start(&["DE", "FR", "IE"]).await;
    let case = scene.tell(&naming("personal")).await.name;
    let trial = naming("personal-trial");
    let mut client = scene.issuing(trial.jurisdiction, trial.authority).await;
    let tried = v1::PreflightRequest {
        request: Some(trial.request),
        ..v1::PreflightRequest::default()
    };
    client.preflight(tried).await.unwrap();
    let bfdi = options_of(&scene, ["DE", "bfdi", "auditor"]);
    let search = |value: &[&str]| {
        let purpose = ["--purpose", "request for access 12/26"];
        ask(&bfdi, &[&["search"], value, &purpose].concat())
    };
    let kinds = |value: &[&str]| of_each(&json_of(&search(&[value, &["--json"]].concat())), "kind");

    let both = ["decision", "preflight"];
    assert_eq!(
        kinds(&["--person", "WEISS, Kowalczyk Ze\u{301}nobie"]),
        both
    );
    assert_eq!(kinds(&["--person", NAME, "--born", BORN]), both);
    assert_eq!(kinds(&["--plate", "qx 777 zj"]), both);
    assert_eq!(
        kinds(&["--plate", PLATE, "--kind", "preflight"]),
        ["preflight"]
    );
    for nothing in [
        ["--person", "Zenobie Weiss-Kowalczyk"].as_slice(),
        &["--person", "Kowalczyk"],
        &["--person", NAME, "--born", "1980-02-02"],
        &["--account", PLATE],
    ] {
        let none = search(nothing);
        assert_eq!(none.status.code(), Some(1), "{}", shown(&none));
    }
    let first = search(&["--plate", PLATE, "--page-size", "1"]);
    let text = String::from_utf8(first.stdout.clone()).unwrap();
    let token = text.split_once("--page-token ").unwrap().1.trim();
    let second = search(&["--plate", PLATE, "--page-token", token]);
    let other = search(&["--phone", "+4930123456", "--page-token", token]);
    let another = search(&["--plate", "QX-777-ZK", "--page-token", token]);

    // From standard input, also to somebody else, who must be named.
    let options: Vec<_> = bfdi.iter().map(String::as_str).collect();
    let read = [
        "audit",
        "search",
        "--person",
        "-",
        "--born",
        "-",
        "--purpose",
        "appeal",
    ];
    let to = ["--recipient", "court of appeal"];
    let input = format!("{NAME}\r\n{BORN}\n");
    let disclosed = comity_reads(&[read.as_slice(), &to, &options].concat(), &input);
    let told = [&first, &second, &other, &another, &disclosed];
    let told = told.map(shown).join("\n");
    snapshot(scene.folder(), "search_personal", &told);

    // Another State's matters are not its business; they are the asked State's.
    let of = |who: [&str; 3]| {
        let value = ["search", "--plate", PLATE, "--purpose", "complaint 7"];
        ask(&options_of(&scene, who), &value).status.code()
    };
    assert_eq!(of(["IE", "dpc", "auditor"]), Some(1));
    assert_eq!(of(["FR", "cnil", "auditor"]), Some(0));

    let data = scene.world.data();
    scene.running.stop().await;
    // What the gateway says of it, the files say.
    let by_files = audit(
        &data,
        &["search", "--person", NAME, "--case", &case, "--json"],
    );
    assert_eq!(of_each(&json_of(&by_files), "kind"), ["decision"]);
    let plate = ["search", "--plate", PLATE, "--page-size", "1", "--json"];
    let first = json_of(&audit(&data, &plate));
    let token = first["nextPageToken"].as_str().unwrap();
    let paged = |value| audit(&data, &["search", "--plate", value, "--page-token", token]);
    assert_eq!(paged(PLATE).status.code(), Some(0));
    let foreign = shown(&paged("QX-777-ZK"));
    assert!(foreign.contains("`page_token`"), "{foreign}");
    let reads = audit(
        &data,
        &["search", "--kind", "read", "--sort", "index desc", "--json"],
    );
    let reads: v1::SearchResponse =
        json::parse(&shown(&reads).replacen("exit 0\n", "", 1)).unwrap();
    let told: Vec<_> = reads
        .entries
        .iter()
        .map(|entry| accessed(&data, entry))
        .collect();
    assert_eq!(
        &told[..3],
        [
            "consultation, complaint 7, to ``, of plate: 2",
            "consultation, complaint 7, to ``, of plate: 0",
            "disclosure, appeal, to `court of appeal`, of name and date of birth: 2",
        ]
    );
    for mark in MARKS {
        assert_eq!(holds(&data, mark), None, "{mark}");
        let log = log.text();
        assert!(!log.contains(mark), "the log holds `{mark}`");
    }
    assert!(!log.text().is_empty(), "something was logged");
}

/// What the record of a reading says.
fn accessed(data: &Path, entry: &v1::LedgerEntry) -> String {
    let found = audit(data, &["show", &entry.index.to_string(), "--json"]);
    let text = String::from_utf8(found.stdout).unwrap();
    let found: v1::GetRecordResponse = json::parse(&text).unwrap();
    let v1::Access {
        category: _,
        call,
        purpose,
        recipient,
        subject,
        ordered_by: _,
        found,
    } = v1::Access::decode(found.record).unwrap();
    assert_eq!(call, "search-personal");
    let category = entry.category().as_str_name().to_lowercase();
    let category = category.trim_start_matches("access_category_");
    format!("{category}, {purpose}, to `{recipient}`, of {subject}: {found}")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_may_not_or_says_not_why_is_told_so_and_on_record() {
    let scene = Scene::start(&["DE", "FR"]).await;
    scene.tell(&naming("misuse")).await;
    let [bfdi, eu, prosecutor, clerk] = [
        ["DE", "bfdi", "auditor"],
        ["EU", "auditor", "auditor"],
        ["DE", "sta-berlin", "auditor"],
        ["DE", "bfdi", "legal"],
    ]
    .map(|who| options_of(&scene, who));
    let value = ["search", "--person", NAME];
    let why = ["--purpose", "complaint 7"];
    let with = |value: &[&str]| ask(&bfdi, &[&["search"], value, &why].concat());
    let told = [
        ask(&bfdi, &value),
        ask(&eu, &[value.as_slice(), &why].concat()),
        ask(&prosecutor, &[value.as_slice(), &why].concat()),
        ask(&clerk, &[value.as_slice(), &why].concat()),
    ];
    let told = told.into_iter().chain([
        with(&["--person", " - "]),
        with(&["--person", NAME, "--born", "1.2.1980"]),
        with(&["--iban", "FR7630006000011234567890188"]),
        with(&["--phone", "0301 7654321"]),
        with(&["--plate", PLATE, "--born", BORN]),
        with(&["--plate", PLATE, "--person", NAME]),
        comity_reads(&["audit", "search", "--person", "-"], ""),
    ]);
    let told: Vec<_> = told.map(|output| shown(&output)).collect();
    for text in &told {
        let repeats = ["0188", "7654321", "Weiß"]
            .iter()
            .any(|one| text.contains(one));
        assert!(text.starts_with("exit 2\n") && !repeats, "{text}");
    }
    snapshot(scene.folder(), "search_personal_misuse", &told.join("\n"));

    // Nor does any one request fill the index.
    let mut many = naming("many");
    // Each name in four forms, with and without the day.
    let person = |number| v1::Person {
        role: PersonRole::Suspect.into(),
        name: format!("Al-Hassan O'Neill {number}"),
        date_of_birth: BORN.to_owned(),
        ..v1::Person::default()
    };
    many.request.persons = (0..256).map(person).collect();
    let mut client = scene.issuing(many.jurisdiction, many.authority).await;
    let tried = v1::PreflightRequest {
        request: Some(many.request),
        ..v1::PreflightRequest::default()
    };
    let refused = client.preflight(tried).await.unwrap_err();
    assert!(
        violations(&refused)["request"].contains("2,000"),
        "{refused:?}"
    );

    let data = scene.world.data();
    let database = Connection::open(data.join("comity.db")).unwrap();
    database.execute("DELETE FROM blind", []).unwrap();
    drop(database);
    let failed = shown(&with(&["--person", NAME]));
    assert!(failed.contains("is not complete"), "{failed}");
    scene.running.stop().await;
    let count = |kind| {
        let found = audit(&data, &["search", "--kind", kind, "--json"]);
        of_each(&json_of(&found), "kind").len()
    };
    // No purpose, and what no search can be for; the last three never left the command.
    assert_eq!([count("unauthorised"), count("malformed")], [3, 7]);
    // The search that failed, and no other.
    let read = audit(&data, &["search", "--kind", "read", "--json"]);
    let read = of_each(&json_of(&read), "index");
    assert_eq!(read.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_erased_is_found_nowhere_and_an_index_that_was_lost_is_made_again() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let erased = scene.tell(&naming("gone")).await.name;
    let mut other = naming("stays");
    other.request.persons[0].name = "Anna Anders".to_owned();
    scene.tell(&other).await;
    let open = story("open", "House search, form in English only");
    scene.tell(&open).await;
    let data = scene.world.data();
    let copies = scene.folder().join("copies");
    copy(&data, &copies.join("in-use"));
    scene.running.stop().await;
    copy(&data, &copies.join("stopped"));
    let find = |folder: &Path, value: &[&str]| audit(folder, &[&["search"], value].concat());
    let code = |value: &[&str]| find(&data, value).status.code();
    assert_eq!(code(&["--person", NAME]), Some(0));

    let output = erase(&data, &erased, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", shown(&output));
    assert_eq!(code(&["--person", NAME]), Some(1));
    assert_eq!(code(&["--person", "anders anna"]), Some(0));
    assert_eq!(
        code(&["--plate", PLATE]),
        Some(0),
        "the other case has it too"
    );
    assert_eq!(audit(&data, &["verify"]).status.code(), Some(0));
    for mark in MARKS {
        assert_eq!(holds(&data, mark), None, "{mark}");
        assert_eq!(holds(&copies, mark), None, "{mark}");
    }
    // With the key that is left no copy answers, neither of records nor of guesses.
    let mut told = Vec::new();
    for name in ["in-use", "stopped"] {
        let folder = copies.join(name);
        fs::copy(data.join("vault.key"), folder.join("vault.key")).unwrap();
        told.push(find(&folder, &["--person", NAME]));
    }

    let database = Connection::open(data.join("comity.db")).unwrap();
    database.execute("DELETE FROM blind", []).unwrap();
    drop(database);
    assert_eq!(
        code(&["--person", "Anna Anders"]),
        Some(2),
        "nothing is said where the index was changed"
    );
    told.push(audit(&data, &["reindex"]));
    assert_eq!(code(&["--person", "Anna Anders"]), Some(0));
    told.push(audit(&data, &["reindex"]));
    told.push(audit(&data, &["reindex", "--json"]));
    told.push(comity(["audit", "reindex", "--data", "no-such-folder"]));
    let told: Vec<_> = told.iter().map(shown).collect();
    snapshot(
        scene.world.data().parent().unwrap(),
        "reindex",
        &told.join("\n"),
    );
}
