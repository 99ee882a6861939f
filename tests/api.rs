//! The contract as clients meet it: what is served, to whom, and how.

use std::{collections::BTreeMap, fmt::Write as _, fs, io, net::SocketAddr, path::Path};

use comity::v1::{
    self, audit_service_client::AuditServiceClient, conclude_request::Conclusion,
    team_service_client::TeamServiceClient,
};
use comity_gateway::identity::Role;
use comity_ledger::{Checkpoint, Hash, Proof, VerifierKey, verify_proof};
use comity_sandbox::pki::Issued;
use prost::Message as _;
use prost_types::FileDescriptorSet;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore},
};
use tonic::{
    Code, Request, Status,
    client::Grpc,
    codegen::http::uri::PathAndQuery,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_prost::ProstCodec;
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};
use tonic_types::StatusExt as _;

use crate::world::{
    Cooperation, Scene, approvable, eventually, get, on_shared, reason, search, submit, violations,
};

/// Served by national backends, called by the gateway.
const BACKEND: &str = "comity.v1.NationalBackendService";

/// Every method of the contract, `package.Service/Method`.
fn methods() -> Vec<String> {
    let set = FileDescriptorSet::decode(comity::DESCRIPTORS).unwrap();
    let mut methods = Vec::new();
    for file in &set.file {
        for service in &file.service {
            let service_name = format!("{}.{}", file.package(), service.name());
            let names = service
                .method
                .iter()
                .map(prost_types::MethodDescriptorProto::name);
            methods.extend(names.map(|name| format!("{service_name}/{name}")));
        }
    }
    methods
}

/// Calls a method with a message that says nothing.
async fn call(channel: Channel, method: &str) -> Result<(), Status> {
    let mut client = Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| Status::unknown(error.to_string()))?;
    let path = PathAndQuery::try_from(format!("/{method}")).unwrap();
    let codec = ProstCodec::<(), ()>::default();
    let answer = client.server_streaming(Request::new(()), path, codec);
    let mut answers = answer.await?.into_inner();
    answers.message().await.map(drop)
}

#[test]
fn reflection_lists_every_service_of_the_contract() {
    let listed = on_shared(async |scene| {
        let channel = scene.connect("DE", "reflection", "issuing").await;
        let question = ServerReflectionRequest {
            host: String::new(),
            message_request: Some(MessageRequest::ListServices(String::new())),
        };
        let mut client = ServerReflectionClient::new(channel);
        let answers = client.server_reflection_info(tokio_stream::once(question));
        let mut answers = answers.await.unwrap().into_inner();
        let answer = answers.message().await.unwrap().unwrap();
        match answer.message_response.unwrap() {
            MessageResponse::ListServicesResponse(list) => list.service,
            other => panic!("{other:?}"),
        }
    });
    let listed: Vec<_> = listed.into_iter().map(|service| service.name).collect();
    for method in methods() {
        let (service, _) = method.split_once('/').unwrap();
        assert!(listed.iter().any(|name| name == service), "{service}");
    }
    assert!(listed.iter().any(|name| name == "grpc.health.v1.Health"));
}

#[test]
fn the_gateway_says_that_it_serves() {
    on_shared(async |scene| {
        let channel = scene.connect("DE", "health", "issuing").await;
        let question = HealthCheckRequest::default();
        let answer = HealthClient::new(channel).check(question).await.unwrap();
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    });
}

#[test]
fn what_is_not_served_says_so_and_is_listed_in_the_readme() {
    let mut not_served = on_shared(async |scene| {
        let channel = scene.connect("DE", "unimplemented", "issuing").await;
        let mut found = Vec::new();
        for method in methods().into_iter().filter(|m| !m.starts_with(BACKEND)) {
            let Err(status) = call(channel.clone(), &method).await else {
                continue;
            };
            if status.code() == Code::Unimplemented {
                let (_, sentence) = status.message().split_once(": ").unwrap();
                assert!(sentence.contains(' '), "{method}: {}", status.message());
                assert_eq!(reason(&status), "NOT_YET", "{method}");
                found.push(method.trim_start_matches("comity.v1.").to_owned());
            }
        }
        found
    });
    not_served.sort();
    assert_eq!(not_served, listed_in_readme());
}

/// The third column of the README's table of services.
fn listed_in_readme() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let mut listed = Vec::new();
    for row in readme.lines().filter(|line| line.starts_with("| `")) {
        let columns: Vec<_> = row.split('|').map(names).collect();
        let [_, services, _, later, ..] = columns.as_slice() else {
            continue;
        };
        for service in services.iter().filter(|name| name.ends_with("Service")) {
            let prefix = format!("comity.v1.{service}/");
            let all = row.contains("all methods");
            let of_service = methods().into_iter().filter_map(|method| {
                let name = method.strip_prefix(&prefix)?;
                let named = all || later.contains(&name);
                (named && !prefix.starts_with(BACKEND)).then(|| format!("{service}/{name}"))
            });
            listed.extend(of_service);
        }
    }
    listed.sort();
    listed
}

/// What stands in backticks.
fn names(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn nobody_gets_in_without_a_certificate() {
    on_shared(async |scene| {
        let tls = ClientTlsConfig::new()
            .ca_certificate(Certificate::from_pem(scene.world.pki().ca()))
            .domain_name("localhost");
        let endpoint = Endpoint::from_shared(format!("https://{}", scene.address())).unwrap();
        let channel = endpoint.tls_config(tls).unwrap().connect_lazy();
        for method in methods() {
            let status = call(channel.clone(), &method).await.unwrap_err();
            let details = status.get_error_details();
            assert!(
                details.error_info().is_none(),
                "{method}: answered {status:?}"
            );
        }
    });
}

/// Which role meets what with a message that says nothing: a refusal by role
/// comes before anything else is looked at.
#[test]
fn each_role_is_let_into_its_own_calls_only() {
    let table = on_shared(async |scene| {
        let mut channels = Vec::new();
        for role in Role::ALL {
            let channel = scene.connect("DE", "sta-berlin", role.as_str()).await;
            channels.push((role, channel));
        }
        let mut table = String::new();
        for method in methods().into_iter().filter(|m| !m.starts_with(BACKEND)) {
            let mut roles: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for (role, channel) in &channels {
                let code = match call(channel.clone(), &method).await {
                    Ok(()) => Code::Ok,
                    Err(status) => status.code(),
                };
                roles
                    .entry(format!("{code:?}"))
                    .or_default()
                    .push(role.as_str());
            }
            writeln!(table, "{}", method.trim_start_matches("comity.v1.")).unwrap();
            for (code, roles) in roles {
                writeln!(table, "  {code}: {}", roles.join(" ")).unwrap();
            }
        }
        table
    });
    insta::assert_snapshot!(table);
}

#[test]
fn a_browser_calls_over_http_1() {
    on_shared(async |scene| {
        let mut stream = plain_tls(scene).await;
        let body = web_frame(&v1::ListModulesRequest::default().encode_to_vec());
        let head = format!(
            "POST /comity.v1.PolicyService/ListModules HTTP/1.1\r\nhost: localhost\r\n\
             content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\nconnection: close\r\n\
             content-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&body).await.unwrap();
        let mut answer = Vec::new();
        // A peer that closes without a farewell is no fault of the answer.
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(answer.contains("application/grpc-web"), "{answer}");
        assert!(answer.contains("grpc-status:0"), "{answer}");
        assert!(answer.contains("instrument/eio"), "{answer}");
    });
}

/// A message as gRPC-Web frames it.
fn web_frame(message: &[u8]) -> Vec<u8> {
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    [&[0], length.as_slice(), message].concat()
}

/// A TLS connection that speaks HTTP/1.1, as a browser's would.
async fn plain_tls(scene: &Scene) -> TlsStream<TcpStream> {
    let issued = scene.world.issue("DE", "browser", "issuing", &[]).unwrap();
    let connected = tls(scene.address(), &issued, "http/1.1").await;
    connected.unwrap()
}

/// A TLS connection to a server called `localhost`.
pub(crate) async fn tls(
    address: SocketAddr,
    issued: &Issued,
    protocol: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(issued.ca.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = tokio_rustls::rustls::crypto::ring::default_provider();
    let mut config = ClientConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap()],
            PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap(),
        )
        .unwrap();
    config.alpn_protocols = vec![protocol.into()];
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let connector = TlsConnector::from(std::sync::Arc::new(config));
    connector.connect(name, stream).await
}

#[tokio::test(flavor = "multi_thread")]
async fn cases_are_listed_newest_first_page_by_page() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("pages");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let mut names = Vec::new();
    for n in 0..5 {
        let mut request = story.request.clone();
        request.request_id = format!("pages/{n}");
        let answer = submit(&mut client, &request, 30).await.unwrap();
        names.push(answer.case.unwrap().name);
    }
    names.reverse();

    let mut message = v1::ListCasesRequest {
        page_size: 2,
        ..Default::default()
    };
    let mut listed = Vec::new();
    loop {
        let page = client
            .list_cases(message.clone())
            .await
            .unwrap()
            .into_inner();
        assert!(page.cases.len() <= 2);
        listed.extend(page.cases.into_iter().map(|case| case.name));
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(listed, names);
    // A page of one list is no page of another.
    message.page_size = 2;
    let page = client.list_cases(message.clone()).await.unwrap();
    let page_token = page.into_inner().next_page_token;
    let other = v1::ListCasesRequest {
        filter: "state=CONCLUDED".to_owned(),
        page_token: page_token.clone(),
        ..message.clone()
    };
    let status = client.list_cases(other).await.unwrap_err();
    assert!(violations(&status).contains_key("page_token"), "{status:?}");
    let mut teams = TeamServiceClient::new(
        scene
            .connect(story.jurisdiction, story.authority, "issuing")
            .await,
    );
    let foreign = v1::ListTeamsRequest {
        page_token,
        ..v1::ListTeamsRequest::default()
    };
    let status = teams.list_teams(foreign).await.unwrap_err();
    assert!(violations(&status).contains_key("page_token"), "{status:?}");
    message.page_token.clear();

    let filtered = |filter: &str| v1::ListCasesRequest {
        filter: filter.to_owned(),
        ..Default::default()
    };
    for (filter, count) in [
        ("state=CONCLUDED AND executing=DE", 5),
        ("state=REFUSED", 0),
        ("executing=FR", 0),
        ("instrument=eio", 5),
    ] {
        let page = client
            .list_cases(filtered(filter))
            .await
            .unwrap()
            .into_inner();
        assert_eq!(page.cases.len(), count, "{filter}");
    }
    // The executing side sees what its own State is asked.
    let mut executing = Cooperation::new(scene.connect("DE", "sta-berlin", "executing").await);
    for (filter, count) in [("executing=DE", 5), ("", 5), ("executing=FR", 0)] {
        let page = executing.list_cases(filtered(filter)).await.unwrap();
        assert_eq!(page.into_inner().cases.len(), count, "{filter}");
    }
    let wrong = client.list_cases(filtered("name=x")).await.unwrap_err();
    assert_eq!(wrong.code(), Code::InvalidArgument);
    let mut other = scene.issuing("FR", "tj-paris-ji").await;
    let page = other.list_cases(filtered("")).await.unwrap().into_inner();
    assert!(page.cases.is_empty(), "another authority's cases");
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn large_answers_do_not_end_a_page_as_lists_are_without() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("large");
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let mut executing = scene.executing("FR", "tj-paris-ji").await;
    let mut names = Vec::new();
    for n in 0..5 {
        let mut request = story.request.clone();
        request.request_id = format!("large/{n}");
        let answer = submit(&mut client, &request, 30).await.unwrap();
        let name = answer.case.unwrap().name;
        let found = prost_types::Value::from("x".repeat(3 << 19));
        let data = [("found".to_owned(), found)].into();
        let conclude = v1::ConcludeRequest {
            name: name.clone(),
            conclusion: Some(Conclusion::Result(v1::Result {
                kind: v1::ResultKind::Complete.into(),
                data: Some(prost_types::Struct { fields: data }),
                ..v1::Result::default()
            })),
            form: None,
            request_id: String::new(),
        };
        executing.conclude(conclude).await.unwrap();
        names.push(name);
    }
    names.reverse();
    let mut message = v1::ListCasesRequest::default();
    let mut pages = Vec::new();
    loop {
        let page = client.list_cases(message.clone()).await.unwrap();
        let page = page.into_inner();
        pages.push(
            page.cases
                .into_iter()
                .map(|case| case.name)
                .collect::<Vec<_>>(),
        );
        message.page_token = page.next_page_token;
        if message.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(pages.concat(), names);
    assert_eq!(pages.len(), 1);
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_sees_every_event_in_order_until_the_end() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("watch");
    let backend = scene.backend("DE");
    backend.set_up(false);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut client, &story.request, 0).await.unwrap();
    let name = answer.case.unwrap().name;
    let from = |after_sequence| v1::WatchCaseRequest {
        name: name.clone(),
        after_sequence,
    };

    let mut stream = client.watch_case(from(0)).await.unwrap().into_inner();
    let mut seen = Vec::new();
    for _ in 0..2 {
        seen.push(stream.message().await.unwrap().unwrap().event.unwrap());
    }
    backend.set_up(true);
    // From here on by itself: the stream ends with the case.
    while let Some(answer) = stream.message().await.unwrap() {
        seen.push(answer.event.unwrap());
    }
    let kinds: Vec<_> = seen.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "delivery-postponed", "concluded"]);
    let sequences: Vec<_> = seen.iter().map(|event| event.sequence).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b), "{sequences:?}");
    assert_eq!(get(&mut client, &name).await.unwrap().events, seen);

    let mut resumed = client
        .watch_case(from(sequences[0]))
        .await
        .unwrap()
        .into_inner();
    let mut rest = Vec::new();
    while let Some(answer) = resumed.message().await.unwrap() {
        rest.push(answer.event.unwrap());
    }
    assert_eq!(rest, seen[1..]);
    scene.stop().await;
}

#[test]
fn a_case_is_seen_by_its_parties_only() {
    on_shared(async |scene| {
        let story = approvable("parties");
        let name = scene.tell(&story).await.name;
        for (state, authority, role, sees) in [
            (story.jurisdiction, story.authority, "issuing", true),
            ("DE", "sta-berlin", "executing", true),
            (story.jurisdiction, "tj-paris-ji", "issuing", false),
            ("DE", "sta-berlin", "issuing", false),
            // Another State's; one whose State's directory gives it other work; one that
            // no directory knows.
            ("IE", "ie-central-authority", "executing", false),
            ("DE", "lka-berlin", "executing", false),
            ("DE", "stranger", "executing", false),
            (story.jurisdiction, story.authority, "executing", false),
            ("EU", "auditor", "auditor", false),
        ] {
            let channel = scene.connect(state, authority, role).await;
            let mut client = crate::world::Cooperation::new(channel);
            let found = get(&mut client, &name).await;
            let who = format!("{state} {authority} {role}");
            match found {
                Ok(case) => assert!(sees && case.name == name, "{who} sees it"),
                Err(status) => {
                    assert!(!sees, "{who}: {status:?}");
                    let party = ["issuing", "executing"].contains(&role);
                    let expected = match party {
                        true if authority == "stranger" => "NOT_COMPETENT",
                        true => "NOT_FOUND",
                        false => "PERMISSION_DENIED",
                    };
                    assert_eq!(reason(&status), expected, "{who}");
                }
            }
            if role == "executing" {
                let listed = client.list_cases(v1::ListCasesRequest::default()).await;
                let listed = listed.map_or_else(|_| Vec::new(), |page| page.into_inner().cases);
                let listed = listed.iter().any(|case| case.name == name);
                assert_eq!(listed, sees, "{who} has it in the list");
            }
        }
    });
}

#[test]
fn a_refused_case_is_not_shown_to_the_executing_side() {
    on_shared(async |scene| {
        let story = crate::world::story("unseen", "Account data asked by a tax office");
        let name = scene.tell(&story).await.name;
        let channel = scene.connect("FR", "parquet-paris", "executing").await;
        let mut client = crate::world::Cooperation::new(channel);
        let status = get(&mut client, &name).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn auditors_read_on_record_and_for_a_reason() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = approvable("audit");
    let case = scene.tell(&story).await;
    let index = case.receipt.unwrap().index;
    let mut auditor = scene.auditor().await;
    let record = |purpose: &str| v1::GetRecordRequest {
        index,
        purpose: purpose.to_owned(),
        ..v1::GetRecordRequest::default()
    };

    let status = auditor.get_record(record(" ")).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(violations(&status).contains_key("purpose"));
    let answer = auditor
        .get_record(record("complaint 7"))
        .await
        .unwrap()
        .into_inner();
    let entry = answer.entry.unwrap();
    assert_eq!((entry.index, entry.kind.as_str()), (index, "concluded"));
    let recorded = v1::Case::decode(answer.record).unwrap();
    assert!(recorded.result.is_some_and(|result| result.data.is_some()));
    // What stands in the records before it is not repeated.
    assert_eq!((recorded.request, recorded.decision), (None, None));

    let key: VerifierKey = scene.running.verifier_key().parse().unwrap();
    let receipt = eventually("the entry is published", async || {
        let answer = auditor.prove(v1::ProveRequest { index }).await.unwrap();
        let receipt = answer.into_inner().receipt.unwrap();
        (!receipt.checkpoint.is_empty()).then_some(receipt)
    })
    .await;
    let checkpoint = Checkpoint::open(receipt.checkpoint.as_bytes(), &key).unwrap();
    let hash = |bytes: &[u8]| Hash(bytes.try_into().unwrap());
    let proof = Proof {
        index,
        size: checkpoint.size,
        leaf_hash: hash(&receipt.leaf_hash),
        path: receipt
            .inclusion_path
            .iter()
            .map(|bytes| hash(bytes))
            .collect(),
        checkpoint: receipt.checkpoint.into_bytes(),
    };
    assert_eq!(verify_proof(&proof, &key).unwrap(), checkpoint);
    assert_eq!(proof.leaf_hash, Hash::of_leaf(&entry.leaf));
    let newest = auditor
        .get_checkpoint(v1::GetCheckpointRequest {})
        .await
        .unwrap();
    let newest = Checkpoint::open(newest.into_inner().checkpoint.as_bytes(), &key).unwrap();
    assert!(newest.size >= checkpoint.size);

    let reads = scene.entries("kind=read").await;
    let notes: Vec<_> = reads
        .iter()
        .filter_map(|leaf| leaf.note.as_deref())
        .collect();
    for call in ["get-record", "prove", "search"] {
        assert!(notes.contains(&call), "{call} is not on record: {notes:?}");
    }
    assert!(
        reads
            .iter()
            .all(|leaf| leaf.actor.ends_with("/EU/auditor/auditor"))
    );

    let requester = scene
        .connect(story.jurisdiction, story.authority, "issuing")
        .await;
    let mut requester = AuditServiceClient::new(requester);
    let status = requester.get_record(record("curiosity")).await.unwrap_err();
    assert_eq!(status.code(), Code::PermissionDenied);
    scene.stop().await;
}
