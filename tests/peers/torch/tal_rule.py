"""mmdet's own TaskAlignedAssigner, image by image, as its head calls it."""

import mmdet_without_mmcv  # noqa: F401
import torch
from harness import Work, main
from mmdet.models.task_modules.assigners import TaskAlignedAssigner
from mmengine.structures import InstanceData

STRIDES = [8, 16, 32, 64, 128]
ALPHA, BETA = 1, 6


def anchors(height, width):
    """A square of eight strides around the upper left corner of each cell."""
    found = []
    for stride in STRIDES:
        y, x = torch.meshgrid(
            torch.arange(0, height, stride), torch.arange(0, width, stride), indexing="ij"
        )
        point = torch.stack([x, y], 2).reshape(-1, 2).float()
        found.append(torch.cat([point - 4 * stride, point + 4 * stride], 1))
    return torch.cat(found)


def make(peer, given):
    score, box, truth = given["p.score"], given["p.box"], given["p.truth"]
    label = given["p.label"].long()
    assigner, priors = TaskAlignedAssigner(topk=13), anchors(800, 1344)
    found = {}

    def choose(i):
        rows = InstanceData(priors=priors, bboxes=box[i], scores=score[i])
        cols = InstanceData(bboxes=truth[i], labels=label[i])
        chosen = assigner.assign(rows, cols, None, ALPHA, BETA)
        # Overlaps of places without a truth are what mmdet's next lines leave out.
        overlap = torch.where(chosen.gt_inds > 0, chosen.max_overlaps, 0.0)
        return chosen.gt_inds - 1, overlap, chosen.assign_metrics

    @torch.no_grad()
    def step():
        index, overlap, alignment = zip(*(choose(i) for i in range(len(score))))
        found["p.index"] = torch.stack(index).float()
        found["p.overlap"], found["p.alignment"] = torch.stack(overlap), torch.stack(alignment)
        return found["p.overlap"].sum() + found["p.alignment"].sum()

    return Work(step, lambda: {"renames": (), "tensors": found})


main(make)
