//! Requests between two States under one instrument, as far as a difference
//! may show in them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{ClockUnit, InstrumentId, JurisdictionCode};
use jiff::{ToSpan, civil::Date};

use super::{Asks, Ground, Occasion, given, reads, variant::Variant};
use crate::{
    Library,
    diff::{
        measures::{self, Alike},
        touched::Touched,
        zip,
    },
    model::{Effect, Instrument, Jurisdiction, Module, Rule},
    resolve::{self, Matter},
};

/// Requests between two States under one instrument.
pub(super) struct Path<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) pair: [&'a JurisdictionCode; 2],
    pub(super) instrument: &'a InstrumentId,
}

impl Path<'_> {
    pub(super) fn occasions(&self, occasions: &mut Vec<Arc<Occasion>>) {
        let rules = self.touched_rules();
        let variants = self.variants();
        let in_itself = self.is_touched();
        if !self.is_concerned(in_itself || !rules.is_empty() || !variants.is_empty()) {
            return;
        }
        let libraries = self.ground.libraries;
        let days = self.days(&rules);
        let mentioned = measures::mentioned(libraries, self.pair, self.instrument);
        for measures in measures::alike(libraries, &mentioned) {
            for (day, asks) in &days {
                let of_measure = |matters: &[Matter<'_>; 2]| {
                    let is_for = |rule: &&&Rule| {
                        let mut matters = matters.iter();
                        rule.measures.is_empty()
                            || matters.any(|matter| matter.is_among(&rule.measures))
                    };
                    rules.iter().filter(is_for).count()
                };
                let Some((asks, rules)) = self.asks(&measures, (*day, *asks), of_measure) else {
                    continue;
                };
                let usual = *day == self.ground.day;
                // The request itself may be decided otherwise.
                let plainly = asks == Asks::All && rules == 0 && in_itself;
                let asks = if plainly { Asks::Plainly } else { asks };
                if asks != Asks::Plainly && rules == 0 && (!usual || variants.is_empty()) {
                    continue;
                }
                let plain = given(self.pair, Some(self.instrument), &measures, *day);
                let varied = variants.iter().filter(|_| usual);
                let varied: Vec<_> = varied.map(|vary| vary.apply(plain.clone())).collect();
                occasions.extend([plain].into_iter().chain(varied).map(|given| {
                    Arc::new(Occasion {
                        given,
                        measures: measures.clone(),
                        asks,
                        rules,
                    })
                }));
            }
        }
    }

    /// Whether a request may be decided otherwise whatever the rules say of it.
    fn is_touched(&self) -> bool {
        let touched = self.ground.touched;
        let mut states = self.pair.into_iter();
        touched.everywhere
            || touched.carriers.contains(self.instrument)
            || states
                .any(|state| touched.states.contains(state) || touched.holidays.contains_key(state))
    }

    /// Whether what may differ differs under the instrument.
    fn is_concerned(&self, differs: bool) -> bool {
        let mut instruments = self.instruments().into_iter().flatten();
        differs && instruments.any(|instrument| self.binds_both(instrument))
    }

    /// What is to be told apart on a day; `None` where nothing can differ.
    fn asks(
        &self,
        measures: &Alike,
        (day, asks): (Date, Asks),
        rules: impl Fn(&[Matter<'_>; 2]) -> usize,
    ) -> Option<(Asks, usize)> {
        let measure = measures.first()?;
        let libraries = self.ground.libraries;
        let matters =
            libraries.map(|library| Matter::between(&library.model, self.pair, measure, day));
        let carries = zip(self.instruments(), matters.each_ref()).map(|(instrument, matter)| {
            instrument.is_some_and(|found| resolve::carries(found, matter))
        });
        let known = |library: &Library| self.pair.into_iter().all(|state| library.knows(state));
        match carries {
            [false, false] => None,
            [true, true] if libraries.into_iter().all(known) => Some((asks, rules(&matters))),
            _ => Some((Asks::Plainly, 0)),
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
        let here = all.filter(|rule| rule.is_under(self.instrument));
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
        let own = [self.instrument].into_iter();
        let bound = own
            .chain(self.replacing())
            .filter_map(|id| touched.bound.get(id));
        let bound = bound.flatten();
        let mut days: BTreeMap<Date, Asks> = bound.map(|day| (*day, Asks::Plainly)).collect();
        for holiday in self
            .pair
            .iter()
            .filter_map(|state| touched.holidays.get(state))
            .flatten()
        {
            for (in_months, length) in self.lengths() {
                let length = i64::from(length);
                let length = match in_months {
                    true => length.months(),
                    false => length.days(),
                };
                let before = holiday.checked_sub(length).ok();
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

    /// The instruments that take its place where they carry a request, in either library.
    fn replacing(&self) -> impl Iterator<Item = &InstrumentId> {
        let libraries = self.ground.libraries.into_iter();
        let all = libraries.flat_map(|library| library.model.instruments.values());
        let replacing = all.filter(|other| resolve::prevails(other, self.instrument).is_some());
        replacing.map(|other| &other.id)
    }

    /// Lengths of the time limits that may run, each in months or in days.
    fn lengths(&self) -> BTreeSet<(bool, u32)> {
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
                Effect::Clock(clock) if clock.unit == ClockUnit::Open => None,
                Effect::Clock(clock) => Some((clock.unit == ClockUnit::Months, clock.length)),
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
