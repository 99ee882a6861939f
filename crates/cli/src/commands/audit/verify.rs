//! `comity audit verify`: whatever proves itself, checked offline.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    str::FromStr,
};

use clap::Args;
use comity_evidence::Place;
use comity_gateway::{offline, visible::one_line};
use comity_ledger::{
    Checkpoint, Disclosure, Flaw, KeyError, Leaf, MlDsaVerifier, Policy, Pruned, Receipt, Roots,
    Token, VerifierKey, is_disclosure, is_receipt, read_regular_text, verifier_beside,
    verify_timestamp_under,
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    GIVEN_BYTES_MAX, beside,
    bundle::{self, Unread},
    cosigned::{self, Told, read_policy},
    denied::unless_denied,
    disclose, seconded,
    timestamped::{self, read_roots},
    zipped,
};
use crate::{
    commands::folder::{Folder, Found},
    exit::{Exit, Failure},
    progress::Progress,
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Case bundle (folder or zip file), proof, fields of a record, published ledger or data
    /// folder
    #[arg(conflicts_with = "data")]
    path: Option<PathBuf>,
    #[command(flatten)]
    folder: Folder,
    /// Verifier key known from elsewhere, or a file with it; without it, the one
    /// beside the ledger
    #[arg(long, value_parser = read_key::<VerifierKey>)]
    key: Option<VerifierKey>,
    /// File with a C2SP tlog-policy: which witnesses must have cosigned; without it, the
    /// one beside the ledger is shown and need not be met
    #[arg(long, value_parser = read_policy, value_name = "FILE")]
    policy: Option<Policy>,
    /// File with root certificates, in PEM, of the authorities that must have timestamped
    /// it; without it, those beside the ledger are used and there need be no timestamp
    #[arg(long, value_parser = read_roots, value_name = "FILE")]
    authorities: Option<Roots>,
    /// Second verifier key known from elsewhere, ML-DSA-44, or a file with it, by which the
    /// checkpoint must be signed; without it, the one beside the ledger is used, if any
    #[arg(long, value_parser = read_key::<MlDsaVerifier>, value_name = "KEY")]
    ml_dsa_key: Option<MlDsaVerifier>,
    /// Of a data folder leave evidence unread, which may take long; all else is verified
    #[arg(long)]
    skip_evidence: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// The published ledger in a data folder.
const LEDGER: &str = "ledger";

/// What was found in order: lines for people, a value for machines.
pub(super) struct Verified(Vec<String>, pub(super) Value);

/// What whoever verifies knows from elsewhere.
#[derive(Clone, Copy)]
struct Known<'a> {
    key: Option<&'a VerifierKey>,
    policy: Option<&'a Policy>,
    authorities: Option<&'a Roots>,
    second: Option<&'a MlDsaVerifier>,
}

impl Verified {
    /// The lines as people read them: names in them are others' words.
    pub(super) fn text(&self) -> String {
        let lines: Vec<_> = self.0.iter().map(|line| one_line(line)).collect();
        lines.join("\n  ")
    }

    /// Adds what others say of it, before the key.
    fn with(mut self, name: &str, told: Option<Told>) -> Self {
        if let Some(Told(line, value)) = told {
            let Self(lines, all) = &mut self;
            let place = lines.iter().rposition(|line| line.starts_with("key "));
            lines.insert(place.unwrap_or(lines.len()), line);
            if let Some(all) = all.as_object_mut() {
                all.insert(name.to_owned(), value);
            }
        }
        self
    }

    /// Says where the key is from, and what it is worth; the key is the last line.
    fn by(mut self, known: Known<'_>) -> Self {
        let Self(lines, all) = &mut self;
        let from = match known.key {
            Some(_) => "given",
            None => {
                lines.push(UNKNOWN_KEY.to_owned());
                "beside"
            }
        };
        if let Some(all) = all.as_object_mut() {
            all.insert("key_from".to_owned(), from.into());
        }
        self
    }

    /// Adds what others say of the ledger in `dir`.
    fn with_others(self, dir: &Path, key: &VerifierKey, known: Known<'_>) -> Result<Self, Flaw> {
        let cosigned = cosigned::beside(dir, key, known.policy)?;
        // Before the timestamps, which are over these signatures too.
        let seconded = seconded::beside(dir, key, known.second)?;
        let timestamped = timestamped::beside(dir, key, known.authorities)?;
        Ok(self
            .with("seconded", seconded)
            .with("cosigned", cosigned)
            .with("timestamped", timestamped))
    }
}

pub(super) fn run(arguments: &Verify) -> Result<Exit, Failure> {
    let Verify {
        path,
        folder,
        key,
        policy,
        authorities,
        ml_dsa_key,
        skip_evidence,
        json,
    } = arguments;
    let known = Known {
        key: key.as_ref(),
        policy: policy.as_ref(),
        authorities: authorities.as_ref(),
        second: ml_dsa_key.as_ref(),
    };
    let whole = |found: Found| -> Result<_, Failure> {
        let place = folder.evidence(&found.data)?;
        let beside = Beside {
            place: &place,
            skip_evidence: *skip_evidence,
            own: folder.is_own(&found.data)?,
        };
        let mut folders = vec![found.data.as_path()];
        if let Place::Folder(items) = &place {
            folders.push(items);
        }
        unless_denied(&folders, data_folder(&found, &beside, known))
    };
    let bundled = |files: Result<_, Unread>| match files {
        Ok(files) => Ok(case_bundle(&files, known)),
        Err(Unread::Flawed(flaw)) => Ok(Err(flaw)),
        Err(Unread::Failed(error)) => Err(error),
    };
    let found = match path {
        None => whole(folder.find()?)?,
        Some(path) if bundle::is_folder(path) => bundled(bundle::read_folder(path))?,
        Some(path) if path.is_dir() && path.join("checkpoint").exists() => {
            unless_denied(&[path], ledger(path, known))?
        }
        Some(path) if path.is_dir() => whole(folder.at(path).map_err(|error| {
            format!(
                "{error}; nor is it a case bundle, with `bundle.json`, or a ledger, with `checkpoint`"
            )
        })?)?,
        Some(path) if begins(path, is_receipt)? => {
            proof(path, &text_of(path)?, (needed(known)?, known))
        }
        Some(path) if begins(path, is_disclosure)? => {
            disclosure(path, &text_of(path)?, (needed(known)?, known))
        }
        Some(path) => bundled(zipped::read(path)).map_err(|error| {
            format!("{error}; nor does it begin as a proof or as fields do")
        })?,
    };
    Ok(tell(found, *json))
}

/// Prints what was found.
fn tell(found: Result<Verified, Flaw>, json: bool) -> Exit {
    match found {
        Ok(Verified(_, value)) if json => println!("{value}"),
        Ok(verified) => println!("{}", verified.text()),
        Err(flaw) => {
            let told = one_line(&flaw.to_string());
            match json {
                true => println!(
                    "{}",
                    json!({"verified": false, "flaw": told, "note": FIRST})
                ),
                false => println!("NOT VERIFIED\n  {told}\n  {FIRST}"),
            }
            return Exit::No;
        }
    }
    Exit::Done
}

/// What else there may be.
const FIRST: &str = "this is the first flaw found; others may show once it is mended";

/// What is known of a data folder beside the store in it.
struct Beside<'a> {
    /// Where evidence lies.
    place: &'a Place,
    /// It is to be left out.
    skip_evidence: bool,
    /// The folder is the one that the settings name.
    own: bool,
}

/// Verifies a copy of a data folder, without its keys, with evidence in a place, if any.
pub(super) fn copy(data: &Path, place: Option<&Place>) -> Result<Verified, Flaw> {
    let folder = Found {
        data: data.to_owned(),
        token: None,
    };
    let in_copy = Place::in_data(data);
    let beside = Beside {
        place: place.unwrap_or(&in_copy),
        skip_evidence: place.is_none(),
        own: false,
    };
    let known = Known {
        key: None,
        policy: None,
        authorities: None,
        second: None,
    };
    data_folder(&folder, &beside, known)
}

fn data_folder(folder: &Found, beside: &Beside<'_>, known: Known<'_>) -> Result<Verified, Flaw> {
    let Found { data, token } = folder;
    let report = offline::verify_watched((data, token.as_ref()), known.key, &mut watched())?;
    let Beside {
        place,
        skip_evidence,
        own,
    } = *beside;
    let beside = beside::verify((data, own), &report, (place, skip_evidence))?;
    if report.opened {
        // What a gateway at work puts off is put off from now, not from when this began.
        offline::verify_outbox((data, token.as_ref()), Timestamp::now())?;
    }
    let root = report.ledger.root;
    let value = json!({
        "verified": true, "entries": report.entries, "published": report.ledger.size,
        "erased": report.erased, "opened": report.opened, "legal_holds": report.legal_holds,
        "checkpoints": report.ledger.checkpoints, "cases": report.cases,
        "pruned": pruned(report.pruned),
        "bundles": beside.bundles, "evidence": beside::machine(&beside.evidence),
        "without": beside.without, "strangers": beside.strangers,
        "root": root.to_string(), "key": report.key.to_string(),
    });
    let mut lines = vec![
        format!(
            "verified: {} entries, {} cases, {} policy bundles{}",
            report.entries,
            report.cases,
            beside.bundles,
            beside::counted(&beside.evidence)
        ),
        format!(
            "{} under {} signed checkpoints, root {root}",
            report.ledger.size, report.ledger.checkpoints
        ),
        format!(
            "{} not yet published, {} deliveries under way",
            report.unpublished, report.jobs
        ),
        format!("key {}", report.key),
    ];
    if !report.opened {
        lines.insert(1, sealed(data));
    }
    lines.splice(1..1, beside::remarks(&beside));
    lines.splice(1..1, beside::lacking(&beside.evidence));
    if let Some(pruned) = &report.pruned {
        lines.insert(1, pruned.to_string());
    }
    if report.erased > 0 {
        let erased = format!(
            "{} records were erased, as later entries say",
            report.erased
        );
        lines.insert(1, erased);
    }
    if report.legal_holds > 0 {
        let standing = format!(
            "legal holds that stand: {}; `comity audit holds` lists them",
            report.legal_holds
        );
        lines.insert(1, standing);
    }
    Verified(lines, value)
        .by(known)
        .with_others(&data.join(LEDGER), &report.key, known)
}

/// Why no record was opened.
fn sealed(data: &Path) -> String {
    let why = match data.join("vault.key").exists() {
        true => "a token keeps the key; name the settings that name it with --config",
        false => "`vault.key` is missing",
    };
    format!("no record was opened: {why}")
}

/// Shows how far verification has come.
fn watched() -> impl FnMut(u64, u64) {
    let mut progress = Progress::new("entries verified", 0);
    move |done, total| progress.reach_of(done, total)
}

fn ledger(dir: &Path, known: Known<'_>) -> Result<Verified, Flaw> {
    let key = match known.key {
        Some(key) => key.clone(),
        None => verifier_beside(dir)?,
    };
    let found = comity_ledger::verify_watched(dir, &key, &mut watched())?;
    let mut strangers = comity_ledger::strangers(dir, found.size).map_err(beside::unlisted)?;
    if !strangers.is_empty() {
        // A gateway at work may have published more than there was before the list was made.
        let published = comity_ledger::latest(dir, &key)?.size;
        let still = comity_ledger::strangers(dir, published).map_err(beside::unlisted)?;
        strangers.retain(|path| still.contains(path));
    }
    let value = json!({
        "verified": true, "published": found.size, "checkpoints": found.checkpoints,
        "pruned": pruned(found.pruned), "strangers": strangers,
        "root": found.root.to_string(), "key": key.to_string(),
    });
    let mut lines = vec![
        format!("verified: {} published entries", found.size),
        format!(
            "under {} signed checkpoints, root {}",
            found.checkpoints, found.root
        ),
        format!("key {key}"),
    ];
    lines.splice(1..1, beside::strange(&strangers));
    if let Some(pruned) = &found.pruned {
        lines.insert(1, pruned.to_string());
    }
    Verified(lines, value)
        .by(known)
        .with_others(dir, &key, known)
}

/// How far a ledger is pruned, for machines.
fn pruned(pruned: Option<Pruned>) -> Value {
    pruned.map_or(
        Value::Null,
        |Pruned { below, entry, at }| json!({"below": below, "entry": entry, "at": at.to_string()}),
    )
}

fn case_bundle(files: &offline::Files, known: Known<'_>) -> Result<Verified, Flaw> {
    let found = offline::check(files, known.key)?;
    let cosigned = cosigned::under("ledger/checkpoint", &found.checkpoint, known.policy)?;
    let seconded = seconded::under("ledger/checkpoint", &found.checkpoint, known.second)?;
    let token = bundle_token(&found, known.authorities)?;
    let timestamped = timestamped::over("ledger/timestamp", token.as_ref(), known.authorities)?;
    let indexes: Vec<_> = found.entries.iter().map(ToString::to_string).collect();
    let value = json!({
        "verified": true, "case": format!("cases/{}", found.case), "files": files.len(),
        "entries": found.entries, "erased": found.erased, "published": found.checkpoint.size,
        "without_pdf": found.without_pdf,
        "root": found.checkpoint.root.to_string(), "key": found.key.to_string(),
    });
    let mut lines = vec![
        format!("verified: case {}, {} files", found.case, files.len()),
        format!(
            "entries {} of {}, under a signed checkpoint of {} entries, root {}",
            indexes.join(", "),
            found.key.name(),
            found.checkpoint.size,
            found.checkpoint.root
        ),
    ];
    if found.erased > 0 {
        lines.push(format!("{} records were erased", found.erased));
    }
    lines.extend(found.without_pdf.as_deref().map(bundle::without_pdf));
    for (bundle, count) in &found.policies {
        lines.push(format!("policy bundle {bundle}, {count} files"));
    }
    lines.push(format!("key {}", found.key));
    Ok(Verified(lines, value)
        .by(known)
        .with("seconded", seconded)
        .with("cosigned", cosigned)
        .with("timestamped", timestamped))
}

/// The timestamp over a bundle's checkpoint, by the roots given, else by those in the
/// bundle.
fn bundle_token(found: &offline::Checked, given: Option<&Roots>) -> Result<Option<Token>, Flaw> {
    let offline::Checked {
        checkpoint,
        key,
        timestamp,
        ..
    } = found;
    match (timestamp, given) {
        (Some(token), Some(roots)) => {
            let signed = (checkpoint, key);
            let path = "ledger/timestamp";
            verify_timestamp_under(path, &token.bytes, signed, roots).map(Some)
        }
        (token, _) => Ok(token.clone()),
    }
}

/// What a key that came with what it verifies is worth.
const UNKNOWN_KEY: &str = "it came with what was verified: compare it with one from elsewhere, or \
     name that with --key";

/// The key that a proof is checked with.
fn needed(known: Known<'_>) -> Result<&VerifierKey, &'static str> {
    let missing = "name the ledger's verifier key with --key: a proof has none";
    known.key.ok_or(missing)
}

/// A flaw of a proof.
fn broken(path: &Path) -> impl Fn(&dyn std::error::Error) -> Flaw {
    let path = path.display().to_string();
    move |what| {
        let cause = what.source().map(|cause| format!(": {cause}"));
        let what = format!("{what}{}", cause.unwrap_or_default());
        Flaw::of(&path, what, "it proves nothing")
    }
}

fn proof(
    path: &Path,
    text: &str,
    (key, known): (&VerifierKey, Known<'_>),
) -> Result<Verified, Flaw> {
    let flaw = broken(path);
    let receipt = Receipt::from_text(text).map_err(|error| flaw(&error))?;
    let checkpoint = receipt.verify(key).map_err(|error| flaw(&error))?;
    let (leaf, _) = Leaf::read(&receipt.leaf).map_err(|error| flaw(&error))?;
    entry(path, (&receipt, leaf), &checkpoint, (key, known))
}

fn disclosure(
    path: &Path,
    text: &str,
    (key, known): (&VerifierKey, Known<'_>),
) -> Result<Verified, Flaw> {
    let flaw = broken(path);
    let found = Disclosure::from_text(text).map_err(|error| flaw(&error))?;
    let (checkpoint, leaf) = found.verify(key).map_err(|error| flaw(&error))?;
    let values = found.fields.iter();
    let values = values.map(|field| (&field.path, offline::shown(&leaf, field)));
    let values: Vec<_> = values.collect();
    let receipt = (&found.receipt, leaf);
    let Verified(mut lines, mut all) = entry(path, receipt, &checkpoint, (key, known))?;
    if let Some(first) = lines.first_mut() {
        let count = disclose::fields(values.len());
        *first = first.replacen("verified: ", &format!("verified: {count} of "), 1);
    }
    let told = values
        .iter()
        .map(|(path, value)| format!("{path}: {value}"));
    lines.splice(1..1, told);
    if let Some(all) = all.as_object_mut() {
        let fields = values.iter();
        let fields = fields.map(|(path, value)| json!({"path": path, "value": value}));
        all.insert("fields".to_owned(), fields.collect());
    }
    Ok(Verified(lines, all))
}

/// An entry whose proof was checked, and what others say of it.
fn entry(
    path: &Path,
    (receipt, leaf): (&Receipt, Leaf),
    checkpoint: &Checkpoint,
    (key, known): (&VerifierKey, Known<'_>),
) -> Result<Verified, Flaw> {
    let cosigned = cosigned::under(&path.display().to_string(), checkpoint, known.policy)?;
    let seconded = seconded::under(&path.display().to_string(), checkpoint, known.second)?;
    // A proof has none.
    timestamped::over(&path.display().to_string(), None, known.authorities)?;
    let index = receipt.proof.index;
    let value = json!({
        "verified": true, "index": index, "published": checkpoint.size,
        "root": checkpoint.root.to_string(), "key": key.to_string(),
        "leaf": String::from_utf8_lossy(&receipt.leaf),
    });
    let way = leaf.issuing.zip(leaf.executing);
    let way = way.map(|(from, to)| format!("{from} to {to}"));
    let says = [leaf.outcome, leaf.state, leaf.instrument, way, leaf.note];
    let says: Vec<_> = says.iter().flatten().map(String::as_str).collect();
    let case = leaf.case.map(|id| format!(" in cases/{id}"));
    let lines = vec![
        format!("verified: entry {index} of {}", key.name()),
        format!(
            "{} at {}{}: {}",
            leaf.kind,
            leaf.at,
            case.unwrap_or_default(),
            render::ledger::joined(&says)
        ),
        format!(
            "under a signed checkpoint of {} entries, root {}",
            checkpoint.size, checkpoint.root
        ),
        format!("key {key}"),
    ];
    Ok(Verified(lines, value)
        .by(known)
        .with("seconded", seconded)
        .with("cosigned", cosigned))
}

/// The text of a proof, or of fields.
fn text_of(path: &Path) -> Result<String, Failure> {
    let text = read_regular_text(path, GIVEN_BYTES_MAX);
    text.map_err(|error| format!("cannot read `{}`: {error}", path.display()).into())
}

/// Whether a file begins as one of a kind does.
fn begins(path: &Path, is_one: fn(&[u8]) -> bool) -> Result<bool, Failure> {
    let mut begin = Vec::new();
    let regular = || match fs::metadata(path)?.is_file() {
        true => File::open(path),
        false => Err(io::Error::other("it is no regular file")),
    };
    regular()
        .and_then(|file| file.take(64).read_to_end(&mut begin))
        .map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
    Ok(is_one(&begin))
}

/// A verifier key, or a file that holds one.
fn read_key<K: FromStr<Err = KeyError>>(text: &str) -> Result<K, String> {
    let given = match read_regular_text(Path::new(text), GIVEN_BYTES_MAX) {
        Ok(file) => file,
        Err(error) if Path::new(text).exists() => return Err(error.to_string()),
        Err(_) => text.to_owned(),
    };
    given.parse().map_err(|error| format!("{error}"))
}
