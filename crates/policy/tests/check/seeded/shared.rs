//! Seeds in what all modules share, and in files as such.

use comity_policy::Code;

use super::{Seed, seed};

/// Mistakes in the files that all modules share, and of files as such.
pub(super) const SHARED: &[Seed] = &[
    seed(
        Code::ReservedName,
        "vocabulary.yaml",
        "  TeamUse: [",
        "  Event: [any]\n  TeamUse: [",
        "  Event: [any]",
    ),
    seed(
        Code::UnknownType,
        "vocabulary.yaml",
        "type: set of PersonRole",
        "type: set of PersonRoles",
        "PersonRoles",
    ),
    seed(
        Code::YamlSyntax,
        "calendars/BR.yaml",
        "holidays:",
        "holidays: ]",
        "holidays: ]",
    ),
    seed(
        Code::YamlFeature,
        "calendars/CA.yaml",
        "time_zone: ",
        "time_zone: &zone ",
        "&zone",
    ),
    seed(
        Code::HiddenSign,
        "calendars/DK.yaml",
        "holidays:\n",
        "holidays: # \u{202e}none\n",
        "holidays:",
    ),
    seed(
        Code::DuplicateKey,
        "calendars/CH.yaml",
        "time_zone: ",
        "time_zone: Europe/Rome\ntime_zone: ",
        "time_zone: Europe/Z",
    ),
    // What names it in other modules is no mistake of theirs.
    seed(
        Code::YamlFeature,
        "instruments/eio/module.yaml",
        "- context.dual_criminality == false\n",
        "- !context.dual_criminality\n",
        "!context",
    ),
    seed(
        Code::BrokenSchema,
        "instruments/tca/form.schema.json",
        "\"type\": \"object\"",
        "\"type\": \"objekt\"",
        "objekt",
    ),
    seed(
        Code::FileMisplaced,
        "instruments/eio/modul.yaml",
        "",
        "module: instrument/eio\n",
        "",
    ),
    seed(
        Code::FormIncomplete,
        "instruments/cisa/form.schema.json",
        "",
        "{}",
        "",
    ),
    seed(Code::FileMissing, "sources.yaml", "", "", ""),
];
