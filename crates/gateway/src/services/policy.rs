//! For legal teams: the modules in force, and why they decide as they do.

use comity::v1::{
    CompareRequest, CompareResponse, ExplainRequest, ExplainResponse, GetModuleRequest,
    GetModuleResponse, ListModulesRequest, ListModulesResponse, Module,
    policy_service_server::PolicyService,
};
use comity_domain::ModuleId;
use tonic::{Request, Response, Status};

use super::{detached, enter};
use crate::{admit, exchange, gateway::Gateway, record, refusal::Refusal, wire::from_proto};

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Policy(pub(super) Gateway);

#[tonic::async_trait]
impl PolicyService for Policy {
    async fn list_modules(
        &self,
        request: Request<ListModulesRequest>,
    ) -> Result<Response<ListModulesResponse>, Status> {
        let (caller, message) = enter(request)?;
        let page = list(&self.0, message);
        let page = record::attempted(&self.0, &caller, page).await?;
        Ok(Response::new(page))
    }

    async fn get_module(
        &self,
        request: Request<GetModuleRequest>,
    ) -> Result<Response<GetModuleResponse>, Status> {
        let (caller, message) = enter(request)?;
        let module = get(&self.0, message);
        let module = record::attempted(&self.0, &caller, module).await?;
        Ok(Response::new(module))
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

/// The modules in force. They are no secret: any certified caller may read them.
fn list(gateway: &Gateway, message: ListModulesRequest) -> Result<ListModulesResponse, Refusal> {
    let ListModulesRequest {
        page_size,
        page_token,
    } = message;
    let limit = from_proto::page_size(page_size)?;
    let policies = gateway.policies();
    let known = |module: &str| policies.modules().any(|one| one.id.as_str() == module);
    if !page_token.is_empty() && !known(&page_token) {
        let none = "is not one that a page of this list named: begin without it";
        return Err(admit::malformed("page_token", none));
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
    Ok(ListModulesResponse {
        next_page_token: last.map(|module| module.name.clone()).unwrap_or_default(),
        modules,
        bundle_sha256: policies.digest().to_string(),
    })
}

fn get(gateway: &Gateway, message: GetModuleRequest) -> Result<GetModuleResponse, Refusal> {
    let GetModuleRequest { name } = message;
    let policies = gateway.policies();
    let found = policies.modules().find(|module| module.id.as_str() == name);
    let module = found.ok_or_else(|| match name.parse::<ModuleId>() {
        Ok(name) => Refusal::NotFound {
            kind: "module",
            name: name.to_string(),
        },
        // What has not the form of a name may be anything, and is not repeated.
        Err(error) => admit::malformed("name", &error.to_string()),
    })?;
    Ok(GetModuleResponse {
        module: Some(show(&module)),
        text: module.text.to_string(),
    })
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
