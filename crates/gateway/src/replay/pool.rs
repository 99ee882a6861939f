//! Batches of work on all processors, in order and with few of them in flight.

use std::{
    collections::BTreeMap,
    num::NonZero,
    sync::{
        Mutex, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    thread,
};

/// Batches that wait for a worker, for each worker.
const WAITING: usize = 2;

/// Does `work` on every item of every batch, on all processors, and hands over
/// the results in order.
///
/// # Errors
/// That of the first batch that could not be had; nothing after it is done.
pub(super) fn each<T: Send, R: Send, E: Send>(
    batches: impl Iterator<Item = Result<Vec<T>, E>> + Send,
    work: impl Fn(T) -> R + Sync,
    mut take: impl FnMut(R),
) -> Result<(), E> {
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    let (tasks, waiting) = mpsc::sync_channel(workers * WAITING);
    let waiting = Mutex::new(waiting);
    let (done, results) = mpsc::sync_channel(workers * WAITING);
    thread::scope(|scope| {
        let feeding = scope.spawn(move || feed(batches, &tasks));
        for _ in 0..workers {
            let done = done.clone();
            scope.spawn(|| serve(&waiting, &work, done));
        }
        drop(done);
        let (mut ready, mut next) = (BTreeMap::new(), 0);
        for (place, batch) in results {
            ready.insert(place, batch);
            while let Some(batch) = ready.remove(&next) {
                batch.into_iter().for_each(&mut take);
                next += 1;
            }
        }
        feeding
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

type Numbered<T> = (usize, Vec<T>);

fn feed<T, E>(
    batches: impl Iterator<Item = Result<Vec<T>, E>>,
    tasks: &SyncSender<Numbered<T>>,
) -> Result<(), E> {
    for (place, batch) in batches.enumerate() {
        // Nobody listens any more only where a worker panicked.
        if tasks.send((place, batch?)).is_err() {
            break;
        }
    }
    Ok(())
}

fn serve<T, R>(
    waiting: &Mutex<Receiver<Numbered<T>>>,
    work: &impl Fn(T) -> R,
    done: SyncSender<Numbered<R>>,
) {
    loop {
        let task = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok((place, batch)) = task else {
            return;
        };
        let results = batch.into_iter().map(work).collect();
        if done.send((place, results)).is_err() {
            return;
        }
    }
}
