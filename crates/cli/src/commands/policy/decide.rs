//! `comity policy decide`: what the gateway would decide, without one.

use comity_gateway::wire::to_proto;

use super::question::Asked;
use crate::{
    commands::request,
    exit::{Exit, Failure},
    render::{self, labels::Labels},
};

pub(super) fn run(asked: Asked) -> Result<Exit, Failure> {
    let (json, language) = (asked.manner.json, asked.manner.language.clone());
    let ready = asked.ready()?;
    let decided = ready.library.decide(&ready.question()).decision;
    let decision = to_proto::decision(&decided, "", ready.now);
    request::print(json, &decision, |decision| {
        render::decision_in(decision, Labels::of(&language))
    })?;
    Ok(request::exit(&decision))
}
