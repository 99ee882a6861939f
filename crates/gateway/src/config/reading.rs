//! From a text to the settings as written, with as many of its mistakes as can be told at once.

use std::ops::Range;

use serde::Deserialize as _;
use toml::{
    Spanned,
    de::{DeTable, DeValue, Deserializer},
};

use super::file::{ConfigFile, Mistakes};

/// Reads the settings. A key that there is not, and a value of the wrong kind, are noted and
/// left out, so that what else is wrong is found too.
pub(super) fn read(text: &str, mistakes: &mut Mistakes<'_>) -> Option<ConfigFile> {
    let (mut root, wrong) = DeTable::parse_recoverable(text);
    for error in &wrong {
        mistakes.add::<()>(error.span(), error.message().trim_end());
    }
    if !wrong.is_empty() {
        return None;
    }
    let mut found = false;
    loop {
        let error = match ConfigFile::deserialize(Deserializer::from(root.clone())) {
            Ok(file) => return Some(file),
            Err(error) => error,
        };
        let message = error.message().trim_end();
        // It may be missing because it was left out.
        if !(found && message.starts_with("missing field")) {
            mistakes.add::<()>(error.span(), message);
        }
        found = true;
        if !error
            .span()
            .is_some_and(|at| leave_out(root.get_mut(), &at))
        {
            return None;
        }
    }
}

/// Leaves out the entry whose key or value stands at a place; whether there is one.
fn leave_out(table: &mut DeTable<'_>, at: &Range<usize>) -> bool {
    let mut entries = table.iter();
    let is_there =
        |(key, value): &(&Spanned<_>, &Spanned<_>)| key.span() == *at || value.span() == *at;
    let key = entries.find(is_there).map(|(key, _)| key.clone());
    match key {
        Some(key) => table.remove(&key).is_some(),
        None => table
            .iter_mut()
            .any(|(_, value)| leave_out_within(value.get_mut(), at)),
    }
}

fn leave_out_within(value: &mut DeValue<'_>, at: &Range<usize>) -> bool {
    match value {
        DeValue::Table(table) => leave_out(table, at),
        DeValue::Array(items) => items
            .iter_mut()
            .any(|item| leave_out_within(item.get_mut(), at)),
        DeValue::String(_)
        | DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_) => false,
    }
}
