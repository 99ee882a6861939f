//! Text of others as a line that people read: nothing in it moves a terminal, breaks the
//! line or has its signs stand in another order than they do.

use std::fmt::Write as _;

/// The text as one line, whatever shows nothing by its number.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for sign in text.chars() {
        match is_hidden(sign) {
            true => number(sign, &mut line),
            false => line.push(sign),
        }
    }
    line
}

/// The text with its lines, each as [`one_line`].
#[must_use]
pub fn lines(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(one_line).collect();
    lines.join("\n")
}

/// Whether a sign shows nothing, and does something.
fn is_hidden(sign: char) -> bool {
    sign.is_control() || turns(sign) || matches!(sign, '\u{2028}' | '\u{2029}')
}

/// Whether a character that shows nothing has others stand in another order.
pub(crate) fn turns(sign: char) -> bool {
    matches!(sign, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Writes a sign by its number.
pub(crate) fn number(sign: char, to: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(to, "[U+{:04X}]", u32::from(sign));
}

#[cfg(test)]
mod tests {
    use super::{lines, one_line};

    #[test]
    fn a_text_stays_one_line_and_moves_nothing() {
        assert_eq!(
            one_line("über\u{1b}[2J\r\n\tan\u{202e}\u{9b}\u{2028}מ"),
            "über[U+001B][2J[U+000D][U+000A][U+0009]an[U+202E][U+009B][U+2028]מ"
        );
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a\r\n\u{1b}]0;b\n"), "a[U+000D]\n[U+001B]]0;b\n");
    }
}
