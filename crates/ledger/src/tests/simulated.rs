//! Publication on a disk that breaks: whatever comes, what was signed stays, is
//! consistent, and can be continued.
//!
//! A seed is a history: a few lives of a process that publishes what its database holds,
//! each ended by a fault or in peace, by death or with the power. 500 are lived in the
//! tests, as many as one likes with `cargo xtask faults`.

use std::{
    collections::BTreeSet,
    env,
    path::Path,
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use super::{
    disk::{Chance, Disk, Fault, Lie},
    key, pruned,
};
use crate::{
    Checkpoint, Hash, Pruned, PublishError, Publisher, edge::Edge, latest, layout, prove,
    verifier_beside, verify, verify_proof,
};

/// Most entries of a history.
const ENTRIES: u64 = 900;

/// Where the ledger lies on the simulated disk: below a folder that has to be made.
const DIR: &str = "/data/ledger";

/// Entries that prune, and up to where.
const PRUNINGS: [(u64, u64); 2] = [(290, 256), (620, 512)];

fn entry(index: u64) -> Vec<u8> {
    let pruning = PRUNINGS.into_iter().find(|(at, _)| *at == index);
    match pruning {
        Some((_, below)) => pruned::pruning(below),
        None => super::entry(index),
    }
}

/// How far a database of so many entries is pruned.
fn pruned_of(entries: u64) -> Option<Pruned> {
    let mut done = PRUNINGS.into_iter().filter(|(at, _)| *at < entries);
    let leaf = |at| Pruned::said(at, &entry(at)).unwrap();
    done.next_back().map(|(at, _)| leaf(at))
}

/// The root of the tree of so many entries.
static ROOTS: LazyLock<Vec<Hash>> = LazyLock::new(|| {
    let mut edge = Edge::default();
    let mut roots = vec![edge.root().into()];
    for index in 0..ENTRIES {
        let pushed = edge.push(&entry(index), |_| Ok::<_, std::convert::Infallible>(()));
        pushed.unwrap();
        roots.push(edge.root().into());
    }
    roots
});

#[test]
fn publication_survives_whatever_the_disk_does() {
    let number = |name: &str, usual: u64| {
        env::var(name).map_or(usual, |number| number.parse().expect("a number"))
    };
    let first = number("COMITY_FIRST_SEED", 0);
    let failed = lived(first..first + number("COMITY_SEEDS", 500), None);
    assert!(failed.is_empty(), "{failed:#?}");
}

/// That it is the flushes that do it, and that these histories would tell.
#[test]
fn without_flushes_it_would_not() {
    for lie in [Lie::Folders, Lie::Files] {
        let failed = lived(0..60, Some(lie));
        assert!(failed.len() > 3, "{lie:?}: {failed:#?}");
    }
}

/// What went wrong under which seed, on all processors.
fn lived(seeds: std::ops::Range<u64>, lie: Option<Lie>) -> Vec<(u64, String)> {
    let next = AtomicU64::new(seeds.start);
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        break;
                    }
                    if let Err(what) = History::new(seed, lie).live() {
                        failed.lock().unwrap().push((seed, what));
                    }
                }
            });
        }
    });
    failed.into_inner().unwrap()
}

/// A ledger's history, and what has to be true of it.
struct History {
    disk: Disk,
    chance: Chance,
    /// Entries in the database, which has them for good.
    entries: u64,
    /// The signed checkpoint noted in the database.
    noted: Option<Vec<u8>>,
    /// Sizes that were said to be published.
    published: BTreeSet<u64>,
    /// Bundles below this index were said to be removed.
    removed: u64,
}

impl History {
    fn new(seed: u64, lie: Option<Lie>) -> Self {
        Self {
            disk: Disk::new(seed, lie),
            chance: Chance(!seed),
            entries: 0,
            noted: None,
            published: BTreeSet::new(),
            removed: 0,
        }
    }

    fn live(mut self) -> Result<(), String> {
        let disk = self.disk.clone();
        disk.under(|| {
            for _ in 0..2 + self.chance.below(5) {
                let fault = [Fault::Error, Fault::Full, Fault::Power][self.chance.below(3)];
                let reach = [8, 30, 120, 600][self.chance.below(4)];
                self.disk.plan(self.chance.below(reach), fault);
                self.life()?;
                self.disk.mend();
                // The process may die without the power going.
                if self.disk.is_off() || self.chance.once_in(2) {
                    self.disk.crash();
                }
                self.at_rest()?;
            }
            let mut publisher = None;
            self.publish(&mut publisher)
                .map_err(|error| format!("on a whole disk: {error:?}"))?;
            self.at_rest()?;
            self.proves()
        })
    }

    /// Publishes a few times, and is told of errors by the disk only.
    fn life(&mut self) -> Result<(), String> {
        let mut publisher = None;
        for _ in 0..1 + self.chance.below(5) {
            let more = [0, 1, 2, 7, 60, 255, 256][self.chance.below(7)];
            self.entries = (self.entries + more).min(self.most());
            match self.publish(&mut publisher) {
                Ok(()) => {}
                Err(PublishError::File { .. }) => publisher = None,
                Err(error) => return Err(format!("refused to go on: {error:?}")),
            }
            if self.disk.is_off() {
                break;
            }
            if self.chance.once_in(3) {
                self.disk.mend();
            }
        }
        Ok(())
    }

    /// Most entries that there may be: none prunes what the database does not know to be
    /// signed.
    fn most(&self) -> u64 {
        let known = self.noted.as_deref().map(Checkpoint::read_unverified);
        let signed = known.and_then(Result::ok).map_or(0, |noted| noted.size);
        let mut later = PRUNINGS.into_iter().filter(|(_, below)| signed < *below);
        later.next().map_or(ENTRIES, |(at, _)| at)
    }

    /// As the store publishes: opened anew after every failure. A pruning takes the rows of
    /// the database with the entry that says so.
    fn publish(&mut self, open: &mut Option<Publisher>) -> Result<(), PublishError> {
        let pruned = pruned_of(self.entries);
        let publisher = match open {
            Some(publisher) => publisher,
            None => {
                let dir = Path::new(DIR);
                let below = pruned.map_or(0, |pruned| pruned.below);
                let mut publisher =
                    Publisher::open_pruned((dir, below), key(), self.noted.as_deref())?;
                assert!(
                    publisher.next() >= below,
                    "rows that were pruned are wanted"
                );
                let signed = publisher.signed().size;
                append(&mut publisher, signed)?;
                publisher.sign()?;
                open.insert(publisher)
            }
        };
        append(publisher, self.entries)?;
        let signed = publisher.sign()?;
        self.published.insert(signed.size);
        // The database may be a little behind when the power goes.
        if !self.chance.once_in(5) {
            self.noted = Some(signed.note.clone());
        }
        if let Some(pruned) = pruned {
            publisher.prune(&pruned)?;
            self.removed = pruned.below;
        }
        Ok(())
    }

    /// What lies there is in order, and nothing is missing that was said to be there.
    fn at_rest(&self) -> Result<(), String> {
        let dir = Path::new(DIR);
        let last = self.published.last().copied();
        let there =
            layout::read_if_present(dir, "checkpoint").map_err(|error| error.to_string())?;
        if last.is_none() && there.is_none() {
            return Ok(());
        }
        let found = verify(dir, key().verifier()).map_err(|flaw| flaw.to_string())?;
        if Some(found.size) < last || found.size > self.entries {
            return Err(format!("{} entries, {last:?} published", found.size));
        }
        let there = |number| {
            let path = layout::tile_path(layout::Kind::Entries, number);
            layout::read_if_present(dir, &path).map_or(true, |bundle| bundle.is_some())
        };
        if (0..self.removed / 256).any(there) {
            return Err("entries that were pruned are there".to_owned());
        }
        let beside = verifier_beside(dir).map_err(|flaw| flaw.to_string())?;
        if beside != *key().verifier() {
            return Err("another key".to_owned());
        }
        let sizes = self.published.iter();
        for path in sizes.map(|size| format!("checkpoints/{size}")) {
            let kept = layout::read(dir, &path).map_err(|error| format!("{path}: {error}"))?;
            let kept = Checkpoint::open(&kept, key().verifier());
            is_true(&kept.map_err(|error| format!("{path}: {error}"))?)?;
        }
        is_true(&latest(dir, key().verifier()).map_err(|flaw| flaw.to_string())?)
    }

    /// An entry of the whole ledger has a proof.
    fn proves(&mut self) -> Result<(), String> {
        let Some(last) = usize::try_from(self.entries).unwrap().checked_sub(1) else {
            return Ok(());
        };
        let index = self.chance.below(last + 1) as u64;
        let proof = prove(Path::new(DIR), index).map_err(|error| error.to_string())?;
        let proof = proof.ok_or("no proof")?;
        let under = verify_proof(&proof, key().verifier()).map_err(|error| error.to_string())?;
        if proof.leaf_hash == Hash::of_leaf(&entry(index)) && under.size == self.entries {
            Ok(())
        } else {
            Err("proves another entry".to_owned())
        }
    }
}

fn append(publisher: &mut Publisher, until: u64) -> Result<(), PublishError> {
    while publisher.next() < until {
        publisher.append(&entry(publisher.next()))?;
    }
    Ok(())
}

/// Every head ever signed is one of the one history that took place.
fn is_true(checkpoint: &Checkpoint) -> Result<(), String> {
    let size = usize::try_from(checkpoint.size).unwrap();
    if ROOTS.get(size) == Some(&checkpoint.root) {
        Ok(())
    } else {
        Err(format!("a head of {size} entries of another history"))
    }
}
