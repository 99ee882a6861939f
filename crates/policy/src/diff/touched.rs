//! From what differs between two libraries to what must be asked of both.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{FactName, InstrumentId, JurisdictionCode, RuleId};
use jiff::{ToSpan, civil::Date};

use super::{AspectChange, Change, ChangeKind, Subject};
use crate::{Library, facts::TREATY, model::Calendar, periods};

/// Where the differences of two libraries may show.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Rules that differ, are new or are gone.
    pub(super) rules: BTreeSet<RuleId>,
    /// Of these, those that say or do something else where they hold.
    pub(super) voices: BTreeSet<RuleId>,
    /// Facts that may be known, presumed or asked for otherwise.
    pub(super) facts: BTreeSet<FactName>,
    /// Instruments that may carry other requests than before.
    pub(super) carriers: BTreeSet<InstrumentId>,
    /// States that one library alone has.
    pub(super) states: BTreeSet<JurisdictionCode>,
    /// A measure is not what it was: all instruments may carry others.
    pub(super) everywhere: bool,
    /// A request that names no instrument may travel on another.
    pub(super) routing: bool,
    /// Days beside the usual one on which a rule is to be asked.
    pub(super) days: BTreeMap<RuleId, BTreeSet<Date>>,
    /// Days on which a State begins or ceases to be bound.
    pub(super) bound: BTreeMap<InstrumentId, BTreeSet<Date>>,
    pub(super) languages: BTreeMap<(InstrumentId, JurisdictionCode), BTreeSet<String>>,
    pub(super) authorities: BTreeMap<JurisdictionCode, BTreeSet<Arc<str>>>,
    pub(super) offences: BTreeMap<JurisdictionCode, BTreeSet<Arc<str>>>,
    /// Ages on both sides of a State's age of criminal responsibility.
    pub(super) ages: BTreeMap<JurisdictionCode, BTreeSet<u8>>,
    /// Days that are free by one side's calendar of a State alone.
    pub(super) holidays: BTreeMap<JurisdictionCode, BTreeSet<Date>>,
}

/// What the days of requests are chosen around.
pub(super) fn touched(changes: &[Change], libraries: [&Library; 2], day: Date) -> Touched {
    let mut touched = Touched::default();
    for change in changes {
        touched.note(change, libraries, day);
    }
    touched
}

impl Touched {
    fn note(&mut self, change: &Change, libraries: [&Library; 2], day: Date) {
        match &change.subject {
            Subject::Rule(rule) => self.rule(rule, change, libraries, day),
            Subject::Instrument(instrument) => {
                self.carrier(instrument);
            }
            Subject::Routes(_) => self.routing = true,
            Subject::Binding(instrument, state) => self.binding((instrument, state), change),
            Subject::State(state) => self.state(state, change, libraries),
            Subject::Fact(fact) => {
                self.facts.insert(Arc::clone(fact));
            }
            Subject::Measure(_) => {
                (self.routing, self.everywhere) = (true, true);
                self.facts(&["measure", "issuing.competent", TREATY]);
            }
            Subject::Authority(state, id) => {
                self.facts(&["issuing.authority_kind", "issuing.competent"]);
                self.authorities
                    .entry(state.clone())
                    .or_default()
                    .insert(Arc::clone(id));
            }
            Subject::Offence(state, provision) => {
                self.facts(&[
                    "dual_criminality",
                    "offence.max_penalty_months",
                    "offence.executing_max_penalty_months",
                    "offence.life_possible",
                    "offence.death_possible",
                ]);
                let provisions = self.offences.entry(state.clone()).or_default();
                provisions.insert(Arc::clone(provision));
            }
            Subject::Calendar(state) => self.calendar(state, libraries, day),
            // A rule, fact or measure that has to do with it differs itself; who reports an
            // event decides no request.
            Subject::Type(_)
            | Subject::Form(..)
            | Subject::Event(_)
            | Subject::Tag(_)
            | Subject::Source(_) => {}
        }
    }

    /// What it carries besides, it also carries in the place of others.
    fn carrier(&mut self, instrument: &InstrumentId) {
        self.routing = true;
        self.carriers.insert(instrument.clone());
        self.facts(&[TREATY]);
    }

    fn rule(&mut self, id: &RuleId, change: &Change, libraries: [&Library; 2], day: Date) {
        /// Where and when a rule is asked, and what it asks.
        const ASKING: [&str; 7] = [
            "when",
            "unless",
            "since",
            "until",
            "instruments",
            "counterparts",
            "measures",
        ];
        let is_asking = |aspect: &AspectChange| ASKING.contains(&aspect.aspect);
        if change.kind != ChangeKind::Altered || !change.aspects.iter().all(is_asking) {
            self.voices.insert(id.clone());
        }
        let mut days = changed_days(change);
        for rule in libraries.into_iter().filter_map(|library| library.rule(id)) {
            // One that is no law on the usual day is asked on its own first day.
            if let Some(since) = rule.rule.since.filter(|since| day < *since) {
                days.insert(since);
            }
            if let Some(until) = rule.rule.until.filter(|until| *until <= day) {
                days.extend(until.yesterday());
            }
        }
        if !days.is_empty() {
            self.days.insert(id.clone(), days);
        }
        self.rules.insert(id.clone());
    }

    fn binding(
        &mut self,
        (instrument, state): (&InstrumentId, &JurisdictionCode),
        change: &Change,
    ) {
        self.carrier(instrument);
        let days = self.bound.entry(instrument.clone()).or_default();
        days.extend(changed_days(change));
        // One that is not bound on one side is answered by that alone.
        if change.kind == ChangeKind::Altered {
            let languages: BTreeSet<String> = values(change, "languages").cloned().collect();
            if !languages.is_empty() {
                self.facts(&["language_accepted"]);
                let key = (instrument.clone(), state.clone());
                self.languages.insert(key, languages);
            }
        }
    }

    fn state(&mut self, state: &JurisdictionCode, change: &Change, libraries: [&Library; 2]) {
        if change.kind != ChangeKind::Altered {
            self.routing = true;
            self.states.insert(state.clone());
        }
        if values(change, "death penalty").next().is_some() {
            self.facts(&[
                "issuing.death_penalty",
                "executing.death_penalty",
                "offence.death_possible",
            ]);
        }
        if values(change, "criminal age").next().is_some() {
            self.facts(&[
                "executing.criminal_age",
                "persons.suspect_below_criminal_age",
            ]);
            let states = libraries.map(|library| library.model.jurisdictions.get(state));
            let ages = states
                .into_iter()
                .flatten()
                .filter_map(|state| state.profile.criminal_age);
            let both_sides = ages.flat_map(|age| [age.saturating_sub(1), age]);
            self.ages
                .entry(state.clone())
                .or_default()
                .extend(both_sides);
        }
    }

    /// When the holidays next fall that one side alone has.
    fn calendar(&mut self, state: &JurisdictionCode, libraries: [&Library; 2], day: Date) {
        /// Every holiday falls once within so many days, or has no fixed place.
        const YEAR: usize = 366;
        let [old, new] = libraries.map(|library| library.model.calendars.get(state));
        let free = |calendar: Option<&Calendar>, day: Date| {
            let holidays = calendar.map_or(&[][..], |calendar| &calendar.holidays);
            holidays
                .iter()
                .any(|holiday| periods::falls_on(*holiday, day))
        };
        let year = day.series(1.day()).take(YEAR);
        let changed = year.filter(|day| free(old, *day) != free(new, *day));
        self.holidays
            .entry(state.clone())
            .or_default()
            .extend(changed);
    }

    fn facts(&mut self, names: &[&str]) {
        self.facts.extend(names.iter().map(|name| Arc::from(*name)));
    }
}

/// The days on both sides of a period's changed ends.
fn changed_days(change: &Change) -> BTreeSet<Date> {
    let ends = values(change, "since").chain(values(change, "until"));
    let ends = ends.filter_map(|day| day.parse::<Date>().ok());
    ends.flat_map(|day| [day.yesterday().ok(), Some(day)])
        .flatten()
        .collect()
}

/// All values of an aspect that one side alone has.
fn values<'a>(change: &'a Change, aspect: &'a str) -> impl Iterator<Item = &'a String> {
    let aspects = change
        .aspects
        .iter()
        .filter(move |change| change.aspect == aspect);
    aspects.flat_map(|change| change.was.iter().chain(&change.is))
}
