"""What learning from unlabelled images costs, and how soon it pays: lesson 05."""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from joint import torch_network
from timing import Row, medians

import simmim_lib
from simmim_lib import datasets, experiments, information, training, trunks
from simmim_lib.experiments.examples import UNLABELLED_BATCH_SIZE
from simmim_lib.experiments.network import build_architecture
from simmim_lib.settings import INFORMED, Settings

STEPS = 40
LABELLED, UNLABELLED = Settings().batch_size, UNLABELLED_BATCH_SIZE
ALL = LABELLED + 2 * UNLABELLED  # two views of each unlabelled image
RECIPE = information.Recipe(information=1.0, agreement=1.0, augmentation=1.0)


def one_network(labelled: int, unlabelled: int, recipe: information.Recipe | None) -> Callable:
    """Return what trains one network on so many images a step."""
    part = datasets.load("mnist").train
    model = build_architecture((simmim_lib.Task("mnist", datasets.DIGITS),)).model
    weights = [weight[None] for weight in trunks.fresh_weights(model, 0)]
    others = training.Unlabelled(
        part.images,
        training.draw_batches(len(part), unlabelled, STEPS, 1)[None],
        np.full(len(datasets.DIGITS), 1 / len(datasets.DIGITS)),
    )
    examples = training.Examples(
        part.images[None],
        part.labels[None],
        training.draw_batches(len(part), labelled, STEPS, 0)[None],
        others if recipe else None,
    )
    options = training.Options(recipe=recipe)
    return lambda: training.train(model, weights, [examples], options)


def a_step() -> Row:
    with_them, without = medians(
        one_network(LABELLED, UNLABELLED, RECIPE), one_network(ALL, 1, None)
    )
    return Row(
        f"(p) a step on {LABELLED} labelled images and two views of {UNLABELLED} others, over a "
        f"step on {ALL} labelled ones",
        "at most 1.3 x",
        f"{with_them / without:.2f} x ({1000 * with_them / STEPS:.0f} ms a step)",
        with_them / without <= 1.3,
    )


def until_good() -> Row:
    """The way of a learner in a fresh process: compiling counts."""
    settings = Settings(labels_per_class=5, steps=600, seeds=1, **INFORMED)
    taken = []
    for _ in ("compiled", "again"):
        start = time.perf_counter()
        for course in experiments.follow(settings):
            if course.validation["mnist"][-1, 0] >= 0.95:
                taken.append(time.perf_counter() - start)
                break
    told = ", ".join(f"{each:.1f} s" for each in taken) or "not reached"
    return Row(
        "(q) MNIST from 5 labels per class: seconds to 0.95 on validation images, the first time "
        "and once compiled",
        "shown",
        told,
    )


def unlabelled_against_torch() -> Row:
    what = "(r) PyTorch over ours, the same step on labelled and unlabelled images"
    try:
        import torch
    except ImportError:
        return Row(what, "slower", "left out: torch is not installed (pip install '.[bench]')")
    part = datasets.load("mnist").train
    images = torch.tensor(np.ascontiguousarray(part.images.transpose(0, 3, 1, 2)))
    labels = torch.tensor(part.labels, dtype=torch.long)
    trunk, heads = torch_network(1)
    network = torch.nn.Sequential(trunk, heads[0])
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-7)

    def theirs() -> None:
        for step in range(STEPS):
            known = torch.randint(len(images), (LABELLED,))
            other = torch.randint(len(images), (UNLABELLED,))
            strengths = [
                torch.full((len(group),), strength)
                for group, strength in zip(
                    (known, other, other), information.STRENGTHS, strict=True
                )
            ]
            views = torch_views(images[torch.cat((known, other, other))], torch.cat(strengths))
            optimizer.zero_grad()
            loss = torch_loss(network(views), labels[known], min(1, step / RECIPE.ramp))
            loss.backward()
            optimizer.step()

    fast, slow = medians(one_network(LABELLED, UNLABELLED, RECIPE), theirs)
    return Row(what, "slower", f"{slow / fast:.1f} x ({slow:.2f} s and {fast:.2f} s)", slow > fast)


def torch_views(images: Any, strengths: Any) -> Any:
    """Return the images under affine maps as strong as ours, by PyTorch's own sampler."""
    import torch

    number = len(images)
    angle, shear = 0.15 * torch.randn(2, number) * strengths
    stretch = 1 + 0.15 * strengths * (2 * torch.rand(2, number) - 1)
    shift = 1.2 / 14 * torch.randn(2, number) * strengths  # the sampler's width is 2
    cos, sin = torch.cos(angle), torch.sin(angle)
    rows = torch.stack(
        [
            torch.stack([cos * stretch[0], (cos * shear - sin) * stretch[1], shift[0]], dim=1),
            torch.stack([sin * stretch[0], (sin * shear + cos) * stretch[1], shift[1]], dim=1),
        ],
        dim=1,
    )
    grid = torch.nn.functional.affine_grid(rows, list(images.shape), align_corners=True)
    return torch.nn.functional.grid_sample(images, grid, align_corners=True)


def torch_loss(logits: Any, labels: Any, ramp: float) -> Any:
    """Return cross-entropy, lack of information and disagreement, weighted as in the recipe."""
    from torch.nn import functional

    known, weak, strong = logits.split([LABELLED, UNLABELLED, UNLABELLED])
    log_p = functional.log_softmax(weak, dim=1)
    p = log_p.exp()
    mean = p.mean(dim=0)
    lack = (mean * (mean + 1e-8).log()).sum() - (p * log_p).sum(dim=1).mean()
    teacher = p.detach()
    sure = (teacher.max(dim=1).values > RECIPE.confidence).float()
    apart = functional.cross_entropy(strong, teacher, reduction="none")
    extra = RECIPE.information * lack + RECIPE.agreement * (sure * apart).mean()
    return functional.cross_entropy(known, labels) + ramp * extra


ROWS = (a_step, until_good, unlabelled_against_torch)
