//! Drawings as SVG.

use super::{Anchor, Colour, Drawing, Mark, Pen};

pub(super) fn svg(drawing: &Drawing) -> String {
    let (width, height) = (drawing.width, drawing.height);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"ui-monospace, 'DejaVu Sans Mono', Menlo, Consolas, monospace\" \
         font-size=\"11.6\" fill=\"#222\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for mark in &drawing.marks {
        text += &match mark {
            Mark::Line { points, pen } => line(points, pen),
            Mark::Dot { at: (x, y), colour } => {
                format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.4\" fill=\"{}\"/>\n", hex(*colour))
            }
            Mark::Text { at, text, anchor } => written(*at, text, *anchor),
        };
    }
    text + "</svg>\n"
}

fn line(points: &[(f32, f32)], pen: &Pen) -> String {
    let points: Vec<String> = points.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let dashes =
        pen.dashes.map(|[dash, gap]| format!(" stroke-dasharray=\"{dash} {gap}\"")).unwrap_or_default();
    let opacity = if pen.opacity < 1.0 { format!(" opacity=\"{}\"", pen.opacity) } else { String::new() };
    format!(
        "<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"{}\"{dashes}{opacity}/>\n",
        points.join(" "),
        hex(pen.colour),
        pen.width
    )
}

fn written((x, y): (f32, f32), text: &str, anchor: Anchor) -> String {
    let anchor = match anchor {
        Anchor::Start => "start",
        Anchor::Middle => "middle",
        Anchor::End => "end",
    };
    // Not every program that shows SVG knows `dominant-baseline`.
    let y = y + 4.0;
    format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>\n", escaped(text))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn hex([red, green, blue]: Colour) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
