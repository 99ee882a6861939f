//! The key-encryption key kept by a token: what an erasure destroys is destroyed in copies
//! of everything, and nothing that fails on the way loses a key or forgets one.

use std::{fs, path::Path};

use comity_domain::CaseState;
use comity_ledger::VerifierKey;

use super::{
    case_id, copy,
    erase::{erase, records, store_with},
    key, quiet, run,
    soft::{PIN, Soft, in_own_process},
    step,
};
use crate::{
    Archive, CommitError, Flaw, KeyToken, OpenError, Options, Period, Reading, Report, Store,
    prepare::told,
    token::KeyId,
    vault::{Drawn, Vault, VaultError},
    verify, verify_watched,
};

pub(super) fn token(soft: &Soft) -> KeyToken {
    KeyToken {
        module: soft.module.clone(),
        token: "comity".to_owned(),
        pin_file: soft.pin_file.clone(),
    }
}

fn kept_by(token: &KeyToken) -> Options {
    Options {
        token: Some(token.clone()),
        ..quiet()
    }
}

fn open(dir: &Path, token: &KeyToken) -> Result<Store, OpenError> {
    Store::open(dir, key(), &kept_by(token))
}

fn key_file(dir: &Path) -> String {
    fs::read_to_string(dir.join("vault.key")).unwrap()
}

fn verify_with(
    dir: &Path,
    key: Option<&VerifierKey>,
    token: Option<&KeyToken>,
) -> Result<Report, Flaw> {
    verify_watched((dir, token), (key, Reading::default()), &mut |_, _| {})
}

/// Generations and names of the keys that a file names as in use, as a token tells them.
pub(super) fn named(file: &str) -> Vec<String> {
    let lines = file.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let named = lines.filter_map(|line| match line.as_slice() {
        [number, "token", id, _] => Some(format!("comity {number} {id}")),
        _ => None,
    });
    named.collect()
}

/// The names of keys that a file wants gone.
fn doomed(file: &str) -> Vec<&str> {
    let lines = file.lines();
    lines
        .filter_map(|line| line.strip_prefix("gone "))
        .collect()
}

#[test]
fn records_open_through_the_token_only() {
    let Some(soft) = in_own_process("tests::token::records_open_through_the_token_only") else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    run(store_with(dir.path(), &kept_by(&token)).close());
    let file = key_file(dir.path());
    assert_eq!(file.lines().count(), 1, "{file}");
    assert_eq!((named(&file), named(&file).len()), (token.keys(), 1));
    let again = open(dir.path(), &token).unwrap();
    assert_eq!(records(&again, 3), [b"Erika Muster 3".to_vec()]);
    // What reads the past of an open store does not ask the token.
    soft.take_away(true);
    let mut past = again.archive(Period::default()).unwrap();
    assert_eq!(past.entries_of(&case_id(3)).unwrap().len(), 1);
    assert!(past.again(Period::default()).is_ok());
    soft.take_away(false);
    run(again.close());
    let opened = |token| verify_with(dir.path(), None, token).unwrap().opened;
    assert!(opened(Some(&token)) && !opened(None));
    let unnamed = Archive::open(dir.path(), None, Period::default());
    let unnamed = told(&unnamed.unwrap_err());
    let Err(error) = Store::open(dir.path(), key(), &quiet()) else {
        panic!("nothing opens without the token");
    };
    assert_eq!(told(&error), unnamed);
    assert!(unnamed.contains("`[keys]`"), "{unnamed}");
    // Bound to its generation and its key.
    fs::write(dir.path().join("vault.key"), file.replacen('1', "2", 1)).unwrap();
    let changed = told(&open(dir.path(), &token).unwrap_err());
    assert!(changed.contains("was changed"), "{changed}");
}

#[test]
fn a_copy_from_the_midst_of_a_move_opens_and_takes_no_key_from_the_original() {
    let test =
        "tests::token::a_copy_from_the_midst_of_a_move_opens_and_takes_no_key_from_the_original";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    run(store_with(dir.path(), &quiet()).close());
    let path = dir.path().join("vault.key");
    let vault = Vault::open(path, Some(&token), false).unwrap();
    vault.begin_next().unwrap();
    drop(vault);
    let midst = copy(dir.path());
    assert_eq!(key_file(midst.path()).lines().count(), 2);
    run(open(dir.path(), &token).unwrap().close());
    for folder in [midst.path(), dir.path()] {
        let store = open(folder, &token).unwrap();
        assert_eq!(records(&store, 3), [b"Erika Muster 3".to_vec()]);
        run(store.close());
        let file = key_file(folder);
        assert_eq!((named(&file), file.lines().count()), (token.keys(), 1));
    }
}

#[test]
fn what_was_erased_opens_from_no_copy_of_anything() {
    let test = "tests::token::what_was_erased_opens_from_no_copy_of_anything";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    let store = store_with(dir.path(), &kept_by(&token));
    run(store.publish()).unwrap();
    // Of everything: the database and the key file of its time.
    let backup = copy(dir.path());
    let then = verify_with(backup.path(), Some(key().verifier()), Some(&token)).unwrap();
    assert_eq!((then.opened, then.erased), (true, 0));
    run(erase(&store, 1)).unwrap();
    assert_eq!(token.keys(), named(&key_file(dir.path())));
    assert_eq!(doomed(&key_file(dir.path())).len(), 1);
    run(store.close());

    let error = open(backup.path(), &token).unwrap_err();
    assert!(matches!(error, OpenError::Vault(VaultError::Token(_))));
    let archive = Archive::open(backup.path(), Some(&token), Period::default());
    assert_eq!(told(&archive.unwrap_err()), told(&error));
    let flaw = verify_with(backup.path(), None, Some(&token)).unwrap_err();
    assert!(flaw.to_string().contains("an erasure has destroyed it"));
    // Its proofs hold all the same.
    let sealed = verify(backup.path(), Some(key().verifier())).unwrap();
    assert_eq!((sealed.opened, sealed.entries), (false, then.entries));
    // Nor does the key that is left open what hung on the old one.
    let left = copy(dir.path());
    fs::copy(
        backup.path().join("comity.db"),
        left.path().join("comity.db"),
    )
    .unwrap();
    let flaw = verify_with(left.path(), None, Some(&token)).unwrap_err();
    assert!(
        flaw.to_string().contains("opens none of the records"),
        "{flaw}"
    );

    let again = open(dir.path(), &token).unwrap();
    assert_eq!(records(&again, 1), Vec::<Vec<u8>>::new());
    assert_eq!(records(&again, 2).len(), 2);
    run(again.close());
    assert_eq!(
        verify_with(dir.path(), None, Some(&token)).unwrap().erased,
        2
    );
    // The old key file alone, put back, opens nothing and is left alone.
    fs::copy(
        backup.path().join("vault.key"),
        dir.path().join("vault.key"),
    )
    .unwrap();
    let keys = token.keys();
    let refused = told(&open(dir.path(), &token).unwrap_err());
    assert!(
        refused.contains("restore the whole data folder"),
        "{refused}"
    );
    assert_eq!(token.keys(), keys);
}

#[test]
fn without_the_token_nothing_is_erased_and_later_it_is() {
    let test = "tests::token::without_the_token_nothing_is_erased_and_later_it_is";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    let store = store_with(dir.path(), &kept_by(&token));
    let before = key_file(dir.path());
    soft.take_away(true);
    let refused = run(erase(&store, 1)).unwrap_err();
    assert!(matches!(refused, CommitError::Keys(_)), "{refused:?}");
    assert_eq!(records(&store, 1).len(), 2, "nothing is erased");
    // Records do not wait for the token.
    run(store.commit(step(3, 1, CaseState::Concluded))).unwrap();
    soft.take_away(false);
    assert_eq!(token.keys(), named(&before));
    // The same store erases once the token is back.
    run(erase(&store, 1)).unwrap();
    assert_eq!(token.keys(), named(&key_file(dir.path())));

    // The token goes between making the next key and destroying the old one.
    store.inner.vault.begin_next().unwrap();
    soft.take_away(true);
    let refused = run(erase(&store, 2)).unwrap_err();
    let CommitError::OldKey(why) = &refused else {
        panic!("{refused:?}");
    };
    assert!(why.contains("knows no token `comity`"), "{why}");
    assert_eq!(records(&store, 2), Vec::<Vec<u8>>::new());
    soft.take_away(false);
    assert_eq!(token.keys().len(), 2);
    run(store.close());
    run(open(dir.path(), &token).unwrap().close());
    assert_eq!(token.keys(), named(&key_file(dir.path())));
    assert_eq!(
        verify_with(dir.path(), None, Some(&token)).unwrap().erased,
        4
    );
}

#[test]
fn an_erasure_cut_short_between_its_steps_leaves_no_key_behind() {
    let test = "tests::token::an_erasure_cut_short_between_its_steps_leaves_no_key_behind";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    run(store_with(dir.path(), &kept_by(&token)).close());
    let path = dir.path().join("vault.key");
    let before = key_file(dir.path());
    let vault = || Vault::open(path.clone(), Some(&token), false).unwrap();
    let reopened = || {
        let store = open(dir.path(), &token).unwrap();
        assert_eq!(records(&store, 3), [b"Erika Muster 3".to_vec()]);
        run(store.close());
        assert_eq!(token.keys(), named(&key_file(dir.path())));
        named(&key_file(dir.path()))
    };

    // The key is named, and not made.
    fs::write(&path, format!("{before}gone {}\n", "ab".repeat(16))).unwrap();
    assert_eq!(reopened(), named(&before));
    // It is made, and the file does not yet have what it wraps.
    fs::write(&path, &before).unwrap();
    vault().begin_next().unwrap();
    let both = key_file(dir.path());
    let made = both.lines().nth(1).unwrap().split(' ').nth(2).unwrap();
    fs::write(&path, format!("{before}gone {made}\n")).unwrap();
    assert_eq!(token.keys().len(), 2);
    assert_eq!(reopened(), named(&before));
    // The file has both, and the database changed nothing.
    vault().begin_next().unwrap();
    assert_eq!(token.keys(), named(&key_file(dir.path())));
    assert_eq!(reopened(), named(&before));
    // The database has changed, and the file still has both.
    let store = open(dir.path(), &token).unwrap();
    store.inner.vault.begin_next().unwrap();
    let both = key_file(dir.path());
    soft.take_away(true);
    run(erase(&store, 1)).unwrap_err();
    soft.take_away(false);
    run(store.close());
    let after = key_file(dir.path());
    fs::write(&path, both).unwrap();
    assert_eq!(reopened(), named(&after));
    // The file has the new one alone, and the old one is not destroyed.
    let vault = vault();
    let key = vault.wrap(&Drawn::draw().unwrap().key).unwrap();
    vault.begin_next().unwrap();
    soft.take_away(true);
    let newest = vault.unfinished().unwrap()[0];
    assert!(matches!(vault.end_next(newest), Err(VaultError::Token(_))));
    soft.take_away(false);
    assert_eq!((token.keys().len(), vault.unfinished()), (2, None));
    assert_eq!(reopened(), named(&after));
    assert!(vault.unwrap(&key).is_some());
}

#[test]
fn a_key_in_plain_moves_onto_the_token() {
    let test = "tests::token::a_key_in_plain_moves_onto_the_token";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, token) = (tempfile::tempdir().unwrap(), token(&soft));
    run(store_with(dir.path(), &quiet()).close());
    let plain = key_file(dir.path());
    // Cut short after the token's key is there, and begun anew.
    let vault = Vault::open(dir.path().join("vault.key"), Some(&token), false).unwrap();
    vault.begin_next().unwrap();
    assert_eq!(key_file(dir.path()).lines().count(), 2);
    let cut = Store::open(dir.path(), key(), &quiet()).map(drop);
    assert!(told(&cut.unwrap_err()).contains("`[keys]`"));
    drop(vault);

    let moved = open(dir.path(), &token).unwrap();
    assert_eq!(records(&moved, 2).len(), 2);
    // As many values as before are to be indexed again, under a key of the token's.
    assert!(!run(moved.indexed()).unwrap().is_complete());
    run(moved.close());
    let file = key_file(dir.path());
    assert_eq!(token.keys(), named(&file));
    let secret = plain.trim().split(' ').nth(1).unwrap();
    assert!(!file.contains(secret), "{file}");
    // A copy of the file in plain opens nothing of the database as it is now.
    fs::write(dir.path().join("vault.key"), &plain).unwrap();
    let flaw = verify(dir.path(), None).unwrap_err();
    assert!(
        flaw.to_string().contains("opens none of the records"),
        "{flaw}"
    );
    fs::write(dir.path().join("vault.key"), &file).unwrap();
    run(open(dir.path(), &token).unwrap().close());
    assert_eq!(key_file(dir.path()), file, "it moves once");
}

#[test]
fn stores_that_share_a_token_leave_each_others_keys_alone() {
    let test = "tests::token::stores_that_share_a_token_leave_each_others_keys_alone";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let token = token(&soft);
    let [one, other] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let stores = [&one, &other].map(|dir| store_with(dir.path(), &kept_by(&token)));
    for case in 1..=2 {
        run(erase(&stores[0], case)).unwrap();
    }
    run(erase(&stores[1], 1)).unwrap();
    for store in stores {
        run(store.close());
    }
    let mut both = [named(&key_file(one.path())), named(&key_file(other.path()))].concat();
    both.sort();
    assert_eq!(token.keys(), both);
    for dir in [one, other] {
        let store = open(dir.path(), &token).unwrap();
        assert_eq!(records(&store, 3), [b"Erika Muster 3".to_vec()]);
        run(store.close());
    }
}

#[test]
fn what_is_wrong_with_a_token_is_told_and_its_pin_is_not() {
    let test = "tests::token::what_is_wrong_with_a_token_is_told_and_its_pin_is_not";
    let Some(soft) = in_own_process(test) else {
        return;
    };
    let (dir, right) = (tempfile::tempdir().unwrap(), token(&soft));
    run(store_with(dir.path(), &kept_by(&right)).close());
    let before = key_file(dir.path());
    let at = |name: &str| dir.path().join(name);
    fs::write(at("wrong"), "000000").unwrap();
    fs::write(at("empty"), "\n").unwrap();
    fs::write(at("no.so"), "no library").unwrap();
    let with_pin = |name| KeyToken {
        pin_file: at(name),
        ..right.clone()
    };
    let with_module = |module| KeyToken {
        module,
        ..right.clone()
    };
    let labelled = |label: &str| KeyToken {
        token: label.to_owned(),
        ..right.clone()
    };
    soft.add("twice");
    soft.add("twice");
    soft.add("another");
    let mut told_of = Vec::new();
    let mut tell = |what: &str, error: &OpenError| {
        told_of.push(format!("{what}:\n  {}", told(error).replace(": ", ":\n  ")));
    };
    for (what, token) in [
        ("a wrong PIN", with_pin("wrong")),
        ("no PIN", with_pin("empty")),
        ("no file with a PIN", with_pin("none")),
        ("no library", with_module(at("none.so"))),
        ("something else", with_module(at("no.so"))),
        ("a token that is not there", labelled("comity-2")),
        ("a label that two have", labelled("twice")),
        ("another token", labelled("another")),
    ] {
        tell(what, &open(dir.path(), &token).unwrap_err());
    }
    for (what, tokens, mechanisms) in [
        (
            "a token that cannot do it",
            soft.tokens(),
            "CKM_AES_KEY_GEN,CKM_AES_CBC",
        ),
        ("a library without its tokens", at("none"), "ALL"),
    ] {
        soft.configure(&tokens, mechanisms);
        tell(what, &open(dir.path(), &right).unwrap_err());
    }
    soft.configure(&soft.tokens(), "ALL");
    right.destroy(&ids(&before)).unwrap();
    tell("the key is gone", &open(dir.path(), &right).unwrap_err());
    assert_eq!(key_file(dir.path()), before, "nothing is changed");

    let all = told_of.join("\n");
    assert!(!all.contains(PIN) && !all.contains("000000"), "{all}");
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(&regex(dir.path()), "[folder]");
    settings.add_filter(&regex(&soft.module), "[module]");
    settings.add_filter("[0-9a-f]{32}", "[key]");
    settings.bind(|| insta::assert_snapshot!(all));
}

fn regex(path: &Path) -> String {
    path.to_str().unwrap().replace('.', r"\.")
}

/// The names of the keys that a file names as in use.
pub(super) fn ids(file: &str) -> Vec<KeyId> {
    let named = named(file).into_iter();
    let ids = named.map(|key| KeyId::read(key.rsplit(' ').next().unwrap()).unwrap());
    ids.collect()
}
