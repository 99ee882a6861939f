//! One large item of evidence through a gateway and back, cut three times on its way.

use std::{
    fs,
    net::SocketAddr,
    process::Command,
    time::{Duration, Instant},
};

use comity::v1::{
    DownloadRequest, EvidenceChunk, EvidenceHeader, PersonRole, SubmitRequest, UploadRequest,
    UploadResponse, cooperation_service_client::CooperationServiceClient,
    evidence_service_client::EvidenceServiceClient, upload_request::Part,
};
use comity_evidence::{Hasher, digest};
use comity_sandbox::{
    stories::{self, Story},
    world::World,
};
use prost::bytes::Bytes;
use time::OffsetDateTime;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::Channel;

use crate::{
    AnyError, accounts,
    cli::Transfer,
    process::{Process, free_address, remove},
};

/// Bytes in one chunk.
const CHUNK: usize = 1 << 20;
/// How often the connection is cut.
const CUTS: u64 = 3;
/// Longest time until the gateway answers.
const START_TIMEOUT: Duration = Duration::from_secs(120);

/// What is under measurement.
struct Ground {
    world: World,
    gateway: Process,
    address: SocketAddr,
    case: String,
    story: Story,
}

/// Uploads and downloads, and tells what it took.
pub(crate) async fn measure(transfer: &Transfer) -> Result<(), AnyError> {
    let Transfer { out, mib, .. } = transfer;
    remove(out)?;
    let ground = Ground::prepare(transfer).await?;
    let pid = ground.gateway.id();
    let header = announce(&ground.case, *mib);
    let before = accounts::rss_mib(pid)?;
    println!("gateway at rest: {before:.0} MiB");
    let name = {
        let meter = Meter::start("upload", *mib, &ground)?;
        let name = ground.upload(&header).await?;
        meter.stop(before)?;
        name
    };
    let meter = Meter::start("download", *mib, &ground)?;
    let read = ground.download(&name, header.size).await?;
    meter.stop(before)?;
    if read.as_ref() != header.sha256.as_ref() {
        return Err("what was read is not what was sent".into());
    }
    println!("{CUTS} cuts, SHA-256 equal on both ends");
    drop(ground);
    Ok(remove(out)?)
}

impl Ground {
    async fn prepare(transfer: &Transfer) -> Result<Self, AnyError> {
        let Transfer {
            out,
            comity,
            policies,
            ..
        } = transfer;
        fs::create_dir_all(out)?;
        let world = World::start(out, &["FR"], OffsetDateTime::now_utc()).await?;
        let address = free_address()?;
        let config = world.write_config(address, policies)?;
        let mut serve = Command::new(comity);
        serve.args(["serve", "--config"]).arg(config);
        let mut gateway = Process::start(serve.env("RUST_LOG", "warn"), out, "comity")?;
        let story = search()?;
        let start = Instant::now();
        let channel = loop {
            gateway.check()?;
            let channel = world.connect(address, story.jurisdiction, story.authority, "issuing");
            match channel.await {
                Ok(channel) => break channel,
                Err(error) if start.elapsed() > START_TIMEOUT => return Err(error.into()),
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        };
        let message = SubmitRequest {
            request: Some(story.request.clone()),
            wait: Some(prost_types::Duration {
                seconds: 60,
                nanos: 0,
            }),
            text_language: "en".to_owned(),
        };
        let answer = CooperationServiceClient::new(channel)
            .submit(message)
            .await?;
        let case = answer.into_inner().case.unwrap_or_default().name;
        Ok(Self {
            world,
            gateway,
            address,
            case,
            story,
        })
    }

    async fn connect(
        &self,
        state: &str,
        authority: &str,
        role: &str,
    ) -> Result<EvidenceServiceClient<Channel>, AnyError> {
        let channel = self.world.connect(self.address, state, authority, role);
        Ok(EvidenceServiceClient::new(channel.await?).max_decoding_message_size(2 * CHUNK))
    }

    /// Uploads, each time on a new connection from where the gateway says.
    async fn upload(&self, header: &EvidenceHeader) -> Result<String, AnyError> {
        for cut in 1..=CUTS + 1 {
            let mut client = self.connect("FR", "parquet-paris", "executing").await?;
            let ask = part(Part::Header(header.clone()));
            let stored = client.upload(tokio_stream::once(ask)).await?;
            let offset = stored.into_inner().stored;
            println!("  from {} MiB", offset >> 20);
            // Not where a segment ends.
            let until = (header.size / (CUTS + 1) * cut + 777_777).min(header.size);
            let (parts, stream) = mpsc::channel(2);
            let upload = tokio::spawn(async move {
                let answer = client.upload(ReceiverStream::new(stream)).await;
                answer.map(tonic::Response::into_inner)
            });
            let from = EvidenceHeader {
                offset,
                ..header.clone()
            };
            let sent = tokio::task::spawn_blocking(move || send(from, until, &parts));
            let parts = sent.await?;
            if until < header.size {
                // With the task goes the connection.
                upload.abort();
                let _ = upload.await;
                drop(parts);
                continue;
            }
            drop(parts);
            let UploadResponse { name, complete, .. } = upload.await??;
            return if complete {
                Ok(name)
            } else {
                Err("the upload is not complete".into())
            };
        }
        Err("the upload came to no end".into())
    }

    /// Downloads, and gives the digest of what came.
    async fn download(&self, name: &str, size: u64) -> Result<[u8; 32], AnyError> {
        let Story {
            jurisdiction,
            authority,
            ..
        } = self.story;
        let mut client = self.connect(jurisdiction, authority, "issuing").await?;
        let message = DownloadRequest {
            name: name.to_owned(),
            offset: 0,
        };
        let mut stream = client.download(message).await?.into_inner();
        let (mut hasher, mut bytes) = (Hasher::new(), 0);
        while let Some(message) = stream.message().await? {
            if let Some(EvidenceChunk { data, .. }) = message.chunk {
                bytes += data.len() as u64;
                hasher.update(&data);
            }
        }
        if bytes == size {
            Ok(hasher.finish().0)
        } else {
            Err(format!("{bytes} bytes came of {size}").into())
        }
    }
}

/// What one way takes.
struct Meter {
    what: &'static str,
    mib: u64,
    pid: u32,
    begun: Instant,
    cpu: Duration,
}

impl Meter {
    fn start(what: &'static str, mib: u64, ground: &Ground) -> Result<Self, AnyError> {
        println!("{what}: {mib} MiB");
        let pid = ground.gateway.id();
        accounts::forget_peak(pid)?;
        Ok(Self {
            what,
            mib,
            pid,
            begun: Instant::now(),
            cpu: accounts::cpu(&[pid])?,
        })
    }

    fn stop(self, before: f64) -> Result<(), AnyError> {
        let seconds = self.begun.elapsed().as_secs_f64();
        let cpu = accounts::cpu(&[self.pid])?.saturating_sub(self.cpu);
        let peak = accounts::peak_rss_mib(&[self.pid])?;
        #[expect(clippy::cast_precision_loss, reason = "sizes stay far below 2^52 MiB")]
        let mib = self.mib as f64;
        println!(
            "{}: {:.0} MiB/s, {:.0} µs of the gateway's CPU a MiB, peak {peak:.0} MiB, {:+.0} MiB over rest",
            self.what,
            mib / seconds,
            cpu.as_secs_f64() * 1e6 / mib,
            peak - before,
        );
        Ok(())
    }
}

/// The item's bytes at an offset: no two chunks are alike.
fn data(offset: u64) -> Vec<u8> {
    let mut data = vec![0x5a; CHUNK];
    for (to, from) in data.iter_mut().zip(offset.to_be_bytes()) {
        *to = from;
    }
    data
}

fn announce(case: &str, mib: u64) -> EvidenceHeader {
    let mut hasher = Hasher::new();
    for chunk in 0..mib {
        hasher.update(&data(chunk << 20));
    }
    EvidenceHeader {
        case: case.to_owned(),
        media_type: "application/octet-stream".to_owned(),
        size: mib << 20,
        sha256: Bytes::copy_from_slice(&hasher.finish().0),
        offset: 0,
        recipient: String::new(),
    }
}

/// Hands over the item from the header's offset on, and gives back what keeps the
/// stream open.
fn send(
    header: EvidenceHeader,
    until: u64,
    parts: &mpsc::Sender<UploadRequest>,
) -> mpsc::Sender<UploadRequest> {
    let mut offset = header.offset;
    let mut taken = parts.blocking_send(part(Part::Header(header))).is_ok();
    while taken && offset < until {
        // Stored ends are ends of chunks too.
        let data = Bytes::from(data(offset));
        offset += data.len() as u64;
        let sha256 = Bytes::copy_from_slice(&digest(&data).0);
        let chunk = Part::Chunk(EvidenceChunk { data, sha256 });
        taken = parts.blocking_send(part(chunk)).is_ok();
    }
    parts.clone()
}

fn part(part: Part) -> UploadRequest {
    UploadRequest { part: Some(part) }
}

/// A house search that takes people and time, approved.
fn search() -> Result<Story, AnyError> {
    let now = prost_types::Timestamp {
        seconds: OffsetDateTime::now_utc().unix_timestamp(),
        nanos: 0,
    };
    let mut story = stories::all("evidence", now)
        .into_iter()
        .find(|story| story.title.starts_with("House search"))
        .ok_or("the demonstration has no house search")?;
    story.request.language = "fr".to_owned();
    story.request.persons.push(comity::v1::Person {
        role: PersonRole::Victim.into(),
        ..comity::v1::Person::default()
    });
    Ok(story)
}
