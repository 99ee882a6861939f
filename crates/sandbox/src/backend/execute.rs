//! Execution of what a register can answer at once.

use comity::v1::{self, CooperationRequest, ResultKind, Selector, SelectorKind};
use serde_json::{Map, Value};
use tonic::Status;

use crate::{
    register::{Found, Register, RegisterError},
    structure,
};

/// Measures that need nobody's hands.
pub(super) const AT_ONCE: [&str; 10] = [
    "data.subscriber",
    "data.user-identification",
    "data.traffic",
    "data.content",
    "bank.account-information",
    "bank.transactions",
    "register.query",
    "register.vehicle",
    "police.information",
    "police.database",
];

/// Executes a request; nothing for measures that take people and time.
pub(super) fn request(
    register: &Register,
    request: &CooperationRequest,
) -> Result<Option<v1::Result>, Status> {
    if !AT_ONCE.contains(&request.measure.as_str()) {
        return Ok(None);
    }
    let mut data = Map::new();
    for selector in &request.selectors {
        let found = answer(register, &request.measure, selector)?
            .map_err(|_| Status::unavailable("the register cannot be read"))?;
        for (key, mut values) in found {
            let entry = data.entry(key).or_insert_with(|| Value::Array(Vec::new()));
            if let Value::Array(list) = entry {
                list.append(&mut values);
            }
        }
    }
    data.retain(|_, values| values.as_array().is_some_and(|values| !values.is_empty()));
    let kind = if data.is_empty() {
        ResultKind::NothingFound
    } else {
        ResultKind::Complete
    };
    Ok(Some(v1::Result {
        kind: kind.into(),
        data: (!data.is_empty()).then(|| structure::from_json(Value::Object(data))),
        ..v1::Result::default()
    }))
}

type Answer = Result<Vec<(String, Vec<Value>)>, RegisterError>;

/// What the register knows under one selector: keyed lists.
fn answer(register: &Register, measure: &str, selector: &Selector) -> Result<Answer, Status> {
    let value = selector.value.as_str();
    let kind = selector.kind();
    Ok(match (measure, kind) {
        (
            "data.subscriber" | "data.user-identification",
            SelectorKind::Phone | SelectorKind::Email | SelectorKind::Ip | SelectorKind::Account,
        ) => persons(register.subscribers(value)),
        ("data.traffic", SelectorKind::Phone | SelectorKind::Account | SelectorKind::Ip) => {
            list("connections", register.connections(value))
        }
        ("data.content", SelectorKind::Email | SelectorKind::Account) => {
            list("items", register.items(value))
        }
        ("bank.account-information", SelectorKind::Name) => {
            list("accounts", register.accounts(value))
        }
        (
            "bank.account-information" | "bank.transactions",
            SelectorKind::Iban | SelectorKind::Account,
        ) => transactions(register, measure, value),
        ("register.vehicle" | "police.database", SelectorKind::Plate) => {
            persons(register.vehicles(value))
        }
        ("register.query" | "police.information" | "police.database", SelectorKind::Name) => {
            persons(register.files(value))
        }
        (measure, kind) => {
            return Err(Status::invalid_argument(format!(
                "`{measure}` cannot be executed on a selector of kind {}",
                kind.as_str_name()
            )));
        }
    })
}

fn transactions(register: &Register, measure: &str, account: &str) -> Answer {
    let mut found = persons(register.holders(account))?;
    if measure == "bank.transactions" {
        found.push(("transactions".to_owned(), register.movements(account)?));
    }
    Ok(found)
}

fn persons(found: Result<Vec<Found>, RegisterError>) -> Answer {
    list(
        "persons",
        found.map(|found| found.iter().map(Found::to_json).collect()),
    )
}

fn list(key: &str, found: Result<Vec<Value>, RegisterError>) -> Answer {
    Ok(vec![(key.to_owned(), found?)])
}
