//! Fields of a record, each committed to by itself, so that one can be shown without
//! the others.

use std::fmt;

use sha2::{Digest as _, Sha256};

use crate::{Hash, Leaf};

/// Name under which a leaf binds the root.
pub(crate) const FIELDS: &str = "fields";

/// What it means where a record that opens has other fields than its entry commits to.
pub const OTHER_FIELDS: &str = "what was shown of it proves nothing: a gateway, perhaps of a \
     version that this one does not know, committed to something else";

/// Takes a record apart: from its leaf and its bytes, path and value of each field, in
/// order. The same whenever it is called, whatever the leaf binds; no path twice.
pub type TakeApart = fn(&Leaf, &[u8], &mut dyn FnMut(&str, &[u8]));

/// The fields of one record, committed to; not their values.
///
/// Whoever knows records takes one apart into fields, each with a path and a value, in
/// one order that follows from the record alone. The leaf binds the root of a tree over
/// them: `fields` in [`crate::Leaf::binds`] holds that one hash. The record's own
/// commitment, `record`, is apart from it.
///
/// - The salt of the field with the number `n`, from 0, is the SHA-256 of the text
///   `comity salt v1`, a zero byte, the salt of the record (32 bytes) and `n` (8 bytes,
///   big-endian). It tells nothing of the salts of others, nor of the record's.
/// - Its leaf input is the text `comity field v1`, a zero byte, its salt (32 bytes), the
///   length of its path (4 bytes, big-endian), its path (UTF-8) and its value.
/// - The tree is that of RFC 6962 § 2.1: the hash of a leaf is the SHA-256 of a zero byte
///   and its input, that of a node the SHA-256 of a one and the hashes of its two children,
///   left before right. The leaves stand in the order of their hashes, which says nothing
///   of the record: what is shown does not tell how many fields lie before and after it.
///
/// The salt of the record lies in the sealed record: once that is erased nobody can make
/// the salts of its fields again, and the root confirms no guess. What was shown before
/// stays proven.
///
/// A field that is shown proves what was committed to when the entry was made. That this
/// is what the record held, and that no path was committed to twice, is for whoever opens
/// the record: [`Leaf::binds_fields`].
pub struct Fields {
    salts: Salts,
    /// Hashes of the leaves, by number.
    leaves: Vec<Hash>,
}

/// A field with what proves it to be one of an entry's.
#[derive(Clone, PartialEq, Eq)]
pub struct Field {
    /// Where it stands in the record.
    pub path: String,
    /// What it holds; may be personal data.
    pub value: Vec<u8>,
    /// The salt of its commitment.
    pub salt: [u8; 32],
    /// The hashes beside its way to the root, from the leaf up.
    pub siblings: Vec<Sibling>,
}

/// A hash beside the way to the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sibling {
    /// It comes before the hash so far.
    Left(Hash),
    /// It comes after it.
    Right(Hash),
}

impl Fields {
    /// Commits to the fields of a record under its salt.
    #[must_use]
    pub fn of(take_apart: TakeApart, leaf: &Leaf, record: &[u8], salt: &[u8; 32]) -> Self {
        let mut fields = Self {
            salts: Salts::of(salt),
            leaves: Vec::with_capacity(64),
        };
        let mut buffer = Vec::with_capacity(1 << 10);
        take_apart(leaf, record, &mut |path, value| {
            let salt = fields.salt_of(fields.leaves.len());
            let hash = leaf_hash(&mut buffer, &salt, (path, value));
            fields.leaves.push(hash);
        });
        fields
    }

    /// The root of the tree; `None` where there is no field.
    #[must_use]
    pub fn root(&self) -> Option<Hash> {
        let mut level = self.in_order();
        while level.len() > 1 {
            above(&mut level);
        }
        level.first().copied()
    }

    /// The field of a number, from 0, with its proof; `None` where there is none. Path
    /// and value are those it was committed to with.
    #[must_use]
    pub fn show(&self, number: usize, path: &str, value: &[u8]) -> Option<Field> {
        let leaf = self.leaves.get(number)?;
        let mut siblings = Vec::new();
        let mut level = self.in_order();
        let mut at = level.binary_search(leaf).ok()?;
        while level.len() > 1 {
            let beside = level.get(at ^ 1).copied();
            siblings.extend(beside.map(|hash| match at % 2 {
                0 => Sibling::Right(hash),
                _ => Sibling::Left(hash),
            }));
            at /= 2;
            above(&mut level);
        }
        Some(Field {
            path: path.to_owned(),
            value: value.to_owned(),
            salt: self.salt_of(number),
            siblings,
        })
    }

    fn in_order(&self) -> Vec<Hash> {
        let mut leaves = self.leaves.clone();
        leaves.sort_unstable();
        leaves
    }

    /// The salt of the field of a number, from 0: for whoever holds the record, and may
    /// know every field.
    #[must_use]
    pub fn salt_of(&self, number: usize) -> [u8; 32] {
        self.salts.of_field(number as u64)
    }
}

/// The salt of the record, where it stands in what the salts of fields are made of: each is
/// the hash of one block, as [`Hash::commit`] would make it.
struct Salts([u8; 55]);

impl Salts {
    fn of(salt: &[u8; 32]) -> Self {
        let mut input = *b"comity salt v1\0________________________________________";
        let (_, rest) = input.split_at_mut(15);
        let (record, _) = rest.split_at_mut(32);
        record.copy_from_slice(salt);
        Self(input)
    }

    fn of_field(&self, number: u64) -> [u8; 32] {
        let mut input = self.0;
        if let Some(last) = input.last_chunk_mut() {
            *last = number.to_be_bytes();
        }
        Sha256::digest(input).into()
    }
}

impl Field {
    /// The root that the field leads to.
    #[must_use]
    pub fn root(&self) -> Hash {
        let leaf = leaf_hash(&mut Vec::new(), &self.salt, (&self.path, &self.value));
        let siblings = self.siblings.iter();
        siblings.fold(leaf, |hash, sibling| match sibling {
            Sibling::Left(left) => node(*left, hash),
            Sibling::Right(right) => node(hash, *right),
        })
    }
}

impl Leaf {
    /// Binds the fields of the record.
    pub fn bind_fields(&mut self, fields: &Fields) {
        if let Some(root) = fields.root() {
            self.binds.insert(FIELDS.to_owned(), vec![root]);
        }
    }

    /// Whether it binds fields, so that one can be shown. Entries did not always.
    #[must_use]
    pub fn has_fields(&self) -> bool {
        self.binds.contains_key(FIELDS)
    }

    /// Whether the fields that it binds, if any, are these.
    #[must_use]
    pub fn binds_fields(&self, fields: &Fields) -> bool {
        !self.has_fields() || fields.root().is_some_and(|root| self.binds_root(root))
    }

    /// Whether it binds the fields under this root.
    pub(crate) fn binds_root(&self, root: Hash) -> bool {
        self.binds.get(FIELDS).map(Vec::as_slice) == Some(&[root])
    }
}

/// The hash of a field's leaf, made in a buffer that is used again.
fn leaf_hash(buffer: &mut Vec<u8>, salt: &[u8; 32], (path, value): (&str, &[u8])) -> Hash {
    let length = u32::try_from(path.len()).unwrap_or(u32::MAX);
    buffer.clear();
    for piece in [
        b"\0comity field v1\0".as_slice(),
        salt,
        &length.to_be_bytes(),
        path.as_bytes(),
        value,
    ] {
        buffer.extend_from_slice(piece);
    }
    Hash(Sha256::digest(buffer).into())
}

/// Makes of a level of the tree the next one: pairs from the left, an odd one carried up,
/// which makes the tree of RFC 6962.
fn above(level: &mut Vec<Hash>) {
    let mut joined = 0;
    while let Some(left) = level.get(2 * joined).copied() {
        let above = match level.get(2 * joined + 1) {
            Some(right) => node(left, *right),
            None => left,
        };
        if let Some(place) = level.get_mut(joined) {
            *place = above;
        }
        joined += 1;
    }
    level.truncate(joined);
}

fn node(left: Hash, right: Hash) -> Hash {
    let mut input = [1; 65];
    let (_, below) = input.split_at_mut(1);
    let (first, second) = below.split_at_mut(32);
    first.copy_from_slice(&left.0);
    second.copy_from_slice(&right.0);
    Hash(Sha256::digest(input).into())
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fields({})", self.leaves.len())
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Field({})", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn salts_are_commitments_to_numbers() {
        let salts = Salts::of(&[7; 32]);
        for number in [0, 1, 300, u64::MAX] {
            let expected = Hash::commit("salt", &[7; 32], &number.to_be_bytes());
            assert_eq!(Hash(salts.of_field(number)), expected);
        }
    }

    #[test]
    fn levels_are_joined_in_pairs() {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|n| Hash([n; 32]));
        let mut level = vec![a, b, c, d, e];
        above(&mut level);
        assert_eq!(level, [node(a, b), node(c, d), e]);
        above(&mut level);
        above(&mut level);
        let four = node(node(a, b), node(c, d));
        assert_eq!(level, [node(four, e)]);
    }
}
