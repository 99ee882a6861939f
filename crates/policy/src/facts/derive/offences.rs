//! Facts taken over all offences of a request.

use comity_domain::{Confidence, FactSource, FactValue, Offence};

use super::{super::set, Derivation, listed};
use crate::model::OffenceRecord;

/// At or below this, in months, laws let the executing State refuse: which of
/// several provisions the conduct falls under is then for a human to say.
const CONTESTED_MONTHS: u32 = 12;

impl Derivation<'_> {
    /// Facts taken over all offences; nothing where there is none.
    pub(super) fn offences(&mut self) {
        let offences = &self.request.offences;
        let abolished = self
            .issuing
            .is_some_and(|state| &*state.profile.death_penalty == "abolished");
        if offences.is_empty() {
            // Where no offence carries it, one that is not named does not either.
            let death = abolished.then_some((false, FactSource::Register));
            self.put_possible("offence.death_possible", death);
            return;
        }
        let vocabulary = &self.model.vocabulary;
        let ticked: Vec<_> = offences
            .iter()
            .map(|offence| {
                offence
                    .category
                    .as_ref()
                    .filter(|c| listed(vocabulary, "Category", c))
            })
            .collect();
        let every = ticked.iter().all(Option::is_some);
        let categories = set(ticked.into_iter().flatten().cloned());
        self.put_truth("offence.annex_d", FactSource::Requester, Some(every));
        self.put("offence.categories", FactSource::Requester, categories);
        self.max_penalty();
        let life = self.possible(|offence| offence.life_possible, |record| record.life);
        self.put_possible("offence.life_possible", life);
        let death = self
            .possible(|offence| offence.death_possible, |record| record.death)
            .or(abolished.then_some((false, FactSource::Register)));
        self.put_possible("offence.death_possible", death);
        if let Some(abroad) = self.lowest_penalty_abroad() {
            self.put_truth("dual_criminality", FactSource::Register, Some(true));
            if abroad > CONTESTED_MONTHS {
                let months = FactValue::Number(i64::from(abroad));
                self.put(
                    "offence.executing_max_penalty_months",
                    FactSource::Register,
                    months,
                );
            }
        }
    }

    fn max_penalty(&mut self) {
        let offences = &self.request.offences;
        let stated = offences
            .iter()
            .all(|offence| offence.max_penalty_months.is_some());
        let months = offences.iter().map(|offence| {
            // An entry of low confidence settles nothing on its own.
            let record = self.record(offence);
            let sure = record.filter(|record| record.confidence > Confidence::Low);
            let recorded = || sure.map(|record| record.max_penalty_months);
            offence.max_penalty_months.or_else(recorded)
        });
        // One unknown penalty may be the lowest.
        let lowest = months
            .collect::<Option<Vec<_>>>()
            .and_then(|all| all.into_iter().min());
        let source = if stated {
            FactSource::Requester
        } else {
            FactSource::Register
        };
        if let Some(lowest) = lowest {
            let months = FactValue::Number(i64::from(lowest));
            self.put("offence.max_penalty_months", source, months);
        }
    }

    /// Whether a sentence is possible for any offence. A register that says
    /// so outweighs a requester who does not; one that denies it counts only
    /// where it is sure and nobody said otherwise.
    fn possible(
        &self,
        stated: fn(&Offence) -> Option<bool>,
        recorded: fn(&OffenceRecord) -> bool,
    ) -> Option<(bool, FactSource)> {
        let of_one = |offence: &Offence| match (stated(offence), self.record(offence)) {
            (Some(true), _) => Some((true, FactSource::Requester)),
            (_, Some(record)) if recorded(record) => Some((true, FactSource::Register)),
            (Some(false), _) => Some((false, FactSource::Requester)),
            (None, Some(record)) if record.confidence == Confidence::High => {
                Some((false, FactSource::Register))
            }
            (None, _) => None,
        };
        let all: Vec<_> = self.request.offences.iter().map(of_one).collect();
        let possible = all.iter().flatten().find(|(possible, _)| *possible);
        match possible {
            Some(found) => Some(*found),
            None => all
                .into_iter()
                .collect::<Option<Vec<_>>>()?
                .into_iter()
                .next(),
        }
    }

    fn put_possible(&mut self, name: &str, possible: Option<(bool, FactSource)>) {
        if let Some((truth, source)) = possible {
            self.put_truth(name, source, Some(truth));
        }
    }

    fn record(&self, offence: &Offence) -> Option<&OffenceRecord> {
        self.issuing?.offences.get(&*offence.provision)
    }

    /// The lowest maximum penalty among the executing State's provisions under
    /// the same ICCS codes, where both registers surely know every offence.
    /// Nothing is concluded from one that is missing: registers are not complete.
    fn lowest_penalty_abroad(&self) -> Option<u32> {
        let sure = |record: &&OffenceRecord| record.confidence == Confidence::High;
        let lowest = self.request.offences.iter().map(|offence| {
            let code = self.record(offence).filter(sure)?.iccs.as_ref()?;
            let abroad = self.executing?.offences.values().filter(sure);
            abroad
                .filter(|record| record.iccs.as_ref() == Some(code))
                .map(|record| record.max_penalty_months)
                .min()
        });
        lowest.collect::<Option<Vec<_>>>()?.into_iter().min()
    }
}
