//! Who is measured. Each kind knows how to start itself; from then on they
//! are all the same.

mod comity;
mod direct;
mod envoy;
mod nginx;
mod relay;

use std::{
    fmt, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    str::FromStr,
};

use crate::{
    AnyError,
    cli::Plan,
    pki::Pki,
    process::{Process, free_address},
};

/// A kind of contender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// No proxy at all.
    Direct,
    /// nginx with `grpc_pass`.
    Nginx,
    /// Envoy.
    Envoy,
    /// Envoy that asks an authorizer first.
    ExtAuthz,
    /// What the gateway stands on: reads, records, forwards and records, and decides nothing.
    Relay,
    /// The gateway: decides, records, delivers.
    Comity,
}

impl Kind {
    /// Every kind, in the order of the tables.
    pub(crate) const ALL: [Self; 6] = [
        Self::Direct,
        Self::Nginx,
        Self::Envoy,
        Self::ExtAuthz,
        Self::Relay,
        Self::Comity,
    ];
    /// Those that others are compared with.
    pub(crate) const PEERS: [Self; 3] = [Self::Nginx, Self::Envoy, Self::ExtAuthz];

    /// As written on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Nginx => "nginx",
            Self::Envoy => "envoy",
            Self::ExtAuthz => "ext-authz",
            Self::Relay => "relay",
            Self::Comity => "comity",
        }
    }

    /// As shown in tables.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Direct => "direct to backend",
            Self::Nginx => "nginx `grpc_pass`",
            Self::Envoy => "Envoy",
            Self::ExtAuthz => "Envoy + ext_authz",
            Self::Relay => "tonic relay, two records",
            Self::Comity => "Comity",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `pad` keeps the width that a table asks for.
        f.pad(self.as_str())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| format!("`{text}` is no contender"))
    }
}

/// A contender at work.
#[derive(Debug)]
pub(crate) struct Contender {
    /// What it is.
    pub(crate) kind: Kind,
    /// Which version of it.
    pub(crate) version: String,
    /// Where it is called.
    pub(crate) address: SocketAddr,
    /// Processes whose CPU time and memory count.
    pub(crate) pids: Vec<u32>,
    /// Processes that end with it.
    processes: Vec<Process>,
}

impl Contender {
    /// Starts one of a kind.
    pub(crate) fn start(kind: Kind, ground: &Ground, plan: &Plan) -> Result<Self, AnyError> {
        match kind {
            Kind::Direct => Ok(direct::start(ground)),
            Kind::Nginx => nginx::start(ground, program(plan.nginx.as_deref())?),
            Kind::Envoy => envoy::start(ground, program(plan.envoy.as_deref())?),
            Kind::ExtAuthz => envoy::start_with_authorizer(ground, program(plan.envoy.as_deref())?),
            Kind::Relay => relay::start(ground),
            Kind::Comity => {
                let program = program(plan.comity.as_deref())?;
                comity::start(ground, program, &plan.policies, plan.places)
            }
        }
    }

    /// Whether all of its processes still run.
    ///
    /// # Errors
    /// How one ended.
    pub(crate) fn check(&mut self) -> Result<(), String> {
        self.processes.iter_mut().try_for_each(Process::check)
    }

    fn new(kind: Kind, version: String, address: SocketAddr, processes: Vec<Process>) -> Self {
        Self {
            kind,
            version,
            address,
            pids: processes.iter().map(Process::id).collect(),
            processes,
        }
    }
}

/// What all contenders stand on.
#[derive(Debug)]
pub(crate) struct Ground {
    /// Folder for what they need, one below it each.
    pub(crate) folder: PathBuf,
    /// Certificates.
    pub(crate) pki: Pki,
    /// Where the backend serves mutual TLS.
    pub(crate) backend: SocketAddr,
    process: Process,
}

impl Ground {
    /// Makes certificates and starts the backend.
    pub(crate) fn prepare(folder: &Path) -> Result<Self, AnyError> {
        let pki = Pki::create(folder.join("pki"))?;
        let backend = free_address()?;
        let arguments = [
            "backend",
            &backend.to_string(),
            &pki.folder.to_string_lossy(),
        ];
        let process = Process::start_part(&arguments, folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            pki,
            backend,
            process,
        })
    }

    /// The backend's process, whose CPU time is not any proxy's.
    pub(crate) fn backend_pid(&self) -> u32 {
        self.process.id()
    }

    /// Writes a configuration, filling in `@NAME@` for each name given.
    fn configure(
        &self,
        file: &str,
        template: &str,
        values: &[(&str, &dyn fmt::Display)],
    ) -> io::Result<PathBuf> {
        let filled = values
            .iter()
            .fold(template.to_owned(), |text, (name, value)| {
                text.replace(&format!("@{name}@"), &value.to_string())
            });
        let path = self.folder.join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, filled)?;
        Ok(path)
    }
}

fn program(path: Option<&Path>) -> Result<&Path, String> {
    path.ok_or_else(|| "no program was given".to_owned())
}

/// The version of what this benchmark plays itself.
fn own_version() -> String {
    format!("comity-bench {}", env!("CARGO_PKG_VERSION"))
}

/// What a program says of its version, on one line.
fn version(program: &Path, argument: &str) -> String {
    let said = match Command::new(program).arg(argument).output() {
        Ok(said) => [said.stdout, said.stderr].concat(),
        Err(error) => return error.to_string(),
    };
    let said = String::from_utf8_lossy(&said).replace(&*program.to_string_lossy(), "");
    said.split_whitespace().collect::<Vec<_>>().join(" ")
}
