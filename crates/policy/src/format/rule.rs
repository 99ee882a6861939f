//! The keys of a rule in their usual order, each with its lines and the
//! comments above it.

use std::ops::Range;

use crate::{
    diagnostic::Source,
    yaml::{Entry, Node, Value},
};

use super::lines::{Line, Lines};

/// What a rule is, whom and what it is for, what follows, and when.
const ORDER: [&str; 24] = [
    "id",
    "title",
    "cite",
    "confidence",
    "since",
    "until",
    "stage",
    "instruments",
    "counterparts",
    "measures",
    "effect",
    "exception_to",
    "kind",
    "consult",
    "reroute",
    "role",
    "question",
    "four_eyes",
    "remedy",
    "field",
    "when",
    "unless",
    "obligation",
    "clock",
];

/// All lines of a file, those of each rule in their usual order.
pub(super) fn ordered<'a>(source: &Source, lines: &Lines<'a>, rules: &[Node]) -> Vec<Line<'a>> {
    let mut out = Vec::with_capacity(lines.count());
    let starts: Vec<usize> = rules
        .iter()
        .map(|rule| source.row(rule.span.start))
        .collect();
    let mut next = 0;
    for (index, rule) in rules.iter().enumerate() {
        let Some(block) = Block::of(source, rule) else {
            continue;
        };
        let bound = starts.get(index + 1).copied().unwrap_or(lines.count());
        let end = block.end(lines, bound);
        let start = block.start();
        let mut before: Vec<Line<'_>> = lines.range(next..start).collect();
        // The first rule follows its heading.
        if index > 0 {
            set_apart(&mut before);
        }
        let alone = index > 0 && before.iter().all(|line| line.text.trim().is_empty());
        out.append(&mut before);
        let mut own = block.in_order(lines, end);
        if let Some(first) = own.first_mut().filter(|_| alone) {
            first.apart = true;
        }
        out.append(&mut own);
        next = end;
    }
    out.extend(lines.range(next..lines.count()));
    out
}

/// The first comment before a rule stands apart from the rule before it.
fn set_apart(before: &mut [Line<'_>]) {
    let mut comments = before.iter_mut();
    if let Some(first) = comments.find(|line| !line.text.trim().is_empty()) {
        first.apart = true;
    }
}

/// A rule that is written one key a line.
struct Block<'n> {
    /// The keys with their lines.
    keys: Vec<(&'n str, usize)>,
    /// Columns before each key.
    indent: usize,
}

impl<'n> Block<'n> {
    /// `None` for a rule in braces, or one whose keys do not line up.
    fn of(source: &Source, rule: &'n Node) -> Option<Self> {
        let Value::Map(entries) = &rule.value else {
            return None;
        };
        let first = entries.first()?;
        let indent = source.column(first.key_span.start);
        let before = |entry: &Entry| {
            let line = source.text.get(..entry.key_span.start)?;
            line.get(line.len() - source.column(entry.key_span.start)..)
        };
        let dashed = before(first)?.trim() == "-";
        let aligned = entries.iter().skip(1).all(|entry| {
            source.column(entry.key_span.start) == indent
                && before(entry).is_some_and(|before| before.trim().is_empty())
        });
        let keys = entries
            .iter()
            .map(|entry| (entry.key.as_str(), source.row(entry.key_span.start)));
        (dashed && aligned).then(|| Self {
            keys: keys.collect(),
            indent,
        })
    }

    fn start(&self) -> usize {
        self.keys.first().map_or(0, |(_, line)| *line)
    }

    /// The line after its last one: empty lines and comments of what follows
    /// are not part of it.
    fn end(&self, lines: &Lines<'_>, bound: usize) -> usize {
        let last = self.keys.last().map_or(0, |(_, line)| *line);
        // The next key of the file ends the list of rules.
        let outside = (last + 1..bound).find(|&number| {
            let line = lines.get(number).text;
            !is_between(line) && indent(line) < self.indent
        });
        let mut end = outside.unwrap_or(bound);
        while end > last + 1 {
            let line = lines.get(end - 1).text;
            if !(is_between(line) && (line.trim().is_empty() || indent(line) < self.indent)) {
                break;
            }
            end -= 1;
        }
        end
    }

    fn in_order<'a>(&self, lines: &Lines<'a>, end: usize) -> Vec<Line<'a>> {
        let mut parts = self.parts(lines, end);
        let sorted = parts.is_sorted_by_key(|(rank, _)| *rank);
        if sorted || parts.first().is_none_or(|(rank, _)| *rank > 0) {
            // The dash stands before the id: without one nothing is moved.
            return lines.range(self.start()..end).collect();
        }
        parts.sort_by_key(|(rank, _)| *rank);
        let ranges = parts.into_iter().map(|(_, range)| range);
        ranges.flat_map(|range| lines.range(range)).collect()
    }

    /// Each key's place in the order, with its lines.
    fn parts(&self, lines: &Lines<'_>, end: usize) -> Vec<(usize, Range<usize>)> {
        let mut starts: Vec<usize> = Vec::with_capacity(self.keys.len());
        let mut above = self.start();
        for (_, line) in &self.keys {
            let mut start = *line;
            while start > above + 1 && self.is_heading(lines.get(start - 1).text) {
                start -= 1;
            }
            starts.push(start);
            above = *line;
        }
        let ends = starts.iter().skip(1).copied().chain([end]);
        let ranges = starts.iter().copied().zip(ends);
        let ranks = self.keys.iter().map(|(key, _)| {
            let rank = ORDER.iter().position(|known| known == key);
            rank.unwrap_or(ORDER.len())
        });
        ranks
            .zip(ranges)
            .map(|(rank, (start, end))| (rank, start..end))
            .collect()
    }

    /// A comment that stands at the keys belongs to the key below it.
    fn is_heading(&self, line: &str) -> bool {
        line.trim_start().starts_with('#') && indent(line) == self.indent
    }
}

/// An empty line or a comment.
fn is_between(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
