//! What decisions say, in German.

use jsonschema::JsonType;

use super::day;
use crate::phrases::{Fault, Remark, Weighed, listed};

pub(in crate::phrases) fn remark(remark: &Remark<'_>) -> String {
    match remark {
        Remark::NoPermit { module } => format!("„{module}“ enthält nichts, was dies zulässt"),
        Remark::AttachForm { form } => format!("Formblatt beifügen: {form}"),
        Remark::FillIn { field } => format!("Im Formblatt „{field}“ ausfüllen"),
        Remark::NoModule { of } => format!("Die Bibliothek hat kein Modul zu `{of}`"),
        Remark::NoInstrument {
            measure,
            issuing,
            executing,
        } => format!(
            "Kein Instrument der Bibliothek erfasst `{measure}` auf Ersuchen von {issuing} an {executing}"
        ),
        Remark::DoesItHold { rule } => format!("Trifft dies zu? {rule}"),
        Remark::NotEvaluated { rule } => {
            format!("Die Regel konnte nicht ausgewertet werden: {rule}")
        }
        Remark::BindingUncertain { instrument, state } => {
            format!("es ist nicht gewiss, dass {state} durch „{instrument}“ gebunden ist")
        }
        Remark::IsBound { instrument, state } => {
            format!("Ist {state} an diesem Tag durch „{instrument}“ gebunden?")
        }
        Remark::NoSource => "kein Modul der Bibliothek".to_owned(),
    }
}

pub(in crate::phrases) fn weighed(weighed: &Weighed<'_>) -> String {
    match weighed {
        Weighed::NotInForce {
            instrument,
            reason,
            checked,
        } => {
            let checked = day(*checked);
            format!("`{instrument}` ist nicht in Kraft: {reason} (geprüft am {checked})")
        }
        Weighed::NotBound {
            instrument,
            state,
            note: Some(note),
        } => format!("{state} ist durch `{instrument}` nicht gebunden: {note}"),
        Weighed::NotBound {
            instrument, state, ..
        } => format!("{state} ist durch `{instrument}` nicht gebunden"),
        Weighed::NotYetBound {
            instrument,
            state,
            since,
        } => format!("`{instrument}` bindet {state} erst ab dem {}", day(*since)),
        Weighed::NoLongerBound {
            instrument,
            state,
            ended,
        } => format!(
            "`{instrument}` bindet {state} seit dem {} nicht mehr",
            day(*ended)
        ),
        Weighed::NotBetween {
            instrument,
            issuing,
            executing,
        } => format!("`{instrument}` gilt nicht zwischen {issuing} und {executing}"),
        Weighed::NotForMeasure {
            instrument,
            measure,
        } => format!("`{instrument}` erfasst `{measure}` nicht"),
        Weighed::Named { other } => format!("`{other}` ist benannt"),
        Weighed::WouldPrevail { other } => format!("es ginge vor, doch `{other}` ist benannt"),
        Weighed::Prevails { other } => format!("`{other}` geht vor"),
        Weighed::Preferred { other } => format!("`{other}` wird vorgezogen"),
    }
}

pub(in crate::phrases) fn fault(fault: &Fault<'_>) -> String {
    match fault {
        Fault::Missing => "fehlt".to_owned(),
        Fault::Kind { expected } => {
            let kinds: Vec<_> = expected.iter().copied().map(kind).collect();
            format!("muss {} sein", listed(&kinds, "oder"))
        }
        Fault::NotAmong { values } => format!("muss einer dieser Werte sein: {values}"),
        Fault::NoneOf { fields } => format!("muss eines davon enthalten: {fields}"),
        Fault::Format {
            format,
            example: Some(example),
        } => format!("muss im Format `{format}` geschrieben sein, zum Beispiel `{example}`"),
        Fault::Format { format, .. } => format!("muss im Format `{format}` geschrieben sein"),
        Fault::Pattern {
            pattern,
            described: Some(described),
        } => format!("muss dem Muster `{pattern}` entsprechen ({described})"),
        Fault::Pattern { pattern, .. } => format!("muss dem Muster `{pattern}` entsprechen"),
        Fault::AtLeast { limit } => format!("muss mindestens {limit} betragen"),
        Fault::AtMost { limit } => format!("darf höchstens {limit} betragen"),
        Fault::MoreThan { limit } => format!("muss über {limit} liegen"),
        Fault::LessThan { limit } => format!("muss unter {limit} liegen"),
        Fault::FewestCharacters { limit: 1 } => "darf nicht leer sein".to_owned(),
        Fault::FewestCharacters { limit } => format!("muss mindestens {limit} Zeichen haben"),
        Fault::MostCharacters { limit } => format!("darf höchstens {limit} Zeichen haben"),
        Fault::FewestEntries { limit: 1 } => "muss mindestens einen Eintrag haben".to_owned(),
        Fault::FewestEntries { limit } => format!("muss mindestens {limit} Einträge haben"),
        Fault::MostEntries { limit } => format!("darf höchstens {limit} Einträge haben"),
        Fault::Repeats => "darf keinen Eintrag wiederholen".to_owned(),
        Fault::UnknownFields { known: "" } => {
            "enthält Felder, die das Formblatt nicht kennt".to_owned()
        }
        Fault::UnknownFields { known } => {
            format!("enthält Felder, die das Formblatt nicht kennt; es kennt: {known}")
        }
        Fault::Contradicts { field } => {
            format!("muss mit `{field}` des Ersuchens übereinstimmen")
        }
        Fault::Other { keyword } => format!("entspricht nicht dem Formblatt (`{keyword}`)"),
    }
}

fn kind(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Null => "leer",
        JsonType::Boolean => "wahr oder falsch",
        JsonType::Integer => "eine ganze Zahl",
        JsonType::Number => "eine Zahl",
        JsonType::String => "ein Text",
        JsonType::Array => "eine Liste",
        JsonType::Object => "eine Gruppe von Feldern",
    }
}
