//! An authority's system that does not give up.

use std::{error::Error as _, net::SocketAddr, time::Duration};

use comity::v1::{
    Case, CooperationRequest, GetCaseRequest, SubmitRequest, SubmitResponse,
    cooperation_service_client::CooperationServiceClient,
};
use comity_gateway::wire::to_proto;
use comity_sandbox::{
    pki::Issued,
    stories::{self, Story},
    world::{self, World},
};
use jiff::Timestamp;
use tonic::{Code, Status, transport::Channel};

/// Pause before a call is repeated.
const PAUSE: Duration = Duration::from_millis(20);
/// Longest wait for an answer to a submission, seconds.
const WAIT_SECONDS: i64 = 30;

/// A connection that comes back with the gateway.
#[derive(Debug, Clone)]
pub(super) struct Client(CooperationServiceClient<Channel>);

impl Client {
    /// Connects as soon as the gateway can be reached.
    pub(super) async fn join(gateway: SocketAddr, issued: &Issued) -> Self {
        loop {
            match world::connect(gateway, issued).await {
                Ok(channel) => return Self(CooperationServiceClient::new(channel)),
                Err(_) => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Connects as the authority of a story.
    pub(super) async fn of(world: &World, gateway: SocketAddr, story: &Story) -> Self {
        let issued = world.issue(story.jurisdiction, story.authority, "issuing", &[]);
        Self::join(gateway, &issued.unwrap()).await
    }

    /// Submits once.
    pub(super) async fn try_submit(
        &mut self,
        request: &CooperationRequest,
        wait: bool,
    ) -> Result<SubmitResponse, Status> {
        let message = SubmitRequest {
            request: Some(request.clone()),
            wait: wait.then_some(prost_types::Duration {
                seconds: WAIT_SECONDS,
                nanos: 0,
            }),
            text_language: "en".to_owned(),
        };
        self.0
            .submit(message)
            .await
            .map(tonic::Response::into_inner)
    }

    /// Submits until the gateway says that it has the request.
    pub(super) async fn submit(
        &mut self,
        request: &CooperationRequest,
        wait: bool,
    ) -> SubmitResponse {
        loop {
            match self.try_submit(request, wait).await {
                Ok(answer) => return answer,
                Err(status) => pause_or_fail(&status).await,
            }
        }
    }

    /// Reads a case with its events.
    pub(super) async fn case(&mut self, name: &str) -> Case {
        loop {
            let message = GetCaseRequest {
                name: name.to_owned(),
                text_language: "en".to_owned(),
            };
            match self.0.get_case(message).await {
                Ok(answer) => return answer.into_inner().case.unwrap(),
                Err(status) => pause_or_fail(&status).await,
            }
        }
    }
}

/// The stories by which these tests ask, one approved and one refused.
pub(super) fn approved_and_refused() -> [Story; 2] {
    let stories = stories::all("crash", to_proto::timestamp(Timestamp::now()));
    ["sta-berlin", "fa-berlin"].map(|authority| {
        stories
            .iter()
            .find(|story| {
                story.authority == authority && story.request.measure == "bank.transactions"
            })
            .unwrap()
            .clone()
    })
}

/// A story's request under an id of its own.
pub(super) fn request(story: &Story, id: &str) -> CooperationRequest {
    CooperationRequest {
        request_id: id.to_owned(),
        ..story.request.clone()
    }
}

/// Pauses where a repetition can help: nobody answered, or a gateway that
/// cannot take work now.
async fn pause_or_fail(status: &Status) {
    // What the gateway itself says has no cause on this side.
    let lost = status.source().is_some();
    assert!(lost || status.code() == Code::Unavailable, "{status:?}");
    tokio::time::sleep(PAUSE).await;
}
