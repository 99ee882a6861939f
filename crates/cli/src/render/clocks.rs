//! The time limits of a case in words: what is due when, and what became of it.

use comity::v1::{CaseClock, ClockState, ClockUnit};
use jiff::Timestamp;

use super::instant;

/// One line for each limit: those that run first, by what is due next.
pub(crate) fn lines(clocks: &[CaseClock], now: Timestamp) -> Vec<String> {
    let mut clocks: Vec<_> = clocks.iter().collect();
    clocks.sort_by_key(|clock| (rank(clock), due(clock)));
    clocks.into_iter().map(|clock| line(clock, now)).collect()
}

/// What is due next, in the fewest words; empty where nothing is.
pub(crate) fn next(clocks: &[CaseClock], now: Timestamp) -> String {
    let running = clocks
        .iter()
        .filter(|clock| clock.state() == ClockState::Running);
    let next = running.min_by_key(|clock| due(clock));
    next.map_or_else(String::new, |clock| {
        format!("{}\n{}, {}", clock.measures, day(clock), away(clock, now))
    })
}

/// The first limit that runs out, with its length and its last day or moment.
pub(crate) fn deadline(clocks: &[CaseClock]) -> String {
    let limits = clocks.iter().filter(|clock| clock.due_at.is_some());
    let first = limits.min_by_key(|clock| due(clock));
    first.map_or_else(String::new, |clock| {
        format!(
            "{} {}\n{}",
            clock.measures,
            amount(clock.unit(), clock.length),
            day(clock)
        )
    })
}

fn line(clock: &CaseClock, now: Timestamp) -> String {
    let mut line = format!("{}: {}", clock.measures, standing(clock, now));
    if clock.extended > 0 {
        let by = amount(clock.unit(), clock.extended);
        line.push_str(&format!(", extended by {by} ({})", clock.extension_reason));
    }
    if !clock.citation.is_empty() {
        line.push_str(&format!(" [{}]", clock.citation));
    }
    line
}

fn standing(clock: &CaseClock, now: Timestamp) -> String {
    let ended = clock.ended_at.as_ref().map(instant);
    match clock.state() {
        ClockState::Waiting => format!("waits for `{}`", clock.starts),
        ClockState::Running if clock.unit() == ClockUnit::Open => open(clock),
        ClockState::Running => format!("due {}, {}", moment(clock), away(clock, now)),
        ClockState::Paused => {
            let since = clock
                .paused_since
                .as_ref()
                .map_or_else(String::new, instant);
            // What is left of months is days.
            let in_days = clock.unit() == ClockUnit::Months;
            let unit = if in_days {
                ClockUnit::Days
            } else {
                clock.unit()
            };
            let left = amount(unit, clock.left.unwrap_or_default());
            format!("stands still since {since}, {left} left")
        }
        ClockState::Met => format!("met at {}", ended.unwrap_or_default()),
        ClockState::Breached => match ended {
            Some(ended) => format!("ran out {}, done late at {ended}", moment(clock)),
            None => format!("ran out {} and is not done", moment(clock)),
        },
        ClockState::Lapsed => match (&clock.due_at, ended) {
            (Some(due), Some(ended)) if instant(due) == ended => {
                format!("over {}", moment(clock))
            }
            (_, ended) => format!("set aside at {}", ended.unwrap_or_default()),
        },
        ClockState::Unspecified => String::new(),
    }
}

/// What ends a clock to which the law sets no length.
fn open(clock: &CaseClock) -> String {
    let since = clock.started_at.as_ref().map_or_else(String::new, instant);
    let ends: Vec<_> = clock
        .stops
        .iter()
        .map(|event| format!("`{event}`"))
        .collect();
    format!("on since {since}, until {}", ends.join(" or "))
}

/// When a limit runs out: for one in days with its last day.
fn moment(clock: &CaseClock) -> String {
    match clock.last_day.as_str() {
        "" => format!("at {}", due_instant(clock)),
        last => format!("by the end of {last} in {}", clock.calendar),
    }
}

fn day(clock: &CaseClock) -> String {
    match clock.last_day.as_str() {
        "" => due_instant(clock),
        last => last.to_owned(),
    }
}

/// How far away the end is, rounded towards it.
fn away(clock: &CaseClock, now: Timestamp) -> String {
    let Ok(due) = Timestamp::from_second(due(clock)) else {
        return String::new();
    };
    let left = due.duration_since(now);
    if left.is_negative() {
        return "overdue".to_owned();
    }
    match left.as_hours() {
        0 => format!("{} min left", left.as_mins()),
        hours @ 1..48 => format!("{hours} h left"),
        hours => format!("{} days left", hours / 24),
    }
}

fn amount(unit: ClockUnit, number: u32) -> String {
    let [one, many] = match unit {
        ClockUnit::Hours => ["h", "h"],
        ClockUnit::Days => ["day", "days"],
        ClockUnit::WorkingDays => ["working day", "working days"],
        ClockUnit::Months => ["month", "months"],
        ClockUnit::Open | ClockUnit::Unspecified => ["", ""],
    };
    format!("{number} {}", if number == 1 { one } else { many })
}

fn due_instant(clock: &CaseClock) -> String {
    clock.due_at.as_ref().map_or_else(String::new, instant)
}

fn due(clock: &CaseClock) -> i64 {
    clock.due_at.as_ref().map_or(i64::MAX, |due| due.seconds)
}

/// What asks for most attention comes first.
fn rank(clock: &CaseClock) -> u8 {
    match clock.state() {
        ClockState::Breached if clock.ended_at.is_none() => 0,
        ClockState::Running => 1,
        ClockState::Paused => 2,
        ClockState::Waiting => 3,
        ClockState::Breached | ClockState::Met => 4,
        ClockState::Lapsed | ClockState::Unspecified => 5,
    }
}

#[cfg(test)]
mod tests {
    use prost_types::Timestamp as At;

    use super::*;

    const NOW: i64 = 1_795_424_400;
    const DAY: i64 = 86_400;

    fn at(seconds: i64) -> Option<At> {
        Some(At {
            seconds: NOW + seconds,
            nanos: 0,
        })
    }

    fn clock(measures: &str, unit: ClockUnit, state: ClockState) -> CaseClock {
        CaseClock {
            measures: measures.to_owned(),
            citation: "act art 1".to_owned(),
            unit: unit.into(),
            state: state.into(),
            starts: "recognised".to_owned(),
            calendar: "FR".to_owned(),
            ..CaseClock::default()
        }
    }

    #[test]
    fn every_state_has_its_words() {
        use ClockUnit::{Days, Hours, Months, WorkingDays};
        let clocks = [
            clock("execute", Days, ClockState::Waiting),
            CaseClock {
                due_at: at(20 * DAY + 7),
                last_day: "2026-12-13".to_owned(),
                extended: 30,
                extension_reason: "an expert is awaited".to_owned(),
                ..clock("decide", Days, ClockState::Running)
            },
            CaseClock {
                due_at: at(DAY),
                ..clock("object", Hours, ClockState::Running)
            },
            CaseClock {
                started_at: at(-DAY),
                stops: vec!["order-upheld".to_owned(), "order-lifted".to_owned()],
                ..clock("review", ClockUnit::Open, ClockState::Running)
            },
            CaseClock {
                paused_since: at(-DAY),
                left: Some(1),
                ..clock("produce", WorkingDays, ClockState::Paused)
            },
            CaseClock {
                paused_since: at(-DAY),
                left: Some(57),
                ..clock("surrender", Months, ClockState::Paused)
            },
            CaseClock {
                ended_at: at(-DAY),
                ..clock("acknowledge", Days, ClockState::Met)
            },
            CaseClock {
                due_at: at(-DAY),
                ..clock("validate", Hours, ClockState::Breached)
            },
            CaseClock {
                due_at: at(-2 * DAY),
                ended_at: at(-DAY),
                ..clock("answer", Hours, ClockState::Breached)
            },
            CaseClock {
                due_at: at(-DAY),
                ended_at: at(-DAY),
                ..clock("preserve", Hours, ClockState::Lapsed)
            },
            CaseClock {
                ended_at: at(-DAY),
                citation: String::new(),
                ..clock("postponement", Hours, ClockState::Lapsed)
            },
        ];
        let now = Timestamp::from_second(NOW).unwrap();
        let mut all = lines(&clocks, now);
        all.push(format!("next: {}", next(&clocks, now)));
        // The day is the last one as the State counts it, whatever the hour of the moment.
        all.push(format!("deadline: {}", deadline(&clocks[1..3])));
        insta::assert_snapshot!(all.join("\n"));
    }
}
