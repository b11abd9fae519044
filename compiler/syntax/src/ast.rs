//! The syntax tree: what the text says, with a span on everything, before any name has a meaning.
//!
//! Nodes are plain data. Comments are not in the tree (the formatter keeps them by position);
//! doc comments (`///`) are, because the compiler reads them.

use std::sync::Arc;

use crate::Span;

/// A name and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Ident {
    /// The text of the name.
    pub name: Arc<str>,
    /// Where it stands.
    pub span: Span,
}

/// One `.vspec` file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct File {
    /// Text of the `//!` lines at the top.
    pub doc: Option<String>,
    /// Items in written order.
    pub items: Vec<Item>,
}

/// A top-level item with its `///` text.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// Text of the `///` lines before the item, without the slashes.
    pub doc: Option<String>,
    /// What it is.
    pub kind: ItemKind,
    /// From the first keyword to the last character.
    pub span: Span,
}

/// The kinds of top-level item.
#[derive(Debug, Clone, PartialEq)]
pub enum ItemKind {
    /// `use std.nn.{Conv, Linear as Dense}`
    Use(Use),
    /// `let OPS = [..]`: a static constant of the file.
    Let(Let),
    /// `record Detections { image: Image, truths: Truth[T?] }`
    Record(RecordDef),
    /// `fn f(x: f32[N]) -> f32[N] { .. }`
    Fn(FnDef),
    /// `module M(c: int) { .. }`
    Module(ModuleDef),
    /// `loss L(gamma: float = 2)(p: f32[N], q: f32[N]) -> f32[N] { .. }`
    Loss(LossDef),
    /// `optimizer sgd(lr: f32[]) { .. }`
    Optimizer(OptimizerDef),
    /// `assign Rule() rows a: { .. } cols t: { .. } { .. }`
    Assign(AssignDef),
    /// `experiment name { .. }`
    Experiment(ExperimentDef),
    /// `entry resnet18 = ResNet(18)(f32[1, 3, 224, 224])`
    Entry(EntryDef),
    /// `test "name" { .. }`
    Test(TestDef),
}

/// `use a.b.c`, `use a.b.{c, d as e}`
#[derive(Debug, Clone, PartialEq)]
pub struct Use {
    /// The file's path: `std`, `nn`.
    pub path: Vec<Ident>,
    /// The names taken from it, each with an optional new name.
    pub names: Vec<(Ident, Option<Ident>)>,
}

/// `let pattern: type = value`
#[derive(Debug, Clone, PartialEq)]
pub struct Let {
    /// What is bound.
    pub pattern: Pattern,
    /// Annotation.
    pub ty: Option<TypeExpr>,
    /// Bound value.
    pub value: Expr,
}

/// The left side of a binding.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// `x`, or `_` for a value that is not needed.
    Name(Ident),
    /// `(a, b)`
    Tuple(Vec<Pattern>, Span),
    /// `[a, b]`
    List(Vec<Pattern>, Span),
    /// `{ image, label }`: fields of a record by name.
    Record(Vec<Ident>, Span),
}

/// `record Name { field: type, .. }`
#[derive(Debug, Clone, PartialEq)]
pub struct RecordDef {
    /// The record's name.
    pub name: Ident,
    /// Its fields.
    pub fields: Vec<(Ident, TypeExpr)>,
}

/// A parameter of a function, module, loss or optimizer.
#[derive(Debug, Clone, PartialEq)]
pub struct Param {
    /// Its name.
    pub name: Ident,
    /// Its type, when written.
    pub ty: Option<TypeExpr>,
    /// Its default, when it has one.
    pub default: Option<Expr>,
}

/// A function or a method.
#[derive(Debug, Clone, PartialEq)]
pub struct FnDef {
    /// Its name; `forward` is what calling an instance calls.
    pub name: Ident,
    /// `host fn`: implemented by the runtime, so that `body` is absent.
    pub host: bool,
    /// The first parameter list of `fn f(a)(b)`, when there are two.
    pub config: Option<Vec<Param>>,
    /// The (last) parameter list.
    pub params: Vec<Param>,
    /// Result type.
    pub ret: Option<TypeExpr>,
    /// Body; `None` for a host function.
    pub body: Option<Block>,
    /// `with gradient(x, y, dy) -> dx { .. }`
    pub gradient: Option<GradientDef>,
}

/// A gradient written by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct GradientDef {
    /// Names for the inputs, the result and the incoming cotangent.
    pub params: Vec<Ident>,
    /// Name of what the block computes, when written.
    pub ret: Option<Ident>,
    /// The computation.
    pub body: Block,
    /// From `with` to the closing brace.
    pub span: Span,
}

/// `module Name(params) { members }`
#[derive(Debug, Clone, PartialEq)]
pub struct ModuleDef {
    /// Its name.
    pub name: Ident,
    /// Static parameters.
    pub params: Vec<Param>,
    /// Members in written order.
    pub members: Vec<Member>,
}

/// A member of a module with its `///` text.
#[derive(Debug, Clone, PartialEq)]
pub struct Member {
    /// Text of the `///` lines before it.
    pub doc: Option<String>,
    /// What it is.
    pub kind: MemberKind,
    /// From its first to its last character.
    pub span: Span,
}

/// The kinds of member.
#[derive(Debug, Clone, PartialEq)]
pub enum MemberKind {
    /// `conv = Conv(3, 8)`: a child (module, list or record of modules, or any static value).
    Child {
        /// Member name, which is the next part of the parameter path.
        name: Ident,
        /// Annotation.
        ty: Option<TypeExpr>,
        /// Its value.
        value: Expr,
    },
    /// `param weight: f32[out, in] on stiefel = kaiming_normal()`
    Param(VarDef),
    /// `state running_mean: f32[c] = 0`
    State(VarDef),
    /// `const window: f32[625] = ..`
    Const(VarDef),
    /// `let hidden = 4 * c`: a static helper without a path.
    Let(Let),
    /// `forward(x: ..) -> .. { .. }`
    Method(FnDef),
    /// `require c % groups == 0, "message"`
    Require(Require),
    /// `test "name" { .. }`
    Test(TestDef),
}

/// The declaration of a parameter, a state or a constant.
#[derive(Debug, Clone, PartialEq)]
pub struct VarDef {
    /// Its name.
    pub name: Ident,
    /// Its type; mandatory except for the states of an optimizer, which default to the parameter's own type.
    pub ty: Option<TypeExpr>,
    /// `on stiefel`: the manifold that it lives on.
    pub manifold: Option<Expr>,
    /// Initial value: a scalar, a tensor, or a function from a shape.
    pub init: Option<Expr>,
    /// `if bias` at the end: a static condition without which the variable does not exist.
    pub guard: Option<Expr>,
}

/// `require condition, "message"`
#[derive(Debug, Clone, PartialEq)]
pub struct Require {
    /// What must hold.
    pub condition: Expr,
    /// What to say when it does not.
    pub message: Option<Expr>,
}

/// `loss Name(config)(params) -> type { body }`
#[derive(Debug, Clone, PartialEq)]
pub struct LossDef {
    /// Its name.
    pub name: Ident,
    /// The first parameter list, when there are two.
    pub config: Option<Vec<Param>>,
    /// The parameters of a call.
    pub params: Vec<Param>,
    /// Result type.
    pub ret: Option<TypeExpr>,
    /// Body: may hold `param` and `term` statements.
    pub body: Block,
}

/// `optimizer name(params) { state .. ; apply(p, g) { .. } }`
///
/// An update rule: `apply` takes a parameter and its gradient and returns the new parameter;
/// each state exists once per parameter. A gradient transform has `transform(p, g)` instead.
#[derive(Debug, Clone, PartialEq)]
pub struct OptimizerDef {
    /// Its name.
    pub name: Ident,
    /// Its parameters; those of type `f32[]` may depend on the run clock.
    pub params: Vec<Param>,
    /// States, lets and methods.
    pub members: Vec<Member>,
}

/// `assign Name(params) rows a: { .. } cols t: { .. } { clauses }`
#[derive(Debug, Clone, PartialEq)]
pub struct AssignDef {
    /// Its name.
    pub name: Ident,
    /// Its parameters.
    pub params: Vec<Param>,
    /// The name for a row, and the fields of one.
    pub rows: (Ident, TypeExpr),
    /// The name for a column, and the fields of one.
    pub cols: (Ident, TypeExpr),
    /// What it does, in order.
    pub clauses: Vec<RuleClause>,
    /// The clauses from brace to brace.
    pub body: Span,
}

/// A clause of an assignment rule.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleClause {
    /// What it does.
    pub kind: RuleKind,
    /// From its first to its last character.
    pub span: Span,
}

/// The kinds of clause.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleKind {
    /// `let overlap = iou(a.box, t.box)`
    Let(Let),
    /// `require top > 0, "message"`
    Require(Require),
    /// `pick 9 of -distance per t, a.level where near`
    PickBest {
        /// How many.
        count: Expr,
        /// The largest of this.
        by: Expr,
        /// For each row or column of this name.
        per: Ident,
        /// Chosen apart within each of these groups.
        group: Option<Expr>,
        /// Among these pairs.
        narrowed: Option<Expr>,
    },
    /// `pick where overlap >= 0.7`
    PickWhere(Expr),
    /// `pick one to one minimizing cost where allowed`
    PickOneToOne {
        /// What a pair costs.
        cost: Expr,
        /// Among these pairs.
        narrowed: Option<Expr>,
    },
    /// `keep alignment > 0`
    Keep(Expr),
    /// `resolve by overlap per a`
    Resolve {
        /// The pair with the largest of this stays.
        by: Expr,
        /// For each row or column of this name.
        per: Ident,
    },
    /// `ignore a where best > 0.3`
    Ignore {
        /// The name of the rows.
        rows: Ident,
        /// Which of them.
        condition: Expr,
    },
    /// `sample 256 a repeating with positives <= 0.5, negatives <= 0.75`
    Sample {
        /// How many rows.
        count: Expr,
        /// The name of the rows.
        rows: Ident,
        /// Rows are gathered, again and again when there are too few.
        repeating: bool,
        /// The largest share of positives.
        positives: Option<Expr>,
        /// The largest share of negatives.
        negatives: Option<Expr>,
    },
    /// `give box = t.box else 0`
    Give {
        /// Its name in the result.
        name: Ident,
        /// Its value for the pair that a row is part of.
        value: Expr,
        /// Its value for rows without a pair.
        otherwise: Option<Expr>,
    },
    /// `positive where q.label == r.label`, `negative where ..`
    Pairs {
        /// Whether these are the positives.
        positive: bool,
        /// Which pairs.
        condition: Expr,
    },
    /// `weight negative f(s)`
    Weight {
        /// Whether it is that of the positives.
        positive: bool,
        /// The weight of a pair.
        value: Expr,
    },
}

/// `entry name = value`
#[derive(Debug, Clone, PartialEq)]
pub struct EntryDef {
    /// Its name.
    pub name: Ident,
    /// A call of an instance on type literals.
    pub value: Expr,
}

/// `test "name" { .. }`
#[derive(Debug, Clone, PartialEq)]
pub struct TestDef {
    /// What the test says, without quotes.
    pub name: Arc<str>,
    /// Where the name stands.
    pub name_span: Span,
    /// Statements, `shape` and `assert` among them.
    pub body: Block,
}

/// `experiment name { .. }`
#[derive(Debug, Clone, PartialEq)]
pub struct ExperimentDef {
    /// Its name.
    pub name: Ident,
    /// Its parts in written order.
    pub parts: Vec<ExperimentPart>,
}

/// A part of an experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum ExperimentPart {
    /// `data train = image_folder("key") |> each(resize(32)) |> shuffle |> batch(64)`
    Data {
        /// The name that steps read from.
        name: Ident,
        /// The pipeline.
        value: Expr,
    },
    /// `let net = ResNet(18)`
    Let(Let),
    /// `step train(b from train) { .. }`
    Step(StepDef),
    /// `run 12 epochs of train, evaluate every epoch`
    Run(RunDef),
}

/// `step name(b from data, c from other) { .. }`
#[derive(Debug, Clone, PartialEq)]
pub struct StepDef {
    /// Its name.
    pub name: Ident,
    /// Batches: the name in the step and the data that it comes from.
    pub batches: Vec<(Ident, Ident)>,
    /// The body.
    pub body: Block,
    /// From `step` to the closing brace.
    pub span: Span,
}

/// `run ..`: what happens in which order.
#[derive(Debug, Clone, PartialEq)]
pub struct RunDef {
    /// Phases in order; a plain `run 12 epochs of train, ..` has one.
    pub phases: Vec<RunPhase>,
    /// `per video of vot, reset tracker`
    pub per: Option<RunPer>,
    /// The whole clause.
    pub span: Span,
}

/// `per video of vot, reset tracker`: a run over sequences.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPer {
    /// What a sequence is called: `video`.
    pub unit: Ident,
    /// The data.
    pub data: Ident,
    /// What is reset before each sequence.
    pub reset: Vec<Ident>,
}

/// One phase of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct RunPhase {
    /// What the phase does.
    pub kind: RunKind,
    /// What else happens while it runs.
    pub clauses: Vec<RunClause>,
    /// The whole phase.
    pub span: Span,
}

/// The kinds of phase.
#[derive(Debug, Clone, PartialEq)]
pub enum RunKind {
    /// `12 epochs of train` or `60 of filters` (iterations) or `cca` (once).
    Steps {
        /// How often; absent means once.
        count: Option<Expr>,
        /// Whether `count` counts epochs (`epochs of`) rather than iterations (`of`, `iterations of`).
        epochs: bool,
        /// The step's name.
        step: Ident,
    },
    /// `repeat 5 or until cond { .. }`
    Repeat {
        /// Upper bound on rounds.
        count: Expr,
        /// Early end.
        until: Option<Expr>,
        /// What is repeated.
        phases: Vec<RunPhase>,
    },
    /// `start on first`, `follow on rest`: a step on part of a sequence.
    On {
        /// The step's name.
        step: Ident,
        /// `first`, `rest` or `all`.
        part: Ident,
    },
}

/// A clause after a phase.
#[derive(Debug, Clone, PartialEq)]
pub enum RunClause {
    /// `evaluate every epoch`, `evaluate every 2 epochs`, `evaluate every 500 iterations`
    Every {
        /// The step's name.
        step: Ident,
        /// How many; absent means one.
        count: Option<Expr>,
        /// Epochs rather than iterations.
        epochs: bool,
    },
    /// `keep last 3`
    KeepLast(Expr),
    /// `keep best by evaluate.accuracy`, `keep 3 best by ..` (`by lowest evaluate.loss` for a metric that should fall)
    KeepBest {
        /// How many; absent means one.
        count: Option<Expr>,
        /// Whether the smallest value is best.
        lowest: bool,
        /// `step.metric`
        metric: Expr,
    },
    /// `stop when evaluate.accuracy has not improved for 5 epochs`: the phase ends early.
    StopWhen {
        /// Whether the smallest value is best.
        lowest: bool,
        /// `step.metric`
        metric: Expr,
        /// By how much a value has to be better to count; absent means by anything.
        by: Option<Expr>,
        /// How long it may take.
        count: Expr,
        /// Epochs rather than iterations.
        epochs: bool,
    },
    /// `expect evaluate.accuracy >= 0.9`: the run fails when this does not hold at its end.
    Expect(Expr),
}

/// `{ statements; value }`
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// Statements in order.
    pub statements: Vec<Statement>,
    /// The last expression, which is the block's value.
    pub value: Option<Box<Expr>>,
    /// From brace to brace.
    pub span: Span,
}

/// A statement.
#[derive(Debug, Clone, PartialEq)]
pub struct Statement {
    /// What it does.
    pub kind: StatementKind,
    /// From its first to its last character.
    pub span: Span,
}

/// The kinds of statement.
#[derive(Debug, Clone, PartialEq)]
pub enum StatementKind {
    /// `let x = ..`
    Let(Let),
    /// `update running_mean = ..`, `update bank[rows] = ..`
    Update {
        /// A member, a field path or an index of one.
        target: Expr,
        /// The new value.
        value: Expr,
    },
    /// `param margin: f32[classes] = 0.5` in a loss.
    Param(VarDef),
    /// `term cls = ..`
    Term {
        /// The name that is reported.
        name: Ident,
        /// Its value.
        value: Expr,
    },
    /// `minimize loss over net.params by opt`
    Minimize {
        /// The scalar to minimize; `terms` is the sum of all terms so far.
        loss: Expr,
        /// The parameters.
        over: Expr,
        /// The optimizer.
        by: Expr,
    },
    /// `apply g to P by opt`
    Apply {
        /// A ready gradient.
        gradient: Expr,
        /// The parameters.
        to: Expr,
        /// The optimizer.
        by: Expr,
    },
    /// `report accuracy = ..`, or `report coco_ap(..)` for a record of metrics.
    Report {
        /// The metric's name.
        name: Option<Ident>,
        /// Its value.
        value: Expr,
    },
    /// `report table "curves/negative" { s, w = f(s) }`
    ReportTable {
        /// File name below the run folder.
        name: Arc<str>,
        /// Columns; a bare name is a column of that name.
        columns: Vec<(Ident, Option<Expr>)>,
    },
    /// `collect e = ..`
    Collect {
        /// Name of the collected rows.
        name: Ident,
        /// What each batch adds.
        value: Expr,
    },
    /// `finish { .. }`
    Finish(Block),
    /// `require c % groups == 0, "message"`
    Require(Require),
    /// `for i in 0..n { .. }`
    For {
        /// Loop variable.
        pattern: Pattern,
        /// A static range or list.
        iter: Expr,
        /// Unrolled body.
        body: Block,
    },
    /// `shape self(c = 8)(f32[1, 8]) == f32[1, 8]` in a test.
    Shape {
        /// The value.
        value: Expr,
        /// The type that it must have.
        expected: TypeExpr,
    },
    /// `assert close(a, b)` in a test.
    Assert(Expr),
    /// An expression for its effect: a call that updates state, an `if` whose branches hold statements.
    Expr(Expr),
}

/// A type.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeExpr {
    /// What it is.
    pub kind: TypeKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of type.
#[derive(Debug, Clone, PartialEq)]
pub enum TypeKind {
    /// `f32[B, C, H, W]`, `Truth[T?]`, `Image[3, H, W]`
    Shaped {
        /// Element type or record name.
        element: Ident,
        /// Dimensions.
        dims: Vec<DimExpr>,
    },
    /// `int`, `float`, `bool`, `string`, `Image`, a record's name
    Named(Ident),
    /// `[int]`
    List(Box<TypeExpr>),
    /// `(int, int)`
    Tuple(Vec<TypeExpr>),
    /// `{ image: f32[B, 3, H, W], .. }`
    Record {
        /// Fields that must be there.
        fields: Vec<(Ident, TypeExpr)>,
        /// `..`: others may be there too.
        open: bool,
    },
    /// `fn(f32[N]) -> f32[N]`
    Fn {
        /// Parameter types.
        params: Vec<TypeExpr>,
        /// Result type.
        ret: Option<Box<TypeExpr>>,
    },
    /// `module(int)`: something that makes a module from these static parameters; `module` alone is an instance.
    Module(Option<Vec<TypeExpr>>),
}

/// One dimension of a type.
#[derive(Debug, Clone, PartialEq)]
pub struct DimExpr {
    /// A bare name, arithmetic over names, `_` ([`ExprKind::Hole`]), `..` or `..sizes` ([`ExprKind::Rest`]).
    pub size: Expr,
    /// `N?`: padded, with a mask.
    pub masked: bool,
}

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// The kinds of expression.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// `600_000`
    Int(i64),
    /// `1e-4`
    Float(f64),
    /// `"b c h w -> b (h w) c"`
    Str(Arc<str>),
    /// `true`
    Bool(bool),
    /// `x`; `self`
    Name(Arc<str>),
    /// `_`
    Hole,
    /// Among the dimensions of a type: `..`, any number of axes, or `..sizes`, one axis for each size of a list.
    Rest(Option<Box<Expr>>),
    /// `[a, b]`, with spreads `[..a, b]`
    List(Vec<ListItem>),
    /// `[f(i) for i in 0..n if i % 2 == 0]`
    Comprehension {
        /// One element.
        element: Box<Expr>,
        /// `for` clauses, outermost first.
        clauses: Vec<ForClause>,
    },
    /// `(a, b)`
    Tuple(Vec<Expr>),
    /// `{ lr_scale = 0.1, "backbone.**": x }`; a bare name is a field of that name.
    Record(Vec<RecordField>),
    /// `a.b`, `a.0`
    Field(Box<Expr>, Ident),
    /// `x[:, 0:4]`, `f32[1, 3, 224, 224]`
    Index(Box<Expr>, Vec<IndexArg>),
    /// `f(a, key = b)`
    Call(Box<Expr>, Vec<Arg>),
    /// `x |> f(a)`: `f(x, a)`
    Pipe(Box<Expr>, Box<Expr>),
    /// `-x`, `not x`
    Unary(UnaryOp, Box<Expr>),
    /// `a + b`
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `a..b`: the ints from `a` up to but without `b`.
    Range(Box<Expr>, Box<Expr>),
    /// `if c { .. } else { .. }`
    If {
        /// Static condition.
        condition: Box<Expr>,
        /// When it holds.
        then: Block,
        /// When it does not: a block, or another `if` as the block's value.
        otherwise: Option<Block>,
    },
    /// `{ let y = ..; y }`
    Block(Block),
    /// `fold i in 0..n with s = init { .. }`
    Fold {
        /// Loop variable.
        pattern: Pattern,
        /// A static range or list.
        iter: Box<Expr>,
        /// Accumulator.
        state: Pattern,
        /// Its first value.
        init: Box<Expr>,
        /// Its next value.
        body: Block,
    },
    /// `x over picked per t`, as an argument or in parentheses: the values of pairs, for one row or column.
    Per {
        /// A value of a pair.
        value: Box<Expr>,
        /// Which pairs take part.
        over: Option<Ident>,
        /// The name of the rows or columns that have a list of values each.
        per: Ident,
    },
    /// `m with backbone = trunk`
    With(Box<Expr>, Vec<(Ident, Expr)>),
}

/// An element of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct ListItem {
    /// `..xs`: all elements of a list.
    pub spread: bool,
    /// The element or the list.
    pub value: Expr,
}

/// A `for` clause of a comprehension.
#[derive(Debug, Clone, PartialEq)]
pub struct ForClause {
    /// Loop variable.
    pub pattern: Pattern,
    /// A static range or list.
    pub iter: Expr,
    /// `if` filter.
    pub condition: Option<Expr>,
}

/// A field of a record.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordField {
    /// Its key; a string for globs such as `"backbone.**"`.
    pub key: Ident,
    /// Whether the key was written in quotes.
    pub quoted: bool,
    /// Its value; a bare name stands for itself.
    pub value: Option<Expr>,
}

/// An argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Arg {
    /// `key =`
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

/// One index.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "indices are few and short-lived; a box would only make them harder to read"
)]
pub enum IndexArg {
    /// `x[i]`
    At(Expr),
    /// `x[a:b:s]`, each part optional.
    Slice {
        /// First index.
        start: Option<Expr>,
        /// One past the last index.
        end: Option<Expr>,
        /// Distance.
        step: Option<Expr>,
        /// Where it stands.
        span: Span,
    },
    /// `x[..., 0]`: as many whole axes as fit.
    Ellipsis(Span),
}

/// Prefix operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnaryOp {
    /// `-x`
    Neg,
    /// `not x`
    Not,
}

/// Infix operators, loosest first: `or`, `and`, comparisons (which do not chain except as `a <= b < c`), `+ -`,
/// `* / // %`, unary minus, `^` (right associative).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`: on dims it must divide exactly.
    Div,
    /// `//`: floor division of ints and dims.
    FloorDiv,
    /// `%`
    Rem,
    /// `^`
    Pow,
}
