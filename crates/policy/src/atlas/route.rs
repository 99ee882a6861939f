//! One instrument as a way for a request.

use std::sync::Arc;

use comity_domain::{Clock, FactSource, FactValue, JurisdictionCode, Request, Text, Urgency};

use super::{
    answer::{
        AssuranceAsked, BoundState, ExpectedObligation, FormInfo, Named, Reason, Route, TimeLimit,
        Unsettled,
    },
    dual,
    issuers::{self, OF_ISSUER},
    phrases,
};
use crate::{
    Library, OpenFact, Standing,
    decide::speakers,
    evaluate::Known,
    facts,
    findings::{Findings, Setting, lines},
    model::{Effect, EventWords, Form, Instrument},
    outlook::{Look, Outlook},
    registers,
    resolve::{Candidate, Matter},
};

/// The fact that assurances are.
const ASSURANCES: &str = "assurances";
/// The listed type of kinds of assurances.
const ASSURANCE_KIND: &str = "AssuranceKind";
/// Every urgency, the ordinary one first.
const URGENCIES: [Urgency; 3] = [Urgency::Routine, Urgency::Urgent, Urgency::Emergency];

/// What all routes of one answer share.
#[derive(Clone, Copy)]
pub(super) struct Approach<'l, 'a> {
    pub(super) library: &'l Library,
    /// A request of which no more is known than was asked.
    pub(super) request: &'a Request,
    pub(super) matter: Matter<'a>,
    pub(super) known: &'a Known,
    /// With what the law presumes besides.
    pub(super) taken: &'a Known,
    pub(super) language: &'a str,
}

/// An instrument as a way for the request, or why it is none.
pub(super) fn route<'l>(
    approach: &Approach<'l, '_>,
    candidate: &Candidate<'l>,
    all: &[Candidate<'l>],
) -> Result<Route<'l>, Reason> {
    if let Some((prevailing, prevails)) = candidate.prevailing {
        return Err(Reason {
            text: Arc::from(phrases::prevails_over_it(approach, prevailing)),
            citation: Some(approach.cite(&prevails.cite)),
        });
    }
    let instrument = candidate.instrument;
    let outlook = approach.outlook(instrument, approach.known, approach.taken);
    barred(approach, instrument, &outlook).map_or(Ok(()), Err)?;
    let library = approach.library;
    let Matter {
        issuing, executing, ..
    } = approach.matter;
    let (languages, languages_declared) = languages(approach, instrument);
    let words = |text: &Text| approach.words(text);
    Ok(Route {
        instrument: named(approach, instrument),
        source: approach.cite(&instrument.source),
        source_checked: instrument.standing.checked,
        source_note: instrument.standing.note.as_ref().map(words),
        reasons: reasons(approach, candidate, all),
        bound: [issuing, executing].map(|state| bound(approach, instrument, state)),
        issuers: issuers::issuers(approach, instrument),
        addressees: registers::addressees(&library.model, executing, approach.matter.measure),
        channel: instrument.channel.as_ref().map(|channel| Reason {
            text: approach.words(&channel.text),
            citation: Some(approach.cite(&channel.cite)),
        }),
        form: library
            .model
            .form(instrument, approach.matter.measure)
            .map(|found| form(approach, found)),
        languages,
        languages_declared,
        time_limits: time_limits(approach, instrument),
        open: open(&outlook),
        dual_criminality: dual::position(&outlook),
        prospects: outlook
            .hurdles()
            .filter_map(|look| outlook.prospect(look))
            .collect(),
        assurances: assurances(&outlook),
        obligations: obligations(&outlook),
        notes: instrument.module.notes.as_ref().map(words),
        unsettled: unsettled(approach, instrument),
    })
}

impl<'l> Approach<'l, '_> {
    /// What is known, as rules under an instrument see it.
    pub(super) fn setting<'k>(
        &'k self,
        instrument: &'k Instrument,
        known: &'k Known,
    ) -> Setting<'k> {
        let model = &self.library.model;
        Setting {
            reader: self.reader(),
            declarations: model.declarations(instrument, self.matter.measure),
            request: self.request,
            known,
            now: self.request.issued_at,
        }
    }

    pub(super) fn outlook<'k>(
        &'k self,
        instrument: &'l Instrument,
        known: &'k Known,
        taken: &'k Known,
    ) -> Outlook<'l, 'k>
    where
        'l: 'k,
    {
        let setting = self.setting(instrument, known);
        let taken = (taken, Findings::default());
        Outlook::new(self.library, setting, taken, &self.matter, instrument)
    }
}

/// Why an instrument cannot be used although it would carry the request.
fn barred(
    approach: &Approach<'_, '_>,
    instrument: &Instrument,
    outlook: &Outlook<'_, '_>,
) -> Option<Reason> {
    if let Some(look) = outlook.bar() {
        let rule = outlook.setting.rule_ref(&look.judged);
        let reroute = match &look.judged.rule.effect {
            Effect::Refuse { reroute, .. } => reroute.as_slice(),
            Effect::Permit
            | Effect::Require { .. }
            | Effect::Refer { .. }
            | Effect::Oblige { .. }
            | Effect::Clock(_) => &[],
        };
        return Some(Reason {
            text: Arc::from(phrases::ground(approach, &rule, reroute)),
            citation: Some(rule.citation),
        });
    }
    let speakers = speakers(&approach.library.model, &approach.matter, instrument);
    let silent = speakers
        .into_iter()
        .find(|speaker| !outlook.may_be_permitted(speaker.stage))?;
    let title = approach.words(&silent.module.title);
    Some(Reason {
        text: Arc::from(phrases::nothing_permits(approach, &title)),
        citation: Some(approach.cite(silent.source)),
    })
}

fn named(approach: &Approach<'_, '_>, instrument: &Instrument) -> Named {
    Named {
        id: Arc::from(instrument.id.as_str()),
        title: approach.words(&instrument.module.title),
    }
}

/// Why an instrument stands at its place: what it replaces, what the asking
/// State prefers, and the general order.
fn reasons(
    approach: &Approach<'_, '_>,
    candidate: &Candidate<'_>,
    all: &[Candidate<'_>],
) -> Vec<Reason> {
    let instrument = candidate.instrument;
    let replaced = all.iter().filter_map(|other| {
        let (prevailing, prevails) = other.prevailing?;
        (prevailing.id == instrument.id).then(|| Reason {
            text: Arc::from(phrases::prevails_over(approach, other.instrument)),
            citation: Some(approach.cite(&prevails.cite)),
        })
    });
    let preferred = candidate.route.map(|(_, route)| Reason {
        text: Arc::from(phrases::preferred(approach, route)),
        citation: route.cite.as_ref().map(|cite| approach.cite(cite)),
    });
    let rank = Reason {
        text: Arc::from(phrases::rank(approach, instrument.rank)),
        citation: None,
    };
    replaced.chain(preferred).chain([rank]).collect()
}

fn bound(
    approach: &Approach<'_, '_>,
    instrument: &Instrument,
    state: &JurisdictionCode,
) -> BoundState {
    let model = &approach.library.model;
    let title = model
        .jurisdictions
        .get(state)
        .map(|state| &state.module.title);
    let state = Named {
        id: Arc::from(state.as_str()),
        title: title.map_or_else(|| Arc::from(state.as_str()), |title| approach.words(title)),
    };
    let binding = instrument
        .binds
        .iter()
        .find(|(code, _)| code.as_str() == &*state.id);
    BoundState {
        // A candidate binds both States.
        since: binding.map_or(approach.matter.law_date, |(_, binding)| binding.since),
        citation: binding.map(|(_, binding)| approach.cite(instrument.binding_cite(binding))),
        confidence: binding.map_or_else(Default::default, |(_, binding)| binding.confidence),
        declarations: binding
            .into_iter()
            .flat_map(|(_, binding)| &binding.declarations)
            .map(|declaration| approach.words(declaration))
            .collect(),
        state,
    }
}

fn unsettled(approach: &Approach<'_, '_>, instrument: &Instrument) -> Vec<Unsettled> {
    let states = [approach.matter.issuing, approach.matter.executing];
    let bound = states
        .iter()
        .filter_map(|state| instrument.binds.get(state));
    let states = states
        .iter()
        .filter_map(|state| approach.library.model.jurisdictions.get(state));
    let open = [&instrument.open].into_iter();
    open.chain(bound.map(|binding| &binding.open))
        .chain(states.map(|state| &state.open))
        .flatten()
        .map(|open| Unsettled {
            question: approach.words(&open.question),
            checked: open.checked,
        })
        .collect()
}

fn languages(approach: &Approach<'_, '_>, instrument: &Instrument) -> (Vec<Arc<str>>, bool) {
    let executing = approach.matter.executing;
    let binding = instrument.binds.get(executing);
    let declared = binding.map_or(&[][..], |binding| &binding.languages);
    if !declared.is_empty() {
        return (declared.to_vec(), true);
    }
    let state = approach.library.model.jurisdictions.get(executing);
    let own = state.map_or(&[][..], |state| &state.profile.languages);
    (own.to_vec(), false)
}

fn form(approach: &Approach<'_, '_>, form: &Form) -> FormInfo {
    let titles = |required| {
        let sections = form.sections.iter();
        let sections = sections.filter(|section| section.required == required);
        sections.map(|section| Arc::clone(&section.title)).collect()
    };
    FormInfo {
        title: approach.words(&form.title),
        citation: approach.cite(&form.cite),
        may_be_omitted: !form.required,
        required: titles(true),
        optional: titles(false),
    }
}

/// Time limits under each urgency, those of the same rule together.
fn time_limits(approach: &Approach<'_, '_>, instrument: &Instrument) -> Vec<TimeLimit> {
    let vocabulary = &approach.library.model.vocabulary;
    let mut limits: Vec<TimeLimit> = Vec::new();
    for urgency in URGENCIES {
        let claimed = FactValue::Text(Arc::from(facts::urgency(urgency)));
        let supposed = [("urgency", claimed)];
        let known = facts::supposing(vocabulary, approach.known, &supposed);
        let taken = facts::supposing(vocabulary, approach.taken, &supposed);
        let outlook = approach.outlook(instrument, &known, &taken);
        for look in &outlook.looks {
            let Some(limit) = time_limit(&outlook, look) else {
                continue;
            };
            let same = |other: &&mut TimeLimit| {
                other.clock.rule.rule == limit.clock.rule.rule && other.standing == limit.standing
            };
            match limits.iter_mut().find(same) {
                Some(same) => same.urgencies.push(urgency),
                None => limits.push(TimeLimit {
                    urgencies: vec![urgency],
                    ..limit
                }),
            }
        }
    }
    limits
}

fn time_limit(outlook: &Outlook<'_, '_>, look: &Look<'_>) -> Option<TimeLimit> {
    let rule = look.judged.rule;
    let Effect::Clock(clock) = &rule.effect else {
        return None;
    };
    Some(TimeLimit {
        // It has not started: nothing was received.
        clock: Clock {
            started_at: None,
            due_at: None,
            ..outlook.setting.clock(&look.judged, clock)
        },
        starts: starts(outlook, &clock.starts),
        urgencies: Vec::new(),
        standing: look.standing,
        when: outlook.unsettled(look, &rule.when),
        unless: outlook.unsettled(look, &rule.unless),
    })
}

fn starts(outlook: &Outlook<'_, '_>, event: &Arc<str>) -> Arc<str> {
    let events = &outlook.setting.declarations.vocabulary.events;
    match events.get(event) {
        Some(EventWords {
            noun: Some(noun), ..
        }) => outlook.setting.words(noun),
        Some(EventWords { title, noun: None }) => {
            let title = outlook.setting.words(title);
            Arc::from(outlook.setting.reader.tongue().quoted(&title))
        }
        None => Arc::clone(event),
    }
}

/// Facts that are asked or may be raised. Who asks, in which language and with
/// which promises is told in places of its own.
fn open(outlook: &Outlook<'_, '_>) -> Vec<OpenFact> {
    let mut open = outlook.open_facts();
    open.retain(|fact| !told_apart(&fact.name, fact.stated_by));
    open
}

/// A fact that the issuer, the language or the request's shape settles.
fn told_apart(name: &str, by: FactSource) -> bool {
    matches!(by, FactSource::Gateway | FactSource::Register) || OF_ISSUER.contains(&name)
}

/// Kinds of assurance that the hurdles read, rule by rule.
fn assurances(outlook: &Outlook<'_, '_>) -> Vec<AssuranceAsked> {
    let asked = outlook.hurdles().filter_map(|look| {
        let reading = lines(look.judged.rule)
            .filter(|line| line.facts.iter().any(|fact| &**fact == ASSURANCES));
        let literals = reading.flat_map(|line| &line.literals.listed);
        let mut kinds: Vec<_> = literals
            .filter(|(kind, _)| &**kind == ASSURANCE_KIND)
            .map(|(_, value)| Arc::clone(value))
            .collect();
        kinds.sort();
        kinds.dedup();
        (!kinds.is_empty()).then(|| AssuranceAsked {
            kinds,
            rule: outlook.setting.rule_ref(&look.judged),
            standing: look.standing,
            when: outlook.unsettled(look, &look.judged.rule.when),
        })
    });
    asked.collect()
}

fn obligations(outlook: &Outlook<'_, '_>) -> Vec<ExpectedObligation> {
    let looks = outlook.looks.iter();
    let binding = looks.filter(|look| look.standing < Standing::Dormant);
    binding
        .filter_map(|look| {
            Some(ExpectedObligation {
                obligation: outlook.setting.obligation(&look.judged)?,
                standing: look.standing,
                when: outlook.unsettled(look, &look.judged.rule.when),
                unless: outlook.unsettled(look, &look.judged.rule.unless),
            })
        })
        .collect()
}
