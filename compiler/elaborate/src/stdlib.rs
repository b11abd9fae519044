//! The standard library, shipped inside the compiler.
//!
//! `use std.nn.Conv` looks for the file below `stdlib/nn` that defines `Conv`; names of `stdlib/prelude` are visible
//! everywhere without a `use`.

use std::collections::BTreeSet;

/// Declares the files: the path below `stdlib/` without its extension.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Path and text of every file of the standard library.
        pub static FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../../stdlib/", $path, ".vspec")))),*];
    };
}

files! {
    "linalg/functions",
    "linalg/solve",
    "linalg/spectral",
    "losses/boxes",
    "losses/classification",
    "losses/focal",
    "losses/metric",
    "losses/regression",
    "manifolds/manifolds",
    "metrics/classification",
    "metrics/image",
    "metrics/retrieval",
    "nn/activation",
    "nn/attention",
    "nn/conv",
    "nn/linear",
    "nn/norm",
    "nn/padding",
    "nn/pool",
    "nn/residual",
    "nn/resize",
    "nn/resnet",
    "optim/adam",
    "optim/average",
    "optim/clip",
    "optim/rmsprop",
    "optim/sgd",
    "papers/cin",
    "prelude/activations",
    "prelude/gradients",
    "prelude/init",
    "prelude/reductions",
    "prelude/tensor",
    "schedules/schedules",
}

/// The file below `folder` (`nn`, or the file `nn/conv` itself) that defines `name`.
pub(crate) fn defining(folder: &str, name: &str) -> Option<(&'static str, &'static str)> {
    in_folder(folder).find(|(_, text)| definitions(text).any(|n| n == name))
}

/// Whether the standard library has such a folder or file.
pub(crate) fn exists(folder: &str) -> bool {
    in_folder(folder).next().is_some()
}

/// The folders that names can be taken from, sorted.
pub fn folders() -> BTreeSet<&'static str> {
    let folders = FILES.iter().filter_map(|(path, _)| path.split('/').next());
    folders.filter(|folder| *folder != "prelude").collect()
}

/// Every name that can be taken from `folder`.
pub fn names(folder: &str) -> impl Iterator<Item = &'static str> {
    in_folder(folder).flat_map(|(_, text)| definitions(text))
}

/// The `use` line that would bring `name` into scope.
pub(crate) fn suggest(name: &str) -> Option<String> {
    let (path, _) = FILES.iter().find(|(_, text)| definitions(text).any(|n| n == name))?;
    let folder = path.split('/').next()?;
    Some(format!("use std.{folder}.{name}"))
}

fn in_folder(folder: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    let folder = folder.replace('.', "/");
    let inside = format!("{folder}/");
    FILES.iter().copied().filter(move |(path, _)| *path == folder || path.starts_with(&inside))
}

/// Names of top-level items, which start their lines in formatted files.
pub(crate) fn definitions(text: &str) -> impl Iterator<Item = &str> {
    const KEYWORDS: [&str; 6] = ["module ", "fn ", "loss ", "optimizer ", "record ", "let "];
    text.lines().filter_map(|line| {
        let rest = KEYWORDS.iter().find_map(|k| line.strip_prefix(k))?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end)
    })
}
