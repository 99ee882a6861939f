//! The room: items from their first byte to their erasure.

use std::{collections::BTreeSet, io, path::Path, sync::Arc, time::SystemTime};

use comity_domain::CaseId;

use crate::{
    About, EvidenceError, ItemId, OpenError, Place, Reader, Turn, Upload,
    key::{DataKey, GatewayKey},
    objects::Objects,
    segment::Layout,
    shelf::{Board, Card, Shelf, Wiped},
    turn::{Progress, Turns},
};

/// The file of the key that wraps all others, beside the ledger's.
pub const KEY_FILE: &str = "evidence.key";

/// The folder of wrapped keys.
pub(crate) const SHELF: &str = "evidence";

/// Stored evidence. Clones share one room.
#[derive(Debug, Clone)]
pub struct Room(Arc<Parts>);

#[derive(Debug)]
struct Parts {
    key: GatewayKey,
    shelf: Shelf,
    objects: Objects,
    turns: Turns,
}

/// An item that was begun and is not kept yet.
#[derive(Debug, Clone)]
pub struct Begun {
    /// The item.
    pub id: ItemId,
    /// When something of it was last stored.
    pub touched: SystemTime,
}

/// The cases of which a gateway's data folder has items, stored, begun or being erased.
/// Nothing is opened or made.
///
/// # Errors
/// When the folder cannot be read.
pub fn cases_with_items(data: &Path) -> io::Result<BTreeSet<CaseId>> {
    Shelf::cases(&data.join(SHELF))
}

impl Room {
    /// Opens the room of a gateway's data folder, with the segments elsewhere if
    /// so said. Of the disk of a folder of segments `keep_free` bytes are left to others.
    /// Makes what is missing; blocks on the disk.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(data: &Path, place: &Place, keep_free: u64) -> Result<Self, OpenError> {
        let path = data.join(SHELF);
        let opened = Shelf::open(path.clone()).and_then(|shelf| Ok((shelf.is_empty()?, shelf)));
        let (is_empty, shelf) = opened.map_err(|source| OpenError::File { path, source })?;
        let key = GatewayKey::load(&data.join(KEY_FILE), is_empty)?;
        Ok(Self(Arc::new(Parts {
            key,
            shelf,
            objects: Objects::open(place, keep_free)?,
            turns: Turns::default(),
        })))
    }

    /// The right to change an item; whoever writes it now is asked to stop.
    pub async fn turn(&self, id: &ItemId) -> Turn {
        self.0.turns.take(id).await
    }

    /// The right to change an item, where nobody else has it now.
    #[must_use]
    pub fn try_turn(&self, id: &ItemId) -> Option<Turn> {
        self.0.turns.try_take(id)
    }

    /// Begins an item, or goes on with one that was cut. One that its sender had
    /// announced otherwise is begun anew.
    ///
    /// # Errors
    /// [`EvidenceError::Taken`] where somebody else has begun it.
    pub async fn begin(&self, turn: Turn, about: About) -> Result<Upload, EvidenceError> {
        let begun = match self.card(&turn.id).await {
            Err(EvidenceError::Damaged(what)) => {
                tracing::error!(what, "an upload that was begun cannot be gone on with");
                None
            }
            card => card?,
        };
        let (card, key) = match begun {
            Some((card, key)) if card.about == about => (card, key),
            Some((card, _)) if card.about.sender != about.sender => {
                return Err(EvidenceError::Taken);
            }
            Some(_) | None => {
                let (card, key) = Card::new(&self.0.key, &turn.id, about)?;
                return Ok(Upload::fresh(self.clone(), turn, card, key));
            }
        };
        let layout = Layout::new(&turn.id, &card.about);
        let mut stored = 0;
        for (number, found) in (0..).zip(self.objects().list(&card.object).await?) {
            if found.number != number || found.length != layout.stored_length(number) {
                break;
            }
            stored = layout.start(number + 1);
        }
        Ok(Upload::new(self.clone(), turn, card, (key, stored)))
    }

    /// Keeps an item for good, once it is complete and on record. Repeating it
    /// does no harm.
    ///
    /// # Errors
    /// [`EvidenceError`]; it can still be read, and is kept another time.
    pub async fn keep(&self, turn: &Turn) -> Result<(), EvidenceError> {
        self.on_shelf(&turn.id, |shelf, id| {
            shelf.shift(id, Board::Begun, Board::Kept).map(drop)
        })
        .await
    }

    /// Opens an item from an offset on. Whether it is complete and may be read is
    /// for the caller to know.
    ///
    /// # Errors
    /// [`EvidenceError::Missing`] if there is no such item.
    pub async fn read(&self, id: &ItemId, offset: u64) -> Result<Reader, EvidenceError> {
        let (room, of) = (self.clone(), id.clone());
        let (card, key) = blocking(move || {
            let Parts { key, shelf, .. } = &*room.0;
            // Complete and on record, it may still lie where it was begun.
            let card = match shelf.card(Board::Kept, &of)? {
                Some(card) => Some(card),
                None => shelf.card(Board::Begun, &of)?,
            };
            let card = card.ok_or(EvidenceError::Missing)?;
            let key = card.key(key, &of)?;
            Ok((card, key))
        })
        .await?;
        Ok(Reader::new(self.clone(), id, card, (key, offset)))
    }

    /// Who an item was sealed to, if to anybody.
    ///
    /// # Errors
    /// [`EvidenceError::Missing`] if there is no such item.
    pub async fn recipient(&self, id: &ItemId) -> Result<Option<String>, EvidenceError> {
        Ok(self.read(id, 0).await?.into_about().recipient)
    }

    /// Prepares to erase an item that is on record: it cannot be read from now on. To be
    /// followed by [`Room::erase`] when that is on record too, or else by [`Room::spare`].
    ///
    /// # Errors
    /// [`EvidenceError`]; to be followed by [`Room::spare`] then.
    pub async fn condemn(&self, turn: &Turn) -> Result<(), EvidenceError> {
        // What an erasure that broke off left is the item itself, or in its way.
        self.spare(turn).await?;
        self.on_shelf(&turn.id, |shelf, id| {
            let kept = shelf.shift(id, Board::Kept, Board::Going)?;
            if !kept {
                shelf.shift(id, Board::Begun, Board::Going)?;
            }
            Ok(())
        })
        .await
    }

    /// Takes back that an item, which is on record, was to be erased.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn spare(&self, turn: &Turn) -> Result<(), EvidenceError> {
        let again = self.on_shelf(&turn.id, |shelf, id| {
            let again = shelf.has(Board::Kept, id) || shelf.has(Board::Begun, id);
            if !again {
                shelf.shift(id, Board::Going, Board::Kept)?;
            }
            Ok(again)
        });
        if again.await? {
            // It was stored anew, so that its erasure is on record.
            self.destroy(Board::Going, &turn.id).await?;
        }
        Ok(())
    }

    /// Erases an item that is not on record, condemned or kept: first its key, then its
    /// bytes. Repeating it does no harm, and ends what was interrupted. What was begun
    /// stays.
    ///
    /// # Errors
    /// [`EvidenceError`]; to be repeated then.
    pub async fn erase(&self, turn: &Turn) -> Result<(), EvidenceError> {
        self.destroy(Board::Going, &turn.id).await?;
        let kept = self.on_shelf(&turn.id, |shelf, id| {
            shelf.shift(id, Board::Kept, Board::Going)
        });
        if kept.await? {
            self.destroy(Board::Going, &turn.id).await?;
        }
        Ok(())
    }

    /// Items that were begun and not kept.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn begun(&self) -> Result<Vec<Begun>, EvidenceError> {
        let mut begun = Vec::new();
        for (id, since) in self.list(Board::Begun).await? {
            let room = self.clone();
            let of = id.clone();
            let card = blocking(move || room.0.shelf.card(Board::Begun, &of)).await;
            let stored = match card {
                Ok(Some(card)) => self.objects().list(&card.object).await?,
                Ok(None) => continue,
                // Nobody will go on with it: it expires from when it was begun.
                Err(_) => Vec::new(),
            };
            let touched = stored
                .iter()
                .map(|stored| stored.modified)
                .fold(since, Ord::max);
            begun.push(Begun { id, touched });
        }
        Ok(begun)
    }

    /// What the items of a case that were begun and not kept were announced to be.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn begun_in(&self, case: &CaseId) -> Result<Vec<(ItemId, About)>, EvidenceError> {
        let (room, case) = (self.clone(), case.clone());
        blocking(move || {
            let shelf = &room.0.shelf;
            let mut begun = Vec::new();
            let listed = shelf.list(Board::Begun)?.into_iter();
            for (id, _) in listed.filter(|(id, _)| id.case == case) {
                // Nobody goes on with one that cannot be read.
                if let Ok(Some(card)) = shelf.card(Board::Begun, &id) {
                    begun.push((id, card.about));
                }
            }
            Ok(begun)
        })
        .await
    }

    /// Every item, begun or kept.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn stored(&self) -> Result<Vec<ItemId>, EvidenceError> {
        let mut listed = self.list(Board::Kept).await?;
        listed.extend(self.list(Board::Begun).await?);
        Ok(listed.into_iter().map(|(id, _)| id).collect())
    }

    /// Items that were condemned and not erased yet.
    ///
    /// # Errors
    /// [`EvidenceError`].
    pub async fn condemned(&self) -> Result<Vec<ItemId>, EvidenceError> {
        let listed = self.list(Board::Going).await?;
        Ok(listed.into_iter().map(|(id, _)| id).collect())
    }

    pub(crate) fn objects(&self) -> &Objects {
        &self.0.objects
    }

    /// The card of an item that was begun, with its key.
    async fn card(&self, id: &ItemId) -> Result<Option<(Card, DataKey)>, EvidenceError> {
        let (room, id) = (self.clone(), id.clone());
        blocking(move || {
            let Parts { key, shelf, .. } = &*room.0;
            let Some(card) = shelf.card(Board::Begun, &id)? else {
                return Ok(None);
            };
            let data = card.key(key, &id)?;
            Ok(Some((card, data)))
        })
        .await
    }

    /// Begins an item for good, in place of what was begun before.
    pub(crate) async fn lay(&self, turn: &mut Turn, card: &Card) -> Result<(), EvidenceError> {
        self.discard(turn).await?;
        let card = card.clone();
        self.on_shelf(&turn.id, move |shelf, id| shelf.begin(id, &card))
            .await
    }

    /// Discards what was begun.
    ///
    /// # Errors
    /// [`EvidenceError`]; to be repeated then.
    pub async fn discard(&self, turn: &mut Turn) -> Result<(), EvidenceError> {
        *turn.progress = None::<Progress>;
        self.destroy(Board::Begun, &turn.id).await
    }

    /// Destroys an item: its key first, so that what is left of it when this is
    /// interrupted is of use to nobody.
    async fn destroy(&self, board: Board, id: &ItemId) -> Result<(), EvidenceError> {
        match self
            .on_shelf(id, move |shelf, id| shelf.wipe(board, id))
            .await?
        {
            Wiped::Object(object) => self.objects().remove(&object).await?,
            Wiped::Illegible => tracing::error!(
                case.id = %id.case,
                "the card of an item of evidence was damaged: its key is destroyed, and which \
                 segments were its is not known; they are left"
            ),
            Wiped::Nothing => return Ok(()),
        }
        self.on_shelf(id, move |shelf, id| shelf.remove(board, id))
            .await
    }

    async fn list(&self, board: Board) -> Result<Vec<(ItemId, SystemTime)>, EvidenceError> {
        let room = self.clone();
        blocking(move || room.0.shelf.list(board)).await
    }

    async fn on_shelf<T: Send + 'static>(
        &self,
        id: &ItemId,
        work: impl FnOnce(&Shelf, &ItemId) -> Result<T, EvidenceError> + Send + 'static,
    ) -> Result<T, EvidenceError> {
        let (room, id) = (self.clone(), id.clone());
        blocking(move || work(&room.0.shelf, &id)).await
    }
}

/// Runs work that blocks, or computes for long, off the async threads.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EvidenceError> + Send + 'static,
) -> Result<T, EvidenceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(stopped) => Err(EvidenceError::of(stopped)),
    }
}
