"""Checks of lesson 05: information maximisation."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import (
    Mistake,
    Tolerance,
    Wrong,
    compare,
    entries,
    exercise,
    in_words,
    is_close,
    truth,
)

if TYPE_CHECKING:
    import numpy as np

    from simmim_lib.settings import Settings

_ROUNDED_SHARES = Tolerance(0.0, 6e-3)
"""For shares of 0.0556 that somebody rounds and then makes sum to 1."""


@exercise("05-information-term", "function")
def _information_term(answer: Callable[..., Any]) -> str:
    import numpy as np
    from scipy.special import softmax

    for logits, spread in _batches():
        given = answer(logits.copy(), spread)
        _refuse_nonsense(given, np.abs(logits).max() > 80)
        even, doubt = _halves(softmax(logits, axis=1))
        right = spread * even - doubt
        otherwise = (
            f"For a batch with H(mean p) = {even:.4f} and mean H(p) = {doubt:.4f} and spread = "
            f"{spread:.3g} the term is {right:.4f}."
        )
        compare(given, right, _term_mistakes(logits, spread), otherwise)
    return (
        "Training subtracts λ times this from the cross-entropy. The information is at most log K, "
        "reached when every prediction is certain and every class is predicted equally often."
    )


def _batches() -> "Iterator[tuple[np.ndarray, float]]":
    """Give logits (n, classes) and spread: usual ones, extreme ones, and drawn ones."""
    import numpy as np

    usual = np.array([[2.0, 0.5, -1.0], [0.0, 1.5, 0.3], [-0.5, 0.1, 1.0], [1.2, -0.7, 0.4]])
    extreme = np.array([[1000.0, 0.0, -1000.0], [0.0, 900.0, -5.0], [0.0, 1000.0, 990.0]])
    yield from ((usual, 1.0), (usual, 0.4), (usual, 0.0), (extreme, 1.0))
    random = np.random.default_rng()
    for _ in range(3):
        size = random.integers((3, 2), (12, 9))
        yield random.normal(0, 2, size), float(random.uniform(0.2, 2))


def _refuse_nonsense(given: Any, extreme: bool) -> None:
    """Say why a result is no number: extreme logits need care, usual ones a softmax."""
    import numpy as np

    result = np.asarray(given)
    if result.dtype.kind != "f" or np.all(np.isfinite(result)):
        return
    if extreme:
        raise Wrong(
            f"With logits such as 1000 the result is `{result}`: the exponential overflows, or a "
            "probability is 0 and 0 · log 0 is NaN. `scipy.special.softmax` and `entr` take "
            "care of both."
        )
    raise Wrong(
        f"The result is `{result}`: an entropy of the logits themselves, perhaps? They are no "
        "probabilities, some are negative: take the softmax of each row first."
    )


def _halves(probabilities: "np.ndarray") -> tuple[float, float]:
    """Return H(mean p) and mean H(p) of a batch (n, classes), in nats."""
    from scipy.special import entr

    even = entr(probabilities.mean(axis=0)).sum()
    return float(even), float(entr(probabilities).sum(axis=1).mean())


def _term_mistakes(logits: "np.ndarray", spread: float) -> list[Mistake]:
    import numpy as np
    from scipy.special import entr, softmax

    p = softmax(logits, axis=1)
    even, doubt = _halves(p)
    right = spread * even - doubt
    averaged = float(entr(softmax(logits.mean(axis=0))).sum())
    over_images = _halves(softmax(logits, axis=0))
    return [
        Mistake(
            spread * (even - doubt),
            "You multiplied both halves by `spread`: it belongs to H(mean p) only.",
        ),
        Mistake(even - doubt, "`spread` is missing: it multiplies the first half, H(mean p)."),
        Mistake(
            even - spread * doubt,
            "You multiplied the wrong half by `spread`: it belongs to H(mean p), the half that "
            "spreads predictions over the classes.",
        ),
        Mistake(
            -right,
            "The sign is reversed: you are asked for the information, H(mean p) minus mean H(p). "
            "Yours is a loss, which training minimises.",
        ),
        Mistake(
            spread * even,
            "You left out the second half: subtract the mean entropy of the individual "
            "predictions.",
        ),
        Mistake(
            -doubt,
            "You left out the first half, which spreads the predictions over the classes: "
            "without it one class for all images is the best answer.",
        ),
        Mistake(
            spread * even + doubt,
            "You added the two halves: the mean entropy of the individual predictions is "
            "subtracted.",
        ),
        Mistake(
            spread * even - len(p) * doubt,
            "You summed the entropies of the predictions: take their mean.",
        ),
        Mistake(
            spread * averaged - doubt,
            "You took the mean of the logits, and then the softmax: average the probabilities, not "
            "the logits.",
        ),
        Mistake(
            spread * over_images[0] - over_images[1],
            "The softmax is taken over the classes of each image, `axis=1`; yours is taken over "
            "the images.",
        ),
        Mistake(
            spread * float(entr(p.mean(axis=1)).sum()) - doubt,
            "The mean prediction is the mean over the images, `axis=0`; yours is over the classes.",
        ),
        Mistake(right / np.log(2), "That is in bits: use the natural logarithm."),
        Mistake(right * len(p), "You multiplied by the number of images: both halves are means."),
    ]


_SHARES = {
    "a": (1, 0, 0, 0, 0, 0, 0, 0, 0, 0),
    "b": (0, 0, 0, 1, 1, 1, 1, 1, 1, 1),
    "d": (1, 1, 1, 1, 0, 0, 0, 0, 0, 0),
    "e": (9, 1, 1, 1, 1, 1, 1, 1, 1, 1),
    "f": (9, 1, 1, 1, 1, 1, 1, 1, 1, 1),
}
"""How often each class is predicted, and surely; (c) is unsure instead."""

_EXPECTED = {"f": (9, 1, 1, 1, 1, 1, 1, 1, 1, 1)}
"""How often each class is expected, where they are not all expected equally often."""

_WHY = {
    "a": "one class gets all images, so e^H is 1.",
    "b": "the other seven classes share the images, so e^H is 7, which is more than half of ten.",
    "c": "the mean prediction is nearly even, but no image is put in any class but the first: that "
    "is the alarm's second rule.",
    "d": "four classes share the images, so e^H is 4, which is less than half of ten.",
    "e": "the most predicted class has half the images, but nine share the rest: e^H is 6.",
    "f": "the predictions are just as unequal as the prior says: nothing else was expected.",
}


@exercise("05-alarm", "values")
def _alarm(answer: Any) -> str:
    given = {letter: truth(each) for letter, each in entries(answer, _WHY).items()}
    rings = {letter: _rings(letter) for letter in _WHY}
    wrong = [letter for letter in rings if given[letter] != rings[letter]]
    if len(wrong) == len(rings):
        raise Wrong("All six are the other way round: True means that the alarm rings.")
    if wrong:
        letter = wrong[0]
        word = "rings" if rings[letter] else "is silent"
        raise Wrong(
            f"{len(rings) - len(wrong)} of your six are right. For ({letter}) the alarm "
            f"{word}: {_WHY[letter]}"
        )
    return (
        "The alarm looks at predictions only. It cannot know that three classes are missing in (b) "
        "without being rung by every class that is merely rare; a few labels would show it."
    )


def _rings(letter: str) -> bool:
    """Ask the library's alarm about 900 images that are predicted in this way."""
    import numpy as np

    from simmim_lib import collapse

    prior = np.array(_EXPECTED.get(letter, (1,) * 10), dtype=float)
    if letter == "c":
        logits = np.tile(np.log(np.array([0.11, *[0.89 / 9] * 9])), (900, 1))
    else:
        shares = np.array(_SHARES[letter])
        classes = np.resize(np.repeat(np.arange(10), shares), 900)
        logits = 50.0 * np.eye(10)[classes]
    return bool(collapse.diagnose(logits[None], prior / prior.sum()).collapsed[0])


_EXPECTED_DIGITS = (0.5, *[0.5 / 9] * 9)
"""Every second unlabelled image shows a 0, the other digits share the rest."""


@exercise("05-class-prior", "values")
def _class_prior(answer: Any) -> str:
    import numpy as np

    from simmim_lib.settings import Settings

    if not isinstance(answer, Settings):
        kind = type(answer).__name__
        raise Wrong(f"Give `simmim_lib.Settings(...)`; yours is of type `{kind}`.")
    _refuse_another_experiment(answer)
    if answer.class_prior is None:
        raise Wrong(
            "Nothing says what to expect: `class_prior` is `None`, so all digits are expected "
            "equally often, and every second 0 would be pushed into another class."
        )
    prior = np.array(answer.class_prior)
    if prior.shape == (10,) and is_close(prior, _EXPECTED_DIGITS[::-1]):
        raise Wrong("The shares stand in the order of the classes: that of the 0 comes first.")
    otherwise = (
        f"The 0 has a share of 0.5, each other digit one ninth of the rest: "
        f"{in_words(np.array(_EXPECTED_DIGITS))}."
    )
    even = Mistake([0.1] * 10, "You expect all digits equally often, as without a `class_prior`.")
    compare(prior, _EXPECTED_DIGITS, [even], otherwise, _ROUNDED_SHARES)
    return (
        "The spreading half now pulls the mean prediction towards these shares, not towards equal "
        "ones. It helps as far as they are true: estimate them on images that somebody labelled."
    )


def _refuse_another_experiment(given: "Settings") -> None:
    if given.targets != ("mnist",) or given.labels_per_class != 5:
        raise Wrong(
            f"Five labels per class of MNIST are asked for; yours are {given.labels_per_class} of "
            f"{', '.join(given.targets)}."
        )
    if given.class_shares is not None:
        raise Wrong(
            "`class_shares` *picks* unlabelled images in these shares, to see what would happen. "
            "You have your images already; what you tell the network to *expect* is `class_prior`."
        )
    if not given.information:
        raise Wrong(
            "`information` is 0, so the images without labels teach nothing and `class_prior` has "
            'no effect: take the recipe, `recipe="simmim"`.'
        )


@exercise("05-sign-error", "function")
def _sign_error(answer: Callable[..., Any]) -> str:
    import numpy as np
    from scipy.special import softmax

    random = np.random.default_rng()
    shown = np.array([[1.0, 0.2, -0.5], [0.4, 2.0, -1.0], [-0.3, 0.1, 0.9], [0.6, 0.5, 0.2]])
    drawn = [random.normal(0, 2, size) for size in random.integers((3, 2), (12, 9), size=(3, 2))]
    for batch in (shown, 2 * shown[:3], *drawn):
        even, doubt = _halves(softmax(batch, axis=1))
        otherwise = (
            f"For a batch with mean H(p) = {doubt:.4f} and H(mean p) = {even:.4f} the loss is "
            f"{doubt - even:.4f}. Change one sign only."
        )
        compare(answer(batch.copy()), doubt - even, _sign_mistakes(even, doubt), otherwise)
    return (
        "The name in line 4 promised an entropy, but held minus the entropy. Minimising the broken "
        "loss asks for certain predictions that are NOT spread: one class for all."
    )


def _sign_mistakes(even: float, doubt: float) -> list[Mistake]:
    return [
        Mistake(
            doubt + even,
            "That still computes what the broken code does: line 4 gives minus the entropy "
            "of the mean prediction, and line 5 subtracts it.",
        ),
        Mistake(
            -doubt - even,
            "You changed the sign of the doubt instead: training would now make every "
            "prediction uncertain.",
        ),
        Mistake(
            even - doubt,
            "You changed two signs, and they cancel: this is the information itself, and "
            "training, which minimises the loss, would get rid of it.",
        ),
        Mistake(doubt, "The spreading half is gone: fix its sign instead of removing it."),
        Mistake(-even, "The doubt about each image is gone: keep line 2."),
    ]
