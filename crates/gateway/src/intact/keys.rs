//! The keys in a data folder: what is there is what it was. Copies may be without them.

use std::{io::ErrorKind, path::Path};

use comity_ledger::{Cosigner, Flaw, Key, KeyError, MlDsaKey, second_beside};
use comity_store::{Report, VAULT};

use crate::{
    causes::told,
    start::{LEDGER_KEY, SECOND_KEY},
    witness,
};

const UNSIGNED: &str = "a gateway signs no more in this folder: restore it from a copy";
const SEALED: &str = "no record opens any more: restore it from a copy";
const UNWITNESSED: &str = "peers take no more cosignatures by this gateway: restore it from a copy";

/// Verifies that each key which is there is the ledger's or the gateway's own; answers the
/// names of those that are missing. In a gateway's `own` folder none may be.
pub(super) fn verify(data: &Path, report: &Report, own: bool) -> Result<Vec<&'static str>, Flaw> {
    let name = report.key.name();
    let mut missing = Vec::new();
    let mut lacks = |file: &'static str, meaning| {
        if data.join(file).exists() {
            return Ok(false);
        }
        missing.push(file);
        match own {
            true => Err(Flaw::of(file, "is missing", meaning)),
            false => Ok(true),
        }
    };
    if !lacks(VAULT, SEALED)? && own && !report.opened {
        let what = "is kept by a token, and the settings name none under `[keys]`";
        return Err(Flaw::of(VAULT, what, SEALED));
    }
    if !lacks(LEDGER_KEY, UNSIGNED)? {
        let key = readable(LEDGER_KEY, Key::load(&data.join(LEDGER_KEY)), UNSIGNED)?;
        same(
            LEDGER_KEY,
            key.is_none_or(|key| *key.verifier() == report.key),
        )?;
    }
    // There was none where checkpoints are signed once.
    let second = data.join(SECOND_KEY);
    if second.exists() {
        let key = readable(SECOND_KEY, MlDsaKey::load(&second), UNSIGNED)?;
        let beside = second_beside(&data.join("ledger"))?;
        let is_it = |key: MlDsaKey| beside.is_none_or(|beside| *key.verifier() == beside);
        same(SECOND_KEY, key.is_none_or(is_it))?;
    }
    if !lacks(witness::KEY, UNWITNESSED)? {
        let name = witness::name(name);
        let key = Cosigner::load(&data.join(witness::KEY));
        let key = readable(witness::KEY, key, UNWITNESSED)?;
        same(witness::KEY, key.is_none_or(|key| key.key().name() == name))?;
    }
    Ok(missing)
}

/// A key; `None` where it is not for whoever verifies to read.
fn readable<K>(
    file: &str,
    key: Result<K, KeyError>,
    meaning: &'static str,
) -> Result<Option<K>, Flaw> {
    match key {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::File { source, .. }) if source.kind() == ErrorKind::PermissionDenied => {
            Ok(None)
        }
        Err(error) => Err(Flaw::of(file, told(&error), meaning)),
    }
}

fn same(file: &str, same: bool) -> Result<(), Flaw> {
    match same {
        true => Ok(()),
        false => Err(Flaw::of(file, "is not the key of this ledger", UNSIGNED)),
    }
}
