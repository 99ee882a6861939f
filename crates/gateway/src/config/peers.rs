//! `[[peer]]` and `[witnesses]`: gateways that cosign each other's ledgers.

use std::collections::BTreeSet;

use comity_domain::JurisdictionCode;
use comity_ledger::{CosignerKey, Policy, VerifierKey};
use serde::Deserialize;
use toml::Spanned;

use super::file::{Mistakes, host_and_port, is_server_name};

/// The peers, and how many of them must cosign.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witnesses {
    /// Peer gateways: witnesses of this one's ledger, as this one is of theirs.
    pub peers: Vec<Peer>,
    /// How many of them must have cosigned a checkpoint for it to be shown as
    /// cosigned.
    pub required: usize,
}

/// A peer gateway.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Its name in logs and figures.
    pub name: String,
    /// The jurisdiction that its certificate must name.
    pub jurisdiction: JurisdictionCode,
    /// Its host, without brackets around an IPv6 address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Name its certificate must carry.
    pub server_name: String,
    /// The key of its ledger, whose name is the ledger's origin.
    pub log: VerifierKey,
    /// The key that it cosigns with.
    pub witness: CosignerKey,
}

impl Witnesses {
    /// Whose cosignatures count, and how many are demanded.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let witnesses = self.peers.iter().map(|peer| peer.witness.clone());
        Policy {
            witnesses: witnesses.collect(),
            required: self.required,
        }
    }
}

/// `[witnesses]` as written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WitnessesFile {
    required: Option<Spanned<usize>>,
}

/// `[[peer]]` as written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PeerFile {
    name: Spanned<String>,
    jurisdiction: Spanned<String>,
    address: Spanned<String>,
    server_name: Option<Spanned<String>>,
    log: Spanned<String>,
    witness: Spanned<String>,
}

/// Peers that cannot be resolved are left out; the mistakes say why.
pub(super) fn resolve(
    peers: Vec<PeerFile>,
    WitnessesFile { required }: WitnessesFile,
    origin: &str,
    mistakes: &mut Mistakes<'_>,
) -> Witnesses {
    let listed = peers.len();
    let first = peers.first().map(|peer| peer.name.span());
    let mut taken = BTreeSet::from([origin.to_owned()]);
    let mut resolved = Vec::new();
    for file in peers {
        let span = file.name.span();
        let Some(peer) = file.resolve(mistakes) else {
            continue;
        };
        let Peer {
            name, log, witness, ..
        } = &peer;
        // A name has a space before it, which no origin and no key has.
        let marks = [
            format!(" {name}"),
            log.name().to_owned(),
            log.material().to_owned(),
            witness.to_string(),
        ];
        if !marks.map(|mark| taken.insert(mark)).iter().all(|new| *new) {
            let message = format!(
                "peer `{name}` has the name, the origin or a key of another one, or of this \
                 gateway: keep one"
            );
            mistakes.add::<()>(Some(span), &message);
        }
        resolved.push(peer);
    }
    let required = match (required, first) {
        (None, None) => Some(0),
        (None, Some(span)) => mistakes.add(
            Some(span),
            "peers are listed, but not how many must have cosigned: add `required` to \
             `[witnesses]`",
        ),
        (Some(required), _) if *required.get_ref() <= listed => Some(required.into_inner()),
        (Some(required), _) => {
            let message = format!(
                "`witnesses.required` is `{}`: expected at most the number of peers, {listed}",
                required.get_ref()
            );
            mistakes.add(Some(required.span()), &message)
        }
    };
    Witnesses {
        peers: resolved,
        required: required.unwrap_or_default(),
    }
}

impl PeerFile {
    fn resolve(self, mistakes: &mut Mistakes<'_>) -> Option<Peer> {
        let Self {
            name,
            jurisdiction,
            address,
            server_name,
            log,
            witness,
        } = self;
        let code = jurisdiction.get_ref().parse().ok().or_else(|| {
            let expected = "ISO 3166-1 alpha-2 such as `DE`, or 3166-2 such as `GB-SCT`";
            mistakes.expected("peer.jurisdiction", &jurisdiction, expected)
        });
        let place = host_and_port(address.get_ref()).or_else(|| {
            let expected = "`https://`, a host and a port, such as `https://gateway.example:8443`";
            mistakes.expected("peer.address", &address, expected)
        });
        if let Some(name) = server_name
            .as_ref()
            .filter(|name| !is_server_name(name.get_ref()))
        {
            let expected = "a DNS name or an IP address, as it stands in the certificate";
            mistakes.expected::<()>("peer.server_name", name, expected);
        }
        let log = log.get_ref().parse().ok().or_else(|| {
            let expected = "the verifier key `<name>+<id>+<key>` of its ledger";
            mistakes.expected("peer.log", &log, expected)
        });
        let witness = witness.get_ref().parse().ok().or_else(|| {
            let expected = "the key `<name>+<id>+<key>` that it cosigns with";
            mistakes.expected("peer.witness", &witness, expected)
        });
        let (host, port) = place?;
        Some(Peer {
            name: name.into_inner(),
            jurisdiction: code?,
            server_name: server_name.map_or_else(|| host.clone(), Spanned::into_inner),
            host,
            port,
            log: log?,
            witness: witness?,
        })
    }
}
