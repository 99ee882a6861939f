//! For the humans who decide what the law leaves to them.

use comity::v1::{
    DecideRequest, DecideResponse, GetTaskRequest, GetTaskResponse, ListTasksRequest,
    ListTasksResponse, review_service_server::ReviewService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{
    gateway::Gateway,
    holder::Holder,
    record,
    review::{self, Reviewer},
};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Review(pub(super) Gateway);

#[tonic::async_trait]
impl ReviewService for Review {
    async fn list_tasks(
        &self,
        request: Request<ListTasksRequest>,
    ) -> Result<Response<ListTasksResponse>, Status> {
        let holder = Holder::of(request.extensions())?;
        let (caller, message) = enter(request)?;
        let reviewer = Reviewer {
            caller: &caller,
            holder: &holder,
        };
        let page = review::list(&self.0, reviewer, message).await;
        let page = record::attempted(&self.0, &caller, page).await?;
        Ok(Response::new(page))
    }

    async fn get_task(
        &self,
        request: Request<GetTaskRequest>,
    ) -> Result<Response<GetTaskResponse>, Status> {
        let holder = Holder::of(request.extensions())?;
        let (caller, message) = enter(request)?;
        let reviewer = Reviewer {
            caller: &caller,
            holder: &holder,
        };
        let task = review::get(&self.0, reviewer, message).await;
        let task = record::attempted(&self.0, &caller, task).await?;
        Ok(Response::new(task))
    }

    async fn decide(
        &self,
        request: Request<DecideRequest>,
    ) -> Result<Response<DecideResponse>, Status> {
        let holder = Holder::of(request.extensions())?;
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move {
            let reviewer = Reviewer {
                caller: &caller,
                holder: &holder,
            };
            review::decide(&gateway, reviewer, message).await
        })
        .await
    }
}
