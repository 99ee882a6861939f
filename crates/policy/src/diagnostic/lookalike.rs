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
    /// The first in a text, with where it stands.
    pub(crate) fn find(text: &str) -> Option<(usize, Self)> {
        text.char_indices().find_map(|(at, sign)| {
            let of_signs = || {
                let (_, name, meant) = SIGNS.iter().find(|(known, ..)| *known == sign)?;
                let meant = Meant::Signs(meant);
                Some(Self { sign, name, meant })
            };
            Some((at, of_signs().or_else(|| Self::letter(text, at, sign))?))
        })
    }

    /// A letter of another alphabet within a word in Latin ones.
    fn letter(text: &str, at: usize, sign: char) -> Option<Self> {
        let place = OTHER.chars().position(|other| other == sign)?;
        let meant = Meant::Letter(LATIN.chars().nth(place)?);
        let is_part = |c: &char| c.is_alphanumeric() || matches!(c, '_' | '-');
        let before = text.get(..at)?.chars().rev().take_while(is_part);
        let after = text.get(at..)?.chars().take_while(is_part);
        let name = match sign {
            '\u{370}'..='\u{3ff}' => "a Greek letter",
            _ => "a Cyrillic letter",
        };
        let mut word = before.chain(after);
        word.any(|c| c.is_ascii_alphabetic())
            .then_some(Self { sign, name, meant })
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

    /// How long it is in bytes.
    pub(crate) fn len(&self) -> usize {
        self.sign.len_utf8()
    }
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
        /// Mistakes of values and names by themselves.
        const OF_VALUES: [Code; 17] = [
            Code::YamlSyntax,
            Code::UnknownKey,
            Code::WrongType,
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
            Code::ConditionSyntax,
            Code::ConditionType,
            Code::WrongFolder,
        ];
        let marked = self.excerpt.get(self.marked.clone()).unwrap_or_default();
        if OF_VALUES.contains(&self.code)
            && let Some((_, found)) = Lookalike::find(marked)
        {
            self.why = Some(format!("{found} stands in it"));
            self.remedy = Some(found.remedy());
        }
    }
}
