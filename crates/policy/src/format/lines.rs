//! A file as lines, and the empty ones among them.

use std::ops::Range;

use saphyr_parser::ScalarStyle;

use crate::{
    diagnostic::Source,
    yaml::{Node, Value},
};

/// A line in its new place.
pub(super) struct Line<'a> {
    pub(super) text: &'a str,
    /// Part of a text that keeps its line breaks and spaces.
    literal: bool,
    /// An empty line stands before it, whatever stood there.
    pub(super) apart: bool,
}

/// The lines of a file.
pub(super) struct Lines<'a> {
    lines: Vec<&'a str>,
    literal: Vec<bool>,
}

impl<'a> Lines<'a> {
    pub(super) fn new(source: &'a Source, root: &Node) -> Self {
        let lines: Vec<&str> = source.text.lines().collect();
        let mut literal = vec![false; lines.len()];
        mark(source, root, &mut literal);
        Self { lines, literal }
    }

    pub(super) fn count(&self) -> usize {
        self.lines.len()
    }

    /// A line as it stands in the file.
    pub(super) fn get(&self, number: usize) -> Line<'a> {
        Line {
            text: self.lines.get(number).copied().unwrap_or_default(),
            literal: self.literal.get(number).copied().unwrap_or_default(),
            apart: false,
        }
    }

    pub(super) fn range(&self, lines: Range<usize>) -> impl Iterator<Item = Line<'a>> {
        lines.map(|number| self.get(number))
    }

    /// The lines of a new order as a text: no white space at their ends, one
    /// empty line at most in a row, one line break at the end.
    pub(super) fn spaced(&self, lines: Vec<Line<'_>>) -> String {
        let mut text = String::new();
        for line in lines {
            if line.literal {
                text.push_str(line.text);
            } else {
                let empty = text.is_empty() || text.ends_with("\n\n");
                let trimmed = line.text.trim_end();
                if trimmed.is_empty() && empty {
                    continue;
                }
                if line.apart && !empty {
                    text.push('\n');
                }
                text.push_str(trimmed);
            }
            text.push('\n');
        }
        while text.ends_with("\n\n") {
            text.pop();
        }
        text
    }
}

/// Marks the lines of texts in which every space counts.
fn mark(source: &Source, node: &Node, literal: &mut [bool]) {
    match &node.value {
        Value::Text(_, ScalarStyle::Literal | ScalarStyle::Folded) => {
            let inside = source.row(node.span.start)..source.row(node.span.end) + 1;
            if let Some(lines) = literal.get_mut(inside) {
                lines.fill(true);
            }
        }
        Value::List(items) => items.iter().for_each(|item| mark(source, item, literal)),
        Value::Map(entries) => {
            let nodes = entries.iter().map(|entry| &entry.node);
            nodes.for_each(|node| mark(source, node, literal));
        }
        Value::Text(..) | Value::Null | Value::Truth(_) | Value::Whole(_) | Value::Decimal(_) => {}
    }
}
