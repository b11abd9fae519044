//! Types of the items of a data set, stage by stage.

use std::rc::Rc;
use std::sync::Arc;

use indexmap::IndexMap;
use vspec_ir::{DType, Dim, Graph, MixPart, Op, Output, OutputKind, Source, Stage, Transform, Type};
use vspec_syntax::{Diagnostic, Span};

use crate::codes;
use crate::eval::{Eval, Evaluator, Place};
use crate::value::{Callable, Given, Pipeline, Value};

/// Fields of an item by name; fields of a record within it have dotted names. Sizes that differ from item to item are symbols.
pub(crate) type Item = Vec<(String, Type)>;

/// The field that transforms of images change.
pub(super) const IMAGE: &str = "image";
/// The record of boxes with classes.
const TRUTHS: &str = "truths";
/// The field of that record that says which rows are no padding.
const THERE: &str = "there";
/// The record of where an image lies in its picture.
const PLACE: &str = "place";
/// The field that says where the target of a frame is.
pub(super) const BOX: &str = "box";

impl Pipeline {
    /// A source of labelled images or of frames: all of one height and width, or of unknown sizes.
    pub(crate) fn of_images(
        source: Source,
        classes: Option<usize>,
        size: Option<(usize, usize)>,
        span: Span,
    ) -> Self {
        let sizes = match size {
            Some((height, width)) => [Dim::from(height), Dim::from(width)],
            None => [Dim::symbol("H"), Dim::symbol("W")],
        };
        let field = |name: &str, ty| (name.to_string(), ty);
        let number = || Type::scalar(DType::I32);
        let image = field(IMAGE, image_type(sizes));
        let item = match (source.truths(), source.has_frames()) {
            (Some(most), _) => std::iter::once(image).chain(truths(most)).collect(),
            (None, false) => vec![image, field("label", number())],
            (None, true) => vec![
                image,
                field(BOX, Type::new(DType::F32, vec![Dim::from(4i64)])),
                field("visible", Type::scalar(DType::Bool)),
                field("video", number()),
                field("frame", number()),
            ],
        };
        Pipeline { source, stages: vec![], classes, item, name: None, span }
    }

    /// Height and width of images, where there are images.
    pub(super) fn image_size(&self) -> Option<[Dim; 2]> {
        let (_, ty) = self.item.iter().find(|(name, _)| name == IMAGE)?;
        match (ty.dtype, ty.shape.as_slice()) {
            (DType::F32, [channels, height, width]) if channels.as_const() == Some(3) => {
                Some([height.clone(), width.clone()])
            }
            _ => None,
        }
    }

    /// The same fields with images of another size.
    pub(super) fn resized(&self, sizes: [Dim; 2]) -> Item {
        let mut item = self.item.clone();
        for (_, ty) in item.iter_mut().filter(|(name, _)| name == IMAGE) {
            *ty = image_type(sizes.clone());
        }
        item
    }

    /// Fields of both items of a pair.
    pub(super) fn paired(&self) -> Item {
        let prefixed = |prefix: &str| {
            let field = |(name, ty): &(String, Type)| (format!("{prefix}.{name}"), ty.clone());
            self.item.iter().map(field).collect::<Item>()
        };
        let mut item = prefixed("first");
        item.extend(prefixed("second"));
        item.push(("positive".to_string(), Type::scalar(DType::Bool)));
        item
    }

    /// Fields after a function, whose graph knows what it changes.
    pub(super) fn mapped(&self, graph: &Graph) -> Item {
        let mut item = self.item.clone();
        let known: Vec<Arc<str>> =
            self.item.iter().flat_map(|(_, ty)| ty.shape.iter().flat_map(Dim::symbols)).collect();
        let mut fresh = Fresh { stage: self.stages.len(), known, found: IndexMap::new() };
        for output in graph.outputs() {
            let Type { dtype, shape } = graph.ty(output.node).clone();
            let ty = Type::new(dtype, shape.into_iter().map(|dim| fresh.name(dim)).collect());
            match item.iter_mut().find(|(name, _)| **name == *output.name) {
                Some((_, old)) => *old = ty,
                None => item.push((output.name.to_string(), ty)),
            }
        }
        item
    }
}

/// Names for sizes that a graph computes: the next graph has to be able to read them off its inputs.
struct Fresh {
    stage: usize,
    known: Vec<Arc<str>>,
    found: IndexMap<Dim, Dim>,
}

impl Fresh {
    fn name(&mut self, dim: Dim) -> Dim {
        let keeps =
            dim.as_const().is_some() || dim.as_symbol().is_some_and(|s| self.known.iter().any(|k| **k == *s));
        if keeps {
            return dim;
        }
        let (stage, count) = (self.stage, self.found.len());
        self.found.entry(dim).or_insert_with(|| fresh(stage, count)).clone()
    }
}

/// A size that nothing is known about.
pub(super) fn fresh(stage: usize, count: usize) -> Dim {
    Dim::symbol(&format!("S{stage}_{count}"))
}

fn image_type([height, width]: [Dim; 2]) -> Type {
    Type::new(DType::F32, vec![Dim::from(3i64), height, width])
}

/// Boxes with classes of an image, padded to so many rows, and the place of the image in its picture: what it covers, and the scale and the
/// shift of its pixels, in the order of corners.
fn truths(most: usize) -> Vec<(String, Type)> {
    let rows = |dtype, more: &[i64]| {
        let shape = std::iter::once(Dim::from(most)).chain(more.iter().map(|d| Dim::from(*d))).collect();
        Type::new(dtype, shape)
    };
    let fields = [
        (BOX, rows(DType::F32, &[4])),
        ("label", rows(DType::I32, &[])),
        ("area", rows(DType::F32, &[])),
        ("ignored", rows(DType::Bool, &[])),
        (THERE, rows(DType::Bool, &[])),
    ];
    let place = [BOX, "scale", "shift"]
        .map(|name| (format!("{PLACE}.{name}"), Type::new(DType::F32, vec![Dim::from(4i64)])));
    fields.into_iter().map(|(name, ty)| (format!("{TRUTHS}.{name}"), ty)).chain(place).collect()
}

/// A record from values by dotted names.
pub(super) fn nested(fields: Vec<(String, Value)>) -> Value {
    let mut record: IndexMap<Arc<str>, Value> = IndexMap::new();
    let mut inner: IndexMap<Arc<str>, Vec<(String, Value)>> = IndexMap::new();
    for (name, value) in fields {
        match name.split_once('.') {
            Some((outer, rest)) => {
                record.entry(outer.into()).or_insert(Value::Unit);
                inner.entry(outer.into()).or_default().push((rest.to_string(), value));
            }
            None => drop(record.insert(name.into(), value)),
        }
    }
    for (name, fields) in inner {
        record.insert(name, nested(fields));
    }
    Value::Record(Rc::new(record))
}

impl Evaluator<'_> {
    /// Marks the padded rows of truths in a batch: fields `truths.*` get the mask of `truths.there`, which is gone then. So do those of
    /// pairs, `first.truths.*`.
    pub(super) fn mask_truths(&mut self, fields: &mut Vec<(String, Value)>, span: Span) -> Eval<()> {
        let masks: Vec<(String, Value)> =
            fields.extract_if(.., |(name, _)| name.ends_with(&format!("{TRUTHS}.{THERE}"))).collect();
        for (name, mask) in masks {
            let mask = self.tensor(&mask, span)?;
            let record = name.strip_suffix(THERE).unwrap_or(&name);
            let mut size = None;
            for (_, value) in fields.iter_mut().filter(|(name, _)| name.starts_with(record)) {
                let rows = self.tensor(value, span)?;
                let dim = match &size {
                    Some(dim) => Dim::clone(dim),
                    None => self.masked_size(self.graph.ty(mask).shape[1].clone(), mask, span)?,
                };
                size = Some(dim.clone());
                *value = Value::Tensor(self.resized(rows, 1, dim, span)?);
            }
        }
        Ok(())
    }

    /// The graph of a function of one item: its inputs are fields of the item, its outputs the fields that it changes or adds.
    pub(crate) fn item_function(
        &mut self,
        pipeline: &Pipeline,
        function: &Rc<Callable>,
        span: Span,
    ) -> Eval<Stage> {
        let name = function.name();
        let stream = std::mem::replace(&mut self.stream, name.clone());
        let streams = std::mem::take(&mut self.streams);
        let step = std::mem::take(&mut self.step);
        let (outputs, graph) = self.in_graph(Place::Item, |e| {
            let value = e.item_record(pipeline, span)?;
            let item = Given { name: None, value, span, origin: pipeline.span };
            let value = e.call(&Value::Callable(function.clone()), vec![item], span, span)?;
            if let Value::Callable(_) = value {
                let message = format!("`{name}` needs more than the item");
                let error = Diagnostic::error(codes::MISSING_ARGUMENT, span, message);
                return e.fail(
                    error.hint(format!("give its other arguments by name: `each({name}(amount = 0.1))`")),
                );
            }
            if let Some(path) = e.written.keys().next().cloned() {
                let message = format!("`{path}` is updated, and a data stage keeps nothing between items");
                return e.error(codes::WRONG_PLACE, span, message);
            }
            let outputs = e.item_outputs(pipeline, &name, &value, span)?;
            e.oblige(&outputs);
            Ok(outputs)
        });
        self.step = step;
        self.streams = streams;
        self.stream = stream;
        Ok(Stage::Map(graph.extract(&*name, &outputs?)))
    }

    /// The item that a function gets: an input for each field.
    fn item_record(&mut self, pipeline: &Pipeline, span: Span) -> Eval<Value> {
        let mut fields = vec![];
        for (name, ty) in &pipeline.item {
            let input: Arc<str> = name.as_str().into();
            self.step.input_axes.insert(input.clone(), vec![pipeline.span; ty.rank()]);
            let op = Op::Input { name: input.clone(), dtype: ty.dtype, shape: ty.shape.clone() };
            let node = self.emit(op, &[], span)?;
            if let Some(origin) = self.graph.origin_mut(node) {
                origin.name = Some(input);
            }
            fields.push((name.clone(), Value::Tensor(node)));
        }
        Ok(nested(fields))
    }

    /// The fields that a function returns, without those that it passes on.
    fn item_outputs(
        &mut self,
        pipeline: &Pipeline,
        function: &str,
        value: &Value,
        span: Span,
    ) -> Eval<Vec<Output>> {
        let Value::Record(_) = value else {
            let message = format!("`{function}` must return a record of fields, not {}", value.kind());
            let error = Diagnostic::error(codes::WRONG_KIND, span, message);
            return self
                .fail(error.hint("name what changes, `{ image: .. }`; all other fields stay as they are"));
        };
        let mut fields = vec![];
        flatten("", value, &mut fields);
        let mut outputs = vec![];
        for (name, value) in fields {
            self.check_field_name(pipeline, function, &name, span)?;
            let node = self.tensor(&value, span)?;
            let passed =
                matches!(&self.graph.node(node).op, Op::Input { name: input, .. } if **input == *name);
            if !passed {
                outputs.push(Output { name: name.into(), kind: OutputKind::Value, node });
            }
        }
        Ok(outputs)
    }

    /// A name stands for a field or for a record of fields, not for both.
    fn check_field_name(&mut self, pipeline: &Pipeline, function: &str, name: &str, span: Span) -> Eval<()> {
        let within = |a: &str, b: &str| a.strip_prefix(b).is_some_and(|rest| rest.starts_with('.'));
        let clash = pipeline.item.iter().find(|(known, _)| within(known, name) || within(name, known));
        let Some((known, _)) = clash else { return Ok(()) };
        let message = format!("`{function}` returns `{name}`, and the item has `{known}`");
        self.error(codes::BAD_PIPELINE, span, message)
    }

    /// The type that the items of all parts of a mix have. Sizes that differ from item to item may differ between parts.
    pub(crate) fn common_item(&mut self, mixed: &[(MixPart, Rc<Pipeline>)], span: Span) -> Eval<Item> {
        let (first, model) = &mixed[0];
        for (part, other) in &mixed[1..] {
            if let Some([mine, theirs]) = difference(&model.item, &other.item) {
                let message = format!("items of `{}` and `{}` differ", first.name, part.name);
                let error = Diagnostic::error(codes::BAD_PIPELINE, span, message)
                    .also(model.span, format!("`{}` has {mine}", first.name))
                    .also(other.span, format!("`{}` has {theirs}", part.name));
                return self
                    .fail(error.hint("bring them to one type first, such as with `each(resize(64))`"));
            }
        }
        let mut names: IndexMap<Vec<Dim>, Dim> = IndexMap::new();
        let mut item = model.item.clone();
        for (field, ty) in &mut item {
            for (axis, dim) in ty.shape.iter_mut().enumerate() {
                let size = |(_, p): &(MixPart, Rc<Pipeline>)| Some(find(&p.item, field)?.shape[axis].clone());
                let found: Vec<Dim> = mixed.iter().filter_map(size).collect();
                if found.iter().any(|d| d != dim) {
                    let count = names.len();
                    *dim = names.entry(found).or_insert_with(|| Dim::symbol(&format!("M{count}"))).clone();
                }
            }
        }
        Ok(item)
    }
}

fn find<'a>(item: &'a Item, field: &str) -> Option<&'a Type> {
    item.iter().find(|(name, _)| name == field).map(|(_, ty)| ty)
}

/// What two items have for the first field in which they differ.
fn difference(a: &Item, b: &Item) -> Option<[String; 2]> {
    let one_size = |x: &Dim, y: &Dim| x == y || x.as_const().is_none() || y.as_const().is_none();
    let one_type = |x: &Type, y: &Type| {
        let mut axes = x.shape.iter().zip(&y.shape);
        x.dtype == y.dtype && x.rank() == y.rank() && axes.all(|(x, y)| one_size(x, y))
    };
    let differs = |field: &&String| match (find(a, field), find(b, field)) {
        (Some(x), Some(y)) => !one_type(x, y),
        _ => true,
    };
    let field = a.iter().chain(b).map(|(name, _)| name).find(differs)?;
    let text = |item| find(item, field).map_or(format!("no `{field}`"), |ty| format!("{field}: {ty}"));
    Some([text(a), text(b)])
}

/// Values of a record by dotted names.
fn flatten(prefix: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    let Value::Record(fields) = value else { return out.push((prefix.to_string(), value.clone())) };
    for (name, value) in fields.iter() {
        let path = if prefix.is_empty() { name.to_string() } else { format!("{prefix}.{name}") };
        flatten(&path, value, out);
    }
}

/// Whether a stage is a normalisation of colours.
pub(super) fn normalized(stages: &[Stage]) -> bool {
    stages.iter().any(|s| matches!(s, Stage::Each(Transform::Normalize { .. })))
}
