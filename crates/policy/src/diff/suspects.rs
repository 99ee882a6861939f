//! Rules that may say something else than before, and the facts by which they
//! do: found by asking the rule of both libraries over every combination of
//! the values that either version tells apart.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use comity_domain::{FactName, FactSource, FactUse, FactUseSource, FactValue, RuleId, Stage};

use super::{
    occasions::{Asks, Ground, reads},
    touched::Touched,
    zip,
};
use crate::{
    Library, decide,
    evaluate::{Evaluator, Holds, Known},
    findings::lines,
    model::{Condition, Declarations, Effect, Instrument, Rule},
    resolve::Matter,
    vary,
};

/// Most combinations tried for one rule in one setting.
const COMBINATIONS: usize = 2048;
/// Of those that tell a rule apart in one way, how many are decided at most,
/// those nearest to a request against which nothing stands.
pub(super) const TRIES: usize = 8;

/// Facts that the two States and the measure settle.
pub(super) const SETTLED: [&str; 6] = [
    "issuing.state",
    "executing.state",
    "measure",
    "issuing.death_penalty",
    "executing.death_penalty",
    "executing.criminal_age",
];

/// What somebody states of the facts that a rule reads.
pub(super) type Assignment = vary::Stated;

/// Assignments by which a rule is told from what it was.
#[derive(Debug, Default)]
pub(super) struct Apart {
    /// Facts that every assignment speaks of.
    pub(super) facts: BTreeSet<FactName>,
    /// Fields of a form that it reads, which are left unsaid.
    pub(super) forms: BTreeSet<FactName>,
    /// By what the rule said and says.
    pub(super) classes: BTreeMap<Class, Near>,
    /// All combinations, tried or not; `usize::MAX` where they cannot be counted.
    pub(super) combinations: usize,
    /// How many of them were tried.
    pub(super) tried: usize,
    /// Whatever else may be stated, the rule says what it says of one of those tried.
    pub(super) is_complete: bool,
}

/// Assignments that tell a rule apart in one way.
#[derive(Debug, Default)]
pub(super) struct Near {
    /// Those nearest to a request against which nothing stands, [`TRIES`] at most.
    pub(super) nearest: Vec<Assignment>,
    /// How many there are beside them.
    pub(super) more: usize,
}

/// What a rule said before, what it says now, and what the rule says to which
/// it is an exception.
pub(super) type Class = (Said, Said, Option<Said>);

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Said {
    /// There is no such rule here.
    Nothing,
    No,
    Unknown,
    Failed,
    Yes,
}

impl From<&Holds> for Said {
    fn from(holds: &Holds) -> Self {
        match holds {
            Holds::Yes => Self::Yes,
            Holds::No => Self::No,
            Holds::Unknown(_) => Self::Unknown,
            Holds::Failed => Self::Failed,
        }
    }
}

/// A rule as both libraries have it, where it applies.
pub(super) struct Suspect<'a> {
    pub(super) id: &'a RuleId,
    sides: [Option<Side<'a>>; 2],
}

#[derive(Clone, Copy)]
struct Side<'a> {
    rule: &'a Rule,
    /// The rule to which it is an exception.
    target: Option<&'a Rule>,
}

/// What both libraries know of a request before anything is stated.
pub(super) struct Setting<'a> {
    pub(super) declarations: [Declarations<'a>; 2],
    pub(super) bare: [Known; 2],
    /// What to state so that nothing stands against the request.
    pub(super) base: Assignment,
}

/// The rules to be told apart on an occasion.
pub(super) fn suspects<'a>(
    ground: &Ground<'a>,
    matters: &[Matter<'_>; 2],
    instruments: [&'a Instrument; 2],
    asks: Asks,
) -> Vec<Suspect<'a>> {
    let touched = ground.touched;
    let here = zip(ground.libraries, zip(matters.each_ref(), instruments));
    let [old, new] =
        here.map(|(library, (matter, instrument))| applicable(library, matter, instrument));
    let ids: BTreeSet<&'a RuleId> = old.keys().chain(new.keys()).copied().collect();
    let asked = |id: &RuleId| match asks {
        Asks::Plainly => false,
        Asks::All => true,
        Asks::OfTheDay => {
            let days = touched.days.get(id);
            days.is_some_and(|days| days.contains(&matters[0].law_date))
        }
    };
    ids.into_iter()
        .filter(|id| asked(id))
        .filter_map(|id| {
            let sides = [&old, &new].map(|rules| {
                let rule = *rules.get(id)?;
                let target = rule.exception_to.as_ref();
                let target = target.and_then(|target| rules.get(target).copied());
                Some(Side { rule, target })
            });
            let reading = |side: &Side<'_>| reads(side.rule, &touched.facts);
            let suspected = touched.rules.contains(id) || sides.iter().flatten().any(reading);
            suspected.then_some(Suspect { id, sides })
        })
        .collect()
}

/// Every rule that is law on the day and meant for the matter.
fn applicable<'a>(
    library: &'a Library,
    matter: &Matter<'_>,
    instrument: &'a Instrument,
) -> BTreeMap<&'a RuleId, &'a Rule> {
    let speakers = decide::speakers(&library.model, matter, instrument);
    let rules = speakers.into_iter().flat_map(|speaker| {
        let back = (speaker.stage != Stage::Outbound).then_some(Stage::Disclosure);
        let stages = [Some(speaker.stage), back];
        let speaks = move |rule: &&Rule| {
            stages.contains(&Some(rule.stage))
                && decide::applies(rule, rule.stage, matter, instrument)
        };
        speaker.module.rules_for(matter.measure).filter(speaks)
    });
    rules.map(|rule| (&rule.id, rule)).collect()
}

/// What tells rules apart, remembered: most requests leave a rule in one of a
/// few settings.
#[derive(Default)]
pub(super) struct Memory(Mutex<HashMap<Remembered, Arc<Apart>>>);

/// A rule by where it applies, and what both libraries know of what it reads,
/// and what is stated of that.
type Remembered = (RuleId, [bool; 2], [Vec<Option<String>>; 3]);

impl Memory {
    /// The assignments that tell a suspect apart; `cases` are tried too.
    pub(super) fn apart(
        &self,
        ground: &Ground<'_>,
        suspect: &Suspect<'_>,
        setting: &Setting<'_>,
        cases: &[Assignment],
    ) -> Arc<Apart> {
        let facts = suspect.facts();
        let seen = |value: &dyn Fn(&FactName) -> Option<String>| facts.iter().map(value).collect();
        let [old, new] = &setting.bare;
        let shown = |value: &FactValue| format!("{value:?}");
        let known =
            |known: &Known, fact: &FactName| known.get(fact).map(|found| shown(&found.value));
        let there = suspect.sides.map(|side| side.is_some());
        let key = (
            suspect.id.clone(),
            there,
            [
                seen(&|fact| known(old, fact)),
                seen(&|fact| known(new, fact)),
                seen(&|fact| setting.base.get(fact).map(shown)),
            ],
        );
        let memory = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = memory().get(&key) {
            return Arc::clone(found);
        }
        let found = Arc::new(suspect.tell_apart(ground, setting, cases));
        memory().insert(key, Arc::clone(&found));
        found
    }

    /// Everything remembered, by rule.
    pub(super) fn into_all(self) -> Vec<(RuleId, Arc<Apart>)> {
        let memory = self.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        memory
            .into_iter()
            .map(|((rule, ..), apart)| (rule, apart))
            .collect()
    }
}

impl Suspect<'_> {
    /// Facts that the rule, or the one to which it is an exception, reads.
    fn facts(&self) -> BTreeSet<FactName> {
        self.rules()
            .flat_map(lines)
            .flat_map(|line| &line.facts)
            .cloned()
            .collect()
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.sides
            .iter()
            .flatten()
            .flat_map(|side| [Some(side.rule), side.target])
            .flatten()
    }

    fn tell_apart(
        &self,
        ground: &Ground<'_>,
        setting: &Setting<'_>,
        cases: &[Assignment],
    ) -> Apart {
        let (forms, domains) = self.domains(ground, setting);
        let mut apart = Apart {
            facts: domains.keys().cloned().collect(),
            forms,
            combinations: vary::count(&domains),
            ..Apart::default()
        };
        let combinations = vary::nearest(&domains, &setting.base, COMBINATIONS);
        let mut declarations = setting.declarations.into_iter();
        let lines: Vec<&Condition> = self.rules().flat_map(lines).collect();
        apart.is_complete = apart.forms.is_empty()
            && combinations.len() >= apart.combinations
            && declarations.all(|side| vary::tell_all(side, &lines));
        let cases = cases.iter().map(|assignment| {
            let spoken = assignment
                .iter()
                .filter(|(fact, _)| domains.contains_key(*fact));
            let spoken = spoken.map(|(fact, value)| (Arc::clone(fact), value.clone()));
            spoken.collect()
        });
        for assignment in combinations.into_iter().chain(cases) {
            apart.tried += 1;
            if let Some(class) = self.class(ground, setting, &assignment) {
                let near = apart.classes.entry(class).or_default();
                if near.nearest.len() < TRIES {
                    near.nearest.push(assignment);
                } else {
                    near.more += 1;
                }
            }
        }
        apart
    }

    /// The fields of a form among the facts, of which nothing can be stated but
    /// in the form, and the values worth stating of the others.
    fn domains(
        &self,
        ground: &Ground<'_>,
        setting: &Setting<'_>,
    ) -> (BTreeSet<FactName>, vary::Domains) {
        let Touched { rules, facts, .. } = ground.touched;
        let mut domains = vary::Domains::new();
        for declarations in setting.declarations {
            domains.extend(vary::domains(declarations, self.rules().flat_map(lines)));
        }
        let (forms, mut domains): (vary::Domains, vary::Domains) = domains
            .into_iter()
            .partition(|(fact, _)| fact.starts_with("form."));
        domains.retain(|fact, _| !SETTLED.contains(&&**fact));
        let [old, new] = &setting.bare;
        for (fact, values) in &mut domains {
            let [before, after] = [old, new].map(|known| known.get(fact).map(|found| &found.value));
            if before == after {
                // Stated or not, it is the same.
                values.retain(|value| value.is_none() || value.as_ref() != before);
            }
        }
        let mut touched = self.facts().into_iter().filter(|fact| facts.contains(fact));
        if !rules.contains(self.id)
            && let Some(only) = touched.next()
            && touched.next().is_none()
            && let Some(values) = domains.get_mut(&only)
        {
            // The rule is as it was: only what nobody states may be otherwise.
            values.retain(Option::is_none);
        }
        (forms.into_keys().collect(), domains)
    }

    /// What the rule said and says over an assignment, unless that is the same.
    fn class(
        &self,
        ground: &Ground<'_>,
        setting: &Setting<'_>,
        assignment: &Assignment,
    ) -> Option<Class> {
        let known = zip(setting.bare.each_ref(), setting.declarations);
        let said = zip(self.sides, zip(ground.libraries, known));
        let said = said.map(|(side, (library, (bare, declarations)))| {
            let side = side?;
            let known = overlaid(bare, assignment, &self.facts());
            let evaluator = Evaluator::new(&library.terms, declarations, &known, library.engine);
            let target = side
                .target
                .map(|target| Said::from(&evaluator.holds(target)));
            Some((evaluator.holds(side.rule), target))
        });
        let [old, new] = said.each_ref().map(|said| {
            let holds = said.as_ref().map(|(holds, _)| Said::from(holds));
            holds.unwrap_or(Said::Nothing)
        });
        let silent = |said| matches!(said, Said::Nothing | Said::No);
        if silent(old) && silent(new) {
            return None;
        }
        let [lacks, lacked] = said.each_ref().map(|said| match said {
            Some((Holds::Unknown(facts), _)) => Some(facts),
            Some((Holds::Yes | Holds::No | Holds::Failed, _)) | None => None,
        });
        let Touched { voices, facts, .. } = ground.touched;
        let missing = lacks.into_iter().chain(lacked).flatten();
        let asked_otherwise = missing.into_iter().any(|fact| facts.contains(fact));
        let differs = old != new || lacks != lacked;
        let target = said.iter().flatten().find_map(|(_, target)| *target);
        // One that only lifts is heard where there is something to lift.
        let only_lifts = self.sides.iter().flatten().all(|side| {
            side.rule.exception_to.is_some() && matches!(side.rule.effect, Effect::Permit)
        });
        if only_lifts && target == Some(Said::No) {
            return None;
        }
        (differs || asked_otherwise || voices.contains(self.id)).then_some((old, new, target))
    }
}

/// What is known once an assignment is stated.
fn overlaid(bare: &Known, assignment: &Assignment, facts: &BTreeSet<FactName>) -> Known {
    let stated = |value: &FactValue| FactUse {
        value: value.clone(),
        source: FactUseSource::Stated(FactSource::Judgement),
    };
    let fact = |fact: &FactName| {
        let stated = assignment.get(fact).map(stated);
        let known = stated.or_else(|| bare.get(fact).cloned());
        Some((Arc::clone(fact), known?))
    };
    facts.iter().filter_map(fact).collect()
}
