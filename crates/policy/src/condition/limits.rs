//! Limits that hold before anything recursive sees a condition.

use crate::diagnostic::{Code, Diagnostic};

use super::Line;

/// Longest condition, in bytes.
const MAX_LENGTH: usize = 4096;
/// Deepest nesting of brackets and of prefix operators in a row.
const MAX_NESTING: usize = 32;
impl Line<'_> {
    /// The mistake of a line too large to be given to a recursive parser.
    pub(super) fn beyond_limits(&self) -> Option<Diagnostic> {
        let text = self.text();
        if text.len() > MAX_LENGTH {
            return Some(
                self.diagnostic(
                    Code::TooLarge,
                    None,
                    format!("a condition of more than {MAX_LENGTH} bytes"),
                )
                .why("nobody can follow it")
                .remedy("split it into several lines; every line of `when` must hold"),
            );
        }
        if let Some(start) = comment(text) {
            return Some(
                self.diagnostic(
                    Code::ConditionForbidden,
                    Some(start..start + 2),
                    "a comment inside a condition",
                )
                .why("it would be part of the expression")
                .remedy("write it as a YAML comment, with `#`"),
            );
        }
        let (mut depth, mut prefixes) = (0_usize, 0_usize);
        for (offset, character) in outside_literals(text) {
            match character {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' | '}' => depth = depth.saturating_sub(1),
                '!' | '-' => prefixes += 1,
                c if c.is_whitespace() => {}
                _ => prefixes = 0,
            }
            if depth.max(prefixes) > MAX_NESTING {
                return Some(
                    self.diagnostic(
                        Code::TooLarge,
                        Some(offset..offset + 1),
                        format!("nested more than {MAX_NESTING} levels deep"),
                    )
                    .why("nobody can follow it")
                    .remedy("split the condition into several lines"),
                );
            }
        }
        None
    }
}

/// Where a comment begins. Inside one, quotes would not open a literal, so
/// everything that looks past literals relies on there being none.
fn comment(text: &str) -> Option<usize> {
    let mut characters = outside_literals(text).peekable();
    while let Some((offset, character)) = characters.next() {
        if character == '/' && characters.peek() == Some(&(offset + 1, '/')) {
            return Some(offset);
        }
    }
    None
}

/// Characters that are not inside a string literal, with their offsets.
pub(super) fn outside_literals(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut inside, mut escaped) = (false, false);
    text.char_indices().filter(move |&(_, character)| {
        let was_inside = inside;
        match character {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && !escaped && character == '\\';
        !was_inside && character != '"'
    })
}
