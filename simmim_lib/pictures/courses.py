"""Drawings of an experiment: how it learns, and what came of it beside something else."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import interval, seeds_in_words
from simmim_lib.pictures.charts import error_bar
from simmim_lib.pictures.style import COLOURS, legend_entry, shortened, target_style

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Scores = Mapping[str, np.ndarray]
"""By target, one for each seed, (seeds,)."""


def draw_course(axes: "Axes", course: Course) -> None:
    """Draw what is measured on the validation images while an experiment learns, as far as it is.

    A line is the mean over the seeds, a band goes from the least to the greatest.
    """
    for target, looks in course.validation.items():
        colour, marker = target_style(target)
        low, high = looks.min(axis=1), looks.max(axis=1)
        axes.fill_between(course.steps, low, high, color=colour, alpha=0.15, lw=0)
        label = legend_entry(shortened(datasets.describe(target).title))
        axes.plot(course.steps, looks.mean(axis=1), marker=marker, ms=4, color=colour, label=label)
    axes.set(xlim=(0, course.settings.steps), xlabel="training steps", ylabel="validation accuracy")
    if all((looks >= 0).all() for looks in course.validation.values()):  # errors are negative
        axes.set_ylim(0, 1)
    seeds = seeds_in_words(course.settings.seeds, "mean and range of")
    axes.set_title(f"While it learns ({seeds})", fontsize=11)
    axes.legend(loc="lower right", fontsize=9)


def draw_pairs(axes: "Axes", targets: Sequence[str], filled: Scores, hollow: Scores) -> None:
    """Draw up to two scores of each target below each other: mean, interval and every seed.

    Args:
        axes: to draw on.
        targets: from top to bottom.
        filled: what is drawn with filled signs; empty where training is not done.
        hollow: what is drawn below it with hollow ones; some targets may be missing.
    """
    for row, target in enumerate(targets):
        colour, marker = target_style(target)
        for shift, scores, face in ((0.16, filled, colour), (-0.16, hollow, "white")):
            if target in scores:
                _draw_scores(axes, scores[target], shift - row, marker, colour, face)
    titles = [shortened(datasets.describe(target).title).replace(" ", "\n") for target in targets]
    axes.set_yticks(-np.arange(len(targets)), titles)
    axes.set_ylim(-len(targets) + 0.5, 0.5)
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    if not filled:
        axes.text(0.5, 0.5, "after the last step", transform=axes.transAxes, ha="center")


def _draw_scores(
    axes: "Axes", values: np.ndarray, place: float, marker: str, colour: str, face: str
) -> None:
    mean, half_width = interval(values)
    axes.plot(values, [place] * len(values), "|", ms=8, color=COLOURS["unlabelled"])
    axes.errorbar(
        mean, place, xerr=error_bar(half_width), fmt=marker, color=colour, mfc=face, capsize=3
    )
