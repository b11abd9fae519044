//! Where everything of a drawing lies: a legend, and a panel for each report.

use super::axis::Axis;
use super::table::{Curve, RunTable};
use super::{Anchor, Colour, Drawing, LETTER, Mark, Pen};

/// What to draw.
#[derive(Debug, Clone, Default)]
pub(crate) struct Options {
    /// Only these reports; all if there is none.
    pub(crate) reports: Vec<String>,
    /// Logarithmic values.
    pub(crate) log: bool,
}

const PANEL: (f32, f32) = (470.0, 270.0);
/// Around the field of a panel: left, top, right, bottom.
const MARGIN: (f32, f32, f32, f32) = (62.0, 30.0, 14.0, 42.0);
const COLUMNS: usize = 2;
const LEGEND_LINE: f32 = 20.0;
const BORDER: f32 = 12.0;

/// Okabe and Ito's colours, which people with any colour vision can tell apart.
const COLOURS: [Colour; 7] = [
    [0, 114, 178],
    [213, 94, 0],
    [0, 158, 115],
    [204, 121, 167],
    [230, 159, 0],
    [86, 180, 233],
    [90, 90, 90],
];
const GREY: Colour = [120, 120, 120];
const GRID: Colour = [225, 225, 225];

/// Draws runs. None where no run has reported anything that is asked for.
pub(crate) fn layout(runs: &[RunTable], options: &Options) -> Option<Drawing> {
    let wanted = |name: &String| options.reports.is_empty() || options.reports.contains(name);
    let reports: Vec<String> =
        distinct(runs.iter().flat_map(|r| &r.curves).map(|c| &c.report)).into_iter().filter(wanted).collect();
    let styles = Styles { runs, steps: distinct(runs.iter().flat_map(|r| &r.curves).map(|c| &c.step)) };
    let columns = reports.len().min(COLUMNS);
    let width = 2.0 * BORDER + columns as f32 * PANEL.0;
    let (mut marks, top) = legend(&styles, width);
    let mut panels = 0;
    for report in &reports {
        let at = (BORDER + (panels % COLUMNS) as f32 * PANEL.0, top + (panels / COLUMNS) as f32 * PANEL.1);
        if let Some(panel) = panel(&styles, report, options.log, at) {
            marks.extend(panel);
            panels += 1;
        }
    }
    let rows = panels.div_ceil(COLUMNS) as f32;
    (panels > 0).then_some(Drawing { width, height: top + rows * PANEL.1 + BORDER, marks })
}

/// The different names, each where it comes first.
fn distinct<'n>(names: impl Iterator<Item = &'n String>) -> Vec<String> {
    let mut found: Vec<String> = vec![];
    for name in names {
        if !found.contains(name) {
            found.push(name.clone());
        }
    }
    found
}

/// Which curve looks how: of one run, each step has a colour; of several, each run has, and steps differ by their dashes.
struct Styles<'r> {
    runs: &'r [RunTable],
    steps: Vec<String>,
}

impl Styles<'_> {
    fn pen(&self, run: usize, step: &str, fine: bool) -> Pen {
        let step = self.steps.iter().position(|s| s == step).unwrap_or(0);
        let several = self.runs.len() > 1;
        let colour = COLOURS[if several { run } else { step } % COLOURS.len()];
        let dashes = match step {
            0 => None,
            _ if !several => None,
            1 => Some([6.0, 4.0]),
            _ => Some([2.0, 3.0]),
        };
        match fine {
            true => Pen { colour, width: 1.0, dashes: None, opacity: 0.4 },
            false => Pen { colour, width: 1.8, dashes, opacity: 1.0 },
        }
    }

    /// Everything that has to be explained: names and pens.
    fn entries(&self) -> Vec<(String, Pen)> {
        let steps = self.steps.iter();
        if self.runs.len() == 1 {
            return steps.map(|s| (s.clone(), self.pen(0, s, false))).collect();
        }
        let first = self.steps.first().map(String::as_str).unwrap_or_default();
        let runs = self.runs.iter().enumerate().map(|(i, r)| (r.name.clone(), self.pen(i, first, false)));
        let grey = |s: &String| (s.clone(), Pen { colour: GREY, ..self.pen(0, s, false) });
        runs.chain(steps.map(grey)).collect()
    }
}

/// The legend in as many lines as it needs, and where it ends.
fn legend(styles: &Styles<'_>, width: f32) -> (Vec<Mark>, f32) {
    let (mut marks, mut at) = (vec![], (BORDER, BORDER + LEGEND_LINE / 2.0));
    for (name, pen) in styles.entries() {
        let length = 34.0 + (name.chars().count() as f32 + 2.0) * LETTER;
        if at.0 + length > width && at.0 > BORDER {
            at = (BORDER, at.1 + LEGEND_LINE);
        }
        marks.push(Mark::Line { points: vec![(at.0, at.1), (at.0 + 26.0, at.1)], pen });
        marks.push(Mark::Text { at: (at.0 + 32.0, at.1), text: name, anchor: Anchor::Start });
        at.0 += length;
    }
    (marks, at.1 + LEGEND_LINE)
}

/// The panel of a report with its upper left corner at a place. None if there is nothing to show.
fn panel(styles: &Styles<'_>, report: &str, log: bool, at: (f32, f32)) -> Option<Vec<Mark>> {
    let curves = styles.runs.iter().enumerate().flat_map(|(i, r)| r.curves.iter().map(move |c| (i, c)));
    let curves: Vec<(usize, &Curve)> = curves.filter(|(_, c)| c.report == report).collect();
    let points = || curves.iter().flat_map(|(_, c)| &c.points);
    let field = Field {
        x: Axis::counts(points().map(|p| p.0))?,
        y: Axis::around(points().map(|p| p.1), log)?,
        left: at.0 + MARGIN.0,
        top: at.1 + MARGIN.1,
        width: PANEL.0 - MARGIN.0 - MARGIN.2,
        height: PANEL.1 - MARGIN.1 - MARGIN.3,
    };
    let title = if log { format!("{report} (log)") } else { report.to_string() };
    let mut marks = vec![Mark::Text { at: (field.left, at.1 + 16.0), text: title, anchor: Anchor::Start }];
    marks.extend(field.frame());
    // The fine curves lie below those of whole passes.
    let (fine, coarse): (Vec<_>, Vec<_>) = curves.into_iter().partition(|(_, c)| c.fine);
    for (run, curve) in fine.into_iter().chain(coarse) {
        marks.extend(field.curve(curve, styles.pen(run, &curve.step, curve.fine)));
    }
    Some(marks)
}

/// The part of a panel between its axes.
struct Field {
    x: Axis,
    y: Axis,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

impl Field {
    fn at(&self, point: (f64, f64)) -> Option<(f32, f32)> {
        let (x, y) = (self.x.place(point.0)? as f32, self.y.place(point.1)? as f32);
        Some((self.left + x * self.width, self.top + (1.0 - y) * self.height))
    }

    /// Grid, axes and their numbers.
    fn frame(&self) -> Vec<Mark> {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        let line = |a, b, colour| Mark::Line {
            points: vec![a, b],
            pen: Pen { colour, width: 1.0, dashes: None, opacity: 1.0 },
        };
        let mut marks = vec![];
        for (value, text) in self.x.ticks() {
            let Some(x) = self.x.place(value).map(|p| self.left + p as f32 * self.width) else { continue };
            marks.push(line((x, self.top), (x, bottom), GRID));
            marks.push(Mark::Text { at: (x, bottom + 12.0), text, anchor: Anchor::Middle });
        }
        for (value, text) in self.y.ticks() {
            let Some(y) = self.y.place(value).map(|p| bottom - p as f32 * self.height) else { continue };
            marks.push(line((self.left, y), (right, y), GRID));
            marks.push(Mark::Text { at: (self.left - 6.0, y), text, anchor: Anchor::End });
        }
        marks.push(line((self.left, bottom), (right, bottom), GREY));
        marks.push(line((self.left, self.top), (self.left, bottom), GREY));
        let label = (right, bottom + 30.0);
        marks.push(Mark::Text { at: label, text: "iteration".to_string(), anchor: Anchor::End });
        marks
    }

    /// A line that is broken where a value cannot be shown; dots where points are few.
    fn curve(&self, curve: &Curve, pen: Pen) -> Vec<Mark> {
        let places: Vec<Option<(f32, f32)>> = curve.points.iter().map(|p| self.at(*p)).collect();
        let pieces = places.split(Option::is_none).map(|piece| piece.iter().flatten().copied().collect());
        let pieces = pieces.filter(|points: &Vec<(f32, f32)>| points.len() > 1);
        let lines = pieces.map(|points| Mark::Line { points, pen });
        let few = !curve.fine && curve.points.len() <= 25;
        let dots =
            places.iter().flatten().filter(|_| few).map(|at| Mark::Dot { at: *at, colour: pen.colour });
        lines.chain(dots).collect()
    }
}
