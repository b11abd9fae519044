//! What each built-in does, in a line, for editors and for the book.

/// Text by name.
const DOCS: &[(&str, &str)] = &[
    ("abs", "`|x|`, of each element."),
    ("sign", "-1, 0 or 1, of each element."),
    ("exp", "`e^x`, of each element."),
    ("log", "Natural logarithm of each element."),
    ("log1p", "`log(1 + x)`, exact for small x."),
    ("sqrt", "Square root of each element."),
    ("sin", "Sine of each element, in radians."),
    ("cos", "Cosine of each element, in radians."),
    ("atan", "Arc tangent of each element, in radians."),
    ("tanh", "Hyperbolic tangent of each element."),
    ("sigmoid", "`1 / (1 + e^-x)`, of each element."),
    ("erf", "The error function, of each element of a tensor."),
    ("relu", "`max(x, 0)` of each element, with gradient 0 at 0."),
    ("floor", "The largest whole number that is not above, of each element."),
    ("stop_gradient", "The tensor itself, through which no gradient flows: PyTorch's `detach`."),
    ("f32", "As single precision; `true` is 1."),
    ("i32", "As 32-bit integers; fractions are cut off."),
    ("bool", "Whether each element is not 0."),
    ("where", "Elements of `a` where the mask is true, of `b` elsewhere; all three broadcast."),
    ("add", "`x + y`, for `|>` and `fold`."),
    ("sub", "`x - y`, for `|>` and `fold`."),
    ("mul", "`x * y`, for `|>` and `fold`."),
    ("div", "`x / y`, for `|>` and `fold`."),
    ("atan2", "The angle of the point `(x, y)`, in radians between -pi and pi."),
    ("clamp", "`min(max(x, low), high)`; either bound may be left out."),
    ("sum", "Sum over one axis, a list of axes, or all; `where` is a mask of what takes part."),
    ("mean", "Mean over one axis, a list of axes, or all; `where` is a mask of what takes part."),
    ("max", "With two values the larger one of each pair; with one the largest over `axis`, or over all."),
    ("min", "With two values the smaller one of each pair; with one the smallest over `axis`, or over all."),
    (
        "argmax",
        "Index of the largest element along `axis` (the last one when left out), the first of equal ones: `i32`.",
    ),
    ("shape", "The sizes of a tensor, as a list: `shape(x)[0]`."),
    ("rank", "The number of axes of a tensor."),
    (
        "reshape",
        "The elements in the same order under another shape, all of whose sizes are written: `[B, C * H]`.",
    ),
    ("permute", "The axes in another order."),
    ("transpose", "The last two axes swapped."),
    ("flatten", "The axes from `start` (1 when left out) on as one."),
    ("broadcast", "The tensor repeated along axes of size 1, and along new ones in front."),
    ("concat", "Tensors one after the other along `axis` (0 when left out)."),
    ("stack", "Tensors of one shape along a new axis (0 when left out)."),
    ("pad", "`low` elements of `value` before an axis and `high` behind it."),
    (
        "gather",
        "The rows of `x` along `axis` (0 when left out) that `index` names: its axes take the place of that axis.",
    ),
    ("matmul", "Products of the matrices in the last two axes; axes before them broadcast."),
    ("full", "A tensor of one number."),
    ("zeros", "A tensor of zeros, `f32`."),
    ("ones", "A tensor of ones, `f32`."),
    ("zeros_like", "Zeros in the shape of `x`."),
    ("ones_like", "Ones in the shape of `x`."),
    ("iota", "0, 1, 2, .. along the first axis of a size or shape: `i32`. PyTorch's `arange`."),
    ("conv", "Convolution of `x: [N, C, ..]` with `weight: [O, C / groups, ..]`, over one to four axes."),
    (
        "conv_transpose",
        "Transposed convolution to maps of `size`; `weight` is that of the convolution it is the transpose of.",
    ),
    ("max_pool", "The largest element of each window; `stride` is `kernel` when left out."),
    (
        "avg_pool",
        "The mean of each window; `stride` is `kernel` when left out, `count_padding` says whether zeros around the map count.",
    ),
    (
        "grad",
        "The gradient of a scalar by a tensor, a set of parameters, a list or a record, in the structure of that.",
    ),
    ("frozen", "The module with parameters that get no gradient: all, or those whose paths match `only`."),
    ("eval_mode", "The module as it behaves when it is not trained: running statistics, no dropout."),
    ("train_mode", "The module as it behaves when it is trained."),
    ("leaves", "The tensors of `net.params`, of a set of gradients or of a record, as a list."),
    (
        "masked",
        "`x` whose rows along `axis` are padding where `mask: bool[.., n]` is false; reductions leave those out.",
    ),
    ("valid", "The mask of a padded axis: `bool[.., n]`."),
    ("valid_count", "How many rows are no padding: `i32`, one number for each entry of a batch."),
    ("filled", "`x` with a number in place of padding, as an ordinary tensor."),
    (
        "cumsum",
        "Sums up to each element along `axis` (the last one when left out), from the end with `reverse`.",
    ),
    ("cumprod", "Products up to each element along `axis` (the last one when left out)."),
    (
        "argsort",
        "The indices that sort `axis` (the last one when left out): `i32`. Equal elements keep their order.",
    ),
    (
        "sort",
        "`{ values, indices }` of `axis` (the last one when left out) in order. Equal elements keep their order.",
    ),
    (
        "topk",
        "`{ values, indices }` of the `k` largest (or smallest) along `axis` (the last one when left out), in order.",
    ),
    (
        "take_along",
        "For each element of `index` the element of `x` at that place of `axis`: PyTorch's `take_along_dim`.",
    ),
    ("scatter", "`x` with `values` put where `index` says along `axis`."),
    ("scatter_add", "`x` with `values` added where `index` says along `axis`."),
    (
        "select",
        "At most `at_most` of the rows of `x` where the condition holds, the largest by `by` first: a padded axis.",
    ),
    ("rearrange", "Axes split, merged and reordered by a pattern, as in einops: `\"b (h c) -> b h c\"`."),
    ("repeat", "Axes repeated by a pattern, as in einops."),
    (
        "reduce",
        "Axes folded by a pattern, as in einops: `op` is `\"sum\"`, `\"mean\"`, `\"max\"` or `\"min\"`.",
    ),
    ("einsum", "Sums of products by a pattern: `einsum(\"b i, b j -> i j\", a, b)`."),
    ("uniform", "Random numbers in [0, 1), drawn anew in each step from the run's seed."),
    ("normal", "Random numbers of mean 0 and variance 1, drawn anew in each step from the run's seed."),
    ("len", "The number of elements of a list."),
    ("is_list", "Whether a value is a list."),
    ("range", "The whole numbers from the first one up to the second, which is left out, as a list."),
    ("per_axis", "A list as it is, any other value `n` times."),
    ("int", "A static number cut to a whole one."),
    ("float", "A static number as a float."),
    ("tensor", "A constant from nested lists: floats make `f32`, ints `i32`, bools `bool`."),
    ("reversed", "A list from its end to its beginning."),
    ("zip", "The pairs of elements of two lists, as a list."),
    ("shapes", "Images of one shape each, drawn by the program: ten classes."),
    ("moving_shapes", "Videos of shapes that move, drawn by the program, for trackers."),
    ("image_folder", "A folder with a folder of images for each class below the split."),
    ("image_list", "Images that a list names, with their classes."),
    ("cifar", "CIFAR's binary files, 10 or 100 classes."),
    ("sequences", "Folders of frames with the box of one target in each."),
    ("each", "A transform, or a function of an item, applied to every item."),
    ("shuffle", "Items in another random order in each epoch."),
    ("take", "The first items, so many of them."),
    ("batch", "So many items together; the last batch has what is left, unless `drop_last`."),
    (
        "sample",
        "Batches of `per_class` items of each of `classes` classes drawn at random, in place of `shuffle` and `batch`.",
    ),
    ("scenes", "Images of several shapes with their boxes, drawn by the program."),
    ("coco", "Images with boxes in COCO's format."),
    ("voc", "Images with boxes in Pascal VOC's format."),
    ("part", "One of the parts that items are dealt into, the same ones wherever they are named."),
    ("draw", "An epoch of so many items, drawn at random with replacement."),
    (
        "pairs",
        "Two frames of one sequence, at most `within` apart; a share of `negative` of two different ones.",
    ),
    ("mosaic", "Four items in one image, each in a corner (Bochkovskiy et al. 2020)."),
    ("mix", "Items of several data sets, by weight."),
    (
        "resize",
        "Images of a height and width; with `keep_ratio` as large as fits, with pixels of `value` beside.",
    ),
    ("resize_short", "The shorter side at so many pixels, the longer one at most at `max`."),
    ("center_crop", "The middle of an image."),
    ("random_crop", "A random part of an image, of a height and width."),
    (
        "random_resized_crop",
        "A random part of an image, of a share of its area and a ratio of sides, resized.",
    ),
    ("border", "Pixels of `value` on all four sides."),
    ("hflip", "Left and right swapped, with a probability of 0.5 unless another is given."),
    ("vflip", "Top and bottom swapped, with a probability of 0.5 unless another is given."),
    ("grayscale", "All channels as their luminance, always unless a probability is given."),
    (
        "color_jitter",
        "Random factors of brightness, contrast and saturation, and a random shift of hue, as in torchvision.",
    ),
    ("random_erasing", "A random rectangle filled with `value` (Zhong et al. 2020)."),
    ("normalize", "`(x - mean) / std`, channel by channel."),
    ("epoch", "The epoch that is run, from 0."),
    ("iteration", "The iteration that is run, from 0."),
    ("progress", "How much of the run is done, from 0 to 1."),
    ("training", "Whether modules behave as when they are trained."),
    ("pi", "3.14159.."),
    ("inf", "Infinity."),
];

/// What a built-in does.
pub(crate) fn of(name: &str) -> Option<&'static str> {
    DOCS.iter().find(|(own, _)| *own == name).map(|(_, text)| *text)
}

#[cfg(test)]
mod tests {
    use super::super::names;
    use super::*;

    #[test]
    fn every_builtin_is_described_and_nothing_else() {
        let missing: Vec<&str> = names().filter(|name| of(name).is_none()).collect();
        assert!(missing.is_empty(), "nothing is said about {missing:?}");
        let known: Vec<&str> = names().collect();
        let more: Vec<&str> =
            DOCS.iter().map(|(name, _)| *name).filter(|name| !known.contains(name)).collect();
        assert!(more.is_empty(), "{more:?} are no built-ins");
    }
}
