//! Curves from a run's `metrics.csv`.

/// What a run reported.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunTable {
    /// What the legend calls it.
    pub(crate) name: String,
    pub(crate) curves: Vec<Curve>,
}

/// A report over training iterations.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Curve {
    pub(crate) step: String,
    pub(crate) report: String,
    /// Means of a few steps, rather than of passes over the data.
    pub(crate) fine: bool,
    /// Iteration and value.
    pub(crate) points: Vec<(f64, f64)>,
}

/// Columns before the reports: kind, step, epoch, iteration, items.
const FIXED: usize = 5;

impl RunTable {
    /// Reads the text of a `metrics.csv`. The error is a phrase that names the line.
    pub(crate) fn read(name: &str, text: &str) -> Result<RunTable, String> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        if header.get(..FIXED) != Some(&["kind", "step", "epoch", "iteration", "items"]) {
            return Err("its first line is not that of a run's metrics".to_string());
        }
        let mut curves: Vec<Curve> = vec![];
        for (number, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split(',').collect();
            let row = row(&header, &cells).ok_or_else(|| format!("line {} is damaged", number + 2))?;
            for (column, point) in row {
                let (step, report) = header[column].split_once('/').unwrap_or(("", header[column]));
                add(&mut curves, (step, report, cells[0] == "window"), point);
            }
        }
        curves.retain(|c| !c.points.is_empty());
        Ok(RunTable { name: name.to_string(), curves })
    }
}

/// The filled cells of a row: column, and iteration and value.
fn row(header: &[&str], cells: &[&str]) -> Option<Vec<(usize, (f64, f64))>> {
    if cells.len() != header.len() {
        return None;
    }
    let iteration: f64 = cells[3].parse().ok()?;
    let filled = (FIXED..cells.len()).filter(|i| !cells[*i].is_empty());
    filled.map(|i| Some((i, (iteration, cells[i].parse().ok()?)))).collect()
}

fn add(curves: &mut Vec<Curve>, key: (&str, &str, bool), point: (f64, f64)) {
    let (step, report, fine) = key;
    let found = curves.iter_mut().find(|c| (c.step.as_str(), c.report.as_str(), c.fine) == key);
    match found {
        Some(curve) => curve.points.push(point),
        None => curves.push(Curve {
            step: step.to_string(),
            report: report.to_string(),
            fine,
            points: vec![point],
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "kind,step,epoch,iteration,items,train/loss,evaluate/loss,evaluate/box.ap\n\
        window,train,0,50,400,2.5,,\nepoch,train,1,80,640,2,,\nevaluation,evaluate,1,80,100,,1.5,NaN\n\
        epoch,train,2,160,640,1,,\n";

    #[test]
    fn every_report_of_a_step_is_a_curve() {
        let table = RunTable::read("001", TEXT).expect("metrics");
        let curves = table.curves.iter();
        let short: Vec<(String, bool, usize)> =
            curves.map(|c| (format!("{}.{}", c.step, c.report), c.fine, c.points.len())).collect();
        let curve = |name: &str, fine, points| (name.to_string(), fine, points);
        let wanted = [
            curve("train.loss", true, 1),
            curve("train.loss", false, 2),
            curve("evaluate.loss", false, 1),
            curve("evaluate.box.ap", false, 1),
        ];
        assert_eq!(short, wanted);
        assert_eq!(table.curves[1].points, [(80.0, 2.0), (160.0, 1.0)]);
    }

    #[test]
    fn other_texts_are_refused_with_their_line() {
        assert!(RunTable::read("x", "a,b,c\n1,2,3\n").is_err());
        assert!(RunTable::read("x", "").is_err());
        let cut = &TEXT[..TEXT.len() - 4];
        assert_eq!(RunTable::read("x", cut), Err("line 5 is damaged".to_string()));
    }
}
