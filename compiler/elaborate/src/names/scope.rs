//! Scopes: what is bound, what was read, and what to say about the rest.

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_syntax::ast::{Ident, Pattern};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use super::{Checker, Use, codes, foreign};
use crate::codes::UNKNOWN_NAME;

/// What a name was bound by; it decides what an unused one is worth saying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never reported: items, methods, sizes, `self`.
    Silent,
    Import,
    Parameter,
    /// `let`, patterns, loops.
    Variable,
    /// A `param`, `const` or child of a module, with the word for it.
    Member(&'static str),
    State,
    Data,
}

#[derive(Debug)]
struct Binding {
    name: Arc<str>,
    span: Span,
    kind: Kind,
    read: bool,
    written: bool,
}

/// One scope.
#[derive(Debug, Default)]
pub(super) struct Frame {
    bindings: Vec<Binding>,
    /// The latest binding of each name.
    latest: BTreeMap<Arc<str>, usize>,
}

/// A member without a use, unless a field access of its name turns up later in the file.
pub(super) struct Unread {
    pub(super) name: Arc<str>,
    pub(super) warning: Diagnostic,
}

/// After so many unknown names no more are looked up among all names, which takes a while each.
const MAX_SUGGESTIONS: usize = 50;

impl Checker<'_> {
    /// Looks at something in a scope of its own.
    pub(super) fn scoped(&mut self, body: impl FnOnce(&mut Self)) {
        self.frames.push(Frame::default());
        body(self);
        if let Some(frame) = self.frames.pop() {
            frame.bindings.iter().for_each(|binding| self.report_unread(binding));
        }
    }

    /// Binds a name in the innermost scope, where it may hide an earlier one. `_` binds nothing.
    pub(super) fn bind(&mut self, name: &Ident, kind: Kind) {
        if &*name.name == "_" {
            return;
        }
        let Some(frame) = self.frames.last_mut() else { return };
        frame.latest.insert(name.name.clone(), frame.bindings.len());
        let (name, span) = (name.name.clone(), name.span);
        frame.bindings.push(Binding { name, span, kind, read: false, written: false });
    }

    /// Binds a name that has to be new in the innermost scope.
    pub(super) fn define(&mut self, name: &Ident, kind: Kind) {
        let first = self.frames.last().and_then(|f| f.latest.get(&name.name).map(|i| f.bindings[*i].span));
        match first {
            Some(first) => self.duplicate(name, first),
            None => self.bind(name, kind),
        }
    }

    pub(super) fn duplicate(&mut self, name: &Ident, first: Span) {
        let error =
            Diagnostic::error(codes::DUPLICATE, name.span, format!("`{}` is defined twice", name.name));
        self.found.push(error.label("defined again here").also(first, "first defined here"));
    }

    /// Names of the file's items and imports.
    pub(super) fn item_names(&self) -> impl Iterator<Item = &str> {
        self.frames.first().into_iter().flat_map(|frame| frame.latest.keys().map(|n| &**n))
    }

    /// Binds every name of a pattern.
    pub(super) fn bind_pattern(&mut self, pattern: &Pattern) {
        let mut seen = BTreeMap::new();
        for name in pattern_names(pattern).into_iter().filter(|name| &*name.name != "_") {
            match first_of(&mut seen, name) {
                Some(first) => self.duplicate(name, first),
                None => self.bind(name, Kind::Variable),
            }
        }
    }

    /// Whether this very definition is bound already.
    pub(super) fn is_bound_at(&self, name: &Ident) -> bool {
        let of_frame = |frame: &Frame| frame.latest.get(&name.name).map(|i| frame.bindings[*i].span);
        self.frames.iter().any(|frame| of_frame(frame) == Some(name.span))
    }

    /// Data sets of the experiment around.
    pub(super) fn data_names(&self) -> Vec<&str> {
        let bindings = self.frames.iter().flat_map(|frame| &frame.bindings);
        bindings.filter(|b| b.kind == Kind::Data).map(|b| &*b.name).collect()
    }

    /// Whether a name stands for a data set.
    pub(super) fn is_data(&self, name: &str) -> bool {
        let binding = |frame: &Frame| frame.latest.get(name).map(|i| frame.bindings[*i].kind);
        self.frames.iter().rev().find_map(binding) == Some(Kind::Data)
    }

    /// Whether a name is bound, built-ins aside.
    pub(super) fn in_scope(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.latest.contains_key(name))
    }

    /// A use of a name.
    pub(super) fn read(&mut self, name: &str, span: Span) {
        let binding = self.mark(name, |binding| binding.read = true).or_else(|| self.read_step(name));
        self.note_use(name, span, binding);
    }

    /// A name that is written. For all but states that is a use like any other.
    pub(super) fn write(&mut self, name: &str, span: Span) {
        let mark = |binding: &mut Binding| match binding.kind {
            Kind::State => binding.written = true,
            _ => binding.read = true,
        };
        let binding = self.mark(name, mark);
        self.note_use(name, span, binding);
    }

    /// Remembers a use; one that no binding is for has to be that of a name which needs none.
    fn note_use(&mut self, name: &str, span: Span, binding: Option<Span>) {
        if binding.is_none() {
            self.check_builtin(name, span);
        }
        self.uses.push(Use { name: name.into(), span, binding });
    }

    /// Marks the innermost binding of a name, and says where it is. While members are initialised, a static
    /// parameter of the same name may be meant, because the member is only there from its own line on.
    fn mark(&mut self, name: &str, mark: impl Fn(&mut Binding)) -> Option<Span> {
        let mut found = None;
        for frame in self.frames.iter_mut().rev() {
            let Some(i) = frame.latest.get(name) else { continue };
            let binding = &mut frame.bindings[*i];
            if Some(binding.span) == self.own {
                continue;
            }
            mark(binding);
            found = found.or(Some(binding.span));
            if self.own.is_none() || !matches!(binding.kind, Kind::Member(_) | Kind::State) {
                break;
            }
        }
        found
    }

    fn check_builtin(&mut self, name: &str, span: Span) {
        if !(self.surroundings.builtin)(name) {
            let message = format!("cannot find `{name}` in this scope");
            self.report_unknown(name, span, message, |c| c.suggestion(name));
        }
    }

    /// Reports an unknown name with what could have been meant.
    pub(super) fn report_unknown(
        &mut self,
        name: &str,
        span: Span,
        message: String,
        suggestion: impl Fn(&Self) -> Option<String>,
    ) {
        let error = Diagnostic::error(UNKNOWN_NAME, span, message);
        let import = || (self.surroundings.suggest_import)(name).map(|line| format!("add `{line}`"));
        let foreign = || foreign::hint(name).map(str::to_string);
        let hint =
            if self.suggests() { foreign().or_else(import).or_else(|| suggestion(self)) } else { None };
        self.push_unknown(error, hint);
    }

    /// Whether the search for what an unknown name could mean is still worth its time.
    pub(super) fn suggests(&self) -> bool {
        self.unknown < MAX_SUGGESTIONS
    }

    pub(super) fn push_unknown(&mut self, error: Diagnostic, hint: Option<String>) {
        self.unknown += 1;
        // A misspelt use is a use: calling the name that it was meant to be unused would be an echo.
        let near = hint.as_deref().and_then(|h| h.strip_prefix("did you mean `")?.strip_suffix("`?"));
        if let Some(near) = near {
            self.mark(near, |binding| binding.read = true);
            self.read_step(near);
        }
        self.found.push(match hint {
            Some(hint) => error.hint(hint),
            None => error,
        });
    }

    fn suggestion(&self, name: &str) -> Option<String> {
        if self.later.contains(name) {
            return Some(format!(
                "`{name}` is defined further down; `data` and `let` parts are read in order"
            ));
        }
        if let Some(near) = did_you_mean(name, self.candidates()).filter(|_| name.len() > 1) {
            return Some(format!("did you mean `{near}`?"));
        }
        let size = self.in_type && name.starts_with(char::is_uppercase);
        size.then(|| format!("a size gets its name where `{name}` stands alone as an axis of a parameter"))
    }

    /// Every name that could stand here.
    fn candidates(&self) -> impl Iterator<Item = &str> {
        let bound = self.frames.iter().flat_map(|frame| frame.latest.keys().map(|n| &**n));
        let steps = self.steps.keys().map(|name| &**name);
        bound.chain(steps).chain(self.surroundings.builtin_names.iter().copied())
    }

    fn report_unread(&mut self, binding: &Binding) {
        let Binding { name, span, kind, read, written } = binding;
        if *read || name.starts_with('_') {
            return;
        }
        let warn = |code, message: String| Diagnostic::warning(code, *span, message);
        match kind {
            Kind::Silent => {}
            Kind::Import => {
                self.found.push(warn(codes::UNUSED_IMPORT, format!("`{name}` is imported but never used")));
            }
            Kind::Parameter => {
                let warning = warn(codes::UNUSED_PARAMETER, format!("parameter `{name}` is never used"));
                self.found.push(warning.hint(unneeded(name)));
            }
            Kind::Variable => {
                let warning = warn(codes::UNUSED_VARIABLE, format!("`{name}` is never used"));
                self.found.push(warning.hint(unneeded(name)));
            }
            Kind::Data => {
                let warning = warn(codes::UNUSED_PART, format!("data set `{name}` is never used"));
                self.found.push(warning.hint(format!("a step reads it with `step name(b from {name})`")));
            }
            Kind::State if *written => {
                let warning = warn(codes::WRITTEN_ONLY, format!("state `{name}` is written but never read"));
                self.unread.push(Unread { name: name.clone(), warning });
            }
            Kind::State => self.unused_member("state", name, *span),
            Kind::Member(what) => self.unused_member(what, name, *span),
        }
    }

    fn unused_member(&mut self, what: &str, name: &Arc<str>, span: Span) {
        let message = format!("{what} `{name}` is used by no method");
        let warning = Diagnostic::warning(codes::UNUSED_MEMBER, span, message);
        self.unread.push(Unread { name: name.clone(), warning });
    }

    /// Warns about a definition that hides a built-in.
    pub(super) fn warn_hiding(&mut self, name: &Ident) {
        if (self.surroundings.builtin)(&name.name) && !crate::builtins::is_stage(&name.name) {
            let message = format!("`{}` hides the built-in of that name", name.name);
            self.found.push(Diagnostic::warning(codes::HIDES_BUILTIN, name.span, message));
        }
    }
}

fn unneeded(name: &str) -> String {
    format!("remove it, or call it `_{name}`")
}

/// Where a name stood before among the names of one list; notes it when it is new.
pub(super) fn first_of<'a>(seen: &mut BTreeMap<&'a str, Span>, name: &'a Ident) -> Option<Span> {
    let first = seen.get(&*name.name).copied();
    if first.is_none() {
        seen.insert(&name.name, name.span);
    }
    first
}

/// Names that a pattern binds.
pub(crate) fn pattern_names(pattern: &Pattern) -> Vec<&Ident> {
    match pattern {
        Pattern::Name(name) => vec![name],
        Pattern::Tuple(parts, _) | Pattern::List(parts, _) => parts.iter().flat_map(pattern_names).collect(),
        Pattern::Record(fields, _) => fields.iter().collect(),
    }
}
