//! Asking witnesses: each in its own time, off the way of any request. What they
//! cosign is kept beside the checkpoint; what they have seen is heeded.

use std::{
    error::Error,
    io,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use comity::v1::{self, federation_service_client::FederationServiceClient};
use comity_ledger::{
    Checkpoint, CheckpointError, Cosignature, CosignerKey, Extension, Policy, ProofError,
    cosignatures, keep_cosignature, prove_extension,
};
use comity_store::PublicationError;
use rustls::ClientConfig;
use rustls_pki_types::InvalidDnsNameError;
use thiserror::Error;
use tokio::{
    sync::{Mutex, watch},
    task::{self, JoinError, JoinSet},
    time::{self, Instant},
};
use tonic::{Code, Request, Status, transport::Channel};

use super::{pause::Pause, refused};
use crate::{
    config::Config,
    gateway::Gateway,
    tls::{self, Callee},
    wire::to_proto,
};

/// Between two looks whether there is something new to cosign.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// After so long a witness is asked although nothing is new: a cosignature also says
/// when.
pub(super) const AGAIN: Duration = Duration::from_secs(60);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The witnesses of this gateway's ledger.
#[derive(Debug)]
pub(crate) struct Witnesses {
    peers: Vec<Peer>,
    policy: Policy,
}

/// A witness.
#[derive(Debug)]
struct Peer {
    name: String,
    key: CosignerKey,
    channel: Channel,
}

/// What those share who ask.
struct Shared {
    gateway: Gateway,
    policy: Policy,
    /// Witnesses that said what they have seen.
    heard: AtomicUsize,
    /// One at a time keeps cosignatures.
    keeping: Mutex<()>,
}

/// One witness, asked again and again.
struct Asker {
    shared: Arc<Shared>,
    peer: Peer,
    /// Entries that it cosigned last, as far as is known.
    old: u64,
    /// It has said what it has seen.
    heard: bool,
    /// Entries published when it last answered, and when that was.
    answered: Option<(u64, Instant)>,
    /// How long it is left alone after it refused: each refusal is an entry of its own
    /// ledger.
    pause: Pause,
    /// Why it does not cosign; said once.
    complaint: Option<String>,
}

/// Why there is no cosignature.
#[derive(Debug, Error)]
enum Unasked {
    #[error("it does not cosign: {}", .0.message())]
    Refused(Box<Status>),
    #[error("it did not answer within {} seconds", PATIENCE.as_secs())]
    Late,
    #[error("its answer is no cosignature by its key")]
    False,
    #[error("this gateway's own checkpoint cannot be read; it is not offered")]
    Own(#[source] CheckpointError),
    #[error("it shows as ours what this ledger did not sign")]
    Foreign(#[source] CheckpointError),
    #[error("it has seen more than is published here")]
    Ahead,
    #[error(transparent)]
    Held(#[from] PublicationError),
    #[error("the ledger gives no proof")]
    Proof(#[from] ProofError),
    #[error("its cosignature cannot be kept")]
    Keep(#[from] io::Error),
    #[error("asking it ended abnormally")]
    Ended(#[from] JoinError),
}

impl Witnesses {
    /// Prepares connections; none is opened yet.
    pub(crate) fn new(
        config: &Config,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, InvalidDnsNameError> {
        let peers = config.witnesses.peers.iter().map(|peer| {
            let callee = Callee::peer(peer, &config.trust_domain);
            Ok(Peer {
                name: peer.name.clone(),
                key: peer.witness.clone(),
                channel: tls::channel(callee, Arc::clone(tls))?,
            })
        });
        Ok(Self {
            peers: peers.collect::<Result<_, _>>()?,
            policy: config.witnesses.policy(),
        })
    }
}

/// Asks every witness until the gateway stops.
pub(crate) async fn run(gateway: Gateway, witnesses: Witnesses, stopped: watch::Receiver<bool>) {
    let Witnesses { peers, policy } = witnesses;
    let shared = Arc::new(Shared {
        gateway,
        policy,
        heard: AtomicUsize::new(0),
        keeping: Mutex::default(),
    });
    let mut asked = JoinSet::new();
    for peer in peers {
        let asker = Asker {
            shared: Arc::clone(&shared),
            peer,
            old: 0,
            heard: false,
            answered: None,
            pause: Pause::default(),
            complaint: None,
        };
        asked.spawn(asker.run(stopped.clone()));
    }
    while asked.join_next().await.is_some() {}
}

impl Shared {
    /// Counts a witness that was heard. As many must be that no checkpoint which
    /// enough witnesses cosigned can be unknown to all of them.
    fn heard(&self) {
        let heard = self.heard.fetch_add(1, Ordering::AcqRel) + 1;
        let Policy {
            witnesses,
            required,
        } = &self.policy;
        if heard + required > witnesses.len() {
            self.gateway.store().heard_witnesses();
        }
    }
}

impl Asker {
    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut looks = time::interval(EVERY);
        loop {
            let asked = async {
                looks.tick().await;
                match self.is_due() {
                    true => Some(self.ask().await),
                    false => None,
                }
            };
            let asked = tokio::select! {
                asked = asked => asked,
                _ = stopped.wait_for(|stop| *stop) => return,
            };
            match asked {
                Some(Ok(size)) => self.cosigned(size),
                Some(Err(unasked)) => self.complain(&unasked),
                None => {}
            }
        }
    }

    /// Whether there is something that it has not cosigned, or not for long. What it
    /// has seen holds a gateway that is held already.
    fn is_due(&self) -> bool {
        let health = self.shared.gateway.store().health();
        let due = self
            .answered
            .is_none_or(|(size, at)| size != health.published || at.elapsed() > AGAIN);
        due && !health.held && self.pause.is_over(Instant::now())
    }

    /// Asks for a cosignature of the latest checkpoint; once more where the witness
    /// says from which size on it wants a proof. Answers how many entries it cosigned.
    async fn ask(&mut self) -> Result<u64, Unasked> {
        match self.offer().await {
            Err(Unasked::Refused(status)) => {
                let Some(seen) = refused::seen(&status) else {
                    return Err(Unasked::Refused(status));
                };
                self.heed(seen).await?;
                self.offer().await
            }
            other => other,
        }
    }

    async fn offer(&mut self) -> Result<u64, Unasked> {
        let dir = self.shared.gateway.store().ledger_dir().to_owned();
        let old = self.old;
        let extension = task::spawn_blocking(move || prove_extension(&dir, old)).await??;
        let extension = extension.ok_or(Unasked::Ahead)?;
        let key = self.shared.gateway.store().verifier_key();
        let checkpoint = Checkpoint::open(&extension.checkpoint, key).map_err(Unasked::Own)?;
        let answer = self.call(extension).await?;
        let note = [checkpoint.note.as_slice(), answer.as_bytes()].concat();
        let found = cosignatures(&note, std::slice::from_ref(&self.peer.key));
        let found = found.ok().and_then(|found| found.into_iter().next());
        let size = checkpoint.size;
        self.keep(checkpoint, found.ok_or(Unasked::False)?).await?;
        self.old = size;
        self.hear();
        Ok(size)
    }

    async fn call(&self, extension: Extension) -> Result<String, Unasked> {
        let message = to_proto::cosign_request(extension);
        let mut client = FederationServiceClient::new(self.peer.channel.clone());
        let answer = time::timeout(PATIENCE, client.cosign(Request::new(message))).await;
        let answer = answer.map_err(|_| Unasked::Late)?;
        let answer = answer.map_err(|status| Unasked::Refused(Box::new(status)))?;
        let v1::CosignResponse { cosignature } = answer.into_inner();
        Ok(cosignature)
    }

    /// Heeds what it has seen of this ledger; nothing if `seen` is empty.
    async fn heed(&mut self, seen: String) -> Result<(), Unasked> {
        self.old = 0;
        if !seen.is_empty() {
            let store = self.shared.gateway.store();
            let checkpoint = Checkpoint::open(seen.as_bytes(), store.verifier_key());
            let checkpoint = checkpoint.map_err(Unasked::Foreign)?;
            let heeded = store.heed(&self.peer.key, checkpoint.note).await;
            self.old = checkpoint.size;
            // What contradicts it was heard too, and holds the ledger from now on.
            self.hear();
            heeded?;
        }
        self.hear();
        Ok(())
    }

    fn hear(&mut self) {
        if !std::mem::replace(&mut self.heard, true) {
            self.shared.heard();
        }
    }

    async fn keep(&self, checkpoint: Checkpoint, cosignature: Cosignature) -> Result<(), Unasked> {
        let _one = self.shared.keeping.lock().await;
        let dir = self.shared.gateway.store().ledger_dir().to_owned();
        let policy = self.shared.policy.clone();
        let keep = move || keep_cosignature(&dir, &checkpoint, &cosignature, &policy);
        Ok(task::spawn_blocking(keep).await??)
    }

    fn cosigned(&mut self, size: u64) {
        let name = &self.peer.name;
        if self.complaint.take().is_some() {
            tracing::info!(witness = %name, "a witness cosigns again");
        }
        self.shared.gateway.metrics().cosigned(name, size);
        self.answered = Some((size, Instant::now()));
        self.pause = Pause::default();
    }

    /// Says why it does not cosign, as long as the reason is a new one.
    fn complain(&mut self, unasked: &Unasked) {
        // Who cannot be reached records nothing, and is looked for all the time.
        if matches!(unasked, Unasked::Refused(status) if status.code() != Code::Unavailable) {
            self.pause.lengthen(Instant::now());
        }
        let complaint = unasked.to_string();
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::error!(
                witness = %self.peer.name,
                error = unasked as &dyn Error,
                "a witness does not cosign the ledger"
            );
            self.complaint = Some(complaint);
        }
    }
}
