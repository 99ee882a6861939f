//! `comity request report`, `confirm` and `object`: what a side says of a case that
//! is under way.

use std::path::{Path, PathBuf};

use clap::Args;
use comity::v1::{
    ConfirmObligationRequest, ObjectRequest, ReportEventRequest, ReportProgressRequest,
    execution_service_client::ExecutionServiceClient,
};
use comity_gateway::wire::structure;
use prost_types::Struct;

use super::{Call, Once, connect, explain, shown, text};
use crate::{
    exit::{Exit, Failure},
    render,
};

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// The case, `cases/<id>`
    case: String,
    /// What happened, by its name in the vocabulary, such as `transmitted-otherwise`
    event: String,
    /// What there is to say of it; sealed, and shown to the parties of the case
    #[arg(long, default_value = "")]
    note: String,
    /// The instrument's form for it: a file with one JSON object; sealed as the note
    /// is
    #[arg(long)]
    form: Option<PathBuf>,
    /// Report it as the executing side, rather than as the issuing one
    #[arg(long)]
    executing: bool,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
}

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
    once: Once,
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
    once: Once,
    #[command(flatten)]
    call: Call,
}

pub(super) async fn report(report: Report) -> Result<Exit, Failure> {
    let Report {
        case: name,
        event,
        note,
        form,
        executing,
        once,
        call,
    } = report;
    let form = form.as_deref().map(read).transpose()?;
    let said = format!("`{event}` of {name} is recorded");
    let standing = |state| format!("{said}; the case is {}", render::state_name(state));
    if executing {
        let message = ReportProgressRequest {
            name,
            note,
            event,
            extension: None,
            form,
            request_id: once.id,
        };
        let mut client = ExecutionServiceClient::new(call.open().await?);
        let answer = client.report_progress(message).await.map_err(explain)?;
        let answer = answer.into_inner();
        call.print(&answer, |answer| standing(answer.state()))?;
        return Ok(Exit::Done);
    }
    let message = ReportEventRequest {
        name,
        event,
        note,
        extension: None,
        form,
        request_id: once.id,
    };
    let answer = connect(&call).await?.report_event(message).await;
    let answer = answer.map_err(explain)?.into_inner();
    call.print(&answer, |answer| {
        let case = answer.case.clone().unwrap_or_default();
        let receipt = case.receipt.as_ref().map(render::receipt);
        let receipt = receipt.unwrap_or_default();
        format!("{}\n{receipt}", standing(case.state()))
    })?;
    Ok(Exit::Done)
}

/// A form from its file.
fn read(file: &Path) -> Result<Struct, Failure> {
    let form: serde_json::Map<_, _> = serde_json::from_str(&text(file)?).map_err(|error| {
        let (shown, line, column) = (shown(file), error.line(), error.column());
        format!("{shown}:{line}:{column}: is not one JSON object as a form is")
    })?;
    Ok(structure::from_json(&form))
}

pub(super) async fn confirm(confirm: Confirm) -> Result<Exit, Failure> {
    let Confirm {
        case,
        obligation,
        note,
        broken,
        once,
        call,
    } = confirm;
    let what = if broken { "broken" } else { "met" };
    let said = format!("`{obligation}` of {case} is recorded as {what}");
    let message = ConfirmObligationRequest {
        name: case,
        obligation_id: obligation,
        note,
        broken,
        request_id: once.id,
    };
    let mut client = ExecutionServiceClient::new(call.open().await?);
    let answer = client.confirm_obligation(message).await;
    let answer = answer.map_err(explain)?.into_inner();
    call.print(&answer, |answer| match &answer.receipt {
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
        once,
        call,
    } = object;
    let said = format!("the objection to {case} is recorded");
    let message = ObjectRequest {
        name: case,
        rule_id: rule,
        reasons,
        request_id: once.id,
    };
    let mut client = ExecutionServiceClient::new(call.open().await?);
    let answer = client.object(message).await.map_err(explain)?.into_inner();
    let state = render::state_name(answer.state());
    call.print(&answer, |_| format!("{said}; the case is {state}"))?;
    Ok(Exit::Done)
}
