//! Whatever is changed behind the store's back, verification finds it.

use std::path::Path;

use comity_domain::CaseState;
use comity_ledger::{Fields, Leaf, TakeApart};
use rusqlite::{Connection, types::Value};
use tempfile::TempDir;

use super::{copy, entry, key, open, quiet, run, step, submission};
use crate::{Options, Reading, Store, Transaction, verify, verify_watched};

/// Columns that change by themselves, or help to find what they do not say, and that no
/// entry fixes.
const TRANSIENT: [(&str, &str); 5] = [
    ("cases", "owes"),
    ("job", "ready_at"),
    ("job", "fence"),
    ("job", "attempts"),
    ("job", "note"),
];

/// No evidence and committed to by nothing: what the blind index names is confirmed, and
/// the store makes it again as it opens; what `signed` names has to be there.
const INDEX: [&str; 3] = ["blind", "blind_state", "signed"];

/// A closed store with a bit of everything, all published.
fn store() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for n in 1..=3 {
            store.commit(submission(n)).await.unwrap();
        }
        store
            .commit(step(2, 1, CaseState::Delivering))
            .await
            .unwrap();
        let start = Transaction {
            entries: vec![entry("start")],
            ..Transaction::default()
        };
        store.commit(start).await.unwrap();
        store.close().await;
    });
    verify(dir.path(), Some(key().verifier())).unwrap();
    dir
}

/// One field for each byte, or one for all.
fn by_byte(_: &Leaf, record: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    for byte in record {
        each("byte", &[*byte]);
    }
}

fn whole(_: &Leaf, record: &[u8], each: &mut dyn FnMut(&str, &[u8])) {
    each("all", record);
}

#[test]
fn fields_that_are_not_those_of_the_record_are_found() {
    let dir = store();
    let verify = |by: TakeApart| {
        verify_watched(
            (dir.path(), None),
            (
                None,
                Reading {
                    fields: Some(by),
                    ..Reading::default()
                },
            ),
            &mut |_, _| {},
        )
    };
    // Of entries that commit to none, nothing is asked.
    verify(by_byte).unwrap();
    let options = Options {
        fields: Some(by_byte),
        ..quiet()
    };
    let store = Store::open(dir.path(), key(), &options).unwrap();
    run(async {
        store.commit(submission(4)).await.unwrap();
        store.close().await;
    });
    verify(by_byte).unwrap();
    let flaw = verify(whole).unwrap_err();
    assert!(
        flaw.to_string()
            .contains("the fields that the entry commits to"),
        "{flaw}"
    );
    // They are under the secret salt, which is not beside them.
    let db = outside(dir.path());
    let sql = "SELECT leaf, salt FROM entry ORDER BY idx DESC LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?));
    let (leaf, salt): (Vec<u8>, [u8; 32]) = db.query_row(sql, [], read).unwrap();
    let (leaf, _) = Leaf::read(&leaf).unwrap();
    let record = submission(4).entries.pop().unwrap().record;
    assert!(leaf.has_fields() && !record.is_empty());
    assert!(!leaf.binds_fields(&Fields::of(by_byte, &leaf, &record, &salt)));
}

fn outside(dir: &Path) -> Connection {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db
}

fn names(db: &Connection, sql: &str) -> Vec<String> {
    let mut select = db.prepare(sql).unwrap();
    let names = select.query_map([], |row| row.get(0)).unwrap();
    names.map(Result::unwrap).collect()
}

/// A copy of the store, with `tamper` done to its database.
fn flaw_after(whole: &Path, tamper: impl FnOnce(&Connection) -> bool) -> Option<String> {
    let copy = copy(whole);
    let db = outside(copy.path());
    if !tamper(&db) {
        return None;
    }
    drop(db);
    let flaw = verify(copy.path(), Some(key().verifier()));
    Some(flaw.expect_err("tampering was not found").to_string())
}

/// A value of the same type that differs in as little as possible.
fn altered(value: &Value) -> Value {
    match value {
        Value::Null => Value::Text("x".into()),
        Value::Integer(n) => Value::Integer(n + 1),
        Value::Real(n) => Value::Real(n + 1.0),
        Value::Text(text) => Value::Text(format!("{text}x")),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            if let Some(last) = bytes.last_mut() {
                *last ^= 1;
            }
            Value::Blob(bytes)
        }
    }
}

#[test]
fn a_change_to_any_column_of_any_table_is_found() {
    let whole = store();
    let db = outside(whole.path());
    let tables = names(&db, "SELECT name FROM sqlite_schema WHERE type = 'table'");
    let mut changes = 0;
    for table in tables
        .iter()
        .filter(|table| !INDEX.contains(&table.as_str()))
    {
        let sql = format!("SELECT name FROM pragma_table_info('{table}')");
        for column in names(&db, &sql) {
            if TRANSIENT.contains(&(table.as_str(), column.as_str())) {
                continue;
            }
            for place in [0, 1] {
                let found = flaw_after(whole.path(), |db| alter(db, table, &column, place));
                changes += usize::from(found.is_some());
            }
        }
    }
    assert!(changes > 60, "only {changes} changes were made");
}

/// Changes one column of the row at `place`; false if there is no such row.
fn alter(db: &Connection, table: &str, column: &str, place: u32) -> bool {
    let select = format!("SELECT {column} FROM {table} LIMIT 1 OFFSET {place}");
    let Ok(value) = db.query_row(&select, [], |row| row.get::<_, Value>(0)) else {
        return false;
    };
    // The first column of each table is part of its primary key.
    let key = names(
        db,
        &format!("SELECT group_concat(name) FROM pragma_table_info('{table}') WHERE pk > 0"),
    );
    let update = format!(
        "UPDATE {table} SET {column} = ?1 WHERE ({key}) IN (SELECT {key} FROM {table} LIMIT 1 OFFSET {place})",
        key = key[0]
    );
    // Some changes the database itself forbids, such as a key that is taken.
    db.execute(&update, [altered(&value)])
        .is_ok_and(|changed| changed == 1)
}

#[test]
fn a_missing_row_is_found() {
    let whole = store();
    for table in ["entry", "cases", "request_key"] {
        for end in ["ASC", "DESC"] {
            let key = if table == "request_key" {
                "idx"
            } else {
                "rowid"
            };
            let sql = format!(
                "DELETE FROM {table} WHERE {key} = \
                 (SELECT {key} FROM {table} ORDER BY {key} {end} LIMIT 1)"
            );
            let found = flaw_after(whole.path(), |db| db.execute(&sql, []).unwrap() == 1);
            assert!(found.is_some(), "{table} {end}");
        }
    }
}

#[test]
fn flaws_name_their_place() {
    let whole = store();
    let check = |sql: &str, expected: &str| {
        let flaw = flaw_after(whole.path(), |db| db.execute(sql, []).unwrap() == 1);
        assert_eq!(flaw.unwrap(), expected);
    };
    check(
        "UPDATE entry SET outcome = 'REFUSED' WHERE idx = 2",
        "`comity.db` (entry 2): column `outcome` of table `entry` differs from what the entry \
         says; the database was changed outside the gateway",
    );
    check(
        "UPDATE entry SET sealed = (SELECT sealed FROM entry WHERE idx = 0) WHERE idx = 1",
        "`comity.db` (entry 1): its record does not open with the key that is kept for it; the \
         database was changed outside the gateway",
    );
    check(
        "UPDATE entry SET key = NULL, sealed = NULL WHERE idx = 1",
        "`comity.db` (entry 1): its record is gone, and no later entry says that it was \
         erased; the database was changed outside the gateway",
    );
    check(
        "UPDATE cases SET state = 'CONCLUDED' WHERE opened = 0",
        "`comity.db` (entry 0): table `cases`, case 00000000-0000-4000-8000-000000000001: column \
         `state` is not what its events say; the database was changed outside the gateway",
    );
}

#[test]
fn a_checkpoint_that_was_signed_is_missed() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path());
    run(async {
        for n in 1..=3 {
            store.commit(submission(n)).await.unwrap();
            store.publish().await.unwrap();
        }
        store.close().await;
    });
    for size in 1..=3 {
        let folder = copy(dir.path());
        let path = format!("ledger/checkpoints/{size}");
        std::fs::remove_file(folder.path().join(&path)).unwrap();
        let flaw = verify(folder.path(), Some(key().verifier())).unwrap_err();
        assert_eq!(
            (flaw.file, flaw.what),
            (path, "is missing, and was signed".to_owned())
        );
    }
}

#[test]
fn a_key_file_that_opens_nothing_is_at_fault_itself() {
    let dir = store();
    let file = dir.path().join("vault.key");
    let text = std::fs::read_to_string(&file).unwrap();
    // A digit of the secret.
    let mut changed = text.trim_end().to_owned();
    let other = if changed.pop() == Some('0') { '1' } else { '0' };
    changed.push(other);
    std::fs::write(&file, changed).unwrap();
    let flaw = verify(dir.path(), None).unwrap_err().to_string();
    assert!(
        flaw.starts_with("`vault.key`: opens none of the records: ")
            && flaw.contains(
                "; it is not the key under which the records were written, or it was changed; "
            ),
        "{flaw}"
    );
}

#[test]
fn an_entry_rewritten_with_all_that_follows_from_it_is_found() {
    let whole = store();
    let flaw = flaw_after(whole.path(), |db| {
        let leaf: Vec<u8> = db
            .query_row("SELECT leaf FROM entry WHERE idx = 4", [], |row| row.get(0))
            .unwrap();
        let leaf = String::from_utf8(leaf).unwrap().replace("start", "pause");
        let sql = "UPDATE entry SET leaf = ?1, kind = 'pause' WHERE idx = 4";
        db.execute(sql, [leaf.into_bytes()]).unwrap() == 1
    });
    assert_eq!(
        flaw.unwrap(),
        "`comity.db` (entry 4): column `leaf` is not the entry published and signed; the \
         database and the signed ledger tell different stories"
    );
}

#[test]
fn another_key_is_not_believed() {
    let whole = store();
    let other = comity_ledger::Key::from_seed("gateway.example/log", [4; 32]).unwrap();
    let flaw = verify(whole.path(), Some(other.verifier())).unwrap_err();
    assert_eq!(flaw.file, "ledger/verifier");
}
