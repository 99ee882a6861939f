//! Reading an item, segment by segment: no byte leaves before its segment is
//! authenticated.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    About, EvidenceError, ItemId, Room, key::DataKey, room::blocking, segment::Layout, shelf::Card,
};

/// An item that is being read.
#[derive(Debug)]
pub struct Reader {
    room: Room,
    card: Card,
    layout: Layout,
    key: Arc<DataKey>,
    offset: u64,
}

impl Reader {
    pub(crate) fn new(room: Room, id: &ItemId, card: Card, (key, offset): (DataKey, u64)) -> Self {
        Self {
            layout: Layout::new(id, &card.about),
            room,
            card,
            key: Arc::new(key),
            offset,
        }
    }

    /// What the item was announced to be.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.card.about
    }

    pub(crate) fn into_about(self) -> About {
        self.card.about
    }

    /// The bytes from where the last ones ended to the end of their segment; `None`
    /// after the last.
    ///
    /// # Errors
    /// [`EvidenceError::Damaged`] where the segment is not as it was stored.
    pub async fn next(&mut self) -> Result<Option<Bytes>, EvidenceError> {
        if self.offset >= self.card.about.size {
            return Ok(None);
        }
        let (number, within) = Layout::find(self.offset);
        let sealed = self.room.objects().get(&self.card.object, number).await?;
        let (layout, key) = (self.layout.clone(), Arc::clone(&self.key));
        let mut bytes = blocking(move || layout.open(&key, number, sealed)).await?;
        let bytes = bytes.split_off(within.min(bytes.len()));
        self.offset += bytes.len() as u64;
        Ok(Some(bytes))
    }
}
