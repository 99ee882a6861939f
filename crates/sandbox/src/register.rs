//! A national register: persons, accounts, subscribers, vehicles and case
//! files of one jurisdiction, made up from a seed and kept in SQLite.

mod country;
mod lookup;
mod seed;

use std::path::Path;

use rusqlite::{Connection, params};
use thiserror::Error;

pub use self::lookup::Found;
use self::{country::Country, seed::Dice};

/// Persons in a register.
const PERSONS: u32 = 300;
/// Persons in one case file: one suspect, one victim, one witness.
const FILE_ROLES: [&str; 3] = ["suspect", "victim", "witness"];

const TABLES: &str = "
    CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT NOT NULL, date_of_birth TEXT NOT NULL, address TEXT NOT NULL);
    CREATE INDEX person_name ON person (name);
    CREATE TABLE account (number TEXT PRIMARY KEY, person INTEGER NOT NULL, bank TEXT NOT NULL, opened TEXT NOT NULL);
    CREATE INDEX account_person ON account (person);
    CREATE TABLE movement (account TEXT NOT NULL, day TEXT NOT NULL, cents INTEGER NOT NULL, reference TEXT NOT NULL);
    CREATE INDEX movement_account ON movement (account);
    CREATE TABLE subscriber (value TEXT PRIMARY KEY, person INTEGER NOT NULL, provider TEXT NOT NULL, since TEXT NOT NULL);
    CREATE INDEX subscriber_person ON subscriber (person);
    CREATE TABLE connection (value TEXT NOT NULL, at TEXT NOT NULL, peer TEXT NOT NULL, seconds INTEGER NOT NULL);
    CREATE INDEX connection_value ON connection (value);
    CREATE TABLE item (value TEXT NOT NULL, at TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL);
    CREATE INDEX item_value ON item (value);
    CREATE TABLE vehicle (plate TEXT PRIMARY KEY, person INTEGER NOT NULL, make TEXT NOT NULL);
    CREATE TABLE file (number INTEGER NOT NULL, person INTEGER NOT NULL, role TEXT NOT NULL);
    CREATE INDEX file_person ON file (person);
    CREATE INDEX file_number ON file (number);
";

/// A register that cannot be used.
#[derive(Debug, Error)]
pub enum RegisterError {
    /// No data are made up for this jurisdiction.
    #[error("no register can be made up for `{0}`")]
    UnknownJurisdiction(String),
    /// The database refuses.
    #[error("the register's database cannot be used")]
    Database(#[from] rusqlite::Error),
}

/// Identifiers that a register knows, for requests that find something.
#[derive(Debug, Clone)]
pub struct Samples {
    /// Somebody with an account, a line, a vehicle and a case file as suspect.
    pub name: String,
    /// The person's account: IBAN where the country has them.
    pub account: String,
    /// The person's telephone number.
    pub phone: String,
    /// The person's mailbox.
    pub email: String,
    /// An address the person used.
    pub ip: String,
    /// The person's vehicle.
    pub plate: String,
}

/// See the module.
#[derive(Debug)]
pub struct Register {
    connection: Connection,
}

impl Register {
    /// Takes up the register at `path`, or makes it up on first use.
    ///
    /// # Errors
    /// [`RegisterError`] when the jurisdiction is unknown or the file unusable.
    pub fn open(path: &Path, jurisdiction: &str) -> Result<Self, RegisterError> {
        let made = path.exists();
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        Self::with(connection, jurisdiction, made)
    }

    /// A register that ends with the process.
    ///
    /// # Errors
    /// [`RegisterError`] when the jurisdiction is unknown.
    pub fn in_memory(jurisdiction: &str) -> Result<Self, RegisterError> {
        Self::with(Connection::open_in_memory()?, jurisdiction, false)
    }

    fn with(connection: Connection, code: &str, made: bool) -> Result<Self, RegisterError> {
        let country =
            Country::of(code).ok_or_else(|| RegisterError::UnknownJurisdiction(code.to_owned()))?;
        let mut register = Self { connection };
        if !made {
            register.make_up(country)?;
        }
        Ok(register)
    }

    /// The jurisdictions that registers can be made up for: those of the library.
    #[must_use]
    pub fn jurisdictions() -> Vec<&'static str> {
        Country::codes().collect()
    }

    /// The database, for what a backend keeps beside the register.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// What the register of a jurisdiction is sure to know.
    #[must_use]
    pub fn samples(jurisdiction: &str) -> Option<Samples> {
        let country = Country::of(jurisdiction)?;
        let person = Citizen::of(country, 0);
        Some(Samples {
            name: person.name,
            account: person.account,
            phone: person.phone,
            email: person.email,
            ip: person.ip,
            plate: person.plate,
        })
    }

    fn make_up(&mut self, country: &Country) -> Result<(), RegisterError> {
        let transaction = self.connection.transaction()?;
        transaction.execute_batch(TABLES)?;
        for n in 0..PERSONS {
            Citizen::of(country, n).insert(&transaction)?;
        }
        for file in 0..PERSONS / 3 {
            for (n, role) in (0..).zip(FILE_ROLES) {
                transaction.execute(
                    "INSERT INTO file VALUES (?, ?, ?)",
                    params![file + 1, file * 3 + n, role],
                )?;
            }
        }
        transaction.commit()?;
        Ok(())
    }
}

/// A made-up person with everything registered of them.
struct Citizen {
    id: u32,
    name: String,
    date_of_birth: String,
    address: String,
    account: String,
    bank: &'static str,
    phone: String,
    email: String,
    ip: String,
    plate: String,
    make: &'static str,
    dice: Dice,
}

impl Citizen {
    fn of(country: &Country, n: u32) -> Self {
        let mut dice = Dice::new(country.code, n);
        let given = dice.pick(country.given);
        let family = dice.pick(country.family);
        // A number tells namesakes apart, as mailboxes do.
        let mailbox = format!("{}.{}{n}", seed::ascii(given), seed::ascii(family));
        // Victims in the case files are often young.
        let year = if n % 3 == 1 {
            2008 + dice.below(6)
        } else {
            1950 + dice.below(55)
        };
        Self {
            id: n,
            name: format!("{given} {family}"),
            date_of_birth: format!("{year}-{:02}-{:02}", 1 + dice.below(12), 1 + dice.below(28)),
            address: format!(
                "{} {}, {}",
                dice.pick(country.streets),
                1 + dice.below(120),
                dice.pick(country.cities)
            ),
            account: country.account(&mut dice),
            bank: dice.pick(country.banks),
            phone: format!("{}{:03}", country.phone, n % 1000),
            email: format!("{mailbox}@{}.example", country.code.to_lowercase()),
            ip: format!("198.51.100.{}", n % 254 + 1),
            plate: country.plate(&mut dice, n),
            make: dice.pick(&["hatchback", "estate", "van", "motorcycle"]),
            dice,
        }
    }

    fn insert(mut self, database: &Connection) -> Result<(), rusqlite::Error> {
        database
            .prepare_cached("INSERT INTO person VALUES (?, ?, ?, ?)")?
            .execute(params![
                self.id,
                self.name,
                self.date_of_birth,
                self.address
            ])?;
        database
            .prepare_cached("INSERT INTO account VALUES (?, ?, ?, '2019-04-01')")?
            .execute(params![self.account, self.id, self.bank])?;
        database
            .prepare_cached("INSERT OR IGNORE INTO vehicle VALUES (?, ?, ?)")?
            .execute(params![self.plate, self.id, self.make])?;
        for (value, provider) in [
            (&self.phone, "telephone"),
            (&self.email, "mail"),
            (&self.ip, "access"),
        ] {
            database
                .prepare_cached("INSERT OR IGNORE INTO subscriber VALUES (?, ?, ?, '2021-09-01')")?
                .execute(params![value, self.id, provider])?;
        }
        for _ in 0..4 {
            let day = format!(
                "2026-{:02}-{:02}",
                1 + self.dice.below(10),
                1 + self.dice.below(28)
            );
            let cents = i64::from(self.dice.below(500_000)) - 250_000;
            database
                .prepare_cached("INSERT INTO movement VALUES (?, ?, ?, ?)")?
                .execute(params![
                    self.account,
                    day,
                    cents,
                    format!("invoice {}", self.dice.below(10_000))
                ])?;
            database
                .prepare_cached("INSERT INTO connection VALUES (?, ?, ?, ?)")?
                .execute(params![
                    self.phone,
                    format!("{day}T{:02}:15:00Z", self.dice.below(24)),
                    "203.0.113.9",
                    self.dice.below(3600)
                ])?;
        }
        database
            .prepare_cached("INSERT INTO item VALUES (?, ?, ?, ?)")?
            .execute(params![
                self.email,
                "2026-10-02T08:30:00Z",
                "delivery",
                "as agreed on the telephone; the rest follows next week"
            ])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_register_is_the_same_each_time_and_knows_its_samples() {
        for code in Register::jurisdictions() {
            let samples = Register::samples(code).unwrap();
            let register = Register::in_memory(code).unwrap();
            assert_eq!(Register::samples(code).unwrap().account, samples.account);
            for value in [&samples.phone, &samples.email, &samples.ip] {
                assert!(
                    !register.subscribers(value).unwrap().is_empty(),
                    "{code} {value}"
                );
            }
            assert!(
                !register.vehicles(&samples.plate).unwrap().is_empty(),
                "{code}"
            );
            assert_eq!(
                register.movements(&samples.account).unwrap().len(),
                4,
                "{code}"
            );
        }
    }

    #[test]
    fn case_files_mark_the_victim() {
        let register = Register::in_memory("FR").unwrap();
        let name = Register::samples("FR").unwrap().name;
        let persons = register.files(&name).unwrap();
        assert!(persons.iter().any(|person| person.role == "victim"));
        assert!(persons.iter().any(|person| person.name == name));
    }

    #[test]
    fn ibans_are_as_long_as_their_country_has_them_and_check() {
        // ISO 13616-1, and of those without an IBAN the digits alone.
        let lengths = [
            ("BR", 29),
            ("CA", 12),
            ("CH", 21),
            ("DE", 22),
            ("DK", 18),
            ("EE", 20),
            ("ES", 24),
            ("FR", 27),
            ("GB", 22),
            ("IE", 22),
            ("IT", 27),
            ("JP", 12),
            ("NL", 18),
            ("PL", 28),
            ("SE", 24),
            ("US", 12),
        ];
        let mut codes = Register::jurisdictions();
        codes.sort_unstable();
        assert_eq!(codes, lengths.map(|(code, _)| code));
        for (code, length) in lengths {
            let account = Register::samples(code).unwrap().account;
            assert_eq!(account.len(), length, "{account}");
            if length > 12 {
                assert_eq!(account.get(..2), Some(code), "{account}");
                assert_eq!(country::iban_remainder(&account), 1, "{account}");
            }
        }
    }

    #[test]
    fn everybody_has_an_account_and_lines_of_their_own() {
        for code in Register::jurisdictions() {
            let register = Register::in_memory(code).unwrap();
            for table in ["account", "subscriber"] {
                let sql = format!("SELECT count(DISTINCT person) FROM {table}");
                let persons: u32 = register
                    .connection
                    .query_row(&sql, [], |row| row.get(0))
                    .unwrap();
                assert_eq!(persons, PERSONS, "{code} {table}");
            }
            let odd = |text: &String| !text.is_ascii();
            let Samples { email, phone, .. } = Register::samples(code).unwrap();
            assert!(!odd(&email) && !email.starts_with('.'), "{email}");
            assert!(
                (8..=15).contains(&phone.trim_start_matches('+').len()),
                "{phone}"
            );
        }
    }

    #[test]
    fn nothing_is_made_up_for_an_unknown_country() {
        assert!(Register::in_memory("XX").is_err());
    }
}
