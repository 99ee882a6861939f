//! `comity request evidence`: what is stored for a case, and who had it.

use std::fmt::Write as _;

use comity::v1::{EvidenceItem, ListItemsRequest, evidence_service_client::EvidenceServiceClient};

use super::{Named, explain, line::size};
use crate::{
    exit::{Exit, Failure},
    render,
};

pub(super) async fn run(named: Named) -> Result<Exit, Failure> {
    let Named { case, call } = named;
    let mut client = EvidenceServiceClient::new(call.open().await?);
    let answer = client.list_items(ListItemsRequest { case }).await;
    let answer = answer.map_err(explain)?.into_inner();
    call.print(&answer, |answer| {
        if answer.items.is_empty() {
            return "no evidence is stored".to_owned();
        }
        answer.items.iter().map(words).collect()
    })?;
    Ok(Exit::Done)
}

fn words(item: &EvidenceItem) -> String {
    let EvidenceItem {
        name,
        media_type,
        size: bytes,
        sha256: _,
        recipient,
        custody,
    } = item;
    let mut text = format!("{name}\n  {}, {media_type}", size(*bytes));
    // Writing to a string cannot fail.
    if !recipient.is_empty() {
        let _ = write!(text, ", sealed to {recipient}");
    }
    for step in custody {
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
