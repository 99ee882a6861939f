//! What the writer is asked to do, and in which order it does it.

use std::{collections::VecDeque, mem, thread, time::Duration};

use comity_domain::Urgency;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::{
    CommitError, Committed, Durable, Job, Lease, Owed, Term, Wanted, erase::Target,
    prepare::Prepared,
};

/// Operations waiting for the writer before callers are made to wait.
pub(crate) const QUEUE: usize = 1024;

/// Operations in one group: bounds how long the first of them waits.
const GROUP: usize = 256;

/// Ordinary operations in the group after one that emergencies left no room for them.
const FEW: usize = 16;

/// Operations in a group that say that many are about, and the next is worth waiting for.
const COMPANY: usize = 4;

/// Operations in a group that share its cost so widely that more are not waited for.
const ENOUGH: usize = 32;

/// Longest that a group waits for company.
const PATIENCE: Duration = Duration::from_millis(2);

/// How often it looks meanwhile for an emergency, which waits for nobody.
const LOOK: Duration = Duration::from_micros(250);

/// Where the answer to an operation goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, CommitError>>;

/// What the writer is asked to do.
pub(crate) enum Op {
    /// A transaction.
    Commit(Box<Prepared>, Reply<Durable<Committed>>),
    /// A case or a record erased, and the entry that says so.
    Erase(Target, Box<Prepared>, Reply<Durable<Committed>>),
    /// Jobs that are ready now, leased until a time.
    Claim {
        wanted: Vec<Wanted>,
        now: Timestamp,
        until: Timestamp,
        reply: Reply<Vec<Durable<Job>>>,
    },
    /// A failed attempt.
    Retry {
        lease: Lease,
        when: Timestamp,
        note: String,
        reply: Reply<()>,
    },
    /// Jobs that cases need, made again where they are lost.
    Mend(Vec<Owed>, Reply<Vec<Owed>>),
    /// The last signed checkpoint, which replaces the one of `previous` entries.
    Head {
        previous: u64,
        size: u64,
        note: Vec<u8>,
        reply: Reply<()>,
    },
    /// Entries that were not indexed yet.
    Index(Batch, Reply<()>),
    /// The blind index cleared, to be made again.
    ClearIndex(Reply<()>),
    /// The database written anew, once all operations before it are durable: without
    /// what was deleted.
    WriteAnew(Reply<()>),
    /// Answered once all operations before it are durable; those after it are
    /// refused, but for the last checkpoint, so that it covers every entry.
    Seal(Reply<()>),
    /// No more operations after those already queued.
    Close,
}

/// Personal values of entries, for the blind index.
pub(crate) struct Batch {
    /// The first of the entries, and the one after the last.
    pub(crate) span: (u64, u64),
    /// The key of the index when they were read, wrapped.
    pub(crate) key: Vec<u8>,
    /// The values of each.
    pub(crate) found: Vec<(u64, Vec<Term>)>,
}

impl Op {
    /// It goes before what came earlier. No order is broken: whoever asks for two
    /// operations that belong together waits for the first.
    fn is_emergency(&self) -> bool {
        match self {
            Self::Commit(prepared, _) => {
                let case = prepared.case.as_ref();
                case.is_some_and(|case| case.precedence() == Urgency::Emergency)
            }
            Self::Erase(..)
            | Self::Claim { .. }
            | Self::Retry { .. }
            | Self::Mend(..)
            | Self::Head { .. }
            | Self::Index(..)
            | Self::ClearIndex(_)
            | Self::WriteAnew(_)
            | Self::Seal(_)
            | Self::Close => false,
        }
    }

    /// Does not do it, and says why to who asked.
    pub(crate) fn refuse(self, error: &CommitError) {
        let error = error.clone();
        // Whoever asked may have given up; then nobody needs to be told.
        match self {
            Self::Commit(_, reply) | Self::Erase(_, _, reply) => drop(reply.send(Err(error))),
            Self::Claim { reply, .. } => drop(reply.send(Err(error))),
            Self::Mend(_, reply) => drop(reply.send(Err(error))),
            Self::Retry { reply, .. }
            | Self::Head { reply, .. }
            | Self::Index(_, reply)
            | Self::ClearIndex(reply)
            | Self::WriteAnew(reply)
            | Self::Seal(reply) => {
                drop(reply.send(Err(error)));
            }
            Self::Close => {}
        }
    }
}

/// Operations that wait, in the order in which they came, emergencies apart.
pub(crate) struct Queue {
    arriving: mpsc::Receiver<Op>,
    emergencies: VecDeque<Op>,
    ordinary: VecDeque<Op>,
    /// The last group took none of the ordinary ones, and they waited.
    passed_over: bool,
    /// Operations of the last group.
    last: usize,
}

impl Queue {
    pub(crate) fn new(arriving: mpsc::Receiver<Op>) -> Self {
        Self {
            arriving,
            emergencies: VecDeque::new(),
            ordinary: VecDeque::new(),
            passed_over: false,
            last: 0,
        }
    }

    /// The next group, as soon as there is something to do; `None` once nobody can ask
    /// any more. `took` is how long the last one took to be written.
    pub(crate) fn group(&mut self, took: Duration) -> Option<Group<'_>> {
        self.receive();
        if self.emergencies.is_empty() && self.ordinary.is_empty() {
            let op = self.arriving.blocking_recv()?;
            self.add(op);
            self.receive();
        }
        self.gather(took.min(PATIENCE));
        let due = self.passed_over && !self.emergencies.is_empty();
        let most = if due { FEW } else { GROUP };
        Some(Group {
            ordinary: self.ordinary.len().min(most),
            queue: self,
            due,
            served: false,
            urgent: false,
        })
    }

    /// Where many are about, waits for more of them: a group costs the pages that all its
    /// operations touch and a flush, however few they are, and who waits for one that is
    /// written waits as long.
    fn gather(&mut self, mut patience: Duration) {
        let many = mem::take(&mut self.last) >= COMPANY;
        while many
            && !patience.is_zero()
            && self.emergencies.is_empty()
            && self.ordinary.len() < ENOUGH
        {
            let look = patience.min(LOOK);
            thread::sleep(look);
            patience -= look;
            self.receive();
        }
    }

    fn receive(&mut self) {
        while self.ordinary.len() < QUEUE
            && let Ok(op) = self.arriving.try_recv()
        {
            self.add(op);
        }
    }

    fn add(&mut self, op: Op) {
        if matches!(op, Op::Close) {
            self.arriving.close();
        }
        match op.is_emergency() {
            true => self.emergencies.push_back(op),
            false => self.ordinary.push_back(op),
        }
    }
}

/// Operations for one transaction: those that wait when it begins. An emergency that
/// comes while it is under way joins it, and ends it; but no two groups in a row pass
/// over what else waits.
pub(crate) struct Group<'q> {
    queue: &'q mut Queue,
    /// How many more of the ordinary ones.
    ordinary: usize,
    /// They were passed over, and are not again.
    due: bool,
    served: bool,
    urgent: bool,
}

impl Iterator for Group<'_> {
    type Item = Op;

    fn next(&mut self) -> Option<Op> {
        self.queue.receive();
        if let Some(emergency) = self.queue.emergencies.pop_front() {
            self.urgent = true;
            self.queue.last += 1;
            return Some(emergency);
        }
        if self.urgent && !self.due {
            self.queue.passed_over |= !self.served && self.ordinary > 0;
            return None;
        }
        self.served = true;
        self.queue.passed_over = false;
        self.ordinary = self.ordinary.checked_sub(1)?;
        self.queue.last += 1;
        self.queue.ordinary.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use comity_ledger::Leaf;

    use super::*;
    use crate::{CaseChange, Entry, Transaction, prepare::prepare, tests::a_case, vault::Vault};

    fn vault() -> Vault {
        let dir = tempfile::tempdir().unwrap();
        Vault::open(dir.path().join("vault.key"), None, true).unwrap()
    }

    fn op(vault: &Vault, urgency: Urgency) -> Op {
        of(vault, urgency, false)
    }

    fn of(vault: &Vault, urgency: Urgency, exercise: bool) -> Op {
        let transaction = Transaction {
            case: Some(CaseChange {
                urgency,
                exercise,
                ..a_case()
            }),
            entries: vec![Entry {
                leaf: Leaf::new(Timestamp::UNIX_EPOCH, "decision", "gateway"),
                record: Vec::new(),
            }],
            ..Transaction::default()
        };
        let prepared = prepare((vault, None), transaction).unwrap();
        Op::Commit(Box::new(prepared), oneshot::channel().0)
    }

    #[test]
    fn an_emergency_goes_first_and_waits_for_no_group() {
        let (ask, asked) = mpsc::channel(QUEUE);
        let mut queue = Queue::new(asked);
        let vault = vault();
        let send = |urgency| ask.try_send(op(&vault, urgency)).unwrap();
        for _ in 0..GROUP + 3 {
            send(Urgency::Urgent);
        }
        send(Urgency::Emergency);
        let waiting: Vec<_> = queue.group(Duration::ZERO).unwrap().collect();
        assert!(matches!(&waiting[..], [op] if op.is_emergency()));
        let mut group = queue.group(Duration::ZERO).unwrap();
        assert!(!group.next().unwrap().is_emergency());
        send(Urgency::Routine);
        send(Urgency::Emergency);
        send(Urgency::Emergency);
        let rest: Vec<_> = group.map(|op| op.is_emergency()).collect();
        assert_eq!(rest, [true, true]);
        let sizes = [GROUP, 3].map(|_| queue.group(Duration::ZERO).unwrap().count());
        assert_eq!(sizes, [GROUP, 3]);
        drop(ask);
        assert!(queue.group(Duration::ZERO).is_none());
    }

    #[test]
    fn an_exercise_is_no_emergency() {
        let vault = vault();
        assert!(of(&vault, Urgency::Emergency, false).is_emergency());
        assert!(!of(&vault, Urgency::Emergency, true).is_emergency());
    }

    #[test]
    fn emergencies_without_end_keep_nobody_out() {
        let (ask, asked) = mpsc::channel(QUEUE);
        let mut queue = Queue::new(asked);
        let vault = vault();
        for _ in 0..FEW + 1 {
            ask.try_send(op(&vault, Urgency::Routine)).unwrap();
        }
        let sizes = [(); 4].map(|()| {
            ask.try_send(op(&vault, Urgency::Emergency)).unwrap();
            queue.group(Duration::ZERO).unwrap().count()
        });
        assert_eq!(sizes, [1, 1 + FEW, 1, 2]);
    }
}
