//! What a request tried out may come to, in words.

use std::fmt::Write as _;

use comity::v1;

use super::{length, outcome_name, short_citation};

/// What would be decided, what is missing, what will be asked, what would have
/// to change.
pub(crate) fn preflight(answer: &v1::PreflightResponse) -> String {
    let decision = answer.decision.clone().unwrap_or_default();
    let outcome = outcome_name(decision.outcome());
    let carried = match decision.instrument.as_str() {
        "" => "by no instrument".to_owned(),
        instrument => format!("under {instrument}"),
    };
    let mut page = Page(String::new());
    page.line(
        0,
        &format!(
            "now {outcome} {carried}, law of {}; nothing was sent",
            decision.law_date
        ),
    );
    page.heading("Missing", answer.missing.is_empty());
    for (what, rules) in missing(&answer.missing) {
        page.line(2, &format!("{what}{}", rules.join(";")));
    }
    page.heading("Would be refused", answer.would_be_refused.is_empty());
    for ground in &answer.would_be_refused {
        refused(&mut page, ground);
    }
    // What hangs on a fact is asked for below, fact by fact.
    let settled = |referral: &&v1::Referral| {
        let rule = referral.rule.as_ref();
        rule.is_none_or(|rule| rule.facts_missing.is_empty())
    };
    let referrals: Vec<_> = decision.referrals.iter().filter(settled).collect();
    page.heading("For a human", referrals.is_empty());
    for referral in referrals {
        let by = referral.rule.as_ref().map(place).unwrap_or_default();
        let (role, state) = (&referral.role, &referral.jurisdiction);
        page.line(2, &format!("{role} of {state}: {}{by}", referral.question));
    }
    page.heading("Will be asked", answer.will_be_asked.is_empty());
    for fact in &answer.will_be_asked {
        page.line(2, &format!("{}: {}", asked_of(fact), fact.question));
        page.line(4, &format!("{}; for {}", fact.name, rules(fact)));
    }
    page.heading(
        "May be raised, and is presumed not to matter",
        answer.may_be_raised.is_empty(),
    );
    for fact in &answer.may_be_raised {
        page.line(
            2,
            &format!("{} ({}); for {}", fact.title, fact.name, rules(fact)),
        );
    }
    if !decision.clocks.is_empty() {
        page.heading("Time limits", false);
    }
    for clock in &decision.clocks {
        let by = clock.rule.as_ref().map(place).unwrap_or_default();
        page.line(2, &format!("{}{by}", length(clock)));
    }
    if !decision.alternatives.is_empty() {
        page.heading("Would apply instead", false);
        page.line(2, &decision.alternatives.join(", "));
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, indent: usize, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{:indent$}{text}", "");
    }

    /// A heading, with the remark that nothing stands below it where so.
    fn heading(&mut self, title: &str, nothing: bool) {
        let remark = if nothing { ": nothing" } else { "" };
        self.line(0, &format!("{title}{remark}"));
    }
}

/// What is missing, once for all rules that ask for it.
fn missing(items: &[v1::MissingItem]) -> Vec<(String, Vec<String>)> {
    let mut told: Vec<(String, Vec<String>)> = Vec::new();
    for item in items {
        let what = format!("{}: {}", item.field, item.remedy);
        let rule = item.rule.as_ref().map(place);
        match told.iter_mut().find(|(other, _)| *other == what) {
            Some((_, rules)) => rules.extend(rule),
            None => told.push((what, rule.into_iter().collect())),
        }
    }
    told
}

fn refused(page: &mut Page, ground: &v1::Prospect) {
    let Some(rule) = &ground.rule else { return };
    let kind = match ground.effect() {
        v1::ProspectEffect::MayRefuse => "may be refused",
        v1::ProspectEffect::Return => "returned",
        v1::ProspectEffect::NotApplicable => "does not apply",
        v1::ProspectEffect::Unspecified
        | v1::ProspectEffect::Permit
        | v1::ProspectEffect::Refuse
        | v1::ProspectEffect::Require
        | v1::ProspectEffect::Refer => "refused",
    };
    let consult = if ground.consult_first {
        ", after consultation"
    } else {
        ""
    };
    page.line(2, &format!("{kind}{consult}: {}{}", rule.text, place(rule)));
    for line in &ground.when {
        page.line(4, &format!("because: {}", line.words));
    }
    for line in &ground.unless {
        page.line(4, &format!("unless: {}", line.words));
    }
    if !ground.reroute.is_empty() {
        page.line(4, &format!("instead: {}", ground.reroute.join(", ")));
    }
}

/// Who is asked for a fact.
fn asked_of(fact: &v1::OpenFact) -> &str {
    match fact.role.as_str() {
        "" => &fact.stated_by,
        role => role,
    }
}

fn rules(fact: &v1::OpenFact) -> String {
    let rules: Vec<_> = fact
        .rules
        .iter()
        .map(|rule| rule.rule_id.as_str())
        .collect();
    rules.join(", ")
}

/// A rule's place in the law with its id, to stand behind a text.
fn place(rule: &v1::RuleReference) -> String {
    format!(" [{}] {}", short_citation(rule), rule.rule_id)
}
