//! Exercises for trainees: a story with tasks, and what a good request has. What
//! became of an attempt is judged by the decision on record and by conditions over
//! its facts, as scenarios and rules are.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{Citation, Decision, FactName, JurisdictionCode, RuleId, Text};
use serde::Deserialize;
use serde_json::Value;
use serde_json_path::JsonPath;

use crate::{
    Library, Question,
    evaluate::{Evaluator, Holds, Known},
    facts,
    model::{Condition, Declarations, Instrument, MeasureFilter},
    resolve::Matter,
    scenario::{self, Expected},
};

/// An exercise of `exercises/<name>/exercise.yaml`.
#[derive(Debug)]
pub struct Exercise {
    /// Its name.
    pub name: Arc<str>,
    /// What it is about, in one line.
    pub title: Text,
    /// What it trains, in one line.
    pub trains: Text,
    /// The State that the trainee acts for.
    pub state: JurisdictionCode,
    /// The authority that the trainee is.
    pub authority: Arc<str>,
    /// What has happened.
    pub story: Text,
    /// What the trainee knows from the start.
    pub in_hand: Vec<InHand>,
    /// What is to be done, in order.
    pub tasks: Vec<Task>,
    /// Why nothing else is to be asked.
    pub spare: Spare,
}

/// Something that the trainee knows.
#[derive(Debug)]
pub struct InHand {
    /// In whose sandbox register it stands.
    pub state: JurisdictionCode,
    /// What it is of a person.
    pub entry: Entry,
    /// What the trainee is told of it.
    pub text: Text,
}

/// What the sandbox's register of a State knows of one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// Name.
    Name,
    /// Number of a bank account.
    Account,
    /// Telephone number.
    Phone,
    /// Address of electronic mail.
    Email,
    /// Internet address.
    Ip,
    /// Number plate of a vehicle.
    Plate,
}

/// Something to be done by one request.
#[derive(Debug)]
pub struct Task {
    /// What is to be done, in one line.
    pub title: Text,
    /// The same at length.
    pub text: Text,
    /// Name, without its end, and text of the file to begin with.
    pub start: (Arc<str>, Arc<str>),
    /// Measures by which a request is one for this task.
    pub(crate) measures: MeasureFilter,
    /// The State that is asked.
    pub executing: JurisdictionCode,
    /// What a good request has.
    pub points: Vec<ExercisePoint>,
}

/// One thing that a good request has.
#[derive(Debug)]
pub struct ExercisePoint {
    /// Its name in the task, as rules have one.
    pub id: RuleId,
    /// What is right, in one line.
    pub title: Text,
    /// The article on which it stands.
    pub cite: Citation,
    /// What to do where it is missed.
    pub remedy: Text,
    /// A way to find it out.
    pub hint: Option<Text>,
    pub(crate) expect: Option<Expected>,
    pub(crate) when: Vec<Condition>,
    pub(crate) has: Vec<(Arc<str>, JsonPath)>,
    pub(crate) lacks: Vec<(Arc<str>, JsonPath)>,
}

/// Why nothing is to be asked that no task needs.
#[derive(Debug)]
pub struct Spare {
    /// In one line.
    pub title: Text,
    /// The article.
    pub cite: Citation,
    /// What to do.
    pub remedy: Text,
}

/// A request that a trainee has sent, as it is on record.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// The request, with all that its decision was made of.
    pub question: Question<'a>,
    /// The decision.
    pub decision: &'a Decision,
    /// The request as JSON, by the names of the contract.
    pub sent: &'a Value,
}

/// What became of all attempts.
#[derive(Debug)]
pub struct Assessment<'e> {
    /// Each task, in order.
    pub tasks: Vec<Assessed<'e>>,
    /// Attempts, by their place, that no task needs.
    pub spare: Vec<usize>,
}

/// What became of one task.
#[derive(Debug)]
pub struct Assessed<'e> {
    /// The task.
    pub task: &'e Task,
    /// Attempts at it, by their place; the last counts.
    pub attempts: Vec<usize>,
    /// Each point with why it is missed, in English; met where there is nothing.
    pub points: Vec<(&'e ExercisePoint, Vec<String>)>,
}

impl Assessment<'_> {
    /// How many points are met, of how many; that nothing was asked in vain is one.
    #[must_use]
    pub fn score(&self) -> (usize, usize) {
        let points = || self.tasks.iter().flat_map(|task| &task.points);
        let met = points().filter(|(_, missed)| missed.is_empty()).count();
        let all = points().count() + 1;
        (met + usize::from(self.is_sparing()), all)
    }

    /// Something was asked, and nothing in vain.
    #[must_use]
    pub fn is_sparing(&self) -> bool {
        let mut tasks = self.tasks.iter();
        self.spare.is_empty() && tasks.any(|task| !task.attempts.is_empty())
    }
}

/// Judges the last attempt at every task.
pub(crate) fn assess<'e>(
    library: &Library,
    exercise: &'e Exercise,
    attempts: &[Attempt<'_>],
) -> Assessment<'e> {
    let of_task = |task: &Task| -> Vec<usize> {
        let attempts = attempts.iter().enumerate();
        let at_it = attempts.filter(|(_, attempt)| task.is_answered_by(library, attempt));
        at_it.map(|(place, _)| place).collect()
    };
    let tasks = exercise.tasks.iter().map(|task| {
        let at_it = of_task(task);
        let last = at_it.last().and_then(|place| attempts.get(*place));
        let points = match last {
            Some(attempt) => judge(library, task, attempt),
            None => {
                let none = || vec!["no such request was sent".to_owned()];
                task.points.iter().map(|point| (point, none())).collect()
            }
        };
        Assessed {
            task,
            attempts: at_it,
            points,
        }
    });
    let tasks: Vec<_> = tasks.collect();
    let needed: BTreeSet<usize> = tasks
        .iter()
        .flat_map(|task| &task.attempts)
        .copied()
        .collect();
    Assessment {
        tasks,
        spare: (0..attempts.len())
            .filter(|place| !needed.contains(place))
            .collect(),
    }
}

impl Task {
    fn is_answered_by(&self, library: &Library, attempt: &Attempt<'_>) -> bool {
        let request = attempt.question.request;
        let kinds = library.model.kinds(&request.measure);
        request.executing.0 == self.executing && !kinds.is_disjoint(&self.measures)
    }
}

/// Every point of a task, with why an attempt misses it.
fn judge<'e>(
    library: &Library,
    task: &'e Task,
    attempt: &Attempt<'_>,
) -> Vec<(&'e ExercisePoint, Vec<String>)> {
    let model = &library.model;
    let carrier = attempt.decision.instrument.as_ref();
    let carrier = carrier.and_then(|id| model.instruments.get(id));
    let known = known(library, attempt, carrier);
    // No point is about a form.
    let declarations = Declarations {
        vocabulary: &model.vocabulary,
        form: None,
    };
    let evaluator = Evaluator::new(&library.terms, declarations, &known, library.engine);
    let points = task.points.iter();
    points
        .map(|point| (point, point.missed(attempt, &evaluator)))
        .collect()
}

/// The facts of an attempt; without an instrument, what the request itself shows.
fn known(library: &Library, attempt: &Attempt<'_>, carrier: Option<&Instrument>) -> Known {
    let Attempt { question, .. } = attempt;
    let Some(carrier) = carrier else {
        return facts::outline(&library.model, question.request);
    };
    let presumed = library.presumed.in_language(question.language);
    let matter = Matter::of(&library.model, question.request);
    facts::derive(&library.model, presumed, question, (&matter, carrier))
}

impl ExercisePoint {
    /// Why an attempt misses it.
    fn missed(&self, attempt: &Attempt<'_>, evaluator: &Evaluator<'_>) -> Vec<String> {
        let expected = self.expect.iter();
        let differences = expected
            .flat_map(|expect| scenario::differences(expect, attempt.decision))
            .map(differs);
        let conditions = self
            .when
            .iter()
            .filter_map(|line| unmet(line, &evaluator.line(&self.id, line)));
        let found = |path: &JsonPath| !path.query(attempt.sent).is_empty();
        let has = self.has.iter().filter(|(_, path)| !found(path));
        let has = has.map(|(text, _)| format!("the request has nothing at `{text}`"));
        let lacks = self.lacks.iter().filter(|(_, path)| found(path));
        let lacks = lacks.map(|(text, _)| format!("the request has something at `{text}`"));
        differences
            .chain(conditions)
            .chain(has)
            .chain(lacks)
            .collect()
    }
}

/// A difference in words.
fn differs(differs: scenario::Mismatch) -> String {
    let scenario::Mismatch {
        what,
        expected,
        found,
    } = differs;
    match (what.as_str(), expected.strip_prefix("no ")) {
        ("rule", Some(rule)) => format!("the decision finds `{rule}`"),
        ("rule", None) => format!("the decision does not find `{expected}`"),
        _ => format!("{what} is {found}, not {expected}"),
    }
}

/// Why a line is not met.
fn unmet(line: &Condition, answer: &Holds) -> Option<String> {
    let names = |facts: &BTreeSet<FactName>| {
        let names: Vec<_> = facts.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    match answer {
        Holds::Yes => None,
        Holds::No => Some(format!("does not hold: `{}`", line.text)),
        Holds::Unknown(facts) => Some(format!("not known: {}", names(facts))),
        Holds::Failed => Some(format!("could not be evaluated: `{}`", line.text)),
    }
}
