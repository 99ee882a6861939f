//! Single fields of a record, to be shown without the others: from an entry as it is read
//! to a file that proves them.

use bytes::Bytes;
use comity::v1::GetRecordResponse;
use comity_ledger::{Disclosure, Field, Fields, Leaf, Receipt, ReceiptError};
use serde_json::Value;
use thiserror::Error;

use crate::{
    case_file::{Files, Kind, entry_path},
    wire::{fields, to_proto},
};

/// Why nothing is shown.
#[derive(Debug, Error)]
pub enum DiscloseError {
    /// The record was erased, and the salts of its fields with it.
    #[error("the record of entry {0} was erased: nothing of it can be proven any more")]
    Erased(u64),
    /// There is nothing to be taken apart.
    #[error(
        "the record of entry {0} has no field to be shown: what it says is public, or the \
         gateway's own"
    )]
    Nothing(u64),
    /// It was recorded before entries committed to fields.
    #[error(
        "entry {0} commits to its record as a whole: it was recorded by a version of Comity that \
         knew no single fields; what it holds can only be proven with all of the record, by \
         `comity audit export`"
    )]
    Whole(u64),
    /// The record is not the one that the entry commits to.
    #[error("the record of entry {0} is not what the entry commits to; verify the store")]
    Damaged(u64),
    /// The record is, and the fields that it commits to are not those of the record.
    #[error(
        "entry {0} commits to other fields than its record has: it was recorded by a version of \
         Comity that this one does not know, or by a gateway that committed to something else; \
         try a newer version, and verify the store"
    )]
    OtherFields(u64),
    /// It has no such field.
    #[error("entry {entry} has no field `{path}`; `--list` shows those that it has")]
    NoField {
        /// The entry.
        entry: u64,
        /// The path asked for.
        path: String,
    },
    /// The proof of the entry is none.
    #[error("the proof of the entry is of no use")]
    Proof(#[from] ReceiptError),
    /// The proof is of another entry.
    #[error("the proof is not of entry {0}; verify the store")]
    OtherProof(u64),
}

/// A record taken apart.
#[derive(Debug)]
pub struct Opened {
    index: u64,
    leaf: Leaf,
    leaf_bytes: Bytes,
    fields: Fields,
    /// Path and value of each field, in their order.
    values: Vec<(String, Vec<u8>)>,
}

impl Opened {
    /// Takes the record of an entry apart, as `AuditService.GetRecord` shows it.
    ///
    /// # Errors
    /// [`DiscloseError`] where no field of it can be proven.
    pub fn open(found: &GetRecordResponse) -> Result<Self, DiscloseError> {
        let entry = found.entry.clone().unwrap_or_default();
        let index = entry.index;
        if found.salt.is_empty() {
            return Err(DiscloseError::Erased(index));
        }
        let damaged = || DiscloseError::Damaged(index);
        let salt = found.salt.as_ref().try_into().map_err(|_| damaged())?;
        let (leaf, commitment) = Leaf::read(&entry.leaf).map_err(|_| damaged())?;
        if !commitment.opens("record", &salt, &found.record) {
            return Err(damaged());
        }
        let fields = Fields::of(fields::take_apart, &leaf, &found.record, &salt);
        if fields.root().is_none() {
            return Err(DiscloseError::Nothing(index));
        }
        if !leaf.has_fields() {
            return Err(DiscloseError::Whole(index));
        }
        if !leaf.binds_fields(&fields) {
            return Err(DiscloseError::OtherFields(index));
        }
        let mut values = Vec::new();
        fields::take_apart(&leaf, &found.record, &mut |path, value| {
            values.push((path.to_owned(), value.to_owned()));
        });
        Ok(Self {
            index,
            leaf,
            leaf_bytes: entry.leaf,
            fields,
            values,
        })
    }

    /// Path and value of each field that can be shown, in their order.
    pub fn list(&self) -> impl Iterator<Item = (&str, Value)> {
        let shown = |(path, value): &'_ (String, Vec<u8>)| fields::shown(&self.leaf, path, value);
        let values = self.values.iter();
        values.map(move |field| (field.0.as_str(), shown(field)))
    }

    /// Shows the fields at these paths. `tlog_proof` proves the entry.
    ///
    /// # Errors
    /// [`DiscloseError::NoField`] and [`DiscloseError::Proof`].
    pub fn disclose(
        &self,
        paths: &[String],
        tlog_proof: &str,
    ) -> Result<Disclosure, DiscloseError> {
        let known = |path: &&String| self.values.iter().any(|(known, _)| known == *path);
        if let Some(path) = paths.iter().find(|path| !known(path)) {
            return Err(DiscloseError::NoField {
                entry: self.index,
                path: path.clone(),
            });
        }
        let receipt = Receipt::from_text(tlog_proof)?;
        if receipt.leaf != self.leaf_bytes {
            return Err(DiscloseError::OtherProof(self.index));
        }
        let values = (0..).zip(&self.values);
        let asked = values.filter(|(_, (path, _))| paths.contains(path));
        let fields =
            asked.filter_map(|(number, (path, value))| self.fields.show(number, path, value));
        Ok(Disclosure {
            fields: fields.collect(),
            receipt,
        })
    }
}

/// The value of a field in the contract's JSON; as text or in hexadecimal what is not of
/// the contract. `leaf` is that of its entry.
#[must_use]
pub fn shown(leaf: &Leaf, field: &Field) -> Value {
    fields::shown(leaf, &field.path, &field.value)
}

/// An entry of a bundle that was checked, with its proof; `None` if it has no such entry.
#[must_use]
pub fn entry_in(files: &Files, index: u64) -> Option<(GetRecordResponse, String)> {
    let file = |kind| files.get(&entry_path(index, kind)).cloned();
    let leaf_bytes = file(Kind::Leaf)?;
    let (leaf, _) = Leaf::read(&leaf_bytes).ok()?;
    let proof = String::from_utf8(file(Kind::Proof)?).ok()?;
    let found = GetRecordResponse {
        entry: Some(to_proto::entry(index, leaf, leaf_bytes)),
        record: file(Kind::Record).unwrap_or_default().into(),
        salt: file(Kind::Salt).unwrap_or_default().into(),
    };
    Some((found, proof))
}
