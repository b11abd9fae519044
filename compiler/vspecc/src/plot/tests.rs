//! Tests of drawings: what they show, in both formats.

use super::*;

fn table(name: &str, shift: f64) -> RunTable {
    let mut text = "kind,step,epoch,iteration,items,train/loss,evaluate/loss,evaluate/accuracy\n".to_string();
    for epoch in 1..=4 {
        let (iteration, loss) = (80 * epoch, 2.0 / f64::from(epoch) + shift);
        text += &format!("window,train,{},{},400,{},,\n", epoch - 1, iteration - 30, loss + 0.1);
        text += &format!("epoch,train,{epoch},{iteration},640,{loss},,\n");
        text += &format!("evaluation,evaluate,{epoch},{iteration},100,,{},0.{epoch}\n", loss + 0.2);
    }
    RunTable::read(name, &text).expect("metrics")
}

fn texts(drawing: &Drawing) -> Vec<&str> {
    let texts = drawing.marks.iter().filter_map(|mark| match mark {
        Mark::Text { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}

fn draw(runs: &[RunTable], options: &Options) -> Drawing {
    layout(runs, options).expect("something to draw")
}

#[test]
fn a_run_has_a_panel_for_each_report_and_a_legend_of_its_steps() {
    let drawing = draw(&[table("001", 0.0)], &Options::default());
    let texts = texts(&drawing);
    for text in ["train", "evaluate", "loss", "accuracy", "iteration", "300", "0.4"] {
        assert!(texts.contains(&text), "{text} is not among {texts:?}");
    }
    assert!(!texts.contains(&"001"));
}

#[test]
fn several_runs_are_told_apart_by_name_colour_and_dashes() {
    let drawing = draw(&[table("first", 0.0), table("second", 0.3)], &Options::default());
    assert!(texts(&drawing).contains(&"first") && texts(&drawing).contains(&"second"));
    let svg = drawing.svg();
    assert!(svg.contains("#0072b2") && svg.contains("#d55e00") && svg.contains("stroke-dasharray"));
}

#[test]
fn reports_can_be_chosen_and_shown_on_a_logarithmic_scale() {
    let options = Options { reports: vec!["loss".to_string()], log: true };
    let drawing = draw(&[table("001", 0.0)], &options);
    assert!(texts(&drawing).contains(&"loss (log)") && !texts(&drawing).contains(&"accuracy"));
    let options = Options { reports: vec!["lost".to_string()], log: false };
    assert_eq!(layout(&[table("001", 0.0)], &options), None);
}

#[test]
fn everything_lies_within_the_picture() {
    let names = ["a rather long name of a run", "another rather long name of a run", "a third", "a fourth"];
    let runs: Vec<RunTable> = names.iter().map(|name| table(name, 0.0)).collect();
    let drawing = draw(&runs, &Options::default());
    let inside =
        |(x, y): (f32, f32)| (0.0..=drawing.width).contains(&x) && (0.0..=drawing.height).contains(&y);
    for mark in &drawing.marks {
        let fits = match mark {
            Mark::Line { points, .. } => points.iter().all(|p| inside(*p)),
            Mark::Dot { at, .. } => inside(*at),
            Mark::Text { at, text, anchor } => {
                let length = text.chars().count() as f32 * LETTER;
                let left = match anchor {
                    Anchor::Start => at.0,
                    Anchor::Middle => at.0 - length / 2.0,
                    Anchor::End => at.0 - length,
                };
                inside((left, at.1)) && inside((left + length, at.1))
            }
        };
        assert!(fits, "{mark:?}");
    }
}

#[test]
fn a_png_has_ink_where_its_curves_are() {
    let drawing = draw(&[table("001", 0.0)], &Options::default());
    let bytes = drawing.png().expect("a picture");
    let picture = tiny_skia::Pixmap::decode_png(&bytes).expect("a picture");
    assert_eq!((picture.width(), picture.height()), (2 * drawing.width as u32, 2 * drawing.height as u32));
    let dots =
        drawing.marks.iter().filter_map(|m| if let Mark::Dot { at, .. } = m { Some(at) } else { None });
    for (x, y) in dots {
        let pixel = picture.pixel((2.0 * x) as u32, (2.0 * y) as u32).expect("inside");
        assert!(pixel.red() < 250 || pixel.green() < 250, "no ink at {x}, {y}");
    }
    let dark = picture.pixels().iter().filter(|p| p.red() < 60 && p.green() < 60 && p.blue() < 60).count();
    assert!(dark > 500, "only {dark} pixels of text");
}

#[test]
fn values_that_are_no_numbers_break_a_line() {
    let text = "kind,step,epoch,iteration,items,train/loss\n\
        epoch,train,1,10,1,1\nepoch,train,2,20,1,2\nepoch,train,3,30,1,NaN\nepoch,train,4,40,1,3\nepoch,train,5,50,1,4\n";
    let drawing = draw(&[RunTable::read("001", text).expect("metrics")], &Options::default());
    let blue = |m: &&Mark| matches!(m, Mark::Line { pen, points } if pen.colour == [0, 114, 178] && points.len() == 2);
    // Two pieces and the line of the legend.
    assert_eq!(drawing.marks.iter().filter(blue).count(), 3);
}

#[test]
fn names_cannot_break_the_file() {
    let drawing = draw(&[table("a<b>&c", 0.0), table("d", 0.0)], &Options::default());
    assert!(drawing.svg().contains("a&lt;b&gt;&amp;c"));
}
