//! What the rules found, as it stands in a decision.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{
    BoundParty, Citation, Clock, Confidence, Decision, FactName, FactSource, Ground, GroundKind,
    JurisdictionCode, Obligation, ObligationKind, Outcome, Referral, Request, Requirement, RuleRef,
    Ruled, Stage, Text,
};
use jiff::Timestamp;

use crate::{
    competence,
    evaluate::{Holds, Known},
    facts::field_of,
    model::{ClockEffect, Condition, Declarations, Effect, FactDeclaration, Module, ONE_WAY, Rule},
    periods,
    phrases::Remark,
    reader::Reader,
    ruling::{self, Answers},
};

/// Who answers when the engine itself fails.
const OPERATOR: &str = "gateway-operator";
/// Who answers when the vocabulary names nobody.
pub(crate) const EXECUTING_AUTHORITY: &str = "executing-authority";
pub(crate) const ISSUING_AUTHORITY: &str = "issuing-authority";
/// Languages are accepted or not once one is stated.
const LANGUAGE_ACCEPTED: &str = "language_accepted";
const LANGUAGE: &str = "language";
/// The event with which the executing side gets a request: it lies behind one that is
/// decided, as [`ISSUED`] does.
pub const RECEIVED: &str = "received";
/// The event with which a request is made.
pub(crate) const ISSUED: &str = "issued";
/// The event by which a recipient accepts, and the parameter of an obligation that
/// names the event from which it binds.
const CONCLUDED: &str = "concluded";
const EVENT: &str = "event";

/// A module that takes part in a decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Speaker<'a> {
    pub(crate) stage: Stage,
    pub(crate) module: &'a Module,
    /// The law the module sets out.
    pub(crate) source: &'a Citation,
}

/// A rule with what it says of the request.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) speaker: Speaker<'a>,
    pub(crate) rule: &'a Rule,
    pub(crate) holds: Holds,
    /// The exception of another module that lifted it, or that may.
    pub(crate) exception: Option<&'a Rule>,
    /// What it says is a human's answer to the question it put.
    pub(crate) ruled: bool,
}

impl Judged<'_> {
    /// Its reading of the law is one on which nothing is decided alone.
    pub(crate) fn is_doubtful(&self) -> bool {
        self.rule.confidence == Confidence::Low && !self.ruled
    }
}

/// What the findings of one decision have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting<'a> {
    pub(crate) reader: Reader<'a>,
    pub(crate) declarations: Declarations<'a>,
    pub(crate) request: &'a Request,
    pub(crate) known: &'a Known,
    pub(crate) now: Timestamp,
}

/// Everything found.
#[derive(Debug, Default)]
pub(crate) struct Findings {
    pub(crate) grounds: Vec<Ground>,
    pub(crate) requirements: Vec<Requirement>,
    pub(crate) referrals: Vec<Referral>,
    pub(crate) obligations: Vec<Obligation>,
    pub(crate) clocks: Vec<Clock>,
    pub(crate) permits: Vec<RuleRef>,
    /// Instruments that the grounds suggest instead.
    pub(crate) reroutes: Vec<Arc<str>>,
    /// A human found that a State is not bound by the instrument.
    pub(crate) unbound: bool,
    /// Answers to questions that were asked before.
    pub(crate) answers: Answers,
    /// The answers that spoke.
    pub(crate) rulings: Vec<Ruled>,
}

impl Findings {
    /// Nothing found yet, with answers to what was asked before.
    pub(crate) fn answered(answers: &Answers) -> Self {
        Self {
            answers: answers.clone(),
            ..Self::default()
        }
    }

    /// Lets humans' answers speak for the rules that asked.
    pub(crate) fn rule(&mut self, setting: &Setting<'_>, judged: &mut [Judged<'_>]) {
        let spoken = judged
            .iter_mut()
            .filter_map(|judged| self.answers.speak(setting, judged));
        self.rulings.extend(spoken);
    }

    /// The strictest of everything found.
    pub(crate) fn outcome(&self) -> Outcome {
        if !self.grounds.is_empty() {
            Outcome::Refused
        } else if !self.referrals.is_empty() {
            Outcome::Referred
        } else if !self.requirements.is_empty() {
            Outcome::Incomplete
        } else {
            Outcome::Approved
        }
    }

    /// Adds what a rule other than a permit found.
    pub(crate) fn add(&mut self, setting: &Setting<'_>, judged: &Judged<'_>) {
        let Judged { rule, holds, .. } = judged;
        let missing = match holds {
            Holds::No => return,
            Holds::Failed => return self.failed(setting, judged),
            Holds::Unknown(missing) => Some(missing),
            Holds::Yes => None,
        };
        match (&rule.effect, missing) {
            (Effect::Oblige { .. }, _) => {
                self.obligations.extend(setting.obligation(judged));
            }
            (Effect::Clock(clock), _) => self.clocks.push(setting.clock(judged, clock)),
            (Effect::Refer { .. }, _) if judged.ruled => self.grounds.push(Ground {
                rule: setting.rule_ref(judged),
                // Whether to refuse was left to a human, who does.
                kind: GroundKind::Optional,
                consult_first: false,
                stage: judged.speaker.stage,
            }),
            (
                Effect::Refer {
                    role,
                    question,
                    four_eyes,
                },
                _,
            ) => {
                let question = setting.words(question);
                let mut referral = setting.referral(judged, role, question);
                referral.four_eyes = *four_eyes;
                self.referrals.push(referral);
            }
            (Effect::Permit | Effect::Refuse { .. } | Effect::Require { .. }, Some(missing)) => {
                self.unknown(setting, judged, missing);
            }
            (Effect::Permit, None) if !judged.is_doubtful() => {
                self.permits.push(setting.rule_ref(judged));
            }
            (
                Effect::Refuse {
                    kind,
                    consult,
                    reroute,
                },
                None,
            ) if !judged.is_doubtful() => {
                self.reroutes.extend(reroute.iter().cloned());
                self.grounds.push(Ground {
                    rule: setting.rule_ref(judged),
                    kind: *kind,
                    consult_first: *consult,
                    stage: judged.speaker.stage,
                });
            }
            (Effect::Permit | Effect::Refuse { .. }, None) => self.doubtful(setting, judged),
            (Effect::Require { remedy, field }, None) => self.requirements.push(Requirement {
                rule: setting.rule_ref(judged),
                remedy: setting.words(remedy),
                field: Arc::clone(field),
                stage: judged.speaker.stage,
            }),
        }
    }

    /// A rule that cannot be judged: the requester supplies what is missing if
    /// it is for the requester alone, else a human answers.
    fn unknown(
        &mut self,
        setting: &Setting<'_>,
        judged: &Judged<'_>,
        missing: &BTreeSet<FactName>,
    ) {
        let declared = |name| Some((name, setting.declarations.get(name)?));
        let declarations = || missing.iter().filter_map(declared);
        let other = declarations().find(|(name, fact)| !setting.is_for_requester(name, fact));
        if other.is_none() && declarations().next().is_some() {
            self.requirements
                .extend(declarations().map(|(name, fact)| Requirement {
                    rule: setting.rule_ref(judged),
                    remedy: setting.words(&fact.ask),
                    field: field_of(name),
                    stage: judged.speaker.stage,
                }));
            return;
        }
        let title = setting.words(&judged.rule.title);
        let (role, question) = match other {
            Some((_, fact)) => (
                fact.role.as_deref().unwrap_or(EXECUTING_AUTHORITY),
                Arc::from(format!("{} ({title})", setting.words(&fact.ask))),
            ),
            None => (OPERATOR, title),
        };
        self.referrals
            .push(setting.referral(judged, role, question));
    }

    /// A finding of low confidence: a human takes it.
    pub(crate) fn doubtful(&mut self, setting: &Setting<'_>, judged: &Judged<'_>) {
        let role = match judged.speaker.stage {
            Stage::Outbound => ISSUING_AUTHORITY,
            Stage::Instrument | Stage::Inbound | Stage::Disclosure => EXECUTING_AUTHORITY,
        };
        let question = setting.remark(&Remark::DoesItHold {
            rule: &setting.words(&judged.rule.title),
        });
        self.referrals
            .push(setting.referral(judged, role, question));
    }

    pub(crate) fn failed(&mut self, setting: &Setting<'_>, judged: &Judged<'_>) {
        let question = setting.remark(&Remark::NotEvaluated {
            rule: &setting.words(&judged.rule.title),
        });
        self.referrals
            .push(setting.referral(judged, OPERATOR, question));
    }
}

impl Setting<'_> {
    /// A text in the asked language.
    pub(crate) fn words(&self, text: &Text) -> Arc<str> {
        self.reader.words(text)
    }

    fn remark(&self, remark: &Remark<'_>) -> Arc<str> {
        Arc::from(self.reader.tongue().remark(remark))
    }

    /// The requester settles a fact: outright, or by stating what the register
    /// draws it from.
    pub(crate) fn is_for_requester(&self, name: &str, fact: &FactDeclaration) -> bool {
        let unstated = name == LANGUAGE_ACCEPTED && !self.known.contains_key(LANGUAGE);
        fact.stated_by == FactSource::Requester || unstated
    }

    /// The rule as readers see it.
    pub(crate) fn rule_ref(&self, judged: &Judged<'_>) -> RuleRef {
        let Judged {
            speaker,
            rule,
            holds,
            exception: _,
            ruled: _,
        } = judged;
        let (language, text) = rule.title.in_language(self.reader.language).map_or_else(
            || (Arc::from("en"), Arc::from(rule.id.as_str())),
            |(language, text)| (Arc::clone(language), Arc::clone(text)),
        );
        let used = rule
            .facts
            .iter()
            .filter(|name| self.known.contains_key(*name));
        RuleRef {
            rule: rule.id.clone(),
            module: speaker.module.id.clone(),
            module_digest: speaker.module.digest,
            // The loader sees to it that every rule cites something.
            citation: self
                .reader
                .cite(rule.citations.first().unwrap_or(speaker.source)),
            text,
            language,
            facts_used: used.cloned().collect(),
            facts_missing: match holds {
                Holds::Unknown(missing) => missing.iter().cloned().collect(),
                Holds::Yes | Holds::No | Holds::Failed => Vec::new(),
            },
            confidence: rule.confidence,
        }
    }

    fn referral(&self, judged: &Judged<'_>, role: &str, question: Arc<str>) -> Referral {
        let stage = judged.speaker.stage;
        Referral {
            rule: self.rule_ref(judged),
            role: Arc::from(role),
            jurisdiction: self.answers(role, stage).clone(),
            question,
            four_eyes: false,
            stage,
            basis: ruling::basis(self, judged),
            settles: ruling::settles(self, judged),
        }
    }

    /// The State whose role it is.
    pub(crate) fn answers(&self, role: &str, stage: Stage) -> &JurisdictionCode {
        match (competence::side(role), stage) {
            (Some(BoundParty::Issuing), _) | (None, Stage::Outbound) => &self.request.issuing.0,
            (Some(BoundParty::Executing), _)
            | (None, Stage::Instrument | Stage::Inbound | Stage::Disclosure) => {
                &self.request.executing.0
            }
        }
    }

    /// The condition that an obliging rule attaches, unless it is known not to
    /// hold.
    pub(crate) fn obligation(&self, judged: &Judged<'_>) -> Option<Obligation> {
        match &judged.rule.effect {
            Effect::Oblige {
                kind,
                bound,
                parameters,
            } if judged.holds != Holds::No => {
                let mut parameters = parameters.clone();
                if self.binds_from_acceptance(*kind, *bound) {
                    let event = parameters.entry(Arc::from(EVENT));
                    event.or_insert_with(|| Arc::from(CONCLUDED));
                }
                Some(Obligation {
                    rule: self.rule_ref(judged),
                    kind: *kind,
                    parameters,
                    bound: *bound,
                })
            }
            Effect::Oblige { .. }
            | Effect::Permit
            | Effect::Refuse { .. }
            | Effect::Require { .. }
            | Effect::Refer { .. }
            | Effect::Clock(_) => None,
        }
    }

    /// It limits the use of what was sent without being asked for, which the
    /// recipient may still reject.
    fn binds_from_acceptance(&self, kind: ObligationKind, bound: BoundParty) -> bool {
        matches!(kind, ObligationKind::UseLimit | ObligationKind::Speciality)
            && bound == BoundParty::Executing
            && self
                .reader
                .model
                .kinds(&self.request.measure)
                .contains(ONE_WAY)
    }

    /// The time limit that a rule sets.
    pub(crate) fn clock(&self, judged: &Judged<'_>, clock: &ClockEffect) -> Clock {
        let state = if clock.executing_calendar {
            &self.request.executing.0
        } else {
            &self.request.issuing.0
        };
        let calendar = self.reader.model.calendars.get(state);
        let started_at = match &*clock.starts {
            RECEIVED => Some(self.now),
            ISSUED => Some(self.request.issued_at),
            _ => None,
        };
        let due = |started| periods::due(started, clock.length, clock.unit, calendar);
        Clock {
            rule: self.rule_ref(judged),
            measures: Arc::clone(&clock.measures),
            length: clock.length,
            unit: clock.unit,
            starts: Arc::clone(&clock.starts),
            stops: clock.stops.clone(),
            suspends: clock.suspends.clone(),
            resumes: clock.resumes.clone(),
            calendar: clock.unit.counts_days().then(|| state.clone()),
            extension: clock.extension,
            runs_out: clock.runs_out,
            holds_release: clock.holds_release,
            bound: clock.bound,
            started_at,
            due_at: started_at.and_then(due),
        }
    }
}

/// All lines of a rule.
pub(crate) fn lines(rule: &Rule) -> impl Iterator<Item = &Condition> {
    rule.when.iter().chain(&rule.unless)
}

/// The rules on which the outcome rests.
pub(crate) fn deciding(decision: &Decision) -> impl Iterator<Item = &RuleRef> {
    let when = |outcome| decision.outcome == outcome;
    let grounds = decision
        .grounds
        .iter()
        .filter(move |_| when(Outcome::Refused));
    let referrals = decision.referrals.iter();
    let referrals = referrals.filter(move |_| when(Outcome::Referred));
    let requirements = decision.requirements.iter();
    let requirements = requirements.filter(move |_| when(Outcome::Incomplete));
    let permits = decision.permits.iter();
    let permits = permits.filter(move |_| when(Outcome::Approved));
    grounds
        .map(|found| &found.rule)
        .chain(referrals.map(|found| &found.rule))
        .chain(requirements.map(|found| &found.rule))
        .chain(permits)
}
