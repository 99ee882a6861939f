//! Asking authorities for timestamps: the first that gives one is believed enough, and
//! the next is asked only where one fails.

use std::{error::Error, io, iter, time::Duration};

use comity_ledger::{CheckpointError, Flaw, Query, Roots, Token, TokenError, keep_token, latest};
use thiserror::Error as ThisError;
use tokio::{
    sync::watch,
    task::{self, JoinError},
    time::{self, Instant},
};

use super::{
    Authorities, Standing,
    http::{self, Unanswered},
};
use crate::{gateway::Gateway, web::Web, witness::Pause};

/// Between two looks whether there is something new to timestamp.
const EVERY: Duration = Duration::from_secs(1);

/// An authority that timestamps.
#[derive(Debug)]
pub(super) struct Authority {
    pub(super) name: String,
    pub(super) web: Web,
    pub(super) roots: Roots,
    pub(super) policy: Option<String>,
    /// Why it gives none; said once.
    pub(super) complaint: Option<String>,
}

/// Why there is no timestamp.
#[derive(Debug, ThisError)]
enum Untimed {
    #[error("the checkpoint cannot be read")]
    Own(#[source] Flaw),
    #[error("the checkpoint cannot be read")]
    Checkpoint(#[source] CheckpointError),
    #[error(transparent)]
    Unanswered(#[from] Unanswered),
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error("the timestamp cannot be kept")]
    Keep(#[source] io::Error),
    #[error("the work on it ended abnormally")]
    Ended(#[from] JoinError),
}

impl Untimed {
    /// What tells one failure from another: all that is said of it, but for times.
    fn reason(&self) -> String {
        if matches!(self, Self::Token(TokenError::Clock { .. })) {
            return "the clocks differ".to_owned();
        }
        let first: &dyn Error = self;
        let causes = iter::successors(Some(first), |error| (*error).source());
        causes.map(|cause| format!("{cause}\n")).collect()
    }
}

/// What is to be timestamped.
struct Subject {
    /// Entries under the checkpoint.
    size: u64,
    /// It, with the ledger's own signature alone.
    note: Vec<u8>,
}

impl Authorities {
    /// Asks for timestamps until the gateway stops; does nothing where there is nobody
    /// to ask.
    pub(crate) async fn run(mut self, gateway: Gateway, mut stopped: watch::Receiver<bool>) {
        let Some(standing) = self.standing.clone() else {
            return;
        };
        let mut looks = time::interval(EVERY);
        let mut had: Option<Instant> = None;
        let mut pause = Pause::default();
        loop {
            let asked = async {
                looks.tick().await;
                standing.look().await;
                let new = gateway.store().health().published > standing.covered();
                let rested = had.is_none_or(|had| had.elapsed() >= self.every);
                match new && rested && pause.is_over(Instant::now()) {
                    true => Some(self.ask(&gateway, &standing).await),
                    false => None,
                }
            };
            let asked = tokio::select! {
                asked = asked => asked,
                _ = stopped.wait_for(|stop| *stop) => return,
            };
            match asked {
                Some(true) => {
                    had = Some(Instant::now());
                    pause = Pause::default();
                }
                Some(false) => pause.lengthen(Instant::now()),
                None => {}
            }
        }
    }

    /// Asks one authority after the other for a timestamp over the latest checkpoint.
    /// Answers whether one is kept.
    async fn ask(&mut self, gateway: &Gateway, standing: &Standing) -> bool {
        let subject = match subject(gateway).await {
            Ok(subject) => subject,
            Err(untimed) => {
                tracing::error!(error = &untimed as &dyn Error, "nothing is timestamped");
                return false;
            }
        };
        for authority in &mut self.list {
            match authority.timestamp(gateway, &subject).await {
                Ok(()) => {
                    authority.answered();
                    standing.cover(subject.size).await;
                    return true;
                }
                Err(untimed) => {
                    standing.failed(&authority.name);
                    authority.complain(&untimed);
                }
            }
        }
        false
    }
}

/// The latest checkpoint.
async fn subject(gateway: &Gateway) -> Result<Subject, Untimed> {
    let dir = gateway.store().ledger_dir().to_owned();
    let key = gateway.store().verifier_key().clone();
    let read = move || {
        let latest = latest(&dir, &key).map_err(Untimed::Own)?;
        let note = latest.signed_by(&key).map_err(Untimed::Checkpoint)?;
        let size = latest.size;
        Ok(Subject { size, note })
    };
    task::spawn_blocking(read).await?
}

impl Authority {
    /// Asks for a timestamp, verifies and keeps it.
    async fn timestamp(&self, gateway: &Gateway, subject: &Subject) -> Result<(), Untimed> {
        let query = Query::new(&subject.note, self.policy.as_deref())?;
        let reply = http::ask(&self.web, query.as_bytes()).await?;
        let (roots, now) = (self.roots.clone(), gateway.now());
        let (dir, size) = (gateway.store().ledger_dir().to_owned(), subject.size);
        let keep = move || {
            let token: Token = query.accept(&reply, &roots, now)?;
            keep_token(&dir, size, &token).map_err(Untimed::Keep)
        };
        task::spawn_blocking(keep).await?
    }

    fn answered(&mut self) {
        if self.complaint.take().is_some() {
            tracing::info!(authority = %self.name, "an authority timestamps again");
        }
    }

    /// Says why it gives none, as long as the reason is a new one.
    fn complain(&mut self, untimed: &Untimed) {
        let complaint = untimed.reason();
        if self.complaint.as_ref() != Some(&complaint) {
            tracing::error!(
                authority = %self.name,
                error = untimed as &dyn Error,
                "an authority does not timestamp the ledger"
            );
            self.complaint = Some(complaint);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::web;

    #[test]
    fn a_reason_is_new_where_something_else_is_wrong() {
        let clock = |second| {
            let at = Timestamp::from_second(second).unwrap();
            let now = Timestamp::UNIX_EPOCH;
            Untimed::from(TokenError::Clock { at, now }).reason()
        };
        assert_eq!(clock(900), clock(901));
        assert_ne!(clock(900), Untimed::from(TokenError::Nonce).reason());
        let unreached = |kind: io::ErrorKind| {
            let url = hyper::Uri::from_static("http://timestamps.example");
            let web = web::Unanswered::Connect(url, kind.into());
            Untimed::from(Unanswered::from(web)).reason()
        };
        let refused = unreached(io::ErrorKind::ConnectionRefused);
        assert_eq!(refused, unreached(io::ErrorKind::ConnectionRefused));
        assert_ne!(refused, unreached(io::ErrorKind::NetworkUnreachable));
    }
}
