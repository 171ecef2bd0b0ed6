"""Checks of lesson 04: many tasks at once, and what to weigh them with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import (
    Mistake,
    Tolerance,
    Wrong,
    compare,
    entries,
    exercise,
    in_words,
    numbers,
)

if TYPE_CHECKING:
    import numpy as np

    Pair = tuple[np.ndarray, np.ndarray]

PUBLISHED = ((-4.0, 1.0, 1.0), (6.0, 1.0, 1.0))
"""Two gradients for which TorchJD's tests and the paper's formula give MGDA's weight."""

SEARCHED = Tolerance(1e-3, 2e-4)
"""For what an optimizer with its usual settings finds: SciPy's stops 0.00001 short of a bound."""


def _pairs(*examples: tuple[tuple[float, ...], tuple[float, ...]]) -> "list[Pair]":
    import numpy as np

    return [(np.array(first), np.array(second)) for first, second in examples]


def _drawn_pairs() -> "list[Pair]":
    """Draw pairs of gradients of one random size, some of very unequal length."""
    import numpy as np

    random = np.random.default_rng()
    size = int(random.integers(2, 6))
    scales = np.exp(random.normal(0, 1, (6, 2, 1)))
    return [(first, second) for first, second in scales * random.normal(size=(6, 2, size))]


def _answers(
    answer: Callable[..., Any], pairs: "list[Pair]", shape: tuple[int, ...]
) -> "np.ndarray":
    """Return what a learner's function makes of each pair, which it must not change."""
    import numpy as np

    given = []
    for pair in pairs:
        copies = [gradient.copy() for gradient in pair]
        given.append(numbers(answer(*copies), shape))
        if not all(np.array_equal(now, then) for now, then in zip(copies, pair, strict=True)):
            raise Wrong(
                "Your function changes the gradients that it is given: write `first = first - "
                "...`, which makes a new array, instead of `first -= ...`."
            )
    return np.array(given)


def _values(
    of_pair: "Callable[[np.ndarray, np.ndarray], tuple[Any, list[Mistake]]]", pairs: "list[Pair]"
) -> "tuple[np.ndarray, list[Mistake]]":
    """Return what is right for all pairs at once, and what each known mistake would give.

    In one pair alone, two mistakes may well give the same.
    """
    import numpy as np

    every = [of_pair(*pair) for pair in pairs]
    mistakes = [
        Mistake(np.array([each.value for each in of_pairs]), of_pairs[0].message)
        for of_pairs in zip(*(of_pair for _, of_pair in every), strict=True)
    ]
    return np.array([right for right, _ in every]), mistakes


def _shown(pairs: "list[Pair]") -> str:
    return "; ".join(f"{in_words(first)} and {in_words(second)}" for first, second in pairs)


@exercise("04-uncertainty-optimum", "function")
def _uncertainty_optimum(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = [np.exp(random.normal(0, 1.5, count)) for count in random.integers(2, 7, size=3)]
    for values in (np.array([0.5, 2.0]), np.array([3.0, 0.1, 40.0]), *drawn):
        right = 1 / (2 * values)  # at the optimum exp(s) = L, and the weight is 1 / (2 exp(s))
        otherwise = (
            f"For the losses {in_words(values)} the weights are {in_words(right)}. Differentiate "
            "L / (2 e^s) + s / 2 with respect to s and set the slope to zero."
        )
        compare(answer(values.copy()), right, _optimum_mistakes(values), otherwise, SEARCHED)
    return (
        "Weight times loss is one half for every task: if a loss is measured in other units, its "
        "weight makes up for it. The logarithm of a loss has the same gradient, up to the factor 2."
    )


def _optimum_mistakes(values: "np.ndarray") -> list[Mistake]:
    import numpy as np

    right = 1 / (2 * values)
    return [
        Mistake(
            np.log(values),
            "You return s at the optimum: you are asked for the weight there, 1 / (2 e^s).",
        ),
        Mistake(
            values,
            "You return e^s at the optimum: you are asked for the weight there, 1 / (2 e^s).",
        ),
        Mistake(1 / values, "You forgot the 2: a loss is multiplied by 1 / (2 e^s)."),
        Mistake(values / 2, "Your weight rises with the loss: 1 / (2 e^s) falls with s."),
        Mistake(
            np.exp(-values) / 2,
            "You used the loss itself as s: the slope is zero where e^s is the loss, so s is "
            "its logarithm.",
        ),
        Mistake(
            0.5 + np.log(values) / 2,
            "You return the whole terms L / (2 e^s) + s / 2: return the weights, the factors "
            "of the losses.",
        ),
        Mistake(
            np.full(len(values), 0.5),
            "You return one half for every task, as it is at the start: return the weight at "
            "the optimum, 1 / (2 e^s).",
        ),
        Mistake(
            right / right.sum(),
            "You made the weights sum to 1: uncertainty weighting leaves them as they are.",
        ),
        Mistake(
            1 / (2 * values**2),
            "You squared the losses: the optimum is e^s = L, as the slope says.",
        ),
        Mistake(
            1 / (2 * np.sqrt(values)),
            "You took the square root of the losses: in some texts e^s is a standard "
            "deviation, here it is what L is divided by.",
        ),
    ]


@exercise("04-mgda-two-tasks", "function")
def _mgda_two_tasks(answer: Callable[..., Any]) -> str:
    examples = _pairs(
        PUBLISHED,
        ((2.0, 1.0), (-1.0, 3.0)),
        ((1.0, 0.0), (5.0, 1.0)),  # the shortest mean is the first gradient itself
        ((6.0, -2.0, 1.0), (1.0, 0.0, 0.5)),  # ... the second
    )
    for pairs in (examples, _drawn_pairs()):
        given = _answers(answer, pairs, ())
        right, mistakes = _values(_mgda_values, pairs)
        otherwise = (
            f"For the gradients {_shown(pairs)}, the first one's weight is {in_words(right)}."
        )
        compare(given, right, mistakes, otherwise, SEARCHED)
    right, _ = _values(_mgda_values, examples)
    first, second = examples[0]
    direction = tuple((right[0] * first + (1 - right[0]) * second).round(4).tolist())
    return (
        f"For the gradients {PUBLISHED[0]} and {PUBLISHED[1]} the step goes against {direction}: "
        "what they disagree on is gone, what they agree on is left."
    )


def _mgda_values(first: "np.ndarray", second: "np.ndarray") -> tuple[float, list[Mistake]]:
    """Give the weight of the first gradient, and what each known mistake makes of it."""
    import numpy as np

    apart = second - first
    squared = apart @ apart
    free = apart @ second / squared
    right = float(np.clip(free, 0, 1))
    return right, [
        Mistake(free, "A weight below 0 or above 1 is not allowed: clip it to that range."),
        Mistake(1 - right, "That is the weight of the second gradient: return that of the first."),
        Mistake(
            float(np.clip(-free, 0, 1)),
            "The sign is reversed: the numerator is (g2 - g1) · g2.",
        ),
        Mistake(
            float(np.clip(apart @ first / squared, 0, 1)),
            "The numerator has g1 where it needs g2: at weight 0 the mean is g2, and the slope "
            "there decides.",
        ),
        Mistake(
            float(np.clip(apart @ second / np.sqrt(squared), 0, 1)),
            "You divided by the length of g1 - g2: divide by its square.",
        ),
        Mistake(
            float(np.clip(free, 0.001, 0.999)),
            "You stopped short of 0 and 1 when clipping, as some programs do: where one gradient "
            "is the shortest mean by itself it gets all the weight.",
        ),
        Mistake(
            0.5,
            "That is the plain mean, which gradients scaled to equal length would give, too: MGDA "
            "takes them as they are, and makes the mean as short as possible.",
        ),
        Mistake(
            float(np.linalg.norm(second) / (np.linalg.norm(first) + np.linalg.norm(second))),
            "You weighed by length: what counts is also the angle between the gradients.",
        ),
    ]


ANGLES = (100, 120, 150)
"""At which the exercise looks at the panel, in degrees."""

SLIDER_STEP = 10**0.1
"""What the panel's slider multiplies the length of the second gradient by."""


@exercise("04-longest-length", "values")
def _longest_length(answer: Any) -> str:
    import numpy as np

    given = {int(angle): float(numbers(x)) for angle, x in entries(answer, ANGLES).items()}
    for angle, length in given.items():
        limit = -1 / np.cos(np.radians(angle))  # where the sum is at right angles to the first
        # The slider stops before and behind the limit; what lies between is as good a reading.
        if limit / SLIDER_STEP <= length <= limit * SLIDER_STEP:
            continue
        raise Wrong(_misread(angle, length, limit))
    return (
        "The limit is 1 / |cos(angle)|: 5.8, 2 and 1.2 times the first gradient. The more two "
        "tasks disagree, the less unequal their gradients may be, and at 90 degrees there is no "
        "limit at all: it takes conflict *and* unequal lengths."
    )


def _misread(angle: int, length: float, limit: float) -> str:
    import numpy as np

    at = f"At {angle} degrees you read {length:.3g}"
    if abs(np.log(length * limit) if length > 0 else np.inf) < np.log(SLIDER_STEP):
        return (
            f"{at}: that is the *shortest* second gradient, below which the second loss rises. "
            "Move the length up until the first loss rises."
        )
    if length < limit:
        return f"{at}, but both losses still fall with a longer second gradient: move on."
    return (
        f"{at}, but there the first loss rises: the dashed line of the plain sum has left the "
        "sector in which both fall. Move back."
    )


COMPARISONS, LEVEL = 34, 0.95
"""In the lesson's study: seventeen methods on two groups of targets, and each interval's level."""

SHOWN_LEVEL = Tolerance(0.0, 1.5e-4)
"""Dividing the error by 34 and taking the 34th root of the level are equally right."""


@exercise("04-by-luck", "values")
def _by_luck(answer: Any) -> str:
    given = entries(answer, ("expected", "at least one", "level"))
    expected, none = COMPARISONS * (1 - LEVEL), LEVEL**COMPARISONS
    compare(
        given["expected"],
        expected,
        [
            Mistake(COMPARISONS * LEVEL, "So many intervals contain zero; the others exclude it."),
            Mistake(
                1 - LEVEL, f"That is the share for one interval: there are {COMPARISONS} of them."
            ),
            Mistake(expected / 2, "You count one side only: a loss by luck excludes zero, too."),
        ],
        f"Each of {COMPARISONS} intervals excludes zero with probability {1 - LEVEL:.2f}, so "
        f"{expected:.1f} do so on average.",
    )
    compare(
        given["at least one"],
        1 - none,
        [
            Mistake(none, "That is the probability that *none* excludes zero."),
            Mistake(
                expected,
                "A probability is at most 1: adding up counts the cases twice in which several "
                "exclude zero. Start with the probability that none does.",
            ),
            Mistake(
                1 - LEVEL, f"That is the probability for one interval: there are {COMPARISONS}."
            ),
        ],
        f"None excludes zero with probability {LEVEL}^{COMPARISONS} = {none:.3f}.",
    )
    _refuse_other_level(given["level"])
    return (
        f"Without any difference, one or two of {COMPARISONS} comparisons would look clear, and at "
        f"least one in {1 - none:.0%} of such studies. The thin bars of the picture below have "
        "the level that you found; and what still looks good is repeated on new seeds."
    )


def _refuse_other_level(given: object) -> None:
    error = 1 - LEVEL
    mistakes = [
        Mistake(error / COMPARISONS, "That is what each may miss: the level is 1 minus that."),
        Mistake(LEVEL, "With 0.95 for each, *all* of them hold at once far more rarely."),
        Mistake(LEVEL**COMPARISONS, "That is what 0.95 for each leaves for all of them together."),
        Mistake(
            1 - error / 2 / COMPARISONS,
            "That is the quantile that such an interval needs, with half of the error on either "
            "side: its level is lower.",
        ),
    ]
    right = 1 - error / COMPARISONS
    if (numbers(given) >= 1).any():
        raise Wrong("An interval that never misses has no ends: its level is below 1.")
    otherwise = (
        f"{COMPARISONS} intervals may miss {error:.2f} together, so the level is {right:.4f}."
    )
    compare(given, right, mistakes, otherwise, SHOWN_LEVEL)
