//! A small law whose outcome the reference can tell: a claim to be proved by the
//! requester, a question for one human and a question for two.

use std::{fs, path::Path};

use comity::v1::{self, fact_value::Value};
use comity_policy::Library;
use jiff::Timestamp;

use crate::wire::to_proto;

use super::reference::Facts;

const FILES: &[(&str, &str)] = &[
    (
        "vocabulary.yaml",
        r"
types:
  State: [DE, FR, other]
  AuthorityKind: [judge, prosecutor]
  Urgency: [routine, urgent, emergency]
  Category: [D20]
  PersonRole: [suspect, victim, witness, third-party]
  DeathPenalty: [abolished, wartime, retained]
  AssuranceKind: [no-death-penalty]
events:
  received: {produced_by: gateway, title: {en: Received}}
facts:
  issuing.state: {type: State, stated_by: gateway, title: {en: State that asks}}
  executing.state: {type: State, stated_by: gateway, title: {en: State that is asked}}
  measure: {type: set of Measure, stated_by: gateway, title: {en: Measure}}
  claim.proved: {type: truth, stated_by: requester, title: {en: Proved}}
  ground.raised:
    type: truth
    stated_by: executing
    title: {en: Raised}
    presume: {value: false, because: {en: Nobody has raised it}}
  ground.grave:
    type: truth
    stated_by: executing
    title: {en: Grave}
    presume: {value: false, because: {en: Nobody has raised it}}
",
    ),
    ("measures.yaml", "measures:\n  data: {title: {en: Data}}\n"),
    ("sources.yaml", "sources:\n  act: {title: {en: The Act}}\n"),
    (
        "instruments/order/module.yaml",
        r"
module: instrument/order
title: {en: The Order}
source: act
status: in-force
rank: 10
binding_cite: act art 36
binds:
  DE: {since: 2017-05-22, languages: [de]}
  FR: {since: 2017-05-22, languages: [fr]}
measures: {include: [all]}
rules:
  - {id: order-permit, title: {en: The Order applies}, cite: act art 1, effect: permit}
  - id: order-claim
    title: {en: The claim is not proved}
    cite: act art 2
    effect: refuse
    when: [context.claim.proved == false]
  - id: order-raised
    title: {en: Something is raised}
    cite: act art 3
    effect: refer
    role: executing-authority
    question: {en: Is it so?}
    when: [context.ground.raised == true]
  - id: order-grave
    title: {en: Something grave is raised}
    cite: act art 4
    effect: refer
    role: executing-judge
    question: {en: Is it so grave?}
    four_eyes: true
    when: [context.ground.grave == true]
",
    ),
    (
        "jurisdictions/de/module.yaml",
        r"
module: jurisdiction/DE
title: {en: Germany}
source: act
profile: {languages: [de], death_penalty: abolished}
rules:
  - {id: de-out, title: {en: May ask}, cite: act art 1, stage: outbound, effect: permit}
",
    ),
    (
        "jurisdictions/de/authorities.yaml",
        r"
jurisdiction: DE
authorities:
  - {id: sta, title: {en: Prosecutor}, kind: prosecutor, may_issue: [data], cite: act art 2}
",
    ),
    (
        "jurisdictions/de/offences.yaml",
        "jurisdiction: DE\noffences: []\n",
    ),
    (
        "jurisdictions/fr/module.yaml",
        r"
module: jurisdiction/FR
title: {en: France}
source: act
profile: {languages: [fr], death_penalty: abolished}
rules:
  - {id: fr-in, title: {en: May help}, cite: act art 1, stage: inbound, effect: permit}
",
    ),
    (
        "jurisdictions/fr/authorities.yaml",
        r"
jurisdiction: FR
authorities:
  - {id: tj, title: {en: Court}, kind: judge, may_execute: [data], cite: act art 2}
",
    ),
    (
        "jurisdictions/fr/offences.yaml",
        "jurisdiction: FR\noffences: []\n",
    ),
];

/// The law, read from files as any other.
pub(super) fn library() -> Library {
    let dir = tempfile::tempdir().unwrap();
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies/schema");
    for entry in fs::read_dir(schemas).unwrap() {
        let file = entry.unwrap();
        let path = format!("schema/{}", file.file_name().display());
        put(dir.path(), &path, &fs::read_to_string(file.path()).unwrap());
    }
    for (path, text) in FILES {
        put(dir.path(), path, text.trim_start());
    }
    Library::load(dir.path()).unwrap_or_else(|report| panic!("{report}"))
}

fn put(dir: &Path, path: &str, text: &str) {
    let path = dir.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A request that states these facts.
pub(super) fn request(id: &str, facts: Facts, now: Timestamp) -> v1::CooperationRequest {
    v1::CooperationRequest {
        request_id: id.to_owned(),
        issuing: Some(v1::IssuingParty {
            jurisdiction: "DE".to_owned(),
            authority: "sta".to_owned(),
            responsible: None,
        }),
        executing: Some(v1::ExecutingParty {
            jurisdiction: "FR".to_owned(),
            authority: String::new(),
        }),
        measure: "data".to_owned(),
        offences: vec![v1::Offence {
            provision: "StGB 263".to_owned(),
            ..v1::Offence::default()
        }],
        language: "fr".to_owned(),
        facts: stated(facts),
        issued_at: Some(to_proto::timestamp(now)),
        ..v1::CooperationRequest::default()
    }
}

/// What is stated of these facts: nothing of what nobody raised.
pub(super) fn stated(facts: Facts) -> std::collections::BTreeMap<String, v1::FactValue> {
    let Facts {
        proved,
        raised,
        grave,
    } = facts;
    [
        ("claim.proved", proved),
        ("ground.raised", raised.then_some(true)),
        ("ground.grave", grave.then_some(true)),
    ]
    .into_iter()
    .filter_map(|(name, truth)| {
        let value = Some(Value::Truth(truth?));
        Some((name.to_owned(), v1::FactValue { value }))
    })
    .collect()
}
