//! `comity audit stats`: the series of Regulation (EU) 2023/1543 Art. 28(2), and
//! how long answers took.

use std::fmt::Write as _;

use clap::Args;
use comity::v1;
use jiff::civil::Date;

use super::source::Source;
use crate::{
    commands::{day, request::print},
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Stats {
    /// First day, UTC; from the first entry otherwise
    #[arg(long, value_parser = day)]
    from: Option<Date>,
    /// Last day, UTC, which counts too; to the last entry otherwise
    #[arg(long, value_parser = day)]
    until: Option<Date>,
    #[command(flatten)]
    source: Source,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: Stats) -> Result<Exit, Failure> {
    let Stats {
        from,
        until,
        source,
        json,
    } = arguments;
    if let Some((from, until)) = from.zip(until).filter(|(from, until)| from > until) {
        return Err(format!("--until {until} is before --from {from}").into());
    }
    let day = |day: Option<Date>| day.map(|day| day.to_string()).unwrap_or_default();
    let counted = source.open()?.statistics(v1::StatisticsRequest {
        from: day(from),
        until: day(until),
        purpose: String::new(),
    })?;
    print(json, &counted, told)?;
    Ok(Exit::Done)
}

fn told(counted: &v1::StatisticsResponse) -> String {
    let v1::StatisticsResponse {
        rows,
        series,
        answer_times,
        cases,
        unread,
        pruned_before,
    } = counted;
    let mut text = format!("{cases} cases with something to count, exercises left out\n");
    if let Some(before) = pruned_before {
        let _ = writeln!(
            text,
            "NOT THE WHOLE PERIOD: the ledger was pruned of what was recorded before {before}; \
             cases opened before are not counted"
        );
    }
    if *unread > 0 {
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{unread} of them without a readable record: counted as far as their entries go"
        );
    }
    text.push_str("\nRegulation (EU) 2023/1543 Art. 28(2)\n");
    for series in series {
        let letter = &series.series;
        let _ = writeln!(text, "\n({letter}) {}", series.title);
        if !series.counted {
            let _ = writeln!(text, "    not counted: {}", series.remark);
            continue;
        }
        let _ = writeln!(text, "    {}", series.remark);
        match table(rows.iter().filter(|row| row.series == *letter)) {
            Some(table) => text.push_str(&table),
            None => text.push_str("    none\n"),
        }
    }
    text.push_str("\nFrom receipt to answer\n");
    text.push_str(&times(answer_times));
    text
}

/// The counts of one series; `None` if there are none.
fn table<'a>(rows: impl Iterator<Item = &'a v1::StatisticsRow>) -> Option<String> {
    let mut rows = rows.peekable();
    rows.peek()?;
    let mut table = render::table(&[
        "from",
        "to",
        "order",
        "data",
        "addressee",
        "emergency",
        "result",
        "count",
        "mean",
    ]);
    for row in rows {
        let result = match row.ground.as_str() {
            "" => row.result.clone(),
            ground => format!("{}: {ground}", row.result),
        };
        table.add_row([
            row.issuing.clone(),
            row.executing.clone(),
            row.order.clone(),
            row.data.clone(),
            row.addressee.clone(),
            if row.emergency { "yes" } else { "no" }.to_owned(),
            result,
            row.count.to_string(),
            row.mean.as_ref().map(duration).unwrap_or_default(),
        ]);
    }
    Some(format!("{table}\n"))
}

fn times(answer_times: &[v1::AnswerTimes]) -> String {
    if answer_times.is_empty() {
        return "    none\n".to_owned();
    }
    let mut table = render::table(&["from", "to", "under", "answers", "median", "p90"]);
    for times in answer_times {
        table.add_row([
            times.issuing.clone(),
            times.executing.clone(),
            times.instrument.clone(),
            times.answers.to_string(),
            times.median.as_ref().map(duration).unwrap_or_default(),
            times.p90.as_ref().map(duration).unwrap_or_default(),
        ]);
    }
    format!("{table}\n")
}

/// A duration in its two greatest units.
fn duration(duration: &prost_types::Duration) -> String {
    let seconds = duration.seconds;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    if days > 0 {
        format!("{days} d {hours} h")
    } else if seconds >= 3600 {
        format!("{hours} h {minutes} min")
    } else if seconds >= 60 {
        format!("{minutes} min {} s", seconds % 60)
    } else {
        format!("{seconds}.{:03} s", duration.nanos / 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short() {
        let told = |seconds, nanos| duration(&prost_types::Duration { seconds, nanos });
        assert_eq!(told(0, 12_345_678), "0.012 s");
        assert_eq!(told(61, 0), "1 min 1 s");
        assert_eq!(told(3 * 3600 + 61, 0), "3 h 1 min");
        assert_eq!(told(10 * 86_400 + 3600, 0), "10 d 1 h");
    }
}
