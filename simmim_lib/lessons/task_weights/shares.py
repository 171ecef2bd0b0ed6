"""Shares: task weights that sum to one, as ratios, percents and points of a triangle."""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from simmim_lib import weighting
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments import Course, Result
from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.foundation.rounding import largest_remainders
from simmim_lib.settings import Settings, check_task_weights

Shares = tuple[float, ...]
"""Weights of the targets, in order, that sum to 1 (rounded to four digits)."""


FRONT_PERCENTS = (1, 2, 5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 85, 90, 95, 98, 99)
"""The first target's share, in percent, along the front of two targets.

0 and 100 are left out: a target of weight zero is not learnt at all, which is no trade."""


TRIANGLE_PARTS = 6
"""A triangle of shares has this many equal parts along each side."""


def small_experiment(**changes: Any) -> Settings:
    """Return settings of two unlike targets that share a dense layer, and train in a moment.

    Args:
        changes: other values of some fields.
    """
    few = {"targets": ("mnist", "fashion"), "labels_per_class": 20, "frozen_layers": 3, "steps": 72}
    return Settings(**{**few, **changes})


def as_shares(weights: Sequence[float], targets: Sequence[str]) -> Shares:
    """Return weights made to sum to 1.

    Adam takes steps of the same size whatever the loss is multiplied by, so only the weights'
    ratios matter, and only in what the targets share: a head of its own has one loss, and is
    trained alike for every weight above zero.

    Args:
        weights: one for each target, at least 0 and not all 0.
        targets: their names, at least two.

    Raises:
        WorkbookError: one target only, or weights that are not allowed.

    Source: Kingma and Ba 2015, "Adam: A Method for Stochastic Optimization", section 2.1.
    """
    check_several_targets(targets)
    checked = check_task_weights(weights, targets)
    largest = max(checked)
    scaled = [weight / largest for weight in checked]  # so that the sum of huge weights is finite
    total = sum(scaled)
    return tuple(round(weight / total, 4) for weight in scaled)


def read_shares(text: str, targets: Sequence[str]) -> Shares:
    """Return the shares that a ratio stands for, such as "2 : 1" for (0.6667, 0.3333).

    Raises:
        WorkbookError: no ratio of numbers, and as `as_shares`.
    """
    try:
        weights = [float(part) for part in text.split(":")]
    except ValueError:
        example = as_ratio([2, *[1] * (len(targets) - 1)])
        raise WorkbookError(
            f"The weights are {shown(text)}, but must be numbers with colons between them, one for "
            f"each of {', '.join(targets)}: try {example}."
        ) from None
    return as_shares(weights, targets)


def as_ratio(weights: Sequence[float]) -> str:
    """Return weights as `read_shares` takes them, such as "2 : 1"."""
    return " : ".join(f"{weight:g}" for weight in weights)


def check_several_targets(targets: Sequence[str]) -> None:
    """Raise a WorkbookError unless there are two targets or more to weigh against each other."""
    if len(targets) < 2:
        raise WorkbookError(
            f"Task weights weigh targets against each other, but there is only "
            f"{', '.join(targets) or 'none'}: choose at least two, such as 'mnist' and 'fashion'."
        )


def move_share(percent: Sequence[int], moved: int, to: int) -> list[int]:
    """Return whole percents after one of them was moved: the others keep their proportions.

    Args:
        percent: of all targets, at least two.
        moved: the position of the one that was moved.
        to: its new value, 0 to 100.

    Returns:
        Whole percents that sum to 100.
    """
    others = [*percent[:moved], *percent[moved + 1 :]]
    if not any(others):
        others = [1] * len(others)
    rest = in_percent(others, 100 - to)
    return [*rest[:moved], to, *rest[moved:]]


def in_percent(weights: Sequence[float], total: int = 100) -> list[int]:
    """Return weights, not all 0, as whole numbers that sum to a total."""
    exact = np.asarray(weights, dtype=float) / np.max(weights)
    exact *= total / exact.sum()
    return largest_remainders(exact).tolist()


def triangle_ratios() -> list[tuple[int, ...]]:
    """Return ratios of three weights at the points of a triangle, from its top row by row.

    The first weight is largest at the top, the second at the lower left, the third at the right.
    """
    return [
        (TRIANGLE_PARTS - row, row - column, column)
        for row in range(TRIANGLE_PARTS + 1)
        for column in range(row + 1)
    ]


def shares_to_measure(targets: Sequence[str]) -> list[Shares]:
    """Return the shares that show the whole trade-off between two targets or among three.

    Raises:
        WorkbookError: another number of targets.
    """
    ratios: Sequence[Sequence[float]]
    if len(targets) == 2:
        ratios = [(percent, 100 - percent) for percent in FRONT_PERCENTS]
    elif len(targets) == 3:
        ratios = triangle_ratios()
    else:
        raise WorkbookError(
            f"The trade-offs of {len(targets)} targets ({', '.join(targets)}) have no picture: "
            "choose two of them, or three."
        )
    return [as_shares(ratio, targets) for ratio in ratios]


def on_front(measured: Mapping[Shares, Result]) -> set[Shares]:
    """Return those shares that no other ones dominate in mean validation accuracy.

    Validation images decide, as always where something is chosen: the test comes after.
    """
    points = [
        [accuracy.mean() for accuracy in result.validation.values()] for result in measured.values()
    ]
    return set(itertools.compress(measured, weighting.pareto_front(points)))


def weightings_to_compare(settings: Settings, methods: Sequence[str]) -> list[Settings]:
    """Return an experiment with the plain sum, and with each of some weightings instead.

    They share seeds, so labelled images, batches and first weights are the same in all.

    Args:
        settings: the experiment; its own weighting is not used.
        methods: names of `weighting.METHODS`, at least one beside "fixed", the plain sum.

    Raises:
        WorkbookError: one target only, an unknown method or none.
    """
    check_several_targets(settings.targets)
    others = [method for method in dict.fromkeys(methods) if method != "fixed"]
    if not others:
        raise WorkbookError(
            "Nothing is chosen to compare with the plain sum: choose at least one weighting, such "
            "as 'uncertainty' or 'pcgrad'."
        )
    return [settings.replace(weighting=method) for method in ("fixed", *others)]


def against_plain_sum(courses: Mapping[str, Course]) -> dict[str, dict[str, Difference]]:
    """Compare each weighting's test accuracy with the plain sum's, seed by seed.

    Args:
        courses: finished ones by method, that of "fixed" among them, on the same seeds.

    Returns:
        By method (but "fixed") and by target, and under "mean" for the targets' mean accuracy.
    """
    accuracy = {}
    for method, course in courses.items():
        assert course.result is not None
        by_target = course.result.accuracy
        accuracy[method] = {**by_target, "mean": np.mean(list(by_target.values()), axis=0)}
    plain = accuracy.pop("fixed")
    return {
        method: {target: difference(values, plain[target]) for target, values in by_target.items()}
        for method, by_target in accuracy.items()
    }
