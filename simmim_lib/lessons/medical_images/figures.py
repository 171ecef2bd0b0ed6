"""Figures of lesson 06."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simmim_lib.diagnostic_accuracy import (
    Confusion,
    auc,
    confusion,
    predictive_values,
    roc_curve,
)
from simmim_lib.foundation.intervals import mean_and_interval, seeds_in_words
from simmim_lib.lessons.medical_images.readings import Reading
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PEOPLE = 100

OUTCOMES = {
    "ill, found": (COLOURS["target"], "s"),
    "ill, missed": (COLOURS["baseline"], "X"),
    "healthy, alarmed": (COLOURS["trained"], "^"),
    "healthy, told so": (COLOURS["frozen"], "o"),
}
"""What may happen to somebody: its colour and its marker."""


def people(counts: Confusion, prevalence: float) -> dict[str, int]:
    """Return how many of `PEOPLE` have each of `OUTCOMES`, rounded so that they add up.

    Args:
        counts: at a threshold.
        prevalence: the share of ill people among the hundred.
    """
    ill = round(PEOPLE * prevalence)
    found = round(ill * counts.sensitivity)
    told_so = round((PEOPLE - ill) * counts.specificity)
    numbers = (found, ill - found, PEOPLE - ill - told_so, told_so)
    return dict(zip(OUTCOMES, numbers, strict=True))


def dots(reading: Reading, of_each: int = 12) -> NDArray[np.intp]:
    """Choose images to be opened, as many ill as healthy, evenly by their probabilities.

    Args:
        reading: of images of both kinds.
        of_each: how many of each kind, at most.

    Returns:
        Positions among the images, the lowest probability first, (n,).
    """
    chosen = []
    for label in (0, 1):
        group = np.flatnonzero(reading.labels == label)
        in_order = group[np.argsort(reading.probabilities[group], kind="stable")]
        count = min(of_each, len(group))
        chosen.append(in_order[np.linspace(0, len(group) - 1, count).round().astype(int)])
    every = np.concatenate(chosen)
    return every[np.argsort(reading.probabilities[every], kind="stable")]


@styled
def threshold(
    reading: Reading, counts: Confusion, at: float, prevalence: float, opened: int
) -> Picture:
    """Draw the ROC curve with one threshold on it, what it means for people, and one image.

    Args:
        reading: of the test images.
        counts: at the threshold.
        at: the threshold.
        prevalence: the share of ill people among the hundred.
        opened: position of the image that is shown, one of `dots`.
    """
    figure = new_figure(8, 6.4)
    curve = figure.add_axes((0.08, 0.48, 0.36, 0.45))
    area = auc(reading.labels, reading.probabilities)
    _draw_curve(curve, reading, counts)
    curve.set_title(f"AUC {area:.3f}, threshold {at:.2f}", fontsize=11)
    crowd = figure.add_axes((0.48, 0.48, 0.28, 0.45))
    numbers = people(counts, prevalence)
    _draw_people(crowd, numbers)
    crowd.set_title(f"100 people, {100 * prevalence:.0f} of them ill", fontsize=11)
    crowd.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=9, labelspacing=1)
    words = _values_in_words(counts, prevalence)
    figure.text(0.08, 0.355, words, fontsize=10)
    _draw_dots(figure.add_axes((0.12, 0.1, 0.58, 0.17)), reading, at, opened)
    told = _draw_opened(figure.add_axes((0.77, 0.03, 0.2, 0.25)), reading, at, opened)
    listed = ", ".join(f"{name}: {count}" for name, count in numbers.items())
    return Picture(
        figure,
        f"AUC {area:.3f}. Threshold {at:.2f}: of 100 people {listed}. {words}. "
        f"One test image, {told}.",
    )


def _draw_dots(axes: "Axes", reading: Reading, at: float, opened: int) -> None:
    for label, (colour, marker) in enumerate(
        (OUTCOMES["healthy, told so"], OUTCOMES["ill, found"])
    ):
        shown = [position for position in dots(reading) if reading.labels[position] == label]
        axes.plot(
            reading.probabilities[shown], [label] * len(shown), marker, color=colour, alpha=0.7
        )
    place = (reading.probabilities[opened], reading.labels[opened])
    axes.plot(*place, "o", ms=14, mfc="none", mec=COLOURS["source"], mew=2)
    axes.axvline(at, color=COLOURS["source"], lw=1)
    axes.set(xlim=(-0.03, 1.03), ylim=(-0.6, 1.6), xlabel="probability of being ill")
    axes.set_yticks((0, 1), ("healthy", "ill"))
    axes.set_title("Some test images: the circle is opened on the right", fontsize=11)


def _draw_opened(axes: "Axes", reading: Reading, at: float, opened: int) -> str:
    """Show an image, and return what it is and what it was told."""
    show_radiograph(axes, reading.images[opened])
    truth = "ill" if reading.labels[opened] else "healthy"
    probability = reading.probabilities[opened]
    told = "ill" if probability >= at else "healthy"
    axes.set_title(f"{truth}, told {told} ({probability:.2f})", fontsize=9, loc="center")
    return f"{truth}, told {told} with the probability {probability:.2f}"


def show_radiograph(axes: "Axes", image: NDArray[np.floating]) -> None:
    """Show an image as radiographs are shown, bright bones on dark air.

    Args:
        axes: to draw in.
        image: (height, width, 1 or 3) in [0, 1].
    """
    axes.imshow(image.squeeze(-1) if image.shape[-1] == 1 else image, cmap="gray", vmin=0, vmax=1)
    axes.axis("off")


def _draw_curve(axes: "Axes", reading: Reading, counts: Confusion) -> None:
    alarmed, found, _ = roc_curve(reading.labels, reading.probabilities)
    axes.plot(alarmed, found, color=COLOURS["target"])
    axes.plot([0, 1], [0, 1], "--", color=COLOURS["baseline"])
    place = (1 - counts.specificity, counts.sensitivity)
    axes.plot(*place, "o", ms=10, color=COLOURS["source"], markeredgecolor="black")
    axes.set(xlabel="1 - specificity: healthy, alarmed", ylabel="sensitivity: ill, found")


def _draw_people(axes: "Axes", numbers: Mapping[str, int]) -> None:
    start = 0
    for name, count in numbers.items():
        colour, marker = OUTCOMES[name]
        position = np.arange(start, start + count)
        axes.plot(
            position % 10,
            -(position // 10),
            label=f"{count} {name}",
            color=colour,
            marker=marker,
            ls="",
            ms=8,
        )
        start += count
    axes.set(xlim=(-0.7, 9.7), ylim=(-9.7, 0.7))
    axes.axis("off")


def _values_in_words(counts: Confusion, prevalence: float) -> str:
    values = predictive_values(counts.sensitivity, counts.specificity, prevalence)
    positive, negative = (f"{value:.0%}" if np.isfinite(value) else "undefined" for value in values)
    return f"Told ill, and ill (PPV): {positive}; told healthy, and so (NPV): {negative}"


@styled
def hospitals(tie: float, same: NDArray[np.floating], other: NDArray[np.floating]) -> Picture:
    """Draw the AUC of each network where it learnt, and in the reversed hospital.

    Args:
        tie: how much device and illness went together where it learnt.
        same: AUC of each seed's network where it learnt.
        other: the same in the reversed hospital.
    """
    figure = new_figure(8, 2.6)
    axes = figure.add_axes((0.26, 0.22, 0.68, 0.62))
    tested = {"where it learnt": same, "in the reversed hospital": other}
    for place, values in enumerate(tested.values()):
        (dots,) = axes.plot(values, [place] * len(values), "o", ms=9, alpha=0.7)
        dots.set(color=COLOURS["target"], clip_on=False)  # at 0 a dot is whole, too
    axes.axvline(0.5, ls="--", color=COLOURS["baseline"])
    axes.set(xlim=(0, 1.02), ylim=(1.5, -0.5), xlabel="AUC; 0.5 is guessing", yticks=(0, 1))
    axes.set_yticklabels([*tested])
    title = f"Tie {tie:g}, {seeds_in_words(len(same))} (live)"
    axes.set_title(title)
    found = "; ".join(f"{name}: {mean_and_interval(each)}" for name, each in tested.items())
    return Picture(figure, f"AUC. {title}. {found}.")


SHOWN = 6


@styled
def corruption(readings: Mapping[int, Reading], kind: str, severity: int, at: float) -> Picture:
    """Show some changed images with their probabilities, and what a threshold then does.

    Args:
        readings: of the test images by severity.
        kind: what is done to them.
        severity: whose images are shown.
        at: the threshold.
    """
    figure = new_figure(8, 4.6)
    shown = readings[severity]
    first = [np.flatnonzero(shown.labels == label)[: SHOWN // 2] for label in (1, 0)]
    for place, position in enumerate(np.concatenate(first)):
        axes = figure.add_axes((0.02 + 0.165 * place, 0.66, 0.14, 0.22))
        show_radiograph(axes, shown.images[position])
        truth = "ill" if shown.labels[position] else "healthy"
        title = f"{truth}: {shown.probabilities[position]:.2f}"
        axes.set_title(title, fontsize=9, loc="center")
    figure.text(0.02, 0.95, f"Probability of being ill; {kind}, severity {severity}", fontsize=12)
    values = measured(readings, at)
    axes = figure.add_axes((0.09, 0.12, 0.6, 0.44))
    looks = (("-o", "source"), ("--s", "target"), (":^", "trained"))
    for (name, line), (style, role) in zip(values.items(), looks, strict=True):
        axes.plot([*readings], line, style, color=COLOURS[role], label=name)
    axes.axvline(severity, color=COLOURS["unlabelled"], lw=6, alpha=0.3)
    axes.set(xlabel=f"severity: {kind}", ylim=(0, 1.02), xticks=[*readings])
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    lines = "; ".join(f"{name} {line.round(2).tolist()}" for name, line in values.items())
    return Picture(figure, f"{kind}, severities 0 to {max(readings)}: {lines}.")


def measured(readings: Mapping[int, Reading], at: float) -> dict[str, NDArray[np.floating]]:
    """Return AUC, sensitivity and specificity at a threshold, each by severity."""
    given = [(each.labels, each.probabilities) for each in readings.values()]
    counts = [confusion(*each, at) for each in given]
    return {
        "AUC": np.array([auc(*each) for each in given]),
        "sensitivity": np.array([each.sensitivity for each in counts]),
        "specificity": np.array([each.specificity for each in counts]),
    }


@styled
def referred(shares: NDArray[np.floating], accuracy: NDArray[np.floating]) -> Picture:
    """Draw the accuracy among those who are kept, by the share that is referred to an expert."""
    figure = new_figure(8, 3.4)
    axes = figure.add_axes((0.09, 0.18, 0.86, 0.7))
    axes.plot(100 * (1 - shares), accuracy, color=COLOURS["target"])
    axes.set(xlabel="referred to an expert, per cent", ylabel="accuracy among the others")
    axes.set_title("The least sure are referred first (live, one network)")
    words = "; ".join(
        f"{100 * (1 - share):.0f} % referred: {value:.3f}"
        for share, value in zip(shares, accuracy, strict=True)
        if round(100 * share) % 25 == 0
    )
    return Picture(figure, f"Accuracy among those who are not referred. {words}.")


@styled
def decision_curve(
    thresholds: NDArray[np.floating], benefits: Mapping[str, NDArray[np.floating]]
) -> Picture:
    """Draw the net benefit of ways to decide, by the threshold from which on somebody acts.

    Args:
        thresholds: (k,), each above 0 and below 1.
        benefits: by way, (k,).
    """
    figure = new_figure(8, 3.4)
    axes = figure.add_axes((0.1, 0.18, 0.6, 0.7))
    looks = (("-", "target"), ("--", "baseline"), (":", "frozen"))
    for (way, values), (style, role) in zip(benefits.items(), looks, strict=True):
        axes.plot(thresholds, values, style, color=COLOURS[role], label=way, lw=2)
    highest = max(values.max() for values in benefits.values())
    axes.set(xlabel="threshold from which on somebody acts", ylabel="net benefit a person")
    axes.set(ylim=(-0.25 * highest, 1.1 * highest), title="Decision curve (live, one network)")
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=9)
    some = slice(None, None, max(1, len(thresholds) // 4))
    words = "; ".join(f"{way} {values[some].round(2).tolist()}" for way, values in benefits.items())
    return Picture(
        figure, f"Net benefit at the thresholds {thresholds[some].round(2).tolist()}: {words}."
    )


@styled
def radiographs(images: NDArray[np.floating], captions: list[str], alt: str) -> Picture:
    """Show images as radiographs are shown, bright bones on dark air, five in a row.

    Args:
        images: (n, height, width, 1) in [0, 1].
        captions: one for each.
        alt: the text in place of the picture.
    """
    rows = -(-len(images) // 5)
    figure = new_figure(8, 1.9 * rows)
    for position, (image, caption) in enumerate(zip(images, captions, strict=True)):
        axes = figure.add_subplot(rows, 5, position + 1)
        show_radiograph(axes, image)
        axes.set_title(caption, fontsize=9, loc="center", pad=2)
    figure.subplots_adjust(left=0.01, right=0.99, bottom=0.02, top=1 - 0.12 / rows, hspace=0.2)
    return Picture(figure, alt)
