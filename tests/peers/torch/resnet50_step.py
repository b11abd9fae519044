"""torchvision's ResNet-50, SGD with momentum."""

import torchvision
from harness import main, sgd, trained


def make(peer, given):
    return trained(torchvision.models.resnet50(), sgd(0.01), 4, 224, given, peer)


main(make)
