"""An update by PyTorch's AdamW of 25 matrices with a million elements each."""

import torch
from harness import Work, main


def make(peer, given):
    parameters = [torch.nn.Parameter(given[f"net.layers.{i}.weight"]) for i in range(25)]
    for i, parameter in enumerate(parameters):
        parameter.grad = given[f"net.layers.{i}.gradient"]
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, **peer.update)
    update = peer.compiled(optimizer.step)

    def step():
        update()
        return parameters[0].detach()[0].sum()

    def tensors():
        return {"renames": (), "tensors": {f"layers.{i}.weight": p.detach() for i, p in enumerate(parameters)}}

    return Work(step, tensors)


main(make)
