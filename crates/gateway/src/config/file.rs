//! The configuration as written, and its way to the resolved one.

use std::{
    collections::BTreeSet,
    net::SocketAddr,
    ops::Range,
    path::{Path, PathBuf},
    time::Duration,
};

use comity_domain::JurisdictionCode;
use rustls_pki_types::ServerName;
use serde::Deserialize;
use toml::Spanned;

use super::{
    Backend, Config, Limits, Mistake, Tls,
    evidence::EvidenceFile,
    keys::KeysFile,
    listeners,
    outside::{OutsideWitnessFile, WitnessedFile},
    peers::{Named, PeerFile, WitnessesFile},
    policies::PoliciesFile,
    retention::{self, RetentionFile},
    timestamps::TimestampsFile,
};

/// `comity.toml` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConfigFile {
    gateway: GatewayFile,
    policies: PoliciesFile,
    tls: TlsFile,
    metrics: Option<PlainFile>,
    log: Option<PlainFile>,
    #[serde(default)]
    logging: LoggingFile,
    #[serde(default, rename = "backend")]
    backends: Vec<BackendFile>,
    #[serde(default, rename = "peer")]
    peers: Vec<PeerFile>,
    #[serde(default, rename = "witness")]
    outside: Vec<OutsideWitnessFile>,
    #[serde(default, rename = "witnessed")]
    logs: Vec<WitnessedFile>,
    #[serde(default)]
    witnesses: WitnessesFile,
    timestamps: Option<TimestampsFile>,
    keys: Option<KeysFile>,
    #[serde(default)]
    review: ReviewFile,
    #[serde(default)]
    limits: LimitsFile,
    #[serde(default)]
    evidence: EvidenceFile,
    #[serde(default)]
    retention: Vec<RetentionFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GatewayFile {
    listen: Spanned<String>,
    data: PathBuf,
    trust_domain: Spanned<String>,
    origin: Spanned<String>,
    #[serde(default)]
    ml_dsa: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TlsFile {
    certificate: PathBuf,
    key: PathBuf,
    client_ca: PathBuf,
    #[serde(default)]
    revocation_lists: Vec<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlainFile {
    listen: Spanned<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LoggingFile {
    #[serde(default)]
    calls: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BackendFile {
    jurisdiction: Spanned<String>,
    address: Spanned<String>,
    server_name: Option<Spanned<String>>,
    #[serde(default)]
    exercise: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewFile {
    #[serde(default)]
    signed_opinions: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsFile {
    max_message_bytes: Option<Spanned<usize>>,
    in_flight: Option<Spanned<usize>>,
    per_caller: Option<Spanned<usize>>,
    connections: Option<Spanned<usize>>,
    handshakes: Option<Spanned<usize>>,
    handshake_timeout_s: Option<Spanned<usize>>,
    quiet_s: Option<Spanned<usize>>,
    store_bytes: Option<Spanned<u64>>,
    events_per_side: Option<Spanned<usize>>,
}

/// Everything wrong with a file so far.
#[derive(Debug)]
pub(super) struct Mistakes<'a> {
    text: &'a str,
    path: &'a Path,
    found: Vec<Mistake>,
}

impl<'a> Mistakes<'a> {
    pub(super) fn new(text: &'a str, path: &'a Path) -> Self {
        Self {
            text,
            path,
            found: Vec::new(),
        }
    }

    /// Notes a mistake at a place of the text; answers `None` so that a reader
    /// can end with it.
    pub(super) fn add<T>(&mut self, span: Option<Range<usize>>, message: &str) -> Option<T> {
        // Of what was made up for something missing nothing else is wrong.
        if span
            .as_ref()
            .is_some_and(|span| span.start > self.text.len())
        {
            return None;
        }
        let before = span.and_then(|span| self.text.get(..span.start));
        self.found.push(Mistake {
            path: self.path.to_owned(),
            line: before.map(|before| before.matches('\n').count() + 1),
            message: message.to_owned(),
        });
        None
    }

    /// The value, or everything found wrong, line by line.
    pub(super) fn conclude<T>(mut self, value: Option<T>) -> Result<T, Vec<Mistake>> {
        self.found.sort_by_key(|mistake| mistake.line);
        match value {
            Some(value) if self.found.is_empty() => Ok(value),
            Some(_) | None => Err(self.found),
        }
    }

    pub(super) fn expected<T>(
        &mut self,
        key: &str,
        written: &Spanned<String>,
        expected: &str,
    ) -> Option<T> {
        let message = format!("`{key}` is `{}`: expected {expected}", written.get_ref());
        self.add(Some(written.span()), &message)
    }

    fn address(
        &mut self,
        key: &str,
        written: &Spanned<String>,
        such_as: &str,
    ) -> Option<SocketAddr> {
        let host = written.get_ref().rsplit_once(':').map(|(host, _)| host);
        let also = match host.is_some_and(is_server_name) {
            true => ": the IP address of an interface, as names are not looked up",
            false => "",
        };
        let expected = || format!("an address with port, such as `{such_as}`{also}");
        let address = written.get_ref().parse().ok();
        address.or_else(|| self.expected(key, written, &expected()))
    }

    /// The address of a listener without encryption, where there is to be one.
    fn plain(&mut self, key: &str, file: Option<PlainFile>, such_as: &str) -> Option<SocketAddr> {
        let PlainFile { listen } = file?;
        self.address(key, &listen, such_as)
    }

    /// A path relative to the file.
    pub(super) fn resolve(&self, path: &Path) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(path)
    }
}

impl ConfigFile {
    /// Resolves every setting, so that all mistakes are found.
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Config> {
        let Self {
            gateway,
            policies,
            tls,
            metrics,
            log,
            logging: LoggingFile { calls: log_calls },
            backends,
            peers,
            outside,
            logs,
            witnesses,
            timestamps,
            keys,
            review: ReviewFile { signed_opinions },
            limits,
            evidence,
            retention,
        } = self;
        let GatewayFile {
            listen,
            data,
            trust_domain,
            origin,
            ml_dsa,
        } = gateway;
        let address = mistakes.address("gateway.listen", &listen, "0.0.0.0:8443");
        demand_names(&trust_domain, &origin, mistakes);
        let tls = tls.resolve(mistakes);
        let policies = policies.resolve(mistakes);
        let named = Named::new(peers, (outside, logs), log.is_some());
        let plain = [&metrics, &log].map(|file| file.as_ref().map(|file| &file.listen));
        listeners::check(&listen, plain, &backends_at(&backends), mistakes);
        let metrics = mistakes.plain("metrics.listen", metrics, "127.0.0.1:9464");
        let log = mistakes.plain("log.listen", log, "0.0.0.0:8080");
        let backends = resolve_backends(backends, mistakes);
        let witnesses = named.resolve(witnesses, origin.get_ref(), mistakes);
        let timestamps = timestamps.and_then(|file| file.resolve(mistakes));
        let keys = keys.and_then(|file| file.resolve(mistakes));
        let limits = limits.resolve(mistakes);
        let data = mistakes.resolve(&data);
        let retention = retention::resolve(retention, mistakes);
        let evidence = evidence.resolve(mistakes, &data);
        Some(Config {
            listen: address?,
            data,
            policies,
            trust_domain: trust_domain.into_inner(),
            origin: origin.into_inner(),
            ml_dsa,
            tls,
            metrics,
            log,
            log_calls,
            backends,
            witnesses,
            timestamps,
            keys,
            signed_opinions,
            limits,
            evidence,
            retention,
        })
    }
}

impl TlsFile {
    fn resolve(self, mistakes: &Mistakes<'_>) -> Tls {
        let Self {
            certificate,
            key,
            client_ca,
            revocation_lists,
        } = self;
        let lists = revocation_lists.iter();
        Tls {
            certificate: mistakes.resolve(&certificate),
            key: mistakes.resolve(&key),
            client_ca: mistakes.resolve(&client_ca),
            revocation_lists: lists.map(|list| mistakes.resolve(list)).collect(),
        }
    }
}

/// Backends that cannot be resolved are left out; the mistakes say why.
fn resolve_backends(backends: Vec<BackendFile>, mistakes: &mut Mistakes<'_>) -> Vec<Backend> {
    let mut served = BTreeSet::new();
    let mut resolved = Vec::new();
    for file in backends {
        let span = file.jurisdiction.span();
        let Some(backend) = file.resolve(mistakes) else {
            continue;
        };
        let Backend {
            jurisdiction,
            exercise,
            ..
        } = &backend;
        if !served.insert((jurisdiction.clone(), *exercise)) {
            let kind = if *exercise {
                "second exercise backend"
            } else {
                "second backend"
            };
            mistakes.add::<()>(
                Some(span),
                &format!("{kind} for `{jurisdiction}`: keep one"),
            );
        }
        resolved.push(backend);
    }
    resolved
}

impl BackendFile {
    fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Backend> {
        let Self {
            jurisdiction,
            address,
            server_name,
            exercise,
        } = self;
        let code: Option<JurisdictionCode> = jurisdiction.get_ref().parse().ok().or_else(|| {
            let expected = "ISO 3166-1 alpha-2 such as `DE`, or 3166-2 such as `GB-SCT`";
            mistakes.expected("backend.jurisdiction", &jurisdiction, expected)
        });
        let place = host_and_port(address.get_ref()).or_else(|| {
            let expected = "`https://`, a host and a port, such as `https://backend.example:8443`";
            mistakes.expected("backend.address", &address, expected)
        });
        if let Some(name) = server_name
            .as_ref()
            .filter(|name| !is_server_name(name.get_ref()))
        {
            let expected = "a DNS name or an IP address, as it stands in the certificate";
            mistakes.expected::<()>("backend.server_name", name, expected);
        }
        let (host, port) = place?;
        let server_name = server_name.map_or_else(|| host.clone(), Spanned::into_inner);
        Some(Backend {
            jurisdiction: code?,
            host,
            port,
            server_name,
            exercise,
        })
    }
}

impl LimitsFile {
    fn resolve(self, mistakes: &mut Mistakes<'_>) -> Limits {
        let Self {
            max_message_bytes,
            in_flight,
            per_caller,
            connections,
            handshakes,
            handshake_timeout_s,
            quiet_s,
            store_bytes,
            events_per_side,
        } = self;
        let all = in_flight.as_ref().map(|written| *written.get_ref());
        let all = all.unwrap_or(Limits::default().in_flight);
        if let Some(one) = per_caller
            .as_ref()
            .filter(|one| *one.get_ref() > all && all > 0)
        {
            let message = format!(
                "`limits.per_caller` is `{}`: expected at most `limits.in_flight`, which is `{all}`",
                one.get_ref()
            );
            mistakes.add::<()>(Some(one.span()), &message);
        }
        let store_bytes = store_bytes.and_then(|written| match *written.get_ref() {
            0 => {
                let message = "`limits.store_bytes` is `0`: expected at least 1";
                mistakes.add(Some(written.span()), message)
            }
            bytes => Some(bytes),
        });
        let default = Limits::default();
        let mut bound = |key: &str, written: Option<Spanned<usize>>, default| match written {
            None => default,
            Some(written) if *written.get_ref() > 0 => written.into_inner(),
            Some(written) => {
                let message = format!("`limits.{key}` is `0`: expected at least 1");
                mistakes.add::<()>(Some(written.span()), &message);
                default
            }
        };
        let mut seconds = |key: &str, written, default: Duration| {
            let bound = bound(key, written, default.as_secs() as usize);
            Duration::from_secs(bound as u64)
        };
        let (handshake, quiet) = (default.handshake_timeout, default.quiet);
        let handshake_timeout = seconds("handshake_timeout_s", handshake_timeout_s, handshake);
        let quiet = seconds("quiet_s", quiet_s, quiet);
        let events = bound(
            "events_per_side",
            events_per_side,
            default.events_per_side as usize,
        );
        Limits {
            max_message_bytes: bound(
                "max_message_bytes",
                max_message_bytes,
                default.max_message_bytes,
            ),
            in_flight: bound("in_flight", in_flight, default.in_flight),
            per_caller: bound("per_caller", per_caller, default.per_caller),
            connections: bound("connections", connections, default.connections),
            handshakes: bound("handshakes", handshakes, default.handshakes),
            handshake_timeout,
            quiet,
            store_bytes,
            events_per_side: u32::try_from(events).unwrap_or(u32::MAX),
        }
    }
}

fn demand_names(
    trust_domain: &Spanned<String>,
    origin: &Spanned<String>,
    mistakes: &mut Mistakes<'_>,
) {
    if !is_trust_domain(trust_domain.get_ref()) {
        let expected = "lower-case letters, digits, dots, hyphens and underscores";
        mistakes.expected::<()>("gateway.trust_domain", trust_domain, expected);
    }
    if !is_origin(origin.get_ref()) {
        let expected = "a name without spaces or plus signs, such as `comity.example/ledger`";
        mistakes.expected::<()>("gateway.origin", origin, expected);
    }
}

fn backends_at(backends: &[BackendFile]) -> Vec<&Spanned<String>> {
    backends.iter().map(|backend| &backend.address).collect()
}

/// SPIFFE-ID §2.1.
fn is_trust_domain(text: &str) -> bool {
    (1..=255).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_".contains(&b))
}

/// C2SP signed-note: a key name is not empty and has neither spaces nor plus signs.
fn is_origin(text: &str) -> bool {
    !text.is_empty()
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// Host and port of `https://host:port`, brackets around IPv6 taken off.
pub(super) fn host_and_port(address: &str) -> Option<(String, u16)> {
    let authority: tonic::codegen::http::uri::Authority = address
        .strip_prefix("https://")?
        .trim_end_matches('/')
        .parse()
        .ok()?;
    let host = authority
        .host()
        .trim_start_matches('[')
        .trim_end_matches(']');
    let port = authority.port_u16().filter(|port| *port > 0)?;
    let plain = !authority.as_str().contains('@');
    (plain && is_server_name(host)).then(|| (host.to_owned(), port))
}

pub(super) fn is_server_name(text: &str) -> bool {
    ServerName::try_from(text).is_ok()
}
