//! The ten series of Regulation (EU) 2023/1543 Art. 28(2): European Production
//! Orders and European Preservation Orders.

use std::collections::BTreeMap;

use comity::v1;
use comity_ledger::Leaf;
use jiff::Timestamp;
use prost_types::value::Kind;

use super::{Told, times::duration};
use crate::{
    clocks::{BREACHED, NOT_VALIDATED, VALIDATED},
    wire::from_proto,
};

/// The instrument's module.
const INSTRUMENT: &str = "epoc";
/// The Regulation among the sources of the law.
const REGULATION: &str = "reg-2023-1543";
/// The measure of a preservation order; all others are for production.
const PRESERVATION: &str = "preserve.data";
/// Ground of a non-execution that is no refusal: the system never took it.
const TECHNICAL: &str = "technical";

/// How a series is counted, or what is missing.
struct Series(
    &'static str,
    &'static str,
    Result<&'static str, &'static str>,
);

const SERIES: [Series; 10] = [
    Series(
        "a",
        "orders issued, by data, addressee and emergency",
        Ok(
            "orders approved and recorded for transmission; the addressee is the provider that the \
            order's form names, else the authority that the request names",
        ),
    ),
    Series(
        "b",
        "EPOCs issued under the derogation for emergencies",
        Ok("EPOCs of (a) to which a rule on Art. 4(5) applies"),
    ),
    Series(
        "c",
        "orders fulfilled and not fulfilled",
        Ok(
            "by the answer recorded; expired orders count as not fulfilled, withdrawn ones as neither",
        ),
    ),
    Series(
        "d",
        "notifications to enforcing authorities, and EPOCs refused, by ground",
        Ok(
            "notifications: EPOCs of (a) to which a rule on Art. 8(1) applies; refusals: by the \
            ground recorded with the answer",
        ),
    ),
    Series(
        "e",
        "mean time from issue to data, for EPOCs fulfilled",
        Ok(
            "from the moment the order was issued, as it states, to the moment its answer was recorded",
        ),
    ),
    Series(
        "f",
        "mean time from EPOC-PR to the request for production",
        Ok(
            "from the moment the order was issued, as it states, to the first event \
            `production-requested` recorded",
        ),
    ),
    Series(
        "g",
        "orders transmitted for enforcement, and fulfilled then",
        Ok("by the first event `enforcement-requested` recorded, and the answers after it"),
    ),
    Series(
        "h",
        "legal remedies used, by data",
        Err("remedies are sought outside the gateway and not recorded"),
    ),
    Series(
        "i",
        "cases without validation after the event",
        Ok(
            "EPOCs and EPOC-PRs for which the event `validation-refused` is recorded, or that the time \
            limit for validation ran out",
        ),
    ),
    Series(
        "j",
        "costs claimed by providers and reimbursed",
        Err("costs are not recorded"),
    ),
];

/// The ten series, and which of them are counted.
pub(super) fn series() -> Vec<v1::StatisticsSeries> {
    let series = SERIES.iter().map(|Series(letter, title, counted)| {
        let (Ok(remark) | Err(remark)) = counted;
        v1::StatisticsSeries {
            series: (*letter).to_owned(),
            title: (*title).to_owned(),
            counted: counted.is_ok(),
            remark: (*remark).to_owned(),
        }
    });
    series.collect()
}

/// What a count is of, in the order of rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    series: &'static str,
    issuing: String,
    executing: String,
    order: &'static str,
    data: String,
    addressee: String,
    emergency: bool,
    result: &'static str,
    ground: String,
}

#[derive(Default)]
struct Count {
    orders: u64,
    /// Of all of them, where times are counted.
    micros: Option<i128>,
}

/// Orders, counted.
#[derive(Default)]
pub(super) struct Orders(BTreeMap<Key, Count>);

impl Orders {
    /// Takes in a case, if it is an order, with what happened in the period.
    pub(super) fn add(&mut self, told: &Told, within: impl Fn(Timestamp) -> bool) {
        let instrument = told.row.instrument.as_ref();
        if instrument.is_none_or(|instrument| instrument.as_str() != INSTRUMENT) {
            return;
        }
        let key = key(told);
        let produces = key.order == "EPOC";
        if told
            .first(&["APPROVED"])
            .is_some_and(|leaf| within(leaf.at))
        {
            self.count(&key, "a", "", None);
            if produces && applies(told, "art 4(5)") {
                self.count(&key, "b", "", None);
            }
            if produces && applies(told, "art 8(1)") {
                self.count(&key, "d", "notified", None);
            }
        }
        let event = |kind| told.leaves.iter().find(|leaf| leaf.kind == kind);
        let enforced = event("enforcement-requested");
        if enforced.is_some_and(|leaf| within(leaf.at)) {
            self.count(&key, "g", "transmitted", None);
        }
        if let Some(answer) = told.first(&["CONCLUDED"]).filter(|leaf| within(leaf.at)) {
            self.count(&key, "c", "fulfilled", None);
            if produces {
                let took = issued_at(told).map(|issued| since(issued, answer.at));
                self.count_time(&key, "e", took);
            }
            if enforced.is_some_and(|leaf| leaf.at <= answer.at) {
                self.count(&key, "g", "fulfilled", None);
            }
        }
        let unvalidated = told.leaves.iter().find(|leaf| is_unvalidated(told, leaf));
        if unvalidated.is_some_and(|leaf| within(leaf.at)) {
            self.count(&key, "i", "", None);
        }
        let produced = event("production-requested").filter(|_| !produces);
        if let Some(request) = produced.filter(|leaf| within(leaf.at)) {
            let took = issued_at(told).map(|issued| since(issued, request.at));
            self.count_time(&key, "f", took);
        }
        if failed(told).is_some_and(|leaf| within(leaf.at)) {
            self.count(&key, "c", "not-fulfilled", None);
            if let Some(ground) = ground(told).filter(|_| produces) {
                self.count(&Key { ground, ..key }, "d", "refused", None);
            }
        }
    }

    /// Counts a time, where it is known.
    fn count_time(&mut self, key: &Key, series: &'static str, took: Option<i64>) {
        if took.is_some() {
            self.count(key, series, "fulfilled", took);
        }
    }

    fn count(&mut self, key: &Key, series: &'static str, result: &'static str, took: Option<i64>) {
        let key = Key {
            series,
            result,
            ..key.clone()
        };
        let count = self.0.entry(key).or_default();
        count.orders += 1;
        if let Some(took) = took {
            *count.micros.get_or_insert(0) += i128::from(took);
        }
    }

    pub(super) fn rows(self) -> Vec<v1::StatisticsRow> {
        self.0
            .into_iter()
            .map(|(key, count)| row(key, count))
            .collect()
    }
}

fn row(key: Key, count: Count) -> v1::StatisticsRow {
    let Key {
        series,
        issuing,
        executing,
        order,
        data,
        addressee,
        emergency,
        result,
        ground,
    } = key;
    let mean = count.micros.and_then(|sum| {
        let mean = sum.checked_div(i128::from(count.orders))?;
        i64::try_from(mean).ok().map(duration)
    });
    v1::StatisticsRow {
        series: series.to_owned(),
        executing,
        count: count.orders,
        issuing,
        order: order.to_owned(),
        data,
        addressee,
        emergency,
        result: result.to_owned(),
        ground,
        mean,
    }
}

/// What an order is, as far as its entries and records tell.
fn key(told: &Told) -> Key {
    let measure = told.leaves.iter().find_map(|leaf| leaf.measure.clone());
    let data = measure.unwrap_or_default();
    let request = told.recorded.as_ref().map(|recorded| &recorded.request);
    let urgency = request.and_then(|request| request.urgency.as_ref());
    Key {
        series: "",
        issuing: told.row.issuing.0.to_string(),
        executing: told.row.executing.0.to_string(),
        order: if data == PRESERVATION {
            "EPOC-PR"
        } else {
            "EPOC"
        },
        data,
        addressee: request.map_or_else(String::new, addressee),
        emergency: urgency.is_some_and(|urgency| urgency.level() == v1::UrgencyLevel::Emergency),
        result: "",
        ground: String::new(),
    }
}

/// Who is to comply: the provider, else the authority, that the order names.
fn addressee(request: &v1::CooperationRequest) -> String {
    let form = request.form.as_ref();
    let named = form.and_then(|form| form.fields.get("addressee")?.kind.as_ref());
    if let Some(Kind::StructValue(named)) = named
        && let Some(Kind::StringValue(provider)) = named
            .fields
            .get("provider")
            .and_then(|provider| provider.kind.as_ref())
    {
        return provider.clone();
    }
    let executing = request.executing.as_ref();
    executing.map_or_else(String::new, |party| party.authority.clone())
}

/// Whether an obligation of the decision rests on this provision.
fn applies(told: &Told, provision: &str) -> bool {
    let recorded = told.recorded.iter();
    let obligations = recorded.flat_map(|recorded| &recorded.decision.obligations);
    obligations
        .filter_map(|obligation| obligation.rule.as_ref()?.citation.as_ref())
        .any(|cited| cited.source == REGULATION && cited.provision == provision)
}

/// Whether an entry says that validation after the event was refused, or did not come in
/// time, which the law treats alike.
fn is_unvalidated(told: &Told, leaf: &Leaf) -> bool {
    let recorded = told.recorded.iter();
    let mut clocks = recorded.flat_map(|recorded| &recorded.decision.clocks);
    match leaf.kind.as_str() {
        NOT_VALIDATED => true,
        BREACHED => clocks.any(|clock| {
            let rule = clock.rule.as_ref();
            rule.is_some_and(|rule| leaf.rules.contains(&rule.rule_id))
                && clock.stops.iter().any(|stop| stop == VALIDATED)
        }),
        _ => false,
    }
}

/// The entry by which an order came to nothing after it had been approved.
fn failed(told: &Told) -> Option<&Leaf> {
    let approved = told.first(&["APPROVED"])?.at;
    let mut ends = told.leaves.iter().filter(|leaf| leaf.at >= approved);
    ends.find(|leaf| {
        let state = leaf.state.as_deref();
        matches!(state, Some("NOT_EXECUTED" | "EXPIRED" | "REFUSED"))
    })
}

/// The ground on which it came to nothing: the one that the executing side named,
/// else the provision by which it was refused once approved.
fn ground(told: &Told) -> Option<String> {
    let recorded = told.recorded.as_ref()?;
    if let Some(result) = &recorded.result {
        let ground = Some(result.ground.clone());
        return ground.filter(|ground| !ground.is_empty() && ground != TECHNICAL);
    }
    let ground = recorded.decision.grounds.first()?;
    let cited = ground.rule.as_ref()?.citation.as_ref()?;
    Some(format!("{} {}", cited.source, cited.provision))
}

/// Microseconds from one moment to another.
fn since(from: Timestamp, to: Timestamp) -> i64 {
    to.as_microsecond() - from.as_microsecond()
}

/// When the order was issued, if it states that.
fn issued_at(told: &Told) -> Option<Timestamp> {
    let stated = told.recorded.as_ref()?.request.issued_at?;
    from_proto::timestamp(stated)
}
