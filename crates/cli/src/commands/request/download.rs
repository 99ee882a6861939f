//! `comity request download`: an item of evidence becomes a file, whatever happens to
//! the line meanwhile, and is one only when it is whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufWriter, Read as _, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use comity::v1::{DownloadRequest, EvidenceChunk, EvidenceItem};
use comity_domain::Digest;
use comity_evidence::{
    Hasher, digest,
    sealed::{self, Identity},
};

use super::{
    Call, items,
    line::{CHUNK_BYTES, Cut, Line, digest_in, file_failure, size},
};
use crate::{
    exit::{Exit, Failure},
    progress::Progress,
};

/// Who may do what with evidence: its owner alone may read and write it.
const PRIVATE: u32 = 0o600;
/// Bytes in the unit of the progress bar.
const MIB: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The case, `cases/<id>`, or one item of it, `cases/<id>/evidence/<sha256>`
    case: String,
    /// The file to write; it must not exist
    file: PathBuf,
    /// File of the key that the item is sealed to, to open it with
    #[arg(long)]
    identity: Option<PathBuf>,
    /// Seconds to go on trying without coming any further
    #[arg(long, default_value_t = 600)]
    patience: u64,
    #[command(flatten)]
    call: Call,
}

pub(super) async fn run(arguments: Arguments) -> Result<Exit, Failure> {
    let Arguments {
        case,
        file,
        identity,
        patience,
        call,
    } = arguments;
    if file.exists() {
        return Err(format!("`{}` exists: choose another name", file.display()).into());
    }
    let identity = identity.as_deref().map(read_identity).transpose()?;
    let mut line = Line::new(&call.connection, Duration::from_secs(patience))?;
    let item = loop {
        match find(&line, &case).await {
            Ok(item) => break item,
            Err(cut) => line.wait_after(cut).await?,
        }
    };
    let identity = identity.filter(|_| !item.recipient.is_empty());
    let sha256 = digest_in(&item.name).ok_or("the gateway names an item that has no digest")?;
    let mut part = Part::open(&file, sha256)?;
    loop {
        match attempt(&mut line, &item, &mut part).await {
            Ok(()) => break,
            Err(cut) => line.wait_after(cut).await?,
        }
    }
    part.conclude(&file, identity.as_ref())?;
    call.print(&item, |item| words(item, identity.is_some()))?;
    Ok(Exit::Done)
}

fn words(item: &EvidenceItem, opened: bool) -> String {
    let how = match item.recipient.as_str() {
        "" => String::new(),
        _ if opened => ", opened".to_owned(),
        recipient => format!(", sealed to {recipient}: `--identity` opens it"),
    };
    let EvidenceItem {
        name, media_type, ..
    } = item;
    format!("read {name}\n  {}, {media_type}{how}", size(item.size))
}

/// The item of a name, or the only one of a case.
async fn find(line: &Line, name: &str) -> Result<EvidenceItem, Cut> {
    let case = name.split("/evidence/").next().unwrap_or(name).to_owned();
    let mut client = line.connect().await?;
    let mut items = items::all(&mut client, case).await?.items;
    items.retain(|item| item.name == name || !name.contains("/evidence/"));
    match <[EvidenceItem; 1]>::try_from(items) {
        Ok([item]) => Ok(item),
        Err(items) if items.is_empty() => {
            Err(Cut::Final(format!("`{name}` has no evidence").into()))
        }
        Err(items) => {
            let names: String = items
                .iter()
                .map(|item| format!("\n  {}", item.name))
                .collect();
            Err(Cut::Final(
                format!("name one item of the case:{names}").into(),
            ))
        }
    }
}

/// Reads from where the file ends.
async fn attempt(line: &mut Line, item: &EvidenceItem, part: &mut Part) -> Result<(), Cut> {
    let mut progress = Progress::new("MiB read", item.size.div_ceil(MIB));
    let mut client = line.connect().await?;
    let message = DownloadRequest {
        name: item.name.clone(),
        offset: part.bytes,
    };
    let mut chunks = client.download(message).await?.into_inner();
    while let Some(message) = chunks.message().await? {
        if let Some(chunk) = message.chunk {
            part.append(chunk)?;
            line.reach(part.bytes);
            progress.reach(part.bytes / MIB);
        }
    }
    if part.bytes == item.size {
        Ok(())
    } else {
        Err(Cut::Line("the item broke off".into()))
    }
}

fn read_identity(path: &Path) -> Result<Identity, Failure> {
    let text = fs::read_to_string(path).map_err(file_failure(path))?;
    let unusable = |error| format!("`{}` holds no key to open with: {error}", path.display());
    Ok(text.parse().map_err(unusable)?)
}

/// The part of an item that is there already, in a file of its own.
struct Part {
    path: PathBuf,
    file: File,
    bytes: u64,
    sha256: Digest,
    hasher: Hasher,
}

impl Part {
    /// Takes up what an earlier run has left.
    fn open(file: &Path, sha256: Digest) -> Result<Self, Failure> {
        let mark: String = sha256.to_string().chars().take(8).collect();
        let mut name = file.as_os_str().to_owned();
        name.push(format!(".{mark}.part"));
        let path = PathBuf::from(name);
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true).mode(PRIVATE);
        let mut part = Self {
            file: options.open(&path).map_err(file_failure(&path))?,
            path,
            bytes: 0,
            sha256,
            hasher: Hasher::new(),
        };
        let mut buffer = vec![0; CHUNK_BYTES];
        loop {
            let read = part
                .file
                .read(&mut buffer)
                .map_err(file_failure(&part.path))?;
            let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
                return Ok(part);
            };
            part.hasher.update(read);
            part.bytes += read.len() as u64;
        }
    }

    fn append(&mut self, chunk: EvidenceChunk) -> Result<(), Cut> {
        let EvidenceChunk { data, sha256 } = chunk;
        if digest(&data).0 != sha256.as_ref() {
            return Err(Cut::Line("a chunk was changed on its way".into()));
        }
        let written = self.file.write_all(&data);
        written.map_err(|error| Cut::Final(file_failure(&self.path)(error)))?;
        self.hasher.update(&data);
        self.bytes += data.len() as u64;
        Ok(())
    }

    /// Makes the file of what is whole, opened if it was sealed and can be.
    fn conclude(self, file: &Path, identity: Option<&Identity>) -> Result<(), Failure> {
        let Self {
            path,
            file: part,
            sha256,
            hasher,
            ..
        } = self;
        if hasher.finish() != sha256 {
            fs::remove_file(&path).map_err(file_failure(&path))?;
            return Err("what was read is not the item, and was removed: read it again".into());
        }
        part.sync_all().map_err(file_failure(&path))?;
        let opened = path.with_extension("opened");
        let whole = match identity {
            None => &path,
            Some(identity) => {
                open(identity, &path, &opened)?;
                &opened
            }
        };
        // What was made meanwhile under this name is not written over.
        private(file)
            .and_then(|_| fs::rename(whole, file))
            .map_err(file_failure(file))?;
        match identity {
            None => Ok(()),
            Some(_) => fs::remove_file(&path).map_err(file_failure(&path)),
        }
    }
}

/// A new file that its owner alone may read and write.
fn private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(PRIVATE);
    options.open(path)
}

/// Opens a sealed file; nothing is left of it unless it opens to its end.
fn open(identity: &Identity, from: &Path, to: &Path) -> Result<(), Failure> {
    let sealed = File::open(from).map_err(file_failure(from))?;
    // One that was begun before and broke off.
    let _: io::Result<()> = fs::remove_file(to);
    let mut plain = BufWriter::new(private(to).map_err(file_failure(to))?);
    let opened = sealed::open(identity, sealed, &mut plain)
        .and_then(|()| Ok(plain.flush()?))
        .and_then(|()| Ok::<_, sealed::SealedError>(plain.get_ref().sync_all()?));
    if let Err(error) = opened {
        // The failure is what is told.
        let _: io::Result<()> = fs::remove_file(to);
        return Err(error.into());
    }
    Ok(())
}
