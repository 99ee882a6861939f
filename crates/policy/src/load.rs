//! From the policy folder to the model: read, check against the published
//! schemas, resolve every name, type-check every condition. All mistakes of a
//! folder are reported together.

mod context;
mod files;
mod form;
mod instrument;
mod jurisdiction;
mod raw;
mod rules;
mod schema;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::Path};

use comity_domain::{InstrumentId, JurisdictionCode, ModuleId};

use crate::{
    diagnostic::{Report, Source},
    findings::lines,
    model::{Instrument, Jurisdiction, Model},
};

use self::{
    context::{Context, Place},
    files::{Folder, Kind},
    rules::Rules,
    schema::{Document, Schemas},
};

/// Scenarios beside a module, checked against their schema only.
#[derive(Debug)]
pub(crate) struct TestFile {
    pub(crate) module: ModuleId,
    pub(crate) source: Source,
    /// The file's content as JSON.
    pub(crate) content: serde_json::Value,
}

/// Reads a policy folder.
///
/// # Errors
/// Every mistake found; a folder with a mistake has no model.
pub(crate) fn load(dir: &Path) -> Result<(Model, Vec<TestFile>), Report> {
    let mut found = Vec::new();
    let folder = Folder::read(dir, &mut found);
    let documents: Vec<Document<'_>> = match Schemas::compile(&folder, &mut found) {
        Some(schemas) => folder
            .files()
            .filter_map(|file| schemas.check(file, &mut found))
            .collect(),
        None => return Err(Report::new(found)),
    };
    let mut forms = form::forms(&folder, &mut found);
    let mut context = Context::new(&documents, found);
    let mut rules = Rules::new(&documents, &forms, &mut context);
    let (mut instruments, mut jurisdictions) = (BTreeMap::new(), BTreeMap::new());
    let mut calendars = BTreeMap::new();
    let mut tests = Vec::new();
    for document in &documents {
        let place = Place::root(document);
        match document.file.kind {
            Kind::Instrument => instruments.extend(
                instrument::instrument(&place, &folder, &mut forms, &mut rules, &mut context)
                    .map(|instrument| (instrument.id.clone(), instrument)),
            ),
            Kind::Jurisdiction => jurisdictions.extend(
                jurisdiction::jurisdiction(&place, &documents, &folder, &mut rules, &mut context)
                    .map(|jurisdiction| (jurisdiction.code.clone(), jurisdiction)),
            ),
            Kind::Calendar => {
                calendars.extend(vocabulary::calendar(&place, &mut context));
            }
            Kind::Tests => tests.extend(test_file(document)),
            Kind::Vocabulary
            | Kind::Measures
            | Kind::Sources
            | Kind::Form
            | Kind::Authorities
            | Kind::Offences
            | Kind::Schema => {}
        }
    }
    if !context.found.is_empty() {
        return Err(Report::new(context.found));
    }
    read_forms(&mut instruments, &jurisdictions);
    let measures = context.measures.unwrap_or_default();
    let national = jurisdictions.values_mut().map(|state| &mut state.module);
    let modules = instruments
        .values_mut()
        .map(|instrument| &mut instrument.module);
    modules
        .chain(national)
        .for_each(|module| module.index(&measures));
    let model = Model {
        vocabulary: context.vocabulary.unwrap_or_default(),
        measures,
        instruments,
        jurisdictions,
        calendars,
        digest: folder.digest(),
    };
    Ok((model, tests))
}

/// Notes which fields of the forms are read by a rule.
fn read_forms(
    instruments: &mut BTreeMap<InstrumentId, Instrument>,
    jurisdictions: &BTreeMap<JurisdictionCode, Jurisdiction>,
) {
    let national = || jurisdictions.values().flat_map(|state| &state.module.rules);
    for (id, instrument) in instruments {
        let Some(form) = &mut instrument.form else {
            continue;
        };
        let own = instrument.module.rules.iter();
        let rules = own.chain(national().filter(|rule| rule.instruments.contains(id)));
        let facts = rules.flat_map(lines).flat_map(|line| &line.facts);
        form.read = facts
            .filter(|name| form.fields.contains_key(*name))
            .cloned()
            .collect();
    }
}

fn test_file(document: &Document<'_>) -> Option<TestFile> {
    let file = document.file;
    let module = match file.folder().split_once('/')? {
        ("instruments", id) => format!("instrument/{id}"),
        (_, code) => format!("jurisdiction/{}", code.to_ascii_uppercase()),
    };
    Some(TestFile {
        module: module.parse().ok()?,
        source: file.source.clone(),
        content: document.json.clone(),
    })
}
