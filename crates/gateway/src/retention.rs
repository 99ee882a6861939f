//! Which cases have been kept long enough: the worklist of whoever erases. Nothing is
//! erased here.

use comity_store::{Archive, CaseRow, Ended, ReadError, state_name};
use jiff::{ToSpan as _, civil::Date};

use crate::{clocks::day, config::Retention, legal_hold};

/// Cases read at once.
const PAGE: usize = 500;

/// Cases that a person has to decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueList {
    /// As of this day, UTC.
    pub at: Date,
    /// The cases, oldest first.
    pub cases: Vec<DueCase>,
    /// Cases that have ended and whose retention is not over.
    pub kept: u64,
}

/// A case that a person has to decide on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueCase {
    /// The case, without `cases/`.
    pub case: String,
    /// The State that asks.
    pub issuing: String,
    /// The State that is asked.
    pub executing: String,
    /// The instrument, where there is one.
    pub instrument: Option<String>,
    /// Where it ended, for example `CONCLUDED`.
    pub state: &'static str,
    /// The day on which it ended, UTC.
    pub ended: Date,
    /// What sets how long it is kept; `None`: no class fits it.
    pub class: Option<Class>,
    /// The legal holds that stand over it, by their entries.
    pub holds: Vec<u64>,
}

/// A retention class as it applies to a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Class {
    /// The class.
    pub retention: Retention,
    /// The first day on which the case need not be kept any more, UTC.
    pub due: Date,
}

/// What is to be decided of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its retention is over.
    Due,
    /// Its retention is over, and a legal hold keeps it.
    Held,
    /// No retention class fits it: it is never due.
    Unclassified,
}

impl DueCase {
    /// What is to be decided of it.
    #[must_use]
    pub fn standing(&self) -> Standing {
        match (&self.class, self.holds.as_slice()) {
            (None, _) => Standing::Unclassified,
            (Some(_), []) => Standing::Due,
            (Some(_), _) => Standing::Held,
        }
    }
}

/// Lists the cases that a person has to decide on as of a day.
pub(crate) fn due(
    archive: &mut Archive,
    classes: &[Retention],
    at: Date,
) -> Result<DueList, ReadError> {
    let holds = legal_hold::standing(archive)?;
    let holds_over = |case: &str| {
        let over = holds.iter().filter(|held| held.case == case);
        over.map(|held| held.entry).collect()
    };
    let mut list = DueList {
        at,
        cases: Vec::new(),
        kept: 0,
    };
    let mut after = None;
    loop {
        let page = archive.ended(after, PAGE)?;
        let Some(last) = page.last() else {
            return Ok(list);
        };
        after = Some(last.case.opened);
        for Ended { case, at: ended } in page {
            let ended = day(ended);
            let class = class(classes, &case, ended);
            // It may also have ended after the day that is asked for.
            let kept_until = class.as_ref().map_or(ended, |class| class.due);
            if kept_until > at {
                list.kept += 1;
                continue;
            }
            let holds = holds_over(case.id.as_str());
            list.cases.push(decided_on(case, ended, class, holds));
        }
    }
}

fn decided_on(case: CaseRow, ended: Date, class: Option<Class>, holds: Vec<u64>) -> DueCase {
    DueCase {
        case: case.id.to_string(),
        issuing: case.issuing.0.to_string(),
        executing: case.executing.0.to_string(),
        instrument: case.instrument.map(|id| id.to_string()),
        state: state_name(case.state),
        ended,
        class,
        holds,
    }
}

/// The class that counts for a case: the one that names most of it, and of several the
/// longest, so that no case is due while any of them keeps it.
fn class(classes: &[Retention], case: &CaseRow, ended: Date) -> Option<Class> {
    let named =
        |class: &Retention| u8::from(class.instrument.is_some()) + u8::from(class.state.is_some());
    let fitting = classes.iter().filter(|class| fits(class, case));
    let retention = fitting.max_by_key(|class| (named(class), class.months))?;
    Some(Class {
        retention: retention.clone(),
        due: due_day(ended, retention.months),
    })
}

fn fits(class: &Retention, case: &CaseRow) -> bool {
    let Retention {
        instrument,
        state,
        months: _,
        because: _,
    } = class;
    let of_instrument = instrument.is_none() || *instrument == case.instrument;
    let parties = [&case.issuing.0, &case.executing.0];
    let of_state = state.as_ref().is_none_or(|state| parties.contains(&state));
    of_instrument && of_state
}

/// The day after a number of months, of which the day of the end is not one: as in
/// Regulation (EEC, Euratom) 1182/71 Art. 3(2)(c), they are over as the day of that number
/// is, or as the last day of a month without it.
fn due_day(ended: Date, months: u32) -> Date {
    ended
        .saturating_add(i64::from(months).months())
        .saturating_add(1.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_over_as_their_last_day_is() {
        for (ended, months, due) in [
            ("2026-01-15", 1, "2026-02-16"),
            ("2026-01-31", 1, "2026-03-01"),
            ("2027-12-31", 2, "2028-03-01"),
            ("2028-02-29", 12, "2029-03-01"),
            ("2026-11-26", 1200, "2126-11-27"),
        ] {
            let ended: Date = ended.parse().unwrap();
            assert_eq!(due_day(ended, months).to_string(), due, "{ended} {months}");
        }
    }
}
