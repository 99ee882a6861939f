//! The reference national backend: takes approved requests, executes what a
//! register can answer at once, and takes note of the rest.

mod execute;
mod notice;
mod recall;
mod server;

use std::{
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use comity::v1::{
    CapabilitiesRequest, CapabilitiesResponse, DeliverRequest, DeliverResponse, NotifyRequest,
    NotifyResponse, RecallRequest, RecallResponse,
    national_backend_service_server::NationalBackendService,
};
use prost::Message as _;
use rusqlite::{OptionalExtension as _, params};
use sha2::{Digest as _, Sha256};
use tokio::task;
use tonic::{Request, Response, Status};

pub use self::server::{ServeError, Serving};
use crate::register::{Register, RegisterError};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS delivery (
        case_name TEXT NOT NULL, step INTEGER NOT NULL, request BLOB NOT NULL,
        answer BLOB NOT NULL, recalled INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (case_name, step)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS told (
        case_name TEXT NOT NULL, step INTEGER NOT NULL, event BLOB NOT NULL,
        PRIMARY KEY (case_name, step)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS recall (
        case_name TEXT NOT NULL, step INTEGER NOT NULL, reason TEXT NOT NULL,
        at INTEGER NOT NULL,
        PRIMARY KEY (case_name, step)
    ) WITHOUT ROWID;
";

/// A national backend; cheap to clone.
#[derive(Debug, Clone)]
pub struct Backend(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    jurisdiction: String,
    exercise_only: bool,
    register: Mutex<Register>,
    up: AtomicBool,
    received: AtomicU64,
}

impl Backend {
    /// A backend over the register at `path`; keeps what was delivered there too.
    ///
    /// # Errors
    /// [`RegisterError`] when the register cannot be used.
    pub fn open(path: &Path, jurisdiction: &str) -> Result<Self, RegisterError> {
        Self::over(Register::open(path, jurisdiction)?, jurisdiction, false)
    }

    /// A backend that forgets everything with the process.
    ///
    /// # Errors
    /// [`RegisterError`] when the jurisdiction is unknown.
    pub fn in_memory(jurisdiction: &str) -> Result<Self, RegisterError> {
        Self::over(Register::in_memory(jurisdiction)?, jurisdiction, false)
    }

    /// A backend for exercises: it takes nothing else.
    ///
    /// # Errors
    /// [`RegisterError`] when the jurisdiction is unknown.
    pub fn for_exercises(jurisdiction: &str) -> Result<Self, RegisterError> {
        Self::over(Register::in_memory(jurisdiction)?, jurisdiction, true)
    }

    fn over(
        register: Register,
        jurisdiction: &str,
        exercise_only: bool,
    ) -> Result<Self, RegisterError> {
        register.connection().execute_batch(TABLES)?;
        Ok(Self(Arc::new(Shared {
            jurisdiction: jurisdiction.to_owned(),
            exercise_only,
            register: Mutex::new(register),
            up: AtomicBool::new(true),
            received: AtomicU64::new(0),
        })))
    }

    /// Takes the backend down, or up again: while down, every call fails with
    /// `UNAVAILABLE`.
    pub fn set_up(&self, up: bool) {
        self.0.up.store(up, Ordering::SeqCst);
    }

    /// Deliveries that arrived, repeated ones included.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.0.received.load(Ordering::SeqCst)
    }

    /// Deliveries that had an effect.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn effects(&self) -> Result<u64, RegisterError> {
        let count: i64 = self.with(|register| {
            register
                .connection()
                .query_row("SELECT count(*) FROM delivery", [], |row| row.get(0))
        })?;
        Ok(count.unsigned_abs())
    }

    /// Recalls that had an effect, of whatever was delivered before them.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn recalls(&self) -> Result<u64, RegisterError> {
        let count: i64 = self.with(|register| {
            register
                .connection()
                .query_row("SELECT count(*) FROM recall", [], |row| row.get(0))
        })?;
        Ok(count.unsigned_abs())
    }

    /// Deliveries of a case that stand: executed and not recalled.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn standing(&self, case: &str) -> Result<u64, RegisterError> {
        let count: i64 = self.with(|register| {
            register.connection().query_row(
                "SELECT count(*) FROM delivery WHERE case_name = ? AND recalled = 0",
                [case],
                |row| row.get(0),
            )
        })?;
        Ok(count.unsigned_abs())
    }

    /// Only exercises are accepted.
    #[must_use]
    pub fn is_for_exercises(&self) -> bool {
        self.0.exercise_only
    }

    fn with<T>(&self, work: impl FnOnce(&Register) -> T) -> T {
        // A panic elsewhere leaves the database whole: each use is one statement or transaction.
        work(
            &self
                .0
                .register
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }

    /// Works where waiting for the register holds up no other call: a thread that
    /// serves calls may be the one that everybody's timers and sockets depend on.
    async fn aside<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        let backend = self.clone();
        task::spawn_blocking(move || work(&backend))
            .await
            .map_err(|_| Status::internal("the backend failed"))?
            .map(Response::new)
    }

    fn admit<T>(&self, request: Request<T>) -> Result<T, Status> {
        server::require_gateway(&request)?;
        if self.0.up.load(Ordering::SeqCst) {
            Ok(request.into_inner())
        } else {
            Err(Status::unavailable("this backend is down for maintenance"))
        }
    }

    /// Executes a delivery once; a repeated one gets the first answer again.
    fn deliver_once(&self, message: &DeliverRequest) -> Result<DeliverResponse, Status> {
        let request = message.request.as_ref();
        let request = request.ok_or_else(|| Status::invalid_argument("`request` is missing"))?;
        if request.exercise != self.0.exercise_only {
            return Err(Status::failed_precondition(
                "exercises and live requests have separate backends",
            ));
        }
        let digest: [u8; 32] = Sha256::digest(request.encode_to_vec()).into();
        self.with(|register| {
            recall::check(register, &message.case, message.step)?;
            if let Some(answer) = delivered(register, message, &digest)? {
                return Ok(answer);
            }
            let result = execute::request(register, request)?;
            let answer = DeliverResponse {
                reference: reference(&self.0.jurisdiction, &digest),
                result,
            };
            register
                .connection()
                .prepare_cached(
                    "INSERT INTO delivery (case_name, step, request, answer) VALUES (?, ?, ?, ?)",
                )
                .and_then(|mut insert| {
                    insert.execute(params![
                        message.case,
                        message.step,
                        digest,
                        answer.encode_to_vec()
                    ])
                })
                .map_err(database)?;
            Ok(answer)
        })
    }
}

#[tonic::async_trait]
impl NationalBackendService for Backend {
    async fn deliver(
        &self,
        request: Request<DeliverRequest>,
    ) -> Result<Response<DeliverResponse>, Status> {
        let message = self.admit(request)?;
        self.0.received.fetch_add(1, Ordering::SeqCst);
        self.aside(move |backend| backend.deliver_once(&message))
            .await
    }

    async fn recall(
        &self,
        request: Request<RecallRequest>,
    ) -> Result<Response<RecallResponse>, Status> {
        let message = self.admit(request)?;
        self.aside(move |backend| backend.with(|register| recall::carry_out(register, &message)))
            .await
    }

    async fn notify(
        &self,
        request: Request<NotifyRequest>,
    ) -> Result<Response<NotifyResponse>, Status> {
        let message = self.admit(request)?;
        self.aside(move |backend| backend.note(&message)).await
    }

    async fn capabilities(
        &self,
        request: Request<CapabilitiesRequest>,
    ) -> Result<Response<CapabilitiesResponse>, Status> {
        self.admit(request)?;
        Ok(Response::new(CapabilitiesResponse {
            jurisdiction: self.0.jurisdiction.clone(),
            measures: execute::AT_ONCE
                .iter()
                .map(|&measure| measure.to_owned())
                .collect(),
            exercise_only: self.0.exercise_only,
        }))
    }
}

/// The answer given before to the same case and step.
fn delivered(
    register: &Register,
    message: &DeliverRequest,
    digest: &[u8; 32],
) -> Result<Option<DeliverResponse>, Status> {
    let found = register
        .connection()
        .prepare_cached("SELECT request, answer FROM delivery WHERE case_name = ? AND step = ?")
        .and_then(|mut select| {
            select
                .query_row(params![message.case, message.step], |row| {
                    Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Vec<u8>>(1)?))
                })
                .optional()
        })
        .map_err(database)?;
    let Some((before, answer)) = found else {
        return Ok(None);
    };
    if before != digest {
        return Err(Status::already_exists(
            "this case and step were delivered with another request",
        ));
    }
    DeliverResponse::decode(answer.as_slice())
        .map(Some)
        .map_err(|_| Status::data_loss("the stored answer cannot be read"))
}

/// A file reference as a clerk would give it, the same for the same request.
fn reference(jurisdiction: &str, digest: &[u8; 32]) -> String {
    let [a, b, c, ..] = digest;
    format!(
        "{jurisdiction}-{:06}",
        (u32::from(*a) << 16 | u32::from(*b) << 8 | u32::from(*c)) % 1_000_000
    )
}

fn database(error: rusqlite::Error) -> Status {
    tracing::error!(%error, "the backend's database refuses");
    Status::unavailable("the backend's database refuses")
}
