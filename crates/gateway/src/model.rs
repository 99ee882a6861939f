//! Random histories of cases against a small reference: whatever is asked in
//! whatever order, and whoever dies between any two durable steps, a case comes to
//! what the table of transitions and the reference say, and the executing side holds
//! what was approved and not taken back.

mod backend;
mod law;
mod play;
mod reference;

use comity_domain::CaseState;

use self::{
    play::Play,
    reference::{Facts, Mode, Op, Reference, Report, Verdict},
};

/// Histories in all, and stores among which they are divided.
const HISTORIES: u64 = 10_000;
const STORES: u64 = 4;
/// Of so many histories one is looked at after every step.
const CLOSELY: u64 = 4;
/// Of so many crashes one opens the store anew.
const REOPENED: u64 = 16;

/// Numbers that look drawn and are the same each time (SplitMix64).
struct Draw(u64);

impl Draw {
    fn next(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % below
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.next(values.len() as u64) as usize]
    }

    fn facts(&mut self) -> Facts {
        Facts {
            proved: self.of(&[None, Some(true), Some(true), Some(true), Some(false)]),
            raised: self.next(4) == 0,
            grave: self.next(5) == 0,
        }
    }

    fn op(&mut self, case: &Reference) -> Op {
        let review = if case.waits_for_review() { 40 } else { 4 };
        let work = if case.jobs.is_empty() { 1 } else { 30 };
        let all = [20, 3, 4, review, work, 12, 6, 2];
        let mut drawn = self.next(all.iter().sum());
        let place = all
            .iter()
            .position(|weight| match drawn.checked_sub(*weight) {
                Some(rest) => {
                    drawn = rest;
                    false
                }
                None => true,
            });
        match place {
            Some(0) => Op::Supplement(self.facts()),
            Some(1) if case.is_supplemented() => Op::Again {
                other: self.next(2) == 0,
            },
            Some(2) => Op::Withdraw,
            Some(3) => Op::Decide {
                task: 1 + self.next(3) as u32,
                person: self.next(3) as usize,
                verdict: self.of(&[
                    Verdict::Release,
                    Verdict::Release,
                    Verdict::Release,
                    Verdict::Refuse,
                    Verdict::Consult,
                ]),
            },
            Some(4) => Op::Work {
                claimed: 1 + self.next(2) as usize,
                mode: self.of(&[
                    Mode::Lost,
                    Mode::Down,
                    Mode::Unheard,
                    Mode::Cut,
                    Mode::Acked,
                    Mode::Acked,
                    Mode::Answered,
                    Mode::Rejected,
                ]),
            },
            Some(5) => Op::Report(self.of(&[
                Report::Acknowledge,
                Report::Progress,
                Report::Progress,
                Report::Postpone,
                Report::Conclude,
                Report::Fail,
            ])),
            Some(6) => Op::Crash {
                reopen: self.next(REOPENED) == 0,
            },
            _ => Op::Submit {
                other: self.next(3) == 0,
            },
        }
    }
}

/// One case from its submission on, until nothing of it waits in the outbox.
async fn history(play: &mut Play, number: u64) {
    let mut draw = Draw(number);
    let facts = draw.facts();
    let mut case = Reference::open(facts);
    let mut told = vec![format!("history {number}: {facts:?}")];
    play.open(number, facts).await;
    // The rest is looked at where it ends; what is answered on the way, always.
    let closely = number.is_multiple_of(CLOSELY);
    for _ in 0..2 + draw.next(9) {
        let op = draw.op(&case);
        told.push(format!("{op:?}"));
        let expected = case.apply(op);
        let found = play.apply(op).await;
        assert_eq!(found, expected, "{told:#?}");
        if closely {
            play.check(&case, &told).await;
        }
    }
    let drain = |claimed| Op::Work {
        claimed,
        mode: Mode::Acked,
    };
    while case.is_held() || !case.jobs.is_empty() {
        let op = drain(case.jobs.len());
        told.push(format!("{op:?}"));
        case.apply(op).unwrap();
        play.apply(op).await.unwrap();
    }
    play.check(&case, &told).await;
    // A refusal may have been reported of what was taken and of what was not.
    if case.state != CaseState::NotExecuted && !case.kept_back {
        let handed_over = case.state.is_under_way() || case.state == CaseState::Concluded;
        let standing = case.standing().len();
        assert_eq!(standing, usize::from(handed_over), "{told:#?}");
    }
}

#[test]
fn no_history_diverges_from_the_reference() {
    let workers: Vec<_> = (0..STORES)
        .map(|worker| {
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .enable_all()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let mut play = Play::start().await;
                    for number in (worker..HISTORIES).step_by(STORES as usize) {
                        history(&mut play, number).await;
                    }
                    let cases = play.stop().await;
                    assert_eq!(cases, HISTORIES / STORES);
                });
            })
        })
        .collect();
    for worker in workers {
        worker.join().unwrap();
    }
}
