//! The personal value that a search is for, kept out of the shell's history where asked.

use std::io;

use clap::Args;
use comity::v1::{self, PersonalKind};

use crate::exit::Failure;

/// In place of a value: the next line of standard input.
const FROM_INPUT: &str = "-";

#[derive(Debug, Args)]
#[group(multiple = false, id = "value")]
pub(super) struct Personal {
    /// Only entries whose records name this person, in any order of the names;
    /// `-` reads a line of standard input, here and below
    #[arg(long, value_name = "NAME")]
    person: Option<String>,
    /// ... this bank account
    #[arg(long)]
    iban: Option<String>,
    /// ... this telephone number, in international form
    #[arg(long, value_name = "NUMBER")]
    phone: Option<String>,
    /// ... this e-mail address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// ... this IP address
    #[arg(long, value_name = "ADDRESS")]
    ip: Option<String>,
    /// ... this number plate
    #[arg(long)]
    plate: Option<String>,
    /// ... this postal address
    #[arg(long)]
    address: Option<String>,
    /// ... this account at a service provider
    #[arg(long)]
    account: Option<String>,
    /// ... this identity document
    #[arg(long, value_name = "NUMBER")]
    document: Option<String>,
}

impl Personal {
    /// The value as the contract writes it, with a day of birth where one is given.
    pub(super) fn value(self, born: Option<String>) -> Result<Option<v1::PersonalValue>, Failure> {
        let Self {
            person,
            iban,
            phone,
            email,
            ip,
            plate,
            address,
            account,
            document,
        } = self;
        let given = [
            (PersonalKind::Name, person),
            (PersonalKind::Iban, iban),
            (PersonalKind::Phone, phone),
            (PersonalKind::Email, email),
            (PersonalKind::Ip, ip),
            (PersonalKind::Plate, plate),
            (PersonalKind::Address, address),
            (PersonalKind::Account, account),
            (PersonalKind::Document, document),
        ];
        let mut given = given.into_iter();
        let given = given.find_map(|(kind, value)| Some((kind, value?)));
        let Some((kind, value)) = given else {
            return Ok(None);
        };
        Ok(Some(v1::PersonalValue {
            kind: kind.into(),
            value: read(value)?,
            date_of_birth: born.map(read).transpose()?.unwrap_or_default(),
        }))
    }
}

fn read(value: String) -> Result<String, Failure> {
    if value != FROM_INPUT {
        return Ok(value);
    }
    let mut line = String::new();
    if io::stdin().read_line(&mut line)? == 0 {
        return Err("standard input ends where a value was to be read from it".into());
    }
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}
