//! Names: what the files may refer to, and the mistakes found on the way.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{Citation, InstrumentId, JurisdictionCode, Text};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json_path::JsonPath;

use crate::{
    diagnostic::{Code, Diagnostic, add_state, suggest},
    model::{MeasureFilter, Measures, Open, SourceNote, SourceRecord, Vocabulary},
};

use super::{
    files::{Folder, Kind},
    place::Place,
    provision::malformed,
    raw,
    schema::Document,
    vocabulary,
};

/// The listed type whose values are the States that files may name.
const STATES: &str = "State";
/// The listed type whose values stand for all instruments that are of them.
const INSTRUMENT_KINDS: &str = "InstrumentKind";

/// Everything a file may name, as far as its own file could be read. Where
/// that file has mistakes, names in it are taken on trust: its mistakes are
/// reported and nothing is loaded anyway.
pub(super) struct Context {
    pub(super) found: Vec<Diagnostic>,
    pub(super) vocabulary: Option<Vocabulary>,
    pub(super) measures: Option<Measures>,
    sources: Option<BTreeMap<String, raw::Source>>,
    /// Also those whose module is missing or cannot be read.
    instruments: BTreeSet<String>,
    /// Instruments by the kinds that they say they are of.
    kinds: BTreeMap<String, BTreeSet<String>>,
    pub(super) named: Named,
}

/// What of the shared files is used somewhere.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Entries of sources.yaml.
    pub(crate) sources: BTreeSet<String>,
    /// Measures and tags.
    pub(crate) measures: BTreeSet<String>,
}

impl Context {
    pub(super) fn new(folder: &Folder, documents: &[Document<'_>], found: Vec<Diagnostic>) -> Self {
        let modules = || {
            let documents = documents.iter();
            documents.filter(|document| document.file.kind == Kind::Instrument)
        };
        let mut context = Self {
            found,
            vocabulary: None,
            measures: None,
            sources: None,
            instruments: folder
                .modules()
                .filter_map(|module| module.strip_prefix("instruments/"))
                .map(str::to_owned)
                .collect(),
            kinds: kinds(modules()),
            named: Named::default(),
        };
        let of_kind = |kind| documents.iter().find(|d| d.file.kind == kind);
        context.sources = of_kind(Kind::Sources)
            .and_then(|document| context.read::<raw::Sources>(&Place::root(document)))
            .map(|file| file.sources);
        context.measures = of_kind(Kind::Measures)
            .and_then(|document| vocabulary::measures(&Place::root(document), &mut context));
        context.vocabulary = of_kind(Kind::Vocabulary)
            .and_then(|document| vocabulary::vocabulary(&Place::root(document), &mut context));
        context
    }

    /// The value at a place, if its schema accepts it.
    pub(super) fn read<T: DeserializeOwned>(&mut self, place: &Place<'_>) -> Option<T> {
        if !place.document.accepts(&place.pointer) {
            return None;
        }
        self.read_accepted(place)
    }

    /// The value at a place whose parts that matter the schema accepts.
    pub(super) fn read_accepted<T: DeserializeOwned>(&mut self, place: &Place<'_>) -> Option<T> {
        let value = place.document.json.pointer(&place.pointer)?;
        T::deserialize(value)
            .map_err(|error| {
                // The schemas describe less than the loader reads.
                self.found.push(
                    place
                        .wrong(Code::WrongValue, "cannot be read")
                        .why(error.to_string()),
                );
            })
            .ok()
    }

    /// `dir-2014-41 art 11(1)(g)` as a citation.
    pub(super) fn cite(&mut self, place: &Place<'_>, cite: &str) -> Citation {
        let (source, provision) = cite.split_once(' ').unwrap_or((cite, ""));
        let provision = provision.trim();
        if let Some((message, remedy)) = malformed(provision) {
            self.found.push(
                place
                    .wrong(Code::MalformedCitation, message)
                    .why("nobody could look it up")
                    .remedy(remedy),
            );
        }
        self.citation(place, source, provision)
    }

    pub(super) fn cite_if(&mut self, place: &Place<'_>, cite: Option<&String>) -> Option<Citation> {
        cite.map(|cite| self.cite(&place.at("cite"), cite))
    }

    /// A citation of a source as a whole.
    pub(super) fn source(&mut self, place: &Place<'_>, source: &str) -> Citation {
        self.citation(place, source, "")
    }

    /// What the register says of a source besides name and address.
    pub(super) fn standing(&self, source: &str) -> SourceNote {
        let entry = self.sources.as_ref().and_then(|known| known.get(source));
        entry.map_or_else(SourceNote::default, |entry| SourceNote {
            checked: entry.checked.as_ref().and_then(|day| day.parse().ok()),
            note: entry.note.clone().map(words),
        })
    }

    /// All sources as decisions cite them, by their id.
    pub(super) fn source_records(&self) -> BTreeMap<Arc<str>, SourceRecord> {
        let record = |source: &raw::Source| SourceRecord {
            title: words(source.title.clone()),
            url: source.url.as_deref().map(Arc::from),
        };
        let sources = self.sources.iter().flatten();
        sources
            .map(|(id, source)| (Arc::from(id.as_str()), record(source)))
            .collect()
    }

    fn citation(&mut self, place: &Place<'_>, source: &str, provision: &str) -> Citation {
        self.named.sources.insert(source.to_owned());
        let entry = self.sources.as_ref().and_then(|known| known.get(source));
        let (title, url) = entry.map_or((source, None), |entry| {
            let title = entry.title.get("en").map_or(source, String::as_str);
            (title, entry.url.as_deref())
        });
        let citation = Citation {
            source: Arc::from(source),
            provision: Arc::from(provision),
            title: Arc::from(title),
            url: url.map(Arc::from),
        };
        if let Some(known) = &self.sources
            && !known.contains_key(source)
        {
            self.found.push(
                place
                    .wrong(
                        Code::UnknownSource,
                        format!("no source is called `{source}`"),
                    )
                    .why("not in sources.yaml")
                    .remedy_if(suggest(source, known.keys().map(String::as_str)))
                    .remedy_if(Some(format!("add `{source}` to sources.yaml"))),
            );
        }
        citation
    }

    /// Names of measures or tags; a name stands for all it includes.
    pub(super) fn filter(&mut self, place: &Place<'_>, names: &[String]) -> MeasureFilter {
        for (index, name) in names.iter().enumerate() {
            self.measure_kind(&place.at(index), name);
        }
        names.iter().map(|name| Arc::from(name.as_str())).collect()
    }

    /// The name of a measure or tag.
    pub(super) fn measure_kind(&mut self, place: &Place<'_>, name: &str) -> Arc<str> {
        self.named.measures.insert(name.to_owned());
        let unknown = self.measures.as_ref().filter(|measures| {
            let mut kinds = measures.kinds.values();
            !kinds.any(|kinds| kinds.contains(name))
        });
        if let Some(measures) = unknown {
            let known: BTreeSet<&str> = measures.kinds.values().flatten().map(|k| &**k).collect();
            self.found.push(
                place
                    .wrong(
                        Code::UnknownMeasure,
                        format!("no measure or tag is called `{name}`"),
                    )
                    .why("not in measures.yaml")
                    .remedy_if(suggest(name, known)),
            );
        }
        Arc::from(name)
    }

    /// A value of a listed type of the vocabulary.
    pub(super) fn listed(&mut self, place: &Place<'_>, kind: &str, value: &str) -> Arc<str> {
        if let Some(diagnostic) =
            self.not_listed(kind, value, |code, message| place.wrong(code, message))
        {
            self.found.push(diagnostic);
        }
        Arc::from(value)
    }

    /// An event of the vocabulary.
    pub(super) fn event(&mut self, place: &Place<'_>, name: &str) -> Arc<str> {
        self.listed(place, vocabulary::EVENT, name)
    }

    /// A clock can start, or stand still, by this event only if somebody makes it
    /// happen.
    pub(super) fn produced(&mut self, place: &Place<'_>, event: &str) {
        let Some(vocabulary) = &self.vocabulary else {
            return;
        };
        let known = vocabulary.types.get(vocabulary::EVENT);
        let known = known.is_some_and(|events| events.contains(event));
        if known && !vocabulary.produced.contains_key(event) {
            let produced: Vec<&str> = vocabulary.produced.keys().map(|event| &**event).collect();
            self.found.push(
                place
                    .wrong(
                        Code::ClockNeverStarts,
                        format!("nothing produces the event `{event}`"),
                    )
                    .why("the clock would wait for it in vain")
                    .remedy(format!(
                        "say in vocabulary.yaml who produces it (`produced_by`), or name one of: {}",
                        produced.join(", ")
                    )),
            );
        }
    }

    fn not_listed(
        &self,
        kind: &str,
        value: &str,
        wrong: impl FnOnce(Code, String) -> Diagnostic,
    ) -> Option<Diagnostic> {
        let types = &self.vocabulary.as_ref()?.types;
        let Some(values) = types.get(kind) else {
            return Some(
                wrong(
                    Code::UnknownType,
                    format!("the vocabulary has no listed type `{kind}`"),
                )
                .why("this value must be one of it")
                .remedy(format!("add `{kind}` to the types of vocabulary.yaml")),
            );
        };
        (!values.contains(value)).then(|| {
            wrong(
                Code::UnknownValue,
                format!("`{value}` is not a value of `{kind}`"),
            )
            .why("not in vocabulary.yaml")
            .remedy_if((kind == STATES).then(|| add_state(value)))
            .remedy_if(suggest(value, values.iter().map(|value| &**value)))
        })
    }

    /// Ids of the entries of a list are unique in it.
    pub(super) fn unique(&mut self, list: &Place<'_>, noun: &str) {
        let entries = list.json().and_then(|list| list.as_array());
        let mut seen = BTreeSet::new();
        for index in 0..entries.map_or(0, Vec::len) {
            let place = list.at(index).at("id");
            let id = place.json().and_then(|id| id.as_str());
            if let Some(id) = id.filter(|id| !seen.insert(*id)) {
                self.found.push(
                    place
                        .wrong(
                            Code::DuplicateName,
                            format!("a second {noun} is called `{id}`"),
                        )
                        .why(format!("{noun}s are told apart by their ids"))
                        .remedy("choose another"),
                );
            }
        }
    }

    /// A State that is the value at a place.
    pub(super) fn state(&mut self, place: &Place<'_>, code: &str) -> Option<JurisdictionCode> {
        let wrong = self.not_listed(STATES, country(code), |code, message| {
            place.wrong(code, message)
        });
        self.found.extend(wrong);
        code.parse().ok()
    }

    /// A State that is the key at a place.
    pub(super) fn state_key(&mut self, place: &Place<'_>, code: &str) -> Option<JurisdictionCode> {
        let wrong = self.not_listed(STATES, country(code), |code, message| {
            place.wrong_key(code, message)
        });
        self.found.extend(wrong);
        code.parse().ok()
    }

    pub(super) fn states(
        &mut self,
        place: &Place<'_>,
        codes: &[String],
    ) -> BTreeSet<JurisdictionCode> {
        codes
            .iter()
            .enumerate()
            .filter_map(|(index, code)| self.state(&place.at(index), code))
            .collect()
    }

    /// An instrument of the library.
    pub(super) fn instrument(&mut self, place: &Place<'_>, id: &str) -> Option<InstrumentId> {
        if let Some(vocabulary) = &self.vocabulary
            && !self.instruments.contains(id)
        {
            let kinds = vocabulary.types.get(INSTRUMENT_KINDS);
            let kinds = kinds.into_iter().flatten().map(|kind| &**kind);
            let known = self.instruments.iter().map(String::as_str).chain(kinds);
            self.found.push(
                place
                    .wrong(
                        Code::UnknownInstrument,
                        format!("no instrument is called `{id}`"),
                    )
                    .why("not a folder of `instruments`")
                    .remedy_if(suggest(id, known)),
            );
        }
        id.parse().ok()
    }

    pub(super) fn instruments(&mut self, place: &Place<'_>, ids: &[String]) -> Vec<InstrumentId> {
        ids.iter()
            .enumerate()
            .filter_map(|(index, id)| self.instrument(&place.at(index), id))
            .collect()
    }

    /// Names of instruments or of their kinds, as the instruments they stand
    /// for; `None` where nothing is named, which means all.
    pub(super) fn filtered(
        &mut self,
        place: &Place<'_>,
        names: &[String],
    ) -> Option<BTreeSet<InstrumentId>> {
        let mut filter = BTreeSet::new();
        for (index, name) in names.iter().enumerate() {
            if self.is_kind(name) {
                let members = self.kinds.get(name).into_iter().flatten();
                filter.extend(members.filter_map(|id| id.parse().ok()));
            } else {
                filter.extend(self.instrument(&place.at(index), name));
            }
        }
        (!names.is_empty()).then_some(filter)
    }

    /// A path into a document.
    pub(super) fn json_path(
        &mut self,
        place: &Place<'_>,
        code: Code,
        text: &str,
    ) -> Option<JsonPath> {
        // Requests are looked into as the contract writes them, answers as backends do.
        let role = match place.document.file.kind == Kind::Exercise {
            true => "PERSON_ROLE_VICTIM",
            false => "victim",
        };
        let example = format!("$.persons[?(@.role=='{role}')].name");
        JsonPath::parse(text)
            .map_err(|error| {
                self.found.push(
                    place
                        .wrong(code, "not a JSONPath")
                        .why(error.to_string())
                        .remedy(format!("write one as RFC 9535 does, such as `{example}`")),
                );
            })
            .ok()
    }

    /// The vocabulary lists it as a kind of instrument.
    fn is_kind(&self, name: &str) -> bool {
        let vocabulary = self.vocabulary.as_ref();
        let kinds = vocabulary.and_then(|known| known.types.get(INSTRUMENT_KINDS));
        kinds.is_some_and(|kinds| kinds.contains(name))
    }

    /// A kind that an instrument says it is of.
    pub(super) fn instrument_kind(&mut self, place: &Place<'_>, name: &str) -> Arc<str> {
        if self.instruments.contains(name) {
            self.found.push(
                place
                    .wrong(
                        Code::DuplicateName,
                        format!("`{name}` is an instrument, it cannot be a kind too"),
                    )
                    .why("rules name both alike"),
            );
        }
        self.listed(place, INSTRUMENT_KINDS, name)
    }

    /// The dates `since` and `until` of a map; `until` is exclusive.
    pub(super) fn period(
        &mut self,
        place: &Place<'_>,
        since: Option<&String>,
        until: Option<&String>,
    ) -> (Option<Date>, Option<Date>) {
        let day = |text: Option<&String>| text.and_then(|text| text.parse::<Date>().ok());
        let (since, until) = (day(since), day(until));
        if since
            .zip(until)
            .is_some_and(|(since, until)| since >= until)
        {
            self.found.push(
                place
                    .at("until")
                    .wrong(Code::EmptyPeriod, "`until` must lie after `since`")
                    .why("the first day that is no longer covered"),
            );
        }
        (since, until)
    }
}

/// The instruments of each kind.
fn kinds<'a>(
    modules: impl Iterator<Item = &'a Document<'a>>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in modules {
        let named = document
            .json
            .get("kinds")
            .and_then(|named| named.as_array());
        for kind in named.into_iter().flatten().filter_map(|kind| kind.as_str()) {
            let members = kinds.entry(kind.to_owned()).or_default();
            members.insert(document.file.folder_name().to_owned());
        }
    }
    kinds
}

/// The country of a jurisdiction code.
fn country(code: &str) -> &str {
    code.split_once('-').map_or(code, |(country, _)| country)
}

pub(super) fn open(raw: Option<raw::Open>) -> Option<Open> {
    let raw = raw?;
    Some(Open {
        question: words(raw.question),
        checked: raw.checked.parse().ok()?,
    })
}

pub(super) fn words(text: raw::Text) -> Text {
    Text(
        text.into_iter()
            .map(|(language, words)| (Arc::from(language), Arc::from(words)))
            .collect(),
    )
}
