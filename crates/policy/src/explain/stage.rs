//! What was asked at each stage of a request's way, and what came of it.

use comity_domain::{Outcome, RuleRef, Stage};

use super::{Paragraph, Point, Section, Tone, rule, teller::Teller, verdict};
use crate::{
    Asked,
    phrases::{Because, Heading, Round, Verdict},
};

/// One section a stage; none where no instrument carries the request.
pub(super) fn sections(teller: &Teller<'_>) -> Vec<Section> {
    let decision = &teller.trace.decision;
    let Some(instrument) = &decision.instrument else {
        return Vec::new();
    };
    let request = teller.question.request;
    let issuing = teller.state(&request.issuing.0);
    let executing = teller.state(&request.executing.0);
    let instrument = teller.instrument(instrument.as_str());
    let stages = [
        (Stage::Outbound, Heading::Outbound { state: &issuing }),
        (
            Stage::Instrument,
            Heading::Rules {
                instrument: &instrument,
            },
        ),
        (Stage::Inbound, Heading::Inbound { state: &executing }),
        (Stage::Disclosure, Heading::WayBack),
    ];
    let sections = stages.map(|(stage, heading)| section(teller, stage, &heading));
    sections.into_iter().flatten().collect()
}

fn section(teller: &Teller<'_>, stage: Stage, heading: &Heading<'_>) -> Option<Section> {
    let asked = teller.trace.asked.iter();
    let asked: Vec<_> = asked.filter(|asked| asked.stage == stage).collect();
    // Most libraries say nothing of the way back.
    if asked.is_empty() && stage == Stage::Disclosure {
        return None;
    }
    let mut judged: Vec<(Verdict, &Asked<'_>)> = Vec::new();
    let mut idle = Vec::new();
    for asked in asked.iter().copied() {
        match verdict::verdict(teller, asked) {
            Some(verdict) => judged.push((verdict, asked)),
            None => idle.push(asked.rule.id()),
        }
    }
    judged.sort_by_key(|(verdict, _)| rank(*verdict));
    let tongue = teller.tongue;
    let mut paragraphs = vec![Paragraph::plain(tongue.round(&opening(
        teller,
        stage,
        asked.len(),
    )))];
    paragraphs.extend(remarks(teller, stage));
    let told = judged.iter();
    paragraphs.extend(told.map(|(verdict, asked)| rule::paragraph(teller, asked, *verdict)));
    if !idle.is_empty() {
        let idle = Round::NotMet {
            rules: idle.len(),
            list: &Teller::ids(idle.into_iter()),
        };
        paragraphs.push(Paragraph::plain(tongue.round(&idle)));
    }
    Some(Section {
        title: tongue.heading(heading),
        paragraphs,
    })
}

fn opening(teller: &Teller<'_>, stage: Stage, rules: usize) -> Round<'static> {
    match stage {
        Stage::Outbound | Stage::Instrument | Stage::Inbound => Round::Asked { rules },
        Stage::Disclosure if teller.trace.decision.outcome == Outcome::Approved => {
            Round::WayBackApproved
        }
        Stage::Disclosure => Round::WayBackOtherwise,
    }
}

/// What decides comes first, what follows from it last.
fn rank(verdict: Verdict) -> usize {
    const ORDER: [Verdict; 15] = [
        Verdict::MustRefuse,
        Verdict::MayRefuse,
        Verdict::Returns,
        Verdict::NotApplicable,
        Verdict::Failed,
        Verdict::Doubtful,
        Verdict::Refers,
        Verdict::Open,
        Verdict::Requires,
        Verdict::Lifted,
        Verdict::Excepts,
        Verdict::Permits,
        Verdict::Obliges,
        Verdict::Precaution,
        Verdict::Limits,
    ];
    let place = ORDER.iter().position(|other| *other == verdict);
    place.unwrap_or(ORDER.len())
}

/// Findings of the library itself: nothing permits the request, or its form is
/// not as it should be.
fn remarks(teller: &Teller<'_>, stage: Stage) -> Vec<Paragraph> {
    let decision = &teller.trace.decision;
    let tongue = teller.tongue;
    let own = |rule: &RuleRef| teller.asked(&rule.rule).is_none();
    let told = |verdict: Verdict, rule: &RuleRef| {
        let found = teller.found(rule, teller.source(&rule.module));
        tongue.labelled(tongue.verdict(verdict), &found)
    };
    let grounds = decision.grounds.iter();
    let grounds = grounds.filter(|ground| ground.stage == stage && own(&ground.rule));
    let mut paragraphs: Vec<_> = grounds
        .map(|ground| Paragraph::toned(Tone::Against, told(Verdict::NotApplicable, &ground.rule)))
        .collect();
    let lacking: Vec<_> = decision
        .requirements
        .iter()
        .filter(|lacking| lacking.stage == stage && own(&lacking.rule))
        .collect();
    if let Some(first) = lacking.first() {
        let points = lacking.iter().map(|lacking| {
            Point::of(tongue.because(&Because::Supply {
                remedy: &lacking.remedy,
                field: &lacking.field,
            }))
        });
        let form = Paragraph::toned(Tone::Open, told(Verdict::Requires, &first.rule));
        paragraphs.push(form.with(points));
    }
    paragraphs
}
