//! Jurisdiction modules with their registers.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use comity_domain::{JurisdictionCode, Stage};

use crate::{
    diagnostic::{Code, Diagnostic, suggest},
    model::{AuthorityRecord, Jurisdiction, Module, OffenceRecord, Profile, RoutePreference},
};

use super::{
    context::{Context, open, words},
    files::{Folder, Kind},
    instrument::module_matches,
    place::Place,
    raw,
    rules::{Rules, confidence},
    schema::Document,
};

pub(super) fn jurisdiction(
    place: &Place<'_>,
    documents: &[Document<'_>],
    folder: &Folder,
    rules: &mut Rules,
    context: &mut Context,
) -> Option<Jurisdiction> {
    let rules = rules.of(place, Stage::Inbound, context);
    let file = place.document.file;
    let code = folder_code(place, context)?;
    let register = |kind, name: &str, context: &mut Context| {
        let found = documents
            .iter()
            .find(|document| document.file.kind == kind && document.file.folder() == file.folder());
        let path = format!("{}/{name}", file.folder());
        if folder.get(&path).is_none() {
            context.found.push(
                Diagnostic::of_file(Code::FileMissing, &path, "the file is missing")
                    .why("every jurisdiction has its registers of authorities and offences")
                    .remedy("add it; a register that is not complete is better than none"),
            );
        }
        found
    };
    let authorities = register(Kind::Authorities, "authorities.yaml", context)
        .and_then(|document| authorities(&Place::root(document), &code, context));
    let offences = register(Kind::Offences, "offences.yaml", context)
        .and_then(|document| offences(&Place::root(document), &code, context));
    if !place.document.accepts_outside("/rules") {
        return None;
    }
    let raw: raw::Jurisdiction = context.read_accepted(place)?;
    module_matches(place, &raw.module, &format!("jurisdiction/{code}"), context);
    context.state(&place.at("module"), code.as_str());
    let profile = profile(
        &place.at("profile"),
        raw.profile,
        authorities.as_ref(),
        context,
    );
    Some(Jurisdiction {
        source: context.source(&place.at("source"), &raw.source),
        open: open(raw.open),
        profile,
        routes: routes(&place.at("routes"), &raw.routes, context),
        authorities: authorities?,
        offences: offences?,
        module: Module {
            id: raw.module.parse().ok()?,
            title: words(raw.title),
            digest: folder.module_digest(file.folder(), &BTreeSet::new()),
            text: Arc::clone(&file.source.text),
            notes: raw.notes.map(words),
            rules,
            by_measure: HashMap::new(),
        },
        code,
    })
}

/// The State that the folder is named after.
fn folder_code(place: &Place<'_>, context: &mut Context) -> Option<JurisdictionCode> {
    let name = place.document.file.folder_name();
    let code = name.to_ascii_uppercase().parse().ok();
    if code.is_none() {
        let module = place.at("module");
        let written = module.json().and_then(|id| id.as_str());
        let state = written.and_then(|id| id.strip_prefix("jurisdiction/"));
        let expected = state.map_or("<cc>".to_owned(), str::to_ascii_lowercase);
        context.found.push(
            module
                .wrong(
                    Code::WrongFolder,
                    format!("`{name}` is no code of a State, so nothing is law here"),
                )
                .why("the folder says which State it is")
                .remedy(format!(
                    "expected `jurisdictions/{expected}`: rename the folder"
                )),
        );
    }
    code
}

type Authorities = BTreeMap<Arc<str>, AuthorityRecord>;

/// Reports the name of an authority that the State has not.
pub(super) fn check_authority(
    place: &Place<'_>,
    id: &str,
    (authorities, context): (&Authorities, &mut Context),
) {
    if !authorities.contains_key(id) {
        let message = format!("no authority is called `{id}`");
        context.found.push(
            place
                .wrong(Code::UnknownAuthority, message)
                .why("not in authorities.yaml")
                .remedy_if(suggest(id, authorities.keys().map(|id| &**id))),
        );
    }
}

fn profile(
    place: &Place<'_>,
    raw: raw::Profile,
    authorities: Option<&Authorities>,
    context: &mut Context,
) -> Profile {
    for (entry, cite) in &raw.cite {
        context.cite(&place.at("cite").at(entry), cite);
    }
    if let (Some(id), Some(authorities)) = (&raw.central_authority, authorities) {
        let place = place.at("central_authority");
        check_authority(&place, id, (authorities, context));
    }
    Profile {
        languages: raw.languages.into_iter().map(Arc::from).collect(),
        death_penalty: Arc::from(raw.death_penalty),
        criminal_age: raw.criminal_age,
        central_authority: raw.central_authority.map(Arc::from),
    }
}

fn routes(place: &Place<'_>, raw: &[raw::Route], context: &mut Context) -> Vec<RoutePreference> {
    raw.iter()
        .enumerate()
        .map(|(index, raw)| {
            let at = place.at(index);
            RoutePreference {
                measures: context.filter(&at.at("measures"), &raw.measures),
                counterparts: context.states(&at.at("counterparts"), &raw.counterparts),
                prefer: context.instruments(&at.at("prefer"), &raw.prefer),
                cite: context.cite_if(&at, raw.cite.as_ref()),
            }
        })
        .collect()
}

fn authorities(
    place: &Place<'_>,
    code: &JurisdictionCode,
    context: &mut Context,
) -> Option<Authorities> {
    let raw: raw::Authorities = context.read(place)?;
    belongs(place, &raw.jurisdiction, code, context);
    let mut authorities = Authorities::new();
    for (index, raw) in raw.authorities.into_iter().enumerate() {
        let at = place.at("authorities").at(index);
        context.cite_if(&at, raw.cite.as_ref());
        let record = AuthorityRecord {
            title: words(raw.title),
            kind: context.listed(&at.at("kind"), "AuthorityKind", &raw.kind),
            may_issue: context.filter(&at.at("may_issue"), &raw.may_issue),
            may_execute: context.filter(&at.at("may_execute"), &raw.may_execute),
            may_search_persons: raw.may_search_persons,
            confidence: confidence(raw.confidence),
        };
        let repeated = format!("a second authority is called `{}`", raw.id);
        if authorities.insert(Arc::from(raw.id), record).is_some() {
            context.found.push(
                at.at("id")
                    .wrong(Code::DuplicateName, repeated)
                    .why("requests name authorities by it"),
            );
        }
    }
    Some(authorities)
}

fn offences(
    place: &Place<'_>,
    code: &JurisdictionCode,
    context: &mut Context,
) -> Option<BTreeMap<Arc<str>, OffenceRecord>> {
    let raw: raw::Offences = context.read(place)?;
    belongs(place, &raw.jurisdiction, code, context);
    let mut offences = BTreeMap::new();
    for (index, raw) in raw.offences.into_iter().enumerate() {
        let at = place.at("offences").at(index);
        context.cite_if(&at, raw.cite.as_ref());
        let categories = raw.categories.iter().enumerate();
        let record = OffenceRecord {
            title: words(raw.title),
            max_penalty_months: raw.max_penalty_months,
            life: raw.life,
            death: raw.death,
            categories: categories
                .map(|(n, name)| context.listed(&at.at("categories").at(n), "Category", name))
                .collect(),
            iccs: raw.iccs.map(Arc::from),
            confidence: confidence(raw.confidence),
        };
        let repeated = format!("the provision `{}` is registered twice", raw.provision);
        if offences.insert(Arc::from(raw.provision), record).is_some() {
            context.found.push(
                at.at("provision")
                    .wrong(Code::DuplicateName, repeated)
                    .why("requests name offences by it"),
            );
        }
    }
    Some(offences)
}

/// Reports a register that names another jurisdiction than its folder.
fn belongs(place: &Place<'_>, written: &str, code: &JurisdictionCode, context: &mut Context) {
    if written != code.as_str() {
        context.found.push(
            place
                .at("jurisdiction")
                .wrong(Code::WrongFolder, "the register does not match its folder")
                .why("the folder says whose register it is")
                .remedy(format!("expected `{code}`")),
        );
    }
}
