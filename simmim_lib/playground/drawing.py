"""A pad to draw on, and what every seed's network makes of the drawing."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import attribution, datasets, experiments, trunks
from simmim_lib.errors import WorkbookError, shown
from simmim_lib.experiments.tasks import Target
from simmim_lib.foundation.progress import heard_by
from simmim_lib.panels.controls import dropdown
from simmim_lib.panels.panel import as_message
from simmim_lib.pictures.charts import show_image, show_map
from simmim_lib.pictures.style import COLOURS, Picture, new_figure, shortened, styled
from simmim_lib.playground import serving
from simmim_lib.settings import Settings

if TYPE_CHECKING:
    import anywidget
    import keras
    from matplotlib.axes import Axes

SIDE = datasets.IMAGE_SIZE
ATTRIBUTION_STEPS = 32
"""Of integrated gradients: enough to look at, and done in a moment."""

BOX = 20
"""MNIST's digits fill a square of so many pixels; their mass lies around pixel 14 of 28."""


def make_pad() -> "anywidget.AnyWidget":
    """Return the pad; its `pixels` are grey values from 0 to 1, row by row.

    Raises:
        WorkbookError: the package anywidget is missing.
    """
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise WorkbookError(
            "The pad needs the package anywidget, which is not installed: pip install anywidget"
        ) from error

    class Pad(anywidget.AnyWidget):
        _esm = Path(__file__).with_name("pad.js").read_text(encoding="utf-8")
        pixels = traitlets.List(traitlets.Float(), [0.0] * SIDE**2).tag(sync=True)

    return Pad()


def as_digit(pixels: Any) -> np.ndarray:
    """Return a drawing the way MNIST's digits lie: as large, and as much in the middle.

    Args:
        pixels: grey values from 0 to 1, row by row.

    Returns:
        An image (28, 28, 1), float32 in [0, 1]; black where nothing was drawn.

    Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition", section
        III A.
    """
    from PIL import Image
    from scipy.ndimage import center_of_mass, shift

    drawn = np.clip(np.asarray(pixels, np.float32).reshape(SIDE, SIDE), 0, 1)
    rows, columns = np.nonzero(drawn > 0.1)
    if not len(rows):
        return np.zeros((SIDE, SIDE, 1), np.float32)
    ink = drawn[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = BOX / max(ink.shape)
    size = [max(1, round(scale * length)) for length in ink.shape[::-1]]
    scaled = np.asarray(Image.fromarray(ink).resize(size, Image.Resampling.BILINEAR))
    image = np.zeros((SIDE, SIDE), np.float32)
    top, left = ((SIDE - length) // 2 for length in scaled.shape)
    image[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    middle = SIDE / 2 - np.array(center_of_mass(image))
    return np.clip(shift(image, np.round(middle), order=0), 0, 1)[..., np.newaxis]


@styled
def opinions(
    image: np.ndarray, said: dict[str, np.ndarray], names: dict[str, Any], pixels: np.ndarray
) -> Picture:
    """Draw what the networks see, and each head's probabilities, a dot for each seed.

    Args:
        image: (height, width, 1).
        said: by target, probabilities (seeds, classes).
        names: by target, of the classes.
        pixels: what each adds to the probability of what the first head says, (height, width, 1).
    """
    figure = new_figure(8, 1.2 + 1.5 * len(said))
    first = next(iter(said))
    seen, speaks = (figure.add_axes((left, 0.2, 0.16, 0.6)) for left in (0.01, 0.19))
    show_image(seen, image)
    seen.set_title("as they see it", fontsize=10)
    show_map(speaks, pixels)
    best = names[first][int(said[first].mean(axis=0).argmax())]
    speaks.set_title(f"blue: for {shortened(best, 8)}", fontsize=10)
    height = 0.82 / len(said)
    words = []
    for row, (target, probabilities) in enumerate(said.items()):
        place = figure.add_axes((0.44, 0.96 - (row + 1) * height + 0.1, 0.54, height - 0.16))
        _draw_opinion(place, probabilities, names[target], datasets.describe(target).title)
        likeliest = int(probabilities.mean(axis=0).argmax())
        sure = probabilities[:, likeliest]
        words.append(
            f"{datasets.describe(target).title}: {names[target][likeliest]}, with "
            f"{sure.min():.0%} to {sure.max():.0%} over {len(sure)} seeds"
        )
    return Picture(
        figure,
        f"{'; '.join(words)}. A map shows what each pixel adds to the probability of {best} in the "
        "first seed's network, by integrated gradients.",
    )


def _draw_opinion(axes: "Axes", probabilities: np.ndarray, names: Any, title: str) -> None:
    places = np.arange(probabilities.shape[1])
    axes.bar(places, probabilities.mean(axis=0), color=COLOURS["target"], alpha=0.5)
    for each in probabilities:
        axes.plot(places, each, "k.", ms=4)
    axes.set_xticks(places, [shortened(name, 8) for name in names], fontsize=8)
    axes.set(ylim=(0, 1.05), ylabel="probability")
    axes.set_title(f"head of {title}: mean (bar) and every seed (dots)", fontsize=10)


def with_drawings(
    tasks: dict[str, Target], drawings: Sequence[tuple[np.ndarray, str]]
) -> dict[str, Target]:
    """Return targets whose labelled images have drawings among them, the same for every seed.

    Args:
        tasks: from `experiments.choose_tasks`.
        drawings: images (28, 28, 1), each with the name of its class; targets that do not have the
            class do not get the image.
    """
    return {name: _with_drawings(task, drawings) for name, task in tasks.items()}


def _with_drawings(task: Target, drawings: Sequence[tuple[np.ndarray, str]]) -> Target:
    classes, part = task.data.class_names, task.data.train
    known = [(image, classes.index(name)) for image, name in drawings if name in classes]
    if not known:
        return task
    images, labels = zip(*known, strict=True)
    fit = trunks.adapter((SIDE, SIDE, 1), part.images.shape[1:])
    train = datasets.Part(
        np.concatenate([part.images, np.asarray(fit(np.stack(images)))]),
        np.concatenate([part.labels, np.array(labels, part.labels.dtype)]),
    )
    added = len(part) + np.arange(len(known))
    choices = [
        choice._replace(labelled=np.concatenate([choice.labelled, added]))
        for choice in task.choices
    ]
    return replace(task, data=replace(task.data, train=train), choices=choices)


class DrawingPad:
    """Draw something, and see what each seed's network takes it for.

    Args:
        settings: of the experiment whose networks look; small grey images only.

    Raises:
        WorkbookError: targets of other images, or without classes.
    """

    def __init__(self, settings: Settings) -> None:
        import ipywidgets as widgets

        trunk = settings.trunk_info
        for target in settings.targets:
            entry = datasets.describe(target)
            if entry.kind != "classification" or trunk.colour or trunk.takes != "images":
                raise WorkbookError(
                    "What is drawn is a small grey image of one class: choose targets with classes "
                    f"and a trunk for such images, not {shown(target)} with "
                    f"{shown(settings.trunk)}."
                )
        self.settings = settings
        self.shown: Picture | None = None
        self.pad = make_pad()
        self.picture = widgets.HTML()
        self.message = widgets.HTML()
        self.added: list[tuple[np.ndarray, str]] = []
        classes = [datasets.describe(target).class_names for target in settings.targets]
        self.called = dropdown(
            "This is", list(dict.fromkeys(itertools.chain(*classes))), classes[0][0]
        )
        learn = widgets.Button(description="Add it, and learn again", icon="plus")
        learn.layout.width = "220px"
        learn.on_click(lambda _: self.add())
        self.view: widgets.VBox = widgets.VBox(
            [self.message, self.pad, widgets.HBox([self.called, learn]), self.picture]
        )
        self._models: dict[str, list[keras.Model]] = {}
        self.pad.observe(lambda change: self._look(change["new"]), "pixels")

    def train(self) -> None:
        """Train the networks that look.

        Raises:
            WorkbookError: as `experiments.run`; it takes more than a shared page gives.
        """
        unseen = serving.limited(lambda done, total: None)
        tasks = with_drawings(experiments.choose_tasks(self.settings), self.added)
        with heard_by(unseen):
            result = experiments.run(self.settings, baseline=False, progress=unseen, tasks=tasks)
        self._models = {
            target: [result.model(seed, target) for seed in range(self.settings.seeds)]
            for target in self.settings.targets
        }

    def add(self) -> None:
        """Put what is on the pad among the labelled images, and train anew."""
        image = as_digit(self.pad.pixels)
        if not image.any():
            self.message.value = as_message(
                WorkbookError("The pad is empty: draw something first.")
            )
            return
        self.added.append((image, self.called.value))
        self.message.value = f"Learning from {len(self.added)} of your drawings, too ..."
        self._models = {}
        self._look(self.pad.pixels)

    def _look(self, pixels: list[float]) -> None:
        try:
            if not self._models:
                self.train()
            image = as_digit(pixels)
            batch = 255 * image[np.newaxis]
            said = {
                target: np.stack([np.asarray(model(batch))[0] for model in models])
                for target, models in self._models.items()
            }
            names = {target: datasets.describe(target).class_names for target in said}
            self.shown = opinions(image, said, names, self._speaks(batch, said))
            self.picture.value = self.shown.as_html()
            self.message.value = ""
        except Exception as error:
            self.message.value = as_message(error)

    def _speaks(self, batch: np.ndarray, said: dict[str, np.ndarray]) -> np.ndarray:
        """Return what each pixel adds to the probability of what the first target's head says."""
        first = self.settings.targets[0]
        best = int(said[first].mean(axis=0).argmax())
        network = self._models[first][0]
        return attribution.integrated_gradients(network, batch, best, steps=ATTRIBUTION_STEPS)[0]

    def _ipython_display_(self) -> None:
        """Show the pad; the networks are trained before, so that the first stroke is answered."""
        from IPython.display import display

        self.train()
        display(self.view)
