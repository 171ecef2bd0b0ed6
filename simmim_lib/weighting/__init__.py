"""Task weights: ways to weigh the losses of several tasks, and measures of the outcome.

`METHODS` is the list of them. A training run makes one object, `create("pcgrad", tasks)`, and asks
it in every step for weights, `.weigh(losses, gram)`. `combine` shows what a gradient-based method
makes of given gradients, and `PROPERTIES` says what each method promises of its steps.

Every step is a weighted sum of the tasks' gradients. GradDrop (Chen et al. 2020, "Just Pick a
Sign") is left out because its step is none: it keeps or drops each task's share of each parameter's
gradient by a coin of its own, which no weight of a whole task can do.

A new method is a class in `by_losses` or `by_gradients`, named in `METHODS`; CONTRIBUTING.md says
what else it needs.
"""

import inspect
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simmim_lib.errors import WorkbookError, check_choice, shown
from simmim_lib.weighting.by_gradients import (
    AlignedMtl,
    CaGrad,
    ConFig,
    DualProj,
    FairGrad,
    GradientMethod,
    ImtlG,
    Mgda,
    NashMtl,
    PcGrad,
    UpGrad,
)
from simmim_lib.weighting.by_losses import (
    DualBalancing,
    DynamicWeightAverage,
    Famo,
    Fixed,
    GradNorm,
    RandomLossWeighting,
    SmoothTchebycheff,
    Uncertainty,
)
from simmim_lib.weighting.geometry import Geometry
from simmim_lib.weighting.measures import check_gradients, cosine, pareto_front, relative_gain
from simmim_lib.weighting.method import Method, check_finite
from simmim_lib.weighting.properties import PROPERTIES, Property

__all__ = [
    "METHODS",
    "PROPERTIES",
    "Combination",
    "Method",
    "Property",
    "check_finite",
    "combine",
    "cosine",
    "create",
    "pareto_front",
    "relative_gain",
]

METHODS: dict[str, type[Method]] = {
    method.name: method
    for method in (
        Fixed,
        RandomLossWeighting,
        Uncertainty,
        DynamicWeightAverage,
        GradNorm,
        Famo,
        SmoothTchebycheff,
        DualBalancing,
        Mgda,
        PcGrad,
        CaGrad,
        ImtlG,
        NashMtl,
        AlignedMtl,
        UpGrad,
        DualProj,
        ConFig,
        FairGrad,
    )
}


@dataclass(frozen=True, eq=False)
class Combination:
    """What a method makes of the tasks' gradients.

    Attributes:
        weights: shape (tasks,).
        direction: the weighted sum of the gradients, which a step goes against, shape
            (parameters,).
    """

    weights: np.ndarray
    direction: np.ndarray


def create(method: str, tasks: int, **options: Any) -> Method:
    """Return a method's object for one training run.

    Args:
        method: a name of `METHODS`.
        tasks: how many there are.
        options: `seed` and `names` (see `Method`), and what the method's class says.

    Raises:
        WorkbookError: an unknown method or option (the nearest name is proposed), too few tasks,
            an option out of range.
    """
    check_choice("weighting", method, METHODS)
    kind = METHODS[method]
    takes = [*_keywords(kind), *_keywords(Method)]
    for option in options:
        check_choice(f"option of {shown(method)}", option, dict.fromkeys(takes))
    return kind(tasks, **options)


def combine(method: str, gradients: ArrayLike, **options: Any) -> Combination:
    """Combine the gradients of several tasks as a gradient-based method does in a training step.

    Args:
        method: a name of `METHODS` whose class sees gradients, such as "mgda".
        gradients: one row for each task, shape (tasks, parameters).
        options: see `create`.

    Raises:
        WorkbookError: an unknown method, one that needs losses, fewer than two tasks, another
            shape, NaN or infinite numbers (with the task).
    """
    check_choice("weighting", method, METHODS)
    if METHODS[method].sees != "gradients":
        able = [name for name, kind in METHODS.items() if kind.sees == "gradients"]
        raise WorkbookError(
            f"{shown(method)} needs losses, not gradients: train with it, or choose one of: "
            f"{', '.join(able)}."
        )
    rows = check_gradients(gradients)
    weighting = create(method, len(rows), **options)
    assert isinstance(weighting, GradientMethod)
    weights = weighting.solve(Geometry.of_gradients(rows))
    return Combination(weights, weights @ rows)


def _keywords(kind: type[Method]) -> list[str]:
    parameters = inspect.signature(kind).parameters.values()
    return [each.name for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
