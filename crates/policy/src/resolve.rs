//! Which instrument carries a request.

use std::{collections::BTreeSet, sync::Arc};

use comity_domain::{
    Citation, InstrumentId, JurisdictionCode, MeasureId, PassedOver, Request, Text,
};
use jiff::civil::Date;

use crate::{
    model::{
        Binding, Instrument, MeasureFilter, Model, ONE_WAY, Prevails, RoutePreference, Status,
    },
    periods,
    phrases::{Remark, Weighed},
    reader::Reader,
};

/// What of a request decides on its instrument and its rules.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Matter<'a> {
    pub(crate) issuing: &'a JurisdictionCode,
    pub(crate) executing: &'a JurisdictionCode,
    pub(crate) measure: &'a MeasureId,
    /// All the measure is a kind of; `None` for a measure nobody knows.
    kinds: Option<&'a BTreeSet<Arc<str>>>,
    pub(crate) law_date: Date,
}

impl<'a> Matter<'a> {
    pub(crate) fn new(model: &'a Model, request: &'a Request, law_date: Date) -> Self {
        let states = [&request.issuing.0, &request.executing.0];
        Self::between(model, states, &request.measure, law_date)
    }

    /// A request on the day on which it was issued, where it was.
    pub(crate) fn of(model: &'a Model, request: &'a Request) -> Self {
        let calendar = model.calendars.get(&request.issuing.0);
        Self::new(model, request, periods::day_of(request.issued_at, calendar))
    }

    /// A measure that the first State asks of the second.
    pub(crate) fn between(
        model: &'a Model,
        [issuing, executing]: [&'a JurisdictionCode; 2],
        measure: &'a MeasureId,
        law_date: Date,
    ) -> Self {
        Self {
            issuing,
            executing,
            measure,
            kinds: model.measures.kinds.get(measure),
            law_date,
        }
    }

    /// The measure is one of these or of a kind of one of these.
    pub(crate) fn is_among(&self, filter: &MeasureFilter) -> bool {
        self.kinds.is_some_and(|kinds| !kinds.is_disjoint(filter))
    }

    /// What is shared goes one way: nothing comes back that could bind the sender.
    pub(crate) fn is_one_way(&self) -> bool {
        self.is(ONE_WAY)
    }

    fn is(&self, measure: &str) -> bool {
        self.kinds.is_some_and(|kinds| kinds.contains(measure))
    }
}

/// The instruments weighed for a request.
#[derive(Debug)]
pub(crate) struct Resolution<'a> {
    /// The instrument that carries the request, or what stands against each
    /// that might have.
    pub(crate) carrier: Result<&'a Instrument, Vec<Obstacle>>,
    /// What the carrier has before the others.
    pub(crate) why: Why,
    pub(crate) passed_over: Vec<PassedOver>,
    /// Where the named instrument does not apply: those that would.
    pub(crate) alternatives: Vec<Arc<str>>,
    /// Those that would carry the request if the carrier did not.
    pub(crate) others: Vec<Arc<str>>,
}

/// What an instrument has before all others that would carry a request too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    /// The request names it.
    Named,
    /// There are no others.
    Alone,
    /// It, or one that it shares the others with, prevails over each of them.
    Speciality,
    /// The issuing State prefers it.
    Route,
    /// It comes first in the library.
    Rank,
}

/// Why an instrument does not carry a request.
#[derive(Debug)]
pub(crate) struct Obstacle {
    /// The instrument, in the library or not.
    pub(crate) instrument: InstrumentId,
    /// Makes the rule id, after the instrument's id and a hyphen.
    pub(crate) suffix: &'static str,
    pub(crate) citation: Citation,
    /// In the reader's language.
    pub(crate) reason: String,
}

/// Weighs the instruments for a request, and says of each in a language, BCP
/// 47, why it does not carry it.
pub(crate) fn resolve<'a>(
    model: &'a Model,
    matter: &Matter<'_>,
    named: Option<&InstrumentId>,
    language: &str,
) -> Resolution<'a> {
    let reader = &Reader { model, language };
    let Survey {
        candidates,
        obstacles,
    } = survey(model, reader, matter, named);
    match named {
        Some(named) => of_named(reader, named, &candidates, obstacles),
        None => of_ranked(reader, &candidates, obstacles),
    }
}

/// Every instrument that comes near a request, or is named, as it stands to it.
pub(crate) fn survey<'a>(
    model: &'a Model,
    reader: &Reader<'_>,
    matter: &Matter<'_>,
    named: Option<&InstrumentId>,
) -> Survey<'a> {
    let (mut candidates, mut obstacles) = (Vec::new(), Vec::new());
    let near = |state| model.near.get(state).map_or(&[][..], Vec::as_slice);
    let sides = [matter.issuing, matter.executing].map(near);
    let weighed = model
        .instruments
        .values()
        .enumerate()
        .filter(|(place, instrument)| {
            sides.iter().all(|near| near.get(*place) == Some(&true))
                || named.is_some_and(|named| *named == instrument.id)
        });
    for (_, instrument) in weighed {
        match against(instrument, matter, reader.language) {
            None => candidates.push(instrument),
            // Where one is named, what stands against others is not asked for.
            Some(against) if named.is_none_or(|named| *named == instrument.id) => {
                obstacles.push((instrument, against.tell(reader, instrument)));
            }
            Some(_) => {}
        }
    }
    Survey {
        candidates: ranked(model, matter, candidates),
        obstacles,
    }
}

/// The instruments near a request as they stand to it.
#[derive(Debug)]
pub(crate) struct Survey<'a> {
    /// Those that would carry it, in order of preference; those that another
    /// one replaces stand last.
    pub(crate) candidates: Vec<Candidate<'a>>,
    pub(crate) obstacles: Vec<(&'a Instrument, Obstacle)>,
}

/// An instrument that would carry a request, and what its place rests on.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub(crate) instrument: &'a Instrument,
    /// The one that replaces it.
    pub(crate) prevailing: Option<(&'a Instrument, &'a Prevails)>,
    /// The issuing State's preference, and its place among all it prefers.
    pub(crate) route: Option<(usize, &'a RoutePreference)>,
}

impl Candidate<'_> {
    fn id(&self) -> Arc<str> {
        Arc::from(self.instrument.id.as_str())
    }

    /// Its place among those that the issuing State prefers.
    fn place(&self) -> Option<usize> {
        self.route.map(|(place, _)| place)
    }

    fn passed_over(
        &self,
        reader: &Reader<'_>,
        weighed: &Weighed<'_>,
        prevails: Option<&Prevails>,
    ) -> PassedOver {
        PassedOver {
            instrument: self.instrument.id.clone(),
            reason: Arc::from(reader.tongue().weighed(weighed)),
            citation: prevails.map(|prevails| reader.cite(&prevails.cite)),
        }
    }
}

fn of_named<'a>(
    reader: &Reader<'_>,
    named: &InstrumentId,
    ranked: &[Candidate<'a>],
    obstacles: Vec<(&'a Instrument, Obstacle)>,
) -> Resolution<'a> {
    let against = obstacles
        .into_iter()
        .find(|(instrument, _)| instrument.id == *named);
    let open = ranked.iter().find(|open| open.instrument.id == *named);
    let carrier = match (open, against) {
        (_, Some((_, obstacle))) => Err(vec![obstacle]),
        (Some(open), None) => Ok(open.instrument),
        (None, None) => Err(vec![unknown(reader, named)]),
    };
    let others = || {
        let others = ranked.iter();
        others.filter(|other| other.instrument.id != *named)
    };
    let (passed_over, alternatives) = match carrier {
        Ok(carrier) => {
            let passed_over = others().map(|other| {
                let prevails = prevails(other.instrument, &carrier.id);
                let weighed = match prevails {
                    Some(_) => Weighed::WouldPrevail {
                        other: named.as_str(),
                    },
                    None => Weighed::Named {
                        other: named.as_str(),
                    },
                };
                other.passed_over(reader, &weighed, prevails)
            });
            (passed_over.collect(), Vec::new())
        }
        Err(_) => {
            let alternatives = others().map(Candidate::id);
            (Vec::new(), alternatives.collect())
        }
    };
    Resolution {
        carrier,
        why: Why::Named,
        passed_over,
        alternatives,
        others: others().map(Candidate::id).collect(),
    }
}

fn of_ranked<'a>(
    reader: &Reader<'_>,
    ranked: &[Candidate<'a>],
    obstacles: Vec<(&'a Instrument, Obstacle)>,
) -> Resolution<'a> {
    let near: Vec<Obstacle> = obstacles
        .into_iter()
        .map(|(_, obstacle)| obstacle)
        .collect();
    let near_passed_over = near.iter().map(|obstacle| obstacle.passed_over(reader));
    // One that is replaced stands behind all that are not.
    let first = ranked.split_first();
    let Some((first, others)) = first.filter(|(first, _)| first.prevailing.is_none()) else {
        return Resolution {
            passed_over: near_passed_over.collect(),
            carrier: Err(near),
            why: Why::Alone,
            alternatives: Vec::new(),
            others: Vec::new(),
        };
    };
    let others_passed_over = others.iter().map(|other| {
        let (weighed, prevails) = match other.prevailing {
            Some((prevailing, prevails)) => (
                Weighed::Prevails {
                    other: prevailing.id.as_str(),
                },
                Some(prevails),
            ),
            None => (
                Weighed::Preferred {
                    other: first.instrument.id.as_str(),
                },
                None,
            ),
        };
        other.passed_over(reader, &weighed, prevails)
    });
    Resolution {
        passed_over: others_passed_over.chain(near_passed_over).collect(),
        carrier: Ok(first.instrument),
        why: why(first, others),
        alternatives: Vec::new(),
        others: others.iter().map(Candidate::id).collect(),
    }
}

fn why(first: &Candidate<'_>, others: &[Candidate<'_>]) -> Why {
    let rival = others.iter().find(|other| other.prevailing.is_none());
    match rival {
        None if others.is_empty() => Why::Alone,
        None => Why::Speciality,
        Some(rival) if first.place().is_some() && first.place() != rival.place() => Why::Route,
        Some(_) => Why::Rank,
    }
}

/// Candidates in order of preference: those that no other one replaces, the
/// issuing State's preference, then rank.
fn ranked<'a>(
    model: &'a Model,
    matter: &Matter<'_>,
    candidates: Vec<&'a Instrument>,
) -> Vec<Candidate<'a>> {
    let routes = model
        .jurisdictions
        .get(matter.issuing)
        .map_or(&[][..], |issuing| &issuing.routes);
    let preferred: Vec<(&InstrumentId, &RoutePreference)> = routes
        .iter()
        .filter(|route| matter.is_among(&route.measures))
        .filter(|route| {
            route.counterparts.is_empty() || route.counterparts.contains(matter.executing)
        })
        .flat_map(|route| route.prefer.iter().map(move |id| (id, route)))
        .collect();
    let mut ranked: Vec<_> = candidates
        .iter()
        .map(|instrument| Candidate {
            instrument,
            prevailing: candidates
                .iter()
                .find_map(|other| Some((*other, prevails(other, &instrument.id)?))),
            route: preferred
                .iter()
                .enumerate()
                .find(|(_, (id, _))| **id == instrument.id)
                .map(|(place, (_, route))| (place, *route)),
        })
        .collect();
    ranked.sort_by_key(|candidate| {
        let instrument = candidate.instrument;
        (
            candidate.prevailing.is_some(),
            candidate.place().unwrap_or(usize::MAX),
            instrument.rank,
            &instrument.id,
        )
    });
    ranked
}

/// The law by which an instrument prevails over another.
pub(crate) fn prevails<'a>(one: &'a Instrument, over: &InstrumentId) -> Option<&'a Prevails> {
    let mut prevails = one.prevails_over.iter();
    prevails.find(|prevails| prevails.over == *over)
}

/// Another instrument that would carry the request prevails over this one.
pub(crate) fn is_replaced(model: &Model, matter: &Matter<'_>, instrument: &Instrument) -> bool {
    let mut others = model.instruments.values();
    others.any(|other| prevails(other, &instrument.id).is_some() && carries(other, matter))
}

impl Obstacle {
    /// It is for other measures or other States; nothing keeps it from these.
    pub(crate) fn is_of_scope(&self) -> bool {
        ["measure", "between"].contains(&self.suffix)
    }

    pub(crate) fn passed_over(&self, reader: &Reader<'_>) -> PassedOver {
        PassedOver {
            instrument: self.instrument.clone(),
            reason: Arc::from(self.reason.as_str()),
            citation: Some(reader.cite(&self.citation)),
        }
    }
}

/// What stands against an instrument's carrying a request, not told yet: most of
/// it nobody reads.
struct Against<'a> {
    suffix: &'static str,
    citation: &'a Citation,
    weighed: Weighed<'a>,
}

impl Against<'_> {
    fn tell(&self, reader: &Reader<'_>, instrument: &Instrument) -> Obstacle {
        Obstacle {
            instrument: instrument.id.clone(),
            suffix: self.suffix,
            citation: self.citation.clone(),
            reason: reader.tongue().weighed(&self.weighed),
        }
    }
}

/// Nothing stands against an instrument's carrying a request.
pub(crate) fn carries(instrument: &Instrument, matter: &Matter<'_>) -> bool {
    against(instrument, matter, "").is_none()
}

/// The first thing that stands against an instrument's carrying a request, with
/// the module's own words in a language.
fn against<'a>(
    instrument: &'a Instrument,
    matter: &Matter<'a>,
    language: &str,
) -> Option<Against<'a>> {
    let id = instrument.id.as_str();
    let source = &instrument.source;
    if let Status::NotInForce { reason, checked } = &instrument.status {
        return Some(Against {
            suffix: "not-in-force",
            citation: source,
            weighed: Weighed::NotInForce {
                instrument: id,
                reason: words(reason, language),
                checked: *checked,
            },
        });
    }
    for state in [matter.issuing, matter.executing] {
        let unbound = unbound(instrument, state, matter.law_date, language);
        if unbound.is_some() {
            return unbound;
        }
    }
    let crosses = instrument.between.as_ref().is_none_or(|[one, other]| {
        let crosses = |from: &BTreeSet<_>, to: &BTreeSet<_>| {
            from.contains(matter.issuing) && to.contains(matter.executing)
        };
        crosses(one, other) || crosses(other, one)
    });
    // No State cooperates with itself.
    if matter.issuing == matter.executing || !crosses {
        return Some(Against {
            suffix: "between",
            citation: source,
            weighed: Weighed::NotBetween {
                instrument: id,
                issuing: matter.issuing.as_str(),
                executing: matter.executing.as_str(),
            },
        });
    }
    let mut exclude = instrument.exclude.iter();
    let excluded = exclude.find(|excluded| matter.is(&excluded.measure));
    (excluded.is_some() || !matter.is_among(&instrument.include)).then(|| Against {
        suffix: "measure",
        citation: excluded.map_or(source, |excluded| &excluded.cite),
        weighed: Weighed::NotForMeasure {
            instrument: id,
            measure: matter.measure.as_str(),
        },
    })
}

/// Why a State is not bound on the day, where it is not.
fn unbound<'a>(
    instrument: &'a Instrument,
    state: &'a JurisdictionCode,
    day: Date,
    language: &str,
) -> Option<Against<'a>> {
    let id = instrument.id.as_str();
    let code = state.as_str();
    let Some(binding) = instrument.binds.get(state) else {
        let record = instrument.not_bound.get(state);
        let note = record.map(|record| words(&record.note, language));
        return Some(Against {
            suffix: "not-bound",
            citation: record.map_or(&instrument.source, |record| &record.cite),
            weighed: Weighed::NotBound {
                instrument: id,
                state: code,
                note: note.filter(|note| !note.is_empty()),
            },
        });
    };
    let Binding { since, until, .. } = binding;
    let citation = instrument.binding_cite(binding);
    if day < *since {
        return Some(Against {
            suffix: "not-yet",
            citation,
            weighed: Weighed::NotYetBound {
                instrument: id,
                state: code,
                since: *since,
            },
        });
    }
    until.filter(|until| day >= *until).map(|ended| Against {
        suffix: "not-bound",
        citation,
        weighed: Weighed::NoLongerBound {
            instrument: id,
            state: code,
            ended,
        },
    })
}

fn words<'a>(text: &'a Text, language: &str) -> &'a str {
    text.in_language(language).map_or("", |(_, words)| words)
}

impl Instrument {
    /// Where the law says that a State is bound.
    pub(crate) fn binding_cite<'a>(&'a self, binding: &'a Binding) -> &'a Citation {
        let own = self.binding_cite.as_ref().or(binding.cite.as_ref());
        own.unwrap_or(&self.source)
    }
}

/// An instrument named that no module describes.
fn unknown(reader: &Reader<'_>, named: &InstrumentId) -> Obstacle {
    let remark = Remark::NoModule { of: named.as_str() };
    Obstacle {
        instrument: named.clone(),
        suffix: "not-known",
        citation: no_module(reader, named.as_str()),
        reason: reader.tongue().remark(&remark),
    }
}

/// Stands where a citation would, for law that no module sets out.
pub(crate) fn no_module(reader: &Reader<'_>, of: &str) -> Citation {
    Citation {
        source: Arc::from(of),
        provision: Arc::from(""),
        title: Arc::from(reader.tongue().remark(&Remark::NoSource)),
        url: None,
    }
}
