"""Pictures of lessons 03 and 04: one network for several targets, beside a network for each."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import datasets
from simmim_lib.experiments import Course, Result
from simmim_lib.experiments.network import architecture
from simmim_lib.foundation.intervals import (
    difference,
    interval,
    mean_and_interval,
    seeds_in_words,
)
from simmim_lib.lessons.simmim_model.studies import Gain
from simmim_lib.pictures.charts import error_bar
from simmim_lib.pictures.networks import draw_joint_network
from simmim_lib.pictures.style import (
    COLOURS,
    Picture,
    legend_entry,
    new_figure,
    short_title,
    shortened,
    styled,
    target_style,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def simmim(course: Course, alone: Mapping[str, Result]) -> Picture:
    """Draw the joint network, how it learns, and how it compares with a network for each target.

    Args:
        course: of the joint network, as far as it has come.
        alone: by target, a network of its own; those not trained yet are left out.
    """
    figure = new_figure(8, 6.4)
    draw_joint_network(figure.add_axes((0.02, 0.53, 0.96, 0.41)), course.settings)
    _draw_course(figure.add_axes((0.085, 0.09, 0.42, 0.33)), course)
    _draw_comparison(figure.add_axes((0.69, 0.09, 0.28, 0.33)), course, alone)
    return Picture(figure, _describe(course, alone))


def _draw_course(axes: "Axes", course: Course) -> None:
    for target, looks in course.validation.items():
        colour, marker = target_style(target)
        means = looks.mean(axis=1)
        axes.fill_between(
            course.steps, looks.min(axis=1), looks.max(axis=1), color=colour, alpha=0.15, lw=0
        )
        label = legend_entry(shortened(datasets.describe(target).title))
        axes.plot(course.steps, means, marker=marker, ms=4, color=colour, label=label)
    settings = course.settings
    axes.set(
        xlim=(0, settings.steps),
        ylim=(0, 1),
        xlabel="training steps",
        ylabel="validation accuracy",
    )
    seeds = seeds_in_words(settings.seeds, "mean and range of")
    axes.set_title(f"While it learns ({seeds})", fontsize=11)
    axes.legend(loc="lower right", fontsize=9)


def _draw_comparison(axes: "Axes", course: Course, alone: Mapping[str, Result]) -> None:
    """Draw test accuracies: of the joint network filled, of the separate networks hollow."""
    targets = course.settings.targets
    for row, target in enumerate(targets):
        colour, marker = target_style(target)
        pairs = [(0.16, course.result, colour), (-0.16, alone.get(target), "white")]
        for shift, result, face in pairs:
            if result is None:
                continue
            values = result.accuracy[target]
            mean, half_width = interval(values)
            place = -row + shift
            axes.plot(values, [place] * len(values), "|", ms=8, color=COLOURS["unlabelled"])
            axes.errorbar(
                mean,
                place,
                xerr=error_bar(half_width),
                fmt=marker,
                color=colour,
                mfc=face,
                capsize=3,
            )
    titles = [shortened(datasets.describe(target).title).replace(" ", "\n") for target in targets]
    axes.set_yticks(-np.arange(len(targets)), titles)
    axes.set(ylim=(-len(targets) + 0.5, 0.5), xlabel="test accuracy")
    axes.grid(axis="x")
    axes.grid(axis="y", visible=False)
    axes.set_title("Joint (filled), separate (hollow)", fontsize=11, loc="center")
    if course.result is None:
        axes.text(0.5, 0.5, "after the last step", transform=axes.transAxes, ha="center")


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


@styled
def gains(rows: Sequence[Gain], title: str) -> Picture:
    """Draw what each target gains by joining others: an axis for each group of targets.

    Args:
        rows: from `studies.gains`; the label counts of a group are put side by side.
        title: what is shown.
    """
    groups = list(dict.fromkeys(row.settings.targets for row in rows))
    figure = new_figure(8, 4.2)
    shared_axis = None
    for column, group in enumerate(groups):
        of_group = [row for row in rows if row.settings.targets == group]
        axes = figure.add_subplot(1, len(groups), column + 1, sharey=shared_axis)
        shared_axis = shared_axis or axes
        _draw_gains(axes, of_group)
        axes.set_title(" + ".join(map(short_title, group)), fontsize=11)
        if column:
            axes.tick_params(labelleft=False)
        else:
            axes.set_ylabel("joint minus separate,\npercentage points")
    handles, labels = _gain_legend(figure.axes[0], rows)
    figure.legend(handles, labels, loc="lower center", ncols=len(handles), fontsize=9)
    figure.suptitle(title, x=0.01, ha="left", fontsize=12)
    figure.subplots_adjust(left=0.1, right=0.99, bottom=0.25, top=0.83, wspace=0.06)
    numbers = "; ".join(
        f"{row.target} in {'+'.join(row.settings.targets)} ({_label_counts(row)} labels, "
        f"{'shared' if row.settings.shared_heads else 'own'} head): {row.difference}"
        for row in rows
    )
    return Picture(
        figure, f"{title}. Test accuracy of the joint minus the separate network: {numbers}."
    )


def _draw_gains(axes: "Axes", rows: Sequence[Gain]) -> None:
    counts = list(dict.fromkeys(_label_counts(row) for row in rows))
    series = list(dict.fromkeys((row.target, row.settings.shared_heads) for row in rows))
    axes.axhline(0, color=COLOURS["baseline"], ls="--", lw=1)
    for row in rows:
        place = series.index((row.target, row.settings.shared_heads))
        colour, marker = target_style(row.target)
        axes.errorbar(
            counts.index(_label_counts(row)) + 0.7 * (place + 0.5) / len(series) - 0.35,
            row.difference.mean,
            row.difference.half_width,
            fmt=marker,
            ms=5,
            color=colour,
            mfc=colour if row.settings.shared_heads else "white",
            capsize=2,
        )
    axes.set_xticks(range(len(counts)), counts)
    axes.set(xlim=(-0.6, len(counts) - 0.4), xlabel="labels per class")


def _label_counts(row: Gain) -> str:
    return " and ".join(str(n) for n in dict.fromkeys(row.settings.labels_of.values()))


def _gain_legend(axes: "Axes", rows: Sequence[Gain]) -> tuple[list, list[str]]:
    handles, labels = [], []
    for target in dict.fromkeys(row.target for row in rows):
        colour, marker = target_style(target)
        handles += axes.plot([], [], marker, color=colour)
        labels.append(legend_entry(shortened(datasets.describe(target).title)))
    for face, label in (("white", "heads of their own"), ("#666666", "shared head")):
        handles += axes.plot([], [], "o", color="#666666", mfc=face)
        labels.append(label)
    return handles, labels
