//! From text to graphs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::ParseError;
use super::attrs::{attributes, op};
use super::cursor::{Cursor, Place};
use super::dims;
use super::lexer::Token;
use super::names::name_of;
use super::print::implied_obligations;
use crate::infer::{Obligation, Relation};
use crate::{Dim, Graph, Location, Node, NodeId, Op, Origin, OutputKind, Type};

/// Reads a text that is one graph. Types are taken as written; the verifier is what checks them.
pub fn parse(text: &str) -> Result<Graph, ParseError> {
    let mut c = Cursor::new(text)?;
    c.skip_newlines();
    let graph = graph(&mut c)?;
    c.end_of_text()?;
    Ok(graph)
}

/// Reads a text of any number of graphs.
pub fn parse_all(text: &str) -> Result<Vec<Graph>, ParseError> {
    let mut c = Cursor::new(text)?;
    let mut graphs = vec![];
    c.skip_newlines();
    while *c.peek() != Token::End {
        graphs.push(graph(&mut c)?);
        c.skip_newlines();
    }
    Ok(graphs)
}

/// Reads a size, `(H + 1)//2`.
pub fn parse_dim(text: &str) -> Result<Dim, ParseError> {
    let mut c = Cursor::new(text)?;
    let dim = dims::dim(&mut c)?;
    c.end_of_text()?;
    Ok(dim)
}

/// Reads a type, `f32[B, 3, H//2]`.
pub fn parse_type(text: &str) -> Result<Type, ParseError> {
    let mut c = Cursor::new(text)?;
    let ty = dims::ty(&mut c)?;
    c.end_of_text()?;
    Ok(ty)
}

/// Reads an instance of an op as the samples of the op table are written: the types of the operands, then all
/// attributes, `(f32[2, 3], f32[3]) axes=[1] keepdims=false`.
pub fn parse_instance(name: &str, sample: &str) -> Result<(Op, Vec<Type>), ParseError> {
    let declared = op(&mut Cursor::new(name)?)?;
    let mut c = Cursor::new(sample)?;
    let operands = c.list(["(", ")"], dims::ty)?;
    let written = attributes(&mut c, declared)?;
    c.end_of_text()?;
    Ok((written.finish(None)?, operands))
}

/// A statement whose operands are still labels: they may be defined further down.
#[derive(Default)]
struct Body<'a> {
    ids: BTreeMap<&'a str, NodeId>,
    nodes: Vec<(Node, Vec<Operand<'a>>)>,
    outputs: Vec<(OutputKind, String, Operand<'a>)>,
    requirements: Vec<(Obligation, Operand<'a>)>,
}

/// A reference to a node.
struct Operand<'a> {
    place: Place,
    target: Target<'a>,
}

enum Target<'a> {
    Label(&'a str),
    /// The printer writes `<missing %7>` for a node that does not exist.
    Missing(u32),
}

fn graph(c: &mut Cursor<'_>) -> Result<Graph, ParseError> {
    if !c.accept_word("graph") {
        return c.expected("`graph`");
    }
    c.expect("@")?;
    let mut graph = Graph::new(c.name("the name of the graph")?);
    let sizes = header(c, &mut graph)?;
    c.expect("{")?;
    c.end_of_line()?;
    let mut body = Body::default();
    loop {
        c.skip_newlines();
        if c.accept("}") {
            break;
        }
        if matches!(*c.peek(), Token::Word("given")) {
            graph.facts_mut().assume(condition(c, &sizes)?);
            c.end_of_line()?;
            continue;
        }
        statement(c, &mut body, &sizes)?;
        c.end_of_line()?;
    }
    c.end_of_line()?;
    finish(graph, body)
}

/// `(B: size, H: size % 32)`
fn header<'a>(c: &mut Cursor<'a>, graph: &mut Graph) -> Result<BTreeSet<&'a str>, ParseError> {
    let mut sizes = BTreeSet::new();
    c.list(["(", ")"], |c| {
        let place = c.place();
        let name = c.word("the name of a size")?;
        c.expect(":")?;
        if !c.accept_word("size") {
            return c.expected("`size`");
        }
        if c.accept("%") {
            let place = c.place();
            match c.natural()? {
                0i64 => return Err(place.error("no size is a multiple of 0")),
                divisor => graph.facts_mut().assume_multiple(name, divisor),
            }
        }
        if c.accept("=") {
            let value = dims::dim(c)?;
            graph.facts_mut().define(name, value);
        }
        match sizes.insert(name) {
            true => Ok(()),
            false => Err(place.error(format!("the size `{name}` is declared twice"))),
        }
    })?;
    Ok(sizes)
}

fn statement<'a>(c: &mut Cursor<'a>, body: &mut Body<'a>, sizes: &BTreeSet<&str>) -> Result<(), ParseError> {
    match *c.peek() {
        Token::Label(_) => node(c, body, sizes),
        Token::Word("require") => requirement(c, body, sizes),
        Token::Word(kind) => match OutputKind::from_name(kind) {
            Some(kind) => output(c, body, kind),
            None => c.expected("a node, an output, `require` or `}`"),
        },
        _ => c.expected("a node, an output, `require` or `}`"),
    }
}

/// `%0 = conv(%x, %w) groups=2 : f32[B, 64, H, W]   in layer1.0.conv1`
fn node<'a>(c: &mut Cursor<'a>, body: &mut Body<'a>, sizes: &BTreeSet<&str>) -> Result<(), ParseError> {
    let place = c.place();
    let label = c.label()?;
    if body.ids.insert(label, NodeId::from_index(body.nodes.len())).is_some() {
        return Err(place.error(format!("`%{label}` is defined twice")));
    }
    c.expect("=")?;
    let declared = op(c)?;
    let operands = match c.peek() {
        Token::Sign("(") => c.list(["(", ")"], operand)?,
        _ => vec![],
    };
    let written = attributes(c, declared)?;
    c.expect(":")?;
    let ty = dims::ty(c)?;
    let op = written.finish(Some(&ty))?;
    let origin = origin(c, label)?;
    let node = Node { op, inputs: vec![], ty, origin };
    check_sizes(place, node.sizes(), sizes)?;
    body.nodes.push((node, operands));
    Ok(())
}

fn origin(c: &mut Cursor<'_>, label: &str) -> Result<Origin, ParseError> {
    let mut origin = Origin { name: name_of(label), ..Origin::default() };
    if c.accept_word("as") {
        origin.name = Some(c.quoted()?.into());
    }
    if c.accept_word("in") {
        origin.scope = Some(c.name("a scope")?.into());
    }
    if c.accept_word("at") {
        origin.location = Some(location(c)?);
    }
    Ok(origin)
}

/// `0:12..30`
fn location(c: &mut Cursor<'_>) -> Result<Location, ParseError> {
    let file = c.natural()?;
    c.expect(":")?;
    let start = c.natural()?;
    c.expect("..")?;
    Ok(Location { file, start, end: c.natural()? })
}

fn operand<'a>(c: &mut Cursor<'a>) -> Result<Operand<'a>, ParseError> {
    let place = c.place();
    if !c.accept("<") {
        return Ok(Operand { place, target: Target::Label(c.label()?) });
    }
    if !c.accept_word("missing") {
        return c.expected("`missing`");
    }
    let id = c.label()?.parse().map_err(|_| place.error("a missing node has a number"))?;
    c.expect(">")?;
    Ok(Operand { place, target: Target::Missing(id) })
}

/// `report loss = %7`
fn output<'a>(c: &mut Cursor<'a>, body: &mut Body<'a>, kind: OutputKind) -> Result<(), ParseError> {
    c.next();
    let name = c.name("the name of the output")?;
    c.expect("=")?;
    body.outputs.push((kind, name, operand(c)?));
    Ok(())
}

/// `require H % 2 == 0 for %3`
fn requirement<'a>(
    c: &mut Cursor<'a>,
    body: &mut Body<'a>,
    sizes: &BTreeSet<&str>,
) -> Result<(), ParseError> {
    let required = condition(c, sizes)?;
    if !c.accept_word("for") {
        return c.expected("`for` and a node");
    }
    body.requirements.push((required, operand(c)?));
    Ok(())
}

/// The relation after `require` or `given`.
fn condition(c: &mut Cursor<'_>, sizes: &BTreeSet<&str>) -> Result<Obligation, ParseError> {
    let place = c.place();
    c.next();
    let left = dims::dim(c)?;
    let mut relation = match c.next() {
        Token::Sign("==") => Relation::Equal,
        Token::Sign("!=") => Relation::Differ,
        Token::Sign("<=") => Relation::AtMost,
        Token::Sign("%") => Relation::MultipleOf,
        _ => {
            return Err(
                place.error("a relation is `a == b`, `a != b`, `a <= b`, `a % b == 0` or `a % b != 0`")
            );
        }
    };
    let right = dims::dim(c)?;
    if relation == Relation::MultipleOf {
        match c.accept("!=") {
            true => relation = Relation::NotMultipleOf,
            false => c.expect("==")?,
        }
        zero(c)?;
    }
    check_sizes(place, vec![left.clone(), right.clone()], sizes)?;
    Ok(Obligation { relation, left, right })
}

fn zero(c: &mut Cursor<'_>) -> Result<(), ParseError> {
    match *c.peek() {
        Token::Number("0") => {
            c.next();
            Ok(())
        }
        _ => c.expected("`0`"),
    }
}

/// A misspelt size would silently be another unknown, so that each one must be declared.
fn check_sizes(place: Place, dims: Vec<Dim>, declared: &BTreeSet<&str>) -> Result<(), ParseError> {
    let used = dims.iter().flat_map(Dim::symbols);
    match used.into_iter().find(|s: &Arc<str>| !declared.contains(&**s)) {
        Some(symbol) => Err(place.error(format!("the size `{symbol}` is not declared"))),
        None => Ok(()),
    }
}

/// Replaces labels by nodes.
fn finish(mut graph: Graph, body: Body<'_>) -> Result<Graph, ParseError> {
    let resolve = |o: &Operand<'_>| match o.target {
        Target::Missing(id) => Ok(NodeId::from_index(id as usize)),
        Target::Label(label) => {
            body.ids.get(label).copied().ok_or_else(|| o.place.error(format!("`%{label}` is not defined")))
        }
    };
    for (node, operands) in &body.nodes {
        let inputs: Vec<NodeId> = operands.iter().map(resolve).collect::<Result<_, _>>()?;
        graph.push(Node { inputs, ..node.clone() });
    }
    for i in 0..graph.len() {
        let id = NodeId::from_index(i);
        for obligation in implied_obligations(&graph, id) {
            graph.oblige(id, obligation);
        }
    }
    for (obligation, node) in &body.requirements {
        graph.oblige(resolve(node)?, obligation.clone());
    }
    for (kind, name, node) in &body.outputs {
        graph.output(name.as_str(), *kind, resolve(node)?);
    }
    Ok(graph)
}
