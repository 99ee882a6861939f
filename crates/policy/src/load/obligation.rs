//! Obligations: the parameters of each kind, and who confirms an act.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{BoundParty, ObligationKind};
use serde_json::Value;

use crate::{
    competence,
    diagnostic::{Code, Diagnostic},
    model::Effect,
};

use super::{context::Context, effect::party, place::Place, raw};

/// Parameter under which the confirmer of an act travels with the obligation.
const CONFIRMER: &str = "confirmer";

/// What the parameters of a kind of obligation are.
struct Shape {
    kind: ObligationKind,
    /// It demands an act that somebody must confirm.
    act: bool,
    needed: &'static [&'static str],
    /// At least one of these, where there are any.
    one_of: &'static [&'static str],
    possible: &'static [&'static str],
}

/// The time an act must be done in, or a thing be kept for.
const TIME: &[&str] = &["until", "months", "days", "working_days", "hours", "period"];

fn shape(kind: raw::ObligationKind) -> Shape {
    use raw::ObligationKind as Raw;
    let shape = |kind, needed, possible| Shape {
        kind,
        act: false,
        needed,
        one_of: &[],
        possible,
    };
    let act = |kind, needed, one_of, possible| Shape {
        kind,
        act: true,
        needed,
        one_of,
        possible,
    };
    match kind {
        Raw::UseLimit => shape(
            ObligationKind::UseLimit,
            &["purpose"],
            &["party", "event", "exception"],
        ),
        Raw::Speciality => shape(
            ObligationKind::Speciality,
            &[],
            &["purpose", "party", "exception"],
        ),
        Raw::HandlingCode => shape(ObligationKind::HandlingCode, &["code"], &["party", "role"]),
        Raw::Redact => shape(ObligationKind::Redact, &["path"], &[]),
        Raw::NoOnwardTransfer => shape(
            ObligationKind::NoOnwardTransfer,
            &[],
            &["party", "exception"],
        ),
        Raw::RetainUntil => act(
            ObligationKind::RetainUntil,
            &[],
            TIME,
            &["extension_days", "event", "exception"],
        ),
        Raw::DeleteAfter => act(
            ObligationKind::DeleteAfter,
            &[],
            &[
                "event",
                "until",
                "months",
                "days",
                "working_days",
                "hours",
                "period",
            ],
            &["exception"],
        ),
        Raw::Notify => act(
            ObligationKind::Notify,
            &["party"],
            &[],
            &["event", "days", "working_days", "hours", "exception"],
        ),
        Raw::ConfirmWithin => act(
            ObligationKind::ConfirmWithin,
            &[],
            TIME,
            &["party", "event"],
        ),
    }
}

/// The obligation at a place.
pub(super) fn oblige(place: &Place<'_>, raw: raw::Obligation, context: &mut Context) -> Effect {
    let shape = shape(raw.kind);
    context.found.extend(confirmer(place, &raw, &shape));
    parameters(&place.at("parameters"), place, &raw, &shape, context);
    let written = raw.parameters.into_iter().map(|(name, value)| {
        let text = value.as_str().map(str::to_owned);
        let value = text.unwrap_or_else(|| value.to_string());
        (Arc::from(name), Arc::from(value))
    });
    let confirmer = raw
        .confirmer
        .map(|role| (Arc::from(CONFIRMER), Arc::from(role)));
    Effect::Oblige {
        kind: shape.kind,
        bound: party(raw.bound),
        parameters: written.chain(confirmer).collect::<BTreeMap<_, _>>(),
    }
}

/// Who confirms: somebody on the bound side where an act is demanded.
fn confirmer(place: &Place<'_>, raw: &raw::Obligation, shape: &Shape) -> Option<Diagnostic> {
    let bound = party(raw.bound);
    let (side, example) = match bound {
        BoundParty::Issuing => ("issuing", "issuing-authority"),
        BoundParty::Executing => ("executing", "executing-authority"),
    };
    let at = || place.at(CONFIRMER);
    match (&raw.confirmer, shape.act) {
        (None, true) => Some(
            place
                .at("kind")
                .wrong(Code::WithoutConfirmer, "nobody confirms this obligation")
                .why("it demands an act, and somebody must say that it was done")
                .remedy(format!("add `confirmer: {example}`")),
        ),
        (Some(role), true) if competence::side(role) != Some(bound) => Some(
            at().wrong(
                Code::WrongConfirmer,
                format!("`{role}` is no role of the {side} side"),
            )
            .why(format!("the obligation binds the {side} side"))
            .remedy(format!(
                "name a role that begins with `{}`, such as `{example}`",
                competence::beginnings(bound)
                    .collect::<Vec<_>>()
                    .join("` or `")
            )),
        ),
        (Some(_), false) => Some(
            at().wrong(Code::WrongConfirmer, "there is no act to confirm")
                .why("this kind of obligation is kept by doing nothing against it")
                .remedy("remove `confirmer`"),
        ),
        (Some(_) | None, _) => None,
    }
}

/// The parameters the kind needs are there, it knows all that are, and each
/// says something.
fn parameters(
    place: &Place<'_>,
    obligation: &Place<'_>,
    raw: &raw::Obligation,
    shape: &Shape,
    context: &mut Context,
) {
    let given = |name: &&&str| raw.parameters.contains_key(**name);
    let kind = || obligation.at("kind");
    let missing = shape.needed.iter().find(|name| !given(name));
    if let Some(name) = missing {
        context.found.push(
            kind()
                .wrong(
                    Code::WrongParameter,
                    format!("the parameter `{name}` is missing"),
                )
                .why("this kind of obligation says nothing without it")
                .remedy(format!("add `parameters: {{{name}: …}}`")),
        );
    }
    if !shape.one_of.is_empty() && !shape.one_of.iter().any(|name| given(&name)) {
        let names = shape.one_of.join("`, `");
        context.found.push(
            kind()
                .wrong(Code::WrongParameter, "the time is missing")
                .why("this kind of obligation says nothing without it")
                .remedy(format!("add one of the parameters `{names}`")),
        );
    }
    for (name, value) in &raw.parameters {
        let at = place.at(name);
        let known = [shape.needed, shape.one_of, shape.possible].concat();
        if known.contains(&name.as_str()) {
            content(&at, name, value, context);
        } else {
            context.found.push(
                at.wrong_key(
                    Code::WrongParameter,
                    format!("this kind of obligation has no parameter `{name}`"),
                )
                .why("nothing would read it")
                .remedy(format!("its parameters: {}", known.join(", "))),
            );
        }
    }
}

/// What the schema cannot say of a parameter.
fn content(place: &Place<'_>, name: &str, value: &Value, context: &mut Context) {
    let Some(text) = value.as_str() else { return };
    match name {
        "event" => {
            context.event(place, text);
        }
        "role" => {
            context.listed(place, "PersonRole", text);
        }
        "path" => {
            context.json_path(place, Code::WrongParameter, text);
        }
        _ => {}
    }
}
