//! Recording: nothing leaves the gateway, and nothing is answered, before it
//! stands in the ledger.

use std::{collections::BTreeSet, mem, time::Duration};

use comity::v1;
use comity_domain::{CaseId, CaseState, Decision, Digest, Outcome};
use comity_ledger::{Hash, Leaf};
use comity_policy::{Permit, Verdict};
use comity_store::{
    CaseChange, CommitError, Committed, Durable, Entry, Expected, Job, NewJob, RequestKey,
    Transaction, outcome_name, state_name,
};
use jiff::Timestamp;
use prost::Message as _;
use uuid::Uuid;

use crate::{
    admit::{Admission, InTeam},
    cases::{self, CaseAt},
    clocks, conditions, effects,
    gateway::Gateway,
    identity::Caller,
    origin,
    refusal::Refusal,
    review::tasks,
    room,
    wire::{
        self,
        encoded::{self, Errand},
        to_proto,
    },
};

/// The job by which a request is handed over.
pub(crate) const DELIVER: &str = "deliver";
/// The job by which what was handed over is taken back.
pub(crate) const RECALL: &str = "recall";
/// The job by which the executing system is told of an event.
pub(crate) const NOTIFY: &str = "notify";
/// The job by which the parties of a case learn of a further use of its data.
pub(crate) const ONWARD: &str = "onward";
/// Number of the step by which a request is first handed over.
const FIRST_STEP: u32 = 1;
/// How long a delivery may take before another worker takes it over; longer
/// than any single attempt.
pub(crate) const LEASE: Duration = Duration::from_secs(90);
/// When to come back after the record could not be written.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(5);

/// What became of a submission.
#[derive(Debug)]
pub(crate) enum Filed {
    /// It is on record now: the case it opened and, where the request is
    /// approved, the right to deliver it.
    Now(Box<CaseAt>, Option<Durable<Job>>),
    /// It had been recorded before, as this case.
    Before(CaseId),
}

/// Records a decision and, if it approves, the delivery it permits.
pub(crate) async fn decision(
    gateway: &Gateway,
    caller: &Caller,
    mut admission: Admission,
    verdict: Verdict,
) -> Result<Filed, Refusal> {
    let terms = mem::take(&mut admission.terms);
    let Verdict { decision, permit } = verdict;
    let now = gateway.now();
    let id = gateway.new_case_id();
    let digest = admission.digest;
    let state = state_after(decision.outcome);
    let key = RequestKey {
        caller: caller.to_string(),
        request_id: admission.request.id.clone(),
        digest: admission.sent,
    };
    let leaf = Leaf {
        case: Some(id.to_string()),
        state: Some(state_name(state).to_owned()),
        ..decision_leaf(now, "decision", caller, &admission, &decision)
    };
    let happened = vec![clocks::decided(
        None,
        &decision,
        &admission.request.executing,
    )];
    let library = admission.library();
    let mut row = change(&id, state, caller, &admission, &decision);
    let delivery = permit.map(|permit| job(&row, permit, FIRST_STEP, now));
    let told = origin::told(&row, &admission, now);
    let (adds, obligations) = snapshot(&id, state, admission, &decision, now);
    if !state.is_final() {
        row.reviewers = tasks::reviewers(&adds.kept().tasks);
    }
    let before = encoded::Case::default();
    let before = (&before, &row);
    let (mut snapshot, wake_at) =
        effects::of(library.calendars(), before, adds, happened, (state, now))?;
    row.wake_at = wake_at;
    let record = snapshot.encode_to_vec();
    let transaction = Transaction {
        key: Some(key),
        case: Some(row.clone()),
        unmoved: None,
        entries: vec![Entry { leaf, record }],
        enqueue: delivery.into_iter().chain(told).collect(),
        finish: None,
        essential: false,
        terms,
    };
    let mut committed = match gateway.store().commit(transaction).await {
        Ok(committed) => committed,
        Err(CommitError::Replay(id)) => return Ok(Filed::Before(id)),
        Err(CommitError::Mismatch) => {
            return Err(attempt(gateway, Some(caller), Refusal::IdReused).await);
        }
        Err(error) => return Err(unavailable(error)),
    };
    gateway.metrics().decided("submit", decision.outcome);
    snapshot.receipt = receipt(gateway, &committed, &digest);
    let job = committed.take_held().next();
    Ok(Filed::Now(
        Box::new(CaseAt {
            snapshot,
            digest: digest.into(),
            obligations: Some(obligations),
            version: 1,
            row,
        }),
        job,
    ))
}

/// How a request was tried out.
#[derive(Debug)]
pub(crate) enum Trial<'a> {
    /// By who may send it.
    Preflight,
    /// By who may send it or a legal team, with the reasons.
    Explain,
    /// By a legal team, also under a bundle that was in force before, which
    /// decided so.
    Compare(&'a Decision),
}

/// Records that a request was tried out, and what the bundle in force decided.
pub(crate) async fn trial(
    gateway: &Gateway,
    caller: &Caller,
    (admission, decision): (&Admission, &Decision),
    trial: Trial<'_>,
) -> Result<(), Refusal> {
    let (kind, note) = match trial {
        Trial::Preflight => ("preflight", None),
        Trial::Explain => ("explain", None),
        Trial::Compare(other) => {
            let outcome = outcome_name(other.outcome);
            ("compare", Some(format!("{outcome} by {}", other.bundle)))
        }
    };
    let record = admission.encoded.to_vec();
    gateway.budget().spend(&caller.to_string(), record.len())?;
    let leaf = decision_leaf(gateway.now(), kind, caller, admission, decision);
    let leaf = Leaf { note, ..leaf };
    let transaction = Transaction {
        entries: vec![Entry { leaf, record }],
        terms: admission.terms.clone(),
        ..Transaction::default()
    };
    commit(gateway, transaction).await?;
    gateway.metrics().decided(kind, decision.outcome);
    Ok(())
}

/// Records that somebody tried what was refused, and hands the refusal back.
///
/// Where the record cannot be written the caller is told that instead: what
/// is not on record is not answered.
pub(crate) async fn attempt(
    gateway: &Gateway,
    caller: Option<&Caller>,
    refusal: Refusal,
) -> Refusal {
    let kind = match refusal {
        Refusal::Unauthenticated(_)
        | Refusal::NotCompetent(_)
        | Refusal::PermissionDenied { .. } => "unauthorised",
        Refusal::Malformed(_)
        | Refusal::TooLarge { .. }
        | Refusal::Compressed
        | Refusal::ItemTooLarge { .. }
        | Refusal::WrongDigest { .. } => "malformed",
        Refusal::IdReused => "replay-mismatch",
        Refusal::NotFound { .. }
        | Refusal::NoBundle(_)
        | Refusal::NotAllowedNow { .. }
        | Refusal::NotNow(_)
        | Refusal::NotOpen { .. }
        | Refusal::Conflict(_)
        | Refusal::NotCosigned(_)
        | Refusal::Damaged
        | Refusal::NotYet(_) => "refused",
        // Nothing was refused: the caller is told when, or where, to go on.
        Refusal::Unavailable { .. }
        | Refusal::NotTimestamped { .. }
        | Refusal::Overloaded { .. }
        | Refusal::Interrupted { .. }
        | Refusal::WrongOffset { .. }
        | Refusal::Internal(_) => {
            return refusal;
        }
    };
    let actor = caller.map_or_else(|| "unknown".to_owned(), ToString::to_string);
    if let Err(overloaded) = gateway.budget().spend(&actor, 0) {
        return overloaded;
    }
    let note = Some(refusal.reason().to_owned());
    match event(
        gateway,
        Leaf {
            note,
            ..Leaf::new(gateway.now(), kind, &actor)
        },
        Vec::new(),
    )
    .await
    {
        Ok(()) => refusal,
        Err(unavailable) => unavailable,
    }
}

/// What a call came to, with a refusal put on record.
pub(crate) async fn attempted<T>(
    gateway: &Gateway,
    caller: &Caller,
    result: Result<T, Refusal>,
) -> Result<T, Refusal> {
    match result {
        Ok(done) => Ok(done),
        // Boxed, as whatever most calls have no need of: they are smaller without it.
        Err(refusal) => Err(Box::pin(attempt(gateway, Some(caller), refusal)).await),
    }
}

/// Records something that concerns no case.
pub(crate) async fn event(gateway: &Gateway, leaf: Leaf, record: Vec<u8>) -> Result<(), Refusal> {
    let transaction = Transaction {
        entries: vec![Entry { leaf, record }],
        ..Transaction::default()
    };
    commit(gateway, transaction).await
}

/// What whoever would erase evidence of a case under a legal hold is told.
pub(crate) fn held() -> Refusal {
    Refusal::NotNow(
        "the case is under a legal hold: nothing of it is erased while that stands".to_owned(),
    )
}

/// An entry that is written beyond the size limit too.
pub(crate) fn essential(leaf: Leaf, record: Vec<u8>) -> Transaction {
    Transaction {
        entries: vec![Entry { leaf, record }],
        essential: true,
        ..Transaction::default()
    }
}

async fn commit(gateway: &Gateway, transaction: Transaction) -> Result<(), Refusal> {
    let committed = gateway.store().commit(transaction).await;
    committed.map(drop).map_err(unavailable)
}

/// Records that the gateway starts, under which bundle and with which signatures.
/// A store that is over its limit takes it too: deliveries accepted before wait for
/// this start.
pub(crate) async fn start(gateway: &Gateway, signatures: Vec<u8>) -> Result<(), Refusal> {
    let leaf = Leaf {
        bundle: Some(Hash(gateway.policies().digest().0)),
        ..Leaf::new(gateway.now(), "start", "gateway")
    };
    commit(gateway, essential(leaf, signatures)).await
}

/// Records that the gateway is there, and nothing else has happened.
pub(crate) async fn heartbeat(gateway: &Gateway) -> Result<(), Refusal> {
    let leaf = Leaf::new(gateway.now(), "heartbeat", "gateway");
    event(gateway, leaf, Vec::new()).await
}

/// Records that a bundle takes the place of the one in force. Who signed it is
/// sealed: keys may be named after people.
pub(crate) async fn bundle_loaded(
    gateway: &Gateway,
    bundle: Digest,
    signatures: Vec<u8>,
) -> Result<(), Refusal> {
    let leaf = Leaf {
        bundle: Some(Hash(bundle.0)),
        note: Some(format!("replaces {}", gateway.policies().digest())),
        ..Leaf::new(gateway.now(), "policy-load", "gateway")
    };
    event(gateway, leaf, signatures).await
}

/// Records that what is in the policy folder cannot come into force, and which
/// bundle stays. `remark` says nothing of the files but what is wrong with them.
pub(crate) async fn bundle_rejected(gateway: &Gateway, remark: String) -> Result<(), Refusal> {
    let leaf = Leaf {
        bundle: Some(Hash(gateway.policies().digest().0)),
        note: Some(remark),
        ..Leaf::new(gateway.now(), "policy-rejected", "gateway")
    };
    event(gateway, leaf, Vec::new()).await
}

/// Records that other TLS material is in force: SHA-256 and name of each file of it, as
/// `sha256sum` writes them, but for the key. It is in force already, and so is recorded
/// beyond the size limit too.
pub(crate) async fn tls_loaded(gateway: &Gateway, sums: String) -> Result<(), Refusal> {
    let leaf = Leaf::new(gateway.now(), "tls-load", "gateway");
    commit(gateway, essential(leaf, sums.into_bytes())).await
}

/// The receipt for the last entry of a commit.
pub(crate) fn receipt(
    gateway: &Gateway,
    committed: &Committed,
    request: &Digest,
) -> Option<v1::Receipt> {
    let receipt = committed.receipts.last()?;
    Some(to_proto::receipt(to_proto::Receipt {
        origin: gateway.origin(),
        index: receipt.index,
        leaf_hash: Digest(receipt.leaf_hash.0),
        request: *request,
        published: None,
    }))
}

/// What the caller is told when the record cannot be written or read.
pub(crate) fn unavailable(error: impl std::error::Error + 'static) -> Refusal {
    // That there is no room is told once, not with each request.
    if let Some(what) = room::refusal(&error) {
        let retry_after = RETRY_AFTER;
        return Refusal::Unavailable { what, retry_after };
    }
    tracing::error!(
        error = &error as &dyn std::error::Error,
        "the store refuses work"
    );
    Refusal::Unavailable {
        what: "the ledger",
        retry_after: RETRY_AFTER,
    }
}

/// The delivery that a permit allows: the only place where one is made.
pub(crate) fn job(case: &CaseChange, permit: Permit, step: u32, now: Timestamp) -> NewJob {
    NewJob {
        case: case.id.clone(),
        step: DELIVER.to_owned(),
        target: permit.executing().0.clone(),
        urgency: case.precedence(),
        due: now,
        held_until: Some(now + LEASE),
        body: Errand { step }.encode_to_vec(),
    }
}

/// The recall of what a case handed over in earlier steps.
pub(crate) fn recall(case: &CaseChange, step: u32, now: Timestamp) -> NewJob {
    NewJob {
        case: case.id.clone(),
        step: RECALL.to_owned(),
        target: case.executing.0.clone(),
        urgency: case.precedence(),
        due: now,
        held_until: None,
        body: Errand { step }.encode_to_vec(),
    }
}

/// The job that tells the executing system of the event by which a case comes to
/// its `version`.
pub(crate) fn notice(case: &CaseChange, version: u64, now: Timestamp) -> NewJob {
    let message = v1::NotifyRequest {
        case: format!("cases/{}", case.id),
        step: u32::try_from(version).unwrap_or(u32::MAX),
        // Shown as it is on record, once it is.
        event: None,
    };
    NewJob {
        case: case.id.clone(),
        step: NOTIFY.to_owned(),
        target: case.executing.0.clone(),
        urgency: case.precedence(),
        due: now,
        held_until: None,
        body: message.encode_to_vec(),
    }
}

/// The job that tells the parties of `source` what became of the request `asking`
/// for the data that they exchanged.
pub(crate) fn onward(asking: &CaseChange, source: CaseId, now: Timestamp) -> NewJob {
    NewJob {
        case: source,
        step: ONWARD.to_owned(),
        target: asking.issuing.0.clone(),
        urgency: asking.precedence(),
        due: now,
        held_until: None,
        body: format!("cases/{}", asking.id).encode_to_vec(),
    }
}

fn change(
    id: &CaseId,
    state: CaseState,
    caller: &Caller,
    admission: &Admission,
    decision: &Decision,
) -> CaseChange {
    let request = &admission.request;
    CaseChange {
        id: id.clone(),
        expected: Expected::New,
        state,
        issuing: request.issuing.clone(),
        executing: request.executing.clone(),
        instrument: decision.instrument.clone(),
        outcome: Some(decision.outcome),
        exercise: request.exercise,
        urgency: request.urgency,
        owner: caller.to_string(),
        request_id: request.id.clone(),
        wake_at: None,
        owes: state == CaseState::Approved,
        reviewers: BTreeSet::new(),
        team: match &admission.team {
            None => None,
            Some(InTeam::SetsUp) => Some(id.clone()),
            Some(InTeam::Shares(team)) => Some(team.clone()),
        },
    }
}

/// What the ledger says of a decision.
pub(crate) fn decision_leaf(
    at: Timestamp,
    kind: &str,
    caller: &Caller,
    admission: &Admission,
    decision: &Decision,
) -> Leaf {
    let request = &admission.request;
    Leaf {
        outcome: Some(outcome_name(decision.outcome).to_owned()),
        instrument: decision.instrument.as_ref().map(ToString::to_string),
        issuing: Some(request.issuing.0.to_string()),
        executing: Some(request.executing.0.to_string()),
        measure: Some(request.measure.to_string()),
        rules: rules(decision),
        bundle: Some(Hash(decision.bundle.0)),
        request: Some(Hash(admission.digest.0)),
        exercise: request.exercise,
        ..Leaf::new(at, kind, &caller.to_string())
    }
}

/// What the ledger says of an event that leaves the decision in force.
pub(crate) fn standing_leaf(
    at: Timestamp,
    kind: &str,
    caller: &Caller,
    case: &CaseAt,
) -> Result<Leaf, Refusal> {
    let decision = cases::decision(&case.snapshot)?;
    let rules = wire::rules_found(&decision);
    let row = &case.row;
    Ok(Leaf {
        outcome: row.outcome.map(|outcome| outcome_name(outcome).to_owned()),
        instrument: row.instrument.as_ref().map(ToString::to_string),
        issuing: Some(row.issuing.0.to_string()),
        executing: Some(row.executing.0.to_string()),
        rules: rules.map(|rule| rule.rule_id.clone()).collect(),
        bundle: decision
            .bundle_sha256
            .parse()
            .ok()
            .map(|Digest(bundle)| Hash(bundle)),
        request: Some(Hash(case.request_digest().0)),
        ..Leaf::new(at, kind, &caller.to_string())
    })
}

/// Ids of every rule that was found to hold or could not be judged.
fn rules(decision: &Decision) -> Vec<String> {
    let grounds = decision.grounds.iter().map(|found| &found.rule);
    let requirements = decision.requirements.iter().map(|found| &found.rule);
    let referrals = decision.referrals.iter().map(|found| &found.rule);
    let obligations = decision.obligations.iter().map(|found| &found.rule);
    let found = grounds
        .chain(requirements)
        .chain(referrals)
        .chain(obligations);
    found
        .chain(&decision.permits)
        .map(|rule| rule.rule.to_string())
        .collect()
}

/// The case as it opens, and the conditions of its decision.
fn snapshot(
    id: &CaseId,
    state: CaseState,
    admission: Admission,
    decision: &Decision,
    now: Timestamp,
) -> (encoded::Case, Vec<v1::Obligation>) {
    let at = Some(to_proto::timestamp(now));
    let approved = decision.outcome == Outcome::Approved;
    let decision = to_proto::decision(decision, &Uuid::now_v7().to_string(), now);
    let kept = encoded::Kept {
        language: admission.language().to_owned(),
        step: if approved { FIRST_STEP } else { 0 },
        tasks: tasks::renew(&[], &decision, now),
        ..encoded::Kept::default()
    };
    let case = encoded::Case {
        name: format!("cases/{id}"),
        request_id: admission.request.id.to_string(),
        state: to_proto::case_state(state).into(),
        exercise: admission.request.exercise,
        request: Some(admission.encoded),
        decision: Some(decision.encode_to_vec().into()),
        received_at: at,
        updated_at: at,
        conditions: conditions::renewed(&[], &decision, (&admission.conditions, false)),
        kept: Some(kept),
        ..encoded::Case::default()
    };
    (case, decision.obligations)
}

/// Where a decision leaves a case from which nothing was handed over.
pub(crate) fn state_after(outcome: Outcome) -> CaseState {
    match outcome {
        Outcome::Approved => CaseState::Approved,
        Outcome::Incomplete => CaseState::Incomplete,
        Outcome::Referred => CaseState::UnderReview,
        Outcome::Refused => CaseState::Refused,
    }
}
