//! Proof of how changed conditions differ: Cedar's symbolic compiler asks an
//! SMT solver whether a rule holds whenever it held, and the other way round.
//!
//! A solver under limits is support for review, not a guarantee: where it is
//! unsure, the answer is that nothing was proved. What it offers as a case that
//! tells two rules apart is asked of both before anybody is told.

mod facts;
mod question;

use std::{collections::BTreeMap, future::Future, time::Duration};

use cedar_policy_symcc::{CedarSymCompiler, CompiledPolicy, Env, err::Error, solver::LocalSolver};
use comity_domain::RuleId;
use tokio::runtime;

use self::question::{Question, Restraint};
use super::{Proof, Proofs, Relation, suspects::Assignment};
use crate::{Library, evaluate::Holds};

/// Limits of the solver, in milliseconds for each query.
const ARGUMENTS: [&str; 2] = ["--strings-exp", "--tlimit-per=10000"];
/// After so long a solver that does not keep its limit is given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// Proves what it can of how these rules differ.
pub(super) fn proofs(libraries: [&Library; 2], rules: &[&RuleId]) -> Proofs {
    let runtime = runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = runtime else {
        return Proofs::None("the solver could not be started");
    };
    runtime.block_on(async {
        if LocalSolver::cvc5_with_args(ARGUMENTS).is_err() {
            return Proofs::None("the solver cvc5 is not on the path");
        }
        let mut proofs = BTreeMap::new();
        for rule in rules {
            let proof = prove(libraries, rule).await.unwrap_or_else(|why| Proof {
                relation: Relation::NotAnalysable(why),
                cases: Vec::new(),
            });
            proofs.insert((*rule).clone(), proof);
        }
        Proofs::Of(proofs)
    })
}

/// How one rule differs.
///
/// # Errors
/// Why nothing is proved, in words.
async fn prove(libraries: [&Library; 2], rule: &RuleId) -> Result<Proof, String> {
    let question = Question::new(libraries, rule)?;
    let mut solver = Solver::start()?;
    for side in question.policies(Restraint::None)? {
        if !solver.never_errs(&side).await? {
            return Err("a calculation in it may overflow".to_owned());
        }
    }
    let less = solver.apart(&question, Direction::Lost).await?;
    let more = solver.apart(&question, Direction::Gained).await?;
    let relation = match (&more, &less) {
        (None, None) => Relation::Same,
        (Some(_), None) => Relation::More,
        (None, Some(_)) => Relation::Less,
        (Some(_), Some(_)) => Relation::Both,
    };
    let cases = [more, less].into_iter().flatten();
    Ok(Proof {
        relation,
        cases: cases.collect(),
    })
}

/// Cases in which one version of a rule holds and the other does not.
#[derive(Debug, Clone, Copy)]
enum Direction {
    /// It held and holds no longer.
    Lost,
    /// It did not hold and holds now.
    Gained,
}

impl Direction {
    /// The version that holds, then the one that does not.
    fn order<T>(self, [old, new]: [T; 2]) -> [T; 2] {
        match self {
            Self::Lost => [old, new],
            Self::Gained => [new, old],
        }
    }
}

/// One solver, for the questions about one rule.
struct Solver(CedarSymCompiler<LocalSolver>);

impl Solver {
    fn start() -> Result<Self, String> {
        let solver = LocalSolver::cvc5_with_args(ARGUMENTS).map_err(|error| error.to_string())?;
        let compiler = CedarSymCompiler::new(solver).map_err(|error| in_words(&error))?;
        Ok(Self(compiler))
    }

    async fn never_errs(&mut self, policy: &CompiledPolicy) -> Result<bool, String> {
        within(self.0.check_never_errors_opt(policy)).await
    }

    /// A case that tells both versions apart; `None` where it is proved that
    /// there is none.
    async fn apart(
        &mut self,
        question: &Question<'_>,
        direction: Direction,
    ) -> Result<Option<Assignment>, String> {
        // A likely case is looked for first; only that there is no case at all
        // is a proof.
        for restraint in [Restraint::Plausible, Restraint::None] {
            let [holds, not] = direction.order(question.policies(restraint)?);
            let case = self
                .0
                .check_matches_implies_with_counterexample_opt(&holds, &not);
            if let Some(case) = within(case).await? {
                return replayed(question, &case, direction).map(Some);
            }
        }
        Ok(None)
    }
}

/// A case of the solver's, once the rules themselves have confirmed it.
fn replayed(
    question: &Question<'_>,
    case: &Env,
    direction: Direction,
) -> Result<Assignment, String> {
    let unread = || "a case that the solver found cannot be read".to_owned();
    let context = case.request.context().ok_or_else(unread)?;
    let context = context.to_json_value().map_err(|_| unread())?;
    let assignment = facts::assignment(question, &context).ok_or_else(unread)?;
    match direction.order(question.holds(&assignment)) {
        [Holds::Yes, Holds::No] => Ok(assignment),
        _ => Err("a case that the solver found is none when the rule is asked".to_owned()),
    }
}

async fn within<T>(query: impl Future<Output = Result<T, Error>>) -> Result<T, String> {
    match tokio::time::timeout(PATIENCE, query).await {
        Ok(answer) => answer.map_err(|error| in_words(&error)),
        Err(_) => Err("the solver did not answer in time".to_owned()),
    }
}

fn in_words(error: &Error) -> String {
    if matches!(error, Error::SolverUnknown) {
        "the solver is unsure".to_owned()
    } else {
        error.to_string()
    }
}
