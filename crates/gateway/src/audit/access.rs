//! Who may read the ledger, why and for whom: checked first, recorded next, and
//! only then anything is read. A search by a personal value is recorded once it is known
//! how many entries it found, or that it failed, and before any is shown.

use comity::v1;
use comity_domain::CaseId;
use comity_ledger::Leaf;
use comity_store::CaseChange;
use prost::Message as _;

use crate::{
    admit, cases,
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    wire::{from_proto, to_proto},
};

pub(super) const SEARCH: from_proto::Call = consultation("search");
pub(super) const SEARCH_PERSONAL: from_proto::Call = consultation("search-personal");
pub(super) const GET_RECORD: from_proto::Call = consultation("get-record");
pub(super) const STATISTICS: from_proto::Call = consultation("statistics");
pub(super) const EMERGENCIES: from_proto::Call = consultation("list-emergencies");
pub(super) const EXPORT: from_proto::Call = from_proto::Call {
    name: "export-case",
    category: v1::AccessCategory::Disclosure,
};

const fn consultation(name: &'static str) -> from_proto::Call {
    from_proto::Call {
        name,
        category: v1::AccessCategory::Consultation,
    }
}

/// Lets auditors in who say why, with what they ask for once it is understood.
/// What they read is on record when this returns; so is what was refused.
pub(super) async fn entitled<T>(
    gateway: &Gateway,
    caller: &Caller,
    call: from_proto::Call,
    stated: v1::Access,
    understood: impl FnOnce() -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let (access, asked) = checked(gateway, caller, call, stated, understood).await?;
    on_record(gateway, caller, &access).await?;
    Ok(asked)
}

/// As [`entitled`], where the reading is put on record by whoever calls this, before
/// anything of it is shown.
pub(super) async fn checked<T>(
    gateway: &Gateway,
    caller: &Caller,
    call: from_proto::Call,
    stated: v1::Access,
    understood: impl FnOnce() -> Result<T, Refusal>,
) -> Result<(v1::Access, T), Refusal> {
    let checked = admit::role(caller, &[Role::Auditor], "auditor").and_then(|()| {
        let access = from_proto::access(call, stated)?;
        Ok((access, understood()?))
    });
    record::attempted(gateway, caller, checked).await
}

/// What is answered to auditors of States that a record does not concern.
const OF_OTHERS: &str =
    "the record is one of other States: auditors open those that concern their own";

/// Reserved in ISO 3166 for what is no State: who supervises all of them.
const UNION: &str = "EU";

/// Whether the caller's State has a part in a case.
pub(super) fn concerns(caller: &Caller, case: &CaseChange) -> bool {
    is_for(
        caller,
        &[case.issuing.0.as_str(), case.executing.0.as_str()],
    )
}

/// Whether the caller is of one of these States, or the Union's. A supervisory authority is
/// competent on the territory of its own State: Directive (EU) 2016/680 Art. 45(1). So is
/// one of a State that the library does not know, of no other.
fn is_for(caller: &Caller, states: &[&str]) -> bool {
    let own = caller.jurisdiction.as_str();
    states.contains(&own) || own == UNION
}

/// Refuses to open the records of a case of other States; opens none for who is no auditor.
pub(super) async fn within_reach(
    gateway: &Gateway,
    caller: &Caller,
    case: &CaseId,
) -> Result<(), Refusal> {
    admit::role(caller, &[Role::Auditor], "auditor")?;
    match cases::load(gateway, case).await {
        Ok(case) if !concerns(caller, &case.row) => Err(Refusal::NotCompetent(OF_OTHERS)),
        // What is not there is told where it is looked for.
        Ok(_) | Err(Refusal::NotFound { .. }) => Ok(()),
        Err(refusal) => Err(refusal),
    }
}

/// Refuses to open an entry's record that concerns other States: by its case, else by the
/// States that it names, as what was tried does, else by whose authority it was. What the
/// gateway and those without a name did concerns all.
pub(super) async fn entry_within_reach(
    gateway: &Gateway,
    caller: &Caller,
    leaf: &Leaf,
) -> Result<(), Refusal> {
    if let Some(case) = leaf.case.as_deref().and_then(|case| case.parse().ok()) {
        return within_reach(gateway, caller, &case).await;
    }
    admit::role(caller, &[Role::Auditor], "auditor")?;
    let named = [&leaf.issuing, &leaf.executing];
    let mut states: Vec<_> = named.into_iter().flatten().map(String::as_str).collect();
    let actor = Caller::recorded(&leaf.actor).ok();
    if let (true, Some(actor)) = (states.is_empty(), &actor) {
        states.push(actor.jurisdiction.as_str());
    }
    match states.is_empty() || is_for(caller, &states) {
        true => Ok(()),
        false => Err(Refusal::NotCompetent(OF_OTHERS)),
    }
}

/// Records a reading. Purpose, recipient and what was looked for are the
/// reader's own words and may name people: they are sealed.
pub(super) async fn on_record(
    gateway: &Gateway,
    caller: &Caller,
    access: &v1::Access,
) -> Result<(), Refusal> {
    let leaf = Leaf {
        note: Some(access.call.clone()),
        category: Some(to_proto::category_name(access.category())),
        ..Leaf::new(gateway.now(), "read", &caller.to_string())
    };
    record::event(gateway, leaf, access.encode_to_vec()).await
}
