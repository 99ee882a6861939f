//! What the gateway keeps with a case beside what the contract shows parties of it. It
//! stands in the sealed records, for auditors: `CaseKept` of the contract.

use comity::v1;
use prost::{Message, bytes::Bytes};
use prost_types::Timestamp;

/// See the module.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Kept {
    /// Language of the decision's texts, BCP 47.
    #[prost(string, tag = "1")]
    pub(crate) language: String,
    /// Number of the last step towards the executing side: deliveries and
    /// recalls, from 1.
    #[prost(uint32, tag = "2")]
    pub(crate) step: u32,
    /// Questions for reviewers, by number.
    #[prost(message, repeated, tag = "3")]
    pub(crate) tasks: Vec<Task>,
    /// The last recall.
    #[prost(message, optional, tag = "4")]
    pub(crate) recall: Option<Recall>,
    /// What a delivery under way hands over, where the case has been
    /// supplemented since.
    #[prost(message, optional, tag = "5")]
    pub(crate) handover: Option<Handover>,
    /// Why the case was withdrawn.
    #[prost(string, tag = "6")]
    pub(crate) reason: String,
    /// What came back while a hold was on: an encoded [`v1::Result`].
    #[prost(bytes = "bytes", optional, tag = "7")]
    pub(crate) held: Option<Bytes>,
    /// What parties to the team that it sets up did, in order.
    #[prost(message, repeated, tag = "8")]
    pub(crate) team_acts: Vec<TeamAct>,
    /// What the issuing side has added so far, of what it may add without end.
    #[prost(message, optional, tag = "9")]
    pub(crate) issuing_added: Option<Added>,
    /// The same of the executing side.
    #[prost(message, optional, tag = "10")]
    pub(crate) executing_added: Option<Added>,
    /// The same of reviewers.
    #[prost(message, optional, tag = "11")]
    pub(crate) reviewing_added: Option<Added>,
    /// The issuing side was handed evidence, for which something had waited.
    #[prost(bool, tag = "12")]
    pub(crate) evidence_read: bool,
}

/// How much a side has added to a case.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Added {
    /// Events.
    #[prost(uint32, tag = "1")]
    pub(crate) events: u32,
    /// Bytes of their records.
    #[prost(uint64, tag = "2")]
    pub(crate) bytes: u64,
}

/// A party to a team has signed its agreement, or has left.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TeamAct {
    /// The party's State.
    #[prost(string, tag = "1")]
    pub(crate) jurisdiction: String,
    /// It has left.
    #[prost(bool, tag = "2")]
    pub(crate) left: bool,
    /// When.
    #[prost(message, optional, tag = "3")]
    pub(crate) at: Option<Timestamp>,
    /// What it sets on all that it shares.
    #[prost(message, repeated, tag = "4")]
    pub(crate) conditions: Vec<v1::Obligation>,
}

/// A question for reviewers.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Task {
    /// Its number in the case, from 1.
    #[prost(uint32, tag = "1")]
    pub(crate) number: u32,
    /// The question as it was last put.
    #[prost(message, optional, tag = "2")]
    pub(crate) referral: Option<v1::Referral>,
    /// Open, answered or lapsed; the rest follows from the opinions.
    #[prost(enumeration = "v1::ReviewTaskState", tag = "3")]
    pub(crate) state: i32,
    /// When the question was first put.
    #[prost(message, optional, tag = "4")]
    pub(crate) opened_at: Option<Timestamp>,
    /// Opinions given, in their order.
    #[prost(message, repeated, tag = "5")]
    pub(crate) opinions: Vec<v1::ReviewOpinion>,
}

/// A recall of what was handed over.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Recall {
    /// Its step.
    #[prost(uint32, tag = "1")]
    pub(crate) step: u32,
    /// Why.
    #[prost(string, tag = "2")]
    pub(crate) reason: String,
    /// The executing system has confirmed it, or will never do so.
    #[prost(bool, tag = "3")]
    pub(crate) ended: bool,
}

/// What one delivery hands over.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Handover {
    /// Its step.
    #[prost(uint32, tag = "1")]
    pub(crate) step: u32,
    /// The request.
    #[prost(bytes = "bytes", optional, tag = "2")]
    pub(crate) request: Option<Bytes>,
    /// The decision that approved it.
    #[prost(bytes = "bytes", optional, tag = "3")]
    pub(crate) decision: Option<Bytes>,
}

/// What a job of the outbox needs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Errand {
    /// Its step within the case.
    #[prost(uint32, tag = "1")]
    pub(crate) step: u32,
}

impl Kept {
    /// Takes in what an event recorded; what it does not speak of stays.
    pub(super) fn then(mut self, event: Self) -> Self {
        let Self {
            language,
            step,
            tasks,
            recall,
            handover,
            reason,
            held,
            team_acts,
            issuing_added,
            executing_added,
            reviewing_added,
            evidence_read,
        } = event;
        if !language.is_empty() {
            self.language = language;
        }
        if !reason.is_empty() {
            self.reason = reason;
        }
        self.step = self.step.max(step);
        self.recall = recall.or(self.recall);
        self.handover = handover.or(self.handover);
        self.held = held.or(self.held);
        self.team_acts.extend(team_acts);
        self.issuing_added = issuing_added.or(self.issuing_added);
        self.executing_added = executing_added.or(self.executing_added);
        self.reviewing_added = reviewing_added.or(self.reviewing_added);
        self.evidence_read |= evidence_read;
        for task in tasks {
            match self.tasks.iter_mut().find(|one| one.number == task.number) {
                Some(before) => *before = task,
                None => self.tasks.push(task),
            }
        }
        self
    }

    /// Something was handed over, or is to be, that no recall takes back yet.
    pub(crate) fn is_handed_over(&self) -> bool {
        let recalled = self.recall.as_ref().map_or(0, |recall| recall.step);
        self.step > recalled
    }

    /// A recall is on its way.
    pub(crate) fn is_recalling(&self) -> bool {
        self.recall.as_ref().is_some_and(|recall| !recall.ended)
    }
}
