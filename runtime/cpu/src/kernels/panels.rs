//! Matrices copied into panels.

use std::ops::Range;

use super::matrix::Matrix;
use super::product::Panels;
use super::simd::{LANES, Simd, Task, run};
use super::vector::widest;
use crate::element::Element;

/// Rows are terms.
impl<T: Element> Panels<T> for Matrix<'_, T> {
    fn has_lines_together(&self) -> bool {
        self.places[1].run(0, self.size[1].min(2)) == 2
    }

    fn pack<const W: usize>(&self, terms: Range<usize>, first: usize, out: &mut [T]) {
        let width = W.min(self.size[1] - first);
        if width < W {
            out.fill(T::default());
        }
        if self.places[1].run(first, width) == width {
            return widest(
                #[inline(always)]
                || self.copy_rows::<W>(terms, first..first + width, out),
            );
        }
        // Terms that lie side by side are read one after the other.
        let mut done = 0;
        while done < terms.len() {
            let term = terms.start + done;
            let run = self.places[0].run(term, terms.len() - done);
            self.turn::<W>(term..term + run, first..first + width, &mut out[done * W..(done + run) * W]);
            done += run;
        }
    }
}

impl<T: Element> Matrix<'_, T> {
    /// Copies lines that lie side by side, term by term.
    #[inline(always)]
    fn copy_rows<const W: usize>(&self, terms: Range<usize>, lines: Range<usize>, out: &mut [T]) {
        let (out, _) = out.as_chunks_mut::<W>();
        for (term, out) in terms.zip(out) {
            let from = &self.elements[self.place(term, lines.start)..][..lines.len()];
            match from.first_chunk::<W>() {
                Some(from) => *out = *from,
                None => out[..from.len()].copy_from_slice(from),
            }
        }
    }

    /// Copies lines whose terms lie side by side.
    fn turn<const W: usize>(&self, terms: Range<usize>, lines: Range<usize>, out: &mut [T]) {
        let mut rows = [&self.elements[..0]; W];
        for (row, line) in rows.iter_mut().zip(lines.clone()) {
            *row = &self.elements[self.place(terms.start, line)..][..terms.len()];
        }
        turn::<T, W>(&rows[..lines.len()], out);
    }
}

/// Copies rows into a panel as its columns: `out[W * term + row]` is element `term` of a row. There are at most `W` rows.
pub(crate) fn turn<T: Element, const W: usize>(rows: &[&[T]], out: &mut [T]) {
    let mut floats: [&[f32]; W] = [&[]; W];
    let mut pairs = rows.iter().zip(&mut floats);
    let all = pairs.all(|(row, own)| T::floats(row).map(|row| *own = row).is_some());
    match T::floats_mut(out).filter(|_| all) {
        Some(out) => run(Turn::<W> { rows: &floats[..rows.len()], out }),
        None => {
            for (line, row) in rows.iter().enumerate() {
                out.chunks_exact_mut(W).zip(*row).for_each(|(out, from)| out[line] = *from);
            }
        }
    }
}

/// [`turn`] in squares of vectors.
struct Turn<'a, const W: usize> {
    rows: &'a [&'a [f32]],
    out: &'a mut [f32],
}

impl<const W: usize> Task for Turn<'_, W> {
    #[inline(always)]
    fn run<S: Simd>(self, simd: S) {
        for (number, rows) in self.rows.chunks(LANES).enumerate() {
            let out = &mut self.out[number * LANES..];
            match (rows.first_chunk::<LANES>(), rows.first_chunk::<8>()) {
                (Some(rows), _) => squares::<S, LANES, W>(simd, rows, out),
                (None, Some(eight)) if rows.len() == 8 => squares::<S, 8, W>(simd, eight, out),
                _ => {
                    for (line, row) in rows.iter().enumerate() {
                        out.chunks_mut(W).zip(*row).for_each(|(out, from)| out[line] = *from);
                    }
                }
            }
        }
    }
}

/// Turns `R` rows, a vector of each at a time.
#[inline(always)]
fn squares<S: Simd, const R: usize, const W: usize>(simd: S, rows: &[&[f32]; R], out: &mut [f32]) {
    let len = rows[0].len();
    let mut block = [simd.splat(0.0); LANES];
    for start in (0..len).step_by(LANES) {
        let some = LANES.min(len - start);
        for (block, row) in block.iter_mut().zip(rows) {
            *block = simd.load_some(&row[start..start + some]);
        }
        simd.transpose(&mut block);
        for (place, v) in block.iter().enumerate().take(some) {
            simd.store_some(*v, &mut out[(start + place) * W..][..R]);
        }
        // What was turned is no row.
        block = [simd.splat(0.0); LANES];
    }
}

#[cfg(test)]
mod tests {
    use vspec_ir::plan::{Index, Layout, Operand, Place, Plan, Value, ValueId};
    use vspec_ir::{DType, Origin};

    use super::*;
    use crate::kernels::matrix::Matrices;
    use crate::kernels::vector::Isa;
    use crate::memory::{Memory, Raw};
    use crate::mode::Mode;

    const COUNT: usize = 6000;

    /// Places of 3 x 10 x 70 matrices in `COUNT` elements.
    fn places() -> Vec<Index> {
        let shape = [3, 10, 70];
        let [b, i, j] = [0, 1, 2].map(|axis| Index::counter(axis, &shape));
        let dense = b.times(700).plus(&i.times(70)).plus(&j);
        let turned = b.times(700).plus(&j.times(10)).plus(&i);
        let heads = j.quotient(16, &shape).times(480).plus(&j.remainder(16, &shape)).plus(&i.times(16));
        let apart = i.quotient(4, &shape).times(1500).plus(&i.remainder(4, &shape)).plus(&j.times(8));
        let with_batch = b
            .times(10)
            .plus(&i)
            .quotient(7, &shape)
            .times(1000)
            .plus(&j.times(-1))
            .plus(&Index::constant(80));
        let mixed = i.times(5).plus(&j).quotient(7, &shape).plus(&b.times(50));
        vec![
            dense,
            turned,
            heads.plus(&b.times(160)),
            apart.plus(&b.times(32)),
            with_batch,
            mixed,
            Index::constant(5),
        ]
    }

    fn packed<T: Element, const W: usize>(matrix: &Matrix<'_, T>, at: impl Fn(usize, usize) -> T) {
        let terms = 1..matrix.size[0];
        for first in (0..matrix.size[1]).step_by(W) {
            let mut out = vec![T::of(-1.0); W * terms.len()];
            matrix.pack::<W>(terms.clone(), first, &mut out);
            for (n, x) in out.into_iter().enumerate() {
                let (term, line) = (1 + n / W, first + n % W);
                let want = if line < matrix.size[1] { at(term, line) } else { T::default() };
                assert_eq!(x, want, "term {term}, line {line}");
            }
        }
    }

    /// Panels hold what indices name, whether lines, terms or neither lie side by side, in one piece or several.
    #[test]
    fn panels_hold_what_indices_say() {
        check::<f32>();
        check::<f64>();
    }

    fn check<T: Element>() {
        let elements: Vec<T> = (0..COUNT).map(|n| T::of(n as f64)).collect();
        let memory = Memory::new(vec![Raw::of(&elements)]);
        let (place, layout) = (Place::Input("x".into()), Layout::dense(1));
        let value = Value { origin: Origin::default(), dtype: DType::F32, shape: vec![COUNT], layout, place };
        let (name, values) = ("panels".to_string(), vec![value]);
        let plan = Plan { name, outputs: vec![], values, kernels: vec![], arena: 0 };
        for index in places() {
            let operand = Operand { value: ValueId(0), at: vec![index.clone()], shape: vec![3, 10, 70] };
            for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
                Mode::only(isa).within(|| {
                    let matrices = Matrices::<T>::of(&plan, &memory, &operand);
                    for batch in 0..3 {
                        let at = |row, column| elements[index.at(&[batch, row, column]) as usize];
                        packed::<T, 8>(&matrices.matrix(batch), at);
                        packed::<T, 32>(&matrices.matrix(batch), at);
                        packed::<T, 8>(&matrices.matrix(batch).transposed(), |row, column| at(column, row));
                        packed::<T, 32>(&matrices.matrix(batch).transposed(), |row, column| at(column, row));
                    }
                });
            }
        }
    }
}
