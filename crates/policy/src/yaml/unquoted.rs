//! Conditions that YAML takes for something else, because of the sign with which
//! they begin.

use crate::diagnostic::{Code, Diagnostic, Source};

/// Signs with which conditions begin, and to which YAML gives a meaning.
const SIGNS: [char; 3] = ['!', '[', '"'];

/// The mistake of a condition without quotes, where one stands on the line of an
/// offset or just before it.
pub(super) fn unquoted(source: &Source, at: usize, code: Code) -> Option<Diagnostic> {
    let before = source.text.get(..at)?;
    let line = before.rfind('\n').map_or(0, |end| end + 1);
    let previous = source.text.get(..line.saturating_sub(1))?;
    let previous = previous.rfind('\n').map_or(0, |end| end + 1);
    let (start, item) = item(source, line).or_else(|| item(source, previous))?;
    let sign = item.chars().next().filter(|sign| SIGNS.contains(sign))?;
    if !item.contains("context.") {
        return None;
    }
    let quoted = item.replace('\'', "''");
    let message = format!("a condition that begins with `{sign}` needs quotes");
    let found = source
        .diagnostic(code, start..start + item.len(), message)
        .why(format!("`{sign}` has a meaning of its own in YAML"))
        .remedy(format!("put it in single quotes: '{quoted}'"));
    Some(found)
}

/// The item of a list on the line that begins at an offset.
fn item(source: &Source, line: usize) -> Option<(usize, &str)> {
    let text = source.text.get(line..)?;
    let text = text.split('\n').next()?;
    let item = text.trim_start().strip_prefix("- ")?.trim();
    let start = line + text.find(item)?;
    (!item.is_empty()).then_some((start, item))
}
