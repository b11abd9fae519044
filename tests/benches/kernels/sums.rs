//! Kernels that are sums of products: convolutions, their transposes, and products of matrices.

use super::Kernel;

/// A convolution: its maps, and how its windows lie, which is the same along each axis.
struct Windows {
    images: usize,
    channels: [usize; 2],
    size: Vec<usize>,
    kernel: usize,
    stride: usize,
    dilation: usize,
    groups: usize,
}

/// Square windows over square maps: images, channels before and behind, size, kernel, stride, groups.
const SQUARE: [[usize; 7]; 37] = [
    [8, 3, 64, 128, 7, 2, 1],
    [8, 64, 64, 32, 3, 1, 1],
    [8, 64, 128, 32, 3, 2, 1],
    [8, 64, 128, 32, 1, 2, 1],
    [8, 128, 128, 16, 3, 1, 1],
    [8, 128, 256, 16, 3, 2, 1],
    [8, 256, 256, 8, 3, 1, 1],
    [8, 512, 512, 4, 3, 1, 1],
    [8, 256, 64, 32, 1, 1, 1],
    [16, 96, 96, 32, 3, 1, 96],
    [16, 96, 96, 32, 5, 1, 96],
    [16, 960, 960, 3, 3, 1, 960],
    [16, 576, 576, 6, 3, 1, 576],
    [16, 192, 192, 12, 3, 1, 192],
    [16, 144, 144, 24, 3, 1, 144],
    [16, 96, 96, 48, 3, 2, 96],
    [16, 16, 16, 32, 3, 1, 16],
    [16, 16, 16, 32, 5, 1, 16],
    [16, 16, 16, 32, 1, 1, 1],
    [16, 16, 96, 48, 1, 1, 1],
    [16, 144, 24, 24, 1, 1, 1],
    [16, 384, 64, 6, 1, 1, 1],
    [16, 3, 32, 96, 3, 2, 1],
    [4, 64, 256, 56, 1, 1, 1],
    [4, 256, 64, 56, 1, 1, 1],
    [4, 256, 128, 56, 1, 1, 1],
    [4, 128, 512, 28, 1, 1, 1],
    [4, 512, 128, 28, 1, 1, 1],
    [4, 256, 1024, 14, 1, 1, 1],
    [4, 1024, 256, 14, 1, 1, 1],
    [4, 512, 2048, 7, 1, 1, 1],
    [4, 2048, 512, 7, 1, 1, 1],
    [4, 1024, 2048, 14, 1, 2, 1],
    [4, 64, 64, 56, 3, 1, 1],
    [4, 128, 128, 28, 3, 1, 1],
    [4, 256, 256, 14, 3, 1, 1],
    [4, 512, 512, 7, 3, 1, 1],
];

impl Windows {
    fn square([images, inputs, outputs, size, kernel, stride, groups]: [usize; 7]) -> Self {
        let (channels, size) = ([inputs, outputs], vec![size; 2]);
        Windows { images, channels, size, kernel, stride, dilation: 1, groups }
    }

    /// As many channels behind windows that move by one, over maps of any rank.
    fn of(images: usize, channels: usize, size: &[usize], kernel: usize) -> Self {
        let (channels, size) = ([channels; 2], size.to_vec());
        Windows { images, channels, size, kernel, stride: 1, dilation: 1, groups: 1 }
    }

    /// The convolution and both of its transposes.
    fn passes(&self) -> [Kernel; 3] {
        let Windows { images, channels: [inputs, outputs], ref size, kernel, stride, dilation, groups } =
            *self;
        let padding = dilation * (kernel - 1) / 2;
        let behind = |size: &usize| (size + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1;
        let shape = |first: [usize; 2], sizes: Vec<usize>| [first.to_vec(), sizes].concat();
        let x = shape([images, inputs], size.clone());
        let w = shape([outputs, inputs / groups], vec![kernel; size.len()]);
        let y = shape([images, outputs], size.iter().map(behind).collect());
        let flops = 2 * y.iter().product::<usize>() * w[1..].iter().product::<usize>();
        let conv = format!(
            "conv(m.x, m.w, stride = {stride}, padding = {padding}, dilation = {dilation}, groups = {groups})"
        );
        let tensors: [(&str, &[usize]); 3] = [("x", &x), ("w", &w), ("y", &y)];
        let bodies = [
            ("forward", format!("update m.y = {conv}")),
            ("input", format!("update m.x = grad(sum({conv} * m.y), m.x)")),
            ("weight", format!("update m.w = grad(sum({conv} * m.y), m.w)")),
        ];
        bodies.map(|(pass, body)| Kernel::new(format!("{}, {pass}", self.name()), flops, &tensors, &body))
    }

    fn name(&self) -> String {
        let by = |sizes: &[usize]| sizes.iter().map(usize::to_string).collect::<Vec<_>>().join("x");
        let [inputs, outputs] = self.channels;
        let (size, kernel) = (by(&self.size), by(&vec![self.kernel; self.size.len()]));
        let mut name = format!("{}x{inputs}x{size} -> {outputs}, {kernel}", self.images);
        for (what, value) in [("by", self.stride), ("dilation", self.dilation), ("groups", self.groups)] {
            if value > 1 {
                name += &format!(" {what} {value}");
            }
        }
        name
    }
}

pub(super) fn convolutions() -> impl Iterator<Item = Kernel> {
    let others = [
        Windows { groups: 32, ..Windows::of(4, 128, &[28, 28], 3) },
        Windows { dilation: 2, ..Windows::of(4, 64, &[32, 32], 3) },
        Windows::of(16, 64, &[1024], 9),
        Windows::of(2, 32, &[8, 28, 28], 3),
        Windows::of(1, 8, &[6, 6, 12, 12], 3),
    ];
    SQUARE.into_iter().map(Windows::square).chain(others).flat_map(|windows| windows.passes())
}

/// Those that go through Winograd's transforms otherwise.
pub(super) fn convolutions_without_winograd() -> impl Iterator<Item = Kernel> {
    let own = SQUARE.into_iter().filter(|[.., kernel, _, groups]| *kernel > 1 && *groups == 1);
    let passes = own.map(Windows::square).flat_map(|windows| windows.passes());
    passes.map(|kernel| Kernel { name: format!("{}, sums", kernel.name), ..kernel })
}

/// Matrices in a batch, rows, terms, columns.
const PRODUCTS: [[usize; 4]; 6] = [
    [1, 512, 512, 512],
    [1, 1024, 1024, 1024],
    [1, 788, 192, 768],
    [1, 8, 512, 1000],
    [12, 197, 64, 197],
    [12, 197, 197, 64],
];

pub(super) fn products() -> impl Iterator<Item = Kernel> {
    PRODUCTS.into_iter().map(|[batch, rows, terms, columns]| {
        let tensors: [(&str, &[usize]); 3] =
            [("a", &[batch, rows, terms]), ("b", &[batch, terms, columns]), ("c", &[batch, rows, columns])];
        let name = format!("{batch} of {rows} x {terms} x {columns}");
        Kernel::new(name, 2 * batch * rows * terms * columns, &tensors, "update m.c = matmul(m.a, m.b)")
    })
}
