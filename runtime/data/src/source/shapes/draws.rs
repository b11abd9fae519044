//! Random numbers in the order in which a scene asks for them.

use vspec_engine::rng::Stream;

use super::Colour;

/// Smallest distance in RGB between a figure and the mean of its ground.
const CONTRAST: f64 = 0.45;

/// A stream that is read from its start.
pub(super) struct Draws {
    stream: Stream,
    next: u64,
}

impl Draws {
    pub(super) fn new(stream: Stream) -> Self {
        Draws { stream, next: 0 }
    }

    /// A number between two bounds.
    pub(super) fn range(&mut self, low: f64, high: f64) -> f64 {
        self.next += 1;
        low + (high - low) * self.stream.uniform(self.next - 1)
    }

    /// A whole number below `n`.
    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.next += 1;
        self.stream.below(self.next - 1, n)
    }

    /// Any colour.
    pub(super) fn colour(&mut self) -> Colour {
        [self.range(0.0, 1.0), self.range(0.0, 1.0), self.range(0.0, 1.0)]
    }

    /// A colour that can be seen on a ground.
    pub(super) fn colour_apart_from(&mut self, ground: Colour) -> Colour {
        let apart = |c: &Colour| {
            c.iter().zip(ground).map(|(a, b)| (a - b).powi(2)).sum::<f64>() > CONTRAST * CONTRAST
        };
        // No ground is close to most colours, so 16 draws nearly always suffice; the far corner of the cube is always apart.
        let found = (0..16).map(|_| self.colour()).find(apart);
        found.unwrap_or(ground.map(|v| if v < 0.5 { 1.0 } else { 0.0 }))
    }
}
