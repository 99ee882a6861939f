//! What was decided, why, by which rules, and how these rules stood.

use std::collections::BTreeMap;

use comity::v1;
use comity_domain::ModuleId;
use comity_policy::DecidingFiles;

use super::{
    parts::{Aside, Block, Section, Span, moment, name},
    request::value,
};
use crate::{
    case_file::{CaseFile, derive::obligations},
    wire,
};

/// The decision, its conditions, time limits and facts.
pub(super) fn sections(case: &v1::Case) -> Vec<Section> {
    let conditions = conditions(case);
    let clocks = clocks(case);
    match &case.decision {
        Some(decision) => vec![made(decision), conditions, clocks, facts(decision)],
        None => Vec::new(),
    }
}

fn made(decision: &v1::Decision) -> Section {
    let mut section = Section::new("decision", "The decision");
    let outcome = name(decision.outcome().as_str_name(), "OUTCOME_");
    section.terms([
        ("Outcome", outcome),
        ("Under", decision.instrument.clone()),
        ("By the law of", decision.law_date.clone()),
        ("Decided", moment(decision.decided_at.as_ref())),
        ("Would apply instead", decision.alternatives.join(", ")),
    ]);
    findings(&mut section, decision);
    let answered = decision.rulings.iter().map(|ruling| {
        let rule = ruling.rule.as_ref();
        let answer = if ruling.released {
            "does not stand in the way"
        } else {
            "holds"
        };
        vec![
            rule.map(|rule| rule.text.clone()).unwrap_or_default(),
            answer.to_owned(),
            ruling.task.clone(),
        ]
    });
    section.table_under("Answers of humans", &["Rule", "Answer", "Task"], answered);
    let passed = decision.passed_over.iter();
    section.table_under(
        "Instruments weighed and not used",
        &["Instrument", "Why not"],
        passed.map(|passed| vec![passed.instrument.clone(), passed.reason.clone()]),
    );
    section
}

fn findings(section: &mut Section, decision: &v1::Decision) {
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
        finding(section, kind, ground.rule.as_ref(), consult);
    }
    for found in &decision.requirements {
        let more = format!("{}: {}", found.field, found.remedy);
        finding(section, "Needed", found.rule.as_ref(), &more);
    }
    for found in &decision.referrals {
        let more = format!(
            "{} of {}: {}",
            found.role, found.jurisdiction, found.question
        );
        finding(section, "For a human", found.rule.as_ref(), &more);
    }
    for rule in &decision.permits {
        finding(section, "Permitted", Some(rule), "");
    }
}

/// A finding: kind, the rule in words, its place in the law, what follows.
fn finding(section: &mut Section, kind: &str, rule: Option<&v1::RuleReference>, more: &str) {
    let Some(rule) = rule else { return };
    let mut blocks = vec![
        Block::Heading(kind.to_owned()),
        Block::paragraph(&rule.text),
        cited(rule),
    ];
    if !more.is_empty() {
        blocks.push(Block::paragraph(more));
    }
    if !rule.facts_missing.is_empty() {
        let missing = rule.facts_missing.join(", ");
        blocks.push(Block::paragraph(format!("Nobody has stated: {missing}")));
    }
    section.blocks.push(Block::Aside(Aside::Finding, blocks));
}

fn cited(rule: &v1::RuleReference) -> Block {
    let mut spans = Vec::new();
    if let Some(citation) = &rule.citation {
        let text = format!("{} {}", citation.title, citation.provision);
        spans.push(Span::link(&citation.url, text.trim()));
    }
    spans.push(Span::Text(" ".to_owned()));
    spans.push(Span::Code(rule.rule_id.clone()));
    if !rule.confidence.is_empty() {
        spans.push(Span::Text(format!(", confidence {}", rule.confidence)));
    }
    Block::Cited(spans)
}

fn conditions(case: &v1::Case) -> Section {
    let mut section = Section::new("conditions", "Conditions");
    for condition in &obligations(case).obligations {
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
        finding(
            &mut section,
            &capital(&kind),
            condition.rule.as_ref(),
            &more,
        );
    }
    section
}

/// With a capital letter first, as a heading.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase());
    first.into_iter().flatten().chain(letters).collect()
}

fn clocks(case: &v1::Case) -> Section {
    let mut section = Section::new("clocks", "Time limits");
    let rows = case.clocks.iter().map(|clock| {
        let unit = name(clock.unit().as_str_name(), "CLOCK_UNIT_");
        let length = if clock.unit() == v1::ClockUnit::Open {
            "no set length".to_owned()
        } else {
            format!("{} {unit}", clock.length)
        };
        vec![
            clock.measures.clone(),
            length,
            clock.starts.clone(),
            name(clock.state().as_str_name(), "CLOCK_STATE_"),
            moment(clock.due_at.as_ref()),
            clock.clock_id.clone(),
        ]
    });
    section.table(
        &["What for", "Length", "From", "Stands", "Due", "Rule"],
        rows,
    );
    section
}

fn facts(decision: &v1::Decision) -> Section {
    let mut section = Section::new("facts", "Facts that rules used");
    let rows = decision.facts.iter().map(|fact| {
        vec![
            fact.name.clone(),
            value(fact.value.as_ref()),
            fact.source.clone(),
            fact.reason.clone(),
        ]
    });
    section.table(&["Fact", "Value", "Stated by", "Why presumed"], rows);
    section
}

/// The modules that decided and every rule of the decision as it stood.
pub(super) fn law(case_file: &CaseFile, case: &v1::Case) -> Section {
    let mut section = Section::new("law", "The law as it stood");
    let Some(decision) = &case.decision else {
        return section;
    };
    section.terms([("Policy bundle", decision.bundle_sha256.clone())]);
    let modules = decision.modules.iter().map(|module| {
        let stage = name(module.stage().as_str_name(), "STAGE_");
        vec![module.module.clone(), stage, module.sha256.clone()]
    });
    section.table(&["Module", "At", "SHA-256 of its files"], modules);
    let bundle = decision.bundle_sha256.parse().ok();
    let files = bundle.and_then(|bundle| case_file.policies.get(&bundle));
    for (id, rule) in rules(decision) {
        let mut blocks = vec![Block::Heading(id.to_owned()), cited(rule)];
        let text = files.and_then(|files| stood(files, rule));
        blocks.extend(text.map(Block::Verbatim));
        section.blocks.push(Block::Aside(Aside::Rule, blocks));
    }
    section
}

/// Every rule of a decision once, by id.
fn rules(decision: &v1::Decision) -> BTreeMap<&str, &v1::RuleReference> {
    let all = wire::rules_all(decision);
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
