//! A checkpoint that is not cosigned, as the contract tells it, and read back.

use std::collections::HashMap;

use comity_ledger::Refused;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::refusal::ERROR_DOMAIN;

/// Where `ErrorInfo.metadata` holds the largest checkpoint cosigned; empty if none was.
const SEEN: &str = "seen";

/// Stable code for programs.
pub(crate) fn reason(refused: &Refused) -> &'static str {
    match refused {
        Refused::Unknown(_) => "LOG_UNKNOWN",
        Refused::Checkpoint(_) => "CHECKPOINT_NOT_SIGNED",
        Refused::Backwards { .. } => "PROOF_BACKWARDS",
        Refused::Stale { .. } => "CHECKPOINT_STALE",
        Refused::RolledBack(_) => "LOG_ROLLED_BACK",
        Refused::Split(_) => "LOG_SPLIT",
        Refused::Unproven(_) => "LOG_UNPROVEN",
        Refused::Witness(_) | Refused::Note(_) => "INTERNAL",
    }
}

/// The gRPC code.
pub(crate) fn code(refused: &Refused) -> Code {
    match refused {
        Refused::Unknown(_) => Code::NotFound,
        Refused::Checkpoint(_) => Code::PermissionDenied,
        Refused::Backwards { .. } => Code::InvalidArgument,
        Refused::Stale { .. }
        | Refused::RolledBack(_)
        | Refused::Split(_)
        | Refused::Unproven(_) => Code::FailedPrecondition,
        Refused::Witness(_) | Refused::Note(_) => Code::Internal,
    }
}

/// What programs read: where there is something to catch up with, the checkpoint that
/// was cosigned last.
pub(crate) fn metadata(refused: &Refused) -> HashMap<String, String> {
    match (refused, refused.seen()) {
        (_, Some(seen)) => {
            let note = String::from_utf8_lossy(&seen.note).into_owned();
            HashMap::from([(SEEN.to_owned(), note)])
        }
        (Refused::Stale { .. }, None) => HashMap::from([(SEEN.to_owned(), String::new())]),
        (_, None) => HashMap::new(),
    }
}

/// The largest checkpoint that a witness says it cosigned, which nobody has checked
/// yet; empty if it never did. `None` where that is not what it says.
pub(crate) fn seen(status: &Status) -> Option<String> {
    let details = status.get_error_details();
    let info = details.error_info()?;
    let ours = info.domain == ERROR_DOMAIN;
    ours.then(|| info.metadata.get(SEEN).cloned()).flatten()
}
