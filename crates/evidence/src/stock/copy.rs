//! Items copied as they lie there, sealed, for a copy of the data folder.

use std::{fs, io, path::Path};

use super::{Stock, Unsound, unread, unsound};
use crate::{
    ItemId,
    objects::segment_name,
    room::SHELF,
    segment::Layout,
    shelf::{Board, Card, Shelf},
};

/// Where a copy has its segments.
const ITEMS: &str = "items";

/// Where segments wait in a copy that were copied by an earlier try.
const ASIDE: &str = "aside";

impl Stock {
    /// What lies in a data folder, with the segments in `folder`, to be copied: no key is
    /// looked at.
    #[must_use]
    pub fn sealed(data: &Path, folder: &Path) -> Self {
        Self {
            shelf: Shelf::at(data.join(SHELF)),
            folder: folder.to_owned(),
            key: None,
        }
    }

    /// Copies an item that is on record into another data folder, `to`: its card, which has
    /// its wrapped key, and, where they are wanted, its segments. `read` is told of each
    /// segment, by its bytes. What is written is not flushed.
    ///
    /// # Errors
    /// [`Unsound`]: what is wrong with it, or cannot be written. It may be moved or erased
    /// meanwhile.
    pub fn copy(
        &self,
        id: &ItemId,
        (to, segments): (&Path, bool),
        read: &mut dyn FnMut(u64),
    ) -> Result<(), Unsound> {
        let (path, card) = self.card(id)?;
        let shelf = Shelf::at(to.join(SHELF));
        let [items, aside] = [ITEMS, ASIDE].map(|part| shelf.folder().join(part));
        if segments {
            fs::create_dir_all(&items).map_err(unwritten(&items))?;
            let object = items.join(&card.object);
            match fs::rename(aside.join(&card.object), &object) {
                Ok(()) => read(card.about.size),
                Err(_) => {
                    let copied = self.copy_segments(id, (&card, &object), read);
                    // Half of them are of no use to another try.
                    copied.inspect_err(|_| drop(fs::remove_dir_all(&object)))?;
                }
            }
        }
        let copy = shelf.path(Board::Kept, id);
        let text = serde_json::to_vec(&card).map_err(|error| unsound(path, &error.to_string()))?;
        fs::create_dir_all(shelf.folder().join(Board::Kept.name()))
            .and_then(|()| fs::write(&copy, text))
            .map_err(unwritten(&copy))
    }

    fn copy_segments(
        &self,
        id: &ItemId,
        (card, to): (&Card, &Path),
        read: &mut dyn FnMut(u64),
    ) -> Result<(), Unsound> {
        let from = self.folder.join(&card.object);
        let layout = Layout::new(id, &card.about);
        fs::create_dir_all(to).map_err(unwritten(to))?;
        for number in (0..).take_while(|number| layout.start(*number) < card.about.size) {
            let name = segment_name(number);
            let segment = from.join(&name);
            // A pipe would never end.
            if !fs::metadata(&segment).map_err(unread(&segment))?.is_file() {
                return Err(unsound(segment, "is no regular file"));
            }
            // Never more than a segment is read at a time, mostly by the system itself.
            let copied = fs::copy(&segment, to.join(&name)).map_err(unread(&segment))?;
            if copied != layout.stored_length(number) {
                return Err(unsound(segment, "is not as long as it was stored"));
            }
            read(layout.length(number) as u64);
        }
        Ok(())
    }
}

/// Takes back what was copied of evidence into the data folder `to`, and keeps the segments
/// at hand for another try.
///
/// # Errors
/// What the system says.
pub fn set_aside(to: &Path) -> io::Result<()> {
    let shelf = to.join(SHELF);
    let [items, aside] = [ITEMS, ASIDE].map(|part| shelf.join(part));
    let missing_is_fine = |done: io::Result<()>| match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        done => done,
    };
    missing_is_fine(fs::remove_dir_all(shelf.join(Board::Kept.name())))?;
    if !items.exists() {
        return Ok(());
    }
    fs::create_dir_all(&aside)?;
    for object in fs::read_dir(&items)? {
        let object = object?;
        fs::rename(object.path(), aside.join(object.file_name()))?;
    }
    Ok(())
}

/// Removes what was set aside and is of no item that is on record.
///
/// # Errors
/// What the system says.
pub fn clear_aside(to: &Path) -> io::Result<()> {
    match fs::remove_dir_all(to.join(SHELF).join(ASIDE)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn unwritten(path: &Path) -> impl Fn(io::Error) -> Unsound {
    move |error| unsound(path.to_owned(), &format!("cannot be written: {error}"))
}
