//! Who may answer what rules refer: the directory of authorities says what an
//! authority is and does, a rule says which role decides.

use std::sync::Arc;

use comity_domain::{AuthorityId, BoundParty, JurisdictionCode, MeasureId};

use crate::model::{AuthorityRecord, Jurisdiction, Model};

/// Whether an authority has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Competent {
    /// The directory says that it has.
    Yes,
    /// The directory says that it has not, or does not know the authority.
    No,
    /// The directory does not say who has this role.
    Unsaid,
}

/// How the roles of each side begin: `executing-judge` is a `judge` of the State that is
/// asked.
const SIDES: [(&str, BoundParty); 5] = [
    ("issuing-", BoundParty::Issuing),
    ("requesting-", BoundParty::Issuing),
    ("executing-", BoundParty::Executing),
    ("requested-", BoundParty::Executing),
    ("enforcing-", BoundParty::Executing),
];
/// Kinds of authority that judge.
const JUDICIAL: [&str; 3] = ["judge", "court", "investigating-judge"];
/// The kind, and the role, of those through whom others are reached.
const CONTACT_POINT: &str = "contact-point";

/// The side whose role it is, where its name says so.
pub(crate) fn side(role: &str) -> Option<BoundParty> {
    let mut sides = SIDES.into_iter();
    let side = sides.find(|(begin, _)| role.starts_with(begin));
    side.map(|(_, side)| side)
}

/// How the roles of a side begin.
pub(crate) fn beginnings(side: BoundParty) -> impl Iterator<Item = &'static str> {
    let sides = SIDES.into_iter().filter(move |(_, of)| *of == side);
    sides.map(|(begin, _)| begin)
}

/// Whether an authority of a State has a role in a matter of a measure.
pub(crate) fn competent(
    model: &Model,
    state: &JurisdictionCode,
    authority: &AuthorityId,
    (role, measure): (&str, &MeasureId),
) -> Competent {
    let state = model.jurisdictions.get(state);
    let kinds = model.measures.kinds.get(measure);
    let (Some(state), Some(kinds)) = (state, kinds) else {
        return Competent::No;
    };
    let Some((id, record)) = state.authorities.get_key_value(authority.as_str()) else {
        return Competent::No;
    };
    let does = match side(role) {
        Some(BoundParty::Issuing) => &record.may_issue,
        Some(BoundParty::Executing) | None => &record.may_execute,
    };
    let begun = SIDES.iter().find_map(|(begin, _)| role.strip_prefix(begin));
    let has = match begun.unwrap_or(role) {
        "authority" => !does.is_disjoint(kinds),
        "judge" | "court" => JUDICIAL.contains(&&*record.kind),
        "central-authority" => is_central(state, id, record),
        CONTACT_POINT => &*record.kind == CONTACT_POINT,
        _ => return Competent::Unsaid,
    };
    if has { Competent::Yes } else { Competent::No }
}

/// Whether the directory of a State lets an authority's auditors search records by the
/// personal values in them. Whoever the directory does not know may not.
pub(crate) fn may_search_persons(
    model: &Model,
    state: &JurisdictionCode,
    authority: &AuthorityId,
) -> bool {
    record(model, state, authority).is_some_and(|record| record.may_search_persons)
}

/// What the directory of a State says of an authority.
pub(crate) fn record<'a>(
    model: &'a Model,
    state: &JurisdictionCode,
    authority: &AuthorityId,
) -> Option<&'a AuthorityRecord> {
    let state = model.jurisdictions.get(state)?;
    state.authorities.get(authority.as_str())
}

/// Whether an authority may do anything: ask, answer, search records, or have a role by
/// what it is alone.
pub(crate) fn has_powers(state: &Jurisdiction, id: &Arc<str>, record: &AuthorityRecord) -> bool {
    let kind = &*record.kind;
    !record.may_issue.is_empty()
        || !record.may_execute.is_empty()
        || record.may_search_persons
        || JUDICIAL.contains(&kind)
        || kind == CONTACT_POINT
        || is_central(state, id, record)
}

fn is_central(state: &Jurisdiction, id: &Arc<str>, record: &AuthorityRecord) -> bool {
    &*record.kind == "central-authority" || state.profile.central_authority.as_ref() == Some(id)
}
