"""Cheaper ways to adapt a network, each beside plain fine-tuning, by Keras's own means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from simmim_lib import datasets, trunks
from simmim_lib.errors import check_choice, check_whole
from simmim_lib.experiments import cost
from simmim_lib.foundation.progress import Progress
from simmim_lib.lessons.open_problems import starts
from simmim_lib.studies.described import Described
from simmim_lib.studies.measures import Measures

if TYPE_CHECKING:
    import keras

LABELS_PER_CLASS, BATCH_SIZE, EPOCHS = 20, 20, 30
RANK = 4
PATIENCE = 3
"""Passes without a better loss on validation images, after which training stops."""


def _as_it_is(network: "keras.Sequential") -> "keras.Sequential":
    return network


def _probe(network: "keras.Sequential") -> "keras.Sequential":
    for layer in network.layers[:-1]:
        layer.trainable = False
    return network


def _low_rank(network: "keras.Sequential") -> "keras.Sequential":
    for layer in network.layers[:-1]:
        if layer.weights:
            layer.enable_lora(RANK)
            layer.bias.trainable = False
    return network


def _half_precision(network: "keras.Sequential") -> "keras.Sequential":
    import keras

    def in_half(layer: "keras.layers.Layer") -> "keras.layers.Layer":
        return type(layer).from_config({**layer.get_config(), "dtype": "mixed_bfloat16"})

    copy = keras.models.clone_model(network, clone_function=in_half)
    copy.set_weights(network.get_weights())
    return copy


WAYS: dict[str, Callable[["keras.Sequential"], "keras.Sequential"]] = {
    "fine-tune": _as_it_is,
    "probe": _probe,
    "LoRA": _low_rank,
    "mixed precision": _half_precision,
    "early stopping": _as_it_is,
    "8 bits afterwards": _as_it_is,
}
"""What is done to the network before it is trained; the last two do something later."""


@dataclass(frozen=True, kw_only=True)
class Cheaper(Described):
    """An experiment: from glyphs to MNIST, in one of the ways.

    Attributes:
        way: one of `WAYS`.
        seeds: repetitions with other labelled images, fresh heads and batches.

    Raises:
        WorkbookError: a value that is not allowed, with what is allowed.
    """

    way: str = "fine-tune"
    seeds: int = 5

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        check_choice("way", self.way, WAYS)
        check_whole("seeds", self.seeds, least=1)


def copied_network(seed: int) -> "keras.Sequential":
    """Return the glyphs' trunk with a fresh head."""
    network = trunks.add_head(trunks.build_trunk(), 10)
    network.set_weights(starts.from_glyphs(network, seed))
    return network


def adapted(experiment: Cheaper, progress: Progress) -> Measures:
    """Adapt a network for each seed, and measure what it takes.

    Returns:
        Each (seeds,): "accuracy" on the test images; "trained", how many weights are; "passes"
        over the labelled images; "operations" of the training, by `operations`; "memory", bytes of
        the weights while Adam trains them; "bytes", of the weights as they are kept.
    """
    found: dict[str, list[float]] = {}
    for seed in range(experiment.seeds):
        progress(seed, experiment.seeds)
        for name, value in _adapted_once(experiment.way, seed).items():
            found.setdefault(name, []).append(value)
    progress(experiment.seeds, experiment.seeds)
    return {name: np.array(values) for name, values in found.items()}


def _adapted_once(way: str, seed: int) -> dict[str, float]:
    import keras

    task = datasets.few_shot("mnist", LABELS_PER_CLASS, seed)
    network = WAYS[way](copied_network(seed))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(keras.optimizers.Adam(1e-3), loss)
    trained, kept = (
        sum(int(np.prod(weight.shape)) for weight in weights)
        for weights in (network.trainable_weights, network.weights)
    )
    passes = _fit(network, task, seed, stopping=way == "early stopping")
    if way == "8 bits afterwards":
        network.quantize("int8")
    logits = network.predict(task.test.images, batch_size=500, verbose=0)
    tested = len(task.validation) if way == "early stopping" else 0
    return {
        "accuracy": float(np.mean(logits.argmax(axis=1) == task.test.labels)),
        "trained": trained,
        "passes": passes,
        "operations": passes * operations(way, len(task.labelled), tested),
        "memory": cost.Cost(trained, kept - trained, 0).bytes,
        "bytes": sum(np.asarray(weight).nbytes for weight in network.weights),
    }


def _fit(network: "keras.Model", task: datasets.Task, seed: int, stopping: bool) -> int:
    """Train, and return how many passes it took."""
    import keras

    more: dict[str, Any] = {}
    if stopping:
        more["validation_data"] = (task.validation.images, task.validation.labels)
        more["callbacks"] = [
            keras.callbacks.EarlyStopping(patience=PATIENCE, restore_best_weights=True)
        ]
    order = np.random.default_rng(seed).permutation(len(task.labelled))
    images, labels = task.labelled.images[order], task.labelled.labels[order]
    history = network.fit(
        images, labels, batch_size=BATCH_SIZE, epochs=EPOCHS, shuffle=False, verbose=0, **more
    )
    return len(history.epoch)


def operations(way: str, labelled: int, tested: int) -> int:
    """Return the floating-point operations of a pass, by the rules of `cost`.

    Forwards alone where layers are frozen, and there and back in the rest. LoRA saves none: Keras
    adds the correction to the matrix before it multiplies, and needs the gradient of the sum. Nor
    does half precision, which makes each of them cheaper where the processor has circuits for it.

    Args:
        way: one of `WAYS`.
        labelled: images that are learned from.
        tested: images that are only looked at.
    """
    network = trunks.add_head(trunks.build_trunk(), 10)
    whole = cost.forward_flops(network)
    frozen = whole - cost.layer_flops(network.layers[-1]) if way == "probe" else 0
    return labelled * (cost.PASSES * (whole - frozen) + frozen) + tested * whole
