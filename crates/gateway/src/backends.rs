//! Connections to the national backends: one for each State and purpose,
//! opened when first needed and again when lost.
//!
//! Live systems and those for exercises are of different types, and so is what is
//! sent to them: that an exercise reaches a live system does not compile.

mod stand;

use std::{collections::HashMap, marker::PhantomData, time::Duration};

use comity::v1::{self, national_backend_service_client::NationalBackendServiceClient};
use comity_domain::JurisdictionCode;
use comity_policy::Library;
use prometheus_client::registry::Registry;
use rustls_pki_types::InvalidDnsNameError;
use thiserror::Error;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Request, Status, codec::CompressionEncoding, codegen::http::uri::PathAndQuery,
    transport::Channel,
};
use tonic_prost::ProstCodec;

use self::stand::{Figures, Stand};
use crate::{
    config::{Config, Limits},
    metrics::code_name,
    tls::{Callee, Current, Line},
    wire::encoded,
};

/// Longest time one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Purpose of what is real.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Live {}

/// Purpose of what is for training.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Exercise {}

/// A message for systems of one purpose.
#[derive(Debug)]
pub(crate) struct For<P, M>(M, PhantomData<P>);

/// A message to the executing system of a case.
#[derive(Debug)]
pub(crate) enum Outgoing<M> {
    Live(For<Live, M>),
    Exercise(For<Exercise, M>),
}

impl<M> Outgoing<M> {
    /// Of a case, and for the purpose of that case: the one place where its mark is
    /// read.
    pub(crate) fn of(case: &encoded::Case, message: M) -> Self {
        if case.exercise {
            Self::Exercise(For(message, PhantomData))
        } else {
            Self::Live(For(message, PhantomData))
        }
    }
}

/// Why a system gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum NoAnswer {
    /// There is none to ask: of the kind named, none is configured for the State.
    #[error("no {0} is configured")]
    NotConfigured(&'static str),
    /// What came instead.
    #[error("{}", code_name(*.0))]
    Failed(Code),
    /// The gateway stops, and does not wait any longer.
    #[error("the gateway stops")]
    Stopping,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Backends {
    live: HashMap<JurisdictionCode, Backend<Live>>,
    exercise: HashMap<JurisdictionCode, Backend<Exercise>>,
    figures: Figures,
    cut: CancellationToken,
    /// Most bytes of an answer.
    answer_bytes_max: usize,
}

/// One national system of one purpose.
#[derive(Debug)]
struct Backend<P> {
    line: Line,
    stand: Stand,
    cut: CancellationToken,
    answer_bytes_max: usize,
    purpose: PhantomData<P>,
}

/// The method's path.
const DELIVER: &str = "/comity.v1.NationalBackendService/Deliver";

impl<P> Backend<P> {
    /// An answer within the time of one attempt, unless the gateway stops.
    async fn heard<T>(
        &self,
        call: Call,
        answer: impl Future<Output = Result<T, Status>>,
    ) -> Result<T, NoAnswer> {
        let answer = tokio::select! {
            answer = time::timeout(ATTEMPT, answer) => match answer {
                Ok(answer) => answer.map_err(|status| NoAnswer::Failed(status.code())),
                Err(_) => Err(NoAnswer::Failed(Code::DeadlineExceeded)),
            },
            () = self.cut.cancelled() => Err(NoAnswer::Stopping),
        };
        self.stand.heard(call, &answer);
        answer
    }

    fn client(&self) -> NationalBackendServiceClient<Channel> {
        NationalBackendServiceClient::new(self.line.channel())
            .max_decoding_message_size(self.answer_bytes_max)
            .accept_compressed(CompressionEncoding::Gzip)
    }

    /// The parts of the message are encoded already.
    async fn deliver(
        &self,
        For(message, _): For<P, encoded::DeliverRequest>,
    ) -> Result<v1::DeliverResponse, Status> {
        let client = tonic::client::Grpc::new(self.line.channel());
        let mut client = client
            .max_decoding_message_size(self.answer_bytes_max)
            .accept_compressed(CompressionEncoding::Gzip);
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let codec = ProstCodec::<encoded::DeliverRequest, v1::DeliverResponse>::default();
        let path = PathAndQuery::from_static(DELIVER);
        let answer = client.unary(within(message), path, codec).await?;
        Ok(answer.into_inner())
    }

    async fn notify(
        &self,
        For(message, _): For<P, v1::NotifyRequest>,
    ) -> Result<v1::NotifyResponse, Status> {
        Ok(self.client().notify(within(message)).await?.into_inner())
    }

    async fn recall(
        &self,
        For(message, _): For<P, v1::RecallRequest>,
    ) -> Result<v1::RecallResponse, Status> {
        Ok(self.client().recall(within(message)).await?.into_inner())
    }
}

/// A call that says how long its answer is waited for.
fn within<M>(message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.set_timeout(ATTEMPT);
    request
}

/// What is asked of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Call {
    /// What it has to serve.
    Needed,
    /// What it may leave out.
    Optional,
}

impl Backends {
    fn none(limits: &Limits) -> Self {
        Self {
            live: HashMap::new(),
            exercise: HashMap::new(),
            figures: Figures::default(),
            cut: CancellationToken::new(),
            answer_bytes_max: limits.max_message_bytes,
        }
    }

    /// Prepares connections; none is opened yet.
    pub(crate) fn new(config: &Config, tls: &Current) -> Result<Self, InvalidDnsNameError> {
        let mut prepared = Self::none(&config.limits);
        for backend in &config.backends {
            let state = backend.jurisdiction.clone();
            let callee = Callee::backend(backend, &config.trust_domain);
            let line = Line::new(callee, tls)?;
            if backend.exercise {
                let backend = prepared.one((&state, EXERCISE), line);
                prepared.exercise.insert(state, backend);
            } else {
                let backend = prepared.one((&state, LIVE), line);
                prepared.live.insert(state, backend);
            }
        }
        Ok(prepared)
    }

    fn one<P>(&self, (state, kind): (&JurisdictionCode, &'static str), line: Line) -> Backend<P> {
        Backend {
            line,
            stand: Stand::new(state.clone(), kind, &self.figures),
            cut: self.cut.clone(),
            answer_bytes_max: self.answer_bytes_max,
            purpose: PhantomData,
        }
    }

    /// Shows what they answer among the figures.
    pub(crate) fn register(&self, registry: &mut Registry) {
        self.figures.register(registry);
    }

    /// Names by which health says of each whether it answers, and whether it does.
    pub(crate) fn health(&self) -> impl Iterator<Item = (&str, bool)> {
        let live = self.live.values().map(|backend| backend.stand.health());
        live.chain(self.exercise.values().map(|backend| backend.stand.health()))
    }

    /// Ends whatever waits for an answer: it is in the outbox.
    pub(crate) fn cut(&self) {
        self.cut.cancel();
    }

    /// Tells the operator for which States of the library there is no backend: what is
    /// approved for them waits, and nobody else would say so before.
    pub(crate) fn tell_of_missing(&self, library: &Library) {
        let states = library.jurisdictions().map(|state| state.code);
        let missing: Vec<_> = states
            .filter(|state| !self.live.contains_key(*state))
            .map(ToString::to_string)
            .collect();
        if !missing.is_empty() {
            tracing::warn!(
                states = missing.join(" "),
                "no backend is configured for these States: what is approved for them is kept, and \
                 delivered once there is one; name it under `[[backend]]` and start again"
            );
        }
    }

    /// One live backend, reached by a channel of a test's own.
    #[cfg(test)]
    pub(crate) fn over(jurisdiction: JurisdictionCode, channel: Channel) -> Self {
        let mut one = Self::none(&Limits::default());
        let backend = one.one((&jurisdiction, LIVE), Line::over(channel));
        one.live.insert(jurisdiction, backend);
        one
    }

    /// `NationalBackendService.Deliver` of a State's system.
    ///
    /// # Errors
    /// Whatever came instead of an answer.
    pub(crate) async fn deliver(
        &self,
        state: &JurisdictionCode,
        message: Outgoing<encoded::DeliverRequest>,
    ) -> Result<v1::DeliverResponse, NoAnswer> {
        match message {
            Outgoing::Live(message) => {
                let backend = of(&self.live, state, LIVE)?;
                backend.heard(Call::Needed, backend.deliver(message)).await
            }
            Outgoing::Exercise(message) => {
                let backend = of(&self.exercise, state, EXERCISE)?;
                backend.heard(Call::Needed, backend.deliver(message)).await
            }
        }
    }

    /// `NationalBackendService.Notify` of a State's system.
    ///
    /// # Errors
    /// As [`Backends::deliver`].
    pub(crate) async fn notify(
        &self,
        state: &JurisdictionCode,
        message: Outgoing<v1::NotifyRequest>,
    ) -> Result<v1::NotifyResponse, NoAnswer> {
        match message {
            Outgoing::Live(message) => {
                let backend = of(&self.live, state, LIVE)?;
                backend.heard(Call::Optional, backend.notify(message)).await
            }
            Outgoing::Exercise(message) => {
                let backend = of(&self.exercise, state, EXERCISE)?;
                backend.heard(Call::Optional, backend.notify(message)).await
            }
        }
    }

    /// `NationalBackendService.Recall` of a State's system.
    ///
    /// # Errors
    /// As [`Backends::deliver`].
    pub(crate) async fn recall(
        &self,
        state: &JurisdictionCode,
        message: Outgoing<v1::RecallRequest>,
    ) -> Result<v1::RecallResponse, NoAnswer> {
        match message {
            Outgoing::Live(message) => {
                let backend = of(&self.live, state, LIVE)?;
                backend.heard(Call::Needed, backend.recall(message)).await
            }
            Outgoing::Exercise(message) => {
                let backend = of(&self.exercise, state, EXERCISE)?;
                backend.heard(Call::Needed, backend.recall(message)).await
            }
        }
    }
}

/// What the backends of each purpose are called.
const LIVE: &str = "backend";
const EXERCISE: &str = "backend for exercises";

/// The backend of a State among those of one purpose.
fn of<'b, P>(
    backends: &'b HashMap<JurisdictionCode, Backend<P>>,
    state: &JurisdictionCode,
    kind: &'static str,
) -> Result<&'b Backend<P>, NoAnswer> {
    backends.get(state).ok_or(NoAnswer::NotConfigured(kind))
}
