//! `[[witness]]` and `[[witnessed]]`: witnesses and logs outside, by C2SP tlog-witness.

use std::{net::IpAddr, path::PathBuf};

use comity_ledger::{CosignerKey, VerifierKey};
use hyper::Uri;
use serde::Deserialize;
use toml::Spanned;

use super::{file::Mistakes, web};

/// A witness outside, asked over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutsideWitness {
    /// Its name in logs and figures.
    pub name: String,
    /// Its submission prefix: `https`, or `http` on this machine, without a query.
    pub url: Uri,
    /// File with the root certificates, in PEM, that the certificate of its web server
    /// must lead to; only with `https`.
    pub web_ca: Option<PathBuf>,
    /// The key that it cosigns with.
    pub key: CosignerKey,
}

/// `[[witness]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OutsideWitnessFile {
    pub(super) name: Spanned<String>,
    url: Spanned<String>,
    web_ca: Option<PathBuf>,
    key: Spanned<String>,
}

/// `[[witnessed]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WitnessedFile {
    pub(super) log: Spanned<String>,
}

impl OutsideWitnessFile {
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<OutsideWitness> {
        let Self {
            name,
            url,
            web_ca,
            key,
        } = self;
        let parsed = read_prefix(url.get_ref()).or_else(|| {
            let expected = "`https://`, a host and a path, such as \
                            `https://witness.example/submit`, or `http://` on this machine";
            mistakes.expected("witness.url", &url, expected)
        });
        if let Some(parsed) = &parsed {
            web::check_roots((parsed, url.span()), web_ca.is_some(), mistakes);
        }
        let parsed_key = key.get_ref().parse().ok().or_else(|| {
            let expected = "the key `<name>+<id>+<key>` that it cosigns with, of Ed25519 \
                            cosignatures (type 4)";
            mistakes.expected("witness.key", &key, expected)
        });
        Some(OutsideWitness {
            name: name.into_inner(),
            url: parsed?,
            web_ca: web_ca.map(|path| mistakes.resolve(&path)),
            key: parsed_key?,
        })
    }
}

impl WitnessedFile {
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<VerifierKey> {
        self.log.get_ref().parse().ok().or_else(|| {
            let expected = "the verifier key `<name>+<id>+<key>` of a log";
            mistakes.expected("witnessed.log", &self.log, expected)
        })
    }
}

/// A submission prefix. What is asked is signed, but who listens on the way could answer
/// that the witness has seen something else, and so hold the ledger: hence `https`.
fn read_prefix(text: &str) -> Option<Uri> {
    let url = web::read_url(text).filter(|url| url.query().is_none())?;
    let host = url.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    (web::is_secure(&url) || here).then_some(url)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, EXAMPLE, Witnesses};

    use super::*;

    fn parse(text: &str) -> Result<Witnesses, String> {
        let config = Config::parse(text, Path::new("/etc/comity/comity.toml"));
        Ok(config.map_err(|error| error.to_string())?.witnesses)
    }

    /// The example with the lines about outside witnesses and logs, and the ledger over
    /// HTTP, in force.
    fn example() -> String {
        let begins = [
            "[[witness",
            "name = \"outside",
            "url = \"https://w",
            "key = \"w",
        ];
        let more = [
            "log = \"log.",
            "[log]",
            "listen = \"0.0.0.0:8080",
            "web_ca = \"witness",
        ];
        let settings = EXAMPLE.lines().map(|line| match line.strip_prefix("# ") {
            Some(line)
                if begins
                    .iter()
                    .chain(&more)
                    .any(|begin| line.starts_with(begin)) =>
            {
                line
            }
            Some("[witnesses]" | "required = 1") => line.trim_start_matches("# "),
            Some(_) | None => line,
        });
        settings.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_example_shows_an_outside_witness_and_an_outside_log() {
        let witnesses = parse(&example()).unwrap();
        let [witness] = witnesses.outside.as_slice() else {
            panic!("one witness")
        };
        assert_eq!(witness.name, "outside-1");
        assert_eq!(witness.url.host(), Some("witness.example"));
        let roots = Path::new("/etc/comity/witnesses/web-ca.pem");
        assert_eq!(witness.web_ca.as_deref(), Some(roots));
        let [log] = witnesses.logs.as_slice() else {
            panic!("one log")
        };
        assert_eq!(log.name(), "log.example");
        let policy = witnesses.policy();
        assert_eq!((policy.witnesses.len(), policy.required), (1, 1));
    }

    #[test]
    fn each_mistake_says_what_to_do() {
        let text = example();
        let line = |begin: &str| text.lines().find(|line| line.starts_with(begin)).unwrap();
        let key = line("key = \"w");
        let section = text.split("[[witness]]").nth(1).unwrap();
        let section = section.split("\n\n").next().unwrap();
        let twice = format!("[[witness]]{section}\n[[witness]]");
        for (written, instead, said) in [
            (
                "https://witness",
                "http://witness",
                "or `http://` on this machine",
            ),
            (
                "https://witness",
                "https://me:secret@witness",
                "expected `https://`",
            ),
            (
                "example/submit",
                "example/submit?to=us",
                "expected `https://`",
            ),
            ("web_ca = \"witness", "# ", "`https` without `web_ca`"),
            (
                "https://witness.example",
                "http://127.0.0.1",
                "`web_ca` without `https`",
            ),
            (
                key,
                "key = \"w.example+00000000+BA==\"",
                "expected the key `<name>+<id>+<key>`",
            ),
            ("log = \"log.", "log = \"x", "expected the verifier key"),
            ("[[witness]]", &twice, "of another one, or of this"),
            (
                "required = 1",
                "required = 2",
                "expected at most the number of witnesses, 1",
            ),
            ("[log]\nlisten = \"0.0.0.0:8080\"", "", "without `[log]`"),
        ] {
            assert!(text.contains(written), "{written}");
            let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
            assert!(mistakes.contains(said), "{instead}: {mistakes}");
        }
    }

    #[test]
    fn what_listens_on_this_machine_needs_no_encryption() {
        for (url, fits) in [
            ("http://localhost:1/x", true),
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1/", true),
            ("http://127.0.0.1.example/", false),
            ("https://witness.example/", true),
        ] {
            assert_eq!(read_prefix(url).is_some(), fits, "{url}");
        }
    }
}
