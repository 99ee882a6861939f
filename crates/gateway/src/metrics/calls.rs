//! Calls by method and code, and what they took. A call costs a few atomic operations: no
//! lock, and no text is made.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric as _, NoLabelSet},
    metrics::{MetricType, gauge::ConstGauge},
};
use prost::Message as _;
use prost_types::FileDescriptorSet;
use tonic::{Code, codegen::http::HeaderMap};

/// Upper bounds of what is told apart, in seconds; longer ones are counted in the last.
const BOUNDS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// Every code of gRPC by its number.
const CODES: [&str; 17] = [
    "OK",
    "CANCELLED",
    "UNKNOWN",
    "INVALID_ARGUMENT",
    "DEADLINE_EXCEEDED",
    "NOT_FOUND",
    "ALREADY_EXISTS",
    "PERMISSION_DENIED",
    "RESOURCE_EXHAUSTED",
    "FAILED_PRECONDITION",
    "ABORTED",
    "OUT_OF_RANGE",
    "UNIMPLEMENTED",
    "INTERNAL",
    "UNAVAILABLE",
    "DATA_LOSS",
    "UNAUTHENTICATED",
];

/// What is asked for that there is not.
const OTHER: (&str, &str) = ("other", "other");

/// See the module; cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Calls(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// Places in `methods` by the path that is called.
    places: HashMap<String, usize>,
    /// The last one is whatever is no method.
    methods: Vec<Method>,
    under_way: AtomicI64,
}

#[derive(Debug)]
struct Method {
    service: String,
    name: String,
    codes: [AtomicU64; CODES.len()],
    took: [AtomicU64; BOUNDS.len() + 1],
    took_micros: AtomicU64,
}

/// A call under way. One that is dropped was cancelled by whoever made it.
#[derive(Debug)]
pub(crate) struct Call {
    calls: Calls,
    place: usize,
    begun: Instant,
    code: Code,
}

/// A code as gRPC writes it.
pub(crate) fn code_name(code: Code) -> &'static str {
    CODES.get(code as usize).copied().unwrap_or("UNKNOWN")
}

/// How a call ended whose answer has such headers. A stream that has begun is well.
pub(crate) fn code_of(headers: &HeaderMap) -> Code {
    let status = headers.get("grpc-status");
    status.map_or(Code::Ok, |status| Code::from_bytes(status.as_bytes()))
}

impl Default for Calls {
    /// None so far, of the methods that the gateway serves.
    fn default() -> Self {
        let sets = [
            comity::DESCRIPTORS,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
        ];
        let mut methods = Vec::new();
        for file in sets
            .into_iter()
            .filter_map(|set| FileDescriptorSet::decode(set).ok())
        {
            for file in file.file {
                for service in &file.service {
                    let name = format!("{}.{}", file.package(), service.name());
                    let made = service.method.iter();
                    methods.extend(made.map(|method| Method::new(&name, method.name())));
                }
            }
        }
        let places = methods.iter().enumerate();
        let places = places
            .map(|(place, method)| (method.path(), place))
            .collect();
        methods.push(Method::new(OTHER.0, OTHER.1));
        Self(Arc::new(Shared {
            places,
            methods,
            under_way: AtomicI64::new(0),
        }))
    }
}

impl Calls {
    /// Counts a call that begins.
    pub(crate) fn begin(&self, path: &str) -> Call {
        let Shared {
            places,
            methods,
            under_way,
        } = &*self.0;
        under_way.fetch_add(1, Ordering::Relaxed);
        Call {
            calls: self.clone(),
            place: places.get(path).copied().unwrap_or(methods.len() - 1),
            begun: Instant::now(),
            code: Code::Cancelled,
        }
    }

    /// How many are under way.
    pub(crate) fn under_way(&self) -> i64 {
        self.0.under_way.load(Ordering::Relaxed)
    }
}

impl Call {
    /// Says how it ended.
    pub(crate) fn end(mut self, code: Code) {
        self.code = code;
    }

    /// How long ago it began.
    pub(crate) fn took(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        let shared = &*self.calls.0;
        shared.under_way.fetch_sub(1, Ordering::Relaxed);
        if let Some(method) = shared.methods.get(self.place) {
            method.ended(self.code, self.begun.elapsed());
        }
    }
}

impl Method {
    fn new(service: &str, name: &str) -> Self {
        Self {
            service: service.to_owned(),
            name: name.to_owned(),
            codes: Default::default(),
            took: Default::default(),
            took_micros: AtomicU64::new(0),
        }
    }

    fn path(&self) -> String {
        format!("/{}/{}", self.service, self.name)
    }

    fn ended(&self, code: Code, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().filter(|bound| seconds > **bound).count();
        for counter in [self.codes.get(code as usize), self.took.get(bucket)] {
            counter.map(|counter| counter.fetch_add(1, Ordering::Relaxed));
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.took_micros.fetch_add(micros, Ordering::Relaxed);
    }

    fn labels(&self) -> [(&'static str, &str); 2] {
        [("service", &self.service), ("method", &self.name)]
    }
}

/// The figures, of methods that were called.
impl Collector for Calls {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let help = "Calls under way.";
        let under_way = ConstGauge::new(self.under_way());
        let name = "calls_in_flight";
        under_way.encode(encoder.encode_descriptor(
            name,
            help,
            None,
            under_way.metric_type(),
        )?)?;
        let help = "Calls by method and code of gRPC; of streams how they begin.";
        let mut counted = encoder.encode_descriptor("calls", help, None, MetricType::Counter)?;
        for method in &self.0.methods {
            for (code, count) in CODES.iter().zip(&method.codes) {
                let count = count.load(Ordering::Relaxed);
                if count > 0 {
                    let [service, name] = method.labels();
                    counted
                        .encode_family(&[service, name, ("code", code)])?
                        .encode_counter::<NoLabelSet, _, f64>(&count, None)?;
                }
            }
        }
        let help = "How long calls took until their answer, in seconds.";
        let name = "call_duration_seconds";
        let mut took = encoder.encode_descriptor(name, help, None, MetricType::Histogram)?;
        for method in &self.0.methods {
            let counts = method
                .took
                .iter()
                .map(|count| count.load(Ordering::Relaxed));
            let counts: Vec<u64> = counts.collect();
            let all = counts.iter().sum();
            if all > 0 {
                let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
                let buckets: Vec<_> = bounds.zip(counts).collect();
                let sum = Duration::from_micros(method.took_micros.load(Ordering::Relaxed));
                took.encode_family(&method.labels())?
                    .encode_histogram::<NoLabelSet>(sum.as_secs_f64(), all, &buckets, None)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prometheus_client::{encoding::text, registry::Registry};

    use super::*;

    #[test]
    fn calls_are_counted_by_method_and_code_and_nothing_else() {
        let calls = Calls::default();
        let submit = "/comity.v1.CooperationService/Submit";
        calls.begin(submit).end(Code::Ok);
        calls.begin(submit).end(Code::Unavailable);
        drop(calls.begin("/grpc.health.v1.Health/Check"));
        calls.begin("/made/up-of-anything").end(Code::Unimplemented);
        let under_way = calls.begin(submit);
        let mut registry = Registry::default();
        registry.register_collector(Box::new(calls.clone()));
        let mut told = String::new();
        text::encode(&mut told, &registry).unwrap();
        let counted: Vec<_> = told.lines().filter(|l| l.starts_with("calls")).collect();
        assert_eq!(
            counted,
            [
                "calls_in_flight 1",
                "calls_total{service=\"comity.v1.CooperationService\",method=\"Submit\",code=\"OK\"} 1",
                "calls_total{service=\"comity.v1.CooperationService\",method=\"Submit\",code=\"UNAVAILABLE\"} 1",
                "calls_total{service=\"grpc.health.v1.Health\",method=\"Check\",code=\"CANCELLED\"} 1",
                "calls_total{service=\"other\",method=\"other\",code=\"UNIMPLEMENTED\"} 1",
            ]
        );
        let last = "call_duration_seconds_bucket{le=\"+Inf\",service=\"comity.v1.CooperationService\",method=\"Submit\"} 2";
        assert!(told.lines().any(|line| line == last), "{told}");
        under_way.end(Code::Ok);
        assert_eq!(calls.under_way(), 0);
    }
}
