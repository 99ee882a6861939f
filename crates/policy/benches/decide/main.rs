//! How long one decision takes: a European Investigation Order from Germany
//! to France, by percentile, in the shipped library and in one reduced to the
//! modules that are involved. Modules that are not involved must cost nothing.
//!
//! `cargo bench --package comity-policy` prints the figures; a mean would hide
//! what a requester waits for. Beside them stand the times of `comity policy
//! check` and `comity policy test`.

mod reduce;

use std::{
    error::Error,
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
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut out = std::io::stdout();
    let started = Instant::now();
    let all = Library::load(&dir)?;
    writeln!(
        out,
        "check: load the library                {:?}",
        started.elapsed()
    )?;
    let started = Instant::now();
    let scenarios = all.test(&Selection::default())?.results.len();
    writeln!(
        out,
        "test: {scenarios} scenarios                    {:?}",
        started.elapsed()
    )?;
    let reduced = reduce::involved(&dir, &["de", "fr"], &["eio"])?;
    let request = search_for_fraud()?;
    let question = Question {
        request: &request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings: &[],
    };
    let libraries = [&all, &reduced];
    for library in libraries {
        let outcome = library.decide(&question).decision.outcome;
        if outcome != Outcome::Approved {
            return Err(format!("the request measured is not approved but {outcome:?}").into());
        }
        time(library, &question, WARM_UP);
    }
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (library, times) in libraries.into_iter().zip(&mut times) {
            times.extend(time(library, &question, DECISIONS));
        }
    }
    for (library, mut times) in libraries.into_iter().zip(times) {
        times.sort_unstable();
        let modules = library.modules().count();
        let at = |percent: usize| {
            times
                .get(times.len() * percent / 100)
                .copied()
                .unwrap_or_default()
        };
        writeln!(
            out,
            "decide, EIO DE to FR, {modules:>2} modules loaded  p50 {:?}  p90 {:?}  p99 {:?}",
            at(50),
            at(90),
            at(99)
        )?;
    }
    Ok(())
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
    })
}
