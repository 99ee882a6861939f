//! The method: contenders take turns within each round, so that whatever the
//! machine does meanwhile happens to all of them.

use std::{
    collections::VecDeque,
    io,
    time::{Duration, Instant},
};

use crate::{
    AnyError,
    accounts::{self, Machine},
    cli::Plan,
    contender::{Contender, Ground, Kind},
    load::{Client, Sample},
    report::{Report, Turn},
    workshop::Workshop,
};

/// Longest time until a contender must answer.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How often it is tried until then.
const START_RETRY: Duration = Duration::from_millis(100);
/// Longest warm-up.
const WARM_UP_MAX: Duration = Duration::from_secs(2);

/// A contender that answers, with its load client.
pub(crate) struct Runner {
    pub(crate) contender: Contender,
    pub(crate) client: Client,
}

/// Measures every contender that can be had, prints the report and writes it.
pub(crate) async fn compare(plan: &Plan) -> Result<(), AnyError> {
    let ground = Ground::prepare(&plan.out)?;
    let mut report = Report::new(plan);
    if let Some(comity) = &plan.comity {
        // Before anything else runs.
        report.add_workshop(Workshop::measure(comity, plan)?);
    }
    let mut runners = VecDeque::new();
    for kind in plan.contenders.iter().copied() {
        if plan.left_out.contains_key(&kind) {
            continue;
        }
        match Runner::start(kind, &ground, plan).await {
            Ok(runner) => {
                println!("{kind:>9}  {}", runner.contender.version);
                report.enter(kind, &runner.contender.version);
                runners.push_back(runner);
            }
            Err(error) => leave_out(&mut report, kind, error.to_string())?,
        }
    }
    for round in 1..=plan.rounds {
        for in_flight in plan.in_flight.iter().copied() {
            let mut standing = VecDeque::with_capacity(runners.len());
            for mut runner in runners {
                match runner.turn(round, in_flight, plan.turn, &ground).await {
                    Ok(turn) => {
                        println!("{turn}");
                        report.add(turn);
                        standing.push_back(runner);
                    }
                    Err(error) => {
                        let reason = format!("in round {round}, {error}");
                        leave_out(&mut report, runner.contender.kind, reason)?;
                    }
                }
            }
            runners = standing;
        }
        // Nobody always comes after the same neighbour.
        if let Some(first) = runners.pop_front() {
            runners.push_back(first);
        }
    }
    if runners.is_empty() {
        return Err("nobody is left to compare".into());
    }
    println!("\n{}", report.write(&plan.out)?);
    println!(
        "Written to `report.md` and `report.json` in `{}`.",
        plan.out.display()
    );
    Ok(())
}

/// Goes on without a peer. The others are measured for the gateway's sake alone.
fn leave_out(report: &mut Report, kind: Kind, reason: String) -> Result<(), AnyError> {
    if kind == Kind::Comity {
        return Err(format!("the gateway takes no part: {reason}").into());
    }
    println!("{kind:>9}  left out: {reason}");
    report.leave_out(kind, reason);
    Ok(())
}

impl Runner {
    pub(crate) async fn start(kind: Kind, ground: &Ground, plan: &Plan) -> Result<Self, AnyError> {
        let mut contender = Contender::start(kind, ground, plan)?;
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let tried = async {
                let client = Client::connect(contender.address, &ground.pki).await?;
                client.exchange_once().await?;
                Ok::<_, AnyError>(client)
            };
            match tried.await {
                Ok(client) => return Ok(Self { contender, client }),
                Err(error) if Instant::now() > deadline => return Err(error),
                Err(_) => tokio::time::sleep(START_RETRY).await,
            }
            contender.check()?;
        }
    }

    async fn turn(
        &mut self,
        round: u32,
        in_flight: u32,
        length: Duration,
        ground: &Ground,
    ) -> Result<Turn, AnyError> {
        self.client
            .run(in_flight, (length / 4).min(WARM_UP_MAX))
            .await?;
        self.contender.check()?;
        let before = Reading::take(&self.contender, ground)?;
        let sample = self.client.run(in_flight, length).await?;
        self.contender.check()?;
        let after = Reading::take(&self.contender, ground)?;
        let rss_mib = accounts::peak_rss_mib(&self.contender.pids)?;
        let machine = after.machine.since(before.machine);
        let Sample {
            answered,
            errors,
            error,
            elapsed,
        } = sample;
        if answered.is_empty() {
            return Err(format!("nothing was answered: {}", error.unwrap_or_default()).into());
        }
        let count = answered.len() as f64;
        Ok(Turn {
            kind: self.contender.kind,
            round,
            in_flight,
            answered: answered.len(),
            errors,
            error,
            cpu_micros: (after.contender - before.contender).as_secs_f64() * 1e6 / count,
            per_second: count / elapsed.as_secs_f64(),
            p50_micros: answered.value_at_quantile(0.5) as f64,
            p99_micros: answered.value_at_quantile(0.99) as f64,
            rss_mib,
            steal_percent: machine.steal_percent(),
            foreign_percent: machine.foreign_percent(after.ours - before.ours),
        })
    }
}

/// The accounts at one moment.
struct Reading {
    contender: Duration,
    ours: Duration,
    machine: Machine,
}

impl Reading {
    fn take(contender: &Contender, ground: &Ground) -> io::Result<Self> {
        let cpu = accounts::cpu(&contender.pids)?;
        let backend = match contender.kind {
            // It is the backend.
            Kind::Direct => Duration::ZERO,
            Kind::Nginx | Kind::Envoy | Kind::ExtAuthz | Kind::Relay | Kind::Comity => {
                accounts::cpu(&[ground.backend_pid()])?
            }
        };
        Ok(Self {
            contender: cpu,
            ours: cpu + backend + accounts::own_cpu()?,
            machine: Machine::read()?,
        })
    }
}
