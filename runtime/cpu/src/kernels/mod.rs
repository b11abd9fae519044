//! Ops that are more than loops over elements.
//!
//! Operands are [`View`]s, results lie in row-major order. Whatever has no kernel here, or has a result that lies otherwise, is left to
//! the reference interpreter. All kernels use all cores and give the same result on any number of them.

mod axis;
mod bands;
mod conv;
mod copy;
mod deal;
mod dots;
mod kept;
mod matmul;
mod matrix;
pub(crate) mod micro;
mod panels;
mod pool;
mod product;
mod scatter;
mod scratch;
pub(crate) mod simd;
#[cfg(test)]
mod tests;
mod top;
pub(crate) mod vector;
mod view;
mod window;

use vspec_engine::EngineError;
use vspec_engine::host::check_labels;
use vspec_ir::plan::{Anchor, Plan, Value, ValueId};
use vspec_ir::{DType, HostFn, Op};

use crate::element::Element;
use crate::memory::Memory;
use axis::Around;
pub use conv::{Estimate, Method, estimates};
pub(crate) use kept::Kept;
use matrix::Matrices;
use scatter::{Before, scatter};
pub(crate) use scratch::Scratch;
use view::View;
use window::{Moves, Windows};

/// What an op reads and where its result goes.
struct Call<'a, T: Element> {
    plan: &'a Plan,
    memory: &'a Memory,
    anchor: &'a Anchor,
    result: ValueId,
    /// For convolutions whose weight is the same each time.
    kept: Option<&'a Kept<T>>,
}

/// Computes the result of an anchor, if there is a kernel for it.
///
/// # Errors
/// When an index lies outside its axis, or a label names no class.
pub(crate) fn run<T: Element>(
    plan: &Plan,
    memory: &Memory,
    anchor: &Anchor,
    (result, value): (ValueId, &Value),
    kept: Option<&Kept<T>>,
) -> Option<Result<(), EngineError>> {
    if !value.layout.is_dense() {
        return None;
    }
    let call = Call { plan, memory, anchor, result, kept };
    match &anchor.op {
        Op::Matmul {} => call.matmul(),
        Op::Conv { stride, padding, dilation, groups } => {
            call.conv(&Moves { stride, padding, dilation }, *groups, conv::conv)
        }
        Op::ConvInput { stride, padding, dilation, groups, .. } => {
            call.conv(&Moves { stride, padding, dilation }, *groups, conv::conv_input)
        }
        Op::ConvWeight { stride, padding, dilation, groups, .. } => {
            call.conv(&Moves { stride, padding, dilation }, *groups, |operands, result, moves, groups, _| {
                conv::conv_weight(operands, result, moves, groups);
            })
        }
        Op::MaxPool { kernel, stride, padding, dilation } => {
            call.max_pool(kernel, &Moves { stride, padding, dilation })
        }
        Op::MaxPoolIndex { kernel, stride, padding, dilation } => {
            call.max_pool_index(kernel, &Moves { stride, padding, dilation })
        }
        Op::AvgPool { kernel, stride, padding, count_padding } => {
            call.avg_pool(kernel, &Moves { stride, padding, dilation: &[] }, *count_padding)
        }
        Op::Cumsum { axis, reverse } => call.cumsum(*axis, *reverse),
        Op::Cumprod { axis } => call.cumprod(*axis),
        Op::Argsort { axis, descending } => call.argsort(*axis, *descending),
        Op::TopK { axis, descending, .. } => call.topk(*axis, *descending),
        Op::Argmax { axis } => call.argmax(*axis),
        Op::Concat { axis } => call.concat(*axis),
        Op::Scatter { axis } => call.scatter(*axis),
        Op::ScatterAdd { axis } => call.scatter_add(*axis),
        Op::HostCall { function } if **function == *HostFn::ClassLabels.name() => call.class_labels(),
        _ => None,
    }
}

/// A convolution or one of its transposes: two operands with their shapes, a result with its shape, how windows move, groups, and what it
/// makes of its weight.
type Convolution<T> = fn([(&[T], &[usize]); 2], (&mut [T], &[usize]), &Moves<'_>, i64, Option<&Kept<T>>);

impl<'a, T: Element> Call<'a, T> {
    /// An operand, with elements of its type.
    fn view<E: Copy + Send + Sync>(&self, operand: usize) -> View<'a, E> {
        View::of(self.plan, self.memory, &self.anchor.operands[operand])
    }

    fn dtype(&self, operand: usize) -> DType {
        self.plan.value(self.anchor.operands[operand].value).dtype
    }

    /// Where the result goes; none if that is memory of an operand.
    fn target<E: Copy>(&self) -> Option<&'a mut [E]> {
        let reads: Vec<ValueId> = self.anchor.operands.iter().map(|operand| operand.value).collect();
        self.memory.elements_mut(self.result, self.anchor.shape.iter().product(), &reads)
    }

    fn matmul(&self) -> Option<Result<(), EngineError>> {
        let [a, b] = [0, 1].map(|i| Matrices::of(self.plan, self.memory, &self.anchor.operands[i]));
        matmul::matmul::<T>(&a, &b, self.target()?);
        Some(Ok(()))
    }

    fn conv(&self, moves: &Moves<'_>, groups: i64, f: Convolution<T>) -> Option<Result<(), EngineError>> {
        let (a, b) = (self.view::<T>(0), self.view::<T>(1));
        let operands = [(&*a.dense(), a.shape.as_slice()), (&*b.dense(), b.shape.as_slice())];
        f(operands, (self.target()?, &self.anchor.shape), moves, groups, self.kept);
        Some(Ok(()))
    }

    /// The windows of a pooling over an operand.
    fn windows(&self, kernel: &[i64], moves: &Moves<'_>, x: &View<'_, T>) -> Windows {
        let kernel: Vec<usize> = kernel.iter().map(|k| *k as usize).collect();
        Windows::new(moves, &kernel, [&self.anchor.shape[2..], &x.shape[2..]])
    }

    fn max_pool(&self, kernel: &[i64], moves: &Moves<'_>) -> Option<Result<(), EngineError>> {
        let x = self.view(0);
        pool::max_pool(&self.windows(kernel, moves, &x), &x.dense(), self.target()?);
        Some(Ok(()))
    }

    fn max_pool_index(&self, kernel: &[i64], moves: &Moves<'_>) -> Option<Result<(), EngineError>> {
        let x = self.view(0);
        pool::max_pool_index(&self.windows(kernel, moves, &x), &x.dense(), self.target()?);
        Some(Ok(()))
    }

    fn avg_pool(&self, kernel: &[i64], moves: &Moves<'_>, padding: bool) -> Option<Result<(), EngineError>> {
        let x = self.view(0);
        let all = padding.then(|| kernel.iter().product::<i64>() as usize);
        pool::avg_pool(&self.windows(kernel, moves, &x), &x.dense(), self.target()?, all);
        Some(Ok(()))
    }

    fn around(&self, axis: i64) -> Around {
        Around::new(&self.anchor.operands[0].shape, axis)
    }

    fn cumsum(&self, axis: i64, reverse: bool) -> Option<Result<(), EngineError>> {
        let around = self.around(axis);
        match self.dtype(0) {
            DType::F32 => axis::cumsum::<T>(around, &self.view(0).dense(), self.target()?, reverse),
            DType::I32 => axis::cumsum_ints(around, &self.view(0).dense(), self.target()?, reverse),
            DType::Bool => return None,
        }
        Some(Ok(()))
    }

    fn cumprod(&self, axis: i64) -> Option<Result<(), EngineError>> {
        let around = self.around(axis);
        match self.dtype(0) {
            DType::F32 => axis::cumprod::<T>(around, &self.view(0).dense(), self.target()?),
            DType::I32 => axis::cumprod_ints(around, &self.view(0).dense(), self.target()?),
            DType::Bool => return None,
        }
        Some(Ok(()))
    }

    fn argsort(&self, axis: i64, descending: bool) -> Option<Result<(), EngineError>> {
        let around = self.around(axis);
        match self.dtype(0) {
            DType::F32 => axis::argsort::<T>(around, &self.view(0).dense(), self.target()?, descending),
            DType::I32 => axis::argsort_ints(around, &self.view(0).dense(), self.target()?, descending),
            DType::Bool => return None,
        }
        Some(Ok(()))
    }

    fn topk(&self, axis: i64, descending: bool) -> Option<Result<(), EngineError>> {
        let (around, k) = (self.around(axis), self.anchor.shape[axis as usize]);
        match self.dtype(0) {
            DType::F32 => top::topk::<T>(around, k, &self.view(0).dense(), self.target()?, descending),
            DType::I32 => top::topk_ints(around, k, &self.view(0).dense(), self.target()?, descending),
            DType::Bool => return None,
        }
        Some(Ok(()))
    }

    fn argmax(&self, axis: i64) -> Option<Result<(), EngineError>> {
        let around = self.around(axis);
        match self.dtype(0) {
            DType::F32 => axis::argmax::<T>(around, &self.view(0).dense(), self.target()?),
            DType::I32 => axis::argmax_ints(around, &self.view(0).dense(), self.target()?),
            DType::Bool => return None,
        }
        Some(Ok(()))
    }

    fn concat(&self, axis: i64) -> Option<Result<(), EngineError>> {
        match self.dtype(0) {
            DType::F32 => self.concat_of::<T>(axis),
            DType::I32 => self.concat_of::<i32>(axis),
            DType::Bool => self.concat_of::<u8>(axis),
        }
    }

    fn concat_of<E: Copy + Send + Sync>(&self, axis: i64) -> Option<Result<(), EngineError>> {
        let parts: Vec<View<'_, E>> = (0..self.anchor.operands.len()).map(|i| self.view(i)).collect();
        let dense: Vec<_> = parts.iter().map(View::dense).collect();
        let parts: Vec<&[E]> = dense.iter().map(|part| &**part).collect();
        axis::concat(self.around(axis).outer, &parts, self.target()?);
        Some(Ok(()))
    }

    /// Each step has labels, up to one a pixel: the reference would take its time over them.
    fn class_labels(&self) -> Option<Result<(), EngineError>> {
        let (labels, classes) = (self.view::<i32>(0), self.view::<i32>(1).one()?);
        let (labels, result) = (labels.dense(), self.target::<i32>()?);
        Some(check_labels(&labels, classes).map(|()| result.copy_from_slice(&labels)))
    }

    fn scatter(&self, axis: i64) -> Option<Result<(), EngineError>> {
        match self.dtype(0) {
            DType::F32 => self.scattered::<T>(axis, |_, new| new),
            DType::I32 => self.scattered::<i32>(axis, |_, new| new),
            DType::Bool => self.scattered::<u8>(axis, |_, new| new),
        }
    }

    fn scatter_add(&self, axis: i64) -> Option<Result<(), EngineError>> {
        match self.dtype(0) {
            DType::F32 => self.scattered(axis, T::add),
            DType::I32 => self.scattered(axis, i32::wrapping_add),
            DType::Bool => None,
        }
    }

    fn scattered<E: Copy + Send + Sync>(
        &self,
        axis: i64,
        f: impl Fn(E, E) -> E + Sync,
    ) -> Option<Result<(), EngineError>> {
        let (x, index, values) = (self.view::<E>(0), self.view::<i32>(1), self.view::<E>(2));
        let own = index.shape[axis as usize];
        let each;
        let before = match x.one() {
            Some(one) => Before::Same(one),
            None => {
                each = x.dense();
                Before::Each(&each)
            }
        };
        Some(scatter(self.around(axis), (before, &values.dense()), (&index.dense(), own), self.target()?, f))
    }
}
