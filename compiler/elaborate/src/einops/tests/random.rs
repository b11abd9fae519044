//! Random patterns: text that is hardly one, and patterns that fit.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::arrays::{Array, by_loops, run};
use super::*;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];

/// Names in some order, cut into axes and with units among them.
fn side(names: Vec<&'static str>) -> impl Strategy<Value = String> {
    let count = names.len();
    (Just(names).prop_shuffle(), proptest::collection::vec(0..4u8, count + 1)).prop_map(|(names, cuts)| {
        let mut text = String::new();
        let mut open = false;
        for (name, cut) in names.iter().zip(&cuts) {
            match (cut, open) {
                (0, false) => {
                    text.push_str(" (");
                    open = true;
                }
                (1, true) => {
                    text.push_str(") ");
                    open = false;
                }
                (2, _) => text.push_str(" 1 "),
                _ => {}
            }
            text.push_str(&format!(" {name}"));
        }
        text + if open { ")" } else { "" }
    })
}

/// A side with all names, one with some of them, and sizes.
fn fitting() -> impl Strategy<Value = (String, String, Vec<usize>)> {
    let some = proptest::sample::subsequence(NAMES.to_vec(), 0..=4);
    (side(NAMES.to_vec()), some.prop_flat_map(side), sizes_of())
}

fn sizes_of() -> impl Strategy<Value = Vec<usize>> {
    proptest::collection::vec(1..4usize, 4)
}

/// Applies the plan and compares it with loops. No plan needs more than two views, an op of its own, and two views.
fn check(pattern: &str, extents: &[usize], op: Reduction, call: Call<'_>) {
    let size: BTreeMap<String, usize> = NAMES.iter().zip(extents).map(|(n, s)| (n.to_string(), *s)).collect();
    let left = super::arrays::axes_of(pattern.split_once("->").unwrap().0);
    let shape: Vec<usize> = left.iter().map(|axis| axis.iter().map(|n| size[n]).product()).collect();
    let input = Array::counting(&shape, 1);
    let given: Vec<(&str, i64)> = size.iter().map(|(n, s)| (n.as_str(), *s as i64)).collect();
    let plan = on(&input.dims(), &given, call).unwrap_or_else(|e| panic!("`{pattern}`: {e:?}"));
    assert!(plan.len() <= 5, "`{pattern}` takes {plan:?}");
    assert_eq!(run(&plan, &input), by_loops(pattern, op, &input, &size), "`{pattern}` by {plan:?}");
}

proptest! {
    #[test]
    fn any_text_is_answered_without_panic(
        pattern in "[abc1 .,()>\\-é…]{0,24}",
        arrow in any::<bool>(),
        shape in proptest::collection::vec(0..5i64, 0..4),
        size in -2..5i64,
    ) {
        let pattern = if arrow { pattern.replace('>', "->") } else { pattern };
        let shape = dims(&shape);
        for call in [rearrange, repeat, |p: &str, x: &Operand<'_>| reduce(p, Reduction::Sum, x)] {
            if let Err(error) = on(&shape, &[("b", size)], &|x| call(&pattern, x)) {
                prop_assert!(pattern.get(error.range).is_some());
            }
        }
        if let Err(error) = einsum(&pattern, &[&shape, &shape]) {
            prop_assert!(pattern.get(error.range).is_some());
        }
    }

    #[test]
    fn fitting_patterns_agree_with_loops((whole, some, sizes) in fitting()) {
        for op in [Reduction::Sum, Reduction::Max] {
            let pattern = format!("{whole} -> {some}");
            check(&pattern, &sizes, op, &|x| reduce(&pattern, op, x));
        }
        let pattern = format!("{some} -> {whole}");
        check(&pattern, &sizes, Reduction::Max, &|x| repeat(&pattern, x));
    }

    #[test]
    fn fitting_rearrangements_agree_with_loops(
        left in side(NAMES.to_vec()),
        right in side(NAMES.to_vec()),
        sizes in sizes_of(),
    ) {
        let pattern = format!("{left} -> {right}");
        check(&pattern, &sizes, Reduction::Sum, &|x| rearrange(&pattern, x));
    }
}
