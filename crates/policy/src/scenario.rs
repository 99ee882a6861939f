//! Runs the scenarios that stand beside each module: a request, and what a
//! careful lawyer expects of the decision.

mod compare;
mod expected;
mod given;
mod names;
pub(crate) mod request;
mod suppose;

use std::sync::Arc;

use comity_domain::{ModuleId, Outcome};
use serde::Deserialize;
use thiserror::Error;

pub(crate) use self::{
    compare::{differences, ground_kind, obligation_kind, outcome, rules},
    expected::Expected,
    given::{ANY_OFFENCE, GivenOffence, GivenPerson, GivenRequest, GivenRole, GivenUrgency},
    names::unknown_names,
};
use crate::{
    Explanation, Library, Question,
    coverage::{self, Coverage, Seen},
    diagnostic::suggest,
    explain::{self, Occasion},
    load::TestFile,
    parallel, yaml,
};

use self::suppose::{GivenSupposition, Supposed};

/// Where in a scenario stands what is expected.
pub(crate) const EXPECTED: &str = "/expect/";

/// Which scenarios to run; where nothing is named, all.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Modules beside which they stand: `instrument/eio` or `eio` in short.
    pub modules: Vec<String>,
    /// Ids and tags.
    pub only: Vec<String>,
}

/// A selection that names nothing there is.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no {what} is called `{name}`{}", .hint.as_ref().map(|hint| format!(": {hint}")).unwrap_or_default())]
pub struct NothingSelected {
    what: &'static str,
    name: String,
    hint: Option<String>,
}

/// Scenarios that were run, and what they reached.
#[derive(Debug)]
pub struct TestRun {
    /// In the order of the files.
    pub results: Vec<ScenarioResult>,
    /// What of the modules they reached: of the selected modules only, where
    /// modules were selected.
    pub coverage: Coverage,
}

/// A scenario that was run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScenarioResult {
    /// The module beside which it stands.
    pub module: ModuleId,
    /// Its id, unique in its file.
    pub id: String,
    /// What happens in it, in one line.
    pub title: String,
    /// Words by which it can be selected.
    pub tags: Vec<String>,
    /// Its file, relative to the policy folder.
    pub path: Arc<str>,
    /// Its first line in the file, from 1.
    pub line: usize,
    /// What was decided; `None` where its request could not be built.
    pub outcome: Option<Outcome>,
    /// What settled the outcome, in one line.
    pub decided: String,
    /// Where the decision differs from what is expected; empty: it passed.
    pub differences: Vec<Mismatch>,
}

/// One expectation that the decision does not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What is compared, for example `outcome`.
    pub what: String,
    /// What the scenario expects.
    pub expected: String,
    /// What the decision says.
    pub found: String,
}

impl ScenarioResult {
    /// The decision is as expected.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.differences.is_empty()
    }
}

impl TestRun {
    /// Scenarios whose decision is not as expected.
    pub fn failed(&self) -> impl Iterator<Item = &ScenarioResult> {
        self.results.iter().filter(|result| !result.passed())
    }
}

/// Runs the selected scenarios of the library on all cores.
///
/// # Errors
/// A selection that names no module, scenario or tag.
pub(crate) fn run(library: &Library, selection: &Selection) -> Result<TestRun, NothingSelected> {
    let modules = modules(library, selection)?;
    let all = beside(library, &modules);
    let chosen = chosen(&all, &selection.only)?;
    let ran = parallel::map(&chosen, |read| read.run(library));
    let (results, seen): (_, Vec<_>) = ran.into_iter().unzip();
    let coverage = coverage::of(library, &modules, &seen);
    Ok(TestRun { results, coverage })
}

/// Explains the decision of one scenario, `module:id`, in a language.
///
/// # Errors
/// No scenario of that name, or why its request cannot be built.
pub(crate) fn explain(
    library: &Library,
    name: &str,
    language: &str,
) -> Result<Explanation, NothingSelected> {
    let nothing = |hint| NothingSelected {
        what: "scenario",
        name: name.to_owned(),
        hint,
    };
    let (module, id) = name.rsplit_once(':').unwrap_or_default();
    let selection = Selection {
        modules: vec![module.to_owned()],
        only: Vec::new(),
    };
    let modules = modules(library, &selection)?;
    let all = beside(library, &modules);
    let scenario = all
        .iter()
        .filter_map(|read| read.scenario.as_ref().ok())
        .find(|scenario| scenario.id == id)
        .ok_or_else(|| nothing(suggest(id, names(&all))))?;
    let unusable = |why| nothing(Some(why));
    let supposed = scenario.supposed(library).map_err(unusable)?;
    let library = supposed.as_ref().map_or(library, |other| &other.library);
    let given = request::build(library, &scenario.request).map_err(unusable)?;
    let question = Question {
        language,
        ..given.question()
    };
    let bindings = supposed.as_ref().map_or(&[][..], |other| &other.bindings);
    Ok(explain::explain(
        library,
        &question,
        Occasion::Scenario(bindings),
    ))
}

/// The modules selected; none selected: all.
fn modules<'l>(
    library: &'l Library,
    selection: &Selection,
) -> Result<Vec<&'l ModuleId>, NothingSelected> {
    let all: Vec<&ModuleId> = library.modules().map(|module| module.id).collect();
    if selection.modules.is_empty() {
        return Ok(all);
    }
    let short = |id: &ModuleId| {
        let (_, name) = id.as_str().split_once('/').unwrap_or_default();
        name.to_ascii_lowercase()
    };
    let find = |name: &String| {
        let found = all
            .iter()
            .copied()
            .find(|id| id.as_str() == name || short(id) == name.to_ascii_lowercase());
        found.ok_or_else(|| NothingSelected {
            what: "module",
            name: name.clone(),
            hint: suggest(name, all.iter().map(|id| id.as_str())),
        })
    };
    selection.modules.iter().map(find).collect()
}

/// The scenarios beside modules, in the order of the files.
fn beside<'l>(library: &'l Library, modules: &[&ModuleId]) -> Vec<Read<'l>> {
    let files = library.tests.iter();
    let files = files.filter(|file| modules.contains(&&file.module));
    files.flat_map(read).collect()
}

fn chosen<'r, 'l>(
    all: &'r [Read<'l>],
    only: &[String],
) -> Result<Vec<&'r Read<'l>>, NothingSelected> {
    for name in only {
        if !all.iter().any(|read| read.is_called(name)) {
            return Err(NothingSelected {
                what: "scenario or tag",
                name: name.clone(),
                hint: suggest(name, names(all)),
            });
        }
    }
    let named = |read: &&Read<'_>| only.is_empty() || only.iter().any(|name| read.is_called(name));
    Ok(all.iter().filter(named).collect())
}

/// Ids and tags.
fn names<'r>(all: &'r [Read<'_>]) -> Vec<&'r str> {
    all.iter().flat_map(Read::names).collect()
}

/// The questions that scenarios put, by `module:id`.
#[cfg(test)]
pub(crate) fn each(library: &Library, mut put: impl FnMut(&str, &Question<'_>)) {
    for read in library.tests.iter().flat_map(read) {
        let scenario = read.scenario.as_ref().unwrap();
        let given = request::build(library, &scenario.request).unwrap();
        put(
            &format!("{}:{}", read.module, scenario.id),
            &given.question(),
        );
    }
}

/// A scenario as read from its file, or why it could not be.
struct Read<'a> {
    module: &'a ModuleId,
    path: &'a Arc<str>,
    line: usize,
    scenario: Result<Scenario, String>,
}

fn read(file: &TestFile) -> Vec<Read<'_>> {
    // The loader has read it before, without mistakes.
    let tree = yaml::parse(&file.source).ok();
    let list = tree.as_ref().and_then(|tree| tree.find("/tests"));
    let read = |test: &yaml::Node| Read {
        module: &file.module,
        path: &file.source.path,
        line: file.source.line(test.span.start),
        scenario: Scenario::deserialize(test.to_json())
            .map_err(|error: serde_json::Error| error.to_string()),
    };
    let tests = list.map_or(&[][..], |(_, list)| list.items());
    tests.iter().map(read).collect()
}

impl Read<'_> {
    /// Its id and tags.
    fn names(&self) -> impl Iterator<Item = &str> + Clone {
        let scenario = self.scenario.as_ref().ok();
        let id = scenario.map(|scenario| &scenario.id);
        let tags = scenario.into_iter().flat_map(|scenario| &scenario.tags);
        id.into_iter().chain(tags).map(String::as_str)
    }

    fn is_called(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    fn run(&self, library: &Library) -> (ScenarioResult, Vec<Seen>) {
        let mut result = ScenarioResult {
            module: self.module.clone(),
            id: String::new(),
            title: String::new(),
            tags: Vec::new(),
            path: Arc::clone(self.path),
            line: self.line,
            outcome: None,
            decided: String::new(),
            differences: Vec::new(),
        };
        let scenario = match &self.scenario {
            Ok(scenario) => scenario,
            Err(error) => {
                result.differences.push(unusable(error.clone()));
                return (result, Vec::new());
            }
        };
        result.id.clone_from(&scenario.id);
        result.title.clone_from(&scenario.title);
        result.tags.clone_from(&scenario.tags);
        match scenario.try_out(library, &mut result) {
            Ok(seen) => (result, seen),
            Err(error) => {
                result.differences.push(unusable(error));
                (result, Vec::new())
            }
        }
    }
}

impl Scenario {
    /// Decides the request and compares.
    ///
    /// # Errors
    /// What of the scenario has no meaning in this library.
    fn try_out(&self, library: &Library, result: &mut ScenarioResult) -> Result<Vec<Seen>, String> {
        // What is expected does not keep the request from being decided.
        let (mut expected, asked) = (Vec::new(), self.unknown_names(&library.model));
        for name in asked {
            let remedy = name.remedy.map(|remedy| format!(": {remedy}"));
            let said = format!("{}{}", name.message, remedy.unwrap_or_default());
            if !name.place.starts_with(EXPECTED) {
                return Err(said);
            }
            expected.push(Mismatch {
                what: "name".to_owned(),
                expected: "one that the library has".to_owned(),
                found: said,
            });
        }
        let supposed = self.supposed(library)?;
        let library = supposed.as_ref().map_or(library, |other| &other.library);
        let given = request::build(library, &self.request)?;
        let trace = library.trace(&given.question());
        result.outcome = Some(trace.decision.outcome);
        result.decided = compare::summary(&trace.decision);
        expected.extend(compare::differences(&self.expect, &trace.decision));
        result.differences = expected;
        Ok(trace.asked.iter().map(Seen::of).collect())
    }

    fn supposed(&self, library: &Library) -> Result<Option<Supposed>, String> {
        suppose::supposed(library, &self.suppose, self.request.day()?)
    }
}

fn unusable(found: String) -> Mismatch {
    Mismatch {
        what: "scenario".to_owned(),
        expected: "a request that can be decided".to_owned(),
        found,
    }
}

/// One entry of `tests.yaml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scenario {
    id: String,
    title: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    suppose: GivenSupposition,
    request: GivenRequest,
    expect: Expected,
}
