//! `comity request share`: information without request, from a file.

use comity::v1::ShareInformationRequest;
use jiff::Timestamp;

use super::{Submission, connect, exit, explain, read, wait};
use crate::{
    exit::{Exit, Failure},
    render,
};

pub(super) async fn run(submission: Submission) -> Result<Exit, Failure> {
    let Submission {
        file,
        language,
        call,
        wait: seconds,
    } = submission;
    let message = ShareInformationRequest {
        wait: Some(wait(seconds)),
        text_language: language,
        ..read(&file)?
    };
    let urgency = message.urgency.clone();
    let message = comity::marked(message, urgency);
    let answer = connect(&call).await?.share_information(message).await;
    let answer = answer.map_err(explain)?.into_inner();
    let case = answer.case.clone().unwrap_or_default();
    call.print(&answer, || render::case(&case, Timestamp::now()))?;
    Ok(exit(&case.decision.unwrap_or_default()))
}
