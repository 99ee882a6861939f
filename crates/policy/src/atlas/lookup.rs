//! From a question to the atlas's answer.

use std::sync::Arc;

use comity_domain::{
    Citation, Executing, Facts, Issuing, JurisdictionCode, MeasureId, Offence, PassedOver, Request,
    Text, Urgency,
};
use jiff::{Timestamp, civil::Date};

use super::{
    answer::{Atlas, Named, OffenceAbroad, OffenceProfile, Reason, Route},
    phrases as say,
    route::{self, Approach},
};
use crate::{
    FactProblem, Library,
    diagnostic::suggest,
    evaluate::Known,
    facts,
    model::{Jurisdiction, Model, OffenceRecord},
    phrases::Tongue,
    reader::{Reader, words},
    remarks::identifier,
    resolve::{self, Candidate, Matter, Survey},
};

/// What is asked of the atlas.
#[derive(Debug, Clone, Copy)]
pub struct AtlasQuery<'a> {
    /// The State that would ask.
    pub issuing: &'a JurisdictionCode,
    /// The State that would be asked.
    pub executing: &'a JurisdictionCode,
    /// What would be asked.
    pub measure: &'a MeasureId,
    /// A category such as `D20`, or a provision of the asking State's register.
    pub offence: Option<&'a str>,
    /// The day whose law is asked for.
    pub date: Date,
    /// Language of the texts, BCP 47.
    pub language: &'a str,
}

/// The ways a request can go.
///
/// # Errors
/// Every part of the question that the library does not know.
pub(crate) fn lookup<'l>(
    library: &'l Library,
    query: &AtlasQuery<'_>,
) -> Result<Atlas<'l>, Vec<FactProblem>> {
    let model = &library.model;
    let [issuing, executing] = known(model, query)?;
    let offence = query
        .offence
        .map(|name| profile(model, query, [issuing, executing], name))
        .transpose()
        .map_err(|problem| vec![problem])?;
    let request = hypothetical(query, offence.as_ref());
    let known = outline(model, &request, offence.as_ref());
    let taken = facts::presuming(&known, library.presumed.in_language(query.language));
    let matter = Matter::new(model, &request, query.date);
    let approach = Approach {
        library,
        request: &request,
        matter,
        known: &known,
        taken: &taken,
        language: query.language,
    };
    let Weighed {
        routes,
        passed_over,
        out_of_scope,
    } = weigh(&approach);
    let nothing_near = routes.is_empty() && passed_over.is_empty() && out_of_scope.is_empty();
    let words = |text: &Text| approach.words(text);
    let named = |state: &Jurisdiction| Named {
        id: Arc::from(state.code.as_str()),
        title: words(&state.module.title),
    };
    let measure = Named {
        id: Arc::from(query.measure.as_str()),
        title: model
            .measures
            .titles
            .get(query.measure)
            .map_or_else(|| Arc::from(query.measure.as_str()), words),
    };
    let notes = [issuing, executing].into_iter().filter_map(|state| {
        let notes = state.module.notes.as_ref()?;
        Some((named(state), words(notes)))
    });
    Ok(Atlas {
        no_route: nothing_near.then(|| Reason {
            text: Arc::from(say::no_instrument(&approach, &measure)),
            citation: Some(approach.cite(&issuing.source)),
        }),
        notes: notes.collect(),
        issuing: named(issuing),
        executing: named(executing),
        measure,
        offence,
        law_date: query.date,
        bundle: model.digest,
        routes,
        passed_over,
        out_of_scope,
        language: Arc::from(query.language),
    })
}

/// The instruments near the matter: usable ones, best first, and why the others
/// are not.
#[derive(Default)]
struct Weighed<'l> {
    routes: Vec<Route<'l>>,
    passed_over: Vec<PassedOver>,
    out_of_scope: Vec<PassedOver>,
}

fn weigh<'l>(approach: &Approach<'l, '_>) -> Weighed<'l> {
    let mut weighed = Weighed::default();
    let (model, reader) = (&approach.library.model, approach.reader());
    let Survey {
        candidates,
        obstacles,
    } = resolve::survey(model, &reader, &approach.matter, None);
    for candidate in &candidates {
        match route::route(approach, candidate, &candidates) {
            Ok(route) => weighed.routes.push(route),
            Err(reason) => weighed.passed_over.push(over(candidate, reason)),
        }
    }
    for (_, obstacle) in obstacles {
        let passed_over = obstacle.passed_over(&reader);
        if obstacle.is_of_scope() {
            weighed.out_of_scope.push(passed_over);
        } else {
            weighed.passed_over.push(passed_over);
        }
    }
    weighed
}

/// What is known before there is a request.
fn outline(model: &Model, request: &Request, offence: Option<&OffenceProfile>) -> Known {
    let mut known = facts::outline(model, request);
    let unknown: &[&str] = match offence.map(|offence| offence.categories.len()) {
        Some(1) => &[],
        Some(0) | None => &["offence.annex_d", "offence.categories"],
        // Which of several is ticked is for the issuing authority.
        Some(_) => &["offence.categories"],
    };
    for name in unknown {
        known.remove(*name);
    }
    known
}

fn over(candidate: &Candidate<'_>, reason: Reason) -> PassedOver {
    PassedOver {
        instrument: candidate.instrument.id.clone(),
        reason: reason.text,
        citation: reason.citation,
    }
}

/// The two States, where the library knows all that the question names.
fn known<'l>(
    model: &'l Model,
    query: &AtlasQuery<'_>,
) -> Result<[&'l Jurisdiction; 2], Vec<FactProblem>> {
    let mut problems = Vec::new();
    let states =
        [("issuing", query.issuing), ("executing", query.executing)].map(|(field, code)| {
            let state = model.jurisdictions.get(code);
            if state.is_none() {
                let known = model.jurisdictions.keys().map(JurisdictionCode::as_str);
                let known: Vec<_> = known.collect();
                let message = format!(
                    "no rules for `{code}` are loaded: name one of {}",
                    known.join(", ")
                );
                problems.push(problem(field, message));
            }
            state
        });
    if query.issuing == query.executing {
        problems.push(problem("executing", "names the State that asks".to_owned()));
    }
    if !model.measures.kinds.contains_key(query.measure) {
        let known = model.measures.kinds.keys().map(MeasureId::as_str);
        let remedy = suggest(query.measure.as_str(), known);
        let remedy = remedy.unwrap_or_else(|| "name a measure of `measures.yaml`".to_owned());
        let message = format!("`{}` is not in the measure tree: {remedy}", query.measure);
        problems.push(problem("measure", message));
    }
    match states {
        [Some(issuing), Some(executing)] if problems.is_empty() => Ok([issuing, executing]),
        _ => Err(problems),
    }
}

fn problem(field: &str, message: String) -> FactProblem {
    FactProblem {
        field: field.to_owned(),
        message,
    }
}

/// What the registers know of the offence named.
fn profile(
    model: &Model,
    query: &AtlasQuery<'_>,
    [issuing, executing]: [&Jurisdiction; 2],
    name: &str,
) -> Result<OffenceProfile, FactProblem> {
    let categories = model.vocabulary.types.get("Category");
    if let Some(category) = categories.and_then(|categories| categories.get(name)) {
        return Ok(OffenceProfile {
            name: Arc::clone(category),
            title: None,
            max_penalty_months: None,
            categories: vec![Arc::clone(category)],
            confidence: None,
            abroad: Vec::new(),
        });
    }
    let Some((provision, record)) = issuing.offences.get_key_value(name) else {
        let known = categories.into_iter().flatten();
        let known = known.chain(issuing.offences.keys());
        let remedy = suggest(name, known.map(|name| &**name));
        let state = query.issuing;
        let message = format!(
            "is no category and not in the register of {state}: {}",
            remedy.unwrap_or_else(|| "name a category such as `D20`, or leave it out".to_owned())
        );
        return Err(problem("offence", message));
    };
    let title = |record: &OffenceRecord| words(&record.title, query.language);
    let same = |other: &&OffenceRecord| other.iccs.is_some() && other.iccs == record.iccs;
    let abroad = executing.offences.iter().filter(|(_, other)| same(other));
    Ok(OffenceProfile {
        name: Arc::clone(provision),
        title: Some(title(record)),
        max_penalty_months: Some(record.max_penalty_months),
        categories: record.categories.iter().cloned().collect(),
        confidence: Some(record.confidence),
        abroad: abroad
            .map(|(provision, other)| OffenceAbroad {
                provision: Named {
                    id: Arc::clone(provision),
                    title: title(other),
                },
                max_penalty_months: other.max_penalty_months,
                confidence: other.confidence,
            })
            .collect(),
    })
}

/// A request of which no more is known than was asked: facts are drawn from
/// its States, measure and offence alone.
fn hypothetical(query: &AtlasQuery<'_>, offence: Option<&OffenceProfile>) -> Request {
    let offence = offence.map(|offence| Offence {
        provision: Arc::clone(&offence.name),
        category: offence.categories.first().cloned(),
        ..Offence::default()
    });
    Request {
        id: identifier("atlas"),
        issuing: Issuing(query.issuing.clone()),
        issuing_authority: identifier("any"),
        executing: Executing(query.executing.clone()),
        executing_authority: None,
        instrument: None,
        measure: query.measure.clone(),
        offences: offence.into_iter().collect(),
        persons: Vec::new(),
        selectors: Vec::new(),
        urgency: Urgency::Routine,
        purpose_stated: false,
        language: None,
        validation: None,
        assurances: Vec::new(),
        facts: Facts::new(),
        issued_at: Timestamp::UNIX_EPOCH,
        exercise: false,
        information: Vec::new(),
        source: None,
    }
}

impl<'l> Approach<'l, '_> {
    /// Whom the answer is written for.
    pub(super) fn reader<'k>(&'k self) -> Reader<'k>
    where
        'l: 'k,
    {
        Reader {
            model: &self.library.model,
            language: self.language,
        }
    }

    /// A text in the language asked.
    pub(super) fn words(&self, text: &Text) -> Arc<str> {
        self.reader().words(text)
    }

    /// A citation with the name of its source in that language.
    pub(super) fn cite(&self, citation: &Citation) -> Citation {
        self.reader().cite(citation)
    }

    pub(super) fn tongue(&self) -> Tongue {
        self.reader().tongue()
    }
}
