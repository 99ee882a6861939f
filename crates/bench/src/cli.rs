//! The command line, as `cargo xtask bench` and this binary itself write it.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use lexopt::prelude::*;

use crate::contender::Kind;

/// Which part to play.
#[derive(Debug)]
pub(crate) enum Command {
    /// Measures all contenders.
    Compare(Plan),
    /// Floods the gateway and asks in emergencies meanwhile.
    Saturate(Plan),
    /// Sends a large item of evidence through the gateway.
    Evidence(Transfer),
    /// Drives the ledger by itself.
    Ledger(Ledger),
    /// The national system behind every contender.
    Backend {
        /// Where mutual TLS is served.
        listen: SocketAddr,
        /// Folder of certificates.
        pki: PathBuf,
    },
    /// The relay.
    Relay {
        /// Where mutual TLS is served.
        listen: SocketAddr,
        /// Where the backend serves it.
        backend: SocketAddr,
        /// Folder of certificates.
        pki: PathBuf,
        /// Folder of the records.
        folder: PathBuf,
    },
    /// The service that Envoy asks before it forwards.
    Authorizer {
        /// Where it listens.
        listen: SocketAddr,
    },
}

/// What to measure, and how.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Folder for everything that is made.
    pub(crate) out: PathBuf,
    /// How often each contender has its turn.
    pub(crate) rounds: u32,
    /// Length of one turn, warm-up aside.
    pub(crate) turn: Duration,
    /// Requests under way at a time; each is measured on its own.
    pub(crate) in_flight: Vec<u32>,
    /// Who takes part.
    pub(crate) contenders: Vec<Kind>,
    /// Who was asked for and could not be had, with the reason.
    pub(crate) left_out: BTreeMap<Kind, String>,
    /// The `nginx` binary.
    pub(crate) nginx: Option<PathBuf>,
    /// The `envoy` binary.
    pub(crate) envoy: Option<PathBuf>,
    /// The `comity` binary.
    pub(crate) comity: Option<PathBuf>,
    /// Folder of the rules.
    pub(crate) policies: PathBuf,
    /// What was measured of decisions.
    pub(crate) decisions: Option<PathBuf>,
    /// Places for calls that the gateway is given.
    pub(crate) places: u32,
}

/// A large item, and what it goes through.
#[derive(Debug)]
pub(crate) struct Transfer {
    /// Folder for everything that is made; removed at the end.
    pub(crate) out: PathBuf,
    /// The `comity` binary.
    pub(crate) comity: PathBuf,
    /// Folder of the rules.
    pub(crate) policies: PathBuf,
    /// Size of the item, MiB.
    pub(crate) mib: u64,
}

/// How much of a ledger to make.
#[derive(Debug)]
pub(crate) struct Ledger {
    /// Folder for everything that is made; removed at the end.
    pub(crate) out: PathBuf,
    /// The `comity` binary.
    pub(crate) comity: PathBuf,
    /// Entries of the larger log; the smaller one has a tenth.
    pub(crate) entries: u64,
    /// How often commits are timed.
    pub(crate) rounds: u32,
    /// Length of one turn.
    pub(crate) turn: Duration,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            out: Path::new("target").join("bench"),
            rounds: 5,
            turn: Duration::from_secs(5),
            in_flight: vec![64, 16],
            contenders: Kind::ALL.to_vec(),
            left_out: BTreeMap::new(),
            nginx: None,
            envoy: None,
            comity: None,
            policies: PathBuf::from("policies"),
            decisions: None,
            places: 2048,
        }
    }
}

impl Command {
    /// Reads the command line.
    pub(crate) fn parse() -> Result<Self, lexopt::Error> {
        let mut parser = lexopt::Parser::from_env();
        match parser.next()? {
            Some(Value(role)) if role == "compare" => Plan::parse(parser).map(Self::Compare),
            Some(Value(role)) if role == "saturate" => Plan::parse(parser).map(Self::Saturate),
            Some(Value(role)) if role == "evidence" => {
                let [out, comity, policies, mib] = values(parser)?;
                Ok(Self::Evidence(Transfer {
                    out: out.into(),
                    comity: comity.into(),
                    policies: policies.into(),
                    mib: mib.parse()?,
                }))
            }
            Some(Value(role)) if role == "ledger" => {
                let [out, comity, entries] = values(parser)?;
                Ok(Self::Ledger(Ledger {
                    out: out.into(),
                    comity: comity.into(),
                    entries: entries.parse()?,
                    rounds: 10,
                    turn: Duration::from_secs(5),
                }))
            }
            Some(Value(role)) if role == "backend" => {
                let [listen, pki] = values(parser)?;
                Ok(Self::Backend {
                    listen: listen.parse()?,
                    pki: pki.into(),
                })
            }
            Some(Value(role)) if role == "relay" => {
                let [listen, backend, pki, folder] = values(parser)?;
                Ok(Self::Relay {
                    listen: listen.parse()?,
                    backend: backend.parse()?,
                    pki: pki.into(),
                    folder: folder.into(),
                })
            }
            Some(Value(role)) if role == "authorizer" => {
                let [listen] = values(parser)?;
                Ok(Self::Authorizer {
                    listen: listen.parse()?,
                })
            }
            Some(argument) => Err(argument.unexpected()),
            None => Err("expected `compare`; `cargo xtask bench` writes its options".into()),
        }
    }
}

impl Plan {
    fn parse(mut parser: lexopt::Parser) -> Result<Self, lexopt::Error> {
        let mut plan = Self::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("out") => plan.out = parser.value()?.into(),
                Long("rounds") => plan.rounds = parser.value()?.parse()?,
                Long("seconds") => plan.turn = Duration::from_secs(parser.value()?.parse()?),
                Long("in-flight") => {
                    plan.in_flight = list(&parser.value()?.string()?, str::parse)?;
                }
                Long("contenders") => {
                    plan.contenders = list(&parser.value()?.string()?, str::parse)?;
                }
                Long("left-out") => {
                    let told = parser.value()?.string()?;
                    let (kind, reason) = told.split_once('=').unwrap_or((&told, "not to be had"));
                    plan.left_out.insert(kind.parse()?, reason.to_owned());
                }
                Long("nginx") => plan.nginx = Some(parser.value()?.into()),
                Long("envoy") => plan.envoy = Some(parser.value()?.into()),
                Long("comity") => plan.comity = Some(parser.value()?.into()),
                Long("policies") => plan.policies = parser.value()?.into(),
                Long("decisions") => plan.decisions = Some(parser.value()?.into()),
                argument @ (Long(_) | Short(_) | Value(_)) => return Err(argument.unexpected()),
            }
        }
        Ok(plan)
    }
}

fn values<const N: usize>(mut parser: lexopt::Parser) -> Result<[OsString; N], lexopt::Error> {
    let values: Vec<_> = parser.raw_args()?.collect();
    values
        .try_into()
        .map_err(|_| format!("expected {N} values").into())
}

fn list<T, E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, E>,
) -> Result<Vec<T>, lexopt::Error> {
    text.split(',')
        .map(|item| parse(item).map_err(|error| lexopt::Error::Custom(error.into())))
        .collect()
}
