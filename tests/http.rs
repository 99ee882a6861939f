//! What the gateway serves over plain HTTP, as others fetch it, and what it does not.

use std::{fs, net::SocketAddr, path::Path};

use comity_ledger::{Checkpoint, VerifierKey};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{body::Body, client::GrpcService as _, codegen::http};

use crate::{
    cli::{comity, shown},
    world::{Scene, approvable, eventually},
};

/// Head and body of the answer to a request.
pub(crate) async fn ask(address: SocketAddr, method: &str, path: &str) -> (String, Vec<u8>) {
    let request =
        format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    exchange(address, request.as_bytes()).await
}

async fn exchange(address: SocketAddr, request: &[u8]) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let body = answer.split_off(end.unwrap() + 4);
    (String::from_utf8(answer).unwrap(), body)
}

/// Head and body of the answer to what is posted.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &[u8]) -> (String, Vec<u8>) {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-length: {length}\r\n\r\n"
    );
    exchange(address, &[head.as_bytes(), body].concat()).await
}

/// Fetches a file of the ledger into a folder.
async fn fetch(address: SocketAddr, path: &str, into: &Path) -> Vec<u8> {
    let (head, body) = ask(address, "GET", &format!("/{path}")).await;
    assert!(head.starts_with("HTTP/1.1 200"), "{path}: {head}");
    let target = into.join(path);
    fs::create_dir_all(target.parent().unwrap()).unwrap();
    fs::write(target, &body).unwrap();
    body
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_is_fetched_and_verified_by_who_has_no_copy() {
    let scene = Scene::start_with(&["DE", "FR"], |config| {
        config.log = Some("127.0.0.1:0".parse().unwrap());
    })
    .await;
    scene.tell(&approvable("http")).await;
    let address = scene.running.log_address().unwrap();
    let copy = tempfile::tempdir().unwrap();
    let key = fetch(address, "verifier", copy.path()).await;
    let key: VerifierKey = String::from_utf8(key).unwrap().trim().parse().unwrap();
    // The start, the decision and the answer at least.
    let size = eventually("the answer is published", async || {
        let note = fetch(address, "checkpoint", copy.path()).await;
        let size = Checkpoint::open(&note, &key).unwrap().size;
        (size > 2).then_some(size)
    })
    .await;
    let kept = format!("checkpoints/{size}");
    // A checkpoint is there before its kept copy.
    eventually("the copy is kept", async || {
        let (head, _) = ask(address, "GET", &format!("/{kept}")).await;
        head.starts_with("HTTP/1.1 200").then_some(())
    })
    .await;
    for path in [
        kept,
        format!("tile/0/000.p/{size}"),
        format!("tile/entries/000.p/{size}"),
    ] {
        fetch(address, &path, copy.path()).await;
    }
    let folder = copy.path().to_str().unwrap();
    let verified = comity(["audit", "verify", folder]);
    assert!(verified.status.success(), "{}", shown(&verified));

    let (head, _) = ask(address, "GET", "/checkpoint").await;
    assert!(head.contains("content-type: text/plain"), "{head}");
    assert!(head.contains("cache-control: no-cache"), "{head}");
    let (head, body) = ask(address, "HEAD", &format!("/tile/0/000.p/{size}")).await;
    assert!(head.contains("immutable") && body.is_empty(), "{head}");
    for path in [
        "/",
        "/../ledger.key",
        "//checkpoint",
        "/checkpoints/../../ledger.key",
        "/tile/0/%2e%2e/000",
    ] {
        let (head, body) = ask(address, "GET", path).await;
        assert!(
            head.starts_with("HTTP/1.1 404") && body.is_empty(),
            "{path}: {head}"
        );
    }
    let (head, _) = ask(address, "POST", "/checkpoint").await;
    assert!(head.starts_with("HTTP/1.1 405"), "{head}");
}

/// A page in a browser may send these with the certificate of whoever looks at it.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_grpc_call_reaches_no_method_and_leaves_no_entry() {
    let scene = Scene::start(&["DE"]).await;
    let mut channel = scene.connect("DE", "sta-berlin", "reviewer").await;
    for (method, kind, refused) in [
        ("POST", "text/plain", 415),
        ("POST", "application/x-www-form-urlencoded", 415),
        ("GET", "application/grpc", 405),
    ] {
        let request = http::Request::builder()
            .method(method)
            .uri("/comity.v1.ReviewService/Decide")
            .header("content-type", kind)
            .body(Body::empty())
            .unwrap();
        let ready = std::future::poll_fn(|cx| channel.poll_ready(cx));
        ready.await.unwrap();
        let answer = channel.call(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), refused, "{method} {kind}");
    }
    for kind in ["malformed", "unauthorised"] {
        assert!(scene.entries(&format!("kind={kind}")).await.is_empty());
    }
    scene.stop().await;
}
