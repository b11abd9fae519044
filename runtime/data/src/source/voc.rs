//! Pascal VOC: an XML file for each image, with boxes as left, top, right and bottom.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use roxmltree::{Document, Node};
use vspec_ir::TruthRules;

use super::annotated::{Annotated, Picture};
use super::coco::listed;
use super::folder::is_image;
use super::root::{below, entries, hint, missing};
use super::truths::{Truth, Warnings, within};
use crate::error::DataError;

/// An object of a file, before its class has a label.
struct Object {
    class: String,
    corners: [f64; 4],
    difficult: bool,
    place: String,
}

/// What a file says.
struct Annotation {
    size: Option<[f64; 2]>,
    objects: Vec<Object>,
}

/// Opens a set below a folder.
pub(super) fn open(
    folder: &Path,
    split: &str,
    first_pixel: f64,
    rules: &TruthRules,
) -> Result<Annotated, DataError> {
    let annotations = one_of(folder, &["Annotations".to_string(), "annotations".to_string()], Path::is_dir)?;
    let images = one_of(folder, &["JPEGImages".to_string(), "images".to_string()], Path::is_dir)?;
    let lists = [format!("ImageSets/Main/{split}.txt"), format!("splits/{split}.txt")];
    let list = one_of(folder, &lists, Path::is_file)?;
    let files = by_stem(&images)?;
    let mut warnings = Warnings::default();
    let classes = match rules.classes.is_empty() {
        true => all_classes(&annotations)?,
        false => rules.classes.clone(),
    };
    let mut pictures = vec![];
    for name in listed(&list)? {
        let Some(path) = files.get(&name) else {
            warnings.say(
                &list.display().to_string(),
                &format!("`{name}` has no image in `{}`", images.display()),
            );
            continue;
        };
        let xml = below(&annotations, &format!("{name}.xml"))?;
        match read(&xml, &mut warnings) {
            Ok(annotation) => {
                let truths = truths(&annotation, first_pixel, &classes, &mut warnings);
                pictures.push(Picture { path: path.clone(), size: annotation.size, truths });
            }
            Err(message) => {
                warnings.say(&xml.display().to_string(), &format!("{message}; the image is left out"))
            }
        }
    }
    Annotated::of(pictures, classes, rules, &list, warnings)
}

/// The first of several places that there is.
fn one_of(folder: &Path, names: &[String], is_there: fn(&Path) -> bool) -> Result<PathBuf, DataError> {
    for name in names {
        let path = below(folder, name)?;
        if is_there(&path) {
            return Ok(path);
        }
    }
    let last = names.last().map(String::as_str).unwrap_or_default();
    Err(missing(below(folder, last)?, is_there))
}

/// Images by their names without endings.
fn by_stem(folder: &Path) -> Result<BTreeMap<String, PathBuf>, DataError> {
    let stem = |path: &PathBuf| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(entries(folder)?.into_iter().filter(|p| is_image(p)).map(|p| (stem(&p), p)).collect())
}

/// The classes of all files, whatever their split, by name: labels are those of every split.
fn all_classes(folder: &Path) -> Result<Vec<String>, DataError> {
    let mut names: Vec<String> = vec![];
    let mut unheard = Warnings::default();
    for path in entries(folder)?.iter().filter(|p| p.extension().is_some_and(|e| e == "xml")) {
        // What is wrong with a file is said when it is read for its truths.
        let Ok(annotation) = read(path, &mut unheard) else { continue };
        names.extend(annotation.objects.into_iter().map(|o| o.class));
    }
    names.sort();
    names.dedup();
    Ok(names)
}

/// Reads a file. The error is a phrase; an object that lacks something is left out with a warning.
fn read(path: &Path, warnings: &mut Warnings) -> Result<Annotation, String> {
    let text = fs::read_to_string(path).map_err(|e| format!("cannot be read: {e}"))?;
    let document = Document::parse(&text).map_err(|e| format!("is not XML: {e}"))?;
    let root = document.root_element();
    let size = child(root, "size");
    let size = size.and_then(|s| Some([number(s, "width").ok()?, number(s, "height").ok()?]));
    let mut objects = vec![];
    for (i, node) in root.children().filter(|n| n.has_tag_name("object")).enumerate() {
        let place = format!("{}: object {}", path.display(), i + 1);
        match object(node, &place) {
            Ok(object) => objects.push(object),
            Err(message) => warnings.say(&place, &format!("{message}; it is left out")),
        }
    }
    Ok(Annotation { size: size.filter(|s| s.iter().all(|v| *v > 0.0)), objects })
}

fn object(node: Node<'_, '_>, place: &str) -> Result<Object, String> {
    let class = text(node, "name")?.to_string();
    let bounds = child(node, "bndbox").ok_or("has no `bndbox`")?;
    let mut corners = [0.0; 4];
    for (value, key) in corners.iter_mut().zip(["xmin", "ymin", "xmax", "ymax"]) {
        *value = number(bounds, key)?;
    }
    let difficult = text(node, "difficult").is_ok_and(|t| t == "1");
    Ok(Object { class, corners, difficult, place: place.to_string() })
}

fn child<'a, 'd>(node: Node<'a, 'd>, name: &str) -> Option<Node<'a, 'd>> {
    node.children().find(|n| n.has_tag_name(name))
}

fn text<'a>(node: Node<'a, '_>, name: &str) -> Result<&'a str, String> {
    let found = child(node, name).and_then(|n| n.text()).map(str::trim);
    found.filter(|t| !t.is_empty()).ok_or_else(|| format!("has no `{name}`"))
}

fn number(node: Node<'_, '_>, name: &str) -> Result<f64, String> {
    let text = text(node, name)?;
    text.parse().map_err(|_| format!("has `{name}` {text}, which is no number"))
}

/// The truths of a file. Names that are no classes are reported unless the specification chooses classes.
fn truths(
    annotation: &Annotation,
    first_pixel: f64,
    classes: &[String],
    warnings: &mut Warnings,
) -> Vec<Truth> {
    let mut truths = vec![];
    for object in &annotation.objects {
        let Some(label) = classes.iter().position(|c| *c == object.class) else {
            let message = format!("has the unknown class `{}`{}", object.class, hint(&object.class, classes));
            warnings.say(&object.place, &format!("{message}; it is left out"));
            continue;
        };
        let corners = object.corners.map(|v| v - first_pixel);
        let Some(c) = within(corners, annotation.size, &object.place, warnings) else { continue };
        let area = ((c[2] - c[0]) * (c[3] - c[1])) as f32;
        let corners = c.map(|v| v as f32);
        truths.push(Truth { corners, label: label as i32, area, ignored: object.difficult });
    }
    truths
}
