//! Instrument modules.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use comity_domain::{JurisdictionCode, Stage, Text};
use serde_json::Value;

use crate::{
    diagnostic::Code,
    model::{Binding, Channel, Excluded, Instrument, Module, NotBound, Prevails, Status},
};

use super::{
    context::{Context, open, words},
    files::Folder,
    forms::{Forms, Prescribed},
    place::Place,
    raw,
    rules::{Rules, confidence},
};

pub(super) fn instrument(
    place: &Place<'_>,
    folder: &Folder,
    forms: &mut Forms,
    rules: &mut Rules,
    context: &mut Context,
) -> Option<Instrument> {
    // Before the head, so that its mistakes do not hide those of the rules.
    let rules = rules.of(place, Stage::Instrument, context);
    if !place.document.accepts_outside("/rules") {
        return None;
    }
    let raw: raw::Instrument = context.read_accepted(place)?;
    let file = place.document.file;
    module_matches(
        place,
        &raw.module,
        &format!("instrument/{}", file.folder_name()),
        context,
    );
    let Prescribed { forms, shared, .. } = forms.take(file.folder_name());
    let kinds = kinds(&place.at("kinds"), &raw.kinds, context);
    let between = raw.between.as_ref().map(|[left, right]| {
        let at = place.at("between");
        [
            context.states(&at.at(0), left),
            context.states(&at.at(1), right),
        ]
    });
    let exclude = excluded(&place.at("measures").at("exclude"), &raw.measures, context);
    let prevails_over = raw
        .prevails_over
        .iter()
        .enumerate()
        .filter_map(|(index, raw)| {
            let at = place.at("prevails_over").at(index);
            let cite = context.cite(&at.at("cite"), &raw.cite);
            let over = context.instrument(&at.at("instrument"), &raw.instrument)?;
            Some(Prevails { over, cite })
        });
    let prevails_over = prevails_over.collect();
    Some(Instrument {
        id: file.folder_name().parse().ok()?,
        source: context.source(&place.at("source"), &raw.source),
        standing: context.standing(&raw.source),
        status: status(raw.status)?,
        open: open(raw.open),
        kinds,
        rank: raw.rank,
        binds: binds(&place.at("binds"), &raw.binds, context),
        binding_cite: raw
            .binding_cite
            .map(|cite| context.cite(&place.at("binding_cite"), &cite)),
        not_bound: not_bound(&place.at("not_bound"), raw.not_bound, &raw.binds, context),
        between,
        include: context.filter(&place.at("measures").at("include"), &raw.measures.include),
        exclude,
        prevails_over,
        forms,
        channel: raw
            .channel
            .map(|raw| channel(&place.at("channel"), raw, context)),
        module: Module {
            id: raw.module.parse().ok()?,
            title: words(raw.title),
            digest: folder.module_digest(file.folder(), &shared),
            text: Arc::clone(&file.source.text),
            notes: raw.notes.map(words),
            rules,
            by_measure: HashMap::new(),
        },
    })
}

/// Reports a module whose id is not that of its folder.
pub(super) fn module_matches(
    place: &Place<'_>,
    written: &str,
    expected: &str,
    context: &mut Context,
) {
    if written != expected {
        context.found.push(
            place
                .at("module")
                .wrong(Code::WrongFolder, "the module does not match its folder")
                .why("the folder says which module it is")
                .remedy(format!("expected `{expected}`")),
        );
    }
}

fn binds(
    place: &Place<'_>,
    raw: &BTreeMap<String, raw::Binding>,
    context: &mut Context,
) -> BTreeMap<JurisdictionCode, Binding> {
    raw.iter()
        .filter_map(|(code, raw)| {
            let at = place.at(code);
            let state = context.state_key(&at, code)?;
            let (since, until) = context.period(&at, Some(&raw.since), raw.until.as_ref());
            let binding = Binding {
                since: since?,
                until,
                languages: raw
                    .languages
                    .iter()
                    .map(|l| Arc::from(l.as_str()))
                    .collect(),
                declarations: raw.declarations.values().filter_map(declared).collect(),
                confidence: confidence(raw.confidence),
                cite: context.cite_if(&at, raw.cite.as_ref()),
                open: open(raw.open.clone()),
            };
            Some((state, binding))
        })
        .collect()
}

fn excluded(
    place: &Place<'_>,
    raw: &raw::InstrumentMeasures,
    context: &mut Context,
) -> Vec<Excluded> {
    let excluded = raw.exclude.iter().enumerate().map(|(index, raw)| {
        let at = place.at(index);
        Excluded {
            measure: context.measure_kind(&at.at("measure"), &raw.measure),
            cite: context.cite(&at.at("cite"), &raw.cite),
        }
    });
    excluded.collect()
}

/// The kinds by which rules mean the instrument among others.
fn kinds(place: &Place<'_>, raw: &[String], context: &mut Context) -> BTreeSet<Arc<str>> {
    let kinds = raw.iter().enumerate();
    kinds
        .map(|(index, kind)| context.instrument_kind(&place.at(index), kind))
        .collect()
}

fn status(raw: raw::Status) -> Option<Status> {
    Some(match raw {
        raw::Status::InForce => Status::InForce,
        raw::Status::NotInForce { reason, checked } => Status::NotInForce {
            reason: words(reason),
            checked: checked.parse().ok()?,
        },
    })
}

fn channel(place: &Place<'_>, raw: raw::Channel, context: &mut Context) -> Channel {
    Channel {
        cite: context.cite(&place.at("cite"), &raw.cite),
        text: words(raw.text),
    }
}

/// A declaration in words: by language, or in English alone.
fn declared(raw: &Value) -> Option<Text> {
    match raw {
        Value::String(text) => Some(Text::english(text)),
        Value::Object(_) => serde_json::from_value(raw.clone()).ok().map(words),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn not_bound(
    place: &Place<'_>,
    raw: BTreeMap<String, raw::NotBound>,
    binds: &BTreeMap<String, raw::Binding>,
    context: &mut Context,
) -> BTreeMap<JurisdictionCode, NotBound> {
    raw.into_iter()
        .filter_map(|(code, raw)| {
            let at = place.at(&code);
            let state = context.state_key(&at, &code)?;
            if binds.contains_key(&code) {
                let message = format!("`{code}` is bound and not bound");
                context.found.push(
                    at.wrong_key(Code::BoundAndNotBound, message)
                        .why("it stands in `binds` too"),
                );
            }
            let not_bound = NotBound {
                cite: context.cite(&at.at("cite"), &raw.cite),
                note: words(raw.note),
                open: open(raw.open),
            };
            Some((state, not_bound))
        })
        .collect()
}
