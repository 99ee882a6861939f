//! The process itself, by the names that all clients of Prometheus use, as far as Linux
//! tells, and which version it is.

use std::{fmt, fs};

use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, gauge::ConstGauge},
    registry::Registry,
};

/// See the module.
#[derive(Debug)]
pub(super) struct Process(Timestamp);

/// Figures of a process that began then.
pub(super) fn registry(begun: Timestamp) -> Registry {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Process(begun)));
    registry
}

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "The version of Comity that runs.";
        encoder
            .encode_descriptor("comity_build", help, None, MetricType::Info)?
            .encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let begun = (
            "process_start_time_seconds",
            "When the process began, in seconds since 1970.",
        );
        let memory = ("process_resident_memory_bytes", "Resident memory in bytes.");
        let files = ("process_open_fds", "Open file descriptors.");
        let figures = [
            (begun, Some(self.0.as_second())),
            (memory, resident_bytes()),
            (files, open_files()),
        ];
        for ((name, help), value) in figures {
            if let Some(value) = value {
                let gauge = ConstGauge::new(value);
                gauge.encode(encoder.encode_descriptor(
                    name,
                    help,
                    None,
                    gauge.metric_type(),
                )?)?;
            }
        }
        Ok(())
    }
}

/// `VmRSS` of `proc_pid_status(5)`, which counts in kibibytes.
fn resident_bytes() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.split_whitespace().next()?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// But for the one that they are counted by.
fn open_files() -> Option<i64> {
    let open = fs::read_dir("/proc/self/fd").ok()?.count();
    i64::try_from(open).ok()?.checked_sub(1)
}
