//! What the modules of instruments and States mean.

use std::{collections::BTreeMap, sync::Arc};

use comity_domain::{InstrumentId, JurisdictionCode};
use serde_json::Value;

use super::{Values, View, Views, list, rules, rules::citation};
use crate::{
    diff::Subject,
    load::NAMED,
    model::{
        AuthorityRecord, Binding, Channel, Form, Instrument, Jurisdiction, Measures, Module,
        NotBound, OffenceRecord, Profile, RoutePreference, SourceNote, Status,
    },
};

pub(super) fn instrument(instrument: &Instrument, views: &mut Views) {
    let Instrument {
        id,
        module,
        source,
        standing,
        channel,
        status,
        open,
        rank,
        binds,
        binding_cite,
        not_bound,
        between,
        include,
        exclude,
        prevails_over,
        forms,
        // Rules say themselves under which instruments they are asked.
        kinds,
    } = instrument;
    let subject = Subject::Instrument(id.clone());
    let mut view = View::of(&module.title, None);
    view.remark("source", [citation(source)]);
    of_way(standing, channel.as_ref(), &mut view);
    of_status(status, &mut view);
    view.open("", open.as_ref());
    view.one("rank", rank);
    of_not_bound(not_bound, &mut view);
    let between = between.iter().map(|[one, other]| {
        let mut sides = [list(one), list(other)];
        sides.sort();
        sides.join(" and ")
    });
    view.each("between", between);
    view.each("include", include);
    view.each("exclude", exclude.iter().map(|excluded| &excluded.measure));
    view.remark(
        "exclude",
        exclude.iter().map(|excluded| citation(&excluded.cite)),
    );
    view.each(
        "prevails over",
        prevails_over.iter().map(|prevails| &prevails.over),
    );
    view.remark(
        "prevails over",
        prevails_over
            .iter()
            .map(|prevails| citation(&prevails.cite)),
    );
    view.remark("binding", binding_cite.iter().map(citation));
    view.remark("kinds", kinds);
    of_notes(module, &mut view);
    views.insert(subject.clone(), view);
    for (state, binding) in binds {
        let bound = Subject::Binding(id.clone(), state.clone());
        views.insert(bound, of_binding(binding, &subject));
    }
    views.extend(forms.iter().enumerate().map(|(place, form)| {
        let part = Subject::Form(id.clone(), Arc::clone(&form.name));
        (part, of_form(form, place, &subject))
    }));
    of_rules(module, &subject, views);
}

fn of_status(status: &Status, view: &mut View) {
    match status {
        Status::InForce => view.one("status", "in force"),
        Status::NotInForce { reason, checked } => {
            view.one("status", "not in force");
            view.words("reason", reason);
            view.remark("checked", [checked]);
        }
    }
}

/// Words for who looks a way up.
fn of_way(standing: &SourceNote, channel: Option<&Channel>, view: &mut View) {
    let SourceNote { checked, note } = standing;
    view.remark("source checked", checked);
    if let Some(note) = note {
        view.words("source note", note);
    }
    if let Some(Channel { text, cite }) = channel {
        view.words("channel", text);
        view.remark("channel cite", [citation(cite)]);
    }
}

fn of_not_bound(not_bound: &BTreeMap<JurisdictionCode, NotBound>, view: &mut View) {
    for (state, NotBound { cite, note, open }) in not_bound {
        view.each("not bound", [state]);
        let of = format!("{state} ");
        view.words_of("note", &of, note);
        view.each("cite", [format!("{state}: {}", citation(cite))]);
        view.open(&of, open.as_ref());
    }
}

fn of_binding(binding: &Binding, owner: &Subject) -> View {
    let Binding {
        since,
        until,
        languages,
        declarations,
        confidence,
        cite,
        open,
    } = binding;
    let mut view = View {
        owner: Some(owner.clone()),
        ..View::default()
    };
    for declaration in declarations {
        let words = declaration.0.iter();
        view.remark(
            "declarations",
            words.map(|(language, words)| format!("{language}: {words}")),
        );
    }
    view.one("since", since);
    view.each("until", until);
    view.each("languages", languages);
    view.one("confidence", format!("{confidence:?}").to_lowercase());
    view.each("cite", cite.iter().map(citation));
    view.open("", open.as_ref());
    view
}

/// A form by everything that its schema demands.
fn of_form(form: &Form, place: usize, owner: &Subject) -> View {
    let Form {
        // The subject has it.
        name: _,
        // They follow the schema as written.
        schema: _,
        sections: _,
        fields: _,
        restated: _,
        content,
        cite,
        title,
        measures,
        events,
        required,
        // It follows the rules.
        read: _,
    } = form;
    let mut view = View::of(title, Some(owner.clone()));
    view.remark("cite", [citation(cite)]);
    view.one("place", place + 1);
    view.each("for", measures);
    view.each("events", events);
    view.one("required", required);
    let [mut read, mut demanded] = [Values::new(), Values::new()];
    gather(content, "", &mut read);
    gather(&demands(content, false), "", &mut demanded);
    read.retain(|leaf, _| !demanded.contains_key(leaf));
    view.words.insert("schema", read);
    view.meaning.insert("schema", demanded);
    view
}

/// A schema without what is only there to be read, and with lists sorted whose
/// order says nothing. `named`: the keys are names of fields, not keywords.
fn demands(schema: &Value, named: bool) -> Value {
    const ANNOTATIONS: [&str; 6] = [
        "$schema",
        "$id",
        "$comment",
        "title",
        "description",
        "examples",
    ];
    const VALUES: [&str; 3] = ["const", "enum", "default"];
    const ORDERED: [&str; 3] = ["const", "default", "prefixItems"];
    match schema {
        Value::Object(fields) => {
            let demanding = fields
                .iter()
                .filter(|(name, _)| named || !ANNOTATIONS.contains(&name.as_str()));
            let demanding = demanding.map(|(name, value)| {
                let naming =
                    !named && (NAMED.contains(&name.as_str()) || name == "dependentRequired");
                let mut value = match VALUES.contains(&name.as_str()) {
                    true => value.clone(),
                    false => demands(value, naming),
                };
                if let Value::Array(items) = &mut value
                    && !ORDERED.contains(&name.as_str())
                {
                    items.sort_by_cached_key(Value::to_string);
                }
                (name.clone(), value)
            });
            Value::Object(demanding.collect())
        }
        Value::Array(items) => items.iter().map(|item| demands(item, false)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn gather(demands: &Value, path: &str, leaves: &mut Values) {
    match demands {
        Value::Object(fields) if !fields.is_empty() => fields.iter().for_each(|(name, value)| {
            let dot = if path.is_empty() { "" } else { "." };
            gather(value, &format!("{path}{dot}{name}"), leaves);
        }),
        Value::Array(items) if !path.ends_with("prefixItems") => items.iter().for_each(|item| {
            let written = format!("{path}: {item}");
            leaves.insert(written.clone(), written);
        }),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Object(_)
        | Value::Array(_) => {
            let written = format!("{path}: {demands}");
            leaves.insert(written.clone(), written);
        }
    }
}

pub(super) fn jurisdiction(jurisdiction: &Jurisdiction, tree: &Measures, views: &mut Views) {
    let Jurisdiction {
        code,
        module,
        source,
        open,
        profile,
        routes,
        authorities,
        offences,
    } = jurisdiction;
    let subject = Subject::State(code.clone());
    let Profile {
        languages,
        death_penalty,
        criminal_age,
        central_authority,
    } = profile;
    let mut view = View::of(&module.title, None);
    view.remark("source", [citation(source)]);
    view.open("", open.as_ref());
    of_notes(module, &mut view);
    view.each("languages", languages);
    view.one("death penalty", death_penalty);
    view.each("criminal age", criminal_age);
    view.each("central authority", central_authority);
    views.insert(subject.clone(), view);
    if !routes.is_empty() {
        let view = of_routes(routes, tree, &subject);
        views.insert(Subject::Routes(code.clone()), view);
    }
    for (id, record) in authorities {
        let AuthorityRecord {
            title,
            kind,
            may_issue,
            may_execute,
            may_search_persons,
            confidence,
        } = record;
        let mut view = View::of(title, Some(subject.clone()));
        view.one("kind", kind);
        view.each("may issue", may_issue);
        view.each("may execute", may_execute);
        view.each("may search persons", may_search_persons.then_some("yes"));
        view.one("confidence", rules::of_confidence(*confidence));
        views.insert(Subject::Authority(code.clone(), id.clone()), view);
    }
    for (provision, record) in offences {
        let view = of_offence(record, &subject);
        views.insert(Subject::Offence(code.clone(), provision.clone()), view);
    }
    of_rules(module, &subject, views);
}

fn of_offence(record: &OffenceRecord, owner: &Subject) -> View {
    let OffenceRecord {
        title,
        max_penalty_months,
        life,
        death,
        categories,
        iccs,
        confidence,
    } = record;
    let mut view = View::of(title, Some(owner.clone()));
    view.one("maximum penalty, months", max_penalty_months);
    view.one("life sentence", life);
    view.one("death sentence", death);
    view.each("categories", categories);
    view.each("ICCS", iccs);
    view.one("confidence", rules::of_confidence(*confidence));
    view
}

/// Preferences among instruments; their order counts where two are for the
/// same request.
fn of_routes(routes: &[RoutePreference], tree: &Measures, owner: &Subject) -> View {
    let mut view = View {
        owner: Some(owner.clone()),
        ..View::default()
    };
    for (place, route) in routes.iter().enumerate() {
        view.each("prefer", [of_route(route)]);
        let cite = route.cite.iter();
        view.remark(
            "cite",
            cite.map(|cite| format!("{}: {}", of_route(route), citation(cite))),
        );
        let later = routes.iter().skip(place + 1);
        let overlapping = later.filter(|other| overlap(route, other, tree));
        let before = |other| format!("{} before {}", of_route(route), of_route(other));
        view.each("order", overlapping.map(before));
    }
    view
}

fn of_route(route: &RoutePreference) -> String {
    let RoutePreference {
        measures,
        counterparts,
        prefer,
        // Beside the preferences as a whole.
        cite: _,
    } = route;
    let prefer: Vec<&str> = prefer.iter().map(InstrumentId::as_str).collect();
    let with = match counterparts.is_empty() {
        true => String::new(),
        false => format!(" with {}", list(counterparts)),
    };
    format!("{}{with}: {}", list(measures), prefer.join(", "))
}

fn overlap(one: &RoutePreference, other: &RoutePreference, tree: &Measures) -> bool {
    let meets = |route: &RoutePreference, kinds| !route.measures.is_disjoint(kinds);
    let measures = tree
        .kinds
        .values()
        .any(|kinds| meets(one, kinds) && meets(other, kinds));
    let all = |route: &RoutePreference| route.counterparts.is_empty();
    measures && (all(one) || all(other) || !one.counterparts.is_disjoint(&other.counterparts))
}

fn of_notes(module: &Module, view: &mut View) {
    if let Some(notes) = &module.notes {
        view.words("notes", notes);
    }
}

fn of_rules(module: &Module, owner: &Subject, views: &mut Views) {
    // Its digest and text change with every comment; the index follows the rules.
    let Module {
        id: _,
        // With the head.
        title: _,
        notes: _,
        digest: _,
        text: _,
        rules,
        by_measure: _,
    } = module;
    for rule in rules {
        views.insert(Subject::Rule(rule.id.clone()), rules::rule(rule, owner));
    }
}
