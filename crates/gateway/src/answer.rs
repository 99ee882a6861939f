//! Answers: what the executing side sends back is stripped of what must not
//! leave, recorded, and only then shown to the requester.

use comity::v1::{self, ObligationKind};
use comity_domain::{CaseId, CaseState};
use comity_ledger::Leaf;
use comity_store::{Durable, Job};
use prost::{Message as _, bytes::Bytes};
use serde_json::Value;
use tokio::{sync::broadcast, time::Instant};
use tonic::Code;

use crate::{
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::{self, Event, Unfiled},
    identity::Caller,
    redact,
    refusal::Refusal,
    wire::{self, answer::Execution, encoded},
};

/// Something the executing side did with a case.
#[derive(Debug)]
pub(crate) struct Answer {
    kind: &'static str,
    to: CaseState,
    note: String,
    result: Option<wire::answer::Answer>,
    actor: String,
}

impl Answer {
    /// The executing authority has the request.
    pub(crate) fn acknowledged() -> Self {
        Self::new(
            "acknowledged",
            CaseState::Acknowledged,
            "the executing authority has the request",
        )
    }

    /// The executing side could not be reached; delivery goes on.
    pub(crate) fn delivering(code: Code) -> Self {
        let note = format!("the executing side cannot be reached ({code:?}); delivery goes on");
        Self {
            note,
            ..Self::new("delivery-postponed", CaseState::Delivering, "")
        }
    }

    /// The executing system will never take the request.
    pub(crate) fn rejected(code: Code) -> Self {
        let reason = format!("the executing system rejected the request ({code:?})");
        let result = wire::answer::Answer {
            execution: Execution::NotExecuted,
            data: None,
            conditions: Vec::new(),
            redacted: Vec::new(),
            reason: reason.clone(),
            ground: "technical".to_owned(),
        };
        let answer = Self::new("delivery-rejected", CaseState::NotExecuted, "");
        Self {
            note: reason,
            result: Some(result),
            ..answer
        }
    }

    /// Execution has begun or goes on.
    pub(crate) fn progress() -> Self {
        Self::new("progress", CaseState::Executing, "execution goes on")
    }

    /// Recognition or execution is postponed.
    pub(crate) fn postponed() -> Self {
        Self::new(
            "postponed",
            CaseState::Postponed,
            "recognition or execution is postponed",
        )
    }

    /// A result, complete, partial or negative.
    pub(crate) fn result(result: wire::answer::Answer) -> Self {
        let answer = match result.execution {
            Execution::NotExecuted => Self::new(
                "not-executed",
                CaseState::NotExecuted,
                "not executed; see the reason",
            ),
            Execution::Complete | Execution::Partial | Execution::NothingFound => {
                Self::new("concluded", CaseState::Concluded, "the answer is on record")
            }
        };
        Self {
            result: Some(result),
            ..answer
        }
    }

    /// Who answered.
    pub(crate) fn by(self, caller: &Caller) -> Self {
        Self {
            actor: caller.to_string(),
            ..self
        }
    }

    fn new(kind: &'static str, to: CaseState, note: &str) -> Self {
        Self {
            kind,
            to,
            note: note.to_owned(),
            result: None,
            actor: "gateway".to_owned(),
        }
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
        actor,
    } = answer;
    case.row.state.step(to)?;
    let result = match result {
        None => None,
        Some(result) => {
            let obligations = match case.obligations.take() {
                Some(obligations) => obligations,
                None => cases::obligations(&case.snapshot)?,
            };
            let shown = disclose(&case.snapshot.name, obligations, result);
            Some(Bytes::from(shown.encode_to_vec()))
        }
    };
    let leaf = Leaf {
        note: Some(note),
        ..Leaf::new(gateway.now(), kind, &actor)
    };
    let adds = encoded::Case {
        result,
        ..encoded::Case::default()
    };
    let event = Event::new(leaf, to, adds);
    let (case, _) = happen::file(gateway, case, event, job).await?;
    Ok(case)
}

/// Takes out what must not leave the executing State and attaches what binds
/// the receiver. What cannot be redacted with certainty is withheld whole.
fn disclose(
    case: &str,
    mut obligations: Vec<v1::Obligation>,
    mut answer: wire::answer::Answer,
) -> v1::Result {
    obligations.append(&mut answer.conditions);
    let paths = obligations
        .iter()
        .filter(|obligation| obligation.kind() == ObligationKind::Redact)
        .map(|obligation| obligation.parameters.get("path").map_or("", String::as_str));
    let mut data = Value::Object(answer.data.take().unwrap_or_default());
    answer.redacted = match redact::apply(&mut data, paths) {
        Ok(redacted) => redacted,
        Err(error) => {
            tracing::error!(%error, case, "a result is withheld whole");
            data = Value::Null;
            vec!["$".to_owned()]
        }
    };
    if let Value::Object(data) = data {
        answer.data = Some(data).filter(|data| !data.is_empty());
    }
    answer.conditions = obligations;
    wire::answer::show(answer)
}

/// The case once it has come to rest, or as it stands at the deadline.
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
        let _ = tokio::time::timeout_at(deadline, changed(&mut changes, id)).await;
    }
}

/// Returns when the case has, or may have, changed.
pub(crate) async fn changed(changes: &mut broadcast::Receiver<CaseId>, id: &CaseId) {
    // A watcher that fell behind looks again, as after a change.
    while changes.recv().await.is_ok_and(|changed| changed != *id) {}
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
