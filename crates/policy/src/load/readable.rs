//! What conditions may read where requests of one rule meet different forms:
//! what all of these forms have. The rest is said with its reason and remedy.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use comity_domain::FactName;

use crate::{
    condition::{Elsewhere, Readable},
    model::{Form, FormField, FormFields},
};

/// A form by its place in its instrument's list; none for a measure without.
pub(super) type Met = Option<usize>;

/// What rules may read that meet these forms of an instrument.
pub(super) fn readable(instrument: &str, forms: &[Form], met: &BTreeSet<Met>) -> Readable {
    let at_hand: Vec<Option<&Form>> = met
        .iter()
        .map(|place| place.and_then(|place| forms.get(place)))
        .collect();
    let mut fields = FormFields::new();
    let mut elsewhere = BTreeMap::new();
    let all: BTreeSet<&FactName> = forms.iter().flat_map(|form| form.fields.keys()).collect();
    for name in all {
        match shared(name, &at_hand) {
            Some(field) => {
                fields.insert(Arc::clone(name), field);
            }
            None => {
                elsewhere.insert(Arc::clone(name), reason(name, forms, &at_hand));
            }
        }
    }
    let names = at_hand
        .iter()
        .map(|form| form.map_or("", |form| &form.name));
    let names: Vec<&str> = names.collect();
    Readable {
        name: format!("{instrument}/{}", names.join("/")),
        files: files(forms),
        fields,
        elsewhere,
    }
}

/// A field that all of the forms have, of one type; its values are those of any.
fn shared(name: &FactName, at_hand: &[Option<&Form>]) -> Option<FormField> {
    let mut fields = at_hand.iter().map(|form| form.as_ref()?.fields.get(name));
    let mut shared = fields.next()??.clone();
    for field in fields {
        let field = field?;
        if field.declaration.kind != shared.declaration.kind {
            return None;
        }
        // One form lists values and another takes any: then any will do.
        if shared.options.is_empty() || field.options.is_empty() {
            shared.options.clear();
        } else {
            shared.options.extend(field.options.iter().cloned());
        }
    }
    Some(shared)
}

/// Why a field cannot be read, and what to do.
fn reason(name: &FactName, forms: &[Form], at_hand: &[Option<&Form>]) -> Elsewhere {
    let having: Vec<&Form> = forms
        .iter()
        .filter(|form| form.fields.contains_key(name))
        .collect();
    let measures: BTreeSet<&str> = having
        .iter()
        .flat_map(|form| &form.measures)
        .map(|name| &**name)
        .collect();
    let lacking = at_hand
        .iter()
        .any(|form| form.is_none_or(|form| !form.fields.contains_key(name)));
    let why = match lacking {
        true => format!(
            "only in {}, and the rule is for measures without it",
            files(having)
        ),
        false => "not of the same type in all forms of the rule".to_owned(),
    };
    let measures: Vec<&str> = measures.into_iter().collect();
    let remedy = match measures.is_empty() {
        true => "narrow `measures` of the rule to those of that form".to_owned(),
        false => format!(
            "narrow the rule to measures of one form: `measures: [{}]`",
            measures.join(", ")
        ),
    };
    Elsewhere { why, remedy }
}

/// The files of forms, in words.
fn files<'a>(forms: impl IntoIterator<Item = &'a Form>) -> String {
    let files = forms.into_iter();
    let files: BTreeSet<String> = files
        .map(|form| format!("{}.schema.json", form.name))
        .collect();
    files.into_iter().collect::<Vec<_>>().join(" or ")
}
