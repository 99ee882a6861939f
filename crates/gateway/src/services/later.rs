//! Services whose methods are declared and documented but not served yet: each
//! answers `UNIMPLEMENTED` with a sentence that says what to do meanwhile.

use std::result::Result;

use comity::v1::{self, *};
use tonic::{Request, Response, Status};

use super::enter;
use crate::refusal::Refusal;

/// A service that is not served yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Later;

const TEAM: &str = "joint investigation teams are not served yet: request each item as a case";

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
