//! Which instrument carries the request and why, and which were passed over.

use comity_domain::{Decision, GroundKind, PassedOver};

use super::{Paragraph, Point, Section, Tone, teller::Teller};
use crate::{
    model::Instrument,
    phrases::{Carrier, Heading, Verdict},
    resolve::{self, Matter, Why},
};

pub(super) fn section(teller: &Teller<'_>) -> Section {
    let decision = &teller.trace.decision;
    let request = teller.question.request;
    let model = teller.reader.model;
    let matter = Matter::new(model, request, decision.law_date);
    let named = request.instrument.as_ref();
    let resolution = resolve::resolve(model, &matter, named, teller.reader.language);
    let mut paragraphs = match resolution.carrier {
        Ok(instrument) => vec![carries(teller, instrument, resolution.why)],
        Err(_) => nothing_carries(teller, decision),
    };
    // Where nothing carries the request the grounds say the same.
    if decision.instrument.is_some() && !decision.passed_over.is_empty() {
        let heading = teller.tongue.carrier(&Carrier::PassedOver);
        let points = decision.passed_over.iter();
        let points = points.map(|other| Point::of(passed_over(teller, other)));
        paragraphs.push(Paragraph::plain(heading).with(points));
    }
    Section {
        title: teller.tongue.heading(&Heading::Instrument),
        paragraphs,
    }
}

/// The carrier, why it is the one, and since when it binds both States.
fn carries(teller: &Teller<'_>, instrument: &Instrument, why: Why) -> Paragraph {
    let title = teller.instrument(instrument.id.as_str());
    let request = teller.question.request;
    let issuing = teller.state(&request.issuing.0);
    let text = teller.tongue.carrier(&match why {
        Why::Named => Carrier::Named { title: &title },
        Why::Alone => Carrier::Alone { title: &title },
        Why::Speciality => Carrier::Speciality { title: &title },
        Why::Route => Carrier::Route {
            title: &title,
            state: &issuing,
        },
        Why::Rank => Carrier::Rank { title: &title },
    });
    let bound = [&request.issuing.0, &request.executing.0].map(|state| {
        let binding = instrument.binds.get(state)?;
        let bound = teller.tongue.carrier(&Carrier::Bound {
            state: &teller.state(state),
            since: binding.since,
        });
        let cite = teller.cite(instrument.binding_cite(binding), None);
        Some(Point::of(format!("{bound} ({cite})")))
    });
    Paragraph::toned(Tone::For, text).with(bound.into_iter().flatten())
}

fn nothing_carries(teller: &Teller<'_>, decision: &Decision) -> Vec<Paragraph> {
    let tongue = teller.tongue;
    let verdict = tongue.verdict(Verdict::NotApplicable);
    let grounds = decision
        .grounds
        .iter()
        .filter(|ground| ground.kind == GroundKind::NotApplicable);
    let grounds = grounds.map(|ground| {
        let text = teller.found(&ground.rule, None);
        Paragraph::toned(Tone::Against, tongue.labelled(verdict, &text))
    });
    let nothing = Paragraph::plain(tongue.carrier(&Carrier::Nothing));
    let mut paragraphs: Vec<_> = std::iter::once(nothing).chain(grounds).collect();
    if !decision.alternatives.is_empty() {
        let titles = teller.instruments(&decision.alternatives);
        let others = Carrier::Others { titles: &titles };
        paragraphs.push(Paragraph::plain(tongue.carrier(&others)));
    }
    paragraphs
}

fn passed_over(teller: &Teller<'_>, other: &PassedOver) -> String {
    let title = teller.instrument(other.instrument.as_str());
    let cite = other.citation.as_ref();
    let cite = cite.map(|cite| format!(" ({})", teller.cite(cite, None)));
    let reason = format!("{}{}", other.reason, cite.unwrap_or_default());
    teller.tongue.labelled(&title, &reason)
}
