//! Codes of the diagnostics of this pass, besides those that it shares with the evaluator.

use vspec_syntax::codes::CodeInfo;

pub(super) const DUPLICATE: &str = "V0102";
pub(super) const UNUSED_VARIABLE: &str = "V0110";
pub(super) const UNUSED_PARAMETER: &str = "V0111";
pub(super) const UNUSED_IMPORT: &str = "V0112";
pub(super) const UNUSED_MEMBER: &str = "V0113";
pub(super) const UNUSED_PART: &str = "V0114";
pub(super) const HIDES_BUILTIN: &str = "V0115";
pub(super) const WRITTEN_ONLY: &str = "V0116";

/// Every code of this pass, in order.
pub(crate) static CODES: &[CodeInfo] = &[
    CodeInfo {
        code: DUPLICATE,
        title: "defined twice",
        explanation: "Two items of a file, two members of a module, two parameters of one list or two parts of an \
                      experiment have the same name, so that it would depend on the reader which one is meant. Rename \
                      one of them. A `let` in a block may hide an earlier one.",
    },
    CodeInfo {
        code: UNUSED_VARIABLE,
        title: "unused variable",
        explanation: "A `let`, a loop variable or the state of a `fold` is never read. Remove it; where a name has to \
                      stand, `_` or a name that starts with `_` says that the value is not needed.",
    },
    CodeInfo {
        code: UNUSED_PARAMETER,
        title: "unused parameter",
        explanation: "Nothing in the body reads this parameter, so callers set something that has no effect. Remove \
                      it, use it, or let its name start with `_`.",
    },
    CodeInfo {
        code: UNUSED_IMPORT,
        title: "unused import",
        explanation: "A `use` brings a name into the file that nothing in the file mentions. Remove it.",
    },
    CodeInfo {
        code: UNUSED_MEMBER,
        title: "unused member",
        explanation: "A parameter, a state, a constant or a child of a module is read by no method and by no other \
                      member, so that it has no influence on what the module computes. Usually a layer was made and \
                      then forgotten in `forward`. A field access of that name anywhere in the file counts as a use.",
    },
    CodeInfo {
        code: UNUSED_PART,
        title: "unused part of an experiment",
        explanation: "No step reads this data set, or no phase of the run names this step. Remove it, or name it in \
                      the run: `evaluate every epoch`.",
    },
    CodeInfo {
        code: HIDES_BUILTIN,
        title: "hides a built-in",
        explanation: "A member or a `let` has the name of a built-in function, which cannot be reached where the \
                      definition is visible. That is allowed, but easily misread.",
    },
    CodeInfo {
        code: WRITTEN_ONLY,
        title: "state is never read",
        explanation: "An `update` writes this state, but nothing reads it: neither a method of its module nor a field \
                      access in the file. Read it somewhere, or remove it and its updates.",
    },
];
