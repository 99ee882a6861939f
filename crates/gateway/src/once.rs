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
        })
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
        let stands = || async { self.case(gateway).await.map(&stands) };
        self.carry_out_or(gateway, change, stands).await
    }

    /// [`Call::carry_out`], where the caller is told of something else than of the case,
    /// or may not see it as a party does.
    ///
    /// # Errors
    /// What the caller is told.
    pub(crate) async fn carry_out_or<T, F, S>(
        &self,
        gateway: &Gateway,
        change: impl Fn() -> F,
        stands: impl Fn() -> S,
    ) -> Result<T, Refusal>
    where
        F: Future<Output = Result<T, Unfiled>>,
        S: Future<Output = Result<T, Refusal>>,
    {
        if self.is_recorded(gateway).await? {
            return stands().await;
        }
        let refusal = match happen::carry_out(self.what, change).await {
            Ok(done) => return Ok(done),
            Err(refusal) => refusal,
        };
        // The same call may have come in twice at a time.
        match self.is_recorded(gateway).await {
            Ok(true) => stands().await,
            Ok(false) | Err(_) => Err(refusal),
        }
    }

    /// The call was recorded before.
    async fn is_recorded(&self, gateway: &Gateway) -> Result<bool, Refusal> {
        let Some(key) = &self.key else {
            return Ok(false);
        };
        let used = gateway.store().request_key(&key.caller, &key.request_id);
        match used.await.map_err(record::unavailable)? {
            None => Ok(false),
            Some((digest, _)) if digest == key.digest => Ok(true),
            Some(_) => Err(Refusal::IdReused),
        }
    }

    async fn case(&self, gateway: &Gateway) -> Result<CaseAt, Refusal> {
        let mut case = cases::visible(gateway, self.caller, &self.name).await?;
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
