"""torchvision's MobileNetV2 without dropout, SGD with momentum."""

import torchvision
from harness import main, sgd, trained


def make(peer, given):
    net = torchvision.models.mobilenet_v2(num_classes=1000, dropout=0.0)
    return trained(net, sgd(0.01), 16, 96, given, peer, [(r"\.layers\.", ".conv.")])


main(make)
