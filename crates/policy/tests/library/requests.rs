//! Requests of every sort, drawn from what the library itself holds: States
//! with a module, their authorities, languages and offences, every measure,
//! instrument and fact.

use std::sync::{Arc, LazyLock};

use comity_domain::{
    Assurance, Executing, FactSource, FactValue, Facts, Issuing, JurisdictionCode, Offence, Person,
    PersonRole, Request, Stated, Urgency, Validation,
};
use comity_policy::{FactInfo, FactValues, MeasureInfo};
use proptest::{prelude::*, sample::Index};

use super::LIBRARY;

/// Days before and after what has changed in the law, the usual one most often.
const DAYS: [&str; 6] = [
    "2026-11-23T11:00:00Z",
    "2026-11-23T11:00:00Z",
    "2026-11-23T11:00:00Z",
    "2018-03-01T11:00:00Z",
    "2026-07-01T11:00:00Z",
    "2031-01-01T11:00:00Z",
];
const VALIDATING: [&str; 4] = ["judge", "court", "investigating-judge", "prosecutor"];
const URGENCIES: [Urgency; 3] = [Urgency::Routine, Urgency::Urgent, Urgency::Emergency];
const ROLES: [PersonRole; 4] = [
    PersonRole::Suspect,
    PersonRole::Victim,
    PersonRole::Witness,
    PersonRole::ThirdParty,
];
const SOURCES: [FactSource; 3] = [
    FactSource::Requester,
    FactSource::Executing,
    FactSource::Judgement,
];

static STATES: LazyLock<Vec<JurisdictionCode>> = LazyLock::new(|| {
    let states = LIBRARY.jurisdictions();
    states.map(|state| state.code.clone()).collect()
});
static MEASURES: LazyLock<Vec<MeasureInfo<'static>>> =
    LazyLock::new(|| LIBRARY.measures().collect());
/// Facts that somebody may state.
static FACTS: LazyLock<Vec<FactInfo<'static>>> = LazyLock::new(|| {
    let facts = LIBRARY.facts();
    let by_somebody =
        |fact: &FactInfo<'_>| !matches!(fact.stated_by, FactSource::Gateway | FactSource::Register);
    facts.filter(by_somebody).collect()
});
static ASSURANCES: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| values_of("assurances"));
static CATEGORIES: LazyLock<Vec<Arc<str>>> = LazyLock::new(|| values_of("offence.categories"));

/// The listed values that a fact may have.
fn values_of(fact: &str) -> Vec<Arc<str>> {
    let fact = LIBRARY.facts().find(|info| &**info.name == fact);
    match fact.map(|fact| fact.values) {
        Some(FactValues::OneOf(values) | FactValues::SetOf(values)) => {
            values.iter().cloned().collect()
        }
        _ => Vec::new(),
    }
}

/// What is drawn, before it is looked up in the library; shrinks towards the
/// first of everything and nothing stated.
#[derive(Debug, Clone)]
struct Draw {
    states: [Index; 2],
    measure: (bool, Index),
    instrument: Option<(bool, Index)>,
    authority: Option<Index>,
    validation: Option<Index>,
    offences: Vec<DrawnOffence>,
    persons: Vec<(Index, Option<u8>)>,
    urgency: Index,
    language: Option<Index>,
    assurances: Vec<Index>,
    facts: Vec<DrawnFact>,
    day: Index,
}

#[derive(Debug, Clone)]
struct DrawnOffence {
    provision: Option<Index>,
    category: Option<Index>,
    months: Option<u32>,
    life: Option<bool>,
    death: Option<bool>,
}

#[derive(Debug, Clone)]
struct DrawnFact {
    fact: Index,
    source: Index,
    truth: bool,
    number: i64,
    value: Index,
}

prop_compose! {
    fn offences()(
        provision in any::<Option<Index>>(),
        category in any::<Option<Index>>(),
        months in prop::option::of(0..200_u32),
        life in any::<Option<bool>>(),
        death in any::<Option<bool>>(),
    ) -> DrawnOffence {
        DrawnOffence { provision, category, months, life, death }
    }
}

prop_compose! {
    fn facts()(
        (fact, source, value) in any::<(Index, Index, Index)>(),
        truth in any::<bool>(),
        number in 0..300_i64,
    ) -> DrawnFact {
        DrawnFact { fact, source, truth, number, value }
    }
}

prop_compose! {
    fn draws()(
        (states, measure, instrument, authority, validation) in any::<(
            [Index; 2], (bool, Index), Option<(bool, Index)>, Option<Index>, Option<Index>,
        )>(),
        offences in prop::collection::vec(offences(), 0..3),
        persons in prop::collection::vec((any::<Index>(), prop::option::of(0..90_u8)), 0..3),
        (urgency, language, day) in any::<(Index, Option<Index>, Index)>(),
        assurances in prop::collection::vec(any::<Index>(), 0..2),
        facts in prop::collection::vec(facts(), 0..12),
    ) -> Draw {
        Draw {
            states, measure, instrument, authority, validation, offences, persons, urgency,
            language, assurances, facts, day,
        }
    }
}

/// Requests between two different States of the library.
pub(super) fn requests() -> impl Strategy<Value = Request> {
    draws().prop_map(|draw| draw.request())
}

impl Draw {
    fn request(&self) -> Request {
        let [issuing, executing] = self.between();
        let measure = self.measure();
        let issued_at = self.day.get(&DAYS).parse().unwrap();
        let mut request = Request {
            id: "any".parse().unwrap(),
            issuing_authority: self.authority(&issuing).parse().unwrap(),
            issuing: Issuing(issuing),
            executing: Executing(executing),
            executing_authority: None,
            instrument: None,
            measure: measure.id.clone(),
            offences: Vec::new(),
            persons: self.persons.iter().map(person).collect(),
            selectors: Vec::new(),
            urgency: *self.urgency.get(&URGENCIES),
            purpose_stated: true,
            language: None,
            validation: self.validation.map(|kind| Validation {
                authority: "validating".parse().unwrap(),
                authority_kind: Arc::from(*kind.get(&VALIDATING)),
                at: issued_at,
            }),
            assurances: self.assurances.iter().map(assurance).collect(),
            facts: self.facts.iter().map(fact).collect(),
            issued_at,
            exercise: false,
            information: Vec::new(),
            source: None,
        };
        let state = &request.issuing.0;
        let offences = self.offences.iter();
        request.offences = offences.map(|offence| offence.of(state)).collect();
        request.language = self.language(&request.executing.0);
        request.instrument = self.instrument(&request);
        request
    }

    /// Two different States.
    fn between(&self) -> [JurisdictionCode; 2] {
        let [from, to] = self.states;
        let issuing = from.get(&STATES).clone();
        let others: Vec<_> = STATES.iter().filter(|state| **state != issuing).collect();
        let executing = (*to.get(&others)).clone();
        [issuing, executing]
    }

    /// Any measure, data held by providers more often.
    fn measure(&self) -> MeasureInfo<'static> {
        let (of_data, index) = self.measure;
        let measures: Vec<_> = MEASURES
            .iter()
            .filter(|measure| !of_data || measure.kinds.contains("data"))
            .collect();
        **index.get(&measures)
    }

    /// One that would carry the request, any at all, or none.
    fn instrument(&self, request: &Request) -> Option<comity_domain::InstrumentId> {
        let (fitting, index) = self.instrument?;
        let day = jiff::tz::TimeZone::UTC
            .to_datetime(request.issued_at)
            .date();
        let (issuing, executing) = (&request.issuing.0, &request.executing.0);
        let carriers = LIBRARY.carriers(issuing, executing, &request.measure, day);
        let all: Vec<_> = LIBRARY
            .instruments()
            .map(|instrument| instrument.id)
            .collect();
        let choice = if fitting && !carriers.is_empty() {
            carriers
        } else {
            all
        };
        Some((*index.get(&choice)).clone())
    }

    fn authority(&self, state: &JurisdictionCode) -> String {
        let known: Vec<_> = LIBRARY.authorities(state).collect();
        let listed = self.authority.filter(|_| !known.is_empty());
        listed.map_or_else(
            || "unlisted".to_owned(),
            |index| index.get(&known).id.to_string(),
        )
    }

    fn language(&self, executing: &JurisdictionCode) -> Option<Arc<str>> {
        let index = self.language?;
        let state = LIBRARY
            .jurisdictions()
            .find(|state| state.code == executing)?;
        let mut languages = state.languages.to_vec();
        languages.push(Arc::from("xx"));
        Some(index.get(&languages).clone())
    }
}

impl DrawnOffence {
    fn of(&self, state: &JurisdictionCode) -> Offence {
        let register: Vec<_> = LIBRARY.offences(state).collect();
        let registered = self.provision.filter(|_| !register.is_empty());
        Offence {
            provision: registered.map_or_else(
                || Arc::from("in no register"),
                |index| index.get(&register).provision.clone(),
            ),
            category: self.category.map(|index| index.get(&CATEGORIES).clone()),
            iccs: None,
            max_penalty_months: self.months,
            life_possible: self.life,
            death_possible: self.death,
        }
    }
}

fn person((role, age_years): &(Index, Option<u8>)) -> Person {
    Person {
        role: *role.get(&ROLES),
        age_years: *age_years,
        nationality: None,
        residence: None,
    }
}

fn assurance(index: &Index) -> Assurance {
    Assurance {
        kind: index.get(&ASSURANCES).clone(),
        at: None,
    }
}

/// A fact with a value of its type, said by somebody who may or may not.
fn fact(drawn: &DrawnFact) -> (Arc<str>, Stated) {
    let info = drawn.fact.get(&FACTS);
    let one = |values: &std::collections::BTreeSet<Arc<str>>| {
        let values: Vec<_> = values.iter().cloned().collect();
        drawn.value.get(&values).clone()
    };
    let value = match info.values {
        FactValues::Truth => FactValue::Truth(drawn.truth),
        FactValues::Number => FactValue::Number(drawn.number),
        FactValues::Text => FactValue::Text(Arc::from("en")),
        FactValues::Day => FactValue::Text(Arc::from("2020-02-29")),
        FactValues::OneOf(values) => FactValue::Text(one(values)),
        FactValues::SetOf(values) => FactValue::Set(vec![one(values)]),
        FactValues::SetOfText => FactValue::Set(vec![Arc::from("any")]),
    };
    let source = *drawn.source.get(&SOURCES);
    (Arc::clone(info.name), Stated { value, source })
}

/// Facts with one more, as somebody who may settle it says it.
pub(super) fn stating(request: &Request, name: &str, truth: bool) -> Request {
    let mut facts: Facts = request.facts.clone();
    let stated = Stated {
        value: FactValue::Truth(truth),
        source: FactSource::Judgement,
    };
    facts.insert(Arc::from(name), stated);
    Request {
        facts,
        ..request.clone()
    }
}
