//! `std::fs` as far as we write files with it, on a simulated disk while one is in place
//! on the thread, and on the real one otherwise.
//!
//! What is written can be read at once and is on the disk only when flushed: of a file
//! its bytes, of a folder its names. When the power goes, each name and each block that
//! was not flushed is there or not, as chance has it. A flush that failed leaves its
//! bytes readable and forgotten: flushing again says that all is well and writes nothing.

// Also where the store has this file as a module of its own.
#[path = "disk/chance.rs"]
mod chance;

use std::{
    cell::RefCell,
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    io::{self, ErrorKind, Read, Write},
    path::{Component, Path},
    rc::Rc,
};

pub(crate) use self::chance::Chance;

/// Bytes that reach the disk together or not at all.
const BLOCK: usize = 16;

/// What happens instead of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails.
    Error,
    /// The disk is full from now on, until [`Disk::mend`].
    Full,
    /// The power goes; no operation succeeds until [`Disk::crash`].
    Power,
}

/// A flush that does nothing, to show that somebody notices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lie {
    /// Flushing a folder does.
    Folders,
    /// Flushing a file does.
    Files,
}

/// A simulated disk; clones are the same disk.
#[derive(Clone)]
pub(crate) struct Disk(Rc<RefCell<State>>);

struct State {
    nodes: Vec<Node>,
    chance: Chance,
    lie: Option<Lie>,
    /// Operations until the fault.
    plan: Option<(usize, Fault)>,
    full: bool,
    off: bool,
}

enum Node {
    File(Content),
    Folder(Names),
}

/// A file's bytes as read, and as on the disk.
#[derive(Default)]
struct Content {
    read: Vec<u8>,
    disk: Vec<u8>,
    /// Not flushed: from where which bytes; `None` cuts to nothing.
    pending: Vec<Option<(usize, Vec<u8>)>>,
}

/// A folder's names as read, and as on the disk.
#[derive(Default)]
struct Names {
    read: BTreeMap<OsString, usize>,
    disk: BTreeMap<OsString, usize>,
    /// Not flushed: names that change together.
    pending: Vec<Vec<(OsString, Option<usize>)>>,
}

thread_local! {
    static IN_PLACE: RefCell<Option<Disk>> = const { RefCell::new(None) };
}

impl Disk {
    /// An empty disk.
    pub(crate) fn new(seed: u64, lie: Option<Lie>) -> Self {
        Self(Rc::new(RefCell::new(State {
            nodes: vec![Node::Folder(Names::default())],
            chance: Chance(seed),
            lie,
            plan: None,
            full: false,
            off: false,
        })))
    }

    /// Works with this disk in place of the real one.
    pub(crate) fn under<T>(&self, work: impl FnOnce() -> T) -> T {
        struct Away;
        impl Drop for Away {
            fn drop(&mut self) {
                IN_PLACE.set(None);
            }
        }
        IN_PLACE.set(Some(self.clone()));
        let _away = Away;
        work()
    }

    /// A fault instead of the operation after so many more.
    pub(crate) fn plan(&self, after: usize, fault: Fault) {
        self.0.borrow_mut().plan = Some((after, fault));
    }

    /// No fault is planned, and there is room.
    pub(crate) fn mend(&self) {
        let mut state = self.0.borrow_mut();
        state.plan = None;
        state.full = false;
    }

    /// Whether the power is gone.
    pub(crate) fn is_off(&self) -> bool {
        self.0.borrow().off
    }

    /// The power goes, and comes again.
    pub(crate) fn crash(&self) {
        let State {
            nodes,
            chance,
            off,
            full,
            plan,
            ..
        } = &mut *self.0.borrow_mut();
        for node in nodes {
            // One in so many is lost; sometimes all are, sometimes none.
            let lost = [1, 2, 2, 5, usize::MAX][chance.below(5)];
            match node {
                Node::File(content) => {
                    content.settle(|| !chance.once_in(lost));
                    content.read.clone_from(&content.disk);
                }
                Node::Folder(names) => names.crash(chance, lost),
            }
        }
        (*off, *full, *plan) = (false, false, None);
    }

    /// Every file that can be reached, as on the disk and as read.
    pub(crate) fn contents(&self) -> Vec<Vec<u8>> {
        let state = self.0.borrow();
        let mut found = Vec::new();
        let mut open = vec![0];
        while let Some(node) = open.pop() {
            match &state.nodes[node] {
                Node::File(content) => found.extend([content.disk.clone(), content.read.clone()]),
                Node::Folder(names) => open.extend(names.disk.values().chain(names.read.values())),
            }
        }
        found
    }
}

impl Content {
    fn write(&mut self, at: usize, bytes: &[u8]) {
        overwrite(&mut self.read, at, bytes);
        self.pending.push(Some((at, bytes.to_vec())));
    }

    /// Brings what is not flushed to the disk, as far as each block `arrives`.
    fn settle(&mut self, mut arrives: impl FnMut() -> bool) {
        for change in std::mem::take(&mut self.pending) {
            match change {
                None if arrives() => self.disk.clear(),
                None => {}
                Some((at, bytes)) => {
                    for (block, bytes) in bytes.chunks(BLOCK).enumerate() {
                        if arrives() {
                            overwrite(&mut self.disk, at + block * BLOCK, bytes);
                        }
                    }
                }
            }
        }
    }
}

/// What lies between is zero.
fn overwrite(all: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    all.resize(all.len().max(end), 0);
    all[at..end].copy_from_slice(bytes);
}

impl Names {
    fn change(&mut self, changes: Vec<(OsString, Option<usize>)>) {
        set(&mut self.read, &changes);
        self.pending.push(changes);
    }

    fn crash(&mut self, chance: &mut Chance, lost: usize) {
        for changes in std::mem::take(&mut self.pending) {
            if !chance.once_in(lost) {
                set(&mut self.disk, &changes);
            }
        }
        self.read.clone_from(&self.disk);
    }
}

fn set(names: &mut BTreeMap<OsString, usize>, changes: &[(OsString, Option<usize>)]) {
    for (name, node) in changes {
        match node {
            Some(node) => names.insert(name.clone(), *node),
            None => names.remove(name),
        };
    }
}

impl State {
    /// Counts an operation, and has it fail where that is planned.
    fn step(&mut self, writes: bool) -> io::Result<()> {
        match &mut self.plan {
            Some((0, fault)) => {
                let fault = *fault;
                self.plan = None;
                match fault {
                    Fault::Error => return Err(broken()),
                    Fault::Full => self.full = true,
                    Fault::Power => self.off = true,
                }
            }
            Some((left, _)) => *left -= 1,
            None => {}
        }
        if self.off {
            Err(broken())
        } else if self.full && writes {
            Err(ErrorKind::StorageFull.into())
        } else {
            Ok(())
        }
    }

    fn find(&self, path: &Path) -> io::Result<usize> {
        let mut node = 0;
        for part in path.components() {
            if let Component::Normal(name) = part {
                let names = self.names(node).ok_or(ErrorKind::NotADirectory)?;
                node = *names.read.get(name).ok_or(ErrorKind::NotFound)?;
            }
        }
        Ok(node)
    }

    fn names(&self, node: usize) -> Option<&Names> {
        match &self.nodes[node] {
            Node::Folder(names) => Some(names),
            Node::File(_) => None,
        }
    }

    /// The folder a path lies in, and its name there.
    fn place<'p>(&mut self, path: &'p Path) -> io::Result<(&mut Names, &'p OsStr)> {
        let parent = self.find(path.parent().ok_or(ErrorKind::InvalidInput)?)?;
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        match &mut self.nodes[parent] {
            Node::Folder(names) => Ok((names, name)),
            Node::File(_) => Err(ErrorKind::NotADirectory.into()),
        }
    }

    fn add(&mut self, path: &Path, node: Node) -> io::Result<usize> {
        let number = self.nodes.len();
        let (names, name) = self.place(path)?;
        names.change(vec![(name.to_owned(), Some(number))]);
        self.nodes.push(node);
        Ok(number)
    }

    fn content(&mut self, node: usize) -> io::Result<&mut Content> {
        match &mut self.nodes[node] {
            Node::File(content) => Ok(content),
            Node::Folder(_) => Err(ErrorKind::IsADirectory.into()),
        }
    }

    fn flush(&mut self, node: usize) -> io::Result<()> {
        let tried = self.step(false);
        let lie = self.lie;
        match &mut self.nodes[node] {
            Node::File(content) => {
                if tried.is_err() && !self.off {
                    content.pending.clear();
                }
                tried?;
                if lie != Some(Lie::Files) {
                    content.settle(|| true);
                }
            }
            Node::Folder(names) => {
                tried?;
                if lie != Some(Lie::Folders) {
                    names.disk.clone_from(&names.read);
                    names.pending.clear();
                }
            }
        }
        Ok(())
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk is broken")
}

/// Does something on the disk in place, or else on the real one.
fn on<T>(
    simulated: impl FnOnce(&mut State) -> io::Result<T>,
    real: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    match IN_PLACE.with_borrow(Clone::clone) {
        Some(disk) => simulated(&mut disk.0.borrow_mut()),
        None => real(),
    }
}

/// As `std::fs::File`.
pub(crate) enum File {
    Real(std::fs::File),
    Simulated { disk: Disk, node: usize, at: usize },
}

impl File {
    pub(crate) fn open(path: impl AsRef<Path>) -> io::Result<Self> {
        OpenOptions::new().open(path.as_ref())
    }

    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).open(path)
    }

    pub(crate) fn metadata(&self) -> io::Result<Metadata> {
        match self {
            Self::Real(file) => Ok(Metadata(file.metadata()?.len())),
            Self::Simulated { disk, node, .. } => {
                let mut state = disk.0.borrow_mut();
                state.step(false)?;
                Ok(Metadata(state.content(*node)?.read.len() as u64))
            }
        }
    }

    pub(crate) fn sync_all(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => file.sync_all(),
            Self::Simulated { disk, node, .. } => disk.0.borrow_mut().flush(*node),
        }
    }
}

impl Read for File {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Real(file) => file.read(buffer),
            Self::Simulated { disk, node, at } => {
                let mut state = disk.0.borrow_mut();
                state.step(false)?;
                let content = &state.content(*node)?.read;
                let read = content.get(*at..).unwrap_or_default().read(buffer)?;
                *at += read;
                Ok(read)
            }
        }
    }
}

impl Write for File {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Real(file) => file.write(bytes),
            Self::Simulated { disk, node, at } => {
                let mut state = disk.0.borrow_mut();
                state.step(true)?;
                // Seldom all at once.
                let length = 1 + state.chance.below(bytes.len().clamp(1, 4 * BLOCK));
                let length = if state.chance.once_in(2) {
                    bytes.len()
                } else {
                    length.min(bytes.len())
                };
                state.content(*node)?.write(*at, &bytes[..length]);
                *at += length;
                Ok(length)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// As `std::fs::Metadata`.
pub(crate) struct Metadata(u64);

impl Metadata {
    pub(crate) fn len(&self) -> u64 {
        self.0
    }
}

/// As `std::fs::OpenOptions`.
#[derive(Default)]
pub(crate) struct OpenOptions {
    write: bool,
    create: bool,
    truncate: bool,
    mode: Option<u32>,
}

impl OpenOptions {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn write(&mut self, write: bool) -> &mut Self {
        self.write = write;
        self
    }

    pub(crate) fn create(&mut self, create: bool) -> &mut Self {
        self.create = create;
        self
    }

    pub(crate) fn truncate(&mut self, truncate: bool) -> &mut Self {
        self.truncate = truncate;
        self
    }

    pub(crate) fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Some(mode);
        self
    }

    pub(crate) fn open(&self, path: &Path) -> io::Result<File> {
        let disk = IN_PLACE.with_borrow(Clone::clone);
        let Some(disk) = disk else {
            return self.real().open(path).map(File::Real);
        };
        let mut state = disk.0.borrow_mut();
        state.step(self.create)?;
        let node = match state.find(path) {
            Err(error) if self.create && error.kind() == ErrorKind::NotFound => {
                state.add(path, Node::File(Content::default()))?
            }
            found => found?,
        };
        if self.truncate {
            let content = state.content(node)?;
            content.read.clear();
            content.pending.push(None);
        }
        drop(state);
        Ok(File::Simulated { disk, node, at: 0 })
    }

    fn real(&self) -> std::fs::OpenOptions {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = std::fs::OpenOptions::new();
        options.read(!self.write).write(self.write);
        options.create(self.create).truncate(self.truncate);
        if let Some(mode) = self.mode {
            options.mode(mode);
        }
        options
    }
}

pub(crate) fn is_regular(path: &Path) -> io::Result<bool> {
    let simulated = |state: &mut State| {
        let node = state.find(path)?;
        Ok(state.content(node).is_ok())
    };
    on(simulated, || Ok(std::fs::metadata(path)?.is_file()))
}

/// As that of this name that is no test's.
pub(crate) fn read_regular_text(path: &Path, _: u64) -> io::Result<String> {
    read_to_string(path)
}

pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    let simulated = |state: &mut State| {
        state.step(true)?;
        if state.find(path).is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        state.add(path, Node::Folder(Names::default())).map(drop)
    };
    on(simulated, || std::fs::create_dir(path))
}

pub(crate) fn exists(path: impl AsRef<Path>) -> io::Result<bool> {
    let path = path.as_ref();
    let simulated = |state: &mut State| {
        state.step(false)?;
        Ok(state.find(path).is_ok())
    };
    on(simulated, || std::fs::exists(path))
}

/// Within one folder.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let simulated = |state: &mut State| {
        state.step(false)?;
        let node = state.find(from)?;
        assert_eq!(from.parent(), to.parent());
        let (names, old) = state.place(from)?;
        let new = to.file_name().ok_or(ErrorKind::InvalidInput)?;
        names.change(vec![(old.to_owned(), None), (new.to_owned(), Some(node))]);
        Ok(())
    };
    on(simulated, || std::fs::rename(from, to))
}

pub(crate) fn remove_file(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let simulated = |state: &mut State| {
        state.step(false)?;
        state.find(path)?;
        let (names, name) = state.place(path)?;
        names.change(vec![(name.to_owned(), None)]);
        Ok(())
    };
    on(simulated, || std::fs::remove_file(path))
}

/// Of a folder of files.
pub(crate) fn remove_dir_all(path: impl AsRef<Path>) -> io::Result<()> {
    let path = path.as_ref();
    let simulated = |state: &mut State| {
        let node = state.find(path)?;
        let names = state.names(node).ok_or(ErrorKind::NotADirectory)?;
        for name in names.read.keys().cloned().collect::<Vec<_>>() {
            state.step(false)?;
            state.place(&path.join(&name))?.0.change(vec![(name, None)]);
        }
        state.step(false)?;
        let (names, name) = state.place(path)?;
        names.change(vec![(name.to_owned(), None)]);
        Ok(())
    };
    on(simulated, || std::fs::remove_dir_all(path))
}

/// The names in a folder.
pub(crate) fn read_dir(path: impl AsRef<Path>) -> io::Result<Vec<io::Result<DirEntry>>> {
    let path = path.as_ref();
    let simulated = |state: &mut State| {
        state.step(false)?;
        let node = state.find(path)?;
        let names = state.names(node).ok_or(ErrorKind::NotADirectory)?;
        let names = names.read.keys().cloned();
        Ok(names.map(|name| Ok(DirEntry(name))).collect())
    };
    let real = || {
        let listing = std::fs::read_dir(path)?;
        Ok(listing
            .map(|entry| Ok(DirEntry(entry?.file_name())))
            .collect())
    };
    on(simulated, real)
}

/// As `std::fs::DirEntry`.
pub(crate) struct DirEntry(OsString);

impl DirEntry {
    pub(crate) fn file_name(&self) -> OsString {
        self.0.clone()
    }
}
