//! Questions that humans have answered, and what follows from the answers. An
//! answer speaks for the one rule that asked, or states the one fact that the
//! rule waited for; everything else the law finds by itself.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{
    Confidence, Decision, Digest, FactName, FactUse, FactUseSource, FactValue, Judgement, Referral,
    RuleRef, Ruled, Ruling, Settles, Text,
};
use sha2::{Digest as _, Sha256};

use crate::{
    evaluate::{Holds, Known},
    findings::{Judged, Setting},
    model::{Effect, FactType, Rule},
};

/// The answers that count in one pass over the rules: those to questions that a
/// pass before it asked.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answers {
    rules: BTreeMap<Digest, Ruling>,
    facts: BTreeMap<FactName, (FactUse, Ruled)>,
}

/// Decides in passes: questions that were asked and answered are not asked
/// again, until nothing that is asked has an answer.
pub(crate) fn in_passes(
    rulings: &[Ruling],
    mut pass: impl FnMut(&Answers) -> Decision,
) -> (Decision, Answers) {
    let mut answers = Answers::default();
    let mut decision = pass(&answers);
    while answers.take(&decision.referrals, rulings) {
        decision = pass(&answers);
    }
    let facts = answers.facts.values().map(|(_, ruled)| ruled.clone());
    decision.rulings.extend(facts);
    (decision, answers)
}

impl Answers {
    /// Takes the answers to what is asked; false where there is none that was not
    /// taken before.
    fn take(&mut self, asked: &[Referral], rulings: &[Ruling]) -> bool {
        let answered: Vec<_> = asked
            .iter()
            .filter_map(|referral| {
                let ruling = rulings.iter().find(|one| one.basis == referral.basis)?;
                Some((referral, ruling))
            })
            .collect();
        // Where two who were asked found otherwise, no fact is known by that: each answer
        // speaks for the rule that asked.
        let agreed = |settles: &Settles, ruling: &Ruling| {
            let found = settles.value(ruling.judgement);
            answered.iter().all(|(referral, ruling)| {
                let other = referral.settles.as_ref();
                let other = other.filter(|other| other.fact == settles.fact);
                other.is_none_or(|other| other.value(ruling.judgement) == found)
            })
        };
        let mut taken = false;
        for (referral, ruling) in &answered {
            taken |= match &referral.settles {
                Some(settles) if agreed(settles, ruling) => {
                    self.state(settles, &referral.rule, ruling)
                }
                Some(_) | None => {
                    let ruling = Ruling::clone(ruling);
                    self.rules.insert(ruling.basis, ruling).is_none()
                }
            };
        }
        taken
    }

    /// States a fact that nobody has stated.
    fn state(&mut self, settles: &Settles, rule: &RuleRef, ruling: &Ruling) -> bool {
        let fact = || FactUse {
            value: FactValue::Truth(settles.value(ruling.judgement)),
            source: FactUseSource::Judged(Arc::clone(&ruling.task)),
        };
        let ruled = || Ruled {
            rule: rule.clone(),
            ruling: ruling.clone(),
            fact: Some(Arc::clone(&settles.fact)),
        };
        let new = !self.facts.contains_key(&settles.fact);
        self.facts
            .entry(Arc::clone(&settles.fact))
            .or_insert_with(|| (fact(), ruled()));
        new
    }

    /// Adds the facts that humans found to what is known.
    pub(crate) fn inform(&self, known: &mut Known) {
        for (name, (fact, _)) in &self.facts {
            known
                .entry(Arc::clone(name))
                .or_insert_with(|| fact.clone());
        }
    }

    /// Lets the answer to a rule's question speak in its place.
    pub(crate) fn speak(&self, setting: &Setting<'_>, judged: &mut Judged<'_>) -> Option<Ruled> {
        if self.rules.is_empty() || judged.ruled || judged.holds == Holds::Failed {
            return None;
        }
        let ruling = self.to(&basis(setting, judged))?;
        let rule = setting.rule_ref(judged);
        judged.holds = match (&judged.rule.effect, ruling.judgement) {
            (
                Effect::Refer { .. } | Effect::Refuse { .. } | Effect::Require { .. },
                Judgement::Release,
            )
            | (Effect::Permit | Effect::Oblige { .. } | Effect::Clock(_), Judgement::Uphold) => {
                Holds::No
            }
            (
                Effect::Refer { .. } | Effect::Refuse { .. } | Effect::Require { .. },
                Judgement::Uphold,
            )
            // Of what binds or runs only a doubtful exception is asked about: as one that
            // permits, it lifts its rule or does not.
            | (Effect::Permit | Effect::Oblige { .. } | Effect::Clock(_), Judgement::Release) => {
                Holds::Yes
            }
        };
        judged.ruled = true;
        Some(Ruled {
            rule,
            ruling: ruling.clone(),
            fact: None,
        })
    }

    /// The answer to a question, where one was given.
    pub(crate) fn to(&self, basis: &Digest) -> Option<&Ruling> {
        self.rules.get(basis)
    }
}

/// The fact that an answer states: the only one missing, where it is true or
/// false and the rule hangs on which.
pub(crate) fn settles(setting: &Setting<'_>, judged: &Judged<'_>) -> Option<Settles> {
    let Holds::Unknown(missing) = &judged.holds else {
        return None;
    };
    let fact = missing.first().filter(|_| missing.len() == 1)?;
    if setting.declarations.get(fact)?.kind != FactType::Truth {
        return None;
    }
    let released = match judged.rule.effect {
        Effect::Refuse { .. } | Effect::Require { .. } => false,
        Effect::Permit => true,
        // What the law leaves to a human altogether is more than one fact.
        Effect::Refer { .. } | Effect::Oblige { .. } | Effect::Clock(_) => return None,
    };
    let read = judged.rule.facts.iter();
    let read = read.filter_map(|name| Some((Arc::clone(name), setting.known.get(name)?.clone())));
    let mut known: Known = read.collect();
    let mut holds_if = |truth| {
        let supposed = FactUse {
            value: FactValue::Truth(truth),
            source: FactUseSource::Judged(Arc::default()),
        };
        known.insert(Arc::clone(fact), supposed);
        holds(judged.rule, &known)
    };
    let (if_true, if_false) = (holds_if(true)?, holds_if(false)?);
    (if_true != if_false).then(|| Settles {
        fact: Arc::clone(fact),
        if_released: if_true == released,
    })
}

/// Whether a rule holds; `None` unless that is known, without asking Cedar.
fn holds(rule: &Rule, known: &Known) -> Option<bool> {
    let mut answer = Some(true);
    let when = rule.when.iter().map(|line| (line, false));
    let unless = rule.unless.iter().map(|line| (line, true));
    for (line, against) in when.chain(unless) {
        match line.lowered.as_ref()?.holds(known) {
            Ok(found) if found == against => return Some(false),
            Ok(_) => {}
            Err(_) => answer = None,
        }
    }
    answer
}

/// The question that a rule puts, as far as an answer depends on it: what the
/// rule says, what it read, and what it lacked.
pub(crate) fn basis(setting: &Setting<'_>, judged: &Judged<'_>) -> Digest {
    let Judged {
        speaker,
        rule,
        holds,
        exception: _,
        ruled: _,
    } = judged;
    let mut image = Image::of("rule");
    image.text(speaker.module.id.as_str());
    image.rule(rule);
    match holds {
        Holds::Yes => image.text("holds"),
        Holds::No => image.text("does not hold"),
        Holds::Failed => image.text("failed"),
        Holds::Unknown(missing) => {
            image.text("unknown");
            missing.iter().for_each(|name| image.text(name));
        }
    }
    for name in &rule.facts {
        if let Some(fact) = setting.known.get(name) {
            image.text(name);
            image.value(&fact.value);
        }
    }
    image.digest()
}

/// Texts one after another, each with its length, so that no two lists have one
/// digest.
pub(crate) struct Image(Sha256);

impl Image {
    pub(crate) fn of(kind: &str) -> Self {
        let mut image = Self(Sha256::new());
        image.text(kind);
        image
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.0.update((text.len() as u64).to_be_bytes());
        self.0.update(text);
    }

    pub(crate) fn digest(self) -> Digest {
        Digest(self.0.finalize().into())
    }

    /// In English, so that a translation changes no question.
    fn words(&mut self, text: &Text) {
        let english = text.in_language("en");
        self.text(english.map_or("", |(_, text)| text));
    }

    fn rule(&mut self, rule: &Rule) {
        self.text(rule.id.as_str());
        self.words(&rule.title);
        match &rule.effect {
            Effect::Permit => self.text("permit"),
            Effect::Refuse { .. } => self.text("refuse"),
            Effect::Require { field, .. } => self.text(&format!("require {field}")),
            Effect::Refer {
                role,
                question,
                four_eyes,
            } => {
                self.text(&format!("refer {role} {four_eyes}"));
                self.words(question);
            }
            Effect::Oblige { .. } => self.text("oblige"),
            Effect::Clock(_) => self.text("clock"),
        }
        let low = rule.confidence == Confidence::Low;
        self.text(if low { "doubtful" } else { "sure" });
        for (kind, lines) in [("when", &rule.when), ("unless", &rule.unless)] {
            self.text(kind);
            lines.iter().for_each(|line| self.text(&line.text));
        }
        self.text(rule.exception_to.as_ref().map_or("", |id| id.as_str()));
    }

    fn value(&mut self, value: &FactValue) {
        match value {
            FactValue::Truth(truth) => self.text(&format!("truth {truth}")),
            FactValue::Number(number) => self.text(&format!("number {number}")),
            FactValue::Text(text) => self.text(&format!("text {text}")),
            FactValue::Day(day) => self.text(&format!("day {day}")),
            FactValue::Set(members) => {
                self.text(&format!("set of {}", members.len()));
                members.iter().for_each(|member| self.text(member));
            }
        }
    }
}
