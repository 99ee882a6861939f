//! What the registers and the vocabulary hold, for their readers.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{
    BoundParty, Confidence, FactName, FactSource, GroundKind, InstrumentId, JurisdictionCode,
    MeasureId, ModuleId, RuleId, Text,
};

use crate::{
    competence,
    model::{AuthorityRecord, Effect, FactType, Model, Producer, Rule, Status},
};

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
    /// What it may be.
    pub values: FactValues<'a>,
}

/// What a fact may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactValues<'a> {
    /// True or false.
    Truth,
    /// A whole number.
    Number,
    /// Free text.
    Text,
    /// A calendar day.
    Day,
    /// One of these.
    OneOf(&'a BTreeSet<Arc<str>>),
    /// Any of these.
    SetOf(&'a BTreeSet<Arc<str>>),
    /// Any texts.
    SetOfText,
}

/// A legal system of the library.
#[derive(Debug, Clone, Copy)]
pub struct JurisdictionInfo<'a> {
    /// ISO 3166-1 alpha-2, or 3166-2 for a subdivision.
    pub code: &'a JurisdictionCode,
    /// Its name in several languages.
    pub title: &'a Text,
    /// Its official languages, BCP 47.
    pub languages: &'a [Arc<str>],
    /// `abolished`, `wartime` or `retained`.
    pub death_penalty: &'a Arc<str>,
}

/// An instrument of the library.
#[derive(Debug, Clone, Copy)]
pub struct InstrumentInfo<'a> {
    /// Its id.
    pub id: &'a InstrumentId,
    /// Its name in several languages.
    pub title: &'a Text,
    /// It is law.
    pub in_force: bool,
}

/// A measure of the tree.
#[derive(Debug, Clone, Copy)]
pub struct MeasureInfo<'a> {
    /// Its name.
    pub id: &'a MeasureId,
    /// What it is, in several languages.
    pub title: &'a Text,
    /// Itself, all it is a kind of, their tags, and `all`.
    pub kinds: &'a BTreeSet<Arc<str>>,
}

/// An authority to which a request may go, or from which it may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addressee<'a> {
    /// Its id in the directory of its State.
    pub id: &'a Arc<str>,
    /// Its name in several languages.
    pub title: &'a Text,
    /// Its kind, one of the vocabulary's `AuthorityKind`.
    pub kind: &'a Arc<str>,
    /// How sure the entry is.
    pub confidence: Confidence,
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
    let types = &model.vocabulary.types;
    // The loader sees to it that every type is there.
    static NONE: BTreeSet<Arc<str>> = BTreeSet::new();
    let listed = |name: &Arc<str>| types.get(name).unwrap_or(&NONE);
    let facts = model.vocabulary.facts.iter();
    facts.map(move |(name, fact)| FactInfo {
        name,
        title: &fact.title,
        ask: &fact.ask,
        stated_by: fact.stated_by,
        values: match &fact.kind {
            FactType::Truth => FactValues::Truth,
            FactType::Number => FactValues::Number,
            FactType::Text => FactValues::Text,
            FactType::Day => FactValues::Day,
            FactType::Listed(name) => FactValues::OneOf(listed(name)),
            FactType::SetOf(name) => FactValues::SetOf(listed(name)),
            FactType::SetOfText => FactValues::SetOfText,
        },
    })
}

pub(crate) fn jurisdictions(model: &Model) -> impl Iterator<Item = JurisdictionInfo<'_>> {
    let states = model.jurisdictions.values();
    states.map(|state| JurisdictionInfo {
        code: &state.code,
        title: &state.module.title,
        languages: &state.profile.languages,
        death_penalty: &state.profile.death_penalty,
    })
}

pub(crate) fn instruments(model: &Model) -> impl Iterator<Item = InstrumentInfo<'_>> {
    let instruments = model.instruments.values();
    instruments.map(|instrument| InstrumentInfo {
        id: &instrument.id,
        title: &instrument.module.title,
        in_force: matches!(instrument.status, Status::InForce),
    })
}

pub(crate) fn measures(model: &Model) -> impl Iterator<Item = MeasureInfo<'_>> {
    let measures = model.measures.kinds.iter();
    measures.filter_map(|(id, kinds)| {
        let title = model.measures.titles.get(id)?;
        Some(MeasureInfo { id, title, kinds })
    })
}

/// Whether the vocabulary has an event.
pub(crate) fn has_event(model: &Model, event: &str) -> bool {
    let events = model.vocabulary.types.get(crate::load::EVENT);
    events.is_some_and(|events| events.contains(event))
}

/// The events that a side reports.
pub(crate) fn events_of(model: &Model, side: BoundParty) -> impl Iterator<Item = &str> {
    let produced = model.vocabulary.produced.iter();
    produced
        .filter(move |(_, producer)| **producer == Producer::Party(side))
        .map(|(event, _)| &**event)
}

/// What an event means for data that are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Holding {
    /// Data begin to be held by it.
    pub begin: bool,
    /// They cease to be by it.
    pub end: bool,
}

/// Whether by an event data begin to be held, and cease to be, by any rule.
pub(crate) fn holds(model: &Model, event: &str) -> Holding {
    let mut holds = Holding::default();
    for rule in model.every_module().flat_map(|module| &module.rules) {
        if let Effect::Clock(clock) = &rule.effect
            && clock.holds_release
        {
            holds.begin |= *clock.starts == *event;
            holds.end |= clock.stops.iter().any(|stop| **stop == *event);
        }
    }
    holds
}

/// The grounds for refusal of modules in a matter of a measure: rules that refuse,
/// and questions whose answer may.
pub(crate) fn grounds<'a>(
    model: &'a Model,
    modules: &[ModuleId],
    measure: &MeasureId,
) -> impl Iterator<Item = &'a RuleId> {
    let all = model.every_module();
    let spoke = all.filter(|module| modules.contains(&module.id));
    let is_ground = |rule: &&Rule| match &rule.effect {
        Effect::Refuse { kind, .. } => {
            matches!(kind, GroundKind::Mandatory | GroundKind::Optional)
        }
        // What the issuing side answers is not for the other to raise.
        Effect::Refer { role, .. } => competence::side(role) != Some(BoundParty::Issuing),
        Effect::Permit | Effect::Require { .. } | Effect::Oblige { .. } | Effect::Clock(_) => false,
    };
    spoke
        .flat_map(|module| module.rules_for(measure))
        .filter(is_ground)
        .map(|rule| &rule.id)
}

/// The directory of a State.
pub(crate) fn authorities<'a>(
    model: &'a Model,
    state: &JurisdictionCode,
) -> impl Iterator<Item = Addressee<'a>> {
    let state = model.jurisdictions.get(state);
    let all = state.into_iter().flat_map(|state| &state.authorities);
    all.map(authority)
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
    let competent: Vec<_> = state
        .authorities
        .iter()
        .filter(|(_, record)| !record.may_execute.is_disjoint(kinds))
        .map(authority)
        .collect();
    if !competent.is_empty() {
        return competent;
    }
    let central = state.profile.central_authority.as_ref();
    let central = central.and_then(|id| state.authorities.get_key_value(id));
    central.map(authority).into_iter().collect()
}

/// Who may ask for a measure under the law of its own State, by id.
pub(crate) fn issuers<'a>(
    model: &'a Model,
    state: &JurisdictionCode,
    measure: &MeasureId,
) -> impl Iterator<Item = Addressee<'a>> {
    let kinds = model.measures.kinds.get(measure);
    let state = model.jurisdictions.get(state);
    let competent = state.zip(kinds).into_iter().flat_map(|(state, kinds)| {
        let all = state.authorities.iter();
        all.filter(|(_, record)| !record.may_issue.is_disjoint(kinds))
    });
    competent.map(authority)
}

fn authority<'a>((id, record): (&'a Arc<str>, &'a AuthorityRecord)) -> Addressee<'a> {
    Addressee {
        id,
        title: &record.title,
        kind: &record.kind,
        confidence: record.confidence,
    }
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
