//! Whom a decision is written for: the library's texts in the reader's
//! language, else in English.

use std::sync::Arc;

use comity_domain::{Citation, Text};

use crate::{model::Model, phrases::Tongue};

/// A text of the modules in a language, BCP 47; empty where there is none at all.
pub(crate) fn words(text: &Text, language: &str) -> Arc<str> {
    let words = text.in_language(language);
    words.map_or_else(|| Arc::from(""), |(_, words)| Arc::clone(words))
}

/// A reader of one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) model: &'a Model,
    /// BCP 47.
    pub(crate) language: &'a str,
}

impl Reader<'_> {
    /// The library's own sentences for this reader.
    pub(crate) fn tongue(&self) -> Tongue {
        Tongue::of(self.language)
    }

    /// A text of the modules.
    pub(crate) fn words(&self, text: &Text) -> Arc<str> {
        words(text, self.language)
    }

    /// A citation with the official name of its source.
    pub(crate) fn cite(&self, citation: &Citation) -> Citation {
        let source = self.model.sources.get(&citation.source);
        let title = source.map_or_else(
            || Arc::clone(&citation.title),
            |source| self.words(&source.title),
        );
        Citation {
            source: Arc::clone(&citation.source),
            provision: Arc::clone(&citation.provision),
            title,
            url: citation.url.clone(),
        }
    }
}
