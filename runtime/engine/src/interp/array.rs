//! Dense arrays and the arithmetic of coordinates.

/// A dense array in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Array<E> {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<E>,
}

impl<E: Copy> Array<E> {
    /// An array whose element at each flat position is computed.
    pub(crate) fn from_fn(shape: Vec<usize>, f: impl FnMut(usize) -> E) -> Self {
        let n = shape.iter().product();
        Array { shape, data: (0..n).map(f).collect() }
    }

    /// The result of a function on each element.
    pub(crate) fn map<F>(&self, f: impl Fn(E) -> F) -> Array<F> {
        Array { shape: self.shape.clone(), data: self.data.iter().map(|x| f(*x)).collect() }
    }

    /// An array whose element at some coordinates is this one's at the sum of the coordinates times strides.
    pub(crate) fn pick(&self, shape: Vec<usize>, strides: Vec<usize>) -> Self {
        let mut at = vec![0; shape.len()];
        Array::from_fn(shape.clone(), |flat| {
            unravel(flat, &shape, &mut at);
            self.data[ravel(&at, &strides)]
        })
    }
}

/// Distance in flat positions between neighbours along each axis.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// Coordinates of a flat position.
pub(crate) fn unravel(mut flat: usize, shape: &[usize], coordinates: &mut [usize]) {
    for i in (0..shape.len()).rev() {
        coordinates[i] = flat % shape[i];
        flat /= shape[i];
    }
}

/// Flat position of coordinates.
pub(crate) fn ravel(coordinates: &[usize], strides: &[usize]) -> usize {
    coordinates.iter().zip(strides).map(|(c, s)| c * s).sum()
}

/// The common shape of operands whose trailing axes align; 1 stretches.
pub(crate) fn broadcast_shape(shapes: &[&[usize]]) -> Vec<usize> {
    let rank = shapes.iter().map(|s| s.len()).max().unwrap_or(0);
    let size = |from_right: usize| {
        let sizes = shapes.iter().filter_map(|s| s.len().checked_sub(from_right + 1).map(|i| s[i]));
        sizes.fold(1, |known, own| if own == 1 { known } else { own })
    };
    (0..rank).rev().map(size).collect()
}

/// Strides of an operand under a broadcast shape: 0 where it stretches.
pub(crate) fn broadcast_strides(own: &[usize], shape: &[usize]) -> Vec<usize> {
    let missing = shape.len() - own.len();
    let strides = strides(own);
    (0..shape.len())
        .map(|i| match i.checked_sub(missing) {
            Some(i) if own[i] != 1 => strides[i],
            _ => 0,
        })
        .collect()
}

/// `(outer, axis, inner)`: the sizes before, at and after an axis.
pub(crate) fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}
