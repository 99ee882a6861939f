//! The golden matrix: what a clean request comes to, from every State to every
//! other for every measure. A change of law shows in it as lines that change.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
    sync::Arc,
};

use comity_domain::{
    Decision, Executing, FactSource, FactValue, Facts, InstrumentId, Issuing, JurisdictionCode,
    MeasureId, Offence, Outcome, Request, RuleId, Stated, Urgency,
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use super::{LIBRARY, decide};

/// When the requests are signed.
const SIGNED: &str = "2026-11-23T11:00:00Z";
/// Set to `write`, the file is written instead of compared.
const GOLDEN: &str = "COMITY_GOLDEN";
/// Longest line, in characters.
const WIDTH: usize = 120;
/// Where measures begin on a line.
const COLUMN: usize = 52;
/// Pairs are independent; two threads halve the wait.
const THREADS: usize = 2;

/// What is stated in a clean request: whatever the law asks for, and nothing
/// that stands against it. What is not here is unknown or presumed.
const TRUE: [&str; 17] = [
    "arrangement.concluded",
    "dual_criminality",
    "evidence.essential_shown",
    "evidence.probable_cause",
    "evidence.specific_facts",
    "issuing.court_order",
    "notice.conformity_checked",
    "offence.indictable",
    "order.certified",
    "origin.authorised",
    "persons.consent",
    "police.individual_case",
    "request.through_central_authority",
    "team.consent",
    "team.leader_of_state_of_operation",
    "transfer.binding_safeguards",
    "use.same_facts",
];
const FALSE: [&str; 11] = [
    "basis.treaty",
    "information.secret_evidence",
    "offence.atrocity",
    "offence.tax_fraud",
    "offence.trafficking_in_persons",
    "offence.transnational_organised",
    "offence.uncac_listed",
    "offence.vienna_listed",
    "transfer.immediate_threat",
    "use.other_participants",
    "victim.trafficking_indicated",
];
const NUMBERS: [(&str, i64); 2] = [
    ("offence.executing_max_penalty_months", 60),
    ("police.identity_items", 2),
];

#[test]
fn the_matrix_is_as_reviewed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/matrix.txt");
    let matrix = matrix();
    if env::var(GOLDEN).is_ok_and(|value| value == "write") {
        write(&path, &matrix);
        return;
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    let changed: Vec<_> = difference(&reviewed, &matrix);
    assert!(
        changed.is_empty(),
        "the library says otherwise than tests/golden/matrix.txt; where the change is meant, run \
         `cargo xtask matrix` and review the difference:\n{}",
        changed.join("\n")
    );
}

/// From every State to every other there is a way to subscriber data: one that
/// does not refuse a clean request, whatever it still asks.
#[test]
fn there_is_a_way_to_subscriber_data_between_all() {
    let measure: MeasureId = "data.subscriber".parse().unwrap();
    for pair in pairs() {
        let row = row(&pair, &measure);
        let mut ways = row.split(", ").map(|way| way.split(' ').next().unwrap());
        let usable = ways.any(|way| !way.ends_with('!') && !way.starts_with('\u{2014}'));
        assert!(usable, "{pair:?}: {row}");
    }
}

fn write(path: &Path, matrix: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, matrix).unwrap();
}

/// The first lines that differ.
fn difference(reviewed: &str, now: &str) -> Vec<String> {
    const SHOWN: usize = 20;
    let (before, after): (BTreeSet<_>, BTreeSet<_>) =
        (paired(reviewed).collect(), paired(now).collect());
    let gone = before.difference(&after).map(|line| format!("- {line}"));
    let new = after.difference(&before).map(|line| format!("+ {line}"));
    gone.chain(new).take(SHOWN).collect()
}

/// Lines with the pair they belong to.
fn paired(text: &str) -> impl Iterator<Item = String> {
    let mut pair = "";
    text.lines()
        .filter(|line| !line.is_empty())
        .map(move |line| {
            if !line.starts_with(' ') {
                pair = line;
            }
            format!("{pair}: {}", line.trim())
        })
}

type Pair = [JurisdictionCode; 2];

fn pairs() -> Vec<Pair> {
    let states: Vec<_> = LIBRARY
        .jurisdictions()
        .map(|state| state.code.clone())
        .collect();
    let ordered = states
        .iter()
        .flat_map(|from| states.iter().map(move |to| [from, to]));
    ordered
        .filter(|[from, to]| from != to)
        .map(|pair| pair.map(Clone::clone))
        .collect()
}

/// Measures that no other lies below.
fn leaves() -> Vec<MeasureId> {
    let all: Vec<_> = LIBRARY.measures().map(|measure| measure.id).collect();
    let above = |one: &MeasureId| {
        let prefix = format!("{one}.");
        all.iter().any(|other| other.as_str().starts_with(&prefix))
    };
    all.iter()
        .filter(|one| !above(one))
        .map(|one| (*one).clone())
        .collect()
}

fn matrix() -> String {
    let mut text = HEAD.to_owned();
    let (pairs, leaves) = (pairs(), leaves());
    let share = pairs.len().div_ceil(THREADS).max(1);
    std::thread::scope(|scope| {
        let running: Vec<_> = pairs
            .chunks(share)
            .map(|pairs| scope.spawn(|| pairs.iter().map(|pair| block(pair, &leaves)).collect()))
            .collect();
        for thread in running {
            let blocks: Vec<String> = thread.join().unwrap();
            text.extend(blocks);
        }
    });
    text
}

const HEAD: &str = "\
What a clean request comes to, from one State to another, for every measure.

Each line names the instruments that carry its measures, best first: without a
mark one under which a clean request is approved; with `?` one under which it
is incomplete, with `~` referred to a human, with `!` refused. Where the best
does not approve, the rule that settles it stands behind. A dash says why there
is no instrument.

A clean request is signed on 2026-11-23 by an authority that may, in an accepted
language, for fraud with a maximum of five years (category D20) that is an
offence in both States; it states what the law asks for, and nothing stands
against it. Written by `cargo xtask matrix`.
";

/// All lines of a pair of States: rows with the same text together.
fn block(pair: &Pair, leaves: &[MeasureId]) -> String {
    let mut rows: Vec<(String, Vec<&MeasureId>)> = Vec::new();
    for measure in leaves {
        let row = row(pair, measure);
        match rows.iter_mut().find(|(other, _)| *other == row) {
            Some((_, measures)) => measures.push(measure),
            None => rows.push((row, vec![measure])),
        }
    }
    let [from, to] = pair;
    let mut text = format!("\n{from} > {to}\n");
    for (row, measures) in rows {
        line(&mut text, &row, &grouped(&measures, leaves));
    }
    text
}

/// One line: the instruments, then the measures, continued where it is long.
fn line(text: &mut String, row: &str, measures: &[String]) {
    let mut line = format!("  {row:<width$}", width = COLUMN - 3);
    if line.chars().count() >= COLUMN {
        writeln!(text, "{line}").unwrap();
        line = " ".repeat(COLUMN - 1);
    }
    for measure in measures {
        if line.chars().count() + 1 + measure.len() > WIDTH {
            writeln!(text, "{line}").unwrap();
            line = " ".repeat(COLUMN - 1);
        }
        write!(line, " {measure}").unwrap();
    }
    writeln!(text, "{line}").unwrap();
}

/// Measures by name, those of a whole group as the group.
fn grouped(measures: &[&MeasureId], leaves: &[MeasureId]) -> Vec<String> {
    let here: BTreeSet<&str> = measures.iter().map(|measure| measure.as_str()).collect();
    let names = here.iter().map(|name| {
        let dots = name
            .match_indices('.')
            .filter_map(|(at, _)| name.get(..=at));
        let mut groups = dots.filter(|group| {
            let mut below = leaves
                .iter()
                .filter(|leaf| leaf.as_str().starts_with(group));
            below.all(|leaf| here.contains(leaf.as_str()))
        });
        groups
            .next()
            .map_or_else(|| (*name).to_owned(), |group| format!("{group}*"))
    });
    let names: BTreeSet<String> = names.collect();
    names.into_iter().collect()
}

/// The instruments that carry a measure between two States, and what becomes
/// of a clean request under each.
fn row(pair: &Pair, measure: &MeasureId) -> String {
    let [from, to] = pair;
    let signed: Timestamp = SIGNED.parse().unwrap();
    let day: Date = TimeZone::UTC.to_datetime(signed).date();
    let carriers = LIBRARY.carriers(from, to, measure, day);
    if carriers.is_empty() {
        return format!("\u{2014} {}", why_not(&clean(pair, measure, None)));
    }
    let mut told = Vec::new();
    for instrument in carriers {
        let decision = best(clean(pair, measure, Some(instrument)));
        let first = told.is_empty();
        told.push(match settled(&decision) {
            None => instrument.to_string(),
            Some((mark, Some(rule))) if first => format!("{instrument}{mark} [{rule}]"),
            Some((mark, _)) => format!("{instrument}{mark}"),
        });
    }
    told.join(", ")
}

/// The mark of an outcome other than approval, and the rule that settles it.
fn settled(decision: &Decision) -> Option<(&'static str, Option<&RuleId>)> {
    let (mark, rule) = match decision.outcome {
        Outcome::Approved => return None,
        Outcome::Incomplete => ("?", decision.requirements.first().map(|found| &found.rule)),
        Outcome::Referred => ("~", decision.referrals.first().map(|found| &found.rule)),
        Outcome::Refused => ("!", decision.grounds.first().map(|found| &found.rule)),
    };
    Some((mark, rule.map(|rule| &rule.rule)))
}

/// What stands against every instrument that comes near, save that it is for
/// other measures or other States.
fn why_not(request: &Request) -> String {
    let grounds = decide(request).grounds;
    let rules = grounds.iter().map(|ground| ground.rule.rule.to_string());
    let telling = rules.filter(|rule| !rule.ends_with("-measure") && !rule.ends_with("-between"));
    let telling: Vec<_> = telling.collect();
    if telling.is_empty() {
        "no instrument is for this measure between the two".to_owned()
    } else {
        telling.join(", ")
    }
}

/// The mildest outcome among the kinds of authority that may ask.
fn best(request: Request) -> Decision {
    let issuing = &request.issuing.0;
    let mut by_kind = BTreeMap::new();
    for issuer in LIBRARY.issuers(issuing, &request.measure) {
        by_kind.entry(issuer.kind).or_insert(issuer.id);
    }
    let mut best: Option<Decision> = None;
    for issuer in by_kind.into_values() {
        let decision = decide(&Request {
            issuing_authority: issuer.parse().unwrap(),
            ..request.clone()
        });
        let approved = decision.outcome == Outcome::Approved;
        if best
            .as_ref()
            .is_none_or(|best| decision.outcome < best.outcome)
        {
            best = Some(decision);
        }
        if approved {
            break;
        }
    }
    best.unwrap_or_else(|| decide(&request))
}

fn clean(pair: &Pair, measure: &MeasureId, instrument: Option<&InstrumentId>) -> Request {
    let [from, to] = pair.clone();
    Request {
        id: "clean".parse().unwrap(),
        issuing: Issuing(from),
        issuing_authority: "unlisted".parse().unwrap(),
        executing: Executing(to),
        executing_authority: None,
        instrument: instrument.cloned(),
        measure: measure.clone(),
        offences: vec![Offence {
            provision: Arc::from("fraud"),
            category: Some(Arc::from("D20")),
            iccs: None,
            max_penalty_months: Some(60),
            life_possible: Some(false),
            death_possible: Some(false),
        }],
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: Urgency::Routine,
        purpose_stated: true,
        language: None,
        validation: None,
        assurances: Vec::new(),
        facts: facts(),
        issued_at: SIGNED.parse().unwrap(),
        exercise: false,
        information: Vec::new(),
        source: None,
    }
}

fn facts() -> Facts {
    let truths = TRUE.iter().map(|name| (*name, FactValue::Truth(true)));
    let falsehoods = FALSE.iter().map(|name| (*name, FactValue::Truth(false)));
    let numbers = NUMBERS
        .iter()
        .map(|(name, number)| (*name, FactValue::Number(*number)));
    let team = [("team.use", FactValue::Text(Arc::from("team-purpose")))];
    let language = [("language_accepted", FactValue::Truth(true))];
    let stated = |value, source| Stated { value, source };
    let settled = truths.chain(falsehoods).chain(numbers).chain(team);
    let settled = settled.map(|(name, value)| (name, stated(value, FactSource::Judgement)));
    let registered = language.map(|(name, value)| (name, stated(value, FactSource::Register)));
    settled
        .chain(registered)
        .map(|(name, stated)| (Arc::from(name), stated))
        .collect()
}
