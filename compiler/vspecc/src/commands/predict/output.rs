//! Where predictions go: JSON on standard output, or JSON and pictures in a folder.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use vspec_data::{Classes, Prepared};
use vspec_train::FileError;

use super::results::{self, Predicted};
use super::show;
use crate::cli::PredictArgs;
use crate::console;
use crate::failure::{CommandResult, Exit, Failure};
use crate::numbers::counted;

/// What scores less is not drawn unless told otherwise.
const DRAWN: f32 = 0.3;

/// What is written.
pub(super) struct Output<'a> {
    args: &'a PredictArgs,
    classes: Classes,
    records: Vec<serde_json::Value>,
    /// Names of the pictures so far.
    names: BTreeSet<String>,
    boxes: usize,
}

impl<'a> Output<'a> {
    pub(super) fn new(args: &'a PredictArgs, classes: Classes) -> Self {
        Output { args, classes, records: vec![], names: BTreeSet::new(), boxes: 0 }
    }

    /// Notes what was predicted of an image, and draws it.
    pub(super) fn add(
        &mut self,
        number: usize,
        path: &Path,
        image: &Prepared,
        predicted: &Predicted,
    ) -> CommandResult<()> {
        let least = self.args.threshold;
        let written = predicted.from(least.unwrap_or(f32::NEG_INFINITY));
        if let Predicted::Boxes(found) = &written {
            self.boxes += found.len();
        }
        self.records.extend(written.records(number, &path.display().to_string(), &self.classes));
        let Some(folder) = self.args.out.as_deref() else { return Ok(()) };
        fs::create_dir_all(folder).map_err(FileError::at("create", folder))?;
        let file = folder.join(self.name(path));
        // Nobody's photograph is overwritten by what is found in it.
        if file.canonicalize().is_ok_and(|own| path.canonicalize().is_ok_and(|image| image == own)) {
            let message = format!("the picture of `{}` would take its place", path.display());
            return Err(Failure::input(message).hint("write to a folder that is not that of the images"));
        }
        let least = match &written {
            Predicted::Boxes(_) => least.unwrap_or(DRAWN),
            Predicted::Classes(_) => least.unwrap_or(f32::NEG_INFINITY),
        };
        let picture = show::picture(&image.original, &written.from(least), &self.classes);
        let bytes = picture.map_err(|e| Failure::input(format!("cannot draw `{}`: {e}", path.display())))?;
        Ok(fs::write(&file, bytes).map_err(FileError::at("write", &file))?)
    }

    /// A name for the picture of an image that no other has.
    fn name(&mut self, path: &Path) -> PathBuf {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let names = (1..).map(|n| if n == 1 { stem.clone() } else { format!("{stem}-{n}") });
        let mut free = names.map(|name| format!("{name}.png")).filter(|name| !self.names.contains(name));
        let name = free.next().unwrap_or_default();
        self.names.insert(name.clone());
        PathBuf::from(name)
    }

    pub(super) fn finish(self, images: usize) -> CommandResult {
        let text = results::list(&self.records);
        let place = match self.args.out.as_deref() {
            None => {
                console::print(&text);
                return Ok(Exit::Fine);
            }
            Some(folder) => folder.join("predictions.json"),
        };
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).map_err(FileError::at("create", folder))?;
        }
        fs::write(&place, text).map_err(FileError::at("write", &place))?;
        if !self.args.quiet {
            let boxes = if self.boxes > 0 { format!(", {}", boxes(self.boxes)) } else { String::new() };
            console::error(&format!("{}{boxes}: {}", counted(images, "image"), place.display()));
        }
        Ok(Exit::Fine)
    }
}

fn boxes(count: usize) -> String {
    if count == 1 { "1 box".to_string() } else { format!("{count} boxes") }
}
