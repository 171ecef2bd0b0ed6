"""Pictures of lesson 03: one network for several targets, beside a network for each."""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from simmim_lib.experiments import Course, Result
from simmim_lib.experiments.network import architecture
from simmim_lib.foundation.intervals import (
    Difference,
    difference,
    mean_and_interval,
    seeds_in_words,
)
from simmim_lib.lessons.simmim_model.studies import Gain
from simmim_lib.pictures.courses import draw_course, draw_pairs
from simmim_lib.pictures.networks import draw_joint_network
from simmim_lib.pictures.style import (
    Picture,
    new_figure,
    short_title,
    styled,
)

if TYPE_CHECKING:
    import keras
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch


@styled
def simmim(course: Course, alone: Mapping[str, Result]) -> Picture:
    """Draw the joint network, how it learns, and how it compares with a network for each target.

    Args:
        course: of the joint network, as far as it has come.
        alone: by target, a network of its own; those not trained yet are left out.
    """
    figure = new_figure(8, 6.4)
    draw_joint_network(figure.add_axes((0.02, 0.53, 0.96, 0.41)), course.settings)
    draw_course(figure.add_axes((0.085, 0.09, 0.42, 0.33)), course)
    _draw_comparison(figure.add_axes((0.69, 0.09, 0.28, 0.33)), course, alone)
    return Picture(figure, _describe(course, alone))


def _draw_comparison(axes: "Axes", course: Course, alone: Mapping[str, Result]) -> None:
    """Draw test accuracies: of the joint network filled, of the separate networks hollow."""
    joint = course.result.accuracy if course.result else {}
    separate = {target: result.accuracy[target] for target, result in alone.items()}
    draw_pairs(axes, course.settings.targets, joint, separate)
    axes.set_xlabel("test accuracy")
    axes.set_title("Joint (filled), separate (hollow)", fontsize=11, loc="center")


def _describe(course: Course, alone: Mapping[str, Result]) -> str:
    settings = course.settings
    heads = len(architecture(settings).heads)
    now = "; ".join(
        f"{target}: {looks[-1].mean():.3f}" for target, looks in course.validation.items()
    )
    text = (
        f"One network from {settings.source or 'fresh weights'} for "
        f"{', '.join(settings.targets)}, {heads} head{'s' if heads > 1 else ''}, frozen: "
        f"{', '.join(settings.frozen_layer_names) or 'no layer'}; "
        f"{seeds_in_words(settings.seeds)}, budget {settings.budget}. Validation accuracy after "
        f"{course.steps[-1]} of {settings.steps} steps: {now}."
    )
    for target, result in alone.items():
        if course.result is None:
            break
        joint, separate = course.result.accuracy[target], result.accuracy[target]
        text += (
            f" Test accuracy on {target}: jointly {mean_and_interval(joint)}, by a network of its "
            f"own {mean_and_interval(separate)}; difference {difference(joint, separate)}."
        )
    return text


LIGHT = {"gain": "#CCE3F2", "loss": "#F6D9C4"}
"""Backgrounds of clear differences, on which black letters can be read."""


@styled
def gains(found: Sequence[Gain], title: str) -> Picture:
    """Draw a grid of what each target gains by joining others; what is clear is tinted.

    Args:
        found: from `studies.gains`; the numbers of labels of a target stand side by side.
        title: what is shown.
    """
    lines: dict[str, dict[str, Gain]] = {}
    for gain in found:
        lines.setdefault(_line_of(gain), {})[_labels_of(gain)] = gain
    columns = sorted({*map(_labels_of, found)}, key=_numbers_in)
    height = 1.1 + 0.42 * len(lines)
    figure = new_figure(8, height)
    axes = figure.add_axes((0.46, 0.1 / height, 0.53, 1 - 0.95 / height))
    for place, cells in enumerate(lines.values()):
        for labels, gain in cells.items():
            _draw_cell(axes, (columns.index(labels), place), gain.difference)
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(lines) - 0.5, -0.5))
    axes.set_xticks(range(len(columns)), columns)
    axes.set_yticks(range(len(lines)), lines)
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=10)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    figure.text(0.01, 1 - 0.1 / height, title, va="top", fontsize=12)
    return Picture(figure, f"{title}. {_gains_in_words(lines)}.")


def _draw_cell(axes: "Axes", place: tuple[int, int], found: Difference) -> None:
    """Draw a difference as text, and its verdict as a colour and a word, so that none is lost."""
    x, y = place
    colour = LIGHT.get(found.verdict, "white")
    box = {"facecolor": colour, "edgecolor": "white", "linewidth": 2}
    axes.add_patch(_unit_square(x - 0.5, y - 0.5, **box))
    text = found.size.replace("-", "−")
    word = f"\n{found.verdict}" if found.is_clear else ""
    axes.text(x, y, f"{text}{word}", ha="center", va="center", fontsize=9, linespacing=1.1)


def _unit_square(left: float, top: float, **looks: Any) -> "Patch":
    from matplotlib.patches import Rectangle

    return Rectangle((left, top), 1, 1, **looks)


def _line_of(gain: Gain) -> str:
    others = [short_title(name) for name in gain.settings.targets if name != gain.target]
    source = "" if gain.settings.source else ", from scratch"
    heads = "shared head" if gain.settings.shared_heads else "own heads"
    return f"{short_title(gain.target)} beside {' and '.join(others)}, {heads}{source}"


def _labels_of(gain: Gain) -> str:
    """Return how many labels per class the target has, and the others, if they have another."""
    own = gain.settings.labels_of[gain.target]
    others = {number for name, number in gain.settings.labels_of.items() if name != gain.target}
    return f"{own}" if others == {own} else f"{own}, beside {', '.join(map(str, others))}"


def _numbers_in(labels: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", labels)]


def _gains_in_words(lines: Mapping[str, Mapping[str, Gain]]) -> str:
    return ". ".join(
        f"{line}: "
        + "; ".join(f"{labels} labels: {gain.difference}" for labels, gain in cells.items())
        for line, cells in lines.items()
    )


KINDS = {"convolution": "darkgrey", "dense": "white", "head": "black"}
"""How the layers of a bar are filled, by what their names begin with."""


@styled
def parameter_bars(networks: "Mapping[str, keras.Model]") -> Picture:
    """Draw how many parameters each layer of some networks has.

    Args:
        networks: by the name that stands beside the bar.
    """
    figure = new_figure(8, 2.6)
    axes = figure.add_axes((0.2, 0.22, 0.76, 0.66))
    described = [
        _draw_bar(axes, row, name, network) for row, (name, network) in enumerate(networks.items())
    ]
    longest = max(network.count_params() for network in networks.values())
    axes.set(yticks=range(len(networks)), yticklabels=networks, xlim=(0, 1.2 * longest))
    axes.set(xlabel="parameters", title="Convolutions grey, dense layer white, head black")
    axes.locator_params(axis="x", nbins=5)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    return Picture(figure, f"Parameters by layer. {'; '.join(described)}.")


def _draw_bar(axes: "Axes", row: int, name: str, network: "keras.Model") -> str:
    """Draw a network's layers one behind the other, and return the same in words."""
    left, described = 0, []
    for layer in (layer for layer in network.layers if layer.weights):
        count = layer.count_params()
        (colour,) = (fill for kind, fill in KINDS.items() if layer.name.startswith(kind))
        axes.barh(row, count, left=left, height=0.5, color=colour, edgecolor="black")
        left += count
        described.append(f"{layer.name} {count:,}")
    axes.text(left, row, f"  {left:,}", va="center")
    return f"{name}: {', '.join(described)}"
