//! Signs that show nothing and do something: what is printed of a text that has one is
//! not what stands in it.

use std::ops::Range;

use comity_domain::turns;

use crate::diagnostic::{Code, Diagnostic, Source};

/// The first in a file as it is written, also in its comments.
pub(super) fn raw(source: &Source) -> Option<Diagnostic> {
    let ends_lines = |sign: char| sign == '\r';
    let mut signs = source.text.char_indices();
    let (at, sign) = signs.find(|(_, sign)| is_hidden(*sign) && !ends_lines(*sign))?;
    Some(wrong(source, at..at + sign.len_utf8(), sign))
}

/// The first in a text or key, which was written by its number.
pub(super) fn escaped(source: &Source, text: &str, at: &Range<usize>) -> Option<Diagnostic> {
    let sign = text.chars().find(|sign| is_hidden(*sign))?;
    Some(wrong(source, at.clone(), sign))
}

/// Whether a sign moves a terminal, or has others stand in another order. Tabs and ends of
/// lines are what texts are made of.
fn is_hidden(sign: char) -> bool {
    let moves = sign.is_control() && !matches!(sign, '\t' | '\n');
    turns(sign) || moves || matches!(sign, '\u{2028}' | '\u{2029}')
}

fn wrong(source: &Source, at: Range<usize>, sign: char) -> Diagnostic {
    let message = format!("a sign that does not show (U+{:04X})", u32::from(sign));
    source
        .diagnostic(Code::HiddenSign, at, message)
        .why("what people read is not what stands here")
}
