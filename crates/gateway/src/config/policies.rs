//! `[policies]`: where the rules are, and who must have signed them.

use std::{collections::BTreeSet, path::PathBuf};

use comity_ledger::VerifierKey;
use serde::Deserialize;
use toml::Spanned;

use super::{Policies, file::Mistakes};
use crate::signatures::Signers;

/// `[policies]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PoliciesFile {
    folder: PathBuf,
    #[serde(default)]
    signers: Vec<Spanned<String>>,
    required_signatures: Option<Spanned<usize>>,
}

impl PoliciesFile {
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Policies {
        let Self {
            folder,
            signers,
            required_signatures,
        } = self;
        let listed = signers.len();
        let first = signers.first().map(Spanned::span);
        let keys = keys(signers, mistakes);
        let signers = match (required_signatures, first) {
            (None, None) => None,
            (None, Some(span)) => mistakes.add(
                Some(span),
                "`policies.signers` are listed, but not how many must have signed: \
                 add `required_signatures`",
            ),
            (Some(required), _) if (1..=listed).contains(required.get_ref()) => Some(Signers {
                keys,
                required: required.into_inner(),
            }),
            (Some(required), _) => {
                let message = format!(
                    "`policies.required_signatures` is `{}`: expected at least 1 and at most \
                     the number of `policies.signers`, {listed}",
                    required.get_ref()
                );
                mistakes.add(Some(required.span()), &message)
            }
        };
        Policies {
            folder: mistakes.resolve(&folder),
            signers,
        }
    }
}

/// The signers' keys; those that cannot be used are left out, and the mistakes
/// say why.
fn keys(signers: Vec<Spanned<String>>, mistakes: &mut Mistakes<'_>) -> Vec<VerifierKey> {
    let (mut names, mut materials) = (BTreeSet::new(), BTreeSet::new());
    let mut keys = Vec::new();
    for written in signers {
        let Ok(key) = written.get_ref().parse::<VerifierKey>() else {
            let expected = "a verifier key `<name>+<id>+<key>`, as `comity keys signer` prints it";
            mistakes.expected::<()>("policies.signers", &written, expected);
            continue;
        };
        let new_name = names.insert(key.name().to_owned());
        let new_material = materials.insert(key.material().to_owned());
        if new_name && new_material {
            keys.push(key);
        } else {
            let message = format!(
                "signer `{}` has the name or the key of another one and would count twice: \
                 keep one",
                key.name()
            );
            mistakes.add::<()>(Some(written.span()), &message);
        }
    }
    keys
}
