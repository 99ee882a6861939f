//! What a library means, part by part: the shape in which two libraries are
//! compared. Whatever only reads otherwise, such as the order of a list, has no
//! place in it; words that decide nothing stand apart from what does.

mod modules;
mod registers;
mod rules;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use comity_domain::Text;

pub(super) use self::rules::length;

use super::Subject;
use crate::model::{Model, Open};

/// Every part of a library.
pub(super) type Views = BTreeMap<Subject, View>;

/// Values of an aspect: what makes each one itself, with how it is written.
pub(super) type Values = BTreeMap<String, String>;

/// What one part means.
#[derive(Debug, Default)]
pub(super) struct View {
    /// The part in words.
    pub(super) title: Text,
    /// The module it is a part of; `None` for what is a part of none.
    pub(super) owner: Option<Subject>,
    pub(super) meaning: BTreeMap<&'static str, Values>,
    /// Titles, remedies, notes: what people read and no rule does.
    pub(super) words: BTreeMap<&'static str, Values>,
}

/// Every part of a library.
pub(super) fn views(model: &Model) -> Views {
    let Model {
        sources,
        vocabulary,
        measures,
        instruments,
        jurisdictions,
        calendars,
        // No request is decided by them.
        exercises: _,
        // It follows the instruments.
        near: _,
        digest: _,
    } = model;
    let mut views = Views::new();
    registers::vocabulary(vocabulary, &mut views);
    registers::measures(measures, &mut views);
    registers::sources(sources, &mut views);
    for (state, calendar) in calendars {
        registers::calendar(state, calendar, &mut views);
    }
    for instrument in instruments.values() {
        modules::instrument(instrument, &mut views);
    }
    for jurisdiction in jurisdictions.values() {
        modules::jurisdiction(jurisdiction, measures, &mut views);
    }
    views
}

impl View {
    fn of(title: &Text, owner: Option<Subject>) -> Self {
        let mut view = Self {
            title: title.clone(),
            owner,
            ..Self::default()
        };
        view.words("title", title);
        view
    }

    fn one(&mut self, aspect: &'static str, value: impl Display) {
        self.each(aspect, [value]);
    }

    /// An aspect with any number of values, none of which comes first.
    fn each(&mut self, aspect: &'static str, values: impl IntoIterator<Item = impl Display>) {
        add(&mut self.meaning, aspect, values);
    }

    fn words(&mut self, aspect: &'static str, text: &Text) {
        self.words_of(aspect, "", text);
    }

    /// One of several texts of an aspect, by what makes it itself.
    fn words_of(&mut self, aspect: &'static str, of: &str, text: &Text) {
        let words = text.0.iter();
        let words = words.map(|(language, words)| (format!("{of}{language}"), words.to_string()));
        let words = words.map(|(key, words)| (key.clone(), format!("{key}: {words}")));
        self.words.entry(aspect).or_default().extend(words);
    }

    /// What is not settled, and when that was last looked at.
    fn open(&mut self, of: &str, open: Option<&Open>) {
        if let Some(Open { question, checked }) = open {
            self.words_of("open", of, question);
            let words = self.words.entry("open").or_default();
            words.insert(format!("{of}checked"), format!("{of}checked: {checked}"));
        }
    }

    /// Remarks in one language, or citations.
    fn remark(&mut self, aspect: &'static str, values: impl IntoIterator<Item = impl Display>) {
        add(&mut self.words, aspect, values);
    }
}

fn add(
    aspects: &mut BTreeMap<&'static str, Values>,
    aspect: &'static str,
    values: impl IntoIterator<Item = impl Display>,
) {
    let values = values.into_iter().map(|value| value.to_string());
    let values: Values = values.map(|value| (value.clone(), value)).collect();
    if !values.is_empty() {
        aspects.entry(aspect).or_default().extend(values);
    }
}

/// Values in one, sorted: for what is one of several values of an aspect itself.
fn list(values: impl IntoIterator<Item = impl Display>) -> String {
    let values = values.into_iter().map(|value| value.to_string());
    let sorted: BTreeSet<String> = values.collect();
    sorted.into_iter().collect::<Vec<_>>().join(", ")
}
