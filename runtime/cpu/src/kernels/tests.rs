//! Kernels against the reference interpreter.

use proptest::prelude::*;
use vspec_engine::{Buffer, EngineError, HostTensor, Interpreter, Precision, RunKey, Sizes};
use vspec_ir::plan::{
    Anchor, Index, Instr, Kernel, Layout, Operand, Place, Plan, Reg, Region, Step, Value, ValueId,
};
use vspec_ir::{DType, Dim, Graph, Node, Op, Origin, Type};

use super::micro::{self, COLUMNS, ROWS};
use super::vector::{Isa, detected};
use crate::mode::Mode;
use crate::workers::with_threads;
use crate::{Data, Element, Elements, Executable, Fence, Variables};

/// Numbers in [-1, 1), the same ones each time.
pub(super) fn numbers(count: usize, seed: u64) -> Vec<f64> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f64 / f64::from(1 << 23) - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn floats(shape: &[usize], seed: u64) -> HostTensor {
    HostTensor::new(shape.to_vec(), Buffer::F64(numbers(shape.iter().product(), seed))).expect("fills")
}

fn ints(shape: &[usize], below: usize, seed: u64) -> HostTensor {
    let value = |x: f64| (((x + 1.0) / 2.0 * below as f64) as i32).min(below as i32 - 1);
    let values = numbers(shape.iter().product(), seed).into_iter().map(value).collect();
    HostTensor::new(shape.to_vec(), Buffer::I32(values)).expect("fills")
}

/// An op on operands, as a graph has it.
struct Case {
    op: Op,
    operands: Vec<HostTensor>,
    ty: Type,
    mode: Mode,
}

impl Case {
    /// None where the op does not take the operands.
    fn new(op: Op, operands: Vec<HostTensor>) -> Option<Case> {
        let mut graph = Graph::new("case");
        let mut input = |(i, tensor): (usize, &HostTensor)| {
            let dtype = match tensor.buffer() {
                Buffer::F32(_) | Buffer::F64(_) => DType::F32,
                Buffer::I32(_) => DType::I32,
                Buffer::Bool(_) => DType::Bool,
            };
            let shape = tensor.shape().iter().map(|n| Dim::from(*n)).collect();
            graph.add(Op::Input { name: format!("x{i}").into(), dtype, shape }, &[], Origin::default()).ok()
        };
        let inputs: Option<Vec<_>> = operands.iter().enumerate().map(&mut input).collect();
        let id = graph.add(op.clone(), &inputs?, Origin::default()).ok()?;
        Some(Case { op, operands, ty: graph.node(id).ty.clone(), mode: Mode::BEST })
    }

    fn shape(&self) -> Vec<usize> {
        Sizes::default().shape(&self.ty.shape).expect("constant")
    }

    fn reference(&self) -> Result<Vec<f64>, EngineError> {
        let node =
            Node { op: self.op.clone(), inputs: vec![], ty: self.ty.clone(), origin: Origin::default() };
        let key = RunKey { seed: 0, step: 0 };
        let result =
            Interpreter::new(Precision::F64).evaluate(&node, &self.operands, &Sizes::default(), key)?;
        Ok(result.to_f64())
    }

    /// A plan whose only kernel is the op. `turned` operands lie with their last two axes exchanged.
    fn plan(&self, turned: bool) -> Plan {
        let mut values = vec![];
        let mut operands = vec![];
        for (i, tensor) in self.operands.iter().enumerate() {
            let shape = tensor.shape().to_vec();
            let mut order: Vec<usize> = (0..shape.len()).collect();
            if turned && shape.len() > 1 {
                order.swap(shape.len() - 1, shape.len() - 2);
            }
            let dtype = match tensor.buffer() {
                Buffer::F32(_) | Buffer::F64(_) => DType::F32,
                Buffer::I32(_) => DType::I32,
                Buffer::Bool(_) => DType::Bool,
            };
            let at = (0..shape.len()).map(|axis| Index::counter(axis, &shape)).collect();
            operands.push(Operand { value: ValueId(i as u32), shape: shape.clone(), at });
            let (layout, place) = (Layout { order, block: None }, Place::Input(format!("x{i}").into()));
            values.push(Value { origin: Origin::default(), dtype, shape, layout, place });
        }
        let (shape, result) = (self.shape(), ValueId(values.len() as u32));
        values.push(Value {
            origin: Origin::default(),
            dtype: self.ty.dtype,
            shape: shape.clone(),
            layout: Layout::dense(shape.len()),
            place: Place::Arena(0),
        });
        let at = (0..shape.len()).map(|axis| Index::counter(axis, &shape)).collect();
        let step = |instr| Step { instr, dtype: self.ty.dtype, inner: true, pass: 0 };
        let steps = vec![step(Instr::Anchor), step(Instr::Store { value: result, at, from: Reg(0) })];
        let region = Region { extents: shape.clone(), outer: shape.len(), steps };
        let anchor = Anchor { op: self.op.clone(), operands, shape, dtype: self.ty.dtype };
        let arena = values[result.index()].bytes().max(1);
        let outputs = vec![vspec_ir::plan::PlanOutput {
            name: "y".into(),
            kind: vspec_ir::OutputKind::Value,
            value: result,
        }];
        let kernels = vec![Kernel { origins: vec![], anchor: Some(anchor), region }];
        Plan { name: "case".to_string(), values, kernels, outputs, arena }
    }

    /// The elements of an operand in the order of their value.
    fn laid(&self, i: usize, turned: bool) -> Vec<f64> {
        let (tensor, all) = (&self.operands[i], self.operands[i].to_f64());
        let rank = tensor.shape().len();
        if !turned || rank < 2 {
            return all;
        }
        let (rows, columns) = (tensor.shape()[rank - 2], tensor.shape()[rank - 1]);
        let matrix = rows * columns;
        let place = |flat: usize| flat / matrix * matrix + flat % rows * columns + flat % matrix / rows;
        (0..all.len()).map(|flat| all[place(flat)]).collect()
    }

    fn run<T: Element>(&self, turned: bool) -> Result<Vec<f64>, EngineError> {
        self.run_in::<T>(self.mode, turned)
    }

    fn run_in<T: Element>(&self, mode: Mode, turned: bool) -> Result<Vec<f64>, EngineError> {
        let mut executable = Executable::<T>::new(self.plan(turned), mode).expect("a good plan");
        let data: Vec<Data<T>> = (0..self.operands.len())
            .map(|i| {
                let laid = self.laid(i, turned);
                match self.operands[i].buffer() {
                    Buffer::F32(_) | Buffer::F64(_) => Data::Float(laid.into_iter().map(T::of).collect()),
                    Buffer::I32(_) => Data::Int(laid.into_iter().map(|x| x as i32).collect()),
                    Buffer::Bool(_) => Data::Bool(laid.into_iter().map(|x| x != 0.0).collect()),
                }
            })
            .collect();
        let names: Vec<String> = (0..data.len()).map(|i| format!("x{i}")).collect();
        let inputs = names.iter().zip(&data).map(|(name, data)| (name.as_str(), data.elements())).collect();
        let results = executable.run(&inputs, &mut Variables::new(), RunKey { seed: 0, step: 0 })?;
        Ok(match results[0].elements() {
            Elements::Float(v) => v.iter().map(|x| x.wide()).collect(),
            Elements::Int(v) => v.iter().map(|x| f64::from(*x)).collect(),
            Elements::Bool(v) => v.iter().map(|x| f64::from(u8::from(*x))).collect(),
        })
    }

    /// Largest distance from the reference in the two precisions; sums have about `terms` terms.
    fn errors(&self, turned: bool) -> Result<[f64; 2], TestCaseError> {
        let want = self.reference().expect("has a value");
        let worst = |got: Vec<f64>| {
            assert_eq!(got.len(), want.len());
            let apart = |(g, w): (&f64, &f64)| match g == w || g.is_nan() && w.is_nan() {
                true => 0.0,
                false => (g - w).abs(),
            };
            // NaN would be lost in a maximum.
            got.iter().zip(&want).map(apart).fold(0.0, |a, b| if b.is_nan() || b > a { b } else { a })
        };
        let fail = |error: EngineError| TestCaseError::fail(error.to_string());
        Ok([worst(self.run::<f64>(turned).map_err(fail)?), worst(self.run::<f32>(turned).map_err(fail)?)])
    }

    fn check(&self, turned: bool, scale: f64) -> Result<(), TestCaseError> {
        let [double, single] = self.errors(turned)?;
        prop_assert!(double <= 1e-14 * scale, "f64 is off by {double} in {:?}", self.op);
        prop_assert!(single <= 2e-6 * scale, "f32 is off by {single} in {:?}", self.op);
        Ok(())
    }

    /// For ways of computing that round more than a sum does: errors of single precision, as parts of the result's root mean square.
    fn check_rounding(&self) -> Result<(), TestCaseError> {
        let fail = |error: EngineError| TestCaseError::fail(error.to_string());
        let (want, got) = (self.reference().map_err(fail)?, self.run::<f32>(false).map_err(fail)?);
        prop_assert_eq!(want.len(), got.len());
        let square = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>() / values.len().max(1) as f64;
        let off: Vec<f64> = want.iter().zip(&got).map(|(want, got)| want - got).collect();
        let size = square(&want).sqrt();
        let (mean, most) =
            (square(&off).sqrt() / size, off.iter().fold(0.0f64, |most, e| most.max(e.abs())) / size);
        prop_assert!(mean <= 1e-5, "f32 is off by {mean} of the result in {:?}", self.op);
        prop_assert!(most <= 1e-4, "an element is off by {most} of the result in {:?}", self.op);
        Ok(())
    }

    /// The same bits with every value and all memory of kernels beside pages that nobody may touch: a kernel that leaves its operands, or
    /// its result, ends the program here.
    fn check_fences(&self, turned: bool) -> Result<(), TestCaseError> {
        if cfg!(not(unix)) {
            return Ok(());
        }
        let bits = |values: Result<Vec<f64>, EngineError>| {
            let plain = |x: f64| if x.is_nan() { f64::NAN.to_bits() } else { x.to_bits() };
            values.map(|values| values.into_iter().map(plain).collect::<Vec<_>>())
        };
        let sets = [Isa::Baseline, Isa::Avx2, Isa::Avx512];
        for isa in sets.into_iter().filter(|isa| *isa <= self.mode.isa.min(detected())) {
            let mode = Mode { isa, ..self.mode };
            let want = bits(self.run_in::<f32>(mode, turned));
            for fence in [Fence::Before, Fence::Behind].map(Some) {
                let got = bits(self.run_in::<f32>(Mode { fence, ..mode }, turned));
                prop_assert!(got == want, "{:?} beside {:?} with {:?}", self.op, fence, isa);
            }
        }
        let want = bits(self.run::<f64>(turned));
        for fence in [Fence::Before, Fence::Behind].map(Some) {
            let got = bits(self.run_in::<f64>(Mode { fence, ..self.mode }, turned));
            prop_assert!(got == want, "{:?} beside {:?} in double precision", self.op, fence);
        }
        Ok(())
    }

    /// Single precision on one thread and on two, bit by bit.
    fn assert_same_on_threads(&self) {
        let on = |threads| with_threads(threads, || self.run::<f32>(false)).expect("runs");
        let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(on(1)), bits(on(2)), "{:?}", self.op);
    }
}

fn dims(sizes: &[usize]) -> Vec<Dim> {
    sizes.iter().map(|n| Dim::from(*n)).collect()
}

/// A convolution over axes of `[size, kernel, stride, low, high, dilation]`, and both of its transposes.
fn convolutions(
    images: usize,
    groups: usize,
    [own, shared]: [usize; 2],
    axes: &[[usize; 6]],
) -> Option<[Case; 3]> {
    let along = |i: usize| axes.iter().map(|axis| axis[i] as i64).collect::<Vec<i64>>();
    let sizes = |i: usize| axes.iter().map(|axis| axis[i]).collect::<Vec<usize>>();
    let padding: Vec<[i64; 2]> = axes.iter().map(|axis| [axis[3] as i64, axis[4] as i64]).collect();
    let (stride, dilation, groups_attr) = (along(2), along(5), groups as i64);
    let shape = |first: usize, second: usize, rest: Vec<usize>| [vec![first, second], rest].concat();
    let x = floats(&shape(images, own * groups, sizes(0)), 1);
    let w = floats(&shape(shared * groups, own, sizes(1)), 2);
    let op = Op::Conv {
        stride: stride.clone(),
        padding: padding.clone(),
        dilation: dilation.clone(),
        groups: groups_attr,
    };
    let forward = Case::new(op, vec![x.clone(), w.clone()])?;
    let y = floats(&forward.shape(), 3);
    let op = Op::ConvInput {
        stride: stride.clone(),
        padding: padding.clone(),
        dilation: dilation.clone(),
        groups: groups_attr,
        size: dims(&sizes(0)),
    };
    let input = Case::new(op, vec![y.clone(), w])?;
    let op = Op::ConvWeight { stride, padding, dilation, groups: groups_attr, kernel: dims(&sizes(1)) };
    let weight = Case::new(op, vec![x, y])?;
    Some([forward, input, weight])
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

fn axis() -> impl Strategy<Value = [usize; 6]> {
    (1usize..9, 1usize..4, 1usize..4, 0usize..3, 0usize..3, 1usize..3)
        .prop_map(|(size, kernel, stride, low, high, dilation)| [size, kernel, stride, low, high, dilation])
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn convolutions_and_their_transposes(
        images in 1usize..4,
        groups in 1usize..4,
        own in 1usize..6,
        shared in 1usize..11,
        axes in prop::collection::vec(axis(), 1..4),
        turned: bool,
    ) {
        let Some(cases) = convolutions(images, groups, [own, shared], &axes) else { return Ok(()) };
        for case in cases {
            case.check(turned, 10.0)?;
            case.check_fences(turned)?;
        }
    }

    #[test]
    fn wide_convolutions_with_windows_of_3x3(
        images in 1usize..4,
        groups in 1usize..3,
        own in 16usize..36,
        shared in 16usize..36,
        sizes in prop::array::uniform2(1usize..14),
        low in prop::array::uniform2(0usize..4),
        high in prop::array::uniform2(0usize..4),
    ) {
        let axis = |i: usize| [sizes[i], 3, 1, low[i], high[i], 1];
        let Some(cases) = convolutions(images, groups, [own, shared], &[axis(0), axis(1)]) else {
            return Ok(());
        };
        for case in cases {
            case.check_rounding()?;
            case.check_fences(false)?;
        }
    }

    #[test]
    fn convolutions_with_many_outputs(
        images in 1usize..6,
        groups in 1usize..3,
        own in 0usize..4,
        many in 24usize..40,
        axes in prop::array::uniform2(axis()),
    ) {
        // The transpose in the input has the many on the other side.
        for sides in [[own, many], [many, own]] {
            let Some(cases) = convolutions(images, groups, sides, &axes) else { return Ok(()) };
            for case in cases {
                case.check(false, 10.0)?;
            }
        }
    }

    #[test]
    fn products_of_matrices(
        batch in prop::collection::vec(1usize..4, 0..3),
        rows in 0usize..40,
        terms in 0usize..40,
        columns in 0usize..40,
        turned: bool,
    ) {
        let shape = |a, b| [batch.clone(), vec![a, b]].concat();
        let operands = vec![floats(&shape(rows, terms), 1), floats(&shape(terms, columns), 2)];
        let case = Case::new(Op::Matmul {}, operands).expect("fits");
        case.check(turned, 10.0)?;
        case.check_fences(turned)?;
    }

    #[test]
    fn poolings(
        images in 1usize..3,
        axes in prop::collection::vec(axis(), 1..4),
        coarse: bool,
        nan: bool,
        count_padding: bool,
        turned: bool,
    ) {
        let along = |i: usize| axes.iter().map(|axis| axis[i] as i64).collect::<Vec<i64>>();
        let half = |axis: &[usize; 6]| [axis[3].min(axis[1] / 2) as i64, axis[4].min(axis[1] / 2) as i64];
        let padding: Vec<[i64; 2]> = axes.iter().map(half).collect();
        let shape = [vec![images, 3], axes.iter().map(|axis| axis[0]).collect()].concat();
        let mut values = numbers(shape.iter().product(), 1);
        if coarse {
            // Many are equal.
            values.iter_mut().for_each(|v| *v = (*v * 2.0).round());
        }
        if nan {
            values.iter_mut().step_by(5).for_each(|v| *v = f64::NAN);
        }
        let x = HostTensor::new(shape, Buffer::F64(values)).expect("fills");
        let (kernel, stride, dilation) = (along(1), along(2), along(5));
        let ops = [
            Op::MaxPool { kernel: kernel.clone(), stride: stride.clone(), padding: padding.clone(), dilation: dilation.clone() },
            Op::MaxPoolIndex { kernel: kernel.clone(), stride: stride.clone(), padding: padding.clone(), dilation },
            Op::AvgPool { kernel, stride, padding, count_padding },
        ];
        for op in ops {
            if let Some(case) = Case::new(op, vec![x.clone()]) {
                case.check(turned, 1.0)?;
                case.check_fences(turned)?;
            }
        }
    }

    #[test]
    fn ops_along_an_axis(
        shape in prop::collection::vec(1usize..7, 1..4),
        axis in 0usize..3,
        n in 0usize..9,
        coarse: bool,
        turned: bool,
    ) {
        let axis = axis % shape.len();
        let mut values = numbers(shape.iter().product(), 1);
        if coarse {
            values.iter_mut().for_each(|v| *v = (*v * 2.0).round());
            values.iter_mut().step_by(4).for_each(|v| *v = f64::NAN);
        }
        let x = HostTensor::new(shape.clone(), Buffer::F64(values)).expect("fills");
        let whole = ints(&shape, 9, 4);
        let along = axis as i64;
        let mut ops = vec![(Op::Cumprod { axis: along }, x.clone()), (Op::Cumprod { axis: along }, whole.clone())];
        for x in [&x, &whole] {
            ops.push((Op::Argmax { axis: along }, x.clone()));
        }
        for flag in [false, true] {
            for x in [&x, &whole] {
                ops.push((Op::Cumsum { axis: along, reverse: flag }, x.clone()));
                ops.push((Op::Argsort { axis: along, descending: flag }, x.clone()));
                let k = Dim::from(n.min(shape[axis]));
                ops.push((Op::TopK { axis: along, k, descending: flag }, x.clone()));
            }
        }
        for (op, x) in ops {
            let case = Case::new(op, vec![x]).expect("fits");
            case.check(turned, 4.0)?;
            case.check_fences(turned)?;
        }
        let mut named = shape.clone();
        named[axis] = n;
        let (index, values) = (ints(&named, shape[axis], 5), floats(&named, 6));
        for op in [Op::Scatter { axis: along }, Op::ScatterAdd { axis: along }] {
            let case = Case::new(op.clone(), vec![x.clone(), index.clone(), values.clone()]).expect("fits");
            case.check(turned, 4.0)?;
            case.check_fences(turned)?;
            let case = Case::new(op, vec![whole.clone(), index.clone(), ints(&named, 9, 7)]).expect("fits");
            case.check(turned, 4.0)?;
            case.check_fences(turned)?;
        }
        let case = Case::new(Op::Concat { axis: along }, vec![x, floats(&named, 8), floats(&shape, 9)]);
        let case = case.expect("fits");
        case.check(turned, 1.0)?;
        case.check_fences(turned)?;
    }
}

/// Maps that are cut into rows, at which a task may begin, and more terms than are gone through at a time.
#[test]
fn convolutions_of_large_maps() {
    let axis = |size, kernel, stride, dilation| [size, kernel, stride, kernel / 2, kernel / 2, dilation];
    let axes = [
        [axis(40, 3, 2, 1), axis(37, 3, 2, 1)],
        [axis(50, 7, 2, 1), axis(33, 7, 2, 1)],
        [axis(35, 5, 1, 2), axis(41, 4, 1, 1)],
        [axis(47, 2, 3, 1), axis(40, 3, 1, 1)],
    ];
    for axes in axes {
        for sides in [[3, 32], [32, 3], [33, 32]] {
            for case in convolutions(2, 1, sides, &axes).expect("fits") {
                case.check(false, 200.0).expect("is close");
                case.assert_same_on_threads();
            }
        }
    }
}

/// Rows that are longer than what is kept of them: of few numbers, each many times, of which some are NaN and zeros have both signs; in
/// order; and of columns beside each other, more than one thread takes.
#[test]
fn the_first_of_many_are_those_of_a_sort() {
    let values = |count: usize, kind: usize| -> Vec<f64> {
        let drawn = numbers(count, kind as u64 + 1).into_iter().enumerate();
        let value = |(i, x): (usize, f64)| match kind {
            0 => x,
            1 => (x * 4.0).round() * 0.5,
            2 if i % 3 == 0 => f64::NAN,
            2 => (x * 2.0).round() * f64::INFINITY * 0.5,
            3 => i as f64,
            4 => -(i as f64),
            _ => f64::NAN,
        };
        drawn.map(value).collect()
    };
    for (shape, axis) in [([3, 700, 1], 1), ([2, 300, 5], 1), ([1, 200, 150], 1), ([9, 130, 70], 1)] {
        for kind in 0..6 {
            let count = shape.iter().product();
            let x = HostTensor::new(shape.to_vec(), Buffer::F64(values(count, kind))).expect("fills");
            let coarse = ints(&shape, 40, kind as u64);
            for k in [0, 1, 13, shape[1] - 1, shape[1]] {
                for (x, descending) in [(&x, true), (&x, false), (&coarse, true), (&coarse, false)] {
                    let op = Op::TopK { axis, k: Dim::from(k), descending };
                    let case = Case::new(op, vec![x.clone()]).expect("fits");
                    case.check(kind % 2 == 0, 0.0).expect("agrees");
                    case.assert_same_on_threads();
                }
            }
        }
    }
}

/// Larger than the blocks of every kernel.
fn large() -> Vec<Case> {
    let mut cases = vec![];
    let axis = |size, kernel, stride, pad, dilation| [size, kernel, stride, pad, pad, dilation];
    for (images, groups, channels, axes) in [
        (3, 1, [40, 75], [axis(17, 3, 1, 1, 1); 2]),
        (2, 1, [70, 36], [axis(9, 3, 2, 1, 1); 2]),
        (9, 1, [33, 150], [axis(4, 1, 1, 0, 1); 2]),
        (2, 1, [3, 16], [axis(40, 7, 2, 3, 1); 2]),
        (2, 24, [1, 1], [axis(33, 5, 1, 4, 2); 2]),
        (2, 6, [1, 2], [axis(33, 3, 2, 1, 1); 2]),
        (3, 40, [1, 1], [axis(7, 3, 1, 1, 1); 2]),
        (3, 1, [20, 30], [axis(12, 1, 1, 0, 1); 2]),
    ] {
        cases.extend(convolutions(images, groups, channels, &axes).expect("fits"));
    }
    for [rows, terms, columns] in [[100, 600, 300], [1, 700, 90], [300, 520, 10], [900, 300, 33]] {
        let operands = vec![floats(&[2, rows, terms], 1), floats(&[2, terms, columns], 2)];
        cases.extend(Case::new(Op::Matmul {}, operands));
    }
    let (index, values) = (ints(&[5000, 9], 40, 3), floats(&[5000, 9], 4));
    cases.extend(Case::new(Op::ScatterAdd { axis: 0 }, vec![floats(&[40, 9], 5), index, values]));
    // Rows of one index each, but for every tenth, which goes to several places.
    let place = |i: i32| (i / 20 * 7 + if i / 20 % 10 == 0 { i % 20 } else { 0 }) % 40;
    let index = HostTensor::new(vec![900, 20], Buffer::I32((0..18_000).map(place).collect())).expect("fills");
    let values = floats(&[900, 20], 6);
    cases.extend(Case::new(Op::ScatterAdd { axis: 0 }, vec![floats(&[40, 20], 5), index, values]));
    // More blocks than are updated side by side.
    let (index, values) = (ints(&[7, 3000], 50, 3), floats(&[7, 3000], 4));
    cases.extend(Case::new(Op::ScatterAdd { axis: 1 }, vec![floats(&[7, 50], 5), index, values]));
    cases
}

#[test]
fn large_ones_agree_and_do_not_depend_on_threads() {
    let sets = [(Isa::Baseline, false), (Isa::Avx2, false), (Isa::Avx512, true), (Isa::Avx512, false)];
    for (own, sums) in sets {
        for mut case in large() {
            case.mode = Mode { exact: sums, ..Mode::only(own) };
            for turned in [false, true] {
                case.check(turned, if sums { 100.0 } else { 400.0 }).expect("agrees");
            }
            case.assert_same_on_threads();
        }
    }
}

#[test]
fn large_ones_stay_within_fences() {
    for mut case in large() {
        for exact in [false, true] {
            case.mode = Mode { exact, ..Mode::BEST };
            case.check_fences(exact).expect("stays within");
        }
    }
}

#[test]
fn an_index_outside_is_an_error() {
    for bad in [-1, 3] {
        let index = HostTensor::new(vec![2], Buffer::I32(vec![0, bad])).expect("fills");
        let case = Case::new(Op::ScatterAdd { axis: 0 }, vec![floats(&[3], 1), index, floats(&[2], 2)])
            .expect("fits");
        assert_eq!(case.run::<f32>(false), case.reference());
        assert!(case.reference().is_err());
    }
}

#[test]
fn every_set_of_instructions_multiplies_blocks() {
    let single = |count, seed| numbers(count, seed).into_iter().map(|x| x as f32).collect::<Vec<f32>>();
    let terms = 37;
    let (a, b) = (single(terms * ROWS, 1), single(terms * COLUMNS, 2));
    for own in [Isa::Baseline, Isa::Avx2, Isa::Avx512].into_iter().filter(|own| *own <= detected()) {
        for columns in [1, 8, 16, 17, 31, COLUMNS] {
            for (rows, before) in [(ROWS, None), (ROWS, Some(0.5)), (3, None), (5, Some(-2.0))] {
                let mut c = [[before.unwrap_or(f32::NAN); COLUMNS + 1]; ROWS];
                let mut to = c.each_mut().map(|row| &mut row[..columns]);
                micro::block(own, &a, &b, &mut to[..rows], before.is_some());
                for (i, j) in (0..ROWS).flat_map(|i| (0..=COLUMNS).map(move |j| (i, j))) {
                    let product = |k: usize| f64::from(a[k * ROWS + i]) * f64::from(b[k * COLUMNS + j]);
                    let sum = || (0..terms).map(product).sum::<f64>();
                    let is_own = i < rows && j < columns;
                    let added = if is_own { sum() } else { 0.0 };
                    let right = match before {
                        None if !is_own => c[i][j].is_nan(),
                        before => (f64::from(c[i][j] - before.unwrap_or(0.0)) - added).abs() < 1e-5,
                    };
                    assert!(right, "{own:?} {i} {j} of {rows} x {columns} onto {before:?}");
                }
            }
        }
    }
}
