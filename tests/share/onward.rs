//! Data are used for what they were given for: another use is asked for, and what the
//! gateway knows of them decides, not what the asker says.

use comity::v1::{self, ObligationKind, Outcome};
use comity_gateway::wire::{json, to_proto};
use jiff::Timestamp;
use tonic::{Code, Status};

use super::{SECRET, Tip, accepted, concluding, share, tip};
use crate::{
    cli::{comity, shown},
    world::{Cooperation, Scene, eventually, get, reason, search, submit, violations},
};

/// What Germany asks of the United Kingdom: to use a tip on fraud for `offence`.
fn asked(id: &str, source: &str, offence: &str) -> v1::CooperationRequest {
    let request = serde_json::json!({
        "request_id": id,
        "issuing": {"jurisdiction": "DE", "authority": "bfj"},
        "executing": {"jurisdiction": "GB"},
        "measure": "use.further",
        "language": "en",
        "offences": [{"provision": offence, "category": "D20", "max_penalty_months": 60}],
        "purpose": "proceedings for another offence",
        "source_case": source,
    });
    v1::CooperationRequest {
        issued_at: Some(to_proto::timestamp(Timestamp::now())),
        ..json::parse(&request.to_string()).unwrap()
    }
}

/// Money laundering, which shares no code with fraud.
fn for_another_offence(id: &str, source: &str) -> v1::CooperationRequest {
    let mut request = asked(id, source, "StGB 261");
    request.offences[0].category = Some("D09".to_owned());
    request
}

/// What Germany passes on to France of what it was told.
fn to_france(id: &str, source: &str) -> v1::ShareInformationRequest {
    let mut onward = tip(id);
    let sender = onward.sender.as_mut().unwrap();
    (sender.jurisdiction, sender.authority) = ("DE".to_owned(), "bfj".to_owned());
    let recipient = onward.recipient.as_mut().unwrap();
    (recipient.jurisdiction, recipient.authority) = ("FR".to_owned(), String::new());
    onward.instrument.clear();
    "fr".clone_into(&mut onward.language);
    source.clone_into(&mut onward.source_case);
    onward
}

async fn ask(client: &mut Cooperation, request: &v1::CooperationRequest) -> v1::Case {
    let answer: Result<_, Status> = submit(client, request, 5).await;
    answer.unwrap().case.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_use_against_a_condition_is_refused_and_the_sender_told() {
    let mut tip = Tip::given("onward").await;
    let source = tip.case.name.clone();
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let request = for_another_offence("use-1", &source);
    // What was not accepted is nobody's to use.
    let status = submit(&mut holder, &request, 0).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_FOUND");
    tip.accept().await;

    let case = ask(&mut holder, &request).await;
    let decision = case.decision.as_ref().unwrap();
    assert_eq!(decision.outcome(), Outcome::Refused);
    let grounds = decision.grounds.iter();
    let grounds: Vec<_> = grounds
        .map(|ground| ground.rule.as_ref().unwrap().rule_id.as_str())
        .collect();
    assert_eq!(grounds, ["ets-182-11-use"]);
    let known = case.request.as_ref().unwrap().origin.clone().unwrap();
    assert_eq!(
        (known.jurisdiction.as_str(), known.other_offence),
        ("GB", Some(true))
    );
    assert_eq!(known.instrument, "ets-30");
    let kinds: Vec<_> = known.conditions().collect();
    assert_eq!(
        kinds,
        [ObligationKind::UseLimit, ObligationKind::DeleteAfter]
    );

    // Tried again it is decided by the same: a used id does not hide the source.
    let tried = v1::PreflightRequest {
        request: Some(request.clone()),
        ..v1::PreflightRequest::default()
    };
    let tried = holder.preflight(tried).await.unwrap().into_inner();
    assert_eq!(tried.decision.unwrap().outcome(), Outcome::Refused);

    let told = tip.until("onward-use-asked").await;
    let event = told.events.last().unwrap();
    assert!(event.note.contains("refused"), "{event:?}");
    assert!(event.actor.contains("DE/bfj"));
    let entries = tip.scene.entries("kind=onward-use-asked").await;
    assert!(entries[0].rules.contains(&"ets-182-11-use".to_owned()));

    // The same again is the same case, whatever has become of the source.
    let deleted = v1::ConfirmObligationRequest {
        name: source.clone(),
        obligation_id: "s2".to_owned(),
        ..v1::ConfirmObligationRequest::default()
    };
    tip.recipient.confirm_obligation(deleted).await.unwrap();
    let again = submit(&mut holder, &request, 0).await.unwrap();
    assert!(again.replayed);
    let told = get(&mut tip.sender, &source).await.unwrap();
    let events = told.events.iter();
    let asked = events.filter(|event| event.kind == "onward-use-asked");
    assert_eq!(asked.count(), 1);

    // Who decides it again from the record comes to the same.
    let data = tip.scene.world.data();
    tip.scene.running.stop().await;
    let rerun = ["audit", "rerun", "--data", data.to_str().unwrap()].map(str::to_owned);
    let rerun = tokio::task::spawn_blocking(move || comity(rerun)).await;
    let rerun = rerun.unwrap();
    assert!(rerun.status.success(), "{}", shown(&rerun));
}

#[tokio::test(flavor = "multi_thread")]
async fn for_the_same_offence_the_sender_is_asked() {
    let mut tip = Tip::given("same").await;
    tip.accept().await;
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let request = asked("use-2", &tip.case.name, "StGB 263");
    let case = ask(&mut holder, &request).await;
    let decision = case.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Referred);
    let referral = &decision.referrals[0];
    assert_eq!(
        referral.rule.as_ref().unwrap().rule_id,
        "ets-30-further-use"
    );
    assert_eq!(referral.jurisdiction, "GB");

    // Nobody allows the use of what was deleted since, however often they are asked.
    let deleted = v1::ConfirmObligationRequest {
        name: tip.case.name.clone(),
        obligation_id: "s2".to_owned(),
        ..v1::ConfirmObligationRequest::default()
    };
    tip.recipient.confirm_obligation(deleted).await.unwrap();
    let mut reviewer = tip.scene.reviewer("GB", "ukca", "P. Reader").await;
    let refused = loop {
        let tasks = reviewer.list_tasks(v1::ListTasksRequest::default()).await;
        let task = tasks.unwrap().into_inner().tasks.remove(0);
        let message = v1::DecideRequest {
            name: task.name,
            verdict: v1::ReviewVerdict::Release.into(),
            reasons: "as agreed".to_owned(),
            ..v1::DecideRequest::default()
        };
        if let Err(status) = reviewer.decide(message).await {
            break status;
        }
    };
    assert_eq!(reason(&refused), "NOT_ALLOWED_NOW", "{refused:?}");
    let case = get(&mut holder, &case.name).await.unwrap();
    assert_eq!(case.state(), v1::CaseState::UnderReview);
    assert_eq!(case.request.unwrap().origin, None);
    // The sender learns of every decision, not of the first alone.
    let source = tip.case.name.clone();
    eventually("it is told again", async || {
        let told = get(&mut tip.sender, &source).await.unwrap();
        let asked = told.events.iter();
        let asked = asked.filter(|event| event.kind == "onward-use-asked");
        (asked.count() > 1).then_some(())
    })
    .await;
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_says_of_data_what_the_gateway_knows() {
    let mut tip = Tip::given("said").await;
    tip.accept().await;
    let source = tip.case.name.clone();
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let request = for_another_offence("use-3", &source);
    let check = async |change: fn(&mut v1::CooperationRequest), field: &str| {
        let mut said = request.clone();
        change(&mut said);
        let status = submit(&mut holder.clone(), &said, 0).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument, "{field}");
        let found: Vec<_> = violations(&status).into_keys().collect();
        assert_eq!(found, [field]);
    };
    check(|r| r.origin = Some(v1::Origin::default()), "origin").await;
    check(
        |r| r.executing.as_mut().unwrap().jurisdiction = "FR".to_owned(),
        "executing.jurisdiction",
    )
    .await;
    check(|r| r.instrument = "mla-2000".to_owned(), "instrument").await;
    // What is for training has nothing of what is real.
    check(|r| r.exercise = true, "source_case").await;
    check(|r| r.measure = "data.subscriber".to_owned(), "source_case").await;
    check(
        |r| {
            let none = v1::fact_value::Value::Set(v1::FactValueSet::default());
            let none = v1::FactValue { value: Some(none) };
            r.facts.insert("origin.conditions".to_owned(), none);
        },
        "facts[\"origin.conditions\"]",
    )
    .await;

    // Who does not say where data come from is not believed that they are free.
    let mut silent = asked("use-6", "", "CP 324-1");
    let issuing = silent.issuing.as_mut().unwrap();
    (issuing.jurisdiction, issuing.authority) = ("FR".to_owned(), "bepi".to_owned());
    silent.executing.as_mut().unwrap().jurisdiction = "CH".to_owned();
    "ets-30".clone_into(&mut silent.instrument);
    for fact in ["use.same_facts", "dual_criminality"] {
        let yes = v1::fact_value::Value::Truth(true);
        let yes = v1::FactValue { value: Some(yes) };
        silent.facts.insert(fact.to_owned(), yes);
    }
    let tried = v1::PreflightRequest {
        request: Some(silent),
        ..v1::PreflightRequest::default()
    };
    let mut french = tip.scene.issuing("FR", "bepi").await;
    let tried = french.preflight(tried).await.unwrap().into_inner();
    let decision = tried.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Referred, "{decision:#?}");
    let rules = decision.referrals.iter().flat_map(|one| &one.rule);
    let rules: Vec<_> = rules.map(|rule| rule.rule_id.as_str()).collect();
    assert_eq!(rules, ["ets-182-11-use"]);

    // Who was given nothing learns nothing, be it of the same State.
    for authority in ["sta-berlin", "lka-berlin"] {
        let mut other = tip.scene.issuing("DE", authority).await;
        let mut request = request.clone();
        request.issuing.as_mut().unwrap().authority = authority.to_owned();
        let status = submit(&mut other, &request, 0).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_FOUND");
    }
    // What was deleted is not used any more.
    let deleted = v1::ConfirmObligationRequest {
        name: source,
        obligation_id: "s2".to_owned(),
        ..v1::ConfirmObligationRequest::default()
    };
    tip.recipient.confirm_obligation(deleted).await.unwrap();
    let status = submit(&mut holder, &request, 0).await.unwrap_err();
    assert_eq!(reason(&status), "NOT_FOUND");
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_passed_on_waits_for_the_state_of_origin() {
    let mut tip = Tip::given("pass-on").await;
    tip.accept().await;
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let onward = to_france("pass-on-1", &tip.case.name);
    let case = share(&mut holder, &onward).await.unwrap().case.unwrap();
    let decision = case.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Referred);
    let rules = decision.referrals.iter();
    let rules: Vec<_> = rules
        .map(|referral| referral.rule.as_ref().unwrap().rule_id.as_str())
        .collect();
    assert!(rules.contains(&"de-out-origin"), "{rules:?}");
    assert_eq!(tip.scene.backend("FR").received(), 0);
    let leaves = format!("{:?}", tip.scene.entries("").await);
    assert!(!leaves.contains(SECRET));
    tip.until("onward-use-asked").await;

    // Whoever may be given it one day has no part in it before, nor ever where it is
    // withdrawn.
    let channel = tip.scene.connect("FR", "parquet-paris", "executing").await;
    let mut french = Cooperation::new(channel);
    let listed = async |client: &mut Cooperation| {
        let page = client.list_cases(v1::ListCasesRequest::default()).await;
        let cases = page.unwrap().into_inner().cases.into_iter();
        cases.map(|case| case.name).collect::<Vec<_>>()
    };
    for withdrawn in [false, true] {
        if withdrawn {
            let message = v1::WithdrawRequest {
                name: case.name.clone(),
                reason: "it is not needed any more".to_owned(),
                request_id: String::new(),
            };
            holder.withdraw(message).await.unwrap();
        }
        assert!(listed(&mut french).await.is_empty());
        let status = get(&mut french, &case.name).await.unwrap_err();
        assert_eq!(reason(&status), "NOT_FOUND");
    }
    let channel = tip.scene.connect("DE", "bfj", "executing").await;
    let given = listed(&mut Cooperation::new(channel)).await;
    assert_eq!(given, [tip.case.name.clone()]);
    tip.scene.stop().await;
}

/// What an executing authority sets on what it found, in words of its own choice.
fn obligation(id: &str, kind: ObligationKind) -> v1::Obligation {
    v1::Obligation {
        obligation_id: id.to_owned(),
        // No law of the library sets it, whatever it says.
        rule: Some(v1::RuleReference {
            rule_id: "eio-19".to_owned(),
            module: "instrument/eio".to_owned(),
            ..v1::RuleReference::default()
        }),
        kind: kind.into(),
        bound_party: "issuing".to_owned(),
        ..v1::Obligation::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_found_is_used_under_every_condition_that_came_with_it() {
    let scene = Scene::start(&["DE", "FR"]).await;
    let story = search("conditions");
    let mut holder = scene.issuing(story.jurisdiction, story.authority).await;
    let case = ask(&mut holder, &story.request).await;
    let law = case.conditions.iter().map(|one| &one.obligation_id);
    let law: Vec<String> = law.cloned().collect();
    // Of a limit that the law sets, which no condition takes over.
    let clock = case.clocks[0].clock_id.clone();
    let result = v1::Result {
        obligations: vec![
            obligation("", ObligationKind::UseLimit),
            obligation("x1", ObligationKind::HandlingCode),
            obligation("x1", ObligationKind::NoOnwardTransfer),
            obligation(&law[0], ObligationKind::Speciality),
            obligation(&clock, ObligationKind::UseLimit),
        ],
        redacted: vec!["$.informant".to_owned()],
        ..accepted()
    };
    let mut executing = scene.executing("FR", "parquet-paris").await;
    let concluded = concluding(&case.name, result);
    executing.conclude(concluded).await.unwrap();
    let case = get(&mut holder, &case.name).await.unwrap();
    let own = case.conditions.iter();
    let own: Vec<_> = own
        .filter(|one| !law.contains(&one.obligation_id))
        .map(|one| (one.obligation_id.as_str(), one.kind()))
        .collect();
    assert_eq!(
        own,
        [
            ("x2", ObligationKind::UseLimit),
            ("x1", ObligationKind::HandlingCode),
            ("x3", ObligationKind::NoOnwardTransfer),
            ("x4", ObligationKind::Speciality),
            ("x5", ObligationKind::UseLimit),
        ]
    );
    let result = case.result.as_ref().unwrap();
    assert!(result.redacted.contains(&"$.informant".to_owned()));
    let set = result.obligations.iter();
    let set = set.filter(|one| one.obligation_id.starts_with('x'));
    assert!(set.clone().count() == 5 && set.clone().all(|one| one.rule.is_none()));

    let mut further = asked("use-5", &case.name, "StGB 211");
    further.issuing.clone_from(&story.request.issuing);
    further.executing.as_mut().unwrap().jurisdiction = "FR".to_owned();
    let used = ask(&mut holder, &further).await;
    let origin = used.request.as_ref().unwrap().origin.as_ref().unwrap();
    let kinds: Vec<_> = origin.conditions().collect();
    assert_eq!(
        kinds,
        [
            ObligationKind::UseLimit,
            ObligationKind::Speciality,
            ObligationKind::HandlingCode,
            ObligationKind::NoOnwardTransfer,
        ]
    );
    eventually("who found it is told", async || {
        let notices = scene.backend("FR").notices(&case.name).unwrap();
        notices
            .contains(&"onward-use-asked".to_owned())
            .then_some(())
    })
    .await;
    scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_sender_bars_from_being_passed_on_is_not() {
    let mut tip = Tip::given_on("barred", |tip| {
        let barred = v1::Obligation {
            kind: ObligationKind::NoOnwardTransfer.into(),
            ..v1::Obligation::default()
        };
        tip.conditions.push(barred);
    })
    .await;
    tip.accept().await;
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let mut onward = to_france("pass-on-2", &tip.case.name);
    let says = |authorised| {
        let authorised = v1::fact_value::Value::Truth(authorised);
        v1::FactValue {
            value: Some(authorised),
        }
    };
    let fact = "origin.authorised".to_owned();
    onward.facts.insert(fact.clone(), says(false));
    let case = share(&mut holder, &onward).await.unwrap().case.unwrap();
    let decision = case.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Refused);
    let grounds = decision.grounds.iter();
    let grounds: Vec<_> = grounds
        .map(|ground| ground.rule.as_ref().unwrap().rule_id.as_str())
        .collect();
    assert_eq!(grounds, ["de-out-onward"]);

    // That the sender has allowed it all the same is not taken from the asker.
    onward.request_id = "pass-on-3".to_owned();
    onward.facts.insert(fact, says(true));
    let case = share(&mut holder, &onward).await.unwrap().case.unwrap();
    assert_eq!(case.decision.unwrap().outcome(), Outcome::Referred);
    assert_eq!(tip.scene.backend("FR").received(), 0);
    tip.scene.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_no_offence_leaves_open_whether_it_is_another() {
    let mut tip = Tip::given("silent-use").await;
    tip.accept().await;
    let mut holder = tip.scene.issuing("DE", "bfj").await;
    let mut request = asked("use-4", &tip.case.name, "StGB 263");
    request.offences.clear();
    let case = ask(&mut holder, &request).await;
    let known = case.request.as_ref().unwrap().origin.clone().unwrap();
    assert_eq!(known.other_offence, None);
    let decision = case.decision.unwrap();
    assert_eq!(decision.outcome(), Outcome::Referred);
    let referrals = decision.referrals.iter();
    let rules: Vec<_> = referrals
        .map(|referral| referral.rule.as_ref().unwrap().rule_id.as_str())
        .collect();
    assert!(rules.contains(&"ets-182-11-use"), "{rules:?}");
    tip.scene.stop().await;
}
