//! Erasing: prepared, recorded, and only then done, to the end.

use comity::v1::{DeleteItemRequest, DeleteItemResponse};
use comity_evidence::ItemId;
use comity_store::{Committed, Durable};

use super::{
    custody::{self, Item},
    entitled, leaf, side, sweep, unusable,
};
use crate::{
    audit, cases, gateway::Gateway, identity::Caller, record, refusal::Refusal,
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
    let case = cases::visible(gateway, caller, case).await?;
    let actor = caller.to_string();
    let request = case.request_digest();
    let item = match custody::found(gateway, &case, sha256).await {
        Err(missing @ Refusal::NotFound { .. }) => {
            let before = custody::erased(gateway, &case, sha256).await?;
            let before = before.filter(|before| before.actor == actor);
            let index = before.ok_or(missing)?.index;
            let receipt = Some(audit::receipt(gateway, index, request).await?);
            return Ok(DeleteItemResponse { receipt });
        }
        found => found?,
    };
    if side(&item.by, &case) != side(&actor, &case) {
        return Err(Refusal::NotCompetent(
            "the other side stored this item: ask that side to delete it",
        ));
    }
    let committed = erase(gateway, &actor, item, reason.into_bytes()).await?;
    Ok(DeleteItemResponse {
        receipt: record::receipt(gateway, &committed, &request),
    })
}

/// Erases an item on record, for a reason that is sealed. Whether the actor may is
/// for the caller to know.
async fn erase(
    gateway: &Gateway,
    actor: &str,
    item: Item,
    reason: Vec<u8>,
) -> Result<Durable<Committed>, Refusal> {
    let Item { id, described, .. } = item;
    let leaf = leaf(gateway, custody::ERASED, actor, (&id, described));
    let room = &gateway.evidence().room;
    room.condemn(&id).await.map_err(unusable)?;
    let recorded = record::evidence(gateway, leaf, reason).await;
    settle(gateway, &id).await;
    recorded
}

/// Does to a condemned item what the ledger says; what fails is left to the sweep.
async fn settle(gateway: &Gateway, id: &ItemId) {
    if let Err(refusal) = sweep::condemned(gateway, id).await {
        tracing::error!(
            error = &refusal as &dyn std::error::Error,
            "an erasure is not ended yet"
        );
    }
}
