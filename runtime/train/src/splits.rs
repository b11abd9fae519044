//! Splits of one folder of images, whose labels have to mean the same.

use std::rc::Rc;

use vspec_ir::{DataSet, Source};

use crate::TrainError;
use crate::batches::Batches;

/// The split of a data set, and the class folders in it.
struct Split<'a> {
    set: &'a str,
    key: &'a str,
    name: &'a str,
    classes: Vec<String>,
}

/// Refuses splits of one `image_folder` that share class folders and not all of them. A label is the place of its folder among
/// those of its own split, so that it would mean another class in each. Splits that share none are those of tasks that only
/// compare labels with one another, such as retrieval.
pub(crate) fn check_splits(sets: &[DataSet], opened: &[Option<Rc<dyn Batches>>]) -> Result<(), TrainError> {
    let splits: Vec<Split<'_>> = sets.iter().zip(opened).filter_map(|(s, o)| split(s, o.as_ref())).collect();
    for (i, later) in splits.iter().enumerate() {
        let earlier = splits[..i].iter().filter(|e| e.key == later.key && e.name != later.name);
        if let Some(message) = earlier.filter_map(|e| difference(e, later)).next() {
            return Err(TrainError::Data { set: later.set.to_string(), message });
        }
    }
    Ok(())
}

fn split<'a>(set: &'a DataSet, opened: Option<&Rc<dyn Batches>>) -> Option<Split<'a>> {
    let Source::ImageFolder { key, split, .. } = &set.source else { return None };
    Some(Split { set: &set.name, key, name: split, classes: opened?.info()?.class_names })
}

/// What is wrong with the second of two splits, as a phrase.
fn difference(earlier: &Split<'_>, later: &Split<'_>) -> Option<String> {
    let beyond = |a: &Split<'_>, b: &Split<'_>| -> Vec<String> {
        a.classes.iter().filter(|class| !b.classes.contains(class)).cloned().collect()
    };
    let (more, less) = (beyond(later, earlier), beyond(earlier, later));
    if more.is_empty() && less.is_empty() || more.len() == later.classes.len() {
        return None;
    }
    let [more, less] = [("adds", more), ("lacks", less)].map(|(verb, classes)| listed(verb, &classes));
    let what: Vec<String> = [more, less].into_iter().flatten().collect();
    Some(format!(
        "`{key}/{}` has other class folders than `{key}/{}` of data set `{}`: it {}. Labels count the folders of a split, so that \
         they would not mean the same",
        later.name,
        earlier.name,
        earlier.set,
        what.join(" and "),
        key = later.key,
    ))
}

/// `adds `dog`, `cow` and 3 more`
fn listed(verb: &str, classes: &[String]) -> Option<String> {
    const SHOWN: usize = 3;
    let shown: Vec<String> = classes.iter().take(SHOWN).map(|class| format!("`{class}`")).collect();
    let more = match classes.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    (!classes.is_empty()).then(|| format!("{verb} {}{more}", shown.join(", ")))
}

#[cfg(test)]
mod tests {
    use vspec_data::Info;

    use super::*;
    use crate::batches::BatchIter;

    struct Named(&'static [&'static str]);

    impl Batches for Named {
        fn count(&self) -> u64 {
            1
        }

        fn epoch(&self, _: u64, _: u64) -> BatchIter {
            Box::new(std::iter::empty())
        }

        fn info(&self) -> Option<Info> {
            let class_names = self.0.iter().map(|name| name.to_string()).collect();
            Some(Info { classes: self.0.len(), class_names, items: 1 })
        }
    }

    /// What is said about `train` and `val` with these folders.
    fn said(train: &'static [&'static str], val: &'static [&'static str]) -> Option<String> {
        let set = |name: &str| {
            let source = Source::ImageFolder { key: "pets".into(), split: name.into(), classes: None };
            DataSet { name: name.to_string(), source, stages: vec![], item: vec![] }
        };
        let opened = [train, val].map(|names| Some(Rc::new(Named(names)) as Rc<dyn Batches>));
        check_splits(&[set("train"), set("val")], &opened).err().map(|error| error.to_string())
    }

    #[test]
    fn splits_with_some_folders_in_common_have_all() {
        let found = said(&["cat", "dog"], &["ant", "cat", "dog"]).expect("an error");
        let start = "data set `val`: `pets/val` has other class folders than `pets/train` of data set `train`: it adds `ant`. ";
        assert!(found.starts_with(start), "{found}");
        let found = said(&["a", "b", "c", "d", "e", "f"], &["f", "g"]).expect("an error");
        assert!(found.contains("it adds `g` and lacks `a`, `b`, `c` and 2 more. "), "{found}");
    }

    #[test]
    fn equal_splits_and_those_of_other_classes_are_fine() {
        assert_eq!(said(&["cat", "dog"], &["cat", "dog"]), None);
        assert_eq!(said(&["cat", "dog"], &["ant", "cow"]), None);
    }
}
