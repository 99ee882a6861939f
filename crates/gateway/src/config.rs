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
mod tests {
    use comity_ledger::VerifierKey;

    use super::*;

    fn parse(text: &str) -> Result<Config, Vec<String>> {
        Config::parse(text, Path::new("/etc/comity/comity.toml"))
            .map_err(|error| error.to_string().lines().map(str::to_owned).collect())
    }

    #[track_caller]
    fn check(written: &str, instead: &str, expected: &str) {
        assert!(
            EXAMPLE.contains(written),
            "the example does not say {written}"
        );
        let mistakes = parse(&EXAMPLE.replacen(written, instead, 1)).unwrap_err();
        let expected = format!("/etc/comity/comity.toml:{expected}");
        assert_eq!(mistakes, [expected]);
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.limits, Limits::default());
        let short = EXAMPLE.split_once("[limits]").unwrap().0;
        assert_eq!(parse(short).unwrap(), config);
    }

    #[test]
    fn the_store_has_no_bound_but_the_one_given() {
        assert!(!parse(EXAMPLE).unwrap().signed_opinions);
        let signed = EXAMPLE.replace("signed_opinions = false", "signed_opinions = true");
        assert!(parse(&signed).unwrap().signed_opinions);
        assert_eq!(parse(EXAMPLE).unwrap().limits.store_bytes, None);
        let bounded = EXAMPLE.replace("# store_bytes", "store_bytes");
        assert_eq!(
            parse(&bounded).unwrap().limits.store_bytes,
            Some(107_374_182_400)
        );
        let mistakes = parse(&bounded.replace("107374182400", "0")).unwrap_err();
        assert!(
            mistakes[0].ends_with("`limits.store_bytes` is `0`: expected at least 1"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn revocation_lists_are_there_when_asked_for() {
        let lists = |text: &str| parse(text).unwrap().tls.revocation_lists;
        assert_eq!(lists(EXAMPLE), [""; 0].map(PathBuf::from));
        let asked = EXAMPLE.replace("# revocation_lists", "revocation_lists");
        assert_eq!(lists(&asked), [Path::new("/etc/comity/tls/ca.crl")]);
    }

    #[test]
    fn paths_start_from_the_file() {
        let config = parse(EXAMPLE).unwrap();
        assert_eq!(config.data, Path::new("/etc/comity/data"));
        let absolute = EXAMPLE.replace("\"data\"", "\"/var/lib/comity\"");
        assert_eq!(parse(&absolute).unwrap().data, Path::new("/var/lib/comity"));
    }

    #[test]
    fn a_backend_is_named_by_its_host_unless_told_otherwise() {
        let config = parse(EXAMPLE).unwrap();
        let [first, second] = config.backends.as_slice() else {
            panic!("two backends")
        };
        assert_eq!(
            (first.host.as_str(), first.port),
            ("backend.justice.example", 8443)
        );
        assert_eq!(first.server_name, "backend.justice.example");
        assert_eq!(
            (second.host.as_str(), second.server_name.as_str()),
            ("::1", "localhost")
        );
    }

    #[test]
    fn each_mistake_names_its_line_and_remedy() {
        check(
            "0.0.0.0:8443",
            "somewhere",
            "6: `gateway.listen` is `somewhere`: expected an address with port, such as `0.0.0.0:8443`",
        );
        check(
            "trust_domain = \"comity.example\"",
            "trust_domain = \"Comity Example\"",
            "10: `gateway.trust_domain` is `Comity Example`: expected lower-case letters, digits, dots, hyphens and underscores",
        );
        check(
            "server_name = \"localhost\"",
            "server_name = \"local host\"",
            "76: `backend.server_name` is `local host`: expected a DNS name or an IP address, as it stands in the certificate",
        );
    }

    /// The example with the lines about signers, metrics and the ledger in force.
    fn with_signers() -> String {
        [
            "signers",
            "  \"legal",
            "]",
            "required_signatures",
            "[metrics]",
            "[log]",
            "listen",
        ]
        .into_iter()
        .fold(EXAMPLE.to_owned(), |text, begins| {
            text.replace(&format!("\n# {begins}"), &format!("\n{begins}"))
        })
    }

    #[test]
    fn signers_and_metrics_are_there_when_asked_for() {
        let plain = parse(EXAMPLE).unwrap();
        assert_eq!((plain.policies.signers, plain.metrics), (None, None));
        assert_eq!(plain.log, None);
        let config = parse(&with_signers()).unwrap();
        let signers = config.policies.signers.unwrap();
        let names: Vec<_> = signers.keys.iter().map(VerifierKey::name).collect();
        assert_eq!(
            names,
            ["legal-1.justice.example", "legal-2.justice.example"]
        );
        assert_eq!(signers.required, 2);
        assert_eq!(config.metrics, Some("127.0.0.1:9464".parse().unwrap()));
        assert_eq!(config.log, Some("0.0.0.0:8080".parse().unwrap()));
    }

    #[test]
    fn signers_that_count_twice_or_not_at_all_are_a_mistake() {
        let text = with_signers();
        let line = text.lines().find(|line| line.contains("legal-1")).unwrap();
        for (written, instead, expected) in [
            (
                "required_signatures = 2",
                "",
                "27: `policies.signers` are listed",
            ),
            (
                "= 2",
                "= 3",
                "32: `policies.required_signatures` is `3`: expected at least 1",
            ),
            (
                "= 2",
                "= 0",
                "32: `policies.required_signatures` is `0`: expected at least 1",
            ),
            ("+5e", "+0e", "27: `policies.signers` is `legal-1"),
            (
                "\"legal-2",
                &format!("{}\"legal-2", line.trim()),
                "28: signer `legal-1.justice.example` has the name or the key of another one",
            ),
        ] {
            let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
            let expected = format!("/etc/comity/comity.toml:{expected}");
            assert!(
                mistakes
                    .iter()
                    .any(|mistake| mistake.starts_with(&expected)),
                "{instead}: {mistakes:#?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_hides_no_other_mistake() {
        let text = EXAMPLE
            .replace("0.0.0.0:8443", "x")
            .replace("in_flight = 1024", "in_flight = 0\nin_fligth = 1")
            .replace("[tls]", "[tls]\nclient = 1")
            .replace("per_caller = 128", "per_caller = \"many\"")
            .replace("exercise = true", "exercise = true\nexcercise = true");
        let mistakes = parse(&text).unwrap_err();
        for told in [
            "`gateway.listen` is `x`",
            "`limits.in_flight` is `0`",
            "unknown field `in_fligth`",
            "unknown field `client`",
            "unknown field `excercise`",
            "invalid type: string \"many\"",
        ] {
            let count = mistakes.iter().filter(|mistake| mistake.contains(told));
            assert_eq!(count.count(), 1, "{told}: {mistakes:#?}");
        }
        assert_eq!(mistakes.len(), 6, "{mistakes:#?}");
        // What is missing because it cannot be read is not told as missing.
        let text = EXAMPLE.replace("listen = \"0.0.0.0:8443\"", "listen = 8443");
        let mistakes = parse(&text).unwrap_err();
        assert_eq!(mistakes.len(), 1, "{mistakes:#?}");
        let mistakes = parse("[gateway\nlisten = ]\n").unwrap_err();
        assert!(mistakes.len() > 1, "{mistakes:#?}");
    }

    #[test]
    fn all_that_is_missing_is_told_at_once_and_in_words() {
        let text = "[gateway]\ndata = \"d\"\ndata = \"e\"\n";
        let mistakes = parse(text).unwrap_err();
        assert!(
            mistakes[0].ends_with(":3: `data` is set twice: keep one"),
            "{mistakes:?}"
        );
        let text = "[gateway]\ndata = \"d\"\n[[backend]]\njurisdiction = \"DE\"\n\
                    [limits]\nin_flight = \"x\"\n";
        let mistakes = parse(text).unwrap_err();
        let text = mistakes.join("\n").replace("/etc/comity/comity.toml:", "");
        let expected = [
            "1: missing field `listen`",
            "1: missing field `trust_domain`",
            "1: missing field `origin`",
            "1: missing field `policies`",
            "1: missing field `tls`",
            "3: missing field `address`",
            "6: invalid type: string \"x\", expected a whole number",
        ];
        assert_eq!(text.lines().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let text = EXAMPLE
            .replace("0.0.0.0:8443", "x")
            .replace("https://", "http://")
            .replace("in_flight = 1024", "in_flight = 0");
        let mistakes = parse(&text).unwrap_err();
        assert_eq!(mistakes.len(), 4, "{mistakes:#?}");
        assert!(
            mistakes
                .iter()
                .all(|mistake| mistake.starts_with("/etc/comity/comity.toml:"))
        );
    }

    #[test]
    fn two_backends_of_one_kind_for_one_jurisdiction_are_a_mistake() {
        let text = EXAMPLE
            .replace("exercise = true", "exercise = false")
            .replace("\"FR\"", "\"DE\"");
        let mistakes = parse(&text).unwrap_err();
        assert!(
            mistakes[0].contains("second backend for `DE`"),
            "{mistakes:?}"
        );
    }

    #[test]
    fn evidence_lies_in_one_place_and_is_bounded() {
        use comity_evidence::Place;

        let evidence = parse(EXAMPLE).unwrap().evidence;
        let default = Place::Folder("/etc/comity/data/evidence/items".into());
        assert_eq!(evidence.place, default);
        let accepts = |media_type| evidence.media_types.iter().any(|r| r.matches(media_type));
        assert!(accepts("video/mp4") && accepts("application/pdf") && !accepts("model/stl"));

        let elsewhere = EXAMPLE.replace("# object_store =", "object_store =");
        let place = Place::Url("s3://evidence/gateway".to_owned());
        assert_eq!(parse(&elsewhere).unwrap().evidence.place, place);
        let both = parse(&elsewhere.replace("# folder =", "folder =")).unwrap_err();
        assert!(both[0].ends_with("both given: keep one"), "{both:?}");
        for (written, instead, said) in [
            (
                "max_item_bytes = 107374182400",
                "max_item_bytes = 0",
                "`evidence.max_item_bytes` is `0`: expected at least 1",
            ),
            (
                "\"image/*\"",
                "\"image/\"",
                "expected a media type in lower case, such as `application/pdf` or `image/*`",
            ),
            (
                "# object_store = \"s3:",
                "object_store = \"ftp:",
                "expected a bucket, and a prefix in it, such as `s3://evidence/gateway`",
            ),
        ] {
            let mistakes = parse(&EXAMPLE.replacen(written, instead, 1)).unwrap_err();
            assert!(mistakes[0].ends_with(said), "{mistakes:?}");
        }
    }

    #[test]
    fn a_token_is_named_by_library_label_and_file() {
        assert_eq!(parse(EXAMPLE).unwrap().keys, None);
        let (before, keys) = EXAMPLE.split_once("# [keys]\n").unwrap();
        let (keys, after) = keys.split_once("\n\n").unwrap();
        let settings = keys.lines().filter(|line| line.contains(" = "));
        let keys: Vec<_> = settings.map(|line| line.trim_start_matches("# ")).collect();
        let text = format!("{before}[keys]\n{}\n\n{after}", keys.join("\n"));
        let token = parse(&text).unwrap().keys.unwrap();
        assert_eq!(token.token, "comity");
        assert!(token.module.is_absolute());
        assert_eq!(token.pin_file, Path::new("/etc/comity/keys/pin"));
        for (written, instead, said) in [
            (
                "token = \"comity\"",
                "token = \"\"",
                "`keys.token` is ``: expected the label of a token: 1 to 32 bytes, without a \
                 space at the end",
            ),
            ("token = \"comity\"\n", "", "missing field `token`"),
            (
                "pin_file = \"keys/pin\"",
                "pin = \"1234\"",
                "unknown field `pin`",
            ),
        ] {
            let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
            assert!(mistakes[0].starts_with("/etc/comity/comity.toml:"));
            assert!(mistakes.join("\n").contains(said), "{mistakes:?}");
            assert!(!mistakes.join("\n").contains("1234"), "{mistakes:?}");
        }
    }

    /// The example with the lines about peers in force.
    fn with_peers() -> String {
        let (before, peers) = EXAMPLE.split_once("# [[peer]]").unwrap();
        let (peers, after) = peers.split_once("\n\n").unwrap();
        let peers = format!("# [[peer]]{peers}").replace("\n# ", "\n");
        format!("{before}{}\n\n{after}", peers.trim_start_matches("# "))
    }

    #[test]
    fn peers_are_there_when_asked_for() {
        assert_eq!(parse(EXAMPLE).unwrap().witnesses, Witnesses::default());
        let witnesses = parse(&with_peers()).unwrap().witnesses;
        assert_eq!(witnesses.required, 1);
        let [peer] = witnesses.peers.as_slice() else {
            panic!("one peer")
        };
        assert_eq!(peer.name, "paris");
        assert_eq!(peer.log.name(), "gateway.justice.fr.example/ledger");
        assert_eq!(
            peer.witness.name(),
            "gateway.justice.fr.example/ledger/witness"
        );
        assert_eq!(peer.server_name, "gateway.justice.fr.example");
    }

    #[test]
    fn a_peer_that_counts_twice_or_not_at_all_is_a_mistake() {
        let text = with_peers();
        let peer = text.split("[[peer]]").nth(1).unwrap();
        let peer = peer.split("[witnesses]").next().unwrap();
        for (written, instead, said) in [
            ("required = 1", "", "but not how many must have cosigned"),
            (
                "required = 1",
                "required = 2",
                "expected at most the number of witnesses, 1",
            ),
            (
                "log = \"",
                "log = \"x",
                "the verifier key `<name>+<id>+<key>` of its ledger",
            ),
            (
                "witness = \"",
                "witness = \"x",
                "the key `<name>+<id>+<key>` that it cosigns with",
            ),
            (
                "[witnesses]",
                &format!("[[peer]]{peer}[witnesses]"),
                "of another one, or of this",
            ),
        ] {
            let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
            assert!(
                mistakes.iter().any(|mistake| mistake.contains(said)),
                "{instead}: {mistakes:#?}"
            );
        }
    }

    #[test]
    fn what_is_unknown_is_a_mistake() {
        let mistakes = parse(&EXAMPLE.replace("\nper_caller", "\nper_callr")).unwrap_err();
        assert!(
            mistakes[0].contains("unknown field `per_callr`"),
            "{mistakes:?}"
        );
    }
}
