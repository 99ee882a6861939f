//! What a side reports of a case in words of the vocabulary, and time limits that
//! it extends.

use std::convert::identity;

use comity::v1::{self, ReportEventRequest};
use comity_domain::{BoundParty, CaseClock, CaseState};
use comity_policy::{LIFTED, OWN_CALL, allowance};
use prost_types::Struct;

use crate::{
    admit, anew,
    answer::{self, Answer},
    cases::{self, CaseAt},
    clocks::{self, Happened},
    gateway::Gateway,
    hold,
    identity::{Caller, Role},
    object,
    once::Call,
    record,
    refusal::Refusal,
    wire::{Violation, from_proto},
};

/// Events that tell of a transmission outside the system. It took place, however
/// the case stands: that is on record also where the case is over.
pub(crate) const OUTSIDE: [&str; 2] = ["transmitted-otherwise", "answered-otherwise"];
/// The call by which a side reports an event, as people know it.
pub(crate) const REPORT: &str = "report an event";
/// What the executing side reports where it names nothing else.
const PROGRESS: &str = "progress";
/// What says nothing without words, unless it comes on a form.
const CLARIFY: &str = "clarification-requested";

/// What a side has to report.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) side: BoundParty,
    /// By its name in the vocabulary; empty where it names none.
    pub(crate) event: String,
    /// In its own words.
    pub(crate) note: String,
    pub(crate) extension: Option<v1::Extension>,
    /// It comes on a form.
    pub(crate) on_form: bool,
}

/// See `CooperationService.ReportEvent`.
pub(crate) async fn event(
    gateway: &Gateway,
    caller: &Caller,
    message: ReportEventRequest,
) -> Result<v1::ReportEventResponse, Refusal> {
    let allowed = admit::role(caller, &[Role::Issuing], "issuing");
    record::attempted(gateway, caller, allowed).await?;
    let call = Call::new(caller, REPORT, &message);
    let call = record::attempted(gateway, caller, call).await?;
    let ReportEventRequest {
        name: _,
        event,
        note,
        extension,
        form,
        request_id: _,
    } = message;
    let report = Report {
        side: BoundParty::Issuing,
        event,
        note,
        extension,
        on_form: form.is_some(),
    };
    if report.event == LIFTED {
        let case = report.end(gateway, &call, LIFTED).await?;
        return reported(&case);
    }
    let read = |case: &CaseAt| Ok(report.read(gateway, case)?.told());
    let case = file(gateway, &call, form, read).await?;
    reported(&case)
}

fn reported(case: &CaseAt) -> Result<v1::ReportEventResponse, Refusal> {
    Ok(v1::ReportEventResponse {
        case: Some(cases::open(&case.snapshot)?),
    })
}

/// Files what a caller says of a case, on a form if it sent one, again where the
/// case changes meanwhile. A refusal is on record when it comes back.
pub(crate) async fn file(
    gateway: &Gateway,
    call: &Call<'_>,
    form: Option<Struct>,
    answer: impl Fn(&CaseAt) -> Result<Answer, Refusal>,
) -> Result<CaseAt, Refusal> {
    let report = || async {
        let (case, visible) = cases::known(gateway, call.caller, &call.name).await?;
        let answer = match answer(&case) {
            // What was sent outside was, whoever has the case now; nothing else is said of it.
            answer if visible => answer?,
            Ok(answer) if OUTSIDE.contains(&answer.event()) => answer,
            Ok(_) | Err(_) => return Err(cases::no_case(&case.row.id).into()),
        };
        let answer = answer.in_call(call);
        let form = check(gateway, &case, answer.event(), form.as_ref())?;
        answer::file(gateway, case, answer.on(form), None).await
    };
    let reported = call.carry_out(gateway, report, identity).await;
    record::attempted(gateway, call.caller, reported).await
}

/// The form that comes with the report of an event, if it is as the instrument
/// prescribes, or none where it may be left out.
fn check(
    gateway: &Gateway,
    case: &CaseAt,
    event: &str,
    form: Option<&Struct>,
) -> Result<Option<Struct>, Refusal> {
    let policies = gateway.policies();
    let measure = anew::request(case)?.measure.parse().ok();
    let basis = case.row.instrument.as_ref().zip(measure.as_ref());
    let prescribed = basis.and_then(|basis| policies.report_form(basis, event));
    match (prescribed, form) {
        (None, None) => Ok(None),
        (None, Some(_)) => {
            let wrong =
                format!("the instrument of the case prescribes no form for `{event}`: send none");
            Err(admit::malformed("form", &wrong))
        }
        (Some(prescribed), None) if prescribed.is_required() => {
            let missing = format!(
                "is missing: `{event}` is reported on the form of the instrument, with what it asks for"
            );
            Err(admit::malformed("form", &missing))
        }
        (Some(_), None) => Ok(None),
        (Some(prescribed), Some(form)) => {
            let content = from_proto::form(form.clone()).map_err(Refusal::Malformed)?;
            let problems = prescribed.check(&content).into_iter();
            let violations = problems.map(|problem| Violation {
                field: problem.field,
                description: problem.message,
            });
            let violations: Vec<_> = violations.collect();
            if !violations.is_empty() {
                return Err(Refusal::Malformed(violations));
            }
            if OUTSIDE.contains(&event) {
                from_proto::sent(&content, gateway.now()).map_err(Refusal::Malformed)?;
            }
            Ok(Some(form.clone()))
        }
    }
}

impl Report {
    /// What a report comes to in a case as it stands.
    ///
    /// # Errors
    /// What the law or the case does not allow.
    pub(crate) fn read(&self, gateway: &Gateway, case: &CaseAt) -> Result<Answer, Refusal> {
        if !OUTSIDE.contains(&self.event.as_str()) {
            open(case.row.state)?;
        }
        let remark = from_proto::note("note", &self.note).map_err(Refusal::Malformed)?;
        let extension = match &self.extension {
            None => None,
            Some(extension) => Some(self.extension(case, extension)?),
        };
        let event = match (self.event.as_str(), self.side) {
            ("", BoundParty::Executing) if extension.is_none() => PROGRESS,
            (event, _) => event,
        };
        if event.is_empty() {
            let absent = || admit::malformed("event", "is missing: name what happened");
            let extension = extension.ok_or_else(absent)?;
            return Ok(match remark.trim().is_empty() {
                true => extension,
                // Its own reason stands with the time limit.
                false => extension.remarked(remark),
            });
        }
        let policies = gateway.policies();
        let mut possible = policies.events_of(self.side);
        // That execution goes on can be said by who executes, whatever the vocabulary names.
        let executes = self.side == BoundParty::Executing;
        let known = (executes && event == PROGRESS) || possible.any(|known| known == event);
        if OWN_CALL.contains(&event) || !known {
            let possible = policies.events_of(self.side);
            let possible = possible.filter(|known| !OWN_CALL.contains(known));
            let possible: Vec<_> = possible.map(|event| format!("`{event}`")).collect();
            let possible = possible.join(", ");
            let wrong = format!("is no event that this side reports here; those are {possible}");
            return Err(admit::malformed("event", &wrong));
        }
        if event == CLARIFY && remark.trim().is_empty() && !self.on_form {
            let silent = "is missing: say what is to be clarified";
            return Err(admit::malformed("note", silent));
        }
        self.holds(gateway, case, (event, &remark))?;
        let to = (event == PROGRESS).then_some(CaseState::Executing);
        let answer = Answer::reported(event.to_owned(), to, remark);
        Ok(match extension {
            Some(extension) => answer.with(extension),
            None => answer,
        })
    }

    /// Ends a request for good, and says nothing else.
    pub(crate) async fn end(
        &self,
        gateway: &Gateway,
        call: &Call<'_>,
        event: &'static str,
    ) -> Result<CaseAt, Refusal> {
        let wrong = format!("goes with no `{event}`: leave it out");
        let alone = match (&self.extension, self.on_form) {
            (Some(_), _) => Err(admit::malformed("extension", &wrong)),
            (None, true) => Err(admit::malformed("form", &wrong)),
            (None, false) => Ok(()),
        };
        record::attempted(gateway, call.caller, alone).await?;
        object::end(gateway, call, event, &self.note).await
    }

    /// An event by which data are held, or held no more, is taken only where it does
    /// that: whoever reports it relies on it.
    fn holds(
        &self,
        gateway: &Gateway,
        case: &CaseAt,
        (event, remark): (&str, &str),
    ) -> Result<(), Refusal> {
        let policies = gateway.policies();
        let of_law = policies.holds(event);
        if !of_law.begin && !of_law.end {
            return Ok(());
        }
        let clocks = clocks::at(case, gateway.now())?;
        let begins = of_law.begin && hold::begins(case, &clocks, event);
        let mut open = clocks.iter().filter(|clock| clock.is_open());
        let ends = of_law.end && open.any(|clock| clock.ends_by(event));
        if !begins && !ends {
            let wrong = format!(
                "`{event}` would neither hold back data of the case nor let them go as it stands; `Case.clocks` says which clocks there are"
            );
            return Err(Refusal::NotNow(wrong));
        }
        if begins && !self.on_form {
            let measure = anew::request(case)?.measure.parse().ok();
            let basis = case.row.instrument.as_ref().zip(measure.as_ref());
            let form = basis.and_then(|basis| policies.report_form(basis, event));
            if form.is_some() {
                let missing = "is missing: give the reasons on the form of the instrument";
                return Err(admit::malformed("form", missing));
            }
            if remark.trim().is_empty() {
                return Err(admit::malformed("note", "is missing: say why"));
            }
        }
        Ok(())
    }

    fn extension(&self, case: &CaseAt, extension: &v1::Extension) -> Result<Answer, Refusal> {
        let v1::Extension {
            clock_id,
            length,
            reason,
        } = extension;
        let reason = from_proto::note("extension.reason", reason).map_err(Refusal::Malformed)?;
        if reason.trim().is_empty() {
            let missing = "is missing: say why, with the article";
            return Err(admit::malformed("extension.reason", missing));
        }
        let clocks = clocks::of(&case.snapshot.clocks)?;
        let clock = clocks.iter().find(|clock| clock.rule.as_str() == clock_id);
        let allowed = clock.map_or(0, |clock| allowance(clock, self.side));
        let Some(clock) = clock.filter(|_| allowed > 0) else {
            let wrong = not_extensible(&clocks, self.side);
            return Err(admit::malformed("extension.clock_id", &wrong));
        };
        let length = length.unwrap_or(allowed);
        if length == 0 || length > allowed {
            let wrong = format!("must be at least 1 and at most {allowed}, or absent");
            return Err(admit::malformed("extension.length", &wrong));
        }
        let note = format!("`{}` is extended by {length}", clock.terms.measures);
        let extended = Happened::Extended {
            rule: clock.rule.clone(),
            length,
            reason: reason.clone(),
        };
        Ok(Answer::extended(extended, note, reason))
    }
}

/// Why a time limit is not extended, and which could be.
fn not_extensible(clocks: &[CaseClock], side: BoundParty) -> String {
    let possible = clocks.iter().filter(|clock| allowance(clock, side) > 0);
    let possible: Vec<_> = possible.map(|clock| format!("`{}`", clock.rule)).collect();
    if possible.is_empty() {
        return "names no time limit that this side can extend now; there is none".to_owned();
    }
    let possible = possible.join(", ");
    format!("names no time limit that this side can extend now; those are {possible}")
}

/// Refuses what is said of a case that is over.
pub(crate) fn open(state: CaseState) -> Result<(), Refusal> {
    if !clocks::is_over(state) {
        return Ok(());
    }
    let states = CaseState::ALL.into_iter();
    Err(Refusal::NotAllowedNow {
        call: REPORT,
        state,
        allowed: states.filter(|state| !clocks::is_over(*state)).collect(),
    })
}
