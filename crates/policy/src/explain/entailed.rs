//! What follows from a rule, and how sure it is.

use std::sync::Arc;

use comity_domain::{Confidence, Extension, RuleRef, RunsOut};

use super::{Point, teller::Teller, verdict::lifts};
use crate::{
    Answer, Asked, RuleInfo,
    model::{ClockEffect, Effect},
    phrases::{Because, Verdict},
};

/// One point for each thing that follows.
pub(super) fn entailed(teller: &Teller<'_>, asked: &Asked<'_>, verdict: Verdict) -> Vec<Point> {
    let rule = asked.rule.rule;
    let mut points = Vec::new();
    let mut say = |because: &Because<'_>| points.push(Point::of(teller.tongue.because(because)));
    if verdict == Verdict::Lifted {
        return points;
    }
    if verdict == Verdict::Failed {
        say(&Because::EngineFailed);
        return points;
    }
    if rule.confidence == Confidence::Low {
        say(&Because::LowConfidence);
    }
    lifted(teller, asked, &mut say);
    match &rule.effect {
        Effect::Permit if verdict == Verdict::Open && !asked_for(teller, asked) => {
            if rule.exception_to.is_none() {
                say(&Because::Immaterial);
            }
        }
        Effect::Permit => {}
        Effect::Refuse { consult: true, .. } if verdict != Verdict::Open => {
            say(&Because::ConsultFirst);
        }
        Effect::Refuse { .. } => {}
        Effect::Require { remedy, field } => say(&Because::Supply {
            remedy: &teller.reader.words(remedy),
            field,
        }),
        Effect::Refer {
            question,
            four_eyes,
            ..
        } => {
            let who = referred(teller, &asked.rule);
            say(&Because::Question {
                question: &teller.reader.words(question),
                who: &who,
            });
            if *four_eyes {
                say(&Because::FourEyes);
            }
        }
        Effect::Oblige {
            kind,
            bound,
            parameters,
        } => {
            let parameters = parameters
                .iter()
                .map(|(name, value)| teller.tongue.labelled(name, value));
            say(&Because::Obligation {
                kind: teller.tongue.obligation(*kind),
                bound: *bound,
                parameters: &parameters.collect::<Vec<_>>(),
            });
        }
        Effect::Clock(clock) => limited(teller, clock, &mut say),
    }
    points
}

/// The rule of another module that it lifts, or may.
fn lifted(teller: &Teller<'_>, asked: &Asked<'_>, say: &mut impl FnMut(&Because<'_>)) {
    let target = asked.rule.rule.exception_to.as_ref();
    let target = target.and_then(|id| teller.asked(id));
    let Some(target) = target.filter(|_| lifts(teller, asked)) else {
        return;
    };
    let rule = &teller.rule_quoted(&target.rule);
    say(&match asked.answer {
        Answer::Yes => Because::LiftsRule { rule },
        Answer::No | Answer::Unknown(_) | Answer::Failed => Because::MayLiftRule { rule },
    });
}

/// The decision asks somebody for what the rule lacks.
fn asked_for(teller: &Teller<'_>, asked: &Asked<'_>) -> bool {
    let decision = &teller.trace.decision;
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let is_it = |rule: &RuleRef| rule.rule == *asked.rule.id();
    requirements.chain(referrals).any(is_it)
}

fn limited(teller: &Teller<'_>, clock: &ClockEffect, say: &mut impl FnMut(&Because<'_>)) {
    let request = teller.question.request;
    let state = match clock.executing_calendar {
        true => &request.executing.0,
        false => &request.issuing.0,
    };
    let in_days = clock.unit.counts_days();
    say(&Because::Clock {
        length: &teller.tongue.length(clock.length, clock.unit),
        from: &format!("`{}`", clock.starts),
        until: &events(&clock.stops),
        calendar: in_days.then(|| teller.state(state)).as_deref(),
    });
    if !clock.suspends.is_empty() {
        say(&Because::Pauses {
            from: &events(&clock.suspends),
            until: &events(&clock.resumes),
        });
    }
    if let Some(Extension { length, by }) = clock.extension {
        let length = &teller.tongue.length(length, clock.unit);
        say(&Because::Extendable { length, by });
    }
    if clock.runs_out == RunsOut::Expire {
        say(&Because::EndsCase);
    }
    if clock.holds_release {
        say(&Because::HoldsRelease);
    }
}

fn events(names: &[Arc<str>]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Who answers a question that a rule leaves to judgement.
fn referred(teller: &Teller<'_>, rule: &RuleInfo<'_>) -> String {
    let referrals = &teller.trace.decision.referrals;
    let referral = referrals
        .iter()
        .find(|referral| referral.rule.rule == *rule.id());
    referral.map_or_else(String::new, |referral| {
        teller.office(&referral.role, &referral.jurisdiction)
    })
}
