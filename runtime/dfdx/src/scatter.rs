//! Writing places along an axis that an index names, as custom operations.

use crate::backend::Backend;
use crate::element::Element;
use crate::record::{Float, Recorder};
use crate::view::around;

/// For each element of an index, the flat position in an array of the given shape that it names along an axis. The error is an
/// index and the size of the axis that it lies outside of.
pub(crate) fn named_places(
    shape: &[usize],
    (index, index_shape): (&[f64], &[usize]),
    axis: usize,
) -> Result<Vec<usize>, (f64, usize)> {
    let (_, n, inner) = around(shape, axis);
    let own = index_shape[axis].max(1);
    let place = |(flat, i): (usize, &f64)| match *i >= 0.0 && (*i as usize) < n {
        true => Ok((flat / inner / own * n + *i as usize) * inner + flat % inner),
        false => Err((*i, n)),
    };
    index.iter().enumerate().map(place).collect()
}

/// `x` with values in the place of others. The gradient of a value that another one replaced is 0.
pub(crate) fn scatter<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    values: &Float<E, D>,
    places: Vec<usize>,
) -> Float<E, D> {
    let (mut result, new) = (x.to_vec(), values.to_vec());
    let mut writer: Vec<Option<usize>> = vec![None; result.len()];
    for (i, place) in places.iter().enumerate() {
        result[*place] = new[i];
        writer[*place] = Some(i);
    }
    r.custom(&[x, values], result, x.shape.clone(), move |dy, dx| {
        for (place, writer) in writer.iter().enumerate() {
            match writer {
                Some(i) => dx[1][*i] += dy[place],
                None => dx[0][place] += dy[place],
            }
        }
    })
}

/// `x` with values added.
pub(crate) fn scatter_add<E: Element, D: Backend<E>>(
    r: &mut Recorder<E, D>,
    x: &Float<E, D>,
    values: &Float<E, D>,
    places: Vec<usize>,
) -> Float<E, D> {
    let (mut result, new) = (x.to_vec(), values.to_vec());
    places.iter().zip(&new).for_each(|(p, v)| result[*p] += *v);
    r.custom(&[x, values], result, x.shape.clone(), move |dy, dx| {
        dx[0].iter_mut().zip(dy).for_each(|(d, g)| *d += *g);
        places.iter().enumerate().for_each(|(i, p)| dx[1][i] += dy[*p]);
    })
}
