//! `vspecc run --resume`: finding the run that goes on.

use std::fs;
use std::path::{Path, PathBuf};

use vspec_ir::Program;
use vspec_train::{FileError, Kept, RunFolder, RunState, checkpoint};

use crate::cli::RunArgs;
use crate::console;
use crate::failure::{CommandResult, Failure};

/// The specification with all overrides, as a run writes it down.
const RESOLVED: &str = "resolved.vspec";

/// A run that goes on.
pub(super) struct OldRun {
    pub(super) folder: RunFolder,
    pub(super) checkpoint: PathBuf,
    pub(super) seed: u64,
}

/// The file to compile: the one given, or what the run that goes on has written down.
pub(super) fn file(args: &RunArgs) -> CommandResult<PathBuf> {
    match (&args.file, path(args)?) {
        (Some(file), _) => Ok(file.clone()),
        (None, Some(path)) => Ok(Place::of(path)?.folder.join(RESOLVED)),
        (None, None) => Err(Failure::input("which run goes on depends on the file, and none is given")
            .hint("`vspecc run FILE --resume auto`, or `vspecc run --resume runs/NAME/001`")),
    }
}

/// The run that the command line asks to go on with, if there is one.
pub(super) fn find(args: &RunArgs, program: &Program, resolved: &str) -> CommandResult<Option<OldRun>> {
    match path(args)? {
        Some(path) => named(path, resolved).map(Some),
        None if args.resume.is_some() => newest(args, program, resolved),
        None => Ok(None),
    }
}

/// The path after `--resume`; none for `auto`.
fn path(args: &RunArgs) -> CommandResult<Option<&Path>> {
    match args.resume.as_deref() {
        Some(path) if path.extension().is_some_and(|e| e == "vspec") => {
            Err(Failure::input(format!("`--resume` takes a run folder, and `{}` is none", path.display()))
                .hint(format!("`vspecc run {} --resume auto`", path.display())))
        }
        path => Ok(path.filter(|p| *p != Path::new("auto"))),
    }
}

/// A checkpoint and the folder of its run.
struct Place {
    folder: PathBuf,
    checkpoint: PathBuf,
}

impl Place {
    /// What a run folder or a checkpoint in it means.
    fn of(path: &Path) -> CommandResult<Place> {
        let last = |folder: &Path| folder.join("checkpoints").join(Kept::Last.file_name());
        if path.is_dir() {
            return Ok(Place { folder: path.to_path_buf(), checkpoint: last(path) });
        }
        let missing = || Failure::input(format!("there is no run `{}`", path.display()));
        if !path.is_file() {
            return Err(missing().hint("`--resume` takes `auto`, a run folder or one of its checkpoints"));
        }
        let folder = path.parent().and_then(Path::parent).filter(|f| f.join(RESOLVED).is_file());
        let folder = folder.ok_or_else(|| {
            Failure::input(format!("`{}` does not lie in a run folder", path.display()))
                .hint("`--init-from` begins a new run with its variables")
        })?;
        Ok(Place { folder: folder.to_path_buf(), checkpoint: path.to_path_buf() })
    }

    fn state(&self) -> CommandResult<RunState> {
        let state = checkpoint::read_state(&self.checkpoint).map_err(|e| Failure::input(e.to_string()))?;
        state.ok_or_else(|| {
            Failure::input(format!("no run has written `{}`", self.checkpoint.display()))
                .hint("`--init-from` begins a new run with its variables")
        })
    }

    /// Whether the run was started with the same specification.
    fn is_of(&self, resolved: &str) -> CommandResult<bool> {
        let path = self.folder.join(RESOLVED);
        let text = fs::read_to_string(&path).map_err(FileError::at("read", &path))?;
        Ok(text == resolved)
    }
}

/// The run of a path, which has to fit.
fn named(path: &Path, resolved: &str) -> CommandResult<OldRun> {
    let place = Place::of(path)?;
    if !place.checkpoint.is_file() {
        return Err(Failure::input(format!("run `{}` has no checkpoint yet", place.folder.display()))
            .hint("`vspecc run FILE` begins a new one"));
    }
    let state = place.state()?;
    if state.finished {
        return Err(Failure::input(format!("run `{}` is finished", place.folder.display()))
            .hint("`vspecc run FILE --init-from CHECKPOINT` trains its network further"));
    }
    if !place.is_of(resolved)? {
        let message = format!("run `{}` was started with another specification", place.folder.display());
        return Err(Failure::input(message).hint(
            "go on with `vspecc run --resume FOLDER` and no file, or begin a new run with `--init-from CHECKPOINT`",
        ));
    }
    let folder = RunFolder::open(&place.folder)?;
    Ok(OldRun { folder, checkpoint: place.checkpoint, seed: state.seed })
}

/// The newest run of the experiment that is unfinished and fits.
fn newest(args: &RunArgs, program: &Program, resolved: &str) -> CommandResult<Option<OldRun>> {
    for folder in RunFolder::list(&args.out, &program.name) {
        let place = Place::of(&folder)?;
        // A run without a whole checkpoint has nothing to go on from.
        let Ok(state) = place.state() else { continue };
        if state.finished || args.seed.is_some_and(|seed| seed != state.seed) {
            continue;
        }
        if !place.is_of(resolved).unwrap_or(false) {
            note(args, &format!("`{}` is unfinished, but of another specification", folder.display()));
            continue;
        }
        match RunFolder::open(&folder) {
            Ok(folder) => {
                let (path, done) = (folder.path().display(), state.clock.iteration);
                note(args, &format!("going on with `{path}` after iteration {done}"));
                return Ok(Some(OldRun { folder, checkpoint: place.checkpoint, seed: state.seed }));
            }
            Err(error) => note(args, &format!("`{}` is passed over: {error}", folder.display())),
        }
    }
    note(args, "no unfinished run of this specification, so a new one begins");
    Ok(None)
}

fn note(args: &RunArgs, text: &str) {
    if !args.progress.quiet {
        console::error(text);
    }
}
