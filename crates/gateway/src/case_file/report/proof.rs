//! What shows that the case is what was recorded.

use comity_ledger::{Checkpoint, Hash, Note, VerifierKey};

use super::parts::{Block, Section, Span};
use crate::case_file::{CaseFile, Timestamp};

/// The checkpoint, the entries and how to check them.
pub(super) fn section(case_file: &CaseFile) -> Section {
    let CaseFile {
        case: _,
        key,
        checkpoint,
        timestamp,
        entries,
        policies: _,
    } = case_file;
    let mut section = Section::new("proof", "Proof");
    section.blocks.push(Block::Paragraph(vec![
        Span::Text(
            "Every event above is an entry of a ledger that nobody can alter unnoticed. The files \
             beside this report prove it: "
                .to_owned(),
        ),
        Span::Code("verify.txt".to_owned()),
        Span::Text(" says how to check them with public tools.".to_owned()),
    ]));
    let mut terms = vec![
        ("Ledger", key.name().to_owned()),
        ("Entries under the checkpoint", checkpoint.size.to_string()),
        ("Root hash", checkpoint.root.to_string()),
        ("Signed by the key", key.to_string()),
        (
            "Cosigned, as it says, by",
            witnesses(checkpoint, key).join(", "),
        ),
    ];
    if let Some(Timestamp { token, roots: _ }) = timestamp {
        terms.push(("Timestamped by", format!("{} at {}", token.by, token.at)));
    }
    section.terms(terms);
    let rows = entries.iter().map(|item| {
        let kept = if item.record.is_some() {
            "here"
        } else {
            "erased"
        };
        vec![
            item.index().to_string(),
            item.leaf.kind.clone(),
            Hash::of_leaf(&item.receipt.leaf).to_string(),
            kept.to_owned(),
        ]
    });
    section.table(&["Entry", "Kind", "Hash of the leaf", "Record"], rows);
    section
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
