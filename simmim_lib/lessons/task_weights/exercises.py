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
    return [tuple(pair) for pair in scales * random.normal(size=(6, 2, size))]


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
        if limit / SLIDER_STEP <= length * 1.005 and length <= limit * SLIDER_STEP:
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


@exercise("04-delta-m", "function")
def _delta_m(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = [_drawn_measures(random) for _ in range(3)]
    for joint, single, higher in (*_SHOWN_MEASURES, *drawn):
        right, mistakes = _delta_m_values(*map(np.array, (joint, single, higher)))
        otherwise = (
            f"Together {in_words(np.array(joint))}, alone {in_words(np.array(single))}, higher is "
            f"better {[bool(each) for each in higher]}: delta-m is {right:.3f} percent."
        )
        given = answer(np.array(joint), np.array(single), np.array(higher))
        compare(given, right, mistakes, otherwise)
    return (
        "One number for all tasks is handy and hides a lot: a gain on one task and a loss on "
        "another look like nothing at all."
    )


_SHOWN_MEASURES = (
    ((0.9, 0.6), (0.8, 0.75), (True, True)),
    ((0.84, 0.9, 3.0), (0.8, 0.88, 2.5), (True, True, False)),
    ((1.8, 0.5), (2.0, 0.4), (False, True)),
)
"""Together, alone, and whether higher is better."""


def _drawn_measures(random: "np.random.Generator") -> "tuple[np.ndarray, np.ndarray, np.ndarray]":
    import numpy as np

    count = int(random.integers(2, 6))
    higher = np.arange(count) % 2 == random.integers(2)  # both kinds
    single = np.where(higher, random.uniform(0.5, 0.9, count), random.uniform(1, 4, count))
    return single * random.uniform(0.8, 1.25, count), single, higher


def _delta_m_values(
    joint: "np.ndarray", single: "np.ndarray", higher: "np.ndarray"
) -> tuple[float, list[Mistake]]:
    """Give delta-m in percent, and what each known mistake makes of it."""
    import numpy as np

    change = np.where(higher, 1.0, -1.0) * (joint - single)
    right = float(100 * np.mean(change / single))
    return right, [
        Mistake(
            float(100 * np.mean((joint - single) / single)),
            "You left out `higher_is_better`: for an error, less is better.",
        ),
        Mistake(-right, "The sign is reversed: above 0 means that learning together helped."),
        Mistake(
            float(100 * np.mean(change / joint)),
            "You divided by the joint model's measures: a gain is relative to the model that "
            "learns one task alone.",
        ),
        Mistake(right / 100, "Give percent: multiply by 100."),
        Mistake(right * len(single), "You summed the tasks' gains: take their mean."),
        Mistake(
            float(100 * np.mean(change)),
            "You took the difference and did not divide: a gain is relative, so that "
            "measures in any unit can be averaged.",
        ),
        Mistake(
            float(100 * np.mean(change) / np.mean(single)),
            "You divided the mean change by the mean of the single measures: divide for each "
            "task, then take the mean.",
        ),
        Mistake(
            float(100 * np.mean(joint / single)),
            "You forgot to subtract 1 from the quotient: no change is a gain of 0.",
        ),
        Mistake(
            float(100 * np.median(change / single)),
            "You took the median: delta-m is the mean over the tasks.",
        ),
        Mistake(
            float(100 * np.mean(np.abs(change / single))),
            "You took absolute values: a loss on one task counts against a gain on another.",
        ),
    ]
