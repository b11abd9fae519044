//! `--set path=value`: edits of the text, so that the resolved specification can be saved and run again.
//!
//! `opt.lr` is the argument `lr` of a call in the pipeline that `let opt` names; `train.batch` is the first argument of
//! `batch(..)` there; `train.batch.drop_last` is an argument of it; `width` is the whole value of `let width`, in the experiment or at
//! the top of the file; `run.epochs` is the count of the first phase. `tiny.opt.lr` is that of one experiment among several.

mod settings;

use std::rc::Rc;

use settings::Setting;
use vspec_syntax::ast::{Expr, ExprKind};
use vspec_syntax::{Diagnostic, Span, did_you_mean};

use crate::load::{FileScope, Loader};
use crate::{Override, codes};

/// The text with every override in place.
pub(crate) fn apply(
    loader: &mut Loader<'_>,
    file: &Rc<FileScope>,
    text: &str,
    overrides: &[Override],
) -> Result<String, Vec<Diagnostic>> {
    let settings = settings::of_file(loader, file, text);
    let mut edits: Vec<Edit> = vec![];
    let mut errors = vec![];
    for o in overrides {
        match edit(loader, &settings, o) {
            Ok(edit) => edits.push(edit),
            Err(error) => errors.push(*error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    check_apart(&edits)?;
    // From the end, so that earlier places stay where they are; of two values for one place the later one wins.
    edits.reverse();
    edits.sort_by(|a, b| b.at.start.cmp(&a.at.start).then_with(|| a.prefix.cmp(&b.prefix)));
    edits.dedup_by(|a, b| a.at == b.at && a.prefix == b.prefix);
    let mut out = text.to_string();
    let mut behind: Option<Span> = None;
    for Edit { at, prefix, value, .. } in edits {
        // Of two arguments that are added to a call without any, the first one needs a comma.
        let comma = if behind == Some(at) && !prefix.starts_with(',') { ", " } else { "" };
        out.replace_range(at.start as usize..at.end as usize, &format!("{prefix}{value}{comma}"));
        behind = Some(at);
    }
    Ok(out)
}

/// A value and where it goes.
struct Edit {
    path: String,
    /// Where the path stands, on the command line.
    span: Span,
    at: Span,
    prefix: String,
    value: String,
}

/// Of two values one of which is part of what the other one replaces neither can be meant.
fn check_apart(edits: &[Edit]) -> Result<(), Vec<Diagnostic>> {
    let within = |inner: &Edit, outer: &Edit| {
        outer.at != inner.at && outer.at.start <= inner.at.start && inner.at.start < outer.at.end
    };
    let lost = edits.iter().find_map(|inner| Some((inner, edits.iter().find(|outer| within(inner, outer))?)));
    let Some((inner, outer)) = lost else { return Ok(()) };
    let message = format!("`{}` is part of what `{}` replaces", inner.path, outer.path);
    let error = Diagnostic::error(codes::UNKNOWN_SETTING, inner.span, message);
    Err(vec![error.also(outer.span, "replaced by this").hint("leave one of the two out")])
}

fn edit(loader: &mut Loader<'_>, settings: &[Setting], o: &Override) -> Result<Edit, Box<Diagnostic>> {
    let source = loader.sources.add("--set", format!("{}={}", o.path, o.value));
    let path_span = Span::new(source, 0, o.path.len());
    let value = match vspec_syntax::parse_expr(source, &o.value, o.path.len() + 1) {
        Ok(value) => value,
        Err(error) => return Err(Box::new(error)),
    };
    let setting = find(settings, &o.path, path_span)?;
    let value = if setting.path.starts_with("run.") { count(&value, &o.value) } else { o.value.clone() };
    let (path, at, prefix) = (o.path.clone(), setting.at, setting.prefix.clone());
    Ok(Edit { path, span: path_span, at, prefix, value })
}

/// What a path names, which has to be one thing.
fn find<'s>(settings: &'s [Setting], path: &str, span: Span) -> Result<&'s Setting, Box<Diagnostic>> {
    match named(settings, path).as_slice() {
        [] => Err(Box::new(unknown(settings, path, span))),
        [only] => Ok(only),
        several => Err(Box::new(ambiguous(settings, several, path, span))),
    }
}

/// Everything that a path names. An experiment's name in front is read only where nothing has the whole path.
fn named<'s>(settings: &'s [Setting], path: &str) -> Vec<&'s Setting> {
    let plain: Vec<&Setting> = settings.iter().filter(|s| s.path == path).collect();
    match plain.is_empty() {
        true => outermost(settings.iter().filter(|s| qualified(s).as_deref() == Some(path)).collect()),
        false => outermost(plain),
    }
}

/// `tiny.opt.lr`
fn qualified(setting: &Setting) -> Option<String> {
    setting.experiment.as_ref().map(|experiment| format!("{experiment}.{}", setting.path))
}

/// Of the places that one path names within an experiment those in the outermost call, each once.
fn outermost(found: Vec<&Setting>) -> Vec<&Setting> {
    let mut kept: Vec<&Setting> = vec![];
    for setting in &found {
        let same = |other: &&&Setting| other.experiment == setting.experiment;
        let further_out = found.iter().filter(same).any(|other| other.depth < setting.depth);
        let known = kept.iter().any(|k| k.at == setting.at && k.prefix == setting.prefix);
        if !further_out && !known {
            kept.push(setting);
        }
    }
    kept
}

fn unknown(settings: &[Setting], path: &str, span: Span) -> Diagnostic {
    let error = Diagnostic::error(codes::UNKNOWN_SETTING, span, format!("nothing is called `{path}`"));
    let mut known: Vec<&str> = vec![];
    for setting in settings {
        if !known.contains(&&*setting.path) {
            known.push(&setting.path);
        }
    }
    match did_you_mean(path, known.iter().copied()) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None if known.is_empty() => error.hint("the file has neither a constant nor an experiment"),
        None => error.hint(format!("what can be set: {}", nearby(path, &known).join(", "))),
    }
}

/// A path that several things have, with one for each that nothing else has.
fn ambiguous(settings: &[Setting], several: &[&Setting], path: &str, span: Span) -> Diagnostic {
    let message = format!("`{path}` names {} things", several.len());
    let error = Diagnostic::error(codes::UNKNOWN_SETTING, span, message);
    let error = several.iter().fold(error, |error, setting| error.also(setting.at, "this is one of them"));
    let own: Vec<String> = several.iter().filter_map(|setting| own_path(settings, setting)).collect();
    if own.is_empty() {
        return error.hint("give the value a name of its own with a `let` of the experiment, and set that");
    }
    error.hint(format!("say which: {}", own.join(", ")))
}

/// A path that names this place and no other.
fn own_path(settings: &[Setting], setting: &Setting) -> Option<String> {
    let same = |other: &&Setting| other.at == setting.at && other.prefix == setting.prefix;
    let paths = || settings.iter().filter(same);
    let candidates = paths().map(|s| s.path.clone()).chain(paths().filter_map(qualified));
    candidates.into_iter().find(|path| matches!(named(settings, path).as_slice(), [only] if same(only)))
}

/// The count of a phase: what is more than a number or a name stands in parentheses there.
fn count(value: &Expr, text: &str) -> String {
    match value.kind {
        ExprKind::Int(_) | ExprKind::Name(_) => text.to_string(),
        _ => format!("({text})"),
    }
}

/// Settings of the same part of the experiment, without the longer of two paths to the same value; all parts where it has none.
fn nearby<'a>(path: &str, known: &[&'a str]) -> Vec<&'a str> {
    let part = path.split('.').next().unwrap_or_default();
    let same: Vec<&str> = known.iter().copied().filter(|k| k.split('.').next() == Some(part)).collect();
    let of_part = if same.is_empty() { known.to_vec() } else { same };
    let short: Vec<&str> = of_part.iter().copied().filter(|k| k.split('.').count() <= 2).collect();
    if short.is_empty() { of_part } else { short }
}
