//! The standard library, shipped inside the compiler.
//!
//! `use std.nn.Conv` looks for the file below `stdlib/nn` that defines `Conv`; names of `stdlib/prelude` are visible
//! everywhere without a `use`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock, OnceLock};

use vspec_syntax::{Diagnostic, FileId, ast};

/// Declares the files: the path below `stdlib/` without its extension.
macro_rules! files {
    ($($path:literal),* $(,)?) => {
        /// Path and text of every file of the standard library.
        pub static FILES: &[(&str, &str)] =
            &[$(($path, include_str!(concat!("../../../stdlib/", $path, ".vspec")))),*];
    };
}

files! {
    "assign/aligned",
    "assign/anchors",
    "assign/pairs",
    "boxes/codec",
    "boxes/convert",
    "boxes/grid",
    "boxes/overlap",
    "boxes/suppress",
    "detectors/faster_rcnn",
    "detectors/fcos",
    "detectors/levels",
    "detectors/retinanet",
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
    "metrics/detection",
    "metrics/image",
    "metrics/retrieval",
    "nn/activation",
    "nn/attention",
    "nn/conv",
    "nn/deform",
    "nn/dropout",
    "nn/embedding",
    "nn/fpn",
    "nn/googlenet",
    "nn/linear",
    "nn/norm",
    "nn/padding",
    "nn/pool",
    "nn/residual",
    "nn/resize",
    "nn/resnet",
    "nn/vgg",
    "nn/video_resnet",
    "optim/adam",
    "optim/average",
    "optim/clip",
    "optim/rmsprop",
    "optim/sgd",
    "papers/cin",
    "papers/tood/detector",
    "papers/tood/head",
    "papers/tood/loss",
    "prelude/activations",
    "prelude/gradients",
    "prelude/init",
    "prelude/reductions",
    "prelude/tensor",
    "schedules/schedules",
    "vision/masks",
    "vision/roi",
    "vision/sampling",
}

/// The names that each of [`FILES`] defines. Every file that is checked asks for them.
static DEFINED: LazyLock<Vec<Vec<&'static str>>> =
    LazyLock::new(|| FILES.iter().map(|(_, text)| definitions(text).collect()).collect());

/// The files that define a name, as indices into [`FILES`].
static INDEX: LazyLock<BTreeMap<&'static str, Vec<usize>>> = LazyLock::new(|| {
    let mut index: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (file, names) in DEFINED.iter().enumerate() {
        names.iter().for_each(|name| index.entry(name).or_default().push(file));
    }
    index
});

/// A tree with what is wrong with its text.
type Parsed = (Arc<ast::File>, Vec<Diagnostic>);

/// The trees of [`FILES`], each read when it is first used: most files use the same few, and many are compiled in one go.
static PARSED: LazyLock<Vec<OnceLock<Parsed>>> =
    LazyLock::new(|| FILES.iter().map(|_| OnceLock::new()).collect());

/// A file of the library, by its index into [`FILES`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct LibraryFile(usize);

impl LibraryFile {
    /// The name in messages, `std.nn.conv`.
    pub(crate) fn name(self) -> String {
        format!("std.{}", FILES[self.0].0.replace('/', "."))
    }

    pub(crate) fn text(self) -> &'static str {
        FILES[self.0].1
    }

    /// The same in every compilation: the spans of the tree that they share carry it.
    pub(crate) fn id(self) -> FileId {
        FileId(FileId::FIRST_SHARED.0 + self.0 as u32)
    }

    pub(crate) fn parsed(self) -> &'static Parsed {
        PARSED[self.0].get_or_init(|| {
            let (ast, diagnostics) = vspec_syntax::parse(self.id(), self.text());
            (Arc::new(ast), diagnostics)
        })
    }
}

/// The file below `folder` (`nn`, or the file `nn/conv` itself) that defines `name`.
pub(crate) fn defining(folder: &str, name: &str) -> Option<LibraryFile> {
    let is_inside = inside(folder);
    INDEX.get(name)?.iter().copied().find(|file| is_inside(FILES[*file].0)).map(LibraryFile)
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
    in_folder(folder).flat_map(|file| &DEFINED[file]).copied()
}

/// The `use` line that would bring `name` into scope.
pub(crate) fn suggest(name: &str) -> Option<String> {
    let (path, _) = FILES[*INDEX.get(name)?.first()?];
    let folder = path.split('/').next()?;
    Some(format!("use std.{folder}.{name}"))
}

/// The files in a folder.
pub(crate) fn files(folder: &str) -> impl Iterator<Item = LibraryFile> {
    in_folder(folder).map(LibraryFile)
}

/// Whether a file of this name is one of the library.
pub(crate) fn is_own_name(file: &str) -> bool {
    file.starts_with("std.")
}

/// Indices of the files in a folder.
fn in_folder(folder: &str) -> impl Iterator<Item = usize> {
    let is_inside = inside(folder);
    (0..FILES.len()).filter(move |file| is_inside(FILES[*file].0))
}

/// Whether a file is the one, or in the folder, of a dotted name.
fn inside(folder: &str) -> impl Fn(&str) -> bool + use<> {
    let folder = folder.replace('.', "/");
    move |path| {
        path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// Names of top-level items, which start their lines in formatted files.
pub(crate) fn definitions(text: &str) -> impl Iterator<Item = &str> {
    const KEYWORDS: [&str; 8] =
        ["module ", "fn ", "host fn ", "loss ", "optimizer ", "assign ", "record ", "let "];
    text.lines().filter_map(|line| {
        let rest = KEYWORDS.iter().find_map(|k| line.strip_prefix(k))?;
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        rest.get(..end)
    })
}
