//! A decision with every rule that was asked on the way to it: what explains,
//! compares and counts.

use comity_domain::{
    Citation, Confidence, Decision, Digest, FactName, ModuleId, RuleId, Stage, Text,
};

use crate::{
    Library, Question,
    decide::decide,
    evaluate::{Evaluator, Holds},
    findings::{Judged, Speaker},
    model::{Condition, Effect, Module, Rule},
};

/// A decision and how it came about.
#[derive(Debug)]
pub struct Trace<'a> {
    /// The decision.
    pub decision: Decision,
    /// Every rule that was law on the day and meant for the matter, in the
    /// order of a request's way; none where no instrument carries it.
    pub asked: Vec<Asked<'a>>,
}

/// A rule that was asked, and what it said.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The rule.
    pub rule: RuleInfo<'a>,
    /// The stage at which it spoke.
    pub stage: Stage,
    /// What it said once exceptions had spoken.
    pub answer: Answer,
    /// The lines of `when`, every one of which must hold.
    pub when: Vec<Asking<'a>>,
    /// The lines of `unless`, any of which lifts the rule.
    pub unless: Vec<Asking<'a>>,
    /// The exception of another module that lifted it, or may.
    pub exception: Option<RuleInfo<'a>>,
}

/// One line of a rule, and what it said.
#[derive(Debug)]
pub struct Asking<'a> {
    /// The line as written.
    pub text: &'a str,
    /// Facts it reads.
    pub facts: &'a [FactName],
    /// What it said.
    pub answer: Answer,
}

/// What a rule or a line of one says of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// It hangs on these facts, which nobody has stated.
    Unknown(Vec<FactName>),
    /// It could not be evaluated.
    Failed,
}

/// A rule as its readers see it.
#[derive(Clone, Copy)]
pub struct RuleInfo<'a> {
    pub(crate) module: &'a Module,
    pub(crate) rule: &'a Rule,
}

impl<'a> RuleInfo<'a> {
    /// Its id, unique in the library.
    #[must_use]
    pub fn id(&self) -> &'a RuleId {
        &self.rule.id
    }

    /// The module it stands in.
    #[must_use]
    pub fn module(&self) -> &'a ModuleId {
        &self.module.id
    }

    /// SHA-256 of the files of that module.
    #[must_use]
    pub fn module_digest(&self) -> Digest {
        self.module.digest
    }

    /// The rule in words, in several languages.
    #[must_use]
    pub fn title(&self) -> &'a Text {
        &self.rule.title
    }

    /// Where it stands in the law, the primary place first.
    #[must_use]
    pub fn citations(&self) -> &'a [Citation] {
        &self.rule.citations
    }

    /// How sure it is.
    #[must_use]
    pub fn confidence(&self) -> Confidence {
        self.rule.confidence
    }

    /// The rule of another module that it lifts where it holds.
    #[must_use]
    pub fn exception_to(&self) -> Option<&'a RuleId> {
        self.rule.exception_to.as_ref()
    }

    /// Its effect, as the file writes it: `refuse`, `may-refuse`, `require`,
    /// `refer`, `oblige`, `clock` or `permit`.
    #[must_use]
    pub fn effect(&self) -> &'static str {
        self.rule.effect.name()
    }
}

impl std::fmt::Debug for RuleInfo<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RuleInfo").field(&self.rule.id).finish()
    }
}

/// Decides a request and keeps what every rule said.
pub(crate) fn trace<'l>(library: &'l Library, question: &Question<'_>) -> Trace<'l> {
    let mut asked = Vec::new();
    // Where humans have answered there are several passes: the last one decides.
    let mut watch = |judged: &[Judged<'l>], evaluator: &Evaluator<'_>| {
        let all = judged.iter().map(|judged| ask(library, judged, evaluator));
        asked = all.collect();
    };
    let decision = decide(library, question, &mut watch);
    Trace { decision, asked }
}

fn ask<'l>(library: &'l Library, judged: &Judged<'l>, evaluator: &Evaluator<'_>) -> Asked<'l> {
    let Judged {
        speaker: Speaker { stage, module, .. },
        rule,
        holds,
        exception,
        ruled: _,
    } = judged;
    let lines = |lines: &'l [Condition]| {
        let asking = |line: &'l Condition| Asking {
            text: &line.text,
            facts: &line.facts,
            answer: evaluator.line(&rule.id, line).into(),
        };
        lines.iter().map(asking).collect()
    };
    Asked {
        rule: RuleInfo { module, rule },
        stage: *stage,
        answer: holds.clone().into(),
        when: lines(&rule.when),
        unless: lines(&rule.unless),
        exception: exception.and_then(|exception| library.rule(&exception.id)),
    }
}

impl From<Holds> for Answer {
    fn from(holds: Holds) -> Self {
        match holds {
            Holds::Yes => Self::Yes,
            Holds::No => Self::No,
            Holds::Unknown(missing) => Self::Unknown(missing.into_iter().collect()),
            Holds::Failed => Self::Failed,
        }
    }
}

impl Effect {
    /// As the file writes it.
    pub(crate) fn name(&self) -> &'static str {
        use comity_domain::GroundKind;
        match self {
            Self::Permit => "permit",
            Self::Refuse {
                kind: GroundKind::Optional,
                ..
            } => "may-refuse",
            Self::Refuse { .. } => "refuse",
            Self::Require { .. } => "require",
            Self::Refer { .. } => "refer",
            Self::Oblige { .. } => "oblige",
            Self::Clock(_) => "clock",
        }
    }
}
