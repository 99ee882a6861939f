//! Admission: who asks, is it well-formed, does the library know its words.

use std::{sync::Arc, time::Duration};

use comity::v1;
use comity_domain::{CaseId, Decision, Digest, Request, RequestId, Ruling, Urgency};
use comity_policy::{Explanation, Foresight, FormCheck, Library, Question, Verdict};
use comity_store::Term;
use jiff::Timestamp;
use prost::{Message as _, bytes::Bytes};
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    gateway::Gateway,
    identity::{Caller, Role},
    origin, personal,
    refusal::Refusal,
    wire::{self, Violation, from_proto},
};

/// A well-formed request of an authenticated caller; not decided yet.
///
/// It holds the policy bundle whose words it was checked against, so that the
/// same one decides it whatever comes into force meanwhile.
#[derive(Debug)]
pub(crate) struct Admission {
    policies: Arc<Library>,
    /// The request in its canonical encoding.
    pub(crate) encoded: Bytes,
    pub(crate) request: Request,
    pub(crate) digest: Digest,
    /// Digest of what the caller sent, by which a repetition is known.
    pub(crate) sent: Digest,
    /// What the sender sets on what it shares.
    pub(crate) conditions: Vec<v1::Obligation>,
    /// Where it belongs to a team.
    pub(crate) team: Option<InTeam>,
    /// The case that its data come from.
    pub(crate) source: Option<CaseId>,
    /// The personal values by which it is found.
    pub(crate) terms: Vec<Term>,
    form: Option<Value>,
    language: String,
}

/// How a request belongs to a team.
#[derive(Debug, Clone)]
pub(crate) enum InTeam {
    /// It sets one up.
    SetsUp,
    /// It shares in the one of this name.
    Shares(CaseId),
}

impl InTeam {
    fn of(context: &v1::TeamContext) -> Option<Self> {
        match &context.agreement {
            Some(_) => Some(Self::SetsUp),
            None => from_proto::team_name(&context.name).ok().map(Self::Shares),
        }
    }
}

impl Admission {
    /// What the law says of it.
    pub(crate) fn decide(&self, now: Timestamp) -> Verdict {
        self.policies.decide(&self.question(now))
    }

    /// The library that decides it.
    pub(crate) fn library(&self) -> Arc<Library> {
        Arc::clone(&self.policies)
    }

    /// What the law says of it, received before, with humans' answers to what was
    /// referred to them.
    pub(crate) fn decide_anew(&self, received: Timestamp, rulings: &[Ruling]) -> Verdict {
        self.policies.decide(&Question {
            rulings,
            ..self.question(received)
        })
    }

    /// Language of the decision's texts.
    pub(crate) fn language(&self) -> &str {
        &self.language
    }

    /// What the law says of it, complete or not, and what will be asked.
    pub(crate) fn foresee(&self, now: Timestamp) -> Foresight {
        self.policies.foresee(&self.question(now))
    }

    /// What the law says of it, and why.
    pub(crate) fn explain(&self, now: Timestamp) -> Explanation {
        self.policies.explain(&self.question(now))
    }

    /// What another bundle says of it, or the words of it that the other bundle
    /// does not know. No permit comes of that.
    pub(crate) fn decide_by(&self, other: &Library, now: Timestamp) -> Result<Decision, Refusal> {
        let mut unknown = wire::words::unknown(other, &self.request);
        if unknown.is_empty() {
            return Ok(other.decide(&self.question(now)).decision);
        }
        for Violation { description, .. } in &mut unknown {
            *description = format!("in the other bundle: {description}");
        }
        Err(Refusal::Malformed(unknown))
    }

    fn question(&self, now: Timestamp) -> Question<'_> {
        let form = self
            .form
            .as_ref()
            .map_or(FormCheck::Missing, FormCheck::Given);
        Question {
            request: &self.request,
            form,
            language: &self.language,
            now,
            rulings: &[],
        }
    }
}

/// A request that is not admitted.
#[derive(Debug)]
pub(crate) struct NotAdmitted {
    pub(crate) refusal: Refusal,
    /// Its id and digest where the library in force does not know its words, which the one
    /// may have known by which a request that this repeats was decided.
    pub(crate) sent: Option<(RequestId, Digest)>,
}

impl From<Refusal> for NotAdmitted {
    fn from(refusal: Refusal) -> Self {
        let sent = None;
        Self { refusal, sent }
    }
}

/// Admits a request, or says everything that is wrong with it.
pub(crate) fn request(
    gateway: &Gateway,
    caller: &Caller,
    message: Option<v1::CooperationRequest>,
    language: String,
) -> Result<Admission, NotAdmitted> {
    role(caller, &[Role::Issuing], "issuing")?;
    let read = read(gateway, message)?;
    own(caller, &read.request)?;
    let sent = (read.request.id.clone(), read.sent.sent);
    admit(gateway, read, language).map_err(|refusal| NotAdmitted {
        refusal,
        sent: Some(sent),
    })
}

/// Admits a request on record, as it was or as it was supplemented since.
pub(crate) fn again(
    gateway: &Gateway,
    message: v1::CooperationRequest,
    language: String,
) -> Result<Admission, Refusal> {
    admit(gateway, read(gateway, Some(message))?, language)
}

/// Admits a request that may be incomplete, with what it does not have yet; or
/// says everything that is wrong with what it has. It is never sent.
pub(crate) fn draft(
    gateway: &Gateway,
    caller: &Caller,
    message: Option<v1::CooperationRequest>,
    language: String,
) -> Result<(Admission, Vec<Violation>), Refusal> {
    role(caller, &[Role::Issuing], "issuing")?;
    let message = stated(message)?;
    let sent = Sent::of(&message)?;
    let asking = (&caller.jurisdiction, &caller.authority);
    let from_proto::Draft {
        request,
        form,
        absent,
    } = from_proto::draft(message, asking, gateway.now()).map_err(Refusal::Malformed)?;
    own(caller, &request)?;
    let read = Read {
        sent,
        request,
        form,
    };
    let admission = admit(gateway, read, language)?;
    Ok((admission, absent))
}

/// Admits a request of any authority for a legal team that tries its rules out,
/// or says everything that is wrong with it. It is never sent.
pub(crate) fn trial(
    gateway: &Gateway,
    caller: &Caller,
    message: Option<v1::CooperationRequest>,
    language: String,
) -> Result<Admission, Refusal> {
    role(caller, &[Role::Legal], "legal")?;
    admit(gateway, read(gateway, message)?, language)
}

/// Admits a request that is only explained: to the authority that would send it, which may
/// leave out what a draft may, or to a legal team that tries its rules out.
pub(crate) fn explainable(
    gateway: &Gateway,
    caller: &Caller,
    message: Option<v1::CooperationRequest>,
    language: String,
) -> Result<Admission, Refusal> {
    role(caller, &[Role::Issuing, Role::Legal], "issuing and legal")?;
    if caller.role == Role::Legal {
        trial(gateway, caller, message, language)
    } else {
        draft(gateway, caller, message, language).map(|(admission, _)| admission)
    }
}

/// See [`personal::TERMS_MAX`].
const TOO_MANY: &str = "names more than 2,000 personal values in `persons`, `selectors`, \
     `form` and `information`: divide it";

/// A message as it was sent, the request it makes and the instrument's form in it.
struct Read {
    sent: Sent,
    request: Request,
    form: Option<Value>,
}

/// What stays of a message beside the request that it makes.
struct Sent {
    /// In its canonical encoding.
    encoded: Bytes,
    digest: Digest,
    /// Without what the gateway has added.
    sent: Digest,
    conditions: Vec<v1::Obligation>,
    team: Option<InTeam>,
    source: Option<CaseId>,
    terms: Vec<Term>,
}

impl Sent {
    fn of(message: &v1::CooperationRequest) -> Result<Self, Refusal> {
        // A list beyond its bounds is refused as the request is read, whatever is in it.
        let terms = match from_proto::is_bounded(message) {
            true => personal::of_request(message),
            false => Vec::new(),
        };
        if terms.len() > personal::TERMS_MAX {
            return Err(malformed("request", TOO_MANY));
        }
        let encoded = Bytes::from(message.encode_to_vec());
        let digest = wire::digest_of(&encoded);
        let sent = if message.origin.is_none() && message.team.is_none() {
            digest
        } else {
            wire::digest_of(&as_sent(message).encode_to_vec())
        };
        Ok(Self {
            encoded,
            digest,
            sent,
            conditions: message.conditions.clone(),
            team: message.team.as_ref().and_then(InTeam::of),
            source: origin::named(message),
            terms,
        })
    }
}

/// A message without what the gateway knows, which may be otherwise by now.
fn as_sent(message: &v1::CooperationRequest) -> v1::CooperationRequest {
    let mut sent = message.clone();
    sent.origin = None;
    if let Some(team) = &mut sent.team {
        (team.in_force, team.within_purpose) = (None, None);
    }
    sent
}

fn read(gateway: &Gateway, message: Option<v1::CooperationRequest>) -> Result<Read, Refusal> {
    let message = stated(message)?;
    let sent = Sent::of(&message)?;
    let (request, form) =
        from_proto::request(message, gateway.now()).map_err(Refusal::Malformed)?;
    Ok(Read {
        sent,
        request,
        form,
    })
}

fn stated(message: Option<v1::CooperationRequest>) -> Result<v1::CooperationRequest, Refusal> {
    message.ok_or_else(|| malformed("request", "is missing: state the request"))
}

/// Refuses a request that speaks for another than the caller.
fn own(caller: &Caller, request: &Request) -> Result<(), Refusal> {
    if caller.jurisdiction != request.issuing.0 || caller.authority != request.issuing_authority {
        return Err(Refusal::NotCompetent(
            "`issuing`, or `sender`, names another authority than the certificate: an authority speaks for itself only",
        ));
    }
    Ok(())
}

/// Takes in what the library in force knows every word of.
fn admit(gateway: &Gateway, read: Read, language: String) -> Result<Admission, Refusal> {
    let Read {
        sent,
        request,
        form,
    } = read;
    let policies = gateway.policies();
    let unknown = wire::words::unknown(&policies, &request);
    if !unknown.is_empty() {
        return Err(Refusal::Malformed(unknown));
    }
    Ok(Admission {
        digest: sent.digest,
        policies,
        encoded: sent.encoded,
        sent: sent.sent,
        conditions: sent.conditions,
        team: sent.team,
        source: sent.source,
        terms: sent.terms,
        request,
        form,
        language,
    })
}

/// Refuses callers whose certificate carries none of `roles`.
pub(crate) fn role(caller: &Caller, roles: &[Role], open_to: &'static str) -> Result<(), Refusal> {
    if roles.contains(&caller.role) {
        Ok(())
    } else {
        Err(Refusal::PermissionDenied {
            role: caller.role,
            open_to,
        })
    }
}

/// Until when the caller waits; `None` where it does not wait at all.
pub(crate) fn deadline(wait: Option<prost_types::Duration>) -> Result<Option<Instant>, Refusal> {
    let wait = from_proto::wait(wait).map_err(Refusal::Malformed)?;
    Ok((wait > Duration::ZERO).then(|| Instant::now() + wait))
}

/// How urgent a request says it is, before anything else is looked at. For the gateway
/// an exercise never is.
pub(crate) fn urgency(request: Option<&v1::CooperationRequest>) -> Urgency {
    let request = request.filter(|request| !request.exercise);
    let urgency = request.and_then(|request| request.urgency.as_ref());
    let level = urgency.map_or(v1::UrgencyLevel::Unspecified, v1::Urgency::level);
    from_proto::urgency_level(level)
}

/// A refusal for one malformed field.
pub(crate) fn malformed(field: &str, description: &str) -> Refusal {
    Refusal::Malformed(vec![Violation {
        field: field.to_owned(),
        description: description.to_owned(),
    }])
}
