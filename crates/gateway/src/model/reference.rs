//! The reference: what a case must come to, in terms of the table of transitions
//! and of what has been handed over, without store, wire or law.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::{CaseState, Outcome};

/// What a request states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Facts {
    pub(super) proved: Option<bool>,
    pub(super) raised: bool,
    pub(super) grave: bool,
}

/// One thing that is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Op {
    /// The request again; with another content if so.
    Submit {
        other: bool,
    },
    /// Facts are added; or the last supplement comes again, or under its id another.
    Supplement(Facts),
    Again {
        other: bool,
    },
    Withdraw,
    /// A person answers a task.
    Decide {
        task: u32,
        person: usize,
        verdict: Verdict,
    },
    /// The outbox is worked on: so many jobs are claimed, the last is carried out.
    Work {
        claimed: usize,
        mode: Mode,
    },
    /// The executing side reports.
    Report(Report),
    /// Whoever held a job is gone; the store is opened anew if so.
    Crash {
        reopen: bool,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    Release,
    Refuse,
    Consult,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Report {
    Acknowledge,
    Progress,
    Postpone,
    Conclude,
    Fail,
}

/// What becomes of an attempt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Whoever claimed the job dies before the call.
    #[default]
    Lost,
    /// The call has no effect.
    Down,
    /// The call has its effect, and its answer is lost.
    Unheard,
    /// The call has its effect, and the gateway dies before the answer.
    Cut,
    /// It is taken.
    Acked,
    /// It is taken and executed at once.
    Answered,
    /// It is refused for good.
    Rejected,
}

/// A job of the outbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) recall: bool,
    pub(super) step: u32,
    pub(super) attempted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Raised,
    Grave,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Task {
    kind: Kind,
    open: bool,
    opinions: Vec<(usize, Verdict)>,
}

/// Whoever made the last job holds it, with the case as it stood then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Held {
    step: u32,
    version: u64,
    state: CaseState,
}

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct Reference {
    pub(super) state: CaseState,
    pub(super) outcome: Outcome,
    pub(super) version: u64,
    pub(super) step: u32,
    pub(super) jobs: Vec<Job>,
    facts: Facts,
    tasks: Vec<Task>,
    asked: BTreeSet<u32>,
    /// Step of the last recall.
    recall: u32,
    held: Option<Held>,
    supplemented: bool,
    /// At the backend: deliveries, and whether each was executed at once.
    delivered: BTreeMap<u32, bool>,
    recalled: u32,
    /// It would not take back what it has.
    pub(super) kept_back: bool,
}

/// The reason of a refusal, where there is one.
pub(super) type Answer = Result<(), &'static str>;

const NOT_NOW: Answer = Err("NOT_ALLOWED_NOW");
const NOT_OPEN: Answer = Err("TASK_NOT_OPEN");

impl Reference {
    /// A case that a request opens.
    pub(super) fn open(facts: Facts) -> Self {
        let mut case = Self {
            state: CaseState::Received,
            outcome: Outcome::Refused,
            version: 0,
            step: 0,
            jobs: Vec::new(),
            facts,
            tasks: Vec::new(),
            asked: BTreeSet::new(),
            recall: 0,
            held: None,
            supplemented: false,
            delivered: BTreeMap::new(),
            recalled: 0,
            kept_back: false,
        };
        case.decide_anew();
        case
    }

    /// Whether each task waits, by number.
    pub(super) fn open_tasks(&self) -> Vec<bool> {
        self.tasks.iter().map(|task| task.open).collect()
    }

    /// Reviewers have something to do.
    pub(super) fn waits_for_review(&self) -> bool {
        !self.state.is_final() && self.tasks.iter().any(|task| task.open)
    }

    /// How many questions the issuing authority has to answer.
    pub(super) fn asked(&self) -> usize {
        self.asked.len()
    }

    /// What stands at the backend.
    pub(super) fn standing(&self) -> Vec<u32> {
        let steps = self.delivered.keys();
        steps
            .filter(|step| **step > self.recalled)
            .copied()
            .collect()
    }

    pub(super) fn apply(&mut self, op: Op) -> Answer {
        match op {
            Op::Submit { other } | Op::Again { other } if other => Err("REQUEST_ID_REUSED"),
            Op::Submit { .. } | Op::Again { .. } => Ok(()),
            Op::Supplement(facts) => self.supplement(facts),
            Op::Withdraw => self.withdraw(),
            Op::Decide {
                task,
                person,
                verdict,
            } => self.decide(task, person, verdict),
            Op::Work { claimed, mode } => {
                self.work(claimed, mode);
                Ok(())
            }
            Op::Report(report) => self.report(report),
            Op::Crash { .. } => {
                self.held = None;
                Ok(())
            }
        }
    }

    /// A supplement has been taken, so that it can come again.
    pub(super) fn is_supplemented(&self) -> bool {
        self.supplemented
    }

    fn goes(&mut self, to: CaseState) {
        assert!(to == self.state || self.state.next().contains(&to));
        self.state = to;
        self.version += 1;
    }

    fn supplement(&mut self, facts: Facts) -> Answer {
        if self.state != CaseState::Incomplete && !self.state.is_under_way() {
            return NOT_NOW;
        }
        self.facts = Facts {
            proved: facts.proved.or(self.facts.proved),
            raised: facts.raised || self.facts.raised,
            grave: facts.grave || self.facts.grave,
        };
        self.asked.clear();
        self.supplemented = true;
        self.decide_anew();
        Ok(())
    }

    fn withdraw(&mut self) -> Answer {
        if !self.state.next().contains(&CaseState::Withdrawn) {
            return NOT_NOW;
        }
        self.take_back();
        self.goes(CaseState::Withdrawn);
        Ok(())
    }

    fn decide(&mut self, number: u32, person: usize, verdict: Verdict) -> Answer {
        let over = self.state.is_final();
        let Some(task) = self.tasks.get_mut(number as usize - 1) else {
            return Err("NOT_FOUND");
        };
        let repeated = match verdict {
            Verdict::Consult => self.asked.contains(&number),
            Verdict::Release | Verdict::Refuse => task.opinions.iter().any(|(by, _)| *by == person),
        };
        if over || !task.open || repeated {
            return NOT_OPEN;
        }
        if verdict == Verdict::Consult {
            self.asked.insert(number);
            self.goes(CaseState::Incomplete);
            return Ok(());
        }
        task.opinions.push((person, verdict));
        if task.answer().is_some() {
            task.open = false;
            self.asked.remove(&number);
        }
        if !self.tasks.iter().any(|task| task.open) {
            self.decide_anew();
        } else if self.asked.is_empty() {
            self.goes(CaseState::UnderReview);
        } else {
            self.goes(CaseState::Incomplete);
        }
        Ok(())
    }

    /// The law: a claim that is not proved refuses, what is raised is for humans.
    fn decide_anew(&mut self) {
        let asks = |kind| match kind {
            Kind::Raised => self.facts.raised,
            Kind::Grave => self.facts.grave,
        };
        let asked = [Kind::Raised, Kind::Grave]
            .into_iter()
            .filter(|kind| asks(*kind));
        let mut refused = self.facts.proved == Some(false);
        let mut referred = false;
        for kind in asked.collect::<Vec<_>>() {
            let known = self.tasks.iter().find(|task| task.kind == kind);
            match known.and_then(Task::answer) {
                Some(Verdict::Release) => {}
                Some(_) => refused = true,
                None => {
                    referred = true;
                    if known.is_none() {
                        self.tasks.push(Task {
                            kind,
                            open: true,
                            opinions: Vec::new(),
                        });
                    }
                }
            }
        }
        self.outcome = match (refused, referred, self.facts.proved) {
            (true, ..) => Outcome::Refused,
            (false, true, _) => Outcome::Referred,
            (false, false, None) => Outcome::Incomplete,
            (false, false, Some(_)) => Outcome::Approved,
        };
        self.follow();
    }

    fn follow(&mut self) {
        let to = match self.outcome {
            Outcome::Approved => CaseState::Approved,
            Outcome::Incomplete => CaseState::Incomplete,
            Outcome::Referred => CaseState::UnderReview,
            Outcome::Refused => CaseState::Refused,
        };
        let under_way = self.state.is_under_way();
        if under_way && to == CaseState::Approved {
            return self.goes(self.state);
        }
        if under_way {
            self.take_back();
        }
        self.goes(to);
        if to == CaseState::Approved {
            self.step += 1;
            self.jobs.push(Job {
                recall: false,
                step: self.step,
                attempted: true,
            });
            self.held = Some(Held {
                step: self.step,
                version: self.version,
                state: self.state,
            });
        }
    }

    fn take_back(&mut self) {
        if self.step <= self.recall {
            return;
        }
        if let Some(pending) = self.jobs.iter().position(|job| !job.recall) {
            self.jobs.remove(pending);
        }
        self.step += 1;
        self.recall = self.step;
        self.jobs.push(Job {
            recall: true,
            step: self.step,
            attempted: false,
        });
    }

    /// Whether the one who made the last delivery still holds it.
    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    fn work(&mut self, claimed: usize, mode: Mode) {
        if let Some(held) = self.held.take() {
            return self.first(held, mode);
        }
        let claimed = claimed.min(self.jobs.len());
        for job in self.jobs.iter_mut().take(claimed) {
            job.attempted = true;
        }
        let Some(at) = claimed.checked_sub(1) else {
            return;
        };
        let job = self.jobs[at];
        if job.recall {
            self.carry_out_recall(at, job, mode);
        } else if self.is_void() && mode != Mode::Lost {
            // What is not approved any more is delivered no more.
            self.jobs.remove(at);
        } else {
            let seen = (self.version, self.state);
            self.carry_out_delivery(job.step, seen, mode);
        }
    }

    fn is_void(&self) -> bool {
        self.state.is_final() && self.state != CaseState::Concluded
    }

    fn first(&mut self, held: Held, mode: Mode) {
        self.carry_out_delivery(held.step, (held.version, held.state), mode);
    }

    /// A delivery by one who saw the case so; what it files on another case than it
    /// saw is not filed.
    fn carry_out_delivery(&mut self, step: u32, seen: (u64, CaseState), mode: Mode) {
        let current = seen == (self.version, self.state);
        let job = self
            .jobs
            .iter()
            .position(|job| !job.recall && job.step == step);
        let to = match self.effect(step, mode) {
            Heard::Nothing => return,
            Heard::Failure => {
                if current && self.state == CaseState::Approved {
                    self.goes(CaseState::Delivering);
                }
                return;
            }
            Heard::Answer(to) => to,
        };
        let has_it = !matches!(seen.1, CaseState::Approved | CaseState::Delivering);
        let said = has_it && to == CaseState::NotExecuted;
        self.kept_back |= said;
        // Whoever saw a case that allows no such answer, or that the executing side has
        // already said it has, ends the job.
        if said || !seen.1.next().contains(&to) {
            if let Some(at) = job {
                self.jobs.remove(at);
            }
            return;
        }
        // What was taken leaves nothing to file where the case is at its end meanwhile.
        let over = self.state.is_final() && to != CaseState::NotExecuted;
        if let Some(at) = job.filter(|_| current || over) {
            self.jobs.remove(at);
            if current {
                self.goes(to);
            }
        }
    }

    /// What a delivery does at the backend, and what is heard of it.
    fn effect(&mut self, step: u32, mode: Mode) -> Heard {
        match mode {
            Mode::Lost => return Heard::Nothing,
            Mode::Down => return Heard::Failure,
            Mode::Cut if self.recalled > step => return Heard::Nothing,
            Mode::Unheard | Mode::Cut | Mode::Acked | Mode::Answered | Mode::Rejected => {}
        }
        if self.recalled > step {
            return Heard::Answer(CaseState::NotExecuted);
        }
        if mode == Mode::Rejected && !self.delivered.contains_key(&step) {
            return Heard::Answer(CaseState::NotExecuted);
        }
        let at_once = mode == Mode::Answered;
        let at_once = *self.delivered.entry(step).or_insert(at_once);
        if mode == Mode::Cut {
            Heard::Nothing
        } else if mode == Mode::Unheard {
            Heard::Failure
        } else if at_once {
            Heard::Answer(CaseState::Concluded)
        } else {
            Heard::Answer(CaseState::Acknowledged)
        }
    }

    fn carry_out_recall(&mut self, at: usize, job: Job, mode: Mode) {
        let effective = !matches!(mode, Mode::Lost | Mode::Down | Mode::Rejected);
        if effective {
            self.recalled = self.recalled.max(job.step);
        }
        self.kept_back |= mode == Mode::Rejected;
        if matches!(mode, Mode::Acked | Mode::Answered | Mode::Rejected) {
            self.jobs.remove(at);
            self.goes(self.state);
        }
    }

    fn report(&mut self, report: Report) -> Answer {
        let to = match report {
            Report::Acknowledge => CaseState::Acknowledged,
            Report::Progress => CaseState::Executing,
            Report::Postpone => CaseState::Postponed,
            Report::Conclude => CaseState::Concluded,
            Report::Fail => CaseState::NotExecuted,
        };
        let unseen = [
            CaseState::Incomplete,
            CaseState::UnderReview,
            CaseState::Refused,
        ];
        // Whatever ended before anything was approved was never seen either.
        if unseen.contains(&self.state) || self.step == 0 {
            return Err("NOT_FOUND");
        }
        if !self.state.next().contains(&to) {
            return NOT_NOW;
        }
        self.goes(to);
        Ok(())
    }
}

/// What a gateway hears of a delivery.
enum Heard {
    Nothing,
    Failure,
    Answer(CaseState),
}

impl Task {
    fn answer(&self) -> Option<Verdict> {
        let needed = match self.kind {
            Kind::Raised => 1,
            Kind::Grave => 2,
        };
        let given = |verdict| {
            let all = self.opinions.iter();
            all.filter(|(_, given)| *given == verdict).count()
        };
        [Verdict::Refuse, Verdict::Release]
            .into_iter()
            .find(|verdict| given(*verdict) >= needed)
    }
}
