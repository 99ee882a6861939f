//! Words in several languages, and where they stand in the law.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

/// The language of a tag of BCP 47, without region and script, as texts are keyed: the
/// tag itself may be in letters of any case (RFC 5646 section 2.1.1).
#[must_use]
pub fn primary(language: &str) -> Cow<'_, str> {
    let primary = language.split('-').next().unwrap_or(language);
    match primary.bytes().any(|letter| letter.is_ascii_uppercase()) {
        true => Cow::Owned(primary.to_ascii_lowercase()),
        false => Cow::Borrowed(primary),
    }
}

/// Whether a sign that does not show has others stand in another order than they do: the
/// formatting characters of Unicode's bidirectional algorithm (UAX #9, section 2).
#[must_use]
pub fn turns(sign: char) -> bool {
    matches!(
        sign,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// One text in several languages, keyed by BCP 47 primary language.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub BTreeMap<Arc<str>, Arc<str>>);

impl Text {
    /// A text in English only.
    #[must_use]
    pub fn english(text: &str) -> Self {
        Self(BTreeMap::from([(Arc::from("en"), Arc::from(text))]))
    }

    /// The language and words to show to a reader of `language`: that language,
    /// else English, else any.
    #[must_use]
    pub fn in_language(&self, language: &str) -> Option<(&Arc<str>, &Arc<str>)> {
        self.0
            .get_key_value(&*primary(language))
            .or_else(|| self.0.get_key_value("en"))
            .or_else(|| self.0.first_key_value())
    }
}

/// Where a rule stands in the law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Citation {
    /// Entry of `sources.yaml`, for example `dir-2014-41`.
    pub source: Arc<str>,
    /// The provision, for example `art 11(1)(g)`.
    pub provision: Arc<str>,
    /// Official name of the source.
    pub title: Arc<str>,
    /// A link to the text, where one is known.
    pub url: Option<Arc<str>>,
}
