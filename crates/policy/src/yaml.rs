//! A YAML 1.2 reader that keeps where everything stands: `NO` is Norway, and
//! what makes files ambiguous (anchors, aliases, tags, repeated keys) is refused.

mod alignment;
mod hidden;
mod lookalike;
mod unquoted;

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput};

use crate::diagnostic::{Code, Diagnostic, Source};

use self::{lookalike::lookalike, unquoted::unquoted};

pub(crate) use self::alignment::alignment;

/// Deepest nesting of lists and maps.
const MAX_DEPTH: usize = 32;

/// With this key entries of lists begin that have a name.
const ID: &str = "id";

/// A value and the bytes of the file it was read from.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) value: Value,
    pub(crate) span: Range<usize>,
}

/// A YAML value.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    Truth(bool),
    Whole(i64),
    Decimal(f64),
    /// The text and how it was written.
    Text(String, ScalarStyle),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map and its value.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) key_span: Range<usize>,
    pub(crate) node: Node,
}

/// Reads one file.
///
/// # Errors
/// All mistakes up to the first that leaves no way to go on.
pub(crate) fn parse(source: &Source) -> Result<Node, Vec<Diagnostic>> {
    if let Some(found) = conflict(source).or_else(|| hidden::raw(source)) {
        return Err(vec![found]);
    }
    let mut reader = Reader {
        source,
        offsets: source
            .text
            .char_indices()
            .map(|(offset, _)| offset)
            .chain([source.text.len()])
            .collect(),
        parser: Parser::new_from_str(&source.text),
        found: Vec::new(),
    };
    match reader.document() {
        Ok(node) if reader.found.is_empty() => Ok(node),
        Ok(_) => Err(reader.found),
        Err(last) => {
            reader.found.push(*last);
            Err(reader.found)
        }
    }
}

impl Node {
    /// The node at a JSON pointer, with the span of its key where it has one.
    pub(crate) fn find(&self, pointer: &str) -> Option<(Option<Range<usize>>, &Self)> {
        let mut found = (None, self);
        for step in pointer.split('/').skip(1) {
            let step = step.replace("~1", "/").replace("~0", "~");
            found = match &found.1.value {
                Value::Map(entries) => {
                    let entry = entries.iter().find(|entry| entry.key == step)?;
                    (Some(entry.key_span.clone()), &entry.node)
                }
                Value::List(items) => (None, items.get(step.parse::<usize>().ok()?)?),
                Value::Null
                | Value::Truth(_)
                | Value::Whole(_)
                | Value::Decimal(_)
                | Value::Text(..) => return None,
            };
        }
        Some(found)
    }

    /// The text, where it is one.
    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text, _) => Some(text),
            Value::Null
            | Value::Truth(_)
            | Value::Whole(_)
            | Value::Decimal(_)
            | Value::List(_)
            | Value::Map(_) => None,
        }
    }

    /// The items, where it is a list; none otherwise.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            Value::List(items) => items,
            Value::Null
            | Value::Truth(_)
            | Value::Whole(_)
            | Value::Decimal(_)
            | Value::Text(..)
            | Value::Map(_) => &[],
        }
    }

    /// The same value without places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Truth(value) => (*value).into(),
            Value::Whole(value) => (*value).into(),
            Value::Decimal(value) => (*value).into(),
            Value::Text(text, _) => text.as_str().into(),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Map(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.to_json()))
                .collect(),
        }
    }
}

/// Stops reading: there is no sensible way on.
type Stop = Box<Diagnostic>;

struct Reader<'a> {
    source: &'a Source,
    /// Byte offset of every character: the parser counts characters.
    offsets: Vec<usize>,
    parser: Parser<'a, StrInput<'a>>,
    found: Vec<Diagnostic>,
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = None;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamEnd => break,
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) if root.is_some() => {
                    return Err(Box::new(
                        self.source
                            .diagnostic(
                                Code::YamlFeature,
                                self.bytes(span),
                                "a second document in one file",
                            )
                            .why("a policy file is one document")
                            .remedy("remove the line `---`"),
                    ));
                }
                Event::DocumentStart(_) => {
                    let first = self.next()?;
                    root = Some(self.node(first, 0)?);
                }
                Event::Alias(_)
                | Event::Scalar(..)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..)
                | Event::MappingEnd => {}
            }
        }
        root.ok_or_else(|| {
            Box::new(
                Diagnostic::of_file(Code::YamlSyntax, &self.source.path, "the file is empty")
                    .why("there is nothing to load"),
            )
        })
    }

    fn node(&mut self, (event, span): (Event<'a>, Span), depth: usize) -> Result<Node, Stop> {
        if depth > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Box::new(
                self.source
                    .diagnostic(Code::TooLarge, self.bytes(span), message)
                    .why("nobody can follow it"),
            ));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let bytes = self.bytes(span);
                self.refuse_marks(&bytes, anchor, tag.is_some());
                self.found
                    .extend(hidden::escaped(self.source, &text, &bytes));
                Ok(Node {
                    value: scalar(&text, style),
                    span: bytes,
                })
            }
            Event::SequenceStart(anchor, tag) => {
                let start = self.bytes(span);
                self.refuse_marks(&start, anchor, tag.is_some());
                self.list(start, depth)
            }
            Event::MappingStart(anchor, tag) => {
                let start = self.bytes(span);
                self.refuse_marks(&start, anchor, tag.is_some());
                self.map(start, depth)
            }
            Event::Alias(_) => {
                let bytes = self.bytes(span);
                self.found.push(
                    self.source
                        .diagnostic(
                            Code::YamlFeature,
                            bytes.clone(),
                            "aliases (`*name`) are not allowed",
                        )
                        .why("the reader must see the value where it counts")
                        .remedy("write the value out"),
                );
                Ok(Node {
                    value: Value::Null,
                    span: bytes,
                })
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => Ok(Node {
                value: Value::Null,
                span: self.bytes(span),
            }),
        }
    }

    fn list(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Stop> {
        let mut items: Vec<Node> = Vec::new();
        let end = loop {
            let next = self.next()?;
            if matches!(next.0, Event::SequenceEnd) {
                break self.bytes(next.1);
            }
            items.push(self.node(next, depth + 1)?);
        };
        let first = items.first().map(|item| item.span.clone());
        Ok(Node {
            span: self.extent(&start, end.end, first),
            value: Value::List(items),
        })
    }

    fn map(&mut self, start: Range<usize>, depth: usize) -> Result<Node, Stop> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut repeated: Vec<String> = Vec::new();
        let end = loop {
            let (event, span) = self.next()?;
            let (key, key_span) = match event {
                Event::MappingEnd => break self.bytes(span),
                Event::Scalar(text, _, anchor, tag) => {
                    let bytes = self.bytes(span);
                    self.refuse_marks(&bytes, anchor, tag.is_some());
                    self.found
                        .extend(hidden::escaped(self.source, &text, &bytes));
                    (text.into_owned(), bytes)
                }
                Event::Nothing
                | Event::StreamStart
                | Event::StreamEnd
                | Event::DocumentStart(_)
                | Event::DocumentEnd
                | Event::Alias(_)
                | Event::SequenceStart(..)
                | Event::SequenceEnd
                | Event::MappingStart(..) => {
                    return Err(Box::new(self.source.diagnostic(
                        Code::YamlFeature,
                        self.bytes(span),
                        "a key must be a plain word or text",
                    )));
                }
            };
            let next = self.next()?;
            let node = self.node(next, depth + 1)?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                // Of an entry that runs into the one before it that is said, once.
                if !repeated.iter().any(|key| key == ID) {
                    self.found.push(self.repeated(first, key_span, &node));
                }
                repeated.push(key);
            } else {
                entries.push(Entry {
                    key,
                    key_span,
                    node,
                });
            }
        };
        let first = entries.first().map(|entry| entry.key_span.clone());
        Ok(Node {
            span: self.extent(&start, end.end, first),
            value: Value::Map(entries),
        })
    }

    /// The mistake of a key that stands twice in a map.
    fn repeated(&self, first: &Entry, key_span: Range<usize>, node: &Node) -> Diagnostic {
        let key = &first.key;
        let line = self.source.line(first.key_span.start);
        let remedy = match (&first.node.value, &node.value) {
            _ if key == ID => "if a new entry begins here, write `- id:`".to_owned(),
            (Value::List(_), Value::List(_)) => {
                format!("move what stands below it to the end of the first `{key}`")
            }
            _ => "keep one of them".to_owned(),
        };
        self.source
            .diagnostic(
                Code::DuplicateKey,
                key_span,
                format!("`{key}` is given twice"),
            )
            .why(format!("it stands in line {line} already"))
            .remedy(remedy)
    }

    /// What to underline for a list or map: all of it when written in one
    /// piece with brackets, else its first key or item.
    fn extent(
        &self,
        start: &Range<usize>,
        end: usize,
        first: Option<Range<usize>>,
    ) -> Range<usize> {
        match self.source.text.as_bytes().get(start.start) {
            Some(b'[' | b'{') => start.start..end,
            Some(_) | None => first.unwrap_or_else(|| start.clone()),
        }
    }

    fn refuse_marks(&mut self, at: &Range<usize>, anchor: usize, tagged: bool) {
        if (anchor > 0 || tagged)
            && let Some(found) = unquoted(self.source, at.start, Code::YamlFeature)
        {
            self.found.push(found);
            return;
        }
        if anchor > 0 {
            self.found.push(
                self.source
                    .diagnostic(
                        Code::YamlFeature,
                        at.clone(),
                        "anchors (`&name`) are not allowed",
                    )
                    .why("the reader must see the value where it counts")
                    .remedy("write the value out wherever it is needed"),
            );
        }
        if tagged {
            self.found.push(
                self.source
                    .diagnostic(
                        Code::YamlFeature,
                        at.clone(),
                        "tags (`!name`) are not allowed",
                    )
                    .why("the schema says of what type a value is")
                    .remedy("remove the tag"),
            );
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Stop> {
        match self.parser.next_event() {
            Some(Ok(next)) => Ok(next),
            Some(Err(error)) => Err(self.syntax(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn syntax(&self, error: &ScanError) -> Stop {
        let at = self.offset(error.marker().index());
        if let Some(tab) = tab(&self.source.text, at, error.info()) {
            return Box::new(
                self.source
                    .diagnostic(Code::YamlSyntax, tab, "a tab where spaces must stand")
                    .why("YAML forbids tabs here")
                    .remedy(
                        "put spaces in place of every tab, as many as on the lines beside it, and set the \
                         editor to insert spaces",
                    ),
            );
        }
        let plainly = || {
            let message = format!("not YAML: {}", error.info());
            self.source
                .diagnostic(Code::YamlSyntax, at..at + 1, message)
                .why("the file cannot be read past this place")
        };
        let found = unquoted(self.source, at, Code::YamlSyntax);
        let found = found.or_else(|| lookalike(self.source, at));
        Box::new(found.unwrap_or_else(plainly))
    }

    /// The bytes of a span without white space at its end.
    fn bytes(&self, span: Span) -> Range<usize> {
        let start = self.offset(span.start.index());
        let end = self.offset(span.end.index()).max(start);
        let text = self.source.text.get(start..end).unwrap_or_default();
        start..start + text.trim_end().len()
    }

    fn offset(&self, character: usize) -> usize {
        self.offsets
            .get(character)
            .copied()
            .unwrap_or(self.source.text.len())
    }
}

/// The mark of two versions that Git could not join, which stands in place of a line.
fn conflict(source: &Source) -> Option<Diagnostic> {
    let is_mark = |line: &str| line.starts_with("<<<<<<< ") || line.starts_with(">>>>>>> ");
    let mut at = 0;
    let mark = source.text.split_inclusive('\n').find(|line| {
        at += line.len();
        is_mark(line)
    })?;
    let (at, mark) = (at - mark.len(), mark.trim_end());
    Some(
        source
            .diagnostic(
                Code::YamlSyntax,
                at..at + mark.len(),
                "two versions of this file stand in it, which Git could not merge",
            )
            .why("Git marks here where one of them begins or ends")
            .remedy(
                "between `<<<<<<<` and `>>>>>>>` keep what is right of the lines above and below \
                 `=======`, and remove these three lines",
            ),
    )
}

/// The tab that a parser stumbled over at an offset: where it says so, else in the
/// indentation of that line or of the next, else just before.
fn tab(text: &str, at: usize, said: &str) -> Option<Range<usize>> {
    let start = text.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    let near = text.get(start..)?;
    let indented = || {
        let mut from = start;
        near.split('\n').take(2).find_map(|line| {
            let indent = line.len() - line.trim_start().len();
            let tab = line.get(..indent)?.find('\t').map(|tab| from + tab);
            from += line.len() + 1;
            tab.filter(|_| indent < line.len())
        })
    };
    let told = || {
        said.contains("tab")
            .then(|| Some(start + near.find('\t')?))?
    };
    let before = || (text.get(..at)?.ends_with('\t')).then(|| at - 1);
    let tab = indented().or_else(told).or_else(before)?;
    Some(tab..tab + 1)
}

/// The YAML 1.2 core schema without its octal and hexadecimal numbers.
fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::Text(text.to_owned(), style);
    }
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Truth(true),
        "false" | "False" | "FALSE" => Value::Truth(false),
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')) => {
            Value::Text(text.to_owned(), style)
        }
        _ => text
            .parse()
            .map(Value::Whole)
            .or_else(|_| text.parse().map(Value::Decimal))
            .unwrap_or_else(|_| Value::Text(text.to_owned(), style)),
    }
}
