//! What an edit of the policy folder means, not what it changes in the text:
//! two libraries compared part by part, and every request between two States
//! that both do not decide alike, one example for each way.

mod changes;
mod clean;
mod delta;
mod example;
mod fold;
mod left_out;
mod measures;
mod occasions;
#[cfg(feature = "prove")]
mod prove;
mod search;
mod subject;
mod suspects;
mod touched;
mod view;

use std::collections::BTreeMap;

use comity_domain::{
    Decision, Digest, FactName, InstrumentId, JurisdictionCode, MeasureId, Outcome, RuleId, Stage,
    Text,
};
use jiff::civil::Date;

pub use self::subject::Subject;
use self::{
    occasions::Ground,
    search::{Search, Searched},
    suspects::Assignment,
};
use crate::Library;

/// What separates two libraries.
#[derive(Debug)]
pub struct Difference {
    /// SHA-256 of the old and the new bundle.
    pub bundles: [Digest; 2],
    /// Every part that means something else; empty: the edit changes nothing
    /// in meaning.
    pub changes: Vec<Change>,
    /// Parts of which only titles or other words differ.
    pub words: Vec<Rewording>,
    /// How each rule differs whose conditions do.
    pub rules: Vec<RuleChange>,
    /// What becomes of requests, the loosening ones first.
    pub effects: Vec<Effect>,
    /// Requests decided by both libraries in the search.
    pub decided: u64,
    /// Where the search did not go.
    pub left_out: Vec<LeftOut>,
    /// Why no solver was asked how rules differ; `None` where one was.
    pub unproved: Option<&'static str>,
}

/// A part of the library that means something else.
#[derive(Debug, Clone)]
pub struct Change {
    /// The part.
    pub subject: Subject,
    /// What became of it.
    pub kind: ChangeKind,
    /// Its name in words, where it has one.
    pub title: Text,
    /// In what it differs, by name of the aspect.
    pub aspects: Vec<AspectChange>,
    /// In what words it differs besides, where it is another.
    pub words: Vec<AspectChange>,
    /// Parts that came or went with it.
    pub within: Vec<Subject>,
}

/// A part of which only words differ: what people read and no rule does.
#[derive(Debug, Clone)]
pub struct Rewording {
    /// The part.
    pub subject: Subject,
    /// The words of both sides, by name of the aspect; each begins with its language.
    pub aspects: Vec<AspectChange>,
}

/// What became of a part of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It is another.
    Altered,
}

/// An aspect of a part that differs: what stands on one side alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AspectChange {
    /// Its name, mostly as in the file.
    pub aspect: &'static str,
    /// Values that are gone, as written.
    pub was: Vec<String>,
    /// Values that are new, as written.
    pub is: Vec<String>,
}

/// How the conditions of a rule differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleChange {
    /// The rule.
    pub rule: RuleId,
    /// When it holds now, beside when it held.
    pub relation: Relation,
    /// A solver has proved it; else it was searched, and what was not found is
    /// not excluded.
    pub proved: bool,
    /// It was proved, or every combination of what its lines tell apart was tried.
    pub complete: bool,
}

/// When a rule holds now, beside when it held before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Relation {
    /// In more cases.
    More,
    /// In fewer cases.
    Less,
    /// In the same cases: proved only, never concluded from a search.
    Same,
    /// In some cases more and in some fewer.
    Both,
    /// No case was found that tells them apart.
    NotFound,
    /// A solver was asked and could not tell, with its reason.
    NotAnalysable(String),
}

/// A way in which requests are decided otherwise.
#[derive(Debug)]
pub struct Effect {
    /// Outcome before and after.
    pub outcomes: [Outcome; 2],
    /// The instrument that carries the requests before and after, where they
    /// name none and it is not the same.
    pub carriers: Option<[Option<InstrumentId>; 2]>,
    /// What was found before alone, and what after alone, in one request or
    /// another; empty where another instrument carries them.
    pub findings: [Vec<Finding>; 2],
    /// Who asks whom for what.
    pub matters: Vec<Matters>,
    /// A request that is decided so.
    pub example: Example,
}

/// Instruments, pairs of States and measures that are treated alike, each with
/// each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Matters {
    /// The instruments that requests name; empty: requests that name none.
    pub named: Vec<InstrumentId>,
    /// The State that asks, the State that is asked.
    pub pairs: Vec<[JurisdictionCode; 2]>,
    /// What is asked.
    pub measures: Vec<MeasureId>,
}

/// A finding of a decision, in words that do not hang on the States.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// Its kind.
    pub kind: FindingKind,
    /// The rule, or the instrument suggested.
    pub of: String,
    /// More of it; may be empty.
    pub detail: String,
    /// The facts for want of which it could not be settled.
    pub missing: Vec<FactName>,
}

/// Kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A ground for refusal.
    Ground,
    /// Something the requester must supply.
    Requirement,
    /// A question for a human.
    Referral,
    /// A condition that travels with the answer.
    Obligation,
    /// A time limit.
    Clock,
    /// A rule that permits.
    Permit,
    /// An instrument suggested instead.
    Alternative,
}

/// A request that both libraries decide, and not alike.
#[derive(Debug)]
pub struct Example {
    /// The request with the new decision, as an entry of `tests.yaml`.
    pub scenario: String,
    /// What the old library decides.
    pub before: Decision,
    /// What the new library decides.
    pub after: Decision,
}

/// Where a search did not go.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// The part concerned; `None`: the search as a whole.
    pub subject: Option<Subject>,
    /// What was not tried, in words.
    pub what: String,
}

impl Difference {
    /// Nothing differs but how conditions are written: no request was found that is
    /// decided otherwise, and none of the rules holds otherwise in any case there is.
    #[must_use]
    pub fn is_rewritten(&self) -> bool {
        let is_written = |aspect: &AspectChange| ["when", "unless"].contains(&aspect.aspect);
        let alike = |rule: &RuleChange| {
            rule.complete && matches!(rule.relation, Relation::Same | Relation::NotFound)
        };
        let mut changes = self.changes.iter();
        !self.changes.is_empty()
            && self.effects.is_empty()
            && self.rules.iter().all(alike)
            && changes.all(|change| {
                change.kind == ChangeKind::Altered && change.aspects.iter().all(is_written)
            })
    }
}

impl Library {
    /// What separates this library from a newer one: which parts mean
    /// something else, and which requests are decided otherwise on `day`, or on
    /// the days on which a changed rule begins or ends to be law.
    ///
    /// `watch` is told how many pairs of States there are whenever one of them
    /// is done with, from any thread.
    #[must_use]
    pub fn compare(&self, new: &Self, day: Date, watch: &(dyn Fn(usize) + Sync)) -> Difference {
        let views = [self, new].map(|library| view::views(&library.model));
        let [old_views, new_views] = &views;
        let changes::Changes { all, words } = changes::changes(old_views, new_views);
        let touched = touched::touched(&all, [self, new], day);
        let rules = [self, new].into_iter().flat_map(Self::rules);
        let disclosing = rules.filter(|info| info.rule.stage == Stage::Disclosure);
        let disclosing = disclosing.map(|info| info.rule.id.clone()).collect();
        let chosen_by = measures::deciding_carriers([self, new]);
        let chosen_by = measures::alike([self, new], &chosen_by);
        let ground = Ground {
            libraries: [self, new],
            chosen_by: &chosen_by,
            touched: &touched,
            disclosing: &disclosing,
            day,
        };
        let conditions: Vec<&RuleId> = fold::conditions(&all).collect();
        let (proofs, unproved) = match proofs([self, new], &conditions) {
            Proofs::Of(proofs) => (proofs, None),
            Proofs::None(why) => (BTreeMap::new(), Some(why)),
        };
        let Searched {
            found,
            apart,
            decided,
            untried,
            occasions,
        } = Search::new(ground, &proofs, watch).run();
        let [_, skipped] = occasions;
        Difference {
            bundles: [self.digest(), new.digest()],
            rules: fold::rules(&conditions, (&apart, skipped > 0), &proofs),
            effects: fold::effects(&ground, found),
            left_out: left_out::left_out(&all, &apart, &untried, occasions),
            changes: changes::gathered(&all, old_views, new_views),
            words,
            decided,
            unproved,
        }
    }
}

/// What a solver said of rules.
#[cfg_attr(
    not(feature = "prove"),
    expect(dead_code, reason = "nothing is proved")
)]
enum Proofs {
    Of(BTreeMap<RuleId, Proof>),
    /// None was asked, and why.
    None(&'static str),
}

/// How a rule differs, with a case for each way.
struct Proof {
    relation: Relation,
    cases: Vec<Assignment>,
}

#[cfg(feature = "prove")]
fn proofs(libraries: [&Library; 2], rules: &[&RuleId]) -> Proofs {
    prove::proofs(libraries, rules)
}

#[cfg(not(feature = "prove"))]
fn proofs(_: [&Library; 2], _: &[&RuleId]) -> Proofs {
    Proofs::None("this program was built without the feature `prove`")
}

/// What stands on the same side together.
fn zip<A, B>([a, b]: [A; 2], [c, d]: [B; 2]) -> [(A, B); 2] {
    [(a, c), (b, d)]
}
