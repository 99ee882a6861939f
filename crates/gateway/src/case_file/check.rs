//! Checking a bundle by itself: no gateway, no ledger, no network.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::{CaseId, Digest};
use comity_ledger::{
    Checkpoint, Fields, Flaw, KeyError, Leaf, OTHER_FIELDS, Receipt, ReceiptError, Roots, Token,
    VerifierKey, verify_timestamp_under,
};
use comity_policy::DecidingFiles;
use comity_store::{ERASURE, Holds, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Record};
use serde_json::Value;

use super::{
    AUTHORITIES, CASE, CHECKPOINT, CaseFile, Files, Item, Kind, MARK, TIMESTAMP, Timestamp,
    VERIFIER, derive, entry_path, gather::deciding, sums,
};
use crate::wire::fields::take_apart;

const CHANGED: &str = "the bundle was changed after it was made";
const INCOMPLETE: &str = "part of the bundle is missing";
const HELD: &str = "a legal hold was gone round, by another program than the gateway";
const FORGED: &str = "the ledger's key does not stand behind it; it proves nothing";

/// A bundle found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The case.
    pub case: CaseId,
    /// Indexes of its entries.
    pub entries: Vec<u64>,
    /// Of these, entries whose records were erased.
    pub erased: u64,
    /// Some of the records may hold personal data of the case: not only by whose order and
    /// why it was held or erased.
    pub personal: bool,
    /// Why it has no `report.pdf`; `None` where it has one.
    pub without_pdf: Option<String>,
    /// Policy bundles that decided, with the files of each.
    pub policies: BTreeMap<Digest, usize>,
    /// The checkpoint that every entry is under.
    pub checkpoint: Checkpoint,
    /// The timestamp over it, where it has one; by the roots in the bundle.
    pub timestamp: Option<Token>,
    /// The key that signed it.
    pub key: VerifierKey,
}

/// Checks every file of a bundle: signature of the checkpoint, proof and hash of
/// every leaf, commitment to every record, digest of request and policy files, and
/// that all else says what these say.
///
/// Without `key`, the key in the bundle is used. It shows that the bundle agrees
/// with itself, not whose it is.
///
/// # Errors
/// The first [`Flaw`] found; its file is the one that was changed.
pub fn check(files: &Files, key: Option<&VerifierKey>) -> Result<Checked, Flaw> {
    let found = check_deep(files, key);
    match (found, sums::mismatch(files)) {
        (found, None) => found,
        // All is proven but the list itself.
        (Ok(_), Some((path, what))) => {
            let what = format!("is not the list of the files here: `{path}` {what}");
            Err(Flaw::of(sums::PATH, what, CHANGED))
        }
        // Of a leaf and its proof, the list says which one was changed.
        (Err(flaw), Some((path, what))) if path != flaw.file => {
            let what = format!("{what}; {}: {}", flaw.file, flaw.what);
            Err(Flaw::of(&path, what, flaw.meaning))
        }
        (Err(flaw), Some(_)) => Err(flaw),
    }
}

fn check_deep(files: &Files, key: Option<&VerifierKey>) -> Result<Checked, Flaw> {
    let key = read_key(files, key)?;
    let note = file(files, CHECKPOINT)?;
    let checkpoint = Checkpoint::open(note, &key)
        .map_err(|error| Flaw::of(CHECKPOINT, error.to_string(), FORGED))?;
    let timestamp = read_timestamp(files, (&checkpoint, &key))?;
    let entries = read_entries(files, &checkpoint, &key)?;
    let case = same_case(&entries)?;
    follow_holds(&entries)?;
    check_erased(&entries)?;
    check_named(files, &entries)?;
    let case_file = CaseFile {
        case,
        policies: read_policies(files, &entries)?,
        key,
        checkpoint,
        timestamp,
        entries,
    };
    derive::agrees(&case_file)?;
    compare(files, &case_file)?;
    Ok(Checked {
        entries: case_file.entries.iter().map(Item::index).collect(),
        erased: case_file
            .entries
            .iter()
            .filter(|item| item.record.is_none())
            .count() as u64,
        personal: case_file.entries.iter().any(is_personal),
        without_pdf: without_pdf(files),
        policies: case_file
            .policies
            .iter()
            .map(|(bundle, files)| (*bundle, files.iter().count()))
            .collect(),
        case: case_file.case,
        checkpoint: case_file.checkpoint,
        timestamp: case_file.timestamp.map(|timestamp| timestamp.token),
        key: case_file.key,
    })
}

/// What a bundle found in order says of the report that it lacks.
fn without_pdf(files: &Files) -> Option<String> {
    let mark: Value = serde_json::from_slice(files.get(MARK)?).ok()?;
    let why = mark.get(derive::WITHOUT)?.get(derive::PDF)?;
    why.as_str().map(str::to_owned)
}

fn file<'f>(files: &'f Files, path: &str) -> Result<&'f [u8], Flaw> {
    let bytes = files.get(path).map(Vec::as_slice);
    bytes.ok_or_else(|| Flaw::of(path, "is missing", INCOMPLETE))
}

fn read_key(files: &Files, known: Option<&VerifierKey>) -> Result<VerifierKey, Flaw> {
    let bytes = file(files, VERIFIER)?;
    let key: VerifierKey = String::from_utf8_lossy(bytes)
        .parse()
        .map_err(|error: KeyError| Flaw::of(VERIFIER, error.to_string(), CHANGED))?;
    if format!("{key}\n").as_bytes() != bytes {
        return Err(Flaw::of(VERIFIER, "is not one line with a key", CHANGED));
    }
    match known {
        Some(known) if *known != key => {
            Err(Flaw::of(VERIFIER, format!("is not `{known}`"), FORGED))
        }
        Some(_) | None => Ok(key),
    }
}

/// The timestamp over the checkpoint, by an authority that the roots beside it stand
/// behind: both are there or neither.
fn read_timestamp(
    files: &Files,
    signed: (&Checkpoint, &VerifierKey),
) -> Result<Option<Timestamp>, Flaw> {
    if !files.contains_key(TIMESTAMP) && !files.contains_key(AUTHORITIES) {
        return Ok(None);
    }
    let token = file(files, TIMESTAMP)?;
    let roots = Roots::read(file(files, AUTHORITIES)?)
        .map_err(|error| Flaw::of(AUTHORITIES, error.to_string(), CHANGED))?;
    let token = verify_timestamp_under(TIMESTAMP, token, signed, &roots)?;
    Ok(Some(Timestamp { token, roots }))
}

/// Every entry of which there is a file, in order.
fn read_entries(
    files: &Files,
    checkpoint: &Checkpoint,
    key: &VerifierKey,
) -> Result<Vec<Item>, Flaw> {
    let indexes: BTreeSet<u64> = files
        .keys()
        .filter_map(|path| path.strip_prefix("entries/")?.split('.').next())
        .filter_map(|index| index.parse().ok())
        .collect();
    if indexes.is_empty() {
        let first = entry_path(0, Kind::Leaf);
        return Err(Flaw::of(&first, "no entry is there", INCOMPLETE));
    }
    let read = |index| read_entry(files, index, checkpoint, key);
    indexes.into_iter().map(read).collect()
}

fn read_entry(
    files: &Files,
    index: u64,
    checkpoint: &Checkpoint,
    key: &VerifierKey,
) -> Result<Item, Flaw> {
    let at = |kind| entry_path(index, kind);
    let flaw = |kind, what: String, meaning| Flaw::of(&at(kind), what, meaning).entry(index);
    let proof = file(files, &at(Kind::Proof))?;
    let broken = |error: ReceiptError| flaw(Kind::Proof, error.to_string(), CHANGED);
    let receipt = Receipt::from_text(&String::from_utf8_lossy(proof)).map_err(broken)?;
    if receipt.proof.index != index {
        let what = format!("proves entry {}", receipt.proof.index);
        return Err(flaw(Kind::Proof, what, CHANGED));
    }
    if receipt.proof.checkpoint != checkpoint.note {
        let what = format!("leads to another checkpoint than `{CHECKPOINT}`");
        return Err(flaw(Kind::Proof, what, CHANGED));
    }
    receipt.verify(key).map_err(broken)?;
    let bytes = file(files, &at(Kind::Leaf))?;
    if bytes != receipt.leaf {
        let what = "is not the entry that was signed".to_owned();
        return Err(flaw(Kind::Leaf, what, CHANGED));
    }
    let (leaf, commitment) =
        Leaf::read(bytes).map_err(|error| flaw(Kind::Leaf, error.to_string(), CHANGED))?;
    let [record, salt] = [Kind::Record, Kind::Salt].map(|kind| files.get(&at(kind)));
    let record = match (record, salt) {
        (None, None) => None,
        (Some(record), Some(salt)) => {
            let salt = <[u8; 32]>::try_from(salt.as_slice())
                .map_err(|_| flaw(Kind::Salt, "is not 32 bytes".to_owned(), CHANGED))?;
            if !commitment.opens("record", &salt, record) {
                let what = "is not what the entry commits to, under this salt".to_owned();
                return Err(flaw(Kind::Record, what, CHANGED));
            }
            if !leaf.binds_fields(&Fields::of(take_apart, &leaf, record, &salt)) {
                let what = "has other fields than the entry commits to".to_owned();
                return Err(flaw(Kind::Record, what, OTHER_FIELDS));
            }
            let record = record.clone();
            Some(Record { salt, record })
        }
        (None, Some(_)) => return Err(flaw(Kind::Record, "is missing".to_owned(), INCOMPLETE)),
        (Some(_), None) => return Err(flaw(Kind::Salt, "is missing".to_owned(), INCOMPLETE)),
    };
    Ok(Item {
        receipt,
        leaf,
        record,
    })
}

/// The one case that all entries are of.
fn same_case(entries: &[Item]) -> Result<CaseId, Flaw> {
    let mut case: Option<CaseId> = None;
    for item in entries {
        let named = item.leaf.case.as_deref().and_then(|id| id.parse().ok());
        let same = named.is_some()
            && case
                .as_ref()
                .is_none_or(|case| Some(case) == named.as_ref());
        if !same {
            let path = entry_path(item.index(), Kind::Leaf);
            let what = "is an entry of another case than the first";
            return Err(Flaw::of(&path, what, CHANGED).entry(item.index()));
        }
        case = named;
    }
    case.ok_or_else(|| Flaw::of(MARK, "no entry is there", INCOMPLETE))
}

/// Nothing was erased of what was under a legal hold then.
fn follow_holds(entries: &[Item]) -> Result<(), Flaw> {
    let mut holds = Holds::default();
    for item in entries {
        holds.follow(item.index(), &item.leaf).map_err(|breach| {
            let path = entry_path(item.index(), Kind::Leaf);
            Flaw::of(&path, breach.to_string(), HELD).entry(item.index())
        })?;
    }
    Ok(())
}

/// A record is missing only where a later entry says that it was erased.
fn check_erased(entries: &[Item]) -> Result<(), Flaw> {
    let erased = |item: &Item| item.leaf.kind == ERASURE;
    let until = entries.iter().rev().find(|item| erased(item));
    let until = until.map_or(0, Item::index);
    let lost = entries
        .iter()
        .find(|item| item.record.is_none() && item.index() >= until);
    match lost {
        None => Ok(()),
        Some(item) => {
            let path = entry_path(item.index(), Kind::Record);
            let what = "is missing, and no later entry says that it was erased";
            Err(Flaw::of(&path, what, INCOMPLETE).entry(item.index()))
        }
    }
}

/// Entries that the renderings name are here: of one taken out all files are gone, and so
/// nothing else would say which it was.
fn check_named(files: &Files, entries: &[Item]) -> Result<(), Flaw> {
    let list = |path, name| {
        let read: Value = serde_json::from_slice(files.get(path)?).ok()?;
        read.get(name)?.as_array().cloned()
    };
    let listed = list(MARK, "entries").into_iter().flatten();
    let listed = listed.map(|index| (MARK, index.as_u64()));
    let told = list(CASE, "events").into_iter().flatten();
    let told = told.map(|event| event.get("ledgerIndex")?.as_str()?.parse().ok());
    let mut named = listed.chain(told.map(|index| (CASE, index)));
    let here = |index| entries.iter().any(|item| item.index() == index);
    let lost = named.find_map(|(by, index)| Some((by, index.filter(|index| !here(*index))?)));
    match lost {
        None => Ok(()),
        Some((by, index)) => {
            let what = format!("is missing, and all of the entry, which `{by}` names");
            Err(Flaw::of(&entry_path(index, Kind::Leaf), what, INCOMPLETE).entry(index))
        }
    }
}

/// Whether an entry's record is here and may hold personal data of the case.
fn is_personal(item: &Item) -> bool {
    let orders = [ERASURE, LEGAL_HOLD, LEGAL_HOLD_LIFTED];
    let record = item.record.as_ref();
    record.is_some_and(|found| !found.record.is_empty())
        && !orders.contains(&item.leaf.kind.as_str())
}

/// The policy files: those that the entries name, whole, and no others.
fn read_policies(files: &Files, entries: &[Item]) -> Result<BTreeMap<Digest, DecidingFiles>, Flaw> {
    let mut policies: BTreeMap<Digest, DecidingFiles> = BTreeMap::new();
    for (path, bytes) in files {
        let Some((bundle, place)) = path
            .strip_prefix("policies/")
            .and_then(|path| path.split_once('/'))
        else {
            continue;
        };
        let text = std::str::from_utf8(bytes).ok();
        let added = bundle.parse().ok().zip(text).and_then(|(bundle, text)| {
            let files = policies.entry(bundle).or_default();
            files.insert(place, text.to_owned())
        });
        if added.is_none() {
            return Err(Flaw::of(path, "is no policy file of the bundle", CHANGED));
        }
    }
    let needed = deciding(entries);
    for (bundle, files) in &policies {
        let folder = format!("policies/{bundle}");
        if files.digest() != *bundle {
            let what = format!("its files have the digest {}", files.digest());
            return Err(Flaw::of(&folder, what, CHANGED));
        }
        if !needed.contains(bundle) {
            return Err(Flaw::of(&folder, "decided nothing in this case", CHANGED));
        }
    }
    match needed
        .into_iter()
        .find(|bundle| !policies.contains_key(bundle))
    {
        Some(missing) => {
            let folder = format!("policies/{missing}");
            Err(Flaw::of(&folder, "is missing", INCOMPLETE))
        }
        None => Ok(policies),
    }
}

/// Every file is the one that the material makes, and none is beside them.
fn compare(files: &Files, case_file: &CaseFile) -> Result<(), Flaw> {
    let damaged = |damaged: super::Damaged| {
        let path = entry_path(damaged.0, Kind::Record);
        Flaw::of(&path, "is no record of a case", CHANGED).entry(damaged.0)
    };
    let mut made = case_file.files().map_err(damaged)?;
    made.remove(sums::PATH);
    for (path, bytes) in &made {
        if file(files, path)? != bytes {
            let what = format!(
                "is not what the records say, as Comity {} writes it; another version may have \
                 written it: see `{MARK}`",
                env!("CARGO_PKG_VERSION")
            );
            return Err(Flaw::of(path, what, CHANGED));
        }
    }
    let beside = files.keys().find(|path| {
        let path = path.as_str();
        path != sums::PATH && !made.contains_key(path)
    });
    match beside {
        Some(path) => Err(Flaw::of(path, "is no file of this bundle", CHANGED)),
        None => Ok(()),
    }
}

impl Item {
    pub(super) fn index(&self) -> u64 {
        self.receipt.proof.index
    }
}
