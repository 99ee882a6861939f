//! Transactions made ready for the writer: checked, salted and sealed.
//!
//! All that needs no database happens here, on the caller's thread, so that the
//! one writer only reads and writes rows.

use std::{collections::BTreeMap, error::Error, io::ErrorKind};

use comity_domain::{CaseId, JurisdictionCode, Urgency};
use comity_ledger::{Fields, Hash, Leaf, TakeApart};

use crate::{
    CaseChange, CommitError, Entry, Expected, Lease, NewJob, RequestKey, Term, Transaction,
    Unavailable, column,
    vault::{Drawn, Locked, Vault, VaultError},
};

/// Greatest length of a record, body or job, bytes: evidence is kept elsewhere.
pub const MAX_BLOB_BYTES: usize = 16 << 20;

/// Greatest number of jobs of one transaction: their place fits a byte.
const MAX_JOBS: usize = 256;

/// A transaction that only the state of the database can still refuse.
pub(crate) struct Prepared {
    pub(crate) key: Option<RequestKey>,
    pub(crate) case: Option<CaseChange>,
    pub(crate) unmoved: Option<(CaseId, u64)>,
    pub(crate) entries: Vec<Sealed>,
    pub(crate) enqueue: Vec<NewJob>,
    pub(crate) finish: Option<Lease>,
    pub(crate) essential: bool,
    pub(crate) terms: Vec<Term>,
}

/// An entry as it will be stored.
pub(crate) struct Sealed {
    pub(crate) leaf: Leaf,
    pub(crate) leaf_bytes: Vec<u8>,
    pub(crate) leaf_hash: Hash,
    /// Opens what the leaf binds.
    pub(crate) salt: [u8; 32],
    /// The record.
    pub(crate) locked: Locked,
}

impl Prepared {
    /// Whether this begins something, rather than carrying on what was accepted.
    pub(crate) fn is_new_work(&self) -> bool {
        !self.essential
            && self.finish.is_none()
            && self
                .case
                .as_ref()
                .is_none_or(|case| case.expected == Expected::New)
    }
}

/// The version a change leads to.
pub(crate) fn next_version(expected: Expected) -> u64 {
    match expected {
        Expected::New => 1,
        Expected::Version(version) => version.saturating_add(1),
    }
}

/// How entries are sealed: by which vault, and what the fields of their records are,
/// where that is said.
pub(crate) type Sealing<'v> = (&'v Vault, Option<TakeApart>);

/// Checks and seals a transaction. Its entries commit to the fields of their records.
pub(crate) fn prepare(
    sealing: Sealing<'_>,
    transaction: Transaction,
) -> Result<Prepared, CommitError> {
    check(&transaction)?;
    let Transaction {
        key,
        case,
        unmoved,
        mut entries,
        enqueue,
        finish,
        essential,
        terms,
    } = transaction;
    let last = entries.pop();
    let mut sealed = Vec::with_capacity(entries.len() + 1);
    for entry in entries {
        if entry.leaf.state.is_some() {
            return Err(invalid("only the last entry may name a state"));
        }
        sealed.push(seal(sealing, entry, |_| BTreeMap::new())?);
    }
    if let Some(mut last) = last {
        speak_for(&mut last.leaf, case.as_ref())?;
        let bind = |salt: &_| binds(salt, key.as_ref(), case.as_ref(), &enqueue);
        sealed.push(seal(sealing, last, bind)?);
    }
    Ok(Prepared {
        key,
        case,
        unmoved,
        entries: sealed,
        enqueue,
        finish,
        essential,
        terms,
    })
}

fn check(transaction: &Transaction) -> Result<(), CommitError> {
    let Transaction {
        key,
        case,
        unmoved: _,
        entries,
        enqueue,
        finish: _,
        essential: _,
        terms,
    } = transaction;
    if entries.is_empty() && (case.is_some() || !enqueue.is_empty() || !terms.is_empty()) {
        return Err(invalid(
            "a case change, a job or a personal value needs an entry that says so",
        ));
    }
    if key.is_some() && case.is_none() {
        return Err(invalid("a request key needs a case to lead to"));
    }
    if enqueue.len() > MAX_JOBS {
        return Err(invalid("more than 256 jobs"));
    }
    let blobs = entries.iter().map(|entry| entry.record.len());
    let mut blobs = blobs.chain(enqueue.iter().map(|job| job.body.len()));
    if blobs.any(|length| length > MAX_BLOB_BYTES) {
        return Err(invalid("a record or job is longer than 16 MiB"));
    }
    if entries.iter().any(|entry| !entry.leaf.binds.is_empty()) {
        return Err(invalid("the store alone writes `binds`"));
    }
    Ok(())
}

/// Makes the last leaf name the case and its state.
fn speak_for(leaf: &mut Leaf, case: Option<&CaseChange>) -> Result<(), CommitError> {
    let Some(case) = case else {
        return if leaf.state.is_some() {
            Err(invalid("an entry names a state but no case changes"))
        } else {
            Ok(())
        };
    };
    for (field, value) in [
        (&mut leaf.case, case.id.as_str()),
        (&mut leaf.state, column::state_name(case.state)),
    ] {
        if field.get_or_insert_with(|| value.to_owned()) != value {
            return Err(invalid("the last entry names another case or state"));
        }
    }
    Ok(())
}

/// The salt of what a leaf binds. Unlike the salt of the record, from which it is
/// made, it need not be secret: the rows it opens lie beside it.
pub(crate) fn open_salt(salt: &[u8; 32]) -> [u8; 32] {
    Hash::commit("binds", salt, &[]).0
}

/// Seals an entry under a key of its own.
fn seal(
    (vault, fields): Sealing<'_>,
    Entry { mut leaf, record }: Entry,
    binds: impl FnOnce(&[u8; 32]) -> BTreeMap<String, Vec<Hash>>,
) -> Result<Sealed, CommitError> {
    let drawn = Drawn::draw()?;
    let salt = open_salt(&drawn.salt);
    leaf.binds = binds(&salt);
    if let Some(take_apart) = fields {
        // Under the secret: what they commit to is not beside them, but sealed.
        leaf.bind_fields(&Fields::of(take_apart, &leaf, &record, &drawn.salt));
    }
    let written = leaf
        .seal(&record, &drawn.salt)
        .map_err(|error| invalid(&error.to_string()))?;
    Ok(Sealed {
        leaf,
        leaf_hash: written.leaf_hash,
        leaf_bytes: written.leaf_bytes,
        salt,
        locked: drawn.seal(vault, &record)?,
    })
}

/// What the last leaf commits to besides its record.
fn binds(
    salt: &[u8; 32],
    key: Option<&RequestKey>,
    case: Option<&CaseChange>,
    jobs: &[NewJob],
) -> BTreeMap<String, Vec<Hash>> {
    let mut binds = BTreeMap::new();
    if let Some(case) = case {
        let image = case_image(case, next_version(case.expected));
        binds.insert("case".into(), vec![Hash::commit("case", salt, &image)]);
        if let Some(key) = key {
            let image = key_image(key, &case.id);
            binds.insert("key".into(), vec![Hash::commit("key", salt, &image)]);
        }
    }
    if !jobs.is_empty() {
        let commitments = jobs
            .iter()
            .map(|job| {
                let image = job_image(&job.case, &job.step, &job.target, job.urgency, &job.body);
                Hash::commit("job", salt, &image)
            })
            .collect();
        binds.insert("job".into(), commitments);
    }
    binds
}

/// A case as committed to. `expected` is not part of it, the version is.
pub(crate) fn case_image(case: &CaseChange, version: u64) -> Vec<u8> {
    image(&[
        Some(case.id.as_str().as_bytes()),
        Some(&version.to_be_bytes()),
        Some(column::state_name(case.state).as_bytes()),
        Some(case.issuing.0.as_str().as_bytes()),
        Some(case.executing.0.as_str().as_bytes()),
        case.instrument.as_ref().map(|id| id.as_str().as_bytes()),
        case.outcome
            .map(|outcome| column::outcome_name(outcome).as_bytes()),
        Some(&[u8::from(case.exercise)]),
        Some(&column::rank(case.urgency).to_be_bytes()),
        Some(case.owner.as_bytes()),
        Some(case.request_id.as_str().as_bytes()),
        case.wake_at
            .map(|at| at.as_microsecond().to_be_bytes())
            .as_ref()
            .map(<[u8; 8]>::as_slice),
        column::reviewers(&case.reviewers)
            .as_deref()
            .map(str::as_bytes),
        case.team.as_ref().map(|team| team.as_str().as_bytes()),
    ])
}

/// A request key as committed to.
pub(crate) fn key_image(key: &RequestKey, case: &CaseId) -> Vec<u8> {
    image(&[
        Some(key.caller.as_bytes()),
        Some(key.request_id.as_str().as_bytes()),
        Some(&key.digest.0),
        Some(case.as_str().as_bytes()),
    ])
}

/// A job as committed to. When it is due may change.
pub(crate) fn job_image(
    case: &CaseId,
    step: &str,
    target: &JurisdictionCode,
    urgency: Urgency,
    body: &[u8],
) -> Vec<u8> {
    image(&[
        Some(case.as_str().as_bytes()),
        Some(step.as_bytes()),
        Some(target.as_str().as_bytes()),
        Some(&column::rank(urgency).to_be_bytes()),
        Some(body),
    ])
}

/// Fields one after another, each with its length, so that no two lists of
/// fields have one image.
fn image(fields: &[Option<&[u8]>]) -> Vec<u8> {
    let mut image = Vec::new();
    for field in fields {
        match field {
            None => image.push(0),
            Some(bytes) => {
                image.push(1);
                image.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
                image.extend_from_slice(bytes);
            }
        }
    }
    image
}

impl From<VaultError> for CommitError {
    fn from(error: VaultError) -> Self {
        match error {
            VaultError::Randomness => Self::Unavailable(Unavailable::Randomness),
            VaultError::File { ref source, .. } if source.kind() == ErrorKind::StorageFull => {
                Self::Unavailable(Unavailable::DiskFull)
            }
            VaultError::File { .. }
            | VaultError::Malformed { .. }
            | VaultError::OnToken { .. }
            | VaultError::Token(_) => Self::Keys(told(&error)),
        }
    }
}

/// An error with all its causes.
pub(crate) fn told(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn invalid(what: &str) -> CommitError {
    CommitError::Invalid(what.to_owned())
}
