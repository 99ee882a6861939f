//! What humans answered counts for what they were asked, and for nothing else.

use comity_domain::{
    Decision, FactSource, FactUseSource, FactValue, Judgement, Outcome, Referral, Request, Ruling,
};

use super::small::{DE, FR, ORDER, edited, library, request, stating};
use crate::{Answer, Competent, FormCheck, Library, Question, Standing};

const REFER: &str = r#"
  - id: order-doubt
    title: {en: Said to be political}
    cite: act art 9
    effect: refer
    role: executing-judge
    question: {en: "Is it political?"}
    when: [context.offence.political == true]
"#;

const DUAL: &str = r"
  - id: order-dual
    title: {en: No offence in the executing State}
    cite: act art 10
    effect: may-refuse
    when: [context.dual_criminality == false]
";

/// The same as a rule of the executing State.
fn inbound() -> String {
    let rule = DUAL.replace("order-dual", "fr-dual");
    rule.replace("effect:", "stage: inbound\n    effect:")
}

fn decide(library: &Library, request: &Request, rulings: &[Ruling]) -> Decision {
    let question = Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings,
    };
    let verdict = library.decide(&question);
    let approved = verdict.decision.outcome == Outcome::Approved;
    assert_eq!(verdict.permit.is_some(), approved);
    verdict.decision
}

fn political() -> Request {
    let raised = [("offence.political", FactValue::Truth(true))];
    stating(FactSource::Requester, &raised)
}

/// The one question of a request that no answer has been given to.
fn asked(library: &Library, request: &Request) -> Referral {
    let decision = decide(library, request, &[]);
    assert_eq!(decision.outcome, Outcome::Referred);
    let [referral] = decision.referrals.as_slice() else {
        panic!("{:#?}", decision.referrals);
    };
    referral.clone()
}

fn ruling(referral: &Referral, judgement: Judgement) -> Ruling {
    Ruling {
        basis: referral.basis,
        judgement,
        task: "tasks/1-1".into(),
    }
}

fn rules(decision: &Decision) -> Vec<&str> {
    let grounds = decision.grounds.iter();
    grounds.map(|ground| ground.rule.rule.as_str()).collect()
}

#[test]
fn a_referral_that_is_released_does_not_refer_again() {
    let library = library(&[(ORDER, REFER)]);
    let request = political();
    let referral = asked(&library, &request);
    assert_eq!(referral.settles, None, "the question is more than the fact");
    let release = ruling(&referral, Judgement::Release);
    let decision = decide(&library, &request, std::slice::from_ref(&release));
    assert_eq!(decision.outcome, Outcome::Approved);
    assert_eq!(decision.rulings[0].ruling, release);
    assert_eq!(decision.rulings[0].rule.rule.as_str(), "order-doubt");
}

#[test]
fn a_referral_that_is_upheld_refuses() {
    let library = library(&[(ORDER, REFER)]);
    let request = political();
    let uphold = ruling(&asked(&library, &request), Judgement::Uphold);
    let decision = decide(&library, &request, &[uphold]);
    assert_eq!(decision.outcome, Outcome::Refused);
    assert_eq!(rules(&decision), ["order-doubt"]);
}

#[test]
fn every_other_ground_is_evaluated_anew() {
    let referring = library(&[(ORDER, REFER)]);
    let release = ruling(&asked(&referring, &political()), Judgement::Release);
    let refusing = library(&[(ORDER, REFER), (FR, &inbound())]);
    let mut request = political();
    let dual = stating(
        FactSource::Executing,
        &[("dual_criminality", FactValue::Truth(false))],
    );
    request.facts.extend(dual.facts);
    let decision = decide(&refusing, &request, &[release]);
    assert_eq!(decision.outcome, Outcome::Refused);
    assert_eq!(rules(&decision), ["fr-dual"]);
}

#[test]
fn an_answer_lapses_with_its_rule_and_with_what_the_rule_read() {
    let when = "when: [context.offence.political == true]";
    let also =
        "when: [context.offence.political == true || context.offence.max_penalty_months > 600]";
    let reading = REFER.replace(when, also);
    let before = library(&[(ORDER, &reading)]);
    let release = ruling(&asked(&before, &political()), Judgement::Release);
    let outcome = |library: &Library, request: &Request| {
        decide(library, request, std::slice::from_ref(&release)).outcome
    };
    assert_eq!(outcome(&before, &political()), Outcome::Approved);

    let mut otherwise = political();
    otherwise.offences[0].max_penalty_months = Some(12);
    assert_eq!(outcome(&before, &otherwise), Outcome::Referred);
    let changed = library(&[(ORDER, &reading.replace("600", "900"))]);
    assert_eq!(outcome(&changed, &political()), Outcome::Referred);
    let reworded = library(&[(ORDER, &reading.replace("Is it political?", "And now?"))]);
    assert_eq!(outcome(&reworded, &political()), Outcome::Referred);

    let translated = reading.replace(
        "question: {en:",
        "question: {fr: \"Est-elle politique?\", en:",
    );
    let translated = library(&[(ORDER, &translated), (DE, "")]);
    assert_eq!(outcome(&translated, &political()), Outcome::Approved);
}

#[test]
fn an_answer_to_what_is_not_asked_counts_for_nothing() {
    let library = library(&[(ORDER, REFER)]);
    let uphold = ruling(&asked(&library, &political()), Judgement::Uphold);
    let decision = decide(&library, &request(), &[uphold]);
    assert_eq!(decision.outcome, Outcome::Approved);
    assert!(decision.rulings.is_empty());
}

#[test]
fn where_one_fact_is_missing_the_answer_states_it_for_every_rule() {
    let library = library(&[(ORDER, DUAL), (FR, &inbound())]);
    let asked = decide(&library, &request(), &[]);
    assert_eq!(asked.referrals.len(), 2);
    let settles = asked.referrals[0].settles.as_ref().unwrap();
    assert_eq!(
        (&*settles.fact, settles.if_released),
        ("dual_criminality", true)
    );

    let release = ruling(&asked.referrals[0], Judgement::Release);
    let decision = decide(&library, &request(), &[release]);
    assert_eq!(decision.outcome, Outcome::Approved);
    let fact = &decision.facts["dual_criminality"];
    assert_eq!(fact.value, FactValue::Truth(true));
    assert_eq!(fact.source, FactUseSource::Judged("tasks/1-1".into()));
    assert_eq!(
        decision.rulings[0].fact.as_deref(),
        Some("dual_criminality")
    );

    let uphold = ruling(&asked.referrals[0], Judgement::Uphold);
    let decision = decide(&library, &request(), &[uphold]);
    assert_eq!(decision.outcome, Outcome::Refused);
    assert_eq!(rules(&decision), ["order-dual", "fr-dual"]);
}

/// That one instrument does not bind says nothing of another, which the requester may name.
#[test]
fn who_finds_a_state_not_bound_leaves_the_other_ways_open() {
    let binding = "  FR: {since: 2017-05-22, languages: [fr]}";
    let doubtful = binding.replace("languages", "confidence: low, languages");
    let library = edited(&[], &[(ORDER, binding, &doubtful)]);
    let referral = asked(&library, &request());
    let outcome = |judgement| decide(&library, &request(), &[ruling(&referral, judgement)]);
    let upheld = outcome(Judgement::Uphold);
    assert_eq!(upheld.outcome, Outcome::Refused);
    assert_eq!(rules(&upheld), ["order-binding"]);
    assert_eq!(upheld.alternatives, ["treaty".into()]);
    let released = outcome(Judgement::Release);
    assert_eq!(released.outcome, Outcome::Approved);
    assert!(released.alternatives.is_empty());
    let mut named = request();
    named.instrument = Some("treaty".parse().unwrap());
    assert_eq!(decide(&library, &named, &[]).outcome, Outcome::Approved);
}

/// Two who were asked about one fact found otherwise: neither is passed over, whoever was
/// asked first.
#[test]
fn answers_that_contradict_each_other_speak_for_the_rules_that_asked() {
    use Judgement::{Release, Uphold};
    let library = library(&[(ORDER, DUAL), (FR, &inbound())]);
    let asked = decide(&library, &request(), &[]).referrals;
    for (answers, refused) in [
        ([Release, Uphold], "fr-dual"),
        ([Uphold, Release], "order-dual"),
    ] {
        let mut rulings: Vec<_> = asked
            .iter()
            .zip(answers)
            .map(|(referral, judgement)| ruling(referral, judgement))
            .collect();
        for _ in 0..2 {
            let decision = decide(&library, &request(), &rulings);
            assert_eq!(decision.outcome, Outcome::Refused);
            assert_eq!(rules(&decision), [refused]);
            assert!(!decision.facts.contains_key("dual_criminality"));
            assert_eq!(decision.rulings.len(), 2);
            rulings.reverse();
        }
    }
    let agreed: Vec<_> = asked.iter().map(|one| ruling(one, Release)).collect();
    assert_eq!(
        decide(&library, &request(), &agreed).outcome,
        Outcome::Approved
    );
}

#[test]
fn what_somebody_stated_is_not_stated_again_by_an_answer() {
    let library = library(&[(ORDER, DUAL)]);
    let release = ruling(&asked(&library, &request()), Judgement::Release);
    let denied = [("dual_criminality", FactValue::Truth(false))];
    let request = stating(FactSource::Executing, &denied);
    let decision = decide(&library, &request, &[release]);
    assert_eq!(decision.outcome, Outcome::Refused);
}

#[test]
fn a_doubtful_permit_permits_once_a_human_says_so() {
    let permit =
        "  - {id: fr-in, title: {en: May help}, cite: act art 1, stage: inbound, effect: permit}";
    let doubtful = permit.replace("effect: permit}", "effect: permit, confidence: low}");
    let library = edited(&[], &[(FR, permit, &doubtful)]);
    let referral = asked(&library, &request());
    let outcome = |judgement| decide(&library, &request(), &[ruling(&referral, judgement)]);
    let released = outcome(Judgement::Release);
    assert_eq!(released.outcome, Outcome::Approved);
    assert!(
        released
            .permits
            .iter()
            .any(|rule| rule.rule.as_str() == "fr-in")
    );
    let upheld = outcome(Judgement::Uphold);
    assert_eq!(upheld.outcome, Outcome::Refused);
    assert_eq!(rules(&upheld), ["fr-no-permit"]);
}

#[test]
fn a_doubtful_exception_lifts_its_rule_or_does_not() {
    let exception = r"
  - id: fr-always
    title: {en: Not asked for here}
    cite: act art 3
    stage: inbound
    effect: permit
    exception_to: order-dual
    confidence: low
";
    let library = library(&[(ORDER, DUAL), (FR, exception)]);
    let denied = [("dual_criminality", FactValue::Truth(false))];
    let request = stating(FactSource::Executing, &denied);
    let referral = asked(&library, &request);
    assert_eq!(referral.rule.rule.as_str(), "fr-always");
    let outcome = |judgement| decide(&library, &request, &[ruling(&referral, judgement)]);
    assert_eq!(outcome(Judgement::Release).outcome, Outcome::Approved);
    let upheld = outcome(Judgement::Uphold);
    assert_eq!(upheld.outcome, Outcome::Refused);
    assert_eq!(rules(&upheld), ["order-dual"]);
}

#[test]
fn whether_a_state_is_bound_is_answered_once() {
    let binding = "  FR: {since: 2017-05-22, languages: [fr]}";
    let doubtful = binding.replace("languages", "confidence: low, languages");
    let library = edited(&[], &[(ORDER, binding, &doubtful)]);
    let referral = asked(&library, &request());
    let outcome = |judgement| decide(&library, &request(), &[ruling(&referral, judgement)]);
    assert_eq!(outcome(Judgement::Release).outcome, Outcome::Approved);
    assert_eq!(rules(&outcome(Judgement::Uphold)), ["order-binding"]);
}

#[test]
fn the_directory_says_who_has_a_role() {
    let library = library(&[]);
    let competent = |state: &str, authority: &str, role: &str| {
        let (state, authority) = (state.parse().unwrap(), authority.parse().unwrap());
        library.competent(&state, &authority, (role, &"data.traffic".parse().unwrap()))
    };
    for role in ["executing-judge", "executing-court", "executing-authority"] {
        assert_eq!(competent("FR", "tj", role), Competent::Yes, "{role}");
    }
    assert_eq!(competent("DE", "sta", "issuing-authority"), Competent::Yes);
    assert_eq!(competent("DE", "sta", "issuing-judge"), Competent::No);
    assert_eq!(competent("DE", "sta", "executing-authority"), Competent::No);
    assert_eq!(competent("FR", "nobody", "executing-judge"), Competent::No);
    assert_eq!(competent("IE", "tj", "executing-judge"), Competent::No);
    assert_eq!(competent("FR", "tj", "central-authority"), Competent::No);
    for role in ["minister", "victim", "gateway-operator"] {
        assert_eq!(competent("FR", "tj", role), Competent::Unsaid, "{role}");
    }
}

#[test]
fn a_doubtful_exception_is_asked_about_whatever_it_says_besides() {
    let exception = |effect: &str| {
        format!(
            "  - id: fr-only-so\n    title: {{en: On terms}}\n    cite: act art 3\n    stage: inbound\n    \
             exception_to: order-dual\n    confidence: low\n    {effect}\n"
        )
    };
    let denied = [("dual_criminality", FactValue::Truth(false))];
    let request = stating(FactSource::Executing, &denied);
    for effect in [
        "effect: oblige\n    obligation: {kind: speciality, bound: issuing}",
        "effect: clock\n    clock: {measures: decide, length: 30, unit: days, starts: received, stops: [concluded]}",
    ] {
        let library = library(&[(ORDER, DUAL), (FR, &exception(effect))]);
        let referral = asked(&library, &request);
        assert_eq!(referral.rule.rule.as_str(), "fr-only-so", "{effect}");
        assert_eq!(referral.settles, None);
        let told = library.explain(&answered(&request, &[])).paragraphs();
        assert!(
            told.iter()
                .any(|text| text.contains("Doubtful, for a human to judge")),
            "{told:?}"
        );
        let outcome = |judgement| decide(&library, &request, &[ruling(&referral, judgement)]);
        let released = outcome(Judgement::Release);
        assert_eq!(released.outcome, Outcome::Approved, "{effect}");
        assert_eq!(released.obligations.len() + released.clocks.len(), 1);
        let upheld = outcome(Judgement::Uphold);
        assert_eq!(rules(&upheld), ["order-dual"]);
        assert_eq!(upheld.obligations.len() + upheld.clocks.len(), 0);
    }
}

/// What a request is told of once humans have answered what it raised.
fn answered<'a>(request: &'a Request, rulings: &'a [Ruling]) -> Question<'a> {
    Question {
        request,
        form: FormCheck::Presumed,
        language: "en",
        now: request.issued_at,
        rulings,
    }
}

#[test]
fn each_rule_is_traced_once_and_as_it_stands_at_last() {
    let library = library(&[(ORDER, REFER)]);
    let request = political();
    let release = [ruling(&asked(&library, &request), Judgement::Release)];
    let trace = library.trace(&answered(&request, &release));
    let of_rule: Vec<_> = trace
        .asked
        .iter()
        .filter(|asked| asked.rule.id().as_str() == "order-doubt")
        .map(|asked| &asked.answer)
        .collect();
    assert_eq!(of_rule, [&Answer::No]);
}

#[test]
fn what_humans_have_answered_is_not_foreseen_to_be_asked() {
    let both = format!("{REFER}{DUAL}");
    let library = library(&[(ORDER, &both)]);
    let request = political();
    let asked = decide(&library, &request, &[]).referrals;
    let release: Vec<_> = asked
        .iter()
        .map(|referral| ruling(referral, Judgement::Release))
        .collect();
    let open = |rulings: &[Ruling]| library.foresee(&answered(&request, rulings)).open.len();
    assert_eq!((asked.len(), open(&[]), open(&release)), (2, 1, 0));
    let uphold: Vec<_> = asked
        .iter()
        .map(|referral| ruling(referral, Judgement::Uphold))
        .collect();
    let refused = library.foresee(&answered(&request, &uphold)).refused;
    let standing: Vec<_> = refused
        .iter()
        .map(|ground| (ground.rule.rule.as_str(), ground.standing))
        .collect();
    assert_eq!(
        standing,
        [
            ("order-doubt", Standing::Holds),
            ("order-dual", Standing::Holds)
        ]
    );
}

#[test]
fn the_side_that_a_role_names_answers() {
    for (role, state) in [
        ("enforcing-authority", "FR"),
        ("executing-judge", "FR"),
        ("requested-authority", "FR"),
        ("issuing-authority", "DE"),
        ("requesting-authority", "DE"),
        ("minister", "DE"),
    ] {
        let rule = REFER.replace("order-doubt", "de-doubt");
        let rule = rule.replace("executing-judge", role);
        let rule = rule.replace("effect:", "stage: outbound\n    effect:");
        let library = library(&[(DE, &rule)]);
        let referral = asked(&library, &political());
        assert_eq!(referral.jurisdiction.as_str(), state, "{role}");
    }
}
