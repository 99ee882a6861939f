//! What a rule does when it holds: read, and checked as far as the schema
//! cannot.

use std::{slice, sync::Arc};

use comity_domain::{BoundParty, ClockUnit, Extension, GroundKind, RunsOut};

use crate::{
    diagnostic::Code,
    model::{ClockEffect, Effect},
};

use super::{
    context::{Context, words},
    obligation::oblige,
    place::Place,
    raw,
};

/// The effect of the rule at a place.
pub(super) fn effect(rule: &Place<'_>, raw: raw::Effect, context: &mut Context) -> Effect {
    match raw {
        raw::Effect::Permit => Effect::Permit,
        raw::Effect::Refuse {
            kind,
            consult,
            reroute,
        } => Effect::Refuse {
            kind: match kind {
                raw::RefuseKind::Mandatory => GroundKind::Mandatory,
                raw::RefuseKind::Return => GroundKind::Return,
            },
            consult,
            reroute: reroute.into_iter().map(Arc::from).collect(),
        },
        raw::Effect::MayRefuse { consult, reroute } => Effect::Refuse {
            kind: GroundKind::Optional,
            consult,
            reroute: reroute.into_iter().map(Arc::from).collect(),
        },
        raw::Effect::Require { remedy, field } => Effect::Require {
            remedy: words(remedy),
            field: Arc::from(field),
        },
        raw::Effect::Refer {
            role,
            question,
            four_eyes,
        } => Effect::Refer {
            role: Arc::from(role),
            question: words(question),
            four_eyes,
        },
        raw::Effect::Oblige { obligation } => oblige(&rule.at("obligation"), obligation, context),
        raw::Effect::Clock { clock: raw } => Effect::Clock(clock(&rule.at("clock"), raw, context)),
    }
}

fn clock(place: &Place<'_>, raw: raw::Clock, context: &mut Context) -> ClockEffect {
    let starts = context.event(&place.at("starts"), &raw.starts);
    context.produced(&place.at("starts"), &starts);
    let stops = apart(
        &place.at("stops"),
        &raw.stops,
        slice::from_ref(&starts),
        context,
    );
    let pause = place.at("pause");
    let (from, until) = raw
        .pause
        .map_or_else(Default::default, |pause| (pause.from, pause.until));
    let suspends = pausing(&pause.at("from"), &from, &stops, context);
    let resumes = pausing(&pause.at("until"), &until, &suspends, context);
    ClockEffect {
        measures: Arc::from(raw.measures),
        length: raw.length.unwrap_or_default(),
        unit: match raw.unit {
            raw::Unit::Hours => ClockUnit::Hours,
            raw::Unit::Days => ClockUnit::Days,
            raw::Unit::WorkingDays => ClockUnit::WorkingDays,
            raw::Unit::Months => ClockUnit::Months,
            raw::Unit::Open => ClockUnit::Open,
        },
        starts,
        stops,
        suspends,
        resumes,
        extension: raw.extension.map(|extension| Extension {
            length: extension.length,
            by: party(extension.by),
        }),
        runs_out: match raw.runs_out {
            raw::RunsOut::Breach => RunsOut::Breach,
            raw::RunsOut::Lapse => RunsOut::Lapse,
            raw::RunsOut::Expire => RunsOut::Expire,
        },
        holds_release: raw.holds == Some(raw::Holds::Release),
        executing_calendar: raw.calendar == raw::Bound::Executing,
        bound: party(raw.binds.unwrap_or(raw.calendar)),
    }
}

/// Events that do one thing to a clock, and are not among those that do the opposite.
fn apart(
    place: &Place<'_>,
    events: &[String],
    opposite: &[Arc<str>],
    context: &mut Context,
) -> Vec<Arc<str>> {
    let mut found = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let at = place.at(index);
        let event = context.event(&at, event);
        if opposite.contains(&event) {
            let message = format!("`{event}` cannot do both to one clock");
            context.found.push(
                at.wrong(Code::WrongValue, message)
                    .why("it is named for the opposite, too")
                    .remedy("name the event in one place"),
            );
        }
        found.push(event);
    }
    found
}

/// The same of those from which a clock stands still or runs again: somebody produces them.
fn pausing(
    place: &Place<'_>,
    events: &[String],
    opposite: &[Arc<str>],
    context: &mut Context,
) -> Vec<Arc<str>> {
    let events = apart(place, events, opposite, context);
    for (index, event) in events.iter().enumerate() {
        context.produced(&place.at(index), event);
    }
    events
}

pub(super) fn party(raw: raw::Bound) -> BoundParty {
    match raw {
        raw::Bound::Issuing => BoundParty::Issuing,
        raw::Bound::Executing => BoundParty::Executing,
    }
}
