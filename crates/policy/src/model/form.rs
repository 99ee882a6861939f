//! Instruments' own forms.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{Citation, FactName, Text};

use super::{FactDeclaration, Instrument, MeasureFilter, Restatement, Rule};

impl Instrument {
    /// The form that has all fields of forms which a rule reads.
    pub(crate) fn form_read_by(&self, rule: &Rule) -> Option<&Form> {
        let lines = || rule.when.iter().chain(&rule.unless);
        let has_all = |form: &&Form| {
            if !form.events.is_empty() {
                return false;
            }
            let facts = lines().flat_map(|line| &line.facts);
            let mut read = facts.filter(|name| name.starts_with("form."));
            read.all(|name| form.fields.contains_key(name))
        };
        self.forms.iter().find(has_all)
    }
}

/// An instrument's own form.
#[derive(Debug, Clone)]
pub(crate) struct Form {
    /// Name of its schema.
    pub(crate) name: Arc<str>,
    pub(crate) schema: jsonschema::Validator,
    /// The schema as written.
    pub(crate) content: serde_json::Value,
    pub(crate) cite: Citation,
    pub(crate) title: Text,
    /// What it is for; empty: every measure.
    pub(crate) measures: MeasureFilter,
    /// What it is a report of; empty: it is the form of a request.
    pub(crate) events: BTreeSet<Arc<str>>,
    /// No request goes without it, or, of a form of reports, no report.
    pub(crate) required: bool,
    /// Its parts, in the order of the form.
    pub(crate) sections: Vec<FormSection>,
    pub(crate) fields: FormFields,
    /// Those fields that a rule of the library reads.
    pub(crate) read: BTreeSet<FactName>,
    /// Fields that say again what the request says.
    pub(crate) restated: Vec<Restatement>,
}

impl Form {
    /// Requests for a measure of these kinds are made on it.
    pub(crate) fn is_for(&self, kinds: &BTreeSet<Arc<str>>) -> bool {
        self.events.is_empty() && self.concerns(kinds)
    }

    /// An event is reported on it in a case of a measure of these kinds.
    pub(crate) fn reports(&self, event: &str, kinds: &BTreeSet<Arc<str>>) -> bool {
        self.events.contains(event) && self.concerns(kinds)
    }

    fn concerns(&self, kinds: &BTreeSet<Arc<str>>) -> bool {
        self.measures.is_empty() || !self.measures.is_disjoint(kinds)
    }
}

/// One part of a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormSection {
    /// As the form heads it.
    pub(crate) title: Arc<str>,
    /// No form is complete without it.
    pub(crate) required: bool,
}

/// Fields of a form that rules may test, as facts called `form.<path>`.
pub(crate) type FormFields = BTreeMap<FactName, FormField>;

/// One field of a form.
#[derive(Debug, Clone)]
pub(crate) struct FormField {
    pub(crate) declaration: FactDeclaration,
    /// Its values, or those of its items, where the form lists them.
    pub(crate) options: BTreeSet<Arc<str>>,
}
