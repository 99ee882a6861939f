//! What is wrong in the policy files, said so that the author can mend it:
//! file, line and column, the line itself, and what to do.

mod code;
mod lookalike;

use std::{fmt, ops::Range, sync::Arc};

use annotate_snippets::{
    AnnotationKind, Group, Level, Origin, Renderer, Snippet, renderer::DecorStyle,
};

pub(crate) use self::lookalike::Lookalike;

pub use self::code::{Code, Severity};

/// Everything found wrong in a policy folder, in the order of files and lines.
///
/// Displays as text without colour; see [`Report::colored`] for a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report(Vec<Diagnostic>);

impl Report {
    /// A report of these mistakes, each said once.
    pub(crate) fn new(mut diagnostics: Vec<Diagnostic>) -> Self {
        diagnostics.sort_by(|a, b| {
            // What a missing file would have said, others are wrong about.
            let key = |found: &Diagnostic| found.code != Code::FileMissing;
            let place = |found: &Diagnostic| (found.line, found.column);
            (key(a), &a.path, place(a), &a.message).cmp(&(key(b), &b.path, place(b), &b.message))
        });
        diagnostics.dedup();
        for diagnostic in &mut diagnostics {
            let code = diagnostic.code;
            diagnostic.name_lookalike();
            diagnostic
                .remedy
                .get_or_insert_with(|| code.help().to_owned());
        }
        Self(diagnostics)
    }

    /// How many of the mistakes are this grave.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        let of_it = |found: &&Diagnostic| found.severity() == severity;
        self.0.iter().filter(of_it).count()
    }

    /// The mistakes, sorted by file, line and column.
    #[must_use]
    pub fn diagnostics(&self) -> &[Diagnostic] {
        &self.0
    }

    /// The report with colours for a terminal.
    #[must_use]
    pub fn colored(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let renderer = renderer.clone().decor_style(DecorStyle::Ascii);
        let mut out = String::new();
        for diagnostic in &self.0 {
            out.push_str(&diagnostic.render(&renderer));
            out.push_str("\n\n");
        }
        out.push_str(&self.summary());
        out
    }

    /// How much was found, in one line.
    fn summary(&self) -> String {
        let mut files: Vec<_> = self.0.iter().map(|found| &found.path).collect();
        files.dedup();
        let found: Vec<String> = [(Severity::Error, "mistake"), (Severity::Warning, "warning")]
            .into_iter()
            .map(|(severity, noun)| (self.count(severity), noun))
            .filter(|(number, _)| *number > 0)
            .map(|(number, noun)| count(number, noun))
            .collect();
        if found.is_empty() {
            return "no mistake".to_owned();
        }
        format!("{} in {}", found.join(" and "), count(files.len(), "file"))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl std::error::Error for Report {}

/// One mistake in a policy file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of mistake it is.
    pub code: Code,
    /// The file, relative to the policy folder, with `/` between folders.
    pub path: Arc<str>,
    /// Line of the first character, from 1; 0 where the file as a whole is meant.
    pub line: usize,
    /// Column of the first character, in characters from 1; 0 as for `line`.
    pub column: usize,
    /// Line and column just after the last character.
    pub end: (usize, usize),
    /// What is wrong.
    pub message: String,
    /// Why it is wrong.
    pub why: Option<String>,
    /// What to do; always there in a report.
    pub remedy: Option<String>,
    /// The lines concerned; empty where the file as a whole is meant.
    pub excerpt: String,
    /// The part of `excerpt` meant, in bytes.
    marked: Range<usize>,
}

impl Diagnostic {
    /// A mistake of a whole file: it is missing, unreadable or too large.
    pub(crate) fn of_file(code: Code, path: &str, message: impl Into<String>) -> Self {
        Self {
            code,
            path: Arc::from(path),
            line: 0,
            column: 0,
            end: (0, 0),
            message: message.into(),
            why: None,
            remedy: None,
            excerpt: String::new(),
            marked: 0..0,
        }
    }

    /// How grave it is.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// Adds why it is wrong.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        self.why = Some(why.into());
        self
    }

    /// Adds what to do.
    pub(crate) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// Adds what to do, where something is known.
    pub(crate) fn remedy_if(mut self, remedy: Option<String>) -> Self {
        self.remedy = self.remedy.or(remedy);
        self
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = match self.severity() {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level
            .primary_title(self.message.as_str())
            .id(self.code.slug());
        let mut group: Group<'_> = if self.excerpt.is_empty() {
            title.element(Origin::path(&*self.path))
        } else {
            title.element(
                Snippet::source(self.excerpt.as_str())
                    .line_start(self.line)
                    .path(&*self.path)
                    .annotation(
                        AnnotationKind::Primary
                            .span(self.marked.clone())
                            .label(self.why.as_deref()),
                    ),
            )
        };
        if self.excerpt.is_empty()
            && let Some(why) = &self.why
        {
            group = group.element(Level::NOTE.message(why.as_str()));
        }
        if let Some(remedy) = &self.remedy {
            group = group.element(Level::HELP.message(remedy.as_str()));
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain().decor_style(DecorStyle::Ascii)))
    }
}

/// A policy file's text under its name.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// Relative to the policy folder, with `/` between folders.
    pub(crate) path: Arc<str>,
    pub(crate) text: Arc<str>,
}

impl Source {
    /// How many bytes stand before an offset in its line.
    pub(crate) fn column(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.len() - before.rfind('\n').map_or(0, |i| i + 1)
    }

    /// The line of an offset in bytes, from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        self.row(offset) + 1
    }

    /// How many lines end before an offset in bytes.
    pub(crate) fn row(&self, offset: usize) -> usize {
        let before = self.text.get(..offset).unwrap_or_default();
        before.matches('\n').count()
    }

    /// A mistake at a range of bytes of this file.
    pub(crate) fn diagnostic(
        &self,
        code: Code,
        at: Range<usize>,
        message: impl Into<String>,
    ) -> Diagnostic {
        let start = self.text.floor_char_boundary(at.start);
        let end = self.text.ceil_char_boundary(at.end.max(start));
        let (before, rest) = self.text.split_at(start);
        let inside = rest.get(..end - start).unwrap_or(rest);
        let first = before.rfind('\n').map_or(0, |i| i + 1);
        let last = self
            .text
            .get(end..)
            .and_then(|after| after.find('\n'))
            .map_or(self.text.len(), |i| end + i);
        let (line, column) = position(before);
        Diagnostic {
            code,
            path: Arc::clone(&self.path),
            line,
            column,
            end: position(self.text.get(..end).unwrap_or(before)),
            message: message.into(),
            why: None,
            remedy: None,
            excerpt: match self.text.get(first..last).unwrap_or_default() {
                // An empty excerpt means the whole file; an empty line does not.
                "" => " ".to_owned(),
                // Windows ends lines by two signs; places in bytes stay as they are.
                lines => lines.replace('\r', " "),
            },
            marked: start - first..start - first + inside.len(),
        }
    }
}

/// Line and column, from 1, of what follows `before`.
fn position(before: &str) -> (usize, usize) {
    let line_start = before.rfind('\n').map_or(0, |i| i + 1);
    (
        before.matches('\n').count() + 1,
        before.get(line_start..).unwrap_or_default().chars().count() + 1,
    )
}

/// `did you mean …` for a misspelt name among the known ones; the names
/// themselves where they are few and none is close.
pub(crate) fn suggest<'a>(
    wrong: &str,
    known: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<String> {
    /// More names than this are not listed.
    const LISTED: usize = 40;
    if let Some(name) = nearest(wrong, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut names: Vec<_> = known.into_iter().collect();
    names.sort_unstable();
    names.dedup();
    (!names.is_empty() && names.len() <= LISTED)
        .then(|| format!("known here: {}", names.join(", ")))
}

/// The known name that a misspelt one is closest to, where one is close.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known
        .into_iter()
        .map(|name| match wrong.eq_ignore_ascii_case(name) {
            true => (0, name),
            false => (strsim::damerau_levenshtein(wrong, name), name),
        })
        .filter(|(distance, name)| *distance <= tolerance(name.len().max(wrong.len())))
        .filter(|(distance, name)| !is_opposite(wrong, name, *distance));
    near.min().map(|(_, name)| name)
}

/// One of two names is the other with a `not` before it: what says the opposite is
/// never what was meant.
fn is_opposite(one: &str, other: &str, distance: usize) -> bool {
    let denies = |denial: &str, name: &str| {
        let mut denials = ["not", "non", "no"].iter();
        denials.any(|word| {
            let rest = denial.strip_prefix(word).unwrap_or_default();
            let rest = rest.trim_start_matches(['-', '_', ' ', '.']);
            !rest.is_empty() && strsim::damerau_levenshtein(rest, name) < distance
        })
    };
    denies(one, other) || denies(other, one)
}

/// What to do about a State that the vocabulary does not list.
pub(crate) fn add_state(code: &str) -> String {
    let known_as = match code {
        "UK" => Some("GB"),
        "EL" => Some("GR"),
        _ => None,
    };
    if let Some(known_as) = known_as {
        return format!("its code is `{known_as}`");
    }
    let folder = code.to_ascii_lowercase();
    format!(
        "if it is to take part, add `{code}` to the list `State` in vocabulary.yaml, and its rules \
         in the folder jurisdictions/{folder}"
    )
}

/// Misspelt letters at which a name of this length still suggests another.
fn tolerance(length: usize) -> usize {
    // Codes of two letters are all alike.
    if length > 2 { length.div_ceil(3) } else { 0 }
}

/// So many of something, in words.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
