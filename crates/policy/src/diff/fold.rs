//! From everything found to what a reader needs: what behaves alike together,
//! with one example.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{InstrumentId, JurisdictionCode, MeasureId, RuleId};

use super::{
    Change, ChangeKind, Effect, LeftOut, Matters, Proof, Relation, RuleChange, Subject,
    delta::Delta,
    example,
    occasions::Ground,
    search::Found,
    suspects::{Apart, Said},
};
use crate::scenario::request::DEFAULT_DATE;

/// What becomes of requests, each way once.
pub(super) fn effects(ground: &Ground<'_>, found: Vec<Found>) -> Vec<Effect> {
    let mut ways: BTreeMap<(Delta, Option<String>), Vec<Found>> = BTreeMap::new();
    for one in found {
        let way = (one.delta.clone(), one.given.instrument.clone());
        ways.entry(way).or_default().push(one);
    }
    let mut ways: Vec<_> = ways.into_iter().collect();
    ways.sort_by_cached_key(|((delta, named), found)| {
        let [before, after] = delta.outcomes;
        let unsettled = delta
            .findings
            .iter()
            .flatten()
            .any(|found| !found.missing.is_empty());
        (
            before == after,
            (after, Reverse(before)),
            unsettled,
            Reverse(found.len()),
            named.clone(),
        )
    });
    let usual = ground.day.to_string();
    let numbered = (1..).zip(ways);
    numbered
        .filter_map(|(number, ((delta, named), found))| {
            let example = found
                .iter()
                .min_by_key(|one| plainness(one, &usual, ground))?;
            let example = example::example(ground, example, number)?;
            let Delta {
                outcomes,
                instruments,
                findings,
            } = delta;
            Some(Effect {
                outcomes,
                instruments,
                named: named.and_then(|named| named.parse::<InstrumentId>().ok()),
                findings: findings.map(|found| found.into_iter().collect()),
                matters: matters(&found),
                example,
            })
        })
        .collect()
}

/// Whether a request is of another day than the usual one, how much there is
/// to say of it beyond who asks whom for what, and whether it asks for a group
/// of measures, which nobody does who can name one.
fn plainness(found: &Found, usual: &str, ground: &Ground<'_>) -> (bool, usize, bool) {
    let given = &found.given;
    let said = [given.language.is_some(), given.authority.is_some()];
    let said = said.into_iter().filter(|said| *said).count();
    let day = given.date.as_deref().unwrap_or(DEFAULT_DATE);
    let lists = given.offences.len() + given.persons.len();
    let [_, new] = ground.libraries;
    let below = format!("{}.", given.measure);
    let mut measures = new.model.measures.kinds.keys();
    let is_group = measures.any(|measure| measure.as_str().starts_with(&below));
    (day != usual, found.stated.len() + lists + said, is_group)
}

/// Pairs with the same measures together.
fn matters(found: &[Found]) -> Vec<Matters> {
    let mut measures: BTreeMap<[JurisdictionCode; 2], BTreeSet<MeasureId>> = BTreeMap::new();
    for one in found {
        let states = [&one.given.issuing, &one.given.executing].map(|code| code.parse().ok());
        if let [Some(issuing), Some(executing)] = states {
            let of_pair = measures.entry([issuing, executing]).or_default();
            of_pair.extend(one.measures.iter().cloned());
        }
    }
    let mut pairs: BTreeMap<Vec<MeasureId>, Vec<[JurisdictionCode; 2]>> = BTreeMap::new();
    for (pair, measures) in measures {
        pairs
            .entry(measures.into_iter().collect())
            .or_default()
            .push(pair);
    }
    let matters = pairs
        .into_iter()
        .map(|(measures, pairs)| Matters { pairs, measures });
    let mut matters: Vec<_> = matters.collect();
    matters.sort_by_key(|matters| Reverse(matters.pairs.len()));
    matters
}

/// Rules of both libraries whose conditions differ.
pub(super) fn conditions(changes: &[Change]) -> impl Iterator<Item = &RuleId> {
    let altered = changes.iter().filter(|change| {
        let mut aspects = change.aspects.iter();
        change.kind == ChangeKind::Altered
            && aspects.any(|aspect| ["when", "unless"].contains(&aspect.aspect))
    });
    altered.filter_map(|change| change.subject.rule())
}

/// How each rule differs whose conditions do: as a solver has proved it, else
/// as the search found it.
pub(super) fn rules(
    conditions: &[&RuleId],
    apart: &[(RuleId, Arc<Apart>)],
    proofs: &BTreeMap<RuleId, Proof>,
) -> Vec<RuleChange> {
    let change = |rule: &RuleId| match proofs.get(rule) {
        Some(Proof { relation, .. }) => RuleChange {
            rule: rule.clone(),
            proved: !matches!(relation, Relation::NotAnalysable(_)),
            relation: relation.clone(),
        },
        None => RuleChange {
            rule: rule.clone(),
            proved: false,
            relation: searched(rule, apart),
        },
    };
    conditions.iter().map(|rule| change(rule)).collect()
}

fn searched(rule: &RuleId, apart: &[(RuleId, Arc<Apart>)]) -> Relation {
    let own = apart.iter().filter(|(of, _)| of == rule);
    let classes: BTreeSet<(Said, Said)> = own
        .flat_map(|(_, apart)| apart.classes.keys())
        .map(|(before, after, _)| (*before, *after))
        .collect();
    let more = classes.contains(&(Said::No, Said::Yes));
    let less = classes.contains(&(Said::Yes, Said::No));
    match (more, less) {
        (true, true) => Relation::Both,
        (true, false) => Relation::More,
        (false, true) => Relation::Less,
        (false, false) => Relation::NotFound,
    }
}

/// Where the search did not go.
pub(super) fn left_out(
    changes: &[Change],
    apart: &[(RuleId, Arc<Apart>)],
    untried: &BTreeMap<RuleId, usize>,
) -> Vec<LeftOut> {
    let forms = changes.iter().map(|change| &change.subject);
    let forms = forms.filter(|subject| matches!(subject, Subject::Form(_)));
    let forms = forms.map(|form| LeftOut {
        subject: form.clone(),
        what: "forms were taken to be in order, whatever they ask for".to_owned(),
    });
    let of_rules = apart.iter().flat_map(|(rule, apart)| {
        let about = |what| LeftOut {
            subject: Subject::Rule(rule.clone()),
            what,
        };
        [combinations(apart), fields(apart)]
            .into_iter()
            .flatten()
            .map(about)
    });
    let untried = untried.iter().map(|(rule, count)| LeftOut {
        subject: Subject::Rule(rule.clone()),
        what: format!(
            "{count} requests farther from the ordinary were not decided, where nearer ones did \
             not change the outcome"
        ),
    });
    let all: BTreeSet<LeftOut> = forms.chain(of_rules).chain(untried).collect();
    all.into_iter().collect()
}

fn combinations(apart: &Apart) -> Option<String> {
    let Apart {
        combinations,
        tried,
        ..
    } = apart;
    let all = match *combinations {
        usize::MAX => "more than can be counted".to_owned(),
        all => all.to_string(),
    };
    let what = format!("{tried} of {all} combinations of what it reads were tried");
    (combinations > tried).then_some(what)
}

fn fields(apart: &Apart) -> Option<String> {
    let fields: Vec<&str> = apart.forms.iter().map(|field| &**field).collect();
    let what = format!("what a form says was left unsaid: {}", fields.join(", "));
    (!fields.is_empty()).then_some(what)
}
