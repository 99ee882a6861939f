//! French. Texts are written with plain spaces; [`typographic`] makes those
//! before high punctuation and inside quotation marks unbreakable.

mod finding;

use comity_domain::{BoundParty, ClockUnit, FactSource, ObligationKind};
use jiff::civil::Date;

pub(super) use self::finding::{fault, remark, weighed};
use super::{
    Basis, Because, Carrier, Heading, Next, Office, Particular, Round, Test, Verdict, article,
    listed, month, section, span,
};

const MONTHS: &str =
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre";

pub(super) fn heading(heading: &Heading<'_>) -> String {
    typographic(match heading {
        Heading::Request => "La demande".to_owned(),
        Heading::Instrument => "L'instrument".to_owned(),
        Heading::Outbound { state } => format!("L'État requérant : {state}"),
        Heading::Rules { instrument } => format!("Les règles de l'instrument : {instrument}"),
        Heading::Inbound { state } => format!("L'État requis : {state}"),
        Heading::WayBack => "Au retour".to_owned(),
        Heading::Presumed => "Présomptions".to_owned(),
        Heading::Outcome => "Le résultat".to_owned(),
    })
}

pub(super) fn particular(particular: &Particular<'_>) -> String {
    typographic(match particular {
        Particular::Issuer { authority, state } => {
            format!("Autorité requérante : {authority}, {state}")
        }
        Particular::Addressee {
            authority: Some(authority),
            state,
        } => format!("Autorité requise : {authority}, {state}"),
        Particular::Addressee { state, .. } => format!("État requis : {state}"),
        Particular::Measure { title } => format!("Mesure : {title}"),
        Particular::Basis { title } => format!("Base juridique désignée : {title}"),
        Particular::NoBasis => {
            "Base juridique : non désignée, à rechercher par la bibliothèque".to_owned()
        }
        Particular::Supposed {
            title,
            state,
            since,
            until,
            languages,
        } => {
            let until = until.map(|until| format!(" et jusqu'au {}", day(until)));
            let until = until.unwrap_or_default();
            let languages = match languages.is_empty() {
                true => String::new(),
                false => format!(" ; langues acceptées : {languages}"),
            };
            format!(
                "Supposé dans ce scénario : {title} lie {state} depuis le {}{until}{languages}",
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
                Some(months) => format!(", jusqu'à {months} mois de privation de liberté"),
                None => ", peine maximale non indiquée".to_owned(),
            };
            format!("Infraction : {provision}{title}{months}")
        }
        Particular::Urgent => "Urgence : demande urgente".to_owned(),
        Particular::Emergency => "Urgence : cas d'urgence".to_owned(),
        Particular::Law { day: law } => format!(
            "Droit appliqué : celui en vigueur le {}, jour de l'émission",
            day(*law)
        ),
    })
}

pub(super) fn carrier(carrier: &Carrier<'_>) -> String {
    typographic(match carrier {
        Carrier::Named { title } => {
            format!("Base juridique : {title}. La demande la désigne, et rien ne s'y oppose.")
        }
        Carrier::Alone { title } => format!(
            "Base juridique : {title}. Aucune autre de la bibliothèque n'est ouverte entre les deux États pour cette mesure à cette date."
        ),
        Carrier::Speciality { title } => {
            format!("Base juridique : {title}. Elle prévaut sur les autres bases ouvertes.")
        }
        Carrier::Route { title, state } => format!(
            "Base juridique : {title}. L'État requérant ({state}) la préfère pour cette mesure."
        ),
        Carrier::Rank { title } => format!(
            "Base juridique : {title}. Parmi les bases ouvertes, elle vient en premier dans l'ordre de la bibliothèque."
        ),
        Carrier::Nothing => "Aucun instrument ne porte la demande.".to_owned(),
        Carrier::Bound { state, since } => format!("{state} : lié depuis le {}", day(*since)),
        Carrier::PassedOver => "Examinés et écartés :".to_owned(),
        Carrier::Others { titles } => format!("Pourraient la porter : {titles}."),
    })
}

pub(super) fn round(round: &Round<'_>) -> String {
    typographic(match round {
        Round::Asked { rules: 0 } => "Aucune règle n'était à examiner.".to_owned(),
        Round::Asked { rules: 1 } => "Une règle a été examinée.".to_owned(),
        Round::Asked { rules } => format!("{rules} règles ont été examinées."),
        Round::NotMet { rules: 1, list } => {
            format!("Une règle a été examinée et ne joue pas : {list}.")
        }
        Round::NotMet { rules, list } => {
            format!("{rules} règles ont été examinées et ne jouent pas : {list}.")
        }
        Round::WayBackApproved => "Ceci lie ce qui est transmis en retour.".to_owned(),
        Round::Presumed => "Chacune vaut tant que personne ne déclare le contraire :".to_owned(),
        Round::WayBackOtherwise => {
            "Rien n'est transmis en retour tant que la demande n'est pas acceptée. Si elle l'est, ceci s'applique."
                .to_owned()
        }
    })
}

pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Permits => "Permis",
        Verdict::Excepts => "Exception",
        Verdict::MustRefuse => "Motif de refus obligatoire",
        Verdict::MayRefuse => "Motif de refus facultatif",
        Verdict::Returns => "Motif de renvoi",
        Verdict::NotApplicable => "Sans application",
        Verdict::Requires => "Encore requis",
        Verdict::Refers => "Laissé à l'appréciation humaine",
        Verdict::Obliges => "Condition attachée à la réponse",
        Verdict::Limits => "Délai",
        Verdict::Doubtful => "Douteux, laissé à l'appréciation humaine",
        Verdict::Open => "Ne peut pas encore être apprécié",
        Verdict::Precaution => "Appliqué par précaution",
        Verdict::Failed => "N'a pas pu être évalué",
        Verdict::Lifted => "Écarté",
    }
}

pub(super) fn because(because: &Because<'_>) -> String {
    typographic(match because {
        Because::Always => "S'applique sans condition".to_owned(),
        Because::Holds { test, basis } => format!("{test} ({basis})"),
        Because::NotKnown { test, basis } => format!("Non établi : {test} ({basis})"),
        Because::LiftedBy { test, basis } => format!("Écarté, car {test} ({basis})"),
        Because::WouldLift { test, basis } => {
            format!("Serait écarté dans ce cas, qui ne se présente pas : {test} ({basis})")
        }
        Because::MayLift { test, basis } => {
            format!("Peut être écarté dans ce cas, qui n'est pas établi : {test} ({basis})")
        }
        Because::LiftedByRule { rule } => format!("Écarté par l'exception {rule}"),
        Because::MayBeLiftedByRule { rule } => format!("Peut être écarté par l'exception {rule}"),
        Because::LiftsRule { rule } => format!("Écarte la règle {rule}"),
        Because::MayLiftRule { rule } => format!("Peut écarter la règle {rule}"),
        Because::Settle { ask, who } => format!("À éclaircir ({who}) : {ask}"),
        Because::LowConfidence => {
            "Cette lecture est incertaine et ne décide jamais seule".to_owned()
        }
        Because::NoneLifts { lines: 1 } => {
            "Rien ne l'écarte : sa seule exception ne joue pas".to_owned()
        }
        Because::NoneLifts { lines } => {
            format!("Rien ne l'écarte : aucune de ses {lines} exceptions ne joue")
        }
        Because::Immaterial => "Sans importance : une autre règle permet la demande".to_owned(),
        Because::EngineFailed => {
            "La règle n'a pas pu être évaluée : l'exploitant de la passerelle doit s'en saisir"
                .to_owned()
        }
        Because::ConsultFirst => {
            "L'autorité requise doit d'abord consulter l'autorité requérante".to_owned()
        }
        Because::Supply { remedy, field } => format!("{remedy} (champ `{field}`)"),
        Because::Question { question, who } => format!("À trancher ({who}) : {question}"),
        Because::FourEyes => "Deux personnes différentes doivent être d'accord".to_owned(),
        Because::Obligation {
            kind,
            bound,
            parameters,
        } => {
            let party = side(*bound);
            let bound = format!("{kind}, à la charge de la partie {party}");
            row(&std::iter::once(bound)
                .chain(parameters.iter().cloned())
                .collect::<Vec<_>>())
        }
        Because::Clock {
            length,
            from,
            until,
            calendar,
        } => {
            let calendar = calendar.map(|state| format!(" ; calendrier : {state}"));
            let calendar = calendar.unwrap_or_default();
            format!("{length}, de {from} à {until}{calendar}")
        }
        Because::Pauses { from, until } => format!("Il est suspendu de {from} à {until}"),
        Because::Extendable { length, by } => {
            let party = side(*by);
            format!("La partie {party} peut le prolonger de {length} au plus, en motivant")
        }
        Because::EndsCase => "À son expiration, l'affaire est close".to_owned(),
        Because::HoldsRelease => "Tant qu'il court, aucune donnée n'est communiquée".to_owned(),
    })
}

fn side(bound: BoundParty) -> &'static str {
    match bound {
        BoundParty::Issuing => "requérante",
        BoundParty::Executing => "requise",
    }
}

pub(super) fn basis(basis: &Basis<'_>) -> String {
    typographic(match basis {
        Basis::Facts {
            titles,
            value: Some(value),
            source,
        } => format!("{titles} : {value}, {source}"),
        Basis::Facts { titles, source, .. } => format!("{titles} : {source}"),
        Basis::Presumed { because } => format!("présumé : {because}"),
        Basis::PresumedAll => "présumé".to_owned(),
        Basis::PresumedFact {
            title,
            value,
            because,
        } => format!("{title} : {value}. {because}"),
        Basis::InScenario => "énoncé dans le scénario".to_owned(),
        Basis::NobodyStated => "personne ne l'a déclaré".to_owned(),
    })
}

pub(super) fn test(test: &Test<'_>) -> String {
    typographic(match test {
        Test::Is { fact } => format!("{fact} se vérifie"),
        Test::IsNot { fact } => format!("{fact} ne se vérifie pas"),
        Test::AnyOf { facts } => format!("l'un au moins de ces points se vérifie : {facts}"),
        Test::Equals { fact, value } => format!("{fact} est {value}"),
        Test::Differs { fact, value } => format!("{fact} n'est pas {value}"),
        Test::LessThan { fact, value } => format!("{fact} n'atteint pas {value}"),
        Test::AtMost { fact, value } => format!("{fact} ne dépasse pas {value}"),
        Test::MoreThan { fact, value } => format!("{fact} dépasse {value}"),
        Test::AtLeast { fact, value } => format!("{fact} atteint au moins {value}"),
        Test::Before { fact, day } => format!("{fact} précède le {day}"),
        Test::UpTo { fact, day } => format!("{fact} ne dépasse pas le {day}"),
        Test::After { fact, day } => format!("{fact} suit le {day}"),
        Test::From { fact, day } => format!("{fact} ne précède pas le {day}"),
        Test::OneOf { fact, values } => format!("{fact} est {}", listed(values, "ou")),
        Test::Includes { fact, value } => format!("{fact} comprend {value}"),
        Test::IncludesAll { fact, values } => format!("{fact} comprend {}", listed(values, "et")),
        Test::IncludesAny { fact, values } => format!("{fact} comprend {}", listed(values, "ou")),
        Test::Empty { fact } => format!("{fact} est vide"),
        Test::MeasureIs { kind } => format!("la mesure relève de {kind}"),
        Test::And { tests } => tests.join(" et "),
        Test::Or { tests } => tests.join(" ou "),
        Test::Not { test } => format!("il n'est pas vrai que {test}"),
        Test::Expression { text } => format!("`{text}` est vrai"),
    })
}

pub(super) fn next(next: &Next<'_>) -> String {
    typographic(match next {
        Next::Approved { state } => format!(
            "La demande est acceptée. Elle est transmise à l'État requis ({state}) dès que la décision est consignée."
        ),
        Next::Incomplete => {
            "La demande est incomplète. Rien n'est transmis tant que ce qui manque n'est pas fourni."
                .to_owned()
        }
        Next::Referred => {
            "La demande est soumise à appréciation. Rien n'est transmis tant qu'une personne n'a pas apprécié ce que le droit lui réserve."
                .to_owned()
        }
        Next::Refused { grounds: 1 } => "La demande est refusée pour un motif.".to_owned(),
        Next::Refused { grounds } => format!("La demande est refusée pour {grounds} motifs."),
        Next::Supply => "À fournir avant un nouvel envoi :".to_owned(),
        Next::Answer => "À trancher au préalable :".to_owned(),
        Next::AlsoSupply => "Manque en outre :".to_owned(),
        Next::AlsoAnswer => "Reste en outre à apprécier :".to_owned(),
        Next::Lacking { remedy, field } => format!("{remedy} (champ `{field}`)"),
        Next::Asked { question, who } => format!("{who} : {question}"),
        Next::Consult => {
            "L'autorité requise doit consulter l'autorité requérante avant de refuser.".to_owned()
        }
        Next::HaveItValidated => {
            "À renvoyer une fois la demande émise ou validée par une autorité compétente."
                .to_owned()
        }
        Next::OtherWays { titles } => format!("Autres voies possibles : {titles}."),
        Next::WouldLift => "Ce qui écarterait un motif figure avec lui ci-dessus.".to_owned(),
        Next::NoOtherWay => {
            "La bibliothèque ne connaît aucun autre instrument qui la porterait.".to_owned()
        }
        Next::Deadlines => "Délais qui courent dès maintenant :".to_owned(),
        Next::Deadline {
            what,
            length,
            until,
        } => format!("{what} : {length}, jusqu'au {until}"),
        Next::Conditions { count: 1 } => "Une condition accompagne la réponse.".to_owned(),
        Next::Conditions { count } => format!("{count} conditions accompagnent la réponse."),
    })
}

pub(super) fn source(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "déclaré par l'autorité requérante",
        FactSource::Gateway => "ressort de la demande elle-même",
        FactSource::Register => "tiré des registres de la bibliothèque",
        FactSource::Executing => "déclaré par l'autorité requise",
        FactSource::Judgement => "constaté par un décideur humain",
    }
}

pub(super) fn settler(source: FactSource) -> &'static str {
    match source {
        FactSource::Requester => "l'autorité requérante",
        FactSource::Gateway => "la demande elle-même",
        FactSource::Register => "les registres de la bibliothèque",
        FactSource::Executing => "l'autorité requise",
        FactSource::Judgement => "un décideur humain",
    }
}

pub(super) fn office(office: Office) -> &'static str {
    match office {
        Office::CentralAuthority => "autorité centrale",
        Office::ContactPoint => "point de contact",
        Office::EnforcingAuthority => "autorité chargée de la mise en œuvre",
        Office::ExecutingAuthority => "autorité requise",
        Office::ExecutingCentralAuthority => "autorité centrale de l'État requis",
        Office::ExecutingCourt => "juridiction de l'État requis",
        Office::ExecutingJudge => "juge de l'État requis",
        Office::ExecutingMinister => "ministre de la justice de l'État requis",
        Office::GatewayOperator => "exploitant de la passerelle",
        Office::IssuingAuthority => "autorité requérante",
        Office::IssuingCentralAuthority => "autorité centrale de l'État requérant",
        Office::IssuingCourt => "juridiction de l'État requérant",
        Office::IssuingJudge => "juge de l'État requérant",
        Office::Minister => "ministre",
        Office::NationalCentralBureau => "bureau central national",
    }
}

pub(super) fn obligation(kind: ObligationKind) -> &'static str {
    match kind {
        ObligationKind::UseLimit => "Limitation de l'usage",
        ObligationKind::Speciality => "Spécialité",
        ObligationKind::HandlingCode => "Code de traitement",
        ObligationKind::Redact => "Occultation",
        ObligationKind::RetainUntil => "Conservation",
        ObligationKind::DeleteAfter => "Effacement",
        ObligationKind::Notify => "Obligation d'informer",
        ObligationKind::NoOnwardTransfer => "Aucune transmission ultérieure",
        ObligationKind::ConfirmWithin => "Obligation de confirmer",
    }
}

pub(super) fn length(number: u32, of: ClockUnit) -> String {
    let one = ["heure", "jour", "jour ouvrable", "mois"];
    let many = ["heures", "jours", "jours ouvrables", "mois"];
    let units = if number < 2 { one } else { many };
    span(number, of, units, "Sans durée fixée")
}

pub(super) fn day(day: Date) -> String {
    let month = month(day, MONTHS);
    let ordinal = if day.day() == 1 { "er" } else { "" };
    format!("{}{ordinal} {month} {}", day.day(), day.year())
}

pub(super) fn truth(truth: bool) -> &'static str {
    if truth { "oui" } else { "non" }
}

pub(super) fn nothing() -> &'static str {
    "aucun"
}

pub(super) fn labelled(label: &str, text: &str) -> String {
    typographic(format!("{label} : {text}"))
}

pub(super) fn row(parts: &[String]) -> String {
    typographic(parts.join(" ; "))
}

pub(super) fn quoted(title: &str) -> String {
    typographic(format!("« {title} »"))
}

/// `art 11(1)(g)` is art. 11, par. 1, point g).
pub(super) fn provision(provision: &str) -> String {
    if let Some((number, parts)) = article(provision) {
        let mut text = format!("art. {number}");
        let mut lettered = false;
        for part in parts {
            let is_number = part.starts_with(|first: char| first.is_ascii_digit());
            text.push_str(&match (is_number, lettered) {
                (true, _) => format!(", par. {part}"),
                (false, false) => format!(", point {part})"),
                (false, true) => format!(" {part})"),
            });
            lettered |= !is_number;
        }
        return text;
    }
    let word = |word: &str| provision.strip_prefix(word);
    if let Some(rest) = word("art ") {
        format!("art. {rest}")
    } else if let Some(rest) = word("recital ") {
        format!("considérant {rest}")
    } else if let Some(rest) = word("operative part") {
        format!("dispositif{rest}")
    } else {
        section(provision).unwrap_or_else(|| provision.to_owned())
    }
}

fn typographic(text: String) -> String {
    [
        (" :", "\u{a0}:"),
        (" ;", "\u{a0};"),
        (" ?", "\u{a0}?"),
        ("« ", "«\u{a0}"),
        (" »", "\u{a0}»"),
    ]
    .iter()
    .fold(text, |text, (plain, bound)| text.replace(plain, bound))
}
