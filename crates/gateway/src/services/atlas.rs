//! Which way a request can go, for any certified caller.

use comity::v1::{LookupRequest, LookupResponse, atlas_service_server::AtlasService};
use comity_policy::AtlasQuery;
use tonic::{Request, Response, Status};

use super::enter;
use crate::{
    clocks::day,
    gateway::Gateway,
    record,
    refusal::Refusal,
    wire::{Violation, from_proto, to_proto},
};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Atlas(pub(super) Gateway);

#[tonic::async_trait]
impl AtlasService for Atlas {
    async fn lookup(
        &self,
        request: Request<LookupRequest>,
    ) -> Result<Response<LookupResponse>, Status> {
        // The law in force is no secret: any certified caller may ask.
        let (caller, message) = enter(request)?;
        let found = lookup(&self.0, message);
        let found = record::attempted(&self.0, &caller, found).await?;
        Ok(Response::new(found))
    }
}

fn lookup(gateway: &Gateway, message: LookupRequest) -> Result<LookupResponse, Refusal> {
    let today = day(gateway.now());
    let from_proto::Lookup {
        issuing,
        executing,
        measure,
        date,
        offence,
        language,
    } = from_proto::lookup(message, today).map_err(Refusal::Malformed)?;
    let query = AtlasQuery {
        issuing: &issuing,
        executing: &executing,
        measure: &measure,
        offence: offence.as_deref(),
        date,
        language: &language,
    };
    let policies = gateway.policies();
    let found = policies.atlas(&query).map_err(|problems| {
        let violations = problems.into_iter().map(|problem| Violation {
            field: problem.field,
            description: problem.message,
        });
        Refusal::Malformed(violations.collect())
    })?;
    Ok(to_proto::atlas(&found))
}
