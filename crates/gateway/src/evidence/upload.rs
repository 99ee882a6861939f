//! Uploading: chunks are checked as they come, stored sealed, and count once the
//! item is whole and on record.

use std::sync::Arc;

use bytes::Bytes;
use comity::v1::{UploadRequest, UploadResponse, upload_request::Part};
use comity_domain::{CaseState, Digest};
use comity_evidence::{About, EvidenceError, ItemId, Upload, sealed};
use tokio::{sync::watch, time};
use tonic::{Code, Status, Streaming};

use super::{
    CHUNK_BYTES_MAX, Described, Evidence, Item, custody, described, entitled, entries, leaf, side,
    unusable,
};
use crate::{
    admit,
    cases::{self, CaseAt},
    gateway::Gateway,
    happen,
    identity::Caller,
    record::{self, RETRY_AFTER},
    refusal::Refusal,
    trickle::STILL_MAX,
    wire::evidence::{self as wire, Header},
};

/// What a refusal calls it.
const CALL: &str = "upload";

/// See `EvidenceService.Upload`.
pub(crate) async fn upload(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    parts: Streaming<UploadRequest>,
) -> Result<UploadResponse, Refusal> {
    let done = receive(gateway, caller, parts).await;
    record::attempted(gateway, caller, done).await
}

async fn receive(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    parts: Streaming<UploadRequest>,
) -> Result<UploadResponse, Refusal> {
    entitled(caller)?;
    let evidence = gateway.evidence();
    let mut incoming = Incoming {
        parts,
        stopped: evidence.stopped.clone(),
    };
    let header = match incoming.next().await? {
        Some(Part::Header(header)) => wire::header(header)?,
        Some(Part::Chunk(_)) | None => {
            let description = "is missing: begin with what follows";
            return Err(admit::malformed("header", description));
        }
    };
    let case = cases::visible_in(gateway, caller, ("header.case", &header.case)).await?;
    let id = ItemId {
        case: case.row.id.clone(),
        sha256: header.sha256,
    };
    let _place = evidence
        .places
        .take(Some(caller))
        .ok_or(Refusal::Overloaded {
            retry_after: RETRY_AFTER,
        })?;
    // Nobody else completes the item while this turn lasts.
    let turn = evidence.room.turn(&id).await;
    if let Some(item) = custody::find(gateway, &id).await? {
        let sealed_to = custody::recipient(gateway, &item).await?;
        is_the_same((&item, &sealed_to), (caller, &case), &header)?;
        return Ok(answer(&id, item.described.size, true));
    }
    // Only of what is not stored: whether it still may be says nothing of what is.
    let about = accept(gateway, caller, &case, &header)?;
    within_share(gateway, (&case, &id), &about).await?;
    let mut upload = evidence.room.begin(turn, about).await.map_err(unusable)?;
    take_in(&mut incoming, &mut upload, header.offset).await?;
    if upload.stored() < upload.about().size {
        return Ok(answer(&id, upload.stored(), false));
    }
    complete(gateway, caller, (&case, &id), upload).await
}

/// Refuses to call an item stored for its caller that the other side can delete, or that
/// is another than announced.
fn is_the_same(
    (item, sealed_to): (&Item, &str),
    (caller, case): (&Caller, &CaseAt),
    header: &Header,
) -> Result<(), Refusal> {
    if side(&item.by, case) != side(&caller.to_string(), case) {
        return Err(Refusal::NotNow(
            "the other side stored an item of the same bytes, and it alone can delete it: rely on \
             that one, or seal or pack yours, so that it is an item of its own"
                .to_owned(),
        ));
    }
    let Described {
        size,
        media_type,
        sealed: _,
        sha256: _,
    } = &item.described;
    let recipient = header.recipient.as_ref().map(ToString::to_string);
    let wrong = [
        ("header.size", *size != header.size),
        ("header.media_type", *media_type != header.media_type),
        (
            "header.recipient",
            recipient.unwrap_or_default() != sealed_to,
        ),
    ];
    let wrong = wrong.into_iter().find(|(_, wrong)| *wrong);
    wrong.map_or(Ok(()), |(field, _)| {
        let description = "is another than that of the item stored under this SHA-256: send it as \
                           it was, or delete that one first";
        Err(admit::malformed(field, description))
    })
}

/// What the caller announces, if it may be stored.
fn accept(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseAt,
    header: &Header,
) -> Result<About, Refusal> {
    has_not_ended(case)?;
    let limits = &gateway.evidence().limits;
    if header.size > limits.max_item_bytes {
        return Err(Refusal::ItemTooLarge {
            limit_bytes: limits.max_item_bytes,
        });
    }
    if !limits
        .media_types
        .iter()
        .any(|range| range.matches(&header.media_type))
    {
        let accepted: Vec<_> = limits.media_types.iter().map(ToString::to_string).collect();
        let description = format!("is not accepted here: send one of {}", accepted.join(", "));
        return Err(admit::malformed("header.media_type", &description));
    }
    Ok(About {
        size: header.size,
        media_type: header.media_type.clone(),
        recipient: header.recipient.as_ref().map(ToString::to_string),
        sender: caller.to_string(),
    })
}

/// Refuses to store anything for a case that has ended.
fn has_not_ended(case: &CaseAt) -> Result<(), Refusal> {
    let state = case.row.state;
    if !state.is_final() {
        return Ok(());
    }
    let all = CaseState::ALL.into_iter();
    Err(Refusal::NotAllowedNow {
        call: CALL,
        state,
        allowed: all.filter(|state| !state.is_final()).collect(),
    })
}

/// Refuses what is more than its side may store for the case. What is being sent counts as
/// stored.
async fn within_share(
    gateway: &Gateway,
    (case, id): (&CaseAt, &ItemId),
    about: &About,
) -> Result<(), Refusal> {
    let Evidence { room, limits, .. } = gateway.evidence();
    let own = side(&about.sender, case);
    let (mut items, mut bytes) = custody::stored_by(gateway, case, own).await?;
    for (begun, about) in room.begun_in(&id.case).await.map_err(unusable)? {
        if begun != *id && side(&about.sender, case) == own {
            items += 1;
            bytes = bytes.saturating_add(about.size);
        }
    }
    let (most_items, most_bytes) = (limits.items_per_side, limits.bytes_per_side);
    let why = if items >= most_items {
        format!(
            "this side has stored {items} items for the case, deleted ones among them, of which it \
             may store {most_items}: pack what belongs together into one, or let an upload that was \
             begun expire"
        )
    } else if bytes.saturating_add(about.size) > most_bytes {
        format!(
            "this side has {bytes} bytes stored for the case, of which it may have {most_bytes}: \
             delete what is needed no more"
        )
    } else {
        return Ok(());
    };
    Err(Refusal::NotNow(why))
}

/// Takes chunks in until there are no more.
async fn take_in(incoming: &mut Incoming, upload: &mut Upload, offset: u64) -> Result<(), Refusal> {
    let stored = upload.stored();
    let mut first = true;
    loop {
        let part = tokio::select! {
            part = incoming.next() => part?,
            () = upload.taken_over() => {
                return Err(Refusal::Conflict("the upload of this item"));
            }
        };
        let Some(part) = part else {
            return Ok(());
        };
        if first && offset != stored {
            return Err(Refusal::WrongOffset { offset, stored });
        }
        let bytes = check(part, upload).await?;
        if first && stored == 0 && upload.about().recipient.is_some() {
            is_sealed(&bytes)?;
        }
        first = false;
        match upload.push(bytes).await {
            // What was stored is gone.
            Err(EvidenceError::Damaged(_)) => {
                return Err(Refusal::WrongOffset { offset, stored: 0 });
            }
            pushed => pushed.map_err(unusable)?,
        }
    }
}

/// The bytes of a chunk, which are those that were sent.
async fn check(part: Part, upload: &Upload) -> Result<Bytes, Refusal> {
    let Part::Chunk(chunk) = part else {
        let description = "comes once: send chunks after it";
        return Err(admit::malformed("header", description));
    };
    let (data, stated) = wire::chunk(chunk, CHUNK_BYTES_MAX)?;
    let (data, found) = digest(data).await?;
    if found == stated {
        return Ok(data);
    }
    Err(Refusal::WrongDigest {
        what: "the chunk",
        offset: upload.received(),
        stored: upload.stored(),
    })
}

/// Computes off the async threads: a mebibyte takes a millisecond.
async fn digest(data: Bytes) -> Result<(Bytes, Digest), Refusal> {
    let work = move || {
        let digest = comity_evidence::digest(&data);
        (data, digest)
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|stopped| Refusal::Internal(Box::new(stopped)))
}

/// What is sent as sealed by mistake would lie there open to us.
fn is_sealed(first: &[u8]) -> Result<(), Refusal> {
    if first.starts_with(&sealed::MARK) {
        return Ok(());
    }
    Err(admit::malformed(
        "chunk.data",
        "is not sealed, although the header names a recipient: seal the item first, or leave the recipient out",
    ))
}

/// Puts a whole item on record; from then on it is readable.
async fn complete(
    gateway: &Gateway,
    caller: &Caller,
    (case, id): (&CaseAt, &ItemId),
    upload: Upload,
) -> Result<UploadResponse, Refusal> {
    let about = upload.about().clone();
    // Held until the item is kept.
    let turn = upload.finish().await.map_err(unusable)?;
    let sealed_to = about.recipient.as_deref().unwrap_or_default();
    let record = || async {
        // It may have ended while the bytes came.
        let case = cases::load(gateway, &id.case).await?;
        has_not_ended(&case)?;
        let item = (id, described(id, &about));
        let leaf = leaf(gateway, custody::STORED, &caller.to_string(), item);
        let allowed = (case.row.id, case.version);
        entries::stored(gateway, (leaf, sealed_to.into()), allowed).await
    };
    let committed = happen::carry_out(CALL, record).await?;
    if let Err(error) = gateway.evidence().room.keep(&turn).await {
        // It is readable where it is, and the sweep keeps it.
        tracing::warn!(
            error = &error as &dyn std::error::Error,
            "an item is not kept yet"
        );
    }
    let request = case.request_digest();
    Ok(UploadResponse {
        receipt: record::receipt(gateway, &committed, &request),
        ..answer(id, about.size, true)
    })
}

fn answer(id: &ItemId, stored: u64, complete: bool) -> UploadResponse {
    UploadResponse {
        name: wire::name(id),
        stored,
        complete,
        receipt: None,
    }
}

/// The parts of an upload as they come in.
struct Incoming {
    parts: Streaming<UploadRequest>,
    stopped: watch::Receiver<bool>,
}

impl Incoming {
    /// The next part; `None` at the end.
    async fn next(&mut self) -> Result<Option<Part>, Refusal> {
        let interrupted = |why| Refusal::Interrupted {
            why,
            retry_after: RETRY_AFTER,
        };
        let next = tokio::select! {
            next = time::timeout(STILL_MAX, self.parts.message()) => next,
            _ = self.stopped.wait_for(|stop| *stop) => {
                return Err(interrupted("the gateway stops"));
            }
        };
        let message = next.map_err(|_| interrupted("nothing came for a minute"))?;
        match message.map_err(|status| broken(&status))? {
            None => Ok(None),
            Some(UploadRequest { part: Some(part) }) => Ok(Some(part)),
            Some(UploadRequest { part: None }) => Err(admit::malformed(
                "part",
                "is missing: send a header, then chunks",
            )),
        }
    }
}

/// Why a stream gives no more parts.
fn broken(status: &Status) -> Refusal {
    match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => {
            admit::malformed("chunk.data", "is far longer than 1 MiB: divide it")
        }
        Code::Ok
        | Code::Cancelled
        | Code::Unknown
        | Code::InvalidArgument
        | Code::DeadlineExceeded
        | Code::NotFound
        | Code::AlreadyExists
        | Code::PermissionDenied
        | Code::FailedPrecondition
        | Code::Aborted
        | Code::Unimplemented
        | Code::Internal
        | Code::Unavailable
        | Code::DataLoss
        | Code::Unauthenticated => Refusal::Interrupted {
            why: "the stream broke off",
            retry_after: RETRY_AFTER,
        },
    }
}
