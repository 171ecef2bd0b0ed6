"""Six runs, of which some are private: what each has done, and what is to be said of it.

Source: the pitfalls that the documentation of the library jax-privacy lists.
"""

from typing import NamedTuple


class Run(NamedTuple):
    """How somebody has trained.

    Attributes:
        lines: what they did.
        private: whether the promise holds.
        because: why.
    """

    lines: tuple[str, ...]
    private: bool
    because: str


_LOOP = (
    "for each of 60 steps:",
    "    batch = shuffled list of hospital images, cut every 1,000",
    "    each gradient is shortened to length 0.5, then added up",
    "    noise of 0.5 x 8.1 is added to the sum",
    "    step = rate x sum / 1,000",
)


def _loop(**changes: str) -> tuple[str, ...]:
    """Return the lines of a right training, some of them replaced."""
    right = {
        "batch": "    each image is drawn with chance 1/4, by a coin of its own",
        "clip": _LOOP[2],
        "noise": _LOOP[3],
        "step": _LOOP[4],
    }
    return ("4,000 images, frozen public trunk", _LOOP[0], *{**right, **changes}.values())


RUNS = (
    Run(
        _loop(batch=_LOOP[1]),
        False,
        "The accountant's number is for batches drawn by chance, in which nobody's place is\n"
        "certain. Here everybody is in exactly one batch of each pass. Whatever epsilon this\n"
        "has, it is not the one that was computed.",
    ),
    Run(
        _loop(clip="    each image is shown in 4 views; their mean gradient is shortened to 0.5"),
        True,
        "The views of an image are one person's. Their mean is shortened as a whole, so that\n"
        "the person moves the sum by 0.5 at most, and counts once: augmentation is free.",
    ),
    Run(
        _loop(step="    step = rate x sum / number of images in this batch"),
        False,
        "How many images a batch holds depends on who is in it. Divided by that number, the\n"
        "noise and everybody else's gradients change with one person, too. Divide by the\n"
        "expected size, 1,000.",
    ),
    Run(
        (*_loop(), "of 30 such runs, the best on the hospital's images is published"),
        False,
        "Thirty runs have looked at the images, and the choice among them looked again: all of\n"
        "that must be accounted for. Choose rate and clip on public images instead.",
    ),
    Run(
        _loop(clip="    the batch's mean gradient is shortened to length 0.5, then x 1,000"),
        False,
        "A mean that is short may still be made by one person with a very long gradient. The\n"
        "noise is for a sum in which each person has 0.5 at most: shorten before you add.",
    ),
    Run(
        (*_loop(), "the head is fine-tuned for 3 epochs on public glyphs, and published"),
        True,
        "Whatever is done with a private result, without looking at the images again, is as\n"
        "private as it was: that is called post-processing.",
    ),
)


def verdict(number: int, says_private: bool) -> str:
    """Return what is to be said of an answer.

    Args:
        number: of the run, from 0.
        says_private: the answer.
    """
    run = RUNS[number]
    right = "Right" if says_private == run.private else "No"
    is_private = "private" if run.private else "not private, or not as claimed"
    return f"{right}: this run is {is_private}.\n{run.because}"
