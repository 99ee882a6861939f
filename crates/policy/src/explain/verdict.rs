//! What a rule comes to once it was asked.

use comity_domain::{Confidence, GroundKind};

use super::{Tone, teller::Teller};
use crate::{Answer, Asked, model::Effect, phrases::Verdict};

/// What a rule comes to; `None` where it does not come into play.
pub(super) fn verdict(teller: &Teller<'_>, asked: &Asked<'_>) -> Option<Verdict> {
    let rule = asked.rule.rule;
    let is_exception = rule.exception_to.is_some() && matches!(rule.effect, Effect::Permit);
    match &asked.answer {
        Answer::No => lifted(asked).then_some(Verdict::Lifted),
        Answer::Failed => Some(Verdict::Failed),
        _ if is_exception && !lifts(teller, asked) => None,
        Answer::Yes if doubted(teller, asked) => Some(Verdict::Doubtful),
        Answer::Yes if is_exception => Some(Verdict::Excepts),
        Answer::Yes => Some(holding(&rule.effect)),
        Answer::Unknown(_) => Some(match rule.effect {
            Effect::Permit | Effect::Refuse { .. } | Effect::Require { .. } => Verdict::Open,
            Effect::Refer { .. } => Verdict::Refers,
            Effect::Oblige { .. } | Effect::Clock(_) => Verdict::Precaution,
        }),
    }
}

/// What a verdict means for the request.
pub(super) fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Permits | Verdict::Excepts => Tone::For,
        Verdict::MustRefuse | Verdict::MayRefuse | Verdict::Returns | Verdict::NotApplicable => {
            Tone::Against
        }
        Verdict::Requires
        | Verdict::Refers
        | Verdict::Doubtful
        | Verdict::Open
        | Verdict::Failed => Tone::Open,
        Verdict::Obliges | Verdict::Limits | Verdict::Precaution => Tone::Binding,
        Verdict::Lifted => Tone::Lifted,
    }
}

fn holding(effect: &Effect) -> Verdict {
    match effect {
        Effect::Permit => Verdict::Permits,
        Effect::Refuse { kind, .. } => match kind {
            GroundKind::Mandatory => Verdict::MustRefuse,
            GroundKind::Optional => Verdict::MayRefuse,
            GroundKind::Return => Verdict::Returns,
            GroundKind::NotApplicable => Verdict::NotApplicable,
        },
        Effect::Require { .. } => Verdict::Requires,
        Effect::Refer { .. } => Verdict::Refers,
        Effect::Oblige { .. } => Verdict::Obliges,
        Effect::Clock(_) => Verdict::Limits,
    }
}

/// Nothing of `when` stood against it; an exception or a line of `unless` did.
/// Of a duty that does not arise nobody needs to know.
fn lifted(asked: &Asked<'_>) -> bool {
    let a_ground = !matches!(
        asked.rule.rule.effect,
        Effect::Oblige { .. } | Effect::Clock(_)
    );
    let open = asked.when.iter().all(|line| line.answer != Answer::No);
    let by_line = asked.unless.iter().any(|line| line.answer == Answer::Yes);
    a_ground && open && (by_line || asked.exception.is_some())
}

/// An exception that had something to lift.
pub(super) fn lifts(teller: &Teller<'_>, asked: &Asked<'_>) -> bool {
    let target = asked.rule.rule.exception_to.as_ref();
    let target = target.and_then(|id| teller.asked(id));
    target
        .and_then(|target| target.exception)
        .is_some_and(|exception| exception.id() == asked.rule.id())
}

/// A human was asked whether it holds at all.
fn doubted(teller: &Teller<'_>, asked: &Asked<'_>) -> bool {
    let rule = asked.rule.rule;
    let asks = matches!(rule.effect, Effect::Require { .. } | Effect::Refer { .. });
    let mut referrals = teller.trace.decision.referrals.iter();
    !asks
        && rule.confidence == Confidence::Low
        && referrals.any(|referral| referral.rule.rule == rule.id)
}
