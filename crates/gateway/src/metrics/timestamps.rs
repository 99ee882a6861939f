//! How far the ledger is timestamped, asked at each reading; nothing where no authority
//! is configured.

use std::{fmt, sync::Arc};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{MetricType, counter::ConstCounter, gauge::ConstGauge},
};

use crate::timestamp::Standing;

/// See the module.
#[derive(Debug)]
pub(super) struct Timestamps(pub(super) Arc<Standing>);

impl Collector for Timestamps {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(standing) = self;
        let (entries, waited) = standing.backlog();
        for (name, help, value) in [
            (
                "ledger_timestamped_entries",
                "Entries under the last checkpoint that is timestamped.",
                standing.covered(),
            ),
            (
                "ledger_timestamp_backlog_entries",
                "Entries on record that no timestamp covers yet.",
                entries,
            ),
            (
                "ledger_timestamp_backlog_seconds",
                "How long the first of them has waited.",
                waited.as_secs().unsigned_abs(),
            ),
            (
                "ledger_timestamp_overdue",
                "1 while that is too long and new work is refused.",
                standing.overdue().is_some().into(),
            ),
        ] {
            let gauge = ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX));
            gauge.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)?;
        }
        let help = "Times an authority was asked for a timestamp and gave none that is kept.";
        let mut failures =
            encoder.encode_descriptor("timestamp_failures", help, None, MetricType::Counter)?;
        for (authority, count) in standing.failures() {
            let labels = [("authority", authority)];
            ConstCounter::new(count).encode(failures.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
