"""Panels of lesson 02: they turn controls into values, and hold no computation of their own."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import fitting, formula, loss_figures, panels
from simmim_lib.figures import Picture
from simmim_lib.training import Progress

if TYPE_CHECKING:
    import ipywidgets as widgets

CLASS_NAMES = ("3", "5", "8")


def one_probability(probability: float = 0.1) -> panels.Panel:
    """Return the panel that moves the label's probability and shows what each loss makes of it.

    Args:
        probability: where the slider stands at first, 0.01 to 0.99.
    """
    controls = {"probability": _share("p of the label", probability)}

    def pictures(values: panels.Values, _: Progress) -> Iterator[Picture]:
        yield loss_figures.one_probability(formula.curves(), values["probability"])

    return panels.Panel(controls, pictures)


def three_classes(loss: str = "written") -> panels.Panel:
    """Return the panel that descends a loss from any prediction over three classes.

    Args:
        loss: a name of `formula.LOSSES`, shown at first.
    """
    controls = {
        "loss": panels._dropdown("Loss", _titles(formula.LOSSES), loss),
        "label": panels._dropdown("True class", [(n, k) for k, n in enumerate(CLASS_NAMES)], 0),
        "first": _share(f"p of {CLASS_NAMES[0]}", 0.3),
        "second": _share(f"share of {CLASS_NAMES[1]} in the rest", 0.6),
    }

    def pictures(values: panels.Values, _: Progress) -> Iterator[Picture]:
        first, second = values["first"], values["second"]
        start = np.array([[first, (1 - first) * second, (1 - first) * (1 - second)]])
        path = formula.descend(values["loss"], np.array([values["label"]]), np.log(start))[:, 0]
        map_of_loss = formula.simplex(values["loss"], values["label"])
        yield loss_figures.three_classes(map_of_loss, path, CLASS_NAMES)

    return panels.Panel(controls, pictures)


def real_network(plan: fitting.Plan | None = None) -> panels.Panel:
    """Return the panel that trains the same network by each reading of the formula.

    Args:
        plan: where the controls stand at first.
    """
    first = plan or fitting.Plan()
    controls = {
        "start": panels._dropdown(
            "Start", [(text, name) for name, text in fitting.STARTS.items()], first.start
        ),
        "optimizer": panels._dropdown("Optimizer", list(fitting.LEARNING_RATES), first.optimizer),
        "seeds": panels._slider("Seeds", sorted({1, 2, 3, first.seeds}), first.seeds),
    }
    return _fitting_panel(first, controls, loss_figures.real_network)


def noisy_labels(plan: fitting.Plan | None = None) -> panels.Panel:
    """Return the panel that trains on wrong labels, by cross-entropy and by expected accuracy.

    Args:
        plan: where the controls stand at first.
    """
    losses = ("cross-entropy", "expected-accuracy")
    first = plan or fitting.Plan(losses=losses, flipped=0.4, steps=400, seeds=1)
    shares = [(f"{percent} %", percent / 100) for percent in range(0, 61, 10)]
    controls = {
        "flipped": panels._slider("Wrong labels", shares, first.flipped),
        "steps": panels._slider("Steps", sorted({200, 400, 600, first.steps}), first.steps),
        "seeds": panels._slider("Seeds", sorted({1, 2, 3, first.seeds}), first.seeds),
    }
    stored = fitting.study("noisy-labels")
    return _fitting_panel(first, controls, lambda fitted: loss_figures.noisy_labels(fitted, stored))


def _fitting_panel(
    first: fitting.Plan, controls: dict[str, Any], draw: Callable[[fitting.Fit], Picture]
) -> panels.Panel:
    def asked(values: panels.Values) -> fitting.Plan:
        return dataclasses.replace(first, **values)

    def pictures(values: panels.Values, progress: Progress) -> Iterator[Picture]:
        yield draw(_fit(asked(values), progress))

    return panels.Panel(controls, pictures, lambda values: asked(values).as_code())


_fits: dict[fitting.Plan, fitting.Fit] = {}


def _fit(plan: fitting.Plan, progress: Progress) -> fitting.Fit:
    """Train, or remember it: going back to a setting should cost nothing."""
    if plan not in _fits:
        _fits[plan] = fitting.fit(plan, progress)
    return _fits[plan]


def _titles(losses: dict[str, formula.Reading]) -> list[tuple[str, str]]:
    return [(each.title, name) for name, each in losses.items()]


def _share(description: str, value: float) -> "widgets.FloatSlider":
    import ipywidgets as widgets

    return widgets.FloatSlider(
        description=description, min=0.01, max=0.99, step=0.01, value=value, **panels._looks()
    )
