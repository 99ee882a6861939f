//! The field of the request that a rule of effect `require` asks for: what requesters
//! are told to supply must be something that they can.

use serde_json::Value;

use crate::diagnostic::{Code, Diagnostic, suggest};

use super::{context::Context, form::resolve, forms::Forms, place::Place};

/// Fields of a request by their paths. Source: `CooperationRequest` of the contract.
const FIELDS: &str = "request_id issuing issuing.jurisdiction issuing.authority issuing.responsible \
    issuing.responsible.name issuing.responsible.function issuing.responsible.contact executing \
    executing.jurisdiction executing.authority instrument measure offences offences[].provision \
    offences[].description offences[].category offences[].iccs offences[].max_penalty_months \
    offences[].life_possible offences[].death_possible persons persons[].role persons[].name \
    persons[].date_of_birth persons[].nationality persons[].residence selectors selectors[].kind \
    selectors[].value selectors[].from selectors[].until urgency urgency.level urgency.reason purpose language \
    validation validation.authority validation.authority_kind validation.validated_at assurances \
    assurances[].kind assurances[].text assurances[].given_by assurances[].given_at facts form issued_at exercise \
    information conditions source_case origin team";

/// What of the field that a rule asks for no request can have.
pub(super) fn check(rule: &Place<'_>, forms: &Forms, context: &Context) -> Option<Diagnostic> {
    let place = rule.at("field");
    let field = place.json()?.as_str()?;
    if let Some(path) = field.strip_prefix("form.") {
        return in_form(&place, path, forms.schemas(rule));
    }
    let known = FIELDS.split(' ');
    if known.clone().any(|known| known == field) {
        return None;
    }
    let facts = &context.vocabulary.as_ref()?.facts;
    let quoted = field
        .strip_prefix("facts[\"")
        .and_then(|rest| rest.strip_suffix("\"]"));
    let names = || facts.keys().map(|name| &**name);
    if let Some(name) = quoted {
        return (!facts.contains_key(name)).then(|| {
            place
                .wrong(Code::UnknownFact, format!("no fact is called `{name}`"))
                .why("not in vocabulary.yaml")
                .remedy_if(suggest(name, names()))
        });
    }
    let bare = field.strip_prefix("facts.").unwrap_or(field);
    let fact = facts.contains_key(bare);
    let remedy = match fact {
        true => Some(format!("write `facts[\"{bare}\"]`")),
        false => suggest(field, known.chain(names())),
    };
    Some(
        place
            .wrong(
                Code::UnknownField,
                format!("no request has a field `{field}`"),
            )
            .why("the requester could not supply it")
            .remedy_if(remedy),
    )
}

/// A field that none of the forms has.
fn in_form(place: &Place<'_>, path: &str, schemas: Option<Vec<&Value>>) -> Option<Diagnostic> {
    let schemas = schemas?;
    let is_there = |root: &&Value| {
        let mut steps = path.split('.').map(|step| step.trim_end_matches("[]"));
        let schema = steps.try_fold(*root, |schema, step| {
            let schema = resolve(schema, root);
            let item = schema.get("items").map(|items| resolve(items, root));
            item.unwrap_or(schema).get("properties")?.get(step)
        });
        schema.is_some()
    };
    (!schemas.iter().any(is_there)).then(|| {
        place
            .wrong(
                Code::UnknownField,
                format!("no form has a field `{path}` here"),
            )
            .why("the requester could not supply it")
            .remedy("name a field of the form that requests meet for which the rule is asked")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_those_of_the_contract() {
        let path = "../../proto/comity/v1/request.proto";
        let contract = std::fs::read_to_string(path).unwrap();
        let (_, rest) = contract.split_once("message CooperationRequest {").unwrap();
        let (request, _) = rest.split_once("\n}").unwrap();
        let lines = request.lines().filter(|line| !line.contains("//"));
        let declared = lines.filter_map(|line| line.split_once(" = ")?.0.split(' ').next_back());
        let own = FIELDS.split_whitespace();
        let own = own.filter(|field| !field.contains('.'));
        assert_eq!(own.collect::<Vec<_>>(), declared.collect::<Vec<_>>());
    }
}
