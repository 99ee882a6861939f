//! Cases decided again, counted.

use std::{collections::BTreeMap, fmt::Write as _};

use comity::v1::Outcome;
use comity_domain::Digest;
use comity_gateway::{
    offline::{Again, Case, Made, Pruned, Unread},
    visible::one_line,
};
use serde_json::{Value, json};

use crate::render::{self, outcome_name};

const OUTCOMES: [Outcome; 4] = [
    Outcome::Approved,
    Outcome::Incomplete,
    Outcome::Referred,
    Outcome::Refused,
];

/// What became of all cases.
#[derive(Debug, Default)]
pub(super) struct Tally {
    cases: u64,
    /// By the outcome on record and the one now.
    outcomes: BTreeMap<(Outcome, Outcome), u64>,
    /// Another outcome, or another instrument.
    changed: u64,
    /// The same outcome and instrument by other findings.
    otherwise_found: u64,
    /// By the bundle of its day, as on record, and not.
    then: [u64; 2],
    /// Whose records were erased.
    erased: u64,
    unread: u64,
    /// Cases opened before are not among them.
    pruned: Option<Pruned>,
}

impl Tally {
    /// Of the cases that a ledger has since it was pruned.
    pub(super) fn since(pruned: Option<Pruned>) -> Self {
        Self {
            pruned,
            ..Self::default()
        }
    }

    /// Counts a case; whether its outcome or instrument is another.
    pub(super) fn add(&mut self, case: &Case) -> bool {
        self.cases += 1;
        let Again {
            before,
            after,
            same_as_then,
        } = match &case.again {
            Ok(again) => again,
            Err(unread) => {
                match unread {
                    Unread::Erased => self.erased += 1,
                    Unread::Damaged | Unread::Malformed | Unread::Otherwise => self.unread += 1,
                }
                return false;
            }
        };
        *self
            .outcomes
            .entry((before.outcome, after.outcome))
            .or_default() += 1;
        let [same, other] = &mut self.then;
        match same_as_then {
            Some(true) => *same += 1,
            Some(false) => *other += 1,
            None => {}
        }
        let changed = before.outcome != after.outcome || before.instrument != after.instrument;
        self.changed += u64::from(changed);
        self.otherwise_found += u64::from(!changed && before != after);
        changed
    }

    pub(super) fn changed(&self) -> u64 {
        self.changed
    }

    /// Every case could be decided again, and comes to what is on record. What was erased
    /// on purpose speaks against nothing.
    pub(super) fn is_as_on_record(&self) -> bool {
        self.changed == 0 && self.unread == 0
    }

    pub(super) fn text(&self, bundle: &Digest) -> String {
        let Self {
            cases,
            changed,
            otherwise_found,
            then: [same, other],
            erased,
            unread,
            pruned,
            outcomes,
        } = self;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(
            text,
            "{cases} cases on record, decided again by bundle {bundle}"
        );
        let without = cases - erased - unread - same - other;
        let _ = writeln!(
            text,
            "by the bundles of their days: {same} as on record, {other} not; {without} whose bundle is not kept"
        );
        if *erased > 0 {
            let _ = writeln!(
                text,
                "{erased} not decided again: their records were erased"
            );
        }
        if *unread > 0 {
            let _ = writeln!(text, "{unread} cannot be decided again: verify the store");
        }
        if let Some(pruned) = pruned {
            let _ = writeln!(
                text,
                "{pruned}: cases opened there are not decided again, and how many they were is on \
                 record no more"
            );
        }
        let mut table = render::table(&["", "before", "after"]);
        for outcome in OUTCOMES {
            let count = |side: fn(&(Outcome, Outcome)) -> Outcome| -> u64 {
                let cases = outcomes.iter().filter(|(both, _)| side(both) == outcome);
                cases.map(|(_, count)| count).sum()
            };
            let [before, after] = [count(|(before, _)| *before), count(|(_, after)| *after)];
            table.add_row([
                outcome_name(outcome).to_owned(),
                before.to_string(),
                after.to_string(),
            ]);
        }
        let _ = writeln!(text, "{table}");
        let _ = writeln!(
            text,
            "{changed} with another outcome or instrument; {otherwise_found} as before with other findings"
        );
        for ((before, after), count) in outcomes
            .iter()
            .filter(|((before, after), _)| before != after)
        {
            let _ = writeln!(
                text,
                "  {count} {}, where it was {}",
                outcome_name(*after),
                outcome_name(*before)
            );
        }
        text
    }

    pub(super) fn json(&self, bundle: &Digest) -> Value {
        let Self {
            cases,
            outcomes,
            changed,
            otherwise_found,
            then: [same, other],
            erased,
            unread,
            pruned,
        } = self;
        let outcomes = outcomes.iter().map(|((before, after), count)| {
            json!({"before": outcome_name(*before), "after": outcome_name(*after), "cases": count})
        });
        json!({
            "bundle": bundle.to_string(),
            "cases": cases,
            "outcomes": outcomes.collect::<Vec<_>>(),
            "changed": changed,
            "otherFindings": otherwise_found,
            "byBundleOfTheirDay": {"asOnRecord": same, "otherwise": other},
            "erased": erased,
            "unread": unread,
            "prunedBelow": pruned.map(|pruned| pruned.below),
        })
    }
}

/// A changed case for machines.
pub(super) fn changed(case: &Case) -> Value {
    let Case {
        id,
        received,
        pair: [issuing, executing],
        measure,
        again,
    } = case;
    let decided = |made: &Made| {
        json!({
            "outcome": outcome_name(made.outcome),
            "instrument": made.instrument,
            "rules": made.deciding,
        })
    };
    let again = again.as_ref().ok();
    json!({
        "case": id.as_str(),
        "received": received.to_string(),
        "issuing": issuing.as_str(),
        "executing": executing.as_str(),
        "measure": measure,
        "before": again.map(|again| decided(&again.before)),
        "after": again.map(|again| decided(&again.after)),
    })
}

/// A changed case as a row of a table.
pub(super) fn row(case: &Case) -> [String; 6] {
    let [issuing, executing] = &case.pair;
    let decided = |made: &Made| {
        let instrument = match made.instrument.as_str() {
            "" => "no instrument",
            instrument => instrument,
        };
        let rules = made.deciding.join(" ");
        let (instrument, rules) = (one_line(instrument), one_line(&rules));
        format!("{} under {instrument}\n{rules}", outcome_name(made.outcome))
    };
    let again = case.again.as_ref().ok();
    let decided = |made: Option<&Made>| made.map(decided).unwrap_or_default();
    [
        case.id.to_string(),
        issuing.to_string(),
        executing.to_string(),
        one_line(&case.measure),
        decided(again.map(|again| &again.before)),
        decided(again.map(|again| &again.after)),
    ]
}
