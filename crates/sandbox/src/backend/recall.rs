//! Recall: what was delivered is taken back, also where it arrives later.

use comity::v1::{RecallRequest, RecallResponse};
use rusqlite::{Connection, params};
use tonic::Status;

use super::database;
use crate::register::Register;

/// Takes back every delivery of the case before this step; a repeated recall
/// gives the first answer again.
pub(super) fn carry_out(
    register: &Register,
    message: &RecallRequest,
) -> Result<RecallResponse, Status> {
    let RecallRequest { case, step, reason } = message;
    let seconds = mark(register.connection(), (case, *step), reason).map_err(database)?;
    Ok(RecallResponse {
        recalled_at: Some(prost_types::Timestamp { seconds, nanos: 0 }),
    })
}

fn mark(db: &Connection, (case, step): (&str, u32), reason: &str) -> rusqlite::Result<i64> {
    // The recall first: between the two, nothing recalled is taken anew.
    db.execute(
        "INSERT INTO recall (case_name, step, reason, at) VALUES (?, ?, ?, unixepoch()) \
         ON CONFLICT DO NOTHING",
        params![case, step, reason],
    )?;
    db.execute(
        "UPDATE delivery SET recalled = 1 WHERE case_name = ? AND step < ?",
        params![case, step],
    )?;
    db.query_row(
        "SELECT at FROM recall WHERE case_name = ? AND step = ?",
        params![case, step],
        |row| row.get(0),
    )
}

/// Refuses a delivery that was recalled before it came.
pub(super) fn check(register: &Register, case: &str, step: u32) -> Result<(), Status> {
    let recalled = register
        .connection()
        .prepare_cached("SELECT 1 FROM recall WHERE case_name = ? AND step > ?")
        .and_then(|mut select| select.exists(params![case, step]))
        .map_err(database)?;
    if recalled {
        Err(Status::failed_precondition(
            "this delivery was recalled before it came",
        ))
    } else {
        Ok(())
    }
}
