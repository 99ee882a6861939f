//! Whether a ledger's second key signed its checkpoints too: told by `comity audit
//! verify`.

use std::path::Path;

use comity_ledger::{
    Checkpoint, Flaw, MlDsaVerifier, Seconded, VerifierKey, is_seconded, latest, second_beside,
    verify_seconded,
};
use serde_json::json;

use super::cosigned::Told;

/// What a missing second signature means to whoever demands it.
const UNSECONDED: &str = "whoever breaks the first signature alone could have made this";

/// Checks the second signatures of the ledger in `dir`. Without a key the one beside it
/// is used; nothing where there is none. By a key that is given the latest checkpoint
/// must be signed; by another one it is said where it is not.
pub(super) fn beside(
    dir: &Path,
    key: &VerifierKey,
    given: Option<&MlDsaVerifier>,
) -> Result<Option<Told>, Flaw> {
    let second = match given {
        Some(second) => Some(second.clone()),
        None => second_beside(dir)?,
    };
    let Some(second) = second else {
        return Ok(None);
    };
    let head = latest(dir, key)?;
    let signed = is_seconded("checkpoint", &head, &second)?;
    if given.is_some() && !signed {
        return Err(missing("checkpoint"));
    }
    let Seconded { checkpoints, size } = verify_seconded(dir, key, &second)?;
    let line = match size.checked_sub(1) {
        Some(last) => format!(
            "signed with ML-DSA-44 too: {checkpoints} checkpoints, newest covers entry {last}{}",
            if signed {
                ""
            } else {
                "; the latest checkpoint is not"
            }
        ),
        None => "no checkpoint with entries is signed with ML-DSA-44 yet".to_owned(),
    };
    let value = json!({"checkpoints": checkpoints, "size": size, "latest": signed});
    Ok(Some(Told(line, value)))
}

/// Checks the second signature under a checkpoint, where a key is given.
pub(super) fn under(
    file: &str,
    checkpoint: &Checkpoint,
    given: Option<&MlDsaVerifier>,
) -> Result<Option<Told>, Flaw> {
    let Some(second) = given else {
        return Ok(None);
    };
    if !is_seconded(file, checkpoint, second)? {
        return Err(missing(file));
    }
    let line = "its checkpoint is signed with ML-DSA-44 too".to_owned();
    Ok(Some(Told(line, json!({"size": checkpoint.size}))))
}

fn missing(file: &str) -> Flaw {
    Flaw::of(file, "is not signed by the ML-DSA-44 key", UNSECONDED)
}
