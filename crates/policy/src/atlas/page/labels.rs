//! Headings and connecting words of the page.

use comity_domain::{GroundKind, Urgency};

use crate::{phrase::Phrase, phrases::Tongue};

pub(super) const LAW_OF: Phrase = Phrase("Law of {}", "Recht vom {}", "Droit au {}");
pub(super) const OFFENCE: Phrase = Phrase("Offence: {}", "Straftat: {}", "Infraction: {}");
pub(super) const MONTHS: Phrase = Phrase("up to {} months", "bis {} Monate", "jusqu'à {} mois");
pub(super) const MAY_BE_TICKED: Phrase = Phrase(
    "may be ticked as {}",
    "ankreuzbar als {}",
    "peut être cochée comme {}",
);
pub(super) const ABROAD: Phrase = Phrase(
    "Same class of conduct in {}: {}",
    "Gleiche Deliktsklasse in {}: {}",
    "Même classe de faits en {}: {}",
);
pub(super) const ENTRY_MEDIUM: Phrase = Phrase(" (to be checked)", " (zu prüfen)", " (à vérifier)");
pub(super) const ENTRY_LOW: Phrase = Phrase(" (doubtful)", " (zweifelhaft)", " (douteux)");
pub(super) const NO_ROUTE: Phrase = Phrase(
    "No instrument of the library carries this.",
    "Kein Instrument der Bibliothek trägt dies.",
    "Aucun instrument de la bibliothèque ne porte cette mesure.",
);
pub(super) const PASSED_OVER: Phrase = Phrase("Passed over", "Nicht verwendbar", "Écartés");
pub(super) const OUT_OF_SCOPE: Phrase = Phrase(
    "for other measures, or not between these two: {}",
    "für andere Maßnahmen oder nicht zwischen diesen beiden: {}",
    "pour d'autres mesures, ou pas entre ces deux États: {}",
);
pub(super) const NOTES: Phrase = Phrase("Good to know", "Gut zu wissen", "Bon à savoir");
pub(super) const SOURCE_CHECKED: Phrase = Phrase(
    "{}, checked on {}",
    "{}, geprüft am {}",
    "{}, vérifié le {}",
);
pub(super) const BINDS: Phrase = Phrase(
    "binds {} since {}",
    "bindet {} seit {}",
    "lie {} depuis le {}",
);
pub(super) const DECLARED: Phrase = Phrase("{} declares: {}", "{} erklärt: {}", "{} déclare: {}");
pub(super) const ISSUERS: Phrase = Phrase("Who asks", "Wer ersucht", "Qui demande");
pub(super) const NOBODY: Phrase = Phrase(
    "no authority of the directory is competent",
    "keine Behörde des Verzeichnisses ist zuständig",
    "aucune autorité du répertoire n'est compétente",
);
pub(super) const ALONE: Phrase = Phrase(
    "without validation: {}",
    "ohne Validierung: {}",
    "sans validation: {}",
);
pub(super) const VALIDATED: Phrase = Phrase(
    "validated by {} [{}]: {}",
    "validiert durch {} [{}]: {}",
    "avec validation par {} [{}]: {}",
);
pub(super) const AS_FIRST: Phrase = Phrase("as under 1", "wie unter 1", "comme sous 1");
pub(super) const BARRED: Phrase = Phrase(
    "not under this instrument: {}: {}",
    "nicht nach diesem Instrument: {}: {}",
    "pas selon cet instrument: {}: {}",
);
pub(super) const ADDRESSEES: Phrase = Phrase("To whom", "An wen", "À qui");
pub(super) const CHANNEL: Phrase = Phrase("Channel", "Weg", "Voie");
pub(super) const NO_CHANNEL: Phrase = Phrase(
    "the module names none",
    "das Modul nennt keinen",
    "le module n'en indique pas",
);
pub(super) const FORM: Phrase = Phrase("Form", "Formular", "Formulaire");
pub(super) const FORM_MAY_BE_OMITTED: Phrase = Phrase(
    "a request may go without it",
    "ein Ersuchen kann auch ohne es gestellt werden",
    "une demande peut s'en passer",
);
pub(super) const FORM_NEEDED: Phrase = Phrase("always: {}", "immer: {}", "toujours: {}");
pub(super) const FORM_OPTIONAL: Phrase = Phrase(
    "where it applies: {}",
    "wo zutreffend: {}",
    "le cas échéant: {}",
);
pub(super) const NO_FORM: Phrase = Phrase(
    "none is prescribed",
    "keines vorgeschrieben",
    "aucun n'est prescrit",
);
pub(super) const LANGUAGES: Phrase = Phrase("Language", "Sprache", "Langue");
pub(super) const NOT_DECLARED: Phrase = Phrase(
    "none declared; the State's own: {}",
    "keine erklärt; die eigenen des Staates: {}",
    "aucune déclarée; celles de l'État: {}",
);
pub(super) const TIME_LIMITS: Phrase = Phrase("Time limits", "Fristen", "Délais");
pub(super) const NO_TIME_LIMITS: Phrase = Phrase("none set", "keine gesetzt", "aucun fixé");
pub(super) const ASKED: Phrase = Phrase(
    "You will be asked",
    "Sie werden gefragt",
    "On vous demandera",
);
pub(super) const ASKED_OF_OTHER: Phrase = Phrase(
    "The other side will be asked",
    "Die andere Seite wird gefragt",
    "On demandera à l'autre partie",
);
pub(super) const NOTHING_ASKED: Phrase = Phrase("nothing further", "nichts weiter", "rien de plus");
pub(super) const DUAL_CRIMINALITY: Phrase = Phrase(
    "Dual criminality",
    "Beiderseitige Strafbarkeit",
    "Double incrimination",
);
pub(super) const DUAL_NOT_TESTED: Phrase =
    Phrase("not tested", "wird nicht geprüft", "non vérifiée");
pub(super) const DUAL_LIFTED: Phrase = Phrase(
    "not tested here: {}",
    "wird hier nicht geprüft: {}",
    "non vérifiée ici: {}",
);
pub(super) const DUAL_SHOWN: Phrase = Phrase(
    "shown by the registers of both States",
    "durch die Register beider Staaten belegt",
    "établie par les registres des deux États",
);
pub(super) const DUAL_TESTED: Phrase = Phrase("tested: {}", "wird geprüft: {}", "vérifiée: {}");
pub(super) const UNLESS: Phrase = Phrase("unless: {}", "außer: {}", "sauf: {}");
pub(super) const IF: Phrase = Phrase("if: {}", "wenn: {}", "si: {}");
pub(super) const HURDLES: Phrase = Phrase(
    "What may stand in the way",
    "Was entgegenstehen kann",
    "Ce qui peut faire obstacle",
);
pub(super) const DORMANT: Phrase = Phrase(
    "presumed not to matter until somebody raises it:",
    "gilt als unerheblich, bis jemand es geltend macht:",
    "présumé sans objet tant que personne ne le soulève:",
);
pub(super) const LEAVING: Phrase = Phrase(
    "{}, as the request leaves",
    "{}, beim Absenden",
    "{}, au départ de la demande",
);
pub(super) const UNDER: Phrase = Phrase(
    "under the instrument",
    "nach dem Instrument",
    "selon l'instrument",
);
pub(super) const ARRIVING: Phrase =
    Phrase("{}, as it arrives", "{}, beim Eingang", "{}, à l'arrivée");
pub(super) const HOLDS: Phrase = Phrase("already", "schon jetzt", "déjà");
pub(super) const NATIONAL: Phrase = Phrase("in {}: {}", "in {}: {}", "en {}: {}");
pub(super) const ASSURANCES: Phrase = Phrase("Assurances", "Zusicherungen", "Garanties");
pub(super) const BINDING: Phrase = Phrase("What will bind", "Was binden wird", "Ce qui liera");
pub(super) const NOT_SURE: Phrase = Phrase(
    "How sure this is",
    "Wie sicher dies ist",
    "Degré de certitude",
);
pub(super) const RULES_MEDIUM: Phrase = Phrase(
    "details to be checked: {}",
    "Einzelheiten zu prüfen: {}",
    "détails à vérifier: {}",
);
pub(super) const RULES_LOW: Phrase = Phrase(
    "doubtful, so that a human decides: {}",
    "zweifelhaft, daher entscheidet ein Mensch: {}",
    "douteux, donc décidé par une personne: {}",
);
pub(super) const UNSETTLED: Phrase = Phrase(
    "not settled when looked at on {}: {}",
    "am {} noch offen: {}",
    "non réglé au {}: {}",
);
pub(super) const ALL_SURE: Phrase = Phrase(
    "every rule above was read in the text or is settled",
    "jede Regel oben wurde im Text gelesen oder ist gefestigt",
    "chaque règle ci-dessus a été lue dans le texte ou est établie",
);
pub(super) const FOUR_EYES: Phrase = Phrase("two persons", "zwei Personen", "deux personnes");
pub(super) const CONSULT: Phrase = Phrase(
    "after consultation",
    "nach Konsultation",
    "après consultation",
);
pub(super) const INSTEAD: Phrase = Phrase("instead: {}", "stattdessen: {}", "à la place: {}");
pub(super) const NO_LENGTH: Phrase =
    Phrase("no set length", "ohne feste Dauer", "sans durée fixée");
pub(super) const FROM: Phrase = Phrase("{} from {}", "{} ab {}", "{} à compter de: {}");

/// How a ground ends a request.
pub(super) fn ground(kind: GroundKind) -> Phrase {
    match kind {
        GroundKind::Mandatory => Phrase("refused", "abgelehnt", "refus"),
        GroundKind::Optional => Phrase("may be refused", "kann abgelehnt werden", "refus possible"),
        GroundKind::Return => Phrase("returned", "zurückgegeben", "renvoi"),
        GroundKind::NotApplicable => Phrase("does not apply", "gilt nicht", "ne s'applique pas"),
    }
}

pub(super) const REQUIRED: Phrase = Phrase("needed", "nötig", "requis");
pub(super) const REFERRED: Phrase = Phrase(
    "a human decides",
    "ein Mensch entscheidet",
    "décision humaine",
);
pub(super) const PERMIT: Phrase = Phrase(
    "permitted only so",
    "nur so erlaubt",
    "permis seulement ainsi",
);

pub(super) fn urgency(urgency: Urgency) -> Phrase {
    match urgency {
        Urgency::Routine => Phrase("routine", "gewöhnlich", "ordinaire"),
        Urgency::Urgent => Phrase("urgent", "eilig", "urgent"),
        Urgency::Emergency => Phrase("emergency", "Notfall", "urgence vitale"),
    }
}

/// Words of the vocabulary that readers meet often; others are
/// shown as they stand in the modules.
pub(super) fn word(name: &str, tongue: Tongue) -> &str {
    let phrase = match name {
        "judge" => Phrase("judge", "Richter", "juge"),
        "court" => Phrase("court", "Gericht", "juridiction"),
        "investigating-judge" => Phrase(
            "investigating judge",
            "Ermittlungsrichter",
            "juge d'instruction",
        ),
        "prosecutor" => Phrase("public prosecutor", "Staatsanwaltschaft", "procureur"),
        "police" => Phrase("police", "Polizei", "police"),
        "administrative" => Phrase(
            "administrative authority",
            "Verwaltungsbehörde",
            "autorité administrative",
        ),
        "central-authority" => Phrase("central authority", "Zentralbehörde", "autorité centrale"),
        "contact-point" => Phrase("contact point", "Kontaktstelle", "point de contact"),
        "issuing" => Phrase("asking side", "ersuchende Seite", "partie requérante"),
        "executing" => Phrase("side asked", "ersuchte Seite", "partie requise"),
        "executing-authority" => Phrase("authority asked", "ersuchte Behörde", "autorité requise"),
        "executing-judge" => Phrase(
            "judge of the side asked",
            "Gericht der ersuchten Seite",
            "juge de la partie requise",
        ),
        other => return other,
    };
    phrase.in_words(tongue)
}
