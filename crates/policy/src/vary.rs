//! Values on both sides of everything a condition tests: what has to be tried
//! to see all that a rule, or a change of one, can do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{FactName, FactValue};

use crate::model::{Condition, Declarations, FactType, Literals};

/// For each fact the values worth trying; `None` leaves it unknown.
pub(crate) type Domains = BTreeMap<FactName, Vec<Option<FactValue>>>;

/// The values that these lines tell apart: each literal, its neighbours, and
/// one value that no line names. Unknown comes last.
pub(crate) fn domains<'a>(
    declarations: Declarations<'_>,
    lines: impl Iterator<Item = &'a Condition>,
) -> Domains {
    let mut literals: BTreeMap<&FactName, Literals> = BTreeMap::new();
    for line in lines {
        for fact in &line.facts {
            let all = literals.entry(fact).or_default();
            all.numbers.extend(&line.literals.numbers);
            all.texts.extend(line.literals.texts.iter().cloned());
            all.listed.extend(line.literals.listed.iter().cloned());
            all.days.extend(&line.literals.days);
        }
    }
    literals
        .into_iter()
        .filter_map(|(name, literals)| {
            let kind = &declarations.get(name)?.kind;
            let values = values(declarations, kind, &literals);
            let values = values.into_iter().map(Some).chain([None]).collect();
            Some((Arc::clone(name), values))
        })
        .collect()
}

fn values(declarations: Declarations<'_>, kind: &FactType, literals: &Literals) -> Vec<FactValue> {
    match kind {
        FactType::Truth => [true, false].map(FactValue::Truth).to_vec(),
        FactType::Number => {
            let near = |number: &i64| [number.saturating_sub(1), *number, number.saturating_add(1)];
            let mut numbers: BTreeSet<i64> = literals.numbers.iter().flat_map(near).collect();
            if numbers.is_empty() {
                numbers.insert(0);
            }
            numbers.into_iter().map(FactValue::Number).collect()
        }
        FactType::Day => {
            let near =
                |day: &jiff::civil::Date| [day.yesterday().ok(), Some(*day), day.tomorrow().ok()];
            let days: BTreeSet<_> = literals.days.iter().flat_map(near).flatten().collect();
            days.into_iter().map(FactValue::Day).collect()
        }
        FactType::Text => {
            let texts = literals.texts.iter().cloned();
            texts
                .chain([Arc::from("other")])
                .map(FactValue::Text)
                .collect()
        }
        FactType::Listed(name) => listed(declarations, name, literals)
            .map(FactValue::Text)
            .collect(),
        FactType::SetOf(name) => sets(listed(declarations, name, literals).collect()),
        FactType::SetOfText => sets(literals.texts.iter().cloned().collect()),
    }
}

/// The values of a listed type that a line names, and one that none does.
fn listed<'a>(
    declarations: Declarations<'a>,
    name: &'a Arc<str>,
    literals: &'a Literals,
) -> impl Iterator<Item = Arc<str>> + use<'a> {
    let named = |value: &Arc<str>| {
        literals
            .listed
            .contains(&(Arc::clone(name), Arc::clone(value)))
    };
    let all = declarations
        .vocabulary
        .types
        .get(name)
        .into_iter()
        .flatten();
    let other = all.clone().find(|value| !named(value));
    all.filter(move |value| named(value)).chain(other).cloned()
}

/// None of the values, each alone, and all together.
fn sets(values: Vec<Arc<str>>) -> Vec<FactValue> {
    let alone = values.iter().map(|value| vec![Arc::clone(value)]);
    let mut sets: Vec<_> = std::iter::once(Vec::new()).chain(alone).collect();
    if values.len() > 1 {
        sets.push(values);
    }
    sets.into_iter().map(FactValue::Set).collect()
}

/// How many combinations there are; `usize::MAX` if more than can be counted.
pub(crate) fn count(domains: &Domains) -> usize {
    let total = domains
        .values()
        .try_fold(1_usize, |total, values| total.checked_mul(values.len()));
    total.unwrap_or(usize::MAX)
}

/// Every combination of the domains' values; of more than `limit` so many,
/// taken evenly from all of them. As far as all are taken, those that differ in
/// the first fact alone stand together.
pub(crate) fn combinations(
    domains: &Domains,
    limit: usize,
) -> impl Iterator<Item = BTreeMap<&FactName, &FactValue>> {
    let total = count(domains);
    let step = total.div_ceil(limit.max(1)).max(1);
    // Coprime to every small size of a domain: no value is passed over.
    let step = if step == 1 { 1 } else { next_coprime(step) };
    (0..total.min(limit)).map(move |index| {
        let mut rest = index.wrapping_mul(step) % total;
        let mut chosen = BTreeMap::new();
        for (name, values) in domains {
            let value = values.get(rest % values.len().max(1));
            rest /= values.len().max(1);
            if let Some(Some(value)) = value {
                chosen.insert(name, value);
            }
        }
        chosen
    })
}

/// The least number from `from` on that no prime up to 13 divides.
fn next_coprime(from: usize) -> usize {
    let divided = |number: &usize| {
        let mut primes = [2, 3, 5, 7, 11, 13].into_iter();
        primes.any(|prime| number.is_multiple_of(prime))
    };
    (from..).find(|number| !divided(number)).unwrap_or(from)
}
