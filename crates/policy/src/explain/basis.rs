//! The facts that a line rests on, and who stated or presumed each.

use comity_domain::{FactName, FactSource, FactUseSource, FactValue};

use super::{
    Paragraph, Point, Section,
    teller::{MEASURE_FACT, Teller},
};
use crate::phrases::{Basis, Heading, Round, Test};

/// What is known of the facts of a test. Of one fact it is said at length; of
/// several those that are alike are told together.
pub(super) fn basis(teller: &Teller<'_>, facts: &[FactName], test: &str) -> String {
    if let [fact] = facts {
        return single(teller, fact, test);
    }
    let mut alike: Vec<(Known, Vec<String>)> = Vec::new();
    for fact in facts {
        let known = known(teller, fact, Length::Short);
        let title = teller.fact(fact);
        match alike.iter_mut().find(|(other, _)| *other == known) {
            Some((_, titles)) => titles.push(title),
            None => alike.push((known, vec![title])),
        }
    }
    let told = alike.into_iter().map(|(known, titles)| {
        teller.tongue.basis(&Basis::Facts {
            titles: &titles.join(", "),
            value: known.value.as_deref(),
            source: &known.source,
        })
    });
    teller.tongue.row(&told.collect::<Vec<_>>())
}

/// Every fact that a rule used and that nobody has stated.
pub(super) fn presumptions(teller: &Teller<'_>) -> Option<Section> {
    let tongue = teller.tongue;
    let facts = teller.trace.decision.facts.iter();
    let presumed = facts.filter_map(|(name, fact)| match &fact.source {
        FactUseSource::Presumed(because) => {
            let told = tongue.basis(&Basis::PresumedFact {
                title: &teller.fact(name),
                value: &teller.value(name, &fact.value),
                because,
            });
            Some(Point::of(told))
        }
        FactUseSource::Stated(_) | FactUseSource::Judged(_) => None,
    });
    let points: Vec<_> = presumed.collect();
    (!points.is_empty()).then(|| Section {
        title: tongue.heading(&Heading::Presumed),
        paragraphs: vec![Paragraph::plain(tongue.round(&Round::Presumed)).with(points)],
    })
}

/// What is known of a fact, in words.
#[derive(PartialEq, Eq)]
struct Known {
    value: Option<String>,
    source: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Length {
    Short,
    Full,
}

/// One fact: its value unless the test itself says it, and where it is from.
fn single(teller: &Teller<'_>, fact: &FactName, test: &str) -> String {
    if &**fact == MEASURE_FACT {
        return teller.measure(teller.question.request.measure.as_str());
    }
    let Known { value, source } = known(teller, fact, Length::Full);
    let stated = teller.trace.decision.facts.get(fact);
    let says_itself = stated.is_some_and(|fact| matches!(fact.value, FactValue::Truth(_)));
    let says_value = |value: &String| {
        let equals = Test::Equals {
            fact: &teller.fact(fact),
            value,
        };
        says_itself || test == teller.tongue.test(&equals)
    };
    match value.filter(|value| !says_value(value)) {
        Some(value) => format!("{value}, {source}"),
        None => source,
    }
}

fn known(teller: &Teller<'_>, fact: &FactName, length: Length) -> Known {
    let tongue = teller.tongue;
    let Some(used) = teller.trace.decision.facts.get(fact) else {
        return Known {
            value: None,
            source: tongue.basis(&Basis::NobodyStated),
        };
    };
    let source = match &used.source {
        FactUseSource::Stated(_) if teller.is_staged(fact) => tongue.basis(&Basis::InScenario),
        FactUseSource::Stated(source) => tongue.source(*source).to_owned(),
        FactUseSource::Judged(_) => tongue.source(FactSource::Judgement).to_owned(),
        FactUseSource::Presumed(because) if length == Length::Full => {
            tongue.basis(&Basis::Presumed { because })
        }
        FactUseSource::Presumed(_) => tongue.basis(&Basis::PresumedAll),
    };
    Known {
        value: Some(teller.value(fact, &used.value)),
        source,
    }
}
