//! The arrows between packages: what each one may use. A new arrow has to be added here, on purpose.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;

/// Package, and the packages of this workspace that it may use. Direct use only; tests may use what they like.
const MAY_USE: &[(&str, &[&str])] = &[
    ("vspec-syntax", &[]),
    ("vspec-ir", &[]),
    ("vspec-elaborate", &["vspec-syntax", "vspec-ir"]),
    ("vspec-optimize", &["vspec-ir"]),
    (
        "vspecc",
        &[
            "vspec-syntax",
            "vspec-ir",
            "vspec-elaborate",
            "vspec-optimize",
            "vspec-engine",
            "vspec-cpu",
            "vspec-cuda",
            "vspec-dfdx",
            "vspec-data",
            "vspec-train",
        ],
    ),
    ("vspec-engine", &["vspec-ir"]),
    ("vspec-cpu", &["vspec-ir", "vspec-engine"]),
    ("vspec-cuda", &["vspec-ir", "vspec-engine"]),
    ("vspec-dfdx", &["vspec-ir", "vspec-engine", "vspec-cpu", "vspec-cuda"]),
    ("vspec-data", &["vspec-ir", "vspec-engine"]),
    ("vspec-train", &["vspec-ir", "vspec-engine", "vspec-data"]),
];

/// Packages from outside that only one package may use, so that their types cannot leak.
const CONFINED: &[(&str, &str)] = &[
    ("pest", "vspec-syntax"),
    ("pest_derive", "vspec-syntax"),
    ("petgraph", "vspec-ir"),
    ("dfdx", "vspec-dfdx"),
    ("miette", "vspecc"),
    ("clap", "vspecc"),
    ("image", "vspec-data"),
];

fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo runs");
    serde_json::from_slice(&output.stdout).expect("cargo metadata prints JSON")
}

/// Name of each package and the names of what it uses outside of its tests.
fn arrows() -> Vec<(String, BTreeSet<String>)> {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().expect("a list of packages");
    let name = |v: &Value| v["name"].as_str().expect("a name").to_string();
    packages
        .iter()
        .map(|p| {
            let dependencies = p["dependencies"].as_array().expect("a list of dependencies");
            let normal = dependencies.iter().filter(|d| d["kind"].as_str() != Some("dev"));
            (name(p), normal.map(name).collect())
        })
        .collect()
}

#[test]
fn packages_use_only_what_the_table_allows() {
    for (package, used) in arrows().iter().filter(|(p, _)| p != "vspec-tests") {
        let Some((_, allowed)) = MAY_USE.iter().find(|(p, _)| p == package) else {
            panic!("`{package}` is not in the table of arrows");
        };
        for other in used.iter().filter(|u| u.starts_with("vspec")) {
            assert!(allowed.contains(&other.as_str()), "`{package}` must not use `{other}`");
        }
    }
}

#[test]
fn libraries_stay_in_their_rooms() {
    for (package, used) in arrows() {
        for (library, owner) in CONFINED {
            let elsewhere = used.contains(*library) && package != *owner && package != "vspec-tests";
            assert!(!elsewhere, "`{library}` belongs to `{owner}`, and `{package}` uses it");
        }
    }
}
