//! The rectangle of the smallest area around the pixels of a mask.
//!
//! It has a side along an edge of the convex hull (Freeman and Shapira 1975), so that each edge is tried: three calipers, which
//! only ever move forwards around the hull, find the hull's extent along the edge and across it (Toussaint 1983).

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4};

/// A corner of pixels, as column and row.
type Point = [i64; 2];

/// Centre x and y, width, height and angle; zeros for a mask without positive pixels.
pub(super) fn min_area(mask: &[bool], columns: usize) -> [f64; 5] {
    let hull = convex_hull(corners(mask, columns));
    // At equal areas the first edge stays, so that equal masks give equal rectangles.
    let best =
        around_each_edge(&hull).reduce(|best, next| if next.area() < best.area() { next } else { best });
    best.map_or([0.0; 5], |rectangle| rectangle.upright())
}

/// The outer corners of the first and the last positive pixel of each row: no other corner can be on the hull.
fn corners(mask: &[bool], columns: usize) -> Vec<Point> {
    let mut found = vec![];
    for (row, pixels) in mask.chunks(columns.max(1)).enumerate() {
        let (first, last) = (pixels.iter().position(|p| *p), pixels.iter().rposition(|p| *p));
        if let (Some(first), Some(last)) = (first, last) {
            let (left, right, top) = (first as i64, last as i64 + 1, row as i64);
            found.extend([[left, top], [left, top + 1], [right, top], [right, top + 1]]);
        }
    }
    found
}

/// The corners of the convex hull, each once, in one direction around it (Andrew 1979).
fn convex_hull(mut points: Vec<Point>) -> Vec<Point> {
    points.sort_unstable();
    points.dedup();
    let chain = |points: &mut dyn Iterator<Item = &Point>| {
        let mut chain: Vec<Point> = vec![];
        for point in points {
            while let [.., a, b] = chain.as_slice()
                && cross(minus(*b, *a), minus(*point, *b)) <= 0
            {
                chain.pop();
            }
            chain.push(*point);
        }
        // The last point is the first one of the other chain.
        chain.pop();
        chain
    };
    let mut hull = chain(&mut points.iter());
    hull.extend(chain(&mut points.iter().rev()));
    hull
}

fn minus(a: Point, b: Point) -> Point {
    [a[0] - b[0], a[1] - b[1]]
}

fn cross(a: Point, b: Point) -> i64 {
    a[0] * b[1] - a[1] * b[0]
}

fn dot(a: Point, b: Point) -> i64 {
    a[0] * b[0] + a[1] * b[1]
}

/// A rectangle with a side along an edge of the hull. All but the direction is in units of the edge's length.
struct Rectangle {
    edge: Point,
    /// Least and greatest place along the edge, from the origin.
    along: [i64; 2],
    /// Least and greatest place across it.
    across: [i64; 2],
}

/// The rectangles with a side along each edge.
fn around_each_edge(hull: &[Point]) -> impl Iterator<Item = Rectangle> {
    let n = hull.len();
    let at = move |i: usize| hull[i % n];
    let [mut far, mut high, mut near] = [1, 1, 1];
    (0..n).map(move |i| {
        let edge = minus(at(i + 1), at(i));
        let advance = |caliper: &mut usize, gain: &dyn Fn(Point) -> i64| {
            // Once around is enough, whatever the hull looks like.
            for _ in 0..n {
                if gain(minus(at(*caliper + 1), at(*caliper))) <= 0 {
                    break;
                }
                *caliper += 1;
            }
        };
        far = far.max(i + 1);
        advance(&mut far, &|step| dot(edge, step));
        high = high.max(far);
        advance(&mut high, &|step| cross(edge, step));
        near = near.max(high);
        advance(&mut near, &|step| -dot(edge, step));
        let along = [dot(edge, at(near)), dot(edge, at(far))];
        let across = [cross(edge, at(i)), cross(edge, at(high))];
        Rectangle { edge, along, across }
    })
}

impl Rectangle {
    fn length_squared(&self) -> f64 {
        dot(self.edge, self.edge) as f64
    }

    /// In pixels.
    fn sides(&self) -> [f64; 2] {
        let length = self.length_squared().sqrt();
        [self.along, self.across].map(|[low, high]| (high - low) as f64 / length)
    }

    fn area(&self) -> f64 {
        let [a, b] = [self.along, self.across].map(|[low, high]| (high - low) as f64);
        a * b / self.length_squared()
    }

    /// Centre, width, height and angle, such that the width is the side that is nearer to the x axis.
    fn upright(&self) -> [f64; 5] {
        let [along, across] = [self.along, self.across].map(|[low, high]| (low + high) as f64 / 2.0);
        let [x, y] = self.edge.map(|v| v as f64);
        let squared = self.length_squared();
        let centre = [(along * x - across * y) / squared, (along * y + across * x) / squared];
        let [mut width, mut height] = self.sides();
        let mut angle = y.atan2(x);
        while angle > FRAC_PI_4 {
            angle -= FRAC_PI_2;
            std::mem::swap(&mut width, &mut height);
        }
        while angle < -FRAC_PI_4 {
            angle += FRAC_PI_2;
            std::mem::swap(&mut width, &mut height);
        }
        [centre[0], centre[1], width, height, angle]
    }
}
