//! Names that can be used in a file: what they are and how they are called.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use vspec_syntax::ast::{self, Item, ItemKind, MemberKind, Param, Pattern};
use vspec_syntax::{Sources, Span, print_expr};

use crate::load::{Definition, FileScope, Loader};
use crate::{builtins, stdlib};

/// A name that can be used anywhere in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameInfo {
    /// What it stands for.
    pub kind: NameKind,
    /// Where its definition names it; built-ins have none.
    pub span: Option<Span>,
    /// How it is defined, without its body: `module Conv(inputs: int, outputs: int, ..)`.
    pub signature: String,
    /// Text of its doc comment.
    pub doc: Option<String>,
    /// Its parameters as written, `stride: int = 1`, those of its first list if it has two.
    pub params: Vec<String>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameKind {
    /// A function, a built-in one included.
    Function,
    /// A module.
    Module,
    /// A loss.
    Loss,
    /// An optimizer.
    Optimizer,
    /// An assignment rule.
    Assign,
    /// A record type.
    Record,
    /// A constant, or a reading of the run clock.
    Constant,
}

/// Everything that the file defines or uses, the prelude and the built-ins. What comes first hides what comes later.
pub(crate) fn visible(loader: &mut Loader<'_>, file: &Rc<FileScope>) -> BTreeMap<Arc<str>, NameInfo> {
    let mut names = BTreeMap::new();
    for name in file.names() {
        let info = file.definition(&name).and_then(|d| definition_info(&d, file, &loader.sources));
        names.extend(info.map(|info| (name, info)));
    }
    for name in stdlib::names("prelude") {
        let Some(definition) = loader.prelude(name) else { continue };
        if let Some(info) = definition_info(&definition, file, &loader.sources) {
            names.entry(name.into()).or_insert(info);
        }
    }
    for name in builtins::names() {
        names.entry(name.into()).or_insert_with(|| builtin_info(name));
    }
    names
}

/// Where a module's definition names one of its members.
pub(crate) fn member_span(module: &ast::ModuleDef, name: &str) -> Option<Span> {
    let named = |ident: &ast::Ident| (&*ident.name == name).then_some(ident.span);
    module.members.iter().find_map(|member| match &member.kind {
        MemberKind::Child { name, .. } => named(name),
        MemberKind::Param(def) | MemberKind::State(def) | MemberKind::Const(def) => named(&def.name),
        MemberKind::Method(def) => named(&def.name),
        MemberKind::Let(ast::Let { pattern: Pattern::Name(name), .. }) => named(name),
        MemberKind::Let(_) | MemberKind::Require(_) | MemberKind::Test(_) => None,
    })
}

fn definition_info(definition: &Definition, file: &FileScope, sources: &Sources) -> Option<NameInfo> {
    let (kind, name, params, home) = match definition {
        Definition::Function(f) => {
            let params = f.def.config.as_ref().unwrap_or(&f.def.params);
            (NameKind::Function, &f.def.name, params.as_slice(), &*f.file)
        }
        Definition::Module(m) => (NameKind::Module, &m.def.name, m.def.params.as_slice(), &*m.file),
        Definition::Loss(l) => {
            let params = l.def.config.as_ref().unwrap_or(&l.def.params);
            (NameKind::Loss, &l.def.name, params.as_slice(), &*l.file)
        }
        Definition::Optimizer(o) => (NameKind::Optimizer, &o.def.name, o.def.params.as_slice(), &*o.file),
        Definition::Assign(a) => (NameKind::Assign, &a.def.name, a.def.params.as_slice(), &*a.file),
        Definition::Record(r) => (NameKind::Record, &r.name, [].as_slice(), file),
        Definition::Constant(c) => match &c.def.pattern {
            Pattern::Name(name) => (NameKind::Constant, name, [].as_slice(), &*c.file),
            Pattern::Tuple(..) | Pattern::List(..) | Pattern::Record(..) => return None,
        },
        Definition::Broken => return None,
    };
    let item =
        home.ast.items.iter().find(|item| item.span.file == name.span.file && holds(item.span, name.span));
    Some(NameInfo {
        kind,
        span: Some(name.span),
        signature: item.map_or(name.name.to_string(), |item| signature(item, |span| sources.slice(span))),
        doc: item.and_then(|item| item.doc.clone()),
        params: params.iter().map(|p| parameter(p, sources)).collect(),
    })
}

fn holds(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The text of an item up to its body.
pub(crate) fn signature<'t>(item: &Item, text: impl Fn(Span) -> &'t str) -> String {
    let start = item.span;
    let body = match &item.kind {
        ItemKind::Fn(def) => def.body.as_ref().map(|body| body.span.start),
        ItemKind::Loss(def) => Some(def.body.span.start),
        ItemKind::Assign(def) => Some(def.body.start),
        ItemKind::Module(_) | ItemKind::Optimizer(_) => {
            text(start).find('{').map(|at| start.start + at as u32)
        }
        _ => None,
    };
    let end = body.unwrap_or(start.end);
    text(Span { end, ..start })
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .replace("( ", "(")
        .replace(", )", ")")
}

fn parameter(param: &Param, sources: &Sources) -> String {
    let mut text = param.name.name.to_string();
    if let Some(ty) = &param.ty {
        text += &format!(": {}", sources.slice(ty.span));
    }
    if let Some(default) = &param.default {
        text += &format!(" = {}", print_expr(default));
    }
    text
}

/// `sum(x, axis?, keepdims?, where?)`, or the name of a constant.
pub(crate) fn builtin_signature(name: &str) -> String {
    builtins::find(name).map_or(name.to_string(), |builtin| format!("{name}({})", builtin.params))
}

fn builtin_info(name: &str) -> NameInfo {
    let builtin = builtins::find(name);
    let doc = builtins::docs::of(name).map(str::to_string);
    let params = builtin.map_or("", |b| b.params);
    NameInfo {
        kind: if builtin.is_some() { NameKind::Function } else { NameKind::Constant },
        span: None,
        signature: builtin_signature(name),
        doc,
        params: params
            .split(", ")
            .filter(|p| !p.is_empty())
            .map(|p| p.trim_end_matches('?').into())
            .collect(),
    }
}
