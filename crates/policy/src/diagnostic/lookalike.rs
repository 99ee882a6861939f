//! Signs that look like others, or like nothing: word processors and other keyboards
//! put them in, and a line or value that has one is wrong for no reason that shows.

use std::fmt;

use super::{Code, Diagnostic};

/// Signs with their names, and what is meant by each; empty: nothing.
const SIGNS: [(char, &str, &str); 25] = [
    ('\u{201c}', "a typographic quotation mark", "\""),
    ('\u{201d}', "a typographic quotation mark", "\""),
    ('\u{201e}', "a typographic quotation mark", "\""),
    ('\u{ab}', "a typographic quotation mark", "\""),
    ('\u{bb}', "a typographic quotation mark", "\""),
    ('\u{2018}', "a typographic quotation mark", "'"),
    ('\u{2019}', "a typographic quotation mark", "'"),
    ('\u{201a}', "a typographic quotation mark", "'"),
    ('\u{2010}', "a hyphen of another kind", "-"),
    ('\u{2011}', "a hyphen of another kind", "-"),
    ('\u{2013}', "an en dash", "-"),
    ('\u{2014}', "an em dash", "-"),
    ('\u{2212}', "a minus sign of another kind", "-"),
    ('\u{ff1a}', "a colon of full width", ":"),
    ('\u{2026}', "an ellipsis", "..."),
    ('\u{a0}', "a no-break space", " "),
    ('\u{202f}', "a narrow no-break space", " "),
    ('\u{2007}', "a figure space", " "),
    ('\u{2009}', "a thin space", " "),
    ('\u{3000}', "a space of full width", " "),
    ('\u{200b}', "a zero-width space", ""),
    ('\u{200c}', "a zero-width mark", ""),
    ('\u{200d}', "a zero-width mark", ""),
    ('\u{2060}', "a zero-width mark", ""),
    ('\u{ad}', "a soft hyphen", ""),
];
/// Cyrillic and Greek letters, and in the same place the Latin ones that look like them.
const OTHER: &str = "аеорсухіјѕһԛԝАВЕКМНОРСТХІЈЅοΑΒΕΖΗΙΚΜΝΟΡΤΥΧ";
const LATIN: &str = "aeopcyxijshqwABEKMHOPCTXIJSoABEZHIKMNOPTYX";

/// A sign that looks like another; displayed as people can look it up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lookalike {
    sign: char,
    name: &'static str,
    meant: Meant,
}

#[derive(Debug, Clone, Copy)]
enum Meant {
    Signs(&'static str),
    Letter(char),
}

impl Lookalike {
    /// Those in a text, each with where it stands.
    pub(crate) fn all(text: &str) -> impl Iterator<Item = (usize, Self)> + use<'_> {
        // Where the word that is gone through ends, and whether it has Latin letters.
        let (mut end, mut is_latin) = (0, false);
        text.char_indices().filter_map(move |(at, sign)| {
            if at >= end && is_part(sign) {
                let rest = text.get(at..)?;
                let word = rest.split(|c| !is_part(c)).next()?;
                (end, is_latin) = (
                    at + word.len(),
                    word.contains(|c: char| c.is_ascii_alphabetic()),
                );
            }
            let of_signs = SIGNS.iter().find(|(known, ..)| *known == sign);
            let of_signs = of_signs.map(|(_, name, meant)| Self {
                sign,
                name,
                meant: Meant::Signs(meant),
            });
            let of_letters = || Self::letter(sign).filter(|_| is_latin);
            Some((at, of_signs.or_else(of_letters)?))
        })
    }

    /// A letter of another alphabet that looks like a Latin one.
    fn letter(sign: char) -> Option<Self> {
        let place = OTHER.chars().position(|other| other == sign)?;
        let meant = Meant::Letter(LATIN.chars().nth(place)?);
        let name = match sign {
            '\u{370}'..='\u{3ff}' => "a Greek letter",
            _ => "a Cyrillic letter",
        };
        Some(Self { sign, name, meant })
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> String {
        match self.meant {
            Meant::Signs("") => "remove it: it does not show, and is there all the same".to_owned(),
            Meant::Signs(" ") => "write an ordinary space in its place".to_owned(),
            Meant::Signs(signs) => format!("write `{signs}` in its place"),
            Meant::Letter(letter) => format!("write the Latin letter `{letter}` in its place"),
        }
    }

    /// Whether it looks like this one.
    pub(crate) fn is_like(&self, sign: &str) -> bool {
        matches!(self.meant, Meant::Signs(meant) if meant == sign)
    }

    /// How long it is in bytes.
    pub(crate) fn len(&self) -> usize {
        self.sign.len_utf8()
    }
}

/// Whether a sign is part of a word: a letter of another alphabet is only wrong in one
/// with Latin letters.
fn is_part(sign: char) -> bool {
    sign.is_alphanumeric() || matches!(sign, '_' | '-')
}

impl fmt::Display for Lookalike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = u32::from(self.sign);
        write!(f, "{} (U+{code:04X})", self.name)
    }
}

impl Diagnostic {
    /// Names a sign that makes what is meant wrong without being seen.
    pub(super) fn name_lookalike(&mut self) {
        /// Mistakes of values and names by themselves: others say what is wrong with a
        /// text in which every sign may be right.
        const OF_VALUES: [Code; 13] = [
            Code::UnknownKey,
            Code::WrongValue,
            Code::UnknownSource,
            Code::MalformedCitation,
            Code::UnknownMeasure,
            Code::UnknownFact,
            Code::UnknownField,
            Code::UnknownType,
            Code::UnknownValue,
            Code::UnknownInstrument,
            Code::UnknownRule,
            Code::UnknownAuthority,
            Code::WrongFolder,
        ];
        let marked = self.excerpt.get(self.marked.clone()).unwrap_or_default();
        if OF_VALUES.contains(&self.code)
            && let Some((_, found)) = Lookalike::all(marked).next()
        {
            let named = format!("{found} stands in it: {}", found.remedy());
            self.remedy = Some(match self.remedy.take() {
                Some(other) => format!("{named}; {other}"),
                None => named,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lookalike;

    #[test]
    fn letters_of_another_alphabet_are_wrong_in_latin_words_alone() {
        let found = |text| {
            let found: Vec<usize> = Lookalike::all(text).map(|(at, _)| at).collect();
            found
        };
        assert_eq!(found("d\u{430}ta \u{430} x-\u{430}"), [1, 11]);
        assert_eq!(found("\u{430}\u{441}"), [0; 0]);
    }

    #[test]
    fn a_long_word_is_gone_through_once() {
        // Once for each letter would take minutes.
        let long = "\u{430}".repeat(200_000);
        assert_eq!(Lookalike::all(&long).count(), 0);
    }
}
