//! What a form's schema says under `restates`: the field of the request that the
//! field it stands at says again.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::Value;

use crate::{
    diagnostic::{Code, Diagnostic, Source, suggest},
    model::{
        FactType, Meaning, Measures, OwnField, RequestField, Restatement, Step, TRUTHS, Vocabulary,
    },
    yaml::Node,
};

use super::{
    context::Context,
    form::{resolve, typed},
    schema::escape,
};

/// Deepest nesting of fields that are compared, definitions counted.
pub(super) const MAX_DEPTH: usize = 16;
/// The word under which a field of a form names the request's.
const KEYWORD: &str = "restates";

/// `restates` as written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Raw {
    Field(String),
    Meaning(RawMeaning),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMeaning {
    field: String,
    #[serde(rename = "as")]
    meaning: RawValues,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawValues {
    FilledIn(Values),
    Values(BTreeMap<String, Values>),
}

type Values = BTreeSet<Arc<str>>;

/// All that a form restates, and what cannot be meant.
pub(super) fn restated(
    source: &Source,
    (node, root): (&Node, &Value),
    context: &mut Context,
) -> Vec<Restatement> {
    let mut reading = Reading {
        source,
        node,
        root,
        measures: context.measures.as_ref(),
        vocabulary: context.vocabulary.as_ref(),
        seen: BTreeSet::new(),
        restated: Vec::new(),
        found: Vec::new(),
    };
    reading.schema("", &mut Vec::new(), MAX_DEPTH);
    reading.unreached(root, "");
    let Reading {
        restated, found, ..
    } = reading;
    context.found.extend(found);
    restated
}

/// The constant by which a value is known to be for one of several schemas.
fn constant(branch: &Value) -> Option<Step> {
    let mut fields = branch.get("properties")?.as_object()?.iter();
    fields.find_map(|(name, field)| {
        Some(Step::Only {
            field: Arc::from(name.as_str()),
            is: field.get("const")?.clone(),
        })
    })
}

struct Reading<'a> {
    source: &'a Source,
    node: &'a Node,
    root: &'a Value,
    /// `None` where their file has mistakes: names are taken on trust.
    measures: Option<&'a Measures>,
    vocabulary: Option<&'a Vocabulary>,
    /// Pointers of all that was read.
    seen: BTreeSet<String>,
    restated: Vec<Restatement>,
    found: Vec<Diagnostic>,
}

impl Reading<'_> {
    /// One schema, that of a field at a path of the form, and what is below it.
    fn schema(&mut self, pointer: &str, path: &mut Vec<Step>, depth: usize) {
        let Some(schema) = self.root.pointer(pointer) else {
            return;
        };
        if let Some(declared) = schema.get(KEYWORD) {
            let pointer = format!("{pointer}/{KEYWORD}");
            let result = self.declared((&pointer, declared), schema, path);
            // A definition that several fields share is reported once.
            let first = self.seen.insert(pointer);
            match result {
                Ok(restatement) => self.restated.push(restatement),
                Err(mistake) if first => self.found.push(*mistake),
                Err(_) => {}
            }
        }
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let target = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = target.and_then(|target| target.strip_prefix('#')) {
            self.schema(target, path, depth);
        }
        let fields = schema.get("properties").and_then(Value::as_object);
        for name in fields.into_iter().flat_map(|fields| fields.keys()) {
            path.push(Step::Field(Arc::from(name.as_str())));
            let below = format!("{pointer}/properties/{}", escape(name));
            self.schema(&below, path, depth);
            path.pop();
        }
        if schema.get("items").is_some() {
            path.push(Step::Each);
            self.schema(&format!("{pointer}/items"), path, depth);
            path.pop();
        }
        for choice in ["oneOf", "anyOf"] {
            let branches = schema.get(choice).and_then(Value::as_array);
            for (index, branch) in branches.into_iter().flatten().enumerate() {
                let Some(only) = constant(branch) else {
                    continue;
                };
                path.push(only);
                self.schema(&format!("{pointer}/{choice}/{index}"), path, depth);
                path.pop();
            }
        }
    }

    fn declared(
        &self,
        (pointer, declared): (&str, &Value),
        schema: &Value,
        path: &[Step],
    ) -> Result<Restatement, Box<Diagnostic>> {
        let raw: Raw = serde_json::from_value(declared.clone()).map_err(|_| {
            self.wrong(pointer, "cannot be read")
                .why("neither the name of a field nor `field` with `as`")
                .remedy(r#"write `"restates": "measure"`, or `{"field": "measure", "as": {"value": ["data"]}}`"#)
        })?;
        let of_field = typed(resolve(schema, self.root), self.root);
        let (name, place, meaning) = match raw {
            Raw::Field(name) => (name, pointer.to_owned(), None),
            Raw::Meaning(raw) => (raw.field, format!("{pointer}/field"), Some(raw.meaning)),
        };
        let (field, kind, values) = self.field(&name, &place)?;
        let meaning = match (meaning, kind) {
            // Its mistakes are reported where it is declared, and nothing is loaded.
            (_, None) => Meaning::Same,
            (None, Some(kind)) => self.same(pointer, (&name, &kind, &values), of_field)?,
            // None of it would be compared.
            (Some(_), Some(kind)) if !matches!(kind, FactType::Text | FactType::Truth) => {
                let wrong = format!("`as` cannot say what values of `{name}` mean");
                return Err(Box::new(
                    self.wrong(&format!("{pointer}/as"), wrong)
                        .why("neither a text nor true or false")
                        .remedy("leave `as` out, or what it stands in"),
                ));
            }
            (Some(raw), Some(_)) => {
                self.meaning(&format!("{pointer}/as"), (&name, &values), raw, of_field)?
            }
        };
        Ok(Restatement {
            path: path.to_vec(),
            field,
            meaning,
        })
    }

    /// The field of the request, its type if that is known, and its values where they
    /// are listed.
    fn field(
        &self,
        name: &str,
        place: &str,
    ) -> Result<(RequestField, Option<FactType>, Option<Values>), Box<Diagnostic>> {
        let own = OwnField::ALL.into_iter().find(|own| own.path() == name);
        if let Some(own) = own {
            let values = match own == OwnField::Measure {
                true => self.measures.map(|tree| {
                    let kinds = tree.kinds.values();
                    kinds.flatten().cloned().collect()
                }),
                false => own.values(),
            };
            return Ok((RequestField::Own(own), Some(own.kind()), values));
        }
        let fact = name
            .strip_prefix("facts[\"")
            .and_then(|rest| rest.strip_suffix("\"]"));
        let Some(fact) = fact else {
            let known = OwnField::ALL.map(OwnField::path);
            return Err(Box::new(
                self.wrong(
                    place,
                    format!("no request has a field `{name}` that a form may restate"),
                )
                .why("a form is compared with the request as it is decided")
                .remedy_if(suggest(name, known)),
            ));
        };
        let Some(vocabulary) = self.vocabulary else {
            return Ok((RequestField::Fact(Arc::from(fact)), None, None));
        };
        let known = vocabulary.facts.get_key_value(fact);
        let (fact, declaration) = known.ok_or_else(|| {
            let names = vocabulary.facts.keys().map(|name| &**name);
            self.wrong_as(
                Code::UnknownFact,
                place,
                format!("no fact is called `{fact}`"),
            )
            .why("not in vocabulary.yaml")
            .remedy_if(suggest(fact, names))
        })?;
        let (kind, values) = match &declaration.kind {
            FactType::Listed(list) => (FactType::Text, vocabulary.types.get(list).cloned()),
            FactType::Truth => (FactType::Truth, Some(TRUTHS.map(Arc::from).into())),
            other @ (FactType::Number
            | FactType::Text
            | FactType::Day
            | FactType::SetOf(_)
            | FactType::SetOfText) => (other.clone(), None),
        };
        Ok((RequestField::Fact(Arc::clone(fact)), Some(kind), values))
    }

    /// Values that mean what they are.
    fn same(
        &self,
        pointer: &str,
        (name, kind, values): (&str, &FactType, &Option<Values>),
        of_field: Option<(FactType, Values)>,
    ) -> Result<Meaning, Box<Diagnostic>> {
        let told = r#"say with `as` what it means: `{"field": "…", "as": …}`"#;
        let Some((_, options)) = of_field.filter(|(of_field, _)| of_field == kind) else {
            return Err(Box::new(
                self.wrong(
                    pointer,
                    format!("this field is not of the type of `{name}`"),
                )
                .why("no value could agree")
                .remedy(told),
            ));
        };
        let strange = options.iter().find(|option| {
            values
                .as_ref()
                .is_some_and(|known| !known.contains(*option))
        });
        match strange {
            Some(option) => Err(Box::new(
                self.wrong(pointer, format!("`{option}` is no value of `{name}`"))
                    .why("it could never agree")
                    .remedy(told),
            )),
            None => Ok(Meaning::Same),
        }
    }

    /// Values of the form, and what they mean in the request.
    fn meaning(
        &self,
        pointer: &str,
        (name, values): (&str, &Option<Values>),
        raw: RawValues,
        of_field: Option<(FactType, Values)>,
    ) -> Result<Meaning, Box<Diagnostic>> {
        let check = |place: &str, meant: &Values| {
            let known = values.iter().flatten().map(|value| &**value);
            let strange = meant
                .iter()
                .find(|value| values.as_ref().is_some_and(|known| !known.contains(*value)));
            strange.map_or(Ok(()), |value| {
                Err(Box::new(
                    self.wrong(place, format!("`{value}` is no value of `{name}`"))
                        .why("it could never agree")
                        .remedy_if(suggest(value, known)),
                ))
            })
        };
        let raw = match raw {
            RawValues::FilledIn(meant) => {
                check(pointer, &meant)?;
                return Ok(Meaning::FilledIn(meant));
            }
            RawValues::Values(raw) => raw,
        };
        let options = match of_field {
            Some((FactType::Truth, _)) => TRUTHS.map(Arc::from).into(),
            Some((_, options)) => options,
            None => Values::new(),
        };
        for (value, meant) in &raw {
            let place = format!("{pointer}/{}", escape(value));
            if !options.contains(&**value) {
                return Err(Box::new(
                    self.wrong(&place, format!("this field cannot be `{value}`"))
                        .why("its schema does not list it")
                        .remedy_if(suggest(value, options.iter().map(|option| &**option))),
                ));
            }
            check(&place, meant)?;
        }
        Ok(Meaning::Values(raw))
    }

    /// What stands where no field of the form is: nothing would be compared.
    fn unreached(&mut self, value: &Value, pointer: &str) {
        let parts: Vec<(String, &Value)> = match value {
            Value::Object(parts) => parts
                .iter()
                .map(|(key, part)| (escape(key), part))
                .collect(),
            Value::Array(parts) => {
                let parts = parts.iter().enumerate();
                parts
                    .map(|(index, part)| (index.to_string(), part))
                    .collect()
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
        };
        for (key, part) in parts {
            let below = format!("{pointer}/{key}");
            // Under `properties` stands a field of the form that is called so.
            let is_keyword =
                key == KEYWORD && value.is_object() && !pointer.ends_with("/properties");
            if is_keyword && !self.seen.contains(&below) {
                let mistake = self
                    .wrong(&below, "no field of the form is here")
                    .why("neither below `properties` or `items`, nor in one of several schemas that a `const` tells apart")
                    .remedy("write it at the field that is compared");
                self.found.push(mistake);
            }
            self.unreached(part, &below);
        }
    }

    fn wrong(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.wrong_as(Code::Restatement, pointer, message)
    }

    fn wrong_as(&self, code: Code, pointer: &str, message: impl Into<String>) -> Diagnostic {
        let found = self.node.find(pointer);
        let span = found.map_or(0..0, |(_, node)| node.span.clone());
        self.source.diagnostic(code, span, message)
    }
}
