//! Items on their way through a pipeline.

use vspec_engine::{Buffer, EngineError, HostTensor, Inputs, RunKey, Session};
use vspec_ir::{Graph, OutputKind, Type};

use crate::pixels::Image;
use crate::source::{Sample, Truth, Truths};
use crate::transform::{Moved, Place, Way};

/// The field that transforms of images change.
pub(super) const IMAGE: &str = "image";
/// The class, as the source has it.
const LABEL: &str = "label";
/// The record of boxes with classes.
const TRUTHS: &str = "truths";
/// Where the image lies in its picture, which goes with the truths: what it covers, and the scale and shift of its pixels.
pub(super) const PLACE: [&str; 3] = ["place.box", "place.scale", "place.shift"];
/// Whether the two items of a pair share a class.
const POSITIVE: &str = "positive";

/// Tensors by field.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Item {
    fields: Vec<(String, HostTensor)>,
}

impl Item {
    pub(super) fn of_sample(sample: &Sample) -> Self {
        let mut item = Item::default();
        item.set_image(sample.pixels.to_image());
        let number = |value| tensor(vec![], Buffer::I32(vec![value]));
        if let Some(truths) = &sample.truths {
            item.set_truths(truths);
            return item;
        }
        match &sample.target {
            None => item.set(LABEL, number(sample.label)),
            Some(target) => {
                item.set("box", tensor(vec![4], Buffer::F32(target.bounds.to_vec())));
                item.set("visible", tensor(vec![], Buffer::Bool(vec![target.visible])));
                item.set("video", number(sample.label));
                item.set("frame", number(target.frame));
            }
        }
        item
    }

    /// An image by itself, of which nothing else is known.
    pub(super) fn of_image(image: Image) -> Self {
        let mut item = Item::default();
        item.set_image(image);
        item
    }

    /// The same without fields that are not among these.
    pub(super) fn keep(&mut self, fields: &[String]) {
        self.fields.retain(|(name, _)| fields.contains(name));
    }

    /// All fields.
    pub(super) fn into_fields(self) -> Vec<(String, HostTensor)> {
        self.fields
    }

    /// The fields of two items side by side.
    pub(super) fn pair(first: Item, second: Item, positive: bool) -> Self {
        let prefixed = |prefix: &'static str, item: Item| {
            item.fields.into_iter().map(move |(name, value)| (format!("{prefix}.{name}"), value))
        };
        let mut fields: Vec<(String, HostTensor)> = prefixed("first", first).collect();
        fields.extend(prefixed("second", second));
        fields.push((POSITIVE.to_string(), tensor(vec![], Buffer::Bool(vec![positive]))));
        Item { fields }
    }

    pub(super) fn get(&self, field: &str) -> Option<&HostTensor> {
        self.fields.iter().find(|(name, _)| name == field).map(|(_, value)| value)
    }

    fn set(&mut self, field: &str, value: HostTensor) {
        match self.fields.iter_mut().find(|(name, _)| name == field) {
            Some((_, old)) => *old = value,
            None => self.fields.push((field.to_string(), value)),
        }
    }

    /// Takes the image out, if there is one of three planes.
    pub(super) fn take_image(&mut self) -> Option<Image> {
        let at = self.fields.iter().position(|(name, value)| name == IMAGE && is_image(value))?;
        let (_, value) = self.fields.remove(at);
        let (height, width) = (value.shape()[1], value.shape()[2]);
        match value.into_buffer() {
            Buffer::F32(planes) => Some(Image { height, width, planes }),
            _ => None,
        }
    }

    pub(super) fn set_image(&mut self, image: Image) {
        let shape = vec![3, image.height, image.width];
        self.set(IMAGE, tensor(shape, Buffer::F32(image.planes)));
    }

    /// Truths as padded rows, and the place of their image.
    pub(super) fn set_truths(&mut self, truths: &Truths) {
        let most = truths.most;
        let rows = || (0..most).map(|i| truths.rows.get(i));
        let corners = rows().flat_map(|t| t.map_or([0.0; 4], |t| t.corners)).collect();
        let field = |name: &str| format!("{TRUTHS}.{name}");
        self.set(&field("box"), tensor(vec![most, 4], Buffer::F32(corners)));
        let labels = rows().map(|t| t.map_or(0, |t| t.label)).collect();
        self.set(&field("label"), tensor(vec![most], Buffer::I32(labels)));
        let areas = rows().map(|t| t.map_or(0.0, |t| t.area)).collect();
        self.set(&field("area"), tensor(vec![most], Buffer::F32(areas)));
        let ignored = rows().map(|t| t.is_some_and(|t| t.ignored)).collect();
        self.set(&field("ignored"), tensor(vec![most], Buffer::Bool(ignored)));
        let there = rows().map(|t| t.is_some()).collect();
        self.set(&field("there"), tensor(vec![most], Buffer::Bool(there)));
        self.set_place(&truths.place);
    }

    pub(super) fn set_place(&mut self, place: &Place) {
        let [scale, shift] = place.way.corners();
        for (name, values) in PLACE.into_iter().zip([place.bounds, scale, shift]) {
            self.set(name, tensor(vec![4], Buffer::F32(values.map(|v| v as f32).to_vec())));
        }
    }

    /// The place of the image, if the item has one.
    fn place(&self) -> Option<Place> {
        let [bounds, scale, shift] = PLACE.map(|name| match self.get(name)?.buffer() {
            Buffer::F32(values) => Some(<[f32; 4]>::try_from(&values[..]).ok()?.map(f64::from)),
            _ => None,
        });
        Some(Place { bounds: bounds?, way: Way::of_corners([scale?, shift?]) })
    }

    /// The truths without padding, if the item has any.
    pub(super) fn truths(&self) -> Option<Truths> {
        let field = |name: &str| self.get(&format!("{TRUTHS}.{name}")).map(HostTensor::buffer);
        let (Buffer::F32(corners), Buffer::I32(labels)) = (field("box")?, field("label")?) else {
            return None;
        };
        let (Buffer::F32(areas), Buffer::Bool(ignored)) = (field("area")?, field("ignored")?) else {
            return None;
        };
        let Buffer::Bool(there) = field("there")? else { return None };
        let row = |i: usize| Truth {
            corners: [corners[4 * i], corners[4 * i + 1], corners[4 * i + 2], corners[4 * i + 3]],
            label: labels[i],
            area: areas[i],
            ignored: ignored[i],
        };
        let rows = (0..there.len()).filter(|i| there[*i]).map(row).collect();
        Some(Truths { rows, most: there.len(), place: self.place().unwrap_or_default() })
    }

    /// Puts an image that had a height and a width back after a transform, with its truths where their pixels went.
    pub(super) fn set_moved(&mut self, Moved { image, way }: Moved, from: [usize; 2]) {
        let size = [image.height, image.width];
        self.set_image(image);
        // Where something is cut off at the right or below, no pixel moves.
        if (way != Way::STILL || size != from)
            && let Some(mut truths) = self.truths()
        {
            truths.moved(way, size);
            self.set_truths(&truths);
        }
    }

    /// Runs a graph whose inputs and outputs are fields.
    pub(super) fn map(
        self,
        graph: &Graph,
        key: RunKey,
        session: &mut dyn Session,
    ) -> Result<Item, EngineError> {
        let names: Vec<String> = self.fields.iter().map(|(name, _)| name.clone()).collect();
        let mut fields: Inputs = self.fields.into_iter().collect();
        let values = session.run(graph, &fields, key)?;
        // In the order that they had; new ones behind.
        let mut item = Item::default();
        for name in names {
            if let Some(value) = fields.remove(&name) {
                item.fields.push((name, value));
            }
        }
        let outputs = graph.outputs().iter().filter(|o| o.kind != OutputKind::Write);
        outputs.zip(values).for_each(|(output, value)| item.set(&output.name, value));
        Ok(item)
    }

    /// Says what is wrong with a field that does not have the type that the graph expects.
    pub(super) fn check(&self, field: &str, ty: &Type) -> Result<(), String> {
        let Some(value) = self.get(field) else { return Err(format!("there is no field `{field}`")) };
        let (shape, declared) = (value.shape(), ty.const_shape().unwrap_or_default());
        if value.dtype() == ty.dtype && !matches!(value.buffer(), Buffer::F64(_)) && shape == declared {
            return Ok(());
        }
        match (shape, declared.as_slice()) {
            ([3, h, w], [3, height, width]) if field == IMAGE => Err(format!(
                "the image has {h}x{w} pixels, not {height}x{width}; add `|> each(resize({height}, {width}))`"
            )),
            _ => {
                let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
                Err(format!("`{field}` is {}[{}], not {ty}", value.dtype(), sizes.join(", ")))
            }
        }
    }
}

fn is_image(value: &HostTensor) -> bool {
    matches!((value.shape(), value.buffer()), ([3, _, _], Buffer::F32(_)))
}

fn tensor(shape: Vec<usize>, buffer: Buffer) -> HostTensor {
    HostTensor::new(shape, buffer).expect("the shape is that of the values")
}
