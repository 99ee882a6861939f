//! Histories as the gateway plays them: its own stages over a store on disk, without
//! sockets and without workers that come when nobody expects them.

use std::{path::Path, sync::Arc, time::Duration};

use comity::v1::{
    self, DecideRequest, ReviewTaskState, ReviewVerdict, conclude_request::Conclusion,
};
use comity_domain::{CaseId, Outcome};
use comity_ledger::Key;
use comity_store::{Durable, Job as StoredJob, Options, Store, Wanted};
use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, KeyPair};
use tempfile::TempDir;
use tonic::transport::Channel;

use comity_evidence::Place;
use tokio::sync::watch;

use crate::{
    admit,
    backends::Backends,
    cases::{self, CaseAt},
    config::{Config, Limits, Tls},
    deliver,
    evidence::Evidence,
    execute,
    gateway::{Gateway, Parts},
    holder::Holder,
    identity::{Caller, Role},
    metrics::Metrics,
    offline, personal,
    places::Lanes,
    policies::{Policies, Source},
    record::{self, Filed},
    refusal::Refusal,
    review::{self, Reviewer, consult},
    supplement, withdraw,
};

use super::{
    backend::Fake,
    law,
    reference::{Answer, Facts, Job, Mode, Op, Reference, Report, Verdict},
};

/// By then every lease is over and every job due.
const FAR: &str = "2999-01-01T00:00:00Z";

/// One store with a gateway over it, and the case that is played.
pub(super) struct Play {
    dir: TempDir,
    /// `None` only while the store is opened anew.
    gateway: Option<Gateway>,
    fake: Fake,
    channel: Channel,
    policies: Arc<Policies>,
    persons: Vec<Holder>,
    case: Option<CaseId>,
    request: v1::CooperationRequest,
    /// The last supplement that was taken.
    taken: Option<v1::SupplementRequest>,
    supplements: u32,
    /// The delivery that whoever made it begins.
    held: Option<(Durable<StoredJob>, CaseAt)>,
}

impl Play {
    pub(super) async fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path());
        let policies = Arc::new(Policies::new(Source::new(&config), law::library()));
        let fake = Fake::default();
        let channel = fake.serve();
        let gateway = gateway(dir.path(), &policies, &channel);
        Self {
            dir,
            gateway: Some(gateway),
            fake,
            channel,
            policies,
            persons: ["A", "B", "C"].map(person).into(),
            case: None,
            request: v1::CooperationRequest::default(),
            taken: None,
            supplements: 0,
            held: None,
        }
    }

    /// Closes and verifies the store; answers how many cases there are.
    pub(super) async fn stop(self) -> u64 {
        self.gateway().store().clone().close().await;
        let report = offline::verify(self.dir.path(), None).unwrap();
        assert_eq!((report.unpublished, report.jobs), (0, 0));
        report.cases
    }

    /// Submits the request of a new case.
    pub(super) async fn open(&mut self, number: u64, facts: Facts) {
        let id = format!("history/{number}");
        self.request = law::request(&id, facts, Timestamp::now());
        (self.taken, self.case, self.held) = (None, None, None);
        let Filed::Now(case, job) = self.submit(self.request.clone()).await.unwrap() else {
            panic!("{id} was submitted before");
        };
        self.case = Some(case.row.id.clone());
        self.held = job.map(|job| (job, *case));
    }

    async fn submit(&self, request: v1::CooperationRequest) -> Result<Filed, Refusal> {
        let caller = caller("DE", "sta", Role::Issuing);
        let language = String::new();
        let admission = admit::request(self.gateway(), &caller, Some(request), language).unwrap();
        let verdict = admission.decide(self.gateway().now());
        record::decision(self.gateway(), &caller, admission, verdict).await
    }

    pub(super) async fn apply(&mut self, op: Op) -> Answer {
        let done = match op {
            Op::Submit { other } => self.again(other).await,
            Op::Supplement(facts) => self.supplement(facts).await,
            Op::Again { other } => self.supplement_again(other).await,
            Op::Withdraw => self.withdraw().await,
            Op::Decide {
                task,
                person,
                verdict,
            } => self.decide(task, person, verdict).await,
            Op::Work { claimed, mode } => {
                self.work(claimed, mode).await;
                Ok(())
            }
            Op::Report(report) => self.report(report).await,
            Op::Crash { reopen } => {
                self.crash(reopen).await;
                Ok(())
            }
        };
        self.tell().await;
        done.map_err(|refusal| refusal.reason())
    }

    /// Works off notices, of which the reference knows nothing: they move no case.
    async fn tell(&self) {
        let jobs = self.gateway().store().jobs(&self.id()).await.unwrap();
        for notice in jobs.iter().filter(|job| job.step == record::NOTIFY) {
            let store = self.gateway().store();
            // Before all others, a delivery that was made again among them.
            let first = Timestamp::UNIX_EPOCH - Duration::from_secs(1);
            store.retry_at(notice.lease, first, "").await.unwrap();
            let job = self.take(1).await.pop().unwrap();
            assert_eq!(job.step, record::NOTIFY);
            deliver::resume(self.gateway(), job).await;
        }
    }

    async fn again(&self, other: bool) -> Result<(), Refusal> {
        let mut request = self.request.clone();
        if other {
            request.purpose = "another".to_owned();
        }
        match self.submit(request).await? {
            Filed::Before(id) => assert_eq!(Some(id), self.case),
            Filed::Now(..) => panic!("one request opened two cases"),
        }
        Ok(())
    }

    async fn supplement(&mut self, facts: Facts) -> Result<(), Refusal> {
        self.supplements += 1;
        let message = v1::SupplementRequest {
            name: self.name(),
            request_id: format!("supplement/{}", self.supplements),
            facts: law::stated(facts),
            answer: "as asked".to_owned(),
            ..v1::SupplementRequest::default()
        };
        let caller = caller("DE", "sta", Role::Issuing);
        let done = supplement::carry_out(self.gateway(), &caller, message.clone()).await;
        let (done, replayed) = done?;
        assert!(!replayed);
        self.taken = Some(message);
        self.hold(done.case, done.job);
        Ok(())
    }

    async fn supplement_again(&self, other: bool) -> Result<(), Refusal> {
        let mut message = self.taken.clone().unwrap();
        if other {
            message.answer = "another".to_owned();
        }
        let caller = caller("DE", "sta", Role::Issuing);
        let (done, replayed) = supplement::carry_out(self.gateway(), &caller, message).await?;
        assert!(replayed && done.job.is_none());
        Ok(())
    }

    async fn withdraw(&self) -> Result<(), Refusal> {
        let message = v1::WithdrawRequest {
            name: self.name(),
            reason: "no need any more".to_owned(),
            request_id: String::new(),
        };
        let caller = caller("DE", "sta", Role::Issuing);
        let withdrawn = withdraw::carry_out(self.gateway(), &caller, message).await;
        withdrawn.map(drop)
    }

    async fn decide(&mut self, task: u32, person: usize, verdict: Verdict) -> Result<(), Refusal> {
        let (verdict, question) = match verdict {
            Verdict::Release => (ReviewVerdict::Release, ""),
            Verdict::Refuse => (ReviewVerdict::Refuse, ""),
            Verdict::Consult => (ReviewVerdict::Consult, "is it so?"),
        };
        let message = DecideRequest {
            name: format!("tasks/{}-{task}", self.id()),
            verdict: verdict.into(),
            reasons: "because".to_owned(),
            question: question.to_owned(),
            ..DecideRequest::default()
        };
        let reviewer = Reviewer {
            caller: &caller("FR", "tj", Role::Reviewer),
            holder: &self.persons[person],
        };
        let decided = review::decide::carry_out(self.gateway(), reviewer, &message).await;
        let (done, _) = decided?;
        self.hold(done.case, done.job);
        Ok(())
    }

    /// Whoever made a delivery begins it; one made before is begun no more by it.
    fn hold(&mut self, case: CaseAt, job: Option<Durable<StoredJob>>) {
        if let Some(job) = job {
            self.held = Some((job, case));
        }
    }

    async fn work(&mut self, claimed: usize, mode: Mode) {
        self.fake.set(mode);
        let gateway = self.gateway().clone();
        let mut work = if let Some((job, case)) = self.held.take() {
            tokio::spawn(async move { drop(deliver::first(gateway, job, case).await) })
        } else {
            let Some(job) = self.claim(claimed).await.pop() else {
                return;
            };
            tokio::spawn(async move { deliver::resume(&gateway, job).await })
        };
        match mode {
            // Who holds the job dies before or after the call.
            Mode::Lost => work.abort(),
            Mode::Cut => tokio::select! {
                () = self.fake.cut() => work.abort(),
                // Of a case that is over the backend hears nothing.
                ended = &mut work => return ended.unwrap(),
            },
            Mode::Down | Mode::Unheard | Mode::Acked | Mode::Answered | Mode::Rejected => {}
        }
        if let Err(ended) = work.await {
            assert!(ended.is_cancelled(), "{ended}");
        }
    }

    /// Claims so many jobs, the first enqueued.
    async fn claim(&self, limit: usize) -> Vec<Durable<StoredJob>> {
        let store = self.gateway().store();
        for job in store.jobs(&self.id()).await.unwrap().iter().take(limit) {
            let first = store.retry_at(job.lease, Timestamp::UNIX_EPOCH, "");
            first.await.unwrap();
        }
        self.take(limit).await
    }

    /// Claims so many jobs, those first that are ready first.
    async fn take(&self, limit: usize) -> Vec<Durable<StoredJob>> {
        let (store, far) = (self.gateway().store(), FAR.parse().unwrap());
        let ready = store.ready(far).await.unwrap().into_iter();
        let wanted = ready.map(|(target, urgency)| Wanted {
            target,
            urgency,
            limit,
        });
        let claimed = store.claim(wanted.collect(), far, Duration::ZERO).await;
        claimed.unwrap()
    }

    async fn report(&self, report: Report) -> Result<(), Refusal> {
        let (gateway, name) = (self.gateway(), self.name());
        let caller = caller("FR", "tj", Role::Executing);
        let conclude = |kind: v1::ResultKind| {
            let result = v1::Result {
                kind: kind.into(),
                reason: "as it is".to_owned(),
                ground: "act art 9".to_owned(),
                ..v1::Result::default()
            };
            Some(Conclusion::Result(result))
        };
        let conclusion = match report {
            Report::Acknowledge => {
                let message = v1::AcknowledgeRequest {
                    name,
                    ..v1::AcknowledgeRequest::default()
                };
                let done = execute::acknowledge(gateway, &caller, message).await;
                return done.map(drop);
            }
            Report::Progress => {
                let message = v1::ReportProgressRequest {
                    name,
                    note: "it goes on".to_owned(),
                    ..v1::ReportProgressRequest::default()
                };
                let done = execute::report_progress(gateway, &caller, message).await;
                return done.map(drop);
            }
            Report::Postpone => Some(Conclusion::Postponement(v1::Postponement {
                reason: "act art 8".to_owned(),
                until: None,
            })),
            Report::Conclude => conclude(v1::ResultKind::NothingFound),
            Report::Fail => conclude(v1::ResultKind::NotExecuted),
        };
        let message = v1::ConcludeRequest {
            name,
            conclusion,
            form: None,
            request_id: String::new(),
        };
        let done = execute::conclude(gateway, &caller, message).await;
        done.map(drop)
    }

    async fn crash(&mut self, reopen: bool) {
        self.held = None;
        if reopen && let Some(before) = self.gateway.take() {
            before.store().clone().close().await;
            drop(before);
            let anew = gateway(self.dir.path(), &self.policies, &self.channel);
            self.gateway = Some(anew);
        }
    }

    /// The case stands as the reference says.
    pub(super) async fn check(&self, expected: &Reference, told: &[String]) {
        let CaseAt {
            snapshot,
            version,
            row,
            ..
        } = cases::load(self.gateway(), &self.id()).await.unwrap();
        let kept = snapshot.kept();
        let tasks = kept.tasks.iter();
        let open = tasks.map(|task| task.state() == ReviewTaskState::Open);
        let open: Vec<_> = open.collect();
        let jobs = self.gateway().store().jobs(&row.id).await.unwrap();
        let jobs: Vec<_> = jobs
            .iter()
            .map(|job| Job {
                recall: job.step == record::RECALL,
                step: deliver::step(job),
                attempted: job.attempts > 0,
            })
            .collect();
        let asked = consult::open(&snapshot.consultations).count();
        assert_eq!(
            (row.state, row.outcome, version, kept.step),
            (
                expected.state,
                Some(expected.outcome),
                expected.version,
                expected.step
            ),
            "{told:#?}"
        );
        assert_eq!(jobs, expected.jobs, "{told:#?}");
        assert_eq!(open, expected.open_tasks(), "{told:#?}");
        assert_eq!(asked, expected.asked(), "{told:#?}");
        let waits = !row.reviewers.is_empty();
        assert_eq!(waits, expected.waits_for_review(), "{told:#?}");
        let standing = self.fake.standing(&self.name());
        assert_eq!(standing, expected.standing(), "{told:#?}");
        let decision = cases::decision(&snapshot).unwrap();
        let approved = decision.outcome() == v1::Outcome::Approved;
        assert_eq!(approved, expected.outcome == Outcome::Approved);
    }

    fn gateway(&self) -> &Gateway {
        self.gateway.as_ref().unwrap()
    }

    fn id(&self) -> CaseId {
        self.case.clone().unwrap()
    }

    fn name(&self) -> String {
        format!("cases/{}", self.id())
    }
}

fn gateway(dir: &Path, policies: &Arc<Policies>, channel: &Channel) -> Gateway {
    let key = Key::from_seed("gateway.example/log", [3; 32]).unwrap();
    let quiet = Options {
        publish_every: Duration::from_secs(3600),
        ..personal::options()
    };
    let now = Timestamp::now();
    Gateway::new(Parts {
        store: Store::open(dir, key, &quiet).unwrap(),
        policies: Arc::clone(policies),
        metrics: Arc::new(Metrics::new(Arc::clone(policies), None, now)),
        backends: Backends::over("FR".parse().unwrap(), channel.clone()),
        evidence: Evidence::open(&config(dir), watch::channel(false).1).unwrap(),
        witness: crate::witness::open(&config(dir)).unwrap(),
        timestamps: None,
        lanes: Lanes::new(&Limits::default()),
        origin: "gateway.example/log".to_owned(),
        clock: Timestamp::now,
        signed_opinions: false,
        events_per_side: Limits::default().events_per_side,
        max_message_bytes: Limits::default().max_message_bytes,
        stopped: watch::channel(false).1,
    })
}

fn config(dir: &Path) -> Config {
    let file = |name| dir.join(name);
    Config {
        listen: "127.0.0.1:0".parse().unwrap(),
        data: dir.to_owned(),
        policies: crate::config::Policies {
            folder: file("policies"),
            signers: None,
        },
        trust_domain: "comity.example".to_owned(),
        origin: "gateway.example/log".to_owned(),
        ml_dsa: false,
        tls: Tls {
            certificate: file("c"),
            key: file("k"),
            client_ca: file("ca"),
            revocation_lists: Vec::new(),
        },
        metrics: None,
        log: None,
        log_calls: false,
        witnesses: crate::config::Witnesses::default(),
        timestamps: None,
        keys: None,
        evidence: crate::config::Evidence {
            place: Place::Folder(file("evidence")),
            max_item_bytes: 1,
            items_per_side: 1,
            bytes_per_side: 1,
            keep_free_bytes: 1,
            media_types: Vec::new(),
            transfers: 1,
            per_caller: 1,
            expire_after: Duration::from_secs(1),
        },
        retention: Vec::new(),
        backends: Vec::new(),
        signed_opinions: false,
        limits: Limits::default(),
    }
}

fn caller(state: &str, authority: &str, role: Role) -> Caller {
    Caller {
        trust_domain: "comity.example".to_owned(),
        jurisdiction: state.parse().unwrap(),
        authority: authority.parse().unwrap(),
        role,
    }
}

fn person(name: &str) -> Holder {
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.self_signed(&key).unwrap();
    Holder::read(Arc::from(&certificate.der()[..])).unwrap()
}
