//! Findings of the library itself, where no rule of a module speaks: nothing
//! permits a request, nothing carries it, or its form is not as it should be.

use std::{ops::ControlFlow, str::FromStr, sync::Arc};

use comity_domain::{
    Citation, Confidence, Digest, Ground, GroundKind, InvalidId, Judgement, JurisdictionCode,
    ModuleId, Referral, Requirement, RuleRef, Ruled, Stage,
};
use serde_json::Value;

use crate::{
    FormCheck,
    findings::{EXECUTING_AUTHORITY, Findings, ISSUING_AUTHORITY, Setting, Speaker},
    form::{self, FormProblem},
    model::{Binding, Form, Instrument, Model},
    phrases::{Fault, Remark},
    reader::Reader,
    resolve::{self, Matter, Obstacle},
    restated::contradictions,
    ruling::Image,
};

/// A module none of whose rules permits the request.
pub(crate) fn no_permit(speaker: &Speaker<'_>, setting: &Setting<'_>, findings: &mut Findings) {
    let text = Remark::NoPermit {
        module: &setting.words(&speaker.module.title),
    };
    let finding = Finding {
        module: &speaker.module.id,
        digest: speaker.module.digest,
        suffix: "no-permit",
        citation: speaker.source,
        text: setting.reader.tongue().remark(&text),
    };
    findings
        .grounds
        .push(finding.ground(&setting.reader, speaker.stage));
}

/// What is wrong with the instrument's own form, field by field.
pub(crate) fn form(
    instrument: &Instrument,
    given: FormCheck<'_>,
    setting: &Setting<'_>,
    findings: &mut Findings,
) {
    let Some(expected) = setting.declarations.form else {
        return;
    };
    let tongue = setting.reader.tongue();
    let title = setting.words(&expected.title);
    let problems = match given {
        FormCheck::Presumed | FormCheck::Excerpt(_) => return,
        FormCheck::Missing if !expected.required => return,
        FormCheck::Missing => vec![FormProblem {
            field: "form".to_owned(),
            message: tongue.remark(&Remark::AttachForm { form: &title }),
        }],
        FormCheck::Given(content) => form_problems(expected, content, setting),
    };
    if problems.is_empty() {
        return;
    }
    let finding = Finding {
        module: &instrument.module.id,
        digest: instrument.module.digest,
        suffix: "form",
        citation: &expected.cite,
        text: title.to_string(),
    };
    let requirements = problems.into_iter().map(|problem| Requirement {
        rule: finding.rule_ref(&setting.reader),
        remedy: Arc::from(problem.message),
        field: Arc::from(problem.field),
        stage: Stage::Instrument,
    });
    findings.requirements.extend(requirements);
}

/// What the schema of a form finds wrong with one, and what in it contradicts the request.
fn form_problems(expected: &Form, content: &Value, setting: &Setting<'_>) -> Vec<FormProblem> {
    let tongue = setting.reader.tongue();
    let mut problems = form::errors(expected, content, tongue);
    let against = (setting.request, setting.reader.model);
    let _all_or_enough = contradictions(expected, content, against, &mut |path, restated| {
        if problems.len() >= form::MAX_PROBLEMS {
            return ControlFlow::Break(());
        }
        if problems.iter().all(|known| known.field != path) {
            let field = &restated.path();
            problems.push(FormProblem {
                field: path.to_owned(),
                message: tongue.fault(&Fault::Contradicts { field }),
            });
        }
        ControlFlow::Continue(())
    });
    problems
}

/// A State that is bound only as far as is known: whether it is, a human says.
pub(crate) fn doubtful_bindings(
    instrument: &Instrument,
    matter: &Matter<'_>,
    setting: &Setting<'_>,
    findings: &mut Findings,
) {
    let title = setting.words(&instrument.module.title);
    let tongue = setting.reader.tongue();
    for (state, role) in [
        (matter.issuing, ISSUING_AUTHORITY),
        (matter.executing, EXECUTING_AUTHORITY),
    ] {
        let binding = instrument.binds.get(state);
        let Some(binding) = binding.filter(|found| found.confidence == Confidence::Low) else {
            continue;
        };
        let (instrument_title, code) = (&*title, state.as_str());
        let finding = Finding {
            module: &instrument.module.id,
            digest: instrument.module.digest,
            suffix: "binding",
            citation: binding
                .cite
                .as_ref()
                .or(instrument.binding_cite.as_ref())
                .unwrap_or(&instrument.source),
            text: tongue.remark(&Remark::BindingUncertain {
                instrument: instrument_title,
                state: code,
            }),
        };
        let mut rule = finding.rule_ref(&setting.reader);
        rule.confidence = binding.confidence;
        let basis = binding_basis(instrument, state, binding);
        if let Some(ruling) = findings.answers.to(&basis).cloned() {
            if ruling.judgement == Judgement::Uphold {
                let ground = finding.ground(&setting.reader, Stage::Instrument);
                findings.grounds.push(ground);
                findings.unbound = true;
            }
            findings.rulings.push(Ruled {
                rule,
                ruling,
                fact: None,
            });
            continue;
        }
        let question = tongue.remark(&Remark::IsBound {
            instrument: instrument_title,
            state: code,
        });
        findings.referrals.push(Referral {
            rule,
            role: Arc::from(role),
            jurisdiction: state.clone(),
            question: Arc::from(question),
            four_eyes: false,
            stage: Stage::Instrument,
            basis,
            settles: None,
        });
    }
}

/// The question whether a State is bound, as far as an answer depends on it.
fn binding_basis(instrument: &Instrument, state: &JurisdictionCode, binding: &Binding) -> Digest {
    let mut image = Image::of("binding");
    image.text(instrument.id.as_str());
    image.text(state.as_str());
    image.text(&binding.since.to_string());
    image.text(&binding.until.map(|day| day.to_string()).unwrap_or_default());
    image.digest()
}

/// A State without a module has no law here that could permit anything.
pub(crate) fn unknown_states(reader: &Reader<'_>, matter: &Matter<'_>, findings: &mut Findings) {
    let model = reader.model;
    for (stage, state) in [
        (Stage::Outbound, matter.issuing),
        (Stage::Inbound, matter.executing),
    ] {
        if !model.jurisdictions.contains_key(state) {
            let finding = Finding {
                module: &identifier(&format!("jurisdiction/{state}")),
                digest: model.digest,
                suffix: "not-known",
                citation: &resolve::no_module(reader, state.as_str()),
                text: reader
                    .tongue()
                    .remark(&Remark::NoModule { of: state.as_str() }),
            };
            findings.grounds.push(finding.ground(reader, stage));
        }
    }
}

/// What stands against every instrument that might have carried the request.
pub(crate) fn obstacles(
    reader: &Reader<'_>,
    matter: &Matter<'_>,
    obstacles: &[Obstacle],
    findings: &mut Findings,
) {
    let model = reader.model;
    for obstacle in obstacles {
        let module = model.instruments.get(&obstacle.instrument);
        let finding = Finding {
            module: &identifier(&format!("instrument/{}", obstacle.instrument)),
            digest: module.map_or(model.digest, |found| found.module.digest),
            suffix: obstacle.suffix,
            citation: &obstacle.citation,
            text: obstacle.reason.clone(),
        };
        findings
            .grounds
            .push(finding.ground(reader, Stage::Instrument));
    }
    unknown_states(reader, matter, findings);
    if let Some(state) = model.jurisdictions.get(matter.issuing)
        && obstacles.is_empty()
    {
        let text = Remark::NoInstrument {
            measure: matter.measure.as_str(),
            issuing: matter.issuing.as_str(),
            executing: matter.executing.as_str(),
        };
        let finding = Finding {
            module: &state.module.id,
            digest: state.module.digest,
            suffix: "no-instrument",
            citation: &state.source,
            text: reader.tongue().remark(&text),
        };
        findings
            .grounds
            .push(finding.ground(reader, Stage::Instrument));
    }
}

/// Ends of the ids of findings that no rule stands behind, after the name of a
/// module or of what is none.
const SUFFIXES: [&str; 10] = [
    "no-permit",
    "no-instrument",
    "form",
    "binding",
    "not-known",
    "not-in-force",
    "not-bound",
    "not-yet",
    "between",
    "measure",
];

/// A decision may find something under this id: a rule of the library, or the
/// library's own remark about one of its modules.
pub(crate) fn may_be_found(model: &Model, id: &str) -> bool {
    let remark = || {
        model.every_module().any(|module| {
            let (_, name) = module.id.as_str().split_once('/').unwrap_or_default();
            let name = name.to_ascii_lowercase();
            let end = id
                .strip_prefix(&*name)
                .and_then(|rest| rest.strip_prefix('-'));
            end.is_some_and(|end| SUFFIXES.contains(&end))
        })
    };
    let mut rules = model.every_module().flat_map(|module| &module.rules);
    rules.any(|rule| rule.id.as_str() == id) || remark()
}

/// About a module, with the law it sets out.
struct Finding<'a> {
    module: &'a ModuleId,
    digest: Digest,
    /// Makes the rule id, after the module's own name and a hyphen.
    suffix: &'a str,
    citation: &'a Citation,
    /// In the reader's language.
    text: String,
}

impl Finding<'_> {
    /// The request is not for this law at all.
    fn ground(&self, reader: &Reader<'_>, stage: Stage) -> Ground {
        Ground {
            rule: self.rule_ref(reader),
            kind: GroundKind::NotApplicable,
            consult_first: false,
            stage,
        }
    }

    fn rule_ref(&self, reader: &Reader<'_>) -> RuleRef {
        /// Longest rule id.
        const LONGEST: usize = 64;
        debug_assert!(SUFFIXES.contains(&self.suffix), "{}", self.suffix);
        let module = self.module.as_str();
        let name = module.split_once('/').map_or(module, |(_, name)| name);
        let id = format!("{name}-{}", self.suffix).to_ascii_lowercase();
        RuleRef {
            rule: identifier(id.get(..LONGEST).unwrap_or(&id)),
            module: self.module.clone(),
            module_digest: self.digest,
            citation: reader.cite(self.citation),
            text: Arc::from(self.text.as_str()),
            language: Arc::from(reader.tongue().code()),
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
pub(crate) fn identifier<T: FromStr<Err = InvalidId>>(text: &str) -> T {
    text.parse().expect("made of valid identifiers")
}
