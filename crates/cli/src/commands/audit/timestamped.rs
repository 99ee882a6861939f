//! When a ledger said what it says, as authorities outside have it: told by `comity
//! audit verify`.

use std::path::Path;

use comity_ledger::{
    Flaw, Roots, Timestamped, Token, VerifierKey, latest, read_regular, roots_beside, verify_dates,
    verify_timestamps,
};
use serde_json::json;

use super::{GIVEN_BYTES_MAX, cosigned::Told};

/// What a missing timestamp means to whoever relies on the ledger.
const UNTIMED: &str = "as far as is shown, the ledger may have been written later than it says";

/// Checks the timestamps kept beside the ledger in `dir`, which was found in order. Roots
/// that are given want timestamps over all but the last hours, and entries dated as these
/// have it; without them those beside it are used, and there need be no timestamp yet;
/// nothing where there are none.
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
    let found = verify_timestamps(dir, key, &roots)?;
    // After the timestamps were read, so that none of them can be beyond it.
    let entries = latest(dir, key)?.size;
    if given.is_some() {
        let found = found.as_ref().ok_or_else(|| missing("timestamps"))?;
        verify_dates(dir, entries, found)?;
    }
    Ok(Some(tell(found.as_ref(), entries, given)))
}

/// Tells of the timestamps of a ledger with so many entries.
fn tell(found: Option<&Timestamped>, entries: u64, given: Option<&Roots>) -> Told {
    let size = found.map_or(0, Timestamped::size);
    let checkpoints = found.map_or(0, |found| found.times.len());
    let uncovered = entries.saturating_sub(size);
    let token = found.map(|found| &found.newest);
    let line = match token {
        Some(Token { by, at, bytes: _ }) => format!(
            "timestamped by {by} at {at}: {checkpoints} checkpoints, newest covers entry {}, \
             {uncovered} entries follow{}",
            size.saturating_sub(1),
            whose(given)
        ),
        None => format!("no checkpoint is timestamped yet, of {uncovered} entries"),
    };
    let value = json!({
        "by": token.map(|token| &token.by), "at": token.map(|token| token.at.to_string()),
        "checkpoints": checkpoints, "size": size, "uncovered": uncovered,
        "authorities": source(given),
    });
    Told(line, value)
}

/// Tells of the timestamp over one checkpoint, where it has one; roots that are given want
/// one.
pub(super) fn over(
    file: &str,
    token: Option<&Token>,
    given: Option<&Roots>,
) -> Result<Option<Told>, Flaw> {
    match (token, given) {
        (Some(Token { by, at, bytes: _ }), _) => {
            let line = format!(
                "its checkpoint is timestamped by {by} at {at}{}",
                whose(given)
            );
            let authorities = source(given);
            let value = json!({"by": by, "at": at.to_string(), "authorities": authorities});
            Ok(Some(Told(line, value)))
        }
        (None, Some(_)) => Err(missing(file)),
        (None, None) => Ok(None),
    }
}

/// Reads root certificates from a file.
pub(super) fn read_roots(path: &str) -> Result<Roots, String> {
    let pem = read_regular(Path::new(path), GIVEN_BYTES_MAX).map_err(|error| error.to_string())?;
    Roots::read(&pem).map_err(|error| error.to_string())
}

fn missing(file: &str) -> Flaw {
    Flaw::of(file, "no checkpoint is timestamped", UNTIMED)
}

/// For people, what roots are worth that nobody gave.
fn whose(given: Option<&Roots>) -> &'static str {
    match given {
        Some(_) => "",
        None => ", by roots that came with it: name yours with --authorities",
    }
}

/// For machines, where the roots are from.
fn source(given: Option<&Roots>) -> &'static str {
    match given {
        Some(_) => "given",
        None => "beside",
    }
}
