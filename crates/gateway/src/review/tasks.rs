//! The questions of a case: one task for each referral, kept over every decision
//! anew, with what reviewers answered.

use std::{collections::BTreeSet, sync::Arc};

use comity::v1::{self, ReviewTaskState, ReviewVerdict};
use comity_domain::{CaseId, Digest, Judgement, JurisdictionCode, Ruling};
use jiff::Timestamp;

use crate::wire::{encoded::Task, to_proto};

/// Persons who must agree where the rule wants four eyes.
const FOUR_EYES: usize = 2;

/// The name of a task.
pub(crate) fn name(case: &CaseId, number: u32) -> String {
    format!("tasks/{case}-{number}")
}

/// A case's tasks as a decision leaves them. A question that is put again goes on
/// in its task, where opinions on another basis do not count any more; one that
/// is not put any more is answered, or has lapsed.
pub(crate) fn renew(before: &[Task], decision: &v1::Decision, now: Timestamp) -> Vec<Task> {
    let mut tasks = before.to_vec();
    let mut asked = BTreeSet::new();
    for referral in &decision.referrals {
        let again = tasks
            .iter_mut()
            .find(|task| !asked.contains(&task.number) && is_of(task, referral));
        if let Some(task) = again {
            asked.insert(task.number);
            task.referral = Some(referral.clone());
            task.set_state(ReviewTaskState::Open);
            continue;
        }
        let number = tasks.last().map_or(1, |task| task.number + 1);
        asked.insert(number);
        tasks.push(Task {
            number,
            referral: Some(referral.clone()),
            state: ReviewTaskState::Open.into(),
            opened_at: Some(to_proto::timestamp(now)),
            opinions: Vec::new(),
        });
    }
    for task in tasks
        .iter_mut()
        .filter(|task| !asked.contains(&task.number))
    {
        if task.state() == ReviewTaskState::Open {
            task.set_state(ReviewTaskState::Lapsed);
        }
    }
    tasks
}

/// The tasks that are not as they were before.
pub(crate) fn changed(tasks: Vec<Task>, before: &[Task]) -> Vec<Task> {
    let mut tasks = tasks;
    tasks.retain(|task| !before.contains(task));
    tasks
}

/// The States whose reviewers have an open task.
pub(crate) fn reviewers(tasks: &[Task]) -> BTreeSet<JurisdictionCode> {
    let open = tasks.iter().filter(|task| is_open(task));
    let states = open.filter_map(|task| task.referral.as_ref()?.jurisdiction.parse().ok());
    states.collect()
}

/// What reviewers have answered, for the decision to take into account.
pub(crate) fn rulings(case: &CaseId, tasks: &[Task]) -> Vec<Ruling> {
    let answered = tasks.iter().flat_map(|task| {
        let bases: BTreeSet<&str> = task
            .opinions
            .iter()
            .map(|opinion| opinion.basis_sha256.as_str())
            .collect();
        let found = bases.into_iter().filter_map(|basis| {
            let judgement = match answer(task, basis)? {
                ReviewVerdict::Release => Judgement::Release,
                ReviewVerdict::Refuse => Judgement::Uphold,
                ReviewVerdict::Unspecified | ReviewVerdict::Consult => return None,
            };
            Some(Ruling {
                basis: basis.parse::<Digest>().ok()?,
                judgement,
                task: Arc::from(name(case, task.number)),
            })
        });
        found.collect::<Vec<_>>()
    });
    answered.collect()
}

/// The task waits for somebody.
pub(crate) fn is_open(task: &Task) -> bool {
    task.state() == ReviewTaskState::Open
}

/// The question as far as an answer depends on it.
pub(crate) fn basis(task: &Task) -> &str {
    let referral = task.referral.as_ref();
    referral.map_or("", |referral| &referral.basis_sha256)
}

/// Opinions on the question as it is put now. Whoever has the issuing authority
/// asked has none yet.
pub(crate) fn opinions(task: &Task) -> impl Iterator<Item = &v1::ReviewOpinion> {
    let basis = basis(task);
    let opinions = task.opinions.iter();
    opinions.filter(move |opinion| {
        opinion.basis_sha256 == basis && opinion.verdict() != ReviewVerdict::Consult
    })
}

/// A case's tasks with one of them changed.
pub(crate) fn with(mut tasks: Vec<Task>, changed: &Task) -> Vec<Task> {
    for task in &mut tasks {
        if task.number == changed.number {
            task.clone_from(changed);
        }
    }
    tasks
}

/// The answer to a task's question on a basis: the first opinion, or under four
/// eyes what two persons say. Of three who must say one of two things, two agree.
pub(crate) fn answer(task: &Task, basis: &str) -> Option<ReviewVerdict> {
    let four_eyes = task.referral.as_ref().is_some_and(|asked| asked.four_eyes);
    let needed = if four_eyes { FOUR_EYES } else { 1 };
    let given = |verdict: ReviewVerdict| {
        let opinions = task.opinions.iter();
        let on = opinions.filter(|opinion| opinion.basis_sha256 == basis);
        on.filter(|opinion| opinion.verdict() == verdict).count()
    };
    [ReviewVerdict::Refuse, ReviewVerdict::Release]
        .into_iter()
        .find(|verdict| given(*verdict) >= needed)
}

/// A referral puts the question of a task, whatever it rests on now.
fn is_of(task: &Task, referral: &v1::Referral) -> bool {
    let rule = |referral: &v1::Referral| {
        let rule = referral.rule.as_ref();
        rule.map(|rule| (rule.module.clone(), rule.rule_id.clone()))
    };
    task.referral.as_ref().is_some_and(|before| {
        rule(before) == rule(referral)
            && before.role == referral.role
            && before.jurisdiction == referral.jurisdiction
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn referral(rule: &str, basis: &str) -> v1::Referral {
        v1::Referral {
            rule: Some(v1::RuleReference {
                rule_id: rule.to_owned(),
                module: "instrument/eio".to_owned(),
                ..v1::RuleReference::default()
            }),
            role: "executing-judge".to_owned(),
            jurisdiction: "FR".to_owned(),
            basis_sha256: basis.repeat(64),
            ..v1::Referral::default()
        }
    }

    fn decision(referrals: &[v1::Referral]) -> v1::Decision {
        v1::Decision {
            referrals: referrals.to_vec(),
            ..v1::Decision::default()
        }
    }

    fn at() -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn opinion(basis: &str, verdict: ReviewVerdict) -> v1::ReviewOpinion {
        v1::ReviewOpinion {
            verdict: verdict.into(),
            basis_sha256: basis.repeat(64),
            ..v1::ReviewOpinion::default()
        }
    }

    #[test]
    fn a_question_put_again_stays_in_its_task() {
        let first = renew(
            &[],
            &decision(&[referral("a", "1"), referral("b", "1")]),
            at(),
        );
        let numbers: Vec<_> = first.iter().map(|task| task.number).collect();
        assert_eq!(numbers, [1, 2]);
        let again = renew(
            &first,
            &decision(&[referral("b", "2"), referral("c", "1")]),
            at(),
        );
        let states: Vec<_> = again
            .iter()
            .map(|task| (task.number, task.state()))
            .collect();
        assert_eq!(
            states,
            [
                (1, ReviewTaskState::Lapsed),
                (2, ReviewTaskState::Open),
                (3, ReviewTaskState::Open)
            ]
        );
        assert_eq!(basis(&again[1]), "2".repeat(64));
        assert_eq!(reviewers(&again), BTreeSet::from(["FR".parse().unwrap()]));
        let back = renew(&again, &decision(&[referral("a", "1")]), at());
        assert!(is_open(&back[0]), "a lapsed question may arise again");
        assert_eq!(changed(back.clone(), &again).len(), 3);
        assert!(changed(back.clone(), &back).is_empty());
    }

    #[test]
    fn two_questions_of_one_rule_are_two_tasks() {
        let both = decision(&[referral("a", "1"), referral("a", "2")]);
        let tasks = renew(&[], &both, at());
        assert_eq!(tasks.len(), 2);
        assert_eq!(renew(&tasks, &both, at()), tasks);
    }

    #[test]
    fn under_four_eyes_two_must_agree() {
        use ReviewVerdict::{Refuse, Release};
        let task = |four_eyes, verdicts: &[ReviewVerdict]| Task {
            referral: Some(v1::Referral {
                four_eyes,
                ..referral("a", "1")
            }),
            opinions: verdicts.iter().map(|one| opinion("1", *one)).collect(),
            ..Task::default()
        };
        for (four_eyes, verdicts, expected) in [
            (false, vec![], None),
            (false, vec![Release], Some(Release)),
            (true, vec![Release], None),
            (true, vec![Release, Refuse], None),
            (true, vec![Release, Release], Some(Release)),
            (true, vec![Release, Refuse, Refuse], Some(Refuse)),
            (true, vec![Refuse, Release, Release], Some(Release)),
        ] {
            let task = task(four_eyes, &verdicts);
            assert_eq!(answer(&task, basis(&task)), expected, "{verdicts:?}");
        }
    }

    #[test]
    fn an_opinion_on_another_basis_answers_nothing() {
        let case: CaseId = "0b0e7f0a-7b1f-4c59-9d4e-0b8a6f0b6a11".parse().unwrap();
        let task = Task {
            number: 3,
            referral: Some(referral("a", "2")),
            opinions: vec![opinion("1", ReviewVerdict::Release)],
            ..Task::default()
        };
        assert_eq!(answer(&task, basis(&task)), None);
        assert_eq!(opinions(&task).count(), 0);
        // It is handed over all the same: it counts where its question is put.
        let rulings = rulings(&case, &[task]);
        assert_eq!(rulings[0].basis.to_string(), "1".repeat(64));
        assert_eq!(&*rulings[0].task, format!("tasks/{case}-3"));
    }
}
