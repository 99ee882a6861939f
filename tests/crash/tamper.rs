//! A ledger that was tampered with says so, and where.

use std::{
    fs,
    path::{Path, PathBuf},
};

use comity_gateway::{config::Config, gateway, offline};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    client::{Client, approved_and_refused, request},
    world,
};

/// Requests of the ledger: a decision and a result each.
const REQUESTS: usize = 9;
/// What the ledger holds besides: the start.
const ENTRIES: u64 = 1 + 2 * REQUESTS as u64;
/// Columns by which the database holds an entry and its sealed record.
const COLUMNS: [&str; 4] = ["leaf", "salt", "key", "sealed"];

#[tokio::test(flavor = "multi_thread")]
async fn one_flipped_byte_anywhere_in_the_ledger_is_found_and_named() {
    let (_folder, world) = world().await;
    let listen = "127.0.0.1:0".parse().unwrap();
    let config = world.write_config(listen, Path::new("policies")).unwrap();
    let gateway = gateway::start(Config::load(&config).unwrap(), Timestamp::now);
    let gateway = gateway.await.unwrap();
    let [story, _] = approved_and_refused();
    let mut client = Client::of(&world, gateway.address(), &story).await;
    for number in 0..REQUESTS {
        let request = request(&story, &format!("tamper/{number}"));
        client.submit(&request, true).await;
    }
    drop(client);
    gateway.stop().await;

    let data = world.data();
    assert_eq!(offline::verify(&data, None).unwrap().entries, ENTRIES);
    let files = files(&data.join("ledger"));
    assert!(files.len() >= 4, "{files:?}");
    for file in files {
        flip_bytes(&data, &file);
    }
    for index in 0..ENTRIES {
        for column in COLUMNS {
            flip_column(&data, index, column);
        }
    }
    assert_eq!(offline::verify(&data, None).unwrap().entries, ENTRIES);
}

/// Flips the first, a middle and the last byte of a file in turn.
fn flip_bytes(data: &Path, file: &Path) {
    let whole = fs::read(file).unwrap();
    for at in [0, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(file, changed).unwrap();
        let flaw = offline::verify(data, None)
            .expect_err(&format!("{}: byte {at} counts for nothing", file.display()));
        assert!(flaw.file.starts_with("ledger/"), "{flaw}");
    }
    fs::write(file, whole).unwrap();
}

/// Flips a byte in the middle of a value in the row of an entry.
fn flip_column(data: &Path, index: u64, column: &str) {
    let db = Connection::open(data.join("comity.db")).unwrap();
    let index_sql = i64::try_from(index).unwrap();
    let select = format!("SELECT {column} FROM entry WHERE idx = ?");
    let value: Vec<u8> = db
        .query_row(&select, [index_sql], |row| row.get(0))
        .unwrap();
    let mut changed = value.clone();
    // The record of a start is empty; one byte more is as much of a change.
    let middle = changed.len() / 2;
    match changed.get_mut(middle) {
        Some(byte) => *byte ^= 1,
        None => changed.push(1),
    }
    let update = format!("UPDATE entry SET {column} = ?2 WHERE idx = ?1");
    db.execute(&update, (index_sql, changed)).unwrap();
    let found = offline::verify(data, None);
    db.execute(&update, (index_sql, value)).unwrap();
    let flaw = found.expect_err(&format!("entry {index}: `{column}` counts for nothing"));
    assert_eq!(
        (flaw.file.as_str(), flaw.entry),
        ("comity.db", Some(index)),
        "{flaw}"
    );
}

/// Every file under a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found
}
