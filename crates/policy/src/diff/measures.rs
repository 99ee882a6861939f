//! Measures that no rule in play tells apart: one of them stands for all.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{InstrumentId, JurisdictionCode, MeasureId};

use crate::{
    Library,
    findings::lines,
    model::{Condition, Instrument, Jurisdiction, MeasureFilter, Rule},
};

/// Measures treated alike, the one that stands for them first.
pub(super) type Alike = Vec<MeasureId>;

/// The names of measures and tags that something in play mentions.
pub(super) type Mentioned<'a> = BTreeSet<&'a str>;

/// The names mentioned by the modules of two States and an instrument.
pub(super) fn mentioned<'a>(
    libraries: [&'a Library; 2],
    states: [&JurisdictionCode; 2],
    instrument: &InstrumentId,
) -> Mentioned<'a> {
    let mut names = Mentioned::new();
    for library in libraries {
        let model = &library.model;
        for state in states
            .into_iter()
            .filter_map(|code| model.jurisdictions.get(code))
        {
            of_state(state, instrument, &mut names);
        }
        if let Some(instrument) = model.instruments.get(instrument) {
            of_scope(instrument, &mut names);
            instrument
                .module
                .rules
                .iter()
                .for_each(|rule| of_rule(rule, &mut names));
        }
    }
    names
}

/// The names by which instruments and routes are chosen.
pub(super) fn deciding_carriers<'a>(libraries: [&'a Library; 2]) -> Mentioned<'a> {
    let mut names = Mentioned::new();
    for library in libraries {
        library
            .model
            .instruments
            .values()
            .for_each(|found| of_scope(found, &mut names));
        let states = library.model.jurisdictions.values();
        let routes = states.flat_map(|state| &state.routes);
        routes.for_each(|route| of_filter(&route.measures, &mut names));
    }
    names
}

/// All measures of both libraries, gathered by what is mentioned of them.
pub(super) fn alike(libraries: [&Library; 2], mentioned: &Mentioned<'_>) -> Vec<Alike> {
    let trees = libraries.map(|library| &library.model.measures.kinds);
    let all: BTreeSet<&MeasureId> = trees.into_iter().flat_map(BTreeMap::keys).collect();
    let mut classes: BTreeMap<_, Alike> = BTreeMap::new();
    for measure in &all {
        let seen = trees.map(|tree| {
            let kinds = tree.get(*measure)?;
            let seen = kinds.iter().map(|kind| &**kind);
            let seen: Vec<&str> = seen.filter(|kind| mentioned.contains(kind)).collect();
            // A line may ask for exactly these kinds.
            let nothing_else = seen.len() == kinds.len();
            Some((seen, nothing_else))
        });
        classes.entry(seen).or_default().push((*measure).clone());
    }
    let mut classes: Vec<Alike> = classes.into_values().collect();
    for class in &mut classes {
        let is_group = |measure: &MeasureId| {
            let below = format!("{measure}.");
            all.iter().any(|other| other.as_str().starts_with(&below))
        };
        // People ask for a measure, seldom for a group of them.
        class.sort_by_key(is_group);
    }
    classes.sort();
    classes
}

fn of_state<'a>(state: &'a Jurisdiction, instrument: &InstrumentId, names: &mut Mentioned<'a>) {
    let rules = state.module.rules.iter();
    let asked = rules.filter(|rule| rule.is_under(instrument));
    asked.for_each(|rule| of_rule(rule, names));
    for record in state.authorities.values() {
        of_filter(&record.may_issue, names);
    }
}

fn of_scope<'a>(instrument: &'a Instrument, names: &mut Mentioned<'a>) {
    of_filter(&instrument.include, names);
    names.extend(instrument.exclude.iter().map(|excluded| &*excluded.measure));
    for form in &instrument.forms {
        of_filter(&form.measures, names);
    }
}

fn of_rule<'a>(rule: &'a Rule, names: &mut Mentioned<'a>) {
    of_filter(&rule.measures, names);
    let literals = lines(rule).flat_map(|line: &Condition| &line.literals.listed);
    let measures = literals.filter(|(kind, _)| **kind == *"Measure");
    names.extend(measures.map(|(_, name)| &**name));
}

fn of_filter<'a>(filter: &'a MeasureFilter, names: &mut Mentioned<'a>) {
    names.extend(filter.iter().map(|name: &Arc<str>| &**name));
}
