//! Conditions that YAML ends at a `#`: what stands behind it is a comment, and no rule
//! reads it.

use super::Subject;
use crate::diagnostic::{Code, Diagnostic};

/// Of what stands behind the sign, what shows that it was meant as a condition.
const MEANT: [&str; 3] = ["&&", "||", "context."];

pub(super) fn lint(subject: &Subject<'_>, found: &mut Vec<Diagnostic>) {
    for place in subject.places.values() {
        let document = place.document;
        let source = &document.file.source;
        for key in ["when", "unless"] {
            let list = place.at(key);
            let lines = document.node.find(&list.pointer);
            let lines = lines.map(|(_, list)| list.items()).unwrap_or_default();
            for line in lines {
                let behind = source.text.get(line.span.end..).unwrap_or_default();
                let behind = behind.lines().next().unwrap_or_default();
                let is_cut = behind.trim_start().starts_with('#')
                    && MEANT.iter().any(|meant| behind.contains(meant));
                if is_cut {
                    let start = line.span.end + behind.len() - behind.trim_start().len();
                    let at = start..start + behind.trim().len();
                    found.push(
                        source
                            .diagnostic(Code::ConditionCut, at, "this is a comment, no condition")
                            .why("YAML ends the line at the `#`")
                            .remedy(
                                "remove the `#`, or put what is a comment on a line of its own",
                            ),
                    );
                }
            }
        }
    }
}
