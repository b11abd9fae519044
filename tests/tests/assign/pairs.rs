//! Weights of pairs, against what the papers say of one pair after the other, in double precision.

use std::collections::BTreeMap;

use vspec_dfdx::DfdxEngine;
use vspec_engine::{Buffer, Engine, HostTensor, Inputs, Interpreter, Precision, RunKey};
use vspec_optimize::Level;
use vspec_tests::{assert_clean, compile_text, fused_at};

use crate::scene::Numbers;

/// A query or an entry of the memory.
#[derive(Clone, Copy, Debug)]
struct Item {
    label: i32,
    id: i32,
    valid: bool,
}

#[derive(Clone, Debug)]
struct Memory {
    queries: Vec<Item>,
    entries: Vec<Item>,
    /// Of each query with each entry.
    similarity: Vec<Vec<f32>>,
}

impl Memory {
    /// Three labels; queries are among the entries. Similarities are multiples of 1/8, so that many are equal, or at a threshold.
    fn random(seed: u64, queries: usize, entries: usize) -> Memory {
        let mut numbers = Numbers::new(seed + 11);
        let item = |numbers: &mut Numbers, id: usize| Item {
            label: numbers.below(3) as i32,
            id: id as i32,
            valid: true,
        };
        let entries: Vec<Item> = (0..entries).map(|i| item(&mut numbers, i)).collect();
        let own = |i: usize| entries.get(i).copied();
        let queries = (0..queries).map(|i| own(i).unwrap_or(item(&mut numbers, 100 + i))).collect::<Vec<_>>();
        let row = |numbers: &mut Numbers| {
            (0..entries.len()).map(|_| numbers.below(17) as f32 / 8.0 - 1.0).collect::<Vec<f32>>()
        };
        let similarity = queries.iter().map(|_| row(&mut numbers)).collect();
        Memory { queries, entries, similarity }
    }

    /// Whether a pair is one of a label, and whether it is one of different labels.
    fn kinds(&self, i: usize, j: usize) -> [bool; 2] {
        let (q, r) = (self.queries[i], self.entries[j]);
        let valid = q.valid && r.valid;
        [valid && q.label == r.label && q.id != r.id, valid && q.label != r.label]
    }

    fn s(&self, i: usize, j: usize) -> f64 {
        f64::from(self.similarity[i][j])
    }

    fn similarities(&self, i: usize, kind: usize) -> impl Iterator<Item = f64> {
        (0..self.entries.len()).filter(move |j| self.kinds(i, *j)[kind]).map(move |j| self.s(i, j))
    }
}

/// For each pair whether it is positive, whether it is negative, and its weight.
type Weights = Vec<(bool, bool, f64)>;

fn hard_negatives(memory: &Memory) -> Weights {
    pairs(memory, |i, j| {
        let [alike, unlike] = memory.kinds(i, j);
        let hard = unlike && memory.s(i, j) > 0.5;
        (alike, hard, f64::from(u8::from(alike || hard)))
    })
}

const ALPHA: f64 = 2.0;
const BETA: f64 = 40.0;
const BASE: f64 = 0.5;
const MARGIN: f64 = 0.1;

/// Mining by the hardest pairs of the other kind.
fn mined(memory: &Memory, i: usize, j: usize) -> [bool; 2] {
    let [alike, unlike] = memory.kinds(i, j);
    let most = memory.similarities(i, 1).fold(f64::NEG_INFINITY, f64::max);
    let least = memory.similarities(i, 0).fold(f64::INFINITY, f64::min);
    [alike && memory.s(i, j) - MARGIN < most, unlike && memory.s(i, j) + MARGIN > least]
}

/// The loss of a query for these similarities of its mined pairs.
fn loss(memory: &Memory, i: usize, s: &[f64]) -> f64 {
    let sum = |kind: usize, f: &dyn Fn(f64) -> f64| {
        (0..s.len()).filter(|j| mined(memory, i, *j)[kind]).map(|j| f(s[j])).sum::<f64>()
    };
    (1.0 + sum(0, &|s| (-ALPHA * (s - BASE)).exp())).ln() / ALPHA
        + (1.0 + sum(1, &|s| (BETA * (s - BASE)).exp())).ln() / BETA
}

/// The weight of a pair is the size of the gradient of the loss by its similarity.
fn multi_similarity(memory: &Memory) -> Weights {
    pairs(memory, |i, j| {
        let [positive, negative] = mined(memory, i, j);
        let at = |step: f64| {
            let mut s: Vec<f64> = (0..memory.entries.len()).map(|k| memory.s(i, k)).collect();
            s[j] += step;
            loss(memory, i, &s)
        };
        let slope = (at(1e-6) - at(-1e-6)) / 2e-6;
        (positive, negative, if positive { -slope } else { slope })
    })
}

fn pairs(memory: &Memory, of: impl Fn(usize, usize) -> (bool, bool, f64)) -> Weights {
    let all = (0..memory.queries.len()).flat_map(|i| (0..memory.entries.len()).map(move |j| (i, j)));
    all.map(|(i, j)| of(i, j)).collect()
}

fn found(rule: &str, memory: &Memory, engine: &dyn Engine) -> Weights {
    let (n, m) = (memory.queries.len(), memory.entries.len());
    let text = format!(
        "use std.assign.{rule}
fn case(label: i32[N], id: i32[N], there: bool[N], similarity: f32[N, R], other: i32[R], other_id: i32[R], known: bool[R]) {{
  let r = {rule}()(masked({{ label, id, similarity }}, there), masked({{ label = other, id = other_id }}, known))
  {{
    positive = filled(f32(r.positive), 0.0),
    negative = filled(f32(r.negative), 0.0),
    weight = filled(r.weight, 0.0),
  }}
}}
entry case = case(i32[{n}], i32[{n}], bool[{n}], f32[{n}, {m}], i32[{m}], i32[{m}], bool[{m}])
"
    );
    let compiled = compile_text(&text);
    assert_clean(&compiled, &text);
    let ints = |items: &[Item], of: fn(&Item) -> i32| {
        (vec![items.len()], Buffer::I32(items.iter().map(of).collect()))
    };
    let bools = |items: &[Item]| (vec![items.len()], Buffer::Bool(items.iter().map(|i| i.valid).collect()));
    let tensors = [
        ints(&memory.queries, |i| i.label),
        ints(&memory.queries, |i| i.id),
        bools(&memory.queries),
        (vec![n, m], Buffer::F32(memory.similarity.concat())),
        ints(&memory.entries, |i| i.label),
        ints(&memory.entries, |i| i.id),
        bools(&memory.entries),
    ];
    let mut inputs = Inputs::new();
    for (i, (shape, buffer)) in tensors.into_iter().enumerate() {
        let name = if i == 0 { "input".into() } else { format!("input{i}") };
        inputs.insert(name, HostTensor::new(shape, buffer).expect("fills its shape"));
    }
    let graph = &compiled.entries[0].graph;
    let values = engine.session().run(graph, &inputs, RunKey::default()).expect("runs");
    let named: BTreeMap<String, Vec<f64>> = graph
        .outputs()
        .iter()
        .map(|o| o.name.to_string())
        .zip(values.iter().map(HostTensor::to_f64))
        .collect();
    let all = named["positive"].iter().zip(&named["negative"]).zip(&named["weight"]);
    all.map(|((p, n), w)| (*p > 0.0, *n > 0.0, *w)).collect()
}

fn assert_same(found: &Weights, expected: &Weights, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in found.iter().zip(expected).enumerate() {
        let close = (f.2 - e.2).abs() <= 1e-4 * (1.0 + e.2.abs());
        assert!((f.0, f.1) == (e.0, e.1) && close, "{what}, pair {i}: {f:?} and not {e:?}");
    }
}

/// The name of a rule, and what it should say.
type Rule = (&'static str, fn(&Memory) -> Weights);

const RULES: [Rule; 2] = [("HardNegatives", hard_negatives), ("MultiSimilarity", multi_similarity)];

/// Some queries and entries are padding.
fn padded(seed: u64) -> Memory {
    let mut memory = Memory::random(seed, 6, 12);
    memory.queries[4].valid = false;
    memory.entries.iter_mut().skip(2).step_by(4).for_each(|e| e.valid = false);
    memory
}

#[test]
fn pairs_are_weighed_as_the_papers_say_on_every_engine() {
    let engines: Vec<Box<dyn Engine>> = vec![
        Box::new(Interpreter::default()),
        Box::new(DfdxEngine::default()),
        Box::new(fused_at(Level::O0, Precision::F32)),
        Box::new(fused_at(Level::O2, Precision::F32)),
    ];
    for (rule, reference) in RULES {
        let (mut positive, mut negative) = (0, 0);
        for (seed, memory) in
            (0..10).flat_map(|seed| [(seed, Memory::random(seed, 6, 12)), (seed, padded(seed))])
        {
            let expected = reference(&memory);
            positive += expected.iter().filter(|w| w.0).count();
            negative += expected.iter().filter(|w| w.1).count();
            for engine in &engines {
                let what = format!("{rule} on {}, seed {seed}", engine.name());
                assert_same(&found(rule, &memory, engine.as_ref()), &expected, &what);
            }
        }
        assert!(positive > 100 && negative > 100, "{rule}: {positive} positive, {negative} negative");
    }
}

#[test]
fn the_order_of_queries_and_entries_does_not_matter() {
    for (rule, _) in RULES {
        let memory = padded(3);
        let (n, m) = (memory.queries.len(), memory.entries.len());
        let mut turned = memory.clone();
        turned.queries.reverse();
        turned.entries.rotate_left(5);
        turned.similarity.reverse();
        turned.similarity.iter_mut().for_each(|row| row.rotate_left(5));
        let plain = found(rule, &memory, &Interpreter::default());
        let expected = pairs(&memory, |i, j| plain[(n - 1 - i) * m + (j + 5) % m]);
        assert_same(&found(rule, &turned, &Interpreter::default()), &expected, rule);
    }
}

#[test]
fn an_empty_memory_and_one_of_padding_have_no_pairs() {
    for (rule, _) in RULES {
        assert_eq!(found(rule, &Memory::random(1, 4, 0), &Interpreter::default()), []);
        let mut memory = Memory::random(1, 4, 6);
        memory.entries.iter_mut().for_each(|e| e.valid = false);
        let none = vec![(false, false, 0.0); 24];
        assert_eq!(found(rule, &memory, &Interpreter::default()), none, "{rule}, no entries");
        let mut memory = Memory::random(1, 4, 6);
        memory.queries.iter_mut().for_each(|q| q.valid = false);
        assert_eq!(found(rule, &memory, &Interpreter::default()), none, "{rule}, no queries");
    }
}

#[test]
fn equal_pairs_weigh_the_same_and_a_query_is_no_pair_with_itself() {
    for (rule, _) in RULES {
        let mut memory = Memory::random(2, 3, 9);
        memory.similarity.iter_mut().flatten().for_each(|s| *s = 0.75);
        let weights = found(rule, &memory, &Interpreter::default());
        for (i, row) in weights.chunks(9).enumerate() {
            assert_eq!(row[i], (false, false, 0.0), "{rule}");
            for kind in [0, 1] {
                let of_kind: Vec<_> = (0..9).filter(|j| memory.kinds(i, *j)[kind]).map(|j| row[j]).collect();
                assert!(of_kind.windows(2).all(|w| w[0] == w[1]), "{rule}, query {i}: {of_kind:?}");
            }
        }
        // A similarity that is just the threshold is none above it.
        memory.similarity.iter_mut().flatten().for_each(|s| *s = 0.5);
        let at = found("HardNegatives", &memory, &Interpreter::default());
        assert!(at.iter().all(|w| !w.1));
    }
}
