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
    let bounds = cases::Bounds {
        entries: limit,
        cases: CASES_MAX,
    };
    let rows = |place: Option<Place>, few| async move {
        // The case of the last task seen may have more.
        let from = place.map(|place| match place.number {
            u32::MAX => place.case,
            _ => Reviewed {
                opened: place.case.opened.saturating_sub(1),
                ..place.case
            },
        });
        let state = &reviewer.caller.jurisdiction;
        let rows = gateway.store().cases_to_review(state, from, few).await;
        rows.map_err(record::unavailable)
    };
    let entries = async |row, after| of_case(gateway, reviewer, row, after);
    cases::fill(bounds, after, rows, entries).await
}

/// A case's open tasks that the reviewer may answer, from the one after a place.
fn of_case(
    gateway: &Gateway,
    reviewer: Reviewer<'_>,
    row: CaseRow,
    after: Option<Place>,
) -> Result<Vec<(Place, ReviewTask)>, Refusal> {
    let at = reviewed(&row);
    let seen = after.filter(|place| place.case.opened == at.opened);
    let seen = seen.map_or(0, |place| place.number);
    let case = cases::read(row)?;
    let open = case.snapshot.kept().tasks.iter();
    let open = open.filter(|task| task.number > seen && tasks::is_open(task));
    let own = open.filter(|task| {
        entitle::is_of_state(task, reviewer.caller)
            && entitle::check(gateway, reviewer, (&case, task)).is_ok()
    });
    let shown = own.map(|task| {
        let place = Place {
            case: at,
            number: task.number,
        };
        Ok((place, show::task(&case, task)?))
    });
    shown.collect()
}

impl cases::Place for Place {
    fn after(row: &CaseRow) -> Self {
        Self {
            case: reviewed(row),
            number: u32::MAX,
        }
    }
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
