//! From a report to lines on pages, and the tree of what they are.

use std::num::NonZeroU16;

use krilla::tagging::{ListNumbering, Tag, TagKind};

use super::face::{Faces, Line, Run, Style, Tone};
use crate::case_file::report::parts::{Block, Report, Section, Span, Term};

/// Of a page of A4, points.
pub(super) const WIDTH: f32 = 595.28;
pub(super) const HEIGHT: f32 = 841.89;
pub(super) const MARGIN: f32 = 50.0;
/// Where the line at the foot of a page stands.
pub(super) const FOOT: f32 = HEIGHT - 32.0;
const TOP: f32 = 54.0;
const BOTTOM: f32 = HEIGHT - 58.0;
/// How far blocks that are set off stand in.
const INDENT: f32 = 11.0;
/// Between a term and what it is.
const GAP: f32 = 14.0;

/// Everything in its place.
pub(super) struct Laid {
    pub(super) sheets: Vec<Sheet>,
    /// What the texts are, in reading order.
    pub(super) parts: Vec<Part>,
    /// Where sections begin.
    pub(super) marks: Vec<Mark>,
}

/// A page. Places are in points from its upper left corner.
#[derive(Default)]
pub(super) struct Sheet {
    pub(super) texts: Vec<Text>,
    pub(super) rules: Vec<Rule>,
}

pub(super) struct Text {
    pub(super) left: f32,
    /// Where the letters stand.
    pub(super) base: f32,
    pub(super) run: Run,
    /// It was said before: the head of a table on its next page.
    pub(super) again: bool,
}

pub(super) struct Rule {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) width: f32,
    pub(super) height: f32,
    pub(super) tone: Tone,
}

/// A node of the tree.
pub(super) enum Part {
    Group(TagKind, Vec<Part>),
    /// By page and place in it.
    Text {
        sheet: usize,
        index: usize,
    },
}

pub(super) struct Mark {
    pub(super) title: &'static str,
    pub(super) sheet: usize,
    pub(super) top: f32,
}

/// Lays out a report.
pub(super) fn lay(faces: &Faces, report: &Report) -> Laid {
    let mut flow = Flow {
        faces,
        sheets: vec![Sheet::default()],
        marks: Vec::new(),
        top: TOP,
        left: MARGIN,
        width: WIDTH - 2.0 * MARGIN,
    };
    let mut parts = vec![flow.paragraph(&[faces.run(Style::SOFT, report.kicker)])];
    parts.push(flow.heading(1, Style::TITLE, &report.title));
    flow.top += 6.0;
    parts.push(flow.terms(&report.figures));
    for remark in &report.remarks {
        parts.push(flow.paragraph(&[faces.run(Style::BODY, remark)]));
    }
    for section in &report.sections {
        parts.push(flow.section(section));
    }
    Laid {
        sheets: flow.sheets,
        parts,
        marks: flow.marks,
    }
}

/// A layout under way.
pub(super) struct Flow<'f> {
    pub(super) faces: &'f Faces,
    sheets: Vec<Sheet>,
    marks: Vec<Mark>,
    /// Where the next line goes.
    pub(super) top: f32,
    pub(super) left: f32,
    pub(super) width: f32,
}

impl Flow<'_> {
    fn section(&mut self, section: &Section) -> Part {
        let Section {
            id: _,
            title,
            blocks,
        } = section;
        self.top += 16.0;
        self.room(90.0);
        self.marks.push(Mark {
            title,
            sheet: self.sheet(),
            top: self.top,
        });
        self.rule(self.left, self.top, (self.width, 1.0), Tone::Ink);
        self.top += 5.0;
        let mut parts = vec![self.heading(2, Style::SECTION, title)];
        self.top += 3.0;
        for block in blocks {
            parts.push(self.block(block));
        }
        Part::Group(Tag::Section.into(), parts)
    }

    fn block(&mut self, block: &Block) -> Part {
        match block {
            Block::Heading(text) => {
                self.top += 5.0;
                self.room(45.0);
                self.heading(3, Style::HEADING, text)
            }
            Block::Paragraph(spans) => self.paragraph(&self.runs(Style::BODY, spans)),
            Block::Cited(spans) => self.paragraph(&self.runs(Style::SOFT, spans)),
            Block::Terms(terms) => self.terms(terms),
            Block::Table { columns, rows } => self.table(columns, rows),
            Block::Verbatim(text) => {
                let run = self.faces.run(Style::CODE, text.trim_end());
                self.paragraph(&[run])
            }
            Block::Aside(_, blocks) => self.aside(blocks),
        }
    }

    fn runs(&self, style: Style, spans: &[Span]) -> Vec<Run> {
        let run = |span: &Span| match span {
            Span::Text(text) => self.faces.run(style, text),
            Span::Code(text) => self.faces.run(Style::CODE, text),
            Span::Link { address, text } => Run {
                link: Some(address.as_str().into()),
                ..self.faces.run(style.linked(), text)
            },
        };
        spans.iter().map(run).collect()
    }

    fn heading(&mut self, level: u16, style: Style, text: &str) -> Part {
        let parts = self.lines(&[self.faces.run(style, text)]);
        self.top += 3.0;
        let level = NonZeroU16::new(level).unwrap_or(NonZeroU16::MIN);
        Part::Group(Tag::Hn(level, Some(text.to_owned())).into(), parts)
    }

    fn paragraph(&mut self, runs: &[Run]) -> Part {
        let parts = self.lines(runs);
        self.top += 4.0;
        Part::Group(Tag::P.into(), parts)
    }

    fn lines(&mut self, runs: &[Run]) -> Vec<Part> {
        let lines = self.faces.break_lines(runs, self.width);
        let mut cells = self.row(vec![lines], &[self.left], false);
        cells.pop().unwrap_or_default()
    }

    fn terms(&mut self, terms: &[Term]) -> Part {
        let faces = self.faces;
        let widths = terms
            .iter()
            .map(|(term, _)| faces.run(Style::SOFT, term).width);
        let column = widths.fold(0.0, f32::max).min(self.width / 3.0) + GAP;
        let lefts = [self.left, self.left + column];
        let mut items = Vec::with_capacity(terms.len());
        for (term, value) in terms {
            let cells = vec![
                faces.break_lines(&[faces.run(Style::SOFT, term)], column - GAP),
                faces.break_lines(&[faces.run(Style::BODY, value)], self.width - column),
            ];
            let mut cells = self.row(cells, &lefts, false).into_iter();
            let label = Part::Group(Tag::Lbl.into(), cells.next().unwrap_or_default());
            let body = Part::Group(Tag::LBody.into(), cells.next().unwrap_or_default());
            items.push(Part::Group(Tag::LI.into(), vec![label, body]));
            self.top += 2.0;
        }
        self.top += 4.0;
        Part::Group(Tag::L(ListNumbering::None).into(), items)
    }

    fn aside(&mut self, blocks: &[Block]) -> Part {
        self.top += 4.0;
        self.room(45.0);
        let (first, from) = (self.sheet(), self.top);
        self.left += INDENT;
        self.width -= INDENT;
        let parts = blocks.iter().map(|block| self.block(block)).collect();
        self.left -= INDENT;
        self.width += INDENT;
        let (last, until) = (self.sheet(), self.top - 4.0);
        for (number, sheet) in self.sheets.iter_mut().enumerate().skip(first) {
            let top = if number == first { from } else { TOP };
            let bottom = if number == last { until } else { BOTTOM };
            sheet.rules.push(Rule {
                left: self.left,
                top,
                width: 1.5,
                height: (bottom - top).max(0.0),
                tone: Tone::Line,
            });
        }
        self.top += 4.0;
        Part::Group(Tag::Div.into(), parts)
    }

    /// Lays cells side by side, over as many pages as they need; the texts of each.
    pub(super) fn row(
        &mut self,
        cells: Vec<Vec<Line>>,
        lefts: &[f32],
        again: bool,
    ) -> Vec<Vec<Part>> {
        let mut parts: Vec<Vec<Part>> = cells.iter().map(|_| Vec::new()).collect();
        let mut cells: Vec<_> = cells.into_iter().map(Vec::into_iter).collect();
        loop {
            let lines: Vec<_> = cells.iter_mut().map(Iterator::next).collect();
            if lines.iter().all(Option::is_none) {
                return parts;
            }
            let styles = lines.iter().flatten().flatten().map(|run| run.style);
            let tallest = styles.fold(Style::CODE, |tallest, style| {
                if style.size > tallest.size {
                    style
                } else {
                    tallest
                }
            });
            self.room(tallest.leading());
            let base = self.top + tallest.size;
            for ((line, left), parts) in lines.into_iter().zip(lefts).zip(&mut parts) {
                parts.extend(self.put(line.unwrap_or_default(), *left, base, again));
            }
            self.top += tallest.leading();
        }
    }

    fn put(&mut self, line: Line, mut left: f32, base: f32, again: bool) -> Vec<Part> {
        let sheet = self.sheet();
        let Some(page) = self.sheets.last_mut() else {
            return Vec::new();
        };
        let mut parts = Vec::with_capacity(line.len());
        for run in line {
            parts.push(Part::Text {
                sheet,
                index: page.texts.len(),
            });
            let width = run.width;
            page.texts.push(Text {
                left,
                base,
                run,
                again,
            });
            left += width;
        }
        parts
    }

    pub(super) fn rule(&mut self, left: f32, top: f32, (width, height): (f32, f32), tone: Tone) {
        if let Some(sheet) = self.sheets.last_mut() {
            sheet.rules.push(Rule {
                left,
                top,
                width,
                height,
                tone,
            });
        }
    }

    /// Makes sure of so much room; whether that took a new page.
    pub(super) fn room(&mut self, height: f32) -> bool {
        let turns = self.top + height > BOTTOM && self.top > TOP;
        if turns {
            self.sheets.push(Sheet::default());
            self.top = TOP;
        }
        turns
    }

    fn sheet(&self) -> usize {
        self.sheets.len().saturating_sub(1)
    }
}
