//! `einsum` against loops, and what its plans consist of.

use std::collections::BTreeMap;

use super::arrays::{Array, run_einsum, unravel};
use super::*;

/// The product by a loop over all indices; names are single words, units are `1`.
fn by_loops(pattern: &str, operands: &[Array]) -> Array {
    let (left, right) = pattern.split_once("->").unwrap();
    let words = |side: &str| -> Vec<String> { side.split_whitespace().map(str::to_string).collect() };
    let terms: Vec<Vec<String>> = left.split(',').map(words).collect();
    let right = words(right);
    let mut size: BTreeMap<&String, usize> = BTreeMap::new();
    for (term, operand) in terms.iter().zip(operands) {
        size.extend(term.iter().zip(operand.shape.iter().copied()));
    }
    let names: Vec<&String> = size.keys().copied().collect();
    let extents: Vec<usize> = names.iter().map(|n| size[*n]).collect();
    let shape: Vec<usize> = right.iter().map(|n| size.get(n).copied().unwrap_or(1)).collect();
    let mut result = Array::from_fn(&shape, |_| 0.0);
    for at in 0..extents.iter().product() {
        let index: BTreeMap<&String, usize> = names.iter().copied().zip(unravel(at, &extents)).collect();
        let place =
            |term: &[String]| -> Vec<usize> { term.iter().map(|n| *index.get(n).unwrap_or(&0)).collect() };
        let product: f64 = terms.iter().zip(operands).map(|(t, x)| x.at(&place(t))).product();
        let to = place(&right).iter().zip(&shape).fold(0, |at, (i, n)| at * n + i);
        result.values[to] += product;
    }
    result
}

fn plan(pattern: &str, shapes: &[&[i64]]) -> Result<EinsumPlan, PatternError> {
    let shapes: Vec<Vec<Dim>> = shapes.iter().map(|s| dims(s)).collect();
    einsum(pattern, &shapes.iter().map(Vec::as_slice).collect::<Vec<_>>())
}

/// What a plan does, one letter a step: Reshape, Permute, Sum, Matmul, Elementwise product.
fn letters(plan: &EinsumPlan) -> String {
    let letter = |step: &EinsumStep| match step {
        EinsumStep::Apply(_, Step::Reshape(_)) => 'R',
        EinsumStep::Apply(_, Step::Permute(_)) => 'P',
        EinsumStep::Apply(_, Step::Reduce { op: Reduction::Sum, .. }) => 'S',
        EinsumStep::Apply(..) => '?',
        EinsumStep::Matmul(..) => 'M',
        EinsumStep::Mul(..) => 'E',
    };
    plan.steps.iter().map(letter).collect()
}

/// Compares with loops; returns the kinds of steps.
fn agrees(pattern: &str, shapes: &[&[i64]]) -> String {
    let plan = plan(pattern, shapes).unwrap_or_else(|e| panic!("`{pattern}`: {e:?}"));
    let operand = |(start, shape): (i64, &&[i64])| {
        Array::counting(&shape.iter().map(|n| *n as usize).collect::<Vec<_>>(), start)
    };
    let operands: Vec<Array> = (1..).zip(shapes).map(operand).collect();
    assert_eq!(run_einsum(&plan, &operands), by_loops(pattern, &operands), "`{pattern}` by {plan:?}");
    letters(&plan)
}

#[test]
fn contractions_are_matrix_products() {
    assert_eq!(agrees("i k, k j -> i j", &[&[2, 3], &[3, 4]]), "M");
    assert_eq!(agrees("i k, k j -> j i", &[&[2, 3], &[3, 4]]), "MP");
    assert_eq!(agrees("b i d, b j d -> b i j", &[&[2, 3, 4], &[2, 5, 4]]), "PM");
    assert_eq!(agrees("b i d, b j d -> b j i", &[&[2, 3, 4], &[2, 5, 4]]), "PM");
    assert_eq!(agrees("b h i d, b h j d -> b h i j", &[&[2, 2, 3, 4], &[2, 2, 5, 4]]), "PM");
    assert_eq!(agrees("b i c d, j c d -> b i j", &[&[2, 3, 2, 4], &[5, 2, 4]]), "RPRMR");
    assert_eq!(agrees("i j k, k j l -> i l", &[&[2, 3, 4], &[4, 3, 5]]).matches('M').count(), 1);
    assert_eq!(agrees("b c x, o c -> b o x", &[&[2, 3, 4], &[5, 3]]).matches('M').count(), 1);
}

#[test]
fn a_matrix_times_a_vector_is_a_matrix_product() {
    assert_eq!(agrees("i k, k -> i", &[&[2, 3], &[3]]), "RMR");
    assert_eq!(agrees("k, k i -> i", &[&[3], &[3, 2]]), "RMR");
}

#[test]
fn products_without_free_indices_are_elementwise() {
    assert_eq!(agrees("i, i -> ", &[&[3], &[3]]), "ES");
    assert_eq!(agrees("b d, b d -> b", &[&[2, 3], &[2, 3]]), "ES");
    assert_eq!(agrees("i, j -> i j", &[&[2], &[3]]), "RE");
    assert_eq!(agrees("i, j -> j i", &[&[2], &[3]]), "RE");
    assert_eq!(agrees("b c h, b c -> b c h", &[&[2, 3, 4], &[2, 3]]), "RE");
    assert_eq!(agrees("b i d, b i d -> d i b", &[&[2, 3, 4], &[2, 3, 4]]), "EP");
}

#[test]
fn one_operand_is_summed_and_permuted() {
    assert_eq!(agrees("i j -> i j", &[&[2, 3]]), "");
    assert_eq!(agrees("i j -> j i", &[&[2, 3]]), "P");
    assert_eq!(agrees("i j k -> k i", &[&[2, 3, 4]]), "SP");
    assert_eq!(agrees("i j -> ", &[&[2, 3]]), "S");
}

#[test]
fn indices_of_one_operand_alone_are_summed_first() {
    assert_eq!(agrees("i k z, k j -> i j", &[&[2, 3, 2], &[3, 4]]), "SM");
    assert_eq!(agrees("i z, j y -> i j", &[&[2, 3], &[3, 4]]).matches('S').count(), 2);
}

#[test]
fn several_operands_are_contracted_from_left_to_right() {
    assert_eq!(agrees("i j, j k, k l -> i l", &[&[2, 3], &[3, 4], &[4, 2]]), "MM");
    agrees("b i, b j, b k -> b i j k", &[&[2, 3], &[2, 2], &[2, 4]]);
    agrees("i, i j, j, k -> k", &[&[2], &[2, 3], &[3], &[2]]);
    agrees("a b c, c d, d a e, e f -> f b", &[&[2, 3, 2], &[2, 3], &[3, 2, 2], &[2, 3]]);
}

#[test]
fn axes_of_size_one_are_written_as_one() {
    agrees("b 1 d, b j d -> b j 1", &[&[2, 1, 3], &[2, 4, 3]]);
    agrees("i j, j k -> i k", &[&[1, 3], &[3, 1]]);
    agrees("i j, j k -> i k", &[&[2, 1], &[1, 3]]);
}

#[test]
fn packed_patterns_have_one_letter_an_axis() {
    let packed = plan("bid,bjd->bij", &[&[2, 3, 4], &[2, 5, 4]]).unwrap();
    assert_eq!(packed, plan("b i d, b j d -> b i j", &[&[2, 3, 4], &[2, 5, 4]]).unwrap());
    assert_eq!(plan("bid, bjd -> bij", &[&[2, 3, 4], &[2, 5, 4]]).unwrap(), packed);
    assert_eq!(letters(&plan("i,j->ij", &[&[2], &[3]]).unwrap()), "RE");
    assert_eq!(plan("ij->", &[&[2, 3]]).unwrap().steps.len(), 1);
}

#[test]
fn words_for_the_axes_of_vectors_are_not_taken_apart() {
    assert_eq!(letters(&plan("batch, batch -> batch", &[&[3], &[3]]).unwrap()), "E");
}

#[test]
fn an_ellipsis_repeats_axes_of_size_one() {
    let a = Array::counting(&[2, 1, 2, 3], 1);
    let b = Array::counting(&[5, 3, 4], 2);
    for pattern in ["... i k, ... k j -> ... i j", "...ik,...kj->...ij"] {
        let plan = einsum(pattern, &[&a.dims(), &b.dims()]).unwrap();
        assert!(letters(&plan).contains('M'));
        let expected = Array::from_fn(&[2, 5, 2, 4], |i| {
            (0..3).map(|k| a.at(&[i[0], 0, i[2], k]) * b.at(&[i[1], k, i[3]])).sum()
        });
        assert_eq!(run_einsum(&plan, &[a.clone(), b.clone()]), expected);
    }
}

#[test]
fn leading_axes_of_one_operand_join_the_rows() {
    let plan = einsum("... i, i j -> ... j", &[&symbols("B T 8"), &symbols("8 4")]).unwrap();
    assert_eq!(letters(&plan), "RMR");
    assert_eq!(plan.steps.last(), Some(&EinsumStep::Apply(3, Step::Reshape(symbols("B T 4")))));
}

#[test]
fn sizes_that_cannot_be_compared_yet_are_required_to_agree() {
    let plan = einsum("b i, b i -> b", &[&symbols("B N"), &symbols("B M")]).unwrap();
    assert_eq!(plan.requires, [(Dim::symbol("N"), Dim::symbol("M"))]);
}
