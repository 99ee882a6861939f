//! What may still become of a matter of which not everything is known: every
//! rule is asked twice, on what was stated alone and with what the law
//! presumes, and each answer has three values.

mod foresight;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{FactName, FactSource, FactUse, GroundKind, JurisdictionCode, RuleRef, Stage};

pub use self::foresight::Foresight;
pub(crate) use self::foresight::foresee;

use crate::{
    Library,
    decide::{ask, is_permit},
    evaluate::{Evaluator, Holds, Known},
    explain::{condition, names::Names},
    facts::field_of,
    findings::{EXECUTING_AUTHORITY, Findings, Judged, Setting},
    model::{Condition, Effect, Instrument},
    resolve::Matter,
};

/// How a rule stands while not everything is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// It holds, whatever else may be stated.
    Holds,
    /// It holds as long as a presumption stands.
    Presumed,
    /// It hangs on facts that nobody has stated.
    Open,
    /// It is presumed not to hold until somebody raises it.
    Dormant,
}

/// A rule that may stand between a request and its approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prospect {
    /// The rule; its missing facts are those that nobody has stated.
    pub rule: RuleRef,
    /// The point on the way of a request at which it speaks.
    pub stage: Stage,
    /// How it stands.
    pub standing: Standing,
    /// What follows if it holds.
    pub effect: ProspectEffect,
    /// The lines that must hold, as far as they are not settled.
    pub when: Vec<Line>,
    /// The lines any of which lifts it, as far as they are not settled.
    pub unless: Vec<Line>,
    /// Rules of other modules that lift it where they hold.
    pub exceptions: Vec<RuleRef>,
}

/// What follows if a rule holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProspectEffect {
    /// It permits, and no other rule of its module does yet.
    Permit,
    /// The request is refused or returned.
    Refuse {
        /// What kind of refusal.
        kind: GroundKind,
        /// The issuing authority is consulted first.
        consult_first: bool,
        /// Instruments suggested instead.
        reroute: Vec<Arc<str>>,
    },
    /// The requester must supply something.
    Require {
        /// What to supply.
        remedy: Arc<str>,
        /// The field of the request.
        field: Arc<str>,
    },
    /// A human must judge.
    Refer {
        /// The role that decides.
        role: Arc<str>,
        /// The State whose role it is.
        jurisdiction: JurisdictionCode,
        /// The legal question.
        question: Arc<str>,
        /// Two different persons must agree.
        four_eyes: bool,
    },
}

/// One line of a rule's conditions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// In words.
    pub words: Arc<str>,
    /// As the module writes it.
    pub text: Arc<str>,
    /// Facts it reads.
    pub facts: Vec<FactName>,
}

/// A fact that nobody has stated and on which more hangs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenFact {
    /// Its name in the vocabulary, or the path of a form's field.
    pub name: FactName,
    /// What it says.
    pub title: Arc<str>,
    /// The question, or what to supply.
    pub question: Arc<str>,
    /// Who settles it.
    pub stated_by: FactSource,
    /// The field of a request in which the requester states it; `None` where
    /// it is not for the requester.
    pub field: Option<Arc<str>>,
    /// The role that settles it, where it is for a human of the other side.
    pub role: Option<Arc<str>>,
    /// What the law presumes meanwhile; `None`: nothing, so that it is asked.
    pub presumed: Option<FactUse>,
    /// The rules that hang on it.
    pub rules: Vec<RuleRef>,
}

/// A rule that is not known to fail.
#[derive(Debug)]
pub(crate) struct Look<'l> {
    /// As it stands on what was stated.
    pub(crate) judged: Judged<'l>,
    pub(crate) standing: Standing,
    /// The facts on which it hangs whatever is presumed.
    asked: BTreeSet<FactName>,
}

/// Every rule of a matter as it stands.
pub(crate) struct Outlook<'l, 'k> {
    pub(crate) looks: Vec<Look<'l>>,
    /// Those that are known to fail.
    pub(crate) failing: Vec<Judged<'l>>,
    /// What was stated, without presumptions.
    pub(crate) setting: Setting<'k>,
    taken: &'k Known,
    evaluator: Evaluator<'k>,
}

impl<'l: 'k, 'k> Outlook<'l, 'k> {
    /// Asks every rule under an instrument; `setting` knows what was stated,
    /// `taken` what the law presumes besides, and the findings what humans answered.
    pub(crate) fn new(
        library: &'l Library,
        setting: Setting<'k>,
        (taken, mut answered): (&'k Known, Findings),
        matter: &Matter<'_>,
        instrument: &'l Instrument,
    ) -> Self {
        // What exceptions find is found when a request is decided.
        let (stated, evaluator, _) = ask(library, &setting, matter, instrument, &mut answered);
        let presuming = Setting {
            known: taken,
            ..setting
        };
        let (presumed, ..) = ask(library, &presuming, matter, instrument, &mut answered);
        let (mut looks, mut failing) = (Vec::new(), Vec::new());
        for (mut judged, presumed) in stated.into_iter().zip(presumed) {
            // Questions were put on what is presumed too: an answer stands whatever is.
            if presumed.ruled {
                judged.holds = presumed.holds.clone();
                judged.ruled = true;
            }
            match standing(&judged.holds, &presumed.holds) {
                Some(standing) => looks.push(Look {
                    judged,
                    standing,
                    asked: match presumed.holds {
                        Holds::Unknown(missing) => missing,
                        Holds::Yes | Holds::No | Holds::Failed => BTreeSet::new(),
                    },
                }),
                None => failing.push(judged),
            }
        }
        Self {
            looks,
            failing,
            setting,
            taken,
            evaluator,
        }
    }

    /// The rules that may stand between a request and its approval, in the
    /// order of its way. Permits are among them only where none is sure.
    pub(crate) fn hurdles(&self) -> impl Iterator<Item = &Look<'l>> {
        self.looks.iter().filter(|look| {
            let stage = look.judged.speaker.stage;
            match look.judged.rule.effect {
                Effect::Permit => {
                    look.judged.rule.exception_to.is_none() && !self.is_permitted(stage)
                }
                Effect::Refuse { .. } | Effect::Require { .. } | Effect::Refer { .. } => {
                    stage != Stage::Disclosure
                }
                Effect::Oblige { .. } | Effect::Clock(_) => false,
            }
        })
    }

    /// The first ground that stands while nothing else is stated.
    pub(crate) fn bar(&self) -> Option<&Look<'l>> {
        self.hurdles().find(|look| {
            matches!(look.judged.rule.effect, Effect::Refuse { .. })
                && look.standing <= Standing::Presumed
                && !look.judged.is_doubtful()
        })
    }

    /// A module may permit the request at its stage.
    pub(crate) fn may_be_permitted(&self, stage: Stage) -> bool {
        self.permits(stage).next().is_some()
    }

    fn is_permitted(&self, stage: Stage) -> bool {
        self.permits(stage)
            .any(|look| look.standing <= Standing::Presumed && !look.judged.is_doubtful())
    }

    fn permits(&self, stage: Stage) -> impl Iterator<Item = &Look<'l>> {
        self.looks.iter().filter(move |look| {
            look.judged.speaker.stage == stage
                && is_permit(look.judged.rule)
                && look.judged.rule.exception_to.is_none()
        })
    }

    /// A rule that may stand in the way, in words; `None` for what does not.
    pub(crate) fn prospect(&self, look: &Look<'_>) -> Option<Prospect> {
        Some(Prospect {
            rule: self.setting.rule_ref(&look.judged),
            stage: look.judged.speaker.stage,
            standing: look.standing,
            effect: self.effect(&look.judged)?,
            when: self.unsettled(look, &look.judged.rule.when),
            unless: self.unsettled(look, &look.judged.rule.unless),
            exceptions: self
                .exceptions(look)
                .map(|exception| self.setting.rule_ref(&exception.judged))
                .collect(),
        })
    }

    /// Rules of other modules that lift a rule where they hold.
    fn exceptions<'s>(&'s self, look: &Look<'_>) -> impl Iterator<Item = &'s Look<'l>> {
        let Judged { speaker, rule, .. } = look.judged;
        let (id, module) = (rule.id.clone(), speaker.module.id.clone());
        self.looks.iter().filter(move |other| {
            other.judged.rule.exception_to.as_ref() == Some(&id)
                && other.judged.speaker.module.id != module
        })
    }

    /// Lines in words.
    pub(crate) fn lines<'c>(&self, lines: impl Iterator<Item = &'c Condition>) -> Vec<Line> {
        let names = Names {
            reader: self.setting.reader,
            declarations: Some(self.setting.declarations),
        };
        lines
            .map(|line| Line {
                words: Arc::from(condition::words(&names, line)),
                text: Arc::clone(&line.text),
                facts: line.facts.clone(),
            })
            .collect()
    }

    /// Those lines of a rule that what was stated does not settle.
    pub(crate) fn unsettled(&self, look: &Look<'_>, lines: &[Condition]) -> Vec<Line> {
        let id = &look.judged.rule.id;
        let settled =
            |line: &&Condition| matches!(self.evaluator.line(id, line), Holds::Yes | Holds::No);
        self.lines(lines.iter().filter(|line| !settled(line)))
    }

    /// Those lines of a rule that are known to hold.
    pub(crate) fn holding(&self, judged: &Judged<'_>, lines: &[Condition]) -> Vec<Line> {
        let id = &judged.rule.id;
        let holds = |line: &&Condition| self.evaluator.line(id, line) == Holds::Yes;
        self.lines(lines.iter().filter(holds))
    }

    fn effect(&self, judged: &Judged<'_>) -> Option<ProspectEffect> {
        let stage = judged.speaker.stage;
        match &judged.rule.effect {
            Effect::Permit => Some(ProspectEffect::Permit),
            Effect::Refuse {
                kind,
                consult,
                reroute,
            } => Some(ProspectEffect::Refuse {
                kind: *kind,
                consult_first: *consult,
                reroute: reroute.clone(),
            }),
            Effect::Require { remedy, field } => Some(ProspectEffect::Require {
                remedy: self.setting.words(remedy),
                field: Arc::clone(field),
            }),
            Effect::Refer {
                role,
                question,
                four_eyes,
            } => Some(ProspectEffect::Refer {
                role: Arc::clone(role),
                jurisdiction: self.setting.answers(role, stage).clone(),
                question: self.setting.words(question),
                four_eyes: *four_eyes,
            }),
            Effect::Oblige { .. } | Effect::Clock(_) => None,
        }
    }

    /// The facts that nobody has stated and on which the hurdles hang, in the
    /// order of a request's way. One that matters only once another is raised
    /// is not among them.
    pub(crate) fn open_facts(&self) -> Vec<OpenFact> {
        let mut found: Vec<OpenFact> = Vec::new();
        let mut places: BTreeMap<&FactName, usize> = BTreeMap::new();
        for look in self.hurdles() {
            let Holds::Unknown(missing) = &look.judged.holds else {
                continue;
            };
            let at_once =
                |name: &&FactName| look.asked.contains(*name) || self.taken.contains_key(*name);
            for name in missing.iter().filter(at_once) {
                let rule = self.setting.rule_ref(&look.judged);
                if let Some(fact) = places.get(name).and_then(|place| found.get_mut(*place)) {
                    fact.rules.push(rule);
                } else if let Some(mut fact) = self.open_fact(name) {
                    fact.rules.push(rule);
                    places.insert(name, found.len());
                    found.push(fact);
                }
            }
        }
        found
    }

    fn open_fact(&self, name: &FactName) -> Option<OpenFact> {
        let declared = self.setting.declarations.get(name)?;
        let by = declared.stated_by;
        let of_a_human = matches!(by, FactSource::Executing | FactSource::Judgement);
        Some(OpenFact {
            name: Arc::clone(name),
            title: self.setting.words(&declared.title),
            question: self.setting.words(&declared.ask),
            stated_by: by,
            field: self
                .setting
                .is_for_requester(name, declared)
                .then(|| field_of(name)),
            role: of_a_human.then(|| {
                let role = declared.role.as_ref();
                role.map_or_else(|| Arc::from(EXECUTING_AUTHORITY), Arc::clone)
            }),
            presumed: self.taken.get(name).cloned(),
            rules: Vec::new(),
        })
    }
}

/// How a rule stands, given its answers without and with presumptions; `None`
/// where it is known to fail.
fn standing(stated: &Holds, presumed: &Holds) -> Option<Standing> {
    match (stated, presumed) {
        (Holds::No, _) => None,
        (Holds::Yes, _) => Some(Standing::Holds),
        (Holds::Unknown(_) | Holds::Failed, Holds::Yes) => Some(Standing::Presumed),
        (Holds::Unknown(_) | Holds::Failed, Holds::No) => Some(Standing::Dormant),
        // What cannot be evaluated is for a human, like what is not known.
        (Holds::Unknown(_) | Holds::Failed, Holds::Unknown(_) | Holds::Failed) => {
            Some(Standing::Open)
        }
    }
}
