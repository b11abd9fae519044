//! The standard library as files: editors open files, and the library lies inside the program.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;

use vspec_elaborate::stdlib;

/// The file of a part of the library, such as `std.nn.conv`; it is written when it is first asked for.
pub(super) fn library_file(name: &str) -> Option<PathBuf> {
    let wanted = name.strip_prefix("std.")?.replace('.', "/");
    let (path, text) = stdlib::FILES.iter().find(|(path, _)| *path == wanted)?;
    let file = folder().join(path).with_extension("vspec");
    if fs::read_to_string(&file).is_ok_and(|found| found == *text) {
        return Some(file);
    }
    fs::create_dir_all(file.parent()?).ok()?;
    fs::write(&file, text).ok()?;
    Some(file)
}

/// A folder for this version of the library below the user's cache folder, else among temporary files.
fn folder() -> PathBuf {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let cache = set("XDG_CACHE_HOME").or_else(|| set("HOME").map(|home| home.join(".cache")));
    let cache = cache.or_else(|| set("LOCALAPPDATA")).unwrap_or_else(std::env::temp_dir);
    let mut hasher = DefaultHasher::new();
    stdlib::FILES.hash(&mut hasher);
    cache.join("vspec").join(format!("std-{:016x}", hasher.finish()))
}
