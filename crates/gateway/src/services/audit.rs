//! For auditors: every read has a purpose and is itself recorded.

use comity::v1::{
    AssessEmergencyRequest, AssessEmergencyResponse, ExportCaseRequest, ExportCaseResponse,
    GetCheckpointRequest, GetCheckpointResponse, GetRecordRequest, GetRecordResponse,
    ListEmergenciesRequest, ListEmergenciesResponse, ProveRequest, ProveResponse, SearchRequest,
    SearchResponse, StatisticsRequest, StatisticsResponse, audit_service_server::AuditService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{audit, gateway::Gateway, trickle::Stream};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Audit(pub(super) Gateway);

#[tonic::async_trait]
impl AuditService for Audit {
    async fn search(
        &self,
        request: Request<SearchRequest>,
    ) -> Result<Response<SearchResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::search(&gateway, &caller, message).await }).await
    }

    async fn get_record(
        &self,
        request: Request<GetRecordRequest>,
    ) -> Result<Response<GetRecordResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::get_record(&gateway, &caller, message).await }).await
    }

    async fn prove(
        &self,
        request: Request<ProveRequest>,
    ) -> Result<Response<ProveResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::prove(&gateway, &caller, message).await }).await
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::checkpoint(&gateway).await }).await
    }

    type ExportCaseStream = Stream<ExportCaseResponse>;

    async fn export_case(
        &self,
        request: Request<ExportCaseRequest>,
    ) -> Result<Response<Self::ExportCaseStream>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::export_case(&gateway, &caller, message).await }).await
    }

    async fn statistics(
        &self,
        request: Request<StatisticsRequest>,
    ) -> Result<Response<StatisticsResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::statistics(&gateway, &caller, message).await }).await
    }

    async fn list_emergencies(
        &self,
        request: Request<ListEmergenciesRequest>,
    ) -> Result<Response<ListEmergenciesResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::list_emergencies(&gateway, &caller, message).await }).await
    }

    async fn assess_emergency(
        &self,
        request: Request<AssessEmergencyRequest>,
    ) -> Result<Response<AssessEmergencyResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { audit::assess_emergency(&gateway, &caller, message).await }).await
    }
}
