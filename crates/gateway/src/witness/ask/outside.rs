//! What follows from the answers of a witness outside. Of what it has seen it tells a
//! size alone (C2SP tlog-witness), where a peer shows the checkpoint itself: whether that
//! was the beginning of this ledger shows in whether it takes the proof from there.

use super::{Asker, Unasked, submit::Unaccepted};

impl Asker {
    /// Asks for a cosignature of the latest checkpoint: from the size known, where the
    /// witness has cosigned another from that, and where it takes no proof from the one
    /// known, as if none were. Answers how many entries it cosigned.
    ///
    /// Where it has cosigned more than is signed here, or does not believe that what is
    /// here extends what it cosigned, its word is heeded: the ledger is held.
    pub(super) async fn ask_outside(&mut self) -> Result<u64, Unasked> {
        let mut said = None;
        loop {
            let unasked = match self.offer().await {
                Ok(size) => {
                    self.release().await;
                    return Ok(size);
                }
                Err(unasked) => unasked,
            };
            match (&unasked, said) {
                (Unasked::Outside(Unaccepted::Seen(size)), None) => {
                    said = Some(*size);
                    self.old = *size;
                }
                (Unasked::Outside(Unaccepted::Unproven), None) if self.old > 0 => self.old = 0,
                (Unasked::Outside(Unaccepted::Unproven) | Unasked::Ahead, Some(size)) => {
                    return Err(self.believe(size, unasked).await);
                }
                // It has as many, and others.
                (Unasked::Outside(Unaccepted::Seen(again)), Some(size))
                    if (*again, self.offered) == (size, size) =>
                {
                    return Err(self.believe(size, unasked).await);
                }
                _ => return Err(unasked),
            }
        }
    }

    /// Heeds its word that it cosigned so many entries, and not those here. It counts for
    /// nothing where it has cosigned as many here: then it takes back what it signed.
    async fn believe(&mut self, size: u64, unasked: Unasked) -> Unasked {
        self.old = 0;
        let store = self.shared.gateway.store();
        let heeded = store.heed_word(&self.witness.key, size).await;
        self.hear();
        heeded.map_or_else(Unasked::Held, |()| unasked)
    }

    /// What its own word held back may be signed once it cosigns again.
    async fn release(&self) {
        let store = self.shared.gateway.store();
        if store.health().held
            && let Err(error) = store.publish().await
        {
            tracing::debug!(%error, "a witness cosigns, and the ledger is held still");
        }
    }
}
