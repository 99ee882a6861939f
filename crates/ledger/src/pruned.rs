//! Pruning, as C2SP tlog-tiles has it: the oldest entries of a log go, and every hash,
//! checkpoint and proof stays.
//!
//! Below a minimum index the bundles of entries are gone. All tiles of hashes stay, so that
//! each root and each proof of before is still led to, and the log stays one log. What is
//! left of an entry is its hash, and every leaf of ours holds a commitment under a random
//! salt of 32 bytes, so that nobody can test a guess of what it said.
//!
//! An entry of the log itself says up to where. Without one in the part that is there, a
//! missing entry is a flaw as ever.

use std::fmt;

use jiff::Timestamp;

use crate::{Leaf, edge::TILE_WIDTH, layout, layout::Kind};

/// The kind of an entry that prunes, up to [`Leaf::prunes`].
pub const PRUNING: &str = "pruning";

/// How far a log is pruned, as one of its entries says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pruned {
    /// Every entry below this index: a multiple of 256, and not 0.
    pub below: u64,
    /// The entry that says so.
    pub entry: u64,
    /// When.
    pub at: Timestamp,
}

impl Pruned {
    /// What an entry prunes, by its index. `None` where it says nothing of it, or what no
    /// log means: less than a bundle, or more than was there.
    #[must_use]
    pub fn by(entry: u64, leaf: &Leaf) -> Option<Self> {
        let below = leaf.prunes.filter(|_| leaf.kind == PRUNING)?;
        let sound = below > 0 && below <= entry && below.is_multiple_of(TILE_WIDTH as u64);
        sound.then_some(Self {
            below,
            entry,
            at: leaf.at,
        })
    }

    /// As [`Pruned::by`], of a leaf as it is in the tree; what is no leaf of ours prunes
    /// nothing.
    pub(crate) fn said(entry: u64, leaf: &[u8]) -> Option<Self> {
        // Few of many leaves are, and to read each takes longer than to hash it.
        let name = br#""prunes":"#;
        if !leaf.windows(name.len()).any(|part| part == name) {
            return None;
        }
        let (leaf, _) = Leaf::read(leaf).ok()?;
        Self::by(entry, &leaf)
    }
}

impl fmt::Display for Pruned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { below, entry, at } = self;
        write!(
            f,
            "entries below {below} were pruned, as entry {entry} says, at {at:.0}"
        )
    }
}

/// Whether a path of a log is that of a bundle, full or partial, whose entries are all
/// below an index.
#[must_use]
pub fn is_bundle_below(path: &str, below: u64) -> bool {
    let Some((Kind::Entries, number, _)) = layout::read_tile_path(path) else {
        return false;
    };
    let end = number
        .checked_add(1)
        .and_then(|next| next.checked_mul(TILE_WIDTH as u64));
    end.is_some_and(|end| end <= below)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(kind: &str, prunes: Option<u64>) -> Leaf {
        let mut leaf = Leaf::new(Timestamp::UNIX_EPOCH, kind, "gateway");
        leaf.prunes = prunes;
        leaf
    }

    #[test]
    fn only_whole_bundles_before_the_entry_are_pruned() {
        let below = |entry, kind, prunes| {
            let leaf = leaf(kind, prunes);
            let sealed = leaf.seal(b"record", &[1; 32]).unwrap();
            let said = Pruned::said(entry, &sealed.leaf_bytes);
            assert_eq!(said, Pruned::by(entry, &leaf));
            said.map(|pruned| pruned.below)
        };
        assert_eq!(below(600, PRUNING, Some(512)), Some(512));
        assert_eq!(below(512, PRUNING, Some(512)), Some(512));
        for (entry, kind, prunes) in [
            (511, PRUNING, Some(512)),
            (600, PRUNING, Some(500)),
            (600, PRUNING, Some(0)),
            (600, PRUNING, Some(u64::MAX)),
            (600, PRUNING, None),
            (600, "erasure", Some(512)),
        ] {
            assert_eq!(
                below(entry, kind, prunes),
                None,
                "{entry} {kind} {prunes:?}"
            );
        }
        assert_eq!(Pruned::said(600, br#""prunes":512"#), None);
        // Nor where a remark says so.
        let mut remark = leaf("note", None);
        remark.note = Some(r#","kind":"pruning","prunes":512"#.to_owned());
        let sealed = remark.seal(&[], &[1; 32]).unwrap();
        assert_eq!(Pruned::said(600, &sealed.leaf_bytes), None);
    }

    #[test]
    fn a_bundle_is_below_with_its_last_entry() {
        for (path, below, expected) in [
            ("tile/entries/000", 256, true),
            ("tile/entries/000.p/7", 256, true),
            ("tile/entries/001", 511, false),
            ("tile/entries/x001/067", 1068 * 256, true),
            ("tile/0/000", 256, false),
            ("checkpoint", 256, false),
            ("tile/entries/../000", 256, false),
            ("tile/entries/x072/x057/x594/x037/x927/935", u64::MAX, false),
        ] {
            assert_eq!(is_bundle_below(path, below), expected, "{path} {below}");
        }
    }
}
