//! The time limits of a case, as its records hold them and as they are shown.

use std::sync::Arc;

use comity::v1;
use comity_domain::{
    BoundParty, CaseClock, ClockState, ClockTerms, ClockUnit, Extension, InvalidId, RunsOut,
};
use jiff::{Timestamp, civil::Date};
use thiserror::Error;

use super::to_proto::{clock_end, clock_unit, party, texts, timestamp};

/// A stored time limit that is none of ours.
#[derive(Debug, Error)]
pub(crate) enum Damaged {
    /// A value that no gateway writes.
    #[error("a time limit on record has no valid `{0}`")]
    Value(&'static str),
    /// An id that no gateway writes.
    #[error("a time limit on record names nothing valid")]
    Id(#[from] InvalidId),
}

/// Reads a clock from a case's record.
pub(crate) fn read(clock: v1::CaseClock) -> Result<CaseClock, Damaged> {
    let v1::CaseClock {
        clock_id,
        measures,
        citation,
        length,
        unit,
        state,
        started_at,
        due_at,
        last_day,
        paused_since,
        left,
        resumed_at,
        extended,
        extension_reason,
        reminded_at,
        breached_at,
        ended_at,
        starts,
        stops,
        suspends,
        resumes,
        calendar,
        extension_max,
        extension_by,
        runs_out,
        bound_party,
        holds_release,
    } = clock;
    let terms = ClockTerms {
        measures: measures.into(),
        length,
        unit: read_unit(unit)?,
        starts: starts.into(),
        stops: read_texts(stops),
        suspends: read_texts(suspends),
        resumes: read_texts(resumes),
        calendar: stated(calendar).map(|code| code.parse()).transpose()?,
        extension: stated(extension_by)
            .map(|by| {
                let by = read_party(&by)?;
                let length = extension_max;
                Ok::<_, Damaged>(Extension { length, by })
            })
            .transpose()?,
        runs_out: read_end(runs_out)?,
        holds_release,
        bound: read_party(&bound_party)?,
    };
    Ok(CaseClock {
        rule: clock_id.parse()?,
        citation: citation.into(),
        terms,
        state: read_state(state)?,
        started_at: instant(started_at)?,
        due_at: instant(due_at)?,
        last_day: stated(last_day).map(|day| read_day(&day)).transpose()?,
        paused_since: instant(paused_since)?,
        resumed_at: instant(resumed_at)?,
        left,
        extended,
        extension_reason: extension_reason.into(),
        reminded_at: instant(reminded_at)?,
        breached_at: instant(breached_at)?,
        ended_at: instant(ended_at)?,
    })
}

/// Shows a clock.
pub(crate) fn show(clock: &CaseClock) -> v1::CaseClock {
    let CaseClock {
        rule,
        citation,
        terms,
        state,
        started_at,
        due_at,
        last_day,
        paused_since,
        resumed_at,
        left,
        extended,
        extension_reason,
        reminded_at,
        breached_at,
        ended_at,
    } = clock;
    let ClockTerms {
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
    } = terms;
    v1::CaseClock {
        clock_id: rule.to_string(),
        measures: measures.to_string(),
        citation: citation.to_string(),
        length: *length,
        unit: clock_unit(*unit).into(),
        state: show_state(*state).into(),
        started_at: started_at.map(timestamp),
        due_at: due_at.map(timestamp),
        last_day: last_day.map_or_else(String::new, |day| day.to_string()),
        paused_since: paused_since.map(timestamp),
        left: *left,
        resumed_at: resumed_at.map(timestamp),
        extended: *extended,
        extension_reason: extension_reason.to_string(),
        reminded_at: reminded_at.map(timestamp),
        breached_at: breached_at.map(timestamp),
        ended_at: ended_at.map(timestamp),
        starts: starts.to_string(),
        stops: texts(stops),
        suspends: texts(suspends),
        resumes: texts(resumes),
        calendar: calendar
            .as_ref()
            .map_or_else(String::new, |code| code.to_string()),
        extension_max: extension.map_or(0, |extension| extension.length),
        extension_by: extension
            .map_or("", |extension| party(extension.by))
            .to_owned(),
        runs_out: clock_end(*runs_out).into(),
        holds_release: *holds_release,
        bound_party: party(*bound).to_owned(),
    }
}

/// A text, unless it is empty for there being none.
fn stated(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn read_texts(texts: Vec<String>) -> Vec<Arc<str>> {
    texts.into_iter().map(Arc::from).collect()
}

fn instant(at: Option<prost_types::Timestamp>) -> Result<Option<Timestamp>, Damaged> {
    at.map(|at| Timestamp::new(at.seconds, at.nanos).map_err(|_| Damaged::Value("time")))
        .transpose()
}

fn read_day(day: &str) -> Result<Date, Damaged> {
    day.parse().map_err(|_| Damaged::Value("last_day"))
}

fn read_party(party: &str) -> Result<BoundParty, Damaged> {
    match party {
        "issuing" => Ok(BoundParty::Issuing),
        "executing" => Ok(BoundParty::Executing),
        _ => Err(Damaged::Value("party")),
    }
}

fn read_unit(unit: i32) -> Result<ClockUnit, Damaged> {
    match v1::ClockUnit::try_from(unit) {
        Ok(v1::ClockUnit::Hours) => Ok(ClockUnit::Hours),
        Ok(v1::ClockUnit::Days) => Ok(ClockUnit::Days),
        Ok(v1::ClockUnit::WorkingDays) => Ok(ClockUnit::WorkingDays),
        Ok(v1::ClockUnit::Months) => Ok(ClockUnit::Months),
        Ok(v1::ClockUnit::Open) => Ok(ClockUnit::Open),
        Ok(v1::ClockUnit::Unspecified) | Err(_) => Err(Damaged::Value("unit")),
    }
}

fn read_end(end: i32) -> Result<RunsOut, Damaged> {
    match v1::ClockEnd::try_from(end) {
        Ok(v1::ClockEnd::Breach) => Ok(RunsOut::Breach),
        Ok(v1::ClockEnd::Lapse) => Ok(RunsOut::Lapse),
        Ok(v1::ClockEnd::Expire) => Ok(RunsOut::Expire),
        Ok(v1::ClockEnd::Unspecified) | Err(_) => Err(Damaged::Value("runs_out")),
    }
}

fn read_state(state: i32) -> Result<ClockState, Damaged> {
    match v1::ClockState::try_from(state) {
        Ok(v1::ClockState::Waiting) => Ok(ClockState::Waiting),
        Ok(v1::ClockState::Running) => Ok(ClockState::Running),
        Ok(v1::ClockState::Paused) => Ok(ClockState::Paused),
        Ok(v1::ClockState::Met) => Ok(ClockState::Met),
        Ok(v1::ClockState::Breached) => Ok(ClockState::Breached),
        Ok(v1::ClockState::Lapsed) => Ok(ClockState::Lapsed),
        Ok(v1::ClockState::Unspecified) | Err(_) => Err(Damaged::Value("state")),
    }
}

fn show_state(state: ClockState) -> v1::ClockState {
    match state {
        ClockState::Waiting => v1::ClockState::Waiting,
        ClockState::Running => v1::ClockState::Running,
        ClockState::Paused => v1::ClockState::Paused,
        ClockState::Met => v1::ClockState::Met,
        ClockState::Breached => v1::ClockState::Breached,
        ClockState::Lapsed => v1::ClockState::Lapsed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> CaseClock {
        let at = |second| Timestamp::from_second(second).ok();
        CaseClock {
            rule: "eio-12-3".parse().unwrap(),
            citation: "dir-2014-41 art 12(3)".into(),
            terms: ClockTerms {
                measures: "decide".into(),
                length: 30,
                unit: ClockUnit::Days,
                starts: "received".into(),
                stops: vec!["recognised".into(), "concluded".into()],
                suspends: vec!["clarification-requested".into()],
                resumes: vec!["clarified".into()],
                calendar: Some("FR".parse().unwrap()),
                extension: Some(Extension {
                    length: 30,
                    by: BoundParty::Executing,
                }),
                runs_out: RunsOut::Expire,
                holds_release: true,
                bound: BoundParty::Issuing,
            },
            state: ClockState::Paused,
            started_at: at(1),
            due_at: at(2),
            last_day: Some(jiff::civil::date(2028, 2, 29)),
            paused_since: at(3),
            resumed_at: at(4),
            left: Some(0),
            extended: 7,
            extension_reason: "an expert is awaited".into(),
            reminded_at: at(5),
            breached_at: at(6),
            ended_at: at(7),
        }
    }

    #[test]
    fn there_and_back() {
        let whole = clock();
        assert_eq!(read(show(&whole)).unwrap(), whole);
        let mut bare = clock();
        bare.terms.calendar = None;
        bare.terms.extension = None;
        (bare.left, bare.last_day, bare.due_at) = (None, None, None);
        assert_eq!(read(show(&bare)).unwrap(), bare);
    }

    #[test]
    fn what_no_gateway_writes_is_damaged() {
        let mut stateless = show(&clock());
        stateless.state = 99;
        let error = read(stateless).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a time limit on record has no valid `state`"
        );
    }
}
