//! What the library itself says is not settled.

use comity_domain::Text;
use jiff::civil::Date;

use crate::model::{Model, Open};

/// A question about an entry of the library that is still open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenQuestion<'a> {
    /// The module, and the entry of it where one is meant:
    /// `instrument/eio not_bound IE`.
    pub place: String,
    /// What has to be found out, in several languages.
    pub question: &'a Text,
    /// The day on which it was last looked at.
    pub checked: Date,
}

/// Every open question, by module.
pub(crate) fn questions(model: &Model) -> Vec<OpenQuestion<'_>> {
    let mut questions = Vec::new();
    for instrument in model.instruments.values() {
        let module = &instrument.module.id;
        questions.extend(question(module.to_string(), instrument.open.as_ref()));
        for (state, binding) in &instrument.binds {
            let place = format!("{module} binds {state}");
            questions.extend(question(place, binding.open.as_ref()));
        }
        for (state, record) in &instrument.not_bound {
            let place = format!("{module} not_bound {state}");
            questions.extend(question(place, record.open.as_ref()));
        }
    }
    for state in model.jurisdictions.values() {
        questions.extend(question(state.module.id.to_string(), state.open.as_ref()));
    }
    questions
}

fn question(place: String, open: Option<&Open>) -> Option<OpenQuestion<'_>> {
    let Open { question, checked } = open?;
    Some(OpenQuestion {
        place,
        question,
        checked: *checked,
    })
}
