//! The kinds of figures, placed, turned and drawn without jagged edges.

use std::f64::consts::{PI, TAU};

use super::draws::Draws;

/// Points on a side of the grid that is tested in each pixel.
const SAMPLES: usize = 4;

/// What a figure looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Disc,
    Ring,
    Square,
    Triangle,
    Cross,
    Star,
    Bars,
    Crescent,
    Corner,
    Hourglass,
}

impl Kind {
    /// In the order of their labels.
    pub(super) const ALL: [Kind; 10] = [
        Kind::Disc,
        Kind::Ring,
        Kind::Square,
        Kind::Triangle,
        Kind::Cross,
        Kind::Star,
        Kind::Bars,
        Kind::Crescent,
        Kind::Corner,
        Kind::Hourglass,
    ];

    /// Name of the class.
    pub(super) fn name(self) -> &'static str {
        match self {
            Kind::Disc => "disc",
            Kind::Ring => "ring",
            Kind::Square => "square",
            Kind::Triangle => "triangle",
            Kind::Cross => "cross",
            Kind::Star => "star",
            Kind::Bars => "bars",
            Kind::Crescent => "crescent",
            Kind::Corner => "corner",
            Kind::Hourglass => "hourglass",
        }
    }

    /// Whether a point belongs to the figure of radius 1 around the origin.
    fn contains(self, x: f64, y: f64) -> bool {
        let (ax, ay, r) = (x.abs(), y.abs(), x.hypot(y));
        match self {
            Kind::Disc => r < 0.85,
            Kind::Ring => (0.55..0.95).contains(&r),
            Kind::Square => ax.max(ay) < 0.7,
            Kind::Triangle => y < 0.5 && y > 1.732 * ax - 1.0,
            Kind::Cross => ax.min(ay) < 0.25 && ax.max(ay) < 0.95,
            Kind::Star => r < star_edge(y.atan2(x)),
            Kind::Bars => ay < 0.6 && (ax < 0.16 || (0.46..0.78).contains(&ax)),
            Kind::Crescent => r < 0.95 && (x - 0.5).hypot(y) > 0.75,
            Kind::Corner => ax.max(ay) < 0.7 && x.min(y) < -0.25,
            Kind::Hourglass => ay < 0.72 && ax < 0.08 + 0.8 * ay,
        }
    }
}

/// Distance of the edge of a five-pointed star at an angle: tips at 1, dents at 0.4.
fn star_edge(angle: f64) -> f64 {
    const DENT: f64 = 0.4;
    const HALF: f64 = PI / 5.0;
    // The edge is the straight line from a tip to the next dent, at an angle from the tip.
    let from_tip = HALF - (angle.rem_euclid(2.0 * HALF) - HALF).abs();
    DENT * HALF.sin() / (DENT * (HALF - from_tip).sin() + from_tip.sin())
}

/// A kind at a place, in units of the image's side.
pub(super) struct Figure {
    kind: Kind,
    centre: [f64; 2],
    radius: f64,
    /// Sine and cosine of the rotation.
    turn: (f64, f64),
    /// Height over width.
    aspect: f64,
}

impl Figure {
    /// The figure that the item is about: large and wholly inside the image.
    pub(super) fn subject(kind: Kind, draws: &mut Draws) -> Self {
        let radius = draws.range(0.24, 0.42);
        let centre = [draws.range(radius, 1.0 - radius), draws.range(radius, 1.0 - radius)];
        Figure { kind, centre, radius, turn: draws.range(0.0, TAU).sin_cos(), aspect: 1.0 }
    }

    /// A speck or a streak anywhere.
    pub(super) fn distractor(draws: &mut Draws) -> Self {
        let centre = [draws.range(0.0, 1.0), draws.range(0.0, 1.0)];
        let (kind, radius, aspect) = match draws.below(2) {
            0 => (Kind::Disc, draws.range(0.03, 0.07), 1.0),
            _ => (Kind::Square, draws.range(0.08, 0.2), 0.15),
        };
        Figure { kind, centre, radius, turn: draws.range(0.0, TAU).sin_cos(), aspect }
    }

    /// Share of a square pixel, given by its upper left corner and its side, that the figure covers.
    pub(super) fn coverage(&self, corner: [f64; 2], side: f64) -> f64 {
        let reach = self.radius + side;
        if (0..2).any(|axis| (corner[axis] + side / 2.0 - self.centre[axis]).abs() > reach) {
            return 0.0;
        }
        let step = side / SAMPLES as f64;
        let at = |i: usize, axis: usize| corner[axis] + (i as f64 + 0.5) * step;
        let points = (0..SAMPLES * SAMPLES).map(|i| [at(i % SAMPLES, 0), at(i / SAMPLES, 1)]);
        points.filter(|p| self.contains(*p)).count() as f64 / (SAMPLES * SAMPLES) as f64
    }

    /// A figure of a kind at a place, turned by an angle.
    pub(super) fn at(kind: Kind, centre: [f64; 2], radius: f64, angle: f64) -> Self {
        Figure { kind, centre, radius, turn: angle.sin_cos(), aspect: 1.0 }
    }

    /// A point as the figure sees it: its centre is the origin and its radius 1.
    pub(super) fn inside(&self, point: [f64; 2]) -> [f64; 2] {
        let (dx, dy) = ((point[0] - self.centre[0]) / self.radius, (point[1] - self.centre[1]) / self.radius);
        let (sin, cos) = self.turn;
        [cos * dx + sin * dy, (cos * dy - sin * dx) / self.aspect]
    }

    /// Left, top, right and bottom of what is covered, to a part of `step`.
    pub(super) fn bounds(&self, step: f64) -> [f64; 4] {
        let cells = (2.0 * self.radius / step).ceil() as usize + 1;
        let at = |i: usize, axis: usize| self.centre[axis] - self.radius + i as f64 * step;
        let points = (0..cells * cells).map(|i| [at(i % cells, 0), at(i / cells, 1)]);
        let covered = points.filter(|p| self.contains(*p));
        covered.fold([f64::MAX, f64::MAX, f64::MIN, f64::MIN], |[l, t, r, b], [x, y]| {
            [l.min(x), t.min(y), r.max(x), b.max(y)]
        })
    }

    fn contains(&self, point: [f64; 2]) -> bool {
        let [x, y] = self.inside(point);
        self.kind.contains(x, y)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Share of the square of side 2 around the origin that a kind covers.
    fn area(kind: Kind) -> f64 {
        let at = |i: usize| i as f64 / 100.0 - 0.995;
        let inside = (0..200 * 200).filter(|i| kind.contains(at(i % 200), at(i / 200))).count();
        inside as f64 / 40_000.0
    }

    #[test]
    fn figures_stay_within_their_radius_and_are_neither_tiny_nor_full() {
        for kind in Kind::ALL {
            let outside = (0..720).any(|i| {
                let (sin, cos) = (f64::from(i) * TAU / 720.0).sin_cos();
                kind.contains(1.001 * cos, 1.001 * sin)
            });
            assert!(!outside, "{kind:?} leaves its radius");
            assert!((0.25..0.6).contains(&area(kind)), "{kind:?} covers {}", area(kind));
        }
    }

    #[test]
    fn a_star_has_five_tips_and_five_dents() {
        for i in 0..5 {
            let tip = f64::from(i) * TAU / 5.0;
            assert!((star_edge(tip) - 1.0).abs() < 1e-9);
            assert!((star_edge(tip + PI / 5.0) - 0.4).abs() < 1e-9);
        }
    }

    #[test]
    fn coverage_is_the_share_of_the_pixel() {
        let turn = 0f64.sin_cos();
        let square = Figure { kind: Kind::Square, centre: [0.5, 0.5], radius: 0.5, turn, aspect: 1.0 };
        // The square reaches from 0.15 to 0.85.
        assert_eq!(square.coverage([0.4, 0.4], 0.1), 1.0);
        assert_eq!(square.coverage([0.1, 0.4], 0.1), 0.5);
        assert_eq!(square.coverage([0.0, 0.0], 0.1), 0.0);
    }
}
