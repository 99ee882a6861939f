//! A line to a gateway that comes back after a cut.

use std::{
    error::Error,
    io, iter,
    path::Path,
    time::{Duration, Instant},
};

use comity::v1::evidence_service_client::EvidenceServiceClient;
use comity_domain::Digest;
use tonic::{
    Code, Status,
    transport::{Channel, Endpoint},
};
use tonic_types::StatusExt as _;

use super::explain;
use crate::{client::Connection, exit::Failure};

/// Bytes in one chunk.
pub(super) const CHUNK_BYTES: usize = 1 << 20;
/// First pause after a cut, which doubles with each that follows.
const PAUSE: Duration = Duration::from_millis(500);
/// Longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(15);

/// See the module.
pub(super) struct Line {
    endpoint: Endpoint,
    patience: Duration,
    pause: Duration,
    since: Instant,
    reached: u64,
}

/// Why an attempt ended before its time.
#[derive(Debug)]
pub(super) enum Cut {
    /// The line; another attempt may come further.
    Line(Failure),
    /// Something that no other attempt mends.
    Final(Failure),
}

impl Line {
    /// `patience` is how long to go on without coming any further.
    pub(super) fn new(connection: &Connection, patience: Duration) -> Result<Self, Failure> {
        Ok(Self {
            endpoint: connection.endpoint()?,
            patience,
            pause: PAUSE,
            since: Instant::now(),
            reached: 0,
        })
    }

    /// Connects anew.
    pub(super) async fn connect(&self) -> Result<EvidenceServiceClient<Channel>, Cut> {
        let channel = self.endpoint.connect().await;
        let channel = channel.map_err(|error| match is_of_tls(&error) {
            true => Cut::Final(error.into()),
            false => Cut::Line(error.into()),
        })?;
        let client = EvidenceServiceClient::new(channel);
        Ok(client.max_decoding_message_size(comity::RECEIVED_BYTES_MAX))
    }

    /// Notes how far the transfer has come: whoever comes further is patient again.
    pub(super) fn reach(&mut self, bytes: u64) {
        if bytes > self.reached {
            self.reached = bytes;
            self.since = Instant::now();
            self.pause = PAUSE;
        }
    }

    /// Waits before another attempt, if there is to be one.
    pub(super) async fn wait_after(&mut self, cut: Cut) -> Result<(), Failure> {
        match cut {
            Cut::Final(failure) => Err(failure),
            Cut::Line(failure) if self.since.elapsed() >= self.patience => Err(failure),
            Cut::Line(_) => {
                tokio::time::sleep(self.pause).await;
                self.pause = PAUSE_MAX.min(self.pause * 2);
                Ok(())
            }
        }
    }
}

/// Either side does not believe the other, which no other attempt mends.
fn is_of_tls(error: &(dyn Error + 'static)) -> bool {
    let mut causes = iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let io = cause.downcast_ref::<io::Error>();
        let inner = io.and_then(io::Error::get_ref);
        cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
    })
}

impl From<Status> for Cut {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let by_gateway = details.error_info().map(|info| info.reason.as_str());
        let passes = match by_gateway {
            Some(reason) => {
                matches!(
                    reason,
                    "UNAVAILABLE" | "INTERRUPTED" | "OVERLOADED" | "WRONG_OFFSET"
                )
            }
            // The transport's own words for a line that was cut.
            None => matches!(
                status.code(),
                Code::Unavailable
                    | Code::Unknown
                    | Code::Internal
                    | Code::Cancelled
                    | Code::DeadlineExceeded
            ),
        };
        let failure = explain(status);
        if passes {
            Self::Line(failure)
        } else {
            Self::Final(failure)
        }
    }
}

/// A failure to read or write a file.
pub(super) fn file_failure(path: &Path) -> impl Fn(std::io::Error) -> Failure {
    move |error| format!("cannot use `{}`: {error}", path.display()).into()
}

/// The digest in the resource name of an item.
pub(super) fn digest_in(name: &str) -> Option<Digest> {
    name.rsplit('/').next()?.parse().ok()
}

/// For people: bytes in the largest unit that leaves a whole number to read.
pub(super) fn size(bytes: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    units
        .into_iter()
        .find(|(unit, _)| bytes >= 10 * unit)
        .map_or_else(
            || format!("{bytes} bytes"),
            |(unit, name)| format!("{} {name}", bytes / unit),
        )
}
