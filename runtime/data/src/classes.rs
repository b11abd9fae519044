//! Names and numbers of classes, for people and programs that read predictions.

use std::path::Path;

use vspec_ir::Source;

use crate::error::DataError;
use crate::source::{category_ids, inspect};

/// What the labels of a data set stand for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Classes {
    names: Vec<String>,
    /// Numbers in the files of the data set, where they differ from labels.
    ids: Vec<i64>,
}

impl Classes {
    /// Classes of a source: from its files where they are there, else what the specification says. The second value is why the
    /// numbers of the files are not known although there are some: a phrase.
    pub fn of(source: &Source, root: Option<&Path>) -> (Classes, Option<DataError>) {
        let names = match inspect(source, root) {
            Ok(info) => info.class_names,
            Err(_) => stated(source),
        };
        match category_ids(source, root) {
            Ok(ids) => (Classes { names, ids: ids.unwrap_or_default() }, None),
            Err(error) => (Classes { names, ids: vec![] }, Some(error)),
        }
    }

    /// The same with other names, where there are none.
    pub fn or_named(self, names: Vec<String>) -> Classes {
        if self.names.is_empty() { Classes { names, ..self } } else { self }
    }

    /// Classes with these names, numbered from 0.
    pub fn named(names: Vec<String>) -> Classes {
        Classes { names, ids: vec![] }
    }

    /// Name of a class; of one without a name its number.
    pub fn name(&self, label: usize) -> String {
        self.names.get(label).cloned().unwrap_or_else(|| format!("class {}", self.id(label)))
    }

    /// Number of a class in the files of the data set, else its label.
    pub fn id(&self, label: usize) -> i64 {
        self.ids.get(label).copied().unwrap_or(label as i64)
    }
}

/// Names that the specification itself states.
fn stated(source: &Source) -> Vec<String> {
    match source {
        Source::Coco { rules, .. } | Source::Voc { rules, .. } => rules.classes.clone(),
        Source::Sequences { videos, .. } => videos.clone(),
        _ => vec![],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vspec_ir::TruthRules;

    fn coco(classes: &[&str]) -> Source {
        let classes = classes.iter().map(ToString::to_string).collect();
        let rules = TruthRules { classes, most: 8, ignored: true, empty: true, least: 0.0 };
        Source::Coco { key: "cells".to_string(), split: None, annotations: None, images: None, rules }
    }

    #[test]
    fn classes_of_files_have_their_numbers_and_others_their_labels() {
        let root = tempfile::tempdir().expect("a temporary folder");
        let folder = root.path().join("cells/images");
        std::fs::create_dir_all(folder).expect("writable");
        let json = r#"{"images": [], "annotations": [], "categories": [
            {"id": 7, "name": "red"}, {"id": 3, "name": "white"}, {"id": 5, "name": "plate"}]}"#;
        std::fs::write(root.path().join("cells/coco.json"), json).expect("writable");
        let source = coco(&["plate", "red"]);
        let (there, said) = Classes::of(&source, Some(root.path()));
        assert!(said.is_none(), "{said:?}");
        assert_eq!((there.name(0).as_str(), there.id(0), there.id(1)), ("plate", 5, 7));
        let (absent, said) = Classes::of(&source, None);
        assert!(said.is_some_and(|e| e.to_string().contains("--data")));
        assert_eq!((absent.name(1).as_str(), absent.id(1)), ("red", 1));
        assert_eq!(absent.name(2), "class 2");
    }

    #[test]
    fn drawn_sets_need_no_files() {
        let source = Source::Scenes { count: 1, size: 32, split: "val".to_string(), classes: 2 };
        let (classes, said) = Classes::of(&source, None);
        assert!(said.is_none());
        assert!(!classes.name(1).starts_with("class") && classes.name(2) == "class 2");
    }
}
