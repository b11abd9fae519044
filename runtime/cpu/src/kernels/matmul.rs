//! Products of matrices, one for each place of the leading axes.

use super::dots::{self, FEW};
use super::matrix::{Matrices, Matrix};
use super::micro::COLUMNS;
use super::product::{Piece, Size, Target, multiply};
use crate::element::Element;
use crate::memory::Shared;
use crate::workers::pieces;

/// `[.., M, K] x [.., K, N] -> [.., M, N]`
pub(crate) fn matmul<T: Element>(a: &Matrices<'_, T>, b: &Matrices<'_, T>, result: &mut [T]) {
    let rank = a.shape.len();
    let (rows, columns) = (a.shape[rank - 2], b.shape[rank - 1]);
    if result.is_empty() {
        return;
    }
    pieces(result, rows * columns, |batch, result| one(a.matrix(batch), b.matrix(batch), result));
}

/// One product, into elements in row-major order.
fn one<T: Element>(a: Matrix<'_, T>, b: Matrix<'_, T>, result: &mut [T]) {
    let ([rows, terms], columns) = (a.size, b.size[1]);
    if (1..=FEW).contains(&rows.min(columns))
        && let (Some([a, b]), Some(result)) = (both_lines(&a, &b), T::floats_mut(result))
    {
        return match rows <= columns {
            true => dots::multiply([&a, &b], result, [columns, 1]),
            false => dots::multiply([&b, &a], result, [1, columns]),
        };
    }
    let elements = &Shared::new(result);
    // Blocks are wider than high: the longer side goes along them.
    if columns < COLUMNS && rows > columns {
        let pieces = |part: std::ops::Range<usize>| {
            vec![Piece { column: 0, len: part.len(), place: part.start * columns, step: columns }]
        };
        let target = Target { elements, row: 1, add: false, pieces };
        multiply(&b, &a.transposed(), &target, Size { rows: columns, columns: rows, terms });
    } else {
        let pieces = |part: std::ops::Range<usize>| {
            vec![Piece { column: 0, len: part.len(), place: part.start, step: 1 }]
        };
        let target = Target { elements, row: columns, add: false, pieces };
        multiply(&a.transposed(), &b, &target, Size { rows, columns, terms });
    }
}

/// The rows of the first and the columns of the second matrix, if the terms of each lie side by side.
fn both_lines<'a, T: Element>(a: &Matrix<'a, T>, b: &Matrix<'a, T>) -> Option<[Vec<&'a [f32]>; 2]> {
    let lines = |matrix: &Matrix<'a, T>| {
        let [count, terms] = matrix.size;
        let elements =
            T::floats(matrix.elements).filter(|_| terms > 0 && matrix.places[1].run(0, terms) == terms)?;
        Some((0..count).map(|line| &elements[matrix.place(line, 0)..][..terms]).collect())
    };
    Some([lines(a)?, lines(&b.clone().transposed())?])
}
