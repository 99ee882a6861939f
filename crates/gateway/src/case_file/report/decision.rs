//! What was decided, why, by which rules, and how these rules stood.

use std::collections::BTreeMap;

use comity::v1;
use comity_domain::ModuleId;
use comity_policy::DecidingFiles;

use super::{
    html::{Html, instant, name},
    request::value,
};
use crate::case_file::{CaseFile, derive::obligations};

/// The decision, its conditions, time limits and facts.
pub(super) fn sections(page: &mut Html, case: &v1::Case) {
    let Some(decision) = &case.decision else {
        return;
    };
    page.section("decision", "The decision");
    page.terms(&[
        (
            "Outcome",
            name(decision.outcome().as_str_name(), "OUTCOME_"),
        ),
        ("Under", decision.instrument.clone()),
        ("By the law of", decision.law_date.clone()),
        (
            "Decided",
            decision
                .decided_at
                .as_ref()
                .map(instant)
                .unwrap_or_default(),
        ),
        ("Would apply instead", decision.alternatives.join(", ")),
    ]);
    findings(page, decision);
    answers(page, decision);
    passed_over(page, decision);
    page.section_end();
    conditions(page, case);
    clocks(page, case);
    facts(page, decision);
}

fn findings(page: &mut Html, decision: &v1::Decision) {
    for ground in &decision.grounds {
        let kind = match ground.kind() {
            v1::GroundKind::Return => "Returned",
            v1::GroundKind::Optional => "May be refused",
            v1::GroundKind::NotApplicable => "Does not apply",
            v1::GroundKind::Mandatory | v1::GroundKind::Unspecified => "Refused",
        };
        let consult = if ground.consult_first {
            "The executing authority consults the issuing authority first."
        } else {
            ""
        };
        finding(page, kind, ground.rule.as_ref(), consult);
    }
    for found in &decision.requirements {
        let more = format!("{}: {}", found.field, found.remedy);
        finding(page, "Needed", found.rule.as_ref(), &more);
    }
    for found in &decision.referrals {
        let more = format!(
            "{} of {}: {}",
            found.role, found.jurisdiction, found.question
        );
        finding(page, "For a human", found.rule.as_ref(), &more);
    }
    for rule in &decision.permits {
        finding(page, "Permitted", Some(rule), "");
    }
}

/// A finding: kind, the rule in words, its place in the law, what follows.
fn finding(page: &mut Html, kind: &str, rule: Option<&v1::RuleReference>, more: &str) {
    let Some(rule) = rule else { return };
    page.raw("<article class=\"finding\">\n");
    page.element("h3", kind);
    page.raw("<p>");
    page.text(&rule.text);
    page.raw("</p>\n<p class=\"cited\">");
    cited(page, rule);
    page.raw("</p>\n");
    if !more.is_empty() {
        page.element("p", more);
    }
    if !rule.facts_missing.is_empty() {
        let missing = rule.facts_missing.join(", ");
        page.element("p", &format!("Nobody has stated: {missing}"));
    }
    page.raw("</article>\n");
}

fn cited(page: &mut Html, rule: &v1::RuleReference) {
    if let Some(citation) = &rule.citation {
        let text = format!("{} {}", citation.title, citation.provision);
        page.link(&citation.url, text.trim());
    }
    page.raw(" <code>");
    page.text(&rule.rule_id);
    page.raw("</code>");
    if !rule.confidence.is_empty() {
        page.text(&format!(", confidence {}", rule.confidence));
    }
}

/// What humans answered.
fn answers(page: &mut Html, decision: &v1::Decision) {
    if decision.rulings.is_empty() {
        return;
    }
    page.element("h3", "Answers of humans");
    page.table_head(&["Rule", "Answer", "Task"]);
    for ruling in &decision.rulings {
        let rule = ruling.rule.as_ref();
        let answer = if ruling.released {
            "does not stand in the way"
        } else {
            "holds"
        };
        page.row(&[
            rule.map(|rule| rule.text.clone()).unwrap_or_default(),
            answer.to_owned(),
            ruling.task.clone(),
        ]);
    }
    page.table_foot();
}

fn passed_over(page: &mut Html, decision: &v1::Decision) {
    if decision.passed_over.is_empty() {
        return;
    }
    page.element("h3", "Instruments weighed and not used");
    page.table_head(&["Instrument", "Why not"]);
    for passed in &decision.passed_over {
        page.row(&[passed.instrument.clone(), passed.reason.clone()]);
    }
    page.table_foot();
}

fn conditions(page: &mut Html, case: &v1::Case) {
    let conditions = obligations(case).obligations;
    if conditions.is_empty() {
        return;
    }
    page.section("conditions", "Conditions");
    for condition in &conditions {
        let kind = name(condition.kind().as_str_name(), "OBLIGATION_KIND_");
        let parameters: Vec<_> = condition
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        let more = format!(
            "{}, binds the {} side{}{}",
            condition.obligation_id,
            condition.bound_party,
            if parameters.is_empty() { "" } else { "; " },
            parameters.join(", ")
        );
        finding(page, &capital(&kind), condition.rule.as_ref(), &more);
    }
    page.section_end();
}

/// With a capital letter first, as a heading.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    first.into_iter().flatten().chain(letters).collect()
}

fn clocks(page: &mut Html, case: &v1::Case) {
    if case.clocks.is_empty() {
        return;
    }
    page.section("clocks", "Time limits");
    page.table_head(&["What for", "Length", "From", "Stands", "Due", "Rule"]);
    for clock in &case.clocks {
        let unit = name(clock.unit().as_str_name(), "CLOCK_UNIT_");
        let length = if clock.unit() == v1::ClockUnit::Open {
            "no set length".to_owned()
        } else {
            format!("{} {unit}", clock.length)
        };
        page.row(&[
            clock.measures.clone(),
            length,
            clock.starts.clone(),
            name(clock.state().as_str_name(), "CLOCK_STATE_"),
            clock.due_at.as_ref().map(instant).unwrap_or_default(),
            clock.clock_id.clone(),
        ]);
    }
    page.table_foot();
    page.section_end();
}

fn facts(page: &mut Html, decision: &v1::Decision) {
    if decision.facts.is_empty() {
        return;
    }
    page.section("facts", "Facts that rules used");
    page.table_head(&["Fact", "Value", "Stated by", "Why presumed"]);
    for fact in &decision.facts {
        page.row(&[
            fact.name.clone(),
            value(fact.value.as_ref()),
            fact.source.clone(),
            fact.reason.clone(),
        ]);
    }
    page.table_foot();
    page.section_end();
}

/// The modules that decided and every rule of the decision as it stood.
pub(super) fn law(page: &mut Html, case_file: &CaseFile, case: &v1::Case) {
    let Some(decision) = &case.decision else {
        return;
    };
    page.section("law", "The law as it stood");
    page.terms(&[("Policy bundle", decision.bundle_sha256.clone())]);
    page.table_head(&["Module", "At", "SHA-256 of its files"]);
    for module in &decision.modules {
        page.row(&[
            module.module.clone(),
            name(module.stage().as_str_name(), "STAGE_"),
            module.sha256.clone(),
        ]);
    }
    page.table_foot();
    let bundle = decision.bundle_sha256.parse().ok();
    let files = bundle.and_then(|bundle| case_file.policies.get(&bundle));
    for (id, rule) in rules(decision) {
        page.raw("<article class=\"rule\">\n");
        page.element("h3", id);
        page.raw("<p class=\"cited\">");
        cited(page, rule);
        page.raw("</p>\n");
        if let Some(text) = files.and_then(|files| stood(files, rule)) {
            page.verbatim(&text);
        }
        page.raw("</article>\n");
    }
    page.section_end();
}

/// Every rule of a decision once, by id.
fn rules(decision: &v1::Decision) -> BTreeMap<&str, &v1::RuleReference> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let obligations = decision.obligations.iter().map(|found| &found.rule);
    let clocks = decision.clocks.iter().map(|found| &found.rule);
    let found = grounds.chain(requirements).chain(referrals);
    let found = found.chain(obligations).chain(clocks).flatten();
    let all = found.chain(&decision.permits);
    all.map(|rule| (rule.rule_id.as_str(), rule)).collect()
}

/// A rule as its module's file has it: from its id to the next entry.
fn stood(files: &DecidingFiles, rule: &v1::RuleReference) -> Option<String> {
    let module: ModuleId = rule.module.parse().ok()?;
    let file = format!("{}module.yaml", DecidingFiles::folder_of(&module));
    let text = files.get(&file)?;
    let begins = format!("- id: {}", rule.rule_id);
    let mut lines = text
        .lines()
        .skip_while(|line| line.trim_start().trim_end() != begins);
    let first = lines.next()?;
    let indent = first.len() - first.trim_start().len();
    let inside =
        |line: &&str| line.trim().is_empty() || line.len() - line.trim_start().len() > indent;
    let rest: Vec<&str> = lines.take_while(inside).collect();
    Some([&[first], rest.as_slice()].concat().join("\n"))
}
