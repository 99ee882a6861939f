//! Items as they lie in a data folder, looked at without a gateway: nothing is made or
//! changed, and no more than a segment is held.

mod copy;

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    About, EvidenceError, Hasher, ItemId, OpenError,
    key::{DataKey, GatewayKey},
    objects::segment_name,
    room::{KEY_FILE, SHELF},
    segment::Layout,
    shelf::{Board, Card, Shelf},
};

pub use copy::{clear_aside, set_aside};

/// See the module.
#[derive(Debug)]
pub struct Stock {
    shelf: Shelf,
    folder: PathBuf,
    key: Option<GatewayKey>,
}

/// What an item is said to be by whoever has it on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Announced<'a> {
    /// Size in bytes.
    pub size: u64,
    /// Media type.
    pub media_type: &'a str,
    /// Its bytes are sealed to a recipient.
    pub sealed: bool,
}

/// What is wrong with a stored item, and where.
#[derive(Debug)]
pub struct Unsound {
    /// The file or folder.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
    /// The key of the gateway does not open that of the item: one of both was changed.
    pub is_key: bool,
}

impl Stock {
    /// What lies in a data folder, with the segments in `folder`. Where the key of the
    /// gateway is missing, items are not opened.
    ///
    /// # Errors
    /// [`OpenError`] where that key cannot be read, or is none.
    pub fn at(data: &Path, folder: &Path) -> Result<Self, OpenError> {
        let key = match GatewayKey::load(&data.join(KEY_FILE), false) {
            Err(OpenError::NoKey(_)) => None,
            loaded => Some(loaded?),
        };
        Ok(Self {
            shelf: Shelf::at(data.join(SHELF)),
            folder: folder.to_owned(),
            key,
        })
    }

    /// Whether items can be opened.
    #[must_use]
    pub fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// The first folder that is missing, of those that every item needs.
    #[must_use]
    pub fn missing(&self) -> Option<&Path> {
        let needed = [self.shelf.folder(), &self.folder];
        needed.into_iter().find(|folder| !folder.is_dir())
    }

    /// Whether the key of the gateway opens that of an item.
    #[must_use]
    pub fn opens(&self, id: &ItemId) -> bool {
        let card = self.card(id).ok();
        card.is_some_and(|(_, card)| matches!(self.key_of(id, &card), Ok(Some(_))))
    }

    /// Checks that an item is there as it was announced: opened where the key is there, and
    /// then by its SHA-256; else by the lengths of its segments. `read` is told of each
    /// segment, by its bytes.
    ///
    /// # Errors
    /// [`Unsound`]: the first thing that is wrong.
    pub fn check(
        &self,
        id: &ItemId,
        announced: Announced<'_>,
        read: &mut dyn FnMut(u64),
    ) -> Result<(), Unsound> {
        let (path, card) = self.card(id)?;
        let About {
            size,
            media_type,
            recipient,
            sender: _,
        } = &card.about;
        let on_card = Announced {
            size: *size,
            media_type,
            sealed: recipient.is_some(),
        };
        if on_card != announced {
            return Err(unsound(path, "tells of another item than the entry"));
        }
        let Ok(key) = self.key_of(id, &card) else {
            return Err(Unsound {
                is_key: true,
                ..unsound(path, "the key on it does not open")
            });
        };
        let object = self.folder.join(&card.object);
        let layout = Layout::new(id, &card.about);
        let mut hasher = Hasher::new();
        for number in (0..).take_while(|number| layout.start(*number) < *size) {
            let segment = object.join(segment_name(number));
            let length = fs::metadata(&segment).map_err(unread(&segment))?.len();
            if length != layout.stored_length(number) {
                return Err(unsound(segment, "is not as long as it was stored"));
            }
            if let Some(key) = &key {
                let sealed = fs::read(&segment).map_err(unread(&segment))?;
                let bytes = layout.open(key, number, sealed);
                let bytes = bytes.map_err(|_| unsound(segment, "is not what was stored"))?;
                hasher.update(&bytes);
            }
            read(layout.length(number) as u64);
        }
        if key.is_some() && hasher.finish() != id.sha256 {
            let what = "its bytes are not those whose SHA-256 the entry names";
            return Err(unsound(object, what));
        }
        Ok(())
    }

    /// What lies there and is neither a card nor an item's; none where nothing is stored.
    ///
    /// # Errors
    /// When a folder cannot be listed.
    pub fn strangers(&self) -> io::Result<Vec<PathBuf>> {
        let shelf = self.shelf.folder();
        let boards = Board::ALL.map(|board| shelf.join(board.name()));
        let mut found = others(shelf, |path| boards.contains(path) || *path == self.folder)?;
        for board in &boards {
            found.extend(others(board, |path| is_card(path))?);
        }
        let is_object = |path: &PathBuf| path.is_dir() && name(path).is_some_and(is_plain);
        found.extend(others(&self.folder, is_object)?);
        Ok(found)
    }

    /// The card of an item, and where it lies: also where it is to be destroyed, once that
    /// is on record.
    fn card(&self, id: &ItemId) -> Result<(PathBuf, Card), Unsound> {
        for board in [Board::Kept, Board::Begun, Board::Going] {
            let path = self.shelf.path(board, id);
            match self.shelf.card(board, id) {
                Ok(Some(card)) if is_plain(&card.object) => return Ok((path, card)),
                Ok(None) => {}
                Ok(Some(_)) | Err(EvidenceError::Damaged(_)) => {
                    return Err(unsound(path, "is not as it was written"));
                }
                Err(error) => return Err(unsound(path, &format!("cannot be read: {error}"))),
            }
        }
        Err(unsound(self.shelf.path(Board::Kept, id), "is missing"))
    }

    /// The key of an item; none without the gateway's.
    fn key_of(&self, id: &ItemId, card: &Card) -> Result<Option<DataKey>, EvidenceError> {
        let key = self.key.as_ref();
        key.map(|key| card.key(key, id)).transpose()
    }
}

/// What lies in a folder and is not of it; nothing where there is no such folder.
fn others(folder: &Path, is_of_it: impl Fn(&PathBuf) -> bool) -> io::Result<Vec<PathBuf>> {
    let listing = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        listing => listing?,
    };
    let paths = listing.map(|entry| Ok(entry?.path()));
    let paths: io::Result<Vec<_>> = paths.collect();
    Ok(paths?.into_iter().filter(|path| !is_of_it(path)).collect())
}

fn name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// Whether a file is named as a card is, or one that is being written.
fn is_card(path: &Path) -> bool {
    let name = name(path).map(|name| name.strip_suffix(".draft").unwrap_or(name));
    name.and_then(ItemId::from_file_name).is_some()
}

/// Whether a card names an object as they are named, and no way out of the folder.
fn is_plain(object: &str) -> bool {
    !object.is_empty() && object.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unsound(path: PathBuf, what: &str) -> Unsound {
    Unsound {
        path,
        what: what.to_owned(),
        is_key: false,
    }
}

fn unread(path: &Path) -> impl Fn(io::Error) -> Unsound {
    move |error| match error {
        error if error.kind() == io::ErrorKind::NotFound => unsound(path.to_owned(), "is missing"),
        error => unsound(path.to_owned(), &format!("cannot be read: {error}")),
    }
}
