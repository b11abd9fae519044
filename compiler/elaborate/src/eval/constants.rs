//! Constants of files: each is evaluated once, and none may need itself.

use std::rc::Rc;
use std::sync::Arc;

use vspec_syntax::{Diagnostic, Span};

use super::{Eval, Evaluator, Place, Stop};
use crate::codes;
use crate::load::Constant;
use crate::scope::{Parent, Scope};
use crate::value::Value;

/// A constant that is being evaluated, and where its value is needed.
pub(super) struct OpenConstant {
    constant: Rc<Constant>,
    needed: Span,
}

impl Evaluator<'_> {
    /// Evaluates every constant of the files of the package, so that a mistake in one is a mistake of the file and not of the
    /// test or the step that happens to read it first.
    pub(crate) fn constants(&mut self) {
        for constant in self.loader.own_files().iter().flat_map(|file| file.constants()) {
            let known = constant.value.borrow().is_some();
            if !known && !self.saturated() {
                // A failed constant has reported itself.
                let _ = self.evaluate_constant(&constant, constant.def.value.span);
            }
        }
    }

    pub(super) fn constant(&mut self, constant: &Rc<Constant>, span: Span) -> Eval<Value> {
        let known = constant.value.borrow().clone();
        match known {
            Some(Value::Poison) => self.needs_itself(constant, span),
            Some(value) => Ok(value),
            None => {
                let what = format!("the value of `{}`, needed here", constant.name.name);
                self.framed(span, what, |e| e.evaluate_constant(constant, span))
            }
        }
    }

    fn evaluate_constant(&mut self, constant: &Rc<Constant>, needed: Span) -> Eval<Value> {
        let scope = Scope::new(Parent::File(constant.file.clone()));
        // Poison while it is being evaluated and after it has failed.
        *constant.value.borrow_mut() = Some(Value::Poison);
        self.open_constants.push(OpenConstant { constant: constant.clone(), needed });
        let value = self.at_place(Place::Static, |e| e.value_of_constant(constant, &scope));
        self.open_constants.pop();
        let value = value?;
        *constant.value.borrow_mut() = Some(value.clone());
        Ok(value)
    }

    fn value_of_constant(&mut self, constant: &Constant, scope: &Rc<Scope>) -> Eval<Value> {
        let given = self.given(None, &constant.def.value, scope)?;
        match &constant.def.ty {
            Some(ty) => self.conform(&given, ty, scope, &format!("`{}`", constant.name.name)),
            None => Ok(given.value),
        }
    }

    /// A constant without a value: it has failed and reported so, or it is one of those that are being evaluated.
    fn needs_itself<T>(&mut self, constant: &Rc<Constant>, span: Span) -> Eval<T> {
        let is_same = |open: &OpenConstant| Rc::ptr_eq(&open.constant, constant);
        let Some(first) = self.open_constants.iter().position(is_same) else { return Err(Stop) };
        let circle = &self.open_constants[first..];
        let names: Vec<Arc<str>> = circle.iter().map(|open| open.constant.name.name.clone()).collect();
        let needs = circle.iter().skip(1).map(|open| open.needed).chain([span]);
        let needed = names.iter().cycle().skip(1).zip(needs);
        let message = match names.as_slice() {
            [only] => format!("`{only}` needs its own value"),
            _ => format!("{} need each other's values", listed(&names)),
        };
        let error = Diagnostic::error(codes::CYCLIC_LET, constant.name.span, message);
        let mut error = error.label(format!("{} -> {}", names.join(" -> "), names[0]));
        for (name, at) in needed {
            error = error.also(at, format!("`{name}` is needed here"));
        }
        self.fail(error.hint(match names.as_slice() {
            [_] => "write it without itself",
            _ => "none of them can be evaluated first: write one of them without the others",
        }))
    }
}

/// `a`, `b` and `c`
fn listed(names: &[Arc<str>]) -> String {
    match names {
        [] => String::new(),
        [only] => format!("`{only}`"),
        [first @ .., last] => format!("`{}` and `{last}`", first.join("`, `")),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::load::Loader;
    use crate::{SourceInfo, World};

    struct Nothing;

    impl World for Nothing {
        fn read(&self, _: &Path) -> Result<String, String> {
            Err("no such file".to_string())
        }

        fn inspect(&self, _: &vspec_ir::Source) -> Result<SourceInfo, String> {
            Err("no data".to_string())
        }
    }

    /// A fault of the compiler that no text may provoke: a constant failed, and nobody said so.
    #[test]
    fn a_test_that_stops_without_an_error_does_not_pass() {
        let mut loader = Loader::new(&Nothing);
        let file = loader.load_main(Path::new("t.vspec"), "let A = 1\ntest \"t\" { assert A == 1 }\n");
        let mut evaluator = Evaluator::new(loader);
        for constant in file.constants() {
            *constant.value.borrow_mut() = Some(Value::Poison);
        }
        let found: Vec<_> = evaluator.tests(&file).into_iter().flat_map(|test| test.failures).collect();
        assert_eq!(found.iter().map(|d| d.code).collect::<Vec<_>>(), [codes::UNEXPLAINED]);
    }
}
