//! Our own evaluation of conditions against Cedar's, line by line.

use std::{path::Path, sync::Arc};

use comity_domain::{FactSource, FactUse, FactUseSource, FactValue};
use proptest::prelude::*;

use super::small::{ORDER, library};
use crate::{
    Engine, Library,
    evaluate::{Evaluator, Holds, Known},
    findings::lines as lines_of,
    model::{Condition, Declarations, Rule},
    scenario,
    vary::{Stated, domains, nearest},
};

fn shipped() -> Library {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../policies");
    Library::load(&dir).unwrap()
}

/// Every line of the library with what it may read.
fn every_line(library: &Library) -> Vec<(&Rule, &Condition, Declarations<'_>)> {
    let vocabulary = Declarations {
        vocabulary: &library.model.vocabulary,
        form: None,
    };
    let instruments = library.model.instruments.values();
    let instruments = instruments.map(|found| (&found.module, Some(found)));
    let states = library.model.jurisdictions.values();
    let states = states.map(|found| (&found.module, None));
    instruments
        .chain(states)
        .flat_map(|(module, found)| module.rules.iter().map(move |rule| (rule, found)))
        .map(|(rule, found)| {
            let form = found.and_then(|found| found.form_read_by(rule));
            (rule, Declarations { form, ..vocabulary })
        })
        .flat_map(|(rule, declared)| lines_of(rule).map(move |line| (rule, line, declared)))
        .collect()
}

fn answers(
    library: &Library,
    (rule, line, declared): (&Rule, &Condition, Declarations<'_>),
    known: &Known,
) -> [Holds; 2] {
    [Engine::Lowered, Engine::Cedar]
        .map(|engine| Evaluator::new(&library.terms, declared, known, engine).line(&rule.id, line))
}

#[test]
fn both_engines_answer_every_line_alike() {
    /// Of each line; the first combinations vary what it reads first.
    const COMBINATIONS: usize = 48;
    let library = shipped();
    let (mut asked, mut lowered) = (0_usize, 0_usize);
    let every_line = every_line(&library);
    for &(rule, line, declared) in &every_line {
        lowered += usize::from(line.lowered.is_some());
        let domains = domains(declared, std::iter::once(line));
        let first = domains.iter().filter_map(|(name, values)| {
            let value = values.iter().flatten().next()?;
            Some((Arc::clone(name), value.clone()))
        });
        for chosen in nearest(&domains, &first.collect::<Stated>(), COMBINATIONS) {
            let known: Known = chosen
                .into_iter()
                .map(|(name, value)| (name, stated(value)))
                .collect();
            let [ours, cedars] = answers(&library, (rule, line, declared), &known);
            assert_eq!(ours, cedars, "{}: {} over {known:?}", rule.id, line.text);
            asked += 1;
        }
    }
    assert!(asked > every_line.len() * 2, "{asked} answers");
    assert!(
        lowered * 100 > every_line.len() * 95,
        "{lowered} of {} lines are in our own form",
        every_line.len()
    );
}

#[test]
fn both_engines_decide_every_scenario_alike() {
    let [ours, cedars] = [Engine::Lowered, Engine::Cedar].map(|engine| {
        let library = shipped().with_engine(engine);
        let mut decisions = Vec::new();
        scenario::each(&library, |name, question| {
            decisions.push((name.to_owned(), library.decide(question).decision));
        });
        decisions
    });
    assert!(ours.len() > 1000, "{} scenarios", ours.len());
    for (ours, cedars) in ours.iter().zip(&cedars) {
        assert_eq!(ours, cedars);
    }
}

fn stated(value: FactValue) -> FactUse {
    let source = FactUseSource::Stated(FactSource::Executing);
    FactUse { value, source }
}

/// Conditions over three facts, one of each kind that lines compute with.
fn conditions() -> impl Strategy<Value = String> {
    let number = prop_oneof![
        Just("context.offence.max_penalty_months".to_owned()),
        (-3_i64..4).prop_map(|n| n.to_string()),
        Just(i64::MAX.to_string()),
    ];
    let sum = (
        number.clone(),
        prop::sample::select(vec!["+", "-", "*"]),
        number,
    )
        .prop_map(|(one, sign, other)| format!("({one} {sign} {other})"));
    let compared = (
        sum.clone(),
        prop::sample::select(vec!["<", "<=", ">", ">=", "==", "!="]),
        sum,
    )
        .prop_map(|(one, sign, other)| format!("{one} {sign} {other}"));
    let truth = prop_oneof![
        compared,
        Just("context.dual_criminality".to_owned()),
        Just("context.urgency == Urgency::\"urgent\"".to_owned()),
        Just("context.persons.roles.contains(PersonRole::\"victim\")".to_owned()),
        Just("context.persons.roles.isEmpty()".to_owned()),
        Just(
            "[PersonRole::\"victim\", PersonRole::\"suspect\"].containsAll(context.persons.roles)"
                .to_owned()
        ),
        Just("context.persons.roles.containsAny([PersonRole::\"witness\"])".to_owned()),
    ];
    truth.prop_recursive(4, 24, 3, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("!({one})")),
            (
                inner.clone(),
                prop::sample::select(vec!["&&", "||", "==", "!="]),
                inner.clone()
            )
                .prop_map(|(one, sign, other)| format!("({one}) {sign} ({other})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(one, then, other)| format!("if {one} then ({then}) else ({other})")),
        ]
    })
}

fn facts() -> impl Strategy<Value = Known> {
    let text = |values: &[&'static str]| prop::sample::select(values.to_vec()).prop_map(Arc::from);
    let roles = prop::sample::subsequence(vec!["suspect", "victim", "witness"], 0..=3);
    (
        prop::option::of(-3_i64..4),
        prop::option::of(any::<bool>()),
        prop::option::of(text(&["routine", "urgent"])),
        prop::option::of(roles),
    )
        .prop_map(|(months, dual, urgency, roles)| {
            let set = |roles: Vec<&str>| FactValue::Set(roles.into_iter().map(Arc::from).collect());
            [
                ("offence.max_penalty_months", months.map(FactValue::Number)),
                ("dual_criminality", dual.map(FactValue::Truth)),
                ("urgency", urgency.map(FactValue::Text)),
                ("persons.roles", roles.map(set)),
            ]
            .into_iter()
            .filter_map(|(name, value)| Some((Arc::from(name), stated(value?))))
            .collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn both_engines_answer_any_condition_alike(
        texts in prop::collection::vec(conditions(), 40),
        stated in prop::collection::vec(facts(), 12),
    ) {
        let lines: Vec<String> = texts.iter().map(|text| format!("'{text}'")).collect();
        let rule = format!(
            "  - {{id: any, title: {{en: Any}}, cite: act art 1, effect: oblige, \
             obligation: {{kind: speciality, bound: issuing}}, when: [{}]}}",
            lines.join(", ")
        );
        let library = library(&[(ORDER, &rule)]);
        let rule = library.rule(&"any".parse()?).unwrap().rule;
        let declared = Declarations { vocabulary: &library.model.vocabulary, form: None };
        for line in lines_of(rule) {
            prop_assert!(line.lowered.is_some(), "{}", line.text);
            for known in &stated {
                let [ours, cedars] = answers(&library, (rule, line, declared), known);
                prop_assert_eq!(ours, cedars, "{} over {:?}", line.text, known);
            }
        }
    }
}
