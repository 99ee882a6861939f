//! A rule of two libraries as a solver is asked about it.

use std::{collections::BTreeSet, fmt::Write as _, sync::Arc};

use cedar_policy::{EntityId, EntityTypeName, EntityUid, Policy, PolicyId, RequestEnv, Schema};
use cedar_policy_symcc::CompiledPolicy;
use comity_domain::{FactName, FactSource, FactUse, FactUseSource, InstrumentId, RuleId};

use super::in_words;
use crate::{
    Library, condition,
    diff::{suspects::Assignment, zip},
    evaluate::{Evaluator, Holds, Known},
    findings::lines,
    model::{Declarations, FactType, Rule},
};

/// Largest number of a likely case; months of a century, and more.
const PLAUSIBLE: i64 = 1200;

/// What cases are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Restraint {
    /// Those that a person would take for real.
    Plausible,
    /// All that can be.
    None,
}

/// Both versions of a rule, typed by the new library's vocabulary.
pub(super) struct Question<'a> {
    libraries: [&'a Library; 2],
    rules: [&'a Rule; 2],
    declarations: [Declarations<'a>; 2],
    schema: Schema,
    environment: RequestEnv,
    action: String,
}

impl<'a> Question<'a> {
    /// # Errors
    /// Why the two versions cannot be compared, in words.
    pub(super) fn new(libraries: [&'a Library; 2], rule: &RuleId) -> Result<Self, String> {
        let missing = || "it stands in one library only".to_owned();
        let found = libraries.map(|library| library.rule(rule));
        let [Some(old), Some(now)] = found else {
            return Err(missing());
        };
        let [_, new] = libraries;
        let form = form(now.rule, now.module.id.as_str());
        let carrier = form
            .as_ref()
            .and_then(|form| new.model.instruments.get(form));
        let fields = carrier.and_then(|carrier| {
            let form = carrier.form_read_by(now.rule)?;
            Some((carrier.id.as_str(), &form.fields))
        });
        let schema = condition::schema(&new.model.vocabulary, &fields.into_iter().collect());
        let action = condition::action(fields.map(|(instrument, _)| instrument));
        let declared = |library: &'a Library, rule: &Rule| {
            let carrier = form
                .as_ref()
                .and_then(|form| library.model.instruments.get(form));
            Declarations {
                vocabulary: &library.model.vocabulary,
                form: carrier.and_then(|carrier| carrier.form_read_by(rule)),
            }
        };
        let question = Self {
            libraries,
            rules: [old.rule, now.rule],
            declarations: zip(libraries, [old.rule, now.rule])
                .map(|(library, rule)| declared(library, rule)),
            schema: schema.map_err(|error| error.to_string())?,
            environment: environment(&action).ok_or_else(missing)?,
            action,
        };
        question.alike_typed()?;
        Ok(question)
    }

    /// Every fact that either version reads.
    pub(super) fn facts(&self) -> BTreeSet<&'a FactName> {
        let lines = self.rules.into_iter().flat_map(lines);
        lines.flat_map(|line| &line.facts).collect()
    }

    /// How a fact is typed.
    pub(super) fn kind(&self, fact: &FactName) -> Option<&'a FactType> {
        let [_, new] = self.declarations;
        Some(&new.get(fact)?.kind)
    }

    /// Both versions as the solver's terms; that a measure is one of the tree
    /// is always taken for granted.
    ///
    /// # Errors
    /// What cannot be put so.
    pub(super) fn policies(&self, restraint: Restraint) -> Result<[CompiledPolicy; 2], String> {
        let [old, new] = self.rules.map(|rule| self.policy(rule, restraint));
        Ok([old?, new?])
    }

    /// What both versions say of a case.
    pub(super) fn holds(&self, case: &Assignment) -> [Holds; 2] {
        let known = case.iter().map(|(fact, value)| {
            let source = FactUseSource::Stated(FactSource::Judgement);
            let value = value.clone();
            (Arc::clone(fact), FactUse { value, source })
        });
        let known: Known = known.collect();
        let sides = zip(self.libraries, zip(self.declarations, self.rules));
        sides.map(|(library, (declarations, rule))| {
            Evaluator::new(&library.terms, declarations, &known, library.engine).holds(rule)
        })
    }

    /// A fact of one type before and another now is another fact.
    fn alike_typed(&self) -> Result<(), String> {
        let kinds = |fact| {
            self.declarations
                .map(|declared| Some(&declared.get(fact)?.kind))
        };
        let changed = self.facts().into_iter().find(|fact| {
            let [old, new] = kinds(fact);
            old != new
        });
        match changed {
            Some(fact) => Err(format!("the type of `{fact}` changed")),
            None => Ok(()),
        }
    }

    fn policy(&self, rule: &Rule, restraint: Restraint) -> Result<CompiledPolicy, String> {
        let mut text = format!(
            "permit(principal, action == Action::\"{}\", resource)",
            self.action
        );
        // Writing to a string cannot fail.
        for line in self.conceivable(restraint) {
            let _ = write!(text, "\nwhen {{ {line} }}");
        }
        for line in &rule.when {
            let _ = write!(text, "\nwhen {{\n{}\n}}", line.text);
        }
        for line in &rule.unless {
            let _ = write!(text, "\nunless {{\n{}\n}}", line.text);
        }
        text.push(';');
        let policy = Policy::parse(Some(PolicyId::new(rule.id.as_str())), text);
        let policy = policy.map_err(|error| error.to_string())?;
        CompiledPolicy::compile(&policy, &self.environment, &self.schema)
            .map_err(|error| in_words(&error))
    }

    /// Conditions that every case fulfils.
    fn conceivable(&self, restraint: Restraint) -> Vec<String> {
        let facts = self.facts();
        let mut lines = Vec::new();
        if facts.iter().any(|fact| ***fact == *"measure") {
            let [_, new] = self.libraries;
            let kinds = new.model.measures.kinds.values().map(|kinds| {
                let kinds = kinds.iter().map(|kind| format!("Measure::\"{kind}\""));
                format!(
                    "context.measure == [{}]",
                    kinds.collect::<Vec<_>>().join(", ")
                )
            });
            lines.push(kinds.collect::<Vec<_>>().join(" || "));
        }
        if restraint == Restraint::Plausible {
            let numbers = facts
                .into_iter()
                .filter(|fact| self.kind(fact) == Some(&FactType::Number));
            lines.extend(
                numbers.map(|fact| format!("0 <= context.{fact} && context.{fact} <= {PLAUSIBLE}")),
            );
        }
        lines
    }
}

/// The instrument whose form a rule may read.
fn form(rule: &Rule, module: &str) -> Option<InstrumentId> {
    if let Some(instrument) = module.strip_prefix("instrument/") {
        return instrument.parse().ok();
    }
    rule.only_instrument().cloned()
}

fn environment(action: &str) -> Option<RequestEnv> {
    let name = |name: &str| name.parse::<EntityTypeName>().ok();
    let action = EntityUid::from_type_name_and_id(name("Action")?, EntityId::new(action));
    Some(RequestEnv::new(name("Requester")?, action, name("Case")?))
}
