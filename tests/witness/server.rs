//! A witness outside behind a small web server: one that decides as it should, and one
//! that gives whatever answer a test wants.

use std::{
    net::SocketAddr,
    path::Path,
    sync::{Arc, Mutex},
};

use comity_gateway::config::OutsideWitness;
use comity_ledger::{Answer, Cosigner, CosignerKey, Extension, VerifierKey, Witness};
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How it answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Mood {
    /// As it should.
    Honest,
    /// Always with this status, media type and body.
    Fixed(u16, &'static str, String),
    /// Not at all: it hangs up.
    Down,
}

/// A witness with its key, which listens until it is dropped.
pub(super) struct Outside {
    name: &'static str,
    key: CosignerKey,
    address: SocketAddr,
    behind: Arc<Behind>,
    serving: JoinHandle<()>,
}

struct Behind {
    witness: Witness,
    mood: Mutex<Mood>,
    asked: Mutex<Vec<String>>,
    _memory: TempDir,
}

impl Drop for Outside {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Outside {
    pub(super) async fn start(name: &'static str, log: &VerifierKey, mood: Mood) -> Self {
        let memory = TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        let key = memory.path().join("key");
        let cosigner = Cosigner::load_or_make(&key, &format!("{name}.example")).unwrap();
        let key = cosigner.key().clone();
        let dir = memory.path().join("seen");
        let behind = Arc::new(Behind {
            witness: Witness::open(&dir, cosigner, [log.clone()]).unwrap(),
            mood: Mutex::new(mood),
            asked: Mutex::default(),
            _memory: memory,
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = tokio::spawn(serve(listener, Arc::clone(&behind)));
        Self {
            name,
            key,
            address,
            behind,
            serving,
        }
    }

    /// How a gateway knows it.
    pub(super) fn configured(&self) -> OutsideWitness {
        OutsideWitness {
            name: self.name.to_owned(),
            url: format!("http://{}/submit/", self.address).parse().unwrap(),
            web_ca: None,
            key: self.key.clone(),
        }
    }

    pub(super) fn set(&self, mood: Mood) {
        *self.behind.mood.lock().unwrap() = mood;
    }

    /// First lines of what it was asked so far.
    pub(super) fn asked(&self) -> Vec<String> {
        self.behind.asked.lock().unwrap().clone()
    }

    /// Has it cosign what is in a folder, as if somebody had shown it.
    pub(super) fn cosign(&self, log: &Path) {
        let shown = comity_ledger::prove_extension(log, 0).unwrap().unwrap();
        self.behind
            .witness
            .cosign(&shown, Timestamp::now())
            .unwrap();
    }
}

async fn serve(listener: TcpListener, behind: Arc<Behind>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // Who asked may be gone.
        let _ = converse(stream, &behind).await;
    }
}

async fn converse(mut stream: TcpStream, behind: &Behind) -> std::io::Result<()> {
    let body = read(&mut stream).await?;
    let first = String::from_utf8_lossy(&body);
    let first = first.lines().next().unwrap_or_default().to_owned();
    behind.asked.lock().unwrap().push(first);
    let mood = behind.mood.lock().unwrap().clone();
    let (status, kind, body) = match mood {
        Mood::Down => return Ok(()),
        Mood::Fixed(status, kind, body) => (status, kind, body),
        Mood::Honest => judge(&behind.witness, &body),
    };
    let head = format!(
        "HTTP/1.1 {status} Status\r\ncontent-type: {kind}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body.as_bytes()).await?;
    stream.shutdown().await
}

fn judge(witness: &Witness, body: &[u8]) -> (u16, &'static str, String) {
    let shown = Extension::from_submission(body).unwrap();
    let refused = match witness.cosign(&shown, Timestamp::now()) {
        Ok(cosignature) => return (200, "text/plain", cosignature.line),
        Err(refused) => refused,
    };
    match refused.answer(&shown) {
        Answer::Conflict(size) => (409, "text/x.tlog.size", format!("{size}\n")),
        Answer::Unproven => (422, "text/plain", String::new()),
        other => panic!("{other:?}: {refused}"),
    }
}

/// The body of a request, which must be one that the specification has.
async fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&read[..end]).to_lowercase();
            assert!(
                head.starts_with("post /submit/add-checkpoint http/1.1"),
                "{head}"
            );
            let mut lines = head.lines();
            let length = lines.find_map(|line| line.strip_prefix("content-length: "));
            let length: usize = length.unwrap().parse().unwrap();
            if read.len() >= end + 4 + length {
                return Ok(read[end + 4..end + 4 + length].to_vec());
            }
        }
        if stream.read_buf(&mut read).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
    }
}
