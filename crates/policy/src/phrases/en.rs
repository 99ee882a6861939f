//! English.

mod finding;

use comity_domain::{BoundParty, ClockUnit, FactSource, ObligationKind};
use jiff::civil::Date;

pub(super) use self::finding::{fault, remark, weighed};
use super::{
    Basis, Because, Carrier, Heading, Next, Office, Particular, Round, Test, Verdict, listed,
    month, span,
};

const MONTHS: &str =
    "January February March April May June July August September October November December";

pub(super) fn heading(heading: &Heading<'_>) -> String {
    match heading {
        Heading::Request => "The request".to_owned(),
        Heading::Instrument => "The instrument".to_owned(),
        Heading::Outbound { state } => format!("The issuing State: {state}"),
        Heading::Rules { instrument } => format!("The rules of the instrument: {instrument}"),
        Heading::Inbound { state } => format!("The executing State: {state}"),
        Heading::WayBack => "On the way back".to_owned(),
        Heading::Presumed => "Presumptions".to_owned(),
        Heading::Outcome => "The outcome".to_owned(),
    }
}

pub(super) fn particular(particular: &Particular<'_>) -> String {
    match particular {
        Particular::Issuer { authority, state } => {
            format!("Issuing authority: {authority}, {state}")
        }
        Particular::Addressee {
            authority: Some(authority),
            state,
        } => format!("Executing authority: {authority}, {state}"),
        Particular::Addressee { state, .. } => format!("Executing State: {state}"),
        Particular::Measure { title } => format!("Measure: {title}"),
        Particular::Basis { title } => format!("Legal basis named: {title}"),
        Particular::NoBasis => "Legal basis: none named, it is for the library to find".to_owned(),
        Particular::Supposed {
            title,
            state,
            since,
            until,
            languages,
        } => {
            let until = until.map(|until| format!(" and until {}", day(until)));
            let until = until.unwrap_or_default();
            let languages = match languages.is_empty() {
                true => String::new(),
                false => format!("; languages accepted: {languages}"),
            };
            format!(
                "Supposed in this scenario: {title} binds {state} since {}{until}{languages}",
                day(*since)
            )
        }
        Particular::Offence {
            provision,
            title,
            months,
        } => {
            let title = title.map(|title| format!(", {title}")).unwrap_or_default();
            let months = match months {
                Some(months) => format!(", up to {months} months of custody"),
                None => ", maximum penalty not stated".to_owned(),
            };
            format!("Offence: {provision}{title}{months}")
        }
        Particular::Urgent => "Urgency: urgent".to_owned(),
        Particular::Emergency => "Urgency: emergency".to_owned(),
        Particular::Law { day: law } => {
            format!(
                "Law applied: as in force on {}, the day of issue",
                day(*law)
            )
        }
    }
}

pub(super) fn carrier(carrier: &Carrier<'_>) -> String {
    match carrier {
        Carrier::Named { title } => {
            format!("{title} carries the request: it is named, and nothing stands against it.")
        }
        Carrier::Alone { title } => format!(
            "{title} carries the request: no other instrument of the library is open between the two States for this measure on that day."
        ),
        Carrier::Speciality { title } => {
            format!("{title} carries the request: it prevails over the others that are open.")
        }
        Carrier::Route { title, state } => {
            format!("{title} carries the request: {state} prefers it for this measure.")
        }
        Carrier::Rank { title } => format!(
            "{title} carries the request: of those that are open it stands first in the library's order."
        ),
        Carrier::Nothing => "No instrument carries the request.".to_owned(),
        Carrier::Bound { state, since } => format!("{state}: bound since {}", day(*since)),
        Carrier::PassedOver => "Weighed and passed over:".to_owned(),
        Carrier::Others { titles } => format!("These would carry it: {titles}."),
    }
}

pub(super) fn round(round: &Round<'_>) -> String {
    match round {
        Round::Asked { rules: 0 } => "No rule was asked.".to_owned(),
        Round::Asked { rules: 1 } => "One rule was asked.".to_owned(),
        Round::Asked { rules } => format!("{rules} rules were asked."),
        Round::NotMet { rules: 1, list } => {
            format!("One rule was asked and does not come into play: {list}.")
        }
        Round::NotMet { rules, list } => {
            format!("{rules} rules were asked and do not come into play: {list}.")
        }
        Round::WayBackApproved => "This binds what goes back.".to_owned(),
        Round::Presumed => "Each of these stands until somebody states otherwise:".to_owned(),
        Round::WayBackOtherwise => {
            "Nothing goes back while the request is not approved. If it is, this applies."
                .to_owned()
        }
    }
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permits => "Permitted",
        Verdict::Excepts => "Exception",
        Verdict::MustRefuse => "Mandatory ground for refusal",
        Verdict::MayRefuse => "Optional ground for refusal",
        Verdict::Returns => "Ground for return",
        Verdict::NotApplicable => "Does not apply",
        Verdict::Requires => "Still needed",
        Verdict::Refers => "For a human to judge",
        Verdict::Obliges => "Condition on the answer",
        Verdict::Limits => "Time limit",
        Verdict::Doubtful => "Doubtful, for a human to judge",
        Verdict::Open => "Cannot be judged yet",
        Verdict::Precaution => "Applied as a precaution",
        Verdict::Failed => "Could not be evaluated",
        Verdict::Lifted => "Lifted",
    }
}

pub(super) fn because(because: &Because<'_>) -> String {
    match because {
        Because::Always => "It applies without condition".to_owned(),
        Because::Holds { test, basis } => format!("{test} ({basis})"),
        Because::NotKnown { test, basis } => format!("Not known: {test} ({basis})"),
        Because::LiftedBy { test, basis } => format!("Lifted, for {test} ({basis})"),
        Because::WouldLift { test, basis } => {
            format!("Would be lifted by this, which is not so: {test} ({basis})")
        }
        Because::MayLift { test, basis } => {
            format!("May be lifted by this, which is not known: {test} ({basis})")
        }
        Because::LiftedByRule { rule } => format!("Lifted by the exception {rule}"),
        Because::MayBeLiftedByRule { rule } => format!("May be lifted by the exception {rule}"),
        Because::LiftsRule { rule } => format!("Lifts the rule {rule}"),
        Because::MayLiftRule { rule } => format!("May lift the rule {rule}"),
        Because::Settle { ask, who } => format!("To settle ({who}): {ask}"),
        Because::LowConfidence => {
            "The reading is of low confidence and never decides alone".to_owned()
        }
        Because::NoneLifts { lines: 1 } => {
            "Nothing lifts it: its one exception does not apply".to_owned()
        }
        Because::NoneLifts { lines } => {
            format!("Nothing lifts it: none of its {lines} exceptions applies")
        }
        Because::Immaterial => "It does not matter: another rule permits the request".to_owned(),
        Because::EngineFailed => {
            "The rule could not be evaluated: the operator of the gateway has to look at it"
                .to_owned()
        }
        Because::ConsultFirst => {
            "The executing authority must consult the issuing authority first".to_owned()
        }
        Because::Supply { remedy, field } => format!("{remedy} (in `{field}`)"),
        Because::Question { question, who } => format!("To decide ({who}): {question}"),
        Because::FourEyes => "Two different persons must agree".to_owned(),
        Because::Obligation {
            kind,
            bound,
            parameters,
        } => {
            let party = side(*bound);
            let bound = format!("{kind}, binding the {party} side");
            row(&std::iter::once(bound)
                .chain(parameters.iter().cloned())
                .collect::<Vec<_>>())
        }
        Because::Clock {
            length,
            from,
            until,
            calendar,
        } => {
            let calendar = calendar.map(|state| format!("; calendar of {state}"));
            let calendar = calendar.unwrap_or_default();
            format!("{length} from {from} until {until}{calendar}")
        }
        Because::Pauses { from, until } => format!("It stands still from {from} until {until}"),
        Because::Extendable { length, by } => {
            let party = side(*by);
            format!("The {party} side may extend it by up to {length}, with a reason")
        }
        Because::EndsCase => "The case is over once it has run out".to_owned(),
        Because::HoldsRelease => "No data are released while it runs".to_owned(),
    }
}

fn side(bound: BoundParty) -> &'static str {
    match bound {
        BoundParty::Issuing => "issuing",
        BoundParty::Executing => "executing",
    }
}

pub(super) fn basis(basis: &Basis<'_>) -> String {
    match basis {
        Basis::Facts {
            titles,
            value: Some(value),
            source,
        } => format!("{titles}: {value}, {source}"),
        Basis::Facts { titles, source, .. } => format!("{titles}: {source}"),
        Basis::Presumed { because } => format!("presumed: {because}"),
        Basis::PresumedAll => "presumed".to_owned(),
        Basis::PresumedFact {
            title,
            value,
            because,
        } => format!("{title}: {value}. {because}"),
        Basis::InScenario => "stated in the scenario".to_owned(),
        Basis::NobodyStated => "nobody has stated it".to_owned(),
    }
}

pub(super) fn test(test: &Test<'_>) -> String {
    match test {
        Test::Is { fact } => format!("{fact} is the case"),
        Test::IsNot { fact } => format!("{fact} is not the case"),
        Test::AnyOf { facts } => format!("at least one of these is the case: {facts}"),
        Test::Equals { fact, value } => format!("{fact} is {value}"),
        Test::Differs { fact, value } => format!("{fact} is not {value}"),
        Test::LessThan { fact, value } => format!("{fact} is less than {value}"),
        Test::AtMost { fact, value } => format!("{fact} is at most {value}"),
        Test::MoreThan { fact, value } => format!("{fact} is more than {value}"),
        Test::AtLeast { fact, value } => format!("{fact} is at least {value}"),
        Test::Before { fact, day } => format!("{fact} is before {day}"),
        Test::UpTo { fact, day } => format!("{fact} is not after {day}"),
        Test::After { fact, day } => format!("{fact} is after {day}"),
        Test::From { fact, day } => format!("{fact} is not before {day}"),
        Test::OneOf { fact, values } => format!("{fact} is {}", listed(values, "or")),
        Test::Includes { fact, value } => format!("{fact} includes {value}"),
        Test::IncludesAll { fact, values } => format!("{fact} includes {}", listed(values, "and")),
        Test::IncludesAny { fact, values } => format!("{fact} includes {}", listed(values, "or")),
        Test::Empty { fact } => format!("{fact} is empty"),
        Test::MeasureIs { kind } => format!("the measure falls under {kind}"),
        Test::And { tests } => tests.join(" and "),
        Test::Or { tests } => tests.join(" or "),
        Test::Not { test } => format!("it is not so that {test}"),
        Test::Expression { text } => format!("`{text}` is true"),
    }
}

pub(super) fn next(next: &Next<'_>) -> String {
    match next {
        Next::Approved { state } => {
            format!("The request is approved. It goes to the executing State ({state}) once the decision is recorded.")
        }
        Next::Incomplete => {
            "The request is incomplete. Nothing is sent until what is missing has been supplied."
                .to_owned()
        }
        Next::Referred => {
            "The request is referred. Nothing is sent until a human has judged what the law leaves to judgement."
                .to_owned()
        }
        Next::Refused { grounds: 1 } => "The request is refused, on one ground.".to_owned(),
        Next::Refused { grounds } => format!("The request is refused, on {grounds} grounds."),
        Next::Supply => "To be supplied before the request is sent again:".to_owned(),
        Next::Answer => "To be answered first:".to_owned(),
        Next::AlsoSupply => "Besides, this is missing:".to_owned(),
        Next::AlsoAnswer => "Besides, this is left to judgement:".to_owned(),
        Next::Lacking { remedy, field } => format!("{remedy} (in `{field}`)"),
        Next::Asked { question, who } => format!("{who}: {question}"),
        Next::Consult => {
            "The executing authority must consult the issuing authority before it refuses."
                .to_owned()
        }
        Next::HaveItValidated => {
            "To be sent again once a competent authority has issued or validated it.".to_owned()
        }
        Next::OtherWays { titles } => format!("Other ways to try: {titles}."),
        Next::WouldLift => "What would lift a ground stands with it above.".to_owned(),
        Next::NoOtherWay => "The library knows no other instrument that would carry it.".to_owned(),
        Next::Deadlines => "Time limits that run now:".to_owned(),
        Next::Deadline {
            what,
            length,
            until,
        } => format!("{what}: {length}, until {until}"),
        Next::Conditions { count: 1 } => "One condition travels with the answer.".to_owned(),
        Next::Conditions { count } => format!("{count} conditions travel with the answer."),
    }
}

pub(super) fn source(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "stated by the issuing authority",
        FactSource::Gateway => "shown by the request itself",
        FactSource::Register => "taken from the library's registers",
        FactSource::Executing => "stated by the executing authority",
        FactSource::Judgement => "found by a human decision maker",
    }
}

pub(super) fn settler(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "the issuing authority",
        FactSource::Gateway => "the request itself",
        FactSource::Register => "the library's registers",
        FactSource::Executing => "the executing authority",
        FactSource::Judgement => "a human decision maker",
    }
}

pub(super) fn office(office: Office) -> &'static str {
    match office {
        Office::CentralAuthority => "central authority",
        Office::ContactPoint => "contact point",
        Office::EnforcingAuthority => "enforcing authority",
        Office::ExecutingAuthority => "executing authority",
        Office::ExecutingCentralAuthority => "central authority of the executing State",
        Office::ExecutingCourt => "court of the executing State",
        Office::ExecutingJudge => "judge of the executing State",
        Office::ExecutingMinister => "minister of justice of the executing State",
        Office::GatewayOperator => "operator of the gateway",
        Office::IssuingAuthority => "issuing authority",
        Office::IssuingCentralAuthority => "central authority of the issuing State",
        Office::IssuingCourt => "court of the issuing State",
        Office::IssuingJudge => "judge of the issuing State",
        Office::Minister => "minister",
        Office::NationalCentralBureau => "national central bureau",
    }
}

pub(super) fn obligation(kind: ObligationKind) -> &'static str {
    match kind {
        ObligationKind::UseLimit => "Limit on use",
        ObligationKind::Speciality => "Speciality",
        ObligationKind::HandlingCode => "Handling code",
        ObligationKind::Redact => "Redaction",
        ObligationKind::RetainUntil => "Retention",
        ObligationKind::DeleteAfter => "Deletion",
        ObligationKind::Notify => "Duty to notify",
        ObligationKind::NoOnwardTransfer => "No onward transfer",
        ObligationKind::ConfirmWithin => "Duty to confirm",
    }
}

pub(super) fn length(number: u32, of: ClockUnit) -> String {
    let one = ["hour", "day", "working day", "month"];
    let many = ["hours", "days", "working days", "months"];
    let units = if number == 1 { one } else { many };
    span(number, of, units, "No set length")
}

pub(super) fn day(day: Date) -> String {
    let month = month(day, MONTHS);
    format!("{} {month} {}", day.day(), day.year())
}

pub(super) fn truth(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

pub(super) fn nothing() -> &'static str {
    "none"
}

pub(super) fn labelled(label: &str, text: &str) -> String {
    format!("{label}: {text}")
}

pub(super) fn row(parts: &[String]) -> String {
    parts.join("; ")
}

pub(super) fn quoted(title: &str) -> String {
    format!("“{title}”")
}

pub(super) fn provision(provision: &str) -> String {
    match provision.strip_prefix("art ") {
        Some(rest) => format!("Art. {rest}"),
        None => provision.to_owned(),
    }
}
