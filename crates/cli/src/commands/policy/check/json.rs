//! The report of `comity policy check` for machines.

use comity_policy::{Diagnostic, Library, Report, Severity};
use serde_json::{Value, json};

use super::size;

/// What was found, what was checked, and what is not settled.
pub(super) fn report(library: Option<&Library>, report: &Report) -> Value {
    let found: Vec<Value> = report.diagnostics().iter().map(diagnostic).collect();
    json!({
        "errors": report.count(Severity::Error),
        "warnings": report.count(Severity::Warning),
        "diagnostics": found,
        "library": library.map(of_library),
    })
}

fn diagnostic(found: &Diagnostic) -> Value {
    let (end_line, end_column) = found.end;
    json!({
        "severity": severity(found.severity()),
        "code": found.code.slug(),
        "path": &*found.path,
        "line": found.line,
        "column": found.column,
        "endLine": end_line,
        "endColumn": end_column,
        "message": found.message,
        "why": found.why,
        "remedy": found.remedy,
        "excerpt": found.excerpt,
    })
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn of_library(library: &Library) -> Value {
    let (modules, rules) = size(library);
    let questions = library.open_questions();
    let open: Vec<Value> = questions
        .iter()
        .map(|open| {
            let texts = open.question.0.iter();
            let texts: serde_json::Map<String, Value> = texts
                .map(|(language, words)| (language.to_string(), Value::from(&**words)))
                .collect();
            json!({"place": open.place, "checked": open.checked.to_string(), "question": texts})
        })
        .collect();
    json!({
        "bundle": library.digest().to_string(),
        "modules": modules,
        "rules": rules,
        "open": open,
    })
}
