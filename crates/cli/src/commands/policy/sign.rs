//! `comity policy sign`: stand behind a bundle, or see who does.

use std::path::{Path, PathBuf};

use clap::Args;
use comity_domain::Digest;
use comity_gateway::signatures::{FILE, Signatures, Statement};
use comity_ledger::{Key, VerifierKey};
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};
use serde_json::json;

use crate::{
    commands::{day, library, tell},
    exit::{Exit, Failure},
};

/// Days for which signatures count where no last day is given.
const VALID_DAYS: i32 = 365;

#[derive(Debug, Args)]
pub(crate) struct Sign {
    /// Folder of the policy files
    #[arg(long, default_value = "policies")]
    policies: PathBuf,
    /// File of the signing key that `comity keys signer` made
    #[arg(long, required_unless_present = "check")]
    key: Option<PathBuf>,
    /// Last day on which the signatures count, in UTC; a year from now otherwise
    #[arg(long, conflicts_with = "check", value_parser = day)]
    until: Option<Date>,
    /// Sign nothing and show who has signed
    #[arg(long, conflicts_with = "key")]
    check: bool,
    /// A verifier key whose signature must be there; once for each
    #[arg(long, requires = "check", value_name = "VERIFIER_KEY", value_parser = verifier)]
    signer: Vec<VerifierKey>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Sign) -> Result<Exit, Failure> {
    let bundle = library::load(&arguments.policies)?.digest();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    match &arguments.key {
        Some(key) => sign(arguments, &Key::load(key)?, (bundle, today)),
        None => check(arguments, bundle, today),
    }
}

fn sign(
    Sign {
        policies,
        until,
        json,
        ..
    }: &Sign,
    key: &Key,
    (bundle, today): (Digest, Date),
) -> Result<Exit, Failure> {
    if let Some(until) = until.filter(|until| *until < today) {
        return Err(format!("`--until {until}` is over: give today or a later day").into());
    }
    let (earlier, remark) = earlier(policies, bundle, today)?;
    let mut signatures = match (earlier, until) {
        (Some(earlier), Some(until)) if earlier.statement().until != *until => {
            return Err(format!(
                "the bundle is signed until {}: leave out `--until` to add a signature, or \
                 remove `{FILE}` and have everyone sign again",
                earlier.statement().until
            )
            .into());
        }
        (Some(earlier), _) => earlier,
        (None, until) => Signatures::new(Statement {
            bundle,
            until: until.map_or_else(|| today.checked_add(VALID_DAYS.days()), Ok)?,
        })?,
    };
    signatures.sign(key)?;
    let file = policies.join(FILE);
    signatures
        .write(policies)
        .map_err(|error| format!("cannot write `{}`: {error}", file.display()))?;
    let Statement { bundle, until } = signatures.statement();
    let (signer, claimed) = (key.verifier().to_string(), signatures.claimed());
    let value = json!({
        "file": file.display().to_string(), "bundle": bundle.to_string(), "until": until.to_string(), "signer": signer,
        "signatures": claimed,
    });
    tell(*json, &value, || {
        let remark = remark
            .map(|remark| format!("{remark}\n"))
            .unwrap_or_default();
        let by = claimed
            .iter()
            .map(|claimed| format!("\n  {}", apart(claimed)));
        format!(
            "{remark}signed bundle {bundle}, valid until {until}{}\n\
             `comity policy sign --check --signer {signer}` checks yours",
            by.collect::<String>()
        )
    });
    Ok(Exit::Done)
}

/// Signatures in the folder to which another can be added: those of an earlier
/// bundle and those that ran out make room for a new note, and a remark says so.
fn earlier(
    policies: &Path,
    bundle: Digest,
    today: Date,
) -> Result<(Option<Signatures>, Option<String>), Failure> {
    let Some(earlier) = Signatures::read(policies)? else {
        return Ok((None, None));
    };
    let Statement {
        bundle: signed,
        until,
    } = earlier.statement();
    let remark = if signed != bundle {
        "the files were changed since they were signed: a new note begins".to_owned()
    } else if until < today {
        format!("the signatures ran out on {until}: a new note begins")
    } else {
        return Ok((Some(earlier), None));
    };
    Ok((None, Some(remark)))
}

/// Shows who signed. The answer is yes where the signatures are for these files,
/// have not run out, and everyone asked for is among them; never where nobody was
/// asked for, since a name alone proves nothing.
fn check(
    Sign {
        policies,
        signer,
        json,
        ..
    }: &Sign,
    bundle: Digest,
    today: Date,
) -> Result<Exit, Failure> {
    let Some(signatures) = Signatures::read(policies)? else {
        let value = json!({"in_order": false, "bundle": bundle.to_string(), "signed": null});
        tell(*json, &value, || format!("bundle {bundle} is not signed"));
        return Ok(Exit::No);
    };
    let statement = signatures.statement();
    let (by, missing): (Vec<_>, Vec<_>) = {
        let by = signatures.by(signer)?;
        signer
            .iter()
            .map(ToString::to_string)
            .partition(|key| by.iter().any(|signed| signed.to_string() == *key))
    };
    let given = |claimed: &String| by.iter().any(|key| short(key) == *claimed);
    let mut unchecked = signatures.claimed();
    unchecked.retain(|claimed| !given(claimed));
    let (current, in_time) = (statement.bundle == bundle, statement.until >= today);
    let all = current && in_time && !signer.is_empty() && missing.is_empty();
    let value = json!({
        "in_order": all, "bundle": bundle.to_string(),
        "signed": {
            "bundle": statement.bundle.to_string(), "until": statement.until.to_string(),
            "by": by, "missing": missing, "unchecked": unchecked,
        },
    });
    tell(*json, &value, || {
        let mut lines = vec![format!(
            "signed is bundle {}, valid until {}",
            statement.bundle, statement.until
        )];
        lines.extend(by.iter().map(|key| format!("  {:10} {key}", "signed")));
        lines.extend(
            missing
                .iter()
                .map(|key| format!("  {:10} {key}", "missing")),
        );
        let unchecked = unchecked.iter().map(|claimed| apart(claimed));
        lines.extend(unchecked.map(|claimed| format!("  {:10} {claimed}", "unchecked")));
        if !current {
            lines.push(format!(
                "the files are bundle {bundle}: they were changed after they were signed"
            ));
        }
        if !in_time {
            lines.push("the signatures ran out".to_owned());
        }
        if signer.is_empty() {
            lines.push(
                "nothing was checked, as a signature names its key and does not hold it: give the \
                 signers' verifier keys, as `comity keys signer` printed them, with `--signer`"
                    .to_owned(),
            );
        }
        lines.join("\n")
    });
    Ok(if all { Exit::Done } else { Exit::No })
}

/// A verifier key.
fn verifier(text: &str) -> Result<VerifierKey, String> {
    text.parse().map_err(|error| {
        format!(
            "{error}, as `comity keys signer` printed it; a signature has no more than name and id"
        )
    })
}

/// Name and id of a verifier key, without the key.
fn short(key: &str) -> String {
    key.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")
}

/// Name and id as words, so that nobody takes them for the key.
fn apart(claimed: &str) -> String {
    match claimed.split_once('+') {
        Some((name, id)) => format!("{name}, key id {id}"),
        None => claimed.to_owned(),
    }
}
