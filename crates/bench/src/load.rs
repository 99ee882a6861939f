//! The load client: a closed loop with a fixed number of requests in flight.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use comity::v1::cooperation_service_client::CooperationServiceClient;
use hdrhistogram::Histogram;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};

use crate::{
    AnyError,
    pki::Pki,
    request::{Requests, bench_request, executed},
};

type Caller = CooperationServiceClient<Channel>;

/// Connections that the load is spread over.
const CONNECTIONS: usize = 4;
/// Nothing that is measured takes this long.
const TIMEOUT: Duration = Duration::from_secs(20);
/// A contender that refuses at once must not be flooded.
const PAUSE_AFTER_ERROR: Duration = Duration::from_millis(5);

/// Connections to one contender. No two requests have the same id.
#[derive(Debug)]
pub(crate) struct Client {
    callers: Vec<Caller>,
    requests: Requests,
    sent: Arc<AtomicU64>,
}

/// What one turn gave.
#[derive(Debug)]
pub(crate) struct Sample {
    /// Exchanges that did all of their work, with their latency in
    /// microseconds.
    pub(crate) answered: Histogram<u64>,
    /// Exchanges that did not.
    pub(crate) errors: u64,
    /// What one of these said.
    pub(crate) error: Option<String>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
}

impl Client {
    /// Connects to a contender.
    pub(crate) async fn connect(address: SocketAddr, pki: &Pki) -> Result<Self, AnyError> {
        let endpoint = Endpoint::from_shared(format!("https://{address}"))?
            .tls_config(pki.client()?)?
            .connect_timeout(TIMEOUT)
            .timeout(TIMEOUT);
        let mut callers = Vec::with_capacity(CONNECTIONS);
        for _ in 0..CONNECTIONS {
            callers.push(Caller::new(endpoint.connect().await?));
        }
        Ok(Self {
            callers,
            requests: bench_request,
            sent: Arc::default(),
        })
    }

    /// Sends others than the usual requests.
    pub(crate) fn asking(self, requests: Requests) -> Self {
        Self { requests, ..self }
    }

    /// Makes one exchange.
    ///
    /// # Errors
    /// Why it did not do all of its work.
    pub(crate) async fn exchange_once(&self) -> Result<(), String> {
        let caller = self.callers.first().ok_or("no connection")?;
        exchange(&mut caller.clone(), self.requests, &self.sent).await
    }

    /// Keeps `in_flight` exchanges under way for `turn`, and waits for the
    /// last of them.
    pub(crate) async fn run(&self, in_flight: u32, turn: Duration) -> Result<Sample, AnyError> {
        self.run_at(in_flight, turn, Duration::ZERO).await
    }

    /// As [`Client::run`], with a pause before each exchange.
    pub(crate) async fn run_at(
        &self,
        in_flight: u32,
        turn: Duration,
        pause: Duration,
    ) -> Result<Sample, AnyError> {
        let start = Instant::now();
        let mut loops = JoinSet::new();
        for caller in self.callers.iter().cycle().take(in_flight as usize) {
            let (caller, sent) = (caller.clone(), Arc::clone(&self.sent));
            loops.spawn(repeat((caller, self.requests), sent, (start + turn, pause)));
        }
        let mut sample = Sample::new()?;
        while let Some(part) = loops.join_next().await {
            sample.add(part??)?;
        }
        sample.elapsed = start.elapsed();
        Ok(sample)
    }
}

impl Sample {
    fn new() -> Result<Self, AnyError> {
        Ok(Self {
            answered: Histogram::new(3)?,
            errors: 0,
            error: None,
            elapsed: Duration::ZERO,
        })
    }

    fn add(&mut self, part: Self) -> Result<(), AnyError> {
        self.answered.add(part.answered)?;
        self.errors += part.errors;
        self.error = self.error.take().or(part.error);
        Ok(())
    }
}

async fn repeat(
    (mut caller, requests): (Caller, Requests),
    sent: Arc<AtomicU64>,
    (end, pause): (Instant, Duration),
) -> Result<Sample, AnyError> {
    let mut sample = Sample::new()?;
    while Instant::now() < end {
        tokio::time::sleep(pause).await;
        let start = Instant::now();
        match exchange(&mut caller, requests, &sent).await {
            Ok(()) => {
                let micros = start.elapsed().as_micros().try_into()?;
                sample.answered.record(micros)?;
            }
            Err(error) => {
                sample.errors += 1;
                sample.error.get_or_insert(error);
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
    Ok(sample)
}

async fn exchange(caller: &mut Caller, requests: Requests, sent: &AtomicU64) -> Result<(), String> {
    let request = requests(sent.fetch_add(1, Ordering::Relaxed));
    let urgency = request.request.as_ref().and_then(|one| one.urgency.clone());
    let answer = caller.submit(comity::marked(request, urgency, false)).await;
    let answer = answer.map_err(|status| format!("{}: {}", status.code(), status.message()))?;
    executed(answer.get_ref())
}
