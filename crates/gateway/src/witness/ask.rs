//! Asking witnesses: each in its own time, off the way of any request. What they
//! cosign is kept beside the checkpoint; what they have seen is heeded. Peers are asked
//! over gRPC, witnesses outside over HTTP.

mod outside;
mod submit;

use std::{
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
use thiserror::Error;
use tokio::{
    sync::{Mutex, watch},
    task::{self, JoinError, JoinSet},
    time::{self, Instant},
};
use tonic::{Code, Request, Status};

pub(crate) use self::submit::SubmissionError;
use self::submit::{Submission, Unaccepted};
use super::{pause::Pause, refused};
use crate::{
    causes,
    config::Config,
    gateway::Gateway,
    start::StartError,
    tls::{Callee, Current, Line},
    wire::to_proto,
};

/// Between two looks whether there is something new to cosign.
pub(super) const EVERY: Duration = Duration::from_secs(1);
/// After so long a witness is asked although nothing is new: a cosignature also says
/// when.
pub(super) const AGAIN: Duration = Duration::from_secs(60);
/// A witness that was never there may come up for so long.
const AWAITED: Duration = Duration::from_secs(60);
/// Longest wait for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The witnesses of this gateway's ledger.
#[derive(Debug)]
pub(crate) struct Witnesses {
    list: Vec<Witness>,
    policy: Policy,
}

/// A witness.
#[derive(Debug)]
struct Witness {
    name: String,
    key: CosignerKey,
    way: Way,
}

/// How a witness is asked.
#[derive(Debug)]
enum Way {
    /// A peer, by `FederationService.Cosign`.
    Peer(Line),
    /// One outside, by C2SP tlog-witness.
    Outside(Submission),
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
    witness: Witness,
    /// Entries that it cosigned last, as far as is known.
    old: u64,
    /// Entries that it was asked to cosign last.
    offered: u64,
    /// It has said what it has seen.
    heard: bool,
    /// Entries published when it last answered, and when that was.
    answered: Option<(u64, Instant)>,
    /// How long it is left alone after it refused: each refusal of a peer is an entry of
    /// its own ledger.
    pause: Pause,
    /// Why it does not cosign, and whether that is no more than waiting; said once.
    complaint: Option<(String, bool)>,
    began: Instant,
}

/// Why there is no cosignature.
#[derive(Debug, Error)]
enum Unasked {
    #[error("it does not cosign: {}", .0.message())]
    Refused(Box<Status>),
    #[error(transparent)]
    Outside(#[from] Unaccepted),
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
    pub(crate) fn new(config: &Config, tls: &Current) -> Result<Self, StartError> {
        let peers = config.witnesses.peers.iter().map(|peer| {
            let callee = Callee::peer(peer, &config.trust_domain);
            Ok(Witness {
                name: peer.name.clone(),
                key: peer.witness.clone(),
                way: Way::Peer(Line::new(callee, tls)?),
            })
        });
        let outside = config.witnesses.outside.iter().map(|witness| {
            Ok(Witness {
                name: witness.name.clone(),
                key: witness.key.clone(),
                way: Way::Outside(Submission::new(witness)?),
            })
        });
        Ok(Self {
            list: peers.chain(outside).collect::<Result<_, StartError>>()?,
            policy: config.witnesses.policy(),
        })
    }
}

impl Unasked {
    /// Whether it answered. Who cannot be reached records nothing, and is looked for all
    /// the time.
    fn is_refusal(&self) -> bool {
        match self {
            Self::Refused(status) => status.code() != Code::Unavailable,
            Self::Outside(unaccepted) => !matches!(unaccepted, Unaccepted::Unanswered(_)),
            Self::Held(_) => true,
            Self::Late
            | Self::False
            | Self::Own(_)
            | Self::Foreign(_)
            | Self::Ahead
            | Self::Proof(_)
            | Self::Keep(_)
            | Self::Ended(_) => false,
        }
    }
}

/// Asks every witness until the gateway stops.
pub(crate) async fn run(gateway: Gateway, witnesses: Witnesses, stopped: watch::Receiver<bool>) {
    let Witnesses { list, policy } = witnesses;
    let shared = Arc::new(Shared {
        gateway,
        policy,
        heard: AtomicUsize::new(0),
        keeping: Mutex::default(),
    });
    let mut asked = JoinSet::new();
    for witness in list {
        let asker = Asker {
            shared: Arc::clone(&shared),
            witness,
            old: 0,
            offered: 0,
            heard: false,
            answered: None,
            pause: Pause::default(),
            complaint: None,
            began: Instant::now(),
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

    /// Whether there is something that it has not cosigned, or not for long. What a peer
    /// has seen holds a gateway that is held already; what one outside says holds it
    /// until it says otherwise, and has nothing to do with what peers have seen.
    fn is_due(&self) -> bool {
        let health = self.shared.gateway.store().health();
        let due = self
            .answered
            .is_none_or(|(size, at)| size != health.published || at.elapsed() > AGAIN);
        let outside = matches!(self.witness.way, Way::Outside(_));
        let asks = !health.held || health.held_by_word || outside;
        due && asks && self.pause.is_over(Instant::now())
    }

    /// Asks for a cosignature of the latest checkpoint; once more where the witness
    /// says from which size on it wants a proof. Answers how many entries it cosigned.
    async fn ask(&mut self) -> Result<u64, Unasked> {
        if matches!(self.witness.way, Way::Outside(_)) {
            return self.ask_outside().await;
        }
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
        self.offered = checkpoint.size;
        let answer = self.call(extension).await?;
        let note = [checkpoint.note.as_slice(), answer.as_bytes()].concat();
        let found = cosignatures(&note, std::slice::from_ref(&self.witness.key));
        let found = found.ok().and_then(|found| found.into_iter().next());
        let size = checkpoint.size;
        self.keep(checkpoint, found.ok_or(Unasked::False)?).await?;
        self.old = size;
        self.hear();
        Ok(size)
    }

    /// Shows an extension; answers signature lines.
    async fn call(&self, extension: Extension) -> Result<String, Unasked> {
        let channel = match &self.witness.way {
            Way::Peer(line) => line.channel(),
            Way::Outside(submission) => return Ok(submission.show(&extension).await?),
        };
        let message = to_proto::cosign_request(extension);
        let mut client = FederationServiceClient::new(channel);
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
            let heeded = store.heed(&self.witness.key, checkpoint.note).await;
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
        let name = &self.witness.name;
        if self.complaint.take().is_some() {
            tracing::info!(witness = %name, "a witness cosigns again");
        }
        self.shared.gateway.metrics().cosigned(name, size);
        self.answered = Some((size, Instant::now()));
        self.pause = Pause::default();
    }

    /// Says why it does not cosign, as long as the reason is a new one.
    fn complain(&mut self, unasked: &Unasked) {
        if unasked.is_refusal() {
            self.pause.lengthen(Instant::now());
        }
        // Gateways that start together are not there for each other at once.
        let awaited = !self.heard && !unasked.is_refusal() && self.began.elapsed() < AWAITED;
        let complaint = (causes::told(unasked), awaited);
        if self.complaint.as_ref() != Some(&complaint) {
            let (witness, error) = (&self.witness.name, &complaint.0);
            match awaited {
                true => tracing::warn!(%witness, error, "a witness is not there yet"),
                false => tracing::error!(%witness, error, "a witness does not cosign the ledger"),
            }
            self.complaint = Some(complaint);
        }
    }
}
