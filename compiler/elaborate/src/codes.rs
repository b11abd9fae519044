//! The elaborator's diagnostic codes. Each is stable: a code is never given a new meaning.

use vspec_syntax::codes::CodeInfo;

/// Declares each code as a constant with its title, so that none is written twice.
macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $title:literal;)*) => {
        $($(#[doc = $doc])* pub(crate) const $name: &str = $code;)*

        /// Every code of evaluation.
        pub(crate) static ALL: &[CodeInfo] =
            &[$(CodeInfo { code: $code, title: $title, explanation: concat!($($doc, "\n"),*) }),*];
    };
}

codes! {
    /// A `use` names a file that cannot be read or that is not in the standard library.
    UNKNOWN_FILE = "V0120", "cannot find a file to use";
    /// A `use` takes a name that the file does not define.
    UNKNOWN_IMPORT = "V0121", "cannot find a name to use";
    /// Files use each other in a circle, so that none can be read first.
    CYCLIC_USE = "V0122", "files use each other";
    /// A name that nothing in scope has.
    UNKNOWN_NAME = "V0101", "cannot find a name";
    /// A record or an instance has no such field or member.
    UNKNOWN_FIELD = "V0103", "cannot find a field";
    /// The callee has no parameter of this name, or has it already.
    UNKNOWN_ARGUMENT = "V0104", "unexpected argument";
    /// More positional arguments than parameters.
    TOO_MANY_ARGUMENTS = "V0105", "too many arguments";
    /// A parameter without a default was left out where the result is needed.
    MISSING_ARGUMENT = "V0106", "missing argument";
    /// The value has another kind than the place needs: a string for an int, a list for a tensor.
    WRONG_KIND = "V0201", "wrong kind of value";
    /// Two sizes, or the numbers of axes of two shapes, must agree and do not.
    SHAPE_MISMATCH = "V0203", "shapes do not agree";
    /// Tensors of different element types meet; nothing converts silently.
    TYPE_MISMATCH = "V0204", "element types do not agree";
    /// A constraint of an op does not hold: the window does not fit, groups do not divide channels.
    OP_CONSTRAINT = "V0205", "an operation cannot be applied";
    /// The text of `rearrange`, `reduce`, `repeat` or `einsum` does not describe its operands.
    BAD_PATTERN = "V0206", "pattern does not fit";
    /// Static arithmetic went wrong: division by zero, a size that does not divide, overflow.
    ARITHMETIC = "V0207", "arithmetic failed";
    /// An index lies outside a list or an axis.
    OUT_OF_RANGE = "V0208", "index out of range";
    /// An axis has rows that are only padding, and the operation would hide which.
    MASKED = "V0209", "padding would be lost";
    /// A `require` does not hold.
    REQUIREMENT = "V0210", "requirement does not hold";
    /// Shapes agree only where sizes happen to be related, and nothing says that they are.
    ASSUMED = "V0211", "shapes agree only for some sizes";
    /// Elaboration would recurse or grow without bound.
    LIMIT = "V0220", "elaboration limit reached";
    /// A condition depends on data or on a size that is not known yet; only static conditions choose code.
    NOT_STATIC = "V0221", "not known at compile time";
    /// A tensor operation stands where there is no graph, or a clock where there is no run.
    WRONG_PLACE = "V0222", "not possible here";
    /// A clause of an assignment rule that cannot stand there, or a value in one that depends on what it must not depend on.
    RULE = "V0223", "not possible in an assignment rule";
    /// A `let` at the top of a file needs its own value, directly, through other ones, or through functions and modules that it
    /// uses, so that none can be evaluated first.
    CYCLIC_LET = "V0224", "constants need each other";
    /// Something owns parameters but is no member, so that they have no names.
    NO_PATH = "V0230", "parameters without a name";
    /// A parameter that the loss reaches is neither updated nor frozen.
    NOT_UPDATED = "V0231", "parameter is trained by nothing";
    /// `minimize` over parameters that the loss does not depend on.
    NOT_REACHED = "V0232", "loss does not depend on a parameter";
    /// A gradient is asked for, and every path to the loss leads through an operation without a derivative.
    NO_DERIVATIVE = "V0233", "no path can be differentiated";
    /// A `term` of a step that no `minimize` takes, so that it is reported and trains nothing.
    NOT_MINIMIZED = "V0234", "term is minimized by nothing";
    /// An experiment refers to a step, a data set or a metric that it does not have.
    UNKNOWN_PART = "V0240", "unknown part of an experiment";
    /// `--set` names nothing that can be set, or several things, or part of what another `--set` replaces.
    UNKNOWN_SETTING = "V0241", "nothing to set";
    /// A data set's metadata is needed and cannot be read.
    DATA_UNKNOWN = "V0242", "data set cannot be inspected";
    /// The data pipeline has an impossible order or lacks a stage.
    BAD_PIPELINE = "V0243", "data pipeline is not complete";
    /// A test expected another shape, or an assertion does not hold, or it cannot be computed.
    TEST_FAILED = "V0250", "test failed";
    /// An item depends on something that has no value, and nothing was reported about it. This is a fault of the compiler, not of
    /// the specification; please report the text that caused it.
    UNEXPLAINED = "V0299", "stopped without an error";
}
