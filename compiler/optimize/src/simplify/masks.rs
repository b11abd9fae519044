//! Masks, comparisons and choices.

use vspec_ir::{DType, Node, NodeId, Op};

use crate::pass::Numerics::Exact;
use crate::rewrite::{Rule, Scope, Term};

pub(super) static RULES: &[Rule] = &[
    Rule {
        name: "where-constant",
        algebra: "where(true, a, b) = a, where(false, a, b) = b",
        when: "",
        on: &["where"],
        numerics: Exact,
        rewrite: where_constant,
    },
    Rule {
        name: "where-same",
        algebra: "where(m, a, a) = a",
        when: "",
        on: &["where"],
        numerics: Exact,
        rewrite: |s, n| (n.inputs[1] == n.inputs[2]).then(|| s.stretched(n.inputs[1], &n.ty)),
    },
    Rule {
        name: "where-not",
        algebra: "where(not m, a, b) = where(m, b, a)",
        when: "",
        on: &["where"],
        numerics: Exact,
        rewrite: |s, n| {
            let mask = s.operand_of(n.inputs[0], &Op::Not {})?;
            Some(choice(mask.into(), n.inputs[2], n.inputs[1]))
        },
    },
    Rule {
        name: "where-where",
        algebra: "where(m, where(m, a, b), c) = where(m, a, c), where(m, a, where(m, b, c)) = where(m, a, c)",
        when: "",
        on: &["where"],
        numerics: Exact,
        rewrite: where_where,
    },
    Rule {
        name: "not-not",
        algebra: "not not m = m",
        when: "",
        on: &["not"],
        numerics: Exact,
        rewrite: |s, n| Some(s.operand_of(n.inputs[0], &Op::Not {})?.into()),
    },
    Rule {
        name: "not-compared",
        algebra: "not (a < b) = b <= a, not (a <= b) = b < a",
        when: "integers: of a NaN neither holds",
        on: &["not"],
        numerics: Exact,
        rewrite: not_compared,
    },
    Rule {
        name: "and-or-constant",
        algebra: "m and true = m, m and false = false, m or false = m, m or true = true",
        when: "",
        on: &["and", "or"],
        numerics: Exact,
        rewrite: and_or_constant,
    },
    Rule {
        name: "and-or-same",
        algebra: "m and m = m, m or m = m",
        when: "",
        on: &["and", "or"],
        numerics: Exact,
        rewrite: |_, n| Some(n.inputs[0].into()).filter(|_| n.inputs[0] == n.inputs[1]),
    },
    Rule {
        name: "compared-itself",
        algebra: "x == x is true, x <= x is true",
        when: "integers and masks: NaN is not equal to itself",
        on: &["eq", "le"],
        numerics: Exact,
        rewrite: compared_itself,
    },
    Rule {
        name: "less-itself",
        algebra: "x < x is false",
        when: "",
        on: &["lt"],
        numerics: Exact,
        rewrite: |_, n| (n.inputs[0] == n.inputs[1]).then(|| Term::full(0.0, &n.ty)),
    },
];

fn choice(mask: Term, a: NodeId, b: NodeId) -> Term {
    Term::Of(Op::Where {}, vec![mask, a.into(), b.into()])
}

fn where_constant(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let chosen = if s.uniform(n.inputs[0])? != 0.0 { n.inputs[1] } else { n.inputs[2] };
    Some(s.stretched(chosen, &n.ty))
}

fn where_where(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let [mask, a, b] = *n.inputs.as_slice() else { return None };
    let inner =
        |id: NodeId| Some(&s.node(id).inputs).filter(|x| s.node(id).op == Op::Where {} && x[0] == mask);
    match (inner(a), inner(b)) {
        (Some(a), _) => Some(choice(mask.into(), a[1], b)),
        (None, Some(b)) => Some(choice(mask.into(), a, b[2])),
        (None, None) => None,
    }
}

fn not_compared(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let x = s.node(n.inputs[0]);
    let opposite = match x.op {
        Op::Lt {} => Op::Le {},
        Op::Le {} => Op::Lt {},
        _ => return None,
    };
    let [a, b] = *x.inputs.as_slice() else { return None };
    (s.ty(a).dtype == DType::I32).then(|| Term::binary(opposite, b, a))
}

fn and_or_constant(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let (x, c) = s.with_constant(n)?;
    // True decides a disjunction, false a conjunction.
    let decides = (n.op == Op::Or {}) == (c != 0.0);
    Some(if decides { Term::full(c, &n.ty) } else { s.stretched(x, &n.ty) })
}

fn compared_itself(s: &Scope<'_>, n: &Node) -> Option<Term> {
    let same = n.inputs[0] == n.inputs[1] && s.ty(n.inputs[0]).dtype != DType::F32;
    same.then(|| Term::full(1.0, &n.ty))
}
