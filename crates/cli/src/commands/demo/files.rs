//! Messages to be sent by hand, which the demonstration leaves in its folder.

use std::{fs, path::Path};

use comity::v1::{ProposeRequest, ShareInformationRequest, ShareRequest};
use comity_evidence::digest;
use comity_gateway::wire::{json, to_proto};
use comity_sandbox::stories;
use jiff::{SignedDuration, Timestamp};
use prost::{Message, Name};
use serde_json::{Value, json};

use crate::exit::Failure;

/// The files, by their names in the folder.
pub(super) const REQUEST: &str = "request.json";
pub(super) const TIP: &str = "tip.json";
pub(super) const AGREEMENT: &str = "agreement.json";
pub(super) const ITEM: &str = "item.json";
pub(super) const TRANSMISSION: &str = "transmission.json";

/// How long the team is agreed on.
const YEAR: SignedDuration = SignedDuration::from_hours(24 * 365);

/// Writes them all, as of now.
pub(super) fn write(folder: &Path, now: Timestamp) -> Result<(), Failure> {
    let issued = to_proto::timestamp(now);
    let mut stories = stories::all("by-hand", issued).into_iter();
    let request = match stories.nth(1) {
        Some(story) => json::print(&story.request)?,
        None => return Err("there is no request to send by hand".into()),
    };
    let tip = checked::<ShareInformationRequest>(&tip(now))?;
    let agreement = checked::<ProposeRequest>(&agreement(now))?;
    let item = checked::<ShareRequest>(&item(now))?;
    let transmission = format!("{:#}", transmission(now, request.as_bytes()));
    for (name, text) in [
        (REQUEST, request),
        (TIP, tip),
        (AGREEMENT, agreement),
        (ITEM, item),
        (TRANSMISSION, transmission),
    ] {
        let path = folder.join(name);
        fs::write(&path, text)
            .map_err(|error| format!("cannot write `{}`: {error}", path.display()))?;
    }
    Ok(())
}

/// A message in the contract's own spelling.
fn checked<M: Message + Name + Default>(message: &Value) -> Result<String, Failure> {
    let message: M = json::parse(&message.to_string())?;
    Ok(json::print(&message)?)
}

/// What a British agency tells a German authority.
fn tip(now: Timestamp) -> Value {
    json!({
        "request_id": "by-hand/tip", "issued_at": now.to_string(),
        "sender": {"jurisdiction": "GB", "authority": "nca"},
        "recipient": {"jurisdiction": "DE", "authority": "bfj"},
        "instrument": "ets-30", "language": "de",
        "purpose": "to open proceedings for fraud in Germany",
        "offences": [{"provision": "Fraud Act 2006 s 1", "category": "D20"}],
        "information": {"account_holder": "Erika Beispiel", "bank": "Beispielbank"},
        "conditions": [{
            "kind": "OBLIGATION_KIND_USE_LIMIT",
            "parameters": {"purpose": "proceedings for fraud, 241 Js 1024/26"},
        }],
    })
}

/// A team of Germany and France on a fraud.
fn agreement(now: Timestamp) -> Value {
    let offence = json!({"provision": "StGB 263", "category": "D20", "max_penalty_months": 60});
    json!({
        "request_id": "by-hand/agreement", "issued_at": now.to_string(),
        "agreement": {
            "parties": [
                {"jurisdiction": "DE", "authority": "sta-berlin"},
                {"jurisdiction": "FR", "authority": "parquet-paris"},
            ],
            "purpose": "a fraud on buyers of wood in two States",
            "offences": [offence],
            "states_of_operation": ["FR"],
            "leaders": [
                {"jurisdiction": "FR", "name": "B. Exemple", "authority": "Parquet de Paris"},
            ],
            "members": [
                {"jurisdiction": "DE", "name": "C. Muster", "authority": "LKA Berlin", "seconded": true},
            ],
            "instrument": "jit", "language": "fr", "ends_at": (now + YEAR).to_string(),
        },
    })
}

/// What is shared about it; the team is named when it is sent.
fn item(now: Timestamp) -> Value {
    json!({
        "request_id": "by-hand/item", "issued_at": now.to_string(), "language": "fr",
        "purpose": "to find where the money went",
        "offences": [{"provision": "StGB 263", "category": "D20", "max_penalty_months": 60}],
        "information": {"account_holder": "Erika Beispiel", "bank": "Beispielbank"},
    })
}

/// The record of an order with one file that went by courier.
fn transmission(now: Timestamp, file: &[u8]) -> Value {
    let sent = now - SignedDuration::from_hours(1);
    json!({
        "sent_at": sent.to_string(), "means": "courier", "reasons": ["disruption"],
        "sender": {"name": "Dublin Circuit Court", "state": "IE"},
        "recipient": {"name": "Example Mail, Paris", "state": "FR"},
        "files": [
            {"name": REQUEST, "size": file.len(), "sha256": digest(file).to_string()},
        ],
    })
}
