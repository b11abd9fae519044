//! `rearrange`, `reduce` and `repeat` against loops, and how short their plans are.

use std::collections::BTreeMap;

use super::arrays::{Array, by_loops, run};
use super::*;

/// Name and size of every axis: `b=2 c=3`.
fn named(text: &str) -> BTreeMap<String, usize> {
    let pair = |word: &str| word.split_once('=').map(|(n, s)| (n.to_string(), s.parse().unwrap()));
    text.split_whitespace().map(|word| pair(word).unwrap()).collect()
}

fn input_of(pattern: &str, size: &BTreeMap<String, usize>) -> Array {
    let left = super::arrays::axes_of(pattern.split_once("->").unwrap().0);
    let shape: Vec<usize> = left.iter().map(|axis| axis.iter().map(|n| size[n]).product()).collect();
    Array::counting(&shape, 1)
}

/// Applies a plan and compares it with loops; returns the number of steps.
fn agrees(pattern: &str, size: &str, op: Reduction, call: Call<'_>) -> usize {
    let size = named(size);
    let input = input_of(pattern, &size);
    let given: Vec<(&str, i64)> = size.iter().map(|(n, s)| (n.as_str(), *s as i64)).collect();
    let plan = on(&input.dims(), &given, call).unwrap_or_else(|e| panic!("`{pattern}`: {e:?}"));
    assert_eq!(run(&plan, &input), by_loops(pattern, op, &input, &size), "`{pattern}` by {plan:?}");
    plan.len()
}

fn rearranged(pattern: &str, size: &str) -> usize {
    agrees(pattern, size, Reduction::Sum, &|x| rearrange(pattern, x))
}

fn reduced(pattern: &str, size: &str) -> usize {
    let ops = [Reduction::Sum, Reduction::Mean, Reduction::Max, Reduction::Min];
    ops.map(|op| agrees(pattern, size, op, &|x| reduce(pattern, op, x)))[0]
}

fn repeated(pattern: &str, size: &str) -> usize {
    agrees(pattern, size, Reduction::Max, &|x| repeat(pattern, x))
}

#[test]
fn rearrange_agrees_with_loops_in_the_fewest_steps() {
    assert_eq!(rearranged("b c -> b c", "b=2 c=3"), 0);
    assert_eq!(rearranged("(b c) d -> (b c) d", "b=2 c=3 d=2"), 0);
    assert_eq!(rearranged("b c h w -> b h w c", "b=2 c=3 h=2 w=4"), 1);
    assert_eq!(rearranged("b (s c) h w -> b s c h w", "b=2 s=4 c=3 h=2 w=2"), 1);
    assert_eq!(rearranged("b s c h w -> b (s c) h w", "b=2 s=4 c=3 h=2 w=2"), 1);
    assert_eq!(rearranged("b c h w -> b (h w) c", "b=2 c=3 h=2 w=4"), 2);
    assert_eq!(rearranged("b (h w) c -> b c h w", "b=2 c=3 h=2 w=4"), 2);
    assert_eq!(rearranged("(a b) c -> c (a b)", "a=2 b=3 c=4"), 1);
    assert_eq!(rearranged("(h w) c d -> (c d) h w", "h=2 w=3 c=4 d=2"), 2);
    assert_eq!(rearranged("(a b) (c d) -> (d a) (b c)", "a=2 b=3 c=4 d=2"), 3);
    assert_eq!(rearranged("b (h p) (w q) c -> b (h w) (p q c)", "b=2 h=2 p=3 w=3 q=2 c=2"), 3);
    assert_eq!(rearranged("b h w (p q c) -> b c (h p) (w q)", "b=1 h=2 p=3 w=3 q=2 c=2"), 3);
}

#[test]
fn unit_axes_come_and_go() {
    assert_eq!(rearranged("b s 1 1 -> b s 1 1 1", "b=2 s=3"), 1);
    assert_eq!(rearranged("b 1 h -> h 1 b", "b=2 h=3"), 1);
    assert_eq!(rearranged("b c 1 1 -> b c", "b=2 c=3"), 1);
    assert_eq!(rearranged("b 1 c d -> d (b c)", "b=2 c=3 d=2"), 2);
    assert_eq!(rearranged("(a b) c -> b 1 a c", "a=2 b=3 c=4"), 2);
    assert_eq!(rearranged("a b -> (1 b) () (a 1)", "a=2 b=3"), 2);
    assert_eq!(rearranged("1 -> ", ""), 1);
    assert_eq!(rearranged(" -> 1 1", ""), 1);
}

#[test]
fn axes_that_happen_to_be_one_need_no_permute() {
    let plan = on(&dims(&[2, 1, 3]), &[], &|x| rearrange("b c h -> b h c", x));
    assert_eq!(plan, Ok(vec![Step::Reshape(dims(&[2, 3, 1]))]));
}

#[test]
fn reduce_agrees_with_loops_in_the_fewest_steps() {
    assert_eq!(reduced("b c h w -> b c", "b=2 c=3 h=2 w=4"), 1);
    assert_eq!(reduced("b c h w -> b c 1 1", "b=2 c=3 h=2 w=4"), 1);
    assert_eq!(reduced("b c h w -> ", "b=2 c=3 h=2 w=4"), 1);
    assert_eq!(reduced("b c h w -> c b", "b=2 c=3 h=2 w=4"), 2);
    assert_eq!(reduced("b (h p) (w q) -> b h w", "b=2 h=2 p=3 w=3 q=2"), 2);
    assert_eq!(reduced("(a b) c -> c", "a=2 b=3 c=4"), 1);
    assert_eq!(reduced("(a p) (b c) -> c b a", "a=2 p=3 b=2 c=4"), 3);
    assert_eq!(reduced("(a p b) (q c) -> (c a) b", "a=2 p=3 b=2 q=2 c=4"), 4);
    assert_eq!(reduced("a 1 b -> b 1 a", "a=2 b=3"), 1);
    assert_eq!(reduced("a 1 b -> 1 b", "a=2 b=3"), 1);
}

#[test]
fn repeat_agrees_with_loops_in_the_fewest_steps() {
    assert_eq!(repeated("c -> b c", "b=4 c=3"), 1);
    assert_eq!(repeated("1 c -> b c", "b=4 c=3"), 1);
    assert_eq!(repeated("c -> c b", "b=4 c=3"), 2);
    assert_eq!(repeated("h w -> (h p) (w q)", "h=2 w=3 p=2 q=3"), 3);
    assert_eq!(repeated("h w -> (p h) w", "h=2 w=3 p=2"), 2);
    assert_eq!(repeated("b c -> c n b", "b=2 c=3 n=4"), 3);
    assert_eq!(repeated(" -> a b", "a=2 b=3"), 1);
    assert_eq!(repeated("a -> b 1 (a c) d", "a=2 b=3 c=2 d=2"), 3);
    assert_eq!(repeated("a -> b a", "a=2 b=1"), 1);
}

#[test]
fn an_ellipsis_keeps_axes_together() {
    let x = Array::counting(&[2, 3, 4, 5], 1);
    let split = on(&x.dims(), &[("g", 2)], &|x| rearrange("(g b) ... w -> w g b ...", x)).unwrap();
    let expected = Array::from_fn(&[5, 2, 1, 3, 4], |i| x.at(&[i[1], i[3], i[4], i[0]]));
    assert_eq!(run(&split, &x), expected);
    let merged = on(&x.dims(), &[], &|x| rearrange("b ... -> b (...)", x));
    assert_eq!(merged, Ok(vec![Step::Reshape(dims(&[2, 60]))]));
    let none = on(&dims(&[2, 3]), &[], &|x| rearrange("b c ... -> c ... b", x));
    assert_eq!(none, Ok(vec![Step::Permute(vec![1, 0])]));
    let pooled = on(&x.dims(), &[], &|x| reduce("b c ... -> b c", Reduction::Mean, x));
    assert_eq!(pooled, Ok(vec![Step::Reduce { op: Reduction::Mean, axes: vec![2, 3], keepdims: false }]));
}

#[test]
fn sizes_may_stay_symbolic() {
    let plan = on(&symbols("B 12 H W"), &[("s", 4)], &|x| rearrange("b (s c) h w -> b s c h w", x));
    assert_eq!(plan, Ok(vec![Step::Reshape(symbols("B 4 3 H W"))]));
    let joined = on(&symbols("B C H W"), &[], &|x| rearrange("b c h w -> b (h w) c", x)).unwrap();
    let area = &Dim::symbol("H") * &Dim::symbol("W");
    assert_eq!(joined[1], Step::Reshape(vec![Dim::symbol("B"), area, Dim::symbol("C")]));
}

#[test]
fn facts_make_a_symbolic_axis_divisible() {
    let shape = symbols("B H");
    let mut facts = Facts::default();
    let split = |facts: &Facts| {
        rearrange("b (h p) -> b h p", &Operand { shape: &shape, sizes: &sizes(&[("p", 8)]), facts })
    };
    assert!(split(&facts).is_err());
    facts.assume_multiple("H", 32);
    let eighth = Dim::symbol("H").floor_div(&Dim::from(8i64), &facts).unwrap();
    let expected = vec![Dim::symbol("B"), eighth, Dim::from(8i64)];
    assert_eq!(split(&facts), Ok(vec![Step::Reshape(expected)]));
}

#[test]
fn sizes_may_be_given_as_symbols() {
    let given = vec![("b".to_string(), Dim::symbol("B"))];
    let operand = Operand { shape: &dims(&[3]), sizes: &given, facts: &Facts::default() };
    assert_eq!(repeat("c -> b c", &operand), Ok(vec![Step::Broadcast(symbols("B 3"))]));
}

#[test]
fn reductions_have_names() {
    assert_eq!(Reduction::from_name("mean"), Some(Reduction::Mean));
    assert_eq!(Reduction::from_name("median"), None);
}
