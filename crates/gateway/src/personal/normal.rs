//! Normal forms: what is to match is made equal. See [`super`] for what matches what.

use std::net::IpAddr;

use comity_domain::SelectorKind;
use jiff::civil::Date;
use unicode_normalization::{UnicodeNormalization as _, char::is_combining_mark};

use crate::wire::selector;

/// A name: its words, in an order of their own.
pub(super) fn name(value: &str) -> Option<String> {
    let folded = fold(value);
    let mut words: Vec<_> = folded.split(|c| !is_sign(c)).collect();
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    something(words.join(" "))
}

/// Words in their order.
pub(super) fn words(value: &str) -> Option<String> {
    let folded = fold(value);
    let words = folded.split(|c| !is_sign(c));
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    something(words.join(" "))
}

/// Letters and digits alone.
pub(super) fn signs(value: &str) -> Option<String> {
    // What was apart may be one now.
    let signs = fold(value).chars().filter(|c| is_sign(*c)).nfkc().collect();
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
    let address: IpAddr = value.trim().parse().ok()?;
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
    c.is_alphanumeric() || is_combining_mark(c)
}

fn is_hyphen(c: char) -> bool {
    matches!(c, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// NFKC without what is not seen: the characters of Unicode that are ignorable by
/// default, as far as they occur in text.
fn compatible(text: &str) -> String {
    let is_seen = |c: &char| {
        !matches!(
            c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'
        )
    };
    // Before as well: what is not seen keeps marks from their letters.
    let seen: String = text.chars().filter(is_seen).collect();
    seen.nfkc().filter(is_seen).collect()
}

/// [`compatible`] with case folded: by way of the capitals of small letters, which takes
/// `ẞ` and `ß` to `ss`, and with one small sigma. Unlike Unicode's own folding it also takes the dotless `ı` to `i`,
/// since in capitals they are one.
fn fold(text: &str) -> String {
    let small = compatible(text).to_lowercase();
    let folded = small.to_uppercase().to_lowercase();
    folded.replace('ς', "σ").nfkc().collect()
}
