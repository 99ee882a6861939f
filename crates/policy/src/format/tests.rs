//! Formatting moves lines and changes nothing.

use std::{fs, path::Path};

use proptest::prelude::*;

use super::*;

#[track_caller]
fn check(text: &str, expected: &str) {
    let formatted = format("a.yaml", text).unwrap();
    assert_eq!(formatted, expected);
    assert_eq!(format("a.yaml", &formatted).unwrap(), formatted, "twice");
}

#[test]
fn keys_come_in_order_with_their_comments() {
    check(
        "\
# Head
rules:
  - id: one  # first
    # Why it may.
    effect: permit

    cite: act art 1
    when:
      # A line.
      - context.a

      - |
        context.b &&
        # no comment
        context.c
    # In words.
    title: {en: One}\u{20}\u{20}


  # Section.

  - id: two
    title:
      en: Two
    effect: permit
    cite: act art 2
  # Another.
  - {effect: permit, id: three}
notes: {en: Note}

",
        "\
# Head
rules:
  - id: one  # first
    # In words.
    title: {en: One}
    cite: act art 1
    # Why it may.
    effect: permit

    when:
      # A line.
      - context.a

      - |
        context.b &&
        # no comment
        context.c

  # Section.

  - id: two
    title:
      en: Two
    cite: act art 2
    effect: permit
  # Another.
  - {effect: permit, id: three}
notes: {en: Note}
",
    );
}

#[test]
fn what_keeps_its_spaces_keeps_them() {
    let literal = "notes:\n  en: |\n    one  \n\n\n    two\n\nrules: []\n";
    check(literal, literal);
    check("a: 1\r\n\r\n\r\nb: 2\n\n\n", "a: 1\n\nb: 2\n");
}

#[test]
fn rules_that_do_not_begin_with_their_id_are_left_alone() {
    let text =
        "rules:\n  - title: {en: One}\n    id: one\n    cite: act art 1\n    effect: permit\n";
    check(text, text);
}

#[test]
fn what_cannot_be_read_is_reported() {
    let report = format("a.yaml", "rules: ]").unwrap_err().to_string();
    assert!(report.contains("a.yaml:1:8"), "{report}");
}

#[test]
fn shipped_files_keep_their_content_and_settle_at_once() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    let mut seen = 0;
    for kind in ["instruments", "jurisdictions"] {
        for entry in fs::read_dir(folder.join(kind)).unwrap() {
            let path = entry.unwrap().path().join("module.yaml");
            let text = fs::read_to_string(&path).unwrap();
            let formatted = format("module.yaml", &text).unwrap();
            let again = format("module.yaml", &formatted).unwrap();
            assert_eq!(again, formatted, "{}", path.display());
            seen += 1;
        }
    }
    assert!(seen > 20, "{seen}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_order_of_keys_becomes_the_usual_one(
        parts in Just(PARTS.to_vec()).prop_shuffle(),
        blanks in prop::collection::vec(0..3_usize, PARTS.len()),
    ) {
        let rule = |parts: &[&str], blanks: &[usize]| {
            let parts = parts.iter().zip(blanks);
            let parts = parts.map(|(part, blanks)| format!("{part}{}", "\n".repeat(*blanks)));
            format!("rules:\n  - id: any\n{}", parts.collect::<String>())
        };
        let shuffled = rule(&parts, &blanks);
        let formatted = format("a.yaml", &shuffled)?;
        let squeezed: String = formatted.lines().filter(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
        prop_assert_eq!(squeezed, rule(PARTS, &[0; PARTS.len()]));
        prop_assert_eq!(&format("a.yaml", &formatted)?, &formatted);
    }
}

/// Keys of a rule in their usual order, with what belongs to each.
const PARTS: &[&str] = &[
    "    title:\n      en: Any\n      # In German.\n      de: Irgendeine\n",
    "    # Two places.\n    # The first is the primary one.\n    cite: [act art 1,\n      act art 2]\n",
    "    confidence: low # not sure\n",
    "    effect: refer\n",
    "    # Who.\n    role: executing-judge\n",
    "    question: {en: \"Is it # so?\"}\n",
    "    when:\n      # This.\n      - context.a\n",
    "    unless:\n      - |\n        context.b\n        # kept\n",
];
