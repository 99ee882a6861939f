//! Rules of both kinds of modules.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::{Confidence, FactName, RuleId, Stage};

use crate::{
    condition::{self, Line},
    diagnostic::{Code, Diagnostic, suggest},
    model::{Condition, Effect, Rule},
};

use super::{
    context::{Context, words},
    effect, exercise, field,
    files::{File, Folder, Kind},
    forms::Forms,
    place::Place,
    raw,
    schema::Document,
};

/// What other rules must know of a rule.
struct Standing {
    file: Arc<str>,
    line: usize,
    is_exception: bool,
}

/// What rules of all modules share: their ids and their checked conditions.
pub(super) struct Rules {
    ids: BTreeMap<String, Standing>,
    /// No module is missing from them.
    all_read: bool,
    /// By file and JSON pointer.
    conditions: BTreeMap<(Arc<str>, String), Condition>,
}

impl Rules {
    /// Gathers all rule ids and checks all conditions of the library, also
    /// those of rules that have other mistakes.
    pub(super) fn new(
        folder: &Folder,
        documents: &[Document<'_>],
        (forms, context): (&mut Forms, &mut Context),
    ) -> Self {
        let is_module = |file: &&File| matches!(file.kind, Kind::Instrument | Kind::Jurisdiction);
        let modules: Vec<_> = documents
            .iter()
            .filter(|document| is_module(&document.file))
            .collect();
        let rules = modules.iter().flat_map(|module| rule_places(module));
        let fields: Vec<_> = rules
            .filter_map(|rule| field::check(&rule, forms, context))
            .collect();
        context.found.extend(fields);
        Self {
            all_read: modules.len() == folder.modules().count(),
            ids: ids(&modules, context),
            conditions: conditions(documents, forms, context),
        }
    }

    /// The rules of one module. `stage` is where they speak unless they say.
    pub(super) fn of(
        &mut self,
        module: &Place<'_>,
        stage: Stage,
        context: &mut Context,
    ) -> Vec<Rule> {
        let list = module.at("rules");
        let count = list.document.json.pointer(&list.pointer);
        let count = count.and_then(|rules| rules.as_array()).map_or(0, Vec::len);
        (0..count)
            .filter_map(|index| self.rule(&list.at(index), stage, context))
            .collect()
    }

    fn rule(&mut self, place: &Place<'_>, stage: Stage, context: &mut Context) -> Option<Rule> {
        let raw: raw::Rule = context.read(place)?;
        let citations = match &raw.cite {
            raw::OneOrMore::One(cite) => vec![context.cite(&place.at("cite"), cite)],
            raw::OneOrMore::More(cites) => cites
                .iter()
                .enumerate()
                .map(|(index, cite)| context.cite(&place.at("cite").at(index), cite))
                .collect(),
        };
        let (since, until) = context.period(place, raw.since.as_ref(), raw.until.as_ref());
        let instruments = context.filtered(&place.at("instruments"), &raw.instruments);
        let counterparts = context.states(&place.at("counterparts"), &raw.counterparts);
        let measures = context.filter(&place.at("measures"), &raw.measures);
        let exception_to = raw
            .exception_to
            .as_deref()
            .and_then(|target| self.target(&place.at("exception_to"), target, context));
        let effect = effect::effect(place, raw.effect, context);
        let stage = raw.stage.map_or(stage, at_stage);
        if stage == Stage::Disclosure && !speaks_at_disclosure(&effect, raw.exception_to.is_some())
        {
            context.found.push(
                place
                    .at("effect")
                    .wrong(Code::NotAtDisclosure, "nothing comes of this effect at `disclosure`")
                    .why("the request has been decided when the answer goes back")
                    .remedy("let it speak at another stage, or write `effect: oblige` for what binds the answer"),
            );
        }
        let when = self.lines(&place.at("when"), raw.when.len());
        let unless = self.lines(&place.at("unless"), raw.unless.len());
        let read = when.iter().chain(&unless).flat_map(|line| &line.facts);
        let facts: BTreeSet<FactName> = read.cloned().collect();
        Some(Rule {
            id: raw.id.parse::<RuleId>().ok()?,
            title: words(raw.title),
            citations,
            confidence: confidence(raw.confidence),
            since,
            until,
            stage,
            instruments,
            counterparts,
            measures,
            effect,
            when,
            unless,
            facts: facts.into_iter().collect(),
            exception_to,
        })
    }

    fn target(&self, place: &Place<'_>, id: &str, context: &mut Context) -> Option<RuleId> {
        match self.ids.get(id) {
            // A module that cannot be read may have it.
            None if !self.all_read => {}
            None => context.found.push(self.unknown(place, id)),
            Some(target) if target.file == place.document.file.source.path => context.found.push(
                place
                    .wrong(
                        Code::ExceptionWithinModule,
                        format!("`{id}` is a rule of this module"),
                    )
                    .why("exceptions are to rules of other modules")
                    .remedy("write the exception as a line of `unless` in that rule"),
            ),
            // Which of the two were to speak first, no order of modules can say.
            Some(target) if target.is_exception => context.found.push(
                place
                    .wrong(
                        Code::ExceptionToException,
                        format!("`{id}` is an exception itself"),
                    )
                    .why(format!("it stands in {}, line {}", target.file, target.line))
                    .remedy(format!(
                        "say in `unless` of `{id}` when it lifts nothing, or lift the rule to which it is an exception"
                    )),
            ),
            Some(_) => {}
        }
        id.parse().ok()
    }

    /// The id of a rule of any module.
    pub(super) fn known(&self, place: &Place<'_>, id: &str, context: &mut Context) {
        if self.all_read && !self.ids.contains_key(id) {
            context.found.push(self.unknown(place, id));
        }
    }

    fn unknown(&self, place: &Place<'_>, id: &str) -> Diagnostic {
        place
            .wrong(Code::UnknownRule, format!("no rule is called `{id}`"))
            .why("not the id of a rule in any module")
            .remedy_if(suggest(id, self.ids.keys().map(String::as_str)))
    }

    /// The checked conditions of a list; a line that has none is reported
    /// already and keeps the library from loading.
    pub(super) fn lines(&mut self, list: &Place<'_>, count: usize) -> Vec<Condition> {
        (0..count)
            .filter_map(|index| self.conditions.remove(&key(&list.at(index))))
            .collect()
    }
}

fn key(place: &Place<'_>) -> (Arc<str>, String) {
    let path = Arc::clone(&place.document.file.source.path);
    (path, place.pointer.clone())
}

/// Every id of a rule with its rule. Where two rules have the same, nobody
/// can tell which is the newer: the later is shown, and where the other stands.
fn ids(modules: &[&Document<'_>], context: &mut Context) -> BTreeMap<String, Standing> {
    let mut ids: BTreeMap<String, Standing> = BTreeMap::new();
    for place in modules.iter().flat_map(|module| rule_places(module)) {
        let at = place.at("id");
        let Some(id) = at.json().and_then(|id| id.as_str()) else {
            continue;
        };
        let found = at.wrong(Code::DuplicateName, format!("two rules are called `{id}`"));
        if let Some(first) = ids.get(id) {
            context.found.push(
                found
                    .why(format!("the other stands in {}, line {}", first.file, first.line))
                    .remedy("ids are unique over the whole library: choose another for the newer of the two"),
            );
        } else {
            let standing = Standing {
                file: Arc::clone(&found.path),
                line: found.line,
                is_exception: place.at("exception_to").json().is_some(),
            };
            ids.insert(id.to_owned(), standing);
        }
    }
    ids
}

fn conditions(
    documents: &[Document<'_>],
    forms: &mut Forms,
    context: &mut Context,
) -> BTreeMap<(Arc<str>, String), Condition> {
    // Without a vocabulary there is nothing to check against, and nothing loads.
    let Some(vocabulary) = &context.vocabulary else {
        return BTreeMap::new();
    };
    let is_module = |kind| matches!(kind, Kind::Instrument | Kind::Jurisdiction);
    let modules = documents.iter();
    let modules = modules.filter(|document| is_module(document.file.kind));
    let of_rules = modules.flat_map(rule_places).flat_map(|rule| {
        let form = forms.readable(&rule, context.measures.as_ref());
        [rule.at("when"), rule.at("unless")].map(|list| (list, form.clone()))
    });
    let of_points = documents.iter().flat_map(exercise::conditions);
    let lists: Vec<_> = of_rules.chain(of_points.map(|list| (list, None))).collect();
    let mut keys = Vec::new();
    let mut lines = Vec::new();
    for (list, form) in &lists {
        let found = list.document.node.find(&list.pointer);
        let items = found.map(|(_, node)| node.items()).unwrap_or_default();
        for (index, node) in items.iter().enumerate() {
            if node.as_text().is_some() {
                keys.push(key(&list.at(index)));
                lines.push(Line {
                    source: &list.document.file.source,
                    node,
                    form: form.clone(),
                });
            }
        }
    }
    let checked = condition::check(&lines, vocabulary, &mut context.found);
    keys.into_iter()
        .zip(checked)
        .filter_map(|(key, condition)| Some((key, condition?)))
        .collect()
}

pub(crate) fn rule_places<'a>(module: &'a Document<'a>) -> impl Iterator<Item = Place<'a>> {
    let list = Place::root(module).at("rules");
    let count = module
        .node
        .find("/rules")
        .map_or(0, |(_, node)| node.items().len());
    (0..count).map(move |index| list.at(index))
}

pub(super) fn confidence(raw: raw::Confidence) -> Confidence {
    match raw {
        raw::Confidence::Low => Confidence::Low,
        raw::Confidence::Medium => Confidence::Medium,
        raw::Confidence::High => Confidence::High,
    }
}

/// What goes back is bound by conditions, from which an exception may free it. Nothing is
/// refused, asked or measured any more.
fn speaks_at_disclosure(effect: &Effect, is_exception: bool) -> bool {
    match effect {
        Effect::Oblige { .. } => true,
        Effect::Permit => is_exception,
        Effect::Refuse { .. }
        | Effect::Require { .. }
        | Effect::Refer { .. }
        | Effect::Clock(_) => false,
    }
}

fn at_stage(raw: raw::Stage) -> Stage {
    match raw {
        raw::Stage::Outbound => Stage::Outbound,
        raw::Stage::Instrument => Stage::Instrument,
        raw::Stage::Inbound => Stage::Inbound,
        raw::Stage::Disclosure => Stage::Disclosure,
    }
}
