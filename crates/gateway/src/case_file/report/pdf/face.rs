//! The typefaces, how wide their characters are, and where lines break.

use std::{cell::RefCell, collections::HashMap, sync::Arc};

use epaint_default_fonts::{HACK_REGULAR, UBUNTU_LIGHT};
use krilla::text::{Font, GlyphId, KrillaGlyph};
use skrifa::{
    FontRef, MetadataProvider as _,
    charmap::Charmap,
    instance::{LocationRef, Size},
    metrics::GlyphMetrics,
};
use unicode_normalization::UnicodeNormalization as _;

/// After these a word that is wider than its line is broken first.
const BREAKS: [char; 5] = ['/', '_', '.', ':', '-'];

/// Both typefaces. They have the Latin, Greek and Cyrillic letters of every European
/// language; see [`Faces::run`] for what they lack.
pub(super) struct Faces {
    text: Typeface,
    code: Typeface,
}

struct Typeface {
    font: Font,
    characters: Charmap<'static>,
    metrics: GlyphMetrics<'static>,
    /// What [`Typeface::glyph`] found: a text is measured again and again as it is laid.
    known: RefCell<HashMap<char, Option<(GlyphId, f32)>>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Face {
    Text,
    Code,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Tone {
    Ink,
    Soft,
    Accent,
    Line,
}

/// How a text looks; the size in points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Style {
    face: Face,
    pub(super) size: f32,
    pub(super) tone: Tone,
}

impl Style {
    pub(super) const TITLE: Self = Self::text(19.0, Tone::Ink);
    pub(super) const SECTION: Self = Self::text(14.0, Tone::Ink);
    pub(super) const HEADING: Self = Self::text(11.0, Tone::Ink);
    pub(super) const BODY: Self = Self::text(9.5, Tone::Ink);
    pub(super) const SOFT: Self = Self::text(9.0, Tone::Soft);
    pub(super) const CELL: Self = Self::text(8.5, Tone::Ink);
    pub(super) const HEAD: Self = Self::text(8.5, Tone::Soft);
    pub(super) const FOOT: Self = Self::text(8.0, Tone::Soft);
    pub(super) const CODE: Self = Self {
        face: Face::Code,
        size: 7.5,
        tone: Tone::Ink,
    };

    const fn text(size: f32, tone: Tone) -> Self {
        Self {
            face: Face::Text,
            size,
            tone,
        }
    }

    /// This face and size, as a link.
    pub(super) fn linked(self) -> Self {
        Self {
            tone: Tone::Accent,
            ..self
        }
    }

    /// From one line to the next, points.
    pub(super) fn leading(self) -> f32 {
        self.size * 1.4
    }
}

/// Text of one look in one line, or before it is broken into lines.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) style: Style,
    pub(super) text: String,
    /// Points, if in one line.
    pub(super) width: f32,
    pub(super) link: Option<Arc<str>>,
}

/// Runs side by side.
pub(super) type Line = Vec<Run>;

impl Faces {
    pub(super) fn load() -> Option<Self> {
        Some(Self {
            text: Typeface::load(UBUNTU_LIGHT)?,
            code: Typeface::load(HACK_REGULAR)?,
        })
    }

    /// A text to be set. A character that the typeface lacks, or that shows nothing, is
    /// written as its code point, as in `[U+5F20]`.
    pub(super) fn run(&self, style: Style, text: &str) -> Run {
        let face = self.of(style);
        let mut legible = String::with_capacity(text.len());
        for character in text.nfc() {
            match character {
                '\n' => legible.push('\n'),
                '\r' => {}
                '\t' => legible.push_str("    "),
                _ if face.glyph(character).is_some() => legible.push(character),
                _ => legible.push_str(&format!("[U+{:04X}]", u32::from(character))),
            }
        }
        Run {
            style,
            width: self.width(style, &legible),
            text: legible,
            link: None,
        }
    }

    /// Breaks runs into lines no wider than `width`, between words where it can.
    pub(super) fn break_lines(&self, runs: &[Run], width: f32) -> Vec<Line> {
        let mut lines = Lines {
            faces: self,
            width,
            done: Vec::new(),
            line: Vec::new(),
            used: 0.0,
        };
        for run in runs {
            for (number, part) in run.text.split('\n').enumerate() {
                if number > 0 {
                    lines.turn();
                }
                for word in part.split_inclusive(' ') {
                    lines.word(run, word);
                }
            }
        }
        lines.turn();
        lines.done
    }

    /// Width of the widest part that is broken only at need, points.
    pub(super) fn widest_word(&self, runs: &[Run]) -> f32 {
        let words = runs.iter().flat_map(|run| {
            let words = run.text.split_whitespace();
            let pieces = words.flat_map(|word| word.split_inclusive(BREAKS));
            pieces.map(|piece| self.width(run.style, piece))
        });
        words.fold(0.0, f32::max)
    }

    /// The font of a run and its characters in it.
    pub(super) fn glyphs(&self, run: &Run) -> (Font, Vec<KrillaGlyph>) {
        let face = self.of(run.style);
        let glyphs = run.text.char_indices().filter_map(|(at, character)| {
            let (glyph, advance) = face.glyph(character)?;
            Some(KrillaGlyph {
                glyph_id: glyph,
                text_range: at..at + character.len_utf8(),
                x_advance: advance,
                x_offset: 0.0,
                y_offset: 0.0,
                y_advance: 0.0,
                location: None,
            })
        });
        (face.font.clone(), glyphs.collect())
    }

    fn width(&self, style: Style, text: &str) -> f32 {
        let face = self.of(style);
        let glyphs = text.chars().filter_map(|character| face.glyph(character));
        glyphs.map(|(_, advance)| advance * style.size).sum()
    }

    fn of(&self, style: Style) -> &Typeface {
        match style.face {
            Face::Text => &self.text,
            Face::Code => &self.code,
        }
    }
}

impl Typeface {
    fn load(bytes: &'static [u8]) -> Option<Self> {
        let font = FontRef::new(bytes).ok()?;
        Some(Self {
            font: Font::new(bytes.into(), 0)?,
            characters: font.charmap(),
            // Of one point, so that advances scale.
            metrics: font.glyph_metrics(Size::new(1.0), LocationRef::default()),
            known: RefCell::default(),
        })
    }

    /// A character's glyph and its advance at one point; `None` where it has none, or
    /// none that an archive may keep.
    fn glyph(&self, character: char) -> Option<(GlyphId, f32)> {
        let mut known = self.known.borrow_mut();
        *known
            .entry(character)
            .or_insert_with(|| self.look_up(character))
    }

    fn look_up(&self, character: char) -> Option<(GlyphId, f32)> {
        let kept = !character.is_control()
            && !matches!(character, '\u{e000}'..='\u{f8ff}' | '\u{f0000}'.. | '\u{feff}');
        let glyph = self.characters.map(character).filter(|_| kept)?;
        let advance = self.metrics.advance_width(glyph)?;
        // Nothing would be seen of it, and words of other scripts are made of such.
        let seen = advance > 0.0 && glyph.to_u32() != 0;
        seen.then(|| (GlyphId::new(glyph.to_u32()), advance))
    }
}

/// Lines under way.
struct Lines<'f> {
    faces: &'f Faces,
    width: f32,
    done: Vec<Line>,
    line: Line,
    used: f32,
}

impl Lines<'_> {
    fn turn(&mut self) {
        self.done.push(std::mem::take(&mut self.line));
        self.used = 0.0;
    }

    /// A word with the space after it, which may stand in the margin.
    fn word(&mut self, run: &Run, word: &str) {
        let width = self.faces.width(run.style, word.trim_end());
        if self.used > 0.0 && self.used + width > self.width {
            self.turn();
        }
        if width <= self.width {
            self.push(run, word);
            return;
        }
        for piece in word.split_inclusive(BREAKS) {
            self.piece(run, piece);
        }
    }

    /// Part of a word that is wider than a line.
    fn piece(&mut self, run: &Run, piece: &str) {
        let width = self.faces.width(run.style, piece.trim_end());
        if self.used > 0.0 && self.used + width > self.width {
            self.turn();
        }
        if width <= self.width {
            self.push(run, piece);
            return;
        }
        for character in piece.chars() {
            let piece = character.encode_utf8(&mut [0; 4]).to_owned();
            let width = self.faces.width(run.style, &piece);
            if self.used > 0.0 && self.used + width > self.width {
                self.turn();
            }
            self.push(run, &piece);
        }
    }

    fn push(&mut self, run: &Run, text: &str) {
        let width = self.faces.width(run.style, text);
        self.used += width;
        match self.line.last_mut() {
            Some(last) if last.style == run.style && last.link == run.link => {
                last.text.push_str(text);
                last.width += width;
            }
            Some(_) | None => self.line.push(Run {
                style: run.style,
                text: text.to_owned(),
                width,
                link: run.link.clone(),
            }),
        }
    }
}
