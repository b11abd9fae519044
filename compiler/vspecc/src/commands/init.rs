//! `vspecc run --init-from`: first values from a file, and a table of what was found.

use std::path::Path;

use vspec_ir::Program;
use vspec_train::checkpoint;
use vspec_train::weights::{Transfer, Weights};

use crate::cli::{InitArgs, RunArgs};
use crate::console;
use crate::failure::{CommandResult, Failure};
use crate::numbers::counted;

/// Names that a row of the table shows.
const SHOWN: usize = 3;

/// The values of `--init-from`, after the table is shown; none where nothing is asked for.
pub(super) fn weights(args: &RunArgs, program: &Program) -> CommandResult<Weights> {
    let Some(path) = &args.init.from else { return Ok(vec![]) };
    let path = checkpoint::find(path).map_err(|e| Failure::input(e.to_string()))?;
    let transfer = Transfer::read(&path, &program.variables, &args.init.map).map_err(|e| {
        let failure = Failure::input(e.to_string());
        if is_pickle(&path) { failure.hint(PICKLE) } else { failure }
    })?;
    let verdict = judge(&transfer, &args.init);
    if verdict.is_err() || !args.progress.quiet {
        console::error(&table(&transfer, &path));
    }
    verdict.map(|()| transfer.weights)
}

const PICKLE: &str =
    "bring it over once, in Python: safetensors.torch.save_file(model.state_dict(), \"weights.safetensors\")";

fn is_pickle(path: &Path) -> bool {
    path.extension().is_some_and(|e| ["pt", "pth", "ckpt", "tar", "bin"].iter().any(|p| e == *p))
}

/// Whether the file gives enough.
fn judge(transfer: &Transfer, args: &InitArgs) -> CommandResult<()> {
    if let Some(wrong) = transfer.wrong.first() {
        let message = format!(
            "{} of another shape: `{}` is {} in the file and {} in the experiment",
            counted(transfer.wrong.len(), "tensor"),
            wrong.name,
            wrong.found,
            wrong.expected
        );
        let hint = format!("leave such tensors out: --init-map '{} ->' --init-partial", wrong.name);
        return Err(Failure::input(message).hint(hint));
    }
    if transfer.weights.is_empty() {
        return Err(Failure::input("no tensor of the file belongs to the experiment")
            .hint("say how the names differ: --init-map \"backbone.** -> net.**\""));
    }
    if args.partial || transfer.missing.is_empty() && transfer.unexpected.is_empty() {
        return Ok(());
    }
    Err(Failure::input("the file and the experiment do not have the same names")
        .hint("say how they differ with --init-map \"old.** -> new.**\", or allow it with --init-partial"))
}

fn table(transfer: &Transfer, path: &Path) -> String {
    let loaded: Vec<&str> = transfer.weights.iter().map(|(name, _)| name.as_str()).collect();
    let wrong = transfer.wrong.iter().map(|w| format!("{}: {}, not {}", w.name, w.found, w.expected));
    let wrong: Vec<String> = wrong.collect();
    let mut lines = vec![format!("first values from `{}`", path.display())];
    lines.extend(row("loaded", &loaded));
    lines.extend(row("missing", &transfer.missing));
    lines.extend(row("unexpected", &transfer.unexpected));
    lines.extend(row("other shape", &wrong));
    lines.extend(row("left out", &transfer.left_out));
    lines.extend(transfer.notes.iter().map(|note| format!("  note: {note}")));
    lines.join("\n")
}

/// `  loaded         102  net.conv1.weight, net.bn1.weight, net.bn1.bias, ..`; none for an empty list.
fn row(title: &str, names: &[impl AsRef<str>]) -> Option<String> {
    let shown: Vec<&str> = names.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let rest = if names.len() > SHOWN { ", .." } else { "" };
    (!names.is_empty()).then(|| format!("  {title:<11} {:>5}  {}{rest}", names.len(), shown.join(", ")))
}
