//! The diagnostic codes of the syntax: one place that names, titles and explains them.

/// What the catalogue of diagnostics says about one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code, such as `V0001`; it never changes its meaning.
    pub code: &'static str,
    /// A short title.
    pub title: &'static str,
    /// One paragraph: what is wrong and what to do.
    pub explanation: &'static str,
}

/// Declares each code as a constant and lists it in [`CODES`], so that none is written twice.
macro_rules! codes {
    ($($name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $(pub(crate) const $name: &str = $code;)*

        /// Every code of the syntax, in order.
        pub static CODES: &[CodeInfo] = &[
            $(CodeInfo { code: $code, title: $title, explanation: $explanation }),*
        ];
    };
}

codes! {
    UNEXPECTED = "V0001", "unexpected text",
        "The text does not follow the grammar at this place. The message says what could stand there and \
         what was found instead; statements end at the end of a line unless the next line starts with an \
         operator or the line is inside parentheses or brackets.";
    UNKNOWN_CHARACTER = "V0002", "unknown character",
        "This character has no meaning outside strings and comments. Names consist of ASCII letters, digits \
         and underscores; logic is written `and`, `or` and `not`.";
    OPEN_STRING = "V0003", "string is not closed",
        "A string ends with a double quote on the line where it starts. Write `\\n` for a line break inside it.";
    BAD_ESCAPE = "V0004", "unknown escape in a string",
        "After a backslash a string may have `n`, `t`, a double quote or another backslash.";
    BAD_NUMBER = "V0005", "number cannot be read",
        "A number is written as `600_000`, `0.1` or `1e-4`. Ints have 64 bits including the sign; a float must \
         be finite and needs a digit on both sides of its point.";
    OPEN_BRACKET = "V0006", "bracket is not closed",
        "A bracket was opened and the item, or a surrounding bracket, ended before it was closed. Where the \
         indentation shows a likely place, the message points at it.";
    STRAY_BRACKET = "V0007", "closing bracket without an opening one",
        "A closing bracket stands where no bracket of its kind is open.";
    TOO_DEEP = "V0008", "nested too deeply",
        "Brackets, operators, calls and branches inside each other are limited, so that any text can be read \
         in bounded memory. Name parts of the expression with `let`.";
    TOO_LARGE = "V0009", "file is too large",
        "A specification file may have at most 4 MiB. Numbers in bulk belong in a data set or a checkpoint.";
    UNKNOWN_ITEM = "V0010", "unknown kind of item",
        "At the top level of a file each item starts with `use`, `let`, `record`, `fn`, `host fn`, `module`, \
         `loss`, `optimizer`, `experiment`, `entry` or `test`.";
    MISSING_TYPE = "V0011", "type is missing",
        "A `param`, a `const` and a `state` own memory, so that their element type and their sizes must be \
         written: `param weight: f32[out, in]`. Only a state of an optimizer may leave them out; it has the \
         shape of the parameter that it belongs to.";
    COSTLY_CHAIN = "V0012", "comparison chain is too complex",
        "`a <= b < c` means `a <= b and b < c`, so that `b` is read twice. The middle of such a chain may not \
         hold comparisons itself; name it with `let`.";
    LOST_DOC = "V0013", "doc comment documents nothing",
        "Lines that start with `///` belong to the item or member that follows them, and `//!` lines stand at the \
         top of a file. Elsewhere use an ordinary comment, `//`.";
    TOO_MANY = "V0014", "too many errors",
        "Reading stopped because the file has very many errors; the first ones usually cause the others.";
    INTERNAL = "V0099", "internal error of the parser",
        "The grammar and the code that reads its result disagree. This is a fault of the compiler, not of the \
         specification; please report the text that caused it.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_in_the_syntax_range() {
        for pair in CODES.windows(2) {
            assert!(pair[0].code < pair[1].code, "{} must come before {}", pair[0].code, pair[1].code);
        }
        assert!(CODES.iter().all(|c| ("V0001"..="V0099").contains(&c.code)));
        assert!(CODES.iter().all(|c| c.explanation.ends_with('.')));
    }
}
