//! Names and values as the reader of an explanation knows them.

use std::sync::Arc;

use comity_domain::{
    Citation, FactName, FactValue, InstrumentId, JurisdictionCode, ModuleId, RuleId, RuleRef,
};

use crate::{
    Asked, Library, Question, RuleInfo, Trace,
    explain::{Occasion, names::Names},
    model::{FactDeclaration, FactType},
    phrases::{Office, Tongue},
    reader::Reader,
};

/// The measure asked and all it is a kind of: told by its own name alone.
pub(super) const MEASURE_FACT: &str = "measure";

/// Tells one decision to one reader.
pub(super) struct Teller<'a> {
    pub(super) question: &'a Question<'a>,
    pub(super) trace: &'a Trace<'a>,
    pub(super) occasion: Occasion<'a>,
    pub(super) reader: Reader<'a>,
    pub(super) tongue: Tongue,
    /// Without declarations where no instrument carries the request.
    pub(super) names: Names<'a>,
}

impl<'a> Teller<'a> {
    pub(super) fn new(
        library: &'a Library,
        question: &'a Question<'a>,
        (trace, occasion): (&'a Trace<'a>, Occasion<'a>),
    ) -> Self {
        let model = &library.model;
        let carrier = trace.decision.instrument.as_ref();
        let carrier = carrier.and_then(|id| model.instruments.get(id));
        let reader = Reader {
            model,
            language: question.language,
        };
        Self {
            question,
            trace,
            occasion,
            reader,
            tongue: reader.tongue(),
            names: Names {
                reader,
                declarations: carrier
                    .map(|carrier| model.declarations(carrier, &question.request.measure)),
            },
        }
    }

    /// The scenario itself states a fact, whoever would in a real case.
    pub(super) fn is_staged(&self, name: &FactName) -> bool {
        matches!(self.occasion, Occasion::Scenario(_))
            && self.question.request.facts.contains_key(name)
    }

    pub(super) fn state(&self, code: &JurisdictionCode) -> Arc<str> {
        self.names.state(code)
    }

    pub(super) fn measure(&self, id: &str) -> String {
        self.names.measure(id)
    }

    pub(super) fn declaration(&self, name: &FactName) -> Option<&'a FactDeclaration> {
        self.names.declaration(name)
    }

    pub(super) fn fact(&self, name: &FactName) -> String {
        self.names.fact(name)
    }

    pub(super) fn listed(&self, kind: &str, value: &str) -> String {
        self.names.listed(kind, value)
    }

    /// An instrument by its title and id.
    pub(super) fn instrument(&self, id: &str) -> String {
        let known = id.parse::<InstrumentId>().ok();
        let known = known.and_then(|id| self.reader.model.instruments.get(&id));
        match known {
            Some(instrument) => {
                let title = self.reader.words(&instrument.module.title);
                format!("{title} (`{id}`)")
            }
            None => format!("`{id}`"),
        }
    }

    pub(super) fn instruments(&self, ids: &[Arc<str>]) -> String {
        let titles: Vec<_> = ids.iter().map(|id| self.instrument(id)).collect();
        titles.join(", ")
    }

    /// Who decides, with the State whose office it is.
    pub(super) fn office(&self, role: &str, state: &JurisdictionCode) -> String {
        let office = Office::of(role).map(|office| self.tongue.office(office));
        let office = office.map_or_else(|| format!("`{role}`"), str::to_owned);
        format!("{office}, {}", self.state(state))
    }

    /// The value of a fact in words.
    pub(super) fn value(&self, name: &FactName, value: &FactValue) -> String {
        if &**name == MEASURE_FACT {
            return self.measure(self.question.request.measure.as_str());
        }
        let kind = self.declaration(name).map(|fact| &fact.kind);
        let listed = match kind {
            Some(FactType::Listed(kind) | FactType::SetOf(kind)) => &**kind,
            Some(_) | None => "",
        };
        match value {
            FactValue::Truth(truth) => self.tongue.truth(*truth).to_owned(),
            FactValue::Number(number) => number.to_string(),
            FactValue::Day(day) => self.tongue.day(*day),
            FactValue::Text(text) => self.listed(listed, text),
            FactValue::Set(values) if values.is_empty() => self.tongue.nothing().to_owned(),
            FactValue::Set(values) => {
                let values: Vec<_> = values.iter().map(|v| self.listed(listed, v)).collect();
                values.join(", ")
            }
        }
    }

    /// A rule by its title, where it stands in the law, and its id.
    pub(super) fn rule(&self, info: &RuleInfo<'_>) -> String {
        self.called(&self.reader.words(info.title()), info)
    }

    /// The same inside a sentence.
    pub(super) fn rule_quoted(&self, info: &RuleInfo<'_>) -> String {
        let title = self.reader.words(info.title());
        self.called(&self.tongue.quoted(&title), info)
    }

    fn called(&self, title: &str, info: &RuleInfo<'_>) -> String {
        let own = self.source(info.module());
        let cites = info.citations().iter().map(|cite| self.cite(cite, own));
        let id = format!("`{}`", info.id());
        let place: Vec<_> = cites.filter(|cite| !cite.is_empty()).chain([id]).collect();
        format!("{title} ({})", self.tongue.row(&place))
    }

    /// A rule as a decision names it.
    pub(super) fn found(&self, rule: &RuleRef, own: Option<&Citation>) -> String {
        let place = [self.cite(&rule.citation, own), format!("`{}`", rule.rule)];
        format!("{} ({})", rule.text, self.tongue.row(&place))
    }

    /// A citation; of the law that a module itself sets out the provision is
    /// enough.
    pub(super) fn cite(&self, citation: &Citation, own: Option<&Citation>) -> String {
        let Citation {
            provision, title, ..
        } = self.reader.cite(citation);
        let provision = self.tongue.provision(&provision);
        let is_own = own.is_some_and(|own| own.source == citation.source);
        match (is_own, provision.is_empty()) {
            (_, true) => title.to_string(),
            (true, false) => provision,
            (false, false) => format!("{title}, {provision}"),
        }
    }

    /// The law that a module sets out.
    pub(super) fn source(&self, module: &ModuleId) -> Option<&'a Citation> {
        let model = self.reader.model;
        match module.as_str().split_once('/')? {
            ("instrument", id) => Some(&model.instruments.get(&id.parse().ok()?)?.source),
            (_, code) => Some(&model.jurisdictions.get(&code.parse().ok()?)?.source),
        }
    }

    /// Rules by their ids alone, each once.
    pub(super) fn ids<'r>(rules: impl Iterator<Item = &'r RuleId>) -> String {
        let mut ids: Vec<String> = Vec::new();
        for id in rules.map(|id| format!("`{id}`")) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids.join(", ")
    }

    /// What a rule said when it was asked.
    pub(super) fn asked(&self, id: &RuleId) -> Option<&'a Asked<'a>> {
        self.trace.asked.iter().find(|asked| asked.rule.id() == id)
    }
}
