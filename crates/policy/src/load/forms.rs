//! The forms that instruments prescribe: the schema of each, the measures it is
//! for, and what of them a rule may read.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use crate::{
    condition::Readable,
    diagnostic::{Code, Diagnostic},
    form::{LIFTED, OWN_CALL, REMEDIED},
    model::{Form, MeasureFilter, Measures},
};

use super::{
    context::{Context, words},
    files::{Folder, Kind},
    form::{FormFile, read},
    place::Place,
    raw,
    readable::{Met, readable},
    schema::Document,
};

/// Where forms stand that several instruments prescribe.
const SHARED: &str = "forms";
/// What the schema of an instrument's only form is called.
const USUAL: &str = "form";

/// The forms of every instrument, by the name of its folder.
pub(super) struct Forms {
    of: BTreeMap<String, Prescribed>,
    /// What was put together for rules, by instrument and the forms they meet.
    readable: BTreeMap<(String, BTreeSet<Met>), Arc<Readable>>,
}

/// What one instrument prescribes, in the order of its file.
#[derive(Default)]
pub(super) struct Prescribed {
    pub(super) forms: Vec<Form>,
    /// Schemas of the shared folder among them, by path.
    pub(super) shared: BTreeSet<Arc<str>>,
    include: MeasureFilter,
    exclude: MeasureFilter,
}

impl Forms {
    /// Reads the forms of a library; one with mistakes is left out, and they
    /// are reported.
    pub(super) fn new(folder: &Folder, documents: &[Document<'_>], context: &mut Context) -> Self {
        let mut files = Files::read(folder, context);
        let modules = documents
            .iter()
            .filter(|document| document.file.kind == Kind::Instrument);
        let mut of = BTreeMap::new();
        for document in modules {
            let prescribed = prescribed(&Place::root(document), &mut files, context);
            of.insert(document.file.folder_name().to_owned(), prescribed);
        }
        files.report_unused(documents, &mut context.found);
        Self {
            of,
            readable: BTreeMap::new(),
        }
    }

    /// The forms of one instrument, taken out.
    pub(super) fn take(&mut self, instrument: &str) -> Prescribed {
        self.of.remove(instrument).unwrap_or_default()
    }

    /// What a rule may read: the forms of its instrument, or of the one under
    /// which a national rule is asked.
    pub(super) fn readable(
        &mut self,
        rule: &Place<'_>,
        measures: Option<&Measures>,
    ) -> Option<Arc<Readable>> {
        let instrument = instrument_of(rule)?;
        let prescribed = self.of.get(instrument)?;
        if prescribed.forms.is_empty() {
            return None;
        }
        let met = prescribed.met(rule, measures);
        let key = (instrument.to_owned(), met);
        if let Some(known) = self.readable.get(&key) {
            return Some(Arc::clone(known));
        }
        let made = Arc::new(readable(instrument, &prescribed.forms, &key.1));
        self.readable.insert(key, Arc::clone(&made));
        Some(made)
    }
}

impl Forms {
    /// The schemas of all forms of the instrument under which a rule is asked, or none
    /// where it is asked under several; `None` where one cannot be read.
    pub(super) fn schemas(&self, rule: &Place<'_>) -> Option<Vec<&serde_json::Value>> {
        let Some(instrument) = instrument_of(rule) else {
            return Some(Vec::new());
        };
        let forms = &self.of.get(instrument)?.forms;
        (!forms.is_empty()).then(|| forms.iter().map(|form| &form.content).collect())
    }
}

impl Prescribed {
    /// The forms that requests meet for which a rule is asked.
    fn met(&self, rule: &Place<'_>, measures: Option<&Measures>) -> BTreeSet<Met> {
        let named = rule
            .at("measures")
            .json()
            .and_then(|named| named.as_array());
        let named: Vec<&str> = named
            .into_iter()
            .flatten()
            .filter_map(|name| name.as_str())
            .collect();
        let kinds = measures.into_iter().flat_map(|tree| tree.kinds.values());
        let asked = kinds.filter(|kinds| {
            let carried = !kinds.is_disjoint(&self.include) && kinds.is_disjoint(&self.exclude);
            carried && (named.is_empty() || named.iter().any(|name| kinds.contains(*name)))
        });
        let met: BTreeSet<Met> = asked
            .map(|kinds| self.forms.iter().position(|form| form.is_for(kinds)))
            .collect();
        // Of a rule that is never asked that is what is said.
        match met.is_empty() {
            true => {
                let forms = self.forms.iter().enumerate();
                let of_requests = forms.filter(|(_, form)| form.events.is_empty());
                of_requests.map(|(index, _)| Some(index)).collect()
            }
            false => met,
        }
    }
}

/// The instrument whose forms a rule may read.
fn instrument_of<'a>(rule: &Place<'a>) -> Option<&'a str> {
    let file = rule.document.file;
    if file.kind == Kind::Instrument {
        return Some(file.folder_name());
    }
    match rule.at("instruments").json()?.as_array()?.as_slice() {
        [only] => only.as_str(),
        _ => None,
    }
}

/// The schemas of the folder by their paths.
struct Files {
    read: BTreeMap<Arc<str>, Option<FormFile>>,
    used: BTreeSet<Arc<str>>,
}

impl Files {
    fn read(folder: &Folder, context: &mut Context) -> Self {
        let files = folder.files().filter(|file| file.kind == Kind::Form);
        let read = files.map(|file| {
            let form = read(file, context);
            let form = form.map_err(|mistakes| context.found.extend(mistakes)).ok();
            (Arc::clone(&file.source.path), form)
        });
        Self {
            read: read.collect(),
            used: BTreeSet::new(),
        }
    }

    /// The schema that a module means: one beside it, else a shared one. Inside
    /// is nothing where it cannot be read, which is reported already.
    fn find(&mut self, module: &Place<'_>, name: &str) -> Option<(Arc<str>, Option<FormFile>)> {
        let beside = format!("{}/{name}.schema.json", module.document.file.folder());
        let shared = format!("{SHARED}/{name}.schema.json");
        let found = [beside, shared]
            .iter()
            .find_map(|path| self.read.get_key_value(path.as_str()))?;
        let (path, form) = (Arc::clone(found.0), found.1.clone());
        self.used.insert(Arc::clone(&path));
        Some((path, form))
    }

    /// Schemas that no module names; where a module cannot be read it may be
    /// the one.
    fn report_unused(self, documents: &[Document<'_>], found: &mut Vec<Diagnostic>) {
        let modules = || {
            let modules = documents.iter();
            modules.filter(|document| document.file.kind == Kind::Instrument)
        };
        let legible = |document: &&Document<'_>| {
            ["/form", "/forms"]
                .iter()
                .all(|pointer| document.accepts(pointer))
        };
        for path in self.read.into_keys() {
            let (place, _) = path.rsplit_once('/').unwrap_or_default();
            let beside = modules().find(|document| document.file.folder() == place);
            let may_be_meant = match place {
                SHARED => !modules().all(|document| legible(&document)),
                _ => !beside.as_ref().is_some_and(legible),
            };
            if may_be_meant || self.used.contains(&path) {
                continue;
            }
            found.push(
                Diagnostic::of_file(Code::FormIncomplete, &path, "nothing prescribes this form")
                    .why("no module.yaml names it as its `form` or among its `forms`")
                    .remedy("add `form` with its `cite` and `title` to module.yaml"),
            );
        }
    }
}

/// The forms that a module names, with their schemas.
fn prescribed(module: &Place<'_>, files: &mut Files, context: &mut Context) -> Prescribed {
    let mut prescribed = Prescribed::default();
    if let Some(raw) = optional::<raw::InstrumentMeasures>(&module.at("measures"), context) {
        let excluded = raw.exclude.into_iter().map(|raw| Arc::from(raw.measure));
        prescribed.include = raw.include.into_iter().map(Arc::from).collect();
        prescribed.exclude = excluded.collect();
    }
    let (one, several) = (module.at("form"), module.at("forms"));
    if one.json().is_some() && several.json().is_some() {
        context.found.push(
            several
                .wrong_key(Code::MisplacedKey, "`form` and `forms` stand side by side")
                .why("`form` is short for `forms` with one entry")
                .remedy("put all forms into `forms`"),
        );
    }
    let count = several.json().and_then(|list| list.as_array());
    let count = count.map_or(0, Vec::len);
    let places = std::iter::once(one).chain((0..count).map(|index| several.at(index)));
    for place in places {
        if let Some(raw) = optional::<raw::Form>(&place, context) {
            let form = form(
                module,
                &place,
                raw,
                (files, &mut prescribed.shared),
                context,
            );
            prescribed.forms.extend(form);
        }
    }
    prescribed
}

/// What may stand at a place, if its schema accepts it.
fn optional<T: serde::de::DeserializeOwned>(place: &Place<'_>, context: &mut Context) -> Option<T> {
    place.json()?;
    context.read(place)
}

fn form(
    module: &Place<'_>,
    place: &Place<'_>,
    raw: raw::Form,
    (files, shared): (&mut Files, &mut BTreeSet<Arc<str>>),
    context: &mut Context,
) -> Option<Form> {
    let name = raw.schema.as_deref().unwrap_or(USUAL);
    let cite = context.cite(&place.at("cite"), &raw.cite);
    let measures = context.filter(&place.at("for"), &raw.measures);
    let events = raw.events.iter().enumerate();
    let events = events.map(|(index, name)| context.event(&place.at("events").at(index), name));
    let events: BTreeSet<_> = events.collect();
    let formless = |event: &&Arc<str>| {
        let name = &***event;
        OWN_CALL.contains(&name) || [LIFTED, REMEDIED].contains(&name)
    };
    if raw.required == Some(true)
        && let Some(event) = events.iter().find(formless)
    {
        context.found.push(
            place
                .at("required")
                .wrong_key(
                    Code::MisplacedKey,
                    format!("`required` stands beside `{event}`"),
                )
                .why("that is also told by a call which brings no form, and would be refused")
                .remedy("delete `required`, or name the event in an entry of its own"),
        );
    }
    let Some((path, file)) = files.find(module, name) else {
        context.found.push(
            place
                .wrong_key(Code::FormIncomplete, "the form has no schema")
                .why("requests could not be checked against it")
                .remedy(format!(
                    "put {name}.schema.json beside this file or, if other instruments use it too, \
                     into the folder `{SHARED}`"
                )),
        );
        return None;
    };
    if path.starts_with(SHARED) {
        shared.insert(path);
    }
    let FormFile {
        schema,
        sections,
        fields,
        restated,
        content,
    } = file?;
    if !events.is_empty() && !restated.is_empty() {
        context.found.push(uncompared(place));
    }
    Some(Form {
        name: Arc::from(name),
        schema,
        content,
        cite,
        title: words(raw.title),
        measures,
        // A report can be made without one unless the module says otherwise.
        required: raw.required.unwrap_or(events.is_empty()),
        events,
        sections,
        fields,
        read: BTreeSet::new(),
        restated,
    })
}

/// A form of reports that says what it restates.
fn uncompared(place: &Place<'_>) -> Diagnostic {
    place
        .at("events")
        .wrong_key(
            Code::Restatement,
            "a form of reports restates fields of the request",
        )
        .why("reports are not compared with the request")
        .remedy("take `restates` out of its schema, or `events` out of here")
}
