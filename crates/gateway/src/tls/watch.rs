//! Watching the files of `[tls]`: what changed comes into force as a whole, or not at all.

use std::{fs, sync::Arc};

use thiserror::Error;
use tokio::{
    sync::{Notify, watch},
    task::{JoinError, spawn_blocking},
    time,
};
use tonic_health::{ServingStatus, server::HealthReporter};

use super::{Current, InForce, Material, TlsError, now};
use crate::{
    causes, check,
    config::Tls,
    gateway::Gateway,
    policies::{INTERVAL, Stamp},
    record,
    tasks::Tasks,
};

/// The name by which health says whether the files are in order: no service has it.
const HEALTH: &str = "comity.tls";

/// What was seen of each file at a moment.
type Look = Vec<Option<Stamp>>;

/// Material as a gateway starts with it.
#[derive(Debug)]
pub(crate) struct Source {
    files: Tls,
    /// The one that the gateway's own certificate must name.
    trust_domain: String,
    current: watch::Sender<Arc<InForce>>,
    seen: Look,
}

/// See the module.
struct Watcher {
    source: Source,
    gateway: Gateway,
    health: HealthReporter,
    /// What was seen last, and so whether somebody is writing.
    last: Look,
    /// Why what is in the files is not in force.
    complaint: Option<String>,
    /// What of that in force has run out.
    ended: Vec<String>,
    /// Whether all was in order when that was last told.
    told: Option<bool>,
}

/// Why what is in the files cannot come into force.
#[derive(Debug, Error)]
enum Rejected {
    #[error(transparent)]
    Unusable(#[from] TlsError),
    #[error("{0}, and what is in force has not")]
    Ended(String),
    #[error("{0}")]
    Unfit(String),
    #[error("reading the files ended abnormally: report it")]
    Failed(#[from] JoinError),
}

impl Source {
    /// Reads the files for a start.
    ///
    /// # Errors
    /// [`TlsError`] naming the file.
    pub(crate) fn open(files: &Tls, trust_domain: &str) -> Result<Self, TlsError> {
        let seen = look(files);
        let in_force = Material::load(files)?.in_force()?;
        Ok(Self {
            files: files.clone(),
            trust_domain: trust_domain.to_owned(),
            current: watch::Sender::new(Arc::new(in_force)),
            seen,
        })
    }

    pub(crate) fn current(&self) -> Current {
        self.current.subscribe()
    }

    /// Has the files looked at until the gateway stops, and at once when what is answered
    /// is notified.
    pub(crate) fn watch(
        self,
        tasks: &mut Tasks,
        (gateway, health): (&Gateway, &HealthReporter),
        stopped: &watch::Receiver<bool>,
    ) -> Arc<Notify> {
        let asked = Arc::new(Notify::new());
        let watcher = Watcher::new(self, gateway.clone(), health.clone());
        tasks.spawn(watcher.run(Arc::clone(&asked), stopped.clone()));
        asked
    }
}

impl Watcher {
    fn new(source: Source, gateway: Gateway, health: HealthReporter) -> Self {
        Self {
            last: source.seen.clone(),
            source,
            gateway,
            health,
            complaint: None,
            ended: Vec::new(),
            told: None,
        }
    }

    /// Looks at the files again and again, and whenever asked to, until told to stop.
    async fn run(mut self, asked: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        loop {
            self.heed_ends();
            self.tell().await;
            let asked = tokio::select! {
                () = time::sleep(INTERVAL) => false,
                () = asked.notified() => true,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            self.seen(asked).await;
        }
    }

    /// Reads the files if they are new and nobody is writing, or if asked to.
    async fn seen(&mut self, asked: bool) {
        let files = self.source.files.clone();
        let Ok(seen) = spawn_blocking(move || look(&files)).await else {
            return;
        };
        let quiet = self.last == seen;
        self.last.clone_from(&seen);
        if !asked && (!quiet || self.source.seen == seen) {
            return;
        }
        let files = self.source.files.clone();
        let trust_domain = self.source.trust_domain.clone();
        let taken = spawn_blocking(move || {
            let taken = take(&files, &trust_domain);
            (taken, look(&files))
        });
        match taken.await {
            // Somebody is writing after all.
            Ok((_, after)) if after != seen => return,
            Ok((Ok(new), _)) => self.accept(new).await,
            Ok((Err(rejected), _)) => self.reject(&rejected),
            Err(error) => self.reject(&error.into()),
        }
        self.source.seen = seen;
    }

    async fn accept(&mut self, new: InForce) {
        let before = Arc::clone(&self.source.current.borrow());
        let mut worse = ended(&new, &self.source.files).into_iter();
        if let Some(ended) = worse.find(|one| !self.ended.contains(one)) {
            return self.reject(&Rejected::Ended(ended));
        }
        if new.sums == before.sums {
            self.gateway.metrics().tls_reloaded("unchanged");
            tracing::info!("the TLS files were read again, and are unchanged");
        } else {
            let sums = new.sums.clone();
            let serial = new.serial.clone();
            let expires = jiff::Timestamp::from_second(new.certificate_until);
            let expires = expires.unwrap_or(jiff::Timestamp::MAX);
            self.source.current.send_replace(Arc::new(new));
            self.gateway.metrics().tls_reloaded("loaded");
            tracing::info!(serial, %expires, "other TLS material is in force");
            // It may withdraw trust, and so does not wait for its record.
            if record::tls_loaded(&self.gateway, sums).await.is_err() {
                tracing::error!("that other TLS material is in force is not on record");
            }
        }
        if self.complaint.take().is_some() {
            tracing::info!("the TLS files are in order again");
        }
    }

    /// Leaves in force what is, and says why; in the log as long as the reason is new.
    fn reject(&mut self, rejected: &Rejected) {
        self.gateway.metrics().tls_reloaded(rejected.as_str());
        let report = causes::told(rejected);
        if self.complaint.as_ref() != Some(&report) {
            tracing::error!(error = %report, "the TLS files cannot come into force; what was read before stays");
            self.complaint = Some(report);
        }
    }

    /// Has open connections looked at where a revocation list has run out, as nobody is
    /// believed on its word any more.
    fn heed_ends(&mut self) {
        let ended = {
            let current = self.source.current.borrow();
            let mut ended = ended(&current, &self.source.files);
            ended.extend(revoked(&current, &self.source.files));
            ended
        };
        let mut new = ended
            .iter()
            .filter(|one| !self.ended.contains(one))
            .peekable();
        let more = new.peek().is_some();
        for error in new {
            tracing::error!(error, "TLS fails until there is a newer file in its place");
        }
        if more {
            self.source.current.send_modify(|_| ());
        }
        self.ended = ended;
    }

    /// Says in health and metrics whether all is in order.
    async fn tell(&mut self) {
        let in_order = self.complaint.is_none() && self.ended.is_empty();
        if self.told.replace(in_order) == Some(in_order) {
            return;
        }
        self.gateway.metrics().tls_in_order(in_order);
        let status = match in_order {
            true => ServingStatus::Serving,
            false => ServingStatus::NotServing,
        };
        self.health.set_service_status(HEALTH, status).await;
    }
}

impl Rejected {
    /// The reason as metrics name it.
    fn as_str(&self) -> &'static str {
        match self {
            Self::Unusable(TlsError::Missing { .. }) => "unreadable",
            Self::Unusable(_) => "unusable",
            Self::Ended(_) => "ended",
            Self::Unfit(_) => "unfit",
            Self::Failed(_) => "failed",
        }
    }
}

/// Reads what is to come into force in the place of what is.
fn take(files: &Tls, trust_domain: &str) -> Result<InForce, Rejected> {
    let material = Material::load(files)?;
    let own = material.own().unwrap_or_default();
    match check::unfit(own, files, trust_domain) {
        Some(why) => Err(Rejected::Unfit(why)),
        None => Ok(material.in_force()?),
    }
}

/// What of some material has run out, and when: the certificate, and lists.
fn ended(tls: &InForce, files: &Tls) -> Vec<String> {
    let now = now();
    let said = |what, path: &std::path::Path, until: i64| {
        let until = jiff::Timestamp::from_second(until).unwrap_or(jiff::Timestamp::MAX);
        format!("the {what} in `{}` ran out at {until}", path.display())
    };
    let own = ("certificate", &files.certificate, tls.certificate_until);
    let lists = tls.lists_until.iter();
    let lists = lists.map(|(path, until)| ("revocation list", path, *until));
    let all = std::iter::once(own).chain(lists);
    all.filter(|(.., until)| *until <= now)
        .map(|(what, path, until)| said(what, path, until))
        .collect()
}

/// Says so where the gateway's own certificate was revoked. Lists that say it come into
/// force all the same: they speak of others too.
fn revoked(tls: &InForce, files: &Tls) -> Option<String> {
    tls.revoked.then(|| {
        format!(
            "the certificate in `{}` is on a list of `revocation_lists`",
            files.certificate.display()
        )
    })
}

fn look(files: &Tls) -> Look {
    let Tls {
        certificate,
        key,
        client_ca,
        revocation_lists,
    } = files;
    let paths = [certificate, key, client_ca].into_iter();
    let paths = paths.chain(revocation_lists);
    let stamp = |path| fs::metadata(path).ok().map(|found| Stamp::of(&found));
    paths.map(stamp).collect()
}
