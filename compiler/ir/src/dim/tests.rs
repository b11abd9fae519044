use super::*;

fn s(name: &str) -> Dim {
    Dim::symbol(name)
}

fn c(value: i64) -> Dim {
    Dim::from(value)
}

/// Output size of a window: `(H + pad - extent) // stride + 1`.
fn window(h: &Dim, pad: i64, extent: i64, stride: i64) -> Dim {
    let facts = Facts::default();
    &(h + &c(pad - extent)).floor_div(&c(stride), &facts).expect("positive stride") + &c(1)
}

#[test]
fn order_of_terms_does_not_matter() {
    assert_eq!(&(&s("B") * &s("H")) + &c(1), &c(1) + &(&s("H") * &s("B")));
    assert_eq!((&(&s("H") * &s("W")) - &(&s("W") * &s("H"))).as_const(), Some(0));
}

#[test]
fn strided_windows_collapse_into_one_division() {
    let once = window(&s("H"), 2, 3, 2);
    assert_eq!(once.to_string(), "(H + 1)//2");
    assert_eq!(window(&once, 2, 3, 2).to_string(), "(H + 3)//4");
}

#[test]
fn facts_make_divisions_exact() {
    let mut facts = Facts::default();
    facts.assume_multiple("H", 32);
    let half = (&s("H") + &c(1)).floor_div(&c(2), &facts).expect("positive divisor");
    assert_eq!(half.to_string(), "H//2");
    assert_eq!(s("H").exact_div(&c(8), &facts).expect("multiple of 32").to_string(), "H//8");
    assert!(matches!(s("W").exact_div(&c(8), &facts), Err(DimError::NotExact(..))));
}

#[test]
fn products_divide_by_their_factors() {
    let n = &(&s("B") * &s("C")) * &c(4);
    let facts = Facts::default();
    assert_eq!(n.exact_div(&s("C"), &facts).expect("a factor"), &s("B") * &c(4));
    assert_eq!(n.exact_div(&c(2), &facts).expect("a factor"), &(&s("B") * &s("C")) * &c(2));
}

#[test]
fn different_polynomials_are_told_apart_when_they_never_agree() {
    assert_eq!(s("H").compare(&(&s("H") + &c(1))), Some(false));
    assert_eq!(s("H").compare(&s("W")), None);
    assert_eq!(c(3).compare(&c(4)), Some(false));
    assert_eq!((&s("H") + &s("W")).compare(&s("H")), Some(false));
}

#[test]
fn values_and_substitution_agree() {
    let d = window(&window(&s("H"), 2, 3, 2), 2, 3, 2);
    for h in 1..200 {
        let expect = ((h + 1) / 2 + 1) / 2;
        assert_eq!(d.eval(&|_| Some(h)).expect("bound"), expect);
        let substituted = d.substitute(&|_| Some(c(h)), &Facts::default()).expect("small");
        assert_eq!(substituted.as_const(), Some(expect));
    }
}

#[test]
fn remainders_are_recognised() {
    let remainder = s("H").rem(&c(32), &Facts::default()).expect("positive divisor");
    assert_eq!(remainder.as_remainder(), Some((s("H"), c(32))));
    assert_eq!((&s("H") - &c(3)).as_remainder(), None);
}

#[test]
fn overflow_is_an_error() {
    assert_eq!(c(i64::MAX).checked_add(&c(1)), Err(DimError::TooLarge));
    assert_eq!(c(1).floor_div(&c(0), &Facts::default()), Err(DimError::DivideByZero));
}

#[test]
fn common_factors_are_cancelled_before_windows_collapse() {
    let facts = Facts::default();
    let third = s("H").floor_div(&c(3), &facts).expect("positive divisor");
    let doubled = &third * &c(2);
    assert_eq!(doubled.floor_div(&c(4), &facts).expect("positive divisor").to_string(), "H//6");
    let odd = &(&s("H") * &c(2)) + &c(3);
    assert_eq!(odd.floor_div(&c(4), &facts).expect("positive divisor").to_string(), "(H + 1)//2");
}

#[test]
fn extreme_divisors_and_facts_do_not_overflow() {
    let mut facts = Facts::default();
    facts.assume_multiple("H", i64::MAX);
    facts.assume_multiple("H", i64::MAX - 1);
    facts.assume_multiple("W", 0);
    assert_eq!(facts.divisor("H"), i64::MAX);
    assert_eq!(facts.divisor("W"), 1);
    assert!((&s("H") * &s("H")).is_multiple_of(&c(i64::MAX), &facts));
    assert!(!(&s("H") * &c(3)).is_multiple_of(&c(i64::MAX - 1), &facts));
    assert_eq!((&s("H") * &c(2)).floor_div(&c(-1), &facts), Ok(&s("H") * &c(-2)));
    assert_eq!(s("H").checked_add(&c(i64::MIN)), Err(DimError::TooLarge));
}

#[test]
fn growth_is_bounded() {
    let facts = Facts::default();
    let square = |d: &Dim| d.checked_mul(d);
    let grown = (0..40).try_fold(s("H"), |d, _| square(&d));
    assert_eq!(grown, Err(DimError::TooLarge));
    let nest = |d: &Dim| d.checked_mul(&s("W"))?.checked_add(d)?.floor_div(&c(2), &facts);
    let nested = (0..100_000).try_fold(s("H"), |d, _| nest(&d));
    assert_eq!(nested, Err(DimError::TooLarge));
}

#[test]
fn a_quotient_after_a_leading_minus_is_in_brackets() {
    let half = s("H").floor_div(&c(2), &Facts::default()).expect("positive divisor");
    assert_eq!((&c(0) - &half).to_string(), "-(H//2)");
    assert_eq!((&s("W") - &half).to_string(), "W - H//2");
}

mod laws {
    use proptest::prelude::*;

    use super::*;
    use crate::arbitrary::dims;
    use crate::text::parse_dim;

    /// The value when `B`, `H` and `W` have these values.
    fn value(d: &Dim, [b, h, w]: [i64; 3]) -> Option<i64> {
        let lookup = |name: &str| match name {
            "B" => Some(b),
            "H" => Some(h),
            _ => Some(w),
        };
        d.eval(&lookup).ok()
    }

    /// Sizes that `B`, `H` and `W` are bound to; `H` is a multiple of 4.
    fn sizes() -> impl Strategy<Value = [i64; 3]> {
        (1i64..20, 1i64..20, 1i64..20).prop_map(|(b, h, w)| [b, 4 * h, w])
    }

    fn known() -> Facts {
        let mut facts = Facts::default();
        facts.assume_multiple("H", 4);
        facts
    }

    proptest! {
        #[test]
        fn arithmetic_on_dims_is_arithmetic_on_their_values(a in dims(), b in dims(), at in sizes()) {
            let (Some(x), Some(y)) = (value(&a, at), value(&b, at)) else { return Ok(()) };
            let check = |dim: Result<Dim, DimError>, number: Option<i64>| {
                let found = dim.ok().and_then(|d| value(&d, at));
                found.is_none() || number.is_none() || found == number
            };
            prop_assert!(check(a.checked_add(&b), x.checked_add(y)));
            prop_assert!(check(a.checked_sub(&b), x.checked_sub(y)));
            prop_assert!(check(a.checked_mul(&b), x.checked_mul(y)));
            let quotient = floor_div(x, y);
            prop_assert!(check(a.floor_div(&b, &known()), quotient));
            prop_assert!(check(a.rem(&b, &known()), quotient.map(|q| x - q * y)));
            if let Ok(exact) = a.exact_div(&b, &known()) && let Some(exact) = value(&exact, at) && y != 0 {
                prop_assert_eq!(exact * y, x);
            }
        }

        #[test]
        fn what_is_decided_holds_for_all_values(a in dims(), b in dims(), at in sizes()) {
            let (Some(x), Some(y)) = (value(&a, at), value(&b, at)) else { return Ok(()) };
            prop_assert!(a.compare(&b).is_none_or(|equal| equal == (x == y)));
            prop_assert!(a.at_most(&b).is_none_or(|less| less == (x <= y)));
            prop_assert!(!a.is_multiple_of(&b, &known()) || y == 0 || x % y == 0);
            let (low, high) = a.range();
            prop_assert!(low.is_none_or(|l| l <= x) && high.is_none_or(|h| x <= h));
        }

        #[test]
        fn substitution_commutes_with_evaluation(a in dims(), b in dims(), at in sizes()) {
            let lookup = |name: &str| (name == "W").then(|| b.clone());
            let Some(w) = value(&b, at) else { return Ok(()) };
            if let Ok(substituted) = a.substitute(&lookup, &known()) {
                let (found, expected) = (value(&substituted, at), value(&a, [at[0], at[1], w]));
                prop_assert!(found.is_none() || expected.is_none() || found == expected);
            }
        }

        #[test]
        fn what_is_written_reads_back(a in dims()) {
            prop_assert_eq!(parse_dim(&a.to_string()), Ok(a));
        }

        #[test]
        fn what_facts_simplified_reads_back_without_them(a in dims(), b in 1i64..12) {
            if let Ok(quotient) = a.substitute(&|_| None, &known()).and_then(|a| a.floor_div(&c(b), &known())) {
                prop_assert_eq!(parse_dim(&quotient.to_string()), Ok(quotient));
            }
        }
    }
}
