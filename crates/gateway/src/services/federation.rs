//! For peer gateways: they cosign each other's ledgers. Requests are not handed over
//! between gateways yet.

use comity::v1::{
    CosignRequest, CosignResponse, RelayRequest, RelayResponse, ReturnRequest, ReturnResponse,
    federation_service_server::FederationService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{gateway::Gateway, record, refusal::Refusal, witness};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Federation(pub(super) Gateway);

const LATER: &str =
    "requests are not handed over between gateways yet: host the jurisdictions on one gateway";

#[tonic::async_trait]
impl FederationService for Federation {
    async fn relay(
        &self,
        request: Request<RelayRequest>,
    ) -> Result<Response<RelayResponse>, Status> {
        let (caller, _) = enter(request)?;
        let refusal = record::attempt(&self.0, Some(&caller), Refusal::NotYet(LATER)).await;
        Err(refusal.into())
    }

    async fn r#return(
        &self,
        request: Request<ReturnRequest>,
    ) -> Result<Response<ReturnResponse>, Status> {
        let (caller, _) = enter(request)?;
        let refusal = record::attempt(&self.0, Some(&caller), Refusal::NotYet(LATER)).await;
        Err(refusal.into())
    }

    async fn cosign(
        &self,
        request: Request<CosignRequest>,
    ) -> Result<Response<CosignResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { witness::cosign(&gateway, &caller, message).await }).await
    }
}
