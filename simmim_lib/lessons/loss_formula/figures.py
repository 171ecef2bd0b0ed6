"""Pictures of lesson 02: losses over one probability, over three classes, and at work."""

from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.foundation.intervals import intervals, plus_minus, seeds_in_words
from simmim_lib.lessons.loss_formula.readings import LOSSES, TURNING_POINT, Curves, Simplex
from simmim_lib.lessons.loss_formula.training_by_loss import STARTS, Outcome
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, styled
from simmim_lib.studies.stored import StoredStudy

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES: dict[str, dict[str, Any]] = {
    "written": {"color": "#882255", "ls": "-"},  # wine
    "cross-entropy": {"color": "#009E73", "ls": "--"},  # green
    "entropy": {"color": "#999933", "ls": ":"},  # olive
    "expected-accuracy": {"color": "#332288", "ls": "-."},  # indigo
    "focal": {"color": "#CC79A7", "ls": (0, (5, 1, 1, 1, 1, 1))},  # rose
}
"""Each loss has one colour and one kind of line, so that it is known without colour, too.

Source: Okabe and Ito 2008, and Paul Tol's "muted" scheme, both told apart by colour-blind readers.
"""

MAX_SLOPE = 4.0
"""Slopes beyond are cut off, or cross-entropy's would flatten all others."""

CORNERS = np.array([[0, 0], [1, 0], [0.5, np.sqrt(3) / 2]])
"""Where the three certain predictions stand: classes 0 and 1 below, class 2 above."""


@styled
def one_probability(curves: Curves, probability: float) -> Picture:
    """Draw the losses over the label's probability, their slopes, and where descent leads.

    Args:
        curves: the losses.
        probability: of the label, where the dots and arrows stand; the nearest of the curves' is
            taken.
    """
    at = int(np.abs(curves.probabilities - probability).argmin())
    figure = new_figure(8, 6)
    values = figure.add_axes((0.08, 0.60, 0.40, 0.34))
    slopes = figure.add_axes((0.585, 0.60, 0.40, 0.34))
    descents = figure.add_axes((0.08, 0.10, 0.56, 0.36))
    _draw_values(values, curves, at)
    _draw_slopes(slopes, curves, at)
    _draw_descents(descents, curves, at)
    descents.legend(loc="upper left", bbox_to_anchor=(1.02, 1.05), fontsize=10)
    return Picture(figure, _describe_curves(curves, at))


def _draw_values(axes: "Axes", curves: Curves, at: int) -> None:
    p, heights = curves.probabilities, []
    for name, line in LINES.items():
        values = _heights(curves, name)
        axes.plot(p, values, lw=1.8, **line)
        heights.append(values[at])
        axes.plot(p[at], values[at], "o", ms=5, color=line["color"])
    slopes = np.array([curves.slopes[name][at] for name in LINES])
    pushes = np.clip(p[at] - 0.16 * np.tanh(slopes), 0, 1) - p[at]
    axes.quiver(
        np.full(len(LINES), p[at]),
        heights,
        pushes,
        np.zeros(len(LINES)),
        color=[line["color"] for line in LINES.values()],
        angles="xy",
        scale_units="xy",
        scale=1,
        width=0.008,
        minlength=0,
        zorder=3,
    )
    _mark_turning_point(axes, at, p)
    axes.set(
        ylim=(-0.15, 3.2),
        yticks=[0, 1, 2, 3],
        ylabel="loss (nats)",
        title="Loss, and where it pushes p",
    )


def _heights(curves: Curves, name: str) -> np.ndarray:
    """Return a loss as it is drawn.

    The factor that expected accuracy holds constant is another one at each p, so its curve would
    move with the dot: 1 - p, the expected share of errors, has the same slope everywhere.
    """
    return 1 - curves.probabilities if name == "expected-accuracy" else curves.values[name]


def _draw_slopes(axes: "Axes", curves: Curves, at: int) -> None:
    p = curves.probabilities
    axes.axhline(0, color="black", lw=0.8)
    for name, line in LINES.items():
        axes.plot(p, np.clip(curves.slopes[name], -MAX_SLOPE, MAX_SLOPE), lw=1.8, **line)
        slope = np.clip(curves.slopes[name][at], -MAX_SLOPE, MAX_SLOPE)
        axes.plot(p[at], slope, "o", ms=5, color=line["color"], clip_on=False)
    _mark_turning_point(axes, at, p)
    axes.set(
        ylim=(-MAX_SLOPE, MAX_SLOPE / 2),
        yticks=[-4, -2, 0, 2],
        ylabel="slope (nats)",
        title="Slope: above 0 it lowers p",
    )


def _draw_descents(axes: "Axes", curves: Curves, at: int) -> None:
    for name, line in LINES.items():
        path = curves.descents[name][:, at]
        axes.plot(path, lw=1.8, label=LOSSES[name].title, **line)
    axes.axhline(TURNING_POINT, color=COLOURS["baseline"], lw=0.8, ls=(0, (1, 3)))
    axes.set(
        xlim=(0, len(path) - 1),
        xticks=np.linspace(0, len(path) - 1, 3),
        ylim=(-0.03, 1.03),
        xlabel="step of gradient descent on the logits",
        ylabel="p of the label",
        yticks=[0, TURNING_POINT, 1],
        yticklabels=["0", "1/e", "1"],
        title=f"From p = {curves.probabilities[at]:.2f}, learning rate 1",
    )


def _mark_turning_point(axes: "Axes", at: int, probabilities: np.ndarray) -> None:
    axes.axvline(TURNING_POINT, color=COLOURS["baseline"], lw=0.8, ls=(0, (1, 3)))
    axes.axvline(probabilities[at], color=COLOURS["unlabelled"], lw=0.8)
    axes.set(
        xlim=(0, 1),
        xlabel="p of the label",
        xticks=[0, 0.1, TURNING_POINT, 0.7, 1],
        xticklabels=["0", "0.1", "1/e", "0.7", "1"],
    )


def _describe_curves(curves: Curves, at: int) -> str:
    values = "; ".join(
        f"{loss.title}: loss {_heights(curves, name)[at]:.2f}, "
        f"slope {curves.slopes[name][at]:.2f}, p ends at {curves.descents[name][-1, at]:.3f}"
        for name, loss in LOSSES.items()
    )
    return (
        f"Five losses over the probability p of the label, with their slopes; at "
        f"p = {curves.probabilities[at]:.2f} and after {len(curves.descents['written']) - 1} steps "
        f"of gradient descent from there: {values}. The slope of the formula as written is zero at "
        "1/e."
    )


@styled
def three_classes(simplex: Simplex, path: np.ndarray, class_names: tuple[str, str, str]) -> Picture:
    """Draw a loss over the triangle of all predictions, its descent field, and one descent.

    Args:
        simplex: the loss.
        path: the distributions along a descent, shape (steps + 1, 3).
        class_names: of the three classes.
    """
    figure = new_figure(8, 4.2)
    triangle = figure.add_axes((0.0, 0.06, 0.52, 0.84))
    _draw_triangle(triangle, simplex, class_names)
    places = path @ CORNERS
    triangle.plot(*places.T, color="white", lw=4)
    triangle.plot(*places.T, color="black", lw=2)
    triangle.plot(*places[0], "o", ms=9, color="white", mec="black", mew=2)
    triangle.plot(*places[-1], "s", ms=9, color="black", mec="white", mew=1, clip_on=False)
    course = figure.add_axes((0.62, 0.15, 0.36, 0.68))
    for k, (name, line) in enumerate(zip(class_names, ("-", "--", ":"), strict=True)):
        label = f"{name} (true)" if k == simplex.label else name
        course.plot(path[:, k], line, color=COLOURS["baseline"], lw=2, label=label)
    course.axhline(TURNING_POINT, color=COLOURS["baseline"], lw=0.8, ls=(0, (1, 3)))
    course.set(
        xlabel="step of gradient descent",
        ylabel="p of each class",
        ylim=(-0.03, 1.03),
        yticks=[0, TURNING_POINT, 1],
        yticklabels=["0", "1/e", "1"],
    )
    course.legend(loc="upper right", bbox_to_anchor=(1, 1.24), ncols=3, fontsize=9)
    first, last = (
        ", ".join(f"{p:.2f} for {name}" for name, p in zip(class_names, place, strict=True))
        for place in (path[0], path[-1])
    )
    return Picture(
        figure,
        f"The loss {LOSSES[simplex.name].title} over all predictions for three classes, the true "
        f"one being {class_names[simplex.label]}. Descent starts at {first}, and ends after "
        f"{len(path) - 1} steps at {last}. A dotted line marks p = 1/e of the true class.",
    )


def _draw_triangle(axes: "Axes", simplex: Simplex, class_names: tuple[str, str, str]) -> None:
    x, y = (simplex.points @ CORNERS).T
    values = np.minimum(simplex.values, 3)
    filled = axes.tricontourf(x, y, values, levels=14, cmap="cividis")
    bar = axes.figure.colorbar(filled, ax=axes, shrink=0.55, pad=0.02, format="%.1f")
    bar.set_label("loss (nats)")
    bar.outline.set_visible(False)
    # Every fourth point of the grid in both directions, or the arrows would hide the map.
    grid = np.round(simplex.points * 40).astype(int)
    some = (grid[:, 0] % 4 == 2) & (grid[:, 1] % 4 == 2)
    moves = simplex.moves[some] @ CORNERS
    lengths = np.linalg.norm(moves, axis=1, keepdims=True)
    arrows = moves / np.maximum(lengths, 1e-9) ** 0.6  # long ones shortened, short ones visible
    arrows *= 0.1 / max(np.linalg.norm(arrows, axis=1).max(), 1e-9)
    style: dict[str, Any] = {
        "color": "white",
        "edgecolor": "black",
        "lw": 0.5,
        "width": 0.012,
        "pivot": "mid",
    }
    axes.quiver(x[some], y[some], *arrows.T, angles="xy", scale_units="xy", scale=1, **style)
    others = [CORNERS[k] for k in range(3) if k != simplex.label]
    turning = [TURNING_POINT * CORNERS[simplex.label] + (1 - TURNING_POINT) * o for o in others]
    axes.plot(*np.transpose(turning), color="white", lw=1.5, ls=(0, (1, 2)))
    for k, name in enumerate(class_names):
        place = CORNERS[k] + (0, 0.03 if k == 2 else -0.03)
        weight = "bold" if k == simplex.label else "normal"
        text = f"{name} (true)" if k == simplex.label else name
        axes.text(
            place[0], place[1], text, ha="center", va="bottom" if k == 2 else "top", weight=weight
        )
    axes.set(aspect="equal", xlim=(-0.14, 1.14), ylim=(-0.1, 0.97))
    axes.set_title(LOSSES[simplex.name].title, x=0.0)
    axes.axis("off")


@styled
def real_network(outcome: Outcome) -> Picture:
    """Draw what a network makes of each loss: accuracy, p of the true class, and each image's p.

    Args:
        outcome: the same network trained by several losses, the first of which is looked at
            closely.
    """
    figure = new_figure(8, 3.9)
    boxes = [(left, 0.31, 0.235, 0.58) for left in (0.075, 0.405, 0.745)]
    accuracy, mean, images = (figure.add_axes(box) for box in boxes)
    losses = outcome.comparison.losses
    for name, right, probability in zip(
        losses, outcome.accuracy, outcome.probability.mean(axis=-1), strict=True
    ):
        accuracy.plot(outcome.steps, right.T, lw=1.8, **LINES[name])
        mean.plot(outcome.steps, probability.T, lw=1.8, **LINES[name])
        accuracy.plot([], [], lw=1.8, label=LOSSES[name].title, **LINES[name])
    accuracy.set(ylim=(-0.02, 1.02), xlabel="training step", title="Validation accuracy")
    accuracy.set_ylabel("share of images")
    mean.axhline(TURNING_POINT, color=COLOURS["baseline"], lw=0.8, ls=(0, (1, 3)))
    mean.set(ylim=(-0.02, 1.02), xlabel="training step", title="Mean p(true)")
    first, last = (outcome.probability[0, :, look].ravel() for look in (0, -1))
    images.plot(first, last, "o", ms=4, alpha=0.35, mew=0, color=LINES[losses[0]]["color"])
    for place, share in ((0.08, np.mean(last < 0.5)), (0.92, np.mean(last >= 0.5))):
        # Most points lie on top of each other, so how many there are must be said.
        images.text(0.5, place, f"{share:.0%} of images", va="center", fontsize=9)
    images.axvline(TURNING_POINT, color=COLOURS["baseline"], lw=0.8, ls=(0, (1, 3)))
    images.set(
        xlim=(-0.04, 1.04),
        ylim=(-0.04, 1.04),
        xlabel="p(true) at the start",
        ylabel="p(true) at the end",
        xticks=[0, TURNING_POINT, 1],
        xticklabels=["0", "1/e", "1"],
        title=f"Images, {LOSSES[losses[0]].title[:3]}",
    )
    figure.legend(loc="lower center", ncols=2, fontsize=10, handlelength=3)
    return Picture(figure, _describe_outcome(outcome))


def _describe_outcome(outcome: Outcome) -> str:
    comparison = outcome.comparison
    losses = "; ".join(
        f"{LOSSES[name].title}: validation accuracy {right[:, -1].mean():.2f}, mean p(true) "
        f"{p[:, -1].mean():.2f}, median {np.median(p[:, -1]):.2f}"
        for name, right, p in zip(
            comparison.losses, outcome.accuracy, outcome.probability, strict=True
        )
    )
    return (
        f"A network trained on digits by each loss from the same start "
        f"({STARTS[comparison.start]}) with {comparison.optimizer}, "
        f"{seeds_in_words(comparison.seeds)}. After {comparison.steps} steps, {losses}. At the "
        f"start the accuracy was {outcome.accuracy[0, :, 0].mean():.2f}, and "
        f"{np.mean(outcome.probability[0, :, 0] > TURNING_POINT):.0%} of the images had p(true) "
        "above 1/e."
    )


@styled
def noisy_labels(outcome: Outcome, stored: StoredStudy | None = None) -> Picture:
    """Draw accuracy while training on noisy labels, and stored results for all shares of noise.

    Args:
        outcome: networks trained with some labels flipped.
        stored: the study of noisy labels; without it only the training is drawn.
    """
    figure = new_figure(8, 3.9)
    comparison = outcome.comparison
    course = figure.add_axes((0.075, 0.29, 0.39, 0.58))
    for name, right in zip(comparison.losses, outcome.accuracy, strict=True):
        course.plot(outcome.steps, right.T, lw=1.8, **LINES[name])
    course.set(
        ylim=(0, 1),
        xlabel="training step",
        ylabel="validation accuracy",
        title=f"{comparison.flipped:.0%} of the labels wrong, {seeds_in_words(comparison.seeds)}",
    )
    alt = (
        f"Accuracy on correctly labelled validation images while training with "
        f"{comparison.flipped:.0%} of the labels flipped; after {comparison.steps} steps: "
        + "; ".join(
            f"{LOSSES[name].title} {right[:, -1].mean():.2f}"
            for name, right in zip(comparison.losses, outcome.accuracy, strict=True)
        )
        + "."
    )
    if stored:
        summary = figure.add_axes((0.575, 0.29, 0.41, 0.58))
        alt += _draw_noise(summary, stored, comparison.flipped)
        handles, titles = summary.get_legend_handles_labels()
        figure.legend(handles, titles, loc="lower center", ncols=2, fontsize=9, handlelength=3.5)
    return Picture(figure, alt)


def _draw_noise(axes: "Axes", stored: StoredStudy, shown: float) -> str:
    """Draw test accuracy over the share of wrong labels, and return the same in words."""
    records = sorted(stored.records, key=lambda record: record.settings.flipped)
    shares = np.array([record.settings.flipped for record in records]) * 100
    comparison = records[0].settings
    sentences = []
    for row, name in enumerate(comparison.losses):
        for key, when, marker in (("test", "last step", "o"), ("stopped", "best step", "^")):
            means, half_widths = intervals([record.values(key)[row] for record in records])
            label = f"{LOSSES[name].title}, {when}"
            style = {"marker": marker, "capsize": 3, "lw": 1.6, **LINES[name]}
            if key == "stopped":
                style |= {"mfc": "white", "alpha": 0.7}
            # A little to the side, or the intervals would hide each other.
            place = shares + row + (1.8 if key == "stopped" else -1.8)
            axes.errorbar(place, means, half_widths, label=label, **style)
            values = ", ".join(
                f"{plus_minus(mean, half_width, digits=2)} at {share:.0f} %"
                for mean, half_width, share in zip(means, half_widths, shares, strict=True)
            )
            sentences.append(f"{label}: {values}")
    axes.axvspan(shown * 100 - 4, shown * 100 + 4, color=COLOURS["unlabelled"], alpha=0.2, lw=0)
    axes.set(
        ylim=(0, 1),
        xticks=shares,
        xlabel="wrong training labels (%)",
        ylabel="test accuracy",
        title=f"{comparison.seeds} seeds, 95 % intervals",
    )
    return " Test accuracy over the share of wrong labels: " + "; ".join(sentences) + "."
