//! The outline of a document.

use lsp_types::{DocumentSymbol, SymbolKind};
use vspec_syntax::ast::{ExperimentPart, Ident, Item, ItemKind, Member, MemberKind, Pattern};
use vspec_syntax::{FileId, Span, parse};

use super::position;

/// Items with their members, those of broken items left out.
pub(super) fn symbols(text: &str) -> Vec<DocumentSymbol> {
    let (file, _) = parse(FileId(0), text);
    file.items.iter().filter_map(|item| of_item(text, item)).collect()
}

/// A part of the outline before its places are positions.
struct Symbol<'a> {
    name: &'a str,
    at: Span,
    whole: Span,
    kind: SymbolKind,
    children: Vec<DocumentSymbol>,
}

impl Symbol<'_> {
    #[expect(deprecated, reason = "the protocol's type has a deprecated field that has to be given")]
    fn shown(self, text: &str) -> DocumentSymbol {
        DocumentSymbol {
            name: if self.name.is_empty() { "_".to_string() } else { self.name.to_string() },
            detail: None,
            kind: self.kind,
            tags: None,
            deprecated: None,
            range: position::range(text, self.whole),
            selection_range: position::range(text, self.at),
            children: Some(self.children).filter(|c| !c.is_empty()),
        }
    }
}

fn of_item(text: &str, item: &Item) -> Option<DocumentSymbol> {
    let symbol = |name: &Ident, kind, children| {
        Some(Symbol { name: &name.name, at: name.span, whole: item.span, kind, children }.shown(text))
    };
    match &item.kind {
        ItemKind::Use(_) => None,
        ItemKind::Let(def) => symbol(pattern_name(&def.pattern)?, SymbolKind::CONSTANT, vec![]),
        ItemKind::Record(def) => symbol(&def.name, SymbolKind::STRUCT, vec![]),
        ItemKind::Fn(def) => symbol(&def.name, SymbolKind::FUNCTION, vec![]),
        ItemKind::Module(def) => symbol(&def.name, SymbolKind::CLASS, members(text, &def.members)),
        ItemKind::Loss(def) => symbol(&def.name, SymbolKind::CLASS, vec![]),
        ItemKind::Optimizer(def) => symbol(&def.name, SymbolKind::CLASS, members(text, &def.members)),
        ItemKind::Assign(def) => symbol(&def.name, SymbolKind::CLASS, vec![]),
        ItemKind::Experiment(def) => symbol(&def.name, SymbolKind::NAMESPACE, parts(text, &def.parts)),
        ItemKind::Entry(def) => symbol(&def.name, SymbolKind::VARIABLE, vec![]),
        ItemKind::Test(def) => {
            let name = Ident { name: def.name.clone(), span: def.name_span };
            symbol(&name, SymbolKind::EVENT, vec![])
        }
    }
}

fn members(text: &str, members: &[Member]) -> Vec<DocumentSymbol> {
    let of = |member: &Member| {
        let (name, kind) = match &member.kind {
            MemberKind::Child { name, .. } => (name, SymbolKind::FIELD),
            MemberKind::Param(def) | MemberKind::State(def) | MemberKind::Const(def) => {
                (&def.name, SymbolKind::PROPERTY)
            }
            MemberKind::Let(def) => (pattern_name(&def.pattern)?, SymbolKind::CONSTANT),
            MemberKind::Method(def) => (&def.name, SymbolKind::METHOD),
            MemberKind::Require(_) | MemberKind::Test(_) => return None,
        };
        let (at, whole) = (name.span, member.span);
        Some(Symbol { name: &name.name, at, whole, kind, children: vec![] }.shown(text))
    };
    members.iter().filter_map(of).collect()
}

fn parts(text: &str, parts: &[ExperimentPart]) -> Vec<DocumentSymbol> {
    let of = |part: &ExperimentPart| {
        let (name, whole, kind) = match part {
            ExperimentPart::Data { name, value } => (name, name.span.to(value.span), SymbolKind::VARIABLE),
            ExperimentPart::Let(def) => {
                let name = pattern_name(&def.pattern)?;
                (name, name.span.to(def.value.span), SymbolKind::VARIABLE)
            }
            ExperimentPart::Step(step) => (&step.name, step.span, SymbolKind::METHOD),
            ExperimentPart::Run(_) => return None,
        };
        Some(Symbol { name: &name.name, at: name.span, whole, kind, children: vec![] }.shown(text))
    };
    parts.iter().filter_map(of).collect()
}

fn pattern_name(pattern: &Pattern) -> Option<&Ident> {
    match pattern {
        Pattern::Name(name) => Some(name),
        Pattern::Tuple(..) | Pattern::List(..) | Pattern::Record(..) => None,
    }
}
