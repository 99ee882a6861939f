//! Lists of cases, or of what they hold: page by page, a few cases at a time.

use comity::v1::{self, ListCasesRequest, ListCasesResponse};
use comity_store::{CaseFilter, CaseRow};
use prost::Message;

use super::{CaseAt, PARTIES, Withheld, in_directory, may_see, open, read};
use crate::{
    admit,
    gateway::Gateway,
    identity::{Caller, Role},
    record,
    refusal::Refusal,
    wire::{encoded, from_proto},
};

/// Cases read at once for a list: each comes with its request and all that became of it.
const AT_ONCE: usize = 16;
/// Bytes after which a page ends early; clients usually take 4 MiB.
pub(crate) const PAGE_BYTES: usize = 3 << 20;

/// A place in the order of a list of cases.
pub(crate) trait Place: Copy {
    /// The one after all that a case has for the list.
    fn after(row: &CaseRow) -> Self;
}

impl Place for u64 {
    fn after(row: &CaseRow) -> Self {
        row.opened
    }
}

/// What a page is to be, at most.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Entries on it.
    pub(crate) entries: usize,
    /// Cases looked at for it.
    pub(crate) cases: usize,
}

/// The entries of a page, and the place after them where there may be more. Large ones end
/// it early.
///
/// `rows` reads so many cases after a place, and `entries` says what one of them has for the
/// list after a place, each with its own.
///
/// # Errors
/// Those of `rows` and `entries`.
pub(crate) async fn fill<P, T, R, E>(
    bounds: Bounds,
    mut place: Option<P>,
    rows: impl Fn(Option<P>, usize) -> R,
    entries: impl Fn(CaseRow, Option<P>) -> E,
) -> Result<(Vec<T>, Option<P>), Refusal>
where
    P: Place,
    T: Message,
    R: Future<Output = Result<Vec<CaseRow>, Refusal>>,
    E: Future<Output = Result<Vec<(P, T)>, Refusal>>,
{
    let mut found: Vec<T> = Vec::new();
    let (mut bytes, mut left) = (0, bounds.cases);
    while left > 0 {
        let few = AT_ONCE.min(left);
        let batch = rows(place, few).await?;
        let no_more = batch.len() < few;
        left -= batch.len();
        for row in batch {
            let end = P::after(&row);
            for (at, entry) in entries(row, place).await? {
                if found.len() == bounds.entries || bytes >= PAGE_BYTES {
                    return Ok((found, place));
                }
                bytes += entry.encoded_len();
                found.push(entry);
                place = Some(at);
            }
            place = Some(end);
        }
        if no_more {
            return Ok((found, None));
        }
    }
    Ok((found, place))
}

/// What a page of a list in the order of opening has, newest first, with the token of the
/// next, empty after the last: of each case one entry, or none, so that it may be short.
///
/// # Errors
/// A size or a token that is none of this list, and those of `entry`.
pub(crate) async fn page<T: Message, E>(
    gateway: &Gateway,
    filter: CaseFilter,
    (list, size, token): (&str, i32, &str),
    entry: impl Fn(CaseRow) -> E,
) -> Result<(Vec<T>, String), Refusal>
where
    E: Future<Output = Result<Option<T>, Refusal>>,
{
    let size = from_proto::page_size(size)?;
    let before = from_proto::place(token, list)?;
    let bounds = Bounds {
        entries: size,
        cases: size,
    };
    let rows = |before, few| {
        let rows = gateway.store().list(filter.clone(), before, few);
        async { rows.await.map_err(record::unavailable) }
    };
    let entries = |row: CaseRow, _| {
        let opened = row.opened;
        let entry = entry(row);
        async move {
            Ok(entry
                .await?
                .map(|entry| (opened, entry))
                .into_iter()
                .collect())
        }
    };
    let (found, next) = fill(bounds, before, rows, entries).await?;
    let token = |opened| from_proto::place_token(opened, list);
    Ok((found, next.map_or_else(String::new, token)))
}

/// Lists the caller's cases, newest first, without requests, data and events. Of those
/// that a side was never handed it sees none.
pub(crate) async fn list(
    gateway: &Gateway,
    caller: &Caller,
    message: ListCasesRequest,
) -> Result<ListCasesResponse, Refusal> {
    let ListCasesRequest {
        page_size,
        page_token,
        filter,
    } = message;
    admit::role(caller, &PARTIES, "issuing, executing and backend")?;
    in_directory(gateway, caller)?;
    let asked = from_proto::case_filter(&filter)?;
    let mut found = CaseFilter {
        state: asked.state,
        executing: asked.executing,
        instrument: asked.instrument,
        ..CaseFilter::default()
    };
    let own = &caller.jurisdiction;
    match caller.role {
        Role::Issuing => found.owner = Some(caller.to_string()),
        Role::Executing | Role::Backend => {
            let asked = found.executing.replace(own.clone());
            // Of what other States are asked it sees nothing.
            if asked.is_some_and(|asked| asked != *own) {
                from_proto::page_size(page_size)?;
                return Ok(ListCasesResponse::default());
            }
        }
        Role::Gateway | Role::Auditor | Role::Reviewer | Role::Legal => {}
    }
    let list = format!("cases of {} by {filter}", caller.role);
    let entry = async |row| listed(gateway, caller, read(row)?);
    let page = (list.as_str(), page_size, page_token.as_str());
    let (cases, next_page_token) = self::page(gateway, found, page, entry).await?;
    Ok(ListCasesResponse {
        cases,
        next_page_token,
    })
}

/// A case as its list shows it; nothing where the caller may not see it.
fn listed(gateway: &Gateway, caller: &Caller, case: CaseAt) -> Result<Option<v1::Case>, Refusal> {
    if !may_see(gateway, caller, &case) {
        return Ok(None);
    }
    let withheld = Withheld::from(caller, &case);
    let mut shown = open(&encoded::Case {
        request: None,
        ..case.snapshot
    })?;
    withheld.take_out(&mut shown);
    if let Some(result) = &mut shown.result {
        result.data = None;
    }
    Ok(Some(shown))
}

#[cfg(test)]
mod tests {
    use comity_domain::{CaseState, Executing, Issuing, Urgency};
    use jiff::Timestamp;

    use super::*;

    fn row(opened: u64) -> CaseRow {
        CaseRow {
            id: "00000000-0000-4000-8000-000000000001".parse().unwrap(),
            opened,
            version: 1,
            state: CaseState::Approved,
            issuing: Issuing("DE".parse().unwrap()),
            executing: Executing("FR".parse().unwrap()),
            instrument: None,
            outcome: None,
            exercise: false,
            urgency: Urgency::Routine,
            owner: String::new(),
            request_id: "one".parse().unwrap(),
            opened_at: Timestamp::UNIX_EPOCH,
            changed_at: Timestamp::UNIX_EPOCH,
            wake_at: None,
            reviewers: [].into(),
            team: None,
            records: Vec::new(),
        }
    }

    /// How many entries a page has of 100 cases, of which every other has one of so many
    /// bytes, and where the next one begins.
    async fn page(entries: usize, cases: usize, bytes: usize) -> (usize, Option<u64>) {
        let bounds = Bounds { entries, cases };
        let rows = async |before: Option<u64>, few: usize| {
            assert!(few <= AT_ONCE, "so many large cases at once");
            let below = (0..before.unwrap_or(100)).rev();
            Ok(below.take(few).map(row).collect())
        };
        let entries = async |row: CaseRow, _: Option<u64>| {
            let entry = (row.opened, "x".repeat(bytes));
            let none = row.opened.is_multiple_of(2);
            Ok(if none { vec![] } else { vec![entry] })
        };
        let (found, next) = fill(bounds, None, rows, entries).await.unwrap();
        (found.len(), next)
    }

    #[tokio::test]
    async fn a_page_ends_where_any_of_its_bounds_is_reached() {
        assert_eq!(page(500, 500, 1).await, (50, None));
        assert_eq!(page(500, 20, 1).await, (10, Some(80)));
        // What has no entry is passed over.
        assert_eq!(page(10, 500, 1).await, (10, Some(80)));
        assert_eq!(page(500, 500, PAGE_BYTES / 4).await, (4, Some(92)));
        assert_eq!(page(500, 500, 2 * PAGE_BYTES).await, (1, Some(98)));
    }
}
