//! Verification of a whole store: published ledger, rows, and that they agree.

mod bound;
mod index;
mod pruned;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use comity_ledger::{
    Checkpoint, Fields, Flaw, Hash, Leaf, OTHER_FIELDS, Pruned, TakeApart, Verified, VerifierKey,
    checkpoint_path, has_checkpoint, published_entries,
};
use rusqlite::{Connection, Row};

use crate::{
    Extractor, Holds, KeyToken, ReadError, column,
    open::{DATABASE, LEDGER, VAULT, WRITE_AHEAD_LOG},
    prepare::{open_salt, told},
    read, schema, shape,
    vault::{Vault, VaultError},
    witnessed::Memory,
};
use bound::{check_cases, check_jobs, check_keys};
use index::Index;

/// Entries of one published bundle.
const BUNDLE: u64 = 256;

const CHANGED: &str = "the database was changed outside the gateway";
const STRANGE: &str = "what is stored in it may not be what was recorded: restore it from a copy";
const DIFFERS: &str = "the database and the signed ledger tell different stories";
const SEALED: &str = "no record opens; without the token the entries alone are verified";
const OTHER_KEY: &str = "it is not the key under which the records were written, or it was \
    changed; a copy opens with the key file of its time, as long as no erasure destroyed it";
const HELD: &str = "a legal hold was gone round, by another program than the gateway";
const LOST: &str = "the published ledger was changed: none of its checkpoints is ever removed";
const UNREADABLE: &str = "the database cannot be relied on";

/// What verification found in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The published ledger: entries under its signed checkpoint, their root,
    /// and the kept checkpoints.
    pub ledger: Verified,
    /// The key its checkpoints are signed by.
    pub key: VerifierKey,
    /// Entries in the database, with those that were pruned.
    pub entries: u64,
    /// Of these, newer than the last checkpoint: not yet proven by a signature.
    pub unpublished: u64,
    /// Cases, each as its last event left it.
    pub cases: u64,
    /// Jobs still to be done, each as an entry enqueued it.
    pub jobs: u64,
    /// Entries whose records were erased, as other entries say.
    pub erased: u64,
    /// Legal holds that stand; no entry erases what one of them, or of those lifted since,
    /// held then.
    pub legal_holds: u64,
    /// How far the rows are pruned, as one of them says; of the published ledger see
    /// [`Verified::pruned`].
    pub pruned: Option<Pruned>,
    /// The policy bundles that entries name, by their digests, with the first entry that
    /// names each. What is kept of them lies beside the store, and is not looked at.
    pub bundles: BTreeMap<Hash, u64>,
    /// Records could be opened, and are what their entries commit to. Without the key
    /// file beside the database, or the token that keeps its key, they stay sealed, and
    /// only the entries are verified.
    pub opened: bool,
}

/// What is made of records that are opened; nothing of what is not said.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reading {
    /// How they are taken apart into fields.
    pub fields: Option<TakeApart>,
    /// By which values entries are found.
    pub personal: Option<Extractor>,
}

/// Verifies the store in `dir`, which may be in use, without changing it.
///
/// The ledger's files must prove each other; every row must be the published
/// entry, its columns what its leaf says, its record what the leaf commits to;
/// every case, request key and job must be what an entry committed to.
///
/// Without `key`, the verifier key kept beside the ledger is used. It shows that
/// the store agrees with itself, not whose it is.
///
/// # Errors
/// The first [`Flaw`] found, with its place relative to `dir`.
pub fn verify(dir: &Path, key: Option<&VerifierKey>) -> Result<Report, Flaw> {
    verify_watched((dir, None), (key, Reading::default()), &mut |_, _| {})
}

/// Does what [`verify`] does, and tells `watch` how many entries it has looked at of how
/// many: of the published ledger first, then of the database. Records are opened also
/// where a token keeps their key, if it is named; and where `reading` says how, the fields
/// that their entries commit to must be theirs, and the index of personal values must have
/// those in them.
///
/// # Errors
/// The first [`Flaw`] found; also where the token does not open the key file.
pub fn verify_watched(
    (dir, token): (&Path, Option<&KeyToken>),
    (key, reading): (Option<&VerifierKey>, Reading),
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Report, Flaw> {
    let ledger_dir = dir.join(LEDGER);
    let key = match key {
        Some(key) => key.clone(),
        None => comity_ledger::verifier_beside(&ledger_dir).map_err(in_ledger)?,
    };
    let database = dir.join(DATABASE);
    if !database.is_file() {
        return Err(Flaw::of(DATABASE, "is missing", UNREADABLE));
    }
    // A store that nobody has open is read as it lies, without a trace beside it.
    let at_rest = || !dir.join(WRITE_AHEAD_LOG).exists();
    let by = (&key, reading);
    if at_rest() {
        let open = || schema::open_at_rest(&database);
        let result = check_store((dir, token), by, open, watch);
        if at_rest() {
            return result;
        }
        // It was opened meanwhile: what was read may not belong together.
    }
    check_store((dir, token), by, || schema::open_reader(&database), watch)
}

/// What is beside the database.
struct Sealed<'a> {
    ledger_dir: &'a Path,
    vault: Option<&'a Vault>,
    reading: Reading,
}

/// The key file, where it is there and opens with what is at hand.
fn vault(dir: &Path, token: Option<&KeyToken>) -> Result<Option<Vault>, Flaw> {
    let path = dir.join(VAULT);
    if !path.exists() {
        return Ok(None);
    }
    match Vault::open(path, token, false) {
        Ok(vault) => Ok(Some(vault)),
        Err(VaultError::OnToken { .. }) => Ok(None),
        Err(error @ VaultError::Token(_)) => Err(Flaw::of(VAULT, told(&error), SEALED)),
        Err(error) => Err(Flaw::of(VAULT, told(&error), UNREADABLE)),
    }
}

fn check_store(
    (dir, token): (&Path, Option<&KeyToken>),
    (key, reading): (&VerifierKey, Reading),
    open: impl FnOnce() -> rusqlite::Result<Connection>,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Report, Flaw> {
    let ledger_dir = &dir.join(LEDGER);
    // The files first: whatever they hold is committed by the time the rows are
    // looked at.
    let ledger = comity_ledger::verify_watched(ledger_dir, key, watch).map_err(in_ledger)?;
    check_witnessed(ledger_dir, key)?;
    let db = open().map_err(failed)?;
    // One snapshot for all that follows.
    db.execute_batch("BEGIN").map_err(failed)?;
    if !schema::is_readable(&db).map_err(failed)? {
        let what = "is no database of this version of Comity";
        return Err(Flaw::of(DATABASE, what, UNREADABLE));
    }
    // As it is with these rows: an erasure changes both.
    let vault = vault(dir, token)?;
    let vault = vault.as_ref();
    let sealed = &Sealed {
        ledger_dir,
        vault,
        reading,
    };
    if let Some(strange) = shape::strange(&db).map_err(failed)? {
        return Err(Flaw::of(DATABASE, strange, STRANGE));
    }
    let pruned = pruned::rows(&db, &ledger)?;
    let below = pruned.map_or(0, |pruned| pruned.below);
    check_file(&db, below)?;
    check_head(&db, ledger_dir, key, ledger.size)?;
    check_signed(&db, ledger_dir)?;
    let index = Index::of(&db, vault, reading.personal)?;
    let checked = check_entries((&db, below), (sealed, index.as_ref()), ledger.size, watch);
    let counted = match checked {
        Ok(counted) => counted,
        Err(found) => return Err(blamed(&db, vault, found)?),
    };
    index.as_ref().map_or(Ok(()), Index::check_sum)?;
    let cases = check_cases(&db, below)?;
    check_keys(&db, counted.keys)?;
    let jobs = check_jobs(&db)?;
    Ok(Report {
        unpublished: counted.entries - ledger.size,
        entries: counted.entries,
        ledger,
        key: key.clone(),
        cases,
        jobs,
        erased: counted.erased,
        legal_holds: counted.holds.count(),
        pruned,
        bundles: counted.bundles,
        opened: vault.is_some(),
    })
}

/// The ledger is what witnesses have seen of it.
fn check_witnessed(ledger_dir: &Path, key: &VerifierKey) -> Result<(), Flaw> {
    let dir = ledger_dir.parent().unwrap_or(ledger_dir);
    let memory = Memory::read(dir, key)
        .map_err(|error| Flaw::of("witnessed", error.to_string(), CHANGED))?;
    memory.verify(ledger_dir, key)
}

/// The database as SQLite sees it: pages, indexes, references; but that a case is opened by
/// an entry that was pruned, as those below an index were.
fn check_file(db: &Connection, below: u64) -> Result<(), Flaw> {
    let verdict: String = db
        .query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))
        .map_err(failed)?;
    if verdict != "ok" {
        return Err(Flaw::of(DATABASE, verdict, UNREADABLE));
    }
    // The columns are `table`, `rowid`, `parent`, `fkid`; the rowid of a case is `opened`.
    let mut check = db
        .prepare(
            "SELECT \"table\" FROM pragma_foreign_key_check \
             WHERE NOT (\"table\" = 'cases' AND coalesce(rowid < ?1, 0))",
        )
        .map_err(failed)?;
    let dangling = check
        .query_map([column::sql(below)], |row| row.get::<_, String>(0))
        .and_then(|mut tables| tables.next().transpose())
        .map_err(failed)?;
    match dangling {
        None => Ok(()),
        Some(table) => {
            let what = format!("a row of table `{table}` refers to a row that is not there");
            Err(Flaw::of(DATABASE, what, CHANGED))
        }
    }
}

/// The checkpoint noted in the database is signed, and the files reach it.
fn check_head(
    db: &Connection,
    ledger: &Path,
    key: &VerifierKey,
    verified: u64,
) -> Result<(), Flaw> {
    let Some((size, note)) = read::head(db).map_err(unread)? else {
        return Ok(());
    };
    let noted = Checkpoint::open(&note, key)
        .map_err(|error| Flaw::of(DATABASE, format!("table `head`: {error}"), CHANGED))?;
    if noted.size != size {
        return Err(Flaw::of(
            DATABASE,
            "table `head`: column `size` differs from the note",
            CHANGED,
        ));
    }
    // A gateway at work may have published more since the files were read.
    if size > verified && comity_ledger::latest(ledger, key).map_err(in_ledger)?.size < size {
        let what = format!("table `head`: {size} entries were signed, the ledger shows fewer");
        return Err(Flaw::of(
            DATABASE,
            what,
            "the published ledger was rolled back",
        ));
    }
    Ok(())
}

/// Every checkpoint that was signed is kept beside the ledger, since the database says so:
/// who verified up to one of them can ask for it.
fn check_signed(db: &Connection, ledger: &Path) -> Result<(), Flaw> {
    if !db.table_exists(None, "signed").map_err(failed)? {
        return Ok(());
    }
    let mut select = db
        .prepare("SELECT size FROM signed ORDER BY size")
        .map_err(failed)?;
    let sizes = select.query_map([], |row| row.get::<_, i64>(0));
    for size in sizes.map_err(failed)? {
        let size = column::count(size.map_err(failed)?).map_err(unread)?;
        if !has_checkpoint(ledger, size) {
            let path = format!("{LEDGER}/{}", checkpoint_path(size));
            return Err(Flaw::of(&path, "is missing, and was signed", LOST));
        }
    }
    Ok(())
}

struct Counted {
    entries: u64,
    keys: u64,
    erased: u64,
    holds: Holds,
    bundles: BTreeMap<Hash, u64>,
}

impl Counted {
    fn from(below: u64) -> Self {
        Self {
            entries: below,
            keys: 0,
            erased: 0,
            holds: Holds::from(below),
            bundles: BTreeMap::new(),
        }
    }

    /// Counts the next entry.
    fn add(&mut self, leaf: &Leaf, erased: bool) {
        if let Some(bundle) = leaf.bundle {
            self.bundles.entry(bundle).or_insert(self.entries);
        }
        self.erased += u64::from(erased);
        self.keys += u64::from(leaf.binds.contains_key("key"));
        self.entries += 1;
    }
}

/// Every row is dense, from the first that was not pruned, published as it is, and means
/// what its leaf says.
fn check_entries(
    (db, below): (&Connection, u64),
    (sealed, by_values): (&Sealed<'_>, Option<&Index<'_>>),
    published: u64,
    watch: &mut dyn FnMut(u64, u64),
) -> Result<Counted, Flaw> {
    let all = read::size(db).map_err(unread)?;
    let mut select = db
        .prepare(
            "SELECT e.idx, e.at, e.kind, e.actor, e.case_id, e.state, e.outcome, \
             e.instrument, e.issuing, e.executing, e.leaf, e.salt, e.sealed, \
             e.key, e.sealed IS NULL AND EXISTS (SELECT 1 FROM entry x \
             WHERE x.case_id = e.case_id AND x.idx > e.idx AND x.kind = 'erasure') \
             FROM entry e ORDER BY e.idx",
        )
        .map_err(failed)?;
    let mut found = select.query([]).map_err(failed)?;
    let alone = erased_alone(db)?;
    let mut counted = Counted::from(below);
    let mut bundle = Vec::new().into_iter();
    while let Some(row) = found.next().map_err(failed)? {
        let index = counted.entries;
        pruned::check_index(row.get(0).map_err(failed)?, index)?;
        let leaf_bytes: Vec<u8> = row.get(10).map_err(failed)?;
        if index < published {
            if index.is_multiple_of(BUNDLE) {
                bundle = published_entries(sealed.ledger_dir, index / BUNDLE, published)
                    .map_err(|error| Flaw::of(LEDGER, error.to_string(), UNREADABLE))?
                    .unwrap_or_default()
                    .into_iter();
            }
            if bundle.next().as_ref() != Some(&leaf_bytes) {
                return Err(flaw(
                    index,
                    "column `leaf` is not the entry published and signed",
                    DIFFERS,
                ));
            }
        }
        let (leaf, commitment) = check_entry(row, index, &leaf_bytes)?;
        let followed = counted.holds.follow(index, &leaf);
        followed.map_err(|breach| flaw(index, &breach.to_string(), HELD))?;
        let said = alone.contains(&index) || row.get(14).map_err(failed)?;
        let record = check_record(row, (index, said), (&leaf, &commitment), sealed)?;
        match (by_values, &record) {
            (None, _) | (_, Recorded::Sealed) => {}
            (Some(by), Recorded::Opened(record)) => by.check(index, &leaf, Some(record))?,
            (Some(by), Recorded::Erased) => by.check(index, &leaf, None)?,
        }
        counted.add(&leaf, matches!(record, Recorded::Erased));
        if counted.entries.is_multiple_of(BUNDLE) {
            watch(counted.entries, all);
        }
    }
    if counted.entries < published {
        return Err(flaw(
            counted.entries,
            "the row is missing though its entry was published",
            DIFFERS,
        ));
    }
    Ok(counted)
}

/// Entries without a case whose records later entries say were erased.
fn erased_alone(db: &Connection) -> Result<BTreeSet<u64>, Flaw> {
    let sql = "SELECT idx, leaf FROM entry WHERE kind = 'erasure' AND case_id IS NULL";
    let mut select = db.prepare(sql).map_err(failed)?;
    let mut found = select.query([]).map_err(failed)?;
    let mut erased = BTreeSet::new();
    while let Some(row) = found.next().map_err(failed)? {
        let said_at: i64 = row.get(0).map_err(failed)?;
        let leaf: Vec<u8> = row.get(1).map_err(failed)?;
        // A leaf that cannot be read is found in its turn.
        let named = Leaf::read(&leaf).ok().and_then(|(leaf, _)| leaf.erases);
        erased.extend(named.filter(|index| column::sql(*index) < said_at));
    }
    Ok(erased)
}

/// One row against its leaf.
fn check_entry(row: &Row<'_>, index: u64, leaf_bytes: &[u8]) -> Result<(Leaf, Hash), Flaw> {
    let (leaf, commitment) = Leaf::read(leaf_bytes)
        .map_err(|error| flaw(index, &format!("column `leaf`: {error}"), CHANGED))?;
    if row.get::<_, i64>(1).map_err(failed)? != leaf.at.as_microsecond() {
        return Err(column_flaw(index, "at"));
    }
    let columns = [
        ("kind", Some(&leaf.kind)),
        ("actor", Some(&leaf.actor)),
        ("case_id", leaf.case.as_ref()),
        ("state", leaf.state.as_ref()),
        ("outcome", leaf.outcome.as_ref()),
        ("instrument", leaf.instrument.as_ref()),
        ("issuing", leaf.issuing.as_ref()),
        ("executing", leaf.executing.as_ref()),
    ];
    for (place, (name, expected)) in (2..).zip(columns) {
        let stored: Option<String> = row.get(place).map_err(failed)?;
        if stored.as_ref() != expected {
            return Err(column_flaw(index, name));
        }
    }
    Ok((leaf, commitment))
}

/// What is there of a record.
enum Recorded {
    /// It was erased.
    Erased,
    /// Nothing opens it.
    Sealed,
    /// All of it.
    Opened(Vec<u8>),
}

/// The record of a row against what its leaf commits to; erased is what a later entry
/// must have `said` so of.
fn check_record(
    row: &Row<'_>,
    (index, said): (u64, bool),
    (leaf, commitment): (&Leaf, &Hash),
    by: &Sealed<'_>,
) -> Result<Recorded, Flaw> {
    let sealed: Option<Vec<u8>> = row.get(12).map_err(failed)?;
    let key: Option<Vec<u8>> = row.get(13).map_err(failed)?;
    let Some(sealed) = sealed else {
        return if !said {
            let what = "its record is gone, and no later entry says that it was erased";
            Err(flaw(index, what, CHANGED))
        } else if key.is_some() {
            let what = "its record was erased, and the key of it is still there";
            Err(flaw(index, what, CHANGED))
        } else {
            Ok(Recorded::Erased)
        };
    };
    let Some(vault) = by.vault else {
        return Ok(Recorded::Sealed);
    };
    let salt: Vec<u8> = row.get(11).map_err(failed)?;
    let opened = key
        .and_then(|key| vault.unwrap(&key))
        .and_then(|key| key.open(&sealed));
    let Some(opened) = opened else {
        return Err(unopened(index));
    };
    if open_salt(&opened.salt).as_slice() != salt {
        return Err(column_flaw(index, "salt"));
    }
    if !commitment.opens("record", &opened.salt, &opened.record) {
        let what = "its record is not what the entry commits to";
        return Err(flaw(index, what, CHANGED));
    }
    let of_record = |by| Fields::of(by, leaf, &opened.record, &opened.salt);
    let fields = by.reading.fields;
    if fields.is_none_or(|by| leaf.binds_fields(&of_record(by))) {
        Ok(Recorded::Opened(opened.record))
    } else {
        let what = "the fields that the entry commits to are not those of its record";
        Err(flaw(index, what, OTHER_FIELDS))
    }
}

/// A record that its key does not open.
fn unopened(index: u64) -> Flaw {
    let what = "its record does not open with the key that is kept for it";
    flaw(index, what, CHANGED)
}

/// Where the key file opens no key of any record, the fault is its own.
fn blamed(db: &Connection, vault: Option<&Vault>, found: Flaw) -> Result<Flaw, Flaw> {
    let Some((vault, index)) = vault.zip(found.entry) else {
        return Ok(found);
    };
    if found != unopened(index) {
        return Ok(found);
    }
    let mut select = db
        .prepare("SELECT key FROM entry WHERE key IS NOT NULL")
        .map_err(failed)?;
    let mut keys = select.query([]).map_err(failed)?;
    let mut count = 0;
    while let Some(row) = keys.next().map_err(failed)? {
        let key: Vec<u8> = row.get(0).map_err(failed)?;
        if vault.unwrap(&key).is_some() {
            return Ok(found);
        }
        count += 1;
    }
    // Of one record alone it cannot be told.
    if count < 2 {
        return Ok(found);
    }
    let what = format!("opens none of the records: {count}");
    Ok(Flaw::of(VAULT, what, OTHER_KEY))
}

fn flaw(index: u64, what: &str, meaning: &'static str) -> Flaw {
    Flaw::of(DATABASE, what, meaning).entry(index)
}

fn column_flaw(index: u64, name: &str) -> Flaw {
    let what = format!("column `{name}` of table `entry` differs from what the entry says");
    flaw(index, &what, CHANGED)
}

fn in_ledger(mut flaw: Flaw) -> Flaw {
    flaw.file = format!("{LEDGER}/{}", flaw.file);
    flaw
}

fn failed(error: rusqlite::Error) -> Flaw {
    Flaw::of(DATABASE, format!("cannot be read: {error}"), UNREADABLE)
}

fn unread(error: ReadError) -> Flaw {
    match error {
        ReadError::Database(error) => failed(error),
        // Its own words ask for what is being done.
        ReadError::Damaged { what } => {
            Flaw::of(DATABASE, format!("the stored {what} is damaged"), CHANGED)
        }
        other @ (ReadError::Proof(_)
        | ReadError::Unindexed
        | ReadError::OtherSearch
        | ReadError::Closed) => Flaw::of(DATABASE, other.to_string(), CHANGED),
    }
}
