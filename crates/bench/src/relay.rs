//! A relay of the gateway's own stack that decides nothing: it reads each request, makes it
//! durable, calls the backend, makes the answer durable, and answers. What the gateway costs
//! above it is what it is there for; no gateway on this stack costs less.

use std::{net::SocketAddr, path::Path};

use comity::v1::{
    SubmitRequest, SubmitResponse, cooperation_service_client::CooperationServiceClient,
    cooperation_service_server::CooperationServiceServer,
};
use prost::Message as _;
use tonic::{
    Status,
    transport::{Channel, Endpoint, Server},
};

use crate::{AnyError, exchange::Exchange, pki::Pki, records::Records};

/// Serves between callers and the backend, with mutual TLS on both sides.
pub(crate) async fn serve(
    listen: SocketAddr,
    backend: SocketAddr,
    pki: &Path,
    folder: &Path,
) -> Result<(), AnyError> {
    let pki = Pki::open(pki);
    let channel = Endpoint::from_shared(format!("https://{backend}"))?
        .tls_config(pki.relay_out()?)?
        .connect_lazy();
    let backend = CooperationServiceClient::new(channel);
    let (records, _writer) = Records::open(folder)?;
    let carry = move |asked| carry(backend.clone(), records.clone(), asked);
    Server::builder()
        .tls_config(pki.relay_in()?)?
        .add_service(CooperationServiceServer::new(Exchange(carry)))
        .serve(listen)
        .await?;
    Ok(())
}

async fn carry(
    mut backend: CooperationServiceClient<Channel>,
    records: Records,
    asked: SubmitRequest,
) -> Result<SubmitResponse, Status> {
    record(&records, asked.encode_to_vec()).await?;
    let answer = backend.submit(asked).await?.into_inner();
    record(&records, answer.encode_to_vec()).await?;
    Ok(answer)
}

async fn record(records: &Records, record: Vec<u8>) -> Result<(), Status> {
    match records.add(record).await {
        true => Ok(()),
        false => Err(Status::unavailable("the record could not be written")),
    }
}
