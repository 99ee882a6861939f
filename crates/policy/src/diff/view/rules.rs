//! What a rule means.

use comity_domain::{
    BoundParty, Citation, ClockUnit, Confidence, Extension, GroundKind, RunsOut, Stage,
};

use super::{Values, View, list};
use crate::{
    diff::Subject,
    model::{ClockEffect, Condition, Effect, Rule},
    scenario::obligation_kind,
};

pub(super) fn rule(rule: &Rule, owner: &Subject) -> View {
    let Rule {
        id: _,
        title,
        citations,
        confidence,
        since,
        until,
        stage,
        instruments,
        counterparts,
        measures,
        effect,
        when,
        unless,
        // They follow the lines.
        facts: _,
        exception_to,
    } = rule;
    let mut view = View::of(title, Some(owner.clone()));
    view.each("cite", citations.iter().map(citation));
    view.one("module", owner);
    view.one("effect", effect.name());
    view.one("confidence", of_confidence(*confidence));
    view.each("since", since);
    view.each("until", until);
    view.one("stage", of_stage(*stage));
    match instruments {
        // A kind of which there are none is not the same as every instrument.
        Some(none) if none.is_empty() => view.one("instruments", "none"),
        named => view.each("instruments", named.iter().flatten()),
    }
    view.each("counterparts", counterparts);
    view.each("measures", measures);
    view.each("exception to", exception_to);
    view.meaning.insert("when", lines(when));
    view.meaning.insert("unless", lines(unless));
    of_effect(effect, &mut view);
    view
}

/// Lines by what they say: brackets, spaces and the order of a set's values say
/// nothing.
fn lines(lines: &[Condition]) -> Values {
    let line = |line: &Condition| {
        let said = match &line.lowered {
            Some(lowered) => format!("{lowered:?}"),
            None => line.expression.to_string(),
        };
        (said, line.text.to_string())
    };
    lines.iter().map(line).collect()
}

fn of_effect(effect: &Effect, view: &mut View) {
    match effect {
        Effect::Permit => {}
        Effect::Refuse {
            kind,
            consult,
            reroute,
        } => {
            if *kind == GroundKind::Return {
                view.one("kind", "return");
            }
            view.one("consult", consult);
            view.each("reroute", reroute);
        }
        Effect::Require { remedy, field } => {
            view.words("remedy", remedy);
            view.one("field", field);
        }
        Effect::Refer {
            role,
            question,
            four_eyes,
        } => {
            view.words("question", question);
            view.one("role", role);
            view.one("four eyes", four_eyes);
        }
        Effect::Oblige {
            kind,
            bound,
            parameters,
        } => {
            view.one("obligation", obligation_kind(*kind));
            view.one("bound", party(*bound));
            let parameters = parameters.iter();
            view.each(
                "parameters",
                parameters.map(|(name, v)| format!("{name}: {v}")),
            );
        }
        Effect::Clock(ClockEffect {
            measures,
            length,
            unit,
            starts,
            stops,
            suspends,
            resumes,
            extension,
            runs_out,
            holds_release,
            executing_calendar,
            bound,
        }) => {
            view.one("clock", measures);
            view.one("length", self::length(*length, *unit));
            view.one("starts", starts);
            view.one("stops", list(stops));
            view.each("paused from", suspends);
            view.each("paused until", resumes);
            let longer = |by: &Extension| format!("{} by the {} side", by.length, party(by.by));
            view.each("extension", extension.iter().map(longer));
            view.one("runs out as", of_running_out(*runs_out));
            view.each("holds", holds_release.then_some("release"));
            let executing = *executing_calendar;
            view.one("calendar", if executing { "executing" } else { "issuing" });
            view.one("bound", party(*bound));
        }
    }
}

pub(super) fn citation(citation: &Citation) -> String {
    format!("{} {}", citation.source, citation.provision)
}

pub(super) fn of_confidence(confidence: Confidence) -> &'static str {
    match confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    }
}

fn of_stage(stage: Stage) -> &'static str {
    match stage {
        Stage::Outbound => "outbound",
        Stage::Instrument => "instrument",
        Stage::Inbound => "inbound",
        Stage::Disclosure => "disclosure",
    }
}

pub(super) fn party(party: BoundParty) -> &'static str {
    match party {
        BoundParty::Issuing => "issuing",
        BoundParty::Executing => "executing",
    }
}

fn of_running_out(runs_out: RunsOut) -> &'static str {
    match runs_out {
        RunsOut::Breach => "breach",
        RunsOut::Lapse => "lapse",
        RunsOut::Expire => "end of the case",
    }
}

pub(in crate::diff) fn length(length: u32, unit: ClockUnit) -> String {
    let unit = match unit {
        ClockUnit::Hours => "hours",
        ClockUnit::Days => "days",
        ClockUnit::WorkingDays => "working days",
        ClockUnit::Months => "months",
        ClockUnit::Open => return "open".to_owned(),
    };
    format!("{length} {unit}")
}
