//! The reference page of the ops, generated from the op table.

use std::fmt::{self, Write};

use crate::ops::{Gradient, OpClass, OpDecl, TABLE};
use crate::verify::GRAPH_CONSTRAINTS;

/// Markdown: each op by class, with operands, attributes, constraints and samples, then the constraints of graphs.
pub fn reference_markdown() -> String {
    let mut out = String::from(
        "# Operations of the graph\n\n\
         Everything a specification computes becomes these operations. Constraint `c0` of every operation is the number \
         and the element types of its operands.\n",
    );
    // Writing to a string cannot fail.
    let _ = write_page(&mut out);
    out
}

fn write_page(f: &mut dyn Write) -> fmt::Result {
    let mut classes: Vec<OpClass> = vec![];
    for decl in TABLE {
        if !classes.contains(&decl.class) {
            classes.push(decl.class);
        }
    }
    for class in classes {
        write!(f, "\n## {}\n", class_title(class))?;
        TABLE.iter().filter(|d| d.class == class).try_for_each(|d| write_op(f, d))?;
    }
    write!(f, "\n## Constraints of graphs\n\n")?;
    for (i, constraint) in GRAPH_CONSTRAINTS.iter().enumerate() {
        writeln!(f, "- `graph.g{}`: {constraint}.", i + 1)?;
    }
    Ok(())
}

fn class_title(class: OpClass) -> &'static str {
    match class {
        OpClass::Source => "Sources",
        OpClass::Elementwise => "Elementwise",
        OpClass::Reduce => "Reductions",
        OpClass::Contract => "Contractions",
        OpClass::Window => "Windows",
        OpClass::View => "Views",
        OpClass::Scan => "Scans",
        OpClass::Sort => "Sorting",
        OpClass::Gather => "Gathering",
        OpClass::Random => "Random numbers",
        OpClass::Control => "Differentiation",
        OpClass::Opaque => "Outside the graph",
    }
}

fn write_op(f: &mut dyn Write, decl: &OpDecl) -> fmt::Result {
    write!(f, "\n### `{}`\n\n{}\n", decl.name, decl.doc.trim())?;
    if !decl.operands.is_empty() {
        let operand = |o: &crate::ops::OperandDecl| format!("`{}` ({})", o.name, o.accepts.describe());
        let operands: Vec<_> = decl.operands.iter().map(operand).collect();
        let more = if decl.variadic { ", and any number of further ones" } else { "" };
        write!(f, "\nOperands: {}{more}.\n", operands.join(", "))?;
    }
    if !decl.attrs.is_empty() {
        let attrs: Vec<_> =
            decl.attrs.iter().map(|a| format!("`{}` ({})", a.name, a.kind.describe())).collect();
        write!(f, "\nAttributes: {}.\n", attrs.join(", "))?;
    }
    if decl.gradient == Gradient::Yes {
        write!(f, "\nDifferentiable.\n")?;
    }
    write_constraints(f, decl)?;
    write_samples(f, decl)
}

fn write_constraints(f: &mut dyn Write, decl: &OpDecl) -> fmt::Result {
    for (i, constraint) in decl.constraints.iter().enumerate() {
        let gap = if i == 0 { "\n" } else { "" };
        writeln!(f, "{gap}- `{}.c{}`: {constraint}.", decl.name, i + 1)?;
    }
    Ok(())
}

fn write_samples(f: &mut dyn Write, decl: &OpDecl) -> fmt::Result {
    if decl.samples.is_empty() {
        return Ok(());
    }
    write!(f, "\n```text\n")?;
    for sample in decl.samples {
        writeln!(f, "{} {sample}", decl.name)?;
    }
    writeln!(f, "```")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_op_and_constraint_is_on_the_page_once() {
        let page = reference_markdown();
        for decl in TABLE {
            assert_eq!(page.matches(&format!("### `{}`\n", decl.name)).count(), 1, "{}", decl.name);
            for c in 1..=decl.constraints.len() {
                assert_eq!(page.matches(&format!("`{}.c{c}`:", decl.name)).count(), 1, "{}.c{c}", decl.name);
            }
        }
    }
}
