//! What the gateway tells of: kept once, however often it is told.

use comity::v1::{CaseEvent, NotifyRequest, NotifyResponse};
use prost::Message as _;
use rusqlite::params;
use tonic::Status;

use super::{Backend, database};
use crate::register::RegisterError;

impl Backend {
    /// The events that the gateway told of a case, in their order.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn told(&self, case: &str) -> Result<Vec<CaseEvent>, RegisterError> {
        let events: Vec<Vec<u8>> = self.with(|register| {
            register
                .connection()
                .prepare("SELECT event FROM told WHERE case_name = ? ORDER BY step")?
                .query_map([case], |row| row.get(0))?
                .collect::<Result<_, rusqlite::Error>>()
        })?;
        // What is kept is what came.
        let events = events.iter().map(|event| CaseEvent::decode(&event[..]));
        Ok(events.map(Result::unwrap_or_default).collect())
    }

    /// The kinds of these events.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn notices(&self, case: &str) -> Result<Vec<String>, RegisterError> {
        let told = self.told(case)?.into_iter();
        Ok(told.map(|event| event.kind).collect())
    }

    /// Takes note of an event.
    pub(super) fn note(&self, message: &NotifyRequest) -> Result<NotifyResponse, Status> {
        let NotifyRequest { case, step, event } = message;
        let event = event.as_ref();
        let event = event.ok_or_else(|| Status::invalid_argument("`event` is missing"))?;
        self.with(|register| {
            register.connection().execute(
                "INSERT INTO told (case_name, step, event) VALUES (?, ?, ?) \
                 ON CONFLICT (case_name, step) DO NOTHING",
                params![case, step, event.encode_to_vec()],
            )
        })
        .map_err(database)?;
        Ok(NotifyResponse {})
    }
}
