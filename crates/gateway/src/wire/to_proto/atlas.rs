//! The atlas's answer as messages of the contract.

use std::sync::Arc;

use comity::v1;
use comity_domain::{Text, Urgency};
use comity_policy::{
    Addressee, AssuranceAsked, Atlas, BoundState, Competence, DualCriminality,
    DualCriminalityPosition, ExpectedObligation, FormInfo, Issuer, Named, OffenceAbroad,
    OffenceProfile, Reason, Route, TimeLimit, Unsettled,
};

use super::{
    citation, clock, confidence, obligations,
    outlook::{lines, open_facts, prospect, standing},
    passed_over, rule, texts,
};

/// The ways a request can go.
#[must_use]
pub fn atlas(atlas: &Atlas<'_>) -> v1::LookupResponse {
    let Atlas {
        issuing,
        executing,
        measure,
        offence,
        law_date,
        bundle,
        routes,
        passed_over: passed,
        out_of_scope,
        no_route,
        notes,
        language,
    } = atlas;
    v1::LookupResponse {
        routes: routes.iter().map(|found| route(found, language)).collect(),
        passed_over: passed.iter().chain(out_of_scope).map(passed_over).collect(),
        no_route: no_route.as_ref().map(reason),
        issuing: Some(named(issuing)),
        executing: Some(named(executing)),
        measure: Some(named(measure)),
        offence: offence.as_ref().map(self::offence),
        law_date: law_date.to_string(),
        bundle_sha256: bundle.to_string(),
        notes: notes
            .iter()
            .map(|(state, text)| v1::Guidance {
                jurisdiction: state.id.to_string(),
                text: text.to_string(),
            })
            .collect(),
    }
}

fn route(route: &Route<'_>, language: &str) -> v1::Route {
    let Route {
        instrument,
        source,
        source_checked,
        source_note,
        reasons,
        bound,
        issuers,
        addressees,
        channel,
        form: prescribed,
        languages,
        languages_declared,
        time_limits,
        open,
        dual_criminality: dual,
        prospects,
        assurances,
        obligations: expected,
        notes,
        unsettled,
    } = route;
    let routine = time_limits
        .iter()
        .filter(|limit| limit.urgencies.contains(&Urgency::Routine));
    let (will_be_asked, may_be_raised) = open_facts(open.iter());
    let authority = |found| self::authority(found, language);
    v1::Route {
        instrument: instrument.id.to_string(),
        title: instrument.title.to_string(),
        languages: texts(languages),
        authorities: addressees
            .iter()
            .map(|found| found.id.to_string())
            .collect(),
        clocks: routine.map(|limit| clock(&limit.clock)).collect(),
        grounds: Vec::new(),
        source: Some(citation(source)),
        source_checked: source_checked
            .map(|day| day.to_string())
            .unwrap_or_default(),
        source_note: text(source_note.as_ref()),
        reasons: reasons.iter().map(reason).collect(),
        bound: bound.iter().map(bound_state).collect(),
        issuers: issuers
            .iter()
            .map(|found| issuer(found, language))
            .collect(),
        executing_authorities: addressees.iter().map(authority).collect(),
        channel: channel.as_ref().map(reason),
        form: prescribed.as_ref().map(form),
        languages_declared: *languages_declared,
        time_limits: time_limits.iter().map(time_limit).collect(),
        will_be_asked,
        dual_criminality: Some(dual_criminality(dual)),
        prospects: prospects.iter().map(prospect).collect(),
        assurances: assurances.iter().map(assurance).collect(),
        obligations: expected.iter().map(expected_obligation).collect(),
        notes: text(notes.as_ref()),
        may_be_raised,
        unsettled: unsettled.iter().map(self::open).collect(),
    }
}

fn open(open: &Unsettled) -> v1::Unsettled {
    let Unsettled { question, checked } = open;
    v1::Unsettled {
        question: question.to_string(),
        checked: checked.to_string(),
    }
}

fn named(named: &Named) -> v1::Named {
    let Named { id, title } = named;
    v1::Named {
        id: id.to_string(),
        title: title.to_string(),
    }
}

fn reason(reason: &Reason) -> v1::Reason {
    let Reason {
        text,
        citation: cited,
    } = reason;
    v1::Reason {
        text: text.to_string(),
        citation: cited.as_ref().map(citation),
    }
}

fn offence(offence: &OffenceProfile) -> v1::OffenceProfile {
    let OffenceProfile {
        name,
        title,
        max_penalty_months,
        categories,
        confidence: sure,
        abroad,
    } = offence;
    let other = |other: &OffenceAbroad| {
        let OffenceAbroad {
            provision,
            max_penalty_months,
            confidence: sure,
        } = other;
        v1::OffenceAbroad {
            provision: Some(named(provision)),
            max_penalty_months: *max_penalty_months,
            confidence: confidence(*sure).to_owned(),
        }
    };
    v1::OffenceProfile {
        offence: Some(v1::Named {
            id: name.to_string(),
            title: text(title.as_ref()),
        }),
        max_penalty_months: *max_penalty_months,
        categories: texts(categories),
        confidence: sure.map_or_else(String::new, |sure| confidence(sure).to_owned()),
        abroad: abroad.iter().map(other).collect(),
    }
}

fn bound_state(bound: &BoundState) -> v1::BoundState {
    let BoundState {
        state,
        since,
        citation: cited,
        confidence: sure,
        declarations,
    } = bound;
    v1::BoundState {
        state: Some(named(state)),
        since: since.to_string(),
        citation: cited.as_ref().map(citation),
        confidence: confidence(*sure).to_owned(),
        declarations: texts(declarations),
    }
}

fn authority(authority: &Addressee<'_>, language: &str) -> v1::AuthorityEntry {
    let Addressee {
        id,
        title,
        kind,
        confidence: sure,
    } = authority;
    v1::AuthorityEntry {
        id: id.to_string(),
        title: words(title, language),
        kind: kind.to_string(),
        confidence: confidence(*sure).to_owned(),
    }
}

fn issuer(issuer: &Issuer<'_>, language: &str) -> v1::Issuer {
    let Issuer {
        authority: of,
        competence,
    } = issuer;
    let (competence, validated_by, by) = match competence {
        Competence::Alone => (v1::Competence::Alone, &[][..], None),
        Competence::Validated(kinds, by) => (v1::Competence::Validated, kinds.as_slice(), Some(by)),
        Competence::Barred(by) => (v1::Competence::Barred, &[][..], Some(by)),
    };
    v1::Issuer {
        authority: Some(authority(of, language)),
        competence: competence.into(),
        validated_by: texts(validated_by),
        rule: by.map(|by| rule(by)),
    }
}

fn form(form: &FormInfo) -> v1::FormProfile {
    let FormInfo {
        title,
        citation: cited,
        may_be_omitted,
        required,
        optional,
    } = form;
    v1::FormProfile {
        title: title.to_string(),
        citation: Some(citation(cited)),
        required_sections: texts(required),
        optional_sections: texts(optional),
        may_be_omitted: *may_be_omitted,
    }
}

fn time_limit(limit: &TimeLimit) -> v1::TimeLimit {
    let TimeLimit {
        clock: runs,
        starts,
        urgencies,
        standing: stands,
        when,
        unless,
    } = limit;
    v1::TimeLimit {
        clock: Some(clock(runs)),
        starts: starts.to_string(),
        urgencies: urgencies
            .iter()
            .map(|level| urgency(*level).into())
            .collect(),
        standing: standing(*stands).into(),
        when: lines(when),
        unless: lines(unless),
    }
}

fn urgency(urgency: Urgency) -> v1::UrgencyLevel {
    match urgency {
        Urgency::Routine => v1::UrgencyLevel::Routine,
        Urgency::Urgent => v1::UrgencyLevel::Urgent,
        Urgency::Emergency => v1::UrgencyLevel::Emergency,
    }
}

fn assurance(asked: &AssuranceAsked) -> v1::AssuranceAsked {
    let AssuranceAsked {
        kinds,
        rule: by,
        standing: stands,
        when,
    } = asked;
    v1::AssuranceAsked {
        kinds: texts(kinds),
        rule: Some(rule(by)),
        standing: standing(*stands).into(),
        when: lines(when),
    }
}

fn expected_obligation(expected: &ExpectedObligation) -> v1::ExpectedObligation {
    let ExpectedObligation {
        obligation,
        standing: stands,
        when,
        unless,
    } = expected;
    let obligation = obligations(std::slice::from_ref(obligation)).pop();
    v1::ExpectedObligation {
        obligation: obligation.map(|obligation| v1::Obligation {
            obligation_id: String::new(),
            ..obligation
        }),
        standing: standing(*stands).into(),
        when: lines(when),
        unless: lines(unless),
    }
}

fn dual_criminality(dual: &DualCriminality) -> v1::DualCriminality {
    let DualCriminality {
        position,
        rules,
        lifted_by,
    } = dual;
    let position = match position {
        DualCriminalityPosition::NotTested => v1::DualCriminalityPosition::NotTested,
        DualCriminalityPosition::Lifted => v1::DualCriminalityPosition::Lifted,
        DualCriminalityPosition::Shown => v1::DualCriminalityPosition::Shown,
        DualCriminalityPosition::Tested => v1::DualCriminalityPosition::Tested,
    };
    v1::DualCriminality {
        position: position.into(),
        rules: rules.iter().map(rule).collect(),
        lifted_by: lines(lifted_by),
    }
}

fn text(text: Option<&Arc<str>>) -> String {
    text.map_or_else(String::new, ToString::to_string)
}

fn words(text: &Text, language: &str) -> String {
    let words = text.in_language(language);
    words.map_or_else(String::new, |(_, words)| words.to_string())
}
