//! Connections that came to nothing, as unauthorised attempts in the ledger. Whoever has
//! no certificate must not make it grow at will: of each reason the first is an entry,
//! and those of the minute after it are one together.

use std::{
    collections::{BTreeSet, HashMap, hash_map::Entry},
    net::IpAddr,
    pin::pin,
    time::Duration,
};

use comity_ledger::Leaf;
use tokio::time::{Instant, sleep};

use crate::{
    gateway::Gateway,
    listen::{FailedHandshake, Failures, HandshakeFailure},
    record,
    tls::Presented,
};

/// How long those after the first are gathered.
const MINUTE: Duration = Duration::from_secs(60);
/// Most addresses that one entry has.
const ADDRESSES: usize = 64;

/// Those of one reason that are not on record yet.
#[derive(Debug, Default)]
struct More {
    count: u64,
    peers: BTreeSet<String>,
}

/// Records them until there are no more.
pub(crate) async fn record(gateway: Gateway, mut failures: Failures) {
    let mut more: HashMap<HandshakeFailure, More> = HashMap::new();
    let mut minute = pin!(sleep(MINUTE));
    loop {
        let FailedHandshake {
            peer,
            reason,
            shown,
        } = tokio::select! {
            failure = failures.next() => match failure {
                Some(failure) => failure,
                None => break,
            },
            () = minute.as_mut(), if !more.is_empty() => {
                // What goes on has no first any more.
                more.retain(|_, more| more.count > 0);
                together(&gateway, &mut more).await;
                missed(&gateway, &failures).await;
                minute.as_mut().reset(Instant::now() + MINUTE);
                continue;
            }
        };
        let peer = said(peer, shown);
        if more.is_empty() {
            minute.as_mut().reset(Instant::now() + MINUTE);
        }
        match more.entry(reason) {
            Entry::Vacant(entry) => {
                entry.insert(More::default());
                one(&gateway, reason.as_str().to_owned(), peer).await;
            }
            Entry::Occupied(mut entry) => entry.get_mut().add(peer),
        }
    }
    together(&gateway, &mut more).await;
    missed(&gateway, &failures).await;
}

impl More {
    fn add(&mut self, peer: String) {
        self.count += 1;
        if self.peers.len() < ADDRESSES {
            self.peers.insert(peer);
        }
    }
}

/// Who it was: the address, and the certificate that was refused.
fn said(peer: IpAddr, shown: Option<Presented>) -> String {
    match shown {
        Some(Presented { serial, names }) => {
            format!("{peer} with certificate {serial} of {names}")
        }
        None => peer.to_string(),
    }
}

/// An entry for each reason with more than the first.
async fn together(gateway: &Gateway, more: &mut HashMap<HandshakeFailure, More>) {
    for (reason, more) in more {
        let More { count, peers } = std::mem::take(more);
        if count > 0 {
            let note = format!("{}, {count} more", reason.as_str());
            let peers: Vec<_> = peers.into_iter().collect();
            one(gateway, note, peers.join("\n")).await;
        }
    }
}

/// An entry for those that came faster than they could be told apart.
async fn missed(gateway: &Gateway, failures: &Failures) {
    let missed = failures.take_missed();
    if missed > 0 {
        tracing::warn!(missed, "failed handshakes came too fast to be told apart");
        one(
            gateway,
            format!("not told apart, {missed} more"),
            String::new(),
        )
        .await;
    }
}

/// One entry. Addresses are personal data and are sealed.
async fn one(gateway: &Gateway, note: String, peers: String) {
    let leaf = Leaf {
        note: Some(note.clone()),
        ..Leaf::new(gateway.now(), "unauthorised", "unknown")
    };
    if record::event(gateway, leaf, peers.into_bytes())
        .await
        .is_err()
    {
        tracing::warn!(reason = note, "failed handshakes are not on record");
    }
}
