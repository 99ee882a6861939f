//! For executing national systems: what became of a delivered request.

use comity::v1::{
    AcknowledgeRequest, AcknowledgeResponse, ConcludeRequest, ConcludeResponse,
    ConfirmObligationRequest, ConfirmObligationResponse, ObjectRequest, ObjectResponse,
    ReportProgressRequest, ReportProgressResponse, execution_service_server::ExecutionService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{confirm, execute, gateway::Gateway, object};

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
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { object::object(&gateway, &caller, message).await }).await
    }

    async fn confirm_obligation(
        &self,
        request: Request<ConfirmObligationRequest>,
    ) -> Result<Response<ConfirmObligationResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { confirm::obligation(&gateway, &caller, message).await }).await
    }
}
