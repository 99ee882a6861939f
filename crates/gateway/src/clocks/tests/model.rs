//! The model: five limits in hours, each counted down hour by hour, and an open one.

use std::sync::Arc;

use comity_domain::{
    BoundParty, CaseState, Citation, Clock, ClockUnit, Confidence, Digest, Extension, RuleRef,
    RunsOut,
};
use jiff::Timestamp;
use proptest::{prop_assert, prop_assert_eq, test_runner::TestCaseError};

use super::at;
use crate::{
    cases::CaseAt,
    clocks::{self, Happened},
};

/// What somebody may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Acknowledge,
    Recognise,
    Progress,
    Postpone,
    Conclude,
    Reject,
    Object,
    Withdraw,
    Extend,
}

/// A limit of the model: its terms, and how it stands.
#[derive(Debug, Clone)]
struct Limit {
    rule: &'static str,
    /// [`OPEN`] where the law sets none.
    hours: u32,
    starts: &'static str,
    stops: &'static [&'static str],
    suspends: &'static [&'static str],
    resumes: &'static [&'static str],
    runs_out: RunsOut,
    /// Hours left of one that runs or stands still.
    left: u32,
    stand: Stand,
    breached: bool,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Waiting,
    Running,
    Paused,
    Met,
    Breached,
    Lapsed,
}

/// See the module.
pub(super) struct Model {
    state: CaseState,
    limits: Vec<Limit>,
    extended: u32,
    ends: usize,
}

impl Act {
    pub(super) const ALL: [Self; 9] = [
        Self::Acknowledge,
        Self::Recognise,
        Self::Progress,
        Self::Postpone,
        Self::Conclude,
        Self::Reject,
        Self::Object,
        Self::Withdraw,
        Self::Extend,
    ];

    pub(super) fn event(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledged",
            Self::Recognise => "recognised",
            Self::Progress => "progress",
            Self::Postpone => "postponed",
            Self::Conclude => "concluded",
            Self::Reject => "not-executed",
            Self::Object => "objected",
            Self::Withdraw => "withdrawn",
            Self::Extend => "extended",
        }
    }

    /// Where the case goes.
    pub(super) fn to(self) -> Option<CaseState> {
        match self {
            Self::Acknowledge => Some(CaseState::Acknowledged),
            Self::Progress => Some(CaseState::Executing),
            Self::Postpone => Some(CaseState::Postponed),
            Self::Conclude => Some(CaseState::Concluded),
            Self::Reject => Some(CaseState::NotExecuted),
            Self::Withdraw => Some(CaseState::Withdrawn),
            Self::Recognise | Self::Object | Self::Extend => None,
        }
    }

    /// The same in the words of what is under test.
    pub(super) fn happened(self) -> Happened {
        if self == Self::Extend {
            return Happened::Extended {
                rule: "decide".parse().unwrap(),
                length: 7,
                reason: "why".to_owned(),
            };
        }
        Happened::Event(self.event().into())
    }
}

/// The length of what runs until an event ends it.
const OPEN: u32 = 0;

fn limits() -> Vec<Limit> {
    let limit = |rule, hours, starts, stops, runs_out| Limit {
        rule,
        hours,
        starts,
        stops,
        suspends: &[],
        resumes: &[],
        runs_out,
        left: 0,
        stand: Stand::Waiting,
        breached: false,
        ended: false,
    };
    let decided: &[&str] = &[
        "recognised",
        "progress",
        "postponed",
        "concluded",
        "not-executed",
    ];
    let done: &[&str] = &["concluded", "not-executed"];
    let reached: &[&str] = &["acknowledged", "concluded"];
    vec![
        limit("acknowledge", 24, "received", reached, RunsOut::Breach),
        limit("decide", 30, "received", decided, RunsOut::Breach),
        Limit {
            suspends: &["postponed"],
            resumes: &["progress"],
            ..limit("execute", 90, "recognised", done, RunsOut::Breach)
        },
        limit("object", 96, "received", &["objected"], RunsOut::Lapse),
        limit("serve", 200, "received", done, RunsOut::Expire),
        limit("review", OPEN, "postponed", done, RunsOut::Breach),
    ]
}

/// The limits as a decision names them.
pub(super) fn law(received: Timestamp) -> Vec<Clock> {
    let names = |events: &[&str]| events.iter().map(|event| Arc::from(*event)).collect();
    let clock = |limit: Limit| {
        let starts = limit.starts == "received";
        let extensible = limit.rule == "decide";
        Clock {
            rule: rule(limit.rule),
            measures: limit.rule.into(),
            length: limit.hours,
            unit: match limit.hours {
                OPEN => ClockUnit::Open,
                _ => ClockUnit::Hours,
            },
            starts: limit.starts.into(),
            stops: names(limit.stops),
            suspends: names(limit.suspends),
            resumes: names(limit.resumes),
            calendar: None,
            extension: extensible.then_some(Extension {
                length: 14,
                by: BoundParty::Executing,
            }),
            runs_out: limit.runs_out,
            bound: BoundParty::Executing,
            started_at: starts.then_some(received),
            due_at: starts.then(|| at(limit.hours)),
            holds_release: false,
        }
    };
    limits().into_iter().map(clock).collect()
}

fn rule(id: &str) -> RuleRef {
    RuleRef {
        rule: id.parse().unwrap(),
        module: "instrument/act".parse().unwrap(),
        module_digest: Digest([0; 32]),
        citation: Citation {
            source: "act".into(),
            provision: "art 1".into(),
            title: "The Act".into(),
            url: None,
        },
        text: "In time".into(),
        language: "en".into(),
        facts_used: Vec::new(),
        facts_missing: Vec::new(),
        confidence: Confidence::High,
    }
}

impl Limit {
    fn is_open(&self) -> bool {
        match self.stand {
            Stand::Running | Stand::Paused => true,
            Stand::Breached => !self.ended,
            Stand::Waiting | Stand::Met | Stand::Lapsed => false,
        }
    }

    fn is_done(&self) -> bool {
        self.stand == Stand::Met || (self.stand == Stand::Breached && self.ended)
    }

    fn event(&mut self, event: &str) {
        let is = |events: &[&str]| events.contains(&event);
        if is(self.stops) {
            match self.stand {
                Stand::Running | Stand::Paused => self.stand = Stand::Met,
                Stand::Waiting => self.stand = Stand::Lapsed,
                Stand::Met | Stand::Breached | Stand::Lapsed => {}
            }
            self.ended = true;
        } else if is(self.suspends) && self.stand == Stand::Running {
            self.stand = Stand::Paused;
        }
        if self.starts == event && (self.stand == Stand::Waiting || self.is_done()) {
            (self.stand, self.left, self.ended) = (Stand::Running, self.hours, false);
        }
    }

    fn set_aside(&mut self) {
        if !matches!(self.stand, Stand::Met | Stand::Breached) {
            self.stand = Stand::Lapsed;
        }
        self.ended = true;
    }
}

impl Model {
    pub(super) fn open() -> Self {
        let mut limits = limits();
        limits.iter_mut().for_each(|limit| limit.event("received"));
        Self {
            state: CaseState::Delivering,
            limits,
            extended: 0,
            ends: 0,
        }
    }

    /// An hour passes; what has run out with it, has run out.
    pub(super) fn hour(&mut self) {
        let mut expired = false;
        for limit in &mut self.limits {
            if limit.stand != Stand::Running || limit.hours == OPEN {
                continue;
            }
            limit.left -= 1;
            if limit.left > 0 {
                continue;
            }
            self.ends += 1;
            if limit.runs_out == RunsOut::Breach {
                (limit.stand, limit.breached) = (Stand::Breached, true);
            } else {
                (limit.stand, limit.ended) = (Stand::Lapsed, true);
            }
            expired |= limit.runs_out == RunsOut::Expire;
        }
        if expired {
            self.over(CaseState::Expired);
        }
    }

    /// Somebody does something; whether the case allows it.
    pub(super) fn act(&mut self, act: Act) -> bool {
        match act.to().map(|to| self.state.step(to)) {
            Some(Err(_)) => return false,
            Some(Ok(to)) => self.state = to,
            None => {}
        }
        if act == Act::Extend {
            let decide = &mut self.limits[1];
            if decide.stand == Stand::Running && self.extended < 14 {
                self.extended += 7;
                decide.left += 7;
            }
            return true;
        }
        for limit in &mut self.limits {
            limit.event(act.event());
        }
        self.resume(act.event());
        if matches!(self.state, CaseState::Withdrawn | CaseState::Expired) {
            self.over(self.state);
        }
        true
    }

    /// What stands still for another limit that runs goes on standing still.
    fn resume(&mut self, event: &str) {
        let open = self.limits.iter().filter(|limit| limit.is_open());
        let begun: Vec<_> = open.map(|limit| limit.starts).collect();
        for limit in &mut self.limits {
            let still = limit.suspends.iter().any(|one| begun.contains(one));
            if limit.stand == Stand::Paused && limit.resumes.contains(&event) && !still {
                limit.stand = Stand::Running;
            }
        }
    }

    fn over(&mut self, state: CaseState) {
        self.state = state;
        self.limits.iter_mut().for_each(Limit::set_aside);
    }

    /// How many limits ran out.
    pub(super) fn ends(&self) -> usize {
        self.ends
    }

    pub(super) fn compare(&self, case: &CaseAt, hour: u32) -> Result<(), TestCaseError> {
        prop_assert_eq!(case.row.state, self.state, "at {}", hour);
        let clocks = clocks::of(&case.snapshot.clocks).unwrap();
        prop_assert_eq!(clocks.len(), self.limits.len());
        let mut first = None;
        for (limit, clock) in self.limits.iter().zip(&clocks) {
            let rule = limit.rule;
            let [found, stand] = [format!("{:?}", clock.state), format!("{:?}", limit.stand)];
            prop_assert_eq!(found, stand, "{} at {}", rule, hour);
            prop_assert_eq!(clock.breached_at.is_some(), limit.breached, "{}", rule);
            prop_assert_eq!(
                clock.ended_at.is_some(),
                limit.ended,
                "{} at {}",
                rule,
                hour
            );
            if limit.hours == OPEN {
                prop_assert_eq!(clock.due_at, None, "{} at {}", rule, hour);
            } else if limit.stand == Stand::Running {
                let due = at(hour + limit.left);
                prop_assert_eq!(clock.due_at, Some(due), "{} at {}", rule, hour);
                first = first.min(Some(due)).or(Some(due));
            }
        }
        // The case is looked at in time for its first limit, and only for one.
        prop_assert_eq!(case.row.wake_at.is_some(), first.is_some());
        prop_assert!(case.row.wake_at <= first);
        Ok(())
    }
}
