"""torchvision's sigmoid focal loss and GIoU loss, and their gradients."""

import torch
from harness import Work, main
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss


def loss_of(logits, truths, box, target):
    focal = sigmoid_focal_loss(logits, truths, alpha=0.25, gamma=2.0, reduction="sum") / 1000.0
    return focal + generalized_box_iou_loss(box, target, reduction="mean", eps=1e-7)


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
