//! From a scenario's request to one that can be decided.

use std::sync::Arc;

use comity_domain::{
    Assurance, AuthorityId, Executing, FactName, FactSource, FactValue, Facts, InvalidId, Issuing,
    JurisdictionCode, MeasureId, Offence, Person, PersonRole, Request, Stated, Urgency, Validation,
};
use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::given::{GivenOffence, GivenPerson, GivenRequest, GivenRole, GivenUrgency};
use crate::{
    FormCheck, Library, Question, facts,
    model::{FactDeclaration, FactType, Instrument, Vocabulary},
    periods,
    resolve::{self, Matter},
};

/// The day on which a scenario plays where it names none.
pub(crate) const DEFAULT_DATE: &str = "2026-11-23";
/// The language of its texts where it names none.
const LANGUAGE: &str = "en";
/// Kinds of authority that issue where a scenario names none, likeliest first.
const USUAL_KINDS: [&str; 4] = ["court", "judge", "investigating-judge", "prosecutor"];
/// Says that a form is taken to be in order.
const PRESUMED: &str = "presumed";
/// Says that a request came without its form.
const MISSING: &str = "missing";
/// An authority of no directory.
const UNLISTED: &str = "unlisted";

/// A request with its form.
pub(crate) struct Given<'a> {
    pub(crate) request: Request,
    form: Form<'a>,
    language: &'a str,
}

/// A form as far as a scenario gives it.
enum Form<'a> {
    Presumed,
    Missing,
    Whole(&'a Value),
    /// Fields stated as facts.
    Excerpt(Value),
}

impl Given<'_> {
    pub(crate) fn question(&self) -> Question<'_> {
        Question {
            request: &self.request,
            form: match &self.form {
                Form::Presumed => FormCheck::Presumed,
                Form::Missing => FormCheck::Missing,
                Form::Whole(form) => FormCheck::Given(form),
                Form::Excerpt(fields) => FormCheck::Excerpt(fields),
            },
            language: self.language,
            now: self.request.issued_at,
            rulings: &[],
        }
    }
}

/// Builds the request of a scenario.
///
/// # Errors
/// What of it has no meaning in this library.
pub(crate) fn build<'a>(library: &Library, given: &'a GivenRequest) -> Result<Given<'a>, String> {
    let said = |error: InvalidId| error.to_string();
    let issuing: JurisdictionCode = given.issuing.parse().map_err(said)?;
    let date = given.day()?;
    let issued_at = noon(library, &issuing, date)?;
    let measure: MeasureId = given.measure.parse().map_err(said)?;
    if !library.measure_exists(&measure) {
        return Err(format!("`{measure}` is no measure of measures.yaml"));
    }
    let mut request = Request {
        id: "scenario".parse().map_err(said)?,
        issuing_authority: issuer(library, given, &issuing, &measure)?,
        issuing: Issuing(issuing),
        executing: Executing(given.executing.parse().map_err(said)?),
        executing_authority: authority(given.executing_authority.as_deref())?,
        instrument: given
            .instrument
            .as_deref()
            .map(str::parse)
            .transpose()
            .map_err(said)?,
        measure: measure.clone(),
        offences: given.offences.iter().map(offence).collect(),
        persons: given
            .persons
            .iter()
            .map(person)
            .collect::<Result<_, _>>()
            .map_err(said)?,
        selectors: Vec::new(),
        urgency: match given.urgency {
            GivenUrgency::Routine => Urgency::Routine,
            GivenUrgency::Urgent => Urgency::Urgent,
            GivenUrgency::Emergency => Urgency::Emergency,
        },
        purpose_stated: true,
        language: None,
        validation: validation(given, issued_at)?,
        assurances: given
            .assurances
            .iter()
            .map(|kind| assurance(kind, issued_at))
            .collect(),
        facts: stated(library, given)?,
        issued_at,
        exercise: false,
        information: Vec::new(),
        source: None,
    };
    let carrier = carrier(library, &request, date);
    let written = given.language.as_deref().map(Arc::from);
    request.language = written.or_else(|| accepted_language(library, &request, carrier));
    let language = given.text_language.as_deref().unwrap_or(LANGUAGE);
    Ok(Given {
        request,
        form: form(library, given, (carrier, &measure))?,
        language,
    })
}

impl GivenRequest {
    /// The day on which it is made.
    ///
    /// # Errors
    /// What is written is no date.
    pub(super) fn day(&self) -> Result<Date, String> {
        let date = self.date.as_deref().unwrap_or(DEFAULT_DATE);
        date.parse().map_err(|_| format!("`{date}` is no date"))
    }
}

/// Noon in the issuing State, so that the day is the same on either side.
fn noon(library: &Library, state: &JurisdictionCode, date: Date) -> Result<Timestamp, String> {
    let zone = periods::time_zone(library.model.calendars.get(state));
    let noon = date.at(12, 0, 0, 0).to_zoned_datetime(zone);
    noon.map(|noon| noon.timestamp())
        .map_err(|error| error.to_string())
}

/// The authority named, else one of the State's directory of the kind named
/// or usual, a competent one first.
fn issuer(
    library: &Library,
    given: &GivenRequest,
    state: &JurisdictionCode,
    measure: &MeasureId,
) -> Result<AuthorityId, String> {
    let directory = library
        .model
        .jurisdictions
        .get(state)
        .map(|state| &state.authorities);
    if let Some(id) = &given.authority {
        return id.parse().map_err(|error: InvalidId| error.to_string());
    }
    let kinds = match given.authority_kind.as_deref() {
        Some(kind) => vec![kind],
        None => USUAL_KINDS.to_vec(),
    };
    let of_measure = library.model.measures.kinds.get(measure);
    let chosen = directory
        .into_iter()
        .flatten()
        .filter_map(|(id, record)| {
            let kind = kinds.iter().position(|kind| *kind == &*record.kind)?;
            let competent = of_measure.is_some_and(|kinds| !record.may_issue.is_disjoint(kinds));
            Some(((!competent, kind), id))
        })
        .min();
    let id = chosen.map_or(UNLISTED, |(_, id)| id);
    id.parse().map_err(|error: InvalidId| error.to_string())
}

fn authority(id: Option<&str>) -> Result<Option<AuthorityId>, String> {
    id.map(str::parse)
        .transpose()
        .map_err(|error: InvalidId| error.to_string())
}

fn offence(given: &GivenOffence) -> Offence {
    Offence {
        provision: Arc::from(given.provision.as_str()),
        category: given.category.as_deref().map(Arc::from),
        iccs: given.iccs.as_deref().map(Arc::from),
        max_penalty_months: given.max_penalty_months,
        life_possible: given.life_possible,
        death_possible: given.death_possible,
    }
}

fn person(given: &GivenPerson) -> Result<Person, InvalidId> {
    let state = |code: &Option<String>| code.as_deref().map(str::parse).transpose();
    Ok(Person {
        role: match given.role {
            GivenRole::Suspect => PersonRole::Suspect,
            GivenRole::Victim => PersonRole::Victim,
            GivenRole::Witness => PersonRole::Witness,
            GivenRole::ThirdParty => PersonRole::ThirdParty,
        },
        age_years: given.age,
        nationality: state(&given.nationality)?,
        residence: state(&given.residence)?,
    })
}

fn validation(given: &GivenRequest, at: Timestamp) -> Result<Option<Validation>, String> {
    let Some(validation) = &given.validation else {
        return Ok(None);
    };
    let id = validation.authority.as_deref().unwrap_or(UNLISTED);
    Ok(authority(Some(id))?.map(|authority| Validation {
        authority,
        authority_kind: Arc::from(validation.kind.as_str()),
        at,
    }))
}

fn assurance(kind: &str, at: Timestamp) -> Assurance {
    Assurance {
        kind: Arc::from(kind),
        at: Some(at),
    }
}

/// Who states a fact of a scenario: whoever can settle it. What a requester
/// would state in the request itself is stated as a human finding, so that it
/// stands also against the rest of the request.
pub(crate) fn stated_by(declaration: &FactDeclaration) -> FactSource {
    match declaration.stated_by {
        FactSource::Requester => FactSource::Judgement,
        other @ (FactSource::Gateway
        | FactSource::Register
        | FactSource::Executing
        | FactSource::Judgement) => other,
    }
}

/// The facts of a scenario, each stated by whoever can settle it.
fn stated(library: &Library, given: &GivenRequest) -> Result<Facts, String> {
    let vocabulary = &library.model.vocabulary;
    let mut facts = Facts::new();
    let of_vocabulary = given.facts.iter().filter(|(name, _)| !is_of_form(name));
    for (name, value) in of_vocabulary {
        let Some((name, declaration)) = vocabulary.facts.get_key_value(name.as_str()) else {
            return Err(format!("`{name}` is no fact of vocabulary.yaml"));
        };
        let source = stated_by(declaration);
        let value = self::value(vocabulary, &declaration.kind, value)
            .map_err(|message| format!("fact `{name}` {message}"))?;
        facts.insert(Arc::clone(name), Stated { value, source });
    }
    if let Some(kind) = &given.authority_kind {
        facts.insert(
            FactName::from("issuing.authority_kind"),
            Stated {
                value: FactValue::Text(Arc::from(kind.as_str())),
                source: FactSource::Register,
            },
        );
    }
    Ok(facts)
}

/// A value of a fact or field as its type has it.
///
/// # Errors
/// What the type demands.
pub(super) fn value(
    vocabulary: &Vocabulary,
    kind: &FactType,
    value: &Value,
) -> Result<FactValue, String> {
    let value = facts::of_json(value).ok_or("is a map: write one value, or a list")?;
    facts::typed(vocabulary, kind, &value)
}

/// A fact that is a field of the instrument's form.
pub(super) fn is_of_form(name: &str) -> bool {
    name.starts_with("form.")
}

/// The form as given, or the fields of it that are stated as facts.
fn form<'a>(
    library: &Library,
    given: &'a GivenRequest,
    (carrier, measure): (Option<&Instrument>, &MeasureId),
) -> Result<Form<'a>, String> {
    let form = carrier.and_then(|carrier| library.model.form(carrier, measure));
    let whole = given.form.as_ref().filter(|form| form.is_object());
    let fields = given.facts.iter().filter(|(name, _)| is_of_form(name));
    let mut excerpt = Value::Null;
    for (name, value) in fields {
        if given.form.as_ref().is_some_and(|form| *form != PRESUMED) {
            return Err(format!("`{name}` stands beside `form`: state it there"));
        }
        let known = form.and_then(|form| form.fields.get(name.as_str()));
        let Some(field) = known else {
            let carrier = carrier.map_or("no instrument", |carrier| carrier.id.as_str());
            return Err(format!("`{name}` is no field of the form of {carrier}"));
        };
        self::value(&library.model.vocabulary, &field.declaration.kind, value)
            .map_err(|message| format!("field `{name}` {message}"))?;
        let steps = name.split('.').skip(1);
        let place = steps.fold(&mut excerpt, |place, step| &mut place[step]);
        *place = value.clone();
    }
    let missing = given.form.as_ref().and_then(Value::as_str) == Some(MISSING);
    Ok(match whole {
        Some(whole) => Form::Whole(whole),
        None if missing => Form::Missing,
        None if excerpt.is_null() => Form::Presumed,
        None => Form::Excerpt(excerpt),
    })
}

/// The instrument that carries the request.
fn carrier<'l>(library: &'l Library, request: &Request, date: Date) -> Option<&'l Instrument> {
    let model = &library.model;
    let matter = Matter::new(model, request, date);
    let named = request.instrument.as_ref();
    let resolution = resolve::resolve(model, &matter, named, LANGUAGE);
    resolution.carrier.ok()
}

/// The first language that the executing State accepts under the instrument
/// that carries the request, else the first of its own.
fn accepted_language(
    library: &Library,
    request: &Request,
    carrier: Option<&Instrument>,
) -> Option<Arc<str>> {
    let executing = &request.executing.0;
    let declared = carrier.and_then(|instrument| instrument.binds.get(executing));
    let own = library.model.jurisdictions.get(executing);
    declared
        .and_then(|binding| binding.languages.first())
        .or_else(|| own?.profile.languages.first())
        .cloned()
}
