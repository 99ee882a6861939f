//! The bundles of a gateway's past, each loaded when a case first needs it.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use comity_domain::Digest;
use comity_policy::Library;

use super::NoLaw;
use crate::policies::{self, KeptError};

/// Most bundles held; cases in order of time need one after the other.
const HELD: usize = 4;

pub(super) struct Bundles {
    data: PathBuf,
    loaded: Mutex<HashMap<Digest, Result<Arc<Library>, NoLaw>>>,
}

impl Bundles {
    pub(super) fn kept_in(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            loaded: Mutex::default(),
        }
    }

    /// A bundle, or why it cannot be had.
    pub(super) fn get(&self, bundle: Digest) -> Result<Arc<Library>, NoLaw> {
        // Held while loading: whoever else needs it waits rather than loads it too.
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = loaded.get(&bundle) {
            return found.clone();
        }
        let found = policies::kept(&self.data, bundle)
            .map(Arc::new)
            .map_err(no_law);
        if loaded.len() >= HELD {
            loaded.clear();
        }
        loaded.insert(bundle, found.clone());
        found
    }
}

fn no_law(error: KeptError) -> NoLaw {
    let changed = |bundle: Digest, now: String| NoLaw::Changed {
        bundle: bundle.to_string(),
        now,
    };
    match error {
        KeptError::Altered { bundle, found } => changed(bundle, format!("it is {found} now")),
        KeptError::Broken { bundle, report } => {
            let first = report.diagnostics().first();
            let first = first.map(|first| format!("`{}`: {}", first.path, first.message));
            changed(
                bundle,
                first.unwrap_or_else(|| "it cannot be read".to_owned()),
            )
        }
        KeptError::Missing(bundle) | KeptError::Failed(bundle) => {
            NoLaw::NotKept(bundle.to_string())
        }
    }
}
