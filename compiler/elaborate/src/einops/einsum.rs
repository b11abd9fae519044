//! `einsum`: reading its operands and its result.
//!
//! Names are separated by spaces, `"b i d, b j d -> b i j"`. A pattern without a space inside any operand or the result is
//! packed, one letter an axis: `"bid,bjd->bij"`; only where that cannot be, because a longer word stands for a single
//! axis (`"batch, batch -> batch"` on vectors), it is read as words all the same.

use std::ops::Range;

use vspec_ir::Dim;

use super::arrange::{Atom, Axis};
use super::contract::{Problem, contract};
use super::error::{count_axes, show_shape};
use super::parse::{Part, PartKind, Side, Spelling, parse_side, split_arrow};
use super::{PatternError, Step};

/// One op of a product of several tensors. The operands are values 0, 1, ..; each step makes the next value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum EinsumStep {
    /// A view or a sum of one value.
    Apply(usize, Step),
    /// A batched matrix product of two values of the same rank.
    Matmul(usize, usize),
    /// An elementwise product, trailing axes aligned, literal 1 repeated.
    Mul(usize, usize),
}

/// How to compute an `einsum`.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct EinsumPlan {
    /// Ops in order.
    pub(crate) steps: Vec<EinsumStep>,
    /// The value that is the result.
    pub(crate) result: usize,
    /// Sizes under one name that cannot be compared yet; they have to agree once they are bound.
    pub(crate) requires: Vec<(Dim, Dim)>,
}

/// `"b i d, b j d -> b i j"`: products of the operands, summed over every name that the result leaves out.
///
/// Operands are contracted from left to right, two at a time.
///
/// # Errors
///
/// The pattern does not describe the operands, or a name of the result is in none of them.
pub(crate) fn einsum(pattern: &str, shapes: &[&[Dim]]) -> Result<EinsumPlan, PatternError> {
    let (terms, result) = read(pattern, shapes)?;
    let mut table = Table::default();
    let mut operands = vec![];
    for (number, (term, shape)) in terms.iter().zip(shapes).enumerate() {
        operands.push(table.bind(term, number, shape)?);
    }
    let output = table.output(&result)?;
    if terms.iter().any(|t| t.ellipsis().is_some()) && result.ellipsis().is_none() {
        let error = PatternError::new(result.range.clone(), "the result leaves out the `...` of an operand");
        return Err(error.hint("add `...` to the result, or name the axes that are summed"));
    }
    let last_use = table.entries.iter().map(|e| e.last).collect();
    let problem = Problem { operands, output, last_use };
    let mut plan = contract(&problem).map_err(|e| PatternError::new(0..pattern.len(), e.to_string()))?;
    plan.requires = table.requires;
    Ok(plan)
}

/// The sides of the pattern: one for each operand, and the result.
fn read<'p>(pattern: &'p str, shapes: &[&[Dim]]) -> Result<(Vec<Side<'p>>, Side<'p>), PatternError> {
    let [(left, _), (right, right_at)] = split_arrow(pattern)?;
    let mut at = 0;
    let mut texts: Vec<(&str, usize)> = vec![];
    for text in left.split(',') {
        texts.push((text, at));
        at += text.len() + 1;
    }
    if texts.len() != shapes.len() {
        let (described, given) = (texts.len(), shapes.len());
        let s = if described == 1 { "" } else { "s" };
        let message = format!("the pattern describes {described} operand{s}, but {given} are given");
        return Err(PatternError::new(0..left.trim_end().len(), message));
    }
    let spelling = spelling(&texts, right, shapes);
    let terms: Result<Vec<Side<'_>>, PatternError> =
        texts.iter().map(|(text, at)| parse_side(text, *at, spelling)).collect();
    let (terms, result) = (terms?, parse_side(right, right_at, spelling)?);
    for side in terms.iter().chain([&result]) {
        side.check_once().map_err(|e| no_diagonal(e, spelling))?;
        if let Some(group) = side.parts.iter().find(|p| matches!(p.kind, PartKind::Group(_))) {
            let error = PatternError::new(group.range.clone(), "`einsum` has no groups");
            return Err(error.hint("split or join axes with `rearrange` before or after"));
        }
    }
    Ok((terms, result))
}

fn spelling(texts: &[(&str, usize)], right: &str, shapes: &[&[Dim]]) -> Spelling {
    let spaced = |text: &str| text.trim().contains(char::is_whitespace);
    let one_word = |text: &str| text.chars().count() > 1 && !text.contains("...");
    let word_of_vector =
        texts.iter().zip(shapes).any(|((text, _), shape)| one_word(text.trim()) && shape.len() == 1);
    match texts.iter().any(|(text, _)| spaced(text)) || spaced(right) || word_of_vector {
        true => Spelling::Words,
        false => Spelling::Letters,
    }
}

/// A name twice in one operand would be a diagonal, which other einsums have.
fn no_diagonal(error: PatternError, spelling: Spelling) -> PatternError {
    match spelling {
        Spelling::Words => error.hint("`einsum` takes no diagonals"),
        Spelling::Letters => {
            error.hint("`einsum` takes no diagonals; names of several letters need spaces between them")
        }
    }
}

/// What an index is called: by its name, or by its place in `...` counted from the right.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Key<'p> {
    Name(&'p str),
    Rest(usize),
}

/// An index, as first seen.
struct Entry<'p> {
    key: Key<'p>,
    dim: Dim,
    /// Operand and axis where it was seen first.
    seen: (usize, usize),
    /// The last operand that has it; `usize::MAX` when the result has it.
    last: usize,
}

#[derive(Default)]
struct Table<'p> {
    entries: Vec<Entry<'p>>,
    /// Most axes that any `...` stands for.
    rest: Option<usize>,
    requires: Vec<(Dim, Dim)>,
}

impl<'p> Table<'p> {
    /// The axes of an operand. Axes of literal size 1 have no atoms, so that they repeat where others are larger.
    fn bind(&mut self, term: &Side<'p>, number: usize, shape: &[Dim]) -> Result<Vec<Axis>, PatternError> {
        let rest = rest_axes(term, number, shape)?;
        let mut axes: Vec<Axis> = vec![];
        for part in &term.parts {
            let axis = axes.len();
            match &part.kind {
                PartKind::Name(name) => {
                    let dim = shape[axis].clone();
                    axes.push(self.index(Key::Name(name), dim, (number, axis), &part.range)?);
                }
                PartKind::Ellipsis => {
                    self.rest = self.rest.max(Some(rest));
                    for i in 0..rest {
                        let dim = shape[axis + i].clone();
                        let key = Key::Rest(rest - 1 - i);
                        axes.push(match dim.is_one() {
                            true => vec![],
                            false => self.index(key, dim, (number, axis + i), &part.range)?,
                        });
                    }
                }
                PartKind::Unit | PartKind::Group(_) => {
                    unit(part, number, axis, &shape[axis])?;
                    axes.push(vec![]);
                }
            }
        }
        Ok(axes)
    }

    fn index(
        &mut self,
        key: Key<'p>,
        dim: Dim,
        (operand, axis): (usize, usize),
        range: &Range<usize>,
    ) -> Result<Axis, PatternError> {
        let id = match self.entries.iter_mut().position(|e| e.key == key) {
            Some(id) => {
                let entry = &mut self.entries[id];
                entry.last = operand;
                let decided = match dim.is_one() != entry.dim.is_one() {
                    true => Some(false),
                    false => dim.compare(&entry.dim),
                };
                match decided {
                    Some(true) => {}
                    Some(false) => return Err(disagree(entry, &dim, (operand, axis), range)),
                    None => self.requires.push((entry.dim.clone(), dim.clone())),
                }
                id
            }
            None => {
                self.entries.push(Entry { key, dim: dim.clone(), seen: (operand, axis), last: operand });
                self.entries.len() - 1
            }
        };
        Ok(if dim.is_one() { vec![] } else { vec![Atom { id, dim }] })
    }

    /// The axes of the result, whose indices are needed to the end.
    fn output(&mut self, result: &Side<'p>) -> Result<Vec<Axis>, PatternError> {
        let mut axes = vec![];
        for part in &result.parts {
            match &part.kind {
                PartKind::Name(name) => match self.kept(Key::Name(name)) {
                    Some(axis) => axes.push(axis),
                    None => return Err(self.unknown(name, &part.range)),
                },
                PartKind::Ellipsis => match self.rest {
                    Some(rest) => {
                        axes.extend((0..rest).rev().map(|i| self.kept(Key::Rest(i)).unwrap_or_default()))
                    }
                    None => {
                        let message = "the result has `...`, but no operand has";
                        return Err(PatternError::new(part.range.clone(), message));
                    }
                },
                PartKind::Unit | PartKind::Group(_) => axes.push(vec![]),
            }
        }
        Ok(axes)
    }

    fn kept(&mut self, key: Key<'p>) -> Option<Axis> {
        let id = self.entries.iter().position(|e| e.key == key)?;
        self.entries[id].last = usize::MAX;
        let dim = self.entries[id].dim.clone();
        Some(if dim.is_one() { vec![] } else { vec![Atom { id, dim }] })
    }

    fn unknown(&self, name: &str, range: &Range<usize>) -> PatternError {
        let known = self.entries.iter().filter_map(|e| match e.key {
            Key::Name(name) => Some(name),
            Key::Rest(_) => None,
        });
        let error = PatternError::new(range.clone(), format!("axis `{name}` of the result is in no operand"));
        error.suggest(name, known)
    }
}

/// Number of axes that the ellipsis of an operand stands for.
fn rest_axes(term: &Side<'_>, number: usize, shape: &[Dim]) -> Result<usize, PatternError> {
    let has_rest = term.ellipsis().is_some();
    let named = term.parts.len() - usize::from(has_rest);
    match shape.len().checked_sub(named) {
        Some(rest) if has_rest || rest == 0 => Ok(rest),
        _ => {
            let least = if has_rest { "at least " } else { "" };
            let (described, shape_text) = (count_axes(named), show_shape(shape));
            let message = format!(
                "operand {number} is described with {least}{described}, but has {}: {shape_text}",
                shape.len()
            );
            let error = PatternError::new(term.range.clone(), message);
            Err(match term.parts.len() {
                1 if shape.len() > 1 && !has_rest => {
                    error.hint("separate the names of axes by spaces: `b i d`")
                }
                _ => error,
            })
        }
    }
}

fn unit(part: &Part<'_>, number: usize, axis: usize, dim: &Dim) -> Result<(), PatternError> {
    match dim.is_one() {
        true => Ok(()),
        false => {
            let message =
                format!("`1` stands for an axis of size 1, but axis {axis} of operand {number} is {dim}");
            Err(PatternError::new(part.range.clone(), message))
        }
    }
}

fn disagree(
    entry: &Entry<'_>,
    dim: &Dim,
    (operand, axis): (usize, usize),
    range: &Range<usize>,
) -> PatternError {
    let what = match entry.key {
        Key::Name(name) => format!("`{name}`"),
        Key::Rest(_) => "an axis of `...`".to_string(),
    };
    let message = format!(
        "{what} is {} in operand {} (axis {}), but {dim} in operand {operand} (axis {axis})",
        entry.dim, entry.seen.0, entry.seen.1
    );
    let error = PatternError::new(range.clone(), message);
    match (entry.key, entry.dim.is_one() || dim.is_one()) {
        (Key::Name(_), true) => error.hint("write `1` for the axis of size 1; it repeats along the other"),
        _ => error,
    }
}
