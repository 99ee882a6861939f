//! Taking turns: one upload at a time writes an item, and the newest one does.
//!
//! After a cut the gateway may not know for minutes that the connection is gone,
//! while the client is back on another one. So the newer upload takes over.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard, watch};

use crate::{Hasher, ItemId};

/// Items that are being written, or were cut.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<HashMap<ItemId, Arc<Slot>>>);

/// How far an item has come, so that nobody need read it again after a cut.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Bytes that are stored.
    pub(crate) stored: u64,
    /// The digest of them.
    pub(crate) hasher: Hasher,
}

#[derive(Debug)]
struct Slot {
    /// How many uploads have asked for it.
    newest: watch::Sender<u64>,
    progress: Arc<AsyncMutex<Option<Progress>>>,
}

/// The right to change an item, by writing or erasing it, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    pub(crate) id: ItemId,
    pub(crate) progress: OwnedMutexGuard<Option<Progress>>,
    newest: watch::Receiver<u64>,
    mine: u64,
    /// Keeps the slot in the table.
    _slot: Arc<Slot>,
}

impl Turns {
    /// Asks whoever writes the item to stop, and waits until they have.
    pub(crate) async fn take(&self, id: &ItemId) -> Turn {
        let slot = self.slot(id);
        let mut mine = 0;
        slot.newest.send_modify(|newest| {
            *newest += 1;
            mine = *newest;
        });
        let progress = Arc::clone(&slot.progress).lock_owned().await;
        turn(id, slot, progress, mine)
    }

    /// The right to an item that nobody else has.
    pub(crate) fn try_take(&self, id: &ItemId) -> Option<Turn> {
        let slot = self.slot(id);
        let progress = Arc::clone(&slot.progress).try_lock_owned().ok()?;
        let mine = *slot.newest.borrow();
        Some(turn(id, slot, progress, mine))
    }

    fn slot(&self, id: &ItemId) -> Arc<Slot> {
        // A panic elsewhere cannot leave a table half changed.
        let mut slots = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that nobody holds and that remember nothing are of no use.
        slots.retain(|_, slot| {
            Arc::strong_count(slot) > 1
                || slot
                    .progress
                    .try_lock()
                    .map_or(true, |progress| progress.is_some())
        });
        let slot = slots.entry(id.clone()).or_insert_with(|| {
            Arc::new(Slot {
                newest: watch::Sender::new(0),
                progress: Arc::default(),
            })
        });
        Arc::clone(slot)
    }
}

impl Turn {
    /// The item.
    #[must_use]
    pub fn id(&self) -> &ItemId {
        &self.id
    }

    /// Returns when somebody else has asked for the item.
    pub async fn taken_over(&mut self) {
        let mine = self.mine;
        // The sender is in the slot that this turn holds.
        let _ = self.newest.wait_for(|newest| *newest > mine).await;
    }
}

fn turn(
    id: &ItemId,
    slot: Arc<Slot>,
    progress: OwnedMutexGuard<Option<Progress>>,
    mine: u64,
) -> Turn {
    Turn {
        id: id.clone(),
        progress,
        newest: slot.newest.subscribe(),
        mine,
        _slot: slot,
    }
}
