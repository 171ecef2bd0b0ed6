"""Panels of lesson 02: they turn controls into values, and hold no computation of their own."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.loss_formula import (
    figures,
    information_figures,
    readings,
    training_by_loss,
)
from simmim_lib.panels.controls import dropdown, layout_and_style, slider
from simmim_lib.panels.memory import remember
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture
from simmim_lib.studies import stored

if TYPE_CHECKING:
    import ipywidgets as widgets

CLASS_NAMES = ("3", "5", "8")

START_ON_THE_TRIANGLE = np.array([0.3, 0.42, 0.28])
"""The prediction from which the panel of three classes descends at first; class 0 is true."""


def one_probability(probability: float = 0.1) -> Panel:
    """Return the panel that moves the label's probability and shows what each loss makes of it.

    Args:
        probability: where the slider stands at first, 0.01 to 0.99.
    """
    controls = {"probability": _probability_slider("p of the label", probability)}

    def pictures(values: Values, _: Progress) -> Iterator[Picture]:
        yield figures.one_probability(readings.curves(), values["probability"])

    return Panel(controls, pictures)


def three_classes(loss: str = "written") -> Panel:
    """Return the panel that descends a loss from any prediction over three classes.

    Args:
        loss: a name of `readings.LOSSES`, shown at first.
    """
    controls = {
        "loss": dropdown("Loss", _titles(readings.LOSSES), loss),
        **_prediction_controls(),
    }

    def pictures(values: Values, _: Progress) -> Iterator[Picture]:
        start = np.log(_prediction(values))[None]
        path = readings.descend(values["loss"], np.array([values["label"]]), start)[:, 0]
        map_of_loss = readings.simplex(values["loss"], values["label"])
        yield figures.three_classes(map_of_loss, path, CLASS_NAMES)

    return Panel(controls, pictures)


def one_prediction() -> Panel:
    """Return the panel that measures one prediction for three classes by information theory."""
    import ipywidgets as widgets

    smoothing = widgets.FloatSlider(
        description="Smoothing", min=0, max=0.5, step=0.05, value=0.1, **layout_and_style()
    )
    controls = {**_prediction_controls(), "smoothing": smoothing}

    def pictures(values: Values, _: Progress) -> Iterator[Picture]:
        yield information_figures.one_prediction(
            _prediction(values), values["label"], values["smoothing"], CLASS_NAMES
        )

    return Panel(controls, pictures)


def _prediction_controls() -> "dict[str, widgets.Widget]":
    """Return controls for a true class and a prediction, which `_prediction` reads."""
    first, second, _ = START_ON_THE_TRIANGLE
    return {
        "label": dropdown("True class", [(n, k) for k, n in enumerate(CLASS_NAMES)], 0),
        "first": _probability_slider(f"p of {CLASS_NAMES[0]}", first),
        "second": _probability_slider(f"share of {CLASS_NAMES[1]} in rest", second / (1 - first)),
    }


def _prediction(values: Values) -> np.ndarray:
    """Return the probabilities of the three classes that controls are set to, shape (3,)."""
    first, second = values["first"], values["second"]
    return np.array([first, (1 - first) * second, (1 - first) * (1 - second)])


def real_network(comparison: training_by_loss.LossComparison | None = None) -> Panel:
    """Return the panel that trains the same network by each reading of the formula.

    Args:
        comparison: where the controls stand at first.
    """
    first = comparison or training_by_loss.LossComparison()
    controls = {
        "start": dropdown(
            "Start", [(text, name) for name, text in training_by_loss.STARTS.items()], first.start
        ),
        "optimizer": dropdown("Optimizer", list(training_by_loss.LEARNING_RATES), first.optimizer),
        "seeds": slider("Seeds", sorted({1, 2, 3, first.seeds}), first.seeds),
    }
    return _training_panel(first, controls, figures.real_network)


def noisy_labels(comparison: training_by_loss.LossComparison | None = None) -> Panel:
    """Return the panel that trains on wrong labels, by cross-entropy and by expected accuracy.

    Args:
        comparison: where the controls stand at first.
    """
    losses = ("cross-entropy", "expected-accuracy")
    first = comparison or training_by_loss.LossComparison(
        losses=losses, flipped=0.4, steps=400, seeds=1
    )
    shares = [(f"{percent} %", percent / 100) for percent in range(0, 61, 10)]
    controls = {
        "flipped": slider("Wrong labels", shares, first.flipped),
        "steps": slider("Steps", sorted({200, 400, 600, first.steps}), first.steps),
        "seeds": slider("Seeds", sorted({1, 2, 3, first.seeds}), first.seeds),
    }
    study = stored.load("noisy-labels")
    return _training_panel(first, controls, lambda outcome: figures.noisy_labels(outcome, study))


def _training_panel(
    first: training_by_loss.LossComparison,
    controls: dict[str, Any],
    draw: Callable[[training_by_loss.Outcome], Picture],
) -> Panel:
    def asked(values: Values) -> training_by_loss.LossComparison:
        return dataclasses.replace(first, **values)

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        yield draw(remember(training_by_loss.compare, asked(values), progress))

    return Panel(controls, pictures, lambda values: asked(values).as_code())


def _titles(losses: dict[str, readings.Reading]) -> list[tuple[str, str]]:
    return [(each.title, name) for name, each in losses.items()]


def _probability_slider(description: str, value: float) -> "widgets.FloatSlider":
    import ipywidgets as widgets

    return widgets.FloatSlider(
        description=description, min=0.01, max=0.99, step=0.01, value=value, **layout_and_style()
    )
