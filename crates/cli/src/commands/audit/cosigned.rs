//! What witnesses say of a ledger, as `comity audit verify` tells it.

use std::path::Path;

use comity_ledger::{
    Checkpoint, Cosignature, Flaw, Policy, VerifierKey, policy_beside, read_regular_text,
    verify_cosignatures,
};
use serde_json::{Value, json};

use super::GIVEN_BYTES_MAX;

/// What missing cosignatures mean to whoever relies on the ledger.
const UNWITNESSED: &str = "as far as is shown, the ledger may tell others another story";

/// A line for people, a value for machines.
pub(super) struct Told(pub(super) String, pub(super) Value);

/// Checks the cosignatures kept beside the ledger in `dir`. Without a policy the one
/// beside it is used, which need not be met yet; nothing where there is none.
pub(super) fn beside(
    dir: &Path,
    key: &VerifierKey,
    given: Option<&Policy>,
) -> Result<Option<Told>, Flaw> {
    let policy = match given {
        Some(policy) => Some(policy.clone()),
        None => policy_beside(dir)?,
    };
    let Some(policy) = policy else {
        return Ok(None);
    };
    let found = verify_cosignatures(dir, key, &policy)?;
    match found.newest {
        Some((checkpoint, by)) => Ok(Some(told(&checkpoint, &by, &policy))),
        None => {
            let what = format!("no checkpoint is cosigned by {}", demanded(&policy));
            match given {
                Some(_) => Err(Flaw::of("cosignatures", what, UNWITNESSED)),
                None => Ok(Some(Told(what, Value::Null))),
            }
        }
    }
}

/// Checks the cosignatures under a checkpoint, where a policy is given.
pub(super) fn under(
    file: &str,
    checkpoint: &Checkpoint,
    given: Option<&Policy>,
) -> Result<Option<Told>, Flaw> {
    let Some(policy) = given else {
        return Ok(None);
    };
    let by = policy
        .cosigned(checkpoint)
        .map_err(|error| Flaw::of(file, error.to_string(), UNWITNESSED))?;
    Ok(Some(told(checkpoint, &by, policy)))
}

/// Reads a policy from a file.
pub(super) fn read_policy(path: &str) -> Result<Policy, String> {
    let text =
        read_regular_text(Path::new(path), GIVEN_BYTES_MAX).map_err(|error| error.to_string())?;
    Policy::read(&text).map_err(|error| error.to_string())
}

fn told(checkpoint: &Checkpoint, by: &[Cosignature], policy: &Policy) -> Told {
    if policy.witnesses.is_empty() {
        let line = "no cosignature was looked at: the policy names no witness and demands none";
        let value = json!({"size": checkpoint.size, "by": [], "required": 0});
        return Told(line.to_owned(), value);
    }
    let names: Vec<_> = by
        .iter()
        .map(|one| format!("{} at {}", one.by.name(), one.at))
        .collect();
    let names = match names.as_slice() {
        [] => "nobody".to_owned(),
        names => names.join(", "),
    };
    let witnesses: Vec<_> = by
        .iter()
        .map(|one| json!({"witness": one.by.to_string(), "at": one.at.to_string()}))
        .collect();
    let line = format!(
        "its first {} entries are cosigned by {}; demanded: {}",
        checkpoint.size,
        names,
        demanded(policy)
    );
    let value = json!({
        "size": checkpoint.size, "by": witnesses, "required": policy.required,
    });
    Told(line, value)
}

fn demanded(policy: &Policy) -> String {
    format!(
        "{} of {} witnesses",
        policy.required,
        policy.witnesses.len()
    )
}
