//! Reading the ledger: by people who must say why, and on record.

mod access;
mod emergency;
mod export;
mod personal;

use bytes::Bytes;
use comity::v1::{
    self, GetCheckpointResponse, GetRecordRequest, GetRecordResponse, ProveRequest, ProveResponse,
    Receipt, SearchRequest, SearchResponse,
};
use comity_domain::Digest;
use comity_ledger::{Hash, Proof};
use comity_store::{EntryFilter, EntryRow, Page, Record};

pub(crate) use self::{
    emergency::{assess as assess_emergency, list as list_emergencies},
    export::{case as export_case, statistics},
};
use crate::{
    admit,
    gateway::Gateway,
    identity::Caller,
    kinds,
    offline::pruned_entry,
    record,
    refusal::Refusal,
    wire::{from_proto, to_proto},
};

/// Finds entries by columns without personal data, or by a personal value.
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
        order_by,
        category,
        recipient,
        personal: value,
    } = message;
    let stated = v1::Access {
        category,
        purpose,
        recipient,
        ..v1::Access::default()
    };
    let asked = from_proto::Asked {
        filter: &filter,
        order_by: &order_by,
        page_size,
        page_token: &page_token,
    };
    if let Some(value) = value {
        return personal::search(gateway, caller, stated, asked, value).await;
    }
    let stated = v1::Access {
        subject: filter.clone(),
        ..stated
    };
    let search = access::entitled(gateway, caller, access::SEARCH, stated, || {
        Ok(from_proto::search(asked)?)
    });
    let search = search.await?;
    let named = search.filter.clone();
    let found = gateway.store().search(search).await;
    let found = found.map_err(record::unavailable)?;
    let remarks = match found.entries.is_empty() && kinds::names_any(&named) {
        true => record::attempted(gateway, caller, unnamed(gateway, &named).await).await?,
        false => Vec::new(),
    };
    Ok(SearchResponse {
        entries: found.entries.into_iter().map(entry).collect(),
        next_page_token: from_proto::token(found.next, &filter, &order_by),
        remarks,
    })
}

/// What a filter that finds nothing names that no entry does.
async fn unnamed(gateway: &Gateway, filter: &EntryFilter) -> Result<Vec<String>, Refusal> {
    let names = gateway.store().names().await;
    let names = names.map_err(record::unavailable)?;
    let law = || kinds::events(&gateway.policies());
    kinds::unnamed(filter, &names, law)
        .map_err(|expected| admit::malformed("filter", &format!("`kind`: {expected}")))
}

/// Reads an entry and the record it commits to.
pub(crate) async fn get_record(
    gateway: &Gateway,
    caller: &Caller,
    message: GetRecordRequest,
) -> Result<GetRecordResponse, Refusal> {
    let GetRecordRequest {
        index,
        purpose,
        category,
        recipient,
    } = message;
    let stated = v1::Access {
        category,
        purpose,
        recipient,
        subject: index.to_string(),
        ..v1::Access::default()
    };
    let row = entry_row(gateway, index).await;
    let reach = match &row {
        Ok(row) => access::entry_within_reach(gateway, caller, &row.leaf).await,
        // What is not there is told where it is looked for.
        Err(_) => Ok(()),
    };
    access::entitled(gateway, caller, access::GET_RECORD, stated, || reach).await?;
    let row = row?;
    let record = gateway.store().record(index).await;
    let record = record.map_err(record::unavailable)?;
    Ok(show_record(row, record))
}

/// An entry with the record it commits to, where there is one.
pub(crate) fn show_record(row: EntryRow, record: Option<Record>) -> GetRecordResponse {
    let (record, salt) = record.map_or_else(Default::default, |sealed| {
        let Record { salt, record } = sealed;
        (record.into(), Bytes::copy_from_slice(&salt))
    });
    GetRecordResponse {
        entry: Some(entry(row)),
        record,
        salt,
    }
}

/// Proves that an entry is in the ledger; open to every certified caller,
/// since a proof says nothing but that.
pub(crate) async fn prove(
    gateway: &Gateway,
    caller: &Caller,
    message: ProveRequest,
) -> Result<ProveResponse, Refusal> {
    let ProveRequest { index } = message;
    let access = v1::Access {
        category: v1::AccessCategory::Consultation.into(),
        call: "prove".to_owned(),
        subject: index.to_string(),
        ..v1::Access::default()
    };
    access::on_record(gateway, caller, &access).await?;
    let row = entry_row(gateway, index).await?;
    let proof = gateway.store().receipt(index).await;
    let proof = proof.map_err(record::unavailable)?;
    Ok(show_proof(gateway.origin(), row, proof))
}

/// An entry with the proof that it is in the ledger, where there is one yet.
pub(crate) fn show_proof(origin: &str, row: EntryRow, proof: Option<Proof>) -> ProveResponse {
    let request = row.leaf.request.map_or([0; 32], |digest| digest.0);
    let entry = (row.index, row.leaf_hash);
    let receipt = show_receipt(origin, entry, Digest(request), proof.as_ref());
    to_proto::proved(receipt, row.leaf_bytes, proof)
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
    let proof = gateway.store().receipt(index).await;
    let proof = proof.map_err(record::unavailable)?;
    let leaf_hash = match &proof {
        Some(proof) => proof.leaf_hash,
        None => entry_row(gateway, index).await?.leaf_hash,
    };
    let entry = (index, leaf_hash);
    Ok(show_receipt(
        gateway.origin(),
        entry,
        request,
        proof.as_ref(),
    ))
}

/// The receipt of an entry by its index and the hash of its leaf.
pub(crate) fn show_receipt(
    origin: &str,
    (index, leaf_hash): (u64, Hash),
    request: Digest,
    proof: Option<&Proof>,
) -> Receipt {
    let path: Vec<[u8; 32]> = proof
        .iter()
        .flat_map(|proof| &proof.path)
        .map(|hash| hash.0)
        .collect();
    let checkpoint = proof.map(|proof| String::from_utf8_lossy(&proof.checkpoint));
    to_proto::receipt(to_proto::Receipt {
        origin,
        index,
        leaf_hash: Digest(leaf_hash.0),
        request,
        published: checkpoint.as_deref().map(|checkpoint| to_proto::Published {
            inclusion_path: &path,
            checkpoint,
        }),
    })
}

async fn entry_row(gateway: &Gateway, index: u64) -> Result<EntryRow, Refusal> {
    let rows = gateway
        .store()
        .entries(Page::From(index), EntryFilter::default(), 1)
        .await;
    let row = rows.map_err(record::unavailable)?.into_iter().next();
    if let Some(row) = row.filter(|row| row.index == index) {
        return Ok(row);
    }
    let pruned = gateway.store().pruned().await;
    let pruned = pruned.map_err(record::unavailable)?;
    Err(match pruned.filter(|pruned| index < pruned.below) {
        Some(pruned) => Refusal::NotNow(pruned_entry(index, &pruned)),
        None => Refusal::NotFound {
            kind: "ledger entry",
            name: index.to_string(),
        },
    })
}

/// An entry as the contract shows it.
pub(crate) fn entry(row: EntryRow) -> v1::LedgerEntry {
    let EntryRow {
        index,
        leaf_hash: _,
        leaf,
        leaf_bytes,
    } = row;
    to_proto::entry(index, leaf, leaf_bytes)
}
