//! What a database holds beside its rows, as this store and those before made it.
//!
//! A trigger, a view or a constraint that somebody else put there changes what statements
//! do, and no row tells of it. So tables and indexes are compared, text by text, with those
//! that the same statements make in an empty database.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::{
    prune,
    schema::{self, INDEX, QUEUES, SIGNED, TABLES},
};

/// What the versions before the last had otherwise in [`TABLES`].
const BEFORE: [(&str, &str); 3] = [
    (", owes INTEGER NOT NULL DEFAULT 1", ""),
    (
        "ready_at INTEGER NOT NULL,",
        "due_at INTEGER NOT NULL, leased_until INTEGER NOT NULL DEFAULT 0,",
    ),
    (
        "CREATE INDEX job_ready ON job (target, urgency, ready_at)",
        "CREATE INDEX job_order ON job (urgency DESC, id)",
    ),
];

/// An index that some databases of versions before lack, or have by other columns, also
/// since they were brought up to this one.
const EMERGENCIES: &str = "DROP INDEX IF EXISTS cases_emergency; \
     CREATE INDEX cases_emergency ON cases (opened) WHERE urgency = 2;";
const MAY_LACK: &str = "cases_emergency";

/// The table that versions before did not have.
const ADDED: &str = "signed";

/// Tables and indexes by kind and name, each by its text.
type Objects = BTreeMap<(String, String), String>;

/// What a database that [`schema::is_readable`] holds and the store did not make, or has of
/// it no more; `None` where it is as it was made.
pub(crate) fn strange(db: &Connection) -> rusqlite::Result<Option<String>> {
    let made = made(db)?;
    let found = objects(db)?;
    for ((kind, name), text) in &found {
        let key = (kind.clone(), name.clone());
        let mut known = made.iter().filter_map(|made| made.get(&key)).peekable();
        if known.peek().is_none() {
            return Ok(Some(format!(
                "it has the {kind} `{name}`, which is none of the store's"
            )));
        }
        if !known.any(|known| known == text) {
            return Ok(Some(format!(
                "its {kind} `{name}` is not as the store makes it"
            )));
        }
    }
    let ours = schema::is_ours(db)?;
    let needed = made.first().into_iter().flat_map(BTreeMap::keys);
    let mut lacking = needed.filter(|key| !found.contains_key(key));
    let lacking = lacking.find(|(_, name)| name != MAY_LACK && (ours || name != ADDED));
    Ok(lacking.map(|(kind, name)| format!("its {kind} `{name}` is missing")))
}

/// What it may hold: by each way in which databases of its version came to be.
fn made(db: &Connection) -> rusqlite::Result<Vec<Objects>> {
    let before = tables_before();
    let ways: Vec<Vec<&str>> = match (schema::is_ours(db)?, schema::is_indexed(db)?) {
        (true, _) => vec![vec![TABLES, INDEX], vec![&before, INDEX, QUEUES]],
        (false, true) => vec![vec![&before, INDEX]],
        (false, false) => vec![vec![&before]],
    };
    let mut made = Vec::new();
    for way in ways {
        let empty = Connection::open_in_memory()?;
        empty.execute_batch(&way.join(" "))?;
        empty.execute_batch(SIGNED)?;
        made.push(objects(&empty)?);
        // One that a pruning makes.
        empty.execute_batch(&prune::index())?;
        empty.execute_batch(EMERGENCIES)?;
        made.push(objects(&empty)?);
    }
    // That of the version without an index had this one, or none.
    if !schema::is_indexed(db)? {
        let empty = Connection::open_in_memory()?;
        empty.execute_batch(&before)?;
        empty.execute_batch(
            "CREATE INDEX cases_emergency ON cases (owner, opened) WHERE urgency = 2",
        )?;
        made.push(objects(&empty)?);
    }
    Ok(made)
}

/// The tables of the versions before the last, without remarks.
pub(crate) fn tables_before() -> String {
    let tables = plain(TABLES);
    let replaced = |tables: String, (now, before): (&str, &str)| tables.replace(now, before);
    BEFORE.into_iter().fold(tables, replaced)
}

/// All but what SQLite keeps by itself: statistics, and the indexes that a table's text
/// asks for, which have no text.
fn objects(db: &Connection) -> rusqlite::Result<Objects> {
    let mut select = db.prepare(
        "SELECT type, name, sql FROM sqlite_schema \
         WHERE NOT (type = 'table' AND name GLOB 'sqlite_stat[1-4]') \
         AND NOT (type = 'index' AND sql IS NULL)",
    )?;
    let rows = select.query_map([], |row| {
        let text: Option<String> = row.get(2)?;
        Ok(((row.get(0)?, row.get(1)?), plain(&text.unwrap_or_default())))
    })?;
    rows.collect()
}

/// The same statements without remarks, each word a blank from the next.
fn plain(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or_default());
    let words: Vec<_> = lines.flat_map(str::split_whitespace).collect();
    words.join(" ")
}
