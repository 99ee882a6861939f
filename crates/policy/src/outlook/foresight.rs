//! A request tried out: what would be decided now, what will be asked, and
//! what would have to change.

use comity_domain::{Decision, Ground};

use super::{Look, OpenFact, Outlook, Prospect, ProspectEffect, Standing};
use crate::{
    Library, Question,
    decide::decide_with,
    facts,
    findings::{Findings, Setting},
    reader::Reader,
    resolve::{self, Matter},
};

/// What a request, complete or not, may come to.
#[derive(Debug)]
pub struct Foresight {
    /// What would be decided now.
    pub decision: Decision,
    /// Facts that nobody has stated and on which more hangs, in the order of
    /// a request's way; none where no instrument carries it.
    pub open: Vec<OpenFact>,
    /// The grounds that hold already, each with the lines that make it hold
    /// and those that would lift it.
    pub refused: Vec<Prospect>,
}

/// Decides a request and looks ahead of it.
pub(crate) fn foresee(library: &Library, question: &Question<'_>) -> Foresight {
    let (decision, answers) = decide_with(library, question, &mut |_, _| {});
    let model = &library.model;
    let request = question.request;
    let matter = Matter::of(model, request);
    let named = request.instrument.as_ref();
    let resolution = resolve::resolve(model, &matter, named, question.language);
    let Ok(instrument) = resolution.carrier else {
        let refused = decision.grounds.iter().map(bare).collect();
        return Foresight {
            decision,
            open: Vec::new(),
            refused,
        };
    };
    let presumed = library.presumed.in_language(question.language);
    let mut taken = facts::derive(model, presumed, question, (&matter, instrument));
    answers.inform(&mut taken);
    let stated = facts::stated(&taken);
    let setting = Setting {
        reader: Reader {
            model,
            language: question.language,
        },
        declarations: model.declarations(instrument, &request.measure),
        request,
        known: &stated,
        now: question.now,
    };
    let findings = Findings::answered(&answers);
    let outlook = Outlook::new(library, setting, (&taken, findings), &matter, instrument);
    let refused = decision.grounds.iter().map(|ground| {
        let look = outlook.looks.iter().find(|look| look.is_of(ground));
        look.map_or_else(|| bare(ground), |look| outlook.ground(ground, look))
    });
    Foresight {
        refused: refused.collect(),
        open: outlook.open_facts(),
        decision,
    }
}

impl Look<'_> {
    fn is_of(&self, ground: &Ground) -> bool {
        self.judged.rule.id == ground.rule.rule && self.judged.speaker.stage == ground.stage
    }
}

impl Outlook<'_, '_> {
    /// A ground that holds, with all its lines: they say why, and what to mend.
    fn ground(&self, ground: &Ground, look: &Look<'_>) -> Prospect {
        let rule = look.judged.rule;
        Prospect {
            standing: look.standing,
            when: self.lines(rule.when.iter()),
            unless: self.lines(rule.unless.iter()),
            effect: self.effect(&look.judged).unwrap_or_else(|| effect(ground)),
            ..bare(ground)
        }
    }
}

/// A ground that the library itself found: no line makes or lifts it.
fn bare(ground: &Ground) -> Prospect {
    Prospect {
        rule: ground.rule.clone(),
        stage: ground.stage,
        standing: Standing::Holds,
        effect: effect(ground),
        when: Vec::new(),
        unless: Vec::new(),
        exceptions: Vec::new(),
    }
}

fn effect(ground: &Ground) -> ProspectEffect {
    ProspectEffect::Refuse {
        kind: ground.kind,
        consult_first: ground.consult_first,
        reroute: Vec::new(),
    }
}
