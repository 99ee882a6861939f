//! What a reviewer answers, and what follows: nothing yet, or the decision anew.

use comity::v1::{self, DecideRequest, ReviewTaskState, ReviewVerdict};
use comity_domain::CaseState;
use comity_ledger::Leaf;

use crate::{
    adding::{Adding, Side},
    admit,
    anew::{self, Done, Occasion},
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::Event,
    identity::Role,
    once::Call,
    record,
    refusal::Refusal,
    wire::{
        encoded::{self, Kept, Task},
        from_proto,
    },
};

use super::{
    consult,
    entitle::{self, Reviewer},
    opinion, show, tasks,
};

/// A task with the case it belongs to.
type Open = (CaseAt, Task);

/// See `ReviewService.Decide`.
pub(crate) async fn decide(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    message: DecideRequest,
) -> Result<v1::DecideResponse, Refusal> {
    let decided = carry_out(gateway, reviewer, &message).await;
    let (done, number) = record::attempted(gateway, reviewer.caller, decided).await?;
    let case = done.begin(gateway);
    let kept = case.snapshot.kept();
    let task = kept.tasks.iter().find(|task| task.number == number);
    Ok(v1::DecideResponse {
        task: task.map(|task| show::task(&case, task)).transpose()?,
        case: Some(cases::whole(gateway, case).await?),
    })
}

/// What came of it, and the number of the task.
pub(crate) async fn carry_out(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    message: &DecideRequest,
) -> Result<(Done, u32), Refusal> {
    admit::role(reviewer.caller, &[Role::Reviewer], "reviewer")?;
    from_proto::opinion(message).map_err(Refusal::Malformed)?;
    let call = Call::new(reviewer.caller, "decide", &opinion::content(message))?;
    let call = call.of(reviewer.holder);
    let open = || async {
        let (case, task) = entitle::task(gateway, reviewer.caller, &message.name).await?;
        entitle::check(gateway, reviewer, (&case, &task))?;
        Ok::<_, Refusal>((case, task))
    };
    // Where somebody was quicker, what that left is looked at again.
    let decide = || async {
        let (case, task) = open().await?;
        opinion::check(gateway, reviewer.holder, (&case, &task), message)?;
        let number = task.number;
        let (case, event) = if message.verdict() == ReviewVerdict::Consult {
            ask(gateway, reviewer, (case, task), message)?
        } else {
            answer(gateway, reviewer, (case, task), message).await?
        };
        let event = Event {
            key: call.key(),
            ..event
        };
        let done = anew::file(gateway, case, event, "review").await?;
        Ok((done, number))
    };
    let stands = async |_| {
        let (case, task) = open().await?;
        Ok((Done::nothing_more(case), task.number))
    };
    call.carry_out_or(gateway, decide, stands).await
}

/// The issuing authority is asked first.
fn ask(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    (case, mut task): Open,
    message: &DecideRequest,
) -> Result<(CaseAt, Event), Refusal> {
    let now = gateway.now();
    let asked = opinion::recorded(reviewer, message, tasks::basis(&task), now);
    task.opinions.push(asked);
    let consultations = consult::ask(&case.snapshot.consultations, (message, &task), now);
    let note = "the issuing authority is asked";
    let leaf = leaf(gateway, reviewer, (&case, &task), ("consult", note))?;
    let adds = encoded::Case {
        consultations,
        ..of_task(task)
    };
    let event = Event {
        adding: Adding::Again(Side::Reviewing),
        ..Event::new(leaf, CaseState::Incomplete, adds)
    };
    Ok((case, event))
}

/// The question is answered, or one person more has said something to it.
async fn answer(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    (mut case, mut task): Open,
    message: &DecideRequest,
) -> Result<(CaseAt, Event), Refusal> {
    let now = gateway.now();
    let basis = tasks::basis(&task).to_owned();
    let given = opinion::recorded(reviewer, message, &basis, now);
    task.opinions.push(given);
    let mut consultations = case.snapshot.consultations.clone();
    let answered = tasks::answer(&task, &basis).is_some();
    if answered {
        task.set_state(ReviewTaskState::Answered);
        consultations = consult::end(&consultations, &message.name, now);
    }
    let all = tasks::with(case.snapshot.kept().tasks.clone(), &task);
    if !all.iter().any(tasks::is_open) {
        let adds = encoded::Case {
            consultations,
            ..encoded::Case::default()
        };
        let event = anew(gateway, reviewer, (&mut case, all, adds), message).await?;
        return Ok((case, event));
    }
    let note = if answered {
        "answered; other questions are open"
    } else {
        "an opinion is on record; another is needed"
    };
    let leaf = leaf(gateway, reviewer, (&case, &task), ("review", note))?;
    case.row.reviewers = tasks::reviewers(&all);
    let to = if consult::open(&consultations).next().is_some() {
        CaseState::Incomplete
    } else {
        CaseState::UnderReview
    };
    let adds = encoded::Case {
        consultations,
        ..of_task(task)
    };
    Ok((case, Event::new(leaf, to, adds)))
}

/// Every question is answered: the law decides again.
async fn anew(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    (case, answered, adds): (&mut CaseAt, Vec<Task>, encoded::Case),
    message: &DecideRequest,
) -> Result<Event, Refusal> {
    let request = anew::request(case)?;
    let decided = anew::decide(gateway, case, request, answered).await?;
    let occasion = Occasion {
        kind: "review",
        by: reviewer.caller,
        note: format!("{}: answered, and the case is decided anew", message.name),
    };
    anew::event(gateway, case, decided, occasion, adds).await
}

/// An event that changes one task.
fn of_task(task: Task) -> encoded::Case {
    encoded::Case {
        kept: Some(Kept {
            tasks: vec![task],
            ..Kept::default()
        }),
        ..encoded::Case::default()
    }
}

/// What the ledger says while the decision stands: the rule in question.
fn leaf(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    (case, task): (&CaseAt, &Task),
    (kind, note): (&str, &str),
) -> Result<Leaf, Refusal> {
    let referral = task.referral.as_ref();
    let rule = referral.and_then(|referral| referral.rule.as_ref());
    let name = tasks::name(&case.row.id, task.number);
    Ok(Leaf {
        rules: rule.into_iter().map(|rule| rule.rule_id.clone()).collect(),
        note: Some(format!("{name}: {note}")),
        ..record::standing_leaf(gateway.now(), kind, reviewer.caller, case)?
    })
}
