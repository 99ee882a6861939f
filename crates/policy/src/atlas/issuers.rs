//! Who may ask: the authorities that the asking State's law makes competent,
//! and what the instrument and both States demand of their kind.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{Confidence, FactValue, RuleRef, Stage};

use super::{
    answer::{Competence, Issuer},
    route::Approach,
};
use crate::{
    decide::ask,
    evaluate::Holds,
    facts,
    findings::{Findings, Judged, lines},
    model::{Effect, Instrument, Rule},
    registers,
};

/// The fact that tells the kind of a validating authority.
const VALIDATING_KIND: &str = "validation.authority_kind";
/// Facts that say who asks.
pub(super) const OF_ISSUER: [&str; 4] = [
    "issuing.authority_kind",
    "issuing.competent",
    "issuing.validated",
    VALIDATING_KIND,
];

/// Every authority that may ask for the measure under its own law.
pub(super) fn issuers<'l>(
    approach: &Approach<'l, '_>,
    instrument: &'l Instrument,
) -> Vec<Issuer<'l>> {
    let model = &approach.library.model;
    let mut by_kind: BTreeMap<&Arc<str>, Competence> = BTreeMap::new();
    let competent = registers::issuers(model, approach.matter.issuing, approach.matter.measure);
    competent
        .map(|authority| {
            let competence = by_kind
                .entry(authority.kind)
                .or_insert_with(|| competence(approach, instrument, authority.kind));
            Issuer {
                authority,
                competence: competence.clone(),
            }
        })
        .collect()
}

/// What stands against a request of an authority of a kind, alone and with
/// each validation that the rules speak of.
fn competence<'l>(
    approach: &Approach<'l, '_>,
    instrument: &'l Instrument,
    kind: &Arc<str>,
) -> Competence {
    let Some(barred) = against(approach, instrument, kind, None) else {
        return Competence::Alone;
    };
    let validating = validating_kinds(approach, instrument);
    let validated: Vec<_> = validating
        .into_iter()
        .filter(|by| against(approach, instrument, kind, Some(by)).is_none())
        .collect();
    if validated.is_empty() {
        Competence::Barred(Box::new(barred))
    } else {
        Competence::Validated(validated, Box::new(barred))
    }
}

/// The first rule about the issuer that stands against it, in ordinary cases.
fn against<'l>(
    approach: &Approach<'l, '_>,
    instrument: &'l Instrument,
    kind: &Arc<str>,
    validated_by: Option<&Arc<str>>,
) -> Option<RuleRef> {
    let text = |text: &Arc<str>| FactValue::Text(Arc::clone(text));
    let mut supposed = vec![
        ("issuing.authority_kind", text(kind)),
        ("issuing.competent", FactValue::Truth(true)),
        (
            "issuing.validated",
            FactValue::Truth(validated_by.is_some()),
        ),
        ("urgency", text(&Arc::from("routine"))),
    ];
    supposed.extend(validated_by.map(|by| (VALIDATING_KIND, text(by))));
    let library = approach.library;
    let known = facts::supposing(&library.model.vocabulary, approach.taken, &supposed);
    let setting = approach.setting(instrument, &known);
    let mut unused = Findings::default();
    let (judged, ..) = ask(library, &setting, &approach.matter, instrument, &mut unused);
    let first = judged.iter().find(|judged| stands_against(judged))?;
    Some(setting.rule_ref(first))
}

fn stands_against(judged: &Judged<'_>) -> bool {
    let stops = match judged.rule.effect {
        Effect::Refuse { .. } | Effect::Require { .. } => true,
        Effect::Permit | Effect::Refer { .. } | Effect::Oblige { .. } | Effect::Clock(_) => false,
    };
    stops
        && judged.holds == Holds::Yes
        && judged.rule.confidence > Confidence::Low
        && judged.speaker.stage != Stage::Disclosure
        && reads(judged.rule, &OF_ISSUER)
}

fn reads(rule: &Rule, facts: &[&str]) -> bool {
    lines(rule).any(|line| line.facts.iter().any(|fact| facts.contains(&&**fact)))
}

/// The kinds of validating authority that a rule on the way names.
fn validating_kinds<'l>(
    approach: &Approach<'l, '_>,
    instrument: &'l Instrument,
) -> BTreeSet<Arc<str>> {
    let model = &approach.library.model;
    let issuing = model.jurisdictions.get(approach.matter.issuing);
    let executing = model.jurisdictions.get(approach.matter.executing);
    let national = issuing
        .into_iter()
        .chain(executing)
        .map(|state| &state.module);
    let rules = national
        .chain([&instrument.module])
        .flat_map(|module| &module.rules);
    let reading = rules
        .flat_map(lines)
        .filter(|line| line.facts.iter().any(|fact| &**fact == VALIDATING_KIND));
    let named = reading.flat_map(|line| &line.literals.listed);
    named
        .filter(|(kind, _)| &**kind == "AuthorityKind")
        .map(|(_, value)| Arc::clone(value))
        .collect()
}
