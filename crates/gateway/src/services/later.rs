//! Services whose methods are declared and documented but not served yet: each
//! answers `UNIMPLEMENTED` with a sentence that says what to do meanwhile.

use std::result::Result;

use comity::v1::{self, *};
use tonic::{Request, Response, Status, Streaming};

use super::enter;
use crate::refusal::Refusal;

/// A service that is not served yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later;

const EVIDENCE: &str = "evidence streams are not served yet: send small items in the result";
const TEAM: &str = "joint investigation teams are not served yet: request each item as a case";
const FEDERATION: &str = "peer gateways are not served yet: host the jurisdictions on one gateway";

type NoStream<T> = tokio_stream::Empty<Result<T, Status>>;

#[tonic::async_trait]
impl v1::evidence_service_server::EvidenceService for Later {
    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(EVIDENCE).into())
    }

    type DownloadStream = NoStream<DownloadResponse>;

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(EVIDENCE).into())
    }
}

#[tonic::async_trait]
impl v1::team_service_server::TeamService for Later {
    async fn propose(
        &self,
        request: Request<ProposeRequest>,
    ) -> Result<Response<ProposeResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(TEAM).into())
    }

    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(TEAM).into())
    }

    async fn leave(
        &self,
        request: Request<LeaveRequest>,
    ) -> Result<Response<LeaveResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(TEAM).into())
    }

    async fn share(
        &self,
        request: Request<ShareRequest>,
    ) -> Result<Response<ShareResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(TEAM).into())
    }

    async fn list_shared(
        &self,
        request: Request<ListSharedRequest>,
    ) -> Result<Response<ListSharedResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(TEAM).into())
    }
}

#[tonic::async_trait]
impl v1::federation_service_server::FederationService for Later {
    async fn relay(
        &self,
        request: Request<RelayRequest>,
    ) -> Result<Response<RelayResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(FEDERATION).into())
    }

    async fn r#return(
        &self,
        request: Request<ReturnRequest>,
    ) -> Result<Response<ReturnResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(FEDERATION).into())
    }

    async fn cosign(
        &self,
        request: Request<CosignRequest>,
    ) -> Result<Response<CosignResponse>, Status> {
        enter(request)?;
        Err(Refusal::NotYet(FEDERATION).into())
    }
}
