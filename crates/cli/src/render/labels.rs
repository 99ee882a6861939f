//! What stands beside the findings of a decision, in the languages that the library
//! speaks. The findings themselves come in the reader's language already.

use comity::v1;
use comity_domain::primary;

/// The words of one language.
pub(crate) struct Labels {
    outcomes: [&'static str; 4],
    pub(super) under: &'static str,
    pub(super) no_instrument: &'static str,
    pub(super) law_of: &'static str,
    pub(super) obligation: &'static str,
    pub(super) time_limit: &'static str,
    pub(super) passed_over: &'static str,
    pub(super) would_apply: &'static str,
    grounds: [&'static str; 4],
    pub(super) consult_first: &'static str,
    pub(super) needed: &'static str,
    pub(super) to_judge: &'static str,
    /// Between a role and its State.
    pub(super) of: &'static str,
    pub(super) because: &'static str,
    pub(super) to_settle: &'static str,
    pub(super) unknown: &'static str,
    units: [&'static str; 4],
    pub(super) no_length: &'static str,
}

/// English, and what scripts know.
pub(crate) const ENGLISH: Labels = Labels {
    outcomes: ["APPROVED", "INCOMPLETE", "REFERRED", "REFUSED"],
    under: "under",
    no_instrument: "no instrument",
    law_of: "law of",
    obligation: "obligation",
    time_limit: "time limit",
    passed_over: "passed over",
    would_apply: "would apply",
    grounds: ["ground", "optional ground", "return", "does not apply"],
    consult_first: "consult first",
    needed: "needed",
    to_judge: "to judge",
    of: "of",
    because: "because",
    to_settle: "to settle",
    unknown: "unknown",
    units: ["h", "days", "working days", "months"],
    no_length: "of no set length",
};

const GERMAN: Labels = Labels {
    outcomes: ["BEWILLIGT", "UNVOLLSTÄNDIG", "VORGELEGT", "ABGELEHNT"],
    under: "nach",
    no_instrument: "keinem Instrument",
    law_of: "Recht vom",
    obligation: "Auflage",
    time_limit: "Frist",
    passed_over: "übergangen",
    would_apply: "anwendbar wäre",
    grounds: [
        "Ablehnungsgrund",
        "Ablehnung möglich",
        "Rückgabe",
        "nicht anwendbar",
    ],
    consult_first: "zuvor Konsultation",
    needed: "nötig",
    to_judge: "zu prüfen",
    of: "in",
    because: "denn",
    to_settle: "zu klären",
    unknown: "unbekannt",
    units: ["Stunden", "Tage", "Arbeitstage", "Monate"],
    no_length: "ohne feste Dauer",
};

const FRENCH: Labels = Labels {
    outcomes: ["APPROUVÉE", "INCOMPLÈTE", "SOUMISE", "REFUSÉE"],
    under: "selon",
    no_instrument: "aucun instrument",
    law_of: "droit du",
    obligation: "condition",
    time_limit: "délai",
    passed_over: "écarté",
    would_apply: "applicable",
    grounds: [
        "motif de refus",
        "refus facultatif",
        "renvoi",
        "non applicable",
    ],
    consult_first: "consulter d'abord",
    needed: "requis",
    to_judge: "à apprécier",
    of: "de",
    because: "car",
    to_settle: "à établir",
    unknown: "inconnu",
    units: ["heures", "jours", "jours ouvrables", "mois"],
    no_length: "sans durée fixe",
};

impl Labels {
    /// For a reader of a language, BCP 47; English where there are none in it.
    pub(crate) fn of(language: &str) -> &'static Self {
        match &*primary(language) {
            "de" => &GERMAN,
            "fr" => &FRENCH,
            _ => &ENGLISH,
        }
    }

    pub(super) fn outcome(&self, outcome: v1::Outcome) -> &'static str {
        let [approved, incomplete, referred, refused] = self.outcomes;
        match outcome {
            v1::Outcome::Approved => approved,
            v1::Outcome::Incomplete => incomplete,
            v1::Outcome::Referred => referred,
            v1::Outcome::Refused => refused,
            v1::Outcome::Unspecified => super::outcome_name(outcome),
        }
    }

    pub(super) fn ground(&self, kind: v1::GroundKind) -> &'static str {
        let [mandatory, optional, back, none] = self.grounds;
        match kind {
            v1::GroundKind::Return => back,
            v1::GroundKind::Optional => optional,
            v1::GroundKind::NotApplicable => none,
            v1::GroundKind::Mandatory | v1::GroundKind::Unspecified => mandatory,
        }
    }

    /// A clock's length in words.
    pub(super) fn length(&self, clock: &v1::Clock) -> String {
        let [hours, days, working_days, months] = self.units;
        let unit = match clock.unit() {
            v1::ClockUnit::Hours => hours,
            v1::ClockUnit::Days => days,
            v1::ClockUnit::WorkingDays => working_days,
            v1::ClockUnit::Months => months,
            v1::ClockUnit::Open => return format!("{} {}", clock.measures, self.no_length),
            v1::ClockUnit::Unspecified => "",
        };
        format!("{} {} {unit}", clock.measures, clock.length)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::decision_in, *};

    #[test]
    fn decisions_are_told_in_one_language() {
        let rule = Some(v1::RuleReference {
            text: "[1]".to_owned(),
            facts_missing: vec!["[2]".to_owned()],
            ..v1::RuleReference::default()
        });
        let decision = v1::Decision {
            outcome: v1::Outcome::Refused.into(),
            law_date: "2026-11-23".to_owned(),
            grounds: vec![v1::Ground {
                rule: rule.clone(),
                consult_first: true,
                ..v1::Ground::default()
            }],
            referrals: vec![v1::Referral {
                rule: rule.clone(),
                role: "[3]".to_owned(),
                jurisdiction: "FR".to_owned(),
                ..v1::Referral::default()
            }],
            obligations: vec![v1::Obligation {
                rule: rule.clone(),
                ..v1::Obligation::default()
            }],
            clocks: vec![v1::Clock {
                rule,
                length: 30,
                unit: v1::ClockUnit::Days.into(),
                ..v1::Clock::default()
            }],
            passed_over: vec![v1::PassedOver {
                instrument: "[4]".to_owned(),
                reason: "[5]".to_owned(),
                citation: None,
            }],
            alternatives: vec!["[6]".to_owned()],
            ..v1::Decision::default()
        };
        let [en, de, fr] = ["en", "DE-at", "fr"].map(|language| {
            let told = decision_in(&decision, Labels::of(language));
            let told = anstream::adapter::strip_str(&told).to_string();
            let is_sign = |c: char| !c.is_alphabetic();
            let words = told.split(is_sign).filter(|word| word.len() > 2);
            // In English as in French.
            let words = words.filter(|word| *word != "instrument");
            words
                .map(str::to_owned)
                .collect::<std::collections::BTreeSet<_>>()
        });
        assert!(en.contains("REFUSED") && de.contains("ABGELEHNT") && fr.contains("REFUSÉE"));
        for (one, other) in [(&en, &de), (&en, &fr), (&de, &fr)] {
            assert_eq!(
                one.intersection(other).collect::<Vec<_>>(),
                Vec::<&String>::new()
            );
        }
    }
}
