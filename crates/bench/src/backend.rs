//! The national system behind every contender. It finds the same answer at
//! once, whether the gateway delivers to it or a proxy forwards to it.

use std::{future::ready, net::SocketAddr, path::Path};

use comity::v1::{
    self as wire,
    cooperation_service_server::CooperationServiceServer,
    national_backend_service_server::{NationalBackendService, NationalBackendServiceServer},
};
use tonic::{Request, Response, transport::Server};

use crate::{
    AnyError,
    exchange::{Exchange, Reply, unserved},
    pki::Pki,
    request::{EXECUTING, bench_answer, bench_result},
};

/// Serves both services over mutual TLS.
pub(crate) async fn serve(listen: SocketAddr, pki: &Path) -> Result<(), AnyError> {
    let answer = bench_answer();
    // What proxies forward to: equal work without a gateway.
    let cooperation = CooperationServiceServer::new(Exchange(move |_| ready(Ok(answer.clone()))));
    let backend = NationalBackendServiceServer::new(Backend {
        result: bench_result(),
    });
    Server::builder()
        .tls_config(Pki::open(pki).backend()?)?
        .add_service(cooperation)
        .add_service(backend)
        .serve(listen)
        .await?;
    Ok(())
}

/// What the gateway delivers to.
struct Backend {
    result: wire::Result,
}

#[tonic::async_trait]
impl NationalBackendService for Backend {
    async fn deliver(&self, asked: Request<wire::DeliverRequest>) -> Reply<wire::DeliverResponse> {
        Ok(Response::new(wire::DeliverResponse {
            reference: asked.into_inner().case,
            result: Some(self.result.clone()),
        }))
    }

    async fn recall(&self, _: Request<wire::RecallRequest>) -> Reply<wire::RecallResponse> {
        unserved()
    }

    async fn notify(&self, _: Request<wire::NotifyRequest>) -> Reply<wire::NotifyResponse> {
        Ok(Response::new(wire::NotifyResponse {}))
    }

    async fn capabilities(
        &self,
        _: Request<wire::CapabilitiesRequest>,
    ) -> Reply<wire::CapabilitiesResponse> {
        Ok(Response::new(wire::CapabilitiesResponse {
            jurisdiction: EXECUTING.to_owned(),
            ..Default::default()
        }))
    }
}
