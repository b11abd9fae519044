//! The text form of a plan, for people: what each kernel reads, computes and writes.
//!
//! ```text
//! kernel 0: net.norm, rows i < 16 of j < 8, k < 64
//!   mean0 = mean(y[j, i, k])
//!   mu[i] = mean0
//!   out[j, i, k] = relu(y[j, i, k] - mean0)
//! ```
//!
//! What is used once stands where it is used; folds and what is used again have lines of their own. Lines are in the order in which
//! things are done, and each fold of a row ends a pass over it.

use std::collections::BTreeMap;
use std::fmt;

use super::{
    Anchor, Coordinate, Fold, Index, Instr, Kernel, Layout, Place, Plan, Reg, Region, Value, ValueId,
};
use crate::Op;
use crate::ops::Attr;

/// Names of values: those of the specification, with a number where several share one.
struct Names(Vec<String>);

impl Names {
    fn of(plan: &Plan) -> Self {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let name = |(i, value): (usize, &Value)| {
            let base = match (&value.place, &value.origin.name) {
                (Place::Input(name) | Place::Variable(name), _) => name.to_string(),
                (Place::Constant(_), _) => format!("constant{i}"),
                (Place::Arena(_), Some(name)) => name.to_string(),
                (Place::Arena(_), None) => return format!("v{i}"),
            };
            let count = seen.entry(base.clone()).or_insert(0);
            *count += 1;
            if *count == 1 { base } else { format!("{base}.{}", *count - 1) }
        };
        Names(plan.values.iter().enumerate().map(name).collect())
    }

    fn get(&self, value: ValueId) -> &str {
        self.0.get(value.index()).map_or("?", String::as_str)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = Names::of(self);
        writeln!(f, "plan @{}: {} kernels, {} bytes", self.name, self.kernels.len(), self.arena)?;
        for (number, kernel) in self.kernels.iter().enumerate() {
            KernelText { plan: self, names: &names, kernel }.write(f, number)?;
        }
        for output in &self.outputs {
            writeln!(f, "{} {} = {}", output.kind.name(), output.name, names.get(output.value))?;
        }
        Ok(())
    }
}

struct KernelText<'a> {
    plan: &'a Plan,
    names: &'a Names,
    kernel: &'a Kernel,
}

impl KernelText<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>, number: usize) -> fmt::Result {
        let place = self.kernel.origins.iter().find_map(|origin| origin.scope.as_deref());
        write!(f, "kernel {number}: ")?;
        if let Some(place) = place {
            write!(f, "{place}, ")?;
        }
        writeln!(f, "{}", loops(&self.kernel.region))?;
        if let Some(anchor) = &self.kernel.anchor {
            writeln!(f, "  result = {}", self.anchor(anchor))?;
        }
        self.steps(f)?;
        for value in self.kernel.writes() {
            let layout: &Layout = &self.plan.value(value).layout;
            if !layout.is_dense() {
                writeln!(f, "  ({} lies with {layout})", self.names.get(value))?;
            }
        }
        Ok(())
    }

    fn anchor(&self, anchor: &Anchor) -> String {
        let operand = |operand: &super::Operand| {
            let own: Vec<Index> =
                (0..operand.shape.len()).map(|i| Index::counter(i, &operand.shape)).collect();
            match own == operand.at {
                true => self.names.get(operand.value).to_string(),
                false => format!("{}[{}]", self.names.get(operand.value), list(&operand.at)),
            }
        };
        let operands: Vec<String> = anchor.operands.iter().map(operand).collect();
        format!("{}({}){}", anchor.op.decl().name, operands.join(", "), attributes(&anchor.op))
    }

    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let region = &self.kernel.region;
        let mut uses = vec![0; region.steps.len()];
        region.steps.iter().flat_map(|s| s.instr.operands()).for_each(|reg| uses[reg.index()] += 1);
        let mut texts: Vec<String> = vec![];
        let mut pass = 0;
        for (i, step) in region.steps.iter().enumerate() {
            let text = self.expression(&step.instr, &texts);
            if step.pass != pass {
                pass = step.pass;
                let again = !region.point_steps(pass).is_empty() || !region.folds(pass).is_empty();
                writeln!(f, "  -- {}", if again { "again" } else { "at the end" })?;
            }
            match &step.instr {
                Instr::Store { value, at, .. } => {
                    writeln!(f, "  {}[{}] = {text}", self.names.get(*value), list(at))?;
                    texts.push(String::new());
                }
                instr if step.folds() || uses[i] > 1 && !is_short(instr) => {
                    let name = format!("r{i}");
                    writeln!(f, "  {name} = {text}")?;
                    texts.push(name);
                }
                _ => texts.push(text),
            }
        }
        Ok(())
    }

    fn expression(&self, instr: &Instr, texts: &[String]) -> String {
        let reg = |reg: &Reg| texts[reg.index()].clone();
        match instr {
            Instr::Load { value, at, guard } => {
                let coordinate = |c: &Coordinate| match c {
                    Coordinate::At(index) => index.to_string(),
                    Coordinate::From(from) => reg(from),
                };
                let places: Vec<String> = at.iter().map(coordinate).collect();
                let element = format!("{}[{}]", self.names.get(*value), places.join(", "));
                guard.map_or(element.clone(), |guard| format!("({element} if {})", reg(&guard)))
            }
            Instr::Anchor => "result".to_string(),
            Instr::Number(value) => value.to_string(),
            Instr::Index(index) => format!("({index})"),
            Instr::Inside { index, low, high } => format!("({low} <= {index} < {high})"),
            Instr::Random { normal, stream, at } => {
                format!("{}({stream:?}, {at})", if *normal { "normal" } else { "uniform" })
            }
            Instr::Apply(op, args) => apply(op, &args.iter().map(reg).collect::<Vec<_>>()),
            Instr::Fold(fold, arg) => format!("{}({})", fold_name(*fold), reg(arg)),
            Instr::Store { from, .. } => reg(from),
        }
    }
}

/// What is shorter than a name for it.
fn is_short(instr: &Instr) -> bool {
    matches!(instr, Instr::Load { guard: None, .. } | Instr::Number(_) | Instr::Index(_) | Instr::Anchor)
}

fn apply(op: &Op, args: &[String]) -> String {
    let infix = |sign: &str| format!("({} {sign} {})", args[0], args[1]);
    match op {
        Op::Add {} => infix("+"),
        Op::Sub {} => infix("-"),
        Op::Mul {} => infix("*"),
        Op::Div {} => infix("/"),
        Op::Lt {} => infix("<"),
        Op::Le {} => infix("<="),
        Op::Eq {} => infix("=="),
        Op::And {} => infix("and"),
        Op::Or {} => infix("or"),
        Op::Neg {} => format!("-{}", args[0]),
        Op::Cast { dtype } => format!("{dtype}({})", args[0]),
        _ => format!("{}({})", op.decl().name, args.join(", ")),
    }
}

fn fold_name(fold: Fold) -> &'static str {
    match fold {
        Fold::Sum => "sum",
        Fold::Mean => "mean",
        Fold::Max => "max",
        Fold::Min => "min",
        Fold::Argmax => "argmax",
    }
}

impl Kernel {
    /// What it is, in one line: the module, the op that it begins with, its loops.
    pub fn title(&self) -> String {
        let place = self.origins.iter().find_map(|origin| origin.scope.as_deref());
        let op = self.anchor.as_ref().map(|anchor| anchor.op.decl().name);
        let parts = place.into_iter().chain(op).map(str::to_string);
        parts.chain([loops(&self.region)]).collect::<Vec<_>>().join(", ")
    }
}

/// `rows i < 16 of j < 8, k < 64`
fn loops(region: &Region) -> String {
    let one = |(axis, extent): (usize, &usize)| {
        let counter = Index { terms: vec![(super::Atom::Loop(axis), 1)], offset: 0 };
        format!("{counter} < {extent}")
    };
    let all: Vec<String> = region.extents.iter().enumerate().map(one).collect();
    let (rows, points) = all.split_at(region.outer);
    match (rows, points) {
        ([], []) => "one point".to_string(),
        (rows, []) => format!("points {}", rows.join(", ")),
        ([], points) => format!("one row of {}", points.join(", ")),
        (rows, points) => format!("rows {} of {}", rows.join(", "), points.join(", ")),
    }
}

fn list(at: &[Index]) -> String {
    at.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// ` stride=[2, 2]`; sizes follow from the shapes.
fn attributes(op: &Op) -> String {
    let shown = |(name, attr): (&'static str, Attr)| match attr {
        Attr::Int(1) if name == "groups" => None,
        Attr::Int(v) => Some(format!(" {name}={v}")),
        Attr::Ints(v) if v.iter().any(|i| *i != 1) => Some(format!(" {name}={v:?}")),
        Attr::Pairs(v) if v.iter().any(|p| *p != [0, 0]) => Some(format!(" {name}={v:?}")),
        Attr::Bool(v) => Some(format!(" {name}={v}")),
        _ => None,
    };
    op.attrs().into_iter().filter_map(shown).collect()
}
