//! A small library of two instruments and two States, and requests for it.

use std::{fs, path::Path, sync::Arc};

use comity_domain::{
    Decision, Executing, FactSource, FactValue, Facts, Issuing, Offence, Request, Stated, Urgency,
};
use tempfile::TempDir;

use crate::{FormCheck, Library, Question, Report, Verdict};

const FILES: &[(&str, &str)] = &[
    (
        "vocabulary.yaml",
        r#"
types:
  State: [DE, FR, IE, NL, other]
  AuthorityKind: [judge, prosecutor, police]
  Urgency: [routine, urgent, emergency]
  Category: [D08, D20]
  PersonRole: [suspect, victim, witness, third-party]
  DeathPenalty: [abolished, wartime, retained]
  AssuranceKind: [no-death-penalty]
events:
  received: {produced_by: gateway, title: {en: Received}}
  acknowledged: {produced_by: executing, title: {en: Acknowledged}}
  decided: {produced_by: executing, title: {en: Decided}}
  concluded: {produced_by: executing, title: {en: Concluded}}
facts:
  issuing.state: {type: State, stated_by: gateway, title: {en: State that asks}}
  executing.state: {type: State, stated_by: gateway, title: {en: State that is asked}}
  measure: {type: set of Measure, stated_by: gateway, title: {en: Measure}}
  urgency: {type: Urgency, stated_by: gateway, title: {en: Urgency}}
  assurances: {type: set of AssuranceKind, stated_by: gateway, title: {en: Assurances}}
  language: {type: text, stated_by: requester, title: {en: Language}}
  language_accepted: {type: truth, stated_by: register, title: {en: Language accepted}}
  basis.treaty: {type: truth, stated_by: requester, title: {en: A treaty governs}}
  issuing.authority_kind: {type: AuthorityKind, stated_by: register, title: {en: Kind of issuer}}
  issuing.competent: {type: truth, stated_by: register, title: {en: Competent}}
  issuing.validated: {type: truth, stated_by: gateway, title: {en: Validated}}
  offence.annex_d: {type: truth, stated_by: requester, title: {en: Ticked}}
  offence.categories: {type: set of Category, stated_by: requester, title: {en: Categories}}
  offence.max_penalty_months:
    type: number
    stated_by: requester
    title: {en: Maximum penalty}
    ask: {en: State the maximum penalty, fr: Indiquez la peine maximale}
  offence.death_possible: {type: truth, stated_by: requester, title: {en: Death possible}}
  offence.committed: {type: day, stated_by: requester, title: {en: Day of the offence}}
  offence.political:
    type: truth
    stated_by: executing
    title: {en: Political}
    presume: {value: false, because: {en: Nobody has raised it}, cite: act art 9}
  dual_criminality:
    type: truth
    stated_by: executing
    role: executing-judge
    title: {en: Offence in both States}
    ask: {en: Is it an offence here too?}
  persons.minor:
    type: truth
    stated_by: requester
    title: {en: A minor}
    presume: {value: false, because: {en: Nothing shows a minor}}
  persons.roles: {type: set of PersonRole, stated_by: gateway, title: {en: Roles}}
"#,
    ),
    (
        "measures.yaml",
        r#"
tags:
  coercive: {title: {en: Coercive}, cite: act art 2}
measures:
  data: {title: {en: Data}}
  data.traffic: {title: {en: Traffic data}, tags: [coercive]}
  hearing: {title: {en: Hearing}}
  team: {title: {en: Team}}
"#,
    ),
    (
        "sources.yaml",
        "sources:\n  act: {title: {en: The Act}, url: https://law.example/act}\n",
    ),
    (
        "calendars/FR.yaml",
        r#"
calendar: FR
time_zone: Europe/Paris
holidays:
  - {title: {en: Christmas Day}, day: 12-25}
"#,
    ),
    (
        "instruments/order/module.yaml",
        r#"
module: instrument/order
title: {en: The Order}
source: act
status: in-force
rank: 10
binding_cite: act art 36
binds:
  DE: {since: 2017-05-22, languages: [de]}
  FR: {since: 2017-05-22, languages: [fr]}
not_bound:
  IE: {cite: act rec 44, note: {en: opted out}, checked: 2026-01-01}
measures:
  include: [all]
  exclude: [{measure: team, cite: act art 3}]
prevails_over: [{instrument: treaty, cite: act art 34}]
form: {cite: act art 5, title: {en: Annex A}}
rules:
  - {id: order-permit, title: {en: The Order applies, fr: La décision s'applique}, cite: act art 1, effect: permit}
"#,
    ),
    (
        "instruments/order/form.schema.json",
        r#"{"type": "object", "required": ["place"],
            "properties": {"place": {"type": "object", "required": ["city"],
                                     "properties": {"city": {"type": "string"}}}}}"#,
    ),
    (
        "instruments/treaty/module.yaml",
        r#"
module: instrument/treaty
title: {en: The Treaty}
source: act
status: in-force
rank: 50
binds:
  DE: {since: 1980-01-01, languages: [de]}
  FR: {since: 1980-01-01, languages: [fr], until: 2030-01-01}
measures: {include: [data, team]}
rules:
  - {id: treaty-permit, title: {en: The Treaty applies}, cite: act art 1, effect: permit}
"#,
    ),
    (
        "jurisdictions/de/module.yaml",
        r#"
module: jurisdiction/DE
title: {en: Germany}
source: act
profile: {languages: [de], death_penalty: abolished}
rules:
  - {id: de-out, title: {en: May ask}, cite: act art 1, stage: outbound, effect: permit}
"#,
    ),
    (
        "jurisdictions/de/authorities.yaml",
        r#"
jurisdiction: DE
authorities:
  - {id: sta, title: {en: Prosecutor}, kind: prosecutor, may_issue: [data], cite: act art 2}
"#,
    ),
    (
        "jurisdictions/de/offences.yaml",
        r#"
jurisdiction: DE
offences:
  - {provision: StGB 263, title: {en: Fraud}, max_penalty_months: 60, iccs: "0701", confidence: high, checked: 2026-01-01}
  - {provision: StGB 242, title: {en: Theft}, max_penalty_months: 60, iccs: "0502", confidence: medium, checked: 2026-01-01}
"#,
    ),
    (
        "jurisdictions/fr/module.yaml",
        r#"
module: jurisdiction/FR
title: {en: France}
source: act
profile: {languages: [fr], death_penalty: abolished, criminal_age: 13}
rules:
  - {id: fr-in, title: {en: May help}, cite: act art 1, stage: inbound, effect: permit}
"#,
    ),
    (
        "jurisdictions/fr/authorities.yaml",
        r#"
jurisdiction: FR
authorities:
  - {id: tj, title: {en: Court}, kind: judge, may_issue: [all], may_execute: [data], cite: act art 2}
"#,
    ),
    (
        "jurisdictions/fr/offences.yaml",
        r#"
jurisdiction: FR
offences:
  - {provision: CP 313-1, title: {en: Fraud}, max_penalty_months: 60, iccs: "0701", confidence: high, checked: 2026-01-01}
  - {provision: CP 311-1, title: {en: Theft}, max_penalty_months: 36, iccs: "0502", confidence: high, checked: 2026-01-01}
"#,
    ),
];

pub(super) const ORDER: &str = "instruments/order/module.yaml";
pub(super) const TREATY: &str = "instruments/treaty/module.yaml";
pub(super) const DE: &str = "jurisdictions/de/module.yaml";
pub(super) const FR: &str = "jurisdictions/fr/module.yaml";

/// The small library with text added at the end of files: further rules.
pub(super) fn library(additions: &[(&str, &str)]) -> Library {
    edited(additions, &[])
}

/// The small library with further rules of the order, whose form may be
/// sealed, and with scenarios beside it.
pub(super) fn with_tests(rules: &str, scenarios: &str) -> Library {
    let place = "\"properties\": {\"place\"";
    let form = "\"properties\": {\"sealed\": {\"type\": \"boolean\"}, \"place\"";
    let edits = [("instruments/order/form.schema.json", place, form)];
    load(&[(ORDER, rules)], &edits, &[(TESTS, scenarios)])
}

const TESTS: &str = "instruments/order/tests.yaml";

/// The small library with text added, also as further files, and each `(file, from, to)` replaced.
pub(super) fn edited(additions: &[(&str, &str)], edits: &[(&str, &str, &str)]) -> Library {
    load(additions, edits, &[])
}

/// What is found in the library that [`edited`] makes.
pub(super) fn report(additions: &[(&str, &str)], edits: &[(&str, &str, &str)]) -> Report {
    Library::check(folder(additions, edits, &[]).path()).1
}

fn load(
    additions: &[(&str, &str)],
    edits: &[(&str, &str, &str)],
    more: &[(&str, &str)],
) -> Library {
    let dir = folder(additions, edits, more);
    Library::load(dir.path()).unwrap_or_else(|report| panic!("{report}"))
}

fn folder(
    additions: &[(&str, &str)],
    edits: &[(&str, &str, &str)],
    more: &[(&str, &str)],
) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/schema");
    for entry in fs::read_dir(schemas).unwrap() {
        let file = entry.unwrap();
        let path = format!("schema/{}", file.file_name().display());
        put(dir.path(), &path, &fs::read_to_string(file.path()).unwrap());
    }
    for (path, text) in FILES {
        let mut text = text.trim_start().to_owned();
        for (_, addition) in additions.iter().filter(|(file, _)| file == path) {
            text.push_str(addition);
            text.push('\n');
        }
        for (_, from, to) in edits.iter().filter(|(file, ..)| file == path) {
            assert!(text.contains(from), "`{from}` is not in {path}");
            text = text.replacen(from, to, 1);
        }
        put(dir.path(), path, &text);
    }
    let known = |path: &str| FILES.iter().any(|(file, _)| *file == path);
    let further = additions.iter().filter(|(path, _)| !known(path));
    for (path, text) in further.chain(more) {
        put(dir.path(), path, text);
    }
    dir
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A request for traffic data from Germany to France that nothing stands
/// against.
pub(super) fn request() -> Request {
    Request {
        id: "small".parse().unwrap(),
        issuing: Issuing("DE".parse().unwrap()),
        issuing_authority: "sta".parse().unwrap(),
        executing: Executing("FR".parse().unwrap()),
        executing_authority: None,
        instrument: None,
        measure: "data.traffic".parse().unwrap(),
        offences: vec![offence("StGB 1")],
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: Urgency::Routine,
        purpose_stated: true,
        language: Some(Arc::from("fr")),
        validation: None,
        assurances: Vec::new(),
        facts: Facts::new(),
        issued_at: "2026-11-23T11:00:00Z".parse().unwrap(),
        exercise: false,
        information: Vec::new(),
        source: None,
    }
}

pub(super) fn offence(provision: &str) -> Offence {
    Offence {
        provision: Arc::from(provision),
        ..Offence::default()
    }
}

/// The request with facts stated by one source.
pub(super) fn stating(source: FactSource, facts: &[(&str, FactValue)]) -> Request {
    let mut request = request();
    for (name, value) in facts {
        let value = value.clone();
        request
            .facts
            .insert(Arc::from(*name), Stated { value, source });
    }
    request
}

pub(super) fn verdict(library: &Library, request: &Request) -> Verdict {
    library.decide(&Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings: &[],
    })
}

pub(super) fn decide(library: &Library, request: &Request) -> Decision {
    verdict(library, request).decision
}
