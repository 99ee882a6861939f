//! A difference for machines.

use comity_domain::Decision;
use comity_gateway::wire::{json, to_proto};
use comity_policy::{
    AspectChange, Change, ChangeKind, Difference, Effect, Example, Finding, FindingKind, LeftOut,
    Matters, Relation, Rewording, RuleChange,
};
use jiff::Timestamp;
use serde_json::{Value, json};

/// The whole difference; decisions in the contract's JSON mapping.
pub(super) fn difference(difference: &Difference) -> Value {
    let Difference {
        bundles: [old, new],
        changes,
        words,
        rules,
        effects,
        decided,
        left_out,
        unproved,
    } = difference;
    let only_words = words.iter().map(|words| words.subject.to_string());
    json!({
        "old": old.to_string(),
        "new": new.to_string(),
        "changes": changes.iter().map(change).collect::<Vec<_>>(),
        "onlyWords": only_words.collect::<Vec<_>>(),
        "words": words.iter().map(rewording).collect::<Vec<_>>(),
        "rules": rules.iter().map(rule).collect::<Vec<_>>(),
        "effects": effects.iter().map(effect).collect::<Vec<_>>(),
        "decided": decided,
        "unproved": unproved,
        "leftOut": left_out.iter().map(left).collect::<Vec<_>>(),
    })
}

fn change(change: &Change) -> Value {
    let Change {
        subject,
        kind,
        title,
        aspects,
        words,
        within,
    } = change;
    let title = title.in_language("en").map(|(_, title)| title.to_string());
    let within: Vec<String> = within.iter().map(ToString::to_string).collect();
    json!({
        "subject": subject.to_string(),
        "kind": match kind {
            ChangeKind::Added => "added",
            ChangeKind::Removed => "removed",
            ChangeKind::Altered => "altered",
        },
        "title": title,
        "aspects": sides(aspects),
        "words": sides(words),
        "with": within,
    })
}

fn rewording(words: &Rewording) -> Value {
    let Rewording { subject, aspects } = words;
    json!({"subject": subject.to_string(), "aspects": sides(aspects)})
}

fn sides(aspects: &[AspectChange]) -> Vec<Value> {
    let aspects = aspects.iter();
    aspects
        .map(|AspectChange { aspect, was, is }| json!({"aspect": aspect, "was": was, "is": is}))
        .collect()
}

fn rule(change: &RuleChange) -> Value {
    let RuleChange {
        rule,
        relation,
        proved,
        complete,
    } = change;
    let (holds, why) = match relation {
        Relation::More => ("more", None),
        Relation::Less => ("less", None),
        Relation::Same => ("same", None),
        Relation::Both => ("more-and-less", None),
        Relation::NotFound => ("no-difference-found", None),
        Relation::NotAnalysable(why) => ("not-analysable", Some(why)),
    };
    let method = if *proved { "proved" } else { "searched" };
    json!({"rule": rule.as_str(), "holds": holds, "why": why, "method": method, "complete": complete})
}

fn effect(effect: &Effect) -> Value {
    let Effect {
        outcomes: _,
        carriers: _,
        findings: [gone, come],
        matters,
        example: Example {
            scenario,
            before,
            after,
        },
    } = effect;
    let matters = matters.iter().map(|matters| {
        let Matters {
            named,
            pairs,
            measures,
        } = matters;
        let named: Vec<&str> = named.iter().map(|named| named.as_str()).collect();
        let pairs: Vec<[&str; 2]> = pairs
            .iter()
            .map(|pair| pair.each_ref().map(|code| code.as_str()))
            .collect();
        let measures: Vec<&str> = measures.iter().map(|measure| measure.as_str()).collect();
        json!({"instruments": named, "pairs": pairs, "measures": measures})
    });
    json!({
        "gone": gone.iter().map(finding).collect::<Vec<_>>(),
        "come": come.iter().map(finding).collect::<Vec<_>>(),
        "matters": matters.collect::<Vec<_>>(),
        "example": {
            "scenario": scenario,
            "before": decision(before),
            "after": decision(after),
        },
    })
}

fn finding(finding: &Finding) -> Value {
    let Finding {
        kind,
        of,
        detail,
        missing,
    } = finding;
    let missing: Vec<&str> = missing.iter().map(|fact| &**fact).collect();
    let kind = match kind {
        FindingKind::Ground => "ground",
        FindingKind::Requirement => "requirement",
        FindingKind::Referral => "referral",
        FindingKind::Obligation => "obligation",
        FindingKind::Clock => "clock",
        FindingKind::Permit => "permit",
        FindingKind::Alternative => "alternative",
    };
    json!({"kind": kind, "of": of, "detail": detail, "missing": missing})
}

fn decision(decision: &Decision) -> Value {
    let message = to_proto::decision(decision, "", Timestamp::UNIX_EPOCH);
    let text = json::print(&message).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn left(left: &LeftOut) -> Value {
    let LeftOut { subject, what } = left;
    json!({"subject": subject.as_ref().map(ToString::to_string), "what": what})
}
