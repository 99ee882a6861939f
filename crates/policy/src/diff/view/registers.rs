//! What vocabulary, measure tree and calendars mean.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{FactSource, FactValue, JurisdictionCode};

use super::{
    View, Views, list,
    rules::{citation, party},
};
use crate::{
    diagnostic::count,
    diff::Subject,
    load::EVENT,
    model::{
        Calendar, EventWords, FactDeclaration, FactType, Falls, Holiday, Measures, Presumption,
        Producer, SourceRecord, Vocabulary,
    },
};

pub(super) fn vocabulary(vocabulary: &Vocabulary, views: &mut Views) {
    let Vocabulary {
        types,
        facts,
        events,
        produced,
    } = vocabulary;
    // Measures have a file of their own, and events a part each.
    let listed = types
        .iter()
        .filter(|(name, _)| !["Measure", EVENT].contains(&&***name));
    for (name, values) in listed {
        let mut view = View::default();
        view.each("values", values);
        views.insert(Subject::Type(name.clone()), view);
    }
    for (name, declaration) in facts {
        views.insert(Subject::Fact(name.clone()), of_fact(declaration));
    }
    for (name, EventWords { title, noun }) in events {
        let mut view = View::of(title, None);
        if let Some(noun) = noun {
            view.words("noun", noun);
        }
        view.one("produced by", of_producer(produced.get(name).copied()));
        views.insert(Subject::Event(name.clone()), view);
    }
}

fn of_producer(producer: Option<Producer>) -> String {
    match producer {
        None => "nobody".to_owned(),
        Some(Producer::Gateway) => "the gateway".to_owned(),
        Some(Producer::Party(side)) => format!("the {} side", party(side)),
    }
}

/// Names and addresses of sources are words, with which decisions cite them.
pub(super) fn sources(sources: &BTreeMap<Arc<str>, SourceRecord>, views: &mut Views) {
    for (id, SourceRecord { title, url }) in sources {
        let mut view = View::of(title, None);
        view.remark("url", url);
        views.insert(Subject::Source(id.clone()), view);
    }
}

fn of_fact(declaration: &FactDeclaration) -> View {
    let FactDeclaration {
        kind,
        stated_by,
        title,
        ask,
        role,
        presumption,
    } = declaration;
    let mut view = View::of(title, None);
    view.words("ask", ask);
    view.one("type", of_type(kind));
    view.one("stated by", of_source(*stated_by));
    view.each("role", role);
    if let Some(Presumption {
        value,
        because,
        cite,
    }) = presumption
    {
        view.one("presumed", of_value(value));
        view.words("because", because);
        view.remark("cite", cite.iter().map(citation));
    }
    view
}

fn of_type(kind: &FactType) -> String {
    match kind {
        FactType::Truth => "truth".to_owned(),
        FactType::Number => "number".to_owned(),
        FactType::Text => "text".to_owned(),
        FactType::Day => "day".to_owned(),
        FactType::Listed(name) => name.to_string(),
        FactType::SetOf(name) => format!("set of {name}"),
        FactType::SetOfText => "set of text".to_owned(),
    }
}

fn of_source(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "requester",
        FactSource::Gateway => "gateway",
        FactSource::Register => "register",
        FactSource::Executing => "executing",
        FactSource::Judgement => "judgement",
    }
}

fn of_value(value: &FactValue) -> String {
    match value {
        FactValue::Truth(truth) => truth.to_string(),
        FactValue::Number(number) => number.to_string(),
        FactValue::Text(text) => text.to_string(),
        FactValue::Day(day) => day.to_string(),
        FactValue::Set(values) => format!("[{}]", list(values)),
    }
}

pub(super) fn measures(measures: &Measures, views: &mut Views) {
    let Measures { kinds, titles } = measures;
    for (id, kinds) in kinds {
        let title = titles.get(id).cloned().unwrap_or_default();
        let mut view = View::of(&title, None);
        view.each("kinds", kinds);
        views.insert(Subject::Measure(id.clone()), view);
    }
    let tags = titles.iter().filter(|(id, _)| !kinds.contains_key(*id));
    for (id, title) in tags {
        views.insert(Subject::Tag(id.clone()), View::of(title, None));
    }
}

pub(super) fn calendar(state: &JurisdictionCode, calendar: &Calendar, views: &mut Views) {
    let Calendar {
        time_zone,
        holidays,
    } = calendar;
    let mut view = View::default();
    view.each("time zone", time_zone.iana_name());
    view.each("holidays", holidays.iter().map(of_holiday));
    views.insert(Subject::Calendar(state.clone()), view);
}

fn of_holiday(holiday: &Holiday) -> String {
    const WEEKDAYS: [&str; 7] = [
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    let Holiday {
        falls,
        since,
        until,
    } = *holiday;
    let falls = match falls {
        Falls::Fixed { month, day } => format!("{month:02}-{day:02}"),
        Falls::Easter(0) => "Easter Sunday".to_owned(),
        Falls::Easter(days) => {
            let side = if days < 0 { "before" } else { "after" };
            format!("{} {side} Easter", count(days.unsigned_abs().into(), "day"))
        }
        Falls::Nth {
            month,
            weekday,
            nth,
        } => {
            let weekday = usize::try_from(weekday - 1).ok();
            let weekday = weekday.and_then(|at| WEEKDAYS.get(at)).unwrap_or(&"day");
            format!("{weekday} {nth} of month {month}")
        }
    };
    let since = since.map(|year| format!(", since {year}"));
    let until = until.map(|year| format!(", until {year}"));
    [Some(falls), since, until].into_iter().flatten().collect()
}
