//! Where in the files something stands, and what is wrong there.

use crate::diagnostic::{Code, Diagnostic};

use super::schema::{Document, escape};

/// A part of a document, by JSON pointer.
pub(crate) struct Place<'a> {
    pub(crate) document: &'a Document<'a>,
    pub(crate) pointer: String,
}

impl<'a> Place<'a> {
    pub(crate) fn root(document: &'a Document<'a>) -> Self {
        let pointer = String::new();
        Self { document, pointer }
    }

    /// The value under a key of this map, or at an index of this list.
    pub(crate) fn at(&self, step: impl ToString) -> Self {
        Self {
            document: self.document,
            pointer: format!("{}/{}", self.pointer, escape(&step.to_string())),
        }
    }

    /// What stands here, as JSON.
    pub(crate) fn json(&self) -> Option<&'a serde_json::Value> {
        self.document.json.pointer(&self.pointer)
    }

    /// A mistake of this value.
    pub(crate) fn wrong(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        let found = self.document.node.find(&self.pointer);
        let span = found.map_or(0..0, |(_, node)| node.span.clone());
        self.document.file.source.diagnostic(code, span, message)
    }

    /// A mistake of this value's key.
    pub(crate) fn wrong_key(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        match self.document.node.find(&self.pointer) {
            Some((Some(key), _)) => self.document.file.source.diagnostic(code, key, message),
            Some((None, _)) | None => self.wrong(code, message),
        }
    }
}
