//! `comity keys`: a demonstration or pilot PKI, keys that sign policies, and keys
//! that evidence is sealed to.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use clap::{Args, Subcommand, builder::PossibleValuesParser, value_parser};
use comity_domain::{AuthorityId, JurisdictionCode};
use comity_evidence::sealed::Identity;
use comity_gateway::identity::Role;
use comity_ledger::{Key, save_secret};
use comity_policy::Library;
use comity_sandbox::pki::{self, Pki, Validity};
use rustls::pki_types::ServerName;
use serde_json::json;
use time::{Duration, OffsetDateTime};

use super::{library, tell};
use crate::exit::{Exit, Failure};

/// Whoever has such a certificate is connected to, by a name that stands in it.
const SERVING: [Role; 2] = [Role::Gateway, Role::Backend];

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make a certificate authority
    #[command(after_help = "Example: comity keys init --dir pki --trust-domain comity.example")]
    Init(Init),
    /// Issue a certificate for an authority's system, a gateway or a backend
    #[command(
        after_help = "Examples: comity keys issue --dir pki --jurisdiction DE --authority sta-berlin --role issuing
          comity keys issue --dir pki --jurisdiction EU --authority comity --role gateway --names comity.justice.example,192.0.2.7
          comity keys issue --dir pki --jurisdiction FR --authority backend --role backend --names backend.justice.example"
    )]
    Issue(Issue),
    /// Revoke certificates: writes `ca.crl` anew, with those that it has
    #[command(after_help = "Example: comity keys revoke --dir pki pki/de-sta-berlin-issuing.pem")]
    Revoke(Revoke),
    /// Make a key that evidence can be sealed to
    #[command(after_help = "Example: comity keys recipient --name evidence.tj-paris")]
    Recipient(Signer),
    /// Make a key that signs policy files
    #[command(after_help = "Example: comity keys signer --name legal-1.justice.example")]
    Signer(Signer),
}

#[derive(Debug, Args)]
pub(crate) struct Init {
    /// Folder of the PKI; made if absent
    #[arg(long, default_value = "pki")]
    dir: PathBuf,
    /// Trust domain in every certificate's name
    #[arg(long, default_value = "comity.example")]
    trust_domain: String,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Issue {
    /// Folder of the PKI
    #[arg(long, default_value = "pki")]
    dir: PathBuf,
    /// Jurisdiction, for example DE
    #[arg(long)]
    jurisdiction: String,
    /// Authority's id in the jurisdiction's authorities.yaml; of a gateway or backend a name of
    /// your own choice
    #[arg(long)]
    authority: String,
    /// What it is for
    #[arg(long, value_parser = PossibleValuesParser::new(Role::ALL.map(Role::as_str)))]
    role: String,
    /// The person who holds it, where it is no system's: reviewers are told apart
    /// by their names
    #[arg(long)]
    person: Option<String>,
    /// DNS names and IP addresses by which it is connected to, separated by commas; gateways
    /// and backends must have some
    #[arg(long, value_delimiter = ',', value_parser = name)]
    names: Vec<String>,
    /// Days the certificate is valid for
    #[arg(long, default_value_t = 90, value_parser = value_parser!(u16).range(1..))]
    days: u16,
    /// Policy files, to be warned of an authority that they do not know
    #[arg(long)]
    policies: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// Folder of the PKI
    #[arg(long, default_value = "pki")]
    dir: PathBuf,
    /// Days until the list runs out, and with it, at gateways that have it, every
    /// certificate: write it again before, also with nothing new
    #[arg(long, default_value_t = 7, value_parser = value_parser!(u16).range(1..))]
    days: u16,
    /// Certificates, in PEM
    certificates: Vec<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Signer {
    /// Name of the key: an office rather than a person
    #[arg(long)]
    name: String,
    /// File of the key; `<name>.key` otherwise
    #[arg(long)]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(command: Command) -> Result<Exit, Failure> {
    match command {
        Command::Init(arguments) => init(&arguments),
        Command::Issue(arguments) => issue(arguments),
        Command::Revoke(arguments) => revoke(&arguments),
        Command::Recipient(arguments) => recipient(arguments),
        Command::Signer(arguments) => signer(arguments),
    }
}

fn init(arguments: &Init) -> Result<Exit, Failure> {
    Pki::init(
        &arguments.dir,
        &arguments.trust_domain,
        OffsetDateTime::now_utc(),
    )?;
    let Init {
        dir,
        trust_domain,
        json,
    } = arguments;
    let value = json!({
        "trust_domain": trust_domain, "ca": text(&dir.join("ca.pem")), "key": text(&dir.join("ca.key")),
    });
    tell(*json, &value, || {
        format!(
            "made a certificate authority for `{trust_domain}` in `{}`\n\
             keep `ca.key` to yourself; whoever has it can speak for every authority",
            dir.display()
        )
    });
    Ok(Exit::Done)
}

fn issue(arguments: Issue) -> Result<Exit, Failure> {
    let Issue {
        dir,
        jurisdiction,
        authority,
        role,
        person,
        names,
        days,
        policies,
        json,
    } = arguments;
    let state = jurisdiction.parse::<JurisdictionCode>()?;
    let id = authority.parse::<AuthorityId>()?;
    let stranger = match &policies {
        Some(folder) => stranger(folder, &state, &id)?.and_then(|unknown| warning(unknown, &role)),
        None => None,
    };
    demand_held(&role, &names, person.as_deref())?;
    let now = OffsetDateTime::now_utc();
    let pki = Pki::open(&dir)?;
    let wanted = now + Duration::days(days.into());
    let until = pki.until().map_or(wanted, |end| end.min(wanted));
    let validity = Validity {
        from: now - Duration::hours(1),
        until,
    };
    let cut = (until < wanted).then(|| (until - now).whole_days().max(0));
    let mut stem = format!("{}-{authority}-{role}", jurisdiction.to_lowercase());
    if let Some(person) = &person {
        stem.push_str(&suffix(person));
    }
    let [certificate, key] = ["pem", "key"].map(|ending| dir.join(format!("{stem}.{ending}")));
    if let Some(path) = [&certificate, &key].into_iter().find(|path| path.exists()) {
        return Err(format!(
            "there is a `{0}` already: before another one is issued move `{stem}.pem` and \
             `{stem}.key` elsewhere, and if that certificate is to count no more, revoke it with \
             `comity keys revoke --dir {1} CERTIFICATE`",
            path.display(),
            dir.display()
        )
        .into());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let identity = pki::Identity {
        jurisdiction,
        authority,
        role,
        person,
    };
    pki.issue(&identity, &names, validity)?.write(&dir, &stem)?;
    let days = cut.unwrap_or(days.into());
    let value = json!({
        "certificate": text(&certificate), "key": text(&key), "days": days, "cut": cut.is_some(),
        "warning": stranger,
    });
    tell(json, &value, || {
        let dir = dir.display();
        let as_long = match cut {
            Some(_) => ", as long as its authority's own certificate",
            None => "",
        };
        let warning = stranger.map_or_else(String::new, |warning| format!("\nwarning: {warning}"));
        format!(
            "wrote `{stem}.pem` and `{stem}.key` to `{dir}`, valid for {days} days{as_long}{warning}"
        )
    });
    Ok(Exit::Done)
}

/// Refuses a certificate that could not serve.
fn demand_held(role: &str, names: &[String], person: Option<&str>) -> Result<(), Failure> {
    if names.is_empty() && SERVING.iter().any(|serving| serving.as_str() == role) {
        return Err(format!(
            "whoever connects to a {role} looks for its name in the certificate: say its DNS \
             names and IP addresses with `--names`, separated by commas"
        )
        .into());
    }
    if role == Role::Reviewer.as_str() && person.is_none() {
        return Err("a reviewer is a person: say who with `--person`".into());
    }
    Ok(())
}

/// What it means for a certificate that policy files do not know its authority; nothing for
/// roles that are not looked up there.
fn warning(unknown: String, role: &str) -> Option<String> {
    let role = Role::ALL.into_iter().find(|known| known.as_str() == role)?;
    let means = match role {
        Role::Issuing | Role::Executing | Role::Reviewer => "nothing is let through for it",
        Role::Auditor => {
            "it opens the records of its State's cases all the same, and searches for nobody"
        }
        Role::Backend | Role::Gateway | Role::Legal => return None,
    };
    Some(format!("{unknown}: {means}"))
}

/// What is to be said of an authority that policy files do not know.
fn stranger(
    folder: &Path,
    state: &JurisdictionCode,
    id: &AuthorityId,
) -> Result<Option<String>, Failure> {
    library::demand(folder)?;
    let library = Library::load(folder).map_err(|report| report.to_string())?;
    let known = library.has_authority(state, id);
    Ok((!known).then(|| {
        format!(
            "`{}` has no authority `{id}` of `{state}`",
            folder.display()
        )
    }))
}

/// A name or an address that whoever connects can look for.
fn name(text: &str) -> Result<String, &'static str> {
    match ServerName::try_from(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("expected DNS names and IP addresses, separated by commas without spaces"),
    }
}

fn revoke(arguments: &Revoke) -> Result<Exit, Failure> {
    let Revoke {
        dir,
        days,
        certificates,
        json,
    } = arguments;
    let pki = Pki::open(dir)?;
    let now = OffsetDateTime::now_utc();
    let validity = Validity {
        from: now,
        until: now + Duration::days((*days).into()),
    };
    let path = dir.join("ca.crl");
    let before = path
        .exists()
        .then(|| fs::read_to_string(&path))
        .transpose()?;
    let mut list = before;
    let mut revoked = Vec::new();
    for certificate in certificates {
        let named = |error: &dyn Error| format!("`{}`: {error}", certificate.display());
        let text = fs::read_to_string(certificate).map_err(|error| named(&error))?;
        let (serial, already) = pki
            .is_revoked(list.as_deref(), &text)
            .map_err(|error| named(&error))?;
        revoked.push((certificate, serial, already));
        let longer = pki.revoke(list.as_deref(), &[&text], validity);
        list = Some(longer.map_err(|error| named(&error))?);
    }
    let list = pki.revoke(list.as_deref(), &[], validity)?;
    // In one step, as a gateway may be reading.
    let new = dir.join("ca.crl.new");
    fs::write(&new, list)?;
    fs::rename(new, &path)?;
    let told: Vec<_> = revoked
        .iter()
        .map(|(certificate, serial, already)| {
            json!({"certificate": text(certificate), "serial": serial, "already": already})
        })
        .collect();
    let value = json!({"list": text(&path), "days": days, "revoked": told});
    tell(*json, &value, || {
        let mut told = String::new();
        for (certificate, serial, already) in &revoked {
            let what = match already {
                true => "was revoked already",
                false => "is revoked",
            };
            told += &format!(
                "`{}`, serial number {serial}, {what}\n",
                certificate.display()
            );
        }
        format!(
            "{told}wrote `{}`, which runs out in {days} days: name it under `revocation_lists` in \
             comity.toml",
            path.display()
        )
    });
    Ok(Exit::Done)
}

fn recipient(Signer { name, out, json }: Signer) -> Result<Exit, Failure> {
    let identity = Identity::generate();
    let out = out.unwrap_or_else(|| file_of(&name));
    save_secret(&out, &identity.to_secret_text())?;
    let recipient = identity.recipient().to_string();
    tell(
        json,
        &json!({"key": text(&out), "recipient": recipient}),
        || {
            format!(
                "wrote `{}`: keep it to yourself; whoever has it reads what is sealed to it, and \
             without it nobody does\n\
             hand this out, for `comity request upload --seal-to`:\n{recipient}",
                out.display()
            )
        },
    );
    Ok(Exit::Done)
}

/// A path in JSON, which is Unicode where paths need not be.
fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A name may hold slashes, a file's may not.
fn file_of(name: &str) -> PathBuf {
    PathBuf::from(format!("{}.key", name.replace('/', "-")))
}

/// A person's name as the end of a file's.
fn suffix(person: &str) -> String {
    let words = person.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    words
        .map(|word| format!("-{}", word.to_lowercase()))
        .collect()
}

fn signer(Signer { name, out, json }: Signer) -> Result<Exit, Failure> {
    let key = Key::generate(&name)?;
    let out = out.unwrap_or_else(|| file_of(&name));
    key.save(&out)?;
    let verifier = key.verifier().to_string();
    tell(
        json,
        &json!({"key": text(&out), "verifier": verifier}),
        || {
            format!(
                "wrote `{}`: keep it to yourself; whoever has it signs in your name\n\
             give this line to the gateway's operator, for `signers` in comity.toml:\n{verifier}",
                out.display()
            )
        },
    );
    Ok(Exit::Done)
}
