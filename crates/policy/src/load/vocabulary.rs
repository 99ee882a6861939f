//! `measures.yaml`, `vocabulary.yaml` and the calendars.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{BoundParty, FactName, FactSource, FactValue, JurisdictionCode};
use jiff::{
    civil::Date,
    tz::{TimeZone, TimeZoneDatabase},
};
use serde_json::Value;

use crate::{
    diagnostic::{Code, nearest, suggest},
    model::{
        Calendar, EventWords, FactDeclaration, FactType, Falls, Holiday, Measures, Presumption,
        Producer, Vocabulary,
    },
};

use super::{
    context::{Context, words},
    files::{Folder, Kind},
    place::Place,
    raw,
};

/// The listed type made from the measure tree.
const MEASURE: &str = "Measure";
/// The listed type made from the events.
pub(crate) const EVENT: &str = "Event";
/// The kind every measure is of.
const ALL: &str = "all";
/// Names that Cedar, or the schema made for it, uses itself.
const RESERVED: [&str; 11] = [
    MEASURE,
    EVENT,
    "Requester",
    "Case",
    "Action",
    "Bool",
    "Long",
    "String",
    "Set",
    "Record",
    "Entity",
];

pub(super) fn measures(place: &Place<'_>, context: &mut Context) -> Option<Measures> {
    let raw: raw::Measures = context.read(place)?;
    for (tag, entry) in &raw.tags {
        let at = place.at("tags").at(tag);
        context.cite_if(&at, entry.cite.as_ref());
        if raw.measures.contains_key(tag) || tag == ALL {
            let message = format!("`{tag}` is a measure already, it cannot be a tag too");
            context.found.push(
                at.wrong_key(Code::DuplicateName, message)
                    .why("filters name both alike"),
            );
        }
    }
    let mut measures = Measures::default();
    let tags = raw.tags.iter().map(|(tag, entry)| (tag, &entry.title));
    let named = raw
        .measures
        .iter()
        .map(|(id, measure)| (id, &measure.title));
    for (name, title) in tags.chain(named) {
        let title = words(title.clone());
        measures
            .titles
            .extend(name.parse().map(|id: comity_domain::MeasureId| (id, title)));
    }
    for (name, measure) in &raw.measures {
        let at = place.at("measures").at(name);
        for (index, tag) in measure.tags.iter().enumerate() {
            if !raw.tags.contains_key(tag) {
                context.found.push(
                    at.at("tags")
                        .at(index)
                        .wrong(Code::UnknownMeasure, format!("no tag is called `{tag}`"))
                        .why("not among the tags above")
                        .remedy_if(suggest(tag, raw.tags.keys().map(String::as_str))),
                );
            }
        }
        let mut kinds = BTreeSet::from([Arc::from(ALL)]);
        let mut above = Some(name.as_str());
        while let Some(kind) = above {
            match raw.measures.get(kind) {
                Some(ancestor) => {
                    kinds.extend(ancestor.tags.iter().map(|tag| Arc::from(tag.as_str())));
                }
                None => context.found.push(
                    at.wrong_key(
                        Code::UnknownMeasure,
                        format!("`{name}` lies below `{kind}`, which is not there"),
                    )
                    .why("a measure inherits from the one above it")
                    .remedy(format!("add `{kind}` to the measures")),
                ),
            }
            kinds.insert(Arc::from(kind));
            above = kind.rsplit_once('.').map(|(parent, _)| parent);
        }
        if let Ok(id) = name.parse::<comity_domain::MeasureId>() {
            measures.kinds.insert(id, kinds);
        }
    }
    Some(measures)
}

pub(super) fn vocabulary(place: &Place<'_>, context: &mut Context) -> Option<Vocabulary> {
    let raw: raw::Vocabulary = context.read(place)?;
    let measures = context.measures.as_ref()?;
    let kinds = measures.kinds.values().flatten().cloned().collect();
    let mut types: BTreeMap<Arc<str>, BTreeSet<Arc<str>>> = BTreeMap::new();
    for (name, values) in raw.types {
        if RESERVED.contains(&name.as_str()) {
            let at = place.at("types").at(&name);
            context.found.push(
                at.wrong_key(Code::ReservedName, format!("`{name}` is reserved"))
                    .why("it has a meaning of its own")
                    .remedy("choose another name"),
            );
        }
        types.insert(Arc::from(name), values.into_iter().map(Arc::from).collect());
    }
    types.insert(Arc::from(MEASURE), kinds);
    let events = raw.events.keys().map(|name| Arc::from(name.as_str()));
    types.insert(Arc::from(EVENT), events.collect());
    let (mut events, mut produced) = (BTreeMap::new(), BTreeMap::new());
    for (name, event) in raw.events {
        let name: Arc<str> = Arc::from(name);
        if let Some(by) = event.produced_by {
            produced.insert(Arc::clone(&name), producer(by));
        }
        let event = EventWords {
            title: words(event.title),
            noun: event.noun.map(words),
        };
        events.insert(name, event);
    }
    let mut facts: BTreeMap<FactName, FactDeclaration> = BTreeMap::new();
    let groups: BTreeSet<String> = raw
        .facts
        .keys()
        .filter_map(|name| Some(name.split_once('.')?.0.to_owned()))
        .collect();
    for (name, fact) in raw.facts {
        let at = place.at("facts").at(&name);
        if groups.contains(&name) {
            let message = format!("`{name}` is a fact and a group of facts");
            context.found.push(
                at.wrong_key(Code::DuplicateName, message)
                    .why("a group is no fact itself")
                    .remedy("rename one of them"),
            );
        }
        let declaration = declaration(&at, fact, &types, context);
        facts.insert(Arc::from(name), declaration);
    }
    Some(Vocabulary {
        types,
        events,
        produced,
        facts,
    })
}

type Types = BTreeMap<Arc<str>, BTreeSet<Arc<str>>>;

fn declaration(
    place: &Place<'_>,
    fact: raw::Fact,
    types: &Types,
    context: &mut Context,
) -> FactDeclaration {
    let kind = fact_type(&fact.kind);
    if let FactType::Listed(name) | FactType::SetOf(name) = &kind
        && !types.contains_key(name)
    {
        context.found.push(
            place
                .at("type")
                .wrong(Code::UnknownType, format!("no type is called `{name}`"))
                .why("not among the types above")
                .remedy_if(suggest(name, types.keys().map(|name| &**name))),
        );
    }
    let presumption = fact.presume.map(|presume| {
        let at = place.at("presume");
        let cite = context.cite_if(&at, presume.cite.as_ref());
        let value = fact_value(&kind, &presume.value, types).unwrap_or_else(|expected| {
            let wrong = at
                .at("value")
                .wrong(Code::WrongType, format!("expected {expected}"));
            context
                .found
                .push(wrong.why(format!("the fact is declared as `{}`", fact.kind)));
            FactValue::Truth(false)
        });
        Presumption {
            value,
            because: words(presume.because),
            cite,
        }
    });
    let title = words(fact.title);
    FactDeclaration {
        kind,
        stated_by: stated_by(fact.stated_by),
        ask: fact.ask.map_or_else(|| title.clone(), words),
        title,
        role: fact.role.map(Arc::from),
        presumption,
    }
}

fn producer(raw: raw::Producer) -> Producer {
    match raw {
        raw::Producer::Gateway => Producer::Gateway,
        raw::Producer::Issuing => Producer::Party(BoundParty::Issuing),
        raw::Producer::Executing => Producer::Party(BoundParty::Executing),
    }
}

/// A type in words; its shape is checked by the schema.
fn fact_type(words: &str) -> FactType {
    match words {
        "truth" => FactType::Truth,
        "number" => FactType::Number,
        "text" => FactType::Text,
        "day" => FactType::Day,
        "set of text" => FactType::SetOfText,
        _ => words.strip_prefix("set of ").map_or_else(
            || FactType::Listed(Arc::from(words)),
            |name| FactType::SetOf(Arc::from(name)),
        ),
    }
}

fn stated_by(who: raw::StatedBy) -> FactSource {
    match who {
        raw::StatedBy::Requester => FactSource::Requester,
        raw::StatedBy::Gateway => FactSource::Gateway,
        raw::StatedBy::Register => FactSource::Register,
        raw::StatedBy::Executing => FactSource::Executing,
        raw::StatedBy::Judgement => FactSource::Judgement,
    }
}

/// A written value as a value of a type, or what would be one.
fn fact_value(kind: &FactType, value: &Value, types: &Types) -> Result<FactValue, String> {
    let text = |value: &Value| value.as_str().map(Arc::<str>::from);
    let listed = |name: &Arc<str>, value: &Value| {
        text(value).filter(|text| types.get(name).is_none_or(|values| values.contains(text)))
    };
    let set = |of: &dyn Fn(&Value) -> Option<Arc<str>>| {
        let items: Option<BTreeSet<Arc<str>>> = value.as_array()?.iter().map(of).collect();
        items.map(|items| FactValue::Set(items.into_iter().collect()))
    };
    match kind {
        FactType::Truth => value
            .as_bool()
            .map(FactValue::Truth)
            .ok_or("`true` or `false`".into()),
        FactType::Number => value
            .as_i64()
            .map(FactValue::Number)
            .ok_or("a whole number".into()),
        FactType::Text => text(value).map(FactValue::Text).ok_or("text".into()),
        FactType::Day => text(value)
            .and_then(|day| day.parse().ok())
            .map(FactValue::Day)
            .ok_or("a day as YYYY-MM-DD".into()),
        FactType::Listed(name) => listed(name, value)
            .map(FactValue::Text)
            .ok_or_else(|| format!("a value of `{name}`")),
        FactType::SetOf(name) => {
            set(&|item| listed(name, item)).ok_or_else(|| format!("a list of values of `{name}`"))
        }
        FactType::SetOfText => set(&text).ok_or("a list of texts".into()),
    }
}

pub(super) fn calendar(
    place: &Place<'_>,
    folder: &Folder,
    context: &mut Context,
) -> Option<(JurisdictionCode, Calendar)> {
    let raw: raw::Calendar = context.read(place)?;
    if let Some(source) = &raw.source {
        context.source(&place.at("source"), source);
    }
    context.cite_if(place, raw.cite.as_ref());
    let code = context.state(&place.at("calendar"), &raw.calendar);
    let (path, named) = (
        &place.document.file.source.path,
        format!("calendars/{}.yaml", raw.calendar),
    );
    // One that is not named as files are is told already.
    if **path != *named && Kind::of(path).is_some() {
        let own = path.strip_prefix("calendars/").unwrap_or(path);
        let own = own.trim_end_matches(".yaml");
        // A copy of another State's calendar begins with that State's code.
        let remedy = match folder.get(&named) {
            Some(_) => format!("write `calendar: {own}`"),
            None => format!("rename the file to `{}.yaml`", raw.calendar),
        };
        context.found.push(
            place
                .at("calendar")
                .wrong(Code::WrongFolder, "the calendar does not match its file")
                .why("the file says whose calendar it is")
                .remedy(remedy),
        );
    }
    let time_zone = time_zone(place, &raw.time_zone, context);
    let holidays = raw.holidays.iter().enumerate().filter_map(|(index, raw)| {
        let at = place.at("holidays").at(index);
        if raw.since.zip(raw.until).is_some_and(|(since, until)| since >= until) {
            context.found.push(
                at.at("until")
                    .wrong(Code::EmptyPeriod, "`until` must lie after `since`")
                    .why("the first year without the holiday"),
            );
        }
        let falls = falls(raw).or_else(|| {
            let alone = raw.easter.is_none()
                && raw.nth.is_none()
                && raw.weekday.is_none()
                && raw.month.is_none();
            context.found.push(match raw.day.as_ref().filter(|_| alone) {
                Some(day) => at
                    .at("day")
                    .wrong(Code::WrongValue, format!("there is no such day: `{day}`"))
                    .why("no year has it")
                    .remedy("write month and day as MM-DD, such as `12-25`"),
                None => at.wrong(Code::WrongValue, "not a day of the year").why("it must be given in exactly one way").remedy(
                    "give one of: `day: 12-25`; `easter: 1`; `nth: 1`, `weekday: monday` and `month: 5`",
                ),
            });
            None
        })?;
        Some(Holiday {
            falls,
            since: raw.since,
            until: raw.until,
        })
    });
    let calendar = Calendar {
        time_zone: time_zone?,
        holidays: holidays.collect(),
    };
    Some((code?, calendar))
}

/// A time zone by its name. Where it is none days would end at midnight in Greenwich.
fn time_zone(place: &Place<'_>, name: &str, context: &mut Context) -> Option<TimeZone> {
    let zones = TimeZoneDatabase::bundled();
    let zone = zones.get(name).ok();
    let zone = zone.filter(|zone| zone.iana_name() == Some(name));
    if zone.is_none() {
        // Those of other continents are near in letters alone.
        let (continent, _) = name.split_once('/').unwrap_or((name, ""));
        let of_continent =
            |zone: &String| zone.split_once('/').is_some_and(|(c, _)| c == continent);
        let known = zones.available().map(|zone| zone.to_string());
        let known: Vec<String> = known.filter(of_continent).collect();
        context.found.push(
            place
                .at("time_zone")
                .wrong(
                    Code::UnknownValue,
                    format!("no time zone is called `{name}`"),
                )
                .why("not in the time zone database of IANA")
                .remedy_if(
                    nearest(name, known.iter().map(String::as_str))
                        .map(|meant| format!("did you mean `{meant}`?")),
                )
                .remedy_if(Some(
                    "write its continent and city, such as `Europe/Tallinn`".to_owned(),
                )),
        );
    }
    zone
}

fn falls(raw: &raw::Holiday) -> Option<Falls> {
    match (&raw.day, raw.easter, raw.nth, raw.weekday, raw.month) {
        (Some(day), None, None, None, None) => {
            let (month, day) = day.split_once('-')?;
            let (month, day) = (month.parse().ok()?, day.parse().ok()?);
            // A leap year has all days there are.
            Date::new(2000, month, day).ok()?;
            Some(Falls::Fixed { month, day })
        }
        (None, Some(days), None, None, None) => Some(Falls::Easter(days)),
        (None, None, Some(nth), Some(weekday), Some(month)) => Some(Falls::Nth {
            month,
            weekday: weekday as i8,
            nth,
        }),
        _ => None,
    }
}
