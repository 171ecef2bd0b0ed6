"""Checks of lesson 09: compute, privacy, interpretability."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.errors import shown
from simmim_lib.exercises import (
    Mistake,
    Tolerance,
    Wrong,
    compare,
    entries,
    exercise,
    in_words,
    numbers,
    truth,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike

HOSPITAL: dict[str, Any] = {"examples": 4_000, "batch_size": 1_000, "delta": 1e-5}
"""Of exercise 2: how a hospital trains, with the noise and the epochs below."""

NOISE, EPOCHS = 8.0, 15

LOOPS = {"A": "clip", "B": "noise", "C": "division"}
"""Of exercise 3: what is wrong in each loop."""

PARTS = ("batches", "clip", "noise", "division")

JUDGED = ("gradient", "SmoothGrad", "integrated gradients", "edges (asks no network)")
"""Of exercise 5: methods to judge by the figure."""


@exercise("09-clip", "function")
def _clip(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    shown = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    sizes = ((6, 5, 0.7), (5, 3, 1.0), (4, 7, 2.5))
    cases = [(random.normal(size=(rows, columns)), clip) for rows, columns, clip in sizes]
    for gradients, clip in [(shown, 1.0), *cases]:
        right, mistakes = clipped_sums(gradients, clip)
        otherwise = (
            f"For rows of the lengths {in_words(np.linalg.norm(gradients, axis=1))} and "
            f"clip={clip:g} the sum is {in_words(right)}."
        )
        compare(answer(gradients.copy(), clip), right, mistakes, otherwise)
    return (
        "Each person moves the sum by the clip at most, whoever they are: that is what the noise "
        "is made for. A gradient of length 0 stays as it is, without a division by zero."
    )


def clipped_sums(gradients: "np.ndarray", clip: float) -> tuple["np.ndarray", list[Mistake]]:
    """Return the sum of clipped gradients, and what known mistakes make of it."""
    import numpy as np

    lengths = np.maximum(np.linalg.norm(gradients, axis=1, keepdims=True), 1e-12)
    shortened = gradients * np.minimum(1, clip / lengths)
    total = gradients.sum(axis=0)
    whole = total * min(1, clip / max(float(np.linalg.norm(total)), 1e-12))
    mistakes = {
        "You shortened the sum: one person with a long gradient may still make up all of it. "
        "Shorten each row before you add.": whole,
        "You cut off each number: a gradient of many small numbers would stay long. Shorten a row "
        "as a whole, so that its direction stays.": np.clip(gradients, -clip, clip).sum(axis=0),
        "You made all gradients equally long: those that are short enough stay as they are.": (
            gradients / lengths * clip
        ).sum(axis=0),
        "You returned the mean: return the sum.": shortened.mean(axis=0),
        "You divided by the length without multiplying by the clip, or clipped at 1.": (
            gradients * np.minimum(1, 1 / lengths)
        ).sum(axis=0),
        "You clipped nothing: this is the plain sum.": total,
    }
    return shortened.sum(axis=0), [Mistake(value, text) for text, value in mistakes.items()]


def epsilon_after(epochs: float, noise: float = NOISE) -> float:
    """Return what the hospital's training promises."""
    from simmim_lib import privacy

    return privacy.epsilon(noise_multiplier=noise, epochs=epochs, **HOSPITAL)


@exercise("09-not-additive", "values")
def _not_additive(answer: Any) -> str:
    import numpy as np

    once, right = epsilon_after(EPOCHS), epsilon_after(2 * EPOCHS)
    half_noise = epsilon_after(EPOCHS, NOISE / 2)
    mistakes = [
        Mistake(
            2 * once,
            "You added both epsilons. That is a valid bound, but a wasteful one: ask "
            "the accountant about all epochs at once.",
        ),
        Mistake(
            once,
            "That is the promise after one training. The second one looks at the same "
            "images again, and that costs something.",
        ),
        Mistake(
            np.sqrt(2) * once,
            "You multiplied by the root of two: a rule of thumb for many "
            "small steps. The accountant knows better.",
        ),
        Mistake(half_noise, "You halved the noise: it is the number of steps that doubles."),
    ]
    otherwise = f"Once it is {once:.3f}; call `privacy.epsilon` with twice the epochs."
    compare(answer, right, mistakes, otherwise, Tolerance(2e-3, 1e-6))
    return (
        f"Once {once:.2f}, twice {right:.2f}: less than the sum. The accountant adds up Renyi "
        "divergences and turns them into an epsilon once, at the end."
    )


@exercise("09-private-loops", "values")
def _private_loops(answer: Any) -> str:
    given = entries(answer, LOOPS)
    for loop, right in LOOPS.items():
        found = given[loop]
        if found not in PARTS:
            raise Wrong(
                f"You name {shown(found)} for loop {loop}; choose among: {', '.join(PARTS)}."
            )
        if found != right:
            raise Wrong(_about(loop, found))
    return (
        "All three run, learn, and print the same epsilon. No accuracy would show the mistakes: "
        "only reading the code does, or an audit."
    )


def _about(loop: str, named: str) -> str:
    """Say why a part of a loop is not what is wrong with it."""
    fine = {
        "batches": "each image is drawn by a coin of its own, as the accountant assumes",
        "clip": "each row is shortened on its own, before rows are added",
        "noise": "its deviation is the multiplier times the clip, for each number of the sum",
        "division": "the sum is divided by the expected size, which tells nothing",
    }
    return (
        f"In loop {loop} the part {shown(named)} is right: {fine[named]}. Compare the other lines."
    )


def _smooth(x: "np.ndarray") -> float:
    import numpy as np

    return float(np.sum(x**3) + x[0] * x[-1])


def _slopes(given: "ArrayLike") -> "np.ndarray":
    """Return the gradient at a point, or at each row of several."""
    import numpy as np

    x = np.asarray(given, dtype=np.float64)
    slopes = 3 * x**2
    slopes[..., 0] += x[..., -1]
    slopes[..., -1] += x[..., 0]
    return slopes


@exercise("09-completeness", "function")
def _completeness(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    shown = (np.array([3.0, 1.0]), np.array([1.0, 0.0]))  # where no two mistakes give the same
    for image, baseline in [shown, *(tuple(random.normal(size=(2, size))) for size in (3, 5))]:
        right, mistakes = attributions(image, baseline)
        change = _smooth(image) - _smooth(baseline)
        found = numbers(answer(_slopes, image.copy(), baseline.copy(), 400), image.shape)
        otherwise = (
            f"The map is {in_words(right)}; it adds up to {change:.3f}, by which the function "
            f"changes between baseline and image, and yours to {np.sum(found):.3f}."
        )
        compare(found, right, mistakes, otherwise, Tolerance(0.01, 0.01))
    return (
        "The map adds up to the change of the function: completeness. Public implementations that "
        "forget the factor are caught by that one sum."
    )


def attributions(image: "np.ndarray", baseline: "np.ndarray") -> tuple["np.ndarray", list[Mistake]]:
    """Return integrated gradients of the exercise's function, and what known mistakes give."""
    import numpy as np

    places = (np.arange(4_000) + 0.5) / 4_000
    way = image - baseline
    slopes = np.array([_slopes(baseline + place * way) for place in places]).mean(axis=0)
    from_zero = np.array([_slopes(place * image) for place in places]).mean(axis=0)
    named = {
        "You forgot the factor: multiply the mean gradient by `image - baseline`.": slopes,
        "You multiplied by the image: the factor is `image - baseline`.": image * slopes,
        "You multiplied by `baseline - image`: the sign is reversed.": -way * slopes,
        "You looked at the gradient at the image only: average it along the way.": way
        * _slopes(image),
        "Your way begins at zero: it begins at the baseline.": way * from_zero,
        "You averaged over the pixels, too: `np.mean(slopes, axis=0)` averages along the way "
        "alone.": way * slopes.mean(),
        "You added up the gradients: divide by the number of steps.": 400 * way * slopes,
    }
    return way * slopes, [Mistake(value, text) for text, value in named.items()]


@exercise("09-survives", "values")
def _survives(answer: Any) -> str:
    from simmim_lib.lessons.open_problems.study_results import stays

    given = entries(answer, JUDGED)
    for method in JUDGED:
        if truth(given[method]) != stays(method):
            raise Wrong(_about_map(method))
    return (
        "A map that stays tells you about the image. It may still be true of the network, but this "
        "test cannot tell."
    )


def _about_map(method: str) -> str:
    from simmim_lib.lessons.open_problems.study_results import stays

    return (
        f"Look at {shown(method)} on the right of the figure, where all layers have forgotten: its "
        f"similarity {'stays above' if stays(method) else 'falls below'} one quarter."
    )
