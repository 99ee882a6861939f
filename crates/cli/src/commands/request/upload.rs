//! `comity request upload`: a file becomes evidence of a case, whatever happens to
//! the line meanwhile.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    time::Duration,
};

use clap::Args;
use comity::v1::{
    EvidenceChunk, EvidenceHeader, UploadRequest, UploadResponse, upload_request::Part,
};
use comity_domain::Digest;
use comity_evidence::{
    Hasher, digest,
    sealed::{self, Recipient},
};
use prost::bytes::Bytes;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{
    Call,
    line::{CHUNK_BYTES, Cut, Line, file_failure, size},
};
use crate::{
    exit::{Exit, Failure},
    progress::Progress,
};

/// Chunks read ahead of the line.
const AHEAD: usize = 2;
/// Bytes in the unit of the progress bar.
const MIB: u64 = 1 << 20;

/// Media types by the ending of a file's name.
const MEDIA_TYPES: [(&str, &str); 16] = [
    ("csv", "text/csv"),
    ("eml", "message/rfc822"),
    ("gif", "image/gif"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("json", "application/json"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("tiff", "image/tiff"),
    ("txt", "text/plain"),
    ("wav", "audio/wav"),
    ("xml", "application/xml"),
    ("zip", "application/zip"),
];

#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The case, `cases/<id>`
    case: String,
    /// The file to store
    file: PathBuf,
    /// Media type; by the file's ending otherwise
    #[arg(long)]
    media_type: Option<String>,
    /// Seal it first, so that only the owner of this key reads it: `comity-recipient-1+...`
    #[arg(long)]
    seal_to: Option<Recipient>,
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
        media_type,
        seal_to,
        patience,
        call,
    } = arguments;
    let mut line = Line::new(&call.connection, Duration::from_secs(patience))?;
    let media_type = media_type.unwrap_or_else(|| media_type_of(&file).to_owned());
    let sealed = match &seal_to {
        Some(recipient) => Some(seal(&file, recipient)?),
        None => None,
    };
    let sent = sealed.as_ref().unwrap_or(&file);
    let (bytes, sha256) = measure(sent)?;
    let header = EvidenceHeader {
        case,
        media_type,
        size: bytes,
        sha256: Bytes::copy_from_slice(&sha256.0),
        offset: 0,
        recipient: seal_to.map_or_else(String::new, |recipient| recipient.to_string()),
    };
    let answer = loop {
        match attempt(&mut line, &header, sent).await {
            Ok(answer) => break answer,
            Err(cut) => line.wait_after(cut).await?,
        }
    };
    if let Some(sealed) = &sealed {
        fs::remove_file(sealed).map_err(file_failure(sealed))?;
    }
    call.print(&answer, words)?;
    Ok(Exit::Done)
}

fn words(answer: &UploadResponse) -> String {
    let entry = match &answer.receipt {
        Some(receipt) => format!(", entry {} of the ledger", receipt.index),
        None => ", as before".to_owned(),
    };
    format!("stored {}\n  {}{entry}", answer.name, size(answer.stored))
}

/// Asks where to go on, and goes on from there.
async fn attempt(
    line: &mut Line,
    header: &EvidenceHeader,
    file: &Path,
) -> Result<UploadResponse, Cut> {
    let mut client = line.connect().await?;
    let ask = part(Part::Header(header.clone()));
    let stored = client.upload(tokio_stream::once(ask)).await?.into_inner();
    line.reach(stored.stored);
    if stored.complete {
        return Ok(stored);
    }
    let from = EvidenceHeader {
        offset: stored.stored,
        ..header.clone()
    };
    let (parts, stream) = mpsc::channel(AHEAD);
    let unusable = |error| Cut::Final(file_failure(file)(error));
    let open = File::open(file).map_err(unusable)?;
    let reading = tokio::task::spawn_blocking(move || read(open, from, &parts));
    let answer = client.upload(ReceiverStream::new(stream)).await;
    let read = reading.await;
    read.unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
        .map_err(unusable)?;
    let answer = answer?.into_inner();
    line.reach(answer.stored);
    if answer.complete {
        Ok(answer)
    } else {
        Err(Cut::Line("the file has become shorter meanwhile".into()))
    }
}

/// Hands a file over from the header's offset on, until it ends or nobody takes it.
fn read(
    mut file: File,
    header: EvidenceHeader,
    parts: &mpsc::Sender<UploadRequest>,
) -> io::Result<()> {
    let mut progress = Progress::new("MiB sent", header.size.div_ceil(MIB));
    let mut sent = header.offset;
    file.seek(SeekFrom::Start(sent))?;
    let mut taken = parts.blocking_send(part(Part::Header(header))).is_ok();
    while let Some(chunk) = chunk(&mut file)?.filter(|_| taken) {
        sent += chunk.data.len() as u64;
        taken = parts.blocking_send(part(Part::Chunk(chunk))).is_ok();
        progress.reach(sent / MIB);
    }
    Ok(())
}

fn part(part: Part) -> UploadRequest {
    UploadRequest { part: Some(part) }
}

/// The next chunk of a file.
fn chunk(file: &mut File) -> io::Result<Option<EvidenceChunk>> {
    let mut data = Vec::with_capacity(CHUNK_BYTES);
    file.take(CHUNK_BYTES as u64).read_to_end(&mut data)?;
    Ok((!data.is_empty()).then(|| EvidenceChunk {
        sha256: Bytes::copy_from_slice(&digest(&data).0),
        data: data.into(),
    }))
}

/// Size and digest of a file.
fn measure(path: &Path) -> Result<(u64, Digest), Failure> {
    let mut file = File::open(path).map_err(file_failure(path))?;
    let total = file.metadata().map_err(file_failure(path))?.len();
    let mut progress = Progress::new("MiB read", total.div_ceil(MIB));
    let (mut bytes, mut hasher) = (0, Hasher::new());
    let mut buffer = vec![0; CHUNK_BYTES];
    loop {
        let read = file.read(&mut buffer).map_err(file_failure(path))?;
        let Some(read) = buffer.get(..read).filter(|read| !read.is_empty()) else {
            return Ok((bytes, hasher.finish()));
        };
        hasher.update(read);
        bytes += read.len() as u64;
        progress.reach(bytes / MIB);
    }
}

/// Seals a file beside it. What an earlier attempt has sealed is used again, since
/// no two sealings of one file are alike and an upload goes on with the same bytes.
fn seal(file: &Path, recipient: &Recipient) -> Result<PathBuf, Failure> {
    let key = recipient.to_string();
    let mark: String = key.chars().rev().take(8).collect();
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{mark}.sealed"));
    let sealed = PathBuf::from(name);
    let modified = |path: &Path| fs::metadata(path).and_then(|meta| meta.modified());
    let source = modified(file).map_err(file_failure(file))?;
    if modified(&sealed).is_ok_and(|sealed| sealed > source) {
        return Ok(sealed);
    }
    let draft = sealed.with_extension("draft");
    let from = File::open(file).map_err(file_failure(file))?;
    let to = File::create(&draft).map_err(file_failure(&draft))?;
    let mut to = BufWriter::new(to);
    sealed::seal(recipient, from, &mut to)?;
    to.flush()
        .and_then(|()| fs::rename(&draft, &sealed))
        .map_err(file_failure(&sealed))?;
    Ok(sealed)
}

fn media_type_of(file: &Path) -> &'static str {
    let ending = file.extension().and_then(|ending| ending.to_str());
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    MEDIA_TYPES
        .into_iter()
        .find(|(known, _)| *known == ending)
        .map_or("application/octet-stream", |(_, media_type)| media_type)
}
