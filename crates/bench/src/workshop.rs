//! What a legal team waits for: the whole library checked and tested, and one
//! decision in it beside one in a library of the modules that it involves.

use std::{
    fmt::{self, Write as _},
    fs,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

use serde_json::{Value, json};

use crate::{AnyError, cli::Plan, spread::Spread};

/// Commands of `comity policy` that read the whole library.
const COMMANDS: [&str; 2] = ["check", "test"];
/// Percentiles of decisions.
const PERCENTILES: [&str; 3] = ["p50", "p90", "p99"];

/// Everything measured.
#[derive(Debug)]
pub(crate) struct Workshop {
    /// By command: the wall time of each run, in seconds.
    commands: Vec<(&'static str, Vec<f64>)>,
    decisions: Vec<Decisions>,
}

/// How long decisions take in one library.
#[derive(Debug)]
struct Decisions {
    /// How many modules it has.
    modules: u64,
    /// By percentile: that of each round, in microseconds.
    percentiles: [Vec<f64>; PERCENTILES.len()],
}

impl Workshop {
    /// Runs the commands in turns, and reads what was measured of decisions.
    ///
    /// # Errors
    /// That a command fails, or that the file cannot be read.
    pub(crate) fn measure(comity: &Path, plan: &Plan) -> Result<Self, AnyError> {
        let mut commands = COMMANDS.map(|command| (command, Vec::new())).to_vec();
        for _ in 0..plan.rounds {
            for (command, seconds) in &mut commands {
                seconds.push(time(comity, command, &plan.policies)?);
            }
        }
        let decisions = plan.decisions.as_deref().map(read).transpose()?;
        Ok(Self {
            commands,
            decisions: decisions.unwrap_or_default(),
        })
    }

    /// As Markdown.
    pub(crate) fn markdown(&self, text: &mut String) -> fmt::Result {
        writeln!(text, "\n### The workshop\n")?;
        writeln!(text, "| command | seconds |\n|---|---|")?;
        for (command, seconds) in &self.commands {
            if let Some(spread) = Spread::of(seconds.iter().copied()) {
                writeln!(text, "| `comity policy {command}` | {spread:.2} |")?;
            }
        }
        if self.decisions.is_empty() {
            return Ok(());
        }
        let heads = PERCENTILES.map(|name| format!("{name} µs"));
        writeln!(text, "\n| modules loaded | {} |", heads.join(" | "))?;
        writeln!(text, "|---|{}", "---|".repeat(PERCENTILES.len()))?;
        for Decisions {
            modules,
            percentiles,
        } in &self.decisions
        {
            write!(text, "| {modules} |")?;
            for rounds in percentiles {
                match Spread::of(rounds.iter().copied()) {
                    Some(spread) => write!(text, " {spread:.1} |")?,
                    None => write!(text, " |")?,
                }
            }
            writeln!(text)?;
        }
        Ok(())
    }

    /// Every figure.
    pub(crate) fn json(&self) -> Value {
        let commands = self.commands.iter();
        let commands = commands.map(|(command, seconds)| ((*command).to_owned(), json!(seconds)));
        let decisions = self.decisions.iter().map(|measured| {
            let rounds = PERCENTILES.iter().zip(&measured.percentiles);
            let mut rounds: serde_json::Map<String, Value> = rounds
                .map(|(name, rounds)| ((*name).to_owned(), json!(rounds)))
                .collect();
            rounds.insert("modules".to_owned(), json!(measured.modules));
            Value::Object(rounds)
        });
        json!({
            "seconds": commands.collect::<serde_json::Map<_, _>>(),
            "decision_micros": decisions.collect::<Vec<_>>(),
        })
    }
}

/// How long one run takes, in seconds.
fn time(comity: &Path, command: &str, policies: &Path) -> Result<f64, AnyError> {
    let started = Instant::now();
    let output = Command::new(comity)
        .args(["policy", command, "--policies"])
        .arg(policies)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot start `{}`: {error}", comity.display()))?;
    let took = started.elapsed().as_secs_f64();
    if output.status.success() {
        return Ok(took);
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let last = said.trim_end().lines().next_back().unwrap_or("no message");
    let status = output.status;
    Err(format!("`comity policy {command}` ended with {status}: {last}").into())
}

/// What `cargo bench --bench decide -- --json` printed.
fn read(file: &Path) -> Result<Vec<Decisions>, AnyError> {
    let text = fs::read_to_string(file)?;
    let measured: Vec<Value> = serde_json::from_str(&text)?;
    let decisions = measured.iter().map(|library| {
        let rounds = |name| -> Option<Vec<f64>> {
            let rounds = library.get(name)?.as_array()?.iter();
            rounds.map(Value::as_f64).collect()
        };
        let [p50, p90, p99] = PERCENTILES.map(rounds);
        Some(Decisions {
            modules: library.get("modules")?.as_u64()?,
            percentiles: [p50?, p90?, p99?],
        })
    });
    let decisions: Option<Vec<_>> = decisions.collect();
    decisions.ok_or_else(|| format!("`{}` is of another version", file.display()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_decisions_are_shown_with_their_spread() {
        let workshop = Workshop {
            commands: vec![("check", vec![0.5, 0.4, 0.6]), ("test", vec![1.0])],
            decisions: vec![Decisions {
                modules: 46,
                percentiles: [vec![20.0, 22.0], vec![25.0], vec![30.0]],
            }],
        };
        let mut text = String::new();
        workshop.markdown(&mut text).unwrap();
        let expected = "
### The workshop

| command | seconds |
|---|---|
| `comity policy check` | 0.50 (0.40–0.60) |
| `comity policy test` | 1.00 (1.00–1.00) |

| modules loaded | p50 µs | p90 µs | p99 µs |
|---|---|---|---|
| 46 | 21.0 (20.0–22.0) | 25.0 (25.0–25.0) | 30.0 (30.0–30.0) |
";
        assert_eq!(text, expected);
        let json = workshop.json();
        assert_eq!(json["seconds"]["test"][0], 1.0);
        assert_eq!(json["decision_micros"][0]["p50"][1], 22.0);
    }
}
