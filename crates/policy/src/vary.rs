//! Values on both sides of everything a condition tests: what has to be tried
//! to see all that a rule, or a change of one, can do.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{FactName, FactValue};

use crate::{
    condition::Lowered,
    model::{Condition, Declarations, FactType, Literals},
};

/// Functions that reckon with days: a result may lie far from any literal.
const RECKONING: [&str; 4] = [".offset(", ".durationSince(", ".toDate(", ".toTime("];

/// How many sets there are of two values.
const SETS_OF_TWO: usize = 4;

/// For each fact the values worth trying; `None` leaves it unknown.
pub(crate) type Domains = BTreeMap<FactName, Vec<Option<FactValue>>>;

/// What somebody states of some facts; what is not there is left unsaid.
pub(crate) type Stated = BTreeMap<FactName, FactValue>;

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

/// Whether what these lines tell apart is told apart by the values of [`domains`] already.
pub(crate) fn tell_all(declarations: Declarations<'_>, lines: &[&Condition]) -> bool {
    let domains = domains(declarations, lines.iter().copied());
    let mut facts = lines.iter().flat_map(|line| &line.facts);
    lines.iter().all(|line| is_plain(line))
        && facts.all(|fact| {
            let values = domains.get(fact).into_iter().flatten().flatten();
            match declarations.get(fact).map(|fact| &fact.kind) {
                Some(FactType::SetOf(_)) => values.count() <= SETS_OF_TWO,
                Some(FactType::SetOfText) | None => false,
                Some(
                    FactType::Truth
                    | FactType::Number
                    | FactType::Text
                    | FactType::Day
                    | FactType::Listed(_),
                ) => values.count() > 0,
            }
        })
}

/// Every value that matters lies at a literal: no fact is reckoned with or
/// compared with another.
pub(crate) fn is_plain(line: &Condition) -> bool {
    match &line.lowered {
        Some(lowered) => compares_with_values(lowered),
        None => !RECKONING
            .iter()
            .any(|function| line.text.contains(function)),
    }
}

fn compares_with_values(lowered: &Lowered) -> bool {
    let both = |operands: &[Lowered; 2]| operands.iter().all(compares_with_values);
    // A fact compares with itself alike whatever it is.
    let facts = |operands: &[Lowered; 2]| match operands {
        [Lowered::Fact(one), Lowered::Fact(other)] => one != other,
        _ => false,
    };
    match lowered {
        Lowered::Fact(_) | Lowered::Value(_) => true,
        Lowered::Not(operand) | Lowered::IsEmpty(operand) => compares_with_values(operand),
        Lowered::And(operands) | Lowered::Or(operands) => both(operands),
        Lowered::If(operands) => operands.iter().all(compares_with_values),
        Lowered::Compare(_, operands)
        | Lowered::Contains(operands)
        | Lowered::ContainsAll(operands)
        | Lowered::ContainsAny(operands) => both(operands) && !facts(operands),
        Lowered::Calculate(..) => false,
    }
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

/// None of the values, each alone, and all together: of two values at most that is every
/// set of them.
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

/// Combinations of the domains' values, those first that differ from the usual
/// ones in the fewest facts; at most `limit`.
pub(crate) fn nearest(domains: &Domains, usual: &Stated, limit: usize) -> Vec<Stated> {
    let usual: Stated = usual
        .iter()
        .filter(|(fact, _)| domains.contains_key(*fact))
        .map(|(fact, value)| (Arc::clone(fact), value.clone()))
        .collect();
    // Each with the place of the first fact that may still be varied, so that
    // none comes twice.
    let mut found = vec![(0, usual.clone())];
    let mut at = 0;
    while let Some((from, stated)) = found.get(at).cloned()
        && found.len() < limit
    {
        for (place, (fact, values)) in domains.iter().enumerate().skip(from) {
            let others = values.iter();
            for value in others.filter(|value| value.as_ref() != usual.get(fact)) {
                let mut other = stated.clone();
                match value {
                    Some(value) => other.insert(Arc::clone(fact), value.clone()),
                    None => other.remove(fact),
                };
                found.push((place + 1, other));
            }
        }
        at += 1;
    }
    found.truncate(limit);
    found.into_iter().map(|(_, stated)| stated).collect()
}
