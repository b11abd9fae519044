//! Variables, and when each was written last.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::executable::Data;

/// Variables by path. Whoever can change one gets a new number for it, one that nothing else ever had: as long as the number is the same,
/// so is the value.
#[derive(Debug, Clone)]
pub struct Variables<T> {
    all: BTreeMap<String, (Data<T>, u64)>,
}

/// A number that was never given out before.
fn fresh() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl<T> Default for Variables<T> {
    fn default() -> Self {
        Variables { all: BTreeMap::new() }
    }
}

impl<T> Variables<T> {
    /// None yet.
    pub fn new() -> Self {
        Variables::default()
    }

    /// The value of a variable.
    pub fn get(&self, path: &str) -> Option<&Data<T>> {
        self.all.get(path).map(|(data, _)| data)
    }

    /// All of them, ordered by path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Data<T>)> {
        self.all.iter().map(|(path, (data, _))| (path.as_str(), data))
    }

    /// Gives a variable a value.
    pub fn insert(&mut self, path: String, data: Data<T>) {
        self.all.insert(path, (data, fresh()));
    }

    /// The number of a variable's value.
    pub(crate) fn version(&self, path: &str) -> Option<u64> {
        self.all.get(path).map(|(_, version)| *version)
    }

    /// The value of a variable, to be changed.
    pub(crate) fn get_mut(&mut self, path: &str) -> Option<&mut Data<T>> {
        let (data, version) = self.all.get_mut(path)?;
        *version = fresh();
        Some(data)
    }
}

impl<T> Extend<(String, Data<T>)> for Variables<T> {
    fn extend<I: IntoIterator<Item = (String, Data<T>)>>(&mut self, values: I) {
        values.into_iter().for_each(|(path, data)| self.insert(path, data));
    }
}

impl<T> FromIterator<(String, Data<T>)> for Variables<T> {
    fn from_iter<I: IntoIterator<Item = (String, Data<T>)>>(values: I) -> Self {
        let mut variables = Variables::new();
        variables.extend(values);
        variables
    }
}
