//! For requesting national systems.

use std::pin::Pin;

use comity::v1::{
    GetCaseRequest, GetCaseResponse, ListCasesRequest, ListCasesResponse, PreflightRequest,
    PreflightResponse, ReportEventRequest, ReportEventResponse, ShareInformationRequest,
    ShareInformationResponse, SubmitRequest, SubmitResponse, SupplementRequest, SupplementResponse,
    WatchCaseRequest, WatchCaseResponse, WithdrawRequest, WithdrawResponse,
    cooperation_service_server::CooperationService,
};
use futures::Stream;
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{
    cases, exchange, gateway::Gateway, places::Marked, record, refusal::Refusal, report, share,
    supplement, wire::encoded, withdraw,
};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Cooperation(pub(super) Gateway);

impl Cooperation {
    /// `Submit`, its answer's parts encoded already.
    pub(super) async fn submit_encoded(
        self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<encoded::SubmitResponse>, Status> {
        let marked = marked(&request);
        let (caller, message) = enter(request)?;
        let gateway = self.0;
        detached(async move { exchange::submit(&gateway, &caller, message, marked).await }).await
    }
}

#[tonic::async_trait]
impl CooperationService for Cooperation {
    async fn preflight(
        &self,
        request: Request<PreflightRequest>,
    ) -> Result<Response<PreflightResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { exchange::preflight(&gateway, &caller, message).await }).await
    }

    async fn submit(
        &self,
        request: Request<SubmitRequest>,
    ) -> Result<Response<SubmitResponse>, Status> {
        let answer = self.clone().submit_encoded(request).await?;
        let (metadata, encoded, extensions) = answer.into_parts();
        let opened = encoded
            .open()
            .map_err(|error| Refusal::Internal(Box::new(error)))?;
        Ok(Response::from_parts(metadata, opened, extensions))
    }

    async fn get_case(
        &self,
        request: Request<GetCaseRequest>,
    ) -> Result<Response<GetCaseResponse>, Status> {
        let (
            caller,
            GetCaseRequest {
                name,
                text_language: _,
            },
        ) = enter(request)?;
        let case = cases::get(&self.0, &caller, &name).await;
        let case = record::attempted(&self.0, &caller, case).await?;
        Ok(Response::new(GetCaseResponse { case: Some(case) }))
    }

    async fn list_cases(
        &self,
        request: Request<ListCasesRequest>,
    ) -> Result<Response<ListCasesResponse>, Status> {
        let (caller, message) = enter(request)?;
        let page = cases::list(&self.0, &caller, message).await;
        let page = record::attempted(&self.0, &caller, page).await?;
        Ok(Response::new(page))
    }

    type WatchCaseStream =
        Pin<Box<dyn Stream<Item = Result<WatchCaseResponse, Status>> + Send + 'static>>;

    async fn watch_case(
        &self,
        request: Request<WatchCaseRequest>,
    ) -> Result<Response<Self::WatchCaseStream>, Status> {
        let (
            caller,
            WatchCaseRequest {
                name,
                after_sequence,
            },
        ) = enter(request)?;
        let events = cases::watch(&self.0, &caller, &name, after_sequence).await;
        let events = record::attempted(&self.0, &caller, events).await?;
        Ok(Response::new(Box::pin(events)))
    }

    async fn supplement(
        &self,
        request: Request<SupplementRequest>,
    ) -> Result<Response<SupplementResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { supplement::supplement(&gateway, &caller, message).await }).await
    }

    async fn withdraw(
        &self,
        request: Request<WithdrawRequest>,
    ) -> Result<Response<WithdrawResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { withdraw::withdraw(&gateway, &caller, message).await }).await
    }

    async fn report_event(
        &self,
        request: Request<ReportEventRequest>,
    ) -> Result<Response<ReportEventResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { report::event(&gateway, &caller, message).await }).await
    }

    async fn share_information(
        &self,
        request: Request<ShareInformationRequest>,
    ) -> Result<Response<ShareInformationResponse>, Status> {
        let marked = marked(&request);
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { share::information(&gateway, &caller, message, marked).await }).await
    }
}

/// What the call said of itself before it was read.
pub(super) fn marked<T>(request: &Request<T>) -> Marked {
    request.extensions().get().copied().unwrap_or_default()
}
