//! Normal forms: what is to match is made equal. See [`super`] for what matches what.

use std::net::IpAddr;

use comity_domain::SelectorKind;
use jiff::civil::Date;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::{visible::is_ignorable, wire::selector};

/// What is left of the dotted `İ` beside its `i` in small letters.
const DOT_ABOVE: char = '\u{307}';

/// A name: its words, in an order of their own. Where words have hyphens or apostrophes
/// in them there are several forms: broken there and joined there, for all hyphens alike
/// and for all apostrophes alike.
pub(super) fn name(value: &str) -> Vec<String> {
    let folded = fold(&spelt(value));
    let ways = [(false, false), (true, false), (false, true), (true, true)];
    // Where there is no such sign, joining there changes nothing.
    let differs = |(hyphens, apostrophes): &(bool, bool)| {
        (!hyphens || folded.contains(is_hyphen)) && (!apostrophes || folded.contains(is_apostrophe))
    };
    let forms = ways.into_iter().filter(differs);
    let forms = forms.map(|(hyphens, apostrophes)| {
        let is_joined = |c| hyphens && is_hyphen(c) || apostrophes && is_apostrophe(c);
        let words = folded.split(|c| !is_sign(c) && !is_joined(c));
        let join = |word: &str| word.chars().filter(|c| is_sign(*c)).nfkc().collect();
        let mut words: Vec<String> = words.map(join).collect();
        words.retain(|word| !word.is_empty());
        words.sort_unstable();
        words.join(" ")
    });
    let mut forms: Vec<_> = forms.filter_map(something).collect();
    forms.sort_unstable();
    forms.dedup();
    forms
}

/// Words in their order.
pub(super) fn words(value: &str) -> Option<String> {
    let folded = fold(&spelt(value));
    let words = folded.split(|c| !is_sign(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    something(words.join(" "))
}

/// Letters and digits alone.
pub(super) fn signs(value: &str) -> Option<String> {
    // What was apart may be one now.
    let folded = fold(&spelt(value));
    let signs = folded.chars().filter(|c| is_sign(*c)).nfkc().collect();
    something(signs)
}

/// Every sign, with single spaces.
pub(super) fn account(value: &str) -> Option<String> {
    let folded = fold(value);
    let parts: Vec<_> = folded.split_whitespace().collect();
    something(parts.join(" "))
}

pub(super) fn iban(value: &str) -> Option<String> {
    let upper = compatible(value).to_uppercase();
    let is_between = |c: char| c.is_whitespace() || is_hyphen(c);
    let normal: String = upper.chars().filter(|c| !is_between(*c)).collect();
    valid(SelectorKind::Iban, normal)
}

/// ITU-T E.164 with its plus sign.
pub(super) fn phone(value: &str) -> Option<String> {
    let compatible = compatible(value).replace("(0)", "");
    let is_between =
        |c: char| c.is_whitespace() || is_hyphen(c) || matches!(c, '.' | '/' | '(' | ')');
    let normal: String = compatible.chars().filter(|c| !is_between(*c)).collect();
    let normal = match normal.strip_prefix("00") {
        Some(rest) => format!("+{rest}"),
        None => normal,
    };
    valid(SelectorKind::Phone, normal)
}

pub(super) fn email(value: &str) -> Option<String> {
    valid(SelectorKind::Email, fold(value).trim().to_owned())
}

pub(super) fn ip(value: &str) -> Option<String> {
    let address: IpAddr = compatible(value).trim().parse().ok()?;
    Some(address.to_canonical().to_string())
}

/// A day, `YYYY-MM-DD`.
pub(super) fn date(value: &str) -> Option<String> {
    let compatible = compatible(value);
    let text = compatible.trim();
    let date: Date = text.parse().ok()?;
    // Nothing else that the parser takes, such as a time of day.
    (date.to_string() == text).then_some(date.to_string())
}

fn valid(kind: SelectorKind, normal: String) -> Option<String> {
    selector::check(kind, &normal).is_ok().then_some(normal)
}

fn something(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// Letters, digits and what modifies them.
fn is_sign(c: char) -> bool {
    (c.is_alphanumeric() || is_combining_mark(c)) && !is_apostrophe(c)
}

/// Whatever is written for one; two of them are letters to Unicode.
fn is_apostrophe(c: char) -> bool {
    matches!(
        c,
        '\'' | '`' | '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2bb}' | '\u{2bc}'
    )
}

/// With the acute accent that stands alone, which NFKC puts on what is before it, as the
/// apostrophe for which it is written.
fn spelt(value: &str) -> String {
    value.replace('\u{b4}', "'")
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// NFKC without what is not seen.
fn compatible(text: &str) -> String {
    let is_seen = |c: &char| !is_ignorable(*c);
    // Before as well: what is not seen keeps marks from their letters.
    let seen: String = text.chars().filter(is_seen).collect();
    seen.nfkc().filter(is_seen).collect()
}

/// [`compatible`] with case folded: by way of the capitals of small letters, which takes
/// `ẞ` and `ß` to `ss`, and with one small sigma. Unlike Unicode's own folding it also takes
/// the dotless `ı` to `i`, since in capitals they are one, and the dotted `İ`, since in
/// small letters they are.
fn fold(text: &str) -> String {
    let small = compatible(text).to_lowercase();
    let folded = small.to_uppercase().to_lowercase();
    let mut dotless = String::with_capacity(folded.len());
    for c in folded.chars() {
        if c != DOT_ABOVE || !dotless.ends_with('i') {
            dotless.push(c);
        }
    }
    dotless.replace('ς', "σ").nfkc().collect()
}
