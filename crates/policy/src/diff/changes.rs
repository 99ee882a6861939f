//! Which parts of two libraries mean something else.

use std::collections::BTreeSet;

use super::{
    AspectChange, Change, ChangeKind, Subject,
    view::{Values, View, Views},
};

/// What differs between two libraries.
pub(super) struct Changes {
    /// Every part that means something else, also those of a module that is
    /// new or gone as a whole.
    pub(super) all: Vec<Change>,
    /// Parts that mean the same in other words.
    pub(super) words: Vec<Subject>,
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
            [Some(old), Some(new)] if aspects(old, new).is_empty() => {
                if old.words != new.words {
                    found.words.push(subject.clone());
                }
                continue;
            }
            [Some(_), Some(_)] => ChangeKind::Altered,
            [None, _] => ChangeKind::Added,
            [Some(_), None] => ChangeKind::Removed,
        };
        let [old, new] = sides.map(|side| side.unwrap_or(&nothing));
        let title = sides.into_iter().rev().flatten().next();
        found.all.push(Change {
            subject: subject.clone(),
            kind,
            title: title.map(|view| view.title.clone()).unwrap_or_default(),
            aspects: aspects(old, new),
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

fn aspects(old: &View, new: &View) -> Vec<AspectChange> {
    let names: BTreeSet<&'static str> = old
        .meaning
        .keys()
        .chain(new.meaning.keys())
        .copied()
        .collect();
    let none = Values::new();
    let change = |aspect| {
        let [was, is] = [old, new].map(|view| view.meaning.get(aspect).unwrap_or(&none));
        Some(AspectChange {
            aspect,
            was: only(was, is),
            is: only(is, was),
        })
        .filter(|change| !(change.was.is_empty() && change.is.is_empty()))
    };
    names.into_iter().filter_map(change).collect()
}

/// The values of one side that the other does not have, as written.
fn only(one: &Values, other: &Values) -> Vec<String> {
    let own = one.iter().filter(|(said, _)| !other.contains_key(*said));
    own.map(|(_, written)| written.clone()).collect()
}
