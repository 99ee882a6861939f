//! `comity audit emergencies` and `assess`: who claimed an emergency, and whether
//! there was one.

use std::fmt::Write as _;

use clap::{Args, ValueEnum};
use comity::v1::{
    self, Claimant, EmergencyClaim, EmergencyFinding, audit_service_client::AuditServiceClient,
};
use comity_domain::CaseId;
use tonic::transport::Channel;

use super::source;
use crate::{
    client::{complete, explain},
    commands::request::{Call, Once},
    exit::{Exit, Failure},
    render::{self, ledger::short},
};

/// Claims on a page.
const PAGE: i32 = 50;

#[derive(Debug, Args)]
pub(crate) struct Listing {
    /// Also those that were assessed
    #[arg(long)]
    all: bool,
    /// Why they are read; kept on record
    #[arg(long)]
    purpose: String,
    /// Go on where a page ended
    #[arg(long, default_value = "", hide_default_value = true)]
    page_token: String,
    #[command(flatten)]
    call: Call,
}

#[derive(Debug, Args)]
pub(crate) struct Assessment {
    /// The case, `cases/<id>`
    #[arg(value_parser = source::case)]
    case: CaseId,
    /// What was found
    finding: Finding,
    /// Why; sealed, and shown to the parties of the case
    #[arg(long)]
    reasons: String,
    #[command(flatten)]
    once: Once,
    #[command(flatten)]
    call: Call,
}

/// See `EmergencyFinding`.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Finding {
    /// There was an emergency, or reason to see one
    Justified,
    /// There was none, and no reason to see one
    Unjustified,
}

type Client = AuditServiceClient<Channel>;

pub(super) fn list(arguments: Listing) -> Result<Exit, Failure> {
    let Listing {
        all,
        purpose,
        page_token,
        call,
    } = arguments;
    let message = v1::ListEmergenciesRequest {
        assessed: all,
        purpose,
        page_size: PAGE,
        page_token,
    };
    let answer = complete(async {
        let mut client = Client::new(call.open().await?);
        let answer = client.list_emergencies(message).await;
        Ok::<_, Failure>(answer.map_err(explain)?.into_inner())
    })??;
    call.print(&answer, told)?;
    Ok(Exit::Done)
}

pub(super) fn assess(arguments: Assessment) -> Result<Exit, Failure> {
    let Assessment {
        case,
        finding,
        reasons,
        once,
        call,
    } = arguments;
    let finding = match finding {
        Finding::Justified => EmergencyFinding::Justified,
        Finding::Unjustified => EmergencyFinding::Unjustified,
    };
    let message = v1::AssessEmergencyRequest {
        name: format!("cases/{case}"),
        finding: finding.into(),
        reasons,
        request_id: once.id,
    };
    let answer = complete(async {
        let mut client = Client::new(call.open().await?);
        let answer = client.assess_emergency(message).await;
        Ok::<_, Failure>(answer.map_err(explain)?.into_inner())
    })??;
    call.print(&answer, |answer| {
        let index = answer.receipt.as_ref().map_or(0, |receipt| receipt.index);
        format!(
            "cases/{case} is assessed: {}, entry {index}",
            found(finding)
        )
    })?;
    Ok(Exit::Done)
}

fn told(answer: &v1::ListEmergenciesResponse) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = match answer.claims.as_slice() {
        [] => writeln!(text, "no emergency waits to be assessed"),
        claims => writeln!(text, "{}", claimed(claims)),
    };
    if !answer.claimants.is_empty() {
        let _ = writeln!(
            text,
            "\nWho claimed an emergency\n{}",
            tally(&answer.claimants)
        );
    }
    text.push_str(&left_out(answer));
    if !answer.next_page_token.is_empty() {
        let _ = writeln!(text, "\nmore: --page-token {}", answer.next_page_token);
    }
    text
}

/// What is in no page, and why.
fn left_out(answer: &v1::ListEmergenciesResponse) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    if answer.erased > 0 {
        let _ = writeln!(
            text,
            "\nnot listed: {}, whose records were erased before anybody assessed them; \
             `--all` lists them",
            answer.erased
        );
    }
    if answer.pruned_below > 0 {
        let _ = writeln!(
            text,
            "\nneither listed nor counted: claims of cases opened in entries below {}, which were \
             pruned; how many they were is on record no more",
            answer.pruned_below
        );
    }
    text
}

fn claimed(claims: &[EmergencyClaim]) -> String {
    let mut table = render::table(&[
        "case",
        "claimed by",
        "asked",
        "received",
        "ended",
        "why",
        "found",
    ]);
    render::keep_whole(&mut table, &[0]);
    for claim in claims {
        let received = claim.received_at.as_ref().map(render::day);
        let basis = match claim.instrument.as_str() {
            "" => claim.executing.clone(),
            instrument => format!("{}\n{instrument}", claim.executing),
        };
        table.add_row([
            claim.case.clone(),
            short(&claim.claimant),
            basis,
            received.unwrap_or_default(),
            render::state_name(claim.state()).to_owned(),
            claim.reason.clone(),
            found(claim.finding()).to_owned(),
        ]);
    }
    table.to_string()
}

fn tally(claimants: &[Claimant]) -> String {
    let mut table = render::table(&["authority", "claims", "assessed", "unjustified"]);
    for claimant in claimants {
        table.add_row([
            short(&claimant.authority),
            claimant.claims.to_string(),
            claimant.assessed.to_string(),
            claimant.unjustified.to_string(),
        ]);
    }
    table.to_string()
}

fn found(finding: EmergencyFinding) -> &'static str {
    match finding {
        EmergencyFinding::Unspecified => "",
        EmergencyFinding::Justified => "justified",
        EmergencyFinding::Unjustified => "unjustified",
    }
}
