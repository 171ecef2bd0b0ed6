"""Pictures of information theory, drawn from a network's predictions."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib.pictures.style import Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Tints that stand for nothing else in the workbook; hatches and markers say the same.
# Source: Paul Tol's "muted" scheme, told apart by colour-blind readers.
DARK, ROSE, SAND, PALE = "#444444", "#CC6677", "#DDCC77", "#BBBBBB"


@styled
def surprise_and_entropy(
    probability: np.ndarray, surprise: np.ndarray, entropy: np.ndarray, right: np.ndarray
) -> Picture:
    """Draw the surprise at each label over its probability, and the entropy of each prediction.

    Args:
        probability: given to the label, shape (n,).
        surprise: at the label, in nats, shape (n,).
        entropy: of each prediction, in nats, shape (n,).
        right: whether the label's class was the most probable, shape (n,).
    """
    figure = new_figure(8, 3.4)
    left = figure.add_axes((0.08, 0.16, 0.38, 0.70))
    right_half = figure.add_axes((0.60, 0.16, 0.36, 0.70))
    for chosen, colour, marker, label in (
        (right, DARK, "o", "right guess"),
        (~right, ROSE, "x", "wrong guess"),
    ):
        left.plot(probability[chosen], surprise[chosen], marker, color=colour, label=label, ms=5)
    left.set(xlabel="p of the label", ylabel="surprise −log p (nats)", title="Surprise")
    left.legend()
    bins = list(np.linspace(0, np.log(10), 13))
    right_half.hist(
        [entropy[right], entropy[~right]],
        bins,
        stacked=True,
        color=[DARK, ROSE],
        hatch=["", "//"],
        edgecolor="white",
        label=["right guess", "wrong guess"],
    )
    right_half.set(
        xlim=(0, np.log(10)),
        xticks=[0, 1, 2, np.log(10)],
        xticklabels=["0", "1", "2", "log 10"],
        xlabel="entropy of the prediction (nats)",
        ylabel="images",
        title="Entropy",
    )
    right_half.legend()
    return Picture(
        figure,
        f"Left: each label's surprise falls along minus log p, from {surprise.max():.1f} nats to "
        f"{surprise.min():.2f}. Right: the entropies of the predictions; their mean is "
        f"{entropy[right].mean():.2f} nats where the guess is right and "
        f"{entropy[~right].mean():.2f} where it is wrong.",
    )


@styled
def one_prediction(
    prediction: np.ndarray, label: int, smoothing: float, class_names: tuple[str, ...]
) -> Picture:
    """Draw a prediction beside the truth, and its surprise, entropy, cross-entropy and divergence.

    Args:
        prediction: above 0, shape (classes,).
        label: the true class.
        smoothing: the share of the truth that is spread evenly over all classes.
        class_names: of the classes.
    """
    from scipy.special import entr, rel_entr

    truth = smoothing / len(prediction) + (1 - smoothing) * np.eye(len(prediction))[label]
    surprise, entropy = -np.log(prediction[label]), entr(prediction).sum()
    unavoidable, divergence = entr(truth).sum(), rel_entr(truth, prediction).sum()
    figure = new_figure(8, 3)
    _draw_distributions(figure.add_axes((0.08, 0.17, 0.27, 0.66)), truth, prediction, class_names)
    axes = figure.add_axes((0.58, 0.17, 0.40, 0.66))
    names = ["surprise at the label", "entropy", "cross-entropy"]
    axes.barh(names, [surprise, entropy, unavoidable], color=[ROSE, PALE, DARK])
    axes.barh(names[-1], divergence, left=unavoidable, color=SAND, hatch="//", edgecolor="white")
    for row, value in enumerate((surprise, entropy, unavoidable + divergence)):
        axes.text(value + 0.05, row, f"{value:.2f}", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.grid(visible=False)
    axes.set(xlim=(0, 5.5), xlabel="nats")
    axes.set_title("dark: entropy of the truth; hatched: divergence", fontsize=9)
    return Picture(
        figure,
        f"A prediction for three classes, of which {class_names[label]} is true: surprise at the "
        f"label {surprise:.2f} nats, entropy {entropy:.2f}, cross-entropy "
        f"{unavoidable + divergence:.2f}, of which {unavoidable:.2f} are the entropy of the truth "
        f"and {divergence:.2f} the divergence.",
    )


def _draw_distributions(
    axes: "Axes", truth: np.ndarray, prediction: np.ndarray, class_names: tuple[str, ...]
) -> None:
    place = np.arange(len(truth))
    looks: dict[str, Any] = {"edgecolor": "white", "width": 0.4}
    axes.bar(place - 0.2, truth, color=DARK, label="truth q", **looks)
    axes.bar(place + 0.2, prediction, color=PALE, hatch="..", label="prediction p", **looks)
    axes.set_xticks(place, class_names)
    axes.set(ylim=(0, 1), ylabel="probability")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=9)


@styled
def cross_entropy_and_divergence(
    cross_entropy: np.ndarray, truth_entropy: float, class_names: tuple[str, ...]
) -> Picture:
    """Draw each class's mean cross-entropy as the entropy of the truth plus the divergence.

    Args:
        cross_entropy: mean of each class, in nats, shape (classes,).
        truth_entropy: of the true distributions, in nats; the rest is the divergence.
        class_names: of the classes.
    """
    figure = new_figure(8, 3.2)
    axes = figure.add_axes((0.08, 0.17, 0.90, 0.66))
    divergence = cross_entropy - truth_entropy
    bars = [
        (
            0,
            np.full(len(class_names), truth_entropy),
            DARK,
            "",
            "entropy of the truth",
        ),
        (truth_entropy, divergence, SAND, "//", "Kullback–Leibler divergence"),
    ]
    for bottom, heights, colour, hatch, label in bars:
        axes.bar(
            class_names,
            heights,
            bottom=bottom,
            color=colour,
            hatch=hatch,
            edgecolor="white",
            label=label,
        )
    axes.set(xlabel="true digit", ylabel="cross-entropy (nats)")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=9)
    worst = int(divergence.argmax())
    return Picture(
        figure,
        f"Cross-entropy by digit, split into the entropy of the truth "
        f"({truth_entropy:.2f} nats for all) and the Kullback-Leibler divergence, which is "
        f"largest for {class_names[worst]} ({divergence[worst]:.2f} nats).",
    )


@styled
def joint_and_information(
    joint: np.ndarray, class_names: tuple[str, ...], halves: Mapping[str, tuple[float, float]]
) -> Picture:
    """Draw a joint distribution, and the two halves of the information of some batches.

    Args:
        joint: of true class (rows) and predicted class (columns), summing to 1.
        class_names: of the classes.
        halves: for each batch, by its name, H(mean p) and mean H(p) in nats.
    """
    figure = new_figure(8, 3.6)
    table = figure.add_axes((0.08, 0.14, 0.38, 0.74))
    image = table.imshow(joint * 100, cmap="cividis", vmin=0)
    ticks = range(len(class_names))
    table.set_xticks(ticks, class_names)
    table.set_yticks(ticks, class_names)
    table.set(xlabel="predicted", ylabel="true", title="Joint distribution")
    table.grid(visible=False)
    bar = figure.colorbar(image, ax=table, shrink=0.9)
    bar.set_label("probability (%)")
    bar.outline.set_visible(False)
    _draw_halves(figure.add_axes((0.66, 0.14, 0.31, 0.60)), halves)
    differences = "; ".join(
        f"{name}: {spread:.2f} - {doubt:.2f} = {round(spread - doubt, 2) + 0.0:.2f} nats"
        for name, (spread, doubt) in halves.items()
    )
    return Picture(
        figure,
        f"Left: how often each digit is predicted as each digit; {np.trace(joint):.0%} of the "
        f"probability lies on the diagonal. Right: entropy of the mean prediction minus mean "
        f"entropy of the predictions is the mutual information. {differences}.",
    )


def _draw_halves(axes: "Axes", halves: Mapping[str, tuple[float, float]]) -> None:
    place = np.arange(len(halves))[::-1]
    spread, doubt = np.array(list(halves.values())).T
    bars = [
        (0.27, spread, SAND, "", "H(mean p): spread"),
        (0.0, doubt, PALE, "..", "mean H(p): doubt"),
        (-0.27, spread - doubt, DARK, "//", "the difference: information"),
    ]
    for offset, values, colour, hatch, label in bars:
        axes.barh(
            place + offset, values, 0.25, color=colour, hatch=hatch, edgecolor="white", label=label
        )
        for y, value in zip(place + offset, values, strict=True):
            axes.text(value + 0.04, y, f"{abs(value):.2f}", va="center", fontsize=8)
    axes.set_yticks(place, list(halves))
    axes.grid(visible=False)
    axes.set(xlim=(0, 2.8), xlabel="nats", xticks=[0, 1, 2])
    axes.legend(loc="lower center", bbox_to_anchor=(0.3, 1.0), fontsize=9)
