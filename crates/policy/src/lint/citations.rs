//! Citations that are written otherwise than the library writes them: whoever looks for
//! every rule of a provision does not find these.

use super::{Subject, leaves};
use crate::{
    diagnostic::{Code, Diagnostic},
    load::{Kind, Place, is_kind},
};

/// Keys whose texts are citations.
const KEYS: [&str; 2] = ["cite", "binding_cite"];
/// Kinds of provision in other words, and how the library writes them.
const OTHERWISE: [(&str, &str); 20] = [
    ("article", "art"),
    ("articles", "arts"),
    ("art.", "art"),
    ("arts.", "arts"),
    ("artikel", "art"),
    ("artículo", "art"),
    ("articolo", "art"),
    ("artigo", "art"),
    ("artykuł", "art"),
    ("section", "s"),
    ("sections", "ss"),
    ("sec.", "s"),
    ("s.", "s"),
    ("§", "s"),
    ("§§", "ss"),
    ("chapter", "ch"),
    ("chap.", "ch"),
    ("kap.", "ch"),
    ("schedule", "sch"),
    ("paragraph", "para"),
];
/// What acts have beside their provisions, and a day follows the first of it.
const WHOLE: [&str; 8] = [
    "by ",
    "entry into force",
    "date of application",
    "start of operations",
    "as a whole",
    "part taken",
    "signatures",
    "application in",
];
/// Where acts have their address whose provisions all have numbers.
const NUMBERED: &str = "data.europa.eu/eli/";

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    let sources = subject.file(Kind::Sources);
    let is_numbered = |source: &str| {
        let url = sources
            .as_ref()
            .map(|file| file.at("sources").at(source).at("url"));
        let url = url.and_then(|url| url.json()?.as_str());
        url.is_some_and(|url| url.contains(NUMBERED))
    };
    for document in subject.documents {
        let is_cited = |place: &Place<'_>| place.pointer.split('/').any(|key| KEYS.contains(&key));
        for place in leaves(document).into_iter().filter(is_cited) {
            let Some((source, provision)) =
                place.json().and_then(|cite| cite.as_str()?.split_once(' '))
            else {
                continue;
            };
            if let Some((why, remedy)) = unusual(provision, is_numbered(source)) {
                let message = format!("`{provision}` is not how the library names a provision");
                let wrong = place.wrong(Code::CitationUnusual, message);
                found.push(wrong.why(why).remedy(remedy));
            }
        }
    }
}

/// Why a provision is not written as the library writes them, and what to write.
fn unusual(provision: &str, is_numbered: bool) -> Option<(String, String)> {
    let (first, rest) = provision.split_once(' ').unwrap_or((provision, ""));
    let lower = first.to_lowercase();
    let digit = provision.find(|c: char| c.is_ascii_digit());
    if WHOLE.iter().any(|whole| provision.contains(whole)) {
        return None;
    }
    let otherwise = OTHERWISE.iter().find(|(known, _)| *known == lower);
    if let (Some((_, short)), Some(_)) = (otherwise, digit) {
        let why = format!("elsewhere it is `{short}`");
        return Some((why, format!("write `{short} {rest}`")));
    }
    let written = closed_up(provision);
    if written != provision {
        let why = "elsewhere paragraphs follow the number at once".to_owned();
        return Some((why, format!("write `{written}`")));
    }
    if is_kind(first) {
        return None;
    }
    match digit {
        Some(0) => Some((
            "it does not say of what this is the number".to_owned(),
            format!("write `art {provision}`, `s {provision}` or what else it is"),
        )),
        Some(_) => Some((
            format!("`{first}` is no kind of provision elsewhere"),
            "begin with the kind, such as `art`, `s`, `ch`, `recital` or `annex`".to_owned(),
        )),
        None if is_numbered => Some((
            "the provisions of this act have numbers".to_owned(),
            "write the provision, such as `art 11(1)(g)` or `recital 5`".to_owned(),
        )),
        None => None,
    }
}

/// A provision without spaces between a number and the paragraph that follows it.
fn closed_up(provision: &str) -> String {
    let mut written = String::new();
    for word in provision.split_whitespace() {
        let inside = word
            .strip_prefix('(')
            .and_then(|word| word.split(')').next());
        let is_paragraph = inside.is_some_and(|inside| {
            let mut signs = inside.chars();
            let is_letter = signs.next().is_some_and(char::is_alphabetic) && signs.next().is_none();
            let is_number = !inside.is_empty() && inside.chars().all(|sign| sign.is_ascii_digit());
            is_letter || is_number
        });
        let follows = written.ends_with(|sign: char| sign.is_ascii_digit() || sign == ')');
        if !(written.is_empty() || is_paragraph && follows) {
            written.push(' ');
        }
        written.push_str(word);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn provisions_of_the_library_are_usual() {
        for provision in [
            "art 8(1)",
            "s 74",
            "ch 27 s 18",
            "recital 5",
            "annex A",
            "annexes II, V and VI",
            "pt 1 ch 2",
            "Protocol 22",
            "transposition by 12 December 2024",
            "treaty as a whole",
            "art 706-95",
            "declaration of 9 March 2009",
            "reservation to art 2",
            "appendix 1",
            "regulation 5",
            "chapitre 3",
            "clause 4",
            "preamble 3",
            "art 5 (new)",
        ] {
            assert_eq!(unusual(provision, true), None, "{provision}");
        }
        assert_eq!(unusual("judgment", false), None);
    }

    #[test]
    fn others_are_told_with_what_to_write() {
        for (provision, remedy) in [
            ("Article 8(1)", "write `art 8(1)`"),
            ("§ 59", "write `s 59`"),
            ("Art. 3", "write `art 3`"),
            ("art 8 (1)", "write `art 8(1)`"),
            ("art 8 (1) (a) (new)", "write `art 8(1)(a) (new)`"),
            ("art  8", "write `art 8`"),
            ("8(1)", "write `art 8(1)`, `s 8(1)` or what else it is"),
        ] {
            let (_, told) = unusual(provision, true).unwrap();
            assert_eq!(told, remedy, "{provision}");
        }
        assert!(unusual("Directive 8", false).is_some());
        assert!(unusual("issuing authority", true).is_some());
    }
}
