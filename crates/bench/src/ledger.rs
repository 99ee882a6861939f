//! The ledger by itself: how near its commits come to what SQLite does at best on this
//! disk, and what publishing, proving and verifying take.

use std::{
    fs,
    future::Future,
    io::Write as _,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use comity_ledger::{Key, Leaf, Publisher, prove};
use comity_store::{Entry, Options, Store, Transaction};
use jiff::Timestamp;
use tokio::task::JoinSet;

use crate::{
    AnyError, accounts,
    cli::Ledger,
    process::{Process, remove},
    records::Records,
    spread::Spread,
};

/// Whoever writes at a time, each waiting until what it wrote is durable.
const WRITERS: usize = 256;
/// Bytes of a record.
const RECORD: usize = 1024;
/// Bytes of a published entry, about what a decision's leaf has.
const ENTRY: usize = 400;
/// Entries under one checkpoint.
const BETWEEN: u64 = 5_000;
/// Flushes that are timed.
const FLUSHES: usize = 200;
/// Proofs that are timed.
const PROOFS: u64 = 2_000;
/// The log's name.
const ORIGIN: &str = "bench.example/ledger";

/// Measures and prints.
pub(crate) async fn measure(plan: &Ledger) -> Result<(), AnyError> {
    let Ledger {
        out,
        comity,
        entries,
        rounds,
        turn,
    } = plan;
    remove(out)?;
    fs::create_dir_all(out)?;
    commits(out, *rounds, *turn).await?;
    let few = entries / 10;
    for entries in [few.max(1), *entries] {
        let dir = out.join(format!("log-{entries}"));
        println!("\na log of {entries} entries of {ENTRY} bytes");
        publish(&dir, entries)?;
        proofs(&dir, entries)?;
        verify(&dir, out, comity, entries).await?;
    }
    Ok(remove(out)?)
}

/// Commits a second: of the store and of SQLite alone, in turns.
async fn commits(out: &Path, rounds: u32, turn: Duration) -> Result<(), AnyError> {
    let flush = flush(out)?;
    println!(
        "a flush of a page takes {flush:.0} µs here: where that is little, processors are the bound"
    );
    println!("commits a second, {WRITERS} writers, records of {RECORD} bytes");
    println!("{:>8} {:>8} {:>6}", "SQLite", "store", "ratio");
    let mut ratios = Vec::new();
    for round in 0..rounds {
        let [of_floor, of_ours] =
            ["floor", "store"].map(|name| out.join(format!("{name}-{round}")));
        let floor = of_sqlite(&of_floor, turn).await?;
        let store = of_store(&of_ours, turn).await?;
        for dir in [of_floor, of_ours] {
            remove(&dir)?;
        }
        println!("{floor:>8.0} {store:>8.0} {:>6.2}", store / floor);
        ratios.push(store / floor);
    }
    if let Some(spread) = Spread::of(ratios) {
        println!("ratio {spread:.2}");
    }
    Ok(())
}

/// How long a page takes to be on this disk, the median in microseconds.
fn flush(out: &Path) -> Result<f64, AnyError> {
    let path = out.join("page");
    let mut page = fs::File::create(&path)?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        let begun = Instant::now();
        page.write_all(&[0x5a; 8192])?;
        page.sync_data()?;
        times.push(each(begun.elapsed(), 1));
    }
    fs::remove_file(path)?;
    Ok(Spread::of(times).map_or(0.0, |spread| spread.median))
}

/// The store: sealed record, leaf, columns, published every second meanwhile.
async fn of_store(dir: &Path, turn: Duration) -> Result<f64, AnyError> {
    let store = Store::open(dir, Key::generate(ORIGIN)?, &Options::default())?;
    let shared = store.clone();
    let commit = move || {
        let store = shared.clone();
        async move {
            let transaction = Transaction {
                entries: vec![Entry {
                    leaf: Leaf::new(Timestamp::now(), "remark", "bench"),
                    record: vec![0x5a; RECORD],
                }],
                ..Transaction::default()
            };
            store.commit(transaction).await.is_ok()
        }
    };
    let done = together(turn, commit).await?;
    store.close().await;
    Ok(done)
}

/// What the store stands on, and nothing more.
async fn of_sqlite(dir: &Path, turn: Duration) -> Result<f64, AnyError> {
    let (records, writer) = Records::open(dir)?;
    let commit = move || {
        let records = records.clone();
        async move { records.add(vec![0x5a; RECORD]).await }
    };
    let done = together(turn, commit).await?;
    match writer.join() {
        Ok(written) => written?,
        Err(_) => return Err("the writer came to grief".into()),
    }
    Ok(done)
}

/// How often a second all writers together are done, each one commit after the other
/// and all of them at once, as calls of a gateway are.
async fn together<F: Future<Output = bool> + Send + 'static>(
    turn: Duration,
    commit: impl Fn() -> F + Clone + Send + Sync + 'static,
) -> Result<f64, AnyError> {
    let begun = Instant::now();
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        let commit = commit.clone();
        writers.spawn(async move {
            let mut done = 0_u32;
            while begun.elapsed() < turn {
                if !commit().await {
                    return Err("a commit failed");
                }
                done += 1;
            }
            Ok(done)
        });
    }
    let mut all = 0.0;
    while let Some(done) = writers.join_next().await {
        all += f64::from(done??);
    }
    Ok(all / begun.elapsed().as_secs_f64())
}

fn publish(dir: &Path, entries: u64) -> Result<(), AnyError> {
    let mut publisher = Publisher::open(dir, Key::generate(ORIGIN)?, None)?;
    let mut entry = vec![b'x'; ENTRY];
    let begun = Instant::now();
    for index in 0..entries {
        for (to, from) in entry.iter_mut().zip(index.to_be_bytes()) {
            *to = from;
        }
        publisher.append(&entry)?;
        if index % BETWEEN == 0 {
            publisher.sign()?;
        }
    }
    publisher.sign()?;
    println!(
        "published: {:.1} µs an entry",
        each(begun.elapsed(), entries)
    );
    Ok(())
}

fn proofs(dir: &Path, entries: u64) -> Result<(), AnyError> {
    let mut longest = Duration::ZERO;
    let begun = Instant::now();
    for number in 0..PROOFS {
        // Spread over the log in no order.
        let index = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % entries;
        let once = Instant::now();
        prove(dir, index)?.ok_or("an entry has no proof")?;
        longest = longest.max(once.elapsed());
    }
    println!(
        "proved: {:.0} µs an entry, {:.0} at most",
        each(begun.elapsed(), PROOFS),
        each(longest, 1)
    );
    Ok(())
}

/// Has `comity audit verify` look at the log.
async fn verify(dir: &Path, out: &Path, comity: &Path, entries: u64) -> Result<(), AnyError> {
    let mut command = Command::new(comity);
    command.args(["audit", "verify"]).arg(dir);
    let begun = Instant::now();
    let mut process = Process::start(&mut command, out, "verify")?;
    let mut peak = 0.0;
    // As long as it runs; how it ended is in its log.
    while process.check().is_ok() {
        match accounts::peak_rss_mib(&[process.id()]) {
            Ok(now) => peak = now,
            // It has ended and is not yet waited for.
            Err(_) => break,
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let said = fs::read_to_string(out.join("verify.log"))?;
    if !said.starts_with("verified: ") {
        return Err(format!("the log of {entries} entries is not in order: {said}").into());
    }
    println!("verified: {seconds:.1} s, {peak:.0} MiB at most");
    Ok(())
}

/// Microseconds each of so many took.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
fn each(all: Duration, count: u64) -> f64 {
    all.as_secs_f64() * 1e6 / count as f64
}
