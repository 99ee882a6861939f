//! `comity request confirm` and `object`: what a side says of a case that it was
//! given.

use clap::Args;
use comity::v1::{
    ConfirmObligationRequest, ObjectRequest, execution_service_client::ExecutionServiceClient,
};

use super::{Call, explain};
use crate::{
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Confirm {
    /// The case, `cases/<id>`
    case: String,
    /// The obligation, by its id among the conditions of the case
    #[arg(long)]
    obligation: String,
    /// How it was met or broken; sealed, and shown to the parties of the case
    #[arg(long, default_value = "")]
    note: String,
    /// Say that it was broken, rather than met
    #[arg(long)]
    broken: bool,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Object {
    /// The case, `cases/<id>`
    case: String,
    /// The ground, by its rule id
    #[arg(long)]
    rule: String,
    /// Why; sealed, and shown to the parties of the case
    #[arg(long)]
    reasons: String,
    #[command(flatten)]
    call: Call,
}

pub(super) async fn confirm(confirm: Confirm) -> Result<Exit, Failure> {
    let Confirm {
        case,
        obligation,
        note,
        broken,
        call,
    } = confirm;
    let what = if broken { "broken" } else { "met" };
    let said = format!("`{obligation}` of {case} is recorded as {what}");
    let message = ConfirmObligationRequest {
        name: case,
        obligation_id: obligation,
        note,
        broken,
    };
    let mut client = ExecutionServiceClient::new(call.open().await?);
    let answer = client.confirm_obligation(message).await;
    let answer = answer.map_err(explain)?.into_inner();
    call.print(&answer, || match &answer.receipt {
        Some(receipt) => format!("{said}\n{}", render::receipt(receipt)),
        None => said,
    })?;
    Ok(Exit::Done)
}

pub(super) async fn object(object: Object) -> Result<Exit, Failure> {
    let Object {
        case,
        rule,
        reasons,
        call,
    } = object;
    let said = format!("the objection to {case} is recorded");
    let message = ObjectRequest {
        name: case,
        rule_id: rule,
        reasons,
    };
    let mut client = ExecutionServiceClient::new(call.open().await?);
    let answer = client.object(message).await.map_err(explain)?.into_inner();
    let state = render::state_name(answer.state());
    call.print(&answer, || format!("{said}; the case is {state}"))?;
    Ok(Exit::Done)
}
