//! Winograd's transforms against sums as they are written, for sizes that fill neither tiles nor vectors.

use proptest::prelude::*;

use super::{Kind, forward, input, weight};
use crate::kernels::Kept;
use crate::kernels::conv::Channels;
use crate::kernels::vector::Isa;
use crate::kernels::window::Moves;
use crate::mode::Mode;

/// A convolution with windows of 3x3 that move by 1 or 2, or of 4x4.
#[derive(Debug, Clone)]
struct Case {
    images: usize,
    groups: usize,
    own: usize,
    shared: usize,
    size: [usize; 2],
    stride: i64,
    kernel: usize,
    padding: [[i64; 2]; 2],
}

impl Case {
    fn result(&self) -> [usize; 2] {
        let along = |axis: usize| {
            let padded = self.size[axis] + (self.padding[axis][0] + self.padding[axis][1]) as usize;
            (padded - self.kernel) / self.stride as usize + 1
        };
        [along(0), along(1)]
    }

    fn shapes(&self) -> [Vec<usize>; 3] {
        let ([h, w], [p, q]) = (self.size, self.result());
        [
            vec![self.images, self.own * self.groups, h, w],
            vec![self.shared * self.groups, self.own, self.kernel, self.kernel],
            vec![self.images, self.shared * self.groups, p, q],
        ]
    }

    fn moves<'a>(&'a self, stride: &'a [i64]) -> Moves<'a> {
        Moves { stride, padding: &self.padding, dilation: &[1, 1] }
    }

    /// Calls `f` with places in the input, the weight and the result of each product.
    fn products(&self, mut f: impl FnMut(usize, usize, usize)) {
        let ([h, w], [p, q]) = (self.size, self.result());
        let (kernel, taps) = (self.kernel, self.kernel.pow(2));
        let all = [self.images, self.groups, self.shared, self.own, p, q, taps];
        for number in 0..all.iter().product() {
            let mut at = [0; 7];
            let mut rest = number;
            for axis in (0..7).rev() {
                (at[axis], rest) = (rest % all[axis], rest / all[axis]);
            }
            let [image, group, output, channel, row, column, tap] = at;
            let y = (row * self.stride as usize + tap / kernel) as i64 - self.padding[0][0];
            let x = (column * self.stride as usize + tap % kernel) as i64 - self.padding[1][0];
            if (0..h as i64).contains(&y) && (0..w as i64).contains(&x) {
                let plane = (image * self.groups + group) * self.own + channel;
                let output = group * self.shared + output;
                f(
                    (plane * h + y as usize) * w + x as usize,
                    (output * self.own + channel) * taps + tap,
                    ((image * self.groups * self.shared + output) * p + row) * q + column,
                );
            }
        }
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let sizes = (1usize..3, 1usize..3, 1usize..40, 1usize..70, 1usize..20, 1usize..20);
    let windows = prop::sample::select(vec![(3, 1), (3, 2), (4, 1)]);
    let padding = prop::array::uniform4(0i64..4);
    let case = |((images, groups, own, shared, h, w), (kernel, stride), [a, b, c, d]): (_, _, [i64; 4])| {
        Case { images, groups, own, shared, size: [h, w], stride, kernel, padding: [[a, b], [c, d]] }
    };
    (sizes, windows, padding).prop_map(case).prop_filter("windows fit and have transforms", |case: &Case| {
        let fits = |axis: usize| {
            case.size[axis] as i64 + case.padding[axis][0] + case.padding[axis][1] >= case.kernel as i64
        };
        fits(0) && fits(1) && Kind::new(&[case.kernel; 2], &case.moves(&[case.stride; 2])).is_some()
    })
}

/// Numbers without a pattern: what is regular adds up in the transforms, and cancels out again, so that errors are many times as large.
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    crate::kernels::tests::numbers(count, seed).into_iter().map(|x| x as f32).collect()
}

/// Errors stay far below what a wrong element would be off by.
fn assert_close(what: &str, got: &[f32], want: &[f64]) -> Result<(), TestCaseError> {
    let size = (want.iter().map(|x| x * x).sum::<f64>() / want.len() as f64).sqrt().max(1e-3);
    for (place, (got, want)) in got.iter().zip(want).enumerate() {
        let off = (f64::from(*got) - want).abs();
        prop_assert!(off <= 1e-4 * size.max(1.0), "{what}: {got} for {want} at {place}");
    }
    Ok(())
}

fn check(case: &Case) -> Result<(), TestCaseError> {
    let [xs, ws, ys] = case.shapes();
    let count = |shape: &[usize]| shape.iter().product::<usize>();
    let (x, w, y) = (numbers(count(&xs), 1), numbers(count(&ws), 2), numbers(count(&ys), 3));
    let mut want = [vec![0.0f64; x.len()], vec![0.0; w.len()], vec![0.0; y.len()]];
    case.products(|a, b, c| {
        let [dx, dw, sum] = &mut want;
        dx[a] += f64::from(w[b]) * f64::from(y[c]);
        dw[b] += f64::from(x[a]) * f64::from(y[c]);
        sum[c] += f64::from(x[a]) * f64::from(w[b]);
    });
    let stride = [case.stride; 2];
    let moves = case.moves(&stride);
    let channels = Channels::new(&xs, &ys, case.groups as i64);
    for isa in [Isa::Baseline, Isa::Avx2, Isa::Avx512] {
        let (mut dx, mut dw, mut sum) = (vec![9.0; x.len()], vec![9.0; w.len()], vec![9.0; y.len()]);
        Mode::only(isa).within(|| {
            forward([(&x, &xs), (&w, &ws)], (&mut sum, &ys), &moves, channels, None);
            input([(&y, &ys), (&w, &ws)], (&mut dx, &xs), &moves, channels, None);
            weight([(&x, &xs), (&y, &ys)], (&mut dw, &ws), &moves, channels);
        });
        let results = [("the input's gradient", dx), ("the weight's gradient", dw), ("the result", sum)];
        for ((what, got), want) in results.iter().zip(&want) {
            assert_close(what, got, want)?;
        }
        // With a weight that is transformed the first time and kept.
        let (of_sum, of_dx) = (Kept::new(), Kept::new());
        for time in ["new", "kept"] {
            let (mut dx, mut sum) = (vec![9.0; x.len()], vec![9.0; y.len()]);
            Mode::only(isa).within(|| {
                forward([(&x, &xs), (&w, &ws)], (&mut sum, &ys), &moves, channels, Some(&of_sum));
                input([(&y, &ys), (&w, &ws)], (&mut dx, &xs), &moves, channels, Some(&of_dx));
            });
            assert_close(&format!("the input's gradient, {time}"), &dx, &want[0])?;
            assert_close(&format!("the result, {time}"), &sum, &want[2])?;
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums_are_those_of_the_definition(case in cases()) {
        check(&case)?;
    }
}

#[test]
fn many_tiles_and_wide_channels_are_cut_into_parts() {
    for (own, shared, size) in
        [(40, 33, [40, 36]), (150, 40, [9, 30]), (300, 17, [9, 30]), (17, 90, [5, 5]), (5, 7, [70, 130])]
    {
        for (kernel, stride) in [(3, 1), (3, 2), (4, 1)] {
            let case = Case { images: 3, groups: 1, own, shared, size, stride, kernel, padding: [[1, 1]; 2] };
            check(&case).expect("agrees");
        }
    }
}

/// The fewer tiles share what is read of a kept weight, the more products it may cost to read less of it.
#[test]
fn few_tiles_are_small_where_the_weight_is_kept() {
    let dense = Kind::Dense;
    assert_eq!(dense.kept(&[1, 512, 7, 7]), Kind::Small);
    assert_eq!(dense.kept(&[8, 512, 7, 7]), Kind::Dense);
    assert_eq!(dense.kept(&[1, 64, 56, 56]), Kind::Dense);
    assert_eq!(Kind::Strided.kept(&[1, 512, 7, 7]), Kind::Strided);
}
