//! `comity policy sign`: stand behind a bundle, or see who does.

use std::path::{Path, PathBuf};

use clap::Args;
use comity_domain::Digest;
use comity_gateway::signatures::{FILE, Signatures, Statement};
use comity_ledger::{Key, VerifierKey};
use comity_policy::Library;
use jiff::{Timestamp, ToSpan as _, civil::Date, tz::TimeZone};

use crate::exit::{Exit, Failure};

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
    #[arg(long, conflicts_with = "check")]
    until: Option<Date>,
    /// Sign nothing and show who has signed
    #[arg(long, conflicts_with = "key")]
    check: bool,
    /// A verifier key whose signature must be there; once for each
    #[arg(long, requires = "check", value_name = "VERIFIER_KEY")]
    signer: Vec<VerifierKey>,
}

pub(super) fn run(arguments: &Sign) -> Result<Exit, Failure> {
    let bundle = Library::load(&arguments.policies)?.digest();
    let today = TimeZone::UTC.to_datetime(Timestamp::now()).date();
    match &arguments.key {
        Some(key) => sign(arguments, &Key::load(key)?, (bundle, today)),
        None => check(arguments, bundle, today),
    }
}

fn sign(
    Sign {
        policies, until, ..
    }: &Sign,
    key: &Key,
    (bundle, today): (Digest, Date),
) -> Result<Exit, Failure> {
    if let Some(until) = until.filter(|until| *until < today) {
        return Err(format!("`--until {until}` is over: give today or a later day").into());
    }
    let earlier = earlier(policies, bundle, today)?;
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
    signatures
        .write(policies)
        .map_err(|error| format!("cannot write `{}`: {error}", policies.join(FILE).display()))?;
    let Statement { bundle, until } = signatures.statement();
    println!("signed bundle {bundle}, valid until {until}");
    for claimed in signatures.claimed() {
        println!("  {claimed}");
    }
    Ok(Exit::Done)
}

/// Signatures in the folder to which another can be added: those of an earlier
/// bundle and those that ran out make room for a new note.
fn earlier(policies: &Path, bundle: Digest, today: Date) -> Result<Option<Signatures>, Failure> {
    let Some(earlier) = Signatures::read(policies)? else {
        return Ok(None);
    };
    let Statement {
        bundle: signed,
        until,
    } = earlier.statement();
    if signed != bundle {
        println!("the files were changed since they were signed: a new note begins");
    } else if until < today {
        println!("the signatures ran out on {until}: a new note begins");
    } else {
        return Ok(Some(earlier));
    }
    Ok(None)
}

/// Shows who signed. The answer is yes where the signatures are for these files,
/// have not run out, and everyone asked for is among them; never where nobody was
/// asked for, since a name alone proves nothing.
fn check(
    Sign {
        policies, signer, ..
    }: &Sign,
    bundle: Digest,
    today: Date,
) -> Result<Exit, Failure> {
    let Some(signatures) = Signatures::read(policies)? else {
        println!("bundle {bundle} is not signed");
        return Ok(Exit::No);
    };
    let statement = signatures.statement();
    let by = signatures.by(signer)?;
    println!(
        "signed is bundle {}, valid until {}",
        statement.bundle, statement.until
    );
    for key in signer {
        let word = if by.contains(&key) {
            "signed"
        } else {
            "missing"
        };
        println!("  {word:10} {}", short(&key.to_string()));
    }
    for claimed in signatures.claimed() {
        if !signer.iter().any(|key| short(&key.to_string()) == claimed) {
            println!("  {:10} {claimed}", "unchecked");
        }
    }
    let current = statement.bundle == bundle;
    if !current {
        println!("the files are bundle {bundle}: they were changed after they were signed");
    }
    let in_time = statement.until >= today;
    if !in_time {
        println!("the signatures ran out");
    }
    if signer.is_empty() {
        println!("nothing was checked: give the signers' verifier keys with `--signer`");
    }
    let all = current && in_time && !signer.is_empty() && by.len() == signer.len();
    Ok(if all { Exit::Done } else { Exit::No })
}

/// Name and id of a verifier key, without the key.
fn short(key: &str) -> String {
    key.splitn(3, '+').take(2).collect::<Vec<_>>().join("+")
}
