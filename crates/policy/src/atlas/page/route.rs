//! One instrument on the page.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::{BoundParty, Clock, ClockUnit, Confidence, FactSource, RuleRef, Urgency};

use super::{
    cited, doubt, hurdles,
    labels::{self as say, word},
    place,
    sheet::Sheet,
    told,
};
use crate::{
    Line, OpenFact,
    atlas::answer::{
        BoundState, Competence, DualCriminality, DualCriminalityPosition, ExpectedObligation,
        FormInfo, Issuer, Reason, Route, TimeLimit,
    },
    phrase::Phrase,
    phrases::Tongue,
};

/// What settles whether a language is accepted.
pub(super) const LANGUAGE_ACCEPTED: &str = "language_accepted";
/// Indent of a heading, of what stands below it, and of what explains that.
const HEADING: usize = 3;
pub(super) const ENTRY: usize = 5;
pub(super) const DETAIL: usize = 7;

/// A way for the request; `first` is the first one where this is another.
pub(super) fn route(
    sheet: &mut Sheet,
    number: usize,
    route: &Route<'_>,
    first: Option<&Route<'_>>,
) {
    let as_first = say::AS_FIRST.in_words(sheet.tongue());
    head(sheet, number, route);
    heading(sheet, say::ISSUERS);
    if first.is_some_and(|first| first.issuers == route.issuers) {
        sheet.line(ENTRY, as_first);
    } else {
        issuers(sheet, &route.issuers);
    }
    heading(sheet, say::ADDRESSEES);
    if first.is_some_and(|first| first.addressees == route.addressees) {
        sheet.line(ENTRY, as_first);
    } else {
        addressees(sheet, route);
    }
    heading(sheet, say::CHANNEL);
    match &route.channel {
        Some(channel) => sheet.line(ENTRY, &cited(channel)),
        None => sheet.line(ENTRY, say::NO_CHANNEL.in_words(sheet.tongue())),
    }
    heading(sheet, say::FORM);
    form(sheet, route.form.as_ref());
    heading(sheet, say::LANGUAGES);
    languages(sheet, route);
    heading(sheet, say::TIME_LIMITS);
    time_limits(sheet, &route.time_limits);
    asked(sheet, &route.open);
    heading(sheet, say::DUAL_CRIMINALITY);
    dual_criminality(sheet, &route.dual_criminality);
    heading(sheet, say::HURDLES);
    hurdles::hurdles(sheet, route, first);
    assurances(sheet, route);
    obligations(sheet, &route.obligations);
    if let Some(notes) = &route.notes {
        heading(sheet, say::NOTES);
        sheet.line(ENTRY, notes);
    }
    certainty(sheet, route);
}

fn heading(sheet: &mut Sheet, phrase: Phrase) {
    sheet.line(HEADING, phrase.in_words(sheet.tongue()));
}

fn head(sheet: &mut Sheet, number: usize, route: &Route<'_>) {
    let tongue = sheet.tongue();
    sheet.line(
        0,
        &format!(
            "{number}. {} ({})",
            route.instrument.title, route.instrument.id
        ),
    );
    let source = &route.source.title;
    match route.source_checked {
        Some(day) => {
            sheet.line(
                HEADING,
                &say::SOURCE_CHECKED.with(tongue, &[source, &day.to_string()]),
            );
        }
        None => sheet.line(HEADING, source),
    }
    if let Some(note) = &route.source_note {
        sheet.line(HEADING, note);
    }
    let reasons: Vec<_> = route.reasons.iter().map(cited).collect();
    sheet.line(HEADING, &reasons.join("; "));
    let bound: Vec<_> = route
        .bound
        .iter()
        .map(|state| bound(state, tongue))
        .collect();
    sheet.line(HEADING, &bound.join("; "));
    for state in &route.bound {
        for declaration in &state.declarations {
            sheet.line(
                HEADING,
                &say::DECLARED.with(tongue, &[&state.state.title, declaration]),
            );
        }
    }
}

fn bound(state: &BoundState, tongue: Tongue) -> String {
    let since = state.since.to_string();
    let text = say::BINDS.with(tongue, &[&state.state.title, &since]);
    let reason = Reason {
        text: text.into(),
        citation: state.citation.clone(),
    };
    format!(
        "{}{}",
        cited(&reason),
        doubt(Some(state.confidence), tongue)
    )
}

fn issuers(sheet: &mut Sheet, issuers: &[Issuer<'_>]) {
    let tongue = sheet.tongue();
    if issuers.is_empty() {
        sheet.line(ENTRY, say::NOBODY.in_words(tongue));
    }
    let mut alone = Vec::new();
    let mut validated: BTreeMap<(Vec<&str>, String), Vec<String>> = BTreeMap::new();
    let mut barred: BTreeMap<&str, (&RuleRef, Vec<String>)> = BTreeMap::new();
    for issuer in issuers {
        let name = named(&issuer.authority, tongue);
        match &issuer.competence {
            Competence::Alone => alone.push(name),
            Competence::Validated(by, rule) => {
                let by = by.iter().map(|kind| word(kind, tongue)).collect();
                let key = (by, place(&rule.citation));
                validated.entry(key).or_default().push(name);
            }
            Competence::Barred(rule) => {
                let entry = barred.entry(rule.rule.as_str());
                entry.or_insert((rule, Vec::new())).1.push(name);
            }
        }
    }
    if !alone.is_empty() {
        sheet.line(ENTRY, &say::ALONE.with(tongue, &[&alone.join("; ")]));
    }
    for ((by, place), names) in validated {
        let gaps = [&by.join(", "), &place, &names.join("; ")];
        sheet.line(
            ENTRY,
            &say::VALIDATED.with(tongue, &gaps.map(String::as_str)),
        );
    }
    for (rule, names) in barred.into_values() {
        sheet.line(
            ENTRY,
            &say::BARRED.with(tongue, &[&names.join("; "), &told(rule)]),
        );
    }
}

fn named(authority: &crate::Addressee<'_>, tongue: Tongue) -> String {
    let title = authority.title.in_language(tongue.code());
    let title = title.map_or(&**authority.id, |(_, title)| title);
    format!(
        "{title} ({}){}",
        authority.id,
        doubt(Some(authority.confidence), tongue)
    )
}

fn addressees(sheet: &mut Sheet, route: &Route<'_>) {
    let tongue = sheet.tongue();
    if route.addressees.is_empty() {
        sheet.line(ENTRY, say::NOBODY.in_words(tongue));
        return;
    }
    let names: Vec<_> = route
        .addressees
        .iter()
        .map(|authority| named(authority, tongue))
        .collect();
    sheet.line(ENTRY, &names.join("; "));
}

fn form(sheet: &mut Sheet, form: Option<&FormInfo>) {
    let tongue = sheet.tongue();
    let Some(form) = form else {
        sheet.line(ENTRY, say::NO_FORM.in_words(tongue));
        return;
    };
    let title = Reason {
        text: form.title.clone(),
        citation: Some(form.citation.clone()),
    };
    sheet.line(ENTRY, &cited(&title));
    if form.may_be_omitted {
        sheet.line(DETAIL, say::FORM_MAY_BE_OMITTED.in_words(tongue));
    }
    for (phrase, sections) in [
        (say::FORM_NEEDED, &form.required),
        (say::FORM_OPTIONAL, &form.optional),
    ] {
        if !sections.is_empty() {
            sheet.line(DETAIL, &phrase.with(tongue, &[&sections.join("; ")]));
        }
    }
}

/// Languages accepted, with the rules that ask for one of them.
fn languages(sheet: &mut Sheet, route: &Route<'_>) {
    let languages = route.languages.join(", ");
    if route.languages_declared {
        sheet.line(ENTRY, &languages);
    } else {
        sheet.line(
            ENTRY,
            &say::NOT_DECLARED.with(sheet.tongue(), &[&languages]),
        );
    }
    for prospect in &route.prospects {
        let facts = &prospect.rule.facts_missing;
        if !facts.is_empty() && facts.iter().all(|fact| &**fact == LANGUAGE_ACCEPTED) {
            sheet.line(DETAIL, &told(&prospect.rule));
        }
    }
}

fn time_limits(sheet: &mut Sheet, limits: &[TimeLimit]) {
    let tongue = sheet.tongue();
    if limits.is_empty() {
        sheet.line(ENTRY, say::NO_TIME_LIMITS.in_words(tongue));
    }
    for limit in limits {
        let length = length(&limit.clock, tongue);
        let runs = say::FROM.with(tongue, &[&length, &limit.starts]);
        let mut text = format!("{}: {runs}", told(&limit.clock.rule));
        if limit.urgencies.len() < ALL_URGENCIES {
            let urgencies = limit.urgencies.iter();
            let urgencies: Vec<_> = urgencies.map(|level| urgency(*level, tongue)).collect();
            text = format!("{text} ({})", urgencies.join(", "));
        }
        sheet.line(ENTRY, &text);
        conditions(sheet, &limit.when, &limit.unless);
    }
}

/// How many urgencies there are: a time limit under all of them needs no mark.
const ALL_URGENCIES: usize = 3;

fn urgency(level: Urgency, tongue: Tongue) -> &'static str {
    say::urgency(level).in_words(tongue)
}

fn length(clock: &Clock, tongue: Tongue) -> String {
    let unit = match clock.unit {
        ClockUnit::Hours => Phrase("{} hours", "{} Stunden", "{} heures"),
        ClockUnit::Days => Phrase("{} days", "{} Tage", "{} jours"),
        ClockUnit::WorkingDays => Phrase("{} working days", "{} Arbeitstage", "{} jours ouvrables"),
        ClockUnit::Months => Phrase("{} months", "{} Monate", "{} mois"),
        ClockUnit::Open => return say::NO_LENGTH.in_words(tongue).to_owned(),
    };
    unit.with(tongue, &[&clock.length.to_string()])
}

/// What is asked outright: of the asking side, then of the other.
fn asked(sheet: &mut Sheet, open: &[OpenFact]) {
    let tongue = sheet.tongue();
    let asked = open.iter().filter(|fact| fact.presumed.is_none());
    let (requester, other): (Vec<_>, Vec<_>) =
        asked.partition(|fact| fact.stated_by == FactSource::Requester);
    heading(sheet, say::ASKED);
    if requester.is_empty() {
        sheet.line(ENTRY, say::NOTHING_ASKED.in_words(tongue));
    }
    for fact in requester {
        sheet.line(ENTRY, &format!("{} ({})", fact.question, fact.name));
    }
    if !other.is_empty() {
        heading(sheet, say::ASKED_OF_OTHER);
    }
    for fact in other {
        let role = fact.role.as_deref().map_or("", |role| word(role, tongue));
        sheet.line(ENTRY, &format!("{} ({}; {role})", fact.question, fact.name));
    }
}

/// What is known of the test; what would lift it stands with the rule, among
/// what may stand in the way.
fn dual_criminality(sheet: &mut Sheet, dual: &DualCriminality) {
    let tongue = sheet.tongue();
    let text = match dual.position {
        DualCriminalityPosition::NotTested => say::DUAL_NOT_TESTED.in_words(tongue).to_owned(),
        DualCriminalityPosition::Shown => say::DUAL_SHOWN.in_words(tongue).to_owned(),
        DualCriminalityPosition::Lifted => {
            let lines: Vec<_> = dual.lifted_by.iter().map(|line| &*line.words).collect();
            say::DUAL_LIFTED.with(tongue, &[&lines.join("; ")])
        }
        DualCriminalityPosition::Tested => {
            let rules: Vec<_> = dual.rules.iter().map(told).collect();
            say::DUAL_TESTED.with(tongue, &[&rules.join("; ")])
        }
    };
    sheet.line(ENTRY, &text);
}

fn assurances(sheet: &mut Sheet, route: &Route<'_>) {
    if route.assurances.is_empty() {
        return;
    }
    heading(sheet, say::ASSURANCES);
    for asked in &route.assurances {
        sheet.line(
            ENTRY,
            &format!("{}: {}", asked.kinds.join(", "), told(&asked.rule)),
        );
        conditions(sheet, &asked.when, &[]);
    }
}

fn obligations(sheet: &mut Sheet, obligations: &[ExpectedObligation]) {
    if obligations.is_empty() {
        return;
    }
    heading(sheet, say::BINDING);
    let tongue = sheet.tongue();
    for expected in obligations {
        let bound = match expected.obligation.bound {
            BoundParty::Issuing => "issuing",
            BoundParty::Executing => "executing",
        };
        let text = format!(
            "{}: {}",
            word(bound, tongue),
            told(&expected.obligation.rule)
        );
        sheet.line(ENTRY, &text);
        conditions(sheet, &expected.when, &expected.unless);
    }
}

/// The rules of the page that are not quite sure.
fn certainty(sheet: &mut Sheet, route: &Route<'_>) {
    heading(sheet, say::NOT_SURE);
    let tongue = sheet.tongue();
    let prospects = route.prospects.iter().map(|prospect| &prospect.rule);
    let limits = route.time_limits.iter().map(|limit| &limit.clock.rule);
    let bound = route
        .obligations
        .iter()
        .map(|expected| &expected.obligation.rule);
    let mut unsure: BTreeMap<Confidence, BTreeSet<&str>> = BTreeMap::new();
    for rule in prospects.chain(limits).chain(bound) {
        if rule.confidence < Confidence::High {
            unsure
                .entry(rule.confidence)
                .or_default()
                .insert(rule.rule.as_str());
        }
    }
    for open in &route.unsettled {
        let gaps = [&*open.checked.to_string(), &open.question];
        sheet.line(ENTRY, &say::UNSETTLED.with(tongue, &gaps));
    }
    if unsure.is_empty() && route.unsettled.is_empty() {
        sheet.line(ENTRY, say::ALL_SURE.in_words(tongue));
    }
    for (confidence, rules) in unsure {
        let phrase = if confidence == Confidence::Low {
            say::RULES_LOW
        } else {
            say::RULES_MEDIUM
        };
        let rules: Vec<_> = rules.into_iter().collect();
        sheet.line(ENTRY, &phrase.with(tongue, &[&rules.join(", ")]));
    }
}

/// Lines that are not settled: what must hold, and what lifts the rule.
pub(super) fn conditions(sheet: &mut Sheet, when: &[Line], unless: &[Line]) {
    let tongue = sheet.tongue();
    for (phrase, lines) in [(say::IF, when), (say::UNLESS, unless)] {
        for line in lines {
            sheet.line(DETAIL + 2, &phrase.with(tongue, &[&line.words]));
        }
    }
}
