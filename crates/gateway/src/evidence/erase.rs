//! Erasing: prepared, recorded, and only then done, to the end.

use comity::v1::{DeleteItemRequest, DeleteItemResponse};
use comity_domain::Digest;
use comity_evidence::Turn;
use comity_store::{Committed, Durable};

use super::{
    custody::{self, Item},
    entitled, entries, leaf, side, sweep, unusable,
};
use crate::{
    audit,
    cases::{self, CaseAt},
    gateway::Gateway,
    identity::Caller,
    record,
    refusal::Refusal,
    wire::evidence as wire,
};

/// See `EvidenceService.DeleteItem`.
pub(crate) async fn delete(
    gateway: &Gateway,
    caller: &Caller,
    message: DeleteItemRequest,
) -> Result<DeleteItemResponse, Refusal> {
    let done = begin(gateway, caller, message).await;
    record::attempted(gateway, caller, done).await
}

async fn begin(
    gateway: &Gateway,
    caller: &Caller,
    message: DeleteItemRequest,
) -> Result<DeleteItemResponse, Refusal> {
    let DeleteItemRequest { name, reason } = message;
    entitled(caller)?;
    let (case, sha256) = wire::item_name(&name)?;
    let reason = wire::reason(reason)?;
    // Whoever stored something deletes it also where the case went back since, and learns
    // nothing else of it.
    let (case, visible) = cases::known(gateway, caller, case).await?;
    let unknown = |refusal| match visible {
        true => refusal,
        false => cases::no_case(&case.row.id),
    };
    let actor = caller.to_string();
    let request = case.request_digest();
    let (item, turn) = match stored(gateway, &case, sha256).await {
        Err(missing @ Refusal::NotFound { .. }) => {
            let before = custody::erased(gateway, &case, sha256).await?;
            let before = before.filter(|before| before.actor == actor);
            let index = before.ok_or_else(|| unknown(missing))?.index;
            let receipt = Some(audit::receipt(gateway, index, request).await?);
            return Ok(DeleteItemResponse { receipt });
        }
        found => found?,
    };
    if side(&item.by, &case) != side(&actor, &case) {
        return Err(unknown(Refusal::NotCompetent(
            "the other side stored this item: ask that side to delete it",
        )));
    }
    custody::none_held(gateway, &case).await?;
    let committed = erase(gateway, &actor, (item, turn), reason.into_bytes()).await?;
    Ok(DeleteItemResponse {
        receipt: record::receipt(gateway, &committed, &request),
    })
}

/// An item on record, with the right to erase it: until it is settled nobody else does.
async fn stored(gateway: &Gateway, case: &CaseAt, sha256: Digest) -> Result<(Item, Turn), Refusal> {
    // Whoever uploads one that is not on record is left alone.
    let item = custody::found(gateway, case, sha256).await?;
    let turn = gateway.evidence().room.turn(&item.id).await;
    // Somebody may have erased it meanwhile.
    let item = custody::found(gateway, case, sha256).await?;
    Ok((item, turn))
}

/// Erases an item on record, for a reason that is sealed. Whether the actor may is
/// for the caller to know.
async fn erase(
    gateway: &Gateway,
    actor: &str,
    (item, mut turn): (Item, Turn),
    reason: Vec<u8>,
) -> Result<Durable<Committed>, Refusal> {
    let Item { id, described, .. } = item;
    let leaf = leaf(gateway, custody::ERASED, actor, (&id, described));
    let recorded = match gateway.evidence().room.condemn(&turn).await {
        Ok(()) => entries::erased(gateway, leaf, reason).await,
        Err(error) => Err(unusable(error)),
    };
    // What fails is left to the sweep.
    if let Err(refusal) = sweep::settle(gateway, &mut turn, false).await {
        tracing::error!(
            error = &refusal as &dyn std::error::Error,
            "an erasure is not ended yet"
        );
    }
    recorded
}
