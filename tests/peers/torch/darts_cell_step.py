"""One normal cell of DARTS with all its candidates, as in the authors' code; SGD with momentum."""

import torch
import torch.nn.functional as F
from harness import main, sgd, trained
from torch import nn


def norm(c, affine=False):
    return nn.BatchNorm2d(c, affine=affine)


class ReluConvNorm(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv = nn.Conv2d(c, c, 1, bias=False)
        self.norm = norm(c)

    def forward(self, x):
        return self.norm(self.conv(F.relu(x)))


class Separable(nn.Module):
    def __init__(self, c, kernel, dilation=1):
        super().__init__()
        padding = dilation * (kernel - 1) // 2
        self.depth = nn.Conv2d(c, c, kernel, padding=padding, dilation=dilation, groups=c, bias=False)
        self.point = nn.Conv2d(c, c, 1, bias=False)
        self.norm = norm(c)

    def forward(self, x):
        return self.norm(self.point(self.depth(F.relu(x))))


class MixedEdge(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.max_norm, self.avg_norm = norm(c), norm(c)
        self.sep3 = nn.Sequential(Separable(c, 3), Separable(c, 3))
        self.sep5 = nn.Sequential(Separable(c, 5), Separable(c, 5))
        self.dil3, self.dil5 = Separable(c, 3, 2), Separable(c, 5, 2)

    def forward(self, x, weight):
        values = [
            x.mul(0.0),
            self.max_norm(F.max_pool2d(x, 3, 1, 1)),
            self.avg_norm(F.avg_pool2d(x, 3, 1, 1, count_include_pad=False)),
            x,
            self.sep3(x),
            self.sep5(x),
            self.dil3(x),
            self.dil5(x),
        ]
        return sum(w * y for w, y in zip(weight, values))


class Cell(nn.Module):
    def __init__(self, c, nodes=4):
        super().__init__()
        self.pre0, self.pre1 = ReluConvNorm(c), ReluConvNorm(c)
        edges = [nn.ModuleList(MixedEdge(c) for _ in range(i + 2)) for i in range(nodes)]
        self.edges = nn.ModuleList(edges)
        self.alpha = nn.Parameter(1e-3 * torch.randn(nodes * (nodes + 3) // 2, 8))

    def forward(self, s0, s1):
        weights, states = F.softmax(self.alpha, 1), [self.pre0(s0), self.pre1(s1)]
        first = 0
        for edges in self.edges:
            states.append(sum(edge(x, weights[first + j]) for j, (edge, x) in enumerate(zip(edges, states))))
            first += len(edges)
        return torch.cat(states[2:], 1)


class Supernet(nn.Module):
    def __init__(self, c=16, classes=10):
        super().__init__()
        self.stem = nn.Conv2d(3, c, 3, padding=1, bias=False)
        self.stem_norm = norm(c, affine=True)
        self.cell = Cell(c)
        self.head = nn.Linear(4 * c, classes)

    def forward(self, x):
        s = self.stem_norm(self.stem(x))
        return self.head(self.cell(s, s).mean((2, 3)))


def make(peer, given):
    return trained(Supernet(), sgd(0.025), 16, 32, given, peer)


main(make)
