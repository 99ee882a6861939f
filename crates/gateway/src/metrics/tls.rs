//! Figures on certificates and revocation lists.

use std::fmt;

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::{ConstGauge, Gauge},
    },
    registry::Registry,
};

use super::Reloaded;
use crate::tls::Current;

/// What came of reading the files again.
#[derive(Debug, Default)]
pub(super) struct Tls {
    pub(super) reloads: Family<Reloaded, Counter>,
    pub(super) in_order: Gauge,
}

impl Tls {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Times the TLS files were read again, by what came of it";
        registry.register("tls_reloads", help, self.reloads.clone());
        let help = "1 while what is in the TLS files is in force and has not run out, 0 otherwise";
        registry.register("tls_in_order", help, self.in_order.clone());
        self.in_order.set(1);
    }
}

/// When what is in force runs out, asked at each reading.
#[derive(Debug)]
pub(super) struct Ends(pub(super) Current);

impl Collector for Ends {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let (certificate, lists) = {
            let current = self.0.borrow();
            let lists = current.lists_until.iter().map(|(_, until)| *until);
            (current.certificate_until, lists.min())
        };
        let help = "When the gateway's own certificate runs out, in seconds since 1970.";
        let name = "tls_certificate_expires_timestamp_seconds";
        gauge(&mut encoder, (name, help), certificate)?;
        let Some(lists) = lists else {
            return Ok(());
        };
        let help = "When the first of the revocation lists runs out, in seconds since 1970.";
        let name = "tls_revocation_lists_expire_timestamp_seconds";
        gauge(&mut encoder, (name, help), lists)
    }
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    value: i64,
) -> Result<(), fmt::Error> {
    let gauge = ConstGauge::new(value);
    gauge.encode(encoder.encode_descriptor(name, help, None, gauge.metric_type())?)
}
