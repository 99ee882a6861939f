//! The bundles of a gateway's past, each loaded when a case first needs it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use comity_domain::Digest;
use comity_policy::Library;

use crate::policies;

/// Most bundles held; cases in order of time need one after the other.
const HELD: usize = 4;

pub(super) struct Bundles {
    data: PathBuf,
    loaded: Mutex<HashMap<Digest, Option<Arc<Library>>>>,
}

impl Bundles {
    pub(super) fn kept_in(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            loaded: Mutex::default(),
        }
    }

    /// A bundle; `None` where it is not kept or is not what it was.
    pub(super) fn get(&self, bundle: Digest) -> Option<Arc<Library>> {
        // Held while loading: whoever else needs it waits rather than loads it too.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = loaded.get(&bundle) {
            return found.clone();
        }
        let found = policies::kept(&self.data, bundle).ok().map(Arc::new);
        if loaded.len() >= HELD {
            loaded.clear();
        }
        loaded.insert(bundle, found.clone());
        found
    }
}
