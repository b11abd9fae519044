//! Small dense arrays, on which plans and patterns are evaluated without cleverness.

use std::collections::BTreeMap;

use super::*;

/// An array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Array {
    pub(super) shape: Vec<usize>,
    pub(super) values: Vec<f64>,
}

impl Array {
    pub(super) fn from_fn(shape: &[usize], f: impl Fn(&[usize]) -> f64) -> Array {
        let count: usize = shape.iter().product();
        let values = (0..count).map(|i| f(&unravel(i, shape))).collect();
        Array { shape: shape.to_vec(), values }
    }

    /// Distinct values whose products are distinct too often enough.
    pub(super) fn counting(shape: &[usize], start: i64) -> Array {
        let mut array = Array::from_fn(shape, |_| 0.0);
        array.values.iter_mut().zip(start..).for_each(|(v, n)| *v = n as f64);
        array
    }

    pub(super) fn at(&self, index: &[usize]) -> f64 {
        self.values[index.iter().zip(&self.shape).fold(0, |at, (i, n)| at * n + i)]
    }

    pub(super) fn dims(&self) -> Vec<Dim> {
        self.shape.iter().map(|n| Dim::from(*n)).collect()
    }

    pub(super) fn apply(&self, step: &Step) -> Array {
        match step {
            Step::Reshape(shape) => self.reshape(&constant(shape)),
            Step::Permute(axes) => {
                let axes: Vec<usize> = axes.iter().map(|a| *a as usize).collect();
                let shape: Vec<usize> = axes.iter().map(|a| self.shape[*a]).collect();
                Array::from_fn(&shape, |index| {
                    let mut source = vec![0; index.len()];
                    axes.iter().zip(index).for_each(|(a, i)| source[*a] = *i);
                    self.at(&source)
                })
            }
            Step::Reduce { op, axes, keepdims } => self.reduce(*op, axes, *keepdims),
            Step::Broadcast(shape) => self.broadcast(&constant(shape)),
        }
    }

    fn reshape(&self, shape: &[usize]) -> Array {
        assert_eq!(shape.iter().product::<usize>(), self.values.len(), "{:?} to {shape:?}", self.shape);
        Array { shape: shape.to_vec(), values: self.values.clone() }
    }

    fn broadcast(&self, shape: &[usize]) -> Array {
        let new = shape.len() - self.shape.len();
        assert!(self.shape.iter().zip(&shape[new..]).all(|(a, b)| a == b || *a == 1));
        Array::from_fn(shape, |index| {
            let source: Vec<usize> = self.shape.iter().zip(&index[new..]).map(|(n, i)| i % n).collect();
            self.at(&source)
        })
    }

    fn reduce(&self, op: Reduction, axes: &[i64], keepdims: bool) -> Array {
        assert!(axes.windows(2).all(|w| w[0] < w[1]), "axes {axes:?} do not increase");
        let reduced = |axis: usize| axes.contains(&(axis as i64));
        let kept = |axis: usize, n: usize| if reduced(axis) { 1 } else { n };
        let shape: Vec<usize> = self.shape.iter().enumerate().map(|(i, n)| kept(i, *n)).collect();
        let inner: Vec<usize> =
            self.shape.iter().enumerate().map(|(i, n)| if reduced(i) { *n } else { 1 }).collect();
        let result = Array::from_fn(&shape, |index| {
            let count: usize = inner.iter().product();
            let at =
                |k| self.at(&unravel(k, &inner).iter().zip(index).map(|(a, b)| a + b).collect::<Vec<_>>());
            fold(op, &(0..count).map(at).collect::<Vec<f64>>())
        });
        match keepdims {
            true => result,
            false => {
                let shape: Vec<usize> =
                    self.shape.iter().enumerate().filter(|(i, _)| !reduced(*i)).map(|(_, n)| *n).collect();
                result.reshape(&shape)
            }
        }
    }

    pub(super) fn matmul(&self, other: &Array) -> Array {
        let rank = self.shape.len();
        assert!(rank >= 2 && rank == other.shape.len());
        assert_eq!(self.shape[..rank - 2], other.shape[..rank - 2]);
        assert_eq!(self.shape[rank - 1], other.shape[rank - 2]);
        let mut shape = self.shape.clone();
        shape[rank - 1] = other.shape[rank - 1];
        Array::from_fn(&shape, |index| {
            let (mut a, mut b) = (index.to_vec(), index.to_vec());
            let products = (0..self.shape[rank - 1]).map(|k| {
                (a[rank - 1], b[rank - 2]) = (k, k);
                self.at(&a) * other.at(&b)
            });
            products.sum()
        })
    }

    pub(super) fn mul(&self, other: &Array) -> Array {
        let rank = self.shape.len().max(other.shape.len());
        let padded = |x: &Array| x.reshape(&[vec![1; rank - x.shape.len()], x.shape.clone()].concat());
        let (a, b) = (padded(self), padded(other));
        let shape: Vec<usize> =
            a.shape.iter().zip(&b.shape).map(|(m, n)| if *m == 1 { *n } else { *m }).collect();
        let (a, b) = (a.broadcast(&shape), b.broadcast(&shape));
        let values = a.values.iter().zip(&b.values).map(|(x, y)| x * y).collect();
        Array { shape, values }
    }
}

pub(super) fn fold(op: Reduction, values: &[f64]) -> f64 {
    match op {
        Reduction::Sum => values.iter().sum(),
        Reduction::Mean => values.iter().sum::<f64>() / values.len() as f64,
        Reduction::Max => values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
        Reduction::Min => values.iter().copied().fold(f64::INFINITY, f64::min),
    }
}

pub(super) fn unravel(mut at: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (i, n) in shape.iter().enumerate().rev() {
        index[i] = at % n;
        at /= n;
    }
    index
}

fn constant(shape: &[Dim]) -> Vec<usize> {
    shape.iter().map(|d| d.as_const().unwrap() as usize).collect()
}

pub(super) fn run(plan: &[Step], input: &Array) -> Array {
    plan.iter().fold(input.clone(), |x, step| x.apply(step))
}

pub(super) fn run_einsum(plan: &EinsumPlan, operands: &[Array]) -> Array {
    let mut values = operands.to_vec();
    for step in &plan.steps {
        let value = match step {
            EinsumStep::Apply(x, step) => values[*x].apply(step),
            EinsumStep::Matmul(a, b) => values[*a].matmul(&values[*b]),
            EinsumStep::Mul(a, b) => values[*a].mul(&values[*b]),
        };
        values.push(value);
    }
    values[plan.result].clone()
}

/// Axes of a side as lists of names, without the help of the parser under test: no ellipses.
pub(super) fn axes_of(side: &str) -> Vec<Vec<String>> {
    let mut axes: Vec<Vec<String>> = vec![];
    let mut group: Option<Vec<String>> = None;
    for word in side.replace('(', " ( ").replace(')', " ) ").split_whitespace() {
        match (word, &mut group) {
            ("(", _) => group = Some(vec![]),
            (")", _) => axes.extend(group.take()),
            ("1", Some(_)) => {}
            ("1", None) => axes.push(vec![]),
            (name, Some(inner)) => inner.push(name.to_string()),
            (name, None) => axes.push(vec![name.to_string()]),
        }
    }
    axes
}

/// The position of an element from the index of each name.
pub(super) fn position(
    axes: &[Vec<String>],
    index: &BTreeMap<String, usize>,
    size: &BTreeMap<String, usize>,
) -> Vec<usize> {
    axes.iter().map(|axis| axis.iter().fold(0, |at, name| at * size[name] + index[name])).collect()
}

/// What a pattern says, by a loop over the indices of all names; `size` has all of them.
pub(super) fn by_loops(pattern: &str, op: Reduction, input: &Array, size: &BTreeMap<String, usize>) -> Array {
    let (left, right) = pattern.split_once("->").unwrap();
    let (left, right) = (axes_of(left), axes_of(right));
    let names: Vec<&String> = size.keys().collect();
    let extents: Vec<usize> = names.iter().map(|n| size[*n]).collect();
    let shape: Vec<usize> = right.iter().map(|axis| axis.iter().map(|n| size[n]).product()).collect();
    let mut cells: BTreeMap<Vec<usize>, BTreeMap<Vec<usize>, f64>> = BTreeMap::new();
    for at in 0..extents.iter().product() {
        let index = names.iter().map(|n| n.to_string()).zip(unravel(at, &extents)).collect();
        let source = position(&left, &index, size);
        cells.entry(position(&right, &index, size)).or_default().insert(source.clone(), input.at(&source));
    }
    Array::from_fn(&shape, |index| fold(op, &cells[index].values().copied().collect::<Vec<f64>>()))
}
