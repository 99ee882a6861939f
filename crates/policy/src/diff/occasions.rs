//! What is asked of both libraries: requests between two States under every
//! instrument that carries them, as far as a difference may show in them.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::{
    Decision, FactName, InstrumentId, JurisdictionCode, MeasureId, Request, RuleId,
};
use jiff::{ToSpan, civil::Date};

use super::{
    clean::decide,
    delta::{Delta, delta},
    measures::{self, Alike},
    touched::Touched,
};
use crate::{
    Library,
    findings::lines,
    model::{Effect, Instrument, Jurisdiction, Module, Rule},
    reader::Reader,
    resolve::{self, Matter},
    scenario::{GivenOffence, GivenPerson, GivenRequest, GivenRole, request::DEFAULT_DATE},
};

/// A request to be decided by both libraries, facts aside.
#[derive(Debug)]
pub(super) struct Occasion {
    pub(super) given: GivenRequest,
    /// The measures that it stands for, its own first.
    pub(super) measures: Alike,
    pub(super) asks: Asks,
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
    pub(super) fn occasions(&self, pair: [&'a JurisdictionCode; 2]) -> Vec<Occasion> {
        let instruments = self
            .libraries
            .into_iter()
            .flat_map(|library| library.model.instruments.keys());
        let instruments: BTreeSet<&InstrumentId> = instruments.collect();
        let mut occasions = Vec::new();
        if self.touched.carriers {
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
    fn unnamed(&self, pair: [&JurisdictionCode; 2], occasions: &mut Vec<Occasion>) {
        let mentioned = measures::deciding_carriers(self.libraries);
        let bound = self.touched.bound.values().flatten().copied();
        let days: BTreeSet<Date> = bound.chain([self.day]).collect();
        for measures in measures::alike(self.libraries, &mentioned) {
            for day in &days {
                let carriers = self.libraries.map(|library| {
                    let matter = Matter::between(&library.model, pair, measures.first()?, *day);
                    let carrier = resolve::resolve(&library.model, &matter, None, "en").carrier;
                    Some(&carrier.ok()?.id)
                });
                if carriers[0] != carriers[1] {
                    let given = given(pair, None, &measures, *day);
                    occasions.push(Occasion {
                        given,
                        measures: measures.clone(),
                        asks: Asks::Plainly,
                    });
                }
            }
        }
    }
}

/// Requests between two States under one instrument.
struct Path<'a> {
    ground: Ground<'a>,
    pair: [&'a JurisdictionCode; 2],
    instrument: &'a InstrumentId,
}

impl Path<'_> {
    fn occasions(&self, occasions: &mut Vec<Occasion>) {
        let Ground {
            libraries, touched, ..
        } = self.ground;
        let rules = self.touched_rules();
        let variants = self.variants();
        let mut holidays = self.pair.iter().map(|state| touched.holidays.get(state));
        let concerned = touched.carriers
            || !rules.is_empty()
            || !variants.is_empty()
            || holidays.any(|days| days.is_some());
        let asks = |measures: &Alike, day: Date, asks: Asks| {
            let plainly = asks == Asks::Plainly || !variants.is_empty();
            self.asks(measures, day, asks, |matters| {
                let concerns = |rule: &&Rule| {
                    rule.measures.is_empty()
                        || matters.iter().any(|matter| matter.is_among(&rule.measures))
                };
                plainly || rules.iter().any(concerns)
            })
        };
        if !concerned
            || !self
                .instruments()
                .into_iter()
                .flatten()
                .any(|found| self.binds_both(found))
        {
            return;
        }
        let days = self.days(&rules);
        let mentioned = measures::mentioned(libraries, self.pair, self.instrument);
        for measures in measures::alike(libraries, &mentioned) {
            for (day, which) in &days {
                let Some(asks) = asks(&measures, *day, *which) else {
                    continue;
                };
                let usual = given(self.pair, Some(self.instrument), &measures, *day);
                let variants = variants.iter().filter(|_| *day == self.ground.day);
                let variants = variants
                    .map(|vary| vary.apply(usual.clone()))
                    .collect::<Vec<_>>();
                occasions.extend([usual].into_iter().chain(variants).map(|given| Occasion {
                    given,
                    measures: measures.clone(),
                    asks,
                }));
            }
        }
    }

    /// What is to be told apart on a day; `None` where nothing can differ.
    fn asks(
        &self,
        measures: &Alike,
        day: Date,
        asks: Asks,
        concerned: impl Fn(&[Matter<'_>; 2]) -> bool,
    ) -> Option<Asks> {
        let measure = measures.first()?;
        let libraries = self.ground.libraries;
        let matters =
            libraries.map(|library| Matter::between(&library.model, self.pair, measure, day));
        let [old, new] = self.instruments();
        let [reader_before, reader_after] = libraries.map(|library| Reader {
            model: &library.model,
            language: "en",
        });
        let carries = |reader, found: Option<&Instrument>, matter| {
            found.is_some_and(|found| resolve::carries(reader, found, matter))
        };
        let before = carries(&reader_before, old, &matters[0]);
        let after = carries(&reader_after, new, &matters[1]);
        let known = |library: &Library| self.pair.into_iter().all(|state| library.knows(state));
        match (before, after) {
            (false, false) => None,
            (true, true) if libraries.into_iter().all(known) => concerned(&matters).then_some(asks),
            _ => Some(Asks::Plainly),
        }
    }

    fn instruments(&self) -> [Option<&Instrument>; 2] {
        self.ground
            .libraries
            .map(|library| library.model.instruments.get(self.instrument))
    }

    fn binds_both(&self, instrument: &Instrument) -> bool {
        self.pair
            .into_iter()
            .all(|state| instrument.binds.contains_key(state))
    }

    /// Rules of the three modules in either library that differ, or that read
    /// what may be known otherwise.
    fn touched_rules(&self) -> Vec<&Rule> {
        let Touched { rules, facts, .. } = self.ground.touched;
        let modules = self
            .ground
            .libraries
            .into_iter()
            .flat_map(|library| self.modules(library));
        let all = modules.flat_map(|module| &module.rules);
        let here = all.filter(|rule| {
            rule.instruments.is_empty() || rule.instruments.contains(self.instrument)
        });
        here.filter(|rule| rules.contains(&rule.id) || reads(rule, facts))
            .collect()
    }

    fn modules<'l>(&self, library: &'l Library) -> impl Iterator<Item = &'l Module> {
        let states = self
            .pair
            .map(|state| library.model.jurisdictions.get(state));
        let states = states
            .into_iter()
            .flatten()
            .map(|state: &Jurisdiction| &state.module);
        let carrier = library.model.instruments.get(self.instrument);
        states.chain(carrier.map(|found| &found.module))
    }

    /// The days on which something may differ.
    fn days(&self, rules: &[&Rule]) -> BTreeMap<Date, Asks> {
        let Ground { touched, day, .. } = self.ground;
        let bound = touched.bound.get(self.instrument).into_iter().flatten();
        let mut days: BTreeMap<Date, Asks> = bound.map(|day| (*day, Asks::Plainly)).collect();
        for holiday in self
            .pair
            .iter()
            .filter_map(|state| touched.holidays.get(state))
            .flatten()
        {
            for length in self.lengths() {
                let before = holiday.checked_sub(i64::from(length).days()).ok();
                days.extend(before.map(|day| (day, Asks::Plainly)));
            }
        }
        for rule in rules {
            let own = touched.days.get(&rule.id).into_iter().flatten();
            days.extend(own.map(|day| (*day, Asks::OfTheDay)));
        }
        days.insert(day, Asks::All);
        days
    }

    /// Lengths of the time limits that may run, in days or working days.
    fn lengths(&self) -> BTreeSet<u32> {
        let modules = self
            .ground
            .libraries
            .into_iter()
            .flat_map(|library| self.modules(library));
        let effects = modules
            .flat_map(|module| &module.rules)
            .map(|rule| &rule.effect);
        effects
            .filter_map(|effect| match effect {
                Effect::Clock(clock) => Some(clock.length),
                Effect::Permit
                | Effect::Refuse { .. }
                | Effect::Require { .. }
                | Effect::Refer { .. }
                | Effect::Oblige { .. } => None,
            })
            .collect()
    }

    /// Requests in which what a register says otherwise may show.
    fn variants(&self) -> Vec<Variant> {
        let [issuing, executing] = self.pair;
        let Touched {
            languages,
            authorities,
            offences,
            ages,
            ..
        } = self.ground.touched;
        let mut variants = Vec::new();
        let key = (self.instrument.clone(), executing.clone());
        let language = languages.get(&key).into_iter().flatten();
        variants.extend(language.cloned().map(Variant::Language));
        let authority = authorities.get(issuing).into_iter().flatten();
        variants.extend(authority.map(|id| Variant::Authority(id.to_string())));
        let provision = offences.get(issuing).into_iter().flatten();
        variants.extend(provision.map(|provision| Variant::Offence(provision.to_string())));
        let abroad = offences.get(executing).into_iter().flatten();
        variants.extend(
            abroad
                .flat_map(|provision| self.counterparts(provision))
                .map(Variant::Offence),
        );
        let age = ages.get(executing).into_iter().flatten();
        variants.extend(age.map(|age| Variant::Suspect(*age)));
        variants
    }

    /// The issuing State's provisions under the codes of one of the executing
    /// State's.
    fn counterparts(&self, provision: &str) -> Vec<String> {
        let [issuing, executing] = self.pair;
        let registers = self.ground.libraries.map(|library| {
            let states = &library.model.jurisdictions;
            Some((states.get(issuing)?, states.get(executing)?))
        });
        let codes: BTreeSet<_> = registers
            .iter()
            .flatten()
            .filter_map(|(_, executing)| executing.offences.get(provision)?.iccs.as_ref())
            .collect();
        let own = registers
            .iter()
            .flatten()
            .flat_map(|(issuing, _)| &issuing.offences);
        let same = own.filter(|(_, record)| {
            record
                .iccs
                .as_ref()
                .is_some_and(|code| codes.contains(code))
        });
        let same: BTreeSet<String> = same.map(|(provision, _)| provision.to_string()).collect();
        same.into_iter().collect()
    }
}

/// What a request says so that a register is asked.
#[derive(Debug)]
enum Variant {
    Language(String),
    Authority(String),
    Offence(String),
    Suspect(u8),
}

impl Variant {
    fn apply(&self, mut given: GivenRequest) -> GivenRequest {
        match self {
            Self::Language(language) => given.language = Some(language.clone()),
            Self::Authority(id) => given.authority = Some(id.clone()),
            Self::Offence(provision) => given.offences.push(GivenOffence {
                provision: provision.clone(),
                ..GivenOffence::default()
            }),
            Self::Suspect(age) => given.persons.push(GivenPerson {
                role: GivenRole::Suspect,
                age: Some(*age),
                nationality: None,
                residence: None,
            }),
        }
        given
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
