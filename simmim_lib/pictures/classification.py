"""Pictures of what a classifier predicts: the confusion matrix and the reliability diagram."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from simmim_lib.calibration import Reliability
from simmim_lib.pictures.charts import every
from simmim_lib.pictures.style import COLOURS, new_figure, shortened, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

MAX_CLASSES = 20
"""With more, a confusion matrix has no room for numbers."""

MAX_NAMES = 50
"""With more classes, a confusion matrix has no room for the names of all of them."""

MAX_CHARACTERS = 36
"""So many fit below a confusion matrix from left to right."""

MIN_PREDICTIONS = 10
"""In a bin of a reliability diagram, for its bar to be drawn: a share of fewer says nothing."""


def confusion_counts(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many images of each class (rows) are taken for each class (columns).

    Args:
        probabilities: (n, classes).
        labels: (n,), the true classes.

    Returns:
        Counts, shape (classes, classes).
    """
    from sklearn.metrics import confusion_matrix

    classes = range(probabilities.shape[-1])
    return confusion_matrix(labels, probabilities.argmax(axis=-1), labels=classes)


def confusion_shares(counts: np.ndarray) -> np.ndarray:
    """Return the share of each true class (rows) that is taken for each class (columns).

    Args:
        counts: from `confusion_counts`, shape (..., classes, classes).

    Returns:
        Shares of the same shape; a class without images has zeros.
    """
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)


def most_confused(matrix: np.ndarray) -> tuple[int, int]:
    """Return the true and the predicted class of a confusion matrix's greatest confusion.

    Args:
        matrix: counts or shares, shape (classes, classes).
    """
    confusions = np.where(np.eye(len(matrix), dtype=bool), 0, matrix)
    true, predicted = np.unravel_index(confusions.argmax(), confusions.shape)
    return int(true), int(predicted)


def draw_confusion(
    axes: "Axes", shares: np.ndarray, numbers: np.ndarray, class_names: Sequence[str]
) -> "AxesImage":
    """Draw a confusion matrix: shares as colours, with a number wherever there is any.

    Args:
        axes: to draw on.
        shares: of each true class (rows) that are taken for each class (columns).
        numbers: whole ones to be written, such as counts or percents, of the same shape.
        class_names: of the classes; long ones are shortened.

    Returns:
        The colours, 0 to 100, for a colour bar.
    """
    image = axes.imshow(100 * shares, cmap="cividis", vmin=0, vmax=100)
    few = len(class_names) <= MAX_CLASSES
    for true, predicted in np.argwhere(numbers) if few else ():
        colour = "black" if shares[true, predicted] > 0.5 else "white"
        text = str(numbers[true, predicted])
        axes.text(predicted, true, text, color=colour, ha="center", va="center", fontsize=9)
    named, size = every(len(class_names), MAX_NAMES), 9 if few else 5
    places, names = range(len(class_names))[named], [*map(shortened, class_names[named])]
    axes.set_xticks(places, names, fontsize=size, rotation=90 * turned(class_names))
    axes.set_yticks(places, names, fontsize=size)
    axes.set(xlabel="predicted class", ylabel="true class")
    axes.grid(visible=False)
    axes.tick_params(length=0)
    return image


def turned(class_names: Sequence[str]) -> bool:
    """Tell whether the names below a confusion matrix are so long that they stand upright."""
    longest = max(map(len, class_names))
    return longest > 2 and longest * len(class_names) > MAX_CHARACTERS


class Words(NamedTuple):
    """What is written beside the parts of a reliability diagram."""

    share: str = "share that is right"
    gap: str = "gap to confidence"
    across: str = "confidence"


OF_CONFIDENCE = Words()


@styled
def draw_reliability(
    diagrams: Mapping[str, Reliability], heading: str = "", words: Words = OF_CONFIDENCE
) -> "Figure":
    """Draw how often predictions of each confidence are right, for one network or two.

    Args:
        diagrams: by title.
        heading: above all of them.
        words: for diagrams of something else, such as the probability of an event.
    """
    figure = new_figure(8, 5.3 if heading else 4.8)
    height = figure.get_figheight()
    for column, (title, reliability) in enumerate(diagrams.items()):
        left = 0.105 + 0.475 * column
        shares = figure.add_axes((left, 1.92 / height, 0.40, 2.5 / height))
        counts = figure.add_axes((left, 1.01 / height, 0.40, 0.62 / height))
        draw_shares_right(shares, reliability, words)
        shares.tick_params(labelbottom=False)
        _draw_counts(counts, reliability)
        counts.set_xlabel(words.across)
        shares.set_title(title, fontsize=11)
        if column == 0:
            shares.set_ylabel(words.share)
            counts.set_ylabel("% of images", fontsize=9)
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=10)
    figure.text(0.02, 1 - 0.1 / height, heading, va="top", fontsize=12)
    return figure


def draw_shares_right(axes: "Axes", reliability: Reliability, words: Words = OF_CONFIDENCE) -> None:
    """Draw a bar of accuracy for each bin of confidence, and what is missing to the confidence.

    Args:
        axes: to draw on.
        reliability: of one network; a bin of fewer than `MIN_PREDICTIONS` has no bar.
        words: as for `draw_reliability`.
    """
    many = reliability.count >= MIN_PREDICTIONS
    accuracy, confidence = reliability.accuracy[many], reliability.confidence[many]
    middles, widths = _bars(reliability)
    bars = middles[many], widths[many]
    axes.bar(bars[0], accuracy, bars[1], color=COLOURS["source"], label=words.share)
    axes.bar(
        bars[0],
        confidence - accuracy,
        bars[1],
        accuracy,
        color="none",
        edgecolor=COLOURS["target"],
        hatch="///",
        label=words.gap,
    )
    axes.plot([0, 1], [0, 1], "--", color=COLOURS["baseline"], label="calibrated")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _draw_counts(axes: "Axes", reliability: Reliability) -> None:
    """Draw how many predictions have each confidence."""
    percent = 100 * reliability.count / reliability.count.sum()
    middles, widths = _bars(reliability)
    axes.bar(middles, percent, widths, color=COLOURS["unlabelled"])
    axes.set(xlim=(0, 1), ylim=(0, 100), yticks=[0, 100])


def _bars(reliability: Reliability) -> tuple[np.ndarray, np.ndarray]:
    """Return where each bin's bar stands, and how wide it is: a little less than the bin."""
    widths = np.diff(reliability.edges)
    return reliability.edges[:-1] + widths / 2, 0.94 * widths
