//! What waits for a reviewer: page by page, the most urgent first.

use std::str::FromStr;

use comity::v1::{
    GetTaskRequest, GetTaskResponse, ListTasksRequest, ListTasksResponse, ReviewTask,
};
use comity_domain::Urgency;
use comity_store::{CaseRow, Reviewed};

use crate::{
    admit, cases, gateway::Gateway, identity::Role, record, refusal::Refusal, wire::from_proto,
};

use super::{
    entitle::{self, Reviewer},
    show, tasks,
};

/// Cases read at once.
const BATCH: usize = 100;
/// Cases looked at for one page: a State's cases may wait for other roles only.
const CASES_MAX: usize = 1000;

/// The tasks of a page, and the place after them where there may be more.
type Page = (Vec<ReviewTask>, Option<Place>);

/// The last task seen: where the next page begins.
#[derive(Debug, Clone, Copy)]
struct Place {
    case: Reviewed,
    number: u32,
}

/// See `ReviewService.ListTasks`.
pub(crate) async fn list(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    message: ListTasksRequest,
) -> Result<ListTasksResponse, Refusal> {
    let ListTasksRequest {
        page_size,
        page_token,
    } = message;
    admit::role(reviewer.caller, &[Role::Reviewer], "reviewer")?;
    let limit = from_proto::page_size(page_size)?;
    let after = from_proto::page_token(&page_token)?;
    let (tasks, more) = page(gateway, reviewer, after, limit).await?;
    Ok(ListTasksResponse {
        tasks,
        next_page_token: more.map(Place::token).unwrap_or_default(),
    })
}

/// See `ReviewService.GetTask`.
pub(crate) async fn get(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    message: GetTaskRequest,
) -> Result<GetTaskResponse, Refusal> {
    let GetTaskRequest { name } = message;
    admit::role(reviewer.caller, &[Role::Reviewer], "reviewer")?;
    let (case, task) = entitle::task(gateway, reviewer.caller, &name).await?;
    entitle::check(gateway, reviewer, (&case, &task))?;
    Ok(GetTaskResponse {
        task: Some(show::task(&case, &task)?),
        case: Some(cases::whole(gateway, case).await?),
    })
}

async fn page(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    after: Option<Place>,
    limit: usize,
) -> Result<Page, Refusal> {
    let mut found = Vec::new();
    let mut place = after;
    let mut looked_at = 0;
    while looked_at < CASES_MAX {
        // The case of the last task seen may have more.
        let from = place.map(|place| Reviewed {
            opened: place.case.opened.saturating_sub(1),
            ..place.case
        });
        let state = &reviewer.caller.jurisdiction;
        let rows = gateway.store().cases_to_review(state, from, BATCH).await;
        let rows = rows.map_err(record::unavailable)?;
        let last = rows.len() < BATCH;
        looked_at += rows.len();
        for row in rows {
            let case = reviewed(&row);
            let seen = place.filter(|place| place.case.opened == case.opened);
            let seen = seen.map_or(0, |place| place.number);
            for (number, task) in of_case(gateway, reviewer, row, seen)? {
                if found.len() == limit {
                    return Ok((found, place));
                }
                found.push(task);
                place = Some(Place { case, number });
            }
            place = Some(Place {
                case,
                number: u32::MAX,
            });
        }
        if last {
            return Ok((found, None));
        }
    }
    Ok((found, place))
}

/// A case's open tasks that the reviewer may answer, from the one after `seen`.
fn of_case(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    row: CaseRow,
    seen: u32,
) -> Result<Vec<(u32, ReviewTask)>, Refusal> {
    let case = cases::read(row)?;
    let kept = case.snapshot.kept();
    let open = kept.tasks.iter();
    let open = open.filter(|task| task.number > seen && tasks::is_open(task));
    let own = open.filter(|task| {
        entitle::is_of_state(task, reviewer.caller)
            && entitle::check(gateway, reviewer, (&case, task)).is_ok()
    });
    own.map(|task| Ok((task.number, show::task(&case, task)?)))
        .collect()
}

impl Place {
    fn token(self) -> String {
        let Self {
            case: Reviewed { urgency, opened },
            number,
        } = self;
        let urgency = match urgency {
            Urgency::Routine => 0,
            Urgency::Urgent => 1,
            Urgency::Emergency => 2,
        };
        format!("{urgency}.{opened}.{number}")
    }
}

impl FromStr for Place {
    type Err = ();

    fn from_str(token: &str) -> Result<Self, ()> {
        let [urgency, opened, number] = token.split('.').collect::<Vec<_>>()[..] else {
            return Err(());
        };
        let urgency = match urgency {
            "0" => Urgency::Routine,
            "1" => Urgency::Urgent,
            "2" => Urgency::Emergency,
            _ => return Err(()),
        };
        let opened = opened.parse().map_err(drop)?;
        let number = number.parse().map_err(drop)?;
        Ok(Self {
            case: Reviewed { urgency, opened },
            number,
        })
    }
}

fn reviewed(row: &CaseRow) -> Reviewed {
    Reviewed {
        urgency: row.urgency,
        opened: row.opened,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_token_names_one_place() {
        let place = "2.17.3".parse::<Place>().unwrap();
        assert_eq!(place.token(), "2.17.3");
        for bad in ["", "2.17", "3.17.3", "2.x.3", "2.17.3.1", "2.17.-3"] {
            assert!(bad.parse::<Place>().is_err(), "{bad}");
        }
    }
}
