//! What was asked, by whom, of whom, and under the law of which day.

use comity_domain::{AuthorityId, JurisdictionCode, Offence, Urgency};

use super::{Occasion, Paragraph, Section, teller::Teller};
use crate::phrases::{Heading, Particular};

pub(super) fn section(teller: &Teller<'_>) -> Section {
    let request = teller.question.request;
    let tongue = teller.tongue;
    let (issuing, executing) = (&request.issuing.0, &request.executing.0);
    let measure = teller.measure(request.measure.as_str());
    let measure = format!("{measure} (`{}`)", request.measure);
    let basis = request.instrument.as_ref();
    let basis = basis.map(|id| teller.instrument(id.as_str()));
    let addressee = request.executing_authority.as_ref();
    let addressee = addressee.map(|id| authority(teller, executing, id));
    let particulars = [
        Particular::Issuer {
            authority: &authority(teller, issuing, &request.issuing_authority),
            state: &teller.state(issuing),
        },
        Particular::Addressee {
            authority: addressee.as_deref(),
            state: &teller.state(executing),
        },
        Particular::Measure { title: &measure },
        match &basis {
            Some(title) => Particular::Basis { title },
            None => Particular::NoBasis,
        },
    ]
    .map(|particular| tongue.particular(&particular));
    let urgency = match request.urgency {
        Urgency::Routine => None,
        Urgency::Urgent => Some(Particular::Urgent),
        Urgency::Emergency => Some(Particular::Emergency),
    };
    let law = Particular::Law {
        day: teller.trace.decision.law_date,
    };
    let offences = request.offences.iter().map(|of| offence(teller, of));
    let last = urgency.into_iter().chain([law]);
    let lines = particulars
        .into_iter()
        .chain(supposed(teller))
        .chain(offences)
        .chain(last.map(|particular| tongue.particular(&particular)));
    Section {
        title: tongue.heading(&Heading::Request),
        paragraphs: lines.map(Paragraph::plain).collect(),
    }
}

/// The bindings that a scenario supposes.
fn supposed(teller: &Teller<'_>) -> Vec<String> {
    let Occasion::Scenario(bindings) = teller.occasion else {
        return Vec::new();
    };
    let told = bindings.iter().filter_map(|(id, state)| {
        let instrument = teller.reader.model.instruments.get(id)?;
        let binding = instrument.binds.get(state)?;
        Some(teller.tongue.particular(&Particular::Supposed {
            title: &teller.instrument(id.as_str()),
            state: &teller.state(state),
            since: binding.since,
            until: binding.until,
            languages: &binding.languages.join(", "),
        }))
    });
    told.collect()
}

/// An authority by its name in the directory of its State.
fn authority(teller: &Teller<'_>, state: &JurisdictionCode, id: &AuthorityId) -> String {
    let state = teller.reader.model.jurisdictions.get(state);
    let record = state.and_then(|state| state.authorities.get(id.as_str()));
    match record {
        Some(record) => format!("{} (`{id}`)", teller.reader.words(&record.title)),
        None => format!("`{id}`"),
    }
}

fn offence(teller: &Teller<'_>, offence: &Offence) -> String {
    let issuing = &teller.question.request.issuing.0;
    let state = teller.reader.model.jurisdictions.get(issuing);
    let record = state.and_then(|state| state.offences.get(&offence.provision));
    let title = record.map(|record| teller.reader.words(&record.title));
    teller.tongue.particular(&Particular::Offence {
        provision: &offence.provision,
        title: title.as_deref(),
        months: offence.max_penalty_months,
    })
}
