//! Pruning the published files, and going on where that was done.

#[cfg(not(test))]
use std::fs;
use std::{
    ops::Range,
    path::{Path, PathBuf},
};

use super::{PublishError, Publisher, at};
#[cfg(test)]
use crate::tests::disk as fs;
use crate::{
    Pruned,
    edge::{TILE_HEIGHT, TILE_WIDTH},
    layout::{self, Kind},
};

impl Publisher {
    /// Whether bundles of entries that were pruned are left, to be removed by
    /// [`Publisher::prune`]: the entry that says so is signed.
    ///
    /// # Errors
    /// [`PublishError::File`].
    pub fn is_to_prune(&self, pruned: &Pruned) -> Result<bool, PublishError> {
        for number in self.to_remove(pruned) {
            let path = layout::tile_path(Kind::Entries, number);
            if fs::exists(self.dir.join(&path)).map_err(at(&path))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Bundles that have not been removed yet.
    fn to_remove(&self, pruned: &Pruned) -> Range<u64> {
        match pruned.entry < self.signed.size {
            true => self.removed >> TILE_HEIGHT..pruned.below >> TILE_HEIGHT,
            false => 0..0,
        }
    }

    /// Removes the bundles of entries that were pruned, once the entry that says so is
    /// signed; before that, and where none is left, it does nothing.
    ///
    /// # Errors
    /// [`PublishError::File`]; to be called again then.
    pub fn prune(&mut self, pruned: &Pruned) -> Result<(), PublishError> {
        let numbers = self.to_remove(pruned);
        if numbers.is_empty() {
            return Ok(());
        }
        self.pruned = self.pruned.max(pruned.below);
        // Many bundles share a folder.
        let mut changed: Option<PathBuf> = None;
        for number in numbers {
            let path = layout::tile_path(Kind::Entries, number);
            let flush = |bundle: &Path| layout::sync_folder_of(bundle).map_err(at(&path));
            let bundle = self.dir.join(&path);
            if let Some(before) = changed.take_if(|before| before.parent() != bundle.parent()) {
                flush(&before)?;
            }
            if layout::remove_tile(&self.dir, Kind::Entries, number).map_err(at(&path))? {
                changed = Some(bundle);
            }
        }
        if let Some(last) = changed {
            layout::sync_folder_of(&last).map_err(at("tile/entries"))?;
        }
        self.removed = pruned.below;
        Ok(())
    }

    /// Takes up the hashes of entries that were pruned, of which nothing else is left: what
    /// is missing is rebuilt from there on.
    pub(super) fn take_pruned(&mut self) -> Result<(), PublishError> {
        if self.pruned > self.signed.size {
            return Ok(());
        }
        for number in 0..self.pruned >> TILE_HEIGHT {
            let path = layout::tile_path(Kind::Hashes(0), number);
            let tile = layout::read_if_present(&self.dir, &path).map_err(at(&path))?;
            let tile = tile.unwrap_or_default();
            let (hashes, rest) = tile.as_chunks::<{ tlog_tiles::HASH_SIZE }>();
            if hashes.len() != TILE_WIDTH || !rest.is_empty() {
                return Err(PublishError::PrunedHashes { path });
            }
            for hash in hashes {
                let full = self.grow(tlog_tiles::Hash(*hash))?;
                self.put_full(full)?;
            }
        }
        Ok(())
    }
}
