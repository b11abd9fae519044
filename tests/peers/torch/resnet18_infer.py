"""torchvision's ResNet-18 on one image, with its norms folded into the convolutions."""

import torch
import torch.nn.functional as F
import torchvision
from harness import Work, batch, load, main
from torch.nn.utils import fuse_conv_bn_eval


def folded(net):
    for block in net.modules():
        for conv, norm in [("conv1", "bn1"), ("conv2", "bn2"), ("0", "1")]:
            if isinstance(getattr(block, norm, None), torch.nn.BatchNorm2d):
                setattr(block, conv, fuse_conv_bn_eval(getattr(block, conv), getattr(block, norm)))
                setattr(block, norm, torch.nn.Identity())
    return net


def make(peer, given):
    net = torchvision.models.resnet18().eval()
    if given is not None:
        load(net, given)
    net = folded(net).to(memory_format=peer.layout)
    image, label = batch(given, 1, 224)
    image = image.contiguous(memory_format=peer.layout)
    if peer.compiles:
        # Weights become constants, which the compiler brings into the layouts of its kernels.
        torch._inductor.config.freezing = True
    loss_of = peer.compiled(lambda x, y: F.cross_entropy(net(x), y))

    def step():
        with torch.no_grad():
            return loss_of(image, label)

    return Work(step, lambda: {"renames": (), "tensors": {}})


main(make)
