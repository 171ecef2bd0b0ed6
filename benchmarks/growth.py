"""How the seconds of an experiment grow with what is asked of it, and what is left to gain."""

import functools
from collections.abc import Sequence

import numpy as np
from timing import Row, matmul_rate, medians, quietly

from simmim_lib.experiments import cost
from simmim_lib.settings import Settings

BASE = Settings(frozen_layers=0, seeds=1)
TASKS = ("mnist", "uci-digits", "fashion")
TRUNKS = {
    "small-cnn": (28, 400),
    "article": (28, 400),
    "small-vit": (28, 60),
    "efficientnet-lite0": (64, 10),
}
"""Sizes at which whole networks are trained, and steps that take long enough to be timed."""


def whole(trunk: str, image_size: int, steps: int = 4) -> Settings:
    """Return how a whole trunk is trained on clothes."""
    return Settings(
        trunk=trunk,
        targets=("fashion",),
        labels_per_class=5,
        image_size=image_size,
        frozen_layers=0,
        steps=steps,
        seeds=1,
    )


def exponent(points: Sequence[tuple[float, float]]) -> float:
    """Return the power with which seconds grow, by least squares of logarithms."""
    asked, seconds = np.log(np.array(points)).T
    return float(np.polyfit(asked, seconds, 1)[0])


def grown(what: str, asked: Sequence[tuple[float, Settings]], rounds: int = 3) -> Row:
    """Time experiments that differ in one number, and fit a power law to their seconds.

    Args:
        what: the number's name.
        asked: the number, and the experiment.
        rounds: of timing all of them in turn.
    """
    works = [functools.partial(quietly, settings) for _, settings in asked]
    seconds = medians(*works, rounds=rounds)
    points = [(size, took) for (size, _), took in zip(asked, seconds, strict=True)]
    told = ", ".join(f"{size:,.0f}: {took:.2f} s" for size, took in points)
    measured = f"power {exponent(points):.2f} ({told})"
    return Row(f"growth with {what}", "shown", measured, points=points)


def with_labels() -> Row:
    each = [(labels, BASE.replace(labels_per_class=labels)) for labels in (5, 10, 20, 50, 100)]
    return grown("labels per class, at equal steps", each)


def with_tasks() -> Row:
    each = [(number, BASE.replace(targets=TASKS[:number])) for number in (1, 2, 3)]
    return grown("tasks, each with images of its own", each)


def with_seeds() -> Row:
    return grown("seeds", [(number, BASE.replace(seeds=number)) for number in (1, 2, 5, 10)])


def with_steps() -> Row:
    return grown("steps", [(steps, BASE.replace(steps=steps)) for steps in (30, 60, 120, 240)])


def with_image_size() -> Row:
    each = [(size**2, whole("efficientnet-lite0", size)) for size in (32, 64, 96)]
    return grown("pixels of an image, EfficientNet-Lite0 trained whole", each, rounds=1)


def with_frozen_layers() -> Row:
    """No power law: freezing saves what is computed once instead of in every step."""
    works = [functools.partial(quietly, BASE.replace(frozen_layers=k)) for k in range(5)]
    taken = medians(*works)
    told = ", ".join(f"{depth}: {each / taken[0]:.2f} x" for depth, each in enumerate(taken))
    points = [(float(depth), each) for depth, each in enumerate(taken)]
    return Row("frozen layers, seconds over those with none", "shown", told, points=points)


def with_arithmetic() -> Row:
    """Trunks of several sizes: the operations of a training, and how long they take."""
    rate = matmul_rate()
    points, told = [], []
    for trunk, (size, steps) in TRUNKS.items():
        few, many = whole(trunk, size), whole(trunk, size, 4 + steps)
        works = (functools.partial(quietly, each) for each in (few, many))
        short, long = medians(*works, rounds=2)
        flops, took = cost.estimate(many).flops - cost.estimate(few).flops, long - short
        points.append((flops / steps / 1e6, took / steps))
        told.append(f"{trunk} {took / steps * 1000:.1f} ms, {flops / took / rate:.0%}")
    return Row(
        "growth with millions of operations: a step that trains a whole trunk, and its share of "
        "the rate of this machine's matrix products",
        "shown",
        f"power {exponent(points):.2f} ({'; '.join(told)})",
        points=points,
    )


ROWS = (
    *(with_labels, with_tasks, with_seeds, with_steps, with_image_size),
    *(with_frozen_layers, with_arithmetic),
)
