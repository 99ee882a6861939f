//! Where the wrapped keys are: one small file an item, in the gateway's own data
//! folder, so that they can be destroyed whatever keeps the segments.

use std::{
    collections::BTreeSet,
    fs, io,
    io::{Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::SystemTime,
};

use comity_domain::CaseId;
use serde::{Deserialize, Serialize};

use crate::{
    About, EvidenceError, ItemId,
    key::{DataKey, GatewayKey, no_randomness, random},
};

/// Most bytes of a card, and of a key file: far more than any has.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// Reads a regular file of no more than that: others may never end.
fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path)?;
    file.take(SMALL_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > SMALL_BYTES_MAX {
        true => Err(io::Error::other("it is longer than any that was written")),
        false => Ok(bytes),
    }
}

/// Reads text so.
pub(crate) fn read_small_text(path: &Path) -> io::Result<String> {
    let text = String::from_utf8(read_small(path)?);
    text.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Version of the card's format.
const VERSION: u32 = 1;

/// What stands before an object's name on a card.
const OBJECT: &str = r#""object":""#;

/// Random bytes in an object's name.
const OBJECT_BYTES: usize = 16;

/// Which board a card lies on: what may be done with its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Board {
    /// Being uploaded, or uploaded and not yet taken over.
    Begun,
    /// Complete and on record.
    Kept,
    /// To be destroyed, once that is on record.
    Going,
}

/// What a card that was written over had to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wiped {
    /// The name of the item's segments.
    Object(String),
    /// Nothing: it was damaged.
    Illegible,
    /// There is no card.
    Nothing,
}

/// The boards, in one folder.
#[derive(Debug)]
pub(crate) struct Shelf(PathBuf);

/// What is known of an item besides its bytes.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Card {
    version: u32,
    pub(crate) about: About,
    /// Name of the item's segments in the object store. Random, so that whoever
    /// runs the object store learns neither case nor digest.
    pub(crate) object: String,
    /// The item's key, wrapped; hexadecimal.
    key: String,
}

impl Board {
    pub(crate) const ALL: [Self; 3] = [Self::Begun, Self::Kept, Self::Going];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Kept => "kept",
            Self::Going => "going",
        }
    }
}

impl Shelf {
    /// Makes the boards where they are missing.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        for board in Board::ALL {
            fs::create_dir_all(folder.join(board.name()))?;
        }
        Ok(Self::at(folder))
    }

    /// The boards as they lie there, or do not.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.0
    }

    /// Whether there is nothing that a key would open.
    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        for board in Board::ALL {
            if fs::read_dir(self.0.join(board.name()))?.next().is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The card of an item, if it lies on the board; `Damaged` if it says nothing.
    pub(crate) fn card(&self, board: Board, id: &ItemId) -> Result<Option<Card>, EvidenceError> {
        let text = match read_small(&self.path(board, id)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            read => read.map_err(EvidenceError::of)?,
        };
        let card: Card =
            serde_json::from_slice(&text).map_err(|_| EvidenceError::Damaged("card"))?;
        if card.version == VERSION {
            Ok(Some(card))
        } else {
            Err(EvidenceError::Damaged("card"))
        }
    }

    /// Whether an item's card lies on a board.
    pub(crate) fn has(&self, board: Board, id: &ItemId) -> bool {
        self.path(board, id).exists()
    }

    /// Lays a new item's card on the board of those begun, for good.
    pub(crate) fn begin(&self, id: &ItemId, card: &Card) -> Result<(), EvidenceError> {
        let text = serde_json::to_vec(card).map_err(EvidenceError::of)?;
        let path = self.path(Board::Begun, id);
        let write = || {
            // Whole or not at all.
            let draft = self
                .path(Board::Begun, id)
                .with_file_name(format!("{id}.draft"));
            let mut options = fs::OpenOptions::new();
            options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            sync_folder_of(&path)
        };
        write().map_err(EvidenceError::of)
    }

    /// Moves a card from one board to another; whether it lay on the first.
    pub(crate) fn shift(&self, id: &ItemId, from: Board, to: Board) -> Result<bool, EvidenceError> {
        let (from, to) = (self.path(from, id), self.path(to, id));
        match fs::rename(&from, &to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            moved => moved.map_err(EvidenceError::of)?,
        }
        sync_folder_of(&to)
            .and_then(|()| sync_folder_of(&from))
            .map_err(EvidenceError::of)?;
        Ok(true)
    }

    /// Writes over a card, whatever it says, so that the item can never be read again.
    /// Which segments are left to be removed stays on it.
    pub(crate) fn wipe(&self, board: Board, id: &ItemId) -> Result<Wiped, EvidenceError> {
        let path = self.path(board, id);
        let text = match read_small(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Wiped::Nothing),
            read => read.map_err(EvidenceError::of)?,
        };
        let object = object_on(&text);
        let mut blank = match &object {
            Some(object) => format!("{{{OBJECT}{object}\"}}").into_bytes(),
            None => Vec::new(),
        };
        blank.resize(text.len().max(blank.len()), b' ');
        let write = || {
            // In place and no shorter: over the blocks that hold the key.
            let mut file = fs::OpenOptions::new().write(true).open(&path)?;
            file.write_all(&blank)?;
            file.sync_all()
        };
        write().map_err(EvidenceError::of)?;
        Ok(object.map_or(Wiped::Illegible, Wiped::Object))
    }

    /// Takes a card away.
    pub(crate) fn remove(&self, board: Board, id: &ItemId) -> Result<(), EvidenceError> {
        let path = self.path(board, id);
        match fs::remove_file(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed
                .and_then(|()| sync_folder_of(&path))
                .map_err(EvidenceError::of),
        }
    }

    /// Every item on a board, and since when it lies there.
    pub(crate) fn list(&self, board: Board) -> Result<Vec<(ItemId, SystemTime)>, EvidenceError> {
        let list = || {
            let mut found = Vec::new();
            for entry in fs::read_dir(self.0.join(board.name()))? {
                let entry = entry?;
                let name = entry.file_name();
                // Drafts are no cards yet.
                let Some(id) = name.to_str().and_then(ItemId::from_file_name) else {
                    continue;
                };
                match entry.metadata().and_then(|card| card.modified()) {
                    // Somebody took it away meanwhile.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    since => found.push((id, since?)),
                }
            }
            Ok(found)
        };
        list().map_err(|error: io::Error| EvidenceError::of(error))
    }

    /// The cases with a card in a folder of boards, which need not be there.
    pub(crate) fn cases(folder: &Path) -> io::Result<BTreeSet<CaseId>> {
        let mut cases = BTreeSet::new();
        for board in Board::ALL {
            let listing = match fs::read_dir(folder.join(board.name())) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                listing => listing?,
            };
            for card in listing {
                let name = card?.file_name();
                let id = name.to_str().and_then(ItemId::from_file_name);
                cases.extend(id.map(|id| id.case));
            }
        }
        Ok(cases)
    }

    pub(crate) fn path(&self, board: Board, id: &ItemId) -> PathBuf {
        self.0.join(board.name()).join(id.to_string())
    }
}

impl Card {
    /// A card for a new item, with a fresh key.
    pub(crate) fn new(
        gateway: &GatewayKey,
        id: &ItemId,
        about: About,
    ) -> Result<(Self, DataKey), EvidenceError> {
        let object = hex::encode(random::<OBJECT_BYTES>().ok_or_else(no_randomness)?);
        let (key, wrapped) = gateway.fresh(&bound_to(id, &about, &object)?)?;
        let card = Self {
            version: VERSION,
            about,
            object,
            key: hex::encode(wrapped),
        };
        Ok((card, key))
    }

    /// The item's key; `Damaged` if the card is not as it was written, or was
    /// written under another key of the gateway.
    pub(crate) fn key(&self, gateway: &GatewayKey, id: &ItemId) -> Result<DataKey, EvidenceError> {
        let bound_to = bound_to(id, &self.about, &self.object)?;
        hex::decode(&self.key)
            .ok()
            .and_then(|wrapped| gateway.unwrap(&bound_to, wrapped))
            .ok_or(EvidenceError::Damaged("key of the item"))
    }
}

/// The name of the item's segments on a card of any version, damaged elsewhere or wiped.
fn object_on(text: &[u8]) -> Option<String> {
    let named = text.windows(OBJECT.len());
    let starts = named
        .enumerate()
        .filter(|(_, part)| *part == OBJECT.as_bytes());
    let mut names = starts.filter_map(|(at, _)| {
        let name = text.get(at + OBJECT.len()..)?.get(..2 * OBJECT_BYTES)?;
        String::from_utf8(name.to_vec()).ok()
    });
    names.find(|name| name.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// What a wrapped key is bound to: everything else on its card.
fn bound_to(id: &ItemId, about: &About, object: &str) -> Result<Vec<u8>, EvidenceError> {
    serde_json::to_vec(&("comity evidence key v1", id.to_string(), about, object))
        .map_err(EvidenceError::of)
}

/// Makes what was done to a file's name last.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    fs::File::open(folder_of(path))?.sync_all()
}

/// The folder that a file lies in.
pub(crate) fn folder_of(path: &Path) -> &Path {
    let named = |folder: &&Path| !folder.as_os_str().is_empty();
    path.parent().filter(named).unwrap_or(Path::new("."))
}
