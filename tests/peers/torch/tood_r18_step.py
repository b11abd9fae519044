"""mmdet's own ResNet-18, FPN and TOODHead with its losses, SGD with momentum."""

import mmdet_without_mmcv  # noqa: F401
import torch
from harness import Work, load, main, named, sgd
from mmdet.models.backbones import ResNet
from mmdet.models.dense_heads import TOODHead
from mmdet.models.necks import FPN
from mmengine.config import ConfigDict
from mmengine.logging import MessageHub
from mmengine.structures import InstanceData
from torch import nn

SIZE = 512
RENAMES = (
    (r"^neck\.inner_blocks\.(\d)\.0", r"neck.lateral_convs.\1.conv"),
    (r"^neck\.layer_blocks\.(\d)\.0", r"neck.fpn_convs.\1.conv"),
    (r"^neck\.extra_blocks\.p6", "neck.fpn_convs.3.conv"),
    (r"^neck\.extra_blocks\.p7", "neck.fpn_convs.4.conv"),
)


def head():
    return TOODHead(
        num_classes=80,
        in_channels=256,
        stacked_convs=6,
        feat_channels=256,
        anchor_type="anchor_free",
        anchor_generator=dict(
            type="AnchorGenerator",
            ratios=[1.0],
            octave_base_scale=8,
            scales_per_octave=1,
            strides=[8, 16, 32, 64, 128],
        ),
        loss_cls=dict(
            type="QualityFocalLoss", use_sigmoid=True, activated=True, beta=2.0, loss_weight=1.0
        ),
        loss_bbox=dict(type="GIoULoss", loss_weight=2.0),
        train_cfg=ConfigDict(
            initial_epoch=0,
            initial_assigner=dict(type="ATSSAssigner", topk=9),
            assigner=dict(type="TaskAlignedAssigner", topk=13),
            alpha=1,
            beta=6,
            allowed_border=-1,
            pos_weight=-1,
        ),
    )


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = ResNet(depth=18, norm_eval=False, frozen_stages=-1)
        self.neck = FPN(
            [64, 128, 256, 512], 256, num_outs=5, start_level=1, add_extra_convs="on_output"
        )
        self.bbox_head = head()

    def forward(self, image):
        return self.bbox_head(self.neck(self.backbone(image)))


def truths(given):
    """The boxes and labels of each image; vspecc pads them to one number."""
    if given is None:
        first = torch.rand(4, 5, 2) * SIZE / 2
        box, label = torch.cat([first, first + 10 + SIZE / 4], 2), torch.randint(0, 80, (4, 5))
        there = torch.ones(4, 5, dtype=torch.bool)
    else:
        box, label, there = (given[f"b.truths.{name}"] for name in ("box", "label", "there"))
    rows = zip(box, label.long(), there.bool())
    return [InstanceData(bboxes=b[t], labels=l[t]) for b, l, t in rows]


def make(peer, given):
    # The head asks in which epoch it is; this is the first one, and no epoch is ATSS's.
    MessageHub.get_current_instance().update_info("epoch", 0)
    net = Detector()
    if given is not None:
        load(net, given, RENAMES)
    net = net.to(memory_format=peer.layout).train()
    image = torch.rand(4, 3, SIZE, SIZE) if given is None else given["b.image"]
    image = image.contiguous(memory_format=peer.layout)
    metas = [{"img_shape": (SIZE, SIZE), "pad_shape": (SIZE, SIZE)}] * len(image)
    wanted = truths(given)
    optimizer = sgd(0.01, weight_decay=1e-4)(net.parameters(), **peer.update)
    forward = peer.compiled(net)

    def step():
        optimizer.zero_grad()
        losses = net.bbox_head.loss_by_feat(*forward(image), wanted, metas)
        loss = sum(sum(parts) for parts in losses.values())
        loss.backward()
        optimizer.step()
        return loss

    return Work(step, lambda: named(net, RENAMES))


main(make)
