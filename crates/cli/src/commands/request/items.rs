//! `comity request evidence`: what is stored for a case, and who had it.

use std::fmt::Write as _;

use comity::v1::{
    EvidenceItem, ListItemsRequest, ListItemsResponse,
    evidence_service_client::EvidenceServiceClient,
};
use tonic::{Status, transport::Channel};

use super::{Named, explain, line::size};
use crate::{
    exit::{Exit, Failure},
    render,
};

pub(super) async fn run(named: Named) -> Result<Exit, Failure> {
    let Named { case, call } = named;
    let mut client = EvidenceServiceClient::new(call.open().await?);
    let answer = all(&mut client, case).await.map_err(explain)?;
    call.print(&answer, |answer| {
        if answer.items.is_empty() {
            return "no evidence is stored".to_owned();
        }
        answer.items.iter().map(words).collect()
    })?;
    Ok(Exit::Done)
}

/// Every item of a case, on one page.
pub(super) async fn all(
    client: &mut EvidenceServiceClient<Channel>,
    case: String,
) -> Result<ListItemsResponse, Status> {
    let mut message = ListItemsRequest {
        case,
        page_size: 500,
        page_token: String::new(),
    };
    let mut all = ListItemsResponse::default();
    loop {
        let page = client.list_items(message.clone()).await?.into_inner();
        all.items.extend(page.items);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        message.page_token = page.next_page_token;
    }
}

fn words(item: &EvidenceItem) -> String {
    let EvidenceItem {
        name,
        media_type,
        size: bytes,
        sha256: _,
        recipient,
        custody,
        custody_left_out,
    } = item;
    let mut text = format!("{name}\n  {}, {media_type}", size(*bytes));
    // Writing to a string cannot fail.
    if !recipient.is_empty() {
        let _ = write!(text, ", sealed to {recipient}");
    }
    for (number, step) in custody.iter().enumerate() {
        if number == 1 && *custody_left_out > 0 {
            let _ = write!(text, "\n  {custody_left_out} steps more");
        }
        let at = step.at.as_ref().map_or_else(String::new, render::instant);
        let what = step.kind.strip_prefix("evidence-").unwrap_or(&step.kind);
        let _ = write!(
            text,
            "\n  {at}  {what} by {} (entry {})",
            step.actor, step.ledger_index
        );
    }
    text + "\n"
}
