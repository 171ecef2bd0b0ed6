"""The picture of the playground: the network, how it learns, and what it is worth."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simmim_lib import datasets
from simmim_lib.experiments import Course, Result
from simmim_lib.experiments.measures import first
from simmim_lib.experiments.yardsticks import Yardstick, yardstick
from simmim_lib.pictures.courses import draw_course, draw_pairs
from simmim_lib.pictures.networks import draw_joint_network
from simmim_lib.pictures.style import Picture, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def outcome(course: Course, scratch: Mapping[str, Result]) -> Picture:
    """Draw an experiment: its network, its course, and its test scores beside those from scratch.

    Args:
        course: as far as it has come.
        scratch: by target, the same from scratch; what is not trained yet is left out.
    """
    figure = new_figure(8, 6.4)
    draw_joint_network(figure.add_axes((0.02, 0.53, 0.96, 0.41)), course.settings)
    draw_course(figure.add_axes((0.085, 0.09, 0.42, 0.33)), course)
    _draw_scores(figure.add_axes((0.69, 0.09, 0.28, 0.33)), course, scratch)
    return Picture(figure, told(course, scratch))


def _draw_scores(axes: "Axes", course: Course, scratch: Mapping[str, Result]) -> None:
    """Draw test scores: of what was asked for filled, from scratch hollow."""
    targets = course.settings.targets
    result = course.result
    asked = {target: first(result.scores[target]) for target in targets} if result else {}
    before = {target: first(each.scores[target]) for target, each in scratch.items()}
    draw_pairs(axes, targets, asked, before)
    axes.set_xlabel(f"test {_measures(course)}")
    axes.set_title("Asked (filled), scratch (hollow)", fontsize=11, loc="center")


def _yardstick(course: Course, target: str) -> Yardstick:
    return yardstick(datasets.load(target, course.settings.image_size))


def _measures(course: Course) -> str:
    measures = dict.fromkeys(_yardstick(course, each).measure for each in course.settings.targets)
    return ", ".join(measures)


def told(course: Course, scratch: Mapping[str, Result]) -> str:
    """Return the picture in words: for who cannot see it, and as the verdict below it."""
    settings = course.settings
    if course.result is None:
        return f"After {course.steps[-1]} of {settings.steps} steps."
    sentences = []
    for target in settings.targets:
        judged, found = _yardstick(course, target), first(course.result.scores[target])
        name = datasets.describe(target).title
        sentence = f"{name}: test {judged.title} {judged.mean(found)}"
        if target in scratch:
            before = first(scratch[target].scores[target])
            sentence += f", from scratch {judged.mean(before)} ({judged.gain(found, before)})"
        sentences.append(f"{sentence}.")
    sentences += [
        f"On the unlabelled images of {datasets.describe(target).title}: {diagnosis}."
        for target, diagnosis in course.result.diagnostics.items()
        if diagnosis.collapsed.any()
    ]
    return " ".join(sentences)
