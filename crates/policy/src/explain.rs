//! The whole reasoning behind a decision, in words: what was asked, what
//! carries it, what every rule said and why, and what to do now.

mod basis;
pub(crate) mod condition;
mod entailed;
mod instrument;
pub(crate) mod names;
mod outcome;
mod request;
mod rule;
mod stage;
mod teller;
mod verdict;

use comity_domain::{Decision, InstrumentId, JurisdictionCode};

use crate::{Library, Question};

use self::teller::Teller;

/// A decision with the reasoning that led to it.
#[derive(Debug)]
pub struct Explanation {
    /// The decision.
    pub decision: Decision,
    /// Its parts, in the order of a request's way.
    pub sections: Vec<Section>,
}

/// A part of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// In order.
    pub paragraphs: Vec<Paragraph>,
}

/// A paragraph and the points under it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paragraph {
    /// What it means for the request.
    pub tone: Tone,
    /// The paragraph.
    pub text: String,
    /// Reasons and consequences, one a line.
    pub points: Vec<Point>,
}

/// One line under a paragraph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    /// In words.
    pub text: String,
    /// The condition as the file writes it, where the line is about one.
    pub expression: Option<String>,
}

/// What a paragraph means for the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// It tells.
    Plain,
    /// It speaks for the request.
    For,
    /// It speaks against it.
    Against,
    /// It is not settled.
    Open,
    /// It would have spoken, and is lifted.
    Lifted,
    /// It binds whoever acts on the request.
    Binding,
}

impl Explanation {
    /// The explanation as plain texts: each heading and each paragraph is one.
    /// Points stand on lines of their own that begin with `– `, with the
    /// condition they are about in square brackets.
    #[must_use]
    pub fn paragraphs(&self) -> Vec<String> {
        let of_section = |section: &Section| {
            let paragraphs = section.paragraphs.iter().map(ToString::to_string);
            let all = std::iter::once(section.title.clone()).chain(paragraphs);
            all.collect::<Vec<_>>()
        };
        self.sections.iter().flat_map(of_section).collect()
    }
}

impl std::fmt::Display for Paragraph {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)?;
        for Point { text, expression } in &self.points {
            write!(f, "\n– {text}")?;
            if let Some(expression) = expression {
                write!(f, " [{expression}]")?;
            }
        }
        Ok(())
    }
}

impl Paragraph {
    fn plain(text: String) -> Self {
        Self::toned(Tone::Plain, text)
    }

    fn toned(tone: Tone, text: String) -> Self {
        Self {
            tone,
            text,
            points: Vec::new(),
        }
    }

    fn with(mut self, points: impl IntoIterator<Item = Point>) -> Self {
        self.points.extend(points);
        self
    }
}

impl Point {
    fn of(text: String) -> Self {
        Self {
            text,
            expression: None,
        }
    }
}

/// What is explained.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Occasion<'a> {
    Request,
    /// A scenario, which states facts outright, and what it supposes of
    /// bindings.
    Scenario(&'a [(InstrumentId, JurisdictionCode)]),
}

/// Decides a request and tells how it came to that.
pub(crate) fn explain(
    library: &Library,
    question: &Question<'_>,
    occasion: Occasion<'_>,
) -> Explanation {
    let trace = library.trace(question);
    let teller = Teller::new(library, question, (&trace, occasion));
    let mut sections = vec![request::section(&teller), instrument::section(&teller)];
    sections.extend(stage::sections(&teller));
    sections.extend(basis::presumptions(&teller));
    sections.push(outcome::section(&teller));
    Explanation {
        sections,
        decision: trace.decision,
    }
}
