//! Which instrument carries a request.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{Citation, InstrumentId, JurisdictionCode, MeasureId, PassedOver, Request};
use jiff::civil::Date;

use crate::model::{Binding, Instrument, MeasureFilter, Model, Prevails, Status};

/// What of a request decides on its instrument and its rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matter<'a> {
    pub(crate) issuing: &'a JurisdictionCode,
    pub(crate) executing: &'a JurisdictionCode,
    pub(crate) measure: &'a MeasureId,
    /// All the measure is a kind of; `None` for a measure nobody knows.
    kinds: Option<&'a BTreeSet<Arc<str>>>,
    pub(crate) law_date: Date,
}

impl<'a> Matter<'a> {
    pub(crate) fn new(model: &'a Model, request: &'a Request, law_date: Date) -> Self {
        Self {
            issuing: &request.issuing.0,
            executing: &request.executing.0,
            measure: &request.measure,
            kinds: model.measures.kinds.get(&request.measure),
            law_date,
        }
    }

    /// The measure is one of these or of a kind of one of these.
    pub(crate) fn is_among(&self, filter: &MeasureFilter) -> bool {
        self.kinds.is_some_and(|kinds| !kinds.is_disjoint(filter))
    }

    fn is(&self, measure: &str) -> bool {
        self.kinds.is_some_and(|kinds| kinds.contains(measure))
    }
}

/// The instruments weighed for a request.
#[derive(Debug)]
pub(crate) struct Resolution<'a> {
    /// The instrument that carries the request, or what stands against each
    /// that might have.
    pub(crate) carrier: Result<&'a Instrument, Vec<Obstacle>>,
    pub(crate) passed_over: Vec<PassedOver>,
    /// Where the named instrument does not apply: those that would.
    pub(crate) alternatives: Vec<Arc<str>>,
}

/// Why an instrument does not carry a request.
#[derive(Debug)]
pub(crate) struct Obstacle {
    /// The instrument, in the library or not.
    pub(crate) instrument: InstrumentId,
    /// Makes the rule id, after the instrument's id and a hyphen.
    pub(crate) suffix: &'static str,
    pub(crate) citation: Citation,
    /// In English.
    pub(crate) reason: String,
}

/// Weighs the instruments for a request.
pub(crate) fn resolve<'a>(
    model: &'a Model,
    matter: &Matter<'_>,
    named: Option<&InstrumentId>,
) -> Resolution<'a> {
    let (mut candidates, mut obstacles) = (Vec::new(), Vec::new());
    for instrument in model.instruments.values() {
        match obstacle(instrument, matter) {
            None => candidates.push(instrument),
            Some(obstacle) => obstacles.push((instrument, obstacle)),
        }
    }
    let ranked = ranked(model, matter, candidates);
    match named {
        Some(named) => of_named(model, named, &ranked, obstacles),
        None => of_ranked(matter, &ranked, obstacles),
    }
}

/// A candidate, with the one that replaces it.
struct Candidate<'a> {
    instrument: &'a Instrument,
    prevailing: Option<(&'a Instrument, &'a Prevails)>,
}

impl Candidate<'_> {
    fn passed_over(&self, reason: String) -> PassedOver {
        PassedOver {
            instrument: self.instrument.id.clone(),
            reason: Arc::from(reason),
            citation: None,
        }
    }
}

fn of_named<'a>(
    model: &'a Model,
    named: &InstrumentId,
    ranked: &[Candidate<'a>],
    obstacles: Vec<(&'a Instrument, Obstacle)>,
) -> Resolution<'a> {
    let against = obstacles
        .into_iter()
        .find(|(instrument, _)| instrument.id == *named);
    let carrier = match (model.instruments.get(named), against) {
        (_, Some((_, obstacle))) => Err(vec![obstacle]),
        (Some(instrument), None) => Ok(instrument),
        (None, None) => Err(vec![unknown(named)]),
    };
    let others = || {
        let others = ranked.iter();
        others.filter(|other| other.instrument.id != *named)
    };
    match carrier {
        Ok(instrument) => Resolution {
            carrier,
            passed_over: others()
                .map(|other| match prevails(other.instrument, instrument) {
                    Some(prevails) => PassedOver {
                        citation: Some(prevails.cite.clone()),
                        ..other.passed_over(format!("it would prevail, but `{named}` is named"))
                    },
                    None => other.passed_over(format!("`{named}` is named")),
                })
                .collect(),
            alternatives: Vec::new(),
        },
        Err(_) => Resolution {
            carrier,
            passed_over: Vec::new(),
            alternatives: others()
                .map(|other| Arc::from(other.instrument.id.as_str()))
                .collect(),
        },
    }
}

fn of_ranked<'a>(
    matter: &Matter<'_>,
    ranked: &[Candidate<'a>],
    obstacles: Vec<(&'a Instrument, Obstacle)>,
) -> Resolution<'a> {
    let near: Vec<Obstacle> = obstacles
        .into_iter()
        .filter(|(instrument, _)| concerns(instrument, matter))
        .map(|(_, obstacle)| obstacle)
        .collect();
    let near_passed_over = near.iter().map(Obstacle::passed_over);
    // One that is replaced stands behind all that are not.
    let first = ranked.first().filter(|first| first.prevailing.is_none());
    let Some(first) = first else {
        return Resolution {
            passed_over: near_passed_over.collect(),
            carrier: Err(near),
            alternatives: Vec::new(),
        };
    };
    let others = ranked.iter().skip(1).map(|other| match other.prevailing {
        Some((prevailing, prevails)) => PassedOver {
            citation: Some(prevails.cite.clone()),
            ..other.passed_over(format!("`{}` prevails over it", prevailing.id))
        },
        None => other.passed_over(format!("`{}` is preferred", first.instrument.id)),
    });
    Resolution {
        passed_over: others.chain(near_passed_over).collect(),
        carrier: Ok(first.instrument),
        alternatives: Vec::new(),
    }
}

/// Candidates in order of preference: those that no other one replaces, the
/// issuing State's preference, then rank.
fn ranked<'a>(
    model: &Model,
    matter: &Matter<'_>,
    candidates: Vec<&'a Instrument>,
) -> Vec<Candidate<'a>> {
    let routes = model
        .jurisdictions
        .get(matter.issuing)
        .map_or(&[][..], |issuing| &issuing.routes);
    let preferred: Vec<&InstrumentId> = routes
        .iter()
        .filter(|route| matter.is_among(&route.measures))
        .filter(|route| {
            route.counterparts.is_empty() || route.counterparts.contains(matter.executing)
        })
        .flat_map(|route| &route.prefer)
        .collect();
    let mut ranked: Vec<_> = candidates
        .iter()
        .map(|instrument| Candidate {
            instrument,
            prevailing: candidates
                .iter()
                .find_map(|other| Some((*other, prevails(other, instrument)?))),
        })
        .collect();
    ranked.sort_by_key(|candidate| {
        let instrument = candidate.instrument;
        let route = preferred.iter().position(|id| **id == instrument.id);
        (
            candidate.prevailing.is_some(),
            route.unwrap_or(usize::MAX),
            instrument.rank,
            &instrument.id,
        )
    });
    ranked
}

fn prevails<'a>(one: &'a Instrument, over: &Instrument) -> Option<&'a Prevails> {
    let mut prevails = one.prevails_over.iter();
    prevails.find(|prevails| prevails.over == over.id)
}

/// The instrument has something to do with one of the two States.
fn concerns(instrument: &Instrument, matter: &Matter<'_>) -> bool {
    let knows = |state: &JurisdictionCode| {
        instrument.binds.contains_key(state) || instrument.not_bound.contains_key(state)
    };
    knows(matter.issuing) && knows(matter.executing)
}

impl Obstacle {
    fn passed_over(&self) -> PassedOver {
        PassedOver {
            instrument: self.instrument.clone(),
            reason: Arc::from(self.reason.as_str()),
            citation: Some(self.citation.clone()),
        }
    }
}

/// The first thing that stands against an instrument's carrying a request.
fn obstacle(instrument: &Instrument, matter: &Matter<'_>) -> Option<Obstacle> {
    let against = |suffix, citation: &Citation, reason| {
        Some(Obstacle {
            instrument: instrument.id.clone(),
            suffix,
            citation: citation.clone(),
            reason,
        })
    };
    if let Status::NotInForce { reason, checked } = &instrument.status {
        let reason = reason.in_language("en").map_or("", |(_, reason)| reason);
        let reason = format!(
            "`{}` is not in force: {reason} (checked on {checked})",
            instrument.id
        );
        return against("not-in-force", &instrument.source, reason);
    }
    for state in [matter.issuing, matter.executing] {
        if let Some((suffix, citation, reason)) = unbound(instrument, state, matter.law_date) {
            return against(suffix, citation, reason);
        }
    }
    let crosses = instrument.between.as_ref().is_none_or(|[one, other]| {
        let crosses = |from: &BTreeSet<_>, to: &BTreeSet<_>| {
            from.contains(matter.issuing) && to.contains(matter.executing)
        };
        crosses(one, other) || crosses(other, one)
    });
    // No State cooperates with itself.
    if matter.issuing == matter.executing || !crosses {
        let reason = format!(
            "`{}` does not apply between {} and {}",
            instrument.id, matter.issuing, matter.executing
        );
        return against("between", &instrument.source, reason);
    }
    let excluded = instrument
        .exclude
        .iter()
        .find(|excluded| matter.is(&excluded.measure));
    if excluded.is_some() || !matter.is_among(&instrument.include) {
        let citation = excluded.map_or(&instrument.source, |excluded| &excluded.cite);
        let reason = format!("`{}` does not carry `{}`", instrument.id, matter.measure);
        return against("measure", citation, reason);
    }
    None
}

/// Why a State is not bound on the day, where it is not.
fn unbound<'a>(
    instrument: &'a Instrument,
    state: &JurisdictionCode,
    day: Date,
) -> Option<(&'static str, &'a Citation, String)> {
    let id = &instrument.id;
    let Some(binding) = instrument.binds.get(state) else {
        let (citation, note) = match instrument.not_bound.get(state) {
            Some(record) => (&record.cite, record.note.in_language("en")),
            None => (&instrument.source, None),
        };
        let note = note.map(|(_, note)| format!(": {note}"));
        let reason = format!("{state} is not bound by `{id}`{}", note.unwrap_or_default());
        return Some(("not-bound", citation, reason));
    };
    let Binding { since, until, .. } = binding;
    let citation = instrument
        .binding_cite
        .as_ref()
        .or(binding.cite.as_ref())
        .unwrap_or(&instrument.source);
    if day < *since {
        let reason = format!("`{id}` binds {state} only since {since}");
        return Some(("not-yet", citation, reason));
    }
    let ended = until.filter(|until| day >= *until)?;
    let reason = format!("`{id}` has not bound {state} since {ended}");
    Some(("not-bound", citation, reason))
}

/// An instrument named that no module describes.
fn unknown(named: &InstrumentId) -> Obstacle {
    Obstacle {
        instrument: named.clone(),
        suffix: "not-known",
        citation: no_module(named.as_str()),
        reason: format!("the library has no module of `{named}`"),
    }
}

/// Stands where a citation would, for law that no module sets out.
pub(crate) fn no_module(of: &str) -> Citation {
    Citation {
        source: Arc::from(of),
        provision: Arc::from(""),
        title: Arc::from("no module of the library"),
        url: None,
    }
}
