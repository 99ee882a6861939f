//! States, measures, facts and values by the names that readers know.

use std::sync::Arc;

use comity_domain::{FactName, JurisdictionCode, MeasureId};

use crate::{
    model::{Declarations, FactDeclaration},
    reader::Reader,
};

/// Names for one reader.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) reader: Reader<'a>,
    /// `None` where no instrument says what may be tested.
    pub(crate) declarations: Option<Declarations<'a>>,
}

impl<'a> Names<'a> {
    /// A State by its name, where the library has a module of it.
    pub(crate) fn state(&self, code: &JurisdictionCode) -> Arc<str> {
        let state = self.reader.model.jurisdictions.get(code);
        state.map_or_else(
            || Arc::from(code.as_str()),
            |state| self.reader.words(&state.module.title),
        )
    }

    /// A measure or tag by its title, else by its id.
    pub(crate) fn measure(&self, id: &str) -> String {
        let titles = &self.reader.model.measures.titles;
        let title = id.parse::<MeasureId>().ok();
        let title = title.and_then(|id| titles.get(&id));
        title.map_or_else(
            || format!("`{id}`"),
            |title| self.reader.words(title).to_string(),
        )
    }

    pub(crate) fn declaration(&self, name: &FactName) -> Option<&'a FactDeclaration> {
        self.declarations?.get(name)
    }

    /// A fact by its title in quotation marks.
    pub(crate) fn fact(&self, name: &FactName) -> String {
        let declaration = self.declaration(name);
        declaration.map_or_else(
            || format!("`{name}`"),
            |fact| self.reader.tongue().quoted(&self.reader.words(&fact.title)),
        )
    }

    /// A value of a listed type; texts stand between backticks.
    pub(crate) fn listed(&self, kind: &str, value: &str) -> String {
        let state = || {
            let code = value.parse().ok()?;
            let known = self.reader.model.jurisdictions.contains_key(&code);
            known.then(|| self.state(&code).to_string())
        };
        match kind {
            "Measure" => self.measure(value),
            "State" => state().unwrap_or_else(|| format!("`{value}`")),
            _ => format!("`{value}`"),
        }
    }
}
