//! Entries of the ledger, and what they keep to themselves.

use std::fmt::Write as _;

use comity::v1;
use prost::Message as _;

use super::{instant, labels::ENGLISH, one_line, visible};

/// An entry as a row of a list.
pub(crate) fn row(entry: &v1::LedgerEntry) -> [String; 6] {
    [
        entry.index.to_string(),
        entry.at.as_ref().map(instant).unwrap_or_default(),
        entry.kind.clone(),
        says(entry),
        short(&entry.actor),
        entry.case.trim_start_matches("cases/").to_owned(),
    ]
}

/// An actor without the trust domain that all names share.
pub(crate) fn short(actor: &str) -> String {
    let name = actor.strip_prefix("spiffe://");
    let name = name.and_then(|name| name.split_once('/'));
    name.map_or(actor, |(_, name)| name).to_owned()
}

/// What an entry says besides who, when and what.
fn says(entry: &v1::LedgerEntry) -> String {
    let v1::LedgerEntry {
        outcome,
        state,
        instrument,
        issuing,
        executing,
        note,
        ..
    } = entry;
    let way = match (issuing.as_str(), executing.as_str()) {
        ("", "") => String::new(),
        (from, to) => format!("{from} to {to}"),
    };
    let category = category(entry.category());
    let mark = if entry.exercise { "exercise" } else { "" };
    let mark = mark.to_owned();
    joined(&[outcome, state, instrument, &way, &category, &mark, note])
}

/// What there is to say, each once: a refused case is refused.
pub(crate) fn joined(parts: &[&str]) -> String {
    let mut told: Vec<&str> = Vec::new();
    for part in parts {
        if !part.is_empty() && !told.contains(part) {
            told.push(part);
        }
    }
    told.join(", ")
}

fn category(category: v1::AccessCategory) -> String {
    if category == v1::AccessCategory::Unspecified {
        return String::new();
    }
    let name = category.as_str_name();
    name.trim_start_matches("ACCESS_CATEGORY_").to_lowercase()
}

/// An entry with its record as a page.
pub(crate) fn entry(found: &v1::GetRecordResponse) -> String {
    let entry = found.entry.clone().unwrap_or_default();
    let mut text = format!("entry {} of the ledger\n", entry.index);
    let hash: String = entry
        .leaf_hash
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let record = if found.salt.is_empty() {
        "erased".to_owned()
    } else {
        format!("{} bytes", found.record.len())
    };
    for (term, value) in [
        ("at", entry.at.as_ref().map(instant).unwrap_or_default()),
        ("kind", entry.kind.clone()),
        ("by", entry.actor.clone()),
        ("case", entry.case.clone()),
        ("says", says(&entry)),
        ("measure", entry.measure.clone()),
        ("rules", entry.rules.join(" ")),
        ("leaf hash", hash),
        ("record", record),
    ] {
        if !value.is_empty() {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {term:<12} {value}");
        }
    }
    text.push_str(&contents(&entry, found));
    text
}

/// A case whose records were erased, as its entries still tell it.
pub(crate) fn erased_case(name: &str, by: &v1::LedgerEntry, entries: &[v1::LedgerEntry]) -> String {
    let at = by.at.as_ref().map(instant).unwrap_or_default();
    let index = by.index;
    let mut text = format!(
        "{name}: its records were erased at {at}, as entry {index} says; \
         `comity audit show {index}` tells by whose order and why\n"
    );
    for entry in entries {
        let [index, at, kind, says, actor, _] = row(&visible(entry));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  entry {index}  {at}  {kind}: {says}; by {actor}");
    }
    text
}

/// What a record holds, where its kind is known.
fn contents(entry: &v1::LedgerEntry, found: &v1::GetRecordResponse) -> String {
    if found.salt.is_empty() {
        return String::new();
    }
    let record = found.record.clone();
    match entry.kind.as_str() {
        "read" | "erasure" | "legal-hold" | "legal-hold-lifted" => v1::Access::decode(record)
            .map_or_else(|_| String::new(), |read| access(&visible(&read))),
        "preflight" | "explain" | "compare" => v1::CooperationRequest::decode(record)
            .map_or_else(|_| String::new(), |request| tried(&visible(&request))),
        "tls-load" => {
            let files = String::from_utf8_lossy(&record);
            let files = files.lines().map(|file| format!("\n  {}", one_line(file)));
            format!("{}\n", files.collect::<String>())
        }
        "evidence-erased" => told("reason", &String::from_utf8_lossy(&record)),
        // Whoever was not let in: addresses, and certificates that were refused.
        "unauthorised" if entry.actor == "unknown" => {
            let from: String = String::from_utf8_lossy(&record)
                .lines()
                .map(|who| told("from", who))
                .collect();
            from
        }
        _ if !entry.state.is_empty() => v1::CaseRecord::decode(record).map_or_else(
            |_| String::new(),
            |record| format!("\n{}", event(&entry.case, &visible(&record))),
        ),
        _ => String::new(),
    }
}

fn access(read: &v1::Access) -> String {
    let mut text = String::from("\n");
    let found = match read.call.as_str() {
        "search-personal" => format!("{} entries", read.found),
        _ => String::new(),
    };
    for (term, value) in [
        ("purpose", &read.purpose),
        ("recipient", &read.recipient),
        ("ordered by", &read.ordered_by),
        ("of", &read.subject),
        ("found", &found),
    ] {
        if !value.is_empty() {
            let _ = writeln!(text, "  {term:<12} {value}");
        }
    }
    text
}

fn tried(request: &v1::CooperationRequest) -> String {
    format!(
        "\n  {:<12} {}, {}\n",
        "request", request.request_id, request.measure
    )
}

fn told(term: &str, text: &str) -> String {
    format!("\n  {term:<12} {}\n", one_line(text))
}

/// What an event added to its case, and what its actor and reviewers said of it.
fn event(case: &str, record: &v1::CaseRecord) -> String {
    let kept = record.kept.clone().unwrap_or_default();
    let remark = match record.remark.as_str() {
        "" => &kept.reason,
        remark => remark,
    };
    let mut text = String::new();
    for line in super::said(remark, record.form.as_ref()) {
        let _ = writeln!(text, "  {line}");
    }
    text.push_str(&super::review::opinions(case, &kept));
    if let Some(request) = &record.request {
        text.push_str(tried(request).trim_start_matches('\n'));
    }
    if let Some(decision) = &record.decision {
        text.push_str(&super::decision_in(decision, &ENGLISH));
    }
    if let Some(result) = record.result.as_ref().or(kept.held.as_ref()) {
        text.push_str(&super::result(result));
    }
    text
}
