//! Calls that are done once, however often they are repeated.

use comity::v1;
use comity_domain::Digest;
use comity_store::RequestKey;
use prost::Message;
use sha2::{Digest as _, Sha256};

use crate::{
    cases::{self, CaseAt},
    gateway::Gateway,
    happen::{self, Unfiled},
    holder::Holder,
    identity::Caller,
    record,
    refusal::Refusal,
    wire::from_proto,
};

/// A message about one case, team or task that its caller may repeat.
pub(crate) trait Repeatable: Message {
    /// `cases/<id>`, `teams/<id>` or `tasks/<id>`.
    fn name(&self) -> &str;
    /// Empty where the caller gave none.
    fn request_id(&self) -> &str;
}

macro_rules! repeatable {
    ($($message:ident),+ $(,)?) => {$(
        impl Repeatable for v1::$message {
            fn name(&self) -> &str {
                &self.name
            }

            fn request_id(&self) -> &str {
                &self.request_id
            }
        }
    )+};
}

repeatable!(
    AcknowledgeRequest,
    AssessEmergencyRequest,
    ConcludeRequest,
    ConfirmObligationRequest,
    DecideRequest,
    JoinRequest,
    LeaveRequest,
    ObjectRequest,
    ReportEventRequest,
    ReportProgressRequest,
    SupplementRequest,
    WithdrawRequest,
);

/// A call, as its caller made it.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) caller: &'a Caller,
    /// Of what it is about, as it came.
    pub(crate) name: String,
    /// What is done, as refusals name it.
    pub(crate) what: &'static str,
    key: Option<RequestKey>,
    proves: bool,
}

impl<'a> Call<'a> {
    /// A call under an id of the caller's, or under none where that is empty: then its
    /// repetition is another call. The same content under the same id is the same call.
    ///
    /// # Errors
    /// An id that is none.
    pub(crate) fn new(
        caller: &'a Caller,
        what: &'static str,
        message: &impl Repeatable,
    ) -> Result<Self, Refusal> {
        let id = from_proto::request_id(message.request_id()).map_err(Refusal::Malformed)?;
        let key = id.map(|request_id| RequestKey {
            caller: caller.to_string(),
            request_id,
            digest: digest(what, message),
        });
        Ok(Self {
            caller,
            name: message.name().to_owned(),
            what,
            key,
            proves: false,
        })
    }

    /// A call that is answered with the proof of what it did itself, whatever came after.
    pub(crate) fn proving(self) -> Self {
        Self {
            proves: true,
            ..self
        }
    }

    /// The call of one person among those of an authority: another's is another call.
    pub(crate) fn of(mut self, person: &Holder) -> Self {
        if let Some(key) = &mut self.key {
            let mut hash = Sha256::new();
            hash.update(key.digest.0);
            hash.update(&person.subject);
            key.digest = Digest(hash.finalize().into());
        }
        self
    }

    /// What the event of the call takes along.
    pub(crate) fn key(&self) -> Option<RequestKey> {
        self.key.clone()
    }

    /// Makes the change that the call asks for, or, where it was made before, tells by
    /// `stands` how the case stands.
    ///
    /// # Errors
    /// What the caller is told.
    pub(crate) async fn carry_out<T, F>(
        &self,
        gateway: &Gateway,
        change: impl Fn() -> F,
        stands: impl Fn(CaseAt) -> T,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Unfiled>>,
    {
        let stands = |entry| {
            let stands = &stands;
            async move { self.case(gateway, entry).await.map(stands) }
        };
        self.carry_out_or(gateway, change, stands).await
    }

    /// [`Call::carry_out`], where the caller is told of something else than of the case,
    /// or may not see it as a party does: `stands` is given the entry of the call.
    ///
    /// # Errors
    /// What the caller is told.
    pub(crate) async fn carry_out_or<T, F, S>(
        &self,
        gateway: &Gateway,
        change: impl Fn() -> F,
        stands: impl Fn(u64) -> S,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Unfiled>>,
        S: Future<Output = Result<T, Refusal>>,
    {
        if let Some(entry) = self.entry(gateway).await? {
            return stands(entry).await;
        }
        let refusal = match happen::carry_out(self.what, change).await {
            Ok(done) => return Ok(done),
            Err(refusal) => refusal,
        };
        // The same call may have come in twice at a time.
        match self.entry(gateway).await {
            Ok(Some(entry)) => stands(entry).await,
            Ok(None) | Err(_) => Err(refusal),
        }
    }

    /// The entry by which the call was recorded before.
    async fn entry(&self, gateway: &Gateway) -> Result<Option<u64>, Refusal> {
        let Some(key) = &self.key else {
            return Ok(None);
        };
        let used = gateway.store().request_key(&key.caller, &key.request_id);
        match used.await.map_err(record::unavailable)? {
            None => Ok(None),
            Some((digest, _, entry)) if digest == key.digest => Ok(Some(entry)),
            Some(_) => Err(Refusal::IdReused),
        }
    }

    /// The case as it stands, with the proof of its last event, or of the call's own.
    async fn case(&self, gateway: &Gateway, entry: u64) -> Result<CaseAt, Refusal> {
        let mut case = cases::visible(gateway, self.caller, &self.name).await?;
        if self.proves {
            return cases::proved(gateway, case, entry).await;
        }
        case.snapshot.receipt = cases::receipt(gateway, &case).await?;
        Ok(case)
    }
}

/// SHA-256 over the canonical encoding; no other kind of call has the same.
fn digest(what: &str, message: &impl Message) -> Digest {
    let mut hash = Sha256::new();
    hash.update(what);
    hash.update(b"\0");
    hash.update(message.encode_to_vec());
    Digest(hash.finalize().into())
}
