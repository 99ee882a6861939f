//! From everything found to what a reader needs: what behaves alike together,
//! with one example.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{InstrumentId, JurisdictionCode, MeasureId, Outcome, RuleId};

use super::{
    Change, ChangeKind, Effect, Finding, FindingKind, Matters, Proof, Relation, RuleChange,
    delta::Delta,
    example,
    occasions::Ground,
    search::Found,
    suspects::{Apart, Said},
};
use crate::scenario::request::DEFAULT_DATE;

/// What becomes of requests, each way once.
pub(super) fn effects(ground: &Ground<'_>, found: Vec<Found>) -> Vec<Effect> {
    let mut ways: BTreeMap<Way, Vec<Found>> = BTreeMap::new();
    for one in found {
        ways.entry(Way::of(&one, ground)).or_default().push(one);
    }
    let mut ways: Vec<(Way, Vec<Found>)> = ways.into_iter().collect();
    ways.sort_by_cached_key(|(way, found)| way.rank(found.len()));
    let usual = ground.day.to_string();
    let numbered = (1..).zip(ways);
    numbered
        .filter_map(|(number, (way, found))| {
            let example = found
                .iter()
                .min_by_key(|one| plainness(one, &usual, ground))?;
            let example = example::example(ground, example, number)?;
            Some(Effect {
                outcomes: way.outcomes,
                carriers: way.carriers,
                findings: findings(&found),
                matters: matters(&found),
                example,
            })
        })
        .collect()
}

/// What makes differences the same to a reader.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Way {
    outcomes: [Outcome; 2],
    carriers: Option<[Option<InstrumentId>; 2]>,
    findings: [BTreeSet<Finding>; 2],
    /// An instrument is named.
    named: bool,
}

impl Way {
    fn of(found: &Found, ground: &Ground<'_>) -> Self {
        let Delta {
            outcomes,
            instruments,
            findings,
        } = &found.delta;
        let named = found.occasion.given.instrument.is_some();
        Self {
            outcomes: *outcomes,
            // One that is named carries the request, or nothing does.
            carriers: (!named && found.delta.is_of_carrier()).then(|| instruments.clone()),
            findings: findings.each_ref().map(|found| {
                let alike = found.iter().map(|finding| alike(finding, ground));
                alike.collect()
            }),
            named,
        }
    }

    /// Loosening first, then what is settled, then what is common.
    fn rank(&self, found: usize) -> impl Ord + use<> {
        let [before, after] = self.outcomes;
        let mut findings = self.findings.iter().flatten();
        let unsettled = findings.any(|found| !found.missing.is_empty());
        (
            before == after,
            after,
            Reverse(before),
            unsettled,
            Reverse(found),
            self.clone(),
        )
    }
}

/// Of a finding by a rule that is as it was: only its kind, and for want of what
/// it is there. Many rules may speak otherwise of one fact, each to its own role.
fn alike(finding: &Finding, ground: &Ground<'_>) -> Finding {
    let mut rules = ground.touched.rules.iter();
    let differs = rules.any(|rule| *rule.as_str() == *finding.of);
    if differs || finding.kind == FindingKind::Alternative {
        return finding.clone();
    }
    Finding {
        kind: finding.kind,
        of: String::new(),
        detail: String::new(),
        missing: finding.missing.clone(),
    }
}

fn findings(found: &[Found]) -> [Vec<Finding>; 2] {
    let [mut gone, mut come] = [BTreeSet::new(), BTreeSet::new()];
    for one in found {
        let [before, after] = &one.delta.findings;
        gone.extend(before.iter().cloned());
        come.extend(after.iter().cloned());
    }
    [gone, come].map(|found| found.into_iter().collect())
}

/// Whether a request is of another day than the usual one, how much there is
/// to say of it beyond who asks whom for what, and whether it asks for a group
/// of measures, which nobody does who can name one.
fn plainness(found: &Found, usual: &str, ground: &Ground<'_>) -> (bool, usize, bool) {
    let given = &found.occasion.given;
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

type Pair = [JurisdictionCode; 2];

/// What is treated alike together: measures between two States, pairs of States
/// with the same measures, instruments with the same pairs and measures.
fn matters(found: &[Found]) -> Vec<Matters> {
    let mut measures: BTreeMap<(Option<InstrumentId>, Pair), BTreeSet<MeasureId>> = BTreeMap::new();
    for one in found {
        let given = &one.occasion.given;
        let states = [&given.issuing, &given.executing].map(|code| code.parse().ok());
        let named = given
            .instrument
            .as_ref()
            .and_then(|named| named.parse().ok());
        if let [Some(issuing), Some(executing)] = states {
            let of_pair = measures.entry((named, [issuing, executing])).or_default();
            of_pair.extend(one.occasion.measures.iter().cloned());
        }
    }
    let mut pairs: BTreeMap<(Option<InstrumentId>, Vec<MeasureId>), Vec<Pair>> = BTreeMap::new();
    for ((named, pair), measures) in measures {
        let key = (named, measures.into_iter().collect());
        pairs.entry(key).or_default().push(pair);
    }
    let mut named: BTreeMap<(Vec<Pair>, Vec<MeasureId>), Vec<InstrumentId>> = BTreeMap::new();
    for ((instrument, measures), pairs) in pairs {
        named
            .entry((pairs, measures))
            .or_default()
            .extend(instrument);
    }
    let matters = named.into_iter().map(|((pairs, measures), named)| Matters {
        named,
        pairs,
        measures,
    });
    let mut matters: Vec<_> = matters.collect();
    matters.sort_by_key(|matters| Reverse(matters.pairs.len() * matters.named.len().max(1)));
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
/// as the search found it, which may have left something out.
pub(super) fn rules(
    conditions: &[&RuleId],
    (apart, left_out): (&[(RuleId, Arc<Apart>)], bool),
    proofs: &BTreeMap<RuleId, Proof>,
) -> Vec<RuleChange> {
    let change = |rule: &RuleId| match proofs.get(rule) {
        Some(Proof { relation, .. }) => {
            let proved = !matches!(relation, Relation::NotAnalysable(_));
            RuleChange {
                rule: rule.clone(),
                proved,
                complete: proved,
                relation: relation.clone(),
            }
        }
        None => {
            let own = apart.iter().filter(|(of, _)| of == rule);
            let own: Vec<&Apart> = own.map(|(_, apart)| &**apart).collect();
            RuleChange {
                rule: rule.clone(),
                proved: false,
                complete: !left_out && !own.is_empty() && own.iter().all(|apart| apart.is_complete),
                relation: searched(&own),
            }
        }
    };
    conditions.iter().map(|rule| change(rule)).collect()
}

fn searched(apart: &[&Apart]) -> Relation {
    let classes: BTreeSet<(Said, Said)> = apart
        .iter()
        .flat_map(|apart| apart.classes.keys())
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
