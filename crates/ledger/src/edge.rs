//! The right edge of a growing Merkle tree: enough of it to append and to hash.

use tlog_tiles::{EMPTY_HASH, HASH_SIZE, Hash, Tile, node_hash, record_hash};

/// Hashes in a full tile; the C2SP tile height is 8.
pub(crate) const TILE_WIDTH: usize = 1 << TILE_HEIGHT;

/// Height of a tile.
pub(crate) const TILE_HEIGHT: u8 = 8;

/// The unfinished tile of each level, from the leaves up. A few kilobytes,
/// however long the log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Edge {
    size: u64,
    // INVARIANT: level `l` holds `(size >> 8 l) mod 256` hashes.
    levels: Vec<Vec<u8>>,
}

/// A tile of hashes: level, number within the level, hashes one after another.
pub(crate) type Hashes<'a> = (u8, u64, &'a [u8]);

impl Edge {
    /// The edge of a tree of `size` entries, each unfinished tile fetched by
    /// level, number and width.
    pub(crate) fn load<E>(
        size: u64,
        mut fetch: impl FnMut(u8, u64, usize) -> Result<Vec<u8>, E>,
    ) -> Result<Self, E> {
        let mut edge = Self {
            size,
            levels: Vec::new(),
        };
        for level in 0..=(64 / TILE_HEIGHT) - 2 {
            let width = usize::from((size >> (TILE_HEIGHT * level)).to_le_bytes()[0]);
            edge.levels.push(if width == 0 {
                Vec::new()
            } else {
                fetch(level, size >> (TILE_HEIGHT * (level + 1)), width)?
            });
        }
        Ok(edge)
    }

    /// How many entries the tree has.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Appends a leaf and hands each tile that it completes to `full`. After an
    /// error the edge is of no further use.
    pub(crate) fn push<E>(
        &mut self,
        leaf: &[u8],
        full: impl FnMut(Hashes<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        self.push_hash(record_hash(leaf), full)
    }

    /// As [`Edge::push`], of a leaf of which only the hash is left.
    pub(crate) fn push_hash<E>(
        &mut self,
        hash: Hash,
        mut full: impl FnMut(Hashes<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut carried = Some(hash);
        let mut level = 0;
        let mut number = self.size;
        while let Some(hash) = carried.take() {
            if self.levels.len() <= usize::from(level) {
                self.levels.push(Vec::new());
            }
            number >>= TILE_HEIGHT;
            if let Some(tile) = self.levels.get_mut(usize::from(level)) {
                tile.extend_from_slice(&hash.0);
                if tile.len() == TILE_WIDTH * HASH_SIZE {
                    full((level, number, tile))?;
                    carried = Some(Tile::subtree_hash(tile));
                    tile.clear();
                }
            }
            level += 1;
        }
        self.size += 1;
        Ok(())
    }

    /// The unfinished tiles that hold anything.
    pub(crate) fn unfinished(&self) -> impl Iterator<Item = Hashes<'_>> {
        (0u8..)
            .zip(&self.levels)
            .filter(|(_, tile)| !tile.is_empty())
            .map(|(level, tile)| {
                let number = self.size >> (TILE_HEIGHT * (level + 1));
                (level, number, tile.as_slice())
            })
    }

    /// The Merkle tree hash, RFC 6962 § 2.1: the perfect subtrees folded from
    /// the right, each unfinished tile holding those of eight bits of the size.
    pub(crate) fn root(&self) -> Hash {
        let mut root = None;
        for level in &self.levels {
            let mut rest = level.as_slice();
            while !rest.is_empty() {
                let width = rest.len() / HASH_SIZE;
                let last = HASH_SIZE << width.trailing_zeros();
                let (left, subtree) = rest.split_at(rest.len() - last);
                let hash = Tile::subtree_hash(subtree);
                root = Some(root.map_or(hash, |right| node_hash(hash, right)));
                rest = left;
            }
        }
        root.unwrap_or(EMPTY_HASH)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, convert::Infallible};

    use tlog_tiles::{HashReader, stored_hashes, tree_hash};

    use super::*;

    struct Memory(RefCell<Vec<Hash>>);

    impl HashReader for Memory {
        fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<Hash>, tlog_tiles::Error> {
            let hashes = self.0.borrow();
            Ok(indexes.iter().map(|&i| hashes[i as usize]).collect())
        }
    }

    #[test]
    fn the_edge_hashes_like_the_whole_tree() {
        let memory = Memory(RefCell::default());
        let mut edge = Edge::default();
        assert_eq!(edge.root(), EMPTY_HASH);
        for n in 0u64..70_000 {
            let leaf = n.to_be_bytes();
            edge.push(&leaf, |_| Ok::<_, Infallible>(())).unwrap();
            let stored = stored_hashes(n, &leaf, &memory).unwrap();
            memory.0.borrow_mut().extend(stored);
            if n < 600 || n % 997 == 0 || n.trailing_ones() >= 8 {
                assert_eq!(edge.root(), tree_hash(n + 1, &memory).unwrap(), "{n}");
            }
        }
    }
}
