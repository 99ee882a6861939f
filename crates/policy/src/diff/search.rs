//! The search: every occasion decided by both libraries, over every statement
//! that may make a difference.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use comity_domain::{FactName, JurisdictionCode, Request, RuleId};

use super::{
    Proof,
    clean::{Cleaner, stating},
    delta::Delta,
    measures::Alike,
    occasions::{Asks, Ground, Occasion},
    suspects::{self, Apart, Assignment, Memory, Setting, Suspect},
    zip,
};
use crate::{
    FormCheck, Library, Question, facts,
    model::Instrument,
    parallel, periods,
    resolve::Matter,
    scenario::{GivenRequest, request},
};

/// Assignments tried on one occasion for one way in which a rule differs,
/// those nearest to a request against which nothing stands first.
const TRIES: usize = 8;

/// A request that both libraries decide, and not alike.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) delta: Delta,
    pub(super) given: GivenRequest,
    /// What is stated of it.
    pub(super) stated: Assignment,
    /// Measures that it stands for, its own first.
    pub(super) measures: Alike,
}

/// What a search found, and how far it went.
pub(super) struct Searched {
    /// By pair of States, in their order.
    pub(super) found: Vec<Found>,
    /// Rules by the ways in which they were told apart.
    pub(super) apart: Vec<(RuleId, Arc<Apart>)>,
    /// Requests decided by both libraries.
    pub(super) decided: u64,
    /// Ways in which a rule differs that were not tried to the end, by rule.
    pub(super) untried: BTreeMap<RuleId, usize>,
}

pub(super) struct Search<'a> {
    ground: Ground<'a>,
    /// Cases that a solver found, tried beside those that the search makes.
    proofs: &'a BTreeMap<RuleId, Proof>,
    memory: Memory,
    decided: AtomicU64,
}

impl<'a> Search<'a> {
    pub(super) fn new(ground: Ground<'a>, proofs: &'a BTreeMap<RuleId, Proof>) -> Self {
        Self {
            ground,
            proofs,
            memory: Memory::default(),
            decided: AtomicU64::new(0),
        }
    }

    /// Searches between all pairs of States, on all processors.
    pub(super) fn run(self) -> Searched {
        let pairs = self.ground.pairs();
        let results = parallel::map(&pairs, |pair| self.between(*pair));
        let (mut found, mut untried) = (Vec::new(), BTreeMap::new());
        for walk in results {
            found.extend(walk.found);
            for (rule, count) in walk.untried {
                *untried.entry(rule).or_default() += count;
            }
        }
        Searched {
            found,
            apart: self.memory.into_all(),
            decided: self.decided.into_inner(),
            untried,
        }
    }

    fn between(&self, pair: [&'a JurisdictionCode; 2]) -> Walk<'_, 'a> {
        let mut walk = Walk {
            search: self,
            cleaner: Cleaner::default(),
            found: Vec::new(),
            untried: BTreeMap::new(),
        };
        for occasion in self.ground.occasions(pair) {
            // What cannot be asked at all of a library is no request.
            let _ = walk.visit(&occasion);
        }
        walk
    }

    /// How both libraries decide a request.
    pub(super) fn delta(&self, request: &Request) -> Option<Delta> {
        self.decided.fetch_add(1, Ordering::Relaxed);
        self.ground.delta(request)
    }
}

/// The occasions between two States, one after the other.
struct Walk<'s, 'a> {
    search: &'s Search<'a>,
    cleaner: Cleaner,
    found: Vec<Found>,
    untried: BTreeMap<RuleId, usize>,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, occasion: &Occasion) -> Option<()> {
        let ground = &self.search.ground;
        let [old, new] = ground.libraries;
        let built =
            request::build(new, &occasion.given).or_else(|_| request::build(old, &occasion.given));
        let request = built.ok()?.request;
        let calendar = new.model.calendars.get(&request.issuing.0);
        let day = periods::day_of(request.issued_at, calendar);
        let matters = ground
            .libraries
            .map(|library| Matter::new(&library.model, &request, day));
        let instruments = ground.libraries.map(|library| carrier(library, &request));
        let base = self.base(&request, instruments);
        let stated = stating(new, &request, &base);
        if let Some(delta) = self.search.delta(&stated) {
            self.note(occasion, delta, base.clone());
        }
        let [Some(before), Some(after)] = instruments else {
            return None;
        };
        if occasion.asks == Asks::Plainly {
            return None;
        }
        let setting = self.setting(&request, [before, after]);
        for suspect in suspects::suspects(ground, &matters, [before, after], occasion.asks) {
            self.probe(occasion, &suspect, &setting, (&request, &base));
        }
        Some(())
    }

    /// What to state so that little stands against the request before the
    /// change, or after it where nothing carried it before.
    fn base(&mut self, request: &Request, instruments: [Option<&'a Instrument>; 2]) -> Assignment {
        let ground = &self.search.ground;
        let here = zip(ground.libraries, instruments).into_iter();
        let here = here.filter_map(|(library, instrument)| Some((library, instrument?)));
        let Some((library, instrument)) = here.into_iter().next() else {
            return Assignment::new();
        };
        let declarations = library.model.declarations(instrument);
        self.cleaner
            .clear(library, request, declarations, &ground.touched.facts)
    }

    fn setting(&self, request: &Request, instruments: [&'a Instrument; 2]) -> Setting<'a> {
        let question = Question {
            request,
            form: FormCheck::Presumed,
            language: "en",
            now: request.issued_at,
        };
        let here = zip(self.search.ground.libraries, instruments);
        Setting {
            declarations: here.map(|(library, instrument)| library.model.declarations(instrument)),
            bare: here.map(|(library, instrument)| {
                let presumed = library.presumed.in_language("en");
                facts::derive(&library.model, presumed, &question, instrument)
            }),
        }
    }

    /// Decides the request over statements that tell a rule from what it was,
    /// until one changes the outcome.
    fn probe(
        &mut self,
        occasion: &Occasion,
        suspect: &Suspect<'_>,
        setting: &Setting<'_>,
        (request, base): (&Request, &Assignment),
    ) {
        let search = self.search;
        let [_, new] = search.ground.libraries;
        let cases = search.proofs.get(suspect.id);
        let cases = cases.map_or(&[][..], |proof| &proof.cases);
        let apart = search.memory.apart(&search.ground, suspect, setting, cases);
        for assignments in apart.classes.values() {
            let mut nearest: Vec<&Assignment> = assignments.iter().collect();
            nearest.sort_by_cached_key(|assignment| distance(assignment, base, setting, &apart));
            let mut lesser = None;
            let mut decisive = false;
            for assignment in nearest.iter().take(TRIES) {
                let stated = merged(base, assignment, &apart);
                let Some(delta) = search.delta(&stating(new, request, &stated)) else {
                    continue;
                };
                if delta.is_of_outcome() {
                    self.note(occasion, delta, stated);
                    decisive = true;
                    break;
                }
                lesser.get_or_insert((delta, stated));
            }
            if decisive {
                continue;
            }
            if let Some((delta, stated)) = lesser {
                self.note(occasion, delta, stated);
            }
            let untried = nearest.len().saturating_sub(TRIES);
            if untried > 0 {
                *self.untried.entry(suspect.id.clone()).or_default() += untried;
            }
        }
    }

    /// Keeps what was found, once for each way in which decisions differ.
    fn note(&mut self, occasion: &Occasion, delta: Delta, stated: Assignment) {
        self.found.push(Found {
            delta,
            given: occasion.given.clone(),
            stated,
            measures: occasion.measures.clone(),
        });
    }
}

/// The instrument that carries a request, by what is known before it is decided.
fn carrier<'a>(library: &'a Library, request: &Request) -> Option<&'a Instrument> {
    let calendar = library.model.calendars.get(&request.issuing.0);
    let day = periods::day_of(request.issued_at, calendar);
    let matter = Matter::new(&library.model, request, day);
    let resolution =
        crate::resolve::resolve(&library.model, &matter, request.instrument.as_ref(), "en");
    resolution.carrier.ok()
}

/// In how many facts a request would differ from one against which nothing
/// stands.
fn distance(
    assignment: &Assignment,
    base: &Assignment,
    setting: &Setting<'_>,
    apart: &Apart,
) -> usize {
    let [_, bare] = &setting.bare;
    let differs = |fact: &&FactName| {
        let usual = bare.get(*fact).map(|known| &known.value);
        let [said, cleared] = [assignment, base].map(|stated| stated.get(*fact).or(usual));
        said != cleared
    };
    apart.facts.iter().filter(differs).count()
}

/// The base with an assignment in place of all that it speaks of.
fn merged(base: &Assignment, assignment: &Assignment, apart: &Apart) -> Assignment {
    let kept = base.iter().filter(|(fact, _)| !apart.facts.contains(*fact));
    let kept = kept.map(|(fact, value)| (Arc::clone(fact), value.clone()));
    let mut merged: Assignment = kept.collect();
    merged.extend(assignment.clone());
    merged
}
