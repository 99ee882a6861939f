//! Times in which nothing permits what a State or an instrument is there for, and times
//! between two versions of a rule.

use comity_domain::Stage;
use jiff::civil::Date;

use super::{Home, Law, Subject, meeting::Period};
use crate::{
    diagnostic::{Code, Diagnostic},
    model::{Effect, Instrument, Status},
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let laws: Vec<Law<'_>> = subject.laws().collect();
    let model = subject.model;
    for instrument in model.instruments.values() {
        if matches!(instrument.status, Status::InForce) {
            let home = Home::Instrument(instrument);
            found.extend(unpermitted(
                subject,
                home,
                (Stage::Instrument, bound(instrument)),
            ));
        }
    }
    for state in model.jurisdictions.values() {
        let all = Period {
            since: None,
            until: None,
        };
        for stage in [Stage::Outbound, Stage::Inbound] {
            found.extend(unpermitted(subject, Home::State(state), (stage, all)));
        }
    }
    for module in laws.chunk_by(|one, other| one.home.module().id == other.home.module().id) {
        found.extend(
            module
                .iter()
                .filter_map(|law| between(subject, *law, module)),
        );
    }
}

/// From when until when an instrument binds anybody.
fn bound(instrument: &Instrument) -> Period {
    let bindings = || instrument.binds.values();
    let ends: Option<Vec<Date>> = bindings().map(|binding| binding.until).collect();
    Period {
        since: bindings().map(|binding| binding.since).min(),
        until: ends.and_then(|ends| ends.into_iter().max()),
    }
}

/// The first time within a period in which no rule of a stage permits anything. A State
/// may begin to help on the first day of its first rule.
fn unpermitted(
    subject: &Subject<'_>,
    home: Home<'_>,
    (stage, period): (Stage, Period),
) -> Option<Diagnostic> {
    let what = match (stage, home) {
        (Stage::Outbound, _) => "what leaves the State",
        (Stage::Inbound, _) => "what arrives in the State",
        (Stage::Instrument | Stage::Disclosure, _) => "what travels on the instrument",
    };
    let wrong = |place: &crate::load::Place<'_>, message: String| {
        place
            .wrong(Code::LawGap, message)
            .why("without a permit nothing is ever approved")
            .remedy("let a rule with `effect: permit` be law at that time")
    };
    let rules = home.module().rules.iter();
    let permits = rules.filter(|rule| rule.stage == stage && rule.effect == Effect::Permit);
    let mut permits: Vec<_> = permits.filter(|rule| rule.exception_to.is_none()).collect();
    permits.sort_by_key(|rule| rule.since);
    let Some(first) = permits.first() else {
        let module = subject.module(home)?;
        return Some(wrong(
            &module.at("module"),
            format!("no rule permits {what}"),
        ));
    };
    // Up to this day there is a permit; `None`: for good.
    let mut covered = Some(period.since.or(first.since).unwrap_or(Date::MIN));
    let mut last = first;
    for rule in &permits {
        let Some(end) = covered else { break };
        if let Some(since) = rule.since.filter(|since| *since > end) {
            let place = subject.place(&rule.id)?.at("since");
            let message = format!("nothing permits {what} from {end} until {since}");
            return Some(wrong(&place, message));
        }
        if rule.until.is_none_or(|until| until > end) {
            (covered, last) = (rule.until, rule);
        }
    }
    let end = covered.filter(|end| period.until.is_none_or(|until| *end < until))?;
    let place = subject.place(&last.id)?.at("until");
    Some(wrong(
        &place,
        format!("nothing permits {what} from {end} on"),
    ))
}

/// The time between the end of a rule and its next version.
fn between(subject: &Subject<'_>, law: Law<'_>, module: &[Law<'_>]) -> Option<Diagnostic> {
    let end = law.rule.until?;
    let versions = || {
        let others = module.iter().filter(|other| other.rule.id != law.rule.id);
        others.filter(|other| are_versions(law, **other))
    };
    let goes_on = versions().any(|other| {
        let begun = other.rule.since.is_none_or(|since| since <= end);
        begun && other.rule.until.is_none_or(|until| until > end)
    });
    if goes_on {
        return None;
    }
    let later = versions().filter(|other| other.rule.since.is_some_and(|since| since > end));
    let next = later.min_by_key(|other| other.rule.since)?;
    let since = next.rule.since?;
    let id = &law.rule.id;
    Some(
        subject
            .place(&next.rule.id)?
            .at("since")
            .wrong(
                Code::LawGap,
                format!("no version of `{id}` is law from {end} until {since}"),
            )
            .why(format!("`{id}` ends on {end}"))
            .remedy("let one begin on the day on which the other ends"),
    )
}

/// Two rules of nearly one name that do the same by the same provision.
fn are_versions(one: Law<'_>, other: Law<'_>) -> bool {
    let (one, other) = (one.rule, other.rule);
    let [id, other_id] = [one.id.as_str(), other.id.as_str()];
    let stem = |id: &str| id.rsplit_once('-').map(|(stem, _)| stem.to_owned());
    let begins = |id: &str, stem: &str| {
        let rest = id.strip_prefix(stem);
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let named = begins(id, other_id) || begins(other_id, id) || stem(id) == stem(other_id);
    let provision = |rule: &crate::model::Rule| {
        let cite = rule.citations.first()?;
        Some((cite.source.clone(), cite.provision.clone()))
    };
    named
        && one.stage == other.stage
        && one.effect.name() == other.effect.name()
        && provision(one) == provision(other)
}
