//! Who may answer what rules refer: the directory of authorities says what an
//! authority is and does, a rule says which role decides.

use std::sync::Arc;

use comity_domain::{AuthorityId, JurisdictionCode, MeasureId};

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

/// What the side before a role's name says: `executing-judge` is a `judge`.
/// Which State is meant, the referral says itself.
const SIDES: [&str; 5] = [
    "executing-",
    "requested-",
    "enforcing-",
    "issuing-",
    "requesting-",
];
/// Sides that ask rather than are asked.
const ASKING: [&str; 2] = ["issuing-", "requesting-"];
/// Kinds of authority that judge.
const JUDICIAL: [&str; 3] = ["judge", "court", "investigating-judge"];

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
    let side = SIDES.into_iter().find(|side| role.starts_with(side));
    let name = side.and_then(|side| role.strip_prefix(side));
    let asking = side.is_some_and(|side| ASKING.contains(&side));
    let does = if asking {
        &record.may_issue
    } else {
        &record.may_execute
    };
    let has = match name.unwrap_or(role) {
        "authority" => !does.is_disjoint(kinds),
        "judge" | "court" => JUDICIAL.contains(&&*record.kind),
        "central-authority" => is_central(state, id, record),
        "contact-point" => &*record.kind == "contact-point",
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

fn is_central(state: &Jurisdiction, id: &Arc<str>, record: &AuthorityRecord) -> bool {
    &*record.kind == "central-authority" || state.profile.central_authority.as_ref() == Some(id)
}
