//! Finding folders and files below the data root, and saying what is there when they are missing.

use std::fs;
use std::path::{Component, Path, PathBuf};

use crate::error::DataError;

/// How many existing names a message lists.
const LISTED: usize = 8;

/// The folder of a data set.
pub(super) fn folder(root: Option<&Path>, key: &str) -> Result<PathBuf, DataError> {
    let root = root.ok_or_else(|| DataError::NoRoot { key: key.to_string() })?;
    if !root.is_dir() {
        let hint = "; it is the data root given by `--data` or VSPEC_DATA".to_string();
        return Err(DataError::Missing { path: root.to_path_buf(), hint });
    }
    let path = below(root, key)?;
    if path.is_dir() { Ok(path) } else { Err(missing(path, |entry| entry.is_dir())) }
}

/// A path of the specification or of a list, joined to a folder that it may not leave.
pub(super) fn below(folder: &Path, name: &str) -> Result<PathBuf, DataError> {
    let inside = |c: Component<'_>| matches!(c, Component::Normal(_) | Component::CurDir);
    if name.is_empty() || !Path::new(name).components().all(inside) {
        return Err(DataError::Outside { name: name.to_string() });
    }
    Ok(folder.join(name))
}

/// The error for a missing path, with the names beside it that `wanted` accepts.
pub(super) fn missing(path: PathBuf, wanted: impl Fn(&Path) -> bool) -> DataError {
    let parent = path.parent().unwrap_or(Path::new(""));
    let siblings: Vec<String> = entries(parent)
        .unwrap_or_default()
        .iter()
        .filter(|entry| wanted(entry))
        .map(|entry| file_name(entry))
        .collect();
    let hint = hint(&file_name(&path), &siblings);
    DataError::Missing { path, hint }
}

/// Entries of a folder sorted by name, without hidden ones.
pub(super) fn entries(folder: &Path) -> Result<Vec<PathBuf>, DataError> {
    let read = |e| DataError::read(folder, e);
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(read)? {
        let entry = entry.map_err(read)?;
        if !entry.file_name().as_encoded_bytes().starts_with(b".") {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

/// The last part of a path.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The end of a message about a missing name: the most similar one that exists, or a few of them.
pub(super) fn hint(name: &str, existing: &[String]) -> String {
    let similar = existing.iter().map(|e| (distance(name, e), e)).min();
    match similar {
        None => "; nothing like it lies there".to_string(),
        Some((edits, best)) if 5 * edits <= 2 * best.chars().count() => {
            format!("; did you mean `{best}`?")
        }
        Some(_) => {
            let more = if existing.len() > LISTED { ", .." } else { "" };
            let shown: Vec<&str> = existing.iter().take(LISTED).map(String::as_str).collect();
            format!("; there are: {}{more}", shown.join(", "))
        }
    }
}

/// Number of letters to insert, delete or replace to get from one name to the other (Levenshtein), ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let letters: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=letters.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in letters.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[letters.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_count_edits() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("Train", "train"), 0);
    }

    #[test]
    fn hints_name_the_similar_or_list_the_rest() {
        let names = ["test".to_string(), "train".to_string()];
        assert_eq!(hint("trian", &names), "; did you mean `train`?");
        assert_eq!(hint("holiday", &names), "; there are: test, train");
    }

    #[test]
    fn paths_cannot_leave_the_root() {
        for name in ["../x", "/etc", "a/../../b", ""] {
            assert!(matches!(below(Path::new("root"), name), Err(DataError::Outside { .. })), "{name}");
        }
        assert_eq!(below(Path::new("root"), "a/b").unwrap(), Path::new("root/a/b"));
    }

    #[test]
    fn a_missing_root_or_folder_says_what_to_do() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("cls_clothing")).unwrap();
        let message = |root: Option<&Path>, key| folder(root, key).unwrap_err().to_string();
        assert!(message(None, "x").contains("`--data DIR`"));
        assert!(message(Some(&root.path().join("no")), "x").contains("VSPEC_DATA"));
        assert!(message(Some(root.path()), "cls_cloting").ends_with("did you mean `cls_clothing`?"));
    }
}
