//! Where the characters of a scalar's value stand in the file.

use saphyr_parser::ScalarStyle;

use crate::diagnostic::Source;

use super::{Node, Value};

/// For every byte of a scalar's value, and its end, the byte of the file it
/// was written at; `None` where the writing style hides it.
pub(crate) fn alignment(source: &Source, node: &Node) -> Option<Vec<usize>> {
    let Value::Text(value, style) = &node.value else {
        return None;
    };
    let written = source.text.get(node.span.clone())?;
    let (body, indent) = match style {
        ScalarStyle::Plain => (0, 0),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => (1, 0),
        // A block starts at its first character; the others line up with it.
        ScalarStyle::Literal => (0, source.column(node.span.start)),
        ScalarStyle::Folded => return None,
    };
    let mut rest = written.get(body..)?;
    let end = node.span.end;
    let mut map = Vec::with_capacity(value.len() + 1);
    let mut new_line = false;
    for expected in value.chars() {
        if new_line {
            let spaces = rest.len() - rest.trim_start_matches(' ').len();
            rest = rest.get(spaces.min(indent)..)?;
        }
        if expected == '\n' {
            rest = rest.strip_prefix('\r').unwrap_or(rest);
        }
        map.extend(std::iter::repeat_n(end - rest.len(), expected.len_utf8()));
        rest = match (style, expected) {
            // The last line break of a block stands after its span.
            (ScalarStyle::Literal, '\n') if rest.is_empty() => rest,
            (ScalarStyle::SingleQuoted, '\'') => rest.strip_prefix("''")?,
            (ScalarStyle::DoubleQuoted, '"') => rest.strip_prefix("\\\"")?,
            (ScalarStyle::DoubleQuoted, '\\') => rest.strip_prefix("\\\\")?,
            _ => rest.strip_prefix(expected)?,
        };
        new_line = expected == '\n';
    }
    map.push(end - rest.len());
    Some(map)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// What stands in the file where `part` of the value was read from.
    fn written(yaml: &str, part: &str) -> Option<String> {
        let source = Source {
            path: Arc::from("a.yaml"),
            text: Arc::from(yaml),
        };
        let root = super::super::parse(&source).unwrap();
        let (_, node) = root.find("/a").unwrap();
        let start = node.as_text().unwrap().find(part).unwrap();
        let map = alignment(&source, node)?;
        yaml.get(map[start]..map[start + part.len()])
            .map(str::to_owned)
    }

    #[test]
    fn one_line_styles_align_exactly() {
        assert_eq!(written("ä: 1\na: x == y", "== y").unwrap(), "== y");
        assert_eq!(written("a: 'it''s ö'", "t's ö").unwrap(), "t''s ö");
        assert_eq!(
            written(r#"a: "x \"y\" \\ z""#, "y\" \\ z").unwrap(),
            r#"y\" \\ z"#
        );
    }

    #[test]
    fn blocks_align_across_their_indentation() {
        let block = "a: |\n  one\n    two\n\n  three\nb: 1\n";
        assert_eq!(written(block, "two").unwrap(), "two");
        assert_eq!(written(block, "three").unwrap(), "three");
        let windows = block.replace('\n', "\r\n");
        assert_eq!(written(&windows, "three").unwrap(), "three");
        assert_eq!(written("a: |2-\n  \"x\"", "x").unwrap(), "x");
    }

    #[test]
    fn folded_and_escaped_text_has_no_alignment() {
        assert_eq!(written("a: >\n  one\n  two\n", "two"), None);
        assert_eq!(written("a: one\n  two\n", "two"), None);
        assert_eq!(written(r#"a: "\u0041b""#, "b"), None);
    }
}
