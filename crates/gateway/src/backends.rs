//! Connections to the national backends: one for each State and purpose,
//! opened when first needed and again when lost.

use std::{collections::HashMap, sync::Arc};

use comity::v1::national_backend_service_client::NationalBackendServiceClient;
use comity_domain::JurisdictionCode;
use rustls::ClientConfig;
use rustls_pki_types::InvalidDnsNameError;
use tonic::transport::Channel;

use crate::{
    config::Config,
    tls::{self, Callee},
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
pub(crate) struct Backends(
    HashMap<(JurisdictionCode, Purpose), NationalBackendServiceClient<Channel>>,
);

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
            Ok((key, NationalBackendServiceClient::new(channel)))
        });
        Ok(Self(prepared.collect::<Result<_, _>>()?))
    }

    /// The backend for a State, where one is configured.
    pub(crate) fn client(
        &self,
        jurisdiction: &JurisdictionCode,
        purpose: Purpose,
    ) -> Option<NationalBackendServiceClient<Channel>> {
        self.0.get(&(jurisdiction.clone(), purpose)).cloned()
    }
}
