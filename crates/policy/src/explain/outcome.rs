//! What became of the request, on what that rests, and what to do now.

use std::collections::BTreeSet;

use comity_domain::{Clock, ClockUnit, Ground, GroundKind, Outcome};
use jiff::{SignedDuration, Timestamp};

use super::{Paragraph, Point, Section, Tone, teller::Teller};
use crate::{
    findings::deciding,
    periods,
    phrases::{Heading, Next},
};

pub(super) fn section(teller: &Teller<'_>) -> Section {
    let decision = &teller.trace.decision;
    let tongue = teller.tongue;
    let state = teller.state(&teller.question.request.executing.0);
    let (tone, next) = match decision.outcome {
        Outcome::Approved => (Tone::For, Next::Approved { state: &state }),
        Outcome::Incomplete => (Tone::Open, Next::Incomplete),
        Outcome::Referred => (Tone::Open, Next::Referred),
        Outcome::Refused => (
            Tone::Against,
            Next::Refused {
                grounds: decision.grounds.len(),
            },
        ),
    };
    let mut seen = BTreeSet::new();
    let rests_on = deciding(decision).filter(|rule| seen.insert(&rule.rule));
    let rests_on = rests_on.map(|rule| Point::of(teller.found(rule, None)));
    let outcome = Paragraph::toned(tone, tongue.next(&next)).with(rests_on);
    let mut paragraphs = vec![outcome];
    let steps = [
        refused(teller),
        vec![answers(teller), supplies(teller)],
        accepted(teller),
    ];
    paragraphs.extend(steps.into_iter().flatten().filter(|step| !step.is_empty()));
    Section {
        title: tongue.heading(&Heading::Outcome),
        paragraphs,
    }
}

impl Paragraph {
    fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The points under their introduction; nothing where there are none.
    fn list(introduction: String, points: Vec<Point>) -> Self {
        if points.is_empty() {
            Self::plain(String::new())
        } else {
            Self::plain(introduction).with(points)
        }
    }
}

/// What can be done about a refusal.
fn refused(teller: &Teller<'_>) -> Vec<Paragraph> {
    let decision = &teller.trace.decision;
    if decision.outcome != Outcome::Refused {
        return Vec::new();
    }
    let any = |kind| decision.grounds.iter().any(|ground| ground.kind == kind);
    let mut steps = Vec::new();
    if any(GroundKind::Return) {
        steps.push(Next::HaveItValidated);
    }
    if decision.grounds.iter().any(|ground| ground.consult_first) {
        steps.push(Next::Consult);
    }
    let can_be_lifted = |ground: &Ground| {
        let asked = teller.asked(&ground.rule.rule);
        asked.is_some_and(|asked| !asked.unless.is_empty())
    };
    if decision.grounds.iter().any(can_be_lifted) {
        steps.push(Next::WouldLift);
    }
    let titles = teller.instruments(&decision.alternatives);
    if !titles.is_empty() {
        steps.push(Next::OtherWays { titles: &titles });
    } else if decision.instrument.is_none() {
        steps.push(Next::NoOtherWay);
    }
    let steps = steps.iter().map(|step| teller.tongue.next(step));
    steps.map(Paragraph::plain).collect()
}

/// The questions that a human must answer.
fn answers(teller: &Teller<'_>) -> Paragraph {
    let decision = &teller.trace.decision;
    let introduction = match decision.outcome {
        Outcome::Referred => Next::Answer,
        Outcome::Approved | Outcome::Incomplete | Outcome::Refused => Next::AlsoAnswer,
    };
    let asked = decision.referrals.iter().map(|referral| {
        teller.tongue.next(&Next::Asked {
            question: &referral.question,
            who: &teller.office(&referral.role, &referral.jurisdiction),
        })
    });
    let points = asked.map(Point::of).collect();
    Paragraph::list(teller.tongue.next(&introduction), points)
}

/// What the requester must supply, each once.
fn supplies(teller: &Teller<'_>) -> Paragraph {
    let decision = &teller.trace.decision;
    let introduction = match decision.outcome {
        Outcome::Incomplete => Next::Supply,
        Outcome::Approved | Outcome::Referred | Outcome::Refused => Next::AlsoSupply,
    };
    let mut seen = BTreeSet::new();
    let requirements = decision.requirements.iter();
    let once = requirements.filter(|lacking| seen.insert((&lacking.field, &lacking.remedy)));
    let lacking = once.map(|lacking| {
        teller.tongue.next(&Next::Lacking {
            remedy: &lacking.remedy,
            field: &lacking.field,
        })
    });
    let points = lacking.map(Point::of).collect();
    Paragraph::list(teller.tongue.next(&introduction), points)
}

/// What binds once the request is approved.
fn accepted(teller: &Teller<'_>) -> Vec<Paragraph> {
    let decision = &teller.trace.decision;
    if decision.outcome != Outcome::Approved {
        return Vec::new();
    }
    let running = decision.clocks.iter();
    let running = running.filter_map(|clock| deadline(teller, clock, clock.due_at?));
    let points = running.map(Point::of).collect();
    let deadlines = Paragraph::list(teller.tongue.next(&Next::Deadlines), points);
    let count = decision.obligations.len();
    let conditions = (count > 0).then(|| teller.tongue.next(&Next::Conditions { count }));
    let conditions = conditions.map(Paragraph::plain);
    std::iter::once(deadlines).chain(conditions).collect()
}

fn deadline(teller: &Teller<'_>, clock: &Clock, due: Timestamp) -> Option<String> {
    let state = clock.calendar.as_ref();
    let state = state.unwrap_or(&teller.question.request.executing.0);
    let calendar = teller.reader.model.calendars.get(state);
    let until = match clock.unit {
        ClockUnit::Hours => {
            let due = due.to_zoned_datetime(periods::time_zone(calendar));
            let day = teller.tongue.day(due.date());
            format!("{day}, {}", due.strftime("%H:%M %Z"))
        }
        // Any other period runs out with its last day.
        ClockUnit::Days | ClockUnit::WorkingDays | ClockUnit::Months | ClockUnit::Open => {
            let last = due.checked_sub(SignedDuration::from_secs(1)).ok()?;
            teller.tongue.day(periods::day_of(last, calendar))
        }
    };
    Some(teller.tongue.next(&Next::Deadline {
        what: &clock.rule.text,
        length: &teller.tongue.length(clock.length, clock.unit),
        until: &until,
    }))
}
