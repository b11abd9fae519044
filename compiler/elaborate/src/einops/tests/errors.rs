//! What is said about a wrong pattern, and where.

use super::*;

/// Text under the error, message, hint.
fn told(pattern: &str, error: PatternError) -> [String; 3] {
    [pattern[error.range.clone()].to_string(), error.message, error.hint.unwrap_or_default()]
}

fn rearrange_error(pattern: &str, shape: &str, pairs: &[(&str, i64)]) -> [String; 3] {
    told(pattern, on(&symbols(shape), pairs, &|x| rearrange(pattern, x)).unwrap_err())
}

fn einsum_error(pattern: &str, shapes: &[&str]) -> [String; 3] {
    let shapes: Vec<Vec<Dim>> = shapes.iter().map(|s| symbols(s)).collect();
    told(pattern, einsum(pattern, &shapes.iter().map(Vec::as_slice).collect::<Vec<_>>()).unwrap_err())
}

#[test]
fn an_axis_that_does_not_divide() {
    assert_eq!(
        rearrange_error("b (s c) h -> b s c h", "B 10 H", &[("s", 4)]),
        ["(s c)", "axis 1 of the input, 10, is not a multiple of 4, so it cannot be split", ""]
    );
    assert_eq!(
        rearrange_error("b (h p) -> b h p", "B H", &[("p", 8)]),
        [
            "(h p)",
            "axis 1 of the input, H, is not known to be a multiple of 8, so it cannot be split",
            "say so with `require H % 8 == 0`"
        ]
    );
    assert_eq!(
        rearrange_error("(a b) -> a b", "0", &[("a", 0)])[1],
        "the size of `a` is 0, but has to be positive"
    );
}

#[test]
fn a_group_with_open_or_wrong_sizes() {
    assert_eq!(
        rearrange_error("b (s c) -> b s c", "B 12", &[]),
        [
            "(s c)",
            "axis 1 of the input, 12, cannot be split: the sizes of `s` and `c` are open",
            "give one of them as an argument: `s = 4`"
        ]
    );
    assert_eq!(
        rearrange_error("(s c) -> s c", "12", &[("s", 5), ("c", 2)]),
        ["(s c)", "the sizes of this group make 10, but axis 0 of the input is 12", ""]
    );
}

#[test]
fn an_axis_of_another_size() {
    assert_eq!(
        rearrange_error("b 1 -> b", "2 3", &[]),
        ["1", "`1` stands for an axis of size 1, but axis 1 of the input is 3", ""]
    );
    assert_eq!(
        rearrange_error("b c -> c b", "2 3", &[("c", 4)]),
        ["c", "`c` is 4, but axis 1 of the input is 3", ""]
    );
    assert_eq!(
        rearrange_error("b c -> c b", "2 C", &[("c", 4)])[1],
        "`c` is 4, and whether axis 1 of the input, C, is that is not known"
    );
}

#[test]
fn another_number_of_axes() {
    assert_eq!(
        rearrange_error(" b c h w -> b c", "B 3 H", &[]),
        ["b c h w", "the left side describes 4 axes, but the input has 3: [B, 3, H]", ""]
    );
    assert_eq!(
        rearrange_error("a b ... -> a b ...", "3", &[])[1],
        "the left side describes at least 2 axes, but the input has 1: [3]"
    );
}

#[test]
fn names_on_one_side_only() {
    assert_eq!(
        rearrange_error("batch c -> c bacth", "2 3", &[]),
        ["batch", "axis `batch` is on the left side only", "did you mean `bacth`?"]
    );
    assert_eq!(
        rearrange_error("b c h -> b c", "2 3 4", &[]),
        ["h", "axis `h` is on the left side only", "an axis goes away with `reduce`, which says how"]
    );
    assert_eq!(
        rearrange_error("b c -> b c h", "2 3", &[]),
        ["h", "axis `h` is on the right side only", "a new axis comes from `repeat`, with its size: `h = 8`"]
    );
    assert_eq!(rearrange_error("b ... -> b", "2 3", &[])[..2], ["...", "`...` is on the left side only"]);
    assert_eq!(rearrange_error("b -> b ...", "2", &[])[..2], ["...", "`...` is on the right side only"]);
}

#[test]
fn a_new_axis_without_a_size() {
    let error = on(&symbols("3"), &[], &|x| repeat("c -> b c", x)).unwrap_err();
    let hint = "give it as an argument: `b = 8`";
    assert_eq!(told("c -> b c", error), ["b", "the new axis `b` has no size", hint]);
}

#[test]
fn an_argument_that_names_no_axis() {
    assert_eq!(
        rearrange_error("b (split c) -> b split c", "2 12", &[("spilt", 4)])[1..],
        ["the pattern has no axis `spilt`", "did you mean `split`?"]
    );
}

#[test]
fn text_that_is_no_pattern() {
    assert_eq!(rearrange_error("b c", "2 3", &[])[1], "the pattern has no `->`");
    assert_eq!(rearrange_error("b -> b -> b", "2", &[])[..2], ["->", "the pattern has a second `->`"]);
    assert_eq!(rearrange_error("(b c -> b", "2", &[])[..2], ["(", "`(` is not closed"]);
    assert_eq!(rearrange_error("b) -> b", "2", &[])[..2], [")", "`)` closes no group"]);
    assert_eq!(rearrange_error("(b (c)) -> b", "2", &[])[..2], ["(", "a group cannot hold another group"]);
    assert_eq!(rearrange_error("b é -> b", "2", &[])[..2], ["é", "`é` has no meaning in a pattern"]);
    assert_eq!(rearrange_error("b .. -> b", "2", &[])[2], "three dots, `...`, stand for any number of axes");
    assert_eq!(rearrange_error("b b -> b", "2 2", &[])[..2], ["b", "`b` stands twice on one side"]);
    assert_eq!(
        rearrange_error("b 3 -> b", "2 3", &[]),
        [
            "3",
            "`3` is no axis; the only number in a pattern is `1`",
            "name the axis and give its size as an argument: `s = 4`"
        ]
    );
    assert_eq!(
        rearrange_error("(b ...) -> b ...", "2", &[])[..2],
        ["...", "`...` stands in a group on the left side"]
    );
}

#[test]
fn einsum_names_operands_and_axes() {
    assert_eq!(
        einsum_error("b i d, b j d -> b i j", &["B 8 16", "B 8 32"]),
        ["d", "`d` is 16 in operand 0 (axis 2), but 32 in operand 1 (axis 2)", ""]
    );
    assert_eq!(
        einsum_error("b d, d -> b", &["B 8", "1"])[2],
        "write `1` for the axis of size 1; it repeats along the other"
    );
    assert_eq!(
        einsum_error("b i, b i -> b out", &["2 3", "2 3"])[..2],
        ["out", "axis `out` of the result is in no operand"]
    );
    assert_eq!(einsum_error("batch i -> bacth", &["2 3"])[2], "did you mean `batch`?");
    assert_eq!(
        einsum_error("b i, j -> b", &["2 3 4", "5"])[..2],
        ["b i", "operand 0 is described with 2 axes, but has 3: [2, 3, 4]"]
    );
}

#[test]
fn einsum_refuses_diagonals_groups_and_lost_ellipses() {
    assert_eq!(
        einsum_error("i i -> i", &["3 3"]),
        ["i", "`i` stands twice on one side", "`einsum` takes no diagonals"]
    );
    assert_eq!(
        einsum_error("hidden->h", &["2 3 4"])[2],
        "`einsum` takes no diagonals; names of several letters need spaces between them"
    );
    assert_eq!(einsum_error("(a b) c -> c", &["4 2"])[..2], ["(a b)", "`einsum` has no groups"]);
    assert_eq!(
        einsum_error("... i -> i", &["4 2"])[..2],
        ["i", "the result leaves out the `...` of an operand"]
    );
    assert_eq!(einsum_error("i -> ... i", &["4"])[1], "the result has `...`, but no operand has");
    assert_eq!(
        einsum_error("i, j -> i", &["4"])[..2],
        ["i, j", "the pattern describes 2 operands, but 1 are given"]
    );
}
