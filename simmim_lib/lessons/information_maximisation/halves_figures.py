"""Pictures of lesson 05: the two halves of the information, and what a network makes of them."""

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import collapse, datasets
from simmim_lib.collapse import Diagnosis
from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import seeds_in_words
from simmim_lib.lessons.information_maximisation.labels_figures import with_labels
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT: dict[str, Any] = {"color": COLOURS["source"]}
WRONG: dict[str, Any] = {"color": COLOURS["target"]}
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)
"""Between neighbours of a spiral that fills a disc evenly, as the seeds of a sunflower do."""


@styled
def two_halves(courses: Sequence[Course]) -> Picture:
    """Draw what a network predicts now, as points and on average, and how it came to that.

    Args:
        courses: of one experiment with one target and one seed, a look longer each; the last is
            now.
    """
    now = courses[-1]
    (target,) = now.settings.targets
    looks = [course.probabilities[target][0] for course in courses]
    diagnosis = _diagnosis(now, target)
    figure = new_figure(8, 6.6)
    _draw_decagon(figure.add_axes((0.0, 0.27, 0.54, 0.705)), now, target)
    _write_alarm(figure, diagnosis, (0.025, 0.155))
    _draw_mean_prediction(figure.add_axes((0.62, 0.745, 0.355, 0.20)), looks[-1], target)
    _draw_halves(figure.add_axes((0.62, 0.405, 0.355, 0.21)), now, looks)
    _draw_accuracy(figure.add_axes((0.62, 0.085, 0.355, 0.21)), now, target)
    return Picture(figure, _describe_halves(now, target, looks, diagnosis))


def halves(probabilities: np.ndarray) -> tuple[float, float]:
    """Return H(mean p) and mean H(p) of a batch in nats; their difference is the information.

    Args:
        probabilities: (n, classes).
    """
    from scipy.stats import entropy

    return float(entropy(probabilities.mean(axis=0))), float(entropy(probabilities, axis=1).mean())


def _diagnosis(course: Course, target: str) -> Diagnosis:
    """Return what the alarm says: of the result, or while there is none, of the watched images."""
    if course.result and target in course.result.diagnostics:
        return course.result.diagnostics[target]
    probabilities = course.probabilities[target]
    classes = probabilities.shape[-1]
    prior = course.settings.class_prior or (1 / classes,) * classes
    return collapse.diagnose(np.log(probabilities + 1e-30), np.array(prior))


def corners(classes: int) -> np.ndarray:
    """Return the corners of a regular polygon, the first on top, clockwise, shape (classes, 2)."""
    angles = 2 * np.pi * np.arange(classes) / classes
    return np.stack([np.sin(angles), np.cos(angles)], axis=1)


def _draw_decagon(axes: "Axes", course: Course, target: str) -> None:
    """Put each prediction at the mean of the corners, weighted by the classes' probabilities."""
    data = datasets.load(target)
    probabilities, labels = course.probabilities[target][0], course.labels[target][0]
    places = corners(len(data.class_names))
    axes.fill(*places.T, facecolor="none", edgecolor="#888888")
    for place in places:
        axes.plot([0, place[0]], [0, place[1]], color="#DDDDDD", lw=0.8)
    points = probabilities @ places + _piled(probabilities)
    right = probabilities.argmax(axis=1) == labels
    for label, name in enumerate(data.class_names):
        symbol = name if len(name) == 1 and name.isalnum() and name.isascii() else label
        sign: dict[str, Any] = {"marker": f"${symbol}$", "ls": "", "mew": 0.3}
        for chosen, style, size in ((right, RIGHT, 6), (~right, WRONG, 7.5)):
            axes.plot(*points[chosen & (labels == label)].T, ms=size, **sign, **style)
        _name_corner(axes, 1.2 * places[label], name)
    counts = (f"{right.sum()} right", 1.33, RIGHT), (f"{(~right).sum()} wrong", 1.2, WRONG)
    for text, height, style in counts:
        axes.text(-1.26, height, text, fontsize=11, weight="bold", va="top", **style)
    axes.set(aspect="equal", xlim=(-1.3, 1.3), ylim=(-1.33, 1.33))
    axes.axis("off")


def _name_corner(axes: "Axes", place: np.ndarray, name: str) -> None:
    box = {"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": "#888888"}
    x, y = place
    axes.text(x, y, name[:4], ha="center", va="center", fontsize=12, bbox=box)


def _piled(probabilities: np.ndarray) -> np.ndarray:
    """Return moves, (n, 2), that lay certain predictions of a class beside each other.

    They would hide each other at the corner; in a spiral, the area of a pile goes with its number.
    """
    classes = probabilities.argmax(axis=1)
    rank = np.array([np.sum(classes[:place] == guess) for place, guess in enumerate(classes)])
    radii = 0.029 * np.sqrt(rank) * probabilities.max(axis=1) ** 2
    angles = GOLDEN_ANGLE * rank
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _write_alarm(figure: "Figure", diagnosis: Diagnosis, place: tuple[float, float]) -> None:
    rings = bool(diagnosis.collapsed.any())
    box: dict[str, Any] = {
        "boxstyle": "round,pad=0.5",
        "facecolor": "white",
        "edgecolor": COLOURS["target"] if rings else "#BBBBBB",
        "linewidth": 2.5 if rings else 1,
    }
    text = f"{'ALARM' if rings else 'Alarm silent'}: {diagnosis}"
    words = "\n".join(textwrap.wrap(text, 58))
    figure.text(*place, words, fontsize=10, va="center", bbox=box, linespacing=1.4)
    note = "Each digit is an image: middle, unsure; corner, sure. Blue is right."
    figure.text(place[0], 0.025, note, fontsize=9, color="#555555")


def _draw_mean_prediction(axes: "Axes", probabilities: np.ndarray, target: str) -> None:
    names = datasets.describe(target).class_names
    mean = 100 * probabilities.mean(axis=0)
    largest = int(mean.argmax())
    places = np.arange(len(names))
    marked = places == largest
    axes.bar(places[~marked], mean[~marked], color=COLOURS["unlabelled"])
    axes.bar(largest, mean[largest], color=COLOURS["trained"], hatch="//", edgecolor="black")
    axes.text(largest, mean[largest], f"{mean[largest]:.0f} %", ha="center", va="bottom")
    even = 100 / len(names)
    axes.axhline(even, ls="--", lw=1, color=COLOURS["baseline"])
    axes.set_xticks(places, [name[:4] for name in names], fontsize=10)
    axes.set(ylim=(0, 100), yticks=[0, even, 50, 100], ylabel="share (%)")
    axes.set_title("Mean prediction", fontsize=11)


def _draw_halves(axes: "Axes", course: Course, looks: Sequence[np.ndarray]) -> None:
    spread, doubt = np.array([halves(look) for look in looks]).T
    steps = course.steps
    largest = np.log(looks[-1].shape[-1])
    axes.fill_between(
        steps, doubt, spread, facecolor="#E8E8E8", edgecolor="#BBBBBB", hatch="//", lw=0
    )
    axes.plot(steps, spread, "-o", ms=4, color="black")
    axes.plot(steps, doubt, ":s", ms=4, color="black")
    axes.axhline(largest, ls="--", lw=1, color=COLOURS["baseline"])
    axes.set(xlim=(0, course.settings.steps), ylim=(-0.1, 2.6), ylabel="nats")
    axes.set_yticks([0, 1, largest], ["0", "1", f"{largest:.1f}"])
    axes.tick_params(labelbottom=False)
    both = f"● H(mean p) {spread[-1]:.2f}  −  ■ mean H(p) {doubt[-1]:.2f}"
    title = f"{both}\n=  information {spread[-1] - doubt[-1]:.2f} (hatched)"
    axes.set_title(title, fontsize=10, x=-0.12)


def _draw_accuracy(axes: "Axes", course: Course, target: str) -> None:
    values = course.validation[target][:, 0]
    axes.plot(course.steps, values, "-o", ms=4, color=COLOURS["target"])
    axes.set(
        xlim=(0, course.settings.steps),
        ylim=(0, 1.02),
        yticks=[0, 0.5, 1],
        xlabel="training steps",
        ylabel="share right",
    )
    axes.set_title(f"Validation accuracy {values[-1]:.2f}", fontsize=11)


def _describe_halves(
    course: Course, target: str, looks: Sequence[np.ndarray], diagnosis: Diagnosis
) -> str:
    settings = course.settings
    accuracy = course.validation[target][:, 0]
    spread, doubt = halves(looks[-1])
    mean = looks[-1].mean(axis=0)
    largest = datasets.describe(target).class_names[int(mean.argmax())]
    return (
        f"Information {settings.information:g}, spread {settings.spread:g}, {target} "
        f"{with_labels(settings)}, {seeds_in_words(settings.seeds)}, after {course.steps[-1]} of "
        f"{settings.steps} steps. "
        f"Predictions of {len(looks[-1])} validation images as points between the classes' "
        f"corners: accuracy {accuracy[-1]:.2f}, at the start {accuracy[0]:.2f}. The mean "
        f"prediction gives class {largest} the largest share, {mean.max():.0%}. H(mean p) "
        f"{spread:.2f} nats minus mean H(p) {doubt:.2f} is the information, {spread - doubt:.2f}. "
        f"The alarm: {diagnosis}."
    )
