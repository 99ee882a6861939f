//! When a ledger said what it says, as authorities outside have it: told by `comity
//! audit verify`.

use std::{fs, path::Path};

use comity_ledger::{
    Flaw, Roots, Timestamped, Token, VerifierKey, roots_beside, verify_timestamps,
};
use serde_json::{Value, json};

use super::cosigned::Told;

/// What a missing timestamp means to whoever relies on the ledger.
const UNTIMED: &str = "as far as is shown, the ledger may have been written later than it says";

/// Checks the timestamps kept beside the ledger in `dir`. Without roots those beside it
/// are used, and there need be no timestamp yet; nothing where there are none.
pub(super) fn beside(
    dir: &Path,
    key: &VerifierKey,
    given: Option<&Roots>,
) -> Result<Option<Told>, Flaw> {
    let roots = match given {
        Some(roots) => Some(roots.clone()),
        None => roots_beside(dir)?,
    };
    let Some(roots) = roots else {
        return Ok(None);
    };
    let Some(found) = verify_timestamps(dir, key, &roots)? else {
        return none("timestamps", given);
    };
    let Timestamped {
        checkpoints,
        size,
        newest: Token { by, at, bytes: _ },
    } = found;
    let line = format!(
        "timestamped by {by} at {at}: {checkpoints} checkpoints, newest covers entry {}",
        size.saturating_sub(1)
    );
    let value = json!({
        "by": by, "at": at.to_string(), "checkpoints": checkpoints, "size": size,
    });
    Ok(Some(Told(line, value)))
}

/// Tells of the timestamp over one checkpoint, where it has one.
pub(super) fn over(
    file: &str,
    token: Option<&Token>,
    given: Option<&Roots>,
) -> Result<Option<Told>, Flaw> {
    let Some(Token { by, at, bytes: _ }) = token else {
        return none(file, given);
    };
    let whose = match given {
        Some(_) => "",
        None => ", by roots that came with it: name yours with --authorities",
    };
    let line = format!("its checkpoint is timestamped by {by} at {at}{whose}");
    Ok(Some(Told(line, json!({"by": by, "at": at.to_string()}))))
}

/// Reads root certificates from a file.
pub(super) fn read_roots(path: &str) -> Result<Roots, String> {
    let pem = fs::read(path).map_err(|error| error.to_string())?;
    Roots::read(&pem).map_err(|error| error.to_string())
}

/// Who names roots wants a timestamp.
fn none(file: &str, given: Option<&Roots>) -> Result<Option<Told>, Flaw> {
    match given {
        Some(_) => Err(Flaw::of(file, "no checkpoint is timestamped", UNTIMED)),
        None if file == "timestamps" => Ok(Some(Told(
            "no checkpoint is timestamped yet".to_owned(),
            Value::Null,
        ))),
        None => Ok(None),
    }
}
