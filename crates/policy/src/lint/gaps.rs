//! Times in which nothing permits what a State or an instrument is there for, and times
//! between two versions of a rule.

use comity_domain::Stage;
use jiff::civil::Date;

use super::{
    Home, Law, Subject,
    meeting::Period,
    shadow::{covers, say_the_same},
};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::Place,
    model::{Effect, Instrument, Rule, Status},
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

/// The first time within a period in which no rule of a stage permits anything, or only
/// part of what one permitted that ended. A State may begin to help on the first day of its
/// first rule.
fn unpermitted<'a>(
    subject: &Subject<'a>,
    home: Home<'a>,
    (stage, period): (Stage, Period),
) -> Option<Diagnostic> {
    let what = match (stage, home) {
        (Stage::Outbound, _) => "what leaves the State",
        (Stage::Inbound, _) => "what arrives in the State",
        (Stage::Instrument | Stage::Disclosure, _) => "what travels on the instrument",
    };
    let wrong = |place: &Place<'_>, message: String| {
        place
            .wrong(Code::LawGap, message)
            .why("without a permit nothing is ever approved")
            .remedy("let a rule with `effect: permit` be law at that time")
    };
    let rules = home.module().rules.iter();
    let permits = rules.filter(|rule| rule.stage == stage && rule.effect == Effect::Permit);
    let permits = permits.filter(|rule| rule.exception_to.is_none());
    let permits: Vec<Law<'_>> = permits.map(|rule| Law { home, rule }).collect();
    let Some(first) = permits.iter().map(|law| law.rule.since).min() else {
        let module = subject.module(home)?;
        return Some(wrong(
            &module.at("module"),
            format!("no rule permits {what}"),
        ));
    };
    let start = period.since.or(first).unwrap_or(Date::MIN);
    let ends = permits
        .iter()
        .filter_map(|law| Some((law.rule.until?, Some(*law))));
    let ends = ends.filter(|(end, _)| *end > start);
    let mut days: Vec<(Date, Option<Law<'_>>)> = ends.chain([(start, None)]).collect();
    days.retain(|(day, _)| period.until.is_none_or(|until| *day < until));
    days.sort_by_key(|(day, _)| *day);
    let gap = |day| gap(subject, &permits, day, what);
    let (law, key, message) = days.into_iter().find_map(gap)?;
    Some(wrong(&subject.place(&law.rule.id)?.at(key), message))
}

/// Whether nothing takes the place of a permit that ends on a day, or nothing permits
/// anything on the first one: the rule and the key to blame, and what is wrong.
fn gap<'a>(
    subject: &Subject<'a>,
    permits: &[Law<'a>],
    (day, ended): (Date, Option<Law<'a>>),
    what: &str,
) -> Option<(Law<'a>, &'static str, String)> {
    let permits_less = |law: &&Law<'_>| {
        let is_less = |ended| covers(subject, ended, **law) && !covers(subject, **law, ended);
        ended.is_some_and(is_less)
    };
    let (less, others): (Vec<&Law<'a>>, Vec<_>) = permits.iter().partition(permits_less);
    let is_law = |law: &&Law<'a>| {
        let Law { rule, .. } = law;
        rule.since.is_none_or(|since| since <= day) && rule.until.is_none_or(|until| until > day)
    };
    if others.iter().any(&is_law) {
        return None;
    }
    let less: Vec<Law<'a>> = less.into_iter().filter(is_law).copied().collect();
    let nothing = match (ended, less.is_empty()) {
        (Some(ended), false) if !leave_out(subject, ended, &less) => return None,
        (Some(_), false) => format!("only part of {what} is permitted"),
        (None, _) | (_, true) => format!("nothing permits {what}"),
    };
    let begins = |law: &Law<'a>| Some((law.rule.since.filter(|since| *since > day)?, *law));
    let later = others.into_iter().filter_map(begins);
    if let Some((since, next)) = later.min_by_key(|(since, _)| *since) {
        return Some((next, "since", format!("{nothing} from {day} until {since}")));
    }
    let last = ended.or_else(|| permits.iter().copied().max_by_key(|law| law.rule.until))?;
    Some((last, "until", format!("{nothing} from {day} on")))
}

/// Whether a permit is for something that others together are not for.
fn leave_out<'a>(subject: &Subject<'a>, permit: Law<'a>, others: &[Law<'a>]) -> bool {
    let is_with = |law: &Law<'_>, state| {
        let counterparts = &law.rule.counterparts;
        counterparts.is_empty() || counterparts.contains(state)
    };
    let states = subject.model.jurisdictions.keys();
    let states: Vec<_> = states.filter(|state| is_with(&permit, state)).collect();
    permit.instruments(subject).any(|instrument| {
        let carried = subject.carried.get(&instrument.id).into_iter().flatten();
        let mut measures = permit.among(subject, carried.copied()).into_iter();
        measures.any(|measure| {
            let is_for = |law: &&Law<'_>| {
                let measures = law.among(subject, std::iter::once(measure));
                law.under(instrument) && !measures.is_empty()
            };
            let others: Vec<_> = others.iter().filter(is_for).collect();
            let mut states = states.iter();
            states.any(|state| !others.iter().any(|law| is_with(law, state)))
        })
    })
}

/// The time between the end of a rule and its next version.
fn between(subject: &Subject<'_>, law: Law<'_>, module: &[Law<'_>]) -> Option<Diagnostic> {
    let end = law.rule.until?;
    let versions = || {
        let others = module.iter().filter(|other| other.rule.id != law.rule.id);
        others.filter(|other| are_versions(subject, law, **other))
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

/// Two rules of nearly one name that say the same by the same provision, one of them of all
/// that the other is for.
fn are_versions(subject: &Subject<'_>, law: Law<'_>, of: Law<'_>) -> bool {
    let (one, other) = (law.rule, of.rule);
    let [id, other_id] = [one.id.as_str(), other.id.as_str()];
    let stem = |id: &str| id.rsplit_once('-').map(|(stem, _)| stem.to_owned());
    let begins = |id: &str, stem: &str| {
        let rest = id.strip_prefix(stem);
        rest.is_some_and(|rest| rest.starts_with('-'))
    };
    let named = begins(id, other_id) || begins(other_id, id) || stem(id) == stem(other_id);
    let provision = |rule: &Rule| {
        let cite = rule.citations.first()?;
        Some((cite.source.clone(), cite.provision.clone()))
    };
    named
        && provision(one) == provision(other)
        && (say_the_same(one, other) || say_the_same(other, one))
        && (covers(subject, law, of) || covers(subject, of, law))
}
