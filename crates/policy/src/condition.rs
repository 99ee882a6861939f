//! Lines of `when` and `unless`: parsed, limited and type-checked before
//! anything is decided with them.
//!
//! A line is one Cedar expression over `context`. All lines of a library are
//! checked in one pass against one schema made from the vocabulary.

mod limits;
mod literal;
mod lower;
mod reading;
mod schema;
mod slips;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
    str::FromStr,
    sync::Arc,
};

use cedar_policy::{
    Expression, ParseErrors, Policy, PolicyId, PolicySet, Schema, ValidationError, ValidationMode,
    Validator,
};
use comity_domain::FactName;
use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, Source, add_state, suggest},
    model::{Condition, FormFields, Literals, Vocabulary},
    yaml::{self, Node},
};

use self::reading::{FUNCTIONS, Reading};

pub(crate) use self::{
    lower::{Lowered, Stop},
    reading::path,
    schema::{action, schema},
};

/// Cedar's parser and validator are recursive; the limits above fit this
/// stack with room to spare, but not the usual one of a thread.
const STACK: usize = 16 << 20;

const VOCABULARY: &str = "vocabulary.yaml";
const AFTER: &str = "\n};";

/// A condition as it stands in a file.
pub(crate) struct Line<'a> {
    pub(crate) source: &'a Source,
    pub(crate) node: &'a Node,
    /// What it may read of the forms of its instrument, or of the one under
    /// which it is asked.
    pub(crate) form: Option<Arc<Readable>>,
}

/// What the lines of a rule may read of forms.
#[derive(Debug)]
pub(crate) struct Readable {
    /// Tells it from what other rules may read.
    pub(crate) name: String,
    /// The files of all forms of the instrument, in words.
    pub(crate) files: String,
    /// Fields that every request has for which the rule is asked.
    pub(crate) fields: FormFields,
    /// Fields that some such request, or none, has.
    pub(crate) elsewhere: BTreeMap<FactName, Elsewhere>,
}

/// A field that a rule may not read.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    pub(crate) why: String,
    pub(crate) remedy: String,
}

/// A line that cannot be used, and why.
struct Mistaken {
    found: Vec<Diagnostic>,
    /// Where its types can be checked all the same, for mistakes besides.
    policy: Option<Box<Policy>>,
}

impl From<Vec<Diagnostic>> for Mistaken {
    fn from(found: Vec<Diagnostic>) -> Self {
        Self {
            found,
            policy: None,
        }
    }
}

/// Checks all lines of a library; a line with a mistake has no condition.
pub(crate) fn check(
    lines: &[Line<'_>],
    vocabulary: &Vocabulary,
    found: &mut Vec<Diagnostic>,
) -> Vec<Option<Condition>> {
    let forms = lines.iter().filter_map(|line| line.form.as_ref());
    let forms: BTreeMap<&str, &FormFields> = forms
        .map(|form| (form.name.as_str(), &form.fields))
        .collect();
    let schema = match schema(vocabulary, &forms) {
        Ok(schema) => schema,
        Err(error) => {
            // Mostly said better by then, of the type that does not exist.
            if !found.iter().any(|known| *known.path == *VOCABULARY) {
                found.push(Diagnostic::of_file(
                    Code::ConditionType,
                    VOCABULARY,
                    error.to_string(),
                ));
            }
            return Vec::new();
        }
    };
    let checked = std::thread::scope(|scope| {
        std::thread::Builder::new()
            .stack_size(STACK)
            .spawn_scoped(scope, || check_all(lines, vocabulary, schema))
            .map(|thread| thread.join())
    });
    match checked {
        Ok(Ok((conditions, diagnostics))) => {
            found.extend(diagnostics);
            conditions
        }
        // No thread, or Cedar gave up: nothing was checked, so nothing passes.
        Ok(Err(_)) | Err(_) => {
            let message = "the conditions could not be checked";
            found.push(Diagnostic::of_file(
                Code::ConditionSyntax,
                VOCABULARY,
                message,
            ));
            Vec::new()
        }
    }
}

/// Checks each text once: laws say the same in many places.
fn check_all(
    lines: &[Line<'_>],
    vocabulary: &Vocabulary,
    schema: Schema,
) -> (Vec<Option<Condition>>, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut policies = PolicySet::new();
    let (groups, group_of) = alike(lines);
    let mut mistyped = BTreeSet::new();
    let mut conditions: Vec<Option<Condition>> = groups
        .iter()
        .enumerate()
        .map(|(number, group)| {
            let mut parsed = group.iter().map(|line| line.parse(number, vocabulary));
            let first = parsed.next()?;
            let others = parsed.flat_map(Result::err).map(|mistake| mistake.found);
            let others = others.collect::<Vec<_>>();
            let (condition, policy) = match first {
                Ok((condition, policy)) => (Some(condition), Some(Box::new(policy))),
                Err(Mistaken {
                    found: first,
                    policy,
                }) => {
                    mistyped.insert(number);
                    found.extend(first.into_iter().chain(others.into_iter().flatten()));
                    (None, policy)
                }
            };
            // Ids are the numbers of groups, so none is there already.
            policies.add(*policy?).is_ok().then_some(condition)?
        })
        .collect();
    let result = Validator::new(schema).validate(&policies, ValidationMode::Strict);
    for error in result.validation_errors() {
        let number = error.policy_id().to_string().parse::<usize>().ok();
        let Some((number, group, condition)) =
            number.and_then(|at| Some((at, groups.get(at)?, conditions.get_mut(at)?)))
        else {
            let message = error.to_string();
            found.push(Diagnostic::of_file(
                Code::ConditionType,
                VOCABULARY,
                message,
            ));
            continue;
        };
        *condition = None;
        let errors = group.iter().map(|line| line.type_error(error, vocabulary));
        // What does not fit where a text was written for another value is said.
        let is_said =
            |error: &Diagnostic| error.code == Code::ConditionType && mistyped.contains(&number);
        found.extend(errors.filter(|error| !is_said(error)));
    }
    let of_line = |number: &usize| conditions.get(*number).cloned().flatten();
    (group_of.iter().map(of_line).collect(), found)
}

/// Lines of the same text that may read the same, and the group of each line.
fn alike<'a>(lines: &'a [Line<'a>]) -> (Vec<Vec<&'a Line<'a>>>, Vec<usize>) {
    let mut groups: Vec<Vec<&Line<'_>>> = Vec::new();
    let mut known = BTreeMap::new();
    let group_of = lines
        .iter()
        .map(|line| {
            let form = line.form.as_ref().map(|form| &*form.name);
            let number = *known.entry((line.text(), form)).or_insert(groups.len());
            match groups.get_mut(number) {
                Some(group) => group.push(line),
                None => groups.push(vec![line]),
            }
            number
        })
        .collect();
    (groups, group_of)
}

impl Line<'_> {
    /// What stands before the text where it is checked as a policy.
    fn before(&self) -> String {
        let action = action(self.form.as_ref().map(|form| &*form.name));
        format!("permit(principal, action == Action::\"{action}\", resource) when {{\n")
    }

    fn text(&self) -> &str {
        self.node.as_text().unwrap_or_default()
    }

    fn parse(
        &self,
        index: usize,
        vocabulary: &Vocabulary,
    ) -> Result<(Condition, Policy), Mistaken> {
        let text = self.text();
        if let Some(mistake) = self.beyond_limits() {
            return Err(Mistaken::from(vec![mistake]));
        }
        // On its own first: `true } unless { false` would pass inside braces.
        let unreadable =
            |errors: ParseErrors, skip| Mistaken::from(self.unreadable(&errors, skip, vocabulary));
        let expression = Expression::from_str(text).map_err(|errors| unreadable(errors, 0))?;
        let before = self.before();
        let policy = Policy::parse(
            Some(PolicyId::new(index.to_string())),
            format!("{before}{text}{AFTER}"),
        )
        .map_err(|errors| unreadable(errors, before.len()))?;
        let tree = policy.to_json().map_err(|error| {
            let message = error.to_string();
            Mistaken::from(vec![self.diagnostic(Code::ConditionSyntax, None, message)])
        })?;
        let mut reading = Reading {
            line: self,
            vocabulary,
            facts: BTreeSet::new(),
            literals: Literals::default(),
            found: Vec::new(),
            mistyped: Vec::new(),
        };
        let body = tree.pointer("/conditions/0/body").unwrap_or(&Value::Null);
        reading.walk(body);
        if !reading.found.is_empty() {
            return Err(Mistaken::from(reading.found));
        }
        if !reading.mistyped.is_empty() {
            return Err(Mistaken {
                found: reading.mistyped,
                policy: Some(Box::new(policy)),
            });
        }
        let condition = Condition {
            text: Arc::from(text.trim_end()),
            expression,
            tree: body.clone(),
            lowered: Lowered::read(body),
            facts: reading.facts.into_iter().collect(),
            literals: reading.literals,
        };
        Ok((condition, policy))
    }

    /// Why a line cannot be read: the slips that explain it, else the first
    /// thing that the parser stumbled over, as the rest follows from it.
    fn unreadable(
        &self,
        errors: &ParseErrors,
        skip: usize,
        vocabulary: &Vocabulary,
    ) -> Vec<Diagnostic> {
        let slips = self.slips(vocabulary);
        if !slips.is_empty() {
            return slips;
        }
        errors
            .iter()
            .take(1)
            .map(|error| {
                let message = error.to_string();
                let unknown = message.ends_with("is not a valid function");
                let mut diagnostic = self
                    .explain(Code::ConditionSyntax, error, (skip, message))
                    .why("not a condition");
                if unknown {
                    // Cedar would propose functions over addresses of networks.
                    diagnostic.remedy = Some(format!("functions: {}", FUNCTIONS.join(", ")));
                }
                diagnostic
            })
            .collect()
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "Cedar adds kinds of errors; those without own words keep Cedar's"
    )]
    /// A type error in the words of the vocabulary.
    fn type_error(&self, error: &ValidationError, vocabulary: &Vocabulary) -> Diagnostic {
        let policy = format!("for policy `{}`", error.policy_id());
        let strip = |text: &str| {
            let text = text.strip_prefix(&policy).unwrap_or(text);
            text.trim_start_matches([',', ':', ' ']).to_owned()
        };
        let text = strip(&error.to_string());
        let skip = self.before().len();
        let mut diagnostic = self.explain(Code::ConditionType, error, (skip, in_words(&text)));
        diagnostic.remedy = diagnostic.remedy.map(|help| in_words(&strip(&help)));
        match error {
            ValidationError::UnsafeAttributeAccess(_) => {
                // Of a group that does not exist Cedar names the group alone.
                let written = place(error, skip).and_then(|at| self.text().get(at));
                let path = written.and_then(|text| text.strip_prefix("context."));
                let Some(name) = path.or_else(|| quoted(&text)) else {
                    return diagnostic;
                };
                let facts = vocabulary.facts.keys();
                let of_form = name == "form" || name.starts_with("form.");
                diagnostic.code = Code::UnknownFact;
                diagnostic.message = format!("no fact is called `{name}`");
                match &self.form {
                    None if of_form => diagnostic
                        .why("not under one instrument with a form of its own")
                        .remedy("name that instrument: `instruments: [<id>]`"),
                    Some(form) if of_form => form.no_field(name, diagnostic),
                    Some(_) | None => {
                        diagnostic.remedy = suggest(name, facts.map(|fact| &**fact));
                        diagnostic.why("not in vocabulary.yaml")
                    }
                }
            }
            ValidationError::InvalidEnumEntity(_) => {
                let Some((kind, value)) = quoted(&text).and_then(|uid| uid.split_once("::")) else {
                    return diagnostic;
                };
                let value = value.trim_matches('"');
                diagnostic.code = Code::UnknownValue;
                diagnostic.message = format!("`{value}` is not a value of `{kind}`");
                let known = vocabulary.types.get(kind).into_iter().flatten();
                diagnostic.remedy = match kind {
                    "State" => Some(add_state(value)),
                    _ => suggest(value, known.map(|value| &**value)),
                };
                diagnostic.why("not in vocabulary.yaml")
            }
            ValidationError::UnrecognizedEntityType(_) => {
                diagnostic.code = Code::UnknownType;
                diagnostic.why("not among the types of vocabulary.yaml")
            }
            _ => diagnostic.why("the vocabulary says of what type each fact is"),
        }
    }

    /// Cedar's own words with the place they are about.
    fn explain(
        &self,
        code: Code,
        error: &dyn miette::Diagnostic,
        (skip, message): (usize, String),
    ) -> Diagnostic {
        self.diagnostic(code, place(error, skip), message)
            .remedy_if(error.help().map(|help| help.to_string()))
    }

    /// A mistake at a part of the text, shown where it stands in the file.
    fn diagnostic(
        &self,
        code: Code,
        at: Option<Range<usize>>,
        message: impl Into<String>,
    ) -> Diagnostic {
        let exact = at.and_then(|at| {
            let map = yaml::alignment(self.source, self.node)?;
            let last = self.text().len();
            Some(*map.get(at.start.min(last))?..*map.get(at.end.min(last))?)
        });
        self.source.diagnostic(
            code,
            exact.unwrap_or_else(|| self.node.span.clone()),
            message,
        )
    }
}

impl Readable {
    /// Says why a field cannot be read.
    fn no_field(&self, name: &str, mut diagnostic: Diagnostic) -> Diagnostic {
        if let Some(Elsewhere { why, remedy }) = self.elsewhere.get(name) {
            diagnostic.message = format!("`{name}` cannot be read here");
            return diagnostic.why(why).remedy(remedy);
        }
        let known = self.fields.keys().chain(self.elsewhere.keys());
        diagnostic.remedy = suggest(name, known.map(|fact| &**fact));
        diagnostic.why(format!("not a field of {}", self.files))
    }
}

/// Where an error is in a text that stands after `skip` bytes of ours.
fn place(error: &dyn miette::Diagnostic, skip: usize) -> Option<Range<usize>> {
    let label = error.labels()?.next()?;
    let start = label.offset().checked_sub(skip)?;
    Some(start..start + label.len())
}

/// Cedar's names of types as the vocabulary says them.
fn in_words(text: &str) -> String {
    [
        ("unexpected type: ", ""),
        (" but saw ", ", found "),
        ("Long", "number"),
        ("Bool", "truth"),
        ("String", "text"),
        ("datetime", "day"),
        ("Set<", "set of <"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (theirs, ours)| {
        text.replace(theirs, ours)
    })
}

/// The text between the first two backticks.
fn quoted(message: &str) -> Option<&str> {
    message.split('`').nth(1)
}
