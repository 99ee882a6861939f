//! What a rule does when it holds: read, and checked as far as the schema
//! cannot.

use std::sync::Arc;

use comity_domain::{ClockUnit, GroundKind};

use crate::model::{ClockEffect, Effect};

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
        raw::Effect::Require { remedy, field } => {
            context.field(&rule.at("field"), &field);
            Effect::Require {
                remedy: words(remedy),
                field: Arc::from(field),
            }
        }
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
    let stops = raw.stops.iter().enumerate();
    ClockEffect {
        measures: Arc::from(raw.measures),
        length: raw.length,
        unit: match raw.unit {
            raw::Unit::Hours => ClockUnit::Hours,
            raw::Unit::Days => ClockUnit::Days,
            raw::Unit::WorkingDays => ClockUnit::WorkingDays,
            raw::Unit::Months => ClockUnit::Months,
        },
        starts,
        stops: stops
            .map(|(index, event)| context.event(&place.at("stops").at(index), event))
            .collect(),
        executing_calendar: raw.calendar == raw::Bound::Executing,
    }
}
