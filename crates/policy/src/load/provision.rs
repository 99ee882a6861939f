//! Provisions as citations name them. States number their law in many ways, so that only
//! what can be no provision at all is refused.

use crate::diagnostic::nearest;

/// Words before the number of a provision, in the languages of the States.
const KINDS: &str = "abs absatz allegato alinéa amend amendment anexo annex annexe annexes appendices appendix art \
    article articles articoli articolo artículo artículos artigo artigos artikel artikelen artikeln arts artt \
    artykuł bijlage capítulo chapter chapters chapitre clause clauses considerando declaration declarations \
    kapitel letter para paragraaf paragraf paragraph paragraphe paragraphs paras part parte parts point points \
    preamble prot protocol protocols punkt punto recital recitals regulation regulations reservation \
    reservations rule rules schedule schedules secção sección section sections sezione title titles titre título";
/// Shorter ones, which are near to many words.
const SHORT: &str = "ch no pt reg s sch ss";
/// Stand for a provision that is still to be found.
const PLACEHOLDERS: [&str; 6] = ["todo", "tbd", "tbc", "fixme", "xxx", "n/a"];

/// Whether a word stands before the number of a provision.
pub(crate) fn is_kind(word: &str) -> bool {
    let word = plain(word);
    let mut known = KINDS.split(' ').chain(SHORT.split(' '));
    known.any(|known| known == word)
}

/// A word in lower case, without the signs around it.
fn plain(word: &str) -> String {
    word.trim_matches(|sign| ".,:;()".contains(sign))
        .to_lowercase()
}

/// Why this cannot name a provision, and what to do.
pub(super) fn malformed(provision: &str) -> Option<(String, String)> {
    let remedy = "write the provision as the law numbers it, such as `art 11(1)(g)` or `s 59(3)`";
    let because = |message: String| Some((message, remedy.to_owned()));
    let words: Vec<&str> = provision.split_whitespace().collect();
    if let Some(word) = words.iter().find(|word| {
        let word = plain(word);
        PLACEHOLDERS.contains(&&*word) || word.contains('?')
    }) {
        return because(format!("`{word}` is no provision"));
    }
    if !are_balanced(provision) {
        return because(format!("the brackets of `{provision}` do not match"));
    }
    let stray = |sign: char| !sign.is_alphanumeric() && !"§)'\"”’»°ºª".contains(sign);
    let ends = provision
        .chars()
        .next()
        .into_iter()
        .chain(provision.chars().next_back());
    if let Some(sign) = ends.into_iter().find(|sign| stray(*sign) && *sign != '.') {
        return because(format!("a provision cannot begin or end with `{sign}`"));
    }
    words.windows(2).find_map(|pair| {
        let [word, number] = pair else { return None };
        let (kind, first) = (plain(word), word.chars().next()?.to_lowercase().next()?);
        let is_word = kind.chars().all(char::is_alphabetic);
        // Short words are abbreviations of all kinds.
        if !is_number(number) || !is_word || kind.len() < 4 || is_kind(word) {
            return None;
        }
        let kinds = KINDS.split(' ').filter(|known| known.starts_with(first));
        let meant = nearest(&kind, kinds)?;
        Some((
            format!("`{word}` is no kind of provision"),
            format!("did you mean `{meant}`?"),
        ))
    })
}

fn is_number(word: &str) -> bool {
    let is_roman = || word.chars().all(|letter| "IVXLC".contains(letter));
    word.starts_with(|first: char| first.is_ascii_digit()) || is_roman()
}

/// Every bracket is closed by its like, and none is empty. That behind the letter of a
/// list opens nowhere: `lit a)`.
fn are_balanced(text: &str) -> bool {
    let mut open = Vec::new();
    let mut last = ' ';
    // Letters since a space, or none where anything else stood among them.
    let mut letters = Some(0);
    for sign in text.chars() {
        match sign {
            '(' => open.push(')'),
            '[' => open.push(']'),
            ')' if open.is_empty() && matches!(letters, Some(1..=4)) => {}
            ')' | ']' if open.pop() != Some(sign) || "([".contains(last) => return false,
            _ => {}
        }
        letters = match sign {
            sign if sign.is_whitespace() => Some(0),
            sign if sign.is_alphabetic() => letters.map(|count| count + 1),
            _ => None,
        };
        last = sign;
    }
    open.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn national_ways_of_counting_are_provisions() {
        for provision in [
            "art 11(1)(g)",
            "§ 59 Abs. 3 Nr. 2",
            "art 6, par 1, lettera b)",
            "lit a)",
            "artykuł 607k § 2",
            "Sch 1 para 3",
            "recital 44",
        ] {
            assert_eq!(malformed(provision), None, "{provision}");
        }
    }

    #[test]
    fn what_names_none_is_told() {
        for provision in [
            "TODO",
            "art 11(1",
            "art 3)",
            "art ()",
            "art 4(2]",
            "artcile 4",
            "art 4,",
        ] {
            assert!(malformed(provision).is_some(), "{provision}");
        }
    }
}
