//! Slips of those who know other ways of writing: said in words, where the
//! parser would name a token.

use comity_domain::FactName;

use crate::{
    diagnostic::{Code, Diagnostic},
    model::FormFields,
};

use super::{Line, limits::outside_literals};

/// Words of other languages, with what stands for them here.
const WORDS: [(&str, &str); 7] = [
    ("not", "!"),
    ("and", "&&"),
    ("or", "||"),
    ("true", "true"),
    ("false", "false"),
    ("yes", "true"),
    ("no", "false"),
];
/// Quotation marks that word processors put in.
const CURLED: [char; 5] = ['“', '”', '„', '‘', '’'];

impl Line<'_> {
    /// What explains that a line cannot be read: each slip once, in order.
    pub(super) fn slips<'f>(&self, facts: impl Iterator<Item = &'f FactName>) -> Vec<Diagnostic> {
        let facts: Vec<&str> = facts.map(|name| &**name).collect();
        let fields = self.form.iter().flat_map(|form| names(&form.fields));
        let facts: Vec<&str> = facts.into_iter().chain(fields).collect();
        let words = words(self.text()).into_iter();
        let mut slips: Vec<_> = words
            .filter_map(|(start, word)| self.slip(start, word, &facts))
            .collect();
        let curled = outside_literals(self.text()).find(|(_, sign)| CURLED.contains(sign));
        slips.extend(curled.map(|(start, sign)| {
            let message = format!("`{sign}` is no quotation mark here");
            self.diagnostic(
                Code::ConditionSyntax,
                Some(start..start + sign.len_utf8()),
                message,
            )
            .why("not a condition")
            .remedy("write straight quotation marks: `\"`")
        }));
        slips.extend(self.single_equals());
        slips
    }

    /// An `=` that is no part of an operator.
    fn single_equals(&self) -> Option<Diagnostic> {
        let text = self.text();
        let (start, _) = outside_literals(text).find(|&(at, sign)| {
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let after = text.get(at + 1..).and_then(|text| text.chars().next());
            let beside = [before, after];
            sign == '='
                && !beside
                    .iter()
                    .any(|sign| matches!(sign, Some('=' | '!' | '<' | '>')))
        })?;
        let at = Some(start..start + 1);
        let found = self.diagnostic(Code::ConditionSyntax, at, "`=` means nothing here");
        Some(found.why("not a condition").remedy("write `==`"))
    }

    fn slip(&self, start: usize, word: &str, facts: &[&str]) -> Option<Diagnostic> {
        let wrong = |length: usize, message: String| {
            let at = Some(start..start + length);
            self.diagnostic(Code::ConditionSyntax, at, message)
                .why("not a condition")
        };
        let lower = word.to_ascii_lowercase();
        let here = WORDS
            .iter()
            .find(|(known, here)| *known == lower && *here != word);
        if let Some((_, here)) = here {
            let remedy = match *here {
                "!" => {
                    "write `!` before the fact, and the line in single quotes: '!context.<name>'"
                        .to_owned()
                }
                here => format!("write `{here}`"),
            };
            let message = format!("`{word}` means nothing here");
            return Some(wrong(word.len(), message).remedy(remedy));
        }
        let fact = facts.iter().filter(|fact| is_of(word, fact));
        let fact = fact.max_by_key(|fact| fact.len())?;
        let message = format!("`{fact}` stands without `context.`");
        Some(wrong(fact.len(), message).remedy(format!("write `context.{fact}`")))
    }
}

fn names(fields: &FormFields) -> impl Iterator<Item = &str> {
    fields.keys().map(|name| &**name)
}

/// A word is the name of a fact, or that of one with a function after it.
fn is_of(word: &str, fact: &str) -> bool {
    let rest = word.strip_prefix(fact);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Names with their dots, outside literals; types before `::` are none.
fn words(text: &str) -> Vec<(usize, &str)> {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    let mut words: Vec<(usize, usize)> = Vec::new();
    for (start, character) in outside_literals(text).filter(|(_, c)| is_part(*c)) {
        let end = start + character.len_utf8();
        match words.last_mut() {
            Some((_, last)) if *last == start => *last = end,
            _ => words.push((start, end)),
        }
    }
    let of_type = |end: usize| text.get(end..).is_some_and(|rest| rest.starts_with("::"));
    let words = words.into_iter().filter(|(_, end)| !of_type(*end));
    words
        .filter_map(|(start, end)| Some((start, text.get(start..end)?)))
        .collect()
}
