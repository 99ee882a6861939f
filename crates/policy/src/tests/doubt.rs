//! What the library holds with low confidence never decides alone.

use comity_domain::{Confidence, Outcome, Stage};

use super::small::{DE, ORDER, decide, edited, offence, request};

const BINDING: &str = "  FR: {since: 2017-05-22, languages: [fr]}";

#[test]
fn a_binding_of_low_confidence_asks_whether_it_binds() {
    let doubtful = BINDING.replace("languages", "confidence: low, cite: act art 36, languages");
    let library = edited(&[], &[(ORDER, BINDING, &doubtful)]);
    let decision = decide(&library, &request());
    assert_eq!(decision.outcome, Outcome::Referred);
    let [referral] = decision.referrals.as_slice() else {
        panic!("{:#?}", decision.referrals);
    };
    assert_eq!(&*referral.role, "executing-authority");
    assert_eq!(referral.jurisdiction.as_str(), "FR");
    assert_eq!(&*referral.question, "Is FR bound by The Order on this day?");
    assert_eq!(referral.stage, Stage::Instrument);
    assert_eq!(referral.rule.rule.as_str(), "order-binding");
    assert_eq!(referral.rule.confidence, Confidence::Low);
    assert_eq!(&*referral.rule.citation.provision, "art 36");
}

#[test]
fn each_side_answers_for_its_own_binding() {
    let sides = ["DE: {since: 2017-05-22, ", "FR: {since: 2017-05-22, "];
    let edits = sides.map(|side| (ORDER, side, format!("{side}confidence: low, ")));
    let edits: Vec<_> = edits
        .iter()
        .map(|(file, from, to)| (*file, *from, &**to))
        .collect();
    let decision = decide(&edited(&[], &edits), &request());
    let roles: Vec<_> = decision
        .referrals
        .iter()
        .map(|referral| (&*referral.role, referral.jurisdiction.as_str()))
        .collect();
    assert_eq!(
        roles,
        [("issuing-authority", "DE"), ("executing-authority", "FR")]
    );
}

#[test]
fn a_binding_of_medium_confidence_binds() {
    let medium = BINDING.replace("languages", "confidence: medium, languages");
    let library = edited(&[], &[(ORDER, BINDING, &medium)]);
    assert_eq!(decide(&library, &request()).outcome, Outcome::Approved);
}

#[test]
fn a_penalty_of_low_confidence_is_asked_for() {
    let rule = r"
  - id: order-grave
    title: {en: Grave offences only}
    cite: act art 6
    effect: refuse
    when: [context.offence.max_penalty_months < 12]
";
    let register = "jurisdictions/de/offences.yaml";
    let theft = "iccs: \"0502\", confidence: medium";
    for (confidence, outcome) in [("medium", Outcome::Approved), ("low", Outcome::Incomplete)] {
        let doubtful = theft.replace("medium", confidence);
        let library = edited(&[(ORDER, rule)], &[(register, theft, &doubtful)]);
        let mut request = request();
        request.offences = vec![offence("StGB 242")];
        assert_eq!(decide(&library, &request).outcome, outcome, "{confidence}");
    }
}

#[test]
fn an_authority_of_low_confidence_is_asked_for() {
    let rule = r"
  - {id: de-competent, title: {en: Incompetent}, cite: act art 6, stage: outbound, effect: refuse, kind: return, when: [context.issuing.competent == false]}
";
    let register = "jurisdictions/de/authorities.yaml";
    let issuer = "may_issue: [data], cite: act art 2";
    for (confidence, outcome) in [("medium", Outcome::Approved), ("low", Outcome::Referred)] {
        let doubtful = format!("{issuer}, confidence: {confidence}");
        let library = edited(&[(DE, rule)], &[(register, issuer, &doubtful)]);
        assert_eq!(
            decide(&library, &request()).outcome,
            outcome,
            "{confidence}"
        );
    }
}
