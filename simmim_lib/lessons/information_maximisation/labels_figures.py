"""Pictures of lesson 05: a few labels and many images without, or no label at all."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from simmim_lib import datasets
from simmim_lib.errors import check_choice
from simmim_lib.experiments import Course
from simmim_lib.foundation.intervals import interval, intervals, mean_and_interval, seeds_in_words
from simmim_lib.pictures import classification
from simmim_lib.pictures.style import BAND, COLOURS, Picture, new_figure, shortened, styled
from simmim_lib.settings import Settings
from simmim_lib.studies.stored import Record, StoredStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WAYS: dict[str, tuple[str, str, str]] = {
    "from scratch": ("baseline", "s", "--"),
    "fine-tuned": ("source", "^", "-."),
    "augmented": ("trained", "v", ":"),
    "SimMIM": ("target", "o", "-"),
}
"""Role, marker and line of each way to use few labels."""


def _way(settings: Settings) -> str:
    if settings.learns_unlabelled:
        return "SimMIM"
    if settings.augmentation:
        return "augmented"
    return "fine-tuned" if settings.source else "from scratch"


@styled
def labels_or_unlabelled(stored: StoredStudy, target: str, live: Course | None) -> Picture:
    """Draw stored accuracies over the labels per class, and one network that trains now.

    Args:
        stored: a study of one target an experiment, in each of `WAYS`.
        target: whose accuracies are drawn.
        live: of one seed and this target, as far as it has come.
    """
    studied = dict.fromkeys(name for record in stored.records for name in record.settings.targets)
    check_choice("target", target, studied)
    records = [record for record in stored.records if record.settings.targets == (target,)]
    counts = {_labels(record.settings) for record in stored.records}
    places = sorted(counts | ({_labels(live.settings)} if live else set()))
    settings = records[0].settings
    figure = new_figure(8, 4.6)
    axes = figure.add_axes((0.09, 0.22, 0.89, 0.69))
    sentences = _draw_ways(axes, records, places)
    figure.legend(loc="lower center", ncols=len(WAYS), fontsize=11)
    if live:
        sentences.append(_draw_live(axes, live, target, places.index(_labels(live.settings))))
    axes.set_xticks(range(len(places)), [str(place) for place in places])
    axes.set(
        xlim=(-0.4, len(places) - 0.6),
        xlabel="labels per class (axis not to scale)",
        ylabel="test accuracy",
        title=f"{shortened(datasets.describe(target).title)}: {settings.seeds} seeds and 95 % "
        f"intervals, {settings.steps} steps",
    )
    return Picture(
        figure,
        f"Test accuracy on {target} by labels per class, mean and 95 % interval over "
        f"{settings.seeds} seeds. {'. '.join(sentences)}.",
    )


def _draw_ways(axes: "Axes", records: Sequence[Record], places: Sequence[int]) -> list[str]:
    """Draw a curve with its band for each way, and return them in words."""
    sentences = []
    for way, (role, marker, line) in WAYS.items():
        accuracies = {
            _labels(record.settings): record.measures["accuracy"]
            for record in records
            if _way(record.settings) == way
        }
        counts = sorted(accuracies)
        x = [places.index(labels) for labels in counts]
        means, half_widths = intervals([accuracies[labels] for labels in counts])
        axes.fill_between(x, means - half_widths, means + half_widths, color=COLOURS[role], **BAND)
        axes.plot(x, means, label=way, color=COLOURS[role], marker=marker, ls=line)
        numbers = (f"{labels}: {mean_and_interval(accuracies[labels])}" for labels in counts)
        sentences.append(f"{way}: {'; '.join(numbers)}")
    heights = [record.measures["accuracy"].mean() for record in records]
    axes.set_ylim(min(heights) - 0.1, min(max(heights) + 0.1, 1.01))
    return sentences


def _labels(settings: Settings) -> int:
    """Return how many labels of each class the first target has."""
    return cast(int, settings.labels_of[settings.targets[0]])  # the panel offers numbers only


def with_labels(settings: Settings) -> str:
    """Return "with 5 labels per class", in the number's grammar."""
    labels = _labels(settings)
    if not labels:
        return "without a label"
    return f"with {labels} {'label' if labels == 1 else 'labels'} per class"


def _draw_live(axes: "Axes", live: Course, target: str, place: float) -> str:
    """Mark how far the network has come, and return it in words."""
    looks = live.validation[target][:, 0]
    style: dict[str, Any] = {"mec": "black", "mew": 1.3, "zorder": 5}
    # The way there is on validation images; test images are looked at once, in the end.
    (way,) = axes.plot([place] * len(looks), looks, "-_", ms=7, color=COLOURS["baseline"], lw=0.8)
    seeds = seeds_in_words(live.settings.seeds)
    steps = f"{seeds}, {live.steps[-1]} of {live.settings.steps} steps"
    if live.result:
        value, face = live.result.accuracy[target][0], COLOURS["trained"]
        text = f"now: {value:.3f} on test images ({steps})"
    else:
        value, face = looks[-1], "white"
        text = f"now: {value:.3f} on validation images ({steps})"
    height = max(value, axes.get_ylim()[0])  # at the edge as long as it is below
    (mark,) = axes.plot(place, height, "D", ms=11, mfc=face, ls="", clip_on=False, **style)
    labels = [text.replace(" (", "\n("), "the way there, on validation images"]
    axes.legend([mark, way], labels, loc="lower right", fontsize=10)
    return f"{text}, {with_labels(live.settings)}"


@styled
def climb_and_confusions(course: Course, stored: Mapping[str, np.ndarray]) -> Picture:
    """Draw how well a target with few labels or none is read while it is learnt.

    Beside it stands what is confused with what.

    Args:
        course: of one seed, as far as it has come; its first target is looked at.
        stored: accuracies to compare with, by name, shape (seeds,); the first is the baseline.
    """
    target = course.settings.targets[0]
    figure = new_figure(8, 4.4)
    axes = figure.add_axes((0.09, 0.14, 0.40, 0.74))
    _draw_climb(axes, course, target, stored)
    table = figure.add_axes((0.58, 0.14, 0.41, 0.74))
    counts = classification.confusion_counts(
        course.probabilities[target][0], course.labels[target][0]
    )
    shares = classification.confusion_shares(counts)
    names = [name[:4] for name in datasets.describe(target).class_names]
    classification.draw_confusion(table, shares, counts, names)
    table.set_title(f"{counts.sum()} validation images")
    return Picture(figure, _describe_climb(course, target, stored, counts))


def _draw_climb(
    axes: "Axes", course: Course, target: str, stored: Mapping[str, np.ndarray]
) -> None:
    values = course.validation[target][:, 0]
    lines = (("--", COLOURS["baseline"]), (":", COLOURS["source"]))
    for (name, accuracies), (line, colour) in zip(stored.items(), lines, strict=False):
        mean, half_width = interval(accuracies)
        label = f"{name}: {mean_and_interval(accuracies)}"
        axes.axhline(mean, ls=line, color=colour, label=label)
        axes.axhspan(mean - half_width, mean + half_width, color=colour, **BAND)
    axes.plot(course.steps, values, "-o", ms=5, color=COLOURS["target"], label="now (validation)")
    axes.set(
        xlim=(0, course.settings.steps),
        ylim=(0, 1.02),
        xlabel="training steps",
        ylabel="accuracy",
        title=f"{shortened(datasets.describe(target).title)} {with_labels(course.settings)}: "
        f"{values[-1]:.2f}",
    )
    axes.legend(loc="lower right", fontsize=9)


def _describe_climb(
    course: Course, target: str, stored: Mapping[str, np.ndarray], counts: np.ndarray
) -> str:
    settings = course.settings
    names = datasets.describe(target).class_names
    values = course.validation[target][:, 0]
    worst = "none"
    if np.trace(counts) < counts.sum():
        true, predicted = classification.most_confused(counts)
        number = counts[true, predicted]
        worst = f"{names[true]} taken for {names[predicted]}, images: {number}"
    lines = "; ".join(
        f"{name} {mean_and_interval(accuracies)}" for name, accuracies in stored.items()
    )
    tested = f" Test accuracy: {course.result.accuracy[target][0]:.3f}." if course.result else ""
    teachers = " and ".join(filter(None, [settings.source, *settings.targets[1:]]))
    return (
        f"{target} learnt {with_labels(settings)} of its own, from {teachers}, "
        f"{seeds_in_words(settings.seeds)}: validation accuracy "
        f"{values[-1]:.2f} after {course.steps[-1]} of {settings.steps} steps, {values[0]:.2f} at "
        f"the start.{tested} Stored, mean and 95 % interval: {lines}. Of {counts.sum()} "
        f"validation images {np.trace(counts)} are on the diagonal of the confusion matrix; most "
        f"often confused: {worst}."
    )
