"""Checks of lesson 10: reports."""

from collections.abc import Callable
from typing import Any

from simmim_lib.errors import shown
from simmim_lib.exercises import (
    EXACT,
    Mistake,
    Tolerance,
    Wrong,
    compare,
    entries,
    exercise,
    is_close,
    numbers,
)
from simmim_lib.foundation.intervals import Difference, difference
from simmim_lib.lessons.report.small_report import TEST, VALIDATION

VERDICTS = ("gain", "loss", "no clear difference")

ONE_DECIMAL = Tolerance(0.0, 0.051)
"""For percentage points, which reports write with one decimal."""

CLOSE = Tolerance(0.0, 0.005)
"""For a half width, beside which mistakes lie that are nearer than one decimal."""


@exercise("10-conclusion", "values")
def _conclusion(answer: Any) -> str:
    import numpy as np

    given = entries(answer, ("baseline", "points", "half width", "verdict"))
    baseline = _right_baseline(given["baseline"])
    found = difference(np.array(TEST["SimMIM"]), np.array(TEST[baseline]))
    of_mean = f"The mean difference from {shown(baseline)} is {found.mean:+.1f} points."
    compare(given["points"], found.mean, _mean_mistakes(found), of_mean, ONE_DECIMAL)
    of_width = f"The half width for {len(TEST[baseline])} seeds is {found.half_width:.2f} points."
    _refuse_other_width(given["half width"], found, of_width)
    _refuse_other_verdict(given["verdict"], found)
    return (
        f"SimMIM against {baseline}: {found}. Though both means have bars of several points, every "
        "seed says nearly the same. Chosen on the test images, the baseline would have been the "
        "luckiest one, not the best."
    )


def _right_baseline(given: object) -> str:
    """Return the baseline to compare with: the best of them on validation images."""
    others = [name for name in VALIDATION if name != "SimMIM"]
    right = max(others, key=VALIDATION.__getitem__)
    if given == right:
        return right
    if given == "SimMIM":
        raise Wrong("SimMIM is what the report is about; compare it with one of the others.")
    if given not in others:
        raise Wrong(f"You name {shown(given)}; the baselines are: {', '.join(others)}.")
    if given == max(others, key=lambda name: sum(TEST[name])):
        raise Wrong(
            f"{shown(given)} is the best baseline on the *test* images, and that may be luck: the "
            "baseline is chosen on validation images."
        )
    raise Wrong(
        f"{shown(given)} is not the strongest baseline: a gain over a weak one says little. Take "
        "the best on validation images."
    )


def _mean_mistakes(found: Difference) -> list[Mistake]:
    on_validation = 100 * (VALIDATION["SimMIM"] - VALIDATION["fine-tune"])
    return [
        Mistake(-found.mean, "The sign is reversed: SimMIM minus baseline, so above 0 is a gain."),
        Mistake(found.mean / 100, "Give percentage points: multiply by 100."),
        Mistake(
            on_validation,
            "That is the difference on validation images, on which the baseline was chosen: "
            "conclude from the test images.",
        ),
    ]


def _refuse_other_width(given: object, found: Difference, otherwise: str) -> None:
    """Refuse a half width that is neither right nor right to one decimal.

    Mistakes are known to one decimal, too, but for those that are less than that from right.
    """
    import numpy as np

    width = numbers(given, ())
    if is_close(width, round(found.half_width, 1), EXACT):
        return
    for mistake in _width_mistakes(found):
        is_near = abs(np.subtract(mistake.value, found.half_width)) < 2 * ONE_DECIMAL.absolute
        if is_close(width, mistake.value, CLOSE if is_near else ONE_DECIMAL):
            raise Wrong(mistake.message)
    compare(given, found.half_width, [], otherwise, CLOSE)


def _width_mistakes(found: Difference) -> list[Mistake]:
    import numpy as np
    from scipy.stats import t

    both = np.array([TEST["SimMIM"], TEST["fine-tune"]])
    separate = 100 * np.sqrt(both.var(axis=1, ddof=1).sum() / both.shape[1])
    unpaired = (
        "That is the half width of two unrelated means, and includes luck that both share: take "
        "the differences seed by seed."
    )
    seeds = both.shape[1]
    quantile, too_small = t.ppf(0.975, [seeds - 1, seeds])
    return [
        Mistake(found.half_width / 100, "Give percentage points: multiply by 100."),
        Mistake(
            found.half_width * np.sqrt(1 - 1 / seeds),
            "Your standard deviation divides by the number of seeds: it is one less, `ddof=1`.",
        ),
        Mistake(
            found.half_width * too_small / quantile,
            "Student's quantile has one degree of freedom less than there are seeds.",
        ),
        Mistake(t.ppf(0.975, both.shape[1] - 1) * separate, unpaired),
        Mistake(t.ppf(0.975, 2 * both.shape[1] - 2) * separate, unpaired),
    ]


def _refuse_other_verdict(given: object, found: Difference) -> None:
    word = str(given).strip().lower()
    if word not in VERDICTS:
        raise Wrong(
            f"Your verdict is {shown(given)}; the three verdicts are: {', '.join(VERDICTS)}."
        )
    if word == found.verdict:
        return
    ends = f"from {found.mean - found.half_width:+.1f} to {found.mean + found.half_width:+.1f}"
    raise Wrong(
        f"Your verdict is {shown(word)}, but your interval reaches {ends} points: what lies on one "
        "side of zero is a gain or a loss; only where zero lies inside is there no clear "
        "difference."
    )


@exercise("10-convolution-flops", "function")
def _convolution_flops(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    drawn = random.integers((5, 2, 2, 2, 2), (40, 6, 4, 9, 9), size=(4, 5)).tolist()
    for side, window, stride, inputs, outputs in ((7, 3, 2, 5, 11), (28, 3, 2, 1, 16), *drawn):
        right, mistakes = _flops_values(side, window, stride, inputs, outputs)
        otherwise = (
            f"For side={side}, window={window}, stride={stride}, inputs={inputs} and "
            f"outputs={outputs} it is {right:,}. Multiply: 2, the places of the output, the "
            "window, the input maps and the output maps."
        )
        compare(answer(side, window, stride, inputs, outputs), right, mistakes, otherwise, EXACT)
    return "The workbook's first convolution takes 56,448 operations for one digit."


def _flops_values(
    side: int, window: int, stride: int, inputs: int, outputs: int
) -> tuple[int, list[Mistake]]:
    """Give the number of operations, and what each known mistake makes of it."""
    rounded_up, floor = -(-side // stride), side // stride
    places, products = rounded_up**2, window * window * inputs * outputs
    return 2 * places * products, [
        Mistake(
            places * products,
            "You count one operation for each weight at each place: each product has to be "
            "added up, too.",
        ),
        Mistake(
            2 * side**2 * products,
            "You count as if the window stood at every place of the input: with a stride of 2 "
            "there are fewer.",
        ),
        Mistake(
            2 * floor**2 * products,
            "The side of the output is rounded up: 7 / 2 gives 4, because the image is padded.",
        ),
        Mistake(2 * products, "You count one place only: the window moves over the whole image."),
        Mistake(2 * places * window * window * inputs, "You count one output map only."),
        Mistake(
            2 * places * window * window * outputs,
            "You count one input map only: every output map looks at all of them.",
        ),
        Mistake(
            2 * places * window * inputs * outputs,
            "The window is square: it has `window * window` places.",
        ),
        Mistake(
            2 * rounded_up * products,
            "The image is square: the output has as many rows as columns.",
        ),
    ]
