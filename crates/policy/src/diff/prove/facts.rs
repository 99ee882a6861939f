//! The facts of a case that a solver found.

use std::sync::Arc;

use comity_domain::FactValue;
use serde_json::Value;

use super::question::Question;
use crate::{diff::suspects::Assignment, model::FactType};

/// The facts that the question is about, out of a context in Cedar's JSON form;
/// `None` where one is not of its type.
pub(super) fn assignment(question: &Question<'_>, context: &Value) -> Option<Assignment> {
    let facts = question.facts().into_iter().map(|fact| {
        let mut steps = fact.split('.');
        let found = steps.try_fold(context, |value, step| value.get(step));
        let value = value(question.kind(fact)?, found?)?;
        Some((Arc::clone(fact), value))
    });
    facts.collect()
}

fn value(kind: &FactType, value: &Value) -> Option<FactValue> {
    match kind {
        FactType::Truth => value.as_bool().map(FactValue::Truth),
        FactType::Number => value.as_i64().map(FactValue::Number),
        FactType::Text => value.as_str().map(|text| FactValue::Text(Arc::from(text))),
        FactType::Listed(_) => listed(value).map(FactValue::Text),
        FactType::Day => {
            let day = value.pointer("/__extn/arg").and_then(Value::as_str)?;
            day.get(..10)?.parse().ok().map(FactValue::Day)
        }
        FactType::SetOf(_) => set(value, listed),
        FactType::SetOfText => set(value, |item| item.as_str().map(Arc::from)),
    }
}

fn listed(value: &Value) -> Option<Arc<str>> {
    value.pointer("/__entity/id")?.as_str().map(Arc::from)
}

fn set(value: &Value, item: impl Fn(&Value) -> Option<Arc<str>>) -> Option<FactValue> {
    let items = value.as_array()?.iter().map(item);
    let mut items: Vec<Arc<str>> = items.collect::<Option<_>>()?;
    items.sort();
    items.dedup();
    Some(FactValue::Set(items))
}
