//! Prints expressions.

use super::doc::{Doc, broken, concat, group, indent, join, text};
use super::operators::{ARGUMENT, PIPE, POSTFIX, SIMPLE, WITH};
use super::types::offsets;
use super::{Printer, bracketed, listed};
use crate::Span;
use crate::ast::{Arg, Block, Expr, ExprKind, ForClause, Ident, IndexArg, ListItem, Pattern, RecordField};

impl Printer<'_> {
    pub(super) fn expr(&self, expr: &Expr) -> Doc {
        self.at(expr, PIPE)
    }

    /// An expression without parentheses around it.
    pub(super) fn bare_expr(&self, expr: &Expr) -> Doc {
        match &expr.kind {
            ExprKind::Int(value) => self.spelled(expr.span, value.to_string()),
            ExprKind::Float(value) => self.spelled(expr.span, format!("{value:?}")),
            ExprKind::Str(value) => text(quoted(value)),
            ExprKind::Bool(value) => text(value.to_string()),
            ExprKind::Name(name) => text(&**name),
            ExprKind::Hole => text("_"),
            ExprKind::Rest(None) => text(".."),
            ExprKind::Rest(Some(sizes)) => concat(vec![text(".."), self.at(sizes, SIMPLE)]),
            ExprKind::List(items) => self.closed("[", self.list_items(items), "]", expr.span),
            ExprKind::Comprehension { element, clauses } => self.comprehension(element, clauses),
            ExprKind::Tuple(parts) => self.tuple(parts, expr.span),
            ExprKind::Record(fields) => self.record(fields, expr.span),
            ExprKind::Field(base, name) => {
                concat(vec![self.at(base, POSTFIX), text(format!(".{}", name.name))])
            }
            ExprKind::Index(base, args) => self.index(base, args),
            ExprKind::Call(callee, args) => {
                concat(vec![self.at(callee, POSTFIX), self.call_args(args, expr.span)])
            }
            ExprKind::Pipe(..) => self.pipe(expr),
            ExprKind::Unary(op, operand) => self.unary(*op, operand),
            ExprKind::Binary(..) => self.binary(expr),
            ExprKind::Range(from, to) => self.range(from, to),
            ExprKind::If { .. } => self.if_expr(expr),
            ExprKind::Block(block) => self.block_expr(block),
            ExprKind::Fold { pattern, iter, state, init, body } => {
                self.fold((pattern, iter), (state, init), body)
            }
            ExprKind::Per { value, over, per } => {
                let over = over.as_ref().map_or_else(String::new, |o| format!(" over {}", o.name));
                concat(vec![self.expr(value), text(format!("{over} per {}", per.name))])
            }
            ExprKind::With(base, bindings) => self.with(base, bindings),
        }
    }

    /// A number as the author wrote it.
    fn spelled(&self, span: Span, canonical: String) -> Doc {
        let written = self.slice(span).map(|s| s.trim_matches(['(', ')', ' ']));
        let is_number = |s: &&str| s.starts_with(|c: char| c.is_ascii_digit()) && !s.contains(['\n', '/']);
        text(written.filter(is_number).map_or(canonical, str::to_owned))
    }

    fn list_items(&self, items: &[ListItem]) -> Vec<Doc> {
        let item = |i: &ListItem| concat(vec![text(if i.spread { ".." } else { "" }), self.expr(&i.value)]);
        items.iter().map(|i| self.element(offsets(i.value.span), || item(i)).0).collect()
    }

    fn comprehension(&self, element: &Expr, clauses: &[ForClause]) -> Doc {
        let element = self.element(offsets(element.span), || self.expr(element)).0;
        let clauses = join(clauses.iter().map(|c| self.for_clause(c)), &[Doc::Line]);
        let inner = vec![Doc::Soft, element, Doc::Line, group(clauses)];
        group(vec![text("["), indent(inner), Doc::Soft, text("]")])
    }

    fn for_clause(&self, clause: &ForClause) -> Doc {
        let mut docs =
            vec![text("for "), self.pattern(&clause.pattern), text(" in "), self.expr(&clause.iter)];
        if let Some(condition) = &clause.condition {
            docs.extend([text(" if "), self.expr(condition)]);
        }
        concat(docs)
    }

    fn tuple(&self, parts: &[Expr], span: Span) -> Doc {
        let docs: Vec<Doc> = parts.iter().map(|p| self.element(offsets(p.span), || self.expr(p)).0).collect();
        match docs.len() {
            // The comma tells it from parentheses.
            1 => concat(vec![text("("), concat(docs), text(",)")]),
            _ => self.closed("(", docs, ")", span),
        }
    }

    fn record(&self, fields: &[RecordField], span: Span) -> Doc {
        self.closed("{", fields.iter().map(|f| self.record_field(f)).collect(), "}", span)
    }

    fn record_field(&self, field: &RecordField) -> Doc {
        let end = field.value.as_ref().map_or(field.key.span, |v| v.span);
        let build = || {
            let key = if field.quoted { quoted(&field.key.name) } else { field.key.name.to_string() };
            let Some(value) = &field.value else { return text(key) };
            let mark = if self.has_colon(field) { ": " } else { " = " };
            concat(vec![text(key), text(mark), self.expr(value)])
        };
        self.element(offsets(field.key.span.to(end)), build).0
    }

    /// Quoted keys take a colon, others an equals sign, unless the author wrote it otherwise.
    fn has_colon(&self, field: &RecordField) -> bool {
        let after = self.source.as_ref().and_then(|s| s.text.get(field.key.span.end as usize..));
        match after.map(str::trim_start).and_then(|s| s.chars().next()) {
            Some(':') => true,
            Some('=') => false,
            _ => field.quoted,
        }
    }

    fn index(&self, base: &Expr, args: &[IndexArg]) -> Doc {
        let args = args.iter().map(|a| self.index_arg(a)).collect();
        concat(vec![self.at(base, POSTFIX), bracketed("[", args, "]")])
    }

    fn index_arg(&self, arg: &IndexArg) -> Doc {
        match arg {
            IndexArg::At(at) => self.expr(at),
            IndexArg::Ellipsis(_) => text("..."),
            IndexArg::Slice { start, end, step, .. } => {
                let part = |e: &Option<Expr>| e.as_ref().map_or_else(Doc::empty, |e| self.expr(e));
                let mut docs = vec![part(start), text(":"), part(end)];
                if step.is_some() {
                    docs.extend([text(":"), part(step)]);
                }
                concat(docs)
            }
        }
    }

    fn call_args(&self, args: &[Arg], span: Span) -> Doc {
        let docs: Vec<Doc> = args.iter().map(|a| self.arg(a)).collect();
        match (args, docs.as_slice()) {
            // One list or record alone needs no indentation of its own.
            ([Arg { name: None, value }], [only]) if hugs(value) && !starts_with_comment(only) => {
                concat(vec![text("("), only.clone(), text(")")])
            }
            _ => self.closed("(", docs, ")", span),
        }
    }

    /// Elements in brackets, the last of which ends `span`, with the comments that stand before it.
    ///
    /// A record keeps the line end behind its brace: whether it is a table or a phrase is the author's choice.
    pub(super) fn closed(&self, open: &str, elements: Vec<Doc>, close: &str, span: Span) -> Doc {
        let end = (span.end as usize).saturating_sub(1);
        let last = self.closing(end, elements.is_empty());
        let record = open == "{";
        let tall =
            record && !elements.is_empty() && self.opening(end).is_some_and(|o| self.line_ends_behind(o));
        match listed((open, close), elements, if record { Doc::Line } else { Doc::Soft }, last) {
            Doc::Group { docs, .. } if tall => broken(docs),
            doc => doc,
        }
    }

    fn arg(&self, arg: &Arg) -> Doc {
        let span = arg.name.as_ref().map_or(arg.value.span, |n| n.span.to(arg.value.span));
        let name = arg.name.as_ref().map_or_else(Doc::empty, |n| text(format!("{} = ", n.name)));
        self.element(offsets(span), || concat(vec![name, self.at(&arg.value, ARGUMENT)])).0
    }

    /// Steps of a pipe, one a line when they do not fit.
    fn pipe(&self, expr: &Expr) -> Doc {
        let mut steps = vec![];
        let mut head = expr;
        while let ExprKind::Pipe(left, right) = &head.kind {
            steps.push(right);
            head = left;
        }
        let first = self.element(offsets(head.span), || self.at(head, WITH)).0;
        let mut inner = vec![];
        while let Some(step) = steps.pop() {
            let build = || concat(vec![text("|> "), self.at(step, WITH)]);
            let span = offsets(step.span);
            let (doc, _) =
                if steps.is_empty() { self.open_element(span, build) } else { self.element(span, build) };
            inner.extend([Doc::Line, doc]);
        }
        group(vec![first, indent(inner)])
    }

    fn fold(&self, each: (&Pattern, &Expr), state: (&Pattern, &Expr), body: &Block) -> Doc {
        group(vec![
            text("fold "),
            self.pattern(each.0),
            text(" in "),
            self.at(each.1, SIMPLE),
            text(" with "),
            self.pattern(state.0),
            text(" = "),
            self.expr(state.1),
            text(" "),
            self.block(body),
        ])
    }

    fn with(&self, base: &Expr, bindings: &[(Ident, Expr)]) -> Doc {
        let binding = |(name, value): &(Ident, Expr)| {
            concat(vec![text(format!("{} = ", name.name)), self.at(value, SIMPLE)])
        };
        let docs: Vec<Doc> = bindings.iter().map(binding).collect();
        let docs = if docs.len() == 1 { concat(docs) } else { bracketed("(", docs, ")") };
        concat(vec![self.at(base, WITH), text(" with "), docs])
    }

    /// Names in a row with commas, as in a list of results.
    pub(super) fn names(&self, names: &[Ident]) -> Doc {
        concat(join(names.iter().map(|n| text(&*n.name)), &[text(", ")]))
    }
}

fn hugs(value: &Expr) -> bool {
    matches!(value.kind, ExprKind::List(_) | ExprKind::Record(_) | ExprKind::Comprehension { .. })
}

/// Whether the document starts on a line of its own, or ends one.
fn starts_with_comment(doc: &Doc) -> bool {
    match doc {
        Doc::Concat(docs) => docs.iter().any(|d| matches!(d, Doc::Hard | Doc::Blank | Doc::Suffix(_))),
        _ => false,
    }
}

/// A string with quotes and escapes.
pub(super) fn quoted(value: &str) -> String {
    let mut out = String::from("\"");
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
