//! A cross-border request as the rest of Comity sees it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    AuthorityId, Executing, Facts, InstrumentId, Issuing, JurisdictionCode, MeasureId,
    ObligationKind, RequestId,
};

/// One State's request for another State's help, well-formed but undecided.
///
/// What only the backend needs (names, selectors' values) stays in the wire
/// message; the decision is made from what is here.
#[derive(Debug, Clone)]
pub struct Request {
    /// The requesting system's id for it.
    pub id: RequestId,
    /// The State that asks.
    pub issuing: Issuing,
    /// The authority that asks, as certified.
    pub issuing_authority: AuthorityId,
    /// The State that is asked.
    pub executing: Executing,
    /// The authority asked, where named.
    pub executing_authority: Option<AuthorityId>,
    /// The legal basis, where named.
    pub instrument: Option<InstrumentId>,
    /// What is asked.
    pub measure: MeasureId,
    /// The offences under investigation.
    pub offences: Vec<Offence>,
    /// The persons concerned.
    pub persons: Vec<Person>,
    /// Kinds of the selectors, without their values.
    pub selectors: Vec<Selector>,
    /// How quickly.
    pub urgency: Urgency,
    /// Whether a purpose was stated.
    pub purpose_stated: bool,
    /// Language of the form, BCP 47; `None` where not stated.
    pub language: Option<Arc<str>>,
    /// Validation by a judicial authority.
    pub validation: Option<Validation>,
    /// Promises made by the requesting State.
    pub assurances: Vec<Assurance>,
    /// Facts stated outright by the requester, by vocabulary name.
    pub facts: Facts,
    /// When the issuing authority signed it.
    pub issued_at: Timestamp,
    /// A training exercise.
    pub exercise: bool,
    /// Names of the parts of what is shared without request, those inside of
    /// others too; empty where nothing is.
    pub information: Vec<Arc<str>>,
    /// The case whose data are to be used or passed on, where one is named.
    pub source: Option<Source>,
}

/// A case whose data are to be used or passed on.
#[derive(Debug, Clone, Default)]
pub struct Source {
    /// What the gateway knows of it; `None` where it was not asked.
    pub origin: Option<Origin>,
}

/// What the gateway knows of the case from which data come.
#[derive(Debug, Clone)]
pub struct Origin {
    /// The State that sent the data.
    pub state: JurisdictionCode,
    /// Kinds of the conditions in force that the authority which sent them has
    /// set itself, beside those of the law.
    pub conditions: Vec<ObligationKind>,
    /// Some offence of the request is none of those for which they were sent;
    /// `None` where that is not known.
    pub other_offence: Option<bool>,
}

/// An offence under investigation. Absent scalars are unknown.
#[derive(Debug, Clone, Default)]
pub struct Offence {
    /// National provision, for example `StGB 263`.
    pub provision: Arc<str>,
    /// Category ticked by the issuing authority, for example `D20`.
    pub category: Option<Arc<str>>,
    /// ICCS v1.0 code.
    pub iccs: Option<Arc<str>>,
    /// Maximum penalty in the issuing State, months of custody.
    pub max_penalty_months: Option<u32>,
    /// A life sentence is possible.
    pub life_possible: Option<bool>,
    /// A death sentence is possible, aggravated forms included.
    pub death_possible: Option<bool>,
}

/// A person concerned, without name.
#[derive(Debug, Clone)]
pub struct Person {
    /// Part in the proceedings.
    pub role: PersonRole,
    /// Age in whole years on the day of the request, where known.
    pub age_years: Option<u8>,
    /// Nationality, where known.
    pub nationality: Option<JurisdictionCode>,
    /// State of residence, where known.
    pub residence: Option<JurisdictionCode>,
}

/// A person's part in the proceedings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PersonRole {
    /// Suspected or accused.
    Suspect,
    /// Victim of the offence.
    Victim,
    /// Witness.
    Witness,
    /// Neither suspect, victim nor witness.
    ThirdParty,
}

impl PersonRole {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Suspect, Self::Victim, Self::Witness, Self::ThirdParty];
}

/// What a measure is aimed at, without its value.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Kind of identifier.
    pub kind: SelectorKind,
    /// First and last moment asked for, where the measure covers a period.
    pub from: Option<Timestamp>,
    /// Last moment asked for.
    pub until: Option<Timestamp>,
}

/// Kind of a selector.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SelectorKind {
    /// Name of a natural or legal person.
    Name,
    /// International bank account number.
    Iban,
    /// Telephone number in E.164 form.
    Phone,
    /// E-mail address.
    Email,
    /// IPv4 or IPv6 address.
    Ip,
    /// Vehicle registration plate.
    Plate,
    /// Postal address or place.
    Address,
    /// Account at a service provider.
    Account,
}

/// How quickly a request must be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Urgency {
    /// Ordinary time limits.
    #[default]
    Routine,
    /// A shorter limit is asked for.
    Urgent,
    /// Imminent threat to life, physical integrity, safety or critical
    /// infrastructure: Regulation (EU) 2023/1543 Art. 3(18).
    Emergency,
}

impl Urgency {
    /// Every one, the least urgent first.
    pub const ALL: [Self; 3] = [Self::Routine, Self::Urgent, Self::Emergency];
}

/// Kinds of validating authority that the contract lists.
pub const VALIDATING_KINDS: [&str; 4] = ["judge", "court", "investigating-judge", "prosecutor"];

/// Validation of a request by a judicial authority.
#[derive(Debug, Clone)]
pub struct Validation {
    /// The validating authority.
    pub authority: AuthorityId,
    /// Its kind, one of [`VALIDATING_KINDS`].
    pub authority_kind: Arc<str>,
    /// When it was validated.
    pub at: Timestamp,
}

/// A promise by the requesting State.
#[derive(Debug, Clone)]
pub struct Assurance {
    /// Kind, one of the values the vocabulary lists.
    pub kind: Arc<str>,
    /// When it was given.
    pub at: Option<Timestamp>,
}
