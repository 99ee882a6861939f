//! Whether there is room for new work, and what is told of it: once as it ends, once as it
//! is there again, and once a minute how much was refused meanwhile.

use std::{error::Error, io::Write as _, path::PathBuf, time::Duration};

use comity_store::{CommitError, Unavailable};
use tokio::{
    sync::watch,
    task,
    time::{self, Instant},
};

use crate::gateway::Gateway;

/// Between two looks.
const EVERY: Duration = Duration::from_millis(500);
/// Between two words on what goes on.
const MINUTE: Duration = Duration::from_secs(60);
/// What a full disk must take again before new work is: some requests' worth, so that it
/// is not full again at once.
const ROOM: usize = 4 << 20;

/// What was told last.
#[derive(Debug)]
struct Told {
    lacks: Option<Unavailable>,
    /// How much had been refused by then, as it began and as it was last told.
    before: u64,
    refused: u64,
    at: Instant,
}

/// Looks from time to time, until the gateway stops.
pub(crate) async fn run(gateway: Gateway, data: PathBuf, mut stopped: watch::Receiver<bool>) {
    let mut looks = time::interval(EVERY);
    let mut told = Told {
        lacks: None,
        before: 0,
        refused: 0,
        at: Instant::now(),
    };
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            _ = stopped.wait_for(|stop| *stop) => return,
        }
        let store = gateway.store();
        if store.health().lacks_room == Some(Unavailable::DiskFull) && has_room(&data).await {
            store.found_room();
        }
        told.tell(store.health().lacks_room, store.refused());
    }
}

/// Why a caller's work is refused that the store has no room for.
pub(crate) fn refusal(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let CommitError::Unavailable(why) = error.downcast_ref()? else {
        return None;
    };
    match why {
        Unavailable::DiskFull => Some("the disk is full and the ledger"),
        Unavailable::SizeLimit => Some("the store is as large as it may be and the ledger"),
        Unavailable::Busy | Unavailable::Closed | Unavailable::Randomness => None,
    }
}

impl Told {
    fn tell(&mut self, lacks: Option<Unavailable>, refused: u64) {
        match (self.lacks, lacks) {
            (None, None) => self.before = refused,
            (None, Some(why)) => {
                tracing::warn!(%why, "the store takes no new work: see `limits.store_bytes` and the disk");
                self.at = Instant::now();
            }
            (Some(_), None) => {
                let refused = refused - self.before;
                tracing::info!(refused, "the store takes new work again");
                self.before += refused;
            }
            (Some(_), Some(why)) if self.at.elapsed() >= MINUTE => {
                let refused = refused - self.refused;
                tracing::warn!(%why, refused, "the store still takes no new work");
                self.at = Instant::now();
                self.refused += refused;
            }
            (Some(_), Some(_)) => {}
        }
        if self.lacks.is_none() {
            self.refused = refused;
        }
        self.lacks = lacks;
    }
}

/// Whether the disk under the store takes something again.
async fn has_room(data: &std::path::Path) -> bool {
    let data = data.to_owned();
    let tried = task::spawn_blocking(move || {
        let mut file = tempfile::tempfile_in(data)?;
        file.write_all(&vec![7; ROOM])?;
        file.sync_data()
    });
    matches!(tried.await, Ok(Ok(())))
}
