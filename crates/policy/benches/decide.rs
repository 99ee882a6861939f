//! How long one decision takes: a European Investigation Order from Germany
//! to France with the shipped library, by percentile.
//!
//! `cargo bench -p comity-policy` prints the figures; a mean would hide what a
//! requester waits for.

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
use comity_policy::{FormCheck, Library, Question};

const WARM_UP: usize = 1_000;
const DECISIONS: usize = 10_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let started = Instant::now();
    let library = Library::load(&dir)?;
    let loaded = started.elapsed();
    let request = search_for_fraud()?;
    let question = Question {
        request: &request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
    };
    let outcome = library.decide(&question).decision.outcome;
    if outcome != Outcome::Approved {
        return Err(format!("the request measured is not approved but {outcome:?}").into());
    }
    for _ in 0..WARM_UP {
        black_box(library.decide(black_box(&question)));
    }
    let mut times: Vec<Duration> = (0..DECISIONS)
        .map(|_| {
            let started = Instant::now();
            black_box(library.decide(black_box(&question)));
            started.elapsed()
        })
        .collect();
    times.sort_unstable();
    let percentile = |percent: usize| times.get(DECISIONS * percent / 100).copied();
    let mut out = std::io::stdout();
    writeln!(out, "load the library      {loaded:?}")?;
    for percent in [50, 90, 99] {
        let time = percentile(percent).unwrap_or_default();
        writeln!(out, "decide, EIO DE to FR  p{percent} {time:?}")?;
    }
    Ok(())
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
