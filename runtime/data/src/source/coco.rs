//! COCO's JSON: images, categories, and boxes as left, top, width and height.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use vspec_ir::TruthRules;

use super::annotated::{Annotated, Picture};
use super::root::{below, hint, missing};
use super::truths::{Truth, Warnings, within};
use crate::error::DataError;

/// Where the parts of a set lie.
pub(super) struct Places<'a> {
    pub(super) split: Option<&'a str>,
    pub(super) annotations: Option<&'a str>,
    pub(super) images: Option<&'a str>,
}

/// The file. What is missing is said where it is missed, with the number of its record.
#[derive(Deserialize)]
struct Whole {
    images: Option<Vec<Image>>,
    annotations: Option<Vec<Annotation>>,
    categories: Option<Vec<Category>>,
}

#[derive(Deserialize)]
struct Image {
    id: Option<i64>,
    file_name: Option<String>,
    width: Option<f64>,
    height: Option<f64>,
}

#[derive(Deserialize)]
struct Annotation {
    id: Option<i64>,
    image_id: Option<i64>,
    category_id: Option<i64>,
    bbox: Option<Vec<f64>>,
    area: Option<f64>,
    iscrowd: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Category {
    id: Option<i64>,
    name: Option<String>,
}

/// Opens a set below a folder.
pub(super) fn open(folder: &Path, places: &Places<'_>, rules: &TruthRules) -> Result<Annotated, DataError> {
    let (json, images, list) = find(folder, places)?;
    let name = json.display().to_string();
    let file = File::open(&json).map_err(|e| DataError::read(&json, e))?;
    let whole: Whole = serde_json::from_reader(BufReader::new(file))
        .map_err(|e| DataError::format(&name, format!("is not JSON as COCO has it: {e}")))?;
    let lacks =
        |key: &str| DataError::format(&name, format!("has no `{key}`: it is not JSON as COCO has it"));
    let mut warnings = Warnings::default();
    let labels =
        Labels::of(&whole.categories.ok_or_else(|| lacks("categories"))?, rules, &name, &mut warnings)?;
    let wanted = list.map(|list| listed(&list)).transpose()?;
    let mut set = Set {
        name: name.clone(),
        pictures: vec![],
        places: BTreeMap::new(),
        known: BTreeSet::new(),
        warnings,
    };
    for (i, image) in whole.images.ok_or_else(|| lacks("images"))?.into_iter().enumerate() {
        set.add_image(i, image, &images, wanted.as_ref());
    }
    if let Some(wanted) = wanted {
        set.report_unknown(&wanted);
    }
    for (i, annotation) in whole.annotations.ok_or_else(|| lacks("annotations"))?.iter().enumerate() {
        set.add_truth(i, annotation, &labels);
    }
    Annotated::of(set.pictures, labels.names, rules, &json, set.warnings)
}

/// The part of the file that says which classes there are.
#[derive(Deserialize)]
struct Head {
    categories: Option<Vec<Category>>,
}

/// Numbers of the classes in the file, in the order of their labels.
pub(super) fn category_ids(
    folder: &Path,
    places: &Places<'_>,
    rules: &TruthRules,
) -> Result<Vec<i64>, DataError> {
    let (json, _, _) = find(folder, places)?;
    let name = json.display().to_string();
    let file = File::open(&json).map_err(|e| DataError::read(&json, e))?;
    let wrong = |message: String| DataError::format(&name, message);
    let head: Head = serde_json::from_reader(BufReader::new(file))
        .map_err(|e| wrong(format!("is not JSON as COCO has it: {e}")))?;
    let categories = head.categories.ok_or_else(|| wrong("has no `categories`".to_string()))?;
    let labels = Labels::of(&categories, rules, &name, &mut Warnings::default())?;
    let mut ids: Vec<(i32, i64)> =
        labels.by_id.into_iter().filter_map(|(id, label)| Some((label?, id))).collect();
    // Of several categories of one name, the first.
    ids.sort_unstable();
    ids.dedup_by_key(|(label, _)| *label);
    Ok(ids.into_iter().map(|(_, id)| id).collect())
}

/// The JSON file, the folder of images, and the list of a split.
fn find(folder: &Path, places: &Places<'_>) -> Result<(PathBuf, PathBuf, Option<PathBuf>), DataError> {
    let list = match places.split {
        Some(split) => Some(below(folder, &format!("splits/{split}.txt"))?),
        None => None,
    };
    let listed = list.filter(|list| list.is_file());
    let whole = listed.is_some() || places.split.is_none() || places.annotations.is_some();
    let split = places.split.unwrap_or_default();
    let json = match places.annotations {
        Some(name) => below(folder, name)?,
        None if whole => folder.join("coco.json"),
        None => below(folder, &format!("annotations/instances_{split}.json"))?,
    };
    if !json.is_file() {
        return Err(missing(json, |entry| entry.is_file()));
    }
    let images = match places.images {
        Some(name) => below(folder, name)?,
        None if whole => folder.join("images"),
        None => below(folder, split)?,
    };
    if images.is_dir() { Ok((json, images, listed)) } else { Err(missing(images, |entry| entry.is_dir())) }
}

/// The images that a list names, with or without their endings.
pub(super) fn listed(list: &Path) -> Result<BTreeSet<String>, DataError> {
    let text = fs::read_to_string(list).map_err(|e| DataError::read(list, e))?;
    let first = |line: &str| line.split_whitespace().next().map(str::to_string);
    Ok(text.trim_start_matches('\u{feff}').lines().filter_map(first).collect())
}

/// Labels of categories.
struct Labels {
    names: Vec<String>,
    /// None for categories that are not wanted.
    by_id: BTreeMap<i64, Option<i32>>,
}

impl Labels {
    fn of(
        categories: &[Category],
        rules: &TruthRules,
        file: &str,
        warnings: &mut Warnings,
    ) -> Result<Labels, DataError> {
        let mut found: BTreeMap<i64, String> = BTreeMap::new();
        for (i, category) in categories.iter().enumerate() {
            match (category.id, &category.name) {
                (Some(id), Some(name)) => drop(found.insert(id, name.clone())),
                (None, _) => warnings.say(file, &format!("categories[{i}] has no `id`; it is left out")),
                (_, None) => warnings.say(file, &format!("categories[{i}] has no `name`; it is left out")),
            }
        }
        let all: Vec<String> = found.values().cloned().collect();
        let names = if rules.classes.is_empty() { all.clone() } else { rules.classes.clone() };
        if let Some(unknown) = names.iter().find(|name| !all.contains(name)) {
            let message = format!("has no category `{unknown}`{}", hint(unknown, &all));
            return Err(DataError::format(file, message));
        }
        let label = |name: &String| names.iter().position(|n| n == name).map(|i| i as i32);
        let by_id = match rules.classes.is_empty() {
            true => found.keys().enumerate().map(|(i, id)| (*id, Some(i as i32))).collect(),
            false => found.iter().map(|(id, name)| (*id, label(name))).collect(),
        };
        Ok(Labels { names, by_id })
    }
}

/// Images as they are found, and their truths.
struct Set {
    /// The file.
    name: String,
    pictures: Vec<Picture>,
    /// Places of the images in `pictures`.
    places: BTreeMap<i64, usize>,
    /// Images of all splits.
    known: BTreeSet<i64>,
    warnings: Warnings,
}

impl Set {
    fn add_image(&mut self, i: usize, image: Image, folder: &Path, wanted: Option<&BTreeSet<String>>) {
        let lacks = |key: &str| format!("images[{i}] has no `{key}`; it is left out");
        let Some(id) = image.id else { return self.warnings.say(&self.name, &lacks("id")) };
        let Some(file) = image.file_name else { return self.warnings.say(&self.name, &lacks("file_name")) };
        if !self.known.insert(id) {
            return self
                .warnings
                .say(&self.name, &format!("images[{i}] has the id {id} of another; it is left out"));
        }
        let stem = Path::new(&file).file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if wanted.is_some_and(|w| !w.contains(&file) && !w.contains(&stem)) {
            return;
        }
        let Ok(path) = below(folder, &file) else {
            return self
                .warnings
                .say(&self.name, &format!("images[{i}] would lie at `{file}`; it is left out"));
        };
        self.places.insert(id, self.pictures.len());
        let size = image.width.zip(image.height).map(|(w, h)| [w, h]);
        self.pictures.push(Picture { path, size, truths: vec![] });
    }

    /// Warns of images of the split that the file does not know.
    fn report_unknown(&mut self, wanted: &BTreeSet<String>) {
        let name = |p: &Picture| p.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = |p: &Picture| p.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let found: BTreeSet<String> = self.pictures.iter().flat_map(|p| [name(p), stem(p)]).collect();
        for lost in wanted.difference(&found) {
            self.warnings.say(&self.name, &format!("has no image `{lost}`, which the split lists"));
        }
    }

    fn add_truth(&mut self, i: usize, annotation: &Annotation, labels: &Labels) {
        let id = annotation.id.map_or(String::new(), |id| format!(" (id {id})"));
        let place = format!("{}: annotations[{i}]{id}", self.name);
        match self.truth(annotation, labels, &place) {
            Ok(Some((picture, truth))) => self.pictures[picture].truths.push(truth),
            Ok(None) => {}
            Err(message) => self.warnings.say(&place, &format!("{message}; it is left out")),
        }
    }

    /// The truth of a record and its image; none if it is not wanted or was reported. The error is a phrase.
    fn truth(
        &mut self,
        a: &Annotation,
        labels: &Labels,
        place: &str,
    ) -> Result<Option<(usize, Truth)>, String> {
        let lacks = |key: &str| format!("has no `{key}`");
        let image = a.image_id.ok_or_else(|| lacks("image_id"))?;
        let category = a.category_id.ok_or_else(|| lacks("category_id"))?;
        let bbox = a.bbox.as_ref().ok_or_else(|| lacks("bbox"))?;
        let [x, y, w, h] = bbox[..] else {
            return Err(format!("has a `bbox` of {} numbers, not of 4", bbox.len()));
        };
        if !self.known.contains(&image) {
            return Err(format!("is about image {image}, which there is not"));
        }
        let label =
            labels.by_id.get(&category).ok_or_else(|| format!("has the unknown category {category}"))?;
        let (Some(picture), Some(label)) = (self.places.get(&image).copied(), *label) else {
            return Ok(None);
        };
        let size = self.pictures[picture].size;
        let Some(corners) = within([x, y, x + w, y + h], size, place, &mut self.warnings) else {
            return Ok(None);
        };
        let whole = (corners[2] - corners[0]) * (corners[3] - corners[1]);
        let area = a.area.filter(|area| area.is_finite() && *area > 0.0).unwrap_or(whole) as f32;
        let ignored = a.iscrowd.as_ref().is_some_and(|v| v.as_i64() == Some(1) || v.as_bool() == Some(true));
        Ok(Some((picture, Truth { corners: corners.map(|v| v as f32), label, area, ignored })))
    }
}
