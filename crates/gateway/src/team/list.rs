//! The teams of a party, and what it has shared and been given in one.

use comity::v1;
use comity_store::{CaseFilter, CaseRow, OfTeam, Party};

use super::{OPEN_TO, PARTIES, Team, begun_by, load, of, seat, show};
use crate::{
    admit, anew,
    cases::{self, CaseAt, Withheld},
    gateway::Gateway,
    identity::{Caller, Role},
    refusal::Refusal,
    wire::from_proto,
};

/// See `TeamService.ListTeams`.
pub(crate) async fn teams(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ListTeamsRequest,
) -> Result<v1::ListTeamsResponse, Refusal> {
    let v1::ListTeamsRequest {
        page_size,
        page_token,
    } = message;
    admit::role(caller, &PARTIES, OPEN_TO)?;
    let page = ("teams", page_size, page_token.as_str());
    let filter = own(caller, OfTeam::SetUp);
    let entry = async |row| {
        let found = set_up_by(gateway, caller, row).await?;
        let own = found.filter(|team| seat(team, caller).is_some());
        Ok(own.map(|team| show::team(&team, gateway.now())))
    };
    let (teams, next_page_token) = cases::page(gateway, filter, page, entry).await?;
    Ok(v1::ListTeamsResponse {
        teams,
        next_page_token,
    })
}

/// See `TeamService.ListShared`.
pub(crate) async fn shared(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ListSharedRequest,
) -> Result<v1::ListSharedResponse, Refusal> {
    let v1::ListSharedRequest {
        name,
        page_size,
        page_token,
    } = message;
    let (team, _) = of(gateway, caller, &name).await?;
    let page = (name.as_str(), page_size, page_token.as_str());
    let filter = own(caller, OfTeam::SharedIn(team.id));
    let owner = issuing(caller).to_string();
    let entry = async |row: CaseRow| {
        let own = row.owner == owner;
        let case = cases::read(row)?;
        if !own && !cases::was_delivered(&case) {
            return Ok(None);
        }
        shown(gateway, case, own).await.map(Some)
    };
    let (cases, next_page_token) = cases::page(gateway, filter, page, entry).await?;
    Ok(v1::ListSharedResponse {
        cases,
        next_page_token,
    })
}

/// Cases of teams in which the caller or its State has a part.
fn own(caller: &Caller, which: OfTeam) -> CaseFilter {
    CaseFilter {
        party: Some(Party {
            owner: issuing(caller).to_string(),
            executing: Some(caller.jurisdiction.clone()),
        }),
        team: Some(which),
        ..CaseFilter::default()
    }
}

/// The authority as the one that asks, which owns what it opened.
fn issuing(caller: &Caller) -> Caller {
    Caller {
        role: Role::Issuing,
        ..caller.clone()
    }
}

/// The team that a case sets up. Of the cases that its proposer has opened the first
/// alone stands for it, so that it is listed once.
async fn set_up_by(
    gateway: &Gateway,
    caller: &Caller,
    row: CaseRow,
) -> Result<Option<Team>, Refusal> {
    let own = row.owner == issuing(caller).to_string();
    let case = cases::read(row.clone())?;
    let context = anew::request(&case)?.team.unwrap_or_default();
    match from_proto::team_name(&context.name) {
        Ok(_) if own => Ok(None),
        Ok(first) => load(gateway, &first).await,
        Err(_) => begun_by(gateway, row).await,
    }
}

/// What was shared, as its sender or recipient sees it.
async fn shown(gateway: &Gateway, case: CaseAt, own: bool) -> Result<v1::Case, Refusal> {
    let withheld = match own {
        true => Withheld::Nothing,
        false => Withheld::from_executing(&case),
    };
    let case = cases::with_receipt(gateway, case).await?;
    let mut shown = cases::open(&case.shown())?;
    withheld.take_out(&mut shown);
    Ok(shown)
}
