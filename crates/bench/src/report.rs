//! Everything measured, as Markdown for people and as JSON for machines.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    fs, io,
    path::Path,
    thread,
};

use prost::Message as _;
use serde_json::{Value, json};

use crate::{
    cli::Plan,
    contender::Kind,
    request::{bench_answer, bench_request},
    spread::Spread,
    workshop::Workshop,
};

/// Heads of the columns between the contender and the errors.
const COLUMNS: &str = "CPU µs/request | × nginx | × Envoy | × Envoy + ext_authz | requests/s | p50 µs | p99 µs | RSS peak MiB";

/// Most of the machine that others may use before figures mislead, in per cent.
const NOISE_PERCENT_MAX: f64 = 10.0;

/// One contender's turn.
#[derive(Debug)]
pub(crate) struct Turn {
    /// Whose.
    pub(crate) kind: Kind,
    /// In which round, from 1.
    pub(crate) round: u32,
    /// Requests under way at a time.
    pub(crate) in_flight: u32,
    /// Exchanges that did all of their work; at least one.
    pub(crate) answered: u64,
    /// Exchanges that did not.
    pub(crate) errors: u64,
    /// What one of these said.
    pub(crate) error: Option<String>,
    /// CPU time of the contender for each answer, in microseconds.
    pub(crate) cpu_micros: f64,
    /// Answers each second.
    pub(crate) per_second: f64,
    /// Median latency in microseconds.
    pub(crate) p50_micros: f64,
    /// 99th percentile of latency in microseconds.
    pub(crate) p99_micros: f64,
    /// Most memory held so far, in MiB.
    pub(crate) rss_mib: f64,
    /// Share of the machine given to others by its host.
    pub(crate) steal_percent: f64,
    /// Share of the machine used by processes of others.
    pub(crate) foreign_percent: f64,
}

impl fmt::Display for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "round {}  {:>4} in flight  {:>9}  {:>6.1} µs CPU  {:>6.0}/s  p50 {:>5.0} µs  steal {:.1} %  foreign {:.1} %",
            self.round,
            self.in_flight,
            self.kind,
            self.cpu_micros,
            self.per_second,
            self.p50_micros,
            self.steal_percent,
            self.foreign_percent,
        )?;
        match &self.error {
            Some(error) => write!(f, "  {} errors: {error}", self.errors),
            None => Ok(()),
        }
    }
}

impl Turn {
    fn json(&self) -> Value {
        json!({
            "contender": self.kind.as_str(),
            "round": self.round,
            "in_flight": self.in_flight,
            "answered": self.answered,
            "errors": self.errors,
            "error": self.error,
            "cpu_micros": self.cpu_micros,
            "per_second": self.per_second,
            "p50_micros": self.p50_micros,
            "p99_micros": self.p99_micros,
            "rss_mib": self.rss_mib,
            "steal_percent": self.steal_percent,
            "foreign_percent": self.foreign_percent,
        })
    }
}

/// Everything measured.
#[derive(Debug)]
pub(crate) struct Report {
    method: String,
    in_flight: Vec<u32>,
    versions: BTreeMap<Kind, String>,
    left_out: BTreeMap<Kind, String>,
    turns: Vec<Turn>,
    workshop: Option<Workshop>,
}

impl Report {
    /// An empty report.
    pub(crate) fn new(plan: &Plan) -> Self {
        let method = format!(
            "{} rounds, {} s a turn after a warm-up. {} bytes asked and {} answered, over mutual TLS in and out. Load \
             client, backend and contenders share {} processors; nothing is pinned. CPU is the contender's processes \
             alone (`direct`: the backend's).",
            plan.rounds,
            plan.turn.as_secs(),
            bench_request(0).encoded_len(),
            bench_answer().encoded_len(),
            thread::available_parallelism().map_or(0, usize::from),
        );
        Self {
            method,
            in_flight: plan.in_flight.clone(),
            versions: BTreeMap::new(),
            left_out: plan.left_out.clone(),
            turns: Vec::new(),
            workshop: None,
        }
    }

    /// Adds what a legal team waits for.
    pub(crate) fn add_workshop(&mut self, workshop: Workshop) {
        self.workshop = Some(workshop);
    }

    /// Notes that a contender takes part.
    pub(crate) fn enter(&mut self, kind: Kind, version: &str) {
        self.versions.insert(kind, version.to_owned());
    }

    /// Notes that a contender does not take part, or not to the end.
    pub(crate) fn leave_out(&mut self, kind: Kind, reason: String) {
        self.left_out.insert(kind, reason);
    }

    /// Adds a turn.
    pub(crate) fn add(&mut self, turn: Turn) {
        self.turns.push(turn);
    }

    /// Writes `report.md` and `report.json` and gives the former's text.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<String> {
        let mut text = String::new();
        self.markdown(&mut text).map_err(io::Error::other)?;
        fs::write(folder.join("report.md"), &text)?;
        fs::write(folder.join("report.json"), format!("{:#}\n", self.json()))?;
        Ok(text)
    }

    fn markdown(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "{}", self.method)?;
        let steal = Spread::of(self.turns.iter().map(|turn| turn.steal_percent));
        let foreign = Spread::of(self.turns.iter().map(|turn| turn.foreign_percent));
        if let (Some(steal), Some(foreign)) = (steal, foreign) {
            writeln!(
                text,
                "Meanwhile the host stole {steal:.1} % and others used {foreign:.1} % of the machine."
            )?;
            if steal.median + foreign.median > NOISE_PERCENT_MAX {
                writeln!(
                    text,
                    "**That is too much to trust these figures: measure again when the machine is quiet.**"
                )?;
            }
        }
        writeln!(
            text,
            "Shown is the median (least–most); ratios are pair by pair within a round; p99 is advisory."
        )?;
        for in_flight in self.in_flight.iter().copied() {
            writeln!(text, "\n### {in_flight} in flight\n")?;
            writeln!(text, "| contender | {COLUMNS} | errors |")?;
            writeln!(text, "|---|{}", "---|".repeat(9))?;
            for kind in Kind::ALL {
                self.row(text, kind, in_flight)?;
            }
        }
        if let Some(workshop) = &self.workshop {
            workshop.markdown(text)?;
        }
        writeln!(text)?;
        for (kind, version) in &self.versions {
            writeln!(text, "- {}: {version}", kind.title())?;
        }
        for (kind, reason) in &self.left_out {
            writeln!(text, "- {}: left out: {reason}", kind.title())?;
        }
        Ok(())
    }

    fn row(&self, text: &mut String, kind: Kind, in_flight: u32) -> fmt::Result {
        let turns: Vec<&Turn> = self.turns_of(kind, in_flight).collect();
        if turns.is_empty() {
            return if self.left_out.contains_key(&kind) {
                writeln!(text, "| {} | left out{}", kind.title(), " |".repeat(9))
            } else {
                Ok(())
            };
        }
        write!(text, "| {} |", kind.title())?;
        let mut cell = |spread: Option<Spread>, digits: usize| match spread {
            Some(spread) => write!(text, " {spread:.digits$} |"),
            None => write!(text, " |"),
        };
        let of = |measure: fn(&Turn) -> f64| Spread::of(turns.iter().copied().map(measure));
        cell(of(|turn| turn.cpu_micros), 1)?;
        for peer in Kind::PEERS {
            cell(self.ratio(kind, peer, in_flight), 2)?;
        }
        cell(of(|turn| turn.per_second), 0)?;
        cell(of(|turn| turn.p50_micros), 0)?;
        cell(of(|turn| turn.p99_micros), 0)?;
        let rss = of(|turn| turn.rss_mib).map_or(0.0, |spread| spread.most);
        let errors: u64 = turns.iter().map(|turn| turn.errors).sum();
        writeln!(text, " {rss:.0} | {errors} |")
    }

    /// CPU time of `kind` as a multiple of that of `peer` in the same round.
    fn ratio(&self, kind: Kind, peer: Kind, in_flight: u32) -> Option<Spread> {
        Spread::of(self.turns_of(kind, in_flight).filter_map(|ours| {
            let theirs = self
                .turns_of(peer, in_flight)
                .find(|theirs| theirs.round == ours.round)?;
            Some(ours.cpu_micros / theirs.cpu_micros)
        }))
    }

    fn turns_of(&self, kind: Kind, in_flight: u32) -> impl Iterator<Item = &Turn> {
        self.turns
            .iter()
            .filter(move |turn| turn.kind == kind && turn.in_flight == in_flight)
    }

    fn json(&self) -> Value {
        let named = |texts: &BTreeMap<Kind, String>| -> Value {
            texts
                .iter()
                .map(|(kind, text)| (kind.to_string(), Value::from(text.as_str())))
                .collect()
        };
        json!({
            "method": self.method,
            "versions": named(&self.versions),
            "left_out": named(&self.left_out),
            "turns": self.turns.iter().map(Turn::json).collect::<Vec<_>>(),
            "workshop": self.workshop.as_ref().map(Workshop::json),
        })
    }
}
