//! Seeds of what loads and can hardly be meant.

use comity_policy::Code;

use super::{Seed, seed};

/// What loads and can hardly be meant.
pub(super) const WARNINGS: &[Seed] = &[
    seed(
        Code::MissingTranslation,
        "instruments/eio/module.yaml",
        "      de: \"Das Formular in einer vom Vollstreckungsstaat akzeptierten Sprache übermitteln\"\n",
        "",
        "remedy:\n      en: \"Send the form in a language",
    ),
    seed(
        Code::RuleNeverLaw,
        "instruments/epoc/module.yaml",
        "  - id: epoc-16-4-c\n",
        "  - id: epoc-16-4-c\n    until: 2020-01-01\n",
        "until: 2020-01-01",
    ),
    seed(
        Code::RuleNeverAsked,
        "instruments/police-informal/module.yaml",
        "  - id: police-informal-39\n",
        "  - id: police-informal-never
    title: {en: \"Searches\"}
    cite: \"cisa art 39\"
    measures: [search]
    effect: oblige
    obligation: {kind: speciality, bound: issuing}

  - id: police-informal-39
",
        "measures: [search]",
    ),
    seed(
        Code::RuleNeverAsked,
        "jurisdictions/us/module.yaml",
        "instruments: [us-uk-data-access]\n    effect: permit",
        "instruments: [eio]\n    effect: permit",
        "instruments: [eio]",
    ),
    seed(
        Code::RuleNeverAsked,
        "instruments/uk-us-mlat/module.yaml",
        "    effect: refer\n",
        "    effect: refer\n    counterparts: [FR]\n",
        "counterparts: [FR]",
    ),
    seed(
        Code::ExceptionNeverMeets,
        "jurisdictions/de/module.yaml",
        "    exception_to: eio-22-2-consent",
        "    exception_to: eio-24-2-consent",
        "exception_to: eio-24-2-consent",
    ),
    seed(
        Code::RuleDuplicate,
        "instruments/dir-2023-977/module.yaml",
        "rules:\n",
        "rules:
  - id: swedish-one
    title: {en: \"Above a year\"}
    cite: \"dir-2023-977 art 6\"
    until: 2026-06-01
    effect: refuse
    when:
      - context.offence.max_penalty_months < 12
      - context.evidence.purpose

  - id: swedish-two
    title: {en: \"Above two years\"}
    cite: \"dir-2023-977 art 6\"
    since: 2026-01-01
    effect: refuse
    when:
      - context.offence.max_penalty_months < 24
      - context.evidence.purpose

",
        "- id: swedish-two",
    ),
    seed(
        Code::BindingBeforeSource,
        "instruments/dir-2012-29/module.yaml",
        "  SE: {since: 2015-11-16}",
        "  SE: {since: 2005-11-16}",
        "SE: {since: 2005-11-16}",
    ),
    seed(
        Code::RuleNeverHolds,
        "instruments/epoc/module.yaml",
        "      - context.objection.hours <= 240\n",
        "      - context.objection.hours <= 240\n      - context.objection.hours > 240\n",
        "context.objection.hours > 240",
    ),
    seed(
        Code::RuleAlwaysLifted,
        "instruments/untoc/module.yaml",
        "      - context.offence.max_penalty_months < 48\n    unless:\n",
        "      - context.offence.max_penalty_months < 48\n    unless:\n      - context.offence.max_penalty_months < 60\n",
        "context.offence.max_penalty_months < 60",
    ),
    seed(
        Code::RuleAlwaysLifted,
        "instruments/mla-2000/module.yaml",
        "    measures: [bank]\n    effect: permit\n",
        "    measures: [bank]\n    effect: permit\n    unless:\n      - context.measure.contains(Measure::\"bank\")\n",
        "context.measure.contains(Measure::\"bank\")",
    ),
    seed(
        Code::LineWithoutEffect,
        "instruments/br-ca-mlat/module.yaml",
        "rules:\n",
        "rules:
  - id: br-ca-always
    title: {en: \"Military or not\"}
    cite: \"br-ca-mlat art 1\"
    effect: refer
    role: executing-authority
    question: {en: \"Does it matter?\"}
    when:
      - context.offence.political
      - context.offence.military || !context.offence.military

",
        "context.offence.military || !",
    ),
    seed(
        Code::LineWithoutEffect,
        "instruments/untoc/module.yaml",
        "rules:\n",
        "rules:
  - id: untoc-never
    title: {en: \"Never less than itself\"}
    cite: \"untoc art 18\"
    effect: refer
    role: executing-authority
    question: {en: \"Does it matter?\"}
    when:
      - context.offence.political
    unless:
      - context.offence.max_penalty_months != context.offence.max_penalty_months

",
        "!= context.offence.max_penalty_months",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/epoc/tests.yaml",
        "tests:\n",
        "tests:
  - id: misspelt
    title: \"Names that are none\"
    request:
      issuing: DE
      executing: FR
      measure: data.subscribr
      facts:
        offence.militery: true
        proceedings: criminl
    expect:
      outcome: APPROVED
      absent: [epoc-12-1-aa]
      missing: [dual_criminalty]

",
        "data.subscribr",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/epoc/tests.yaml",
        "",
        "",
        "offence.militery",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/epoc/tests.yaml",
        "",
        "",
        "criminl",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/epoc/tests.yaml",
        "",
        "",
        "epoc-12-1-aa",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/epoc/tests.yaml",
        "",
        "",
        "dual_criminalty",
    ),
    seed(
        Code::RuleShadowed,
        "instruments/tca/module.yaml",
        "  - id: tca-1-2-military\n",
        "  - id: tca-military-grave
    title: {en: \"Grave offences under military law\"}
    cite: \"ets-30 art 1(2)\"
    measures: [search]
    effect: refuse
    when:
      - context.offence.military == true && context.offence.max_penalty_months >= 12

  - id: tca-1-2-military
",
        "- id: tca-military-grave",
    ),
    seed(
        Code::WithoutLanguages,
        "instruments/tca/module.yaml",
        "  FR: {since: 2021-01-01, languages: [fr]",
        "  FR: {since: 2021-01-01",
        "  FR: {since: 2021-01-01",
    ),
    seed(
        Code::FilterWithoutEffect,
        "instruments/budapest/module.yaml",
        "measures: [data, interception]",
        "measures: [data, interception, search]",
        "interception, search]",
    ),
    seed(
        Code::ScenarioUnknownName,
        "instruments/eio/tests.yaml",
        "authority: sta-berlin",
        "authority: sta-berlim",
        "authority: sta-berlim",
    ),
    seed(
        Code::ScenarioUnknownName,
        "jurisdictions/de/tests.yaml",
        "tests:\n",
        "tests:
  - id: unknown
    title: \"An offence that is none\"
    request: {issuing: DE, executing: FR, measure: data.subscriber, offences: [{provision: \"StGB 236\"}]}
    expect: {outcome: APPROVED}
",
        "StGB 236",
    ),
    seed(
        Code::CalendarMissing,
        "jurisdictions/ee/module.yaml",
        "calendars/EE.yaml",
        "",
        "module: jurisdiction/EE",
    ),
    seed(
        Code::FormNeverAsked,
        "instruments/jit/module.yaml",
        "    for: [team.set-up, team.use-of-evidence]\n",
        "    for: [hearing.video]\n",
        "for: [hearing.video]",
    ),
    seed(
        Code::FactNeverRead,
        "vocabulary.yaml",
        "  # States.\n",
        "  persons.famous: {type: truth, stated_by: requester, title: {en: \"Famous\"}}\n  # States.\n",
        "persons.famous",
    ),
    seed(
        Code::SourceNeverCited,
        "sources.yaml",
        "  # Germany.\n",
        "  eu-forgotten: {title: {en: \"An act that nobody cites\"}}\n  # Germany.\n",
        "eu-forgotten",
    ),
    seed(
        Code::TagNeverUsed,
        "measures.yaml",
        "  future-data:\n",
        "  past-data: {title: {en: \"Data that no longer exist\"}}\n  future-data:\n",
        "past-data",
    ),
    seed(
        Code::RuleNeverAsked,
        "instruments/eio/module.yaml",
        "    effect: clock\n    clock: {measures: decide, length: 24,",
        "    instruments: [tca]\n    effect: clock\n    clock: {measures: decide, length: 24,",
        "instruments: [tca]",
    ),
    seed(
        Code::CalendarNeverUsed,
        "calendars/LV.yaml",
        "",
        "calendar: LV\ntime_zone: Europe/Riga\nholidays: []\n",
        "calendar: LV",
    ),
    seed(
        Code::WordNearlyAnother,
        "jurisdictions/fr/module.yaml",
        "role: executing-judge",
        "role: executing-jugde",
        "role: executing-jugde",
    ),
    // The scenarios that expect it under its name are not to blame.
    seed(
        Code::WordNearlyAnother,
        "instruments/epoc/module.yaml",
        "measures: validate,",
        "measures: valitade,",
        "measures: valitade",
    ),
    seed(
        Code::FilterWithoutEffect,
        "instruments/led/module.yaml",
        "rules:\n",
        "rules:\n  - id: led-empty
    title: {en: \"For nothing in particular\"}
    cite: \"led-2016-680 art 4(2)\"
    measures: []
    effect: oblige
    obligation: {kind: speciality, bound: issuing}

",
        "measures: []",
    ),
    seed(
        Code::ScenarioContradiction,
        "jurisdictions/se/tests.yaml",
        "tests:\n",
        "tests:
  - id: contradiction
    title: \"Expects what it does not, and supposes a time that ends before it begins\"
    suppose: {binds: {eio: {SE: {since: 2026-01-01, until: 2025-01-01}}}}
    request: {issuing: SE, executing: FR, measure: search}
    expect: {outcome: INCOMPLETE, rules: [eio-5-3], absent: [eio-5-3], requirements: [eio-5-1-form]}

",
        "until: 2025-01-01",
    ),
    seed(
        Code::ScenarioContradiction,
        "jurisdictions/se/tests.yaml",
        "",
        "",
        "absent: [eio-5-3]",
    ),
    seed(
        Code::ScenarioUnknownName,
        "jurisdictions/se/tests.yaml",
        "",
        "",
        "requirements: [eio-5-1-form]",
    ),
    seed(
        Code::ConditionCut,
        "instruments/cisa/module.yaml",
        "      - context.proceedings != Proceedings::\"enforcement-of-sentence\"\n",
        "      - context.proceedings != Proceedings::\"enforcement-of-sentence\" # && context.urgency\n",
        "# && context.urgency",
    ),
    seed(
        Code::ExceptionToPermit,
        "jurisdictions/nl/module.yaml",
        "exception_to: eio-9-3\n",
        "exception_to: eio-9-1\n",
        "exception_to: eio-9-1",
    ),
    seed(
        Code::LawGap,
        "instruments/interpol/module.yaml",
        "    effect: permit\n",
        "    until: 2027-01-01\n    effect: permit\n",
        "until: 2027-01-01",
    ),
    seed(
        Code::CitationUnusual,
        "instruments/cisa/module.yaml",
        "    cite: \"cisa art 53\"",
        "    cite: \"cisa Article 53\"",
        "cisa Article 53",
    ),
    seed(
        Code::AuthorityIdle,
        "jurisdictions/dk/authorities.yaml",
        "    may_search_persons: true\n",
        "",
        "- id: datatilsynet",
    ),
    seed(
        Code::HolidayTwice,
        "calendars/IE.yaml",
        "day: \"12-26\"}",
        "day: \"12-25\"}",
        "Saint Stephen's Day",
    ),
    seed(
        Code::DayUnlikely,
        "instruments/led/module.yaml",
        "      checked: 2026-11-23",
        "      checked: 1026-11-23",
        "checked: 1026-11-23",
    ),
    seed(
        Code::FilterWithoutEffect,
        "instruments/dir-2011-36/module.yaml",
        "reroute: [dir-2012-29]",
        "reroute: [dir-2011-36]",
        "reroute: [dir-2011-36]",
    ),
    seed(
        Code::FilterWithoutEffect,
        "jurisdictions/nl/module.yaml",
        "{measures: [police], prefer:",
        "{measures: [police], counterparts: [], prefer:",
        "counterparts: []",
    ),
    seed(
        Code::FilterWithoutEffect,
        "instruments/uncac/module.yaml",
        "    effect: permit\n",
        "    effect: permit\n    when: []\n",
        "when: []",
    ),
    seed(
        Code::LawGap,
        "instruments/vienna-1988/module.yaml",
        "rules:\n",
        "rules:
  - id: vienna-death-old
    title: {en: \"Death, until the end of 2025\"}
    cite: \"vienna-1988 art 7\"
    until: 2026-01-01
    effect: may-refuse
    when:
      - context.offence.death_possible

  - id: vienna-death-new
    title: {en: \"Death, since the spring\"}
    cite: \"vienna-1988 art 7\"
    since: 2026-03-01
    effect: may-refuse
    when:
      - context.offence.death_possible

",
        "since: 2026-03-01",
    ),
    seed(
        Code::RuleNeverHolds,
        "instruments/vienna-1988/module.yaml",
        "rules:\n",
        "rules:
  - id: vienna-less-than-nothing
    title: {en: \"Less than nothing\"}
    cite: \"vienna-1988 art 7\"
    effect: may-refuse
    when:
      - context.offence.max_penalty_months < 0

",
        "context.offence.max_penalty_months < 0",
    ),
    seed(
        Code::ExceptionNeverMeets,
        "jurisdictions/pl/module.yaml",
        "rules:\n",
        "rules:
  - id: pl-never-beside
    title: {en: \"An offence in both States\"}
    cite: \"dir-2014-41 art 11(1)(g)\"
    stage: inbound
    instruments: [eio]
    effect: refuse
    exception_to: eio-11-1-g
    when:
      - context.dual_criminality == true

",
        "exception_to: eio-11-1-g",
    ),
];
