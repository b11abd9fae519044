//! Assignment of rows to columns, one to one, of the smallest total cost: the Hungarian algorithm with potentials, one shortest
//! augmenting path for each row. Kuhn 1955; Jonker and Volgenant 1987.

use std::cmp::Ordering;
use std::ops::{Add, Sub};

/// A cost in which every pair that is not allowed weighs more than any sum of pairs that are: so as many allowed pairs as possible
/// are taken before their costs are looked at, and no large number stands for infinity.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Cost {
    refused: i64,
    cost: f64,
}

const FREE: Cost = Cost { refused: 0, cost: 0.0 };
const NONE: Cost = Cost { refused: i64::MAX / 2, cost: 0.0 };

impl Add for Cost {
    type Output = Cost;

    fn add(self, other: Cost) -> Cost {
        Cost { refused: self.refused + other.refused, cost: self.cost + other.cost }
    }
}

impl Sub for Cost {
    type Output = Cost;

    fn sub(self, other: Cost) -> Cost {
        Cost { refused: self.refused - other.refused, cost: self.cost - other.cost }
    }
}

impl Cost {
    fn below(self, other: Cost) -> bool {
        match self.refused.cmp(&other.refused) {
            Ordering::Less => true,
            Ordering::Equal => self.cost < other.cost,
            Ordering::Greater => false,
        }
    }
}

/// For each of `rows` rows its column, or -1. `cost` and `allowed` hold `rows * columns` entries, row by row; a pair whose cost is not
/// finite is not allowed.
pub(super) fn assign(cost: &[f64], allowed: &[bool], rows: usize, columns: usize) -> Vec<i32> {
    let at = |row: usize, column: usize| {
        let i = row * columns + column;
        match (allowed.get(i), cost.get(i)) {
            (Some(true), Some(c)) if c.is_finite() => Cost { refused: 0, cost: *c },
            _ => Cost { refused: 1, cost: 0.0 },
        }
    };
    let mut result = vec![-1; rows];
    let mut take = |row: usize, column: usize| {
        if at(row, column).refused == 0 {
            result[row] = column as i32;
        }
    };
    if rows <= columns {
        matched(rows, columns, &at).into_iter().enumerate().for_each(|(row, column)| take(row, column));
    } else {
        let turned = |column: usize, row: usize| at(row, column);
        matched(columns, rows, &turned).into_iter().enumerate().for_each(|(column, row)| take(row, column));
    }
    result
}

/// For each of `few` its partner among `many`, which are at least as many.
fn matched(few: usize, many: usize, at: &dyn Fn(usize, usize) -> Cost) -> Vec<usize> {
    let mut search = Search { of_few: vec![FREE; few], of_many: vec![FREE; many], owner: vec![None; many] };
    (0..few).for_each(|start| search.augment(start, at));
    let mut partner = vec![0; few];
    for (column, owner) in search.owner.iter().enumerate() {
        if let Some(row) = owner {
            partner[*row] = column;
        }
    }
    partner
}

/// Potentials, under which no pair costs less than nothing, and who owns each of the many.
struct Search {
    of_few: Vec<Cost>,
    of_many: Vec<Cost>,
    owner: Vec<Option<usize>>,
}

impl Search {
    /// Finds a partner for one more, along the cheapest path on which others change theirs.
    fn augment(&mut self, start: usize, at: &dyn Fn(usize, usize) -> Cost) {
        let many = self.owner.len();
        let (mut reach, mut from, mut seen) = (vec![NONE; many], vec![None; many], vec![false; many]);
        let mut path = vec![];
        let (mut row, mut last) = (start, None);
        let end = loop {
            let mut next: Option<usize> = None;
            for column in 0..many {
                if seen[column] {
                    continue;
                }
                let reduced = at(row, column) - self.of_few[row] - self.of_many[column];
                if reduced.below(reach[column]) {
                    (reach[column], from[column]) = (reduced, last);
                }
                if next.is_none_or(|best| reach[column].below(reach[best])) {
                    next = Some(column);
                }
            }
            let Some(column) = next else { return };
            self.shift(reach[column], start, &path, &mut reach, &seen);
            seen[column] = true;
            path.push(column);
            match self.owner[column] {
                Some(other) => (row, last) = (other, Some(column)),
                None => break column,
            }
        };
        let mut column = end;
        while let Some(before) = from[column] {
            self.owner[column] = self.owner[before];
            column = before;
        }
        self.owner[column] = Some(start);
    }

    /// Raises the potentials of what was reached, so that the next step costs nothing.
    fn shift(&mut self, by: Cost, start: usize, path: &[usize], reach: &mut [Cost], seen: &[bool]) {
        self.of_few[start] = self.of_few[start] + by;
        for column in path {
            if let Some(row) = self.owner[*column] {
                self.of_few[row] = self.of_few[row] + by;
            }
            self.of_many[*column] = self.of_many[*column] - by;
        }
        for (reached, _) in reach.iter_mut().zip(seen).filter(|(_, seen)| !**seen) {
            *reached = *reached - by;
        }
    }
}
