//! The ledger checked by implementations that are not ours: one in Python, with
//! its standard library alone, and where Go and its `golang.org/x/mod/sumdb` are
//! there, one on that. They believe what we believe, and nothing else.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use comity_ledger::{
    Key, Leaf, MlDsaKey, PRUNING, Pruned, Publisher, Receipt, VerifierKey, prove,
    published_entries, verify,
};
use jiff::Timestamp;
use tempfile::TempDir;

use super::left_behind;
use crate::world::copy;

/// Where Debian keeps Go packages.
const GO_PACKAGES: &str = "/usr/share/gocode";

/// A verifier at work: asked line by line.
pub(super) struct Foreign {
    name: &'static str,
    child: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Foreign {
    fn start(name: &'static str, mut command: Command, key: &VerifierKey) -> Self {
        let mut child = command
            .arg(key.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            name,
            questions: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// The one in Python.
    pub(super) fn python(key: &VerifierKey) -> Self {
        let python =
            env::var_os("COMITY_PYTHON").expect("run `cargo xtask test`, which prepares Python");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = Command::new(python);
        command.arg(root.join("tests/python/ledger.py"));
        Self::start("python", command, key)
    }

    /// Those that can be had here.
    fn all(key: &VerifierKey) -> Vec<Self> {
        let mut all = vec![Self::python(key)];
        all.extend(
            go_program("ledger").map(|program| Self::start("go", Command::new(program), key)),
        );
        all
    }

    pub(super) fn ask(&mut self, question: &str, place: &Path) -> String {
        self.put(question, place);
        self.answer()
    }

    fn put(&mut self, question: &str, place: &Path) {
        writeln!(self.questions, "{question} {}", place.display()).unwrap();
    }

    fn answer(&mut self) -> String {
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "{} ended", self.name);
        answer.trim_end().to_owned()
    }
}

impl Drop for Foreign {
    fn drop(&mut self) {
        // It ends with its input; killed, it ends for certain.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program in Go of `tests/go`, where it can be built.
pub(crate) fn go_program(name: &str) -> Option<PathBuf> {
    let packages = Path::new(GO_PACKAGES).join("src/golang.org/x/mod/sumdb/tlog");
    let version = Command::new("go").arg("version").output();
    if !packages.is_dir() || !version.is_ok_and(|output| output.status.success()) {
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("go");
    fs::create_dir_all(&target).unwrap();
    // Tests of several processes may build at once.
    let program = target.join(format!("{name}-{}", std::process::id()));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/go/{name}.go"));
    let built = Command::new("go")
        .args(["build", "-o"])
        .args([&program, &source])
        .env("GO111MODULE", "off")
        .env("GOPATH", GO_PACKAGES)
        .env("GOCACHE", target.join("cache"))
        .output()
        .unwrap();
    assert!(
        built.status.success(),
        "{}",
        String::from_utf8_lossy(&built.stderr)
    );
    Some(program)
}

#[tokio::test(flavor = "multi_thread")]
async fn others_believe_the_ledger_and_its_proofs_and_find_a_flipped_byte() {
    let left = left_behind().await;
    let ledger = left.path().join("ledger");
    let key = comity_ledger::verifier_beside(&ledger).unwrap();
    let size = verify(&ledger, &key).unwrap().size;
    let mut others = Foreign::all(&key);
    let proof_file = left.path().join("one.tlog-proof");
    for other in &mut others {
        assert_eq!(
            other.ask("ledger", &ledger),
            format!("ok {size}"),
            "{}",
            other.name
        );
    }
    let leaves = published_entries(&ledger, 0, size).unwrap().unwrap();
    for (index, leaf) in (0..).zip(leaves) {
        let proof = prove(&ledger, index).unwrap().unwrap();
        let text = Receipt { leaf, proof }.to_text();
        fs::write(&proof_file, &text).unwrap();
        let other_index = text.replacen(&format!("index {index}"), "index 1000", 1);
        for other in &mut others {
            assert_eq!(
                other.ask("proof", &proof_file),
                format!("ok {index}"),
                "{}",
                other.name
            );
        }
        fs::write(&proof_file, other_index).unwrap();
        for other in &mut others {
            assert!(
                other.ask("proof", &proof_file).starts_with("flaw "),
                "{}",
                other.name
            );
        }
    }
    let bundle = fs::read_dir(ledger.join("tile/entries/000.p")).unwrap();
    let bundle = bundle.map(|file| file.unwrap().path()).max().unwrap();
    let mut bytes = fs::read(&bundle).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&bundle, bytes).unwrap();
    for other in &mut others {
        assert!(
            other.ask("ledger", &ledger).starts_with("flaw "),
            "{}",
            other.name
        );
    }
}

/// A ledger of a few short entries, signed twice.
fn small(key: &Key, entries: &[&str]) -> TempDir {
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut publisher = Publisher::open(dir.path(), key.clone(), None).unwrap();
    for (count, entry) in (1..).zip(entries) {
        publisher.append(entry.as_bytes()).unwrap();
        if count == 2 || count == entries.len() {
            publisher.sign().unwrap();
        }
    }
    dir
}

/// A second signature, of a kind that they do not know, is nothing to them.
#[test]
fn others_believe_a_ledger_that_is_signed_with_ml_dsa_too() {
    let key = Key::from_seed("log.example", [5; 32]).unwrap();
    let second = MlDsaKey::from_seed("log.example", [6; 32]).unwrap();
    let key = key.with_second(second).unwrap();
    let dir = small(&key, &["first", "second", "third"]);
    assert!(dir.path().join("verifier-ml-dsa-44").exists());
    let proof = prove(dir.path(), 1).unwrap().unwrap();
    let leaf = b"second".to_vec();
    let proof_file = dir.path().with_extension("tlog-proof");
    fs::write(&proof_file, Receipt { leaf, proof }.to_text()).unwrap();
    for other in &mut Foreign::all(key.verifier()) {
        assert_eq!(other.ask("ledger", dir.path()), "ok 3", "{}", other.name);
        assert_eq!(other.ask("proof", &proof_file), "ok 1", "{}", other.name);
    }
    fs::remove_file(proof_file).unwrap();
}

/// What is pruned they miss only where no entry says so.
#[test]
fn others_believe_a_ledger_whose_oldest_entries_were_pruned() {
    let key = Key::from_seed("log.example", [5; 32]).unwrap();
    let dir = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut publisher = Publisher::open(dir.path(), key.clone(), None).unwrap();
    for index in 0..600 {
        publisher
            .append(format!("entry {index}").as_bytes())
            .unwrap();
    }
    publisher.sign().unwrap();
    let mut leaf = Leaf::new(Timestamp::UNIX_EPOCH, PRUNING, "gateway");
    leaf.prunes = Some(512);
    let pruned = Pruned::by(600, &leaf).unwrap();
    let sealed = leaf.seal(b"by order", &[7; 32]).unwrap();
    publisher.append(&sealed.leaf_bytes).unwrap();
    publisher.sign().unwrap();
    publisher.prune(&pruned).unwrap();
    let bundle = dir.path().join("tile/entries/001");
    assert!(!bundle.exists());
    let tile = dir.path().join("tile/0/001");
    let hashes = fs::read(&tile).unwrap();
    let mut others = Foreign::all(key.verifier());
    let mut all = |expected: &str| {
        for other in &mut others {
            let answer = other.ask("ledger", dir.path());
            assert!(answer.starts_with(expected), "{}: {answer}", other.name);
        }
    };
    all("ok 601");
    // Hashes of pruned entries are as signed, as all others are.
    let mut changed = hashes.clone();
    changed[40] ^= 1;
    fs::write(&tile, changed).unwrap();
    all("flaw ");
    fs::write(&tile, hashes).unwrap();
    all("ok 601");
    // Nothing below is missing where the entry is not there.
    let forked = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let mut publisher = Publisher::open(forked.path(), key.clone(), None).unwrap();
    for index in 0..600 {
        publisher
            .append(format!("entry {index}").as_bytes())
            .unwrap();
    }
    publisher.sign().unwrap();
    fs::remove_file(forked.path().join("tile/entries/001")).unwrap();
    for other in &mut others {
        let answer = other.ask("ledger", forked.path());
        assert!(answer.starts_with("flaw "), "{}: {answer}", other.name);
    }
}

/// Every file of a ledger, by its path.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Verifiers that must be of one mind about one ledger.
struct Bench {
    dir: TempDir,
    key: VerifierKey,
    others: Vec<Foreign>,
    tried: usize,
}

impl Bench {
    fn new(key: &Key, entries: &[&str]) -> Self {
        let key_text = key.verifier().clone();
        Self {
            dir: small(key, entries),
            others: Foreign::all(&key_text),
            key: key_text,
            tried: 0,
        }
    }

    /// Asks all of them. They must agree, and be right.
    fn expect(&mut self, believed: bool, what: &str) {
        self.tried += 1;
        // All at work at once.
        for other in &mut self.others {
            other.put("ledger", self.dir.path());
        }
        let ours = verify(self.dir.path(), &self.key);
        assert_eq!(ours.is_ok(), believed, "ours, {what}: {ours:?}");
        for other in &mut self.others {
            let answer = other.answer();
            assert_eq!(
                answer.starts_with("ok "),
                believed,
                "{}, {what}: {answer}",
                other.name
            );
        }
    }

    /// Puts other bytes in a file, asks, and puts the file back.
    fn disbelieved(&mut self, file: &Path, bytes: &[u8], what: &str) {
        let whole = fs::read(file).unwrap();
        if bytes != whole {
            fs::write(file, bytes).unwrap();
            self.expect(false, &format!("{}: {what}", file.display()));
            fs::write(file, whole).unwrap();
        }
    }
}

#[test]
fn all_verifiers_agree_on_every_mutation_of_a_small_ledger() {
    let key = Key::from_seed("small.example/log", [7; 32]).unwrap();
    let mut bench = Bench::new(&key, &["a", "bc", "d"]);
    bench.expect(true, "as published");
    let forked = small(&key, &["a", "bc", "e"]);
    let stranger = Key::from_seed("small.example/log", [8; 32]).unwrap();
    let strange = small(&stranger, &["a", "bc", "d"]);
    let root = bench.dir.path().to_owned();
    for file in files(&root) {
        let whole = fs::read(&file).unwrap();
        // Of signed texts a bit of each byte, of all else every one.
        let signed = whole.ends_with(b"=\n") && !file.ends_with("verifier");
        let bits = (0..whole.len() * 8).filter(|bit| !signed || bit % 8 == bit / 8 % 8);
        for bit in bits {
            let mut changed = whole.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            bench.disbelieved(&file, &changed, &format!("bit {bit} flipped"));
        }
        for length in 0..whole.len() {
            bench.disbelieved(&file, &whole[..length], &format!("cut to {length}"));
        }
        let mut longer = whole.clone();
        longer.push(b'\n');
        bench.disbelieved(&file, &longer, "one byte longer");
        // From a ledger that forked, and from one of another key.
        let place = file.strip_prefix(&root).unwrap();
        for other in [forked.path(), strange.path()] {
            let spliced = fs::read(other.join(place)).unwrap();
            bench.disbelieved(&file, &spliced, "spliced");
        }
    }
    // Entries and hashes in another order.
    let bundle = root.join("tile/entries/000.p/3");
    bench.disbelieved(&bundle, b"\0\x02bc\0\x01a\0\x01d", "reordered");
    bench.disbelieved(&bundle, b"\0\x01a\0\x01d\0\x02bc", "reordered");
    bench.disbelieved(&bundle, b"\0\x01a\0\x02bc\0\x01d\0\x01x", "one more entry");
    let tile = root.join("tile/0/000.p/3");
    let hashes = fs::read(&tile).unwrap();
    let swapped = [&hashes[32..64], &hashes[..32], &hashes[64..]].concat();
    bench.disbelieved(&tile, &swapped, "reordered");
    // An older checkpoint in place of the newest, and a kept one of another size.
    let older = fs::read(root.join("checkpoints/2")).unwrap();
    bench.disbelieved(&root.join("checkpoint"), &older, "rolled back");
    bench.disbelieved(&root.join("checkpoints/3"), &older, "another size");
    // The whole of a fork with the checkpoint of before it.
    let kept = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    copy(&root, kept.path());
    for part in ["tile", "checkpoint", "checkpoints/3"] {
        let place = root.join(part);
        if place.is_dir() {
            fs::remove_dir_all(&place).unwrap();
            copy(&forked.path().join(part), &place);
        } else {
            fs::copy(forked.path().join(part), &place).unwrap();
        }
    }
    // A fork after the second entry agrees with all that is kept.
    bench.expect(true, "a fork with its own history");
    fs::copy(
        kept.path().join("checkpoints/3"),
        root.join("checkpoints/3"),
    )
    .unwrap();
    bench.expect(false, "a fork with the history of before");
    assert!(bench.tried > 3000, "{}", bench.tried);
}
