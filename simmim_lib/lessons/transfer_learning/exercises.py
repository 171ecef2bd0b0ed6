"""Checks of lesson 01: transfer learning."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import shown
from simmim_lib.exercises import (
    EXACT,
    Mistake,
    Wrong,
    compare,
    exercise,
    in_words,
    is_close,
    numbers,
)

if TYPE_CHECKING:
    import keras
    import numpy as np

    Build = Callable[[], keras.Sequential]


def lesson_network() -> "keras.Sequential":
    """Build the lesson's own target network: its `flatten` is a layer that holds no weights."""
    from simmim_lib import trunks

    network = trunks.add_head(trunks.build_trunk(), classes=10)
    _randomise(network)
    return network


def _builder_of_small_networks(random: "np.random.Generator") -> "Build":
    """Return what builds one small network of random sizes, with layers that hold no weights."""
    sizes = random.permutation(range(2, 9))[: random.integers(4, 7)].tolist()

    def build() -> "keras.Sequential":
        import keras

        network = keras.Sequential([keras.Input((1, sizes[0])), keras.layers.Flatten()])
        for size in sizes[1:]:
            network.add(keras.layers.Dense(size))
            network.add(keras.layers.ReLU())
        _randomise(network)
        return network

    return build


def _randomise(network: "keras.Model") -> None:
    """Draw all weights anew, so that no bias is zero and no two networks have one in common."""
    import numpy as np

    random = np.random.default_rng()
    network.set_weights([random.normal(0, 0.1, weight.shape) for weight in network.weights])


def _thaw(network: "keras.Model") -> None:
    """Let all of a network be trained again: it has a flag, and so has each layer."""
    network.trainable = True
    for layer in network.layers:
        layer.trainable = True


def _cases() -> "Iterator[tuple[Build, list[int]]]":
    """Give networks to build, and depths to freeze them to: the lesson's own, then a small one."""
    import numpy as np

    yield lesson_network, [2, 4, 0, 3]
    random = np.random.default_rng()
    build = _builder_of_small_networks(random)
    most = len(_with_weights(build()))
    yield build, random.permutation(range(most))[:3].tolist()


def _with_weights(network: "keras.Model") -> "list[keras.Layer]":
    return [layer for layer in network.layers if layer.weights]


@exercise("01-trainable-parameters", "function")
def _trainable_parameters(answer: Callable[..., Any]) -> str:
    for build, depths in _cases():
        network = build()
        sizes = ", ".join(f"{layer.count_params():,}" for layer in _with_weights(network))
        for frozen in depths:
            _thaw(network)  # an answer may have frozen some of it to count the rest
            right, mistakes = trained_weights(network, frozen)
            otherwise = (
                f"For layers with {sizes} weights, the first {frozen} of them frozen, {right:,} "
                "are trained."
            )
            compare(answer(network, frozen), right, mistakes, otherwise, EXACT)
    return (
        "Most of a network's weights often sit in one layer, so freezing one layer can change "
        "the count by very little or by nearly everything."
    )


def trained_weights(network: "keras.Model", frozen: int) -> tuple[int, list[Mistake]]:
    """Give the number of trained weights, and what known mistakes make of it."""
    layers = _with_weights(network)
    totals = [layer.count_params() for layer in layers]
    kernels = [layer.count_params() - layer.bias.shape[0] for layer in layers]
    count = len(layers)
    named = {
        "You counted the frozen layers: count the layers that are still trained.": totals[:frozen],
        "You counted every layer, frozen or not: leave the frozen ones out.": totals,
        "You counted the weights of the connections only: a layer has biases, too.": kernels[
            frozen:
        ],
        "You counted the arrays of weights: count the numbers inside them.": [2] * (count - frozen),
        "You counted layers: count the numbers that each of them learns.": [1] * (count - frozen),
        "You counted a layer that holds no weights, such as `flatten`, as one of the frozen "
        "layers: the lesson, its panel and `freezing.freeze` count only layers with weights.": [
            layer.count_params() for layer in network.layers[frozen:]
        ],
        "You froze one layer too many: with `frozen_layers=2`, layers 0 and 1 are frozen.": totals[
            frozen + 1 :
        ],
        "You froze one layer too few: with `frozen_layers=2`, layers 0 and 1 are frozen.": totals[
            max(frozen - 1, 0) :
        ],
    }
    return sum(totals[frozen:]), [Mistake(sum(each), text) for text, each in named.items()]


@exercise("01-freeze-and-copy", "function")
def _freeze_and_copy(answer: Callable[..., Any]) -> str:
    for build, depths in _cases():
        source, target = build(), build()
        for frozen in depths[:2]:
            _thaw(target)
            _randomise(target)
            wanted, fresh = _weights(source), _weights(target)
            returned = answer(source, target, frozen)
            _refuse_touched_source(source, wanted)
            _refuse_shared_layers(source, target, returned)
            _refuse_wrong_copy(target, wanted, fresh, frozen)
            _refuse_wrong_freeze(target, frozen)
    return (
        "This is what `freezing.copy_layers` and `freezing.freeze` do. One thing to remember: a "
        "model that was trained before must be compiled again after freezing or unfreezing."
    )


def _weights(network: "keras.Model") -> "list[list[np.ndarray]]":
    return [[array.copy() for array in layer.get_weights()] for layer in _with_weights(network)]


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
    target: "keras.Model",
    wanted: "list[list[np.ndarray]]",
    fresh: "list[list[np.ndarray]]",
    frozen: int,
) -> None:
    now = _weights(target)
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
    raise Wrong(
        f"With `frozen_layers={frozen}` these layers were copied: {_named(target, copied)}. Count "
        "only layers that hold weights, from the input."
    )


def _named(target: "keras.Model", chosen: list[bool]) -> str:
    pairs = zip(_with_weights(target), chosen, strict=True)
    return ", ".join(layer.name for layer, is_chosen in pairs if is_chosen)


def _refuse_wrong_freeze(target: "keras.Model", frozen: int) -> None:
    trained = [layer.trainable for layer in _with_weights(target)]
    right = [position >= frozen for position in range(len(trained))]
    if trained == right:
        _refuse_model_without_training(target, frozen)
        return
    if all(trained):
        raise Wrong("The layers were copied but not frozen: training would overwrite them.")
    if not any(trained):
        raise Wrong("The whole target is frozen: nothing would be left to train.")
    if trained == [not each for each in right]:
        raise Wrong("You froze the last layers: the copied ones, at the input, are to be frozen.")
    names = _named(target, [not each for each in trained])
    raise Wrong(
        f"With `frozen_layers={frozen}` these layers are frozen: {names}. Count only layers that "
        "hold weights, from the input."
    )


def _refuse_model_without_training(target: "keras.Model", frozen: int) -> None:
    """Look at what the model would train: its own flag overrules those of its layers."""
    expected = [weight for layer in _with_weights(target)[frozen:] for weight in layer.weights]
    if len(target.trainable_weights) != len(expected):
        raise Wrong(
            "Each layer says the right thing, but `target_model.trainable` is False, which "
            "overrules them: nothing in the model would learn. Freeze layer by layer."
        )


@exercise("01-leep", "function")
def _leep(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    for probabilities, labels in (*_shown_predictions(), *(_draw(random) for _ in range(3))):
        right, mistakes = _leep_values(probabilities, labels)
        otherwise = (
            f"For labels {labels.tolist()} and predictions {in_words(probabilities)} the score is "
            f"{right:.4f}. Compare your table P(target class | source class) with the hint: each "
            "column sums to 1."
        )
        compare(answer(probabilities.copy(), labels.copy()), right, mistakes, otherwise)
    return (
        "The score is never above 0, and costs one pass through the source model: no training. "
        "Whether it picks the best source is a question for the measurement above."
    )


def _shown_predictions() -> "list[tuple[np.ndarray, np.ndarray]]":
    """Give probabilities and labels for which no two known mistakes give the same."""
    import numpy as np

    examples: list[tuple[list[list[float]], list[int]]] = [
        ([[0.7, 0.2, 0.1], [0.6, 0.1, 0.3], [0.2, 0.5, 0.3], [0.1, 0.3, 0.6]], [0, 0, 1, 1]),
        ([[0.9, 0.1], [0.3, 0.7], [0.8, 0.2], [0.25, 0.75], [0.6, 0.4]], [2, 1, 0, 1, 2]),
    ]
    return [(np.array(rows), np.array(labels)) for rows, labels in examples]


def _draw(random: "np.random.Generator") -> "tuple[np.ndarray, np.ndarray]":
    """Draw probabilities (n, source classes) and labels, every target class among them."""
    import numpy as np

    sources, targets, extra = random.integers((2, 2, 3), (6, 5, 8))
    labels = np.concatenate([np.arange(targets), random.integers(targets, size=extra)])
    random.shuffle(labels)
    return random.dirichlet(np.ones(sources), size=len(labels)), labels


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


@exercise("01-negative-transfer", "function")
def _negative_transfer(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = [random.uniform(0.5, 0.9, size=(2, count)) for count in random.integers(3, 9, size=3)]
    for pairs in (*map(np.array, _SHOWN_ACCURACIES), *drawn):
        given = numbers(answer(*pairs.copy()), (2,))
        mean, half_width = _interval(pairs[0] - pairs[1])
        _refuse_other_pairs(given, mean, half_width)
        shown = f"For transfer {in_words(pairs[0])} and scratch {in_words(pairs[1])}"
        of_mean = f"{shown} the mean difference is {mean:.4f}."
        compare(given[0], mean, _mean_mistakes(pairs), of_mean)
        of_width = f"{shown} the half width for {len(pairs[0])} seeds is {half_width:.4f}."
        compare(given[1], half_width, _width_mistakes(pairs), of_width)
    return (
        "When the whole interval lies below zero, transfer hurt by more than chance explains: that "
        "is negative transfer. When it contains zero, these seeds cannot tell."
    )


_SHOWN_ACCURACIES = (
    ([0.71, 0.69, 0.74, 0.70, 0.72], [0.74, 0.70, 0.76, 0.73, 0.73]),
    ([0.60, 0.66, 0.63], [0.63, 0.67, 0.68]),
)
"""With transfer, and from scratch; no two known mistakes give the same for both."""


def _interval(differences: "np.ndarray") -> tuple[float, float]:
    """Return mean and half width, from SciPy's own interval."""
    import scipy.stats

    low, high = scipy.stats.ttest_1samp(differences, 0).confidence_interval()
    return (low + high) / 2, (high - low) / 2


def _refuse_other_pairs(given: "np.ndarray", mean: float, half_width: float) -> None:
    """Name what is right but told in another way."""
    if is_close(given, (mean, half_width)):
        return
    known = {
        "These are the two ends of the interval: return the mean and the half width.": (
            mean - half_width,
            mean + half_width,
        ),
        "Right numbers, wrong order: first the mean difference, then the half width.": (
            half_width,
            mean,
        ),
        "That is in percentage points: leave the accuracies as they are, from 0 to 1.": (
            100 * mean,
            100 * half_width,
        ),
        "Your half width is negative: a width is above 0. `ppf(0.025)` is the lower quantile; take "
        "`ppf(0.975)`.": (mean, -half_width),
    }
    for message, pair in known.items():
        if is_close(given, pair):
            raise Wrong(message)


def _mean_mistakes(pairs: "np.ndarray") -> list[Mistake]:
    difference = float((pairs[0] - pairs[1]).mean())
    return [
        Mistake(
            -difference,
            "The sign is reversed: subtract scratch from transfer, so that a loss is negative.",
        ),
        Mistake(difference * pairs.shape[1], "You summed the differences: take their mean."),
    ]


def _width_mistakes(pairs: "np.ndarray") -> list[Mistake]:
    import numpy as np
    from scipy.stats import t

    differences = pairs[0] - pairs[1]
    count = len(differences)
    quantile, error = t.ppf(0.975, count - 1), differences.std(ddof=1) / np.sqrt(count)
    separate = np.sqrt(pairs.var(axis=1, ddof=1).sum() / count)
    return [
        Mistake(
            quantile * differences.std(ddof=1),
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
            1.959964 * error,
            "You used 1.96, which holds for many seeds: with few, take the quantile of "
            "Student's t with n - 1 degrees of freedom.",
        ),
        Mistake(
            t.ppf(0.95, count - 1) * error,
            "You took the quantile at 0.95, which leaves 5 % on one side: a 95 % interval leaves "
            "2.5 % on either side, so take 0.975.",
        ),
        Mistake(
            t.ppf(0.975, count) * error,
            "Your degrees of freedom are the number of pairs: they are one fewer, n - 1, because "
            "the mean was estimated, too.",
        ),
        Mistake(
            2 * quantile * error,
            "You gave the whole width: the half width reaches from the mean to one end.",
        ),
        Mistake(error, "That is the standard error: multiply it by the quantile of Student's t."),
    ]


_CLAIM: dict[str, Any] = {
    "source": "glyphs",
    "targets": ("uci-digits",),
    "labels_per_class": 5,
    "adaptation": "gradual-unfreezing",
    "trunk_learning_rate": 0.1,
    "steps": 240,
    "seeds": 10,
}
"""What the exercise says about the run that something is claimed of."""

_MUST_BE_EQUAL = {
    "adaptation": "Both runs unfreeze gradually, so they would show no difference: the opponent "
    "is plain `fine-tune`.",
    "steps": "The two are not trained for the same number of steps: the longer training may be "
    "all that helps.",
    "seeds": "The two do not have the same seeds, so they cannot be compared seed by seed.",
    "trunk_learning_rate": "The copied layers take steps of different size, so a difference may "
    "come from that: you asked about gradual unfreezing alone.",
    "source": "The two do not start from the same source.",
    "targets": "The two do not learn the same target.",
    "labels_per_class": "The two do not have the same number of labels.",
}


@exercise("01-fair-comparison", "values")
def _fair_comparison(answer: Any) -> str:
    from simmim_lib.settings import Settings

    if not isinstance(answer, Settings):
        kind = type(answer).__name__
        raise Wrong(f"Give the opponent as `simmim_lib.Settings(...)`; yours is of type `{kind}`.")
    given, wanted = answer.as_dict(), Settings(**{**_CLAIM, "adaptation": "fine-tune"}).as_dict()
    no_matter = {"budget", "strategy", "baseline"}  # they do not change what is trained
    wrong = [name for name in wanted if given[name] != wanted[name] and name not in no_matter]
    for name in (*_MUST_BE_EQUAL, *wrong):
        if name in wrong:
            why = _MUST_BE_EQUAL.get(name, "The two differ in more than what is claimed.")
            raise Wrong(f"{why} Your `{name}` is {shown(given[name])}.")
    return (
        "Only one setting differs, so only that can be the cause. The opponent in the claim had "
        "half the steps, whole steps for the copied layers and three seeds."
    )
