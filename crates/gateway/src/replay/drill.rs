//! The exercises on record: each request with the decision made of it, for whoever
//! tells trainees what they missed.

use std::path::Path;

use comity::v1;
use comity_domain::{CaseId, CaseState, Decision};
use comity_policy::{Library, Question};
use comity_store::{Archive, CaseRow, Period};
use jiff::Timestamp;

use super::{Asked, Made, Recorded, ReplayError, Unread, batches};
use crate::wire::{from_proto, json, to_proto};

/// An exercise on record.
#[derive(Debug)]
pub struct Drill {
    /// The case.
    pub case: CaseId,
    /// The authority that sent it, as its certificate names it.
    pub owner: String,
    /// The trainee's own id for it.
    pub request_id: String,
    /// Where it stands.
    pub state: CaseState,
    /// Index of its first ledger entry.
    pub entry: u64,
    /// The request as JSON, by the names of the contract.
    pub sent: serde_json::Value,
    /// The decision as it is on record.
    pub recorded: v1::Decision,
    /// The same, made again.
    pub decision: Decision,
    asked: Asked,
    received: Timestamp,
}

impl Drill {
    /// What was decided.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        self.asked.question(LANGUAGE, self.received)
    }
}

/// The language in which decisions are made again.
const LANGUAGE: &str = "en";

/// The exercises in a gateway's data folder, oldest first.
///
/// # Errors
/// [`ReplayError`]; also where a case cannot be read, or these policies decide it
/// otherwise than is on record: then they are not those it was sent under.
pub fn drills(data: &Path, policies: &Library) -> Result<Vec<Drill>, ReplayError> {
    let mut archive = Archive::open(data, None, Period::default())?;
    let mut found = Vec::new();
    for batch in batches(&mut archive) {
        for row in batch?.into_iter().filter(|row| row.exercise) {
            let case = row.id.clone();
            let drill = drill(row, policies);
            found.push(drill.map_err(|unread| ReplayError::Case(case, unread))?);
        }
    }
    Ok(found)
}

fn drill(row: CaseRow, policies: &Library) -> Result<Drill, Unread> {
    let Recorded { request, decision } = Recorded::read(row.records).ok_or(Unread::Damaged)?;
    let sent = json::by_name(&request).map_err(|_| Unread::Damaged)?;
    let rulings = from_proto::rulings(&decision).ok_or(Unread::Damaged)?;
    let asked = Asked::read(request, row.changed_at, rulings)?;
    let made = asked.decide(policies, LANGUAGE, row.opened_at);
    let again = Made::of(&to_proto::decision(&made, "", row.opened_at));
    if again != Made::of(&decision) {
        return Err(Unread::Otherwise);
    }
    Ok(Drill {
        case: row.id,
        owner: row.owner,
        request_id: row.request_id.to_string(),
        state: row.state,
        entry: row.opened,
        sent,
        recorded: decision,
        decision: made,
        asked,
        received: row.opened_at,
    })
}
