"""Checks of lesson 10: reports."""

from collections.abc import Callable

from simmim_lib.exercises import Mistake, Wrong, compare, exercise

VERDICTS = ("gain", "loss", "no clear difference")

_CASES = (
    ([0.90, 0.70, 0.81], [0.87, 0.66, 0.78], "gain"),
    ([0.87, 0.66, 0.78], [0.90, 0.70, 0.81], "loss"),
    ([0.80, 0.81, 0.79], [0.79, 0.82, 0.79], "no clear difference"),
    ([0.84, 0.80, 0.83], [0.81, 0.795, 0.78], "no clear difference"),
    ([0.832, 0.83, 0.838], [0.81, 0.79, 0.78], "no clear difference"),
)
"""Values, baseline, and what to say of them.

In the first two the ways' own intervals overlap, but every seed says the same. In the fourth, zero
is outside for anyone who takes the normal distribution's factor; in the last, also for anyone who
takes `ddof=0` or the factor for one side.
"""


@exercise("10-verdict")
def _verdict(answer: Callable) -> str:
    import numpy as np

    for values, baseline, right in _CASES:
        given = answer(np.array(values), np.array(baseline))
        if given is None:
            raise Wrong(
                "Your function returns nothing (`None`): end it with `return` and a verdict."
            )
        if not isinstance(given, str) or given not in VERDICTS:
            raise Wrong(f"You return {given!r}; the three verdicts are: {', '.join(VERDICTS)}.")
        if given != right:
            raise Wrong(_why(given, right, values, baseline))
    return (
        "With three seeds the factor is 4.3 and not 1.96: the fewer the seeds, the less is known "
        "about their spread, and the wider the interval has to be."
    )


def _why(given: str, right: str, values: list[float], baseline: list[float]) -> str:
    case = f"for values {values} and baseline {baseline}"
    if {given, right} == {"gain", "loss"}:
        return f"You say {given!r} {case}: the sign is the wrong way round."
    if values == _CASES[3][0]:
        return (
            f"You say {given!r} {case}: your interval is much too narrow for three seeds. Take the "
            "factor from Student's t with 2 degrees of freedom."
        )
    if values == _CASES[4][0]:
        return (
            f"You say {given!r} {case}: your interval is a little too narrow. Take `ddof=1`, and "
            "the factor for both sides, at 0.975."
        )
    if right == "no clear difference":
        return f"You say {given!r} {case}, but zero lies inside the interval."
    return (
        f"You find nothing {case}, but all seeds differ by nearly the same amount. Take the "
        "interval of the differences, seed by seed; the intervals of the two means include luck "
        "that both share."
    )


@exercise("10-convolution-flops")
def _convolution_flops(answer: Callable) -> str:
    side, window, stride, inputs, outputs = 7, 3, 2, 5, 11
    places = 4 * 4
    products = window * window * inputs * outputs
    compare(
        answer(side, window, stride, inputs, outputs),
        2 * places * products,
        [
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
                2 * 9 * products,
                "The side of the output is rounded up: 7 / 2 gives 4, because the image is padded.",
            ),
            Mistake(
                2 * products, "You count one place only: the window moves over the whole image."
            ),
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
                2 * 4 * products, "The image is square: the output has as many rows as columns."
            ),
        ],
        "That is not the number. Multiply: 2, the places of the output, the window, the input maps "
        "and the output maps.",
    )
    # A second shape, so that no constant passes.
    compare(
        answer(28, 3, 2, 1, 16),
        2 * 14 * 14 * 9 * 16,
        (),
        "The first shape was right, but the workbook's first convolution was not: do not hard-code "
        "a size in your function.",
    )
    return "The workbook's first convolution takes 56,448 operations for one digit."
