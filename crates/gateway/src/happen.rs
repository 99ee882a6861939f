//! What happens to a case: one event, made durable as a whole.
//!
//! Whoever has something to say about a case makes an [`Event`]; [`file`] alone
//! writes it down, so that every change takes the table of transitions, the
//! ledger and the watchers along.

use std::sync::OnceLock;

use comity_domain::{CaseState, IllegalTransition};
use comity_ledger::Leaf;
use comity_policy::Calendars;
use comity_store::{
    CaseChange, CommitError, Committed, Durable, Entry, Expected, Job, Lease, NewJob, RequestKey,
    Term, Transaction, state_name,
};
use jiff::Timestamp;
use prost::Message as _;
use thiserror::Error;

use crate::{
    adding::{self, Adding},
    cases::{self, CaseAt},
    clocks::{self, Happened},
    effects,
    gateway::Gateway,
    hold, outbox, personal, record,
    refusal::Refusal,
    wire::{encoded, to_proto},
};

/// How often a change is tried again when another one came in between.
const ATTEMPTS: usize = 5;

/// What whoever has something to say about an erased case is told.
const ERASED: &str = "the records of the case are erased: nothing is added to it any more";

/// Something that happens to a case.
#[derive(Debug)]
pub(crate) struct Event {
    /// What the ledger says of it; case and state are filled in.
    pub(crate) leaf: Leaf,
    /// Where the case stands after it, which may be where it stood.
    pub(crate) to: CaseState,
    /// What it adds to the case; name, state and time are filled in.
    pub(crate) adds: encoded::Case,
    /// What follows from it.
    pub(crate) enqueue: Vec<NewJob>,
    /// The executing system is told of it, if the case has reached it.
    pub(crate) told: bool,
    /// What it means for the time limits, in order.
    pub(crate) clocks: Vec<Happened>,
    /// The job that it makes needless.
    pub(crate) cancel: Option<Lease>,
    /// What makes a repetition of the call behind it harmless.
    pub(crate) key: Option<RequestKey>,
    /// The personal values of the request that it adds.
    pub(crate) terms: Vec<Term>,
    /// What it is for the limit of what a side may add.
    pub(crate) adding: Adding,
}

impl Event {
    /// Something that happens and from which nothing follows.
    pub(crate) fn new(leaf: Leaf, to: CaseState, adds: encoded::Case) -> Self {
        Self {
            leaf,
            to,
            adds,
            enqueue: Vec::new(),
            told: false,
            clocks: Vec::new(),
            cancel: None,
            key: None,
            terms: Vec::new(),
            adding: Adding::Always,
        }
    }
}

/// An event that could not be recorded; nothing of it is shown to anybody.
#[derive(Debug, Error)]
pub(crate) enum Unfiled {
    /// The case does not allow it.
    #[error(transparent)]
    NotAllowed(#[from] IllegalTransition),
    /// The case changed meanwhile, or another worker holds the delivery.
    #[error("the case changed meanwhile")]
    Conflict,
    /// The same call was recorded before.
    #[error("the call was recorded before")]
    Before,
    /// The call's id was used before for another one.
    #[error("the id was used before for another call")]
    IdReused,
    /// The case cannot be read.
    #[error("the case cannot be read")]
    Unread(#[from] Refusal),
    /// The record cannot be written.
    #[error("the record cannot be written")]
    Unavailable(#[source] CommitError),
}

/// Records an event and ends the job where one is given, and releases what nothing
/// holds after it. What else the row says beside the state, the caller has set in
/// `case` before.
///
/// # Errors
/// [`Unfiled`]: a [`Conflict`](Unfiled::Conflict) also where time has brought something
/// to the case until then, which is recorded first.
pub(crate) async fn file(
    gateway: &Gateway,
    case: CaseAt,
    event: Event,
    job: Option<&Durable<Job>>,
) -> Result<(CaseAt, Durable<Committed>), Unfiled> {
    let at = event.leaf.at;
    if clocks::brought(&case, at)?.is_some() {
        // The event sets out from a case that does not stand so any more.
        let standing = cases::load(gateway, &case.row.id).await?;
        up_to(gateway, standing, at).await?;
        return Err(Unfiled::Conflict);
    }
    let (case, committed) = write(gateway, case, event, job).await?;
    if !hold::is_ripe(&case.snapshot) {
        return Ok((case, committed));
    }
    // Where it cannot be released at once, the engine of the time limits does it.
    let released = Box::pin(up_to(gateway, case.clone(), at)).await;
    Ok((released.unwrap_or(case), committed))
}

/// Makes a change on behalf of a call, and makes it anew where another one came in
/// between.
///
/// # Errors
/// What the caller of `call` is told.
pub(crate) async fn carry_out<T, F>(
    call: &'static str,
    change: impl Fn() -> F,
) -> Result<T, Refusal>
where
    F: Future<Output = Result<T, Unfiled>>,
{
    for _ in 0..ATTEMPTS {
        match change().await {
            Err(Unfiled::Conflict) => {}
            done => return done.map_err(|unfiled| unfiled.refusal(call)),
        }
    }
    Err(Unfiled::Conflict.refusal(call))
}

/// Records what time has brought to a case by an instant, each as its own event.
///
/// # Errors
/// [`Unfiled`].
pub(crate) async fn up_to(
    gateway: &Gateway,
    mut case: CaseAt,
    at: Timestamp,
) -> Result<CaseAt, Unfiled> {
    while let Some((moment, event)) = clocks::brought(&case, at)? {
        (case, _) = Box::pin(write(gateway, case, event, None)).await?;
        if let Some(moment) = moment {
            gateway.metrics().brought(moment);
        }
    }
    Ok(case)
}

async fn write(
    gateway: &Gateway,
    case: CaseAt,
    event: Event,
    job: Option<&Durable<Job>>,
) -> Result<(CaseAt, Durable<Committed>), Unfiled> {
    // Of an erased case there is the row alone.
    if case.snapshot.request.is_none() {
        return Err(Refusal::NotNow(ERASED.to_owned()).into());
    }
    let id = case.row.id.clone();
    let policies = gateway.policies();
    let Step {
        entry,
        enqueue,
        cancel,
        key,
        terms,
        mut case,
    } = step(
        case,
        event,
        (policies.calendars(), gateway.events_per_side()),
    )?;
    let transaction = Transaction {
        key,
        case: Some(case.row.clone()),
        entries: vec![entry],
        enqueue,
        finish: job.map(|job| job.lease).or(cancel),
        terms,
        ..Transaction::default()
    };
    let committed = gateway.store().commit(transaction).await?;
    let request = case.request_digest();
    case.snapshot.receipt = record::receipt(gateway, &committed, &request);
    gateway.changed(&id);
    Ok((case, committed))
}

/// What an event makes of a case; nothing of it has happened yet.
pub(crate) struct Step {
    pub(crate) entry: Entry,
    pub(crate) enqueue: Vec<NewJob>,
    pub(crate) cancel: Option<Lease>,
    pub(crate) key: Option<RequestKey>,
    pub(crate) terms: Vec<Term>,
    /// The case as it will stand.
    pub(crate) case: CaseAt,
}

/// Takes an event into a case.
///
/// # Errors
/// The case does not allow it, or is not one that a gateway wrote, or a side that may add
/// `events_per_side` has added as much.
pub(crate) fn step(
    case: CaseAt,
    event: Event,
    (calendars, events_per_side): (Calendars<'_>, u32),
) -> Result<Step, Unfiled> {
    let Event {
        leaf,
        to,
        adds,
        mut enqueue,
        told,
        clocks: happened,
        cancel,
        key,
        mut terms,
        adding,
    } = event;
    if let Some(form) = &adds.form {
        terms.extend(personal::of_report(&leaf.kind, form));
    }
    if told && cases::is_or_was_delivered(&case) {
        enqueue.push(record::notice(&case.row, case.version + 1, leaf.at));
    }
    let CaseAt {
        snapshot,
        digest,
        obligations,
        version,
        mut row,
    } = case;
    if to != row.state {
        row.state.step(to)?;
    }
    if to.is_final() {
        // Nobody is asked about what is over.
        row.reviewers.clear();
    }
    // Only what the event adds: the rest stands in the records before it.
    let adds = encoded::Case {
        state: to_proto::case_state(to).into(),
        updated_at: Some(to_proto::timestamp(leaf.at)),
        ..adds
    };
    let (before, when) = ((&snapshot, &row), (to, leaf.at));
    let (mut adds, wake_at) = effects::of(calendars, before, adds, happened, when)?;
    let bytes = adds.encoded_len();
    adding::count((adding, events_per_side), &snapshot, &mut adds, bytes)?;
    let record = adds.encode_to_vec();
    let digest = match adds.request {
        Some(_) => OnceLock::new(),
        None => digest,
    };
    let snapshot = snapshot.then(adds);
    let wake_at = hold::is_ripe(&snapshot).then_some(leaf.at).or(wake_at);
    let leaf = placed(leaf, &row, to);
    row.owes = outbox::owes(to, &snapshot);
    let case = CaseAt {
        snapshot,
        digest,
        obligations,
        version: version + 1,
        row: CaseChange {
            expected: Expected::Version(version),
            state: to,
            wake_at,
            ..row
        },
    };
    Ok(Step {
        entry: Entry { leaf, record },
        enqueue,
        cancel,
        key,
        terms,
        case,
    })
}

/// What the ledger says of an event, with the case and where that stands after it.
fn placed(leaf: Leaf, row: &CaseChange, to: CaseState) -> Leaf {
    Leaf {
        case: Some(row.id.to_string()),
        state: Some(state_name(to).to_owned()),
        exercise: row.exercise,
        ..leaf
    }
}

impl Unfiled {
    /// What the caller of `call` is told.
    pub(crate) fn refusal(self, call: &'static str) -> Refusal {
        match self {
            Self::NotAllowed(error) => Refusal::NotAllowedNow {
                call,
                state: error.from,
                allowed: leading_to(error.to),
            },
            Self::Conflict => Refusal::Conflict("the case"),
            Self::Before | Self::IdReused => Refusal::IdReused,
            Self::Unread(refusal) => refusal,
            Self::Unavailable(error) => record::unavailable(error),
        }
    }
}

/// The states from which a case may move to one.
pub(crate) fn leading_to(to: CaseState) -> Vec<CaseState> {
    let all = CaseState::ALL.into_iter();
    all.filter(|state| state.next().contains(&to)).collect()
}

impl From<CommitError> for Unfiled {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict { .. } | CommitError::LeaseLost => Self::Conflict,
            CommitError::Replay(_) => Self::Before,
            CommitError::Mismatch => Self::IdReused,
            CommitError::IllegalTransition(error) => Self::NotAllowed(error),
            CommitError::Unavailable(_)
            | CommitError::Failed
            | CommitError::Keys(_)
            | CommitError::OldKey(_)
            | CommitError::Held { .. }
            | CommitError::Invalid(_) => Self::Unavailable(error),
        }
    }
}
