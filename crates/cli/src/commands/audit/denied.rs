//! Flaws that are none: the file is there, and not for whoever verifies to read.

use std::{
    fs::{self, File},
    io,
    path::{Component, Path, PathBuf},
};

use comity_ledger::Flaw;

use crate::exit::Failure;

/// What was found of what lies in these folders, unless the file that its flaw is of is not for
/// whoever verifies to read. Only for folders whose files a gateway names: whoever made a
/// bundle names those in it as they like, and a flaw of one is a flaw.
pub(super) fn unless_denied<T>(
    folders: &[&Path],
    found: Result<T, Flaw>,
) -> Result<Result<T, Flaw>, Failure> {
    match found
        .as_ref()
        .err()
        .and_then(|flaw| denied(folders, flaw, open))
    {
        None => Ok(found),
        Some(file) => {
            let file = file.display();
            Err(format!("`{file}` cannot be read: verify as the user whose it is").into())
        }
    }
}

fn denied(
    folders: &[&Path],
    flaw: &Flaw,
    open: impl Fn(&Path) -> io::Result<()>,
) -> Option<PathBuf> {
    let mut files = folders
        .iter()
        .filter_map(|folder| below(folder, &flaw.file));
    let is_denied = |file: &PathBuf| {
        open(file).is_err_and(|error| error.kind() == io::ErrorKind::PermissionDenied)
    };
    files.find(is_denied)
}

/// The file of a name in a folder; none where the name leads out of it.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    // Flaws name what lies outside the data folder, as evidence may, by the whole path.
    let name = Path::new(name);
    let name = name.strip_prefix(folder).unwrap_or(name);
    let stays = |part| matches!(part, Component::Normal(_) | Component::CurDir);
    name.components().all(stays).then(|| folder.join(name))
}

fn open(file: &Path) -> io::Result<()> {
    let found = fs::metadata(file)?;
    // Of a pipe, whoever writes to it would be waited for.
    match found.is_file() || found.is_dir() {
        true => File::open(file).map(drop),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which file is denied to who may read nothing at all.
    fn check(file: &str, expected: Option<&str>) {
        let folders = [Path::new("/data"), Path::new("/elsewhere/items")];
        let flaw = Flaw::of(file, "cannot be read", "it proves nothing");
        let nothing = |_: &Path| Err(io::ErrorKind::PermissionDenied.into());
        let found = denied(&folders, &flaw, nothing);
        assert_eq!(found.as_deref(), expected.map(Path::new), "{file}");
        assert_eq!(denied(&folders, &flaw, |_| Ok(())), None, "{file}");
        let gone = |_: &Path| Err(io::ErrorKind::NotFound.into());
        assert_eq!(denied(&folders, &flaw, gone), None, "{file}");
    }

    #[test]
    fn only_what_lies_in_the_folders_is_asked_for() {
        check("comity.db", Some("/data/comity.db"));
        check("ledger/checkpoint", Some("/data/ledger/checkpoint"));
        check(".", Some("/data"));
        check("/data/vault.key", Some("/data/vault.key"));
        check("/elsewhere/items/a/0", Some("/elsewhere/items/a/0"));
        check("/etc/shadow", None);
        check("../etc/shadow", None);
        check("ledger/../../etc/shadow", None);
        check("/data/../etc/shadow", None);
    }

    #[test]
    fn a_flaw_of_what_can_be_read_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("verifier"), "").unwrap();
        for file in ["verifier", "missing"] {
            let flaw = Flaw::of(file, "is not as it was", "it proves nothing");
            let found: Result<(), _> = Err(flaw.clone());
            assert_eq!(unless_denied(&[folder.path()], found).unwrap(), Err(flaw));
        }
    }
}
