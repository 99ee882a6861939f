//! Evidence in bulk, for both sides of a case.

use comity::v1::{
    DeleteItemRequest, DeleteItemResponse, DownloadRequest, ListItemsRequest, ListItemsResponse,
    UploadRequest, UploadResponse, evidence_service_server::EvidenceService,
};
use tonic::{Request, Response, Status, Streaming};

use super::{detached, enter};
use crate::{evidence, gateway::Gateway, record};

/// Longest message: a chunk, what describes it, and room to say that it is too long.
pub(super) const MESSAGE_BYTES_MAX: usize = 2 * evidence::CHUNK_BYTES_MAX;

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Evidence(pub(super) Gateway);

#[tonic::async_trait]
impl EvidenceService for Evidence {
    async fn upload(
        &self,
        request: Request<Streaming<UploadRequest>>,
    ) -> Result<Response<UploadResponse>, Status> {
        let (caller, parts) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { evidence::upload(&gateway, &caller, parts).await }).await
    }

    type DownloadStream = evidence::Chunks;

    async fn download(
        &self,
        request: Request<DownloadRequest>,
    ) -> Result<Response<Self::DownloadStream>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { evidence::download(&gateway, &caller, message).await }).await
    }

    async fn list_items(
        &self,
        request: Request<ListItemsRequest>,
    ) -> Result<Response<ListItemsResponse>, Status> {
        let (caller, message) = enter(request)?;
        let listed = evidence::list(&self.0, &caller, message).await;
        let listed = record::attempted(&self.0, &caller, listed).await?;
        Ok(Response::new(listed))
    }

    async fn delete_item(
        &self,
        request: Request<DeleteItemRequest>,
    ) -> Result<Response<DeleteItemResponse>, Status> {
        let (caller, message) = enter(request)?;
        let gateway = self.0.clone();
        detached(async move { evidence::delete(&gateway, &caller, message).await }).await
    }
}
