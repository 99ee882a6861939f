//! Exercises: every name in them is known, every path can be read.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::JurisdictionCode;
use serde_json::{Map, Value};
use serde_json_path::JsonPath;

use crate::{
    diagnostic::Code,
    exercise::{Exercise, ExercisePoint, InHand, Spare, Task},
    model::Jurisdiction,
    scenario::Expected,
};

use super::{
    context::{Context, words},
    files::{File, Folder, Kind},
    jurisdiction,
    place::Place,
    raw,
    rules::Rules,
    schema::Document,
};

/// The lists of conditions in a document that is an exercise.
pub(super) fn conditions<'a>(document: &'a Document<'a>) -> Vec<Place<'a>> {
    if document.file.kind != Kind::Exercise {
        return Vec::new();
    }
    let tasks = items(Place::root(document).at("tasks"));
    let points = tasks.flat_map(|task| items(task.at("points")));
    points.map(|point| point.at("when")).collect()
}

fn items<'a>(list: Place<'a>) -> impl Iterator<Item = Place<'a>> {
    let found = list.document.node.find(&list.pointer);
    let count = found.map_or(0, |(_, node)| node.items().len());
    (0..count).map(move |index| list.at(index))
}

/// The exercise at a place.
pub(super) fn exercise(
    place: &Place<'_>,
    folder: &Folder,
    jurisdictions: &BTreeMap<JurisdictionCode, Jurisdiction>,
    rules: &mut Rules,
    context: &mut Context,
) -> Option<Exercise> {
    let raw: raw::Exercise = context.read(place)?;
    let name = place.document.file.folder_name();
    if raw.exercise != name {
        let message = format!("the exercise is called `{}`", raw.exercise);
        context.found.push(
            place
                .at("exercise")
                .wrong(Code::WrongValue, message)
                .why(format!("its folder is called `{name}`"))
                .remedy("give both one name"),
        );
    }
    let (at, mut tasks) = (place.at("tasks"), Vec::new());
    for (index, task) in raw.tasks.into_iter().enumerate() {
        let start = format!("{}/{}.json", place.document.file.folder(), task.start);
        let text = folder.get(&start).map(File::unmarked);
        let at = at.at(index);
        let wrong = match text
            .as_deref()
            .map(serde_json::from_str::<Map<String, Value>>)
        {
            Some(Ok(_)) => None,
            Some(Err(error)) => Some((format!("`{start}` is no JSON object"), error.to_string())),
            None => Some((
                format!("there is no `{start}`"),
                "the trainee has nothing to begin with".to_owned(),
            )),
        };
        if let Some((message, why)) = wrong {
            context.found.push(
                at.at("start")
                    .wrong(Code::WrongValue, message)
                    .why(why)
                    .remedy(
                        "write the request as far as the trainee is given it, beside the exercise",
                    ),
            );
        }
        tasks.extend(self::task(
            &at,
            task,
            text.unwrap_or_default(),
            (rules, context),
        ));
    }
    let at = place.at("role");
    let state = context.state(&at.at("state"), &raw.role.state)?;
    let of_state = jurisdictions.get(&state).map(|state| &state.authorities);
    if let Some(authorities) = of_state {
        jurisdiction::check_authority(
            &at.at("authority"),
            &raw.role.authority,
            (authorities, context),
        );
    }
    Some(Exercise {
        name: Arc::from(raw.exercise),
        title: words(raw.title),
        trains: words(raw.trains),
        state,
        authority: Arc::from(raw.role.authority),
        story: words(raw.story),
        in_hand: in_hand(&place.at("in_hand"), raw.in_hand, context),
        tasks,
        spare: Spare {
            title: words(raw.spare.title),
            cite: context.cite(&place.at("spare").at("cite"), &raw.spare.cite),
            remedy: words(raw.spare.remedy),
        },
    })
}

fn in_hand(place: &Place<'_>, raw: Vec<raw::InHand>, context: &mut Context) -> Vec<InHand> {
    let mut found = Vec::new();
    for (index, raw) in raw.into_iter().enumerate() {
        let state = context.state(&place.at(index).at("state"), &raw.state);
        found.extend(state.map(|state| InHand {
            state,
            entry: raw.entry,
            text: words(raw.text),
        }));
    }
    found
}

fn task(
    place: &Place<'_>,
    raw: raw::Task,
    start: Arc<str>,
    (rules, context): (&mut Rules, &mut Context),
) -> Option<Task> {
    let raw::Task {
        title,
        text,
        start: name,
        measures,
        executing,
        points,
    } = raw;
    let at = place.at("points");
    context.unique(&at, "point");
    let points = points.into_iter().enumerate();
    let points = points.filter_map(|(index, raw)| point(&at.at(index), raw, (rules, context)));
    let points = points.collect();
    Some(Task {
        title: words(title),
        text: words(text),
        start: (Arc::from(name), start),
        measures: context.filter(&place.at("measures"), &measures),
        executing: context.state(&place.at("executing"), &executing)?,
        points,
    })
}

fn point(
    place: &Place<'_>,
    raw: raw::Point,
    (rules, context): (&mut Rules, &mut Context),
) -> Option<ExercisePoint> {
    let expect = raw.expect.map(|expect| {
        let at = place.at("expect");
        for (list, ids) in [("rules", &expect.rules), ("absent", &expect.absent)] {
            for (index, id) in ids.iter().enumerate() {
                rules.known(&at.at(list).at(index), id, context);
            }
        }
        if let Some(instrument) = &expect.instrument {
            context.instrument(&at.at("instrument"), instrument);
        }
        let raw::Expected {
            outcome,
            instrument,
            rules,
            absent,
        } = expect;
        Expected::of([outcome, instrument], [rules, absent])
    });
    Some(ExercisePoint {
        id: raw.id.parse().ok()?,
        title: words(raw.title),
        cite: context.cite(&place.at("cite"), &raw.cite),
        remedy: words(raw.remedy),
        hint: raw.hint.map(words),
        expect,
        when: rules.lines(&place.at("when"), raw.when.len()),
        has: paths(&place.at("has"), &raw.has, context),
        lacks: paths(&place.at("lacks"), &raw.lacks, context),
    })
}

fn paths(place: &Place<'_>, raw: &[String], context: &mut Context) -> Vec<(Arc<str>, JsonPath)> {
    let mut found = Vec::new();
    for (index, text) in raw.iter().enumerate() {
        let path = context.json_path(&place.at(index), Code::WrongValue, text);
        found.extend(path.map(|path| (Arc::from(text.as_str()), path)));
    }
    found
}
