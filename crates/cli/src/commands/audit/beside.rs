//! What lies beside the store of a data folder, the law that decided and evidence: told by
//! `comity audit verify`.

use std::{io, path::Path};

use comity_evidence::Place;
use comity_gateway::{
    offline::{Evidence, Intact, Report, foreign, verify_beside},
    visible::one_line,
};
use comity_ledger::Flaw;
use serde_json::{Value, json};

use crate::progress::Progress;

/// Bytes of a mebibyte.
const MIB: u64 = 1 << 20;

/// Verifies it, and shows how far that has come; evidence in `place` is left out where it is
/// to be skipped.
pub(super) fn verify(
    (data, own): (&Path, bool),
    report: &Report,
    (place, skipped): (&Place, bool),
) -> Result<Intact, Flaw> {
    let mut progress = Progress::new("MiB of evidence verified", 0);
    let wanted = (!skipped).then_some(place);
    let mut intact = verify_beside((data, own), report, wanted, &mut |done, total| {
        progress.reach_of(done / MIB, total.div_ceil(MIB));
    })?;
    intact
        .strangers
        .extend(foreign(data, place).map_err(unlisted)?);
    intact.strangers.sort_unstable();
    Ok(intact)
}

/// What a folder that cannot be listed means.
pub(super) fn unlisted(error: io::Error) -> Flaw {
    let meaning = "what else lies there is not known";
    Flaw::of(".", format!("cannot be read: {error}"), meaning)
}

/// What is there and need not be, and what is not there and may lack in a copy.
pub(super) fn remarks(intact: &Intact) -> Vec<String> {
    let Intact {
        bundles: _,
        evidence: _,
        without,
        strangers,
    } = intact;
    let lacks = (!without.is_empty()).then(|| {
        let without = quoted(without);
        format!("without {without}, as a copy may be: a gateway cannot go on from here")
    });
    strange(strangers).into_iter().chain(lacks).collect()
}

/// Names what is there and is none of it.
pub(super) fn strange(strangers: &[String]) -> Option<String> {
    let named = || quoted(strangers);
    (!strangers.is_empty())
        .then(|| format!("NOT OF IT, and nothing on record leads there: {}", named()))
}

fn quoted<N: AsRef<str>>(names: &[N]) -> String {
    let names = names
        .iter()
        .map(|name| format!("`{}`", one_line(name.as_ref())));
    names.collect::<Vec<_>>().join(", ")
}

/// The items verified, as the last of a list.
pub(super) fn counted(evidence: &Evidence) -> String {
    match evidence {
        Evidence::Whole { items, .. } => format!(", {items} items of evidence"),
        Evidence::In(_) | Evidence::LeftOut => String::new(),
    }
}

/// What was not verified of evidence, and why.
pub(super) fn lacking(evidence: &Evidence) -> Option<String> {
    match evidence {
        Evidence::Whole { items: 0, .. } | Evidence::Whole { opened: true, .. } => None,
        Evidence::Whole { .. } => Some(
            "no item of evidence was opened: `evidence.key` is missing; each is there, in pieces \
             as long as they were stored"
                .to_owned(),
        ),
        Evidence::In(url) => Some(format!(
            "evidence was not checked: it lies in the object store `{url}`"
        )),
        Evidence::LeftOut => Some("evidence was not checked, as --skip-evidence says".to_owned()),
    }
}

/// The same for machines.
pub(super) fn machine(evidence: &Evidence) -> Value {
    match evidence {
        Evidence::Whole {
            items,
            bytes,
            opened,
        } => json!({"checked": true, "items": items, "bytes": bytes, "opened": opened}),
        Evidence::In(_) | Evidence::LeftOut => {
            json!({"checked": false, "why": lacking(evidence)})
        }
    }
}
