"""Checks of lesson 02: the loss formula."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import (
    Mistake,
    Tolerance,
    Wrong,
    compare,
    exercise,
    in_words,
    numbers,
)

if TYPE_CHECKING:
    import numpy as np

DIFFERENCES = Tolerance(1e-3, 5e-4)
"""For slopes: a one-sided difference with a step of 0.001 is off by as much."""


@exercise("02-logit-slope", "function")
def _logit_slope(answer: Callable[..., Any]) -> str:
    import numpy as np

    # At all of them together, no two known mistakes give the same. 1/e is where the slope is 0.
    points = np.array([0.2, 0.8, np.exp(-1), 0.5, *np.random.default_rng().uniform(0.05, 0.95, 5)])
    right = _push(points)
    given = np.array([numbers(answer(float(p))) for p in points])
    otherwise = (
        f"At p = {in_words(points[:4])} the slope is {in_words(right[:4])}: multiply the slope "
        "with respect to p by that of p with respect to the logit."
    )
    if not np.allclose(given[:4], right[:4], rtol=DIFFERENCES.relative, atol=DIFFERENCES.absolute):
        compare(given[:4], right[:4], _slope_mistakes(points[:4]), otherwise, DIFFERENCES)
    compare(given, right, _slope_mistakes(points), otherwise, DIFFERENCES)
    return (
        "The slope is still zero at p = 1/e, and positive below, so going downhill lowers p. It is "
        f"{_push(0.2):.3f} at p = 0.2 and {_push(0.8):.3f} at p = 0.8: images that are "
        "wrong are driven out, and right ones are drawn in."
    )


def _push(p: Any) -> Any:
    """Return the slope of -p log p with respect to the label's logit."""
    import numpy as np

    return -(1 + np.log(p)) * p * (1 - p)


def _slope_mistakes(p: "np.ndarray") -> list[Mistake]:
    import numpy as np

    log, chain = np.log(p), p * (1 - p)
    one_term = "the product rule has two terms"
    return [
        Mistake(
            -(1 + log),
            "That is the slope with respect to p: the logit moves p, so the chain rule adds a "
            "factor, the slope of p with respect to the logit.",
        ),
        Mistake((1 + log) * chain, "The sign is reversed: the formula starts with a minus."),
        Mistake(
            1 + log,
            "The sign is reversed, and that is the slope with respect to p, not to the logit.",
        ),
        Mistake(
            -(1 + log) * p,
            "You took p for its own slope, as if the sum in the softmax stayed constant: it grows "
            "with the logit, too.",
        ),
        Mistake(
            -log * chain, f"You differentiated only the p in front of the logarithm: {one_term}."
        ),
        Mistake(-chain, f"You differentiated only the logarithm: {one_term}."),
        *(
            Mistake(
                signs * factor,
                "One of the two terms has the wrong sign: the minus in front of p log p belongs to "
                "both, so the bracket is 1 + log p.",
            )
            for signs in (-1 + log, 1 - log)
            for factor in (chain, 1.0)
        ),
        Mistake(p - 1, "That is the slope of cross-entropy, -log p: here another p is in front."),
        Mistake(chain, "That is the slope of p alone: multiply it by that of -p log p."),
        Mistake(
            -(1 + log) / chain, "You divided by the slope of p: the chain rule multiplies by it."
        ),
        Mistake(-p * log, "That is the formula itself, -p log p: you are asked for its slope."),
        *(
            Mistake(
                -(1 + log / np.log(base)) * chain,
                f"You took a logarithm to base {base}: use the natural one, `np.log`.",
            )
            for base in (2, 10)
        ),
    ]


@exercise("02-cross-entropy", "function")
def _cross_entropy(answer: Callable[..., Any]) -> str:
    import numpy as np

    for labels, logits in _batches():
        given = answer(labels.copy(), logits.copy())
        right = -_log_softmax(logits)[np.arange(len(labels)), labels]
        _refuse_mean_or_overflow(given, right, logits)
        otherwise = (
            f"For the logits {in_words(logits[0])} and label {labels[0]} the loss is "
            f"{right[0]:.4g}: minus the label's logit, plus the logarithm of the sum of all "
            f"exponentials. The whole batch: {in_words(right)}."
        )
        compare(given, right, _cross_entropy_mistakes(labels, logits), otherwise)
    return (
        "Subtracting the largest logit changes nothing in the quotient and keeps every "
        "exponential at most 1. Deep-learning libraries do the same, and therefore ask for logits."
    )


def _batches() -> "Iterator[tuple[np.ndarray, np.ndarray]]":
    """Give labels (n,) and logits (n, classes): usual ones, extreme ones, and drawn ones."""
    import numpy as np

    labels = np.array([2, 0, 1])
    yield labels, np.array([[1.0, -0.5, 2.0], [0.3, 0.9, -1.2], [-2.0, 0.5, 0.4]])
    yield (
        labels,
        np.array([[1000.0, 0.0, -1000.0], [0.0, 1000.0, 990.0], [-1000.0, 0.0, -900.0]]),
    )
    random = np.random.default_rng()
    for scale in (2.0, 300.0, 1000.0):
        count, classes = random.integers((2, 2), (7, 6))
        yield random.integers(classes, size=count), random.normal(0, scale, (count, classes))


def _refuse_mean_or_overflow(given: Any, right: "np.ndarray", logits: "np.ndarray") -> None:
    import numpy as np

    array = np.asarray(given)
    if array.dtype.kind != "f":
        return
    if array.shape == () and np.allclose(array, right.mean(), rtol=1e-3):
        raise Wrong("That is the mean over the batch: return one loss for each example.")
    too_large = np.abs(logits).max() > 80 and array.shape == right.shape
    if too_large and not np.all(np.isfinite(array)):
        raise Wrong(
            "With logits such as 1000 the exponential overflows (or a probability becomes 0 "
            "and its logarithm infinite): subtract the largest logit of each row before "
            "`np.exp`, and take the logarithm of the sum instead of the logarithm of the quotient."
        )


def _log_softmax(logits: "np.ndarray") -> "np.ndarray":
    from scipy.special import log_softmax

    return log_softmax(logits, axis=-1)


def _cross_entropy_mistakes(labels: "np.ndarray", logits: "np.ndarray") -> list[Mistake]:
    import numpy as np

    every = _log_softmax(logits)
    of_label = every[np.arange(len(labels)), labels]
    mistakes = [
        Mistake(
            of_label,
            "The sign is reversed: a loss is minimised, so it is minus the logarithm.",
        ),
        Mistake(
            -np.exp(of_label) * of_label,
            "That is the formula as written, -p log p: cross-entropy has no p in front, because "
            "the true distribution has 1 there.",
        ),
        Mistake(
            -(np.exp(every) * every).sum(axis=-1),
            "That is the entropy of each prediction: the label decides which single logarithm "
            "counts.",
        ),
        Mistake(
            -every.sum(axis=-1),
            "You summed the logarithms of all classes: only that of the label counts.",
        ),
        Mistake(
            -logits[np.arange(len(labels)), labels],
            "You used the logits as if they were probabilities or log-probabilities: they must go "
            "through the softmax first.",
        ),
        Mistake(
            -of_label / np.log(2), "You took a logarithm to base 2: use the natural one, `np.log`."
        ),
        Mistake(
            np.exp(of_label),
            "You returned the probability of the label: return minus its logarithm.",
        ),
    ]
    for smallest in (1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12, 1e-15):
        bounded = (
            "You kept the probability away from zero with a small number: nothing overflows, but "
            f"the loss is wrong, stuck near {-np.log(smallest):.0f}. Work with logarithms instead."
        )
        # The same sentence for a bound and for a summand: which of the two does not matter here.
        mistakes.append(Mistake(-np.log(np.maximum(np.exp(of_label), smallest)), bounded))
    return mistakes


@exercise("02-sure-and-wrong", "values")
def _sure_and_wrong(answer: Any) -> str:
    sure, unsure = _two_predictions(answer)
    entropy, surprise = _entropy(sure), _surprise(sure)
    shown = f"`sure_and_wrong` has entropy {entropy:.2f} and cross-entropy {surprise:.2f} nats"
    if entropy >= 0.3:
        raise Wrong(
            f"{shown}: the entropy must be below 0.3. It is small where one class has nearly all "
            "of the probability, whichever class that is."
        )
    if surprise <= 3:
        raise Wrong(
            f"{shown}: the cross-entropy must be above 3. It is minus the logarithm of what the "
            "true class gets, the first."
        )
    if surprise == float("inf"):
        raise Wrong(
            "A probability of 0 for the true class makes the loss infinite: a single such image "
            "would spoil the whole batch. Take a small probability."
        )
    _refuse_other_than_unsure_and_right(unsure)
    return (
        f"{shown}, the other one {_entropy(unsure):.2f} and {_surprise(unsure):.2f}. Entropy tells "
        "how sure a prediction is, cross-entropy how wrong: the article's sum has the form of "
        "the first and the name of the second."
    )


def _two_predictions(answer: Any) -> "tuple[np.ndarray, np.ndarray]":
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise Wrong("Hand over both predictions, in brackets: (sure_and_wrong, unsure_and_right).")
    sure, unsure = answer
    return _distribution(sure, "`sure_and_wrong`"), _distribution(unsure, "`unsure_and_right`")


def _refuse_other_than_unsure_and_right(prediction: "np.ndarray") -> None:
    entropy = _entropy(prediction)
    if entropy <= 1:
        raise Wrong(
            f"`unsure_and_right` has entropy {entropy:.2f}, but it must be above 1: move it closer "
            "to an even guess, which has log 3 = 1.10."
        )
    if prediction[0] <= prediction[1:].max():
        raise Wrong(
            "`unsure_and_right` does not name the first class: its probability must be the "
            f"largest of the three, even if only just. Yours: {in_words(prediction)}."
        )


def _distribution(given: object, name: str) -> "np.ndarray":
    """Read a prediction for three classes."""
    array = numbers(given, (3,))
    total = array.sum()
    if array.min() < 0 or abs(total - 1) > 0.011:
        raise Wrong(
            f"{name} must be three probabilities, from 0 to 1 and 1 in all; yours sum to "
            f"{total:.4g}."
        )
    return array / total


def _entropy(prediction: "np.ndarray") -> float:
    from scipy.special import entr

    return float(entr(prediction).sum())


def _surprise(prediction: "np.ndarray") -> float:
    """Return the cross-entropy where the first class is the true one."""
    import numpy as np

    return float(-np.log(prediction[0])) if prediction[0] else float("inf")


@exercise("02-informed-and-wrong", "values")
def _informed_and_wrong(answer: Any) -> str:
    import numpy as np

    rows = enumerate(numbers(answer, (3, 3)))
    predictions = np.stack([_distribution(row, f"Row {place}") for place, row in rows])
    spread = _entropy(predictions.mean(axis=0))
    doubt = float(np.mean([_entropy(row) for row in predictions]))
    information = f"The information is {spread:.2f} - {doubt:.2f} = {spread - doubt:.2f} nats"
    if spread - doubt < 1:
        half = (
            "the mean prediction is far from an even guess: let each class be predicted once"
            if spread < 1
            else "the single predictions are too unsure"
        )
        raise Wrong(f"{information}, but it must be at least 1: {half}.")
    right = np.flatnonzero(predictions.argmax(axis=1) == np.arange(3))
    if len(right):
        which = " and ".join(map(str, right))
        raise Wrong(
            f"{information}, as asked, but the prediction for image {which} is right: give its "
            "class to another image."
        )
    return (
        f"{information}, and not one image is right. Information knows no label: it cannot tell "
        "these answers from the right ones. In lesson 05 a network swaps the names of two digits "
        "in just this way, and only labels can show it."
    )
