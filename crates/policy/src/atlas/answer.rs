//! What the atlas answers.

use std::sync::Arc;

use comity_domain::{
    Citation, Clock, Confidence, Digest, Obligation, PassedOver, RuleRef, Urgency,
};
use jiff::civil::Date;

use crate::{Addressee, Line, OpenFact, Prospect, Standing};

/// The ways a request can go between two States for a measure.
#[derive(Debug)]
pub struct Atlas<'l> {
    /// The State that would ask.
    pub issuing: Named,
    /// The State that would be asked.
    pub executing: Named,
    /// What would be asked.
    pub measure: Named,
    /// The offence, where one was named.
    pub offence: Option<OffenceProfile>,
    /// The day whose law is told.
    pub law_date: Date,
    /// SHA-256 of the policy bundle that answers.
    pub bundle: Digest,
    /// Usable instruments, best first.
    pub routes: Vec<Route<'l>>,
    /// Instruments that are not usable, with the reason.
    pub passed_over: Vec<PassedOver>,
    /// Instruments that are for other measures, or not between these two.
    pub out_of_scope: Vec<PassedOver>,
    /// Why there is no route at all, where no instrument comes near.
    pub no_route: Option<Reason>,
    /// Guidance of the two States' modules.
    pub notes: Vec<(Named, Arc<str>)>,
    /// Language of the texts.
    pub language: Arc<str>,
}

/// Something with an id and a name in the language asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// As modules name it.
    pub id: Arc<str>,
    /// As people name it.
    pub title: Arc<str>,
}

/// A statement with the place in the law that makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// In the language asked.
    pub text: Arc<str>,
    /// Where the law says so, where it does.
    pub citation: Option<Citation>,
}

/// What the registers know of an offence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffenceProfile {
    /// The category or provision asked for; without a title for a category.
    pub name: Arc<str>,
    /// Its name, where it is a provision.
    pub title: Option<Arc<str>>,
    /// Maximum penalty in the issuing State, months of custody.
    pub max_penalty_months: Option<u32>,
    /// Categories it may be ticked as.
    pub categories: Vec<Arc<str>>,
    /// How sure the entry is; `None` for a category.
    pub confidence: Option<Confidence>,
    /// Provisions of the executing State under the same ICCS code.
    pub abroad: Vec<OffenceAbroad>,
}

/// A provision of the executing State for the same conduct.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OffenceAbroad {
    /// The provision and its name.
    pub provision: Named,
    /// Maximum penalty, months of custody.
    pub max_penalty_months: u32,
    /// How sure the entry is.
    pub confidence: Confidence,
}

/// One instrument that would carry the request.
#[derive(Debug)]
pub struct Route<'l> {
    /// The instrument.
    pub instrument: Named,
    /// The law it sets out.
    pub source: Citation,
    /// When the source was last compared with the text.
    pub source_checked: Option<Date>,
    /// What is on record of the source.
    pub source_note: Option<Arc<str>>,
    /// Why it stands at its place, the weightiest first.
    pub reasons: Vec<Reason>,
    /// The two States as it binds them, the asking one first.
    pub bound: [BoundState; 2],
    /// Authorities of the asking State that its law lets ask.
    pub issuers: Vec<Issuer<'l>>,
    /// Authorities of the other State that may execute the measure.
    pub addressees: Vec<Addressee<'l>>,
    /// How requests travel, where the module says so.
    pub channel: Option<Reason>,
    /// The form, where one is prescribed for the measure.
    pub form: Option<FormInfo>,
    /// Languages accepted; where none is declared, those of the State.
    pub languages: Vec<Arc<str>>,
    /// The State has declared its languages under the instrument.
    pub languages_declared: bool,
    /// Legal time limits.
    pub time_limits: Vec<TimeLimit>,
    /// Facts on which more hangs, in the order of a request's way; what an
    /// authority, a validation or a language settles is told apart.
    pub open: Vec<OpenFact>,
    /// Where the conduct must be an offence in both States.
    pub dual_criminality: DualCriminality,
    /// Grounds, requirements and referrals that may matter, in the order of a
    /// request's way.
    pub prospects: Vec<Prospect>,
    /// Assurances that may be asked for.
    pub assurances: Vec<AssuranceAsked>,
    /// Conditions that will bind.
    pub obligations: Vec<ExpectedObligation>,
    /// Guidance of the instrument's module.
    pub notes: Option<Arc<str>>,
    /// What is on record as not settled, of the instrument, of its binding the
    /// two States, and of the two States.
    pub unsettled: Vec<Unsettled>,
}

/// A question on record about an entry of the library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsettled {
    /// What has to be found out.
    pub question: Arc<str>,
    /// When that was last looked at.
    pub checked: Date,
}

/// A State as an instrument binds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BoundState {
    /// The State.
    pub state: Named,
    /// Since when.
    pub since: Date,
    /// Where that stands.
    pub citation: Option<Citation>,
    /// How sure the entry is.
    pub confidence: Confidence,
    /// Declarations and reservations.
    pub declarations: Vec<Arc<str>>,
}

/// An authority that may ask for the measure under its own law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issuer<'l> {
    /// The authority.
    pub authority: Addressee<'l>,
    /// What the instrument and both States make of its kind.
    pub competence: Competence,
}

/// Whether an authority of a kind may ask under an instrument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Competence {
    /// It may ask by itself.
    Alone,
    /// It may ask once an authority of one of these kinds has validated, as
    /// the rule demands.
    Validated(Vec<Arc<str>>, Box<RuleRef>),
    /// It may not, by this rule.
    Barred(Box<RuleRef>),
}

/// The form that an instrument prescribes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FormInfo {
    /// Its name.
    pub title: Arc<str>,
    /// Where it is prescribed.
    pub citation: Citation,
    /// A request may go without it.
    pub may_be_omitted: bool,
    /// Parts without which it is incomplete.
    pub required: Vec<Arc<str>>,
    /// Parts that are filled in where they apply.
    pub optional: Vec<Arc<str>>,
}

/// A time limit, and how urgent a request must be for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimeLimit {
    /// The time limit; it has not started.
    pub clock: Clock,
    /// The event that starts it, as a noun or in a sentence with quotation marks.
    pub starts: Arc<str>,
    /// Under which urgencies it runs.
    pub urgencies: Vec<Urgency>,
    /// How its rule stands.
    pub standing: Standing,
    /// The lines that must hold, as far as they are not settled.
    pub when: Vec<Line>,
    /// The lines any of which lifts it, as far as they are not settled.
    pub unless: Vec<Line>,
}

/// An assurance that may be asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssuranceAsked {
    /// Kinds of assurance, any of which will do.
    pub kinds: Vec<Arc<str>>,
    /// The rule that asks.
    pub rule: RuleRef,
    /// How that rule stands.
    pub standing: Standing,
    /// The lines that must hold, as far as they are not settled.
    pub when: Vec<Line>,
}

/// A condition that will bind, or may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpectedObligation {
    /// The condition.
    pub obligation: Obligation,
    /// How its rule stands.
    pub standing: Standing,
    /// The lines that must hold, as far as they are not settled.
    pub when: Vec<Line>,
    /// The lines any of which lifts it, as far as they are not settled.
    pub unless: Vec<Line>,
}

/// Whether the conduct must be an offence in both States.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DualCriminality {
    /// The position.
    pub position: DualCriminalityPosition,
    /// The rules that test it, or would.
    pub rules: Vec<RuleRef>,
    /// What lifts, or would lift, the test.
    pub lifted_by: Vec<Line>,
}

/// See [`DualCriminality`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DualCriminalityPosition {
    /// No rule on the way asks for it.
    NotTested,
    /// Rules ask for it, and what is known lifts them all.
    Lifted,
    /// Rules ask for it, and the registers of both States show it.
    Shown,
    /// Rules ask for it.
    Tested,
}
