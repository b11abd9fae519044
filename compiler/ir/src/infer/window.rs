//! Convolution and pooling over 1 to 4 spatial axes.

use std::fmt::Display;

use super::{Checks, Relation, Violation};
use crate::{DType, Dim, Op, Type};

/// One spatial axis of a window.
struct Axis<'a> {
    size: &'a Dim,
    extent: Dim,
    stride: i64,
    padding: [i64; 2],
}

pub(crate) fn conv(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::Conv { stride, padding, dilation, groups } = op else { return Ok(operands[0].clone()) };
    let (x, weight) = (&operands[0], &operands[1]);
    if !(3..=6).contains(&x.rank()) || weight.rank() != x.rank() {
        let detail = format!("cannot convolve {x} with {weight}");
        return Err(checks.violation(1, detail).at(0, None).at(1, None));
    }
    let spatial = x.rank() - 2;
    check_kernel(checks, weight)?;
    check_window(checks, spatial, &[("stride", stride), ("dilation", dilation)], padding)?;
    check_channels(checks, x, weight, *groups)?;
    let mut shape = vec![x.shape[0].clone(), weight.shape[0].clone()];
    for i in 0..spatial {
        let extent = dilated(checks, &weight.shape[i + 2], dilation[i])?;
        let axis = Axis { size: &x.shape[i + 2], extent, stride: stride[i], padding: padding[i] };
        shape.push(window_count(checks, 5, i + 2, &axis)?);
    }
    Ok(Type::new(x.dtype, shape))
}

/// No axis of a kernel is empty.
fn check_kernel(checks: &mut Checks<'_>, weight: &Type) -> Result<(), Violation> {
    let one = Dim::from(1i64);
    let spatial = weight.shape.iter().enumerate().skip(2);
    match spatial.into_iter().find(|(_, size)| !checks.holds(Relation::AtMost, &one, size)) {
        Some((axis, size)) => Err(checks.violation(5, too_small("kernel", size)).at(1, axis)),
        None => Ok(()),
    }
}

fn too_small(name: &str, found: impl Display) -> String {
    format!("`{name}` is {found}, and has to be at least 1")
}

fn check_channels(checks: &mut Checks<'_>, x: &Type, weight: &Type, groups: i64) -> Result<(), Violation> {
    let g = Dim::from(groups);
    if groups < 1
        || !checks.holds(Relation::MultipleOf, &x.shape[1], &g)
        || !checks.holds(Relation::MultipleOf, &weight.shape[0], &g)
    {
        let detail = format!("{groups} groups cannot split {} into {} channels", x.shape[1], weight.shape[0]);
        return Err(checks.violation(3, detail).at(0, 1).at(1, 0));
    }
    let expected = checks.dim(4, weight.shape[1].checked_mul(&g))?;
    if !checks.equal(&x.shape[1], &expected) {
        let detail = format!("input has {} channels, weight expects {expected}", x.shape[1]);
        return Err(checks.violation(4, detail).at(0, 1).at(1, 1));
    }
    Ok(())
}

/// The shape that a convolution of `x` with `weight` has, for its transposes; their own constraints say what is wrong.
fn forward(checks: &mut Checks<'_>, op: Op, x: &Type, weight: &Type, y: &Type) -> Result<(), Violation> {
    let found = conv(&op, &[x.clone(), weight.clone()], checks);
    // Attributes and groups are the same constraints there.
    let number = |c: usize| if matches!(c, 2 | 3) { c } else { 4 };
    let found = found.map_err(|v| checks.violation(number(v.constraint), v.detail))?;
    let same = found.rank() == y.rank() && found.shape.iter().zip(&y.shape).all(|(a, b)| checks.equal(a, b));
    match same {
        true => Ok(()),
        false => {
            Err(checks.violation(4, format!("a convolution of {x} with {weight} gives {found}, not {y}")))
        }
    }
}

/// Both operands of a transpose have one rank of 3 to 6, and it has sizes for all spatial axes.
fn check_transpose(checks: &Checks<'_>, [a, b]: [&Type; 2], sizes: usize) -> Result<(), Violation> {
    if !(3..=6).contains(&a.rank()) || a.rank() != b.rank() {
        return Err(checks
            .violation(1, format!("cannot transpose a convolution of {a} and {b}"))
            .at(0, None));
    }
    match sizes == a.rank() - 2 {
        true => Ok(()),
        false => Err(checks.violation(2, format!("there must be {} sizes", a.rank() - 2))),
    }
}

pub(crate) fn conv_input(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::ConvInput { stride, padding, dilation, groups, size } = op else {
        return Ok(operands[0].clone());
    };
    let (y, weight) = (&operands[0], &operands[1]);
    check_transpose(checks, [y, weight], size.len())?;
    let channels = checks.dim(3, weight.shape[1].checked_mul(&Dim::from(*groups)))?;
    let shape: Vec<Dim> = [y.shape[0].clone(), channels].into_iter().chain(size.iter().cloned()).collect();
    let x = Type::new(y.dtype, shape);
    let (stride, padding, dilation) = (stride.clone(), padding.clone(), dilation.clone());
    forward(checks, Op::Conv { stride, padding, dilation, groups: *groups }, &x, weight, y)?;
    Ok(x)
}

pub(crate) fn conv_weight(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::ConvWeight { stride, padding, dilation, groups, kernel } = op else {
        return Ok(operands[0].clone());
    };
    let (x, y) = (&operands[0], &operands[1]);
    check_transpose(checks, [x, y], kernel.len())?;
    if *groups < 1 || !checks.holds(Relation::MultipleOf, &x.shape[1], &Dim::from(*groups)) {
        return Err(checks.violation(3, format!("{groups} groups cannot split {}", x.shape[1])).at(0, 1));
    }
    let own = checks.dim(3, x.shape[1].exact_div(&Dim::from(*groups), checks.facts()))?;
    let shape: Vec<Dim> = [y.shape[1].clone(), own].into_iter().chain(kernel.iter().cloned()).collect();
    let weight = Type::new(x.dtype, shape);
    let (stride, padding, dilation) = (stride.clone(), padding.clone(), dilation.clone());
    forward(checks, Op::Conv { stride, padding, dilation, groups: *groups }, x, &weight, y)?;
    Ok(weight)
}

pub(crate) fn max_pool_index(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::MaxPoolIndex { kernel, stride, padding, dilation } = op else { return Ok(operands[0].clone()) };
    let pooled = pool(checks, &operands[0], &[kernel, stride, dilation], padding)?;
    Ok(Type::new(DType::I32, pooled.shape))
}

pub(crate) fn max_pool(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::MaxPool { kernel, stride, padding, dilation } = op else { return Ok(operands[0].clone()) };
    pool(checks, &operands[0], &[kernel, stride, dilation], padding)
}

pub(crate) fn avg_pool(op: &Op, operands: &[Type], checks: &mut Checks<'_>) -> Result<Type, Violation> {
    let Op::AvgPool { kernel, stride, padding, .. } = op else { return Ok(operands[0].clone()) };
    let dilation = vec![1; kernel.len()];
    pool(checks, &operands[0], &[kernel, stride, &dilation], padding)
}

/// `amounts` are kernel, stride and dilation.
fn pool(
    checks: &mut Checks<'_>,
    x: &Type,
    amounts: &[&Vec<i64>; 3],
    padding: &[[i64; 2]],
) -> Result<Type, Violation> {
    if !(3..=6).contains(&x.rank()) {
        return Err(checks.violation(1, format!("cannot pool {x}")).at(0, None));
    }
    let [kernel, stride, dilation] = *amounts;
    let named = [("kernel", kernel), ("stride", stride), ("dilation", dilation)];
    check_window(checks, x.rank() - 2, &named, padding)?;
    let mut shape = x.shape[..2].to_vec();
    for i in 0..kernel.len() {
        if padding[i].iter().any(|p| *p > kernel[i] / 2) {
            let [before, after] = padding[i];
            let detail = format!(
                "`padding` is {}, and cannot be more than half of the kernel, which is {}",
                before.max(after),
                kernel[i]
            );
            return Err(checks.violation(3, detail).at(0, i + 2));
        }
        let extent = dilated(checks, &Dim::from(kernel[i]), dilation[i])?;
        let axis = Axis { size: &x.shape[i + 2], extent, stride: stride[i], padding: padding[i] };
        shape.push(window_count(checks, 4, i + 2, &axis)?);
    }
    Ok(Type::new(x.dtype, shape))
}

fn check_window(
    checks: &Checks<'_>,
    spatial: usize,
    positive: &[(&str, &Vec<i64>)],
    padding: &[[i64; 2]],
) -> Result<(), Violation> {
    let lengths = positive.iter().all(|(_, a)| a.len() == spatial) && padding.len() == spatial;
    if !lengths {
        return Err(checks.violation(2, format!("attributes must have {spatial} entries")));
    }
    for (name, values) in positive {
        if let Some(value) = values.iter().find(|v| **v < 1) {
            return Err(checks.violation(2, too_small(name, value)));
        }
    }
    match padding.iter().flatten().find(|p| **p < 0) {
        Some(value) => Err(checks.violation(2, format!("`padding` is {value}, and cannot be negative"))),
        None => Ok(()),
    }
}

/// Places that a dilated kernel covers: `dilation * (kernel - 1) + 1`.
fn dilated(checks: &Checks<'_>, kernel: &Dim, dilation: i64) -> Result<Dim, Violation> {
    let one = Dim::from(1i64);
    let extent = kernel.checked_sub(&one).and_then(|k| k.checked_mul(&Dim::from(dilation)));
    checks.dim(2, extent.and_then(|e| e.checked_add(&one)))
}

/// `(size + padding - extent) // stride + 1`, when at least one window fits.
fn window_count(checks: &mut Checks<'_>, number: usize, axis: usize, a: &Axis<'_>) -> Result<Dim, Violation> {
    let total = a.padding[0].checked_add(a.padding[1]).unwrap_or(i64::MAX);
    let padded = checks.dim(number, a.size.checked_add(&Dim::from(total)))?;
    if !checks.holds(Relation::AtMost, &a.extent, &padded) {
        let detail = format!("a window of {} does not fit {padded}", a.extent);
        return Err(checks.violation(number, detail).at(0, axis));
    }
    let room = checks.dim(number, padded.checked_sub(&a.extent))?;
    let steps = checks.dim(number, room.floor_div(&Dim::from(a.stride), checks.facts()))?;
    checks.dim(number, steps.checked_add(&Dim::from(1i64)))
}
