//! Findings of the library itself, where no rule of a module speaks: nothing
//! permits a request, nothing carries it, or its form is not as it should be.

use std::{str::FromStr, sync::Arc};

use comity_domain::{
    Citation, Confidence, Digest, Ground, GroundKind, InvalidId, ModuleId, Referral, Requirement,
    RuleRef, Stage,
};

use crate::{
    FormCheck,
    findings::{EXECUTING_AUTHORITY, Findings, ISSUING_AUTHORITY, Setting, Speaker},
    form::{self, FormProblem},
    model::{Instrument, Model},
    resolve::{self, Matter, Obstacle},
};

/// A module none of whose rules permits the request.
pub(crate) fn no_permit(speaker: &Speaker<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    let title = setting.words(&speaker.module.title);
    let remark = Remark {
        module: &speaker.module.id,
        digest: speaker.module.digest,
        suffix: "no-permit",
        citation: speaker.source,
        text: format!("nothing in {title} permits this"),
    };
    findings.grounds.push(remark.ground(speaker.stage));
}

/// What is wrong with the instrument's own form, field by field.
pub(crate) fn form(
    instrument: &Instrument,
    given: FormCheck<'_>,
    setting: &Setting<'_>,
    findings: &mut Findings,
) {
    let Some(expected) = &instrument.form else {
        return;
    };
    let title = setting.words(&expected.title);
    let problems = match given {
        FormCheck::Presumed => return,
        FormCheck::Missing => vec![FormProblem {
            field: "form".to_owned(),
            message: format!("attach the form: {title}"),
        }],
        FormCheck::Given(content) => form::errors(expected, content),
    };
    let remark = Remark {
        module: &instrument.module.id,
        digest: instrument.module.digest,
        suffix: "form",
        citation: &expected.cite,
        text: title.to_string(),
    };
    let requirements = problems.into_iter().map(|problem| Requirement {
        rule: remark.rule_ref(),
        remedy: Arc::from(problem.message),
        field: Arc::from(problem.field),
        stage: Stage::Instrument,
    });
    findings.requirements.extend(requirements);
}

/// A State that is bound only as far as is known: whether it is, a human says.
pub(crate) fn doubtful_bindings(
    instrument: &Instrument,
    matter: &Matter<'_>,
    setting: &Setting<'_>,
    findings: &mut Findings,
) {
    let title = setting.words(&instrument.module.title);
    for (state, role) in [
        (matter.issuing, ISSUING_AUTHORITY),
        (matter.executing, EXECUTING_AUTHORITY),
    ] {
        let binding = instrument.binds.get(state);
        let Some(binding) = binding.filter(|found| found.confidence == Confidence::Low) else {
            continue;
        };
        let remark = Remark {
            module: &instrument.module.id,
            digest: instrument.module.digest,
            suffix: "binding",
            citation: binding
                .cite
                .as_ref()
                .or(instrument.binding_cite.as_ref())
                .unwrap_or(&instrument.source),
            text: format!("it is not certain that {title} binds {state}"),
        };
        let mut rule = remark.rule_ref();
        rule.confidence = binding.confidence;
        findings.referrals.push(Referral {
            rule,
            role: Arc::from(role),
            jurisdiction: state.clone(),
            question: Arc::from(format!("Is {state} bound by {title} on this day?")),
            four_eyes: false,
            stage: Stage::Instrument,
        });
    }
}

/// A State without a module has no law here that could permit anything.
pub(crate) fn unknown_states(model: &Model, matter: &Matter<'_>, findings: &mut Findings) {
    for (stage, state) in [
        (Stage::Outbound, matter.issuing),
        (Stage::Inbound, matter.executing),
    ] {
        if !model.jurisdictions.contains_key(state) {
            let remark = Remark {
                module: &identifier(&format!("jurisdiction/{state}")),
                digest: model.digest,
                suffix: "not-known",
                citation: &resolve::no_module(state.as_str()),
                text: format!("the library has no module of {state}"),
            };
            findings.grounds.push(remark.ground(stage));
        }
    }
}

/// What stands against every instrument that might have carried the request.
pub(crate) fn obstacles(
    model: &Model,
    matter: &Matter<'_>,
    obstacles: &[Obstacle],
    findings: &mut Findings,
) {
    for obstacle in obstacles {
        let module = model.instruments.get(&obstacle.instrument);
        let remark = Remark {
            module: &identifier(&format!("instrument/{}", obstacle.instrument)),
            digest: module.map_or(model.digest, |found| found.module.digest),
            suffix: obstacle.suffix,
            citation: &obstacle.citation,
            text: obstacle.reason.clone(),
        };
        findings.grounds.push(remark.ground(Stage::Instrument));
    }
    unknown_states(model, matter, findings);
    if let Some(state) = model.jurisdictions.get(matter.issuing)
        && obstacles.is_empty()
    {
        let remark = Remark {
            module: &state.module.id,
            digest: state.module.digest,
            suffix: "no-instrument",
            citation: &state.source,
            text: format!(
                "no instrument of the library carries `{}` from {} to {}",
                matter.measure, matter.issuing, matter.executing
            ),
        };
        findings.grounds.push(remark.ground(Stage::Instrument));
    }
}

/// About a module, with the law it sets out.
struct Remark<'a> {
    module: &'a ModuleId,
    digest: Digest,
    /// Makes the rule id, after the module's own name and a hyphen.
    suffix: &'a str,
    citation: &'a Citation,
    /// In English.
    text: String,
}

impl Remark<'_> {
    /// The request is not for this law at all.
    fn ground(&self, stage: Stage) -> Ground {
        Ground {
            rule: self.rule_ref(),
            kind: GroundKind::NotApplicable,
            consult_first: false,
            stage,
        }
    }

    fn rule_ref(&self) -> RuleRef {
        /// Longest rule id.
        const LONGEST: usize = 64;
        let module = self.module.as_str();
        let name = module.split_once('/').map_or(module, |(_, name)| name);
        let id = format!("{name}-{}", self.suffix).to_ascii_lowercase();
        RuleRef {
            rule: identifier(id.get(..LONGEST).unwrap_or(&id)),
            module: self.module.clone(),
            module_digest: self.digest,
            citation: self.citation.clone(),
            text: Arc::from(self.text.as_str()),
            language: Arc::from("en"),
            facts_used: Vec::new(),
            facts_missing: Vec::new(),
            confidence: Confidence::High,
        }
    }
}

/// An identifier put together from valid ones.
#[expect(
    clippy::expect_used,
    reason = "letters, digits and hyphens of valid identifiers make a valid identifier"
)]
fn identifier<T: FromStr<Err = InvalidId>>(text: &str) -> T {
    text.parse().expect("made of valid identifiers")
}
