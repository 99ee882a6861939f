//! What the registers and the vocabulary hold, for their readers.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{FactName, FactSource, JurisdictionCode, MeasureId, Text};

use crate::model::{AuthorityRecord, Model};

/// A fact that rules may test.
#[derive(Debug, Clone, Copy)]
pub struct FactInfo<'a> {
    /// Its name in the vocabulary.
    pub name: &'a FactName,
    /// What it says, in several languages.
    pub title: &'a Text,
    /// The question or remedy shown when it is missing.
    pub ask: &'a Text,
    /// Who can settle it.
    pub stated_by: FactSource,
}

/// An authority to which a request may go.
#[derive(Debug, Clone, Copy)]
pub struct Addressee<'a> {
    /// Its id in the directory of its State.
    pub id: &'a Arc<str>,
    /// Its name in several languages.
    pub title: &'a Text,
    /// Its kind, one of the vocabulary's `AuthorityKind`.
    pub kind: &'a Arc<str>,
}

/// An offence of a State's register.
#[derive(Debug, Clone, Copy)]
pub struct OffenceInfo<'a> {
    /// The provision, for example `StGB 263`.
    pub provision: &'a Arc<str>,
    /// Its name in several languages.
    pub title: &'a Text,
    /// Maximum penalty of the basic offence, months of custody.
    pub max_penalty_months: u32,
    /// Categories it may be ticked as, for example `D20`.
    pub categories: &'a BTreeSet<Arc<str>>,
    /// ICCS v1.0 code, where one is recorded.
    pub iccs: Option<&'a Arc<str>>,
}

pub(crate) fn facts(model: &Model) -> impl Iterator<Item = FactInfo<'_>> {
    model.vocabulary.facts.iter().map(|(name, fact)| FactInfo {
        name,
        title: &fact.title,
        ask: &fact.ask,
        stated_by: fact.stated_by,
    })
}

/// Who may execute a measure; where the directory names nobody, the central
/// authority.
pub(crate) fn addressees<'a>(
    model: &'a Model,
    state: &JurisdictionCode,
    measure: &MeasureId,
) -> Vec<Addressee<'a>> {
    let kinds = model.measures.kinds.get(measure);
    let Some((state, kinds)) = model.jurisdictions.get(state).zip(kinds) else {
        return Vec::new();
    };
    let addressee = |(id, record): (&'a Arc<str>, &'a AuthorityRecord)| Addressee {
        id,
        title: &record.title,
        kind: &record.kind,
    };
    let competent: Vec<_> = state
        .authorities
        .iter()
        .filter(|(_, record)| !record.may_execute.is_disjoint(kinds))
        .map(addressee)
        .collect();
    if !competent.is_empty() {
        return competent;
    }
    let central = state.profile.central_authority.as_ref();
    let central = central.and_then(|id| state.authorities.get_key_value(id));
    central.map(addressee).into_iter().collect()
}

pub(crate) fn offences<'a>(
    model: &'a Model,
    state: &JurisdictionCode,
) -> impl Iterator<Item = OffenceInfo<'a>> {
    let state = model.jurisdictions.get(state);
    let offences = state.into_iter().flat_map(|state| &state.offences);
    offences.map(|(provision, record)| OffenceInfo {
        provision,
        title: &record.title,
        max_penalty_months: record.max_penalty_months,
        categories: &record.categories,
        iccs: record.iccs.as_ref(),
    })
}
