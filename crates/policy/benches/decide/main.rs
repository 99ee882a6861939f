//! How long one decision takes: a European Investigation Order from Germany
//! to France, by percentile, in the shipped library and in one reduced to the
//! modules that are involved. Modules that are not involved must cost nothing.
//!
//! `cargo bench --package comity-policy` prints the figures; a mean would hide
//! what a requester waits for. Beside them stand the times of `comity policy
//! check` and `comity policy test`. With `--json` it prints percentiles alone,
//! round by round.

mod reduce;

use std::{
    error::Error,
    fmt,
    hint::black_box,
    io::Write,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use comity_domain::{
    Executing, FactSource, FactValue, Facts, Issuing, Offence, Outcome, Request, Stated, Urgency,
};
use comity_policy::{FormCheck, Library, Question, Selection};

const WARM_UP: usize = 1_000;
/// Decisions in each of the two libraries, in turns, so that what else the
/// machine does meets both.
const ROUNDS: usize = 10;
const DECISIONS: usize = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let json = std::env::args().any(|argument| argument == "--json");
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut out = std::io::stdout();
    let started = Instant::now();
    let all = Library::load(&dir)?;
    let loaded = started.elapsed();
    let reduced = reduce::involved(&dir, &["de", "fr"], &["eio"])?;
    let measured = decisions([&all, &reduced])?;
    if json {
        let measured: Vec<_> = measured.iter().map(Measured::json).collect();
        writeln!(out, "{}", serde_json::Value::from(measured))?;
        return Ok(());
    }
    writeln!(out, "check: load the library                {loaded:?}")?;
    let started = Instant::now();
    let scenarios = all.test(&Selection::default())?.results.len();
    let took = started.elapsed();
    writeln!(
        out,
        "test: {scenarios} scenarios                    {took:?}"
    )?;
    for library in &measured {
        writeln!(out, "{library}")?;
    }
    Ok(())
}

/// Decides the same request in each library, in turns.
fn decisions<const N: usize>(libraries: [&Library; N]) -> Result<[Measured; N], Box<dyn Error>> {
    let request = search_for_fraud()?;
    let form = annex_a();
    let question = Question {
        request: &request,
        form: FormCheck::Given(&form),
        language: "en",
        now: request.issued_at,
        rulings: &[],
    };
    for library in libraries {
        let outcome = library.decide(&question).decision.outcome;
        if outcome != Outcome::Approved {
            return Err(format!("the request measured is not approved but {outcome:?}").into());
        }
        time(library, &question, WARM_UP);
    }
    let mut measured = libraries.map(|library| Measured {
        modules: library.modules().count(),
        rounds: Vec::new(),
    });
    for _ in 0..ROUNDS {
        for (library, measured) in libraries.into_iter().zip(&mut measured) {
            let mut times = time(library, &question, DECISIONS);
            times.sort_unstable();
            measured.rounds.push(times);
        }
    }
    Ok(measured)
}

/// How long decisions take in a library.
struct Measured {
    modules: usize,
    /// Of each round the times, sorted.
    rounds: Vec<Vec<Duration>>,
}

impl Measured {
    /// Percentiles of each round, in microseconds.
    fn json(&self) -> serde_json::Value {
        let micros = |percent| -> Vec<f64> {
            let rounds = self.rounds.iter();
            rounds
                .map(|times| at(times, percent).as_secs_f64() * 1e6)
                .collect()
        };
        serde_json::json!({
            "modules": self.modules,
            "p50": micros(50),
            "p90": micros(90),
            "p99": micros(99),
        })
    }
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = self.rounds.concat();
        all.sort_unstable();
        write!(
            f,
            "decide, EIO DE to FR, {:>2} modules loaded  p50 {:?}  p90 {:?}  p99 {:?}",
            self.modules,
            at(&all, 50),
            at(&all, 90),
            at(&all, 99)
        )
    }
}

/// A percentile of sorted times.
fn at(times: &[Duration], percent: usize) -> Duration {
    let place = times.len() * percent / 100;
    times.get(place).copied().unwrap_or_default()
}

/// How long each of so many decisions takes.
fn time(library: &Library, question: &Question<'_>, count: usize) -> Vec<Duration> {
    let one = |_| {
        let started = Instant::now();
        black_box(library.decide(black_box(question)));
        started.elapsed()
    };
    (0..count).map(one).collect()
}

/// The form of the request, as Annex A of Directive 2014/41/EU has it.
fn annex_a() -> serde_json::Value {
    serde_json::json!({
        "states": {"issuing": "DE", "executing": "FR"},
        "measures": [{
            "measure": "search.premises",
            "description": "as set out in the request",
            "evidence_sought": "records of the year 2025",
        }],
        "persons": [],
        "proceedings": "criminal",
        "grounds": {
            "summary": "goods were sold that the seller did not have",
            "stage": "investigation",
            "offences": [{"provision": "StGB 263", "nature": "as provided by law"}],
        },
        "remedies": {"sought": false},
        "issuing_authority": {
            "name": "Staatsanwaltschaft Berlin",
            "address": "Musterplatz 1",
            "email": "desk@authority.example",
            "kind": "prosecutor",
        },
        "signature": {"name": "A. Beispiel", "post": "prosecutor", "date": "2026-11-20", "certified": true},
    })
}

fn search_for_fraud() -> Result<Request, Box<dyn Error>> {
    Ok(Request {
        id: "bench".parse()?,
        issuing: Issuing("DE".parse()?),
        issuing_authority: "sta-berlin".parse()?,
        executing: Executing("FR".parse()?),
        executing_authority: None,
        instrument: Some("eio".parse()?),
        measure: "search.premises".parse()?,
        offences: vec![Offence {
            provision: Arc::from("StGB 263"),
            category: Some(Arc::from("D20")),
            max_penalty_months: Some(60),
            life_possible: Some(false),
            death_possible: Some(false),
            ..Offence::default()
        }],
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: Urgency::Routine,
        purpose_stated: true,
        language: Some(Arc::from("fr")),
        validation: None,
        assurances: Vec::new(),
        facts: Facts::from([(
            Arc::from("issuing.court_order"),
            Stated {
                value: FactValue::Truth(true),
                source: FactSource::Requester,
            },
        )]),
        issued_at: "2026-11-23T11:00:00Z".parse()?,
        exercise: false,
        information: Vec::new(),
        source: None,
    })
}
