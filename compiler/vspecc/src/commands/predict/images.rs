//! Which images the command line means.

use std::fs;
use std::path::{Path, PathBuf};

use vspec_data::is_image;
use vspec_train::FileError;

use crate::failure::{CommandResult, Failure};

/// An image to predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Picked {
    pub(super) path: PathBuf,
    /// Whether it was named itself, rather than found in a folder or by a pattern.
    pub(super) named: bool,
}

/// Images that are named, those in folders that are, and those that patterns fit; in this order, those of a folder by name.
pub(super) fn pick(arguments: &[PathBuf]) -> CommandResult<Vec<Picked>> {
    let mut picked: Vec<Picked> = vec![];
    for argument in arguments {
        if argument.is_file() {
            picked.push(Picked { path: argument.clone(), named: true });
            continue;
        }
        let (folder, pattern) = match argument.is_dir() {
            true => (argument.clone(), None),
            false => pattern(argument)?,
        };
        let before = picked.len();
        let found = images(&folder, pattern.as_deref())?;
        picked.extend(found.into_iter().map(|path| Picked { path, named: false }));
        if picked.len() == before {
            let message = match pattern {
                Some(_) => format!("no image fits `{}`", argument.display()),
                None => format!("there is no image in `{}`", argument.display()),
            };
            return Err(Failure::input(message).hint("images are files called *.png, *.jpg, *.jpeg or *.bmp"));
        }
    }
    Ok(picked)
}

/// A folder and what names of its files are like.
fn pattern(argument: &Path) -> CommandResult<(PathBuf, Option<String>)> {
    let last = argument.file_name().map(|name| name.to_string_lossy().into_owned());
    match last.filter(|last| last.contains(['*', '?'])) {
        Some(last) => {
            let folder = argument.parent().filter(|p| !p.as_os_str().is_empty());
            Ok((folder.unwrap_or(Path::new(".")).to_path_buf(), Some(last)))
        }
        None => Err(Failure::unreadable(argument, &std::io::Error::from(std::io::ErrorKind::NotFound))),
    }
}

fn images(folder: &Path, pattern: Option<&str>) -> CommandResult<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(FileError::at("read", folder))?;
    let fits = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        path.is_file() && is_image(path) && pattern.is_none_or(|pattern| matches(pattern, &name))
    };
    let mut found: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).filter(fits).collect();
    found.sort();
    Ok(found)
}

/// Whether a name is like a pattern, in which `*` stands for any letters and `?` for one.
fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    // By length of the part of the name that was looked at: whether the part of the pattern fits it.
    let mut fits = vec![false; name.len() + 1];
    fits[0] = true;
    for sign in pattern {
        let mut next = vec![false; name.len() + 1];
        for i in 0..=name.len() {
            next[i] = match sign {
                '*' => fits[i] || i > 0 && next[i - 1],
                '?' => i > 0 && fits[i - 1],
                letter => i > 0 && fits[i - 1] && name[i - 1] == letter,
            };
        }
        fits = next;
    }
    fits[name.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        for (pattern, name, fits) in [
            ("*.png", "a.png", true),
            ("*.png", "a.jpg", false),
            ("a?.*", "ab.png", true),
            ("a?.*", "a.png", false),
            ("*a*a*", "banana", true),
            ("", "x", false),
            ("*", "", true),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }

    #[test]
    fn files_folders_and_patterns_are_picked_in_order() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        for name in ["b.png", "a.jpg", "notes.txt", "c.bmp"] {
            fs::write(folder.path().join(name), "").expect("writable");
        }
        let at = |name: &str| folder.path().join(name);
        let picked = pick(&[at("c.bmp"), folder.path().to_path_buf(), at("*.png")]).expect("there");
        let names: Vec<_> = picked.iter().filter_map(|p| p.path.file_name()?.to_str()).collect();
        assert_eq!(names, ["c.bmp", "a.jpg", "b.png", "c.bmp", "b.png"]);
        assert_eq!(picked.iter().map(|p| p.named).collect::<Vec<_>>(), [true, false, false, false, false]);
        let message = |path| pick(&[path]).expect_err("none").to_string();
        assert!(message(at("d.png")).contains("cannot read"));
        assert!(message(at("*.gif")).contains("no image fits"));
    }
}
