//! German.

mod finding;

use comity_domain::{BoundParty, ClockUnit, FactSource, ObligationKind};
use jiff::civil::Date;

pub(super) use self::finding::{fault, remark, weighed};
use super::{
    Basis, Because, Carrier, Heading, Next, Office, Particular, Round, Test, Verdict, article,
    listed, month, section, span,
};

const MONTHS: &str =
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember";

pub(super) fn heading(heading: &Heading<'_>) -> String {
    match heading {
        Heading::Request => "Das Ersuchen".to_owned(),
        Heading::Instrument => "Das Instrument".to_owned(),
        Heading::Outbound { state } => format!("Der ersuchende Staat: {state}"),
        Heading::Rules { instrument } => format!("Die Regeln des Instruments: {instrument}"),
        Heading::Inbound { state } => format!("Der ersuchte Staat: {state}"),
        Heading::WayBack => "Auf dem Rückweg".to_owned(),
        Heading::Presumed => "Vermutungen".to_owned(),
        Heading::Outcome => "Das Ergebnis".to_owned(),
    }
}

pub(super) fn particular(particular: &Particular<'_>) -> String {
    match particular {
        Particular::Issuer { authority, state } => {
            format!("Ersuchende Behörde: {authority}, {state}")
        }
        Particular::Addressee {
            authority: Some(authority),
            state,
        } => format!("Ersuchte Behörde: {authority}, {state}"),
        Particular::Addressee { state, .. } => format!("Ersuchter Staat: {state}"),
        Particular::Measure { title } => format!("Maßnahme: {title}"),
        Particular::Basis { title } => format!("Benannte Rechtsgrundlage: {title}"),
        Particular::NoBasis => {
            "Rechtsgrundlage: keine benannt, die Bibliothek ermittelt sie".to_owned()
        }
        Particular::Supposed {
            title,
            state,
            since,
            until,
            languages,
        } => {
            let until = until.map(|until| format!(" und bis zum {}", day(until)));
            let until = until.unwrap_or_default();
            let languages = match languages.is_empty() {
                true => String::new(),
                false => format!("; akzeptierte Sprachen: {languages}"),
            };
            format!(
                "In diesem Szenario angenommen: {state} ist seit dem {}{until} gebunden durch {title}{languages}",
                day(*since)
            )
        }
        Particular::Offence {
            provision,
            title,
            months,
        } => {
            let title = title.map(|title| format!(", {title}")).unwrap_or_default();
            let months = match months {
                Some(months) => format!(", Freiheitsstrafe bis zu {months} Monaten"),
                None => ", Höchststrafe nicht angegeben".to_owned(),
            };
            format!("Tat: {provision}{title}{months}")
        }
        Particular::Urgent => "Dringlichkeit: dringend".to_owned(),
        Particular::Emergency => "Dringlichkeit: Notfall".to_owned(),
        Particular::Law { day: law } => {
            format!(
                "Angewandtes Recht: Stand vom {}, dem Tag der Ausstellung",
                day(*law)
            )
        }
    }
}

pub(super) fn carrier(carrier: &Carrier<'_>) -> String {
    match carrier {
        Carrier::Named { title } => format!(
            "Rechtsgrundlage: {title}. Sie ist im Ersuchen benannt, und nichts steht ihr entgegen."
        ),
        Carrier::Alone { title } => format!(
            "Rechtsgrundlage: {title}. Keine andere der Bibliothek steht zwischen den beiden Staaten an diesem Tag für diese Maßnahme offen."
        ),
        Carrier::Speciality { title } => {
            format!("Rechtsgrundlage: {title}. Sie geht den anderen offenstehenden vor.")
        }
        Carrier::Route { title, state } => format!(
            "Rechtsgrundlage: {title}. Der ersuchende Staat ({state}) zieht sie für diese Maßnahme vor."
        ),
        Carrier::Rank { title } => format!(
            "Rechtsgrundlage: {title}. Unter den offenstehenden steht sie in der Reihenfolge der Bibliothek an erster Stelle."
        ),
        Carrier::Nothing => "Kein Instrument trägt das Ersuchen.".to_owned(),
        Carrier::Bound { state, since } => format!("{state}: gebunden seit dem {}", day(*since)),
        Carrier::PassedOver => "Erwogen und nicht herangezogen:".to_owned(),
        Carrier::Others { titles } => format!("In Betracht kämen: {titles}."),
    }
}

pub(super) fn round(round: &Round<'_>) -> String {
    match round {
        Round::Asked { rules: 0 } => "Keine Regel war zu prüfen.".to_owned(),
        Round::Asked { rules: 1 } => "Geprüft wurde eine Regel.".to_owned(),
        Round::Asked { rules } => format!("Geprüft wurden {rules} Regeln."),
        Round::NotMet { rules: 1, list } => {
            format!("Eine Regel wurde geprüft und greift nicht ein: {list}.")
        }
        Round::NotMet { rules, list } => {
            format!("{rules} Regeln wurden geprüft und greifen nicht ein: {list}.")
        }
        Round::WayBackApproved => "Dies bindet, was zurückgeht.".to_owned(),
        Round::Presumed => "Jede davon gilt, bis jemand etwas anderes erklärt:".to_owned(),
        Round::WayBackOtherwise => {
            "Solange das Ersuchen nicht freigegeben ist, geht nichts zurück. Wird es freigegeben, gilt dies."
                .to_owned()
        }
    }
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permits => "Zulässig",
        Verdict::Excepts => "Ausnahme",
        Verdict::MustRefuse => "Zwingender Ablehnungsgrund",
        Verdict::MayRefuse => "Fakultativer Ablehnungsgrund",
        Verdict::Returns => "Grund zur Rückgabe",
        Verdict::NotApplicable => "Nicht anwendbar",
        Verdict::Requires => "Noch erforderlich",
        Verdict::Refers => "Von einem Menschen zu beurteilen",
        Verdict::Obliges => "Bedingung für die Antwort",
        Verdict::Limits => "Frist",
        Verdict::Doubtful => "Zweifelhaft, von einem Menschen zu beurteilen",
        Verdict::Open => "Noch nicht zu beurteilen",
        Verdict::Precaution => "Vorsorglich angewandt",
        Verdict::Failed => "Nicht auswertbar",
        Verdict::Lifted => "Entfällt",
    }
}

pub(super) fn because(because: &Because<'_>) -> String {
    match because {
        Because::Always => "Gilt ohne weitere Voraussetzung".to_owned(),
        Because::Holds { test, basis } => format!("{test} ({basis})"),
        Because::NotKnown { test, basis } => format!("Ungeklärt: {test} ({basis})"),
        Because::LiftedBy { test, basis } => format!("Entfällt, denn {test} ({basis})"),
        Because::WouldLift { test, basis } => {
            format!("Entfiele in diesem Fall, der nicht vorliegt: {test} ({basis})")
        }
        Because::MayLift { test, basis } => {
            format!("Entfällt womöglich in diesem Fall, der ungeklärt ist: {test} ({basis})")
        }
        Because::LiftedByRule { rule } => format!("Entfällt aufgrund der Ausnahme {rule}"),
        Because::MayBeLiftedByRule { rule } => {
            format!("Entfällt womöglich aufgrund der Ausnahme {rule}")
        }
        Because::LiftsRule { rule } => format!("Lässt die Regel {rule} entfallen"),
        Because::MayLiftRule { rule } => format!("Lässt womöglich die Regel {rule} entfallen"),
        Because::Settle { ask, who } => format!("Zu klären ({who}): {ask}"),
        Because::LowConfidence => {
            "Die Lesart ist unsicher und entscheidet nie allein".to_owned()
        }
        Because::NoneLifts { lines: 1 } => "Nichts steht ihr entgegen: Die einzige Ausnahme greift nicht ein".to_owned(),
        Because::NoneLifts { lines } => format!("Nichts steht ihr entgegen: Keine der {lines} Ausnahmen greift ein"),
        Because::Immaterial => "Ohne Belang: Eine andere Regel lässt das Ersuchen zu".to_owned(),
        Because::EngineFailed => {
            "Die Regel konnte nicht ausgewertet werden: Der Betreiber des Gateways muss dem nachgehen"
                .to_owned()
        }
        Because::ConsultFirst => {
            "Die ersuchte Behörde muss zuvor die ersuchende Behörde konsultieren".to_owned()
        }
        Because::Supply { remedy, field } => format!("{remedy} (Feld `{field}`)"),
        Because::Question { question, who } => format!("Zu entscheiden ({who}): {question}"),
        Because::FourEyes => "Zwei verschiedene Personen müssen zustimmen".to_owned(),
        Because::Obligation {
            kind,
            bound,
            parameters,
        } => {
            let party = side(*bound);
            let bound = format!("{kind}, verpflichtet die {party} Seite");
            row(&std::iter::once(bound).chain(parameters.iter().cloned()).collect::<Vec<_>>())
        }
        Because::Clock {
            length,
            from,
            until,
            calendar,
        } => {
            let calendar = calendar.map(|state| format!("; Kalender: {state}"));
            let calendar = calendar.unwrap_or_default();
            format!("{length} von {from} bis {until}{calendar}")
        }
        Because::Pauses { from, until } => format!("Sie ruht von {from} bis {until}"),
        Because::Extendable { length, by } => {
            let party = side(*by);
            format!("Die {party} Seite kann sie mit Begründung um bis zu {length} verlängern")
        }
        Because::EndsCase => "Mit ihrem Ablauf ist der Fall beendet".to_owned(),
        Because::HoldsRelease => "Solange sie läuft, werden keine Daten freigegeben".to_owned(),
    }
}

fn side(bound: BoundParty) -> &'static str {
    match bound {
        BoundParty::Issuing => "ersuchende",
        BoundParty::Executing => "ersuchte",
    }
}

pub(super) fn basis(basis: &Basis<'_>) -> String {
    match basis {
        Basis::Facts {
            titles,
            value: Some(value),
            source,
        } => format!("{titles}: {value}, {source}"),
        Basis::Facts { titles, source, .. } => format!("{titles}: {source}"),
        Basis::Presumed { because } => format!("vermutet: {because}"),
        Basis::PresumedAll => "vermutet".to_owned(),
        Basis::PresumedFact {
            title,
            value,
            because,
        } => format!("{title}: {value}. {because}"),
        Basis::InScenario => "im Szenario angegeben".to_owned(),
        Basis::NobodyStated => "niemand hat sich dazu erklärt".to_owned(),
    }
}

pub(super) fn test(test: &Test<'_>) -> String {
    match test {
        Test::Is { fact } => format!("{fact} trifft zu"),
        Test::IsNot { fact } => format!("{fact} trifft nicht zu"),
        Test::AnyOf { facts } => format!("mindestens eines davon trifft zu: {facts}"),
        Test::Equals { fact, value } => format!("{fact} ist {value}"),
        Test::Differs { fact, value } => format!("{fact} ist nicht {value}"),
        Test::LessThan { fact, value } => format!("{fact} liegt unter {value}"),
        Test::AtMost { fact, value } => format!("{fact} beträgt höchstens {value}"),
        Test::MoreThan { fact, value } => format!("{fact} liegt über {value}"),
        Test::AtLeast { fact, value } => format!("{fact} beträgt mindestens {value}"),
        Test::Before { fact, day } => format!("{fact} liegt vor dem {day}"),
        Test::UpTo { fact, day } => format!("{fact} liegt nicht nach dem {day}"),
        Test::After { fact, day } => format!("{fact} liegt nach dem {day}"),
        Test::From { fact, day } => format!("{fact} liegt nicht vor dem {day}"),
        Test::OneOf { fact, values } => format!("{fact} ist {}", listed(values, "oder")),
        Test::Includes { fact, value } => format!("{fact} umfasst {value}"),
        Test::IncludesAll { fact, values } => format!("{fact} umfasst {}", listed(values, "und")),
        Test::IncludesAny { fact, values } => format!("{fact} umfasst {}", listed(values, "oder")),
        Test::Empty { fact } => format!("{fact} ist leer"),
        Test::MeasureIs { kind } => format!("die Maßnahme fällt unter {kind}"),
        Test::And { tests } => tests.join(" und "),
        Test::Or { tests } => tests.join(" oder "),
        Test::Not { test } => format!("es ist nicht so, dass gilt: {test}"),
        Test::Expression { text } => format!("`{text}` ist wahr"),
    }
}

pub(super) fn next(next: &Next<'_>) -> String {
    match next {
        Next::Approved { state } => format!(
            "Das Ersuchen ist freigegeben. Es wird dem ersuchten Staat ({state}) übermittelt, sobald die Entscheidung aufgezeichnet ist."
        ),
        Next::Incomplete => {
            "Das Ersuchen ist unvollständig. Bis das Fehlende nachgereicht ist, wird nichts übermittelt."
                .to_owned()
        }
        Next::Referred => {
            "Das Ersuchen wird vorgelegt. Bis ein Mensch beurteilt hat, was das Recht der Beurteilung überlässt, wird nichts übermittelt."
                .to_owned()
        }
        Next::Refused { grounds: 1 } => "Das Ersuchen ist aus einem Grund abgelehnt.".to_owned(),
        Next::Refused { grounds } => format!("Das Ersuchen ist aus {grounds} Gründen abgelehnt."),
        Next::Supply => "Vor erneuter Übersendung nachzureichen:".to_owned(),
        Next::Answer => "Zuvor zu beantworten:".to_owned(),
        Next::AlsoSupply => "Außerdem fehlt:".to_owned(),
        Next::AlsoAnswer => "Außerdem ist zu beurteilen:".to_owned(),
        Next::Lacking { remedy, field } => format!("{remedy} (Feld `{field}`)"),
        Next::Asked { question, who } => format!("{who}: {question}"),
        Next::Consult => {
            "Die ersuchte Behörde muss die ersuchende Behörde konsultieren, bevor sie ablehnt."
                .to_owned()
        }
        Next::HaveItValidated => {
            "Erneut zu übersenden, sobald eine zuständige Behörde es erlassen oder validiert hat."
                .to_owned()
        }
        Next::OtherWays { titles } => format!("Andere mögliche Wege: {titles}."),
        Next::WouldLift => "Was einen Grund entfallen ließe, steht oben bei ihm.".to_owned(),
        Next::NoOtherWay => {
            "Die Bibliothek kennt kein anderes Instrument, auf das es sich stützen ließe.".to_owned()
        }
        Next::Deadlines => "Fristen, die jetzt laufen:".to_owned(),
        Next::Deadline {
            what,
            length,
            until,
        } => format!("{what}: {length}, bis {until}"),
        Next::Conditions { count: 1 } => "Mit der Antwort reist eine Bedingung.".to_owned(),
        Next::Conditions { count } => format!("Mit der Antwort reisen {count} Bedingungen."),
    }
}

pub(super) fn source(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "erklärt von der ersuchenden Behörde",
        FactSource::Gateway => "aus dem Ersuchen selbst ersichtlich",
        FactSource::Register => "aus den Registern der Bibliothek",
        FactSource::Executing => "erklärt von der ersuchten Behörde",
        FactSource::Judgement => "festgestellt von einem menschlichen Entscheidungsträger",
    }
}

pub(super) fn settler(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "die ersuchende Behörde",
        FactSource::Gateway => "das Ersuchen selbst",
        FactSource::Register => "ein Eintrag in den Registern der Bibliothek",
        FactSource::Executing => "die ersuchte Behörde",
        FactSource::Judgement => "ein menschlicher Entscheidungsträger",
    }
}

pub(super) fn office(office: Office) -> &'static str {
    match office {
        Office::CentralAuthority => "Zentrale Behörde",
        Office::ContactPoint => "Kontaktstelle",
        Office::EnforcingAuthority => "Vollstreckungsbehörde",
        Office::ExecutingAuthority => "ersuchte Behörde",
        Office::ExecutingCentralAuthority => "Zentrale Behörde des ersuchten Staates",
        Office::ExecutingCourt => "Gericht des ersuchten Staates",
        Office::ExecutingJudge => "Richter des ersuchten Staates",
        Office::ExecutingMinister => "Justizminister des ersuchten Staates",
        Office::GatewayOperator => "Betreiber des Gateways",
        Office::IssuingAuthority => "ersuchende Behörde",
        Office::IssuingCentralAuthority => "Zentrale Behörde des ersuchenden Staates",
        Office::IssuingCourt => "Gericht des ersuchenden Staates",
        Office::IssuingJudge => "Richter des ersuchenden Staates",
        Office::Minister => "Minister",
        Office::NationalCentralBureau => "Nationales Zentralbüro",
    }
}

pub(super) fn obligation(kind: ObligationKind) -> &'static str {
    match kind {
        ObligationKind::UseLimit => "Verwendungsbeschränkung",
        ObligationKind::Speciality => "Spezialität",
        ObligationKind::HandlingCode => "Bearbeitungscode",
        ObligationKind::Redact => "Schwärzung",
        ObligationKind::RetainUntil => "Aufbewahrung",
        ObligationKind::DeleteAfter => "Löschung",
        ObligationKind::Notify => "Mitteilungspflicht",
        ObligationKind::NoOnwardTransfer => "Keine Weitergabe",
        ObligationKind::ConfirmWithin => "Bestätigungspflicht",
    }
}

pub(super) fn length(number: u32, of: ClockUnit) -> String {
    let one = ["Stunde", "Tag", "Arbeitstag", "Monat"];
    let many = ["Stunden", "Tage", "Arbeitstage", "Monate"];
    let units = if number == 1 { one } else { many };
    span(number, of, units, "Ohne feste Dauer")
}

pub(super) fn day(day: Date) -> String {
    let month = month(day, MONTHS);
    format!("{}. {month} {}", day.day(), day.year())
}

pub(super) fn truth(truth: bool) -> &'static str {
    if truth { "ja" } else { "nein" }
}

pub(super) fn nothing() -> &'static str {
    "keine"
}

pub(super) fn labelled(label: &str, text: &str) -> String {
    format!("{label}: {text}")
}

pub(super) fn row(parts: &[String]) -> String {
    parts.join("; ")
}

pub(super) fn quoted(title: &str) -> String {
    format!("„{title}“")
}

/// `art 11(1)(g)` is Art. 11 Abs. 1 Buchst. g.
pub(super) fn provision(provision: &str) -> String {
    if let Some((number, parts)) = article(provision) {
        let mut text = format!("Art. {number}");
        let mut lettered = false;
        for part in parts {
            let is_number = part.starts_with(|first: char| first.is_ascii_digit());
            text.push_str(match (is_number, lettered) {
                (true, false) => " Abs. ",
                (true, true) => " Nr. ",
                (false, false) => " Buchst. ",
                (false, true) => " Ziff. ",
            });
            text.push_str(part);
            lettered |= !is_number;
        }
        return text;
    }
    let word = |word: &str| provision.strip_prefix(word);
    if let Some(rest) = word("art ") {
        format!("Art. {rest}")
    } else if let Some(rest) = word("recital ") {
        format!("Erwägungsgrund {rest}")
    } else if let Some(rest) = word("operative part") {
        format!("Tenor{rest}")
    } else {
        section(provision).unwrap_or_else(|| provision.to_owned())
    }
}
