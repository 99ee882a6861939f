//! Downloading: asked for, recorded, and only then sent.

use std::sync::Arc;

use bytes::Bytes;
use comity::v1::{DownloadRequest, DownloadResponse, EvidenceItem};
use comity_domain::BoundParty;
use comity_evidence::Reader;
use comity_ledger::Leaf;
use comity_store::{Committed, Durable};

use super::{
    CHUNK_BYTES_MAX, Item, custody, entitled, entries, leaf,
    release::{self, Released},
    side, unusable,
};
use crate::{
    cases::{self, CaseAt},
    conditions,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::Caller,
    places::Place,
    record,
    record::RETRY_AFTER,
    refusal::Refusal,
    trickle::{Stream, Trickle},
    wire::{
        encoded::{self, Kept},
        evidence as wire,
    },
};

/// What a download is sent as: with the segment that chunks are cut from, all of it that
/// lies in memory.
pub(crate) type Chunks = Stream<DownloadResponse>;

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
    let (from, to) = (side(&item.by, &case), side(&actor, &case));
    let released = release::ask(&case, from, to)?;
    if from != to && to == BoundParty::Issuing && waits_for_it(&case) {
        // What waits for data binds before they are there.
        handed_over(gateway, case, &actor).await?;
        return Err(Unfiled::Conflict);
    }
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
    let recorded = entries::reading(gateway, leaf, (case.row.id, case.version)).await?;
    drop(until_recorded);
    let (chunks, stream) = Trickle::new(evidence.stopped.clone());
    let sender = Sender {
        chunks,
        _place: place,
    };
    tokio::spawn(sender.run(reader, shown, (released, recorded)));
    Ok(stream)
}

/// Something of the case waits for the issuing side to receive data, and does not know of
/// any yet.
fn waits_for_it(case: &CaseAt) -> bool {
    let CaseAt { snapshot, .. } = case;
    !snapshot.kept().evidence_read && conditions::wait_for_data(&snapshot.conditions)
}

/// Files that the issuing side is handed evidence.
async fn handed_over(gateway: &Gateway, case: CaseAt, actor: &str) -> Result<(), Unfiled> {
    let leaf = Leaf {
        note: Some("the issuing side is handed evidence, and what waits for data binds".to_owned()),
        ..Leaf::new(gateway.now(), "evidence-handed-over", actor)
    };
    let adds = encoded::Case {
        kept: Some(Kept {
            evidence_read: true,
            ..Kept::default()
        }),
        ..encoded::Case::default()
    };
    let event = Event::new(leaf, case.row.state, adds);
    happen::file(gateway, case, event, None).await.map(drop)
}

/// Sends one download at the pace of its reader.
struct Sender {
    chunks: Trickle<DownloadResponse>,
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
        self.chunks.end(sent);
    }

    async fn send_all(&mut self, mut reader: Reader, item: EvidenceItem) -> Result<(), Refusal> {
        let first = DownloadResponse {
            chunk: None,
            item: Some(item),
        };
        self.chunks.send(first).await?;
        while let Some(segment) = reader.next().await.map_err(unusable)? {
            for chunk in cut(segment).await? {
                let chunk = Some(chunk);
                let message = DownloadResponse { chunk, item: None };
                self.chunks.send(message).await?;
            }
        }
        Ok(())
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
