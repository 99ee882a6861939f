//! A request against which nothing stands: what must be said of it so that
//! only what differs between two libraries decides.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{Decision, FactName, Outcome, Request, RuleRef, Stated};

use super::suspects::Assignment;
use crate::{
    FormCheck, Library, Question, findings::lines, model::Declarations,
    scenario::request::stated_by, vary,
};

/// Most facts stated to clear a request.
const MOST_FACTS: usize = 8;
/// Statements remembered that cleared a request before.
const REMEMBERED: usize = 4;

/// Clears the requests between two States one after the other.
#[derive(Default)]
pub(super) struct Cleaner {
    /// What cleared a request before, latest last.
    before: Vec<Assignment>,
}

/// How far a request is from approval: least is best.
type Standing = (Outcome, usize, usize);

impl Cleaner {
    /// What to state so that as little as possible stands against a request.
    /// Nothing is stated of `untouchable` facts.
    pub(super) fn clear(
        &mut self,
        library: &Library,
        request: &Request,
        declarations: Declarations<'_>,
        untouchable: &BTreeSet<FactName>,
    ) -> Assignment {
        let attempt = Attempt {
            library,
            request,
            declarations,
            untouchable,
        };
        let mut best = Assignment::new();
        let mut decision = decide(library, &stating(library, request, &best));
        if decision.outcome == Outcome::Approved {
            return best;
        }
        // Where the library itself stands against it, no fact can help.
        if against(&decision).any(|found| library.rule(&found.rule).is_none()) {
            return best;
        }
        for known in self.before.iter().rev() {
            let decided = decide(library, &stating(library, request, known));
            if decided.outcome == Outcome::Approved {
                return known.clone();
            }
        }
        for _ in 0..MOST_FACTS {
            let Some((better, decided)) = attempt.improve(&best, &decision) else {
                break;
            };
            (best, decision) = (better, decided);
            if decision.outcome == Outcome::Approved {
                self.before.push(best.clone());
                if self.before.len() > REMEMBERED {
                    self.before.remove(0);
                }
                break;
            }
        }
        best
    }
}

struct Attempt<'a> {
    library: &'a Library,
    request: &'a Request,
    declarations: Declarations<'a>,
    untouchable: &'a BTreeSet<FactName>,
}

impl Attempt<'_> {
    /// The one statement more that helps most.
    fn improve(&self, stated: &Assignment, decision: &Decision) -> Option<(Assignment, Decision)> {
        let against: BTreeSet<_> = against(decision).map(|rule| &rule.rule).collect();
        let rules = against.into_iter().filter_map(|id| self.library.rule(id));
        let domains = vary::domains(self.declarations, rules.flat_map(|info| lines(info.rule)));
        let attempts = domains
            .iter()
            .filter(|(fact, _)| self.may_state(fact))
            .flat_map(|(fact, values)| {
                values.iter().flatten().map(|value| {
                    let mut stated = stated.clone();
                    stated.insert(Arc::clone(fact), value.clone());
                    let decided =
                        decide(self.library, &stating(self.library, self.request, &stated));
                    (standing(&decided), stated, decided)
                })
            });
        let (best, stated, decided) = attempts.min_by_key(|(standing, ..)| *standing)?;
        (best < standing(decision)).then_some((stated, decided))
    }

    fn may_state(&self, fact: &FactName) -> bool {
        !self.untouchable.contains(fact)
            && !super::suspects::SETTLED.contains(&&**fact)
            && self.library.model.vocabulary.facts.contains_key(fact)
    }
}

/// Every rule that stands against approval.
pub(super) fn against(decision: &Decision) -> impl Iterator<Item = &RuleRef> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    grounds.chain(requirements).chain(referrals)
}

fn standing(decision: &Decision) -> Standing {
    let missing = against(decision).map(|rule| rule.facts_missing.len()).sum();
    (decision.outcome, against(decision).count(), missing)
}

/// The request with facts stated, each by whoever can settle it.
pub(super) fn stating(library: &Library, request: &Request, assignment: &Assignment) -> Request {
    let vocabulary = &library.model.vocabulary.facts;
    let stated = assignment.iter().filter_map(|(fact, value)| {
        let source = stated_by(vocabulary.get(fact)?);
        let value = value.clone();
        Some((Arc::clone(fact), Stated { value, source }))
    });
    let mut request = request.clone();
    request.facts = stated.collect::<BTreeMap<_, _>>();
    request
}

/// Decides a request whose form is in order.
pub(super) fn decide(library: &Library, request: &Request) -> Decision {
    let question = Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings: &[],
    };
    library.decide(&question).decision
}
