//! Every story of the demonstration, end to end over mutual TLS.

use std::collections::BTreeSet;

use comity::v1::{self, CaseState, HoldState, Outcome};
use comity_sandbox::{
    register::{Found, Register},
    stories::Story,
};
use prost::Message as _;

use crate::world::{self, Scene, eventually, get, on_shared, submit};

/// Measures of the stories that need people and time.
const NOT_AT_ONCE: [&str; 2] = ["preserve.data", "documents.obtain"];

#[tokio::test(flavor = "multi_thread")]
async fn every_story_ends_as_expected_and_can_be_accounted_for() {
    let scene = Scene::start(&Register::jurisdictions()).await;
    let stories = world::stories("stories");
    let mut entries = BTreeSet::new();
    for story in stories.iter().filter(|story| !story.backend_down) {
        let case = scene.tell(story).await;
        check(story, &case);
        let receipt = case.receipt.as_ref().unwrap();
        assert!(
            entries.insert(receipt.index),
            "{}: two cases have one receipt",
            story.title
        );
    }
    let told = entries.len() as u64;
    assert_eq!(told + 1, stories.len() as u64);
    let report = scene.stop().await;
    assert_eq!(report.cases, told);
    assert_eq!((report.unpublished, report.jobs), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_victim_is_in_no_byte_of_the_answer() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = world::story("victim", "Case file of a trafficking suspect");
    let suspect = &story.request.selectors[0].value;
    let persons = scene.register("FR").files(suspect).unwrap();
    let (victims, others): (Vec<_>, Vec<_>) = persons.iter().partition(|p| p.role == "victim");
    let values =
        |person: &Found| [&person.name, &person.date_of_birth, &person.address].map(String::clone);
    // Namesakes and neighbours of a victim may be told of for what they are.
    let told: BTreeSet<_> = others.iter().copied().flat_map(values).collect();
    let secret: BTreeSet<_> = victims.iter().copied().flat_map(values).collect();
    let secret: Vec<_> = secret.difference(&told).collect();
    assert!(secret.len() >= 3, "there is something to keep secret");

    let case = scene.tell(&story).await;
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let read_again = get(&mut client, &case.name).await.unwrap();
    for case in [&case, &read_again] {
        let result = case.result.as_ref().unwrap();
        let bytes = case.encode_to_vec();
        assert!(holds(&bytes, suspect), "what may be told is told");
        assert!(secret.iter().all(|value| !holds(&bytes, value)));
        for part in ["name", "date_of_birth", "address"] {
            let path = format!("['{part}']");
            let withheld = result.redacted.iter().filter(|at| at.ends_with(&path));
            assert_eq!(withheld.count(), victims.len(), "{part}");
        }
    }
    // Nor does the gateway keep what it withheld.
    for file in ["comity.db", "comity.db-wal"] {
        let kept = std::fs::read(scene.world.data().join(file)).unwrap();
        assert!(secret.iter().all(|value| !holds(&kept, value)), "{file}");
    }
    scene.stop().await;
}

#[test]
fn the_victim_is_spared_though_the_requester_knew_of_none() {
    let mut story = world::story("unknown-victim", "Case file of a trafficking suspect");
    story
        .request
        .persons
        .retain(|person| person.role() != v1::PersonRole::Victim);
    let case = on_shared(async |scene| scene.tell(&story).await);
    let result = case.result.unwrap();
    assert!(!result.redacted.is_empty(), "a victim's identity got out");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_waits_for_its_backend_and_is_executed_once() {
    let scene = Scene::start(&["DE", "NL"]).await;
    let story = world::story("down", "Accounts of a person, backend down");
    let backend = scene.backend("DE");
    backend.set_up(false);
    let mut client = scene.issuing(story.jurisdiction, story.authority).await;
    let answer = submit(&mut client, &story.request, 0).await.unwrap();
    let name = answer.case.unwrap().name;

    eventually("delivery is put off", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Delivering).then_some(())
    })
    .await;
    assert_eq!(backend.effects().unwrap(), 0);
    backend.set_up(true);
    let case = eventually("the case concludes", async || {
        let case = get(&mut client, &name).await.unwrap();
        (case.state() == CaseState::Concluded).then_some(case)
    })
    .await;

    check(&story, &case);
    assert_eq!(backend.effects().unwrap(), 1);
    let kinds: Vec<_> = case.events.iter().map(|e| e.kind.as_str()).collect();
    assert_eq!(kinds, ["decision", "delivery-postponed", "concluded"]);
    scene.stop().await;
}

#[track_caller]
fn check(story: &Story, case: &v1::Case) {
    let title = story.title;
    let decision = case.decision.as_ref().unwrap();
    assert_eq!(
        decision.outcome(),
        story.expected,
        "{title}: {:#?}",
        (&decision.grounds, &decision.requirements)
    );
    accountable(title, decision);
    assert_eq!(case.state(), expected_state(story), "{title}");
    let Some(result) = &case.result else {
        let held = case.holds.iter().any(|hold| hold.state() == HoldState::On);
        let concluded = case.state() == CaseState::Concluded;
        assert!(held || !concluded, "{title}: no result");
        return;
    };
    assert_eq!(result.kind(), v1::ResultKind::Complete, "{title}");
    assert!(!result.data.as_ref().unwrap().fields.is_empty(), "{title}");
    assert_eq!(result.obligations, decision.obligations, "{title}");
    assert!(!result.obligations.is_empty(), "{title}: no conditions");
}

fn expected_state(story: &Story) -> CaseState {
    let at_once = !NOT_AT_ONCE.contains(&story.request.measure.as_str());
    match story.expected {
        Outcome::Approved if at_once => CaseState::Concluded,
        Outcome::Approved => CaseState::Acknowledged,
        Outcome::Incomplete => CaseState::Incomplete,
        Outcome::Referred => CaseState::UnderReview,
        Outcome::Refused => CaseState::Refused,
        Outcome::Unspecified => CaseState::Unspecified,
    }
}

/// A decision names the law it rests on down to the bytes of the file.
#[track_caller]
fn accountable(title: &str, decision: &v1::Decision) {
    let is_digest = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
    assert!(is_digest(&decision.bundle_sha256), "{title}");
    assert!(!decision.modules.is_empty(), "{title}: no modules");
    let modules: BTreeSet<_> = decision
        .modules
        .iter()
        .map(|module| (module.module.as_str(), module.sha256.as_str()))
        .collect();
    assert!(modules.iter().all(|(_, sha256)| is_digest(sha256)));
    let rules: Vec<_> = rules(decision).collect();
    assert!(!rules.is_empty(), "{title}: no rules");
    for rule in rules {
        let citation = rule.citation.as_ref().unwrap();
        assert!(
            !citation.source.is_empty() && !citation.provision.is_empty(),
            "{title}: {} cites nothing",
            rule.rule_id
        );
        let module = (rule.module.as_str(), rule.module_sha256.as_str());
        assert!(
            modules.contains(&module),
            "{title}: {} is of no module",
            rule.rule_id
        );
    }
    // That an instrument does not bind a State follows from its table of parties alone.
    let by_parties = |ground: &v1::Ground| ground.kind() == v1::GroundKind::NotApplicable;
    assert!(
        !decision.facts.is_empty() || decision.grounds.iter().all(by_parties),
        "{title}: no facts"
    );
    assert!(
        decision
            .facts
            .iter()
            .all(|fact| !fact.name.is_empty() && !fact.source.is_empty()),
        "{title}"
    );
}

fn rules(decision: &v1::Decision) -> impl Iterator<Item = &v1::RuleReference> {
    let grounds = decision.grounds.iter().map(|part| &part.rule);
    let requirements = decision.requirements.iter().map(|part| &part.rule);
    let referrals = decision.referrals.iter().map(|part| &part.rule);
    let obligations = decision.obligations.iter().map(|part| &part.rule);
    let optional = grounds
        .chain(requirements)
        .chain(referrals)
        .chain(obligations);
    optional.flatten().chain(&decision.permits)
}

fn holds(bytes: &[u8], value: &str) -> bool {
    bytes
        .windows(value.len())
        .any(|window| window == value.as_bytes())
}
