//! What whoever connects a national system goes by: sizes, compression, time allowed, and
//! that nothing that was meant is passed over in silence.

use std::sync::{Arc, Mutex};

use comity::v1::{
    self, CaseState,
    national_backend_service_server::{NationalBackendService as _, NationalBackendServiceServer},
};
use comity_gateway::{
    config::{Config, EXAMPLE},
    wire::{json, structure, to_proto},
};
use comity_sandbox::backend::Backend;
use jiff::Timestamp;
use prost::Message as _;
use serde_json::json;
use tonic::{Code, Request, Response, Status, codec::CompressionEncoding};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::{
    cli::comity,
    world::{
        Cooperation, Delivers, Scene, Served, approvable, eventually, get, on_shared, reason,
        submit, violations,
    },
};

/// What `limits.max_message_bytes` is by itself.
const MESSAGE_BYTES: usize = 4 << 20;

#[test]
fn lists_leave_out_what_was_answered() {
    on_shared(async |scene| {
        let story = approvable("listed");
        let case = scene.tell(&story).await;
        assert!(case.result.unwrap().data.is_some());
        let mut client = scene.issuing(story.jurisdiction, story.authority).await;
        let page = client.list_cases(v1::ListCasesRequest::default()).await;
        let cases = page.unwrap().into_inner().cases;
        let listed = cases.iter().find(|one| one.name == case.name).unwrap();
        let result = listed.result.as_ref().unwrap();
        assert_eq!(result.kind(), v1::ResultKind::Complete);
        assert_eq!((&result.data, &listed.request), (&None, &None));
        let read = get(&mut client, &case.name).await.unwrap();
        assert!(read.result.unwrap().data.is_some());
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn the_largest_request_is_delivered_and_read() {
    let scene = Scene::start(&["DE", "GB"]).await;
    let channel = scene.connect("GB", "nca", "issuing").await;
    let client = Cooperation::new(channel);
    let mut client = client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX);
    let message = json!({
        "request_id": "largest",
        "sender": {"jurisdiction": "GB", "authority": "nca"},
        "recipient": {"jurisdiction": "DE", "authority": "bfj"},
        "instrument": "ets-30",
        "language": "de",
        "offences": [{"provision": "Fraud Act 2006 s 1", "category": "D20"}],
        "purpose": "to open proceedings in Germany",
        "wait": "20s",
    });
    let message = v1::ShareInformationRequest {
        issued_at: Some(to_proto::timestamp(Timestamp::now())),
        ..json::parse(&message.to_string()).unwrap()
    };
    let of_bytes = |bytes: usize| {
        let information = json!({"notes": "x".repeat(bytes)});
        v1::ShareInformationRequest {
            information: Some(structure::from_json(information.as_object().unwrap())),
            ..message.clone()
        }
    };
    let around = of_bytes(MESSAGE_BYTES).encoded_len() - MESSAGE_BYTES;
    let status = client
        .share_information(of_bytes(MESSAGE_BYTES - around + 1))
        .await;
    assert_eq!(reason(&status.unwrap_err()), "TOO_LARGE");

    let largest = of_bytes(MESSAGE_BYTES - around);
    assert_eq!(largest.encoded_len(), MESSAGE_BYTES);
    let answer = client.share_information(largest).await.unwrap();
    let case = answer.into_inner().case.unwrap();
    assert_eq!(case.state(), CaseState::Acknowledged);
    assert_eq!(scene.backend("DE").effects().unwrap(), 1);
    let read = get(&mut client, &case.name).await.unwrap();
    assert!(read.encoded_len() > MESSAGE_BYTES);
    scene.stop().await;
}

#[test]
fn a_request_does_not_grow_beyond_a_message() {
    on_shared(async |scene| {
        let story = crate::world::story("grown", "House search, form in English only");
        let case = scene.tell(&story).await;
        let channel = scene.connect(story.jurisdiction, story.authority, "issuing");
        let client = Cooperation::new(channel.await);
        let mut client = client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX);
        let padding = json!({"padding": "x".repeat(MESSAGE_BYTES - 8 * 1024)});
        let mut message = v1::SupplementRequest {
            name: case.name.clone(),
            request_id: "grown/1".to_owned(),
            form: Some(structure::from_json(padding.as_object().unwrap())),
            ..v1::SupplementRequest::default()
        };
        client.supplement(message.clone()).await.unwrap();
        message.form = None;
        message.request_id = "grown/2".to_owned();
        message.assurances = story.request.assurances.clone();
        let assurance = |n: i64| v1::Assurance {
            kind: "no-death-penalty".to_owned(),
            text: "x".repeat(4000),
            given_by: format!("ministry {n}"),
            given_at: Some(to_proto::timestamp(Timestamp::now())),
        };
        message.assurances.extend((0..8).map(assurance));
        let status = client.supplement(message).await.unwrap_err();
        assert_eq!(reason(&status), "TOO_LARGE");
        assert!(
            status.message().contains("with what is supplied"),
            "{status:?}"
        );
    });
}

#[test]
fn a_mark_of_urgency_that_is_none_is_refused() {
    on_shared(async |scene| {
        let story = approvable("marked");
        let mut client = scene.issuing("DE", "mark").await;
        let mut message = Request::new(v1::SubmitRequest {
            request: Some(story.request),
            ..v1::SubmitRequest::default()
        });
        let wrong = "emergncy".parse().unwrap();
        message.metadata_mut().insert("comity-urgency", wrong);
        let status = client.submit(message).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        let why = &violations(&status)[""];
        assert!(
            why.contains("`comity-urgency`") && why.contains("`emergency`"),
            "{why}"
        );
        let actor = ("DE", "mark", "issuing");
        scene.assert_recorded(actor, "malformed", "MALFORMED").await;
    });
}

#[test]
fn messages_come_by_gzip_and_not_otherwise_compressed() {
    on_shared(async |scene| {
        let story = approvable("gzip");
        let channel = scene
            .connect(story.jurisdiction, story.authority, "issuing")
            .await;
        let client = Cooperation::new(channel.clone());
        let mut client = client.send_compressed(CompressionEncoding::Gzip);
        let answer = submit(&mut client, &story.request, 20).await.unwrap();
        assert_eq!(answer.case.unwrap().state(), CaseState::Concluded);
        // What is small compressed counts as it is.
        let mut large = approvable("gzip-large").request;
        large.purpose = "x".repeat(MESSAGE_BYTES + 1);
        let status = submit(&mut client, &large, 0).await.unwrap_err();
        assert_eq!(reason(&status), "TOO_LARGE");

        let mut client = scene.issuing("DE", "deflates").await;
        let mut message = Request::new(v1::ListCasesRequest::default());
        let deflate = "deflate".parse().unwrap();
        message.metadata_mut().insert("grpc-encoding", deflate);
        let status = client.list_cases(message).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
        assert_eq!(reason(&status), "COMPRESSED");
        assert!(
            status.message().contains("by gzip or uncompressed"),
            "{status:?}"
        );
        let taken = status.metadata().get("grpc-accept-encoding").unwrap();
        assert_eq!(taken, "gzip,identity");
        let actor = ("DE", "deflates", "issuing");
        scene
            .assert_recorded(actor, "malformed", "COMPRESSED")
            .await;
    });
}

/// A backend that notes how long it is given, and answers in a way of its own.
#[derive(Clone)]
struct Odd {
    backend: Backend,
    given: Arc<Mutex<Vec<String>>>,
}

#[tonic::async_trait]
impl Delivers for Odd {
    fn backend(&self) -> &Backend {
        &self.backend
    }

    async fn deliver(
        &self,
        request: Request<v1::DeliverRequest>,
    ) -> Result<Response<v1::DeliverResponse>, Status> {
        let given = request.metadata().get("grpc-timeout").unwrap();
        self.given
            .lock()
            .unwrap()
            .push(given.to_str().unwrap().to_owned());
        let id = request
            .get_ref()
            .request
            .as_ref()
            .unwrap()
            .request_id
            .clone();
        if id.starts_with("unserved") {
            return Err(Status::unimplemented("no such method"));
        }
        let mut answer = self.backend.deliver(request).await?;
        answer.get_mut().reference = "r".repeat(513);
        Ok(answer)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_may_answer_by_gzip_and_knows_how_long_it_has() {
    let mut odd = None;
    let story = approvable("odd");
    let state = story.request.executing.clone().unwrap().jurisdiction;
    let scene = Scene::start_beside(&["DE", "FR"], &state, |backend| {
        let (backend, given) = (backend.clone(), Arc::default());
        let odd = odd.insert(Odd { backend, given }).clone();
        NationalBackendServiceServer::new(Served(odd)).send_compressed(CompressionEncoding::Gzip)
    })
    .await;
    let case = scene.tell(&story).await;
    assert_eq!(case.state(), CaseState::Concluded);
    assert!(case.result.unwrap().data.is_some());
    assert_eq!(*odd.unwrap().given.lock().unwrap(), ["30000000u"]);
    // A reference that is none is not dropped in silence.
    assert_eq!(case.reference, "");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let read = get(&mut client, &case.name).await.unwrap();
    let note = &read.events.last().unwrap().note;
    assert!(
        note.contains("its reference is longer than 512 bytes"),
        "{note}"
    );

    let story = approvable("unserved");
    let mut health = HealthClient::new(scene.connect("DE", "health", "issuing").await);
    assert_eq!(
        submit(&mut client, &story.request, 0)
            .await
            .unwrap()
            .case
            .unwrap()
            .result,
        None
    );
    let service = format!("comity.backend.{state}");
    eventually("it counts as one that is not well", async || {
        let service = service.clone();
        let told = health.check(HealthCheckRequest { service }).await;
        (told.ok()?.into_inner().status() == ServingStatus::NotServing).then_some(())
    })
    .await;
    let note = eventually("its answer is in the case", async || {
        let name = "state=DELIVERING".to_owned();
        let filter = v1::ListCasesRequest {
            filter: name,
            ..v1::ListCasesRequest::default()
        };
        let page = client.list_cases(filter).await.unwrap().into_inner();
        let read = get(&mut client, &page.cases.first()?.name).await.unwrap();
        Some(read.events.last()?.note.clone())
    })
    .await;
    assert_eq!(
        note,
        "the executing system answered UNIMPLEMENTED; delivery goes on"
    );
    scene.stop().await;
}

#[test]
fn the_command_alone_has_settings_to_begin_with() {
    let output = comity(["serve", "--example"]);
    assert!(output.status.success());
    let printed = String::from_utf8(output.stdout).unwrap();
    assert_eq!(printed, EXAMPLE);
    Config::parse(&printed, "comity.toml".as_ref()).unwrap();
}
