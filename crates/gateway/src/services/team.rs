//! For the parties to joint investigation teams.

use comity::v1::{
    GetTeamRequest, GetTeamResponse, JoinRequest, JoinResponse, LeaveRequest, LeaveResponse,
    ListSharedRequest, ListSharedResponse, ListTeamsRequest, ListTeamsResponse, ProposeRequest,
    ProposeResponse, ShareRequest, ShareResponse, team_service_server::TeamService,
};
use tonic::{Request, Response, Status};

use super::{cooperation::marked, detached, enter};
use crate::{gateway::Gateway, record, team};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Team(pub(super) Gateway);

#[tonic::async_trait]
impl TeamService for Team {
    async fn propose(
        &self,
        request: Request<ProposeRequest>,
    ) -> Result<Response<ProposeResponse>, Status> {
        let marked = marked(&request);
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { team::propose(&gateway, &caller, message, marked).await }).await
    }

    async fn join(&self, request: Request<JoinRequest>) -> Result<Response<JoinResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { team::join(&gateway, &caller, message).await }).await
    }

    async fn leave(
        &self,
        request: Request<LeaveRequest>,
    ) -> Result<Response<LeaveResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { team::leave(&gateway, &caller, message).await }).await
    }

    async fn get_team(
        &self,
        request: Request<GetTeamRequest>,
    ) -> Result<Response<GetTeamResponse>, Status> {
        let (caller, GetTeamRequest { name }) = enter(request)?;
        let team = team::get(&self.0, &caller, &name).await;
        let team = record::attempted(&self.0, &caller, team).await?;
        Ok(Response::new(GetTeamResponse { team: Some(team) }))
    }

    async fn list_teams(
        &self,
        request: Request<ListTeamsRequest>,
    ) -> Result<Response<ListTeamsResponse>, Status> {
        let (caller, message) = enter(request)?;
        let page = team::list_teams(&self.0, &caller, message).await;
        let page = record::attempted(&self.0, &caller, page).await?;
        Ok(Response::new(page))
    }

    async fn share(
        &self,
        request: Request<ShareRequest>,
    ) -> Result<Response<ShareResponse>, Status> {
        let marked = marked(&request);
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { team::share(&gateway, &caller, message, marked).await }).await
    }

    async fn list_shared(
        &self,
        request: Request<ListSharedRequest>,
    ) -> Result<Response<ListSharedResponse>, Status> {
        let (caller, message) = enter(request)?;
        let page = team::list_shared(&self.0, &caller, message).await;
        let page = record::attempted(&self.0, &caller, page).await?;
        Ok(Response::new(page))
    }
}
