//! Simplification: what equals something cheaper is replaced by it.
//!
//! ```text
//! %1 = full(1)                           %1 = sum(%0) axes=[1]
//! %2 = mul(%0, %1)                ->
//! %3 = sum(%2) axes=[1] keepdims
//! %4 = reshape(%3)
//! ```
//!
//! Legal because each rule is an equation, with the conditions under which it holds; they are grouped by theme in the files beside this
//! one. A rule is exact when both sides have the same bits, up to the sign of zero and which NaN it is; every other rule equals in exact
//! arithmetic and is left out when exact results are asked for. The type of what replaces a value is always the value's own.
//!
//! Declines for graphs that still have gradients, and for what looks like a rule but is none: `x * 0 = 0`, `x - x = 0`, `x / x = 1` and
//! `x == x` do not hold for infinities and NaN, `where(m, a, 0) * b = where(m, a * b, 0)` does not hold where `b` is one of them, and
//! `log(exp(x)) = x` and `sqrt(x) * sqrt(x) = x` do not hold where the inner function overflows or has no value. Random ops stay.
//! Constants are folded on the way, see [`crate::fold`].

mod arithmetic;
mod functions;
mod masks;
mod matmul;
mod products;
mod reduce;
mod reshape;
mod scale;
mod slices;
mod stretch;

use vspec_ir::Graph;

use crate::fold;
use crate::pass::{Context, Error, Pass};
use crate::rewrite::{Rule, rewrite};
pub(crate) use stretch::ELEMENTWISE;

/// The pass.
pub static PASS: Pass =
    Pass { name: "simplify", summary: "replaces values by cheaper ones that are equal to them", run };

/// Its rules, theme by theme; of several that fit a node, the first one counts.
pub static RULES: &[&[Rule]] = &[
    arithmetic::RULES,
    masks::RULES,
    functions::RULES,
    reshape::RULES,
    stretch::RULES,
    slices::RULES,
    reduce::RULES,
    products::RULES,
    matmul::RULES,
    scale::RULES,
];

fn run(graph: &Graph, cx: &mut Context) -> Result<Graph, Error> {
    let all: Vec<&'static [Rule]> = [fold::RULES].into_iter().chain(RULES.iter().copied()).collect();
    rewrite(graph, cx, &all)
}
