//! Cases that were put forward as emergencies, for those who judge afterwards
//! whether they were.

use comity_domain::Urgency;
use rusqlite::Connection;

use crate::{CaseRow, ReadError, Store, column, ended::ends, read};

/// Kinds of the entries by which a claim of an emergency is assessed.
pub const JUSTIFIED: &str = "emergency-justified";
/// See [`JUSTIFIED`].
pub const UNJUSTIFIED: &str = "emergency-unjustified";

/// A case that was put forward as an emergency, without its records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The case.
    pub case: CaseRow,
    /// Whether it was found to be one; `None` until somebody has assessed it.
    pub justified: Option<bool>,
}

/// How often an authority has claimed an emergency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimant {
    /// Who: the owner of the cases.
    pub owner: String,
    /// Its claims.
    pub claims: u64,
    /// Of these, how many were assessed.
    pub assessed: u64,
    /// Of these, how many were found unjustified.
    pub unjustified: u64,
}

impl Store {
    /// Cases that have ended and were put forward as emergencies, oldest first from
    /// the one opened after `after`; at most `limit` (and 1000). Those that were
    /// assessed, or erased before they were, are among them only if `assessed`.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn emergencies(
        &self,
        assessed: bool,
        after: Option<u64>,
        limit: usize,
    ) -> Result<Vec<Claim>, ReadError> {
        self.inner
            .readers
            .run(move |db, _| claims(db, assessed, after, limit))
            .await
    }

    /// How many such cases were erased before they were assessed: those that
    /// [`Store::emergencies`] leaves out.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn erased_claims(&self) -> Result<u64, ReadError> {
        self.inner.searchers.run(|db, _| erased_claims(db)).await
    }

    /// How often each authority has put a case forward as an emergency.
    ///
    /// # Errors
    /// [`ReadError`].
    pub async fn claimants(&self) -> Result<Vec<Claimant>, ReadError> {
        self.inner.searchers.run(|db, _| claimants(db)).await
    }
}

/// What a case was found to be: the kind of an entry, or null.
fn finding() -> String {
    format!(
        "(SELECT kind FROM entry WHERE case_id = cases.id \
         AND kind IN ('{JUSTIFIED}', '{UNJUSTIFIED}') ORDER BY idx LIMIT 1) AS finding"
    )
}

/// Which cases they are.
fn claimed() -> String {
    let rank = column::rank(Urgency::Emergency);
    format!("urgency = {rank} AND exercise = 0 AND {}", read::IS_THERE)
}

/// Which of them have come to their end.
fn ended() -> String {
    format!("{} AND state IN ({})", claimed(), ends())
}

/// That the records of a case are there.
const HAS_RECORDS: &str =
    "EXISTS (SELECT 1 FROM entry WHERE idx = cases.opened AND key IS NOT NULL)";

/// Claims whose cases have ended, in the order of opening from after `after`;
/// without those that were assessed unless these are asked for, too.
fn claims(
    db: &Connection,
    assessed: bool,
    after: Option<u64>,
    limit: usize,
) -> Result<Vec<Claim>, ReadError> {
    let sql = format!(
        "SELECT {columns}, {finding} FROM cases WHERE {ended} AND opened > ?1 \
         AND (?2 OR (finding IS NULL AND {HAS_RECORDS})) ORDER BY opened LIMIT ?3",
        columns = read::CASE_COLUMNS,
        finding = finding(),
        ended = ended(),
    );
    let after = after.map_or(-1, column::sql);
    db.prepare_cached(&sql)?
        .query_and_then((after, assessed, read::page(limit)), |row| {
            let finding: Option<String> = row.get("finding")?;
            Ok(Claim {
                case: read::read_case(row)?,
                justified: finding.map(|kind| kind == JUSTIFIED),
            })
        })?
        .collect()
}

fn erased_claims(db: &Connection) -> Result<u64, ReadError> {
    let sql = format!(
        "SELECT count(*) FROM (SELECT {finding} FROM cases WHERE {ended} AND NOT {HAS_RECORDS}) \
         WHERE finding IS NULL",
        finding = finding(),
        ended = ended(),
    );
    let count = db.prepare_cached(&sql)?.query_row([], |row| row.get(0))?;
    column::count(count)
}

/// Who has claimed how often, in the order of the authorities.
fn claimants(db: &Connection) -> Result<Vec<Claimant>, ReadError> {
    let sql = format!(
        "SELECT owner, count(*), count(finding), count(nullif(finding, '{JUSTIFIED}')) \
         FROM (SELECT owner, {finding} FROM cases WHERE {claimed}) GROUP BY owner ORDER BY owner",
        finding = finding(),
        claimed = claimed(),
    );
    db.prepare_cached(&sql)?
        .query_and_then([], |row| {
            Ok(Claimant {
                owner: row.get(0)?,
                claims: column::count(row.get(1)?)?,
                assessed: column::count(row.get(2)?)?,
                unjustified: column::count(row.get(3)?)?,
            })
        })?
        .collect()
}
