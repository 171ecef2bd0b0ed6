"""Membership inference: who was among the training images, told from a network's answers."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from simmim_lib import datasets, training, trunks
from simmim_lib.errors import WorkbookError, check_choice, check_whole
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems import starts
from simmim_lib.lessons.open_problems.private_heads import PrivateHead, rows_of
from simmim_lib.privacy.attacks import attack, confidence, likelihood_ratio
from simmim_lib.privacy.heads import probabilities, train_head
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

EXAMPLES = 2_000
"""Images of MNIST; each network learns from a random half of them."""

STEPS, BATCH_SIZE = 600, 32

TRAININGS = {
    "from scratch": None,
    "fine-tuned": None,
    "head, not private": None,
    "head, epsilon 3": 3.0,
    "head, epsilon 1": 1.0,
}
"""Ways to learn, and the epsilon of those that are private."""

FALSE_POSITIVES = np.concatenate([[0.0], np.geomspace(1e-4, 1, 41)])
"""Where ROC curves are stored."""


@dataclass(frozen=True, kw_only=True)
class Membership(Described):
    """An experiment: networks of one kind, each attacked with others as its shadows.

    Attributes:
        training: one of `TRAININGS`.
        seeds: networks, an even number from 4 on, since they come in pairs.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    training: str = "from scratch"
    seeds: int = 10

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("training", self.training, TRAININGS)
        check_whole("seeds", self.seeds, least=4)
        if self.seeds % 2:
            raise WorkbookError(
                f"seeds is {self.seeds}, but must be even, like 10: the two networks of a pair "
                "learn from opposite halves."
            )


class Networks(NamedTuple):
    """What networks say of all images.

    Attributes:
        scores: log-odds of the right class, (networks, n).
        present: whether each network has learned from each image, (networks, n).
        accuracy: on the test images, (networks,).
    """

    scores: np.ndarray
    present: np.ndarray
    accuracy: np.ndarray


def halves(networks: int) -> np.ndarray:
    """Return which images each network learns from, half of them, (networks, n).

    Networks come in pairs: what one of a pair learns from, the other does not. So each image is in
    one half of the networks.
    """
    random = np.random.default_rng(0)
    first = np.argsort(random.random((networks // 2, EXAMPLES)), axis=1) < EXAMPLES // 2
    return np.stack([first, ~first], axis=1).reshape(networks, EXAMPLES)


def shadows_of(target: int, networks: int) -> np.ndarray:
    """Return which networks are shadows of one: all but itself and its pair, (networks,).

    The other of the pair would give away who was there: it has learned from exactly the rest.
    """
    return np.arange(networks) // 2 != target // 2


def trained_networks(experiment: Membership) -> Networks:
    """Train all networks of an experiment, and ask them about all images."""
    present = halves(experiment.seeds)
    whole = experiment.training in ("from scratch", "fine-tuned")
    outputs, guesses = (_whole_networks if whole else _heads)(experiment, present)
    data = datasets.load("mnist")
    labels = data.train.labels[:EXAMPLES]
    scores = np.stack([confidence(each, labels) for each in outputs])
    return Networks(scores, present, np.mean(guesses == data.test.labels, axis=1))


def _whole_networks(experiment: Membership, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of all images, (networks, n, 10), and guesses for the test images."""
    from scipy.special import softmax

    data, network = datasets.load("mnist"), trunks.classifier(10)
    start = starts.from_glyphs if experiment.training == "fine-tuned" else trunks.fresh_weights
    chosen = np.stack([np.flatnonzero(each) for each in present])
    batches = [
        training.draw_batches(chosen.shape[1], BATCH_SIZE, STEPS, seed)
        for seed in range(experiment.seeds)
    ]
    examples = training.Examples(
        data.train.images[chosen], data.train.labels[chosen], np.stack(batches)
    )
    weights = starts.stacked([start(network, seed) for seed in range(experiment.seeds)])
    weights = training.train(network, weights, [examples])
    logits = training.predict(network, weights, data.train.images[:EXAMPLES])
    guesses = training.predict(network, weights, data.test.images).argmax(axis=-1)
    return softmax(logits.astype(np.float64), axis=-1), guesses


def _heads(experiment: Membership, present: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the same of heads on frozen features."""
    data = rows_of("mnist", "glyphs")
    head = PrivateHead(epsilon=TRAININGS[experiment.training])
    rows, labels = data.train.images[:EXAMPLES], data.train.labels[:EXAMPLES]
    kernels = [
        train_head(rows[each], labels[each], 10, head.recipe(int(each.sum())), seed)
        for seed, each in enumerate(present)
    ]
    outputs = np.stack([probabilities(kernel, rows) for kernel in kernels])
    guesses = [probabilities(kernel, data.test.images).argmax(axis=1) for kernel in kernels]
    return outputs, np.stack(guesses)


def attacked(experiment: Membership, progress: Progress) -> Measures:
    """Attack every network, by its loss alone, and with others as its shadows.

    Returns:
        For each attack, "loss" and "shadows": the area under the ROC curve, "... area", (seeds,),
        and the share of members found by shares of others that are accused, "... found",
        (`FALSE_POSITIVES`, seeds); and "accuracy" on the test images, (seeds,).
    """
    networks = trained_networks(experiment)
    found: dict[str, list] = {
        f"{name} {what}": [] for name in ("loss", "shadows") for what in ("area", "found")
    }
    for target in range(experiment.seeds):
        progress(target, experiment.seeds)
        others = shadows_of(target, experiment.seeds)
        observed, there = networks.scores[target], networks.present[target]
        known = likelihood_ratio(observed, networks.scores[others], networks.present[others])
        for name, scores in (("loss", observed), ("shadows", known)):
            outcome = attack(scores[there], scores[~there])
            found[f"{name} area"].append(outcome.area)
            found[f"{name} found"].append([outcome.found_at(share) for share in FALSE_POSITIVES])
    progress(experiment.seeds, experiment.seeds)
    measures = {name: np.moveaxis(np.array(values), 0, -1) for name, values in found.items()}
    return {**measures, "accuracy": networks.accuracy}
