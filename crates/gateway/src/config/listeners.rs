//! Addresses that get in each other's way.

use std::net::{IpAddr, SocketAddr};

use toml::Spanned;

use super::file::{Mistakes, host_and_port};

/// Notes a listener, of `[metrics]` and `[log]` too, that has the address of one before it,
/// and backends that have the gateway's.
pub(super) fn check(
    own: &Spanned<String>,
    [metrics, log]: [Option<&Spanned<String>>; 2],
    backends: &[&Spanned<String>],
    mistakes: &mut Mistakes<'_>,
) {
    for backend in backends {
        demand_elsewhere(own, backend, mistakes);
    }
    let listeners = [
        ("gateway.listen", Some(own)),
        ("metrics.listen", metrics),
        ("log.listen", log),
    ];
    let mut known: Vec<(&str, SocketAddr)> = Vec::new();
    for (key, written) in listeners {
        let Some(written) = written else {
            continue;
        };
        let Ok(address) = written.get_ref().parse::<SocketAddr>() else {
            continue;
        };
        let same = known.iter().find(|(_, other)| overlap(address, *other));
        if let Some((other, _)) = same {
            let message = format!(
                "`{key}` is `{address}`, where `{other}` listens too: give each a port of its own"
            );
            mistakes.add::<()>(Some(written.span()), &message);
        }
        known.push((key, address));
    }
}

/// Notes a backend that is the gateway itself.
fn demand_elsewhere(
    listen: &Spanned<String>,
    backend: &Spanned<String>,
    mistakes: &mut Mistakes<'_>,
) {
    let (Ok(own), Some((host, port))) = (
        listen.get_ref().parse::<SocketAddr>(),
        host_and_port(backend.get_ref()),
    ) else {
        return;
    };
    let ip = match host.as_str() {
        "localhost" => Some(IpAddr::from([127, 0, 0, 1])),
        host => host.parse().ok(),
    };
    let Some(address) = ip.map(|ip| SocketAddr::new(ip, port)) else {
        return;
    };
    let here = own.ip() == address.ip() || own.ip().is_unspecified() && address.ip().is_loopback();
    if own.port() == address.port() && here {
        let expected = "the address of a national system: here the gateway itself listens";
        mistakes.expected::<()>("backend.address", backend, expected);
    }
}

/// Whether one of two cannot be listened on where the other one is. Port 0 is any that is
/// free.
fn overlap(one: SocketAddr, other: SocketAddr) -> bool {
    let any = one.ip().is_unspecified() || other.ip().is_unspecified();
    one.port() != 0 && one.port() == other.port() && (any || one.ip() == other.ip())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::config::{Config, EXAMPLE};

    #[test]
    fn nothing_listens_twice_and_no_backend_is_the_gateway() {
        for (written, instead, said) in [
            (
                "# [metrics]\n# listen = \"127.0.0.1:9464\"",
                "[metrics]\nlisten = \"127.0.0.1:8443\"",
                "`metrics.listen` is `127.0.0.1:8443`, where `gateway.listen` listens too",
            ),
            (
                "https://[::1]:9443",
                "https://localhost:8443",
                "`backend.address` is `https://localhost:8443`: expected the address of a",
            ),
            (
                "per_caller = 128",
                "per_caller = 2000",
                "`limits.per_caller` is `2000`: expected at most `limits.in_flight`, which is `1024`",
            ),
            (
                "0.0.0.0:8443",
                "localhost:8443",
                "such as `0.0.0.0:8443`: the IP address of an interface, as names are not",
            ),
        ] {
            let text = EXAMPLE.replacen(written, instead, 1);
            let mistakes = Config::parse(&text, Path::new("comity.toml")).unwrap_err();
            let told = mistakes.to_string();
            assert!(told.contains(said) && told.lines().count() == 1, "{told}");
        }
    }
}
