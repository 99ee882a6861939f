//! Pairs of States in the fewest words.

use std::collections::{BTreeMap, BTreeSet};

use comity_domain::JurisdictionCode;

type States<'a> = BTreeSet<&'a JurisdictionCode>;

/// Who asks whom, in words.
pub(super) fn words(pairs: &[[JurisdictionCode; 2]]) -> String {
    let mut asked: BTreeMap<&JurisdictionCode, States<'_>> = BTreeMap::new();
    for [issuing, executing] in pairs {
        asked.entry(issuing).or_default().insert(executing);
    }
    let apart = grouped(&asked, |_, executing| executing.clone());
    // No State asks itself: of States that all ask each other, each asks others.
    let among = grouped(&asked, |issuing, executing| {
        let itself = std::iter::once(issuing);
        executing.iter().copied().chain(itself).collect()
    });
    let groups = if among.len() < apart.len() {
        among
            .iter()
            .map(|(asked, issuing)| sentence(issuing, asked))
            .collect()
    } else {
        let groups = apart.iter();
        groups
            .map(|(asked, issuing)| sentence(issuing, asked))
            .collect::<Vec<_>>()
    };
    groups.join("; ")
}

/// States that ask the same ones, by whom they ask.
fn grouped<'a>(
    asked: &BTreeMap<&'a JurisdictionCode, States<'a>>,
    key: impl Fn(&'a JurisdictionCode, &States<'a>) -> States<'a>,
) -> BTreeMap<States<'a>, States<'a>> {
    let mut groups: BTreeMap<States<'_>, States<'_>> = BTreeMap::new();
    for (issuing, executing) in asked {
        groups
            .entry(key(issuing, executing))
            .or_default()
            .insert(issuing);
    }
    groups
}

fn sentence(issuing: &States<'_>, asked: &States<'_>) -> String {
    if issuing == asked {
        let any = if issuing.len() > 2 { "any two of " } else { "" };
        return format!("between {any}{}", list(issuing));
    }
    let mut others = asked.clone();
    if issuing.len() == 1 {
        others.retain(|state| !issuing.contains(state));
    }
    format!("from {} to {}", list(issuing), list(&others))
}

fn list(states: &States<'_>) -> String {
    let states: Vec<&str> = states.iter().map(|state| state.as_str()).collect();
    match states.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => states.concat(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(pairs: &[&str]) -> String {
        let pairs = pairs.iter().map(|pair| {
            let (one, other) = pair.split_once('-').unwrap();
            [one, other].map(|code| code.parse().unwrap())
        });
        words(&pairs.collect::<Vec<_>>())
    }

    #[test]
    fn pairs_are_said_in_the_fewest_words() {
        assert_eq!(said(&["DE-FR"]), "from DE to FR");
        assert_eq!(said(&["DE-FR", "FR-DE"]), "between DE and FR");
        assert_eq!(
            said(&["DE-FR", "NL-FR", "US-FR"]),
            "from DE, NL and US to FR"
        );
        assert_eq!(
            said(&["DE-FR", "DE-NL", "FR-DE", "FR-NL", "NL-DE", "NL-FR"]),
            "between any two of DE, FR and NL"
        );
        assert_eq!(
            said(&["DE-FR", "DE-NL", "FR-DE", "FR-NL"]),
            "from DE and FR to DE, FR and NL"
        );
        assert_eq!(said(&["DE-FR", "NL-US"]), "from DE to FR; from NL to US");
    }
}
