//! Downloading: asked for, recorded, and only then sent.

use std::sync::Arc;

use bytes::Bytes;
use comity::v1::{DownloadRequest, DownloadResponse, EvidenceItem};
use comity_evidence::Reader;
use comity_store::{Committed, Durable};
use tokio::{
    sync::{mpsc, watch},
    time,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

use super::{
    CHUNK_BYTES_MAX, Item, STILL_MAX, custody, entitled, leaf,
    release::{self, Released},
    side, unusable,
};
use crate::{
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::{self, Unfiled},
    identity::Caller,
    places::Place,
    record,
    record::RETRY_AFTER,
    refusal::Refusal,
    wire::evidence as wire,
};

/// Chunks that wait for a slow reader; with the segment they are cut from, all of
/// a download that lies in memory.
const WAITING: usize = 1;

/// What a download is sent as.
pub(crate) type Chunks = ReceiverStream<Result<DownloadResponse, Status>>;

/// See `EvidenceService.Download`.
pub(crate) async fn download(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    message: DownloadRequest,
) -> Result<Chunks, Refusal> {
    let begun = begin(gateway, caller, message).await;
    record::attempted(gateway, caller, begun).await
}

async fn begin(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    message: DownloadRequest,
) -> Result<Chunks, Refusal> {
    let DownloadRequest { name, offset } = message;
    entitled(caller)?;
    let (case, sha256) = wire::item_name(&name)?;
    // Judged anew where the case moved before the reading was on record.
    let judge = || async {
        let case = cases::visible(gateway, caller, case).await?;
        let item = custody::found(gateway, &case, sha256).await?;
        hand_over(gateway, caller, (case, item), offset).await
    };
    happen::carry_out("download", judge).await
}

/// Hands over as the case stands, once it is on record that it stood so.
async fn hand_over(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    (case, item): (CaseAt, Item),
    offset: u64,
) -> Result<Chunks, Unfiled> {
    let size = item.described.size;
    if offset > size {
        let stored = size;
        return Err(Refusal::WrongOffset { offset, stored }.into());
    }
    let actor = caller.to_string();
    let released = release::ask(&case, side(&item.by, &case), side(&actor, &case))?;
    let evidence = gateway.evidence();
    let place = evidence
        .places
        .take(Some(caller))
        .ok_or(Refusal::Overloaded {
            retry_after: RETRY_AFTER,
        })?;
    let reader = evidence.room.read(&item.id, offset).await;
    let reader = reader.map_err(unusable)?;
    let recipient = reader.about().recipient.clone().unwrap_or_default();
    let shown = wire::show(&item, recipient, false);
    let mut leaf = leaf(gateway, custody::READ, &actor, (&item.id, item.described));
    leaf.note = (offset > 0).then(|| format!("from byte {offset}"));
    let until_recorded = evidence.handing_over.read().await;
    let recorded = record::reading(gateway, leaf, (case.row.id, case.version)).await?;
    drop(until_recorded);
    // One place more than is ever filled, for how it ends.
    let (chunks, stream) = mpsc::channel(WAITING + 1);
    let last = chunks.clone().try_reserve_owned().ok();
    let sender = Sender {
        chunks,
        last,
        stopped: evidence.stopped.clone(),
        _place: place,
    };
    tokio::spawn(sender.run(reader, shown, (released, recorded)));
    Ok(ReceiverStream::new(stream))
}

/// Sends one download at the pace of its reader.
struct Sender {
    chunks: mpsc::Sender<Result<DownloadResponse, Status>>,
    /// For what broke it off: whoever reads slowly hears it too, with what lies before.
    last: Option<mpsc::OwnedPermit<Result<DownloadResponse, Status>>>,
    stopped: watch::Receiver<bool>,
    _place: Place,
}

impl Sender {
    /// Nothing is sent but what is released, and on record as read.
    async fn run(
        mut self,
        reader: Reader,
        item: EvidenceItem,
        _allowed: (Released, Durable<Committed>),
    ) {
        let sent = self.send_all(reader, item).await;
        if let (Err(refusal), Some(last)) = (sent, self.last) {
            last.send(Err(refusal.into()));
        }
    }

    async fn send_all(&mut self, mut reader: Reader, item: EvidenceItem) -> Result<(), Refusal> {
        let first = DownloadResponse {
            chunk: None,
            item: Some(item),
        };
        self.send(first).await?;
        while let Some(segment) = reader.next().await.map_err(unusable)? {
            for chunk in cut(segment).await? {
                let chunk = Some(chunk);
                self.send(DownloadResponse { chunk, item: None }).await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self, message: DownloadResponse) -> Result<(), Refusal> {
        let interrupted = |why| Refusal::Interrupted {
            why,
            retry_after: RETRY_AFTER,
        };
        tokio::select! {
            sent = time::timeout(STILL_MAX, self.chunks.send(Ok(message))) => match sent {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(interrupted("the reader left")),
                Err(_) => Err(interrupted("nothing was taken for a minute")),
            },
            _ = self.stopped.wait_for(|stop| *stop) => Err(interrupted("the gateway stops")),
        }
    }
}

/// Cuts a segment into chunks, each with its digest, off the async threads.
async fn cut(mut segment: Bytes) -> Result<Vec<comity::v1::EvidenceChunk>, Refusal> {
    let work = move || {
        let mut chunks = Vec::new();
        while !segment.is_empty() {
            let data = segment.split_to(CHUNK_BYTES_MAX.min(segment.len()));
            chunks.push(wire::show_chunk(comity_evidence::digest(&data), data));
        }
        chunks
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| Refusal::Internal(Box::new(stopped)))
}
