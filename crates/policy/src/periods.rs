//! From the length of a legal time limit to the instant at which it runs out.
//!
//! Days, working days and months are counted as Regulation (EEC, Euratom) No
//! 1182/71 Art. 3 counts them; hours run from the event itself.

use comity_domain::ClockUnit;
use jiff::{
    SignedDuration, Span, Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::model::{Calendar, Falls, Holiday};

/// A period of two days or more has at least this many working days: Art. 3(5).
const LEAST_WORKING_DAYS: u32 = 2;

/// The instant at which a period that began with an event at `started` has
/// expired: for hours exactly so much later, else the end of its last day in
/// the calendar's time zone. Without a calendar only Saturdays and Sundays
/// are free and the time zone is UTC. `None` beyond the end of jiff's time, and for
/// a period that is open.
pub(crate) fn due(
    started: Timestamp,
    length: u32,
    unit: ClockUnit,
    calendar: Option<&Calendar>,
) -> Option<Timestamp> {
    let event = day_of(started, calendar);
    let last = match unit {
        ClockUnit::Open => return None,
        ClockUnit::Hours => {
            let hours = SignedDuration::from_hours(i64::from(length));
            return started.checked_add(hours).ok();
        }
        ClockUnit::WorkingDays => working_days_after(event, length, calendar)?,
        // The day of the same date, or the last of a month without it (Art. 3(2)(c)).
        ClockUnit::Months => working_days_after(months_after(event, length)?, 0, calendar)?,
        ClockUnit::Days => {
            let least = if length < LEAST_WORKING_DAYS {
                0
            } else {
                LEAST_WORKING_DAYS
            };
            last_day(event, length, least, calendar)?
        }
    };
    end_of(last, calendar)
}

/// The instant at which a period in days or working days expires that stood still
/// and has run again since `resumed`, with so many of them left. `promised` are
/// the working days that lay within what was left when it stood still: of those
/// that every period has (Art. 3(5)) none is lost.
pub(crate) fn due_again(
    resumed: Timestamp,
    left: u32,
    unit: ClockUnit,
    promised: u32,
    calendar: Option<&Calendar>,
) -> Option<Timestamp> {
    let day = day_of(resumed, calendar);
    let last = match unit {
        ClockUnit::Open => return None,
        ClockUnit::WorkingDays => working_days_after(day, left, calendar)?,
        // What is left of months is counted in days: see [`left`].
        ClockUnit::Days | ClockUnit::Months | ClockUnit::Hours => {
            last_day(day, left, promised.min(LEAST_WORKING_DAYS), calendar)?
        }
    };
    end_of(last, calendar)
}

/// The end of the last hour of a day: the first instant of the next.
pub(crate) fn end_of(day: Date, calendar: Option<&Calendar>) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?;
    let next = next.to_zoned_datetime(time_zone(calendar)).ok()?;
    Some(next.start_of_day().ok()?.timestamp())
}

/// What is left at an instant of a period that began with an event before: whole
/// hours, or the days or working days after that day; of months, days. `period` is
/// the event and the length.
pub(crate) fn left(
    period: (Timestamp, u32),
    unit: ClockUnit,
    at: Timestamp,
    calendar: Option<&Calendar>,
) -> u32 {
    let (started, length) = period;
    let [event, day] = [started, at].map(|instant| day_of(instant, calendar));
    let days = |after: Date, to| i64::from(after.until(to).map_or(0, |span| span.get_days()));
    let (length, used) = match unit {
        ClockUnit::Open => return 0,
        ClockUnit::Hours => (length, at.duration_since(started).as_hours()),
        ClockUnit::Days => (length, days(event, day)),
        ClockUnit::WorkingDays => {
            let used = working_days_between(event, day, calendar);
            (length, i64::from(used))
        }
        ClockUnit::Months => {
            let last = months_after(event, length).unwrap_or(Date::MAX);
            let length = u32::try_from(days(event, last)).unwrap_or(u32::MAX);
            (length, days(event, day))
        }
    };
    length.saturating_sub(u32::try_from(used).unwrap_or(0))
}

/// How many days months more are for a period of which days are left at an instant.
pub(crate) fn days_of_months(
    at: Timestamp,
    left: u32,
    months: u32,
    calendar: Option<&Calendar>,
) -> u32 {
    let days = days_after(day_of(at, calendar), left).and_then(|last| {
        let later = months_after(last, months)?;
        u32::try_from(last.until(later).ok()?.get_days()).ok()
    });
    days.unwrap_or(u32::MAX)
}

/// The day of the same date so many months later, or the last of a month without it.
fn months_after(day: Date, months: u32) -> Option<Date> {
    let span = Span::new().try_months(months).ok()?;
    day.checked_add(span).ok()
}

/// Working days after one day and up to another.
pub(crate) fn working_days_between(after: Date, to: Date, calendar: Option<&Calendar>) -> u32 {
    let days = std::iter::successors(after.tomorrow().ok(), |day| day.tomorrow().ok());
    let days = days.take_while(|day| *day <= to);
    let working = days.filter(|day| is_working_day(*day, calendar)).count();
    u32::try_from(working).unwrap_or(u32::MAX)
}

/// The day on which `instant` falls in the calendar's time zone.
pub(crate) fn day_of(instant: Timestamp, calendar: Option<&Calendar>) -> Date {
    instant.to_zoned_datetime(time_zone(calendar)).date()
}

/// The time zone of a calendar; UTC where there is none.
pub(crate) fn time_zone(calendar: Option<&Calendar>) -> TimeZone {
    calendar.map_or(TimeZone::UTC, |calendar| calendar.time_zone.clone())
}

/// The day so many days later.
fn days_after(day: Date, days: u32) -> Option<Date> {
    let span = Span::new().try_days(days).ok()?;
    day.checked_add(span).ok()
}

/// Last day of a period in calendar days: the day of the event does not count
/// (Art. 3(1)), a free last day moves on to the next working day (Art. 3(4)),
/// and at least so many working days lie within (Art. 3(5)).
fn last_day(event: Date, length: u32, least: u32, calendar: Option<&Calendar>) -> Option<Date> {
    let mut last = days_after(event, length)?;
    while !is_working_day(last, calendar) {
        last = last.tomorrow().ok()?;
    }
    if least > 0 {
        last = last.max(working_days_after(event, least, calendar)?);
    }
    Some(last)
}

/// The n-th working day after the day of the event; for none, that day or the
/// first working day after it.
fn working_days_after(event: Date, count: u32, calendar: Option<&Calendar>) -> Option<Date> {
    let mut day = event;
    for _ in 0..count {
        day = day.tomorrow().ok()?;
        while !is_working_day(day, calendar) {
            day = day.tomorrow().ok()?;
        }
    }
    while !is_working_day(day, calendar) {
        day = day.tomorrow().ok()?;
    }
    Some(day)
}

fn is_working_day(day: Date, calendar: Option<&Calendar>) -> bool {
    let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    let holidays = calendar.map_or(&[][..], |calendar| &calendar.holidays);
    !weekend && !holidays.iter().any(|holiday| falls_on(*holiday, day))
}

/// Whether a holiday falls on a day.
pub(crate) fn falls_on(holiday: Holiday, day: Date) -> bool {
    let Holiday {
        falls,
        since,
        until,
    } = holiday;
    if since.is_some_and(|since| day.year() < since)
        || until.is_some_and(|until| day.year() >= until)
    {
        return false;
    }
    match falls {
        Falls::Fixed { month, day: of } => day.month() == month && day.day() == of,
        Falls::Easter(offset) => easter(day.year())
            .and_then(|sunday| sunday.checked_add(i64::from(offset).days()).ok())
            .is_some_and(|holiday| holiday == day),
        Falls::Nth {
            month,
            weekday,
            nth,
        } => {
            day.month() == month
                && Weekday::from_monday_one_offset(weekday)
                    .and_then(|weekday| day.nth_weekday_of_month(nth, weekday))
                    .is_ok_and(|holiday| holiday == day)
        }
    }
}

/// Easter Sunday of the Gregorian calendar, by the method published in
/// "Nature" of 20 April 1876 and repeated by Meeus.
fn easter(year: i16) -> Option<Date> {
    let year = i32::from(year);
    let golden = year % 19;
    let (century, of_century) = (year / 100, year % 100);
    let skipped = (century - (century + 8) / 25 + 1) / 3;
    let epact = (19 * golden + century - century / 4 - skipped + 15) % 30;
    let weekday = (32 + 2 * (century % 4) + 2 * (of_century / 4) - epact - of_century % 4) % 7;
    let late = (golden + 11 * epact + 22 * weekday) / 451;
    let days = epact + weekday - 7 * late + 114;
    let month = i8::try_from(days / 31).ok()?;
    let day = i8::try_from(days % 31 + 1).ok()?;
    Date::new(i16::try_from(year).ok()?, month, day).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn france() -> Calendar {
        Calendar {
            time_zone: zone("Europe/Paris"),
            holidays: vec![
                yearly(Falls::Fixed { month: 1, day: 1 }),
                yearly(Falls::Easter(1)),
                yearly(Falls::Fixed { month: 5, day: 1 }),
                yearly(Falls::Easter(39)),
                yearly(Falls::Fixed { month: 12, day: 25 }),
            ],
        }
    }

    fn yearly(falls: Falls) -> Holiday {
        Holiday {
            falls,
            since: None,
            until: None,
        }
    }

    #[track_caller]
    fn check(start: &str, length: u32, unit: ClockUnit, expected: &str) {
        let due = due(start.parse().unwrap(), length, unit, Some(&france())).unwrap();
        let local = due.to_zoned_datetime(zone("Europe/Paris"));
        assert_eq!(local.datetime().to_string(), expected);
    }

    #[test]
    fn days_end_with_the_last_hour_of_the_last_day() {
        use ClockUnit::{Days, WorkingDays};
        for (start, length, unit, expected) in [
            // Monday noon; the day of the event does not count.
            ("2026-11-23T11:00:00Z", 7, Days, "2026-12-01T00:00:00"),
            // Ends on a Saturday: Monday takes its place.
            ("2026-11-23T11:00:00Z", 5, Days, "2026-12-01T00:00:00"),
            // Ends on New Year's Day, a Friday: Monday takes its place.
            ("2026-12-25T11:00:00Z", 7, Days, "2027-01-05T00:00:00"),
            // From Good Friday: Saturday to Easter Monday are free.
            ("2026-04-03T08:00:00Z", 1, Days, "2026-04-08T00:00:00"),
            // At least two working days, so Wednesday after Easter.
            ("2026-04-03T08:00:00Z", 2, Days, "2026-04-09T00:00:00"),
            // Friday evening, UTC still Friday, Paris already Saturday.
            ("2026-11-27T23:30:00Z", 1, Days, "2026-12-01T00:00:00"),
            // Working days over Ascension Day.
            (
                "2026-05-12T08:00:00Z",
                3,
                WorkingDays,
                "2026-05-19T00:00:00",
            ),
            (
                "2026-05-16T08:00:00Z",
                0,
                WorkingDays,
                "2026-05-19T00:00:00",
            ),
        ] {
            check(start, length, unit, expected);
        }
    }

    #[test]
    fn months_end_with_the_day_of_the_same_date() {
        for (start, length, expected) in [
            ("2026-09-15T08:00:00Z", 1, "2026-10-16T00:00:00"),
            // February has no 31st; its last day is a Saturday, so Monday.
            ("2026-01-31T08:00:00Z", 1, "2026-03-03T00:00:00"),
            ("2028-01-31T08:00:00Z", 1, "2028-03-01T00:00:00"),
            // The 30th, not the last day, of a longer month.
            ("2026-04-30T08:00:00Z", 1, "2026-06-02T00:00:00"),
            // Ends on Christmas Day, a Friday: Monday takes its place.
            ("2026-10-25T08:00:00Z", 2, "2026-12-29T00:00:00"),
            // A year and a half over the turn of two years.
            ("2026-11-23T11:00:00Z", 18, "2028-05-24T00:00:00"),
        ] {
            check(start, length, ClockUnit::Months, expected);
        }
    }

    #[test]
    fn holidays_have_first_and_last_years() {
        let prayer = |since, until| Calendar {
            time_zone: zone("Europe/Copenhagen"),
            holidays: vec![Holiday {
                falls: Falls::Easter(26),
                since,
                until,
            }],
        };
        let free = |calendar: &Calendar, day| !is_working_day(day, Some(calendar));
        let abolished = prayer(None, Some(2024));
        assert!(free(&abolished, date(2023, 5, 5)) && !free(&abolished, date(2024, 4, 26)));
        let introduced = prayer(Some(2024), None);
        assert!(!free(&introduced, date(2023, 5, 5)) && free(&introduced, date(2024, 4, 26)));
    }

    #[test]
    fn hours_are_exact_over_the_change_of_clocks() {
        // Clocks go back on 25 October 2026 and forward on 28 March 2027.
        check(
            "2026-10-24T10:00:00Z",
            24,
            ClockUnit::Hours,
            "2026-10-25T11:00:00",
        );
        check(
            "2027-03-27T11:00:00Z",
            24,
            ClockUnit::Hours,
            "2027-03-28T13:00:00",
        );
        // Days end at local midnight on both sides of the change.
        check(
            "2026-10-19T10:00:00Z",
            7,
            ClockUnit::Days,
            "2026-10-27T00:00:00",
        );
    }

    #[test]
    fn easter_sundays() {
        for sunday in [
            date(1818, 3, 22),
            date(1943, 4, 25),
            date(2000, 4, 23),
            date(2024, 3, 31),
            date(2026, 4, 5),
            date(2027, 3, 28),
            date(2038, 4, 25),
        ] {
            assert_eq!(easter(sunday.year()), Some(sunday));
        }
    }

    #[test]
    fn nth_weekdays_are_holidays() {
        let calendar = Calendar {
            time_zone: zone("Europe/London"),
            holidays: vec![
                yearly(Falls::Nth {
                    month: 5,
                    weekday: 1,
                    nth: 1,
                }),
                yearly(Falls::Nth {
                    month: 5,
                    weekday: 1,
                    nth: -1,
                }),
            ],
        };
        let free = |day| !is_working_day(day, Some(&calendar));
        assert!(free(date(2026, 5, 4)) && free(date(2026, 5, 25)));
        assert!(!free(date(2026, 5, 11)) && !free(date(2026, 5, 26)));
    }

    #[test]
    fn without_a_calendar_only_weekends_are_free() {
        let start = "2026-12-24T12:00:00Z".parse().unwrap();
        let due = due(start, 1, ClockUnit::Days, None).unwrap();
        assert_eq!(due.to_string(), "2026-12-26T00:00:00Z");
    }
}
