//! Which parts of two libraries mean something else.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AspectChange, Change, ChangeKind, Rewording, Subject,
    view::{Values, View, Views},
};

/// What differs between two libraries.
pub(super) struct Changes {
    /// Every part that means something else, also those of a module that is
    /// new or gone as a whole.
    pub(super) all: Vec<Change>,
    /// Parts that mean the same in other words.
    pub(super) words: Vec<Rewording>,
}

pub(super) fn changes(old: &Views, new: &Views) -> Changes {
    let subjects: BTreeSet<&Subject> = old.keys().chain(new.keys()).collect();
    let mut found = Changes {
        all: Vec::new(),
        words: Vec::new(),
    };
    let nothing = View::default();
    for subject in subjects {
        let sides = [old.get(subject), new.get(subject)];
        let kind = match sides {
            [Some(_), Some(_)] => ChangeKind::Altered,
            [None, _] => ChangeKind::Added,
            [Some(_), None] => ChangeKind::Removed,
        };
        let [old, new] = sides.map(|side| side.unwrap_or(&nothing));
        let (aspects, words) = (aspects(old, new), reworded(old, new));
        if aspects.is_empty() && (kind == ChangeKind::Altered || !words.is_empty()) {
            // Also what comes or goes, where no rule asks for it.
            if !words.is_empty() {
                found.words.push(Rewording {
                    subject: subject.clone(),
                    aspects: words,
                });
            }
            continue;
        }
        let title = sides.into_iter().rev().flatten().next();
        found.all.push(Change {
            subject: subject.clone(),
            kind,
            title: title.map(|view| view.title.clone()).unwrap_or_default(),
            aspects,
            // Of what is new or gone as a whole nobody compares them.
            words: match kind {
                ChangeKind::Altered => words,
                ChangeKind::Added | ChangeKind::Removed => Vec::new(),
            },
            within: Vec::new(),
        });
    }
    found
}

/// The changes as a reader wants them: what a module brings or takes along
/// stands under that module.
pub(super) fn gathered(all: &[Change], old: &Views, new: &Views) -> Vec<Change> {
    let whole: BTreeSet<&Subject> = all
        .iter()
        .filter(|change| change.kind != ChangeKind::Altered)
        .map(|change| &change.subject)
        .collect();
    let owner = |subject| {
        let view = new.get(subject).or_else(|| old.get(subject))?;
        view.owner.as_ref().filter(|owner| whole.contains(owner))
    };
    let (parts, mut gathered): (Vec<&Change>, Vec<Change>) = {
        let (parts, own): (Vec<_>, Vec<_>) = all
            .iter()
            .partition(|change| owner(&change.subject).is_some());
        (parts, own.into_iter().cloned().collect())
    };
    for change in &mut gathered {
        let within = parts.iter().map(|part| &part.subject);
        let within = within.filter(|subject| owner(*subject) == Some(&change.subject));
        change.within = within.cloned().collect();
    }
    gathered
}

type Aspects = BTreeMap<&'static str, Values>;

fn aspects(old: &View, new: &View) -> Vec<AspectChange> {
    // Two ways of writing may say the same.
    compared([&old.meaning, &new.meaning], |(said, _), other| {
        !other.contains_key(said)
    })
}

fn reworded(old: &View, new: &View) -> Vec<AspectChange> {
    compared([&old.words, &new.words], |(of, words), other| {
        other.get(of) != Some(words)
    })
}

/// The values that each side has to itself, as written.
fn compared(
    [old, new]: [&Aspects; 2],
    is_own: impl Fn((&String, &String), &Values) -> bool,
) -> Vec<AspectChange> {
    let names: BTreeSet<&'static str> = old.keys().chain(new.keys()).copied().collect();
    let none = Values::new();
    let only = |one: &Values, other: &Values| -> Vec<String> {
        let own = one.iter().filter(|value| is_own(*value, other));
        own.map(|(_, written)| written.clone()).collect()
    };
    let change = |aspect| {
        let [was, is] = [old, new].map(|side| side.get(aspect).unwrap_or(&none));
        Some(AspectChange {
            aspect,
            was: only(was, is),
            is: only(is, was),
        })
        .filter(|change| !(change.was.is_empty() && change.is.is_empty()))
    };
    names.into_iter().filter_map(change).collect()
}
