//! What is asked of both libraries: requests between two States under every
//! instrument that carries them, as far as a difference may show in them.

mod path;
mod variant;

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{
    Decision, FactName, InstrumentId, JurisdictionCode, MeasureId, Request, RuleId,
};
use jiff::civil::Date;

use self::path::Path;
use super::{
    clean::decide,
    delta::{Delta, delta},
    measures::Alike,
    touched::Touched,
};
use crate::{
    Library,
    findings::lines,
    model::Rule,
    resolve::{self, Matter},
    scenario::{GivenRequest, request::DEFAULT_DATE},
};

/// A request to be decided by both libraries, facts aside.
#[derive(Debug)]
pub(super) struct Occasion {
    pub(super) given: GivenRequest,
    /// The measures that it stands for, its own first.
    pub(super) measures: Alike,
    pub(super) asks: Asks,
    /// Rules that may be told apart.
    rules: usize,
}

impl Occasion {
    /// How many questions it raises.
    pub(super) fn questions(&self) -> usize {
        match self.asks {
            Asks::Plainly => 1,
            Asks::OfTheDay | Asks::All => self.rules,
        }
    }
}

/// Which rules are to be told apart on an occasion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Asks {
    /// None: the request itself is what may be decided otherwise.
    Plainly,
    /// Those that are to be asked on this day.
    OfTheDay,
    /// All that differ.
    All,
}

/// Two libraries and where their differences may show.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) libraries: [&'a Library; 2],
    pub(super) touched: &'a Touched,
    /// Rules about what goes back, of either library.
    pub(super) disclosing: &'a BTreeSet<RuleId>,
    /// Measures by what chooses instruments among them.
    pub(super) chosen_by: &'a [Alike],
    /// The usual day.
    pub(super) day: Date,
}

impl<'a> Ground<'a> {
    /// All pairs of States that have a module in either library.
    pub(super) fn pairs(&self) -> Vec<[&'a JurisdictionCode; 2]> {
        let states = self
            .libraries
            .into_iter()
            .flat_map(|library| library.model.jurisdictions.keys());
        let states: BTreeSet<&JurisdictionCode> = states.collect();
        let with_others = |one| states.iter().map(move |other| [one, *other]);
        let pairs = states.iter().copied().flat_map(with_others);
        pairs.filter(|[one, other]| one != other).collect()
    }

    /// How both libraries decide a request.
    pub(super) fn decisions(&self, request: &Request) -> [Decision; 2] {
        self.libraries.map(|library| decide(library, request))
    }

    /// In what the libraries do not decide a request alike.
    pub(super) fn delta(&self, request: &Request) -> Option<Delta> {
        let decisions = self.decisions(request);
        delta(decisions.each_ref(), self.disclosing)
    }

    /// Every occasion between two States.
    pub(super) fn occasions(&self, pair: [&'a JurisdictionCode; 2]) -> Vec<Arc<Occasion>> {
        let instruments = self
            .libraries
            .into_iter()
            .flat_map(|library| library.model.instruments.keys());
        let instruments: BTreeSet<&InstrumentId> = instruments.collect();
        let mut occasions = Vec::new();
        if self.touched.routing {
            self.unnamed(pair, &mut occasions);
        }
        for instrument in instruments {
            let path = Path {
                ground: *self,
                pair,
                instrument,
            };
            path.occasions(&mut occasions);
        }
        occasions
    }

    /// Requests that name no instrument and would travel on another.
    fn unnamed(&self, pair: [&JurisdictionCode; 2], occasions: &mut Vec<Arc<Occasion>>) {
        let bound = self.touched.bound.values().flatten().copied();
        let days: BTreeSet<Date> = bound.chain([self.day]).collect();
        for measures in self.chosen_by {
            for day in &days {
                let carriers = self.libraries.map(|library| {
                    let matter = Matter::between(&library.model, pair, measures.first()?, *day);
                    let carrier = resolve::resolve(&library.model, &matter, None, "en").carrier;
                    Some(&carrier.ok()?.id)
                });
                if carriers[0] != carriers[1] {
                    let given = given(pair, None, measures, *day);
                    occasions.push(Arc::new(Occasion {
                        given,
                        measures: measures.clone(),
                        asks: Asks::Plainly,
                        rules: 0,
                    }));
                }
            }
        }
    }
}

/// Whether a rule reads one of these facts.
pub(super) fn reads(rule: &Rule, facts: &BTreeSet<FactName>) -> bool {
    lines(rule)
        .flat_map(|line| &line.facts)
        .any(|fact| facts.contains(fact))
}

fn given(
    [issuing, executing]: [&JurisdictionCode; 2],
    instrument: Option<&InstrumentId>,
    measures: &Alike,
    day: Date,
) -> GivenRequest {
    let day = day.to_string();
    GivenRequest {
        issuing: issuing.to_string(),
        executing: executing.to_string(),
        instrument: instrument.map(ToString::to_string),
        measure: measures
            .first()
            .map(MeasureId::to_string)
            .unwrap_or_default(),
        date: (day != DEFAULT_DATE).then_some(day),
        ..GivenRequest::default()
    }
}
