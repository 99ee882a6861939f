//! What lies at the top of a data folder, or among the policy bundles kept in it, and no
//! gateway makes. Ledger and evidence know what is theirs themselves.

use std::{fs, io, path::Path};

use comity_evidence::Place;

use crate::{
    check::KEYS,
    policies::{BUNDLES, not_kept},
    witness,
};

/// Folders of a gateway, besides those of its store.
const FOLDERS: [&str; 3] = [BUNDLES, witness::MEMORY, "evidence"];

/// What the names of files begin with that are keys once they are whole.
const DRAFT: &str = ".tmp";

/// What file systems have at their top: a disk may be mounted there.
const OF_DISK: &str = "lost+found";

/// Paths of it, ascending. Segments of evidence lie in `place`, which may be a folder there.
///
/// # Errors
/// When a folder cannot be listed.
pub fn foreign(data: &Path, place: &Place) -> io::Result<Vec<String>> {
    let items = match place {
        Place::Folder(folder) => folder.canonicalize().ok(),
        Place::Url(_) => None,
    };
    let holds_items = |folder: &Path| {
        let folder = folder.canonicalize().ok();
        let both = items.as_ref().zip(folder);
        both.is_some_and(|(items, folder)| items.starts_with(folder))
    };
    let mut found = not_kept(data)?;
    for entry in fs::read_dir(data)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let is_folder = entry.file_type()?.is_dir();
        if is_ours(&name) || (is_folder && holds_items(&entry.path())) {
            continue;
        }
        found.push(name);
    }
    found.sort_unstable();
    Ok(found)
}

fn is_ours(name: &str) -> bool {
    // Until they are whole, the store's files have a dot before their names.
    let whole = name.strip_prefix('.').unwrap_or(name);
    comity_store::FILES.contains(&whole)
        || FOLDERS.contains(&name)
        || KEYS.iter().any(|(key, _)| *key == name)
        || name.starts_with(DRAFT)
        || name == OF_DISK
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUNDLE: &str = "bundles/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn what_no_gateway_makes_is_told_from_what_it_does() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path();
        let in_bundle = |path: &str| format!("{BUNDLE}/{path}");
        let ours = [
            "comity.db",
            "comity.db-wal",
            "lock",
            "vault.key",
            "vault.next",
            "ledger.key",
            "ledger-ml-dsa.key",
            "witnessed",
            ".witnessed",
            ".tmpAb3",
            "lost+found/1",
            "ledger/foo",
            "evidence/foo",
            "witness/foo",
            "elsewhere/items/foo",
            "bundles/.staged-x/foo",
        ];
        let of_bundle = [
            "bundle.sig",
            "module.yaml",
            "instruments/eio/form.schema.json",
        ];
        let foreign_there = ["foo", ".bar", ".lock.swp", "comity.db.bak", "folder/foo"];
        let foreign_among = ["bundles/foo", "bundles/0123/module.yaml"];
        let foreign_in = [
            "foo",
            ".module.yaml",
            "instruments/bundle.sig",
            "a/b/c/module.yaml",
        ];
        let all = [&ours[..], &foreign_there, &foreign_among].concat();
        let all = all.into_iter().map(str::to_owned);
        let kept = of_bundle.into_iter().chain(foreign_in).map(in_bundle);
        for path in all.chain(kept) {
            let path = data.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        std::os::unix::fs::symlink("module.yaml", data.join(in_bundle("link.yaml"))).unwrap();
        let mut expected = vec![
            ".bar".to_owned(),
            ".lock.swp".to_owned(),
            "bundles/0123".to_owned(),
            in_bundle(".module.yaml"),
            in_bundle("a/b/c"),
            in_bundle("foo"),
            in_bundle("instruments/bundle.sig"),
            in_bundle("link.yaml"),
            "bundles/foo".to_owned(),
            "comity.db.bak".to_owned(),
            "folder".to_owned(),
            "foo".to_owned(),
        ];
        let place = Place::Folder(data.join("elsewhere/items"));
        assert_eq!(foreign(data, &place).unwrap(), expected);
        // Where evidence is said to lie elsewhere, that folder is none of a gateway's.
        expected.insert(10, "elsewhere".to_owned());
        let place = Place::in_data(data);
        assert_eq!(foreign(data, &place).unwrap(), expected);
    }
}
