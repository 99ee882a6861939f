//! An upload: bytes come in pieces of any size and are stored in segments.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    About, EvidenceError, Hasher, Room, SEGMENT_BYTES, Turn, key::DataKey, room::blocking,
    segment::Layout, shelf::Card, turn::Progress,
};

/// An item that is being written. Dropping it loses what is not stored yet.
#[derive(Debug)]
pub struct Upload {
    room: Room,
    turn: Turn,
    card: Card,
    stored: u64,
    /// Its card is not laid yet.
    is_fresh: bool,
    /// `None` until the first bytes come, and while they are worked on.
    work: Option<Work>,
    /// What is needed to begin a segment.
    begin: Begin,
}

#[derive(Debug, Clone)]
struct Begin {
    layout: Layout,
    key: Arc<DataKey>,
}

/// The segment that is being filled, and the digest of everything up to it.
#[derive(Debug)]
struct Work {
    hasher: Hasher,
    buffer: Vec<u8>,
}

impl Upload {
    /// One that goes on from what is stored.
    pub(crate) fn new(room: Room, turn: Turn, card: Card, (key, stored): (DataKey, u64)) -> Self {
        Self {
            begin: Begin {
                layout: Layout::new(&turn.id, &card.about),
                key: Arc::new(key),
            },
            room,
            turn,
            card,
            stored,
            is_fresh: false,
            work: None,
        }
    }

    /// One of which nothing is stored, and nothing laid down either before bytes come:
    /// who only asks leaves no trace.
    pub(crate) fn fresh(room: Room, turn: Turn, card: Card, key: DataKey) -> Self {
        Self {
            is_fresh: true,
            ..Self::new(room, turn, card, (key, 0))
        }
    }

    /// What the item was announced to be.
    #[must_use]
    pub fn about(&self) -> &About {
        &self.card.about
    }

    /// Bytes that are on disk: where an upload goes on after a cut.
    #[must_use]
    pub fn stored(&self) -> u64 {
        self.stored
    }

    /// Bytes that have come, on disk or not.
    #[must_use]
    pub fn received(&self) -> u64 {
        let waiting = self
            .work
            .as_ref()
            .map_or(0, |work| Layout::filled(&work.buffer));
        self.stored + waiting as u64
    }

    /// Returns when another upload of the item has begun.
    pub async fn taken_over(&mut self) {
        self.turn.taken_over().await;
    }

    /// Takes in the next bytes; full segments are on disk when this returns.
    ///
    /// # Errors
    /// [`EvidenceError::Overrun`] if they are more than announced: all are discarded;
    /// [`EvidenceError::Full`] where there is no room for what is still to come.
    /// After any error the upload is to be dropped.
    pub async fn push(&mut self, mut bytes: Bytes) -> Result<(), EvidenceError> {
        let after = self.received().saturating_add(bytes.len() as u64);
        if after > self.about().size {
            // Size and digest contradict each other.
            self.room.discard(&mut self.turn).await?;
            return Err(EvidenceError::Overrun);
        }
        while !bytes.is_empty() {
            let work = self.work().await?;
            let room = SEGMENT_BYTES.saturating_sub(Layout::filled(&work.buffer));
            let piece = bytes.split_to(room.min(bytes.len()));
            self.take_in(work, piece).await?;
        }
        Ok(())
    }

    /// Ends the upload: all bytes are on disk, and they are those that the digest
    /// names. What is complete is still to be recorded and kept.
    ///
    /// # Errors
    /// [`EvidenceError::Unfinished`] if bytes are missing;
    /// [`EvidenceError::WrongDigest`] if they are others: they are discarded.
    pub async fn finish(mut self) -> Result<Turn, EvidenceError> {
        if self.stored != self.about().size {
            return Err(EvidenceError::Unfinished);
        }
        let work = self.work().await?;
        if work.hasher.finish() != self.turn.id.sha256 {
            self.room.discard(&mut self.turn).await?;
            return Err(EvidenceError::WrongDigest);
        }
        *self.turn.progress = None;
        Ok(self.turn)
    }

    /// The work at hand, taken up where it was left.
    async fn work(&mut self) -> Result<Work, EvidenceError> {
        if let Some(work) = self.work.take() {
            return Ok(work);
        }
        // All that is to come: half an item is of use to nobody.
        let rest = self.about().size.saturating_sub(self.stored);
        self.room.objects().has_room(rest).await?;
        if self.is_fresh {
            self.room.lay(&mut self.turn, &self.card).await?;
            self.is_fresh = false;
        }
        let remembered = self.turn.progress.as_ref();
        let remembered = remembered.filter(|progress| progress.stored == self.stored);
        let hasher = match remembered {
            Some(progress) => progress.hasher.clone(),
            None => match self.read_again().await {
                Err(EvidenceError::Damaged(what)) => {
                    // Nothing can be made of it: the next upload begins anew.
                    self.room.discard(&mut self.turn).await?;
                    return Err(EvidenceError::Damaged(what));
                }
                read => read?,
            },
        };
        let (number, _) = Layout::find(self.stored);
        let buffer = self.begin.layout.buffer(number);
        Ok(Work { hasher, buffer })
    }

    /// The digest of what is stored, from the disk: after a restart.
    async fn read_again(&self) -> Result<Hasher, EvidenceError> {
        let mut hasher = Hasher::new();
        let Begin { layout, key } = &self.begin;
        for number in (0..).take_while(|number| layout.start(*number) < self.stored) {
            let sealed = self.room.objects().get(&self.card.object, number).await?;
            let (layout, key) = (layout.clone(), Arc::clone(key));
            hasher = blocking(move || {
                hasher.update(&layout.open(&key, number, sealed)?);
                Ok(hasher)
            })
            .await?;
        }
        Ok(hasher)
    }

    /// Takes in bytes that fit into the segment, and stores it when it is full.
    async fn take_in(&mut self, mut work: Work, piece: Bytes) -> Result<(), EvidenceError> {
        let (number, _) = Layout::find(self.stored);
        let Begin { layout, key } = self.begin.clone();
        let (work, full) = blocking(move || {
            work.hasher.update(&piece);
            work.buffer.extend_from_slice(&piece);
            let full = Layout::filled(&work.buffer) == layout.length(number);
            if full {
                layout.seal(&key, number, &mut work.buffer)?;
            }
            Ok((work, full))
        })
        .await?;
        if !full {
            self.work = Some(work);
            return Ok(());
        }
        let Work { hasher, buffer } = work;
        self.room
            .objects()
            .put(&self.card.object, number, buffer)
            .await?;
        self.stored = self.begin.layout.start(number + 1);
        *self.turn.progress = Some(Progress {
            stored: self.stored,
            hasher,
        });
        Ok(())
    }
}
