"""Checks of lesson 04: many tasks at once, and what to weigh them with."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import Mistake, Wrong, compare, exercise, numbers

if TYPE_CHECKING:
    import numpy as np

    Pair = tuple[np.ndarray, np.ndarray]

PUBLISHED = ((-4.0, 1.0, 1.0), (6.0, 1.0, 1.0))
"""Two gradients for which TorchJD's tests and the papers' formulas give MGDA and PCGrad."""


def _pairs(*examples: tuple[tuple[float, ...], tuple[float, ...]]) -> "list[Pair]":
    import numpy as np

    return [(np.array(first), np.array(second)) for first, second in examples]


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
    return "; ".join(f"{first.tolist()} and {second.tolist()}" for first, second in pairs)


@exercise("04-uncertainty-optimum")
def _uncertainty_optimum(answer: Callable[..., Any]) -> str:
    import numpy as np

    for losses in ((0.5, 2.0), (3.0, 0.1, 40.0)):
        values = np.array(losses)
        right = 1 / (2 * values)  # at the optimum exp(s) = L, and the weight is 1 / (2 exp(s))
        mistakes = [
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
        otherwise = (
            f"For the losses {losses} the weights are {np.round(right, 4).tolist()}, but your "
            "function returns something else. Differentiate L / (2 e^s) + s / 2 with respect to s "
            "and set the slope to zero."
        )
        compare(answer(values.copy()), right, mistakes, otherwise)
    return (
        "Weight times loss is one half for every task: if a loss is measured in other units, its "
        "weight makes up for it. The logarithm of a loss has the same gradient, up to the factor 2."
    )


@exercise("04-mgda-two-tasks")
def _mgda_two_tasks(answer: Callable[..., Any]) -> str:
    examples = _pairs(
        PUBLISHED,
        ((2.0, 1.0), (-1.0, 3.0)),
        ((1.0, 0.0), (5.0, 1.0)),  # the shortest mean is the first gradient itself
        ((6.0, -2.0, 1.0), (1.0, 0.0, 0.5)),  # ... the second
    )
    given = _answers(answer, examples, ())
    right, mistakes = _values(_mgda_values, examples)
    otherwise = (
        f"For the gradients {_shown(examples)}, the first one's weight is "
        f"{right.round(4).tolist()}, but yours is {given.round(4).tolist()}."
    )
    compare(given, right, mistakes, otherwise)
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


@exercise("04-pcgrad")
def _pcgrad(answer: Callable[..., Any]) -> str:
    examples = _pairs(
        PUBLISHED,
        ((2.0, 1.0, 0.5), (-1.0, -3.0, 1.0)),
        ((1.0, 2.0, 0.0), (3.0, 0.5, 1.0)),  # no conflict
    )
    given = _answers(answer, examples, (3,))
    right, mistakes = _values(_pcgrad_values, examples)
    otherwise = (
        f"From the gradients {_shown(examples)} PCGrad makes {right.round(3).tolist()}, but you "
        f"make {given.round(3).tolist()}. The last of these pairs does not conflict."
    )
    compare(given, right, mistakes, otherwise)
    return (
        "For two tasks the result conflicts with neither gradient. With more tasks the outcome "
        "depends on the order of the projections, so PCGrad draws that order anew in every step."
    )


def _pcgrad_values(first: "np.ndarray", second: "np.ndarray") -> "tuple[np.ndarray, list[Mistake]]":
    """Give PCGrad's direction for two gradients, and what each known mistake makes of it."""
    import numpy as np

    def off(vector: np.ndarray, other: np.ndarray, share: float) -> np.ndarray:
        return vector - share * other

    product, one, two = first @ second, first @ first, second @ second
    against = min(product, 0.0)
    kept_first, kept_second = off(first, second, against / two), off(second, first, against / one)
    right = kept_first + kept_second
    always = off(first, second, product / two) + off(second, first, product / one)
    friends = max(product, 0.0)
    length_one, length_two = np.sqrt(one), np.sqrt(two)
    return right, [
        Mistake(
            always,
            "You also project where there is no conflict: with an inner product of 0 or more the "
            "gradients stay as they are.",
        ),
        Mistake(
            off(first, second, friends / two) + off(second, first, friends / one),
            "You project where there is no conflict, and leave conflicts in: it is the other way "
            "round.",
        ),
        Mistake(
            first + second,
            "That is the plain sum: where gradients conflict, each loses what points against the "
            "other.",
        ),
        Mistake(right / 2, "You take the mean of the projected gradients: the paper adds them."),
        Mistake(
            kept_first + second,
            "Your second gradient stays as it is: project it off the first one as that was given. "
            "What is left of the first one does not conflict with it any more.",
        ),
        Mistake(
            first + kept_second,
            "You changed the second gradient only: each loses what points against the other.",
        ),
        Mistake(kept_first, "You return the first projected gradient only: add the second one."),
        Mistake(
            off(first, second, against / length_two) + off(second, first, against / length_one),
            "You divide by the length of the other gradient: divide by its square.",
        ),
        Mistake(
            off(first, second, against / one) + off(second, first, against / two),
            "You divide by the gradient's own squared length: divide by that of the other, whose "
            "direction is taken out.",
        ),
        Mistake(
            off(first, second, against) + off(second, first, against),
            "You forgot to divide by the squared length of the other gradient.",
        ),
        Mistake(
            off(first, second, -against / two) + off(second, first, -against / one),
            "The sign is reversed: what points against the other is to be taken away, but you "
            "double it.",
        ),
    ]


@exercise("04-delta-m")
def _delta_m(answer: Callable[..., Any]) -> str:
    import numpy as np

    examples = [
        ((0.9, 0.6), (0.8, 0.75), (True, True)),
        ((0.84, 0.9, 3.0), (0.8, 0.88, 2.5), (True, True, False)),
        ((1.8, 0.5), (2.0, 0.4), (False, True)),
    ]
    for together, alone, higher in examples:
        joint, single, sign = np.array(together), np.array(alone), np.where(higher, 1.0, -1.0)
        change = sign * (joint - single)
        right = float(100 * np.mean(change / single))
        mistakes = [
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
        otherwise = (
            f"Together {together}, alone {alone}, higher is better {higher}: delta-m is "
            f"{right:.3f} percent, but your function returns something else."
        )
        compare(answer(joint, single, np.array(higher)), right, mistakes, otherwise)
    return (
        "One number for all tasks is handy and hides a lot: a gain on one task and a loss on "
        "another look like nothing at all."
    )
