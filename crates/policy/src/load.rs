//! From the policy folder to the model: read, check against the published
//! schemas, resolve every name, type-check every condition. All mistakes of a
//! folder are reported together.

mod context;
mod deciding;
mod effect;
mod exercise;
mod field;
mod files;
mod form;
mod forms;
mod instrument;
mod jurisdiction;
mod keywords;
mod obligation;
mod place;
mod precedence;
mod provision;
mod raw;
mod readable;
mod restated;
mod rules;
mod schema;
mod vocabulary;

#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use comity_domain::{FactName, InstrumentId, JurisdictionCode, ModuleId};

use crate::{
    diagnostic::{Diagnostic, Report, Source},
    findings::lines,
    lint,
    model::{Instrument, Jurisdiction, Model},
    parallel,
};

use self::{
    context::Context,
    files::{File, Folder},
    forms::Forms,
    rules::Rules,
    schema::Schemas,
};

pub use self::deciding::DecidingFiles;
pub(crate) use self::{
    context::Named, files::Kind, keywords::NAMED, place::Place, provision::is_kind,
    rules::rule_places, schema::Document, vocabulary::EVENT,
};

/// Scenarios beside a module, checked against their schema only.
#[derive(Debug)]
pub(crate) struct TestFile {
    pub(crate) module: ModuleId,
    pub(crate) source: Source,
}

/// A model with the scenarios beside its modules.
pub(crate) type Loaded = (Model, Vec<TestFile>);

/// Reads a policy folder.
///
/// # Errors
/// Every mistake found; a folder with a mistake has no model.
pub(crate) fn load(dir: &Path) -> Result<Loaded, Report> {
    let mut found = Vec::new();
    let folder = Folder::read(dir, &mut found);
    let documents = documents(&folder, &mut found);
    let assembled = assemble(&folder, &documents, found);
    if assembled.found.is_empty() {
        Ok((assembled.model, assembled.tests))
    } else {
        Err(Report::new(assembled.found))
    }
}

/// Reads a policy folder and looks closer at what it means: mistakes, and
/// warnings of what its author can hardly have meant. A folder with a mistake
/// has no model, but as much of it is looked at as could be read.
pub(crate) fn check(dir: &Path) -> (Option<Loaded>, Report) {
    let mut found = Vec::new();
    let folder = Folder::read(dir, &mut found);
    let documents = documents(&folder, &mut found);
    let mut assembled = assemble(&folder, &documents, found);
    let sound = assembled.found.is_empty();
    let subject = lint::Subject::new(&documents, &assembled.model, &assembled.named);
    assembled.found.extend(lint::lint(&subject, sound));
    let loaded = sound.then_some((assembled.model, assembled.tests));
    (loaded, Report::new(assembled.found))
}

/// The files that have a schema, read and checked against it.
fn documents<'a>(folder: &'a Folder, found: &mut Vec<Diagnostic>) -> Vec<Document<'a>> {
    let Some(schemas) = Schemas::compile(folder, found) else {
        return Vec::new();
    };
    let files: Vec<&File> = folder.files().collect();
    let read = parallel::map(&files, |file| {
        let mut found = Vec::new();
        (schemas.check(file, &mut found), found)
    });
    let mut documents = Vec::with_capacity(files.len());
    for (document, mistakes) in read {
        documents.extend(document);
        found.extend(mistakes);
    }
    documents
}

/// What could be made of a folder.
struct Assembled {
    /// Whole only where nothing was found.
    model: Model,
    tests: Vec<TestFile>,
    named: Named,
    found: Vec<Diagnostic>,
}

fn assemble(folder: &Folder, documents: &[Document<'_>], found: Vec<Diagnostic>) -> Assembled {
    let mut context = Context::new(folder, documents, found);
    let mut forms = Forms::new(folder, documents, &mut context);
    let mut rules = Rules::new(folder, documents, (&mut forms, &mut context));
    let (mut instruments, mut jurisdictions) = (BTreeMap::new(), BTreeMap::new());
    let (mut calendars, mut exercises) = (BTreeMap::new(), BTreeMap::new());
    let mut tests = Vec::new();
    for document in documents {
        let place = Place::root(document);
        match document.file.kind {
            Kind::Instrument => instruments.extend(
                instrument::instrument(&place, folder, &mut forms, &mut rules, &mut context)
                    .map(|instrument| (instrument.id.clone(), instrument)),
            ),
            Kind::Jurisdiction => jurisdictions.extend(
                jurisdiction::jurisdiction(&place, documents, folder, &mut rules, &mut context)
                    .map(|jurisdiction| (jurisdiction.code.clone(), jurisdiction)),
            ),
            Kind::Calendar => {
                calendars.extend(vocabulary::calendar(&place, folder, &mut context));
            }
            Kind::Tests => {
                context.unique(&place.at("tests"), "scenario");
                tests.extend(test_file(document));
            }
            Kind::Vocabulary
            | Kind::Measures
            | Kind::Sources
            | Kind::Form
            | Kind::Authorities
            | Kind::Offences
            | Kind::Exercise
            | Kind::Start
            | Kind::Schema => {}
        }
    }
    // They name authorities of every State.
    let told = documents.iter();
    for document in told.filter(|document| document.file.kind == Kind::Exercise) {
        let place = Place::root(document);
        let exercise = exercise::exercise(&place, folder, &jurisdictions, &mut rules, &mut context);
        exercises.extend(exercise.map(|exercise| (Arc::clone(&exercise.name), Arc::new(exercise))));
    }
    let found = &mut context.found;
    found.extend(precedence::cycles(documents, &instruments));
    read_forms(&mut instruments, &jurisdictions);
    let sources = context.source_records();
    let measures = context.measures.unwrap_or_default();
    let national = jurisdictions.values_mut().map(|state| &mut state.module);
    let modules = instruments
        .values_mut()
        .map(|instrument| &mut instrument.module);
    modules
        .chain(national)
        .for_each(|module| module.index(&measures));
    Assembled {
        model: Model {
            sources,
            vocabulary: context.vocabulary.unwrap_or_default(),
            measures,
            instruments,
            jurisdictions,
            calendars,
            exercises,
            near: BTreeMap::new(),
            digest: folder.digest(),
        },
        tests,
        named: context.named,
        found: context.found,
    }
}

/// Notes which fields of the forms are read by a rule.
fn read_forms(
    instruments: &mut BTreeMap<InstrumentId, Instrument>,
    jurisdictions: &BTreeMap<JurisdictionCode, Jurisdiction>,
) {
    let national = || jurisdictions.values().flat_map(|state| &state.module.rules);
    for (id, instrument) in instruments {
        let own = instrument.module.rules.iter();
        let national = national().filter(|rule| rule.only_instrument() == Some(id));
        let facts = own.chain(national).flat_map(lines);
        let facts: BTreeSet<&FactName> = facts.flat_map(|line| &line.facts).collect();
        for form in &mut instrument.forms {
            let read = facts.iter().copied();
            let read = read.filter(|name| form.fields.contains_key(*name));
            form.read = read.cloned().collect();
        }
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
    })
}
