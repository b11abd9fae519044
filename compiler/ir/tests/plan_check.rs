//! What the check of plans refuses, one change of a good plan at a time.

use vspec_ir::plan::{
    Atom, Coordinate, Index, Instr, Kernel, Layout, Place, Plan, PlanOutput, Reg, Region, Step, Value,
    ValueId, check,
};
use vspec_ir::{DType, Literal, Op, Origin, OutputKind};

const EXTENTS: [usize; 2] = [4, 3];

fn value(place: Place) -> Value {
    let (shape, layout) = (EXTENTS.to_vec(), Layout::dense(2));
    Value { origin: Origin::default(), dtype: DType::F32, shape, layout, place }
}

fn counters() -> Vec<Index> {
    (0..2).map(|axis| Index::counter(axis, &EXTENTS)).collect()
}

/// `y = -(x + c)` of 4 by 3 elements.
fn plan() -> Plan {
    let step = |instr| Step { instr, dtype: DType::F32, inner: true, pass: 0 };
    let load = |value| Instr::Load {
        value: ValueId(value),
        at: counters().into_iter().map(Coordinate::At).collect(),
        guard: None,
    };
    let steps = vec![
        step(load(0)),
        step(load(1)),
        step(Instr::Apply(Op::Add {}, vec![Reg(0), Reg(1)])),
        step(Instr::Apply(Op::Neg {}, vec![Reg(2)])),
        step(Instr::Store { value: ValueId(2), at: counters(), from: Reg(3) }),
    ];
    let literal = Literal { dtype: DType::F32, shape: EXTENTS.to_vec(), values: vec![1.0; 12].into() };
    let output = PlanOutput { name: "y".into(), kind: OutputKind::Value, value: ValueId(2) };
    Plan {
        name: "plan".to_string(),
        values: vec![
            value(Place::Input("x".into())),
            value(Place::Constant(literal)),
            value(Place::Arena(0)),
        ],
        kernels: vec![Kernel {
            origins: vec![],
            anchor: None,
            region: Region { extents: EXTENTS.to_vec(), outer: 2, steps },
        }],
        outputs: vec![output],
        arena: 48,
    }
}

fn steps(plan: &mut Plan) -> &mut Vec<Step> {
    &mut plan.kernels[0].region.steps
}

fn loaded(plan: &mut Plan) -> &mut Vec<Coordinate> {
    match &mut steps(plan)[0].instr {
        Instr::Load { at, .. } => at,
        _ => unreachable!("the first step loads"),
    }
}

fn stored(plan: &mut Plan) -> &mut Vec<Index> {
    match &mut steps(plan)[4].instr {
        Instr::Store { at, .. } => at,
        _ => unreachable!("the last step stores"),
    }
}

/// Words of the refusal, and the change.
type Change = (&'static str, fn(&mut Plan));

fn divided(by: i64, offset: i64) -> Index {
    let of = counters()[0].plus(&Index::constant(offset));
    Index { terms: vec![(Atom::Quotient(Box::new(of), by), 1)], offset: 0 }
}

const CHANGES: &[Change] = &[
    ("the order [1, 1] is none of 2 axes", |plan| plan.values[0].layout.order = vec![1, 1]),
    ("the order [0] is none of 2 axes", |plan| plan.values[0].layout.order = vec![0]),
    ("axis 2 does not lie in blocks of 4", |plan| plan.values[0].layout.block = Some((2, 4))),
    ("axis 0 does not lie in blocks of 0", |plan| plan.values[0].layout.block = Some((0, 0))),
    ("fits no memory", |plan| plan.values[0].shape[0] = usize::MAX / 4),
    ("byte 2 is no place for f32", |plan| plan.values[2].place = Place::Arena(2)),
    ("ends behind the 47 bytes of the arena", |plan| plan.arena = 47),
    ("its constant is of another type", |plan| plan.values[1].shape[0] = 5),
    ("its constant is of another type", |plan| plan.values[1].dtype = DType::I32),
    ("3 of 2 loops go over rows", |plan| plan.kernels[0].region.outer = 3),
    ("step 3 uses step 4", |plan| steps(plan)[3].instr = Instr::Apply(Op::Neg {}, vec![Reg(4)])),
    ("reads f32 as i32", |plan| steps(plan)[0].dtype = DType::I32),
    ("names 1 axes of 2", |plan| drop(loaded(plan).pop())),
    ("may leave 0..4", |plan| loaded(plan)[0] = Coordinate::At(counters()[0].plus(&Index::constant(1)))),
    ("may leave 0..4", |plan| loaded(plan)[0] = Coordinate::At(divided(2, -1))),
    ("divides by no positive number", |plan| loaded(plan)[0] = Coordinate::At(divided(0, 0))),
    ("takes f32 for a place", |plan| match &mut steps(plan)[1].instr {
        Instr::Load { at, .. } => at[0] = Coordinate::From(Reg(0)),
        _ => unreachable!("the second step loads"),
    }),
    ("looks at loop 2", |plan| stored(plan)[0] = Index { terms: vec![(Atom::Loop(2), 1)], offset: 0 }),
    ("writes what it must not", |plan| plan.values[2].place = Place::Input("y".into())),
    ("writes what it must not", |plan| drop(stored(plan).pop())),
    ("writes f32 where i32 is", |plan| plan.values[2].dtype = DType::I32),
    ("at several points", |plan| stored(plan)[1] = Index::constant(0)),
    ("at several points", |plan| {
        plan.values[2].shape = vec![6, 3];
        plan.arena = 72;
        let both = counters()[0].plus(&counters()[1]);
        *stored(plan) = vec![both, Index::constant(0)];
    }),
    ("value 7 does not exist", |plan| match &mut steps(plan)[0].instr {
        Instr::Load { value, .. } => *value = ValueId(7),
        _ => unreachable!("the first step loads"),
    }),
    ("writes what it must not", |plan| match &mut steps(plan)[4].instr {
        Instr::Store { value, .. } => *value = ValueId(7),
        _ => unreachable!("the last step stores"),
    }),
    ("`y` is never written", |plan| drop(steps(plan).pop())),
];

#[test]
fn a_good_plan_is_accepted() {
    assert_eq!(check(&plan()), Ok(()));
}

#[test]
fn changes_are_refused() {
    for (number, (words, change)) in CHANGES.iter().enumerate() {
        let mut plan = plan();
        change(&mut plan);
        let said = check(&plan).map_err(|fault| fault.to_string());
        assert!(said.as_ref().is_err_and(|said| said.contains(words)), "{number}, {words}: {said:?}");
    }
}
