//! Answers: what the executing side sends back is stripped of what must not
//! leave, recorded, and only then shown to the requester.

use std::{borrow::Cow, collections::HashSet};

use comity::v1::{self, ObligationKind};
use comity_domain::{CaseId, CaseState, JurisdictionCode, RuleId};
use comity_ledger::Leaf;
use comity_store::{Durable, Job, RequestKey};
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};
use prost_types::Struct;
use serde_json::Value;
use tokio::{sync::broadcast, time::Instant};
use tonic::Code;

use crate::{
    adding::{Adding, Side},
    backends::NoAnswer,
    cases::{self, CaseAt},
    clocks::Happened,
    conditions,
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::Caller,
    once::Call,
    redact,
    refusal::Refusal,
    share::{self, Left},
    wire::{
        self,
        answer::Execution,
        encoded::{self, Kept, TeamAct},
        from_proto, to_proto,
    },
};

/// An event of the gateway's own.
const REJECTED: &str = "delivery-rejected";
/// Events of the vocabulary.
const ACKNOWLEDGED: &str = "acknowledged";
const RECOGNISED: &str = "recognised";
const EXTENDED: &str = "extended";
const POSTPONED: &str = "postponed";

/// Something that a side did with a case.
#[derive(Debug)]
pub(crate) struct Answer {
    kind: Cow<'static, str>,
    /// Where the case goes; `None` where it stays.
    to: Option<CaseState>,
    note: String,
    result: Option<wire::answer::Answer>,
    /// What the executing system has, where it does not execute it.
    left: Left,
    /// What else it adds to the case.
    adds: encoded::Case,
    clocks: Vec<Happened>,
    /// It is the issuing side's, and the executing system is told of it.
    told: bool,
    actor: String,
    /// What makes a repetition of the call behind it harmless.
    key: Option<RequestKey>,
    /// A side may say it again and again.
    again: bool,
    /// What it is for the limit of what a side may add.
    adding: Adding,
}

impl Answer {
    /// The executing authority has the request, under a reference of its own if it
    /// gave one.
    pub(crate) fn acknowledged(reference: String) -> Self {
        let note = "the executing authority has the request";
        let answer = Self::new(ACKNOWLEDGED, Some(CaseState::Acknowledged), note);
        answer.happened(ACKNOWLEDGED).referenced(reference)
    }

    /// The executing authority confirms receipt once more, on a form.
    pub(crate) fn confirmed(reference: String) -> Self {
        let note = "receipt is confirmed on the instrument's form";
        let answer = Self::new(ACKNOWLEDGED, None, note);
        let answer = answer.happened(ACKNOWLEDGED).referenced(reference);
        answer.again()
    }

    /// The executing side could not be reached; delivery goes on.
    pub(crate) fn delivering(state: &JurisdictionCode, why: NoAnswer) -> Self {
        let note = match why {
            NoAnswer::NotConfigured(_) => format!(
                "{why} for `{state}` on this gateway; the request is kept, and delivered once there is one"
            ),
            NoAnswer::Failed(
                Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled | Code::Unknown,
            )
            | NoAnswer::Stopping => {
                format!("the executing side cannot be reached ({why}); delivery goes on")
            }
            NoAnswer::Failed(_) => {
                format!("the executing system answered {why}; delivery goes on")
            }
        };
        Self::new("delivery-postponed", Some(CaseState::Delivering), note)
    }

    /// The executing system will never take the request; what it has of it all the
    /// same, from earlier attempts.
    pub(crate) fn rejected(why: NoAnswer, left: Left) -> Self {
        let reason = format!("the executing system rejected the request ({why})");
        let result = without_data(Execution::NotExecuted, reason.clone(), "technical");
        let answer = Self::new(REJECTED, Some(CaseState::NotExecuted), reason);
        Self {
            left,
            result: Some(result),
            ..answer.happened("not-executed")
        }
    }

    /// The executing system took the request, and what it answers is no answer in these
    /// fields; it is asked again.
    pub(crate) fn unreadable(fields: &str) -> Self {
        let note = format!(
            "the executing system's answer cannot be read ({fields}); delivery goes on until it can"
        );
        Self::new("delivery-postponed", Some(CaseState::Delivering), note)
    }

    /// Something that a side reports, with what it says of it.
    pub(crate) fn reported(event: String, to: Option<CaseState>, remark: String) -> Self {
        let note = match to {
            Some(CaseState::Executing) => "execution goes on".to_owned(),
            _ => format!("`{event}` is reported"),
        };
        let answer = Self::new(event.clone(), to, note);
        answer.remarked(remark).happened(event).again()
    }

    /// A side extends a time limit, for a reason that it gives.
    pub(crate) fn extended(extension: Happened, note: String, reason: String) -> Self {
        let answer = Self::new(EXTENDED, None, note);
        let mut answer = answer.remarked(reason).happened(EXTENDED);
        answer.clocks.push(extension);
        answer.again()
    }

    /// Recognition or execution is postponed.
    pub(crate) fn postponed(reason: String, until: Option<Timestamp>) -> Self {
        let note = "recognition or execution is postponed";
        let answer = Self::new(POSTPONED, Some(CaseState::Postponed), note);
        let mut answer = answer.remarked(reason.clone()).happened(POSTPONED);
        answer.adds.postponement_reason = reason;
        answer.adds.postponed_until = until.map(to_proto::timestamp);
        answer.clocks.extend(until.map(Happened::PostponedUntil));
        answer.again()
    }

    /// What came of it.
    pub(crate) fn result(result: wire::answer::Answer) -> Self {
        let answer = match result.execution {
            Execution::NotExecuted => Self::new(
                "not-executed",
                Some(CaseState::NotExecuted),
                "not executed; see the reason",
            ),
            Execution::Complete | Execution::Partial | Execution::NothingFound => Self::new(
                "concluded",
                Some(CaseState::Concluded),
                "the answer is on record",
            ),
        };
        let event = answer.kind.clone();
        Self {
            result: Some(result),
            ..answer.happened(event)
        }
    }

    /// A party signs the agreement on a team.
    pub(crate) fn joined(act: TeamAct) -> Self {
        let signed = without_data(Execution::Complete, String::new(), "");
        let mut answer = Self {
            kind: "team-joined".into(),
            note: "a party has signed the agreement on the team".to_owned(),
            ..Self::result(signed)
        };
        answer.adds.kept = Some(Kept {
            team_acts: vec![act],
            ..Kept::default()
        });
        answer
    }

    /// A party will not sign the agreement on a team.
    pub(crate) fn declined(reason: String) -> Self {
        Self::result(without_data(Execution::NotExecuted, reason, "declined"))
    }

    /// The event that it is.
    pub(crate) fn event(&self) -> &str {
        &self.kind
    }

    /// On the form that the instrument prescribes for it, if one came.
    pub(crate) fn on(mut self, form: Option<Struct>) -> Self {
        self.adds.form = form;
        self
    }

    /// Under which reference the executing authority has it, if it gave one.
    pub(crate) fn referenced(mut self, reference: String) -> Self {
        self.adds.reference = reference;
        self
    }

    /// Under which reference the executing system has it, as it says. One that is none is no
    /// reason to lose the answer.
    pub(crate) fn referenced_by_system(self, case: &CaseId, reference: &str) -> Self {
        if let Ok(reference) = from_proto::line("reference", reference) {
            return self.referenced(reference);
        }
        tracing::warn!(
            case.id = %case,
            "the executing system's reference is not kept: expected at most 512 bytes"
        );
        let note = format!(
            "{}; its reference is longer than 512 bytes, and is not kept",
            self.note
        );
        Self { note, ..self }
    }

    /// An extension that came with it.
    pub(crate) fn with(mut self, extension: Self) -> Self {
        self.clocks.extend(extension.clocks);
        self.note = format!("{}; {}", self.note, extension.note);
        self
    }

    /// The executing system is told of it.
    pub(crate) fn told(self) -> Self {
        Self { told: true, ..self }
    }

    /// Who answered.
    pub(crate) fn by(self, caller: &Caller) -> Self {
        Self {
            actor: caller.to_string(),
            ..self
        }
    }

    /// In which call, and so who answered.
    pub(crate) fn in_call(self, call: &Call<'_>) -> Self {
        let adding = match self.again {
            true => Adding::Report(Side::of(call.caller)),
            false => Adding::Always,
        };
        Self {
            key: call.key(),
            adding,
            ..self.by(call.caller)
        }
    }

    fn new(
        kind: impl Into<Cow<'static, str>>,
        to: Option<CaseState>,
        note: impl Into<String>,
    ) -> Self {
        Self {
            kind: kind.into(),
            to,
            note: note.into(),
            result: None,
            left: Left::Something,
            adds: encoded::Case::default(),
            clocks: Vec::new(),
            told: false,
            actor: "gateway".to_owned(),
            key: None,
            again: false,
            adding: Adding::Always,
        }
    }

    fn again(self) -> Self {
        Self {
            again: true,
            ..self
        }
    }

    /// What it is among the events of the vocabulary.
    fn happened(mut self, event: impl Into<Cow<'static, str>>) -> Self {
        self.clocks.push(Happened::Event(event.into()));
        self
    }

    /// What its actor said of it.
    pub(crate) fn remarked(mut self, remark: String) -> Self {
        self.adds.remark = remark;
        self
    }
}

/// Records an answer, with the executing State's disclosure rules applied, and
/// ends the delivery job where one is given.
pub(crate) async fn file(
    gateway: &Gateway,
    mut case: CaseAt,
    answer: Answer,
    job: Option<&Durable<Job>>,
) -> Result<CaseAt, Unfiled> {
    let Answer {
        kind,
        to,
        note,
        result,
        left,
        mut adds,
        mut clocks,
        told,
        actor,
        key,
        again: _,
        adding,
    } = answer;
    let to = match to {
        Some(to) => case.row.state.step(to)?,
        None => case.row.state,
    };
    if result.is_some() && kind != REJECTED && !is_acknowledged(case.row.state) {
        // Who answers at once has the request.
        clocks.insert(0, Happened::Event(ACKNOWLEDGED.into()));
    }
    if (case.row.state, to) == (CaseState::Acknowledged, CaseState::Executing) {
        // What is being executed has been recognised.
        clocks.insert(0, Happened::Event(RECOGNISED.into()));
    }
    let rejected = match &result {
        Some(result) if to == CaseState::NotExecuted => {
            let of = (&case, job.map(|job| &**job));
            Box::pin(share::rejected(gateway, of, (&result.reason, left))).await?
        }
        _ => None,
    };
    let result = match result {
        None => None,
        Some(result) => {
            let obligations = match case.obligations.take() {
                Some(obligations) => obligations,
                None => cases::obligations(&case.snapshot)?,
            };
            let shown = disclose(&case.snapshot, obligations, result);
            adds.conditions = conditions::added(&case.snapshot.conditions, &shown.obligations);
            Some(Bytes::from(shown.encode_to_vec()))
        }
    };
    let leaf = Leaf {
        note: Some(note),
        ..Leaf::new(gateway.now(), &kind, &actor)
    };
    let mut event = Event {
        clocks,
        told,
        key,
        adding,
        ..Event::new(leaf, to, encoded::Case { result, ..adds })
    };
    if let Some(rejected) = rejected {
        event.enqueue.extend(rejected.recall);
        event.cancel = rejected.cancel;
        event.adds.kept = Some(rejected.kept);
        event.adds.conditions.extend(rejected.conditions);
    }
    let (case, _) = Box::pin(happen::file(gateway, case, event, job)).await?;
    Ok(case)
}

fn without_data(execution: Execution, reason: String, ground: &str) -> wire::answer::Answer {
    wire::answer::Answer {
        execution,
        data: None,
        conditions: Vec::new(),
        redacted: Vec::new(),
        reason,
        ground: ground.to_owned(),
    }
}

/// Takes out what must not leave the executing State and attaches what binds
/// the receiver. What cannot be redacted with certainty is withheld whole.
fn disclose(
    case: &encoded::Case,
    mut obligations: Vec<v1::Obligation>,
    mut answer: wire::answer::Answer,
) -> v1::Result {
    number(case, &obligations, &mut answer.conditions);
    obligations.append(&mut answer.conditions);
    let paths = obligations
        .iter()
        .filter(|obligation| obligation.kind() == ObligationKind::Redact)
        .map(|obligation| obligation.parameters.get("path").map_or("", String::as_str));
    let mut data = Value::Object(answer.data.take().unwrap_or_default());
    let redacted = redact::apply(&mut data, paths).unwrap_or_else(|error| {
        tracing::error!(%error, case = case.name, "a result is withheld whole");
        data = Value::Null;
        vec!["$".to_owned()]
    });
    // Beside what the executing side took out itself.
    answer.redacted.extend(redacted);
    answer.redacted.sort();
    answer.redacted.dedup();
    if let Value::Object(data) = data {
        answer.data = Some(data).filter(|data| !data.is_empty());
    }
    answer.conditions = obligations;
    wire::answer::show(answer)
}

/// Gives every condition that comes with an answer an id that no other of the case
/// has, nor any of its clocks, which time conditions by their ids: its own, where it is
/// one by which that can be done, and the first with it.
fn number(case: &encoded::Case, law: &[v1::Obligation], own: &mut [v1::Obligation]) {
    if own.is_empty() {
        return;
    }
    let law = law.iter().map(|one| one.obligation_id.clone());
    let known = case.conditions.iter().map(|one| one.obligation_id.clone());
    let clocks = case.clocks.iter().map(|one| one.clock_id.clone());
    let taken = law.chain(known).chain(clocks).chain([String::new()]);
    let mut taken: HashSet<String> = taken.collect();
    let mut unnamed = Vec::new();
    for condition in own {
        let id = &condition.obligation_id;
        // A clock is timed by a rule's id.
        if id.parse::<RuleId>().is_err() || !taken.insert(id.clone()) {
            unnamed.push(condition);
        }
    }
    let free = (1_u32..).map(|number| format!("x{number}"));
    let free = free.filter(|id| !taken.contains(id));
    for (condition, id) in unnamed.into_iter().zip(free) {
        condition.obligation_id = id;
    }
}

/// The case once it has come to rest, or as it stands at the deadline, or when the gateway
/// stops.
pub(crate) async fn settle(
    gateway: &Gateway,
    id: &CaseId,
    deadline: Option<Instant>,
) -> Result<encoded::Case, Refusal> {
    let mut changes = gateway.changes();
    loop {
        let case = cases::load(gateway, id).await?;
        let late = deadline.is_none_or(|deadline| deadline <= Instant::now());
        let Some(deadline) = deadline.filter(|_| !late && !at_rest(case.row.state)) else {
            return cases::with_receipt(gateway, case).await;
        };
        // Too late or changed: either way it is looked at again.
        tokio::select! {
            _ = tokio::time::timeout_at(deadline, changed(&mut changes, id)) => {}
            () = gateway.stopped() => {
                return cases::with_receipt(gateway, cases::load(gateway, id).await?).await;
            }
        }
    }
}

/// Returns when the case has, or may have, changed.
pub(crate) async fn changed(changes: &mut broadcast::Receiver<CaseId>, id: &CaseId) {
    // A watcher that fell behind looks again, as after a change.
    while changes.recv().await.is_ok_and(|changed| changed != *id) {}
}

/// The executing authority has said that it has the request.
pub(crate) fn is_acknowledged(state: CaseState) -> bool {
    !matches!(state, CaseState::Approved | CaseState::Delivering)
}

/// Nothing more will happen without somebody outside the gateway.
pub(crate) fn at_rest(state: CaseState) -> bool {
    match state {
        CaseState::Received | CaseState::Approved | CaseState::Delivering => false,
        CaseState::Incomplete
        | CaseState::UnderReview
        | CaseState::Refused
        | CaseState::Acknowledged
        | CaseState::Executing
        | CaseState::Postponed
        | CaseState::Concluded
        | CaseState::NotExecuted
        | CaseState::Withdrawn
        | CaseState::Expired => true,
    }
}
