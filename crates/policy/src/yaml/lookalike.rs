//! Signs that look like those that YAML is written with.

use std::ops::Range;

use crate::diagnostic::{Code, Diagnostic, Lookalike, Source};

/// A sign on the line of an offset that looks like one of those that YAML is written with,
/// or on the line before it one that hides the end of a key; in quotes every sign is right.
pub(super) fn lookalike(source: &Source, at: usize) -> Option<Diagnostic> {
    let start = |at: usize| {
        let before = source.text.get(..at)?;
        Some(before.rfind('\n').map_or(0, |end| end + 1))
    };
    let here = start(at)?;
    let before = || {
        let line = start(here.checked_sub(1)?)?;
        let text = source.text.get(line..)?;
        unquoted(source, line).find(|(at, found)| {
            let follows_colon = || {
                text.get(..*at - line)
                    .is_some_and(|text| text.ends_with(':'))
            };
            found.is_like(":") || found.is_like(" ") && follows_colon()
        })
    };
    let (start, found) = unquoted(source, here).next().or_else(before)?;
    Some(
        source
            .diagnostic(
                Code::YamlSyntax,
                start..start + found.len(),
                format!("not YAML: {found}"),
            )
            .why("the file cannot be read past this place")
            .remedy(found.remedy()),
    )
}

/// The look-alikes outside quotes on the line that begins at an offset.
fn unquoted(source: &Source, start: usize) -> impl Iterator<Item = (usize, Lookalike)> {
    let text = source.text.get(start..).unwrap_or_default();
    let line = text.split('\n').next().unwrap_or_default();
    let quoted = quoted(line);
    Lookalike::all(line)
        .filter(move |(at, _)| !quoted.iter().any(|quoted| quoted.contains(at)))
        .map(move |(at, found)| (start + at, found))
}

/// Where a line is in quotes; those that begin within a word are none.
fn quoted(line: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut open: Option<(usize, char)> = None;
    let (mut before, mut escaped) = (' ', false);
    for (at, sign) in line.char_indices() {
        match open {
            Some((start, mark)) if sign == mark && !escaped => {
                found.push(start..at);
                open = None;
            }
            // A quotation mark that stands twice in single quotes ends nothing.
            None if matches!(sign, '"' | '\'') && (" [{,:\t'".contains(before)) => {
                open = Some((at, sign));
            }
            Some(_) | None => {}
        }
        escaped = !escaped && sign == '\\' && matches!(open, Some((_, '"')));
        before = sign;
    }
    found.extend(open.map(|(start, _)| start..line.len()));
    found
}
