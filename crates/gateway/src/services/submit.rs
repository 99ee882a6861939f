//! `Submit` beside the generated service: its answer holds a request, a decision
//! and a result that are encoded already, which the generated code would have
//! to be given taken apart, only to encode them again.

use std::{
    convert::Infallible,
    task::{Context, Poll},
};

use comity::v1::{SubmitRequest, cooperation_service_server::CooperationServiceServer};
use futures::future::BoxFuture;
use tonic::{
    Request, Response, Status,
    body::Body,
    codec::CompressionEncoding,
    codegen::http,
    server::{Grpc, NamedService, UnaryService},
};
use tonic_prost::ProstCodec;
use tower::Service;

use super::cooperation::Cooperation;
use crate::wire::encoded;

/// The method's path.
pub(crate) const SUBMIT: &str = "/comity.v1.CooperationService/Submit";

/// The generated service, and `Submit` before it.
#[derive(Debug, Clone)]
pub(super) struct WithSubmit {
    pub(super) service: CooperationServiceServer<Cooperation>,
    pub(super) cooperation: Cooperation,
    pub(super) max_message_bytes: usize,
}

impl NamedService for WithSubmit {
    const NAME: &'static str = CooperationServiceServer::<Cooperation>::NAME;
}

impl Service<http::Request<Body>> for WithSubmit {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.service, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != SUBMIT {
            return self.service.call(request);
        }
        let submit = Submit(self.cooperation.clone());
        let max_message_bytes = self.max_message_bytes;
        Box::pin(async move {
            let codec = ProstCodec::<encoded::SubmitResponse, SubmitRequest>::default();
            let mut grpc = Grpc::new(codec)
                .max_decoding_message_size(max_message_bytes)
                .accept_compressed(CompressionEncoding::Gzip);
            Ok(grpc.unary(submit, request).await)
        })
    }
}

/// The one method.
struct Submit(Cooperation);

impl UnaryService<SubmitRequest> for Submit {
    type Response = encoded::SubmitResponse;
    type Future = BoxFuture<'static, Result<Response<Self::Response>, Status>>;

    fn call(&mut self, request: Request<SubmitRequest>) -> Self::Future {
        Box::pin(self.0.clone().submit_encoded(request))
    }
}
