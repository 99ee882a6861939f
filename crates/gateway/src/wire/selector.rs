//! Shapes of selector values: an identifier with a slip in it would send the
//! executing State after the wrong person.

use std::net::IpAddr;

use comity_domain::SelectorKind;

use super::read::{LINE_BYTES_MAX, is_line};

/// Checks that `value` has the shape of its kind.
///
/// # Errors
/// What is expected, in words, without the value.
pub(crate) fn check(kind: SelectorKind, value: &str) -> Result<(), &'static str> {
    let (valid, expected) = match kind {
        SelectorKind::Iban => (
            is_iban(value),
            "an IBAN whose check digits are right, such as `DE02 1203 0000 0000 2020 51`",
        ),
        SelectorKind::Phone => (
            is_e164(value),
            "a number in E.164 form, such as `+4930123456`",
        ),
        SelectorKind::Email => (
            is_email(value),
            "one e-mail address, such as `name@example.org`",
        ),
        SelectorKind::Ip => (
            value.parse::<IpAddr>().is_ok(),
            "one IPv4 or IPv6 address without prefix or port",
        ),
        SelectorKind::Plate => (
            is_plate(value),
            "a plate of 2 to 16 letters and digits, joined by spaces, hyphens or dots",
        ),
        SelectorKind::Name | SelectorKind::Address | SelectorKind::Account => {
            (is_line(value), "one line of text of at most 512 bytes")
        }
    };
    if valid { Ok(()) } else { Err(expected) }
}

/// ISO 13616: country, two check digits, up to 30 characters; ISO 7064
/// MOD 97-10 over all of it gives 1. Printed groups of four are accepted.
fn is_iban(value: &str) -> bool {
    let characters: Vec<u8> = value.bytes().filter(|byte| *byte != b' ').collect();
    let Some((head, rest)) = characters.split_first_chunk::<4>() else {
        return false;
    };
    let [country @ .., _, _] = head;
    let [_, _, check @ ..] = head;
    (11..=30).contains(&rest.len())
        && country.iter().all(u8::is_ascii_uppercase)
        && check.iter().all(u8::is_ascii_digit)
        && rest.iter().chain(head).try_fold(0, mod97) == Some(1)
}

/// Appends one character to a number taken modulo 97, letters counting from 10.
fn mod97(remainder: u32, byte: &u8) -> Option<u32> {
    match byte {
        b'0'..=b'9' => Some((remainder * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((remainder * 100 + u32::from(byte - b'A') + 10) % 97),
        _ => None,
    }
}

/// ITU-T E.164: a plus sign and at most 15 digits, no leading zero.
fn is_e164(value: &str) -> bool {
    value.strip_prefix('+').is_some_and(|digits| {
        (5..=15).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0')
    })
}

/// RFC 5321 lengths and a domain with a dot; what the mailbox means is the
/// provider's affair.
fn is_email(value: &str) -> bool {
    let Some((local, domain)) = value.rsplit_once('@') else {
        return false;
    };
    let printable = |text: &str| !text.chars().any(|c| c.is_whitespace() || c.is_control());
    (1..=64).contains(&local.len())
        && !local.contains('@')
        && domain.len() <= 255
        && domain.contains('.')
        && domain
            .split('.')
            .all(|label| (1..=63).contains(&label.len()))
        && printable(value)
}

fn is_plate(value: &str) -> bool {
    let mut signs = 0;
    value.chars().all(|c| {
        signs += usize::from(c.is_alphanumeric());
        c.is_alphanumeric() || matches!(c, ' ' | '-' | '.')
    }) && (2..=16).contains(&signs)
        && value.len() <= LINE_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn accepts(kind: SelectorKind, values: &[&str]) {
        for value in values {
            assert_eq!(check(kind, value), Ok(()), "{value}");
        }
    }

    #[track_caller]
    fn rejects(kind: SelectorKind, values: &[&str]) {
        for value in values {
            assert!(check(kind, value).is_err(), "{value}");
        }
    }

    #[test]
    fn iban() {
        accepts(
            SelectorKind::Iban,
            &[
                "DE89370400440532013000",
                "DE89 3704 0044 0532 0130 00",
                "NO9386011117947",
            ],
        );
        rejects(
            SelectorKind::Iban,
            &[
                "",
                "DE88370400440532013000",
                "de89370400440532013000",
                "DE89",
                "DE8937040044053201300Ä",
            ],
        );
    }

    #[test]
    fn phone() {
        accepts(SelectorKind::Phone, &["+4930123456", "+12025550123"]);
        rejects(
            SelectorKind::Phone,
            &["", "030123456", "+0301234", "+49 30 1", "+1234567890123456"],
        );
    }

    #[test]
    fn email() {
        accepts(
            SelectorKind::Email,
            &["a@example.org", "é.x+y@mail.example.org"],
        );
        rejects(
            SelectorKind::Email,
            &[
                "",
                "example.org",
                "@example.org",
                "a@b@example.org",
                "a b@example.org",
                "a@org",
                "a@.org",
            ],
        );
    }

    #[test]
    fn ip() {
        accepts(SelectorKind::Ip, &["192.0.2.1", "2001:db8::1"]);
        rejects(
            SelectorKind::Ip,
            &["", "192.0.2.0/24", "192.0.2.256", "[::1]:80"],
        );
    }

    #[test]
    fn plate() {
        accepts(SelectorKind::Plate, &["B-AB 1234", "AB-123-CD", "ΙΚΥ 1234"]);
        rejects(
            SelectorKind::Plate,
            &["", "-", "A", "AB\n12", "12345678901234567"],
        );
    }

    #[test]
    fn lines() {
        accepts(SelectorKind::Name, &["Ἀγαθή Müller-O'Neill"]);
        rejects(SelectorKind::Address, &["", "   ", "a\nb"]);
    }
}
