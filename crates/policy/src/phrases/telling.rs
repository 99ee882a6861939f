//! What an explanation says. Names and texts come in the reader's language
//! already, facts quoted; ids come as they are.

use comity_domain::BoundParty;
use jiff::civil::Date;

/// What stands above a part of an explanation.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Heading<'a> {
    Request,
    Instrument,
    Outbound { state: &'a str },
    Rules { instrument: &'a str },
    Inbound { state: &'a str },
    WayBack,
    Presumed,
    Outcome,
}

/// One line of what was asked, or of what carries it.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Particular<'a> {
    Issuer {
        authority: &'a str,
        state: &'a str,
    },
    Addressee {
        authority: Option<&'a str>,
        state: &'a str,
    },
    Measure {
        title: &'a str,
    },
    Basis {
        title: &'a str,
    },
    NoBasis,
    /// A scenario supposes that a State is bound so.
    Supposed {
        title: &'a str,
        state: &'a str,
        since: Date,
        until: Option<Date>,
        /// Empty: none declared.
        languages: &'a str,
    },
    Offence {
        provision: &'a str,
        title: Option<&'a str>,
        months: Option<u32>,
    },
    Urgent,
    Emergency,
    Law {
        day: Date,
    },
}

/// What carries a request, and why.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Carrier<'a> {
    /// It is named.
    Named {
        title: &'a str,
    },
    /// No other one is open to both States.
    Alone {
        title: &'a str,
    },
    /// It prevails over the others.
    Speciality {
        title: &'a str,
    },
    /// The issuing State prefers it.
    Route {
        title: &'a str,
        state: &'a str,
    },
    /// It stands first in the library's order.
    Rank {
        title: &'a str,
    },
    Nothing,
    Bound {
        state: &'a str,
        since: Date,
    },
    PassedOver,
    Others {
        titles: &'a str,
    },
}

/// The questioning of one stage.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Round<'a> {
    /// How many rules were asked.
    Asked {
        rules: usize,
    },
    /// Those that do not hold.
    NotMet {
        rules: usize,
        list: &'a str,
    },
    WayBackApproved,
    WayBackOtherwise,
    /// Above the facts presumed.
    Presumed,
}

/// What a rule comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Permits,
    /// Lifts a rule of another module.
    Excepts,
    MustRefuse,
    MayRefuse,
    Returns,
    NotApplicable,
    Requires,
    Refers,
    Obliges,
    Limits,
    /// It holds, but its reading is too unsure to decide alone.
    Doubtful,
    Open,
    /// Not known to hold, and applied while it may.
    Precaution,
    Failed,
    Lifted,
}

/// One reason for a verdict, or one thing it entails. `test` is a condition in
/// words, `basis` the facts it rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Because<'a> {
    Always,
    Holds {
        test: &'a str,
        basis: &'a str,
    },
    NotKnown {
        test: &'a str,
        basis: &'a str,
    },
    LiftedBy {
        test: &'a str,
        basis: &'a str,
    },
    WouldLift {
        test: &'a str,
        basis: &'a str,
    },
    MayLift {
        test: &'a str,
        basis: &'a str,
    },
    LiftedByRule {
        rule: &'a str,
    },
    MayBeLiftedByRule {
        rule: &'a str,
    },
    LiftsRule {
        rule: &'a str,
    },
    MayLiftRule {
        rule: &'a str,
    },
    Settle {
        ask: &'a str,
        who: &'a str,
    },
    LowConfidence,
    /// Lines of `unless`, none of which holds.
    NoneLifts {
        lines: usize,
    },
    /// An unknown permit beside one that holds.
    Immaterial,
    EngineFailed,
    ConsultFirst,
    Supply {
        remedy: &'a str,
        field: &'a str,
    },
    Question {
        question: &'a str,
        who: &'a str,
    },
    FourEyes,
    Obligation {
        kind: &'a str,
        bound: BoundParty,
        parameters: &'a [String],
    },
    Clock {
        length: &'a str,
        from: &'a str,
        until: &'a str,
        calendar: Option<&'a str>,
    },
    /// Events from which a clock stands still, and from which it runs again.
    Pauses {
        from: &'a str,
        until: &'a str,
    },
    Extendable {
        length: &'a str,
        by: BoundParty,
    },
    /// The case is over once the clock has run out.
    EndsCase,
}

/// The facts that a line rests on.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Basis<'a> {
    /// Facts alike: their titles, their value where known, and who said so.
    Facts {
        titles: &'a str,
        value: Option<&'a str>,
        source: &'a str,
    },
    Presumed {
        because: &'a str,
    },
    PresumedAll,
    /// A presumed fact, its value and the reason.
    PresumedFact {
        title: &'a str,
        value: &'a str,
        because: &'a str,
    },
    NobodyStated,
    /// A scenario states it.
    InScenario,
}

/// A condition in words; facts and values come quoted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Test<'a> {
    Is {
        fact: &'a str,
    },
    IsNot {
        fact: &'a str,
    },
    /// At least one of these facts is the case.
    AnyOf {
        facts: &'a str,
    },
    Equals {
        fact: &'a str,
        value: &'a str,
    },
    Differs {
        fact: &'a str,
        value: &'a str,
    },
    LessThan {
        fact: &'a str,
        value: &'a str,
    },
    AtMost {
        fact: &'a str,
        value: &'a str,
    },
    MoreThan {
        fact: &'a str,
        value: &'a str,
    },
    AtLeast {
        fact: &'a str,
        value: &'a str,
    },
    Before {
        fact: &'a str,
        day: &'a str,
    },
    UpTo {
        fact: &'a str,
        day: &'a str,
    },
    After {
        fact: &'a str,
        day: &'a str,
    },
    From {
        fact: &'a str,
        day: &'a str,
    },
    OneOf {
        fact: &'a str,
        values: &'a [String],
    },
    Includes {
        fact: &'a str,
        value: &'a str,
    },
    IncludesAll {
        fact: &'a str,
        values: &'a [String],
    },
    IncludesAny {
        fact: &'a str,
        values: &'a [String],
    },
    Empty {
        fact: &'a str,
    },
    /// The measure asked is of a kind.
    MeasureIs {
        kind: &'a str,
    },
    And {
        tests: &'a [String],
    },
    Or {
        tests: &'a [String],
    },
    Not {
        test: &'a str,
    },
    /// What has no words.
    Expression {
        text: &'a str,
    },
}

/// What became of the request and what to do now.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Next<'a> {
    Approved {
        state: &'a str,
    },
    Incomplete,
    Referred,
    Refused {
        grounds: usize,
    },
    Supply,
    Answer,
    AlsoSupply,
    AlsoAnswer,
    Lacking {
        remedy: &'a str,
        field: &'a str,
    },
    Asked {
        question: &'a str,
        who: &'a str,
    },
    Consult,
    HaveItValidated,
    OtherWays {
        titles: &'a str,
    },
    /// Points to the lines of `unless` under the grounds.
    WouldLift,
    NoOtherWay,
    Deadlines,
    Deadline {
        what: &'a str,
        length: &'a str,
        until: &'a str,
    },
    Conditions {
        count: usize,
    },
}

/// Offices that the library's modules let decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Office {
    CentralAuthority,
    ContactPoint,
    EnforcingAuthority,
    ExecutingAuthority,
    ExecutingCentralAuthority,
    ExecutingCourt,
    ExecutingJudge,
    ExecutingMinister,
    GatewayOperator,
    IssuingAuthority,
    IssuingCentralAuthority,
    IssuingCourt,
    IssuingJudge,
    Minister,
    NationalCentralBureau,
}

impl Office {
    /// The office of a role as modules write it; `None` for roles that are
    /// shown as they are written.
    pub(crate) fn of(role: &str) -> Option<Self> {
        Some(match role {
            "central-authority" => Self::CentralAuthority,
            "contact-point" => Self::ContactPoint,
            "enforcing-authority" => Self::EnforcingAuthority,
            "executing-authority" => Self::ExecutingAuthority,
            "executing-central-authority" => Self::ExecutingCentralAuthority,
            "executing-court" => Self::ExecutingCourt,
            "executing-judge" => Self::ExecutingJudge,
            "executing-minister-of-justice" => Self::ExecutingMinister,
            "gateway-operator" => Self::GatewayOperator,
            "issuing-authority" => Self::IssuingAuthority,
            "issuing-central-authority" => Self::IssuingCentralAuthority,
            "issuing-court" => Self::IssuingCourt,
            "issuing-judge" => Self::IssuingJudge,
            "minister" => Self::Minister,
            "national-central-bureau" => Self::NationalCentralBureau,
            _ => return None,
        })
    }
}
