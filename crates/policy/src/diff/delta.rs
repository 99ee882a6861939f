//! How two decisions on one request differ.

use std::collections::BTreeSet;

use comity_domain::{
    BoundParty, Clock, Decision, Ground, GroundKind, InstrumentId, Obligation, Outcome, Referral,
    RuleId, RuleRef, RunsOut,
};

use super::{Finding, FindingKind, view};
use crate::scenario::{ground_kind, obligation_kind};

/// What changes between two decisions, however the request came about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Delta {
    pub(super) outcomes: [Outcome; 2],
    pub(super) instruments: [Option<InstrumentId>; 2],
    /// Findings of the first decision alone, and of the second alone; none
    /// where another instrument carries the request, since then all differ.
    pub(super) findings: [BTreeSet<Finding>; 2],
}

impl Delta {
    /// Whoever asked is answered otherwise, not only for other reasons.
    pub(super) fn is_of_outcome(&self) -> bool {
        let [before, after] = self.outcomes;
        before != after
    }

    /// Another instrument carries the request.
    pub(super) fn is_of_carrier(&self) -> bool {
        let [before, after] = &self.instruments;
        before != after
    }
}

/// How two decisions differ; `None` where they come to the same. Rules that
/// are `disclosing` bind what goes back, and so speak of approved requests only:
/// that they do not speak of others is no difference of theirs.
pub(super) fn delta([old, new]: [&Decision; 2], disclosing: &BTreeSet<RuleId>) -> Option<Delta> {
    let decisions = [old, new];
    let instruments = decisions.map(|decision| decision.instrument.clone());
    let both = decisions
        .iter()
        .all(|decision| decision.outcome == Outcome::Approved);
    let comparable =
        |finding: &Finding| both || !disclosing.iter().any(|rule| *rule.as_str() == *finding.of);
    let [before, after] = decisions.map(|decision| {
        let found = findings(decision).into_iter();
        found.filter(comparable).collect::<BTreeSet<_>>()
    });
    let same_way = instruments[0] == instruments[1];
    let findings = if same_way {
        let mut gone: BTreeSet<Finding> = before.difference(&after).cloned().collect();
        let mut come: BTreeSet<Finding> = after.difference(&before).cloned().collect();
        if gone.is_empty() && come.is_empty() {
            [gone, come] = ends(old, new);
        }
        [gone, come]
    } else {
        [BTreeSet::new(), BTreeSet::new()]
    };
    let delta = Delta {
        outcomes: decisions.map(|decision| decision.outcome),
        instruments,
        findings,
    };
    let differs =
        !same_way || delta.is_of_outcome() || delta.findings.iter().any(|found| !found.is_empty());
    differs.then_some(delta)
}

/// Everything found, as far as it does not hang on the States that ask.
fn findings(decision: &Decision) -> BTreeSet<Finding> {
    let Decision {
        outcome: _,
        instrument: _,
        passed_over: _,
        alternatives,
        grounds,
        requirements,
        referrals,
        obligations,
        clocks,
        permits,
        modules: _,
        bundle: _,
        law_date: _,
        facts: _,
        rulings: _,
    } = decision;
    let grounds = grounds.iter().map(of_ground);
    let requirements = requirements.iter().map(|required| {
        let detail = required.field.to_string();
        finding(FindingKind::Requirement, &required.rule, detail)
    });
    let referrals = referrals.iter().map(of_referral);
    let obligations = obligations.iter().map(of_obligation);
    let clocks = clocks
        .iter()
        .map(|clock| finding(FindingKind::Clock, &clock.rule, of_clock(clock)));
    let permits = permits
        .iter()
        .map(|permit| finding(FindingKind::Permit, permit, String::new()));
    let alternatives = alternatives.iter().map(|instrument| Finding {
        kind: FindingKind::Alternative,
        of: instrument.to_string(),
        detail: String::new(),
        missing: Vec::new(),
    });
    let found = grounds.chain(requirements).chain(referrals);
    let found = found.chain(obligations).chain(clocks);
    found.chain(permits).chain(alternatives).collect()
}

fn of_ground(ground: &Ground) -> Finding {
    let kind = match (ground.kind, ground.consult_first) {
        (kind, true) => format!("{}, consult first", ground_kind(kind)),
        (GroundKind::Mandatory, false) => String::new(),
        (kind, false) => ground_kind(kind).to_owned(),
    };
    finding(FindingKind::Ground, &ground.rule, kind)
}

fn of_referral(referral: &Referral) -> Finding {
    let eyes = if referral.four_eyes {
        ", two of them"
    } else {
        ""
    };
    let detail = format!("to the {}{eyes}", referral.role);
    finding(FindingKind::Referral, &referral.rule, detail)
}

fn of_obligation(obligation: &Obligation) -> Finding {
    let bound = match obligation.bound {
        BoundParty::Issuing => "issuing",
        BoundParty::Executing => "executing",
    };
    let kind = obligation_kind(obligation.kind);
    let parameters = obligation.parameters.iter();
    let parameters = parameters.map(|(name, value)| format!(", {name} {value}"));
    let parameters: String = parameters.collect();
    let detail = format!("{kind} of the {bound} side{parameters}");
    finding(FindingKind::Obligation, &obligation.rule, detail)
}

fn finding(kind: FindingKind, rule: &RuleRef, detail: String) -> Finding {
    Finding {
        kind,
        of: rule.rule.to_string(),
        detail,
        missing: rule.facts_missing.clone(),
    }
}

fn of_clock(clock: &Clock) -> String {
    let mut stops: Vec<&str> = clock.stops.iter().map(|stop| &**stop).collect();
    stops.sort_unstable();
    format!(
        "{} {} from {} until {}{}",
        clock.measures,
        view::length(clock.length, clock.unit),
        clock.starts,
        stops.join(", "),
        life(clock)
    )
}

/// What a time limit may do before it runs out, and what that means, where
/// there is more to say than that it runs and is kept or not.
fn life(clock: &Clock) -> String {
    let mut life = String::new();
    if !clock.suspends.is_empty() {
        let [from, until] = [&clock.suspends, &clock.resumes].map(|events| events.join(", "));
        life.push_str(&format!(", paused from {from} until {until}"));
    }
    if let Some(extension) = clock.extension {
        life.push_str(&format!(", extensible by {}", extension.length));
    }
    match clock.runs_out {
        RunsOut::Breach => {}
        RunsOut::Lapse => life.push_str(", then lapses"),
        RunsOut::Expire => life.push_str(", then ends the case"),
    }
    if clock.holds_release {
        life.push_str(", holds the release of data");
    }
    life
}

/// Time limits that are the same and yet end on another day.
fn ends(old: &Decision, new: &Decision) -> [BTreeSet<Finding>; 2] {
    let moved = old.clocks.iter().filter(|clock| {
        let same = new
            .clocks
            .iter()
            .find(|other| other.rule.rule == clock.rule.rule);
        same.is_some_and(|other| other.due_at != clock.due_at)
    });
    let moved = moved.map(|clock| {
        let detail = format!("{} ends on another day", clock.measures);
        finding(FindingKind::Clock, &clock.rule, detail)
    });
    [BTreeSet::new(), moved.collect()]
}
