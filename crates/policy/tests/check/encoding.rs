//! Files as editors of other systems save them.

use std::fs;

use comity_policy::{Code, Library};

use super::seeded::copy;

const FILES: [&str; 4] = [
    "vocabulary.yaml",
    "sources.yaml",
    "instruments/eio/module.yaml",
    "exercises/fraud/france.json",
];

/// What is found in a copy of the library with some files rewritten.
fn found(rewrite: impl Fn(&str) -> Vec<u8>, files: &[&str]) -> Vec<(Code, String)> {
    let dir = copy();
    for file in files {
        let path = dir.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(path, rewrite(&text)).unwrap();
    }
    let (_, report) = Library::check(dir.path());
    let found = report.diagnostics().iter();
    found.map(|found| (found.code, found.to_string())).collect()
}

fn utf_16(text: &str, bytes: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes).collect()
}

#[test]
fn a_byte_order_mark_and_line_ends_of_windows_just_work() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n")).into_bytes();
    assert_eq!(found(windows, &FILES), []);
}

#[test]
fn fmt_keeps_the_line_ends_of_windows() {
    let text = "a: 1\r\n\r\n\r\nb: 2\r\n";
    let formatted = comity_policy::format("a.yaml", text).unwrap();
    assert_eq!(formatted, "a: 1\r\n\r\nb: 2\r\n");
    let report = comity_policy::format("a.yaml", b"a: caf\xE9\n").unwrap_err();
    assert!(report.to_string().contains("Windows-1252"), "{report}");
}

#[test]
fn other_encodings_are_one_mistake_each() {
    let mut said = Vec::new();
    let little = |text: &str| utf_16(&format!("\u{feff}{text}"), u16::to_le_bytes);
    let big = |text: &str| utf_16(text, u16::to_be_bytes);
    said.extend(found(little, &FILES[..1]));
    said.extend(found(big, &FILES[2..3]));
    let of_windows = |text: &str| {
        let letters = text.replacen("Union", "Union \u{0}", 1);
        let letters = letters.bytes();
        letters
            .map(|byte| if byte == 0 { 0x96 } else { byte })
            .collect()
    };
    said.extend(found(of_windows, &FILES[1..2]));
    let said: Vec<_> = said.into_iter().map(|(_, text)| text).collect();
    shown!(said.join("\n\n"));
}

#[test]
fn a_tab_is_one_mistake_wherever_it_stands() {
    let mut said = Vec::new();
    for (file, from, to) in [
        ("vocabulary.yaml", "\n  State: [", "\n\tState: ["),
        ("measures.yaml", "\n    tags: [", "\n  \ttags: ["),
        ("instruments/eio/module.yaml", "\nrank: ", "\nrank:\t"),
    ] {
        let tab = |text: &str| text.replacen(from, to, 1).into_bytes();
        said.extend(found(tab, &[file]).into_iter().map(|(_, text)| text));
    }
    shown!(said.join("\n\n"));
}
