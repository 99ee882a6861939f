//! The gRPC services: each method enters, hands over to a stage, and leaves.

mod atlas;
mod audit;
mod cooperation;
mod evidence;
mod execution;
mod federation;
mod policy;
mod review;
pub(crate) mod submit;
mod team;

use std::{future::Future, sync::Arc};

use comity::v1::{
    atlas_service_server::{self, AtlasServiceServer},
    audit_service_server::{self, AuditServiceServer},
    cooperation_service_server::{self, CooperationServiceServer},
    evidence_service_server::{self, EvidenceServiceServer},
    execution_service_server::{self, ExecutionServiceServer},
    federation_service_server::{self, FederationServiceServer},
    policy_service_server::{self, PolicyServiceServer},
    review_service_server::{self, ReviewServiceServer},
    team_service_server::{self, TeamServiceServer},
};
use tonic::{Request, Status, codec::CompressionEncoding, service::Routes};

use crate::{
    gateway::Gateway,
    identity::{self, Caller},
    observe::Seen,
    places::Place,
    refusal::Refusal,
};

/// Names of the services, by which health answers.
pub(crate) const NAMES: [&str; 9] = [
    cooperation_service_server::SERVICE_NAME,
    execution_service_server::SERVICE_NAME,
    audit_service_server::SERVICE_NAME,
    policy_service_server::SERVICE_NAME,
    evidence_service_server::SERVICE_NAME,
    review_service_server::SERVICE_NAME,
    team_service_server::SERVICE_NAME,
    atlas_service_server::SERVICE_NAME,
    federation_service_server::SERVICE_NAME,
];

/// Every service of the contract that a gateway serves.
pub(crate) fn routes(gateway: &Gateway, max_message_bytes: usize) -> Routes {
    macro_rules! serve {
        ($routes:expr, $($server:ident($service:expr)),* $(,)?) => {
            $routes$(.add_service(
                $server::new($service)
                    .max_decoding_message_size(max_message_bytes)
                    .accept_compressed(CompressionEncoding::Gzip),
            ))*
        };
    }
    let cooperation = cooperation::Cooperation(gateway.clone());
    let with_submit = submit::WithSubmit {
        service: CooperationServiceServer::new(cooperation.clone())
            .max_decoding_message_size(max_message_bytes)
            .accept_compressed(CompressionEncoding::Gzip),
        cooperation,
        max_message_bytes,
    };
    let evidence = EvidenceServiceServer::new(evidence::Evidence(gateway.clone()))
        .max_decoding_message_size(evidence::MESSAGE_BYTES_MAX)
        .accept_compressed(CompressionEncoding::Gzip);
    serve!(
        Routes::default()
            .add_service(with_submit)
            .add_service(evidence),
        ExecutionServiceServer(execution::Execution(gateway.clone())),
        AuditServiceServer(audit::Audit(gateway.clone())),
        PolicyServiceServer(policy::Policy(gateway.clone())),
        ReviewServiceServer(review::Review(gateway.clone())),
        TeamServiceServer(team::Team(gateway.clone())),
        AtlasServiceServer(atlas::Atlas(gateway.clone())),
        FederationServiceServer(federation::Federation(gateway.clone())),
    )
}

/// Takes a decoded request into a method: who calls, and with what.
fn enter<T>(request: Request<T>) -> Result<(Arc<Caller>, T), Status> {
    let caller = identity::caller(request.extensions())?;
    if let Some(seen) = request.extensions().get::<Seen>() {
        seen.mark();
    }
    Ok((caller, request.into_inner()))
}

/// Runs work that must reach its end although the client may leave.
///
/// The handler's future is dropped when the client hangs up; a spawned task is
/// not, so that no record is left open and no upstream call is reset. It keeps
/// the call's place until it has ended.
async fn detached<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<tonic::Response<T>, Status> {
    match tokio::spawn(Place::keep(work)).await {
        Ok(done) => Ok(tonic::Response::new(done?)),
        Err(panic) => Err(Refusal::Internal(Box::new(panic)).into()),
    }
}
