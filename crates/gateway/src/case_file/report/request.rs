//! What was asked, by whom and of whom.

use comity::v1;

use super::html::{Html, instant, name};

/// The request as submitted.
pub(super) fn section(page: &mut Html, case: &v1::Case) {
    let Some(request) = &case.request else { return };
    page.section("request", "The request");
    terms(page, request);
    offences(page, request);
    persons(page, request);
    selectors(page, request);
    facts(page, request);
    if let Some(form) = &request.form {
        page.element("h3", "The instrument's own form");
        page.structure(form);
    }
    page.section_end();
}

fn terms(page: &mut Html, request: &v1::CooperationRequest) {
    let responsible = request
        .issuing
        .as_ref()
        .and_then(|party| party.responsible.as_ref());
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
        let at = given.validated_at.as_ref().map(instant).unwrap_or_default();
        format!("{}, {}, {at}", given.authority, given.authority_kind)
    });
    let assurances: Vec<_> = request
        .assurances
        .iter()
        .map(|given| format!("{}: {}", given.kind, given.text))
        .collect();
    page.terms(&[
        ("Measure", request.measure.clone()),
        ("Legal basis named", request.instrument.clone()),
        ("Responsible", responsible.unwrap_or_default()),
        ("Purpose", request.purpose.clone()),
        ("Urgency", urgency.unwrap_or_default()),
        ("Language", request.language.clone()),
        ("Validated by", validation.unwrap_or_default()),
        ("Assurances", assurances.join("; ")),
        (
            "Issued",
            request.issued_at.as_ref().map(instant).unwrap_or_default(),
        ),
    ]);
}

fn offences(page: &mut Html, request: &v1::CooperationRequest) {
    if request.offences.is_empty() {
        return;
    }
    page.element("h3", "Offences");
    page.table_head(&["Provision", "Facts", "Category", "Maximum, months"]);
    for offence in &request.offences {
        let months = offence.max_penalty_months.map(|months| months.to_string());
        page.row(&[
            offence.provision.clone(),
            offence.description.clone(),
            offence.category.clone().unwrap_or_default(),
            months.unwrap_or_default(),
        ]);
    }
    page.table_foot();
}

fn persons(page: &mut Html, request: &v1::CooperationRequest) {
    if request.persons.is_empty() {
        return;
    }
    page.element("h3", "Persons");
    page.table_head(&["Part", "Name", "Born", "Nationality", "Residence"]);
    for person in &request.persons {
        page.row(&[
            name(person.role().as_str_name(), "PERSON_ROLE_"),
            person.name.clone(),
            person.date_of_birth.clone(),
            person.nationality.clone(),
            person.residence.clone(),
        ]);
    }
    page.table_foot();
}

fn selectors(page: &mut Html, request: &v1::CooperationRequest) {
    if request.selectors.is_empty() {
        return;
    }
    page.element("h3", "What the measure is aimed at");
    page.table_head(&["Kind", "Value", "From", "Until"]);
    for selector in &request.selectors {
        page.row(&[
            name(selector.kind().as_str_name(), "SELECTOR_KIND_"),
            selector.value.clone(),
            selector.from.as_ref().map(instant).unwrap_or_default(),
            selector.until.as_ref().map(instant).unwrap_or_default(),
        ]);
    }
    page.table_foot();
}

fn facts(page: &mut Html, request: &v1::CooperationRequest) {
    if request.facts.is_empty() {
        return;
    }
    page.element("h3", "Facts stated");
    page.table_head(&["Fact", "Value"]);
    for (fact, value) in &request.facts {
        page.row(&[fact.clone(), self::value(Some(value))]);
    }
    page.table_foot();
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
