//! What the kernel accounts for: CPU time and memory of processes, and how
//! busy the machine is. Linux only.

use std::{fs, io, time::Duration};

/// CPU time that processes have used, all threads, in user and kernel mode.
pub(crate) fn cpu(pids: &[u32]) -> io::Result<Duration> {
    pids.iter().map(|pid| cpu_of(&pid.to_string())).sum()
}

/// CPU time that this process has used.
pub(crate) fn own_cpu() -> io::Result<Duration> {
    cpu_of("self")
}

/// Most memory that processes have held at a time, in MiB, added up.
pub(crate) fn peak_rss_mib(pids: &[u32]) -> io::Result<f64> {
    pids.iter().map(|pid| status_mib(*pid, "VmHWM:")).sum()
}

/// Memory that a process holds now, in MiB.
pub(crate) fn rss_mib(pid: u32) -> io::Result<f64> {
    status_mib(pid, "VmRSS:")
}

/// Begins to look for the peak anew.
pub(crate) fn forget_peak(pid: u32) -> io::Result<()> {
    fs::write(format!("/proc/{pid}/clear_refs"), "5")
}

/// How the machine has spent its time since it started, all processors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine {
    busy: Duration,
    idle: Duration,
    steal: Duration,
}

impl Machine {
    /// Up to now.
    pub(crate) fn read() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/stat")?;
        let fields: Vec<u64> = stat
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("cpu "))
            .ok_or_else(|| unreadable("stat"))?
            .split_whitespace()
            .map_while(|field| field.parse().ok())
            .collect();
        let [user, nice, system, idle, waiting, irq, softirq, steal, ..] = fields.as_slice() else {
            return Err(unreadable("stat"));
        };
        Ok(Self {
            busy: ticks(user + nice + system + irq + softirq),
            idle: ticks(idle + waiting),
            steal: ticks(*steal),
        })
    }

    /// What happened since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            busy: self.busy.saturating_sub(earlier.busy),
            idle: self.idle.saturating_sub(earlier.idle),
            steal: self.steal.saturating_sub(earlier.steal),
        }
    }

    /// Share of the machine that its host gave to others, in per cent.
    pub(crate) fn steal_percent(self) -> f64 {
        self.percent(self.steal)
    }

    /// Share of the machine used by processes that are not `ours`, in per cent.
    pub(crate) fn foreign_percent(self, ours: Duration) -> f64 {
        self.percent(self.busy.saturating_sub(ours))
    }

    fn percent(self, part: Duration) -> f64 {
        let whole = self.busy + self.idle + self.steal;
        100.0 * part.as_secs_f64() / whole.as_secs_f64().max(f64::MIN_POSITIVE)
    }
}

fn status_mib(pid: u32, name: &str) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
    let kib: u32 = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(|rest| rest.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| unreadable("status"))?;
    Ok(f64::from(kib) / 1024.0)
}

fn cpu_of(pid: &str) -> io::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name, in parentheses, may hold anything; `utime` and `stime` are the
    // 12th and 13th fields after it.
    let (_, fields) = stat.rsplit_once(')').ok_or_else(|| unreadable("stat"))?;
    let mut fields = fields.split_whitespace().skip(11).map(str::parse::<u64>);
    match (fields.next(), fields.next()) {
        (Some(Ok(user)), Some(Ok(system))) => Ok(ticks(user + system)),
        _ => Err(unreadable("stat")),
    }
}

/// The kernel reports to user space in hundredths of a second, on every
/// architecture.
fn ticks(count: u64) -> Duration {
    Duration::from_millis(count.saturating_mul(10))
}

fn unreadable(what: &str) -> io::Error {
    io::Error::other(format!("`{what}` in /proc has another shape than expected"))
}
