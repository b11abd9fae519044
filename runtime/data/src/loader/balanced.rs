//! Batches with the same number of items of several classes. Gao et al. 2020 (CIN) and others train on pairs inside such batches.

use vspec_engine::rng::Stream;

/// Draws `classes` different classes a batch and `per_class` items of each, class by class.
///
/// Every class has a shuffled list and a cursor. When fewer than `per_class` items are left in a list, it is shuffled anew, and
/// what was left is skipped this time. A class with fewer items than that gives some of them twice.
#[derive(Debug, Clone, Copy)]
pub(super) struct Balanced {
    pub(super) classes: usize,
    pub(super) per_class: usize,
}

/// The items of one class, in the order in which they are taken.
struct Deck {
    items: Vec<u32>,
    cursor: usize,
}

/// Random numbers in the order in which they are needed.
struct Draws<'a> {
    stream: &'a Stream,
    next: u64,
}

impl Draws<'_> {
    /// A number below `n`.
    fn below(&mut self, n: usize) -> usize {
        self.next += 1;
        self.stream.below(self.next - 1, n as u32) as usize
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

impl Balanced {
    fn batch(self) -> usize {
        self.classes * self.per_class
    }

    /// Items of an epoch over so many: whole batches, as long as another one leaves something over.
    pub(super) fn emitted(self, items: usize) -> usize {
        items.saturating_sub(1) / self.batch().max(1) * self.batch()
    }

    /// The items of an epoch. `items` and their `labels` are what there is; the error is a sentence.
    pub(super) fn draw(self, items: &[u32], labels: &[i32], stream: &Stream) -> Result<Vec<u32>, String> {
        let mut draws = Draws { stream, next: 0 };
        let mut decks = decks(items, labels);
        if decks.len() < self.classes {
            return Err(format!("`sample` draws {} classes, but there are {}", self.classes, decks.len()));
        }
        decks.iter_mut().for_each(|deck| draws.shuffle(&mut deck.items));
        let mut order: Vec<usize> = (0..decks.len()).collect();
        let mut drawn = Vec::with_capacity(self.emitted(items.len()));
        for _ in 0..self.emitted(items.len()) / self.batch() {
            draws.shuffle(&mut order);
            for class in &order[..self.classes] {
                drawn.extend(decks[*class].take(self.per_class, &mut draws));
            }
        }
        Ok(drawn)
    }
}

/// Items by class, in the order of the labels.
fn decks(items: &[u32], labels: &[i32]) -> Vec<Deck> {
    let mut by_label = std::collections::BTreeMap::<i32, Vec<u32>>::new();
    for (item, label) in items.iter().zip(labels) {
        by_label.entry(*label).or_default().push(*item);
    }
    by_label.into_values().map(|items| Deck { items, cursor: 0 }).collect()
}

impl Deck {
    fn take(&mut self, count: usize, draws: &mut Draws<'_>) -> Vec<u32> {
        if self.items.len() - self.cursor < count {
            draws.shuffle(&mut self.items);
            self.cursor = 0;
        }
        let taken = (0..count).map(|i| self.items[(self.cursor + i) % self.items.len()]).collect();
        self.cursor = (self.cursor + count).min(self.items.len());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(labels: &[i32], seed: u64) -> Vec<u32> {
        let items: Vec<u32> = (0..labels.len() as u32).collect();
        let sampler = Balanced { classes: 2, per_class: 3 };
        sampler.draw(&items, labels, &Stream::new("sample", seed, 0)).expect("enough classes")
    }

    #[test]
    fn batches_hold_the_same_number_of_each_class() {
        let labels: Vec<i32> = (0..40).map(|i| i % 4).collect();
        let drawn = draw(&labels, 1);
        assert_eq!(drawn.len(), 36);
        for batch in drawn.chunks(6) {
            let classes: Vec<i32> = batch.iter().map(|i| labels[*i as usize]).collect();
            assert!(classes[..3].iter().all(|c| *c == classes[0]));
            assert!(classes[3..].iter().all(|c| *c == classes[3]));
            assert_ne!(classes[0], classes[3]);
            let mut items = batch.to_vec();
            items.sort_unstable();
            items.dedup();
            assert_eq!(items.len(), 6, "no item twice in a batch");
        }
    }

    #[test]
    fn a_class_is_gone_through_before_an_item_comes_again() {
        let labels = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1];
        let drawn = draw(&labels, 3);
        let mut first: Vec<u32> = drawn.iter().copied().filter(|i| labels[*i as usize] == 0).collect();
        first.sort_unstable();
        assert_eq!(first, [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn the_seed_decides_and_small_classes_repeat() {
        let labels = [0, 0, 1, 1, 1, 1, 0, 2];
        assert_eq!(draw(&labels, 5), draw(&labels, 5));
        let many: Vec<Vec<u32>> = (0..8).map(|seed| draw(&labels, seed)).collect();
        assert!(many.iter().any(|d| *d != many[0]));
        assert!(many.iter().any(|d| d.iter().filter(|i| **i == 7).count() == 3));
    }

    #[test]
    fn too_few_classes_are_refused() {
        let sampler = Balanced { classes: 3, per_class: 1 };
        let error = sampler.draw(&[0, 1], &[4, 4], &Stream::new("sample", 0, 0));
        assert!(error.is_err_and(|e| e.contains("draws 3 classes, but there are 1")));
    }
}
