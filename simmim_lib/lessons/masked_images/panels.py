"""Panels of lesson 08: masks and attention."""

from collections.abc import Iterator

import numpy as np

from simmim_lib import masking
from simmim_lib.experiments.pretexts import masked
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.masked_images import figures, networks, study_results
from simmim_lib.lessons.masked_images.chosen import WITHOUT_LABELS
from simmim_lib.lessons.masked_images.studies import RATIOS, UNITS
from simmim_lib.panels.controls import dropdown, slider
from simmim_lib.panels.panel import Panel, Values
from simmim_lib.pictures.style import Picture

GRID = 4
"""Patches on each side of an image."""

IMAGES = 5


def masks() -> Panel:
    """Return the panel that hides parts of images; the network that ships fills them in."""
    controls = {
        "ratio": slider("Ratio", (0.1, 0.2, 0.4, 0.6, 0.8, 0.9), masking.RATIO),
        "unit": slider("Unit (patches)", (1, 2), 1),
        "kind": dropdown("Kind", list(masking.KINDS), "random"),
        "seed": slider("Another mask", range(10), 0),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        images = networks.test_images(IMAGES)
        mask = masking.random_mask(IMAGES, GRID, **values)
        filled = masked.reconstructions(networks.shipped(), images, mask)
        title = "Filled in by the network that comes with the workbook"
        yield figures.filled_in(images, mask, filled, title)

    return Panel(controls, pictures)


def ablations() -> Panel:
    """Return the panel that looks up the accuracy after pre-training with a ratio and a unit."""
    controls = {
        "ratio": slider("Ratio", RATIOS, masking.RATIO),
        "unit": slider("Unit (patches)", UNITS, 1),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        (mask,) = masking.random_mask(1, GRID, values["unit"], values["ratio"])
        yield study_results.ratios_figure((values["ratio"], values["unit"]), mask)

    return Panel(controls, pictures)


def attention() -> Panel:
    """Return the panel that shows where a patch looks, in each head of each block."""
    controls = {
        "image": slider("Image", range(10), 9),
        "row": slider("Row", range(1, GRID + 1), 3),
        "column": slider("Column", range(1, GRID + 1), 2),
        "pretext": dropdown("Pre-trained", list(WITHOUT_LABELS), "masked"),
    }

    def pictures(values: Values, progress: Progress) -> Iterator[Picture]:
        image = networks.test_images(10)[values["image"]]
        patch = (values["row"] - 1, values["column"] - 1)
        maps = networks.attention_of(networks.shipped(values["pretext"]), image, patch)
        title = f"Where the marked patch looks: {values['pretext']} pre-training"
        yield figures.attention(image, patch, np.asarray(maps), title)

    return Panel(controls, pictures)
