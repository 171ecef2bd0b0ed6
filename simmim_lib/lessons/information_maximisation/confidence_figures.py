"""Picture of lesson 05: how sure networks are, how often they are right, and what they confuse."""

from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.calibration import Reliability, reliability
from simmim_lib.experiments import Course
from simmim_lib.lessons.information_maximisation.labels_figures import with_labels
from simmim_lib.pictures import classification
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BINS = 5
"""Of confidence: a few hundred images do not fill more."""

SURE = 0.8
"""A prediction is sure above this confidence."""


@styled
def sure_and_right(course: Course, seed: int) -> Picture:
    """Draw how often one of several networks is right when it is sure, and what it confuses.

    Above, the accuracies of all of them show where it stands.

    Args:
        course: of one target, as far as it has come.
        seed: of the network, from 0.
    """
    (target,) = course.settings.targets
    probabilities, labels = course.probabilities[target][seed], course.labels[target][seed]
    counts = classification.confusion_counts(probabilities, labels)
    diagram = reliability(probabilities, labels, BINS)
    figure = new_figure(8, 5.2)
    _draw_accuracies(figure.add_axes((0.09, 0.86, 0.87, 0.07)), course, target, seed)
    bars = figure.add_axes((0.09, 0.20, 0.38, 0.48))
    classification.draw_shares_right(bars, diagram)
    bars.set(xlabel="confidence", ylabel="share that is right")
    bars.set_title(f"calibration error {diagram.expected_error:.0%}", fontsize=11)
    figure.legend(
        *bars.get_legend_handles_labels(), loc="lower left", ncols=3, fontsize=9, columnspacing=1
    )
    table = figure.add_axes((0.57, 0.10, 0.40, 0.58))
    names = [name[:4] for name in datasets.describe(target).class_names]
    shares = classification.confusion_shares(counts)
    classification.draw_confusion(table, shares, counts, names)
    table.set_title(f"run {seed + 1}: {counts.sum()} validation images", fontsize=11)
    return Picture(figure, _describe(course, target, seed, diagram, counts))


def _draw_accuracies(axes: "Axes", course: Course, target: str, seed: int) -> None:
    """Draw a dot for each network, and a filled one for the one that is looked at."""
    accuracies = course.validation[target][-1]
    axes.axhline(0, color=COLOURS["baseline"], lw=1)
    axes.plot(accuracies, 0 * accuracies, "o", ms=10, mfc="none", mec=COLOURS["target"])
    axes.plot(accuracies[seed], 0, "o", ms=10, color=COLOURS["target"])
    for number, accuracy in enumerate(accuracies, start=1):
        axes.annotate(
            f"{number}", (accuracy, 0), (0, 8), textcoords="offset points", ha="center", fontsize=9
        )
    done = f"{course.steps[-1]} of {course.settings.steps} steps"
    axes.set(xlim=(0, 1.02), ylim=(-1, 1.6), yticks=[], xlabel="accuracy (validation)")
    axes.set_title(f"{len(accuracies)} runs {with_labels(course.settings)}, {done}")
    axes.grid(visible=False)


def _describe(
    course: Course, target: str, seed: int, diagram: Reliability, counts: np.ndarray
) -> str:
    probabilities, labels = course.probabilities[target][seed], course.labels[target][seed]
    wrong = probabilities.argmax(axis=-1) != labels
    names = datasets.describe(target).class_names
    mistakes = "none of the images wrong."
    if wrong.any():
        true, predicted = classification.most_confused(counts)
        surely = np.mean(probabilities[wrong].max(axis=-1) > SURE)
        mistakes = (
            f"{wrong.mean():.0%} of the images wrong, {surely:.0%} of these with a confidence "
            f"above {SURE}; most often confused: {names[true]} taken for {names[predicted]}, "
            f"images: {counts[true, predicted]}."
        )
    accuracies = ", ".join(f"{each:.2f}" for each in course.validation[target][-1])
    return (
        f"{target} learnt {with_labels(course.settings)}, each run with other labelled images, "
        f"after {course.steps[-1]} of {course.settings.steps} steps. Validation accuracies: "
        f"{accuracies}. Run {seed + 1}: expected calibration error {diagram.expected_error:.0%}; "
        f"{mistakes}"
    )
