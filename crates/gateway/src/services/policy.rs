//! For legal teams: the modules in force, and why they decide as they do.

use comity::v1::{
    CompareRequest, CompareResponse, ExplainRequest, ExplainResponse, GetModuleRequest,
    GetModuleResponse, ListModulesRequest, ListModulesResponse, Module,
    policy_service_server::PolicyService,
};
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{admit, exchange, gateway::Gateway, refusal::Refusal, wire::from_proto};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Policy(pub(super) Gateway);

#[tonic::async_trait]
impl PolicyService for Policy {
    async fn list_modules(
        &self,
        request: Request<ListModulesRequest>,
    ) -> Result<Response<ListModulesResponse>, Status> {
        // The law in force is no secret: any certified caller may read it.
        let (
            _,
            ListModulesRequest {
                page_size,
                page_token,
            },
        ) = enter(request)?;
        let limit = from_proto::page_size(page_size).map_err(Refusal::from)?;
        let policies = self.0.policies();
        let known = |module: &str| policies.modules().any(|one| one.id.as_str() == module);
        if !page_token.is_empty() && !known(&page_token) {
            let none = "is not one that a page of this list named: begin without it";
            return Err(admit::malformed("page_token", none).into());
        }
        let mut rest = policies
            .modules()
            .filter(|module| module.id.as_str() > page_token.as_str());
        let modules: Vec<_> = rest
            .by_ref()
            .take(limit)
            .map(|module| show(&module))
            .collect();
        let more = rest.next().is_some();
        let last = modules.last().filter(|_| more);
        Ok(Response::new(ListModulesResponse {
            next_page_token: last.map(|module| module.name.clone()).unwrap_or_default(),
            modules,
            bundle_sha256: policies.digest().to_string(),
        }))
    }

    async fn get_module(
        &self,
        request: Request<GetModuleRequest>,
    ) -> Result<Response<GetModuleResponse>, Status> {
        let (_, GetModuleRequest { name }) = enter(request)?;
        let policies = self.0.policies();
        let found = policies.modules().find(|module| module.id.as_str() == name);
        let Some(module) = found else {
            // A name that is no module's may be anything, and is not repeated.
            return Err(Refusal::NotFound {
                kind: "module",
                name: "of that name".to_owned(),
            }
            .into());
        };
        Ok(Response::new(GetModuleResponse {
            module: Some(show(&module)),
            text: module.text.to_string(),
        }))
    }

    async fn explain(
        &self,
        request: Request<ExplainRequest>,
    ) -> Result<Response<ExplainResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { exchange::explain(&gateway, &caller, message).await }).await
    }

    async fn compare(
        &self,
        request: Request<CompareRequest>,
    ) -> Result<Response<CompareResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { exchange::compare(&gateway, &caller, message).await }).await
    }
}

fn show(module: &comity_policy::ModuleInfo<'_>) -> Module {
    Module {
        name: module.id.to_string(),
        title: module
            .title
            .in_language("en")
            .map_or_else(String::new, |(_, title)| title.to_string()),
        sha256: module.digest.to_string(),
        rules: u32::try_from(module.rules).unwrap_or(u32::MAX),
    }
}
