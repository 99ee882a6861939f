//! What shows that the case is what was recorded.

use comity_ledger::{Checkpoint, Hash, Note, VerifierKey};

use super::html::Html;
use crate::case_file::{CaseFile, Timestamp};

/// The checkpoint, the entries and how to check them.
pub(super) fn section(page: &mut Html, case_file: &CaseFile) {
    let CaseFile {
        case: _,
        key,
        checkpoint,
        timestamp,
        entries,
        policies: _,
    } = case_file;
    page.section("proof", "Proof");
    page.raw("<p>");
    page.text(
        "Every event above is an entry of a ledger that nobody can alter unnoticed. The files \
         beside this page prove it: ",
    );
    page.raw("<code>verify.txt</code>");
    page.text(" says how to check them with public tools.");
    page.raw("</p>\n");
    let mut terms = vec![
        ("Ledger", key.name().to_owned()),
        ("Entries under the checkpoint", checkpoint.size.to_string()),
        ("Root hash", checkpoint.root.to_string()),
        ("Signed by the key", key.to_string()),
    ];
    let witnesses = witnesses(checkpoint, key);
    if !witnesses.is_empty() {
        terms.push(("Cosigned, as it says, by", witnesses.join(", ")));
    }
    if let Some(Timestamp { token, roots: _ }) = timestamp {
        terms.push(("Timestamped by", format!("{} at {}", token.by, token.at)));
    }
    page.terms(&terms);
    page.table_head(&["Entry", "Kind", "Hash of the leaf", "Record"]);
    for item in entries {
        let kept = if item.record.is_some() {
            "here"
        } else {
            "erased"
        };
        page.row(&[
            item.index().to_string(),
            item.leaf.kind.clone(),
            Hash::of_leaf(&item.receipt.leaf).to_string(),
            kept.to_owned(),
        ]);
    }
    page.table_foot();
    page.section_end();
}

/// Keys that the checkpoint's other signatures claim to be by. Nobody here knows them:
/// `comity audit verify --policy` checks them.
fn witnesses(checkpoint: &Checkpoint, key: &VerifierKey) -> Vec<String> {
    let note = Note::read(&checkpoint.note);
    let mut claimed = note.map(|note| note.claimed()).unwrap_or_default();
    // The ledger's own, of which it may have a second one, are no cosignatures.
    claimed.retain(|claimed| claimed.rsplit_once('+').map(|(name, _)| name) != Some(key.name()));
    claimed
}
