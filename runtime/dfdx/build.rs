//! With `dfdx-cuda`: finds the CUDA sources of dfdx, which this crate compiles when it runs.
//!
//! dfdx compiles them when it is built, for which it needs a toolkit, or (with its feature `ci-check`) not at all. Its package has them
//! either way, so they are taken from there: nothing of them is kept in this repository.

use std::path::{Path, PathBuf};
use std::{env, fs, io, process};

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_DFDX_CUDA").is_none() {
        return;
    }
    if let Err(error) = sources() {
        println!("cargo:warning={error}");
        process::exit(1);
    }
}

/// Writes `kernels.rs`: names and texts of all sources.
fn sources() -> io::Result<()> {
    let mut files = vec![];
    collect(&dfdx()?.join("src"), &mut files)?;
    files.sort();
    let mut text = String::from("pub(super) const SOURCES: &[(&str, &str)] = &[\n");
    for file in &files {
        let name = file.file_name().unwrap_or_default();
        text.push_str(&format!("    ({name:?}, include_str!({file:?})),\n"));
    }
    text.push_str("];\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("kernels.rs"), text)
}

/// The folder of the dfdx package that this crate is built with.
fn dfdx() -> io::Result<PathBuf> {
    let cargo = env::var_os("CARGO").ok_or_else(|| io::Error::other("cargo sets CARGO"))?;
    let metadata = process::Command::new(cargo)
        .args(["metadata", "--format-version=1", "--locked", "--features=dfdx-cuda", "--filter-platform"])
        .arg(env::var_os("TARGET").unwrap_or_default())
        .current_dir(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default())
        .output()?;
    let text = String::from_utf8_lossy(&metadata.stdout);
    // The only quoted path that ends so: a JSON reader would be a dependency for this line alone.
    let manifest = text.split('"').find(|part| {
        Path::new(part).ends_with("Cargo.toml")
            && Path::new(part).parent().and_then(Path::file_name).is_some_and(|name| {
                name.to_string_lossy().strip_prefix("dfdx-").is_some_and(|v| v.starts_with("0.13."))
            })
    });
    let folder = manifest.and_then(|manifest| Path::new(manifest).parent().map(Path::to_path_buf));
    folder.ok_or_else(|| io::Error::other("cargo metadata does not say where dfdx 0.13 lies"))
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.extension().and_then(|e| e.to_str()) {
            _ if path.is_dir() => collect(&path, files)?,
            Some("cu" | "cuh") => files.push(path),
            _ => {}
        }
    }
    Ok(())
}
