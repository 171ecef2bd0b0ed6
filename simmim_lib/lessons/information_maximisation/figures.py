"""Pictures of lesson 05: what images without labels teach, and what can go wrong."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, information
from simmim_lib.calibration import Reliability
from simmim_lib.errors import check_choice
from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import Difference, difference, interval
from simmim_lib.information import Diagnosis
from simmim_lib.pictures import charts
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled
from simmim_lib.settings import Settings
from simmim_lib.studies.stored import Record, StoredStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

RIGHT: dict[str, Any] = {"color": COLOURS["source"]}
WRONG: dict[str, Any] = {"color": COLOURS["target"]}
GOLDEN_ANGLE = np.pi * (3 - 5**0.5)
"""Between neighbours of a spiral that fills a disc evenly, as the seeds of a sunflower do."""

BAND: dict[str, Any] = {"alpha": 0.18, "lw": 0}
"""How the interval around a curve is drawn."""


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
    return information.diagnose(np.log(probabilities + 1e-30), np.array(prior))


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
        sign: dict[str, Any] = {
            "marker": f"${name if len(name) == 1 else label}$",
            "ls": "",
            "mew": 0.3,
        }
        for chosen, look, size in ((right, RIGHT, 6), (~right, WRONG, 7.5)):
            axes.plot(*points[chosen & (labels == label)].T, ms=size, **sign, **look)
        _name_corner(axes, 1.2 * places[label], name)
    for count, what, look, height in (
        (right.sum(), "right", RIGHT, 1.33),
        ((~right).sum(), "wrong", WRONG, 1.2),
    ):
        axes.text(-1.26, height, f"{count} {what}", fontsize=11, weight="bold", va="top", **look)
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
    classes, largest = probabilities.argmax(axis=1), probabilities.max(axis=1)
    rank = np.array([np.sum(classes[:place] == own) for place, own in enumerate(classes)])
    radii, angles = 0.029 * np.sqrt(rank) * largest**2, GOLDEN_ANGLE * rank
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
    steps, most = course.steps, np.log(looks[-1].shape[-1])
    axes.fill_between(
        steps, doubt, spread, facecolor="#E8E8E8", edgecolor="#BBBBBB", hatch="//", lw=0
    )
    axes.plot(steps, spread, "-o", ms=4, color="black")
    axes.plot(steps, doubt, ":s", ms=4, color="black")
    axes.axhline(most, ls="--", lw=1, color=COLOURS["baseline"])
    axes.set(xlim=(0, course.settings.steps), ylim=(-0.1, 2.6), ylabel="nats")
    axes.set_yticks([0, 1, most], ["0", "1", f"{most:.1f}"])
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
    settings, right = course.settings, course.validation[target][:, 0]
    (spread, doubt), mean = halves(looks[-1]), looks[-1].mean(axis=0)
    largest = datasets.describe(target).class_names[int(mean.argmax())]
    return (
        f"Information {settings.information:g}, spread {settings.spread:g}, "
        f"{settings.labels_of[target]} labels per class of {target}, budget {settings.budget}, "
        f"1 seed, after {course.steps[-1]} of {settings.steps} steps. Predictions of "
        f"{len(looks[-1])} validation images as points between the classes' corners: accuracy "
        f"{right[-1]:.2f}, at the start {right[0]:.2f}. The mean prediction gives class {largest} "
        f"the largest share, {mean.max():.0%}. H(mean p) {spread:.2f} nats less mean H(p) "
        f"{doubt:.2f} is the information, {spread - doubt:.2f}. The alarm: {diagnosis}."
    )


WAYS: dict[str, tuple[str, str, str]] = {
    "from scratch": ("baseline", "s", "--"),
    "fine-tuned": ("source", "^", "-."),
    "SimMIM": ("target", "o", "-"),
}
"""Role, marker and line of each way to use few labels."""


def _way(settings: Settings) -> str:
    if settings.information or settings.agreement:
        return "SimMIM"
    return "fine-tuned" if settings.source else "from scratch"


@styled
def labels_or_unlabelled(stored: StoredStudy, target: str, live: Course | None) -> Picture:
    """Draw stored accuracies over the labels per class, and one network that trains now.

    Args:
        stored: a study of one target an experiment, from scratch, fine-tuned, and with images
            without labels.
        target: whose accuracies are drawn.
        live: of one seed and this target, as far as it has come.
    """
    known = dict.fromkeys(name for each in stored.records for name in each.settings.targets)
    check_choice("target", target, known)
    records = [each for each in stored.records if each.settings.targets == (target,)]
    counts = {_labels(each.settings) for each in stored.records}
    places = sorted(counts | ({_labels(live.settings)} if live else set()))
    settings = records[0].settings
    figure = new_figure(8, 4.6)
    axes = figure.add_axes((0.09, 0.22, 0.89, 0.69))
    told = _draw_ways(axes, records, places)
    figure.legend(loc="lower center", ncols=3, fontsize=11)
    if live:
        told.append(_draw_live(axes, live, target, places.index(_labels(live.settings))))
    axes.set_xticks(range(len(places)), [str(place) for place in places])
    axes.set(
        xlim=(-0.4, len(places) - 0.6),
        xlabel="labels per class (axis not to scale)",
        ylabel="test accuracy",
        title=f"{datasets.describe(target).title}: {settings.seeds} seeds and 95 % intervals, "
        f"{settings.steps} steps",
    )
    return Picture(
        figure,
        f"Test accuracy on {target} by labels per class, mean and 95 % interval over "
        f"{settings.seeds} seeds, budget {settings.budget}. {'. '.join(told)}.",
    )


def _draw_ways(axes: "Axes", records: Sequence[Record], places: Sequence[int]) -> list[str]:
    """Draw a curve with its band for each way, and return them in words."""
    told = []
    for way, (role, marker, line) in WAYS.items():
        chosen = [each for each in records if _way(each.settings) == way]
        own = {_labels(each.settings): each.measures["accuracy"] for each in chosen}
        x = [places.index(labels) for labels in sorted(own)]
        means, widths = np.array([interval(own[labels]) for labels in sorted(own)]).T
        axes.fill_between(x, means - widths, means + widths, color=COLOURS[role], **BAND)
        axes.plot(x, means, label=way, color=COLOURS[role], marker=marker, ls=line)
        values = "; ".join(
            f"{labels}: {charts.mean_and_interval(own[labels])}" for labels in sorted(own)
        )
        told.append(f"{way}: {values}")
    means = [each.measures["accuracy"].mean() for each in records]
    axes.set_ylim(min(means) - 0.1, min(max(means) + 0.1, 1.01))
    return told


def _labels(settings: Settings) -> int:
    """Return how many labels of each class the first target has."""
    return settings.labels_of[settings.targets[0]]


def _draw_live(axes: "Axes", live: Course, target: str, place: float) -> str:
    """Mark how far the network has come, and return it in words."""
    looks = live.validation[target][:, 0]
    look: dict[str, Any] = {"mec": "black", "mew": 1.3, "zorder": 5}
    # The way there is on validation images; test images are looked at once, in the end.
    (way,) = axes.plot([place] * len(looks), looks, "-_", ms=7, color=COLOURS["baseline"], lw=0.8)
    steps = f"1 seed, {live.steps[-1]} of {live.settings.steps} steps"
    if live.result:
        value, face = live.result.accuracy[target][0], COLOURS["trained"]
        text = f"now: {value:.3f} on test images ({steps})"
    else:
        value, face = looks[-1], "white"
        text = f"now: {value:.3f} on validation images ({steps})"
    seen = max(value, axes.get_ylim()[0])  # at the edge as long as it is below
    (mark,) = axes.plot(place, seen, "D", ms=11, mfc=face, ls="", clip_on=False, **look)
    told = [text.replace(" (", "\n("), "the way there, on validation images"]
    axes.legend([mark, way], told, loc="lower right", fontsize=10)
    return f"{text}, with {_labels(live.settings)} labels per class"


@styled
def no_labels(course: Course, stored: Mapping[str, np.ndarray]) -> Picture:
    """Draw how well a target without labels is read while it is learnt, and what is confused.

    Args:
        course: of one seed, as far as it has come; its first target is looked at.
        stored: accuracies to compare with, by name, shape (seeds,); the first is the baseline.
    """
    target = course.settings.targets[0]
    figure = new_figure(8, 4.4)
    axes = figure.add_axes((0.09, 0.14, 0.40, 0.74))
    _draw_climb(axes, course, target, stored)
    table = figure.add_axes((0.58, 0.14, 0.41, 0.74))
    counts = confusion(course.probabilities[target][0], course.labels[target][0])
    _draw_confusion(table, counts, datasets.describe(target).class_names)
    return Picture(figure, _describe_climb(course, target, stored, counts))


def confusion(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return how many images of each class (rows) are taken for each (columns)."""
    from sklearn.metrics import confusion_matrix

    classes = range(probabilities.shape[-1])
    return confusion_matrix(labels, probabilities.argmax(axis=-1), labels=classes)


def _draw_climb(
    axes: "Axes", course: Course, target: str, stored: Mapping[str, np.ndarray]
) -> None:
    values = course.validation[target][:, 0]
    lines = (("--", COLOURS["baseline"]), (":", COLOURS["source"]))
    for (name, each), (line, colour) in zip(stored.items(), lines, strict=False):
        mean, width = interval(each)
        axes.axhline(mean, ls=line, color=colour, label=f"{name}: {charts.mean_and_interval(each)}")
        axes.axhspan(mean - width, mean + width, color=colour, **BAND)
    axes.plot(course.steps, values, "-o", ms=5, color=COLOURS["target"], label="now (validation)")
    axes.set(
        xlim=(0, course.settings.steps),
        ylim=(0, 1.02),
        xlabel="training steps",
        ylabel="accuracy",
        title=f"{datasets.describe(target).title} without a label: {values[-1]:.2f}",
    )
    axes.legend(loc="lower right", fontsize=9)


def _draw_confusion(axes: "Axes", counts: np.ndarray, names: Sequence[str]) -> None:
    percent = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(percent, cmap="cividis", vmin=0, vmax=100)
    for row, column in zip(*np.nonzero(counts), strict=True):
        shade = "black" if percent[row, column] > 50 else "white"
        text = str(counts[row, column])
        axes.text(column, row, text, color=shade, ha="center", va="center", fontsize=9)
    ticks = [name[:4] for name in names]
    axes.set_xticks(range(len(names)), ticks)
    axes.set_yticks(range(len(names)), ticks)
    axes.set(xlabel="predicted", ylabel="true", title=f"{counts.sum()} validation images")
    axes.grid(visible=False)
    axes.tick_params(length=0)


def _describe_climb(
    course: Course, target: str, stored: Mapping[str, np.ndarray], counts: np.ndarray
) -> str:
    settings, names = course.settings, datasets.describe(target).class_names
    values = course.validation[target][:, 0]
    others = np.where(np.eye(len(names), dtype=bool), 0, counts)
    row, column = np.unravel_index(others.argmax(), others.shape)
    worst = "none"
    if others.any():
        worst = f"{names[row]} taken for {names[column]}, images: {others.max()}"
    lines = "; ".join(f"{name} {charts.mean_and_interval(each)}" for name, each in stored.items())
    tested = f" Test accuracy: {course.result.accuracy[target][0]:.3f}." if course.result else ""
    teachers = " and ".join(filter(None, [settings.source, *settings.targets[1:]]))
    return (
        f"{target} learnt without a label of its own, from {teachers}, 1 seed, budget "
        f"{settings.budget}: validation accuracy {values[-1]:.2f} after {course.steps[-1]} of "
        f"{settings.steps} steps, {values[0]:.2f} at the start.{tested} Stored, mean and 95 % "
        f"interval: {lines}. Of {counts.sum()} validation images {np.trace(counts)} are on the "
        f"diagonal of the confusion matrix; most often confused: {worst}."
    )


@styled
def views(images: np.ndarray, weak: np.ndarray, strong: np.ndarray) -> Picture:
    """Show images, and under each its weak and its strong view.

    Args:
        images: (n, height, width, channels) in [0, 1]; at most ten or so fit.
        weak: the views that teach, the same shape.
        strong: the views that learn, the same shape.
    """
    rows = {"image": images, "weak view": weak, "strong view": strong}
    size = 6.9 / len(images)
    height = size * len(rows)
    figure = new_figure(8, height)
    for row, (name, of_row) in enumerate(rows.items()):
        bottom = 1 - (row + 1) / len(rows)
        figure.text(0.005, bottom + 0.5 / len(rows), name, va="center")
        for column, image in enumerate(of_row):
            left, width = 1.1 / 8 + column * size / 8, 0.96 * size / 8
            axes = figure.add_axes((left, bottom, width, 0.96 / len(rows)))
            charts.show_image(axes, image)
            # A frame shows how far the view has moved what is on it.
            axes.axis("on")
            axes.set(xticks=[], yticks=[])
            axes.spines[:].set(visible=True, color="#BBBBBB")
    moved = [np.abs(view - images).mean() for view in (weak, strong)]
    return Picture(
        figure,
        f"{len(images)} images in three rows: as they are, in a weak view and in a strong one, "
        f"slightly turned, sheared, stretched and shifted. A pixel changes by {moved[0]:.2f} on "
        f"average in the weak views and by {moved[1]:.2f} in the strong ones.",
    )


NOTHING = "nothing"
"""The row of an ablation that has every part."""


@styled
def ablation(rows: Mapping[int, Mapping[str, np.ndarray]], title: str) -> Picture:
    """Draw the accuracy without each part of a recipe, beside that of the whole.

    Args:
        rows: by labels per class, then by the part that is left out, one accuracy for each seed;
            the same parts for all, `NOTHING` among them.
        title: what was measured, and with which budget.
    """
    parts = list(next(iter(rows.values())))
    height = 1.45 + 0.4 * len(parts)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    width, told = 0.66 / len(rows), []
    for number, (labels, values) in enumerate(rows.items()):
        place = (0.30 + number * (width + 0.03), 0.6 / height, width, 1 - 1.3 / height)
        axes = figure.add_axes(place)
        lost = _draw_ablation(axes, parts, values)
        axes.set_title(f"{labels} label{'s' if labels > 1 else ''} per class", fontsize=11)
        if number:
            axes.tick_params(labelleft=False)
        told.append(
            f"{labels} per class: {charts.mean_and_interval(values[NOTHING])} with every part; "
            + "; ".join(
                f"without {part} {charts.mean_and_interval(values[part])}, {d}" for part, d in lost
            )
        )
    figure.text(0.285, 1 - 0.6 / height, "left out:", ha="right", fontsize=11)
    return Picture(figure, f"Test accuracy. {title}. {'. '.join(told)}.")


def _draw_ablation(
    axes: "Axes", parts: Sequence[str], values: Mapping[str, np.ndarray]
) -> list[tuple[str, Difference]]:
    """Draw a dot for each part; return what its absence costs, seed by seed."""
    whole, lost = values[NOTHING], []
    mean, half = interval(whole)
    axes.axvline(mean, ls="--", lw=1, color=COLOURS["baseline"])
    axes.axvspan(mean - half, mean + half, color=COLOURS["baseline"], **BAND)
    for place, part in enumerate(parts):
        own, is_whole = values[part], part == NOTHING
        look: dict[str, Any] = {"fmt": "D" if is_whole else "o", "ms": 8 if is_whole else 6}
        colour = COLOURS["baseline" if is_whole else "target"]
        axes.plot(own, [place] * len(own), "|", ms=10, color=COLOURS["unlabelled"])
        mean, half = interval(own)
        axes.errorbar(mean, place, xerr=half, color=colour, capsize=3, **look)
        if not is_whole:
            lost.append((part, difference(own, whole)))
    names = [f"{part}: the whole recipe" if part == NOTHING else part for part in parts]
    axes.set_yticks(range(len(parts)), names)
    axes.set(ylim=(len(parts) - 0.5, -0.5), xlabel="test accuracy")
    axes.locator_params("x", nbins=5)
    axes.grid(axis="x")
    return lost


@styled
def reliability(
    before: Reliability, after: Reliability, names: tuple[str, str] = ("before", "after")
) -> Picture:
    """Draw how often predictions of each confidence are right, for two networks.

    Args:
        before: of one network.
        after: of the other.
        names: of both.
    """
    figure = new_figure(8, 4.8)
    told = []
    for number, (name, each) in enumerate(zip(names, (before, after), strict=True)):
        left = 0.105 + 0.475 * number
        axes = figure.add_axes((left, 0.40, 0.40, 0.52))
        counts = figure.add_axes((left, 0.21, 0.40, 0.13))
        _draw_reliability(axes, counts, each)
        axes.set_title(f"{name}: calibration error {each.expected_error:.1%}", fontsize=11)
        if not number:
            axes.set_ylabel("share that is right")
            counts.set_ylabel("% of images", fontsize=9)
        told.append(_describe_reliability(name, each))
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=3, fontsize=10)
    return Picture(figure, f"Reliability diagrams. {' '.join(told)}")


def _draw_reliability(axes: "Axes", counts: "Axes", each: Reliability) -> None:
    """Draw bars of accuracy, what is missing to the confidence, and how many images there are."""
    wide, filled = np.diff(each.edges), each.count > 0
    middle = each.edges[:-1] + wide / 2
    x, w = middle[filled], 0.94 * wide[filled]
    accuracy, confidence = each.accuracy[filled], each.confidence[filled]
    axes.bar(x, accuracy, w, color=COLOURS["source"], label="share that is right")
    axes.bar(
        x,
        confidence - accuracy,
        w,
        accuracy,
        color="none",
        edgecolor=COLOURS["target"],
        hatch="///",
        label="gap to confidence",
    )
    axes.plot([0, 1], [0, 1], "--", color=COLOURS["baseline"], label="calibrated")
    axes.set(xlim=(0, 1), ylim=(0, 1.02))
    axes.tick_params(labelbottom=False)
    counts.bar(x, 100 * each.count[filled] / each.count.sum(), w, color=COLOURS["unlabelled"])
    counts.set(xlim=(0, 1), ylim=(0, 100), yticks=[0, 100], xlabel="confidence")


def _describe_reliability(name: str, each: Reliability) -> str:
    sure = each.count[-1] / each.count.sum()
    share = np.nansum(each.count * each.accuracy) / each.count.sum()
    mean = np.nansum(each.count * each.confidence) / each.count.sum()
    return (
        f"{name}: expected calibration error {each.expected_error:.1%}; mean confidence "
        f"{mean:.1%}, {share:.1%} right; {sure:.0%} of the images have a confidence above "
        f"{each.edges[-2]:.2f}."
    )


@styled
def collapse(rows: Mapping[str, Diagnosis], title: str) -> Picture:
    """Draw for each seed how many classes its predictions use, and where the alarm rings.

    Args:
        rows: by setting.
        title: what was measured, and with which budget.
    """
    height = 1.6 + 0.42 * len(rows)
    figure = new_figure(8, height)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    box = (0.8 / height, 1 - 1.5 / height)
    shares = figure.add_axes((0.285, box[0], 0.325, box[1]))
    classes = figure.add_axes((0.65, box[0], 0.325, box[1]))
    for place, each in enumerate(rows.values()):
        shift = np.linspace(-0.22, 0.22, len(each.entropy)) if len(each.entropy) > 1 else [0.0]
        own = place + np.asarray(shift)
        for chosen, sign, colour in (
            (~each.collapsed, "o", COLOURS["source"]),
            (each.collapsed, "X", COLOURS["target"]),
        ):
            look: dict[str, Any] = {
                "marker": sign,
                "ls": "",
                "color": colour,
                "ms": 7,
                "clip_on": False,
                "mec": "white",
                "mew": 0.5,
            }
            shares.plot(100 * each.largest_share[chosen], own[chosen], **look)
            classes.plot(np.exp(each.entropy[chosen]), own[chosen], **look)
    most = np.exp(next(iter(rows.values())).expected_entropy)
    classes.axvline(most / 2, color=COLOURS["baseline"], ls="--")
    classes.axvspan(0, most / 2, color=COLOURS["target"], alpha=0.08, lw=0)
    shares.set(xlim=(0, 100), xlabel="largest share of one class (%)")
    classes.set(xlim=(0, most), xlabel="classes in use, exp H(mean p)")
    classes.set_xticks([0, most / 2, most], [f"{share * most:g}" for share in (0, 0.5, 1)])
    classes.set_title("◀ the alarm rings", fontsize=10, x=0.02)
    shares.set_yticks(range(len(rows)), list(rows))
    classes.set_yticks(range(len(rows)), [""] * len(rows))
    for axes in (shares, classes):
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.grid(axis="x")
    signs = [
        classes.plot([], [], sign, color=COLOURS[role], label=label)[0]
        for sign, role, label in (("X", "target", "alarm"), ("o", "source", "no alarm"))
    ]
    figure.legend(handles=signs, loc="lower left", ncols=1, fontsize=9)
    told = "; ".join(
        f"{name}: the alarm rings in {each.collapsed.sum()} of {len(each.entropy)} seeds, the "
        f"largest share of one class is {each.largest_share.mean():.0%} on average and at most "
        f"{each.largest_share.max():.0%}"
        for name, each in rows.items()
    )
    return Picture(
        figure,
        f"{title}. {told}. The alarm rings where fewer than {most / 2:g} classes are in use.",
    )
