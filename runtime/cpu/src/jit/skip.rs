//! Leaving out what nobody wants: where choices take the other operand for every element of a vector, what only this one is made of is
//! jumped over.
//!
//! ```text
//! a = ...                               skip 3 if m holds nowhere
//! b = sqrt(a)                           a = ...
//! c = b / a                     ->      b = sqrt(a)
//! x = m ? c : 0                         c = b / a
//!                                       x = m ? c : 0
//! ```
//!
//! Rules of assignment compute for every pair of a prediction and an object what matters for a few of them. A result has one home all
//! its life, so that a jump leaves all others as they are; what was jumped over is anything, and not chosen.

use super::ir::{Binary, Block, Inst, Source, Unary, Var};

/// Cycles, roughly, from which a jump is worth it: it is mispredicted now and then. In tests nearly always, so that random regions have many.
const LEAST: u32 = if cfg!(test) { 2 } else { 16 };

/// The same block with jumps.
pub(super) fn with_skips(block: Block) -> Block {
    if block.choices.is_empty() {
        return block;
    }
    let users = users(&block);
    let mut skips: Vec<Skipped> = vec![];
    let mut taken = vec![false; block.code.len()];
    // The last ones first: what they are made of may have choices of its own, which go with it.
    for choice in block.choices.iter().rev().map(|var| var.index()) {
        for side in [Side::First, Side::Second] {
            // Neither is put before what is put elsewhere itself.
            let is_free = |found: &Skipped| {
                let is_moved = |at: &usize| taken[*at] || skips.iter().any(|skip| skip.before == *at);
                !taken[found.before] && !found.own.iter().any(is_moved)
            };
            if let Some(found) = Skipped::of_all(&block, &users, choice, side).filter(is_free) {
                found.own.iter().for_each(|at| taken[*at] = true);
                skips.push(found);
            }
        }
    }
    moved(block, &skips)
}

/// For each instruction the positions of those that use its result.
fn users(block: &Block) -> Vec<Vec<usize>> {
    let mut users = vec![vec![]; block.code.len()];
    for (at, inst) in block.code.iter().enumerate() {
        inst.uses().for_each(|var| users[var.index()].push(at));
    }
    users
}

/// An operand of choices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    First,
    Second,
}

/// What is jumped over.
struct Skipped {
    /// The first choice, before which it is put.
    before: usize,
    mask: Var,
    side: Side,
    /// Positions, in order.
    own: Vec<usize>,
}

impl Skipped {
    /// What only one operand of a choice, and of those with the same mask, is made of; if that does not go, of the choice alone.
    fn of_all(block: &Block, users: &[Vec<usize>], choice: usize, side: Side) -> Option<Self> {
        let Inst::Select(mask, ..) = block.code[choice] else { return None };
        let alike = |at: &usize| matches!(block.code[*at], Inst::Select(other, ..) if other == mask);
        let all: Vec<usize> = block.choices.iter().map(|var| var.index()).filter(alike).collect();
        let of = |choices: &[usize]| Skipped::of(block, users, choices, side);
        of(&all).or_else(|| of(&[choice])).map(|(before, own)| Skipped { before, mask, side, own })
    }

    /// The first one of some choices and what only one operand of theirs is made of, if that can be done before it and is worth a jump.
    fn of(block: &Block, users: &[Vec<usize>], choices: &[usize], side: Side) -> Option<(usize, Vec<usize>)> {
        let (before, last) = (*choices.first()?, *choices.last()?);
        let (mut own, mut stored) = (vec![false; last + 1], false);
        for at in (0..last).rev() {
            let inst = &block.code[at];
            // What is read may lie where something else is written meanwhile.
            stored |=
                at < before && matches!(inst, Inst::Store(..) | Inst::StoreBytes(..) | Inst::Scatter(..));
            let goes = |user: &usize| match choices.contains(user) {
                true => is_only(&block.code[*user], Var(at as u32), side),
                false => *user < last && own[*user],
            };
            let is_free = may_move(inst, stored) && !choices.contains(&at) && !users[at].is_empty();
            own[at] = is_free && users[at].iter().all(goes);
        }
        let is_there = |var: Var| var.index() < before || own[var.index()];
        let own: Vec<usize> = (0..last).filter(|at| own[*at]).collect();
        let cycles: u32 = own.iter().map(|at| cycles(&block.code[*at])).sum();
        let whole = own.iter().all(|at| block.code[*at].uses().all(is_there));
        (cycles >= LEAST && whole).then_some((before, own))
    }
}

/// Whether a choice uses a result as one operand and nothing else.
fn is_only(choice: &Inst, var: Var, side: Side) -> bool {
    let Inst::Select(mask, first, second) = *choice else { return false };
    let is = |source: Source| source == Source::Var(var);
    mask != var && is(first) == (side == Side::First) && is(second) == (side == Side::Second)
}

/// Whether an instruction can be done at another time, or not at all.
fn may_move(inst: &Inst, stored: bool) -> bool {
    match inst {
        Inst::Binary(..)
        | Inst::Unary(..)
        | Inst::Shift(..)
        | Inst::Compare(..)
        | Inst::Logic(..)
        | Inst::Select(..) => true,
        Inst::Load(..)
        | Inst::LoadBytes(..)
        | Inst::Gather(..)
        | Inst::GatherBytes(..)
        | Inst::Lookup(..) => !stored,
        _ => false,
    }
}

/// Roughly what an instruction takes.
fn cycles(inst: &Inst) -> u32 {
    match inst {
        Inst::Binary(Binary::Div, ..) | Inst::Unary(Unary::Sqrt, _) => 10,
        Inst::Gather(..) | Inst::GatherBytes(..) | Inst::Lookup(..) => 10,
        _ => 1,
    }
}

/// Puts what is jumped over right before the choices, behind jumps.
fn moved(block: Block, skips: &[Skipped]) -> Block {
    let mut elsewhere = vec![false; block.code.len()];
    skips.iter().flat_map(|skip| &skip.own).for_each(|at| elsewhere[*at] = true);
    let mut order: Vec<Step> = vec![];
    for at in (0..block.code.len()).filter(|at| !elsewhere[*at]) {
        for skip in skips.iter().filter(|skip| skip.before == at) {
            order.push(Step::Skip(skip.mask, skip.side == Side::Second, skip.own.len() as u32));
            order.extend(skip.own.iter().copied().map(Step::Old));
        }
        order.push(Step::Old(at));
    }
    let mut places = vec![Var(0); block.code.len()];
    for (place, step) in order.iter().enumerate() {
        if let Step::Old(at) = step {
            places[*at] = Var(place as u32);
        }
    }
    let place = |var: Var| places[var.index()];
    let code = order.into_iter().map(|step| match step {
        Step::Old(at) => block.code[at].renamed(place),
        Step::Skip(mask, everywhere, count) => Inst::Skip(place(mask), everywhere, count),
    });
    let mut moved = Block::of(code.collect());
    moved.constants = block.constants;
    moved
}

/// An instruction by its position, or a jump.
enum Step {
    Old(usize),
    Skip(Var, bool, u32),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quotient(block: &mut Block, by: f32) -> Source {
        let (x, by) = (block.push(Inst::Load(0, None)), block.float(by));
        let root = block.unary(Unary::Sqrt, Source::Var(x));
        block.binary(Binary::Div, root, by)
    }

    /// The kinds of instructions, jumps with what they leave out.
    fn kinds(block: &Block) -> String {
        let kind = |inst: &Inst| match inst {
            Inst::Skip(_, everywhere, count) => format!("skip{}{count}", if *everywhere { '!' } else { ' ' }),
            Inst::Binary(op, ..) => format!("{op:?}"),
            Inst::Unary(op, _) => format!("{op:?}"),
            Inst::Select(..) => "Select".to_string(),
            Inst::Load(..) => "Load".to_string(),
            Inst::Truth(_) => "Truth".to_string(),
            Inst::Store(..) => "Store".to_string(),
            other => format!("{other:?}"),
        };
        block.code.iter().map(kind).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn each_side_is_behind_a_jump_of_its_own() {
        let mut block = Block::default();
        let (a, b) = (quotient(&mut block, 2.0), quotient(&mut block, 3.0));
        let mask = block.push(Inst::Truth(0));
        let chosen = block.choose(mask, a, b);
        block.push(Inst::Store(1, chosen));
        assert_eq!(kinds(&with_skips(block)), "Truth skip 3 Load Sqrt Div skip!3 Load Sqrt Div Select Store");
    }

    /// Two choices with one mask have what they need in common behind one jump.
    #[test]
    fn choices_of_one_mask_go_together() {
        let mut block = Block::default();
        let (mask, zero) = (block.push(Inst::Truth(0)), block.float(0.0));
        let common = quotient(&mut block, 2.0);
        let chosen = block.choose(mask, zero, common);
        block.push(Inst::Store(1, chosen));
        let double = block.add(common, common);
        let chosen = block.choose(mask, zero, double);
        block.push(Inst::Store(2, chosen));
        assert_eq!(kinds(&with_skips(block)), "Truth skip!4 Load Sqrt Div Add Select Store Select Store");
    }

    #[test]
    fn what_others_need_or_stores_may_change_stays() {
        let mut block = Block::default();
        let (mask, other) = (block.push(Inst::Truth(0)), block.push(Inst::Truth(1)));
        let zero = block.float(0.0);
        let shared = quotient(&mut block, 2.0);
        block.push(Inst::Store(1, shared));
        let chosen = block.choose(mask, shared, zero);
        block.push(Inst::Store(2, chosen));
        let x = block.push(Inst::Load(0, None));
        block.push(Inst::Store(3, zero));
        let root = block.unary(Unary::Sqrt, Source::Var(x));
        let chosen = block.choose(other, root, zero);
        block.push(Inst::Store(4, chosen));
        let known = "Truth Truth Load Sqrt Div Store Select Store Load Store skip 1 Sqrt Select Store";
        assert_eq!(kinds(&with_skips(block)), known);
    }
}
