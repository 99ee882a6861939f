//! The report of `comity policy check` as SARIF 2.1.0.

use std::path::Path;

use comity_policy::{Code, Diagnostic, Report, Severity};
use serde_json::{Value, json};

/// One run: every kind of mistake as a rule, every mistake as a result with
/// its place.
pub(super) fn report(folder: &Path, report: &Report) -> Value {
    let rules: Vec<Value> = Code::ALL.iter().map(|code| rule(*code)).collect();
    let results = report.diagnostics().iter();
    let results: Vec<Value> = results.map(|found| result(folder, found)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "comity policy check",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            // Columns count characters.
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: Code) -> Value {
    json!({
        "id": code.slug(),
        "shortDescription": {"text": sentence(code.title())},
        "help": {"text": sentence(code.help())},
        "defaultConfiguration": {"level": level(code.severity())},
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn result(folder: &Path, found: &Diagnostic) -> Value {
    let parts = [
        Some(&found.message),
        found.why.as_ref(),
        found.remedy.as_ref(),
    ];
    let text: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| sentence(part))
        .collect();
    let file = json!({"uri": uri(folder, &found.path)});
    let place = if found.line > 0 {
        json!({"artifactLocation": file, "region": region(found)})
    } else {
        json!({"artifactLocation": file})
    };
    json!({
        "ruleId": found.code.slug(),
        "ruleIndex": Code::ALL.iter().position(|code| *code == found.code),
        "level": level(found.severity()),
        "message": {"text": text.join(" ")},
        "locations": [{"physicalLocation": place}],
    })
}

fn region(found: &Diagnostic) -> Value {
    let (end_line, end_column) = found.end;
    json!({
        "startLine": found.line,
        "startColumn": found.column,
        "endLine": end_line,
        "endColumn": end_column,
        "snippet": {"text": found.excerpt},
    })
}

/// A part of a report as a sentence of its own.
fn sentence(part: &str) -> String {
    let mut letters = part.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string());
    let end = if part.ends_with(['.', '?', '!']) {
        ""
    } else {
        "."
    };
    format!("{}{}{end}", first.unwrap_or_default(), letters.as_str())
}

/// The address of a file, relative where the folder is.
fn uri(folder: &Path, path: &str) -> String {
    let whole = folder.join(path);
    let whole = whole.strip_prefix(".").unwrap_or(&whole).to_string_lossy();
    let begin = if whole.starts_with('/') {
        "file://"
    } else {
        ""
    };
    let escape = |byte: u8| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    let escaped: String = whole.bytes().map(escape).collect();
    format!("{begin}{escaped}")
}
