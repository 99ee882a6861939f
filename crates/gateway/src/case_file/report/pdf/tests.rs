//! Whatever is to be said stands on a page, in order, inside the margins.

use jiff::Timestamp;
use proptest::prelude::*;

use super::{
    face::Faces,
    file,
    flow::{self, HEIGHT, Laid, MARGIN, Part, WIDTH},
};
use crate::case_file::report::parts::{Aside, Block, Report, Section, Span};

fn report(blocks: Vec<Block>) -> Report {
    let mut section = Section::new("decision", "The decision");
    section.blocks = blocks;
    Report {
        title: "Case 1".to_owned(),
        kicker: "Case file",
        figures: vec![("Asked by", "DE".to_owned())],
        remarks: Vec::new(),
        sections: vec![section],
    }
}

/// The texts of a layout in reading order, without spaces: where lines break is not
/// what they say.
fn said(laid: &Laid) -> String {
    fn of(part: &Part, laid: &Laid, said: &mut String) {
        match part {
            Part::Group(_, parts) => parts.iter().for_each(|part| of(part, laid, said)),
            Part::Text { sheet, index } => {
                let text = &laid.sheets[*sheet].texts[*index];
                if !text.again {
                    said.extend(text.run.text.chars().filter(|c| !c.is_whitespace()));
                }
            }
        }
    }
    let mut said = String::new();
    laid.parts.iter().for_each(|part| of(part, laid, &mut said));
    said
}

fn written(blocks: &[Block], said: &mut String) {
    for block in blocks {
        match block {
            Block::Heading(text) | Block::Verbatim(text) => said.push_str(text),
            Block::Paragraph(spans) | Block::Cited(spans) => {
                for span in spans {
                    match span {
                        Span::Text(text) | Span::Code(text) | Span::Link { text, .. } => {
                            said.push_str(text);
                        }
                    }
                }
            }
            Block::Terms(terms) => {
                for (term, value) in terms {
                    said.push_str(term);
                    said.push_str(value);
                }
            }
            Block::Table { columns, rows } => {
                said.extend(columns.iter().copied());
                said.extend(rows.iter().flatten().map(String::as_str));
            }
            Block::Aside(_, blocks) => written(blocks, said),
        }
    }
}

/// Letters that the typefaces have, words from short to longer than a page is wide.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-zäßéčłøþΑ-ΡΣ-Ωα-ωА-Яа-я0-9.,;()-]{1,12}",
        1 => "[0-9a-f]{64}",
        1 => "[a-z]{200}",
    ];
    prop::collection::vec(word, 0..16).prop_map(|words| words.join(" "))
}

fn block() -> impl Strategy<Value = Block> {
    let spans = (text(), text(), text()).prop_map(|(plain, code, linked)| {
        vec![
            Span::Text(plain),
            Span::Code(code),
            Span::link("https://example.org", &linked),
        ]
    });
    let simple = prop_oneof![
        text().prop_map(Block::Heading),
        spans.prop_map(Block::Paragraph),
        prop::collection::vec(text(), 0..40).prop_map(|lines| Block::Verbatim(lines.join("\n"))),
        prop::collection::vec(text(), 1..4)
            .prop_map(|values| Block::Terms(values.into_iter().map(|it| ("Term", it)).collect())),
        prop::collection::vec(prop::collection::vec(text(), 4), 1..6).prop_map(|rows| {
            Block::Table {
                columns: vec!["When", "What", "Who", "Remark"],
                rows,
            }
        }),
    ];
    let aside = prop::collection::vec(simple, 1..3);
    (any::<bool>(), aside).prop_map(|(finding, blocks)| {
        let aside = if finding { Aside::Finding } else { Aside::Rule };
        Block::Aside(aside, blocks)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn all_is_said_in_order_and_inside_the_margins(
        blocks in prop::collection::vec(block(), 0..6)
    ) {
        let faces = Faces::load().unwrap();
        let mut expected = "Case file Case 1 Asked by DE The decision".to_owned();
        written(&blocks, &mut expected);
        expected.retain(|c| !c.is_whitespace());
        let laid = flow::lay(&faces, &report(blocks));
        prop_assert_eq!(said(&laid), expected);
        for text in laid.sheets.iter().flat_map(|sheet| &sheet.texts) {
            let letters = text.run.text.trim_end();
            let right = text.left + faces.run(text.run.style, letters).width;
            prop_assert!(text.left >= MARGIN && right <= WIDTH - MARGIN + 0.5, "{letters}");
            prop_assert!(text.base > MARGIN && text.base < HEIGHT - MARGIN);
        }
    }
}

#[test]
fn an_archive_and_a_screen_reader_take_the_file_and_it_is_always_the_same() {
    let rows = (0..200).map(|row| vec![format!("{row}"), "ab ".repeat(30)]);
    let made = || {
        let table = Block::Table {
            columns: vec!["No", "What"],
            rows: rows.clone().collect(),
        };
        let cited = vec![Span::link("https://eur-lex.europa.eu", "Art. 11")];
        let blocks = vec![table, Block::Cited(cited), Block::paragraph("Ende")];
        let at: Timestamp = "2026-03-02T09:00:00Z".parse().unwrap();
        // The writer checks it against both standards.
        file(&report(blocks), at).unwrap()
    };
    let bytes = made();
    assert!(bytes.starts_with(b"%PDF-1.7"));
    assert_eq!(bytes, made());
}

#[test]
fn what_the_typefaces_lack_is_written_as_its_code_point() {
    let hostile = "张 \u{202e}\u{0}\u{feff}\u{e001} 😀 ok\tok";
    let blocks = vec![
        Block::paragraph(hostile),
        Block::Verbatim(hostile.to_owned()),
    ];
    let made = report(blocks);
    let laid = flow::lay(&Faces::load().unwrap(), &made);
    let once = "[U+5F20][U+202E][U+0000][U+FEFF][U+E001][U+1F600]okok";
    assert!(said(&laid).ends_with(&once.repeat(2)), "{}", said(&laid));
    file(&made, Timestamp::UNIX_EPOCH).unwrap();
}

#[test]
fn what_no_archive_takes_is_named_without_a_word_of_it() {
    let address = format!("https://example.org/{}", "musterfrau".repeat(4_000));
    let cited = Block::Cited(vec![Span::link(&address, "Art. 11")]);
    let refused = file(&report(vec![cited]), Timestamp::UNIX_EPOCH);
    assert_eq!(
        refused.unwrap_err(),
        "it does not fit into PDF/A: TooLongString"
    );
}

#[test]
fn the_head_of_a_table_stands_on_every_page_and_is_read_once() {
    let table = Block::Table {
        columns: vec!["Number", "Word"],
        rows: (0..120)
            .map(|row| vec![row.to_string(), "w".to_owned()])
            .collect(),
    };
    let laid = flow::lay(&Faces::load().unwrap(), &report(vec![table]));
    assert!(laid.sheets.len() > 2);
    for sheet in &laid.sheets {
        let heads = sheet.texts.iter().filter(|text| text.run.text == "Number");
        assert_eq!(heads.count(), 1);
    }
    assert_eq!(said(&laid).matches("Number").count(), 1);
}
