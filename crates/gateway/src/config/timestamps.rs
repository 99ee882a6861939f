//! `[timestamps]`: authorities that timestamp the ledger.

use std::{collections::BTreeSet, path::PathBuf, time::Duration};

use comity_ledger::is_policy;
use hyper::Uri;
use serde::Deserialize;
use toml::Spanned;

use super::{file::Mistakes, web};

/// Least time between two timestamps, in seconds, where nothing is said.
const EVERY_S: u64 = 60;
/// Longest time that an entry may go without one: four hours.
const REQUIRED_WITHIN_S: u64 = 4 * 3600;

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamps {
    /// Whom to ask, in this order, each when those before it give none: at least one.
    pub authorities: Vec<Authority>,
    /// Least time between two timestamps.
    pub every: Duration,
    /// How long an entry may go without one before new work is refused.
    pub required_within: Duration,
}

/// An authority that timestamps: RFC 3161 over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authority {
    /// Its name in logs and figures.
    pub name: String,
    /// Where to ask it: `http` or `https`, with a host.
    pub url: Uri,
    /// File with the root certificates that its own must lead to, in PEM.
    pub certificate: PathBuf,
    /// Object identifier of the policy that it is asked to issue under, if one is
    /// demanded.
    pub policy: Option<String>,
    /// File with the root certificates, in PEM, that the certificate of its web server
    /// must lead to; only with `https`.
    pub web_ca: Option<PathBuf>,
}

/// `[timestamps]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TimestampsFile {
    every_s: Option<Spanned<u64>>,
    required_within_s: Option<Spanned<u64>>,
    #[serde(rename = "authority")]
    authorities: Vec<AuthorityFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityFile {
    name: Spanned<String>,
    url: Spanned<String>,
    certificate: PathBuf,
    policy: Option<Spanned<String>>,
    web_ca: Option<PathBuf>,
}

impl TimestampsFile {
    pub(super) fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Timestamps> {
        let Self {
            every_s,
            required_within_s,
            authorities,
        } = self;
        if authorities.is_empty() {
            let message = "`[timestamps]` without a `[[timestamps.authority]]`: name at least one";
            mistakes.add::<()>(None, message);
        }
        let every = seconds("every_s", every_s, EVERY_S, mistakes);
        let at = required_within_s.as_ref().map(Spanned::span);
        let key = "required_within_s";
        let required_within = seconds(key, required_within_s, REQUIRED_WITHIN_S, mistakes);
        if required_within <= every {
            let message = "`timestamps.required_within_s` is not longer than `every_s`: nothing \
                           would be accepted between two timestamps";
            mistakes.add::<()>(at, message);
        }
        let mut names = BTreeSet::new();
        let mut resolved = Vec::new();
        for file in authorities {
            let (name, at) = (file.name.get_ref().clone(), file.name.span());
            if !names.insert(name.clone()) {
                let message = format!("second authority `{name}` of `timestamps`: keep one");
                mistakes.add::<()>(Some(at), &message);
            }
            resolved.extend(file.resolve(mistakes));
        }
        Some(Timestamps {
            authorities: resolved,
            every,
            required_within,
        })
    }
}

impl AuthorityFile {
    fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Authority> {
        let Self {
            name,
            url,
            certificate,
            policy,
            web_ca,
        } = self;
        let parsed = web::read_url(url.get_ref()).or_else(|| {
            let expected = "`http://` or `https://`, a host and a path, such as \
                            `http://timestamps.example/tsr`";
            mistakes.expected("timestamps.authority.url", &url, expected)
        });
        if let Some(parsed) = &parsed {
            web::check_roots((parsed, url.span()), web_ca.is_some(), mistakes);
        }
        if let Some(policy) = policy
            .as_ref()
            .filter(|policy| !is_policy(policy.get_ref()))
        {
            let expected = "an object identifier, such as `1.3.6.1.4.1.13762.3`";
            mistakes.expected::<()>("timestamps.authority.policy", policy, expected);
        }
        Some(Authority {
            name: name.into_inner(),
            url: parsed?,
            certificate: mistakes.resolve(&certificate),
            policy: policy.map(Spanned::into_inner),
            web_ca: web_ca.map(|path| mistakes.resolve(&path)),
        })
    }
}

fn seconds(
    key: &str,
    written: Option<Spanned<u64>>,
    default: u64,
    mistakes: &mut Mistakes<'_>,
) -> Duration {
    let seconds = match written {
        Some(written) if *written.get_ref() == 0 => {
            let message = format!("`timestamps.{key}` is `0`: expected at least 1");
            mistakes.add::<()>(Some(written.span()), &message);
            default
        }
        Some(written) => written.into_inner(),
        None => default,
    };
    Duration::from_secs(seconds)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, EXAMPLE};

    use super::*;

    fn parse(text: &str) -> Result<Timestamps, String> {
        let config = Config::parse(text, Path::new("/etc/comity/comity.toml"));
        let config = config.map_err(|error| error.to_string())?;
        Ok(config.timestamps.unwrap())
    }

    /// The example with the lines about timestamps in force, but for `web_ca`.
    fn example() -> String {
        let (before, section) = EXAMPLE.split_once("# [timestamps]").unwrap();
        let (section, after) = section.split_once("\n\n").unwrap();
        let settings = section.lines().map(|line| match line.strip_prefix("# ") {
            Some(setting) if setting.starts_with("[[") => setting,
            Some(setting) if setting.contains(" = ") && !setting.starts_with("web_ca") => setting,
            Some(_) | None => line,
        });
        let settings: Vec<_> = settings.collect();
        format!("{before}[timestamps]{}\n\n{after}", settings.join("\n"))
    }

    #[test]
    fn the_example_shows_the_defaults() {
        let shown = parse(&example()).unwrap();
        let [authority] = shown.authorities.as_slice() else {
            panic!("one authority")
        };
        assert_eq!(authority.url.host(), Some("timestamps.example"));
        let root = Path::new("/etc/comity/timestamps/tsa-1.pem");
        assert_eq!(authority.certificate, root);
        let bare = example()
            .replace("\nevery_s = 60", "")
            .replace("\nrequired_within_s = 14400", "");
        assert_eq!(parse(&bare).unwrap(), shown);
    }

    #[test]
    fn a_secure_authority_names_whom_its_web_server_is_believed_by() {
        for scheme in ["https", "HTTPS", "Https"] {
            let secure = example().replace("http://timestamps", &format!("{scheme}://timestamps"));
            let mistake = parse(&secure).unwrap_err();
            assert!(mistake.contains("`https` without `web_ca`"), "{mistake}");
            let with = secure.replace("# web_ca = \"t", "web_ca = \"t");
            assert!(parse(&with).unwrap().authorities[0].web_ca.is_some());
        }
        let mistake = parse(&example().replace("# web_ca = \"t", "web_ca = \"t")).unwrap_err();
        assert!(mistake.contains("`web_ca` without `https`"), "{mistake}");
    }

    #[test]
    fn each_mistake_says_what_to_do() {
        let text = example();
        let authority = text.split("[[timestamps.authority]]").nth(1).unwrap();
        let authority = authority.split("\n\n").next().unwrap();
        let twice = format!("[[timestamps.authority]]{authority}\n[[timestamps.authority]]");
        for (written, instead, said) in [
            (
                "every_s = 60",
                "every_s = 0",
                "`timestamps.every_s` is `0`: expected at least 1",
            ),
            (
                "required_within_s = 14400",
                "required_within_s = 60",
                "is not longer than `every_s`",
            ),
            (
                "http://timestamps",
                "ftp://timestamps",
                "expected `http://` or `https://`",
            ),
            (
                "http://timestamps",
                "http://me:secret@timestamps",
                "expected `http://`",
            ),
            ("\"1.3.6.1", "\"one", "expected an object identifier"),
            (
                "[[timestamps.authority]]",
                &twice,
                "second authority `tsa-1`",
            ),
        ] {
            let mistakes = parse(&text.replacen(written, instead, 1)).unwrap_err();
            assert!(mistakes.contains(said), "{instead}: {mistakes}");
        }
        let none = text.replace("[[timestamps.authority]]", "[unknown]");
        assert!(
            parse(&none)
                .unwrap_err()
                .contains("missing field `authority`")
        );
    }
}
