"""Wrong answers to the exercises of lesson 08, each with words of the message it must get."""


def _mask(body: str) -> str:
    return f"import math\nimport numpy as np\ndef hide(units, ratio, random):\n{body}\n"


def _loss(expression: str) -> str:
    return (
        "import numpy as np\n"
        "def masked_loss(images, filled, mask):\n"
        "    errors, hidden = np.abs(images - filled), mask[..., None]\n"
        f"    return {expression}\n"
    )


_RANKS = "    ranks = random.permutation(units)\n"

WRONG_ANSWERS = {
    "08-mask": [
        (_mask("    return random.random(units) < ratio"), "differ from image to image"),
        (_mask(f"{_RANKS}    return ranks < math.floor(ratio * units)"), "round up"),
        (
            _mask(f"{_RANKS}    return ranks >= math.ceil(round(ratio * units, 9))"),
            "True is for what is hidden",
        ),
        (
            _mask("    return np.arange(units) < math.ceil(round(ratio * units, 9))"),
            "All your masks are the same",
        ),
        (
            _mask("    return np.random.permutation(units) < math.ceil(round(ratio * units, 9))"),
            "draw with the generator that you are given, not with",
        ),
        (
            _mask(
                "    mask = np.zeros(units, bool)\n"
                "    mask[random.choice(units, math.ceil(round(ratio * units, 9)))] = True\n"
                "    return mask"
            ),
            "nor one twice",
        ),
        (
            _mask(
                "    others = 1 + random.permutation(units - 1)\n"
                "    mask = np.arange(units) == 0\n"
                "    mask[others[: math.ceil(round(ratio * units, 9)) - 1]] = True\n"
                "    return mask"
            ),
            "Unit 0 of 36 is hidden in 100%",
        ),
        (
            _mask(
                "    hidden = math.ceil(round(ratio * units, 9))\n"
                "    odds = np.arange(1, units + 1) / sum(range(1, units + 1))\n"
                "    mask = np.zeros(units, bool)\n"
                "    mask[random.choice(units, hidden, replace=False, p=odds)] = True\n"
                "    return mask"
            ),
            "any unit must be as likely as any other",
        ),
        (
            _mask(
                "    mask = np.arange(units) < math.ceil(round(ratio * units, 9))\n"
                "    return np.roll(mask, random.integers(units))"
            ),
            "are hidden together",
        ),
        (_mask(f"{_RANKS}    return ranks < math.ceil(ratio * units)"), "above 7 for a computer"),
        (_mask(f"{_RANKS}    return ranks < int(ratio * units) + 1"), "you hide 11"),
        (_mask(f"{_RANKS}    return ranks < math.ceil(round(ratio * units, 1))"), "you hide 23"),
        (_mask(f"{_RANKS}    return ranks / units"), "yes or no"),
        (_mask(f"{_RANKS}    return ranks < 1"), "you hide 1"),
    ],
    "08-loss": [
        (_loss("errors.mean()"), "visible ones do not count"),
        (_loss("(errors * hidden).mean()"), "divided by the number of all"),
        (_loss("(errors * hidden).sum()"), "That is the sum"),
        (
            _loss("((images - filled) ** 2 * hidden).sum() / mask.sum() / images.shape[-1]"),
            "squared",
        ),
        (
            _loss("(errors * ~hidden).sum() / (~mask).sum() / images.shape[-1]"),
            "measured the visible",
        ),
        (
            _loss("((images - filled) * hidden).sum() / mask.sum() / images.shape[-1]"),
            "absolute value",
        ),
        (_loss("errors.max()"), "For images of shape (3, 4, 4, 1), with"),
    ],
    "08-rounding": [
        ("share = 0.6", "no part of a unit"),
        ("share = 21 / 36", "rounding down"),
        ("share = 22", "share of all 36"),
        ("share = 30 / 49", "224 pixels"),
        ("share = 14 / 36", "stays visible"),
        ("share = 0.5", "6 x 6 units"),
    ],
    "08-leak": [
        ("losses = (0.3, 0.1875)", "wrong order"),
        ("losses = (0.15, 0.3)", "not equally many"),
        ("losses = (0.1875, 0.1875)", "hidden patches alone"),
        ("losses = (0.1125, 0.3)", "visible patches"),
        ("losses = (0.2, 0.3)", "the loss is 0.1875"),
    ],
}
