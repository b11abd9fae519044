//! The op table: each op declared once.
//!
//! `Name "text" (operand: accepted types in sample domain, ..; variadic) { attribute: type }`,
//! then class, effect, gradient, the rule for the result type, the constraints that the rule checks
//! (`c1`, `c2`, .. in order) and instances for the tests.

use std::sync::Arc;

use super::decl::{
    Accepts, Attr, AttrDecl, AttrError, AttrType, Domain, Effect, Gradient, OpClass, OpDecl, OperandDecl,
    ops, take_attr,
};
use crate::infer::{control, elementwise, gather, matmul, reduce, source, view, window};
use crate::{DType, Dim, Literal};

ops! {
    // ---- sources ---------------------------------------------------------------------------------------------------

    /// A value given at each run: a field of a batch, or the run clock.
    Input "input" () { name: Arc<str>, dtype: DType, shape: Vec<Dim> }
        Source Reads grad Zero by source::input
        where ["sizes are not negative"] samples []

    /// The current value of a trained parameter.
    Param "param" () { path: Arc<str>, shape: Vec<Dim> }
        Source Reads grad Zero by source::param
        where ["the shape is constant"] samples []

    /// The current value of a state, such as a running mean.
    State "state" () { path: Arc<str>, dtype: DType, shape: Vec<Dim> }
        Source Reads grad Zero by source::state
        where ["the shape is constant"] samples []

    /// A literal tensor.
    Constant "constant" () { value: Literal }
        Source Pure grad Zero by source::constant
        where ["the number of values fits the shape", "values are of the element type"]
        samples ["() value=f32[2, 2]{1, -2, 0.5, 3}"]

    /// One number everywhere.
    Full "full" () { value: f64, dtype: DType, shape: Vec<Dim> }
        Source Pure grad Zero by source::full
        where ["sizes are not negative", "the value is of the element type"]
        samples ["() value=0.5 dtype=f32 shape=[2, 3]"]

    /// A size as a scalar, known when sizes are bound.
    Size "size" () { value: Dim, dtype: DType }
        Source Pure grad Zero by source::size
        where ["the type is a number"] samples ["() value=7 dtype=f32", "() value=7 dtype=i32"]

    /// The index along one axis: 0, 1, 2, ..
    Iota "iota" () { shape: Vec<Dim>, axis: i64 }
        Source Pure grad Zero by source::iota
        where ["the axis exists", "sizes are not negative"] samples ["() shape=[3, 4] axis=1"]

    /// Uniform numbers in [0, 1), drawn from the named stream.
    Uniform "uniform" () { shape: Vec<Dim>, stream: Arc<str> }
        Random Random grad Zero by source::random
        where ["sizes are not negative"] samples ["() shape=[4, 5] stream=\"noise\""]

    /// Standard normal numbers, drawn from the named stream.
    Normal "normal" () { shape: Vec<Dim>, stream: Arc<str> }
        Random Random grad Zero by source::random
        where ["sizes are not negative"] samples ["() shape=[4, 5] stream=\"noise\""]

    // ---- elementwise, one operand ----------------------------------------------------------------------------------

    /// `-x`
    Neg "neg" (x: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])", "(i32[4])"]

    /// `|x|`, with gradient 0 at 0.
    Abs "abs" (x: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])", "(i32[4])"]

    /// -1, 0 or 1.
    Sign "sign" (x: Number in Real) {}
        Elementwise Pure grad Zero by elementwise::same where [] samples ["(f32[2, 3])", "(i32[4])"]

    /// `e^x`
    Exp "exp" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Natural logarithm.
    Log "log" (x: Float in Positive) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// `log(1 + x)`, precise for small `x`.
    Log1p "log1p" (x: Float in Positive) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Square root.
    Sqrt "sqrt" (x: Float in Positive) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Sine of an angle in radians.
    Sin "sin" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Cosine of an angle in radians.
    Cos "cos" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Angle in (-pi/2, pi/2) whose tangent is `x`, in radians.
    Atan "atan" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Hyperbolic tangent.
    Tanh "tanh" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// `1 / (1 + e^-x)`
    Sigmoid "sigmoid" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Gauss error function.
    Erf "erf" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// `max(x, 0)`, with gradient 0 at 0.
    Relu "relu" (x: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Largest integer that is not above `x`.
    Floor "floor" (x: Float in Real) {}
        Elementwise Pure grad Zero by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Logical negation.
    Not "not" (x: Bool in Real) {}
        Elementwise Pure grad Zero by elementwise::same where [] samples ["(bool[2, 3])"]

    /// Another element type: floats truncate towards zero, and anything but 0 is true.
    Cast "cast" (x: Any in Real) { dtype: DType }
        Elementwise Pure grad Yes by elementwise::cast
        where [] samples ["(f32[2, 3]) dtype=i32", "(i32[4]) dtype=f32", "(bool[4]) dtype=f32", "(f32[4]) dtype=bool", "(f32[4]) dtype=f32"]

    // ---- elementwise, several operands: trailing axes align, only a literal 1 broadcasts ---------------------------

    /// `a + b`
    Add "add" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3, 4], f32[3, 1])", "(f32[1, 3], f32[2, 1])", "(f32[2, 3], f32[3])", "(i32[4], i32[])"]

    /// `a - b`
    Sub "sub" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[3, 1], f32[2, 3, 4])", "(f32[], f32[2])"]

    /// `a * b`
    Mul "mul" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3, 4, 5], f32[1, 3, 1, 1])", "(i32[4], i32[4])"]

    /// `a / b`; integers round towards minus infinity.
    Div "div" (a: Number in Real, b: Number in NonZero) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3], f32[])", "(f32[3, 1], f32[2, 3, 2])", "(f32[3], f32[2, 3])", "(i32[4], i32[4])"]

    /// Remainder with the sign of `b`: `a - floor(a / b) b`. Its gradient is 1 by `a` and `-floor(a / b)` by `b`, at a jump as well.
    Rem "rem" (a: Number in Real, b: Number in NonZero) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(i32[4], i32[4])"]

    /// `a` to the power `b`; `b` gets no gradient where `a` is not positive.
    Pow "pow" (a: Float in Positive, b: Float in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3], f32[])"]

    /// Angle in [-pi, pi] of the point with ordinate `a` and abscissa `b`, in radians.
    Atan2 "atan2" (a: Float in Real, b: Float in NonZero) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3], f32[3])"]

    /// The larger one; at a tie the gradient is shared equally.
    Max "max" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3], f32[3])", "(i32[4], i32[4])"]

    /// The smaller one; at a tie the gradient is shared equally.
    Min "min" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Yes by elementwise::arithmetic
        where ["element types agree", "shapes broadcast"]
        samples ["(f32[2, 3], f32[2, 3])", "(f32[2, 3], f32[3])", "(i32[4], i32[4])"]

    /// Whether `a == b`.
    Eq "eq" (a: Any in Real, b: Any in Real) {}
        Elementwise Pure grad Zero by elementwise::comparison
        where ["element types agree", "shapes broadcast"]
        samples ["(i32[5, 1], i32[4])", "(f32[4], f32[4])", "(bool[4], bool[4])"]

    /// Whether `a < b`.
    Lt "lt" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Zero by elementwise::comparison
        where ["element types agree", "shapes broadcast"] samples ["(f32[5, 1], f32[4])", "(i32[4], i32[4])"]

    /// Whether `a <= b`.
    Le "le" (a: Number in Real, b: Number in Real) {}
        Elementwise Pure grad Zero by elementwise::comparison
        where ["element types agree", "shapes broadcast"] samples ["(f32[5, 1], f32[4])", "(i32[4], i32[4])"]

    /// Logical conjunction.
    And "and" (a: Bool in Real, b: Bool in Real) {}
        Elementwise Pure grad Zero by elementwise::comparison
        where ["element types agree", "shapes broadcast"] samples ["(bool[5, 1], bool[4])"]

    /// Logical disjunction.
    Or "or" (a: Bool in Real, b: Bool in Real) {}
        Elementwise Pure grad Zero by elementwise::comparison
        where ["element types agree", "shapes broadcast"] samples ["(bool[5, 1], bool[4])"]

    /// `a` where the mask is true, `b` elsewhere.
    Where "where" (mask: Bool in Real, a: Any in Real, b: Any in Real) {}
        Elementwise Pure grad Yes by elementwise::select
        where ["element types of the branches agree", "shapes broadcast"]
        samples ["(bool[2, 3], f32[2, 3], f32[2, 3])", "(bool[3], f32[2, 1], f32[])"]

    // ---- reductions ------------------------------------------------------------------------------------------------

    /// Sum over axes; an empty sum is 0.
    Sum "sum" (x: Number in Real) { axes: Vec<i64>, keepdims: bool }
        Reduce Pure grad Yes by reduce::fold
        where ["axes exist, increase and are distinct"]
        samples ["(f32[2, 3, 4]) axes=[1] keepdims=false", "(f32[2, 3, 4]) axes=[0, 2] keepdims=true", "(i32[4]) axes=[0] keepdims=false"]

    /// Mean over axes; an empty mean is 0.
    Mean "mean" (x: Float in Real) { axes: Vec<i64>, keepdims: bool }
        Reduce Pure grad Yes by reduce::fold
        where ["axes exist, increase and are distinct"]
        samples ["(f32[2, 3, 4]) axes=[1] keepdims=false", "(f32[2, 3, 4]) axes=[0, 1, 2] keepdims=false", "(f32[2, 3, 4]) axes=[0, 2] keepdims=true"]

    /// Largest element over axes; the gradient goes to the first of equal elements.
    ReduceMax "reduce_max" (x: Number in Real) { axes: Vec<i64>, keepdims: bool }
        Reduce Pure grad Yes by reduce::fold
        where ["axes exist, increase and are distinct"]
        samples ["(f32[2, 3, 4]) axes=[1] keepdims=false", "(f32[2, 3, 4]) axes=[0, 2] keepdims=true"]

    /// Smallest element over axes; the gradient goes to the first of equal elements.
    ReduceMin "reduce_min" (x: Number in Real) { axes: Vec<i64>, keepdims: bool }
        Reduce Pure grad Yes by reduce::fold
        where ["axes exist, increase and are distinct"]
        samples ["(f32[2, 3, 4]) axes=[1] keepdims=false", "(f32[2, 3, 4]) axes=[0, 2] keepdims=true"]

    /// Index of the largest element along an axis, the first of equal ones; the axis goes away.
    Argmax "argmax" (x: Number in Real) { axis: i64 }
        Reduce Pure grad Zero by reduce::arg
        where ["the axis exists"] samples ["(f32[2, 3, 4]) axis=1"]

    /// Sums along an axis up to each element, which is included; from the end when `reverse`.
    Cumsum "cumsum" (x: Number in Real) { axis: i64, reverse: bool }
        Scan Pure grad Yes by reduce::scan
        where ["the axis exists"]
        samples ["(f32[2, 3, 4]) axis=1 reverse=false", "(f32[5]) axis=0 reverse=true", "(i32[4]) axis=0 reverse=false"]

    /// Products along an axis up to each element, which is included.
    Cumprod "cumprod" (x: Number in Real) { axis: i64 }
        Scan Pure grad Yes by reduce::scan
        where ["the axis exists"] samples ["(f32[2, 3, 4]) axis=1", "(f32[5]) axis=0", "(i32[4]) axis=0"]

    /// Indices that put an axis in order; equal elements keep theirs.
    Argsort "argsort" (x: Number in Real) { axis: i64, descending: bool }
        Sort Pure grad Zero by reduce::order
        where ["the axis exists"]
        samples ["(f32[2, 5, 3]) axis=1 descending=false", "(i32[6]) axis=0 descending=true"]

    /// The first `k` of the indices that put an axis in order; equal elements keep theirs.
    TopK "topk" (x: Number in Real) { axis: i64, k: Dim, descending: bool }
        Sort Pure grad Zero by reduce::top
        where ["the axis exists", "`k` lies within the axis"]
        samples ["(f32[2, 7, 3]) axis=1 k=2 descending=true", "(f32[2, 40]) axis=1 k=3 descending=false", "(i32[6]) axis=0 k=6 descending=true"]

    // ---- contractions and windows ----------------------------------------------------------------------------------

    /// Matrix product of the last two axes; leading axes are a batch and agree.
    Matmul "matmul" (a: Float in Real, b: Float in Real) {}
        Contract Pure grad Yes by matmul::matmul
        where ["both have the same rank, at least 2", "batch axes agree", "columns of `a` equal rows of `b`"]
        samples ["(f32[3, 4], f32[4, 5])", "(f32[2, 3, 4], f32[2, 4, 5])", "(f32[2, 3, 4, 1], f32[2, 3, 1, 4])"]

    /// Cross-correlation over 1 to 4 spatial axes: `[N, C, ..] * [O, C / groups, ..] -> [N, O, ..]`.
    Conv "conv" (x: Float in Real, weight: Float in Real)
        { stride: Vec<i64>, padding: Vec<[i64; 2]>, dilation: Vec<i64>, groups: i64 }
        Contract Pure grad Yes by window::conv
        where [
            "both have the same rank, 3 to 6",
            "each attribute has one entry for each spatial axis; strides and dilations are positive, padding is not negative",
            "groups divides both channel counts",
            "the weight's channels are the input's channels divided by groups",
            "the dilated window fits the padded input",
        ]
        samples [
            "(f32[2, 3, 8], f32[4, 3, 3]) stride=[2] padding=[[1, 1]] dilation=[1] groups=1",
            "(f32[2, 3, 7, 6], f32[4, 3, 3, 3]) stride=[1, 1] padding=[[1, 1], [1, 1]] dilation=[1, 1] groups=1",
            "(f32[1, 4, 9, 8], f32[6, 2, 3, 2]) stride=[2, 1] padding=[[0, 1], [2, 0]] dilation=[1, 3] groups=2",
            "(f32[2, 4, 5, 5], f32[4, 1, 3, 3]) stride=[1, 1] padding=[[1, 1], [1, 1]] dilation=[1, 1] groups=4",
            "(f32[1, 2, 5, 4, 6], f32[3, 2, 1, 3, 3]) stride=[1, 1, 2] padding=[[0, 0], [1, 1], [1, 1]] dilation=[1, 1, 1] groups=1",
            "(f32[1, 2, 3, 3, 4, 4], f32[2, 2, 2, 1, 3, 3]) stride=[1, 1, 1, 1] padding=[[0, 0], [0, 0], [1, 1], [1, 1]] dilation=[1, 1, 1, 1] groups=1"
        ]

    /// The transpose of `conv` in its input, `[N, O, ..] * [O, C / groups, ..] -> [N, C, ..size]`: its gradient, and transposed
    /// convolution.
    ConvInput "conv_input" (y: Float in Real, weight: Float in Real)
        { stride: Vec<i64>, padding: Vec<[i64; 2]>, dilation: Vec<i64>, groups: i64, size: Vec<Dim> }
        Contract Pure grad Yes by window::conv_input
        where [
            "both have the same rank, 3 to 6",
            "each attribute has one entry for each spatial axis; strides and dilations are positive, padding is not negative",
            "groups divides the channels of `y`",
            "a convolution of the result with the weight has the shape of `y`",
        ]
        samples [
            "(f32[2, 4, 4], f32[4, 3, 3]) stride=[2] padding=[[1, 1]] dilation=[1] groups=1 size=[8]",
            "(f32[2, 4, 7, 6], f32[4, 3, 3, 3]) stride=[1, 1] padding=[[1, 1], [1, 1]] dilation=[1, 1] groups=1 size=[7, 6]",
            "(f32[1, 6, 4, 7], f32[6, 2, 3, 2]) stride=[2, 1] padding=[[0, 1], [2, 0]] dilation=[1, 3] groups=2 size=[9, 8]",
            "(f32[1, 2, 2, 3, 4], f32[2, 2, 1, 2, 2]) stride=[1, 1, 1] padding=[[0, 0], [0, 0], [0, 0]] dilation=[1, 1, 1] groups=1 size=[2, 4, 5]"
        ]

    /// The transpose of `conv` in its weight, `[N, C, ..] * [N, O, ..] -> [O, C / groups, ..kernel]`: its gradient.
    ConvWeight "conv_weight" (x: Float in Real, y: Float in Real)
        { stride: Vec<i64>, padding: Vec<[i64; 2]>, dilation: Vec<i64>, groups: i64, kernel: Vec<Dim> }
        Contract Pure grad Yes by window::conv_weight
        where [
            "both have the same rank, 3 to 6",
            "each attribute has one entry for each spatial axis; strides and dilations are positive, padding is not negative",
            "groups divides both channel counts",
            "a convolution of the input with the result has the shape of `y`",
        ]
        samples [
            "(f32[2, 3, 8], f32[2, 4, 4]) stride=[2] padding=[[1, 1]] dilation=[1] groups=1 kernel=[3]",
            "(f32[2, 3, 7, 6], f32[2, 4, 7, 6]) stride=[1, 1] padding=[[1, 1], [1, 1]] dilation=[1, 1] groups=1 kernel=[3, 3]",
            "(f32[1, 4, 9, 8], f32[1, 6, 4, 7]) stride=[2, 1] padding=[[0, 1], [2, 0]] dilation=[1, 3] groups=2 kernel=[3, 2]"
        ]

    /// Place, counted over the spatial axes, of the largest element of each window: the first of equal ones.
    MaxPoolIndex "max_pool_index" (x: Float in Real)
        { kernel: Vec<i64>, stride: Vec<i64>, padding: Vec<[i64; 2]>, dilation: Vec<i64> }
        Window Pure grad Zero by window::max_pool_index
        where [
            "the input has a batch, a channel and 1 to 4 spatial axes",
            "each attribute has one entry for each spatial axis; kernels, strides and dilations are positive, padding is not negative",
            "padding is at most half the kernel",
            "the dilated window fits the padded input",
        ]
        samples [
            "(f32[2, 3, 8, 7]) kernel=[3, 3] stride=[2, 2] padding=[[1, 1], [1, 1]] dilation=[1, 1]",
            "(f32[2, 3, 8]) kernel=[2] stride=[2] padding=[[0, 0]] dilation=[2]"
        ]

    /// Largest element of each window; padding never wins, and the gradient goes to the first of equal elements.
    MaxPool "max_pool" (x: Float in Real)
        { kernel: Vec<i64>, stride: Vec<i64>, padding: Vec<[i64; 2]>, dilation: Vec<i64> }
        Window Pure grad Yes by window::max_pool
        where [
            "the input has a batch, a channel and 1 to 4 spatial axes",
            "each attribute has one entry for each spatial axis; kernels, strides and dilations are positive, padding is not negative",
            "padding is at most half the kernel",
            "the dilated window fits the padded input",
        ]
        samples [
            "(f32[2, 3, 8, 7]) kernel=[3, 3] stride=[2, 2] padding=[[1, 1], [1, 1]] dilation=[1, 1]",
            "(f32[2, 3, 8]) kernel=[2] stride=[2] padding=[[0, 0]] dilation=[2]",
            "(f32[1, 2, 4, 5, 6]) kernel=[2, 1, 3] stride=[2, 1, 1] padding=[[0, 0], [0, 0], [1, 0]] dilation=[1, 1, 1]"
        ]

    /// Mean of each window; `count_padding` says whether padding counts as zeros or is left out.
    AvgPool "avg_pool" (x: Float in Real)
        { kernel: Vec<i64>, stride: Vec<i64>, padding: Vec<[i64; 2]>, count_padding: bool }
        Window Pure grad Yes by window::avg_pool
        where [
            "the input has a batch, a channel and 1 to 4 spatial axes",
            "each attribute has one entry for each spatial axis; kernels and strides are positive, padding is not negative",
            "padding is at most half the kernel",
            "the window fits the padded input",
        ]
        samples [
            "(f32[2, 3, 8, 7]) kernel=[3, 3] stride=[2, 2] padding=[[1, 1], [1, 1]] count_padding=true",
            "(f32[2, 3, 8, 7]) kernel=[3, 3] stride=[2, 1] padding=[[1, 1], [0, 1]] count_padding=false",
            "(f32[2, 3, 8]) kernel=[2] stride=[2] padding=[[0, 0]] count_padding=true"
        ]

    // ---- views -----------------------------------------------------------------------------------------------------

    /// The same elements in row-major order under another shape.
    Reshape "reshape" (x: Any in Real) { shape: Vec<Dim> }
        View Pure grad Yes by view::reshape
        where ["the number of elements stays", "sizes are not negative"]
        samples ["(f32[2, 3, 4]) shape=[6, 4]", "(i32[6]) shape=[1, 2, 3]"]

    /// Axes in another order: result axis `i` is operand axis `axes[i]`.
    Permute "permute" (x: Any in Real) { axes: Vec<i64> }
        View Pure grad Yes by view::permute
        where ["axes are a permutation"] samples ["(f32[2, 3, 4]) axes=[2, 0, 1]", "(bool[2, 3]) axes=[1, 0]"]

    /// Repeats along new leading axes and along axes of literal size 1.
    Broadcast "broadcast" (x: Any in Real) { shape: Vec<Dim> }
        View Pure grad Yes by view::broadcast
        where ["the shape broadcasts to the new one", "sizes are not negative"]
        samples ["(f32[3, 1]) shape=[2, 3, 4]", "(f32[]) shape=[5]"]

    /// Every `step`-th index from `start` up to but without `end` along an axis.
    Slice "slice" (x: Any in Real) { axis: i64, start: Dim, end: Dim, step: i64 }
        View Pure grad Yes by view::slice
        where ["the axis exists", "the step is positive", "start and end lie within the axis, in order"]
        samples ["(f32[2, 6, 4]) axis=1 start=1 end=5 step=1", "(f32[2, 7]) axis=1 start=0 end=7 step=3"]

    /// One operand after the other along an axis.
    Concat "concat" (x: Any in Real; variadic) { axis: i64 }
        View Pure grad Yes by view::concat
        where ["the axis exists", "element types agree", "other axes agree"]
        samples ["(f32[2, 3], f32[2, 1], f32[2, 2]) axis=1", "(i32[2], i32[3]) axis=0"]

    /// `low` elements of `value` before and `high` after along an axis.
    Pad "pad" (x: Number in Real) { axis: i64, low: i64, high: i64, value: f64 }
        View Pure grad Yes by view::pad
        where ["the axis exists", "amounts are not negative", "the value is of the element type"]
        samples ["(f32[2, 3]) axis=1 low=1 high=2 value=0.5"]

    /// Entries of `x` along an axis at the places that `index` names: the axis is replaced by the index's axes.
    Gather "gather" (x: Any in Real, index: Int in Index) { axis: i64 }
        Gather Pure grad Yes by gather::gather
        where ["the axis exists"] samples ["(f32[5, 3], i32[4]) axis=0", "(f32[2, 6, 3], i32[2, 2]) axis=1"]

    /// For each element of `index`, the entry of `x` at that place along an axis and at the same place along the others.
    TakeAlong "take_along" (x: Any in Real, index: Int in Index) { axis: i64 }
        Gather Pure grad Yes by gather::take_along
        where ["the axis exists", "other axes agree"]
        samples ["(f32[3, 4], i32[3, 2]) axis=1", "(f32[5, 3, 2], i32[4, 3, 2]) axis=0", "(i32[4], i32[6]) axis=0"]

    /// `x` with each element of `values` put at the place that `index` names along an axis; of several the last one stays.
    Scatter "scatter" (x: Any in Real, index: Int in Index, values: Any in Real) { axis: i64 }
        Gather Pure grad Yes by gather::scatter
        where ["the axis exists", "element types agree", "index and values have one shape", "other axes agree"]
        samples ["(f32[3, 4], i32[3, 2], f32[3, 2]) axis=1", "(f32[4, 2], i32[3, 2], f32[3, 2]) axis=0", "(bool[5], i32[3], bool[3]) axis=0"]

    /// `x` with each element of `values` added at the place that `index` names along an axis.
    ScatterAdd "scatter_add" (x: Number in Real, index: Int in Index, values: Number in Real) { axis: i64 }
        Gather Pure grad Yes by gather::scatter
        where ["the axis exists", "element types agree", "index and values have one shape", "other axes agree"]
        samples ["(f32[3, 4], i32[3, 2], f32[3, 2]) axis=1", "(f32[3, 2], i32[5, 2], f32[5, 2]) axis=0", "(i32[5], i32[7], i32[7]) axis=0"]

    // ---- outside the graph -----------------------------------------------------------------------------------------

    /// What a function of the runtime computes on the host. No gradient flows.
    HostCall "host_call" (x: Any in Real; variadic) { function: Arc<str> }
        Opaque Pure grad Zero by control::host_call
        where ["the runtime has the function", "operands are of the types that it takes"]
        samples [
            "(f32[2, 5, 6]) function=\"min_area_rect\"",
            "(bool[5, 6]) function=\"connected_components\"",
            "(f32[2, 4, 3], bool[2, 4, 3]) function=\"linear_assignment\""
        ]

    // ---- differentiation -------------------------------------------------------------------------------------------

    /// The value, with no gradient.
    StopGradient "stop_gradient" (x: Float in Real) {}
        Control Pure grad Zero by elementwise::same where [] samples ["(f32[2, 3])"]

    /// Stands for the gradient that arrives at a value, in the expression of a custom gradient; 0 on its own.
    Cotangent "cotangent" (y: Float in Real) {}
        Control Pure grad Zero by elementwise::same where [] samples ["(f32[2, 3])"]

    /// The first operand. What flows back into the operands from the third on is the expressions after them, as many as there are
    /// operands, in which the second, a `cotangent`, stands for what has arrived.
    CustomGradient "custom_gradient" (y: Float in Real, dy: Float in Real, x: Float in Real; variadic) {}
        Control Pure grad Yes by control::custom_gradient
        where ["the second operand is of the type of the first", "each operand has an expression of its type"]
        samples []

    /// The gradient of a scalar with respect to any value that it was computed from.
    Gradient "gradient" (loss: Float in Real, wrt: Float in Real) {}
        Control Pure grad Zero by control::gradient
        where ["the loss is a scalar"] samples []
}
