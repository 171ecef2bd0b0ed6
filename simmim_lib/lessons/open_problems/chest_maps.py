"""Maps of chest phantoms, of which everything is known: do they show what a network has learned?

One network learns from images where device and illness have nothing to do with each other. The
other learns where device B has taken all images of ill patients and no others, so that its letters
in the corner, its noise and its tones tell the diagnosis. Both are shown the same new images.
"""

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simmim_lib import attribution, training, trunks
from simmim_lib.attribution.methods import Map
from simmim_lib.attribution.randomisation import Explain
from simmim_lib.datasets import phantoms
from simmim_lib.errors import check_choice, check_whole
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems import starts
from simmim_lib.lessons.open_problems.maps import METHODS, answers
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

if TYPE_CHECKING:
    import keras

LEARNED = {"finding": 0.0, "device": 1.0}
"""What tells the diagnosis in training images: how much device and illness go together there."""

PATIENTS, TEST_PATIENTS = 1_000, 200
STEPS, BATCH_SIZE = 600, 32

TESTED = 32
"""Images that maps are made of: all of ill patients, and all taken by device B."""

ILL = 1


@dataclass(frozen=True, kw_only=True)
class MapTest(Described):
    """Tests of one method on networks that read chest phantoms.

    Attributes:
        method: one of `maps.METHODS`.
        learned: one of `LEARNED`.
        seeds: networks, each with patients, fresh weights and batches of its own.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    method: str = "integrated gradients"
    learned: str = "finding"
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("method", self.method, METHODS)
        check_choice("learned", self.learned, LEARNED)
        check_whole("seeds", self.seeds, least=1)


def tested(test: MapTest, progress: Progress) -> Measures:
    """Test a method on each seed's network.

    Returns:
        "accuracy" on new patients, whose devices tell nothing, and "says the device", the share of
        them that the network calls ill if and only if device B has seen them; "on finding" and
        "on letters", the shares of the maps that are largest there; "chance" of the first, by the
        size of findings; each (seeds,). Of networks that have learned the finding also
        "similarity" of maps to what they were, after each layer more has forgotten, from the last
        down, (layers, seeds), and the "rise" of their complexity when all have, (seeds,); these
        are means over images.
    """
    found: dict[str, list] = {}
    for seed in range(test.seeds):
        progress(seed, test.seeds)
        for name, value in _tested_once(test, seed).items():
            found.setdefault(name, []).append(value)
    progress(test.seeds, test.seeds)
    return {name: np.moveaxis(np.array(values), 0, -1) for name, values in found.items()}


def _tested_once(test: MapTest, seed: int) -> dict[str, object]:
    network = trained_networks(test.learned, test.seeds)[seed]
    everybody = new_patients(seed)
    shown = looked_at(everybody)
    explain = _explainer(test.method, network, shown.images)
    sizes = np.abs(explain(network))
    letters = np.broadcast_to(phantoms.letters(shown.images.shape[1]), shown.masks.shape)
    says_ill = answers(network, everybody.images) == ILL
    found: dict[str, object] = {
        "accuracy": np.mean(says_ill == everybody.ill),
        "says the device": np.mean(says_ill == everybody.device),
        "on finding": attribution.pointing_game(sizes, shown.masks).mean(),
        "on letters": attribution.pointing_game(sizes, letters).mean(),
        "chance": shown.masks.mean(),
    }
    if test.learned == "finding":
        fallen = attribution.cascade(network, explain, seed)
        found["similarity"] = [each.mean() for each in fallen.values()]
        found["rise"] = attribution.complexity_rise(network, explain, seed).mean()
    return found


def _explainer(method: str, known: "keras.Model", images: np.ndarray) -> Explain:
    """Return what maps the images by a method, asking why they are ill; of `known` once only."""
    classes = np.full(len(images), ILL)
    of_known: Map = METHODS[method](known, images, classes)
    return lambda asked: of_known if asked is known else METHODS[method](asked, images, classes)


def new_patients(seed: int) -> phantoms.Cohort:
    """Return images of patients whom no network has seen; their devices tell nothing."""
    return phantoms.render(TEST_PATIENTS, np.random.default_rng([seed, 91]))


def looked_at(cohort: phantoms.Cohort) -> phantoms.Cohort:
    """Return the images that maps are made of: an opacity, and the letters of device B."""
    chosen = (cohort.ill == 1) & (cohort.device == 1) & cohort.masks.any(axis=(1, 2))
    return cohort.take(np.flatnonzero(chosen)[:TESTED])


@functools.lru_cache(maxsize=2)
def trained_networks(learned: str, seeds: int) -> "tuple[keras.Sequential, ...]":
    """Return networks that start from glyphs' features and learn one of `LEARNED`."""
    cohorts = [
        phantoms.render(PATIENTS, np.random.default_rng([seed, 90]), device_tie=LEARNED[learned])
        for seed in range(seeds)
    ]
    images, labels = (
        np.stack([getattr(cohort, name) for cohort in cohorts]) for name in ("images", "ill")
    )
    batches = np.stack(
        [training.draw_batches(images.shape[1], BATCH_SIZE, STEPS, seed) for seed in range(seeds)]
    )
    network = trunks.classifier(2)
    start = starts.stacked([starts.from_glyphs(network, seed) for seed in range(seeds)])
    weights = training.train(network, start, [training.Examples(images, labels, batches)])
    return tuple(_with_weights([weight[seed] for weight in weights]) for seed in range(seeds))


def _with_weights(weights: trunks.Weights) -> "keras.Sequential":
    network = trunks.add_head(trunks.build_trunk(), 2)
    network.set_weights(weights)
    return network
