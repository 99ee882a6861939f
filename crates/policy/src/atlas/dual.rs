//! Where the conduct must be an offence in both States.

use comity_domain::{FactValue, Stage};

use super::answer::{DualCriminality, DualCriminalityPosition as Position};
use crate::{
    Standing,
    findings::{Judged, lines},
    model::Effect,
    outlook::Outlook,
};

/// The fact that says so.
const FACT: &str = "dual_criminality";

/// What the rules make of dual criminality, as far as is known.
pub(super) fn position(outlook: &Outlook<'_, '_>) -> DualCriminality {
    let looks = outlook.looks.iter();
    let testing: Vec<_> = looks
        // What only matters once it is raised is told among the grounds.
        .filter(|look| look.standing < Standing::Dormant && tests(&look.judged))
        .collect();
    let lifted: Vec<_> = outlook
        .failing
        .iter()
        .filter(|judged| tests(judged))
        .collect();
    let shown = outlook
        .setting
        .known
        .get(FACT)
        .is_some_and(|fact| fact.value == FactValue::Truth(true));
    let (position, rules, lifted_by) = if !testing.is_empty() {
        let unless = testing
            .iter()
            .flat_map(|look| outlook.unsettled(look, &look.judged.rule.unless));
        let unless = unless.collect();
        let testing = testing.iter().map(|look| &look.judged);
        (Position::Tested, testing.collect(), unless)
    } else if lifted.is_empty() {
        (Position::NotTested, Vec::new(), Vec::new())
    } else if shown {
        (Position::Shown, lifted, Vec::new())
    } else {
        let unless = lifted
            .iter()
            .flat_map(|judged| outlook.holding(judged, &judged.rule.unless));
        let unless = unless.collect();
        (Position::Lifted, lifted, unless)
    };
    let mut lifted_by: Vec<crate::Line> = lifted_by;
    let mut seen = std::collections::BTreeSet::new();
    lifted_by.retain(|line| seen.insert(line.text.clone()));
    DualCriminality {
        position,
        rules: rules
            .into_iter()
            .map(|judged| outlook.setting.rule_ref(judged))
            .collect(),
        lifted_by,
    }
}

/// A rule that stands in the way where the conduct is no offence abroad.
fn tests(judged: &Judged<'_>) -> bool {
    let hurdle = match judged.rule.effect {
        Effect::Refuse { .. } | Effect::Require { .. } | Effect::Refer { .. } => true,
        Effect::Permit | Effect::Oblige { .. } | Effect::Clock(_) => false,
    };
    hurdle
        && judged.speaker.stage != Stage::Disclosure
        && lines(judged.rule).any(|line| line.facts.iter().any(|fact| &**fact == FACT))
}
