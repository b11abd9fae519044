//! Disjoint parts of a set: which items belong to one.

use std::collections::BTreeMap;

use vspec_engine::rng::Stream;

/// One of several parts that are laid out one after the other in [0, 1].
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) range: [f64; 2],
    pub(super) seed: u64,
    pub(super) stratified: bool,
}

impl Part {
    /// Places of the part's first item and of the one behind its last among so many items.
    fn bounds(self, items: usize) -> [usize; 2] {
        self.range.map(|share| (share * items as f64).round() as usize)
    }

    /// Number of items of the part.
    pub(super) fn len(self, items: usize) -> usize {
        let [from, to] = self.bounds(items);
        to - from
    }

    /// Which of so many items belong to the part, ascending. `labels` are their classes, where the part is stratified.
    pub(super) fn choose(self, items: usize, labels: Option<&[i32]>) -> Vec<u32> {
        let stream = Stream::new("data.part", self.seed, 0);
        let order = match labels {
            Some(labels) => interleaved(labels, &stream),
            None => stream.shuffle(items as u32),
        };
        let [from, to] = self.bounds(items);
        let mut chosen = order[from..to].to_vec();
        chosen.sort_unstable();
        chosen
    }
}

/// A random order in which the items of each class are spread out evenly, so that any stretch holds all classes in proportion.
fn interleaved(labels: &[i32], stream: &Stream) -> Vec<u32> {
    let mut classes = BTreeMap::<i32, Vec<u32>>::new();
    for item in stream.shuffle(labels.len() as u32) {
        classes.entry(labels[item as usize]).or_default().push(item);
    }
    let mut placed = Vec::with_capacity(labels.len());
    let offsets = 1 << 32;
    for (class, (_, items)) in classes.into_iter().enumerate() {
        let (count, offset) = (items.len() as f64, stream.uniform(offsets + class as u64));
        placed.extend(items.into_iter().enumerate().map(|(i, item)| ((i as f64 + offset) / count, item)));
    }
    placed.sort_by(|(a, x), (b, y)| a.total_cmp(b).then(x.cmp(y)));
    placed.into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(shares: &[f64], seed: u64, stratified: bool) -> Vec<Part> {
        let ends: Vec<f64> = shares
            .iter()
            .scan(0.0, |sum, share| {
                *sum += share;
                Some(*sum)
            })
            .collect();
        let starts = std::iter::once(0.0).chain(ends.iter().copied());
        starts.zip(&ends).map(|(from, to)| Part { range: [from, *to], seed, stratified }).collect()
    }

    /// Parts of any size, with and without classes, are disjoint and complete.
    #[test]
    fn parts_are_disjoint_and_complete() {
        let random = Stream::new("parts", 4, 0);
        for case in 0..200u64 {
            let draw = |i: u64, n: u32| random.below(case * 1000 + i, n);
            let items = 1 + draw(0, 300) as usize;
            let labels: Vec<i32> =
                (0..items).map(|i| draw(10 + i as u64, 1 + case as u32 % 7) as i32).collect();
            let weights: Vec<f64> = (0..1 + draw(1, 4)).map(|i| 0.1 + random.uniform(u64::from(i))).collect();
            let sum: f64 = weights.iter().sum();
            let mut parts = parts(&weights.iter().map(|w| w / sum).collect::<Vec<_>>(), case, case % 2 == 0);
            if let Some(last) = parts.last_mut() {
                last.range[1] = 1.0;
            }
            let chosen: Vec<Vec<u32>> =
                parts.iter().map(|p| p.choose(items, p.stratified.then_some(&labels[..]))).collect();
            for (part, chosen) in parts.iter().zip(&chosen) {
                assert_eq!(part.len(items), chosen.len());
                assert!(chosen.windows(2).all(|w| w[0] < w[1]));
            }
            let mut all: Vec<u32> = chosen.concat();
            all.sort_unstable();
            assert_eq!(all, (0..items as u32).collect::<Vec<_>>());
        }
    }

    #[test]
    fn strata_have_the_shares_of_the_whole() {
        let labels: Vec<i32> =
            (0..700).map(|i| i32::from(i % 7 == 0) + 2 * i32::from(i % 100 == 1)).collect();
        for seed in 0..20 {
            let val = parts(&[0.8, 0.2], seed, true)[1].choose(700, Some(&labels));
            for class in 0..4 {
                let of =
                    |items: &mut dyn Iterator<Item = usize>| items.filter(|i| labels[*i] == class).count();
                let (all, chosen) = (of(&mut (0..700)), of(&mut val.iter().map(|i| *i as usize)));
                let expected = 0.2 * all as f64;
                assert!((chosen as f64 - expected).abs() <= 2.0, "{chosen} of {all} of class {class}");
            }
        }
    }

    #[test]
    fn the_seed_decides() {
        let [first, _] = parts(&[0.5, 0.5], 1, false)[..] else { panic!("two parts") };
        assert_eq!(first.choose(40, None), first.choose(40, None));
        assert_ne!(first.choose(40, None), Part { seed: 2, ..first }.choose(40, None));
    }
}
