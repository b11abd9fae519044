//! Machine code against tile programs: random regions, bit for bit, with each set of instructions and on one and two threads.

use proptest::prelude::*;
use vspec_engine::RunKey;
use vspec_ir::plan::Plan;

#[cfg(unix)]
use super::mutate::mutated;
use super::regions::{Given, long_row, random, rows_of_lines};
#[cfg(unix)]
use crate::Fence;
use crate::kernels::vector::{Isa, detected};
use crate::{Coverage, Data, Elements, Executable, Mode, Variables, with_threads};

type Results = Result<Variables<f32>, String>;

fn run(plan: &Plan, given: &Given, isa: Isa, threads: usize) -> Results {
    run_in(Mode::only(isa), plan, given, threads)
}

fn run_in(mode: Mode, plan: &Plan, given: &Given, threads: usize) -> Results {
    let mut executable = Executable::<f32>::new(plan.clone(), mode).map_err(|e| e.to_string())?;
    let inputs = given.iter().map(|(name, data)| (name.as_str(), data.elements())).collect();
    let mut variables = Variables::new();
    let key = RunKey { seed: 3, step: 4 };
    with_threads(threads, || executable.run(&inputs, &mut variables, key)).map_err(|e| e.to_string())?;
    Ok(variables)
}

/// The same bits, any NaN for one.
fn same(a: Elements<'_, f32>, b: Elements<'_, f32>) -> Result<(), String> {
    let (Elements::Float(a), Elements::Float(b)) = (a, b) else {
        return if a == b { Ok(()) } else { Err("differ".to_string()) };
    };
    let alike = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    match a.iter().zip(b).position(|pair| !alike(pair)) {
        Some(at) => Err(format!("[{at}] is {:?}, not {:?}", a[at], b[at])),
        None => Ok(()),
    }
}

fn same_results(got: &Results, want: &Results) -> Result<(), String> {
    match (got, want) {
        (Ok(got), Ok(want)) => got
            .iter()
            .zip(want.iter())
            .try_for_each(|((name, got), (_, want))| same(got, want).map_err(|e| format!("{name}{e}"))),
        (Err(_), Err(_)) => Ok(()),
        (got, want) => Err(format!("{:?}, not {:?}", got.as_ref().err(), want.as_ref().err())),
    }
}

fn sets() -> impl Iterator<Item = Isa> {
    [Isa::Avx2, Isa::Avx512].into_iter().filter(|own| *own <= detected())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 1500 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn machine_code_gives_the_bits_of_tiles(seed in any::<u64>()) {
        let (plan, given) = random(seed);
        let want = run(&plan, &given, Isa::Baseline, 1);
        let spread = same_results(&run(&plan, &given, Isa::Baseline, 2), &want);
        prop_assert!(spread.is_ok(), "tiles on two threads: {spread:?}\n{plan}");
        for isa in sets() {
            for threads in [1, 2] {
                let compared = same_results(&run(&plan, &given, isa, threads), &want);
                prop_assert!(compared.is_ok(), "{isa:?} on {threads}: {compared:?}\n{plan}");
            }
        }
    }
}

/// Quotients are put right where a product with the reciprocal is one off, as that of 41 and the number next to 1 / 41 is in single
/// precision, and the parts of a row are put together.
#[test]
fn long_rows_are_gone_through_whole() {
    const COUNT: i32 = 1 << 21;
    for by in [3, 41, 83, 1000, 99_991] {
        let sum = (0..COUNT).fold(0i32, |sum, i| sum.wrapping_add(i / by));
        // Fewer than 2^24: exact in any order.
        let whole = Data::Float(vec![(0..COUNT).step_by(by as usize).count() as f32]);
        let want = [Data::Int(vec![sum]), Data::Int(vec![by - 1]), whole];
        let plan = long_row(COUNT as usize, i64::from(by));
        for isa in [Isa::Baseline].into_iter().chain(sets()) {
            let got = run(&plan, &Given::new(), isa, 2).expect("runs");
            assert!(
                got.iter().map(|(_, own)| own).eq(want.iter().map(Data::elements)),
                "{isa:?}, {by}: {got:?}"
            );
        }
    }
}

/// Sums are added to those of double precision behind tiles, the last part of a line, and as many short lines as a tile.
#[test]
fn sums_of_rows_are_the_same_whatever_their_lines() {
    let sizes = [(7, 20), (200, 20), (16, 36), (9, 200), (5, 257), (3, 512), (4, 513), (3, 1100)];
    for isa in sets() {
        let mut in_rows = 0;
        for (seed, (lines, length)) in (0..8).flat_map(|seed| sizes.map(|own| (seed, own))) {
            let (plan, given) = rows_of_lines(seed, [5, lines, length]);
            let made = Executable::<f32>::new(plan.clone(), Mode::only(isa)).expect("a good plan");
            in_rows += made.coverage().rows;
            let want = run(&plan, &given, Isa::Baseline, 1);
            let compared = same_results(&run(&plan, &given, isa, 2), &want);
            assert!(compared.is_ok(), "{isa:?}, {lines} lines of {length}: {compared:?}");
        }
        assert!(
            in_rows * 2 > sizes.len(),
            "{isa:?}: only {in_rows} of {} are functions of rows",
            sizes.len()
        );
    }
}

/// Every mode with values beside fences, on either side.
#[cfg(unix)]
fn fenced() -> impl Iterator<Item = Mode> {
    let modes = [Isa::Baseline].into_iter().chain(sets()).map(Mode::only);
    modes.flat_map(|mode| [Fence::Before, Fence::Behind].map(|fence| Mode { fence: Some(fence), ..mode }))
}

/// Machine code or a tile program that leaves a value ends the program here.
#[cfg(unix)]
#[test]
fn regions_stay_within_fences() {
    for seed in 1000..1300 {
        println!("{seed}");
        let (plan, given) = random(seed);
        let want = run(&plan, &given, Isa::Baseline, 1);
        for mode in fenced() {
            let compared = same_results(&run_in(mode, &plan, &given, 1), &want);
            assert!(compared.is_ok(), "{mode:?}: {compared:?}\n{plan}");
        }
    }
}

/// Whatever is changed in a plan: it is refused, or it runs and leaves no value. `--nocapture` shows which seed ended the program.
#[cfg(unix)]
#[test]
fn changed_plans_are_refused_or_stay_within_fences() {
    let seeds = std::env::var("PLAN_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(1500);
    let mut refused = std::collections::BTreeMap::<_, [usize; 2]>::new();
    for seed in 0..seeds {
        println!("{seed}");
        let (mut plan, mut given) = random(seed);
        let changed = mutated(&mut plan, &mut given, seed);
        let is_refused = Executable::<f32>::new(plan.clone(), Mode::BEST).is_err();
        refused.entry(changed).or_default()[usize::from(is_refused)] += 1;
        if !is_refused {
            // What data names may be outside its axis, which is an error of the run.
            fenced().for_each(|mode| drop(run_in(mode, &plan, &given, 1)));
        }
    }
    println!("{refused:#?}");
    let [ran, not] = refused.values().fold([0, 0], |[a, b], [c, d]| [a + c, b + d]);
    assert!(ran * 5 > ran + not && not * 5 > ran + not, "{ran} ran, {not} were refused");
}

/// What random regions are made of, so that the tests above say something.
#[test]
fn most_of_random_regions_is_machine_code() {
    for isa in sets() {
        let (mut all, mut wrong) = (Coverage::default(), 0);
        let mut refused = vec![];
        for seed in 0..400 {
            let (plan, given) = random(seed);
            wrong += usize::from(run(&plan, &given, Isa::Baseline, 1).is_err());
            let made = Executable::<f32>::new(plan, Mode::only(isa)).expect("a good plan");
            refused.extend(made.refused().iter().map(|why| format!("{seed}: {why}")));
            all.merge(&made.coverage());
        }
        assert!(refused.is_empty(), "{isa:?}: {refused:#?}");
        println!("{isa:?}: {all:?}, {wrong} with an error");
        let enough = all.whole * 8 > all.programs
            && all.native * 5 > all.steps * 3
            && all.lines_of_rows > 25
            && all.rows > 25
            && all.short_lines > 25;
        assert!(enough && (1..40).contains(&wrong), "{isa:?}: {all:?}, {wrong}");
    }
}
