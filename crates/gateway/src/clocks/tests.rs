//! Random histories of a case with its time limits, against a small model that
//! counts hours down.
//!
//! What is under test runs as in the gateway, but for the store: events are taken
//! into the case by `happen::step`, and what is kept is the records alone. A crash
//! forgets everything else, between any two of them.

mod model;

use std::{collections::BTreeSet, sync::OnceLock};

use comity_domain::{CaseState, Executing, Issuing, Outcome, Urgency};
use comity_ledger::Leaf;
use comity_policy::{Arrival, Calendars, Moment};
use comity_store::{CaseChange, Expected};
use jiff::Timestamp;
use proptest::prelude::*;
use prost::{Message as _, bytes::Bytes};

use self::model::{Act, Model, law};
use super::{Happened, brought};
use crate::{
    cases::CaseAt,
    happen::{self, Event, Step, Unfiled},
    wire::encoded,
};

/// A moment; the model counts in whole hours from the first.
fn at(hour: u32) -> Timestamp {
    Timestamp::from_second(1_795_424_400 + i64::from(hour) * 3600).unwrap()
}

/// What a gateway keeps of a case, and what it has in memory.
struct Sut {
    records: Vec<Vec<u8>>,
    case: CaseAt,
    /// How many limits ran out.
    ends: usize,
}

impl Sut {
    /// A case that is approved and on its way.
    fn open() -> Self {
        let mut sut = Self {
            records: Vec::new(),
            case: row(),
            ends: 0,
        };
        let decided = Happened::Decided {
            clocks: law(at(0)),
            arrival: Arrival::Now,
        };
        let leaf = Leaf::new(at(0), "decision", "sta-berlin");
        sut.write(event(leaf, CaseState::Delivering, decided))
            .unwrap();
        sut
    }

    fn write(&mut self, event: Event) -> Result<(), Unfiled> {
        let case = self.case.clone();
        let Step { entry, case, .. } = happen::step(case, event, (Calendars::default(), u32::MAX))?;
        assert_eq!(case.row.expected, Expected::Version(self.case.version));
        self.records.push(entry.record);
        self.case = case;
        Ok(())
    }

    /// Files what time has brought, as far as the next crash.
    fn up_to(&mut self, now: Timestamp, steps: usize) {
        for _ in 0..steps {
            let Some((moment, event)) = brought(&self.case, now).unwrap() else {
                return;
            };
            self.write(event).unwrap();
            self.ends += usize::from(moment.is_some_and(|moment| moment != Moment::Reminder));
        }
    }

    fn act(&mut self, act: Act, now: Timestamp) -> Result<(), Unfiled> {
        self.up_to(now, usize::MAX);
        let to = match act.to() {
            Some(to) => self.case.row.state.step(to)?,
            None => self.case.row.state,
        };
        let leaf = Leaf::new(now, act.event(), "parquet-paris");
        self.write(event(leaf, to, act.happened()))
    }

    /// Forgets all but the records and the row.
    fn restart(&mut self) {
        let records = self.records.iter();
        let events = records
            .map(|record| encoded::Case::decode(Bytes::from(record.clone())).unwrap())
            .collect::<Vec<_>>();
        let snapshot = events.into_iter().reduce(encoded::Case::then).unwrap();
        assert_eq!(snapshot.clocks, self.case.snapshot.clocks);
        self.case.snapshot = snapshot;
    }
}

fn event(leaf: Leaf, to: CaseState, happened: Happened) -> Event {
    Event {
        clocks: vec![happened],
        ..Event::new(leaf, to, encoded::Case::default())
    }
}

fn row() -> CaseAt {
    CaseAt {
        snapshot: encoded::Case::default(),
        digest: OnceLock::new(),
        obligations: None,
        version: 0,
        row: CaseChange {
            id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            expected: Expected::New,
            state: CaseState::Approved,
            issuing: Issuing("DE".parse().unwrap()),
            executing: Executing("FR".parse().unwrap()),
            instrument: None,
            outcome: Some(Outcome::Approved),
            exercise: false,
            urgency: Urgency::Routine,
            owner: "sta-berlin".to_owned(),
            request_id: "one".parse().unwrap(),
            wake_at: None,
            reviewers: BTreeSet::new(),
            team: None,
            owes: true,
        },
    }
}

/// One thing in a history.
#[derive(Debug, Clone, Copy)]
enum Op {
    /// Hours go by and nobody looks.
    Pass(u32),
    /// The engine looks; it may die after so many events.
    Look(usize),
    /// The process dies and starts again.
    Restart,
    /// Somebody does something.
    Act(Act),
}

fn ops() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => (0..70_u32).prop_map(Op::Pass),
        1 => (0..3_usize).prop_map(Op::Look),
        1 => Just(Op::Look(usize::MAX)),
        1 => Just(Op::Restart),
        5 => prop::sample::select(Act::ALL.to_vec()).prop_map(Op::Act),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.max(1_000)))]

    #[test]
    fn histories_agree_with_the_model(history in prop::collection::vec(ops(), 1..30)) {
        let (mut sut, mut model) = (Sut::open(), Model::open());
        let mut hour = 0;
        for op in history {
            match op {
                Op::Pass(hours) => {
                    hour += hours;
                    (0..hours).for_each(|_| model.hour());
                    continue;
                }
                Op::Look(steps) => {
                    sut.up_to(at(hour), steps);
                    if steps < usize::MAX {
                        sut.restart();
                        continue;
                    }
                }
                Op::Restart => {
                    sut.restart();
                    continue;
                }
                Op::Act(act) => {
                    let done = sut.act(act, at(hour)).is_ok();
                    prop_assert_eq!(done, model.act(act), "{:?} at {}", act, hour);
                }
            }
            model.compare(&sut.case, hour)?;
        }
        // However it went: each end was noticed once, and none too early.
        sut.up_to(at(hour), usize::MAX);
        model.compare(&sut.case, hour)?;
        prop_assert_eq!(sut.ends, model.ends());
        prop_assert_eq!(sut.case.version, sut.records.len() as u64);
    }
}
