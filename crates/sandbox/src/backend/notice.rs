//! What the gateway tells of: kept once, however often it is told.

use comity::v1::{NotifyRequest, NotifyResponse};
use rusqlite::params;
use tonic::Status;

use super::{Backend, database};
use crate::register::RegisterError;

impl Backend {
    /// The kinds of the events that the gateway told of a case, in their order.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses.
    pub fn notices(&self, case: &str) -> Result<Vec<String>, RegisterError> {
        let kinds = self.with(|register| {
            register
                .connection()
                .prepare("SELECT kind FROM notice WHERE case_name = ? ORDER BY step")?
                .query_map([case], |row| row.get(0))?
                .collect::<Result<_, rusqlite::Error>>()
        })?;
        Ok(kinds)
    }

    /// Takes note of an event.
    pub(super) fn note(&self, message: &NotifyRequest) -> Result<NotifyResponse, Status> {
        let NotifyRequest { case, step, event } = message;
        let event = event.as_ref();
        let event = event.ok_or_else(|| Status::invalid_argument("`event` is missing"))?;
        self.with(|register| {
            register.connection().execute(
                "INSERT INTO notice (case_name, step, kind) VALUES (?, ?, ?) \
                 ON CONFLICT (case_name, step) DO NOTHING",
                params![case, step, event.kind],
            )
        })
        .map_err(database)?;
        Ok(NotifyResponse {})
    }
}
