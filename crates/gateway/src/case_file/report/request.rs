//! What was asked, by whom and of whom.

use comity::v1;

use super::parts::{Section, moment, name};

/// The request as submitted.
pub(super) fn section(case: &v1::Case) -> Section {
    let mut section = Section::new("request", "The request");
    let Some(request) = &case.request else {
        return section;
    };
    terms(&mut section, request);
    offences(&mut section, request);
    persons(&mut section, request);
    selectors(&mut section, request);
    let facts = request.facts.iter();
    let facts = facts.map(|(fact, value)| vec![fact.clone(), self::value(Some(value))]);
    section.table_under("Facts stated", &["Fact", "Value"], facts);
    if let Some(form) = &request.form {
        section.structure("The instrument's own form", form);
    }
    section
}

fn terms(section: &mut Section, request: &v1::CooperationRequest) {
    let issuing = request.issuing.as_ref();
    let responsible = issuing.and_then(|party| party.responsible.as_ref());
    let responsible = responsible.map(|person| {
        let parts = [&person.name, &person.function, &person.contact];
        let parts: Vec<_> = parts.iter().filter(|part| !part.is_empty()).collect();
        parts
            .iter()
            .map(|part| part.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    });
    let urgency = request.urgency.as_ref().map(|urgency| {
        let level = name(urgency.level().as_str_name(), "URGENCY_LEVEL_");
        match urgency.reason.as_str() {
            "" => level,
            reason => format!("{level}: {reason}"),
        }
    });
    let validation = request.validation.as_ref().map(|given| {
        let at = moment(given.validated_at.as_ref());
        format!("{}, {}, {at}", given.authority, given.authority_kind)
    });
    let assurances: Vec<_> = request
        .assurances
        .iter()
        .map(|given| format!("{}: {}", given.kind, given.text))
        .collect();
    section.terms([
        ("Measure", request.measure.clone()),
        ("Legal basis named", request.instrument.clone()),
        ("Responsible", responsible.unwrap_or_default()),
        ("Purpose", request.purpose.clone()),
        ("Urgency", urgency.unwrap_or_default()),
        ("Language", request.language.clone()),
        ("Validated by", validation.unwrap_or_default()),
        ("Assurances", assurances.join("; ")),
        ("Issued", moment(request.issued_at.as_ref())),
    ]);
}

fn offences(section: &mut Section, request: &v1::CooperationRequest) {
    let rows = request.offences.iter().map(|offence| {
        let months = offence.max_penalty_months.map(|months| months.to_string());
        vec![
            offence.provision.clone(),
            offence.description.clone(),
            offence.category.clone().unwrap_or_default(),
            months.unwrap_or_default(),
        ]
    });
    let columns = ["Provision", "Facts", "Category", "Maximum, months"];
    section.table_under("Offences", &columns, rows);
}

fn persons(section: &mut Section, request: &v1::CooperationRequest) {
    let rows = request.persons.iter().map(|person| {
        vec![
            name(person.role().as_str_name(), "PERSON_ROLE_"),
            person.name.clone(),
            person.date_of_birth.clone(),
            person.nationality.clone(),
            person.residence.clone(),
        ]
    });
    let columns = ["Part", "Name", "Born", "Nationality", "Residence"];
    section.table_under("Persons", &columns, rows);
}

fn selectors(section: &mut Section, request: &v1::CooperationRequest) {
    let rows = request.selectors.iter().map(|selector| {
        vec![
            name(selector.kind().as_str_name(), "SELECTOR_KIND_"),
            selector.value.clone(),
            moment(selector.from.as_ref()),
            moment(selector.until.as_ref()),
        ]
    });
    let heading = "What the measure is aimed at";
    section.table_under(heading, &["Kind", "Value", "From", "Until"], rows);
}

/// The value of a fact, for people.
pub(super) fn value(value: Option<&v1::FactValue>) -> String {
    use v1::fact_value::Value;
    match value.and_then(|value| value.value.as_ref()) {
        None => String::new(),
        Some(Value::Truth(true)) => "yes".to_owned(),
        Some(Value::Truth(false)) => "no".to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Set(set)) => set.values.join(", "),
    }
}
