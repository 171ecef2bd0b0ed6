"""Exercises of lesson 08."""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simmim_lib.exercises import EXACT, Mistake, Wrong, compare, exercise, numbers

if TYPE_CHECKING:
    import numpy as np


@exercise("08-mask", "function")
def _mask(answer: Callable[..., Any]) -> str:
    import numpy as np

    random = np.random.default_rng()
    for units, ratio in (*_MANY_DRAWS, *_DECIMALS, *_drawn_cases(random)):
        many = (units, ratio) in _MANY_DRAWS
        seeds = range(600 if many else 40)
        masks = np.stack([_one_mask(answer, units, ratio, seed) for seed in seeds])
        _refuse_other_counts(masks, units, ratio)
        _refuse_the_same(masks)
        if many:
            _refuse_uneven(masks)
            _refuse_neighbours(masks)
        if (_one_mask(answer, units, ratio, seed=0) != masks[0]).any():
            raise Wrong(
                "Two generators with the same seed give two masks, so nobody could repeat what you "
                "did: draw with the generator that you are given, not with `np.random`."
            )
    return (
        "Every image hides the same number of units, and any unit is as likely as any other. That "
        "the number is exact keeps the loss of one image comparable with that of the next."
    )


_MANY_DRAWS = ((36, 0.6), (49, 0.6), (16, 0.6))
"""Units and ratios at which so many masks are drawn that an uneven choice shows."""

_DECIMALS = ((20, 0.5), (25, 0.28), (39, 0.59))
"""Where the product is a whole number, or nearly, for a computer or a person who rounds."""


def _drawn_cases(random: "np.random.Generator") -> list[tuple[int, float]]:
    return [(int(random.integers(9, 70)), float(random.integers(15, 85)) / 100) for _ in range(4)]


def _one_mask(answer: Callable[..., Any], units: int, ratio: float, seed: int) -> "np.ndarray":
    import numpy as np

    mask = numbers(answer(units, ratio, np.random.default_rng(seed)), (units,))
    if not np.isin(mask, (0, 1)).all():
        raise Wrong("A mask says yes or no of each unit: return True or False, or 1 or 0.")
    return mask.astype(bool)


def _refuse_other_counts(masks: "np.ndarray", units: int, ratio: float) -> None:
    right = math.ceil(round(ratio * units, 9))
    counts = masks.sum(axis=1)
    if (counts == right).all():
        return
    shown = f"Of {units} units at a ratio of {ratio:g}, {right} are to be hidden"
    if len(set(counts)) > 1:
        raise Wrong(
            f"{shown} in every image, but yours differ from image to image, here from "
            f"{counts.min()} to {counts.max()}: choose as many different units as are to be "
            "hidden, neither each by a coin, nor one twice."
        )
    if (counts == units - right).all():
        raise Wrong(f"{shown}; you hide the other {units - right}: True is for what is hidden.")
    if (counts == math.ceil(ratio * units)).all():
        raise Wrong(
            f"{shown}; you hide {counts[0]}, as {ratio:g} * {units} is a little above {right} for "
            "a computer: round the product to nine digits first."
        )
    if (counts == math.floor(ratio * units)).all():
        raise Wrong(f"{shown}, but you hide {counts[0]}: round up, with `math.ceil`.")
    raise Wrong(f"{shown}; you hide {counts[0]}.")


def _refuse_the_same(masks: "np.ndarray") -> None:
    if (masks == masks[0]).all():
        raise Wrong(
            "All your masks are the same: draw with the generator that you are given, such as "
            "`random.permutation(units)`."
        )


def _refuse_uneven(masks: "np.ndarray") -> None:
    """Refuse masks that prefer some units, beyond six standard deviations of chance."""
    import numpy as np

    often, share = masks.mean(axis=0), masks.mean()
    worst = int(np.abs(often - share).argmax())
    if abs(often[worst] - share) > 6 * math.sqrt(share * (1 - share) / len(masks)):
        raise Wrong(
            f"Unit {worst} of {len(often)} is hidden in {often[worst]:.0%} of your masks, where it "
            f"should be {share:.0%}: any unit must be as likely as any other."
        )


def _refuse_neighbours(masks: "np.ndarray") -> None:
    """Refuse masks in which two units are hidden together more or less often than by chance."""
    import numpy as np

    count, units = int(masks[0].sum()), masks.shape[1]
    chance = count * (count - 1) / units / (units - 1)
    together = masks.T.astype(float) @ masks / len(masks)
    np.fill_diagonal(together, chance)
    one, other = divmod(int(np.abs(together - chance).argmax()), units)
    found = together[one, other]
    if abs(found - chance) > 6 * math.sqrt(chance * (1 - chance) / len(masks)):
        raise Wrong(
            f"Units {one} and {other} of {units} are hidden together in {found:.0%} of your masks, "
            f"where it should be {chance:.0%}: choose each unit without regard to where the others "
            "are."
        )


@exercise("08-loss", "function")
def _loss(answer: Callable[..., Any]) -> str:
    import numpy as np

    for size, channels, seed in ((4, 1, 0), (4, 3, None), (6, 2, None)):
        random = np.random.default_rng(seed)
        images, filled = random.random((2, 3, size, size, channels))
        mask = random.random((3, size, size)) < random.uniform(0.3, 0.7)
        mask[0, 0, 0] = True
        # What is seen is filled in better, so that no mistake comes out right by chance.
        filled = np.where(mask[..., None], filled, 0.9 * images + 0.1 * filled)
        right, mistakes = _losses(images, filled, mask)
        otherwise = (
            f"For images of shape {images.shape}, with {mask.sum()} of {mask.size} pixels hidden, "
            f"the loss is {right:.4f}."
        )
        compare(answer(images.copy(), filled.copy(), mask.copy()), right, mistakes, otherwise)
    return (
        "That is the whole objective. The authors' code adds 0.00001 to the number of hidden "
        "pixels, in case there are none."
    )


def _losses(
    images: "np.ndarray", filled: "np.ndarray", mask: "np.ndarray"
) -> tuple[float, list[Mistake]]:
    """Give the loss, and what each known mistake makes of it."""
    import numpy as np

    errors = np.abs(images - filled)
    hidden, channels = mask[..., None], images.shape[-1]
    total = float((errors * hidden).sum())
    count = int(mask.sum())
    squares = float(((images - filled) ** 2 * hidden).sum())
    return total / count / channels, [
        Mistake(
            float(errors.mean()),
            "You took the mean over all pixels: the visible ones do not count.",
        ),
        Mistake(
            float((errors * hidden).mean()),
            "You summed over the hidden pixels, but divided by the number of all: divide by the "
            "number of hidden ones.",
        ),
        Mistake(
            total / count,
            "You divided by the number of hidden pixels, but each has several channels: divide by "
            "their number, too.",
        ),
        Mistake(total, "That is the sum: divide by the number of hidden pixels and channels."),
        Mistake(
            squares / count / channels,
            "You squared the differences: the paper takes their absolute values.",
        ),
        Mistake(
            float((errors * ~hidden).sum()) / int((~mask).sum()) / channels,
            "You measured the visible pixels: the mask is True where a pixel is hidden.",
        ),
        Mistake(
            float(np.where(hidden, images - filled, 0).sum()) / count / channels,
            "You left out the absolute value: errors of both signs cancel.",
        ),
    ]


@exercise("08-rounding", "values")
def _rounding(answer: Any) -> str:
    compare(
        answer,
        22 / 36,
        [
            Mistake(21 / 36, "21 of 36 would be rounding down: the authors' code rounds up."),
            Mistake(0.6, "0.6 of 36 units is 21.6, and there is no part of a unit: round up."),
            Mistake(22, "That is the number of hidden units: give their share of all 36."),
            Mistake(30 / 49, "That is for 224 pixels: at 192, there are 6 x 6 units."),
            Mistake(14 / 36, "That is the share that stays visible."),
            Mistake(4 / 6, "Units are counted in the whole grid, not along one side."),
        ],
        "At 192 pixels there are 6 x 6 units of 32 pixels. What is 0.6 of them, rounded up, as a "
        "share of all?",
        EXACT,
    )
    return (
        "0.611, then, where the paper says 0.6; and 0.612 at 224 pixels. A ratio in a paper is "
        "what was asked for, and the fewer units there are, the more rounding changes it: in our "
        "grid of 4 x 4 it becomes 0.625."
    )


_HIDDEN_ERROR = 0.3
"""By how much the network of the exercise is off where a patch is hidden; elsewhere it copies."""


@exercise("08-leak", "values")
def _leak(answer: Any) -> str:
    everywhere = 10 * _HIDDEN_ERROR / 16
    given = numbers(answer, (2,))
    right = (everywhere, _HIDDEN_ERROR)
    compare(
        given,
        right,
        [
            Mistake(right[::-1], "Right numbers, wrong order: first the loss over all patches."),
            Mistake(
                (_HIDDEN_ERROR / 2, _HIDDEN_ERROR),
                "Hidden and visible patches are not equally many: 10 of 16 are hidden.",
            ),
            Mistake(
                (everywhere, everywhere),
                "The second loss covers the hidden patches alone, and all of them are off by "
                f"{_HIDDEN_ERROR}.",
            ),
            Mistake(
                (6 * _HIDDEN_ERROR / 16, _HIDDEN_ERROR),
                "You weighed by the visible patches: the error is in the 10 hidden ones.",
            ),
        ],
        f"Over all patches the loss is {everywhere:g}, over the hidden ones {_HIDDEN_ERROR:g}.",
    )
    return (
        "Copying what it sees lowers the first loss by more than a third, and the second by "
        "nothing. A loss over all patches pays a network for what it need not understand."
    )
