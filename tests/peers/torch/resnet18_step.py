"""torchvision's ResNet-18, SGD with momentum."""

import torchvision
from harness import main, sgd, trained


def make(peer, given):
    return trained(torchvision.models.resnet18(), sgd(0.01), 8, 128, given, peer)


main(make)
