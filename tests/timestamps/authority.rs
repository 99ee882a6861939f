//! A foreign authority that timestamps: OpenSSL's, behind a small web server; and what
//! an authority may get wrong.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use comity_gateway::config;
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, SigningKey,
};
use rustls_pki_types::PrivateKeyDer;
use tempfile::TempDir;
use time::{Duration, OffsetDateTime};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

/// What it issues under, unless another policy is asked for.
pub(super) const POLICY: &str = "1.3.6.1.4.1.99999.1";
pub(super) const OTHER_POLICY: &str = "1.3.6.1.4.1.99999.2";

/// How it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As it should.
    Honest,
    /// Not at all: it hangs up.
    Down,
    /// By a web server that has no authority behind it.
    Error,
    /// With a page for people.
    Page,
    /// With bytes that are nothing.
    Garbage,
    /// With more than anybody would read.
    Endless,
    /// That it does not issue under the policy.
    Refusing,
    /// With a timestamp over something else.
    OtherImprint,
    /// With a timestamp that it made for somebody else.
    OtherNonce,
    /// With a certificate of another root.
    OtherRoot,
    /// With a certificate that has run out.
    Expired,
}

/// Moods other than the right one.
pub(super) const WRONG: [Mood; 10] = [
    Mood::Down,
    Mood::Error,
    Mood::Page,
    Mood::Garbage,
    Mood::Endless,
    Mood::Refusing,
    Mood::OtherImprint,
    Mood::OtherNonce,
    Mood::OtherRoot,
    Mood::Expired,
];

/// An authority with its keys, which listens until it is dropped.
pub(crate) struct Authority {
    folder: TempDir,
    address: SocketAddr,
    mood: Arc<Mutex<Mood>>,
    /// Its web server speaks TLS.
    secure: bool,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Authority {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Authority {
    pub(crate) async fn start(mood: Mood) -> Self {
        Self::start_on(mood, false).await
    }

    /// Starts one whose web server has a certificate of a root of its own.
    pub(super) async fn start_secure(mood: Mood) -> Self {
        Self::start_on(mood, true).await
    }

    async fn start_on(mood: Mood, secure: bool) -> Self {
        let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        prepare(folder.path());
        let tls = secure.then(|| acceptor(folder.path()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mood = Arc::new(Mutex::new(mood));
        let behind = (folder.path().to_owned(), tls);
        let serving = tokio::spawn(serve(listener, behind, Arc::clone(&mood)));
        Self {
            folder,
            address,
            mood,
            secure,
            serving,
        }
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How a gateway knows it.
    pub(crate) fn configured(&self, name: &str) -> config::Authority {
        config::Authority {
            name: name.to_owned(),
            url: self.url().parse().unwrap(),
            certificate: self.root(),
            policy: None,
            web_ca: self.secure.then(|| self.folder.path().join("web-root.pem")),
        }
    }

    pub(super) fn url(&self) -> String {
        let scheme = if self.secure { "https" } else { "http" };
        format!("{scheme}://{}/tsr", self.address)
    }

    /// Its root certificate.
    pub(super) fn root(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    /// A root that is not its own.
    pub(super) fn other_root(&self) -> PathBuf {
        self.folder.path().join("other-root.pem")
    }
}

/// Roots and certificates, and what OpenSSL is to do with them.
fn prepare(folder: &Path) {
    let now = OffsetDateTime::now_utc();
    let long = (now - Duration::days(400), now + Duration::days(400));
    let root = root("Test Root", long);
    let other = self::root("Other Root", long);
    let past = (now - Duration::days(20), now - Duration::days(10));
    for (stem, signed_by, validity) in [
        ("honest", &root, long),
        ("other", &other, long),
        ("expired", &root, past),
    ] {
        let mut parameters = for_timestamps(true, &[TIME_STAMPING]);
        (parameters.not_before, parameters.not_after) = validity;
        issue(folder, stem, parameters, &signed_by.1);
    }
    fs::write(folder.join("root.pem"), root.0).unwrap();
    fs::write(folder.join("other-root.pem"), other.0).unwrap();
    write_settings(folder);
}

/// Settings of `openssl ts`.
pub(super) fn write_settings(folder: &Path) {
    let serial = folder.join("serial");
    let settings = format!(
        "[tsa]\ndefault_tsa = one\n[one]\nserial = {}\ndefault_policy = {POLICY}\n\
         digests = sha256\nsigner_digest = sha256\ness_cert_id_alg = sha256\n\
         accuracy = secs:1, millisecs:500\nclock_precision_digits = 3\ntsa_name = yes\n",
        serial.display()
    );
    fs::write(folder.join("ts.cnf"), settings).unwrap();
    fs::write(serial, "01\n").unwrap();
}

pub(super) const TIME_STAMPING: &[u64] = &[1, 3, 6, 1, 5, 5, 7, 3, 8];

/// A root certificate in PEM, and what issues under it.
pub(super) fn root(
    name: &str,
    (from, until): (OffsetDateTime, OffsetDateTime),
) -> (String, Issuer<'static, KeyPair>) {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(DnType::CommonName, name);
    (parameters.not_before, parameters.not_after) = (from, until);
    let key = KeyPair::generate().unwrap();
    let pem = parameters.self_signed(&key).unwrap().pem();
    (pem, Issuer::new(parameters, key))
}

/// What the certificate of an authority says, for these purposes.
pub(super) fn for_timestamps(critical: bool, purposes: &[&[u64]]) -> CertificateParams {
    let mut parameters = CertificateParams::default();
    let name = &mut parameters.distinguished_name;
    name.push(DnType::CountryName, "EU");
    name.push(DnType::CommonName, "Test Authority");
    if !purposes.is_empty() {
        let purposes: Vec<u8> = purposes
            .iter()
            .flat_map(|purpose| object(purpose))
            .collect();
        let mut value = vec![0x30, u8::try_from(purposes.len()).unwrap()];
        value.extend(purposes);
        let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], value);
        usage.set_criticality(critical);
        parameters.custom_extensions.push(usage);
    }
    parameters
}

/// An object identifier of small parts in DER.
fn object(parts: &[u64]) -> Vec<u8> {
    let mut value = vec![u8::try_from(parts[0] * 40 + parts[1]).unwrap()];
    value.extend(parts[2..].iter().map(|part| u8::try_from(*part).unwrap()));
    [vec![6, u8::try_from(value.len()).unwrap()], value].concat()
}

/// Issues a certificate into `<stem>.pem`, with its key in `<stem>.key`.
pub(super) fn issue(
    folder: &Path,
    stem: &str,
    parameters: CertificateParams,
    by: &Issuer<'_, impl SigningKey>,
) {
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, by).unwrap();
    fs::write(folder.join(format!("{stem}.pem")), certificate.pem()).unwrap();
    fs::write(folder.join(format!("{stem}.key")), key.serialize_pem()).unwrap();
}

/// What a web server shows who it is with.
fn acceptor(folder: &Path) -> TlsAcceptor {
    let now = OffsetDateTime::now_utc();
    let (pem, issuer) = root(
        "Web Root",
        (now - Duration::days(1), now + Duration::days(1)),
    );
    fs::write(folder.join("web-root.pem"), pem).unwrap();
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let secret = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

async fn serve(
    listener: TcpListener,
    (folder, tls): (PathBuf, Option<TlsAcceptor>),
    mood: Arc<Mutex<Mood>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let mood = *mood.lock().unwrap();
        // One at a time, for the sake of the serial numbers. Who asked may be gone.
        let _ = match &tls {
            None => converse(stream, &folder, mood).await,
            Some(tls) => match tls.accept(stream).await {
                Ok(stream) => converse(stream, &folder, mood).await,
                Err(error) => Err(error),
            },
        };
    }
}

async fn converse(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    folder: &Path,
    mood: Mood,
) -> std::io::Result<()> {
    let query = read_query(&mut stream).await?;
    let (status, kind, body) = match mood {
        Mood::Down => return Ok(()),
        Mood::Error => ("503 Service Unavailable", "text/plain", Vec::new()),
        Mood::Page => ("200 OK", "text/html", b"<p>Maintenance</p>".to_vec()),
        mood => {
            let reply = reply(folder, &query, mood);
            ("200 OK", "application/timestamp-reply", reply)
        }
    };
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&body).await?;
    stream.shutdown().await
}

/// The body of a request, which must be a query as RFC 3161 wants it sent.
async fn read_query(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        let end = read.windows(4).position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            assert!(head.starts_with("post /tsr http/1.1"), "{head}");
            assert!(head.contains("content-type: application/timestamp-query"));
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .unwrap();
            let length: usize = length.parse().unwrap();
            if read.len() >= end + 4 + length {
                return Ok(read[end + 4..end + 4 + length].to_vec());
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// What an authority of this mood answers to a query.
fn reply(folder: &Path, query: &[u8], mood: Mood) -> Vec<u8> {
    match mood {
        Mood::Garbage => b"garbage".to_vec(),
        Mood::Endless => vec![0x30; 1 << 20],
        Mood::Refusing => {
            let asked = [
                "-digest",
                &imprint(query),
                "-sha256",
                "-tspolicy",
                OTHER_POLICY,
            ];
            openssl_reply(folder, &openssl_query(folder, &asked), "honest")
        }
        Mood::OtherImprint => {
            let asked = ["-digest", &"ab".repeat(32), "-sha256", "-cert"];
            openssl_reply(folder, &openssl_query(folder, &asked), "honest")
        }
        Mood::OtherNonce => {
            let asked = ["-digest", &imprint(query), "-sha256", "-cert"];
            openssl_reply(folder, &openssl_query(folder, &asked), "honest")
        }
        Mood::OtherRoot => openssl_reply(folder, query, "other"),
        Mood::Expired => openssl_reply(folder, query, "expired"),
        Mood::Honest => openssl_reply(folder, query, "honest"),
        Mood::Down | Mood::Error | Mood::Page => unreachable!("answered by the web server"),
    }
}

/// The hash that a query is over, as it stands in it: an octet string of 32 bytes.
fn imprint(query: &[u8]) -> String {
    let at = query.windows(2).position(|two| two == [4, 32]).unwrap();
    let hash = &query[at + 2..at + 34];
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn openssl_query(folder: &Path, asked: &[&str]) -> Vec<u8> {
    let out = folder.join("other.tsq");
    let out = out.to_str().unwrap();
    openssl(&[&["ts", "-query", "-out", out], asked].concat());
    fs::read(out).unwrap()
}

/// The answer of OpenSSL to a query, signed with the key of this name.
pub(super) fn openssl_reply(folder: &Path, query: &[u8], stem: &str) -> Vec<u8> {
    let at = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    fs::write(at("query.tsq"), query).unwrap();
    openssl(&[
        "ts",
        "-reply",
        "-config",
        &at("ts.cnf"),
        "-queryfile",
        &at("query.tsq"),
        "-signer",
        &at(&format!("{stem}.pem")),
        "-inkey",
        &at(&format!("{stem}.key")),
        "-out",
        &at("reply.tsr"),
    ]);
    fs::read(at("reply.tsr")).unwrap()
}

/// Runs `openssl`, and answers what it printed.
pub(super) fn openssl(arguments: &[&str]) -> String {
    let run = Command::new("openssl").args(arguments).output();
    let run = run.expect("`cargo xtask test` installs `openssl`");
    let said = String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success(), "openssl {arguments:?}: {said}");
    String::from_utf8_lossy(&run.stdout).into_owned()
}
