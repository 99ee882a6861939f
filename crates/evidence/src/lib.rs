//! Evidence in bulk: stored in pieces, sealed at rest, resumable, erasable.
//!
//! An item belongs to a case and is named by the SHA-256 of its bytes. Its bytes
//! lie in an object store, in segments of 4 MiB that are encrypted under a key of
//! the item's own. That key lies in the gateway's data folder, wrapped by the key
//! of the gateway: with the wrapped key gone the item is gone, whatever copies of
//! its segments there are.
//!
//! This room knows bytes, not who may have them or what the ledger says of them:
//! its caller opens an item only once the ledger has it.

mod digest;
mod error;
mod item;
mod key;
mod objects;
mod read;
mod room;
pub mod sealed;
mod segment;
mod shelf;
mod stock;
mod turn;
mod upload;

#[cfg(test)]
mod tests;

pub use digest::{Hasher, digest};
pub use error::{EvidenceError, OpenError};
pub use item::{About, ItemId};
pub use objects::Place;
pub use read::Reader;
pub use room::{Begun, KEY_FILE, Room, cases_with_items};
pub use segment::SEGMENT_BYTES;
pub use stock::{Announced, Stock, Unsound, clear_aside, set_aside};
pub use turn::Turn;
pub use upload::Upload;
