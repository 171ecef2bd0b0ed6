"""Checks of lesson 05: information maximisation."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise, numbers

if TYPE_CHECKING:
    import numpy as np


@exercise("05-information-term")
def _information_term(answer: Callable[..., Any]) -> str:
    import numpy as np
    from scipy.special import softmax

    usual = np.array([[2.0, 0.5, -1.0], [0.0, 1.5, 0.3], [-0.5, 0.1, 1.0], [1.2, -0.7, 0.4]])
    extreme = np.array([[1000.0, 0.0, -1000.0], [0.0, 900.0, -5.0], [0.0, 1000.0, 990.0]])
    for logits, spread in ((usual, 1.0), (usual, 0.4), (usual, 0.0), (extreme, 1.0)):
        given = answer(logits.copy(), spread)
        if logits is extreme and given is not None and np.isnan(np.asarray(given)).any():
            raise Wrong(
                "With logits such as 1000 the result is `nan`: the exponential overflows, or a "
                "probability is 0 and 0 · log 0 is NaN. `scipy.special.softmax` and `entr` take "
                "care of both."
            )
        even, doubt = _halves(softmax(logits, axis=1))
        right = spread * even - doubt
        otherwise = (
            f"For a batch with H(mean p) = {even:.4f} and mean H(p) = {doubt:.4f} and spread = "
            f"{spread:g} the term is {right:.4f}, but yours is different."
        )
        compare(given, right, _term_mistakes(logits, spread), otherwise)
    return (
        "Training subtracts λ times this from the cross-entropy. The information is at most log K, "
        "reached when every prediction is certain and every class is predicted equally often."
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
    ]


@exercise("05-by-hand")
def _by_hand(answer: Any) -> str:
    import numpy as np

    even, doubt = _halves(np.array([[1.0, 0.0], [0.2, 0.8]]))
    first, second, third = (float(number) for number in numbers(answer, (3,)))

    def about(given: float, wanted: float) -> bool:
        return abs(given - wanted) < 0.006  # two decimals are enough by hand

    bits = np.log(2)
    if about(first, even / bits) or about(second, doubt / bits):
        raise Wrong("That is in bits: take the natural logarithm, or the values of the table.")
    if about(first, doubt) and about(second, even):
        raise Wrong(
            "The halves are swapped: first average the predictions and take the entropy of that "
            "one distribution; second, average the entropies."
        )
    if about(first, doubt):
        raise Wrong(
            "Your first number is the mean of the entropies: average the two predictions first, "
            "and take the entropy of the average."
        )
    for share in (0.6, 0.4):
        if about(first, -share * np.log(share)):
            raise Wrong("Your first number counts only one class: add -p log p of both classes.")
    if not about(first, even):
        raise Wrong(
            "The mean prediction is (0.6, 0.4): your first number is -p log p of 0.6 plus that of "
            "0.4."
        )
    if about(second, 2 * doubt):
        raise Wrong(
            "Your second number is the sum of the two entropies: take their mean; the certain "
            "prediction counts as 0."
        )
    if not about(second, doubt):
        raise Wrong(
            "A certain prediction has entropy 0. For the other one, add -p log p of 0.2 and of "
            "0.8; your second number is the mean of the two entropies."
        )
    if about(third, doubt - even):
        raise Wrong("Your third number has the wrong sign: it is the first minus the second.")
    if about(third, even + doubt):
        raise Wrong("For your third number you added the halves: subtract the second.")
    if not about(third, even - doubt):
        raise Wrong("Your third number is not the first minus the second.")
    return (
        f"{even - doubt:.2f} nats of at most log 2 = {bits:.2f}: the predictions are spread well "
        "enough, but one of the two is in doubt."
    )


COLLAPSE_SETTINGS = {
    letter: (information, spread)
    for letter, (information, spread) in zip(
        "abcdef",
        ((0.3, 1.0), (0.3, 0.0), (1.0, 1.0), (1.0, 0.0), (3.0, 1.0), (3.0, 0.0)),
        strict=True,
    )
}
"""Lambda and spread of each setting that the exercise asks about."""


@exercise("05-which-collapse")
def _which_collapse(answer: Any) -> str:
    if not isinstance(answer, Mapping) or set(answer) != set(COLLAPSE_SETTINGS):
        raise Wrong("Give True or False for each of the letters a to f, and for nothing else.")
    if not all(isinstance(each, bool) for each in answer.values()):
        raise Wrong("Each of the six answers must be `True` (it collapses) or `False`.")
    counts, seeds = _collapsed_seeds()
    truth = {letter: counts[letter] > seeds / 2 for letter in counts}
    wrong = [letter for letter in truth if answer[letter] != truth[letter]]
    if not wrong:
        listed = ", ".join(f"{letter} {counts[letter]}" for letter in counts)
        return f"How many of the {seeds} seeds collapsed in the stored study: {listed}."
    marked = {letter for letter in answer if answer[letter]}
    if len(wrong) == len(truth):
        raise Wrong("All six are the other way round: True means that it collapses.")
    if not marked:
        raise Wrong(
            "You say that nothing collapses. What is the cheapest way to be sure of every image, "
            "if nothing else is asked for?"
        )
    if len(marked) == len(truth):
        raise Wrong("You say that everything collapses. What does the spreading half forbid?")
    information = {letter: COLLAPSE_SETTINGS[letter][0] for letter in truth}
    if min(information[letter] for letter in marked) > max(
        (information[letter] for letter in truth if letter not in marked), default=0
    ):
        raise Wrong(
            "You went by λ alone. It says how hard both halves pull; which way they pull depends "
            "on s."
        )
    letter = wrong[0]
    strength, spread = COLLAPSE_SETTINGS[letter]
    raise Wrong(
        f"Your answers differ from what was measured in {len(wrong)} of six cases, such as "
        f"({letter}): with λ = {strength:g} and s = {spread:g}, {counts[letter]} of {seeds} seeds "
        "collapsed."
    )


def _collapsed_seeds() -> tuple[dict[str, int], int]:
    """Return how many seeds of each setting collapsed, and how many seeds there are."""
    from simmim_lib.studies import stored

    found = stored.load("collapse")
    classes = {
        letter: found.values("classes in use", information=information, spread=spread)
        for letter, (information, spread) in COLLAPSE_SETTINGS.items()
    }
    counts = {letter: int((each < 5).sum()) for letter, each in classes.items()}
    return counts, len(classes["a"])


@exercise("05-sign-error")
def _sign_error(answer: Callable[..., Any]) -> str:
    import numpy as np
    from scipy.special import softmax

    logits = np.array([[1.0, 0.2, -0.5], [0.4, 2.0, -1.0], [-0.3, 0.1, 0.9], [0.6, 0.5, 0.2]])
    for batch in (logits, 2 * logits[:3]):
        even, doubt = _halves(softmax(batch, axis=1))
        mistakes = [
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
        otherwise = (
            f"For a batch with mean H(p) = {doubt:.4f} and H(mean p) = {even:.4f} the loss is "
            f"{doubt - even:.4f}, but yours is different. Change one sign only."
        )
        compare(answer(batch.copy()), doubt - even, mistakes, otherwise)
    return (
        "The name in line 4 promised an entropy, but held minus the entropy. Minimising the broken "
        "loss asks for certain predictions that are NOT spread: one class for all."
    )
