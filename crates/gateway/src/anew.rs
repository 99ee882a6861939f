//! Deciding a case anew: after its requester supplied something, or once humans
//! have answered what was referred to them. The bundle in force decides, by the
//! law of the day on which the request was issued; nobody's word does alone.

mod follows;

use comity::v1;
use comity_domain::{BoundParty, Outcome};
use comity_ledger::Leaf;
use comity_policy::Verdict;
use comity_store::{Durable, Job};
use prost::{Message as _, bytes::Bytes};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::{
    admit::{self, Admission},
    cases::{self, CaseAt},
    clocks, conditions, deliver, evidence,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    hold,
    identity::Caller,
    origin,
    recall::TakenBack,
    record,
    refusal::Refusal,
    review::tasks,
    team,
    wire::{
        encoded::{self, Kept, Task},
        to_proto,
    },
};

use self::follows::Follows;

/// A case as it is decided anew.
#[derive(Debug)]
pub(crate) struct Anew {
    admission: Admission,
    verdict: Verdict,
    /// Its tasks, with every answer that was taken into account.
    tasks: Vec<Task>,
    /// The decision in whose place this one comes.
    before: v1::Decision,
}

/// What a case is decided anew for.
#[derive(Debug)]
pub(crate) struct Occasion<'a> {
    /// Kind of the event.
    pub(crate) kind: &'static str,
    pub(crate) by: &'a Caller,
    /// One sentence without personal data.
    pub(crate) note: String,
}

/// The request of a case, as it stands.
pub(crate) fn request(case: &CaseAt) -> Result<v1::CooperationRequest, Refusal> {
    let request = case.snapshot.request.clone().unwrap_or_default();
    v1::CooperationRequest::decode(request).map_err(cases::damaged)
}

/// Decides a case by a request and by the answers that tasks hold.
///
/// # Errors
/// What the request lacks to be decided by the bundle in force.
pub(crate) async fn decide(
    gateway: &Gateway,
    case: &CaseAt,
    request: v1::CooperationRequest,
    tasks: Vec<Task>,
) -> Result<Anew, Refusal> {
    bounded(gateway, case, &request)?;
    let request = origin::renew(gateway, case, request).await?;
    let request = team::known_again(gateway, request).await?;
    let lost = origin::is_lost(&request);
    let admission = admit::again(gateway, request, case.snapshot.kept().language.clone())?;
    let before = cases::decision(&case.snapshot)?;
    // What is to be done in time from now on is not late for what went before.
    let received = clocks::arrived(&before, &case.row.executing);
    let rulings = tasks::rulings(&case.row.id, &tasks);
    let verdict = admission.decide_anew(received.unwrap_or_else(|| gateway.now()), &rulings);
    if lost && verdict.decision.outcome == Outcome::Approved {
        return Err(Refusal::NotNow(
            "the data that it is about are not there any more to be used: nothing can be allowed, only refused or withdrawn".to_owned(),
        ));
    }
    Ok(Anew {
        admission,
        verdict,
        tasks,
        before,
    })
}

/// Lets no request grow beyond what one message may have: it is to be handed over and read
/// as one.
fn bounded(
    gateway: &Gateway,
    case: &CaseAt,
    request: &v1::CooperationRequest,
) -> Result<(), Refusal> {
    let before = case.snapshot.request.as_ref().map_or(0, Bytes::len);
    let most = gateway.max_message_bytes().max(before);
    if request.encoded_len() > most {
        return Err(Refusal::TooLarge {
            what: "the request with what is supplied",
            limit: format!("{most} bytes"),
        });
    }
    Ok(())
}

/// The event by which a case is decided anew, with what `adds` says besides.
pub(crate) async fn event(
    gateway: &Gateway,
    case: &mut CaseAt,
    anew: Anew,
    occasion: Occasion<'_>,
    adds: encoded::Case,
) -> Result<Event, Refusal> {
    let Anew {
        admission,
        verdict: Verdict { decision, permit },
        tasks: answered,
        before,
    } = anew;
    let now = gateway.now();
    let leaf = record::decision_leaf(now, occasion.kind, occasion.by, &admission, &decision);
    let leaf = Leaf {
        note: Some(occasion.note),
        ..leaf
    };
    let follows = Follows::from(gateway, case, (decision.outcome, permit)).await?;
    let shown = to_proto::decision(&decision, &Uuid::now_v7().to_string(), now);
    let tasks = tasks::renew(&answered, &shown, now);
    let told = origin::told(&case.row, &admission, now);
    let mut happened = vec![clocks::decided(
        Some(&before),
        &decision,
        &case.row.executing,
    )];
    case.row.outcome = Some(decision.outcome);
    case.row.instrument = decision.instrument;
    case.row.reviewers = tasks::reviewers(&tasks);
    // The conditions of the decision before bind nobody any more.
    case.obligations = None;
    let Follows {
        to,
        step,
        back: TakenBack { cancel, recall },
        delivery,
        handover,
    } = follows;
    let (recalling, recall) = recall.unzip();
    let kept = Kept {
        step,
        tasks: tasks::changed(tasks, &case.snapshot.kept().tasks),
        recall,
        handover,
        ..adds.kept.unwrap_or_default()
    };
    let shows = case.snapshot.result.as_ref().is_some_and(hold::tells);
    let passed = shows || evidence::has_passed(gateway, case, BoundParty::Issuing).await?;
    let set = (&admission.conditions[..], passed);
    let conditions = conditions::renewed(&case.snapshot.conditions, &shown, set);
    // Nothing is postponed where nothing is there to be done.
    if to != case.row.state && !to.is_under_way() {
        happened.extend(clocks::not_postponed());
    }
    let adds = encoded::Case {
        request: Some(admission.encoded),
        decision: Some(Bytes::from(shown.encode_to_vec())),
        conditions,
        kept: Some(kept),
        ..adds
    };
    Ok(Event {
        enqueue: [recalling, delivery, told].into_iter().flatten().collect(),
        clocks: happened,
        cancel,
        terms: admission.terms,
        ..Event::new(leaf, to, adds)
    })
}

/// A case after a call, and the delivery that the call permits.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) case: CaseAt,
    pub(crate) job: Option<Durable<Job>>,
}

impl Done {
    /// A call from which nothing follows.
    pub(crate) fn nothing_more(case: CaseAt) -> Self {
        Self { case, job: None }
    }

    /// Begins the delivery, as at the first submission.
    pub(crate) fn begin(self, gateway: &Gateway) -> CaseAt {
        let Self { case, job } = self;
        if let Some(job) = job {
            let first = deliver::first(gateway.clone(), job, case.clone());
            let _detached: JoinHandle<_> = tokio::spawn(first);
        }
        case
    }
}

/// Files an event of a call.
pub(crate) async fn file(
    gateway: &Gateway,
    case: CaseAt,
    event: Event,
    call: &'static str,
) -> Result<Done, Unfiled> {
    let anew = event.adds.decision.is_some();
    let (case, mut committed) = happen::file(gateway, case, event, None).await?;
    if let Some(outcome) = case.row.outcome.filter(|_| anew) {
        gateway.metrics().decided(call, outcome);
    }
    let job = committed.take_held().next();
    Ok(Done { case, job })
}
