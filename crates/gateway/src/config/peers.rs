//! `[[peer]]` and `[witnesses]`: gateways that cosign each other's ledgers, and who else
//! cosigns this one's.

use std::{collections::BTreeSet, ops::Range};

use comity_domain::JurisdictionCode;
use comity_ledger::{CosignerKey, Policy, VerifierKey};
use serde::Deserialize;
use toml::Spanned;

use super::{
    file::{Mistakes, host_and_port, is_server_name},
    outside::{OutsideWitness, OutsideWitnessFile, WitnessedFile},
};

/// The witnesses, how many of them must cosign, and the logs that are cosigned here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Witnesses {
    /// Peer gateways: witnesses of this one's ledger, as this one is of theirs.
    pub peers: Vec<Peer>,
    /// Witnesses outside of this one's ledger.
    pub outside: Vec<OutsideWitness>,
    /// Logs outside that this one is a witness of.
    pub logs: Vec<VerifierKey>,
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
        let peers = self.peers.iter().map(|peer| &peer.witness);
        let outside = self.outside.iter().map(|witness| &witness.key);
        Policy {
            witnesses: peers.chain(outside).cloned().collect(),
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

/// Whom the configuration names.
pub(super) struct Named {
    peers: Vec<PeerFile>,
    outside: Vec<OutsideWitnessFile>,
    logs: Vec<WitnessedFile>,
    /// Whether anybody reaches this gateway over HTTP.
    is_shown: bool,
}

/// Names, origins and keys that are taken.
struct Taken(BTreeSet<String>);

impl Named {
    pub(super) fn new(
        peers: Vec<PeerFile>,
        (outside, logs): (Vec<OutsideWitnessFile>, Vec<WitnessedFile>),
        is_shown: bool,
    ) -> Self {
        Self {
            peers,
            outside,
            logs,
            is_shown,
        }
    }

    /// Those that cannot be resolved are left out; the mistakes say why.
    pub(super) fn resolve(
        self,
        file: WitnessesFile,
        origin: &str,
        mistakes: &mut Mistakes<'_>,
    ) -> Witnesses {
        let Self {
            peers,
            outside,
            logs,
            is_shown,
        } = self;
        if let (false, Some(first)) = (is_shown, logs.first()) {
            let message = "`[[witnessed]]` without `[log]`: nobody could show it here";
            mistakes.add::<()>(Some(first.log.span()), message);
        }
        let listed = peers.len() + outside.len();
        let first = peers.first().map(|peer| peer.name.span());
        let first = first.or_else(|| outside.first().map(|witness| witness.name.span()));
        let required = file.resolve((listed, first), mistakes).unwrap_or_default();
        let mut taken = Taken(BTreeSet::from([origin.to_owned()]));
        let peers = peers.into_iter().filter_map(|file| {
            let span = file.name.span();
            let peer = file.resolve(mistakes)?;
            taken.take_peer(&peer, span, mistakes);
            Some(peer)
        });
        let peers = peers.collect();
        let outside = outside.into_iter().filter_map(|file| {
            let span = file.name.span();
            let witness = file.resolve(mistakes)?;
            taken.take_witness(&witness, span, mistakes);
            Some(witness)
        });
        let outside = outside.collect();
        let logs = logs.into_iter().filter_map(|file| {
            let span = file.log.span();
            let log = file.resolve(mistakes)?;
            let marks = [log.name(), log.material()].map(str::to_owned);
            taken.take(marks, (&format!("log `{}`", log.name()), span), mistakes);
            Some(log)
        });
        Witnesses {
            logs: logs.collect(),
            peers,
            outside,
            required,
        }
    }
}

impl Taken {
    fn take_peer(&mut self, peer: &Peer, span: Range<usize>, mistakes: &mut Mistakes<'_>) {
        let Peer {
            name, log, witness, ..
        } = peer;
        // A name has a space before it, which no origin and no key has.
        let marks = [
            format!(" {name}"),
            log.name().to_owned(),
            log.material().to_owned(),
            witness.material(),
        ];
        self.take(marks, (&format!("peer `{name}`"), span), mistakes);
    }

    fn take_witness(
        &mut self,
        witness: &OutsideWitness,
        span: Range<usize>,
        mistakes: &mut Mistakes<'_>,
    ) {
        let OutsideWitness { name, key, .. } = witness;
        let marks = [format!(" {name}"), key.material()];
        self.take(marks, (&format!("witness `{name}`"), span), mistakes);
    }

    fn take<const N: usize>(
        &mut self,
        marks: [String; N],
        (what, span): (&str, Range<usize>),
        mistakes: &mut Mistakes<'_>,
    ) {
        if !marks.map(|mark| self.0.insert(mark)).iter().all(|new| *new) {
            let message = format!(
                "{what} has the name, the origin or a key of another one, or of this gateway: \
                 keep one"
            );
            mistakes.add::<()>(Some(span), &message);
        }
    }
}

impl WitnessesFile {
    /// How many must cosign, of so many listed, the first of them here.
    fn resolve(
        self,
        (listed, first): (usize, Option<Range<usize>>),
        mistakes: &mut Mistakes<'_>,
    ) -> Option<usize> {
        match (self.required, first) {
            (None, None) => Some(0),
            (None, Some(span)) => mistakes.add(
                Some(span),
                "witnesses are listed, but not how many must have cosigned: add `required` to \
                 `[witnesses]`",
            ),
            (Some(required), _) if *required.get_ref() <= listed => Some(required.into_inner()),
            (Some(required), _) => {
                let message = format!(
                    "`witnesses.required` is `{}`: expected at most the number of witnesses, \
                     {listed}",
                    required.get_ref()
                );
                mistakes.add(Some(required.span()), &message)
            }
        }
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
