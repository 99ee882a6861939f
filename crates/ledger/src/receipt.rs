//! Receipts as text: an entry with the proof that it is in the log, to be kept
//! and checked without the log. C2SP tlog-proof, with the entry as `extra`.

use base64::prelude::{BASE64_STANDARD, Engine};
use thiserror::Error;

use crate::{Checkpoint, CheckpointError, Hash, Proof, ProofError, VerifierKey, verify_proof};

/// First line of every proof in text form.
const HEADER: &str = "c2sp.org/tlog-proof@v1";

/// An entry with the proof that it is in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The leaf as hashed.
    pub leaf: Vec<u8>,
    /// The proof for it.
    pub proof: Proof,
}

/// A text that is no receipt, or one that proves nothing.
#[derive(Debug, Error)]
pub enum ReceiptError {
    /// Not in the one form that a receipt has.
    #[error("not a proof in the `{HEADER}` form")]
    Malformed,
    /// A proof of something that is not in it.
    #[error("the proof does not hold the entry it is for: it has no `extra` line")]
    NoEntry,
    /// Its checkpoint cannot be read.
    #[error("the checkpoint of the proof is not to be trusted")]
    Checkpoint(#[source] CheckpointError),
    /// It proves nothing.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// Whether bytes claim to be a proof in text form.
#[must_use]
pub fn is_receipt(bytes: &[u8]) -> bool {
    bytes.starts_with(HEADER.as_bytes())
}

impl Receipt {
    /// The receipt as text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let Proof {
            index,
            size: _,
            leaf_hash: _,
            path,
            checkpoint,
        } = &self.proof;
        let extra = BASE64_STANDARD.encode(&self.leaf);
        let path: String = path
            .iter()
            .map(|hash| format!("{}\n", BASE64_STANDARD.encode(hash.0)))
            .collect();
        let checkpoint = String::from_utf8_lossy(checkpoint);
        format!("{HEADER}\nextra {extra}\nindex {index}\n{path}\n{checkpoint}")
    }

    /// Reads a receipt. Nothing of it is believed yet.
    ///
    /// # Errors
    /// [`ReceiptError`] unless the text is exactly what [`Receipt::to_text`]
    /// writes: anything else hides changed bytes.
    pub fn from_text(text: &str) -> Result<Self, ReceiptError> {
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::Malformed)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(ReceiptError::Malformed);
        }
        let leaf = lines
            .next()
            .and_then(|line| line.strip_prefix("extra "))
            .ok_or(ReceiptError::NoEntry)?;
        let leaf = BASE64_STANDARD
            .decode(leaf)
            .map_err(|_| ReceiptError::Malformed)?;
        let index = lines
            .next()
            .and_then(|line| line.strip_prefix("index ")?.parse().ok())
            .ok_or(ReceiptError::Malformed)?;
        let path = lines.map(read_hash).collect::<Option<_>>();
        let checkpoint =
            Checkpoint::read_unverified(checkpoint.as_bytes()).map_err(ReceiptError::Checkpoint)?;
        let receipt = Self {
            proof: Proof {
                index,
                size: checkpoint.size,
                leaf_hash: Hash::of_leaf(&leaf),
                path: path.ok_or(ReceiptError::Malformed)?,
                checkpoint: checkpoint.note,
            },
            leaf,
        };
        if receipt.to_text() == text {
            Ok(receipt)
        } else {
            Err(ReceiptError::Malformed)
        }
    }

    /// Checks that the entry is in the log of `key`, under a checkpoint that the
    /// key signed. Returns the checkpoint.
    ///
    /// # Errors
    /// [`ReceiptError`] if it proves nothing.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        if self.proof.leaf_hash != Hash::of_leaf(&self.leaf) {
            return Err(ProofError::Invalid.into());
        }
        Ok(verify_proof(&self.proof, key)?)
    }
}

fn read_hash(line: &str) -> Option<Hash> {
    let bytes = BASE64_STANDARD.decode(line).ok()?;
    Some(Hash(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Key, Publisher, prove};

    fn receipt() -> (Receipt, Key) {
        let dir = tempfile::tempdir().unwrap();
        let key = Key::from_seed("log.example", [4; 32]).unwrap();
        let mut publisher = Publisher::open(dir.path(), key.clone(), None).unwrap();
        for entry in ["a", "b", "c", "d", "e"] {
            publisher.append(entry.as_bytes()).unwrap();
        }
        publisher.sign().unwrap();
        let proof = prove(dir.path(), 2).unwrap().unwrap();
        let leaf = b"c".to_vec();
        (Receipt { leaf, proof }, key)
    }

    #[test]
    fn a_receipt_is_text_that_anybody_with_the_key_can_check() {
        let (receipt, key) = receipt();
        let text = receipt.to_text();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra Yw==\nindex 2\n"));
        assert!(is_receipt(text.as_bytes()));
        assert_eq!(Receipt::from_text(&text).unwrap(), receipt);
        assert_eq!(receipt.verify(key.verifier()).unwrap().size, 5);
        let other = Key::from_seed("log.example", [5; 32]).unwrap();
        assert!(receipt.verify(other.verifier()).is_err());
    }

    #[test]
    fn every_flipped_bit_counts() {
        let (receipt, key) = receipt();
        let text = receipt.to_text().into_bytes();
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                let believed = String::from_utf8(changed)
                    .ok()
                    .and_then(|text| Receipt::from_text(&text).ok())
                    .is_some_and(|receipt| receipt.verify(key.verifier()).is_ok());
                assert!(!believed, "bit {bit} of byte {at} counts for nothing");
            }
        }
    }

    #[test]
    fn a_proof_without_its_entry_says_so() {
        let (receipt, _) = receipt();
        let text = receipt.to_text().replacen("extra Yw==\n", "", 1);
        assert!(matches!(
            Receipt::from_text(&text),
            Err(ReceiptError::NoEntry)
        ));
    }
}
