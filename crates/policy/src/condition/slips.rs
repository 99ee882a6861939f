//! Slips of those who know other ways of writing: said in words, where the
//! parser would name a token.

use std::{collections::BTreeSet, ops::Range, sync::Arc};

use crate::{
    diagnostic::{Code, Diagnostic, Lookalike},
    model::{FactType, FormFields, Vocabulary},
};

use super::{Line, limits::outside_literals};

/// Words of other languages, with what stands for them here.
const WORDS: [(&str, &str); 16] = [
    ("not", "!"),
    ("and", "&&"),
    ("or", "||"),
    ("true", "true"),
    ("false", "false"),
    ("yes", "true"),
    ("no", "false"),
    ("nicht", "!"),
    ("und", "&&"),
    ("oder", "||"),
    ("ja", "true"),
    ("nein", "false"),
    ("et", "&&"),
    ("ou", "||"),
    ("oui", "true"),
    ("non", "false"),
];
/// Signs that others write, with what stands for them here.
const SIGNS: [(&str, &str); 8] = [
    ("=>", ">="),
    ("=<", "<="),
    ("<>", "!="),
    ("≥", ">="),
    ("≤", "<="),
    ("≠", "!="),
    ("∧", "&&"),
    ("∨", "||"),
];
/// What stands before the name of every fact.
const CONTEXT: &str = "context.";

impl Line<'_> {
    /// What explains that a line cannot be read: each slip once, in order.
    pub(super) fn slips(&self, vocabulary: &Vocabulary) -> Vec<Diagnostic> {
        let facts = vocabulary.facts.keys().map(|name| &**name);
        let fields = self.form.iter().flat_map(|form| names(&form.fields));
        let facts: Vec<&str> = facts.chain(fields).collect();
        let hyphens = self.hyphens(&facts);
        if !hyphens.is_empty() {
            return hyphens;
        }
        let words = words(self.text()).into_iter();
        let mut slips: Vec<_> = words
            .filter_map(|(start, word)| {
                let meant = self.typed(start, word);
                let meant = meant.or_else(|| self.unquoted(start, word, (vocabulary, true)));
                let slip = meant.or_else(|| self.slip(start, word, &facts));
                let slip = slip.or_else(|| self.unquoted(start, word, (vocabulary, false)));
                slip.or_else(|| self.decimal(start, word))
            })
            .collect();
        slips.extend(self.signs());
        slips.extend(self.lookalike());
        slips.extend(self.single_equals());
        if slips.is_empty() {
            slips.extend(self.unclosed());
        }
        slips
    }

    /// A sign that looks like one that is meant.
    fn lookalike(&self) -> Option<Diagnostic> {
        let text = self.text();
        let outside: BTreeSet<usize> = outside_literals(text).map(|(at, _)| at).collect();
        let (start, found) = Lookalike::all(text).find(|(at, _)| outside.contains(at))?;
        let message = format!("{found} means nothing here");
        Some(
            self.wrong(start..start + found.len(), message)
                .remedy(found.remedy()),
        )
    }

    /// A bracket without its other half.
    fn unclosed(&self) -> Option<Diagnostic> {
        let mut open: Vec<(usize, char)> = Vec::new();
        for (at, sign) in outside_literals(self.text()) {
            let other = match sign {
                '(' | '[' => {
                    open.push((at, sign));
                    continue;
                }
                ')' => '(',
                ']' => '[',
                _ => continue,
            };
            if open.pop().map(|(_, sign)| sign) != Some(other) {
                let message = format!("nothing opens this `{sign}`");
                let wrong = self.wrong(at..at + 1, message);
                return Some(
                    wrong.remedy(format!("remove it, or write `{other}` where it is to open")),
                );
            }
        }
        let (at, sign) = open.pop()?;
        let other = if sign == '(' { ')' } else { ']' };
        let wrong = self.wrong(at..at + 1, format!("nothing closes this `{sign}`"));
        Some(wrong.remedy(format!("write `{other}` where it is to close")))
    }

    /// A value after the name of its list, without quotation marks: `State::NO`; `None` for
    /// other words.
    fn typed(&self, start: usize, word: &str) -> Option<Diagnostic> {
        let text = self.text();
        let before = text.get(..start)?.strip_suffix("::")?;
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        let kind = before.rfind(|c| !is_part(c)).map_or(0, |at| at + 1);
        let kind = before.get(kind..).filter(|kind| !kind.is_empty())?;
        // Its hyphens are no part of a word.
        let rest = text.get(start..)?;
        let end = rest.find(|c| !is_part(c) && !matches!(c, '.' | '-'));
        let value = rest.get(..end.unwrap_or(rest.len())).unwrap_or(word);
        let from = start - 2 - kind.len();
        let message = format!("`{kind}::{value}` means nothing here");
        let wrong = self.wrong(from..start + value.len(), message);
        Some(wrong.remedy(format!("write `{kind}::\"{value}\"`")))
    }

    /// Names of facts that are written with hyphens.
    fn hyphens(&self, facts: &[&str]) -> Vec<Diagnostic> {
        let text = self.text();
        let parts = outside_literals(text).filter(|(at, _)| {
            text.get(*at..)
                .is_some_and(|rest| rest.starts_with(CONTEXT))
        });
        let mut found = Vec::new();
        for (at, _) in parts {
            let rest = text.get(at + CONTEXT.len()..).unwrap_or_default();
            let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
            let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
            let written = rest.get(..end).unwrap_or_default();
            let meant = written.replace('-', "_");
            let fact = facts.iter().filter(|fact| is_of(&meant, fact));
            let Some(fact) = fact.max_by_key(|fact| fact.len()) else {
                continue;
            };
            let part = written.get(..fact.len()).unwrap_or(written);
            if part != *fact {
                let start = at + CONTEXT.len();
                let wrong = self.wrong(
                    start..start + part.len(),
                    format!("`{part}` would be a subtraction"),
                );
                found.push(wrong.remedy(format!("write `context.{fact}`")));
            }
        }
        found
    }

    /// Signs of other ways of writing, and half ones.
    fn signs(&self) -> Vec<Diagnostic> {
        let text = self.text();
        let mut found = Vec::new();
        for (at, sign) in outside_literals(text) {
            let rest = text.get(at..).unwrap_or_default();
            let other = SIGNS.iter().find(|(other, _)| rest.starts_with(other));
            let before = text.get(..at).and_then(|text| text.chars().next_back());
            let alone = before != Some(sign) && rest.chars().nth(1) != Some(sign);
            let (written, remedy) = match (other, sign) {
                (Some((other, here)), _) => (*other, format!("write `{here}`")),
                (None, '%') => ("%", "write the number alone".to_owned()),
                (None, '&') if alone => ("&", "write `&&`".to_owned()),
                (None, '|') if alone => ("|", "write `||`".to_owned()),
                _ => continue,
            };
            let message = format!("`{written}` means nothing here");
            let wrong = self.wrong(at..at + written.len(), message);
            found.push(wrong.remedy(remedy));
        }
        found.extend(self.thousands());
        found
    }

    /// A number with a comma before its thousands.
    fn thousands(&self) -> Option<Diagnostic> {
        let text = self.text();
        let mut commas = outside_literals(text).filter(|(_, sign)| *sign == ',');
        let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).count();
        commas.find_map(|(at, _)| {
            let before = text.get(..at)?;
            let from = before.trim_end_matches(|c: char| c.is_ascii_digit()).len();
            let (first, rest) = (before.get(from..)?, text.get(at + 1..)?);
            // In a list it stands between two numbers.
            if first.is_empty() || digits(rest) != 3 || before.contains('[') {
                return None;
            }
            let last = rest.get(..3)?;
            let wrong = self.wrong(from..at + 4, format!("`{first},{last}` is no number"));
            Some(wrong.remedy(format!("write `{first}{last}`")))
        })
    }

    /// A value of a list that is written as if it were a fact.
    /// `only_read`: of the list of a fact that the line reads.
    fn unquoted(
        &self,
        start: usize,
        word: &str,
        (vocabulary, only_read): (&Vocabulary, bool),
    ) -> Option<Diagnostic> {
        // Between quotation marks of another kind these are what is said.
        let curled =
            Lookalike::all(self.text()).any(|(_, found)| found.is_like("\"") || found.is_like("'"));
        let has = |values: &BTreeSet<Arc<str>>| !curled && values.contains(word);
        let mut of_facts = vocabulary.facts.iter().filter_map(|(name, fact)| {
            let read = self.text().contains(&format!("{CONTEXT}{name}"));
            let (FactType::Listed(kind) | FactType::SetOf(kind)) = &fact.kind else {
                return None;
            };
            (read && vocabulary.types.get(kind).is_some_and(has)).then_some(kind)
        });
        let kinds = vocabulary.types.iter();
        let mut kinds = kinds
            .filter(|(_, values)| has(values))
            .map(|(kind, _)| kind);
        let others = || if only_read { None } else { kinds.next() };
        let kind = of_facts.next_back().or_else(others)?;
        let message = format!("`{word}` means nothing here");
        let wrong = self.wrong(start..start + word.len(), message);
        Some(wrong.remedy(format!("write `{kind}::\"{word}\"`")))
    }

    /// A number that is not whole.
    fn decimal(&self, start: usize, word: &str) -> Option<Diagnostic> {
        let (whole, _) = word.split_once('.')?;
        let whole: u64 = word.parse::<f64>().ok().and(whole.parse().ok())?;
        let message = format!("`{word}` is no whole number");
        let wrong = self.wrong(start..start + word.len(), message);
        Some(wrong.remedy(format!(
            "write a whole number, such as `{whole}` or `{}`",
            whole.saturating_add(1)
        )))
    }

    fn wrong(&self, at: Range<usize>, message: String) -> Diagnostic {
        self.diagnostic(Code::ConditionSyntax, Some(at), message)
            .why("not a condition")
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
        let found = self.wrong(start..start + 1, "`=` means nothing here".to_owned());
        Some(found.remedy("write `==`"))
    }

    fn slip(&self, start: usize, word: &str, facts: &[&str]) -> Option<Diagnostic> {
        let wrong = |length: usize, message| self.wrong(start..start + length, message);
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
