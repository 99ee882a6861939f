//! For executing national systems: what became of a delivered request.

use comity::v1::{
    AcknowledgeRequest, AcknowledgeResponse, ConcludeRequest, ConcludeResponse,
    ConfirmObligationRequest, ConfirmObligationResponse, ObjectRequest, ObjectResponse,
    ReportProgressRequest, ReportProgressResponse, execution_service_server::ExecutionService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{execute, gateway::Gateway, refusal::Refusal};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Execution(pub(super) Gateway);

#[tonic::async_trait]
impl ExecutionService for Execution {
    async fn acknowledge(
        &self,
        request: Request<AcknowledgeRequest>,
    ) -> Result<Response<AcknowledgeResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { execute::acknowledge(&gateway, &caller, message).await }).await
    }

    async fn report_progress(
        &self,
        request: Request<ReportProgressRequest>,
    ) -> Result<Response<ReportProgressResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { execute::report_progress(&gateway, &caller, message).await }).await
    }

    async fn conclude(
        &self,
        request: Request<ConcludeRequest>,
    ) -> Result<Response<ConcludeResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { execute::conclude(&gateway, &caller, message).await }).await
    }

    async fn object(
        &self,
        request: Request<ObjectRequest>,
    ) -> Result<Response<ObjectResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(
            "objections of a notified authority are not served yet: conclude the case as not executed, with the ground",
        )
        .into())
    }

    async fn confirm_obligation(
        &self,
        request: Request<ConfirmObligationRequest>,
    ) -> Result<Response<ConfirmObligationResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(
            "confirmations are not served yet: keep your own record that the obligation was met",
        )
        .into())
    }
}
