//! From a text to the settings as written, with as many of its mistakes as can be told at once.

use std::{mem::discriminant, ops::Range};

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::file::{ConfigFile, Mistakes};

/// A value of each kind, for what is missing: so that what else is missing is found too.
const KINDS: &str = "any = ['', 1, [], {}, true]";

/// Words of the library, and those of people.
const WORDS: [(&str, &str); 8] = [
    ("expected usize", "expected a whole number"),
    ("expected u64", "expected a whole number"),
    ("expected u32", "expected a whole number"),
    ("expected u16", "expected a whole number"),
    ("expected path string", "expected a text in quotes"),
    ("expected a string", "expected a text in quotes"),
    ("expected a boolean", "expected `true` or `false`"),
    ("expected a sequence", "expected a list in brackets"),
];

/// Reads the settings. A key that there is not, a value of the wrong kind and what is missing
/// are noted, and left out or made up, so that what else is wrong is found too.
pub(super) fn read(text: &str, mistakes: &mut Mistakes<'_>) -> Option<ConfigFile> {
    let (mut root, wrong) = DeTable::parse_recoverable(text);
    for error in &wrong {
        mistakes.add::<()>(error.span(), &in_words(text, error));
    }
    if !wrong.is_empty() {
        return None;
    }
    let kinds = DeTable::parse(KINDS).ok()?;
    let kinds = kinds.get_ref().get("any")?.get_ref().as_array()?.clone();
    // Where the next value that is made up stands: behind the text.
    let mut place = text.len() + 1;
    let mut left_out = Vec::new();
    loop {
        let error = match ConfigFile::deserialize(Deserializer::from(root.clone())) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let (message, at) = (in_words(text, &error), error.span());
        let made_up = at.as_ref().is_some_and(|at| at.start > text.len());
        let goes_on = match (missing(&message), at) {
            (Some(name), at) => {
                if !made_up && !left_out.iter().any(|left: &String| left == name) {
                    mistakes.add::<()>(at.clone(), &message);
                }
                place += 1;
                let value = Spanned::new(place..place, kinds.first()?.get_ref().clone());
                make_up(&mut root, at.as_ref(), (name.to_owned(), value))
            }
            (None, Some(at)) if made_up => another_kind(root.get_mut(), &at, kinds.iter()),
            (None, Some(at)) => {
                mistakes.add::<()>(Some(at.clone()), &message);
                let name = leave_out(root.get_mut(), &at);
                left_out.extend(name.clone());
                name.is_some()
            }
            (None, None) => {
                mistakes.add::<()>(None, &message);
                false
            }
        };
        if !goes_on {
            return None;
        }
    }
}

/// The line of a setting, from 1: of the `nth` table of its name. `None` where it is not
/// written, or the text cannot be read.
pub fn line_of(text: &str, setting: &str, nth: usize) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let mut table = root.get_ref();
    let mut at = None;
    for key in setting.split('.') {
        let (_, value) = table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)?;
        let tables = value.get_ref().as_array();
        let value = match tables.filter(|_| !setting.ends_with(key)) {
            Some(tables) => tables.get(nth)?,
            None => value,
        };
        at = Some(value.span().start);
        if let DeValue::Table(inner) = value.get_ref() {
            table = inner;
        }
    }
    Some(text.get(..at?)?.matches('\n').count() + 1)
}

/// What the library says is wrong, so that no Rust need be known.
fn in_words(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().trim_end();
    if message == "duplicate key"
        && let Some(key) = error.span().and_then(|at| text.get(at))
    {
        return format!("`{}` is set twice: keep one", key.trim());
    }
    let words = WORDS.iter();
    words.fold(message.to_owned(), |said, (theirs, ours)| {
        said.replace(theirs, ours)
    })
}

/// The field that is missing, where one is.
fn missing(message: &str) -> Option<&str> {
    message.strip_prefix("missing field `")?.strip_suffix('`')
}

/// Adds an entry to the table that stands at a place; to the whole where there is none.
fn make_up<'t>(
    root: &mut Spanned<DeTable<'t>>,
    at: Option<&Range<usize>>,
    (name, value): (String, Spanned<DeValue<'t>>),
) -> bool {
    let table = match at {
        None => Some(root.get_mut()),
        Some(at) if root.span() == *at => Some(root.get_mut()),
        Some(at) => table_at(root.get_mut(), at),
    };
    table.is_some_and(|table| {
        let key = Spanned::new(value.span(), name.into());
        table.insert(key, value).is_none()
    })
}

fn table_at<'a, 't>(table: &'a mut DeTable<'t>, at: &Range<usize>) -> Option<&'a mut DeTable<'t>> {
    let mut values = table.iter_mut().map(|(_, value)| value);
    values.find_map(|value| table_within(value, at))
}

/// Lists of tables stand where their first one does.
fn table_within<'a, 't>(
    value: &'a mut Spanned<DeValue<'t>>,
    at: &Range<usize>,
) -> Option<&'a mut DeTable<'t>> {
    let here = value.span() == *at;
    match value.get_mut() {
        DeValue::Table(table) => match here {
            true => Some(table),
            false => table_at(table, at),
        },
        DeValue::Array(items) => items.iter_mut().find_map(|item| table_within(item, at)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

/// The value at a place.
fn value_at<'a, 't>(
    value: &'a mut Spanned<DeValue<'t>>,
    at: &Range<usize>,
) -> Option<&'a mut DeValue<'t>> {
    if value.span() == *at {
        return Some(value.get_mut());
    }
    match value.get_mut() {
        DeValue::Table(table) => table.iter_mut().find_map(|(_, value)| value_at(value, at)),
        DeValue::Array(items) => items.iter_mut().find_map(|item| value_at(item, at)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}

/// Makes what was made up a value of the next kind; whether there is one.
fn another_kind<'a, 't: 'a>(
    root: &mut DeTable<'t>,
    at: &Range<usize>,
    kinds: impl Iterator<Item = &'a Spanned<DeValue<'t>>>,
) -> bool {
    let values = root.iter_mut().map(|(_, value)| value);
    let Some(value) = values.into_iter().find_map(|value| value_at(value, at)) else {
        return false;
    };
    let mut kinds = kinds.skip_while(|kind| discriminant(kind.get_ref()) != discriminant(value));
    match kinds.nth(1) {
        Some(next) => {
            *value = next.get_ref().clone();
            true
        }
        None => false,
    }
}

/// Leaves out the entry whose key or value stands at a place; its name, where there is one.
fn leave_out(table: &mut DeTable<'_>, at: &Range<usize>) -> Option<String> {
    let mut entries = table.iter();
    let is_there =
        |(key, value): &(&Spanned<_>, &Spanned<_>)| key.span() == *at || value.span() == *at;
    let key = entries.find(is_there).map(|(key, _)| key.clone());
    match key {
        Some(key) => table.remove(&key).map(|_| key.get_ref().to_string()),
        None => table
            .iter_mut()
            .find_map(|(_, value)| leave_out_within(value.get_mut(), at)),
    }
}

fn leave_out_within(value: &mut DeValue<'_>, at: &Range<usize>) -> Option<String> {
    match value {
        DeValue::Table(table) => leave_out(table, at),
        DeValue::Array(items) => items
            .iter_mut()
            .find_map(|item| leave_out_within(item.get_mut(), at)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => None,
    }
}
