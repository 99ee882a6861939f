//! Which witnesses must have cosigned a checkpoint: `k` of `n`, as a text in the form
//! of C2SP tlog-policy.

use std::fmt::Write as _;

use thiserror::Error;

use crate::{Checkpoint, Cosignature, CosignerKey, NoteError, VerifierKey, cosignatures};

/// See the module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The witnesses that count, no two of one key.
    pub witnesses: Vec<CosignerKey>,
    /// How many of them must have cosigned.
    pub required: usize,
}

/// A policy that cannot be read, or that a checkpoint does not meet.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PolicyError {
    /// A line that says nothing known.
    #[error("line {0} of the policy is not understood")]
    Line(usize),
    /// Another quorum than one of some witnesses.
    #[error("the policy names no quorum of witnesses, or one of groups of groups")]
    Quorum,
    /// One key counts twice.
    #[error("the witness `{0}` has the key of another one")]
    Twice(String),
    /// Fewer cosigned than must have.
    #[error("cosigned by {} of {} witnesses, at least {} are demanded", .found, .of, .required)]
    TooFew {
        /// Witnesses whose cosignatures were found.
        found: usize,
        /// Witnesses that count.
        of: usize,
        /// How many must have cosigned.
        required: usize,
    },
    /// A cosignature is false.
    #[error(transparent)]
    Note(#[from] NoteError),
}

impl Policy {
    /// Reads a policy: witnesses, at most one group of them, and a quorum.
    ///
    /// # Errors
    /// [`PolicyError`].
    pub fn read(text: &str) -> Result<Self, PolicyError> {
        let mut known: Vec<(&str, CosignerKey)> = Vec::new();
        let mut groups: Vec<(&str, Self)> = Vec::new();
        let mut quorum = None;
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let wrong = || PolicyError::Line(number);
            match words.as_slice() {
                [] => {}
                [first, ..] if first.starts_with('#') => {}
                ["log", _] | ["log", _, _] => {}
                ["witness", name, key] | ["witness", name, key, _] => {
                    let key = key.parse().map_err(|_| wrong())?;
                    known.push((*name, key));
                }
                ["group", name, threshold, members @ ..] => {
                    let group = group(&known, threshold, members).ok_or_else(wrong)?;
                    groups.push((*name, group));
                }
                ["quorum", "none"] => quorum = Some(Self::none(&known)),
                ["quorum", name] => {
                    let group = groups.iter().find(|(known, _)| known == name);
                    let group = group.map(|(_, group)| group.clone());
                    quorum = group.or_else(|| self::group(&known, "all", &[*name]));
                }
                _ => return Err(wrong()),
            }
        }
        let policy = quorum.ok_or(PolicyError::Quorum)?;
        policy.check()?;
        Ok(policy)
    }

    fn none(known: &[(&str, CosignerKey)]) -> Self {
        Self {
            witnesses: known.iter().map(|(_, key)| key.clone()).collect(),
            required: 0,
        }
    }

    /// Whether each witness counts once.
    fn check(&self) -> Result<(), PolicyError> {
        for (place, key) in self.witnesses.iter().enumerate() {
            let mut before = self.witnesses.iter().take(place);
            if before.any(|other| other.is_same_key(key)) {
                return Err(PolicyError::Twice(key.name().to_owned()));
            }
        }
        Ok(())
    }

    /// The policy as text, for the log with this key.
    #[must_use]
    pub fn to_text(&self, log: &VerifierKey) -> String {
        let mut text = format!("log {log}\n");
        let mut members = String::new();
        for (number, key) in (1..).zip(&self.witnesses) {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "witness w{number} {key}");
            let _ = write!(members, " w{number}");
        }
        let _ = match self.required {
            0 => writeln!(text, "quorum none"),
            required => writeln!(
                text,
                "group witnesses {required}{members}\nquorum witnesses"
            ),
        };
        text
    }

    /// The cosignatures that count under a checkpoint.
    ///
    /// # Errors
    /// [`PolicyError::TooFew`], or one that is false.
    pub fn cosigned(&self, checkpoint: &Checkpoint) -> Result<Vec<Cosignature>, PolicyError> {
        let found = cosignatures(&checkpoint.note, &self.witnesses)?;
        if found.len() < self.required {
            return Err(PolicyError::TooFew {
                found: found.len(),
                of: self.witnesses.len(),
                required: self.required,
            });
        }
        Ok(found)
    }
}

/// A group of some of the known witnesses, each named once.
fn group(known: &[(&str, CosignerKey)], threshold: &str, members: &[&str]) -> Option<Policy> {
    let key = |name: &&str| known.iter().find(|(known, _)| known == name);
    let witnesses = members.iter().map(key).map(|found| Some(found?.1.clone()));
    let witnesses: Vec<_> = witnesses.collect::<Option<_>>()?;
    let required = match threshold {
        "all" => witnesses.len(),
        "any" => 1,
        number => number.parse().ok()?,
    };
    let possible = (1..=witnesses.len()).contains(&required);
    possible.then_some(Policy {
        witnesses,
        required,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cosigner, Key};

    fn witness(number: u8) -> Cosigner {
        Cosigner::from_seed(&format!("w{number}.example"), [number; 32]).unwrap()
    }

    #[test]
    fn a_policy_is_read_back() {
        let log = Key::from_seed("log.example", [9; 32]).unwrap();
        let witnesses: Vec<_> = (1..=3).map(|n| witness(n).key().clone()).collect();
        for required in 0..=3 {
            let policy = Policy {
                witnesses: witnesses.clone(),
                required,
            };
            assert_eq!(Policy::read(&policy.to_text(log.verifier())), Ok(policy));
        }
        let [first, second, _] = witnesses.as_slice() else {
            panic!("three")
        };
        let one = format!("# ours\n\twitness A {first} https://w.example/\n\nquorum A\n");
        assert_eq!(Policy::read(&one).unwrap().required, 1);
        let any = format!("witness A {first}\nwitness B {second}\ngroup g any A B\nquorum g\n");
        assert_eq!(Policy::read(&any).unwrap().required, 1);
        for (wrong, error) in [
            (format!("witness A {first}\n"), PolicyError::Quorum),
            (
                format!("witness A {first}\nquorum B\n"),
                PolicyError::Quorum,
            ),
            ("quorum none\nsurprise\n".to_owned(), PolicyError::Line(2)),
            (
                format!("witness A {first}\ngroup g 2 A\nquorum g\n"),
                PolicyError::Line(2),
            ),
            (
                format!("witness A {first}\nwitness B {first}\ngroup g all A B\nquorum g\n"),
                PolicyError::Twice("w1.example".to_owned()),
            ),
        ] {
            assert_eq!(Policy::read(&wrong), Err(error), "{wrong}");
        }
    }
}
