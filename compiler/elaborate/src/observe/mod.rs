//! What an editor wants to know about a file: what expressions came to, what names refer to, what can be called how.
//!
//! An expression that is elaborated several times, in a method of a module with several instances for example, may come to
//! several values; the first few different ones are kept. Nothing is recorded where nobody observes.

mod describe;
pub(crate) mod names;

pub use names::{NameInfo, NameKind};

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use vspec_ir::Graph;
use vspec_syntax::ast::{File, Ident, ItemKind};
use vspec_syntax::{FileId, Span};

use crate::load::{FileScope, Loader};
use crate::names::Use;
use crate::scope::Scope;
use crate::value::{InstanceKind, Value};
use describe::describe;
use names::{member_span, visible};

/// How many different values of one expression are kept.
const MAX_VALUES: usize = 4;
/// How many evaluations of one expression are looked at.
const MAX_LOOKS: u32 = 200;
/// How many places of a file are kept.
const MAX_PLACES: usize = 200_000;

/// What is known about the main file of a compilation.
#[derive(Debug, Default)]
pub struct Index {
    /// What expressions, bindings and parameters came to, by their place.
    pub values: BTreeMap<Span, Seen>,
    /// What calls came to, by the place of the callee.
    pub results: BTreeMap<Span, Seen>,
    /// Fields and members of what stands at a place.
    pub fields: BTreeMap<Span, Vec<String>>,
    /// Where the definition of a name stands, by the place of its use; definitions may lie in other files.
    pub uses: BTreeMap<Span, Span>,
    /// Every name that can be used anywhere in the file.
    pub names: BTreeMap<Arc<str>, NameInfo>,
}

/// The values that were seen at a place, as people read them: `f32[B, 64, 8, 8]`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Different ones, in the order in which they were seen.
    pub texts: Vec<String>,
    /// Whether there were more than are kept.
    pub more: bool,
    looks: u32,
}

impl Seen {
    fn look(&mut self, text: impl FnOnce() -> String) {
        self.looks = self.looks.saturating_add(1);
        if self.looks > MAX_LOOKS {
            return;
        }
        let text = text();
        if self.texts.contains(&text) {
            return;
        }
        match self.texts.len() < MAX_VALUES {
            true => self.texts.push(text),
            false => self.more = true,
        }
    }
}

/// Records what an evaluation comes to, at places of one file.
#[derive(Debug)]
pub(crate) struct Observer {
    file: FileId,
    pub(crate) index: Index,
}

impl Observer {
    pub(crate) fn of(file: FileId) -> Observer {
        Observer { file, index: Index::default() }
    }

    fn takes(&self, span: Span) -> bool {
        span.file == self.file && !span.is_empty() && self.index.values.len() < MAX_PLACES
    }

    /// A value at the place of its expression, or of the name that it is bound to.
    pub(crate) fn value(&mut self, span: Span, value: &Value, graph: &Graph) {
        if !self.takes(span) || matches!(value, Value::Unit | Value::Poison) {
            return;
        }
        self.index.values.entry(span).or_default().look(|| describe(value, graph));
        if let Some(fields) = fields(value) {
            self.index.fields.entry(span).or_insert(fields);
        }
    }

    /// What a call came to, at the place of its callee.
    pub(crate) fn result(&mut self, callee: Span, value: &Value, graph: &Graph) {
        if self.takes(callee) && !matches!(value, Value::Unit | Value::Poison) {
            self.index.results.entry(callee).or_default().look(|| describe(value, graph));
        }
    }

    /// A declared type, at the place of the name.
    pub(crate) fn declared(&mut self, span: Span, ty: &vspec_ir::Type) {
        if self.takes(span) {
            self.index.values.entry(span).or_default().look(|| ty.to_string());
        }
    }

    /// A use of a name and where it is defined.
    pub(crate) fn refers(&mut self, usage: Span, definition: Span) {
        if self.takes(usage) {
            self.index.uses.entry(usage).or_insert(definition);
        }
    }

    /// The index, with what the whole file can use and what its names refer to.
    pub(crate) fn finish(mut self, uses: &[Use], loader: &mut Loader<'_>, file: &Rc<FileScope>) -> Index {
        self.index.names = visible(loader, file);
        let imports = imported(&file.ast);
        for Use { name, span, binding } in uses {
            let known = self.index.names.get(name).and_then(|info| info.span);
            let definition = match binding {
                Some(binding) if imports.iter().any(|i| i.span == *binding) => known,
                Some(binding) => Some(*binding),
                None => known,
            };
            if let Some(definition) = definition {
                self.refers(*span, definition);
            }
        }
        for import in imports {
            if let Some(definition) = self.index.names.get(&import.local).and_then(|info| info.span) {
                self.refers(import.span, definition);
                self.refers(import.original, definition);
            }
        }
        self.index
    }

    /// A field access: where the member of an instance is defined.
    pub(crate) fn field(&mut self, base: &Value, name: &str, usage: Span) {
        let instance = match base {
            Value::Instance(instance) => instance,
            Value::View(view) => &view.base,
            _ => return,
        };
        let definition = match &instance.kind {
            InstanceKind::Module(item) => member_span(&item.def, name),
            InstanceKind::Loss(_) => None,
        };
        let definition = definition.or_else(|| static_parameter(&instance.scope, name));
        if let Some(definition) = definition {
            self.refers(usage, definition);
        }
    }
}

/// A name that a file takes from another.
struct Import {
    local: Arc<str>,
    /// Where its local name stands, and where the name that the other file has for it.
    span: Span,
    original: Span,
}

fn imported(file: &File) -> Vec<Import> {
    let uses = file.items.iter().filter_map(|item| match &item.kind {
        ItemKind::Use(u) => Some(u),
        _ => None,
    });
    let import = |(name, rename): &(Ident, Option<Ident>)| {
        let local = rename.as_ref().unwrap_or(name);
        Import { local: local.name.clone(), span: local.span, original: name.span }
    };
    uses.flat_map(|u| u.names.iter().map(import)).collect()
}

/// Where the value of a static parameter of an instance came from.
fn static_parameter(scope: &Scope, name: &str) -> Option<Span> {
    scope.own(name).map(|binding| binding.origin)
}

/// What can follow a dot.
fn fields(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Record(record) => Some(record.keys().map(|k| k.to_string()).collect()),
        Value::Instance(instance) => {
            let members = instance.members.borrow();
            Some(members.keys().map(|k| k.to_string()).chain(["params".into(), "state".into()]).collect())
        }
        Value::View(view) => fields(&Value::Instance(view.base.clone())),
        Value::Pipeline(_) => Some(vec!["classes".into(), "items".into()]),
        _ => None,
    }
}
