//! Handing a case out, and counting: what auditors take away.

use std::sync::Arc;

use bytes::Bytes;
use comity::v1::{self, ExportCaseRequest, ExportCaseResponse, StatisticsRequest};
use comity_store::Period;

use super::access;
use crate::{
    case_file::{self, Damaged, Files, GatherError},
    gateway::Gateway,
    identity::Caller,
    record,
    refusal::Refusal,
    statistics,
    trickle::{self, Stream},
    wire::from_proto,
};

/// Most bytes of a file in one message.
const PIECE: usize = 256 << 10;

/// Exports a case, piece by piece. That it was disclosed is on record before.
pub(crate) async fn case(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    message: ExportCaseRequest,
) -> Result<Stream<ExportCaseResponse>, Refusal> {
    let ExportCaseRequest {
        name,
        purpose,
        recipient,
    } = message;
    let stated = v1::Access {
        purpose,
        recipient,
        subject: name.clone(),
        ..v1::Access::default()
    };
    let case = from_proto::case_name(&name).map_err(Refusal::Malformed);
    let case = match case {
        Ok(case) => access::within_reach(gateway, caller, &case)
            .await
            .map(|()| case),
        malformed => malformed,
    };
    // What there is no room for is not disclosed, and so not on record as such.
    let room = || Ok((case?, gateway.take_away(caller)?));
    let (case, place) = access::entitled(gateway, caller, access::EXPORT, stated, room).await?;
    // Every entry of the case is to be under a checkpoint.
    gateway
        .store()
        .publish()
        .await
        .map_err(record::unavailable)?;
    let store = gateway.store().clone();
    let files = blocking(move || {
        let archive = store
            .archive(Period::default())
            .map_err(GatherError::from)?;
        let gathered = case_file::gather(archive, &case)?;
        Ok::<_, Refusal>(gathered.files()?)
    });
    let files = record::attempted(gateway, caller, files.await).await?;
    Ok(trickle::all(pieces(files), gateway.stop_signal(), place))
}

/// Counts what happened in a period.
pub(crate) async fn statistics(
    gateway: &Gateway,
    caller: &Arc<Caller>,
    message: StatisticsRequest,
) -> Result<v1::StatisticsResponse, Refusal> {
    let StatisticsRequest {
        from,
        until,
        purpose,
    } = message;
    let stated = v1::Access {
        purpose,
        subject: format!("{from}..{until}"),
        ..v1::Access::default()
    };
    let room = || Ok((from_proto::days(&from, &until)?, gateway.take_away(caller)?));
    let asked = access::entitled(gateway, caller, access::STATISTICS, stated, room).await?;
    let (period, _place) = asked;
    let store = gateway.store().clone();
    let count = move || statistics::count(|period| store.archive(period), period, || ());
    blocking(move || count().map_err(record::unavailable)).await
}

/// Runs what reads files off the threads that serve.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|panic| Refusal::Internal(Box::new(panic)))?
}

fn pieces(files: Files) -> Vec<ExportCaseResponse> {
    let mut pieces = Vec::new();
    for (path, bytes) in files {
        let mut rest = Bytes::from(bytes);
        // An empty file is a file.
        loop {
            let data = rest.split_to(PIECE.min(rest.len()));
            let path = path.clone();
            pieces.push(ExportCaseResponse { path, data });
            if rest.is_empty() {
                break;
            }
        }
    }
    pieces
}

impl From<GatherError> for Refusal {
    fn from(error: GatherError) -> Self {
        match error {
            GatherError::NoCase(case) => Self::NotFound {
                kind: "case",
                name: format!("cases/{case}"),
            },
            error @ GatherError::Pruned(..) => Self::NotNow(error.to_string()),
            GatherError::Policies(error) => error.into(),
            GatherError::Unpublished(_)
            | GatherError::Open(_)
            | GatherError::Read(_)
            | GatherError::Ledger(_)
            | GatherError::Checkpoint(_)
            | GatherError::Proof(_) => record::unavailable(error),
        }
    }
}

impl From<Damaged> for Refusal {
    fn from(damaged: Damaged) -> Self {
        Self::Internal(Box::new(damaged))
    }
}
