//! What binds the parties of a case, and what keeps its result sealed, in words.

use comity::v1::{Condition, ConditionState, Hold, HoldState, ObligationKind};

use super::instant;

/// A hold in one line.
pub(super) fn hold(hold: &Hold) -> String {
    let state = match hold.state() {
        HoldState::Unspecified | HoldState::On => "no data pass",
        HoldState::Lifted => "lifted",
        HoldState::Lapsed => "over, nothing was raised",
        HoldState::Objected => "a ground was raised, nothing ever passes",
    };
    let until = match (hold.state(), &hold.until) {
        (HoldState::On, Some(until)) => format!(" before {}", instant(until)),
        _ => String::new(),
    };
    format!("{}: {state}{until}", hold.clock_id)
}

/// A kind of condition as policy files name it.
pub(super) fn kind(kind: ObligationKind) -> String {
    let kind = kind.as_str_name();
    let kind = kind.trim_start_matches("OBLIGATION_KIND_");
    kind.to_lowercase().replace('_', "-")
}

/// A condition in one line, and another for what was said of it.
pub(super) fn condition(condition: &Condition) -> String {
    let kind = kind(condition.kind());
    let state = match condition.state() {
        ConditionState::Unspecified | ConditionState::Waiting => "does not bind yet",
        ConditionState::Open => "binds",
        ConditionState::Confirmed => "met",
        ConditionState::Breached => "BREACHED",
        ConditionState::Lifted => "binds no more",
    };
    let due = match (condition.state(), &condition.due_at) {
        (ConditionState::Open, Some(due)) => format!(", due {}", instant(due)),
        _ => String::new(),
    };
    let purpose = match condition.parameters.get("purpose") {
        Some(purpose) => format!(" ({purpose})"),
        None => String::new(),
    };
    let note = match condition.note.as_str() {
        "" => String::new(),
        note => format!("\n{:<15}“{note}”", ""),
    };
    let Condition {
        obligation_id: id,
        bound_party: side,
        ..
    } = condition;
    format!("{id}: {kind}{purpose} on the {side} side {state}{due}{note}")
}
