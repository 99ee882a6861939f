//! Custody: which items a case has, and who had them, by what the ledger says.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
};

use comity::v1::{ListItemsRequest, ListItemsResponse};
use comity_domain::{BoundParty, CaseId, Digest};
use comity_evidence::{EvidenceError, ItemId};
use comity_ledger::Evidence as Described;
use comity_store::{ERASURE, EntryFilter, EntryRow, Holds, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Page};
use jiff::Timestamp;
use prost::Message as _;

use super::{entitled, side, unusable};
use crate::{
    cases::{self, CaseAt, PAGE_BYTES},
    gateway::Gateway,
    identity::Caller,
    record,
    refusal::Refusal,
    wire::{evidence as wire, from_proto},
};

/// An item is complete.
pub(super) const STORED: &str = comity_store::EVIDENCE_STORED;
/// An item is read.
pub(super) const READ: &str = "evidence-read";
/// An item is erased.
pub(super) const ERASED: &str = comity_store::EVIDENCE_ERASED;
/// What says which items there are.
const KEPT: [&str; 3] = [STORED, ERASED, ERASURE];

/// Entries read at once.
const PAGE: usize = 1000;
/// Most steps of an item that a list has.
const STEPS: usize = 200;

/// An item that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) id: ItemId,
    pub(crate) described: Described,
    /// Who stored it.
    pub(crate) by: String,
    pub(crate) custody: Vec<Step>,
    /// Steps between the first and the second of these that are left out.
    pub(crate) left_out: usize,
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
    let ListItemsRequest {
        case,
        page_size,
        page_token,
    } = message;
    entitled(caller)?;
    let case = cases::visible_in(gateway, caller, ("case", &case)).await?;
    let id = &case.row.id;
    let list = format!("evidence of {id}");
    let size = from_proto::page_size(page_size)?;
    let after = from_proto::place(&page_token, &list)?;
    let mut rest = stored(id, rows(gateway, id, &KEPT).await?).into_iter();
    let page = rest
        .by_ref()
        .skip_while(|item| after.is_some_and(|after| item.index <= after));
    let mut page: Vec<Item> = page.take(size).collect();
    read(gateway, id, &mut page).await?;
    let mut more = rest.next().is_some();
    let (mut items, mut last, mut bytes) = (Vec::new(), None, 0);
    for item in page {
        if bytes >= PAGE_BYTES {
            more = true;
            break;
        }
        let recipient = recipient(gateway, &item).await?;
        let shown = wire::show(&item, recipient, true);
        bytes += shown.encoded_len();
        items.push(shown);
        last = Some(item.index);
    }
    let last = last.filter(|_| more);
    Ok(ListItemsResponse {
        items,
        next_page_token: last.map_or_else(String::new, |at| from_proto::place_token(at, &list)),
    })
}

/// Adds who has read items to their custody, and leaves the middle of a long one out.
async fn read(gateway: &Gateway, case: &CaseId, items: &mut [Item]) -> Result<(), Refusal> {
    let mut reads: BTreeMap<Digest, (VecDeque<Step>, usize)> = BTreeMap::new();
    let wanted = items.iter().map(|item| item.id.sha256);
    reads.extend(wanted.map(|sha256| (sha256, Default::default())));
    each_page(gateway, case, READ, |rows| {
        for row in rows {
            let of = row.leaf.evidence.as_ref();
            let of = of.map(|described| Digest(described.sha256.0));
            let Some((steps, left_out)) = of.and_then(|of| reads.get_mut(&of)) else {
                continue;
            };
            steps.push_back(step(row));
            if steps.len() > STEPS {
                steps.pop_front();
                *left_out += 1;
            }
        }
        ControlFlow::Continue(())
    })
    .await?;
    for item in items {
        let (steps, left_out) = reads.remove(&item.id.sha256).unwrap_or_default();
        item.custody.extend(steps);
        item.custody.sort_by_key(|step| step.index);
        let too_many = item.custody.len().saturating_sub(STEPS);
        if too_many > 0 {
            // The first is where it came from.
            item.custody.drain(1..=too_many);
        }
        item.left_out = left_out + too_many;
    }
    Ok(())
}

/// How many items a side has stored for a case by now, and how many bytes are there.
pub(super) async fn stored_by(
    gateway: &Gateway,
    case: &CaseAt,
    own: BoundParty,
) -> Result<(u64, u64), Refusal> {
    let rows = rows(gateway, &case.row.id, &KEPT).await?;
    let is_own = |by: &str| side(by, case) == own;
    let stored_by_it = |row: &&EntryRow| row.leaf.kind == STORED && is_own(&row.leaf.actor);
    let items = rows.iter().filter(stored_by_it).count();
    let there = stored(&case.row.id, rows).into_iter();
    let sizes = there
        .filter(|item| is_own(&item.by))
        .map(|item| item.described.size);
    Ok((items as u64, sizes.fold(0, u64::saturating_add)))
}

/// Whether a side has read an item that the other stored, be it there no more.
pub(crate) async fn has_passed(
    gateway: &Gateway,
    case: &CaseAt,
    to: BoundParty,
) -> Result<bool, Refusal> {
    let id = &case.row.id;
    let stored = rows(gateway, id, &[STORED]).await?;
    let is_of = |row: &EntryRow| side(&row.leaf.actor, case) == to;
    let passes = |read: &EntryRow| {
        let mut before = stored.iter().rev();
        let item =
            before.find(|row| row.index < read.index && row.leaf.evidence == read.leaf.evidence);
        is_of(read) && item.is_some_and(|row| !is_of(row))
    };
    let mut passed = false;
    each_page(gateway, id, READ, |rows| {
        passed = rows.iter().any(passes);
        match passed {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .await?;
    Ok(passed)
}

/// The item of a case with a digest, if it is stored.
pub(super) async fn find(gateway: &Gateway, id: &ItemId) -> Result<Option<Item>, Refusal> {
    let rows = rows(gateway, &id.case, &KEPT).await?;
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
        each_page(gateway, case, kind, |page| {
            found.extend(page);
            ControlFlow::Continue(())
        })
        .await?;
    }
    found.sort_by_key(|row| row.index);
    Ok(found)
}

/// Has `take` take the entries of a kind that a case has, oldest first, some at a time, as
/// long as it wants more.
async fn each_page(
    gateway: &Gateway,
    case: &CaseId,
    kind: &str,
    mut take: impl FnMut(Vec<EntryRow>) -> ControlFlow<()>,
) -> Result<(), Refusal> {
    let filter = EntryFilter {
        case: Some(case.clone()),
        kind: Some(kind.to_owned()),
        ..EntryFilter::default()
    };
    let mut from = 0;
    loop {
        let store = gateway.store();
        let page = store.entries(Page::From(from), filter.clone(), PAGE).await;
        let page = page.map_err(record::unavailable)?;
        from = page.last().map_or(from, |row| row.index + 1);
        let more = page.len() == PAGE;
        if take(page).is_break() || !more {
            return Ok(());
        }
    }
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
                left_out: 0,
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
