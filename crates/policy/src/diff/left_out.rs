//! Where the search did not go, said so that nobody takes silence for proof.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::RuleId;

use super::{Change, LeftOut, Subject, suspects::Apart};

/// Everything left out: first by the search as a whole, then part by part.
pub(super) fn left_out(
    changes: &[Change],
    apart: &[(RuleId, Arc<Apart>)],
    untried: &BTreeMap<RuleId, usize>,
    [occasions, skipped]: [usize; 2],
) -> Vec<LeftOut> {
    let whole = (skipped > 0).then(|| LeftOut {
        subject: None,
        what: format!(
            "{skipped} of {occasions} kinds of request, taken evenly from all: more differs than \
             can be asked in reasonable time"
        ),
    });
    let forms = changes.iter().map(|change| &change.subject);
    let forms = forms.filter(|subject| matches!(subject, Subject::Form(..)));
    let forms = forms.map(|form| LeftOut {
        subject: Some(form.clone()),
        what: "forms were taken to be in order, whatever they ask for".to_owned(),
    });
    let mut by_rule: BTreeMap<&RuleId, Vec<&Apart>> = BTreeMap::new();
    for (rule, apart) in apart {
        by_rule.entry(rule).or_default().push(apart);
    }
    let about = |rule: &RuleId, what| LeftOut {
        subject: Some(Subject::Rule(rule.clone())),
        what,
    };
    let of_rules = by_rule.into_iter().flat_map(|(rule, apart)| {
        let left = [combinations(&apart), fields(&apart)].into_iter().flatten();
        left.map(move |what| about(rule, what))
    });
    let untried = untried.iter().map(|(rule, count)| {
        let what = format!(
            "{count} requests farther from the ordinary were not decided, where nearer ones did \
             not change the outcome"
        );
        about(rule, what)
    });
    let all = whole
        .into_iter()
        .chain(forms)
        .chain(of_rules)
        .chain(untried);
    let all: BTreeSet<LeftOut> = all.collect();
    all.into_iter().collect()
}

/// Of all settings of a rule the one with the most to try.
fn combinations(apart: &[&Apart]) -> Option<String> {
    let most = apart
        .iter()
        .filter(|apart| apart.combinations > apart.tried);
    let most = most.max_by_key(|apart| apart.combinations)?;
    let all = match most.combinations {
        usize::MAX => "more than can be counted".to_owned(),
        all => all.to_string(),
    };
    let tried = most.tried;
    Some(format!(
        "{tried} of {all} combinations of what it reads were tried, the likeliest first"
    ))
}

fn fields(apart: &[&Apart]) -> Option<String> {
    let fields = apart.iter().flat_map(|apart| &apart.forms);
    let fields: BTreeSet<&str> = fields.map(|field| &**field).collect();
    let fields: Vec<&str> = fields.into_iter().collect();
    (!fields.is_empty()).then(|| format!("what a form says was left unsaid: {}", fields.join(", ")))
}
