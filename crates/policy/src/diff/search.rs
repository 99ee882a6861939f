//! The search: every occasion decided by both libraries, over every statement
//! that may make a difference.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use comity_domain::{Request, RuleId};

use super::{
    Proof,
    clean::{Cleaner, stating},
    delta::Delta,
    occasions::{Asks, Ground, Occasion},
    suspects::{self, Apart, Assignment, Memory, Near, Setting, Suspect},
    zip,
};
use crate::{
    FormCheck, Library, Question, facts, model::Instrument, parallel, resolve::Matter,
    scenario::request,
};

/// Most questions about one rule on one occasion that are gone into; of more,
/// occasions are left out evenly.
const QUESTIONS: usize = 250_000;

/// A request that both libraries decide, and not alike.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) delta: Delta,
    pub(super) occasion: Arc<Occasion>,
    /// What is stated of it.
    pub(super) stated: Assignment,
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
    /// How many occasions there were, and how many of them were left out.
    pub(super) occasions: [usize; 2],
}

pub(super) struct Search<'a> {
    ground: Ground<'a>,
    /// Cases that a solver found, tried beside those that the search makes.
    proofs: &'a BTreeMap<RuleId, Proof>,
    memory: Memory,
    decided: AtomicU64,
    /// Told the number of pairs of States whenever one of them is done with.
    watch: Watch<'a>,
}

/// See [`crate::Library::compare`].
pub(super) type Watch<'a> = &'a (dyn Fn(usize) + Sync);

impl<'a> Search<'a> {
    pub(super) fn new(
        ground: Ground<'a>,
        proofs: &'a BTreeMap<RuleId, Proof>,
        watch: Watch<'a>,
    ) -> Self {
        Self {
            ground,
            proofs,
            memory: Memory::default(),
            decided: AtomicU64::new(0),
            watch,
        }
    }

    /// Searches between all pairs of States, on all processors.
    pub(super) fn run(self) -> Searched {
        let pairs = self.ground.pairs();
        let occasions = parallel::map(&pairs, |pair| self.ground.occasions(*pair));
        let all = occasions.iter().map(Vec::len).sum();
        let questions = occasions
            .iter()
            .flatten()
            .map(|occasion| occasion.questions());
        let step = questions.sum::<usize>().div_ceil(QUESTIONS).max(1);
        // Pairs begin at different places, so that together they see everything.
        let numbered: Vec<_> = occasions.into_iter().enumerate().collect();
        let walks = parallel::map(&numbered, |(pair, occasions)| {
            let chosen = occasions.iter().enumerate();
            let chosen = chosen.filter(|(place, occasion)| {
                occasion.asks == Asks::Plainly || (place + pair).is_multiple_of(step)
            });
            let walk = self.walk(chosen.map(|(_, occasion)| occasion));
            (self.watch)(numbered.len());
            walk
        });
        let (mut found, mut untried, mut visited) = (Vec::new(), BTreeMap::new(), 0);
        for walk in walks {
            found.extend(walk.found);
            visited += walk.visited;
            for (rule, count) in walk.untried {
                *untried.entry(rule).or_default() += count;
            }
        }
        Searched {
            found,
            apart: self.memory.into_all(),
            decided: self.decided.into_inner(),
            untried,
            occasions: [all, all - visited],
        }
    }

    /// The occasions between two States, one after the other.
    fn walk<'o>(&self, occasions: impl Iterator<Item = &'o Arc<Occasion>>) -> Walk<'_, 'a> {
        let mut walk = Walk {
            search: self,
            cleaner: Cleaner::default(),
            found: Vec::new(),
            untried: BTreeMap::new(),
            visited: 0,
        };
        for occasion in occasions {
            walk.visited += 1;
            walk.visit(occasion);
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
    visited: usize,
}

impl<'a> Walk<'_, 'a> {
    fn visit(&mut self, occasion: &Arc<Occasion>) {
        let ground = &self.search.ground;
        let [old, new] = ground.libraries;
        let built = request::build(new, &occasion.given);
        let Ok(given) = built.or_else(|_| request::build(old, &occasion.given)) else {
            // What cannot be asked of either library is no request.
            return;
        };
        let request = given.request;
        let instruments = ground.libraries.map(|library| carrier(library, &request));
        let base = self.base(&request, instruments);
        let stated = stating(new, &request, &base);
        if let Some(delta) = self.search.delta(&stated) {
            self.note(occasion, delta, base.clone());
        }
        if let [Some(before), Some(after)] = instruments
            && occasion.asks != Asks::Plainly
        {
            self.tell_apart(occasion, &request, [before, after], base);
        }
    }

    /// Decides the request over what tells the rules apart that are to be.
    fn tell_apart(
        &mut self,
        occasion: &Arc<Occasion>,
        request: &Request,
        instruments: [&'a Instrument; 2],
        base: Assignment,
    ) {
        let ground = &self.search.ground;
        let matters = ground
            .libraries
            .map(|library| Matter::of(&library.model, request));
        let setting = self.setting(request, instruments, base);
        for suspect in suspects::suspects(ground, &matters, instruments, occasion.asks) {
            self.probe(occasion, &suspect, &setting, request);
        }
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
        let declarations = library.model.declarations(instrument, &request.measure);
        self.cleaner
            .clear(library, request, declarations, &ground.touched.facts)
    }

    fn setting(
        &self,
        request: &Request,
        instruments: [&'a Instrument; 2],
        base: Assignment,
    ) -> Setting<'a> {
        let question = Question {
            request,
            form: FormCheck::Presumed,
            language: "en",
            now: request.issued_at,
            rulings: &[],
        };
        let here = zip(self.search.ground.libraries, instruments);
        Setting {
            declarations: here.map(|(library, instrument)| {
                library.model.declarations(instrument, &request.measure)
            }),
            bare: here.map(|(library, instrument)| {
                let presumed = library.presumed.in_language("en");
                let matter = Matter::of(&library.model, request);
                facts::derive(&library.model, presumed, &question, (&matter, instrument))
            }),
            base,
        }
    }

    /// Decides the request over statements that tell a rule from what it was,
    /// until one changes the outcome.
    fn probe(
        &mut self,
        occasion: &Arc<Occasion>,
        suspect: &Suspect<'_>,
        setting: &Setting<'_>,
        request: &Request,
    ) {
        let search = self.search;
        let [_, new] = search.ground.libraries;
        let cases = search.proofs.get(suspect.id);
        let cases = cases.map_or(&[][..], |proof| &proof.cases);
        let apart = search.memory.apart(&search.ground, suspect, setting, cases);
        for Near { nearest, more } in apart.classes.values() {
            let mut lesser = None;
            let decisive = nearest.iter().find_map(|assignment| {
                let stated = merged(&setting.base, assignment, &apart);
                let delta = search.delta(&stating(new, request, &stated))?;
                if delta.is_of_outcome() {
                    return Some((delta, stated));
                }
                lesser.get_or_insert((delta, stated));
                None
            });
            if decisive.is_none() && *more > 0 {
                *self.untried.entry(suspect.id.clone()).or_default() += more;
            }
            if let Some((delta, stated)) = decisive.or(lesser) {
                self.note(occasion, delta, stated);
            }
        }
    }

    fn note(&mut self, occasion: &Arc<Occasion>, delta: Delta, stated: Assignment) {
        self.found.push(Found {
            delta,
            occasion: Arc::clone(occasion),
            stated,
        });
    }
}

/// The instrument that carries a request, by what is known before it is decided.
fn carrier<'a>(library: &'a Library, request: &Request) -> Option<&'a Instrument> {
    let matter = Matter::of(&library.model, request);
    let resolution =
        crate::resolve::resolve(&library.model, &matter, request.instrument.as_ref(), "en");
    resolution.carrier.ok()
}

/// The base with an assignment in place of all that it speaks of.
fn merged(base: &Assignment, assignment: &Assignment, apart: &Apart) -> Assignment {
    let kept = base.iter().filter(|(fact, _)| !apart.facts.contains(*fact));
    let kept = kept.map(|(fact, value)| (Arc::clone(fact), value.clone()));
    let mut merged: Assignment = kept.collect();
    merged.extend(assignment.clone());
    merged
}
