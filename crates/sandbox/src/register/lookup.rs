//! Questions that a register answers.

use rusqlite::{Row, params};
use serde_json::{Value, json};

use super::{Register, RegisterError};

/// A person as a register shows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Part in the file that was searched, or `subscriber`, `holder`, `keeper`.
    pub role: String,
    /// Name as written.
    pub name: String,
    /// `YYYY-MM-DD`.
    pub date_of_birth: String,
    /// Postal address.
    pub address: String,
}

impl Found {
    /// The person as results carry it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "role": self.role,
            "name": self.name,
            "date_of_birth": self.date_of_birth,
            "address": self.address,
        })
    }
}

impl Register {
    /// Who subscribes to a number, mailbox or address.
    ///
    /// # Errors
    /// [`RegisterError`] when the database refuses, here and below.
    pub fn subscribers(&self, value: &str) -> Result<Vec<Found>, RegisterError> {
        self.people(
            "SELECT 'subscriber', p.name, p.date_of_birth, p.address FROM subscriber s JOIN person p ON p.id = s.person WHERE s.value = ?",
            value,
        )
    }

    /// Who holds an account.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn holders(&self, account: &str) -> Result<Vec<Found>, RegisterError> {
        self.people(
            "SELECT 'holder', p.name, p.date_of_birth, p.address FROM account a JOIN person p ON p.id = a.person WHERE a.number = ?",
            account,
        )
    }

    /// Who keeps a vehicle.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn vehicles(&self, plate: &str) -> Result<Vec<Found>, RegisterError> {
        self.people(
            "SELECT 'keeper', p.name, p.date_of_birth, p.address FROM vehicle v JOIN person p ON p.id = v.person WHERE v.plate = ?",
            plate,
        )
    }

    /// Everybody in the case files in which a person of that name stands.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn files(&self, name: &str) -> Result<Vec<Found>, RegisterError> {
        self.people(
            "SELECT DISTINCT o.role, p.name, p.date_of_birth, p.address FROM person n JOIN file f ON f.person = n.id JOIN file o ON o.number = f.number JOIN person p ON p.id = o.person WHERE n.name = ? ORDER BY o.number, o.role LIMIT 30",
            name,
        )
    }

    /// Accounts of persons of that name.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn accounts(&self, name: &str) -> Result<Vec<Value>, RegisterError> {
        self.rows(
            "SELECT a.number, a.bank, a.opened FROM account a JOIN person p ON p.id = a.person WHERE p.name = ? LIMIT 30",
            name,
            |row| {
                Ok(json!({
                    "account": row.get::<_, String>(0)?,
                    "bank": row.get::<_, String>(1)?,
                    "opened": row.get::<_, String>(2)?,
                }))
            },
        )
    }

    /// Movements of an account.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn movements(&self, account: &str) -> Result<Vec<Value>, RegisterError> {
        self.rows(
            "SELECT day, cents, reference FROM movement WHERE account = ? ORDER BY day",
            account,
            |row| {
                Ok(json!({
                    "day": row.get::<_, String>(0)?,
                    "cents": row.get::<_, i64>(1)?,
                    "reference": row.get::<_, String>(2)?,
                }))
            },
        )
    }

    /// Connections of a line.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn connections(&self, value: &str) -> Result<Vec<Value>, RegisterError> {
        self.rows(
            "SELECT at, peer, seconds FROM connection WHERE value = ? ORDER BY at",
            value,
            |row| {
                Ok(json!({
                    "at": row.get::<_, String>(0)?,
                    "peer": row.get::<_, String>(1)?,
                    "seconds": row.get::<_, i64>(2)?,
                }))
            },
        )
    }

    /// Items stored in a mailbox.
    ///
    /// # Errors
    /// See [`Register::subscribers`].
    pub fn items(&self, value: &str) -> Result<Vec<Value>, RegisterError> {
        self.rows(
            "SELECT at, subject, body FROM item WHERE value = ? ORDER BY at",
            value,
            |row| {
                Ok(json!({
                    "at": row.get::<_, String>(0)?,
                    "subject": row.get::<_, String>(1)?,
                    "body": row.get::<_, String>(2)?,
                }))
            },
        )
    }

    fn people(&self, sql: &str, value: &str) -> Result<Vec<Found>, RegisterError> {
        self.rows(sql, value, |row| {
            Ok(Found {
                role: row.get(0)?,
                name: row.get(1)?,
                date_of_birth: row.get(2)?,
                address: row.get(3)?,
            })
        })
    }

    fn rows<T>(
        &self,
        sql: &str,
        value: &str,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, RegisterError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params![value], |row| read(row))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}
