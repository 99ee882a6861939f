//! Whether a rule holds: yes, no, or unknown because nobody stated a fact it
//! needs. Each line is evaluated on its own; what the lines add up to is
//! Kleene's logic.

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use cedar_policy::{
    Context, Entities, EntityId, EntityTypeName, EntityUid, EvalResult, EvaluationError, Request,
    RestrictedExpression, eval_expression,
};
use comity_domain::{FactName, FactUse, FactValue, RuleId};
use foldhash::fast::FixedState;

use crate::{
    condition::Stop,
    model::{Condition, Declarations, FactType, Rule, Vocabulary},
};

/// The facts known in one decision. Their names are the library's own, so that
/// nobody outside can choose ones that collide.
pub(crate) type Known = HashMap<FactName, FactUse, FixedState>;

/// What a rule says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Holds {
    Yes,
    No,
    /// It hangs on these facts, which nobody has stated.
    Unknown(BTreeSet<FactName>),
    /// Cedar could not evaluate it, for example because a sum overflowed.
    Failed,
}

/// The vocabulary in Cedar's terms, made once for a library.
#[derive(Debug)]
pub(crate) struct Terms {
    /// Entities of the listed types by type and value.
    listed: HashMap<Arc<str>, HashMap<Arc<str>, EntityUid>>,
    /// Names before the dot. All are always in the context, if only as empty
    /// records, so that a missing fact is a missing fact and nothing else.
    groups: BTreeSet<Arc<str>>,
    /// Requester, action and case: the same for every decision, as rules see
    /// facts alone. `None` only if Cedar changed what a type name is.
    scope: Option<[EntityUid; 3]>,
}

impl Terms {
    pub(crate) fn new(vocabulary: &Vocabulary) -> Self {
        let entities = |(name, values): (&Arc<str>, &BTreeSet<Arc<str>>)| {
            let kind: EntityTypeName = name.parse().ok()?;
            let uid = |value: &Arc<str>| {
                EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(value))
            };
            let values = values.iter().map(|value| (Arc::clone(value), uid(value)));
            Some((Arc::clone(name), values.collect()))
        };
        let of = |kind: &str, id| {
            let kind: EntityTypeName = kind.parse().ok()?;
            Some(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
        };
        let scope = || {
            Some([
                of("Requester", "any")?,
                of("Action", "decide")?,
                of("Case", "any")?,
            ])
        };
        Self {
            listed: vocabulary.types.iter().filter_map(entities).collect(),
            groups: vocabulary
                .facts
                .keys()
                .filter_map(|name| name.split_once('.'))
                .map(|(group, _)| Arc::from(group))
                .collect(),
            scope: scope(),
        }
    }

    fn context<'a>(
        &'a self,
        declarations: Declarations<'_>,
        facts: impl Iterator<Item = (&'a FactName, &'a FactValue)>,
    ) -> Option<Context> {
        let mut top = Branch::default();
        for group in &self.groups {
            top.below.entry(group).or_default();
        }
        for (name, value) in facts {
            let declared = declarations.get(name);
            if let Some(expression) = declared.and_then(|d| self.expression(&d.kind, value)) {
                top.insert(name, expression);
            }
        }
        Context::from_pairs(top.pairs()?).ok()
    }

    /// A value in Cedar's terms; `None` where it is not of the type, which
    /// leaves the fact unknown.
    fn expression(&self, kind: &FactType, value: &FactValue) -> Option<RestrictedExpression> {
        use RestrictedExpression as Cedar;
        let entity = |name: &Arc<str>, value: &Arc<str>| {
            let uid = self.listed.get(name)?.get(value)?;
            Some(Cedar::new_entity_uid(uid.clone()))
        };
        match (kind, value) {
            (FactType::Truth, FactValue::Truth(truth)) => Some(Cedar::new_bool(*truth)),
            (FactType::Number, FactValue::Number(number)) => Some(Cedar::new_long(*number)),
            (FactType::Text, FactValue::Text(text)) => Some(Cedar::new_string(text.to_string())),
            (FactType::Day, FactValue::Day(day)) => Some(Cedar::new_datetime(day.to_string())),
            (FactType::Listed(name), FactValue::Text(text)) => entity(name, text),
            (FactType::SetOf(name), FactValue::Set(values)) => {
                let members: Option<Vec<_>> = values.iter().map(|v| entity(name, v)).collect();
                members.map(Cedar::new_set)
            }
            (FactType::SetOfText, FactValue::Set(values)) => Some(Cedar::new_set(
                values
                    .iter()
                    .map(|value| Cedar::new_string(value.to_string())),
            )),
            _ => None,
        }
    }
}

/// Facts whose names begin alike, as the record that Cedar reads them from.
#[derive(Default)]
struct Branch<'a> {
    here: Vec<(&'a str, RestrictedExpression)>,
    below: BTreeMap<&'a str, Branch<'a>>,
}

impl<'a> Branch<'a> {
    fn insert(&mut self, name: &'a str, value: RestrictedExpression) {
        match name.split_once('.') {
            Some((group, rest)) => self.below.entry(group).or_default().insert(rest, value),
            None => self.here.push((name, value)),
        }
    }

    fn pairs(self) -> Option<Vec<(String, RestrictedExpression)>> {
        let here = self.here.into_iter();
        let mut pairs: Vec<_> = here.map(|(name, value)| (name.to_owned(), value)).collect();
        for (name, branch) in self.below {
            let record = RestrictedExpression::new_record(branch.pairs()?).ok()?;
            pairs.push((name.to_owned(), record));
        }
        Some(pairs)
    }
}

/// Evaluates rules over the facts of one decision.
pub(crate) struct Evaluator<'a> {
    terms: &'a Terms,
    declarations: Declarations<'a>,
    known: &'a Known,
    engine: Engine,
    /// Made when Cedar is first asked; `None` where it refused the facts, and
    /// then every line that it is asked fails.
    request: OnceCell<Option<(Request, Entities)>>,
}

/// Who evaluates the lines that both can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Engine {
    /// Our own form of a line where there is one, else Cedar.
    #[default]
    Lowered,
    /// Cedar alone: the reference.
    Cedar,
}

impl<'a> Evaluator<'a> {
    pub(crate) fn new(
        terms: &'a Terms,
        declarations: Declarations<'a>,
        known: &'a Known,
        engine: Engine,
    ) -> Self {
        Self {
            terms,
            declarations,
            known,
            engine,
            request: OnceCell::new(),
        }
    }

    /// Whether a rule holds: all of `when` and none of `unless`. One line that
    /// is known to stand against it settles it, whatever else is unknown.
    pub(crate) fn holds(&self, rule: &Rule) -> Holds {
        let mut unknown = Vec::new();
        let mut failed = false;
        let when = rule.when.iter().map(|line| (line, false));
        let unless = rule.unless.iter().map(|line| (line, true));
        for (line, against) in when.chain(unless) {
            match self.answer(&rule.id, line) {
                Ok(settled) if settled == against => return Holds::No,
                Ok(_) => {}
                Err(Stop::Unknown) => unknown.push(line),
                Err(Stop::Failed) => failed = true,
            }
        }
        match (failed, unknown.is_empty()) {
            (true, _) => Holds::Failed,
            (false, true) => Holds::Yes,
            (false, false) => {
                let missing = unknown.into_iter().flat_map(|line| self.missing(line));
                Holds::Unknown(missing.cloned().collect())
            }
        }
    }

    /// Whether one line holds.
    pub(crate) fn line(&self, rule: &RuleId, line: &Condition) -> Holds {
        match self.answer(rule, line) {
            Ok(true) => Holds::Yes,
            Ok(false) => Holds::No,
            Err(Stop::Unknown) => Holds::Unknown(self.missing(line).cloned().collect()),
            Err(Stop::Failed) => Holds::Failed,
        }
    }

    /// The facts that a line reads and nobody has stated.
    fn missing<'c>(&self, line: &'c Condition) -> impl Iterator<Item = &'c FactName> {
        let facts = line.facts.iter();
        facts.filter(|name| !self.known.contains_key(*name))
    }

    fn answer(&self, rule: &RuleId, line: &Condition) -> Result<bool, Stop> {
        let lowered = line.lowered.as_ref();
        let answer = match lowered.filter(|_| self.engine == Engine::Lowered) {
            Some(lowered) => lowered.holds(self.known),
            None => self.by_cedar(line),
        };
        match answer {
            Ok(truth) => return Ok(truth),
            Err(Stop::Unknown) if self.missing(line).next().is_some() => {
                return Err(Stop::Unknown);
            }
            // Where a fact was missed that is known, it is not the requester's fault.
            Err(Stop::Unknown | Stop::Failed) => {}
        }
        // The error's own words may repeat a value: not for the log.
        tracing::error!(rule.id = %rule, condition = %line.text, "a condition could not be evaluated");
        Err(Stop::Failed)
    }

    fn by_cedar(&self, line: &Condition) -> Result<bool, Stop> {
        let request = self.request.get_or_init(|| self.request());
        let (request, entities) = request.as_ref().ok_or(Stop::Failed)?;
        match eval_expression(request, entities, &line.expression) {
            Ok(EvalResult::Bool(truth)) => Ok(truth),
            Err(EvaluationError::RecordAttrDoesNotExist(_)) => Err(Stop::Unknown),
            Ok(_) | Err(_) => Err(Stop::Failed),
        }
    }

    /// The known facts as Cedar reads them.
    fn request(&self) -> Option<(Request, Entities)> {
        let [principal, action, resource] = self.terms.scope.clone()?;
        let facts = self.known.iter().map(|(name, fact)| (name, &fact.value));
        let context = self.terms.context(self.declarations, facts)?;
        let request = Request::new(principal, action, resource, context, None).ok()?;
        Some((request, Entities::empty()))
    }
}
