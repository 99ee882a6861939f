//! The key file on a disk that breaks: no record is ever without its key, and what was
//! erased stays so.
//!
//! A seed is a history of erasures, each ended by a fault or in peace. 2000 are lived in
//! the tests, as many as one likes with `cargo xtask faults`; and some with the key kept by
//! a token, whose own memory no fault of the disk touches.

use std::{env, ops::Range, path::Path};

use super::{
    disk::{Chance, Disk, Fault, Lie},
    soft::in_own_process,
    token,
};
use crate::{
    KeyToken,
    vault::{Drawn, Vault, VaultError},
};

/// Where the key file lies on the simulated disk.
const PATH: &str = "/vault.key";

#[test]
fn keys_survive_whatever_the_disk_does() {
    let failed = lived(seeds(2000), None, None);
    assert!(failed.is_empty(), "{failed:#?}");
}

/// As many as the environment says, or so many.
fn seeds(usual: u64) -> Range<u64> {
    let number = |name: &str, usual: u64| {
        env::var(name).map_or(usual, |number| number.parse().expect("a number"))
    };
    let first = number("COMITY_FIRST_SEED", 0);
    first..first + number("COMITY_SEEDS", usual)
}

/// That it is the flushes that do it, and that these histories would tell.
#[test]
fn without_flushes_they_would_not() {
    for lie in [Lie::Folders, Lie::Files] {
        let failed = lived(0..300, Some(lie), None);
        assert!(failed.len() > 3, "{lie:?}: {failed:#?}");
    }
}

/// And the token has the keys that the file names, and no others.
#[test]
fn keys_on_a_token_survive_it_and_none_is_forgotten_there() {
    let test = "tests::simulated::keys_on_a_token_survive_it_and_none_is_forgotten_there";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    // A token takes its time.
    let Range { start, end } = seeds(2000);
    let few = start..start + (end - start).div_ceil(10);
    let failed = lived(few, None, Some(&token::token(&soft)));
    assert!(failed.is_empty(), "{failed:#?}");
}

fn lived(seeds: Range<u64>, lie: Option<Lie>, token: Option<&KeyToken>) -> Vec<(u64, String)> {
    let live = |seed| History::new(seed, lie, token).live().err();
    let failed = seeds.filter_map(|seed| Some((seed, live(seed)?)));
    failed.collect()
}

/// The history of a key file, and of the database whose records hang on it.
struct History<'a> {
    disk: Disk,
    /// Keeps the key, where one does.
    token: Option<&'a KeyToken>,
    chance: Chance,
    /// The wrapped key of a record that must always open.
    kept: Option<Vec<u8>>,
    /// Keys as they were wrapped before an erasure that was said to be done.
    erased: Vec<Vec<u8>>,
    /// What the key file held then.
    gone: Vec<Vec<u8>>,
}

impl<'a> History<'a> {
    fn new(seed: u64, lie: Option<Lie>, token: Option<&'a KeyToken>) -> Self {
        Self {
            disk: Disk::new(seed, lie),
            token,
            chance: Chance(!seed),
            kept: None,
            erased: Vec::new(),
            gone: Vec::new(),
        }
    }

    fn live(mut self) -> Result<(), String> {
        let disk = self.disk.clone();
        disk.under(|| {
            for _ in 0..2 + self.chance.below(5) {
                let fault = [Fault::Error, Fault::Full, Fault::Power][self.chance.below(3)];
                self.disk.plan(self.chance.below(40), fault);
                // Errors of the disk end a life, and nothing else does.
                match self.life() {
                    Ok(()) | Err(VaultError::File { .. }) => {}
                    Err(error) => return Err(format!("refused to go on: {error:?}")),
                }
                self.disk.mend();
                // The process may die without the power going.
                if self.disk.is_off() || self.chance.once_in(2) {
                    self.disk.crash();
                }
                self.at_rest()?;
            }
            self.life()
                .map_err(|error| format!("on a whole disk: {error:?}"))?;
            self.at_rest()?;
            self.token.map_or(Ok(()), on_token)
        })
    }

    /// Opens the vault as the store does, and erases a few times.
    fn life(&mut self) -> Result<(), VaultError> {
        let vault = Vault::open(Path::new(PATH).to_owned(), self.token, self.kept.is_none())?;
        vault.settle()?;
        if let (Some(kept), Some([older, newer])) = (&self.kept, vault.unfinished()) {
            let under_newer = kept.starts_with(&newer.to_be_bytes());
            vault.end_next(if under_newer { newer } else { older })?;
        }
        vault.sweep()?;
        if self.kept.is_none() {
            self.kept = Some(vault.wrap(&Drawn::draw()?.key)?);
        }
        for _ in 0..self.chance.below(3) {
            self.erase(&vault)?;
        }
        Ok(())
    }

    /// Wraps the record's key anew, as the store does when another record is erased.
    fn erase(&mut self, vault: &Vault) -> Result<(), VaultError> {
        let before = super::disk::read_to_string(Path::new(PATH));
        if vault.unfinished().is_none() {
            vault.begin_next()?;
        }
        let old = self.kept.clone().ok_or(VaultError::Randomness)?;
        let key = vault.unwrap(&old).ok_or(VaultError::Randomness)?;
        // The database commits, or the process dies before.
        if self.chance.once_in(4) {
            return Ok(());
        }
        self.kept = Some(vault.wrap(&key)?);
        if let Some([_, newer]) = vault.unfinished() {
            vault.end_next(newer)?;
            self.erased.push(old);
            self.gone.extend(before.map(String::into_bytes));
        }
        Ok(())
    }

    fn at_rest(&self) -> Result<(), String> {
        let Some(kept) = &self.kept else {
            return Ok(());
        };
        let vault = Vault::open(Path::new(PATH).to_owned(), self.token, false);
        let vault = vault.map_err(|error| format!("{error:?}"))?;
        if vault.unwrap(kept).is_none() {
            return Err("a record has lost its key".to_owned());
        }
        if self.erased.iter().any(|old| vault.unwrap(old).is_some()) {
            return Err("a record that was erased opens".to_owned());
        }
        let left = self.disk.contents();
        let first = |file: &Vec<u8>| file.split(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
        let found = self.gone.iter().filter_map(first).any(|secret| {
            let holds = |file: &Vec<u8>| file.windows(secret.len()).any(|part| part == secret);
            left.iter().any(holds)
        });
        if found {
            return Err("a destroyed key is on the disk".to_owned());
        }
        Ok(())
    }
}

/// The token has the keys that the file names; then none, for the next history.
fn on_token(token: &KeyToken) -> Result<(), String> {
    let file = super::disk::read_to_string(Path::new(PATH)).unwrap();
    let (there, named) = (token.keys(), token::named(&file));
    if there != named {
        return Err(format!("the token has {there:?}, the file names {named:?}"));
    }
    token.destroy(&token::ids(&file)).unwrap();
    Ok(())
}
