//! Variables, and when each was written last.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::element::Element;
use crate::executable::{Data, Elements};
use crate::memory::Raw;
use crate::shelf::{Shelf, Spot};

/// Variables by path. Whoever can change one gets a new number for it, one that nothing else ever had: as long as the number is the same,
/// so is the value.
pub struct Variables<T: Element> {
    all: BTreeMap<String, (Held<T>, u64)>,
    shelf: Shelf<T>,
}

/// Where the elements of a variable are.
enum Held<T> {
    /// Those that are few, or no numbers with a fraction.
    Apart(Data<T>),
    /// Beside those of others.
    Shelved(Spot),
}

/// A number that was never given out before.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<T: Element> Default for Variables<T> {
    fn default() -> Self {
        Variables { all: BTreeMap::new(), shelf: Shelf::default() }
    }
}

impl<T: Element> fmt::Debug for Variables<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<T: Element> Variables<T> {
    /// None yet.
    pub fn new() -> Self {
        Variables::default()
    }

    /// The value of a variable.
    pub fn get(&self, path: &str) -> Option<Elements<'_, T>> {
        self.all.get(path).map(|(held, _)| self.elements(held))
    }

    /// All of them, ordered by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Elements<'_, T>)> {
        self.all.iter().map(|(path, (held, _))| (path.as_str(), self.elements(held)))
    }

    fn elements<'a>(&'a self, held: &'a Held<T>) -> Elements<'a, T> {
        match held {
            Held::Apart(data) => data.elements(),
            Held::Shelved(spot) => Elements::Float(self.shelf.elements(*spot)),
        }
    }

    /// Gives a variable a value.
    pub fn insert(&mut self, path: String, data: Data<T>) {
        let held = match data {
            Data::Float(v) if Shelf::<T>::takes(v.len()) => {
                let spot = self.spot(&path, v.len());
                self.shelf.write(spot, &v);
                Held::Shelved(spot)
            }
            data => Held::Apart(data),
        };
        self.all.insert(path, (held, fresh()));
    }

    /// The place that a variable has, if it is as large, or a new one.
    fn spot(&mut self, path: &str, len: usize) -> Spot {
        match self.all.get(path) {
            Some((Held::Shelved(spot), _)) if spot.len == len => *spot,
            _ => self.shelf.spot(len),
        }
    }

    /// The number of a variable's value.
    pub(crate) fn version(&self, path: &str) -> Option<u64> {
        self.all.get(path).map(|(_, version)| *version)
    }

    /// The memory of a variable, to be changed.
    pub(crate) fn raw_mut(&mut self, path: &str) -> Option<Raw> {
        let (held, version) = self.all.get_mut(path)?;
        *version = fresh();
        Some(match held {
            Held::Apart(data) => data.raw_mut(),
            Held::Shelved(spot) => self.shelf.raw_mut(*spot),
        })
    }
}

impl<T: Element> Extend<(String, Data<T>)> for Variables<T> {
    fn extend<I: IntoIterator<Item = (String, Data<T>)>>(&mut self, values: I) {
        values.into_iter().for_each(|(path, data)| self.insert(path, data));
    }
}

impl<T: Element> FromIterator<(String, Data<T>)> for Variables<T> {
    fn from_iter<I: IntoIterator<Item = (String, Data<T>)>>(values: I) -> Self {
        let mut variables = Variables::new();
        variables.extend(values);
        variables
    }
}
