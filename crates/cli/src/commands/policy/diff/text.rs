//! A difference as people read it.

use std::fmt::Write as _;

use comity_domain::{Decision, InstrumentId, Outcome};
use comity_gateway::{
    visible::{self, one_line},
    wire::to_proto,
};
use comity_policy::{
    AspectChange, Change, ChangeKind, Difference, Effect, Finding, FindingKind, Matters, Relation,
    Rewording, RuleChange,
};
use jiff::Timestamp;

use super::pairs;
use crate::render;

/// Width of a paragraph.
const WIDTH: usize = 100;
/// Longest value shown whole.
const LONGEST: usize = 240;
/// How much of one is shown before the place at which it differs.
const BEFORE: usize = 60;
/// Parts of a new module shown by name.
const WITHIN: usize = 12;
/// Parts of which only words differ shown with these.
const REWORDED: usize = 40;
/// Findings of one sign shown by name; rules that say the same follow.
const FINDINGS: usize = 6;
/// Combinations of instruments, States and measures shown.
const MATTERS: usize = 12;

/// What an edit means, from what it changes to what becomes of requests.
pub(super) fn difference(difference: &Difference) -> String {
    let Difference {
        bundles: _,
        changes,
        words,
        rules,
        effects,
        decided,
        left_out,
        unproved,
    } = difference;
    let is_rewritten = difference.is_rewritten();
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match changes.len() {
        0 => writeln!(text, "no change in meaning"),
        count if is_rewritten => {
            let rules = if count == 1 { "rule" } else { "rules" };
            let found = "no request was found that is decided otherwise";
            writeln!(text, "{count} {rules} rewritten; {found}")
        }
        1 => writeln!(text, "1 change in meaning"),
        many => writeln!(text, "{many} changes in meaning"),
    };
    // Before anything that could be taken for all there is.
    for left in left_out {
        let of = left.subject.as_ref().map(|subject| format!(", {subject}"));
        let words = format!("Left out{}: {}.", of.unwrap_or_default(), left.what);
        paragraph(&mut text, "", &words);
    }
    if !words.is_empty() {
        let words: Vec<String> = words.iter().map(|one| one.subject.to_string()).collect();
        let differ = format!("only words differ of: {}", words.join(", "));
        paragraph(&mut text, "", &differ);
    }
    if changes.is_empty() {
        rewordings(&mut text, words);
        return text;
    }
    for one in changes {
        let rule = rules
            .iter()
            .find(|rule| one.subject.rule() == Some(&rule.rule));
        change(&mut text, one, rule);
    }
    let _ = match effects.len() {
        0 => writeln!(text, "\nNo request was found that is decided otherwise."),
        _ => writeln!(text, "\nWhat becomes of requests"),
    };
    for (number, one) in (1..).zip(effects) {
        effect(&mut text, number, one);
    }
    let why = unproved.map(|why| format!(" Nothing was proved: {why}."));
    let search = format!(
        "{decided} requests were decided by both, over values on both sides of every value that \
         a changed rule names.{}",
        why.unwrap_or_default()
    );
    paragraph(&mut text, "\n", &search);
    rewordings(&mut text, words);
    text
}

/// Parts of which only words differ, with the words of both sides.
fn rewordings(text: &mut String, words: &[Rewording]) {
    for Rewording {
        subject,
        aspects: both,
    } in words.iter().take(REWORDED)
    {
        paragraph(text, "\n", &format!("{subject}, in words only"));
        aspects(text, both);
    }
    let more = words.len().saturating_sub(REWORDED);
    if more > 0 {
        let _ = writeln!(text, "\nand {more} more; `--json` has them all");
    }
}

fn change(text: &mut String, change: &Change, rule: Option<&RuleChange>) {
    let Change {
        subject,
        kind,
        title,
        aspects: differ,
        words,
        within,
    } = change;
    let kind = match kind {
        ChangeKind::Added => ", new",
        ChangeKind::Removed => ", gone",
        ChangeKind::Altered => "",
    };
    let title = title
        .in_language("en")
        .map(|(_, title)| format!(": {title}"));
    paragraph(
        text,
        "\n",
        &format!("{subject}{kind}{}", title.unwrap_or_default()),
    );
    aspects(text, differ);
    aspects(text, words);
    if !within.is_empty() {
        let shown = within.iter().take(WITHIN).map(ToString::to_string);
        let shown = shown.collect::<Vec<_>>().join(", ");
        let more = match within.len().saturating_sub(WITHIN) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        paragraph(text, "  ", &format!("with {shown}{more}"));
    }
    if let Some(rule) = rule {
        paragraph(text, "  ", &relation(rule));
    }
}

/// What stands on one side alone, aspect by aspect.
fn aspects(text: &mut String, aspects: &[AspectChange]) {
    let names = aspects.iter().map(|aspect| aspect.aspect.len());
    let width = names.max().unwrap_or(0);
    for AspectChange { aspect, was, is } in aspects {
        let mut name = *aspect;
        let sides = [("-", was), ("+", is)];
        for (sign, value) in sides
            .iter()
            .flat_map(|(sign, side)| side.iter().map(move |v| (sign, v)))
        {
            let beside = if *sign == "-" { is } else { was };
            let shown = short(value, beside);
            let _ = writeln!(text, "  {name:<width$}  {sign} {shown}");
            name = "";
        }
    }
}

/// How a rule differs, and how that is known.
fn relation(change: &RuleChange) -> String {
    let known = if change.proved {
        "proved"
    } else {
        "searched, not proved"
    };
    match &change.relation {
        Relation::More => format!("It holds in more cases than before ({known})."),
        Relation::Less => format!("It holds in fewer cases than before ({known})."),
        Relation::Same => {
            format!("It holds in the same cases as before, where every fact is known ({known}).")
        }
        Relation::Both => {
            format!("It holds in cases in which it did not, and no longer in others ({known}).")
        }
        Relation::NotFound => format!("No case was found in which it holds otherwise ({known})."),
        Relation::NotAnalysable(why) => format!("Not analysable: {why}."),
    }
}

fn effect(text: &mut String, number: usize, effect: &Effect) {
    let Effect {
        outcomes: [before, after],
        carriers,
        findings: [gone, come],
        matters,
        example,
    } = effect;
    let how = match (before == after, carriers) {
        (true, None) => " as before, with other findings".to_owned(),
        (true, Some(_)) => " as before, under another instrument".to_owned(),
        (false, _) => format!(", where it was {}", word(*before)),
    };
    let _ = writeln!(text, "\n{number}. {}{how}", word(*after));
    for (sign, found) in [("-", gone), ("+", come)] {
        for one in found.iter().take(FINDINGS) {
            paragraph(text, "   ", &format!("{sign} {}", finding(one)));
        }
        let more = found.len().saturating_sub(FINDINGS);
        if more > 0 {
            let _ = writeln!(text, "   {sign} {more} more of that kind");
        }
    }
    for one in matters.iter().take(MATTERS) {
        paragraph(text, "   ", &matter(one, carriers.as_ref()));
    }
    let more = matters.len().saturating_sub(MATTERS);
    if more > 0 {
        let _ = writeln!(
            text,
            "   and {more} more combinations; `--json` has them all"
        );
    }
    // As it stands in a file of scenarios: to be copied as it is.
    let scenario = visible::lines(example.scenario.trim_end());
    let _ = writeln!(text, "   for example\n{scenario}");
    decision(text, "before", &example.before);
    decision(text, "after", &example.after);
}

/// Under what, who asks whom, and for what.
fn matter(matters: &Matters, carriers: Option<&[Option<InstrumentId>; 2]>) -> String {
    let Matters {
        named,
        pairs,
        measures,
    } = matters;
    let name = |id: &Option<InstrumentId>| {
        let name = id.as_ref().map(ToString::to_string);
        name.unwrap_or_else(|| "no instrument".to_owned())
    };
    let under = match (named.as_slice(), carriers) {
        ([], Some([old, new])) => {
            let [old, new] = [name(old), name(new)];
            format!("where none is named: under {new} instead of {old}")
        }
        ([], None) => "where none is named".to_owned(),
        (named, _) => {
            let named: Vec<&str> = named.iter().map(|named| named.as_str()).collect();
            format!("under {}", named.join(", "))
        }
    };
    let measures: Vec<&str> = measures.iter().map(|measure| measure.as_str()).collect();
    format!("{under}, {}: {}", pairs::words(pairs), measures.join(", "))
}

fn finding(finding: &Finding) -> String {
    let Finding {
        kind,
        of,
        detail,
        missing,
    } = finding;
    let mut words = format!("{} {of}", kind_word(*kind));
    if !detail.is_empty() {
        let _ = write!(words, ": {}", short(detail, &[]));
    }
    if !missing.is_empty() {
        let missing: Vec<&str> = missing.iter().map(|fact| &**fact).collect();
        let _ = write!(words, " (unknown: {})", missing.join(", "));
    }
    words
}

fn decision(text: &mut String, when: &str, decision: &Decision) {
    let message = to_proto::decision(decision, "", Timestamp::UNIX_EPOCH);
    let deciding = render::deciding(&message);
    let deciding = deciding.lines().collect::<Vec<_>>().join("; ");
    let words = format!("{when:<6} {} {deciding}", word(decision.outcome));
    paragraph(text, "   ", &words);
}

fn word(outcome: Outcome) -> &'static str {
    render::outcome_name(to_proto::outcome(outcome))
}

fn kind_word(kind: FindingKind) -> &'static str {
    match kind {
        FindingKind::Ground => "ground",
        FindingKind::Requirement => "requirement",
        FindingKind::Referral => "referral",
        FindingKind::Obligation => "obligation",
        FindingKind::Clock => "time limit",
        FindingKind::Permit => "permit",
        FindingKind::Alternative => "suggested instead",
    }
}

/// A value in one line. Of a long one what is cut out is where it first differs from the
/// nearest of those beside it.
fn short(value: &str, beside: &[String]) -> String {
    let signs: Vec<char> = in_line(value).chars().collect();
    if signs.len() <= LONGEST {
        return signs.into_iter().collect();
    }
    let alike = |other: &String| {
        let other = in_line(other);
        let both = signs.iter().zip(other.chars());
        both.take_while(|(one, other)| **one == *other).count()
    };
    let differs = beside.iter().map(alike).max().unwrap_or(0);
    let last = signs.len() - LONGEST;
    let from = match differs < LONGEST - BEFORE {
        true => 0,
        false => last.min(differs.saturating_sub(BEFORE)),
    };
    let shown: String = signs.into_iter().skip(from).take(LONGEST).collect();
    let [before, after] = [from > 0, from < last].map(|cut| if cut { "…" } else { "" });
    format!("{before}{shown}{after}")
}

/// A value in one line that moves no terminal.
fn in_line(value: &str) -> String {
    one_line(&value.split_whitespace().collect::<Vec<_>>().join(" "))
}

/// Words in lines, the later ones set in.
fn paragraph(text: &mut String, indent: &str, words: &str) {
    text.push_str(indent);
    let mut column = indent.len();
    for (place, word) in words.split_whitespace().map(one_line).enumerate() {
        if place > 0 && column + 1 + word.chars().count() > WIDTH {
            let indent = indent.trim_start_matches('\n');
            let _ = write!(text, "\n{indent}  ");
            column = indent.len() + 2;
        } else if place > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(&word);
        column += word.chars().count();
    }
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{LONGEST, short};

    #[test]
    fn long_values_are_cut_where_they_differ() {
        let long = |end: &str| format!("{} {end}", "word ".repeat(100));
        let (was, is) = (long("before"), long("after it"));
        let [one, other] = [
            short(&was, std::slice::from_ref(&is)),
            short(&is, std::slice::from_ref(&was)),
        ];
        assert!(one.starts_with('…') && one.ends_with("before"), "{one}");
        assert!(
            other.starts_with('…') && other.ends_with("after it"),
            "{other}"
        );
        assert!(short(&was, &[]).ends_with('…'));
        assert_eq!(short(&was, &[]).chars().count(), LONGEST + 1);
        assert_eq!(short("a\u{1b}\n b", &[]), "a[U+001B] b");
    }
}
