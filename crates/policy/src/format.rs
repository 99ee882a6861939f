//! Policy files in their usual shape: the keys of each rule in one order, one
//! empty line between rules, none at the end.
//!
//! Lines are moved whole and nothing in them is rewritten, so that comments
//! stay where they belong; a file whose content would change is left as it is.

mod lines;
mod rule;

use std::sync::Arc;

use crate::{
    diagnostic::{Report, Source},
    encoding, yaml,
};

use self::lines::Lines;

/// The text of a policy file in its usual shape.
///
/// # Errors
/// What keeps the file from being read.
pub fn format(path: &str, bytes: impl AsRef<[u8]>) -> Result<String, Report> {
    let (source, foreign) = encoding::source(path, bytes.as_ref().to_vec());
    if let Some(found) = foreign {
        return Err(Report::new(vec![found]));
    }
    let text = &*source.text;
    let parse = |text: &str| {
        let source = Source {
            path: Arc::from(path),
            text: Arc::from(text),
        };
        yaml::parse(&source).map(|node| (source, node))
    };
    let (source, node) = parse(text).map_err(Report::new)?;
    let rules = node
        .find("/rules")
        .map_or(&[][..], |(_, node)| node.items());
    let lines = Lines::new(&source, &node);
    let formatted = lines.spaced(rule::ordered(&source, &lines, rules));
    let ends = |end| text.matches(end).count();
    let formatted = if ends("\r\n") == ends("\n") {
        formatted.replace('\n', "\r\n")
    } else {
        formatted
    };
    let same = parse(&formatted).is_ok_and(|(_, after)| after.to_json() == node.to_json());
    let kept = comments(text) == comments(&formatted);
    Ok(if same && kept {
        formatted
    } else {
        text.to_owned()
    })
}

/// Every line that is a comment, sorted.
fn comments(text: &str) -> Vec<&str> {
    let lines = text.lines().map(str::trim);
    let mut comments: Vec<_> = lines.filter(|line| line.starts_with('#')).collect();
    comments.sort_unstable();
    comments
}

#[cfg(test)]
mod tests;
