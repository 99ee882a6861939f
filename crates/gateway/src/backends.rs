//! Connections to the national backends: one for each State and purpose,
//! opened when first needed and again when lost.

use std::{collections::HashMap, sync::Arc};

use comity::v1::{self, national_backend_service_client::NationalBackendServiceClient};
use comity_domain::JurisdictionCode;
use rustls::ClientConfig;
use rustls_pki_types::InvalidDnsNameError;
use tonic::{Request, Status, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

use crate::{
    config::Config,
    tls::{self, Callee},
    wire::encoded,
};

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

    /// The backend for a State, where one is configured.
    pub(crate) fn get(&self, jurisdiction: &JurisdictionCode, purpose: Purpose) -> Option<Backend> {
        self.0.get(&(jurisdiction.clone(), purpose)).cloned()
    }
}
