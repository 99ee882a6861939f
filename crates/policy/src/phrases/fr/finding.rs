//! What decisions say, in French.

use jsonschema::JsonType;

use super::{day, typographic};
use crate::phrases::{Fault, Remark, Weighed, listed};

pub(in crate::phrases) fn remark(remark: &Remark<'_>) -> String {
    typographic(match remark {
        Remark::NoPermit { module } => format!("Rien dans « {module} » ne le permet"),
        Remark::AttachForm { form } => format!("Joignez le formulaire : {form}"),
        Remark::FillIn { field } => format!("Remplissez « {field} » du formulaire"),
        Remark::NoModule { of } => format!("La bibliothèque n'a pas de module pour `{of}`"),
        Remark::NoInstrument {
            measure,
            issuing,
            executing,
        } => format!(
            "Aucun instrument de la bibliothèque ne couvre `{measure}` de {issuing} vers {executing}"
        ),
        Remark::DoesItHold { rule } => format!("Est-ce le cas ? {rule}"),
        Remark::NotEvaluated { rule } => format!("La règle n'a pas pu être évaluée : {rule}"),
        Remark::BindingUncertain { instrument, state } => {
            format!("il n’est pas certain que {state} soit lié par « {instrument} »")
        }
        Remark::IsBound { instrument, state } => {
            format!("{state} est-il lié par « {instrument} » à cette date?")
        }
        Remark::NoSource => "aucun module de la bibliothèque".to_owned(),
    })
}

pub(in crate::phrases) fn weighed(weighed: &Weighed<'_>) -> String {
    typographic(match weighed {
        Weighed::NotInForce {
            instrument,
            reason,
            checked,
        } => {
            let checked = day(*checked);
            format!("`{instrument}` n'est pas en vigueur : {reason} (vérifié le {checked})")
        }
        Weighed::NotBound {
            instrument,
            state,
            note: Some(note),
        } => format!("{state} n'est pas lié par `{instrument}` : {note}"),
        Weighed::NotBound {
            instrument, state, ..
        } => format!("{state} n'est pas lié par `{instrument}`"),
        Weighed::NotYetBound {
            instrument,
            state,
            since,
        } => format!(
            "`{instrument}` ne lie {state} qu'à compter du {}",
            day(*since)
        ),
        Weighed::NoLongerBound {
            instrument,
            state,
            ended,
        } => format!(
            "`{instrument}` ne lie plus {state} depuis le {}",
            day(*ended)
        ),
        Weighed::NotBetween {
            instrument,
            issuing,
            executing,
        } => format!("`{instrument}` ne s'applique pas entre {issuing} et {executing}"),
        Weighed::NotForMeasure {
            instrument,
            measure,
        } => format!("`{instrument}` ne couvre pas `{measure}`"),
        Weighed::Named { other } => format!("`{other}` est désigné"),
        Weighed::WouldPrevail { other } => format!("il prévaudrait, mais `{other}` est désigné"),
        Weighed::Prevails { other } => format!("`{other}` prévaut sur lui"),
        Weighed::Preferred { other } => format!("`{other}` est préféré"),
    })
}

pub(in crate::phrases) fn fault(fault: &Fault<'_>) -> String {
    typographic(match fault {
        Fault::Missing => "est absent".to_owned(),
        Fault::Kind { expected } => {
            let kinds: Vec<_> = expected.iter().copied().map(kind).collect();
            format!("doit être {}", listed(&kinds, "ou"))
        }
        Fault::NotAmong { values } => format!("doit être l'une de ces valeurs : {values}"),
        Fault::NoneOf { fields } => format!("doit avoir l'un de ces champs : {fields}"),
        Fault::Format {
            format,
            example: Some(example),
        } => format!("doit être écrit au format `{format}`, par exemple `{example}`"),
        Fault::Format { format, .. } => format!("doit être écrit au format `{format}`"),
        Fault::Pattern {
            pattern,
            described: Some(described),
        } => format!("doit suivre le modèle `{pattern}` ({described})"),
        Fault::Pattern { pattern, .. } => format!("doit suivre le modèle `{pattern}`"),
        Fault::AtLeast { limit } => format!("doit être d'au moins {limit}"),
        Fault::AtMost { limit } => format!("doit être d'au plus {limit}"),
        Fault::MoreThan { limit } => format!("doit dépasser {limit}"),
        Fault::LessThan { limit } => format!("doit rester inférieur à {limit}"),
        Fault::FewestCharacters { limit: 1 } => "ne doit pas être vide".to_owned(),
        Fault::FewestCharacters { limit } => format!("doit avoir au moins {limit} caractères"),
        Fault::MostCharacters { limit } => format!("doit avoir au plus {limit} caractères"),
        Fault::FewestEntries { limit: 1 } => "doit avoir au moins une entrée".to_owned(),
        Fault::FewestEntries { limit } => format!("doit avoir au moins {limit} entrées"),
        Fault::MostEntries { limit } => format!("doit avoir au plus {limit} entrées"),
        Fault::Repeats => "ne doit pas répéter une entrée".to_owned(),
        Fault::UnknownFields { known: "" } => {
            "contient des champs inconnus du formulaire".to_owned()
        }
        Fault::UnknownFields { known } => {
            format!("contient des champs inconnus du formulaire ; il connaît : {known}")
        }
        Fault::Contradicts { field } => format!("doit concorder avec `{field}` de la demande"),
        Fault::Other { keyword } => format!("n'est pas conforme au formulaire (`{keyword}`)"),
    })
}

fn kind(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "vide",
        JsonType::Boolean => "vrai ou faux",
        JsonType::Integer => "un nombre entier",
        JsonType::Number => "un nombre",
        JsonType::String => "un texte",
        JsonType::Array => "une liste",
        JsonType::Object => "un groupe de champs",
    }
}
