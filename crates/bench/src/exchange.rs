//! The one call that is measured, served by whatever answers it.

use std::future::Future;

use comity::v1::{self as wire, cooperation_service_server::CooperationService};
use tokio_stream::Empty;
use tonic::{Request, Response, Status};

/// What a call is answered with.
pub(crate) type Reply<T> = Result<Response<T>, Status>;

/// `Submit`, answered by a function, and no other call.
pub(crate) struct Exchange<F>(pub(crate) F);

#[tonic::async_trait]
impl<F, A> CooperationService for Exchange<F>
where
    F: Fn(wire::SubmitRequest) -> A + Send + Sync + 'static,
    A: Future<Output = Result<wire::SubmitResponse, Status>> + Send + 'static,
{
    type WatchCaseStream = Empty<Result<wire::WatchCaseResponse, Status>>;

    async fn submit(&self, asked: Request<wire::SubmitRequest>) -> Reply<wire::SubmitResponse> {
        (self.0)(asked.into_inner()).await.map(Response::new)
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

/// The answer to any other call.
pub(crate) fn unserved<T>() -> Reply<T> {
    Err(Status::unimplemented("not part of the exchange"))
}
