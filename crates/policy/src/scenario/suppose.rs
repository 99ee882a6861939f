//! What a scenario supposes of the law: other bindings than those on record,
//! to say what would follow from a ratification, an opt-in or a declaration.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{Confidence, InstrumentId, JurisdictionCode};
use jiff::civil::Date;
use serde::Deserialize;

use crate::{Library, diagnostic::suggest, model::Binding};

/// What is supposed, as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenSupposition {
    /// By instrument and State.
    #[serde(default)]
    pub(super) binds: BTreeMap<String, BTreeMap<String, GivenBinding>>,
}

/// What of a binding is other than on record; the rest is as on record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GivenBinding {
    since: Option<String>,
    until: Option<String>,
    languages: Option<Vec<String>>,
    confidence: Option<GivenConfidence>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum GivenConfidence {
    Low,
    Medium,
    High,
}

/// A library with other bindings, and which they are.
pub(super) struct Supposed {
    pub(super) library: Library,
    pub(super) bindings: Vec<(InstrumentId, JurisdictionCode)>,
}

impl GivenSupposition {
    fn is_empty(&self) -> bool {
        self.binds.values().all(BTreeMap::is_empty)
    }
}

/// The library as a scenario supposes it to be; `None` where it takes it as it
/// is. A State that is not bound is bound from `day` on.
///
/// # Errors
/// An instrument or State that the library does not have.
pub(super) fn supposed(
    library: &Library,
    given: &GivenSupposition,
    day: Date,
) -> Result<Option<Supposed>, String> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut model = library.model.clone();
    let mut bindings = Vec::new();
    for (id, states) in &given.binds {
        let known = library.model.instruments.keys();
        let unknown = || {
            let hint = suggest(id, known.clone().map(InstrumentId::as_str));
            let hint = hint.map(|hint| format!(": {hint}"));
            format!(
                "`{id}` is no instrument of the library{}",
                hint.unwrap_or_default()
            )
        };
        let key: InstrumentId = id.parse().map_err(|_| unknown())?;
        let instrument = model.instruments.get_mut(&key).ok_or_else(unknown)?;
        for (code, given) in states {
            let state: JurisdictionCode = code.parse().map_err(|_| no_state(code))?;
            let listed = library.model.vocabulary.types.get("State");
            if !listed.is_some_and(|states| states.contains(code.as_str())) {
                return Err(no_state(code));
            }
            let binding = instrument.binds.entry(state.clone());
            given.put(binding.or_insert_with(|| since(day)))?;
            bindings.push((key.clone(), state));
        }
    }
    let library = Library::of(model, Vec::new()).with_engine(library.engine);
    Ok(Some(Supposed { library, bindings }))
}

fn no_state(code: &str) -> String {
    format!("`{code}` is no State of vocabulary.yaml")
}

fn since(day: Date) -> Binding {
    Binding {
        since: day,
        until: None,
        languages: Vec::new(),
        declarations: Vec::new(),
        confidence: Confidence::High,
        cite: None,
        open: None,
    }
}

impl GivenBinding {
    fn put(&self, binding: &mut Binding) -> Result<(), String> {
        let day = |text: &String| text.parse().map_err(|_| format!("`{text}` is no date"));
        let Self {
            since,
            until,
            languages,
            confidence,
        } = self;
        if let Some(since) = since {
            binding.since = day(since)?;
        }
        if let Some(until) = until {
            binding.until = Some(day(until)?);
        }
        if let Some(languages) = languages {
            binding.languages = languages.iter().map(|l| Arc::from(l.as_str())).collect();
        }
        if let Some(confidence) = confidence {
            binding.confidence = match confidence {
                GivenConfidence::Low => Confidence::Low,
                GivenConfidence::Medium => Confidence::Medium,
                GivenConfidence::High => Confidence::High,
            };
        }
        Ok(())
    }
}
