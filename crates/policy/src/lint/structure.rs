//! What a line comes to by how it is built alone, whatever the facts are.

use serde_json::Value;

/// More comparisons than this are not tried in every combination.
const MAX_ATOMS: usize = 10;

/// What a condition, as Cedar's JSON has it, comes to whatever each of its comparisons
/// comes to; `None` where these matter.
pub(super) fn settled(tree: &Value) -> Option<bool> {
    let mut atoms = Vec::new();
    let first = holds(tree, &mut atoms, 0);
    let small = atoms.len() <= MAX_ATOMS;
    let mut chosen = 1..1_usize << atoms.len().min(MAX_ATOMS);
    (small && chosen.all(|chosen| holds(tree, &mut atoms, chosen) == first)).then_some(first)
}

/// Whether it holds where the comparisons of the chosen bits do. Both sides are always
/// looked at, so that the first look meets every comparison.
fn holds<'t>(tree: &'t Value, atoms: &mut Vec<&'t Value>, chosen: usize) -> bool {
    let node = tree.as_object().and_then(|node| node.iter().next());
    let (operator, operands) = node.map_or(("", tree), |(operator, operands)| {
        (operator.as_str(), operands)
    });
    let mut side = |name: &str| holds(operands.get(name).unwrap_or(tree), atoms, chosen);
    match (operator, operands) {
        ("Value", Value::Bool(value)) => return *value,
        ("&&", _) => return side("left") & side("right"),
        ("||", _) => return side("left") | side("right"),
        ("!", _) => return !side("arg"),
        ("if-then-else", _) => {
            let (tested, then, otherwise) = (side("if"), side("then"), side("else"));
            return if tested { then } else { otherwise };
        }
        _ => {}
    }
    if operands
        .get("left")
        .is_some_and(|left| Some(left) == operands.get("right"))
    {
        match operator {
            "==" | "<=" | ">=" | "containsAll" => return true,
            "!=" | "<" | ">" => return false,
            _ => {}
        }
    }
    let place = atoms.iter().position(|atom| *atom == tree);
    let place = place.unwrap_or_else(|| {
        atoms.push(tree);
        atoms.len() - 1
    });
    chosen >> place & 1 == 1
}
