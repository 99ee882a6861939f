//! Whose log a folder holds: the keys beside it, which it was begun with.

use std::path::Path;

use crate::{
    Key, PublishError, VerifierKey,
    layout::{self, Entered, SECOND_VERIFIER, VERIFIER},
    publish::at,
};

/// Marks the folder as these keys', or checks that it is. The mark comes last: where it
/// is, the folder is there for good. The second key may come later.
pub(crate) fn claim(entered: &mut Entered, dir: &Path, key: &Key) -> Result<(), PublishError> {
    let text = format!("{}\n", key.verifier());
    if let Some(found) = take(entered, dir, (VERIFIER, &text))? {
        let found: VerifierKey = found.parse().map_err(PublishError::Verifier)?;
        return Err(PublishError::OtherKey {
            expected: found.to_string(),
        });
    }
    let Some(second) = key.second() else {
        return Ok(());
    };
    let text = format!("{}\n", second.verifier());
    match take(entered, dir, (SECOND_VERIFIER, &text))? {
        None => Ok(()),
        Some(_) => Err(PublishError::OtherSecondKey),
    }
}

/// Writes a text where there is none, and makes sure that it lasts; answers what else is
/// there.
fn take(
    entered: &mut Entered,
    dir: &Path,
    (path, text): (&str, &str),
) -> Result<Option<String>, PublishError> {
    let Some(found) = layout::read_if_present(dir, path).map_err(at(path))? else {
        layout::create(dir).map_err(at(""))?;
        layout::write_under(entered, dir, path, text.as_bytes()).map_err(at(path))?;
        return Ok(None);
    };
    let found = String::from_utf8_lossy(&found);
    if found.trim_end() != text.trim_end() {
        return Ok(Some(found.into_owned()));
    }
    layout::confirm(entered, dir, path).map_err(at(path))?;
    Ok(None)
}
