//! What lies in a database beside the rows.

use std::path::Path;

use rusqlite::Connection;

use super::{key, of_version, open, run, submission, try_open};
use crate::{Archive, OpenError, Period, shape as of_store, verify};

fn filled(dir: &Path) {
    let store = open(dir);
    run(store.commit(submission(1))).unwrap();
    run(store.close());
}

fn change(dir: &Path, sql: &str) {
    let db = Connection::open(dir.join("comity.db")).unwrap();
    db.pragma_update(None, "foreign_keys", false).unwrap();
    db.execute_batch(sql).unwrap();
}

/// Replaces in the text of a table, as an editor of the file does.
fn rewritten(table: &str, from: &str, to: &str) -> String {
    format!(
        "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') \
         WHERE name = '{table}'; PRAGMA writable_schema = OFF"
    )
}

#[test]
fn what_would_change_what_statements_do_is_found_and_not_opened() {
    let planted = [
        (
            "CREATE TRIGGER gone AFTER INSERT ON job BEGIN DELETE FROM job; END".to_owned(),
            "it has the trigger `gone`, which is none of the store's",
        ),
        (
            "CREATE VIEW shown AS SELECT * FROM cases".to_owned(),
            "it has the view `shown`, which is none of the store's",
        ),
        (
            "CREATE TABLE kept (a)".to_owned(),
            "it has the table `kept`, which is none of the store's",
        ),
        (
            "CREATE UNIQUE INDEX one_each ON job (case_id)".to_owned(),
            "it has the index `one_each`, which is none of the store's",
        ),
        (
            "DROP INDEX job_ready".to_owned(),
            "its index `job_ready` is missing",
        ),
        (
            "DROP TABLE signed".to_owned(),
            "its table `signed` is missing",
        ),
        (
            rewritten(
                "cases",
                "id TEXT NOT NULL UNIQUE",
                "id TEXT NOT NULL UNIQUE ON CONFLICT IGNORE",
            ),
            "its table `cases` is not as the store makes it",
        ),
        (
            "DROP INDEX job_case; CREATE INDEX job_case ON job (case_id DESC)".to_owned(),
            "its index `job_case` is not as the store makes it",
        ),
    ];
    for (sql, expected) in planted {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        change(dir.path(), &sql);
        let flaw = verify(dir.path(), Some(key().verifier())).unwrap_err();
        assert_eq!((&*flaw.file, &*flaw.what), ("comity.db", expected));
        assert!(flaw.meaning.contains("restore it from a copy"), "{flaw}");
        let read = Archive::open(dir.path(), None, Period::default()).err();
        for refused in [try_open(dir.path()).err(), read] {
            let refused = refused.unwrap();
            assert!(
                matches!(&refused, OpenError::Strange(what) if what == expected),
                "{refused}"
            );
        }
    }
}

/// They are made of those of today, which must not change them.
#[test]
fn the_tables_of_versions_before_are_what_they_were() {
    insta::assert_snapshot!(of_store::tables_before().replace("; ", ";\n"));
}

#[test]
fn what_versions_before_made_and_what_sqlite_keeps_by_itself_is_none_of_it() {
    for version in [4, 5, 6] {
        let dir = tempfile::tempdir().unwrap();
        filled(dir.path());
        if version < 6 {
            change(dir.path(), &of_version(version));
        }
        change(dir.path(), "ANALYZE");
        verify(dir.path(), Some(key().verifier())).unwrap();
        Archive::open(dir.path(), None, Period::default()).unwrap();
        // Brought up to this version, or opened as it is.
        run(open(dir.path()).close());
        verify(dir.path(), Some(key().verifier())).unwrap();
        run(open(dir.path()).close());
    }
}
