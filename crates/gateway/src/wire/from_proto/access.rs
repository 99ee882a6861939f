//! Why personal data are read, and for whom.

use comity::v1::{self, AccessCategory};

use crate::wire::{
    Violation,
    read::{Findings, Path, TEXT_BYTES_MAX},
};

/// What is demanded of an access: its own category, and what may be named in
/// its place.
#[derive(Debug, Clone, Copy)]
pub struct Call {
    /// The call, for example `search`.
    pub name: &'static str,
    /// What it is where the reader says nothing.
    pub category: AccessCategory,
}

/// Checks what a reader states of an access: a purpose always, a recipient where
/// data are disclosed. `subject` is what is read.
///
/// # Errors
/// Every field that is not as the contract demands.
pub fn access(call: Call, stated: v1::Access) -> Result<v1::Access, Vec<Violation>> {
    let mut findings = Findings::default();
    let category = match AccessCategory::try_from(stated.category) {
        Ok(stated) => category(&mut findings, call, stated),
        Err(_) => findings.reject(Path::root("category"), UNFIT),
    };
    let v1::Access {
        category: _,
        call: _,
        purpose,
        recipient,
        subject,
        ordered_by: _,
        found: _,
    } = stated;
    if purpose.trim().is_empty() {
        findings.reject::<()>(Path::root("purpose"), "is missing: say why the log is read");
    }
    findings.bounded(Path::root("purpose"), &purpose, TEXT_BYTES_MAX);
    findings.bounded(Path::root("recipient"), &recipient, TEXT_BYTES_MAX);
    let discloses = category == Some(AccessCategory::Disclosure);
    match (discloses, recipient.trim().is_empty()) {
        (true, true) => {
            findings.reject::<()>(
                Path::root("recipient"),
                "is missing: say who receives what is disclosed",
            );
        }
        (false, false) if category.is_some() => {
            findings.reject::<()>(
                Path::root("recipient"),
                "belongs to a disclosure: name that category, or leave it out",
            );
        }
        (true, false) | (false, _) => {}
    }
    findings.conclude(category.map(|category| v1::Access {
        category: category.into(),
        call: call.name.to_owned(),
        purpose,
        recipient,
        subject,
        ordered_by: String::new(),
        found: 0,
    }))
}

fn category(findings: &mut Findings, call: Call, stated: AccessCategory) -> Option<AccessCategory> {
    match (call.category, stated) {
        (own, AccessCategory::Unspecified) => Some(own),
        (AccessCategory::Disclosure, AccessCategory::Disclosure) => Some(stated),
        (
            AccessCategory::Consultation,
            AccessCategory::Consultation | AccessCategory::Disclosure | AccessCategory::Combination,
        ) => Some(stated),
        (_, _) => findings.reject(Path::root("category"), UNFIT),
    }
}

const UNFIT: &str = "is none that this reading can be: leave it out, or name consultation, \
     disclosure or combination";

#[cfg(test)]
mod tests {
    use super::*;

    const SEARCH: Call = Call {
        name: "search",
        category: AccessCategory::Consultation,
    };
    const EXPORT: Call = Call {
        name: "export-case",
        category: AccessCategory::Disclosure,
    };

    fn stated(category: AccessCategory, purpose: &str, recipient: &str) -> v1::Access {
        v1::Access {
            category: category.into(),
            purpose: purpose.to_owned(),
            recipient: recipient.to_owned(),
            ..v1::Access::default()
        }
    }

    #[track_caller]
    fn rejects(call: Call, stated: v1::Access, fields: &[&str]) {
        let violations = access(call, stated).unwrap_err();
        let found: Vec<_> = violations.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(found, fields);
    }

    #[test]
    fn a_reading_has_the_category_of_its_call_unless_it_says_more() {
        use AccessCategory::{Combination, Consultation, Disclosure, Erasure, Unspecified};
        let category = |call, stated| access(call, stated).unwrap().category();
        assert_eq!(category(SEARCH, stated(Unspecified, "a", "")), Consultation);
        assert_eq!(category(SEARCH, stated(Combination, "a", "")), Combination);
        assert_eq!(category(EXPORT, stated(Unspecified, "a", "b")), Disclosure);
        rejects(SEARCH, stated(Erasure, "a", ""), &["category"]);
        rejects(EXPORT, stated(Consultation, "a", ""), &["category"]);
    }

    #[test]
    fn a_purpose_is_always_needed_and_a_recipient_where_data_are_disclosed() {
        use AccessCategory::{Disclosure, Unspecified};
        rejects(SEARCH, stated(Unspecified, " ", ""), &["purpose"]);
        rejects(SEARCH, stated(Disclosure, "a", " "), &["recipient"]);
        rejects(SEARCH, stated(Unspecified, "a", "b"), &["recipient"]);
        rejects(
            EXPORT,
            stated(Unspecified, "", ""),
            &["purpose", "recipient"],
        );
    }
}
