"""What the browser of maps shows: a picture, a head, a method, and how well the map adds up."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simmim_lib import attribution, datasets
from simmim_lib.attribution.methods import Map
from simmim_lib.errors import check_choice, check_whole
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems import two_tasks
from simmim_lib.lessons.open_problems.maps import METHODS as ALL_METHODS
from simmim_lib.lessons.open_problems.maps import answers

COUNT = 12
"""Pictures to choose from."""

TASKS = tuple(two_tasks.SOURCES)
METHODS = tuple(ALL_METHODS)
BASELINES = ("black", "white", "grey", "blurred")
"""Images that show nothing, or so one hopes."""


@dataclass(frozen=True)
class Question:
    """What is asked of a picture.

    Attributes:
        number: of the picture.
        task: whose head is asked about its own answer.
        method: one of `METHODS`.
        baseline: one of `BASELINES`; only integrated gradients have one.
        steps: of integrated gradients.

    Raises:
        WorkbookError: something that there is not.
    """

    number: int = 0
    task: str = "digit"
    method: str = "integrated gradients"
    baseline: str = "black"
    steps: int = 64

    def __post_init__(self) -> None:
        """Refuse what the browser does not have."""
        check_whole("number", self.number, 0, COUNT - 1)
        check_choice("task", self.task, TASKS)
        check_choice("method", self.method, METHODS)
        check_choice("baseline", self.baseline, BASELINES)
        check_whole("steps", self.steps, least=1)


class Seen(NamedTuple):
    """What the browser shows.

    Attributes:
        image: (height, width, channels).
        baseline: of the same shape.
        values: the map, of the same height and width.
        title: who was asked about what.
        notes: what there is to say.
    """

    image: np.ndarray
    baseline: np.ndarray
    values: np.ndarray
    title: str
    notes: list[str]


def look(question: Question, _: Progress) -> Seen:
    """Answer a question about one of the first test pictures."""
    pictures = two_tasks.draw_pictures("test", COUNT, 0)
    network = two_tasks.network_of(two_tasks.trained_model(), question.task)
    image = pictures.images[question.number]
    classes = answers(network, image[None])
    baseline = baseline_of(image, question.baseline)
    if question.method == "integrated gradients":
        maps: Map = attribution.integrated_gradients(
            network, image[None], classes, baseline, question.steps
        )
    else:
        maps = ALL_METHODS[question.method](network, image[None], classes)
    mask = pictures.masks[question.task][question.number]
    names = datasets.describe(two_tasks.SOURCES[question.task]).class_names
    title = f'The {question.task} head says "{names[classes[0]]}"'
    notes = [_share_note(maps, mask, question.task)]
    if question.method == "integrated gradients":
        error = attribution.completeness_error(network, image[None], classes, maps, baseline)
        notes.append(f"completeness error\n{error[0]:.1e} with {question.steps} steps")
    return Seen(image, baseline, maps[0], title, notes)


def _share_note(maps: Map, mask: np.ndarray, task: str) -> str:
    sizes = np.abs(maps[0].sum(axis=-1))
    share = sizes[mask].sum() / max(sizes.sum(), 1e-12)
    return f"{share:.0%} of the map lies\non the {task}'s quarter"


def baseline_of(image: np.ndarray, name: str) -> np.ndarray:
    """Return an image that shows nothing.

    Args:
        image: (height, width, channels), for what depends on it.
        name: one of `BASELINES`.
    """
    if name == "blurred":
        from scipy.ndimage import gaussian_filter

        return gaussian_filter(image, (4, 4, 0))
    return np.full_like(image, {"black": 0.0, "white": 1.0, "grey": 0.5}[name])
