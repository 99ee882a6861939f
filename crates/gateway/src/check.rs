//! What is wrong with settings that can be read: files, keys and certificates that they name,
//! and what the law does not know. Nothing is changed by looking.

use std::{
    fs, iter,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use comity_evidence::KEY_FILE;
use comity_ledger::{Cosigner, Key, KeyError, MlDsaKey};
use comity_policy::Library;
use comity_store::{DATABASE, VAULT};
use jiff::Timestamp;

use crate::{
    causes::told,
    clocks::day,
    config::{Config, Tls},
    identity::{Caller, Role},
    signatures::Signatures,
    start::{LEDGER_KEY, SECOND_KEY, StartError},
    tls::{Material, TlsError, valid_from},
    witness,
};

/// Keys in the data folder, and what each does.
pub(crate) const KEYS: [(&str, &str); 5] = [
    (VAULT, "opens the records"),
    (KEY_FILE, "opens items of evidence"),
    (LEDGER_KEY, "signs the ledger"),
    (SECOND_KEY, "signs it with ML-DSA-44"),
    (witness::KEY, "cosigns the ledgers of peers"),
];
/// What group and others may do to a file: read or write it.
const OTHERS: u32 = 0o066;
/// The same of a file of root's, but for its group's reading: so secrets are mounted for a
/// service that is not root.
const OTHERS_THAN_GROUP: u32 = 0o026;

/// One thing wrong with settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The table and key that it is about, such as `tls.key`.
    pub setting: &'static str,
    /// Of several tables of one name, which, from 0.
    pub nth: usize,
    /// What is wrong and what to do.
    pub message: String,
}

impl Wrong {
    fn new(setting: &'static str, message: String) -> Self {
        Self {
            setting,
            nth: 0,
            message,
        }
    }
}

/// Everything wrong with what is named in files: a gateway does not start so.
#[must_use]
pub fn files(config: &Config) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    tls(config, &mut wrong);
    secrets(config, &mut wrong);
    outside(config, &mut wrong);
    let data = &config.data;
    if data.exists() && !data.is_dir() {
        let message = format!("`{}` is no folder: name one, or nothing", data.display());
        wrong.push(Wrong::new("gateway.data", message));
    } else if data.is_dir()
        && let Err(error) = tempfile::tempfile_in(data)
    {
        let message = format!("`{}` cannot be written to: {error}", data.display());
        wrong.push(Wrong::new("gateway.data", message));
    }
    wrong
}

/// What the law does not know: nothing is ever delivered there, or kept for so long.
#[must_use]
pub fn law(config: &Config, library: &Library) -> Vec<Wrong> {
    let mut wrong = Vec::new();
    let mut note = |setting, nth, message| {
        wrong.push(Wrong {
            setting,
            nth,
            message,
        });
    };
    for (nth, backend) in config.backends.iter().enumerate() {
        let state = &backend.jurisdiction;
        if !library.jurisdictions().any(|known| known.code == state) {
            let message = format!("no policy module is of `{state}`: nothing is delivered there");
            note("backend.jurisdiction", nth, message);
        }
    }
    for (nth, class) in config.retention.iter().enumerate() {
        if let Some(instrument) = &class.instrument
            && !library.instruments().any(|known| known.id == instrument)
        {
            let message =
                format!("no policy module is of `{instrument}`: no case is of this class");
            note("retention.instrument", nth, message);
        }
    }
    wrong
}

/// Everything wrong with the policy files, or the law that they are.
///
/// # Errors
/// [`Wrong`] with the full report.
pub fn policies(config: &Config, now: Timestamp) -> Result<Library, Wrong> {
    let folder = &config.policies.folder;
    let wrong = |why: String| Wrong::new("policies.folder", why);
    let library = Library::load(folder).map_err(|report| wrong(format!("\n{report}")))?;
    if let Some(signers) = &config.policies.signers {
        let checked = Signatures::read(folder)
            .and_then(|signatures| signers.check(signatures.as_ref(), library.digest(), day(now)));
        checked.map_err(|error| wrong(error.to_string()))?;
    }
    Ok(library)
}

fn tls(config: &Config, wrong: &mut Vec<Wrong>) {
    let files = &config.tls;
    let named = [
        ("tls.certificate", &files.certificate),
        ("tls.key", &files.key),
        ("tls.client_ca", &files.client_ca),
    ];
    let lists = files.revocation_lists.iter();
    let lists = lists.map(|list| ("tls.revocation_lists", list));
    let before = wrong.len();
    for (setting, path) in named.into_iter().chain(lists) {
        let what = match (path.is_file(), path.is_dir()) {
            (true, _) => continue,
            (false, true) => "this is a folder, and a file is expected",
            (false, false) => "there is no such file",
        };
        let message = format!("`{setting}` is `{}`: {what}", path.display());
        wrong.push(Wrong::new(setting, message));
    }
    if wrong.len() > before {
        return;
    }
    let loaded = Material::load(files);
    let own = loaded
        .as_ref()
        .ok()
        .and_then(Material::own)
        .map(<[u8]>::to_vec);
    if let Err(error) = loaded.and_then(Material::in_force) {
        let setting = of(&error, &named);
        wrong.push(Wrong::new(setting, told(&error)));
    }
    let Some(own) = own else {
        return;
    };
    if let Some(message) = no_gateways(&own, files, &config.trust_domain) {
        wrong.push(Wrong::new("tls.certificate", message));
    }
}

/// Says so of a certificate that does not name a gateway of the trust domain, or not yet.
fn no_gateways(own: &[u8], files: &Tls, trust_domain: &str) -> Option<String> {
    let shown = files.certificate.display();
    let from = valid_from(own).filter(|from| *from > Timestamp::now());
    if let Some(from) = from {
        return Some(format!("`{shown}` is not valid before {from}"));
    }
    match Caller::from_certificate(own, trust_domain) {
        Ok(Caller {
            role: Role::Gateway,
            ..
        }) => None,
        Ok(Caller { role, .. }) => Some(format!(
            "`{shown}` has the role `{role}`, and a gateway's own has `gateway`"
        )),
        Err(error) => Some(format!(
            "`{shown}` does not name a gateway of `{trust_domain}`: {error}"
        )),
    }
}

/// Why TLS material that can be used is not to be used here: what a start refuses, a gateway
/// that runs does not take either.
pub(crate) fn unfit(own: &[u8], files: &Tls, trust_domain: &str) -> Option<String> {
    no_gateways(own, files, trust_domain).or_else(|| open_to_others(&files.key))
}

/// What those outside are believed by, and what a token is opened with.
fn outside(config: &Config, wrong: &mut Vec<Wrong>) {
    let authorities = config.timestamps.iter().flat_map(|one| &one.authorities);
    let mut named = Vec::new();
    for (nth, authority) in authorities.enumerate() {
        let certificate = ("timestamps.authority.certificate", &authority.certificate);
        let web = authority.web_ca.iter();
        let web = web.map(|path| ("timestamps.authority.web_ca", path));
        named.extend(iter::once(certificate).chain(web).map(|one| (nth, one)));
    }
    for (nth, witness) in config.witnesses.outside.iter().enumerate() {
        let web = witness.web_ca.iter();
        named.extend(web.map(|path| (nth, ("witness.web_ca", path))));
    }
    let pin = config.keys.iter();
    named.extend(pin.map(|token| (0, ("keys.pin_file", &token.pin_file))));
    for (nth, (setting, path)) in named {
        if let Err(error) = fs::File::open(path) {
            wrong.push(Wrong {
                setting,
                nth,
                message: format!("`{}` cannot be read: {error}", path.display()),
            });
        }
    }
    let key = config.data.join(LEDGER_KEY);
    if config.data.join(DATABASE).exists() && !key.exists() {
        let message = told(&StartError::Lost(key));
        wrong.push(Wrong::new("gateway.data", message));
    }
}

/// The setting that names the file an error is about.
fn of(error: &TlsError, named: &[(&'static str, &PathBuf); 3]) -> &'static str {
    let path = error.path();
    let mut named = named.iter();
    let found = named.find(|(_, named)| Some(named.as_path()) == path);
    found.map_or("tls.revocation_lists", |(setting, _)| setting)
}

fn secrets(config: &Config, wrong: &mut Vec<Wrong>) {
    let kept = KEYS.map(|(key, _)| ("gateway.data", config.data.join(key)));
    let pin = config.keys.iter();
    let pin = pin.map(|token| ("keys.pin_file", token.pin_file.clone()));
    let tls = ("tls.key", config.tls.key.clone());
    for (setting, path) in kept.into_iter().chain(pin).chain([tls]) {
        if let Some(message) = open_to_others(&path) {
            wrong.push(Wrong::new(setting, message));
        }
    }
    let at = |name: &str| config.data.join(name);
    let read: [(&str, Option<KeyError>); 3] = [
        (LEDGER_KEY, Key::load(&at(LEDGER_KEY)).err()),
        (SECOND_KEY, MlDsaKey::load(&at(SECOND_KEY)).err()),
        (witness::KEY, Cosigner::load(&at(witness::KEY)).err()),
    ];
    for (name, error) in read {
        if let Some(error) = error.filter(|_| at(name).exists()) {
            wrong.push(Wrong::new("gateway.data", told(&error)));
        }
    }
}

/// Says so of a secret that others than its owner can read or write.
fn open_to_others(path: &Path) -> Option<String> {
    let file = fs::metadata(path).ok()?;
    is_open(file.uid(), file.mode()).then(|| {
        let (shown, mode) = (path.display(), file.mode() & 0o777);
        format!(
            "`{shown}` is a secret that others than its owner can read or write (mode \
             {mode:04o}): chmod 600 {shown}"
        )
    })
}

fn is_open(owner: u32, mode: u32) -> bool {
    let closed_to = match owner {
        0 => OTHERS_THAN_GROUP,
        _ => OTHERS,
    };
    mode & closed_to != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mounted_secret_may_be_read_by_the_group_of_its_service() {
        for (owner, mode, open) in [
            (1000, 0o100_600, false),
            (1000, 0o100_640, true),
            (0, 0o100_440, false),
            (0, 0o100_640, false),
            (0, 0o100_660, true),
            (0, 0o100_444, true),
        ] {
            assert_eq!(is_open(owner, mode), open, "{owner} {mode:o}");
        }
    }
}
