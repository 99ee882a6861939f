//! A closer look at a library: what loads, but can hardly be what its author
//! meant. Each lint is silent where it cannot tell.

mod bindings;
mod calendars;
mod citations;
mod cut;
mod filters;
mod forms;
mod gaps;
mod idle;
mod meeting;
mod scenarios;
mod search;
mod shadow;
mod structure;
mod texts;
mod time;
mod truth;
mod unused;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::{InstrumentId, JurisdictionCode, MeasureId, RuleId};
use serde_json::Value;

use crate::{
    diagnostic::Diagnostic,
    evaluate::Terms,
    load::{Document, Kind, Named, Place, rule_places},
    model::{Declarations, Instrument, Jurisdiction, Model, Module, Rule},
};

/// Looks at everything; in a library that has mistakes, only at what can be
/// told of each rule by itself.
pub(crate) fn lint(subject: &Subject<'_>, sound: bool) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let each_by_itself = [
        texts::lint,
        truth::lint,
        filters::lint,
        bindings::lint,
        forms::lint,
        cut::lint,
    ];
    let all_together = [
        time::lint,
        unused::lint,
        shadow::lint,
        scenarios::lint,
        calendars::lint,
        words::lint,
        citations::lint,
        gaps::lint,
        idle::lint,
    ];
    for lint in each_by_itself {
        lint(subject, &mut found);
    }
    for lint in all_together.into_iter().filter(|_| sound) {
        lint(subject, &mut found);
    }
    found
}

/// The library as the lints see it.
pub(crate) struct Subject<'a> {
    documents: &'a [Document<'a>],
    model: &'a Model,
    named: &'a Named,
    terms: Terms,
    /// Where each rule stands.
    places: BTreeMap<&'a str, Place<'a>>,
    /// The measures that each instrument carries.
    carried: BTreeMap<&'a InstrumentId, BTreeSet<&'a MeasureId>>,
}

/// A rule with the module it is part of.
#[derive(Clone, Copy)]
struct Law<'a> {
    home: Home<'a>,
    rule: &'a Rule,
}

/// Whose rule it is.
#[derive(Clone, Copy)]
enum Home<'a> {
    Instrument(&'a Instrument),
    State(&'a Jurisdiction),
}

impl<'a> Subject<'a> {
    pub(crate) fn new(documents: &'a [Document<'a>], model: &'a Model, named: &'a Named) -> Self {
        let modules = documents
            .iter()
            .filter(|document| matches!(document.file.kind, Kind::Instrument | Kind::Jurisdiction));
        let places = modules.flat_map(rule_places).filter_map(|place| {
            let id = place.at("id").json()?.as_str()?;
            Some((id, place))
        });
        Self {
            documents,
            model,
            named,
            terms: Terms::new(&model.vocabulary),
            places: places.collect(),
            carried: model
                .instruments
                .values()
                .map(|instrument| (&instrument.id, carried(model, instrument)))
                .collect(),
        }
    }

    /// Every rule, in the order of modules and files.
    fn laws(&self) -> impl Iterator<Item = Law<'a>> + use<'a> {
        let model = self.model;
        let instruments = model.instruments.values().map(Home::Instrument);
        let states = model.jurisdictions.values().map(Home::State);
        instruments.chain(states).flat_map(|home| {
            let rules = home.module().rules.iter();
            rules.map(move |rule| Law { home, rule })
        })
    }

    /// Where a rule stands.
    fn place(&self, rule: &RuleId) -> Option<&Place<'a>> {
        self.places.get(rule.as_str())
    }

    /// The one file of a kind.
    fn file(&self, kind: Kind) -> Option<Place<'a>> {
        let mut documents = self.documents.iter();
        let document = documents.find(|document| document.file.kind == kind)?;
        Some(Place::root(document))
    }

    /// The file of a module.
    fn module(&self, home: Home<'_>) -> Option<Place<'a>> {
        let path = match home {
            Home::Instrument(instrument) => format!("instruments/{}/module.yaml", instrument.id),
            Home::State(state) => {
                let folder = state.code.as_str().to_ascii_lowercase();
                format!("jurisdictions/{folder}/module.yaml")
            }
        };
        let mut documents = self.documents.iter();
        let document = documents.find(|document| *document.file.source.path == *path)?;
        Some(Place::root(document))
    }
}

/// Every value of a file that is no list or map.
fn leaves<'a>(document: &'a Document<'a>) -> Vec<Place<'a>> {
    let mut found = Vec::new();
    let mut left = vec![Place::root(document)];
    while let Some(place) = left.pop() {
        match place.json() {
            Some(Value::Object(fields)) => left.extend(fields.keys().map(|key| place.at(key))),
            Some(Value::Array(items)) => left.extend((0..items.len()).map(|at| place.at(at))),
            Some(_) => found.push(place),
            None => {}
        }
    }
    found
}

/// The measures that an instrument carries.
fn carried<'a>(model: &'a Model, instrument: &Instrument) -> BTreeSet<&'a MeasureId> {
    let all = model.measures.kinds.iter();
    all.filter(|(_, kinds)| {
        let excluded = instrument
            .exclude
            .iter()
            .any(|excluded| kinds.contains(&excluded.measure));
        !excluded && !kinds.is_disjoint(&instrument.include)
    })
    .map(|(measure, _)| measure)
    .collect()
}

impl<'a> Home<'a> {
    fn module(self) -> &'a Module {
        match self {
            Self::Instrument(instrument) => &instrument.module,
            Self::State(state) => &state.module,
        }
    }

    /// The State whose rules they are.
    fn state(self) -> Option<&'a JurisdictionCode> {
        match self {
            Self::Instrument(_) => None,
            Self::State(state) => Some(&state.code),
        }
    }
}

impl<'a> Law<'a> {
    /// What its lines may read.
    fn declarations(self, model: &'a Model) -> Declarations<'a> {
        let instrument = match self.home {
            Home::Instrument(instrument) => Some(instrument),
            Home::State(_) => {
                let only = self.rule.only_instrument();
                only.and_then(|id| model.instruments.get(id))
            }
        };
        Declarations {
            vocabulary: &model.vocabulary,
            form: instrument.and_then(|instrument| instrument.form_read_by(self.rule)),
        }
    }
}
