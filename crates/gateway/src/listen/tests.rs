//! Good and bad peers over real sockets.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsConnector;
use tokio_stream::StreamExt as _;

use super::*;
use crate::{
    identity::Role,
    tls::{
        Material,
        pki::{Pki, fixed},
    },
};

const CALLER: &str = "spiffe://comity.example/DE/sta-berlin/issuing";

/// Handshakes that may be under way in a scene.
const HANDSHAKES: usize = 4;

/// A gateway's door, and who stands before it.
struct Scene {
    pki: Pki,
    address: SocketAddr,
    incoming: Incoming,
    failures: Failures,
}

impl Scene {
    async fn new(connections: usize, handshake_timeout: Duration) -> Self {
        let pki = Pki::new();
        let tls = fixed(pki.material("spiffe://comity.example/EU/hub/gateway"));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let limits = Limits {
            connections,
            connections_per_caller: connections,
            handshakes: HANDSHAKES,
            handshake_timeout,
        };
        let (incoming, failures) = accept(
            listener,
            tls,
            "comity.example",
            (limits, Refused::default()),
        );
        Self {
            pki,
            address,
            incoming,
            failures,
        }
    }

    async fn usual() -> Self {
        Self::new(8, Duration::from_secs(10)).await
    }

    /// Shakes hands and waits for the server's verdict: with TLS 1.3 a client
    /// is done before the server has looked at its certificate.
    fn call(&self, material: Material) -> tokio::task::JoinHandle<()> {
        self.call_with((*material.in_force().unwrap().client).clone())
    }

    fn call_with(&self, mut config: rustls::ClientConfig) -> tokio::task::JoinHandle<()> {
        config.alpn_protocols.clear();
        let address = self.address;
        tokio::spawn(async move {
            let stream = TcpStream::connect(address).await.unwrap();
            let name = "localhost".try_into().unwrap();
            if let Ok(mut stream) = TlsConnector::from(Arc::new(config))
                .connect(name, stream)
                .await
            {
                let _ = stream.read(&mut [0]).await;
            }
        })
    }

    async fn connection(&mut self) -> Connection {
        self.incoming.next().await.unwrap().unwrap()
    }

    async fn failure(&mut self) -> HandshakeFailure {
        let FailedHandshake { peer, reason, .. } = self.failures.next().await.unwrap();
        assert!(peer.is_loopback());
        reason
    }
}

#[tokio::test]
async fn a_certified_caller_is_known_by_name() {
    let mut scene = Scene::usual().await;
    scene.call(scene.pki.material(CALLER));
    let connection = scene.connection().await;
    assert!(connection.stream.get_ref().0.nodelay().unwrap());
    let caller = connection.connect_info().caller.unwrap();
    assert_eq!(
        (caller.to_string().as_str(), caller.role),
        (CALLER, Role::Issuing)
    );
}

#[tokio::test]
async fn a_believed_certificate_that_names_nobody_gets_a_connection_and_no_name() {
    let mut scene = Scene::usual().await;
    scene.call(scene.pki.material("https://comity.example/"));
    let peer = scene.connection().await.connect_info();
    assert_eq!(peer.caller, Err(InvalidIdentity::NotSpiffe));
}

#[tokio::test]
async fn certificates_that_are_not_believed_are_reported() {
    let mut scene = Scene::usual().await;
    let mut stranger = Pki::new().material(CALLER);
    stranger.trust_also(&scene.pki);
    scene.call(stranger);
    assert_eq!(scene.failure().await, HandshakeFailure::UnknownIssuer);
    scene.call(scene.pki.expired(CALLER));
    assert_eq!(scene.failure().await, HandshakeFailure::ExpiredCertificate);
}

#[tokio::test]
async fn nobody_gets_in_without_a_certificate() {
    let mut scene = Scene::usual().await;
    scene.call_with(scene.pki.client_without_certificate());
    assert_eq!(scene.failure().await, HandshakeFailure::NoCertificate);
}

#[tokio::test]
async fn what_is_not_tls_is_reported() {
    let mut scene = Scene::usual().await;
    let mut stream = TcpStream::connect(scene.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    assert_eq!(scene.failure().await, HandshakeFailure::NotTls);
}

#[tokio::test]
async fn silence_is_reported_and_makes_room_for_the_next_handshake() {
    let mut scene = Scene::new(8, Duration::from_millis(50)).await;
    for _ in 0..2 {
        let mut silent = Vec::new();
        // As many as one address may have.
        for _ in 0..HANDSHAKES.div_ceil(2) {
            silent.push(TcpStream::connect(scene.address).await.unwrap());
        }
        let mut more = TcpStream::connect(scene.address).await.unwrap();
        assert!(
            !matches!(more.read(&mut [0]).await, Ok(1..)),
            "it is closed"
        );
        for _ in &silent {
            assert_eq!(scene.failure().await, HandshakeFailure::Timeout);
        }
        assert_eq!(scene.failures.take_missed(), 1);
    }
}

#[tokio::test]
async fn a_connection_makes_room_for_the_next_when_it_ends() {
    let mut scene = Scene::new(1, Duration::from_secs(10)).await;
    scene.call(scene.pki.material(CALLER));
    scene.call(scene.pki.material(CALLER));
    let first = scene.connection().await;
    let soon = time::timeout(Duration::from_millis(100), scene.incoming.next()).await;
    assert!(soon.is_err(), "there was room for a second connection");
    drop(first);
    scene.connection().await;
}

#[tokio::test]
async fn the_loop_ends_with_its_stream() {
    let Scene {
        address,
        incoming,
        mut failures,
        pki: _,
    } = Scene::usual().await;
    drop(incoming);
    assert_eq!(failures.next().await, None);
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn failures_that_find_no_room_are_counted() {
    let (ready, _incoming) = mpsc::channel(1);
    let (failed, queue) = mpsc::channel(1);
    let missed = Arc::new(AtomicU64::new(0));
    let failures = Failures {
        queue,
        missed: Arc::clone(&missed),
    };
    let tls = fixed(Pki::new().material(CALLER));
    let timeout = Duration::ZERO;
    let door = Door {
        tls,
        trust_domain: "x".into(),
        timeout,
        ready,
        failed,
        missed,
        refused: Refused::default(),
    };
    let peer = IpAddr::from([127, 0, 0, 1]);
    for _ in 0..3 {
        door.report(FailedHandshake {
            peer,
            reason: HandshakeFailure::NotTls,
            shown: None,
        });
    }
    assert_eq!((failures.take_missed(), failures.take_missed()), (2, 0));
}
