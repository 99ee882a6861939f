//! From a request to a decision: resolve the instrument, establish the facts,
//! ask every rule of the three modules, and combine what they say. The
//! strictest finding is the outcome; everything found is reported.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{
    BoundParty, Decision, FactName, FactUse, ModuleRef, ObligationKind, Outcome, Request, Ruling,
    Stage,
};
use jiff::Timestamp;

use crate::{
    Library,
    evaluate::{Evaluator, Holds, Known},
    facts,
    findings::{Findings, Judged, Setting, Speaker},
    model::{Effect, Instrument, Model, Rule},
    reader::Reader,
    remarks,
    resolve::{self, Matter, Obstacle, Resolution},
    ruling::{self, Answers},
};

/// A request to decide.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The request.
    pub request: &'a Request,
    /// Its instrument's own form.
    pub form: FormCheck<'a>,
    /// Language of the decision's texts, BCP 47.
    pub language: &'a str,
    /// When the request was received: clocks that run from then start here.
    pub now: Timestamp,
    /// Answers of humans to what decisions on it referred to them; they count as
    /// far as this decision would refer the same.
    pub rulings: &'a [Ruling],
}

/// What is known of an instrument's own form.
#[derive(Debug, Clone, Copy)]
pub enum FormCheck<'a> {
    /// The form as given: checked against the instrument's schema.
    Given(&'a serde_json::Value),
    /// The request came without one.
    Missing,
    /// Taken as right without looking, as when a request is still being drafted.
    Presumed,
    /// Some of its fields, and the rest taken as right without looking.
    Excerpt(&'a serde_json::Value),
}

impl<'a> FormCheck<'a> {
    /// The fields that rules may read.
    pub(crate) fn content(self) -> Option<&'a serde_json::Value> {
        match self {
            Self::Given(content) | Self::Excerpt(content) => Some(content),
            Self::Missing | Self::Presumed => None,
        }
    }
}

/// Sees every rule that was asked, after exceptions spoke.
pub(crate) type Watch<'w, 'l> = &'w mut dyn FnMut(&[Judged<'l>], &Evaluator<'_>);

/// Decides a request.
pub(crate) fn decide<'l>(
    library: &'l Library,
    question: &Question<'_>,
    watch: Watch<'_, 'l>,
) -> Decision {
    decide_with(library, question, watch).0
}

/// Decides a request; also the answers that counted.
pub(crate) fn decide_with<'l>(
    library: &'l Library,
    question: &Question<'_>,
    watch: Watch<'_, 'l>,
) -> (Decision, Answers) {
    ruling::in_passes(question.rulings, |answers| {
        pass(library, question, answers, watch)
    })
}

/// Decides a request with the answers that count.
fn pass<'l>(
    library: &'l Library,
    question: &Question<'_>,
    answers: &Answers,
    watch: Watch<'_, 'l>,
) -> Decision {
    let model = &library.model;
    let request = question.request;
    let matter = Matter::of(model, request);
    let reader = Reader {
        model,
        language: question.language,
    };
    let named = request.instrument.as_ref();
    let resolution = resolve::resolve(model, &matter, named, question.language);
    let (instrument, heard) = match &resolution.carrier {
        Ok(instrument) => {
            let presumed = library.presumed.in_language(question.language);
            let mut known = facts::derive(model, presumed, question, (&matter, instrument));
            answers.inform(&mut known);
            let hearing = Hearing {
                question,
                matter: &matter,
                instrument,
                known: &known,
                answers,
            };
            let heard = hear(library, &hearing, watch);
            (Some(instrument.id.clone()), heard)
        }
        Err(obstacles) => (None, obstructed(&reader, &matter, obstacles)),
    };
    let Heard {
        findings,
        modules,
        facts,
    } = heard;
    let outcome = match instrument {
        // Whatever was found: without an instrument nothing is approved.
        None => Outcome::Refused,
        Some(_) => findings.outcome(),
    };
    let Resolution {
        passed_over,
        mut alternatives,
        others,
        ..
    } = resolution;
    if findings.unbound {
        // What a human found of this instrument says nothing of those.
        alternatives.extend(others);
    }
    Decision {
        outcome,
        instrument,
        passed_over,
        alternatives: suggested(alternatives, findings.reroutes),
        grounds: findings.grounds,
        requirements: findings.requirements,
        referrals: findings.referrals,
        obligations: findings.obligations,
        clocks: findings.clocks,
        permits: findings.permits,
        modules,
        bundle: model.digest,
        law_date: matter.law_date,
        facts,
        rulings: findings.rulings,
    }
}

/// What the modules are asked on.
struct Hearing<'a, 'l> {
    question: &'a Question<'a>,
    matter: &'a Matter<'a>,
    instrument: &'l Instrument,
    known: &'a Known,
    answers: &'a Answers,
}

/// What the modules said.
#[derive(Default)]
struct Heard {
    findings: Findings,
    modules: Vec<ModuleRef>,
    /// Known facts that a rule asked for.
    facts: BTreeMap<FactName, FactUse>,
}

/// Asks the sending State, the instrument and the executing State.
fn hear<'l>(
    library: &'l Library,
    &Hearing {
        question,
        matter,
        instrument,
        known,
        answers,
    }: &Hearing<'_, 'l>,
    watch: Watch<'_, 'l>,
) -> Heard {
    let model = &library.model;
    let reader = Reader {
        model,
        language: question.language,
    };
    let setting = Setting {
        reader,
        declarations: model.declarations(instrument, matter.measure),
        request: question.request,
        known,
        now: question.now,
    };
    let mut findings = Findings::answered(answers);
    let speakers = speakers(model, matter, instrument);
    let (judged, evaluator, facts) = ask(library, &setting, matter, instrument, &mut findings);
    watch(&judged, &evaluator);
    for speaker in &speakers {
        permit(speaker, &judged, &setting, &mut findings);
    }
    let (disclosure, judged): (Vec<_>, Vec<_>) = judged
        .iter()
        .filter(|judged| !is_permit(judged.rule))
        .partition(|judged| judged.speaker.stage == Stage::Disclosure);
    for judged in judged {
        findings.add(&setting, judged);
    }
    remarks::form(instrument, question.form, &setting, &mut findings);
    remarks::doubtful_bindings(instrument, matter, &setting, &mut findings);
    remarks::unknown_states(&reader, matter, &mut findings);
    // What goes back is bound where something goes back.
    if findings.outcome() == Outcome::Approved {
        let bound = disclosure
            .iter()
            .filter_map(|judged| setting.obligation(judged));
        findings.obligations.extend(bound);
    }
    let modules = speakers.iter().map(|speaker| ModuleRef {
        module: speaker.module.id.clone(),
        digest: speaker.module.digest,
        stage: speaker.stage,
    });
    Heard {
        findings,
        modules: modules.collect(),
        facts,
    }
}

/// Asks every rule that is law on the day and meant for the matter, those for
/// what goes back last, and lets exceptions speak.
pub(crate) fn ask<'l: 'k, 'k>(
    library: &'l Library,
    setting: &Setting<'k>,
    matter: &Matter<'_>,
    instrument: &'l Instrument,
    findings: &mut Findings,
) -> (Vec<Judged<'l>>, Evaluator<'k>, BTreeMap<FactName, FactUse>) {
    let mut speakers = speakers(&library.model, matter, instrument);
    let on_the_way_back: Vec<_> = speakers
        .iter()
        .filter(|speaker| speaker.stage != Stage::Outbound)
        .map(|&speaker| Speaker {
            stage: Stage::Disclosure,
            ..speaker
        })
        .collect();
    speakers.extend(on_the_way_back);
    let known = setting.known;
    let (mut judged, evaluator, facts) = judge(library, matter, (instrument, known), speakers);
    // Once for what each rule says by itself, once for what exceptions leave.
    findings.rule(setting, &mut judged);
    except(&mut judged, setting, findings);
    findings.rule(setting, &mut judged);
    (judged, evaluator, facts)
}

/// The modules that take part, in the order of a request's way.
pub(crate) fn speakers<'a>(
    model: &'a Model,
    matter: &Matter<'_>,
    instrument: &'a Instrument,
) -> Vec<Speaker<'a>> {
    let state = |stage, code| {
        let state = model.jurisdictions.get(code)?;
        Some(Speaker {
            stage,
            module: &state.module,
            source: &state.source,
        })
    };
    let carrier = Speaker {
        stage: Stage::Instrument,
        module: &instrument.module,
        source: &instrument.source,
    };
    [
        state(Stage::Outbound, matter.issuing),
        Some(carrier),
        state(Stage::Inbound, matter.executing),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Evaluates every rule that is law on the day and meant for the matter.
fn judge<'a, 'k>(
    library: &'k Library,
    matter: &Matter<'_>,
    (instrument, known): (&'k Instrument, &'k Known),
    speakers: Vec<Speaker<'a>>,
) -> (Vec<Judged<'a>>, Evaluator<'k>, BTreeMap<FactName, FactUse>) {
    let mut judged: Vec<_> = speakers
        .into_iter()
        .flat_map(|speaker| {
            let rules = speaker.module.rules_for(matter.measure);
            rules
                .filter(move |rule| applies(rule, speaker.stage, matter, instrument))
                .map(move |rule| Judged {
                    speaker,
                    rule,
                    holds: Holds::Failed,
                    exception: None,
                    ruled: false,
                })
        })
        .collect();
    let declarations = library.model.declarations(instrument, matter.measure);
    let evaluator = Evaluator::new(&library.terms, declarations, known, library.engine);
    for judged in &mut judged {
        judged.holds = evaluator.holds(judged.rule);
        if judged.holds == Holds::Failed {
            library.count_engine_error();
        }
    }
    let facts = asked_for(&judged, known);
    (judged, evaluator, facts)
}

/// The known facts that rules read, each once.
fn asked_for(judged: &[Judged<'_>], known: &Known) -> BTreeMap<FactName, FactUse> {
    let mut names: Vec<&FactName> = judged
        .iter()
        .flat_map(|judged| &judged.rule.facts)
        .collect();
    // Conditions share the vocabulary's own names: equal ones lie at one place,
    // and places compare faster than texts.
    names.sort_unstable_by_key(|name| Arc::as_ptr(name).addr());
    names.dedup_by(|one, other| Arc::ptr_eq(one, other));
    names
        .into_iter()
        .filter_map(|name| Some((Arc::clone(name), known.get(name)?.clone())))
        .collect()
}

/// Whether a rule for the measure is law on the day and meant for the matter.
pub(crate) fn applies(
    rule: &Rule,
    stage: Stage,
    matter: &Matter<'_>,
    instrument: &Instrument,
) -> bool {
    let counterpart = match stage {
        Stage::Outbound => matter.executing,
        Stage::Instrument | Stage::Inbound | Stage::Disclosure => matter.issuing,
    };
    rule.stage == stage
        && !(binds_for_an_answer(rule) && matter.is_one_way())
        && rule.since.is_none_or(|since| since <= matter.law_date)
        && rule.until.is_none_or(|until| matter.law_date < until)
        && rule.is_under(&instrument.id)
        && (rule.counterparts.is_empty() || rule.counterparts.contains(counterpart))
}

/// What the executing State sets for its answer, and the issuing side must keep.
/// What is taken out of an answer is taken out whoever asked for it.
fn binds_for_an_answer(rule: &Rule) -> bool {
    let binds = matches!(
        rule.effect,
        Effect::Oblige { bound: BoundParty::Issuing, kind, .. } if kind != ObligationKind::Redact
    );
    binds && rule.stage == Stage::Disclosure
}

pub(crate) fn is_permit(rule: &Rule) -> bool {
    matches!(rule.effect, Effect::Permit)
}

/// Lets exceptions speak: one that holds lifts its rule in another module, one
/// that is unknown leaves that rule unknown. None is an exception to another, and
/// those that are sure speak first, so that the order of modules says nothing. Where the
/// reading of the law is doubtful by which a rule is lifted, a human is asked.
fn except(judged: &mut [Judged<'_>], setting: &Setting<'_>, findings: &mut Findings) {
    let is_sure = |one: &Judged<'_>| {
        one.holds == Holds::Yes && (!one.is_doubtful() || asks_by_itself(one.rule))
    };
    let mut order: Vec<usize> = (0..judged.len()).collect();
    order.sort_by_key(|at| judged.get(*at).is_none_or(|one| !is_sure(one)));
    for at in order {
        let Some(exception) = judged.get(at) else {
            continue;
        };
        let (rule, module) = (exception.rule, &exception.speaker.module.id);
        let Some(lifted) = &rule.exception_to else {
            continue;
        };
        if exception.holds == Holds::No {
            continue;
        }
        let holds = exception.holds.clone();
        let target = judged
            .iter()
            .position(|other| other.rule.id == *lifted && other.speaker.module.id != *module);
        let Some(target) = target.and_then(|target| judged.get_mut(target)) else {
            continue;
        };
        if target.holds == Holds::No {
            continue;
        }
        if matches!(holds, Holds::Yes | Holds::Unknown(_)) {
            target.exception = Some(rule);
        }
        match &holds {
            Holds::Yes => target.holds = Holds::No,
            Holds::Unknown(missing) => match &mut target.holds {
                Holds::Unknown(facts) => facts.extend(missing.iter().cloned()),
                Holds::Yes => target.holds = Holds::Unknown(missing.clone()),
                Holds::No | Holds::Failed => {}
            },
            Holds::No | Holds::Failed => {}
        }
        let Some(exception) = judged.get(at) else {
            continue;
        };
        match holds {
            Holds::Yes if exception.is_doubtful() && !asks_by_itself(rule) => {
                findings.doubtful(setting, exception);
            }
            // Of other effects this is found by itself.
            Holds::Failed if is_permit(rule) => findings.failed(setting, exception),
            Holds::Yes | Holds::No | Holds::Unknown(_) | Holds::Failed => {}
        }
    }
}

/// Where the rule holds, that alone keeps a request from being approved.
fn asks_by_itself(rule: &Rule) -> bool {
    match rule.effect {
        Effect::Refuse { .. } | Effect::Require { .. } | Effect::Refer { .. } => true,
        Effect::Permit | Effect::Oblige { .. } | Effect::Clock(_) => false,
    }
}

/// Every module that takes part must permit the request by a rule that is
/// known to hold; permits that may hold are pursued only where none does.
fn permit(
    speaker: &Speaker<'_>,
    judged: &[Judged<'_>],
    setting: &Setting<'_>,
    findings: &mut Findings,
) {
    let permits = || {
        judged.iter().filter(|judged| {
            judged.speaker.stage == speaker.stage
                && is_permit(judged.rule)
                && judged.rule.exception_to.is_none()
        })
    };
    let sure = |judged: &&Judged<'_>| judged.holds == Holds::Yes && !judged.is_doubtful();
    if permits().any(|judged| sure(&judged)) {
        permits()
            .filter(sure)
            .for_each(|judged| findings.add(setting, judged));
    } else if permits().any(|judged| judged.holds != Holds::No) {
        permits().for_each(|judged| findings.add(setting, judged));
    } else {
        remarks::no_permit(speaker, setting, findings);
    }
}

/// No instrument carries the request: refused at once, with each reason.
fn obstructed(reader: &Reader<'_>, matter: &Matter<'_>, obstacles: &[Obstacle]) -> Heard {
    let mut heard = Heard::default();
    remarks::obstacles(reader, matter, obstacles, &mut heard.findings);
    let modules = obstacles.iter().filter_map(|obstacle| {
        let module = &reader.model.instruments.get(&obstacle.instrument)?.module;
        Some(ModuleRef {
            module: module.id.clone(),
            digest: module.digest,
            stage: Stage::Instrument,
        })
    });
    heard.modules.extend(modules);
    heard
}

/// Each instrument suggested once, in order.
fn suggested(alternatives: Vec<Arc<str>>, reroutes: Vec<Arc<str>>) -> Vec<Arc<str>> {
    let mut seen = BTreeSet::new();
    let all = alternatives.into_iter().chain(reroutes);
    all.filter(|instrument| seen.insert(Arc::clone(instrument)))
        .collect()
}
