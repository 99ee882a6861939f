//! Servers and callers over real sockets, and material that cannot be used.

use tokio::net::TcpListener;
use tonic::{Code, service::InterceptorLayer, transport::Server};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{
    pki::{Pki, fixed},
    *,
};
use crate::{
    config::{self, Backend},
    identity, listen,
};

const GATEWAY: &str = "spiffe://comity.example/DE/hub/gateway";

/// Serves health as the backend of France to callers with a name.
async fn serve(pki: &Pki) -> u16 {
    let backend = pki.material("spiffe://comity.example/FR/mj-paris/backend");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let limits = listen::Limits::from(config::Limits::default());
    let (incoming, _failures) = listen::accept(
        listener,
        fixed(backend),
        "comity.example",
        (limits, listen::Refused::default()),
    );
    let named = InterceptorLayer::new(|request: tonic::Request<()>| {
        identity::caller(request.extensions())?;
        Ok(request)
    });
    let (_, health) = tonic_health::server::health_reporter();
    let server = Server::builder().layer(named).add_service(health);
    tokio::spawn(server.serve_with_incoming(incoming));
    port
}

/// Asks a server for its health, as a certificate for `uri` and expecting
/// the backend of `jurisdiction` under `server_name`.
async fn ask(uri: &str, jurisdiction: &str, server_name: &str) -> Result<(), Code> {
    let pki = Pki::new();
    let configured = Backend {
        jurisdiction: jurisdiction.parse().unwrap(),
        host: "127.0.0.1".to_owned(),
        port: serve(&pki).await,
        server_name: server_name.to_owned(),
        exercise: false,
    };
    let callee = Callee::backend(&configured, "comity.example");
    let line = Line::new(callee, &fixed(pki.material(uri))).unwrap();
    let answer = HealthClient::new(line.channel())
        .check(HealthCheckRequest::default())
        .await;
    answer.map(drop).map_err(|status| status.code())
}

#[tokio::test]
async fn the_backend_that_was_meant_answers() {
    assert_eq!(ask(GATEWAY, "FR", "localhost").await, Ok(()));
}

#[tokio::test]
async fn a_caller_without_a_name_is_refused() {
    let answer = ask("https://comity.example/", "FR", "localhost").await;
    assert_eq!(answer, Err(Code::Unauthenticated));
}

#[tokio::test]
async fn another_states_backend_is_not_called() {
    assert_eq!(
        ask(GATEWAY, "DE", "localhost").await,
        Err(Code::Unavailable)
    );
}

#[tokio::test]
async fn a_server_of_another_name_is_not_called() {
    assert_eq!(
        ask(GATEWAY, "FR", "other.example").await,
        Err(Code::Unavailable)
    );
}

#[test]
fn errors_name_the_file_and_debug_hides_the_key() {
    let pki = Pki::new();
    let folder = tempfile::tempdir().unwrap();
    let files = pki.write(
        folder.path(),
        "spiffe://comity.example/DE/sta-berlin/issuing",
    );
    let material = Material::load(&files).unwrap();
    assert_eq!(
        format!("{material:?}"),
        "Material { certificates: 1, authorities: 1, lists: 0, .. }"
    );
    let told = |change: fn(&mut config::Tls)| {
        let mut files = files.clone();
        change(&mut files);
        Material::load(&files).unwrap_err().to_string()
    };
    for (error, said) in [
        (
            told(|files| files.certificate = files.key.clone()),
            "there is no certificate in `",
        ),
        (
            told(|files| files.key = files.certificate.clone()),
            "cannot read a private key from `",
        ),
        (
            told(|files| files.client_ca = "/nowhere".into()),
            "`/nowhere` cannot be read: see that",
        ),
        (
            told(|files| files.revocation_lists.push("/nowhere.crl".into())),
            "`/nowhere.crl` cannot be read: see that",
        ),
        (
            told(|files| files.revocation_lists.push(files.client_ca.clone())),
            "/ca.pem` is no revocation list that can be used: ",
        ),
    ] {
        assert!(error.contains(said), "{error}");
    }
}

/// Reads files with some revocation lists beside, and asks whether whoever has the
/// certificate in them would be believed.
fn with_lists(pki: &Pki, lists: &[&[u8]]) -> Result<Result<(), rustls::Error>, String> {
    let folder = tempfile::tempdir().unwrap();
    let mut files = pki.write(folder.path(), GATEWAY);
    for (n, list) in lists.iter().enumerate() {
        let path = folder.path().join(format!("{n}.crl"));
        fs::write(&path, list).unwrap();
        files.revocation_lists.push(path);
    }
    let material = Material::load(&files).map_err(|error| error.to_string())?;
    let chain = material.chain.clone();
    Ok(material.in_force().unwrap().believes(&chain))
}

#[test]
fn who_is_on_no_list_is_believed_where_a_list_says_so_that_holds() {
    let pki = Pki::new();
    let (old, good) = (pki.list((2000, 2001)), pki.list((2020, 2100)));
    let stranger = Pki::new().list((2020, 2100));
    let pem = good.pem().unwrap();
    let [old, good, stranger] = [&old, &good, &stranger].map(|list| &list.der()[..]);
    for (lists, believed) in [
        (vec![], Ok(())),
        (vec![good], Ok(())),
        (vec![pem.as_bytes()], Ok(())),
        (vec![stranger, good], Ok(())),
        // The newest counts.
        (vec![old, good], Ok(())),
        (vec![old], Err("expired-revocation-list")),
        (vec![stranger], Err("unknown-revocation")),
    ] {
        let found = with_lists(&pki, &lists).unwrap();
        let found = found.map_err(|error| listen::HandshakeFailure::of(&error).as_str());
        assert_eq!(found, believed, "{} lists", lists.len());
    }
}

#[test]
fn a_list_that_is_cut_or_forged_is_not_taken() {
    let pki = Pki::new();
    let good = pki.list((2020, 2100));
    let pem = good.pem().unwrap();
    let forged = pki.impostor().list((2020, 2100));
    let half = |bytes: &'_ [u8]| bytes[..bytes.len() / 2].to_vec();
    for (list, why) in [
        (half(good.der()), "0.crl` is no revocation list"),
        (half(pem.as_bytes()), "0.crl` is no revocation list"),
        (Vec::new(), "0.crl` is no revocation list"),
        (forged.der().to_vec(), "that has not signed it; name"),
    ] {
        let error = with_lists(&pki, &[&list]).unwrap_err();
        assert!(error.contains(why), "{error}");
    }
}
