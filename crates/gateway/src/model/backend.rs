//! A national backend that keeps the contract and fails as it is told.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use comity::v1::{
    self, CapabilitiesRequest, CapabilitiesResponse, DeliverRequest, DeliverResponse,
    NotifyRequest, NotifyResponse, RecallRequest, RecallResponse,
    national_backend_service_server::{NationalBackendService, NationalBackendServiceServer},
};
use hyper_util::rt::TokioIo;
use prost::Message as _;
use tokio::sync::Notify;
use tonic::{
    Request, Response, Status,
    transport::{Channel, Endpoint, Server},
};
use tower::service_fn;

use crate::wire;

use super::reference::Mode;

/// Bytes on the way between gateway and backend.
const PIPE: usize = 1 << 16;

/// What a backend has taken, case by case.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Deliveries by step: what came, and how it was answered.
    delivered: BTreeMap<(String, u32), ([u8; 32], Mode)>,
    /// The last recall of each case.
    recalled: BTreeMap<String, u32>,
    mode: Mode,
}

#[derive(Debug, Clone, Default)]
pub(super) struct Fake(Arc<Mutex<Taken>>, Arc<Notify>);

impl Fake {
    /// Serves it in this process.
    pub(super) fn serve(&self) -> Channel {
        let service = NationalBackendServiceServer::new(self.clone());
        let connector = service_fn(move |_| {
            let service = service.clone();
            async move {
                let (ours, theirs) = tokio::io::duplex(PIPE);
                let incoming = tokio_stream::once(Ok::<_, std::io::Error>(theirs));
                let server = Server::builder().add_service(service);
                tokio::spawn(server.serve_with_incoming(incoming));
                Ok::<_, std::io::Error>(TokioIo::new(ours))
            }
        });
        Endpoint::from_static("http://backend.example").connect_with_connector_lazy(connector)
    }

    /// How it answers from now on.
    pub(super) fn set(&self, mode: Mode) {
        self.0.lock().unwrap().mode = mode;
    }

    /// Steps of a case that stand: delivered, and not recalled.
    pub(super) fn standing(&self, case: &str) -> Vec<u32> {
        let taken = self.0.lock().unwrap();
        let recalled = taken.recalled.get(case).copied().unwrap_or_default();
        let steps = taken.delivered.keys();
        let steps = steps.filter(|(of, step)| of == case && *step > recalled);
        steps.map(|(_, step)| *step).collect()
    }

    /// Returns once a call has had its effect and waits for whoever died.
    pub(super) async fn cut(&self) {
        self.1.notified().await;
    }

    async fn answer<T>(&self, answer: Result<T, Status>) -> Result<Response<T>, Status> {
        let mode = self.0.lock().unwrap().mode;
        if mode == Mode::Cut {
            self.1.notify_one();
            std::future::pending::<()>().await;
        }
        answer.map(Response::new)
    }

    fn deliver_as(&self, message: &DeliverRequest) -> Result<DeliverResponse, Status> {
        let DeliverRequest {
            case,
            step,
            request,
            ..
        } = message;
        let mut taken = self.0.lock().unwrap();
        let mode = taken.mode;
        if matches!(mode, Mode::Down | Mode::Lost) {
            return Err(Status::unavailable("down"));
        }
        if taken
            .recalled
            .get(case)
            .is_some_and(|recalled| recalled > step)
        {
            return Err(Status::failed_precondition("recalled before it came"));
        }
        let digest = wire::digest_of(&request.clone().unwrap_or_default().encode_to_vec()).0;
        let key = (case.clone(), *step);
        let before = taken.delivered.get(&key).copied();
        if mode == Mode::Rejected && before.is_none() {
            return Err(Status::invalid_argument("not this"));
        }
        let answer = match before {
            Some((before, answer)) => {
                assert_eq!(before, digest, "{case} step {step} came with two contents");
                answer
            }
            None => {
                taken.delivered.insert(key, (digest, mode));
                mode
            }
        };
        if mode == Mode::Unheard {
            return Err(Status::unavailable("the answer is lost"));
        }
        Ok(DeliverResponse {
            reference: "1".to_owned(),
            result: (answer == Mode::Answered).then(|| v1::Result {
                kind: v1::ResultKind::NothingFound.into(),
                ..v1::Result::default()
            }),
        })
    }

    fn recall_as(&self, message: RecallRequest) -> Result<RecallResponse, Status> {
        let RecallRequest { case, step, .. } = message;
        let mut taken = self.0.lock().unwrap();
        let mode = taken.mode;
        match mode {
            Mode::Down | Mode::Lost => return Err(Status::unavailable("down")),
            Mode::Rejected => return Err(Status::invalid_argument("not this")),
            Mode::Unheard | Mode::Cut | Mode::Acked | Mode::Answered => {}
        }
        let recalled = taken.recalled.entry(case).or_default();
        *recalled = step.max(*recalled);
        if mode == Mode::Unheard {
            return Err(Status::unavailable("the answer is lost"));
        }
        Ok(RecallResponse { recalled_at: None })
    }
}

#[tonic::async_trait]
impl NationalBackendService for Fake {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let answer = self.deliver_as(request.get_ref());
        self.answer(answer).await
    }

    async fn recall(
        &self,
        request: Request<RecallRequest>,
    ) -> Result<Response<RecallResponse>, Status> {
        let answer = self.recall_as(request.into_inner());
        self.answer(answer).await
    }

    async fn notify(&self, _: Request<NotifyRequest>) -> Result<Response<NotifyResponse>, Status> {
        Ok(Response::new(NotifyResponse {}))
    }

    async fn capabilities(
        &self,
        _: Request<CapabilitiesRequest>,
    ) -> Result<Response<CapabilitiesResponse>, Status> {
        Ok(Response::new(CapabilitiesResponse::default()))
    }
}
