//! Consultation: a reviewer asks the issuing authority before deciding.

use comity::v1::{Consultation, DecideRequest};
use jiff::Timestamp;

use crate::wire::{encoded::Task, to_proto};

/// A task's question to the issuing authority waits for its answer.
pub(crate) fn is_open(consultations: &[Consultation], task: &str) -> bool {
    open(consultations).any(|consultation| consultation.task == task)
}

/// The questions that wait for the issuing authority.
pub(crate) fn open(consultations: &[Consultation]) -> impl Iterator<Item = &Consultation> {
    let all = consultations.iter();
    all.filter(|consultation| consultation.answered_at.is_none())
}

/// With one more question.
pub(crate) fn ask(
    consultations: &[Consultation],
    (message, task): (&DecideRequest, &Task),
    now: Timestamp,
) -> Vec<Consultation> {
    let referral = task.referral.as_ref();
    let asked = Consultation {
        task: message.name.clone(),
        rule: referral.and_then(|referral| referral.rule.clone()),
        question: message.question.clone(),
        asked_at: Some(to_proto::timestamp(now)),
        answered_at: None,
        answer: String::new(),
    };
    let mut all = consultations.to_vec();
    all.push(asked);
    all
}

/// With an answer to everything that is open.
pub(crate) fn answer(
    consultations: &[Consultation],
    answer: &str,
    now: Timestamp,
) -> Vec<Consultation> {
    close(consultations, answer, now, |_| true)
}

/// With a task's question closed without an answer, because the task is decided.
pub(crate) fn end(consultations: &[Consultation], task: &str, now: Timestamp) -> Vec<Consultation> {
    close(consultations, "", now, |consultation| {
        consultation.task == task
    })
}

fn close(
    consultations: &[Consultation],
    answer: &str,
    now: Timestamp,
    which: impl Fn(&Consultation) -> bool,
) -> Vec<Consultation> {
    let mut all = consultations.to_vec();
    for consultation in &mut all {
        if consultation.answered_at.is_none() && which(consultation) {
            consultation.answered_at = Some(to_proto::timestamp(now));
            consultation.answer = answer.to_owned();
        }
    }
    all
}
