//! `comity request share`: information without request, from a file.

use comity::v1::{ShareInformationRequest, ShareInformationResponse};

use super::{Client, Submission, connect, exit, explain, read, shown_case, wait};
use crate::exit::{Exit, Failure};

pub(super) async fn run(submission: Submission) -> Result<Exit, Failure> {
    let Submission {
        file,
        language,
        call,
        wait: seconds,
    } = submission;
    let message = ShareInformationRequest {
        text_language: language,
        ..read(&file)?
    };
    let mut client = connect(&call).await?;
    let answer = send(&mut client, message, seconds).await?;
    let case = answer.case.clone().unwrap_or_default();
    call.print(&answer, |answer| shown_case(answer.case.as_ref()))?;
    Ok(exit(&case.decision.unwrap_or_default()))
}

/// Sends information, and waits for its answer so many seconds.
pub(in crate::commands) async fn send(
    client: &mut Client,
    message: ShareInformationRequest,
    seconds: u32,
) -> Result<ShareInformationResponse, Failure> {
    let (urgency, exercise) = (message.urgency.clone(), message.exercise);
    let message = ShareInformationRequest {
        wait: Some(wait(seconds)),
        ..message
    };
    let marked = comity::marked(message, urgency, exercise);
    let answer = client.share_information(marked).await;
    Ok(answer.map_err(explain)?.into_inner())
}
