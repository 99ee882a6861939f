//! `comity policy decide`: what the gateway would decide, without one.

use comity_gateway::wire::to_proto;

use super::question::Asked;
use crate::{
    commands::request,
    exit::{Exit, Failure},
    render,
};

pub(super) fn run(asked: Asked) -> Result<Exit, Failure> {
    let json = asked.manner.json;
    let ready = asked.ready()?;
    let decided = ready.library.decide(&ready.question()).decision;
    let decision = to_proto::decision(&decided, "", ready.now);
    request::print(json, &decision, render::decision)?;
    Ok(request::exit(&decision))
}
