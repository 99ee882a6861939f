//! What holds for every request whatever: the ten properties of the lawyers'
//! scenarios, over requests drawn from all that the library holds.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{
    Decision, FactSource, FactValue, GroundKind, Outcome, Request, RuleId, RuleRef, Stage,
};
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::{
    LIBRARY, decide,
    requests::{requests, stating},
};

/// Requests drawn in one run; each is put to every property.
const CASES: u32 = 10_000;
/// A property of whose premise fewer requests of a run speak tests nothing.
const SPOKEN_OF: u32 = 20;
/// Kinds of authority that are judicial under Directive 2014/41/EU Art. 2(c)(i).
const JUDICIAL: [&str; 4] = ["judge", "court", "investigating-judge", "prosecutor"];
/// The same without prosecutors: Regulation (EU) 2023/1543 Art. 4(2).
const JUDGES: [&str; 3] = ["judge", "court", "investigating-judge"];
/// Instruments under which an offence's being fiscal refuses nothing.
const FISCAL_IS_NO_GROUND: [&str; 5] = ["eio", "ets-30", "untoc", "uncac", "budapest"];
/// Bound by none of the rules that take the fiscal ground away.
const FISCAL_STAYS: &str = "CH";

/// A request and what was decided of it.
struct Case<'a> {
    request: &'a Request,
    decision: &'a Decision,
}

/// `None` where the request is none that the property speaks of.
type Verdict = Option<Result<(), String>>;

/// A property by its name.
type Property = (&'static str, fn(&Case<'_>) -> Verdict);

const PROPERTIES: [Property; 10] = [
    (
        "1: an always-available measure meets no test of dual criminality or catalogue",
        always_available,
    ),
    (
        "2: no production of traffic or content data without a judge",
        judge_for_content,
    ),
    ("3: what is not in force never carries", in_force),
    ("4: opt-outs are kept", opt_outs),
    (
        "5: exposure to death is never waved through",
        exposure_to_death,
    ),
    (
        "6: consultation before refusal where the Directive demands it",
        consultation,
    ),
    ("7: that an offence is fiscal refuses nothing", fiscal),
    (
        "8: no onward transfer without the State of origin",
        onward_transfer,
    ),
    ("9: an order that is not judicial is returned", returned),
    ("10: a human is named, with a question", human),
];

#[test]
fn every_property_holds_for_every_request() {
    let config = Config {
        failure_persistence: None,
        ..Config::with_cases(CASES)
    };
    let spoken_of: RefCell<BTreeMap<&str, u32>> = RefCell::new(BTreeMap::new());
    let tried = TestRunner::new(config).run(&requests(), |request| {
        let decision = decide(&request);
        let case = Case {
            request: &request,
            decision: &decision,
        };
        for (name, holds) in PROPERTIES {
            let Some(verdict) = holds(&case) else {
                continue;
            };
            *spoken_of.borrow_mut().entry(name).or_default() += 1;
            verdict.map_err(|why| TestCaseError::fail(format!("{name}: {why}")))?;
        }
        Ok(())
    });
    tried.unwrap_or_else(|failure| panic!("{failure}"));
    assert_eq!(LIBRARY.engine_errors(), 0);
    let spoken_of = spoken_of.into_inner();
    for (name, _) in PROPERTIES {
        let count = spoken_of.get(name).copied().unwrap_or_default();
        assert!(
            count >= SPOKEN_OF,
            "only {count} of {CASES} requests speak of {name}"
        );
    }
}

/// Denmark stays outside three acts and Ireland outside two, but Ireland takes
/// part in what it opted into.
#[test]
fn ireland_takes_part_where_it_opted_in() {
    let day = "2026-11-23".parse().unwrap();
    let (de, ie) = ("DE".parse().unwrap(), "IE".parse().unwrap());
    let carries = |instrument: &str| {
        LIBRARY.measures().any(|measure| {
            let carriers = LIBRARY.carriers(&de, &ie, measure.id, day);
            carriers.iter().any(|id| id.as_str() == instrument)
        })
    };
    assert!(carries("epoc") && carries("pruem-2"));
    assert!(!carries("eio") && !carries("budapest"));
}

fn always_available(case: &Case<'_>) -> Verdict {
    let kinds = case.kinds()?;
    if !case.is_under("eio") || !kinds.contains("always-available") {
        return None;
    }
    let tests = case.against().find(|rule| {
        let letters = letters(&rule.rule);
        letters.contains(&'g') || letters.contains(&'h')
    });
    Some(tests.map_or(Ok(()), |rule| {
        Err(format!("{} stands against it", rule.rule))
    }))
}

fn judge_for_content(case: &Case<'_>) -> Verdict {
    let measure = case.request.measure.as_str();
    if !case.is_under("epoc") || !["data.traffic", "data.content"].contains(&measure) {
        return None;
    }
    let signed = case.issued_by(&JUDGES) == Some(true) || case.validated_by(&JUDGES);
    (!signed).then(|| case.is_not(Outcome::Approved))
}

fn in_force(case: &Case<'_>) -> Verdict {
    let carrier = case.decision.instrument.as_ref()?;
    let law = LIBRARY
        .instruments()
        .find(|instrument| instrument.id == carrier)?;
    Some(if law.in_force {
        Ok(())
    } else {
        Err(format!("{carrier} is not in force"))
    })
}

fn opt_outs(case: &Case<'_>) -> Verdict {
    let carrier = case.decision.instrument.as_ref()?.as_str();
    let concerns = |state: &str| {
        let request = case.request;
        [&request.issuing.0, &request.executing.0]
            .iter()
            .any(|one| one.as_str() == state)
    };
    if !concerns("DK") && !concerns("IE") {
        return None;
    }
    let denmark = concerns("DK") && ["eio", "epoc", "pruem-2"].contains(&carrier);
    let ireland = concerns("IE") && ["eio", "budapest"].contains(&carrier);
    Some(if denmark || ireland {
        Err(format!("{carrier} carries it"))
    } else {
        Ok(())
    })
}

fn exposure_to_death(case: &Case<'_>) -> Verdict {
    let request = case.request;
    let death_penalty = |state| {
        let state = LIBRARY.jurisdictions().find(|known| known.code == state);
        state.map(|state| &**state.death_penalty)
    };
    let exposed = request
        .offences
        .iter()
        .any(|offence| offence.death_possible == Some(true));
    // A human's finding settles it, also against what the request says.
    let stated = request.facts.get("offence.death_possible");
    let settled = stated.is_some_and(|stated| {
        stated.source == FactSource::Judgement && stated.value == FactValue::Truth(false)
    });
    // A State that has abolished it can expose nobody, whatever it writes.
    let abolished = death_penalty(&request.executing.0) == Some("abolished")
        && death_penalty(&request.issuing.0) != Some("abolished");
    // Who sends information unasked is given nothing that could serve a sentence.
    let supplied = !case.kinds()?.contains("information");
    if !(exposed && !settled && abolished && supplied) {
        return None;
    }
    let assured = request.assurances.iter().any(|assurance| {
        ["no-death-penalty", "no-use-for-death-sentence"].contains(&&*assurance.kind)
    });
    Some(if assured && !case.decision.obligations.is_empty() {
        Ok(())
    } else {
        case.is_not(Outcome::Approved)
    })
}

fn consultation(case: &Case<'_>) -> Verdict {
    if !case.is_under("eio") {
        return None;
    }
    let demands = |rule: &RuleRef| {
        let letters = letters(&rule.rule);
        ['a', 'b', 'd', 'e', 'f']
            .iter()
            .any(|letter| letters.contains(letter))
    };
    let mut grounds = case
        .decision
        .grounds
        .iter()
        .filter(|ground| demands(&ground.rule))
        .peekable();
    grounds.peek()?;
    Some(match grounds.find(|ground| !ground.consult_first) {
        Some(ground) => Err(format!("{} refuses without consultation", ground.rule.rule)),
        None => Ok(()),
    })
}

fn fiscal(case: &Case<'_>) -> Verdict {
    let carrier = case.decision.instrument.as_ref()?.as_str();
    let request = case.request;
    let stays = [&request.issuing.0, &request.executing.0]
        .iter()
        .any(|state| state.as_str() == FISCAL_STAYS);
    if !FISCAL_IS_NO_GROUND.contains(&carrier) || stays {
        return None;
    }
    let grounds = |fiscal| {
        let decision = decide(&stating(request, "offence.fiscal", fiscal));
        let grounds = decision.grounds.into_iter();
        grounds.map(|ground| ground.rule.rule).collect::<Vec<_>>()
    };
    let without = grounds(false);
    let added = grounds(true)
        .into_iter()
        .find(|rule| !without.contains(rule));
    Some(added.map_or(Ok(()), |rule| Err(format!("{rule} refuses it"))))
}

fn onward_transfer(case: &Case<'_>) -> Verdict {
    if case.request.measure.as_str() != "information.onward-transfer" {
        return None;
    }
    let known = |fact: &str| {
        let stated = case.decision.facts.get(fact);
        stated.is_some_and(|fact| fact.value == FactValue::Truth(true))
    };
    let lawful = known("origin.authorised") || known("transfer.immediate_threat");
    (!lawful).then(|| case.is_not(Outcome::Approved))
}

fn returned(case: &Case<'_>) -> Verdict {
    let judicial = case.issued_by(&JUDICIAL)? || case.validated_by(&JUDICIAL);
    if !case.is_under("eio") || judicial {
        return None;
    }
    let returned = case
        .decision
        .grounds
        .iter()
        .any(|ground| ground.kind == GroundKind::Return && ground.stage != Stage::Outbound);
    Some(if returned {
        Ok(())
    } else {
        Err("it is not returned".to_owned())
    })
}

fn human(case: &Case<'_>) -> Verdict {
    let decision = case.decision;
    if decision.outcome != Outcome::Referred {
        return None;
    }
    let named = |referral: &comity_domain::Referral| {
        !referral.role.is_empty() && !referral.question.trim().is_empty()
    };
    Some(
        if !decision.referrals.is_empty() && decision.referrals.iter().all(named) {
            Ok(())
        } else {
            Err("nobody is named, or nothing asked".to_owned())
        },
    )
}

impl Case<'_> {
    fn is_under(&self, instrument: &str) -> bool {
        let carrier = self.decision.instrument.as_ref();
        carrier.is_some_and(|carrier| carrier.as_str() == instrument)
    }

    /// All that the measure is.
    fn kinds(&self) -> Option<&'static BTreeSet<Arc<str>>> {
        let mut measures = LIBRARY.measures();
        let measure = measures.find(|measure| *measure.id == self.request.measure)?;
        Some(measure.kinds)
    }

    fn is_not(&self, outcome: Outcome) -> Result<(), String> {
        if self.decision.outcome == outcome {
            Err(format!("it is {outcome:?}"))
        } else {
            Ok(())
        }
    }

    /// The issuing authority is of one of these kinds; `None` for one that no
    /// directory knows.
    fn issued_by(&self, kinds: &[&str]) -> Option<bool> {
        let request = self.request;
        let mut directory = LIBRARY.authorities(&request.issuing.0);
        let issuer = directory.find(|one| **one.id == *request.issuing_authority.as_str())?;
        Some(kinds.contains(&&**issuer.kind))
    }

    fn validated_by(&self, kinds: &[&str]) -> bool {
        let validation = self.request.validation.as_ref();
        validation.is_some_and(|validation| kinds.contains(&&*validation.authority_kind))
    }

    /// Rules that refuse, ask or refer.
    fn against(&self) -> impl Iterator<Item = &RuleRef> {
        let Decision {
            grounds,
            requirements,
            referrals,
            ..
        } = self.decision;
        let grounds = grounds.iter().map(|found| &found.rule);
        let requirements = requirements.iter().map(|found| &found.rule);
        let referrals = referrals.iter().map(|found| &found.rule);
        grounds.chain(requirements).chain(referrals)
    }
}

/// The letters of Directive 2014/41/EU Art. 11(1) that a rule implements, itself
/// or as national law in place of the Directive's own rule.
fn letters(rule: &RuleId) -> Vec<char> {
    let Some(info) = LIBRARY.rule(rule) else {
        return Vec::new();
    };
    let replaced = info.exception_to().and_then(|target| LIBRARY.rule(target));
    let rules = [Some(info), replaced].into_iter().flatten();
    let citations = rules.filter_map(|rule| rule.citations().first());
    let own = citations.filter(|citation| &*citation.source == "dir-2014-41");
    own.filter_map(|citation| {
        let letter = citation.provision.strip_prefix("art 11(1)(")?;
        letter.chars().next()
    })
    .collect()
}
