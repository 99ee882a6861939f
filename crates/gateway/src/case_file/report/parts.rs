//! What a report is made of, however it is shown.

use crate::wire::{from_proto, structure};

/// A report: a heading, its figures, its sections.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) title: String,
    /// What it is, above the title.
    pub(super) kicker: &'static str,
    pub(super) figures: Vec<Term>,
    /// What to know before reading on.
    pub(super) remarks: Vec<String>,
    pub(super) sections: Vec<Section>,
}

/// A term and what it is.
pub(super) type Term = (&'static str, String);

/// A section, shown only where it says something.
#[derive(Debug)]
pub(super) struct Section {
    /// Unique in the report.
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(super) enum Block {
    Heading(String),
    Paragraph(Vec<Span>),
    /// Where something stands in the law.
    Cited(Vec<Span>),
    Terms(Vec<Term>),
    Table {
        columns: Vec<&'static str>,
        rows: Vec<Vec<String>>,
    },
    /// Text as it stands, lines kept.
    Verbatim(String),
    /// What belongs together, set off at the margin.
    Aside(Aside, Vec<Block>),
}

/// What is set off.
#[derive(Debug)]
pub(super) enum Aside {
    Finding,
    Rule,
}

/// A piece of a line.
#[derive(Debug)]
pub(super) enum Span {
    Text(String),
    Code(String),
    /// To an address of the web.
    Link {
        address: String,
        text: String,
    },
}

impl Section {
    pub(super) fn new(id: &'static str, title: &'static str) -> Self {
        Self {
            id,
            title,
            blocks: Vec::new(),
        }
    }

    /// Terms and what they are, without those that are empty.
    pub(super) fn terms(&mut self, terms: impl IntoIterator<Item = Term>) {
        let terms = terms.into_iter().filter(|(_, value)| !value.is_empty());
        self.blocks.push(Block::Terms(terms.collect()));
    }

    /// A table, where it has rows.
    pub(super) fn table(
        &mut self,
        columns: &[&'static str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) {
        let rows: Vec<_> = rows.into_iter().collect();
        if !rows.is_empty() {
            self.blocks.push(Block::Table {
                columns: columns.to_vec(),
                rows,
            });
        }
    }

    /// A table under a heading of its own, where it has rows.
    pub(super) fn table_under(
        &mut self,
        heading: &str,
        columns: &[&'static str],
        rows: impl IntoIterator<Item = Vec<String>>,
    ) {
        let before = self.blocks.len();
        self.table(columns, rows);
        if self.blocks.len() > before {
            let heading = Block::Heading(heading.to_owned());
            self.blocks.insert(before, heading);
        }
    }

    /// A structure as indented JSON, under a heading.
    pub(super) fn structure(&mut self, heading: &str, data: &prost_types::Struct) {
        let json = structure::to_json(data.clone());
        let text = json.map_or_else(
            |_| "cannot be shown: see case.json".to_owned(),
            |json| format!("{:#}", serde_json::Value::Object(json)),
        );
        self.blocks.push(Block::Heading(heading.to_owned()));
        self.blocks.push(Block::Verbatim(text));
    }
}

impl Block {
    pub(super) fn paragraph(text: impl Into<String>) -> Self {
        Self::Paragraph(vec![Span::Text(text.into())])
    }
}

impl Span {
    /// A link where the address is one of the web, else the text alone.
    pub(super) fn link(address: &str, text: &str) -> Self {
        let text = text.to_owned();
        if address.starts_with("https://") || address.starts_with("http://") {
            let address = address.to_owned();
            Self::Link { address, text }
        } else {
            Self::Text(text)
        }
    }
}

/// The name of a value of an enumeration, for people.
pub(super) fn name(value: &str, prefix: &str) -> String {
    let name = value.strip_prefix(prefix).unwrap_or(value);
    if name == "UNSPECIFIED" {
        return String::new();
    }
    name.to_lowercase().replace('_', " ")
}

/// A moment, to the second.
pub(super) fn instant(at: &prost_types::Timestamp) -> String {
    let at = from_proto::timestamp(*at);
    at.map_or_else(String::new, |at| {
        at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
    })
}

/// A moment that may be missing, as [`instant`] shows it.
pub(super) fn moment(at: Option<&prost_types::Timestamp>) -> String {
    at.map(instant).unwrap_or_default()
}
