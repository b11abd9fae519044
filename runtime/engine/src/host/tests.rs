use std::f64::consts::FRAC_PI_4;

use super::*;
use crate::rng::Stream;

/// A mask from a drawing: `#` is positive.
fn drawing(rows: &[&str]) -> HostTensor {
    let pixels = rows.iter().flat_map(|row| row.chars()).map(|c| c == '#').collect();
    HostTensor::new(vec![rows.len(), rows[0].len()], Buffer::Bool(pixels)).expect("rows of one length")
}

fn rectangle(mask: &HostTensor) -> Vec<f64> {
    call("min_area_rect", std::slice::from_ref(mask)).expect("runs").to_f64()
}

fn close(a: &[f64], b: &[f64]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| (x - y).abs() < 1e-4)
}

#[test]
fn an_upright_box_is_its_own_rectangle() {
    let found = rectangle(&drawing(&["......", ".####.", ".####.", "......"]));
    assert!(close(&found, &[3.0, 2.0, 4.0, 2.0, 0.0]), "{found:?}");
    let one = rectangle(&drawing(&["...", "..#"]));
    assert!(close(&one, &[2.5, 1.5, 1.0, 1.0, 0.0]), "{one:?}");
    assert_eq!(rectangle(&drawing(&["...", "..."])), [0.0; 5]);
}

#[test]
fn a_diagonal_has_a_turned_rectangle() {
    let found = rectangle(&drawing(&["#...", ".#..", "..#.", "...#"]));
    let (length, width) = (4.0 * 2f64.sqrt(), 2f64.sqrt());
    assert!(close(&found[..2], &[2.0, 2.0]), "{found:?}");
    assert!((found[4].abs() - FRAC_PI_4).abs() < 1e-6, "{found:?}");
    let sides = [found[2].max(found[3]), found[2].min(found[3])];
    assert!(close(&sides, &[length, width]), "{found:?}");
}

/// The pixels within a rectangle.
fn turned(size: usize, [x, y, width, height, angle]: [f64; 5]) -> HostTensor {
    let inside = |i: usize| {
        let (dx, dy) = ((i % size) as f64 + 0.5 - x, (i / size) as f64 + 0.5 - y);
        let (along, across) = (dx * angle.cos() + dy * angle.sin(), dy * angle.cos() - dx * angle.sin());
        along.abs() < width / 2.0 && across.abs() < height / 2.0
    };
    let pixels = (0..size * size).map(|i| f32::from(u8::from(inside(i)))).collect();
    HostTensor::new(vec![size, size], Buffer::F32(pixels)).expect("fits")
}

#[test]
fn a_drawn_rectangle_is_found_again() {
    for angle in [-0.6, -0.3, 0.1, 0.45] {
        let wanted = [61.0, 57.0, 70.0, 30.0, angle];
        let found = rectangle(&turned(128, wanted));
        // Pixels at the edge are in or out, so that it is known to about a pixel.
        let near = found
            .iter()
            .zip(wanted)
            .zip([0.6, 0.6, 2.0, 2.0, 0.03])
            .all(|((a, b), within)| (a - b).abs() < within);
        assert!(near, "{wanted:?} came out as {found:?}");
    }
}

#[test]
fn nothing_smaller_is_around_the_pixels() {
    let stream = Stream::new("masks", 1, 0);
    for case in 0..40 {
        let pixels: Vec<bool> = (0..63).map(|i| stream.uniform(case * 63 + i) < 0.12).collect();
        let corners: Vec<[f64; 2]> = (0..63)
            .filter(|i| pixels[*i])
            .flat_map(|i| {
                [[0, 0], [0, 1], [1, 0], [1, 1]].map(|[r, c]| [(i % 9 + c) as f64, (i / 9 + r) as f64])
            })
            .collect();
        let mask = HostTensor::new(vec![7, 9], Buffer::Bool(pixels)).expect("fits");
        let [x, y, width, height, angle] = <[f64; 5]>::try_from(rectangle(&mask)).expect("five numbers");
        let extent = |angle: f64| {
            let range = |f: &dyn Fn(&[f64; 2]) -> f64| {
                let values = corners.iter().map(f);
                values.fold([f64::MAX, f64::MIN], |[low, high], v| [low.min(v), high.max(v)])
            };
            let along = range(&|[x, y]| x * angle.cos() + y * angle.sin());
            let across = range(&|[x, y]| y * angle.cos() - x * angle.sin());
            [along, across]
        };
        if corners.is_empty() {
            continue;
        }
        let [along, across] = extent(angle);
        assert!(close(&[along[1] - along[0], across[1] - across[0]], &[width, height]), "case {case}");
        let (middle, beside) = ((along[0] + along[1]) / 2.0, (across[0] + across[1]) / 2.0);
        let centre =
            [middle * angle.cos() - beside * angle.sin(), middle * angle.sin() + beside * angle.cos()];
        assert!(close(&centre, &[x, y]), "case {case}");
        let smallest = (0..2000)
            .map(|i| extent(f64::from(i) * FRAC_PI_4 / 1000.0))
            .map(|[a, b]| (a[1] - a[0]) * (b[1] - b[0]))
            .fold(f64::MAX, f64::min);
        assert!(width * height <= smallest + 1e-4, "case {case}: {} is more than {smallest}", width * height);
    }
}

#[test]
fn regions_are_numbered_in_the_order_of_their_first_pixels() {
    let mask = drawing(&["#..#", ".#..", "...#", "##.#"]);
    let label = |connectivity| {
        let four = HostTensor::new(vec![], Buffer::I32(vec![connectivity])).expect("one number");
        call("connected_components", &[mask.clone(), four])
    };
    let eight = call("connected_components", std::slice::from_ref(&mask)).expect("runs");
    assert_eq!(eight.buffer(), &Buffer::I32(vec![1, 0, 0, 2, 0, 1, 0, 0, 0, 0, 0, 3, 4, 4, 0, 3]));
    assert_eq!(label(8).expect("runs"), eight);
    assert_eq!(
        label(4).expect("runs").buffer(),
        &Buffer::I32(vec![1, 0, 0, 2, 0, 3, 0, 0, 0, 0, 0, 4, 5, 5, 0, 4])
    );
    let wrong = label(6).expect_err("neither 4 nor 8").to_string();
    assert_eq!(wrong, "`connected_components`: a connectivity is 4 or 8, not 6");
}

#[test]
fn leading_axes_are_masks_of_their_own() {
    let pixels = [[true, false, false, false], [false, false, true, true], [false; 4]].concat();
    let masks = HostTensor::new(vec![3, 1, 2, 2], Buffer::Bool(pixels)).expect("fits");
    let found = call("min_area_rect", std::slice::from_ref(&masks)).expect("runs");
    assert_eq!(found.shape(), [3, 1, 5]);
    assert!(close(&found.to_f64()[..10], &[0.5, 0.5, 1.0, 1.0, 0.0, 1.0, 1.5, 2.0, 1.0, 0.0]), "{found:?}");
    let labels = call("connected_components", &[masks]).expect("runs");
    assert_eq!(labels.to_f64(), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
    let empty = HostTensor::new(vec![2, 0, 3], Buffer::Bool(vec![])).expect("fits");
    assert_eq!(call("min_area_rect", &[empty]).expect("runs").to_f64(), [0.0; 10]);
}

/// The smallest cost of all ways to pair as many rows with columns as possible, and how many that are.
fn cheapest(cost: &[f64], allowed: &[bool], rows: usize, columns: usize) -> (usize, f64) {
    fn search(
        row: usize,
        taken: &mut Vec<usize>,
        of: &dyn Fn(usize, usize) -> Option<f64>,
        size: (usize, usize),
    ) -> (usize, f64) {
        if row == size.0 {
            return (0, 0.0);
        }
        let mut best = search(row + 1, taken, of, size);
        for column in 0..size.1 {
            let Some(cost) = of(row, column).filter(|_| !taken.contains(&column)) else { continue };
            taken.push(column);
            let (count, rest) = search(row + 1, taken, of, size);
            taken.pop();
            if count + 1 > best.0 || (count + 1 == best.0 && rest + cost < best.1) {
                best = (count + 1, rest + cost);
            }
        }
        best
    }
    let of = |row: usize, column: usize| {
        let i = row * columns + column;
        (allowed[i] && cost[i].is_finite()).then_some(cost[i])
    };
    search(0, &mut vec![], &of, (rows, columns))
}

#[test]
fn assignments_are_the_cheapest_of_the_largest() {
    let stream = Stream::new("costs", 7, 0);
    let mut at = 0u64;
    let mut next = || {
        at += 1;
        stream.uniform(at)
    };
    for (rows, columns) in [(1, 1), (3, 3), (4, 6), (6, 4), (5, 5), (0, 3), (3, 0)] {
        for round in 0..20 {
            // A few costs only, so that there are ties; from none to most pairs are refused.
            let cost: Vec<f64> = (0..rows * columns).map(|_| (next() * 6.0).floor() - 2.0).collect();
            let allowed: Vec<bool> = cost.iter().map(|_| next() * 20.0 >= f64::from(round)).collect();
            let found = assignment::assign(&cost, &allowed, rows, columns);
            let pairs: Vec<(usize, usize)> = found
                .iter()
                .enumerate()
                .filter_map(|(row, column)| Some((row, usize::try_from(*column).ok()?)))
                .collect();
            let mut columns_taken: Vec<usize> = pairs.iter().map(|(_, column)| *column).collect();
            columns_taken.sort_unstable();
            columns_taken.dedup();
            assert_eq!(columns_taken.len(), pairs.len(), "no column twice: {found:?}");
            assert!(pairs.iter().all(|(row, column)| allowed[row * columns + column]), "{found:?}");
            let total = pairs.iter().map(|(row, column)| cost[row * columns + column]).sum::<f64>();
            assert_eq!(
                (pairs.len(), total),
                cheapest(&cost, &allowed, rows, columns),
                "{cost:?} {allowed:?}"
            );
        }
    }
}

#[test]
fn costs_that_are_not_finite_are_refused() {
    let cost = [f64::NAN, 5.0, f64::INFINITY, f64::NEG_INFINITY];
    assert_eq!(assignment::assign(&cost, &[true; 4], 2, 2), [1, -1]);
}

#[test]
fn each_sample_of_a_batch_is_assigned_alone() {
    let cost = HostTensor::new(vec![2, 2, 2], Buffer::F32(vec![1.0, 2.0, 3.0, 1.0, 5.0, 1.0, 1.0, 5.0]));
    let allowed = HostTensor::new(vec![2, 2, 2], Buffer::Bool(vec![true; 8]));
    let operands = [cost.expect("fits"), allowed.expect("fits")];
    assert_eq!(call("linear_assignment", &operands).expect("runs").to_f64(), [0.0, 1.0, 1.0, 0.0]);
}
