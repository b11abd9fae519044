"""mmdet on mmcv-lite: what mmcv compiles is left out, but for sampling at offsets, which is torchvision's."""

import sys
import types

from torchvision.ops import deform_conv2d


class Compiled(types.ModuleType):
    """mmcv's extension: its functions are found, so that modules can be imported, and none of them can be called."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*_, **__):
            raise RuntimeError(f"mmcv-lite has no `{name}`")

        return call


sys.modules["mmcv._ext"] = Compiled("mmcv._ext")

from mmdet.models.dense_heads import tood_head  # noqa: E402


def sampled(x, offset, weight, stride, padding, dilation, groups, deform_groups):
    """mmcv's function. How many groups there are torchvision sees from the shapes."""
    return deform_conv2d(x, offset, weight, None, stride, padding, dilation)


tood_head.deform_conv2d = sampled
