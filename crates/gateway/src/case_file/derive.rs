//! What follows from a bundle's material: the case as the contract shows it, its
//! parts, the report, and how to check.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine as _};
use comity::v1;
use comity_domain::{Digest, ModuleId};
use comity_ledger::{Fields, Flaw, Leaf};
use comity_policy::DecidingFiles;
use comity_store::{
    ERASURE, EVIDENCE_ERASED, EVIDENCE_STORED, Event, LEGAL_HOLD, LEGAL_HOLD_LIFTED, Record,
};
use prost::{Message as _, bytes::Bytes};
use serde_json::json;

use super::{
    CASE, CaseFile, Damaged, FORMAT, Files, Item, Kind, MARK, Timestamp, entry_path, report,
};
use crate::{
    audit, cases,
    wire::{self, encoded, fields::take_apart, json},
};

/// The report on paper, which may not be there.
pub(super) const PDF: &str = "report.pdf";

/// Field of [`MARK`] that says which files are not there, and why.
pub(super) const WITHOUT: &str = "without";

const CHANGED: &str = "the record and what the entry says of it differ";

/// How to check a bundle without Comity: prose for people, and a script.
const HOW: &str = include_str!("verify.txt");

/// A case as its records tell it.
pub(super) struct Told {
    /// All of it.
    pub(super) case: v1::Case,
    /// The request in its canonical encoding, where its record is there.
    pub(super) request: Option<Bytes>,
    /// What the gateway keeps with it: what reviewers said, among it.
    pub(super) kept: v1::CaseKept,
    /// What each entry that moved the case added, by index.
    pub(super) events: BTreeMap<u64, v1::CaseRecord>,
}

/// The files that follow.
pub(super) fn derive(case_file: &CaseFile) -> Result<Files, Damaged> {
    let told = tell(case_file)?;
    let mut files = Files::new();
    let mut put = |path: &str, bytes: Vec<u8>| files.insert(path.to_owned(), bytes);
    put("verify.txt", HOW.as_bytes().to_vec());
    let report = report::write(case_file, &told);
    put("report.html", report.html().into_bytes());
    let without = match report.pdf(last_change(case_file)) {
        Ok(pdf) => {
            put(PDF, pdf);
            None
        }
        Err(why) => Some(why),
    };
    put(MARK, mark(case_file, without));
    put(CASE, print(&told.case));
    if let Some(request) = &told.request {
        put("request.bin", request.to_vec());
    }
    if let Some(request) = &told.case.request {
        put("request.json", print(request));
    }
    if let Some(decision) = &told.case.decision {
        put("decision.json", print(decision));
    }
    put("obligations.json", print(&obligations(&told.case)));
    for item in &case_file.entries {
        if let Some(fields) = fields(item) {
            put(&entry_path(item.index(), Kind::Fields), fields);
        }
        let event = told.events.get(&item.index());
        if let Some(readable) = event.map(print).or_else(|| readable(item)) {
            let path = entry_path(item.index(), Kind::Record);
            put(&format!("{path}.json"), readable);
        }
    }
    Ok(files)
}

/// The record of an entry that did not move the case, to be read. `None` where there is
/// none, or nothing in it.
fn readable(item: &Item) -> Option<Vec<u8>> {
    let Record { record, .. } = item.record.as_ref()?;
    let text = |name: &str| {
        let text = String::from_utf8_lossy(record);
        (!text.is_empty()).then(|| format!("{:#}\n", json!({name: text})).into_bytes())
    };
    match item.leaf.kind.as_str() {
        ERASURE | LEGAL_HOLD | LEGAL_HOLD_LIFTED => v1::Access::decode(record.as_slice())
            .ok()
            .as_ref()
            .map(print),
        EVIDENCE_ERASED => text("reason"),
        EVIDENCE_STORED => text("sealedTo"),
        _ => None,
    }
}

/// The fields that an entry commits to, one a line: salt, path and value, each in base64.
/// `None` where it commits to none, or its record is not there.
fn fields(item: &Item) -> Option<Vec<u8>> {
    let Record { salt, record } = item.record.as_ref().filter(|_| item.leaf.has_fields())?;
    let fields = Fields::of(take_apart, &item.leaf, record, salt);
    let (mut text, mut number) = (String::new(), 0);
    take_apart(&item.leaf, record, &mut |path, value| {
        let salt = fields.salt_of(number);
        let words =
            [salt.as_slice(), path.as_bytes(), value].map(|word| BASE64_STANDARD.encode(word));
        text.push_str(&words.join(" "));
        text.push('\n');
        number += 1;
    });
    Some(text.into_bytes())
}

/// When the case last changed.
fn last_change(case_file: &CaseFile) -> jiff::Timestamp {
    let last = case_file.entries.last();
    last.map_or(jiff::Timestamp::UNIX_EPOCH, |item| item.leaf.at)
}

/// Says that the folder is a bundle, of what, and by whom; and why it has no [`PDF`], where
/// it has none.
fn mark(case_file: &CaseFile, without: Option<String>) -> Vec<u8> {
    let CaseFile {
        case,
        key,
        checkpoint,
        timestamp,
        entries,
        policies,
    } = case_file;
    let timestamp = timestamp
        .as_ref()
        .map(|Timestamp { token, .. }| json!({"by": token.by, "at": token.at.to_string()}));
    let mut mark = json!({
        "format": FORMAT,
        "comity": env!("CARGO_PKG_VERSION"),
        "case": format!("cases/{case}"),
        "ledger": key.name(),
        "entries": entries.iter().map(Item::index).collect::<Vec<_>>(),
        "checkpoint": {"size": checkpoint.size, "root": checkpoint.root.to_string()},
        "policies": policies.keys().map(ToString::to_string).collect::<Vec<_>>(),
    });
    let without = without.map(|why| json!({PDF: why}));
    for (name, value) in [("timestamp", timestamp), (WITHOUT, without)] {
        if let (Some(value), Some(mark)) = (value, mark.as_object_mut()) {
            mark.insert(name.to_owned(), value);
        }
    }
    format!("{mark:#}\n").into_bytes()
}

/// The conditions in force: those of the result, else those of the decision.
pub(super) fn obligations(case: &v1::Case) -> v1::Result {
    let decided = case.decision.iter().flat_map(|made| &made.obligations);
    let obligations = match &case.result {
        Some(result) => result.obligations.clone(),
        None => decided.cloned().collect(),
    };
    v1::Result {
        obligations,
        ..v1::Result::default()
    }
}

/// A message in the contract's JSON mapping; empty where JSON cannot carry it,
/// which a message that came over the wire never is.
fn print<M: prost::Message + prost::Name>(message: &M) -> Vec<u8> {
    let text = json::print(message).unwrap_or_default();
    format!("{text}\n").into_bytes()
}

/// The case that the records add up to, with its events and its last receipt.
fn tell(case_file: &CaseFile) -> Result<Told, Damaged> {
    let parts: Vec<Part<'_>> = case_file.entries.iter().map(part).collect();
    let mut told = add_up(&parts)?;
    told.case.receipt = case_file.entries.last().map(|item| {
        let proof = &item.receipt.proof;
        let entry = (proof.index, proof.leaf_hash);
        let request = told.request.as_deref();
        let request = request.map_or(Digest([0; 32]), wire::digest_of);
        audit::show_receipt(case_file.key.name(), entry, request, Some(proof))
    });
    Ok(told)
}

/// An entry of a case: its index, what it says, and its record where that is there.
pub(super) type Part<'a> = (u64, &'a Leaf, Option<&'a [u8]>);

fn part(item: &Item) -> Part<'_> {
    let record = item.record.as_ref();
    let record = record.map(|record| record.record.as_slice());
    (item.index(), &item.leaf, record)
}

/// What the entries of a case add up to.
pub(super) fn add_up(parts: &[Part<'_>]) -> Result<Told, Damaged> {
    let mut events = BTreeMap::new();
    let mut whole = encoded::Case::default();
    for part in parts {
        if let Some(event) = event(part)? {
            let opened = event.open_record().map_err(|_| Damaged(part.0))?;
            events.insert(part.0, opened);
            whole = whole.then(event);
        }
    }
    let last = parts.last().map_or(0, |part| part.0);
    let mut case = whole.open().map_err(|_| Damaged(last))?;
    let kept = whole.open_record().map_err(|_| Damaged(last))?.kept;
    case.events = (1..)
        .zip(parts)
        .filter_map(|(sequence, (index, leaf, record))| {
            cases::event(&Event {
                sequence,
                index: *index,
                leaf: (*leaf).clone(),
                record: record.unwrap_or_default().to_vec(),
            })
        })
        .collect();
    Ok(Told {
        case,
        request: whole.request,
        kept: kept.unwrap_or_default(),
        events,
    })
}

/// What an entry added to the case, where it moved the case and its record is
/// there.
fn event((index, leaf, record): &Part<'_>) -> Result<Option<encoded::Case>, Damaged> {
    let Some(record) = record.filter(|_| leaf.state.is_some()) else {
        return Ok(None);
    };
    let event = encoded::Case::decode(record);
    event.map(Some).map_err(|_| Damaged(*index))
}

/// Whether entries and records name the same request and the same law.
pub(super) fn agrees(case_file: &CaseFile) -> Result<(), Flaw> {
    for item in &case_file.entries {
        let flaw = |what: String| {
            Flaw::of(&entry_path(item.index(), Kind::Record), what, CHANGED).entry(item.index())
        };
        let damaged = |_| flaw("is no record of a case".to_owned());
        let Some(event) = event(&part(item)).map_err(damaged)? else {
            continue;
        };
        if let (Some(request), Some(named)) = (&event.request, item.leaf.request)
            && wire::digest_of(request) != Digest(named.0)
        {
            return Err(flaw(
                "holds another request than the entry names".to_owned(),
            ));
        }
        if let (Some(decision), Some(bundle)) = (event.decision, item.leaf.bundle) {
            let decision = v1::Decision::decode(decision)
                .map_err(|_| flaw("holds a decision that cannot be read".to_owned()))?;
            let bundle = Digest(bundle.0);
            let files = case_file.policies.get(&bundle);
            let same = decision.bundle_sha256 == bundle.to_string()
                && files.is_some_and(|files| of_these(&decision, files));
            if !same {
                let what = "names other modules than those of the policy files";
                return Err(flaw(what.to_owned()));
            }
        }
    }
    Ok(())
}

/// Whether every module of a decision is one of these policy files.
fn of_these(decision: &v1::Decision, files: &DecidingFiles) -> bool {
    decision.modules.iter().all(|named| {
        let module: Result<ModuleId, _> = named.module.parse();
        module.is_ok_and(|module| files.module_digest(&module).to_string() == named.sha256)
    })
}
