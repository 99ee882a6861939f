//! Text of others as a line that people read: nothing in it moves a terminal, breaks the
//! line or has its signs stand in another order than they do.

use std::fmt::Write as _;

use comity_domain::turns;

/// The text as one line, whatever shows nothing by its number. No two texts make one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for (at, sign) in text.char_indices() {
        let is_number =
            || sign == '[' && text.get(at..).is_some_and(|rest| rest.starts_with("[U+"));
        match is_hidden(sign) || is_number() {
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

/// Whether a sign shows nothing, but for joiners and variants, which shape what they stand
/// beside.
fn is_hidden(sign: char) -> bool {
    let shapes = matches!(sign, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}');
    sign.is_control() || matches!(sign, '\u{2028}' | '\u{2029}') || is_ignorable(sign) && !shapes
}

/// The characters of Unicode that are ignorable by default, as far as they occur in text.
pub(crate) fn is_ignorable(sign: char) -> bool {
    turns(sign)
        || matches!(
            sign,
            '\u{ad}' | '\u{34f}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
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
        assert_eq!(
            one_line("a\u{200f}b\u{feff}\u{e0041}"),
            "a[U+200F]b[U+FEFF][U+E0041]"
        );
        assert_eq!(
            one_line("می\u{200c}شود ❤\u{fe0f}"),
            "می\u{200c}شود ❤\u{fe0f}"
        );
    }

    #[test]
    fn what_looks_like_a_number_is_told_apart() {
        assert_eq!(one_line("x[U+202E]"), "x[U+005B]U+202E]");
        assert_eq!(one_line("x\u{202e}[1]"), "x[U+202E][1]");
    }

    #[test]
    fn lines_stay_lines() {
        assert_eq!(lines("a\r\n\u{1b}]0;b\n"), "a[U+000D]\n[U+001B]]0;b\n");
    }
}
