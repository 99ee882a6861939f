//! Names in what a scenario expects: what has none of them is never found.

use super::Names;
use crate::{
    diagnostic::nearest,
    model::{Effect, Module, Rule},
    remarks,
    scenario::expected::{
        Expected, ExpectedObligation, ExpectedReferral, ExpectedRequirement, ObligationDetails,
        RequirementDetails,
    },
};

impl<'a> Names<'a> {
    pub(super) fn expected(&mut self, expected: &Expected) {
        let rules = expected.rules.iter();
        for (place, id) in numbered("rules", rules).chain(numbered("absent", &expected.absent)) {
            self.rule(&place, id);
        }
        for id in expected.kinds.keys() {
            self.rule(&format!("/expect/kinds/{id}"), id);
        }
        let weighed = numbered("alternatives", &expected.alternatives);
        for (place, id) in weighed.chain(numbered("passed_over", &expected.passed_over)) {
            self.instrument(&place, id);
        }
        let carrier = expected.instrument.iter();
        carrier.for_each(|id| self.instrument("/expect/instrument", id));
        for (place, name) in numbered("missing", &expected.missing) {
            if !name.starts_with("form.") {
                let known = self.model.vocabulary.facts.keys();
                let known = known.map(|fact| &**fact);
                self.among(&place, ("fact of vocabulary.yaml", name), known);
            }
        }
        for measured in expected.clocks.keys() {
            let measures = |rule: &'a Rule| {
                let Effect::Clock(clock) = &rule.effect else {
                    return None;
                };
                Some(&*clock.measures)
            };
            let known = self.rules().filter_map(measures);
            // These are words of the rules' own: one that is like none may be meant.
            if nearest(measured, known.clone()).is_some() {
                let place = format!("/expect/clocks/{measured}");
                self.among(&place, ("thing that a clock measures", measured), known);
            }
        }
        self.details(expected);
    }

    fn details(&mut self, expected: &Expected) {
        for (place, expected) in numbered("obligations", &expected.obligations) {
            if let ExpectedObligation::Detailed(ObligationDetails { rule: Some(id), .. }) = expected
            {
                self.rule(&format!("{place}/rule"), id);
            }
        }
        for (place, expected) in numbered("requirements", &expected.requirements) {
            match expected {
                ExpectedRequirement::Detailed(RequirementDetails { rule: Some(id), .. }) => {
                    self.rule(&format!("{place}/rule"), id);
                }
                ExpectedRequirement::Field(field)
                    if self.rules().any(|rule| rule.id.as_str() == field) =>
                {
                    let remedy = format!("write `{{rule: {field}}}`");
                    let message = format!("`{field}` is a rule, no field of the request");
                    self.add(&place, message, Some(remedy));
                }
                ExpectedRequirement::Detailed(_) | ExpectedRequirement::Field(_) => {}
            }
        }
        for (place, expected) in numbered("referrals", &expected.referrals) {
            let ExpectedReferral {
                rule,
                role,
                jurisdiction,
                question: _,
                four_eyes: _,
            } = expected;
            let rule = rule.iter();
            rule.for_each(|id| self.rule(&format!("{place}/rule"), id));
            self.state(&format!("{place}/jurisdiction"), jurisdiction.as_ref());
            if let Some(role) = role {
                let asks = |rule: &'a Rule| {
                    let Effect::Refer { role, .. } = &rule.effect else {
                        return None;
                    };
                    Some(&**role)
                };
                let asked = self.rules().filter_map(asks);
                let facts = self.model.vocabulary.facts.values();
                let known = asked.chain(facts.filter_map(|fact| fact.role.as_deref()));
                self.among(&format!("{place}/role"), ("role that decides", role), known);
            }
        }
    }

    fn rules(&self) -> impl Iterator<Item = &'a Rule> + Clone + use<'a> {
        let modules: Vec<&'a Module> = self.model.every_module().collect();
        modules.into_iter().flat_map(|module| &module.rules)
    }

    /// A rule, or a remark of the library's own.
    fn rule(&mut self, place: &str, id: &str) {
        if !remarks::may_be_found(self.model, id) {
            let known = self.rules().map(|rule| rule.id.as_str());
            self.among(place, ("rule of the library", id), known);
        }
    }
}

/// What stands in a list of what is expected, each with its place.
fn numbered<'e, T>(
    list: &'static str,
    items: impl IntoIterator<Item = &'e T>,
) -> impl Iterator<Item = (String, &'e T)>
where
    T: 'e,
{
    let items = items.into_iter().enumerate();
    items.map(move |(index, item)| (format!("/expect/{list}/{index}"), item))
}
