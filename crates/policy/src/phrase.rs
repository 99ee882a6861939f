//! Short phrases in the languages of the library, with gaps to fill: frame words
//! of pages. Sentences stand with the languages themselves.

use crate::phrases::Tongue;

/// A phrase in English, German and French; `{}` stands for what is filled in,
/// in the same order in all three.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Phrase(
    pub(crate) &'static str,
    pub(crate) &'static str,
    pub(crate) &'static str,
);

impl Phrase {
    /// The phrase in a language, nothing filled in.
    pub(crate) fn in_words(self, tongue: Tongue) -> &'static str {
        match tongue {
            Tongue::English => self.0,
            Tongue::German => self.1,
            Tongue::French => self.2,
        }
    }

    /// The phrase with its gaps filled.
    pub(crate) fn with(self, tongue: Tongue, gaps: &[&str]) -> String {
        let mut gaps = gaps.iter();
        let mut parts = self.in_words(tongue).split("{}");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            text.push_str(gaps.next().unwrap_or(&""));
            text.push_str(part);
        }
        text
    }
}
