//! Tables: columns as wide as they need to be, rows kept whole where a page holds them,
//! the head again on every page.

use krilla::tagging::{TableHeaderScope, Tag, TagKind};

use super::{
    face::{Faces, Line, Style, Tone},
    flow::{Flow, Part},
};

/// Between columns, points.
const GAP: f32 = 10.0;
/// Between rows, points.
const PAD: f32 = 3.0;
/// A word wider than this may be broken where columns are short of room.
const WORD: f32 = 80.0;
/// A row higher than this may go over two pages.
const WHOLE: f32 = 400.0;

impl Flow<'_> {
    pub(super) fn table(&mut self, columns: &[&str], rows: &[Vec<String>]) -> Part {
        let widths = widths(self.faces, (columns, rows), self.width);
        let mut left = self.left;
        let lefts: Vec<f32> = widths
            .iter()
            .map(|width| {
                let here = left;
                left += width + GAP;
                here
            })
            .collect();
        let head: Vec<_> = cells(self.faces, columns, &widths, Style::HEAD);
        self.room(60.0);
        let parts = self.head(head.clone(), &lefts, false);
        let mut body = Vec::with_capacity(rows.len());
        for row in rows {
            let cells = cells(self.faces, row, &widths, Style::CELL);
            let lines = cells.iter().map(Vec::len).max().unwrap_or_default();
            let height = (0..lines).map(|_| Style::CELL.leading()).sum::<f32>();
            if self.room(height.min(WHOLE) + PAD) {
                self.head(head.clone(), &lefts, true);
            }
            let parts = self.row(cells, &lefts, false);
            body.push(group(Tag::TR, parts, || Tag::TD.into()));
            self.top += PAD;
            self.rule(self.left, self.top - 1.5, (self.width, 0.5), Tone::Line);
        }
        self.top += 6.0;
        let head = group(Tag::TR, parts, || Tag::TH(TableHeaderScope::Column).into());
        let parts = vec![
            Part::Group(Tag::THead.into(), vec![head]),
            Part::Group(Tag::TBody.into(), body),
        ];
        Part::Group(Tag::Table.into(), parts)
    }

    fn head(&mut self, cells: Vec<Vec<Line>>, lefts: &[f32], again: bool) -> Vec<Vec<Part>> {
        let parts = self.row(cells, lefts, again);
        self.top += PAD;
        self.rule(self.left, self.top - 1.5, (self.width, 0.8), Tone::Soft);
        parts
    }
}

fn group(row: impl Into<TagKind>, cells: Vec<Vec<Part>>, cell: impl Fn() -> TagKind) -> Part {
    let cells = cells.into_iter().map(|parts| Part::Group(cell(), parts));
    Part::Group(row.into(), cells.collect())
}

fn cells<T: AsRef<str>>(
    faces: &Faces,
    texts: &[T],
    widths: &[f32],
    style: Style,
) -> Vec<Vec<Line>> {
    let cells = texts.iter().zip(widths);
    cells
        .map(|(text, width)| faces.break_lines(&[faces.run(style, text.as_ref())], *width))
        .collect()
}

/// How wide each column is: as its longest line where there is room for all, else
/// between its longest word and that, as far as there is room.
fn widths(faces: &Faces, (columns, rows): (&[&str], &[Vec<String>]), width: f32) -> Vec<f32> {
    let mut longest: Vec<(f32, f32)> = columns
        .iter()
        .map(|column| {
            let run = faces.run(Style::HEAD, column);
            (faces.widest_word(std::slice::from_ref(&run)), run.width)
        })
        .collect();
    for row in rows {
        for (text, (word, line)) in row.iter().zip(&mut longest) {
            let run = faces.run(Style::CELL, text);
            *line = line.max(run.width);
            let widest = faces.widest_word(std::slice::from_ref(&run));
            *word = word.max(widest.min(WORD));
        }
    }
    let gaps: f32 = longest.iter().skip(1).map(|_| GAP).sum();
    let room = width - gaps;
    let words: f32 = longest.iter().map(|(word, _)| word).sum();
    let lines: f32 = longest.iter().map(|(_, line)| line).sum();
    let share = if lines <= room {
        1.0
    } else {
        ((room - words) / (lines - words)).max(0.0)
    };
    let squeeze = (room / words).min(1.0);
    longest
        .into_iter()
        .map(|(word, line)| word * squeeze + (line - word) * share)
        .collect()
}
