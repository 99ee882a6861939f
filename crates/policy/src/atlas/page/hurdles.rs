//! What may stand in the way of a request, on the page.

use std::collections::BTreeSet;

use comity_domain::{RuleRef, Stage};

use super::{
    labels::{self as say, word},
    route::{DETAIL, ENTRY, LANGUAGE_ACCEPTED, conditions},
    sheet::Sheet,
    told,
};
use crate::{
    Prospect, ProspectEffect, Standing,
    atlas::{answer::Route, issuers::OF_ISSUER},
    phrases::Tongue,
};

/// What may stand in the way, stage by stage; what is presumed not to, last.
pub(super) fn hurdles(sheet: &mut Sheet, route: &Route<'_>, first: Option<&Route<'_>>) {
    let tongue = sheet.tongue();
    for stage in [Stage::Outbound, Stage::Instrument, Stage::Inbound] {
        let here = live(route, stage);
        if here.is_empty() {
            continue;
        }
        let [issuing, executing] = &route.bound;
        let title = match stage {
            Stage::Outbound => say::LEAVING.with(tongue, &[&issuing.state.title]),
            Stage::Instrument => say::UNDER.in_words(tongue).to_owned(),
            Stage::Inbound | Stage::Disclosure => {
                say::ARRIVING.with(tongue, &[&executing.state.title])
            }
        };
        if first.is_some_and(|first| live(first, stage) == here) {
            let as_first = say::AS_FIRST.in_words(tongue);
            sheet.line(ENTRY, &format!("{title}: {as_first}"));
            continue;
        }
        sheet.line(ENTRY, &title);
        for prospect in here {
            hurdle(sheet, prospect);
        }
    }
    dormant(sheet, route);
}

/// What hangs on more than the issuer and the language, which have their own
/// places on the page.
fn live<'r>(route: &'r Route<'_>, stage: Stage) -> Vec<&'r Prospect> {
    let prospects = route.prospects.iter();
    prospects
        .filter(|prospect| prospect.stage == stage && prospect.standing < Standing::Dormant)
        .filter(|prospect| {
            let mut facts = prospect.rule.facts_missing.iter();
            prospect.rule.facts_missing.is_empty()
                || facts.any(|fact| **fact != *LANGUAGE_ACCEPTED && !OF_ISSUER.contains(&&**fact))
        })
        .collect()
}

fn hurdle(sheet: &mut Sheet, prospect: &Prospect) {
    let tongue = sheet.tongue();
    let mut text = effect(prospect, tongue);
    if prospect.standing == Standing::Holds {
        text = format!("{}, {text}", say::HOLDS.in_words(tongue));
    }
    sheet.line(DETAIL, &text);
    if let ProspectEffect::Refer { question, .. } = &prospect.effect {
        sheet.line(DETAIL + 2, question);
    }
    conditions(sheet, &prospect.when, &prospect.unless);
    for exception in &prospect.exceptions {
        let national = say::NATIONAL.with(tongue, &[state(exception), &told(exception)]);
        sheet.line(DETAIL + 2, &national);
    }
}

/// What is presumed not to matter; national law that turns a ground of the
/// instrument stands with it.
fn dormant(sheet: &mut Sheet, route: &Route<'_>) {
    let tongue = sheet.tongue();
    let prospects = route.prospects.iter();
    let dormant: Vec<_> = prospects
        .filter(|prospect| prospect.standing == Standing::Dormant)
        .collect();
    if dormant.is_empty() {
        return;
    }
    sheet.line(ENTRY, say::DORMANT.in_words(tongue));
    let national: BTreeSet<&str> = dormant
        .iter()
        .flat_map(|prospect| &prospect.exceptions)
        .map(|rule| rule.rule.as_str())
        .collect();
    for prospect in &dormant {
        if !national.contains(prospect.rule.rule.as_str()) {
            sheet.line(DETAIL, &summary(prospect, &dormant, tongue));
        }
    }
}

fn summary(prospect: &Prospect, all: &[&Prospect], tongue: Tongue) -> String {
    let mut text = effect(prospect, tongue);
    for exception in &prospect.exceptions {
        let turned = all.iter().find(|other| other.rule.rule == exception.rule);
        let turned = turned.map_or_else(|| told(exception), |other| effect(other, tongue));
        let national = say::NATIONAL.with(tongue, &[state(exception), &turned]);
        text = format!("{text}; {national}");
    }
    text
}

/// The State whose module a rule stands in.
fn state(rule: &RuleRef) -> &str {
    let module = rule.module.as_str();
    module.split_once('/').map_or(module, |(_, state)| state)
}

/// What follows if the rule holds, with its title and place.
fn effect(prospect: &Prospect, tongue: Tongue) -> String {
    let rule = told(&prospect.rule);
    match &prospect.effect {
        ProspectEffect::Permit => format!("{}: {rule}", say::PERMIT.in_words(tongue)),
        ProspectEffect::Refuse {
            kind,
            consult_first,
            reroute,
        } => {
            let mut ends = say::ground(*kind).in_words(tongue).to_owned();
            if *consult_first {
                ends = format!("{ends} {}", say::CONSULT.in_words(tongue));
            }
            if reroute.is_empty() {
                format!("{ends}: {rule}")
            } else {
                let instead = say::INSTEAD.with(tongue, &[&reroute.join(", ")]);
                format!("{ends}: {rule}; {instead}")
            }
        }
        ProspectEffect::Require { remedy, field: _ } => {
            format!("{}: {remedy} — {rule}", say::REQUIRED.in_words(tongue))
        }
        ProspectEffect::Refer {
            role,
            jurisdiction,
            question: _,
            four_eyes,
        } => {
            let mut by = format!("{} {jurisdiction}", word(role, tongue));
            if *four_eyes {
                by = format!("{by}, {}", say::FOUR_EYES.in_words(tongue));
            }
            format!("{} ({by}): {rule}", say::REFERRED.in_words(tongue))
        }
    }
}
