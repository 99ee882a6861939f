//! The files of a policy folder on which decisions depend: what must be handed
//! on so that others can see by which law a decision was made.

use std::{collections::BTreeMap, path::Path};

use comity_domain::{Digest, ModuleId};

use super::files::{Folder, Kind, digest_of};
use crate::diagnostic::Report;

/// See the module. Not read as law, only as text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DecidingFiles(BTreeMap<String, String>);

impl DecidingFiles {
    /// Those of a policy folder.
    ///
    /// # Errors
    /// Every file that cannot be read.
    pub fn read(dir: &Path) -> Result<Self, Report> {
        let mut found = Vec::new();
        let folder = Folder::read(dir, &mut found);
        if !found.is_empty() {
            return Err(Report::new(found));
        }
        let files = folder.files().filter(|file| file.kind.decides());
        let texts = files.map(|file| (file.source.path.to_string(), file.source.text.to_string()));
        Ok(Self(texts.collect()))
    }

    /// Adds a file; `None` where decisions depend on no file of this path.
    pub fn insert(&mut self, path: &str, text: String) -> Option<()> {
        Kind::of(path).filter(|kind| kind.decides())?;
        self.0.insert(path.to_owned(), text);
        Some(())
    }

    /// Paths and texts, in order of paths.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let files = self.0.iter();
        files.map(|(path, text)| (path.as_str(), text.as_str()))
    }

    /// The text of a file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        self.0.get(path).map(String::as_str)
    }

    /// SHA-256 of all of them: the digest of the bundle.
    #[must_use]
    pub fn digest(&self) -> Digest {
        digest_of(self.iter())
    }

    /// The folder of a module, with a `/` behind it.
    #[must_use]
    pub fn folder_of(module: &ModuleId) -> String {
        match module.as_str().split_once('/') {
            Some(("jurisdiction", code)) => format!("jurisdictions/{}/", code.to_lowercase()),
            Some((_, id)) => format!("instruments/{id}/"),
            None => String::new(),
        }
    }

    /// SHA-256 of the files of one module, with the forms that it shares with
    /// others.
    #[must_use]
    pub fn module_digest(&self, module: &ModuleId) -> Digest {
        let folder = Self::folder_of(module);
        let text = self.get(&format!("{folder}module.yaml"));
        let text = text.unwrap_or_default();
        let is_part = |path: &str| {
            path.starts_with(&folder)
                || shared_form(path).is_some_and(|name| {
                    let beside = format!("{folder}{name}.schema.json");
                    names_schema(text, name) && self.get(&beside).is_none()
                })
        };
        digest_of(self.iter().filter(|(path, _)| is_part(path)))
    }
}

/// The name of a form that instruments share.
fn shared_form(path: &str) -> Option<&str> {
    path.strip_prefix("forms/")?.strip_suffix(".schema.json")
}

/// Whether a module's file names a schema.
fn names_schema(module: &str, name: &str) -> bool {
    module.split("schema: ").skip(1).any(|rest| {
        let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '-');
        rest.split(ends).next() == Some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Library;

    #[test]
    fn digests_are_those_of_the_library() {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
        let library = Library::load(&dir).unwrap();
        let files = DecidingFiles::read(&dir).unwrap();
        assert_eq!(files.digest(), library.digest());
        for module in library.modules() {
            assert_eq!(
                files.module_digest(module.id),
                module.digest,
                "{}",
                module.id
            );
        }
        assert!(files.get("instruments/eio/tests.yaml").is_none());
        let mut again = DecidingFiles::default();
        for (path, text) in files.iter() {
            again.insert(path, text.to_owned()).unwrap();
        }
        assert_eq!(again, files);
        assert_eq!(
            again.insert("schema/measures.schema.json", String::new()),
            None
        );
    }
}
