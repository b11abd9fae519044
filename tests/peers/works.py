"""The works, and the peers that can do each."""

from dataclasses import dataclass

# Peers of training steps of networks of convolutions.
IMAGES = ("eager", "channels-last", "fused", "channels-last-fused", "compile", "dfdx")


@dataclass
class Work:
    """How a work is measured, and the ratio that is aimed at."""

    peers: tuple
    target: float
    # `step`: seconds of a step once it is warm. `memory`: bytes above the process before its variables were there. `first`: seconds
    # from the start of the process to the end of its first step. `compile`: seconds until a step can run.
    kind: str = "step"
    # The spec and the program, where they are not those of the work's own name.
    of: str = ""
    # Everything that the step changes has to agree, not only losses: nothing in it makes small differences large.
    exact: bool = False

    def source(self, name):
        return self.of or name


WORKS = {
    "resnet18-step": Work(IMAGES, 0.44),
    "resnet50-step": Work(IMAGES, 0.65),
    "resnet50-step-memory": Work(IMAGES, 0.6, kind="memory", of="resnet50-step"),
    "resnet18-infer": Work(("eager", "channels-last", "compile", "dfdx"), 0.6),
    "mobile-step": Work(IMAGES, 0.4),
    "darts-cell-step": Work(IMAGES, 0.25),
    "focal-giou": Work(("eager", "compile", "dfdx"), 0.4, exact=True),
    "tal-rule": Work(("eager", "dfdx"), 0.1, exact=True),
    "tood-r18-step": Work(("eager", "channels-last", "fused", "dfdx"), 0.5),
    "vit-step": Work(("eager", "fused", "compile", "dfdx"), 0.8),
    "adamw-25m": Work(("eager", "foreach", "fused", "compile", "dfdx"), 1.05, exact=True),
    "first-step": Work(("eager", "channels-last", "compile", "dfdx"), 0.15, kind="first", of="resnet18-step"),
    "compile": Work(("compile",), 0.02, kind="compile", of="resnet50-step"),
}

TITLES = {
    "eager": "eager",
    "channels-last": "eager, channels last",
    "foreach": "eager, foreach optimizer",
    "fused": "eager, fused optimizer",
    "channels-last-fused": "eager, channels last, fused optimizer",
    "compile": "torch.compile, fused optimizer",
    "dfdx": "dfdx (vspecc --engine dfdx)",
}

UNITS = {"step": ("ms", 1e3), "memory": ("MB", 1e-6), "first": ("s", 1.0), "compile": ("s", 1.0)}
