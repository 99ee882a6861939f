//! One request that shows a difference, with nothing in it that need not be,
//! as a scenario that can stand beside the modules.

mod scenario;

use std::sync::Arc;

use comity_domain::{FactName, FactValue, Request};
use serde_json::Value;

use super::{Example, clean::stating, occasions::Ground, search::Found, suspects::Assignment};
use crate::scenario::{
    ANY_OFFENCE, GivenOffence, GivenPerson, GivenRequest, GivenRole, GivenUrgency, request,
};

/// The example of one way in which requests are decided otherwise; `number`
/// makes its id.
pub(super) fn example(ground: &Ground<'_>, found: &Found, number: usize) -> Option<Example> {
    let attempt = Attempt { ground, found };
    let stated = attempt.needed()?;
    let plain = with_facts(&found.occasion.given, &stated);
    let natural = attempt
        .natural(&stated)
        .filter(|given| attempt.shows(given));
    let given = natural.unwrap_or(plain);
    let [before, after] = ground.decisions(&attempt.request(&given)?);
    let [_, new] = ground.libraries;
    Some(Example {
        scenario: scenario::scenario(new, &given, &found.delta, (&after, number)),
        before,
        after,
    })
}

struct Attempt<'a> {
    ground: &'a Ground<'a>,
    found: &'a Found,
}

impl Attempt<'_> {
    /// The statements without which the example would show something else.
    fn needed(&self) -> Option<Assignment> {
        let bare = self.request(&self.found.occasion.given)?;
        let [_, new] = self.ground.libraries;
        let mut needed = self.found.stated.clone();
        for fact in self.found.stated.keys() {
            let mut fewer = needed.clone();
            fewer.remove(fact);
            if self.ground.delta(&stating(new, &bare, &fewer)).as_ref() == Some(&self.found.delta) {
                needed = fewer;
            }
        }
        Some(needed)
    }

    /// The request as its author would write it: what has a place of its own
    /// in a request stands there and not among the facts.
    fn natural(&self, stated: &Assignment) -> Option<GivenRequest> {
        let mut facts = stated.clone();
        let mut given = self.found.occasion.given.clone();
        if let Some(FactValue::Text(urgency)) = facts.remove("urgency") {
            given.urgency = match &*urgency {
                "routine" => GivenUrgency::Routine,
                "urgent" => GivenUrgency::Urgent,
                "emergency" => GivenUrgency::Emergency,
                _ => return None,
            };
        }
        if let Some(FactValue::Set(kinds)) = facts.remove("assurances") {
            given.assurances = kinds.iter().map(ToString::to_string).collect();
        }
        if let Some(FactValue::Set(roles)) = facts.remove("persons.roles") {
            given.persons = roles
                .iter()
                .map(|role| person(role))
                .collect::<Option<_>>()?;
        }
        given.offences.extend(self.offence(&mut facts));
        Some(with_facts(&given, &facts))
    }

    /// The one offence that the facts on offences speak of.
    fn offence(&self, facts: &mut Assignment) -> Option<GivenOffence> {
        let mut take = |name: &str| facts.remove(name);
        let truth = |value: Option<FactValue>| match value {
            Some(FactValue::Truth(truth)) => Some(truth),
            _ => None,
        };
        let ticked = truth(take("offence.annex_d"));
        let penalty = match take("offence.max_penalty_months") {
            Some(FactValue::Number(months)) => u32::try_from(months).ok(),
            _ => None,
        };
        let life_possible = truth(take("offence.life_possible"));
        let death_possible = truth(take("offence.death_possible"));
        let categories = match take("offence.categories") {
            Some(FactValue::Set(categories)) => categories,
            _ => Vec::new(),
        };
        let said = ticked.is_some()
            || penalty.is_some()
            || life_possible.is_some()
            || death_possible.is_some()
            || !categories.is_empty();
        let [_, new] = self.ground.libraries;
        let listed = new
            .model
            .vocabulary
            .types
            .get("Category")
            .into_iter()
            .flatten();
        let any = listed.filter(|_| ticked == Some(true));
        let category = categories.first().or(any.into_iter().next());
        said.then(|| GivenOffence {
            provision: ANY_OFFENCE.to_owned(),
            category: category.map(ToString::to_string),
            iccs: None,
            max_penalty_months: penalty,
            life_possible,
            death_possible,
        })
    }

    fn shows(&self, given: &GivenRequest) -> bool {
        let request = self.request(given);
        let delta = request.and_then(|request| self.ground.delta(&request));
        delta.as_ref() == Some(&self.found.delta)
    }

    fn request(&self, given: &GivenRequest) -> Option<Request> {
        let [old, new] = self.ground.libraries;
        let built = request::build(new, given).or_else(|_| request::build(old, given));
        Some(built.ok()?.request)
    }
}

fn person(role: &str) -> Option<GivenPerson> {
    let role = match role {
        "suspect" => GivenRole::Suspect,
        "victim" => GivenRole::Victim,
        "witness" => GivenRole::Witness,
        "third-party" => GivenRole::ThirdParty,
        _ => return None,
    };
    Some(GivenPerson {
        role,
        age: None,
        nationality: None,
        residence: None,
    })
}

fn with_facts(given: &GivenRequest, facts: &Assignment) -> GivenRequest {
    let facts = facts.iter();
    let facts = facts.map(|(name, value): (&FactName, &FactValue)| (name.to_string(), json(value)));
    GivenRequest {
        facts: facts.collect(),
        ..given.clone()
    }
}

fn json(value: &FactValue) -> Value {
    match value {
        FactValue::Truth(truth) => Value::from(*truth),
        FactValue::Number(number) => Value::from(*number),
        FactValue::Text(text) => Value::from(&**text),
        FactValue::Day(day) => Value::from(day.to_string()),
        FactValue::Set(values) => values.iter().map(|value: &Arc<str>| &**value).collect(),
    }
}
