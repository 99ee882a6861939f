//! Seeds in modules and registers.

use comity_policy::Code;

use super::{Seed, seed};

/// Mistakes in modules and registers.
pub(super) const MODULES: &[Seed] = &[
    seed(
        Code::UnknownKey,
        "instruments/mla-2000/module.yaml",
        "    confidence: low\n    effect: may-refuse",
        "    confidense: low\n    effect: may-refuse",
        "confidense",
    ),
    seed(
        Code::WrongType,
        "instruments/jit/module.yaml",
        "rank: 35",
        "rank: ten",
        "rank: ten",
    ),
    seed(
        Code::WrongValue,
        "instruments/led/module.yaml",
        "status: in-force",
        "status: inforce",
        "status: inforce",
    ),
    seed(
        Code::MissingKey,
        "instruments/uncac/module.yaml",
        "    effect: permit\n",
        "",
        "- id: uncac-46",
    ),
    seed(
        Code::MisplacedKey,
        "instruments/interpol/module.yaml",
        "    effect: permit\n",
        "    effect: permit\n    remedy: {en: \"Ask again\"}\n",
        "remedy: {en: \"Ask again\"}",
    ),
    seed(
        Code::Restatement,
        "instruments/vienna-1988/form.schema.json",
        "\"restates\": \"persons[].role\"",
        "\"restates\": \"person.role\"",
        "person.role",
    ),
    seed(
        Code::ConditionType,
        "instruments/epoc/module.yaml",
        "context.objection.hours <= 240\n    unless",
        "context.objection.hours <= \"240\"\n    unless",
        "<= \"240\"",
    ),
    seed(
        Code::ConditionSyntax,
        "instruments/ets-30/module.yaml",
        "- context.persons.suspect_below_criminal_age\n",
        "- context.persons.suspect_below_criminal_age &&\n",
        "below_criminal_age &&",
    ),
    seed(
        Code::ConditionSyntax,
        "instruments/uncac/module.yaml",
        "- context.dual_criminality == false\n",
        "- not context.dual_criminality\n",
        "not context",
    ),
    seed(
        Code::ConditionType,
        "instruments/eu-japan-mla/module.yaml",
        "- context.dual_criminality == false\n",
        "- context.urgency == \"emergency\"\n",
        "== \"emergency\"",
    ),
    seed(
        Code::UnknownValue,
        "instruments/eu-japan-mla/module.yaml",
        "binds:\n",
        "binds:\n  XR: {since: 2020-01-01}\n",
        "XR: {",
    ),
    seed(
        Code::ConditionForbidden,
        "instruments/cisa/module.yaml",
        "      - context.",
        "      - context has dual_criminality\n      - context.",
        "context has",
    ),
    seed(
        Code::TooLarge,
        "instruments/untoc/module.yaml",
        "- context.offence.max_penalty_months < 48",
        "- ((((((((((((((((((((((((((((((((((context.offence.max_penalty_months < 48))))))))))))))))))))))))))))))))))",
        "((((((((((((((((((((((((((((((((((",
    ),
    seed(
        Code::UnknownFact,
        "instruments/tca/module.yaml",
        "- context.offence.military\n",
        "- context.offence.militery\n",
        "militery",
    ),
    seed(
        Code::UnknownSource,
        "instruments/eio/module.yaml",
        "languages: [de], cite: \"dir-2014-41 art 5(2)\"",
        "languages: [de], cite: \"dir-2014-14 art 5(2)\"",
        "dir-2014-14",
    ),
    seed(
        Code::UnknownValue,
        "instruments/dir-2023-977/module.yaml",
        "starts: received",
        "starts: recieved",
        "recieved",
    ),
    seed(
        Code::MalformedCitation,
        "instruments/eio/module.yaml",
        "cite: [\"dir-2014-41 art 6(1)(b)\"",
        "cite: [\"dir-2014-41 artcile 6(1)(b)\"",
        "artcile 6",
    ),
    seed(
        Code::MalformedCitation,
        "instruments/led/module.yaml",
        "  - id: led-",
        "  - id: led-open
    title: {en: \"A bracket that nothing closes\"}
    cite: \"led-2016-680 art 35(1\"
    effect: permit

  - id: led-",
        "art 35(1\"",
    ),
    seed(
        Code::MalformedCitation,
        "instruments/budapest/module.yaml",
        "cite: \"ets-185 art ",
        "cite: \"ets-185 TODO art ",
        "TODO art ",
    ),
    seed(
        Code::WrongValue,
        "instruments/police-informal/tests.yaml",
        "tests:\n",
        "tests:
  - id: misspelt
    title: \"A kind of obligation that is none\"
    request: {issuing: DE, executing: FR, measure: police.information}
    expect: {outcome: APPROVED, obligations: [specialty]}

",
        "[specialty]",
    ),
    seed(
        Code::DuplicateName,
        "instruments/jit/tests.yaml",
        "tests:\n",
        "tests:
  - id: twice
    title: \"One\"
    request: {issuing: DE, executing: FR, measure: data.content}
    expect: {outcome: APPROVED}

  - id: twice # again
    title: \"Another\"
    request: {issuing: DE, executing: FR, measure: data.content}
    expect: {outcome: APPROVED}

",
        "twice # again",
    ),
    seed(
        Code::WrongValue,
        "calendars/JP.yaml",
        "month: 1, weekday",
        "month: 13, weekday",
        "month: 13",
    ),
    seed(
        Code::WrongValue,
        "instruments/pruem-2/tests.yaml",
        "    title: \"",
        "    title: \"\" # was \"",
        "title: \"\"",
    ),
    seed(
        Code::UnknownMeasure,
        "instruments/dir-2011-36/module.yaml",
        "include: [",
        "include: [victm, ",
        "victm",
    ),
    seed(
        Code::UnknownInstrument,
        "jurisdictions/pl/module.yaml",
        "prefer: [dir-2023-977, police-informal]",
        "prefer: [dir-2023-799, police-informal]",
        "dir-2023-799",
    ),
    seed(
        Code::UnknownRule,
        "jurisdictions/fr/module.yaml",
        "exception_to: eio-11-1-a\n",
        "exception_to: eio-11-1-aa\n",
        "eio-11-1-aa",
    ),
    seed(
        Code::UnknownAuthority,
        "jurisdictions/se/module.yaml",
        "central_authority: se-ju",
        "central_authority: se-jo",
        "se-jo",
    ),
    seed(
        Code::DuplicateName,
        "jurisdictions/ee/module.yaml",
        "- id: ee-out-incompetent",
        "- id: ee-out",
        "- id: ee-out\n    title:\n      en: \"The authority",
    ),
    seed(
        Code::WrongFolder,
        "jurisdictions/dk/offences.yaml",
        "jurisdiction: DK",
        "jurisdiction: DE",
        "jurisdiction: DE",
    ),
    seed(
        Code::EmptyPeriod,
        "instruments/eu-us-mla/module.yaml",
        "  DE: {since: 2010-02-01,",
        "  DE: {since: 2010-02-01, until: 2009-02-01,",
        "until: 2009-02-01",
    ),
    seed(
        Code::ExceptionWithinModule,
        "jurisdictions/de/module.yaml",
        "exception_to: eio-22-2-consent",
        "exception_to: de-91e-security",
        "exception_to: de-91e-security",
    ),
    seed(
        Code::ExceptionToException,
        "jurisdictions/se/module.yaml",
        "exception_to: eio-11-1-a-press",
        "exception_to: us-uk-da-8-4-death",
        "exception_to: us-uk-da-8-4-death",
    ),
    seed(
        Code::NotAtDisclosure,
        "jurisdictions/jp/module.yaml",
        "    effect: oblige\n    when:\n      - context.offence.categories.contains(Category::\"D03\") || (context.persons.roles.contains(PersonRole::\"victim\") && context.offence.trafficking_in_persons)\n    obligation: {kind: handling-code, bound: issuing, parameters: {code: H2}}",
        "    effect: refuse\n    when:\n      - context.offence.categories.contains(Category::\"D03\") || (context.persons.roles.contains(PersonRole::\"victim\") && context.offence.trafficking_in_persons)\n",
        "    effect: refuse\n    when:\n      - context.offence.categories.contains(Category::\"D03\") ||",
    ),
    seed(
        Code::BoundAndNotBound,
        "instruments/cets-224/module.yaml",
        "  DE: {since: 2022-05-12}\n",
        "  DE: {since: 2022-05-12}\n  CH: {since: 2022-05-12}\n",
        "  CH: {cite:",
    ),
    seed(
        Code::MutualPrecedence,
        "instruments/eio/module.yaml",
        "prevails_over:\n",
        "prevails_over:\n  - {instrument: reg-2018-1805, cite: \"dir-2014-41 art 32\"}\n",
        "- {instrument: reg-2018-1805",
    ),
    // The other half of it.
    seed(
        Code::MutualPrecedence,
        "instruments/reg-2018-1805/module.yaml",
        "",
        "",
        "- {instrument: eio",
    ),
    seed(
        Code::ClockNeverStarts,
        "instruments/pruem-2/module.yaml",
        "starts: match-confirmed",
        "starts: lapsed",
        "starts: lapsed",
    ),
    seed(
        Code::WithoutConfirmer,
        "jurisdictions/us/module.yaml",
        "confirmer: executing-authority, ",
        "",
        "kind: retain-until",
    ),
    seed(
        Code::WrongConfirmer,
        "jurisdictions/ch/module.yaml",
        "bound: issuing, confirmer: issuing-authority",
        "bound: issuing, confirmer: executing-authority",
        "bound: issuing, confirmer: executing-authority",
    ),
    seed(
        Code::WrongParameter,
        "jurisdictions/nl/module.yaml",
        "parameters: {path: \"$..persons[?(@.role=='victim' ||",
        "parameters: {path: \"$..persons[?(@.role=='victim' |",
        "$..persons[?(@.role=='victim' |",
    ),
    seed(
        Code::UnknownRule,
        "exercises/fraud/exercise.yaml",
        "rules: [mla-2000-23]",
        "rules: [mla-2000-32]",
        "mla-2000-32",
    ),
    seed(
        Code::UnknownAuthority,
        "exercises/ransomware/exercise.yaml",
        "authority: tj-paris-ji",
        "authority: tj-paris-jj",
        "tj-paris-jj",
    ),
    seed(
        Code::DuplicateName,
        "exercises/ransomware/exercise.yaml",
        "- id: notified",
        "- id: threshold # again",
        "threshold # again",
    ),
    seed(
        Code::WrongValue,
        "exercises/ransomware/exercise.yaml",
        "has: [\"$.selectors[*].from\"",
        "has: [\"$.selectors[*.from\"",
        "selectors[*.from",
    ),
    seed(
        Code::WrongValue,
        "exercises/trafficking/exercise.yaml",
        "start: freeze",
        "start: thaw",
        "start: thaw",
    ),
    seed(
        Code::UnknownFact,
        "exercises/trafficking/exercise.yaml",
        "context.persons.consent == true",
        "context.persons.consnt == true",
        "consnt",
    ),
    seed(
        Code::UnknownKey,
        "instruments/untoc/form.schema.json",
        "      \"required\": [\n        \"name\"",
        "      \"requird\": [\n        \"name\"",
        "requird",
    ),
    seed(
        Code::UnknownKey,
        "instruments/uncac/form.schema.json",
        "\"restates\": {\"field\": \"measure\", \"as\": {\"information\"",
        "\"x-restates\": {\"field\": \"measure\", \"as\": {\"information\"",
        "x-restates",
    ),
    seed(
        Code::BrokenSchema,
        "instruments/eio/annex-c.schema.json",
        "\"signature\"],\n  \"properties\": {\n",
        "\"signature\"],\n  \"properties\": {\n    \"a\": {\"$ref\": \"#\"}, \"b\": {\"$ref\": \"#\"}, \"c\": {\"$ref\": \"#\"},\n",
        "\"properties\"",
    ),
    seed(
        Code::BrokenSchema,
        "instruments/eio/form.schema.json",
        "    \"signature\"\n  ],",
        "    \"signatur\"\n  ],",
        "\"signatur\"",
    ),
    seed(
        Code::WrongValue,
        "instruments/domestic-mla/module.yaml",
        "status: in-force",
        "status: not-in-force",
        "status: not-in-force",
    ),
    seed(
        Code::WrongValue,
        "instruments/budapest/module.yaml",
        "starts: concluded, stops: [production-requested, ",
        "starts: concluded, stops: [concluded, ",
        "stops: [concluded, ",
    ),
    seed(
        Code::UnknownValue,
        "calendars/EE.yaml",
        "Europe/Tallinn",
        "Europe/Talinn",
        "Europe/Talinn",
    ),
    seed(
        Code::WrongValue,
        "instruments/tca/module.yaml",
        "  FR: {since: 2021-01-01, languages: [fr]",
        "  FR: {since: 2021-01-01, languages: [dk]",
        "languages: [dk]",
    ),
    seed(
        Code::WrongValue,
        "jurisdictions/it/offences.yaml",
        "title: {en: \"Drug trafficking\", it:",
        "title: {en: \"Drug trafficking\", ge:",
        "ge: \"Produzione",
    ),
    seed(
        Code::UnknownField,
        "instruments/eio/module.yaml",
        "    field: language\n",
        "    field: langage\n",
        "field: langage",
    ),
    seed(
        Code::UnknownField,
        "jurisdictions/de/module.yaml",
        "    field: validation\n",
        "    field: persons.consent\n",
        "field: persons.consent",
    ),
    seed(
        Code::UnknownField,
        "instruments/uncac/module.yaml",
        "    field: language\n",
        "    field: form.requesting_authority.nane\n",
        "field: form.requesting",
    ),
];
