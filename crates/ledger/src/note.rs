//! Texts that several keys may sign: C2SP signed notes.

use signed_note::{NoteError as Cause, Signature, Verifier, VerifierList};
use thiserror::Error;

use crate::{Key, VerifierKey};

/// A text and the signatures under it, which nobody has checked yet.
#[derive(Debug, PartialEq)]
pub struct Note(signed_note::Note);

/// A note that cannot be made, read or believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum NoteError {
    /// Not in the one form that a signed note has.
    #[error("not a signed note")]
    Malformed,
    /// A signature by a known key that does not fit the text.
    #[error("the signature of `{0}` does not fit the text")]
    Signature(String),
}

impl Note {
    /// A text that nobody has signed yet: lines, each with its end.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] if the text has an open last line or control
    /// characters.
    pub fn new(text: &[u8]) -> Result<Self, NoteError> {
        signed_note::Note::new(text, &[])
            .map(Self)
            .map_err(|_| NoteError::Malformed)
    }

    /// Reads a note.
    ///
    /// # Errors
    /// [`NoteError::Malformed`] unless the bytes are exactly what
    /// [`Note::to_bytes`] writes: anything else hides changed bytes.
    pub fn read(bytes: &[u8]) -> Result<Self, NoteError> {
        let note = signed_note::Note::from_bytes(bytes).map_err(|_| NoteError::Malformed)?;
        (note.to_bytes() == bytes)
            .then_some(Self(note))
            .ok_or(NoteError::Malformed)
    }

    /// Adds a signature, in place of an earlier one by the same key.
    ///
    /// # Errors
    /// [`NoteError::Malformed`]; a key that was read or made does not cause it.
    pub fn sign(&mut self, key: &Key) -> Result<(), NoteError> {
        self.0
            .add_sigs(&[&key.signer])
            .map_err(|_| NoteError::Malformed)
    }

    /// Those of the `known` keys that signed the text, each once, in the order
    /// given. Signatures by other keys say nothing.
    ///
    /// # Errors
    /// [`NoteError::Signature`] if a signature claims to be by a known key and
    /// is not.
    pub fn signers<'k>(&self, known: &'k [VerifierKey]) -> Result<Vec<&'k VerifierKey>, NoteError> {
        let mut signers = Vec::new();
        for key in known {
            if self.signature_by(&key.verifier)?.is_some() {
                signers.push(key);
            }
        }
        Ok(signers)
    }

    /// The signature by a key, checked; `None` if there is none.
    pub(crate) fn signature_by(
        &self,
        key: &(impl Verifier + Clone + 'static),
    ) -> Result<Option<Signature>, NoteError> {
        let only = VerifierList::new(vec![Box::new(key.clone())]);
        match self.0.verify(&only) {
            Ok((signatures, _)) => Ok(signatures.into_iter().next()),
            Err(Cause::UnverifiedNote) => Ok(None),
            Err(_) => Err(NoteError::Signature(key.name().to_owned())),
        }
    }

    /// Names and ids of the keys that the signatures claim to be by,
    /// `<name>+<id>`, in the order of the lines.
    #[must_use]
    pub fn claimed(&self) -> Vec<String> {
        let bytes = self.to_bytes();
        let lines = bytes.get(self.text().len()..).unwrap_or_default();
        lines
            .split(|byte| *byte == b'\n')
            .filter_map(|line| Signature::from_bytes(line).ok())
            .map(|signature| format!("{}+{:08x}", signature.name(), signature.id()))
            .collect()
    }

    /// The text, with the end of its last line.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        self.0.text()
    }

    /// The note as files hold it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str, seed: u8) -> Key {
        Key::from_seed(name, [seed; 32]).unwrap()
    }

    #[test]
    fn several_keys_sign_one_text_and_each_counts_once() {
        let (first, second, other) = (key("first", 1), key("second", 2), key("other", 3));
        let mut note = Note::new(b"a text\nof two lines\n").unwrap();
        for key in [&first, &second, &first, &other] {
            note.sign(key).unwrap();
        }
        let read = Note::read(&note.to_bytes()).unwrap();
        assert_eq!(read, note);
        assert_eq!(read.text(), b"a text\nof two lines\n");
        let known = [second.verifier().clone(), first.verifier().clone()];
        assert_eq!(read.signers(&known).unwrap(), known.each_ref());
        let claimed = read.claimed();
        let names: Vec<_> = claimed
            .iter()
            .filter_map(|key| key.split_once('+').map(|(name, _)| name))
            .collect();
        assert_eq!(names, ["second", "first", "other"]);
    }

    #[test]
    fn a_changed_text_or_a_false_name_is_found_out() {
        let signer = key("first", 1);
        let known = [signer.verifier().clone()];
        let mut note = Note::new(b"until May\n").unwrap();
        note.sign(&signer).unwrap();
        let text = String::from_utf8(note.to_bytes()).unwrap();
        let changed = Note::read(text.replacen("May", "Mai", 1).as_bytes()).unwrap();
        let lie = NoteError::Signature("first".to_owned());
        assert_eq!(changed.signers(&known), Err(lie));
        // Another key of the same name is another signer.
        let mut forged = Note::new(b"until May\n").unwrap();
        forged.sign(&key("first", 9)).unwrap();
        assert_eq!(forged.signers(&known), Ok(vec![]));
    }

    #[test]
    fn only_the_one_form_is_read() {
        let mut note = Note::new(b"text\n").unwrap();
        note.sign(&key("first", 1)).unwrap();
        let text = String::from_utf8(note.to_bytes()).unwrap();
        for changed in [
            text.trim_end().to_owned(),
            format!("{text}\n"),
            text.replace('\n', "\r\n"),
            "text\n".to_owned(),
            String::new(),
        ] {
            assert_eq!(Note::read(changed.as_bytes()), Err(NoteError::Malformed));
        }
        assert_eq!(Note::new(b"no end"), Err(NoteError::Malformed));
    }
}
