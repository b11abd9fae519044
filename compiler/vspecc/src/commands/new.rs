//! `vspecc new`: a folder to begin with.

use std::fs;
use std::path::Path;

use vspec_elaborate::compile;
use vspec_train::FileError;

use crate::cli::NewArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::package::Package;

/// Name and text of each file; `{name}` stands for the name of the experiment.
const FILES: [(&str, &str); 4] = [
    ("vspec.toml", include_str!("../../templates/vspec.toml")),
    ("{name}.vspec", include_str!("../../templates/main.vspec")),
    ("README.md", include_str!("../../templates/README.md")),
    (".gitignore", include_str!("../../templates/gitignore")),
];

/// Makes the folder and says what to do next.
pub(super) fn new(args: &NewArgs) -> CommandResult {
    let name = experiment_name(&args.folder)?;
    let folder = &args.folder;
    if fs::symlink_metadata(folder).is_ok() {
        return Err(Failure::input(format!("`{}` exists already", folder.display()))
            .hint("nothing is overwritten: choose another name"));
    }
    fs::create_dir_all(folder).map_err(FileError::at("create", folder))?;
    for (file, text) in FILES {
        let path = folder.join(file.replace("{name}", &name));
        fs::write(&path, text.replace("{name}", &name)).map_err(FileError::at("write", &path))?;
    }
    let path = folder.display();
    console::print(&format!("made {path}; next:\n  cd {path}\n  vspecc run {name}.vspec --max-steps 2\n"));
    Ok(Exit::Fine)
}

/// What the experiment of a folder is called: hyphens are no part of a name in a specification.
fn experiment_name(folder: &Path) -> CommandResult<String> {
    let name = folder.file_name().map(|n| n.to_string_lossy().replace('-', "_").to_lowercase());
    let name = name.unwrap_or_default();
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match letters && name.starts_with(|c: char| c.is_ascii_alphabetic()) && !is_taken(&name) {
        true => Ok(name),
        false => Err(Failure::input(format!("`{}` is no name for an experiment", folder.display()))
            .hint("letters, digits, `_` and `-`, with a letter first, and no word of the language: my-net")),
    }
}

/// Whether the specification is wrong with that name: a word of the language, or a name that it uses.
fn is_taken(name: &str) -> bool {
    let path = Path::new("main.vspec");
    let text = include_str!("../../templates/main.vspec").replace("{name}", name);
    compile(&Package::of(path, None), path, &text, &[]).has_errors()
}
