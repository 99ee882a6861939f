//! An authorizer that lets everything pass: what asking costs by itself.

use std::net::SocketAddr;

use tonic::{Request, Response, Status, transport::Server};

use self::api::{
    CheckRequest, CheckResponse, OkHttpResponse,
    authorization_server::{Authorization, AuthorizationServer},
};
use crate::AnyError;

#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    unreachable_pub,
    reason = "generated"
)]
mod api {
    tonic::include_proto!("envoy.service.auth.v3");
}

/// Serves the authorizer.
pub(crate) async fn serve(listen: SocketAddr) -> Result<(), AnyError> {
    Server::builder()
        .add_service(AuthorizationServer::new(Authorizer))
        .serve(listen)
        .await?;
    Ok(())
}

struct Authorizer;

#[tonic::async_trait]
impl Authorization for Authorizer {
    async fn check(&self, _: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        Ok(Response::new(CheckResponse {
            status: Some(api::Status { code: 0 }),
            ok_response: Some(OkHttpResponse {}),
        }))
    }
}
