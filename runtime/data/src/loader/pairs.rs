//! Pairs of items: the second item of a pair for each first one. Bertinetto et al. 2016 (SiamFC) and others draw frames of one
//! sequence this way; Yu et al. 2020 (SiamAttn) add pairs of different sequences.

use std::collections::BTreeMap;
use std::sync::Arc;

use vspec_engine::rng::Stream;

use super::pick::Pick;

/// How pairs are drawn.
#[derive(Debug, Clone)]
pub(super) struct Pairs {
    pub(super) within: Option<usize>,
    pub(super) negative: f64,
    /// Name of its random stream.
    pub(super) stream: Arc<str>,
}

/// Items by class: in which class each item is, and where in it.
#[derive(Debug)]
pub(super) struct Classes {
    /// Items class by class, each class in the order of the items.
    items: Vec<u32>,
    /// Where each class begins in `items`, and at last their number.
    starts: Vec<usize>,
    /// For each item its class and its place in `items`.
    places: Vec<(usize, usize)>,
}

/// The second item of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Second {
    pub(super) item: u32,
    pub(super) positive: bool,
}

impl Classes {
    pub(super) fn new(labels: &[i32]) -> Self {
        let mut by_label = BTreeMap::<i32, Vec<u32>>::new();
        for (item, label) in labels.iter().enumerate() {
            by_label.entry(*label).or_default().push(item as u32);
        }
        let (mut items, mut starts, mut places) = (vec![], vec![0], vec![(0, 0); labels.len()]);
        for (class, members) in by_label.into_values().enumerate() {
            for member in members {
                places[member as usize] = (class, items.len());
                items.push(member);
            }
            starts.push(items.len());
        }
        Classes { items, starts, places }
    }

    fn len(&self) -> usize {
        self.starts.len() - 1
    }
}

impl Pairs {
    /// Numbers that one pair may draw.
    const DRAWS: u64 = 4;

    /// Says what is wrong with classes from which no pairs can be drawn, as a sentence.
    pub(super) fn check(&self, classes: &Classes) -> Result<(), String> {
        match classes.len() {
            1 if self.negative > 0.0 => {
                Err("`pairs` of different classes need at least 2 classes, but there is 1".to_string())
            }
            _ => Ok(()),
        }
    }

    /// The second item for the first one, which `first` names. `stream` belongs to the stage and the epoch.
    pub(super) fn second(&self, first: Pick, classes: &Classes, stream: &Stream) -> Second {
        let draws = first.key * Self::DRAWS;
        let negative = stream.uniform(draws) < self.negative;
        let below = |n: usize| stream.below(draws + 1, n as u32) as usize;
        let (class, place) = classes.places[first.item as usize];
        let (start, end) = (classes.starts[class], classes.starts[class + 1]);
        if negative {
            let other = below(classes.items.len() - (end - start));
            let place = if other < start { other } else { other + end - start };
            return Second { item: classes.items[place], positive: false };
        }
        let within = self.within.unwrap_or(usize::MAX);
        let low = place.saturating_sub(within).max(start);
        let high = place.saturating_add(within).min(end - 1);
        // Another item of the class, or the same one where there is no other.
        let place = match high - low {
            0 => place,
            others => Some(low + below(others)).map_or(place, |p| if p < place { p } else { p + 1 }),
        };
        Second { item: classes.items[place], positive: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(within: Option<usize>, negative: f64) -> Pairs {
        Pairs { within, negative, stream: "pairs".into() }
    }

    /// Classes of many sizes in a random order: what is called positive shares the class, and nothing else does.
    #[test]
    fn positive_pairs_share_a_class_and_negative_ones_do_not() {
        let random = Stream::new("labels", 1, 0);
        for case in 0..40u64 {
            let labels: Vec<i32> =
                (0..60).map(|i| random.below(case * 100 + i, 2 + case as u32 % 9) as i32).collect();
            let classes = Classes::new(&labels);
            let rule = pairs(None, 0.4);
            if rule.check(&classes).is_err() {
                continue;
            }
            for item in 0..60u32 {
                for repetition in 0..6 {
                    let first = Pick::first(item).again(repetition);
                    let second = rule.second(first, &classes, &Stream::new("pairs", case, 0));
                    let same = labels[item as usize] == labels[second.item as usize];
                    assert_eq!(same, second.positive);
                    let alone = labels.iter().filter(|l| **l == labels[item as usize]).count() == 1;
                    assert_eq!(second.item == item, second.positive && alone);
                }
            }
        }
    }

    #[test]
    fn within_bounds_the_distance_in_the_class_and_every_distance_occurs() {
        let labels: Vec<i32> = (0..300).map(|i| i % 3).collect();
        let (classes, rule) = (Classes::new(&labels), pairs(Some(4), 0.0));
        let mut seen = BTreeMap::<i64, usize>::new();
        for item in 0..300u32 {
            for repetition in 0..20 {
                let first = Pick::first(item).again(repetition);
                let second = rule.second(first, &classes, &Stream::new("pairs", 0, 3));
                *seen.entry((i64::from(second.item) - i64::from(item)) / 3).or_default() += 1;
            }
        }
        assert_eq!(seen.keys().copied().collect::<Vec<_>>(), [-4, -3, -2, -1, 1, 2, 3, 4]);
        assert!(seen.values().all(|n| (600..=900).contains(n)), "{seen:?}");
    }

    #[test]
    fn the_share_of_negative_pairs_is_the_probability() {
        let labels: Vec<i32> = (0..4000).map(|i| i % 5).collect();
        let (classes, rule) = (Classes::new(&labels), pairs(None, 0.2));
        let stream = Stream::new("pairs", 9, 0);
        let negative =
            (0..4000).filter(|i| !rule.second(Pick::first(*i), &classes, &stream).positive).count();
        assert!((720..880).contains(&negative), "{negative} of 4000");
    }

    #[test]
    fn one_class_has_no_negative_pairs() {
        let classes = Classes::new(&[3, 3, 3]);
        assert!(pairs(None, 0.1).check(&classes).is_err_and(|e| e.contains("there is 1")));
        assert!(pairs(None, 0.0).check(&classes).is_ok());
    }
}
