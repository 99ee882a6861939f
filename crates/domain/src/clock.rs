//! A legal time limit as it lives on in a case.

use std::sync::Arc;

use jiff::{Timestamp, civil::Date};

use crate::{BoundParty, Clock, ClockUnit, JurisdictionCode, RuleId};

/// A time limit of a case: its terms, and how far it has run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaseClock {
    /// The rule that sets it; unique within the case.
    pub rule: RuleId,
    /// Source and provision, for example `dir-2014-41 art 12(3)`; empty for what no
    /// law sets.
    pub citation: Arc<str>,
    /// What the law says of it.
    pub terms: ClockTerms,
    /// Where it stands.
    pub state: ClockState,
    /// When it began to run.
    pub started_at: Option<Timestamp>,
    /// When it runs out, or ran out; while it is paused, when it would have. `None`
    /// where it is open.
    pub due_at: Option<Timestamp>,
    /// Last day of a limit in days, in the time zone of its calendar.
    pub last_day: Option<Date>,
    /// Since when it stands still.
    pub paused_since: Option<Timestamp>,
    /// When it last began to run again.
    pub resumed_at: Option<Timestamp>,
    /// What was left when it last stood still: whole hours, working days, or days.
    pub left: Option<u32>,
    /// By how much it was extended in all, in its unit.
    pub extended: u32,
    /// Why it was extended last; may be personal data.
    pub extension_reason: Arc<str>,
    /// When somebody was last reminded of it.
    pub reminded_at: Option<Timestamp>,
    /// When it last ran out before what it demands was done.
    pub breached_at: Option<Timestamp>,
    /// When it was over: in time, late, or because nothing is to be done any more.
    pub ended_at: Option<Timestamp>,
}

/// What the law says of a time limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockTerms {
    /// What it measures, for example `acknowledge`.
    pub measures: Arc<str>,
    /// Length in `unit`, without extensions; 0 for [`ClockUnit::Open`].
    pub length: u32,
    /// Unit of `length`.
    pub unit: ClockUnit,
    /// Event from which it runs.
    pub starts: Arc<str>,
    /// Events that end it.
    pub stops: Vec<Arc<str>>,
    /// Events from which it stands still.
    pub suspends: Vec<Arc<str>>,
    /// Events from which it runs again.
    pub resumes: Vec<Arc<str>>,
    /// Whose calendar counts; `None` for hours and for [`ClockUnit::Open`].
    pub calendar: Option<JurisdictionCode>,
    /// How far it can be extended, where it can.
    pub extension: Option<Extension>,
    /// What it means that it has run out.
    pub runs_out: RunsOut,
    /// What was found stays sealed while it runs.
    pub holds_release: bool,
    /// The side that must act in time.
    pub bound: BoundParty,
}

/// How far a time limit can be extended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Extension {
    /// At most by so much in all, in the unit of the clock.
    pub length: u32,
    /// The side that may extend it.
    pub by: BoundParty,
}

/// What it means that a time limit has run out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RunsOut {
    /// What had to be done was not done in time; it is still to be done.
    #[default]
    Breach,
    /// The time for what could be done, or had to be borne, is over.
    Lapse,
    /// The case is over with it.
    Expire,
}

/// Where a time limit of a case stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ClockState {
    /// The event from which it runs has not happened.
    Waiting,
    /// It runs.
    Running,
    /// It stands still.
    Paused,
    /// It was ended in time.
    Met,
    /// It ran out before what it demands was done.
    Breached,
    /// It is over without having been met or breached.
    Lapsed,
}

impl CaseClock {
    /// A clock of a decision whose event has yet to happen in the case.
    #[must_use]
    pub fn waiting(clock: &Clock) -> Self {
        let Clock {
            rule,
            measures,
            length,
            unit,
            starts,
            stops,
            suspends,
            resumes,
            calendar,
            extension,
            runs_out,
            holds_release,
            bound,
            started_at: _,
            due_at: _,
        } = clock;
        let (source, provision) = (&rule.citation.source, &rule.citation.provision);
        let terms = ClockTerms {
            measures: Arc::clone(measures),
            length: *length,
            unit: *unit,
            starts: Arc::clone(starts),
            stops: stops.clone(),
            suspends: suspends.clone(),
            resumes: resumes.clone(),
            calendar: calendar.clone(),
            extension: *extension,
            runs_out: *runs_out,
            holds_release: *holds_release,
            bound: *bound,
        };
        Self {
            citation: Arc::from(format!("{source} {provision}")),
            ..Self::of(rule.rule.clone(), terms)
        }
    }

    /// The time in which a condition has to be met, yet to begin.
    #[must_use]
    pub fn of_condition(rule: RuleId, citation: Arc<str>, terms: ClockTerms) -> Self {
        Self {
            citation,
            ..Self::of(rule, terms)
        }
    }

    /// A clock that no law sets: it runs from an instant to another.
    #[must_use]
    pub fn between(rule: RuleId, terms: ClockTerms, start: Timestamp, due: Timestamp) -> Self {
        Self {
            state: ClockState::Running,
            started_at: Some(start),
            due_at: Some(due),
            ..Self::of(rule, terms)
        }
    }

    fn of(rule: RuleId, terms: ClockTerms) -> Self {
        Self {
            rule,
            citation: Arc::from(""),
            terms,
            state: ClockState::Waiting,
            started_at: None,
            due_at: None,
            last_day: None,
            paused_since: None,
            resumed_at: None,
            left: None,
            extended: 0,
            extension_reason: Arc::from(""),
            reminded_at: None,
            breached_at: None,
            ended_at: None,
        }
    }

    /// Whether an event ends it.
    #[must_use]
    pub fn ends_by(&self, event: &str) -> bool {
        self.terms.stops.iter().any(|stop| **stop == *event)
    }

    /// What it demands is still to be done, in time or late.
    #[must_use]
    pub fn is_open(&self) -> bool {
        match self.state {
            ClockState::Running | ClockState::Paused => true,
            ClockState::Breached => self.ended_at.is_none(),
            ClockState::Waiting | ClockState::Met | ClockState::Lapsed => false,
        }
    }
}
