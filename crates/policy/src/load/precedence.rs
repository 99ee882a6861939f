//! Instruments that prevail over each other: between two such neither would
//! ever carry a request.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::InstrumentId;

use crate::{
    diagnostic::{Code, Diagnostic},
    model::{Instrument, Prevails},
};

use super::{files::Kind, place::Place, schema::Document};

/// Every precedence that leads back to its own instrument.
pub(super) fn cycles(
    documents: &[Document<'_>],
    instruments: &BTreeMap<InstrumentId, Instrument>,
) -> Vec<Diagnostic> {
    let modules = documents
        .iter()
        .filter(|document| document.file.kind == Kind::Instrument);
    modules
        .filter_map(|document| {
            let id = document.file.folder_name().parse().ok()?;
            Some((document, instruments.get(&id)?))
        })
        .flat_map(|(document, instrument)| {
            let entries = instrument.prevails_over.iter().enumerate();
            entries.filter_map(move |(index, prevails)| {
                let back = leads_back(instruments, instrument, prevails);
                back.then(|| wrong(document, index, instrument, prevails))
            })
        })
        .collect()
}

fn leads_back(
    instruments: &BTreeMap<InstrumentId, Instrument>,
    from: &Instrument,
    by: &Prevails,
) -> bool {
    let mut reached = BTreeSet::from([&by.over]);
    let mut next = vec![&by.over];
    while let Some(instrument) = next.pop().and_then(|id| instruments.get(id)) {
        let over = instrument.prevails_over.iter().map(|below| &below.over);
        next.extend(over.filter(|id| reached.insert(id)));
    }
    reached.contains(&from.id)
}

fn wrong(
    document: &Document<'_>,
    index: usize,
    instrument: &Instrument,
    prevails: &Prevails,
) -> Diagnostic {
    let (one, other) = (&instrument.id, &prevails.over);
    let place = Place::root(document).at("prevails_over").at(index);
    place
        .at("instrument")
        .wrong(
            Code::MutualPrecedence,
            format!("`{one}` prevails over `{other}`, which prevails over `{one}`"),
        )
        .why("where both apply, neither would carry the request")
        .remedy("keep the precedence that the law gives, and remove the other")
}
