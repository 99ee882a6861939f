//! Kinds of entries, and what a search names that no entry does.

use std::collections::BTreeSet;

use comity_domain::BoundParty;
use comity_policy::Library;
use comity_store::{
    ERASURE, EVIDENCE_ERASED, EVIDENCE_STORED, EntryFilter, JUSTIFIED, LEGAL_HOLD,
    LEGAL_HOLD_LIFTED, Names, PRUNING, UNJUSTIFIED,
};

use crate::wire::from_proto::expected_one_of;

/// Kinds of entries that are events of a case, but for those of the vocabulary that a side
/// reports: see [`events`]. The contract lists them at `CaseEvent.kind`.
const OF_CASES: [&str; 31] = [
    "acknowledged",
    "clock-breached",
    "clock-lapsed",
    "clock-reminder",
    "concluded",
    "consult",
    "decision",
    "delivery-postponed",
    "delivery-rejected",
    JUSTIFIED,
    UNJUSTIFIED,
    "evidence-handed-over",
    "expired",
    "extended",
    "not-executed",
    "objected",
    "obligation-broken",
    "obligation-confirmed",
    "onward-use-asked",
    "postponed",
    "progress",
    "recall-refused",
    "recalled",
    "released",
    "review",
    "supplement",
    "team-joined",
    "team-left",
    "validated",
    "validation-refused",
    "withdraw",
];

/// Every other kind of entries.
const OTHERS: [&str; 22] = [
    "compare",
    ERASURE,
    EVIDENCE_ERASED,
    "evidence-read",
    EVIDENCE_STORED,
    "explain",
    "heartbeat",
    LEGAL_HOLD,
    LEGAL_HOLD_LIFTED,
    "malformed",
    "not-cosigned",
    "notice",
    "policy-load",
    "policy-rejected",
    "preflight",
    PRUNING,
    "read",
    "refused",
    "replay-mismatch",
    "start",
    "tls-load",
    "unauthorised",
];

fn kinds() -> impl Iterator<Item = &'static str> {
    OF_CASES.into_iter().chain(OTHERS)
}

/// The events of a library that are kinds of entries once a side reports them.
pub(crate) fn events(library: &Library) -> BTreeSet<String> {
    let sides = [BoundParty::Issuing, BoundParty::Executing];
    let events = sides.into_iter().flat_map(|side| library.events_of(side));
    events.map(str::to_owned).collect()
}

/// Whether a search that found nothing may be misspelt.
pub(crate) fn names_any(filter: &EntryFilter) -> bool {
    let EntryFilter {
        kind,
        instrument,
        issuing,
        executing,
        ..
    } = filter;
    kind.is_some() || instrument.is_some() || issuing.is_some() || executing.is_some()
}

/// What a filter that finds nothing names that no entry does, in words. `events` answers
/// those of the law.
///
/// # Errors
/// What is expected instead of its kind, which is none.
pub(crate) fn unnamed(
    filter: &EntryFilter,
    names: &Names,
    events: impl FnOnce() -> BTreeSet<String>,
) -> Result<Vec<String>, String> {
    if let Some(kind) = filter.kind.as_deref()
        && kinds().all(|known| known != kind)
        && !names.kinds.contains(kind)
    {
        let events = events();
        if !events.contains(kind) {
            let mut known: BTreeSet<&str> = kinds().collect();
            known.extend(events.iter().chain(&names.kinds).map(String::as_str));
            let known: Vec<_> = known.into_iter().collect();
            return Err(expected_one_of(kind, &known));
        }
    }
    let instrument = filter.instrument.as_ref().map(ToString::to_string);
    let issuing = filter.issuing.as_ref().map(ToString::to_string);
    let executing = filter.executing.as_ref().map(ToString::to_string);
    let asked = [
        ("as the instrument", instrument, &names.instruments),
        ("as the asking State", issuing, &names.issuing),
        ("as the asked State", executing, &names.executing),
    ];
    let unnamed = asked.into_iter().filter_map(|(what, name, named)| {
        let name = name.filter(|name| !named.contains(name))?;
        let named: Vec<_> = named.iter().map(String::as_str).collect();
        let named = match named.as_slice() {
            [] => "none".to_owned(),
            some => some.join(", "),
        };
        Some(format!(
            "no entry names `{name}` {what}; entries name: {named}"
        ))
    });
    Ok(unnamed.collect())
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    /// What is handed over as the kind of an entry: the argument after the first comma.
    const CALLS: [&str; 3] = ["Leaf::new(", "standing_leaf(", "decision_leaf("];
    /// What is the kind of an entry, or a choice of them that ends with the line `}` or `};`.
    const CHOICES: [&str; 2] = ["fn kind(", "let kind = match "];

    /// The first text in quotes.
    fn quoted(code: &str) -> Option<&str> {
        code.split('"').nth(1)
    }

    /// The kinds that the source of a folder writes down where it makes entries; `of` says
    /// which files of it are looked at.
    fn written(folder: &Path, of: fn(&str) -> bool, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                written(&path, of, found);
                continue;
            }
            let source = fs::read_to_string(path).unwrap();
            let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
            if !of(code) {
                continue;
            }
            for call in CALLS {
                let arguments = code.split(call).skip(1).filter_map(|rest| {
                    let argument = rest.split(", ").nth(1)?.trim();
                    argument
                        .starts_with('"')
                        .then(|| quoted(argument))
                        .flatten()
                });
                found.extend(arguments.map(str::to_owned));
            }
            let makes = code.contains(CALLS[0]);
            for choice in CHOICES.into_iter().filter(|_| makes) {
                let choices = code.split(choice).skip(1).flat_map(|rest| {
                    let lines = rest.lines();
                    let lines = lines.take_while(|line| !["}", "};"].contains(&line.trim()));
                    lines.filter(|line| line.contains('"')).filter_map(quoted)
                });
                found.extend(choices.map(str::to_owned));
            }
        }
    }

    #[test]
    fn every_kind_that_is_written_is_known() {
        let mut found = BTreeSet::new();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        written(&source, |_| true, &mut found);
        for one_of_each in ["heartbeat", "withdraw", "expired", "unauthorised"] {
            assert!(found.contains(one_of_each), "{found:?}");
        }
        let unknown: Vec<_> = found
            .iter()
            .filter(|kind| kinds().all(|known| known != **kind))
            .collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn the_contract_lists_every_kind_of_events_of_cases() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut found = BTreeSet::new();
        let makes_events = |code: &str| code.contains("Event::new(");
        written(&root.join("src"), makes_events, &mut found);
        for one_of_each in ["released", "withdraw", "expired"] {
            assert!(found.contains(one_of_each), "{found:?}");
        }
        found.extend(OF_CASES.map(str::to_owned));
        let contract = fs::read_to_string(root.join("../../proto/comity/v1/case.proto")).unwrap();
        let (_, listed) = contract.split_once("message CaseEvent").unwrap();
        let (listed, _) = listed.split_once("string kind").unwrap();
        let unlisted: Vec<_> = found
            .iter()
            .filter(|kind| !listed.contains(&format!("`{kind}`")))
            .collect();
        assert!(unlisted.is_empty(), "{unlisted:?}");
    }
}
