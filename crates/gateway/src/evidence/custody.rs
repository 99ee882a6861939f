//! Custody: which items a case has, and who had them, by what the ledger says.

use std::collections::BTreeMap;

use comity::v1::{ListItemsRequest, ListItemsResponse};
use comity_domain::{BoundParty, CaseId, Digest};
use comity_evidence::{EvidenceError, ItemId};
use comity_ledger::Evidence as Described;
use comity_store::{ERASURE, EntryFilter, EntryRow, Holds, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Page};
use jiff::Timestamp;

use super::{entitled, unusable};
use crate::{
    cases::{self, CaseAt},
    gateway::Gateway,
    identity::Caller,
    record,
    refusal::Refusal,
    wire::evidence as wire,
};

/// An item is complete.
pub(super) const STORED: &str = comity_store::EVIDENCE_STORED;
/// An item is read.
pub(super) const READ: &str = "evidence-read";
/// An item is erased.
pub(super) const ERASED: &str = comity_store::EVIDENCE_ERASED;

/// Entries read at once.
const PAGE: usize = 1000;

/// An item that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: ItemId,
    pub(crate) described: Described,
    /// Who stored it.
    pub(crate) by: String,
    pub(crate) custody: Vec<Step>,
    /// Where it stands in the order of storing.
    index: u64,
}

/// Something that happened to an item.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) kind: String,
    pub(crate) at: Timestamp,
    pub(crate) actor: String,
    pub(crate) index: u64,
}

/// See `EvidenceService.ListItems`.
pub(crate) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    message: ListItemsRequest,
) -> Result<ListItemsResponse, Refusal> {
    let ListItemsRequest { case } = message;
    entitled(caller)?;
    let case = cases::visible_in(gateway, caller, ("case", &case)).await?;
    let rows = rows(gateway, &case.row.id, &[STORED, READ, ERASED, ERASURE]).await?;
    let mut items = Vec::new();
    for item in stored(&case.row.id, rows) {
        let recipient = recipient(gateway, &item).await?;
        items.push(wire::show(&item, recipient, true));
    }
    Ok(ListItemsResponse { items })
}

/// Whether a side has read an item that the other stored.
pub(crate) async fn has_passed(
    gateway: &Gateway,
    case: &CaseAt,
    to: BoundParty,
) -> Result<bool, Refusal> {
    let rows = rows(gateway, &case.row.id, &[STORED, READ, ERASED, ERASURE]).await?;
    let mut items = stored(&case.row.id, rows).into_iter();
    let is_of = |actor: &str| (actor == case.row.owner) == (to == BoundParty::Issuing);
    Ok(items.any(|item| {
        let read = |step: &Step| step.kind == READ && is_of(&step.actor);
        !is_of(&item.by) && item.custody.iter().any(read)
    }))
}

/// The item of a case with a digest, if it is stored.
pub(super) async fn find(gateway: &Gateway, id: &ItemId) -> Result<Option<Item>, Refusal> {
    let rows = rows(gateway, &id.case, &[STORED, ERASED, ERASURE]).await?;
    Ok(stored(&id.case, rows)
        .into_iter()
        .find(|item| item.id == *id))
}

/// The item of a case with a digest, or that there is none.
pub(super) async fn found(
    gateway: &Gateway,
    case: &CaseAt,
    sha256: Digest,
) -> Result<Item, Refusal> {
    let id = ItemId {
        case: case.row.id.clone(),
        sha256,
    };
    let found = find(gateway, &id).await?;
    found.ok_or_else(|| Refusal::NotFound {
        kind: "item of evidence",
        name: wire::name(&id),
    })
}

/// The last erasure of an item of a case, by itself.
pub(super) async fn erased(
    gateway: &Gateway,
    case: &CaseAt,
    sha256: Digest,
) -> Result<Option<Step>, Refusal> {
    let rows = rows(gateway, &case.row.id, &[ERASED]).await?.into_iter();
    let of_item = |row: &EntryRow| {
        let evidence = row.leaf.evidence.as_ref();
        evidence.is_some_and(|described| described.sha256.0 == sha256.0)
    };
    Ok(rows.rev().find(of_item).map(step))
}

/// Refuses to erase what is under a legal hold, before anything is done towards it. None
/// is set while the gateway runs.
pub(super) async fn none_held(gateway: &Gateway, case: &CaseAt) -> Result<(), Refusal> {
    let id = &case.row.id;
    let mut holds = Holds::default();
    for row in rows(gateway, id, &[LEGAL_HOLD, LEGAL_HOLD_LIFTED]).await? {
        // What has no place in the ledger is verification's to find, as in the store.
        let _ = holds.follow(row.index, &row.leaf);
    }
    match holds.over(id.as_str()).next() {
        Some(_) => Err(record::held()),
        None => Ok(()),
    }
}

/// The key that an item is sealed to, if it is.
pub(super) async fn recipient(gateway: &Gateway, item: &Item) -> Result<String, Refusal> {
    if !item.described.sealed {
        return Ok(String::new());
    }
    match gateway.evidence().room.recipient(&item.id).await {
        Ok(recipient) => Ok(recipient.unwrap_or_default()),
        // On record, and its key is not there: it is being erased.
        Err(EvidenceError::Missing) => Ok(String::new()),
        Err(error) => Err(unusable(error)),
    }
}

/// What a case's entries of some kinds say of evidence, oldest first.
async fn rows(gateway: &Gateway, case: &CaseId, kinds: &[&str]) -> Result<Vec<EntryRow>, Refusal> {
    let mut found = Vec::new();
    for kind in kinds {
        let filter = EntryFilter {
            case: Some(case.clone()),
            kind: Some((*kind).to_owned()),
            ..EntryFilter::default()
        };
        let mut from = 0;
        loop {
            let page = gateway
                .store()
                .entries(Page::From(from), filter.clone(), PAGE)
                .await
                .map_err(record::unavailable)?;
            from = page.last().map_or(from, |row| row.index + 1);
            let more = page.len() == PAGE;
            found.extend(page);
            if !more {
                break;
            }
        }
    }
    found.sort_by_key(|row| row.index);
    Ok(found)
}

/// The items that entries, oldest first, leave stored: in the order of storing.
fn stored(case: &CaseId, rows: Vec<EntryRow>) -> Vec<Item> {
    let mut steps: BTreeMap<Digest, Vec<Step>> = BTreeMap::new();
    let mut items: BTreeMap<Digest, Item> = BTreeMap::new();
    for mut row in rows {
        let described = row.leaf.evidence.take();
        let EntryRow {
            index, ref leaf, ..
        } = row;
        if leaf.kind == ERASURE {
            // With the case went all that was stored for it.
            items.clear();
        }
        let Some(described) = described else {
            continue;
        };
        let sha256 = Digest(described.sha256.0);
        if leaf.kind == STORED {
            let id = ItemId {
                case: case.clone(),
                sha256,
            };
            let item = Item {
                id,
                described,
                by: leaf.actor.clone(),
                custody: Vec::new(),
                index,
            };
            items.insert(sha256, item);
        } else if leaf.kind == ERASED {
            items.remove(&sha256);
        }
        steps.entry(sha256).or_default().push(step(row));
    }
    let mut items: Vec<Item> = items.into_values().collect();
    items.sort_by_key(|item| item.index);
    for item in &mut items {
        item.custody = steps.remove(&item.id.sha256).unwrap_or_default();
    }
    items
}

/// What an entry says of the item that it is about.
fn step(row: EntryRow) -> Step {
    let EntryRow { index, leaf, .. } = row;
    Step {
        kind: leaf.kind,
        at: leaf.at,
        actor: leaf.actor,
        index,
    }
}
