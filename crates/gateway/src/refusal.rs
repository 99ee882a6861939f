//! Why a call was refused, and the one mapping of that to a gRPC status.

use std::{collections::HashMap, time::Duration};

use comity_domain::{CaseState, Digest};
use jiff::SignedDuration;
use thiserror::Error;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt as _};

use crate::{
    identity::{InvalidIdentity, Role},
    policies::KeptError,
    wire::{self, Violation},
    witness,
};

/// `domain` of every `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "comity.v1";

/// Violations named in one status. Details travel in a header, of which some
/// clients take no more than 8 KiB.
const VIOLATIONS_SHOWN_MAX: usize = 20;

/// Why a call was refused by the gateway itself. What the law says of a
/// request is a decision, never a refusal.
#[derive(Debug, Error)]
pub enum Refusal {
    /// The caller could not be told from the certificate.
    #[error("the caller is not known: {0}")]
    Unauthenticated(InvalidIdentity),
    /// The caller's authority may not act for the authority or State named.
    #[error("the certificate does not speak for this: {0}")]
    NotCompetent(&'static str),
    /// The caller's role does not allow the call.
    #[error("this call is not open to the role `{role}`; it is open to {open_to}")]
    PermissionDenied {
        /// The caller's role.
        role: Role,
        /// Roles to which the call is open, in words.
        open_to: &'static str,
    },
    /// Fields that are not as the contract demands.
    #[error("{}", malformed(.0))]
    Malformed(Vec<Violation>),
    /// More bytes, entries or pages than are accepted.
    #[error(
        "{what} is larger than the {limit} that are accepted: divide it or send it as evidence"
    )]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Limit with its unit, for example `4194304 bytes`.
        limit: String,
    },
    /// The request id was used before with other content.
    #[error(
        "this request id was used before with other content: choose a new id, or repeat the first content unchanged"
    )]
    IdReused,
    /// Nothing of that name that the caller may see.
    #[error("no {kind} `{name}` that this caller may see: check the name")]
    NotFound {
        /// Kind of resource, for example `case`.
        kind: &'static str,
        /// Resource name as asked for, of a shape that was checked before.
        name: String,
    },
    /// A policy bundle that was never in force here.
    #[error("{}", KeptError::Missing(*.0))]
    NoBundle(Digest),
    /// The case stands where the call does not apply.
    #[error("{call} is not possible while the case is {}; it is possible while the case is {}", state_name(*state), state_names(allowed))]
    NotAllowedNow {
        /// What was asked, for example `withdraw`.
        call: &'static str,
        /// Where the case stands.
        state: CaseState,
        /// Where it would have to stand.
        allowed: Vec<CaseState>,
    },
    /// What is asked is not possible as the case stands; the text says why and what
    /// is.
    #[error("{0}")]
    NotNow(String),
    /// A task that takes no answer of this caller.
    #[error("no answer of this caller is taken for `{task}`: {why}")]
    NotOpen {
        /// `tasks/<id>`.
        task: String,
        /// Why not, and who may answer.
        why: &'static str,
    },
    /// Someone else changed the same thing meanwhile.
    #[error("{0} was changed by another call meanwhile: read it again and repeat the call")]
    Conflict(&'static str),
    /// A part that is needed does not answer.
    #[error("{what} does not answer: repeat the call after {} seconds", retry_after.as_secs())]
    Unavailable {
        /// The part, for example `the store`.
        what: &'static str,
        /// When to try again.
        retry_after: Duration,
    },
    /// The ledger has gone without a timestamp for too long.
    #[error(
        "the ledger has waited {} minutes for a timestamp, and nothing new but emergencies is taken: see \
         that the gateway's clock is right and an authority under `timestamps` in its configuration \
         answers, and repeat the call after {} seconds",
        waited.as_mins(), retry_after.as_secs()
    )]
    NotTimestamped {
        /// How long its first entry without one has waited.
        waited: SignedDuration,
        /// When to try again.
        retry_after: Duration,
    },
    /// More calls than can be carried.
    #[error("more calls are under way than can be carried: repeat the call after {} seconds", retry_after.as_secs())]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// More bytes in an item of evidence than are accepted.
    #[error("the item is larger than the {limit_bytes} bytes that are accepted: divide it")]
    ItemTooLarge {
        /// The limit.
        limit_bytes: u64,
    },
    /// A transfer goes on elsewhere.
    #[error("the transfer cannot go on at offset {offset}: go on at offset {stored}")]
    WrongOffset {
        /// Where it was begun.
        offset: u64,
        /// Where it is to go on.
        stored: u64,
    },
    /// A transfer broke off.
    #[error("{why}: go on with the transfer where it broke off after {} seconds", retry_after.as_secs())]
    Interrupted {
        /// Why.
        why: &'static str,
        /// When to go on.
        retry_after: Duration,
    },
    /// Bytes are not those that were meant.
    #[error(
        "{what} at offset {offset} does not have the SHA-256 stated for it: send it again, from offset {stored}"
    )]
    WrongDigest {
        /// `the chunk` or `the item`.
        what: &'static str,
        /// Where it begins.
        offset: u64,
        /// How much of the item is stored: where to go on.
        stored: u64,
    },
    /// A peer's checkpoint is not cosigned.
    #[error(transparent)]
    NotCosigned(Box<comity_ledger::Refused>),
    /// What is stored is not what was stored, and is not handed out.
    #[error("the stored item is damaged and not handed out: have it deleted and stored again")]
    Damaged,
    /// A message that is compressed otherwise than is taken.
    #[error("the message is compressed otherwise than by gzip: send it by gzip or uncompressed")]
    Compressed,
    /// Part of the contract and not built yet.
    #[error("{0}")]
    NotYet(&'static str),
    /// A fault of the gateway. The cause is for its log, not for the caller.
    #[error(
        "the gateway failed; nothing was approved or sent by this call: repeat it, and report it if it fails again"
    )]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Refusal {
    /// Stable code for programs, logs and the ledger.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Unauthenticated(_) => "UNAUTHENTICATED",
            Self::NotCompetent(_) => "NOT_COMPETENT",
            Self::PermissionDenied { .. } => "PERMISSION_DENIED",
            Self::Malformed(_) => "MALFORMED",
            Self::TooLarge { .. } => "TOO_LARGE",
            Self::IdReused => "REQUEST_ID_REUSED",
            Self::NotFound { .. } | Self::NoBundle(_) => "NOT_FOUND",
            Self::NotAllowedNow { .. } | Self::NotNow(_) => "NOT_ALLOWED_NOW",
            Self::NotOpen { .. } => "TASK_NOT_OPEN",
            Self::Conflict(_) => "CONFLICT",
            Self::Unavailable { .. } => "UNAVAILABLE",
            Self::NotTimestamped { .. } => "LEDGER_NOT_TIMESTAMPED",
            Self::Overloaded { .. } => "OVERLOADED",
            Self::ItemTooLarge { .. } => "ITEM_TOO_LARGE",
            Self::WrongOffset { .. } => "WRONG_OFFSET",
            Self::Interrupted { .. } => "INTERRUPTED",
            Self::WrongDigest { .. } => "WRONG_DIGEST",
            Self::NotCosigned(refused) => witness::reason(refused),
            Self::Damaged => "DAMAGED",
            Self::Compressed => "COMPRESSED",
            Self::NotYet(_) => "NOT_YET",
            Self::Internal(_) => "INTERNAL",
        }
    }

    /// The gRPC code. Codes that clients retry by themselves stand only where
    /// repeating the same call can help.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Unauthenticated(_) => Code::Unauthenticated,
            Self::NotCompetent(_) | Self::PermissionDenied { .. } => Code::PermissionDenied,
            Self::Malformed(_) | Self::TooLarge { .. } => Code::InvalidArgument,
            Self::IdReused => Code::AlreadyExists,
            Self::NotFound { .. } | Self::NoBundle(_) => Code::NotFound,
            Self::NotAllowedNow { .. } | Self::NotNow(_) | Self::NotOpen { .. } => {
                Code::FailedPrecondition
            }
            Self::Conflict(_) => Code::Aborted,
            Self::Unavailable { .. } | Self::NotTimestamped { .. } | Self::Interrupted { .. } => {
                Code::Unavailable
            }
            Self::Overloaded { .. } | Self::ItemTooLarge { .. } => Code::ResourceExhausted,
            Self::WrongOffset { .. } => Code::OutOfRange,
            Self::WrongDigest { .. } | Self::Damaged => Code::DataLoss,
            Self::NotCosigned(refused) => witness::code(refused),
            Self::Compressed | Self::NotYet(_) => Code::Unimplemented,
            Self::Internal(_) => Code::Internal,
        }
    }

    /// Adds what is particular to the reason.
    fn describe(&self, details: &mut ErrorDetails) {
        match self {
            Self::Malformed(violations) => {
                for Violation { field, description } in violations.iter().take(VIOLATIONS_SHOWN_MAX)
                {
                    details.add_bad_request_violation(field, description);
                }
            }
            Self::NotFound { kind, name } => {
                details.set_resource_info(*kind, name, "", self.to_string());
            }
            Self::NoBundle(bundle) => {
                details.set_resource_info("bundle", bundle.to_string(), "", self.to_string());
            }
            Self::NotAllowedNow { state, .. } => {
                details.add_precondition_failure_violation(
                    "CASE_STATE",
                    state_name(*state),
                    self.to_string(),
                );
            }
            Self::NotOpen { task, .. } => {
                details.add_precondition_failure_violation("TASK_STATE", task, self.to_string());
            }
            Self::Unavailable { retry_after, .. }
            | Self::NotTimestamped { retry_after, .. }
            | Self::Interrupted { retry_after, .. }
            | Self::Overloaded { retry_after } => {
                details.set_retry_info(Some(*retry_after));
            }
            Self::Unauthenticated(_)
            | Self::NotCompetent(_)
            | Self::PermissionDenied { .. }
            | Self::TooLarge { .. }
            | Self::IdReused
            | Self::NotNow(_)
            | Self::Conflict(_)
            | Self::ItemTooLarge { .. }
            | Self::WrongOffset { .. }
            | Self::WrongDigest { .. }
            | Self::NotCosigned(_)
            | Self::Damaged
            | Self::Compressed
            | Self::NotYet(_)
            | Self::Internal(_) => {}
        }
    }

    fn metadata(&self) -> HashMap<String, String> {
        match self {
            Self::NotAllowedNow { state, allowed, .. } => HashMap::from([
                ("state".to_owned(), state_name(*state).to_owned()),
                ("allowed".to_owned(), state_names(allowed)),
            ]),
            Self::TooLarge { limit, .. } => HashMap::from([("limit".to_owned(), limit.clone())]),
            Self::PermissionDenied { role, .. } => {
                HashMap::from([("role".to_owned(), role.to_string())])
            }
            Self::ItemTooLarge { limit_bytes } => {
                HashMap::from([("limit".to_owned(), format!("{limit_bytes} bytes"))])
            }
            Self::WrongOffset { offset, stored } | Self::WrongDigest { offset, stored, .. } => {
                HashMap::from([
                    ("offset".to_owned(), offset.to_string()),
                    ("stored".to_owned(), stored.to_string()),
                ])
            }
            Self::NotCosigned(refused) => witness::metadata(refused),
            Self::Unauthenticated(_)
            | Self::NotCompetent(_)
            | Self::Malformed(_)
            | Self::IdReused
            | Self::NotFound { .. }
            | Self::NoBundle(_)
            | Self::NotNow(_)
            | Self::NotOpen { .. }
            | Self::Conflict(_)
            | Self::Unavailable { .. }
            | Self::NotTimestamped { .. }
            | Self::Overloaded { .. }
            | Self::Interrupted { .. }
            | Self::Damaged
            | Self::Compressed
            | Self::NotYet(_)
            | Self::Internal(_) => HashMap::new(),
        }
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        if let Refusal::Internal(cause) = &refusal {
            let error: &(dyn std::error::Error + 'static) = cause.as_ref();
            tracing::error!(error, "the gateway failed in a call");
        }
        let mut details = ErrorDetails::new();
        details.set_error_info(refusal.reason(), ERROR_DOMAIN, refusal.metadata());
        refusal.describe(&mut details);
        Status::with_error_details(refusal.code(), refusal.to_string(), details)
    }
}

impl From<InvalidIdentity> for Refusal {
    fn from(error: InvalidIdentity) -> Self {
        Self::Unauthenticated(error)
    }
}

impl From<KeptError> for Refusal {
    fn from(error: KeptError) -> Self {
        match error {
            KeptError::Missing(bundle) => Self::NoBundle(bundle),
            KeptError::Altered { .. } | KeptError::Broken { .. } | KeptError::Failed(_) => {
                Self::Internal(Box::new(error))
            }
        }
    }
}

impl From<Vec<Violation>> for Refusal {
    fn from(violations: Vec<Violation>) -> Self {
        Self::Malformed(violations)
    }
}

fn malformed(violations: &[Violation]) -> String {
    let count = violations.len();
    let first = violations
        .first()
        .map(|Violation { field, description }| match field.as_str() {
            "" => format!(": the message {description}"),
            field => format!(": `{field}`: {description}"),
        })
        .unwrap_or_default();
    if count > VIOLATIONS_SHOWN_MAX {
        return format!(
            "{count} fields need mending, the first {VIOLATIONS_SHOWN_MAX} are named{first}"
        );
    }
    let (noun, verb) = if count == 1 {
        ("field", "needs")
    } else {
        ("fields", "need")
    };
    format!("{count} {noun} {verb} mending{first}")
}

fn state_name(state: CaseState) -> &'static str {
    let name = wire::to_proto::case_state(state).as_str_name();
    name.strip_prefix("CASE_STATE_").unwrap_or(name)
}

fn state_names(states: &[CaseState]) -> String {
    states
        .iter()
        .map(|state| state_name(*state))
        .collect::<Vec<_>>()
        .join(" or ")
}

#[cfg(test)]
mod tests {
    use std::{
        fmt,
        sync::{Arc, Mutex},
    };

    use super::*;

    /// One of each.
    fn all() -> Vec<Refusal> {
        vec![
            Refusal::Unauthenticated(InvalidIdentity::NoCertificate),
            Refusal::NotCompetent("name the authority of the certificate"),
            Refusal::PermissionDenied {
                role: Role::Auditor,
                open_to: "issuing authorities",
            },
            Refusal::Malformed(vec![violation(0)]),
            Refusal::TooLarge {
                what: "the form",
                limit: "20 bytes".to_owned(),
            },
            Refusal::IdReused,
            Refusal::NotFound {
                kind: "case",
                name: "cases/x".to_owned(),
            },
            Refusal::NoBundle(Digest([7; 32])),
            Refusal::NotAllowedNow {
                call: "withdraw",
                state: CaseState::Refused,
                allowed: vec![CaseState::Approved, CaseState::UnderReview],
            },
            Refusal::NotOpen {
                task: "tasks/x-1".to_owned(),
                why: "it is answered",
            },
            Refusal::Conflict("the case"),
            Refusal::Unavailable {
                what: "the store",
                retry_after: Duration::from_secs(2),
            },
            Refusal::NotTimestamped {
                waited: SignedDuration::from_mins(245),
                retry_after: Duration::from_secs(60),
            },
            Refusal::Overloaded {
                retry_after: Duration::from_secs(1),
            },
            Refusal::ItemTooLarge { limit_bytes: 9 },
            Refusal::WrongOffset {
                offset: 0,
                stored: 8,
            },
            Refusal::Interrupted {
                why: "the gateway stops",
                retry_after: Duration::from_secs(5),
            },
            Refusal::WrongDigest {
                what: "the chunk",
                offset: 8,
                stored: 4,
            },
            Refusal::NotCosigned(Box::new(comity_ledger::Refused::Stale { seen: None })),
            Refusal::Damaged,
            Refusal::Compressed,
            Refusal::NotYet("teams are not open yet: agree outside the gateway"),
            Refusal::Internal("disk at /var/secret".into()),
        ]
    }

    fn violation(number: usize) -> Violation {
        Violation {
            field: format!("offences[{number}].iccs"),
            description: "expected".to_owned(),
        }
    }

    #[test]
    fn every_refusal_carries_its_reason() {
        for refusal in all() {
            let (code, reason) = (refusal.code(), refusal.reason());
            let status = Status::from(refusal);
            assert_eq!(status.code(), code);
            let info = status.get_error_details().error_info().cloned().unwrap();
            assert_eq!(
                (info.reason.as_str(), info.domain.as_str()),
                (reason, ERROR_DOMAIN)
            );
        }
    }

    #[test]
    fn texts_follow_the_house_style() {
        for refusal in all() {
            let text = refusal.to_string();
            assert!(
                text.starts_with(|c: char| c.is_lowercase() || c.is_ascii_digit()),
                "{text}"
            );
            assert!(!text.ends_with('.'), "{text}");
        }
    }

    #[test]
    fn the_cause_of_a_fault_stays_inside() {
        let status = Status::from(Refusal::Internal("disk at /var/secret".into()));
        assert!(!status.message().contains("secret"));
        assert!(!String::from_utf8_lossy(status.details()).contains("secret"));
    }

    /// Keeps what is logged as an error.
    #[derive(Clone, Default)]
    struct Errors(Arc<Mutex<String>>);

    impl tracing::field::Visit for Errors {
        fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
            let line = format!("{field}={value:?}\n");
            self.0.lock().unwrap().push_str(&line);
        }
    }

    impl tracing::Subscriber for Errors {
        fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
            *metadata.level() == tracing::Level::ERROR
        }

        fn event(&self, event: &tracing::Event<'_>) {
            event.record(&mut self.clone());
        }

        fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
            tracing::span::Id::from_u64(1)
        }

        fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

        fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

        fn enter(&self, _: &tracing::span::Id) {}

        fn exit(&self, _: &tracing::span::Id) {}
    }

    #[test]
    fn the_cause_of_a_fault_is_in_the_log() {
        let errors = Errors::default();
        tracing::subscriber::with_default(errors.clone(), || {
            let _ = Status::from(Refusal::Internal("disk at /var/secret".into()));
            let _ = Status::from(Refusal::IdReused);
        });
        let told = errors.0.lock().unwrap().clone();
        assert!(told.contains("error=disk at /var/secret"), "{told}");
        assert_eq!(told.matches("message=").count(), 1, "{told}");
    }

    #[test]
    fn what_can_be_retried_says_when() {
        for refusal in all() {
            // An item that is too large stays so.
            let retryable = matches!(refusal.code(), Code::Unavailable | Code::ResourceExhausted)
                && refusal.reason() != "ITEM_TOO_LARGE";
            let details = Status::from(refusal).get_error_details();
            assert_eq!(details.retry_info().is_some(), retryable);
        }
    }

    #[test]
    fn a_state_that_forbids_names_those_that_allow() {
        let status = Status::from(all().swap_remove(8));
        assert_eq!(
            status.message(),
            "withdraw is not possible while the case is REFUSED; it is possible while the case is \
             APPROVED or UNDER_REVIEW"
        );
        let details = status.get_error_details();
        assert_eq!(
            details.precondition_failure().unwrap().violations[0].subject,
            "REFUSED"
        );
    }

    #[test]
    fn violations_fit_into_a_header() {
        let many: Vec<Violation> = (0..3000).map(violation).collect();
        let status = Status::from(Refusal::from(many));
        assert!(
            status
                .message()
                .starts_with("3000 fields need mending, the first 20 are named")
        );
        assert!(status.details().len() < 6 * 1024);
    }
}
