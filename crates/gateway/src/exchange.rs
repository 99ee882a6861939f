//! The way of a request, in one function.

use comity::v1;
use comity_domain::{CaseId, Urgency};

use crate::{
    admit::{self, Admission},
    answer, deliver,
    gateway::Gateway,
    identity::{Caller, Role},
    origin,
    places::Marked,
    record::{self, Filed, Trial},
    refusal::Refusal,
    timestamp,
    wire::{encoded, to_proto},
};

/// Admit, decide, record, deliver, answer.
///
/// Runs detached from the client's connection: once admitted, a request is
/// carried to the end of its stage whether or not anybody still listens.
///
/// # Errors
/// A [`Refusal`] that says what to mend. What is refused is on record before
/// the refusal is returned.
pub(crate) async fn submit(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::SubmitRequest,
    marked: Marked,
) -> Result<encoded::SubmitResponse, Refusal> {
    let own = origin::said_by_nobody(message.request.as_ref());
    record::attempted(gateway, caller, own).await?;
    submit_known(gateway, caller, message, marked).await
}

/// [`submit`] of a request that may say what the gateway knows itself: a room of the
/// gateway made it.
///
/// # Errors
/// As [`submit`].
pub(crate) async fn submit_known(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::SubmitRequest,
    marked: Marked,
) -> Result<encoded::SubmitResponse, Refusal> {
    let v1::SubmitRequest {
        request,
        wait,
        text_language,
    } = message;
    let urgency = admit::urgency(request.as_ref());
    let admitted = async {
        marked.check(urgency)?;
        // Before anybody stands aside for it.
        admit::role(caller, &[Role::Issuing], "issuing")?;
        timestamp::permit(gateway, caller, (request.as_ref(), urgency)).await?;
        let deadline = admit::deadline(wait)?;
        let way = gateway.lanes().way(urgency);
        let request = match origin::is_repeated(gateway, caller, request.as_ref()).await? {
            true => request,
            false => Box::pin(origin::trace(gateway, caller, request)).await?,
        };
        way.give().await;
        let admitted = match admit::request(gateway, caller, request, text_language) {
            Ok(admission) => match alarm(gateway, caller, &admission, urgency).await? {
                Some(id) => Err(id),
                None => Ok(admission),
            },
            Err(not) => Err(Box::pin(origin::case_of(gateway, caller, not)).await?),
        };
        Ok((deadline, admitted, way))
    };
    let admitted = record::attempted(gateway, caller, admitted.await).await;
    let (deadline, admitted, way) = admitted?;
    let filed = match admitted {
        Err(before) => Filed::Before(before),
        Ok(admission) => {
            let verdict = admission.decide(gateway.now());
            Box::pin(record::decision(gateway, caller, admission, verdict)).await?
        }
    };
    let (case, job) = match filed {
        Filed::Now(case, job) => (case, job),
        Filed::Before(id) => {
            let case = Box::pin(answer::settle(gateway, &id, deadline)).await?;
            return Ok(encoded::SubmitResponse::of(case, true));
        }
    };
    let Some(job) = job else {
        return Ok(encoded::SubmitResponse::of(case.snapshot, false));
    };
    way.give().await;
    let Some(until) = deadline else {
        let recorded = case.snapshot.clone();
        tokio::spawn(deliver::first(gateway.clone(), job, *case));
        return Ok(encoded::SubmitResponse::of(recorded, false));
    };
    let id = case.row.id.clone();
    let mut delivery = Box::pin(deliver::first(gateway.clone(), job, *case));
    match tokio::time::timeout_at(until, delivery.as_mut()).await {
        Ok(Some(case)) if answer::at_rest(case.row.state) => {
            return Ok(encoded::SubmitResponse::of(case.snapshot, false));
        }
        Ok(_) => {}
        // The caller waits no longer; the delivery goes on.
        Err(_) => drop(tokio::spawn(delivery)),
    }
    let case = Box::pin(answer::settle(gateway, &id, deadline)).await?;
    Ok(encoded::SubmitResponse::of(case, false))
}

/// Has all else give way to an emergency. One that is on record, which is told, is none
/// anew.
async fn alarm(
    gateway: &Gateway,
    caller: &Caller,
    admission: &Admission,
    urgency: Urgency,
) -> Result<Option<CaseId>, Refusal> {
    if urgency != Urgency::Emergency {
        return Ok(None);
    }
    let before = origin::case_before(gateway, caller, admission).await?;
    if before.is_none() {
        gateway.lanes().alarm();
        gateway.metrics().alarmed();
    }
    Ok(before)
}

/// Decides a possibly incomplete request, looks ahead of it, and records that
/// it was asked. Nothing is sent and no case is opened.
///
/// # Errors
/// As [`submit`].
pub(crate) async fn preflight(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::PreflightRequest,
) -> Result<v1::PreflightResponse, Refusal> {
    let v1::PreflightRequest {
        request,
        text_language,
    } = message;
    let admitted = async {
        origin::said_by_nobody(request.as_ref())?;
        let request = origin::trace(gateway, caller, request).await?;
        admit::draft(gateway, caller, request, text_language)
    };
    let admitted = admitted.await;
    let (admission, absent) = record::attempted(gateway, caller, admitted).await?;
    let now = gateway.now();
    let foresight = admission.foresee(now);
    let tried = (&admission, &foresight.decision);
    record::trial(gateway, caller, tried, Trial::Preflight).await?;
    Ok(to_proto::preflight(&foresight, absent, now))
}

/// Decides as [`preflight`] does, records likewise, and tells the reasoning.
///
/// # Errors
/// As [`submit`].
pub(crate) async fn explain(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::ExplainRequest,
) -> Result<v1::ExplainResponse, Refusal> {
    let v1::ExplainRequest {
        request,
        text_language,
    } = message;
    let admitted = async {
        // Who tries rules out may suppose where data come from.
        let request = if caller.role == Role::Legal {
            request
        } else {
            origin::said_by_nobody(request.as_ref())?;
            origin::trace(gateway, caller, request).await?
        };
        admit::explainable(gateway, caller, request, text_language)
    };
    let admission = record::attempted(gateway, caller, admitted.await).await?;
    let now = gateway.now();
    let explanation = admission.explain(now);
    let decision = &explanation.decision;
    record::trial(gateway, caller, (&admission, decision), Trial::Explain).await?;
    Ok(v1::ExplainResponse {
        decision: Some(to_proto::decision(decision, "", now)),
        paragraphs: explanation.paragraphs(),
    })
}

/// Decides a request by the bundle in force and by one that was, and records
/// that it was asked. Nothing is sent and no case is opened.
///
/// # Errors
/// As [`submit`].
pub(crate) async fn compare(
    gateway: &Gateway,
    caller: &Caller,
    message: v1::CompareRequest,
) -> Result<v1::CompareResponse, Refusal> {
    let v1::CompareRequest {
        request,
        other_bundle_sha256,
    } = message;
    let now = gateway.now();
    let decided = async {
        let admission = admit::trial(gateway, caller, request, String::new())?;
        let bundle = other_bundle_sha256.parse().map_err(|_| {
            let description =
                "is no SHA-256: give 64 hexadecimal digits, as decisions name bundles";
            admit::malformed("other_bundle_sha256", description)
        })?;
        let other = gateway.bundles().find(bundle).await?;
        let by_other = admission.decide_by(&other, now)?;
        Ok::<_, Refusal>((admission, by_other))
    };
    let (admission, by_other) = record::attempted(gateway, caller, decided.await).await?;
    let decision = admission.decide(now).decision;
    let trial = Trial::Compare(&by_other);
    record::trial(gateway, caller, (&admission, &decision), trial).await?;
    Ok(v1::CompareResponse {
        current: Some(to_proto::decision(&decision, "", now)),
        other: Some(to_proto::decision(&by_other, "", now)),
    })
}
