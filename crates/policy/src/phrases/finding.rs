//! What a decision says of itself. Names and texts come in the reader's
//! language already; ids come as they are and are shown between backticks.

use jiff::civil::Date;
use jsonschema::JsonType;

/// A finding of the library itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Remark<'a> {
    /// No rule of a module permits the request.
    NoPermit {
        module: &'a str,
    },
    AttachForm {
        form: &'a str,
    },
    /// Asks for a field of a form.
    FillIn {
        field: &'a str,
    },
    /// Stands for a State or instrument that the library does not have.
    NoModule {
        of: &'a str,
    },
    NoInstrument {
        measure: &'a str,
        issuing: &'a str,
        executing: &'a str,
    },
    /// A rule of low confidence, as a question.
    DoesItHold {
        rule: &'a str,
    },
    NotEvaluated {
        rule: &'a str,
    },
    /// An instrument that binds a State with low confidence only.
    BindingUncertain {
        instrument: &'a str,
        state: &'a str,
    },
    /// The same, as a question.
    IsBound {
        instrument: &'a str,
        state: &'a str,
    },
    /// Title of the citation where no module sets out the law.
    NoSource,
}

/// Why an instrument does not carry a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Weighed<'a> {
    NotInForce {
        instrument: &'a str,
        reason: &'a str,
        checked: Date,
    },
    NotBound {
        instrument: &'a str,
        state: &'a str,
        note: Option<&'a str>,
    },
    NotYetBound {
        instrument: &'a str,
        state: &'a str,
        since: Date,
    },
    NoLongerBound {
        instrument: &'a str,
        state: &'a str,
        ended: Date,
    },
    NotBetween {
        instrument: &'a str,
        issuing: &'a str,
        executing: &'a str,
    },
    NotForMeasure {
        instrument: &'a str,
        measure: &'a str,
    },
    /// Another one is named.
    Named {
        other: &'a str,
    },
    /// Another one is named, though this one would prevail.
    WouldPrevail {
        other: &'a str,
    },
    Prevails {
        other: &'a str,
    },
    Preferred {
        other: &'a str,
    },
}

/// What is wrong with a field of a form; never the value itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault<'a> {
    Missing,
    Kind {
        expected: &'a [JsonType],
    },
    NotAmong {
        values: &'a str,
    },
    /// One of several fields must be there.
    NoneOf {
        fields: &'a str,
    },
    Format {
        format: &'a str,
        example: Option<&'a str>,
    },
    Pattern {
        pattern: &'a str,
        /// What the schema says of how the field is written.
        described: Option<&'a str>,
    },
    AtLeast {
        limit: &'a str,
    },
    AtMost {
        limit: &'a str,
    },
    MoreThan {
        limit: &'a str,
    },
    LessThan {
        limit: &'a str,
    },
    FewestCharacters {
        limit: u64,
    },
    MostCharacters {
        limit: u64,
    },
    FewestEntries {
        limit: u64,
    },
    MostEntries {
        limit: u64,
    },
    Repeats,
    UnknownFields {
        /// Fields that may stand there, those that do last; none, or some.
        known: &'a str,
    },
    /// Says something else than the request does.
    Contradicts {
        field: &'a str,
    },
    /// Anything else, by the word of JSON Schema for it.
    Other {
        keyword: &'a str,
    },
}
