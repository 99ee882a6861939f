//! `[keys]`: the token that keeps the key to the records.

use std::path::PathBuf;

use comity_store::KeyToken;
use serde::Deserialize;
use toml::Spanned;

use super::file::Mistakes;

/// Longest label of a token, bytes: PKCS#11.
const LABEL_MAX: usize = 32;

/// `[keys]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeysFile {
    module: PathBuf,
    token: Spanned<String>,
    pin_file: PathBuf,
}

impl KeysFile {
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<KeyToken> {
        let Self {
            module,
            token,
            pin_file,
        } = self;
        let label = token.get_ref();
        // Tokens fill their labels up with spaces.
        if label.is_empty() || label.len() > LABEL_MAX || label.ends_with(' ') {
            let expected = "the label of a token: 1 to 32 bytes, without a space at the end";
            return mistakes.expected("keys.token", &token, expected);
        }
        Some(KeyToken {
            module: mistakes.resolve(&module),
            token: token.into_inner(),
            pin_file: mistakes.resolve(&pin_file),
        })
    }
}
