//! How each message that a record may be is taken apart.
//!
//! Entries of the ledger commit to what follows from this table: messages may get further
//! parts, and nothing that is here may be changed.

/// A field of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Its number in the contract.
    pub(super) number: u32,
    /// Its name in the contract.
    pub(super) name: &'static str,
    pub(super) take: Take,
}

/// How a field becomes fields of the record.
#[derive(Debug, Clone, Copy)]
pub(super) enum Take {
    /// It is one: a text, bytes or a message.
    Whole,
    /// It is one: a number, a truth or an enumeration, as a varint.
    Number,
    /// Each of its values is one.
    Each,
    /// Its values are one together.
    Together,
    /// It is a message whose parts are taken apart in their turn.
    Open(&'static Shape),
    /// It is a map, of which each value is one.
    Map,
    /// It is a `google.protobuf.Struct`, of which each value is one.
    Struct,
    /// It is none: the entry says it in public, it follows from the law, or it is nothing
    /// to others.
    Leave,
}

/// A message.
#[derive(Debug)]
pub(super) struct Shape {
    /// Its name in the contract.
    pub(super) message: &'static str,
    /// In the order of their numbers.
    pub(super) parts: &'static [Part],
}

impl Shape {
    /// A part by its number.
    pub(super) fn part(&self, number: u32) -> Option<&'static Part> {
        let place = self
            .parts
            .binary_search_by_key(&number, |part| part.number)
            .ok()?;
        self.parts.get(place)
    }

    /// A part by its name.
    pub(super) fn named(&self, name: &str) -> Option<&'static Part> {
        self.parts.iter().find(|part| part.name == name)
    }
}

const fn part(number: u32, name: &'static str, take: Take) -> Part {
    Part { number, name, take }
}

/// Of [`CASE`], what stands in an event of the contract rather than in its case.
pub(super) const EVENT: [&str; 2] = ["form", "remark"];

/// What an event adds to a case. Its last three stand in records alone.
pub(super) static CASE: Shape = Shape {
    message: "comity.v1.Case",
    parts: &[
        part(1, "name", Take::Leave),
        part(2, "request_id", Take::Leave),
        part(3, "state", Take::Leave),
        part(4, "request", Take::Open(&REQUEST)),
        part(5, "decision", Take::Open(&DECISION)),
        part(6, "result", Take::Open(&RESULT)),
        part(7, "events", Take::Leave),
        part(8, "receipt", Take::Leave),
        part(9, "received_at", Take::Leave),
        part(10, "updated_at", Take::Leave),
        part(11, "exercise", Take::Leave),
        part(12, "clocks", Take::Together),
        part(13, "holds", Take::Together),
        part(14, "consultations", Take::Each),
        part(15, "reference", Take::Whole),
        part(16, "postponement_reason", Take::Whole),
        part(17, "postponed_until", Take::Whole),
        part(18, "conditions", Take::Together),
        part(98, "form", Take::Struct),
        part(99, "remark", Take::Whole),
        part(100, "kept", Take::Leave),
    ],
};

pub(super) static REQUEST: Shape = Shape {
    message: "comity.v1.CooperationRequest",
    parts: &[
        part(1, "request_id", Take::Whole),
        part(2, "issuing", Take::Open(&ISSUING)),
        part(3, "executing", Take::Whole),
        part(4, "instrument", Take::Whole),
        part(5, "measure", Take::Whole),
        part(6, "offences", Take::Each),
        part(7, "persons", Take::Each),
        part(8, "selectors", Take::Each),
        part(9, "urgency", Take::Whole),
        part(10, "purpose", Take::Whole),
        part(11, "language", Take::Whole),
        part(12, "validation", Take::Whole),
        part(13, "assurances", Take::Each),
        part(14, "facts", Take::Map),
        part(15, "form", Take::Struct),
        part(16, "issued_at", Take::Whole),
        part(17, "exercise", Take::Leave),
        part(18, "information", Take::Struct),
        part(19, "conditions", Take::Each),
        part(20, "source_case", Take::Whole),
        part(21, "origin", Take::Whole),
        part(22, "team", Take::Open(&TEAM)),
    ],
};

static ISSUING: Shape = Shape {
    message: "comity.v1.IssuingParty",
    parts: &[
        part(1, "jurisdiction", Take::Leave),
        part(2, "authority", Take::Whole),
        part(3, "responsible", Take::Whole),
    ],
};

static TEAM: Shape = Shape {
    message: "comity.v1.TeamContext",
    parts: &[
        part(1, "name", Take::Whole),
        part(2, "agreement", Take::Open(&AGREEMENT)),
        part(3, "conditions", Take::Each),
        part(4, "in_force", Take::Number),
        part(5, "within_purpose", Take::Number),
    ],
};

static AGREEMENT: Shape = Shape {
    message: "comity.v1.TeamAgreement",
    parts: &[
        part(1, "parties", Take::Each),
        part(2, "purpose", Take::Whole),
        part(3, "offences", Take::Each),
        part(4, "other_offences", Take::Each),
        part(5, "states_of_operation", Take::Together),
        part(6, "leaders", Take::Each),
        part(7, "members", Take::Each),
        part(8, "ends_at", Take::Whole),
        part(9, "instrument", Take::Whole),
        part(10, "language", Take::Whole),
    ],
};

static DECISION: Shape = Shape {
    message: "comity.v1.Decision",
    parts: &[
        part(1, "decision_id", Take::Leave),
        part(2, "outcome", Take::Number),
        part(3, "instrument", Take::Whole),
        part(4, "passed_over", Take::Together),
        part(5, "alternatives", Take::Together),
        part(6, "grounds", Take::Each),
        part(7, "requirements", Take::Each),
        part(8, "referrals", Take::Each),
        part(9, "obligations", Take::Together),
        part(10, "clocks", Take::Leave),
        part(11, "permits", Take::Together),
        part(12, "modules", Take::Leave),
        part(13, "bundle_sha256", Take::Leave),
        part(14, "law_date", Take::Whole),
        part(15, "decided_at", Take::Leave),
        part(16, "facts", Take::Together),
        part(17, "rulings", Take::Each),
    ],
};

static RESULT: Shape = Shape {
    message: "comity.v1.Result",
    parts: &[
        part(1, "kind", Take::Number),
        part(2, "data", Take::Struct),
        part(3, "obligations", Take::Together),
        part(4, "redacted", Take::Together),
        part(5, "reason", Take::Whole),
        part(6, "ground", Take::Whole),
    ],
};

/// A reading, an erasure, or an order of a legal hold.
pub(super) static ACCESS: Shape = Shape {
    message: "comity.v1.Access",
    parts: &[
        part(1, "category", Take::Number),
        part(2, "call", Take::Whole),
        part(3, "purpose", Take::Whole),
        part(4, "recipient", Take::Whole),
        part(5, "subject", Take::Whole),
        part(6, "ordered_by", Take::Whole),
        part(7, "found", Take::Number),
    ],
};
