//! `comity.toml`: what was written (`ConfigFile`) and what it resolves to
//! ([`Config`]). [`EXAMPLE`] shows every setting.

mod bounds;
mod evidence;
mod file;
mod keys;
mod listeners;
mod outside;
mod peers;
mod policies;
mod reading;
mod retention;
mod timestamps;
mod web;

use std::{
    fmt, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use comity_domain::JurisdictionCode;
use comity_store::KeyToken;
use thiserror::Error;

pub use self::{
    evidence::{Evidence, MediaRange},
    outside::OutsideWitness,
    peers::{Peer, Witnesses},
    reading::line_of,
    retention::Retention,
    timestamps::{Authority, Timestamps},
};
use crate::signatures::Signers;

/// A complete configuration with every setting explained.
pub const EXAMPLE: &str = include_str!("config/example.toml");

/// A gateway's settings, resolved: paths are absolute or relative to the
/// working directory, addresses are parsed, bounds are set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Folder of the store.
    pub data: PathBuf,
    /// Where the rules are.
    pub policies: Policies,
    /// Trust domain that callers' certificates must name.
    pub trust_domain: String,
    /// Origin line of the ledger.
    pub origin: String,
    /// Checkpoints of the ledger are signed with ML-DSA-44 too.
    pub ml_dsa: bool,
    /// Certificates.
    pub tls: Tls,
    /// Where figures on the running gateway are served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Where the published ledger is served, if anywhere.
    pub log: Option<SocketAddr>,
    /// Each call is a line in the process's log.
    pub log_calls: bool,
    /// National systems to which requests are delivered, one a jurisdiction.
    pub backends: Vec<Backend>,
    /// Who cosigns this gateway's ledger, and whose ledgers it cosigns.
    pub witnesses: Witnesses,
    /// Authorities that timestamp the ledger, if any.
    pub timestamps: Option<Timestamps>,
    /// The token that keeps the key to the records, if one does.
    pub keys: Option<KeyToken>,
    /// Reviewers must sign their opinions.
    pub signed_opinions: bool,
    /// Bounds.
    pub limits: Limits,
    /// Evidence in bulk.
    pub evidence: Evidence,
    /// How long cases are kept after they end; no two for the same.
    pub retention: Vec<Retention>,
}

/// The rules, and who must stand behind them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policies {
    /// Their folder.
    pub folder: PathBuf,
    /// Who must have signed them; `None`: signatures are not looked at.
    pub signers: Option<Signers>,
}

/// Files with certificates, in PEM, and with what was revoked of them. They are read
/// again when they change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tls {
    /// The gateway's certificate with its intermediates.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
    /// The authorities whose certificates are believed.
    pub client_ca: PathBuf,
    /// Their revocation lists, in PEM or DER; none: nothing is asked of revocation.
    pub revocation_lists: Vec<PathBuf>,
}

/// A national system to which requests are delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backend {
    /// The jurisdiction it serves.
    pub jurisdiction: JurisdictionCode,
    /// Its host, without brackets around an IPv6 address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name its certificate must carry.
    pub server_name: String,
    /// It receives exercises only, and nothing else receives them.
    pub exercise: bool,
}

/// Bounds on what the gateway carries at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest message, in bytes.
    pub max_message_bytes: usize,
    /// Most calls under way.
    pub in_flight: usize,
    /// Most calls under way of one caller.
    pub per_caller: usize,
    /// Most connections.
    pub connections: usize,
    /// Most handshakes under way.
    pub handshakes: usize,
    /// Longest time a handshake may take.
    pub handshake_timeout: Duration,
    /// How long the ledger may be quiet before an entry says that the gateway is there.
    pub quiet: Duration,
    /// Size of the database, in bytes, beyond which new requests are refused;
    /// those accepted before are carried to their end. `None`: what the disk has.
    pub store_bytes: Option<u64>,
    /// Most events that each side may add to a case by itself.
    pub events_per_side: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            // gRPC's own default, and ample: evidence travels in streams.
            max_message_bytes: 4 * 1024 * 1024,
            in_flight: 1024,
            per_caller: 128,
            connections: 4096,
            handshakes: 256,
            handshake_timeout: Duration::from_secs(10),
            quiet: Duration::from_secs(3600),
            store_bytes: None,
            // A report every working day for two years.
            events_per_side: 500,
        }
    }
}

/// A configuration that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Everything that is wrong with it.
    #[error("{}", lines(.0))]
    Mistakes(Vec<Mistake>),
}

/// One thing wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file.
    pub path: PathBuf,
    /// Line, from 1, where known.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            path,
            line,
            message,
        } = self;
        match line {
            Some(line) => write!(f, "{}:{line}: {message}", path.display()),
            None => write!(f, "{}: {message}", path.display()),
        }
    }
}

impl Config {
    /// Reads and resolves a file.
    ///
    /// # Errors
    /// [`ConfigError`] with every mistake that can be told at once.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text, path)
    }

    /// Resolves a text; `path` names it and is what relative paths start from.
    ///
    /// # Errors
    /// [`ConfigError::Mistakes`] with every mistake that can be told at once.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigError> {
        let mut mistakes = file::Mistakes::new(text, path);
        let file = reading::read(text, &mut mistakes);
        let config = file.and_then(|file| file.resolve(&mut mistakes));
        mistakes.conclude(config).map_err(ConfigError::Mistakes)
    }
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests;
