//! Reading the ledger: by people who must say why, and on record.

use comity::v1::{
    GetCheckpointResponse, GetRecordRequest, GetRecordResponse, LedgerEntry, ProveRequest,
    ProveResponse, Receipt, SearchRequest, SearchResponse,
};
use comity_domain::Digest;
use comity_ledger::{Hash, Leaf};
use comity_store::{EntryFilter, EntryRow, Page};

use crate::{
    admit,
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    wire::{from_proto, to_proto},
};

/// Finds entries by columns without personal data.
pub(crate) async fn search(
    gateway: &Gateway,
    caller: &Caller,
    message: SearchRequest,
) -> Result<SearchResponse, Refusal> {
    let SearchRequest {
        filter,
        page_size,
        page_token,
        purpose,
    } = message;
    entitled(gateway, caller, "search", &purpose).await?;
    let limit = from_proto::page_size(page_size)?;
    let from = match page_token.as_str() {
        "" => 0,
        token => token.parse().map_err(|_| {
            admit::malformed(
                "page_token",
                "is not one that a page named: begin without it",
            )
        })?,
    };
    let filter = read_filter(&filter)?;
    let rows = gateway
        .store()
        .entries(Page::From(from), filter, limit)
        .await;
    let rows = rows.map_err(record::unavailable)?;
    let next = rows
        .last()
        .filter(|_| rows.len() == limit)
        .map(|row| row.index + 1);
    Ok(SearchResponse {
        entries: rows.into_iter().map(entry).collect(),
        next_page_token: next.map(|next| next.to_string()).unwrap_or_default(),
    })
}

/// Reads an entry and the record it commits to.
pub(crate) async fn get_record(
    gateway: &Gateway,
    caller: &Caller,
    message: GetRecordRequest,
) -> Result<GetRecordResponse, Refusal> {
    let GetRecordRequest { index, purpose } = message;
    entitled(gateway, caller, "get-record", &purpose).await?;
    let row = entry_row(gateway, index).await?;
    let sealed = gateway
        .store()
        .record(index)
        .await
        .map_err(record::unavailable)?;
    let record = sealed.map(|sealed| sealed.record).unwrap_or_default();
    Ok(GetRecordResponse {
        entry: Some(entry(row)),
        record: record.into(),
    })
}

/// Proves that an entry is in the ledger; open to every certified caller,
/// since a proof says nothing but that.
pub(crate) async fn prove(
    gateway: &Gateway,
    caller: &Caller,
    message: ProveRequest,
) -> Result<ProveResponse, Refusal> {
    let ProveRequest { index } = message;
    record_read(gateway, caller, "prove", "").await?;
    let receipt = receipt(gateway, index, Digest([0; 32])).await?;
    Ok(ProveResponse {
        receipt: Some(receipt),
    })
}

/// The newest signed checkpoint.
pub(crate) async fn checkpoint(gateway: &Gateway) -> Result<GetCheckpointResponse, Refusal> {
    let path = gateway.store().ledger_dir().join("checkpoint");
    let checkpoint = tokio::fs::read_to_string(path)
        .await
        .map_err(record::unavailable)?;
    Ok(GetCheckpointResponse { checkpoint })
}

/// The receipt of an entry, with its proof as soon as it is published.
pub(crate) async fn receipt(
    gateway: &Gateway,
    index: u64,
    request: Digest,
) -> Result<Receipt, Refusal> {
    let proof = gateway
        .store()
        .receipt(index)
        .await
        .map_err(record::unavailable)?;
    let Some(proof) = proof else {
        let row = entry_row(gateway, index).await?;
        return Ok(show_receipt(gateway, index, row.leaf_hash, request, None));
    };
    let path: Vec<[u8; 32]> = proof.path.iter().map(|hash| hash.0).collect();
    let checkpoint = String::from_utf8_lossy(&proof.checkpoint);
    let published = to_proto::Published {
        inclusion_path: &path,
        checkpoint: &checkpoint,
    };
    Ok(show_receipt(
        gateway,
        index,
        proof.leaf_hash,
        request,
        Some(published),
    ))
}

fn show_receipt(
    gateway: &Gateway,
    index: u64,
    leaf: Hash,
    request: Digest,
    published: Option<to_proto::Published<'_>>,
) -> Receipt {
    to_proto::receipt(to_proto::Receipt {
        origin: gateway.origin(),
        index,
        leaf_hash: Digest(leaf.0),
        request,
        published,
    })
}

async fn entry_row(gateway: &Gateway, index: u64) -> Result<EntryRow, Refusal> {
    let rows = gateway
        .store()
        .entries(Page::From(index), EntryFilter::default(), 1)
        .await;
    let row = rows.map_err(record::unavailable)?.into_iter().next();
    row.filter(|row| row.index == index)
        .ok_or_else(|| Refusal::NotFound {
            kind: "ledger entry",
            name: index.to_string(),
        })
}

fn entry(row: EntryRow) -> LedgerEntry {
    let EntryRow {
        index,
        leaf_hash: _,
        leaf,
        leaf_bytes,
    } = row;
    LedgerEntry {
        index,
        at: Some(to_proto::timestamp(leaf.at)),
        kind: leaf.kind,
        leaf: leaf_bytes.into(),
    }
}

/// Reads `kind=decision AND outcome=REFUSED`.
fn read_filter(text: &str) -> Result<EntryFilter, Refusal> {
    let mut filter = EntryFilter::default();
    for term in text.split(" AND ").filter(|term| !term.trim().is_empty()) {
        let wrong = || {
            admit::malformed(
                "filter",
                "expected terms such as `kind=decision`, joined by ` AND `; the names are kind, case, actor, outcome, state, instrument, issuing and executing",
            )
        };
        let (name, value) = term.trim().split_once('=').ok_or_else(wrong)?;
        match name.trim() {
            "kind" => filter.kind = Some(value.to_owned()),
            "case" => filter.case = Some(value.parse().map_err(|_| wrong())?),
            "actor" => filter.actor = Some(value.to_owned()),
            "outcome" => filter.outcome = Some(value.to_owned()),
            "state" => filter.state = Some(value.to_owned()),
            "instrument" => filter.instrument = Some(value.parse().map_err(|_| wrong())?),
            "issuing" => filter.issuing = Some(value.parse().map_err(|_| wrong())?),
            "executing" => filter.executing = Some(value.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        }
    }
    Ok(filter)
}

/// Lets auditors in who say why, and records that they read.
async fn entitled(
    gateway: &Gateway,
    caller: &Caller,
    call: &str,
    purpose: &str,
) -> Result<(), Refusal> {
    let checked = admit::role(caller, &[Role::Auditor], "auditor").and_then(|()| {
        if purpose.trim().is_empty() {
            Err(admit::malformed(
                "purpose",
                "is missing: say why the log is read",
            ))
        } else {
            Ok(())
        }
    });
    match checked {
        Ok(()) => record_read(gateway, caller, call, purpose).await,
        Err(refusal) => Err(record::attempt(gateway, Some(caller), refusal).await),
    }
}

/// The purpose is the auditor's own words and may name people: it is sealed,
/// and the leaf says only what was called.
async fn record_read(
    gateway: &Gateway,
    caller: &Caller,
    call: &str,
    purpose: &str,
) -> Result<(), Refusal> {
    let leaf = Leaf::new(gateway.now(), "read", &caller.to_string());
    let leaf = Leaf {
        note: Some(call.to_owned()),
        ..leaf
    };
    record::event(gateway, leaf, purpose.as_bytes().to_vec()).await
}
