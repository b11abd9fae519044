//! Dumps expressions, types and patterns.

use super::statement::statement;
use super::{Node, atom, list, maybe};
use crate::ast::{
    Arg, Block, DimExpr, Expr, ExprKind, ForClause, IndexArg, ListItem, Param, Pattern, RecordField,
    TypeExpr, TypeKind, UnaryOp,
};

pub(super) fn expr(e: &Expr) -> Node {
    match &e.kind {
        ExprKind::Int(value) => atom(value.to_string()),
        ExprKind::Float(value) => atom(format!("{value:?}")),
        ExprKind::Str(value) => atom(format!("{value:?}")),
        ExprKind::Bool(value) => atom(value.to_string()),
        ExprKind::Name(name) => atom(&**name),
        ExprKind::Hole => atom("_"),
        ExprKind::Rest(sizes) => sizes.as_ref().map_or_else(|| atom(".."), |s| list("..", [expr(s)])),
        ExprKind::List(items) => list("list", items.iter().map(list_item)),
        ExprKind::Comprehension { element, clauses } => {
            list("each", std::iter::once(expr(element)).chain(clauses.iter().map(for_clause)))
        }
        ExprKind::Tuple(parts) => list("tuple", parts.iter().map(expr)),
        ExprKind::Record(fields) => list("record", fields.iter().map(record_field)),
        ExprKind::Field(base, name) => list(".", [expr(base), atom(&*name.name)]),
        ExprKind::Index(base, args) => {
            list("index", std::iter::once(expr(base)).chain(args.iter().map(index_arg)))
        }
        ExprKind::Call(callee, args) => {
            list("call", std::iter::once(expr(callee)).chain(args.iter().map(arg)))
        }
        ExprKind::Pipe(left, right) => list("|>", [expr(left), expr(right)]),
        ExprKind::Unary(op, operand) => {
            list(if *op == UnaryOp::Neg { "neg" } else { "not" }, [expr(operand)])
        }
        ExprKind::Binary(op, left, right) => list(op.symbol(), [expr(left), expr(right)]),
        ExprKind::Range(from, to) => list("range", [expr(from), expr(to)]),
        ExprKind::If { condition, then, otherwise } => {
            let parts = [expr(condition), block(then)].into_iter().chain(otherwise.as_ref().map(block));
            list("if", parts)
        }
        ExprKind::Block(body) => list("block", [block(body)]),
        ExprKind::Fold { pattern: p, iter, state, init, body } => {
            list("fold", [pattern(p), expr(iter), pattern(state), expr(init), block(body)])
        }
        ExprKind::Per { value, over, per } => {
            let over = maybe("over", over.as_ref().map(|o| atom(&*o.name)));
            list("per", [expr(value), atom(&*per.name)].into_iter().chain(over))
        }
        ExprKind::With(base, bindings) => {
            let bindings = bindings.iter().map(|(name, value)| list(&name.name, [expr(value)]));
            list("with", std::iter::once(expr(base)).chain(bindings))
        }
    }
}

fn list_item(item: &ListItem) -> Node {
    if item.spread { list("spread", [expr(&item.value)]) } else { expr(&item.value) }
}

fn for_clause(clause: &ForClause) -> Node {
    let parts = [pattern(&clause.pattern), expr(&clause.iter)];
    list("for", parts.into_iter().chain(maybe("if", clause.condition.as_ref().map(expr))))
}

fn record_field(field: &RecordField) -> Node {
    let key = if field.quoted { format!("{:?}", field.key.name) } else { field.key.name.to_string() };
    list(&key, field.value.as_ref().map(expr))
}

fn index_arg(arg: &IndexArg) -> Node {
    let part = |e: &Option<Expr>| e.as_ref().map_or_else(|| atom("_"), expr);
    match arg {
        IndexArg::At(at) => expr(at),
        IndexArg::Slice { start, end, step, .. } => list(":", [part(start), part(end), part(step)]),
        IndexArg::Ellipsis(_) => atom("..."),
    }
}

fn arg(arg: &Arg) -> Node {
    match &arg.name {
        Some(name) => list("=", [atom(&*name.name), expr(&arg.value)]),
        None => expr(&arg.value),
    }
}

/// The value comes last, as `(value ..)`.
pub(super) fn block(block: &Block) -> Node {
    let value = block.value.as_ref().map(|v| list("value", [expr(v)]));
    list("do", block.statements.iter().map(statement).chain(value))
}

pub(super) fn param(param: &Param) -> Node {
    let parts = param.ty.as_ref().map(ty).into_iter().chain(maybe("=", param.default.as_ref().map(expr)));
    list(&param.name.name, parts)
}

pub(super) fn pattern(pattern: &Pattern) -> Node {
    match pattern {
        Pattern::Name(name) => atom(&*name.name),
        Pattern::Tuple(parts, _) => list("tuple", parts.iter().map(self::pattern)),
        Pattern::List(parts, _) => list("list", parts.iter().map(self::pattern)),
        Pattern::Record(names, _) => list("fields", names.iter().map(|n| atom(&*n.name))),
    }
}

pub(super) fn ty(t: &TypeExpr) -> Node {
    match &t.kind {
        TypeKind::Shaped { element, dims } => {
            list("shaped", std::iter::once(atom(&*element.name)).chain(dims.iter().map(dim)))
        }
        TypeKind::Named(name) => atom(&*name.name),
        TypeKind::List(element) => list("list-of", [ty(element)]),
        TypeKind::Tuple(parts) => list("tuple", parts.iter().map(ty)),
        TypeKind::Record { fields, open } => {
            let fields = fields.iter().map(|(name, t)| list(&name.name, [ty(t)]));
            list("record", fields.chain(open.then(|| atom(".."))))
        }
        TypeKind::Fn { params, ret } => {
            list("fn", params.iter().map(ty).chain(maybe("->", ret.as_deref().map(ty))))
        }
        TypeKind::Module(None) => atom("module"),
        TypeKind::Module(Some(params)) => list("module", params.iter().map(ty)),
    }
}

fn dim(dim: &DimExpr) -> Node {
    if dim.masked { list("?", [expr(&dim.size)]) } else { expr(&dim.size) }
}
