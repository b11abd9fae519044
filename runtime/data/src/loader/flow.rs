//! A data set up to its batches: where items come from, what changes each of them, what chooses and orders them.

use std::path::Path;
use std::sync::Arc;

use vspec_engine::rng::Stream;
use vspec_engine::{RunKey, Session};
use vspec_ir::{Graph, Source, Stage, Transform};

use super::balanced::Balanced;
use super::item::Item;
use super::mix::{Mix, MixPart, Mixed};
use super::mosaic::Mosaic;
use super::opened::Opened;
use super::order::{Epoch, OrderStage};
use super::pairs::{Classes, Pairs};
use super::part::Part;
use super::pick::{Pick, all};
use crate::error::DataError;
use crate::source::Info;
use crate::transform::{self, Chance};

/// Items of the largest epoch; its order is kept in memory.
const MAX_ITEMS: usize = 1 << 28;

/// Stages on top of items from somewhere. Stages that change items and stages that choose among them do not see each other, so
/// they are kept apart; pairs begin a flow of their own.
pub(super) struct Flow {
    /// Name of the data set.
    name: String,
    seed: u64,
    base: Base,
    each: Vec<EachStage>,
    order: Vec<OrderStage>,
    items: usize,
}

/// Where items come from.
enum Base {
    Source(Arc<Opened>),
    Pairs(Arc<Flow>, Pairs),
    Mosaic(Arc<Flow>, Mosaic),
    Mix(Mix),
}

/// A change of items and the name of its random stream.
struct EachStage {
    change: Change,
    stream: String,
}

enum Change {
    Image(Transform),
    Function(Graph),
}

/// The items of one epoch.
pub(super) struct Drawn {
    flow: Arc<Flow>,
    epoch: u64,
    base: DrawnBase,
    /// The drawings in the order of the epoch.
    pub(super) order: Vec<Pick>,
}

/// What drawings of an epoch refer to.
enum DrawnBase {
    Source(Arc<Opened>),
    Pairs { of: Box<Drawn>, classes: Classes, rule: Pairs },
    Mosaic { of: Box<Drawn>, rule: Mosaic },
    Mix(Mixed),
}

impl Flow {
    /// Opens sources and checks stages.
    pub(super) fn open(
        name: &str,
        source: &Source,
        stages: &[Stage],
        root: Option<&Path>,
        seed: u64,
    ) -> Result<Self, DataError> {
        let wrong = |message| DataError::Pipeline { data: name.to_string(), message };
        let base = Base::open(name, source, root, seed)?;
        let items = base.items();
        let mut flow = Flow { name: name.to_string(), seed, base, each: vec![], order: vec![], items };
        flow.check_items().map_err(wrong)?;
        for (i, stage) in stages.iter().enumerate() {
            flow = flow.with(i, stage).map_err(wrong)?;
            flow.check_items().map_err(wrong)?;
        }
        Ok(flow)
    }

    /// Number of items of an epoch.
    pub(super) fn items(&self) -> usize {
        self.items
    }

    /// Classes and items of the source.
    pub(super) fn info(&self) -> Info {
        match &self.base {
            Base::Source(opened) => opened.reader.info().clone(),
            Base::Pairs(flow, _) | Base::Mosaic(flow, _) => flow.info(),
            Base::Mix(mix) => Info::joined(mix.parts.iter().map(|p| p.flow.info()).collect()),
        }
    }

    /// What is wrong with the data and does not keep it from being used, since the last call.
    pub(super) fn warnings(&self) -> Vec<String> {
        match &self.base {
            Base::Source(opened) => opened.reader.warnings(),
            Base::Pairs(flow, _) | Base::Mosaic(flow, _) => flow.warnings(),
            Base::Mix(mix) => mix.parts.iter().flat_map(|p| p.flow.warnings()).collect(),
        }
    }

    fn check_items(&self) -> Result<(), String> {
        match self.items {
            0..=MAX_ITEMS => Ok(()),
            items => Err(format!("{items} items are more than the {MAX_ITEMS} that are allowed")),
        }
    }

    /// The flow with one more stage. The error is a sentence.
    fn with(mut self, index: usize, stage: &Stage) -> Result<Self, String> {
        let stream = format!("data.{}.{index}", self.name);
        match stage {
            Stage::Each(transform) => {
                transform::check(transform)?;
                self.add_transform(transform, stream);
            }
            Stage::Map(graph) => {
                self.each.push(EachStage { change: Change::Function(graph.clone()), stream })
            }
            Stage::Pairs { within, negative } => {
                let rule = Pairs { within: *within, negative: *negative, stream: stream.into() };
                return Ok(self.on(|flow| Base::Pairs(flow, rule)));
            }
            Stage::Mosaic { height, width, probability } => {
                let (size, probability) = ([*height, *width], *probability);
                let rule = Mosaic { size, probability, stream: stream.into() };
                rule.check()?;
                return Ok(self.on(|flow| Base::Mosaic(flow, rule)));
            }
            Stage::Take(count) => self.choose(OrderStage::Take(*count)),
            Stage::Part { range, seed, stratified } => {
                self.choose(OrderStage::Part(Part { range: *range, seed: *seed, stratified: *stratified }));
            }
            Stage::Shuffle => self.choose(OrderStage::Shuffle { stream }),
            Stage::Draw(count) => self.draw_items(*count, stream)?,
            Stage::Balanced { classes, per_class } => {
                let sampler = Balanced { classes: *classes, per_class: *per_class };
                self.choose(OrderStage::Balanced { sampler, stream });
            }
            Stage::Batch { .. } => return Err("only the last stage can be `batch`".to_string()),
        }
        Ok(self)
    }

    fn choose(&mut self, stage: OrderStage) {
        self.items = stage.items(self.items);
        self.order.push(stage);
    }

    fn add_transform(&mut self, transform: &Transform, stream: String) {
        if let Base::Source(opened) = &mut self.base
            && self.each.is_empty()
            && transform::keeps_pixels(transform)
            && let Some(opened) = Arc::get_mut(opened)
        {
            return opened.fixed.push(transform.clone());
        }
        self.each.push(EachStage { change: Change::Image(transform.clone()), stream });
    }

    /// A mix is told how many items it is to give; otherwise they are drawn from those that there are.
    fn draw_items(&mut self, count: usize, stream: String) -> Result<(), String> {
        if self.items == 0 {
            return Err(format!("{count} items cannot be drawn from none"));
        }
        match &mut self.base {
            Base::Mix(mix) if self.order.is_empty() => {
                mix.count = count;
                self.items = count;
            }
            _ => self.choose(OrderStage::Draw { count, stream }),
        }
        Ok(())
    }

    /// A flow of what is made of the items of this one.
    fn on(self, base: impl FnOnce(Arc<Flow>) -> Base) -> Flow {
        let (name, seed, items) = (self.name.clone(), self.seed, self.items);
        Flow { name, seed, base: base(Arc::new(self)), each: vec![], order: vec![], items }
    }

    /// Draws the items of an epoch; reads classes where a stage needs them, and no image.
    pub(super) fn draw(flow: &Arc<Flow>, epoch: u64) -> Result<Drawn, DataError> {
        let base = flow.base.draw(&flow.name, epoch)?;
        let order = all(base.len());
        let mut drawn = Drawn { flow: flow.clone(), epoch, base, order };
        for stage in &flow.order {
            let order = std::mem::take(&mut drawn.order);
            let label = |pick| drawn.label(pick);
            let keys = Epoch { data: &flow.name, seed: flow.seed, number: epoch, label: &label };
            drawn.order = stage.apply(order, &keys)?;
        }
        Ok(drawn)
    }
}

impl Base {
    fn open(name: &str, source: &Source, root: Option<&Path>, seed: u64) -> Result<Base, DataError> {
        let Source::Mix { parts } = source else {
            return Ok(Base::Source(Arc::new(Opened::open(source, root)?)));
        };
        let wrong = |message| DataError::Pipeline { data: name.to_string(), message };
        let mut opened = vec![];
        for part in parts {
            let flow = Flow::open(&part.name, &part.source, &part.stages, root, seed)?;
            if flow.items() == 0 || part.weight.is_nan() || part.weight <= 0.0 {
                let (part, items, weight) = (&part.name, flow.items(), part.weight);
                return Err(wrong(format!("its part `{part}` has {items} items and the weight {weight}")));
            }
            opened.push(MixPart { name: part.name.clone(), weight: part.weight, flow: Arc::new(flow) });
        }
        let count = opened.iter().map(|p| p.flow.items()).sum();
        Ok(Base::Mix(Mix { parts: opened, count, name: name.to_string(), seed }))
    }

    fn items(&self) -> usize {
        match self {
            Base::Source(opened) => opened.reader.info().items,
            Base::Pairs(flow, _) | Base::Mosaic(flow, _) => flow.items(),
            Base::Mix(mix) => mix.count,
        }
    }

    fn draw(&self, name: &str, epoch: u64) -> Result<DrawnBase, DataError> {
        match self {
            Base::Source(opened) => Ok(DrawnBase::Source(opened.clone())),
            Base::Mix(mix) => Ok(DrawnBase::Mix(mix.draw(epoch)?)),
            Base::Mosaic(flow, rule) => {
                let of = Box::new(Flow::draw(flow, epoch)?);
                Ok(DrawnBase::Mosaic { of, rule: rule.clone() })
            }
            Base::Pairs(flow, rule) => {
                let of = Box::new(Flow::draw(flow, epoch)?);
                let labels: Result<Vec<i32>, DataError> = of.order.iter().map(|p| of.label(*p)).collect();
                let (classes, rule) = (Classes::new(&labels?), rule.clone());
                let wrong = |message| DataError::Pipeline { data: name.to_string(), message };
                rule.check(&classes).map_err(wrong)?;
                Ok(DrawnBase::Pairs { of, classes, rule })
            }
        }
    }
}

impl DrawnBase {
    /// Number of items before any is chosen.
    fn len(&self) -> usize {
        match self {
            DrawnBase::Source(opened) => opened.reader.info().items,
            DrawnBase::Pairs { of, .. } | DrawnBase::Mosaic { of, .. } => of.order.len(),
            DrawnBase::Mix(mixed) => mixed.len(),
        }
    }
}

impl Drawn {
    /// An item after all changes.
    pub(super) fn item(&self, pick: Pick, session: &mut dyn Session) -> Result<Item, DataError> {
        let mut item = match &self.base {
            DrawnBase::Source(opened) => Item::of_sample(&*opened.sample(pick.item as usize)?),
            DrawnBase::Pairs { of, classes, rule } => {
                let stream = Stream::new(&rule.stream, self.flow.seed, self.epoch);
                let second = rule.second(pick, classes, &stream);
                let first = of.item(of.order[pick.item as usize].within(pick), session)?;
                // What is random about it belongs to this pair: the item may be first or second elsewhere.
                let other = of.order[second.item as usize].again(pick.key + 1);
                Item::pair(first, of.item(other, session)?, second.positive)
            }
            DrawnBase::Mosaic { of, rule } => {
                let stream = Stream::new(&rule.stream, self.flow.seed, self.epoch);
                let plan = rule.plan(pick, of.order.len(), &stream);
                let first = of.item(of.order[pick.item as usize].within(pick), session)?;
                let others = plan.others.iter().enumerate();
                let others = others.map(|(i, other)| of.order[*other].again(pick.key + 1 + i as u64));
                let others: Result<Vec<Item>, DataError> = others.map(|p| of.item(p, session)).collect();
                let joined = rule.join(first, others?, plan.centre);
                joined.map_err(|message| DataError::Item { item: self.describe(pick), message })?
            }
            DrawnBase::Mix(mixed) => {
                let (drawn, inner) = mixed.find(pick);
                drawn.item(inner, session)?
            }
        };
        for stage in &self.flow.each {
            let changed = self.change(stage, item, pick, session);
            item = changed.map_err(|message| DataError::Item { item: self.describe(pick), message })?;
        }
        Ok(item)
    }

    fn change(
        &self,
        stage: &EachStage,
        mut item: Item,
        pick: Pick,
        session: &mut dyn Session,
    ) -> Result<Item, String> {
        let stream = Stream::new(&stage.stream, self.flow.seed, self.epoch);
        match &stage.change {
            Change::Image(transform) => {
                let Some(image) = item.take_image() else {
                    return Err("there is no image of three planes to change".to_string());
                };
                let from = [image.height, image.width];
                item.set_moved(transform::apply(transform, image, Chance::new(stream, pick.key))?, from);
                Ok(item)
            }
            Change::Function(graph) => {
                let seed = u64::from(stream.bits(0)) << 32 | u64::from(stream.bits(1));
                let key = RunKey { seed, step: pick.key };
                item.map(graph, key, session).map_err(|error| format!("`{}`: {error}", graph.name))
            }
        }
    }

    /// The class of an item as its source has it.
    fn label(&self, pick: Pick) -> Result<i32, DataError> {
        match &self.base {
            DrawnBase::Source(opened) => opened.reader.label(pick.item as usize),
            DrawnBase::Mix(mixed) => {
                let (drawn, inner) = mixed.find(pick);
                drawn.label(inner)
            }
            DrawnBase::Mosaic { of, .. } => of.label(of.order[pick.item as usize]),
            DrawnBase::Pairs { .. } => Err(DataError::Pipeline {
                data: self.flow.name.clone(),
                message: "a pair of items has no class to choose it by".to_string(),
            }),
        }
    }

    /// Where an item comes from, for messages.
    pub(super) fn describe(&self, pick: Pick) -> String {
        match &self.base {
            DrawnBase::Source(opened) => opened.reader.describe(pick.item as usize),
            DrawnBase::Pairs { of, .. } | DrawnBase::Mosaic { of, .. } => {
                of.describe(of.order[pick.item as usize])
            }
            DrawnBase::Mix(mixed) => {
                let (drawn, inner) = mixed.find(pick);
                drawn.describe(inner)
            }
        }
    }
}
