//! The atlas's answer as a page: what somebody who is about to ask another
//! State reads first, one instrument after the other.

mod hurdles;
mod labels;
mod route;
mod sheet;

use std::fmt;

use comity_domain::{Citation, Confidence, RuleRef};

use self::{labels as say, sheet::Sheet};
use super::answer::{Atlas, OffenceProfile, Reason};
use crate::phrases::Tongue;

impl fmt::Display for Atlas<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&page(self))
    }
}

fn page(atlas: &Atlas<'_>) -> String {
    let Atlas {
        issuing,
        executing,
        measure,
        offence,
        law_date,
        bundle: _,
        routes,
        passed_over,
        out_of_scope,
        no_route,
        notes,
        language,
    } = atlas;
    let tongue = Tongue::of(language);
    let mut sheet = Sheet::new(tongue);
    sheet.line(
        0,
        &format!(
            "{} → {}: {} ({})",
            issuing.title, executing.title, measure.title, measure.id
        ),
    );
    sheet.line(0, &say::LAW_OF.with(tongue, &[&law_date.to_string()]));
    if let Some(offence) = offence {
        self::offence(&mut sheet, offence, executing.id.as_ref());
    }
    for (number, route) in (1..).zip(routes) {
        sheet.gap();
        // What a later one has in common with the first is not told again.
        let first = routes.first().filter(|_| number > 1);
        route::route(&mut sheet, number, route, first);
    }
    if routes.is_empty() {
        sheet.gap();
        sheet.line(0, say::NO_ROUTE.in_words(tongue));
    }
    if let Some(reason) = no_route {
        sheet.line(2, &cited(reason));
    }
    if !(passed_over.is_empty() && out_of_scope.is_empty()) {
        sheet.gap();
        sheet.line(0, say::PASSED_OVER.in_words(tongue));
        self::passed_over(&mut sheet, atlas);
    }
    if !notes.is_empty() {
        sheet.gap();
        sheet.line(0, say::NOTES.in_words(tongue));
        for (state, notes) in notes {
            sheet.line(2, &format!("{}: {notes}", state.title));
        }
    }
    sheet.finish()
}

/// Instruments that are not usable: each with its reason, and those of another
/// scope together.
fn passed_over(sheet: &mut Sheet, atlas: &Atlas<'_>) {
    let tongue = sheet.tongue();
    for passed in &atlas.passed_over {
        let reason = Reason {
            text: passed.reason.clone(),
            citation: passed.citation.clone(),
        };
        // Most reasons name the instrument themselves.
        let named = format!("`{}`", passed.instrument);
        let line = match reason.text.contains(&named) {
            true => cited(&reason),
            false => format!("{named}: {}", cited(&reason)),
        };
        sheet.line(2, &line);
    }
    let others = atlas.out_of_scope.iter();
    let others: Vec<_> = others.map(|passed| passed.instrument.as_str()).collect();
    if !others.is_empty() {
        sheet.line(2, &say::OUT_OF_SCOPE.with(tongue, &[&others.join(", ")]));
    }
}

fn offence(sheet: &mut Sheet, offence: &OffenceProfile, executing: &str) {
    let OffenceProfile {
        name,
        title,
        max_penalty_months,
        categories,
        confidence,
        abroad,
    } = offence;
    let tongue = sheet.tongue();
    let mut text = name.to_string();
    if let Some(title) = title {
        text = format!("{name} {title}");
    }
    if let Some(months) = max_penalty_months {
        let months = say::MONTHS.with(tongue, &[&months.to_string()]);
        text = format!("{text}, {months}");
    }
    if title.is_some() && !categories.is_empty() {
        let ticked = say::MAY_BE_TICKED.with(tongue, &[&categories.join(", ")]);
        text = format!("{text}, {ticked}");
    }
    text.push_str(doubt(*confidence, tongue));
    sheet.line(0, &say::OFFENCE.with(tongue, &[&text]));
    for other in abroad {
        let months = say::MONTHS.with(tongue, &[&other.max_penalty_months.to_string()]);
        let text = format!(
            "{} {}, {months}{}",
            other.provision.id,
            other.provision.title,
            doubt(Some(other.confidence), tongue)
        );
        sheet.line(2, &say::ABROAD.with(tongue, &[executing, &text]));
    }
}

/// A remark on an entry that is not quite sure.
fn doubt(confidence: Option<Confidence>, tongue: Tongue) -> &'static str {
    match confidence {
        Some(Confidence::Low) => say::ENTRY_LOW.in_words(tongue),
        Some(Confidence::Medium) => say::ENTRY_MEDIUM.in_words(tongue),
        Some(Confidence::High) | None => "",
    }
}

/// A statement with its place in the law.
fn cited(reason: &Reason) -> String {
    match &reason.citation {
        Some(citation) => format!("{} [{}]", reason.text, place(citation)),
        None => reason.text.to_string(),
    }
}

/// A place in the law, in the fewest words.
fn place(citation: &Citation) -> String {
    let place = format!("{} {}", citation.source, citation.provision);
    place.trim_end().to_owned()
}

/// A rule by its title, with its place in the law.
fn told(rule: &RuleRef) -> String {
    format!("{} [{}]", rule.text, place(&rule.citation))
}
