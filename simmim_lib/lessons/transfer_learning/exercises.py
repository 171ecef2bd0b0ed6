"""Checks of lesson 01: transfer learning."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise, numbers

if TYPE_CHECKING:
    import keras
    import numpy as np

_LAYERS = ("edges", "parts", "shapes", "head")
_SIZES = (6, 5, 4, 3, 2)  # of the input and of each layer: no two counts below are the same


def _network(seed: int) -> "keras.Sequential":
    """Build a small dense network; its biases are random, so that a forgotten bias is seen."""
    import keras

    network = keras.Sequential([keras.Input((_SIZES[0],))])
    for number, (name, size) in enumerate(zip(_LAYERS, _SIZES[1:], strict=True)):
        kernel = keras.initializers.GlorotUniform(seed=seed + number)
        bias = keras.initializers.RandomNormal(seed=seed + number)
        network.add(
            keras.layers.Dense(size, name=name, kernel_initializer=kernel, bias_initializer=bias)
        )
    return network


@exercise("01-trainable-parameters")
def _trainable_parameters(answer: Callable[..., Any]) -> str:
    kernels = [inputs * outputs for inputs, outputs in pairwise(_SIZES)]
    totals = [kernel + outputs for kernel, outputs in zip(kernels, _SIZES[1:], strict=True)]
    for frozen in (2, 3, 0, 4):
        right = sum(totals[frozen:])
        mistakes = [
            Mistake(
                sum(totals[:frozen]),
                "You counted the frozen layers: count the layers that are still trained.",
            ),
            Mistake(
                sum(totals), "You counted every layer, frozen or not: leave the frozen ones out."
            ),
            Mistake(
                sum(kernels[frozen:]),
                "You counted the weights of the connections only: a layer has biases, too.",
            ),
            Mistake(
                2 * (4 - frozen),
                "You counted the arrays of weights: count the numbers inside them.",
            ),
            Mistake(4 - frozen, "You counted layers: count the numbers that each of them learns."),
            Mistake(
                sum(totals[frozen + 1 :]),
                "You froze one layer too many: with `frozen_layers=2`, layers 0 and 1 are frozen.",
            ),
            Mistake(
                sum(totals[max(frozen - 1, 0) :]),
                "You froze one layer too few: with `frozen_layers=2`, layers 0 and 1 are frozen.",
            ),
        ]
        otherwise = (
            f"For layers with {totals} parameters and {frozen} of them frozen, {right} are "
            "trained, but your function returns something else."
        )
        compare(answer(_network(seed=1), frozen), right, mistakes, otherwise)
    return (
        "Most of a network's parameters often sit in one layer, so freezing one layer can change "
        "the count by very little or by nearly everything."
    )


@exercise("01-freeze-and-copy")
def _freeze_and_copy(answer: Callable[..., Any]) -> str:
    for frozen in (2, 0):
        source, target = _network(seed=1), _network(seed=101)
        wanted, fresh = _weights(source), _weights(target)
        returned = answer(source, target, frozen)
        _refuse_touched_source(source, wanted)
        _refuse_shared_layers(source, target, returned)
        _refuse_wrong_copy(_weights(target), wanted, fresh, frozen)
        _refuse_wrong_freeze(target, frozen)
    return (
        "One thing to remember: Keras reads `trainable` when a model is compiled, so compile the "
        "target after freezing, and again after unfreezing."
    )


def _weights(network: "keras.Model") -> "list[list[np.ndarray]]":
    return [[array.copy() for array in layer.get_weights()] for layer in network.layers]


def _same(left: "list[np.ndarray]", right: "list[np.ndarray]") -> bool:
    import numpy as np

    return all(np.array_equal(one, other) for one, other in zip(left, right, strict=True))


def _refuse_touched_source(source: "keras.Model", wanted: "list[list[np.ndarray]]") -> None:
    if not all(_same(now, before) for now, before in zip(_weights(source), wanted, strict=True)):
        raise Wrong("The source model's weights have changed: copy from the source to the target.")


def _refuse_shared_layers(source: "keras.Model", target: "keras.Model", returned: object) -> None:
    used = [*target.layers, *getattr(returned, "layers", [])]
    weights = {id(weight) for weight in source.weights}
    if any(id(weight) in weights for layer in used for weight in layer.weights):
        raise Wrong(
            "The target uses the source's own layers: what one model learns would change the "
            "other. Copy the values with `set_weights(layer.get_weights())`."
        )
    if not all(layer.trainable for layer in source.layers):
        raise Wrong("You froze layers of the source model: freeze those of the target.")


def _refuse_wrong_copy(
    now: "list[list[np.ndarray]]",
    wanted: "list[list[np.ndarray]]",
    fresh: "list[list[np.ndarray]]",
    frozen: int,
) -> None:
    copied = [_same(one, other) for one, other in zip(now, wanted, strict=True)]
    if all(copied[:frozen]) and not any(copied[frozen:]):
        return
    if all(copied):
        raise Wrong(
            f"You copied all {len(copied)} layers: only the first {frozen} come from the source, "
            "the others keep the target's own weights."
        )
    if not any(copied):
        if any(_same(one[:1], other[:1]) for one, other in zip(now, wanted, strict=True)):
            raise Wrong("You copied the kernels but not the biases: take all weights of a layer.")
        if not all(_same(one, other) for one, other in zip(now, fresh, strict=True)):
            raise Wrong("The target's weights have changed, but not to those of the source.")
        raise Wrong("Nothing was copied: the target's layers still have their own random weights.")
    names = ", ".join(name for name, done in zip(_LAYERS, copied, strict=True) if done)
    raise Wrong(f"With `frozen_layers={frozen}` these layers were copied: {names}. Count again.")


def _refuse_wrong_freeze(target: "keras.Model", frozen: int) -> None:
    trained = [layer.trainable for layer in target.layers]
    if trained == [number >= frozen for number in range(len(trained))]:
        return
    if all(trained):
        raise Wrong("The layers were copied but not frozen: training would overwrite them.")
    if not any(trained):
        raise Wrong("The whole target is frozen: nothing would be left to train.")
    if trained == [number < frozen for number in range(len(trained))]:
        raise Wrong("You froze the last layers: the copied ones, at the input, are to be frozen.")
    names = ", ".join(name for name, free in zip(_LAYERS, trained, strict=True) if not free)
    raise Wrong(f"With `frozen_layers={frozen}` these layers are frozen: {names}. Count again.")


@exercise("01-leep")
def _leep(answer: Callable[..., Any]) -> str:
    import numpy as np

    examples = [
        ([[0.7, 0.2, 0.1], [0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]], [0, 0, 1, 1]),
        ([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.25, 0.75], [0.6, 0.4]], [2, 1, 0, 1, 2]),
    ]
    for rows, classes in examples:
        probabilities, labels = np.array(rows), np.array(classes)
        right, mistakes = _leep_values(probabilities, labels)
        compare(
            answer(probabilities.copy(), labels.copy()),
            right,
            mistakes,
            f"For labels {classes} the score is {right:.4f}, but yours is different. Compare your "
            "table P(target class | source class) with the hint: each column sums to 1.",
        )
    return (
        "The score is never above 0, and costs one pass through the source model: no training. "
        "Whether it picks the best source is a question for the measurement below."
    )


def _leep_values(probabilities: "np.ndarray", labels: "np.ndarray") -> tuple[float, list[Mistake]]:
    """Give the score, and what each known mistake makes of it."""
    import numpy as np

    count = len(labels)
    joint = np.stack([probabilities[labels == y].sum(0) for y in range(labels.max() + 1)]) / count
    given_source = joint / joint.sum(axis=0)
    given_target = joint / joint.sum(axis=1, keepdims=True)

    def expected(table: "np.ndarray") -> "np.ndarray":
        return np.array([table[y] @ row for y, row in zip(labels, probabilities, strict=True)])

    logs = np.log(expected(given_source))
    hard = given_source[labels, probabilities.argmax(axis=1)]
    return float(logs.mean()), [
        Mistake(
            float(np.log(expected(given_target)).mean()),
            "You divided by P(target class): the table is P(target class | source class), so "
            "divide each column by P(source class).",
        ),
        Mistake(
            float(np.log(expected(given_source).mean())),
            "You took the logarithm of the mean: take it for each image, and then the mean.",
        ),
        Mistake(
            float(np.log(expected(joint)).mean()),
            "The table is not normalised: P(target class, source class) must be divided by "
            "P(source class).",
        ),
        Mistake(
            float(np.log(expected(joint * count)).mean()),
            "The table holds sums of probabilities: divide it by its column sums, so that each "
            "column adds up to 1.",
        ),
        Mistake(float(logs.sum()), "You summed the logarithms: the score is their mean."),
        Mistake(
            float(-logs.mean()),
            "The sign is reversed: the score is a mean logarithm of probabilities, so it is "
            "negative.",
        ),
        Mistake(
            float(logs.mean() / np.log(10)),
            "You took a logarithm to base 10: use the natural one, `np.log`.",
        ),
        Mistake(
            float(logs.mean() / np.log(2)),
            "You took a logarithm to base 2: use the natural one, `np.log`.",
        ),
        Mistake(
            float(np.log(hard).mean()),
            "You kept only the most probable source class: use the probabilities of all of them.",
        ),
    ]


@exercise("01-negative-transfer")
def _negative_transfer(answer: Callable[..., Any]) -> str:
    import numpy as np

    # 2.7764 and 4.3027: 97.5 % quantiles of Student's t with 4 and with 2 degrees of freedom.
    examples = [
        ([0.71, 0.69, 0.74, 0.70, 0.72], [0.74, 0.70, 0.76, 0.73, 0.73], 2.776445),
        ([0.60, 0.66, 0.63], [0.63, 0.67, 0.68], 4.302653),
    ]
    for transfer, scratch, quantile in examples:
        pairs = np.array([transfer, scratch])
        mean, half_width, mistakes = _interval_values(pairs, quantile)
        given = numbers(answer(*pairs.copy()), (2,))
        compare(
            given[0],
            mean,
            [
                Mistake(
                    -mean,
                    "The sign is reversed: subtract scratch from transfer, so that a loss is "
                    "negative.",
                ),
                Mistake(mean * len(transfer), "You summed the differences: take their mean."),
            ],
            f"The mean difference is {mean:.4f} here, but your first number is {given[0]:.4f}.",
        )
        otherwise = (
            f"The half width for {len(transfer)} seeds is {half_width:.4f}, but yours is "
            f"{given[1]:.4f}."
        )
        compare(given[1], half_width, mistakes, otherwise)
    return (
        "When the whole interval lies below zero, transfer hurt by more than chance explains: that "
        "is negative transfer. When it contains zero, these seeds cannot tell."
    )


def _interval_values(pairs: "np.ndarray", quantile: float) -> tuple[float, float, list[Mistake]]:
    """Give the mean difference, its half width, and what known mistakes make of the half width."""
    import numpy as np

    differences = pairs[0] - pairs[1]
    count = len(differences)
    deviation = differences.std(ddof=1)
    separate = np.sqrt(pairs.var(axis=1, ddof=1).sum() / count)
    half_width = quantile * deviation / np.sqrt(count)
    return (
        float(differences.mean()),
        half_width,
        [
            Mistake(
                quantile * deviation,
                "You left out the square root of the number of seeds: that is the spread of one "
                "seed, and the mean of several is more certain.",
            ),
            Mistake(
                quantile * separate,
                "You treated the two arrays as unrelated: each seed gives a pair, so take the "
                "spread of the differences.",
            ),
            Mistake(
                quantile * differences.std() / np.sqrt(count),
                "You divided by n inside the standard deviation: for a sample use `ddof=1`.",
            ),
            Mistake(
                1.959964 * deviation / np.sqrt(count),
                "You used 1.96, which holds for many seeds: with few, take the quantile of "
                "Student's t with n - 1 degrees of freedom.",
            ),
            Mistake(
                2 * quantile * deviation / np.sqrt(count),
                "You gave the whole width: the half width reaches from the mean to one end.",
            ),
            Mistake(
                deviation / np.sqrt(count),
                "That is the standard error: multiply it by the quantile of Student's t.",
            ),
        ],
    )
