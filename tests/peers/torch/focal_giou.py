"""torchvision's sigmoid focal loss, a GIoU loss, and their gradients."""

import torch
from harness import Work, main
from torchvision.ops import sigmoid_focal_loss


def area(box):
    return (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])


def giou_loss(a, b, eps=1e-7):
    """torchvision's formula without its selection by a mask, which is slow and cuts the graph of torch.compile into parts."""
    inner = (torch.min(a[:, 2:], b[:, 2:]) - torch.max(a[:, :2], b[:, :2])).clamp(min=0)
    outer = torch.max(a[:, 2:], b[:, 2:]) - torch.min(a[:, :2], b[:, :2])
    overlap, hull = inner[:, 0] * inner[:, 1], outer[:, 0] * outer[:, 1]
    union = area(a) + area(b) - overlap
    return (1 - (overlap / (union + eps) - (hull - union) / (hull + eps))).mean()


def loss_of(logits, truths, box, target):
    focal = sigmoid_focal_loss(logits, truths, alpha=0.25, gamma=2.0, reduction="sum") / 1000.0
    return focal + giou_loss(box, target)


def make(peer, given):
    names = ["p.logits", "p.truths", "p.box", "p.target"]
    logits, truths, box, target = [given[name] for name in names]
    logits.requires_grad_()
    box.requires_grad_()
    f = peer.compiled(loss_of)

    def step():
        logits.grad = box.grad = None
        loss = f(logits, truths, box, target)
        loss.backward()
        return loss

    def tensors():
        return {"renames": (), "tensors": {"p.logits_gradient": logits.grad, "p.box_gradient": box.grad}}

    return Work(step, tensors)


main(make)
