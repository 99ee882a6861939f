//! Facts that no rule reads, sources that nothing cites, tags that nothing names.

use std::collections::BTreeSet;

use super::Subject;
use crate::{
    diagnostic::{Code, Diagnostic},
    findings::lines,
    load::{Kind, Place},
    model::Condition,
};

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let conditions: Vec<&Condition> = subject.laws().flat_map(|law| lines(law.rule)).collect();
    let facts = conditions.iter().flat_map(|line| &line.facts);
    let read: BTreeSet<&str> = facts.map(|fact| &**fact).collect();
    let literals = conditions.iter().flat_map(|line| &line.literals.listed);
    let listed: BTreeSet<&str> = literals.map(|(_, value)| &**value).collect();
    let named = subject.named;
    found.extend(
        entries(subject, Kind::Vocabulary, "facts").filter_map(|(name, place)| {
            (!read.contains(name)).then(|| {
                place
                    .wrong_key(Code::FactNeverRead, format!("no rule reads `{name}`"))
                    .why("whoever states it states it in vain")
                    .remedy("remove it, or write the rule that reads it")
            })
        }),
    );
    found.extend(
        entries(subject, Kind::Sources, "sources").filter_map(|(name, place)| {
            (!named.sources.contains(name)).then(|| {
                place
                    .wrong_key(Code::SourceNeverCited, format!("nothing cites `{name}`"))
                    .why("it says nothing about any rule")
                    .remedy("remove it, or cite it where it is applied")
            })
        }),
    );
    found.extend(
        entries(subject, Kind::Measures, "tags").filter_map(|(name, place)| {
            let used = named.measures.contains(name) || listed.contains(name);
            (!used).then(|| {
                place
                    .wrong_key(
                        Code::TagNeverUsed,
                        format!("nothing names the tag `{name}`"),
                    )
                    .why("no rule treats its measures alike")
                    .remedy("remove it, or use it in a filter or a condition")
            })
        }),
    );
}

/// The entries of a map of one file, each with its place.
fn entries<'a>(
    subject: &Subject<'a>,
    kind: Kind,
    key: &str,
) -> impl Iterator<Item = (&'a str, Place<'a>)> + use<'a> {
    let map = subject.file(kind).map(|file| file.at(key));
    let entries = map.and_then(|map| Some((map.json()?.as_object()?, map)));
    entries.into_iter().flat_map(|(entries, map)| {
        let keys = entries.keys();
        keys.map(move |name| (name.as_str(), map.at(name)))
    })
}
