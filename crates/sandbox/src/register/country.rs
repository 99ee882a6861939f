//! What made-up people of a country are called and how their things are numbered.

mod table;

use self::table::COUNTRIES;
use super::seed::Dice;

/// A country's names and formats.
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) given: &'static [&'static str],
    pub(super) family: &'static [&'static str],
    pub(super) streets: &'static [&'static str],
    pub(super) cities: &'static [&'static str],
    pub(super) banks: &'static [&'static str],
    /// Beginning of numbers that three digits make whole: set aside for fiction where
    /// there are as many; elsewhere too short, or of zeros, with two of which no
    /// national number begins.
    pub(super) phone: &'static str,
    /// What follows the check digits of an IBAN (ISO 13616): letters, so many digits,
    /// and what stands behind them; no digits: the country has none.
    account: (&'static str, usize, &'static str),
    /// A registration plate: `a` and `b` stand for letters, `#` for a digit.
    plate: &'static str,
}

impl Country {
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| country.code == code)
    }

    /// The codes of all.
    pub(super) fn codes() -> impl Iterator<Item = &'static str> {
        COUNTRIES.iter().map(|country| country.code)
    }

    /// An account number: an IBAN with right check digits, or plain digits.
    pub(super) fn account(&self, dice: &mut Dice) -> String {
        let (letters, digits, end) = self.account;
        if digits == 0 {
            return dice.digits(12);
        }
        let rest = format!("{letters}{}{end}", dice.digits(digits));
        let check = 98 - iban_remainder(&format!("{}00{rest}", self.code));
        format!("{}{check:02}{rest}", self.code)
    }

    /// A registration plate.
    pub(super) fn plate(&self, dice: &mut Dice, n: u32) -> String {
        let letter = |dice: &mut Dice| char::from(b'A' + u8::try_from(dice.below(26)).unwrap_or(0));
        let (a, b) = (letter(dice), letter(dice));
        let places = self.plate.matches('#').count();
        let number = format!("{n:0places$}");
        // The last digits, where there are places for fewer.
        let mut digits = number.chars().skip(number.len().saturating_sub(places));
        self.plate
            .chars()
            .filter_map(|mark| match mark {
                'a' => Some(a),
                'b' => Some(b),
                '#' => digits.next(),
                other => Some(other),
            })
            .collect()
    }
}

/// ISO 7064 remainder of an IBAN; 1 for a right one.
pub(super) fn iban_remainder(iban: &str) -> u32 {
    let (front, rest) = iban.split_at_checked(4).unwrap_or((iban, ""));
    rest.chars()
        .chain(front.chars())
        .filter_map(|c| c.to_digit(36))
        .fold(0, |remainder, digit| {
            if digit < 10 {
                (remainder * 10 + digit) % 97
            } else {
                (remainder * 100 + digit) % 97
            }
        })
}
