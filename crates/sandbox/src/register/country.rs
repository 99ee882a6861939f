//! What made-up people of a country are called and how their things are numbered.

use super::seed::Dice;

/// A country's names and formats.
pub(super) struct Country {
    pub(super) code: &'static str,
    pub(super) given: &'static [&'static str],
    pub(super) family: &'static [&'static str],
    pub(super) streets: &'static [&'static str],
    pub(super) cities: &'static [&'static str],
    pub(super) banks: &'static [&'static str],
    /// Beginning of numbers that are set aside for fiction, where there are such.
    pub(super) phone: &'static str,
    /// Letters before the digits of an account, and how many digits; no
    /// digits: the country has no IBAN.
    account: (&'static str, usize),
}

const COUNTRIES: [Country; 6] = [
    Country {
        code: "DE",
        given: &[
            "Anna", "Jürgen", "Leyla", "Markus", "Sophie", "Thomas", "Ursula", "Emre",
        ],
        family: &[
            "Albrecht", "Brandt", "Öztürk", "Hoffmann", "Krüger", "Lindner", "Vogt",
        ],
        streets: &["Lindenweg", "Hauptstraße", "Am Markt", "Gartenstraße"],
        cities: &[
            "10115 Berlin",
            "20095 Hamburg",
            "50667 Köln",
            "80331 München",
        ],
        banks: &["Musterbank Berlin", "Beispielsparkasse"],
        phone: "+493023125",
        account: ("", 18),
    },
    Country {
        code: "FR",
        given: &[
            "Amélie",
            "Bruno",
            "Chloé",
            "Karim",
            "Élodie",
            "François",
            "Inès",
        ],
        family: &[
            "Bernard", "Benali", "Dubois", "Lefèvre", "Moreau", "Rousseau",
        ],
        streets: &["rue des Lilas", "avenue de la Gare", "place du Marché"],
        cities: &[
            "75011 Paris",
            "69003 Lyon",
            "13001 Marseille",
            "59000 Lille",
        ],
        banks: &["Banque Exemple", "Crédit Modèle"],
        phone: "+331990012",
        account: ("", 23),
    },
    Country {
        code: "NL",
        given: &["Anouk", "Daan", "Fatima", "Joost", "Sanne", "Willem"],
        family: &["Bakker", "Jansen", "Meijer", "Smit", "Visser", "Yilmaz"],
        streets: &["Dorpsstraat", "Kerklaan", "Molenweg"],
        cities: &["1012 Amsterdam", "3011 Rotterdam", "3511 Utrecht"],
        banks: &["Voorbeeldbank"],
        phone: "+31201234",
        account: ("VBRD", 10),
    },
    Country {
        code: "IE",
        given: &["Aoife", "Cian", "Niamh", "Oisín", "Saoirse", "Patrick"],
        family: &["Byrne", "Kelly", "Murphy", "Nolan", "Walsh"],
        streets: &["Abbey Road", "Church Lane", "Mill Street"],
        cities: &["Dublin 2", "Cork", "Galway"],
        banks: &["Sample Bank of Ireland"],
        phone: "+35320915",
        account: ("SMPL", 14),
    },
    Country {
        code: "GB",
        given: &["Amara", "Daniel", "Emily", "Harjit", "Oliver", "Ruth"],
        family: &["Clarke", "Evans", "Khan", "Patel", "Taylor", "Wright"],
        streets: &["Station Road", "High Street", "Green Lane"],
        cities: &["London N1", "Leeds LS1", "Bristol BS1"],
        banks: &["Example & Sons Bank"],
        phone: "+442079460",
        account: ("EXMP", 14),
    },
    Country {
        code: "US",
        given: &["Ashley", "Carlos", "Denise", "Kevin", "Mei", "Robert"],
        family: &["Garcia", "Johnson", "Lee", "Miller", "Nguyen", "Walker"],
        streets: &["Elm Street", "Oak Avenue", "2nd Street"],
        cities: &["New York, NY", "Austin, TX", "Portland, OR"],
        banks: &["First Example Bank"],
        phone: "+1212555",
        account: ("", 0),
    },
];

impl Country {
    pub(super) fn of(code: &str) -> Option<&'static Self> {
        COUNTRIES.iter().find(|country| country.code == code)
    }

    /// An account number: an IBAN with right check digits, or plain digits.
    pub(super) fn account(&self, dice: &mut Dice) -> String {
        let (letters, digits) = self.account;
        if digits == 0 {
            return dice.digits(12);
        }
        let rest = format!("{letters}{}", dice.digits(digits));
        let check = 98 - iban_remainder(&format!("{}00{rest}", self.code));
        format!("{}{check:02}{rest}", self.code)
    }

    /// A registration plate.
    pub(super) fn plate(&self, dice: &mut Dice, n: u32) -> String {
        let letter = |dice: &mut Dice| char::from(b'A' + u8::try_from(dice.below(26)).unwrap_or(0));
        let (a, b) = (letter(dice), letter(dice));
        match self.code {
            "DE" => format!("B-{a}{b} {}", 1000 + n),
            "FR" => format!("{a}{b}-{:03}-{b}{a}", n % 1000),
            "NL" => format!("{a}-{:03}-{b}{a}", n % 1000),
            "IE" => format!("251-D-{}", 10_000 + n),
            "GB" => format!("{a}{b}{:02} {b}{a}{a}", n % 100),
            _ => format!("{a}{b}{a}-{:04}", n % 10_000),
        }
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
