//! Prints files, items and members.

use super::doc::{Doc, concat, group, text};
use super::types::offsets;
use super::{Printer, bracketed, doc_lines};
use crate::Span;
use crate::ast::{
    File, FnDef, GradientDef, Ident, Item, ItemKind, LossDef, Member, MemberKind, Param, TypeExpr, Use,
};

impl Printer<'_> {
    pub(super) fn file(&self, file: &File) -> Doc {
        let mut docs = vec![];
        if self.source.is_none() && file.doc.is_some() {
            docs.extend(doc_lines("//!", file.doc.as_ref()));
            docs.push(Doc::Hard);
        }
        let mut previous: Option<&Item> = None;
        for item in &file.items {
            let (doc, blank) = self.element(offsets(item.span), || self.item(item));
            if let Some(previous) = previous {
                let blank = blank || !(is_line(previous) && is_line(item));
                docs.push(if blank { Doc::Blank } else { Doc::Hard });
            }
            docs.push(doc);
            previous = Some(item);
        }
        docs.extend(self.closing(usize::MAX, file.items.is_empty()));
        concat(docs)
    }

    fn item(&self, item: &Item) -> Doc {
        let doc = match &item.kind {
            ItemKind::Use(names) => self.use_def(names),
            ItemKind::Let(binding) => self.let_binding(binding),
            ItemKind::Record(record) => {
                let fields = self.closed("{", self.type_fields(&record.fields), "}", item.span);
                concat(vec![text(format!("record {} ", record.name.name)), fields])
            }
            ItemKind::Fn(function) => {
                concat(vec![text(if function.host { "host fn " } else { "fn " }), self.function(function)])
            }
            ItemKind::Module(m) => self.with_members("module", (&m.name, &m.params), &m.members, item.span),
            ItemKind::Loss(loss) => self.loss(loss),
            ItemKind::Optimizer(o) => {
                self.with_members("optimizer", (&o.name, &o.params), &o.members, item.span)
            }
            ItemKind::Assign(rule) => self.rule(rule),
            ItemKind::Experiment(experiment) => self.experiment(experiment, item.span),
            ItemKind::Entry(entry) => self.assign("entry ", text(&*entry.name.name), &entry.value),
            ItemKind::Test(test) => self.test(test),
        };
        self.documented(item.doc.as_ref(), doc)
    }

    /// Doc comments come from the text if there is one, as the other comments do.
    fn documented(&self, lines: Option<&String>, doc: Doc) -> Doc {
        if self.source.is_some() {
            return doc;
        }
        let mut docs = doc_lines("///", lines);
        docs.push(doc);
        concat(docs)
    }

    fn use_def(&self, names: &Use) -> Doc {
        let path: String = names.path.iter().map(|p| format!("{}.", p.name)).collect();
        let name = |(name, alias): &(Ident, Option<Ident>)| match alias {
            Some(alias) => text(format!("{} as {}", name.name, alias.name)),
            None => text(&*name.name),
        };
        let list = match names.names.as_slice() {
            [only] => name(only),
            several => bracketed("{", several.iter().map(name).collect(), "}"),
        };
        concat(vec![text(format!("use {path}")), list])
    }

    /// A function from its name on.
    fn function(&self, function: &FnDef) -> Doc {
        let head = self.signature(function.config.as_deref(), &function.params, function.ret.as_ref());
        let mut docs = vec![text(&*function.name.name), head];
        if let Some(body) = &function.body {
            docs.extend([text(" "), self.block(body)]);
        }
        if let Some(gradient) = &function.gradient {
            docs.extend([text(" "), self.gradient(gradient)]);
        }
        concat(docs)
    }

    fn signature(&self, config: Option<&[Param]>, params: &[Param], ret: Option<&TypeExpr>) -> Doc {
        let config = config.map_or_else(Doc::empty, |c| self.params(c));
        group(vec![config, self.params(params), self.ret(ret)])
    }

    fn gradient(&self, gradient: &GradientDef) -> Doc {
        let ret = gradient.ret.as_ref().map_or_else(String::new, |r| format!(" -> {}", r.name));
        let head = vec![text("with gradient("), self.names(&gradient.params), text(format!("){ret} "))];
        concat(vec![concat(head), self.block(&gradient.body)])
    }

    fn loss(&self, loss: &LossDef) -> Doc {
        let head = self.signature(loss.config.as_deref(), &loss.params, loss.ret.as_ref());
        concat(vec![text(format!("loss {}", loss.name.name)), head, text(" "), self.block(&loss.body)])
    }

    fn with_members(&self, word: &str, head: (&Ident, &[Param]), members: &[Member], span: Span) -> Doc {
        let params = self.params(head.1);
        let body = self.body(span, || members.iter().map(|m| self.member_line(m)).collect());
        concat(vec![text(format!("{word} {}", head.0.name)), params, text(" "), body.broken()])
    }

    /// Without a source a method is set apart.
    fn member_line(&self, member: &Member) -> (Doc, bool) {
        let apart = matches!(member.kind, MemberKind::Method(_) | MemberKind::Test(_));
        let (doc, blank) = self.element(offsets(member.span), || self.member(member));
        (doc, blank || (self.source.is_none() && apart))
    }

    fn member(&self, member: &Member) -> Doc {
        let doc = match &member.kind {
            MemberKind::Child { name, ty, value } => {
                self.assign("", concat(vec![text(&*name.name), self.annotation(ty.as_ref())]), value)
            }
            MemberKind::Param(var) => self.var("param", var),
            MemberKind::State(var) => self.var("state", var),
            MemberKind::Const(var) => self.var("const", var),
            MemberKind::Let(binding) => self.let_binding(binding),
            MemberKind::Method(function) => self.function(function),
            MemberKind::Require(require) => self.require(require),
            MemberKind::Test(test) => self.test(test),
        };
        self.documented(member.doc.as_ref(), doc)
    }
}

/// Whether it stands on a line of its own kind, so that no blank line has to set it apart.
fn is_line(item: &Item) -> bool {
    matches!(item.kind, ItemKind::Use(_) | ItemKind::Let(_) | ItemKind::Entry(_))
}
