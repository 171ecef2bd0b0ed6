"""Checks of lesson 02: the loss formula."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise, numbers

if TYPE_CHECKING:
    import numpy as np


@exercise("02-derivative")
def _derivative(answer: Callable[..., Any]) -> str:
    import numpy as np

    # Powers of e, where the logarithm is a whole number that nobody needs to look up.
    for power in (-1, -2, -3, -0.5):
        p = float(np.exp(power))
        mistakes = [
            Mistake(
                1 + power,
                "The sign is reversed: the formula starts with a minus, and so does its slope.",
            ),
            Mistake(
                -power,
                "You differentiated only the factor in front, p, and left out what the logarithm "
                "adds: the product rule has two terms.",
            ),
            Mistake(
                -1.0,
                "You differentiated only the logarithm: the product rule has a second term, in "
                "which the p in front is differentiated.",
            ),
            Mistake(
                -1 / p,
                "That is the slope of cross-entropy, -log p: the formula as written has another "
                "p in front.",
            ),
            Mistake(
                -(power + 1 / p), "The second term is p · 1/p: the p cancels and leaves 1, not 1/p."
            ),
            Mistake(
                -p * power, "That is the formula itself, -p log p: you are asked for its slope."
            ),
            Mistake(
                -(1 + power / np.log(2)),
                "You took a logarithm to base 2: use the natural one, `np.log`.",
            ),
            Mistake(
                -(1 + power / np.log(10)),
                "You took a logarithm to base 10: use the natural one, `np.log`.",
            ),
        ]
        otherwise = (
            f"At p = {p:.4f} the slope is {-(1 + power):.4g}: move p a little up and down and see "
            "how much -p log p changes."
        )
        compare(answer(p), -(1 + power), mistakes, otherwise)
    return (
        "The slope is zero where log p = -1, at p = 1/e. Below that it is positive, so going "
        "downhill means going left, towards p = 0."
    )


@exercise("02-cross-entropy")
def _cross_entropy(answer: Callable[..., Any]) -> str:
    import numpy as np

    labels = np.array([2, 0, 1])
    usual = np.array([[1.0, -0.5, 2.0], [0.3, 0.9, -1.2], [-2.0, 0.5, 0.4]])
    extreme = np.array([[1000.0, 0.0, -1000.0], [0.0, 1000.0, 990.0], [-1000.0, 0.0, -900.0]])
    for logits in (usual, extreme):
        given = answer(labels.copy(), logits.copy())
        right = -_log_softmax(logits)[np.arange(3), labels]
        shape = np.shape(given) if given is not None else None
        if shape == () and np.allclose(given, [right.mean()]):
            raise Wrong("That is the mean over the batch: return one loss for each example.")
        if logits is extreme and shape == (3,) and not np.all(np.isfinite(given)):
            raise Wrong(
                "With logits such as 1000 the exponential overflows (or a probability becomes 0 "
                "and its logarithm infinite): subtract the largest logit of each row before "
                "`np.exp`, and take the logarithm of the sum instead of the logarithm of the "
                "quotient."
            )
        otherwise = (
            f"For the logits {logits[0].tolist()} and label 2 the loss is {right[0]:.4g}: minus "
            "the label's logit, plus the logarithm of the sum of all exponentials."
        )
        compare(given, right, _cross_entropy_mistakes(labels, logits), otherwise)
    return (
        "Subtracting the largest logit changes nothing in the quotient and keeps every "
        "exponential at most 1. Deep-learning libraries do the same, and therefore ask for logits."
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


@exercise("02-entropy")
def _entropy(answer: Callable[..., Any]) -> str:
    import numpy as np

    examples = [
        ([0.7, 0.2, 0.1], [0.5, 0.3, 0.2]),
        ([0.0, 1.0, 0.0, 0.0], [0.4, 0.3, 0.2, 0.1]),
        ([0.25, 0.75], [0.9, 0.1]),
    ]
    for pair in examples:
        truth, prediction = np.array(pair[0]), np.array(pair[1])
        given = numbers(answer(truth.copy(), prediction.copy()), (2,))
        entropy = float(-(prediction * np.log(prediction)).sum())
        some = truth > 0
        truths = float(-(truth[some] * np.log(truth[some])).sum())
        crossed = float(-(truth * np.log(prediction)).sum())
        if np.allclose(given, [crossed, entropy]):
            raise Wrong("Right numbers, wrong order: first the entropy, then the cross-entropy.")
        compare(
            given[0],
            entropy,
            [
                Mistake(
                    truths,
                    "Your first number is the entropy of the truth: you are asked for that of the "
                    "prediction.",
                ),
                Mistake(
                    -entropy, "Your first number has the wrong sign: an entropy is never negative."
                ),
                Mistake(
                    entropy / np.log(2),
                    "Your first number is in bits: use the natural logarithm, `np.log`.",
                ),
                Mistake(
                    entropy / len(truth),
                    "Your first number is a mean over the classes: an entropy is a sum over them.",
                ),
            ],
            f"The entropy of {prediction.tolist()} is {entropy:.4f}, but your first number is "
            f"{given[0]:.4f}.",
        )
        mistakes = [
            Mistake(
                entropy,
                "Your second number is the entropy of the prediction again: in the "
                "cross-entropy, the factor outside the logarithm is the truth.",
            ),
            Mistake(
                crossed - truths,
                "Your second number is the Kullback-Leibler divergence: add the entropy of the "
                "truth, or leave its logarithm out.",
            ),
            Mistake(-crossed, "Your second number has the wrong sign: it is minus the sum."),
            Mistake(
                crossed / np.log(2),
                "Your second number is in bits: use the natural logarithm, `np.log`.",
            ),
        ]
        if np.all(some):
            turned = float(-(prediction * np.log(truth)).sum())
            mistakes.append(
                Mistake(
                    turned,
                    "Truth and prediction are swapped in your second number: the truth belongs "
                    "outside the logarithm, the prediction inside.",
                )
            )
        otherwise = (
            f"The cross-entropy of truth {truth.tolist()} and prediction {prediction.tolist()} is "
            f"{crossed:.4f}, but your second number is {given[1]:.4f}."
        )
        compare(given[1], crossed, mistakes, otherwise)
    return (
        "Only the factor outside the logarithm differs. The entropy asks how sure the prediction "
        "is, the cross-entropy how wrong: a sure but wrong prediction has a small entropy and a "
        "large cross-entropy."
    )


@exercise("02-mutual-information")
def _mutual_information(answer: Callable[..., Any]) -> str:
    import numpy as np

    sharp = np.array([[0.9, 0.06, 0.04], [0.1, 0.7, 0.2], [0.05, 0.1, 0.85], [0.8, 0.15, 0.05]])
    certain = np.eye(4)[[0, 1, 2, 3, 3]]
    for probabilities in (sharp, certain):
        given = answer(probabilities.copy())
        if probabilities is certain and given is not None and np.shape(given) == ():
            _refuse_zero_times_infinity(given)
        spread = _plain_entropy(probabilities.mean(axis=0))
        each = np.array([_plain_entropy(row) for row in probabilities])
        right = spread - each.mean()
        mistakes = [
            Mistake(
                -right,
                "The sign is reversed: information is H(mean p) - mean H(p). Yours is the loss, "
                "which training minimises; mixing the two up makes a network learn nothing at all.",
            ),
            Mistake(
                spread,
                "You left out the second half: subtract the mean entropy of the individual "
                "predictions.",
            ),
            Mistake(
                each.mean(),
                "You left out the first half: that is the mean entropy of the individual "
                "predictions.",
            ),
            Mistake(
                -each.mean(),
                "You left out the first half: that is minus the mean entropy of the individual "
                "predictions.",
            ),
            Mistake(
                spread + each.mean(), "You added the two halves: the mean entropy is subtracted."
            ),
            Mistake(
                spread - each.sum(),
                "You summed the entropies of the predictions: take their mean.",
            ),
            Mistake(
                _plain_entropy(probabilities.mean(axis=1)) - each.mean(),
                "You took the mean over the classes: the mean prediction is the mean over the "
                "examples, `axis=0`.",
            ),
            Mistake(right / np.log(2), "That is in bits: use the natural logarithm, `np.log`."),
        ]
        otherwise = (
            f"For a batch with H(mean p) = {spread:.4f} and mean H(p) = {each.mean():.4f} the "
            f"information is {right:.4f}, but yours is different."
        )
        compare(given, right, mistakes, otherwise)
    return (
        "Both halves are needed: without the first, one class for all images is as good as any "
        "answer; without the second, so is an even guess for each image."
    )


def _refuse_zero_times_infinity(given: Any) -> None:
    import numpy as np

    if np.isnan(np.asarray(given, dtype=np.float64)):
        raise Wrong(
            "A certain prediction has probabilities of 0, and 0 · log 0 becomes `nan`: it should "
            "count as 0, for example with `scipy.special.xlogy(p, p)` or a tiny number inside the "
            "logarithm."
        )


def _plain_entropy(probabilities: "np.ndarray") -> float:
    from scipy.special import entr

    return float(entr(probabilities).sum())
