//! The national system behind every contender. It finds the same answer at
//! once, whether the gateway delivers to it or a proxy forwards to it.

use std::{net::SocketAddr, path::Path};

use comity::v1::{
    self as wire,
    cooperation_service_server::{CooperationService, CooperationServiceServer},
    national_backend_service_server::{NationalBackendService, NationalBackendServiceServer},
};
use tokio_stream::Empty;
use tonic::{Request, Response, Status, transport::Server};

use crate::{
    AnyError,
    pki::Pki,
    request::{EXECUTING, bench_answer, bench_result},
};

type Reply<T> = Result<Response<T>, Status>;

/// Serves both services over mutual TLS.
pub(crate) async fn serve(listen: SocketAddr, pki: &Path) -> Result<(), AnyError> {
    let cooperation = CooperationServiceServer::new(Direct {
        answer: bench_answer(),
    });
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

/// What proxies forward to: equal work without a gateway.
struct Direct {
    answer: wire::SubmitResponse,
}

#[tonic::async_trait]
impl CooperationService for Direct {
    type WatchCaseStream = Empty<Result<wire::WatchCaseResponse, Status>>;

    async fn submit(&self, _: Request<wire::SubmitRequest>) -> Reply<wire::SubmitResponse> {
        Ok(Response::new(self.answer.clone()))
    }

    async fn preflight(
        &self,
        _: Request<wire::PreflightRequest>,
    ) -> Reply<wire::PreflightResponse> {
        unserved()
    }

    async fn get_case(&self, _: Request<wire::GetCaseRequest>) -> Reply<wire::GetCaseResponse> {
        unserved()
    }

    async fn list_cases(
        &self,
        _: Request<wire::ListCasesRequest>,
    ) -> Reply<wire::ListCasesResponse> {
        unserved()
    }

    async fn watch_case(&self, _: Request<wire::WatchCaseRequest>) -> Reply<Self::WatchCaseStream> {
        unserved()
    }

    async fn supplement(
        &self,
        _: Request<wire::SupplementRequest>,
    ) -> Reply<wire::SupplementResponse> {
        unserved()
    }

    async fn withdraw(&self, _: Request<wire::WithdrawRequest>) -> Reply<wire::WithdrawResponse> {
        unserved()
    }

    async fn report_event(
        &self,
        _: Request<wire::ReportEventRequest>,
    ) -> Reply<wire::ReportEventResponse> {
        unserved()
    }

    async fn share_information(
        &self,
        _: Request<wire::ShareInformationRequest>,
    ) -> Reply<wire::ShareInformationResponse> {
        unserved()
    }
}

fn unserved<T>() -> Reply<T> {
    Err(Status::unimplemented("not part of the exchange"))
}
