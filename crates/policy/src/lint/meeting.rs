//! Whether a request can exist under which rules are asked, and of whom and
//! what it could be.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{JurisdictionCode, MeasureId, Stage};
use jiff::civil::Date;

use super::{Home, Law, Subject};
use crate::model::{Binding, Instrument};

/// How far rules come towards being asked together; the last is the best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meeting {
    /// Under no instrument.
    NoInstrument,
    /// Of no measure that such an instrument carries.
    NoMeasure,
    /// Between no two States that such an instrument binds.
    NoParties,
    /// Between such States, but never on the same day.
    NoDay,
    /// A request can exist.
    Possible,
}

/// A period: from the first day on, up to the day before the second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) since: Option<Date>,
    pub(super) until: Option<Date>,
}

impl Period {
    pub(super) fn meets(self, other: Self) -> bool {
        let before = |end: Option<Date>, start: Option<Date>| {
            end.zip(start).is_some_and(|(end, start)| end <= start)
        };
        !before(self.until, other.since) && !before(other.until, self.since)
    }

    /// The other lies in this one.
    pub(super) fn covers(self, other: Self) -> bool {
        let begins = self
            .since
            .is_none_or(|since| other.since.is_some_and(|other| since <= other));
        let ends = self
            .until
            .is_none_or(|until| other.until.is_some_and(|other| other <= until));
        begins && ends
    }

    fn and(self, other: Self) -> Self {
        Self {
            since: self.since.max(other.since),
            until: match (self.until, other.until) {
                (Some(one), Some(other)) => Some(one.min(other)),
                (one, other) => one.or(other),
            },
        }
    }
}

impl From<&Binding> for Period {
    fn from(binding: &Binding) -> Self {
        Self {
            since: Some(binding.since),
            until: binding.until,
        }
    }
}

impl<'a> Law<'a> {
    pub(super) fn period(self) -> Period {
        Period {
            since: self.rule.since,
            until: self.rule.until,
        }
    }

    /// It may be asked under the instrument.
    pub(super) fn under(self, instrument: &Instrument) -> bool {
        match self.home {
            Home::Instrument(own) => own.id == instrument.id && self.rule.is_under(&own.id),
            Home::State(state) => {
                self.rule.is_under(&instrument.id) && instrument.binds.contains_key(&state.code)
            }
        }
    }

    /// The measures among these that it may be asked for.
    pub(super) fn among<'m>(
        self,
        subject: &Subject<'_>,
        measures: impl Iterator<Item = &'m MeasureId>,
    ) -> BTreeSet<&'m MeasureId> {
        let filter = &self.rule.measures;
        let kinds = &subject.model.measures.kinds;
        let is_among = |measure: &MeasureId| {
            filter.is_empty()
                || kinds
                    .get(measure)
                    .is_some_and(|kinds| !kinds.is_disjoint(filter))
        };
        measures.filter(|measure| is_among(measure)).collect()
    }

    /// It may be asked of a request from one State to another.
    fn between(self, issuing: &JurisdictionCode, executing: &JurisdictionCode) -> bool {
        let (own, counterpart) = match self.rule.stage {
            Stage::Outbound => (issuing, executing),
            Stage::Instrument | Stage::Inbound | Stage::Disclosure => (executing, issuing),
        };
        let counterparts = &self.rule.counterparts;
        self.home.state().is_none_or(|state| state == own)
            && (counterparts.is_empty() || counterparts.contains(counterpart))
    }

    /// The instruments under which it may be asked.
    pub(super) fn instruments(
        self,
        subject: &Subject<'a>,
    ) -> impl Iterator<Item = &'a Instrument> + use<'a> {
        let all = subject.model.instruments.values();
        all.filter(move |instrument| self.under(instrument))
    }

    /// The values that the fact on one of the two States can have, as far as
    /// instruments, counterparts and the rule's own State limit them.
    pub(super) fn states(self, subject: &Subject<'a>, issuing: bool) -> BTreeSet<Arc<str>> {
        // The counterpart is the other State, for instruments the one that asks.
        let asks = self.rule.stage == Stage::Outbound;
        let listed = subject.model.vocabulary.types.get("State");
        let value = |code: &JurisdictionCode| {
            let country = code.country();
            let known = listed.is_some_and(|values| values.contains(country));
            Arc::from(if known { country } else { "other" })
        };
        match self.home.state() {
            Some(own) if issuing == asks => BTreeSet::from([value(own)]),
            _ if issuing != asks && !self.rule.counterparts.is_empty() => {
                self.rule.counterparts.iter().map(value).collect()
            }
            _ => {
                let bound = self
                    .instruments(subject)
                    .flat_map(|found| found.binds.keys());
                bound.map(value).collect()
            }
        }
    }
}

/// How far these rules come towards being asked together.
pub(super) fn meeting(subject: &Subject<'_>, laws: &[Law<'_>]) -> Meeting {
    let instruments = subject.model.instruments.values();
    let under = instruments.filter(|instrument| laws.iter().all(|law| law.under(instrument)));
    under
        .map(|instrument| under_one(subject, laws, instrument))
        .max()
        .unwrap_or(Meeting::NoInstrument)
}

fn under_one(subject: &Subject<'_>, laws: &[Law<'_>], instrument: &Instrument) -> Meeting {
    let carried = subject.carried.get(&instrument.id);
    let mut measures: BTreeSet<&MeasureId> = carried.into_iter().flatten().copied().collect();
    for law in laws {
        measures = law.among(subject, measures.into_iter());
    }
    if measures.is_empty() {
        return Meeting::NoMeasure;
    }
    let mut best = Meeting::NoParties;
    for (issuing, executing, bound) in parties(instrument) {
        if !laws.iter().all(|law| law.between(issuing, executing)) {
            continue;
        }
        best = Meeting::NoDay;
        let all = laws.iter().try_fold(bound, |all, law| {
            all.meets(law.period()).then(|| all.and(law.period()))
        });
        if all.is_some() {
            return Meeting::Possible;
        }
    }
    best
}

/// The pairs of States between which an instrument applies, while both are bound.
fn parties(
    instrument: &Instrument,
) -> impl Iterator<Item = (&JurisdictionCode, &JurisdictionCode, Period)> {
    let crosses = |issuing: &JurisdictionCode, executing: &JurisdictionCode| {
        instrument.between.as_ref().is_none_or(|[one, other]| {
            (one.contains(issuing) && other.contains(executing))
                || (other.contains(issuing) && one.contains(executing))
        })
    };
    instrument.binds.iter().flat_map(move |(issuing, one)| {
        let others = instrument.binds.iter();
        others.filter_map(move |(executing, other)| {
            let (one, other) = (Period::from(one), Period::from(other));
            let apply = issuing != executing && one.meets(other) && crosses(issuing, executing);
            apply.then(|| (issuing, executing, one.and(other)))
        })
    })
}
