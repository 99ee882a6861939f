//! Humans' answers to questions that a decision referred to them.

use std::sync::Arc;

use crate::{Digest, FactName, RuleRef};

/// What a human answers to a referral.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Judgement {
    /// The rule does not stand in the way: the ground does not hold, the permit
    /// or the exception does.
    Release,
    /// The rule stands in the way: the ground holds, the permit or the exception
    /// does not.
    Uphold,
}

/// An answer, and the question it is to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruling {
    /// The question, as [`crate::Referral::basis`] names it. While nothing asks
    /// it the answer counts for nothing.
    pub basis: Digest,
    /// The answer.
    pub judgement: Judgement,
    /// Where it was given: `tasks/<id>`.
    pub task: Arc<str>,
}

/// An answer that a decision rests on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ruled {
    /// The rule, as it stood when it was asked.
    pub rule: RuleRef,
    /// The answer.
    pub ruling: Ruling,
    /// The fact that the answer states; `None` where it is to the rule only.
    pub fact: Option<FactName>,
}

/// The one fact that a rule waits for, and what an answer says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settles {
    /// The fact, which is true or false.
    pub fact: FactName,
    /// Its value if the answer is [`Judgement::Release`]; the other otherwise.
    pub if_released: bool,
}

impl Settles {
    /// The value of the fact by an answer.
    #[must_use]
    pub fn value(&self, judgement: Judgement) -> bool {
        match judgement {
            Judgement::Release => self.if_released,
            Judgement::Uphold => !self.if_released,
        }
    }
}
