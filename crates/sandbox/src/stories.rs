//! Requests as practitioners make them: what the demonstration sends.

mod drafts;

use comity::v1::{CooperationRequest, Outcome, PersonRole, SelectorKind};
use prost_types::Timestamp;

use self::drafts::{Draft, eio_form, epoc_form};
use crate::register::Register;

/// One request of the demonstration.
#[derive(Debug, Clone)]
pub struct Story {
    /// What the request is about, for people.
    pub title: &'static str,
    /// The requesting State.
    pub jurisdiction: &'static str,
    /// The requesting authority.
    pub authority: &'static str,
    /// The request.
    pub request: CooperationRequest,
    /// What a careful lawyer expects.
    pub expected: Outcome,
    /// The executing backend is down when it is sent, and comes back later.
    pub backend_down: bool,
}

/// The stories, issued at `now`. `run` makes their request ids unique.
#[must_use]
pub fn all(run: &str, now: Timestamp) -> Vec<Story> {
    let mut stories = orders();
    stories.extend(other_instruments());
    stories.extend(unfinished());
    stories.extend(refused());
    stories.extend(further_orders());
    stories.extend(conventions());
    stories.push(direct());
    for (n, story) in (1..).zip(&mut stories) {
        story.request.request_id = format!("{run}/{n:02}");
        story.request.issued_at = Some(now);
        // A validation is never newer than the request.
        if let Some(validation) = &mut story.request.validation {
            validation.validated_at = Some(now);
        }
    }
    stories
}

/// European Investigation Orders that are approved.
fn orders() -> Vec<Story> {
    let [de, fr] = ["DE", "FR"].map(Register::samples);
    let (de, fr) = (de.as_ref(), fr.as_ref());
    let of = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        Draft::new(
            "Who holds this telephone number?",
            "FR",
            "parquet-paris",
            "DE",
        )
        .asks("data.subscriber", "eio", "de")
        .offence("CP 311-3", "", 36)
        .selector(SelectorKind::Phone, of(de.map(|s| &s.phone)))
        .form(eio_form("FR", "DE", "data.subscriber", "CP 311-3"))
        .expect(Outcome::Approved),
        Draft::new(
            "Movements of a fraud suspect's account",
            "DE",
            "sta-berlin",
            "FR",
        )
        .asks("bank.transactions", "eio", "fr")
        .offence("StGB 263", "D20", 60)
        .selector(SelectorKind::Iban, of(fr.map(|s| &s.account)))
        .truth("issuing.court_order", true)
        .form(eio_form("DE", "FR", "bank.transactions", "StGB 263"))
        .expect(Outcome::Approved),
        Draft::new(
            "Case file of a trafficking suspect, victim named in it",
            "DE",
            "sta-berlin",
            "FR",
        )
        .asks("register.query", "eio", "fr")
        .offence("StGB 232", "D03", 120)
        .person(PersonRole::Suspect)
        .person(PersonRole::Victim)
        .selector(SelectorKind::Name, of(fr.map(|s| &s.name)))
        .form(eio_form("DE", "FR", "register.query", "StGB 232"))
        .expect(Outcome::Approved),
        Draft::new(
            "Accounts of a person, backend down and back",
            "NL",
            "rc-amsterdam",
            "DE",
        )
        .asks("bank.account-information", "eio", "de")
        .offence("Sr 326", "D20", 48)
        .selector(SelectorKind::Name, of(de.map(|s| &s.name)))
        .form(eio_form("NL", "DE", "bank.account-information", "Sr 326"))
        .backend_down()
        .expect(Outcome::Approved),
    ]
}

/// Requests on other instruments that are approved.
fn other_instruments() -> Vec<Story> {
    let fr = Register::samples("FR");
    vec![
        Draft::new(
            "Mailbox at a provider, produced directly",
            "IE",
            "ie-circuit-court",
            "FR",
        )
        .asks("data.content", "epoc", "fr")
        .offence(
            "Criminal Justice (Theft and Fraud Offences) Act 2001 s.6",
            "D20",
            60,
        )
        .selector(SelectorKind::Email, fr.map(|s| s.email).unwrap_or_default())
        .form(epoc_form("content", ("Paris", "FR"), 60))
        .expect(Outcome::Approved),
        Draft::new(
            "Keep stored data before they are lost",
            "GB",
            "nca-24-7",
            "US",
        )
        .asks("preserve.data", "budapest", "en")
        .offence("Fraud Act 2006 s.1", "", 120)
        .selector(SelectorKind::Email, "account@us.example".to_owned())
        .expect(Outcome::Approved),
    ]
}

fn unfinished() -> Vec<Story> {
    let de = Register::samples("DE");
    let of = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        Draft::new(
            "House search, form in English only",
            "DE",
            "sta-berlin",
            "FR",
        )
        .asks("search.premises", "eio", "en")
        .offence("StGB 263", "D20", 60)
        .selector(SelectorKind::Address, "1 rue Exemple, Paris".to_owned())
        .truth("issuing.court_order", true)
        .form(eio_form("DE", "FR", "search.premises", "StGB 263"))
        .expect(Outcome::Incomplete),
        Draft::new(
            "Bank records for a capital charge, no assurance",
            "US",
            "doj-oia",
            "DE",
        )
        .asks("bank.transactions", "eu-us-mla", "de")
        .offence("18 USC 1111", "", 1200)
        .selector(SelectorKind::Iban, of(de.as_ref().map(|s| &s.account)))
        .expect(Outcome::Incomplete),
        Draft::new(
            "Search said to breach a fundamental right",
            "DE",
            "sta-berlin",
            "FR",
        )
        .asks("search.premises", "eio", "fr")
        .offence("StGB 263", "D20", 60)
        .selector(SelectorKind::Address, "1 rue Exemple, Paris".to_owned())
        .truth("issuing.court_order", true)
        .truth("ground.fundamental_rights", true)
        .form(eio_form("DE", "FR", "search.premises", "StGB 263"))
        .expect(Outcome::Referred),
    ]
}

fn refused() -> Vec<Story> {
    let [fr, us] = ["FR", "US"].map(Register::samples);
    let of = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        Draft::new(
            "Account data asked by a tax office on its own",
            "DE",
            "fa-berlin",
            "FR",
        )
        .asks("bank.transactions", "eio", "fr")
        .offence("AO 370", "", 60)
        .selector(SelectorKind::Iban, of(fr.as_ref().map(|s| &s.account)))
        .form(eio_form("DE", "FR", "bank.transactions", "AO 370"))
        .expect(Outcome::Refused),
        Draft::new(
            "Traffic data ordered by a prosecutor alone",
            "DE",
            "sta-berlin",
            "IE",
        )
        .asks("data.traffic", "epoc", "en")
        .offence("StGB 263", "D20", 60)
        .selector(SelectorKind::Phone, "+35320915000".to_owned())
        .form(epoc_form("traffic", ("Dublin", "IE"), 60))
        .expect(Outcome::Refused),
        Draft::new(
            "Mailbox for speech that the executing State protects",
            "FR",
            "tj-paris-ji",
            "US",
        )
        .asks("data.content", "eu-us-mla", "en")
        .offence("Loi 1881 art 24 bis", "", 12)
        .selector(SelectorKind::Email, of(us.as_ref().map(|s| &s.email)))
        .truth("ground.protected_speech", true)
        .expect(Outcome::Refused),
        Draft::new(
            "Bank records under an instrument that does not bind",
            "DE",
            "sta-berlin",
            "IE",
        )
        .asks("documents.obtain", "eio", "en")
        .offence("StGB 263", "D20", 60)
        .expect(Outcome::Refused),
        Draft::new(
            "The same, instrument left to the gateway",
            "DE",
            "sta-berlin",
            "IE",
        )
        .asks("documents.obtain", "", "en")
        .offence("StGB 263", "D20", 60)
        .expect(Outcome::Approved),
    ]
}

/// Orders of the Union between further States that are approved.
fn further_orders() -> Vec<Story> {
    let [it, ee] = ["IT", "EE"].map(Register::samples);
    vec![
        Draft::new(
            "Where the money of a swindle went",
            "ES",
            "instruccion-madrid",
            "IT",
        )
        .asks("bank.transactions", "eio", "it")
        .offence("CP 248", "D20", 36)
        .selector(
            SelectorKind::Iban,
            it.map(|s| s.account).unwrap_or_default(),
        )
        .form(eio_form("ES", "IT", "bank.transactions", "CP 248"))
        .expect(Outcome::Approved),
        Draft::new(
            "Mailbox at a provider, ordered by a court",
            "PL",
            "so-warszawa",
            "EE",
        )
        .asks("data.content", "epoc", "et")
        .offence("KK 286(1)", "D20", 96)
        .selector(SelectorKind::Email, ee.map(|s| s.email).unwrap_or_default())
        .form(epoc_form("content", ("Tallinn", "EE"), 96))
        .expect(Outcome::Approved),
    ]
}

/// Requests on conventions and treaties between further States.
fn conventions() -> Vec<Story> {
    let [de, dk, us] = ["DE", "DK", "US"].map(Register::samples);
    let of = |value: Option<&String>| value.cloned().unwrap_or_default();
    vec![
        Draft::new(
            "A subscriber in Denmark, instrument left to the gateway",
            "SE",
            "ak-malmo",
            "DK",
        )
        .asks("data.subscriber", "", "en")
        .offence("BrB 9:1", "D20", 24)
        .selector(SelectorKind::Phone, of(dk.as_ref().map(|s| &s.phone)))
        .expect(Outcome::Approved),
        Draft::new(
            "Account of a swindler, from outside the Union",
            "CH",
            "sta-zuerich",
            "DE",
        )
        .asks("bank.transactions", "ets-30", "de")
        .offence("StGB 146", "", 60)
        .selector(SelectorKind::Iban, of(de.as_ref().map(|s| &s.account)))
        .expect(Outcome::Approved),
        Draft::new("Account of a swindler, by treaty", "JP", "moj", "US")
            .asks("bank.transactions", "jp-us-mlat", "en")
            .offence("PC 246", "", 120)
            .selector(SelectorKind::Account, of(us.as_ref().map(|s| &s.account)))
            .expect(Outcome::Approved),
    ]
}

/// Asked by a prosecutor where the treaty has central authorities ask each other.
fn direct() -> Story {
    let ca = Register::samples("CA");
    Draft::new(
        "Bank records, asked round the central authorities",
        "BR",
        "mpf-sp",
        "CA",
    )
    .asks("bank.transactions", "br-ca-mlat", "en")
    .offence("CP 171", "", 60)
    .selector(
        SelectorKind::Account,
        ca.map(|s| s.account).unwrap_or_default(),
    )
    .expect(Outcome::Refused)
}
