use vspec_data::Pixels;

use super::*;

fn grey(height: usize, width: usize) -> Canvas {
    Canvas::of(&Pixels { height, width, rgb: vec![128; 3 * height * width] })
}

fn drawn(corners: [f64; 4], name: &str, look: Look) -> Drawn {
    Drawn { corners, name: name.to_string(), look }
}

#[test]
fn small_images_are_enlarged_by_a_whole_number() {
    let canvas = grey(30, 100);
    assert_eq!((canvas.width, canvas.height, canvas.zoom, canvas.unit), (500, 150, 5, 1));
    assert_eq!(grey(500, 2000).unit, 3);
    let image = Pixels { height: 1, width: 2, rgb: vec![1, 2, 3, 4, 5, 6] };
    let canvas = Canvas::of(&image);
    assert_eq!([canvas.pixel(239, 0), canvas.pixel(240, 239)], [[1, 2, 3], [4, 5, 6]]);
}

#[test]
fn a_box_lies_on_its_pixels() {
    let mut canvas = grey(480, 480);
    let red = [255, 0, 0];
    draw_boxes(&mut canvas, &[drawn([100.0, 200.0, 150.0, 260.0], "", Look::Solid(red))]);
    for (x, y) in [(100, 200), (149, 259), (101, 230), (120, 201), (148, 210)] {
        assert_eq!(canvas.pixel(x, y), red, "{x} {y}");
    }
    for (x, y) in [(99, 200), (150, 259), (102, 230), (120, 260), (120, 230)] {
        assert_eq!(canvas.pixel(x, y), [128; 3], "{x} {y}");
    }
}

#[test]
fn dashes_are_white_on_black() {
    let mut canvas = grey(480, 480);
    draw_boxes(&mut canvas, &[drawn([10.0, 10.0, 100.0, 100.0], "", Look::Dashed)]);
    let row: Vec<Colour> = (10..30).map(|x| canvas.pixel(x, 10)).collect();
    assert_eq!(row, [[WHITE; 5], [BLACK; 5], [WHITE; 5], [BLACK; 5]].concat());
}

#[test]
fn names_stay_on_the_canvas_and_cover_no_other() {
    let mut canvas = grey(480, 480);
    let [first, second] = [colour_of(0), colour_of(1)];
    let boxes = [
        drawn([470.0, 100.0, 480.0, 140.0], "right 0.90", Look::Solid(first)),
        drawn([470.0, 102.0, 480.0, 142.0], "right 0.80", Look::Solid(second)),
        drawn([0.0, 0.0, 40.0, 40.0], "above", Look::Solid(first)),
    ];
    draw_boxes(&mut canvas, &boxes);
    let count = |colour, rows: std::ops::Range<usize>| {
        rows.flat_map(|y| (0..480).map(move |x| (x, y)))
            .filter(|(x, y)| canvas.pixel(*x, *y) == colour)
            .count()
    };
    // The first name lies above its box, the second in its own.
    assert!(count(first, 84..100) > 500, "{}", count(first, 84..100));
    assert!(count(second, 102..118) > 500 && count(second, 84..100) == 0);
    assert!(count(first, 0..16) > 300);
}

#[test]
fn a_legend_is_wrapped_below_the_picture() {
    let mut canvas = grey(480, 480);
    let entry = |text: &str| Entry::new(Sign::Disc(colour_of(3)), text);
    canvas.legend(&[entry("one"), entry("two"), entry(&"long ".repeat(11))]);
    assert_eq!(canvas.height, 480 + 2 * 22 + 6);
    assert_eq!(canvas.pixel(0, 480), WHITE);
    let line = |y: usize| (0..480).any(|x| canvas.pixel(x, y) == colour_of(3));
    assert!(line(494) && line(516) && !line(505));
}

#[test]
fn equal_drawings_are_equal_files_that_can_be_read() {
    let draw = || {
        let mut canvas = grey(60, 80);
        canvas.fade(0.5);
        draw_boxes(&mut canvas, &[drawn([10.0, 20.0, 30.0, 50.0], "disc 0.87", Look::Solid(colour_of(2)))]);
        canvas.disc([40.0, 30.0], 9.0, colour_of(1), 0.75);
        canvas.legend(&[Entry::new(Sign::Dashes, "truth"), Entry::new(Sign::None, "remark")]);
        canvas
    };
    let (canvas, bytes) = (draw(), draw().png().expect("small"));
    assert_eq!(bytes, draw().png().expect("small"));
    let read = tiny_skia::Pixmap::decode_png(&bytes).expect("a PNG");
    assert_eq!((read.width() as usize, read.height() as usize), (canvas.width, canvas.height));
    for (x, y) in [(62, 122), (240, 180), (300, 5)] {
        let pixel = read.pixel(x, y).expect("inside");
        assert_eq!([pixel.red(), pixel.green(), pixel.blue()], canvas.pixel(x as usize, y as usize));
    }
}
