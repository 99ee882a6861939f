//! Connections to the national backends: one for each State and purpose,
//! opened when first needed and again when lost.

use std::{collections::HashMap, sync::Arc, time::Duration};

use comity::v1::{self, national_backend_service_client::NationalBackendServiceClient};
use comity_domain::JurisdictionCode;
use rustls::ClientConfig;
use rustls_pki_types::InvalidDnsNameError;
use tokio::time;
use tonic::{Code, Request, Status, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

use crate::{
    config::Config,
    tls::{self, Callee},
    wire::encoded,
};

/// Longest time one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(30);

/// Whether a request is real. A live request and an exercise never share a
/// backend: they are different keys of the same map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Purpose {
    Live,
    Exercise,
}

impl From<bool> for Purpose {
    fn from(exercise: bool) -> Self {
        if exercise { Self::Exercise } else { Self::Live }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Backends(HashMap<(JurisdictionCode, Purpose), Backend>);

/// One national system; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Backend(Channel);

impl Backend {
    /// `NationalBackendService.Deliver`, its parts encoded already.
    ///
    /// # Errors
    /// What the backend answered, or why it could not be asked.
    pub(crate) async fn deliver(
        self,
        message: encoded::DeliverRequest,
    ) -> Result<v1::DeliverResponse, Status> {
        let mut client = tonic::client::Grpc::new(self.0);
        client
            .ready()
            .await
            .map_err(|error| Status::from_error(error.into()))?;
        let codec = ProstCodec::<encoded::DeliverRequest, v1::DeliverResponse>::default();
        let path = PathAndQuery::from_static(DELIVER);
        let answer = client.unary(Request::new(message), path, codec).await?;
        Ok(answer.into_inner())
    }

    /// `NationalBackendService.Notify`.
    ///
    /// # Errors
    /// What the backend answered, or why it could not be asked.
    pub(crate) async fn notify(
        self,
        message: v1::NotifyRequest,
    ) -> Result<v1::NotifyResponse, Status> {
        let mut client = NationalBackendServiceClient::new(self.0);
        let answer = client.notify(message).await?;
        Ok(answer.into_inner())
    }

    /// `NationalBackendService.Recall`.
    ///
    /// # Errors
    /// As [`Backend::deliver`].
    pub(crate) async fn recall(
        self,
        message: v1::RecallRequest,
    ) -> Result<v1::RecallResponse, Status> {
        let mut client = NationalBackendServiceClient::new(self.0);
        Ok(client.recall(message).await?.into_inner())
    }
}

/// The method's path.
const DELIVER: &str = "/comity.v1.NationalBackendService/Deliver";

impl Backends {
    /// Prepares connections; none is opened yet.
    pub(crate) fn new(
        config: &Config,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, InvalidDnsNameError> {
        let prepared = config.backends.iter().map(|backend| {
            let callee = Callee::backend(backend, &config.trust_domain);
            let channel = tls::channel(callee, Arc::clone(tls))?;
            let key = (
                backend.jurisdiction.clone(),
                Purpose::from(backend.exercise),
            );
            Ok((key, Backend(channel)))
        });
        Ok(Self(prepared.collect::<Result<_, _>>()?))
    }

    /// One live backend, reached by a channel of a test's own.
    #[cfg(test)]
    pub(crate) fn over(jurisdiction: JurisdictionCode, channel: Channel) -> Self {
        Self(HashMap::from([(
            (jurisdiction, Purpose::Live),
            Backend(channel),
        )]))
    }

    /// What the backend for a State answers, within the time of one attempt; where none
    /// is configured, that it cannot be reached.
    ///
    /// # Errors
    /// The code of whatever came instead of an answer.
    pub(crate) async fn call<T, F>(
        &self,
        jurisdiction: &JurisdictionCode,
        purpose: Purpose,
        ask: impl FnOnce(Backend) -> F,
    ) -> Result<T, Code>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let backend = self.0.get(&(jurisdiction.clone(), purpose)).cloned();
        let asked = ask(backend.ok_or(Code::Unavailable)?);
        match time::timeout(ATTEMPT, asked).await {
            Ok(answer) => answer.map_err(|status| status.code()),
            Err(_) => Err(Code::DeadlineExceeded),
        }
    }
}
