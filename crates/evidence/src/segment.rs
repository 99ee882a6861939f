//! Segments: the pieces in which an item is sealed and stored.

use bytes::Bytes;

use crate::{
    About, EvidenceError, ItemId,
    key::{DataKey, NONCE_BYTES, TAG_BYTES},
};

/// Bytes of an item in one segment, before sealing; the last has what is left.
///
/// What lies in memory for each transfer is a few of these. Smaller ones cost a
/// flush of the disk each, larger ones are sent again after a cut.
pub const SEGMENT_BYTES: usize = 4 << 20;

/// What sealing adds to a segment.
const SEALING_BYTES: usize = NONCE_BYTES + TAG_BYTES;

/// What is left of [`SEGMENT_BYTES`] for arithmetic on sizes.
const SEGMENT: u64 = SEGMENT_BYTES as u64;

/// The segments of one item: where each begins, and what seals it.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    size: u64,
    /// What every segment is bound to besides its own number.
    binding: Vec<u8>,
}

impl Layout {
    pub(crate) fn new(id: &ItemId, about: &About) -> Self {
        let mut binding = b"comity evidence segment v1\0".to_vec();
        binding.extend_from_slice(id.case.as_str().as_bytes());
        binding.extend_from_slice(&id.sha256.0);
        // With the size, a segment's number says whether it is the last.
        binding.extend_from_slice(&about.size.to_be_bytes());
        Self {
            size: about.size,
            binding,
        }
    }

    /// The segment that holds the byte at `offset`, and that byte's place in it.
    pub(crate) fn find(offset: u64) -> (u64, usize) {
        // The remainder is below `SEGMENT_BYTES`.
        (offset / SEGMENT, (offset % SEGMENT) as usize)
    }

    /// Offset of the first byte of a segment, or the size if there is no such.
    pub(crate) fn start(&self, number: u64) -> u64 {
        number.saturating_mul(SEGMENT).min(self.size)
    }

    /// Length of a segment before sealing.
    pub(crate) fn length(&self, number: u64) -> usize {
        // Never more than `SEGMENT_BYTES`.
        (self.start(number.saturating_add(1)) - self.start(number)) as usize
    }

    /// Length of a segment as it is stored.
    pub(crate) fn stored_length(&self, number: u64) -> u64 {
        (self.length(number) + SEALING_BYTES) as u64
    }

    /// A buffer that a segment is filled into, with room for its sealing.
    pub(crate) fn buffer(&self, number: u64) -> Vec<u8> {
        let mut buffer = Vec::with_capacity(self.length(number) + SEALING_BYTES);
        buffer.resize(NONCE_BYTES, 0);
        buffer
    }

    /// How many bytes of the item a buffer holds.
    pub(crate) fn filled(buffer: &[u8]) -> usize {
        buffer.len().saturating_sub(NONCE_BYTES)
    }

    /// Seals a full buffer in place.
    pub(crate) fn seal(
        &self,
        key: &DataKey,
        number: u64,
        buffer: &mut Vec<u8>,
    ) -> Result<(), EvidenceError> {
        key.seal(&self.bound_to(number), buffer)
    }

    /// The bytes of a sealed segment, authenticated.
    pub(crate) fn open(
        &self,
        key: &DataKey,
        number: u64,
        sealed: Vec<u8>,
    ) -> Result<Bytes, EvidenceError> {
        key.open(&self.bound_to(number), sealed)
            .filter(|bytes| bytes.len() == self.length(number))
            .ok_or(EvidenceError::Damaged("segment"))
    }

    fn bound_to(&self, number: u64) -> Vec<u8> {
        [self.binding.as_slice(), &number.to_be_bytes()].concat()
    }
}
